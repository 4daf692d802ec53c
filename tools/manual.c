/*
 * manual.c - writes the manual pages from the program's own tables
 *
 * Run when the program is built: `manual FOLDER` writes man1/conjoin.1 and a
 * page for each command, man5/conjoin-TYPE.5 for each connector, and
 * man7/conjoin-functions.7, so that no list is kept twice. conjoin.yaml(5) is
 * made from docs/reference/configuration.md by page.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/connectors.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

static const char *folder;

/* Text of a page: what roff would read as a request or an escape is masked. */
static void text(FILE *page, const char *s)
{
	bool begin = true;

	for (; s && *s; s++) {
		if (begin && (*s == '.' || *s == '\''))
			(void)fputs("\\&", page);
		begin = *s == '\n';
		if (*s == '\\')
			(void)fputs("\\e", page);
		else if (*s == '-')
			(void)fputs("\\-", page);
		else
			(void)fputc(*s, page);
	}
}

static void bold(FILE *page, const char *s)
{
	(void)fputs("\\fB", page);
	text(page, s);
	(void)fputs("\\fR", page);
}

static FILE *page_open(const char *name, int section, const char *help)
{
	char path[4096];
	FILE *page;

	(void)snprintf(path, sizeof(path), "%s/man%d", folder, section);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/man%d/%s.%d", folder, section,
		       name, section);
	page = fopen(path, "w");
	if (!page) {
		perror(path);
		return NULL;
	}
	(void)fprintf(page,
		      ".TH \"%s\" %d \"\" \"conjoin %s\" \"conjoin\"\n"
		      ".ad l\n.SH NAME\n",
		      name, section, CONJOIN_VERSION);
	text(page, name);
	(void)fputs(" \\- ", page);
	text(page, help);
	(void)fputs("\n", page);
	return page;
}

static int page_close(FILE *page)
{
	return fclose(page) == 0 ? 0 : -1;
}

static void options(FILE *page, const struct option_def *def)
{
	for (; def && def->name; def++) {
		(void)fputs(".TP\n\\fB\\-\\-", page);
		text(page, def->name);
		(void)fputs("\\fR", page);
		if (def->value)
			(void)fprintf(page, " \\fI%s\\fR", def->value);
		(void)fputs("\n", page);
		text(page, def->help);
		(void)fputs(def->repeat ? " (may be repeated)\n" : "\n", page);
	}
}

/* Lines as they stand. */
static void lines(FILE *page, const char *s)
{
	(void)fputs(".nf\n", page);
	text(page, s);
	if (*s && s[strlen(s) - 1] != '\n')
		(void)fputs("\n", page);
	(void)fputs(".fi\n", page);
}

