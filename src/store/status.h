/*
 * status.h - how things stand: what ran last, how much waits, what failed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_STATUS_H
#define STORE_STATUS_H

#include "store/history.h"

/* What waits or failed of an agent. */
struct store_waiting {
	int64_t imports;  /* read, not synchronized */
	int64_t exports;  /* computed, not written */
	int64_t awaiting; /* written, not seen again */
	int64_t errors;   /* objects in error */
	int64_t quarantined;
};

int store_waiting(struct store *store, uint32_t agent,
		  struct store_waiting *out, struct error *err);

/* The last run of each agent, as store_run_scan. */
int store_last_runs(struct store *store,
		    int (*fn)(void *data, const struct run_row *row),
		    void *data, struct error *err);

/* Of each agent the last step that imported, the last that synchronized, the
 * last that exported; in the order of their runs. */
int store_last_steps(struct store *store,
		     int (*fn)(void *data, const char *agent,
			       const struct step_row *row),
		     void *data, struct error *err);

/* How many rows wait for their time, and the first of these times (0: none). */
int store_due_next(struct store *store, int64_t *count_out, int64_t *time_out,
		   struct error *err);

#endif
