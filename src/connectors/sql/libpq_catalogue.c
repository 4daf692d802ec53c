/*
 * libpq_catalogue.c - tables, their columns and keys, as the server knows them
 *
 * Columns of the catalogue that older servers lack are read by to_jsonb().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/vec.h"

static const char tables_sql[] =
	"SELECT n.nspname, c.relname, c.relkind IN ('v', 'm')"
	" FROM pg_catalog.pg_class c"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	" AND coalesce(pg_catalog.to_jsonb(c)->>'relispartition', '')"
	" <> 'true'"
	" AND n.nspname <> 'information_schema'"
	" AND n.nspname !~ '^pg_(catalog|toast|temp)'"
	" AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
	" AND (pg_catalog.has_table_privilege(c.oid, 'SELECT')"
	" OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))"
	" ORDER BY n.nspname <> pg_catalog.current_schema(), 1, 2";

static const char find_sql[] =
	"SELECT c.oid, n.nspname, c.relname, c.relkind IN ('v', 'm')"
	" FROM pg_catalog.pg_class c"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	" AND pg_catalog.lower(c.relname) = pg_catalog.lower($2::text)"
	" AND CASE WHEN $1::text IS NULL"
	" THEN pg_catalog.pg_table_is_visible(c.oid)"
	" ELSE pg_catalog.lower(n.nspname) = pg_catalog.lower($1::text) END"
	" ORDER BY c.relname <> $2::text, n.nspname <> $1::text LIMIT 1";

static const char columns_sql[] =
	"SELECT a.attname,"
	" coalesce(e.typbasetype, d.typbasetype, a.atttypid),"
	" coalesce(e.typtypmod, d.typtypmod, a.atttypmod),"
	" pg_catalog.format_type(a.atttypid, a.atttypmod),"
	" a.attnotnull OR coalesce(d.typnotnull, false),"
	" coalesce(pg_catalog.to_jsonb(a)->>'attidentity', '') <> ''"
	" OR coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') <> ''"
	" OR coalesce((SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid)"
	" LIKE 'nextval(%' FROM pg_catalog.pg_attrdef f"
	" WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum), false),"
	" coalesce((SELECT k.place FROM pg_catalog.pg_index i,"
	" LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(col, place)"
	" WHERE i.indrelid = a.attrelid AND i.indisprimary"
	" AND k.col = a.attnum), 0)"
	" FROM pg_catalog.pg_attribute a"
	" LEFT JOIN pg_catalog.pg_type d"
	" ON d.oid = a.atttypid AND d.typtype = 'd'"
	" LEFT JOIN pg_catalog.pg_type e"
	" ON e.oid = d.typbasetype AND e.typtype = 'd'"
	" WHERE a.attrelid = $1::oid AND a.attnum > 0"
	" AND NOT a.attisdropped ORDER BY a.attnum";

static const char foreign_sql[] =
	"SELECT r.oid, n.nspname, c.relname, a.attname, b.attname"
	" FROM pg_catalog.pg_constraint r"
	" JOIN pg_catalog.pg_class c ON c.oid = r.confrelid"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" JOIN pg_catalog.pg_class t ON t.oid = r.conrelid"
	" JOIN pg_catalog.pg_namespace s ON s.oid = t.relnamespace,"
	" LATERAL unnest(r.conkey, r.confkey)"
	" WITH ORDINALITY AS k(mine, other, place)"
	" JOIN pg_catalog.pg_attribute a ON a.attnum = k.mine"
	" JOIN pg_catalog.pg_attribute b ON b.attnum = k.other"
	" WHERE r.contype = 'f' AND s.nspname = $1::text"
	" AND t.relname = $2::text"
	" AND a.attrelid = r.conrelid AND b.attrelid = r.confrelid"
	" ORDER BY r.conname, r.oid, k.place";

/* All rows of a query: for each the function. */
static int each(struct sql_link *link, const char *sql,
		const struct sql_param *params, size_t count,
		void (*fn)(void *data, const struct sv *row), void *data,
		struct error *err)
{
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (pq_query(link, sql, params, count, &rows, NULL, err) < 0)
		return -1;
	while ((ret = pq_fetch(rows, &row, &broken, err)) > 0)
		fn(data, row);
	pq_rows_close(rows);
	return ret;
}

struct collect {
	struct arena *arena;
	VEC(struct sql_table) tables;
	VEC(struct sql_column) columns;
	VEC(struct sql_foreign) foreign;
	struct sv last; /* the foreign key that is being read */
	struct sql_table *found;
	struct sv oid;
};

