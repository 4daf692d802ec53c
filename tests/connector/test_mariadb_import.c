/*
 * test_mariadb_import.c - what full and delta imports read of MariaDB
 *
 * What does not depend on the database has test_postgresql_import.c and
 * test_postgresql_delta.c. Started by tools/mariadb.py, which gives the port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sql_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static void people(const char *options)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "CREATE TABLE people (id integer PRIMARY KEY, "
		       "name varchar(40)) %s",
		       options);
	sql(text);
	(void)snprintf(text, sizeof(text),
		       "CREATE TABLE mails (person integer, "
		       "mail varchar(40)) %s",
		       options);
	sql(text);
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid');\n"
	    "INSERT INTO mails VALUES (1, 'a@x'), (3, 'c@x'), (3, 'b@x')");
}

#define THREE                                                                  \
	"object person 1 name=Ann mail=a@x\nobject person 2 name=Bob\n"        \
	"object person 3 name=Cid mail=b@x,c@x\n"

static void change_all(void)
{
	sql("UPDATE people SET name = 'Bert' WHERE id = 2;\n"
	    "INSERT INTO people VALUES (4, 'Dan');\n"
	    "DELETE FROM people WHERE id = 1;\n"
	    "DELETE FROM mails WHERE mail = 'c@x'");
}

#define ALL_CHANGES                                                            \
	"delete person 1\nobject person 2 name=Bert\n"                         \
	"object person 3 name=Cid mail=b@x\nobject person 4 name=Dan\n"

#define SOURCE                                                                 \
	"{table: people, anchor: id, values: {mail: {table: mails, key: "      \
	"person, value: mail}}, delta: "

static void triggers_tell_what_changed(void **state)
{
	struct agent *agent =
		agent_new("name mail:string*", NULL, SOURCE "{by: history}}");

	(void)state;
	people("");
	sql(agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	assert_reads(agent, IMPORT_DELTA, "");
	change_all();
	assert_tells(agent, ALL_CHANGES);
	/* so much is told once more */
	assert_tells(agent, ALL_CHANGES);
	sql("UPDATE people_changes SET changed_at = changed_at - "
	    "INTERVAL 11 MINUTE");
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
}

static void versions_tell_what_changed(void **state)
{
	struct agent *agent = agent_new("name mail:string*", NULL,
					SOURCE "{by: versioning}}");

	(void)state;
	people("WITH SYSTEM VERSIONING");
	assert_reads(agent, IMPORT_FULL, THREE);
	change_all();
	assert_tells(agent, ALL_CHANGES);
	agent_free(agent);
}

static void a_timestamp_tells_what_changed(void **state)
{
	struct agent *agent = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: timestamp, column: "
		"changed}}");

	(void)state;
	people("");
	sql("ALTER TABLE people ADD changed datetime DEFAULT '2000-01-01'");
	(void)agent_read(agent, IMPORT_FULL);
	sql("UPDATE people SET name = 'Bert', changed = UTC_TIMESTAMP() "
	    "WHERE id = 2;\nDELETE FROM people WHERE id = 1");
	assert_tells(agent, "object person 2 name=Bert\npresent person 2\n"
			    "present person 3\n");
	agent_free(agent);
}

static void a_delta_gives_the_same_bytes(void **state)
{
	struct agent *agent =
		agent_new("name n:integer at:datetime a b", NULL,
			  "{table: people, anchor: id, delta: {by: history}}");

	(void)state;
	people("");
	sql("ALTER TABLE people ADD n integer, ADD at datetime(6), "
	    "ADD a char(20), ADD b text");
	sql(agent_setup(agent));
	(void)agent_read(agent, IMPORT_FULL);
	sql("UPDATE people SET name = 'Zo\xC3\xAB', n = -7, "
	    "at = '2026-11-22 08:15:00.5' WHERE id = 2;\n"
	    "DELETE FROM people WHERE id <> 2");
	assert_same_bytes(agent);
	sql("UPDATE people SET name = '', n = NULL, at = NULL");
	assert_same_bytes(agent);
	sql("UPDATE people SET name = NULL");
	assert_same_bytes(agent);
	agent_free(agent);
}

static void passwords_go_through_odbc(void **state)
{
	struct agent *agent = agent_new(
		"id", NULL,
		"{table: people, anchor: id, passwords: {set: 'UPDATE people "
		"SET name = sha1(:new_password) WHERE id = :id', change: "
		"'UPDATE people SET name = sha1(:new_password) WHERE id = :id "
		"AND name = sha1(:old_password)'}}");

	(void)state;
	people("");
	assert_string_equal(agent_password(agent, "2", NULL, "o'\"\\\xC3\xA9"),
			    "ok");
	assert_string_equal(agent_password(agent, "9", NULL, "x"),
			    "cd-missing-object: the account is not there");
	assert_string_equal(agent_password(agent, "2", "x", "y"),
			    "permission-issue: the account is not there, or "
			    "the old password is not right");
	assert_string_equal(
		agent_password(agent, "2", "o'\"\\\xC3\xA9", "next"), "ok");
	sql("UPDATE people SET name = id;\n"
	    "ALTER TABLE people MODIFY name varchar(10)");
	assert_non_null(strstr(agent_password(agent, "1", NULL, "geheim"),
			       "invalid-attribute-value: the database refuses "
			       "it (SQLSTATE 22001)"));
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLES(a_delta_gives_the_same_bytes),
		ON_TABLES(passwords_go_through_odbc),
		ON_TABLES(triggers_tell_what_changed),
		ON_TABLES(versions_tell_what_changed),
		ON_TABLES(a_timestamp_tells_what_changed),
	};

	return tables_run_mariadb(tests, sizeof(tests) / sizeof(*tests));
}
