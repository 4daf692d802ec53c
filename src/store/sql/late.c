/*
 * late.c - keys are written when the transaction ends
 *
 * Keys are hashes: each lies somewhere else in its table's tree, so a key costs
 * a page, and all keys of a transaction in order cost each page once. They are
 * held in memory until it commits, or until somebody asks for what their table
 * has. What is held belongs to whoever has the connection (behind.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

static int order_keys(const void *a, const void *b)
{
	const struct key_row *x = a;
	const struct key_row *y = b;
	int64_t hx = (int64_t)x->h;
	int64_t hy = (int64_t)y->h;

	if (hx != hy)
		return hx < hy ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

int late_put(struct store_tx *tx, enum store_keys table,
	     const struct key_row *keys, size_t count, struct error *err)
{
	struct store *store = tx->store;
	size_t i;

	if (!count)
		return 0;
	if (behind_enter(store, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		known_key_comes(store, table, keys[i].h);
		vec_push(&store->late[table], keys[i]);
	}
	return 0;
}

static int put(struct store *store, enum store_keys table,
	       const struct key_row *key, struct error *err)
{
	const int64_t h = (int64_t)key->h;

	switch (table) {
	case STORE_KEYS_CS:
		return sql_run(store,
			       "INSERT OR IGNORE INTO cs_key VALUES (?1, ?2)",
			       err, "ii", h, key->id);
	case STORE_KEYS_MV:
		return sql_run(store,
			       "INSERT OR IGNORE INTO mv_key VALUES (?1, ?2)",
			       err, "ii", h, key->id);
	case STORE_KEYS_WAIT:
		return sql_run(store,
			       "INSERT OR IGNORE INTO mv_wait VALUES (?1, ?2)",
			       err, "ii", h, key->id);
	case STORE_KEYS_LINK:
		break;
	}
	return 0;
}

int late_write(struct store *store, enum store_keys table, struct error *err)
{
	const struct key_row *key;
	int ret = 0;

	if (behind_enter(store, err) < 0)
		return -1;
	vec_sort(&store->late[table], order_keys);
	vec_foreach(&store->late[table], key) {
		ret = put(store, table, key, err);
		if (ret < 0)
			break;
	}
	vec_clear(&store->late[table]);
	return ret;
}

/* ---- anchors ---- */

static int order_anchors(const void *a, const void *b)
{
	const struct late_anchor *x = a;
	const struct late_anchor *y = b;
	int64_t hx = (int64_t)x->key.h;
	int64_t hy = (int64_t)y->key.h;

	if (x->agent != y->agent)
		return x->agent < y->agent ? -1 : 1;
	if (hx != hy)
		return hx < hy ? -1 : 1;
	if (x->key.id != y->key.id)
		return x->key.id < y->key.id ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

int late_put_anchor(struct store_tx *tx, uint32_t agent,
		    const struct anchor_key *key, struct error *err)
{
	struct store *store = tx->store;
	struct late_anchor anchor = { agent, store->late_anchors.len, *key };

	if (behind_enter(store, err) < 0)
		return -1;
	vec_push(&store->late_anchors, anchor);
	return 0;
}

int late_write_anchors(struct store *store, struct error *err)
{
	const struct late_anchor *anchor;
	int ret = 0;

	if (behind_enter(store, err) < 0)
		return -1;
	vec_sort(&store->late_anchors, order_anchors);
	vec_foreach(&store->late_anchors, anchor) {
		const struct anchor_key *key = &anchor->key;

		ret = sql_run(store,
			      "INSERT OR REPLACE INTO cs_anchor VALUES"
			      " (?1, ?2, ?3, ?4, ?5)",
			      err, "iiiii", (int64_t)anchor->agent,
			      (int64_t)key->h, key->id,
			      (int64_t)key->content.high,
			      (int64_t)key->content.low);
		if (ret < 0)
			break;
	}
	vec_clear(&store->late_anchors);
	return ret;
}

int late_write_all(struct store *store, struct error *err)
{
	int table;

	for (table = 0; table < STORE_KEY_TABLES; table++)
		if (late_write(store, (enum store_keys)table, err) < 0)
			return -1;
	return late_write_anchors(store, err);
}

void late_forget(struct store *store)
{
	int table;

	for (table = 0; table < STORE_KEY_TABLES; table++)
		vec_release(&store->late[table]);
	vec_release(&store->late_anchors);
}
