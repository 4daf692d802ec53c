/*
 * run.c - a run: its steps in order, recorded before they begin
 *
 * A step that ends with discovery errors, a guard or a failure ends the run;
 * objects in error and warnings do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run_private.h"

#include "base/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool starts(const char *text, const char *with)
{
	return sv_starts(sv_from(text), sv_from(with));
}

enum run_exit result_exit(const char *result)
{
	if (!strcmp(result, "success") ||
	    !strcmp(result, "completed-warnings") ||
	    !strcmp(result, "completed-transient-objects"))
		return RUN_OK;
	if (starts(result, "completed-"))
		return RUN_ERRORS;
	if (starts(result, "stopped-deletion") ||
	    starts(result, "stopped-change") ||
	    starts(result, "stopped-error-limit") ||
	    starts(result, "stopped-user"))
		return RUN_STOPPED;
	return RUN_FAILED;
}

bool result_goes_on(const char *result)
{
	enum run_exit exit = result_exit(result);

	if (!strcmp(result, "completed-discovery-errors"))
		return false;
	return exit == RUN_OK || exit == RUN_ERRORS;
}

static int severity(const char *result)
{
	switch (result_exit(result)) {
	case RUN_OK:
		return strcmp(result, "success") != 0;
	case RUN_ERRORS:
		return 2;
	case RUN_USAGE:
	case RUN_STOPPED:
		return 3;
	case RUN_FAILED:
	case RUN_BUSY:
	case RUN_MOVED:
		return 4;
	}
	return 4;
}

const char *run_user(const struct run_options *options)
{
	const struct passwd *entry;

	if (options->user)
		return options->user;
	entry = getpwuid(getuid());
	return entry ? entry->pw_name : "?";
}

static int begin_run(struct run *run, const char *profile, struct error *err)
{
	char host[64] = "";
	struct run_row row = {
		.agent = run->agent->name,
		.profile = profile,
		.user = run_user(run->options),
		.process = getpid(),
		.started = clock_now(),
		.rules = run->config->hash,
	};
	struct store_tx *tx;

	(void)gethostname(host, sizeof(host) - 1);
	row.host = host;
	run->started = row.started;
	if (store_begin(run->store, STORE_ALONE, &tx, err) < 0)
		return -1;
	run->id = store_run_begin(tx, &row, err);
	if (run->id < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static int end_run(struct run *run, struct error *err)
{
	struct store_tx *tx;

	if (store_begin(run->store, STORE_BULK, &tx, err) < 0)
		return -1;
	if (store_run_end(tx, run->id, clock_now(), run->result, run->message,
			  err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static int begin_step(struct run *run, int number, const char *kind,
		      int64_t *id_out, struct error *err)
{
	struct step_row row = {
		.run = run->id,
		.number = number,
		.kind = kind,
		.started = clock_now(),
	};
	struct store_tx *tx;

	if (store_begin(run->store, STORE_BULK, &tx, err) < 0)
		return -1;
	*id_out = store_step_begin(tx, &row, err);
	if (*id_out < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static int end_step(struct run *run, int64_t id,
		    const struct step_outcome *outcome, struct error *err)
{
	struct step_row row = {
		.id = id,
		.ended = clock_now(),
		.result = outcome->result,
		.message = outcome->message,
	};
	struct store_tx *tx;

	if (store_begin(run->store, STORE_BULK, &tx, err) < 0)
		return -1;
	if (counters_save(&outcome->counters, tx, id, err) < 0 ||
	    store_step_end(tx, &row, err) < 0 ||
	    (outcome->token_used &&
	     store_allow_record(tx, run->id, run->options->allow,
				run_user(run->options), err) < 0)) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static void tell_step(const struct run *run, int number, const char *kind,
		      const struct step_outcome *outcome, int64_t ms)
{
	const struct run_hooks *hooks = run->options->hooks;
	struct run_step step = {
		.number = number,
		.kind = kind,
		.result = outcome->result,
		.message = outcome->message,
		.token = outcome->token,
		.counters = &outcome->counters,
		.milliseconds = ms,
	};

	if (hooks && hooks->step_end)
		hooks->step_end(hooks->data, &step);
}

/* 1: the next step may run; 0: the run ends here; -1: it failed */
static int do_step(struct run *run, const struct run_task *task, int number,
		   struct error *err)
{
	const struct run_hooks *hooks = run->options->hooks;
	const char *kind = task->kind;
	struct step_outcome outcome;
	struct error recording = ERROR_INIT;
	int64_t began = clock_monotonic_ms();
	int64_t id;
	int ret;

