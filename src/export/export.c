/*
 * export.c - the export step: windows of operations between two commits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "store/past.h"
#include "store/retry.h"

#include <stdio.h>
#include <string.h>

#define WINDOW         500
/* two windows are in memory at a time */
#define WINDOW_BYTES   ((size_t)16 << 20)
/* where nothing is written before the end, the window costs nothing */
#define WINDOW_AT_ONCE 5000

struct sent {
	struct entry entry;
	struct export_op op;
	bool sets;           /* `entry` has no values: see set.c */
	struct member *rows; /* its values then */
	size_t row_count;
	bool done;
};

struct window {
	struct arena arena; /* of one that is not the last */
	struct sent *sent;
	size_t len;
	struct idmap by_id; /* op id -> 1 + index */
	size_t open;        /* without an outcome */
};

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

static int set_up(struct export_step *step, struct error *err)
{
	step->number = store_name_find(step->store, NAME_AGENT,
				       sv_from(step->agent->name));
	step->has_dn = (step->agent->caps & CONNECTOR_CAP_DN) != 0;
	tree_init(&step->tree, step->store, step->number);
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

/* ---- one window ---- */

/* "code: text", else all of it is the text. */
static struct export_outcome cannot_be_sent(struct export_step *step,
					    const struct error *why)
{
	struct export_outcome outcome = { .error = "unexpected-error",
					  .message = sv_from(why->msg) };
	size_t len = strspn(why->msg, "abcdefghijklmnopqrstuvwxyz-");

	if (len && why->msg[len] == ':' && why->msg[len + 1] == ' ') {
		outcome.error =
			arena_cstr(&step->arena, sv_make(why->msg, len));
		outcome.message = sv_from(why->msg + len + 2);
	}
	return outcome;
}

/* Can its success be written down without looking at it again? */
static void note_plain(struct export_step *step, size_t at,
		       const struct entry *entry, const struct export_op *op)
{
	struct planned *planned = &step->plan.at[at];

	planned->plain = !planned->untie && entry->row.type &&
			 !entry->members &&
			 entry->awaiting.op == PENDING_NONE &&
			 !(entry->pending.op == PENDING_DELETE &&
			   entry->pending.attrs.len) &&
			 !deliver_any(&entry->pending.attrs) &&
			 !build_withholds(step, entry) &&
			 !idmap_get(&step->again, (uint64_t)planned->cs, NULL);
	planned->kind = (uint8_t)op->kind;
}

/* NULL: the object itself has to be looked at. */
static const struct planned *plain_of(struct export_step *step,
				      const struct export_outcome *outcome)
{
	const struct planned *planned;

	if (outcome->references_later || outcome->id & UNTIE_ID)
		return NULL;
	planned = order_find(step, (int64_t)outcome->id);
	if (!planned || !planned->plain || (!outcome->ok && !planned->sets))
		return NULL;
	return planned;
}

/* The operation of a planned change: 1 built, 0 there is nothing to send, -1.
 * What is pending by rows is not loaded. */
static int prepare(struct export_step *step, size_t at, struct sent *sent,
		   struct error *err)
{
	struct planned *planned = &step->plan.at[at];
	struct member *rows = NULL;
	int count = set_load(step, planned, &sent->entry, &rows, err);
	int ret;

	if (count < 0)
		return -1;
	planned->sets = count > 0;
	sent->done = false;
	sent->rows = rows;
	sent->row_count = (size_t)count;
	if (count > 0)
		return build_sets(step, &sent->entry, rows, (size_t)count,
				  &sent->op, err) < 0
			       ? -1
			       : 1;
	ret = entry_load_export(step->store, planned->cs, &step->arena,
				&sent->entry, err);
	if (ret <= 0 || sent->entry.pending.op == PENDING_NONE)
		return ret < 0 ? -1 : 0;
	ret = planned->untie ? build_untie(step, &sent->entry, &sent->op, err)
			     : build_op(step, &sent->entry, &sent->op, err);
	return ret < 0 ? -1 : 1;
}

static void note_sets(struct export_step *step, size_t at)
{
	struct planned *planned = &step->plan.at[at];

	planned->plain = true;
	planned->kind = EXPORT_UPDATE;
}

static int mark_in_progress(struct export_step *step, struct window *window,
			    size_t from, struct error *err)
{
	size_t i;
	size_t size = step->connector->caps & CONNECTOR_CAP_AT_ONCE
			      ? WINDOW_AT_ONCE
			      : WINDOW;

	window->sent = arena_array(&step->arena, size, sizeof(struct sent));
	window->len = 0;
	window->open = 0;
	idmap_clear(&window->by_id);
	for (i = from; i < step->plan.len && window->len < size; i++) {
		/* groups are larger than people */
		if (window->len && (step->plan.at[i].apart ||
				    arena_size(&step->arena) > WINDOW_BYTES))
			break;
		struct sent *sent = &window->sent[window->len];
		struct error why = ERROR_INIT;
		int ret = prepare(step, i, sent, &why);

		if (ret == 0) {
			memset(sent, 0, sizeof(*sent));
			sent->done = true;
			window->len++;
			continue;
		}
		if (ret < 0) {
			struct export_outcome outcome =
				cannot_be_sent(step, &why);

			if (why.code != ERR_INVALID) {
				*err = why;
				return -1;
			}
			step->unsent = true;
			if (step->plan.at[i].sets
				    ? take_sets(step, &step->plan.at[i],
						&outcome, err) < 0
				    : take_outcome(step, &sent->entry,
						   &sent->op, &outcome,
						   err) < 0)
				return -1;
			step->unsent = false;
			sent->done = true;
			window->len++;
			continue;
		}
		if (!step->plan.at[i].untie &&
		    record_sent(step, &sent->entry, &sent->op, sent->rows,
				sent->row_count, err) < 0)
			return -1;
		sent->entry.pending.in_progress = true;
		sent->entry.pending.aside = step->plan.at[i].untie;
		sent->sets = step->plan.at[i].sets;
		if (sent->sets)
			note_sets(step, i);
		else
			note_plain(step, i, &sent->entry, &sent->op);
		if (store_outbox_intend(step->tx, step->plan.at[i].cs,
					step->plan.at[i].untie, err) < 0)
			return -1;
		window->len++;
	}
	return 0;
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

static int put_each(struct export_step *step, struct window *window,
		    struct error *err)
{
	size_t i;

	for (i = 0; i < window->len; i++) {
		struct sent *sent = &window->sent[i];

		if (sent->done)
			continue;
		if (connector_export_put(step->connector, &sent->op, err) < 0)
			return -1;
		idmap_put(&window->by_id, sent->op.id, i + 1);
		window->open++;
	}
	return 0;
}

static int put_all(struct export_step *step, struct window *window,
		   struct error *err)
{
	int ret = put_each(step, window, err);

	export_wipe(step);
	return ret;
}

/* Windows that are outstanding: the one that was put last, and what is left
 * of the one before it. */
struct windows {
	struct window two[2];
	struct window *last;
	struct window *before;
};

static size_t open_in(const struct windows *windows)
{
	return windows->last->open + windows->before->open;
}

/* The operation of this id; of two the one that has no answer yet. What was
 * answered for may come again: its references, last. */
static struct sent *find_sent(const struct windows *windows, uint64_t id,
			      struct window **in)
{
	struct window *each[] = { windows->before, windows->last };
	struct sent *found = NULL;
	uint64_t at;
	size_t i;

	for (i = 0; i < 2 && (!found || found->done); i++) {
		if (!idmap_get(&each[i]->by_id, id, &at))
			continue;
		*in = each[i];
		found = &each[i]->sent[at - 1];
	}
	return found;
}

static int take_answer(struct export_step *step, struct window *window,
		       struct sent *sent, const struct export_outcome *outcome,
		       struct error *err)
{
	const struct planned *plain = plain_of(step, outcome);
	int ret;

	if (!plain && sent->sets &&
	    entry_load_export(step->store, (int64_t)sent->op.id, &step->arena,
			      &sent->entry, err) <= 0)
		return -1;
	if (plain)
		ret = take_plain(step, plain, outcome, err);
	else if (sent->op.id & UNTIE_ID)
		ret = take_untied(step, &sent->entry, outcome, err);
	else
		ret = take_outcome(step, &sent->entry, &sent->op, outcome, err);
	sent->done = true;
	window->open--;
	return ret < 0 ? -1 : 0;
}

/* Answers that are there are written; with `all` every one is waited for. */
static int take_answers(struct export_step *step, struct windows *windows,
			bool all, struct error *err)
{
	struct export_outcome outcome;
	int ret = 1;

	while (open_in(windows) && (ret = connector_export_result(
					    step->connector, all, &step->arena,
					    &outcome, err)) > 0) {
		struct window *window = NULL;
		struct sent *sent = find_sent(windows, outcome.id, &window);

		if (!sent)
			return error_set(err, ERR_INTERNAL,
					 "connector '%s' answered for an "
					 "operation that was not sent",
					 step->connector->ops->name);
		if (!sent->done &&
		    take_answer(step, window, sent, &outcome, err) < 0)
			return -1;
	}
	if (ret == 0 && all)
		return error_set(err, ERR_INTERNAL,
				 "connector '%s' left %zu operations without "
				 "an outcome",
				 step->connector->ops->name, open_in(windows));
	return ret < 0 ? -1 : 0;
}

static bool too_many_errors(struct export_step *step, size_t done)
{
	int64_t limit = step->options->guards->errors;

	if (!limit || step->result->errors <= limit)
		return false;
	step->result->result = "stopped-error-limit";
	(void)snprintf(step->result->message, sizeof(step->result->message),
		       "more than %lld changes were refused; the export was "
		       "stopped after %zu of %zu. See them with: conjoin "
		       "errors %s",
		       (long long)limit, done, step->plan.len,
		       step->agent->name);
	return true;
}

static int told_to_stop(struct export_step *step, size_t done)
{
	const struct export_options *options = step->options;
	int permille = step->plan.len ? (int)(done * 1000 / step->plan.len)
				      : 1000;

	if (!options->progress ||
	    !options->progress(options->progress_data, done, permille))
		return 0;
	step->result->result = "stopped-user";
	(void)snprintf(step->result->message, sizeof(step->result->message),
		       "stopped by the operator; %zu of %zu changes were "
		       "written",
		       done, step->plan.len);
	return 1;
}

/* What the answers were before the system failed is kept. */
static int keep_answers(struct export_step *step, struct windows *windows)
{
	struct error ignored = ERROR_INIT;

	if (!step->tx && begin(step, &ignored) < 0)
		return -1;
	(void)take_answers(step, windows, false, &ignored);
	(void)commit(step, &ignored);
	return -1;
}

/* The last window becomes the one before, of which all has been answered;
 * each has an arena of its own. */
static void turn(struct export_step *step, struct windows *windows)
{
	struct window *next = windows->before;
	struct arena arena = next->arena;

	windows->before = windows->last;
	windows->last = next;
	windows->before->arena = step->arena;
	step->arena = arena;
	next->arena = (struct arena)ARENA_INIT;
	arena_reset(&step->arena);
}

/* What is sent next, and the answers so far, durably. While this is done the
 * system works on what is left of the window before. */
static int intend_next(struct export_step *step, struct windows *windows,
		       size_t from, struct error *err)
{
	turn(step, windows);
	if ((!step->tx && begin(step, err) < 0) ||
	    mark_in_progress(step, windows->last, from, err) < 0 ||
	    commit(step, err) < 0)
		return -1;
	return 0;
}

/* Is all that was sent to have its answer before what comes next? */
static bool must_drain(const struct export_step *step,
		       const struct windows *windows, size_t from)
{
	return windows->before->open || from >= step->plan.len ||
	       step->plan.at[from].apart;
}

static int write_next(struct export_step *step, struct windows *windows,
		      size_t *from, struct error *err)
{
	if (intend_next(step, windows, *from, err) < 0)
		return -1;
	*from += windows->last->len;
	if (put_all(step, windows->last, err) < 0)
		return keep_answers(step, windows);
	if (begin(step, err) < 0)
		return -1;
	if (take_answers(step, windows, false, err) < 0 ||
	    (must_drain(step, windows, *from) &&
	     take_answers(step, windows, true, err) < 0))
		return keep_answers(step, windows);
	return 0;
}

static void release(struct windows *windows)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		idmap_release(&windows->two[i].by_id);
		arena_release(&windows->two[i].arena);
	}
}

