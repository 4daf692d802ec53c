/*
 * memory.h - the reference connector: a directory in memory, for tests
 *
 * It shows what the contract means in the least code, and fails on purpose
 * when it is told to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_MEMORY_MEMORY_H
#define CONNECTORS_MEMORY_MEMORY_H

#include "connector/connector.h"

extern const struct connector_ops memory_connector;

#endif
