/*
 * copy.h - a store as a whole: what it is, backup and restore, into another one
 *
 * A backup is an SQLite file whatever the store runs on, so it can be looked at
 * with the commands and put in the place of any store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/store.h"

struct store_info {
	char kind[16];    /* "sqlite" */
	const char *name; /* its path or address, borrowed until close */
	int64_t version;  /* of its tables */
	int64_t size;     /* bytes; 0: not known */
};

int store_info(struct store *store, struct store_info *out, struct error *err);

/* Reads all of it: 0 it is whole; 1 a server keeps it, which sees to that
 * itself; -1 it is damaged, err says how. */
int store_verify(struct store *store, struct error *err);

struct store_copied {
	int64_t tables;
	int64_t rows;
};

/*
 * All rows of `from`, as they are at one moment, into `to`, which must be empty
 * and whose lease is taken; but for the lease, all of them. The numbers of rows
 * are counted on both sides. `to` is to be closed afterwards, whatever comes of
 * it; one that failed has nothing in it.
 */
int store_copy(struct store *from, struct store *to, struct store_copied *out,
	       struct error *err);

/*
 * The store as it is at one moment, to a file of its owner alone that appears
 * when all of it is on the disk; others go on writing. A file that is there and
 * is no store is refused.
 */
int store_backup(struct store *store, const char *path, struct error *err);

struct store_restored {
	int64_t version; /* of the tables in the file */
	int64_t size;    /* of the file */
	char *kept;      /* where the replaced store is, mem; or NULL */
};

/*
 * Puts what is in the file in the place of the store, after reading all of it.
 * Watermarks are left out: what they stand for is another state of the
 * connected systems, so the next import of every agent is a full one. What was
 * there is kept. ERR_CONFLICT: a process holds the lease.
 */
int store_restore(const char *url, const char *path, struct store_restored *out,
		  struct error *err);

struct store_table {
	const char *name;
	const char *columns; /* "id, type, ..." */
};
/* What store_copy() copies, for a test that nothing is forgotten; NULL: there
 * are no more. */
const struct store_table *store_table(size_t i);

#endif
