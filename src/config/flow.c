/*
 * flow.c - import and export flows of a rule set
 *
 * Each flow gets a number, by which lineage names it later. A rule stands in a
 * short form (a name or expression) or a long one ({ from: ... },
 * { value: ... }, { lookup: ... }).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

static uint32_t number_rule(struct loader *loader, const struct node *at,
			    struct sv name)
{
	const char *text = arena_printf(loader->arena, "%s:%d: " SV_FMT,
					at->file, at->line, SV_ARG(name));

	vec_push(&loader->rule_texts, text);
	return (uint32_t)(loader->rule_texts.len - 1);
}

/* --- the forms of a rule ----------------------------------------------- */

static bool read_value(struct loader *loader, const struct node *node,
		       const struct attr_def *target, struct value *out)
{
	enum value_type type = target->type == VALUE_NULL ? VALUE_STRING
							  : target->type;

	if (node->kind != NODE_SCALAR) {
		problem_report(loader, node,
			       "'value' is a text or a list of texts");
		return false;
	}
	if (value_parse(type, node->text, target->format, out))
		return true;
	problem_report(loader, node,
		       "'" SV_FMT "' is not a value of type %s, which '%s' has",
		       SV_ARG(node->text), value_type_name(type), target->name);
	return false;
}

static const struct expr *read_constant(struct loader *loader,
					const struct node *node,
					const struct attr_def *target)
{
	size_t count = node->kind == NODE_LIST ? node->len : 1;
	struct values values = {
		arena_array(loader->arena, count, sizeof(*values.at)), 0
	};
	size_t i;

	if (count == 0 || (count > 1 && !target->multi)) {
		problem_report(loader, node,
			       count ? "'%s' takes one value only"
				     : "'%s': the list of values is empty",
			       target->name);
		return NULL;
	}
	for (i = 0; i < count; i++)
		if (!read_value(loader, read_item(node, i), target,
				&values.at[values.len++]))
			return NULL;
	return expr_constant(&values, loader->arena);
}

static bool read_long_form(struct scope *scope, const struct node *node,
			   const char *const *keys,
			   const struct attr_def *target, struct rule *out)
{
	struct loader *loader = scope->loader;
	const struct node *value = node_get(node, "value");
	const struct node *from = read_find(node, "from");
	const struct node *lua = node_get(node, "lua");

	read_keys(loader, node, keys);
	out->map = node;
	out->source_at = value ? value : lua ? lua : from;
	if (!!value + !!from + !!lua != 1) {
		problem_report(loader, node,
			       "a rule has one of 'from', 'value' and 'lua'");
		return false;
	}
	if (!lua && node_get(node, "reads"))
		problem_report(loader, node_get(node, "reads"),
			       "'reads' belongs to 'lua', which is missing");
	out->source = value ? read_constant(loader, value, target)
		      : lua ? hook_rule(scope, node)
			    : scope_rule(scope, from);
	return out->source != NULL;
}

bool flow_rule(struct scope *scope, const struct node *node,
	       const char *const *keys, const struct attr_def *target,
	       struct rule *out)
{
	*out = (struct rule){ .source_at = node };
	if (read_absent(node)) {
		problem_report(scope->loader, node, "'%s' has no rule",
			       target->name);
		return false;
	}
	if (node->kind == NODE_MAP)
		return read_long_form(scope, node, keys, target, out);
	out->source = scope_rule(scope, node);
	return out->source != NULL;
}

static enum config_merge read_merge(struct loader *loader,
				    const struct node *node)
{
	static const char *const words[] = { "no", "yes", "ignore-case", NULL };
	static const enum config_merge kinds[] = { MERGE_NO, MERGE_EXACT,
						   MERGE_IGNORE_CASE };
	int word = read_word(loader, node, "'merge'", words, 0);

	return kinds[word < 0 ? 0 : word];
}

/* --- import ------------------------------------------------------------ */

static void unknown_target(struct scope *scope, const struct node *key)
{
	struct loader *loader = scope->loader;
	const char *near = mv_attr_nearest(loader->config, scope->mv_types,
					   scope->mv_type_count, key->text);

	if (scope->mv_unknown)
		return;
	problem_report(loader, key,
		       "the metaverse has no attribute '" SV_FMT
		       "' in the types of this rule set%s",
		       SV_ARG(key->text),
		       read_suggest(loader, key->text, &near, near ? 1 : 0));
}

