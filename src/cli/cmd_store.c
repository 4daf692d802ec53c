/*
 * cmd_store.c - `conjoin store copy`: all of a store into another one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"
#include "store/copy.h"

#include <string.h>

/* An address, or the path of an SQLite file. */
static const char *url_of(struct cli *cli, const char *word)
{
	const char *colon = strchr(word, ':');
	const char *slash = strchr(word, '/');

	if (colon && (!slash || colon < slash))
		return word;
	return arena_printf(&cli->arena, "sqlite:%s", word);
}

/* As conjoin.yaml takes it, but for a password. */
static const char *address_of(struct cli *cli, struct store *store)
{
	struct store_info info;
	struct error err = ERROR_INIT;

	if (store_info(store, &info, &err) < 0)
		return "";
	if (strcmp(info.kind, "sqlite") != 0)
		return arena_cstr(&cli->arena, sv_from(info.name));
	return arena_printf(&cli->arena, "sqlite:%s", info.name);
}

static void report(struct cli *cli, struct store *from, struct store *to,
		   const struct store_copied *copied, bool going_on)
{
	const char *source = address_of(cli, from);
	const char *target = address_of(cli, to);
	json_t *json;

	if (cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "from", json_of_text(source));
		(void)json_object_set_new(json, "to", json_of_text(target));
		(void)json_object_set_new(json, "tables",
					  json_integer(copied->tables));
		(void)json_object_set_new(json, "rows",
					  json_integer(copied->rows));
		(void)json_object_set_new(json, "run_going_on",
					  json_boolean(going_on));
		output_json(&cli->output, json);
		return;
	}
	(void)printf("%s rows of %lld tables copied from %s\n",
		     output_number(copied->rows, &cli->arena),
		     (long long)copied->tables,
		     output_safe(sv_from(source), &cli->arena));
	if (going_on)
		cli_warn(cli, "a run is going on there: what it writes from "
			      "now on is not in the copy");
	if (!cli->output.quiet)
		(void)printf("to work on the copy, write in conjoin.yaml: "
			     "store: %s\n",
			     output_safe(sv_from(target), &cli->arena));
}

static enum run_exit copy_into(struct cli *cli, struct store *from,
			       struct store *to, const char *url)
{
	struct store_holder holder;
	struct store_copied copied;
	struct error err = ERROR_INIT;
	int going_on = store_lease_held(from, &holder, &err);
	int ret = going_on < 0 ? -1
			       : store_lease(to, "store copy", &holder, &err);

	if (ret == 0)
		(void)error_set(&err, ERR_CONFLICT,
				"a run works on '%s'; only an empty store is "
				"copied into",
				url);
	if (ret <= 0 || store_copy(from, to, &copied, &err) < 0)
		return cli_fail(cli, &err);
	report(cli, from, to, &copied, going_on > 0);
	return RUN_OK;
}

static enum run_exit copy(struct cli *cli, const char *from_url,
			  const char *to_url)
{
	struct store *from = NULL;
	struct store *to = NULL;
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (store_open(from_url, STORE_READ, &from, &err) < 0 ||
	    store_open(to_url, STORE_CREATE, &to, &err) < 0)
		exit = cli_fail(cli, &err);
	else
		exit = copy_into(cli, from, to, to_url);
	store_close(from);
	store_close(to);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	const char *word = cli_word(cli, 0);
	static const char *const words[] = { "copy" };

	if (strcmp(word, "copy") != 0)
		return cli_misuse(cli, "'%s' is not 'copy'%s", word,
				  cli_near(cli, word, words, 1, ""));
	if (!cli_word(cli, 2))
		return cli_misuse(cli, "copy from which store to which?");
	return copy(cli, url_of(cli, cli_word(cli, 1)),
		    url_of(cli, cli_word(cli, 2)));
}

const struct command command_store = {
	.name = "store",
	.usage = "copy FROM TO",
	.help = "copy all of a store into another one, also of another kind",
	.more = "FROM and TO are addresses as conjoin.yaml has them "
		"(sqlite:PATH), or paths of SQLite files.\nTO must be empty or "
		"not be there. FROM is copied as it is at one moment; do not "
		"let runs go\non there if the copy is to take its place.\n",
	.min_words = 1,
	.max_words = 3,
	.run = run,
};
