/*
 * due.c - what is to be looked at again in time,
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/due.h"

#include "store/sql/sql_private.h"

static bool of_cs(enum due_kind kind)
{
	return kind == DUE_CS || kind == DUE_DEPROVISION;
}

int store_due_put(struct store_tx *tx, const struct due_row *row,
		  struct error *err)
{
	if (of_cs(row->kind))
		known_row_comes(tx->store, row->id, MOTION_DUE);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO due VALUES"
		       " (?1, ?2, ?3, ?4, ?5)",
		       err, "iiiit", (int64_t)row->kind, row->id, row->time,
		       row->since, row->why);
}

int store_due_delete(struct store_tx *tx, enum due_kind kind, int64_t id,
		     struct error *err)
{
	if (of_cs(kind) && known_no_rows(tx->store, id, MOTION_DUE))
		return 0;
	return sql_run(tx->store, "DELETE FROM due WHERE kind = ?1 AND id = ?2",
		       err, "ii", (int64_t)kind, id);
}

static void read_row(struct statement *stmt, struct due_row *out)
{
	out->kind = (enum due_kind)sql_int(stmt, 0);
	out->id = sql_int(stmt, 1);
	out->time = sql_int(stmt, 2);
	out->since = sql_int(stmt, 3);
	out->why = sql_view(stmt, 4);
}

int store_due_get(struct store *store, enum due_kind kind, int64_t id,
		  struct due_row *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT kind, id, time, since, why FROM due"
			    " WHERE kind = ?1 AND id = ?2",
			    &stmt, err, "ii", (int64_t)kind, id);

	if (ret > 0) {
		read_row(stmt, out);
		out->why = SV_NULL;
		sql_reset(stmt);
	}
	return ret;
}

bool store_due_any(struct store *store)
{
	struct error ignored = ERROR_INIT;
	int64_t id;

	return sql_ids(store, "SELECT id FROM due LIMIT 1", &id, 1, &ignored,
		       "") != 0;
}

static int take_kind(struct store_tx *tx, enum due_kind kind, int64_t now,
		     int limit, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t *ids;
	int count = sql_id_list(tx->store,
				"SELECT id FROM due WHERE kind = ?1 AND"
				" time <= ?2 ORDER BY time LIMIT ?3",
				&arena, &ids, err, "iii", (int64_t)kind, now,
				(int64_t)limit);
	int i;

	for (i = 0; i < count; i++) {
		if ((kind == DUE_MV ? store_mv_queue_put(tx, ids[i], err)
				    : store_queue_put(tx, ids[i], err)) < 0 ||
		    store_due_delete(tx, kind, ids[i], err) < 0) {
			count = -1;
			break;
		}
	}
	arena_release(&arena);
	return count;
}

int store_due_take(struct store_tx *tx, int64_t now, int limit,
		   struct error *err)
{
	int count = take_kind(tx, DUE_CS, now, limit, err);

	return count ? count : take_kind(tx, DUE_MV, now, limit, err);
}

static int wake_unlinked(struct store_tx *tx, int64_t now, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t *ids;
	int count = sql_id_list(tx->store,
				"SELECT id FROM due JOIN link ON cs = id"
				" WHERE kind = 4 AND due.time <= ?1 AND"
				" mv = 0",
				&arena, &ids, err, "i", now);
	int i;

	for (i = 0; i < count; i++)
		if (store_queue_put(tx, ids[i], err) < 0) {
			count = -1;
			break;
		}
	arena_release(&arena);
	return count < 0 ? -1 : 0;
}

int store_due_wake(struct store_tx *tx, enum due_kind kind, int64_t now,
		   struct error *err)
{
	if (kind == DUE_DELETION)
		return sql_run(tx->store,
			       "INSERT OR IGNORE INTO mv_queue SELECT id"
			       " FROM due WHERE kind = 3 AND time <= ?1",
			       err, "i", now);
	if (sql_run(tx->store,
		    "INSERT OR IGNORE INTO mv_queue SELECT mv FROM due"
		    " JOIN link ON cs = id WHERE kind = 4 AND"
		    " due.time <= ?1 AND mv > 0",
		    err, "i", now) < 0)
		return -1;
	return wake_unlinked(tx, now, err);
}

int store_due_scan(struct store *store,
		   int (*fn)(void *data, const struct due_row *row), void *data,
		   struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT kind, id, time, since, why FROM due"
			     " ORDER BY time, kind, id",
			     &stmt, err, "");
	     ret > 0; ret = sql_next(stmt, err)) {
		struct due_row row;
		int told;

		read_row(stmt, &row);
		told = fn(data, &row);
		if (told) {
			sql_reset(stmt);
			return told < 0 ? -1 : 0;
		}
	}
	return ret;
}
