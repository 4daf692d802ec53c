/*
 * ruleset.c - one entry under `objects:` of an agent
 *
 * First declared (name, types, attributes), so that all rules can name them;
 * then its rules are read in the order of the six steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

/* --- declaration ------------------------------------------------------- */

static bool has_mv_type(const struct config_rule_set *rule_set, size_t index)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == index)
			return true;
	return false;
}

/* False: there is no such type (reported). */
static bool add_mv_type(struct loader *loader, struct config_rule_set *rule_set,
			const struct node *node)
{
	const struct config_mv_type *type;

	if (node->kind != NODE_SCALAR) {
		problem_report(loader, node,
			       "'metaverse' is a type or a list of types");
		return false;
	}
	type = mv_type_named(loader, node);
	if (!type)
		return false;
	if (has_mv_type(rule_set, type->index))
		problem_report(loader, node, "this is named twice");
	else
		rule_set->mv_types[rule_set->mv_type_count++] = type->index;
	return true;
}

static void declare_mv_types(struct loader *loader,
			     struct config_rule_set *rule_set,
			     struct rule_set_draft *draft)
{
	const struct node *list = read_find(draft->node, "metaverse");
	size_t count = read_len(list);
	size_t i;

	rule_set->mv_types =
		arena_array(loader->arena, count, sizeof(*rule_set->mv_types));
	if (count == 0)
		problem_report(loader, rule_set->at,
			       "rule set '%s' does not say which type of the "
			       "metaverse its objects are: add metaverse: TYPE",
			       rule_set->name);
	draft->mv_unknown = count == 0;
	for (i = 0; i < count; i++)
		if (!add_mv_type(loader, rule_set, read_item(list, i)))
			draft->mv_unknown = true;
}

void rule_set_declare(struct loader *loader, struct agent_draft *draft,
		      size_t index, const struct node *name,
		      const struct node *node)
{
	static const char *const keys[] = {
		"attributes", "type",      "scope",   "metaverse",   "filter",
		"join",       "ambiguous", "resolve", "project",     "import",
		"provision",  "export",    "was",     "deprovision", NULL,
	};
	struct config_rule_set *rule_set = &draft->agent->rule_sets[index];
	struct rule_set_draft *from = &draft->rule_sets[index];
	struct sv type;

	from->node = read_map(loader, node, "a rule set");
	read_keys(loader, from->node, keys);
	rule_set->name = arena_cstr(loader->arena, name->text);
	rule_set->agent = draft->agent->index;
	rule_set->index = index;
	rule_set->id = ++loader->rule_set_count;
	rule_set->at = name;
	if (!read_is_name(name->text))
		problem_report(loader, name,
			       "the name of a rule set has letters, digits, "
			       "'-' and '_' only");
	type = read_text(loader, read_find(from->node, "type"), "'type'");
	(void)draft_type(loader, draft, type.len ? type : name->text,
			 &rule_set->type);
	declare_mv_types(loader, rule_set, from);
	attrs_declare(loader, draft, rule_set->type,
		      read_find(from->node, "attributes"));
	type = read_text(loader, read_find(from->node, "was"), "'was'");
	if (type.len)
		rule_set->was = arena_cstr(loader->arena, type);
}

/* --- project ----------------------------------------------------------- */

/* `project: TYPE`: 1 it names one (or is reported), 0 it is something else */
static int project_type(struct loader *loader, struct config_rule_set *rule_set,
			const struct node *node)
{
	const struct config_mv_type *type =
		config_mv_type_find(loader->config, node->text);

	if (!type)
		return 0;
	rule_set->project = PROJECT_YES;
	rule_set->project_type = type->index;
	if (!has_mv_type(rule_set, type->index))
		problem_report(loader, node,
			       "type '%s' is not among the types under "
			       "'metaverse' of this rule set",
			       type->name);
	return 1;
}

/* A condition, or the name of a type: true if it may name one. */
static bool project_rule(struct scope *scope, struct config_rule_set *rule_set,
			 const struct node *node)
{
	const struct expr *expr = scope_rule(scope, node);
	enum value_type type = expr ? expr_type(expr) : VALUE_NULL;

	rule_set->project = PROJECT_RULE;
	rule_set->project_rule = expr;
	if (type != VALUE_NULL && type != VALUE_BOOLEAN && type != VALUE_STRING)
		problem_report(scope->loader, node,
			       "'project' is true or false, or the name of a "
			       "type; this is of type %s",
			       value_type_name(type));
	return type != VALUE_BOOLEAN;
}

