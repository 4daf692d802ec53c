/*
 * plan_give.c - a plan is made as the options say: kept, shown, on a page
 *
 * What `plan` and `undo` share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/seal.h"
#include "cli/cleanup_plan.h"
#include "cli/planning.h"

#include <string.h>

#define set json_object_set_new

#define TERMINAL_LIMIT 100
#define PAGE_LIMIT     1000

/* ---- its head ---- */

static void fill_head(const struct planning *planning, const char *agent,
		      json_t *head)
{
	struct session *session = planning->session;
	struct cli *cli = session->cli;
	unsigned char uuid[16];
	char id[37];

	uuid_random(uuid);
	uuid_format(uuid, id);
	(void)set(head, "conjoin-plan", json_integer(PLAN_FORMAT));
	(void)set(head, "id", json_string(id));
	(void)set(head, "store",
		  json_of_text(plan_store_id(session->store, &cli->arena)));
	(void)set(head, "rules",
		  json_of_text(plan_rules_id(session->config, &cli->arena)));
	(void)set(
		head, "time",
		json_of_text(output_time(planning->options.now, &cli->arena)));
	(void)set(head, "now", json_integer(planning->options.now));
	(void)set(head, "user", json_of_text(run_user(&planning->options)));
	/* an undo is of whom its run was */
	(void)set(head, "agent",
		  planning->undo ? json_null() : json_of_text(agent));
	if (planning->undo)
		(void)set(head, "undo", json_integer(planning->undo));
	(void)set(head, "import", json_boolean(planning->imports));
	if (planning->cleanup)
		cleanup_plan_head(planning->cleanup, head);
}

/* What random values are made from lies sealed in the file. */
static int keep_seed(struct session *session, struct planning *planning,
		     json_t *head, struct error *err)
{
	struct strbuf text = STRBUF_INIT(4096);
	struct seal seal = { .key = secrets_seal_key,
			     .data = &session->secrets };
	struct sv sealed;
	int ret = seal_close(
		&seal,
		sv_make((const char *)planning->seed, sizeof(planning->seed)),
		&session->cli->arena, &sealed, err);

	if (ret == 0) {
		strbuf_add_base64(&text, sealed);
		(void)set(head, "seed", json_of_sv(strbuf_sv(&text)));
	}
	seal_release(&seal);
	strbuf_release(&text);
	return ret;
}

static void warn_of_size(struct session *session,
			 struct plan_document *document)
{
	struct arena *arena = &session->cli->arena;
	const char *why = planning_exceeds(document, session->config, arena);

	if (why)
		(void)json_array_append_new(
			document->warnings,
			json_of_text(arena_printf(arena,
						  "somebody has to approve "
						  "it, since %s",
						  why)));
}

/* ---- shown ---- */

enum run_exit planning_showing(struct cli *cli, struct plan_showing *out)
{
	const struct args *args = &cli->args;
	bool given = args_has(args, "limit");
	struct error err = ERROR_INIT;

	memset(out, 0, sizeof(*out));
	out->html = args_value(args, "html");
	out->ldif = args_value(args, "ldif");
	out->view.cause = args_value(args, "cause");
	if (args_number(args, "limit", &out->view.limit, &err) < 0 ||
	    args_number(args, "offset", &out->view.offset, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	out->page = out->view;
	if (!given)
		out->page.limit = PAGE_LIMIT;
	if (!given && cli->output.terminal && !cli->output.json)
		out->view.limit = TERMINAL_LIMIT;
	return RUN_OK;
}

int planning_show(struct cli *cli, struct plan_document *document,
		  const struct plan_showing *showing, struct error *err)
{
	if (showing->html &&
	    plan_write_html(document, showing->html, &showing->page, err) < 0)
		return -1;
	if (showing->ldif && plan_write_ldif(document, showing->ldif, err) < 0)
		return -1;
	return cli->output.json
		       ? plan_print_json(cli, document, &showing->view, err)
		       : plan_print(cli, document, &showing->view, err);
}

/* Lines that nobody is going to read are not written. */
static int64_t lines_to_keep(const struct cli *cli,
			     const struct plan_showing *showing)
{
	const struct plan_view *view = &showing->view;

	if (args_value(&cli->args, "out") || showing->html || showing->ldif ||
	    view->cause || !view->limit)
		return -1;
	return view->offset + view->limit;
}

/* ---- made ---- */

static enum run_exit write_plan(struct session *session,
				struct planning *planning, const char *agent,
				const struct plan_showing *showing,
				struct plan_document *document,
				struct error *err)
{
	const char *out = args_value(&session->cli->args, "out");
	struct plan_collector how = {
		.agent = agent,
		.keep = lines_to_keep(session->cli, showing),
	};
	enum run_exit exit = RUN_FAILED;

	if (plan_writer_open(document, session->store, out, &how.writer, err) ==
	    0)
		exit = planning_run(planning, &how, document, err);
	if (exit <= RUN_ERRORS) {
		warn_of_size(session, document);
		if (plan_writer_commit(how.writer, err) < 0)
			exit = RUN_FAILED;
	}
	plan_writer_free(how.writer);
	return exit;
}

enum run_exit planning_give(struct planning *planning, const char *agent,
			    const struct plan_showing *showing,
			    struct plan_document *document)
{
	struct session *session = planning->session;
	struct cli *cli = session->cli;
	const char *out = args_value(&cli->args, "out");
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_FAILED;

	planning->options.now = clock_now();
	random_bytes(planning->seed, sizeof(planning->seed));
	fill_head(planning, agent, document->head);
	if (!out || keep_seed(session, planning, document->head, &err) == 0)
		exit = write_plan(session, planning, agent, showing, document,
				  &err);
	if (exit <= RUN_ERRORS &&
	    planning_show(cli, document, showing, &err) < 0)
		exit = RUN_FAILED;
	if (exit > RUN_ERRORS)
		(void)cli_fail_as(cli, exit, &err);
	else if (out && !cli->output.json)
		cli_hint(cli, "to write exactly this", "apply %s",
			 cli_quote(cli, out));
	return exit;
}
