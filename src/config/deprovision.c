/*
 * deprovision.c - `deprovision:` of a rule set: what becomes of an account
 * that is no longer wanted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

static const char *const words[] = { "explicit-disconnect", "disconnect",
				     "delete", NULL };
static const enum config_deprovision kinds[] = { DEPROVISION_EXPLICIT,
						 DEPROVISION_DISCONNECT,
						 DEPROVISION_DELETE };

/* --- what is exported until the day ------------------------------------ */

static void meanwhile_rule(struct scope *scope, const struct node *key,
			   const struct node *node,
			   struct config_rule_set *rule_set)
{
	struct config_export_flow *flow =
		&rule_set->meanwhile[rule_set->meanwhile_count];

	if (!export_read(scope, key, node, flow))
		return;
	if (flow->merge != MERGE_NO)
		problem_report(
			scope->loader, node,
			"'meanwhile' is written once: nothing is merged");
	rule_set->meanwhile_count++;
}

/* A text of the connector's, standing where `place` does. */
static const struct node *text_node(struct loader *loader, const char *text,
				    const struct node *place)
{
	struct node *node = source_node_new(loader->arena, NODE_SCALAR, place);

	node->text = sv_from(text);
	return node;
}

static void read_disable(struct scope *scope, const struct node *place,
			 struct config_rule_set *rule_set)
{
	struct loader *loader = scope->loader;
	const struct config_agent *agent = scope->agent->agent;
	const char *type = scope->agent->types.at[rule_set->type].name;
	const struct connector_rule *rules = NULL;
	size_t count = 0;
	size_t i;

	if (!agent->ops)
		return;
	if (agent->ops->disable)
		rules = agent->ops->disable(type);
	while (rules && rules[count].attr)
		count++;
	if (!count) {
		problem_report(loader, place,
			       "connector '%s' knows no disabled objects of "
			       "type '%s': say what is written meanwhile, as "
			       "in meanwhile: { attribute: rule }",
			       agent->ops->name, type);
		return;
	}
	rule_set->meanwhile =
		arena_array(loader->arena, count, sizeof(*rule_set->meanwhile));
	for (i = 0; i < count; i++)
		meanwhile_rule(scope, text_node(loader, rules[i].attr, place),
			       text_node(loader, rules[i].rule, place),
			       rule_set);
}

static void read_meanwhile(struct scope *scope, const struct node *node,
			   struct config_rule_set *rule_set)
{
	const struct node *map;
	size_t i;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR && sv_eq_str(node->text, "disable")) {
		read_disable(scope, node, rule_set);
		return;
	}
	map = node->kind == NODE_MAP ? node : NULL;
	if (!map)
		problem_report(scope->loader, node,
			       "'meanwhile' is 'disable' or "
			       "{ attribute: rule }");
	rule_set->meanwhile = arena_array(scope->loader->arena,
					  map ? map->len : 0,
					  sizeof(*rule_set->meanwhile));
	for (i = 0; map && i < map->len; i++)
		meanwhile_rule(scope, map->keys[i], map->items[i], rule_set);
}

/* --- the forms --------------------------------------------------------- */

static void read_waiting(struct scope *scope, const struct node *map,
			 struct config_rule_set *rule_set)
{
	static const char *const keys[] = { "after", "then", "meanwhile",
					    NULL };
	struct loader *loader = scope->loader;
	const struct node *after = read_find(map, "after");
	const struct node *then = read_find(map, "then");
	struct sv text = read_text(loader, after, "'after'");
	int word = read_word(loader, then, "'then'", words, 0);

	read_keys(loader, map, keys);
	if (!then)
		problem_report(loader, map,
			       "'then' is missing: what happens after that "
			       "time (delete, disconnect or "
			       "explicit-disconnect)");
	rule_set->deprovision = kinds[word < 0 ? 0 : word];
	if (text.len &&
	    (!setting_parse_duration(text, &rule_set->deprovision_after) ||
	     !rule_set->deprovision_after))
		problem_report(loader, after,
			       "'" SV_FMT "' is not a duration: write a number "
			       "and minutes, hours, days or weeks",
			       SV_ARG(text));
	else if (!text.len)
		problem_report(loader, map, "'after' has no duration");
	read_meanwhile(scope, read_find(map, "meanwhile"), rule_set);
}

static void read_map_form(struct scope *scope, struct config_rule_set *rule_set,
			  const struct node *node)
{
	static const char *const keys[] = { "from", "lua", "reads", NULL };
	const struct node *from = read_find(node, "from");

	if (node_get(node, "after") || node_get(node, "then") ||
	    node_get(node, "meanwhile")) {
		read_waiting(scope, node, rule_set);
		return;
	}
	read_keys(scope->loader, node, keys);
	if (!from == !hook_here(node)) {
		problem_report(scope->loader, node,
			       "'deprovision' takes a word, { from: '...' }, "
			       "{ lua: FUNCTION } or { after: 30 days, then: "
			       "delete }");
		return;
	}
	rule_set->deprovision = DEPROVISION_RULE;
	rule_set->deprovision_rule = from ? scope_text(scope, from)
					  : hook_rule(scope, node);
}

void deprovision_read(struct loader *loader, struct agent_draft *draft,
		      struct config_rule_set *rule_set,
		      const struct rule_set_draft *from)
{
	const struct node *node = read_find(from->node, "deprovision");
	struct scope scope = scope_outbound(loader, draft, rule_set);
	int word;

	if (node && node->kind == NODE_MAP) {
		read_map_form(&scope, rule_set, node);
		return;
	}
	word = read_word(loader, node, "'deprovision'", words, 0);
	rule_set->deprovision = kinds[word < 0 ? 0 : word];
}
