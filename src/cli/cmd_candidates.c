/*
 * cmd_candidates.c - `conjoin candidates`: whom disconnectors may be, and links
 * that the join rules would make differently now
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/matches.h"
#include "inspect/candidates.h"

#include <string.h>

#define TERMINAL_LIMIT 100

static const struct option_def options[] = {
	{ "review", NULL, false,
	  "try the join rules of objects that are linked already" },
	{ "bulk", NULL, false,
	  "all disconnectors of the agent, as a CSV list for 'join --from'" },
	{ "min-score", "N", false,
	  "candidates of at least this score, 1 to 100; with --bulk: 60" },
	{ "accept", "N", false,
	  "with --bulk: mark lines of at least this score that nobody else "
	  "equals" },
	{ "all", NULL, false,
	  "look at the whole metaverse, also when a join rule finds somebody" },
	{ "limit", "N", false,
	  "at most N candidates (default: 5), or with --review N links "
	  "(default on a terminal: 100; 0: all)" },
	{ NULL, NULL, false, NULL },
};

struct listing {
	struct session *session;
	struct cli *cli;
	int64_t limit; /* 0: none */
	int64_t count;
	struct json_stream stream;
};

/* --- one link ---------------------------------------------------------- */

static json_t *candidate_json(const struct candidate *candidate)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "mv", json_integer(candidate->mv));
	(void)json_object_set_new(json, "title", json_of_sv(candidate->title));
	return json;
}

static json_t *link_json(const struct candidates_link *link,
			 struct arena *arena)
{
	json_t *json = json_object();
	json_t *found = json_array();
	size_t i;

	for (i = 0; i < link->found_count; i++)
		(void)json_array_append_new(found,
					    candidate_json(&link->found[i]));
	(void)json_object_set_new(json, "agent", json_of_text(link->agent));
	(void)json_object_set_new(json, "id",
				  json_of_text(display_cs_id(link->cs, arena)));
	(void)json_object_set_new(json, "dn", json_of_sv(link->dn));
	(void)json_object_set_new(json, "anchor", json_of_sv(link->anchor));
	(void)json_object_set_new(json, "rule_set",
				  json_of_text(link->rule_set));
	(void)json_object_set_new(json, "linked",
				  candidate_json(&link->linked));
	(void)json_object_set_new(json, "how", json_of_text(link->how));
	(void)json_object_set_new(
		json, "since", json_of_text(output_time(link->since, arena)));
	(void)json_object_set_new(json, "finding", json_of_text(link->finding));
	(void)json_object_set_new(json, "rule", json_of_text(link->rule));
	(void)json_object_set_new(json, "candidates", found);
	(void)json_object_set_new(json, "message", json_of_text(link->message));
	return json;
}

static void print_candidate(const struct candidate *candidate,
			    struct arena *arena)
{
	(void)printf(" mv %lld%s%s", (long long)candidate->mv,
		     candidate->title.len ? " " : "",
		     output_safe(candidate->title, arena));
}

static void print_finding(const struct candidates_link *link,
			  struct arena *arena)
{
	size_t i;

	if (!strcmp(link->finding, "none"))
		(void)printf("    its rules find no metaverse object");
	else if (!strcmp(link->finding, "error"))
		(void)printf("    its rules fail: %s",
			     output_safe(sv_from(link->message), arena));
	else if (!strcmp(link->finding, "other"))
		(void)printf("    would join");
	else
		(void)printf("    its rules find several:");
	for (i = 0; i < link->found_count; i++) {
		(void)printf("%s", i ? "," : "");
		print_candidate(&link->found[i], arena);
	}
	(void)printf("%s%s\n", link->rule ? "  " : "",
		     link->rule ? link->rule : "");
}

static int on_link(void *data, const struct candidates_link *link)
{
	struct listing *listing = data;
	struct arena arena = ARENA_INIT;
	struct sv name = link->dn.len ? link->dn : link->anchor;

	listing->count++;
	if (listing->cli->output.json) {
		json_stream_add(&listing->stream, link_json(link, &arena));
	} else if (!listing->limit || listing->count <= listing->limit) {
		(void)printf("%s %s  %s with", link->agent,
			     output_safe(name, &arena), link->how);
		print_candidate(&link->linked, &arena);
		(void)printf(", %s\n", output_time(link->since, &arena));
		print_finding(link, &arena);
	}
	arena_release(&arena);
	return 0;
}

