/*
 * joiner.c - from the words of a joiner's command to a run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

#include "cli/tell.h"
#include "inspect/subject.h"

#include <string.h>

#define set json_object_set_new

/* --- carry out --------------------------------------------------------- */

json_t *joiner_order_json(struct session *session,
			  const struct hand_order *order)
{
	const char *agent =
		store_name(session->store, NAME_AGENT, CS_AGENT(order->cs));
	json_t *json = json_object();

	(void)set(json, "agent", json_of_text(agent));
	(void)set(json, "id",
		  json_of_text(display_cs_id(order->cs, &session->cli->arena)));
	(void)set(json, "mv",
		  order->mv ? json_integer(order->mv) : json_null());
	(void)set(json, "done", json_boolean(order->done));
	(void)set(json, "counter", json_of_text(order->counter));
	(void)set(json, "why", json_of_text(order->why));
	return json;
}

enum run_exit joiner_run(struct session *session,
			 const struct config_agent *agent,
			 struct hand_order *orders, size_t count,
			 json_t **run_out, struct error *err)
{
	struct runner runner;
	enum run_exit exit;

	session_catch_interrupt();
	runner_init(&runner, session);
	exit = run_hand(session->store, session->config, agent, orders, count,
			&runner.options, &session->cli->arena, err);
	*run_out = json_incref(json_array_get(runner.runs, 0));
	runner_release(&runner);
	return exit;
}

static const char *done_text(struct session *session,
			     const struct hand_order *order)
{
	struct arena *arena = &session->cli->arena;
	struct sv object =
		subject_cs_label(&session->display, order->cs, arena);
	struct sv mv = subject_mv_label(&session->display, order->mv, arena);

	if (!order->counter)
		return arena_printf(arena, SV_FMT " was so already",
				    SV_ARG(object));
	switch (order->action) {
	case HAND_JOIN:
		return arena_printf(arena, SV_FMT " is joined with " SV_FMT,
				    SV_ARG(object), SV_ARG(mv));
	case HAND_PROJECT:
		return arena_printf(arena, SV_FMT " is projected as " SV_FMT,
				    SV_ARG(object), SV_ARG(mv));
	case HAND_DISCONNECT:
		return arena_printf(
			arena, SV_FMT " is disconnected%s", SV_ARG(object),
			strcmp(order->counter, "disconnected-remove-mv") != 0
				? ""
				: "; its metaverse object is deleted");
	case HAND_EXPLICIT:
		return arena_printf(arena, SV_FMT " is set explicit",
				    SV_ARG(object));
	case HAND_NORMAL:
		return arena_printf(arena,
				    SV_FMT " is the rules' again with the next "
					   "delta-sync",
				    SV_ARG(object));
	}
	return "";
}

static void print_done(struct session *session, struct hand_order *order)
{
	struct cli *cli = session->cli;

	if (order->done && !cli->output.quiet)
		(void)puts(output_safe(sv_from(done_text(session, order)),
				       &cli->arena));
	if (order->why && !order->done)
		(void)fprintf(stderr, "conjoin: %s\n",
			      output_safe(sv_from(order->why), &cli->arena));
	else if (order->why)
		cli_warn(cli, "%s", order->why);
}

static enum run_exit carry_out(struct session *session,
			       const struct config_agent *agent,
			       struct hand_order *order)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	json_t *document;
	enum run_exit exit =
		joiner_run(session, agent, order, 1, &document, &err);

	if (exit == RUN_FAILED && (!cli->output.json || !document)) {
		json_decref(document);
		return cli_fail_as(cli, exit, &err);
	}
	if (!cli->output.json) {
		print_done(session, order);
		json_decref(document);
		return exit;
	}
	if (exit == RUN_FAILED)
		(void)set(document, "error", cli_error_json(&err));
	(void)set(document, "objects",
		  json_pack("[o]", joiner_order_json(session, order)));
	output_json(&cli->output, document);
	return exit;
}

/* --- look first -------------------------------------------------------- */

