/*
 * store.h - the store: open it, transactions, names, watermarks
 *
 * One file (SQLite), or a database on a server. Readers never wait; who runs
 * holds a lease, of an agent or of the whole store (store_lease). Functions
 * that write take a transaction, so that work outside of one does not compile.
 * What is in it: docs/internals/store.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "store/image.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct store_tx; /* an open writing transaction */

enum store_open_flags {
	STORE_CREATE = 1, /* make it when it is not there */
	STORE_READ = 2,   /* no writing */
	/* All can be written and nothing is: what is written lies over the
	 * store as it is at this moment, and goes with store_close() or the
	 * process. Others read and write the store meanwhile; the lease is one
	 * of the overlay's own. */
	STORE_OVERLAY = 4,
};

/* `url` is "sqlite:PATH". The schema is brought up to date. */
int store_open(const char *url, enum store_open_flags flags, struct store **out,
	       struct error *err);
void store_close(struct store *store); /* accepts NULL */
/* A store that is a file may have a log beside it, which belongs to it. When
 * it is closed it has none, whatever that costs. */
void store_leave_one_file(struct store *store);

enum store_durability {
	STORE_BULK,    /* survives kill -9; a power cut may cost the last ones
			* of a step that can be repeated */
	STORE_DURABLE, /* survives a power cut once committed */
	STORE_ALONE,   /* as bulk; nobody else has one of these open, so what
			* is numbered for the whole store can be numbered:
			* short, since others wait */
};

/* Also checks that this process still holds its lease, if it took one. */
int store_begin(struct store *store, enum store_durability durability,
		struct store_tx **out, struct error *err);
/* By who has no lease, about objects of one agent: the transactions of a run
 * of that agent and this one wait for each other. */
int store_begin_beside(struct store *store, uint32_t agent,
		       enum store_durability durability, struct store_tx **out,
		       struct error *err);
int store_commit(struct store_tx *tx, struct error *err);
void store_rollback(struct store_tx *tx); /* accepts NULL */
struct store *store_of(struct store_tx *tx);

/*
 * Runs `fn` on a thread of its own, then commits and begins the next bulk
 * transaction unless `fn` returns 1, then `then` if it is not NULL, which only
 * reads. Until it is through, calls that need the store's rows wait for it;
 * those that can be answered from what is known do not, so rows and keys that
 * it writes are announced before (store_expect_*, cs.h). `data` stays until
 * store_settle(). When it fails all is rolled back and every call fails until
 * store_rollback().
 */
typedef int (*store_write_fn)(void *data, struct store_tx *tx,
			      struct error *err);
int store_write_behind(struct store_tx *tx, store_write_fn fn,
		       store_write_fn then, void *data, struct error *err);
/*
 * `fn` writes what the caller has not written yet. It is called, once, before
 * the next call of this thread that needs the store's rows or commits; NULL:
 * there is nothing any more. Rows and keys are announced as above.
 */
void store_hold_back(struct store *store, store_write_fn fn, void *data);
/* Waits for it; -1 with what it failed of. */
int store_settle(struct store *store, struct error *err);

/* A read snapshot: what is read between the two does not change. */
int store_read_begin(struct store *store, struct error *err);
void store_read_end(struct store *store);

/* The secret of this store that all hashes are made with. */
const struct hash_key *store_hash_key(const struct store *store);

/*
 * Who writes. A lease is of the whole store, or of one agent: then its holder
 * may write what is that agent's, and read but not write the metaverse and the
 * links; holders of other agents write meanwhile. Of one agent, and of the
 * whole beside any other, there is one holder at a time.
 */
struct store_holder {
	uint32_t agent; /* 0: of the whole store */
	int64_t run;
	int64_t since; /* clock_now() of its start */
	int64_t process;
	char host[64];
	char what[128]; /* "hr full-import" */
};
/* Of the whole store. 1: taken, until store_close or the process ends; 0:
 * another process is in the way and *holder_out tells which; -1: err is set.
 */
int store_lease(struct store *store, const char *what,
		struct store_holder *holder_out, struct error *err);
/* The same of one agent. Where a database has one lease only (SQLite) it is
 * that. */
int store_lease_agent(struct store *store, const char *agent, const char *what,
		      struct store_holder *holder_out, struct error *err);
/* What this store holds is all of it. */
bool store_leased_whole(const struct store *store);

#define STORE_HOLDERS 64
struct store_holders {
	struct store_holder at[STORE_HOLDERS];
	int count;
};
/* Takes nothing: all that hold a lease, or the first ones. 0, or -1. */
int store_holders(struct store *store, struct store_holders *out,
		  struct error *err);
/* 1: a process holds a lease and *holder_out tells which; 0: none does; -1. */
int store_lease_held(struct store *store, struct store_holder *holder_out,
		     struct error *err);
/*
 * The lease of an agent (0: of the whole store), also from processes that
 * cannot be asked any more: the connections of all that are in its way are
 * ended and can write nothing. 1: taken, *before_out are those that were in
 * its way; 0: the process still holds it, as a lock of the operating system's
 * that ends with it; -1.
 */
int store_take_over(struct store *store, uint32_t agent, const char *what,
		    struct store_holders *before_out, struct error *err);

/* Names that rows refer to by number; numbers are never given anew. */
enum store_name_kind {
	NAME_ATTRIBUTE = 1,
	NAME_TYPE = 2,     /* of connector space objects */
	NAME_AGENT = 3,    /* 1 .. 65535: part of connector space ids */
	NAME_RULE_SET = 4, /* "agent.rule set" */
	NAME_MV_TYPE = 5,
};
/* The number, made when it is new; 0 on error. Attributes ignore case. */
uint32_t store_name_add(struct store_tx *tx, enum store_name_kind kind,
			struct sv name, struct error *err);
/* 0 when there is none. */
uint32_t store_name_find(struct store *store, enum store_name_kind kind,
			 struct sv name);
/* Gives a number another name; before anybody borrowed the old one. */
int store_name_change(struct store_tx *tx, enum store_name_kind kind,
		      uint32_t number, struct sv name, struct error *err);
/* Borrowed until close; NULL when there is none. */
const char *store_name(struct store *store, enum store_name_kind kind,
		       uint32_t number);

/*
 * Ties the configuration's attribute numbers (names[1..count]) to the store's,
 * new names are added (only found, when the store is open for reading). Names
 * that only the store knows get numbers past `count`. Borrowed until the next
 * call or close.
 */
int store_bind_attributes(struct store *store, const char *const *names,
			  size_t count, struct error *err);
const struct attr_map *store_attr_map(const struct store *store);
/* The name behind a configuration number, also of those past `count`. */
const char *store_attr_name(const struct store *store, uint32_t attr);

/* Small values: watermarks, fingerprints. 1 found, 0 absent. */
int store_meta_get(struct store *store, const char *key, struct arena *arena,
		   struct sv *out, struct error *err);
int store_meta_set(struct store_tx *tx, const char *key, struct sv value,
		   struct error *err);
int store_meta_delete(struct store_tx *tx, const char *key, struct error *err);

#endif
