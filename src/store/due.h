/*
 * due.h - what is to be looked at again when its time has come
 *
 * A row an object and kind, by time. A synchronization moves what is due into
 * the queues of its kind; whoever looks at the object again replaces the row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_DUE_H
#define STORE_DUE_H

#include "store/mv.h"

enum due_kind {
	DUE_CS = 1,          /* a rule of the six steps, of this cs object */
	DUE_MV = 2,          /* a rule of this metaverse object */
	DUE_DELETION = 3,    /* the deletion rule of this metaverse object */
	DUE_DEPROVISION = 4, /* this cs object is deprovisioned for good */
};

struct due_row {
	enum due_kind kind;
	int64_t id;
	int64_t time;
	int64_t since; /* DUE_MV: what Now() was in values, or 0 */
	struct sv why; /* the expression, or empty */
};

int store_due_put(struct store_tx *tx, const struct due_row *row,
		  struct error *err);
int store_due_delete(struct store_tx *tx, enum due_kind kind, int64_t id,
		     struct error *err);
/* 1 filled but for `why`, 0 there is none. */
int store_due_get(struct store *store, enum due_kind kind, int64_t id,
		  struct due_row *out, struct error *err);
bool store_due_any(struct store *store);
/*
 * What is due at `now`, at most `limit` rows of DUE_CS and DUE_MV: they go, and
 * their objects are queued. Their number; 0: no more.
 */
int store_due_take(struct store_tx *tx, int64_t now, int limit,
		   struct error *err);
/* The same of the other kinds, whose rows stay: metaverse objects to be
 * evaluated, or of an object without one itself. */
int store_due_wake(struct store_tx *tx, enum due_kind kind, int64_t now,
		   struct error *err);
/* All rows by time: fn returns 0 to go on, 1 to stop, -1. */
int store_due_scan(struct store *store,
		   int (*fn)(void *data, const struct due_row *row), void *data,
		   struct error *err);

#endif
