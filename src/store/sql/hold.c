/*
 * hold.c - rows of objects that are held
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/hold.h"

#include "base/vec.h"
#include "store/sql/sql_private.h"

#define COLUMNS "cs, kind, mv, rule_set, run, since, wanted, who, name, attrs"

int store_hold_put(struct store_tx *tx, const struct hold_row *row,
		   struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO hold VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		       err, "iiiiiiitbb", row->cs, (int64_t)row->kind, row->mv,
		       (int64_t)row->rule_set, row->run, row->since,
		       (int64_t)row->wanted, sv_from(row->user), row->name,
		       row->attrs);
}

int store_hold_delete(struct store_tx *tx, int64_t cs, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM hold WHERE cs = ?1", err, "i",
		       cs);
}

static void read_row(struct statement *stmt, struct arena *arena,
		     struct hold_row *out)
{
	out->cs = sql_int(stmt, 0);
	out->kind = (enum hold_kind)sql_int(stmt, 1);
	out->mv = sql_int(stmt, 2);
	out->rule_set = (uint32_t)sql_int(stmt, 3);
	out->run = sql_int(stmt, 4);
	out->since = sql_int(stmt, 5);
	out->wanted = (uint64_t)sql_int(stmt, 6);
	out->user = arena_cstr(arena, sql_view(stmt, 7));
	out->name = sql_bytes(stmt, 8, arena);
	out->attrs = sql_bytes(stmt, 9, arena);
}

int store_hold_get(struct store *store, int64_t cs, struct arena *arena,
		   struct hold_row *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store, "SELECT " COLUMNS " FROM hold WHERE cs = ?1",
			    &stmt, err, "i", cs);

	if (ret > 0) {
		read_row(stmt, arena, out);
		sql_reset(stmt);
	}
	return ret;
}

int store_hold_of_mv(struct store *store, int64_t mv, struct arena *arena,
		     struct hold_row **out, struct error *err)
{
	VEC(struct hold_row) rows = VEC_INIT;
	struct statement *stmt;
	struct hold_row row;
	size_t count;
	int ret;

	for (ret = sql_first(store,
			     "SELECT " COLUMNS " FROM hold WHERE mv = ?1 AND"
			     " kind = 1 ORDER BY cs",
			     &stmt, err, "i", mv);
	     ret > 0; ret = sql_next(stmt, err)) {
		read_row(stmt, arena, &row);
		vec_push(&rows, row);
	}
	count = rows.len;
	*out = arena_array(arena, count + 1, sizeof(**out));
	for (size_t i = 0; i < count; i++)
		(*out)[i] = rows.at[i];
	vec_release(&rows);
	return ret < 0 ? -1 : (int)count;
}

int64_t store_hold_count(struct store *store, struct error *err)
{
	int64_t count;

	return sql_number(store, "SELECT count(*) FROM hold", &count, err, "") <
			       0
		       ? -1
		       : count;
}

int store_hold_scan(struct store *store, int64_t after,
		    int (*fn)(void *data, const struct hold_row *row),
		    void *data, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT " COLUMNS " FROM hold WHERE cs > ?1"
			     " ORDER BY cs",
			     &stmt, err, "i", after);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct hold_row row;
		int told;

		arena_reset(&arena);
		read_row(stmt, &arena, &row);
		told = fn(data, &row);
		if (told) {
			sql_reset(stmt);
			ret = told < 0 ? -1 : 0;
			break;
		}
	}
	arena_release(&arena);
	return ret;
}
