/*
 * test_sql_dialect.c - the text of statements for every dialect, failures
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static const struct sql_dialect *find(const char *name)
{
	const struct sql_dialect *dialect = sql_dialect_find(sv_from(name));

	assert_non_null(dialect);
	return dialect;
}

static void assert_name(const char *dialect, const char *name,
			const char *expected)
{
	struct strbuf sql = STRBUF_INIT(1000);

	sql_add_name(&sql, find(dialect), sv_from(name));
	assert_string_equal(strbuf_cstr(&sql), expected);
	assert_false(sql.overflow);
	strbuf_release(&sql);
}

static void assert_table(const char *dialect, const char *name,
			 const char *expected)
{
	struct strbuf sql = STRBUF_INIT(1000);

	sql_add_table(&sql, find(dialect), sv_from(name));
	assert_string_equal(strbuf_cstr(&sql), expected);
	strbuf_release(&sql);
}

static void test_find(void **state)
{
	size_t i;

	(void)state;
	assert_string_equal(find("SQLServer")->name, "sqlserver");
	assert_null(sql_dialect_find(sv_from("ingres")));
	for (i = 0; sql_dialects[i]; i++) {
		assert_ptr_equal(find(sql_dialects[i]->name), sql_dialects[i]);
		assert_non_null(sql_dialects[i]->help);
		assert_non_null(sql_dialects[i]->one_row);
	}
	/* the libraries mark parameters differently */
	assert_true(sql_postgresql.numbered);
	assert_false(find("postgresql")->numbered);
}

