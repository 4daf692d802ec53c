/*
 * openldap.h - the connector for OpenLDAP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_OPENLDAP_H
#define CONNECTORS_LDAP_OPENLDAP_H

#include "connector/connector.h"

extern const struct connector_ops openldap_connector;

#endif
