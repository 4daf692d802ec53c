/*
 * odbc_private.h - what the files of the driver over unixODBC share
 *
 * odbc.c has settings and transactions, odbc_connect.c the connection,
 * odbc_kinds.c what each vendor's driver needs, odbc_rows.c queries,
 * odbc_types.c kinds of columns, odbc_forms.c values in the driver's forms,
 * odbc_batch.c statements with values, odbc_bind.c how values are bound,
 * odbc_catalogue.c tables and columns, odbc_text.c texts in UTF-8 and UTF-16,
 * odbc_error.c what is said when something fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_ODBC_PRIVATE_H
#define CONNECTORS_SQL_ODBC_PRIVATE_H

#include "base/strbuf.h"
#include "connectors/sql/dialect.h"
#include "connectors/sql/driver.h"
#include "connectors/sql/odbc_settings.h"

#include <sql.h>
#include <sqlext.h>

/* ---- odbc_kinds.c ---- */

enum odbc_address {
	ODBC_ADDRESS_PLAIN,    /* server and port have a keyword each */
	ODBC_ADDRESS_COMMA,    /* Server=tcp:host,port */
	ODBC_ADDRESS_ORACLE,   /* DBQ=//host:port/database */
	ODBC_ADDRESS_FIREBIRD, /* Dbname=host/port:database */
	ODBC_ADDRESS_FILE,     /* the database is a file */
};

/* A vendor's driver: what it is told, and what is known of it. */
struct odbc_kind {
	const char *library; /* its file's name has this in it */
	const char *dialect; /* as long as the server says nothing; or NULL */
	/* Keywords; NULL: it has none. */
	const char *server;
	const char *port;
	const char *database;
	const char *user;
	const char *password;
	const char *ca_file;
	const char *certificate;
	const char *key;
	/* Whole pieces: always (%d: `timeout`), and for `security`. */
	const char *always;
	const char *tls;
	const char *none;
	/* Run before a rollback, where the server may have rolled back by
	 * itself and the driver does not know; or NULL. */
	const char *reopen;
	enum odbc_address address;
	/* Its texts are UTF-8; else they are asked for in UTF-16. */
	bool narrow;
	/* Sizes of columns say nothing, or rows come one by one. */
	bool by_value;
	/* Sets of parameters are sent together, and the number of rows that
	 * all of them touched can be trusted. */
	bool arrays;
	/* Ends the connection at text that a column's code page has not. */
	bool code_pages;
	/* A statement's time limit counts while it is silent. */
	bool silence;
	/* A } within {...} is not told by doubling it. */
	bool lone_brace;
};

/* By the file of the driver's library; never NULL. */
const struct odbc_kind *odbc_kind_of(const char *library);

/* ---- odbc_connect.c ---- */

#define ODBC_PREPARED 16 /* statements that are kept */

struct odbc_prepared {
	char *sql; /* NULL: free */
	SQLHSTMT stmt;
	uint64_t used; /* the last call that did */
};

struct odbc_link {
	struct sql_link link; /* first: a link is one of these */
	struct arena arena;
	const struct odbc_kind *kind;
	SQLHENV env;
	SQLHDBC dbc;
	bool connected;
	bool in_transaction;
	bool isolated; /* dialect->snapshot is to be ended */
	int timeout;   /* seconds that a statement may be silent */
	struct odbc_prepared prepared[ODBC_PREPARED];
	uint64_t calls;
};

static inline struct odbc_link *odbc_of(struct sql_link *link)
{
	return (struct odbc_link *)link;
}

extern const struct setting_def odbc_settings[];

int odbc_open(const struct sql_place *place, struct sql_link **out,
	      struct error *err);
void odbc_close(struct sql_link *link);
/* A statement that gives nothing of interest. 0; -1 err is set. */
int odbc_run(struct odbc_link *odbc, const char *sql,
	     struct sql_failure *failure, struct error *err);

/* ---- odbc_text.c ---- */

static inline bool odbc_ok(SQLRETURN ret)
{
	return ret == SQL_SUCCESS || ret == SQL_SUCCESS_WITH_INFO;
}

/* UTF-16 as ODBC has it, NUL behind it; memory from arena. */
SQLWCHAR *odbc_utf16(struct sv text, struct arena *arena, size_t *count_out);
/* UTF-16 of so many units, wherever it lies, as UTF-8, which takes three bytes
 * a unit at most; false: a half of a pair stood alone, and is U+FFFD now. */
bool odbc_put_utf8(const char *data, size_t count, char *out, size_t *len_out);
/* Appends as UTF-8; false: a half of a pair stood alone. */
bool odbc_add_utf8(struct strbuf *out, const SQLWCHAR *text, size_t count);

/* A new statement. NULL: err is set. */
SQLHSTMT odbc_statement(struct odbc_link *odbc, struct error *err);
SQLRETURN odbc_exec_text(struct odbc_link *odbc, SQLHSTMT stmt,
			 const char *sql);
SQLRETURN odbc_prepare(struct odbc_link *odbc, SQLHSTMT stmt, const char *sql);
/* A text that describes the driver, server or connection; or "". */
const char *odbc_info(struct odbc_link *odbc, SQLUSMALLINT what,
		      struct arena *arena);

struct odbc_column {
	const char *name;
	const char *type; /* or "" */
	SQLSMALLINT native;
	SQLULEN size;
	SQLSMALLINT digits;
	bool nullable;
	bool is_unsigned;
	bool generated;
};

