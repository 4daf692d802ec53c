/*
 * limits_sql.c - rows of a query, and updates, as fast as the driver can
 *
 *	bench_limits rows postgresql|odbc ADDRESS SELECT
 *	bench_limits updates postgresql|odbc ADDRESS UPDATE FILE WINDOW
 *
 * The loops that any program could write: libpq in single-row mode and with a
 * pipeline, ODBC with bound columns and prepared statements, to MariaDB with
 * sets of values. FILE has a line "VALUE<tab>KEY" for each update; WINDOW of
 * them are a transaction. Connecting is timed too, as it is of an import.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limits.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <libpq-fe.h>
#include <sql.h>
#include <sqlext.h>
#include <string.h>

#define WIDTH   ((size_t)512)
#define BLOCK   64
#define COLUMNS 64

/* The next line of the file: 1, or 0 at its end. */
static int next_update(struct sv *rest, char value[WIDTH], char key[WIDTH])
{
	size_t end = sv_find(*rest, '\n', 0);
	size_t tab = sv_find(*rest, '\t', 0);

	if (!rest->len || tab >= end || tab >= WIDTH || end - tab > WIDTH)
		return 0;
	memcpy(value, rest->ptr, tab);
	value[tab] = '\0';
	memcpy(key, rest->ptr + tab + 1, end - tab - 1);
	key[end - tab - 1] = '\0';
	*rest = sv_sub(*rest, end < rest->len ? end + 1 : end, rest->len);
	return 1;
}

/* ---- libpq ---- */

static int pq_failed(PGconn *link, struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "libpq: %s",
			 PQerrorMessage(link));
}

static int pq_rows(PGconn *link, const char *select, uint64_t *count,
		   struct error *err)
{
	PGresult *result;
	int ret = 0;

	if (!PQsendQuery(link, select) || !PQsetSingleRowMode(link))
		return pq_failed(link, err);
	while ((result = PQgetResult(link))) {
		ExecStatusType status = PQresultStatus(result);

		if (status == PGRES_SINGLE_TUPLE)
			(*count)++;
		else if (status != PGRES_TUPLES_OK)
			ret = pq_failed(link, err);
		PQclear(result);
	}
	return ret;
}

/* What was sent up to the last synchronization has been answered. */
static int pq_answers(PGconn *link, struct error *err)
{
	bool synced = false;
	PGresult *result;
	int ret = 0;

	while (!synced) {
		while ((result = PQgetResult(link))) {
			ExecStatusType status = PQresultStatus(result);

			synced |= status == PGRES_PIPELINE_SYNC;
			if (status != PGRES_COMMAND_OK &&
			    status != PGRES_PIPELINE_SYNC)
				ret = pq_failed(link, err);
			PQclear(result);
			if (synced)
				break;
		}
		if (!synced && PQstatus(link) != CONNECTION_OK)
			return pq_failed(link, err);
	}
	return ret;
}

static int pq_updates(PGconn *link, const char *update, struct sv file,
		      uint64_t window, uint64_t *count, struct error *err)
{
	char value[WIDTH];
	char key[WIDTH];
	const char *params[] = { value, key };
	int ret = 0;
	int more = 1;

	if (!PQenterPipelineMode(link) ||
	    !PQsendPrepare(link, "u", update, 2, NULL))
		return pq_failed(link, err);
	while (ret == 0 && more) {
		uint64_t i;

		(void)PQsendQueryParams(link, "BEGIN", 0, NULL, NULL, NULL,
					NULL, 0);
		for (i = 0; i < window; i++) {
			more = next_update(&file, value, key);
			if (!more)
				break;
			(void)PQsendQueryPrepared(link, "u", 2, params, NULL,
						  NULL, 0);
			(*count)++;
		}
		(void)PQsendQueryParams(link, "COMMIT", 0, NULL, NULL, NULL,
					NULL, 0);
		if (!PQpipelineSync(link))
			return pq_failed(link, err);
		ret = pq_answers(link, err);
	}
	return ret;
}

