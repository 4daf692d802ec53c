/*
 * audit.c - commands by which a person changes or approves something
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/audit.h"

#include "base/clock.h"
#include "cli/session.h"
#include "store/audit.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

struct audited {
	const char *command;
	const char *word;   /* its first one; NULL: any */
	const char *option; /* that it must have; NULL: none */
};

static const struct audited ALL[] = {
	{ "run", NULL, "allow" },         { "cycle", NULL, "allow" },
	{ "apply", NULL, NULL },          { "join", NULL, NULL },
	{ "project", NULL, NULL },        { "disconnect", NULL, NULL },
	{ "set-explicit", NULL, NULL },   { "errors", "ignore", NULL },
	{ "errors", "quarantine", NULL }, { "errors", "retry", NULL },
	{ "secret", "set", NULL },        { "secret", "delete", NULL },
	{ "key", "add", NULL },           { "key", "reencrypt", NULL },
	{ "key", "abandon", NULL },       { "key", "export", NULL },
	{ "key", "import", NULL },        { "backup", NULL, NULL },
	{ "restore", NULL, NULL },        { "store", "copy", NULL },
	{ "activate", NULL, NULL },       { "prune", NULL, NULL },
	{ "plan", "approve", NULL },      { "release", NULL, NULL },
	{ "agent", "new", NULL },
};

static bool is_audited(struct cli *cli)
{
	size_t i;

	if (args_has(&cli->args, "preview") || args_has(&cli->args, "dry-run"))
		return false; /* it changed nothing */
	for (i = 0; cli->command && i < sizeof(ALL) / sizeof(*ALL); i++) {
		const char *word = cli_word(cli, 0);

		if (!strcmp(cli->command->name, ALL[i].command) &&
		    (!ALL[i].word || (word && !strcmp(word, ALL[i].word))) &&
		    (!ALL[i].option || args_has(&cli->args, ALL[i].option)))
			return true;
	}
	return false;
}

static const char *exit_name(enum run_exit exit)
{
	switch (exit) {
	case RUN_OK:
		return "success";
	case RUN_ERRORS:
		return "object errors";
	case RUN_USAGE:
		return "refused";
	case RUN_STOPPED:
		return "stopped";
	case RUN_FAILED:
		return "failed";
	case RUN_BUSY:
		return "busy";
	case RUN_MOVED:
		return "moved on";
	}
	return "failed";
}

/* The words as they were given, but for where and how it printed. */
static const char *command_text(struct cli *cli)
{
	static const char *const left_out[] = { "folder", "json", "quiet",
						"wait" };
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct args_option *option;
	const char *copy;
	size_t i;

	strbuf_adds(&text, cli->command->name);
	for (i = 0; i < cli->args.words.len; i++)
		strbuf_addf(&text, " %s", cli_quote(cli, cli_word(cli, i)));
	vec_foreach(&cli->args.options, option) {
		bool out = false;

		for (i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
			out |= !strcmp(option->def->name, left_out[i]);
		if (out)
			continue;
		strbuf_addf(&text, " --%s", option->def->name);
		if (option->value)
			strbuf_addf(&text, " %s",
				    cli_quote(cli, option->value));
	}
	copy = output_safe(strbuf_sv(&text), &cli->arena);
	strbuf_release(&text);
	return copy;
}

static int add_entry(struct store *store, struct cli *cli, enum run_exit exit,
		     struct error *err)
{
	const struct passwd *user = getpwuid(getuid());
	char host[64] = "";
	struct audit_row row = {
		.time = clock_now() / CLOCK_SECOND * CLOCK_SECOND,
		.user = user ? user->pw_name : "?",
		.host = host,
		.command = command_text(cli),
		.result = exit_name(exit),
	};
	struct store_tx *tx;

	(void)gethostname(host, sizeof(host) - 1);
	if (store_begin(store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (store_audit_add(tx, &row, err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

void audit_record(struct cli *cli, enum run_exit exit)
{
	struct error err = ERROR_INIT;
	struct session session;
	struct store *store = NULL;
	int ret = 0;

	if (!is_audited(cli) || exit == RUN_USAGE || exit == RUN_BUSY)
		return;
	if (session_open(&session, cli, SESSION_CONFIG, NULL) != RUN_OK)
		return;
	if (session.config->store) {
		ret = store_open(session.config->store,
				 (enum store_open_flags)0, &store, &err);
		if (ret < 0 && err.code == ERR_NOTFOUND)
			ret = 0;
		else if (ret == 0)
			ret = add_entry(store, cli, exit, &err);
	}
	if (ret < 0)
		cli_warn(cli, "the audit log has no entry of this: %s",
			 err.msg);
	store_close(store);
	session_close(&session);
}
