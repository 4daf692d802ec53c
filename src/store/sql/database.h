/*
 * database.h - what the store asks of an SQL database: the drivers' contract
 *
 * The store's statements are written once, in SQLite's words as far as the
 * other databases' drivers translate them (each says which). A connection
 * serves one thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQL_DATABASE_H
#define STORE_SQL_DATABASE_H

#include "base/error.h"
#include "base/sv.h"
#include "store/store.h"

#include <stdarg.h>

/* A connection; drivers have their own behind this. */
struct database {
	const struct sql_driver *driver;
	char *name; /* for people: a path, or an address without password */
};

/* A prepared statement, the connection's until that is closed. */
struct statement {
	const struct sql_driver *driver;
};

struct sql_driver {
	/* The beginning of the addresses that it opens: "sqlite:". */
	const char *scheme;
	/* The schema, as numbered steps that are only added to; NULL ends. */
	const char *const *schema;
	bool overlays; /* opens with STORE_OVERLAY; else a copy is made */
	bool scopes;   /* has leases of single agents */

	/* `where`: the address behind the scheme. ERR_NOTFOUND: there is none
	 * yet and STORE_CREATE was not given. */
	int (*open)(const char *where, enum store_open_flags flags,
		    struct database **out, struct error *err);
	void (*close)(struct database *db); /* a lease ends too */

	/* Statements without parameters and rows, divided by semicolons. */
	int (*run)(struct database *db, const char *text, struct error *err);
	/* `text` has the parameters ?1, ?2 ... whose types are given as in
	 * sql_run(). */
	struct statement *(*prepare)(struct database *db, const char *text,
				     const char *types, struct error *err);
	/* Binds and starts anew; bytes are borrowed until it is reset. */
	int (*start)(struct statement *stmt, const char *types, va_list args,
		     struct error *err);
	/* 1: on the next row; 0: there is none, it is reset; -1 the same. */
	int (*next)(struct statement *stmt, struct error *err);
	void (*reset)(struct statement *stmt);
	/* Columns of the row; NULL is 0, and SV_NULL. Texts end with a NUL.
	 * Borrowed until it moves on. */
	int64_t (*integer)(struct statement *stmt, int column);
	struct sv (*bytes)(struct statement *stmt, int column);
	const char *(*text)(struct statement *stmt, int column);

	/* A writing transaction: others wait to begin one, but that those of
	 * holders of different agents do not wait for each other. `beside`: the
	 * agent that who has no lease writes about, or 0. Reads the number of
	 * our lease, unless NULL: the table is not there yet. */
	int (*begin)(struct database *db, enum store_durability durability,
		     uint32_t beside, int64_t *fencing_out, struct error *err);
	int (*commit)(struct database *db, struct error *err);
	void (*rollback)(struct database *db); /* also without one */
	/* A snapshot; commit() ends it. */
	int (*begin_reading)(struct database *db, struct error *err);

	/* The number of the schema's steps that it has been through. */
	int (*version)(struct database *db, int64_t *out, struct error *err);
	int (*set_version)(struct database *db, int64_t version,
			   struct error *err);

	/* Keeps other processes from what is that agent's, or from all (0),
	 * until close(). 1 taken, 0 another one is in the way, -1. */
	int (*lease)(struct database *db, uint32_t agent, struct error *err);
	/* What was taken is ours under this number. */
	int (*keep_lease)(struct database *db, int64_t fencing,
			  struct error *err);
	/* The agents whose leases are held (0: the whole), at most `max` of
	 * them: their number, or -1; takes nothing. */
	int (*leased)(struct database *db, uint32_t *agents_out, int max,
		      struct error *err);

	/* ---- what not every database has, else NULL ---- */

	/* The last statement changed rows. NULL: rows are gathered, and each
	 * replaces the one that is there. */
	bool (*changed)(struct database *db);

	/* Ends the leases that are in the way of one of that agent (0: all),
	 * whose processes cannot be asked, and their connections: 0, or -1.
	 * NULL: a lease ends with its process. */
	int (*take_over)(struct database *db, uint32_t agent,
			 struct error *err);
	/* close() leaves one file and nothing beside it that belongs to it,
	 * unless others have it open. */
	void (*leave_one_file)(struct database *db);
	/* The bytes that it takes on a disk. */
	int (*size)(struct database *db, int64_t *out, struct error *err);
	/* Rows were written that brought their numbers along: those that it
	 * gives next come behind them. NULL: they do so by themselves. */
	int (*renumber)(struct database *db, struct error *err);
	/* Reads all of it: -1, ERR_CORRUPT when something is damaged. */
	int (*check)(struct database *db, struct error *err);
	/* Writes it to a file that is empty or not there, as it is at one
	 * moment; others go on reading and writing. */
	int (*backup)(struct database *db, const char *path, struct error *err);
	/* What is at `where` becomes what is in the file, which backup() wrote
	 * and which goes. *kept_out: where the old one lies now, mem; NULL when
	 * there was none. ERR_CONFLICT: a process has the lease. */
	int (*replace)(const char *where, const char *path, char **kept_out,
		       struct error *err);
};

extern const struct sql_driver sqlite_driver;
extern const struct sql_driver postgresql_driver;

#endif
