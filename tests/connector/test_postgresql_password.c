/*
 * test_postgresql_password.c - passwords by a database's own statements
 *
 * Started by tools/pgserver.py, which gives the address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sql_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

#define assert_password(agent, anchor, old, new_one, expected)                 \
	assert_string_equal(agent_password(agent, anchor, old, new_one),       \
			    expected)

static bool is_stored(const char *table, const char *password)
{
	PGconn *conn = tables_connect();
	PGresult *result;
	struct arena arena = ARENA_INIT;
	char *quoted = PQescapeLiteral(conn, password, strlen(password));
	bool found;

	result = PQexec(conn, arena_printf(&arena,
					   "SELECT 1 FROM %s WHERE password = "
					   "md5(%s)",
					   table, quoted));
	found = PQntuples(result) == 1;
	PQclear(result);
	PQfreemem(quoted);
	PQfinish(conn);
	arena_release(&arena);
	return found;
}

/* What no quoting would stand. */
#define ODD "o'); DROP TABLE people; -- \"\\\xC3\xA9$1:new_password"

static void by_statements(void **state)
{
	struct agent *agent = agent_new(
		"id name", NULL,
		"{table: people, anchor: id, passwords: {"
		"set: 'UPDATE people SET password = md5(:new_password) WHERE "
		"id = :id', "
		"change: 'UPDATE people SET password = md5(:new_password) "
		"WHERE id = :id AND password = md5(:old_password)'}}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text, password "
	    "text)");
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')");
	assert_password(agent, "1", NULL, ODD, "ok");
	assert_true(is_stored("people", ODD));
	assert_password(agent, "3", NULL, "x",
			"cd-missing-object: the account is not there");
	assert_password(agent, "1", "wrong", "x",
			"permission-issue: the account is not there, or the "
			"old password is not right");
	assert_true(is_stored("people", ODD));
	assert_password(agent, "1", ODD, "next", "ok");
	assert_true(is_stored("people", "next"));
	assert_password(agent, "1", NULL, "",
			"invalid-attribute-value: an empty password is none");
	assert_password(agent, "1", NULL, "\xFF",
			"invalid-attribute-value: the password has bytes that "
			"are no text");
	agent_free(agent);
}

static void by_procedures(void **state)
{
	struct agent *agent = agent_new(
		"site nr", NULL,
		"{table: people, anchor: [site, nr], passwords: {"
		"set: 'CALL set_password(:site, :nr, :new_password)', "
		"change: 'SELECT change_password(:anchor, :old_password, "
		":new_password)'}}");

	(void)state;
	sql("CREATE TABLE people (site text, nr integer, password text, "
	    "PRIMARY KEY (site, nr))");
	sql("INSERT INTO people VALUES ('A', 7, md5('old'))");
	sql("CREATE PROCEDURE set_password(s text, n integer, p text) LANGUAGE "
	    "plpgsql AS $$BEGIN IF length(p) < 8 THEN RAISE EXCEPTION "
	    "'% is too short', p; END IF; UPDATE people SET password = md5(p) "
	    "WHERE site = s AND nr = n; END$$");
	sql("CREATE FUNCTION change_password(a text, o text, n text) RETURNS "
	    "boolean LANGUAGE sql AS $$UPDATE people SET password = md5(n) "
	    "WHERE site || '|' || nr = a AND password = md5(o) RETURNING true"
	    "$$");
	assert_password(agent, "A|7", NULL, "longer than 8", "ok");
	assert_true(is_stored("people", "longer than 8"));
	assert_password(agent, "A|7", NULL, "short",
			"password-policy-violation: ***** is too *****"
			" (SQLSTATE P0001)");
	assert_password(agent, "A|7", "longer than 8", "third", "ok");
	assert_true(is_stored("people", "third"));
	agent_free(agent);
}

static void nothing_is_told(void **state)
{
	struct agent *agent = agent_new(
		"id", NULL,
		"{table: people, anchor: id, passwords: {set: 'UPDATE people "
		"SET password = :new_password WHERE id = :id'}}");
	const char *said;

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, password text CHECK "
	    "(length(password) > 8))");
	sql("INSERT INTO people VALUES (1, NULL)");
	said = agent_password(agent, "1", NULL, "geheim");
	assert_null(strstr(said, "geheim"));
	assert_non_null(strstr(said, "password-policy-violation: the database "
				     "refuses it (SQLSTATE 23514)"));
	said = agent_password(agent, "1", "old", "x");
	assert_non_null(strstr(said, "is not set up to change passwords"));
	agent_free(agent);
}

static void one_account_only(void **state)
{
	struct agent *agent = agent_new(
		"id", NULL,
		"{table: people, anchor: id, passwords: {set: 'UPDATE people "
		"SET password = md5(:new_password) WHERE length(:id) > 0'}}");

	(void)state;
	sql("CREATE TABLE people (id text PRIMARY KEY, password text)");
	sql("INSERT INTO people VALUES ('1', md5('x')), ('2', '')");
	assert_password(agent, "1", NULL, "y",
			"cd-error: the statement touches several accounts; "
			"nothing was written");
	assert_true(is_stored("people", "x"));
	agent_free(agent);
}

static void settings_are_checked(void **state)
{
	static const char *const wrong[][2] = {
		{ "set: 'SELECT 1'",
		  "'passwords.set' does not use :new_password" },
		{ "set: 'SELECT f(:new_password)'",
		  "'passwords.set' does not say whose password it is" },
		{ "set: 'SELECT f(:id, :name, :new_password)'",
		  "'passwords.set' asks for :name" },
		{ "set: 'SELECT f(:id, :old_password, :new_password)'",
		  "'passwords.set' asks for :old_password" },
		{ "change: 'SELECT f(:id, :new_password)'",
		  "'passwords.change' does not use :old_password" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct arena arena = ARENA_INIT;
		struct agent *agent = agent_new(
			"id name", NULL,
			arena_printf(&arena,
				     "{table: people, anchor: id, passwords: "
				     "{%s}}",
				     wrong[i][0]));

		assert_non_null(strstr(agent_check(agent), wrong[i][1]));
		agent_free(agent);
		arena_release(&arena);
	}
}

static void values_are_no_parameter(void **state)
{
	struct agent *agent = agent_new(
		"id mail:string*", NULL,
		"{table: people, anchor: id, values: {mail: {table: mails, "
		"key: person, value: mail}}, write: {update: 'CALL f(:id, "
		":mail)', delete: 'CALL g(:id, :other)'}}");

	(void)state;
	assert_string_equal(
		agent_check(agent),
		"'write.update' asks for :mail, whose values are rows of "
		"'mails': a parameter is one value; leave it out, conjoin "
		"writes these rows behind the statement\n");
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLES(by_statements),
		ON_TABLES(by_procedures),
		ON_TABLES(nothing_is_told),
		ON_TABLES(one_account_only),
		ON_TABLES(settings_are_checked),
		ON_TABLES(values_are_no_parameter),
	};

	return tables_run(tests, sizeof(tests) / sizeof(*tests));
}
