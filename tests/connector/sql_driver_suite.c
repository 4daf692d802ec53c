/*
 * sql_driver_suite.c - the sentences of driver.h, one test each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sql_driver_suite.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static const struct sql_driver_suite *suite;
static struct arena arena;
static struct sql_link *link_now;

/* ---- means ---- */

static struct sql_link *open_link(const struct sql_place *place)
{
	struct error err = ERROR_INIT;
	struct sql_link *link = NULL;

	if (suite->driver->open(place, &link, &err) < 0)
		fail_msg("open: %s", err.msg);
	return link;
}

/* Runs one statement, which must succeed; the rows that it touched. */
static uint64_t run(struct sql_link *link, const char *sql,
		    const struct sql_param *params, size_t count)
{
	struct sql_run one = { .sql = sql,
			       .params = params,
			       .param_count = count };
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed;

	if (suite->driver->execute(link, &one, 1, &arena, &failed, &failure,
				   &err) != 1)
		fail_msg("%s: %s", sql, err.msg);
	return one.rows;
}

/* Runs one statement, which must fail; why. */
static enum sql_failure_kind refused(struct sql_link *link, const char *sql,
				     const struct sql_param *params,
				     size_t count)
{
	struct sql_run one = { .sql = sql,
			       .params = params,
			       .param_count = count };
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed = 7;
	int ret;

	assert_int_equal(suite->driver->begin(link, false, &err), 0);
	ret = suite->driver->execute(link, &one, 1, &arena, &failed, &failure,
				     &err);
	assert_int_equal(suite->driver->rollback(link, NULL), 0);
	if (ret != 0)
		fail_msg("%s: not refused: %d", sql, ret);
	assert_int_equal(failed, 0);
	assert_int_not_equal(err.code, ERR_NONE);
	assert_true(failure.text[0] != '\0');
	return failure.kind;
}

static void begin(struct sql_link *link, bool snapshot)
{
	struct error err = ERROR_INIT;

	if (suite->driver->begin(link, snapshot, &err) < 0)
		fail_msg("begin: %s", err.msg);
}

static void commit(struct sql_link *link)
{
	struct error err = ERROR_INIT;

	if (suite->driver->commit(link, &err) < 0)
		fail_msg("commit: %s", err.msg);
}

static void rollback(struct sql_link *link)
{
	struct error err = ERROR_INIT;

	if (suite->driver->rollback(link, &err) < 0)
		fail_msg("rollback: %s", err.msg);
}

/* Runs a statement that may fail, in a transaction of its own. */
static void try_run(const char *sql)
{
	struct sql_run one = { .sql = sql };
	struct sql_failure failure;
	size_t failed;
	int ret;

	begin(link_now, false);
	ret = suite->driver->execute(link_now, &one, 1, &arena, &failed,
				     &failure, NULL);
	if (ret == 1)
		commit(link_now);
	else
		rollback(link_now);
}

/* A table with these columns and nothing in it. */
static void make_table(const char *name, const char *columns)
{
	try_run(arena_printf(&arena, "DROP TABLE %s", name));
	begin(link_now, false);
	run(link_now,
	    arena_printf(&arena, "CREATE TABLE %s (%s)", name, columns), NULL,
	    0);
	commit(link_now);
}

static struct sql_rows *query(struct sql_link *link, const char *sql,
			      const struct sql_param *params, size_t count)
{
	struct error err = ERROR_INIT;
	struct sql_rows *rows = NULL;

	if (suite->driver->query(link, sql, params, count, &rows, NULL, &err) <
	    0)
		fail_msg("%s: %s", sql, err.msg);
	return rows;
}

/* The first value of the first row as text; "(null)", "(none)". */
static const char *ask(struct sql_link *link, const char *sql)
{
	struct sql_rows *rows = query(link, sql, NULL, 0);
	struct error err = ERROR_INIT;
	const char *out = "(none)";
	const struct sv *row;
	size_t broken;
	int ret;

	ret = suite->driver->fetch(rows, &row, &broken, &err);
	if (ret < 0)
		fail_msg("%s: %s", sql, err.msg);
	assert_int_equal(broken, 0);
	if (ret > 0)
		out = row[0].ptr ? arena_cstr(&arena, row[0]) : "(null)";
	suite->driver->rows_close(rows);
	return out;
}

