/*
 * libpq_batch.c - statements that are sent together
 *
 * They go out in the library's pipeline mode, each prepared once in a
 * connection, and the answers are read behind them: a round trip for all. The
 * first that fails has the server pass over all behind it. Sending never waits
 * alone: a server that has answers to give takes nothing more until they are
 * read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PREPARED 500

struct batch {
	struct pq_link *pq;
	struct sql_run *runs;
	size_t count;
	struct arena scratch;
	const char ***values; /* of each run */
	unsigned *prepare;    /* each run's statement is prepared before it */
	struct arena *arena;  /* of what is given back */
	size_t failed;
	bool has_failed;
	struct sql_failure *failure;
	struct error *err;
};

/* Hands over what is buffered; the library has sent what was more than it
 * keeps. */
static int flush(struct pq_link *pq, struct error *err)
{
	int ret;

	while ((ret = PQflush(pq->conn)) > 0) {
		ret = pq_poll(pq, POLLIN | POLLOUT, pq->silence_ms, err);
		if (ret < 0)
			return -1;
		if (!ret)
			return pq_lost(pq, "it takes nothing more", NULL, err);
		if (!PQconsumeInput(pq->conn))
			return pq_lost(pq, NULL, NULL, err);
	}
	return ret < 0 ? pq_lost(pq, NULL, NULL, err) : 0;
}

static void name_of(unsigned number, char out[20])
{
	(void)snprintf(out, 20, "c%u", number);
}

/* The number of a statement; *is_new: it has to be prepared first. */
static unsigned number_of(struct pq_link *pq, const char *sql, bool *is_new)
{
	uint64_t number = 0;

	*is_new = !namemap_get(pq->prepared, sv_from(sql), &number) || !number;
	if (*is_new) {
		number = ++pq->last_prepared;
		namemap_put(pq->prepared, sv_from(sql), number);
	}
	return (unsigned)number;
}

static int send_run(struct batch *batch, size_t i)
{
	struct pq_link *pq = batch->pq;
	const struct sql_run *run = &batch->runs[i];
	unsigned number;
	char name[20];
	bool is_new;

	number = number_of(pq, run->sql, &is_new);
	name_of(number, name);
	if (is_new) {
		batch->prepare[i] = number;
		if (!PQsendPrepare(pq->conn, name, run->sql,
				   (int)run->param_count, NULL))
			return pq_lost(pq, NULL, batch->failure, batch->err);
	}
	if (!PQsendQueryPrepared(pq->conn, name, (int)run->param_count,
				 batch->values[i], NULL, NULL, 0))
		return pq_lost(pq, NULL, batch->failure, batch->err);
	return 0;
}

static int send_all(struct batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++)
		if (send_run(batch, i) < 0)
			return -1;
	if (!PQpipelineSync(batch->pq->conn))
		return pq_lost(batch->pq, NULL, batch->failure, batch->err);
	return flush(batch->pq, batch->err);
}

static void note_failure(struct batch *batch, size_t i, const PGresult *result)
{
	struct sql_failure other;

	(void)pq_fail(batch->pq, result, "write",
		      batch->has_failed ? &other : batch->failure,
		      batch->has_failed ? NULL : batch->err);
	if (!batch->has_failed)
		batch->failed = i;
	batch->has_failed = true;
}

/* What a statement gave: how it ended, and its first row. */
struct answer {
	PGresult *end;
	PGresult *row; /* `end` itself, or one of its own; or NULL */
};

static void forget(struct answer *answer)
{
	if (answer->row != answer->end)
		PQclear(answer->row);
	PQclear(answer->end);
}

/* One result more: 1 it was done, 0 not, or not yet. */
static int take_result(struct batch *batch, size_t i, PGresult *result,
		       struct answer *out)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		PQclear(out->end);
		out->end = result;
		if (!out->row && PQntuples(result))
			out->row = result;
		return 1;
	case PGRES_SINGLE_TUPLE:
		/* The library forgets only with the next simple query that the
		 * last one was read row by row. */
		if (!out->row) {
			out->row = result;
			return 0;
		}
		break;
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_COPY_OUT:
	case PGRES_COPY_IN:
	case PGRES_COPY_BOTH:
	case PGRES_BAD_RESPONSE:
	case PGRES_NONFATAL_ERROR:
	case PGRES_FATAL_ERROR:
	case PGRES_PIPELINE_SYNC:
		note_failure(batch, i, result);
		break;
	}
	PQclear(result);
	return 0;
}

/* All results of what was sent, and the NULL behind them. 1 it was done, 0 not,
 * -1 the connection is lost. */
