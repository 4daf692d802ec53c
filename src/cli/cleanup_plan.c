/*
 * cleanup_plan.c - what a person decided about values, as a plan
 *
 * The plan's head holds the decisions and the text of the checks, so that who
 * applies it asks all of it again: is the value as it was, do the rules let it
 * be, is what comes right beside all else that is there by then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cleanup_plan.h"

#include "run/edit.h"

#include <stdlib.h>
#include <string.h>

#define set json_object_set_new

/* ---- the head ---- */

static json_t *edit_json(const struct cleanup_edit *edit)
{
	json_t *json = json_object();

	(void)set(json, "line", json_integer((json_int_t)edit->line));
	(void)set(json, "dn", json_of_sv(edit->dn));
	(void)set(json, "anchor", json_of_sv(edit->anchor));
	(void)set(json, "type", json_of_sv(edit->type));
	(void)set(json, "attribute", json_of_sv(edit->attr));
	(void)set(json, "value", json_of_sv(edit->value));
	(void)set(json, "update", json_of_sv(edit->update));
	(void)set(json, "action",
		  json_of_text(cleanup_action_name(edit->action)));
	return json;
}

void cleanup_plan_head(const struct cleanup_plan *plan, json_t *head)
{
	json_t *edits = json_array();
	size_t i;

	for (i = 0; i < plan->count; i++)
		(void)json_array_append_new(edits, edit_json(&plan->edits[i]));
	(void)set(head, "cleanup",
		  json_pack("{s:o, s:o, s:b}", "file", json_of_text(plan->file),
			    "checks", json_of_text(plan->checks_name),
			    "accept_wrong", plan->accept));
	(void)set(head, "edits", edits);
	(void)set(head, "checks", json_of_sv(plan->checks_text));
}

static struct sv text_at(const json_t *json, const char *key,
			 struct arena *arena)
{
	const json_t *text = json_object_get(json, key);

	if (!json_is_string(text))
		return SV_NULL;
	return arena_dup(arena, sv_make(json_string_value(text),
					json_string_length(text)));
}

static int take_edit(const json_t *json, struct arena *arena,
		     struct cleanup_edit *out)
{
	memset(out, 0, sizeof(*out));
	out->line = (size_t)json_integer_value(json_object_get(json, "line"));
	out->dn = text_at(json, "dn", arena);
	out->anchor = text_at(json, "anchor", arena);
	out->type = text_at(json, "type", arena);
	out->attr = text_at(json, "attribute", arena);
	out->value = text_at(json, "value", arena);
	out->update = text_at(json, "update", arena);
	return cleanup_action_parse(text_at(json, "action", arena),
				    &out->action);
}

int cleanup_plan_read(const json_t *head, const struct config *config,
		      struct arena *arena, struct cleanup_plan **out,
		      struct error *err)
{
	const json_t *about = json_object_get(head, "cleanup");
	const json_t *edits = json_object_get(head, "edits");
	struct cleanup_plan *plan;
	json_t *edit;
	size_t i;

	if (!about)
		return 0;
	plan = arena_zalloc(arena, sizeof(*plan));
	plan->agent = config_agent_find(config, text_at(head, "agent", arena));
	plan->checks_name = arena_cstr(arena, text_at(about, "checks", arena));
	plan->checks_text = text_at(head, "checks", arena);
	plan->accept = json_is_true(json_object_get(about, "accept_wrong"));
	plan->count = json_array_size(edits);
	plan->edits = arena_array(arena, plan->count + 1, sizeof(*plan->edits));
	json_array_foreach(edits, i, edit)
	{
		if (!take_edit(edit, arena, &plan->edits[i]))
			return error_set(err, ERR_CORRUPT,
					 "an edit of the plan cannot be read");
	}
	*out = plan;
	return 1;
}

/* ---- the checks ---- */

#define MAX_CHECKS 1000000 /* bytes of a file */

int cleanup_find_checks(struct cli *cli, const char *name,
			const char **name_out, struct sv *out,
			struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_CHECKS);
	const char *known;
	size_t count = 0;
	int ret;

	if (!name)
		name = checks_names[0];
	*name_out = name;
	known = checks_text(name);
	*out = sv_from(known);
	if (known)
		return 0;
	while (checks_names[count])
		count++;
	if (!file_exists(name))
		return error_set(err, ERR_INVALID,
				 "--checks: there is neither a file nor "
				 "checks called '%s'%s",
				 name,
				 cli_near(cli, name, checks_names, count,
					  "; there are idfix, idfix-dedicated "
					  "and m365"));
	ret = file_read(name, &text, err);
	*out = arena_dup(&cli->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return ret;
}

/* ---- orders: what is still wanted, by object ---- */