static const struct sql_table *describe(const char *name)
{
	struct sql_table *table = arena_zalloc(&arena, sizeof(*table));
	struct error err = ERROR_INIT;

	if (suite->driver->describe(link_now, NULL, name, &arena, table,
				    &err) != 1 ||
	    suite->driver->foreign(link_now, &arena, table, &err) < 0)
		fail_msg("describe %s: %s", name, err.msg);
	return table;
}

static const struct sql_column *column_of(const struct sql_table *table,
					  const char *name)
{
	size_t i;

	for (i = 0; i < table->column_count; i++)
		if (!strcasecmp(table->columns[i].name, name))
			return &table->columns[i];
	fail_msg("no column %s", name);
	return table->columns;
}

static const char *marker(size_t number)
{
	struct strbuf sql = STRBUF_INIT(40);
	char *out;

	sql_add_marker(&sql, link_now->dialect, number);
	out = arena_cstr(&arena, strbuf_sv(&sql));
	strbuf_release(&sql);
	return out;
}

static struct sql_param param(const char *text)
{
	return (struct sql_param){ text ? sv_from(text) : SV_NULL, NULL };
}

static int set_up(void **state)
{
	(void)state;
	link_now = open_link(&suite->place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	suite->driver->close(link_now);
	link_now = NULL;
	arena_release(&arena);
	return 0;
}

/* ---- values ---- */

/* A statement that was prepared is of the table as it was then. */
static const char *new_table(void)
{
	static int number;

	return arena_printf(&arena, "suite_value%d", ++number);
}

/* Reads the one value of a table. */
static void check_read(const char *table, const char *type,
		       enum sql_column_kind kind, struct sv wanted)
{
	struct sql_rows *rows =
		query(link_now, arena_printf(&arena, "SELECT v FROM %s", table),
		      NULL, 0);
	const struct sql_column *column;
	struct error err = ERROR_INIT;
	const struct sv *row;
	size_t broken;
	size_t count;

	column = suite->driver->columns(rows, &count);
	assert_int_equal(count, 1);
	assert_int_equal(column->kind, kind);
	assert_int_equal(strcasecmp(column->name, "v"), 0);
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, &err), 1);
	assert_int_equal(broken, 0);
	if (!sv_eq(row[0], wanted) || !row[0].ptr != !wanted.ptr)
		fail_msg("%s: '" SV_FMT "' and not '" SV_FMT "'", type,
			 SV_ARG(row[0]), SV_ARG(wanted));
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, &err), 0);
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, &err), 0);
	suite->driver->rows_close(rows);
}

/* Writes a value into a column of this type and reads it back, bound by the
 * column as the catalogue has it. */
static void check_value(const char *type, enum sql_column_kind kind,
			struct sv value, struct sv wanted)
{
	const struct sql_column *column;
	const char *table;
	struct sql_param bound;

	if (!type)
		return;
	table = new_table();
	make_table(table, arena_printf(&arena, "v %s", type));
	column = column_of(describe(table), "v");
	assert_int_equal(column->kind, kind);
	assert_true(column->nullable && !column->generated && !column->key);
	assert_true(strlen(column->type) > 0);
	bound = (struct sql_param){ value, column };
	begin(link_now, false);
	assert_int_equal(run(link_now,
			     arena_printf(&arena, "INSERT INTO %s VALUES (%s)",
					  table, marker(1)),
			     &bound, 1),
			 1);
	commit(link_now);
	check_read(table, type, kind, wanted);
	begin(link_now, true);
	check_read(table, type, kind, wanted);
	commit(link_now);
}

static void check_same(const char *type, enum sql_column_kind kind,
		       const char *text)
{
	check_value(type, kind, sv_from(text), sv_from(text));
}

