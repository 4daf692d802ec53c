/*
 * general.c - conjoin.yaml apart from the metaverse: version, store, cycle,
 * switches, the guards of all agents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/clock.h"

#define DEFAULT_STORE   "sqlite:state/conjoin.db"
#define DEFAULT_CHANGES (90 * CLOCK_DAY)

static void read_version(struct loader *loader)
{
	const struct node *node = read_find(loader->root, "conjoin");

	if (!node)
		problem_at(loader, "conjoin.yaml", 1, 1, false,
			   "the version of the format is missing: begin the "
			   "file with 'conjoin: 1'");
	else if (!sv_eq_str(read_text(loader, node, "'conjoin'"), "1"))
		problem_report(
			loader, node,
			"this program reads version 1 of the format only: "
			"write 'conjoin: 1'");
}

/* The address is taken as it is; what is in it the driver reads. */
static void read_postgresql(struct loader *loader, const struct node *node,
			    struct sv store)
{
	struct sv rest = sv_sub(store, 11, store.len);
	size_t end = sv_find(rest, '/', 2);
	size_t at = sv_find(rest, '@', 2);

	if (!sv_starts(rest, SV_LIT("//")) || rest.len < 3)
		problem_report(loader, node,
			       "'store' must be "
			       "postgresql://USER@HOST/DATABASE");
	else if (at < end && sv_find(rest, ':', 2) < at)
		problem_report(loader, node,
			       "'store' has a password in it; write the "
			       "address without, and the password into the "
			       "file ~/.pgpass or the variable PGPASSWORD");
	else
		loader->config->store = arena_cstr(loader->arena, store);
}

static void read_store(struct loader *loader)
{
	const struct node *node = read_find(loader->overlay, "store");
	struct sv store;

	if (!node)
		node = read_find(loader->root, "store");
	store = node ? read_text(loader, node, "'store'")
		     : sv_from(DEFAULT_STORE);
	if (node && sv_starts(store, SV_LIT("postgresql:"))) {
		read_postgresql(loader, node, store);
	} else if (!sv_starts(store, SV_LIT("sqlite:")) || store.len < 8) {
		if (node && node->kind == NODE_SCALAR)
			problem_report(loader, node,
				       "'store' must be sqlite:PATH, as in "
				       "sqlite:state/conjoin.db, or "
				       "postgresql://USER@HOST/DATABASE");
	} else {
		store = sv_sub(store, 7, store.len);
		loader->config->store = arena_printf(
			loader->arena, "sqlite:%s%s" SV_FMT,
			store.ptr[0] == '/' ? "" : loader->config->folder,
			store.ptr[0] == '/' ? "" : "/", SV_ARG(store));
	}
}

static void read_guards(struct loader *loader)
{
	static const char *const keys[] = { "import", "export", "plan", NULL };
	const struct node *node =
		read_map(loader, read_find(loader->root, "guards"), "'guards'");

	guards_default(&loader->import_guards, &loader->export_guards);
	read_keys(loader, node, keys);
	guards_read(loader, NULL, GUARD_IMPORT, read_find(node, "import"),
		    &loader->import_guards);
	guards_read(loader, NULL, GUARD_EXPORT, read_find(node, "export"),
		    &loader->export_guards);
	guards_read_plan(loader, read_find(node, "plan"),
			 &loader->config->plan_guard);
}

void keep_read(struct loader *loader, const struct node *node, const char *key,
	       int64_t *out)
{
	struct sv text = read_text(loader, node, key);

	if (text.len && sv_eq_str(text, "forever"))
		*out = 0;
	else if (text.len && (!setting_parse_duration(text, out) || *out <= 0))
		problem_report(loader, node,
			       "%s is how long they are kept: forever, or a "
			       "time such as 90 days",
			       key);
}

static void read_history(struct loader *loader)
{
	static const char *const keys[] = { "runs", "changes", NULL };
	const struct node *map = read_map(
		loader, read_find(loader->root, "history"), "'history'");

	read_keys(loader, map, keys);
	loader->config->keep_changes = DEFAULT_CHANGES;
	keep_read(loader, read_find(map, "runs"), "'runs'",
		  &loader->config->keep_runs);
	keep_read(loader, read_find(map, "changes"), "'changes'",
		  &loader->config->keep_changes);
}

/* `connect: { AGENT: ... }` of the overlay names agents that exist. */
static void check_overlay_agents(struct loader *loader)
{
	const struct node *connect = read_map(
		loader, read_find(loader->overlay, "connect"), "'connect'");
	size_t i;

	for (i = 0; connect && i < connect->len; i++)
		if (!config_agent_find(loader->config, connect->keys[i]->text))
			problem_report(loader, connect->keys[i],
				       "there is no agent '" SV_FMT "'",
				       SV_ARG(connect->keys[i]->text));
}

void general_read(struct loader *loader)
{
	static const char *const keys[] = {
		"conjoin",      "store",       "agents",     "cycle",
		"provisioning", "environment", "parameters", "metaverse",
		"guards",       "history",     "lua",        NULL,
	};

	read_keys(loader, loader->root, keys);
	read_version(loader);
	read_store(loader);
	read_guards(loader);
	read_history(loader);
	check_overlay_agents(loader);
	loader->config->provisioning =
		read_switch(loader, read_find(loader->root, "provisioning"),
			    "'provisioning'", true);
}

/* --- cycle ------------------------------------------------------------- */

static bool in_cycle(const struct config *config, size_t agent)
{
	size_t i;

	for (i = 0; i < config->cycle_count; i++)
		if (config->cycle[i] == agent)
			return true;
	return false;
}

static void add_to_cycle(struct loader *loader, const struct node *node)
{
	struct config *config = loader->config;
	struct config_rank rank;

	if (!rank_read(loader, node, &rank))
		return;
	if (rank.rule_set)
		problem_report(loader, node,
			       "'order' names agents; leave out the rule set");
	else if (in_cycle(config, rank.agent))
		problem_report(loader, node, "agent '%s' is named twice",
			       config->agents[rank.agent].name);
	else
		config->cycle[config->cycle_count++] = rank.agent;
}

void cycle_read(struct loader *loader)
{
	static const char *const keys[] = { "order", NULL };
	struct config *config = loader->config;
	const struct node *cycle =
		read_map(loader, read_find(loader->root, "cycle"), "'cycle'");
	const struct node *order = read_find(cycle, "order");
	size_t count = read_len(order);
	size_t i;

	read_keys(loader, cycle, keys);
	config->cycle = arena_array(loader->arena, config->agent_count + 1,
				    sizeof(*config->cycle));
	for (i = 0; i < count && config->cycle_count < config->agent_count; i++)
		add_to_cycle(loader, read_item(order, i));
	for (i = 0; i < config->agent_count; i++) {
		if (!order)
			config->cycle[config->cycle_count++] = i;
		else if (!in_cycle(config, i))
			problem_warn(loader, order,
				     "agent '%s' is not in the order: 'conjoin "
				     "cycle' leaves it out",
				     config->agents[i].name);
	}
}
