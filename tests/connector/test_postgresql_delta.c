/*
 * test_postgresql_delta.c - what a delta import of a database reads
 *
 * Each way to find changes, and for each the transaction that took its number
 * or moment before an import and is committed behind it: it must not be lost.
 * Started by tools/pgserver.py, which gives the address.
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

#define NO_MARK                                                                \
	"FAILED: agent 'hr': cannot begin the import: the changes do not "     \
	"continue what was imported last: run a full import"

static void people(void)
{
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text)");
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid')");
}

#define THREE                                                                  \
	"object person 1 name=Ann\nobject person 2 name=Bob\n"                 \
	"object person 3 name=Cid\n"

/* --- history ----------------------------------------------------------- */

static void a_history_tells_what_changed(void **state)
{
	struct agent *agent =
		agent_new("name", NULL,
			  "{table: people, anchor: id, delta: {by: history}}");

	(void)state;
	people();
	sql(agent_setup(agent));
	assert_reads(agent, IMPORT_DELTA, NO_MARK);
	assert_reads(agent, IMPORT_FULL, THREE);
	assert_reads(agent, IMPORT_DELTA, "");
	sql("UPDATE people SET name = 'Bert' WHERE id = 2; "
	    "UPDATE people SET name = 'Bart' WHERE id = 2");
	sql("DELETE FROM people WHERE id = 1; "
	    "INSERT INTO people VALUES (4, 'Dan'); "
	    "UPDATE people SET id = 33 WHERE id = 3");
	assert_tells(agent, "delete person 1\nobject person 2 name=Bart\n"
			    "delete person 3\nobject person 4 name=Dan\n"
			    "object person 33 name=Cid\n");
	assert_reads(agent, IMPORT_DELTA, "");
	sql("TRUNCATE people");
	assert_tells(agent,
		     "delete person 2\ndelete person 4\ndelete person 33\n");
	agent_free(agent);
}

static void a_history_has_child_tables_and_keys_of_several_columns(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string*", NULL,
		"{table: people, anchor: [site, nr], values: {mail: {table: "
		"mails, key: [s, n], value: mail}}, delta: {by: history, "
		"table: log}}");

	(void)state;
	sql("CREATE TABLE people (site varchar(8), nr integer, name text)");
	sql("CREATE TABLE mails (s varchar(8), n integer, mail text)");
	sql("INSERT INTO people VALUES ('A', 1, 'Ann'), ('A', 2, 'Bob'); "
	    "INSERT INTO mails VALUES ('A', 1, 'a@x')");
	sql(agent_setup(agent));
	assert_reads(agent, IMPORT_FULL,
		     "object person A|1 name=Ann mail=a@x\n"
		     "object person A|2 name=Bob\n");
	sql("INSERT INTO mails VALUES ('A', 2, 'b@x'); "
	    "DELETE FROM mails WHERE n = 1");
	assert_tells(agent, "object person A|1 name=Ann\n"
			    "object person A|2 name=Bob mail=b@x\n");
	agent_free(agent);
}

static void a_type_that_changes_is_told(void **state)
{
	struct agent *agent =
		agent_new("name", "name",
			  "{table: things, anchor: id, type: kind, delta: "
			  "{by: history}}");

	(void)state;
	sql("CREATE TABLE things (id integer PRIMARY KEY, kind text, "
	    "name text)");
	sql("INSERT INTO things VALUES (1, 'person', 'a'), (2, 'group', 'b')");
	sql(agent_setup(agent));
	assert_reads(agent, IMPORT_FULL,
		     "object person 1 name=a\nobject group 2 name=b\n");
	sql("UPDATE things SET kind = 'group' WHERE id = 1; "
	    "DELETE FROM things WHERE id = 2");
	assert_tells(agent, "object group 1 name=a\ndelete person 1\n"
			    "delete person 2\ndelete group 2\n");
	agent_free(agent);
}

/* Committed behind an import that began behind it. */
static void late_commit(struct agent *agent, const char *statement,
			const char *expected)
{
	PGconn *late = tables_connect();

	(void)agent_read(agent, IMPORT_FULL);
	sql_on(late, "BEGIN");
	sql_on(late, statement);
	/* later, and committed at once */
	sql("UPDATE people SET name = 'Anna' WHERE id = 1");
	(void)agent_read(agent, IMPORT_DELTA);
	sql("UPDATE people SET name = 'Ann' WHERE id = 1");
	(void)agent_read(agent, IMPORT_DELTA);
	sql_on(late, "COMMIT");
	PQfinish(late);
	assert_non_null(strstr(agent_read(agent, IMPORT_DELTA), expected));
}

#define RENAME "UPDATE people SET name = 'Berta' WHERE id = 2"

static void a_history_loses_no_late_commit(void **state)
{
	struct agent *agent =
		agent_new("name", NULL,
			  "{table: people, anchor: id, delta: {by: history}}");

	(void)state;
	people();
	sql(agent_setup(agent));
	late_commit(agent, RENAME, "object person 2 name=Berta\n");
	late_commit(agent, "DELETE FROM people WHERE id = 2",
		    "delete person 2\n");
	agent_free(agent);
}

