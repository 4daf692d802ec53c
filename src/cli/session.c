/*
 * session.c - load the configuration, open the store, take the lease
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/session.h"

#include "base/clock.h"
#include "cli/connectors.h"

#include <string.h>
#include <time.h>

volatile sig_atomic_t session_interrupted;

static void on_interrupt(int number)
{
	(void)number;
	session_interrupted = 1;
}

void session_catch_interrupt(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_interrupt;
	action.sa_flags = (int)SA_RESETHAND;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* --- configuration ----------------------------------------------------- */

void session_print_problems(struct cli *cli, const struct config *config,
			    FILE *stream)
{
	size_t warnings = config->problem_count - config->error_count;
	struct arena arena = ARENA_INIT;
	size_t i;

	for (i = 0; i < config->problem_count; i++) {
		const struct config_problem *problem = &config->problems[i];

		(void)fprintf(
			stream, "%s:%d:%d: %s%s:%s %s\n", problem->file,
			problem->line, problem->column,
			output_style(&cli->output, stream,
				     problem->warning ? STYLE_WARN : STYLE_BAD),
			problem->warning ? "warning" : "error",
			output_style(&cli->output, stream, STYLE_NONE),
			output_safe(sv_from(problem->text), &arena));
	}
	if (config->problem_count)
		(void)fprintf(stream, "%zu error%s, %zu warning%s\n",
			      config->error_count,
			      config->error_count == 1 ? "" : "s", warnings,
			      warnings == 1 ? "" : "s");
	arena_release(&arena);
}

json_t *session_problems_json(const struct config *config)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < config->problem_count; i++) {
		const struct config_problem *problem = &config->problems[i];
		json_t *item = json_object();

		(void)json_object_set_new(item, "file",
					  json_of_text(problem->file));
		(void)json_object_set_new(item, "line",
					  json_integer(problem->line));
		(void)json_object_set_new(item, "column",
					  json_integer(problem->column));
		(void)json_object_set_new(
			item, "severity",
			json_string(problem->warning ? "warning" : "error"));
		(void)json_object_set_new(item, "message",
					  json_of_text(problem->text));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static int read_overrides(struct cli *cli, struct config_options *options,
			  struct error *err)
{
	struct config_override *overrides = arena_array(
		&cli->arena, cli->args.options.len, sizeof(*overrides));
	const struct args_option *option;

	vec_foreach(&cli->args.options, option) {
		struct sv text;
		size_t equal;

		if (strcmp(option->def->name, "set") != 0)
			continue;
		text = sv_from(option->value);
		equal = sv_find(text, '=', 0);
		if (equal == 0 || equal == text.len)
			return error_set(err, ERR_INVALID,
					 "option '--set' needs NAME=VALUE, "
					 "not '%s'",
					 option->value);
		overrides[options->override_count].name =
			sv_sub(text, 0, equal);
		overrides[options->override_count++].value =
			sv_sub(text, equal + 1, text.len);
	}
	options->overrides = overrides;
	return 0;
}

static enum run_exit load(struct session *session)
{
	struct config_options options = { connectors, NULL, 0 };
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;

	if (read_overrides(cli, &options, &err) < 0 ||
	    config_load(cli->folder, &options, &session->config, &err) < 0)
		return cli_fail_as(cli, RUN_USAGE, &err);
	secrets_init(&session->secrets, session->config->folder);
	return RUN_OK;
}

enum run_exit session_refuse_problems(struct session *session)
{
	struct cli *cli = session->cli;
	const struct config *config = session->config;
	struct error err = ERROR_INIT;
	json_t *document;

	(void)error_set(&err, ERR_INVALID,
			"the configuration has %zu error%s: nothing was done",
			config->error_count,
			config->error_count == 1 ? "" : "s");
	if (!cli->output.json) {
		session_print_problems(cli, config, stderr);
		return cli_fail_as(cli, RUN_USAGE, &err);
	}
	document = json_object();
	(void)json_object_set_new(document, "error", cli_error_json(&err));
	(void)json_object_set_new(document, "problems",
				  session_problems_json(config));
	output_json(&cli->output, document);
	return RUN_USAGE;
}

/* --- the store --------------------------------------------------------- */

static enum run_exit busy(struct session *session,
			  const struct store_holder *holder)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	const char *age = output_duration((clock_now() - holder->since) /
						  (CLOCK_SECOND / 1000),
					  &cli->arena);
	json_t *document;
	json_t *item;

	(void)error_set(&err, ERR_CONFLICT,
			"another run is going on: run %lld (%s), for %s, on "
			"%s, process %lld; wait longer with --wait SECONDS",
			(long long)holder->run, holder->what, age, holder->host,
			(long long)holder->process);
	if (!cli->output.json)
		return cli_fail_as(cli, RUN_BUSY, &err);
	document = json_object();
	item = json_object();
	(void)json_object_set_new(item, "code", json_string("busy"));
	(void)json_object_set_new(item, "message", json_of_text(err.msg));
	(void)json_object_set_new(document, "error", item);
	item = json_object();
	(void)json_object_set_new(item, "run", json_integer(holder->run));
	(void)json_object_set_new(item, "what", json_of_text(holder->what));
	(void)json_object_set_new(
		item, "since",
		json_of_text(output_time(holder->since, &cli->arena)));
	(void)json_object_set_new(item, "host", json_of_text(holder->host));
	(void)json_object_set_new(item, "process",
				  json_integer(holder->process));
	(void)json_object_set_new(document, "holder", item);
	output_json(&cli->output, document);
	return RUN_BUSY;
}

