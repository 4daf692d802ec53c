/*
 * report.c - describe steps, collect their errors, print them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report.h"

#include "base/clock.h"

#include <string.h>

#define set json_object_set_new

json_t *report_step(const struct run_step *step)
{
	json_t *json = json_object();

	(void)set(json, "number", json_integer(step->number));
	(void)set(json, "kind", json_of_text(step->kind));
	(void)set(json, "result", json_of_text(step->result));
	(void)set(json, "message",
		  json_of_text(step->message ? step->message : ""));
	(void)set(json, "token", json_of_text(step->token ? step->token : ""));
	(void)set(json, "milliseconds", json_integer(step->milliseconds));
	(void)set(json, "counters", json_object());
	(void)set(json, "outbound", json_object());
	(void)set(json, "errors", json_array());
	return json;
}

void report_count(json_t *step, struct store *store, uint32_t target,
		  const char *name, int64_t value)
{
	json_t *into = json_object_get(step, "counters");
	const char *agent;

	if (target) {
		json_t *outbound = json_object_get(step, "outbound");

		agent = store_name(store, NAME_AGENT, target);
		if (!agent)
			agent = "?";
		into = json_object_get(outbound, agent);
		if (!into) {
			into = json_object();
			(void)set(outbound, agent, into);
		}
	}
	(void)set(into, name, json_integer(value));
}

/* --- errors ------------------------------------------------------------ */

struct step_span {
	int64_t id;
	int number;
	int64_t started;
	int64_t ended; /* 0: not yet */
	enum cs_error_kind kind;
};

struct gather {
	struct session *session;
	struct arena arena;
	VEC(struct step_span) steps;
	VEC(struct cs_error) errors;
	json_t *list; /* of the step at hand */
	int64_t count;
};

static enum cs_error_kind kind_of_step(const char *kind)
{
	struct sv text = sv_from(kind);

	if (sv_ends(text, SV_LIT("-import")))
		return ERROR_IMPORT;
	return sv_eq_str(text, "export") ? ERROR_EXPORT : ERROR_SYNC;
}

static int on_step(void *data, const struct step_row *row)
{
	struct gather *gather = data;
	struct step_span span = { row->id, row->number, row->started,
				  row->ended, kind_of_step(row->kind) };

	vec_push(&gather->steps, span);
	return 0;
}

static json_t *error_json(struct sv code, struct sv message, struct sv where,
			  struct sv anchor)
{
	json_t *json = json_object();

	(void)set(json, "code", json_of_sv(code));
	(void)set(json, "message", json_of_sv(message));
	(void)set(json, "where", json_of_sv(where));
	(void)set(json, "anchor", json_of_sv(anchor));
	return json;
}

static int on_discovery(void *data, const struct discovery_error *row)
{
	struct gather *gather = data;

	if (gather->count++ < REPORT_ERRORS)
		(void)json_array_append_new(
			gather->list, error_json(row->code, row->message,
						 row->where, row->anchor));
	return 0;
}

static int on_cs_error(void *data, const struct cs_error *row)
{
	struct gather *gather = data;
	struct cs_error copy = *row;

	copy.code = arena_dup(&gather->arena, row->code);
	copy.message = arena_dup(&gather->arena, row->message);
	vec_push(&gather->errors, copy);
	return 0;
}

static int add_cs_error(struct gather *gather, const struct cs_error *row,
			struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv dn;
	struct sv anchor;
	json_t *json;
	int ret;

	if (gather->count++ >= REPORT_ERRORS)
		return 0;
	ret = display_cs_name(&gather->session->display, row->cs, &arena, &dn,
			      &anchor, err);
	if (ret >= 0) {
		json = error_json(row->code, row->message, SV_NULL, anchor);
		(void)set(json, "dn", json_of_sv(dn));
		(void)set(json, "id",
			  json_of_text(display_cs_id(row->cs, &arena)));
		(void)json_array_append_new(gather->list, json);
	}
	arena_release(&arena);
	return ret < 0 ? -1 : 0;
}

