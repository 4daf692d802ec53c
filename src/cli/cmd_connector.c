/*
 * cmd_connector.c - `conjoin connector test`: a suite for who writes a
 * connector
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"
#include "cli/connector_test.h"

#include <string.h>

static const struct option_def options[] = {
	{ "option", "NAME=VALUE", true, "an option that the program is told" },
	{ "write", NULL, false,
	  "also what writes: to a system for tests, please" },
	{ "timeout", "SECONDS", false,
	  "how long it may be silent; default: 10" },
	{ NULL, NULL, false, NULL },
};

struct tally {
	size_t fine;
	size_t failed;
	size_t left_out;
	json_t *list;
};

static void show_json(struct tally *tally, const struct trial_check *check,
		      const char *result, const char *seen)
{
	json_t *item = json_object();

	(void)json_object_set_new(item, "check", json_of_text(check->name));
	(void)json_object_set_new(item, "result", json_of_text(result));
	(void)json_object_set_new(item, "expected",
				  json_of_text(check->expected));
	if (*seen)
		(void)json_object_set_new(item, "seen", json_of_text(seen));
	(void)json_array_append_new(tally->list, item);
}

static void show_text(struct cli *cli, const struct trial_check *check,
		      const char *result, enum output_style style,
		      const char *seen)
{
	bool failed = style == STYLE_BAD;

	if (cli->output.quiet && !failed)
		return;
	seen = output_safe(sv_from(seen), &cli->arena);
	(void)printf("%s%-8s%s%s%s%s%s\n",
		     output_style(&cli->output, stdout, style), result,
		     output_style(&cli->output, stdout, STYLE_NONE),
		     check->name, *seen && !failed ? " (" : "",
		     failed ? "" : seen, *seen && !failed ? ")" : "");
	if (failed)
		(void)printf("        expected: %s\n        seen:     %s\n",
			     check->expected, seen);
	(void)fflush(stdout);
}

static int run_check(struct cli *cli, struct trial *trial,
		     const struct trial_check *check, struct tally *tally)
{
	struct error err = ERROR_INIT;
	enum output_style style = STYLE_GOOD;
	const char *result = "ok";
	const char *seen;
	int ret = 1;

	trial->notes = "";
	if ((trial->caps & check->needs) == check->needs)
		ret = check->run(trial, &err);
	else
		(void)error_set(&err, ERR_UNSUPPORTED, "it cannot");
	seen = ret == 0 ? trial->notes : err.msg;
	if (ret > 0) {
		result = "-";
		style = STYLE_DIM;
		tally->left_out++;
	} else if (ret < 0) {
		result = "FAILED";
		style = STYLE_BAD;
		tally->failed++;
	} else {
		tally->fine++;
	}
	if (cli->output.json)
		show_json(tally, check, result, seen);
	else
		show_text(cli, check, result, style, seen);
	return ret;
}

static void run_table(struct cli *cli, struct trial *trial,
		      const struct trial_check *check, struct tally *tally)
{
	for (; check->run; check++) {
		/* without a session there is nothing to be tried */
		if (run_check(cli, trial, check, tally) < 0 &&
		    check == trial_reading)
			return;
	}
}

static void show_end(struct cli *cli, struct tally *tally)
{
	json_t *document;

	if (!cli->output.json) {
		if (!cli->output.quiet)
			(void)printf("%zu ok, %zu failed, %zu left out\n",
				     tally->fine, tally->failed,
				     tally->left_out);
		return;
	}
	document = json_object();
	(void)json_object_set_new(document, "ok",
				  json_integer((json_int_t)tally->fine));
	(void)json_object_set_new(document, "failed",
				  json_integer((json_int_t)tally->failed));
	(void)json_object_set_new(document, "left_out",
				  json_integer((json_int_t)tally->left_out));
	(void)json_object_set_new(document, "checks", tally->list);
	output_json(&cli->output, document);
}

static int start(struct cli *cli, struct trial *trial, struct error *err)
{
	const struct args *args = &cli->args;
	const char *timeout = args_value(args, "timeout");
	const char **given =
		arena_array(&cli->arena, args->options.len + 1, sizeof(*given));
	int64_t seconds = 10;
	size_t count = 0;
	size_t i;

	for (i = 0; i < args->options.len; i++)
		if (!strcmp(args->options.at[i].def->name, "option"))
			given[count++] = args->options.at[i].value;
	memset(trial, 0, sizeof(*trial));
	if (args_number(args, "timeout", &seconds, err) < 0)
		return -1;
	if (seconds < 1 || seconds > 3600)
		return error_set(err, ERR_INVALID,
				 "'--timeout' is 1 to 3600 seconds");
	return trial_init(trial, args->words.at + 1, args->words.len - 1, given,
			  count, timeout ? timeout : "10", err);
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct tally tally = { 0, 0, 0, NULL };
	struct trial trial;
	int ret;

	if (strcmp(cli_word(cli, 0), "test") != 0)
		return cli_misuse(cli, "'%s' is not 'test'", cli_word(cli, 0));
	ret = start(cli, &trial, &err);
	if (ret == 0) {
		if (cli->output.json)
			tally.list = json_array();
		run_table(cli, &trial, trial_reading, &tally);
		if (args_has(&cli->args, "write") && trial.config.types)
			run_table(cli, &trial, trial_writing, &tally);
		show_end(cli, &tally);
	}
	trial_release(&trial);
	if (ret < 0)
		return cli_fail(cli, &err);
	return tally.failed ? RUN_ERRORS : RUN_OK;
}

const struct command command_connector = {
	.name = "connector",
	.usage = "test [--option NAME=VALUE]... [--write] -- COMMAND...",
	.help = "whether a program of yours keeps to the connector protocol",
	.more = "The program is started as an agent of the type exec starts "
		"it, and asked what runs ask; each check tells what it "
		"expected and what it saw. With --write objects are made, "
		"changed and deleted, named conjoin-test-1 and -2. The status "
		"is 0 when no check failed, else 1.\n",
	.options = options,
	.min_words = 2,
	.max_words = 64,
	.run = run,
};
