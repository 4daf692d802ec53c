/*
 * planning.c - carry out what a plan is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/planning.h"

#include "cli/secrets.h"

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

void planning_init(struct planning *planning, struct session *session)
{
	const struct run_hooks hooks = {
		.data = planning,
		.run_begin = on_run_begin,
		.progress = on_progress,
		.step_end = on_step_end,
	};

	memset(planning, 0, sizeof(*planning));
	planning->session = session;
	planning->failures = json_array();
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
	explicit_bzero(planning->seed, sizeof(planning->seed));
}

enum run_exit planning_run(struct planning *planning, const char *agent,
			   const struct idmap *only, struct plan_document *out,
			   json_t **tokens_out, struct error *err)
{
	struct session *session = planning->session;
	enum run_exit exit;
	json_t *failure;
	size_t i;

	planning->plan = plan_new(&session->display, &planning->options);
	random_repeat(planning->seed);
	exit = plan_run(planning->plan, planning->imports, err);
	random_repeat(NULL);
	json_array_foreach(planning->failures, i, failure)(void)
		json_array_append(out->warnings, failure);
	if (exit > RUN_ERRORS) {
		if (err->code == ERR_NONE)
			(void)error_set(err, ERR_CONFLICT, "%s",
					json_string_value(json_array_get(
						planning->failures, 0)));
		return exit;
	}
	if (plan_collect(planning->plan, session, agent, only, out, tokens_out,
			 err) < 0)
		return RUN_FAILED;
	return exit;
}

const char *planning_meta(const struct plan_document *document,
			  const char *what, struct arena *arena)
{
	const char *id =
		json_string_value(json_object_get(document->head, "id"));

	return arena_printf(arena, "plan.%s.%s", id ? id : "", what);
}

enum run_exit planning_read(struct session *session, const char *path,
			    struct plan_document *out)
{
	struct strbuf raw = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error err = ERROR_INIT;
	int ret = plan_read(path, out, &raw, &err);

	if (ret == 0)
		ret = plan_verify(out, &raw, session->store, path, &err);
	strbuf_release(&raw);
	return ret < 0 ? cli_fail_as(session->cli, RUN_USAGE, &err) : RUN_OK;
}
