/*
 * cmd_check.c - `conjoin check`: everything wrong with the configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"

#include "connector/connector.h"

static const struct option_def options[] = {
	{ "online", NULL, false,
	  "connect to the system of each agent as well" },
	{ NULL, NULL, false, NULL },
};

/* 0: it can be connected to; -1 */
static int try_agent(struct session *session, const struct config_agent *agent,
		     struct error *err)
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

	if (connector_open(&connector, agent->ops, &config, err) < 0)
		return -1;
	connector_close(&connector);
	return 0;
}

/* Adds to `list`; the number of agents that failed. */
static size_t go_online(struct session *session, json_t *list)
{
	const struct config *config = session->config;
	struct cli *cli = session->cli;
	size_t failed = 0;
	size_t i;

	for (i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];
		struct error err = ERROR_INIT;
		bool ok = try_agent(session, agent, &err) == 0;
		json_t *item = json_object();

		failed += !ok;
		(void)json_object_set_new(item, "agent",
					  json_of_text(agent->name));
		(void)json_object_set_new(item, "ok", json_boolean(ok));
		(void)json_object_set_new(item, "message",
					  json_of_text(err.msg));
		(void)json_array_append_new(list, item);
		if (cli->output.json)
			continue;
		if (!ok)
			(void)printf(
				"%s: %serror:%s %s\n", agent->file,
				output_style(&cli->output, stdout, STYLE_BAD),
				output_style(&cli->output, stdout, STYLE_NONE),
				output_safe(sv_from(err.msg), &cli->arena));
		else if (!cli->output.quiet)
			(void)printf("%s: connected\n", agent->name);
	}
	return failed;
}

static void print_json(struct session *session, json_t *online)
{
	const struct config *config = session->config;
	json_t *json = json_object();

	(void)json_object_set_new(json, "problems",
				  session_problems_json(config));
	(void)json_object_set_new(
		json, "errors", json_integer((json_int_t)config->error_count));
	(void)json_object_set_new(
		json, "warnings",
		json_integer((json_int_t)(config->problem_count -
					  config->error_count)));
	if (args_has(&session->cli->args, "online"))
		(void)json_object_set(json, "online", online);
	output_json(&session->cli->output, json);
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	json_t *online;
	size_t failed = 0;
	bool wrong;
	enum run_exit exit = session_open(&session, cli, SESSION_CONFIG, NULL);

	if (exit != RUN_OK)
		return exit;
	config_review(session.config);
	online = json_array();
	wrong = session.config->error_count > 0;
	if (!cli->output.json)
		session_print_problems(cli, session.config, stdout);
	if (!wrong && args_has(&cli->args, "online"))
		failed = go_online(&session, online);
	if (cli->output.json)
		print_json(&session, online);
	else if (!session.config->problem_count && !cli->output.quiet)
		(void)printf("the configuration is right: %zu agent%s\n",
			     session.config->agent_count,
			     session.config->agent_count == 1 ? "" : "s");
	if (wrong)
		exit = RUN_USAGE;
	else if (failed)
		exit = RUN_FAILED;
	json_decref(online);
	session_close(&session);
	return exit;
}

const struct command command_check = {
	.name = "check",
	.usage = "",
	.help = "everything wrong with the configuration, all at once",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
