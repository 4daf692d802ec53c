/*
 * agent_setup.c - `conjoin agent delta-setup`: what must be run in a system,
 * once, so that a delta import finds what changed
 *
 * It is printed and not run: whoever runs the system reads it first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include <stdio.h>

static int ask_system(struct session *session, const struct config_agent *agent,
		      struct sv *out, struct error *err)
{
	const struct connector_config config = {
		.agent = agent->name,
		.folder = session->config->folder,
		.connect = agent->connect,
		.types = agent->types,
		.type_count = agent->type_count,
		.secret = secrets_resolve,
		.secret_data = &session->secrets,
	};
	struct connector connector;
	int ret = connector_open(&connector, agent->ops, &config, err);

	if (ret == 0)
		ret = connector_delta_setup(&connector, &session->cli->arena,
					    out, err);
	connector_close(&connector);
	return ret;
}

static enum run_exit show(struct cli *cli, struct sv text)
{
	json_t *json;

	if (!cli->output.json) {
		(void)fwrite(text.ptr, 1, text.len, stdout);
		return RUN_OK;
	}
	json = json_object();
	(void)json_object_set_new(json, "setup",
				  json_of_text(arena_cstr(&cli->arena, text)));
	output_json(&cli->output, json);
	return RUN_OK;
}

enum run_exit agent_delta_setup(struct cli *cli)
{
	const struct config_agent *agent;
	struct session session;
	struct error err = ERROR_INIT;
	enum run_exit exit;
	struct sv text;

	if (!cli_word(cli, 1))
		return cli_misuse(cli, "the delta import of which agent?");
	if (cli_word(cli, 2))
		return cli_misuse(cli, "'delta-setup' does not take '%s'",
				  cli_word(cli, 2));
	exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	if (exit != RUN_OK)
		return exit;
	agent = session_agent(&session, cli_word(cli, 1));
	if (!agent)
		exit = RUN_USAGE;
	else if (ask_system(&session, agent, &text, &err) == 0)
		exit = show(cli, text);
	else
		exit = err.code == ERR_UNSUPPORTED
			       ? cli_fail(cli, &err)
			       : cli_fail_as(cli, RUN_FAILED, &err);
	session_close(&session);
	return exit;
}
