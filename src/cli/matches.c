/*
 * matches.c - `conjoin candidates`: whom disconnectors may be
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/matches.h"

#include "cli/csv_out.h"
#include "inspect/matches.h"
#include "inspect/subject.h"

#include <string.h>

#define set json_object_set_new

/* --- one object -------------------------------------------------------- */

static json_t *match_json(const struct match *match, struct arena *arena)
{
	json_t *json = json_object();

	(void)set(json, "mv", json_integer(match->mv));
	(void)set(json, "type", json_of_text(match->type));
	(void)set(json, "title", json_of_sv(match->title));
	(void)set(json, "score", json_integer(match->score));
	(void)set(json, "reasons", json_of_text(match->reasons));
	(void)set(json, "taken_by",
		  match->taken_by
			  ? json_of_text(display_cs_id(match->taken_by, arena))
			  : json_null());
	return json;
}

static json_t *object_json(const struct match_object *object,
			   struct arena *arena)
{
	json_t *json = json_object();
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < object->match_count; i++)
		(void)json_array_append_new(
			list, match_json(&object->matches[i], arena));
	(void)set(json, "agent", json_of_text(object->agent));
	(void)set(json, "id", json_of_text(display_cs_id(object->cs, arena)));
	(void)set(json, "dn", json_of_sv(object->dn));
	(void)set(json, "anchor", json_of_sv(object->anchor));
	(void)set(json, "title", json_of_sv(object->title));
	(void)set(json, "rule_set", json_of_text(object->rule_set));
	(void)set(json, "candidates", list);
	return json;
}

static struct sv name_of(const struct match_object *object)
{
	return object->dn.len ? object->dn : object->anchor;
}

static void print_object(struct session *session,
			 const struct match_object *object)
{
	struct cli *cli = session->cli;
	struct arena *arena = &cli->arena;
	size_t i;

	(void)printf("%s %s  %s\n", object->agent,
		     output_safe(name_of(object), arena),
		     output_safe(object->title, arena));
	for (i = 0; i < object->match_count; i++) {
		const struct match *match = &object->matches[i];

		(void)printf("  %3d  mv %lld  %s  %s  (%s)", match->score,
			     (long long)match->mv, match->type,
			     output_safe(match->title, arena), match->reasons);
		if (match->taken_by)
			(void)printf(
				"  has %s",
				output_safe(subject_cs_label(&session->display,
							     match->taken_by,
							     arena),
					    arena));
		(void)puts("");
	}
	if (!object->match_count)
		(void)puts("  nobody of the metaverse looks like it");
	else if (!object->matches[0].taken_by)
		cli_hint(cli, "to join it with the first", "join %s %s mv %lld",
			 cli_quote(cli, object->agent),
			 cli_quote(cli, output_safe(name_of(object), arena)),
			 (long long)object->matches[0].mv);
}

static int find(struct session *session, struct subject *out, struct error *err)
{
	struct cli *cli = session->cli;
	size_t used;

	if (subject_find(&session->display, cli->args.words.at,
			 cli->args.words.len, &cli->arena, out, &used, err) < 0)
		return -1;
	if (!out->cs)
		return error_set(err, ERR_INVALID,
				 "candidates are for an object of an agent's "
				 "connector space, as in: conjoin candidates "
				 "hr 1004");
	if (used < cli->args.words.len)
		return error_set(err, ERR_INVALID,
				 "'candidates' does not take '%s'",
				 cli_word(cli, used));
	return 0;
}

#define MOST 5

enum run_exit matches_show(struct session *session)
{
	struct cli *cli = session->cli;
	const struct config_agent *agent;
	struct error err = ERROR_INIT;
	struct match_object object;
	struct subject subject;
	int64_t most = MOST;
	int64_t least = 1;

