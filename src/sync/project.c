/*
 * project.c - a new metaverse object for one that found no partner
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

int project(struct sync *sync, struct work_cs *cs,
	    const struct config_rule_set *rule_set, struct work_mv **out,
	    struct error *err)
{
	struct rules_view rules = { 0 };
	struct cs_view view;
	bool wanted = rule_set->project != PROJECT_NO;

	if (rule_set->project == PROJECT_RULE) {
		view_cs(sync, cs, &view);
		rules.here = view_expected(&view);
		rules.imported = view_imported(&view);
		if (rules_condition(&sync->rules, rule_set->project_rule,
				    &rules, &sync->scratch, &wanted, err) < 0)
			return error_context(err,
					     "projection-error: project of "
					     "'%s'",
					     rule_set->name);
	}
	if (!wanted) {
		trace(sync, "project", "not-projected", rule_set, cs->e.row.id,
		      0, "%s",
		      rule_set->project == PROJECT_NO
			      ? "the rule set does not project"
			      : "the rule set's condition for it is false");
		return 0;
	}
	*out = work_new_mv(sync, &sync->mv_types[rule_set->project_type], err);
	if (!*out)
		return -1;
	(*out)->row.projected = cs->e.row.id;
	trace(sync, "project", "projected", rule_set, cs->e.row.id,
	      (*out)->row.id, "projected as a new %s",
	      (*out)->plan->type->name);
	return 1;
}
