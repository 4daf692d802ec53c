/*
 * test_postgresql_driver.c - the driver over libpq, against a server
 *
 * Started by tools/pgserver.py, which gives the address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "postgresql.h"
#include "sql_driver_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static struct postgresql pg;

static int open_with(struct sql_place place, struct node *connect,
		     struct error *err)
{
	struct sql_link *link = NULL;
	int ret;

	place.connect = connect;
	ret = sql_libpq.open(&place, &link, err);
	sql_libpq.close(link);
	return ret;
}

static void who_is_not_let_in_is_told_so(void **state)
{
	struct sql_place place = { .folder = "/", .password = &pg.wrong };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(open_with(place, postgresql_connect(&pg, NULL), &err),
			 -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_null(strstr(err.msg, "not-this-one"));
	place.password = &pg.password;
	assert_int_equal(
		open_with(place,
			  postgresql_connect(&pg, "database", "nowhere", NULL),
			  &err),
		-1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "nowhere"));
}

static void who_is_not_there_is_told_so(void **state)
{
	struct sql_place place = { .folder = "/", .password = &pg.password };
	struct error err = ERROR_INIT;
	struct node *list;

	(void)state;
	assert_int_equal(open_with(place,
				   postgresql_connect(&pg, "server",
						      "127.0.0.61:1", NULL),
				   &err),
			 -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "127.0.0.61:1"));
	/* TLS that the server does not have is not left out */
	assert_int_equal(open_with(place,
				   postgresql_connect(&pg, "server",
						      postgresql_host(&pg),
						      "security", "tls", NULL),
				   &err),
			 -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	/* of several the first that is there */
	list = postgresql_servers(&pg, "127.0.0.61:1", postgresql_host(&pg));
	assert_int_equal(open_with(place, list, &err), 0);
	list = postgresql_servers(&pg, "127.0.0.61:1", "127.0.0.62:1");
	assert_int_equal(open_with(place, list, &err), -1);
	assert_non_null(strstr(err.msg, "127.0.0.61:1"));
	assert_non_null(strstr(err.msg, "127.0.0.62:1"));
}

static struct sql_link *link_to(struct node *connect)
{
	struct sql_place place = { .folder = "/",
				   .password = &pg.password,
				   .connect = connect };
	struct error err = ERROR_INIT;
	struct sql_link *link = NULL;

	if (sql_libpq.open(&place, &link, &err) < 0)
		fail_msg("%s", err.msg);
	return link;
}

static int run(struct sql_link *link, const char *sql,
	       struct sql_failure *failure, struct error *err)
{
	struct sql_run one = { .sql = sql };
	struct arena arena = ARENA_INIT;
	size_t failed;
	int ret;

	ret = sql_libpq.execute(link, &one, 1, &arena, &failed, failure, err);
	arena_release(&arena);
	return ret;
}

static void a_notice_wakes(void **state)
{
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct sql_link *other = link_to(postgresql_connect(&pg, NULL));
	struct sql_failure failure;

	(void)state;
	assert_int_equal(sql_libpq.wait(link, "People\"s", 0, NULL), 0);
	assert_int_equal(run(other, "NOTIFY \"People\"\"s\"", &failure, NULL),
			 1);
	assert_int_equal(sql_libpq.wait(link, "People\"s", 5000, NULL), 1);
	assert_int_equal(sql_libpq.wait(link, "People\"s", 0, NULL), 0);
	sql_libpq.close(link);
	sql_libpq.close(other);
}

static void what_takes_too_long_is_cancelled(void **state)
{
	struct sql_link *link =
		link_to(postgresql_connect(&pg, "timeout", "1", NULL));
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	(void)state;
	assert_int_equal(run(link, "SELECT pg_sleep(60)", &failure, &err), 0);
	assert_int_equal(failure.kind, SQL_FAILURE_LOCKED);
	assert_int_equal(sql_libpq.query(link, "SELECT pg_sleep(60)", NULL, 0,
					 &rows, &failure, &err),
			 -1);
	assert_int_equal(failure.kind, SQL_FAILURE_LOCKED);
	assert_int_equal(run(link, "SELECT 1", &failure, &err), 1);
	/* between two lines of COPY */
	assert_int_equal(sql_libpq.begin(link, true, &err), 0);
	assert_int_equal(
		sql_libpq.query(link,
				"SELECT CASE n WHEN 3 THEN pg_sleep(60)::text "
				"ELSE repeat('x', 100000) END "
				"FROM generate_series(1, 3) n",
				NULL, 0, &rows, &failure, &err),
		0);
	do
		ret = sql_libpq.fetch(rows, &row, &broken, &err);
	while (ret > 0);
	assert_int_equal(ret, -1);
	assert_non_null(strstr(err.msg, "cancel"));
	sql_libpq.rows_close(rows);
	assert_int_equal(sql_libpq.rollback(link, &err), 0);
	assert_int_equal(run(link, "SELECT 1", &failure, &err), 1);
	sql_libpq.close(link);
}