static void values_come_back(void **state)
{
	(void)state;
	check_same(suite->text, SQL_COLUMN_TEXT, "J\xC3\xBCrgen O'Neil \"x\"");
	check_same(suite->text, SQL_COLUMN_TEXT,
		   "\xF0\x9F\x98\x80 \xF0\xA0\xAE\xB7\xE9\x87\x8E");
	check_same(suite->text, SQL_COLUMN_TEXT, " a \\ % $1 ? ");
	check_same(suite->integer, SQL_COLUMN_INTEGER, "-2147483648");
	check_same(suite->bigint, SQL_COLUMN_INTEGER, "9223372036854775807");
	check_same(suite->decimal, SQL_COLUMN_DECIMAL, "1234567890.10");
	check_same(suite->decimal, SQL_COLUMN_DECIMAL, "-0.50");
	check_same(suite->real, SQL_COLUMN_FLOAT, "0.1");
	check_same(suite->boolean, SQL_COLUMN_BOOLEAN, "true");
	check_same(suite->boolean, SQL_COLUMN_BOOLEAN, "false");
	check_same(suite->date, SQL_COLUMN_DATE, "2028-02-29");
	check_same(suite->time, SQL_COLUMN_TIME, "08:15:00");
	check_same(suite->local, SQL_COLUMN_LOCAL, "2026-11-22T08:15:00");
	check_same(suite->local, SQL_COLUMN_LOCAL, "2026-03-29T02:30:00");
	check_same(suite->moment, SQL_COLUMN_MOMENT, "2026-11-22T08:15:00Z");
	check_same(suite->guid, SQL_COLUMN_GUID,
		   "0d7b8f1e-2f0a-4f4e-9a53-3f1f2f3a4b5c");
}

static void fractions_are_kept(void **state)
{
	(void)state;
	check_same(suite->local, SQL_COLUMN_LOCAL,
		   "2026-11-22T08:15:00.123456");
	check_same(suite->moment, SQL_COLUMN_MOMENT,
		   "2026-11-22T08:15:00.123456Z");
}

static void bytes_are_bytes(void **state)
{
	char all[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	check_value(suite->bytes, SQL_COLUMN_BYTES, sv_make(all, sizeof(all)),
		    sv_make(all, sizeof(all)));
}

static void nothing_is_not_empty(void **state)
{
	(void)state;
	check_value(suite->text, SQL_COLUMN_TEXT, SV_NULL, SV_NULL);
	check_value(suite->integer, SQL_COLUMN_INTEGER, SV_NULL, SV_NULL);
	check_value(suite->bytes, SQL_COLUMN_BYTES, SV_NULL, SV_NULL);
	if (suite->empty_is_null)
		return;
	check_value(suite->text, SQL_COLUMN_TEXT, sv_make("", 0),
		    sv_make("", 0));
	check_value(suite->bytes, SQL_COLUMN_BYTES, sv_make("", 0),
		    sv_make("", 0));
}

static void padded_text_says_so(void **state)
{
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	size_t count;
	struct sv text;

	(void)state;
	if (!suite->chars)
		skip();
	make_table("suite_value", arena_printf(&arena, "v %s", suite->chars));
	begin(link_now, false);
	run(link_now, "INSERT INTO suite_value VALUES ('ab')", NULL, 0);
	commit(link_now);
	rows = query(link_now, "SELECT v FROM suite_value", NULL, 0);
	assert_int_equal(suite->driver->columns(rows, &count)->kind,
			 SQL_COLUMN_CHAR);
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, NULL), 1);
	text = row[0];
	while (text.len && text.ptr[text.len - 1] == ' ')
		text.len--;
	assert_true(sv_eq_str(text, "ab"));
	suite->driver->rows_close(rows);
	assert_int_equal(column_of(describe("suite_value"), "v")->size, 6);
}

