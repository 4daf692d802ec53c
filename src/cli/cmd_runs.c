/*
 * cmd_runs.c - `conjoin runs`: the history, a run, the objects of a counter
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/report.h"
#include "cli/show.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_LIMIT 20

static const struct option_def options[] = {
	{ "limit", "N", false, "list the last N runs; default: 20; 0: all" },
	{ NULL, NULL, false, NULL },
};

struct runs {
	struct session *session;
	struct cli *cli;
	struct arena arena;
	VEC(struct run_row) rows;
	struct store_holders holders;
};

/* --- the rows ---------------------------------------------------------- */

static int keep_run(void *data, const struct run_row *row)
{
	struct runs *runs = data;
	struct run_row copy = *row;

	copy.agent = arena_cstr(&runs->arena, sv_from(row->agent));
	copy.profile = arena_cstr(&runs->arena, sv_from(row->profile));
	copy.user = arena_cstr(&runs->arena, sv_from(row->user));
	copy.host = arena_cstr(&runs->arena, sv_from(row->host));
	copy.result = arena_cstr(&runs->arena, sv_from(row->result));
	copy.message = arena_cstr(&runs->arena, sv_from(row->message));
	vec_push(&runs->rows, copy);
	return 0;
}

static bool is_open(const struct run_row *row)
{
	return !row->ended && !strcmp(row->result, "in-progress");
}

/* Who holds the lease is asked only when a run has not ended. */
static int load(struct runs *runs, int64_t only, int limit, struct error *err)
{
	const struct run_row *row;
	bool ask = false;
	int ret = store_run_scan(runs->session->store, only, limit, keep_run,
				 runs, err);

	if (ret < 0)
		return -1;
	vec_foreach(&runs->rows, row)
		ask |= is_open(row);
	if (!ask)
		return 0;
	return store_holders(runs->session->store, &runs->holders, err);
}

/* A run whose process does not hold a lease has died. */
static const char *state_of(const struct runs *runs, const struct run_row *row)
{
	if (!is_open(row))
		return "ended";
	return store_run_going_on(row, &runs->holders) ? "going-on" : "died";
}

/* --- the list ---------------------------------------------------------- */

static json_t *run_json(const struct runs *runs, const struct run_row *row,
			struct arena *arena)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "run", json_integer(row->id));
	(void)json_object_set_new(json, "agent", json_of_text(row->agent));
	(void)json_object_set_new(json, "profile", json_of_text(row->profile));
	(void)json_object_set_new(json, "user", json_of_text(row->user));
	(void)json_object_set_new(
		json, "started",
		json_of_text(output_time(row->started, arena)));
	(void)json_object_set_new(
		json, "ended",
		row->ended ? json_of_text(output_time(row->ended, arena))
			   : json_null());
	(void)json_object_set_new(json, "result", json_of_text(row->result));
	(void)json_object_set_new(json, "message", json_of_text(row->message));
	(void)json_object_set_new(json, "state",
				  json_of_text(state_of(runs, row)));
	return json;
}

static void list_json(struct runs *runs)
{
	struct json_stream stream;
	const struct run_row *row;

	json_stream_begin(&stream, &runs->cli->output);
	json_stream_list(&stream, "runs");
	vec_foreach(&runs->rows, row)
		json_stream_add(&stream, run_json(runs, row, &runs->arena));
	json_stream_end(&stream, false, NULL);
}

static void list_text(struct runs *runs)
{
	static const struct table_column columns[] = {
		{ "RUN", true },      { "AGENT", false }, { "PROFILE", false },
		{ "STARTED", false }, { "TOOK", true },   { "RESULT", false },
	};
	const struct run_row *row;
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	vec_foreach(&runs->rows, row) {
		bool ended = row->ended != 0;

		table_addf(&table, "%lld", (long long)row->id);
		table_add(&table, sv_from(row->agent));
		table_add(&table, sv_from(row->profile));
		table_add(&table,
			  sv_from(output_time(row->started, &runs->arena)));
		table_add(&table,
			  sv_from(ended ? output_duration(
						  (row->ended - row->started) /
							  (CLOCK_SECOND / 1000),
						  &runs->arena)
					: ""));
		table_add(&table, sv_from(is_open(row) ? state_of(runs, row)
						       : row->result));
	}
	if (runs->rows.len)
		table_print(&table, &runs->cli->output);
	else
		(void)puts("no run yet");
	table_release(&table);
	if (runs->rows.len)
		cli_hint(runs->cli, "the steps of one", "runs %lld",
			 (long long)runs->rows.at[0].id);
}

static enum run_exit list(struct runs *runs)
{
	struct error err = ERROR_INIT;
	int64_t limit = DEFAULT_LIMIT;

