/*
 * test_postgresql_import.c - what a full import of a database reads
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

/* cmocka wants what stands above. */
#include <cmocka.h>

/* --- values ------------------------------------------------------------ */

static void columns_become_values(void **state)
{
	struct agent *agent = agent_new(
		"id name code salary:string hired:datetime seen:datetime "
		"local:datetime on:boolean flag:integer guid photo:binary "
		"hex:string birth:datetime n:integer empty ratio",
		NULL, "{table: people, anchor: id, time_zone: 'Europe/Rome'}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text, "
	    "code char(6), salary numeric(20,4), hired date, "
	    "seen timestamptz, local timestamp, \"on\" boolean, flag boolean, "
	    "guid uuid, photo bytea, hex bytea, birth date, n numeric, "
	    "empty text, ratio double precision)");
	sql("INSERT INTO people VALUES (7, E'Zo\\u00eb \\U0001F600', 'AB', "
	    "12345678901234.5600, '2026-11-22', '2026-07-01 12:00:00+02', "
	    "'2026-07-01 12:00:00.25', true, true, "
	    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', "
	    "'x', '\\x00ff', '1943-02-03', 12.00, '', 0.1)");
	sql("INSERT INTO people (id) VALUES (8)");
	assert_reads(
		agent, IMPORT_FULL,
		"object person 7 id=7 name=Zo\xC3\xAB \xF0\x9F\x98\x80 code=AB "
		"salary=12345678901234.5600 hired=2026-11-22T00:00:00Z "
		"seen=2026-07-01T10:00:00Z local=2026-07-01T10:00:00.25Z "
		"on=true flag=1 guid=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 "
		"photo=x hex=00ff birth=1943-02-03T00:00:00Z n=12 ratio=0.1\n"
		"object person 8 id=8\n");
	agent_free(agent);
}

static void names_are_found_in_any_case_and_quoted(void **state)
{
	struct agent *agent =
		agent_new("ID displayName", NULL,
			  "{table: '\"odd \"\"name\".\"a.b\"', anchor: id}");

	(void)state;
	sql("DROP SCHEMA IF EXISTS \"odd \"\"name\" CASCADE; "
	    "CREATE SCHEMA \"odd \"\"name\"");
	sql("CREATE TABLE \"odd \"\"name\".\"a.b\" "
	    "(\"Id\" text, \"DISPLAYNAME\" text)");
	sql("INSERT INTO \"odd \"\"name\".\"a.b\" VALUES ('Q', 'x')");
	assert_reads(agent, IMPORT_FULL,
		     "object person Q ID=Q displayName=x\n");
	agent_free(agent);
}

static void bad_rows_are_errors_of_their_own(void **state)
{
	struct agent *agent = agent_new("name n:integer", NULL,
					"{table: people, anchor: [site, nr]}");

	(void)state;
	sql("CREATE TABLE people (site text, nr integer, name text, n text)");
	sql("INSERT INTO people VALUES ('A', 1, 'x', '5'), "
	    "(NULL, 2, 'x', '5'), ('', 3, 'x', '5'), ('A|B', 4, 'x', '5'), "
	    "('C', 5, 'x', 'five'), ('C', 6, '', '')");
	assert_reads(
		agent, IMPORT_FULL,
		"object person A|1 name=x n=5\n"
		"error person  missing-anchor-component "
		"(the anchor 'site' has no value) people, row 2\n"
		"error person  missing-anchor-component "
		"(the anchor 'site' has no value) people, row 3\n"
		"error person  invalid-attribute-value (the anchor 'site' has "
		"a '|', which divides the columns of an anchor) people, row "
		"4\n"
		"error person C|5 invalid-numeric-value "
		"('five' in 'n' is not a valid integer) people, row 5\n"
		"object person C|6\n");
	agent_free(agent);
}

