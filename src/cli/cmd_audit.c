/*
 * cmd_audit.c - `conjoin audit`: what people did or approved
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/strbuf.h"
#include "cli/moment.h"
#include "cli/session.h"
#include "store/audit.h"

#include <string.h>

#define set json_object_set_new

static const struct option_def options[] = {
	{ "since", "TIME", false,
	  "show: no older than: 2026-01-31, 2026-01-31T18:00:00Z, or '7 "
	  "days'" },
	{ "has", "HASH", false,
	  "verify: the log must have the entry with this hash: one that was "
	  "noted elsewhere" },
	{ NULL, NULL, false, NULL },
};

struct audit {
	struct cli *cli;
	int64_t since;
	const char *has;
	bool has_it;
	int64_t count;
	int64_t broken; /* the first entry that is not as it was; 0: none */
	struct audit_row last;
	struct json_stream stream;
	struct table table;
};

static const char *hash_text(const unsigned char hash[AUDIT_HASH],
			     struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(2 * AUDIT_HASH + 1);
	const char *copy;

	strbuf_add_hex(&text, sv_make((const char *)hash, AUDIT_HASH));
	copy = arena_cstr(arena, strbuf_sv(&text));
	strbuf_release(&text);
	return copy;
}

/* ---- show ---- */

static int show_json(struct audit *audit, const struct audit_row *row)
{
	struct arena arena = ARENA_INIT;
	json_t *json = json_object();

	(void)set(json, "id", json_integer(row->id));
	(void)set(json, "time", json_of_text(output_time(row->time, &arena)));
	(void)set(json, "user", json_of_text(row->user));
	(void)set(json, "host", json_of_text(row->host));
	(void)set(json, "command", json_of_text(row->command));
	(void)set(json, "result", json_of_text(row->result));
	(void)set(json, "hash", json_of_text(hash_text(row->hash, &arena)));
	json_stream_add(&audit->stream, json);
	arena_release(&arena);
	return 0;
}

static int show_row(void *data, const struct audit_row *row)
{
	struct audit *audit = data;

	if (row->time < audit->since)
		return 0;
	audit->count++;
	if (audit->cli->output.json)
		return show_json(audit, row);
	table_addf(&audit->table, "%lld", (long long)row->id);
	table_add(&audit->table,
		  sv_from(output_time(row->time, &audit->cli->arena)));
	table_add(&audit->table, sv_from(row->user));
	table_add(&audit->table, sv_from(row->result));
	table_add(&audit->table, sv_from(row->command));
	return 0;
}

static enum run_exit show(struct audit *audit, struct store *store)
{
	static const struct table_column columns[] = { { "N", true },
						       { "TIME", false },
						       { "USER", false },
						       { "RESULT", false },
						       { "COMMAND", false } };
	struct cli *cli = audit->cli;
	struct error err = ERROR_INIT;
	int ret;

	table_init(&audit->table, columns, 5);
	if (cli->output.json) {
		json_stream_begin(&audit->stream, &cli->output);
		json_stream_list(&audit->stream, "entries");
	}
	ret = store_audit_scan(store, 0, show_row, audit, &err);
	if (cli->output.json)
		json_stream_end(&audit->stream, true,
				ret < 0 ? cli_error_json(&err) : NULL);
	else if (ret == 0 && audit->count)
		table_print(&audit->table, &cli->output);
	else if (ret == 0)
		(void)puts("no entries");
	table_release(&audit->table);
	if (ret < 0)
		return cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	return RUN_OK;
}

/* ---- verify ---- */

static int verify_row(void *data, const struct audit_row *row)
{
	struct audit *audit = data;
	struct arena arena = ARENA_INIT;
	struct audit_row made = *row;

	audit_hash(&made, audit->last.hash);
	if (!audit->broken && (row->id != audit->last.id + 1 ||
			       memcmp(made.hash, row->hash, AUDIT_HASH) != 0))
		audit->broken = row->id;
	if (audit->has &&
	    sv_ieq_str(sv_from(audit->has), hash_text(row->hash, &arena)))
		audit->has_it = true;
	audit->last.id = row->id;
	memcpy(audit->last.hash, row->hash, AUDIT_HASH);
	audit->count++;
	arena_release(&arena);
	return 0;
}

static const char *member(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "";
}