/* Column `number`, from 1, of what a statement gives. 0, -1. */
int odbc_describe_column(struct odbc_link *odbc, SQLHSTMT stmt, int number,
			 struct arena *arena, struct odbc_column *out);

/* ---- odbc_error.c ---- */

/* What a call on a handle failed with; -1. `doing`: "read rows". */
int odbc_fail(struct odbc_link *odbc, SQLSMALLINT type, SQLHANDLE handle,
	      const char *doing, struct sql_failure *failure,
	      struct error *err);
/* The same of a statement. */
static inline int odbc_fail_stmt(struct odbc_link *odbc, SQLHSTMT stmt,
				 const char *doing, struct sql_failure *failure,
				 struct error *err)
{
	return odbc_fail(odbc, SQL_HANDLE_STMT, stmt, doing, failure, err);
}
/* What it was, without a place for it in an error. */
void odbc_diagnose(struct odbc_link *odbc, SQLSMALLINT type, SQLHANDLE handle,
		   struct sql_failure *out);

/* ---- odbc_types.c ---- */

enum sql_column_kind odbc_column_kind(const struct odbc_link *odbc,
				      const struct odbc_column *column);

/* ---- odbc_forms.c ---- */

/* A text of the driver in our form of `kind`; memory from arena, or the text
 * itself. 1 made; 0 it is none: *out is the text. */
int odbc_form(enum sql_column_kind kind, struct sv text, struct arena *arena,
	      struct sv *out);
/* The same of what comes as numbers. */
struct sv odbc_form_i64(int64_t value, struct arena *arena);
/* The shortest that reads as the same; `single`: as a float. */
struct sv odbc_form_double(double value, bool single, struct arena *arena);
int odbc_form_date(const SQL_DATE_STRUCT *date, struct arena *arena,
		   struct sv *out);
int odbc_form_timestamp(const SQL_TIMESTAMP_STRUCT *moment, struct arena *arena,
			struct sv *out);
/* Our forms as ODBC's: 1, 0 it is none. */
int odbc_read_date(struct sv text, SQL_DATE_STRUCT *out);
int odbc_read_timestamp(struct sv text, SQL_TIMESTAMP_STRUCT *out);

/* ---- odbc_rows.c ---- */

int odbc_query(struct sql_link *link, const char *sql,
	       const struct sql_param *params, size_t param_count,
	       struct sql_rows **out, struct sql_failure *failure,
	       struct error *err);
/* The rows of a statement that was executed, which becomes theirs. */
int odbc_rows_of(struct odbc_link *odbc, SQLHSTMT stmt, struct sql_rows **out,
		 struct sql_failure *failure, struct error *err);
const struct sql_column *odbc_columns(const struct sql_rows *rows,
				      size_t *count_out);
int odbc_fetch(struct sql_rows *rows, const struct sv **out, size_t *broken_out,
	       struct error *err);
bool odbc_has_lines(const struct sql_rows *rows);
int odbc_line(struct sql_rows *rows, struct arena *arena, struct sv *out,
	      struct error *err);
struct sv odbc_line_of(const struct sql_rows *rows, size_t from, size_t count,
		       struct arena *arena);
int odbc_split(const struct sql_link *link, struct sv line,
	       const struct sql_column *const *columns, size_t count,
	       struct arena *arena, struct sv *out, size_t *broken_out);
void odbc_rows_close(struct sql_rows *rows);
/* A value of the row that the statement is at, by SQLGetData, as UTF-8 text or
 * bytes; *ptr NULL: SQL's NULL. 1; 0 it is no text; -1 diagnose. */
int odbc_get_text(struct odbc_link *odbc, SQLHSTMT stmt, int number,
		  SQLSMALLINT c_type, struct strbuf *buffer,
		  struct arena *arena, struct sv *out);

/* ---- odbc_bind.c ---- */

/* Sets of parameters as they are bound: a column of an array each. */
struct odbc_bound {
	SQLSMALLINT c_type;
	SQLSMALLINT sql_type;
	SQLULEN size;
	SQLSMALLINT digits;
	bool blank; /* between a date and its time, in the place of T */
	char *data;
	SQLLEN width; /* of an element */
	SQLLEN *lengths;
};

/* Binds parameter `at` of `count` runs, beginning with runs[0]; memory from
 * arena. 1 bound; 0 a value cannot be sent: *which_out is its run and `failure`
 * tells why; -1 diagnose. */
int odbc_bind(struct odbc_link *odbc, SQLHSTMT stmt, const struct sql_run *runs,
	      size_t count, size_t at, struct arena *arena, size_t *which_out,
	      struct sql_failure *failure);

/* ---- odbc_batch.c ---- */

int odbc_execute(struct sql_link *link, struct sql_run *runs, size_t count,
		 struct arena *arena, size_t *failed_out,
		 struct sql_failure *failure, struct error *err);

/* ---- odbc_catalogue.c ---- */

int odbc_tables(struct sql_link *link, struct arena *arena,
		struct sql_table **out, size_t *count_out, struct error *err);
int odbc_describe(struct sql_link *link, const char *schema, const char *name,
		  struct arena *arena, struct sql_table *out,
		  struct error *err);
int odbc_foreign(struct sql_link *link, struct arena *arena,
		 struct sql_table *table, struct error *err);

#endif
