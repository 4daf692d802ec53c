/*
 * ldap.h - the connector for any LDAP v3 directory server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_LDAP_H
#define CONNECTORS_LDAP_LDAP_H

#include "connector/connector.h"

extern const struct connector_ops ldap_connector;

#endif