static void a_history_is_not_kept_for_ever(void **state)
{
	struct agent *agent = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: history, keep: "
		"'2 hours'}}");
	const char *tab;

	(void)state;
	people();
	sql(agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	tab = arena_cstr(&agent->arena, agent->watermark);
	tab = arena_printf(&agent->arena, "%.*s\t2020-01-01T00:00:00Z",
			   (int)(strrchr(tab, '\t') - tab), tab);
	agent->watermark = sv_from(tab);
	assert_reads(agent, IMPORT_DELTA,
		     "FAILED: agent 'hr': cannot begin the import: people: the "
		     "last import is longer ago than the history is kept: run "
		     "a full import");
	assert_int_equal(agent->err.code, ERR_CONFLICT);
	/* a database that was set back to an older state */
	agent->watermark = SV_LIT("sql1\n*\thistory:people_changes:changed_in\t"
				  "999999999\t2999-01-01T00:00:00Z");
	assert_reads(agent, IMPORT_DELTA,
		     "FAILED: agent 'hr': cannot begin the import: people: the "
		     "database was set back: run a full import");
	agent_free(agent);
}

/* --- version and timestamp --------------------------------------------- */

static void deletions_are_found_by_comparing(void **state)
{
	struct agent *agent = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: version, column: "
		"xmin}}");
	struct agent *none = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: version, column: "
		"xmin, deletions: none}}");

	(void)state;
	people();
	assert_reads(agent, IMPORT_FULL, THREE);
	assert_reads(none, IMPORT_FULL, THREE);
	sql("DELETE FROM people WHERE id = 1");
	sql(RENAME);
	assert_tells(agent, "object person 2 name=Berta\npresent person 3\n"
			    "present person 2\n");
	assert_tells(none, "object person 2 name=Berta\n");
	assert_reads(none, IMPORT_DELTA, "");
	agent_free(agent);
	agent_free(none);
}

/* What has no delta of its own must not be taken for gone. */
static void all_types_are_compared(void **state)
{
	struct agent *agent = agent_new(
		"name", "name",
		"{anchor: id, types: {person: {table: people, delta: {by: "
		"version, column: xmin}}, group: {table: groups}}}");

	(void)state;
	people();
	sql("CREATE TABLE groups (id integer, name text)");
	sql("INSERT INTO groups VALUES (1, 'g')");
	(void)agent_read(agent, IMPORT_FULL);
	assert_tells(agent, "present person 1\npresent person 2\n"
			    "present person 3\npresent group 1\n");
	agent_free(agent);
}

static void a_version_loses_no_late_commit(void **state)
{
	struct agent *xmin = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: version, column: "
		"xmin, deletions: none}}");
	struct agent *own = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: version, column: "
		"changed, deletions: none}}");

	(void)state;
	people();
	late_commit(xmin, RENAME, "object person 2 name=Berta\n");
	sql("DROP TABLE people");
	people();
	sql("ALTER TABLE people ADD changed xid8 DEFAULT pg_current_xact_id()");
	sql("CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN NEW.changed = pg_current_xact_id(); RETURN NEW; END'; "
	    "CREATE TRIGGER stamp BEFORE UPDATE ON people FOR EACH ROW "
	    "EXECUTE FUNCTION stamp()");
	late_commit(own, RENAME, "object person 2 name=Berta\n");
	agent_free(xmin);
	agent_free(own);
}

static void a_timestamp_loses_no_late_commit(void **state)
{
	struct agent *agent = agent_new(
		"name", NULL,
		"{table: people, anchor: id, time_zone: 'America/New_York', "
		"delta: {by: timestamp, column: changed, deletions: none}}");

	(void)state;
	people();
	sql("ALTER TABLE people ADD changed timestamp DEFAULT "
	    "'2000-01-01 00:00:00'");
	late_commit(agent,
		    "UPDATE people SET name = 'Berta', "
		    "changed = now() AT TIME ZONE 'America/New_York' "
		    "WHERE id = 2",
		    "object person 2 name=Berta\n");
	/* what did not change is not read again */
	assert_null(strstr(agent_read(agent, IMPORT_DELTA), "person 3"));
	/* older than the overlap */
	sql("UPDATE people SET changed = (now() - interval '11 minutes') "
	    "AT TIME ZONE 'America/New_York'");
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
}

static void a_column_without_an_order_is_refused(void **state)
{
	struct agent *agent = agent_new(
		"name", NULL,
		"{table: people, anchor: id, delta: {by: version, column: "
		"id}}");

	(void)state;
	people();
	assert_reads(agent, IMPORT_FULL,
		     "FAILED: agent 'hr': cannot begin the import: the column "
		     "'id' is of the type 'integer', by which no delta is "
		     "safe: what is committed late would be lost; it must be "
		     "xid8 or xmin on PostgreSQL, rowversion on SQL Server");
	agent_free(agent);
}

/* --- view -------------------------------------------------------------- */

