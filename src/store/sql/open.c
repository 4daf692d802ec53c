/*
 * open.c - open a store, bring it up to date, transactions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

#include <stdio.h>
#include <string.h>

static int migrate(struct store *store, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;
	struct database *db = store->db;
	int64_t version;
	int64_t known = 0;

	while (driver->schema[known])
		known++;
	if (driver->version(db, &version, err) < 0)
		return -1;
	if (version > known)
		return error_set(err, ERR_UNSUPPORTED,
				 "the store '%s' was written by a newer "
				 "version of conjoin; use that one",
				 db->name);
	if (version == known)
		return 0;
	if (store->read_only)
		return error_set(err, ERR_NOTFOUND,
				 "the store '%s' is empty or of an older "
				 "version; run an import first",
				 db->name);
	if (driver->begin(db, STORE_DURABLE, 0, NULL, err) < 0)
		return -1;
	/* another process may have been first */
	if (driver->version(db, &version, err) < 0)
		goto failed;
	for (; version < known; version++)
		if (driver->run(db, driver->schema[version], err) < 0)
			goto failed;
	if (driver->set_version(db, known, err) < 0 ||
	    driver->commit(db, err) < 0)
		goto failed;
	return 0;
failed:
	driver->rollback(db);
	return -1;
}

/* 1: it is there, 0: there is none yet, -1 */
static int read_secret(struct store *store, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv value;
	int ret = store_meta_get(store, "secret", &arena, &value, err);

	if (ret > 0 && value.len == sizeof(store->key.bytes))
		memcpy(store->key.bytes, value.ptr, value.len);
	else if (ret > 0)
		ret = error_set(err, ERR_CORRUPT,
				"the store '%s' has a damaged secret",
				store->db->name);
	arena_release(&arena);
	return ret;
}

/* Another process may have been first: its secret is everybody's. */
static int make_secret(struct store *store, struct error *err)
{
	struct store_tx *tx;
	int ret;

	if (store_begin(store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	ret = read_secret(store, err);
	if (ret == 0) {
		hash_key_random(&store->key);
		ret = store_meta_set(tx, "secret",
				     sv_make((char *)store->key.bytes,
					     sizeof(store->key.bytes)),
				     err);
	}
	if (ret < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static int load_secret(struct store *store, struct error *err)
{
	int ret = read_secret(store, err);

	if (ret == 0 && !store->read_only)
		ret = make_secret(store, err);
	return ret < 0 ? -1 : 0;
}

static const struct sql_driver *const DRIVERS[] = { &sqlite_driver,
						    &postgresql_driver };

const struct sql_driver *sql_driver_of(const char *url, const char **where_out,
				       struct error *err)
{
	size_t i;

	for (i = 0; i < sizeof(DRIVERS) / sizeof(DRIVERS[0]); i++) {
		struct sv scheme = sv_from(DRIVERS[i]->scheme);

		*where_out = url + scheme.len;
		if (sv_starts(sv_from(url), scheme))
			return DRIVERS[i];
	}
	(void)error_set(err, ERR_UNSUPPORTED,
			"'%s' is not a store that this program knows; "
			"write sqlite:PATH or "
			"postgresql://USER@HOST/DATABASE",
			url);
	return NULL;
}

int store_open(const char *url, enum store_open_flags flags, struct store **out,
	       struct error *err)
{
	const struct sql_driver *driver;
	struct database *db;
	struct store *store;
	const char *where;

	*out = NULL;
	driver = sql_driver_of(url, &where, err);
	if (driver && flags & STORE_OVERLAY && !driver->overlays)
		return sql_open_copy(url, out, err);
	if (!driver || driver->open(where, flags, &db, err) < 0)
		return -1;
	store = mem_zalloc(sizeof(*store));
	(void)pthread_mutex_init(&store->motion_lock, NULL);
	store->db = db;
	store->read_only = (flags & STORE_READ) != 0;
	store->tx.store = store;
	if (migrate(store, err) < 0 || load_secret(store, err) < 0 ||
	    store_load_names(store, err) < 0) {
		store_close(store);
		return -1;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_rollback(&store->tx);
	idmap_release(&store->statements);
	idmap_release(&store->next_cs);
	known_forget(store);
	(void)pthread_mutex_destroy(&store->motion_lock);
	store->db->driver->close(store->db);
	store_free_names(store);
	store_free_map(store);
	mem_free(store);
}

void store_leave_one_file(struct store *store)
{
	if (store->db->driver->leave_one_file)
		store->db->driver->leave_one_file(store->db);
}

static int begin(struct store *store, enum store_durability durability,
		 uint32_t beside, struct store_tx **out, struct error *err)
{
	int64_t fencing;

	if (store->read_only) {
		(void)error_set(err, ERR_DENIED,
				"the store '%s' was opened for reading only",
				store->db->name);
		return -1;
	}
	if (behind_enter(store, err) < 0 ||
	    store->db->driver->begin(store->db, durability, beside, &fencing,
				     err) < 0)
		return -1;
	store->in_tx = true;
	if (lease_check(store, fencing, err) < 0) {
		store_rollback(&store->tx);
		return -1;
	}
	*out = &store->tx;
	return 0;
}

int store_begin(struct store *store, enum store_durability durability,
		struct store_tx **out, struct error *err)
{
	return begin(store, durability, 0, out, err);
}

int store_begin_beside(struct store *store, uint32_t agent,
		       enum store_durability durability, struct store_tx **out,
		       struct error *err)
{
	return begin(store, durability, agent, out, err);
}

int store_commit(struct store_tx *tx, struct error *err)
{
	struct store *store = tx->store;

	if (behind_enter(store, err) < 0 || late_write_all(store, err) < 0 ||
	    store->db->driver->commit(store->db, err) < 0) {
		store_rollback(tx);
		return -1;
	}
	store->in_tx = false;
	store->committed_names = store->name_rows.len;
	return 0;
}

void store_rollback(struct store_tx *tx)
{
	struct error ignored = ERROR_INIT;
	struct store *store;

	if (!tx)
		return;
	store = tx->store;
	if (!behind_is_writer(store)) {
		(void)store_settle(store, &ignored);
		store->behind.failed = false;
		store->held = NULL;
	}
	late_forget(store);
	if (!store->in_tx)
		return;
	store->db->driver->rollback(store->db);
	/* the thread that began it forgets what it lost */
	if (behind_is_writer(store))
		return;
	store->in_tx = false;
	store_forget_uncommitted(store);
}

struct store *store_of(struct store_tx *tx)
{
	return tx->store;
}

int store_read_begin(struct store *store, struct error *err)
{
	if (store->db->driver->begin_reading(store->db, err) < 0)
		return -1;
	store->snapshot = true;
	return 0;
}

void store_read_end(struct store *store)
{
	struct error ignored = ERROR_INIT;

	(void)store->db->driver->commit(store->db, &ignored);
	store->snapshot = false;
	/* what was known of it was of that moment */
	if (!store_leased_whole(store))
		known_forget(store);
}

const struct hash_key *store_hash_key(const struct store *store)
{
	return &store->key;
}
