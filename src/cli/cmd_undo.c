/*
 * cmd_undo.c - `conjoin undo`: what would reverse a run's exports; writes
 * nothing
 *
 * What comes out is a plan: 'apply' carries it out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/random.h"
#include "cli/planning.h"

static const struct option_def options[] = {
	{ "agent", "AGENT", false, "refuse a run that is not this agent's" },
	{ "out", "FILE", false, "keep the plan, for 'apply'" },
	{ "html", "FILE", false, "a page for who is to decide" },
	{ "ldif", "FILE", false, "the changes as LDIF" },
	{ "limit", "N", false,
	  "show at most N objects; default on a terminal: 100; 0: all" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit make(struct session *session, int64_t run)
{
	struct cli *cli = session->cli;
	int64_t limit = cli->output.terminal ? PLAN_TERMINAL_LIMIT : 0;
	struct plan_document document;
	struct planning planning;
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (args_number(&cli->args, "limit", &limit, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	plan_document_init(&document);
	planning_init(&planning, session);
	planning.undo = run;
	planning.options.now = clock_now();
	random_bytes(planning.seed, sizeof(planning.seed));
	exit = planning_run(&planning, args_value(&cli->args, "agent"), NULL,
			    &document, NULL, &err);
	if (exit <= RUN_ERRORS &&
	    planning_give(&planning, NULL, &document, limit, &err) < 0)
		exit = RUN_FAILED;
	if (exit > RUN_ERRORS)
		(void)cli_fail_as(cli, exit, &err);
	else if (json_array_size(json_object_get(document.head, "conflicts")))
		exit = RUN_ERRORS;
	planning_release(&planning);
	plan_document_release(&document);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit;
	int64_t number;

	if (!sv_to_i64(sv_from(cli_word(cli, 0)), &number) || number < 1)
		return cli_misuse(cli,
				  "'%s' is not the number of a run; see "
				  "'conjoin runs'",
				  cli_word(cli, 0));
	exit = session_open(&session, cli, SESSION_OVER, "undo");
	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	exit = make(&session, number);
	session_close(&session);
	return exit;
}

const struct command command_undo = {
	.name = "undo",
	.usage = "RUN",
	.help = "a plan that reverses what a run exported; writes nothing",
	.more = "Each object that the run wrote to is compared with what it "
		"left. One that has changed\nsince is named and left alone "
		"(exit status 1). With --out the plan is kept, and 'apply'\n"
		"writes exactly that. From then on the objects are held: "
		"nothing is exported to them\nuntil the rules want something "
		"else than what was undone, or until 'release'.\n",
	.options = options,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