	memset(&outcome, 0, sizeof(outcome));
	if (hooks && hooks->step_begin)
		hooks->step_begin(hooks->data, number, kind);
	if (begin_step(run, number, kind, &id, err) < 0) {
		run->result = "stopped-server";
		return -1;
	}
	ret = task->fn(run, task, id, &outcome, err);
	if (severity(outcome.result) > severity(run->result)) {
		run->result = outcome.result;
		memcpy(run->message, outcome.message, sizeof(run->message));
	}
	/* a failure to record does not hide what the step failed of */
	if (end_step(run, id, &outcome, ret < 0 ? &recording : err) < 0 &&
	    ret == 0) {
		run->result = "stopped-server";
		ret = -1;
	}
	tell_step(run, number, kind, &outcome, clock_monotonic_ms() - began);
	counters_release(&outcome.counters);
	if (ret < 0)
		return -1;
	return result_goes_on(outcome.result);
}

/* A few at the end of each run that has the store for itself; what is more goes
 * with the next ones. */
#define FORGET_MAX     64
#define FORGET_CHANGES 20000

static int forget_old(struct run *run, struct error *err)
{
	struct run_keep changes = { .config = run->config,
				    .now = run->started };
	int64_t keep = run->config->keep_runs;

	if (!store_leased_whole(run->store))
		return 0;
	if (run_forget_changes(run->store, &changes, FORGET_CHANGES, err) < 0)
		return -1;
	if (!keep)
		return 0;
	return run_forget(run->store, run->started - keep, FORGET_MAX, err) < 0
		       ? -1
		       : 0;
}

enum run_exit run_tasks(struct run *run, const char *profile,
			const struct run_task *tasks, size_t count,
			struct error *err)
{
	const struct run_hooks *hooks = run->options->hooks;
	struct error recording = ERROR_INIT;
	enum run_exit exit;
	size_t i;
	int ret = 1;

	run->result = "success";
	run->seal.key = run->options->seal_key;
	run->seal.data = run->options->secret_data;
	if (run_take_over(run->store, run->config, err) < 0 ||
	    begin_run(run, profile, err) < 0)
		return RUN_FAILED;
	if (hooks && hooks->run_begin)
		hooks->run_begin(hooks->data, run->id, run->agent->name,
				 profile);
	if (run_warn_frozen(run, err) < 0)
		ret = -1;
	for (i = 0; i < count && ret > 0; i++)
		ret = do_step(run, &tasks[i], (int)i + 1, err);
	exit = ret < 0 ? RUN_FAILED : result_exit(run->result);
	seal_release(&run->seal);
	if (end_run(run, ret < 0 ? &recording : err) < 0 ||
	    forget_old(run, ret < 0 ? &recording : err) < 0)
		exit = RUN_FAILED;
	if (hooks && hooks->run_end)
		hooks->run_end(hooks->data, run->id, run->result, exit);
	return exit;
}

bool run_needs_agent_only(struct store *store, const struct config *config,
			  const struct config_profile *profile)
{
	size_t i;

	for (i = 0; i < profile->step_count; i++)
		if (profile->steps[i].kind == STEP_FULL_SYNC ||
		    profile->steps[i].kind == STEP_DELTA_SYNC)
			return false;
	return !run_has_new_names(store, config);
}

static int profile_step(struct run *run, const struct run_task *task,
			int64_t step_id, struct step_outcome *out,
			struct error *err)
{
	return step_run(run, task->step, step_id, out, err);
}

enum run_exit run_profile(struct store *store, const struct config *config,
			  const struct config_agent *agent,
			  const struct config_profile *profile,
			  const struct run_options *options, struct error *err)
{
	struct run run = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
	};
	struct run_task *tasks =
		mem_zalloc((profile->step_count + 1) * sizeof(*tasks));
	enum run_exit exit;
	size_t i;

	for (i = 0; i < profile->step_count; i++)
		tasks[i] = (struct run_task){
			.kind = step_kind_name(profile->steps[i].kind),
			.fn = profile_step,
			.step = &profile->steps[i],
		};
	exit = run_tasks(&run, profile->name, tasks, profile->step_count, err);
	mem_free(tasks);
	return exit;
}
