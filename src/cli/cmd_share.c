/*
 * cmd_share.c - `conjoin share AGENT RULES NOW`: a part of a full
 * synchronization that another process leads
 *
 * That process starts it (run --processes) and talks with it over standard
 * input and output: run/share.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"
#include "cli/sharing.h"
#include "run/share.h"

#include <string.h>

void sharing_rules(const struct config *config, char out[SHARING_RULES])
{
	(void)snprintf(out, SHARING_RULES, "%016llx%016llx",
		       (unsigned long long)config->hash.high,
		       (unsigned long long)config->hash.low);
}

/* The files may have changed since the run began. */
static int check_rules(struct session *session, struct error *err)
{
	char rules[SHARING_RULES];

	sharing_rules(session->config, rules);
	if (!strcmp(rules, cli_word(session->cli, 1)))
		return 0;
	return error_set(err, ERR_CONFLICT,
			 "the configuration has changed since the run began; "
			 "that goes on without this process");
}

static enum run_exit serve(struct session *session, int64_t now)
{
	const struct config_agent *agent =
		session_agent(session, cli_word(session->cli, 0));
	struct error err = ERROR_INIT;

	if (!agent)
		return RUN_USAGE;
	if (check_rules(session, &err) < 0 ||
	    share_serve(session->store, session->config, agent, now, &err) < 0)
		return cli_fail(session->cli, &err);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit;
	int64_t now;

	if (!sv_to_i64(sv_from(cli_word(cli, 2)), &now))
		return cli_misuse(cli, "'%s' is no time", cli_word(cli, 2));
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = serve(&session, now);
	session_close(&session);
	return exit;
}

const struct command command_share = {
	.name = "share",
	.usage = "AGENT RULES NOW",
	.help = "a part of a full synchronization that another process leads",
	.min_words = 3,
	.max_words = 3,
	.hidden = true,
	.run = run,
};