static int by_id(const void *a, const void *b)
{
	const struct cleanup_edit *const *x = a;
	const struct cleanup_edit *const *y = b;

	if ((*x)->id != (*y)->id)
		return (*x)->id < (*y)->id ? -1 : 1;
	return ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static struct edit_task make_task(struct cleanup_plan *plan,
				  struct edit_value *values,
				  struct arena *arena)
{
	struct edit_task task = { .what = "cleanup", .arena = arena };
	struct cleanup_edit **open =
		arena_array(arena, plan->count + 1, sizeof(*open));
	struct edit_value **sorted =
		arena_array(arena, plan->count + 1, sizeof(*sorted));
	size_t count = 0;
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (!plan->edits[i].why)
			open[count++] = &plan->edits[i];
	if (count)
		qsort(open, count, sizeof(struct cleanup_edit *), by_id);
	task.orders = arena_zalloc(arena, (count + 1) * sizeof(*task.orders));
	for (i = 0; i < count; i++) {
		const struct cleanup_edit *edit = open[i];
		struct edit_value *value = &values[edit - plan->edits];

		*value = (struct edit_value){ .attr = edit->number,
					      .gone = edit->gone,
					      .come = edit->come };
		sorted[i] = value;
		if (!i || open[i - 1]->id != edit->id) {
			task.orders[task.count].cs = edit->id;
			task.orders[task.count].values = &sorted[i];
			task.count++;
		}
		task.orders[task.count - 1].count++;
	}
	return task;
}

static void take_conflicts(struct cleanup_plan *plan,
			   const struct edit_value *values)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (!plan->edits[i].why)
			plan->edits[i].why = values[i].conflict;
}

/* ---- asked ---- */

static int ask_store(struct planning *planning, struct edit_value *values,
		     struct arena *arena, struct error *err)
{
	struct session *session = planning->session;
	struct cleanup_plan *plan = planning->cleanup;
	struct edit_task task;
	struct checks *checks;
	int ret;

	if (checks_read(&session->display, plan->agent, plan->checks_name,
			plan->checks_text, arena, &checks, err) < 0 ||
	    store_read_begin(session->store, err) < 0)
		return -1;
	ret = cleanup_find(checks, plan->edits, plan->count, arena, err);
	store_read_end(session->store);
	if (ret < 0)
		return -1;
	task = make_task(plan, values, arena);
	task.now = planning->options.now;
	if (sync_edit_check(session->store, session->config, plan->agent, &task,
			    err) < 0)
		return -1;
	take_conflicts(plan, values);
	if (store_read_begin(session->store, err) < 0)
		return -1;
	ret = cleanup_recheck(checks, plan->edits, plan->count, plan->accept,
			      arena, err);
	store_read_end(session->store);
	return ret;
}

static bool in_cycle(const struct config *config,
		     const struct config_agent *agent)
{
	size_t i;

	for (i = 0; i < config->cycle_count; i++)
		if (config->cycle[i] == agent->index)
			return true;
	return false;
}

static int check_agent(const struct config *config,
		       const struct config_agent *agent, struct error *err)
{
	if (!agent)
		return error_set(err, ERR_INVALID,
				 "its agent is in no file any more");
	if (!(agent->caps & CONNECTOR_CAP_EXPORT))
		return error_set(err, ERR_UNSUPPORTED,
				 "agent '%s' only reads its system: nothing "
				 "can be written there",
				 agent->name);
	if (!in_cycle(config, agent))
		return error_set(err, ERR_INVALID,
				 "agent '%s' takes no part in cycles and "
				 "plans: name it in 'cycle: order' of "
				 "conjoin.yaml",
				 agent->name);
	return 0;
}

/* ---- told ---- */

#define SHOWN 60 /* bytes of a value */

static void add_conflicts(const struct cleanup_plan *plan, json_t *conflicts,
			  struct arena *arena)
{
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct cleanup_edit *edit = &plan->edits[i];
		struct sv value = edit->value;

		if (!edit->why || edit->action == CLEANUP_COMPLETE)
			continue;
		if (value.len > SHOWN)
			value.len = SHOWN;
		(void)json_array_append_new(
			conflicts,
			json_pack("{s:o, s:o, s:I}", "object",
				  json_of_sv(edit->dn.len ? edit->dn
							  : edit->anchor),
				  "why",
				  json_of_text(arena_printf(
					  arena, SV_FMT " '" SV_FMT "': %s",
					  SV_ARG(edit->attr), SV_ARG(value),
					  edit->why)),
				  "line", (json_int_t)edit->line));
	}
}

/* What the checks find wrong and the person wants all the same. */
#define WARN_MOST 100 /* the others are counted */

