/*
 * cmd_help.c - `conjoin help`: commands, connectors, functions, from their own
 * tables
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"
#include "cli/connectors.h"
#include "connector/plugin.h"
#include "expr/expr.h"

#include <string.h>

static void print_options(const struct option_def *defs)
{
	char left[64];

	for (; defs && defs->name; defs++) {
		(void)snprintf(left, sizeof(left), "--%s%s%s", defs->name,
			       defs->value ? " " : "",
			       defs->value ? defs->value : "");
		(void)printf("  %-20s  %s%s\n", left, defs->help,
			     defs->repeat ? " (may be repeated)" : "");
	}
}

static void print_command(const struct command *command)
{
	(void)printf("usage: conjoin %s%s%s\n\n%s\n", command->name,
		     *command->usage ? " " : "", command->usage, command->help);
	if (command->more)
		(void)printf("\n%s", command->more);
	(void)puts("\noptions:");
	print_options(command->options);
	print_options(common_options);
}

static void print_commands(void)
{
	const struct command *const *command;
	size_t width = 0;

	for (command = commands; *command; command++)
		if (!(*command)->hidden && strlen((*command)->name) > width)
			width = strlen((*command)->name);
	(void)puts("conjoin keeps people, groups and contacts the same in "
		   "every system\n\nusage: conjoin COMMAND [OPTION...]\n");
	for (command = commands; *command; command++)
		if (!(*command)->hidden)
			(void)printf("  %-*s  %s\n", (int)width,
				     (*command)->name, (*command)->help);
	(void)puts("\n'conjoin help COMMAND', 'conjoin help connectors' and "
		   "'conjoin help functions' tell more");
}

/* --- connectors -------------------------------------------------------- */

#define MAX_NESTING 4

static void print_settings(const struct setting_def *defs, int depth)
{
	for (; defs && defs->name; defs++) {
		(void)printf("  %*s%-*s  %s%s", depth * 2, "", 14 - depth * 2,
			     defs->name, setting_type_name(defs->type),
			     defs->required ? ", required" : "");
		if (defs->words)
			(void)printf(": %s", defs->words);
		if (defs->fallback)
			(void)printf(", default %s", defs->fallback);
		(void)printf("\n  %*s%-*s  %s\n", depth * 2, "", 14 - depth * 2,
			     "", defs->help);
		if (defs->group && depth < MAX_NESTING)
			print_settings(defs->group, depth + 1);
	}
}

static json_t *settings_json(const struct setting_def *defs, int depth)
{
	json_t *list = json_array();

	for (; defs && defs->name; defs++) {
		json_t *item = json_object();

		(void)json_object_set_new(item, "name",
					  json_of_text(defs->name));
		(void)json_object_set_new(
			item, "type",
			json_of_text(setting_type_name(defs->type)));
		(void)json_object_set_new(item, "required",
					  json_boolean(defs->required));
		(void)json_object_set_new(item, "default",
					  json_of_text(defs->fallback));
		(void)json_object_set_new(item, "words",
					  json_of_text(defs->words));
		(void)json_object_set_new(item, "help",
					  json_of_text(defs->help));
		if (defs->group && depth < MAX_NESTING)
			(void)json_object_set_new(
				item, "settings",
				settings_json(defs->group, depth + 1));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static json_t *connector_json(const struct connector_ops *ops)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "connector", json_of_text(ops->name));
	(void)json_object_set_new(json, "help", json_of_text(ops->help));
	(void)json_object_set_new(json, "settings",
				  settings_json(ops->settings, 0));
	return json;
}