static void text_that_is_none_is_refused(void **state)
{
	const struct sql_column *column;
	struct sql_param bad[] = { { SV_LIT("a\0b"), NULL },
				   { SV_LIT("\xFF\xFE"), NULL } };
	size_t i;

	(void)state;
	make_table("suite_value", arena_printf(&arena, "v %s", suite->text));
	column = column_of(describe("suite_value"), "v");
	for (i = 0; i < 2; i++) {
		bad[i].column = column;
		assert_int_equal(refused(link_now,
					 arena_printf(&arena,
						      "INSERT INTO suite_value "
						      "VALUES (%s)",
						      marker(1)),
					 &bad[i], 1),
				 SQL_FAILURE_VALUE);
	}
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_value"),
			    "0");
}

/* ---- statements ---- */

static void make_people(void)
{
	make_table("suite_people",
		   arena_printf(&arena,
				"id %s NOT NULL PRIMARY KEY, name %s NOT NULL, "
				"mail %s UNIQUE, boss %s REFERENCES "
				"suite_people(id), age %s CHECK (age < 200)",
				suite->integer, suite->text, suite->text,
				suite->integer, suite->integer));
	begin(link_now, false);
	run(link_now,
	    "INSERT INTO suite_people (id, name, mail, boss) "
	    "VALUES (1, 'Ann', 'ann@x', NULL)",
	    NULL, 0);
	run(link_now,
	    "INSERT INTO suite_people (id, name, mail, boss) "
	    "VALUES (2, 'Bob', 'bob@x', 1)",
	    NULL, 0);
	commit(link_now);
}

static void rows_are_counted_each(void **state)
{
	const char *sql;
	struct sql_param params[6] = { param("Eve"), param("1"),   param("Eve"),
				       param("99"),  param("Joe"), param("2") };
	struct sql_run runs[5];
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed;
	size_t i;

	(void)state;
	make_people();
	sql = arena_printf(&arena,
			   "UPDATE suite_people SET name = %s WHERE id = %s",
			   marker(1), marker(2));
	memset(runs, 0, sizeof(runs));
	for (i = 0; i < 3; i++)
		runs[i] = (struct sql_run){ .sql = sql,
					    .params = &params[2 * i],
					    .param_count = 2 };
	runs[3].sql = "UPDATE suite_people SET age = 7";
	runs[4].sql = "DELETE FROM suite_people WHERE id = 77";
	begin(link_now, false);
	if (suite->driver->execute(link_now, runs, 5, &arena, &failed, &failure,
				   &err) != 1)
		fail_msg("execute: %s", err.msg);
	commit(link_now);
	assert_int_equal(runs[0].rows, 1);
	assert_int_equal(runs[1].rows, 0);
	assert_int_equal(runs[2].rows, 1);
	assert_int_equal(runs[3].rows, 2);
	assert_int_equal(runs[4].rows, 0);
	assert_string_equal(
		ask(link_now, "SELECT name FROM suite_people WHERE id = 2"),
		"Joe");
}

static void a_batch_stops_at_what_fails(void **state)
{
	struct sql_run runs[4] = {
		{ .sql = "UPDATE suite_people SET name = 'X' WHERE id = 1" },
		{ .sql = "UPDATE suite_people SET name = NULL WHERE id = 2" },
		{ .sql = "UPDATE suite_people SET name = 'Y' WHERE id = 2" },
		{ .sql = "UPDATE suite_people SET name = 'Z' WHERE id = 2" },
	};
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed = 9;
	int round;

	(void)state;
	make_people();
	for (round = 0; round < 2; round++) {
		begin(link_now, false);
		assert_int_equal(suite->driver->execute(link_now, runs, 4,
							&arena, &failed,
							&failure, &err),
				 0);
		assert_int_equal(failed, 1);
		assert_int_equal(failure.kind, SQL_FAILURE_NULL);
		rollback(link_now);
		assert_string_equal(ask(link_now, "SELECT name FROM "
						  "suite_people WHERE id = 1"),
				    "Ann");
	}
	begin(link_now, false);
	assert_int_equal(suite->driver->execute(link_now, &runs[2], 2, &arena,
						&failed, &failure, &err),
			 1);
	commit(link_now);
	assert_string_equal(
		ask(link_now, "SELECT name FROM suite_people WHERE id = 2"),
		"Z");
}

