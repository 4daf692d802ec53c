/*
 * filled.h - an SQLite store with rows in every table; two that have the same
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_STORE_FILLED_H
#define TESTS_STORE_FILLED_H

#include "store/copy.h"

#include <sqlite3.h>

static inline sqlite3 *open_raw(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static inline void run_raw(const char *path, const char *text)
{
	sqlite3 *db = open_raw(path);

	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline int64_t number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;
	int64_t value;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return value;
}

/* Rows in every table, in some more than are copied at a time. */
static inline void fill(const char *path)
{
	run_raw(path,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		" WHERE i < 4500) INSERT INTO cs SELECT (1 << 40) + i, 1, CASE WHEN i %"
		" 3 THEN 0 ELSE 8 END, 0,"
		" 'cn=' || i, CAST('a' || i AS BLOB), CASE WHEN i % 3 THEN"
		" randomblob(i % 50) END FROM n;"
		"UPDATE cs SET rdn = CAST(rdn AS BLOB);"
		"INSERT INTO cs_anchor SELECT 1, random(), id, random(), random()"
		" FROM cs;"
		"INSERT INTO cs_key SELECT random(), id FROM cs;"
		"INSERT INTO cs_key VALUES (-9223372036854775808, 7);"
		"INSERT INTO cs_ref SELECT id, id + 1, 3 FROM cs LIMIT 2000;"
		"INSERT INTO member SELECT 5, 3, id, 257 FROM cs LIMIT 4000;"
		"INSERT INTO member SELECT 6, 3, -id, 256 FROM cs LIMIT 4000;"
		"INSERT INTO link SELECT id, id, 1, 0, 3, 1, 77, 0, 0 FROM cs;"
		"INSERT INTO pending_import VALUES (1, 2, 1, x'00', x'', NULL, 1,"
		" 0);"
		"INSERT INTO pending_export VALUES (1, 2, 0, 0, x'', x'0102');"
		"INSERT INTO awaiting VALUES (2, 1, 0, 0, NULL, x'');"
		"INSERT INTO merged VALUES (3, x'01');"
		"INSERT INTO cs_error VALUES (1, 1, 'code', 'a message', 1, 2, 3);"
		"INSERT INTO queue SELECT id FROM cs;"
		"INSERT INTO retry VALUES (1, 2, 3, 4, 5, -6);"
		"INSERT INTO delivery VALUES (9, 1, 2, x'ff00');"
		"INSERT INTO due VALUES (1, 2, 3, 4, 'Now()'), (1, 3, 3, 4, NULL);"
		"INSERT INTO rules_used VALUES ('part', 'text');"
		"INSERT INTO mv SELECT id, randomblob(16), 1, 1, image, NULL, 1, 2 FROM"
		" cs;"
		"INSERT INTO mv_key SELECT random(), id FROM mv;"
		"INSERT INTO mv_ref VALUES (1, 2, 0);"
		"INSERT INTO mv_wait VALUES (1, 2);"
		"INSERT INTO mv_queue VALUES (4);"
		"INSERT INTO past VALUES (1, 2, 3, 4, 5, 'no', x'06');"
		"INSERT INTO audit VALUES (1, 2, 'u', 'h', 'c', 'r', x'07');"
		"INSERT INTO run VALUES (3, 'hr', 'full', 'me', 'here', 4, 5, 6,"
		" 'success', '', x'00');"
		"INSERT INTO step VALUES (8, 3, 1, 'export', 5, 6, 'success', '');"
		"INSERT INTO counter SELECT 8, 0, 'c' || id, 1, x'01' FROM cs"
		" LIMIT 3000;"
		"INSERT INTO discovery_error VALUES (4, 8, 'c', 'm', 'p', x'00');"
		"INSERT INTO allowed VALUES (3, 'token', 'me', 5);"
		"INSERT INTO name VALUES (3, 1, 'hr');"
		"INSERT INTO meta VALUES ('next_cs.1', x'01'),"
		" ('watermark.hr', x'02')");
}

/* Of every table the same rows in both files, but that the other one has so
 * many watermarks less. */
static inline void same(const char *a, const char *b, int64_t watermarks)
{
	sqlite3 *db = open_raw(a);
	const struct store_table *table;
	struct arena arena = ARENA_INIT;
	size_t i;

	assert_int_equal(
		sqlite3_exec(db, arena_printf(&arena, "ATTACH '%s' AS b", b),
			     NULL, NULL, NULL),
		SQLITE_OK);
	for (i = 0; (table = store_table(i)); i++) {
		const char *here = arena_printf(
			&arena,
			"SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT"
			" SELECT * FROM b.%s)",
			table->name, table->name);
		const char *there =
			arena_printf(&arena,
				     "SELECT (SELECT count(*) FROM main.%s) -"
				     " (SELECT count(*) FROM b.%s)",
				     table->name, table->name);
		int64_t gone = strcmp(table->name, "meta") ? 0 : watermarks;

		if (number(db, here) != (gone > 0 ? gone : 0) ||
		    number(db, there) != gone)
			fail_msg("table '%s' differs", table->name);
	}
	arena_release(&arena);
	(void)sqlite3_close(db);
}

#endif
