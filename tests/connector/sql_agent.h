/*
 * sql_agent.h - agents on tables of a server, for tests of imports
 *
 * What an import gives is compared as text: a line for each change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_SQL_AGENT_H
#define TESTS_CONNECTOR_SQL_AGENT_H

#include "connectors/sql/sql_private.h"

#include <libpq-fe.h>

struct CMUnitTest;

/* Imports by the operations of the sql connectors, over libpq. */
extern const struct connector_ops agent_ops;

/* Another connection with the test's database. */
PGconn *tables_connect(void);
/* Runs statements, which must succeed: on one connection, and on the test's. */
void sql_on(PGconn *conn, const char *text);
void sql(const char *text);
/* For the setup of a test: the database is empty. */
int tables_fresh(void **state);
/* Runs tests with a database; the number that failed. */
int tables_run(const struct CMUnitTest *tests, size_t count);
/* The same with MariaDB, over unixODBC: statements end with a line. */
int tables_run_mariadb(const struct CMUnitTest *tests, size_t count);

struct agent {
	struct arena arena;
	struct object_type types[2];
	struct connector_config config;
	struct sv watermark;
	struct error err;
	char message[512];
};

/*
 * An agent with a type "person", or "person" and "group". Their attributes are
 * "name", "name:integer", "name:reference*" (several), with blanks between; the
 * settings are written in YAML's flow style.
 */
struct agent *agent_new(const char *person, const char *group,
			const char *settings);
void agent_free(struct agent *agent);

/* All that an import gives, or "FAILED: " and why. Nothing is expanded before
 * all of it was read; the watermark is kept for the next one. */
const char *agent_read(struct agent *agent, enum import_kind kind);

/* What is wrong with its settings: a line for each problem. */
const char *agent_check(struct agent *agent);
/* What `conjoin agent delta-setup` would print. */
const char *agent_setup(struct agent *agent);

/* Exports what is written as lines, `retry` before those that repeat:
 *
 *	add person 7 name=Ann phones+=1,2 phones-=3 boss=
 *
 * An anchor of "-" is none. The outcomes, a line for each in the order of the
 * operations: "ok 7", "ok 7 adopted later", "cd-missing-object"; or "FAILED: "
 * and why. */
const char *agent_write(struct agent *agent, const char *operations);
/* The message of the last outcome that was an error. */
const char *agent_message(const struct agent *agent);

#define assert_reads(agent, kind, expected)                                    \
	assert_string_equal(agent_read(agent, kind), expected)

/* Sets (`old` NULL) or changes a password; as password_try(). */
const char *agent_password(struct agent *agent, const char *anchor,
			   const char *old, const char *new_one);

/* The lines of a text in order: where that of the changes is not defined. */
const char *agent_sorted(struct agent *agent, const char *text);

#define assert_tells(agent, expected)                                          \
	assert_string_equal(                                                   \
		agent_sorted(agent, agent_read(agent, IMPORT_DELTA)),          \
		agent_sorted(agent, expected))

/* The first object that a full and a delta import give is known by the same
 * bytes. */
void assert_same_bytes(struct agent *agent);

#define ON_TABLES(name) cmocka_unit_test_setup(name, tables_fresh)

#endif
