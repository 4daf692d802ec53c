/*
 * test_sqlite_driver.c - the driver over unixODBC, with SQLite's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance.h"
#include "scratch.h"
#include "sql_driver_suite.h"
#include "sql_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static struct scratch scratch;

static struct node *text(const char *value)
{
	return conformance_text(&scratch.arena, value);
}

static struct sql_link *open_file(const char *name, struct error *err)
{
	struct sql_place place = {
		.folder = scratch.folder,
		.connect = conformance_map(&scratch.arena, "driver",
					   text("SQLite3"), "database",
					   text(name), NULL),
	};
	struct sql_link *link = NULL;

	(void)sql_odbc.open(&place, &link, err);
	return link;
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct sql_place place = {
		.folder = scratch.folder,
		.connect = conformance_map(&scratch.arena, "driver",
					   text("No such driver"), NULL),
	};
	struct error err = ERROR_INIT;
	struct sql_link *link = NULL;

	(void)state;
	assert_int_equal(sql_odbc.open(&place, &link, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "odbcinst"));
	assert_null(open_file("nowhere/people.db", &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "people.db"));
	place.connect = conformance_map(
		&scratch.arena, "driver", text("SQLite3"), "options",
		conformance_list(&scratch.arena, text("Timeout=1"),
				 text("x;PWD=y"), NULL),
		NULL);
	assert_int_equal(sql_odbc.open(&place, &link, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(strstr(err.msg, "y"));
}

static void run(struct sql_link *link, const char *sql)
{
	struct sql_run one = { .sql = sql };
	struct arena arena = ARENA_INIT;
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed;

	if (sql_odbc.execute(link, &one, 1, &arena, &failed, &failure, &err) !=
	    1)
		fail_msg("%s: %s", sql, err.msg);
	arena_release(&arena);
}

/* In SQLite a value has a type of its own, whatever its column says. */
static void odd_values_are_told(void **state)
{
	static const struct {
		const char *type;
		const char *value;
		const char *text;
		size_t broken;
	} odd[] = {
		{ "date", "'2026-11-22'", "2026-11-22", 0 },
		{ "date", "'22.11.2026'", "22.11.2026", 1 },
		{ "date", "'2026-11-22 00:00:00'", "2026-11-22", 0 },
		{ "date", "'2026-11-22 01:00:00'", "2026-11-22 01:00:00", 1 },
		{ "timestamp", "'2026-11-22 08:15:00.50'",
		  "2026-11-22T08:15:00.5", 0 },
		{ "timestamp", "'2026-11-22T08:15'", "2026-11-22T08:15:00", 0 },
		{ "timestamp", "'2026-11-22T00:15:00+01:00'",
		  "2026-11-21T23:15:00Z", 0 },
		{ "timestamp", "'2026-13-22 08:15:00'", "2026-13-22 08:15:00",
		  1 },
		{ "time", "'08:15'", "08:15:00", 0 },
		{ "time", "'25:15'", "25:15", 1 },
		{ "integer", "'many'", "many", 1 },
		{ "integer", "7", "7", 0 },
		{ "numeric(10,2)", "'0,50'", "0.50", 0 },
		{ "numeric(10,2)", "'half'", "half", 1 },
		{ "double", "1e100", "1e+100", 0 },
		{ "boolean", "1", "true", 0 },
		{ "boolean", "'perhaps'", "perhaps", 1 },
		{ "varchar(3)", "'longer than three'", "longer than three", 0 },
		{ "text", "'a'", "a", 0 },
		{ "varchar(40)", "CAST(x'fc' AS TEXT)", "\xfc", 1 },
	};
	struct error err = ERROR_INIT;
	struct sql_link *link = open_file("odd.db", &err);
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	size_t i;

	(void)state;
	assert_non_null(link);
	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		run(link,
		    arena_printf(&scratch.arena, "CREATE TABLE odd%zu (v %s)",
				 i, odd[i].type));
		run(link, arena_printf(&scratch.arena,
				       "INSERT INTO odd%zu VALUES (%s)", i,
				       odd[i].value));
		assert_int_equal(
			sql_odbc.query(link,
				       arena_printf(&scratch.arena,
						    "SELECT v FROM odd%zu", i),
				       NULL, 0, &rows, NULL, &err),
			0);
		assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
		if (!sv_eq_str(row[0], odd[i].text) || broken != odd[i].broken)
			fail_msg("%s %s: " SV_FMT " %zu", odd[i].type,
				 odd[i].value, SV_ARG(row[0]), broken);
		sql_odbc.rows_close(rows);
	}
	sql_odbc.close(link);
}

static void long_values_are_whole(void **state)
{
	static char big[100001];
	struct error err = ERROR_INIT;
	struct sql_link *link = open_file("long.db", &err);
	struct sql_param param = { .value = { big, sizeof(big) - 1 } };
	struct sql_run one = { .sql = "INSERT INTO t VALUES (?, ?)",
			       .params = &param,
			       .param_count = 1 };
	struct arena arena = ARENA_INIT;
	struct sql_failure failure;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	size_t i;

	(void)state;
	assert_non_null(link);
	for (i = 0; i + 2 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xbc", 2);
	run(link, "CREATE TABLE t (a varchar(10))");
	one.sql = "INSERT INTO t VALUES (?)";
	assert_int_equal(
		sql_odbc.execute(link, &one, 1, &arena, &i, &failure, &err), 1);
	assert_int_equal(sql_odbc.query(link, "SELECT a FROM t", NULL, 0, &rows,
					NULL, &err),
			 0);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	assert_int_equal(broken, 0);
	assert_true(sv_eq(row[0], param.value));
	sql_odbc.rows_close(rows);
	arena_release(&arena);
	sql_odbc.close(link);
}

static struct node *reach(struct sql_target *target)
{
	(void)target;
	return conformance_map(&scratch.arena, "driver", text("SQLite3"),
			       "database", text("target.db"), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_opened_is_told),
		cmocka_unit_test(odd_values_are_told),
		cmocka_unit_test(long_values_are_whole),
	};
	struct sql_driver_suite suite = {
		.driver = &sql_odbc,
		.text = "varchar(40)",
		.integer = "integer",
		.bigint = "bigint",
		.real = "double",
		.boolean = "boolean",
		.date = "date",
		.time = "time",
		.local = "timestamp",
		.bytes = "blob",
		.serial = "integer PRIMARY KEY",
		.lax_length = true,
		.lax_locks = true,
	};
	struct sql_target target = { .arena = &scratch.arena,
				     .folder = scratch.folder,
				     .reach = reach };
	int failed;

	/* A file that is not there is not made. */
	if (scratch_make(&scratch) < 0 ||
	    scratch_put(&scratch, "suite.db", "w", SV_LIT("")) < 0 ||
	    scratch_put(&scratch, "target.db", "w", SV_LIT("")) < 0 ||
	    scratch_put(&scratch, "odd.db", "w", SV_LIT("")) < 0 ||
	    scratch_put(&scratch, "long.db", "w", SV_LIT("")) < 0)
		return 1;
	suite.place = (struct sql_place){
		.folder = scratch.folder,
		.connect = conformance_map(
			&scratch.arena, "driver", text("SQLite3"), "database",
			text("suite.db"), "lock_timeout", text("1"), NULL),
	};
	failed = sql_driver_suite_run(&suite);
	failed +=
		cmocka_run_group_tests_name("SQLite alone", tests, NULL, NULL);
	failed += sql_target_run(&target);
	scratch_remove(&scratch);
	return failed;
}
