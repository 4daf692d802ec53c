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

#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* so much is read at once, when it comes within that time */
#define AT_ONCE   65536
#define MOMENT_MS 1

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

/* The socket is told to be ready from so many bytes on: a server that writes a
 * little at a time need not wake us each time. */
static void wait_for(struct pq_link *pq, int bytes)
{
	(void)setsockopt(PQsocket(pq->conn), SOL_SOCKET, SO_RCVLOWAT, &bytes,
			 sizeof(bytes));
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
	if (ret == 0)
		wait_for(pq, AT_ONCE);
	return ret;
}

/* More of the answer: what there is; else what comes together in a moment; and
 * at last whatever comes. */
static int wait_for_more(struct pq_link *pq, int turn, bool *cancelled,
			 struct error *err)
{
	int ret;

	if (turn == 1 && pq_poll(pq, POLLIN, MOMENT_MS, err) < 0)
		return -1;
	if (turn < 2)
		return PQconsumeInput(pq->conn) ? 0
						: pq_lost(pq, NULL, NULL, err);
	wait_for(pq, 1);
	ret = pq_wait(pq, cancelled, err);
	wait_for(pq, AT_ONCE);
	return ret;
}

int pq_copy_line(struct pq_link *pq, char **line, size_t *len,
		 struct error *err)
{
	bool cancelled = false;
	int turn = 0;
	int got;

	while ((got = PQgetCopyData(pq->conn, line, 1)) == 0)
		if (wait_for_more(pq, turn++, &cancelled, err) < 0)
			return -1;
	if (got < 0)
		wait_for(pq, 1);
	if (got == -2)
		return pq_lost(pq, NULL, NULL, err);
	*len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* What COPY writes as a backslash and a letter. */
static const char letters[] = "bfnrtv";
static const char stand_for[] = "\b\f\n\r\t\v";

void pq_copy_add(struct strbuf *line, struct sv value)
{
	size_t i;

	if (!value.ptr)
		strbuf_adds(line, "\\N");
	for (i = 0; value.ptr && i < value.len; i++) {
		char c = value.ptr[i];
		const char *escaped = c ? strchr(stand_for, c) : NULL;

		if (escaped || c == '\\')
			strbuf_addc(line, '\\');
		strbuf_addc(line, escaped ? letters[escaped - stand_for] : c);
	}
}

/* Behind the tab that ends a value, or behind the end of the line. */
static const char *next_value(const char *at, const char *end)
{
	const char *tab = memchr(at, '\t', (size_t)(end - at));

	return tab ? tab + 1 : end + 1;
}

struct sv pq_copy_part(struct sv line, size_t from, size_t count)
{
	const char *end = line.ptr + line.len;
	const char *at = line.ptr;
	const char *to;
	size_t i;

	for (i = 0; i < from && at <= end; i++)
		at = next_value(at, end);
	for (to = at, i = 0; i < count && to <= end; i++)
		to = next_value(to, end);
	return at > end ? SV_NULL : sv_make(at, (size_t)(to - at) - 1);
}

static struct sv unescape(struct sv text, struct arena *arena)
{
	char *to = arena_alloc(arena, text.len);
	size_t len = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		const char *letter = NULL;

		if (text.ptr[i] == '\\' && i + 1 < text.len) {
			i++;
			letter = strchr(letters, text.ptr[i]);
		}
		to[len++] = letter ? stand_for[letter - letters] : text.ptr[i];
	}
	return sv_make(to, len);
}

/* A value as it stands in a line. */
static struct sv read_value(struct sv text, struct arena *arena)
{
	if (!text.len || !memchr(text.ptr, '\\', text.len))
		return text;
	if (text.len == 2 && text.ptr[1] == 'N')
		return SV_NULL;
	return unescape(text, arena);
}

bool pq_copy_split(struct sv line, struct arena *arena, struct sv *values,
		   size_t count)
{
	const char *at = line.ptr;
	const char *end = line.ptr + line.len;
	size_t i;

	for (i = 0; i < count; i++) {
		const char *next;

		if (at > end)
			return false;
		next = next_value(at, end);
		values[i] =
			read_value(sv_make(at, (size_t)(next - at) - 1), arena);
		at = next;
	}
	return true;
}
