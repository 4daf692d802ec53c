/*
 * ad.h - the connector for Active Directory domains
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_AD_H
#define CONNECTORS_LDAP_AD_H

#include "connector/connector.h"

extern const struct connector_ops ad_connector;

#endif
