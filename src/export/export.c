/*
 * export.c - the export step: its plan, its end, what is written all at once
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/ahead.h"

#include "store/past.h"
#include "store/retry.h"

#include <stdio.h>
#include <string.h>

#define CHUNK 64

int export_nameless(struct store *store, int64_t id, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct cs_row head;
	int ret = 1;
	int depth = 0;

	while (id && ret > 0 && depth++ < 256) {
		ret = store_cs_head(store, id, &arena, &head, err);
		if (ret > 0 && head.flags & CS_TRANSIENT)
			break;
		id = ret > 0 ? head.parent : 0;
	}
	arena_release(&arena);
	return ret < 0 ? -1 : id != 0 && ret > 0 && depth <= 256;
}

/* Whether one of the rows would be sent by an export: 1, 0 or -1. */
static int any_can_go(struct store *store, const struct outbox_row *rows,
		      int count, enum export_what what, struct error *err)
{
	struct retry_row retry;
	int i;

	for (i = 0; i < count; i++) {
		int64_t cs = rows[i].pending.cs;
		int ret = rows[i].gone;

		if (ret == 0 && what == EXPORT_FRESH)
			ret = retry_get(store, cs, NULL, &retry, err);
		if (ret == 0)
			ret = export_nameless(store, cs, err);
		if (ret <= 0)
			return ret < 0 ? -1 : 1;
	}
	return 0;
}

int export_any(struct store *store, const struct config_agent *agent,
	       enum export_what what, struct error *err)
{
	uint32_t number =
		store_name_find(store, NAME_AGENT, sv_from(agent->name));
	struct outbox_row rows[CHUNK];
	struct arena arena = ARENA_INIT;
	struct delivery_row waiting;
	int64_t after = 0;
	int count = 0;

	if (number && what == EXPORT_ANYTHING)
		count = store_delivery_next(store, number, 0, &arena, &waiting,
					    err);
	while (number && count == 0 &&
	       (count = store_outbox_scan(store, number, after, rows, CHUNK,
					  &arena, err)) > 0) {
		after = rows[count - 1].pending.cs;
		count = any_can_go(store, rows, count, what, err);
		arena_reset(&arena);
	}
	arena_release(&arena);
	return count;
}

static int note_nameless(void *data, const struct cs_error *row)
{
	bool *any = data;

	*any |= row->kind == ERROR_NAME;
	return *any;
}

/* One that is to be deleted has no error for it any more. */
static int look_for_nameless(struct export_step *step, struct error *err)
{
	int64_t id;
	int ret;

	if (!step->number || !step->has_dn)
		return 0;
	ret = store_pending_import_ids(step->store, step->number, 0,
				       PENDING_IMPORT_DELETES, &id, 1, err);
	step->any_nameless = ret > 0;
	return ret < 0 ? -1
		       : store_error_scan(step->store, step->number,
					  note_nameless, &step->any_nameless,
					  err);
}

/* Of the step only what was found out for the plan, and the plan itself. */
struct export_plan {
	struct export_step step;
	int64_t pending;
	int64_t quarantined;
	size_t operations;
};

void export_plan_free(struct export_plan *plan)
{
	if (!plan)
		return;
	vec_release(&plan->step.plan);
	vec_release(&plan->step.rows);
	mem_free(plan);
}

static void leave_plan(struct export_step *step)
{
	struct export_plan *plan = mem_zalloc(sizeof(*plan));

	plan->step.run = step->run;
	plan->step.any_nameless = step->any_nameless;
	plan->step.plan = step->plan;
	plan->step.rows = step->rows;
	plan->pending = step->result->pending;
	plan->quarantined = step->result->quarantined;
	plan->operations = step->result->operations;
	memset(&step->plan, 0, sizeof(step->plan));
	memset(&step->rows, 0, sizeof(step->rows));
	*step->options->plan = plan;
}

static void take_plan(struct export_step *step)
{
	struct export_plan *plan = *step->options->plan;

	*step->options->plan = NULL;
	step->run = plan->step.run;
	step->any_nameless = plan->step.any_nameless;
	step->plan = plan->step.plan;
	step->rows = plan->step.rows;
	step->result->pending = plan->pending;
	step->result->quarantined = plan->quarantined;
	step->result->operations = plan->operations;
	mem_free(plan);
}

