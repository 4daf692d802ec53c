/*
 * backup.c - what a store is; a file of it, and back again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "store/copy.h"
#include "store/sql/sql_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[] = "SQLite format 3"; /* and a NUL */

int store_info(struct store *store, struct store_info *out, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;

	memset(out, 0, sizeof(*out));
	(void)snprintf(out->kind, sizeof(out->kind), "%.*s",
		       (int)strcspn(driver->scheme, ":"), driver->scheme);
	out->name = store->db->name;
	if (driver->version(store->db, &out->version, err) < 0)
		return -1;
	return driver->size ? driver->size(store->db, &out->size, err) : 0;
}

int store_verify(struct store *store, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;

	return driver->check ? driver->check(store->db, err) : 1;
}

/* ---- files ---- */

/* A file that becomes a store: its address, and what a store has beside it. */
struct passing {
	struct arena arena;
	const char *path;
	const char *url;
};

static void passing_init(struct passing *file, const char *beside)
{
	memset(file, 0, sizeof(*file));
	file->path = arena_printf(&file->arena, "%s.%ld.tmp", beside,
				  (long)getpid());
	file->url = arena_printf(&file->arena, "sqlite:%s", file->path);
}

static void passing_remove(struct passing *file)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal",
						".lock" };
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		(void)unlink(arena_printf(&file->arena, "%s%s", file->path,
					  suffixes[i]));
	arena_release(&file->arena);
}