static bool is_true(struct sv text)
{
	return sv_eq_str(text, "true");
}

static int number(struct sv text)
{
	int64_t out;

	return sv_to_i64(text, &out) ? (int)out : 0;
}

static void take_table(void *data, const struct sv *row)
{
	struct collect *all = data;
	struct sql_table table = { .schema = arena_cstr(all->arena, row[0]),
				   .name = arena_cstr(all->arena, row[1]),
				   .view = is_true(row[2]) };

	vec_push(&all->tables, table);
}

static void take_found(void *data, const struct sv *row)
{
	struct collect *all = data;

	all->oid = arena_dup(all->arena, row[0]);
	all->found->schema = arena_cstr(all->arena, row[1]);
	all->found->name = arena_cstr(all->arena, row[2]);
	all->found->view = is_true(row[3]);
}

static void take_column(void *data, const struct sv *row)
{
	struct collect *all = data;
	Oid type = (Oid)number(row[1]);
	struct sql_column column = {
		.name = arena_cstr(all->arena, row[0]),
		.kind = pq_kind(type),
		.type = arena_cstr(all->arena, row[3]),
		.native = (int)type,
		.size = pq_type_size(type, number(row[2])),
		.nullable = !is_true(row[4]),
		.generated = is_true(row[5]),
		.key = number(row[6]),
	};

	vec_push(&all->columns, column);
}

static void push_name(struct arena *arena, const char ***list, size_t count,
		      struct sv name)
{
	const char **more = arena_array(arena, count + 1, sizeof(*more));
	size_t i;

	for (i = 0; i < count; i++)
		more[i] = (*list)[i];
	more[count] = arena_cstr(arena, name);
	*list = more;
}

static void take_foreign(void *data, const struct sv *row)
{
	struct collect *all = data;
	struct sql_foreign *key;

	if (!sv_eq(all->last, row[0]) || !all->foreign.len) {
		struct sql_foreign fresh = {
			.schema = arena_cstr(all->arena, row[1]),
			.table = arena_cstr(all->arena, row[2]),
		};

		vec_push(&all->foreign, fresh);
		all->last = arena_dup(all->arena, row[0]);
	}
	key = &all->foreign.at[all->foreign.len - 1];
	push_name(all->arena, &key->columns, key->count, row[3]);
	push_name(all->arena, &key->others, key->count, row[4]);
	key->count++;
}

/* The same in the arena; the list is emptied. */
#define KEEP(list, out, count_out, arena)                                      \
	do {                                                                   \
		*(count_out) = (list)->len;                                    \
		*(out) = arena_array((arena), (list)->len + 1,                 \
				     sizeof(*(list)->at));                     \
		if ((list)->len)                                               \
			memcpy(*(out), (list)->at,                             \
			       (list)->len * sizeof(*(list)->at));             \
		vec_release(list);                                             \
	} while (0)

int pq_tables(struct sql_link *link, struct arena *arena,
	      struct sql_table **out, size_t *count_out, struct error *err)
{
	struct collect all = { .arena = arena };
	int ret = each(link, tables_sql, NULL, 0, take_table, &all, err);

	KEEP(&all.tables, out, count_out, arena);
	return ret;
}

int pq_describe(struct sql_link *link, const char *schema, const char *name,
		struct arena *arena, struct sql_table *out, struct error *err)
{
	struct collect all = { .arena = arena, .found = out };
	struct sql_param names[] = { { sv_from(schema), NULL },
				     { sv_from(name), NULL } };
	struct sql_param oid = { SV_NULL, NULL };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = each(link, find_sql, names, 2, take_found, &all, err);
	if (ret < 0 || !all.oid.len)
		return ret;
	oid.value = all.oid;
	ret = each(link, columns_sql, &oid, 1, take_column, &all, err);
	KEEP(&all.columns, &out->columns, &out->column_count, arena);
	return ret < 0 ? -1 : 1;
}

int pq_foreign(struct sql_link *link, struct arena *arena,
	       struct sql_table *table, struct error *err)
{
	struct collect all = { .arena = arena };
	struct sql_param names[] = { { sv_from(table->schema), NULL },
				     { sv_from(table->name), NULL } };
	int ret = each(link, foreign_sql, names, 2, take_foreign, &all, err);

	KEEP(&all.foreign, &table->foreign, &table->foreign_count, arena);
	return ret;
}
