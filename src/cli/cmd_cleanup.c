/*
 * cmd_cleanup.c - `conjoin cleanup`: what is wrong with the values of an agent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "cleanup/cleanup.h"
#include "cli/csv_out.h"
#include "cli/html.h"
#include "cli/session.h"

#include <string.h>

#define TERMINAL_LIMIT 100
#define MAX_CHECKS     1000000 /* bytes of a file */

static const struct option_def options[] = {
	{ "checks", "NAME|FILE", false,
	  "idfix (default), idfix-dedicated, m365, or a file of your own" },
	{ "show-checks", NULL, false,
	  "print the checks: to read, or to begin a file of your own with" },
	{ "csv", NULL, false, "as CSV" },
	{ "html", "FILE", false, "a page for who is to decide" },
	{ "limit", "N", false,
	  "show at most N rows; default on a terminal: 100; 0: all" },
	{ NULL, NULL, false, NULL },
};

static const struct table_column table_columns[] = {
	{ "OBJECT", false }, { "ATTRIBUTE", false }, { "ERROR", false },
	{ "VALUE", false },  { "UPDATE", false },    { "ACTION", false },
};

static const char *const titles[] = {
	"distinguishedName",
	"commonName",
	"objectClass",
	"attribute",
	"error",
	"value",
	"update",
	"action",
	"set",
};

struct report {
	struct cli *cli;
	int64_t limit; /* 0: none */
	int64_t shown;
	bool csv;
	struct csv_out csv_out;
	struct table table;
	struct json_stream stream;
	struct file_replace page;
	struct arena row; /* until the next one */
};

/* ---- a row ---- */

static struct sv name_of(const struct cleanup_row *row)
{
	return row->dn.len ? row->dn : row->anchor;
}

/* Nothing where there is nothing to write. */
static struct sv update_of(const struct cleanup_row *row)
{
	return sv_eq(row->value, row->update) ? SV_NULL : row->update;
}

static int add_csv(struct report *report, const struct cleanup_row *row,
		   struct error *err)
{
	const struct sv fields[] = {
		name_of(row),
		row->name,
		sv_from(row->type),
		sv_from(row->attr),
		sv_from(cleanup_error_names(row->errors, &report->row)),
		row->value,
		update_of(row),
		sv_from(cleanup_action_name(row->action)),
		sv_from(row->set ? arena_printf(&report->row, "%zu", row->set)
				 : ""),
	};

	return csv_out_row(&report->csv_out, fields,
			   sizeof(fields) / sizeof(fields[0]), err);
}

static void add_json(struct report *report, const struct cleanup_row *row)
{
	json_t *json = json_object();
	json_t *errors = json_array();
	unsigned bit;

	for (bit = CLEANUP_FORMAT; bit <= CLEANUP_LENGTH; bit <<= 1)
		if (row->errors & bit)
			(void)json_array_append_new(
				errors, json_of_text(cleanup_error_names(
						bit, &report->row)));
	(void)json_object_set_new(
		json, "id", json_of_text(display_cs_id(row->id, &report->row)));
	(void)json_object_set_new(json, "dn", json_of_sv(row->dn));
	(void)json_object_set_new(json, "anchor", json_of_sv(row->anchor));
	(void)json_object_set_new(json, "cn", json_of_sv(row->name));
	(void)json_object_set_new(json, "type", json_of_text(row->type));
	(void)json_object_set_new(json, "attribute", json_of_text(row->attr));
	(void)json_object_set_new(json, "errors", errors);
	(void)json_object_set_new(json, "value", json_of_sv(row->value));
	(void)json_object_set_new(json, "update",
				  update_of(row).len ? json_of_sv(row->update)
						     : json_null());
	(void)json_object_set_new(
		json, "action",
		*cleanup_action_name(row->action)
			? json_of_text(cleanup_action_name(row->action))
			: json_null());
	(void)json_object_set_new(json, "set",
				  row->set ? json_integer((json_int_t)row->set)
					   : json_null());
	json_stream_add(&report->stream, json);
}

static void add_line(struct report *report, const struct cleanup_row *row)
{
	struct table *table = &report->table;

	table_add(table, name_of(row));
	table_add(table, sv_from(row->attr));
	table_add(table,
		  sv_from(cleanup_error_names(row->errors, &report->row)));
	table_add(table, row->value);
	table_add(table, update_of(row));
	table_add(table, sv_from(cleanup_action_name(row->action)));
}

