/*
 * cmd_prune.c - `conjoin prune`: old runs and changes out of the history
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

struct prune {
	struct session *session;
	int64_t runs;    /* those from before it go; 0: none */
	int64_t changes; /* the same, of changes; 0: as configured */
	int64_t now;
	int64_t removed_runs;
	int64_t removed_changes;
};

static int read_before(struct prune *prune, struct error *err)
{
	const struct config *config = prune->session->config;
	const char *text = args_value(&prune->session->cli->args, "before");

	prune->now = clock_now();
	if (!text) {
		if (config->keep_runs)
			prune->runs = prune->now - config->keep_runs;
		return 0;
	}
	if (moment_read(text, &prune->runs, err) < 0)
		return -1;
	prune->changes = prune->runs;
	return 0;
}

static void report(struct cli *cli, const struct prune *prune)
{
	const char *time = output_time(prune->runs, &cli->arena);
	json_t *json;

	if (!cli->output.json) {
		(void)printf("%lld run%s%s%s and %lld change%s of objects "
			     "removed\n",
			     (long long)prune->removed_runs,
			     prune->removed_runs == 1 ? "" : "s",
			     prune->runs ? " from before " : "", time,
			     (long long)prune->removed_changes,
			     prune->removed_changes == 1 ? "" : "s");
		return;
	}
	json = json_object();
	(void)json_object_set_new(json, "removed",
				  json_integer(prune->removed_runs));
	(void)json_object_set_new(json, "changes",
				  json_integer(prune->removed_changes));
	(void)json_object_set_new(
		json, "before", prune->runs ? json_of_text(time) : json_null());
	output_json(&cli->output, json);
}

static int remove_all(struct prune *prune, struct error *err)
{
	struct store *store = prune->session->store;
	struct run_keep keep = {
		.config = prune->session->config,
		.now = prune->now,
		.before = prune->changes,
	};

	prune->removed_changes =
		run_forget_changes(store, &keep, SIZE_MAX, err);
	if (prune->removed_changes < 0)
		return -1;
	if (prune->runs)
		prune->removed_runs =
			run_forget(store, prune->runs, SIZE_MAX, err);
	return prune->removed_runs < 0 ? -1 : 0;
}

static enum run_exit clean(struct prune *prune)
{
	struct session *session = prune->session;
	enum run_exit exit = session_open_store(session, SESSION_RUN, "prune");
	struct error err = ERROR_INIT;

	if (exit != RUN_OK)
		return exit;
	if (remove_all(prune, &err) < 0)
		return cli_fail_as(session->cli, RUN_FAILED, &err);
	report(session->cli, prune);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	struct prune prune = { .session = &session };

	if (exit != RUN_OK)
		return exit;
	if (read_before(&prune, &err) < 0)
		exit = cli_misuse(cli, "%s", err.msg);
	else
		exit = clean(&prune);
	session_close(&session);
	return exit;
}

const struct command command_prune = {
	.name = "prune",
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
