/*
 * provision.c - `provision:` of a rule set: accounts for metaverse objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/seal.h"
#include "model/secret_attr.h"

/* --- require ----------------------------------------------------------- */

static void read_required(struct scope *scope, const struct node *node,
			  struct config_provision *out)
{
	struct loader *loader = scope->loader;
	struct sv name = read_text(loader, node, "an item of 'require'");
	struct config_attr attr;
	const char *near;

	if (name.len == 0)
		return;
	if (mv_attr_over(loader->config, scope->mv_types, scope->mv_type_count,
			 name, &attr)) {
		out->require[out->require_count++] = attr.id;
		return;
	}
	if (scope->mv_unknown)
		return;
	near = mv_attr_nearest(loader->config, scope->mv_types,
			       scope->mv_type_count, name);
	problem_report(loader, node,
		       "the metaverse has no attribute '" SV_FMT
		       "' in the types of this rule set%s",
		       SV_ARG(name),
		       read_suggest(loader, name, &near, near ? 1 : 0));
}

static void read_require(struct scope *scope, const struct node *list,
			 struct config_provision *out)
{
	size_t i;

	out->require = arena_array(scope->loader->arena, read_len(list),
				   sizeof(*out->require));
	for (i = 0; i < read_len(list); i++)
		read_required(scope, read_item(list, i), out);
}

/* --- names ------------------------------------------------------------- */

static bool has_dns(const struct agent_draft *draft)
{
	return draft_can(draft, CONNECTOR_CAP_DN);
}

static void read_dn(struct scope *scope, const struct node *map,
		    const struct node *place, struct config_provision *out)
{
	const struct node *node = read_find(map, "dn");
	const struct config_agent *agent = scope->agent->agent;

	out->dn = scope_text(scope, node);
	if (node && agent->ops && !has_dns(scope->agent))
		problem_report(scope->loader, node,
			       "objects of agent '%s' (%s) have no DNs: leave "
			       "out 'dn'",
			       agent->name, agent->ops->name);
	if (!node && agent->ops && has_dns(scope->agent))
		problem_report(
			scope->loader, place,
			"'dn' is missing: the rule for the name of a new "
			"entry");
}

static bool unique_target(struct scope *scope, const struct node *key,
			  struct config_unique *out, struct attr_def *def)
{
	struct agent_draft *draft = scope->agent;
	const struct attr_draft *attr;

	if (sv_ieq_str(key->text, "dn") && has_dns(draft)) {
		out->attr = ATTR_DN;
		*def = (struct attr_def){ .name = "dn", .type = VALUE_STRING };
		return true;
	}
	if (!export_target(scope->loader, draft, scope->type, key,
			   &out->type_attr))
		return false;
	attr = &draft->types.at[scope->type].attrs.at[out->type_attr];
	out->attr = attr->id;
	*def = attr->def;
	return true;
}

static void read_candidates(struct scope *scope, const struct node *key,
			    const struct node *list, struct config_unique *out)
{
	struct attr_def def;
	size_t i;

	*out = (struct config_unique){ 0 };
	if (!unique_target(scope, key, out, &def))
		return;
	if (read_len(list) == 0)
		problem_report(scope->loader, key,
			       "'" SV_FMT "' has no candidates",
			       SV_ARG(key->text));
	out->candidates = arena_array(scope->loader->arena, read_len(list),
				      sizeof(*out->candidates));
	for (i = 0; i < read_len(list); i++) {
		const struct node *node = read_item(list, i);
		const struct expr *expr = out->attr == ATTR_DN
						  ? scope_text(scope, node)
						  : scope_rule(scope, node);

		if (out->attr != ATTR_DN)
			scope_fit(scope, node, expr, def.type, def.name);
		if (expr)
			out->candidates[out->count++] = expr;
	}
}

static void read_unique(struct scope scope, const struct node *node,
			struct config_provision *out)
{
	const struct node *map = read_map(scope.loader, node, "'unique'");
	size_t i;

