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
	struct store_holder before; /* process 0: nobody had it */
	struct run_row died;        /* the newest run without an end */
};

static int on_run(void *data, const struct run_row *row)
{
	struct activation *activation = data;
	struct arena *arena = &activation->cli->arena;

	if (row->ended || strcmp(row->result, "in-progress") != 0)
		return 0;
	activation->died = *row;
	activation->died.agent = arena_cstr(arena, sv_from(row->agent));
	activation->died.profile = arena_cstr(arena, sv_from(row->profile));
	activation->died.host = arena_cstr(arena, sv_from(row->host));
	return 1;
}

static json_t *holder_json(struct cli *cli, const struct store_holder *holder)
{
	json_t *json;

	if (!holder->process)
		return json_null();
	json = json_object();
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
	const struct store_holder *holder = &activation->before;
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

static void tell(struct activation *activation)
{
	const struct store_holder *before = &activation->before;
	const struct run_row *died = &activation->died;
	struct cli *cli = activation->cli;

	if (before->process)
		(void)printf(
			"taken over from process %lld on %s (%s, since "
			"%s): its connection is ended, and what it had not "
			"committed is undone\n",
			(long long)before->process,
			output_safe(sv_from(before->host), &cli->arena),
			output_safe(sv_from(before->what), &cli->arena),
			output_time(before->since, &cli->arena));
	else
		(void)puts("nobody holds the store");
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

static enum run_exit activate(struct session *session)
{
	struct activation activation = { .cli = session->cli };
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	int ret = store_take_over(session->store, "activate",
				  &activation.before, &err);
	json_t *json;

	if (ret == 0)
		return still_held(&activation);
	if (ret < 0 ||
	    store_last_runs(session->store, on_run, &activation, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (!cli->output.json) {
		tell(&activation);
		return RUN_OK;
	}
	json = json_object();
	(void)json_object_set_new(json, "taken_over_from",
				  holder_json(cli, &activation.before));
	(void)json_object_set_new(json, "died",
				  died_json(cli, &activation.died));
	output_json(&cli->output, json);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_WRITE, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = activate(&session);
	session_close(&session);
	return exit;
}

const struct command command_activate = {
	.name = "activate",
	.usage = "",
	.help = "take the store over from a process that is gone",
	.more = "For a standby machine, or after a process was lost with its "
		"machine. On a database server its\nconnection is ended, so "
		"that it can write nothing more even if it still lives "
		"somewhere. On\nSQLite the operating system decides: the lock "
		"ends with the process, and a process that lives\nis not "
		"overtaken.\n",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
