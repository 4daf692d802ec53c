/*
 * ldif.h - connector for a directory kept in LDIF files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_H
#define CONNECTORS_LDIF_LDIF_H

#include "connector/connector.h"

extern const struct connector_ops ldif_connector;

#endif
