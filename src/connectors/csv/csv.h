/*
 * csv.h - connector for delimited text files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_H
#define CONNECTORS_CSV_CSV_H

#include "connector/connector.h"

extern const struct connector_ops csv_connector;
/* The same by another name. */
extern const struct connector_ops delimited_connector;

#endif
