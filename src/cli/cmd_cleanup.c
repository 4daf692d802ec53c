/*
 * cmd_cleanup.c - `conjoin cleanup`: old runs and changes out of the history
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/moment.h"
#include "cli/session.h"

static const struct option_def options[] = {
	{ "before", "TIME", false,
	  "what is from before it: 2026-01-31, or an age such as '90 "
	  "days'" },
	{ "wait", "SECONDS", false,
	  "how long to wait for another run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

struct cleanup {
	struct session *session;
	int64_t runs;    /* those from before it go; 0: none */
	int64_t changes; /* the same, of changes; 0: as configured */
	int64_t now;
	int64_t removed_runs;
	int64_t removed_changes;
};

static int read_before(struct cleanup *cleanup, struct error *err)
{
	const struct config *config = cleanup->session->config;
	const char *text = args_value(&cleanup->session->cli->args, "before");

	cleanup->now = clock_now();
	if (!text) {
		if (config->keep_runs)
			cleanup->runs = cleanup->now - config->keep_runs;
		return 0;
	}
	if (moment_read(text, &cleanup->runs, err) < 0)
		return -1;
	cleanup->changes = cleanup->runs;
	return 0;
}

static void report(struct cli *cli, const struct cleanup *cleanup)
{
	const char *time = output_time(cleanup->runs, &cli->arena);
	json_t *json;

	if (!cli->output.json) {
		(void)printf("%lld run%s%s%s and %lld change%s of objects "
			     "removed\n",
			     (long long)cleanup->removed_runs,
			     cleanup->removed_runs == 1 ? "" : "s",
			     cleanup->runs ? " from before " : "", time,
			     (long long)cleanup->removed_changes,
			     cleanup->removed_changes == 1 ? "" : "s");
		return;
	}
	json = json_object();
	(void)json_object_set_new(json, "removed",
				  json_integer(cleanup->removed_runs));
	(void)json_object_set_new(json, "changes",
				  json_integer(cleanup->removed_changes));
	(void)json_object_set_new(json, "before",
				  cleanup->runs ? json_of_text(time)
						: json_null());
	output_json(&cli->output, json);
}

static int remove_all(struct cleanup *cleanup, struct error *err)
{
	struct store *store = cleanup->session->store;
	struct run_keep keep = {
		.config = cleanup->session->config,
		.now = cleanup->now,
		.before = cleanup->changes,
	};

	cleanup->removed_changes =
		run_forget_changes(store, &keep, SIZE_MAX, err);
	if (cleanup->removed_changes < 0)
		return -1;
	if (cleanup->runs)
		cleanup->removed_runs =
			run_forget(store, cleanup->runs, SIZE_MAX, err);
	return cleanup->removed_runs < 0 ? -1 : 0;
}

static enum run_exit clean(struct cleanup *cleanup)
{
	struct session *session = cleanup->session;
	enum run_exit exit =
		session_open_store(session, SESSION_RUN, "cleanup");
	struct error err = ERROR_INIT;

	if (exit != RUN_OK)
		return exit;
	if (remove_all(cleanup, &err) < 0)
		return cli_fail_as(session->cli, RUN_FAILED, &err);
	report(session->cli, cleanup);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	struct cleanup cleanup = { .session = &session };

	if (exit != RUN_OK)
		return exit;
	if (read_before(&cleanup, &err) < 0)
		exit = cli_misuse(cli, "%s", err.msg);
	else
		exit = clean(&cleanup);
	session_close(&session);
	return exit;
}

const struct command command_cleanup = {
	.name = "cleanup",
	.usage = "[--before TIME]",
	.help = "remove old runs and changes from the history",
	.more = "Runs and changes of objects older than 'history: { runs: ..., "
		"changes: ... }' in conjoin.yaml\nsays, or than --before. The "
		"last runs of each agent stay, so that 'errors' and "
		"'explain'\nlose nothing.\n",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