static int write_page(struct report *report, struct strbuf *text,
		      struct error *err)
{
	struct sv all = strbuf_sv(text);
	size_t written = fwrite(all.ptr, 1, all.len, report->page.stream);

	strbuf_release(text);
	return written == all.len
		       ? 0
		       : error_set(err, ERR_UNAVAILABLE, "cannot write '%s'",
				   report->page.path);
}

static int add_page_row(struct report *report, const struct cleanup_row *row,
			struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);

	strbuf_adds(&text, "<tr>");
	html_in(&text, "td", name_of(row));
	html_in(&text, "td", sv_from(row->type));
	html_in(&text, "td", sv_from(row->attr));
	html_in(&text, "td",
		sv_from(cleanup_error_names(row->errors, &report->row)));
	html_in(&text, "td", row->value);
	html_in(&text, "td", update_of(row));
	html_in(&text, "td", sv_from(cleanup_action_name(row->action)));
	strbuf_adds(&text, "</tr>\n");
	return write_page(report, &text, err);
}

static int add_row(void *data, const struct cleanup_row *row, struct error *err)
{
	struct report *report = data;
	int ret = 0;

	if (report->page.stream)
		ret = add_page_row(report, row, err);
	if (ret == 0 && (!report->limit || report->shown < report->limit)) {
		report->shown++;
		if (report->csv)
			ret = add_csv(report, row, err);
		else if (report->cli->output.json)
			add_json(report, row);
		else
			add_line(report, row);
	}
	arena_reset(&report->row);
	return ret;
}

/* ---- before and after them ---- */

