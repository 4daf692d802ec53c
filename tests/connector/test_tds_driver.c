/*
 * test_tds_driver.c - the driver over unixODBC, with FreeTDS
 *
 * Started by tools/tds.py, which gives the port of the stand-in for Microsoft
 * SQL Server: as SQL Server 7 (TDS 7.0), 2000 (7.1) and as the newest one
 * (7.4).
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

static struct node *connect_to(const char *version, const char *security,
			       const char *lock_timeout)
{
	return conformance_map(
		&arena, "driver", text("FreeTDS"), "server", text("127.0.0.1"),
		"port", text(getenv("CONJOIN_TDS_PORT")), "database",
		text("hr"), "user", text("conjoin"), "tds_version",
		text(version), "security", text(security), "lock_timeout",
		text(lock_timeout), NULL);
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

static struct sql_link *open_link(const char *version)
{
	struct error err = ERROR_INIT;
	struct sql_link *link =
		try_open(connect_to(version, "none", "1"), &password, &err);

	if (!link)
		fail_msg("%s", err.msg);
	return link;
}

/* ---- connections ---- */

static void it_is_sql_server(void **state)
{
	struct sql_link *link = open_link("7.0");

	(void)state;
	assert_string_equal(link->dialect->name, "sqlserver");
	sql_odbc.close(link);
}

static void who_is_not_let_in_is_told_so(void **state)
{
	struct secret wrong = SECRET_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	secret_set(&wrong, SV_LIT("not-this;one"));
	assert_null(try_open(connect_to("7.4", "none", "1"), &wrong, &err));
	if (err.code != ERR_DENIED)
		fail_msg("%s", err.msg);
	assert_null(strstr(err.msg, "not-this"));
	secret_release(&wrong);
}

static void what_is_sent_is_secret(void **state)
{
	struct error err = ERROR_INIT;
	struct sql_link *link =
		try_open(connect_to("7.4", "tls", "1"), &password, &err);

	(void)state;
	if (!link)
		fail_msg("%s", err.msg);
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
	if (sql_odbc.fetch(rows, &row, &broken, &err) == 1)
		out = arena_cstr(&arena, row[0]);
	sql_odbc.rows_close(rows);
	return out;
}

static void begin(struct sql_link *link, bool snapshot)
{
	struct error err = ERROR_INIT;

	if (sql_odbc.begin(link, snapshot, &err) < 0)
		fail_msg("%s", err.msg);
}

static void commit(struct sql_link *link)
{
	struct error err = ERROR_INIT;

	if (sql_odbc.commit(link, &err) < 0)
		fail_msg("%s", err.msg);
}

static void new_table(struct sql_link *link)
{
	struct sql_failure failure;

	begin(link, false);
	(void)run(link, "DROP TABLE IF EXISTS alone", &failure);
	must_run(link, "CREATE TABLE alone (a int PRIMARY KEY,"
		       " b nvarchar(5), rv rowversion)");
	must_run(link, "INSERT INTO alone (a, b) VALUES (1, N'x')");
	commit(link);
}

/* A reader of one moment neither waits nor sees what was not yet there. */
static void a_snapshot_does_not_wait(void **state)
{
	struct sql_link *writer = open_link("7.4");
	struct sql_link *reader = open_link("7.1");

	(void)state;
	new_table(writer);
	begin(writer, false);
	must_run(writer, "UPDATE alone SET b = N'y'");
	begin(reader, true);
	assert_string_equal(ask(reader, "SELECT b FROM alone"), "x");
	commit(writer);
	assert_string_equal(ask(reader, "SELECT b FROM alone"), "x");
	commit(reader);
	assert_string_equal(ask(reader, "SELECT b FROM alone"), "y");
	sql_odbc.close(writer);
	sql_odbc.close(reader);
}

static void a_lock_is_not_waited_for_for_ever(void **state)
{
	struct sql_link *writer = open_link("7.4");
	struct sql_link *other = open_link("7.4");
	struct sql_failure failure;

	(void)state;
	new_table(writer);
	begin(writer, false);
	must_run(writer, "UPDATE alone SET b = N'y'");
	begin(other, false);
	assert_int_equal(run(other, "UPDATE alone SET b = N'z'", &failure), 0);
	assert_int_equal(failure.kind, SQL_FAILURE_LOCKED);
	assert_int_equal(sql_odbc.rollback(other, NULL), 0);
	commit(writer);
	begin(other, false);
	must_run(other, "UPDATE alone SET b = N'z'");
	commit(other);
	sql_odbc.close(writer);
	sql_odbc.close(other);
}

static void a_deadlock_is_told(void **state)
{
	struct sql_link *link = open_link("7.4");
	struct error err = ERROR_INIT;
	struct sql_failure failure;

	(void)state;
	new_table(link);
	must_run(link, "EXEC tds_fault 'deadlock', 0, 'UPDATE alone'");
	begin(link, false);
	if (run(link, "UPDATE alone SET b = N'z'", &failure) != 0)
		fail_msg("%s", failure.text);
	assert_int_equal(failure.kind, SQL_FAILURE_DEADLOCK);
	(void)sql_odbc.rollback(link, NULL);
	begin(link, false);
	must_run(link, "UPDATE alone SET b = N'z'");
	assert_int_equal(sql_odbc.commit(link, &err), 0);
	sql_odbc.close(link);
}

