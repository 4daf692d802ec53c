/*
 * join.c - `join:` of a rule set: metaverse attribute against expression
 *
 * A line of several clauses is searched by one of them and compared by the
 * others, so one must be an index or a key of the metaverse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

/* A key of the metaverse in one of the rule set's types. */
static int find_key(const struct scope *scope, struct sv name, attr_id *out)
{
	const struct config *config = scope->loader->config;
	size_t i;
	size_t j;

	for (i = 0; i < scope->mv_type_count; i++) {
		const struct config_mv_type *type =
			&config->mv_types[scope->mv_types[i]];

		for (j = 0; j < type->key_count; j++) {
			if (sv_ieq_str(name, type->keys[j].name)) {
				*out = type->keys[j].id;
				return 1;
			}
		}
	}
	return 0;
}

static bool read_target(struct scope *scope, const struct node *key,
			struct config_join_clause *out, struct attr_def *def)
{
	struct loader *loader = scope->loader;
	struct config_attr attr;
	const char *near;

	*def = (struct attr_def){ .name = "", .multi = true };
	if (find_key(scope, key->text, &out->mv_attr)) {
		out->indexed = true;
		return true;
	}
	if (mv_attr_over(loader->config, scope->mv_types, scope->mv_type_count,
			 key->text, &attr)) {
		out->mv_attr = attr.id;
		out->indexed = attr.index;
		out->match = attr.def.match;
		*def = attr.def;
		return true;
	}
	near = mv_attr_nearest(loader->config, scope->mv_types,
			       scope->mv_type_count, key->text);
	if (!scope->mv_unknown)
		problem_report(
			loader, key,
			"the metaverse has no attribute or key '" SV_FMT
			"' in the types of this rule set%s",
			SV_ARG(key->text),
			read_suggest(loader, key->text, &near, near ? 1 : 0));
	return false;
}

static bool read_clause(struct scope *scope, const struct node *key,
			const struct node *node, struct config_join_clause *out)
{
	static const char *const keys[] = { "from", "value", "lua", "reads",
					    NULL };
	struct attr_def def;
	struct rule rule;

	*out = (struct config_join_clause){ 0 };
	if (!read_target(scope, key, out, &def) ||
	    !flow_rule(scope, node, keys, &def, &rule))
		return false;
	out->source = rule.source;
	scope_fit(scope, rule.source_at, rule.source, def.type, def.name);
	return true;
}

static bool is_option(struct sv key)
{
	return sv_eq_str(key, "when") || sv_eq_str(key, "any");
}

static void read_clauses(struct scope *scope, const struct node *map,
			 struct config_join *join)
{
	size_t i;

	join->clauses = arena_array(scope->loader->arena, map->len,
				    sizeof(*join->clauses));
	for (i = 0; i < map->len; i++) {
		struct config_join_clause *clause =
			&join->clauses[join->clause_count];

		if (!is_option(map->keys[i]->text) &&
		    read_clause(scope, map->keys[i], map->items[i], clause))
			join->clause_count++;
	}
}

static void check_index(struct scope *scope, const struct node *line,
			const struct config_join *join)
{
	struct loader *loader = scope->loader;
	size_t i;

	for (i = 0; i < join->clause_count; i++)
		if (join->clauses[i].indexed)
			return;
	if (join->clause_count)
		problem_report(loader, line,
			       "a join searches by '%s', which has no index: "
			       "add index: true to it in conjoin.yaml",
			       loader->attr_names.at[join->clauses[0].mv_attr]);
}

/* The map with the clauses: the line itself, or what `any` holds. */
static const struct node *clauses_of(struct loader *loader,
				     const struct node *line,
				     struct config_join *join)
{
	const struct node *any = read_find(line, "any");
	size_t i;

	if (!any)
		return line;
	join->any = true;
	any = read_map(loader, any, "'any'");
	if (any && any->len != 1)
		problem_report(loader, any,
			       "'any' holds one clause, as in any: "
			       "{ proxyAddresses: mails }");
	for (i = 0; i < line->len; i++)
		if (!is_option(line->keys[i]->text))
			problem_report(loader, line->keys[i],
				       "beside 'any' only 'when' may stand");
	return any;
}

static bool read_line(struct scope *scope, const struct node *line,
		      struct config_join *join)
{
	struct loader *loader = scope->loader;
	const struct node *map;
	size_t problems = loader->problems.len;

	*join = (struct config_join){ .at = line };
	if (read_lua(loader, line) ||
	    !read_map(loader, line, "a line of 'join'"))
		return false;
	map = clauses_of(loader, line, join);
	if (!map)
		return false;
	read_clauses(scope, map, join);
	join->when = scope_condition(scope, read_find(line, "when"));
	if (join->clause_count == 0 && problems == loader->problems.len &&
	    !scope->mv_unknown)
		problem_report(loader, line,
			       "a line of 'join' names a metaverse attribute "
			       "and what it must be, as in { employeeID: id }");
	check_index(scope, line, join);
	return join->clause_count > 0;
}

void joins_read(struct loader *loader, struct agent_draft *draft,
		struct config_rule_set *rule_set,
		const struct rule_set_draft *from)
{
	struct scope scope = scope_inbound(loader, draft, rule_set);
	const struct node *list = read_find(from->node, "join");
	size_t count = read_len(list);
	size_t i;

	scope.mv_types = rule_set->mv_types;
	scope.mv_type_count = rule_set->mv_type_count;
	scope.mv_unknown = from->mv_unknown;
	rule_set->joins =
		arena_array(loader->arena, count, sizeof(*rule_set->joins));
	for (i = 0; i < count; i++)
		if (read_line(&scope, read_item(list, i),
			      &rule_set->joins[rule_set->join_count]))
			rule_set->join_count++;
}
