/*
 * libpq_query.c - the rows of a query, one by one in constant memory
 *
 * They come as lines of COPY (libpq_copy.c), or where that cannot be as results
 * of a row each. Values are views into the memory of a row; only those that
 * PostgreSQL writes otherwise than the driver's contract are made anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/text.h"

#include <string.h>

struct sql_rows {
	struct pq_link *pq;
	PGresult *result; /* of the row that comes next; or of the last one */
	char *line;       /* the same, of COPY */
	size_t line_len;
	bool copies; /* lines are to come */
	bool ready;  /* the next row is in `result` or `line` */
	bool ended;  /* the server has said all */
	struct sql_column *columns;
	size_t count;
	struct sv *values;
	struct arena arena;
	struct arena row;
};

static void describe_columns(struct sql_rows *rows)
{
	int i;

	rows->count = (size_t)PQnfields(rows->result);
	rows->columns = arena_array(&rows->arena, rows->count + 1,
				    sizeof(*rows->columns));
	rows->values = arena_array(&rows->arena, rows->count + 1,
				   sizeof(*rows->values));
	for (i = 0; i < (int)rows->count; i++) {
		struct sql_column *column = &rows->columns[i];
		Oid type = PQftype(rows->result, i);
		int modifier = PQfmod(rows->result, i);

		column->name = arena_cstr(&rows->arena,
					  sv_from(PQfname(rows->result, i)));
		column->kind = pq_kind(type);
		column->type = pq_type_name(type, modifier, &rows->arena);
		column->native = (int)type;
		column->size = pq_type_size(type, modifier);
		column->nullable = true;
	}
}

/* The next result: 1 a row, 0 the end of all rows, -1. */
static int next_result(struct sql_rows *rows, struct sql_failure *failure,
		       struct error *err)
{
	struct pq_link *pq = rows->pq;

	PQclear(rows->result);
	rows->result = NULL;
	if (pq_result(pq, &rows->result, err) < 0) {
		rows->ended = true;
		if (failure)
			failure->kind = SQL_FAILURE_LOST;
		return -1;
	}
	switch (PQresultStatus(rows->result)) {
	case PGRES_SINGLE_TUPLE:
		return 1;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		return 0;
	case PGRES_COPY_OUT:
	case PGRES_COPY_IN:
	case PGRES_COPY_BOTH:
	case PGRES_BAD_RESPONSE:
	case PGRES_NONFATAL_ERROR:
	case PGRES_FATAL_ERROR:
	case PGRES_PIPELINE_SYNC:
	case PGRES_PIPELINE_ABORTED:
		break;
	}
	if (PQresultStatus(rows->result) == PGRES_FATAL_ERROR)
		return pq_fail(pq, rows->result, "read", failure, err);
	rows->ended = true;
	return pq_lost(pq, "COPY is no query", failure, err);
}

/* The same of COPY. */
static int next_line(struct sql_rows *rows, struct sql_failure *failure,
		     struct error *err)
{
	int ret;

	PQfreemem(rows->line);
	rows->line = NULL;
	ret = pq_copy_line(rows->pq, &rows->line, &rows->line_len, err);
	if (ret > 0)
		return 1;
	rows->copies = false;
	if (ret == 0)
		return next_result(rows, failure, err);
	rows->ended = true;
	if (failure)
		failure->kind = SQL_FAILURE_LOST;
	return -1;
}

static int next_row(struct sql_rows *rows, struct sql_failure *failure,
		    struct error *err)
{
	return rows->copies ? next_line(rows, failure, err)
			    : next_result(rows, failure, err);
}

/* Takes what the server still says, so that the link is free again. */
static void finish(struct sql_rows *rows)
{
	while (rows->copies && !rows->ended)
		(void)next_line(rows, NULL, NULL);
	while (!rows->ended) {
		PQclear(rows->result);
		rows->result = NULL;
		rows->ended = pq_result(rows->pq, &rows->result, NULL) < 0 ||
			      !rows->result;
	}
}

