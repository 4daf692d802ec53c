/*
 * window.c - the operations of one window: made, then marked as handed out
 *
 * They are made in memory and marked later, so that a window can be made while
 * the one before it is sent (ahead.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/window.h"

#include <string.h>

#define WINDOW         500
/* two windows are in memory at a time, and what is left of a third */
#define WINDOW_BYTES   ((size_t)8 << 20)
/* where nothing is written before the end, the window costs nothing */
#define WINDOW_AT_ONCE 5000

/* "code: text", else all of it is the text. */
static struct export_outcome *cannot_be_sent(struct export_step *step,
					     const struct error *why)
{
	struct export_outcome *outcome =
		arena_zalloc(&step->arena, sizeof(*outcome));
	struct sv text = arena_dup(&step->arena, sv_from(why->msg));
	size_t len = strspn(text.ptr, "abcdefghijklmnopqrstuvwxyz-");

	outcome->error = "unexpected-error";
	outcome->message = text;
	if (len && text.ptr[len] == ':' && text.ptr[len + 1] == ' ') {
		outcome->error = arena_cstr(&step->arena, sv_sub(text, 0, len));
		outcome->message = sv_sub(text, len + 2, text.len);
	}
	return outcome;
}

/* Can its success be written down without looking at it again? */
static void note_plain(struct export_step *step, struct planned *planned,
		       const struct sent *sent)
{
	const struct entry *entry = &sent->entry;

	planned->kind = (uint8_t)sent->op.kind;
	planned->plain =
		sent->sets ||
		(!planned->untie && entry->row.type && !entry->members &&
		 entry->awaiting.op == PENDING_NONE &&
		 !(entry->pending.op == PENDING_DELETE &&
		   entry->pending.attrs.len) &&
		 !deliver_any(&entry->pending.attrs) &&
		 !build_withholds(step, entry) &&
		 !idmap_get(&step->again, (uint64_t)planned->cs, NULL));
}

/* Objects that are read in one go, as many as lie close together: by far the
 * most of them were made one after the other. */
#define TOGETHER 32
#define APART    2 /* so many objects to one of them at most */

struct together {
	struct entry entries[TOGETHER * APART];
	int count;
	int at;
	size_t end; /* in the plan: what has been looked at */
};

static void read_together(struct export_step *step, size_t from,
			  struct together *t)
{
	size_t count = step->plan.len - from;
	struct error ignored = ERROR_INIT;
	int64_t first = step->plan.at[from].cs;
	int64_t span;

	if (count > TOGETHER)
		count = TOGETHER;
	span = step->plan.at[from + count - 1].cs - first + 1;
	t->count = 0;
	t->at = 0;
	t->end = from + count;
	if (span < (int64_t)count || span > (int64_t)count * APART)
		return;
	t->count = entry_scan_export(step->store, step->number, first - 1,
				     t->entries, (int)span, &step->arena,
				     &ignored);
}

/* 1 loaded, 0 there is no such object, -1. */
static int load(struct export_step *step, int64_t id, struct together *t,
		struct entry *out, struct error *err)
{
	while (t->at < t->count && t->entries[t->at].row.id < id)
		t->at++;
	if (t->at == t->count || t->count < 0 ||
	    t->entries[t->at].row.id != id || t->entries[t->at].members)
		return entry_load_export(step->store, id, &step->arena, out,
					 err);
	*out = t->entries[t->at++];
	return 1;
}

/* The operation of a planned change: 1 built, 0 there is nothing to send, -1.
 * What is pending by rows is not loaded. */
static int prepare(struct export_step *step, struct planned *planned,
		   struct together *t, struct sent *sent, struct error *err)
{
	struct member *rows = NULL;
	int count = set_load(step, planned, &sent->entry, &rows, err);
	int ret;

	if (count < 0)
		return -1;
	planned->sets = count > 0;
	sent->sets = count > 0;
	sent->rows = rows;
	sent->row_count = (size_t)count;
	if (count > 0)
		return build_sets(step, &sent->entry, rows, (size_t)count,
				  &sent->op, err) < 0
			       ? -1
			       : 1;
	ret = load(step, planned->cs, t, &sent->entry, err);
	if (ret <= 0 || sent->entry.pending.op == PENDING_NONE)
		return ret < 0 ? -1 : 0;
	ret = planned->untie ? build_untie(step, &sent->entry, &sent->op, err)
			     : build_op(step, &sent->entry, &sent->op, err);
	return ret < 0 ? -1 : 1;
}

static int build_one(struct export_step *step, struct window *window,
		     struct planned *planned, struct together *t,
		     struct error *err)
{
	struct sent *sent = &window->sent[window->len];
	struct error why = ERROR_INIT;
	int ret = prepare(step, planned, t, sent, &why);

