/*
 * delta.h - what is known of the changes of a source
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_DELTA_H
#define CONNECTORS_SQL_DELTA_H

#include "connectors/sql/import.h"

enum sql_way {
	SQL_WAY_HISTORY,
	SQL_WAY_TIMESTAMP,
	SQL_WAY_VERSION,
	SQL_WAY_VIEW,
	SQL_WAY_TRACKING,   /* SQL Server */
	SQL_WAY_VERSIONING, /* MariaDB */
	SQL_WAY_LOGICAL,    /* PostgreSQL */
};

/* How the values of a column go on. */
enum sql_order {
	SQL_ORDER_TIME,       /* moments */
	SQL_ORDER_XID,        /* PostgreSQL: transactions' numbers, 64 bits */
	SQL_ORDER_XMIN,       /* the same, 32 bits that begin again */
	SQL_ORDER_ROWVERSION, /* SQL Server: a counter of the database */
};

struct sql_delta {
	enum sql_way way;
	enum sql_order order;
	const struct sql_table *table; /* history, view */
	const struct sql_column **keys;
	const struct sql_column *column; /* by which changes are in order */
	const struct sql_column *change;
	const struct sql_column *attr;
};

struct sv sql_delta_setting(const struct sql_input *input, const char *name);
int64_t sql_delta_duration(const struct sql_input *input, const char *name);
bool sql_is_database(const struct connector_session *session, const char *name);

/* One row of a query, with as many texts as are wanted; memory of the
 * import. */
int sql_ask(struct connector_session *session, const char *sql, struct sv *out,
	    size_t count, struct error *err);

#endif
