/*
 * plugin.h - connectors that are built elsewhere and loaded when an agent names
 * their file
 *
 * A plug-in is a shared object with one function,
 *
 *	const struct connector_ops *conjoin_connector(uint32_t abi);
 *
 * which gives its table, or NULL when it was not built for this CONNECTOR_ABI.
 * It runs inside the program with all its rights: only files that nobody but
 *root and the account itself can have written are taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_PLUGIN_H
#define CONNECTOR_PLUGIN_H

#include "connector/connector.h"

#define CONNECTOR_PLUGIN_SYMBOL "conjoin_connector"

typedef const struct connector_ops *(*connector_plugin_fn)(uint32_t abi);

/* The table of the plug-in in this file, until the program ends; or NULL. */
const struct connector_ops *connector_plugin(const char *path,
					     struct error *err);

#endif
