/*
 * history.c - a metaverse object at a moment
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/history_private.h"

#include <stdlib.h>
#include <string.h>

struct history_point history_before_run(int64_t run)
{
	return (struct history_point){ PAST_ID(run), 0 };
}

struct history_point history_after_run(int64_t run)
{
	return (struct history_point){ PAST_ID(run + 1), 0 };
}

bool history_is_later(const struct history_point *at,
		      const struct past_row *row)
{
	return at->id ? row->id >= at->id : row->time > at->time;
}

static bool created_later(const struct history_point *at,
			  const struct mv_row *row)
{
	if (at->id)
		return row->run && PAST_ID(row->run) >= at->id;
	return row->created > at->time;
}

/* ---- what is there now ---- */

static int load_links(struct store *store, struct arena *arena,
		      struct history_state *state, struct error *err)
{
	struct link_row *rows;
	int count = store_link_of_mv(store, state->row.id, arena, &rows, err);
	int i;

	if (count < 0)
		return -1;
	state->links =
		arena_array(arena, (size_t)count + 1, sizeof(*state->links));
	for (i = 0; i < count; i++)
		state->links[state->link_count++] =
			(struct past_link){ rows[i].cs, rows[i].rule_set,
					    rows[i].how, rows[i].time };
	return 0;
}

static int take_row(struct store *store, const struct mv_row *row,
		    struct arena *arena, struct history_state *out,
		    struct error *err)
{
	memset(out, 0, sizeof(*out));
	out->row = *row;
	out->exists = true;
	if (mv_image(store, row, arena, &out->image, err) < 0)
		return error_context(err, "metaverse object %lld",
				     (long long)row->id);
	return load_links(store, arena, out, err);
}

int history_now(struct store *store, int64_t mv, struct arena *arena,
		struct history_state *out, struct error *err)
{
	struct mv_row row;
	int ret = store_mv_get(store, mv, arena, &row, err);

	memset(out, 0, sizeof(*out));
	out->row.id = mv;
	return ret > 0 ? take_row(store, &row, arena, out, err) : ret;
}

/* ---- backwards ---- */

static void take_back_links(struct history_state *state,
			    const struct past *past, struct arena *arena)
{
	struct past_link *links =
		arena_array(arena, state->link_count + past->gone_count + 1,
			    sizeof(*links));
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < state->link_count; i++) {
		for (k = 0; k < past->come_count &&
			    past->come[k].cs != state->links[i].cs;
		     k++)
			;
		if (k == past->come_count)
			links[count++] = state->links[i];
	}
	for (k = 0; k < past->gone_count; k++)
		links[count++] = past->gone[k];
	state->links = links;
	state->link_count = count;
}

void history_take_back(struct history_state *state, const struct past *past,
		       struct arena *arena)
{
	size_t i;

	if (past->kind == PAST_DELETE) {
		state->exists = true;
		state->row = past->row;
		state->image = past->image;
		state->links = past->gone;
		state->link_count = past->gone_count;
		return;
	}
	state->image = image_copy(&state->image, arena);
	for (i = 0; i < past->value_count; i++) {
		const struct past_value *value = &past->values[i];

		if (!value->secret)
			image_set(&state->image, value->attr,
				  past_before(
					  value,
					  image_get(&state->image, value->attr),
					  arena),
				  arena);
	}
	if (past->gone_count || past->come_count)
		take_back_links(state, past, arena);
}

/* Rows from the newest on until one that is not later. */
static int go_back(struct store *store, const struct history_point *at,
		   struct arena *arena, struct history_state *state,
		   struct error *err)
{
	struct past_row rows[CHUNK];
	int64_t before = INT64_MAX;
	int64_t mv = state->row.id;
	struct past past;
	int count;
	int i;

	do {
		count = store_past_of(store, mv, before, rows, CHUNK, arena,
				      err);
		for (i = 0; i < count; i++) {
			if (!history_is_later(at, &rows[i]))
				return 0;
			before = rows[i].id;
			if (past_decode(&rows[i], store, arena, &past, err) < 0)
				return -1;
			history_take_back(state, &past, arena);
		}
	} while (count == CHUNK);
	return count < 0 ? -1 : 0;
}

int history_state(struct store *store, int64_t mv,
		  const struct history_point *at, struct arena *arena,
		  struct history_state *out, struct error *err)
{
	if (history_now(store, mv, arena, out, err) < 0 ||
	    go_back(store, at, arena, out, err) < 0)
		return -1;
	if (out->exists && created_later(at, &out->row))
		out->exists = false;
	return 0;
}

/* ---- all of them ---- */

static int order_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Where rows that are later begin. */
static int first_later(struct store *store, const struct history_point *at,
		       int64_t *out, struct error *err)
{
	int64_t run;

	*out = at->id;
	if (at->id)
		return 0;
	if (store_past_run_at(store, at->time, &run, err) < 0)
		return -1;
	*out = PAST_ID(run);
	return 0;
}

