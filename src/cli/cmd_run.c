/*
 * cmd_run.c - `conjoin run AGENT PROFILE`: one run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/runner.h"
#include "cli/sharing.h"
#include "run/share.h"

#include <string.h>

static const struct option_def options[] = {
	SESSION_RUN_OPTIONS,
	{ "processes", "N", false,
	  "so many processes share a full synchronization; default: 1" },
	{ "record", "FILE", false,
	  "keep what the import reads in FILE, and go on" },
	{ "record-only", "FILE", false,
	  "keep what the import reads in FILE, and stage nothing" },
	{ "replay", "FILE", false,
	  "import what FILE has instead of reading the system" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit
no_profile(struct cli *cli, const struct config_agent *agent, const char *name)
{
	struct error err = ERROR_INIT;
	struct strbuf all = STRBUF_INIT(400);
	const char **names;
	size_t count = 0;
	size_t i;

	while (config_profile_name(agent, count))
		count++;
	names = arena_array(&cli->arena, count, sizeof(*names));
	for (i = 0; i < count; i++) {
		names[i] = config_profile_name(agent, i);
		strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	if (name)
		(void)error_set(
			&err, ERR_NOTFOUND,
			"agent '%s' has no run profile '%s'%s", agent->name,
			name,
			cli_near(cli, name, names, count,
				 arena_printf(&cli->arena, "; there are: %s",
					      strbuf_cstr(&all))));
	else
		(void)error_set(&err, ERR_INVALID,
				"which run profile of '%s'? there are: %s",
				agent->name, strbuf_cstr(&all));
	strbuf_release(&all);
	return cli_fail_as(cli, RUN_USAGE, &err);
}

static enum run_exit report_end(struct runner *runner, enum run_exit exit,
				const struct error *err)
{
	struct cli *cli = runner->cli;
	json_t *run = json_array_get(runner->runs, 0);

	if (exit == RUN_FAILED && (!cli->output.json || !run))
		return cli_fail_as(cli, RUN_FAILED, err);
	if (!cli->output.json)
		return exit;
	if (exit == RUN_FAILED)
		(void)json_object_set_new(run, "error", cli_error_json(err));
	(void)json_array_extend(json_object_get(run, "warnings"),
				runner->warnings);
	output_json(&cli->output, json_incref(run));
	return exit;
}

static size_t count_imports(const struct config_profile *profile)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < profile->step_count; i++)
		count += profile->steps[i].kind == STEP_FULL_IMPORT ||
			 profile->steps[i].kind == STEP_DELTA_IMPORT;
	return count;
}

/* --record, --record-only, --replay: RUN_OK: taken into *out, or none is
 * given. */
static enum run_exit take_files(struct cli *cli,
				const struct config_profile *profile,
				struct run_options *out)
{
	const char *record = args_value(&cli->args, "record");
	const char *only = args_value(&cli->args, "record-only");
	const char *given;
	struct error err = ERROR_INIT;

	out->replay = args_value(&cli->args, "replay");
	out->record = record ? record : only;
	out->record_only = only != NULL;
	if (!out->record && !out->replay)
		return RUN_OK;
	given = out->replay ? "--replay" : only ? "--record-only" : "--record";
	if ((record != NULL) + (only != NULL) + (out->replay != NULL) > 1)
		(void)error_set(&err, ERR_INVALID,
				"--record, --record-only and --replay exclude "
				"one another");
	else if (count_imports(profile) != 1)
		(void)error_set(&err, ERR_INVALID,
				"%s is for a profile with one import; '%s' has "
				"%s",
				given, profile->name,
				count_imports(profile) ? "several" : "none");
	else if (only && profile->step_count > 1)
		(void)error_set(&err, ERR_INVALID,
				"--record-only stages nothing that the other "
				"steps of '%s' could take: run full-import or "
				"delta-import",
				profile->name);
	else
		return RUN_OK;
	return cli_fail_as(cli, RUN_USAGE, &err);
}