static void print_caps(uint32_t caps)
{
	static const struct {
		uint32_t cap;
		const char *name;
	} names[] = {
		{ CONNECTOR_CAP_IMPORT, "full import" },
		{ CONNECTOR_CAP_DELTA, "delta import" },
		{ CONNECTOR_CAP_NOTIFY, "notice of changes" },
		{ CONNECTOR_CAP_PASSWORD_SET, "passwords set" },
		{ CONNECTOR_CAP_PASSWORD_CHANGE, "passwords changed" },
		{ CONNECTOR_CAP_EXPORT, "export" },
		{ CONNECTOR_CAP_RENAME, "renames" },
		{ CONNECTOR_CAP_TREE, "a tree of containers" },
	};
	const char *between = "";
	size_t i;

	(void)fputs("it can: ", stdout);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(caps & names[i].cap))
			continue;
		(void)printf("%s%s", between, names[i].name);
		between = ", ";
	}
	(void)putchar('\n');
}

static enum run_exit help_connector(struct cli *cli, const char *name)
{
	const struct connector_ops *ops =
		connector_find(connectors, sv_from(name));
	struct error err = ERROR_INIT;
	const char *names[64];
	size_t count = 0;

	if (!ops && name[0] == '/') {
		ops = connector_plugin(name, &err);
		if (!ops)
			return cli_fail(cli, &err);
	}
	if (!ops) {
		for (; count < 64 && connectors[count]; count++)
			names[count] = connectors[count]->name;
		return cli_misuse(cli, "no connector '%s'%s", name,
				  cli_near(cli, name, names, count,
					   "; 'conjoin help connectors' lists "
					   "them"));
	}
	if (cli->output.json) {
		output_json(&cli->output, connector_json(ops));
		return RUN_OK;
	}
	(void)printf("type: %s\n%s\n", ops->name, ops->help ? ops->help : "");
	print_caps(ops->caps);
	(void)puts("\nunder connect:");
	print_settings(ops->settings, 0);
	return RUN_OK;
}

static enum run_exit help_connectors(struct cli *cli)
{
	json_t *list = json_array();
	json_t *json;
	size_t i;

	for (i = 0; connectors[i]; i++) {
		const struct connector_ops *ops = connectors[i];

		if (cli->output.json)
			(void)json_array_append_new(list, connector_json(ops));
		else
			(void)printf("  %-8s  %s\n", ops->name,
				     ops->help ? ops->help : "");
	}
	if (cli->output.json) {
		json = json_object();
		(void)json_object_set(json, "connectors", list);
		output_json(&cli->output, json);
	} else {
		(void)puts("\n'conjoin help connector NAME' lists the settings "
			   "of one");
	}
	json_decref(list);
	return RUN_OK;
}

/* --- functions --------------------------------------------------------- */

static json_t *function_json(size_t i, const struct expr_function *function)
{
	struct strbuf signature = STRBUF_INIT(4096);
	json_t *json = json_object();

	expr_function_signature(i, &signature);
	(void)json_object_set_new(json, "name", json_of_text(function->name));
	(void)json_object_set_new(json, "family",
				  json_of_text(function->family));
	(void)json_object_set_new(json, "signature",
				  json_of_sv(strbuf_sv(&signature)));
	(void)json_object_set_new(json, "help", json_of_text(function->help));
	(void)json_object_set_new(json, "example",
				  json_of_text(function->example));
	(void)json_object_set_new(json, "gives", json_of_text(function->gives));
	strbuf_release(&signature);
	return json;
}

static void print_function(size_t i, const struct expr_function *function,
			   bool whole)
{
	struct strbuf signature = STRBUF_INIT(4096);

	expr_function_signature(i, &signature);
	(void)printf("  %s\n      %s\n", strbuf_cstr(&signature),
		     function->help ? function->help : "");
	if (whole && function->example)
		(void)printf("      %s%s%s\n", function->example,
			     function->gives ? " = " : "",
			     function->gives ? function->gives : "");
	strbuf_release(&signature);
}

static enum run_exit no_function(struct cli *cli, const char *name)
{
	size_t count = expr_function_count();
	const char **names = arena_array(&cli->arena, count, sizeof(*names));
	struct expr_function function;
	size_t i;

