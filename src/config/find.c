/*
 * find.c - look things up in a snapshot by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

const struct config_agent *config_agent_find(const struct config *config,
					     struct sv name)
{
	size_t i;

	for (i = 0; i < config->agent_count; i++)
		if (sv_ieq_str(name, config->agents[i].name))
			return &config->agents[i];
	return NULL;
}

const struct config_mv_type *config_mv_type_find(const struct config *config,
						 struct sv name)
{
	size_t i;

	for (i = 0; i < config->mv_type_count; i++)
		if (sv_ieq_str(name, config->mv_types[i].name))
			return &config->mv_types[i];
	return NULL;
}

const struct config_mv_attr *
config_mv_attr_find(const struct config_mv_type *type, attr_id id)
{
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		if (type->attrs[i].attr.id == id)
			return &type->attrs[i];
	return NULL;
}

attr_id config_attr_id(const struct config *config, struct sv name)
{
	const struct snapshot *snapshot = (const struct snapshot *)config;
	uint64_t id;

	return namemap_get(snapshot->attr_ids, name, &id) ? (attr_id)id
							  : ATTR_NONE;
}

static const struct node *anchor_node(const struct config_agent *agent,
				      size_t type)
{
	const struct node *types = node_get(agent->connect, "types");
	const struct node *own =
		node_get(node_get(types, agent->types[type].name), "anchor");

	return own ? own : node_get(agent->connect, "anchor");
}

size_t config_anchor_attrs(const struct config_agent *agent, size_t type,
			   attr_id out[CONFIG_ANCHOR_MAX])
{
	const struct node *node = anchor_node(agent, type);
	size_t count = node && node->kind == NODE_LIST ? node->len : 1;
	size_t i;

	if (!node || node->kind == NODE_MAP || count > CONFIG_ANCHOR_MAX)
		return 0;
	for (i = 0; i < count; i++) {
		const struct node *name =
			node->kind == NODE_LIST ? node->items[i] : node;
		size_t attr;

		if (!object_type_attr(&agent->types[type], name->text, &attr))
			return 0;
		out[i] = agent->type_attr_ids[type][attr];
	}
	return count;
}