	if (args_number(&runs->cli->args, "limit", &limit, &err) < 0)
		return cli_misuse(runs->cli, "%s", err.msg);
	if (limit == 0 || limit > INT_MAX)
		limit = INT_MAX;
	if (load(runs, 0, (int)limit, &err) < 0)
		return cli_fail_as(runs->cli, RUN_FAILED, &err);
	if (runs->cli->output.json)
		list_json(runs);
	else
		list_text(runs);
	return RUN_OK;
}

/* --- one run ----------------------------------------------------------- */

/* The tokens that it used to pass guards. */
struct allowances {
	struct runs *runs;
	json_t *list;
};

static int on_allowed(void *data, const struct allowed_row *row)
{
	struct allowances *allowances = data;
	json_t *json = json_object();

	(void)json_object_set_new(json, "token", json_of_text(row->token));
	(void)json_object_set_new(json, "user", json_of_text(row->user));
	(void)json_object_set_new(
		json, "time",
		json_of_text(output_time(row->time, &allowances->runs->arena)));
	(void)json_array_append_new(allowances->list, json);
	return 0;
}

static int load_allowed(struct runs *runs, int64_t run, json_t **out,
			struct error *err)
{
	struct allowances allowances = { runs, json_array() };

	*out = allowances.list;
	return store_allow_scan(runs->session->store, run, on_allowed,
				&allowances, err);
}

static void print_allowed(struct runs *runs, const json_t *allowed)
{
	size_t i;

	for (i = 0; i < json_array_size(allowed); i++) {
		const json_t *one = json_array_get(allowed, i);
		const char *user =
			json_string_value(json_object_get(one, "user"));

		(void)printf("  a guard was passed by %s with the token %s\n",
			     output_safe(sv_from(user), &runs->arena),
			     json_string_value(json_object_get(one, "token")));
	}
}

static void print_run(struct runs *runs, const struct run_row *row,
		      const json_t *steps, const json_t *allowed)
{
	struct cli *cli = runs->cli;
	const char *state = state_of(runs, row);
	bool errors = false;
	size_t i;

	(void)printf("run %lld: %s %s, by %s, %s, %s\n", (long long)row->id,
		     row->agent, row->profile,
		     output_safe(sv_from(row->user), &runs->arena),
		     output_time(row->started, &runs->arena),
		     strcmp(state, "ended") != 0 ? state : row->result);
	if (*row->message)
		(void)printf("  %s\n",
			     output_safe(sv_from(row->message), &runs->arena));
	print_allowed(runs, allowed);
	for (i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);

		report_print_step(cli, step, NULL, 0);
		report_print_errors(cli, step);
		errors |= json_array_size(json_object_get(step, "errors")) > 0;
	}
	if (json_array_size(steps))
		cli_hint(cli, "the objects of a counter",
			 "runs %lld COUNTER [AGENT]", (long long)row->id);
	if (errors)
		cli_hint(cli, "all errors", "errors %s", row->agent);
}

static enum run_exit no_run(struct runs *runs, int64_t number)
{
	struct error err = ERROR_INIT;

	(void)error_set(&err, ERR_NOTFOUND,
			"there is no run %lld; 'conjoin runs' lists them",
			(long long)number);
	return cli_fail_as(runs->cli, RUN_USAGE, &err);
}

static enum run_exit one_run(struct runs *runs, int64_t number)
{
	const struct run_row *row = runs->rows.at;
	struct error err = ERROR_INIT;
	json_t *allowed = NULL;
	json_t *steps;
	json_t *json;

	if (!runs->rows.len)
		return no_run(runs, number);
	if (report_history(runs->session, row, &steps, &err) < 0)
		return cli_fail_as(runs->cli, RUN_FAILED, &err);
	if (load_allowed(runs, number, &allowed, &err) < 0) {
		json_decref(allowed);
		json_decref(steps);
		return cli_fail_as(runs->cli, RUN_FAILED, &err);
	}
	if (!runs->cli->output.json) {
		print_run(runs, row, steps, allowed);
		json_decref(allowed);
		json_decref(steps);
		return RUN_OK;
	}
	json = run_json(runs, row, &runs->arena);
	(void)json_object_set_new(json, "allowed", allowed);
	(void)json_object_set_new(json, "steps", steps);
	output_json(&runs->cli->output, json);
	return RUN_OK;
}

/* --- the objects of a counter ------------------------------------------ */

struct opening {
	struct runs *runs;
	const char *counter;
	uint32_t target; /* 0: any */
	VEC(int64_t) steps;
	VEC(int64_t) ids;
	int step;   /* number of the step at hand */
	bool found; /* the counter */
	bool damaged;
	int64_t value;
	struct namemap *names; /* of the run's counters */
	struct strbuf known;
	struct json_stream stream; /* of objects that have names only */
};

