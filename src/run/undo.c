/*
 * undo.c - what a run exported, and the run that stages the opposite
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/undo.h"

#include "run/run_private.h"

#include <stdio.h>
#include <string.h>

#define CHUNK 256

struct finding {
	struct store *store;
	const struct config *config;
	struct undo_task *task;
	const char *agent; /* of the run */
	bool known;
	struct idmap seen;
	int64_t objects; /* without containers */
	int64_t counted; /* by the export steps */
};

/* ---- the run ---- */

static int on_run(void *data, const struct run_row *row)
{
	struct finding *f = data;

	f->known = true;
	f->agent = arena_cstr(f->task->arena, sv_from(row->agent));
	return 1;
}

static int on_counter(void *data, const struct counter_row *row)
{
	static const char *const names[] = { "export-add", "export-update",
					     "export-rename", "export-delete",
					     "export-delete-add" };
	struct finding *f = data;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(row->name, names[i]))
			f->counted += row->value;
	return 0;
}

struct steps {
	VEC(int64_t) ids;
};

static int on_step(void *data, const struct step_row *row)
{
	struct steps *steps = data;

	if (!strcmp(row->kind, "export"))
		vec_push(&steps->ids, row->id);
	return 0;
}

static int count_exports(struct finding *f, struct error *err)
{
	struct steps steps = { VEC_INIT };
	const int64_t *id;
	int ret = store_step_scan(f->store, f->task->run, on_step, &steps, err);

	vec_foreach(&steps.ids, id)
		if (ret >= 0)
			ret = store_counter_scan(f->store, *id, on_counter, f,
						 err);
	vec_release(&steps.ids);
	return ret < 0 ? -1 : 0;
}

static int check_run(struct finding *f, const char *agent, struct error *err)
{
	long long run = (long long)f->task->run;

	if (store_run_scan(f->store, f->task->run, 1, on_run, f, err) < 0)
		return -1;
	if (!f->known)
		return error_set(err, ERR_INVALID,
				 "there is no run %lld in the history; see "
				 "those that there are with: conjoin runs",
				 run);
	if (agent && strcmp(agent, f->agent) != 0)
		return error_set(err, ERR_INVALID,
				 "run %lld is one of agent '%s', not of '%s'",
				 run, f->agent, agent);
	if (!config_agent_find(f->config, sv_from(f->agent)))
		return error_set(err, ERR_INVALID,
				 "run %lld is one of agent '%s', which is in "
				 "no file any more: what it wrote cannot be "
				 "undone",
				 run, f->agent);
	return count_exports(f, err);
}

/* ---- its rows ---- */

struct of_object {
	VEC(struct past) found;
	int64_t before; /* rows older than this are to come */
};

/* 1 there may be more of the run, 0 not, -1 */
static int take_rows(struct finding *f, struct undo_order *order,
		     struct of_object *of, struct error *err)
{
	struct past_row rows[CHUNK];
	int count = store_past_of(f->store, order->cs, of->before, rows, CHUNK,
				  f->task->arena, err);
	int i;

	for (i = 0; i < count; i++) {
		const struct past_row *row = &rows[i];
		struct past past;

		of->before = row->id;
		if (PAST_RUN(row->id) < f->task->run)
			return 0;
		if (row->kind != PAST_EXPORT || row->answer.len)
			continue;
		if (PAST_RUN(row->id) > f->task->run) {
			order->later = PAST_RUN(row->id);
			continue;
		}
		if (past_decode(row, f->store, f->task->arena, &past, err) < 0)
			return -1;
		vec_push(&of->found, past);
	}
	return count < 0 ? -1 : count == CHUNK;
}

/* Of the object those of the run that succeeded, the newest first. */
static int add_rows(struct finding *f, struct undo_order *order,
		    struct error *err)
{
	struct of_object of = { VEC_INIT, INT64_MAX };
	int ret;

	do
		ret = take_rows(f, order, &of, err);
	while (ret > 0);
	order->row_count = of.found.len;
	order->rows = arena_array(f->task->arena, of.found.len + 1,
				  sizeof(*order->rows));
	if (of.found.len)
		memcpy(order->rows, of.found.at,
		       of.found.len * sizeof(of.found.at[0]));
	vec_release(&of.found);
	return ret;
}