static void failures_are_told_apart(void **state)
{
	static const char insert[] = "INSERT INTO suite_people "
				     "(id, name, mail, boss, age) VALUES ";
	struct sql_param number = param("many");

	(void)state;
	make_people();
#define REFUSED(values)                                                        \
	refused(link_now, arena_printf(&arena, "%s%s", insert, values), NULL, 0)
	assert_int_equal(REFUSED("(1, 'x', NULL, NULL, 1)"),
			 SQL_FAILURE_UNIQUE);
	assert_int_equal(REFUSED("(3, 'x', 'ann@x', NULL, 1)"),
			 SQL_FAILURE_UNIQUE);
	assert_int_equal(REFUSED("(3, NULL, NULL, NULL, 1)"), SQL_FAILURE_NULL);
	assert_int_equal(REFUSED("(3, 'x', NULL, NULL, 200)"),
			 SQL_FAILURE_CHECK);
	if (!suite->lax_keys) {
		assert_int_equal(REFUSED("(3, 'x', NULL, 88, 1)"),
				 SQL_FAILURE_REFERENCE);
		assert_int_equal(
			refused(link_now,
				"DELETE FROM suite_people WHERE id = 1", NULL,
				0),
			SQL_FAILURE_REFERENCE);
	}
	if (!suite->lax_length) {
		assert_int_equal(REFUSED("(3, '12345678901234567890"
					 "1234567890123456789012345', NULL, "
					 "NULL, 1)"),
				 SQL_FAILURE_LENGTH);
		number.column = column_of(describe("suite_people"), "age");
		assert_int_equal(
			refused(link_now,
				arena_printf(&arena,
					     "UPDATE suite_people SET age = %s",
					     marker(1)),
				&number, 1),
			SQL_FAILURE_VALUE);
	}
	assert_int_equal(
		refused(link_now, "DELETE FROM suite_nowhere", NULL, 0),
		SQL_FAILURE_MISSING);
#undef REFUSED
}

static void a_made_key_is_read_back(void **state)
{
	struct sql_param name = param("Ann");
	struct sql_run one = { .params = &name, .param_count = 1 };
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	const char *key;
	size_t failed;
	int i;

	(void)state;
	if (!suite->serial || !link_now->dialect ||
	    link_now->dialect->returning != SQL_RETURNING_CLAUSE)
		skip();
	make_table("suite_serial", arena_printf(&arena, "id %s, name %s",
						suite->serial, suite->text));
	one.sql = arena_printf(&arena,
			       "INSERT INTO suite_serial (name) VALUES (%s) "
			       "RETURNING id",
			       marker(1));
	for (i = 0; i < 2; i++) {
		begin(link_now, false);
		if (suite->driver->execute(link_now, &one, 1, &arena, &failed,
					   &failure, &err) != 1)
			fail_msg("%s", err.msg);
		commit(link_now);
	}
	assert_int_equal(one.rows, 1);
	assert_int_equal(one.value_count, 1);
	key = arena_cstr(&arena, one.values[0]);
	assert_string_equal(
		ask(link_now, arena_printf(&arena,
					   "SELECT name FROM suite_serial "
					   "WHERE id = %s",
					   key)),
		"Ann");
	assert_true(column_of(describe("suite_serial"), "id")->generated);
	assert_int_equal(column_of(describe("suite_serial"), "id")->key, 1);
}

