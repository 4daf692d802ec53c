/*
 * cmd_cleanup.c - `conjoin cleanup`: what is wrong with the values of an agent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "cli/cleanup_plan.h"
#include "cli/csv_out.h"
#include "cli/html.h"
#include "cli/review_file.h"

#include <string.h>

#define TERMINAL_LIMIT 100

static const struct option_def options[] = {
	{ "checks", "NAME|FILE", false,
	  "idfix (default), idfix-dedicated, m365, or a file of your own" },
	{ "show-checks", NULL, false,
	  "print the checks: to read, or to begin a file of your own with" },
	{ "csv", NULL, false, "as CSV" },
	{ "review", "FILE", false,
	  "write the rows to a file (CSV) in which to decide about each" },
	{ "from", "FILE", false,
	  "a plan of what was decided in that file; writes nothing else" },
	{ "accept-wrong", NULL, false,
	  "with --from: also values that the checks find wrong" },
	{ "out", "FILE", false, "with --from: keep the plan, for 'apply'" },
	{ "html", "FILE", false, "a page for who is to decide" },
	{ "ldif", "FILE", false, "with --from: the changes as LDIF" },
	{ "limit", "N", false,
	  "show at most N rows; default on a terminal: 100; 0: all" },
	{ "offset", "N", false, "with --from: pass over the first N objects" },
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
	struct review_out review;
	const char *agent;
	const char *checks;
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
	if (ret == 0 && report->review.file.stream)
		ret = review_out_add(&report->review, row, err);
	if (ret == 0 && (!report->limit || report->shown < report->limit)) {
		report->shown++;
		if (report->csv)
			ret = add_csv(report, row, err);
		else if (report->cli->output.json)
			add_json(report, row);
		else if (!report->review.file.stream)
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

static int begin_files(struct report *report, struct error *err)
{
	const char *path = args_value(&report->cli->args, "review");

	if (path && review_out_begin(&report->review, path, report->agent,
				     report->checks, err) < 0)
		return -1;
	return begin_page(report, err);
}

static int end_files(struct report *report, const struct cleanup_totals *totals,
		     struct error *err)
{
	if (report->review.file.stream &&
	    review_out_commit(&report->review, err) < 0)
		return -1;
	return end_page(report, totals, err);
}

static int begin(struct report *report, struct error *err)
{
	report->csv = args_has(&report->cli->args, "csv");
	if (begin_files(report, err) < 0)
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
	if (good && report->shown && !args_has(&report->cli->args, "review"))
		table_print(&report->table, &report->cli->output);
	if (good)
		print_totals(report, totals);
	return good ? 0 : -1;
}

/* ---- the checks ---- */

static enum run_exit show_checks(struct cli *cli)
{
	struct error err = ERROR_INIT;
	const char *name;
	struct sv text;

	if (cleanup_find_checks(cli, args_value(&cli->args, "checks"), &name,
				&text, &err) < 0)
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
		ret = end_files(report, &totals, err);
	if (end(report, &totals, err) < 0)
		ret = -1;
	return ret;
}

