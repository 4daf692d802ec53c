/*
 * sql_private.h - what the files of the store in SQL share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQL_PRIVATE_H
#define STORE_SQL_PRIVATE_H

#include "base/map.h"
#include "base/vec.h"
#include "store/cs.h"
#include "store/sql/database.h"

#include <pthread.h>

#define NAME_KINDS 6

/* Ids are reserved in blocks, so a new one costs no statement: few for who
 * needs one, more for who needs many. */
#define FIRST_IDS 4096
#define MORE_IDS  65536
#define MOST_IDS  1048576

struct store_tx {
	struct store *store;
};

struct store_name_row {
	enum store_name_kind kind;
	uint32_t number;
	char *name;
};

/* Narrow tables by agent that are nearly always empty. */
enum motion_table {
	MOTION_PENDING_IMPORT,
	MOTION_PENDING_EXPORT,
	MOTION_AWAITING,
	MOTION_LINK,
	MOTION_ERROR,
	MOTION_QUEUE,
	MOTION_DUE,
	MOTION_RETRY,
	MOTION_MEMBER,
	MOTION_TABLES,
};

/* Which keys a table may have: see known.c. */
struct known_keys {
	uint64_t *bits; /* NULL: not known */
	uint64_t lines; /* a power of two */
	uint64_t keys;  /* that have been added */
	unsigned asked;
};

/* What another thread writes: see behind.c. */
struct write_behind {
	bool running;
	bool failed; /* until store_rollback() */
	pthread_t thread;
	store_write_fn fn;
	store_write_fn then; /* or NULL */
	void *data;
	int ret;
	struct error err;
};

struct late_anchor {
	uint32_t agent;
	size_t number; /* the last one of a key counts */
	struct anchor_key key;
};

struct store {
	struct database *db;
	bool leased;    /* by us, under the number `fencing` */
	uint32_t scope; /* the agent whose lease it is, 0: of all */
	int64_t fencing;
	bool read_only;
	bool snapshot; /* what is read does not change */
	struct store_tx tx;
	bool in_tx;
	struct hash_key key;
	/* prepared statements by the address of their text */
	struct idmap statements;
	/* dictionary */
	struct namemap *names[NAME_KINDS];
	VEC(struct store_name_row) name_rows;
	size_t committed_names; /* later ones go when a transaction does */
	struct attr_map map;
	VEC(const char *) attr_names; /* [configuration number] */
	/* (agent, table) -> 1 has rows, 2 has none: while we hold its lease
	 * nobody else writes */
	struct idmap motion;
	struct known_keys known_keys[STORE_KEY_TABLES];
	pthread_mutex_t motion_lock; /* while another thread writes */
	struct write_behind behind;
	store_write_fn held; /* writes what the caller holds back, or NULL */
	void *held_data;
	VEC(struct key_row) late[STORE_KEY_TABLES]; /* see late.c */
	VEC(struct late_anchor) late_anchors;
	/* next ids: [agent], loaded on demand */
	struct idmap next_cs;
	int64_t next_mv;
	int64_t end_mv; /* of those reserved */
};

/*
 * A prepared statement is kept for the life of the store; `text` must be a
 * string literal (its address is the key).
 *
 * `types` of what is bound: i int64_t, b struct sv as bytes (NULL pointer:
 * NULL), t struct sv as text, s const char *. Bytes are borrowed until the
 * statement is reset.
 */
/* Runs a statement that gives no rows. */
int sql_run(struct store *store, const char *text, struct error *err,
	    const char *types, ...);
/* 1: *out stands on the first row (reset it when done); 0: none; -1. */
int sql_first(struct store *store, const char *text, struct statement **out,
	      struct error *err, const char *types, ...);
/* The next row: 1, 0 (reset already) or -1. */
int sql_next(struct statement *stmt, struct error *err);
void sql_reset(struct statement *stmt);

/* The first column of the first row: 1, 0 (there is none: *out is 0) or -1. */
int sql_number(struct store *store, const char *text, int64_t *out,
	       struct error *err, const char *types, ...);
/* Ids, one column, into an array in the arena; the number or -1. */
int sql_id_list(struct store *store, const char *text, struct arena *arena,
		int64_t **out, struct error *err, const char *types, ...);
/* Ids, one column, at most `limit` into `out`. */
int sql_ids(struct store *store, const char *text, int64_t *out, int limit,
	    struct error *err, const char *types, ...);

/* A column of the row: NULL is 0, "", or SV_NULL. Borrowed until the statement
 * moves on, but for those that are copied to the arena. */
int64_t sql_int(struct statement *stmt, int column);
const char *sql_text(struct statement *stmt, int column);
struct sv sql_view(struct statement *stmt, int column);
struct sv sql_bytes(struct statement *stmt, int column, struct arena *arena);

/* open.c: the driver of an address, *where_out what is behind its scheme; NULL:
 * err is set. */
const struct sql_driver *sql_driver_of(const char *url, const char **where_out,
				       struct error *err);

/* backup.c: an overlay over a copy of the store as it is now. */
int sql_open_copy(const char *url, struct store **out, struct error *err);

/* Of cs.flags, beside those of enum cs_flags: there is no image. An index that
 * would ask the image itself were written whenever that changes. */
#define CS_NO_IMAGE 8

/* Of pending_export.in_progress: no more than the step to a passing name. */
#define IN_PROGRESS_ASIDE INT64_C(2)

/* lease.c: nobody but us writes rows of that agent (0: of the metaverse), or
 * what is read does not change. */
bool lease_covers(const struct store *store, uint32_t agent);
/* The transaction that was begun is ours; `fencing` is the number it read. */
int lease_check(struct store *store, int64_t fencing, struct error *err);

/* known.c: true when the table has no such key, or no row of the object's
 * agent, for sure. What is put must be told. */
bool known_key_absent(struct store *store, enum store_keys table, uint64_t h);
void known_key_comes(struct store *store, enum store_keys table, uint64_t h);
bool known_no_rows(struct store *store, int64_t cs, enum motion_table table);
void known_row_comes(struct store *store, int64_t cs, enum motion_table table);
/* What a rollback took back, or all of it. */
void known_forget_rows(struct store *store);
void known_forget(struct store *store);

/* late.c: keys that are held until the transaction ends */
int late_put(struct store_tx *tx, enum store_keys table,
	     const struct key_row *keys, size_t count, struct error *err);
/* Before the table is looked at or changed in another way. */
int late_write(struct store *store, enum store_keys table, struct error *err);
int late_put_anchor(struct store_tx *tx, uint32_t agent,
		    const struct anchor_key *key, struct error *err);
int late_write_anchors(struct store *store, struct error *err);
int late_write_all(struct store *store, struct error *err);
void late_forget(struct store *store);

/* behind.c: 0 this thread may use the connection, waiting for the one that
 * writes behind, and all that was held back is written; -1 that failed. */
int behind_enter(struct store *store, struct error *err);
/* This is the thread that writes behind. */
bool behind_is_writer(const struct store *store);

/* name.c. Called by rollback: names and ids of the lost transaction are
 * forgotten. */
void store_forget_uncommitted(struct store *store);
/* Those that are not known yet, or have another name by now. */
int store_load_names(struct store *store, struct error *err);
void store_free_names(struct store *store);
void store_free_map(struct store *store);

#endif
