/*
 * sealed.h - the sealed values that lie in the store
 *
 * Passwords of new objects: in pending exports until they are written, in
 * deliveries until somebody was told. Everything is read, so this is for when
 * keys are looked after, no step of a run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "store/store.h"

struct sealed_value {
	uint32_t agent;   /* NAME_AGENT */
	int64_t cs;       /* of a pending export; or 0 */
	int64_t delivery; /* its id, or 0 */
	struct sv value;
};

/*
 * Each sealed value, agent by agent. fn: 1 and *put_out (memory from arena)
 * takes its place, which needs `tx`; 0 it stays; -1 err is set. `tx` may be
 * NULL.
 */
typedef int (*store_sealed_fn)(void *data, const struct sealed_value *sealed,
			       struct arena *arena, struct sv *put_out,
			       struct error *err);
int store_sealed_scan(struct store *store, struct store_tx *tx,
		      store_sealed_fn fn, void *data, struct error *err);

#endif
