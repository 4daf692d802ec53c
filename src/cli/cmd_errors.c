/*
 * cmd_errors.c - `conjoin errors`: what is in error, by cause, and what to do
 *
 * Errors of objects in a connector space, and what the last import of each
 * agent could not read. Errors are one cause when code, agent, kind and message
 * are the same but for names and numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/errors_act.h"
#include "cli/session.h"
#include "cli/show.h"
#include "inspect/holds.h"
#include "inspect/remedy.h"
#include "store/history.h"
#include "store/ignored.h"

#include <stdlib.h>
#include <string.h>

struct failure {
	struct sv code;
	struct sv message;
	struct sv pattern; /* of the message */
	struct sv where;
	struct sv dn;
	struct sv anchor;
	const char *agent;
	const char *kind;
	const char *id; /* NULL: no object */
	int64_t cs;
	int64_t first;
	int64_t last;
	int64_t count;
	struct display_retry retry; /* of its pending export */
	int64_t ignored;            /* until then; 0: it is not */
};

/* The last step of an agent that read it. */
struct last_import {
	const char *agent;
	int64_t run;
	int64_t step;
	int64_t started;
};

struct errors {
	struct session *session;
	struct cli *cli;
	struct arena arena;
	uint32_t agent; /* 0: all */
	int64_t hidden; /* ignored ones that are not shown */
	VEC(struct failure) all;
	VEC(struct last_import) imports;
	struct last_import *import; /* the one at hand */
};

/* --- collect ----------------------------------------------------------- */

static const char *kind_name(enum cs_error_kind kind)
{
	switch (kind) {
	case ERROR_SYNC:
		return "sync";
	case ERROR_IMPORT:
		return "import";
	case ERROR_EXPORT:
		return "export";
	case ERROR_NAME:
		return "name";
	}
	return "";
}

static int on_error(void *data, const struct cs_error *row)
{
	struct errors *errors = data;
	struct failure failure = {
		.code = arena_dup(&errors->arena, row->code),
		.message = arena_dup(&errors->arena, row->message),
		.agent = store_name(errors->session->store, NAME_AGENT,
				    CS_AGENT(row->cs)),
		.kind = kind_name(row->kind),
		.id = display_cs_id(row->cs, &errors->arena),
		.cs = row->cs,
		.first = row->first,
		.last = row->last,
		.count = row->count,
	};

	vec_push(&errors->all, failure);
	return 0;
}

static int on_run(void *data, const struct run_row *row)
{
	struct errors *errors = data;
	const char *only =
		store_name(errors->session->store, NAME_AGENT, errors->agent);
	struct last_import import = { .run = row->id };

	if (only && strcmp(only, row->agent) != 0)
		return 0;
	import.agent = arena_cstr(&errors->arena, sv_from(row->agent));
	vec_push(&errors->imports, import);
	return 0;
}

static int on_step(void *data, const struct step_row *row)
{
	struct errors *errors = data;

	if (!sv_ends(sv_from(row->kind), SV_LIT("-import")))
		return 0;
	errors->import->step = row->id;
	errors->import->started = row->started;
	return 0;
}

static int on_discovery(void *data, const struct discovery_error *row)
{
	struct errors *errors = data;
	struct failure failure = {
		.code = arena_dup(&errors->arena, row->code),
		.message = arena_dup(&errors->arena, row->message),
		.where = arena_dup(&errors->arena, row->where),
		.anchor = arena_dup(&errors->arena, row->anchor),
		.agent = errors->import->agent,
		.kind = "discovery",
		.first = errors->import->started,
		.last = errors->import->started,
		.count = 1,
	};

	vec_push(&errors->all, failure);
	return 0;
}

static bool was_seen(const struct namemap *seen, const char *agent)
{
	return namemap_get(seen, sv_from(agent), NULL) > 0;
}

/* How many runs back an import is looked for. */
#define RUNS_BACK 500

static int collect_discovery(struct errors *errors, struct error *err)
{
	struct store *store = errors->session->store;
	struct namemap *seen = namemap_new(false);
	int ret = store_run_scan(store, 0, RUNS_BACK, on_run, errors, err);

	vec_foreach(&errors->imports, errors->import) {
		struct last_import *import = errors->import;

		if (ret < 0 || was_seen(seen, import->agent))
			continue;
		ret = store_step_scan(store, import->run, on_step, errors, err);
		if (ret < 0 || !import->step)
			continue;
		namemap_put(seen, sv_from(import->agent), 1);
		ret = store_discovery_scan(store, import->step, on_discovery,
					   errors, err);
	}
	namemap_free(seen);
	return ret < 0 ? -1 : 0;
}

