/*
 * test_postgresql_export.c - what an export writes to a database
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
#include <stdio.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

#define assert_writes(agent, operations, expected)                             \
	assert_string_equal(agent_write(agent, operations), expected)

/* The one value that a query gives. */
static const char *asked(const char *text)
{
	static char out[4000];
	PGconn *conn = tables_connect();
	PGresult *result = PQexec(conn, text);

	if (PQntuples(result) != 1)
		fail_msg("%s: %s", text, PQresultErrorMessage(result));
	(void)snprintf(out, sizeof(out), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return out;
}

/* All rows of a table, a line for each. */
static const char *rows_of(const char *table)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "SELECT coalesce(string_agg(t::text, ' ' ORDER BY "
		       "t::text), '') FROM %s t",
		       table);
	return asked(text);
}

/* --- values ------------------------------------------------------------- */

static void values_become_columns(void **state)
{
	struct agent *agent = agent_new(
		"id name code salary:string hired:datetime seen:datetime "
		"local:datetime on:boolean flag:boolean guid photo:binary n:integer",
		NULL, "{table: people, anchor: id, time_zone: 'Europe/Rome'}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text, "
	    "code char(6), salary numeric(20,4), hired date, "
	    "seen timestamptz, local timestamp, \"on\" boolean, flag smallint, "
	    "guid uuid, photo bytea, n bigint)");
	assert_writes(
		agent,
		"add person 7 name=Zo\xC3\xAB,\xF0\x9F\x98\x80\n"
		"add person 8 name=x code=AB salary=12.50 "
		"hired=2026-11-22T00:00:00Z seen=2026-07-01T10:00:00Z "
		"local=2026-07-01T10:00:00.25Z on=true flag=true "
		"guid=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 photo=\x01\xFF "
		"n=-9223372036854775808\n",
		"insufficient-columns\nok 8\n");
	assert_string_equal(
		rows_of("people"),
		"(8,x,\"AB    \",12.5000,2026-11-22,\"2026-07-01 10:00:00+00\","
		"\"2026-07-01 12:00:00.25\",t,1,"
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,\"\\\\x01ff\","
		"-9223372036854775808)");
	assert_writes(agent, "update person 8 on=false seen= flag=false\n",
		      "ok 8\n");
	assert_string_equal(
		asked("SELECT \"on\"::text || flag || (seen IS NULL)::text FROM "
		      "people"),
		"false0true");
	agent_free(agent);
}

static void only_what_changed_is_written(void **state)
{
	struct agent *agent = agent_new("id name mail phone", NULL,
					"{table: people, anchor: id}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text, mail "
	    "text, phone text)");
	sql("CREATE TABLE seen (what text)");
	sql("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
	    "$$BEGIN INSERT INTO seen VALUES ('name'); RETURN NULL; END$$");
	sql("CREATE TRIGGER noted AFTER UPDATE OF name ON people FOR EACH ROW "
	    "EXECUTE FUNCTION note()");
	sql("INSERT INTO people VALUES (1, 'Ann', 'a', '1')");
	assert_writes(agent, "update person 1 mail=b\n", "ok 1\n");
	assert_string_equal(rows_of("seen"), "");
	assert_writes(agent, "update person 1 name=Eve phone=\n", "ok 1\n");
	assert_string_equal(rows_of("people"), "(1,Eve,b,)");
	assert_string_equal(rows_of("seen"), "(name)");
	agent_free(agent);
}

