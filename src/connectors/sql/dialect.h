/*
 * dialect.h - how SQL is written for one database
 *
 * A constant table for each; the core builds statements by it and never asks
 * which database it is. All names are quoted, all values are bound: no text
 * from outside is ever part of a statement, but for what the agent's own
 * settings give as SQL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_DIALECT_H
#define CONNECTORS_SQL_DIALECT_H

#include "base/strbuf.h"
#include "connectors/sql/driver.h"

/* How the key that the database makes for a new row is read back. */
enum sql_returning {
	SQL_RETURNING_NONE,
	SQL_RETURNING_CLAUSE, /* INSERT ... VALUES (...) RETURNING key */
	SQL_RETURNING_OUTPUT, /* INSERT ... OUTPUT inserted.key VALUES (...) */
	SQL_RETURNING_QUERY,  /* another query behind it: `last_key` */
};

enum sql_limit {
	SQL_LIMIT_LIMIT,  /* ... LIMIT n */
	SQL_LIMIT_TOP,    /* SELECT TOP n ... */
	SQL_LIMIT_FETCH,  /* ... FETCH FIRST n ROWS ONLY */
	SQL_LIMIT_FIRST,  /* SELECT FIRST n ... */
	SQL_LIMIT_ROWNUM, /* SELECT * FROM (...) WHERE ROWNUM <= n */
};

/* What a database's own error number means. */
struct sql_error_number {
	int native; /* 0 ends a table */
	enum sql_failure_kind kind;
	int last; /* of a range that begins with `native`; 0: only that */
};

/* The same where one number means several things, by words of its text. */
struct sql_error_text {
	const char *piece; /* NULL ends a table */
	int native;        /* 0: any */
	enum sql_failure_kind kind;
};

struct sql_dialect {
	const char *name; /* "sqlserver" */
	const char *help; /* "Microsoft SQL Server 7 to 2022" */
	/* How its own name begins (SQL_DBMS_NAME); several divided by '|'. */
	const char *product;
	char quote_open;
	char quote_close;
	bool numbered; /* parameters are $1, $2; else ? */
	/* Names that are written without quotes become these: Oracle's are
	 * upper, PostgreSQL's lower, most are as written. */
	enum sql_fold { SQL_FOLD_NONE, SQL_FOLD_LOWER, SQL_FOLD_UPPER } fold;
	enum sql_limit limit;
	enum sql_returning returning;
	const char *last_key;
	bool empty_is_null;
	bool read_only; /* Access by mdbtools */
	/* Statements at the beginning of a connection (bound waits for locks,
	 * %d: seconds of the setting; what does not fit is an error), and of a
	 * transaction that reads one moment; NULL: none. */
	const char *lock_timeout;
	const char *snapshot;
	/* Another statement that ends what `snapshot` began, when that stands
	 * before the transaction and holds for the whole connection; NULL:
	 * `snapshot` is the first statement of the transaction. */
	const char *snapshot_off;
	const char *now;     /* an expression: the database's moment, in UTC, as
			      * ISO 8601 text; NULL: it has none */
	const char *one_row; /* " FROM DUAL": behind a SELECT of expressions;
			      * or "" */
	/* An expression: where unqualified names lie; or NULL. */
	const char *own_schema;
	/* The names of the columns that the database fills in itself, of the
	 * table whose schema and name are bound; NULL: it cannot be asked. */
	const char *generated;
	const struct sql_error_number *errors; /* or NULL */
	const struct sql_error_text *texts;    /* or NULL */
	/* How a procedure is called: "CALL %s(%s)", "EXEC %s %s"; NULL: there
	 * are none. */
	const char *call;
};

/* A table, ends with NULL; the last one is for any other database. */
extern const struct sql_dialect *const sql_dialects[];
extern const struct sql_dialect sql_postgresql;

/* By its name, or NULL. */
const struct sql_dialect *sql_dialect_find(struct sv name);
/* By what the database calls itself; never NULL. */
const struct sql_dialect *sql_dialect_of_product(const char *product);

/* What a failure means: by the dialect's numbers, then by SQLSTATE. */
enum sql_failure_kind sql_failure_of(const struct sql_dialect *dialect,
				     const char *state, int native);
/* The same, and by what it says where the number leaves it open. */
enum sql_failure_kind sql_failure_told(const struct sql_dialect *dialect,
				       const char *state, int native,
				       const char *text);

/* What it means for a run when nobody handles it. */
enum err_code sql_failure_code(enum sql_failure_kind kind);

/* ---- pieces of statements ---- */

/* Appends a quoted name; its own quotes are doubled. No database has a name
 * with a NUL: then sql->overflow is set. */
void sql_add_name(struct strbuf *sql, const struct sql_dialect *dialect,
		  struct sv name);
/* The same for "schema.table", or "table"; each part may stand in double
 * quotes, in which a dot is a character as any other. */
void sql_add_table(struct strbuf *sql, const struct sql_dialect *dialect,
		   struct sv name);
/* The marker of parameter `number`, from 1. */
void sql_add_marker(struct strbuf *sql, const struct sql_dialect *dialect,
		    size_t number);
/* A statement of the dialect's with `number` in the place of each %d. */
void sql_add_statement(struct strbuf *sql, const char *statement, int number);

#endif
