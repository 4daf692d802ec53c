/*
 * pending.c - go through what is staged
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/pending.h"

#define IDS 256

int pending_ids(struct store *store, enum pending_kind kind, uint32_t agent,
		int64_t after, int64_t *out, int limit, struct error *err)
{
	switch (kind) {
	case PENDING_IMPORTS:
		return store_pending_import_ids(store, agent, after,
						PENDING_IMPORT_ALL, out, limit,
						err);
	case PENDING_EXPORTS:
		return store_pending_export_ids(store, agent, after, out, limit,
						err);
	case PENDING_AWAITING:
		return store_awaiting_ids(store, agent, after, out, limit, err);
	}
	return 0;
}

/* 1: shown, go on; 0: stop */
static int show(struct display *display, int64_t id, struct arena *arena,
		int (*fn)(void *data, const struct display_cs *object),
		void *data, struct error *err)
{
	struct entry entry;
	struct display_cs object;
	int ret = entry_load(display->store, id, arena, &entry, err);

	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (display_cs(display, &entry, arena, &object, err) < 0)
		return -1;
	ret = fn(data, &object);
	return ret < 0 ? -1 : ret == 0;
}

int pending_scan(struct display *display, enum pending_kind kind,
		 uint32_t agent,
		 int (*fn)(void *data, const struct display_cs *object),
		 void *data, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t ids[IDS];
	int64_t after = 0;
	int going = 1;
	int count;
	int i;

	do {
		count = pending_ids(display->store, kind, agent, after, ids,
				    IDS, err);
		for (i = 0; i < count && going > 0; i++) {
			going = show(display, ids[i], &arena, fn, data, err);
			after = ids[i];
			arena_reset(&arena);
		}
	} while (count > 0 && going > 0);
	arena_release(&arena);
	return count < 0 || going < 0 ? -1 : 0;
}

int pending_references(struct display *display,
		       int (*fn)(void *data, const struct display_mv *object),
		       void *data, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct display_mv object;
	struct mv_row row;
	int64_t ids[IDS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int ret;
	int i;

	do {
		count = store_mv_wait_ids(display->store, after, ids, IDS, err);
		for (i = 0; i < count && !stop; i++) {
			after = ids[i];
			ret = store_mv_get(display->store, ids[i], &arena, &row,
					   err);
			if (ret < 0 ||
			    (ret > 0 && display_mv(display, &row, &arena,
						   &object, err) < 0))
				stop = -1;
			else if (ret > 0)
				stop = fn(data, &object);
			arena_reset(&arena);
		}
	} while (count > 0 && !stop);
	arena_release(&arena);
	return count < 0 || stop < 0 ? -1 : 0;
}

struct due_scan {
	struct display *display;
	uint32_t agent;
	struct arena arena;
	int (*fn)(void *data, const struct pending_due *due);
	void *data;
	struct error *err;
};

static const char *what_of(enum due_kind kind)
{
	switch (kind) {
	case DUE_DELETION:
		return "deletion";
	case DUE_DEPROVISION:
		return "deprovision";
	case DUE_CS:
	case DUE_MV:
		break;
	}
	return "rules";
}

/* 1: found, 0: the object is gone, -1 */
static int fill_due(struct due_scan *scan, struct pending_due *due)
{
	int64_t id = due->row->id;
	struct entry entry;
	struct mv_row row;
	int ret;

	if (due->is_cs) {
		ret = entry_load(scan->display->store, id, &scan->arena, &entry,
				 scan->err);
		return ret > 0 && display_cs(scan->display, &entry,
					     &scan->arena, &due->cs,
					     scan->err) < 0
			       ? -1
			       : ret;
	}
	ret = store_mv_get(scan->display->store, id, &scan->arena, &row,
			   scan->err);
	return ret > 0 && display_mv(scan->display, &row, &scan->arena,
				     &due->mv, scan->err) < 0
		       ? -1
		       : ret;
}

static int on_due(void *data, const struct due_row *row)
{
	struct due_scan *scan = data;
	struct pending_due due = { .what = what_of(row->kind), .row = row };
	int ret;

	due.is_cs = row->kind == DUE_CS || row->kind == DUE_DEPROVISION;
	if (scan->agent && (!due.is_cs || CS_AGENT(row->id) != scan->agent))
		return 0;
	ret = fill_due(scan, &due);
	if (ret > 0)
		ret = scan->fn(scan->data, &due);
	arena_reset(&scan->arena);
	return ret;
}

int pending_due(struct display *display, uint32_t agent,
		int (*fn)(void *data, const struct pending_due *due),
		void *data, struct error *err)
{
	struct due_scan scan = { .display = display,
				 .agent = agent,
				 .arena = ARENA_INIT,
				 .fn = fn,
				 .data = data,
				 .err = err };
	int ret = store_due_scan(display->store, on_due, &scan, err);

	arena_release(&scan.arena);
	return ret;
}
