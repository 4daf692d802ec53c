/*
 * odbc_batch.c - statements with values, in order
 *
 * A statement is prepared once and kept. Runs of the same statement go out as
 * sets of parameters where that can be trusted: the driver tells how many rows
 * all of them touched, each touches one at most, and so all touched one when
 * the sum says so. When it does not, none is said to have, and the caller does
 * each again on its own. What a driver says of a single set in its array of
 * states is not asked: FreeTDS calls sets that found nothing a success.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include <stdio.h>

#define SETS_MAX   256
#define SETS_BYTES ((size_t)1 << 20)

/* NOLINTBEGIN(performance-no-int-to-ptr): ODBC's attributes are such */
#define ATTR(number) ((SQLPOINTER)(uintptr_t)(number))

struct batch {
	struct odbc_link *odbc;
	struct sql_run *runs;
	size_t count;
	struct arena *arena;  /* of what comes back */
	struct arena scratch; /* of what is bound */
	struct strbuf buffer;
	SQLUSMALLINT states[SETS_MAX];
	SQLULEN processed;
	struct sql_failure *failure;
	struct error *err;
	size_t failed;
};

/* ---- prepared statements ---- */

static void forget(struct odbc_prepared *slot)
{
	mem_free(slot->sql);
	if (slot->stmt)
		(void)SQLFreeHandle(SQL_HANDLE_STMT, slot->stmt);
	*slot = (struct odbc_prepared){ .sql = NULL };
}

/* The place of a statement: its own, or the one that was used longest ago. */
static struct odbc_prepared *slot_of(struct odbc_link *odbc, const char *sql)
{
	struct odbc_prepared *oldest = &odbc->prepared[0];
	size_t i;

	for (i = 0; i < ODBC_PREPARED; i++) {
		struct odbc_prepared *slot = &odbc->prepared[i];

		if (slot->sql && strcmp(slot->sql, sql) == 0)
			return slot;
		if (slot->used < oldest->used)
			oldest = slot;
	}
	forget(oldest);
	return oldest;
}

/* What to do with a failure of a statement: 0 it is the statement's; -1 the
 * connection is of no use. */
static int judge(struct batch *batch, SQLSMALLINT type, SQLHANDLE handle)
{
	odbc_fail(batch->odbc, type, handle, "run a statement", batch->failure,
		  batch->err);
	return batch->failure->kind == SQL_FAILURE_LOST ? -1 : 0;
}

/* 1 ready, 0 the statement is wrong, -1. */
static int ready(struct batch *batch, const char *sql,
		 struct odbc_prepared **out)
{
	struct odbc_prepared *slot = slot_of(batch->odbc, sql);
	int ret;

	*out = slot;
	slot->used = ++batch->odbc->calls;
	if (slot->stmt)
		return 1;
	slot->stmt = odbc_statement(batch->odbc, batch->err);
	if (!slot->stmt) {
		batch->failure->kind = SQL_FAILURE_LOST;
		return -1;
	}
	if (!odbc_ok(odbc_prepare(batch->odbc, slot->stmt, sql))) {
		ret = judge(batch, SQL_HANDLE_STMT, slot->stmt);
		forget(slot);
		return ret;
	}
	slot->sql = mem_strdup(sql);
	return 1;
}

/* ---- what a statement gave ---- */

/* Values of the row that the statement is at. 1, -1 diagnose. */
static int take_row(struct batch *batch, SQLHSTMT stmt, int count,
		    struct sql_run *run)
{
	struct odbc_link *odbc = batch->odbc;
	SQLSMALLINT c_type = odbc->kind->narrow ? SQL_C_CHAR : SQL_C_WCHAR;
	struct odbc_column column;
	int i;