/* 1: it has the mark of one; 0: not; -1: it cannot be read. */
static int is_database(const char *path, struct error *err)
{
	char mark[sizeof(MAGIC)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return error_errno(err, errno, "cannot read '%s'", path);
	n = read(fd, mark, sizeof(mark));
	if (n < 0)
		(void)error_errno(err, errno, "cannot read '%s'", path);
	(void)close(fd);
	if (n < 0)
		return -1;
	return n == sizeof(mark) && !memcmp(mark, MAGIC, sizeof(mark));
}

/* ---- backup ---- */

static bool same_file(const char *a, const char *b)
{
	struct stat first;
	struct stat second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static int check_target(struct store *store, const char *path,
			struct error *err)
{
	int ret;

	if (!file_exists(path))
		return file_make_parent(path, err);
	if (store->db->driver->backup && same_file(store->db->name, path))
		return error_set(err, ERR_CONFLICT,
				 "'%s' is the store itself; name another file",
				 path);
	ret = is_database(path, err);
	if (ret == 0)
		ret = error_set(err, ERR_CONFLICT,
				"'%s' is there and is no backup of a store; "
				"name another file",
				path);
	return ret < 0 ? -1 : 0;
}

/* A database that is no file is copied into one. */
static int copy_to_file(struct store *store, const char *url, struct error *err)
{
	struct store_holder holder;
	struct store_copied copied;
	struct store *to;
	int ret;

	if (store_open(url, STORE_CREATE, &to, err) < 0)
		return -1;
	ret = store_lease(to, "backup", &holder, err);
	if (ret >= 0)
		ret = store_copy(store, to, &copied, err);
	store_close(to);
	return ret;
}

int store_backup(struct store *store, const char *path, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;
	struct passing file;
	int ret;

	if (check_target(store, path, err) < 0)
		return -1;
	passing_init(&file, path);
	if (driver->backup)
		ret = driver->backup(store->db, file.path, err);
	else
		ret = copy_to_file(store, file.url, err);
	if (ret == 0)
		ret = file_sync(file.path, err);
	if (ret == 0 && rename(file.path, path) < 0)
		ret = error_errno(err, errno, "cannot replace '%s'", path);
	if (ret == 0)
		ret = file_sync(path, err);
	passing_remove(&file);
	return ret;
}

/* ---- an overlay over what is no file ---- */

static int open_copy(struct store *from, const char *folder, struct store **out,
		     struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct passing file;
	int ret;

	passing_init(&file, arena_printf(&arena, "%s/store", folder));
	ret = copy_to_file(from, file.url, err);
	if (ret == 0)
		ret = store_open(file.url, STORE_OVERLAY, out, err);
	/* it has all of them open */
	passing_remove(&file);
	arena_release(&arena);
	return ret;
}

int sql_open_copy(const char *url, struct store **out, struct error *err)
{
	const char *place = getenv("TMPDIR");
	struct store *from;
	char folder[256];
	int ret;

	*out = NULL;
	(void)snprintf(folder, sizeof(folder), "%s/conjoin-XXXXXX",
		       place && *place && strlen(place) < 200 ? place : "/tmp");
	if (store_open(url, STORE_READ, &from, err) < 0)
		return -1;
	if (!mkdtemp(folder)) {
		ret = error_errno(err, errno, "cannot make a folder in '%s'",
				  place ? place : "/tmp");
	} else {
		ret = open_copy(from, folder, out, err);
		(void)rmdir(folder);
	}
	store_close(from);
	return ret;
}

/* ---- restore ---- */

static int forget_watermarks(struct store *store, struct error *err)
{
	struct store_tx *tx;

	if (store_begin(store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (sql_run(store, "DELETE FROM meta WHERE key LIKE 'watermark.%'", err,
		    "") < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

/* The copy of the file, looked through and made ready. */
static int prepare(struct store *store, struct error *err)
{
	if (store->db->driver->check(store->db, err) < 0)
		return -1;
	return forget_watermarks(store, err);
}

static int fill(const char *url, struct store *from, struct error *err)
{
	struct store_holder holder;
	struct store_copied copied;
	struct store *to;
	int ret;

	if (store_open(url, STORE_CREATE, &to, err) < 0)
		return -1;
	ret = store_lease(to, "restore", &holder, err);
	if (ret == 0)
		ret = error_set(err, ERR_CONFLICT,
				"a run works on the store '%s'; 'conjoin "
				"status' tells which: let it end, then try "
				"again",
				to->db->name);
	else if (ret > 0)
		ret = store_copy(from, to, &copied, err);
	store_close(to);
	return ret;
}

static int read_version(const char *url, int64_t *out, struct error *err)
{
	const struct sql_driver *driver;
	struct database *db;
	const char *where;
	int ret;

	driver = sql_driver_of(url, &where, err);
	if (!driver || driver->open(where, STORE_READ, &db, err) < 0)
		return -1;
	ret = driver->version(db, out, err);
	driver->close(db);
	if (ret == 0 && *out == 0)
		ret = error_set(err, ERR_INVALID, "it holds no store");
	return ret;
}

static int restore_copy(const struct sql_driver *driver, const char *url,
			const char *where, const struct passing *file,
			struct store_restored *out, struct error *err)
{
	struct store *store;
	int ret;

	if (read_version(file->url, &out->version, err) < 0 ||
	    store_open(file->url, 0, &store, err) < 0)
		return -1;
	ret = prepare(store, err);
	if (ret == 0 && !driver->replace)
		ret = fill(url, store, err);
	store_close(store);
	if (ret == 0 && driver->replace)
		ret = driver->replace(where, file->path, &out->kept, err);
	return ret;
}

int store_restore(const char *url, const char *path, struct store_restored *out,
		  struct error *err)
{
	const struct sql_driver *driver;
	struct passing file;
	const char *where;
	struct stat st;
	int ret;

	memset(out, 0, sizeof(*out));
	driver = sql_driver_of(url, &where, err);
	if (!driver)
		return -1;
	ret = is_database(path, err);
	if (ret == 0)
		ret = error_set(err, ERR_INVALID,
				"'%s' is no backup of a store: 'conjoin "
				"backup' writes one",
				path);
	if (ret < 0)
		return -1;
	if (stat(path, &st) == 0)
		out->size = (int64_t)st.st_size;
	passing_init(&file, driver->replace ? where : path);
	if (file_make_parent(file.path, err) < 0 ||
	    file_copy(path, file.path, err) < 0)
		ret = -1;
	else
		ret = restore_copy(driver, url, where, &file, out, err);
	passing_remove(&file);
	if (ret == 0)
		return 0;
	mem_free(out->kept);
	out->kept = NULL;
	if (err && err->code != ERR_CONFLICT)
		(void)error_context(err, "cannot restore from '%s'", path);
	return -1;
}