/* An error row stands for all tries from the first to the last. */
static bool in_span(const struct cs_error *row, const struct step_span *span)
{
	enum cs_error_kind kind = row->kind == ERROR_NAME ? ERROR_IMPORT
							  : row->kind;

	return kind == span->kind && row->last >= span->started &&
	       (!span->ended || row->first <= span->ended);
}

static int step_errors(struct gather *gather, const struct step_span *span,
		       json_t *step, struct error *err)
{
	const struct cs_error *row;

	gather->list = json_object_get(step, "errors");
	gather->count = 0;
	if (store_discovery_scan(gather->session->store, span->id, on_discovery,
				 gather, err) < 0)
		return -1;
	vec_foreach(&gather->errors, row)
		if (in_span(row, span) && add_cs_error(gather, row, err) < 0)
			return -1;
	(void)set(step, "error_count", json_integer(gather->count));
	return 0;
}

static json_t *step_of(json_t *steps, int number)
{
	size_t i;

	for (i = 0; i < json_array_size(steps); i++) {
		json_t *step = json_array_get(steps, i);

		if (json_integer_value(json_object_get(step, "number")) ==
		    number)
			return step;
	}
	return NULL;
}

int report_errors(struct session *session, const char *agent, int64_t run,
		  json_t *steps, struct error *err)
{
	struct gather gather = { .session = session, .arena = ARENA_INIT };
	uint32_t number =
		store_name_find(session->store, NAME_AGENT, sv_from(agent));
	const struct step_span *span;
	int ret = store_step_scan(session->store, run, on_step, &gather, err);

	if (ret >= 0 && number)
		ret = store_error_scan(session->store, number, on_cs_error,
				       &gather, err);
	vec_foreach(&gather.steps, span) {
		json_t *step = step_of(steps, span->number);

		if (ret >= 0 && step)
			ret = step_errors(&gather, span, step, err);
	}
	vec_release(&gather.steps);
	vec_release(&gather.errors);
	arena_release(&gather.arena);
	return ret < 0 ? -1 : 0;
}

/* --- history ----------------------------------------------------------- */

struct history {
	struct session *session;
	struct arena arena;
	VEC(struct step_row) rows;
	json_t *step;
};

static int keep_step(void *data, const struct step_row *row)
{
	struct history *history = data;
	struct step_row copy = *row;

	copy.kind = arena_cstr(&history->arena, sv_from(row->kind));
	copy.result = arena_cstr(&history->arena, sv_from(row->result));
	copy.message = arena_cstr(&history->arena, sv_from(row->message));
	vec_push(&history->rows, copy);
	return 0;
}

static int on_counter(void *data, const struct counter_row *row)
{
	struct history *history = data;

	report_count(history->step, history->session->store, row->target,
		     row->name, row->value);
	return 0;
}

static int add_step(struct history *history, const struct step_row *row,
		    json_t *steps, struct error *err)
{
	struct run_step step = {
		.number = row->number,
		.kind = row->kind,
		.result = row->result,
		.message = row->message,
		.token = "",
	};

	if (row->ended)
		step.milliseconds =
			(row->ended - row->started) / (CLOCK_SECOND / 1000);
	history->step = report_step(&step);
	(void)json_array_append_new(steps, history->step);
	return store_counter_scan(history->session->store, row->id, on_counter,
				  history, err);
}

int report_history(struct session *session, const struct run_row *run,
		   json_t **steps_out, struct error *err)
{
	struct history history = { .session = session, .arena = ARENA_INIT };
	const struct step_row *row;
	json_t *steps = json_array();
	int ret = store_step_scan(session->store, run->id, keep_step, &history,
				  err);

	vec_foreach(&history.rows, row)
		if (ret >= 0)
			ret = add_step(&history, row, steps, err);
	if (ret >= 0)
		ret = report_errors(session, run->agent, run->id, steps, err);
	vec_release(&history.rows);
	arena_release(&history.arena);
	if (ret < 0)
		json_decref(steps);
	else
		*steps_out = steps;
	return ret < 0 ? -1 : 0;
}

