/*
 * cmd_release.c - `conjoin release`: what was held after an undo is exported
 * again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"
#include "inspect/holds.h"
#include "sync/undo.h"

#include <string.h>

static const struct option_def options[] = {
	{ "all", NULL, false, "all objects that are held, or all of AGENT" },
	{ "run", "N", false, "those that are held since run N was undone" },
	{ "wait", "SECONDS", false,
	  "how long to wait for another run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

struct releasing {
	struct cli *cli;
	const char *object; /* or NULL: all */
	int64_t run;        /* or 0: of any */
	VEC(int64_t) ids;
	json_t *names;
};

static bool is_meant(const struct releasing *r, const struct display_hold *hold)
{
	const char *id = display_cs_id(hold->cs, &r->cli->arena);

	if (r->run && hold->run != r->run)
		return false;
	return !r->object || sv_ieq_str(hold->name, r->object) ||
	       !strcmp(id, r->object);
}

static int on_hold(void *data, const struct display_hold *hold)
{
	struct releasing *r = data;

	if (!is_meant(r, hold))
		return 0;
	vec_push(&r->ids, hold->cs);
	(void)json_array_append_new(r->names,
				    json_pack("{s:o, s:o, s:I}", "agent",
					      json_of_text(hold->agent),
					      "object", json_of_sv(hold->name),
					      "run", (json_int_t)hold->run));
	return 0;
}

static enum run_exit tell(struct releasing *r)
{
	struct cli *cli = r->cli;
	json_t *item;
	size_t i;

	if (cli->output.json) {
		output_json(&cli->output,
			    json_pack("{s:O}", "released", r->names));
		return RUN_OK;
	}
	if (cli->output.quiet)
		return RUN_OK;
	json_array_foreach(r->names, i, item)(void)
		printf("released: %s %s\n",
		       json_string_value(json_object_get(item, "agent")),
		       output_safe(sv_from(json_string_value(
					   json_object_get(item, "object"))),
				   &cli->arena));
	cli_hint(cli, "what is due goes out with the next", "cycle");
	return RUN_OK;
}

static enum run_exit release(struct session *session, struct releasing *r,
			     const char *agent)
{
	struct error err = ERROR_INIT;
	uint32_t number = 0;

	if (agent && session_agent_number(session, agent, &number) < 0)
		return RUN_USAGE;
	if (holds_scan(&session->display, number, on_hold, r, &err) < 0)
		return cli_fail(r->cli, &err);
	if (!r->ids.len && r->object) {
		(void)error_set(&err, ERR_NOTFOUND,
				"'%s' of '%s' is not held; see what is with: "
				"conjoin pending",
				r->object, agent);
		return cli_fail(r->cli, &err);
	}
	if (sync_release_holds(session->store, r->ids.at, r->ids.len, &err) < 0)
		return cli_fail(r->cli, &err);
	return tell(r);
}

static enum run_exit run(struct cli *cli)
{
	struct releasing r = { .cli = cli,
			       .object = cli_word(cli, 1),
			       .names = json_array() };
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit;
	bool all = args_has(&cli->args, "all") || args_has(&cli->args, "run");

	if (args_number(&cli->args, "run", &r.run, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (all == (r.object != NULL))
		return cli_misuse(cli, "say which: AGENT and a DN or anchor, "
				       "'--all' or '--run N'");
	exit = session_open(&session, cli, SESSION_RUN, "release");
	if (exit == RUN_OK) {
		exit = release(&session, &r, cli_word(cli, 0));
		session_close(&session);
	}
	vec_release(&r.ids);
	json_decref(r.names);
	return exit;
}

const struct command command_release = {
	.name = "release",
	.usage = "AGENT DN|ANCHOR | [AGENT] --all | [AGENT] --run N",
	.help = "end what 'undo' holds: the rules' changes are exported again",
	.more = "What a run wrote and 'undo' took back is not written again "
		"until the rules want something\nelse. This ends that by hand: "
		"the next synchronization asks the rules, and what they\nwant "
		"is exported.\n",
	.options = options,
	.min_words = 0,
	.max_words = 2,
	.run = run,
};
