/*
 * hand.h - the joiner's orders as runs of their own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_HAND_H
#define RUN_HAND_H

#include "run/run.h"
#include "sync/hand.h"

/*
 * Orders of one kind for objects of one agent, as one run whose profile and
 * step are called after what is done: "join", "project", "disconnect",
 * "set-explicit". Each order tells what came of it (memory from arena). The
 * caller holds the lease. RUN_ERRORS: some were refused.
 */
enum run_exit run_hand(struct store *store, const struct config *config,
		       const struct config_agent *agent,
		       struct hand_order *orders, size_t count,
		       const struct run_options *options, struct arena *arena,
		       struct error *err);

#endif
