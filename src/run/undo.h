/*
 * undo.h - the opposite of what a run exported, staged by a run of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_UNDO_H
#define RUN_UNDO_H

#include "run/run.h"
#include "sync/undo.h"

/*
 * What the run wrote, from the history: an order an object, in the order of
 * writing, in task->arena. ERR_INVALID: there is no such run, it is another
 * agent's (`agent` NULL: whoever's), it exported nothing, or that is no longer
 * known.
 */
int undo_find(struct store *store, const struct config *config,
	      const char *agent, struct undo_task *task, struct error *err);

/* Stages it as a run whose profile and step are called "undo". The caller holds
 * the lease. RUN_FAILED: err tells why, nothing is staged. */
enum run_exit run_undo(struct store *store, const struct config *config,
		       struct undo_task *task,
		       const struct run_options *options, struct error *err);

#endif
