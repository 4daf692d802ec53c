/*
 * cmd_status.c - `conjoin status`: how things stand, for a person at a glance
 * and for a monitor by the exit status
 *
 * What an agent's imports, synchronizations and exports came to is judged apart
 * from one another: an export that a guard stopped counts until the next
 * export, whatever is imported meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/session.h"
#include "store/copy.h"
#include "store/hold.h"
#include "store/status.h"

#include <string.h>

static const struct option_def options[] = {
	{ "max-age", "AGE", false,
	  "an agent whose last run is older is late: '2 hours'" },
	{ NULL, NULL, false, NULL },
};

#define STEP_KINDS 3 /* import, synchronization, export */

struct agent_state {
	const char *name;
	bool configured;
	struct run_row run; /* the last one; id 0: none */
	struct step_row steps[STEP_KINDS];
	size_t step_count;
	struct store_waiting waiting;
	const char *state;
	enum run_exit exit;
};

struct status {
	struct session *session;
	struct cli *cli;
	struct arena *arena;
	int64_t now;
	int64_t max_age; /* 0: none */
	struct store_info store;
	struct store_holders holders;
	int64_t holds; /* objects that a run was undone for */
	VEC(struct agent_state) agents;
	int64_t due;
	int64_t due_next;
	enum run_exit exit;
};

/* --- what is there ----------------------------------------------------- */

static struct agent_state *find_agent(struct status *status, const char *name)
{
	struct agent_state *agent;
	struct agent_state new = { .configured = false };

	vec_foreach(&status->agents, agent)
		if (!strcmp(agent->name, name))
			return agent;
	new.name = arena_cstr(status->arena, sv_from(name));
	vec_push(&status->agents, new);
	return &status->agents.at[status->agents.len - 1];
}

static int on_run(void *data, const struct run_row *row)
{
	struct status *status = data;
	struct agent_state *agent = find_agent(status, row->agent);

	agent->run = *row;
	agent->run.agent = agent->name;
	agent->run.profile = arena_cstr(status->arena, sv_from(row->profile));
	agent->run.host = arena_cstr(status->arena, sv_from(row->host));
	agent->run.result = arena_cstr(status->arena, sv_from(row->result));
	agent->run.message = arena_cstr(status->arena, sv_from(row->message));
	return 0;
}

static int on_step(void *data, const char *name, const struct step_row *row)
{
	struct status *status = data;
	struct agent_state *agent = find_agent(status, name);
	struct step_row *step;

	if (agent->step_count == STEP_KINDS)
		return 0;
	step = &agent->steps[agent->step_count++];
	*step = *row;
	step->kind = arena_cstr(status->arena, sv_from(row->kind));
	step->result = arena_cstr(status->arena, sv_from(row->result));
	step->message = arena_cstr(status->arena, sv_from(row->message));
	return 0;
}

static int load_waiting(struct status *status, struct error *err)
{
	struct store *store = status->session->store;
	struct agent_state *agent;

	vec_foreach(&status->agents, agent) {
		uint32_t number = store_name_find(store, NAME_AGENT,
						  sv_from(agent->name));

		if (number &&
		    store_waiting(store, number, &agent->waiting, err) < 0)
			return -1;
	}
	return 0;
}

static int load(struct status *status, struct error *err)
{
	const struct config *config = status->session->config;
	struct store *store = status->session->store;
	size_t i;

	for (i = 0; i < config->agent_count; i++)
		find_agent(status, config->agents[i].name)->configured = true;
	if (store_info(store, &status->store, err) < 0)
		return -1;
	if (store_holders(store, &status->holders, err) < 0 ||
	    store_last_runs(store, on_run, status, err) < 0 ||
	    store_last_steps(store, on_step, status, err) < 0 ||
	    load_waiting(status, err) < 0)
		return -1;
	status->holds = store_hold_count(store, err);
	if (status->holds < 0)
		return -1;
	return store_due_next(store, &status->due, &status->due_next, err);
}

/* --- what to think of it ----------------------------------------------- */

static void worse(struct agent_state *agent, enum run_exit exit,
		  const char *state)
{
	if (exit <= agent->exit)
		return;
	agent->exit = exit;
	agent->state = state;
}