static void names_and_values_are_no_code(void **state)
{
	static const char evil[] = "x'); DROP TABLE suite_people; --";
	struct strbuf sql = STRBUF_INIT(1000);
	struct sv name = SV_LIT("suite_\"q'`];drop");
	struct sql_param value = param(evil);
	const struct sql_table *table;

	(void)state;
	make_people();
	strbuf_adds(&sql, "DROP TABLE ");
	sql_add_name(&sql, link_now->dialect, name);
	try_run(arena_cstr(&arena, strbuf_sv(&sql)));
	strbuf_reset(&sql);
	strbuf_adds(&sql, "CREATE TABLE ");
	sql_add_name(&sql, link_now->dialect, name);
	strbuf_addf(&sql, " (v %s)", suite->text);
	begin(link_now, false);
	run(link_now, arena_cstr(&arena, strbuf_sv(&sql)), NULL, 0);
	strbuf_reset(&sql);
	strbuf_adds(&sql, "INSERT INTO ");
	sql_add_name(&sql, link_now->dialect, name);
	strbuf_addf(&sql, " VALUES (%s)", marker(1));
	run(link_now, arena_cstr(&arena, strbuf_sv(&sql)), &value, 1);
	commit(link_now);
	table = describe("suite_\"q'`];drop");
	assert_int_equal(table->column_count, 1);
	strbuf_reset(&sql);
	strbuf_adds(&sql, "SELECT v FROM ");
	sql_add_name(&sql, link_now->dialect, name);
	assert_string_equal(ask(link_now, strbuf_cstr(&sql)), evil);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "2");
	strbuf_reset(&sql);
	strbuf_adds(&sql, "DROP TABLE ");
	sql_add_name(&sql, link_now->dialect, name);
	try_run(strbuf_cstr(&sql));
	strbuf_release(&sql);
}

static void a_batch_may_be_large(void **state)
{
	const size_t count = 5000;
	struct sql_run *runs;
	struct sql_param *params;
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	const char *sql;
	size_t failed;
	size_t i;

	(void)state;
	make_table("suite_many", arena_printf(&arena, "id %s, name %s",
					      suite->integer, suite->text));
	sql = arena_printf(&arena, "INSERT INTO suite_many VALUES (%s, %s)",
			   marker(1), marker(2));
	runs = arena_array(&arena, count, sizeof(*runs));
	params = arena_array(&arena, 2 * count, sizeof(*params));
	for (i = 0; i < count; i++) {
		params[2 * i] = param(arena_printf(&arena, "%zu", i));
		params[2 * i + 1] = param("a name of some length");
		runs[i] = (struct sql_run){ .sql = sql,
					    .params = &params[2 * i],
					    .param_count = 2 };
	}
	begin(link_now, false);
	if (suite->driver->execute(link_now, runs, count, &arena, &failed,
				   &failure, &err) != 1)
		fail_msg("execute: %s", err.msg);
	commit(link_now);
	for (i = 0; i < count; i++)
		assert_int_equal(runs[i].rows, 1);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_many"),
			    "5000");
}

/* ---- rows ---- */

static void rows_may_be_left_unread(void **state)
{
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int round;

	(void)state;
	a_batch_may_be_large(NULL);
	for (round = 0; round < 3; round++) {
		if (round)
			begin(link_now, round == 1);
		rows = query(link_now,
			     "SELECT a.id, b.name FROM suite_many a, "
			     "suite_many b WHERE b.id < 100",
			     NULL, 0);
		assert_int_equal(
			suite->driver->fetch(rows, &row, &broken, NULL), 1);
		suite->driver->rows_close(rows);
		assert_string_equal(
			ask(link_now, "SELECT count(*) FROM suite_many"),
			"5000");
		if (round)
			commit(link_now);
	}
	suite->driver->rows_close(NULL);
}

static void a_bad_query_says_why(void **state)
{
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	struct sql_rows *rows = NULL;

	(void)state;
	assert_int_equal(suite->driver->query(link_now,
					      "SELECT x FROM suite_nowhere",
					      NULL, 0, &rows, &failure, &err),
			 -1);
	assert_null(rows);
	assert_int_equal(failure.kind, SQL_FAILURE_MISSING);
	assert_non_null(strstr(err.msg, "suite_nowhere"));
	make_people();
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "2");
}

