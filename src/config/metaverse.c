/*
 * metaverse.c - `metaverse:` of conjoin.yaml: types, attributes, keys, who
 * wins, and when an object goes
 *
 * Declared before the agents are read; precedence and deletion rules, which
 * name agents and rule sets, afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

static const struct node *types_node(struct loader *loader)
{
	return read_map(loader, read_find(loader->root, "metaverse"),
			"'metaverse'");
}

/* --- declarations ------------------------------------------------------ */

static bool name_taken(struct loader *loader, const struct config_mv_type *type,
		       const struct node *key)
{
	attr_id id = config_attr_id(loader->config, key->text);
	bool taken = id == ATTR_DN;
	size_t i;

	if (taken) {
		problem_report(loader, key,
			       "'dn' is the name of an entry of an agent; call "
			       "this attribute otherwise");
		return true;
	}
	for (i = 0; i < type->key_count; i++)
		taken |= type->keys[i].id == id;
	if (id == ATTR_NONE || (!taken && !config_mv_attr_find(type, id)))
		return false;
	problem_report(loader, key,
		       "'" SV_FMT "' is named twice in type '%s' (case does "
		       "not count)",
		       SV_ARG(key->text), type->name);
	return true;
}

static bool name_good(struct loader *loader, const struct node *key)
{
	if (key->text.len && sv_find(key->text, ']', 0) == key->text.len &&
	    sv_find(key->text, '[', 0) == key->text.len)
		return true;
	problem_report(loader, key,
		       "the name of an attribute is not empty and has no '[' "
		       "or ']'");
	return false;
}

static void declare_attrs(struct loader *loader, struct config_mv_type *type,
			  const struct node *node)
{
	const struct node *map = read_map(loader, node, "'attributes'");
	size_t i;

	type->attrs = arena_array(loader->arena, map ? map->len : 0,
				  sizeof(*type->attrs));
	for (i = 0; map && i < map->len; i++) {
		struct config_mv_attr *to = &type->attrs[type->attr_count];
		struct config_attr *attr = &to->attr;

		if (!name_good(loader, map->keys[i]) ||
		    name_taken(loader, type, map->keys[i]))
			continue;
		/* A wrong definition still makes the name known. */
		(void)attr_read_def(loader, map->keys[i], map->items[i], false,
				    &attr->def, &attr->index);
		attr->id = attr_intern(loader, map->keys[i]->text);
		type->attr_count++;
	}
}

static void declare_keys(struct loader *loader, struct config_mv_type *type,
			 const struct node *node)
{
	const struct node *map = read_map(loader, node, "'keys'");
	size_t i;

	type->keys = arena_array(loader->arena, map ? map->len : 0,
				 sizeof(*type->keys));
	for (i = 0; map && i < map->len; i++) {
		struct config_key *key = &type->keys[type->key_count];

		if (!name_good(loader, map->keys[i]) ||
		    name_taken(loader, type, map->keys[i]))
			continue;
		key->id = attr_intern(loader, map->keys[i]->text);
		key->name = arena_cstr(loader->arena, map->keys[i]->text);
		type->key_count++;
	}
}

static void declare_type(struct loader *loader, const struct node *key,
			 const struct node *item)
{
	static const char *const keys[] = { "attributes", "keys",
					    "precedence", "delete",
					    "history",    NULL };
	struct config *config = loader->config;
	struct config_mv_type *type = &config->mv_types[config->mv_type_count];
	const struct node *node;

	if (!read_is_name(key->text)) {
		problem_report(loader, key,
			       "the name of a type has letters, digits, '-' "
			       "and '_' only");
		return;
	}
	if (config_mv_type_find(config, key->text)) {
		problem_report(loader, key,
			       "type '" SV_FMT "' is named twice (case does "
			       "not count)",
			       SV_ARG(key->text));
		return;
	}
	type->name = arena_cstr(loader->arena, key->text);
	type->index = config->mv_type_count++;
	node = read_map(loader, item, "a metaverse type");
	read_keys(loader, node, keys);
	declare_attrs(loader, type, read_find(node, "attributes"));
	declare_keys(loader, type, read_find(node, "keys"));
}

void metaverse_declare(struct loader *loader)
{
	const struct node *map = types_node(loader);
	size_t i;

	if (!read_find(loader->root, "metaverse"))
		problem_at(loader, "conjoin.yaml", 1, 1, false,
			   "'metaverse' is missing: the types of joined "
			   "objects and their attributes");
	loader->config->mv_types =
		arena_array(loader->arena, map ? map->len : 0,
			    sizeof(*loader->config->mv_types));
	for (i = 0; map && i < map->len; i++)
		declare_type(loader, map->keys[i], map->items[i]);
}

