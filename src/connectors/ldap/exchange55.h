/*
 * exchange55.h - the connector for the directory of Exchange Server 5.5
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_EXCHANGE55_H
#define CONNECTORS_LDAP_EXCHANGE55_H

#include "connector/connector.h"

extern const struct connector_ops exchange55_connector;

#endif
