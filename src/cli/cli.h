/*
 * cli.h - the `conjoin` command: its table of commands and what they share
 *
 * One file a command, cmd_NAME.c. A command prints its result to standard
 * output, everything else to standard error, and returns its exit status
 * (enum run_exit). With --json standard output is one JSON document, also when
 * it fails. The shapes are described in docs/reference/commands.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/error.h"
#include "cli/args.h"
#include "cli/output.h"
#include "run/run.h"

struct cli {
	const struct command *command;
	struct args args;
	const char *folder; /* --folder */
	struct output output;
	struct arena arena; /* until the command ends */
};

struct command {
	const char *name;
	const char *usage; /* what follows the name: "AGENT PROFILE" */
	const char *help;  /* one line */
	const char *more;  /* paragraphs for `help NAME`; or NULL */
	const struct option_def *options; /* besides the common ones; or NULL */
	size_t min_words;
	size_t max_words;
	bool hidden; /* not listed: for programs */
	enum run_exit (*run)(struct cli *cli);
};

/* In the order of help; ends with NULL. */
extern const struct command *const commands[];
extern const struct option_def common_options[];

extern const struct command command_init;
extern const struct command command_check;
extern const struct command command_run;
extern const struct command command_cycle;
extern const struct command command_watch;
extern const struct command command_plan;
extern const struct command command_apply;
extern const struct command command_undo;
extern const struct command command_release;
extern const struct command command_preview;
extern const struct command command_explain;
extern const struct command command_search;
extern const struct command command_history;
extern const struct command command_diff;
extern const struct command command_pending;
extern const struct command command_candidates;
extern const struct command command_join;
extern const struct command command_project;
extern const struct command command_disconnect;
extern const struct command command_set_explicit;
extern const struct command command_runs;
extern const struct command command_errors;
extern const struct command command_secret;
extern const struct command command_key;
extern const struct command command_status;
extern const struct command command_doctor;
extern const struct command command_activate;
extern const struct command command_agent;
extern const struct command command_backup;
extern const struct command command_restore;
extern const struct command command_store;
extern const struct command command_audit;
extern const struct command command_cleanup;
extern const struct command command_prune;
extern const struct command command_complete;
extern const struct command command_connector;
extern const struct command command_help;
extern const struct command command_version;
extern const struct command command_share;

/* All of main(): the exit status. */
int cli_main(int argc, const char *const *argv);

const struct command *cli_command_find(const char *name);
/* The i-th word behind the command, or NULL. */
const char *cli_word(const struct cli *cli, size_t i);

/* The exit status of an error that ends a command. */
enum run_exit cli_exit_of(enum err_code code);
/* Reports the error, on standard error or as JSON; returns the status that
 * fits its code (or `exit`). */
enum run_exit cli_fail(struct cli *cli, const struct error *err);
enum run_exit cli_fail_as(struct cli *cli, enum run_exit exit,
			  const struct error *err);
/* Wrong use of the command: says so and how it is used. */
enum run_exit cli_misuse(struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* {"code":...,"message":...} */
json_t *cli_error_json(const struct error *err);

/* A line on standard error, "conjoin: warning: ...", but not with --quiet. */
void cli_warn(struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What to do next, "  what: conjoin ARGS", with the folder that is in use; not
 * with --json or --quiet. */
void cli_hint(struct cli *cli, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* `name` as a word of a shell command line: quoted when it must be. */
const char *cli_quote(struct cli *cli, const char *word);

/* The nearest of the names to a mistyped word, as ": did you mean 'x'?", or
 * when none is near `otherwise`. */
const char *cli_near(struct cli *cli, const char *word,
		     const char *const *names, size_t count,
		     const char *otherwise);

/* Usage and options of a command; NULL: the list of commands. */
void cli_help(struct cli *cli, const struct command *command);

#endif
