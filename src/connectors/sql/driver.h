/*
 * driver.h - how the sql connectors speak with a database's client library
 *
 * A driver is a constant table (libpq.c, odbc.c): connections, queries whose
 * rows come one by one, statements with bound values that run in order, and the
 * catalogue. It knows nothing of objects. How SQL is written for a database is
 * the dialect's (dialect.h).
 *
 * Values are text in UTF-8, except those of SQL_COLUMN_BYTES. A value whose
 * `ptr` is NULL is SQL's NULL; an empty one points to something.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_DRIVER_H
#define CONNECTORS_SQL_DRIVER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/sv.h"
#include "model/setting.h"

#include <stdbool.h>
#include <stdint.h>

struct sql_dialect;

enum sql_column_kind {
	SQL_COLUMN_TEXT,
	SQL_COLUMN_CHAR,    /* text, padded with blanks to its width */
	SQL_COLUMN_INTEGER, /* fits 64 bits */
	SQL_COLUMN_DECIMAL, /* text without loss: 0.10 stays 0.10 */
	SQL_COLUMN_FLOAT,   /* shortest text that gives the same number */
	SQL_COLUMN_BOOLEAN, /* "true", "false" */
	SQL_COLUMN_DATE,    /* 2026-11-22 */
	SQL_COLUMN_TIME,    /* 08:15:00.1234567 */
	SQL_COLUMN_LOCAL,   /* 2026-11-22T08:15:00.1234567: of no zone */
	SQL_COLUMN_MOMENT,  /* 2026-11-22T08:15:00.1234567Z: UTC */
	SQL_COLUMN_GUID,
	SQL_COLUMN_BYTES,
	SQL_COLUMN_OTHER, /* as the database writes it as text */
};

struct sql_column {
	const char *name;
	enum sql_column_kind kind;
	const char *type; /* as the database names it: "varchar(40)" */
	int native;       /* the driver's own number of the type */
	uint64_t size;    /* characters or bytes at most; 0: not known */
	bool nullable;
	bool generated; /* identity, serial, computed: not to be written */
	int key;        /* 1, 2 ...: place in the primary key; 0: not in it */
};

/* A foreign key: columns of one table that name a row of another. */
struct sql_foreign {
	const char *schema; /* of the table that is named; or NULL */
	const char *table;
	const char **columns; /* of this table */
	const char **others;  /* of that one */
	size_t count;
};

struct sql_table {
	const char *schema; /* or NULL */
	const char *name;
	bool view;
	/* sql_driver.describe fills in: */
	struct sql_column *columns;
	size_t column_count;
	/* sql_driver.foreign: */
	struct sql_foreign *foreign;
	size_t foreign_count;
};

/* Why a statement failed, as far as it changes what is done about it. */
enum sql_failure_kind {
	SQL_FAILURE_NONE,
	SQL_FAILURE_LOST,      /* the connection is gone */
	SQL_FAILURE_UNIQUE,    /* such a row, or value, is there already */
	SQL_FAILURE_REFERENCE, /* what a foreign key names is not there, or
				* what is deleted is still named */
	SQL_FAILURE_NULL,      /* a column must have a value */
	SQL_FAILURE_CHECK,     /* a constraint, or the database's own code */
	SQL_FAILURE_LENGTH,    /* longer than the column */
	SQL_FAILURE_VALUE,     /* not of the column's type, out of its range,
				* or not of its encoding */
	SQL_FAILURE_DEADLOCK,  /* may be tried again at once */
	SQL_FAILURE_LOCKED,    /* waited for a lock, or ran, for too long */
	SQL_FAILURE_DENIED,
	SQL_FAILURE_MISSING, /* table, column or procedure is not there */
	SQL_FAILURE_OTHER,
};

struct sql_failure {
	enum sql_failure_kind kind;
	char state[6]; /* SQLSTATE, or "" */
	int native;    /* the database's own number, or 0 */
	char text[400];
};

struct sql_param {
	struct sv value;
	/* The column that it is compared with or written to, by which it is
	 * bound; NULL: not known, then it is text. */
	const struct sql_column *column;
};

/* One statement of a batch. */
struct sql_run {
	/* Statements with the same pointer are the same: prepared once, and
	 * perhaps sent together. */
	const char *sql;
	const struct sql_param *params;
	size_t param_count;
	/* Whatever its values are, it touches one row at most: an INSERT of
	 * values, or what is for a whole key. Some drivers tell only how many
	 * rows all of several statements touched: those are sent together that
	 * have this, and when not each touched one, `rows` of all is 0. */
	bool one;
	bool secret; /* of all runs together: copies of values are wiped */
	/* What it gave: rows that it touched, and of the first row that it
	 * returned the values (memory of the batch's arena). */
	uint64_t rows;
	struct sv *values;
	size_t value_count;
};

