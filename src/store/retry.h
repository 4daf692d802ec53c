/*
 * retry.h - when an export that failed is tried again
 *
 * A change that the connected system refuses, or that an import contradicts, is
 * tried in each of the next five export runs of its agent; from then on it is
 * in quarantine and tried after 2, 4, 8 ... runs. Runs are counted, no clock.
 * A change that is another one than what failed begins afresh.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_RETRY_H
#define STORE_RETRY_H

#include "store/outbox.h"

/* How many export runs of the agent there were; -1. */
int64_t retry_runs(struct store *store, uint32_t agent, struct error *err);
/* One more; before what it does. */
int retry_count_run(struct store_tx *tx, uint32_t agent, struct error *err);

/* What is pending of the object is tried in no export until it is another
 * change, or the row is deleted. 0; 1: nothing is pending; -1. */
int retry_hold(struct store_tx *tx, int64_t cs, struct error *err);
/* It is held so. */
bool retry_is_held(const struct retry_row *row);

/* What is pending of the object failed, in the last export run. */
int retry_failed(struct store_tx *tx, int64_t cs, enum retry_kind kind,
		 struct error *err);

/*
 * 1: what is pending failed before, in the same form (*out tells how often and
 * when it is next); 0: it did not, or is something else by now; -1. `pending`
 * may be NULL: as the store has it.
 */
int retry_get(struct store *store, int64_t cs,
	      const struct pending_export *pending, struct retry_row *out,
	      struct error *err);

#endif
