/*
 * cmd_apply.c - `conjoin apply`: exactly what a plan has, or nothing
 *
 * Under the lease the plan is made once more over the store: what comes out
 * must be what the file has, before anything is written. Then the syncs are
 * done in the store itself, with the plan's time and random values, what is
 * pending is compared again, and the exports write those objects and no
 * others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/seal.h"
#include "cli/cleanup_plan.h"
#include "cli/planning.h"
#include "cli/runner.h"

#include <string.h>

#define set json_object_set_new

static const struct option_def options[] = {
	{ "still-valid-only", NULL, false,
	  "when something differs: what of the plan is still the same; shown, "
	  "and with --yes written" },
	{ "yes", NULL, false, "with --still-valid-only: write it" },
	{ "wait", "SECONDS", false,
	  "how long to wait for another run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

struct applying {
	struct cli *cli;
	struct session session; /* the store, with its lease */
	const char *path;
	struct plan_document document;
	struct planning planning; /* of the file */
	const char *agent;
	/* what would be written now, beside it; or NULL */
	struct plan_comparison *compared;
};

/* --- refused ----------------------------------------------------------- */

static enum run_exit refuse(struct applying *a, enum run_exit exit,
			    const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static enum run_exit refuse(struct applying *a, enum run_exit exit,
			    const char *fmt, ...)
{
	struct error err = ERROR_INIT;
	va_list args;

	va_start(args, fmt);
	err.code = ERR_CONFLICT;
	(void)vsnprintf(err.msg, sizeof(err.msg), fmt, args);
	va_end(args);
	return cli_fail_as(a->cli, exit, &err);
}

/* 1: *out is what the store knows; 0 nothing; -1 */
static int known(struct applying *a, const char *what, struct sv *out,
		 struct error *err)
{
	return store_meta_get(a->session.store,
			      planning_meta(&a->document, what, &a->cli->arena),
			      &a->cli->arena, out, err);
}

/* 1: nobody has to approve it, or somebody did; 0 it was refused; -1 */
static int approved(struct applying *a, enum run_exit *exit, struct error *err)
{
	const char *size = planning_exceeds(&a->document, a->session.config,
					    &a->cli->arena);
	const char *why = a->document.guarded ? "a guard would stop what it has"
					      : size;
	struct sv text;
	int ret = why ? known(a, "approved", &text, err) : 1;

	if (ret == 0)
		*exit = refuse(a, RUN_STOPPED,
			       "somebody has to approve the plan '%s', since "
			       "%s: conjoin plan approve %s --by NAME; nothing "
			       "was written",
			       a->path, why, a->path);
	return ret;
}

static enum run_exit check(struct applying *a)
{
	const json_t *head = a->document.head;
	const char *rules = json_string_value(json_object_get(head, "rules"));
	enum run_exit exit = RUN_OK;
	struct error err = ERROR_INIT;
	struct sv text;
	int ret = known(a, "applied", &text, &err);

	if (ret > 0)
		return refuse(a, RUN_USAGE,
			      "the plan '%s' was applied already, " SV_FMT
			      "; make a new one",
			      a->path, SV_ARG(text));
	if (ret == 0 &&
	    (!rules || strcmp(rules, plan_rules_id(a->session.config,
						   &a->cli->arena)) != 0))
		return refuse(a, RUN_MOVED,
			      "the rules are not those that the plan '%s' was "
			      "made with; nothing was written, make a new one",
			      a->path);
	if (ret == 0)
		ret = approved(a, &exit, &err);
	return ret < 0 ? cli_fail_as(a->cli, RUN_FAILED, &err) : exit;
}

/* The seed, the time and what else the plan was made with. */
static int take_head(struct applying *a, struct planning *planning,
		     struct error *err)
{
	const json_t *head = a->document.head;
	const char *text = json_string_value(json_object_get(head, "seed"));
	struct seal seal = { .key = secrets_seal_key,
			     .data = &a->session.secrets };
	struct strbuf sealed = STRBUF_INIT(4096);
	struct sv plain = SV_NULL;
	int ret = -1;

	planning->imports = json_is_true(json_object_get(head, "import"));
	planning->undo = json_integer_value(json_object_get(head, "undo"));
	if (cleanup_plan_read(head, planning->session->config, &a->cli->arena,
			      &planning->cleanup, err) < 0)
		return -1;
	planning->options.now =
		json_integer_value(json_object_get(head, "now"));
	if (!text || strbuf_add_unbase64(&sealed, sv_from(text)) <= 0)
		(void)error_set(err, ERR_INVALID,
				"'%s' has no seed; make the plan anew",
				a->path);
	else
		ret = seal_open(&seal, strbuf_sv(&sealed), &a->cli->arena,
				&plain, err);
	if (ret == 0 && plain.len == sizeof(planning->seed))
		memcpy(planning->seed, plain.ptr, plain.len);
	else if (ret == 0)
		ret = error_set(err, ERR_INVALID,
				"'%s' has a damaged seed; make the plan anew",
				a->path);
	seal_wipe(plain);
	seal_release(&seal);
	strbuf_release(&sealed);
	return ret;
}

/* --- compared ---------------------------------------------------------- */

static enum run_exit compare(struct applying *a, struct planning *planning,
			     struct error *err)
{
	struct plan_collector how = { .agent = a->agent };
	struct plan_document now;
	enum run_exit exit = RUN_FAILED;

	plan_comparison_free(a->compared);
	a->compared = plan_comparison_new(&a->document,
					  planning->session->store, err);
	how.comparison = a->compared;
	plan_document_init(&now);
	if (a->compared && take_head(a, planning, err) == 0)
		exit = planning_run(planning, &how, &now, err);
	if (exit <= RUN_ERRORS && planning->cleanup)
		plan_comparison_conflicts(a->compared, now.conflicts);
	plan_document_release(&now);
	return exit;
}

/* Over the store: nothing is written yet. */
static enum run_exit rehearse(struct applying *a)
{
	struct planning planning;
	struct error err = ERROR_INIT;
	struct session over;
	enum run_exit exit = session_open(&over, a->cli, SESSION_OVER, "apply");

	if (exit != RUN_OK)
		return exit;
	planning_init(&planning, &over);
	exit = compare(a, &planning, &err);
	if (exit > RUN_ERRORS)
		(void)cli_fail_as(a->cli, exit, &err);
	planning_release(&planning);
	session_close(&over);
	return exit > RUN_ERRORS ? exit : RUN_OK;
}

static void tell_more(int64_t more)
{
	if (more)
		(void)fprintf(stderr, "  ... and %lld more\n", (long long)more);
}

static void tell_differences(struct applying *a, const char *end)
{
	struct cli *cli = a->cli;
	json_t *told = plan_differences_told(a->compared);
	int64_t all = plan_differences(a->compared);
	json_t *difference;
	size_t i;

	if (cli->output.json) {
		output_json(&cli->output,
			    json_pack("{s:s, s:i, s:I, s:O}", "result", "moved",
				      "exit", RUN_MOVED, "count",
				      (json_int_t)all, "differences", told));
		return;
	}
	(void)fprintf(stderr,
		      "conjoin: the plan '%s' is not what would be "
		      "written now:\n",
		      a->path);
	json_array_foreach(told, i, difference)
	{
		const char *object = plan_text(difference, "object");
		const char *what = plan_text(difference, "what");

		(void)fprintf(stderr, "  %s: %s\n",
			      output_safe(sv_from(object), &cli->arena),
			      output_safe(sv_from(what), &cli->arena));
	}
	tell_more(all - (int64_t)json_array_size(told));
	(void)fprintf(stderr, "%s\n", end);
}

/* What is left of the plan; what all of it came to does not count. */
static int show_same(struct applying *a, struct error *err)
{
	const struct plan_view view = { .only = plan_same_lines(a->compared) };
	struct plan_document *document = &a->document;
	int64_t count = document->count;
	int ret;

	document->count = (int64_t)plan_same(a->compared)->len;
	(void)json_object_clear(document->agents);
	(void)json_object_clear(document->causes);
	document->several = 0;
	ret = plan_print(a->cli, document, &view, err);
	document->count = count;
	return ret;
}

static enum run_exit still_valid(struct applying *a)
{
	struct cli *cli = a->cli;
	struct error err = ERROR_INIT;

	if (!plan_differences(a->compared))
		return RUN_OK;
	if (json_object_get(a->document.head, "cleanup")) {
		tell_differences(a, "nothing was written; make the plan again "
				    "from the file, it leaves out what has "
				    "changed");
		return RUN_MOVED;
	}
	if (!args_has(&cli->args, "still-valid-only")) {
		tell_differences(a, "nothing was written; make a new plan, or "
				    "see what is left of this one with "
				    "--still-valid-only");
		return RUN_MOVED;
	}
	if (json_integer_value(json_object_get(a->document.head, "undo"))) {
		tell_differences(a, "nothing was written; make the undo again, "
				    "it leaves alone what has changed");
		return RUN_MOVED;
	}
	if (!cli->output.json && show_same(a, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (args_has(&cli->args, "yes"))
		return RUN_OK;
	tell_differences(a, "nothing was written; what is left is written "
			    "with --still-valid-only --yes");
	return RUN_MOVED;
}

/* --- carried out ------------------------------------------------------- */

static const char *applied_text(struct applying *a)
{
	return arena_printf(&a->cli->arena, "by %s at %s",
			    run_user(&a->planning.options),
			    output_time(clock_now(), &a->cli->arena));
}

/* Nobody may do so again, whatever becomes of it. */
static int keep_applied(struct applying *a, struct error *err)
{
	struct arena *arena = &a->cli->arena;
	struct store_tx *tx;

	if (store_begin(a->session.store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (store_meta_set(tx, planning_meta(&a->document, "applied", arena),
			   sv_from(applied_text(a)), err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

/* Tokens, by agent, that let exactly this pass. */
static int make_tokens(struct applying *a, json_t **out, struct error *err)
{
	const struct plan_collector how = { .plan = a->planning.plan,
					    .session = &a->session,
					    .agent = a->agent,
					    .only = plan_same(a->compared),
					    .tokens = out };
	struct plan_document ignored;
	int ret;

	plan_document_init(&ignored);
	ret = plan_collect(&how, &ignored, err);
	plan_document_release(&ignored);
	return ret;
}

static enum run_exit export_one(struct applying *a, struct runner *runner,
				const struct config_agent *agent,
				const char *token, struct error *err)
{
	const struct config_step step = { .kind = STEP_EXPORT };
	struct config_step steps[] = { step };
	const struct config_profile profile = {
		.name = "export",
		.steps = steps,
		.step_count = 1,
	};

	runner->options.allow = token;
	runner->options.only = plan_same(a->compared);
	return run_profile(a->session.store, a->session.config, agent, &profile,
			   &runner->options, err);
}

static enum run_exit export_all(struct applying *a, struct runner *runner,
				const json_t *tokens, struct error *err)
{
	const struct config *config = a->session.config;
	enum run_exit worst = RUN_OK;
	size_t i;

	for (i = 0; i < config->cycle_count; i++) {
		const struct config_agent *agent =
			&config->agents[config->cycle[i]];
		const char *token =
			json_string_value(json_object_get(tokens, agent->name));
		struct error why = ERROR_INIT;
		enum run_exit exit;

		if (!token)
			continue;
		exit = export_one(a, runner, agent, token, &why);
		if (exit == RUN_FAILED && err->code == ERR_NONE)
			*err = why;
		if (exit > worst)
			worst = exit;
	}
	return worst;
}

/* What was refused is told, the rest counted. */
static void tell_rows(struct cli *cli, const json_t *rows)
{
	size_t failed = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(plan_text(row, "result"), "FAIL") != 0)
			continue;
		failed++;
		(void)printf(
			"FAIL  %s  %s  %s -> %s  (%s)\n",
			output_safe(sv_from(plan_text(row, "dn")), &cli->arena),
			plan_text(row, "attribute"),
			output_safe(sv_from(plan_text(row, "value")),
				    &cli->arena),
			output_safe(sv_from(plan_text(row, "update")),
				    &cli->arena),
			plan_text(row, "action"));
	}
	(void)printf("%zu COMPLETE, %zu FAIL%s\n",
		     json_array_size(rows) - failed, failed,
		     failed ? "; why: conjoin errors" : "");
}

/* Of a cleanup: each value; or NULL. */
static json_t *results_of(struct applying *a)
{
	struct error err = ERROR_INIT;
	json_t *rows = NULL;

	if (a->planning.cleanup) {
		rows = cleanup_plan_results(&a->planning, &err);
		if (!rows)
			cli_warn(a->cli, "%s", err.msg);
	}
	return rows;
}

static void tell_end(struct applying *a, struct runner *runner,
		     enum run_exit exit, const struct error *err)
{
	struct cli *cli = a->cli;
	json_t *rows = results_of(a);
	json_t *document;

	if (cli->output.json) {
		document = json_pack("{s:s, s:i, s:O}", "result",
				     exit <= RUN_ERRORS ? "applied" : "failed",
				     "exit", exit, "runs", runner->runs);
		if (err->code != ERR_NONE)
			(void)set(document, "error", cli_error_json(err));
		if (rows)
			(void)set(document, "rows", rows);
		output_json(&cli->output, document);
		return;
	}
	if (err->code != ERR_NONE)
		(void)cli_fail_as(cli, exit, err);
	if (!cli->output.quiet)
		(void)printf("applied: %zu object%s\n",
			     plan_same(a->compared)->len,
			     plan_same(a->compared)->len == 1 ? "" : "s");
	if (rows && !cli->output.quiet)
		tell_rows(cli, rows);
	json_decref(rows);
}

static enum run_exit carry_out(struct applying *a)
{
	bool left = plan_differences(a->compared) > 0;
	struct runner runner;
	struct error err = ERROR_INIT;
	json_t *tokens = NULL;
	enum run_exit exit;

	runner_init(&runner, &a->session);
	runner.brief = true;
	planning_init(&a->planning, &a->session);
	a->planning.options.no_keys = false;
	/* an undo is staged as a whole: it goes on with the next export */
	a->planning.done_key =
		planning_meta(&a->document, "applied", &a->cli->arena);
	a->planning.done_text = applied_text(a);
	exit = compare(a, &a->planning, &err);
	/* of a part the rest differs, as it was shown */
	if (exit <= RUN_ERRORS && !left && plan_differences(a->compared)) {
		tell_differences(a, "synchronized, but nothing was exported");
		exit = RUN_MOVED;
	} else if (exit <= RUN_ERRORS) {
		exit = make_tokens(a, &tokens, &err) < 0 ||
				       keep_applied(a, &err) < 0
			       ? RUN_FAILED
			       : export_all(a, &runner, tokens, &err);
		tell_end(a, &runner, exit, &err);
	} else {
		(void)cli_fail_as(a->cli, exit, &err);
	}
	json_decref(tokens);
	planning_release(&a->planning);
	runner_release(&runner);
	return exit;
}

static enum run_exit apply(struct applying *a)
{
	const char *agent;
	enum run_exit exit = planning_read(&a->session, a->path, &a->document);

	if (exit == RUN_OK)
		exit = check(a);
	if (exit != RUN_OK)
		return exit;
	agent = json_string_value(json_object_get(a->document.head, "agent"));
	a->agent = agent;
	exit = rehearse(a);
	if (exit == RUN_OK)
		exit = still_valid(a);
	return exit == RUN_OK ? carry_out(a) : exit;
}

static enum run_exit run(struct cli *cli)
{
	struct applying a = { .cli = cli, .path = cli_word(cli, 0) };
	enum run_exit exit =
		session_open(&a.session, cli, SESSION_RUN, "apply");

	if (exit != RUN_OK)
		return exit;
	session_catch_interrupt();
	plan_document_init(&a.document);
	exit = apply(&a);
	plan_comparison_free(a.compared);
	plan_document_release(&a.document);
	session_close(&a.session);
	return exit;
}

const struct command command_apply = {
	.name = "apply",
	.usage = "FILE",
	.help = "write exactly what a plan has, or nothing",
	.more = "The plan is made once more first. When anything is another "
		"than in the file, that is\ntold, nothing is written, and the "
		"exit status is 6.\n",
	.options = options,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
