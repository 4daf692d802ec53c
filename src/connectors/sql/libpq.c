/*
 * libpq.c - the driver of PostgreSQL: its table, transactions, notices
 *
 * The server is waited for by poll(), never inside the library, so that one
 * that falls silent holds nobody up for ever: a statement that takes longer
 * than the agent's `timeout` is cancelled, and when that has no answer either
 * the connection is given up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

int pq_poll(struct pq_link *pq, short events, int timeout_ms, struct error *err)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;
	struct pollfd at = { .fd = PQsocket(pq->conn), .events = events };
	int ret;

	if (at.fd < 0)
		return pq_lost(pq, NULL, NULL, err);
	do {
		int64_t left = end - clock_monotonic_ms();

		ret = poll(&at, 1, left > 0 ? (int)left : 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return error_errno(err, errno, "%s: cannot wait for the server",
				   pq->link.server);
	return ret > 0;
}

void pq_cancel(struct pq_link *pq)
{
	PGcancel *cancel = PQgetCancel(pq->conn);
	char ignored[256];

	if (cancel)
		(void)PQcancel(cancel, ignored, sizeof(ignored));
	PQfreeCancel(cancel);
}

int pq_wait(struct pq_link *pq, bool *cancelled, struct error *err)
{
	int ret = pq_poll(pq, POLLIN, pq->silence_ms, err);

	if (ret < 0)
		return -1;
	if (!ret && *cancelled)
		return pq_lost(pq, "it does not answer", NULL, err);
	if (!ret) {
		pq_cancel(pq);
		*cancelled = true;
	} else if (!PQconsumeInput(pq->conn)) {
		return pq_lost(pq, NULL, NULL, err);
	}
	return 0;
}

int pq_result(struct pq_link *pq, PGresult **out, struct error *err)
{
	bool cancelled = false;

	*out = NULL;
	while (PQisBusy(pq->conn))
		if (pq_wait(pq, &cancelled, err) < 0)
			return -1;
	*out = PQgetResult(pq->conn);
	return 0;
}

/* Takes all results; the first error counts. */
static int take_all(struct pq_link *pq, const char *doing, char *tag,
		    size_t size, struct error *err)
{
	PGresult *result;
	int ret = 0;

	for (;;) {
		if (pq_result(pq, &result, ret ? NULL : err) < 0)
			return -1;
		if (!result)
			return ret;
		if (!ret && PQresultStatus(result) == PGRES_FATAL_ERROR)
			ret = pq_fail(pq, result, doing, NULL, err);
		if (tag)
			(void)snprintf(tag, size, "%s", PQcmdStatus(result));
		PQclear(result);
	}
}

static int run(struct pq_link *pq, const char *sql, const char *doing,
	       char *tag, size_t size, struct error *err)
{
	if (!PQsendQuery(pq->conn, sql))
		return pq_lost(pq, NULL, NULL, err);
	return take_all(pq, doing, tag, size, err);
}

int pq_run(struct pq_link *pq, const char *sql, const char *doing,
	   struct error *err)
{
	return run(pq, sql, doing, NULL, 0, err);
}

int pq_begin(struct sql_link *link, bool snapshot, struct error *err)
{
	pq_of(link)->snapshot = snapshot;
	pq_of(link)->in_transaction = true;
	return pq_run(pq_of(link),
		      snapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ "
				 "ONLY"
			       : "BEGIN",
		      "begin a transaction", err);
}

static int commit(struct sql_link *link, struct error *err)
{
	struct pq_link *pq = pq_of(link);
	char tag[40] = "";

	pq->snapshot = false;
	pq->in_transaction = false;
	if (run(pq, "COMMIT", "commit", tag, sizeof(tag), err) < 0)
		return -1;
	if (strcmp(tag, "COMMIT") == 0)
		return 0;
	return error_set(err, ERR_INVALID,
			 "%s: nothing was committed: a statement of the "
			 "transaction had failed",
			 link->server);
}

static int rollback(struct sql_link *link, struct error *err)
{
	pq_of(link)->snapshot = false;
	pq_of(link)->in_transaction = false;
	return pq_run(pq_of(link), "ROLLBACK", "roll back", err);
}

static int listen_to(struct pq_link *pq, const char *channel, struct error *err)
{
	char *name = PQescapeIdentifier(pq->conn, channel, strlen(channel));
	char *sql;

	if (!name)
		return error_set(err, ERR_INVALID,
				 "%s: '%s' can be no channel's name",
				 pq->link.server, channel);
	sql = arena_printf(&pq->arena, "LISTEN %s", name);
	PQfreemem(name);
	if (pq_run(pq, sql, "listen", err) < 0)
		return -1;
	pq->channel = arena_cstr(&pq->arena, sv_from(channel));
	return 0;
}

/* All that have come; true: there was one. */
static bool take_notices(struct pq_link *pq)
{
	PGnotify *notice;
	bool any = false;

	while ((notice = PQnotifies(pq->conn))) {
		any = true;
		PQfreemem(notice);
	}
	return any;
}

static int wait_notice(struct sql_link *link, const char *channel,
		       int timeout_ms, struct error *err)
{
	struct pq_link *pq = pq_of(link);
	int64_t end = clock_monotonic_ms() + timeout_ms;
	int64_t left;

	if ((!pq->channel || strcmp(pq->channel, channel) != 0) &&
	    listen_to(pq, channel, err) < 0)
		return -1;
	while (!take_notices(pq)) {
		int ret;

		left = end - clock_monotonic_ms();
		ret = pq_poll(pq, POLLIN, left > 0 ? (int)left : 0, err);
		if (ret <= 0)
			return ret;
		if (!PQconsumeInput(pq->conn))
			return pq_lost(pq, NULL, NULL, err);
	}
	return 1;
}

const struct sql_driver sql_libpq = {
	.name = "libpq",
	.settings = pq_settings,
	.open = pq_open,
	.close = pq_close,
	.begin = pq_begin,
	.commit = commit,
	.rollback = rollback,
	.query = pq_query,
	.columns = pq_columns,
	.fetch = pq_fetch,
	.line = pq_line,
	.has_lines = pq_has_lines,
	.line_of = pq_line_of,
	.split = pq_split,
	.rows_close = pq_rows_close,
	.execute = pq_execute,
	.tables = pq_tables,
	.describe = pq_describe,
	.foreign = pq_foreign,
	.wait = wait_notice,
};