static void a_query_takes_values(void **state)
{
	struct sql_param name = param("Bob");
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;

	(void)state;
	make_people();
	name.column = column_of(describe("suite_people"), "name");
	rows = query(link_now,
		     arena_printf(&arena,
				  "SELECT id, boss FROM suite_people WHERE "
				  "name = %s",
				  marker(1)),
		     &name, 1);
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, NULL), 1);
	assert_true(sv_eq_str(row[0], "2") && sv_eq_str(row[1], "1"));
	assert_int_equal(suite->driver->fetch(rows, &row, &broken, NULL), 0);
	suite->driver->rows_close(rows);
}

static void a_snapshot_is_of_one_moment(void **state)
{
	struct sql_link *other;

	(void)state;
	if (suite->lax_locks)
		skip();
	make_people();
	other = open_link(&suite->place);
	begin(link_now, true);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "2");
	begin(other, false);
	run(other, "INSERT INTO suite_people (id, name) VALUES (3, 'Cid')",
	    NULL, 0);
	commit(other);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "2");
	commit(link_now);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "3");
	suite->driver->close(other);
}

/* ---- two at once ---- */

struct second {
	struct sql_link *link;
	const char *sql;
	int ret;
	struct sql_failure failure;
};

static void *run_second(void *data)
{
	struct second *second = data;
	struct sql_run one = { .sql = second->sql };
	struct arena own = ARENA_INIT;
	size_t failed;

	second->ret = suite->driver->execute(second->link, &one, 1, &own,
					     &failed, &second->failure, NULL);
	arena_release(&own);
	return NULL;
}

static void a_deadlock_is_told(void **state)
{
	struct second second = {
		.sql = "UPDATE suite_people SET name = 'b' WHERE id = 1"
	};
	struct sql_run one = {
		.sql = "UPDATE suite_people SET name = 'a' WHERE id = 2"
	};
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
	pthread_t thread;
	size_t failed;
	int ret;

	(void)state;
	if (suite->lax_locks || suite->one_thread)
		skip();
	make_people();
	second.link = open_link(&suite->place);
	begin(link_now, false);
	begin(second.link, false);
	run(link_now, "UPDATE suite_people SET name = 'a' WHERE id = 1", NULL,
	    0);
	run(second.link, "UPDATE suite_people SET name = 'b' WHERE id = 2",
	    NULL, 0);
	assert_int_equal(pthread_create(&thread, NULL, run_second, &second), 0);
	ret = suite->driver->execute(link_now, &one, 1, &arena, &failed,
				     &failure, NULL);
	if (ret == 0)
		rollback(link_now);
	(void)pthread_join(thread, NULL);
	assert_int_equal(ret + second.ret, 1);
	assert_int_equal(ret == 0 ? failure.kind : second.failure.kind,
			 SQL_FAILURE_DEADLOCK);
	if (ret == 1)
		commit(link_now);
	rollback(second.link);
	suite->driver->close(second.link);
}

static void a_lock_is_not_waited_for_for_ever(void **state)
{
	struct sql_link *other;

	(void)state;
	if (suite->lax_locks || !suite->impatient.connect)
		skip();
	make_people();
	other = open_link(&suite->impatient);
	begin(link_now, false);
	run(link_now, "UPDATE suite_people SET name = 'a' WHERE id = 1", NULL,
	    0);
	assert_int_equal(refused(other,
				 "UPDATE suite_people SET name = 'b' WHERE "
				 "id = 1",
				 NULL, 0),
			 SQL_FAILURE_LOCKED);
	rollback(link_now);
	begin(other, false);
	run(other, "UPDATE suite_people SET name = 'b' WHERE id = 1", NULL, 0);
	commit(other);
	suite->driver->close(other);
}

static void what_is_open_is_rolled_back(void **state)
{
	struct sql_link *other;

	(void)state;
	make_people();
	other = open_link(&suite->place);
	begin(other, false);
	run(other, "DELETE FROM suite_people WHERE id = 2", NULL, 0);
	suite->driver->close(other);
	assert_string_equal(ask(link_now, "SELECT count(*) FROM suite_people"),
			    "2");
}

