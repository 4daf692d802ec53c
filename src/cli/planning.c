/*
 * planning.c - carry out what a plan is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/planning.h"

#include "cli/cleanup_plan.h"
#include "cli/secrets.h"
#include "config/limit.h"
#include "run/undo.h"

#include <string.h>

static int on_progress(void *data, uint64_t objects, int permille)
{
	(void)data;
	(void)objects;
	(void)permille;
	return session_interrupted;
}

static void on_run_begin(void *data, int64_t run, const char *agent,
			 const char *profile)
{
	struct planning *planning = data;

	(void)run;
	(void)profile;
	(void)json_array_append_new(planning->failures, json_of_text(agent));
}

/* The agent stays in the list when something went wrong with it. */
static void on_step_end(void *data, const struct run_step *step)
{
	struct planning *planning = data;
	size_t last = json_array_size(planning->failures) - 1;
	const char *agent =
		json_string_value(json_array_get(planning->failures, last));
	struct arena arena = ARENA_INIT;

	if (result_exit(step->result) == RUN_OK)
		(void)json_array_remove(planning->failures, last);
	else
		(void)json_array_set_new(
			planning->failures, last,
			json_of_text(arena_printf(
				&arena, "%s: %s: %s%s%s", agent, step->kind,
				step->result, step->message[0] ? ": " : "",
				step->message)));
	arena_release(&arena);
}

/* Each once: every run may say the same. */
static void on_warning(void *data, const char *text)
{
	struct planning *planning = data;
	json_t *known;
	size_t i;

	json_array_foreach(
		planning->told, i,
		known) if (!strcmp(json_string_value(known), text)) return;
	(void)json_array_append_new(planning->told, json_of_text(text));
}

void planning_init(struct planning *planning, struct session *session)
{
	const struct run_hooks hooks = {
		.data = planning,
		.run_begin = on_run_begin,
		.progress = on_progress,
		.step_end = on_step_end,
		.warning = on_warning,
	};

	memset(planning, 0, sizeof(*planning));
	planning->session = session;
	planning->failures = json_array();
	planning->told = json_array();
	planning->hooks = hooks;
	planning->options.hooks = &planning->hooks;
	planning->options.no_keys = true;
	planning->options.secret = secrets_resolve;
	planning->options.secret_data = &session->secrets;
	planning->options.seal_key = secrets_seal_key;
}

void planning_release(struct planning *planning)
{
	plan_free(planning->plan);
	json_decref(planning->failures);
	json_decref(planning->told);
	explicit_bzero(planning->seed, sizeof(planning->seed));
}

/* ---- an undo ---- */

/* Which exports are pending for it, and why; what is left alone. */
static json_t *take_orders(struct planning *planning,
			   const struct undo_task *task, struct idmap *staged)
{
	const char *cause = arena_printf(&planning->session->cli->arena,
					 "undo of run %lld",
					 (long long)task->run);
	json_t *conflicts = json_array();
	const struct undo_order *order;

	vec_foreach(&task->orders, order) {
		if (order->staged) {
			plan_note(planning->plan, order->staged, cause,
				  order->notes);
			idmap_put(staged, (uint64_t)order->staged, 1);
		} else if (order->conflict) {
			(void)json_array_append_new(
				conflicts,
				json_pack("{s:o, s:o}", "object",
					  json_of_text(order->name), "why",
					  json_of_text(order->conflict)));
		}
	}
	return conflicts;
}

static enum run_exit stage_undo(struct planning *planning, const char *agent,
				struct undo_task *task, struct error *err)
{
	struct session *session = planning->session;
	enum run_exit exit;

	if (undo_find(session->store, session->config, agent, task, err) < 0)
		return err->code == ERR_INVALID ? RUN_USAGE : RUN_FAILED;
	random_repeat(planning->seed);
	exit = run_undo(session->store, session->config, task,
			&planning->options, err);
	random_repeat(NULL);
	return exit;
}

