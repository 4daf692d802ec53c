/*
 * rows.c - rows that a step wrote: taken out of a store, written into another
 *
 * The new store is made by the store itself, so that its tables and settings
 * are the engine's. What is left away is everything but SQLite: one prepared
 * statement a table, rows in memory, keys in the order of their trees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/rows.h"

#include "store/cs.h"
#include "store/sql/sql_private.h"
#include "store/sqlite/sqlite_private.h"

#include <stdlib.h>
#include <string.h>

/* What describes the run, not its objects. */
static const char skipped[] = "'meta', 'name', 'lease', 'run', 'step',"
			      " 'allowed', 'discovery_error'";

static int fail(sqlite3 *db, struct error *err, const char *path)
{
	return error_set(err, ERR_UNAVAILABLE, "cannot read the store '%s': %s",
			 path, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	return stmt;
}

/* Columns that name the object which a row belongs to; the first one counts. */
static int owner_rank(const char *column)
{
	static const char *const names[] = { "source", "cs", "id", "mv" };
	int i;

	for (i = 0; i < 4; i++)
		if (!strcmp(column, names[i]))
			return i;
	return 4;
}

static int describe(struct rows *rows, sqlite3 *db, const char *name)
{
	struct table table = { .owner = -1 };
	const char *text;
	sqlite3_stmt *stmt;
	int best = 4;

	table.name = arena_cstr(&rows->arena, sv_from(name));
	text = arena_printf(&rows->arena, "PRAGMA table_info(%s)", name);
	stmt = prepare(db, text);
	if (!stmt)
		return -1;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		int rank =
			owner_rank((const char *)sqlite3_column_text(stmt, 1));
		int key = sqlite3_column_int(stmt, 5);

		if (rank < best) {
			best = rank;
			table.owner = table.columns;
		}
		if (key > 0 && key <= ROWS_MAX_KEYS) {
			table.keys[key - 1] = table.columns;
			if (key > table.key_count)
				table.key_count = key;
		}
		table.columns++;
	}
	vec_push(&rows->tables, table);
	return sqlite3_finalize(stmt) == SQLITE_OK ? 0 : -1;
}

static int find_tables(struct rows *rows, sqlite3 *db)
{
	const char *text =
		arena_printf(&rows->arena,
			     "SELECT name FROM main.sqlite_master"
			     " WHERE type = 'table' AND name NOT IN (%s)"
			     " AND name NOT LIKE 'sqlite%%'",
			     skipped);
	sqlite3_stmt *stmt = prepare(db, text);
	int ret = stmt ? 0 : -1;

	while (ret == 0 && sqlite3_step(stmt) == SQLITE_ROW)
		ret = describe(rows, db,
			       (const char *)sqlite3_column_text(stmt, 0));
	return sqlite3_finalize(stmt) == SQLITE_OK ? ret : -1;
}

static const struct cell *take_cells(struct rows *rows, sqlite3_stmt *stmt,
				     int count)
{
	struct cell *cells =
		arena_array(&rows->arena, (size_t)count, sizeof(*cells));
	int i;

	for (i = 0; i < count; i++) {
		const void *bytes = sqlite3_column_blob(stmt, i);
		int len = sqlite3_column_bytes(stmt, i);

		cells[i].type = sqlite3_column_type(stmt, i);
		cells[i].number = sqlite3_column_int64(stmt, i);
		if (cells[i].type == SQLITE_BLOB ||
		    cells[i].type == SQLITE_TEXT)
			cells[i].bytes = arena_dup(&rows->arena,
						   sv_make(bytes, (size_t)len));
	}
	return cells;
}

/* Objects come in the order of their ids; what has no object comes last. */
static int64_t batch_of(const struct table *table, const struct cell *cells,
			int64_t objects)
{
	if (table->owner < 0)
		return INT64_MAX;
	return (CS_SEQUENCE(cells[table->owner].number) - 1) / objects;
}

static int take_rows(struct rows *rows, sqlite3 *db, size_t at, bool before,
		     int64_t objects)
{
	const struct table *table = &rows->tables.at[at];
	const char *text = arena_printf(
		&rows->arena, "SELECT * FROM main.%s%s%s", table->name,
		before ? " EXCEPT SELECT * FROM before." : "",
		before ? table->name : "");
	sqlite3_stmt *stmt = prepare(db, text);

	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		struct row row = { .table = at };

		row.cells = take_cells(rows, stmt, table->columns);
		row.batch = batch_of(table, row.cells, objects);
		vec_push(&rows->list, row);
	}
	return stmt && sqlite3_finalize(stmt) == SQLITE_OK ? 0 : -1;
}

static int compare_cells(const struct cell *a, const struct cell *b)
{
	size_t len = a->bytes.len < b->bytes.len ? a->bytes.len : b->bytes.len;
	int ret;

	if (a->type == SQLITE_INTEGER || b->type == SQLITE_INTEGER)
		return (a->number > b->number) - (a->number < b->number);
	ret = len ? memcmp(a->bytes.ptr, b->bytes.ptr, len) : 0;
	return ret ? ret
		   : (a->bytes.len > b->bytes.len) -
			       (a->bytes.len < b->bytes.len);
}