static int set_up(struct export_step *step, struct error *err)
{
	step->number = store_name_find(step->store, NAME_AGENT,
				       sv_from(step->agent->name));
	step->has_dn = (step->agent->caps & CONNECTOR_CAP_DN) != 0;
	tree_init(&step->tree, step->store, step->number);
	if (step->options->plan && *step->options->plan) {
		take_plan(step);
		return 0;
	}
	step->run = retry_runs(step->store, step->number, err);
	if (step->run++ < 0 || look_for_nameless(step, err) < 0)
		return -1;
	return step->number ? order_plan(step, err) : 0;
}

void export_wipe(struct export_step *step)
{
	const struct sv *plain;

	vec_foreach(&step->opened, plain)
		seal_wipe(*plain);
	vec_clear(&step->opened);
}

static void tear_down(struct export_step *step)
{
	export_wipe(step);
	if (step->tx)
		store_rollback(step->tx);
	tree_release(&step->tree);
	vec_release(&step->plan);
	idmap_release(&step->again);
	vec_release(&step->rows);
	idmap_release(&step->names);
	strbuf_release(&step->past);
	vec_release(&step->opened);
	arena_release(&step->arena);
	arena_release(&step->run_arena);
}

/* ---- systems that write all at once, at the end ---- */

/* As much as may be written together; *from is then what comes next. */
static int intend(struct export_step *step, size_t *from, struct error *err)
{
	int ret = ahead_hand_over(step, from, err);

	/* the connector is about to need room for all of it */
	arena_release(&step->arena);
	if (*from >= step->plan.len) {
		idmap_release(&step->names);
		arena_release(&step->run_arena);
	}
	return ret;
}

static int begin(struct export_step *step, struct error *err)
{
	return store_begin(step->store, STORE_DURABLE, &step->tx, err);
}

static int commit(struct export_step *step, struct error *err)
{
	struct store_tx *tx = step->tx;

	step->tx = NULL;
	return store_commit(tx, err);
}

static int one_answer(struct export_step *step,
		      const struct export_outcome *outcome, struct error *err)
{
	const struct planned *plain = order_plain(step, outcome);
	struct export_op op;
	struct entry entry;
	int ret;

	if (plain)
		return take_plain(step, plain, outcome, err);
	ret = entry_load_export(step->store, (int64_t)(outcome->id & ~UNTIE_ID),
				&step->arena, &entry, err);
	if (ret <= 0)
		return ret;
	if (outcome->id & UNTIE_ID)
		return take_untied(step, &entry, outcome, err);
	op.kind = build_kind(&entry);
	return take_outcome(step, &entry, &op, outcome, err);
}

static int take_all_answers(struct export_step *step, struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct export_outcome outcome;
	size_t done = 0;
	int ret;

	for (;;) {
		arena_reset(&step->arena);
		ret = connector_export_result(step->connector, true,
					      &step->arena, &outcome, err);
		if (ret <= 0)
			break;
		if ((!step->tx && begin(step, err) < 0) ||
		    one_answer(step, &outcome, err) < 0)
			return -1;
		if (++done % 10000 == 0 && commit(step, err) < 0)
			return -1;
	}
	if (ret == 0 && step->tx)
		ret = commit(step, err);
	else if (step->tx)
		(void)commit(step, &ignored);
	return ret;
}

static int write_at_once(struct export_step *step, struct error *err)
{
	size_t written = 0;
	size_t from = 0;
	int ret = 0;

	while (ret == 0 && from < step->plan.len) {
		if (from && connector_export_begin(step->connector, err) < 0)
			return -1;
		written = from;
		ret = intend(step, &from, err);
		if (ret == 0 && connector_export_end(step->connector, err) < 0)
			ret = -1;
		if (ret == 0)
			ret = take_all_answers(step, err);
	}
	if (ret <= 0)
		return ret;
	step->result->result = "stopped-user";
	(void)snprintf(step->result->message, sizeof(step->result->message),
		       written ? "stopped by the operator; %zu of %zu changes "
				 "were written"
			       : "stopped by the operator; nothing was written",
		       written, step->plan.len);
	return 0;
}

