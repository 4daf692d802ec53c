/*
 * whole.c - the store as a whole: its size, numbers that were brought along
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <stdio.h>

int pg_size(struct database *base, int64_t *out, struct error *err)
{
	PGresult *result = pg_query(
		pg_of(base),
		"SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint"
		" FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace ="
		" (SELECT relnamespace FROM pg_class WHERE oid ="
		" 'meta'::regclass)",
		"look at", err);

	*out = 0;
	if (!result)
		return -1;
	if (PQntuples(result) > 0)
		(void)sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), out);
	PQclear(result);
	return 0;
}

/* A sequence goes on behind the largest number of its table. */
static int renumber_table(struct pg_database *db, struct sv table,
			  struct error *err)
{
	PGresult *result;
	char text[300];

	(void)snprintf(
		text, sizeof(text),
		"SELECT setval(pg_get_serial_sequence('" SV_FMT
		"', 'id'), coalesce(max(id), 0) + 1, false) FROM " SV_FMT,
		SV_ARG(table), SV_ARG(table));
	result = pg_query(db, text, "write to", err);
	PQclear(result);
	return result ? 0 : -1;
}

int pg_renumber(struct database *base, struct error *err)
{
	struct pg_database *db = pg_of(base);
	const struct pg_table *table;

	if (pg_flush(db, UINT64_MAX, NULL, err) < 0)
		return -1;
	vec_foreach(&db->catalogue.tables, table)
		if (table->numbered && renumber_table(db, table->name, err) < 0)
			return -1;
	return 0;
}
