/*
 * cmd_candidates.c - `conjoin candidates --review`: links that the join rules
 * would make differently now
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"
#include "inspect/candidates.h"

#include <string.h>

#define TERMINAL_LIMIT 100

static const struct option_def options[] = {
	{ "review", NULL, false,
	  "try the join rules of objects that are linked already" },
	{ "limit", "N", false,
	  "show at most N links; default on a terminal: 100; 0: all" },
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

static enum run_exit run(struct cli *cli)
{
	const struct config_agent *only = NULL;
	struct error err = ERROR_INIT;
	struct session session;
	struct listing listing = { .session = &session, .cli = cli };
	const char *name = cli_word(cli, 0);
	enum run_exit exit;

	listing.limit = cli->output.terminal ? TERMINAL_LIMIT : 0;
	if (args_number(&cli->args, "limit", &listing.limit, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (!args_has(&cli->args, "review"))
		return cli_misuse(cli, "'candidates' needs --review");
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	if (name)
		only = session_agent(&session, name);
	exit = name && !only ? RUN_USAGE : list(&listing, only);
	session_close(&session);
	return exit;
}

const struct command command_candidates = {
	.name = "candidates",
	.usage = "--review [AGENT]",
	.help = "links that the join rules would make differently now",
	.more = "A link once made stays, whatever becomes of the values that "
		"it was made by. This tries the\njoin rules of each linked "
		"object again and lists those that they would join with "
		"another\nmetaverse object, with none, or with one of "
		"several. Nothing is changed.\n",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