static bool find_key(const struct config_mv_type *type, struct sv name,
		     attr_id *out)
{
	size_t i;

	for (i = 0; i < type->key_count; i++) {
		if (sv_ieq_str(name, type->keys[i].name)) {
			*out = type->keys[i].id;
			return true;
		}
	}
	return false;
}

/* The attribute by which a look-up searches; false: reported. */
static bool read_lookup_attr(struct scope *scope, const struct rule *rule,
			     const struct config_mv_type *type,
			     struct config_import_flow *flow)
{
	struct loader *loader = scope->loader;
	const struct node *node = read_find(rule->map, "lookup");
	struct sv name = read_text(loader, node, "'lookup'");
	const char *near;
	struct config_attr attr;

	if (name.len == 0 || find_key(type, name, &flow->lookup))
		return name.len > 0;
	if (!mv_attr_over(loader->config, &type->index, 1, name, &attr)) {
		near = mv_attr_nearest(loader->config, &type->index, 1, name);
		problem_report(loader, node,
			       "type '%s' has no attribute '" SV_FMT "'%s",
			       type->name, SV_ARG(name),
			       read_suggest(loader, name, &near, near ? 1 : 0));
		return false;
	}
	if (!attr.index) {
		problem_report(loader, node,
			       "a look-up by '%s' needs an index: add "
			       "index: true to it in type '%s'",
			       attr.def.name, type->name);
		return false;
	}
	flow->lookup = attr.id;
	scope_fit(scope, rule->source_at, rule->source, attr.def.type,
		  attr.def.name);
	return true;
}

static bool read_lookup(struct scope *scope, const struct rule *rule,
			const struct attr_def *target,
			struct config_import_flow *flow)
{
	struct loader *loader = scope->loader;
	const struct node *of = read_find(rule->map, "of");
	const struct config_mv_type *type;

	if (read_text(loader, of, "'of'").len == 0) {
		problem_report(loader, rule->map,
			       "a look-up needs 'of', the metaverse type that "
			       "it searches");
		return false;
	}
	type = mv_type_named(loader, of);
	if (!type)
		return false;
	if (target->type != VALUE_REFERENCE && target->type != VALUE_NULL) {
		problem_report(loader, rule->map,
			       "a look-up yields references, '%s' is of type "
			       "%s",
			       target->name, value_type_name(target->type));
		return false;
	}
	flow->lookup_type = type->index;
	return read_lookup_attr(scope, rule, type, flow);
}

static void note_merge(struct scope *scope,
		       const struct config_rule_set *rule_set,
		       const struct config_import_flow *flow,
		       enum config_merge merge, const struct attr_def *target)
{
	struct import_note note = { rule_set, flow->mv_attr, merge, flow->at };

	if (merge != MERGE_NO && !target->multi)
		problem_report(scope->loader, flow->at,
			       "'%s' takes one value, so nothing can be "
			       "merged: write multi: true at the attribute, or "
			       "leave out 'merge'",
			       target->name);
	vec_push(&scope->loader->import_notes, note);
}

static void import_options(struct scope *scope,
			   const struct config_rule_set *rule_set,
			   const struct rule *rule,
			   const struct attr_def *target,
			   struct config_import_flow *flow)
{
	static const char *const nulls[] = { "next", "contribute", "ignore",
					     NULL };
	static const enum config_when_null kinds[] = { WHEN_NULL_NEXT,
						       WHEN_NULL_CONTRIBUTE,
						       WHEN_NULL_IGNORE };
	struct loader *loader = scope->loader;
	enum config_merge merge =
		read_merge(loader, read_find(rule->map, "merge"));
	int word = read_word(loader, read_find(rule->map, "when_null"),
			     "'when_null'", nulls, 0);

	flow->when = scope_condition(scope, read_find(rule->map, "when"));
	flow->when_null = kinds[word < 0 ? 0 : word];
	flow->merge = merge != MERGE_NO;
	note_merge(scope, rule_set, flow, merge, target);
}

static bool read_import(struct scope *scope, struct config_rule_set *rule_set,
			const struct node *node,
			const struct config_attr *target,
			struct config_import_flow *out)
{
	static const char *const keys[] = { "from",      "value", "when",
					    "when_null", "merge", "lookup",
					    "of",        "lua",   "reads",
					    NULL };
	struct rule rule;

