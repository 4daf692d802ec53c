/*
 * cmd_agent.c - `conjoin agent`: list agents, ask their systems what they can
 * hold, add a new one, print what a delta import needs there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include <string.h>

static const struct option_def options[] = {
	{ "type", "TYPE", true,
	  "schema: the attributes of this type; new: a type to read, or "
	  "TYPE=METAVERSE-TYPE" },
	{ "all", NULL, false,
	  "schema: also types that no object is of alone, and attributes that "
	  "belong to no type" },
	{ "yes", NULL, false, "new: take what is proposed, ask nothing" },
	{ "dry-run", NULL, false, "new: print the file, write nothing" },
	{ NULL, NULL, false, NULL },
};

/* --- list -------------------------------------------------------------- */

static const char *mv_names(const struct config *config,
			    const struct config_rule_set *set,
			    struct arena *arena)
{
	const char *all = "";
	size_t i;

	for (i = 0; i < set->mv_type_count; i++)
		all = arena_printf(arena, "%s%s%s", all, i ? "," : "",
				   config->mv_types[set->mv_types[i]].name);
	return all;
}

static void list_json(const struct config *config, struct cli *cli)
{
	json_t *document = json_object();
	json_t *list = json_array();
	size_t i;
	size_t k;

	for (i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];
		json_t *item = json_object();
		json_t *sets = json_array();

		(void)json_object_set_new(item, "agent",
					  json_of_text(agent->name));
		(void)json_object_set_new(
			item, "connector",
			json_of_text(agent->ops ? agent->ops->name : NULL));
		(void)json_object_set_new(item, "file",
					  json_of_text(agent->file));
		for (k = 0; k < agent->rule_set_count; k++) {
			const struct config_rule_set *set =
				&agent->rule_sets[k];
			json_t *one = json_object();

			(void)json_object_set_new(one, "rule_set",
						  json_of_text(set->name));
			(void)json_object_set_new(
				one, "type",
				json_of_text(agent->types[set->type].name));
			(void)json_object_set_new(
				one, "metaverse",
				json_of_text(
					mv_names(config, set, &cli->arena)));
			(void)json_array_append_new(sets, one);
		}
		(void)json_object_set_new(item, "rule_sets", sets);
		(void)json_array_append_new(list, item);
	}
	(void)json_object_set_new(document, "agents", list);
	output_json(&cli->output, document);
}

/* "inetOrgPerson > person" */
static const char *set_text(const struct config *config,
			    const struct config_agent *agent,
			    const struct config_rule_set *set,
			    struct arena *arena)
{
	return arena_printf(arena, "%s > %s", agent->types[set->type].name,
			    mv_names(config, set, arena));
}

static void list_text(const struct config *config, struct cli *cli)
{
	static const struct table_column columns[] = {
		{ "agent", false },
		{ "connector", false },
		{ "objects", false },
		{ "file", false },
	};
	struct table table;
	size_t i;
	size_t k;

	table_init(&table, columns, 4);
	for (i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];
		const char *sets = "";

		for (k = 0; k < agent->rule_set_count; k++)
			sets = arena_printf(
				&cli->arena, "%s%s%s", sets, k ? ", " : "",
				set_text(config, agent, &agent->rule_sets[k],
					 &cli->arena));
		table_addf(&table, "%s", agent->name);
		table_addf(&table, "%s", agent->ops ? agent->ops->name : "?");
		table_addf(&table, "%s", sets);
		table_addf(&table, "%s", agent->file);
	}
	if (config->agent_count)
		table_print(&table, &cli->output);
	else if (!cli->output.quiet)
		(void)puts("there are no agents");
	table_release(&table);
}

static enum run_exit list(struct cli *cli)
{
	struct session session;
	enum run_exit exit;

	if (cli_word(cli, 1))
		return cli_misuse(cli, "'list' does not take '%s'",
				  cli_word(cli, 1));
	exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	if (exit != RUN_OK)
		return exit;
	if (cli->output.json)
		list_json(session.config, cli);
	else
		list_text(session.config, cli);
	session_close(&session);
	return RUN_OK;
}

/* --- the command ------------------------------------------------------- */

/* Options that belong to another word; NULL: there are none. */
static const char *wrong_option(struct cli *cli, const char *word)
{
	static const struct {
		const char *option;
		const char *words;
	} only[] = {
		{ "type", "schema new" },
		{ "all", "schema" },
		{ "yes", "new" },
		{ "dry-run", "new" },
	};
	size_t i;

	for (i = 0; i < sizeof(only) / sizeof(*only); i++)
		if (args_has(&cli->args, only[i].option) &&
		    !strstr(only[i].words, word))
			return only[i].option;
	return NULL;
}

static enum run_exit run(struct cli *cli)
{
	static const char *const words[] = { "list", "schema", "new",
					     "delta-setup" };
	const char *word = cli_word(cli, 0);
	const char *option;
	size_t i;

	for (i = 0; i < 4 && strcmp(word, words[i]) != 0; i++)
		;
	if (i == 4)
		return cli_misuse(cli,
				  "'%s' is none of list, schema, new, "
				  "delta-setup%s",
				  word, cli_near(cli, word, words, 4, ""));
	option = wrong_option(cli, word);
	if (option)
		return cli_misuse(cli, "'%s' does not take '--%s'", word,
				  option);
	if (!strcmp(word, "list"))
		return list(cli);
	if (!strcmp(word, "delta-setup"))
		return agent_delta_setup(cli);
	return !strcmp(word, "schema") ? agent_schema(cli) : agent_new(cli);
}

const struct command command_agent = {
	.name = "agent",
	.usage =
		"list | schema AGENT [--type TYPE] [--all] | "
		"delta-setup AGENT | "
		"new CONNECTOR [NAME] [--set KEY=VALUE]... [--yes] [--dry-run]",
	.help = "list agents, ask a system what it can hold, add a new agent, "
		"print what its deltas need",
	.more = "'agent schema' connects to the agent's system and lists its "
		"types of objects; with --type the attributes of one.\n"
		"'agent delta-setup' prints what must be run in the agent's "
		"system once for the delta import: a database's table and "
		"triggers. It runs nothing there itself.\n"
		"'agent new' asks for what the connector needs, connects, shows "
		"twenty objects, proposes what identifies them, joins and "
		"flows, and writes agents/NAME.yaml. Nothing is overwritten. "
		"With --set KEY=VALUE a setting of the connector is given, and not "
		"asked for; without a terminal all that is needed is given so, with "
		"--yes; 'conjoin help connector CONNECTOR' lists the settings. "
		"A password is never given on the command line: it is asked "
		"for, or is secret:NAME (see 'conjoin help secret').\n",
	.options = options,
	.min_words = 1,
	.max_words = 3,
	.run = run,
};