const struct config_mv_type *mv_type_named(struct loader *loader,
					   const struct node *node)
{
	const struct config *config = loader->config;
	const struct config_mv_type *type =
		config_mv_type_find(config, node->text);
	const char **names;
	size_t i;

	if (type)
		return type;
	names = arena_array(loader->arena, config->mv_type_count,
			    sizeof(*names));
	for (i = 0; i < config->mv_type_count; i++)
		names[i] = config->mv_types[i].name;
	problem_report(
		loader, node, "there is no metaverse type '" SV_FMT "'%s",
		SV_ARG(node->text), read_suggest(loader, node->text, names, i));
	return NULL;
}

/* --- agents and rule sets by name -------------------------------------- */

static void unknown_agent(struct loader *loader, const struct node *node,
			  struct sv name)
{
	const struct config *config = loader->config;
	const char **names =
		arena_array(loader->arena, config->agent_count, sizeof(*names));
	size_t i;

	for (i = 0; i < config->agent_count; i++)
		names[i] = config->agents[i].name;
	problem_report(loader, node, "there is no agent '" SV_FMT "'%s",
		       SV_ARG(name),
		       read_suggest(loader, name, names, config->agent_count));
}

static bool find_rule_set(struct loader *loader, const struct node *node,
			  struct sv name, struct config_rank *out)
{
	const struct config_agent *agent = &loader->config->agents[out->agent];
	const char **names = arena_array(loader->arena, agent->rule_set_count,
					 sizeof(*names));
	size_t i;

	for (i = 0; i < agent->rule_set_count; i++) {
		names[i] = agent->rule_sets[i].name;
		if (sv_eq_str(name, names[i])) {
			out->rule_set = &agent->rule_sets[i];
			return true;
		}
	}
	if (!loader->agents[out->agent].root)
		return true; /* its file is broken, which was reported */
	problem_report(
		loader, node, "agent '%s' has no rule set '" SV_FMT "'%s",
		agent->name, SV_ARG(name),
		read_suggest(loader, name, names, agent->rule_set_count));
	return false;
}

bool rank_read(struct loader *loader, const struct node *node,
	       struct config_rank *out)
{
	const struct config_agent *agent;
	size_t dot;

	*out = (struct config_rank){ 0, NULL };
	if (node->kind != NODE_SCALAR) {
		(void)(read_lua(loader, node) ||
		       (problem_report(loader, node,
				       "AGENT or AGENT.RULESET must stand "
				       "here"),
			true));
		return false;
	}
	dot = sv_find(node->text, '.', 0);
	agent = config_agent_find(loader->config, sv_sub(node->text, 0, dot));
	if (!agent) {
		unknown_agent(loader, node, sv_sub(node->text, 0, dot));
		return false;
	}
	out->agent = agent->index;
	if (dot == node->text.len)
		return true;
	return find_rule_set(loader, node,
			     sv_sub(node->text, dot + 1, node->text.len), out);
}

static struct config_rank *read_ranks(struct loader *loader,
				      const struct node *list, size_t *count)
{
	struct config_rank *ranks =
		arena_array(loader->arena, read_len(list), sizeof(*ranks));
	size_t i;
	size_t j;

	*count = 0;
	for (i = 0; i < read_len(list); i++) {
		const struct node *node = read_item(list, i);
		struct config_rank *rank = &ranks[*count];

		if (!rank_read(loader, node, rank))
			continue;
		for (j = 0; j < *count; j++)
			if (ranks[j].agent == rank->agent &&
			    ranks[j].rule_set == rank->rule_set)
				break;
		if (j == *count)
			(*count)++;
		else
			problem_report(loader, node, "this is named twice");
	}
	return ranks;
}

/* --- precedence -------------------------------------------------------- */

static struct config_mv_attr *own_attr(struct loader *loader,
				       struct config_mv_type *type,
				       const struct node *key)
{
	attr_id id = config_attr_id(loader->config, key->text);
	const char *near;
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		if (type->attrs[i].attr.id == id)
			return &type->attrs[i];
	near = mv_attr_nearest(loader->config, &type->index, 1, key->text);
	problem_report(loader, key, "type '%s' has no attribute '" SV_FMT "'%s",
		       type->name, SV_ARG(key->text),
		       read_suggest(loader, key->text, &near, near ? 1 : 0));
	return NULL;
}

static void read_chooser(struct loader *loader, struct config_mv_attr *attr,
			 const struct node *map)
{
	static const char *const keys[] = { "lua", NULL };

	read_keys(loader, map, keys);
	attr->precedence = PRECEDENCE_LUA;
	attr->choose = hook_function(loader, map);
}

