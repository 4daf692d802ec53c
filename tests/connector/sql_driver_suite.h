/*
 * sql_driver_suite.h - one suite that every driver of databases passes
 *
 * A driver's test program says how a database is reached and how it names its
 * types; the suite then checks the sentences of connectors/sql/driver.h. Tables
 * are made and dropped by the suite; all begin with "suite_".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_SQL_DRIVER_SUITE_H
#define TESTS_CONNECTOR_SQL_DRIVER_SUITE_H

#include "connectors/sql/dialect.h"
#include "connectors/sql/driver.h"

struct sql_driver_suite {
	const struct sql_driver *driver;
	struct sql_place place;
	/* The same, with a bound of a second for locks. */
	struct sql_place impatient;

	/* How columns are declared; NULL: the database has none such. */
	const char *text;    /* 40 characters, of any script */
	const char *chars;   /* 6 characters, padded */
	const char *integer; /* 32 bits */
	const char *bigint;
	const char *decimal; /* 12 digits, 2 of them behind the point */
	const char *real;    /* 64 bits */
	const char *boolean;
	const char *date;
	const char *time;
	const char *local;
	const char *moment;
	const char *guid;
	const char *bytes;  /* 300 at least */
	const char *serial; /* a primary key that the database makes */

	/* What the database does not do. */
	bool lax_length; /* takes what is too long, or not of the type */
	bool lax_locks;  /* one writer at a time: no rows that are locked */
	bool lax_keys;   /* does not tell foreign keys */
	bool empty_is_null;
	/* unixODBC lets only one thread at a time into such a driver, unless
	 * odbcinst.ini has Threading=0 for it. */
	bool one_thread;
};

/* Runs the suite; the number of tests that failed. */
int sql_driver_suite_run(const struct sql_driver_suite *suite);

#endif
