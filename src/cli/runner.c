/*
 * runner.c - the hooks of runs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/runner.h"

#include "cli/report.h"

#include <string.h>

static void on_run_begin(void *data, int64_t run, const char *agent,
			 const char *profile)
{
	struct runner *runner = data;
	struct cli *cli = runner->cli;

	(void)snprintf(runner->agent, sizeof(runner->agent), "%s", agent);
	(void)snprintf(runner->profile, sizeof(runner->profile), "%s", profile);
	runner->run = json_object();
	(void)json_object_set_new(runner->run, "run", json_integer(run));
	(void)json_object_set_new(runner->run, "agent", json_of_text(agent));
	(void)json_object_set_new(runner->run, "profile",
				  json_of_text(profile));
	(void)json_object_set_new(runner->run, "result", json_null());
	(void)json_object_set_new(runner->run, "exit", json_null());
	(void)json_object_set_new(runner->run, "steps", json_array());
	(void)json_object_set_new(runner->run, "warnings", json_array());
	(void)json_array_append_new(runner->runs, runner->run);
	if (!cli->output.json && !cli->output.quiet && !runner->brief)
		(void)printf("run %lld: %s %s\n", (long long)run, agent,
			     profile);
	(void)fflush(stdout);
}

static void on_step_begin(void *data, int number, const char *kind)
{
	struct runner *runner = data;

	(void)number;
	progress_begin(&runner->progress, &runner->cli->output, runner->agent,
		       kind);
}

static int on_progress(void *data, uint64_t objects, int permille)
{
	struct runner *runner = data;

	progress_update(&runner->progress, objects, permille);
	return session_interrupted;
}

static int agent_width(const struct config *config)
{
	size_t width = 0;
	size_t i;

	for (i = 0; i < config->agent_count; i++)
		if (strlen(config->agents[i].name) > width)
			width = strlen(config->agents[i].name);
	return width > 40 ? 40 : (int)width;
}

static void on_step_end(void *data, const struct run_step *step)
{
	struct runner *runner = data;
	const struct counter *counter;
	json_t *json = report_step(step);

	progress_end(&runner->progress);
	if (step->counters)
		vec_foreach(&step->counters->all, counter)
			report_count(json, runner->session->store,
				     counter->target, counter->name,
				     counter->value);
	(void)json_array_append_new(json_object_get(runner->run, "steps"),
				    json);
	if (!runner->cli->output.json && !runner->cli->output.quiet)
		report_print_step(runner->cli, json,
				  runner->brief ? runner->agent : NULL,
				  agent_width(runner->session->config));
}

static bool is_new(struct runner *runner, const char *text)
{
	if (json_object_get(runner->told, text))
		return false;
	(void)json_object_set_new(runner->told, text, json_true());
	return true;
}

static void on_warning(void *data, const char *text)
{
	struct runner *runner = data;

	progress_end(&runner->progress);
	(void)json_array_append_new(
		runner->run ? json_object_get(runner->run, "warnings")
			    : runner->warnings,
		json_of_text(text));
	/* each run of a cycle may say the same */
	if (!runner->cli->output.json && is_new(runner, text))
		cli_warn(runner->cli, "%s", text);
}

/* --- what to do next --------------------------------------------------- */

static const char *string_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void hint_allow(struct runner *runner, const json_t *step)
{
	const char *token = string_of(step, "token");

	if (*token && !strstr(string_of(step, "message"), token) &&
	    sv_starts(sv_from(string_of(step, "result")), SV_LIT("stopped-")))
		cli_hint(runner->cli, "  to let exactly this pass",
			 "run %s %s --allow %s", runner->agent,
			 string_of(step, "kind"), token);
}

static void hint_exports(struct runner *runner, const json_t *step)
{
	const char *target;
	json_t *counters;

	json_object_foreach(json_object_get(step, "outbound"), target, counters)
	{
		(void)counters;
		cli_hint(runner->cli, "  what will be written",
			 "pending %s --exports", target);
		cli_hint(runner->cli, "  to write it", "run %s export", target);
	}
}

static bool staged_something(const json_t *step)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(step, "counters"), name, value)
	{
		if (sv_starts(sv_from(name), SV_LIT("stage-")) &&
		    strcmp(name, "stage-no-change") != 0 &&
		    strcmp(name, "stage-failure") != 0 &&
		    json_integer_value(value) > 0)
			return true;
	}
	return false;
}

/* After a single run: what its last step left to be done. */
static void hint_next(struct runner *runner, const json_t *steps)
{
	const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
	struct sv kind = sv_from(string_of(last, "kind"));

	if (runner->brief ||
	    !sv_starts(sv_from(string_of(last, "result")), SV_LIT("success")))
		return;
	if (!sv_ends(kind, SV_LIT("-import")))
		hint_exports(runner, last);
	else if (staged_something(last))
		cli_hint(runner->cli, "  next", "run %s delta-sync",
			 runner->agent);
}

static void print_end(struct runner *runner, const char *result)
{
	const json_t *steps = json_object_get(runner->run, "steps");
	bool errors = false;
	size_t i;

	for (i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);

		report_print_errors(runner->cli, step);
		errors |= json_array_size(json_object_get(step, "errors")) > 0;
		hint_allow(runner, step);
	}
	if (errors)
		cli_hint(runner->cli, "  all errors", "errors %s",
			 runner->agent);
	if (json_array_size(steps) > 1 && !runner->brief)
		(void)printf("  result: %s\n", result);
	if (json_array_size(steps))
		hint_next(runner, steps);
	(void)fflush(stdout);
}

static void on_run_end(void *data, int64_t run, const char *result,
		       enum run_exit exit)
{
	struct runner *runner = data;
	struct error err = ERROR_INIT;

	(void)json_object_set_new(runner->run, "result", json_of_text(result));
	(void)json_object_set_new(runner->run, "exit", json_integer(exit));
	progress_end(&runner->progress);
	if (report_errors(runner->session, runner->agent, run,
			  json_object_get(runner->run, "steps"), &err) < 0)
		on_warning(runner, err.msg);
	if (!runner->cli->output.json && !runner->cli->output.quiet)
		print_end(runner, result);
	else if (!runner->cli->output.json && exit != RUN_OK)
		(void)fprintf(stderr, "conjoin: run %lld: %s %s: %s\n",
			      (long long)run, runner->agent, runner->profile,
			      result);
	runner->run = NULL;
}

void runner_init(struct runner *runner, struct session *session)
{
	const struct run_hooks hooks = {
		.data = runner,
		.run_begin = on_run_begin,
		.step_begin = on_step_begin,
		.progress = on_progress,
		.step_end = on_step_end,
		.run_end = on_run_end,
		.warning = on_warning,
	};

	memset(runner, 0, sizeof(*runner));
	runner->session = session;
	runner->cli = session->cli;
	runner->hooks = hooks;
	runner->options.hooks = &runner->hooks;
	runner->options.allow = args_value(&session->cli->args, "allow");
	runner->options.secret = secrets_resolve;
	runner->options.secret_data = &session->secrets;
	runner->options.seal_key = secrets_seal_key;
	runner->runs = json_array();
	runner->warnings = json_array();
	runner->told = json_object();
}

void runner_release(struct runner *runner)
{
	json_decref(runner->runs);
	json_decref(runner->warnings);
	json_decref(runner->told);
}
