/*
 * rules.h - the rules of the last synchronization, and whom they concern
 *
 * A copy of what the rules said, part by part, so that a synchronization finds
 * what has changed since the last one; and the objects that a part is about.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_RULES_H
#define STORE_RULES_H

#include "store/mv.h"

int store_rules_put(struct store_tx *tx, struct sv part, struct sv text,
		    struct error *err);
int store_rules_delete(struct store_tx *tx, struct sv part, struct error *err);
/* All of them by name: fn returns 0 to go on, -1. */
int store_rules_scan(struct store *store,
		     int (*fn)(void *data, struct sv part, struct sv text),
		     void *data, struct error *err);

enum concern {
	CONCERN_TYPE,     /* an agent's objects of a type */
	CONCERN_UNLINKED, /* those of them that are not linked */
	CONCERN_LINKED,   /* links under a rule set */
	CONCERN_LEAVING,  /* objects under it that wait to be deprovisioned */
	CONCERN_MV,       /* metaverse objects of a type */
};

struct concern_row {
	int64_t cs; /* 0: of a metaverse object only */
	int64_t mv; /* 0: not linked */
};

/*
 * Objects by `number` (of a type, a rule set or a metaverse type), at most
 * `limit`, in order. *after begins at 0 and is moved on; the number filled, or
 * -1.
 */
int store_concerned(struct store *store, enum concern concern, uint32_t agent,
		    uint32_t number, int64_t *after, struct concern_row *out,
		    int limit, struct error *err);

#endif
