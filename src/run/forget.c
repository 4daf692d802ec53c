/*
 * forget.c - the history does not grow for ever
 *
 * Called at the end of a run, when the configuration says how long runs are
 * kept, and by `conjoin cleanup`. A slice is a transaction of its own, so that
 * small writers get in and a process that dies has lost nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run.h"

#define SLICE 16

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