static void add_id(struct history_ids *ids, int64_t id)
{
	vec_push(ids, id);
}

static int add_changed(struct store *store, const struct history_point *from,
		       const struct history_point *to, int64_t after,
		       int64_t before, struct history_ids *out,
		       struct error *err)
{
	struct past_row rows[CHUNK];
	int count;
	int i;

	do {
		count = store_past_scan(store, after, before, rows, CHUNK, err);
		for (i = 0; i < count; i++) {
			after = rows[i].id;
			if (rows[i].kind != PAST_EXPORT &&
			    history_is_later(from, &rows[i]) &&
			    !(to && history_is_later(to, &rows[i])))
				add_id(out, rows[i].object);
		}
	} while (count == CHUNK);
	return count < 0 ? -1 : 0;
}

static int add_made(struct store *store, int64_t from, int64_t to,
		    struct history_ids *out, struct error *err)
{
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count;
	int i;

	do {
		count = store_mv_made(store, from, to, after, ids, CHUNK, err);
		for (i = 0; i < count; i++) {
			after = ids[i];
			add_id(out, ids[i]);
		}
	} while (count == CHUNK);
	return count < 0 ? -1 : 0;
}

int history_changed(struct store *store, const struct history_point *from,
		    const struct history_point *to, bool made,
		    struct history_ids *out, struct error *err)
{
	int64_t first;
	int64_t end = INT64_MAX;
	size_t kept = 0;
	size_t i;

	if (first_later(store, from, &first, err) < 0)
		return -1;
	if (to && to->id)
		end = to->id;
	if (add_changed(store, from, to, first - 1, end, out, err) < 0 ||
	    (made && add_made(store, PAST_RUN(first),
			      end == INT64_MAX ? end : PAST_RUN(end) - 1, out,
			      err) < 0))
		return -1;
	vec_sort(out, order_ids);
	for (i = 0; i < out->len; i++)
		if (!kept || out->at[kept - 1] != out->at[i])
			out->at[kept++] = out->at[i];
	out->len = kept;
	return 0;
}

struct scan {
	struct store *store;
	const struct history_point *at;
	int (*fn)(void *data, const struct history_state *state,
		  struct error *err);
	void *data;
	struct history_ids changed;
	size_t next; /* of them */
	struct arena arena;
};

/* An object that has changed since. */
static int scan_changed(struct scan *scan, struct error *err)
{
	struct history_state state;
	int ret = history_state(scan->store, scan->changed.at[scan->next++],
				scan->at, &scan->arena, &state, err);

	if (ret == 0 && state.exists)
		ret = scan->fn(scan->data, &state, err);
	arena_reset(&scan->arena);
	return ret;
}

static int scan_row(struct scan *scan, const struct mv_row *row,
		    struct error *err)
{
	struct history_state state;
	int ret = 0;

	while (ret == 0 && scan->next < scan->changed.len &&
	       scan->changed.at[scan->next] < row->id)
		ret = scan_changed(scan, err);
	if (ret)
		return ret;
	if (scan->next < scan->changed.len &&
	    scan->changed.at[scan->next] == row->id)
		return scan_changed(scan, err);
	if (created_later(scan->at, row))
		return 0;
	ret = take_row(scan->store, row, &scan->arena, &state, err);
	if (ret == 0)
		ret = scan->fn(scan->data, &state, err);
	arena_reset(&scan->arena);
	return ret;
}

static int scan_rows(struct scan *scan, struct error *err)
{
	struct arena batch = ARENA_INIT;
	struct mv_row rows[CHUNK];
	int64_t after = 0;
	int count;
	int ret = 0;
	int i;

	do {
		count = store_mv_scan(scan->store, after, rows, CHUNK, &batch,
				      err);
		for (i = 0; i < count && ret == 0; i++) {
			after = rows[i].id;
			ret = scan_row(scan, &rows[i], err);
		}
		arena_reset(&batch);
	} while (count > 0 && ret == 0);
	while (count == 0 && ret == 0 && scan->next < scan->changed.len)
		ret = scan_changed(scan, err);
	arena_release(&batch);
	return count < 0 ? -1 : ret;
}

int history_scan(struct store *store, const struct history_point *at,
		 int (*fn)(void *data, const struct history_state *state,
			   struct error *err),
		 void *data, struct error *err)
{
	struct scan scan = { .store = store, .at = at, .fn = fn, .data = data };
	int ret = history_changed(store, at, NULL, false, &scan.changed, err);

	if (ret == 0)
		ret = scan_rows(&scan, err);
	vec_release(&scan.changed);
	arena_release(&scan.arena);
	return ret < 0 ? -1 : 0;
}
