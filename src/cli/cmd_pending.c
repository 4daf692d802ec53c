/*
 * cmd_pending.c - `conjoin pending`: what is staged and not done yet
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/session.h"
#include "cli/show.h"
#include "inspect/holds.h"
#include "inspect/pending.h"

#include <string.h>

#define TERMINAL_LIMIT 100

static const struct option_def options[] = {
	{ "imports", NULL, false, "read, not synchronized yet" },
	{ "exports", NULL, false, "computed, not written yet" },
	{ "references", NULL, false,
	  "metaverse objects whose references or look-ups wait for a target" },
	{ "due", NULL, false,
	  "what is looked at again by itself, and when: rules that compare "
	  "with Now(), deprovisioning that waits" },
	{ "held", NULL, false,
	  "what a run was undone for: nothing is exported to it" },
	{ "limit", "N", false,
	  "show at most N objects of an agent; default on a terminal: 100; 0: "
	  "all" },
	{ NULL, NULL, false, NULL },
};

struct listing {
	struct session *session;
	struct cli *cli;
	enum pending_kind kind;
	int64_t limit; /* 0: none */
	int64_t count; /* of the agent at hand */
	int64_t total;
	struct json_stream stream;
};

static int on_object(void *data, const struct display_cs *object)
{
	struct listing *listing = data;
	bool import = listing->kind == PENDING_IMPORTS;
	struct arena arena = ARENA_INIT;

	listing->count++;
	listing->total++;
	if (listing->cli->output.json) {
		json_stream_add(&listing->stream,
				show_cs_json(object,
					     import ? SHOW_IMPORT : SHOW_EXPORT,
					     &arena));
		arena_release(&arena);
		return 0;
	}
	if (listing->limit && listing->count > listing->limit)
		return 0;
	if (listing->count == 1)
		(void)printf("%s: %s\n", object->agent,
			     import ? "to synchronize" : "to export");
	if (import)
		show_import(listing->cli, object);
	else
		show_export(listing->cli, object);
	return 0;
}

static void print_end(struct listing *listing, const char *agent)
{
	bool import = listing->kind == PENDING_IMPORTS;

	if (!listing->count || listing->cli->output.json)
		return;
	if (listing->limit && listing->count > listing->limit)
		(void)printf("  ... and %lld more; --limit N shows more\n",
			     (long long)(listing->count - listing->limit));
	cli_hint(listing->cli, import ? "  to synchronize" : "  to write",
		 "run %s %s", agent, import ? "delta-sync" : "export");
}

static int each_agent(struct listing *listing, const char *only,
		      struct error *err)
{
	struct session *session = listing->session;
	const char *name;
	uint32_t number;

	for (number = 1;
	     (name = store_name(session->store, NAME_AGENT, number));
	     number++) {
		if (only && strcmp(only, name) != 0)
			continue;
		listing->count = 0;
		if (pending_scan(&session->display, listing->kind, number,
				 on_object, listing, err) < 0)
			return -1;
		print_end(listing, name);
	}
	return 0;
}

/* Counts one more of a list that has a title; true when it is printed. */
static bool to_print(struct listing *listing, const char *title)
{
	listing->count++;
	listing->total++;
	if (listing->cli->output.json ||
	    (listing->limit && listing->count > listing->limit))
		return false;
	if (listing->count == 1)
		(void)puts(title);
	return true;
}

static json_t *reference_json(const struct display_mv *object,
			      struct arena *arena)
{
	json_t *whole = show_mv_json(object, arena);
	json_t *json = json_object();

	(void)json_object_set_new(json, "mv", json_integer(object->id));
	(void)json_object_set_new(json, "type", json_of_text(object->type));
	(void)json_object_set(json, "connectors",
			      json_object_get(whole, "connectors"));
	json_decref(whole);
	return json;
}

static int on_reference(void *data, const struct display_mv *object)
{
	struct listing *listing = data;
	struct arena arena = ARENA_INIT;

	if (listing->cli->output.json)
		json_stream_add(&listing->stream,
				reference_json(object, &arena));
	if (to_print(listing, "metaverse objects with references that wait "
			      "for their target:"))
		(void)printf("  mv %lld  %s  %s\n", (long long)object->id,
			     object->type,
			     output_safe(show_title(&object->attrs), &arena));
	arena_release(&arena);
	return 0;
}

static json_t *due_json(const struct pending_due *due, const char *time,
			struct arena *arena)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "time", json_string(time));
	(void)json_object_set_new(json, "what", json_string(due->what));
	(void)json_object_set_new(json, "why", json_of_sv(due->row->why));
	if (due->is_cs) {
		(void)json_object_set_new(json, "agent",
					  json_string(due->cs.agent));
		(void)json_object_set_new(
			json, "id",
			json_string(display_cs_id(due->cs.id, arena)));
		(void)json_object_set_new(json, "dn", json_of_sv(due->cs.dn));
		(void)json_object_set_new(json, "anchor",
					  json_of_sv(due->cs.anchor));
	} else {
		(void)json_object_set_new(json, "mv", json_integer(due->mv.id));
		(void)json_object_set_new(json, "type",
					  json_string(due->mv.type));
		(void)json_object_set_new(
			json, "name", json_of_sv(show_title(&due->mv.attrs)));
	}
	return json;
}