	scope.allow |= EXPR_ALLOW_COUNTER;
	out->unique = arena_array(scope.loader->arena, map ? map->len : 0,
				  sizeof(*out->unique));
	for (i = 0; map && i < map->len; i++) {
		struct config_unique *unique = &out->unique[out->unique_count];

		read_candidates(&scope, map->keys[i], map->items[i], unique);
		if (unique->count)
			out->unique_count++;
	}
}

/* --- who is told of it ------------------------------------------------- */

#define TIMEOUT      30
#define LONGEST_WAIT 3600

static void read_command(struct loader *loader, const struct node *node,
			 const struct node *timeout, struct config_deliver *out)
{
	struct sv text = read_text(loader, timeout, "'timeout'");
	size_t i;

	out->command = arena_array(loader->arena, read_len(node) + 1,
				   sizeof(*out->command));
	for (i = 0; i < read_len(node); i++)
		out->command[i] = arena_cstr(
			loader->arena, read_text(loader, read_item(node, i),
						 "an item of 'command'"));
	if (!i || !*out->command[0])
		problem_report(loader, node,
			       "'command' is a program and its arguments: "
			       "[program, argument, ...]");
	out->timeout = TIMEOUT;
	if (timeout && (!sv_to_i64(text, &out->timeout) || out->timeout < 1 ||
			out->timeout > LONGEST_WAIT))
		problem_report(loader, timeout,
			       "'timeout' is a number of seconds, 1 to %d",
			       LONGEST_WAIT);
}

static void read_box(struct loader *loader, const struct node *node,
		     const struct node *to, struct config_deliver *out)
{
	out->file =
		arena_cstr(loader->arena, read_text(loader, node, "'file'"));
	if (!to)
		problem_report(loader, node,
			       "'to' is missing: the public key of who may "
			       "read the file; 'conjoin secret keypair' makes "
			       "one");
	else if (!box_key_parse(read_text(loader, to, "'to'"), out->to))
		problem_report(loader, to,
			       "'to' is not a public key as 'conjoin secret "
			       "keypair' prints it");
}

static void read_deliver(struct loader *loader, const struct node *node,
			 struct config_provision *out)
{
	static const char *const keys[] = { "file", "to", "command", "timeout",
					    NULL };
	const struct node *map = read_map(loader, node, "'deliver'");
	struct config_deliver *deliver;
	bool secret = false;
	size_t i;

	if (!map)
		return;
	if (out->deliver)
		problem_report(loader, node,
			       "'deliver' stands here for all secret values of "
			       "a new object: write it once");
	read_keys(loader, map, keys);
	deliver = arena_zalloc(loader->arena, sizeof(*deliver));
	if (!node_get(map, "file") == !node_get(map, "command"))
		problem_report(loader, node,
			       "'deliver' has either 'file' and 'to', or "
			       "'command'");
	else if (node_get(map, "file"))
		read_box(loader, read_find(map, "file"), read_find(map, "to"),
			 deliver);
	else
		read_command(loader, read_find(map, "command"),
			     read_find(map, "timeout"), deliver);
	for (i = 0; i < out->initial_count; i++)
		secret |= out->initial[i].secret;
	if (!secret)
		problem_report(loader, node,
			       "'initial' has no password to deliver");
	out->deliver = deliver;
}

/* --- what is written once ---------------------------------------------- */

static bool read_initial_rule(struct scope *scope, const struct node *key,
			      const struct node *node,
			      struct config_initial *out)
{
	static const char *const keys[] = { "from",  "value",   "lua",
					    "reads", "deliver", NULL };
	struct agent_draft *draft = scope->agent;
	struct attr_def target;
	struct rule rule;