/* An object that went in the run that made it is nobody's concern. */
static bool came_and_went(const struct undo_order *order)
{
	return order->rows[0].op == PENDING_DELETE &&
	       order->rows[order->row_count - 1].op == PENDING_ADD;
}

static int add_object(struct finding *f, const struct past_row *row,
		      struct error *err)
{
	struct undo_order order = { .cs = row->object, .type = row->type };

	if (row->kind != PAST_EXPORT ||
	    idmap_get(&f->seen, (uint64_t)row->object, NULL))
		return 0;
	idmap_put(&f->seen, (uint64_t)row->object, 1);
	if (add_rows(f, &order, err) < 0)
		return -1;
	if (!order.row_count)
		return 0;
	f->objects += row->type != 0;
	if (!came_and_went(&order))
		vec_push(&f->task->orders, order);
	return 0;
}

static int add_objects(struct finding *f, struct error *err)
{
	struct past_row rows[CHUNK];
	int64_t after = PAST_ID(f->task->run) - 1;
	int64_t end = PAST_ID(f->task->run + 1);
	int ret = 0;
	int count;
	int i;

	do {
		count = store_past_scan(f->store, after, end, rows, CHUNK, err);
		for (i = 0; i < count && ret == 0; i++) {
			after = rows[i].id;
			ret = add_object(f, &rows[i], err);
		}
	} while (ret == 0 && count == CHUNK);
	return count < 0 || ret < 0 ? -1 : 0;
}

static int check_found(const struct finding *f, struct error *err)
{
	long long run = (long long)f->task->run;

	if (f->objects < f->counted)
		return error_set(err, ERR_INVALID,
				 "run %lld wrote to %lld objects, of %lld the "
				 "history tells no more what they were: it "
				 "cannot be undone (see history.changes in "
				 "conjoin.yaml)",
				 run, (long long)f->counted,
				 (long long)(f->counted - f->objects));
	if (f->task->orders.len)
		return 0;
	return error_set(err, ERR_INVALID,
			 "run %lld of '%s' wrote nothing to a system: there "
			 "is nothing to undo",
			 run, f->agent);
}

int undo_find(struct store *store, const struct config *config,
	      const char *agent, struct undo_task *task, struct error *err)
{
	struct finding f = { .store = store, .config = config, .task = task };
	int ret = check_run(&f, agent, err);

	if (ret == 0)
		ret = add_objects(&f, err);
	if (ret == 0)
		ret = check_found(&f, err);
	idmap_release(&f.seen);
	return ret;
}

/* ---- the run that stages ---- */

static int undo_step(struct run *run, const struct run_task *task,
		     int64_t step_id, struct step_outcome *out,
		     struct error *err)
{
	struct undo_task *undo = task->data;
	struct sync_options options = { .step = step_id,
					.run = run->id,
					.seal = run->options->no_keys
							? NULL
							: &run->seal,
					.now = run->options->now };
	const struct undo_order *order;
	struct sync_result result;
	size_t left = 0;

	if (sync_undo(run->store, run->config, run->agent, &options, undo,
		      &out->counters, &result, err) < 0) {
		out->result = "stopped-server";
		out->failed = true;
		(void)snprintf(out->message, sizeof(out->message), "%s",
			       err->msg);
		return -1;
	}
	vec_foreach(&undo->orders, order) {
		left += order->conflict != NULL;
		if (order->staged)
			counters_add(&out->counters, 0, "undone",
				     order->staged);
	}
	out->result = result.result;
	(void)snprintf(out->message, sizeof(out->message),
		       "of run %lld: %zu objects, %zu left alone",
		       (long long)undo->run, undo->orders.len - left, left);
	return 0;
}

enum run_exit run_undo(struct store *store, const struct config *config,
		       struct undo_task *task,
		       const struct run_options *options, struct error *err)
{
	const char *agent =
		store_name(store, NAME_AGENT, CS_AGENT(task->orders.at[0].cs));
	struct run run = {
		.store = store,
		.config = config,
		.agent = config_agent_find(config, sv_from(agent)),
		.options = options,
	};
	const struct run_task steps = {
		.kind = "undo",
		.fn = undo_step,
		.data = task,
	};

	return run_tasks(&run, "undo", &steps, 1, err);
}
