/*
 * adlds.h - the connector for AD LDS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_ADLDS_H
#define CONNECTORS_LDAP_ADLDS_H

#include "connector/connector.h"

extern const struct connector_ops adlds_connector;

#endif
