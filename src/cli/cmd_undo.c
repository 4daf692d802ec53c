/*
 * cmd_undo.c - `conjoin undo`: what would reverse a run's exports; writes
 * nothing
 *
 * What comes out is a plan: 'apply' carries it out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/planning.h"
#include "store/history.h"

static const struct option_def options[] = {
	{ "agent", "AGENT", false, "refuse a run that is not this agent's" },
	{ "out", "FILE", false, "keep the plan, for 'apply'" },
	{ "html", "FILE", false, "a page for who is to decide" },
	{ "ldif", "FILE", false, "the changes as LDIF" },
	{ "limit", "N", false,
	  "show at most N objects; default on a terminal: 100, on a page: "
	  "1000; 0: all" },
	{ "offset", "N", false, "pass over the first N" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit make(struct session *session, int64_t run,
			  const struct plan_showing *showing)
{
	struct plan_document document;
	struct planning planning;
	enum run_exit exit;

	plan_document_init(&document);
	planning_init(&planning, session);
	planning.undo = run;
	exit = planning_give(&planning,
			     args_value(&session->cli->args, "agent"), showing,
			     &document);
	if (exit <= RUN_ERRORS && json_array_size(document.conflicts))
		exit = RUN_ERRORS;
	planning_release(&planning);
	plan_document_release(&document);
	return exit;
}

struct state {
	struct store_holders holders;
	bool goes_on;
};

static int on_run(void *data, const struct run_row *row)
{
	struct state *state = data;

	state->goes_on = !row->ended &&
			 store_run_going_on(row, &state->holders);
	return 1;
}

/* Asked before the store is looked at through an overlay, which is its own
 * holder. */
static enum run_exit refuse_what_goes_on(struct cli *cli, int64_t run)
{
	struct state state = { .goes_on = false };
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	if (store_holders(session.store, &state.holders, &err) < 0 ||
	    store_run_scan(session.store, run, 1, on_run, &state, &err) < 0)
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	session_close(&session);
	if (!state.goes_on)
		return exit;
	(void)error_set(&err, ERR_INVALID,
			"run %lld goes on: undo it when it has ended",
			(long long)run);
	return cli_fail(cli, &err);
}

static enum run_exit run(struct cli *cli)
{
	struct plan_showing showing;
	struct session session;
	enum run_exit exit;
	int64_t number;

	if (!sv_to_i64(sv_from(cli_word(cli, 0)), &number) || number < 1)
		return cli_misuse(cli,
				  "'%s' is not the number of a run; see "
				  "'conjoin runs'",
				  cli_word(cli, 0));
	exit = planning_showing(cli, &showing);
	if (exit == RUN_OK)
		exit = refuse_what_goes_on(cli, number);
	if (exit == RUN_OK)
		exit = session_open(&session, cli, SESSION_OVER, "undo");
	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	exit = make(&session, number, &showing);
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