static void read_project(struct scope *scope, struct config_rule_set *rule_set,
			 const struct node *node)
{
	struct loader *loader = scope->loader;
	bool on = true;
	bool names = false;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR && project_type(loader, rule_set, node))
		return;
	if (node->kind == NODE_SCALAR &&
	    setting_parse_switch(node->text, &on)) {
		rule_set->project = on ? PROJECT_YES : PROJECT_NO;
	} else {
		names = project_rule(scope, rule_set, node);
	}
	if (rule_set->mv_type_count)
		rule_set->project_type = rule_set->mv_types[0];
	if (on && !names && rule_set->mv_type_count > 1)
		problem_report(
			loader, node,
			"this rule set has several metaverse types: say "
			"which a new object gets, as in project: %s",
			loader->config->mv_types[rule_set->mv_types[0]].name);
}

/* --- the other steps --------------------------------------------------- */

static void read_ambiguous(struct loader *loader,
			   struct config_rule_set *rule_set,
			   const struct node *node)
{
	static const char *const words[] = { "stop", "next", "error", NULL };
	static const enum config_ambiguous kinds[] = { AMBIGUOUS_STOP,
						       AMBIGUOUS_NEXT,
						       AMBIGUOUS_ERROR };
	int word = read_word(loader, read_find(node, "ambiguous"),
			     "'ambiguous'", words, 0);

	rule_set->ambiguous = kinds[word < 0 ? 0 : word];
}

/* `resolve`: a condition on each candidate, or a function that picks. */
static void read_resolve(struct scope *scope, struct config_rule_set *rule_set,
			 const struct node *node)
{
	static const char *const keys[] = { "lua", "reads", NULL };
	struct config_lua *lua = &rule_set->resolve_lua;

	if (!hook_here(node)) {
		rule_set->resolve = scope_condition(scope, node);
		return;
	}
	read_keys(scope->loader, node, keys);
	lua->fn = hook_function(scope->loader, node);
	lua->fields =
		hook_fields(scope, EXPR_VIEW_HERE, read_find(node, "reads"));
	lua->others = hook_fields(scope, EXPR_VIEW_METAVERSE, NULL);
}

static void read_inbound(struct loader *loader, struct agent_draft *draft,
			 struct config_rule_set *rule_set,
			 const struct rule_set_draft *from)
{
	struct scope scope = scope_inbound(loader, draft, rule_set);
	const struct node *node = from->node;

	rule_set->scope = scope_condition(&scope, read_find(node, "scope"));
	rule_set->filter_at = read_find(node, "filter");
	rule_set->filters = scope_conditions(&scope, rule_set->filter_at,
					     &rule_set->filter_count);
	read_project(&scope, rule_set, read_find(node, "project"));
	scope.allow |= EXPR_ALLOW_METAVERSE;
	scope.mv_types = rule_set->mv_types;
	scope.mv_type_count = rule_set->mv_type_count;
	scope.mv_unknown = from->mv_unknown;
	read_resolve(&scope, rule_set, read_find(node, "resolve"));
	read_ambiguous(loader, rule_set, node);
}

/* What only a system that can be written to may say. */
static void check_export_cap(struct loader *loader, struct agent_draft *draft,
			     const struct config_rule_set *rule_set,
			     const struct node *node)
{
	static const char *const keys[] = { "provision", "export", NULL };
	size_t i;

	if (draft_can(draft, CONNECTOR_CAP_EXPORT))
		return;
	for (i = 0; node && i < node->len; i++) {
		struct sv key = node->keys[i]->text;

		if (!sv_eq_str(key, keys[0]) && !sv_eq_str(key, keys[1]) &&
		    !(sv_eq_str(key, "deprovision") &&
		      (rule_set->deprovision == DEPROVISION_DELETE ||
		       rule_set->meanwhile_count)))
			continue;
		problem_report(loader, node->keys[i],
			       "agent '%s' cannot export: as 'connect' is "
			       "written, its system is only read",
			       draft->agent->name);
	}
}

void rule_set_rules(struct loader *loader, struct agent_draft *draft,
		    size_t index)
{
	struct config_rule_set *rule_set = &draft->agent->rule_sets[index];
	const struct rule_set_draft *from = &draft->rule_sets[index];

	read_inbound(loader, draft, rule_set, from);
	joins_read(loader, draft, rule_set, from);
	imports_read(loader, draft, rule_set, from);
	provision_read(loader, draft, rule_set, from);
	exports_read(loader, draft, rule_set, from);
	deprovision_read(loader, draft, rule_set, from);
	check_export_cap(loader, draft, rule_set, from->node);
}
