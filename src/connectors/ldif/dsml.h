/*
 * dsml.h - connector for a directory kept in DSML documents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_DSML_H
#define CONNECTORS_LDIF_DSML_H

#include "connector/connector.h"

extern const struct connector_ops dsml_connector;

#endif