static int on_step(void *data, const struct step_row *row)
{
	struct opening *opening = data;

	vec_push(&opening->steps, row->id);
	return 0;
}

static void note_name(struct opening *opening, const char *name)
{
	if (namemap_get(opening->names, sv_from(name), NULL))
		return;
	namemap_put(opening->names, sv_from(name), 1);
	strbuf_addf(&opening->known, "%s%s", opening->known.len ? ", " : "",
		    name);
}

static int on_counter(void *data, const struct counter_row *row)
{
	struct opening *opening = data;
	size_t at = 0;
	int64_t last = 0;
	int64_t id;
	int ret;

	note_name(opening, row->name);
	if (strcmp(row->name, opening->counter) != 0 ||
	    (opening->target && opening->target != row->target))
		return 0;
	opening->found = true;
	opening->value += row->value;
	while ((ret = store_ids_decode(row->ids, &at, &last, &id)) > 0)
		if (id)
			vec_push(&opening->ids, id);
	opening->damaged |= ret < 0;
	return 0;
}

static int collect(struct opening *opening, int64_t run, struct error *err)
{
	struct store *store = opening->runs->session->store;
	const int64_t *step;
	int ret = store_step_scan(store, run, on_step, opening, err);

	vec_foreach(&opening->steps, step)
		if (ret >= 0)
			ret = store_counter_scan(store, *step, on_counter,
						 opening, err);
	if (ret >= 0 && opening->damaged)
		ret = error_set(err, ERR_CORRUPT,
				"the list of counter '%s' is damaged",
				opening->counter);
	return ret < 0 ? -1 : 0;
}

/* What the object is now; it may be gone. */
static json_t *object_json(struct opening *opening, int64_t id,
			   struct error *err)
{
	struct session *session = opening->runs->session;
	struct arena arena = ARENA_INIT;
	json_t *json = json_object();
	struct sv dn;
	struct sv anchor;
	const char *agent;
	int ret;

	if (!CS_AGENT(id)) {
		(void)json_object_set_new(json, "mv", json_integer(id));
		return json;
	}
	ret = display_cs_name(&session->display, id, &arena, &dn, &anchor, err);
	agent = store_name(session->store, NAME_AGENT, CS_AGENT(id));
	(void)json_object_set_new(json, "id",
				  json_of_text(display_cs_id(id, &arena)));
	(void)json_object_set_new(json, "agent", json_of_text(agent));
	(void)json_object_set_new(json, "dn", json_of_sv(dn));
	(void)json_object_set_new(json, "anchor", json_of_sv(anchor));
	(void)json_object_set_new(json, "gone", json_boolean(ret == 0));
	arena_release(&arena);
	if (ret >= 0)
		return json;
	json_decref(json);
	return NULL;
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void print_object(struct opening *opening, json_t *json)
{
	struct arena *arena = &opening->runs->arena;
	const char *name = text_of(json, "dn");

	if (json_object_get(json, "mv")) {
		(void)printf("  mv %lld\n",
			     (long long)json_integer_value(
				     json_object_get(json, "mv")));
	} else {
		if (!*name)
			name = text_of(json, "anchor");
		(void)printf("  %-10s  %-8s  %s%s\n", text_of(json, "agent"),
			     text_of(json, "id"),
			     output_safe(sv_from(name), arena),
			     json_is_true(json_object_get(json, "gone"))
				     ? "(gone since)"
				     : "");
	}
	json_decref(json);
}

static int print_objects(struct opening *opening, struct error *err)
{
	bool as_json = opening->runs->cli->output.json;
	struct json_stream stream;
	const int64_t *id;
	int ret = 0;

	if (as_json) {
		json_stream_begin(&stream, &opening->runs->cli->output);
		json_stream_list(&stream, "objects");
	}
	vec_foreach(&opening->ids, id) {
		json_t *json = object_json(opening, *id, err);

		if (!json) {
			ret = -1;
			break;
		}
		if (as_json)
			json_stream_add(&stream, json);
		else
			print_object(opening, json);
	}
	if (as_json)
		json_stream_end(&stream, true,
				ret < 0 ? cli_error_json(err) : NULL);
	return ret;
}

/* --- what a counter counted and could not be kept as an object --------- */

/* An object that could not be read, or was not there, by its name. */
static int on_named(void *data, const struct discovery_error *row)
{
	struct opening *opening = data;
	struct arena *arena = &opening->runs->arena;
	json_t *json;

	if (!opening->runs->cli->output.json) {
		(void)printf("  %-10s  %s%s%s  %s\n",
			     opening->runs->rows.at->agent,
			     output_safe(row->anchor, arena),
			     row->anchor.len ? "  " : "",
			     output_safe(row->where, arena),
			     output_safe(row->message, arena));
		return 0;
	}
	json = json_object();
	(void)json_object_set_new(json, "id", json_null());
	(void)json_object_set_new(json, "agent",
				  json_of_text(opening->runs->rows.at->agent));
	(void)json_object_set_new(json, "dn", json_of_text(""));
	(void)json_object_set_new(json, "anchor", json_of_sv(row->anchor));
	(void)json_object_set_new(json, "gone", json_true());
	(void)json_object_set_new(json, "where", json_of_sv(row->where));
	(void)json_object_set_new(json, "message", json_of_sv(row->message));
	json_stream_add(&opening->stream, json);
	return 0;
}

static bool is_named(const char *counter)
{
	return !strcmp(counter, "stage-failure") ||
	       !strcmp(counter, STORE_FILTERED_DELETIONS) ||
	       !strcmp(counter, STORE_FILTERED_OBJECTS);
}

static int print_named(struct opening *opening, struct error *err)
{
	struct store *store = opening->runs->session->store;
	bool failures = !strcmp(opening->counter, "stage-failure");
	bool as_json = opening->runs->cli->output.json;
	const int64_t *step;
	int ret = 0;

	if (as_json) {
		json_stream_begin(&opening->stream,
				  &opening->runs->cli->output);
		json_stream_list(&opening->stream, "objects");
	}
	vec_foreach(&opening->steps, step) {
		if (ret >= 0 && failures)
			ret = store_discovery_scan(store, *step, on_named,
						   opening, err);
		else if (ret >= 0)
			ret = store_filtered_scan(store, *step,
						  opening->counter, on_named,
						  opening, err);
	}
	if (as_json)
		json_stream_end(&opening->stream, true,
				ret < 0 ? cli_error_json(err) : NULL);
	return ret < 0 ? -1 : 0;
}

static int check_counter(struct opening *opening, int64_t run,
			 struct error *err)
{
	if (!opening->found)
		return error_set(err, ERR_NOTFOUND,
				 "run %lld has no counter '%s'; it has: %s",
				 (long long)run, opening->counter,
				 strbuf_cstr(&opening->known));
	if (!opening->ids.len && opening->value && !is_named(opening->counter))
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' keeps no list of objects: nothing "
				 "happened to them",
				 opening->counter);
	return 0;
}

