/*
 * filter.c - which rule set an object belongs to, and the connector filter
 *
 * The first of the six steps. An unlinked object belongs to the first rule set
 * in file order whose type and scope fit; the filter then keeps objects out
 * that are not to be connected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

int filter_in_scope(struct sync *sync, struct work_cs *cs,
		    const struct config_rule_set *rule_set, struct error *err)
{
	struct rules_view rules = { 0 };
	struct cs_view view;
	bool fits;

	if (!cs->agent || rule_set->agent != cs->agent->agent->index ||
	    cs->agent->types[rule_set->type] != cs->e.row.type)
		return 0;
	if (!rule_set->scope)
		return 1;
	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	if (rules_condition(&sync->rules, rule_set->scope, &rules,
			    &sync->scratch, &fits, err) < 0)
		return error_context(err, "scope-error: scope of '%s'",
				     rule_set->name);
	return fits;
}

int filter_select(struct sync *sync, struct work_cs *cs,
		  const struct config_rule_set **out, struct error *err)
{
	const struct config_agent *agent;
	size_t i;

	*out = NULL;
	if (!cs->agent)
		return 0;
	agent = cs->agent->agent;
	for (i = 0; i < agent->rule_set_count; i++) {
		int fits = filter_in_scope(sync, cs, &agent->rule_sets[i], err);

		if (fits < 0)
			return -1;
		if (fits) {
			*out = &agent->rule_sets[i];
			return 1;
		}
	}
	return 0;
}

/* `line` holds, or with 0 none. */
static void trace_filter(struct sync *sync, const struct work_cs *cs,
			 const struct config_rule_set *rule_set, size_t line)
{
	struct sync_event event = {
		.step = "filter",
		.found = line ? "filtered" : "passed",
		.rule_set = rule_set,
		.line = line,
		.cs = cs->e.row.id,
		.mv = cs->e.link.mv,
	};

	if (line)
		trace_event(sync, &event, "filtered by " SV_FMT,
			    SV_ARG(expr_source(rule_set->filters[line - 1])));
	else
		trace_event(sync, &event, "no line of the filter holds");
}

int filter_matches(struct sync *sync, struct work_cs *cs,
		   const struct config_rule_set *rule_set, struct error *err)
{
	struct rules_view rules = { 0 };
	struct cs_view view;
	bool hit = false;
	size_t i;

	if (!rule_set->filter_count)
		return 0;
	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	for (i = 0; i < rule_set->filter_count && !hit; i++) {
		if (rules_condition(&sync->rules, rule_set->filters[i], &rules,
				    &sync->scratch, &hit, err) < 0)
			return error_context(err,
					     "filter-error: filter of '%s'",
					     rule_set->name);
	}
	if (sync->trace)
		trace_filter(sync, cs, rule_set, hit ? i : 0);
	return hit;
}

void filter_trace_none(struct sync *sync, struct work_cs *cs)
{
	const struct config_agent *agent = cs->agent ? cs->agent->agent : NULL;
	size_t i;

	if (!sync->trace)
		return;
	for (i = 0; agent && i < agent->rule_set_count; i++)
		if (cs->agent->types[agent->rule_sets[i].type] ==
		    cs->e.row.type)
			trace(sync, "filter", "out-of-scope",
			      &agent->rule_sets[i], cs->e.row.id, 0,
			      "rule set '%s' does not take it: its scope is "
			      "false",
			      agent->rule_sets[i].name);
	trace(sync, "filter", "no-rule-set", NULL, cs->e.row.id, 0,
	      "no rule set fits: it stays a disconnector");
}