int export_guard(struct store *store, const struct config *config,
		 const struct config_agent *agent,
		 const struct export_options *options,
		 struct export_result *out, struct error *err)
{
	struct export_step step = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.result = out,
	};
	int ret;

	memset(out, 0, sizeof(*out));
	out->result = "success";
	ret = set_up(&step, err);
	if (ret == 0)
		ret = guard_check(&step, err);
	if (ret == 0 && options->plan)
		leave_plan(&step);
	tear_down(&step);
	return ret < 0 ? -1 : 0;
}

int export_list(struct store *store, const struct config *config,
		const struct config_agent *agent,
		const struct export_options *options, struct export_result *out,
		int (*fn)(void *data, int64_t cs), void *data,
		struct error *err)
{
	struct export_step step = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.result = out,
	};
	const struct planned *planned;
	int ret;

	memset(out, 0, sizeof(*out));
	out->result = "success";
	ret = set_up(&step, err);
	if (ret == 0)
		ret = guard_check(&step, err) < 0 ? -1 : 0;
	if (ret == 0)
		ret = store_read_begin(store, err);
	if (ret == 0) {
		vec_foreach(&step.plan, planned) {
			ret = planned->untie ? 0 : fn(data, planned->cs);
			if (ret < 0)
				break;
		}
		store_read_end(store);
	}
	tear_down(&step);
	return ret < 0 ? -1 : 0;
}

static int count_run(struct store *store, const struct config_agent *agent,
		     struct error *err)
{
	struct store_tx *tx;

	if (store_begin(store, STORE_BULK, &tx, err) < 0)
		return -1;
	if (retry_count_run(
		    tx,
		    store_name_find(store, NAME_AGENT, sv_from(agent->name)),
		    err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static void tell_quarantine(const struct config_agent *agent,
			    struct export_result *out)
{
	if (!out->quarantined || strcmp(out->result, "success") != 0)
		return;
	out->result = "completed-warnings";
	(void)snprintf(out->message, sizeof(out->message),
		       "%lld change%s in quarantine, not tried in this "
		       "export; see: conjoin errors %s",
		       (long long)out->quarantined,
		       out->quarantined == 1 ? " is" : "s are", agent->name);
}

int export_skip(struct store *store, const struct config *config,
		const struct config_agent *agent,
		const struct export_options *options, struct export_result *out,
		struct error *err)
{
	tell_quarantine(agent, out);
	if (count_run(store, agent, err) < 0)
		return -1;
	return export_deliver(store, config, agent, options->seal, out, err);
}

int export_run(struct store *store, const struct config *config,
	       const struct config_agent *agent, struct connector *connector,
	       const struct export_options *options, struct counters *counters,
	       struct export_result *out, struct error *err)
{
	struct export_step step = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.connector = connector,
		.counters = counters,
		.result = out,
		.past = STRBUF_INIT(STRBUF_NO_LIMIT),
	};
	struct error ignored = ERROR_INIT;
	int ret;

	out->result = "success";
	ret = set_up(&step, err);
	if (ret == 0)
		ret = count_run(store, agent, err);
	if (ret == 0 && options->run)
		ret = store_past_next(store, options->run, &step.next_past,
				      err);
	if (ret == 0 && step.plan.len) {
		ret = connector_export_begin(connector, err);
		if (ret == 0)
			ret = connector->caps & CONNECTOR_CAP_AT_ONCE
				      ? write_at_once(&step, err)
				      : ahead_write(&step, err);
	}
	tear_down(&step);
	/* what succeeded is told of, also when the system failed behind it */
	if (export_deliver(store, config, agent, options->seal, out,
			   ret < 0 ? &ignored : err) < 0)
		ret = -1;
	if (ret == 0 && out->errors && !strcmp(out->result, "success"))
		out->result = "completed-export-errors";
	if (ret == 0)
		tell_quarantine(agent, out);
	return ret;
}
