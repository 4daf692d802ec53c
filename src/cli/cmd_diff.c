/*
 * cmd_diff.c - `conjoin diff`: what a run, or the time between two, changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/events.h"
#include "cli/moment.h"
#include "cli/session.h"
#include "store/history.h"

static const struct option_def options[] = {
	{ "run", "N", false, "what this run changed, and what it exported" },
	{ NULL, NULL, false, NULL },
};

struct diff {
	struct cli *cli;
	struct history_point from;
	struct history_point to;
	bool exports;
	struct json_stream stream;
	int64_t count;
};

static int on_event(void *data, const struct history_event *event)
{
	struct diff *diff = data;
	struct arena arena = ARENA_INIT;

	diff->count++;
	if (diff->cli->output.json)
		json_stream_add(&diff->stream, event_json(event, &arena));
	else
		event_print(diff->cli, event, true);
	arena_release(&arena);
	arena_reset(&diff->cli->arena);
	return 0;
}

static int found(void *data, const struct run_row *row)
{
	(void)row;
	*(bool *)data = true;
	return 1;
}

static int take_run(struct session *session, struct diff *diff, int64_t run,
		    struct error *err)
{
	bool there = false;

	if (store_run_scan(session->store, run, 1, found, &there, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ERR_NOTFOUND,
				 "no run %lld; 'conjoin runs' lists them",
				 (long long)run);
	diff->from = history_before_run(run);
	diff->to = history_after_run(run);
	diff->exports = true;
	return 0;
}

static int take_times(struct diff *diff, struct error *err)
{
	struct cli *cli = diff->cli;

	diff->to.time = clock_now();
	if (moment_read(cli_word(cli, 0), &diff->from.time, err) < 0 ||
	    (cli_word(cli, 1) &&
	     moment_read(cli_word(cli, 1), &diff->to.time, err) < 0))
		return -1;
	if (diff->from.time > diff->to.time)
		return error_set(err, ERR_INVALID,
				 "the first time is after the second");
	return 0;
}

static enum run_exit compare(struct session *session, struct diff *diff,
			     int64_t run)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	int ret;

	if (run && take_run(session, diff, run, &err) < 0)
		return cli_fail(cli, &err);
	if (cli->output.json) {
		json_stream_begin(&diff->stream, &cli->output);
		json_stream_list(&diff->stream, "events");
	}
	ret = history_diff(&session->display, &diff->from, &diff->to,
			   diff->exports, on_event, diff, &err);
	if (cli->output.json)
		json_stream_end(&diff->stream, true,
				ret < 0 ? cli_error_json(&err) : NULL);
	else if (ret == 0 && !diff->count)
		(void)puts("nothing differs");
	if (ret < 0)
		return cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct diff diff = { .cli = cli };
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit;
	int64_t run = 0;

	if (args_number(&cli->args, "run", &run, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if ((run != 0) == (cli->args.words.len != 0))
		return cli_misuse(cli, "say --run N, or two times");
	if (!run && take_times(&diff, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	if (store_read_begin(session.store, &err) < 0) {
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	} else {
		exit = compare(&session, &diff, run);
		store_read_end(session.store);
	}
	session_close(&session);
	return exit;
}

const struct command command_diff = {
	.name = "diff",
	.usage = "--run N | TIME [TIME]",
	.help = "what a run, or the time between two moments, changed",
	.more = "Objects of the metaverse that came, went or changed, with "
		"their values and links before and\nafter; of a run also what "
		"it exported. A time is 2026-01-31, 2026-01-31T18:00:00Z, or an "
		"age:\n'7 days'. The second one is now when it is left out.\n",
	.options = options,
	.min_words = 0,
	.max_words = 2,
	.run = run,
};