static int by_code(const void *a, const void *b)
{
	const struct failure *x = a;
	const struct failure *y = b;
	int order = sv_cmp(x->code, y->code);

	if (order == 0 && x->agent && y->agent)
		order = strcmp(x->agent, y->agent);
	if (order == 0)
		order = strcmp(x->kind, y->kind);
	if (order == 0)
		order = sv_cmp(x->pattern, y->pattern);
	if (order == 0)
		order = (x->cs > y->cs) - (x->cs < y->cs);
	return order;
}

static int take_ignored(struct errors *errors, struct error *err)
{
	bool shown = args_has(&errors->cli->args, "ignored");
	int64_t now = clock_now();
	size_t kept = 0;
	size_t i;

	for (i = 0; i < errors->all.len; i++) {
		struct failure *failure = &errors->all.at[i];
		struct ignored row;
		int ret = ignored_get(errors->session->store, failure->cs,
				      failure->code, now, &errors->arena, &row,
				      err);

		if (ret < 0)
			return -1;
		failure->ignored = ret > 0 ? row.until : 0;
		errors->hidden += ret > 0 && !shown;
		if (ret == 0 || shown)
			errors->all.at[kept++] = *failure;
	}
	errors->all.len = kept;
	return 0;
}

static int collect(struct errors *errors, struct error *err)
{
	struct session *session = errors->session;
	struct failure *failure;

	if (store_error_scan(session->store, errors->agent, on_error, errors,
			     err) < 0 ||
	    take_ignored(errors, err) < 0)
		return -1;
	vec_foreach(&errors->all, failure)
		if (display_cs_name(&session->display, failure->cs,
				    &errors->arena, &failure->dn,
				    &failure->anchor, err) < 0 ||
		    (strcmp(failure->kind, "sync") != 0 &&
		     display_retry(&session->display, failure->cs,
				   &failure->retry, err) < 0))
			return -1;
	if (collect_discovery(errors, err) < 0)
		return -1;
	vec_foreach(&errors->all, failure)
		failure->pattern =
			remedy_pattern(failure->message, &errors->arena);
	if (errors->all.len)
		qsort(errors->all.at, errors->all.len, sizeof(*errors->all.at),
		      by_code);
	return 0;
}

/* --- print ------------------------------------------------------------- */

static json_t *failure_json(struct errors *errors,
			    const struct failure *failure)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "agent", json_of_text(failure->agent));
	(void)json_object_set_new(json, "id", json_of_text(failure->id));
	(void)json_object_set_new(json, "dn", json_of_sv(failure->dn));
	(void)json_object_set_new(json, "anchor", json_of_sv(failure->anchor));
	(void)json_object_set_new(json, "where", json_of_sv(failure->where));
	(void)json_object_set_new(json, "message",
				  json_of_sv(failure->message));
	(void)json_object_set_new(
		json, "first",
		json_of_text(output_time(failure->first, &errors->arena)));
	(void)json_object_set_new(
		json, "last",
		json_of_text(output_time(failure->last, &errors->arena)));
	(void)json_object_set_new(json, "count", json_integer(failure->count));
	(void)json_object_set_new(json, "kind", json_of_text(failure->kind));
	(void)json_object_set_new(
		json, "retry",
		show_retry_json(&failure->retry, &errors->arena));
	(void)json_object_set_new(
		json, "ignored_until",
		failure->ignored ? json_of_text(output_time(failure->ignored,
							    &errors->arena))
				 : json_null());
	return json;
}

/* Behind the last one of the same cause. */
static size_t end_of_same(const struct errors *errors, size_t from)
{
	const struct failure *first = &errors->all.at[from];
	size_t i = from + 1;

	while (i < errors->all.len &&
	       sv_eq(errors->all.at[i].code, first->code) &&
	       sv_eq(errors->all.at[i].pattern, first->pattern) &&
	       errors->all.at[i].agent == first->agent &&
	       errors->all.at[i].kind == first->kind)
		i++;
	return i;
}

struct span {
	int64_t first;
	int64_t last;
};

static struct span span_of(const struct errors *errors, size_t from, size_t to)
{
	struct span span = { errors->all.at[from].first,
			     errors->all.at[from].last };
	size_t i;

	for (i = from + 1; i < to; i++) {
		const struct failure *failure = &errors->all.at[i];

		if (failure->first < span.first)
			span.first = failure->first;
		if (failure->last > span.last)
			span.last = failure->last;
	}
	return span;
}

static void set_span(struct errors *errors, json_t *json, size_t from,
		     size_t to)
{
	struct span span = span_of(errors, from, to);

	(void)json_object_set_new(json, "count",
				  json_integer((json_int_t)(to - from)));
	(void)json_object_set_new(
		json, "first",
		json_of_text(output_time(span.first, &errors->arena)));
	(void)json_object_set_new(
		json, "last",
		json_of_text(output_time(span.last, &errors->arena)));
}