	for (i = 0; i < count; i++) {
		expr_function(i, &function);
		names[i] = function.name;
	}
	return cli_misuse(cli, "no function '%s'%s", name,
			  cli_near(cli, name, names, count,
				   "; 'conjoin help functions' lists them"));
}

/* All of them, or one. */
static enum run_exit help_functions(struct cli *cli, const char *only)
{
	size_t count = expr_function_count();
	const char *family = "";
	struct expr_function function;
	json_t *list = json_array();
	json_t *json;
	bool any = false;
	size_t i;

	for (i = 0; i < count; i++) {
		expr_function(i, &function);
		if (only && !sv_ieq_str(sv_from(only), function.name))
			continue;
		any = true;
		if (cli->output.json) {
			(void)json_array_append_new(
				list, function_json(i, &function));
			continue;
		}
		if (!only && strcmp(family, function.family) != 0)
			(void)printf("%s%s\n", *family ? "\n" : "",
				     function.family);
		family = function.family;
		print_function(i, &function, only != NULL);
	}
	if (any && cli->output.json) {
		json = json_object();
		(void)json_object_set(json, "functions", list);
		output_json(&cli->output, json);
	}
	json_decref(list);
	return any ? RUN_OK : no_function(cli, only);
}

/* --- the command ------------------------------------------------------- */

static json_t *options_json(const struct option_def *defs)
{
	json_t *list = json_array();

	for (; defs && defs->name; defs++) {
		json_t *item = json_object();

		(void)json_object_set_new(item, "name",
					  json_of_text(defs->name));
		(void)json_object_set_new(item, "value",
					  json_of_text(defs->value));
		(void)json_object_set_new(item, "help",
					  json_of_text(defs->help));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static json_t *command_json(const struct command *command)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "name", json_of_text(command->name));
	(void)json_object_set_new(json, "usage", json_of_text(command->usage));
	(void)json_object_set_new(json, "help", json_of_text(command->help));
	(void)json_object_set_new(json, "options",
				  options_json(command->options));
	return json;
}

static json_t *commands_json(void)
{
	const struct command *const *command;
	json_t *json = json_object();
	json_t *list = json_array();

	for (command = commands; *command; command++)
		if (!(*command)->hidden)
			(void)json_array_append_new(list,
						    command_json(*command));
	(void)json_object_set_new(json, "commands", list);
	(void)json_object_set_new(json, "options",
				  options_json(common_options));
	return json;
}

void cli_help(struct cli *cli, const struct command *command)
{
	if (cli->output.json)
		output_json(&cli->output,
			    command ? command_json(command) : commands_json());
	else if (command)
		print_command(command);
	else
		print_commands();
}

static enum run_exit help_command(struct cli *cli, const char *name)
{
	const struct command *command = cli_command_find(name);
	const struct command *const *known;
	const char *names[40];
	size_t count = 0;

	if (!command) {
		for (known = commands; *known && count < 36; known++)
			names[count++] = (*known)->name;
		names[count++] = "connectors";
		names[count++] = "functions";
		return cli_misuse(cli, "no command '%s'%s", name,
				  cli_near(cli, name, names, count,
					   "; 'conjoin help' lists them"));
	}
	cli_help(cli, command);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	const char *topic = cli_word(cli, 0);
	const char *name = cli_word(cli, 1);

	if (!topic) {
		cli_help(cli, NULL);
		return RUN_OK;
	}
	if (!strcmp(topic, "functions") || !strcmp(topic, "function"))
		return help_functions(cli, name);
	if (!strcmp(topic, "connectors") || !strcmp(topic, "connector"))
		return name ? help_connector(cli, name) : help_connectors(cli);
	if (name)
		return cli_misuse(cli, "'help %s' does not take '%s'", topic,
				  name);
	return help_command(cli, topic);
}

const struct command command_help = {
	.name = "help",
	.usage = "[COMMAND | connectors | connector CONNECTOR | "
		 "functions [FUNCTION]]",
	.help = "commands, connectors and functions",
	.min_words = 0,
	.max_words = 2,
	.run = run,
};