static void add_warnings(const struct cleanup_plan *plan, json_t *warnings,
			 struct arena *arena)
{
	size_t told = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct cleanup_edit *edit = &plan->edits[i];

		if (edit->why || !edit->errors || told++ >= WARN_MOST)
			continue;
		(void)json_array_append_new(
			warnings,
			json_of_text(arena_printf(
				arena, SV_FMT ": " SV_FMT " is wrong: %s",
				SV_ARG(edit->dn.len ? edit->dn : edit->anchor),
				SV_ARG(edit->attr),
				cleanup_error_names(edit->errors, arena))));
	}
	if (told > WARN_MOST)
		(void)json_array_append_new(
			warnings, json_of_text(arena_printf(
					  arena, "%zu more values are wrong",
					  told - WARN_MOST)));
}

static void warn_of_withdrawn(const struct planning *planning, json_t *warnings,
			      struct arena *arena)
{
	if (planning->withdrawn)
		(void)json_array_append_new(
			warnings,
			json_of_text(arena_printf(
				arena,
				"what was pending by an earlier decision is "
				"withdrawn from %zu object%s",
				planning->withdrawn,
				planning->withdrawn == 1 ? "" : "s")));
}

static void note_orders(struct planning *planning, const struct edit_task *task,
			struct idmap *staged)
{
	size_t i;

	for (i = 0; i < task->count; i++) {
		planning->withdrawn += task->orders[i].withdrawn;
		if (!task->orders[i].staged)
			continue;
		plan_note(planning->plan, task->orders[i].cs, "cleanup", NULL);
		idmap_put(staged, (uint64_t)task->orders[i].cs, 1);
	}
}

/* ---- run ---- */

static enum run_exit stage(struct planning *planning, struct arena *arena,
			   struct idmap *staged, struct error *err)
{
	struct session *session = planning->session;
	struct cleanup_plan *plan = planning->cleanup;
	struct edit_value *values =
		arena_zalloc(arena, (plan->count + 1) * sizeof(*values));
	enum run_exit exit = RUN_OK;
	struct edit_task task;

	if (check_agent(session->config, plan->agent, err) < 0)
		return RUN_USAGE;
	if (ask_store(planning, values, arena, err) < 0)
		return RUN_FAILED;
	task = make_task(plan, values, arena);
	task.done_key = planning->done_key;
	task.done_text = planning->done_text;
	if (task.count)
		exit = run_edit(session->store, session->config, plan->agent,
				&task, &planning->options, err);
	take_conflicts(plan, values);
	note_orders(planning, &task, staged);
	return exit;
}

enum run_exit cleanup_plan_run(struct planning *planning,
			       const struct plan_collector *how,
			       struct plan_document *out, struct error *err)
{
	struct plan_collector all = *how;
	struct arena arena = ARENA_INIT;
	struct idmap staged = IDMAP_INIT;
	enum run_exit exit = stage(planning, &arena, &staged, err);

	if (exit <= RUN_ERRORS) {
		add_conflicts(planning->cleanup, out->conflicts, &arena);
		add_warnings(planning->cleanup, out->warnings, &arena);
		warn_of_withdrawn(planning, out->warnings, &arena);
		if (!all.only)
			all.only = &staged;
		if (plan_collect(&all, out, err) < 0)
			exit = RUN_FAILED;
	}
	idmap_release(&staged);
	arena_release(&arena);
	return exit;
}

/* ---- what became of it ---- */

/* 1: it is there as it was decided; 0: it is pending still; -1 */
static int is_written(struct store *store, const struct cleanup_edit *edit,
		      struct arena *arena, struct error *err)
{
	struct entry entry;
	int ret = entry_load_export(store, edit->id, arena, &entry, err);

	if (ret <= 0)
		return ret;
	return !image_has(&entry.pending.attrs, edit->number);
}

json_t *cleanup_plan_results(const struct planning *planning, struct error *err)
{
	const struct cleanup_plan *plan = planning->cleanup;
	struct arena arena = ARENA_INIT;
	json_t *rows = json_array();
	int ret = 0;
	size_t i;

	for (i = 0; i < plan->count && ret >= 0; i++) {
		const struct cleanup_edit *edit = &plan->edits[i];
		json_t *row;

		if (edit->why || edit->action == CLEANUP_COMPLETE)
			continue;
		ret = is_written(planning->session->store, edit, &arena, err);
		row = edit_json(edit);
		(void)set(row, "result",
			  json_string(ret > 0 ? "COMPLETE" : "FAIL"));
		(void)json_array_append_new(rows, row);
		arena_reset(&arena);
	}
	arena_release(&arena);
	if (ret >= 0)
		return rows;
	json_decref(rows);
	return NULL;
}
