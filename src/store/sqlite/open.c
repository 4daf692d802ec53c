/*
 * open.c - open a store file, bring it up to date, transactions, the lease
 *
 * The lease is a lock of the operating system on a file beside the store, so
 * it ends with the process however that ends; the row in `lease` tells people
 * who holds it, and its fencing number is checked when a transaction begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/file.h"
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int exec(struct store *store, const char *text, struct error *err)
{
	if (sqlite3_exec(store->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(store, err, "write to");
	return 0;
}

static int schema_version(struct store *store, int64_t *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = sqlite_first(store, "PRAGMA user_version", &stmt, err, "");

	*out = 0;
	if (ret > 0) {
		*out = sqlite3_column_int64(stmt, 0);
		(void)sqlite3_reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}

static int migrate(struct store *store, struct error *err)
{
	char text[64];
	int64_t version;
	int64_t known = 0;

	while (sqlite_schema_steps[known])
		known++;
	if (schema_version(store, &version, err) < 0)
		return -1;
	if (version > known)
		return error_set(err, ERR_UNSUPPORTED,
				 "the store '%s' was written by a newer "
				 "version of conjoin; use that one",
				 store->path);
	if (version == known)
		return 0;
	if (store->read_only)
		return error_set(err, ERR_NOTFOUND,
				 "the store '%s' is empty or of an older "
				 "version; run an import first",
				 store->path);
	if (exec(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	/* another process may have been first */
	if (schema_version(store, &version, err) < 0)
		goto failed;
	for (; version < known; version++)
		if (exec(store, sqlite_schema_steps[version], err) < 0)
			goto failed;
	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d",
		       (int)known);
	if (exec(store, text, err) < 0 || exec(store, "COMMIT", err) < 0)
		goto failed;
	return 0;
