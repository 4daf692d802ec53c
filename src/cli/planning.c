/*
 * planning.c - carry out what a plan is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/planning.h"

#include "base/clock.h"
#include "base/seal.h"
#include "cli/secrets.h"
#include "run/undo.h"

#include <string.h>

#define set json_object_set_new

static int on_progress(void *data, uint64_t objects, int permille)
{
	(void)data;
	(void)objects;
	(void)permille;
	return session_interrupted;
}

static void on_run_begin(void *data, int64_t run, const char *agent,
			 const char *profile)
{
	struct planning *planning = data;

	(void)run;
	(void)profile;
	(void)json_array_append_new(planning->failures, json_of_text(agent));
}

/* The agent stays in the list when something went wrong with it. */
static void on_step_end(void *data, const struct run_step *step)
{
	struct planning *planning = data;
	size_t last = json_array_size(planning->failures) - 1;
	const char *agent =
		json_string_value(json_array_get(planning->failures, last));
	struct arena arena = ARENA_INIT;

	if (result_exit(step->result) == RUN_OK)
		(void)json_array_remove(planning->failures, last);
	else
		(void)json_array_set_new(
			planning->failures, last,
			json_of_text(arena_printf(
				&arena, "%s: %s: %s%s%s", agent, step->kind,
				step->result, step->message[0] ? ": " : "",
				step->message)));
	arena_release(&arena);
}

void planning_init(struct planning *planning, struct session *session)
{
	const struct run_hooks hooks = {
		.data = planning,
		.run_begin = on_run_begin,
		.progress = on_progress,
		.step_end = on_step_end,
	};

	memset(planning, 0, sizeof(*planning));
	planning->session = session;
	planning->failures = json_array();
	planning->hooks = hooks;
	planning->options.hooks = &planning->hooks;
	planning->options.no_keys = true;
	planning->options.secret = secrets_resolve;
	planning->options.secret_data = &session->secrets;
	planning->options.seal_key = secrets_seal_key;
}

void planning_release(struct planning *planning)
{
	plan_free(planning->plan);
	json_decref(planning->failures);
	explicit_bzero(planning->seed, sizeof(planning->seed));
}

/* ---- an undo ---- */

/* Which exports are pending for it, and why; what is left alone. */
static json_t *take_orders(struct planning *planning,
			   const struct undo_task *task, struct idmap *staged)
{
	const char *cause = arena_printf(&planning->session->cli->arena,
					 "undo of run %lld",
					 (long long)task->run);
	json_t *conflicts = json_array();
	const struct undo_order *order;

	vec_foreach(&task->orders, order) {
		if (order->staged) {
			plan_note(planning->plan, order->staged, cause,
				  order->notes);
			idmap_put(staged, (uint64_t)order->staged, 1);
		} else if (order->conflict) {
			(void)json_array_append_new(
				conflicts,
				json_pack("{s:o, s:o}", "object",
					  json_of_text(order->name), "why",
					  json_of_text(order->conflict)));
		}
	}
	return conflicts;
}

static enum run_exit stage_undo(struct planning *planning, const char *agent,
				struct undo_task *task, struct error *err)
{
	struct session *session = planning->session;
	enum run_exit exit;

	if (undo_find(session->store, session->config, agent, task, err) < 0)
		return err->code == ERR_INVALID ? RUN_USAGE : RUN_FAILED;
	random_repeat(planning->seed);
	exit = run_undo(session->store, session->config, task,
			&planning->options, err);
	random_repeat(NULL);
	return exit;
}

static enum run_exit plan_undo(struct planning *planning, const char *agent,
			       const struct idmap *only,
			       struct plan_document *out, json_t **tokens_out,
			       struct error *err)
{
	struct session *session = planning->session;
	struct arena arena = ARENA_INIT;
	struct idmap staged = IDMAP_INIT;
	struct undo_task task = { .run = planning->undo,
				  .user = run_user(&planning->options),
				  .done_key = planning->done_key,
				  .done_text = planning->done_text,
				  .arena = &arena };
	enum run_exit exit = stage_undo(planning, agent, &task, err);

	if (exit <= RUN_ERRORS) {
		(void)set(out->head, "undo", json_integer(task.run));
		(void)set(out->head, "conflicts",
			  take_orders(planning, &task, &staged));
		if (plan_collect(planning->plan, session, NULL,
				 only ? only : &staged, out, tokens_out,
				 err) < 0)
			exit = RUN_FAILED;
	}
	vec_release(&task.orders);
	idmap_release(&staged);
	arena_release(&arena);
	return exit;
}

/* ---- run ---- */