	*out = (struct config_import_flow){ .mv_attr = target->id, .at = node };
	if (!flow_rule(scope, node, keys, &target->def, &rule))
		return false;
	out->source = rule.source;
	import_options(scope, rule_set, &rule, &target->def, out);
	if (read_find(rule.map, "lookup"))
		return read_lookup(scope, &rule, &target->def, out);
	if (read_find(rule.map, "of"))
		problem_report(scope->loader, read_find(rule.map, "of"),
			       "'of' belongs to 'lookup', which is missing");
	scope_fit(scope, rule.source_at, rule.source, target->def.type,
		  target->def.name);
	return true;
}

struct import_vec {
	struct config_import_flow *at;
	size_t len;
	size_t size;
};

static void read_imports_of(struct scope *scope,
			    struct config_rule_set *rule_set,
			    const struct node *key, const struct node *rules,
			    struct import_vec *out)
{
	struct loader *loader = scope->loader;
	struct config_attr target;
	struct config_import_flow flow;
	size_t count = rules->kind == NODE_LIST ? rules->len : 1;
	size_t i;

	if (!mv_attr_over(loader->config, scope->mv_types, scope->mv_type_count,
			  key->text, &target)) {
		unknown_target(scope, key);
		return;
	}
	for (i = 0; i < count; i++) {
		if (!read_import(scope, rule_set, read_item(rules, i), &target,
				 &flow))
			continue;
		flow.rule = number_rule(loader, count > 1 ? flow.at : key,
					key->text);
		vec_push(out, flow);
	}
}

void imports_read(struct loader *loader, struct agent_draft *draft,
		  struct config_rule_set *rule_set,
		  const struct rule_set_draft *from)
{
	struct scope scope = scope_inbound(loader, draft, rule_set);
	const struct node *map =
		read_map(loader, read_find(from->node, "import"), "'import'");
	struct import_vec flows = VEC_INIT;
	size_t i;

	scope.mv_types = rule_set->mv_types;
	scope.mv_type_count = rule_set->mv_type_count;
	scope.mv_unknown = from->mv_unknown;
	for (i = 0; map && i < map->len; i++)
		read_imports_of(&scope, rule_set, map->keys[i], map->items[i],
				&flows);
	rule_set->import_count = flows.len;
	rule_set->imports =
		arena_array(loader->arena, flows.len, sizeof(*flows.at));
	if (flows.len)
		memcpy(rule_set->imports, flows.at,
		       flows.len * sizeof(*flows.at));
	vec_release(&flows);
}

/* --- merging ----------------------------------------------------------- */

static struct config_mv_attr *merged_attr(struct loader *loader, size_t type,
					  attr_id id)
{
	struct config_mv_type *mv = &loader->config->mv_types[type];
	size_t i;

	for (i = 0; i < mv->attr_count; i++)
		if (mv->attrs[i].attr.id == id)
			return &mv->attrs[i];
	return NULL;
}

static void note_merging(struct loader *loader, const struct import_note *note,
			 struct config_mv_attr *attr)
{
	enum match_rule match = note->merge == MERGE_IGNORE_CASE
					? MATCH_IGNORE_CASE
					: MATCH_EXACT;

	if (attr->merge && attr->merge_match != match)
		problem_report(loader, note->at,
			       "'%s' is merged in another way by another rule: "
			       "all of them must say the same",
			       attr->attr.def.name);
	else if (attr->rank_count || attr->precedence != PRECEDENCE_RANKED)
		problem_warn(loader, note->at,
			     "'%s' is merged, so its precedence does not count",
			     attr->attr.def.name);
	attr->merge = true;
	attr->merge_match = match;
}

static void check_merging(struct loader *loader, const struct import_note *note,
			  const struct config_mv_attr *attr)
{
	if (attr->merge && note->merge == MERGE_NO)
		problem_report(
			loader, note->at,
			"'%s' is merged by another rule, so this one "
			"must say it too: write { from: ..., merge: %s }",
			attr->attr.def.name,
			attr->merge_match == MATCH_EXACT ? "yes"
							 : "ignore-case");
}

static void each_merge(struct loader *loader, bool check)
{
	const struct import_note *note;
	struct config_mv_attr *attr;
	size_t i;

	vec_foreach(&loader->import_notes, note) {
		for (i = 0; i < note->rule_set->mv_type_count; i++) {
			attr = merged_attr(loader, note->rule_set->mv_types[i],
					   note->attr);
			if (attr && check)
				check_merging(loader, note, attr);
			else if (attr && note->merge != MERGE_NO)
				note_merging(loader, note, attr);
		}
	}
}

