/*
 * cs.c - connector space objects and their keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/cs.h"

#include "base/vec.h"
#include "store/mv.h"
#include "store/past.h"
#include "store/sql/sql_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ID(agent) CS_ID(agent, 0)
#define LAST_ID(agent)  (CS_ID((agent) + 1, 0) - 1)

static void read_row(struct statement *stmt, struct arena *arena,
		     struct cs_row *out)
{
	out->id = sql_int(stmt, 0);
	out->type = (uint32_t)sql_int(stmt, 1);
	out->flags = (uint32_t)sql_int(stmt, 2) & ~(uint32_t)CS_NO_IMAGE;
	out->parent = sql_int(stmt, 3);
	out->rdn = sql_bytes(stmt, 4, arena);
	out->anchor = SV_NULL;
	out->has_image = false;
	out->image = SV_NULL;
}

int store_cs_get(struct store *store, int64_t id, struct arena *arena,
		 struct cs_row *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, type, flags, parent, rdn, anchor,"
			    " image FROM cs WHERE id = ?1",
			    &stmt, err, "i", id);

	if (ret <= 0)
		return ret;
	read_row(stmt, arena, out);
	out->anchor = sql_bytes(stmt, 5, arena);
	out->image = sql_bytes(stmt, 6, arena);
	out->has_image = out->image.ptr != NULL;
	sql_reset(stmt);
	return 1;
}

int store_cs_head(struct store *store, int64_t id, struct arena *arena,
		  struct cs_row *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, type, flags, parent, rdn FROM cs"
			    " WHERE id = ?1",
			    &stmt, err, "i", id);

	if (ret <= 0)
		return ret;
	read_row(stmt, arena, out);
	sql_reset(stmt);
	return 1;
}

int store_cs_named(struct store *store, int64_t id, struct arena *arena,
		   struct cs_row *out, struct error *err)
{
	/* the length is known without the bytes, being NULL is not */
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, type, flags, parent, rdn, anchor,"
			    " length(image) IS NOT NULL FROM cs WHERE id = ?1",
			    &stmt, err, "i", id);

	if (ret <= 0)
		return ret;
	read_row(stmt, arena, out);
	out->anchor = sql_bytes(stmt, 5, arena);
	out->has_image = sql_int(stmt, 6) != 0;
	sql_reset(stmt);
	return 1;
}

static void next_key(uint32_t agent, char out[32])
{
	(void)snprintf(out, 32, "next_cs.%u", agent);
}

static int load_next(struct store *store, uint32_t agent, int64_t *out,
		     struct error *err)
{
	struct arena arena = ARENA_INIT;
	char key[32];
	struct sv value;
	int ret;

	next_key(agent, key);
	ret = store_meta_get(store, key, &arena, &value, err);
	*out = CS_ID(agent, 1);
	if (ret > 0 && value.len == sizeof(*out))
		memcpy(out, value.ptr, sizeof(*out));
	arena_release(&arena);
	return ret < 0 ? -1 : 0;
}

int store_cs_given(struct store *store, uint32_t agent, int64_t *out,
		   struct error *err)
{
	int ret = load_next(store, agent, out, err);

	*out = CS_SEQUENCE(*out) - 1;
	return ret;
}

/* As many as there were in all, so that a statement is needed ever more
 * seldom. */
static int64_t more_ids(int64_t given)
{
	if (given < MORE_IDS)
		return MORE_IDS;
	return given < MOST_IDS ? given : MOST_IDS;
}

