/*
 * libpq_private.h - what the files of PostgreSQL's driver share
 *
 * libpq.c has transactions and notices, libpq_connect.c settings and the
 * connection, libpq_query.c rows, libpq_copy.c rows as lines of COPY,
 * libpq_batch.c statements that are sent together, libpq_catalogue.c tables and
 * columns, libpq_type.c kinds of columns, libpq_error.c what the server says
 * when it refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_LIBPQ_PRIVATE_H
#define CONNECTORS_SQL_LIBPQ_PRIVATE_H

#include "base/map.h"
#include "base/strbuf.h"
#include "connectors/sql/dialect.h"
#include "connectors/sql/driver.h"
#include "connectors/sql/libpq_settings.h"

#include <libpq-fe.h>

struct pq_link {
	struct sql_link link; /* first: a link is one of these */
	struct arena arena;
	PGconn *conn;
	int silence_ms;   /* longer than that the server may not be silent */
	bool checks_text; /* the database has no encoding */
	bool in_transaction;
	bool snapshot;            /* it only reads */
	struct namemap *prepared; /* text of a statement -> its number, or 0 */
	unsigned last_prepared;
	char *channel; /* that is listened to, or NULL */
};

static inline struct pq_link *pq_of(struct sql_link *link)
{
	return (struct pq_link *)link;
}

/* ---- libpq_connect.c ---- */

extern const struct setting_def pq_settings[];

int pq_open(const struct sql_place *place, struct sql_link **out,
	    struct error *err);
void pq_close(struct sql_link *link);

/* ---- libpq.c ---- */

/* Waits until the socket can be read (or what else poll() is asked for): 1, 0
 * nothing in time, -1 err is set. */
int pq_poll(struct pq_link *pq, short events, int timeout_ms,
	    struct error *err);
/* Waits for the next result, which may be NULL. A statement that takes too
 * long is cancelled, so that its error is what comes. -1: the link is lost. */
int pq_result(struct pq_link *pq, PGresult **out, struct error *err);
/* Waits for more of an answer, once. A server that says nothing is asked to
 * give up, and is not waited for again: `cancelled` is false at first. 0, -1.
 */
int pq_wait(struct pq_link *pq, bool *cancelled, struct error *err);
/* Asks the server to give up what it does. */
void pq_cancel(struct pq_link *pq);
/* Runs statements without parameters, and forgets what they give. `doing`:
 * "begin a transaction". */
int pq_run(struct pq_link *pq, const char *sql, const char *doing,
	   struct error *err);
int pq_begin(struct sql_link *link, bool snapshot, struct error *err);

/* ---- libpq_error.c ---- */

/* What a result that is an error means; -1. The error begins with the server.
 */
int pq_fail(struct pq_link *pq, const PGresult *result, const char *doing,
	    struct sql_failure *failure, struct error *err);
/* The same of what libpq itself says, or of `why`: the link is lost; -1. */
int pq_lost(struct pq_link *pq, const char *why, struct sql_failure *failure,
	    struct error *err);

/* ---- libpq_type.c ---- */

enum sql_column_kind pq_kind(Oid type);
/* "varchar(40)"; memory from arena. */
const char *pq_type_name(Oid type, int modifier, struct arena *arena);
/* Characters or bytes at most, 0: not known. */
uint64_t pq_type_size(Oid type, int modifier);

/* Values as libpq takes them: texts, NULL for SQL's NULL; memory from arena. 1
 * made; 0 one cannot be sent, `failure` says which. */
int pq_params(const struct sql_param *params, size_t count, struct arena *arena,
	      const char ***out, struct sql_failure *failure);
/* A text of the server in our form; memory from arena, or the text itself. 1
 * made; 0 it is none of this kind: *out is the text. */
int pq_value(enum sql_column_kind kind, struct sv text, struct arena *arena,
	     struct sv *out);

/* ---- libpq_query.c ---- */

int pq_query(struct sql_link *link, const char *sql,
	     const struct sql_param *params, size_t param_count,
	     struct sql_rows **out, struct sql_failure *failure,
	     struct error *err);
const struct sql_column *pq_columns(const struct sql_rows *rows,
				    size_t *count_out);
int pq_fetch(struct sql_rows *rows, const struct sv **out, size_t *broken_out,
	     struct error *err);
bool pq_has_lines(const struct sql_rows *rows);
int pq_line(struct sql_rows *rows, struct arena *arena, struct sv *out,
	    struct error *err);
struct sv pq_line_of(const struct sql_rows *rows, size_t from, size_t count,
		     struct arena *arena);
int pq_split(const struct sql_link *link, struct sv line,
	     const struct sql_column *const *columns, size_t count,
	     struct arena *arena, struct sv *out, size_t *broken_out);
void pq_rows_close(struct sql_rows *rows);

/* ---- libpq_copy.c ---- */

/* Can the query's rows come as the lines of COPY? */
bool pq_can_copy(const struct pq_link *pq, const char *sql, size_t param_count);
/* Begins that. *columns_out is to be cleared, also behind an error: a result
 * without rows that has the query's columns. */
int pq_copy_begin(struct pq_link *pq, const char *sql, PGresult **columns_out,
		  struct sql_failure *failure, struct error *err);
/* The next line, which is the caller's to PQfreemem(): 1; 0 there are no more,
 * and a result says why; -1 the link is lost. */
int pq_copy_line(struct pq_link *pq, char **line, size_t *len,
		 struct error *err);
/* Adds a value as it stands in a line; `ptr` NULL: SQL's NULL. */
void pq_copy_add(struct strbuf *line, struct sv value);
/* The part of a line that has these columns. */
struct sv pq_copy_part(struct sv line, size_t from, size_t count);
/* The line's first `count` values: views into it, or where it has escapes
 * memory from arena. false: it has not so many. */
bool pq_copy_split(struct sv line, struct arena *arena, struct sv *values,
		   size_t count);

/* ---- libpq_batch.c ---- */

int pq_execute(struct sql_link *link, struct sql_run *runs, size_t count,
	       struct arena *arena, size_t *failed_out,
	       struct sql_failure *failure, struct error *err);

/* ---- libpq_catalogue.c ---- */

int pq_tables(struct sql_link *link, struct arena *arena,
	      struct sql_table **out, size_t *count_out, struct error *err);
int pq_describe(struct sql_link *link, const char *schema, const char *name,
		struct arena *arena, struct sql_table *out, struct error *err);
int pq_foreign(struct sql_link *link, struct arena *arena,
	       struct sql_table *table, struct error *err);

#endif