static int by_libpq(char **words, struct sv file, uint64_t window,
		    uint64_t *count, struct error *err)
{
	PGconn *link = PQconnectdb(words[0]);
	int ret;

	if (PQstatus(link) != CONNECTION_OK)
		ret = pq_failed(link, err);
	else if (window)
		ret = pq_updates(link, words[1], file, window, count, err);
	else
		ret = pq_rows(link, words[1], count, err);
	PQfinish(link);
	return ret;
}

/* ---- ODBC ---- */

struct odbc {
	SQLHENV env;
	SQLHDBC link;
	SQLHSTMT statement;
};

static int odbc_failed(SQLSMALLINT kind, SQLHANDLE handle, struct error *err)
{
	SQLCHAR text[300] = "";
	SQLCHAR state[6] = "";
	SQLINTEGER native = 0;

	(void)SQLGetDiagRec(kind, handle, 1, state, &native, text, sizeof(text),
			    NULL);
	return error_set(err, ERR_UNAVAILABLE, "ODBC: %s %s",
			 (const char *)state, (const char *)text);
}

/* Driver's words are not const. */
static SQLCHAR *words_of(char *text)
{
	return (SQLCHAR *)text;
}

static int odbc_rows(struct odbc *odbc, char *select, uint64_t *count,
		     struct error *err)
{
	char *cells = mem_alloc(COLUMNS * BLOCK * WIDTH);
	SQLLEN *lengths = mem_alloc(COLUMNS * BLOCK * sizeof(*lengths));
	SQLULEN fetched = 0;
	SQLSMALLINT columns = 0;
	SQLRETURN ret;
	SQLSMALLINT i;

	(void)SQLSetStmtAttr(odbc->statement, SQL_ATTR_ROW_ARRAY_SIZE,
			     (SQLPOINTER)(uintptr_t)BLOCK, 0);
	(void)SQLSetStmtAttr(odbc->statement, SQL_ATTR_ROWS_FETCHED_PTR,
			     &fetched, 0);
	ret = SQLExecDirect(odbc->statement, words_of(select), SQL_NTS);
	(void)SQLNumResultCols(odbc->statement, &columns);
	for (i = 0; i < columns && i < COLUMNS; i++)
		(void)SQLBindCol(odbc->statement, (SQLUSMALLINT)(i + 1),
				 SQL_C_CHAR, cells + (size_t)i * BLOCK * WIDTH,
				 WIDTH, lengths + (size_t)i * BLOCK);
	while (SQL_SUCCEEDED(ret)) {
		ret = SQLFetch(odbc->statement);
		if (SQL_SUCCEEDED(ret))
			*count += fetched;
	}
	mem_free(cells);
	mem_free(lengths);
	return ret == SQL_NO_DATA
		       ? 0
		       : odbc_failed(SQL_HANDLE_STMT, odbc->statement, err);
}

/* Values and keys of updates that go out together. */
struct sets {
	char (*values)[WIDTH];
	char (*keys)[WIDTH];
	SQLLEN *lengths;
};

/* So many as there are, up to `most`. */
static uint64_t fill_sets(struct sv *file, struct sets *sets, uint64_t most)
{
	uint64_t count = 0;

	while (count < most &&
	       next_update(file, sets->values[count], sets->keys[count]))
		sets->lengths[count++] = SQL_NTS;
	return count;
}

/* MariaDB's driver is at its best with sets of values, as many as a transaction
 * has; FreeTDS is asked one by one, since only so it says what was done. */
static int odbc_updates(struct odbc *odbc, const char *address, char *update,
			struct sv file, uint64_t window, uint64_t *count,
			struct error *err)
{
	uint64_t most = strstr(address, "MariaDB") ? window : 1;
	struct sets sets = { mem_alloc(most * WIDTH), mem_alloc(most * WIDTH),
			     mem_alloc(most * sizeof(*sets.lengths)) };
	SQLRETURN ret;
	uint64_t got;

