/*
 * domino.h - the connector for the directory of Domino (Lotus Notes)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_DOMINO_H
#define CONNECTORS_LDAP_DOMINO_H

#include "connector/connector.h"

extern const struct connector_ops domino_connector;

#endif