	if (find(session, &subject, &err) < 0)
		return cli_fail(cli, &err);
	agent = session_agent(session, store_name(session->store, NAME_AGENT,
						  CS_AGENT(subject.cs)));
	if (!agent)
		return RUN_USAGE;
	if (args_number(&cli->args, "limit", &most, &err) < 0 ||
	    args_number(&cli->args, "min-score", &least, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (matches_of(&session->display, agent, subject.cs,
		       args_has(&cli->args, "all"), (size_t)most, (int)least,
		       &cli->arena, &object, &err) < 0)
		return cli_fail(cli, &err);
	if (cli->output.json)
		output_json(&cli->output, object_json(&object, &cli->arena));
	else
		print_object(session, &object);
	return RUN_OK;
}

/* --- all of an agent --------------------------------------------------- */

struct listing {
	struct cli *cli;
	int64_t accept; /* 101: none is marked */
	int64_t count;
	struct csv_out csv;
	struct json_stream stream;
	struct error *err;
};

static const char *const titles[] = { "join",    "score", "agent", "id",
				      "object",  "title", "mv",    "mv title",
				      "reasons", "others" };
#define COLUMNS (sizeof(titles) / sizeof(*titles))

/* Marked when it is good enough and nobody else comes near. */
static bool accepted(const struct listing *listing,
		     const struct match_object *object)
{
	if (object->matches[0].score < listing->accept)
		return false;
	return object->match_count < 2 ||
	       object->matches[1].score < object->matches[0].score;
}

static struct sv others(const struct match_object *object, struct arena *arena)
{
	struct sv text = SV_LIT("");
	size_t i;

	for (i = 1; i < object->match_count; i++)
		text = sv_from(arena_printf(
			arena, SV_FMT "%smv %lld " SV_FMT " (%d)", SV_ARG(text),
			i > 1 ? "; " : "", (long long)object->matches[i].mv,
			SV_ARG(object->matches[i].title),
			object->matches[i].score));
	return text;
}

static int on_object(void *data, const struct match_object *object)
{
	struct listing *listing = data;
	const struct match *best = &object->matches[0];
	struct arena arena = ARENA_INIT;
	int ret = 0;

	listing->count++;
	if (listing->cli->output.json) {
		json_stream_add(&listing->stream, object_json(object, &arena));
	} else {
		const struct sv fields[COLUMNS] = {
			accepted(listing, object) ? SV_LIT("yes") : SV_LIT(""),
			sv_from(arena_printf(&arena, "%d", best->score)),
			sv_from(object->agent),
			sv_from(display_cs_id(object->cs, &arena)),
			name_of(object),
			object->title,
			sv_from(arena_printf(&arena, "%lld",
					     (long long)best->mv)),
			best->title,
			sv_from(best->reasons),
			others(object, &arena),
		};

		ret = csv_out_row(&listing->csv, fields, COLUMNS, listing->err);
	}
	arena_release(&arena);
	return ret;
}

#define LEAST 60

static enum run_exit list(struct session *session,
			  const struct config_agent *agent,
			  struct listing *listing, int64_t least)
{
	struct cli *cli = session->cli;
	struct error *err = listing->err;
	int ret = 0;

	if (cli->output.json) {
		json_stream_begin(&listing->stream, &cli->output);
		json_stream_list(&listing->stream, "objects");
	} else {
		ret = csv_out_begin(&listing->csv, &cli->output, titles,
				    COLUMNS, err);
	}
	if (ret == 0)
		ret = matches_bulk(&session->display, agent, (int)least,
				   on_object, listing, err);
	if (cli->output.json)
		json_stream_end(&listing->stream, true,
				ret < 0 ? cli_error_json(err) : NULL);
	else if (csv_out_end(&listing->csv, err) < 0 || ret < 0)
		return cli_fail_as(cli, RUN_FAILED, err);
	return ret < 0 ? RUN_FAILED : RUN_OK;
}

enum run_exit matches_list(struct session *session,
			   const struct config_agent *agent)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct listing listing = { .cli = cli, .accept = 101, .err = &err };
	int64_t least = LEAST;

	if (args_number(&cli->args, "min-score", &least, &err) < 0 ||
	    args_number(&cli->args, "accept", &listing.accept, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	return list(session, agent, &listing, least);
}
