/*
 * project.c - a new metaverse object for one that found no partner
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

/* The type that the rule names: one of the rule set's. */
static int named_type(struct sync *sync, const struct config_rule_set *rule_set,
		      struct sv name, size_t *out, struct error *err)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++) {
		*out = rule_set->mv_types[i];
		if (sv_ieq_str(name, sync->config->mv_types[*out].name))
			return 1;
	}
	return object_error(err, "extension-projection-invalid-object-type",
			    "project of '%s' gave '" SV_FMT "', which is not "
			    "among its types of the metaverse",
			    rule_set->name, SV_ARG(name));
}

/* 1 *out is the type to make, 0 none, -1 */
static int rule_type(struct sync *sync, const struct config_rule_set *rule_set,
		     const struct expr_result *result, size_t *out,
		     struct error *err)
{
	const struct value *v = result->values.at;

	if (result->kind != EXPR_VALUES)
		return 0;
	if (result->values.len == 1 && v->type == VALUE_STRING)
		return v->text.len
			       ? named_type(sync, rule_set, v->text, out, err)
			       : 0;
	if (result->values.len != 1 || v->type != VALUE_BOOLEAN)
		return object_error(err, "projection-error",
				    "project of '%s' must give true, false or "
				    "the name of a type",
				    rule_set->name);
	if (v->number && rule_set->mv_type_count > 1)
		return object_error(
			err, "extension-projection-object-type-not-set",
			"project of '%s' gave true, but the rule set has %zu "
			"types of the metaverse: it must name one",
			rule_set->name, rule_set->mv_type_count);
	*out = rule_set->project_type;
	return v->number != 0;
}

/* 1 *out is the type to make, 0 none, -1 */
static int wanted_type(struct sync *sync, struct work_cs *cs,
		       const struct config_rule_set *rule_set, size_t *out,
		       struct error *err)
{
	struct rules_view rules = { 0 };
	struct expr_result result;
	struct cs_view view;

	*out = rule_set->project_type;
	if (rule_set->project != PROJECT_RULE)
		return rule_set->project == PROJECT_YES;
	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	if (rules_eval(&sync->rules, rule_set->project_rule, &rules,
		       &sync->scratch, &result, err) < 0)
		return error_context(err, "projection-error: project of '%s'",
				     rule_set->name);
	return rule_type(sync, rule_set, &result, out, err);
}

int project(struct sync *sync, struct work_cs *cs,
	    const struct config_rule_set *rule_set, struct work_mv **out,
	    struct error *err)
{
	size_t type;
	int wanted = wanted_type(sync, cs, rule_set, &type, err);

	if (wanted < 0)
		return -1;
	if (!wanted) {
		trace(sync, "project", "not-projected", rule_set, cs->e.row.id,
		      0, "%s",
		      rule_set->project == PROJECT_NO
			      ? "the rule set does not project"
			      : "the rule set's condition for it is false");
		return 0;
	}
	*out = work_new_mv(sync, &sync->mv_types[type], err);
	if (!*out)
		return -1;
	(*out)->row.projected = cs->e.row.id;
	trace(sync, "project", "projected", rule_set, cs->e.row.id,
	      (*out)->row.id, "projected as a new %s",
	      (*out)->plan->type->name);
	return 1;
}
