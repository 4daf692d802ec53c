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