void merges_check(struct loader *loader)
{
	each_merge(loader, false);
	each_merge(loader, true);
}

/* --- export ------------------------------------------------------------ */

bool export_target(struct loader *loader, struct agent_draft *draft,
		   size_t type, const struct node *name, size_t *out)
{
	if (sv_ieq_str(name->text, "dn") &&
	    draft_can(draft, CONNECTOR_CAP_DN)) {
		problem_report(loader, name,
			       "the name of an entry is written by 'dn' under "
			       "'provision'; 'rename: true' follows it");
		return false;
	}
	*out = draft_attr(loader, draft, type, name->text, name);
	return true;
}

static const struct config_rule_set *read_to(struct loader *loader,
					     const struct config_agent *agent,
					     const struct node *node,
					     const struct attr_def *target)
{
	struct sv name = read_text(loader, node, "'to'");
	const char **names;
	size_t i;

	if (name.len == 0)
		return NULL;
	if (target->type != VALUE_REFERENCE)
		problem_report(loader, node,
			       "'to' is for references, '%s' is of type %s",
			       target->name, value_type_name(target->type));
	names = arena_array(loader->arena, agent->rule_set_count,
			    sizeof(*names));
	for (i = 0; i < agent->rule_set_count; i++) {
		names[i] = agent->rule_sets[i].name;
		if (sv_eq_str(name, names[i]))
			return &agent->rule_sets[i];
	}
	problem_report(
		loader, node, "this agent has no rule set '" SV_FMT "'%s",
		SV_ARG(name),
		read_suggest(loader, name, names, agent->rule_set_count));
	return NULL;
}

static void export_options(struct scope *scope, const struct rule *rule,
			   const struct attr_def *target,
			   struct config_export_flow *flow)
{
	static const char *const nulls[] = { "remove", "keep", NULL };
	struct loader *loader = scope->loader;

	flow->when = scope_condition(scope, read_find(rule->map, "when"));
	flow->when_null = read_word(loader, read_find(rule->map, "when_null"),
				    "'when_null'", nulls, 0) == 1
				  ? FLOW_NULL_KEEP
				  : FLOW_NULL_REMOVE;
	flow->merge = read_merge(loader, read_find(rule->map, "merge"));
	flow->to = read_to(loader, scope->agent->agent,
			   read_find(rule->map, "to"), target);
	if (flow->merge != MERGE_NO && !target->multi)
		problem_report(loader, flow->at,
			       "'%s' takes one value, so nothing can be "
			       "merged: declare it with multi: true, or leave "
			       "out 'merge'",
			       target->name);
}

bool export_read(struct scope *scope, const struct node *key,
		 const struct node *node, struct config_export_flow *out)
{
	static const char *const keys[] = { "from",      "value", "when",
					    "when_null", "merge", "to",
					    "lua",       "reads", NULL };
	struct loader *loader = scope->loader;
	struct agent_draft *draft = scope->agent;
	struct attr_def target;
	struct rule rule;

	*out = (struct config_export_flow){ .at = node };
	if (!export_target(loader, draft, scope->type, key, &out->type_attr))
		return false;
	out->attr = draft->types.at[scope->type].attrs.at[out->type_attr].id;
	target = draft->types.at[scope->type].attrs.at[out->type_attr].def;
	if (node->kind == NODE_LIST) {
		problem_report(loader, node,
			       "an exported attribute has one rule, not a "
			       "list: use IIF() or Coalesce()");
		return false;
	}
	if (!flow_rule(scope, node, keys, &target, &rule))
		return false;
	out->source = rule.source;
	out->rule = number_rule(loader, key, key->text);
	export_options(scope, &rule, &target, out);
	scope_fit(scope, rule.source_at, rule.source, target.type, target.name);
	return true;
}

void exports_read(struct loader *loader, struct agent_draft *draft,
		  struct config_rule_set *rule_set,
		  const struct rule_set_draft *from)
{
	struct scope scope = scope_outbound(loader, draft, rule_set);
	const struct node *map =
		read_map(loader, read_find(from->node, "export"), "'export'");
	size_t i;

	rule_set->exports = arena_array(loader->arena, map ? map->len : 0,
					sizeof(*rule_set->exports));
	for (i = 0; map && i < map->len; i++) {
		struct config_export_flow *flow =
			&rule_set->exports[rule_set->export_count];

		if (export_read(&scope, map->keys[i], map->items[i], flow))
			rule_set->export_count++;
	}
}
