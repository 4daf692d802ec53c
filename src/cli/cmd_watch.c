/*
 * cmd_watch.c - `conjoin watch`: imports as soon as something changes
 *
 * Listeners (run/listen.h) tell of changes, the clock of agents whose systems
 * do not. What is due is imported by ordinary runs, one after another, each
 * with a session and a lease of its own, so that other commands have their turn
 * and the configuration may change between them. What happens during a run
 * makes one more run due, however much it is. A server may tell of a change
 * before it shows it to others: a run after a notice that finds nothing is
 * followed by another one a little later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/runner.h"
#include "run/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_MS   100 /* what changes together is imported together */
#define FIRST_PAUSE 5000
#define LAST_PAUSE  60000
#define AGAIN_MS    3000 /* after a notice without anything to find */
#define NEVER       INT64_MAX

static const struct option_def options[] = {
	{ "cycle", NULL, false,
	  "each time a whole cycle instead of an import" },
	{ "every", "SECONDS", false,
	  "how often agents are imported whose systems do not tell of changes; "
	  "0: never; default: 60" },
	{ "wait", "SECONDS", false,
	  "how long to wait for another run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

/* An agent that is watched. Times are clock_monotonic_ms(). */
struct watched {
	const struct config_agent *agent;
	struct listener *listener; /* NULL: by the clock */
	int64_t due;               /* NEVER: nothing is to be done */
	int64_t pause;             /* after a failure */
	bool notice;               /* told of a change, nothing found yet */
};

struct watch {
	struct cli *cli;
	struct session *session; /* of the listeners */
	struct watched *all;
	size_t count;
	int64_t every; /* ms; 0: never */
	bool cycle;
	int pipe[2];
};

/* ---- what is told ---- */

static void tell_json(const char *event, const char *agent, const char *message)
{
	json_t *line = json_object();

	(void)json_object_set_new(line, "event", json_string(event));
	(void)json_object_set_new(line, "agent", json_of_text(agent));
	if (message)
		(void)json_object_set_new(line, "message",
					  json_of_text(message));
	(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(line);
}

static void tell(const struct watch *watch, const char *event,
		 const struct watched *one, const struct error *why)
{
	struct cli *cli = watch->cli;

	if (cli->output.json)
		tell_json(event, one->agent->name, why ? why->msg : NULL);
	else if (why)
		cli_warn(cli, "%s", why->msg);
	else if (!cli->output.quiet)
		(void)fprintf(stderr, "listening to changes of '%s'\n",
			      one->agent->name);
	arena_reset(&cli->arena);
}

static void tell_runs(const struct runner *runner)
{
	size_t i;

	for (i = 0; i < json_array_size(runner->runs); i++) {
		json_t *line = json_pack("{s:s}", "event", "run");

		(void)json_object_update(line, json_array_get(runner->runs, i));
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(line);
	}
	(void)fflush(stdout);
}

/* ---- runs ---- */

static bool step_found(const json_t *step)
{
	const char *name;
	json_t *count;

	json_object_foreach(
		json_object_get(step, "counters"), name,
		count) if (sv_starts(sv_from(name), SV_LIT("stage-")) &&
			   strcmp(name, "stage-no-change") != 0 &&
			   json_integer_value(count)) return true;
	return false;
}

/* Did an import find anything? */
static bool found_any(const struct runner *runner)
{
	size_t i;
	size_t k;

	for (i = 0; i < json_array_size(runner->runs); i++) {
		const json_t *steps = json_object_get(
			json_array_get(runner->runs, i), "steps");

		for (k = 0; k < json_array_size(steps); k++)
			if (step_found(json_array_get(steps, k)))
				return true;
	}
	return false;
}

static bool needs_full(const struct runner *runner)
{
	size_t count = json_array_size(runner->runs);
	const json_t *last = count ? json_array_get(runner->runs, count - 1)
				   : NULL;
	const char *result = json_string_value(json_object_get(last, "result"));

	return result && !strcmp(result, "no-start-full-import-required");
}

static enum run_exit import(struct session *session, struct runner *runner,
			    struct error *err)
{
	struct config_profile full;
	enum run_exit exit = run_import(session->store, session->config,
					session->agent, &runner->options, err);

	if (exit != RUN_FAILED || !needs_full(runner) ||
	    !config_profile_find(session->agent, SV_LIT("full-import"), &full))
		return exit;
	*err = (struct error)ERROR_INIT;
	return run_profile(session->store, session->config, session->agent,
			   &full, &runner->options, err);
}

/* With a session of its own; `name` NULL: a cycle. */
static enum run_exit carry_out(struct cli *cli, const char *name, bool *found)
{
	struct error err = ERROR_INIT;
	struct config_profile profile = { 0 };
	struct session session;
	struct runner runner;
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);

	if (exit != RUN_OK)
		return exit;
	if (name) {
		session.agent = session_agent(&session, name);
		if (!session.agent ||
		    !config_profile_find(session.agent, SV_LIT("full-import"),
					 &profile)) {
			session_close(&session);
			return RUN_USAGE;
		}
		session.profile = &profile;
	}
	exit = session_open_store(&session, SESSION_RUN, "watch");
	if (exit != RUN_OK)
		return exit;
	runner_init(&runner, &session);
	runner.brief = true;
	exit = name ? import(&session, &runner, &err)
		    : run_cycle(session.store, session.config, &runner.options,
				&err);
	*found = found_any(&runner);
	if (cli->output.json)
		tell_runs(&runner);
	runner_release(&runner);
	session_close(&session);
	return exit;
}

/* Memory of a run goes with it. */
static enum run_exit carry_out_apart(const struct watch *watch,
				     const char *name, bool *found)
{
	struct cli cli = *watch->cli;
	enum run_exit exit;

	*found = false;
	cli.arena = (struct arena)ARENA_INIT;
	exit = carry_out(&cli, name, found);
	arena_release(&cli.arena);
	return exit;
}

/* By the clock again, or after what failed once more. */
static void plan_next(const struct watch *watch, struct watched *one,
		      enum run_exit exit, bool found)
{
	int64_t now = clock_monotonic_ms();
	bool again = one->notice && !found;

	if (exit == RUN_FAILED || exit == RUN_BUSY || exit == RUN_USAGE) {
		one->pause = one->pause > LAST_PAUSE / 2 ? LAST_PAUSE
			     : one->pause                ? 2 * one->pause
							 : FIRST_PAUSE;
		if (one->due > now + one->pause)
			one->due = now + one->pause;
		return;
	}
	one->pause = 0;
	one->notice = false;
	if (again && one->due == NEVER)
		one->due = now + AGAIN_MS;
	if (!one->listener && watch->every && one->due == NEVER)
		one->due = now + watch->every;
}

static void run_cycle_once(struct watch *watch)
{
	enum run_exit exit;
	bool found;
	size_t i;

	for (i = 0; i < watch->count; i++)
		watch->all[i].due = NEVER;
	exit = carry_out_apart(watch, NULL, &found);
	for (i = 0; i < watch->count; i++)
		plan_next(watch, &watch->all[i], exit, found);
}

/* ---- what is due ---- */

static void take_news(struct watch *watch, int64_t now)
{
	struct error why;
	size_t i;

	for (i = 0; i < watch->count; i++) {
		struct watched *one = &watch->all[i];
		unsigned news = one->listener ? listen_take(one->listener, &why)
					      : 0;

		if (news & LISTEN_BEGAN)
			tell(watch, "listening", one, NULL);
		if (news & (LISTEN_LOST | LISTEN_REFUSED))
			tell(watch, news & LISTEN_LOST ? "lost" : "refused",
			     one, &why);
		if (news & LISTEN_CHANGED) {
			one->notice = true;
			if (one->due > now + SETTLE_MS)
				one->due = now + SETTLE_MS;
		}
		if (news & LISTEN_REFUSED) {
			listen_stop(one->listener);
			one->listener = NULL;
			if (watch->every)
				one->due = now;
		}
	}
}

static void run_one(struct watch *watch, struct watched *one)
{
	enum run_exit exit;
	bool found;

	one->due = NEVER;
	exit = carry_out_apart(watch, one->agent->name, &found);
	plan_next(watch, one, exit, found);
}

static void run_due(struct watch *watch, int64_t now)
{
	size_t i;

	for (i = 0; i < watch->count && !session_interrupted; i++) {
		struct watched *one = &watch->all[i];

		if (one->due > now)
			continue;
		if (watch->cycle) {
			run_cycle_once(watch);
			return;
		}
		run_one(watch, one);
	}
}

/* Until the next is due, somebody has news, or a signal comes. */
static void sleep_until_due(const struct watch *watch)
{
	struct pollfd fd = { .fd = watch->pipe[0], .events = POLLIN };
	int64_t now = clock_monotonic_ms();
	int64_t ms = 1000;
	char bytes[64];
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (watch->all[i].due < now + ms)
			ms = watch->all[i].due - now;
	if (poll(&fd, 1, ms > 0 ? (int)ms : 0) > 0)
		while (read(watch->pipe[0], bytes, sizeof(bytes)) > 0)
			;
}

static void watch_all(struct watch *watch)
{
	while (!session_interrupted) {
		int64_t now = clock_monotonic_ms();

		take_news(watch, now);
		run_due(watch, now);
		if (!session_interrupted)
			sleep_until_due(watch);
	}
}

/* ---- beginning and end ---- */

static bool can_import(const struct config_agent *agent)
{
	return (agent->caps & CONNECTOR_CAP_IMPORT) != 0;
}

/* RUN_OK: the agents that are named, or all. */
static enum run_exit choose(struct watch *watch)
{
	const struct config *config = watch->session->config;
	struct cli *cli = watch->cli;
	size_t words = cli->args.words.len;
	size_t most = words ? words : config->agent_count;
	const struct config_agent *agent;
	size_t i;

	watch->all = mem_zalloc((most + 1) * sizeof(*watch->all));
	for (i = 0; i < most; i++) {
		agent = words ? session_agent(watch->session, cli_word(cli, i))
			      : &config->agents[i];
		if (!agent)
			return RUN_USAGE;
		if (words && !can_import(agent))
			return cli_misuse(cli, "agent '%s' cannot import",
					  agent->name);
		if (can_import(agent))
			watch->all[watch->count++].agent = agent;
	}
	if (!watch->count)
		return cli_misuse(cli, "no agent can import");
	return RUN_OK;
}

static enum run_exit take_options(struct watch *watch)
{
	struct error err = ERROR_INIT;
	int64_t seconds = 60;

	if (args_number(&watch->cli->args, "every", &seconds, &err) < 0)
		return cli_misuse(watch->cli, "%s", err.msg);
	if (seconds < 0 || seconds > 1000000)
		return cli_misuse(watch->cli,
				  "--every takes 0 to 1000000 seconds, not "
				  "%lld",
				  (long long)seconds);
	watch->every = seconds * 1000;
	watch->cycle = args_has(&watch->cli->args, "cycle");
	return RUN_OK;
}

static enum run_exit start(struct watch *watch)
{
	const struct listen_options listening = {
		.config = watch->session->config,
		.secret = secrets_resolve,
		.secret_data = &watch->session->secrets,
		.wake = watch->pipe[1],
	};
	int64_t now = clock_monotonic_ms();
	bool any = false;
	size_t i;

	for (i = 0; i < watch->count; i++) {
		struct watched *one = &watch->all[i];

		if (one->agent->caps & CONNECTOR_CAP_NOTIFY)
			one->listener = listen_start(one->agent, &listening);
		one->due = !one->listener && watch->every ? now : NEVER;
		any |= one->listener || watch->every;
	}
	if (any)
		return RUN_OK;
	return cli_misuse(watch->cli, "no system tells of changes ('watch: "
				      "true' under connect) and '--every 0' "
				      "says never to look: nothing would ever "
				      "happen");
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	struct watch watch = { .cli = cli, .session = &session };
	enum run_exit exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	size_t i;

	if (exit != RUN_OK)
		return exit;
	if (pipe2(watch.pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		struct error err = ERROR_INIT;

		session_close(&session);
		(void)error_errno(&err, errno, "cannot make a pipe");
		return cli_fail_as(cli, RUN_FAILED, &err);
	}
	session_catch_interrupt();
	exit = take_options(&watch);
	if (exit == RUN_OK)
		exit = choose(&watch);
	if (exit == RUN_OK)
		exit = start(&watch);
	if (exit == RUN_OK)
		watch_all(&watch);
	for (i = 0; i < watch.count; i++)
		listen_stop(watch.all[i].listener);
	mem_free(watch.all);
	(void)close(watch.pipe[0]);
	(void)close(watch.pipe[1]);
	session_close(&session);
	return exit;
}

const struct command command_watch = {
	.name = "watch",
	.usage = "[AGENT...]",
	.help = "import as soon as something changes, until it is ended",
	.more = "Agents with 'watch: true' under connect are told by their "
		"systems when something\nchanges, the others look every "
		"--every SECONDS. Each time a delta import runs where\none can "
		"follow, else a full one; with --cycle a cycle. Without AGENT: "
		"all agents.\nCtrl-C or SIGTERM ends it after the object at "
		"hand.\n",
	.options = options,
	.min_words = 0,
	.max_words = SIZE_MAX,
	.run = run,
};