static void print_due(const struct pending_due *due, const char *time,
		      struct arena *arena)
{
	if (due->is_cs)
		(void)printf("  %s  %s %s", time, due->cs.agent,
			     output_safe(show_name(&due->cs, arena), arena));
	else
		(void)printf("  %s  mv %lld %s", time, (long long)due->mv.id,
			     output_safe(show_title(&due->mv.attrs), arena));
	(void)printf("  %s: %s\n", due->what,
		     output_safe(due->row->why, arena));
}

static int on_due(void *data, const struct pending_due *due)
{
	struct listing *listing = data;
	struct arena arena = ARENA_INIT;
	char time[40];

	clock_format_iso(due->row->time, time);
	if (listing->cli->output.json)
		json_stream_add(&listing->stream, due_json(due, time, &arena));
	if (to_print(listing, "looked at again by itself:"))
		print_due(due, time, &arena);
	arena_release(&arena);
	return 0;
}

static int on_hold(void *data, const struct display_hold *hold)
{
	struct listing *listing = data;
	struct arena arena = ARENA_INIT;

	if (listing->cli->output.json)
		json_stream_add(&listing->stream, show_hold_json(hold, &arena));
	if (to_print(listing, "held, nothing is exported to them:"))
		show_hold(hold, &arena);
	arena_release(&arena);
	return 0;
}

/* Begins a list of one agent, or of all with NULL; returns its number or 0. */
static uint32_t begin_list(struct listing *listing, const char *name,
			   const char *agent)
{
	listing->count = 0;
	if (listing->cli->output.json)
		json_stream_list(&listing->stream, name);
	return agent ? store_name_find(listing->session->store, NAME_AGENT,
				       sv_from(agent))
		     : 0;
}

static int list_due(struct listing *listing, const char *agent,
		    struct error *err)
{
	uint32_t number = begin_list(listing, "due", agent);

	return pending_due(&listing->session->display, number, on_due, listing,
			   err);
}

static int list_held(struct listing *listing, const char *agent,
		     struct error *err)
{
	uint32_t number = begin_list(listing, "held", agent);

	if (holds_scan(&listing->session->display, number, on_hold, listing,
		       err) < 0)
		return -1;
	if (listing->count && !listing->cli->output.json)
		cli_hint(listing->cli, "  to end that", "release %s DN|--all",
			 agent ? agent : "AGENT");
	return 0;
}

static int list_all(struct listing *listing, const char *agent,
		    struct error *err)
{
	const struct args *args = &listing->cli->args;
	bool imports = args_has(args, "imports");
	bool exports = args_has(args, "exports");
	bool references = args_has(args, "references");
	bool due = args_has(args, "due");
	bool held = args_has(args, "held");
	bool all = !imports && !exports && !references && !due && !held;
	bool json = listing->cli->output.json;
	static const char *const names[] = { "imports", "exports" };
	int kind;

	for (kind = PENDING_IMPORTS; kind <= PENDING_EXPORTS; kind++) {
		if (!all && !(kind == PENDING_IMPORTS ? imports : exports))
			continue;
		listing->kind = (enum pending_kind)kind;
		if (json)
			json_stream_list(&listing->stream, names[kind]);
		if (each_agent(listing, agent, err) < 0)
			return -1;
	}
	if ((all || held) && list_held(listing, agent, err) < 0)
		return -1;
	if (due && list_due(listing, agent, err) < 0)
		return -1;
	if (!references && (!all || agent))
		return 0;
	listing->count = 0;
	if (json)
		json_stream_list(&listing->stream, "references");
	return pending_references(&listing->session->display, on_reference,
				  listing, err);
}

static enum run_exit list(struct session *session)
{
	struct cli *cli = session->cli;
	struct listing listing = { .session = session, .cli = cli };
	const char *agent = cli_word(cli, 0);
	struct error err = ERROR_INIT;
	uint32_t number;
	int ret;

	if (agent && session_agent_number(session, agent, &number) < 0)
		return RUN_USAGE;
	if (cli->output.terminal && !cli->output.json)
		listing.limit = TERMINAL_LIMIT;
	if (args_number(&cli->args, "limit", &listing.limit, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (store_read_begin(session->store, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (cli->output.json)
		json_stream_begin(&listing.stream, &cli->output);
	ret = list_all(&listing, agent, &err);
	store_read_end(session->store);
	if (cli->output.json)
		json_stream_end(&listing.stream, false,
				ret < 0 ? cli_error_json(&err) : NULL);
	else if (ret < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	else if (!listing.total && !cli->output.quiet)
		(void)puts("nothing is pending");
	return ret < 0 ? RUN_FAILED : RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = list(&session);
	session_close(&session);
	return exit;
}

const struct command command_pending = {
	.name = "pending",
	.usage = "[AGENT]",
	.help = "staged imports and exports, attribute by attribute",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