	if (ret < 0 && why.code != ERR_INVALID) {
		*err = why;
		return -1;
	}
	if (ret < 0)
		sent->unsent = cannot_be_sent(step, &why);
	sent->done = ret <= 0;
	window->len++;
	if (sent->done)
		return 0;
	note_plain(step, planned, sent);
	idmap_put(&window->by_id, sent->op.id, window->len);
	window->open++;
	window->names_anchors |= !step->has_dn && !planned->anchored &&
				 (sent->op.kind == EXPORT_ADD ||
				  sent->op.kind == EXPORT_DELETE_ADD);
	return 0;
}

static int build_all(struct export_step *step, struct window *window,
		     struct error *err)
{
	size_t size = step->connector->caps & CONNECTOR_CAP_AT_ONCE
			      ? WINDOW_AT_ONCE
			      : WINDOW;
	struct together *t = mem_zalloc(sizeof(*t));
	size_t i;
	int ret = 0;

	if (size > step->plan.len - window->from)
		size = step->plan.len - window->from;
	window->sent = arena_array(&step->arena, size, sizeof(struct sent));
	for (i = window->from; ret == 0 && window->len < size; i++) {
		/* groups are larger than people */
		if (window->len && (step->plan.at[i].apart ||
				    arena_size(&step->arena) > WINDOW_BYTES))
			break;
		if (i >= t->end)
			read_together(step, i, t);
		ret = build_one(step, window, &step->plan.at[i], t, err);
	}
	mem_free(t);
	return ret;
}

/* Puts the arena of a window in the place of the step's, and back. */
static void swap_arenas(struct export_step *step, struct window *window)
{
	struct arena arena = step->arena;

	step->arena = window->arena;
	window->arena = arena;
}

int window_build(struct export_step *step, struct window *window, size_t from,
		 struct error *err)
{
	bool alone = !step->tx;
	struct sv *plain;
	int ret;

	window_reset(window);
	window->from = from;
	if (from >= step->plan.len)
		return 0;
	/* or each question would be a transaction */
	if (alone && store_read_begin(step->store, err) < 0)
		return -1;
	swap_arenas(step, window);
	ret = build_all(step, window, err);
	swap_arenas(step, window);
	if (alone)
		store_read_end(step->store);
	vec_foreach(&step->opened, plain)
		vec_push(&window->opened, *plain);
	vec_clear(&step->opened);
	return ret;
}

int window_mark(struct export_step *step, struct window *window,
		struct error *err)
{
	size_t i;

	for (i = 0; i < window->len; i++) {
		struct sent *sent = &window->sent[i];
		bool untie = step->plan.at[window->from + i].untie;

		if (sent->done)
			continue;
		if (!untie && record_sent(step, &sent->entry, &sent->op,
					  sent->rows, sent->row_count, err) < 0)
			return -1;
		sent->entry.pending.in_progress = true;
		sent->entry.pending.aside = untie;
		if (store_outbox_intend(step->tx,
					step->plan.at[window->from + i].cs,
					untie, err) < 0)
			return -1;
		arena_reset(&step->arena);
	}
	return 0;
}

int window_take_unsent(struct export_step *step, struct window *window,
		       struct error *err)
{
	size_t i;
	int ret = 0;

	step->unsent = true;
	for (i = 0; i < window->len && ret == 0; i++) {
		const struct planned *planned =
			&step->plan.at[window->from + i];
		struct sent *sent = &window->sent[i];

		if (!sent->unsent)
			continue;
		ret = sent->sets ? take_sets(step, planned, sent->unsent, err)
				 : take_outcome(step, &sent->entry, &sent->op,
						sent->unsent, err);
	}
	step->unsent = false;
	return ret < 0 ? -1 : 0;
}

int window_put(struct connector *connector, const struct window *window,
	       struct error *err)
{
	size_t i;

	for (i = 0; i < window->len; i++)
		if (!window->sent[i].done &&
		    connector_export_put(connector, &window->sent[i].op, err) <
			    0)
			return -1;
	return 0;
}

void window_wipe(struct window *window)
{
	const struct sv *plain;

	vec_foreach(&window->opened, plain)
		seal_wipe(*plain);
	vec_clear(&window->opened);
}

void window_reset(struct window *window)
{
	window_wipe(window);
	arena_reset(&window->arena);
	idmap_clear(&window->by_id);
	window->sent = NULL;
	window->len = 0;
	window->open = 0;
	window->names_anchors = false;
}

void window_release(struct window *window)
{
	window_wipe(window);
	vec_release(&window->opened);
	idmap_release(&window->by_id);
	arena_release(&window->arena);
}