/* Sends the query, its rows to be results. */
static int send_query(struct sql_rows *rows, const char *sql,
		      const struct sql_param *params, size_t param_count,
		      struct sql_failure *failure, struct error *err)
{
	struct pq_link *pq = rows->pq;
	const char **values;

	if (!pq_params(params, param_count, &rows->arena, &values, failure))
		return error_set(err, ERR_INVALID, "%s: cannot read: %s",
				 pq->link.server, failure->text);
	if (!PQsendQueryParams(pq->conn, sql, (int)param_count, NULL, values,
			       NULL, NULL, 0))
		return pq_lost(pq, NULL, failure, err);
	rows->ended = false;
	(void)PQsetSingleRowMode(pq->conn);
	return 0;
}

static int send_copy(struct sql_rows *rows, const char *sql,
		     struct sql_failure *failure, struct error *err)
{
	if (pq_copy_begin(rows->pq, sql, &rows->result, failure, err) < 0)
		return -1;
	describe_columns(rows);
	rows->ended = false;
	rows->copies = true;
	return 0;
}

/* To the first row. */
static int begin(struct sql_rows *rows, const char *sql,
		 const struct sql_param *params, size_t param_count,
		 struct sql_failure *failure, struct error *err)
{
	bool copies = pq_can_copy(rows->pq, sql, param_count);
	int ret = copies ? send_copy(rows, sql, failure, err)
			 : send_query(rows, sql, params, param_count, failure,
				      err);

	if (ret == 0)
		ret = next_row(rows, failure, err);
	if (ret >= 0 && !copies)
		describe_columns(rows);
	if (ret <= 0 && !rows->ended)
		finish(rows);
	rows->ready = ret > 0;
	return ret < 0 ? -1 : 0;
}

int pq_query(struct sql_link *link, const char *sql,
	     const struct sql_param *params, size_t param_count,
	     struct sql_rows **out, struct sql_failure *failure,
	     struct error *err)
{
	struct sql_failure own = { .kind = SQL_FAILURE_NONE };
	struct sql_rows *rows;

	*out = NULL;
	if (!failure)
		failure = &own;
	*failure = own;
	rows = mem_zalloc(sizeof(*rows));
	rows->pq = pq_of(link);
	rows->ended = true;
	if (begin(rows, sql, params, param_count, failure, err) < 0) {
		pq_rows_close(rows);
		return -1;
	}
	*out = rows;
	return 0;
}

const struct sql_column *pq_columns(const struct sql_rows *rows,
				    size_t *count_out)
{
	*count_out = rows->count;
	return rows->columns;
}

/* The row as it came, without the end of its line. */
static struct sv line_of(const struct sql_rows *rows)
{
	size_t len = rows->line_len;

	return sv_make(rows->line,
		       len && rows->line[len - 1] == '\n' ? len - 1 : len);
}

/* A value as the server sent it. */
static struct sv sent_value(const struct sql_rows *rows, size_t i)
{
	int len = PQgetlength(rows->result, 0, (int)i);

	if (!len && PQgetisnull(rows->result, 0, (int)i))
		return SV_NULL;
	return sv_make(PQgetvalue(rows->result, 0, (int)i), (size_t)len);
}

static void take_result(struct sql_rows *rows)
{
	size_t i;

	for (i = 0; i < rows->count; i++)
		rows->values[i] = sent_value(rows, i);
}

/* A text becomes what the driver's contract says; 0: it cannot be read as what
 * its column is. */
static int form_value(const struct pq_link *pq, enum sql_column_kind kind,
		      struct arena *arena, struct sv *value)
{
	switch (kind) {
	case SQL_COLUMN_BOOLEAN:
	case SQL_COLUMN_DATE:
	case SQL_COLUMN_LOCAL:
	case SQL_COLUMN_MOMENT:
	case SQL_COLUMN_BYTES:
		return pq_value(kind, *value, arena, value);
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
	case SQL_COLUMN_OTHER:
		return !pq->checks_text || text_is_utf8(*value);
	case SQL_COLUMN_INTEGER:
	case SQL_COLUMN_DECIMAL:
	case SQL_COLUMN_FLOAT:
	case SQL_COLUMN_TIME:
	case SQL_COLUMN_GUID:
		break;
	}
	return 1;
}

