/*
 * test_mariadb_driver.c - the driver over unixODBC, with MariaDB's
 *
 * Started by tools/mariadb.py, which gives the port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance.h"
#include "sql_driver_suite.h"
#include "sql_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static struct arena arena;
static struct secret password;

static struct node *text(const char *value)
{
	return conformance_text(&arena, value);
}

static struct node *connect_with(const char *key, const char *value)
{
	return conformance_map(&arena, "driver", text("MariaDB Unicode"),
			       "server", text("127.0.0.1"), "port",
			       text(getenv("CONJOIN_MARIADB_PORT")), "database",
			       text(getenv("CONJOIN_MARIADB_DATABASE")), "user",
			       text("conjoin"), key, text(value), "ca_file",
			       text(getenv("CONJOIN_MARIADB_CA")), NULL);
}

static struct node *with_ca(void)
{
	return connect_with("timeout", "60");
}

static struct sql_link *try_open(struct node *connect, struct secret *secret,
				 struct error *err)
{
	struct sql_place place = { .folder = "/",
				   .password = secret,
				   .connect = connect };
	struct sql_link *link = NULL;

	(void)sql_odbc.open(&place, &link, err);
	return link;
}

static struct sql_link *open_link(void)
{
	struct error err = ERROR_INIT;
	struct sql_link *link = try_open(with_ca(), &password, &err);

	if (!link)
		fail_msg("%s", err.msg);
	return link;
}

static void who_is_not_let_in_is_told_so(void **state)
{
	struct secret wrong = SECRET_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	secret_set(&wrong, SV_LIT("not-this;one"));
	assert_null(try_open(with_ca(), &wrong, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_null(strstr(err.msg, "not-this"));
	assert_null(try_open(conformance_map(&arena, "driver",
					     text("MariaDB Unicode"), "server",
					     text("127.0.0.71"), "port",
					     text("1"), NULL),
			     &password, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "127.0.0.71:1"));
	secret_release(&wrong);
}

static void a_stranger_is_not_spoken_to(void **state)
{
	struct error err = ERROR_INIT;
	struct sql_link *link;

	(void)state;
	/* by the system's authorities it is one */
	assert_null(try_open(
		connect_with("ca_file", "/etc/ssl/certs/ca-certificates.crt"),
		&password, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	link = try_open(connect_with("security", "none"), &password, &err);
	assert_non_null(link);
	sql_odbc.close(link);
}

/* ---- statements ---- */

static int run(struct sql_link *link, const char *sql,
	       struct sql_failure *failure)
{
	struct sql_run one = { .sql = sql };
	struct error err = ERROR_INIT;
	size_t failed;

	return sql_odbc.execute(link, &one, 1, &arena, &failed, failure, &err);
}

static void must_run(struct sql_link *link, const char *sql)
{
	struct sql_failure failure;

	if (run(link, sql, &failure) != 1)
		fail_msg("%s: %s", sql, failure.text);
}

static const char *ask(struct sql_link *link, const char *sql)
{
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	const char *out = "(none)";
	size_t broken;

	if (sql_odbc.query(link, sql, NULL, 0, &rows, NULL, &err) < 0)
		fail_msg("%s: %s", sql, err.msg);
	if (sql_odbc.fetch(rows, &row, &broken, &err) > 0)
		out = arena_cstr(&arena, row[0]);
	sql_odbc.rows_close(rows);
	return out;
}

/* Sets of a statement that goes out together. */
static int run_sets(struct sql_link *link, const char *sql,
		    const char *const *ids, size_t count, struct sql_run *runs,
		    size_t *failed)
{
	static struct sql_column id = { .name = "id",
					.kind = SQL_COLUMN_INTEGER,
					.native = 4,
					.size = 10 };
	struct sql_param *params = arena_array(&arena, count, sizeof(*params));
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		params[i] = (struct sql_param){ sv_from(ids[i]), &id };
		runs[i] = (struct sql_run){ .sql = sql,
					    .params = &params[i],
					    .param_count = 1,
					    .one = true };
	}
	assert_int_equal(sql_odbc.begin(link, false, &err), 0);
	ret = sql_odbc.execute(link, runs, count, &arena, failed, &failure,
			       &err);
	assert_int_equal(sql_odbc.commit(link, &err), 0);
	return ret;
}