static void hint_review(struct cli *cli, const char *agent)
{
	const char *path = args_value(&cli->args, "review");

	if (path)
		cli_hint(cli, "when 'update' and 'action' are decided",
			 "cleanup %s --from %s --out PLAN", agent,
			 cli_quote(cli, path));
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
	    !args_has(&cli->args, "csv") && !args_has(&cli->args, "review"))
		report.limit = TERMINAL_LIMIT;
	if (args_number(&cli->args, "limit", &report.limit, &err) < 0 ||
	    cleanup_find_checks(cli, args_value(&cli->args, "checks"), &name,
				&text, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (checks_read(&session->display, agent, name, text, &cli->arena,
			&checks, &err) < 0)
		return cli_fail(cli, &err);
	warn_unread(cli, checks, agent->name);
	report.agent = agent->name;
	report.checks = name;
	table_init(&report.table, table_columns,
		   sizeof(table_columns) / sizeof(table_columns[0]));
	if (store_read_begin(session->store, &err) < 0)
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	else if (scan(&report, checks, &err) < 0)
		exit = cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	store_read_end(session->store);
	if (exit == RUN_OK)
		hint_review(cli, agent->name);
	review_out_release(&report.review);
	file_replace_abort(&report.page);
	table_release(&report.table);
	arena_release(&report.row);
	return exit;
}

/* ---- what was decided ---- */

/* Of the file, unless they are given. */
static int take_checks(struct cli *cli, const struct review_rows *rows,
		       struct cleanup_plan *plan, struct error *err)
{
	const char *given = args_value(&cli->args, "checks");

	if (cleanup_find_checks(cli, given ? given : rows->checks,
				&plan->checks_name, &plan->checks_text,
				err) < 0)
		return -1;
	if (!rows->agent || !strcmp(rows->agent, plan->agent->name))
		return 0;
	return error_set(err, ERR_INVALID,
			 "'%s' is about values of agent '%s', not of '%s'",
			 plan->file, rows->agent, plan->agent->name);
}

static void tell_rows(struct cli *cli, const struct review_rows *rows,
		      const struct plan_document *document)
{
	if (cli->output.quiet || cli->output.json)
		return;
	(void)printf("of %zu rows: %zu EDIT, %zu REMOVE, %zu COMPLETE, %zu "
		     "without an action; %zu left out\n",
		     rows->edits.len + rows->open, rows->edited, rows->removed,
		     rows->complete, rows->open,
		     json_array_size(document->conflicts));
}

static enum run_exit give_plan(struct session *session,
			       const struct review_rows *rows,
			       struct cleanup_plan *cleanup,
			       const struct plan_showing *showing)
{
	struct plan_document document;
	struct planning planning;
	enum run_exit exit;

	plan_document_init(&document);
	planning_init(&planning, session);
	planning.cleanup = cleanup;
	exit = planning_give(&planning, cleanup->agent->name, showing,
			     &document);
	if (exit <= RUN_ERRORS) {
		tell_rows(session->cli, rows, &document);
		if (json_array_size(document.conflicts))
			exit = RUN_ERRORS;
	}
	planning_release(&planning);
	plan_document_release(&document);
	return exit;
}

static enum run_exit plan_of(struct session *session,
			     const struct plan_showing *showing)
{
	struct cli *cli = session->cli;
	struct cleanup_plan cleanup = {
		.agent = session_agent(session, cli_word(cli, 0)),
		.file = args_value(&cli->args, "from"),
		.accept = args_has(&cli->args, "accept-wrong"),
	};
	struct review_rows rows = { .edits = VEC_INIT };
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (!cleanup.agent)
		return RUN_USAGE;
	if (review_read(cleanup.file, &cli->arena, &rows, &err) < 0 ||
	    take_checks(cli, &rows, &cleanup, &err) < 0) {
		exit = cli_fail_as(cli, RUN_USAGE, &err);
	} else {
		cleanup.edits = rows.edits.at;
		cleanup.count = rows.edits.len;
		exit = give_plan(session, &rows, &cleanup, showing);
	}
	vec_release(&rows.edits);
	return exit;
}

static enum run_exit run_from(struct cli *cli)
{
	struct plan_showing showing;
	struct session session;
	enum run_exit exit = planning_showing(cli, &showing);

	if (exit == RUN_OK)
		exit = session_open(&session, cli, SESSION_OVER, "cleanup");
	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	exit = plan_of(&session, &showing);
	session_close(&session);
	return exit;
}

/* ---- the command ---- */

/* An option that goes with another one only; or NULL. */
static const char *stray_option(struct cli *cli)
{
	static const char *const with[] = { "out", "accept-wrong", "ldif",
					    "offset" };
	static const char *const without[] = { "review", "csv" };
	const struct args *args = &cli->args;
	size_t i;

	for (i = 0; i < sizeof(with) / sizeof(*with); i++)
		if (!args_has(args, "from") && args_has(args, with[i]))
			return with[i];
	for (i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (args_has(args, "from") && args_has(args, without[i]))
			return without[i];
	return NULL;
}

static enum run_exit run(struct cli *cli)
{
	bool from = args_has(&cli->args, "from");
	const char *stray = stray_option(cli);
	struct session session;
	enum run_exit exit;

	if (args_has(&cli->args, "show-checks"))
		return show_checks(cli);
	if (!cli_word(cli, 0))
		return cli_misuse(cli, "the objects of which agent?");
	if (stray)
		return cli_misuse(cli,
				  from ? "--%s and --from do not go together"
				       : "--%s is about a plan: it goes with "
					 "--from",
				  stray);
	if (from)
		return run_from(cli);
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
		"have. Writes nothing to any system. What is to be done is "
		"decided in the file\nof --review; --from makes a plan of it "
		"that 'apply' carries out.\n\n"
		"  conjoin cleanup ad\n"
		"  conjoin cleanup ad --review values.csv\n"
		"  conjoin cleanup ad --from values.csv --out values.plan\n"
		"  conjoin cleanup ad --checks m365 --csv >values.csv\n"
		"  conjoin cleanup --show-checks --checks m365 >my.yaml\n",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
