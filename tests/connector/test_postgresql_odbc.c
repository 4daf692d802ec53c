/*
 * test_postgresql_odbc.c - the driver over unixODBC, with PostgreSQL's
 *
 * The one that is spoken to in UTF-16, as are all that are not known better.
 * Started by tools/pgserver.py, which gives the address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance.h"
#include "postgresql.h"
#include "sql_driver_suite.h"

static struct postgresql pg;

static struct node *text(const char *value)
{
	return conformance_text(&pg.arena, value);
}

static struct node *connect_with(const char *lock_timeout)
{
	return conformance_map(&pg.arena, "driver", text("PostgreSQL Unicode"),
			       "server", text("127.0.0.1"), "port",
			       text(pg.port), "database", text(pg.database),
			       "user", text(pg.user), "security", text("none"),
			       "lock_timeout", text(lock_timeout), NULL);
}

int main(void)
{
	struct sql_driver_suite suite = {
		.driver = &sql_odbc,
		.text = "varchar(40)",
		.chars = "char(6)",
		.integer = "integer",
		.bigint = "bigint",
		.decimal = "numeric(12,2)",
		.real = "double precision",
		.boolean = "boolean",
		.date = "date",
		.time = "time",
		.local = "timestamp",
		.guid = "uuid",
		.bytes = "bytea",
		.serial = "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		.one_thread = true,
	};
	int failed;

	if (postgresql_begin(&pg) < 0)
		return 1;
	suite.place = (struct sql_place){ .folder = "/",
					  .password = &pg.password,
					  .connect = connect_with("30") };
	suite.impatient = suite.place;
	suite.impatient.connect = connect_with("1");
	failed = sql_driver_suite_run(&suite);
	postgresql_end(&pg);
	return failed;
}
