/*
 * cycle.c - all agents: import, sync, export, confirm; until nothing is pending
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run_private.h"

#include "export/export.h"
#include "import/import.h"
#include "store/cs.h"
#include "store/store.h"

#include <string.h>

#define ROUNDS 3

struct cycle {
	struct store *store;
	const struct config *config;
	const struct run_options *options;
	bool *out;      /* [agent]: failed or stopped, left out from now on */
	bool *exported; /* [agent]: in this round */
	enum export_what what;
	enum run_exit worst;
	struct error *err;
};

static void note(struct cycle *cycle, size_t agent, enum run_exit exit,
		 const struct error *err)
{
	if (exit > cycle->worst)
		cycle->worst = exit;
	if (exit == RUN_FAILED && cycle->err->code == ERR_NONE)
		*cycle->err = *err;
	if (exit >= RUN_USAGE)
		cycle->out[agent] = true;
}

static enum run_exit
run_step_of(struct store *store, const struct config *config,
	    const struct config_agent *agent, enum config_step_kind kind,
	    const struct run_options *options, struct error *err)
{
	struct config_step step = { .kind = kind };
	struct config_profile profile = {
		.name = step_kind_name(kind),
		.steps = &step,
		.step_count = 1,
	};

	return run_profile(store, config, agent, &profile, options, err);
}

static enum run_exit run_one(struct cycle *cycle, size_t index,
			     enum config_step_kind kind)
{
	struct error err = ERROR_INIT;
	enum run_exit exit = run_step_of(cycle->store, cycle->config,
					 &cycle->config->agents[index], kind,
					 cycle->options, &err);

	note(cycle, index, exit, &err);
	return exit;
}

static bool imports(const struct config_agent *agent)
{
	return (agent->caps & CONNECTOR_CAP_IMPORT) != 0;
}

static enum config_step_kind import_kind(struct store *store,
					 const struct config_agent *agent)
{
	struct error err = ERROR_INIT;

	return agent->caps & CONNECTOR_CAP_DELTA &&
			       import_has_watermark(store, agent, &err) > 0
		       ? STEP_DELTA_IMPORT
		       : STEP_FULL_IMPORT;
}

static void import_one(struct cycle *cycle, size_t index)
{
	const struct config_agent *agent = &cycle->config->agents[index];

	if (imports(agent))
		(void)run_one(cycle, index, import_kind(cycle->store, agent));
}

enum run_exit run_import(struct store *store, const struct config *config,
			 const struct config_agent *agent,
			 const struct run_options *options, struct error *err)
{
	return run_step_of(store, config, agent, import_kind(store, agent),
			   options, err);
}

static void each(struct cycle *cycle, const bool *only,
		 void (*fn)(struct cycle *cycle, size_t index))
{
	size_t i;

	for (i = 0; i < cycle->config->cycle_count; i++) {
		size_t agent = cycle->config->cycle[i];

		if (!cycle->out[agent] && (!only || only[agent]))
			fn(cycle, agent);
	}
}

static void sync_one(struct cycle *cycle, size_t index)
{
	(void)run_one(cycle, index, STEP_DELTA_SYNC);
}

static void export_one(struct cycle *cycle, size_t index)
{
	const struct config_agent *agent = &cycle->config->agents[index];
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (!(agent->caps & CONNECTOR_CAP_EXPORT) ||
	    export_any(cycle->store, agent, cycle->what, &err) <= 0)
		return;
	exit = run_one(cycle, index, STEP_EXPORT);
	cycle->exported[index] = exit == RUN_OK || exit == RUN_ERRORS;
}

static bool anything_pending(struct cycle *cycle)
{
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < cycle->config->cycle_count; i++) {
		size_t agent = cycle->config->cycle[i];

		if (!cycle->out[agent] &&
		    (cycle->config->agents[agent].caps &
		     CONNECTOR_CAP_EXPORT) &&
		    export_any(cycle->store, &cycle->config->agents[agent],
			       cycle->what, &err) > 0)
			return true;
	}
	return false;
}

/* A disconnector whose join value appeared, or an object that was joined from
 * the other side: not one that is only in error. */
static bool is_queued(struct cycle *cycle, const struct config_agent *agent)
{
	uint32_t number =
		store_name_find(cycle->store, NAME_AGENT, sv_from(agent->name));
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct cs_error known;
	int64_t id = 0;
	bool found = false;

	while (number && !found &&
	       store_queue_ids(cycle->store, number, id, &id, 1, &err) > 0) {
		found = store_error_get(cycle->store, id, ERROR_SYNC, &arena,
					&known, &err) == 0;
		arena_reset(&arena);
	}
	arena_release(&arena);
	return found;
}

/* What one agent's sync left to be done by another's that had its turn. */
static void sync_queued(struct cycle *cycle)
{
	bool *queued = mem_zalloc(cycle->config->agent_count + 1);
	bool any = true;
	int round;
	size_t i;

	for (round = 0; round < ROUNDS && any; round++) {
		any = false;
		for (i = 0; i < cycle->config->agent_count; i++) {
			queued[i] = is_queued(cycle, &cycle->config->agents[i]);
			any |= queued[i];
		}
		if (any)
			each(cycle, queued, sync_one);
	}
	mem_free(queued);
}

enum run_exit run_syncs(struct store *store, const struct config *config,
			const struct run_options *options, bool imports,
			int (*between)(void *data, struct error *err),
			void *data, struct error *err)
{
	struct cycle cycle = {
		.store = store,
		.config = config,
		.options = options,
		.err = err,
	};

	cycle.out = mem_zalloc(config->agent_count + 1);
	if (imports)
		each(&cycle, NULL, import_one);
	if (between && between(data, err) < 0) {
		cycle.worst = RUN_FAILED;
	} else {
		each(&cycle, NULL, sync_one);
		sync_queued(&cycle);
	}
	mem_free(cycle.out);
	return cycle.worst;
}

enum run_exit run_cycle(struct store *store, const struct config *config,
			const struct run_options *options, struct error *err)
{
	struct cycle cycle = {
		.store = store,
		.config = config,
		.options = options,
		.err = err,
	};
	int round;

	cycle.out = mem_zalloc(config->agent_count + 1);
	cycle.exported = mem_zalloc(config->agent_count + 1);
	each(&cycle, NULL, import_one);
	each(&cycle, NULL, sync_one);
	sync_queued(&cycle);
	for (round = 0; round < ROUNDS && anything_pending(&cycle); round++) {
		memset(cycle.exported, 0, config->agent_count + 1);
		each(&cycle, NULL, export_one);
		each(&cycle, cycle.exported, import_one);
		each(&cycle, cycle.exported, sync_one);
		sync_queued(&cycle);
		/* what failed waits for the next cycle */
		cycle.what = EXPORT_FRESH;
	}
	mem_free(cycle.out);
	mem_free(cycle.exported);
	return cycle.worst;
}