static void what_is_missing_is_named(void **state)
{
	struct agent *agent =
		agent_new("name mial", NULL, "{table: people, anchor: id}");
	struct agent *table =
		agent_new("name", NULL, "{table: peeple, anchor: id}");

	(void)state;
	sql("CREATE TABLE people (id integer, name text, mail text)");
	assert_reads(agent, IMPORT_FULL,
		     "FAILED: agent 'hr': cannot begin the import: 'people' "
		     "has no column 'mial'; it has: id, name, mail; did you "
		     "mean 'mail'?");
	assert_reads(table, IMPORT_FULL,
		     "FAILED: agent 'hr': cannot begin the import: there is no "
		     "table or view 'peeple' that this user may read; did you "
		     "mean 'people'?");
	/* a view that was made anew */
	sql("CREATE VIEW peeple AS SELECT id, name FROM people; "
	    "INSERT INTO people VALUES (1, 'x', 'y')");
	assert_reads(table, IMPORT_FULL, "object person 1 name=x\n");
	sql("DROP VIEW peeple; CREATE VIEW peeple AS SELECT id FROM people");
	assert_reads(table, IMPORT_FULL,
		     "FAILED: agent 'hr': cannot begin the import: 'peeple' "
		     "has no column 'name'; it has: id");
	agent_free(agent);
	agent_free(table);
}

/* --- several values ---------------------------------------------------- */

static void child_tables_give_values(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string* phone:string* boss:reference", NULL,
		"{table: people, anchor: [site, nr], values: {mail: "
		"{table: mails, key: [s, n], value: address}, phone: "
		"{table: phones, value: [work, home]}}}");

	(void)state;
	sql("CREATE TABLE people (site char(4), nr integer, name text, "
	    "boss text)");
	sql("CREATE TABLE mails (s char(4), n integer, address text)");
	sql("CREATE TABLE phones (site text, nr integer, work text, "
	    "home text)");
	sql("INSERT INTO people VALUES ('A', 1, 'Ann', NULL), "
	    "('A', 2, 'Bob', 'A|1'), ('B', 1, 'Cid', 'A|1')");
	sql("INSERT INTO mails VALUES ('A', 1, 'z@x'), ('B', 1, 'c@x'), "
	    "('A', 1, 'a@x'), ('A', 2, ''), ('C', 9, 'nobody@x')");
	sql("INSERT INTO phones VALUES ('A', 2, NULL, '12'), "
	    "('A', 2, '34', '56'), ('A', 2, NULL, NULL)");
	assert_reads(agent, IMPORT_FULL,
		     "object person A|1 name=Ann mail=a@x,z@x\n"
		     "object person A|2 name=Bob phone=34,12 boss=A|1\n"
		     "object person B|1 name=Cid mail=c@x boss=A|1\n");
	agent_free(agent);
}

static void one_table_may_hold_several_attributes(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string* level:integer room", NULL,
		"{table: people, anchor: id, attributes: [{table: more, "
		"name: attr, key: person, value: [text, number]}]}");

	(void)state;
	sql("CREATE TABLE people (id integer, name text)");
	sql("CREATE TABLE more (person integer, attr char(10), text text, "
	    "number integer)");
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')");
	sql("INSERT INTO more VALUES (1, 'MAIL', 'b', NULL), "
	    "(1, 'level', NULL, 5), (1, 'mail', 'a', NULL), "
	    "(1, 'unknown', 'x', NULL), (2, 'level', 'high', NULL)");
	assert_reads(agent, IMPORT_FULL,
		     "object person 1 name=Ann mail=a,b level=5\n"
		     "error person 2 invalid-numeric-value ('high' in 'level' "
		     "is not a valid integer) people, row 2\n");
	agent_free(agent);
}