static void what_went_together_is_counted_together(void **state)
{
	static const char *const ids[] = { "1", "2", "3" };
	static const char *const more[] = { "1", "9", "3" };
	static const char *const twice[] = { "7", "8", "7" };
	static const char update[] = "UPDATE sets SET n = n WHERE id = ?";
	struct sql_link *link = open_link();
	struct sql_run runs[3];
	size_t failed = 0;

	(void)state;
	must_run(link, "CREATE TABLE sets (id int PRIMARY KEY, n int)");
	assert_int_equal(run_sets(link, "INSERT INTO sets (id) VALUES (?)", ids,
				  3, runs, &failed),
			 1);
	assert_int_equal(runs[0].rows + runs[1].rows + runs[2].rows, 3);
	/* a row that is as it is to be was found all the same */
	assert_int_equal(run_sets(link, update, ids, 3, runs, &failed), 1);
	assert_int_equal(runs[1].rows, 1);
	/* which one was not there cannot be told: so none is said to be */
	assert_int_equal(run_sets(link, update, more, 3, runs, &failed), 1);
	assert_int_equal(runs[0].rows + runs[1].rows + runs[2].rows, 0);
	assert_int_equal(run_sets(link, "INSERT INTO sets (id) VALUES (?)",
				  twice, 3, runs, &failed),
			 0);
	assert_true(failed < 3);
	sql_odbc.close(link);
}

static void a_generated_key_is_told(void **state)
{
	struct sql_run runs[] = {
		{ .sql = "INSERT INTO made (n) VALUES (5)" },
		{ .sql = "SELECT LAST_INSERT_ID()" },
	};
	struct sql_link *link = open_link();
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	struct sql_table table;
	size_t failed;

	(void)state;
	must_run(link, "CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, "
		       "n int, m int AS (n * 2) STORED, u uuid, b bit(1), "
		       "j json, big bigint unsigned)");
	assert_int_equal(sql_odbc.execute(link, runs, 2, &arena, &failed,
					  &failure, &err),
			 1);
	assert_int_equal(runs[0].rows, 1);
	assert_int_equal(runs[1].value_count, 1);
	assert_true(sv_eq_str(runs[1].values[0], "1"));
	assert_int_equal(
		sql_odbc.describe(link, NULL, "MADE", &arena, &table, &err), 1);
	assert_true(table.columns[0].generated && table.columns[2].generated);
	assert_false(table.columns[1].generated);
	assert_int_equal(table.columns[3].kind, SQL_COLUMN_CHAR);
	assert_int_equal(table.columns[4].kind, SQL_COLUMN_BOOLEAN);
	assert_int_equal(table.columns[5].kind, SQL_COLUMN_TEXT);
	assert_int_equal(table.columns[6].kind, SQL_COLUMN_DECIMAL);
	must_run(link, "UPDATE made SET big = 18446744073709551615");
	assert_string_equal(ask(link, "SELECT big FROM made"),
			    "18446744073709551615");
	sql_odbc.close(link);
}

static void encodings_are_the_servers_matter(void **state)
{
	struct sql_column column = {
		.name = "v", .kind = SQL_COLUMN_TEXT, .native = 12, .size = 40
	};
	struct sql_param param = { SV_LIT("J\xC3\xBCrgen"), &column };
	struct sql_run one = { .sql = "INSERT INTO latin VALUES (?)",
			       .params = &param,
			       .param_count = 1 };
	struct sql_link *link = open_link();
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed;

	(void)state;
	must_run(link, "CREATE TABLE latin (v varchar(40) CHARACTER SET "
		       "latin1)");
	assert_int_equal(sql_odbc.execute(link, &one, 1, &arena, &failed,
					  &failure, &err),
			 1);
	assert_string_equal(ask(link, "SELECT v FROM latin"), "J\xC3\xBCrgen");
	assert_string_equal(ask(link, "SELECT HEX(v) FROM latin"),
			    "4AFC7267656E");
	/* a letter that the column cannot hold is not written as another */
	param.value = SV_LIT("\xE9\x87\x8E");
	assert_int_equal(sql_odbc.execute(link, &one, 1, &arena, &failed,
					  &failure, &err),
			 0);
	assert_int_equal(failure.kind, SQL_FAILURE_VALUE);
	sql_odbc.close(link);
}

static void long_columns_come_whole(void **state)
{
	struct sql_link *link = open_link();
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;

	(void)state;
	must_run(link, "CREATE TABLE longs (id int, t mediumtext, n int, "
		       "s varchar(10))");
	must_run(link, "INSERT INTO longs VALUES (1, REPEAT('ü', 100000), 7, "
		       "'x'), (2, NULL, NULL, 'y'), (3, '', 8, '')");
	assert_int_equal(sql_odbc.query(link, "SELECT * FROM longs ORDER BY id",
					NULL, 0, &rows, NULL, &err),
			 0);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	assert_int_equal(row[1].len, 200000);
	assert_true(sv_eq_str(row[2], "7") && sv_eq_str(row[3], "x"));
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	assert_true(!row[1].ptr && !row[2].ptr && sv_eq_str(row[3], "y"));
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	assert_true(row[1].ptr && !row[1].len && row[3].ptr && !row[3].len);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 0);
	sql_odbc.rows_close(rows);
	sql_odbc.close(link);
}

