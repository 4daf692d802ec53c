/*
 * libpq_copy.c - the rows of a query as the lines of COPY
 *
 * Of each row the library makes a result of its own, with the names and types
 * of all columns; a line of COPY it hands over as it came, for a third of the
 * time. COPY takes one SELECT without parameters, and does not tell what the
 * columns are, so the query is described first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/strbuf.h"

#include <string.h>
#include <strings.h>

/* A SELECT is known by its first word; what may be two statements is not
 * looked at closer. */
bool pq_can_copy(const struct pq_link *pq, const char *sql, size_t param_count)
{
	static const char word[] = "SELECT";
	const size_t len = sizeof(word) - 1;

	return pq->snapshot && !param_count &&
	       strncasecmp(sql, word, len) == 0 &&
	       strchr(" \t\r\n", sql[len]) && sql[len] && !strchr(sql, ';');
}

/* The last result of what was sent, and the NULL behind it; 0, or -1. */
static int take_last(struct pq_link *pq, ExecStatusType want, PGresult **out,
		     struct sql_failure *failure, struct error *err)
{
	PGresult *result = NULL;
	int ret;

	if (pq_result(pq, out, err) < 0) {
		failure->kind = SQL_FAILURE_LOST;
		return -1;
	}
	if (PQresultStatus(*out) == want && want == PGRES_COPY_OUT)
		return 0;
	ret = PQresultStatus(*out) == want
		      ? 0
		      : pq_fail(pq, *out, "read", failure, err);
	while (pq_result(pq, &result, ret ? NULL : err) == 0 && result)
		PQclear(result);
	return ret;
}

/* What columns the query gives. */
static int describe(struct pq_link *pq, const char *sql, PGresult **out,
		    struct sql_failure *failure, struct error *err)
{
	PGresult *prepared = NULL;
	int ret;

	if (!PQsendPrepare(pq->conn, "", sql, 0, NULL))
		return pq_lost(pq, NULL, failure, err);
	ret = take_last(pq, PGRES_COMMAND_OK, &prepared, failure, err);
	PQclear(prepared);
	if (ret < 0)
		return -1;
	if (!PQsendDescribePrepared(pq->conn, ""))
		return pq_lost(pq, NULL, failure, err);
	return take_last(pq, PGRES_COMMAND_OK, out, failure, err);
}

int pq_copy_begin(struct pq_link *pq, const char *sql, PGresult **columns_out,
		  struct sql_failure *failure, struct error *err)
{
	struct strbuf copy = STRBUF_INIT(STRBUF_NO_LIMIT);
	PGresult *result = NULL;
	int ret;

	if (describe(pq, sql, columns_out, failure, err) < 0)
		return -1;
	/* the query may end with a comment */
	strbuf_addf(&copy, "COPY (%s\n) TO STDOUT", sql);
	if (PQsendQuery(pq->conn, strbuf_cstr(&copy)))
		ret = take_last(pq, PGRES_COPY_OUT, &result, failure, err);
	else
		ret = pq_lost(pq, NULL, failure, err);
	strbuf_release(&copy);
	PQclear(result);
	return ret;
}

int pq_copy_line(struct pq_link *pq, char **line, size_t *len,
		 struct error *err)
{
	bool cancelled = false;
	int got;

	while ((got = PQgetCopyData(pq->conn, line, 1)) == 0)
		if (pq_wait(pq, &cancelled, err) < 0)
			return -1;
	if (got == -2)
		return pq_lost(pq, NULL, NULL, err);
	*len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Where it is. */
static struct sv unescape(char *text, size_t len)
{
	static const char letters[] = "bfnrtv";
	static const char stand_for[] = "\b\f\n\r\t\v";
	char *from = memchr(text, '\\', len);
	char *end = text + len;
	char *to = from;

	while (from && from < end) {
		const char *letter = NULL;

		if (*from == '\\' && from + 1 < end) {
			from++;
			letter = strchr(letters, *from);
		}
		*to++ = letter ? stand_for[letter - letters] : *from;
		from++;
	}
	return sv_make(text, to ? (size_t)(to - text) : len);
}

bool pq_copy_split(char *line, size_t len, struct sv *values, size_t count)
{
	bool escapes = memchr(line, '\\', len) != NULL;
	char *end = line + len;
	size_t i;

	if (len && end[-1] == '\n')
		end--;
	for (i = 0; i < count; i++) {
		char *tab = i + 1 < count
				    ? memchr(line, '\t', (size_t)(end - line))
				    : end;

		if (!tab)
			return false;
		values[i] = sv_make(line, (size_t)(tab - line));
		if (escapes && values[i].len == 2 && !memcmp(line, "\\N", 2))
			values[i] = SV_NULL;
		else if (escapes)
			values[i] = unescape(line, values[i].len);
		line = tab + 1;
	}
	return true;
}