/* A connection; each driver has this at the beginning of its own. */
struct sql_link {
	const struct sql_driver *driver;
	const struct sql_dialect *dialect;
	const char *server;    /* that was reached: "db1.example.org:5432" */
	const char *product;   /* "PostgreSQL 15.10" */
	int version;           /* major * 100 + minor; 0: not known */
	struct sv certificate; /* DER, as the server sent it; or empty */
	const char *schema;    /* where unqualified names lie; or NULL */
};

/* Where a database is, as the agent's settings say. */
struct sql_place {
	const char *agent;
	const char *folder;                /* relative paths start here */
	const struct node *connect;        /* the settings */
	struct secret *password;           /* or NULL */
	struct sql_dialect const *dialect; /* that is set; NULL: find out */
};

struct sql_rows; /* defined by each driver */

struct sql_driver {
	const char *name;
	const struct setting_def *settings; /* how the database is reached */

	/* On -1 nothing is left open; ERR_UNAVAILABLE when it cannot be
	 * reached, ERR_DENIED when it does not let in. The dialect is known
	 * then. */
	int (*open)(const struct sql_place *place, struct sql_link **out,
		    struct error *err);
	/* Accepts NULL. A transaction that is open is rolled back. */
	void (*close)(struct sql_link *link);

	/* A transaction. `snapshot`: all its queries see one moment and write
	 * nothing, where the database can do that; else each its own. */
	int (*begin)(struct sql_link *link, bool snapshot, struct error *err);
	int (*commit)(struct sql_link *link, struct error *err);
	int (*rollback)(struct sql_link *link, struct error *err);

	/*
	 * Runs a query. Its rows come by fetch() in constant memory; until they
	 * are all fetched or rows_close() was called, the link is for nothing
	 * else. `failure` may be NULL; else it is filled in with -1.
	 */
	int (*query)(struct sql_link *link, const char *sql,
		     const struct sql_param *params, size_t param_count,
		     struct sql_rows **out, struct sql_failure *failure,
		     struct error *err);
	/* Name and type of what a query gives; valid until rows_close(). */
	const struct sql_column *(*columns)(const struct sql_rows *rows,
					    size_t *count_out);
	/* 1: *out has a value for each column, until the next call; 0: end of
	 * all rows; -1. A value that cannot be read as what its column is has
	 * its bytes as they are, and *broken_out the number of that column,
	 * from 1 (else 0). */
	int (*fetch)(struct sql_rows *rows, const struct sv **out,
		     size_t *broken_out, struct error *err);
	/*
	 * A row in one piece, its line: the same bytes are the same values.
	 *
	 * In the place of fetch(): 1: *out, memory from arena; 0: end of all
	 * rows; -1. Only where has_lines() says so.
	 */
	int (*line)(struct sql_rows *rows, struct arena *arena, struct sv *out,
		    struct error *err);
	bool (*has_lines)(const struct sql_rows *rows);
	/* Of the row that fetch() gave, as line() would give these columns;
	 * memory from arena. */
	struct sv (*line_of)(const struct sql_rows *rows, size_t from,
			     size_t count, struct arena *arena);
	/* The values of a line's first `count` columns, as fetch() gives them;
	 * views into it, or memory from arena. From any thread. 1; 0 the line
	 * has not so many. */
	int (*split)(const struct sql_link *link, struct sv line,
		     const struct sql_column *const *columns, size_t count,
		     struct arena *arena, struct sv *out, size_t *broken_out);
	/* Accepts NULL. */
	void (*rows_close)(struct sql_rows *rows);

	/*
	 * Runs statements in order, as few round trips as it can. 1: all ran;
	 * 0: the one at *failed_out failed and those behind it did not run; the
	 * transaction is to be rolled back; -1: the connection is lost or of no
	 * use any more: what ran is not known.
	 */
	int (*execute)(struct sql_link *link, struct sql_run *runs,
		       size_t count, struct arena *arena, size_t *failed_out,
		       struct sql_failure *failure, struct error *err);

	/* Tables and views that this user may read, without columns; memory
	 * from arena. */
	int (*tables)(struct sql_link *link, struct arena *arena,
		      struct sql_table **out, size_t *count_out,
		      struct error *err);
	/* The columns of a table: 1 filled, 0 there is none, -1.
	 * Names as the database has them; case is ignored when no exact one is
	 * there. */
	int (*describe)(struct sql_link *link, const char *schema,
			const char *name, struct arena *arena,
			struct sql_table *out, struct error *err);
	/* Its foreign keys, which cost much to ask for: fills in the rest of
	 * what describe() gave. */
	int (*foreign)(struct sql_link *link, struct arena *arena,
		       struct sql_table *table, struct error *err);

	/* Waits for a notice on a channel: 1 there was one since the first
	 * call, 0 none within `timeout_ms`, -1. NULL: the driver has none. */
	int (*wait)(struct sql_link *link, const char *channel, int timeout_ms,
		    struct error *err);
};

extern const struct sql_driver sql_libpq;
extern const struct sql_driver sql_odbc;

#endif
