/*
 * cmd_plan.c - `conjoin plan`: what the next cycle would write; writes nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/connectors.h"
#include "cli/planning.h"

#include <string.h>

static const struct option_def options[] = {
	{ "import", NULL, false,
	  "import anew first; without it the plan stands on what was imported "
	  "last" },
	{ "rules", "FOLDER", false,
	  "as if the configuration of this folder were the live one" },
	{ "out", "FILE", false, "keep the plan, for 'apply'" },
	{ "html", "FILE", false, "a page for who is to decide" },
	{ "ldif", "FILE", false, "the changes as LDIF" },
	{ "by", "NAME", false, "with 'approve': who approves" },
	{ "limit", "N", false,
	  "show at most N objects; default on a terminal: 100, on a page: "
	  "1000; 0: all" },
	{ "offset", "N", false, "pass over the first N" },
	{ "cause", "TEXT", false, "show those with this cause" },
	{ NULL, NULL, false, NULL },
};

/* --- made -------------------------------------------------------------- */

static enum run_exit make(struct session *session, const char *agent,
			  const struct plan_showing *showing)
{
	struct plan_document document;
	struct planning planning;
	enum run_exit exit;

	plan_document_init(&document);
	planning_init(&planning, session);
	planning.imports = args_has(&session->cli->args, "import");
	exit = planning_give(&planning, agent, showing, &document);
	planning_release(&planning);
	plan_document_release(&document);
	return exit;
}

/* The rules of another folder over this one's store and files: paths in them
 * are as if they stood here. */
static int take_rules(struct session *session, const char *folder,
		      struct error *err)
{
	const struct config_options with = { connectors, NULL, 0 };
	struct cli *cli = session->cli;
	struct config *other;

	if (config_load(folder, &with, &other, err) < 0)
		return -1;
	if (other->error_count) {
		session_print_problems(cli, other, stderr);
		config_free(other);
		return error_set(err, ERR_INVALID,
				 "the configuration in '%s' has errors; see "
				 "them with: conjoin check --folder %s",
				 folder, folder);
	}
	other->store = arena_cstr(&cli->arena, sv_from(session->config->store));
	other->folder =
		arena_cstr(&cli->arena, sv_from(session->config->folder));
	config_free(session->config);
	session->config = other;
	return 0;
}

static enum run_exit plan(struct cli *cli)
{
	const char *rules = args_value(&cli->args, "rules");
	const char *agent = cli_word(cli, 0);
	struct plan_showing showing;
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit = planning_showing(cli, &showing);

	if (exit == RUN_OK)
		exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	if (exit != RUN_OK)
		return exit;
	if (rules && take_rules(&session, rules, &err) < 0) {
		exit = cli_fail_as(cli, RUN_USAGE, &err);
		session_close(&session);
		return exit;
	}
	if (agent && !session_agent(&session, agent)) {
		session_close(&session);
		return RUN_USAGE;
	}
	exit = session_open_store(&session, SESSION_OVER, "plan");
	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	exit = make(&session, agent, &showing);
	session_close(&session);
	return exit;
}

/* --- approve ----------------------------------------------------------- */

static int keep_approval(struct session *session,
			 const struct plan_document *document, const char *by,
			 struct error *err)
{
	const struct run_options nobody = { .user = NULL };
	struct arena *arena = &session->cli->arena;
	struct store_tx *tx;
	const char *text = arena_printf(arena, "%s (%s) at %s", by,
					run_user(&nobody),
					output_time(clock_now(), arena));

	if (store_begin(session->store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (store_meta_set(tx, planning_meta(document, "approved", arena),
			   sv_from(text), err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static enum run_exit approve(struct cli *cli)
{
	const char *by = args_value(&cli->args, "by");
	const char *path = cli_word(cli, 1);
	struct plan_document document;
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit;

	if (!path || !by)
		return cli_misuse(cli, "'plan approve' needs FILE and "
				       "'--by NAME'");
	exit = session_open(&session, cli, SESSION_WRITE, NULL);
	if (exit != RUN_OK)
		return exit;
	plan_document_init(&document);
	exit = planning_read(&session, path, &document);
	if (exit == RUN_OK && keep_approval(&session, &document, by, &err) < 0)
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	if (exit == RUN_OK && cli->output.json)
		output_json(&cli->output,
			    json_pack("{s:O, s:o}", "id",
				      json_object_get(document.head, "id"),
				      "approved_by", json_of_text(by)));
	else if (exit == RUN_OK && !cli->output.quiet)
		(void)printf("approved by %s\n",
			     output_safe(sv_from(by), &cli->arena));
	plan_document_release(&document);
	session_close(&session);
	return exit;
}

/* --- show -------------------------------------------------------------- */

static enum run_exit show_file(struct cli *cli)
{
	const char *path = cli_word(cli, 1);
	struct plan_document document;
	struct plan_showing showing;
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit;

	if (!path)
		return cli_misuse(cli, "'plan show' needs FILE");
	exit = planning_showing(cli, &showing);
	if (exit == RUN_OK)
		exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	plan_document_init(&document);
	exit = planning_read(&session, path, &document);
	if (exit == RUN_OK && planning_show(cli, &document, &showing, &err) < 0)
		exit = cli_fail_as(cli, RUN_FAILED, &err);
	plan_document_release(&document);
	session_close(&session);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	const char *word = cli_word(cli, 0);

	if (word && !strcmp(word, "approve"))
		return approve(cli);
	if (word && !strcmp(word, "show"))
		return show_file(cli);
	if (cli_word(cli, 1))
		return cli_misuse(cli, "there is one agent at most");
	return plan(cli);
}

const struct command command_plan = {
	.name = "plan",
	.usage = "[AGENT] | show FILE | approve FILE --by NAME",
	.help = "what the next cycle would write, and why; writes nothing",
	.more = "Synchronizes all agents over the store as it is now, in a "
		"place that keeps nothing,\nand lists what exports would write "
		"then: what changes, from what, because of what, by\nwhich "
		"rule. Runs that go on are not disturbed. With --out it is "
		"kept, and 'apply' writes\nexactly that.\n",
	.options = options,
	.min_words = 0,
	.max_words = 2,
	.run = run,
};