failed:
	(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int make_secret(struct store *store, struct error *err)
{
	struct store_tx *tx;

	hash_key_random(&store->key);
	if (store_begin(store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (store_meta_set(
		    tx, "secret",
		    sv_make((char *)store->key.bytes, sizeof(store->key.bytes)),
		    err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

static int load_secret(struct store *store, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv value;
	int ret = store_meta_get(store, "secret", &arena, &value, err);

	if (ret > 0 && value.len == sizeof(store->key.bytes)) {
		memcpy(store->key.bytes, value.ptr, value.len);
		ret = 0;
	} else if (ret > 0) {
		ret = error_set(err, ERR_CORRUPT,
				"the store '%s' has a damaged secret",
				store->path);
	} else if (ret == 0 && !store->read_only) {
		ret = make_secret(store, err);
	}
	arena_release(&arena);
	return ret;
}

static int set_up(struct store *store, struct error *err)
{
	static const char pragmas[] = "PRAGMA page_size = 8192;"
				      "PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = NORMAL;"
				      "PRAGMA wal_autocheckpoint = 8192;"
				      "PRAGMA journal_size_limit = 134217728;"
				      "PRAGMA cache_size = -65536;"
				      "PRAGMA temp_store = FILE;"
				      "PRAGMA foreign_keys = OFF;";

	(void)sqlite3_busy_timeout(store->db, 30000);
	if (!store->read_only) {
		if (exec(store, pragmas, err) < 0)
			return -1;
	} else if (exec(store, "PRAGMA cache_size = -65536", err) < 0) {
		return -1;
	}
	if (migrate(store, err) < 0 || load_secret(store, err) < 0)
		return -1;
	return sqlite_load_names(store, err);
}

/* People's data: a new store is its owner's alone. SQLite gives its log the
 * rights of the file. */
static int make_private(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the store '%s'",
				   path);
	(void)close(fd);
	return 0;
}

int store_open(const char *url, enum store_open_flags flags, struct store **out,
	       struct error *err)
{
	struct sv prefix = SV_LIT("sqlite:");
	struct store *store;
	int open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	*out = NULL;
	if (!sv_starts(sv_from(url), prefix))
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' is not a store that this program knows; "
				 "write sqlite:PATH",
				 url);
	store = mem_zalloc(sizeof(*store));
	(void)pthread_mutex_init(&store->motion_lock, NULL);
	store->lock_fd = -1;
	store->path = mem_strdup(url + prefix.len);
	store->read_only = (flags & STORE_READ) != 0;
	store->tx.store = store;
	if (flags & STORE_CREATE) {
		open_flags |= SQLITE_OPEN_CREATE;
		if (file_make_parent(store->path, err) < 0)
			goto failed;
	} else if (!file_exists(store->path)) {
		(void)error_set(err, ERR_NOTFOUND,
				"there is no store '%s' yet; run an import "
				"first",
				store->path);
		goto failed;
	}
	if ((flags & STORE_CREATE) && make_private(store->path, err) < 0)
		goto failed;
	if (sqlite3_open_v2(store->path, &store->db, open_flags, NULL) !=
	    SQLITE_OK) {
		(void)sqlite_error(store, err, "open");
		goto failed;
	}
	if (set_up(store, err) < 0)
		goto failed;
	*out = store;
	return 0;
failed:
	store_close(store);
	return -1;
}

void store_close(struct store *store)
{
	sqlite3_stmt **stmt;

	if (!store)
		return;
	store_rollback(&store->tx);
	vec_foreach(&store->all_statements, stmt)
		(void)sqlite3_finalize(*stmt);
	vec_release(&store->all_statements);
	idmap_release(&store->statements);
	idmap_release(&store->next_cs);
	known_forget(store);
	(void)pthread_mutex_destroy(&store->motion_lock);
	(void)sqlite3_close(store->db);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	sqlite_free_names(store);
	sqlite_free_map(store);
	mem_free(store->path);
	mem_free(store);
}

static int check_fencing(struct store *store, struct error *err)
{
	sqlite3_stmt *stmt;
	int64_t fencing = 0;
	int ret;

	if (store->lock_fd < 0)
		return 0;
	ret = sqlite_first(store, "SELECT fencing FROM lease", &stmt, err, "");
	if (ret < 0)
		return -1;
	if (ret > 0) {
		fencing = sqlite3_column_int64(stmt, 0);
		(void)sqlite3_reset(stmt);
	}
	if (fencing == store->fencing)
		return 0;
	return error_set(err, ERR_CONFLICT,
			 "another process has taken over the store '%s'",
			 store->path);
}

int store_begin(struct store *store, enum store_durability durability,
		struct store_tx **out, struct error *err)
{
	bool full = durability == STORE_DURABLE;

	if (store->read_only) {
		(void)error_set(err, ERR_DENIED,
				"the store '%s' was opened for reading only",
				store->path);
		return -1;
	}
	if (full != store->full_sync) {
		if (exec(store,
			 full ? "PRAGMA synchronous = FULL"
			      : "PRAGMA synchronous = NORMAL",
			 err) < 0)
			return -1;
		store->full_sync = full;
	}
	if (sqlite_run(store, "BEGIN IMMEDIATE", err, "") < 0)
		return -1;
	store->in_tx = true;
	if (check_fencing(store, err) < 0) {
		store_rollback(&store->tx);
		return -1;
	}
	*out = &store->tx;
	return 0;
}

int store_commit(struct store_tx *tx, struct error *err)
{
	struct store *store = tx->store;

	if (sqlite_run(store, "COMMIT", err, "") < 0) {
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

	if (!tx)
		return;
	if (!behind_is_writer(tx->store)) {
		(void)store_settle(tx->store, &ignored);
		tx->store->behind.failed = false;
	}
	if (!tx->store->in_tx)
		return;
	if (!sqlite3_get_autocommit(tx->store->db))
		(void)sqlite3_exec(tx->store->db, "ROLLBACK", NULL, NULL, NULL);
	/* the thread that began it forgets what it lost */
	if (behind_is_writer(tx->store))
		return;
	tx->store->in_tx = false;
	sqlite_forget_uncommitted(tx->store);
}

struct store *store_of(struct store_tx *tx)
{
	return tx->store;
}

int store_read_begin(struct store *store, struct error *err)
{
	return sqlite_run(store, "BEGIN", err, "");
}

void store_read_end(struct store *store)
{
	(void)sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
}

const struct hash_key *store_hash_key(const struct store *store)
{
	return &store->key;
}

static int read_holder(struct store *store, struct store_holder *out,
		       struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = sqlite_first(store,
			       "SELECT run, since, process, host, what"
			       " FROM lease",
			       &stmt, err, "");

	memset(out, 0, sizeof(*out));
	if (ret > 0) {
		out->run = sqlite3_column_int64(stmt, 0);
		out->since = sqlite3_column_int64(stmt, 1);
		out->process = sqlite3_column_int64(stmt, 2);
		(void)snprintf(out->host, sizeof(out->host), SV_FMT,
			       SV_ARG(sqlite_view(stmt, 3)));
		(void)snprintf(out->what, sizeof(out->what), SV_FMT,
			       SV_ARG(sqlite_view(stmt, 4)));
		(void)sqlite3_reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}

static int write_holder(struct store *store, const char *what,
			struct error *err)
{
	struct store_holder before;
	char host[64] = "";

	if (sqlite_run(store, "BEGIN IMMEDIATE", err, "") < 0)
		return -1;
	(void)gethostname(host, sizeof(host) - 1);
	if (read_holder(store, &before, err) < 0 ||
	    sqlite_run(store,
		       "UPDATE lease SET fencing = fencing + 1, run ="
		       " (SELECT ifnull(max(id), 0) + 1 FROM run), since = ?1,"
		       " process = ?2, host = ?3, what = ?4",
		       err, "iiss", clock_now(), (int64_t)getpid(), host,
		       what) < 0 ||
	    sqlite_run(store, "COMMIT", err, "") < 0) {
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return 0;
}

/* The file whose lock is the lease; -1 when it cannot be opened. */
static int open_lock(struct store *store, int flags, struct error *err)
{
	size_t size = strlen(store->path) + 8;
	char *path = mem_alloc(size);
	int fd;

	(void)snprintf(path, size, "%s.lock", store->path);
	fd = open(path, flags | O_CLOEXEC, 0666);
	if (fd < 0)
		(void)error_errno(err, errno, "cannot open '%s'", path);
	mem_free(path);
	return fd;
}

int store_lease_held(struct store *store, struct store_holder *holder_out,
		     struct error *err)
{
	int fd = open_lock(store, O_RDONLY, err);
	bool free_now;

	if (fd < 0)
		return err && err->code == ERR_NOTFOUND ? 0 : -1;
	free_now = flock(fd, LOCK_SH | LOCK_NB) == 0;
	(void)close(fd);
	if (free_now)
		return 0;
	return read_holder(store, holder_out, err) < 0 ? -1 : 1;
}

int store_lease(struct store *store, const char *what,
		struct store_holder *holder_out, struct error *err)
{
	sqlite3_stmt *stmt;
	int fd = open_lock(store, O_RDWR | O_CREAT, err);
	int ret;

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return read_holder(store, holder_out, err);
	}
	if (write_holder(store, what, err) < 0) {
		(void)close(fd);
		return -1;
	}
	ret = sqlite_first(store, "SELECT fencing FROM lease", &stmt, err, "");
	if (ret <= 0) {
		(void)close(fd);
		return -1;
	}
	store->fencing = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	store->lock_fd = fd;
	return 1;
}