int64_t store_cs_new_id(struct store_tx *tx, uint32_t agent)
{
	struct store *store = tx->store;
	struct error err = ERROR_INIT;
	uint64_t next = 0;
	uint64_t end = 0;
	char key[32];
	int64_t from;

	(void)idmap_get(&store->next_cs, (uint64_t)agent * 2 + 1, &next);
	(void)idmap_get(&store->next_cs, (uint64_t)agent * 2 + 2, &end);
	if (next == end) {
		if (load_next(store, agent, &from, &err) < 0)
			return -1;
		next = (uint64_t)from;
		from += end ? more_ids(from - CS_ID(agent, 0)) : FIRST_IDS;
		end = (uint64_t)from;
		next_key(agent, key);
		if (store_meta_set(tx, key,
				   sv_make((char *)&from, sizeof(from)),
				   &err) < 0)
			return -1;
		idmap_put(&store->next_cs, (uint64_t)agent * 2 + 2, end);
	}
	idmap_put(&store->next_cs, (uint64_t)agent * 2 + 1, next + 1);
	return (int64_t)next;
}

static struct sv image_of(const struct cs_row *row)
{
	if (!row->has_image)
		return SV_NULL;
	return row->image.ptr ? row->image : SV_LIT("");
}

static int64_t flags_of(const struct cs_row *row)
{
	return (int64_t)row->flags | (row->has_image ? 0 : CS_NO_IMAGE);
}

int store_cs_put(struct store_tx *tx, const struct cs_row *row,
		 struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO cs VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		       err, "iiiibbb", row->id, (int64_t)row->type,
		       flags_of(row), row->parent, row->rdn, row->anchor,
		       image_of(row));
}

/* Replacing a row writes all of its indexes, changing columns only those that
 * name them. What no index knows first; then but for the parent's. */
int store_cs_update(struct store_tx *tx, const struct cs_row *row,
		    struct error *err)
{
	struct store *store = tx->store;

	if (!store->db->driver->changed)
		return store_cs_put(tx, row, err);
	if (sql_run(store,
		    "UPDATE cs SET rdn = ?5, anchor = ?6, image = ?7"
		    " WHERE id = ?1 AND type = ?2 AND flags = ?3"
		    " AND parent = ?4",
		    err, "iiiibbb", row->id, (int64_t)row->type, flags_of(row),
		    row->parent, row->rdn, row->anchor, image_of(row)) < 0)
		return -1;
	if (store->db->driver->changed(store->db))
		return 0;
	if (sql_run(store,
		    "UPDATE cs SET type = ?2, flags = ?3, rdn = ?5,"
		    " anchor = ?6, image = ?7 WHERE id = ?1 AND parent = ?4",
		    err, "iiiibbb", row->id, (int64_t)row->type, flags_of(row),
		    row->parent, row->rdn, row->anchor, image_of(row)) < 0)
		return -1;
	return store->db->driver->changed(store->db)
		       ? 0
		       : store_cs_put(tx, row, err);
}

int store_cs_delete(struct store_tx *tx, int64_t id, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM cs WHERE id = ?1", err, "i", id);
}

int store_cs_scan(struct store *store, uint32_t agent, int64_t after,
		  struct cs_row *rows, int limit, struct arena *arena,
		  struct error *err)
{
	struct statement *stmt;
	int64_t from = after > FIRST_ID(agent) ? after : FIRST_ID(agent);
	int count = 0;
	int ret;

