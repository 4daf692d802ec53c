/*
 * test_postgresql_logical.c - deltas by a replication slot
 *
 * Started by tools/pgserver.py, which gives the address, with a server that
 * writes what slots need.
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

#define PEOPLE                                                                 \
	"{table: people, anchor: [site, nr], values: {mail: {table: mails, "   \
	"key: [s, n], value: mail}}, delta: {by: logical}}"

static void statements(struct agent *agent, const char *text)
{
	struct sv all = sv_from(text);
	size_t at = 0;

	while (at < all.len) {
		size_t end = sv_find(all, '\n', at);

		if (text[at] != '-')
			sql(arena_cstr(&agent->arena, sv_sub(all, at, end)));
		at = end + 1;
	}
}

static struct agent *people(void)
{
	struct agent *agent = agent_new("name mail:string*", NULL, PEOPLE);

	sql("SELECT pg_drop_replication_slot(slot_name) "
	    "FROM pg_replication_slots");
	sql("DROP PUBLICATION IF EXISTS conjoin_hr");
	sql("CREATE TABLE people (site varchar(9), nr integer, name text, "
	    "PRIMARY KEY (site, nr))");
	sql("CREATE TABLE mails (s varchar(9), n integer, mail text)");
	sql("CREATE TABLE others (id integer)");
	sql("INSERT INTO people VALUES ('A', 1, 'Ann'), ('A', 2, 'Bob'), "
	    "('B', 1, 'Cid'); INSERT INTO mails VALUES ('A', 1, 'a@x')");
	return agent;
}

#define THREE                                                                  \
	"object person A|1 name=Ann mail=a@x\nobject person A|2 name=Bob\n"    \
	"object person B|1 name=Cid\n"

static void a_slot_tells_what_changed(void **state)
{
	struct agent *agent = people();

	(void)state;
	assert_non_null(strstr(agent_read(agent, IMPORT_FULL),
			       "there is no replication slot 'conjoin_hr'"));
	statements(agent, agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	assert_reads(agent, IMPORT_DELTA, "");
	sql("UPDATE people SET name = 'Be\"r\\t' WHERE nr = 2; "
	    "UPDATE people SET site = 'C\"' WHERE site = 'B'; "
	    "INSERT INTO others VALUES (1)");
	sql("DELETE FROM mails; INSERT INTO mails VALUES ('A', 2, 'b@x')");
	assert_tells(agent, "delete person B|1\n"
			    "object person C\"|1 name=Cid\n"
			    "object person A|1 name=Ann\n"
			    "object person A|2 name=Be\"r\\t mail=b@x\n");
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
}

static void the_slot_keeps_what_was_not_kept(void **state)
{
	struct agent *agent = people();
	struct connector c;
	struct change change;

	(void)state;
	statements(agent, agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	sql("DELETE FROM people WHERE site = 'B'");
	/* an import that comes to no end */
	assert_int_equal(
		connector_open(&c, &agent_ops, &agent->config, &agent->err), 0);
	assert_int_equal(connector_import_begin(&c, IMPORT_DELTA,
						agent->watermark, &agent->err),
			 0);
	assert_int_equal(
		connector_next(&c, &agent->arena, &change, &agent->err), 1);
	assert_int_equal(change.op, CHANGE_DELETE);
	connector_close(&c);
	assert_reads(agent, IMPORT_DELTA, "delete person B|1\n");
	assert_reads(agent, IMPORT_DELTA, "");
	agent_free(agent);
}

static void a_late_commit_is_told(void **state)
{
	struct agent *agent = people();
	PGconn *late = tables_connect();

	(void)state;
	statements(agent, agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	sql_on(late, "BEGIN");
	sql_on(late, "DELETE FROM people WHERE site = 'B'");
	sql("UPDATE people SET name = 'Anna' WHERE name = 'Ann'");
	assert_reads(agent, IMPORT_DELTA,
		     "object person A|1 name=Anna mail=a@x\n");
	sql_on(late, "COMMIT");
	PQfinish(late);
	assert_reads(agent, IMPORT_DELTA, "delete person B|1\n");
	agent_free(agent);
}

static void what_cannot_be_told_is_a_conflict(void **state)
{
	struct agent *agent = people();
	struct sv before;

	(void)state;
	statements(agent, agent_setup(agent));
	assert_reads(agent, IMPORT_FULL, THREE);
	before = agent->watermark;
	sql("UPDATE people SET name = 'Anna' WHERE name = 'Ann'");
	(void)agent_read(agent, IMPORT_DELTA);
	/* a store of before the last import: what it missed is gone */
	agent->watermark = before;
	assert_non_null(
		strstr(agent_read(agent, IMPORT_DELTA), "was moved on"));
	assert_int_equal(agent->err.code, ERR_CONFLICT);
	(void)agent_read(agent, IMPORT_FULL);
	sql("TRUNCATE people");
	error_clear(&agent->err);
	assert_non_null(strstr(agent_read(agent, IMPORT_DELTA),
			       "'people' was emptied by TRUNCATE: run a full "
			       "import"));
	assert_int_equal(agent->err.code, ERR_CONFLICT);
	assert_reads(agent, IMPORT_FULL, "");
	sql("INSERT INTO people VALUES ('D', 4, 'Dan')");
	assert_reads(agent, IMPORT_DELTA, "object person D|4 name=Dan\n");
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLES(a_slot_tells_what_changed),
		ON_TABLES(the_slot_keeps_what_was_not_kept),
		ON_TABLES(a_late_commit_is_told),
		ON_TABLES(what_cannot_be_told_is_a_conflict),
	};

	return tables_run(tests, sizeof(tests) / sizeof(*tests));
}