static void a_day_that_is_none_is_told(void **state)
{
	struct sql_link *link = open_link();
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;

	(void)state;
	must_run(link, "SET SESSION sql_mode = ''");
	must_run(link, "CREATE TABLE days (d date)");
	must_run(link, "INSERT INTO days VALUES ('0000-00-00'), "
		       "('2026-11-22')");
	assert_int_equal(sql_odbc.query(link, "SELECT d FROM days ORDER BY d",
					NULL, 0, &rows, NULL, &err),
			 0);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	if (row[0].ptr)
		assert_int_equal(broken, 1);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	assert_int_equal(broken, 0);
	assert_true(sv_eq_str(row[0], "2026-11-22"));
	sql_odbc.rows_close(rows);
	sql_odbc.close(link);
}

/* ---- the connection goes ---- */

static void kill_link(struct sql_link *other, const char *id)
{
	must_run(other, arena_printf(&arena, "KILL %s", id));
}

static void a_lost_connection_is_told(void **state)
{
	struct sql_link *link = open_link();
	struct sql_link *other = open_link();
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	const char *id = ask(link, "SELECT CONNECTION_ID()");
	size_t broken;
	int count = 1;
	int ret;

	(void)state;
	assert_int_equal(sql_odbc.query(link, "SELECT seq FROM seq_1_to_300000",
					NULL, 0, &rows, NULL, &err),
			 0);
	assert_int_equal(sql_odbc.fetch(rows, &row, &broken, &err), 1);
	kill_link(other, id);
	while ((ret = sql_odbc.fetch(rows, &row, &broken, &err)) > 0)
		count++;
	/* An end is told only of what was read to it: some versions of the
	 * driver have all of it in memory by now. */
	if (ret < 0)
		assert_int_equal(err.code, ERR_UNAVAILABLE);
	else
		assert_int_equal(count, 300000);
	sql_odbc.rows_close(rows);
	ret = run(link, "SELECT 1", &failure);
	if (ret != -1)
		fail_msg("%d %s %d %s", ret, failure.state, failure.native,
			 failure.text);
	assert_int_equal(failure.kind, SQL_FAILURE_LOST);
	sql_odbc.close(link);
	link = open_link();
	id = ask(link, "SELECT CONNECTION_ID()");
	assert_int_equal(sql_odbc.begin(link, false, &err), 0);
	must_run(link, "CREATE TABLE IF NOT EXISTS lost (a int)");
	must_run(link, "INSERT INTO lost VALUES (1)");
	kill_link(other, id);
	assert_int_equal(sql_odbc.commit(link, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	sql_odbc.close(link);
	assert_string_equal(ask(other, "SELECT COUNT(*) FROM lost"), "0");
	sql_odbc.close(other);
}

static struct node *reach(struct sql_target *target)
{
	(void)target;
	return with_ca();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_let_in_is_told_so),
		cmocka_unit_test(a_stranger_is_not_spoken_to),
		cmocka_unit_test(what_went_together_is_counted_together),
		cmocka_unit_test(a_generated_key_is_told),
		cmocka_unit_test(encodings_are_the_servers_matter),
		cmocka_unit_test(long_columns_come_whole),
		cmocka_unit_test(a_day_that_is_none_is_told),
		cmocka_unit_test(a_lost_connection_is_told),
	};
	struct sql_driver_suite suite = {
		.driver = &sql_odbc,
		.text = "varchar(40)",
		.chars = "char(6)",
		.integer = "integer",
		.bigint = "bigint",
		.decimal = "decimal(12,2)",
		.real = "double",
		.boolean = "bit(1)",
		.date = "date",
		.time = "time",
		.local = "datetime(6)",
		.bytes = "varbinary(300)",
		.serial = "integer AUTO_INCREMENT PRIMARY KEY",
	};
	struct sql_target target = { .arena = &arena,
				     .folder = "/",
				     .reach = reach,
				     .password = &password };
	int failed;

	if (!getenv("CONJOIN_MARIADB_PORT"))
		return 1;
	/* what would have to be quoted, and what must not be */
	secret_set(&password, SV_LIT("Secret;of}tests{"));
	suite.place = (struct sql_place){ .folder = "/",
					  .password = &password,
					  .connect = with_ca() };
	suite.impatient = suite.place;
	suite.impatient.connect = connect_with("lock_timeout", "1");
	failed = sql_driver_suite_run(&suite);
	failed +=
		cmocka_run_group_tests_name("MariaDB alone", tests, NULL, NULL);
	failed += sql_target_run(&target);
	secret_release(&password);
	arena_release(&arena);
	return failed;
}