static void read_precedence(struct loader *loader, struct config_mv_type *type,
			    const struct node *node)
{
	const struct node *map = read_map(loader, node, "'precedence'");
	size_t i;

	for (i = 0; map && i < map->len; i++) {
		const struct node *list = map->items[i];
		struct config_mv_attr *attr =
			own_attr(loader, type, map->keys[i]);

		if (!attr)
			continue;
		if (hook_here(list))
			read_chooser(loader, attr, list);
		else if (list->kind == NODE_SCALAR &&
			 sv_eq_str(list->text, "equal") &&
			 !config_agent_find(loader->config, list->text))
			attr->precedence = PRECEDENCE_EQUAL;
		else
			attr->ranks =
				read_ranks(loader, list, &attr->rank_count);
	}
}

/* --- deletion ---------------------------------------------------------- */

static void read_delete_rule(struct loader *loader, struct config_mv_type *type,
			     const struct node *node)
{
	struct scope scope = scope_metaverse(loader, &type->index);

	type->delete_when = DELETE_RULE;
	type->delete_rule = scope_condition(&scope, node);
}

static void read_delete_lua(struct loader *loader, struct config_mv_type *type,
			    const struct node *map)
{
	struct scope scope = scope_metaverse(loader, &type->index);

	type->delete_when = DELETE_LUA;
	type->delete_lua.fn = hook_function(loader, map);
	type->delete_lua.fields =
		hook_fields(&scope, EXPR_VIEW_HERE, read_find(map, "reads"));
}

static void read_delete_map(struct loader *loader, struct config_mv_type *type,
			    const struct node *node)
{
	static const char *const keys[] = { "any", "from", "lua", "reads",
					    NULL };
	const struct node *any = read_find(node, "any");
	const struct node *from = read_find(node, "from");

	read_keys(loader, node, keys);
	if (any) {
		type->delete_when = DELETE_ANY_OF;
		type->delete_of =
			read_ranks(loader, any, &type->delete_of_count);
	} else if (from) {
		read_delete_rule(loader, type, from);
	} else if (hook_here(node)) {
		read_delete_lua(loader, type, node);
	} else {
		problem_report(loader, node,
			       "'when' takes { any: [...] }, { from: '...' } "
			       "or { lua: FUNCTION } here");
	}
}

static bool read_delete_word(struct config_mv_type *type, struct sv word)
{
	if (sv_eq_str(word, "last"))
		type->delete_when = DELETE_LAST;
	else if (sv_eq_str(word, "never"))
		type->delete_when = DELETE_NEVER;
	else if (sv_eq_str(word, "projected"))
		type->delete_when = DELETE_PROJECTED;
	else
		return false;
	return true;
}

static void read_delete(struct loader *loader, struct config_mv_type *type,
			const struct node *node)
{
	static const char *const keys[] = { "when", NULL };
	const struct node *map = read_map(
		loader, node, "'delete', as in delete: { when: last },");
	const struct node *when = read_find(map, "when");

	read_keys(loader, map, keys);
	if (!when)
		return;
	if (when->kind == NODE_MAP) {
		read_delete_map(loader, type, when);
		return;
	}
	if (when->kind == NODE_SCALAR && read_delete_word(type, when->text))
		return;
	type->delete_when = DELETE_LAST_OF;
	type->delete_of = read_ranks(loader, when, &type->delete_of_count);
	if (read_len(when) == 0)
		problem_report(loader, when,
			       "'when' names no agent; write last or never");
}

/* --- keys -------------------------------------------------------------- */

static void read_key_rules(struct loader *loader, struct config_mv_type *type,
			   const struct node *map)
{
	struct scope scope = scope_metaverse(loader, &type->index);
	size_t i;

	for (i = 0; i < type->key_count; i++) {
		const struct node *node = node_get(map, type->keys[i].name);

		if (read_absent(node))
			problem_report(loader, map, "key '%s' has no rule",
				       type->keys[i].name);
		type->keys[i].expr = scope_rule(&scope, node);
		if (type->keys[i].expr && expr_uses_now(type->keys[i].expr))
			problem_report(loader, node,
				       "a key cannot change with the time: "
				       "compare with Now() in the rules that "
				       "use it");
	}
}

void metaverse_rules(struct loader *loader)
{
	struct config *config = loader->config;
	const struct node *map = read_find(loader->root, "metaverse");
	size_t i;

	for (i = 0; i < config->mv_type_count; i++) {
		struct config_mv_type *type = &config->mv_types[i];
		const struct node *node = read_find(map, type->name);

		read_key_rules(loader, type, read_find(node, "keys"));
		read_precedence(loader, type, read_find(node, "precedence"));
		read_delete(loader, type, read_find(node, "delete"));
		type->keep_changes = config->keep_changes;
		keep_read(loader, read_find(node, "history"), "'history'",
			  &type->keep_changes);
	}
}
