/*
 * cmd_backup.c - `conjoin backup` and `conjoin restore`
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/session.h"
#include "store/copy.h"
#include "store/history.h"

/* The last run that a file or store knows; the texts are in the arena. */
struct last {
	struct arena *arena;
	struct run_row run; /* id 0: none */
};

static int keep_run(void *data, const struct run_row *row)
{
	struct last *last = data;

	last->run = *row;
	last->run.agent = arena_cstr(last->arena, sv_from(row->agent));
	last->run.profile = arena_cstr(last->arena, sv_from(row->profile));
	last->run.result = arena_cstr(last->arena, sv_from(row->result));
	return 1;
}

struct held {
	struct last last;
	int64_t version;
	int64_t size;
};

/* What the store at this address holds. */
static int look(const char *url, struct arena *arena, struct held *out,
		struct error *err)
{
	struct store_info info;
	struct store *store;
	int ret;

	out->last.arena = arena;
	out->last.run.id = 0;
	if (store_open(url, STORE_READ, &store, err) < 0)
		return -1;
	ret = store_info(store, &info, err);
	if (ret == 0)
		ret = store_run_scan(store, 0, 1, keep_run, &out->last, err);
	out->version = info.version;
	out->size = info.size;
	store_close(store);
	return ret;
}

static json_t *held_json(const char *file, const struct held *held,
			 struct arena *arena)
{
	const struct run_row *run = &held->last.run;
	json_t *json = json_object();
	json_t *last = NULL;

	(void)json_object_set_new(json, "file", json_of_text(file));
	(void)json_object_set_new(json, "bytes", json_integer(held->size));
	(void)json_object_set_new(json, "version", json_integer(held->version));
	if (run->id) {
		last = json_object();
		(void)json_object_set_new(last, "run", json_integer(run->id));
		(void)json_object_set_new(last, "agent",
					  json_of_text(run->agent));
		(void)json_object_set_new(last, "profile",
					  json_of_text(run->profile));
		(void)json_object_set_new(
			last, "started",
			json_of_text(output_time(run->started, arena)));
		(void)json_object_set_new(last, "result",
					  json_of_text(run->result));
	}
	(void)json_object_set_new(json, "last_run", last ? last : json_null());
	return json;
}

/* "12.3 MB, version 2, last run 14: hr full-import of 2026-11-21T09:30:00Z" */
static const char *held_text(const struct held *held, struct arena *arena)
{
	const struct run_row *run = &held->last.run;
	const char *size = output_bytes(held->size, arena);

	if (!run->id)
		return arena_printf(arena, "%s, version %lld, no run yet", size,
				    (long long)held->version);
	return arena_printf(
		arena, "%s, version %lld, last run %lld: %s %s of %s", size,
		(long long)held->version, (long long)run->id, run->agent,
		run->profile, output_time(run->started, arena));
}

static const char *safe(struct cli *cli, const char *text)
{
	return output_safe(sv_from(text), &cli->arena);
}

/* --- backup ------------------------------------------------------------ */

static enum run_exit back_up(struct session *session, const char *file)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct held held;

	if (store_backup(session->store, file, &err) < 0 ||
	    look(arena_printf(&cli->arena, "sqlite:%s", file), &cli->arena,
		 &held, &err) < 0)
		return cli_fail(cli, &err);
	if (cli->output.json) {
		output_json(&cli->output, held_json(file, &held, &cli->arena));
		return RUN_OK;
	}
	(void)printf("%s: %s\n", safe(cli, file),
		     held_text(&held, &cli->arena));
	if (!cli->output.quiet)
		(void)puts("The store alone is in it: keep the folder's files, "
			   "state/secrets and its key as well.");
	return RUN_OK;
}

static enum run_exit run_backup(struct cli *cli)
{
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = back_up(&session, cli_word(cli, 0));
	session_close(&session);
	return exit;
}

const struct command command_backup = {
	.name = "backup",
	.usage = "FILE",
	.help = "a copy of the store as it is at one moment, also during a run",
	.more = "FILE is a whole store in one file, readable by its owner "
		"only. It appears when all of it\nis on the disk; a backup of "
		"this name that is there is replaced. 'conjoin restore' puts it "
		"\nback.\n",
	.min_words = 1,
	.max_words = 1,
	.run = run_backup,
};

/* --- restore ----------------------------------------------------------- */

static void tell_next(struct cli *cli, const struct config *config)
{
	size_t i;

	(void)puts("The connected systems have gone on since then. Read all of "
		   "them, look, then write:");
	for (i = 0; i < config->agent_count; i++)
		cli_hint(cli, "  read", "run %s full-import",
			 config->agents[i].name);
	for (i = 0; i < config->agent_count; i++)
		cli_hint(cli, "  synchronize", "run %s full-sync",
			 config->agents[i].name);
	cli_hint(cli, "  look", "pending --exports");
	cli_hint(cli, "  write", "cycle");
}

static void report(struct session *session, const char *file,
		   const struct store_restored *restored,
		   const struct held *held)
{
	struct cli *cli = session->cli;
	json_t *json;

	if (cli->output.json) {
		json = held_json(file, held, &cli->arena);
		(void)json_object_set_new(json, "bytes",
					  json_integer(restored->size));
		(void)json_object_set_new(json, "version",
					  json_integer(restored->version));
		(void)json_object_set_new(json, "store",
					  json_of_text(session->config->store));
		(void)json_object_set_new(json, "kept",
					  json_of_text(restored->kept));
		output_json(&cli->output, json);
		return;
	}
	(void)printf("restored from %s: %s\n", safe(cli, file),
		     held_text(held, &cli->arena));
	if (restored->kept)
		(void)printf(
			"The store of before is kept as %s; delete it when "
			"you are sure.\n",
			safe(cli, restored->kept));
	if (!cli->output.quiet)
		tell_next(cli, session->config);
}

static enum run_exit restore(struct session *session, const char *file)
{
	const char *url = session->config->store;
	struct cli *cli = session->cli;
	struct store_restored restored;
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;
	struct held held;

	if (!url) {
		session_print_problems(cli, session->config, stderr);
		(void)error_set(
			&err, ERR_INVALID,
			"the configuration does not say where the "
			"store is; 'conjoin check' tells what is wrong");
		return cli_fail(cli, &err);
	}
	if (store_restore(url, file, &restored, &err) < 0)
		return err.code == ERR_CONFLICT
			       ? cli_fail_as(cli, RUN_BUSY, &err)
			       : cli_fail(cli, &err);
	if (look(url, &cli->arena, &held, &err) < 0) {
		exit = cli_fail(cli, &err);
	} else {
		held.version = restored.version;
		held.size = restored.size;
		report(session, file, &restored, &held);
	}
	mem_free(restored.kept);
	return exit;
}

static enum run_exit run_restore(struct cli *cli)
{
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_CONFIG, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = restore(&session, cli_word(cli, 0));
	session_close(&session);
	return exit;
}

const struct command command_restore = {
	.name = "restore",
	.usage = "FILE",
	.help = "put what 'conjoin backup' wrote in the place of the store",
	.more = "FILE is read through first. The store that is there is kept "
		"beside the new one, and no run\nmay be going on. The next "
		"import of every agent is a full one.\n",
	.min_words = 1,
	.max_words = 1,
	.run = run_restore,
};