static void equal_objects_have_equal_bytes(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string*", NULL,
		"{table: people, anchor: id, values: {mail: {table: mails, "
		"key: id, value: mail}}}");
	struct connector c;
	struct change changes[2];
	int i;

	(void)state;
	sql("CREATE TABLE people (id integer, name text)");
	sql("CREATE TABLE mails (id integer, mail text)");
	sql("INSERT INTO people VALUES (1, 'Ann')");
	sql("INSERT INTO mails VALUES (1, 'b'), (2, 'x'), (1, 'a')");
	for (i = 0; i < 2; i++) {
		assert_int_equal(connector_open(&c, &agent_ops, &agent->config,
						&agent->err),
				 0);
		assert_int_equal(connector_import_begin(&c, IMPORT_FULL,
							SV_NULL, &agent->err),
				 0);
		assert_int_equal(connector_next_deferred(&c, &agent->arena,
							 &changes[i],
							 &agent->err),
				 1);
		changes[i].raw_context =
			arena_dup(&agent->arena, changes[i].raw_context);
		connector_close(&c);
		sql("TRUNCATE mails; INSERT INTO mails VALUES (1, 'a'), "
		    "(1, 'b'); UPDATE people SET name = 'Ann'");
	}
	assert_true(changes[0].raw.len > 0);
	assert_true(sv_eq(changes[0].raw, changes[1].raw));
	assert_true(sv_eq(changes[0].raw_context, changes[1].raw_context));
	agent_free(agent);
}

/* --- sources ----------------------------------------------------------- */

static void types_have_tables_or_a_column(void **state)
{
	struct agent *tables = agent_new(
		"name", "name member:reference*",
		"{anchor: id, types: {person: {table: people}, group: "
		"{table: groups, anchor: name, values: {member: "
		"{table: members, key: grp, value: id}}}}}");
	struct agent *column = agent_new(
		"name", "name", "{table: things, anchor: name, type: kind}");

	(void)state;
	sql("CREATE TABLE people (id integer, name text)");
	sql("CREATE TABLE groups (name text)");
	sql("CREATE TABLE members (grp text, id integer)");
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob'); "
	    "INSERT INTO groups VALUES ('g'), ('h'); "
	    "INSERT INTO members VALUES ('g', 2), ('g', 1)");
	assert_reads(tables, IMPORT_FULL,
		     "object person 1 name=Ann\nobject person 2 name=Bob\n"
		     "object group g name=g member=1,2\n"
		     "object group h name=h\n");
	sql("CREATE TABLE things (name text, kind char(8))");
	sql("INSERT INTO things VALUES ('a', 'Person'), ('b', 'group'), "
	    "('c', 'printer'), ('d', NULL)");
	assert_reads(column, IMPORT_FULL,
		     "object person a name=a\nobject group b name=b\n"
		     "filtered person c  ('printer' is the type of no rule "
		     "set) things, row 3\n"
		     "error person d missing-object-type (the column that "
		     "names the type is empty) things, row 4\n");
	agent_free(tables);
	agent_free(column);
}

static void a_query_is_a_source(void **state)
{
	struct agent *agent = agent_new(
		"name mail:string*", NULL,
		"{query: 'SELECT upper(name) AS name, 1 AS other, id "
		"FROM people ORDER BY id DESC', anchor: ID, values: {mail: "
		"{table: mails, key: id, value: mail}}}");
	struct agent *plain = agent_new("name", NULL,
					"{query: 'SELECT name, id FROM people "
					"ORDER BY id DESC', anchor: ID}");
	struct agent *broken =
		agent_new("nme", NULL,
			  "{query: 'SELECT name, id FROM people', anchor: id}");

	(void)state;
	sql("CREATE TABLE people (id integer, name text)");
	sql("CREATE TABLE mails (id integer, mail text)");
	sql("INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob'); "
	    "INSERT INTO mails VALUES (2, 'b')");
	assert_reads(agent, IMPORT_FULL,
		     "object person 2 name=BOB mail=b\n"
		     "object person 1 name=ANN\n");
	assert_reads(plain, IMPORT_FULL,
		     "object person 2 name=Bob\nobject person 1 name=Ann\n");
	assert_reads(broken, IMPORT_FULL,
		     "FAILED: agent 'hr': cannot begin the import: 'the query' "
		     "has no column 'nme'; it has: name, id; did you mean "
		     "'name'?");
	agent_free(agent);
	agent_free(plain);
	agent_free(broken);
}