static void judge_result(struct agent_state *agent, const char *result)
{
	enum run_exit exit = result_exit(result);

	worse(agent, exit,
	      exit == RUN_ERRORS    ? "errors"
	      : exit == RUN_STOPPED ? "stopped"
				    : "failed");
}

static bool is_open(const char *result, int64_t ended)
{
	return !ended && !strcmp(result, "in-progress");
}

static void judge(struct status *status, struct agent_state *agent)
{
	const struct run_row *run = &agent->run;
	size_t i;

	agent->state = run->id ? "ok" : "never-run";
	if (run->id && is_open(run->result, run->ended)) {
		if (store_run_going_on(run, &status->holders))
			agent->state = "going-on";
		else
			worse(agent, RUN_FAILED, "died");
	} else if (run->id) {
		judge_result(agent, run->result);
	}
	for (i = 0; i < agent->step_count; i++)
		if (!is_open(agent->steps[i].result, agent->steps[i].ended))
			judge_result(agent, agent->steps[i].result);
	if (agent->waiting.errors || agent->waiting.quarantined)
		worse(agent, RUN_ERRORS, "errors");
	if (status->max_age && agent->configured &&
	    (!run->id || status->now - run->started > status->max_age))
		worse(agent, RUN_FAILED, "late");
	/* one that left the files has nothing that could be put right */
	if (agent->configured && agent->exit > status->exit)
		status->exit = agent->exit;
}

/* --- JSON -------------------------------------------------------------- */

static json_t *time_json(struct status *status, int64_t time)
{
	return time ? json_of_text(output_time(time, status->arena))
		    : json_null();
}

static json_t *steps_json(struct status *status,
			  const struct agent_state *agent)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < agent->step_count; i++) {
		const struct step_row *step = &agent->steps[i];
		json_t *json = json_object();

		(void)json_object_set_new(json, "kind",
					  json_of_text(step->kind));
		(void)json_object_set_new(json, "run", json_integer(step->run));
		(void)json_object_set_new(json, "started",
					  time_json(status, step->started));
		(void)json_object_set_new(json, "ended",
					  time_json(status, step->ended));
		(void)json_object_set_new(json, "result",
					  json_of_text(step->result));
		(void)json_object_set_new(json, "message",
					  json_of_text(step->message));
		(void)json_array_append_new(list, json);
	}
	return list;
}

static json_t *run_json(struct status *status, const struct run_row *run)
{
	json_t *json;

	if (!run->id)
		return json_null();
	json = json_object();
	(void)json_object_set_new(json, "run", json_integer(run->id));
	(void)json_object_set_new(json, "profile", json_of_text(run->profile));
	(void)json_object_set_new(json, "started",
				  time_json(status, run->started));
	(void)json_object_set_new(json, "ended", time_json(status, run->ended));
	(void)json_object_set_new(
		json, "age_seconds",
		json_integer((status->now - run->started) / CLOCK_SECOND));
	(void)json_object_set_new(json, "result", json_of_text(run->result));
	(void)json_object_set_new(json, "message", json_of_text(run->message));
	return json;
}

static json_t *agent_json(struct status *status,
			  const struct agent_state *agent)
{
	const struct store_waiting *waiting = &agent->waiting;
	json_t *json = json_object();

	(void)json_object_set_new(json, "agent", json_of_text(agent->name));
	(void)json_object_set_new(json, "configured",
				  json_boolean(agent->configured));
	(void)json_object_set_new(json, "state", json_of_text(agent->state));
	(void)json_object_set_new(json, "exit", json_integer(agent->exit));
	(void)json_object_set_new(json, "last_run",
				  run_json(status, &agent->run));
	(void)json_object_set_new(json, "steps", steps_json(status, agent));
	(void)json_object_set_new(json, "pending_imports",
				  json_integer(waiting->imports));
	(void)json_object_set_new(json, "pending_exports",
				  json_integer(waiting->exports));
	(void)json_object_set_new(json, "awaiting",
				  json_integer(waiting->awaiting));
	(void)json_object_set_new(json, "errors",
				  json_integer(waiting->errors));
	(void)json_object_set_new(json, "quarantined",
				  json_integer(waiting->quarantined));
	return json;
}

