/*
 * counters.h - the counters of a step, each with its list of objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_COUNTERS_H
#define STORE_COUNTERS_H

#include "base/vec.h"
#include "store/history.h"

struct counter {
	const char *name; /* a literal: compared by address first */
	uint32_t target; /* agent's store number of an outbound counter, or 0 */
	int64_t value;
	struct strbuf ids;
	int64_t last;
};

struct counters {
	VEC(struct counter) all;
};

/* Counts the object; stage-no-change, connector-no-flow and
 * disconnector-remains keep no list. */
void counters_add(struct counters *counters, uint32_t target, const char *name,
		  int64_t id);
/* Takes one object back from a counter that keeps no list. */
void counters_take(struct counters *counters, uint32_t target,
		   const char *name);
int64_t counters_get(const struct counters *counters, uint32_t target,
		     const char *name);
/* Sum over all targets. */
int64_t counters_sum(const struct counters *counters, const char *name);
int counters_save(const struct counters *counters, struct store_tx *tx,
		  int64_t step, struct error *err);
void counters_release(struct counters *counters);

#endif