	*out = (struct config_initial){ 0 };
	if (!export_target(scope->loader, draft, scope->type, key,
			   &out->type_attr))
		return false;
	out->attr = draft->types.at[scope->type].attrs.at[out->type_attr].id;
	target = draft->types.at[scope->type].attrs.at[out->type_attr].def;
	if (!flow_rule(scope, node, keys, &target, &rule))
		return false;
	out->source = rule.source;
	out->secret = attr_is_secret(target.name) ||
		      (rule.source && expr_makes_password(rule.source));
	scope_fit(scope, rule.source_at, rule.source, target.type, target.name);
	return true;
}

static void read_initial(struct scope scope, const struct node *node,
			 struct config_provision *out)
{
	const struct node *map = read_map(scope.loader, node, "'initial'");
	size_t i;

	scope.allow |= EXPR_ALLOW_RANDOM;
	out->initial = arena_array(scope.loader->arena, map ? map->len : 0,
				   sizeof(*out->initial));
	for (i = 0; map && i < map->len; i++)
		if (read_initial_rule(&scope, map->keys[i], map->items[i],
				      &out->initial[out->initial_count]))
			out->initial_count++;
	for (i = 0; map && i < map->len; i++)
		read_deliver(scope.loader, node_get(map->items[i], "deliver"),
			     out);
}

/* --- all of it --------------------------------------------------------- */

static bool has_further_dns(const struct config_provision *provision)
{
	size_t i;

	for (i = 0; i < provision->unique_count; i++)
		if (provision->unique[i].attr == ATTR_DN)
			return true;
	return false;
}

static void read_words(struct scope *scope, const struct node *map,
		       struct config_provision *out)
{
	static const char *const existing[] = { "error", "adopt", "unique",
						NULL };
	static const enum config_existing kinds[] = { EXISTING_ERROR,
						      EXISTING_ADOPT,
						      EXISTING_UNIQUE };
	static const char *const parents[] = { "error", "create", NULL };
	struct loader *loader = scope->loader;
	const struct node *node = read_find(map, "existing");
	int word = read_word(loader, node, "'existing'", existing, 0);

	out->existing = kinds[word < 0 ? 0 : word];
	if (out->existing == EXISTING_UNIQUE && !has_further_dns(out))
		problem_report(loader, node,
			       "'unique' needs further candidates for the "
			       "name: write them under unique: { dn: [...] }");
	out->create_parents = read_word(loader, read_find(map, "parents"),
					"'parents'", parents, 0) == 1;
	node = read_find(map, "rename");
	out->rename = read_switch(loader, node, "'rename'", false);
	if (out->rename && !draft_can(scope->agent, CONNECTOR_CAP_RENAME))
		problem_report(loader, node,
			       "the connector of agent '%s' cannot rename",
			       scope->agent->agent->name);
}

static void read_all(struct scope *scope, const struct node *map,
		     const struct node *place, struct config_provision *out)
{
	static const char *const keys[] = { "when",    "require", "dn",
					    "unique",  "rename",  "existing",
					    "parents", "initial", "deliver",
					    NULL };
	struct loader *loader = scope->loader;

	out->at = place;
	read_keys(loader, map, keys);
	out->when = scope_condition(scope, read_find(map, "when"));
	read_require(scope, read_find(map, "require"), out);
	read_dn(scope, map, place, out);
	read_unique(*scope, read_find(map, "unique"), out);
	read_words(scope, map, out);
	read_initial(*scope, read_find(map, "initial"), out);
	read_deliver(loader, read_find(map, "deliver"), out);
}

void provision_read(struct loader *loader, struct agent_draft *draft,
		    struct config_rule_set *rule_set,
		    const struct rule_set_draft *from)
{
	struct scope scope = scope_outbound(loader, draft, rule_set);
	const struct node *node = read_find(from->node, "provision");
	bool on = true;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR)
		on = read_switch(loader, node, "'provision'", false);
	else if (!read_map(loader, node, "'provision'"))
		return;
	rule_set->provisions = on;
	if (on)
		read_all(&scope, node, node, &rule_set->provision);
}