/* [{"agent","kind","message","count","first","last"}] */
static json_t *causes_json(struct errors *errors, size_t from, size_t to)
{
	json_t *list = json_array();
	size_t end;

	for (; from < to; from = end) {
		const struct failure *first = &errors->all.at[from];
		json_t *json = json_object();

		end = end_of_same(errors, from);
		(void)json_object_set_new(json, "agent",
					  json_of_text(first->agent));
		(void)json_object_set_new(json, "kind",
					  json_of_text(first->kind));
		(void)json_object_set_new(json, "message",
					  json_of_sv(first->message));
		set_span(errors, json, from, end);
		(void)json_array_append_new(list, json);
	}
	return list;
}

/* Behind the last one with the same code. */
static size_t end_of_cause(const struct errors *errors, size_t from)
{
	size_t i = from;

	while (i < errors->all.len &&
	       sv_eq(errors->all.at[i].code, errors->all.at[from].code))
		i++;
	return i;
}

/* Not in error, and not exported to. */
struct held_list {
	struct errors *errors;
	struct json_stream *stream; /* NULL: as text */
	int64_t count;
};

#define SHOWN 20

static int on_hold(void *data, const struct display_hold *hold)
{
	struct held_list *list = data;
	struct arena arena = ARENA_INIT;
	bool terminal = list->errors->cli->output.terminal;

	list->count++;
	if (list->stream) {
		json_stream_add(list->stream, show_hold_json(hold, &arena));
	} else if (!terminal || list->count <= SHOWN) {
		if (list->count == 1)
			(void)puts("held, nothing is exported to them:");
		show_hold(hold, &arena);
	}
	arena_release(&arena);
	return 0;
}

static int print_held(struct errors *errors, struct json_stream *stream,
		      struct error *err)
{
	struct held_list list = { errors, stream, 0 };

	if (stream)
		json_stream_list(stream, "held");
	if (holds_scan(&errors->session->display, errors->agent, on_hold, &list,
		       err) < 0)
		return -1;
	if (!stream && errors->cli->output.terminal && list.count > SHOWN)
		(void)printf("  ... and %lld more; 'pending --held' has all\n",
			     (long long)(list.count - SHOWN));
	return 0;
}

static int print_json(struct errors *errors, struct error *err)
{
	int ret;

	struct json_stream stream;
	size_t from;
	size_t to;

	json_stream_begin(&stream, &errors->cli->output);
	json_stream_list(&stream, "errors");
	for (from = 0; from < errors->all.len; from = to) {
		json_t *cause = json_object();
		json_t *list = json_array();
		size_t i;

		to = end_of_cause(errors, from);
		for (i = from; i < to; i++)
			(void)json_array_append_new(
				list, failure_json(errors, &errors->all.at[i]));
		(void)json_object_set_new(
			cause, "code", json_of_sv(errors->all.at[from].code));
		set_span(errors, cause, from, to);
		(void)json_object_set_new(
			cause, "fix",
			json_of_text(remedy_find(errors->all.at[from].code)));
		(void)json_object_set_new(cause, "causes",
					  causes_json(errors, from, to));
		(void)json_object_set_new(cause, "objects", list);
		json_stream_add(&stream, cause);
	}
	ret = print_held(errors, &stream, err);
	json_stream_end(&stream, false, ret < 0 ? cli_error_json(err) : NULL);
	return ret;
}

/* "sync of hr: 12 objects since 2026-11-01T08:00:00Z, last ..." */
static void print_causes(struct errors *errors, size_t from, size_t to)
{
	struct arena *arena = &errors->arena;
	size_t end;

	for (; from < to; from = end) {
		const struct failure *first = &errors->all.at[from];
		struct span span;

		end = end_of_same(errors, from);
		span = span_of(errors, from, end);
		if (end - from < 2)
			continue;
		(void)printf("  %zu alike of %s, %s, since %s, last %s\n",
			     end - from, first->agent ? first->agent : "?",
			     first->kind, output_time(span.first, arena),
			     output_time(span.last, arena));
	}
}

static void print_fix(struct errors *errors, struct sv code)
{
	const char *fix = remedy_find(code);

	if (fix)
		(void)printf(
			"  %sto do: %s%s\n",
			output_style(&errors->cli->output, stdout, STYLE_DIM),
			fix,
			output_style(&errors->cli->output, stdout, STYLE_NONE));
}

static void print_failure(struct errors *errors, const struct failure *failure)
{
	struct arena *arena = &errors->arena;
	struct sv name = failure->dn.len ? failure->dn : failure->anchor;

	if (failure->where.len)
		name = failure->where;
	else if (!name.len && failure->id)
		name = sv_from(failure->id);
	(void)printf("  %s %s  %s", failure->agent ? failure->agent : "?",
		     failure->kind, output_safe(name, arena));
	if (failure->count > 1)
		(void)printf(" (%lld times since %s)",
			     (long long)failure->count,
			     output_time(failure->first, arena));
	(void)printf("\n      %s\n", output_safe(failure->message, arena));
	if (failure->retry.quarantined)
		(void)printf("      %s\n", show_retry(&failure->retry, arena));
	if (failure->ignored)
		(void)printf("      ignored until %s\n",
			     output_time(failure->ignored, arena));
}