static const char PAGE_HEAD[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<title>Values to clean up</title><style>body{font:14px/1.4 "
	"sans-serif;margin:2em}table{border-collapse:collapse}td,th{"
	"border:1px solid #ccc;padding:.3em .5em;text-align:left;"
	"vertical-align:top;word-break:break-word}</style></head><body>\n"
	"<h1>Values to clean up</h1>\n<table><tr><th>Object<th>Type<th>"
	"Attribute<th>Error<th>Value<th>Could be<th>Action</tr>\n";

static int begin_page(struct report *report, struct error *err)
{
	const char *path = args_value(&report->cli->args, "html");
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (!path)
		return 0;
	if (file_replace_open(&report->page, path, 0644, err) < 0)
		return -1;
	strbuf_adds(&text, PAGE_HEAD);
	return write_page(report, &text, err);
}

static int end_page(struct report *report, const struct cleanup_totals *totals,
		    struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (!report->page.stream)
		return 0;
	strbuf_addf(&text,
		    "</table>\n<p>%lld values to look at, %lld of them held by "
		    "several; %lld objects checked, %lld left out.</p>\n"
		    "</body></html>\n",
		    (long long)totals->rows, (long long)totals->duplicates,
		    (long long)totals->checked, (long long)totals->skipped);
	if (write_page(report, &text, err) < 0)
		return -1;
	return file_replace_commit(&report->page, err);
}

static int begin(struct report *report, struct error *err)
{
	report->csv = args_has(&report->cli->args, "csv");
	if (begin_page(report, err) < 0)
		return -1;
	if (report->csv)
		return csv_out_begin(&report->csv_out, &report->cli->output,
				     titles, sizeof(titles) / sizeof(titles[0]),
				     err);
	if (report->cli->output.json) {
		json_stream_begin(&report->stream, &report->cli->output);
		json_stream_list(&report->stream, "rows");
	}
	return 0;
}

static void print_totals(const struct report *report,
			 const struct cleanup_totals *totals)
{
	if (report->shown < totals->rows)
		(void)printf("the first %lld; --limit N shows more\n",
			     (long long)report->shown);
	if (!report->cli->output.quiet)
		(void)printf(
			"%lld objects, %lld left out, %lld checked: %lld "
			"value%s to look at, %lld held by several\n",
			(long long)totals->found, (long long)totals->skipped,
			(long long)totals->checked, (long long)totals->rows,
			totals->rows == 1 ? "" : "s",
			(long long)totals->duplicates);
}

static int end(struct report *report, const struct cleanup_totals *totals,
	       struct error *err)
{
	bool good = err->code == ERR_NONE;
	json_t *extra = NULL;

	if (report->csv)
		return csv_out_end(&report->csv_out, err);
	if (report->cli->output.json) {
		if (!good)
			extra = cli_error_json(err);
		json_stream_end(&report->stream, true, extra);
		return good ? 0 : -1;
	}
	if (good && report->shown)
		table_print(&report->table, &report->cli->output);
	if (good)
		print_totals(report, totals);
	return good ? 0 : -1;
}

/* ---- the checks ---- */

/* The text of --checks, in the arena: 0, -1. */
static int find_checks(struct cli *cli, const char **name_out, struct sv *out,
		       struct error *err)
{
	const char *name = args_value(&cli->args, "checks");
	struct strbuf text = STRBUF_INIT(MAX_CHECKS);
	const char *known;
	size_t count = 0;
	int ret;

	if (!name)
		name = checks_names[0];
	*name_out = name;
	known = checks_text(name);
	*out = sv_from(known);
	if (known)
		return 0;
	while (checks_names[count])
		count++;
	if (!file_exists(name))
		return error_set(err, ERR_INVALID,
				 "--checks: there is neither a file nor "
				 "checks called '%s'%s",
				 name,
				 cli_near(cli, name, checks_names, count,
					  "; there are idfix, idfix-dedicated "
					  "and m365"));
	ret = file_read(name, &text, err);
	*out = arena_dup(&cli->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return ret;
}

static enum run_exit show_checks(struct cli *cli)
{
	struct error err = ERROR_INIT;
	const char *name;
	struct sv text;

	if (find_checks(cli, &name, &text, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	(void)fwrite(text.ptr, 1, text.len, stdout);
	return RUN_OK;
}

static void warn_unread(struct cli *cli, const struct checks *checks,
			const char *agent)
{
	size_t count;
	const char *const *names = checks_unread(checks, &count);
	const char *list = "";
	size_t i;

	for (i = 0; i < count; i++)
		list = arena_printf(&cli->arena, "%s%s%s", list, i ? ", " : "",
				    names[i]);
	if (count)
		cli_warn(cli,
			 "not checked, as '%s' does not read them: %s. Name "
			 "them under 'attributes:' and import fully",
			 agent, list);
}

static int scan(struct report *report, const struct checks *checks,
		struct error *err)
{
	struct cleanup_totals totals = { 0 };
	int ret = begin(report, err);

	if (ret == 0)
		ret = cleanup_scan(checks, add_row, report, &totals, err);
	if (ret == 0)
		ret = end_page(report, &totals, err);
	if (end(report, &totals, err) < 0)
		ret = -1;
	return ret;
}

static enum run_exit clean(struct session *session)
{
	struct cli *cli = session->cli;
	const struct config_agent *agent =
		session_agent(session, cli_word(cli, 0));
	struct report report = { .cli = cli };
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;
	struct checks *checks;
	const char *name;
	struct sv text;

	if (!agent)
		return RUN_USAGE;
	if (!cli->output.json && cli->output.terminal &&
	    !args_has(&cli->args, "csv"))
		report.limit = TERMINAL_LIMIT;
	if (args_number(&cli->args, "limit", &report.limit, &err) < 0 ||
	    find_checks(cli, &name, &text, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (checks_read(&session->display, agent, name, text, &cli->arena,
			&checks, &err) < 0)
		return cli_fail(cli, &err);
	warn_unread(cli, checks, agent->name);
	table_init(&report.table, table_columns,
		   sizeof(table_columns) / sizeof(table_columns[0]));
	if (store_read_begin(session->store, &err) < 0)
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	else if (scan(&report, checks, &err) < 0)
		exit = cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	store_read_end(session->store);
	file_replace_abort(&report.page);
	table_release(&report.table);
	arena_release(&report.row);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit;

	if (args_has(&cli->args, "show-checks"))
		return show_checks(cli);
	if (!cli_word(cli, 0))
		return cli_misuse(cli, "the objects of which agent?");
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = clean(&session);
	session_close(&session);
	return exit;
}

const struct command command_cleanup = {
	.name = "cleanup",
	.usage = "AGENT | --show-checks",
	.help = "values that a directory should not have, and what they could "
		"be",
	.more = "Checks what the last import of the agent read: lengths, "
		"characters, mail addresses, values that\nseveral objects "
		"have. Writes nothing.\n\n"
		"  conjoin cleanup ad\n"
		"  conjoin cleanup ad --checks m365 --csv >values.csv\n"
		"  conjoin cleanup --show-checks --checks m365 >my.yaml\n",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