static void anchors_of_all_kinds(void **state)
{
	struct agent *several = agent_new("site nr name", NULL,
					  "{table: two, anchor: [site, nr]}");
	struct agent *made = agent_new("id name mail:string*", NULL,
				       "{table: made, anchor: id, values: "
				       "{mail: {table: mails, key: owner, "
				       "value: mail}}}");
	struct agent *bytes =
		agent_new("id name", NULL, "{table: raw, anchor: id}");

	(void)state;
	sql("CREATE TABLE two (site text, nr integer, name text, PRIMARY KEY "
	    "(site, nr))");
	assert_writes(several,
		      "add person A|7 name=x\n"
		      "add person - site=B nr=8 name=y\n"
		      "update person A|7 name=z\n"
		      "update person A|7 nr=9\n"
		      "update person A|7 nr=7\n"
		      "update person A name=z\n"
		      "delete person B|8\n",
		      "ok A|7\nok B|8\nok A|7\nmodify-naming-attribute\n"
		      "ok A|7\ninvalid-dn\nok B|8\n");
	assert_string_equal(rows_of("two"), "(A,7,z)");
	sql("CREATE TABLE made (id integer GENERATED ALWAYS AS IDENTITY "
	    "PRIMARY KEY, name text)");
	sql("CREATE TABLE mails (owner integer REFERENCES made, mail text)");
	assert_writes(made,
		      "add person - name=x mail=a,b\nadd person - name=y\n"
		      "add person - name=z mail=c\n",
		      "ok 1\nok 2\nok 3\n");
	assert_string_equal(rows_of("mails"), "(1,a) (1,b) (3,c)");
	/* whoever is made anew has a new one */
	assert_writes(made, "replace person 1 name=w mail=d\n", "ok 4\n");
	assert_string_equal(rows_of("made"), "(2,y) (3,z) (4,w)");
	assert_string_equal(rows_of("mails"), "(3,c) (4,d)");
	sql("CREATE TABLE raw (id bytea PRIMARY KEY, name text)");
	assert_writes(bytes,
		      "add person 00ff10 name=x\nupdate person 00ff10 name=y\n",
		      "ok 00ff10\nok 00ff10\n");
	assert_string_equal(rows_of("raw"), "(\"\\\\x00ff10\",y)");
	agent_free(several);
	agent_free(made);
	agent_free(bytes);
}

/* --- several values ----------------------------------------------------- */

static void child_rows_come_and_go(void **state)
{
	struct agent *agent = agent_new(
		"id mail:string* tag:string* code:integer*", NULL,
		"{table: people, anchor: id, values: {mail: {table: mails, "
		"key: person, value: mail}}, attributes: [{table: more, key: "
		"person, name: what, value: [text, number]}]}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY)");
	sql("CREATE TABLE mails (person integer REFERENCES people, mail text, "
	    "PRIMARY KEY (person, mail))");
	sql("CREATE TABLE more (person integer REFERENCES people, what text, "
	    "text text, number integer)");
	assert_writes(agent,
		      "add person 1 mail=a,b tag=x,y\n"
		      "add person 2 mail=c tag=z\n",
		      "ok 1\nok 2\n");
	assert_writes(agent,
		      "update person 1 mail+=c mail-=a tag=w\n"
		      "update person 2 mail= tag-=z\n",
		      "ok 1\nok 2\n");
	assert_string_equal(rows_of("mails"), "(1,b) (1,c)");
	assert_string_equal(rows_of("more"), "(1,tag,w,)");
	assert_writes(agent,
		      "update person 1 mail+=b\n"
		      "update person 3 mail+=b\n"
		      "update person 2 mail+=q\n",
		      "cd-existing-attribute-or-value\ncd-missing-object\n"
		      "ok 2\n");
	assert_writes(agent, "retry update person 1 mail+=b,e mail-=c\n",
		      "ok 1\n");
	assert_string_equal(rows_of("mails"), "(1,b) (1,e) (2,q)");
	assert_writes(agent, "delete person 1\ndelete person 1\n",
		      "ok 1\nok 1\n");
	assert_string_equal(rows_of("mails"), "(2,q)");
	assert_string_equal(rows_of("people"), "(2)");
	agent_free(agent);
}

static void several_values_in_a_column(void **state)
{
	struct agent *agent = agent_new("id mail:string*", NULL,
					"{table: people, anchor: id}");
	struct object_type *type = &agent->types[0];
	struct attr_def attrs[] = { type->attrs[0], type->attrs[1] };

	(void)state;
	attrs[1].separator = SV_LIT(";");
	attrs[1].multi = true;
	type->attrs = attrs;
	sql("CREATE TABLE people (id integer PRIMARY KEY, mail text)");
	assert_writes(agent,
		      "add person 1 mail=a,b\n"
		      "update person 1 mail+=c,a mail-=b\n"
		      "add person 2 mail=x;y\n"
		      "update person 9 mail+=c\n",
		      "ok 1\nok 1\ninvalid-attribute-value\n"
		      "cd-missing-object\n");
	assert_string_equal(rows_of("people"), "(1,a;c)");
	agent_free(agent);
}

/* --- refused ------------------------------------------------------------ */

static void make_people(void)
{
	sql("CREATE TABLE people (id integer PRIMARY KEY, name varchar(5) NOT "
	    "NULL, mail text UNIQUE, age integer CHECK (age < 200), boss "
	    "integer REFERENCES people)");
	sql("INSERT INTO people VALUES (1, 'Ann', 'a', 40), (2, 'Bob', 'b', NULL)");
}

