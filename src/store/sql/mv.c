/*
 * mv.c - metaverse objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/mv.h"

#include "store/sql/sql_private.h"

#include <string.h>

static void read_row(struct statement *stmt, struct arena *arena,
		     struct mv_row *out)
{
	struct sv guid = sql_view(stmt, 1);

	memset(out, 0, sizeof(*out));
	out->id = sql_int(stmt, 0);
	if (guid.len == sizeof(out->guid))
		memcpy(out->guid, guid.ptr, guid.len);
	out->type = (uint32_t)sql_int(stmt, 2);
	out->projected = sql_int(stmt, 3);
	out->image = sql_bytes(stmt, 4, arena);
	out->lineage = sql_bytes(stmt, 5, arena);
	out->run = sql_int(stmt, 6);
	out->created = sql_int(stmt, 7);
}

int store_mv_get(struct store *store, int64_t id, struct arena *arena,
		 struct mv_row *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, guid, type, projected, image,"
			    " lineage, run, created FROM mv WHERE id = ?1",
			    &stmt, err, "i", id);

	if (ret > 0) {
		read_row(stmt, arena, out);
		sql_reset(stmt);
	}
	return ret;
}

int64_t store_mv_new_id(struct store_tx *tx)
{
	struct store *store = tx->store;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct sv value;
	int64_t from = 1;
	int ret;

	if (store->next_mv == store->end_mv) {
		ret = store_meta_get(store, "next_mv", &arena, &value, &err);
		if (ret > 0 && value.len == sizeof(from))
			memcpy(&from, value.ptr, sizeof(from));
		arena_release(&arena);
		if (ret < 0)
			return -1;
		store->next_mv = from;
		from += store->end_mv ? MORE_IDS : FIRST_IDS;
		if (store_meta_set(tx, "next_mv",
				   sv_make((char *)&from, sizeof(from)),
				   &err) < 0)
			return -1;
		store->end_mv = from;
	}
	return store->next_mv++;
}

int store_mv_put(struct store_tx *tx, const struct mv_row *row,
		 struct error *err)
{
	struct sv guid = sv_make((const char *)row->guid, sizeof(row->guid));

	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO mv VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		       err, "ibiibbii", row->id, guid, (int64_t)row->type,
		       row->projected, row->image, row->lineage, row->run,
		       row->created);
}

int store_mv_delete(struct store_tx *tx, int64_t id, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM mv WHERE id = ?1", err, "i", id);
}

int store_mv_scan(struct store *store, int64_t after, struct mv_row *rows,
		  int limit, struct arena *arena, struct error *err)
{
	struct statement *stmt;
	int count = 0;
	int ret;

	for (ret = sql_first(
		     store,
		     "SELECT id, guid, type, projected, image,"
		     " lineage, run, created FROM mv WHERE id > ?1 ORDER BY id"
		     " LIMIT ?2",
		     &stmt, err, "ii", after, (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err))
		read_row(stmt, arena, &rows[count++]);
	return ret < 0 ? -1 : count;
}

int64_t store_mv_count(struct store *store, uint32_t type, struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int ret = sql_first(store,
			    "SELECT count(*) FROM mv WHERE type = ?1 OR"
			    " ?1 = 0",
			    &stmt, err, "i", (int64_t)type);

	if (ret > 0) {
		count = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int store_mv_key_delete(struct store_tx *tx, uint64_t h, int64_t id,
			struct error *err)
{
	if (late_write(tx->store, STORE_KEYS_MV, err) < 0)
		return -1;
	return sql_run(tx->store, "DELETE FROM mv_key WHERE h = ?1 AND id = ?2",
		       err, "ii", (int64_t)h, id);
}

int store_mv_key_find(struct store *store, uint64_t h, struct arena *arena,
		      int64_t **out, struct error *err)
{
	*out = NULL;
	if (known_key_absent(store, STORE_KEYS_MV, h))
		return 0;
	if (late_write(store, STORE_KEYS_MV, err) < 0)
		return -1;
	return sql_id_list(store, "SELECT id FROM mv_key WHERE h = ?1", arena,
			   out, err, "i", (int64_t)h);
}

int store_mv_wait_delete(struct store_tx *tx, uint64_t h, int64_t id,
			 struct error *err)
{
	if (late_write(tx->store, STORE_KEYS_WAIT, err) < 0)
		return -1;
	return sql_run(tx->store,
		       "DELETE FROM mv_wait WHERE h = ?1 AND id = ?2", err,
		       "ii", (int64_t)h, id);
}

int store_mv_wait_find(struct store *store, uint64_t h, struct arena *arena,
		       int64_t **out, struct error *err)
{
	*out = NULL;
	if (known_key_absent(store, STORE_KEYS_WAIT, h))
		return 0;
	if (late_write(store, STORE_KEYS_WAIT, err) < 0)
		return -1;
	return sql_id_list(store, "SELECT id FROM mv_wait WHERE h = ?1", arena,
			   out, err, "i", (int64_t)h);
}

int store_mv_wait_keys(struct store *store, int64_t mv, struct arena *arena,
		       int64_t **out, struct error *err)
{
	if (late_write(store, STORE_KEYS_WAIT, err) < 0)
		return -1;
	return sql_id_list(store, "SELECT h FROM mv_wait WHERE id = ?1", arena,
			   out, err, "i", mv);
}

int store_mv_wait_ids(struct store *store, int64_t after, int64_t *out,
		      int limit, struct error *err)
{
	if (late_write(store, STORE_KEYS_WAIT, err) < 0)
		return -1;
	return sql_ids(store,
		       "SELECT DISTINCT id FROM mv_wait WHERE id > ?1"
		       " ORDER BY id LIMIT ?2",
		       out, limit, err, "ii", after, (int64_t)limit);
}

bool store_mv_wait_any(struct store *store)
{
	struct error ignored = ERROR_INIT;
	int64_t id;

	return late_write(store, STORE_KEYS_WAIT, &ignored) < 0 ||
	       sql_ids(store, "SELECT id FROM mv_wait LIMIT 1", &id, 1,
		       &ignored, "") != 0;
}

int store_mv_ref_put(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO mv_ref VALUES (?1, ?2, ?3)", err,
		       "iii", target, source, (int64_t)attr);
}

int store_mv_ref_delete(struct store_tx *tx, int64_t target, int64_t source,
			struct error *err)
{
	return sql_run(tx->store,
		       "DELETE FROM mv_ref WHERE target = ?1 AND"
		       " source = ?2",
		       err, "ii", target, source);
}

int store_mv_referrers(struct store *store, int64_t target, struct arena *arena,
		       int64_t **out, struct error *err)
{
	return sql_id_list(store, "SELECT source FROM mv_ref WHERE target = ?1",
			   arena, out, err, "i", target);
}

int store_mv_queue_put(struct store_tx *tx, int64_t mv, struct error *err)
{
	return sql_run(tx->store, "INSERT OR IGNORE INTO mv_queue VALUES (?1)",
		       err, "i", mv);
}

int store_mv_queue_delete(struct store_tx *tx, int64_t mv, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM mv_queue WHERE mv = ?1", err,
		       "i", mv);
}

int store_mv_queue_ids(struct store *store, int64_t after, int64_t *out,
		       int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT mv FROM mv_queue WHERE mv > ?1 ORDER BY mv"
		       " LIMIT ?2",
		       out, limit, err, "ii", after, (int64_t)limit);
}