#define VIEW                                                                   \
	"{table: people, anchor: id, values: {mail: {table: mails, key: id, "  \
	"value: mail}}, delta: {by: view, table: changes, change: what, "      \
	"attribute: attr, sequence: nr, add: new"

static void view_tables(void)
{
	people();
	sql("CREATE TABLE mails (id integer, mail text)");
	sql("CREATE TABLE changes (nr serial, what text, attr text, "
	    "id integer, name text)");
	sql("INSERT INTO changes (what, id, name) VALUES "
	    "('Modify', 2, 'older than the full import')");
}

static void change_all(void)
{
	sql("INSERT INTO mails VALUES (1, 'a@x'), (4, 'd@x'); "
	    "INSERT INTO people VALUES (4, 'Dan')");
	sql("INSERT INTO changes (what, attr, id, name) VALUES "
	    "('modify_attribute', 'mail', 1, NULL), "
	    "('modify_attribute', 'NAME', 3, NULL), "
	    "('Modify', NULL, 2, 'B.'), ('delete', NULL, 2, NULL), "
	    "('new', NULL, 4, 'Dan'), ('what?', NULL, 5, 'E'), "
	    "(NULL, NULL, 6, 'F'), ('modify_attribute', 'other', 1, NULL)");
}

#define CHANGES                                                                \
	"update person 1 mail=a@x\nupdate person 3 name=\n"                    \
	"object person 2 name=B.\ndelete person 2\n"                           \
	"add person 4 name=Dan mail=d@x\n"                                     \
	"error person 5 invalid-change-type ('what?' is none of the words of " \
	"'delta') changes, row 6\n"                                            \
	"error person 6 missing-change-type (the column that says what "       \
	"happened is empty) changes, row 7\n"

static void a_view_says_what_happened(void **state)
{
	struct agent *agent = agent_new("name mail:string*", NULL, VIEW "}}");

	(void)state;
	view_tables();
	assert_reads(agent, IMPORT_FULL, THREE);
	assert_reads(agent, IMPORT_DELTA, "");
	change_all();
	assert_reads(agent, IMPORT_DELTA, CHANGES);
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
}

static void a_statement_takes_away_what_was_read(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string*", NULL,
		VIEW ", after: 'DELETE FROM changes WHERE nr <= :last'}}");
	struct agent *broken = agent_new(
		"name mail:string*", NULL,
		VIEW ", after: 'DELETE FROM changs WHERE nr <= :last'}}");

	(void)state;
	view_tables();
	assert_string_equal(agent_read(broken, IMPORT_FULL),
			    "FAILED: agent 'hr': cannot let go of the changes "
			    "that were imported: the statement 'after' failed: "
			    "relation \"changs\" does not exist");
	/* the rows of before a full import go with it */
	assert_reads(agent, IMPORT_FULL, THREE);
	sql("DO $$BEGIN ASSERT (SELECT count(*) FROM changes) = 0; END$$");
	change_all();
	assert_reads(agent, IMPORT_DELTA, CHANGES);
	sql("DO $$BEGIN ASSERT (SELECT count(*) FROM changes) = 0; END$$");
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
	agent_free(broken);
}

/* What the delta and the full import give of an object has the same bytes, so
 * that the next full import finds it unchanged. */
static void a_delta_gives_the_same_bytes(void **state)
{
	static const char *const ways[] = {
		"{table: people, anchor: id, delta: {by: version, column: "
		"xmin}}",
		"{table: people, anchor: id, delta: {by: history}}",
	};
	static const char *const names[] = {
		"'Berta'",
		"E'\\\\\\b\\f\\n\\r\\t\\x0b\\x01\\\\N'",
		"NULL",
		"''",
	};
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct agent *agent = agent_new("name", NULL, ways[i % 2]);
		char update[200];

		sql("DROP TABLE IF EXISTS people, people_changes; "
		    "DROP FUNCTION IF EXISTS people_changes_of_people");
		people();
		if (i % 2)
			sql(agent_setup(agent));
		(void)agent_read(agent, IMPORT_FULL);
		(void)snprintf(update, sizeof(update),
			       "UPDATE people SET name = %s WHERE id = 2; "
			       "DELETE FROM people WHERE id <> 2",
			       names[i / 2]);
		sql(update);
		assert_same_bytes(agent);
		agent_free(agent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLES(a_history_tells_what_changed),
		ON_TABLES(
			a_history_has_child_tables_and_keys_of_several_columns),
		ON_TABLES(a_type_that_changes_is_told),
		ON_TABLES(a_history_loses_no_late_commit),
		ON_TABLES(a_history_is_not_kept_for_ever),
		ON_TABLES(deletions_are_found_by_comparing),
		ON_TABLES(all_types_are_compared),
		ON_TABLES(a_version_loses_no_late_commit),
		ON_TABLES(a_timestamp_loses_no_late_commit),
		ON_TABLES(a_column_without_an_order_is_refused),
		ON_TABLES(a_view_says_what_happened),
		ON_TABLES(a_statement_takes_away_what_was_read),
		ON_TABLES(a_delta_gives_the_same_bytes),
	};

	return tables_run(tests, sizeof(tests) / sizeof(*tests));
}