/* The agent whose lease it is; NULL: the whole store's. */
static const char *agent_of(struct status *status,
			    const struct store_holder *holder)
{
	return holder->agent ? store_name(status->session->store, NAME_AGENT,
					  holder->agent)
			     : NULL;
}

static json_t *holder_json(struct status *status,
			   const struct store_holder *holder)
{
	const char *agent = agent_of(status, holder);
	json_t *json = json_object();

	(void)json_object_set_new(json, "agent",
				  agent ? json_of_text(agent) : json_null());
	(void)json_object_set_new(json, "run", json_integer(holder->run));
	(void)json_object_set_new(json, "what", json_of_text(holder->what));
	(void)json_object_set_new(json, "since",
				  time_json(status, holder->since));
	(void)json_object_set_new(json, "host", json_of_text(holder->host));
	(void)json_object_set_new(json, "process",
				  json_integer(holder->process));
	return json;
}

static json_t *holders_json(struct status *status)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < status->holders.count; i++)
		(void)json_array_append_new(
			list, holder_json(status, &status->holders.at[i]));
	return list;
}

static void print_json(struct status *status)
{
	const struct agent_state *agent;
	json_t *json = json_object();
	json_t *part = json_object();

	(void)json_object_set_new(part, "kind",
				  json_of_text(status->store.kind));
	(void)json_object_set_new(part, "name",
				  json_of_text(status->store.name));
	(void)json_object_set_new(part, "version",
				  json_integer(status->store.version));
	(void)json_object_set_new(part, "bytes",
				  json_integer(status->store.size));
	(void)json_object_set_new(json, "store", part);
	part = holders_json(status);
	(void)json_object_set(json, "holder",
			      json_array_size(part) ? json_array_get(part, 0)
						    : json_null());
	(void)json_object_set_new(json, "holders", part);
	part = json_array();
	vec_foreach(&status->agents, agent)
		(void)json_array_append_new(part, agent_json(status, agent));
	(void)json_object_set_new(json, "agents", part);
	part = json_object();
	(void)json_object_set_new(part, "count", json_integer(status->due));
	(void)json_object_set_new(part, "next",
				  time_json(status, status->due_next));
	(void)json_object_set_new(json, "due", part);
	(void)json_object_set_new(json, "held", json_integer(status->holds));
	(void)json_object_set_new(json, "exit", json_integer(status->exit));
	output_json(&status->cli->output, json);
}

/* --- text -------------------------------------------------------------- */

static const char *age(struct status *status, int64_t time)
{
	int64_t ms = (status->now - time) / (CLOCK_SECOND / 1000);

	return output_duration(ms > 0 ? ms : 0, status->arena);
}

static const char *safe(struct status *status, const char *text)
{
	return output_safe(sv_from(text), status->arena);
}

static void print_holder(struct status *status,
			 const struct store_holder *holder)
{
	(void)printf("running  run %lld (%s) for %s, on %s, process %lld\n",
		     (long long)holder->run, safe(status, holder->what),
		     age(status, holder->since), safe(status, holder->host),
		     (long long)holder->process);
}

static void print_head(struct status *status)
{
	int i;

	(void)printf("store    %s %s", status->store.kind,
		     safe(status, status->store.name));
	if (status->store.size)
		(void)printf(", %s",
			     output_bytes(status->store.size, status->arena));
	(void)printf(", version %lld\n", (long long)status->store.version);
	for (i = 0; i < status->holders.count; i++)
		print_holder(status, &status->holders.at[i]);
	if (!status->holders.count)
		(void)puts("running  nothing");
	if (status->due)
		(void)printf("due      %s to look at again by themselves, the "
			     "first at %s\n",
			     output_number(status->due, status->arena),
			     output_time(status->due_next, status->arena));
	if (status->holds)
		(void)printf("held     %s since a run was undone: nothing is "
			     "exported to them\n",
			     output_number(status->holds, status->arena));
}

static void add_number(struct table *table, struct status *status,
		       int64_t number)
{
	table_add(table,
		  sv_from(number ? output_number(number, status->arena) : "-"));
}