static void test_products(void **state)
{
	static const char *const names[][2] = {
		{ "Microsoft SQL Server", "sqlserver" },
		{ "Oracle8", "oracle" },
		{ "DB2/LINUXX8664", "db2" },
		{ "Informix Dynamic Server", "informix" },
		{ "IDS/UNIX64", "informix" },
		{ "MariaDB", "mysql" },
		{ "MySQL", "mysql" },
		{ "SQLite", "sqlite" },
		{ "Firebird 3.0", "firebird" },
		{ "PostgreSQL", "postgresql" },
		{ "ACCESS", "access" },
		{ "Adaptive Server Enterprise", "other" },
		{ "", "other" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_string_equal(sql_dialect_of_product(names[i][0])->name,
				    names[i][1]);
}

static void test_names(void **state)
{
	size_t i;

	(void)state;
	assert_name("sqlserver", "mail", "[mail]");
	assert_name("mysql", "mail", "`mail`");
	assert_name("sqlite", "mail", "\"mail\"");
	assert_name("oracle", "Größe", "\"Größe\"");
	assert_name("sqlserver", "a] FROM t; DROP TABLE t --",
		    "[a]] FROM t; DROP TABLE t --]");
	assert_name("mysql", "a` = 1; DROP TABLE t; -- ",
		    "`a`` = 1; DROP TABLE t; -- `");
	assert_name("db2", "a\" = '' OR \"b", "\"a\"\" = '' OR \"\"b\"");
	assert_name("mysql", "\\`", "`\\```");
	assert_name("oracle", "", "\"\"");
	/* in every dialect it stays one name: what closes is doubled */
	for (i = 0; sql_dialects[i]; i++) {
		const struct sql_dialect *dialect = sql_dialects[i];
		char expected[] = { dialect->quote_open,  'a',
				    dialect->quote_close, dialect->quote_close,
				    dialect->quote_close, 0 };
		char name[] = { 'a', dialect->quote_close, 0 };

		assert_name(dialect->name, name, expected);
	}
}

static void test_nul_is_no_name(void **state)
{
	struct strbuf sql = STRBUF_INIT(1000);

	(void)state;
	sql_add_name(&sql, find("mysql"), sv_make("a\0b", 3));
	assert_true(sql.overflow);
	strbuf_release(&sql);
}

static void test_tables(void **state)
{
	(void)state;
	assert_table("sqlserver", "people", "[people]");
	assert_table("sqlserver", "hr.dbo.people", "[hr].[dbo].[people]");
	assert_table("oracle", "HR.\"my.table\"", "\"HR\".\"my.table\"");
	assert_table("mysql", "\"a\"\"b\".c", "`a\"b`.`c`");
	assert_table("oracle", "\"a\"\"b\".c", "\"a\"\"b\".\"c\"");
	assert_table("db2", "\"never closed", "\"never closed\"");
	assert_table("db2", "\"a\"; DROP TABLE x", "\"a; DROP TABLE x\"");
	assert_table("mysql", "a`.`b; DROP TABLE x",
		     "`a```.```b; DROP TABLE x`");
	assert_table("db2", "a.", "\"a\".\"\"");
	assert_table("db2", "", "\"\"");
}

static void test_markers(void **state)
{
	struct strbuf sql = STRBUF_INIT(1000);

	(void)state;
	sql_add_marker(&sql, &sql_postgresql, 12);
	sql_add_marker(&sql, find("oracle"), 12);
	assert_string_equal(strbuf_cstr(&sql), "$12?");
	strbuf_release(&sql);
}

static void test_statements(void **state)
{
	struct strbuf sql = STRBUF_INIT(1000);

	(void)state;
	sql_add_statement(&sql, find("mysql")->lock_timeout, 30);
	assert_string_equal(strbuf_cstr(&sql),
			    "SET SESSION innodb_lock_wait_timeout = 30, "
			    "SESSION lock_wait_timeout = 30, SESSION sql_mode "
			    "= CONCAT(@@SESSION.sql_mode, "
			    "',STRICT_ALL_TABLES')");
	strbuf_reset(&sql);
	sql_add_statement(&sql, find("sqlserver")->lock_timeout, 5);
	assert_string_equal(strbuf_cstr(&sql),
			    "SET NOCOUNT OFF SET LOCK_TIMEOUT 5000");
	strbuf_release(&sql);
}

static void test_failures(void **state)
{
	static const struct {
		const char *dialect;
		const char *state;
		int native;
		const char *text;
		enum sql_failure_kind kind;
	} rows[] = {
		{ "sqlserver", "23000", 2627, "", SQL_FAILURE_UNIQUE },
		{ "sqlserver", "23000", 547,
		  "conflicted with the FOREIGN KEY constraint",
		  SQL_FAILURE_REFERENCE },
		{ "sqlserver", "23000", 547,
		  "conflicted with the CHECK constraint", SQL_FAILURE_CHECK },
		{ "sqlserver", "42000", 50001, "", SQL_FAILURE_CHECK },
		{ "sqlserver", "22001", 8152, "", SQL_FAILURE_LENGTH },
		{ "sqlserver", "HYT00", 1222, "", SQL_FAILURE_LOCKED },
		{ "sqlserver", "08S01", 20009, "", SQL_FAILURE_LOST },
		{ "oracle", "23000", 1, "", SQL_FAILURE_UNIQUE },
		{ "oracle", "HY000", 20123, "", SQL_FAILURE_CHECK },
		{ "oracle", "HY000", 3113, "", SQL_FAILURE_LOST },
		{ "oracle", "HY000", 12541, "", SQL_FAILURE_LOST },
		{ "oracle", "HY000", 1858, "", SQL_FAILURE_VALUE },
		{ "db2", "23503", -530, "", SQL_FAILURE_REFERENCE },
		{ "db2", "40001", -911, "", SQL_FAILURE_DEADLOCK },
		{ "db2", "22001", -302, "", SQL_FAILURE_LENGTH },
		{ "informix", "23000", -268, "", SQL_FAILURE_UNIQUE },
		{ "informix", "23000", -530, "", SQL_FAILURE_CHECK },
		{ "mysql", "23000", 1062, "", SQL_FAILURE_UNIQUE },
		{ "mysql", "23000", 1452, "", SQL_FAILURE_REFERENCE },
		{ "mysql", "HY000", 1366, "", SQL_FAILURE_VALUE },
		{ "mysql", "HY000", 2013, "", SQL_FAILURE_LOST },
		{ "mysql", "40001", 1213, "", SQL_FAILURE_DEADLOCK },
		{ "mysql", "45000", 1644, "", SQL_FAILURE_CHECK },
		{ "sqlite", "HY000", 19, "UNIQUE constraint failed: p.id",
		  SQL_FAILURE_UNIQUE },
		{ "sqlite", "HY000", 19, "FOREIGN KEY constraint failed",
		  SQL_FAILURE_REFERENCE },
		{ "sqlite", "HY000", 1, "no such table: p",
		  SQL_FAILURE_MISSING },
		{ "sqlite", "HY000", 5, "database is locked",
		  SQL_FAILURE_LOCKED },
		{ "firebird", "HY000", 335544721, "", SQL_FAILURE_LOST },
		{ "firebird", "HY000", 335544321,
		  "arithmetic exception, numeric overflow, or string "
		  "truncation",
		  SQL_FAILURE_LENGTH },
		{ "postgresql", "23505", 7, "", SQL_FAILURE_UNIQUE },
		{ "postgresql", "23514", 7, "", SQL_FAILURE_CHECK },
		{ "postgresql", "40P01", 0, "", SQL_FAILURE_DEADLOCK },
		{ "postgresql", "57P01", 0, "", SQL_FAILURE_LOST },
		{ "postgresql", "22P02", 0, "", SQL_FAILURE_VALUE },
		{ "postgresql", "42P01", 0, "", SQL_FAILURE_MISSING },
		{ "other", "08S01", 0, "", SQL_FAILURE_LOST },
		{ "other", "22001", 0, "", SQL_FAILURE_LENGTH },
		{ "other", "28000", 0, "", SQL_FAILURE_DENIED },
		{ "other", "40001", 0, "", SQL_FAILURE_DEADLOCK },
		{ "other", "HYT00", 0, "", SQL_FAILURE_LOCKED },
		{ "other", "42S02", 0, "", SQL_FAILURE_MISSING },
		{ "other", "42000", 0, "", SQL_FAILURE_OTHER },
		{ "other", "", 0, "", SQL_FAILURE_OTHER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (sql_failure_told(find(rows[i].dialect), rows[i].state,
				     rows[i].native,
				     rows[i].text) != rows[i].kind)
			fail_msg("row %zu: %s %s %d", i, rows[i].dialect,
				 rows[i].state, rows[i].native);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nul_is_no_name),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_markers),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