/* In the middle of a query, in a transaction that only reads or in none. */
static void is_lost_while_reading(bool snapshot, const char *end)
{
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct sql_link *other = link_to(postgresql_connect(&pg, NULL));
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (snapshot)
		assert_int_equal(sql_libpq.begin(link, true, &err), 0);
	assert_int_equal(sql_libpq.query(link,
					 "SELECT * FROM generate_series(1, "
					 "10000000)",
					 NULL, 0, &rows, NULL, &err),
			 0);
	assert_int_equal(sql_libpq.fetch(rows, &row, &broken, &err), 1);
	assert_int_equal(run(other, end, &failure, &err), 1);
	do
		ret = sql_libpq.fetch(rows, &row, &broken, &err);
	while (ret > 0);
	assert_int_equal(ret, -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	sql_libpq.rows_close(rows);
	assert_int_equal(sql_libpq.begin(link, false, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(run(link, "SELECT 1", &failure, &err), -1);
	assert_int_equal(failure.kind, SQL_FAILURE_LOST);
	sql_libpq.close(link);
	sql_libpq.close(other);
}

static void a_lost_connection_is_told(void **state)
{
	static const char end[] =
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		"WHERE pid <> pg_backend_pid() AND application_name = "
		"'conjoin'";
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct sql_link *other = link_to(postgresql_connect(&pg, NULL));
	struct sql_failure failure;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sql_libpq.begin(link, false, &err), 0);
	assert_int_equal(run(other, end, &failure, &err), 1);
	assert_int_equal(sql_libpq.commit(link, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	sql_libpq.close(link);
	sql_libpq.close(other);
	is_lost_while_reading(false, end);
	is_lost_while_reading(true, end);
}

static void what_failed_is_not_committed(void **state)
{
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct sql_failure failure;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sql_libpq.begin(link, false, &err), 0);
	assert_int_equal(run(link, "SELECT 1 / 0", &failure, &err), 0);
	assert_int_equal(sql_libpq.commit(link, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	/* a constraint that is checked at the end */
	assert_int_equal(run(link,
			     "CREATE TEMP TABLE late (a int UNIQUE DEFERRABLE "
			     "INITIALLY DEFERRED)",
			     &failure, &err),
			 1);
	assert_int_equal(sql_libpq.begin(link, false, &err), 0);
	assert_int_equal(
		run(link, "INSERT INTO late VALUES (1), (1)", &failure, &err),
		1);
	assert_int_equal(sql_libpq.commit(link, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(run(link, "SELECT 1", &failure, &err), 1);
	sql_libpq.close(link);
}

static void odd_values_are_told(void **state)
{
	static const struct {
		const char *sql;
		const char *text;
		bool broken;
	} odd[] = {
		{ "SELECT timestamp 'infinity'", "infinity", true },
		{ "SELECT date '0044-03-15 BC'", "0044-03-15 BC", true },
		{ "SELECT timestamptz '12026-01-01'", "12026-01-01 00:00:00+00",
		  true },
		{ "SELECT numeric 'NaN'", "NaN", false },
		{ "SELECT ARRAY['a', 'b c']", "{a,\"b c\"}", false },
		{ "SELECT true", "true", false },
		{ "SELECT 0.1::float8", "0.1", false },
		{ "SELECT interval '1 day'", "1 day", false },
		{ "SELECT ''", "", false },
		{ "SELECT E'\\\\N'", "\\N", false },
		{ "SELECT E'\\t\\n\\r\\b\\f\\x0b\\x01'", "\t\n\r\b\f\v\x01",
		  false },
		{ "SELECT E'\\\\t\\\\\\\\\\n\\\\'", "\\t\\\\\n\\", false },
		{ "SELECT E'a\\\\b', 'behind'", "a\\b", false },
		{ "select\n'it ends' -- with a comment", "it ends", false },
		{ "SELECT ';'", ";", false },
		{ "SELECT 1;", "1", false },
		{ "VALUES (1)", "1", false },
	};
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	size_t count = sizeof(odd) / sizeof(*odd);
	size_t broken;
	size_t i;

	(void)state;
	/* each as a result, and as a line of COPY */
	for (i = 0; i < 2 * count; i++) {
		const char *sql = odd[i % count].sql;

		if (i == count)
			assert_int_equal(sql_libpq.begin(link, true, &err), 0);
		assert_int_equal(
			sql_libpq.query(link, sql, NULL, 0, &rows, NULL, &err),
			0);
		assert_int_equal(sql_libpq.fetch(rows, &row, &broken, &err), 1);
		if (!sv_eq_str(row[0], odd[i % count].text))
			fail_msg("%s: " SV_FMT, sql, SV_ARG(row[0]));
		assert_int_equal(broken, odd[i % count].broken);
		assert_int_equal(sql_libpq.fetch(rows, &row, &broken, &err), 0);
		sql_libpq.rows_close(rows);
	}
	assert_int_equal(sql_libpq.commit(link, &err), 0);
	sql_libpq.close(link);
}

/* What COPY meets in the middle is as what a query does. */
static void a_query_may_fail_in_the_middle(void **state)
{
	static const char sql[] = "SELECT n, 10 / (n - 5000), NULL "
				  "FROM generate_series(1, 9999) n";
	struct sql_link *link = link_to(postgresql_connect(&pg, NULL));
	struct error err = ERROR_INIT;
	struct sql_failure failure;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int count = 0;
	int ret;

	(void)state;
	assert_int_equal(sql_libpq.begin(link, true, &err), 0);
	assert_int_equal(
		sql_libpq.query(link, sql, NULL, 0, &rows, &failure, &err), 0);
	while ((ret = sql_libpq.fetch(rows, &row, &broken, &err)) > 0) {
		assert_null(row[2].ptr);
		count++;
	}
	assert_int_equal(count, 4999);
	assert_int_equal(ret, -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "division by zero"));
	sql_libpq.rows_close(rows);
	assert_int_equal(sql_libpq.rollback(link, &err), 0);
	/* left unread, the snapshot goes on */
	assert_int_equal(sql_libpq.begin(link, true, &err), 0);
	assert_int_equal(sql_libpq.query(link,
					 "SELECT generate_series(1, 999999)",
					 NULL, 0, &rows, &failure, &err),
			 0);
	assert_int_equal(sql_libpq.fetch(rows, &row, &broken, &err), 1);
	sql_libpq.rows_close(rows);
	assert_int_equal(sql_libpq.query(link, "SELECT 1 FROM nowhere", NULL, 0,
					 &rows, &failure, &err),
			 -1);
	assert_int_equal(failure.kind, SQL_FAILURE_MISSING);
	assert_int_equal(sql_libpq.rollback(link, &err), 0);
	assert_int_equal(run(link, "SELECT 1", &failure, &err), 1);
	sql_libpq.close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_let_in_is_told_so),
		cmocka_unit_test(who_is_not_there_is_told_so),
		cmocka_unit_test(a_notice_wakes),
		cmocka_unit_test(what_takes_too_long_is_cancelled),
		cmocka_unit_test(a_lost_connection_is_told),
		cmocka_unit_test(what_failed_is_not_committed),
		cmocka_unit_test(odd_values_are_told),
		cmocka_unit_test(a_query_may_fail_in_the_middle),
	};
	struct sql_driver_suite suite = {
		.driver = &sql_libpq,
		.text = "varchar(40)",
		.chars = "char(6)",
		.integer = "integer",
		.bigint = "bigint",
		.decimal = "numeric(12,2)",
		.real = "double precision",
		.boolean = "boolean",
		.date = "date",
		.time = "time",
		.local = "timestamp",
		.moment = "timestamptz",
		.guid = "uuid",
		.bytes = "bytea",
		.serial = "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
	};
	int failed;

	if (postgresql_begin(&pg) < 0)
		return 1;
	suite.place =
		(struct sql_place){ .folder = "/",
				    .password = &pg.password,
				    .connect = postgresql_connect(&pg, NULL) };
	suite.impatient = suite.place;
	suite.impatient.connect =
		postgresql_connect(&pg, "lock_timeout", "1", NULL);
	failed = sql_driver_suite_run(&suite);
	failed += cmocka_run_group_tests_name("libpq alone", tests, NULL, NULL);
	postgresql_end(&pg);
	return failed;
}
