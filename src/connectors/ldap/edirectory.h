/*
 * edirectory.h - the connector for NetIQ (Novell) eDirectory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_EDIRECTORY_H
#define CONNECTORS_LDAP_EDIRECTORY_H

#include "connector/connector.h"

extern const struct connector_ops edirectory_connector;

#endif