/* Tells, or refuses what cannot be; RUN_OK: it can be done. */
static enum run_exit look(struct session *session,
			  const struct hand_order *order)
{
	const struct subject subject = { order->cs, 0 };
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct subject_view view;
	struct preview preview;
	enum run_exit exit = RUN_OK;

	if (subject_load(&session->display, &subject, &cli->arena, &view,
			 &err) < 0 ||
	    preview_hand(&session->display, order, &cli->arena, &preview,
			 &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (preview.failed && !preview.partly) {
		bool refused = sv_eq_str(preview.code, "rule-error");
		struct sv name = subject_cs_label(&session->display, order->cs,
						  &cli->arena);

		(void)error_set(&err, ERR_INVALID,
				SV_FMT ": " SV_FMT "%s" SV_FMT, SV_ARG(name),
				SV_ARG(refused ? SV_LIT("") : preview.code),
				refused ? "" : ": ", SV_ARG(preview.message));
		exit = cli_fail_as(cli, refused ? RUN_USAGE : RUN_ERRORS, &err);
	} else if (args_has(&cli->args, "preview")) {
		tell_preview(cli, &view, &preview);
	}
	preview_release(&preview);
	return exit;
}

/* --- the words --------------------------------------------------------- */

static int find_object(struct session *session, struct hand_order *order,
		       size_t *used, struct error *err)
{
	struct cli *cli = session->cli;
	struct subject subject;

	if (subject_find(&session->display, cli->args.words.at,
			 cli->args.words.len, &cli->arena, &subject, used,
			 err) < 0)
		return -1;
	order->cs = subject.cs;
	if (subject.cs)
		return 0;
	return error_set(err, ERR_INVALID,
			 "'%s' needs an object of an agent's connector space, "
			 "as in: conjoin %s hr 1004",
			 cli->command->name, cli->command->name);
}

static int find_partner(struct session *session, struct hand_order *order,
			size_t *used, struct error *err)
{
	struct cli *cli = session->cli;
	struct subject subject;
	size_t more;

	if (*used >= cli->args.words.len)
		return error_set(err, ERR_INVALID,
				 "join it with which metaverse object? add mv "
				 "ID or a clause; 'conjoin candidates' lists "
				 "some");
	if (subject_find(&session->display, cli->args.words.at + *used,
			 cli->args.words.len - *used, &cli->arena, &subject,
			 &more, err) < 0)
		return -1;
	if (!subject.mv)
		return error_set(err, ERR_INVALID,
				 "an object is joined with one of the "
				 "metaverse: mv ID or a clause");
	order->mv = subject.mv;
	*used += more;
	return 0;
}

static int find(struct session *session, struct hand_order *order,
		struct error *err)
{
	struct cli *cli = session->cli;
	size_t used;

	if (find_object(session, order, &used, err) < 0 ||
	    (order->action == HAND_JOIN &&
	     find_partner(session, order, &used, err) < 0))
		return -1;
	if (used < cli->args.words.len)
		return error_set(err, ERR_INVALID, "'%s' does not take '%s'",
				 cli->command->name, cli_word(cli, used));
	return 0;
}

static enum run_exit do_one(struct session *session, struct hand_order *order)
{
	struct cli *cli = session->cli;
	const struct config_agent *agent;
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (find(session, order, &err) < 0)
		return cli_fail(cli, &err);
	agent = session_agent(session, store_name(session->store, NAME_AGENT,
						  CS_AGENT(order->cs)));
	if (!agent)
		return RUN_USAGE;
	exit = look(session, order);
	if (exit != RUN_OK || args_has(&cli->args, "preview"))
		return exit;
	return carry_out(session, agent, order);
}

enum run_exit joiner_one(struct cli *cli, const struct hand_order *order)
{
	struct hand_order one = *order;
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);

	if (exit == RUN_OK)
		exit = session_open_store(&session,
					  args_has(&cli->args, "preview")
						  ? SESSION_READ
						  : SESSION_RUN,
					  cli->command->name);
	if (exit != RUN_OK)
		return exit;
	exit = do_one(&session, &one);
	session_close(&session);
	return exit;
}
