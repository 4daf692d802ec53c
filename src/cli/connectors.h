/*
 * connectors.h - the connectors that are built in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CONNECTORS_H
#define CLI_CONNECTORS_H

#include "connector/connector.h"

/* Ends with NULL. */
extern const struct connector_ops *const connectors[];

#endif
