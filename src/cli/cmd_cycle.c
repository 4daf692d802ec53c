/*
 * cmd_cycle.c - `conjoin cycle`: imports, syncs and exports of all agents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/runner.h"

static const struct option_def options[] = {
	SESSION_RUN_OPTIONS,
	{ NULL, NULL, false, NULL },
};

/* A word for all runs together. */
static const char *result_of(enum run_exit exit)
{
	switch (exit) {
	case RUN_OK:
		return "success";
	case RUN_ERRORS:
		return "completed-errors";
	case RUN_STOPPED:
		return "stopped";
	case RUN_USAGE:
	case RUN_FAILED:
	case RUN_BUSY:
	case RUN_MOVED:
		return "failed";
	}
	return "failed";
}

static void print_json(struct runner *runner, enum run_exit exit,
		       const struct error *err)
{
	json_t *document = json_object();

	(void)json_object_set_new(document, "result",
				  json_string(result_of(exit)));
	(void)json_object_set_new(document, "exit", json_integer(exit));
	(void)json_object_set(document, "runs", runner->runs);
	(void)json_object_set(document, "warnings", runner->warnings);
	if (exit == RUN_FAILED && err->code != ERR_NONE)
		(void)json_object_set_new(document, "error",
					  cli_error_json(err));
	output_json(&runner->cli->output, document);
}

static void print_text(struct runner *runner, enum run_exit exit,
		       const struct error *err)
{
	struct cli *cli = runner->cli;
	const char *result = result_of(exit);

	if (exit == RUN_FAILED && err->code != ERR_NONE)
		(void)cli_fail_as(cli, exit, err);
	if (cli->output.quiet)
		return;
	(void)printf("cycle: %s%s%s, %zu runs\n",
		     output_style(&cli->output, stdout,
				  exit == RUN_OK ? STYLE_GOOD : STYLE_BAD),
		     result, output_style(&cli->output, stdout, STYLE_NONE),
		     json_array_size(runner->runs));
	if (exit == RUN_ERRORS)
		cli_hint(cli, "all errors", "errors");
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct session session;
	struct runner runner;
	enum run_exit exit = session_open(&session, cli, SESSION_RUN, "cycle");

	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	runner_init(&runner, &session);
	runner.brief = true;
	exit = run_cycle(session.store, session.config, &runner.options, &err);
	if (cli->output.json)
		print_json(&runner, exit, &err);
	else
		print_text(&runner, exit, &err);
	runner_release(&runner);
	store_leave_one_file(session.store);
	session_close(&session);
	return exit;
}

const struct command command_cycle = {
	.name = "cycle",
	.usage = "",
	.help = "import, synchronize and export all agents until all is done",
	.more = "Imports of all agents (delta where one can follow), syncs of "
		"all, exports of all,\nimports of those exported to, syncs of "
		"those; again while something is still to be\nexported, three "
		"rounds at most. What fails or is stopped by a guard stops "
		"that agent only.\n",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