static void each_outcome_is_its_own(void **state)
{
	struct agent *agent =
		agent_new("id name mail age boss:reference nosuch", NULL,
			  "{table: people, anchor: id}");

	(void)state;
	make_people();
	assert_writes(agent,
		      "add person 3 name=Cid\n"
		      "add person 1 name=New\n"
		      "add person 4 name=Dan mail=a\n"
		      "update person 2 name=Robert\n"
		      "update person 9 name=Zoe\n"
		      "update person 2 name=\n"
		      "update person 2 age=two\n"
		      "update person 2 age=200\n"
		      "update person 2 age=20\n"
		      "delete person 77\n"
		      "add person 5 name=Eve boss=2\n"
		      "update person 1 boss=99\n"
		      "delete person 2\n"
		      "update person 5 nosuch=1\n",
		      "ok 3\n"
		      "cd-existing-object\n"
		      "constraint-violation\n"
		      "invalid-attribute-value\n"
		      "cd-missing-object\n"
		      "schema-violation\n"
		      "invalid-attribute-value\n"
		      "constraint-violation\n"
		      "ok 2\n"
		      "ok 77\n"
		      "ok 5\n"
		      "dn-attributes-failure\n"
		      "constraint-violation\n"
		      "schema-violation\n");
	assert_string_equal(rows_of("people"),
			    "(1,Ann,a,40,) (2,Bob,b,20,) (3,Cid,,,) "
			    "(5,Eve,,,2)");
	agent_free(agent);
}

static void an_anchor_of_several_rows_is_not_written(void **state)
{
	struct agent *agent =
		agent_new("id name", NULL, "{table: people, anchor: id}");

	(void)state;
	sql("CREATE TABLE people (id text, name text)");
	sql("INSERT INTO people VALUES ('1', 'a'), ('1', 'b'), ('2', 'c')");
	assert_writes(agent,
		      "update person 2 name=x\nupdate person 1 name=x\n"
		      "delete person 1\n",
		      "ok 2\ncd-error\ncd-error\n");
	assert_string_equal(rows_of("people"), "(1,a) (1,b) (2,x)");
	agent_free(agent);
}

static void references_come_later(void **state)
{
	struct agent *agent = agent_new(
		"id name boss:reference", "id member:reference*",
		"{types: {person: {table: people, anchor: id}, group: {table: "
		"groups, anchor: id, values: {member: {table: members, key: "
		"grp, value: person}}}}}");

	(void)state;
	make_people();
	sql("CREATE TABLE groups (id text PRIMARY KEY)");
	sql("CREATE TABLE members (grp text REFERENCES groups, person integer "
	    "REFERENCES people)");
	assert_writes(agent,
		      "add person 11 name=a boss=12\n"
		      "add person 12 name=b boss=1\n"
		      "add group G member=1,12\n"
		      "add group H member=1,99\n"
		      "update person 1 name=A boss=98\n"
		      "add person 13 name=b boss=15\n"
		      "add person 14 name=b boss=15\n"
		      "add person 15 name=b boss=1\n"
		      "add person 16 name=b\n",
		      "ok 11 later\nok 12\nok G\nok H later\nok 1 later\n"
		      "ok 13 later\nok 14 later\nok 15\nok 16\n");
	assert_string_equal(rows_of("members"), "(G,1) (G,12)");
	assert_writes(agent, "update person 11 boss=12\n", "ok 11\n");
	assert_string_equal(asked("SELECT boss FROM people WHERE id = 11"),
			    "12");
	agent_free(agent);
}

/* --- repeated ----------------------------------------------------------- */

static void what_was_done_is_adopted(void **state)
{
	struct agent *agent = agent_new(
		"id name boss:reference mail:string*", NULL,
		"{table: people, anchor: id, values: {mail: {table: mails, "
		"key: person, value: mail}}}");
	struct agent *made =
		agent_new("id name note", NULL, "{table: made, anchor: id}");
	struct agent *noted = agent_new("id name note:string*", NULL,
					"{table: made, anchor: id, values: "
					"{note: {table: notes, key: id, value: "
					"note}}}");

	(void)state;
	make_people();
	sql("CREATE TABLE mails (person integer, mail text)");
	sql("INSERT INTO mails VALUES (1, 'x'), (1, 'y')");
	assert_writes(agent,
		      "retry add person 1 name=Ann mail=y,x\n"
		      "retry add person 1 name=Ann mail=x\n"
		      "retry add person 2 name=Bob boss=99\n"
		      "retry add person 2 name=Other\n"
		      "retry add person 3 name=Cid mail=z\n"
		      "retry delete person 77\n",
		      "ok 1 adopted\ncd-existing-object\nok 2 adopted later\n"
		      "cd-existing-object\nok 3\nok 77\n");
	sql("CREATE TABLE made (id serial PRIMARY KEY, name text, note text)");
	sql("INSERT INTO made (name, note) VALUES ('a', 'n'), ('b', 'n'), "
	    "('b', 'n')");
	assert_writes(made,
		      "retry add person - name=a note=n\n"
		      "retry add person - name=c note=n\n",
		      "ok 1 adopted\nok 4\n");
	sql("CREATE TABLE notes (id integer REFERENCES made, note text)");
	assert_writes(noted,
		      "add person - name=d note=x,y\nadd person - name=e "
		      "note=z\nadd person - name=f note=\n",
		      "ok 5\nok 6\nok 7\n");
	assert_writes(noted,
		      "retry add person - name=d note=x,y\n"
		      "retry add person - name=e note=z\n"
		      "retry add person - name=g note=z\n"
		      "retry add person - name=h note=z\n",
		      "ok 5 adopted\nok 6 adopted\nok 8\nok 9\n");
	agent_free(agent);
	agent_free(made);
	agent_free(noted);
}

