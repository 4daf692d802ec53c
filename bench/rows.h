/*
 * rows.h - rows that a step wrote: taken out of a store, written into another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>

struct cell {
	int type; /* SQLITE_INTEGER, SQLITE_BLOB ... */
	int64_t number;
	struct sv bytes;
};

#define ROWS_MAX_KEYS 4

struct table {
	const char *name;
	int columns;
	int owner;               /* the column with the object's id; -1: none */
	int keys[ROWS_MAX_KEYS]; /* columns of the primary key, in its order */
	int key_count;
};

struct row {
	size_t table;
	int64_t batch; /* the transaction that it belongs to */
	const struct cell *cells;
};

struct rows {
	struct arena arena;
	VEC(struct table) tables;
	VEC(struct row) list; /* in the order in which they are written */
};

/*
 * Takes the rows of the store file `after` that `before` (NULL: an empty one)
 * does not have, without those that describe the run itself. They are ordered
 * by transaction, table and key; a transaction has those of `objects` objects
 * of each agent.
 */
int rows_read(struct rows *rows, const char *before, const char *after,
	      int64_t objects, struct error *err);
/* Writes them into a new store file, opened and closed as the engine does. */
int rows_write(const struct rows *rows, const char *path, struct error *err);
void rows_release(struct rows *rows);

#endif