static void print_agents(struct status *status)
{
	static const struct table_column columns[] = {
		{ "AGENT", false },     { "STATE", false },
		{ "LAST RUN", false },  { "AGO", true },
		{ "IMPORTS", true },    { "EXPORTS", true },
		{ "AWAITING", true },   { "ERRORS", true },
		{ "QUARANTINE", true },
	};
	const struct agent_state *agent;
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	vec_foreach(&status->agents, agent) {
		const struct store_waiting *waiting = &agent->waiting;
		const struct run_row *run = &agent->run;

		table_add(&table, sv_from(agent->name));
		table_add(&table, sv_from(agent->state));
		table_addf(&table, "%s%s%s", run->id ? run->profile : "",
			   run->id ? ": " : "", run->id ? run->result : "");
		table_add(&table,
			  sv_from(run->id ? age(status, run->started) : ""));
		add_number(&table, status, waiting->imports);
		add_number(&table, status, waiting->exports);
		add_number(&table, status, waiting->awaiting);
		add_number(&table, status, waiting->errors);
		add_number(&table, status, waiting->quarantined);
	}
	table_print(&table, &status->cli->output);
	table_release(&table);
}

/* What stopped or failed, in its own words. */
static void print_troubles(struct status *status)
{
	const struct agent_state *agent;
	size_t i;

	vec_foreach(&status->agents, agent)
		for (i = 0; i < agent->step_count; i++) {
			const struct step_row *step = &agent->steps[i];

			if (is_open(step->result, step->ended) ||
			    result_exit(step->result) < RUN_STOPPED)
				continue;
			(void)printf("%s %s: %s %s ago, run %lld", agent->name,
				     step->kind, step->result,
				     age(status, step->started),
				     (long long)step->run);
			(void)printf("%s%s\n", *step->message ? ": " : "",
				     safe(status, step->message));
		}
	vec_foreach(&status->agents, agent) {
		if (!strcmp(agent->state, "died"))
			cli_hint(status->cli,
				 arena_printf(status->arena,
					      "run %lld has died; again",
					      (long long)agent->run.id),
				 "run %s %s", agent->name, agent->run.profile);
		if (agent->waiting.errors || agent->waiting.quarantined)
			cli_hint(status->cli, "what is in error", "errors %s",
				 agent->name);
	}
}

/* --- the command ------------------------------------------------------- */

static int read_age(struct cli *cli, int64_t *out, struct error *err)
{
	const char *text = args_value(&cli->args, "max-age");

	*out = 0;
	if (!text || (setting_parse_duration(sv_from(text), out) && *out > 0))
		return 0;
	return error_set(err, ERR_INVALID,
			 "'%s' is not an age: write '2 hours' or '1 day'",
			 text);
}

static enum run_exit show(struct session *session)
{
	struct cli *cli = session->cli;
	struct status status = { .session = session,
				 .cli = cli,
				 .arena = &cli->arena,
				 .now = clock_now() };
	struct error err = ERROR_INIT;
	struct agent_state *agent;
	int ret;

	if (read_age(cli, &status.max_age, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (store_read_begin(session->store, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	ret = load(&status, &err);
	store_read_end(session->store);
	vec_foreach(&status.agents, agent)
		judge(&status, agent);
	if (ret < 0) {
		status.exit = cli_fail_as(cli, RUN_FAILED, &err);
	} else if (cli->output.json) {
		print_json(&status);
	} else {
		print_head(&status);
		print_agents(&status);
		print_troubles(&status);
	}
	vec_release(&status.agents);
	return status.exit;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	enum run_exit exit = session_open(&session, cli, SESSION_READ, NULL);

	if (exit != RUN_OK)
		return exit;
	exit = show(&session);
	session_close(&session);
	return exit;
}

const struct command command_status = {
	.name = "status",
	.usage = "[--max-age AGE]",
	.help = "how things stand: store, runs, what waits, what is in error",
	.more = "Exit status, for monitoring: 0 all is well; 1 objects are in "
		"error or quarantine; 3 a guard or\nan operator stopped "
		"something; 4 a run failed or died, or an agent is late.\n",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