#define POLL_MS 100

static void pause_a_moment(void)
{
	const struct timespec moment = { 0, POLL_MS * 1000000L };

	(void)nanosleep(&moment, NULL);
}

/* Of the agent alone when that is enough. */
static int try_lease(struct session *session, const char *what,
		     struct store_holder *holder, struct error *err)
{
	if (session->profile &&
	    run_needs_agent_only(session->store, session->config,
				 session->profile))
		return store_lease_agent(session->store, session->agent->name,
					 what, holder, err);
	return store_lease(session->store, what, holder, err);
}

static enum run_exit take_lease(struct session *session, const char *what)
{
	struct cli *cli = session->cli;
	struct store_holder holder;
	struct error err = ERROR_INIT;
	int64_t seconds = 60;
	int64_t deadline;
	bool told = false;
	int ret;

	if (args_number(&cli->args, "wait", &seconds, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (seconds > 1000000)
		seconds = 1000000;
	deadline = clock_monotonic_ms() + seconds * 1000;
	while ((ret = try_lease(session, what, &holder, &err)) == 0) {
		if (clock_monotonic_ms() >= deadline || session_interrupted)
			return busy(session, &holder);
		if (!told && !cli->output.quiet && !cli->output.json)
			(void)fprintf(stderr,
				      "waiting for run %lld (%s) to end\n",
				      (long long)holder.run, holder.what);
		told = true;
		pause_a_moment();
	}
	return ret < 0 ? cli_fail_as(cli, RUN_FAILED, &err) : RUN_OK;
}

static unsigned open_flags(enum session_mode mode)
{
	if (mode == SESSION_RUN)
		return STORE_CREATE;
	if (mode == SESSION_OVER)
		return STORE_OVERLAY;
	return mode == SESSION_READ ? STORE_READ : 0;
}

static enum run_exit open_store(struct session *session, enum session_mode mode,
				const char *what)
{
	const struct config *config = session->config;
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;

	if (store_open(config->store, (enum store_open_flags)open_flags(mode),
		       &session->store, &err) < 0)
		return err.code == ERR_NOTFOUND
			       ? cli_fail(cli, &err)
			       : cli_fail_as(cli, RUN_FAILED, &err);
	if (mode == SESSION_RUN || mode == SESSION_OVER)
		exit = take_lease(session, what);
	if (exit != RUN_OK)
		return exit;
	if (store_bind_attributes(session->store, config->attr_names,
				  config->attr_count, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	display_init(&session->display, session->store, config);
	return RUN_OK;
}

enum run_exit session_open_store(struct session *session,
				 enum session_mode mode, const char *what)
{
	struct cli *cli = session->cli;
	bool wrong = session->config->error_count > 0;
	enum run_exit exit;

	if (wrong && (mode == SESSION_RUN || mode == SESSION_OVER ||
		      !session->config->store)) {
		exit = session_refuse_problems(session);
	} else {
		if (wrong && !cli->output.json)
			cli_warn(cli, "the configuration has errors; "
				      "'conjoin check' lists them");
		exit = open_store(session, mode, what);
	}
	if (exit != RUN_OK)
		session_close(session);
	return exit;
}

enum run_exit session_open(struct session *session, struct cli *cli,
			   enum session_mode mode, const char *what)
{
	enum run_exit exit;

	memset(session, 0, sizeof(*session));
	session->cli = cli;
	exit = load(session);
	if (exit != RUN_OK)
		return exit;
	if (mode == SESSION_RIGHT && session->config->error_count) {
		exit = session_refuse_problems(session);
		session_close(session);
		return exit;
	}
	if (mode == SESSION_CONFIG || mode == SESSION_RIGHT)
		return RUN_OK;
	return session_open_store(session, mode, what);
}

void session_close(struct session *session)
{
	display_release(&session->display);
	store_close(session->store);
	config_free(session->config);
	secrets_release(&session->secrets);
	memset(session, 0, sizeof(*session));
}

/* --- agents ------------------------------------------------------------ */

static void no_agent(struct session *session, const char *name)
{
	const struct config *config = session->config;
	struct cli *cli = session->cli;
	const char **names =
		arena_array(&cli->arena, config->agent_count, sizeof(*names));
	struct error err = ERROR_INIT;
	struct strbuf all = STRBUF_INIT(256);
	size_t i;

	strbuf_adds(&all, "; there are: ");
	for (i = 0; i < config->agent_count; i++) {
		names[i] = config->agents[i].name;
		strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	(void)error_set(&err, ERR_NOTFOUND, "no agent '%s'%s", name,
			cli_near(cli, name, names, config->agent_count,
				 strbuf_cstr(&all)));
	(void)cli_fail_as(cli, RUN_USAGE, &err);
	strbuf_release(&all);
}

const struct config_agent *session_agent(struct session *session,
					 const char *name)
{
	const struct config_agent *agent =
		config_agent_find(session->config, sv_from(name));

	if (!agent)
		no_agent(session, name);
	return agent;
}

int session_agent_number(struct session *session, const char *name,
			 uint32_t *out)
{
	*out = store_name_find(session->store, NAME_AGENT, sv_from(name));
	if (*out || config_agent_find(session->config, sv_from(name)))
		return 0;
	no_agent(session, name);
	return -1;
}
