/*
 * postgresql.h - the connector for PostgreSQL, over its own library
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_POSTGRESQL_H
#define CONNECTORS_SQL_POSTGRESQL_H

#include "connector/connector.h"

extern const struct connector_ops postgresql_connector;

#endif
