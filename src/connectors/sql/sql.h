/*
 * sql.h - the connector for any database that has an ODBC driver
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_SQL_H
#define CONNECTORS_SQL_SQL_H

#include "connector/connector.h"

extern const struct connector_ops sql_connector;

#endif
