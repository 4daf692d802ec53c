/*
 * sun.h - the connector for 389 Directory Server and the servers of its family
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_SUN_H
#define CONNECTORS_LDAP_SUN_H

#include "connector/connector.h"

extern const struct connector_ops sun_connector;

#endif
