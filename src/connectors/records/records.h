/*
 * records.h - connectors for files of records
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_RECORDS_H
#define CONNECTORS_RECORDS_RECORDS_H

#include "connector/connector.h"

extern const struct connector_ops json_connector;
extern const struct connector_ops jsonl_connector;
extern const struct connector_ops fixed_connector;
extern const struct connector_ops avp_connector;
extern const struct connector_ops xml_connector;
extern const struct connector_ops xls_connector;
extern const struct connector_ops xlsx_connector;
extern const struct connector_ops dbf_connector;
extern const struct connector_ops access_connector;

#endif