	for (ret = sql_first(store,
			     "SELECT id, type, flags, parent, rdn, anchor,"
			     " image FROM cs WHERE id > ?1 AND id <= ?2"
			     " ORDER BY id LIMIT ?3",
			     &stmt, err, "iii", from, LAST_ID(agent),
			     (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct cs_row *row = &rows[count++];

		read_row(stmt, arena, row);
		row->anchor = sql_bytes(stmt, 5, arena);
		row->image = sql_bytes(stmt, 6, arena);
		row->has_image = row->image.ptr != NULL;
	}
	return ret < 0 ? -1 : count;
}

int store_cs_last(struct store *store, uint32_t agent, int64_t *out,
		  struct error *err)
{
	return sql_number(store,
			  "SELECT coalesce(max(id), 0) FROM cs WHERE id BETWEEN"
			  " ?1 AND ?2",
			  out, err, "ii", FIRST_ID(agent), LAST_ID(agent)) < 0
		       ? -1
		       : 0;
}

int store_cs_children(struct store *store, int64_t parent, struct arena *arena,
		      int64_t **out, size_t *count_out, struct error *err)
{
	int count = sql_id_list(store,
				"SELECT id FROM cs WHERE parent = ?1 AND"
				" parent > 0",
				arena, out, err, "i", parent);

	*count_out = count < 0 ? 0 : (size_t)count;
	return count < 0 ? -1 : 0;
}

int64_t store_cs_count(struct store *store, uint32_t agent, uint32_t type,
		       struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int ret =
		sql_first(store,
			  type ? "SELECT count(*) FROM cs INDEXED BY cs_type"
				 " WHERE type = ?3 AND id BETWEEN ?1 AND ?2 AND"
				 " type > 0 AND flags < 8"
			       : "SELECT count(*) FROM cs INDEXED BY cs_type"
				 " WHERE id BETWEEN ?1 AND ?2 AND"
				 " type > 0 AND flags < 8 AND ?3 = 0",
			  &stmt, err, "iii", FIRST_ID(agent), LAST_ID(agent),
			  (int64_t)type);

	if (ret > 0) {
		count = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int64_t store_cs_count_most(struct store *store, uint32_t agent, uint32_t type,
			    int64_t most, struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int ret = sql_first(store,
			    "SELECT count(*) FROM (SELECT id FROM cs INDEXED BY"
			    " cs_type WHERE type = ?3 AND id BETWEEN ?1 AND ?2"
			    " AND type > 0 AND flags < 8 LIMIT ?4)"
			    " AS found",
			    &stmt, err, "iiii", FIRST_ID(agent), LAST_ID(agent),
			    (int64_t)type, most);

	if (ret > 0) {
		count = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int64_t store_cs_count_below(struct store *store, int64_t top,
			     struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int ret = sql_first(
		store,
		"WITH RECURSIVE below(id) AS (VALUES (?1) UNION ALL"
		" SELECT cs.id FROM below JOIN cs ON cs.parent = below.id"
		" AND cs.parent > 0)"
		" SELECT count(*) FROM below JOIN cs USING (id)"
		" WHERE type > 0 AND image IS NOT NULL",
		&stmt, err, "i", top);

	if (ret > 0) {
		count = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int store_anchor_put(struct store_tx *tx, uint32_t agent,
		     const struct anchor_key *key, struct error *err)
{
	return late_put_anchor(tx, agent, key, err);
}

int store_anchor_delete(struct store_tx *tx, uint32_t agent, uint64_t h,
			int64_t id, struct error *err)
{
	if (late_write_anchors(tx->store, err) < 0)
		return -1;
	return sql_run(tx->store,
		       "DELETE FROM cs_anchor WHERE agent = ?1 AND h = ?2"
		       " AND id = ?3",
		       err, "iii", (int64_t)agent, (int64_t)h, id);
}

static void read_anchor(struct statement *stmt, struct anchor_key *out)
{
	out->h = (uint64_t)sql_int(stmt, 0);
	out->id = sql_int(stmt, 1);
	out->content.high = (uint64_t)sql_int(stmt, 2);
	out->content.low = (uint64_t)sql_int(stmt, 3);
}

int store_anchor_find(struct store *store, uint32_t agent, uint64_t h,
		      struct anchor_key *out, int max, struct error *err)
{
	struct statement *stmt;
	int count = 0;
	int ret;

	if (late_write_anchors(store, err) < 0)
		return -1;
	ret = sql_first(store,
			"SELECT h, id, high, low FROM cs_anchor"
			" WHERE agent = ?1 AND h = ?2",
			&stmt, err, "ii", (int64_t)agent, (int64_t)h);
	while (ret > 0) {
		if (count == max) {
			sql_reset(stmt);
			break;
		}
		read_anchor(stmt, &out[count++]);
		ret = sql_next(stmt, err);
	}
	return ret < 0 ? -1 : count;
}

int store_anchor_scan(struct store *store, uint32_t agent,
		      int (*fn)(void *data, const struct anchor_key *key),
		      void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	if (late_write_anchors(store, err) < 0)
		return -1;
	for (ret = sql_first(store,
			     "SELECT h, id, high, low FROM cs_anchor"
			     " WHERE agent = ?1",
			     &stmt, err, "i", (int64_t)agent);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct anchor_key key;

		read_anchor(stmt, &key);
		if (fn(data, &key) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}

int store_cs_key_put(struct store_tx *tx, const struct key_row *keys,
		     size_t count, struct error *err)
{
	return late_put(tx, STORE_KEYS_CS, keys, count, err);
}

int store_cs_key_delete(struct store_tx *tx, uint64_t h, int64_t id,
			struct error *err)
{
	if (late_write(tx->store, STORE_KEYS_CS, err) < 0)
		return -1;
	return sql_run(tx->store, "DELETE FROM cs_key WHERE h = ?1 AND id = ?2",
		       err, "ii", (int64_t)h, id);
}

int store_cs_key_find(struct store *store, uint64_t h, struct arena *arena,
		      int64_t **out, struct error *err)
{
	*out = NULL;
	if (known_key_absent(store, STORE_KEYS_CS, h))
		return 0;
	if (late_write(store, STORE_KEYS_CS, err) < 0)
		return -1;
	return sql_id_list(store, "SELECT id FROM cs_key WHERE h = ?1", arena,
			   out, err, "i", (int64_t)h);
}

int store_mv_key_put(struct store_tx *tx, const struct key_row *keys,
		     size_t count, struct error *err)
{
	return late_put(tx, STORE_KEYS_MV, keys, count, err);
}

int store_mv_wait_put(struct store_tx *tx, const struct key_row *keys,
		      size_t count, struct error *err)
{
	return late_put(tx, STORE_KEYS_WAIT, keys, count, err);
}

int store_cs_ref_put(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO cs_ref VALUES (?1, ?2, ?3)", err,
		       "iii", target, source, (int64_t)attr);
}

int store_cs_ref_move(struct store_tx *tx, int64_t from, int64_t to,
		      int64_t source, struct error *err)
{
	if (sql_run(tx->store,
		    "INSERT INTO cs_ref SELECT ?2, source, attribute"
		    " FROM cs_ref WHERE target = ?1 AND source = ?3"
		    " ON CONFLICT (target, source) DO UPDATE SET"
		    " attribute = 0 WHERE cs_ref.attribute IS DISTINCT FROM"
		    " excluded.attribute",
		    err, "iii", from, to, source) < 0)
		return -1;
	return store_cs_ref_delete(tx, from, source, err);
}

int store_cs_ref_delete(struct store_tx *tx, int64_t target, int64_t source,
			struct error *err)
{
	return sql_run(tx->store,
		       "DELETE FROM cs_ref WHERE target = ?1 AND"
		       " source = ?2",
		       err, "ii", target, source);
}

int store_cs_referring(struct store *store, int64_t target, struct arena *arena,
		       struct past_referrer **out, struct error *err)
{
	VEC(struct past_referrer) rows = VEC_INIT;
	struct past_referrer row;
	struct statement *stmt;
	size_t count;
	int ret;

	for (ret = sql_first(store,
			     "SELECT source, attribute FROM cs_ref"
			     " WHERE target = ?1",
			     &stmt, err, "i", target);
	     ret > 0; ret = sql_next(stmt, err)) {
		row.cs = sql_int(stmt, 0);
		row.attr = (uint32_t)sql_int(stmt, 1);
		vec_push(&rows, row);
	}
	count = rows.len;
	*out = arena_array(arena, count + 1, sizeof(**out));
	if (count)
		memcpy(*out, rows.at, count * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : (int)count;
}

int store_cs_referrers(struct store *store, int64_t target, struct arena *arena,
		       int64_t **out, struct error *err)
{
	return sql_id_list(store, "SELECT source FROM cs_ref WHERE target = ?1",
			   arena, out, err, "i", target);
}
