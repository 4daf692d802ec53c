/*
 * cmd_history.c - `conjoin history`: what happened to an object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/events.h"
#include "cli/moment.h"
#include "cli/tell.h"

#include <string.h>

#define TERMINAL_LIMIT 50

static const struct option_def options[] = {
	{ "since", "TIME", false,
	  "no older than: 2026-01-31, 2026-01-31T18:00:00Z, or '7 days'" },
	{ "limit", "N", false,
	  "the newest N; default on a terminal: 50; 0: all" },
	{ NULL, NULL, false, NULL },
};

struct listing {
	struct cli *cli;
	struct history_query query;
	struct json_stream stream;
	int64_t count;
};

static int on_event(void *data, const struct history_event *event)
{
	struct listing *listing = data;
	struct arena arena = ARENA_INIT;

	listing->count++;
	if (listing->cli->output.json)
		json_stream_add(&listing->stream, event_json(event, &arena));
	else
		event_print(listing->cli, event, false);
	arena_release(&arena);
	return 0;
}

static int read_options(struct listing *listing, struct error *err)
{
	struct cli *cli = listing->cli;
	const char *since = args_value(&cli->args, "since");

	if (since && moment_read(since, &listing->query.since, err) < 0)
		return -1;
	if (!cli->output.json && cli->output.terminal)
		listing->query.limit = TERMINAL_LIMIT;
	return args_number(&cli->args, "limit", &listing->query.limit, err);
}

/* "mv 17", "mv GUID", "GUID", also of an object that is gone: 1, 0, -1 */
static int find_past(struct session *session, struct subject *out,
		     size_t *used_out, struct error *err)
{
	struct cli *cli = session->cli;
	bool named = !strcmp(cli_word(cli, 0), "mv") && cli_word(cli, 1);
	const char *word = cli_word(cli, named ? 1 : 0);
	int64_t number;
	int ret;

	if (!named && sv_to_i64(sv_from(word), &number))
		return 0;
	ret = history_find(&session->display, sv_from(word), &out->mv, err);
	out->cs = 0;
	*used_out = named ? 2 : 1;
	return ret;
}

/* An object of an agent stands for its metaverse object. */
static int find_subject(struct session *session, struct subject *out,
			size_t *used_out, struct error *err)
{
	struct cli *cli = session->cli;
	struct link_row link;
	int ret = find_past(session, out, used_out, err);

	if (ret)
		return ret < 0 ? -1 : 0;
	if (subject_find(&session->display, cli->args.words.at,
			 cli->args.words.len, &cli->arena, out, used_out,
			 err) < 0)
		return -1;
	if (!out->cs)
		return 0;
	ret = store_link_get(session->store, out->cs, &link, err);
	if (ret > 0 && link.mv)
		*out = (struct subject){ .mv = link.mv };
	return ret < 0 ? -1 : 0;
}

/* The word behind the object, or none. */
static int read_attr(struct session *session, struct listing *listing,
		     size_t used, struct error *err)
{
	struct cli *cli = session->cli;
	const char *name = cli_word(cli, used);
	const char *known;
	uint32_t i;

	if (!name)
		return 0;
	if (cli_word(cli, used + 1))
		return error_set(err, ERR_INVALID,
				 "'%s' is one word too many: the object is "
				 "followed by one attribute",
				 cli_word(cli, used + 1));
	for (i = 1; (known = store_attr_name(session->store, i)); i++)
		if (sv_ieq_str(sv_from(name), known)) {
			listing->query.attr = sv_from(name);
			return 0;
		}
	return error_set(err, ERR_INVALID, "no attribute '%s'", name);
}

static void print_object(struct session *session, const struct subject *object)
{
	struct cli *cli = session->cli;
	struct sv label = object->mv
				  ? subject_mv_label(&session->display,
						     object->mv, &cli->arena)
				  : subject_cs_label(&session->display,
						     object->cs, &cli->arena);

	if (!cli->output.quiet)
		tell_heading(cli, output_safe(label, &cli->arena));
}

static int list(struct session *session, struct listing *listing,
		const struct subject *object, struct error *err)
{
	struct cli *cli = session->cli;
	int ret;

	if (cli->output.json) {
		json_stream_begin(&listing->stream, &cli->output);
		json_stream_list(&listing->stream, "events");
	} else {
		print_object(session, object);
	}
	ret = history_of(&session->display, object, &listing->query, on_event,
			 listing, err);
	if (cli->output.json)
		json_stream_end(&listing->stream, true,
				ret < 0 ? cli_error_json(err) : NULL);
	else if (ret >= 0 && !listing->count)
		(void)puts("nothing is kept of what happened to it");
	if (ret > 0 && !cli->output.json)
		(void)printf("the newest %lld; --limit N shows more\n",
			     (long long)listing->query.limit);
	return ret;
}

static enum run_exit show(struct session *session)
{
	struct cli *cli = session->cli;
	struct listing listing = { .cli = cli };
	struct error err = ERROR_INIT;
	struct subject object = { 0, 0 };
	size_t used = 0;

	if (read_options(&listing, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (find_subject(session, &object, &used, &err) < 0 ||
	    read_attr(session, &listing, used, &err) < 0)
		return cli_fail(cli, &err);
	if (list(session, &listing, &object, &err) < 0)
		return cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	if (store_read_begin(session.store, &err) < 0) {
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	} else {
		exit = show(&session);
		store_read_end(session.store);
	}
	session_close(&session);
	return exit;
}

const struct command command_history = {
	.name = "history",
	.usage = "OBJECT [ATTR] [--since TIME]",
	.help = "what happened to an object: values, links, exports, by which "
		"run",
	.more = "The newest first, with the rule set that gave each value. "
		"OBJECT is AGENT ANCHOR-OR-DN,\nmv ID, a GUID, or a clause that "
		"finds exactly one; mv ID and a GUID also find one that\nis "
		"gone. Changes are kept as long as 'history: { changes: ... }' "
		"in conjoin.yaml says.\n\n"
		"  conjoin history hr 1001\n"
		"  conjoin history employeeID=1001 title --since '30 days'\n",
	.options = options,
	.min_words = 1,
	.max_words = 8,
	.run = run,
};