/* --- own statements ------------------------------------------------------ */

static void own_statements_are_bound(void **state)
{
	struct agent *agent = agent_new(
		"id login mail", NULL,
		"{query: 'SELECT id, login, mail FROM accounts', anchor: id, "
		"batch: 1, "
		"write: {add: 'SELECT new_account(:login, :mail)', update: "
		"'CALL change_account(:id, :login, :\"mail\")', delete: "
		"'DELETE FROM accounts WHERE id = :anchor::integer -- :x'}}");
	struct agent *bad = agent_new(
		"id login", NULL,
		"{table: accounts, anchor: id, write: {add: 'SELECT f(:logn)'}}");

	(void)state;
	sql("CREATE TABLE accounts (id serial PRIMARY KEY, login text UNIQUE, "
	    "mail text)");
	sql("CREATE FUNCTION new_account(l text, m text) RETURNS integer "
	    "LANGUAGE sql AS $$INSERT INTO accounts (login, mail) VALUES "
	    "(l, m) RETURNING id$$");
	sql("CREATE PROCEDURE change_account(i integer, l text, m text) "
	    "LANGUAGE sql AS $$UPDATE accounts SET login = l, mail = m WHERE "
	    "id = i$$");
	assert_writes(agent,
		      "add person - login=ann mail=a@x\n"
		      "add person - login=bob');DROP;-- mail=:id\n"
		      "add person - login=ann\n",
		      "ok 1\nok 2\nconstraint-violation\n");
	assert_writes(agent,
		      "update person 1 login=eve\n"
		      "update person 77 login=eve\n"
		      "delete person 2\ndelete person 2\n",
		      "ok 1\ncd-missing-object\nok 2\nok 2\n");
	assert_string_equal(rows_of("accounts"), "(1,eve,a@x)");
	assert_non_null(strstr(agent_write(bad, "add person 1 login=x\n"),
			       "asks for :logn"));
	agent_free(agent);
	agent_free(bad);
}

static void what_is_read_cannot_be_written(void **state)
{
	struct agent *agent =
		agent_new("id name", NULL,
			  "{query: 'SELECT 1 AS id, 2 AS name', anchor: id}");

	(void)state;
	assert_writes(agent, "add person 1 name=x\ndelete person 1\n",
		      "no-export-to-this-object-type\n"
		      "no-export-to-this-object-type\n");
	assert_non_null(strstr(agent_message(agent), "write.delete"));
	agent_free(agent);
}

/* --- faults -------------------------------------------------------------- */

static void a_locked_row_is_one_error(void **state)
{
	struct agent *agent =
		agent_new("id name", NULL,
			  "{table: people, anchor: id, lock_timeout: 1}");
	PGconn *other;

	(void)state;
	make_people();
	other = tables_connect();
	sql_on(other, "BEGIN");
	sql_on(other, "UPDATE people SET age = 1 WHERE id = 1");
	assert_writes(agent,
		      "update person 2 name=x\nupdate person 1 name=x\n"
		      "add person 3 name=y\n",
		      "ok 2\ncd-error\nok 3\n");
	assert_non_null(strstr(agent_message(agent), "55P03"));
	PQfinish(other);
	agent_free(agent);
}

