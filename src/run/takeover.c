/*
 * takeover.c - agents and rule sets under new names: `was: OLDNAME`
 *
 * At the beginning of a run. The store knows agents and rule sets by numbers,
 * so a new name for the old number is all there is to do; links made under a
 * rule set that has both names by now are moved, once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run_private.h"

#include "store/rules.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 512

static bool in_files(const struct config *config, const char *agent,
		     const char *rule_set)
{
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++) {
		if (strcmp(config->agents[a].name, agent) != 0)
			continue;
		for (r = 0; rule_set && r < config->agents[a].rule_set_count;
		     r++)
			if (!strcmp(config->agents[a].rule_sets[r].name,
				    rule_set))
				return true;
		return !rule_set;
	}
	return false;
}

/* What an agent keeps under its name moves along. */
static int move_meta(struct store_tx *tx, const char *what, const char *from,
		     const char *to, struct error *err)
{
	struct arena arena = ARENA_INIT;
	char old[NAME_SIZE];
	char new[NAME_SIZE];
	struct sv value;
	int ret;

	(void)snprintf(old, sizeof(old), "%s.%s", what, from);
	(void)snprintf(new, sizeof(new), "%s.%s", what, to);
	ret = store_meta_get(store_of(tx), old, &arena, &value, err);
	if (ret > 0 && (store_meta_set(tx, new, value, err) < 0 ||
			store_meta_delete(tx, old, err) < 0))
		ret = -1;
	arena_release(&arena);
	return ret < 0 ? -1 : 0;
}

static int rename_rule_sets(struct store_tx *tx, const char *from,
			    const char *to, struct error *err)
{
	struct store *store = store_of(tx);
	char name[NAME_SIZE];
	size_t len = strlen(from);
	const char *old;
	uint32_t number;

	for (number = 1; (old = store_name(store, NAME_RULE_SET, number));
	     number++) {
		if (strncmp(old, from, len) != 0 || old[len] != '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s%s", to, old + len);
		if (store_name_change(tx, NAME_RULE_SET, number, sv_from(name),
				      err) < 0)
			return -1;
	}
	return 0;
}

static int rename_agent(struct store_tx *tx, const struct config *config,
			const struct config_agent *agent, struct error *err)
{
	struct store *store = store_of(tx);
	uint32_t number;

	if (!agent->was || in_files(config, agent->was, NULL) ||
	    store_name_find(store, NAME_AGENT, sv_from(agent->name)))
		return 0;
	number = store_name_find(store, NAME_AGENT, sv_from(agent->was));
	if (!number)
		return 0;
	if (store_name_change(tx, NAME_AGENT, number, sv_from(agent->name),
			      err) < 0 ||
	    rename_rule_sets(tx, agent->was, agent->name, err) < 0 ||
	    move_meta(tx, "watermark", agent->was, agent->name, err) < 0)
		return -1;
	return move_meta(tx, "joins", agent->was, agent->name, err);
}

#define CHUNK 256

/* Links that were frozen flow again. */
static int queue_links(struct store_tx *tx, uint32_t agent, uint32_t rule_set,
		       struct error *err)
{
	struct concern_row rows[CHUNK];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_concerned(store_of(tx), CONCERN_LINKED, agent,
					rule_set, &after, rows, CHUNK, err)) >
	       0)
		for (i = 0; i < count; i++)
			if (store_queue_put(tx, rows[i].cs, err) < 0)
				return -1;
	return count;
}

static int rename_rule_set(struct store_tx *tx, const struct config *config,
			   const struct config_agent *agent,
			   const struct config_rule_set *rule_set,
			   struct error *err)
{
	struct store *store = store_of(tx);
	char old_name[NAME_SIZE];
	char name[NAME_SIZE];
	uint32_t number;
	uint32_t old;

	if (!rule_set->was || in_files(config, agent->name, rule_set->was))
		return 0;
	(void)snprintf(old_name, sizeof(old_name), "%s.%s", agent->name,
		       rule_set->was);
	(void)snprintf(name, sizeof(name), "%s.%s", agent->name,
		       rule_set->name);
	old = store_name_find(store, NAME_RULE_SET, sv_from(old_name));
	number = store_name_find(store, NAME_RULE_SET, sv_from(name));
	if (!old)
		return 0;
	if (!number)
		return store_name_change(tx, NAME_RULE_SET, old, sv_from(name),
					 err);
	if (queue_links(
		    tx,
		    store_name_find(store, NAME_AGENT, sv_from(agent->name)),
		    old, err) < 0 ||
	    store_link_take_over(tx, old, number, err) < 0)
		return -1;
	(void)snprintf(old_name, sizeof(old_name), "%s.%s (now %s)",
		       agent->name, rule_set->was, rule_set->name);
	return store_name_change(tx, NAME_RULE_SET, old, sv_from(old_name),
				 err);
}

bool run_has_new_names(struct store *store, const struct config *config)
{
	char name[NAME_SIZE];
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++) {
		const struct config_agent *agent = &config->agents[a];

		if (agent->was &&
		    store_name_find(store, NAME_AGENT, sv_from(agent->was)))
			return true;
		for (r = 0; r < agent->rule_set_count; r++) {
			if (!agent->rule_sets[r].was)
				continue;
			(void)snprintf(name, sizeof(name), "%s.%s", agent->name,
				       agent->rule_sets[r].was);
			if (store_name_find(store, NAME_RULE_SET,
					    sv_from(name)))
				return true;
		}
	}
	return false;
}

int run_take_over(struct store *store, const struct config *config,
		  struct error *err)
{
	struct store_tx *tx;
	size_t a;
	size_t r;
	int ret = 0;

	if (!run_has_new_names(store, config))
		return 0;
	if (!store_leased_whole(store))
		return error_set(err, ERR_CONFLICT,
				 "an agent or rule set that the configuration "
				 "gives a new name (was) came into the store "
				 "just now; run again");
	if (store_begin(store, STORE_BULK, &tx, err) < 0)
		return -1;
	for (a = 0; a < config->agent_count && ret == 0; a++) {
		const struct config_agent *agent = &config->agents[a];

		ret = rename_agent(tx, config, agent, err);
		for (r = 0; r < agent->rule_set_count && ret == 0; r++)
			ret = rename_rule_set(tx, config, agent,
					      &agent->rule_sets[r], err);
	}
	if (ret < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}
