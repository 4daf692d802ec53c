/*
 * edit.h - values that a person wants to be otherwise, staged by a run of its
 * own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_EDIT_H
#define RUN_EDIT_H

#include "run/run.h"
#include "sync/edit.h"

/* Stages what has no conflict as a run whose profile and step are called
 * task->what. The caller holds the lease. RUN_FAILED: err tells why, nothing
 * is staged. */
enum run_exit run_edit(struct store *store, const struct config *config,
		       const struct config_agent *agent, struct edit_task *task,
		       const struct run_options *options, struct error *err);

#endif
