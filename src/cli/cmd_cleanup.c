/*
 * cmd_cleanup.c - `conjoin cleanup`: old runs out of the history
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/session.h"

static const struct option_def options[] = {
	{ "before", "TIME", false,
	  "runs that began before it: 2026-01-31, or an age such as '90 "
	  "days'" },
	{ "wait", "SECONDS", false,
	  "how long to wait for another run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

/* 0: *out is the time before which runs go; -1 */
static int read_before(struct cli *cli, const struct config *config,
		       int64_t *out, struct error *err)
{
	const char *text = args_value(&cli->args, "before");
	int64_t age = config->keep_runs;

	if (text && clock_parse_iso(sv_from(text), out))
		return 0;
	if (text && !setting_parse_duration(sv_from(text), &age))
		return error_set(err, ERR_INVALID,
				 "'%s' is neither a time (2026-01-31, "
				 "2026-01-31T18:00:00Z) nor an age (90 days)",
				 text);
	if (!age)
		return error_set(err, ERR_INVALID,
				 "nothing says how long runs are kept: write "
				 "history: { runs: 90 days } in conjoin.yaml, "
				 "or say --before TIME");
	*out = clock_now() - age;
	return 0;
}

static void report(struct cli *cli, int64_t removed, int64_t before)
{
	const char *time = output_time(before, &cli->arena);
	json_t *json;

	if (!cli->output.json) {
		(void)printf("%lld run%s from before %s removed\n",
			     (long long)removed, removed == 1 ? "" : "s", time);
		return;
	}
	json = json_object();
	(void)json_object_set_new(json, "removed", json_integer(removed));
	(void)json_object_set_new(json, "before", json_of_text(time));
	output_json(&cli->output, json);
}

static enum run_exit clean(struct session *session, int64_t before)
{
	enum run_exit exit =
		session_open_store(session, SESSION_RUN, "cleanup");
	struct error err = ERROR_INIT;
	int64_t removed;

	if (exit != RUN_OK)
		return exit;
	removed = run_forget(session->store, before, SIZE_MAX, &err);
	if (removed < 0)
		return cli_fail_as(session->cli, RUN_FAILED, &err);
	report(session->cli, removed, before);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	int64_t before = 0;

	if (exit != RUN_OK)
		return exit;
	if (read_before(cli, session.config, &before, &err) < 0)
		exit = cli_misuse(cli, "%s", err.msg);
	else
		exit = clean(&session, before);
	session_close(&session);
	return exit;
}

const struct command command_cleanup = {
	.name = "cleanup",
	.usage = "[--before TIME]",
	.help = "remove old runs from the history",
	.more = "Runs older than 'history: { runs: ... }' in conjoin.yaml says, "
		"or than --before. The last\nruns of each agent stay, so that "
		"'errors' and 'explain' lose nothing.\n",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