/* --- text -------------------------------------------------------------- */

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void print_counters(struct cli *cli, json_t *counters,
			   const char *before)
{
	const char *name;
	json_t *value;
	char label[160];

	json_object_foreach(counters, name, value)
	{
		(void)snprintf(label, sizeof(label), "%s%s", before, name);
		(void)printf(
			"    %-44s %12s\n", label,
			output_number(json_integer_value(value), &cli->arena));
	}
}

static void print_long(struct cli *cli, const json_t *step)
{
	const char *agent;
	const char *result = text_of(step, "result");
	json_t *counters;
	char label[80];

	(void)printf(
		"  %s: %s%s%s, %s\n", text_of(step, "kind"),
		output_style(&cli->output, stdout, output_result_style(result)),
		result, output_style(&cli->output, stdout, STYLE_NONE),
		output_duration(json_integer_value(
					json_object_get(step, "milliseconds")),
				&cli->arena));
	print_counters(cli, json_object_get(step, "counters"), "");
	json_object_foreach(json_object_get(step, "outbound"), agent, counters)
	{
		(void)snprintf(label, sizeof(label), "%s: ", agent);
		print_counters(cli, counters, label);
	}
}

static void add_counters(struct cli *cli, json_t *counters, struct strbuf *line)
{
	const char *between = "";
	const char *name;
	json_t *value;

	json_object_foreach(counters, name, value)
	{
		const char *number =
			output_number(json_integer_value(value), &cli->arena);

		strbuf_addf(line, "%s%s %s", between, number, name);
		between = ", ";
	}
}

static void print_short(struct cli *cli, const json_t *step, const char *begin,
			int width)
{
	const char *agent;
	const char *result = text_of(step, "result");
	struct strbuf line = STRBUF_INIT(4096);
	json_t *counters;

	add_counters(cli, json_object_get(step, "counters"), &line);
	json_object_foreach(json_object_get(step, "outbound"), agent, counters)
	{
		strbuf_addf(&line, "%s%s: ", line.len ? "; " : "", agent);
		add_counters(cli, counters, &line);
	}
	(void)printf(
		"%-*s  %-12s  %s%s%s%s%s\n", width, begin,
		text_of(step, "kind"),
		output_style(&cli->output, stdout, output_result_style(result)),
		result, output_style(&cli->output, stdout, STYLE_NONE),
		line.len ? "  " : "", strbuf_cstr(&line));
	strbuf_release(&line);
}

void report_print_step(struct cli *cli, const json_t *step, const char *agent,
		       int width)
{
	const char *message = text_of(step, "message");

	if (agent)
		print_short(cli, step, agent, width);
	else
		print_long(cli, step);
	if (*message)
		(void)printf("    %s\n",
			     output_safe(sv_from(message), &cli->arena));
	(void)fflush(stdout);
}

#define SHOWN_ERRORS 10

void report_print_errors(struct cli *cli, const json_t *step)
{
	const json_t *errors = json_object_get(step, "errors");
	int64_t all = json_integer_value(json_object_get(step, "error_count"));
	size_t i;

	for (i = 0; i < json_array_size(errors) && i < SHOWN_ERRORS; i++) {
		const json_t *item = json_array_get(errors, i);
		const char *subject = text_of(item, "dn");

		if (!*subject)
			subject = text_of(item, "anchor");
		if (*text_of(item, "where"))
			subject = text_of(item, "where");
		(void)printf("    %s%s%s %s%s%s\n",
			     output_style(&cli->output, stdout, STYLE_BAD),
			     text_of(item, "code"),
			     output_style(&cli->output, stdout, STYLE_NONE),
			     output_safe(sv_from(subject), &cli->arena),
			     *subject ? ": " : "",
			     output_safe(sv_from(text_of(item, "message")),
					 &cli->arena));
	}
	if (all > SHOWN_ERRORS)
		(void)printf("    ... and %s more\n",
			     output_number(all - SHOWN_ERRORS, &cli->arena));
}