static enum run_exit open_counter(struct runs *runs, int64_t run)
{
	struct opening opening = { .runs = runs,
				   .counter = cli_word(runs->cli, 1),
				   .known = STRBUF_INIT(400) };
	const char *target = cli_word(runs->cli, 2);
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;

	if (!runs->rows.len)
		return no_run(runs, run);
	if (target &&
	    session_agent_number(runs->session, target, &opening.target) < 0)
		return RUN_USAGE;
	opening.names = namemap_new(false);
	if (collect(&opening, run, &err) < 0 ||
	    check_counter(&opening, run, &err) < 0)
		exit = cli_fail(runs->cli, &err);
	else if ((is_named(opening.counter)
			  ? print_named(&opening, &err)
			  : print_objects(&opening, &err)) < 0)
		exit = runs->cli->output.json
			       ? RUN_FAILED
			       : cli_fail_as(runs->cli, RUN_FAILED, &err);
	namemap_free(opening.names);
	strbuf_release(&opening.known);
	vec_release(&opening.steps);
	vec_release(&opening.ids);
	return exit;
}

/* --- the command ------------------------------------------------------- */

static enum run_exit show(struct runs *runs)
{
	const char *word = cli_word(runs->cli, 0);
	struct error err = ERROR_INIT;
	int64_t number;

	if (!word)
		return list(runs);
	if (!sv_to_i64(sv_from(word), &number) || number < 1)
		return cli_misuse(runs->cli, "'%s' is not the number of a run",
				  word);
	if (load(runs, number, 1, &err) < 0)
		return cli_fail_as(runs->cli, RUN_FAILED, &err);
	return cli_word(runs->cli, 1) ? open_counter(runs, number)
				      : one_run(runs, number);
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	struct runs runs = { .session = &session, .cli = cli };
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = show(&runs);
	vec_release(&runs.rows);
	arena_release(&runs.arena);
	session_close(&session);
	return exit;
}

const struct command command_runs = {
	.name = "runs",
	.usage = "[N [COUNTER [TARGET]]]",
	.help = "the history of runs; N: its steps; COUNTER: its objects",
	.more = "A counter of a sync's outbound side belongs to a target "
		"agent; TARGET names one.\n",
	.options = options,
	.min_words = 0,
	.max_words = 3,
	.run = run,
};