/* --- settings ---------------------------------------------------------- */

static void what_does_not_go_together_is_told(void **state)
{
	static const struct {
		const char *settings;
		const char *problems;
	} cases[] = {
		{ "{table: a, anchor: id}", "" },
		{ "{anchor: id}",
		  "'table' is missing: the table or view with a row for each "
		  "object, or a SELECT as 'query'\n" },
		{ "{table: a, query: SELECT, anchor: id}",
		  "write 'table' or 'query', not both\n" },
		{ "{table: a}", "'anchor' is missing: the columns that "
				"identify an object for ever\n" },
		{ "{table: a, anchor: [x, y], values: {m: {table: b, key: x, "
		  "value: v}}}",
		  "the key has 1 columns and the anchor 2: they belong "
		  "together one by one\n" },
		{ "{table: a, anchor: x, attributes: [{table: b, name: n, key: "
		  "[x, y], value: v}]}",
		  "the key has 2 columns and the anchor 1: they belong "
		  "together one by one\n" },
		{ "{table: a, anchor: id, values: {m: {table: b}}}",
		  "'value' is missing: the column with a value; of several the "
		  "first that has one\n" },
		{ "{table: a, anchor: id, time_zone: Europe/Nowhere}",
		  "there is no time zone 'Europe/Nowhere': write a name as "
		  "Europe/Rome, one that is in /usr/share/zoneinfo (package "
		  "tzdata)\n" },
		{ "{table: a, anchor: id, delta: {by: view, table: b}}",
		  "'change' is missing: the column that says what happened\n" },
		{ "{table: a, anchor: id, delta: {by: timestamp}}",
		  "'column' is missing: the column with the moment of a "
		  "change\n" },
		{ "{table: a, anchor: id, delta: {by: view, table: b, change: "
		  "c, after: DELETE}}",
		  "'after' needs 'sequence', the column whose largest value "
		  ":last stands for\n" },
		{ "{table: a, anchor: id, delta: {by: history, after: x}}",
		  "'after' is for 'by: view' only\n" },
		{ "{table: a, anchor: id, types: {person: {table: b}}}",
		  "'table' stands inside each type when there is 'types'\n" },
		{ "{anchor: id, types: {robot: {table: b}}}",
		  "no table is set for the type 'person' of a rule set\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct agent *agent =
			agent_new("name", NULL, cases[i].settings);

		assert_string_equal(agent_check(agent), cases[i].problems);
		agent_free(agent);
	}
}

static void anchors_are_taken_apart(void **state)
{
	struct sv parts[3];

	(void)state;
	assert_int_equal(sql_anchor_split(SV_LIT("a|b"), 1, parts), 1);
	assert_true(sv_eq_str(parts[0], "a|b"));
	assert_int_equal(sql_anchor_split(SV_LIT("a|b|c"), 3, parts), 3);
	assert_true(sv_eq_str(parts[2], "c"));
	assert_int_equal(sql_anchor_split(SV_LIT("a|b|c"), 2, parts), 0);
	assert_int_equal(sql_anchor_split(SV_LIT("a|b"), 3, parts), 0);
	assert_int_equal(sql_anchor_split(SV_LIT(""), 1, parts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_go_together_is_told),
		cmocka_unit_test(anchors_are_taken_apart),
		ON_TABLES(columns_become_values),
		ON_TABLES(names_are_found_in_any_case_and_quoted),
		ON_TABLES(bad_rows_are_errors_of_their_own),
		ON_TABLES(what_is_missing_is_named),
		ON_TABLES(child_tables_give_values),
		ON_TABLES(one_table_may_hold_several_attributes),
		ON_TABLES(equal_objects_have_equal_bytes),
		ON_TABLES(types_have_tables_or_a_column),
		ON_TABLES(a_query_is_a_source),
	};

	return tables_run(tests, sizeof(tests) / sizeof(*tests));
}
