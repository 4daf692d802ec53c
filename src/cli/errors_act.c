/*
 * errors_act.c - `conjoin errors retry|ignore|quarantine`
 *
 *	retry AGENT [OBJECT]               tried by the next delta-sync and
 *export ignore AGENT OBJECT until DATE     not shown until then; "off": again
 *	quarantine AGENT OBJECT            not exported until it changes, or
 *retry
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/errors_act.h"

#include "base/clock.h"
#include "cli/session.h"
#include "inspect/search.h"
#include "store/ignored.h"
#include "store/retry.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

struct failed {
	int64_t cs;
	struct sv code;
};

struct acting {
	struct session *session;
	struct cli *cli;
	uint32_t agent;
	VEC(struct failed) all; /* errors of the agent's objects */
	int64_t *ids;           /* that are meant */
	size_t count;
};

static const char *const verbs[] = { "retry", "ignore", "quarantine" };

bool errors_is_verb(const char *word)
{
	size_t i;

	for (i = 0; word && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(word, verbs[i]))
			return true;
	return false;
}

/* --- who is meant ------------------------------------------------------ */

static int on_error(void *data, const struct cs_error *row)
{
	struct acting *acting = data;
	struct failed failed = { row->cs,
				 arena_dup(&acting->cli->arena, row->code) };

	vec_push(&acting->all, failed);
	return 0;
}

static int find(struct acting *acting, struct error *err)
{
	struct arena *arena = &acting->cli->arena;
	const char *agent = cli_word(acting->cli, 1);
	const char *object = cli_word(acting->cli, 2);
	const struct failed *failed;
	int count;

	if (store_error_scan(acting->session->store, acting->agent, on_error,
			     acting, err) < 0)
		return -1;
	if (!object) {
		acting->ids = arena_array(arena, acting->all.len + 1,
					  sizeof(*acting->ids));
		vec_foreach(&acting->all, failed)
			acting->ids[acting->count++] = failed->cs;
		return 0;
	}
	count = search_cs_find(&acting->session->display, agent,
			       sv_from(object), arena, &acting->ids, err);
	if (count < 0)
		return -1;
	acting->count = (size_t)count;
	if (count == 0)
		return error_set(err, ERR_NOTFOUND,
				 "agent '%s' has no object '%s'; name it by "
				 "its DN, its anchor or its id",
				 agent, object);
	return 0;
}

/* --- one object -------------------------------------------------------- */

static int retry_one(struct acting *acting, struct store_tx *tx, int64_t cs,
		     struct error *err)
{
	(void)acting;
	if (store_queue_put(tx, cs, err) < 0)
		return -1;
	return store_retry_delete(tx, cs, RETRY_REFUSED | RETRY_CONTRADICTED,
				  err);
}

/* What is pending is not exported. */
static int hold_one(struct store_tx *tx, int64_t cs, struct error *err)
{
	int ret = retry_hold(tx, cs, err);

	if (ret <= 0)
		return ret;
	return error_set(err, ERR_INVALID,
			 "no export of the object is pending: there is nothing "
			 "to hold; a failed synchronization ends with what it "
			 "fails of");
}

static const char *user_name(void)
{
	const struct passwd *entry = getpwuid(getuid());

	return entry ? entry->pw_name : "?";
}

static int ignore_one(struct acting *acting, struct store_tx *tx, int64_t cs,
		      int64_t until, struct error *err)
{
	const struct failed *failed;
	bool known = false;

	vec_foreach(&acting->all, failed) {
		struct ignored row = { .cs = cs,
				       .code = failed->code,
				       .until = until,
				       .user = sv_from(user_name()) };

		if (failed->cs != cs)
			continue;
		known = true;
		if ((until ? ignored_put(tx, &row, err)
			   : ignored_delete(tx, cs, row.code, err)) < 0)
			return -1;
	}
	if (known)
		return 0;
	return error_set(err, ERR_INVALID,
			 "the object is not in error: there is nothing to "
			 "ignore");
}

/* --- the verbs --------------------------------------------------------- */

/* "until DATE", "DATE" or "off" (0): 1 read, 0 not such words. */
static int read_until(const struct cli *cli, int64_t *out)
{
	size_t at = 3;
	const char *word = cli_word(cli, at);

	if (word && !strcmp(word, "until"))
		word = cli_word(cli, ++at);
	*out = 0;
	if (!word || cli_word(cli, at + 1))
		return 0;
	return !strcmp(word, "off") || clock_parse_iso(sv_from(word), out);
}