/* To the row that is to be given out: 1; 0 there are no more; -1. */
static int step(struct sql_rows *rows, struct error *err)
{
	int ret = rows->ready;

	if (!rows->ready && !rows->ended)
		ret = next_row(rows, NULL, err);
	rows->ready = false;
	if (ret <= 0)
		finish(rows);
	return ret;
}

int pq_fetch(struct sql_rows *rows, const struct sv **out, size_t *broken_out,
	     struct error *err)
{
	size_t i;
	int ret = step(rows, err);

	*broken_out = 0;
	if (ret <= 0)
		return ret;
	arena_reset(&rows->row);
	if (!rows->line)
		take_result(rows);
	else if (!pq_copy_split(line_of(rows), &rows->row, rows->values,
				rows->count))
		return error_set(err, ERR_CORRUPT,
				 "%s: a row has not the columns of its query",
				 rows->pq->link.server);
	for (i = 0; i < rows->count; i++)
		if (rows->values[i].ptr &&
		    !form_value(rows->pq, rows->columns[i].kind, &rows->row,
				&rows->values[i]) &&
		    !*broken_out)
			*broken_out = i + 1;
	*out = rows->values;
	return 1;
}

bool pq_has_lines(const struct sql_rows *rows)
{
	return rows->copies;
}

int pq_line(struct sql_rows *rows, struct arena *arena, struct sv *out,
	    struct error *err)
{
	int ret = step(rows, err);

	if (ret > 0)
		*out = arena_dup(arena, line_of(rows));
	return ret;
}

struct sv pq_line_of(const struct sql_rows *rows, size_t from, size_t count,
		     struct arena *arena)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv out;
	size_t i;

	if (rows->line)
		return arena_dup(arena,
				 pq_copy_part(line_of(rows), from, count));
	for (i = from; i < from + count; i++) {
		if (i > from)
			strbuf_addc(&line, '\t');
		pq_copy_add(&line, sent_value(rows, i));
	}
	out = arena_dup(arena, strbuf_sv(&line));
	strbuf_release(&line);
	return out;
}

int pq_split(const struct sql_link *link, struct sv line,
	     const struct sql_column *const *columns, size_t count,
	     struct arena *arena, struct sv *out, size_t *broken_out)
{
	const struct pq_link *pq = (const struct pq_link *)link;
	size_t i;

	*broken_out = 0;
	if (!pq_copy_split(line, arena, out, count))
		return 0;
	for (i = 0; i < count; i++)
		if (out[i].ptr &&
		    !form_value(pq, columns[i]->kind, arena, &out[i]) &&
		    !*broken_out)
			*broken_out = i + 1;
	return 1;
}

/* A transaction that writes is not given up for some rows that nobody wants; of
 * one that only reads nothing is lost. */
static void give_up(struct sql_rows *rows)
{
	struct pq_link *pq = rows->pq;

	if (pq->snapshot || !pq->in_transaction)
		pq_cancel(pq);
	finish(rows);
	if (!pq->snapshot || PQtransactionStatus(pq->conn) != PQTRANS_INERROR)
		return;
	if (pq_run(pq, "ROLLBACK", "roll back", NULL) == 0)
		(void)pq_begin(&pq->link, true, NULL);
}

void pq_rows_close(struct sql_rows *rows)
{
	if (!rows)
		return;
	if (!rows->ended)
		give_up(rows);
	PQfreemem(rows->line);
	PQclear(rows->result);
	arena_release(&rows->arena);
	arena_release(&rows->row);
	mem_free(rows);
}
