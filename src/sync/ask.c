/*
 * ask.c - Lua functions that are given more than one object: which candidate
 * joins, whether a metaverse object goes, whose value counts
 *
 * All other { lua: f } are expressions like any other (expr, rules).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/clock.h"

#include <string.h>

static struct expr_arg text_arg(struct sync *sync, const char *text)
{
	struct expr_arg arg = { .kind = EXPR_ARG_VALUES };

	arg.values.at = arena_array(&sync->scratch, 1, sizeof(struct value));
	arg.values.at[0] = value_string(sv_from(text));
	arg.values.len = 1;
	return arg;
}

static struct expr_arg value_arg(struct sync *sync, struct value value)
{
	struct expr_arg arg = { .kind = EXPR_ARG_VALUES };

	arg.values.at = arena_array(&sync->scratch, 1, sizeof(struct value));
	arg.values.at[0] = value;
	arg.values.len = 1;
	return arg;
}

/* A number from 1 to `count` as the result; NULL is 0. */
static int index_of(const struct expr_extern *fn,
		    const struct expr_result *result, size_t count,
		    const char *code, const char *of, size_t *out,
		    struct error *err)
{
	const struct value *v = result->values.at;

	*out = 0;
	if (result->kind != EXPR_VALUES)
		return 0;
	if (result->values.len != 1 || v->type != VALUE_INTEGER)
		return object_error(err, code,
				    "%s (%s) must return the number of a %s, "
				    "or nil",
				    fn->name, fn->where, of);
	if (v->number < 1 || v->number > (int64_t)count)
		return object_error(err, code,
				    "%s (%s) returned %lld, there %s %zu %s%s",
				    fn->name, fn->where, (long long)v->number,
				    count == 1 ? "is" : "are", count, of,
				    count == 1 ? "" : "s");
	*out = (size_t)v->number;
	return 1;
}

/* ---- join: which candidate ---- */

int ask_candidate(struct sync *sync, const struct config_rule_set *rule_set,
		  const struct rules_view *rules, struct work_mv **candidates,
		  size_t count, size_t *out, struct error *err)
{
	const struct config_lua *lua = &rule_set->resolve_lua;
	struct rules_given *given =
		arena_array(&sync->scratch, count + 1, sizeof(*given));
	struct expr_arg *items =
		arena_array(&sync->scratch, count + 1, sizeof(*items));
	struct expr_arg args[2];
	struct expr_result result;
	size_t i;

	args[0] = rules_give(&sync->rules, rules, EXPR_VIEW_HERE, lua->fields,
			     &given[count]);
	for (i = 0; i < count; i++) {
		struct rules_view view = { .metaverse =
						   view_mv(candidates[i]) };

		items[i] = rules_give(&sync->rules, &view, EXPR_VIEW_METAVERSE,
				      lua->others, &given[i]);
	}
	args[1] = (struct expr_arg){ .kind = EXPR_ARG_LIST,
				     .items = items,
				     .count = count };
	if (rules_call(&sync->rules, lua->fn, args, 2, &sync->scratch, &result,
		       err) < 0)
		return -1;
	return index_of(lua->fn, &result, count,
			"extension-join-resolution-index-out-of-bounds",
			"candidate", out, err);
}

/* ---- deletion ---- */

static const char *const LINK_NAMES[] = { "agent", "rule_set" };

static struct expr_arg link_arg(struct sync *sync,
				const struct config_rule_set *rule_set)
{
	struct expr_arg *items = arena_array(&sync->scratch, 2, sizeof(*items));

	items[0] = text_arg(sync, sync->config->agents[rule_set->agent].name);
	items[1] = text_arg(sync, rule_set->name);
	return (struct expr_arg){ .kind = EXPR_ARG_RECORD,
				  .items = items,
				  .names = LINK_NAMES,
				  .count = 2 };
}

static struct expr_arg links_arg(struct sync *sync, const struct work_mv *mv)
{
	struct expr_arg *items =
		arena_array(&sync->scratch, mv->link_count + 1, sizeof(*items));
	struct expr_arg arg = { .kind = EXPR_ARG_LIST, .items = items };
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		if (mv->links[i]->rule_set)
			items[arg.count++] =
				link_arg(sync, mv->links[i]->rule_set);
	return arg;
}

int ask_deletion(struct sync *sync, const struct work_mv *mv,
		 const struct config_rule_set *lost, struct error *err)
{
	const struct config_lua *lua = &mv->plan->type->delete_lua;
	struct rules_view view = { .here = view_mv(mv) };
	struct rules_given given;
	struct expr_result result;
	struct expr_arg args[3] = { { .kind = EXPR_ARG_VALUES } };

	args[0] = rules_give(&sync->rules, &view, EXPR_VIEW_HERE, lua->fields,
			     &given);
	if (lost)
		args[1] = link_arg(sync, lost);
	args[2] = links_arg(sync, mv);
	if (rules_call(&sync->rules, lua->fn, args, 3, &sync->scratch, &result,
		       err) < 0)
		return -1;
	if (result.kind == EXPR_NULL)
		return 0;
	if (result.kind != EXPR_VALUES || result.values.len != 1 ||
	    result.values.at[0].type != VALUE_BOOLEAN)
		return object_error(err, "extension-unexpected-attribute-value",
				    "%s (%s) must return true or false",
				    lua->fn->name, lua->fn->where);
	return result.values.at[0].number != 0;
}

/* ---- whose value ---- */

static struct expr_arg contribution_arg(struct sync *sync,
					const struct contribution *c)
{
	static const char *const names[] = { "agent",   "rule_set", "value",
					     "current", "changed",  "since" };
	struct expr_arg *items = arena_array(&sync->scratch, 6, sizeof(*items));
	struct expr_arg arg = { .kind = EXPR_ARG_RECORD,
				.items = items,
				.names = names,
				.count = 5 };

	items[0] =
		text_arg(sync, sync->config->agents[c->rule_set->agent].name);
	items[1] = text_arg(sync, c->rule_set->name);
	items[2] = (struct expr_arg){ .kind = EXPR_ARG_VALUES,
				      .values = c->values,
				      .list = c->list };
	items[3] = value_arg(sync, value_boolean(c->current));
	items[4] = value_arg(sync, value_boolean(c->changed));
	if (c->current) {
		items[5] = value_arg(sync, value_datetime(c->since));
		arg.count = 6;
	}
	return arg;
}

int ask_contributor(struct sync *sync, const struct config_mv_attr *attr,
		    const struct contribution *all, size_t count, size_t *out,
		    struct error *err)
{
	struct expr_arg *items =
		arena_array(&sync->scratch, count + 1, sizeof(*items));
	struct expr_arg arg = { .kind = EXPR_ARG_LIST,
				.items = items,
				.count = count };
	struct expr_result result;
	size_t i;

	for (i = 0; i < count; i++)
		items[i] = contribution_arg(sync, &all[i]);
	if (rules_call(&sync->rules, attr->choose, &arg, 1, &sync->scratch,
		       &result, err) < 0)
		return -1;
	if (result.kind == EXPR_IGNORE)
		return 2;
	return index_of(attr->choose, &result, count,
			"extension-unexpected-attribute-value", "contributor",
			out, err);
}