static int stopped(void *data)
{
	(void)data;
	return session_interrupted;
}

#define WORDS 8 /* around the parameters, and the NULL */

/* How a process that helps is started: this program, on the same folder, with
 * the same parameters. */
static void command_of_share(struct session *session,
			     const struct config_agent *agent,
			     struct share *out)
{
	struct cli *cli = session->cli;
	char *rules = arena_alloc(&cli->arena, SHARING_RULES);
	const struct args_option *option;
	size_t count = 0;

	sharing_rules(session->config, rules);
	out->argv = arena_array(&cli->arena, cli->args.options.len + WORDS,
				sizeof(*out->argv));
	out->argv[count++] = "/proc/self/exe";
	out->argv[count++] = "share";
	out->argv[count++] =
		arena_printf(&cli->arena, "--folder=%s", cli->folder);
	vec_foreach(&cli->args.options, option)
		if (!strcmp(option->def->name, "set"))
			out->argv[count++] = arena_printf(
				&cli->arena, "--set=%s", option->value);
	out->argv[count++] = agent->name;
	out->argv[count++] = rules;
	out->now_at = count++;
	out->argv[count] = NULL;
	out->stop = stopped;
}

/* --processes N: into *out, 0 when it is 1. */
static enum run_exit take_processes(struct session *session,
				    const struct config_agent *agent,
				    struct share *out)
{
	struct error err = ERROR_INIT;
	int64_t number = 1;

	if (args_number(&session->cli->args, "processes", &number, &err) < 0)
		return cli_misuse(session->cli, "%s", err.msg);
	if (number < 1 || number > SHARE_MOST)
		return cli_misuse(session->cli,
				  "--processes takes 1 to %d, not %lld",
				  SHARE_MOST, (long long)number);
	out->processes = number > 1 ? (int)number : 0;
	if (out->processes)
		command_of_share(session, agent, out);
	return RUN_OK;
}

static enum run_exit carry_out(struct session *session,
			       const struct config_agent *agent,
			       const struct config_profile *profile)
{
	struct error err = ERROR_INIT;
	struct share share = { 0 };
	struct runner runner;
	enum run_exit exit;

	session_catch_interrupt();
	runner_init(&runner, session);
	exit = take_files(session->cli, profile, &runner.options);
	if (exit == RUN_OK)
		exit = take_processes(session, agent, &share);
	if (share.processes)
		runner.options.share = &share;
	if (exit != RUN_OK) {
		runner_release(&runner);
		return exit;
	}
	exit = run_profile(session->store, session->config, agent, profile,
			   &runner.options, &err);
	exit = report_end(&runner, exit, &err);
	runner_release(&runner);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	const char *name = cli_word(cli, 1);
	const struct config_agent *agent;
	struct config_profile profile = { 0 };
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);

	if (exit != RUN_OK)
		return exit;
	agent = session_agent(&session, cli_word(cli, 0));
	if (!agent)
		exit = RUN_USAGE;
	else if (!name || !config_profile_find(agent, sv_from(name), &profile))
		exit = no_profile(cli, agent, name);
	if (exit == RUN_OK) {
		session.agent = agent;
		session.profile = &profile;
		exit = session_open_store(
			&session, SESSION_RUN,
			arena_printf(&cli->arena, "%s %s", agent->name, name));
		if (exit != RUN_OK)
			return exit;
		exit = carry_out(&session, agent, &profile);
	}
	session_close(&session);
	return exit;
}

const struct command command_run = {
	.name = "run",
	.usage = "AGENT PROFILE",
	.help = "one run: the steps of a profile",
	.more = "Every agent has the profiles full-import, delta-import, "
		"full-sync, delta-sync,\nexport, full-import-full-sync, "
		"full-import-delta-sync and delta-import-delta-sync,\nand "
		"those under run_profiles in its file. Ctrl-C stops after the "
		"object at hand.\n",
	.options = options,
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