static void print_text(struct errors *errors)
{
	struct cli *cli = errors->cli;
	bool retry = false;
	size_t from;
	size_t to;
	size_t i;

	if (!errors->all.len && !cli->output.quiet)
		(void)puts("nothing is in error");
	for (from = 0; from < errors->all.len; from = to) {
		to = end_of_cause(errors, from);
		(void)printf(
			"%s%s%s: %zu\n",
			output_style(&cli->output, stdout, STYLE_BAD),
			output_safe(errors->all.at[from].code, &errors->arena),
			output_style(&cli->output, stdout, STYLE_NONE),
			to - from);
		print_fix(errors, errors->all.at[from].code);
		print_causes(errors, from, to);
		for (i = from; i < to; i++) {
			retry |= errors->all.at[i].id != NULL;
			if (!cli->output.terminal || i < from + SHOWN)
				print_failure(errors, &errors->all.at[i]);
		}
		if (cli->output.terminal && to - from > SHOWN)
			(void)printf("  ... and %zu more; --json has all\n",
				     to - from - SHOWN);
	}
	if (retry)
		cli_hint(cli,
			 "to have them tried by the next delta-sync and export",
			 "errors retry %s [OBJECT]",
			 cli_word(cli, 0) ? cli_word(cli, 0) : "AGENT");
	if (errors->hidden && !cli->output.quiet)
		(void)printf("%lld ignored; --ignored shows them\n",
			     (long long)errors->hidden);
}

/* --- the command ------------------------------------------------------- */

static enum run_exit print_codes(struct cli *cli)
{
	const struct remedy *remedy;
	json_t *list = json_array();

	for (remedy = remedies; remedy->code; remedy++) {
		if (cli->output.json)
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:s}", "code", remedy->code,
					  "fix", remedy->text));
		else
			(void)printf("%s\n    %s\n", remedy->code,
				     remedy->text);
	}
	if (cli->output.json)
		output_json(&cli->output, json_pack("{s:O}", "codes", list));
	json_decref(list);
	return RUN_OK;
}

static enum run_exit carry_out(struct errors *errors, const char *agent)
{
	struct error err = ERROR_INIT;

	if (agent &&
	    session_agent_number(errors->session, agent, &errors->agent) < 0)
		return RUN_USAGE;
	if ((!agent || errors->agent) && collect(errors, &err) < 0)
		return cli_fail_as(errors->cli, RUN_FAILED, &err);
	if (errors->cli->output.json)
		return print_json(errors, &err) < 0 ? RUN_FAILED : RUN_OK;
	print_text(errors);
	return print_held(errors, NULL, &err) < 0
		       ? cli_fail_as(errors->cli, RUN_FAILED, &err)
		       : RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	struct errors errors = { .session = &session, .cli = cli };
	enum run_exit exit;

	if (errors_is_verb(cli_word(cli, 0)))
		return errors_act(cli);
	if (cli_word(cli, 1))
		return cli_misuse(cli, "'errors' does not take '%s'",
				  cli_word(cli, 1));
	if (args_has(&cli->args, "codes"))
		return print_codes(cli);
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = carry_out(&errors, cli_word(cli, 0));
	vec_release(&errors.all);
	vec_release(&errors.imports);
	arena_release(&errors.arena);
	session_close(&session);
	return exit;
}

static const struct option_def options[] = {
	{ "ignored", NULL, false, "show those that are ignored, too" },
	{ "codes", NULL, false,
	  "list the errors that there are, and what to do about each" },
	{ NULL, NULL, false, NULL },
};

const struct command command_errors = {
	.name = "errors",
	.usage = "[AGENT] | retry AGENT [OBJECT] | ignore AGENT OBJECT until "
		 "DATE|off | quarantine AGENT OBJECT",
	.help = "everything in error, by cause, and what to do about it",
	.more = "Objects in error, and what the last import of an agent could "
		"not read. OBJECT is a DN, an\nanchor or an id.\n\n"
		"'retry' has the agent's objects in error (or one) taken by "
		"its next delta sync; exports that\nfailed are tried by the "
		"next export, also those in quarantine. 'ignore' keeps an "
		"error out of\nthis list until a day; it is tried all the "
		"same. 'quarantine' keeps what is pending for an object from "
		"being\nexported until it is another change, or until "
		"'retry'.\n\n"
		"  conjoin errors ignore hr 1007 until 2027-03-31\n",
	.options = options,
	.min_words = 0,
	.max_words = 5,
	.run = run,
};
