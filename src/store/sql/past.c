/*
 * past.c - rows of what was before
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/past.h"

#include "store/sql/sql_private.h"

#include <string.h>

int store_past_put(struct store_tx *tx, const struct past_row *row,
		   struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO past VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		       err, "iiiiitb", row->id, row->object, (int64_t)row->kind,
		       (int64_t)row->type, row->time, row->answer, row->what);
}

int store_past_next(struct store *store, int64_t run, int64_t *out,
		    struct error *err)
{
	int64_t last;

	if (sql_number(store,
		       "SELECT coalesce(max(id), ?1) FROM past"
		       " WHERE id > ?1 AND id < ?2",
		       &last, err, "ii", PAST_ID(run), PAST_ID(run + 1)) < 0)
		return -1;
	*out = last + 1;
	return 0;
}

int store_past_answer(struct store_tx *tx, int64_t object, int64_t from,
		      int64_t before, struct sv answer, struct error *err)
{
	return sql_run(tx->store,
		       "UPDATE past SET answer = ?4 WHERE kind = 3 AND id ="
		       " (SELECT max(id) FROM past WHERE object = ?1"
		       " AND id >= ?2 AND id < ?3)",
		       err, "iiit", object, from, before ? before : INT64_MAX,
		       answer);
}

static void read_row(struct statement *stmt, struct past_row *out)
{
	memset(out, 0, sizeof(*out));
	out->id = sql_int(stmt, 0);
	out->object = sql_int(stmt, 1);
	out->kind = (enum past_kind)sql_int(stmt, 2);
	out->type = (uint32_t)sql_int(stmt, 3);
	out->time = sql_int(stmt, 4);
}

int store_past_of(struct store *store, int64_t object, int64_t before,
		  struct past_row *rows, int limit, struct arena *arena,
		  struct error *err)
{
	struct statement *stmt;
	int count = 0;
	int ret;

	for (ret = sql_first(store,
			     "SELECT id, object, kind, type, time, answer, what"
			     " FROM past WHERE object = ?1 AND id < ?2"
			     " ORDER BY id DESC LIMIT ?3",
			     &stmt, err, "iii", object, before, (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err)) {
		read_row(stmt, &rows[count]);
		rows[count].answer = sql_bytes(stmt, 5, arena);
		rows[count++].what = sql_bytes(stmt, 6, arena);
	}
	return ret < 0 ? -1 : count;
}

int store_past_scan(struct store *store, int64_t after, int64_t before,
		    struct past_row *rows, int limit, struct error *err)
{
	struct statement *stmt;
	int count = 0;
	int ret;

	for (ret = sql_first(store,
			     "SELECT id, object, kind, type, time FROM past"
			     " WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
			     &stmt, err, "iii", after, before, (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err))
		read_row(stmt, &rows[count++]);
	return ret < 0 ? -1 : count;
}

int store_past_run_at(struct store *store, int64_t time, int64_t *out,
		      struct error *err)
{
	return sql_number(store,
			  "SELECT coalesce(max(id), 0) FROM run"
			  " WHERE started <= ?1",
			  out, err, "i", time) < 0
		       ? -1
		       : 0;
}

/* Rows of runs that began later are later too. */
static int end_of_old(struct store *store, int64_t before, int64_t *out,
		      struct error *err)
{
	int64_t run;

	if (sql_number(store,
		       "SELECT coalesce(min(id), 0) FROM run WHERE"
		       " started >= ?1",
		       &run, err, "i", before) < 0)
		return -1;
	*out = run ? PAST_ID(run) : INT64_MAX;
	return 0;
}

/* The last id of the next `limit` that are old; their number, or -1. */
static int64_t next_old(struct store *store, int64_t before, int64_t after,
			int limit, int64_t *last_out, struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int64_t end;
	int ret;

	if (end_of_old(store, before, &end, err) < 0)
		return -1;
	ret = sql_first(store,
			"SELECT max(id), count(*) FROM (SELECT id FROM past"
			" WHERE id > ?1 AND id < ?2 AND time < ?3 ORDER BY id"
			" LIMIT ?4) AS old",
			&stmt, err, "iiii", after, end, before, (int64_t)limit);
	if (ret > 0) {
		*last_out = sql_int(stmt, 0);
		count = sql_int(stmt, 1);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int store_past_forget(struct store_tx *tx, enum past_what what, uint32_t type,
		      int64_t before, int64_t *after, int limit,
		      int64_t *removed, struct error *err)
{
	struct statement *stmt;
	int64_t last = 0;
	int64_t count = next_old(tx->store, before, *after, limit, &last, err);
	int ret;

	if (count <= 0)
		return (int)count;
	for (ret = sql_first(tx->store,
			     "DELETE FROM past WHERE id > ?1 AND id <= ?2 AND"
			     " time < ?3 AND ((?4 = 0 AND kind = 3) OR (?4 = 1"
			     " AND kind <> 3 AND type = ?5)) RETURNING id",
			     &stmt, err, "iiiii", *after, last, before,
			     (int64_t)what, (int64_t)type);
	     ret > 0; ret = sql_next(stmt, err))
		++*removed;
	*after = last;
	return ret < 0 ? -1 : (int)count;
}

int store_mv_made(struct store *store, int64_t from, int64_t to, int64_t after,
		  int64_t *out, int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT id FROM mv WHERE run >= ?1 AND run <= ?2 AND"
		       " id > ?3 ORDER BY id LIMIT ?4",
		       out, limit, err, "iiii", from, to, after,
		       (int64_t)limit);
}
