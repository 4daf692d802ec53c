/*
 * nt4.h - the connector for Windows NT 4 domains
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_NT4_NT4_H
#define CONNECTORS_NT4_NT4_H

#include "connector/connector.h"

extern const struct connector_ops nt4_connector;

#endif
