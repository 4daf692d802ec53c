/*
 * cmd_activate.c - `conjoin activate`: take the lease from a process that is
 * gone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/session.h"
#include "store/status.h"

#include <string.h>

struct activation {
	struct cli *cli;
	struct store *store;
	const char *agent; /* that is meant; NULL: all */
	struct store_holders before;
	struct store_holders others; /* who goes on */
	struct run_row died;         /* the newest run without an end */
};

static int on_run(void *data, const struct run_row *row)
{
	struct activation *activation = data;
	struct arena *arena = &activation->cli->arena;

	if (row->ended || strcmp(row->result, "in-progress") != 0 ||
	    (activation->agent && strcmp(row->agent, activation->agent) != 0) ||
	    store_run_going_on(row, &activation->others))
		return 0;
	activation->died = *row;
	activation->died.agent = arena_cstr(arena, sv_from(row->agent));
	activation->died.profile = arena_cstr(arena, sv_from(row->profile));
	activation->died.host = arena_cstr(arena, sv_from(row->host));
	return 1;
}

static json_t *holder_json(struct cli *cli, const struct store_holder *holder)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "run", json_integer(holder->run));
	(void)json_object_set_new(json, "what", json_of_text(holder->what));
	(void)json_object_set_new(
		json, "since",
		json_of_text(output_time(holder->since, &cli->arena)));
	(void)json_object_set_new(json, "host", json_of_text(holder->host));
	(void)json_object_set_new(json, "process",
				  json_integer(holder->process));
	return json;
}

static json_t *holders_json(struct activation *activation)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < activation->before.count; i++)
		(void)json_array_append_new(
			list, holder_json(activation->cli,
					  &activation->before.at[i]));
	return list;
}

static json_t *first_json(struct activation *activation)
{
	return activation->before.count
		       ? holder_json(activation->cli, &activation->before.at[0])
		       : json_null();
}

static json_t *died_json(struct cli *cli, const struct run_row *run)
{
	json_t *json;

	if (!run->id)
		return json_null();
	json = json_object();
	(void)json_object_set_new(json, "run", json_integer(run->id));
	(void)json_object_set_new(json, "agent", json_of_text(run->agent));
	(void)json_object_set_new(json, "profile", json_of_text(run->profile));
	(void)json_object_set_new(
		json, "started",
		json_of_text(output_time(run->started, &cli->arena)));
	return json;
}

/* It lives, and nobody but the operating system can take the lock from it. */
static enum run_exit still_held(struct activation *activation)
{
	const struct store_holder *holder = &activation->before.at[0];
	struct cli *cli = activation->cli;
	struct error err = ERROR_INIT;
	json_t *json;

	(void)error_set(&err, ERR_CONFLICT,
			"process %lld on %s (%s, since %s) holds the store by "
			"a lock of the operating system, which ends with the "
			"process: nothing was taken over; wait for its end, or "
			"end it there with 'kill %lld'",
			(long long)holder->process, holder->host, holder->what,
			output_time(holder->since, &cli->arena),
			(long long)holder->process);
	if (!cli->output.json)
		return cli_fail_as(cli, RUN_BUSY, &err);
	json = json_object();
	(void)json_object_set_new(json, "error", cli_error_json(&err));
	(void)json_object_set_new(json, "holder", holder_json(cli, holder));
	output_json(&cli->output, json);
	return RUN_BUSY;
}

static void tell_before(struct activation *activation)
{
	struct cli *cli = activation->cli;
	int i;

	for (i = 0; i < activation->before.count; i++) {
		const struct store_holder *before = &activation->before.at[i];

		(void)printf(
			"taken over from process %lld on %s (%s, since "
			"%s): its connection is ended, and what it had not "
			"committed is undone\n",
			(long long)before->process,
			output_safe(sv_from(before->host), &cli->arena),
			output_safe(sv_from(before->what), &cli->arena),
			output_time(before->since, &cli->arena));
	}
	if (!activation->before.count && activation->agent)
		(void)printf("nobody runs '%s'\n", activation->agent);
	else if (!activation->before.count)
		(void)puts("nobody holds the store");
}

static void tell(struct activation *activation)
{
	const struct run_row *died = &activation->died;
	struct cli *cli = activation->cli;

	tell_before(activation);
	if (!died->id) {
		(void)puts("every run has come to its end; the next one can "
			   "begin");
		return;
	}
	(void)printf("run %lld (%s %s, of %s) has died: what it had committed "
		     "stays, and the next run goes on from there\n",
		     (long long)died->id, died->agent, died->profile,
		     output_time(died->started, &cli->arena));
	cli_hint(cli, "again", "run %s %s", died->agent, died->profile);
}

/* 1: taken; 0: it is still held; -1. */
static int take_over(struct activation *activation, uint32_t agent,
		     struct error *err)
{
	int ret = store_take_over(activation->store, agent, "activate",
				  &activation->before, err);

	if (ret > 0 &&
	    (store_holders(activation->store, &activation->others, err) < 0 ||
	     store_last_runs(activation->store, on_run, activation, err) < 0))
		return -1;
	return ret;
}

static enum run_exit activate(struct session *session, uint32_t agent)
{
	struct cli *cli = session->cli;
	struct activation activation = { .cli = cli,
					 .store = session->store,
					 .agent = agent ? cli_word(cli, 0)
							: NULL };
	struct error err = ERROR_INIT;
	int ret = take_over(&activation, agent, &err);
	json_t *json;

	if (ret == 0)
		return still_held(&activation);
	if (ret < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (!cli->output.json) {
		tell(&activation);
		return RUN_OK;
	}
	json = json_object();
	(void)json_object_set_new(json, "taken_over_from",
				  first_json(&activation));
	(void)json_object_set_new(json, "taken_over",
				  holders_json(&activation));
	(void)json_object_set_new(json, "died",
				  died_json(cli, &activation.died));
	output_json(&cli->output, json);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	uint32_t agent = 0;
	enum run_exit exit = session_open(&session, cli, SESSION_WRITE, NULL);

	if (exit != RUN_OK)
		return exit;
	if (cli_word(cli, 0) &&
	    session_agent_number(&session, cli_word(cli, 0), &agent) < 0)
		exit = RUN_USAGE;
	else if (cli_word(cli, 0) && !agent)
		exit = cli_misuse(cli, "'%s' has not run yet",
				  cli_word(cli, 0));
	else
		exit = activate(&session, agent);
	session_close(&session);
	return exit;
}

const struct command command_activate = {
	.name = "activate",
	.usage = "[AGENT]",
	.help = "take the store over from a process that is gone",
	.more = "For a standby machine, or after a process was lost with its "
		"machine. On a database server its\nconnection is ended, so "
		"that it can write nothing more even if it still lives "
		"somewhere; with\nAGENT that of a process that runs this "
		"agent, while others go on. On SQLite the operating "
		"system\ndecides: the lock ends with the process, and a "
		"process that lives is not overtaken.\n",
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
