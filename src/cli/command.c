/*
 * command.c - the table of commands, and from argv to one of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include "base/log.h"
#include "cli/audit.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct command *const commands[] = {
	&command_init,
	&command_agent,
	&command_check,
	&command_run,
	&command_cycle,
	&command_watch,
	&command_plan,
	&command_apply,
	&command_undo,
	&command_release,
	&command_preview,
	&command_explain,
	&command_search,
	&command_history,
	&command_diff,
	&command_pending,
	&command_candidates,
	&command_join,
	&command_project,
	&command_disconnect,
	&command_set_explicit,
	&command_runs,
	&command_errors,
	&command_status,
	&command_audit,
	&command_doctor,
	&command_cleanup,
	&command_prune,
	&command_connector,
	&command_secret,
	&command_key,
	&command_backup,
	&command_restore,
	&command_store,
	&command_activate,
	&command_complete,
	&command_help,
	&command_version,
	&command_share,
	NULL,
};
/* clang-format on */

const struct option_def common_options[] = {
	{ "folder", "DIR", false, "the configuration folder; default: here" },
	{ "json", NULL, false, "print one JSON document" },
	{ "quiet", NULL, false, "print nothing but results and errors" },
	{ "set", "NAME=VALUE", true, "a parameter of the configuration" },
	{ "help", NULL, false, "how the command is used" },
	{ NULL, NULL, false, NULL },
};

const struct command *cli_command_find(const char *name)
{
	const struct command *const *command;

	for (command = commands; *command; command++)
		if (!strcmp((*command)->name, name))
			return *command;
	return NULL;
}

const char *cli_word(const struct cli *cli, size_t i)
{
	return i < cli->args.words.len ? cli->args.words.at[i] : NULL;
}

/* --- messages ---------------------------------------------------------- */

json_t *cli_error_json(const struct error *err)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "code",
				  json_of_text(err_code_name(err->code)));
	(void)json_object_set_new(json, "message", json_of_text(err->msg));
	return json;
}

static void print_error(const struct output *output, const char *message)
{
	struct arena arena = ARENA_INIT;

	(void)fflush(stdout);
	(void)fprintf(stderr, "%sconjoin:%s %s\n",
		      output_style(output, stderr, STYLE_BAD),
		      output_style(output, stderr, STYLE_NONE),
		      output_safe(sv_from(message), &arena));
	arena_release(&arena);
}

enum run_exit cli_fail_as(struct cli *cli, enum run_exit exit,
			  const struct error *err)
{
	json_t *document;

	if (!cli->output.json) {
		print_error(&cli->output, err->msg);
		return exit;
	}
	document = json_object();
	(void)json_object_set_new(document, "error", cli_error_json(err));
	output_json(&cli->output, document);
	return exit;
}

enum run_exit cli_exit_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return RUN_OK;
	case ERR_NOTFOUND:
	case ERR_INVALID:
	case ERR_CONFLICT:
	case ERR_UNSUPPORTED:
		return RUN_USAGE;
	case ERR_LIMIT:
		return RUN_STOPPED;
	case ERR_DENIED:
	case ERR_UNAVAILABLE:
	case ERR_CORRUPT:
	case ERR_INTERNAL:
		return RUN_FAILED;
	}
	return RUN_FAILED;
}

enum run_exit cli_fail(struct cli *cli, const struct error *err)
{
	return cli_fail_as(cli, cli_exit_of(err->code), err);
}

enum run_exit cli_misuse(struct cli *cli, const char *fmt, ...)
{
	struct error err = { ERR_INVALID, "" };
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err.msg, sizeof(err.msg), fmt, args);
	va_end(args);
	(void)cli_fail_as(cli, RUN_USAGE, &err);
	if (cli->output.json)
		return RUN_USAGE;
	if (cli->command)
		(void)fprintf(stderr,
			      "usage: conjoin %s%s%s\n"
			      "'conjoin help %s' tells more\n",
			      cli->command->name,
			      *cli->command->usage ? " " : "",
			      cli->command->usage, cli->command->name);
	else
		(void)fputs("'conjoin help' lists the commands\n", stderr);
	return RUN_USAGE;
}