static int write_windows(struct export_step *step, struct error *err)
{
	struct windows windows = { 0 };
	size_t from = 0;
	int ret = 0;

	windows.last = &windows.two[0];
	windows.before = &windows.two[1];
	while (ret == 0 && from < step->plan.len) {
		ret = write_next(step, &windows, &from, err);
		if (ret == 0 &&
		    (too_many_errors(step, from) || told_to_stop(step, from)))
			break;
	}
	if (ret == 0 && take_answers(step, &windows, true, err) < 0)
		ret = keep_answers(step, &windows);
	if (ret == 0 && step->tx)
		ret = commit(step, err);
	if (ret == 0)
		ret = connector_export_end(step->connector, err);
	release(&windows);
	return ret;
}

/* ---- systems that write all at once, at the end ---- */

/* As much as may be written together; *from is then what comes next. */
static int intend(struct export_step *step, size_t *from, struct error *err)
{
	struct window window = { 0 };
	int ret = 0;

	do {
		arena_reset(&step->arena);
		if (begin(step, err) < 0 ||
		    mark_in_progress(step, &window, *from, err) < 0 ||
		    commit(step, err) < 0 || put_all(step, &window, err) < 0) {
			ret = -1;
			break;
		}
		*from += window.len;
		if (step->options->progress)
			ret = step->options->progress(
				      step->options->progress_data, *from,
				      (int)(*from * 500 / step->plan.len)) != 0;
	} while (ret == 0 && *from < step->plan.len &&
		 !step->plan.at[*from].apart);
	idmap_release(&window.by_id);
	/* the connector is about to need room for all of it */
	arena_release(&step->arena);
	if (*from >= step->plan.len) {
		idmap_release(&step->names);
		arena_release(&step->run_arena);
	}
	return ret;
}

static int one_answer(struct export_step *step,
		      const struct export_outcome *outcome, struct error *err)
{
	const struct planned *plain = plain_of(step, outcome);
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
				      : write_windows(&step, err);
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
