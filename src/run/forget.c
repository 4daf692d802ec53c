/*
 * forget.c - the history does not grow for ever
 *
 * Called at the end of a run, when the configuration says how long runs and
 * changes are kept, and by `conjoin prune`. A slice is a transaction of its
 * own, so that small writers get in and a process that dies has lost nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run.h"

#include "store/past.h"

#include <stdio.h>
#include <string.h>

#define SLICE         16
#define CHANGES_SLICE 2000

static int remove_all(struct store *store, const int64_t *runs, int count,
		      struct error *err)
{
	struct store_tx *tx;
	int i;

	if (store_begin(store, STORE_BULK, &tx, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (store_run_remove(tx, runs[i], err) < 0) {
			store_rollback(tx);
			return -1;
		}
	}
	return store_commit(tx, err);
}

int64_t run_forget(struct store *store, int64_t before, size_t max,
		   struct error *err)
{
	int64_t runs[SLICE];
	int64_t removed = 0;
	int count;

	do {
		size_t left = max - (size_t)removed;

		count = store_run_old(store, before, runs,
				      left < SLICE ? left : SLICE, err);
		if (count > 0 && remove_all(store, runs, count, err) < 0)
			count = -1;
		if (count < 0)
			return -1;
		removed += count;
	} while (count == SLICE && (size_t)removed < max);
	return removed;
}

/* ---- changes ---- */

/* How far a kind of rows has been gone through. */
static int read_mark(struct store *store, const char *key, int64_t *out,
		     struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv value;
	int ret = store_meta_get(store, key, &arena, &value, err);

	*out = 0;
	if (ret > 0 && value.len == sizeof(*out))
		memcpy(out, value.ptr, sizeof(*out));
	arena_release(&arena);
	return ret < 0 ? -1 : 0;
}

struct forgetting {
	struct store *store;
	enum past_what what;
	uint32_t type;
	int64_t before;
	char key[40];
	int64_t mark;
	int64_t removed;
};

/* The number looked at, or -1. */
static int forget_slice(struct forgetting *f, struct error *err)
{
	struct store_tx *tx;
	int count;

	if (store_begin(f->store, STORE_BULK, &tx, err) < 0)
		return -1;
	count = store_past_forget(tx, f->what, f->type, f->before, &f->mark,
				  CHANGES_SLICE, &f->removed, err);
	if (count < 0 ||
	    (count > 0 &&
	     store_meta_set(tx, f->key,
			    sv_make((const char *)&f->mark, sizeof(f->mark)),
			    err) < 0)) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err) < 0 ? -1 : count;
}

/* Adds to *looked_at. 0, -1 */
static int forget_kind(struct store *store, enum past_what what, uint32_t type,
		       int64_t before, size_t max, size_t *looked_at,
		       int64_t *removed, struct error *err)
{
	struct forgetting f = {
		.store = store, .what = what, .type = type, .before = before
	};
	int count = CHANGES_SLICE;

	(void)snprintf(f.key, sizeof(f.key), "past.%d.%u", (int)what, type);
	if (read_mark(store, f.key, &f.mark, err) < 0)
		return -1;
	while (count == CHANGES_SLICE && *looked_at < max) {
		count = forget_slice(&f, err);
		*looked_at += count > 0 ? (size_t)count : 0;
	}
	*removed += f.removed;
	return count < 0 ? -1 : 0;
}

static int64_t before_of(const struct run_keep *keep, int64_t age)
{
	if (keep->before)
		return keep->before;
	return age ? keep->now - age : 0;
}

static int64_t age_of_type(const struct run_keep *keep, const char *name)
{
	const struct config_mv_type *type =
		config_mv_type_find(keep->config, sv_from(name));

	return type ? type->keep_changes : keep->config->keep_changes;
}

/* What was sent has values of any type: the shortest time counts. */
static int64_t age_of_exports(const struct run_keep *keep)
{
	int64_t age = keep->config->keep_changes;
	size_t i;

	for (i = 0; i < keep->config->mv_type_count; i++) {
		int64_t of_type = keep->config->mv_types[i].keep_changes;

		if (of_type && (!age || of_type < age))
			age = of_type;
	}
	return age;
}

int64_t run_forget_changes(struct store *store, const struct run_keep *keep,
			   size_t max, struct error *err)
{
	int64_t before = before_of(keep, age_of_exports(keep));
	int64_t removed = 0;
	size_t looked_at = 0;
	const char *name;
	uint32_t type;

	if (before && forget_kind(store, PAST_EXPORTS, 0, before, max,
				  &looked_at, &removed, err) < 0)
		return -1;
	for (type = 1; (name = store_name(store, NAME_MV_TYPE, type)); type++) {
		before = before_of(keep, age_of_type(keep, name));
		if (before && forget_kind(store, PAST_OBJECTS, type, before,
					  max, &looked_at, &removed, err) < 0)
			return -1;
	}
	return removed;
}