void cli_warn(struct cli *cli, const char *fmt, ...)
{
	struct arena arena = ARENA_INIT;
	char text[1024];
	va_list args;

	if (cli->output.quiet)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)fflush(stdout);
	(void)fprintf(stderr, "conjoin: %swarning:%s %s\n",
		      output_style(&cli->output, stderr, STYLE_WARN),
		      output_style(&cli->output, stderr, STYLE_NONE),
		      output_safe(sv_from(text), &arena));
	arena_release(&arena);
}

static bool is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_./:,=@%+") == strlen(word);
}

const char *cli_quote(struct cli *cli, const char *word)
{
	struct strbuf quoted = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;

	if (is_plain(word))
		return word;
	strbuf_addc(&quoted, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			strbuf_adds(&quoted, "'\\''");
		else
			strbuf_addc(&quoted, *word);
	}
	strbuf_addc(&quoted, '\'');
	copy = output_safe(strbuf_sv(&quoted), &cli->arena);
	strbuf_release(&quoted);
	return copy;
}

void cli_hint(struct cli *cli, const char *what, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (cli->output.quiet || cli->output.json)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)printf("%s: conjoin %s%s%s%s\n", what,
		     args_has(&cli->args, "folder") ? "--folder " : "",
		     args_has(&cli->args, "folder")
			     ? cli_quote(cli, cli->folder)
			     : "",
		     args_has(&cli->args, "folder") ? " " : "", text);
}

const char *cli_near(struct cli *cli, const char *word,
		     const char *const *names, size_t count,
		     const char *otherwise)
{
	const char *near = sv_nearest(sv_from(word), names, count);

	return near ? arena_printf(&cli->arena, ": did you mean '%s'?", near)
		    : otherwise;
}

/* --- from argv to a command -------------------------------------------- */

static enum run_exit unknown_command(struct cli *cli, const char *name)
{
	const struct command *const *command;
	const char *names[64];
	size_t count = 0;

	for (command = commands; *command && count < 64; command++)
		names[count++] = (*command)->name;
	return cli_misuse(cli, "unknown command '%s'%s", name,
			  cli_near(cli, name, names, count, ""));
}

static enum run_exit check_words(struct cli *cli)
{
	size_t count = cli->args.words.len;

	if (count < cli->command->min_words)
		return cli_misuse(cli, "'%s' needs %s", cli->command->name,
				  cli->command->usage);
	if (count > cli->command->max_words)
		return cli_misuse(cli, "'%s' does not take '%s'",
				  cli->command->name,
				  cli_word(cli, cli->command->max_words));
	return RUN_OK;
}

static enum run_exit start(struct cli *cli, int argc, const char *const *argv)
{
	int at = args_command(common_options, argc, argv);
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (at) {
		cli->command = cli_command_find(argv[at]);
		if (!cli->command)
			return unknown_command(cli, argv[at]);
	}
	if (args_parse(common_options,
		       cli->command ? cli->command->options : NULL, argc, argv,
		       at, &cli->args, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (!cli->command || args_has(&cli->args, "help")) {
		cli_help(cli, cli->command);
		return args_has(&cli->args, "help") ? RUN_OK : RUN_USAGE;
	}
	if (args_value(&cli->args, "folder"))
		cli->folder = args_value(&cli->args, "folder");
	exit = check_words(cli);
	if (exit != RUN_OK)
		return exit;
	exit = cli->command->run(cli);
	audit_record(cli, exit);
	return exit;
}

/* Known before the options are parsed, for what is wrong with them. */
static bool has_word(int argc, const char *const *argv, const char *word)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

int cli_main(int argc, const char *const *argv)
{
	struct cli cli = { .folder = "." };
	enum run_exit exit;

	log_init();
	output_init(&cli.output, has_word(argc, argv, "--json"),
		    has_word(argc, argv, "--quiet"));
	if (sodium_init() < 0) {
		print_error(&cli.output, "cannot initialize libsodium");
		return RUN_FAILED;
	}
	exit = start(&cli, argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && exit < RUN_FAILED) {
		print_error(&cli.output, "cannot write the output");
		exit = RUN_FAILED;
	}
	args_release(&cli.args);
	arena_release(&cli.arena);
	return (int)exit;
}
