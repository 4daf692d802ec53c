/*
 * sql_target.h - the suite of connectors on a database over ODBC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_SQL_TARGET_H
#define TESTS_CONNECTOR_SQL_TARGET_H

#include "conformance.h"
#include "connectors/sql/driver.h"

struct sql_target {
	struct arena *arena;
	/* How it is reached, without tables; `password` may be NULL. */
	struct node *(*reach)(struct sql_target *target);
	struct secret *password;
	const char *folder;
	bool alone; /* an operation in each transaction */
	struct sql_link *link;
};

/* Runs the suite with windows of several operations and with one in each; the
 * number of tests that failed. */
int sql_target_run(struct sql_target *target);

#endif
