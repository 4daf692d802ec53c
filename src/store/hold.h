/*
 * hold.h - objects that a run was undone for: nothing is exported to them
 *
 * A row an object. It says what was undone and, as a fingerprint, what
 * synchronization wanted then; as long as it wants the same nothing is
 * exported. Of an account that was added and is taken away again the row
 * stands for the one that its metaverse object would get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include "store/store.h"

enum hold_kind {
	HOLD_ADD = 1,    /* an account was added: there is to be none */
	HOLD_CHANGE = 2, /* values or the name of an account */
	HOLD_DELETE = 3, /* an account was deleted: it is to stay */
};

struct hold_row {
	int64_t cs; /* HOLD_ADD: the one that was, its number is no other's */
	enum hold_kind kind;
	int64_t mv;        /* its metaverse object, or 0 */
	uint32_t rule_set; /* NAME_RULE_SET, or 0 */
	int64_t run;       /* that was undone */
	int64_t since;
	uint64_t wanted;  /* by synchronization; 0: not known yet */
	const char *user; /* who did so */
	struct sv name;   /* DN or anchor, for people */
	struct sv attrs;  /* HOLD_CHANGE: store numbers as image_encode_number
			   * writes them; 0 is the name */
};

int store_hold_put(struct store_tx *tx, const struct hold_row *row,
		   struct error *err);
int store_hold_delete(struct store_tx *tx, int64_t cs, struct error *err);
/* Of the object; in the arena: 1, 0 none, -1. */
int store_hold_get(struct store *store, int64_t cs, struct arena *arena,
		   struct hold_row *out, struct error *err);
/* Of the accounts that a metaverse object is not to get: the number in the
 * arena, or -1. */
int store_hold_of_mv(struct store *store, int64_t mv, struct arena *arena,
		     struct hold_row **out, struct error *err);
int64_t store_hold_count(struct store *store, struct error *err);
/* With cs > after, in order: fn returns 0 to go on, 1 to stop, -1. */
int store_hold_scan(struct store *store, int64_t after,
		    int (*fn)(void *data, const struct hold_row *row),
		    void *data, struct error *err);

#endif