	run->value_count = (size_t)count;
	run->values = arena_array(batch->arena, run->value_count,
				  sizeof(*run->values));
	for (i = 0; i < count; i++) {
		enum sql_column_kind kind;
		struct sv text;

		if (odbc_describe_column(odbc, stmt, i + 1, batch->arena,
					 &column) < 0)
			return -1;
		kind = odbc_column_kind(odbc, &column);
		if (odbc_get_text(odbc, stmt, i + 1,
				  kind == SQL_COLUMN_BYTES ? SQL_C_BINARY
							   : c_type,
				  &batch->buffer, batch->arena, &text) < 0)
			return -1;
		run->values[i] = text;
		if (text.ptr)
			(void)odbc_form(kind, text, batch->arena,
					&run->values[i]);
	}
	return 1;
}

/* One result: rows, or how many were touched. 1, -1 diagnose. */
static int take_result(struct batch *batch, SQLHSTMT stmt, struct sql_run *run)
{
	SQLSMALLINT count = 0;
	SQLLEN touched = -1;
	SQLRETURN ret;

	if (!odbc_ok(SQLNumResultCols(stmt, &count)))
		return -1;
	if (!count) {
		/* Of several, a trigger's come before the statement's own. */
		if (odbc_ok(SQLRowCount(stmt, &touched)) && touched >= 0 &&
		    !run->values)
			run->rows = (uint64_t)touched;
		return 1;
	}
	while (odbc_ok(ret = SQLFetch(stmt))) {
		if (!run->values) {
			run->rows = 0;
			if (take_row(batch, stmt, count, run) < 0)
				return -1;
		}
		run->rows++;
	}
	return ret == SQL_NO_DATA ? 1 : -1;
}

static int take_results(struct batch *batch, SQLHSTMT stmt, struct sql_run *run)
{
	SQLRETURN ret = SQL_SUCCESS;

	while (odbc_ok(ret)) {
		if (take_result(batch, stmt, run) < 0)
			return -1;
		ret = SQLMoreResults(stmt);
	}
	return ret == SQL_NO_DATA ? 1 : -1;
}

/* ---- runs ---- */

/* 1 bound, 0 a value cannot be sent, -1 diagnose. */
static int bind_all(struct batch *batch, SQLHSTMT stmt, size_t at, size_t count)
{
	const struct sql_run *runs = &batch->runs[at];
	size_t which = 0;
	size_t i;
	int ret = 1;

	arena_reset(&batch->scratch);
	(void)SQLSetStmtAttr(stmt, SQL_ATTR_PARAMSET_SIZE, ATTR(count), 0);
	for (i = 0; i < runs->param_count && ret > 0; i++)
		ret = odbc_bind(batch->odbc, stmt, runs, count, i,
				&batch->scratch, &which, batch->failure);
	if (ret == 0) {
		batch->failed = at + which;
		error_set(batch->err, ERR_INVALID,
			  "%s: cannot run a statement: %s",
			  batch->odbc->link.server, batch->failure->text);
	}
	return ret;
}

/* One on its own. 1, 0, -1 as sql_driver.execute. */
static int run_one(struct batch *batch, size_t at)
{
	struct sql_run *run = &batch->runs[at];
	struct odbc_prepared *slot;
	SQLRETURN ret;
	int made;

	batch->failed = at;
	run->rows = 0;
	run->values = NULL;
	run->value_count = 0;
	made = ready(batch, run->sql, &slot);
	if (made <= 0)
		return made;
	made = bind_all(batch, slot->stmt, at, 1);
	if (made == 0)
		return 0;
	ret = made < 0 ? SQL_ERROR : SQLExecute(slot->stmt);
	if (ret == SQL_NO_DATA) /* it touched nothing */
		made = 1;
	else if (!odbc_ok(ret))
		made = -1;
	else
		made = take_results(batch, slot->stmt, run);
	if (made < 0)
		made = judge(batch, SQL_HANDLE_STMT, slot->stmt);
	(void)SQLFreeStmt(slot->stmt, SQL_CLOSE);
	if (made <= 0)
		forget(slot);
	return made;
}

/* The first set that the driver says has failed. */
static size_t failed_set(const struct batch *batch, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (batch->states[i] == SQL_PARAM_ERROR)
			return i;
	return 0;
}