static void verify_entry(struct audit *audit, const json_t *entry)
{
	struct strbuf hash = STRBUF_INIT(4 * AUDIT_HASH);
	struct audit_row row = {
		.id = json_integer_value(json_object_get(entry, "id")),
		.user = member(entry, "user"),
		.host = member(entry, "host"),
		.command = member(entry, "command"),
		.result = member(entry, "result"),
	};

	(void)clock_parse_iso(sv_from(member(entry, "time")), &row.time);
	if (strbuf_add_unhex(&hash, sv_from(member(entry, "hash"))) &&
	    hash.len == AUDIT_HASH)
		memcpy(row.hash, strbuf_sv(&hash).ptr, AUDIT_HASH);
	(void)verify_row(audit, &row);
	strbuf_release(&hash);
}

static int verify_file(struct audit *audit, const char *path, struct error *err)
{
	json_error_t where;
	json_t *document = json_load_file(path, 0, &where);
	const json_t *entries = json_object_get(document, "entries");
	size_t i;

	if (!json_is_array(entries)) {
		json_decref(document);
		return error_set(err, ERR_INVALID,
				 "cannot read '%s': %s; it is what 'conjoin "
				 "audit show --json' prints",
				 path,
				 document ? "it has no entries" : where.text);
	}
	for (i = 0; i < json_array_size(entries); i++)
		verify_entry(audit, json_array_get(entries, i));
	json_decref(document);
	return 0;
}

static enum run_exit verified(struct audit *audit)
{
	struct cli *cli = audit->cli;
	bool lacks = audit->has && !audit->has_it;
	bool whole = !audit->broken && !lacks;
	const char *hash = hash_text(audit->last.hash, &cli->arena);
	json_t *json;

	if (cli->output.json) {
		json = json_object();
		(void)set(json, "whole", json_boolean(whole));
		(void)set(json, "entries", json_integer(audit->count));
		(void)set(json, "broken_at",
			  audit->broken ? json_integer(audit->broken)
					: json_null());
		(void)set(json, "last", json_of_text(hash));
		output_json(&cli->output, json);
	} else if (audit->broken) {
		(void)printf("the log was changed: entry %lld is not what was "
			     "written, or one before it is missing\n",
			     (long long)audit->broken);
	} else if (lacks) {
		(void)printf("the log lacks the entry with this hash: its end "
			     "was cut off, or all of it made anew\n");
	} else {
		(void)printf("%lld entr%s, none was changed; the last one is "
			     "%s\n",
			     (long long)audit->count,
			     audit->count == 1 ? "y" : "ies", hash);
	}
	return whole ? RUN_OK : RUN_ERRORS;
}

static enum run_exit verify_store(struct audit *audit, struct store *store)
{
	struct error err = ERROR_INIT;

	if (store_audit_scan(store, 0, verify_row, audit, &err) < 0)
		return cli_fail_as(audit->cli, RUN_FAILED, &err);
	return verified(audit);
}

static enum run_exit run(struct cli *cli)
{
	static const char *const words[] = { "show", "verify" };
	struct audit audit = { .cli = cli,
			       .has = args_value(&cli->args, "has") };
	const char *since = args_value(&cli->args, "since");
	const char *word = cli_word(cli, 0);
	bool verify = !strcmp(word, "verify");
	struct error err = ERROR_INIT;
	struct session session;
	enum run_exit exit;

	if (!verify && strcmp(word, "show") != 0)
		return cli_misuse(cli, "'audit' does not take '%s'%s", word,
				  cli_near(cli, word, words, 2, ""));
	if (since && moment_read(since, &audit.since, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (verify && cli_word(cli, 1))
		return verify_file(&audit, cli_word(cli, 1), &err) < 0
			       ? cli_fail(cli, &err)
			       : verified(&audit);
	if (cli_word(cli, 1))
		return cli_misuse(cli, "'show' does not take '%s'",
				  cli_word(cli, 1));
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = verify ? verify_store(&audit, session.store)
		      : show(&audit, session.store);
	session_close(&session);
	return exit;
}

const struct command command_audit = {
	.name = "audit",
	.usage = "show | verify [FILE]",
	.help = "what people did or approved; whether the log is as it was",
	.more = "Each entry carries a hash over itself and the one before, so "
		"one that is changed or taken\nout is found. 'verify FILE' looks "
		"at what 'audit show --json' printed, without the folder.\nWho "
		"notes the last hash elsewhere sees with --has whether the end "
		"was cut off.\n",
	.options = options,
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