static void a_lost_connection_is_told(void **state)
{
	static const char *const kinds[] = { "before-commit", "after-commit" };
	struct sql_link *link = open_link("7.4");
	struct error err = ERROR_INIT;
	struct sql_failure failure;

	(void)state;
	new_table(link);
	must_run(link, "EXEC tds_fault 'drop', 0, 'SELECT a FROM alone'");
	assert_int_not_equal(run(link, "SELECT a FROM alone", &failure), 1);
	assert_int_equal(failure.kind, SQL_FAILURE_LOST);
	sql_odbc.close(link);
	for (size_t i = 0; i < 2; i++) {
		link = open_link("7.4");
		must_run(link,
			 arena_printf(&arena, "EXEC tds_fault '%s'", kinds[i]));
		begin(link, false);
		must_run(link, "UPDATE alone SET b = b + N'w'");
		assert_int_equal(sql_odbc.commit(link, &err), -1);
		assert_int_equal(err.code, ERR_UNAVAILABLE);
		sql_odbc.close(link);
		link = open_link("7.4");
		assert_string_equal(ask(link, "SELECT b FROM alone"),
				    i ? "xw" : "x");
		sql_odbc.close(link);
	}
}

/* What the column's code page has not is lost there, and nothing else is. */
static void a_code_page_ends_no_connection(void **state)
{
	struct sql_link *link = open_link("7.4");
	struct error err = ERROR_INIT;
	struct sql_failure failure;
	struct sql_table table;
	struct sql_param value;
	struct sql_run one = { .sql = "INSERT INTO narrow VALUES (?)",
			       .params = &value,
			       .param_count = 1 };
	size_t failed;

	(void)state;
	(void)run(link, "DROP TABLE IF EXISTS narrow", &failure);
	must_run(link, "CREATE TABLE narrow (v varchar(20))");
	assert_int_equal(
		sql_odbc.describe(link, NULL, "narrow", &arena, &table, &err),
		1);
	value = (struct sql_param){ SV_LIT("\xc5\xbdof \xd0\xb6"),
				    &table.columns[0] };
	if (sql_odbc.execute(link, &one, 1, &arena, &failed, &failure, &err) !=
	    1)
		fail_msg("%s", err.msg);
	assert_string_equal(ask(link, "SELECT v FROM narrow"), "\xc5\xbdof ?");
	sql_odbc.close(link);
}

static int suite_of(const char *version, bool old)
{
	struct sql_driver_suite suite = {
		.driver = &sql_odbc,
		.place = { .folder = "/",
			   .password = &password,
			   .connect = connect_to(version, "none", "30") },
		.text = "nvarchar(40)",
		.chars = "char(6)",
		.integer = "int",
		.bigint = strcmp(version, "7.0") != 0 ? "bigint" : NULL,
		.decimal = "decimal(12,2)",
		.real = "float",
		.boolean = "bit",
		.date = old ? NULL : "date",
		.time = old ? NULL : "time(0)",
		.local = old ? NULL : "datetime2(7)",
		.moment = old ? NULL : "datetimeoffset(7)",
		.guid = "uniqueidentifier",
		.bytes = "varbinary(300)",
		.serial = "int IDENTITY(1,1) PRIMARY KEY",
		/* SQLite behind the stand-in has one writer at a time */
		.lax_locks = true,
	};

	suite.impatient = suite.place;
	suite.impatient.connect = connect_to(version, "none", "1");
	return sql_driver_suite_run(&suite);
}

static const char *target_version;

static struct node *reach(struct sql_target *target)
{
	return conformance_map(target->arena, "driver", text("FreeTDS"),
			       "server", text("127.0.0.1"), "port",
			       text(getenv("CONJOIN_TDS_PORT")), "database",
			       text("hr"), "user", text("conjoin"),
			       "tds_version", text(target_version), "security",
			       text("none"), "lock_timeout", text("30"), NULL);
}

/* The connector: what it writes it reads. */
static int connector_of(const char *version)
{
	struct sql_target target = { .arena = &arena,
				     .reach = reach,
				     .password = &password,
				     .folder = "/" };

	target_version = version;
	return sql_target_run(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_sql_server),
		cmocka_unit_test(who_is_not_let_in_is_told_so),
		cmocka_unit_test(what_is_sent_is_secret),
		cmocka_unit_test(a_snapshot_does_not_wait),
		cmocka_unit_test(a_lock_is_not_waited_for_for_ever),
		cmocka_unit_test(a_deadlock_is_told),
		cmocka_unit_test(a_lost_connection_is_told),
		cmocka_unit_test(a_code_page_ends_no_connection),
	};
	int failed;

	if (!getenv("CONJOIN_TDS_PORT"))
		return 1;
	secret_set(&password, SV_LIT("Secret;of tests{"));
	failed = suite_of("7.4", false);
	failed += suite_of("7.1", true);
	failed += suite_of("7.0", true);
	failed += connector_of("7.4");
	failed += connector_of("7.1");
	failed += connector_of("7.0");
	failed += cmocka_run_group_tests_name("SQL Server alone", tests, NULL,
					      NULL);
	secret_release(&password);
	arena_release(&arena);
	return failed;
}
