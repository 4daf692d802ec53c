/*
 * odbc.c - the driver over unixODBC: its table, transactions
 *
 * Outside of a transaction each statement is one of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

/* NOLINTBEGIN(performance-no-int-to-ptr): ODBC's attributes are such */
#define ATTR(number) ((SQLPOINTER)(uintptr_t)(number))

static int commit_each(struct odbc_link *odbc, bool each, struct error *err)
{
	if (odbc_ok(SQLSetConnectAttr(
		    odbc->dbc, SQL_ATTR_AUTOCOMMIT,
		    ATTR(each ? SQL_AUTOCOMMIT_ON : SQL_AUTOCOMMIT_OFF), 0)))
		return 0;
	return odbc_fail(odbc, SQL_HANDLE_DBC, odbc->dbc, "begin a transaction",
			 NULL, err);
}

/* One moment for all queries, where the database can: 0; -1 the connection is
 * lost. */
static int see_one_moment(struct odbc_link *odbc, struct error *err)
{
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };

	if (odbc_run(odbc, odbc->link.dialect->snapshot, &failure, err) < 0 &&
	    failure.kind == SQL_FAILURE_LOST)
		return -1;
	return 0;
}

static int odbc_begin(struct sql_link *link, bool snapshot, struct error *err)
{
	struct odbc_link *odbc = odbc_of(link);
	bool wanted = snapshot && link->dialect->snapshot;
	bool before = wanted && link->dialect->snapshot_off;

	if (before && see_one_moment(odbc, err) < 0)
		return -1;
	odbc->isolated = before;
	if (commit_each(odbc, false, err) < 0)
		return -1;
	odbc->in_transaction = true;
	if (wanted && !before)
		return see_one_moment(odbc, err);
	return 0;
}

static int end(struct odbc_link *odbc, SQLSMALLINT how, struct error *err)
{
	struct error second = ERROR_INIT;
	SQLRETURN ret;
	int made = 0;

	/* A deadlock's victim has no transaction left; a driver that does not
	 * know would go on without one. */
	if (how == SQL_ROLLBACK && odbc->kind->reopen)
		(void)odbc_run(odbc, odbc->kind->reopen, NULL, &second);
	error_clear(&second);
	ret = SQLEndTran(SQL_HANDLE_DBC, odbc->dbc, how);
	if (!odbc_ok(ret))
		made = odbc_fail(odbc, SQL_HANDLE_DBC, odbc->dbc,
				 how == SQL_COMMIT ? "commit" : "roll back",
				 NULL, err);
	/* A commit that failed leaves nothing for the next one to commit. */
	if (made < 0 && how == SQL_COMMIT)
		(void)SQLEndTran(SQL_HANDLE_DBC, odbc->dbc, SQL_ROLLBACK);
	odbc->in_transaction = false;
	if (commit_each(odbc, true, made < 0 ? &second : err) < 0)
		made = -1;
	if (odbc->isolated) {
		odbc->isolated = false;
		if (odbc_run(odbc, odbc->link.dialect->snapshot_off, NULL,
			     made < 0 ? &second : err) < 0)
			made = -1;
	}
	return made;
}

static int odbc_commit(struct sql_link *link, struct error *err)
{
	return end(odbc_of(link), SQL_COMMIT, err);
}

static int odbc_rollback(struct sql_link *link, struct error *err)
{
	return end(odbc_of(link), SQL_ROLLBACK, err);
}

const struct sql_driver sql_odbc = {
	.name = "odbc",
	.settings = odbc_settings,
	.open = odbc_open,
	.close = odbc_close,
	.begin = odbc_begin,
	.commit = odbc_commit,
	.rollback = odbc_rollback,
	.query = odbc_query,
	.columns = odbc_columns,
	.fetch = odbc_fetch,
	.line = odbc_line,
	.has_lines = odbc_has_lines,
	.line_of = odbc_line_of,
	.split = odbc_split,
	.rows_close = odbc_rows_close,
	.execute = odbc_execute,
	.tables = odbc_tables,
	.describe = odbc_describe,
	.foreign = odbc_foreign,
};
/* NOLINTEND(performance-no-int-to-ptr) */