static void exit_statuses(FILE *page)
{
	static const char *const statuses[] = {
		"success, also with warnings",
		"finished, with objects in error",
		"wrong use or configuration",
		"stopped by a guard, a limit or an operator",
		"a connected system or the store failed",
		"another run holds the lease",
	};
	size_t i;

	(void)fputs(".SH EXIT STATUS\n", page);
	for (i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		(void)fprintf(page, ".TP\n%zu\n%s\n", i, statuses[i]);
}

static int command_page(const struct command *command)
{
	char name[256];
	FILE *page;

	(void)snprintf(name, sizeof(name), "conjoin-%s", command->name);
	page = page_open(name, 1, command->help);
	if (!page)
		return -1;
	(void)fputs(".SH SYNOPSIS\n", page);
	bold(page, "conjoin ");
	bold(page, command->name);
	(void)fputs(" ", page);
	text(page, command->usage);
	(void)fputs(" [OPTION...]\n", page);
	if (command->more) {
		(void)fputs(".SH DESCRIPTION\n", page);
		lines(page, command->more);
	}
	(void)fputs(".SH OPTIONS\n", page);
	options(page, command->options);
	options(page, common_options);
	exit_statuses(page);
	(void)fputs(".SH SEE ALSO\n\\fBconjoin\\fR(1)\n", page);
	return page_close(page);
}

static void list_commands(FILE *page)
{
	const struct command *const *command;

	(void)fputs(".SH COMMANDS\n", page);
	for (command = commands; *command; command++) {
		if ((*command)->hidden)
			continue;
		(void)fputs(".TP\n", page);
		bold(page, (*command)->name);
		(void)fputs("\n", page);
		text(page, (*command)->help);
		(void)fputs("\n", page);
	}
}

static void see_also(FILE *page)
{
	const struct command *const *command;
	size_t i;

	(void)fputs(".SH SEE ALSO\n", page);
	for (command = commands; *command; command++)
		if (!(*command)->hidden)
			(void)fprintf(page, "\\fBconjoin\\-%s\\fR(1),\n",
				      (*command)->name);
	for (i = 0; connectors[i]; i++)
		(void)fprintf(page, "\\fBconjoin\\-%s\\fR(5),\n",
			      connectors[i]->name);
	(void)fputs("\\fBconjoin.yaml\\fR(5),\n"
		    "\\fBconjoin\\-functions\\fR(7)\n",
		    page);
}

static int program_page(void)
{
	FILE *page = page_open(
		"conjoin", 1,
		"keeps people, groups and contacts the same in every system");

	if (!page)
		return -1;
	(void)fputs(".SH SYNOPSIS\n"
		    "\\fBconjoin\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]\n",
		    page);
	list_commands(page);
	(void)fputs(".SH OPTIONS\nof every command:\n", page);
	options(page, common_options);
	exit_statuses(page);
	see_also(page);
	return page_close(page);
}

/* --- connectors -------------------------------------------------------- */

#define NESTING_MAX 4

static void settings(FILE *page, const struct setting_def *def, int depth)
{
	for (; def && def->name; def++) {
		(void)fputs(".TP\n", page);
		bold(page, def->name);
		(void)fprintf(page, " (%s%s)\n", setting_type_name(def->type),
			      def->required ? ", required" : "");
		text(page, def->help);
		if (def->words) {
			(void)fputs("; one of ", page);
			text(page, def->words);
		}
		if (def->fallback) {
			(void)fputs("; default: ", page);
			text(page, def->fallback);
		}
		(void)fputs("\n", page);
		if (!def->group || depth >= NESTING_MAX)
			continue;
		(void)fputs(".RS\n", page);
		settings(page, def->group, depth + 1);
		(void)fputs(".RE\n", page);
	}
}

static int connector_page(const struct connector_ops *ops)
{
	char name[256];
	FILE *page;

	(void)snprintf(name, sizeof(name), "conjoin-%s", ops->name);
	page = page_open(name, 5, ops->help);
	if (!page)
		return -1;
	(void)fprintf(page,
		      ".SH SYNOPSIS\nagents/\\fINAME\\fR.yaml:\n"
		      ".nf\ntype: %s\nconnect: { ... }\n.fi\n"
		      ".SH SETTINGS\nunder \\fBconnect:\\fR\n",
		      ops->name);
	settings(page, ops->settings, 0);
	(void)fputs(".SH SEE ALSO\n"
		    "\\fBconjoin\\fR(1), \\fBconjoin.yaml\\fR(5)\n",
		    page);
	return page_close(page);
}

/* --- functions --------------------------------------------------------- */

static void one_function(FILE *page, size_t i,
			 const struct expr_function *function)
{
	struct strbuf signature = STRBUF_INIT(4096);

	expr_function_signature(i, &signature);
	(void)fputs(".TP\n", page);
	bold(page, strbuf_cstr(&signature));
	(void)fputs("\n", page);
	text(page, function->help);
	(void)fputs(".\n.br\n", page);
	text(page, function->example);
	if (function->gives) {
		(void)fputs(" gives ", page);
		text(page, function->gives);
	}
	(void)fputs("\n", page);
	strbuf_release(&signature);
}

static int functions_page(void)
{
	FILE *page = page_open("conjoin-functions", 7,
			       "the functions of conjoin's expressions");
	struct expr_function function;
	const char *family = "";
	size_t i;

	if (!page)
		return -1;
	(void)fputs(".SH DESCRIPTION\nWhat may be left out stands in brackets, "
		    "mv before what is a list.\n",
		    page);
	for (i = 0; i < expr_function_count(); i++) {
		expr_function(i, &function);
		if (strcmp(family, function.family) != 0)
			(void)fprintf(page, ".SH %s\n", function.family);
		family = function.family;
		one_function(page, i, &function);
	}
	(void)fputs(".SH SEE ALSO\n"
		    "\\fBconjoin\\fR(1), \\fBconjoin.yaml\\fR(5)\n",
		    page);
	return page_close(page);
}

int main(int argc, const char *const *argv)
{
	const struct command *const *command;
	int ret;
	size_t i;

	if (argc != 2) {
		(void)fputs("usage: manual FOLDER\n", stderr);
		return 2;
	}
	folder = argv[1];
	(void)mkdir(folder, 0755);
	ret = program_page();
	for (command = commands; *command && ret == 0; command++)
		if (!(*command)->hidden)
			ret = command_page(*command);
	for (i = 0; connectors[i] && ret == 0; i++)
		ret = connector_page(connectors[i]);
	if (ret == 0)
		ret = functions_page();
	return ret == 0 ? 0 : 1;
}