	(void)SQLSetConnectAttr(odbc->link, SQL_ATTR_AUTOCOMMIT,
				(SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0);
	ret = SQLPrepare(odbc->statement, words_of(update), SQL_NTS);
	(void)SQLBindParameter(odbc->statement, 1, SQL_PARAM_INPUT, SQL_C_CHAR,
			       SQL_VARCHAR, 200, 0, sets.values, WIDTH,
			       sets.lengths);
	(void)SQLBindParameter(odbc->statement, 2, SQL_PARAM_INPUT, SQL_C_CHAR,
			       SQL_VARCHAR, 20, 0, sets.keys, WIDTH,
			       sets.lengths);
	while (SQL_SUCCEEDED(ret) &&
	       (got = fill_sets(&file, &sets, most)) > 0) {
		(void)SQLSetStmtAttr(odbc->statement, SQL_ATTR_PARAMSET_SIZE,
				     (SQLPOINTER)(uintptr_t)got, 0);
		ret = SQLExecute(odbc->statement);
		*count += got;
		if (SQL_SUCCEEDED(ret) && *count % window == 0)
			(void)SQLEndTran(SQL_HANDLE_DBC, odbc->link,
					 SQL_COMMIT);
	}
	(void)SQLEndTran(SQL_HANDLE_DBC, odbc->link, SQL_COMMIT);
	mem_free(sets.values);
	mem_free(sets.keys);
	mem_free(sets.lengths);
	return SQL_SUCCEEDED(ret)
		       ? 0
		       : odbc_failed(SQL_HANDLE_STMT, odbc->statement, err);
}

static int by_odbc(char **words, struct sv file, uint64_t window,
		   uint64_t *count, struct error *err)
{
	struct odbc odbc = { NULL, NULL, NULL };
	int ret;

	(void)SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &odbc.env);
	(void)SQLSetEnvAttr(odbc.env, SQL_ATTR_ODBC_VERSION,
			    (SQLPOINTER)SQL_OV_ODBC3, 0);
	(void)SQLAllocHandle(SQL_HANDLE_DBC, odbc.env, &odbc.link);
	if (!SQL_SUCCEEDED(SQLDriverConnect(odbc.link, NULL, words_of(words[0]),
					    SQL_NTS, NULL, 0, NULL,
					    SQL_DRIVER_NOPROMPT))) {
		ret = odbc_failed(SQL_HANDLE_DBC, odbc.link, err);
	} else {
		(void)SQLAllocHandle(SQL_HANDLE_STMT, odbc.link,
				     &odbc.statement);
		if (window)
			ret = odbc_updates(&odbc, words[0], words[1], file,
					   window, count, err);
		else
			ret = odbc_rows(&odbc, words[1], count, err);
		(void)SQLFreeHandle(SQL_HANDLE_STMT, odbc.statement);
		(void)SQLDisconnect(odbc.link);
	}
	(void)SQLFreeHandle(SQL_HANDLE_DBC, odbc.link);
	(void)SQLFreeHandle(SQL_HANDLE_ENV, odbc.env);
	return ret;
}

static int run(char **words, struct sv file, uint64_t window, struct error *err)
{
	double started = limit_now();
	uint64_t count = 0;
	int ret = strcmp(words[0], "odbc") == 0
			  ? by_odbc(words + 1, file, window, &count, err)
			  : by_libpq(words + 1, file, window, &count, err);

	return limit_report(ret, started, count);
}

int limit_rows(char **words, struct error *err)
{
	return run(words, SV_NULL, 0, err);
}

int limit_updates(char **words, struct error *err)
{
	struct strbuf file = STRBUF_INIT(STRBUF_NO_LIMIT);
	uint64_t window;
	int ret = limit_number(words[4], &window, err);

	if (ret == 0)
		ret = file_read(words[3], &file, err);
	if (ret == 0)
		ret = run(words, strbuf_sv(&file), window, err);
	strbuf_release(&file);
	return ret;
}
