/*
 * ignored.h - errors that a person does not want to see for a while
 *
 * Small values of the store: they are rare, and travel with copies and backups.
 * What is ignored is tried like everything else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_IGNORED_H
#define STORE_IGNORED_H

#include "store/store.h"

struct ignored {
	int64_t cs;
	struct sv code;
	int64_t until;
	struct sv user; /* who said so */
};

int ignored_put(struct store_tx *tx, const struct ignored *row,
		struct error *err);
int ignored_delete(struct store_tx *tx, int64_t cs, struct sv code,
		   struct error *err);
/* 1: this error of the object is ignored at `now`, *out is filled (in the
 * arena); 0: it is not; -1. */
int ignored_get(struct store *store, int64_t cs, struct sv code, int64_t now,
		struct arena *arena, struct ignored *out, struct error *err);

#endif