static enum run_exit plan_undo(struct planning *planning,
			       const struct plan_collector *how,
			       struct plan_document *out, struct error *err)
{
	struct plan_collector all = *how;
	struct arena arena = ARENA_INIT;
	struct idmap staged = IDMAP_INIT;
	struct undo_task task = { .run = planning->undo,
				  .user = run_user(&planning->options),
				  .done_key = planning->done_key,
				  .done_text = planning->done_text,
				  .arena = &arena };
	enum run_exit exit = stage_undo(planning, how->agent, &task, err);

	if (exit <= RUN_ERRORS) {
		json_decref(out->conflicts);
		out->conflicts = take_orders(planning, &task, &staged);
		all.agent = NULL;
		if (!all.only)
			all.only = &staged;
		if (plan_collect(&all, out, err) < 0)
			exit = RUN_FAILED;
	}
	vec_release(&task.orders);
	idmap_release(&staged);
	arena_release(&arena);
	return exit;
}

/* ---- run ---- */

enum run_exit planning_run(struct planning *planning,
			   struct plan_collector *how,
			   struct plan_document *out, struct error *err)
{
	struct session *session = planning->session;
	enum run_exit exit;

	planning->plan = plan_new(&session->display, &planning->options);
	how->plan = planning->plan;
	how->session = session;
	if (planning->undo)
		return plan_undo(planning, how, out, err);
	if (planning->cleanup)
		return cleanup_plan_run(planning, how, out, err);
	random_repeat(planning->seed);
	exit = plan_run(planning->plan, planning->imports, err);
	random_repeat(NULL);
	(void)json_array_extend(out->warnings, planning->told);
	(void)json_array_extend(out->warnings, planning->failures);
	if (exit > RUN_ERRORS) {
		if (err->code == ERR_NONE)
			(void)error_set(err, ERR_CONFLICT, "%s",
					json_string_value(json_array_get(
						planning->failures, 0)));
		return exit;
	}
	return plan_collect(how, out, err) < 0 ? RUN_FAILED : exit;
}

const char *planning_meta(const struct plan_document *document,
			  const char *what, struct arena *arena)
{
	const char *id =
		json_string_value(json_object_get(document->head, "id"));

	return arena_printf(arena, "plan.%s.%s", id ? id : "", what);
}

static void count_all(const struct plan_document *document, int64_t *changes,
		      int64_t *deletions)
{
	const char *agent;
	json_t *counts;

	json_object_foreach(document->agents, agent, counts)
	{
		const char *operation;
		json_t *count;

		json_object_foreach(counts, operation, count)
		{
			*changes += json_integer_value(count);
			if (sv_starts(sv_from(operation), SV_LIT("delete")))
				*deletions += json_integer_value(count);
		}
	}
}

const char *planning_exceeds(const struct plan_document *document,
			     const struct config *config, struct arena *arena)
{
	const struct config_plan_guard *guard = &config->plan_guard;
	int64_t deletions = 0;
	int64_t changes = 0;

	count_all(document, &changes, &deletions);
	if (config_limit_exceeded(&guard->deletions, 0, deletions, 0))
		return arena_printf(arena,
				    "it has %lld deletions, more than "
				    "'guards: plan: deletions: %lld'",
				    (long long)deletions,
				    (long long)guard->deletions.value);
	if (config_limit_exceeded(&guard->changes, 0, changes, 0))
		return arena_printf(arena,
				    "it writes %lld objects, more than "
				    "'guards: plan: changes: %lld'",
				    (long long)changes,
				    (long long)guard->changes.value);
	return NULL;
}

enum run_exit planning_read(struct session *session, const char *path,
			    struct plan_document *out)
{
	struct error err = ERROR_INIT;

	if (plan_read(path, session->store, out, &err) < 0)
		return cli_fail_as(session->cli, RUN_USAGE, &err);
	return RUN_OK;
}
