/*
 * reach.c - which attributes of sources come to an attribute of a target
 *
 * A path is made when it is first asked for: the metaverse attributes that the
 * target's rules read, then the attributes that the rules which fill these
 * read, a byte for each attribute of the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/reach.h"

#include "base/arena.h"
#include "base/map.h"

struct reach_source {
	size_t agent;
	size_t type;
	bool *attrs; /* [attr_id]; at ATTR_NONE: any of them */
	struct reach_source *next;
};

struct reach_path {
	size_t count; /* of attributes */
	bool *read;   /* [attr_id] of the metaverse */
	struct reach_source *sources;
};

struct reach {
	const struct config *config;
	struct arena arena;
	struct idmap paths; /* rule set and attribute -> it */
};

struct reach *reach_new(const struct config *config)
{
	struct reach *reach = mem_zalloc(sizeof(*reach));

	reach->config = config;
	return reach;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	idmap_release(&reach->paths);
	arena_release(&reach->arena);
	mem_free(reach);
}

/* ---- what rules read ---- */

struct marking {
	bool *attrs;
	size_t count;
};

static void mark(void *data, enum expr_view view, uint32_t id)
{
	struct marking *marking = data;

	/* Current("a") is the target's own: nothing comes from there */
	if (view != EXPR_VIEW_CURRENT && id <= marking->count)
		marking->attrs[id] = true;
}

static void mark_expr(const struct reach *reach, const struct expr *expr,
		      bool *attrs)
{
	struct marking marking = { attrs, reach->config->attr_count };
	size_t i;

	if (!expr)
		return;
	expr_reads(expr, mark, &marking);
	for (i = 1; expr_reads_all(expr) && i <= marking.count; i++)
		attrs[i] = true;
}

static void mark_name(const struct reach *reach,
		      const struct config_provision *how, bool *read)
{
	size_t i;
	size_t k;

	mark_expr(reach, how->dn, read);
	for (i = 0; i < how->unique_count; i++)
		for (k = 0;
		     how->unique[i].attr == ATTR_DN && k < how->unique[i].count;
		     k++)
			mark_expr(reach, how->unique[i].candidates[k], read);
}

static void mark_operation(const struct reach *reach,
			   const struct config_rule_set *target, bool *read)
{
	const struct config_provision *how = &target->provision;
	size_t i;

	mark_expr(reach, how->when, read);
	for (i = 0; i < how->require_count; i++)
		read[how->require[i]] = true;
	mark_name(reach, how, read);
	mark_expr(reach, target->deprovision_rule, read);
}

static void mark_flows(const struct reach *reach,
		       const struct config_export_flow *flows, size_t count,
		       attr_id attr, bool *read)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (flows[i].attr != attr)
			continue;
		mark_expr(reach, flows[i].source, read);
		mark_expr(reach, flows[i].when, read);
	}
}

static void mark_attr(const struct reach *reach,
		      const struct config_rule_set *target, attr_id attr,
		      bool *read)
{
	const struct config_provision *how = &target->provision;
	size_t i;
	size_t k;

	mark_flows(reach, target->exports, target->export_count, attr, read);
	mark_flows(reach, target->meanwhile, target->meanwhile_count, attr,
		   read);
	for (i = 0; i < how->initial_count; i++)
		if (how->initial[i].attr == attr)
			mark_expr(reach, how->initial[i].source, read);
	for (i = 0; i < how->unique_count; i++)
		for (k = 0;
		     how->unique[i].attr == attr && k < how->unique[i].count;
		     k++)
			mark_expr(reach, how->unique[i].candidates[k], read);
}

/* A key is made of attributes. */
static void mark_keys(const struct reach *reach, bool *read)
{
	size_t t;
	size_t i;

	for (t = 0; t < reach->config->mv_type_count; t++) {
		const struct config_mv_type *type = &reach->config->mv_types[t];

		for (i = 0; i < type->key_count; i++)
			if (read[type->keys[i].id])
				mark_expr(reach, type->keys[i].expr, read);
	}
}

/* ---- from where ---- */

static bool share_type(const struct config_rule_set *a,
		       const struct config_rule_set *b)
{
	size_t i;
	size_t k;

	for (i = 0; i < a->mv_type_count; i++)
		for (k = 0; k < b->mv_type_count; k++)
			if (a->mv_types[i] == b->mv_types[k])
				return true;
	return false;
}

static struct reach_source *source_of(struct reach *reach,
				      struct reach_path *path,
				      const struct config_rule_set *rule_set)
{
	struct reach_source *at = path->sources;

	while (at &&
	       (at->agent != rule_set->agent || at->type != rule_set->type))
		at = at->next;
	if (at)
		return at;
	at = arena_zalloc(&reach->arena, sizeof(*at));
	at->agent = rule_set->agent;
	at->type = rule_set->type;
	at->attrs = arena_zalloc(&reach->arena, reach->config->attr_count + 1);
	at->next = path->sources;
	path->sources = at;
	return at;
}

static void add_sources(struct reach *reach, struct reach_path *path,
			const struct config_rule_set *from)
{
	size_t i;

	for (i = 0; i < from->import_count; i++) {
		const struct config_import_flow *flow = &from->imports[i];
		struct reach_source *source;

		if (!path->read[flow->mv_attr])
			continue;
		source = source_of(reach, path, from);
		source->attrs[ATTR_NONE] = true;
		mark_expr(reach, flow->source, source->attrs);
		mark_expr(reach, flow->when, source->attrs);
	}
}

static struct reach_path *
make(struct reach *reach, const struct config_rule_set *target, attr_id attr)
{
	const struct config *config = reach->config;
	struct reach_path *path = arena_zalloc(&reach->arena, sizeof(*path));
	size_t a;
	size_t r;

	path->count = config->attr_count;
	path->read = arena_zalloc(&reach->arena, config->attr_count + 1);
	if (attr)
		mark_attr(reach, target, attr, path->read);
	else
		mark_operation(reach, target, path->read);
	mark_keys(reach, path->read);
	for (a = 0; a < config->agent_count; a++)
		for (r = 0; r < config->agents[a].rule_set_count; r++)
			if (share_type(target, &config->agents[a].rule_sets[r]))
				add_sources(reach, path,
					    &config->agents[a].rule_sets[r]);
	return path;
}

const struct reach_path *reach_to(struct reach *reach,
				  const struct config_rule_set *target,
				  attr_id attr)
{
	uint64_t key = (uint64_t)target->id << 32 | attr;
	struct reach_path *path = idmap_get_ptr(&reach->paths, key);

	if (!path) {
		path = make(reach, target, attr);
		idmap_put_ptr(&reach->paths, key, path);
	}
	return path;
}

bool reach_reads(const struct reach_path *path, attr_id mv_attr)
{
	return mv_attr <= path->count && path->read[mv_attr];
}

bool reach_from(const struct reach_path *path, size_t agent, size_t type,
		attr_id attr)
{
	const struct reach_source *at;

	for (at = path->sources; at; at = at->next)
		if (at->agent == agent && at->type == type)
			return attr <= path->count && at->attrs[attr];
	return false;
}