static int take(struct batch *batch, size_t i, struct answer *out)
{
	PGresult *result;
	bool any = false;
	int ret = 0;

	*out = (struct answer){ NULL, NULL };
	for (;;) {
		if (pq_result(batch->pq, &result, batch->err) < 0)
			return -1;
		if (!result)
			break;
		any = true;
		ret |= take_result(batch, i, result, out);
		if (batch->failure->kind == SQL_FAILURE_LOST)
			return -1;
	}
	if (!any || PQstatus(batch->pq->conn) == CONNECTION_BAD)
		return pq_lost(batch->pq, NULL, NULL, batch->err);
	return ret;
}

static struct sv copy_value(const PGresult *result, int column,
			    struct arena *arena)
{
	struct sv text = { PQgetvalue(result, 0, column),
			   (size_t)PQgetlength(result, 0, column) };
	struct sv value;

	if (PQgetisnull(result, 0, column))
		return SV_NULL;
	(void)pq_value(pq_kind(PQftype(result, column)), text, arena, &value);
	return value.ptr == text.ptr ? arena_dup(arena, value) : value;
}

static void take_answer(struct sql_run *run, const struct answer *answer,
			struct arena *arena)
{
	size_t i;

	run->rows = strtoull(PQcmdTuples(answer->end), NULL, 10);
	run->values = NULL;
	run->value_count = 0;
	if (!answer->row)
		return;
	run->value_count = (size_t)PQnfields(answer->row);
	run->values =
		arena_array(arena, run->value_count + 1, sizeof(*run->values));
	for (i = 0; i < run->value_count; i++)
		run->values[i] = copy_value(answer->row, (int)i, arena);
}

static int take_run(struct batch *batch, size_t i)
{
	struct sql_run *run = &batch->runs[i];
	struct answer answer;
	int ret = 1;

	if (batch->prepare[i]) {
		ret = take(batch, i, &answer);
		forget(&answer);
		if (ret <= 0)
			namemap_put(batch->pq->prepared, sv_from(run->sql), 0);
	}
	if (ret < 0)
		return -1;
	ret = take(batch, i, &answer);
	if (ret > 0)
		take_answer(run, &answer, batch->arena);
	forget(&answer);
	return ret < 0 ? -1 : 0;
}

static int take_all(struct batch *batch)
{
	PGresult *result = NULL;
	size_t i;

	for (i = 0; i < batch->count; i++)
		if (take_run(batch, i) < 0)
			return -1;
	if (pq_result(batch->pq, &result, batch->err) < 0)
		return -1;
	PQclear(result); /* PGRES_PIPELINE_SYNC */
	return 0;
}

/* The server keeps what is prepared: not without end. */
static int limit_prepared(struct pq_link *pq, struct error *err)
{
	if (namemap_len(pq->prepared) < MOST_PREPARED)
		return 0;
	namemap_free(pq->prepared);
	pq->prepared = namemap_new(false);
	return pq_run(pq, "DEALLOCATE ALL", "begin anew", err);
}

static int run_pipeline(struct batch *batch)
{
	PGconn *conn = batch->pq->conn;
	int ret;

	if (limit_prepared(batch->pq, batch->err) < 0)
		return -1;
	if (PQsetnonblocking(conn, 1) < 0 || !PQenterPipelineMode(conn))
		return pq_lost(batch->pq, NULL, batch->failure, batch->err);
	ret = send_all(batch);
	if (ret == 0)
		ret = take_all(batch);
	if (!PQexitPipelineMode(conn) && ret == 0)
		ret = pq_lost(batch->pq, NULL, batch->failure, batch->err);
	(void)PQsetnonblocking(conn, 0);
	if (ret < 0)
		batch->failure->kind = SQL_FAILURE_LOST;
	return ret < 0 ? -1 : !batch->has_failed;
}

int pq_execute(struct sql_link *link, struct sql_run *runs, size_t count,
	       struct arena *arena, size_t *failed_out,
	       struct sql_failure *failure, struct error *err)
{
	struct batch batch = { .pq = pq_of(link),
			       .runs = runs,
			       .arena = arena,
			       .failure = failure,
			       .err = err };
	struct sql_failure refused = { .kind = SQL_FAILURE_NONE };
	int ret = 1;

	memset(failure, 0, sizeof(*failure));
	batch.values =
		arena_array(&batch.scratch, count + 1, sizeof(*batch.values));
	batch.prepare =
		arena_array(&batch.scratch, count + 1, sizeof(*batch.prepare));
	while (batch.count < count &&
	       pq_params(runs[batch.count].params,
			 runs[batch.count].param_count, &batch.scratch,
			 &batch.values[batch.count], &refused))
		batch.count++;
	if (batch.count)
		ret = run_pipeline(&batch);
	if (ret > 0 && batch.count < count) {
		/* it can not even be sent */
		batch.failed = batch.count;
		*failure = refused;
		ret = 0;
		(void)error_set(err, ERR_INVALID, "%s: cannot write: %s",
				link->server, failure->text);
	}
	*failed_out = batch.failed;
	if (count && runs[0].secret)
		arena_wipe(&batch.scratch);
	arena_release(&batch.scratch);
	return ret;
}