/* --- the command ------------------------------------------------------- */

static int review(struct listing *listing, const struct config_agent *only,
		  struct error *err)
{
	const struct config *config = listing->session->config;
	size_t i;

	for (i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];

		if ((!only || only == agent) &&
		    candidates_review(&listing->session->display, agent,
				      on_link, listing, err) < 0)
			return -1;
	}
	return 0;
}

static void print_end(const struct listing *listing)
{
	if (listing->limit && listing->count > listing->limit)
		(void)printf("... and %lld more; --limit N shows more\n",
			     (long long)(listing->count - listing->limit));
	else if (!listing->count && !listing->cli->output.quiet)
		(void)puts("the join rules would link everything as it is "
			   "linked");
}

static enum run_exit list(struct listing *listing,
			  const struct config_agent *only)
{
	struct cli *cli = listing->cli;
	struct error err = ERROR_INIT;
	int ret;

	if (cli->output.json) {
		json_stream_begin(&listing->stream, &cli->output);
		json_stream_list(&listing->stream, "links");
	}
	ret = review(listing, only, &err);
	if (cli->output.json)
		json_stream_end(&listing->stream, true,
				ret < 0 ? cli_error_json(&err) : NULL);
	else if (ret < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	else
		print_end(listing);
	return ret < 0 ? RUN_FAILED : RUN_OK;
}

static enum run_exit review_links(struct session *session,
				  const struct config_agent *only)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct listing listing = { .session = session, .cli = cli };

	listing.limit = cli->output.terminal ? TERMINAL_LIMIT : 0;
	if (args_number(&cli->args, "limit", &listing.limit, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	return list(&listing, only);
}

static enum run_exit choose(struct session *session)
{
	struct cli *cli = session->cli;
	bool bulk = args_has(&cli->args, "bulk");
	const char *name = cli_word(cli, 0);
	const struct config_agent *agent = NULL;

	if (!bulk && !args_has(&cli->args, "review"))
		return matches_show(session);
	if (cli_word(cli, 1))
		return cli_misuse(cli, "'--%s' does not take '%s'",
				  bulk ? "bulk" : "review", cli_word(cli, 1));
	if (name) {
		agent = session_agent(session, name);
		if (!agent)
			return RUN_USAGE;
	}
	return bulk ? matches_list(session, agent)
		    : review_links(session, agent);
}

static enum run_exit run(struct cli *cli)
{
	bool review_them = args_has(&cli->args, "review");
	bool bulk = args_has(&cli->args, "bulk");
	struct session session;
	enum run_exit exit;

	if (review_them && bulk)
		return cli_misuse(cli,
				  "--review and --bulk exclude each other");
	if (bulk && !cli_word(cli, 0))
		return cli_misuse(cli, "the disconnectors of which agent?");
	if (!review_them && !bulk && !cli_word(cli, 0))
		return cli_misuse(cli, "candidates for which object?");
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = choose(&session);
	session_close(&session);
	return exit;
}

const struct command command_candidates = {
	.name = "candidates",
	.usage = "AGENT DN|ANCHOR | --bulk AGENT | --review [AGENT]",
	.help = "whom disconnectors may be, with a score; links to review",
	.more = "Whom of the metaverse an object that is linked to nothing "
		"may be: by the clauses of its\njoin rules, and by names, "
		"mail addresses and telephone numbers that look alike. "
		"--bulk\nlists all of an agent for a person to mark with yes, "
		"and for 'join --from' to take.\n\n"
		"  conjoin candidates phone 105\n"
		"  conjoin candidates --bulk phone --accept 95 > list.csv\n\n"
		"--review: a link once made stays, whatever becomes of the values that "
		"it was made by. This tries the\njoin rules of each linked "
		"object again and lists those that they would join with "
		"another\nmetaverse object, with none, or with one of "
		"several. Nothing is changed.\n",
	.options = options,
	.min_words = 0,
	.max_words = 32,
	.run = run,
};
