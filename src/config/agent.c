/*
 * agent.c - agents/NAME.yaml: the connector, its settings, the rule sets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "connector/plugin.h"

/* --- connect ----------------------------------------------------------- */

static size_t find_key(const struct node *map, struct sv key)
{
	size_t i;

	for (i = 0; i < map->len; i++)
		if (sv_eq(map->keys[i]->text, key))
			break;
	return i;
}

/* `over` on top of `base`: maps key by key, all else replaced. */
static struct node *merge_nodes(struct arena *arena, struct node *base,
				struct node *over)
{
	struct node *out;
	size_t i;

	if (!base || base->kind != NODE_MAP || over->kind != NODE_MAP)
		return over;
	out = source_node_new(arena, NODE_MAP, base);
	out->keys =
		arena_array(arena, base->len + over->len, sizeof(*out->keys));
	out->items =
		arena_array(arena, base->len + over->len, sizeof(*out->items));
	for (i = 0; i < base->len; i++) {
		out->keys[i] = base->keys[i];
		out->items[i] = base->items[i];
	}
	out->len = base->len;
	for (i = 0; i < over->len; i++) {
		size_t at = find_key(out, over->keys[i]->text);
		struct node *merged = over->items[i];

		if (at < out->len && out->items[at]->kind == NODE_MAP &&
		    merged->kind == NODE_MAP)
			merged = merge_nodes(arena, out->items[at], merged);
		out->keys[at] = over->keys[i];
		out->items[at] = merged;
		out->len += at == out->len;
	}
	return out;
}

static const struct node *connect_of(struct loader *loader,
				     const struct agent_draft *draft)
{
	struct node *connect = node_get(draft->root, "connect");
	struct node *over = node_get(read_find(loader->overlay, "connect"),
				     draft->agent->name);

	if (read_absent(connect))
		connect = source_node_new(loader->arena, NODE_MAP, draft->root);
	return read_absent(over) ? connect
				 : merge_nodes(loader->arena, connect, over);
}

static void take_report(void *data, const struct node *at, const char *message)
{
	struct loader *loader = data;

	problem_report(loader, at, "%s", message);
}

/* A type that is a path: a plug-in, whose name is nobody else's. */
static const struct connector_ops *
load_plugin(struct loader *loader, const struct node *node, struct sv path)
{
	const struct connector_ops *const *table = loader->options->connectors;
	struct error err = ERROR_INIT;
	const struct connector_ops *ops =
		connector_plugin(arena_cstr(loader->arena, path), &err);

	if (!ops)
		problem_report(loader, node, "%s", err.msg);
	else if (connector_find(table, sv_from(ops->name)))
		problem_report(loader, node,
			       "the plug-in calls itself '%s', which is a "
			       "connector of conjoin: it needs another name",
			       ops->name);
	return ops;
}

static const struct connector_ops *find_connector(struct loader *loader,
						  const struct node *node)
{
	const struct connector_ops *const *table = loader->options->connectors;
	struct sv name = read_text(loader, node, "'type'");
	const struct connector_ops *ops;
	const char *names[64];
	size_t count;

	if (name.len == 0)
		return NULL;
	if (name.ptr[0] == '/')
		return load_plugin(loader, node, name);
	ops = connector_find(table, name);
	if (ops)
		return ops;
	for (count = 0; count < 64 && table[count]; count++)
		names[count] = table[count]->name;
	problem_report(loader, node, "there is no connector '" SV_FMT "'%s",
		       SV_ARG(name), read_suggest(loader, name, names, count));
	return NULL;
}

static void declare_connect(struct loader *loader, struct agent_draft *draft)
{
	struct config_agent *agent = draft->agent;
	const struct node *type = read_find(draft->root, "type");
	struct node *none =
		source_node_new(loader->arena, NODE_MAP, draft->root);

	agent->connect = none;
	agent->caps = UINT32_MAX; /* not known: say nothing about it */
	if (!type)
		problem_report(
			loader, none,
			"'type' is missing: the connector of agent '%s', "
			"as in type: csv",
			agent->name);
	agent->ops = find_connector(loader, type);
	if (!agent->ops)
		return;
	agent->connect = connect_of(loader, draft);
	draft->connect_good = setting_check(agent->connect,
					    agent->ops->settings, take_report,
					    loader) == 0;
	if (agent->connect->kind != NODE_MAP)
		agent->connect = none;
	agent->caps = draft->connect_good
			      ? connector_caps(agent->ops, agent->connect)
			      : agent->ops->caps;
}

/* --- passes ------------------------------------------------------------ */

static void declare_rule_sets(struct loader *loader, struct agent_draft *draft)
{
	struct config_agent *agent = draft->agent;
	const struct node *node = read_find(draft->root, "objects");
	const struct node *map = read_map(loader, node, "'objects'");
	size_t count = map ? map->len : 0;
	size_t i;

	if (!node)
		problem_warn(loader, draft->root,
			     "agent '%s' has no 'objects', so nothing is read "
			     "or written",
			     agent->name);
	agent->rule_set_count = count;
	agent->rule_sets =
		arena_array(loader->arena, count, sizeof(*agent->rule_sets));
	draft->rule_sets =
		arena_array(loader->arena, count, sizeof(*draft->rule_sets));
	for (i = 0; i < count; i++)
		rule_set_declare(loader, draft, i, map->keys[i], map->items[i]);
}

void agent_declare(struct loader *loader, struct agent_draft *draft)
{
	static const char *const keys[] = { "type",    "connect",
					    "objects", "run_profiles",
					    "guards",  "was",
					    NULL };
	struct sv was;

	if (!draft->root)
		return;
	read_keys(loader, draft->root, keys);
	declare_connect(loader, draft);
	param_agent(loader, draft);
	declare_rule_sets(loader, draft);
	was = read_text(loader, read_find(draft->root, "was"), "'was'");
	if (was.len)
		draft->agent->was = arena_cstr(loader->arena, was);
}

static void read_guards(struct loader *loader, struct agent_draft *draft)
{
	static const char *const keys[] = { "import", "export", NULL };
	const struct node *map =
		read_map(loader, read_find(draft->root, "guards"), "'guards'");

	draft->agent->import_guards = loader->import_guards;
	draft->agent->export_guards = loader->export_guards;
	read_keys(loader, map, keys);
	guards_read(loader, draft, GUARD_IMPORT, read_find(map, "import"),
		    &draft->agent->import_guards);
	guards_read(loader, draft, GUARD_EXPORT, read_find(map, "export"),
		    &draft->agent->export_guards);
}

void agent_rules(struct loader *loader, struct agent_draft *draft)
{
	size_t i;

	for (i = 0; i < draft->agent->rule_set_count; i++)
		rule_set_rules(loader, draft, i);
	read_guards(loader, draft);
	profiles_read(loader, draft);
}

void agent_check(struct loader *loader, struct agent_draft *draft)
{
	const struct config_agent *agent = draft->agent;
	struct connector_config config = { .agent = agent->name,
					   .folder = loader->config->folder,
					   .connect = agent->connect,
					   .types = agent->types,
					   .type_count = agent->type_count };

	if (draft->connect_good && agent->ops->check)
		agent->ops->check(agent->ops, &config, take_report, loader);
}