/* ---- the catalogue ---- */

static void the_catalogue_is_read(void **state)
{
	const struct sql_table *table;
	struct sql_table *tables;
	struct sql_table none;
	size_t count;
	size_t found = 0;
	size_t i;

	(void)state;
	make_people();
	try_run("DROP VIEW suite_view");
	begin(link_now, false);
	run(link_now,
	    "CREATE VIEW suite_view AS SELECT id, name FROM "
	    "suite_people",
	    NULL, 0);
	commit(link_now);
	assert_int_equal(
		suite->driver->tables(link_now, &arena, &tables, &count, NULL),
		0);
	for (i = 0; i < count; i++) {
		if (!strcasecmp(tables[i].name, "suite_people"))
			found += tables[i].view ? 100 : 1;
		if (!strcasecmp(tables[i].name, "suite_view"))
			found += tables[i].view ? 10 : 1000;
	}
	assert_int_equal(found, 11);
	table = describe("SUITE_People"); /* case is ignored */
	assert_int_equal(strcasecmp(table->name, "suite_people"), 0);
	assert_int_equal(table->column_count, 5);
	assert_int_equal(column_of(table, "id")->key, 1);
	assert_false(column_of(table, "id")->nullable);
	assert_false(column_of(table, "name")->nullable);
	assert_true(column_of(table, "mail")->nullable);
	assert_int_equal(column_of(table, "name")->size,
			 suite->lax_length ? column_of(table, "name")->size
					   : 40);
	if (!suite->lax_keys) {
		assert_int_equal(table->foreign_count, 1);
		assert_int_equal(
			strcasecmp(table->foreign[0].table, "suite_people"), 0);
		assert_int_equal(table->foreign[0].count, 1);
		assert_int_equal(
			strcasecmp(table->foreign[0].columns[0], "boss"), 0);
		assert_int_equal(strcasecmp(table->foreign[0].others[0], "id"),
				 0);
	}
	assert_true(describe("suite_view")->view);
	assert_int_equal(suite->driver->describe(link_now, NULL,
						 "suite_nowhere", &arena, &none,
						 NULL),
			 0);
	try_run("DROP VIEW suite_view");
}

static void a_link_tells_what_it_reached(void **state)
{
	(void)state;
	assert_ptr_equal(link_now->driver, suite->driver);
	assert_non_null(link_now->dialect);
	assert_true(link_now->server && *link_now->server);
	assert_true(link_now->product && *link_now->product);
	suite->driver->close(NULL);
}

static const struct CMUnitTest tests[] = {
#define SENTENCE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	SENTENCE(a_link_tells_what_it_reached),
	SENTENCE(values_come_back),
	SENTENCE(fractions_are_kept),
	SENTENCE(bytes_are_bytes),
	SENTENCE(nothing_is_not_empty),
	SENTENCE(padded_text_says_so),
	SENTENCE(text_that_is_none_is_refused),
	SENTENCE(rows_are_counted_each),
	SENTENCE(a_batch_stops_at_what_fails),
	SENTENCE(failures_are_told_apart),
	SENTENCE(a_made_key_is_read_back),
	SENTENCE(names_and_values_are_no_code),
	SENTENCE(a_batch_may_be_large),
	SENTENCE(rows_may_be_left_unread),
	SENTENCE(a_bad_query_says_why),
	SENTENCE(a_query_takes_values),
	SENTENCE(a_snapshot_is_of_one_moment),
	SENTENCE(a_deadlock_is_told),
	SENTENCE(a_lock_is_not_waited_for_for_ever),
	SENTENCE(what_is_open_is_rolled_back),
	SENTENCE(the_catalogue_is_read),
};

int sql_driver_suite_run(const struct sql_driver_suite *of)
{
	suite = of;
	return cmocka_run_group_tests_name(of->driver->name, tests, NULL, NULL);
}