static int order_rows(const void *left, const void *right, void *data)
{
	const struct rows *rows = data;
	const struct row *a = left;
	const struct row *b = right;
	const struct table *table;
	int i;

	if (a->batch != b->batch)
		return a->batch < b->batch ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	table = &rows->tables.at[a->table];
	for (i = 0; i < table->key_count; i++) {
		int ret = compare_cells(&a->cells[table->keys[i]],
					&b->cells[table->keys[i]]);

		if (ret)
			return ret;
	}
	return 0;
}

static int attach(sqlite3 *db, const char *path)
{
	sqlite3_stmt *stmt = prepare(db, "ATTACH ?1 AS before");
	int ret;

	if (!stmt)
		return -1;
	(void)sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
	ret = sqlite3_step(stmt) == SQLITE_DONE ? 0 : -1;
	(void)sqlite3_finalize(stmt);
	return ret;
}

int rows_read(struct rows *rows, const char *before, const char *after,
	      int64_t objects, struct error *err)
{
	sqlite3 *db = NULL;
	size_t i;
	int ret = sqlite3_open_v2(after, &db, SQLITE_OPEN_READWRITE, NULL) ==
				  SQLITE_OK
			  ? 0
			  : -1;

	if (ret == 0 && before)
		ret = attach(db, before);
	if (ret == 0)
		ret = find_tables(rows, db);
	for (i = 0; ret == 0 && i < rows->tables.len; i++)
		ret = take_rows(rows, db, i, before != NULL, objects);
	if (ret < 0)
		(void)fail(db, err, after);
	(void)sqlite3_close(db);
	if (rows->list.len)
		qsort_r(rows->list.at, rows->list.len, sizeof(*rows->list.at),
			order_rows, rows);
	return ret;
}

static void bind(sqlite3_stmt *stmt, const struct cell *cell, int at)
{
	int len = (int)cell->bytes.len;

	if (cell->type == SQLITE_INTEGER)
		(void)sqlite3_bind_int64(stmt, at, cell->number);
	else if (cell->type == SQLITE_BLOB && len)
		(void)sqlite3_bind_blob(stmt, at, cell->bytes.ptr, len,
					SQLITE_STATIC);
	else if (cell->type == SQLITE_BLOB)
		(void)sqlite3_bind_zeroblob(stmt, at, 0);
	else if (cell->type == SQLITE_TEXT)
		(void)sqlite3_bind_text(stmt, at, cell->bytes.ptr, len,
					SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(stmt, at);
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const struct table *table)
{
	sqlite3_str *text = sqlite3_str_new(db);
	sqlite3_stmt *stmt;
	char *sql;
	int i;

	sqlite3_str_appendf(text, "INSERT INTO %s VALUES (", table->name);
	for (i = 0; i < table->columns; i++)
		sqlite3_str_appendall(text, i ? ", ?" : "?");
	sqlite3_str_appendall(text, ")");
	sql = sqlite3_str_finish(text);
	stmt = sql ? prepare(db, sql) : NULL;
	sqlite3_free(sql);
	return stmt;
}

static int insert(const struct table *table, const struct row *row,
		  sqlite3_stmt *stmt)
{
	int i;

	for (i = 0; i < table->columns; i++)
		bind(stmt, &row->cells[i], i + 1);
	return sqlite3_step(stmt) == SQLITE_DONE &&
			       sqlite3_reset(stmt) == SQLITE_OK
		       ? 0
		       : -1;
}

static int write_all(const struct rows *rows, struct store *store,
		     sqlite3_stmt **stmts, struct error *err)
{
	sqlite3 *db = sqlite_handle(store->db);
	struct store_tx *tx = NULL;
	int64_t batch = -1;
	const struct row *row;

	vec_foreach(&rows->list, row) {
		const struct table *table = &rows->tables.at[row->table];

		if (row->batch != batch) {
			if (tx && store_commit(tx, err) < 0)
				return -1;
			if (store_begin(store, STORE_BULK, &tx, err) < 0)
				return -1;
			batch = row->batch;
		}
		if (!stmts[row->table])
			stmts[row->table] = prepare_insert(db, table);
		if (!stmts[row->table] ||
		    insert(table, row, stmts[row->table]) < 0) {
			(void)error_set(err, ERR_UNAVAILABLE,
					"cannot write to the store: %s",
					sqlite3_errmsg(db));
			store_rollback(tx);
			return -1;
		}
	}
	return tx ? store_commit(tx, err) : 0;
}

int rows_write(const struct rows *rows, const char *path, struct error *err)
{
	struct arena arena = ARENA_INIT;
	sqlite3_stmt **stmts =
		arena_array(&arena, rows->tables.len + 1, sizeof(*stmts));
	struct store *store;
	size_t i;
	int ret = store_open(arena_printf(&arena, "sqlite:%s", path),
			     STORE_CREATE, &store, err);

	if (ret == 0)
		ret = write_all(rows, store, stmts, err);
	for (i = 0; i < rows->tables.len; i++)
		(void)sqlite3_finalize(stmts[i]);
	store_close(store);
	arena_release(&arena);
	return ret;
}

void rows_release(struct rows *rows)
{
	vec_release(&rows->tables);
	vec_release(&rows->list);
	arena_release(&rows->arena);
}