static void what_was_committed_is_known(void **state)
{
	struct agent *agent = agent_new(
		"id name", NULL, "{table: people, anchor: id, batch: 2}");

	(void)state;
	make_people();
	/* the server goes away in the third transaction */
	sql("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
	    "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN "
	    "NEW; END$$");
	sql("CREATE TRIGGER die BEFORE INSERT ON people FOR EACH ROW WHEN "
	    "(NEW.id = 105) EXECUTE FUNCTION die()");
	assert_non_null(strstr(agent_write(agent, "add person 101 name=a\n"
						  "add person 102 name=a\n"
						  "add person 103 name=a\n"
						  "add person 104 name=a\n"
						  "add person 105 name=a\n"
						  "add person 106 name=a\n"),
			       "FAILED: "));
	assert_non_null(strstr(agent_write(agent, "add person 105 name=a\n"),
			       "connection to the server was lost"));
	sql("DROP TRIGGER die ON people");
	assert_writes(agent,
		      "retry add person 104 name=a\n"
		      "retry add person 105 name=a\n",
		      "ok 104 adopted\nok 105\n");
	agent_free(agent);
}

static void a_commit_that_fails_is_one_objects(void **state)
{
	struct agent *agent =
		agent_new("id name mail", NULL, "{table: people, anchor: id}");

	(void)state;
	sql("CREATE TABLE people (id integer PRIMARY KEY, name text, mail text "
	    "UNIQUE DEFERRABLE INITIALLY DEFERRED)");
	sql("INSERT INTO people VALUES (1, 'Ann', 'a'), (2, 'Bob', 'b')");
	assert_writes(agent,
		      "add person 3 mail=c\nupdate person 2 mail=a\n"
		      "add person 4 mail=d\n",
		      "ok 3\nconstraint-violation\nok 4\n");
	assert_string_equal(rows_of("people"),
			    "(1,Ann,a) (2,Bob,b) (3,,c) (4,,d)");
	agent_free(agent);
}

/* Two agents that write the same rows in opposite orders. */
static void deadlocks_are_tried_again(void **state)
{
	struct agent *agent =
		agent_new("id name", NULL, "{table: people, anchor: id}");
	PGconn *other;

	(void)state;
	make_people();
	sql("ALTER DATABASE store1 SET deadlock_timeout = '500ms'");
	/* has row 2 and wants row 1; who looks for deadlocks is the agent */
	other = tables_connect();
	sql_on(other, "BEGIN");
	sql_on(other, "SELECT 1 FROM people WHERE id = 2 FOR UPDATE");
	assert_int_equal(
		PQsendQuery(other,
			    "SET LOCAL deadlock_timeout = '10s'; SELECT "
			    "pg_sleep(0.2); UPDATE people SET age = 9 WHERE "
			    "id = 1; COMMIT"),
		1);
	assert_writes(agent, "update person 1 name=x\nupdate person 2 name=y\n",
		      "ok 1\nok 2\n");
	PQfinish(other);
	assert_string_equal(rows_of("people"), "(1,x,a,9,) (2,y,b,,)");
	sql("ALTER DATABASE store1 RESET deadlock_timeout");
	agent_free(agent);
}

static void many_failures_cost_little(void **state)
{
	struct agent *agent =
		agent_new("id name", NULL, "{table: people, anchor: id}");
	struct strbuf ops = STRBUF_INIT(100000);
	const char *outcomes;
	size_t ok = 0;
	size_t i;

	(void)state;
	make_people();
	for (i = 0; i < 300; i++)
		strbuf_addf(&ops, "add person %zu name=%s\n", i + 10,
			    i % 7 ? "x" : "toolong");
	outcomes = agent_write(agent, strbuf_cstr(&ops));
	for (i = 0; outcomes[i]; i++)
		ok += outcomes[i] == 'o' && outcomes[i + 1] == 'k';
	assert_int_equal(ok, 300 - 43);
	assert_string_equal(asked("SELECT count(*) FROM people"), "259");
	strbuf_release(&ops);
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLES(values_become_columns),
		ON_TABLES(only_what_changed_is_written),
		ON_TABLES(anchors_of_all_kinds),
		ON_TABLES(child_rows_come_and_go),
		ON_TABLES(several_values_in_a_column),
		ON_TABLES(each_outcome_is_its_own),
		ON_TABLES(an_anchor_of_several_rows_is_not_written),
		ON_TABLES(references_come_later),
		ON_TABLES(what_was_done_is_adopted),
		ON_TABLES(own_statements_are_bound),
		ON_TABLES(what_is_read_cannot_be_written),
		ON_TABLES(a_locked_row_is_one_error),
		ON_TABLES(what_was_committed_is_known),
		ON_TABLES(a_commit_that_fails_is_one_objects),
		ON_TABLES(deadlocks_are_tried_again),
		ON_TABLES(many_failures_cost_little),
	};

	return tables_run(tests, sizeof(tests) / sizeof(*tests));
}