static int act(struct acting *acting, const char *verb, int64_t until,
	       struct error *err)
{
	struct store_tx *tx;
	size_t i;
	int ret = 0;

	if (!acting->count)
		return 0;
	if (store_begin_beside(acting->session->store, acting->agent,
			       STORE_DURABLE, &tx, err) < 0)
		return -1;
	for (i = 0; i < acting->count && ret == 0; i++) {
		if (!strcmp(verb, "retry"))
			ret = retry_one(acting, tx, acting->ids[i], err);
		else if (!strcmp(verb, "quarantine"))
			ret = hold_one(tx, acting->ids[i], err);
		else
			ret = ignore_one(acting, tx, acting->ids[i], until,
					 err);
	}
	if (ret == 0)
		return store_commit(tx, err);
	store_rollback(tx);
	return -1;
}

static void print_done(const struct acting *acting, const char *verb,
		       int64_t until)
{
	struct cli *cli = acting->cli;
	const char *agent = cli_word(cli, 1);
	const char *plural = acting->count == 1 ? "" : "s";

	if (cli->output.quiet)
		return;
	if (!strcmp(verb, "retry")) {
		(void)printf("%zu object%s will be tried again\n",
			     acting->count, plural);
		cli_hint(cli, "now", "run %s delta-sync", agent);
	} else if (!strcmp(verb, "quarantine")) {
		(void)printf("%zu object%s not exported until another change "
			     "of it, or 'errors retry'\n",
			     acting->count, plural);
	} else if (until) {
		(void)printf("%zu object%s not shown until %s\n", acting->count,
			     plural, output_time(until, &cli->arena));
	} else {
		(void)printf("%zu object%s shown again\n", acting->count,
			     plural);
	}
}

static enum run_exit carry_out(struct acting *acting, const char *verb,
			       int64_t until)
{
	struct cli *cli = acting->cli;
	struct error err = ERROR_INIT;
	const char *did = !strcmp(verb, "retry")        ? "queued"
			  : !strcmp(verb, "quarantine") ? "quarantined"
							: "ignored";

	if (session_agent_number(acting->session, cli_word(cli, 1),
				 &acting->agent) < 0)
		return RUN_USAGE;
	if (!acting->agent)
		return cli_misuse(cli, "'%s' has not run yet",
				  cli_word(cli, 1));
	if (find(acting, &err) < 0 || act(acting, verb, until, &err) < 0)
		return cli_fail(cli, &err);
	if (cli->output.json)
		output_json(&cli->output,
			    json_pack("{s:I}", did, (json_int_t)acting->count));
	else
		print_done(acting, verb, until);
	return RUN_OK;
}

static enum run_exit check(struct cli *cli, const char *verb, int64_t *until)
{
	bool ignore = !strcmp(verb, "ignore");

	if (!cli_word(cli, 1))
		return cli_misuse(cli, "%s the objects of which agent?", verb);
	if (strcmp(verb, "retry") != 0 && !cli_word(cli, 2))
		return cli_misuse(cli, "%s which object of '%s'?", verb,
				  cli_word(cli, 1));
	if (!ignore && cli_word(cli, 3))
		return cli_misuse(cli, "'errors %s' does not take '%s'", verb,
				  cli_word(cli, 3));
	if (ignore && !read_until(cli, until))
		return cli_misuse(cli, "until when? add a date, as in: until "
				       "2027-03-31; or off");
	if (ignore && *until && *until <= clock_now())
		return cli_misuse(cli, "%s is over already",
				  output_time(*until, &cli->arena));
	return RUN_OK;
}

enum run_exit errors_act(struct cli *cli)
{
	const char *verb = cli_word(cli, 0);
	struct session session;
	struct acting acting = { .session = &session, .cli = cli };
	int64_t until = 0;
	enum run_exit exit = check(cli, verb, &until);

	if (exit == RUN_OK)
		exit = session_open(&session, cli, SESSION_WRITE, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = carry_out(&acting, verb, until);
	vec_release(&acting.all);
	session_close(&session);
	return exit;
}