static int run_sets(struct batch *batch, size_t at, size_t count)
{
	struct odbc_prepared *slot;
	SQLLEN touched = -1;
	SQLRETURN ret;
	size_t i;
	int made;

	batch->failed = at;
	made = ready(batch, batch->runs[at].sql, &slot);
	if (made <= 0)
		return made;
	memset(batch->states, 0, sizeof(batch->states));
	(void)SQLSetStmtAttr(slot->stmt, SQL_ATTR_PARAM_STATUS_PTR,
			     batch->states, 0);
	(void)SQLSetStmtAttr(slot->stmt, SQL_ATTR_PARAMS_PROCESSED_PTR,
			     &batch->processed, 0);
	made = bind_all(batch, slot->stmt, at, count);
	ret = made > 0 ? SQLExecute(slot->stmt) : SQL_ERROR;
	if (made > 0 && odbc_ok(ret))
		(void)SQLRowCount(slot->stmt, &touched);
	for (i = 0; i < count; i++) {
		batch->runs[at + i].rows = touched == (SQLLEN)count ? 1 : 0;
		batch->runs[at + i].values = NULL;
		batch->runs[at + i].value_count = 0;
	}
	if (made != 0 && !odbc_ok(ret) && ret != SQL_NO_DATA) {
		made = judge(batch, SQL_HANDLE_STMT, slot->stmt);
		batch->failed = at + failed_set(batch, count);
	}
	/* What is kept of it must not point here. */
	(void)SQLFreeStmt(slot->stmt, SQL_CLOSE);
	(void)SQLSetStmtAttr(slot->stmt, SQL_ATTR_PARAM_STATUS_PTR, NULL, 0);
	(void)SQLSetStmtAttr(slot->stmt, SQL_ATTR_PARAMS_PROCESSED_PTR, NULL,
			     0);
	if (made <= 0)
		forget(slot);
	return made;
}

static size_t bytes_of(const struct sql_run *run)
{
	size_t bytes = 0;
	size_t i;

	for (i = 0; i < run->param_count; i++)
		bytes += run->params[i].value.len + sizeof(SQLLEN);
	return bytes;
}

/* How many from `at` on can go out as sets of one statement. */
static size_t sets_from(const struct batch *batch, size_t at)
{
	const struct sql_run *first = &batch->runs[at];
	size_t widest = bytes_of(first);
	size_t count = 1;

	if (!batch->odbc->kind->arrays || !first->one || !first->param_count)
		return 1;
	while (at + count < batch->count && count < SETS_MAX) {
		const struct sql_run *next = first + count;

		if (next->sql != first->sql || !next->one)
			break;
		if (bytes_of(next) > widest)
			widest = bytes_of(next);
		if (widest * (count + 1) > SETS_BYTES)
			break;
		count++;
	}
	return count;
}

int odbc_execute(struct sql_link *link, struct sql_run *runs, size_t count,
		 struct arena *arena, size_t *failed_out,
		 struct sql_failure *failure, struct error *err)
{
	struct sql_failure own = { .kind = SQL_FAILURE_NONE };
	struct batch batch = { .odbc = odbc_of(link),
			       .runs = runs,
			       .count = count,
			       .arena = arena,
			       .buffer = STRBUF_INIT(STRBUF_NO_LIMIT),
			       .failure = &own,
			       .err = err };
	size_t at = 0;
	int ret = 1;

	while (at < count && ret > 0) {
		size_t sets = sets_from(&batch, at);

		ret = sets > 1 ? run_sets(&batch, at, sets)
			       : run_one(&batch, at);
		at += sets;
	}
	if (ret <= 0) {
		*failed_out = batch.failed;
		if (failure)
			*failure = own;
	}
	strbuf_release(&batch.buffer);
	if (count && runs[0].secret)
		arena_wipe(&batch.scratch);
	arena_release(&batch.scratch);
	return ret;
}
/* NOLINTEND(performance-no-int-to-ptr) */