enum run_exit planning_run(struct planning *planning, const char *agent,
			   const struct idmap *only, struct plan_document *out,
			   json_t **tokens_out, struct error *err)
{
	struct session *session = planning->session;
	enum run_exit exit;
	json_t *failure;
	size_t i;

	planning->plan = plan_new(&session->display, &planning->options);
	if (planning->undo)
		return plan_undo(planning, agent, only, out, tokens_out, err);
	random_repeat(planning->seed);
	exit = plan_run(planning->plan, planning->imports, err);
	random_repeat(NULL);
	json_array_foreach(planning->failures, i, failure)(void)
		json_array_append(out->warnings, failure);
	if (exit > RUN_ERRORS) {
		if (err->code == ERR_NONE)
			(void)error_set(err, ERR_CONFLICT, "%s",
					json_string_value(json_array_get(
						planning->failures, 0)));
		return exit;
	}
	if (plan_collect(planning->plan, session, agent, only, out, tokens_out,
			 err) < 0)
		return RUN_FAILED;
	return exit;
}

const char *planning_meta(const struct plan_document *document,
			  const char *what, struct arena *arena)
{
	const char *id =
		json_string_value(json_object_get(document->head, "id"));

	return arena_printf(arena, "plan.%s.%s", id ? id : "", what);
}

enum run_exit planning_read(struct session *session, const char *path,
			    struct plan_document *out)
{
	struct strbuf raw = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error err = ERROR_INIT;
	int ret = plan_read(path, out, &raw, &err);

	if (ret == 0)
		ret = plan_verify(out, &raw, session->store, path, &err);
	strbuf_release(&raw);
	return ret < 0 ? cli_fail_as(session->cli, RUN_USAGE, &err) : RUN_OK;
}

/* ---- given ---- */

static void fill_head(const struct planning *planning, const char *agent,
		      json_t *head)
{
	struct session *session = planning->session;
	struct cli *cli = session->cli;
	unsigned char uuid[16];
	char id[37];

	uuid_random(uuid);
	uuid_format(uuid, id);
	(void)set(head, "conjoin-plan", json_integer(PLAN_FORMAT));
	(void)set(head, "id", json_string(id));
	(void)set(head, "store",
		  json_of_text(plan_store_id(session->store, &cli->arena)));
	(void)set(head, "rules",
		  json_of_text(plan_rules_id(session->config, &cli->arena)));
	(void)set(
		head, "time",
		json_of_text(output_time(planning->options.now, &cli->arena)));
	(void)set(head, "now", json_integer(planning->options.now));
	(void)set(head, "user", json_of_text(run_user(&planning->options)));
	(void)set(head, "agent", json_of_text(agent));
	(void)set(head, "import", json_boolean(planning->imports));
}

/* What random values are made from lies sealed in the file. */
static int keep_seed(struct session *session, struct planning *planning,
		     json_t *head, struct error *err)
{
	struct strbuf text = STRBUF_INIT(4096);
	struct seal seal = { .key = secrets_seal_key,
			     .data = &session->secrets };
	struct sv sealed;
	int ret = seal_close(
		&seal,
		sv_make((const char *)planning->seed, sizeof(planning->seed)),
		&session->cli->arena, &sealed, err);

	if (ret == 0) {
		strbuf_add_base64(&text, sealed);
		(void)set(head, "seed", json_of_sv(strbuf_sv(&text)));
	}
	seal_release(&seal);
	strbuf_release(&text);
	return ret;
}

static int write_files(struct session *session, struct planning *planning,
		       struct plan_document *document, struct error *err)
{
	const struct args *args = &session->cli->args;
	const char *out = args_value(args, "out");
	const char *html = args_value(args, "html");
	const char *ldif = args_value(args, "ldif");

	if (out && (keep_seed(session, planning, document->head, err) < 0 ||
		    plan_write(document, session->store, out, err) < 0))
		return -1;
	if (html && plan_write_html(document, html, err) < 0)
		return -1;
	return ldif ? plan_write_ldif(document, ldif, err) : 0;
}

static void show(struct cli *cli, const struct plan_document *document,
		 int64_t limit)
{
	if (cli->output.json) {
		plan_print_json(cli, document);
		return;
	}
	plan_print(cli, document, limit);
	if (args_value(&cli->args, "out"))
		cli_hint(cli, "to write exactly this", "apply %s",
			 cli_quote(cli, args_value(&cli->args, "out")));
}

int planning_give(struct planning *planning, const char *agent,
		  struct plan_document *document, int64_t limit,
		  struct error *err)
{
	struct session *session = planning->session;

	fill_head(planning, agent, document->head);
	if (write_files(session, planning, document, err) < 0)
		return -1;
	show(session->cli, document, limit);
	return 0;
}
