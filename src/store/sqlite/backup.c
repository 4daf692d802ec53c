/*
 * backup.c - the whole file: copied while others write, checked, replaced
 *
 * Pages are copied by SQLite's own backup inside of one read transaction, which
 * makes them those of one moment and keeps nobody from writing. A store is
 * replaced the other way round, as one transaction of the file that is there:
 * who reads it meanwhile sees the old state to the end, and a crash leaves
 * either the one or the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/file.h"
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 30000
#define PAGES   1000 /* copied at a time: 8 MB */

static int say(struct error *err, sqlite3 *handle, const char *doing,
	       const char *path)
{
	int code = sqlite3_extended_errcode(handle) & 0xff;
	enum err_code kind = ERR_UNAVAILABLE;

	if (code == SQLITE_FULL)
		return error_set(err, kind,
				 "cannot %s '%s': the disk is full; free some "
				 "space and try again",
				 doing, path);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		kind = ERR_CORRUPT;
	else if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN)
		kind = ERR_DENIED;
	return error_set(err, kind, "cannot %s '%s': %s", doing, path,
			 sqlite3_errmsg(handle));
}

/* A connection without settings; NULL: err is set. */
static sqlite3 *open_plain(const char *path, struct error *err)
{
	sqlite3 *handle = NULL;

	if (sqlite3_open_v2(path, &handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		(void)say(err, handle, "open", path);
		(void)sqlite3_close(handle);
		return NULL;
	}
	(void)sqlite3_busy_timeout(handle, BUSY_MS);
	return handle;
}

static int run(sqlite3 *handle, const char *text, const char *path,
	       struct error *err)
{
	if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK)
		return say(err, handle, "write", path);
	return 0;
}

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path,
		      struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code;

	if (!backup)
		return say(err, to, "write", path);
	do
		code = sqlite3_backup_step(backup, PAGES);
	while (code == SQLITE_OK);
	if (sqlite3_backup_finish(backup) == SQLITE_OK && code == SQLITE_DONE)
		return 0;
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return error_set(err, ERR_UNAVAILABLE,
				 "cannot write '%s': another process writes to "
				 "it without an end; try again",
				 path);
	return say(err, to, "write", path);
}

/* To a file of its own, which no log stays beside. */
static int copy_to_file(sqlite3 *from, const char *path, struct error *err)
{
	sqlite3 *to = open_plain(path, err);
	int ret;

	if (!to)
		return -1;
	ret = run(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
		  path, err);
	if (ret == 0)
		ret = copy_pages(from, to, path, err);
	if (ret == 0)
		ret = run(to, "PRAGMA journal_mode = DELETE", path, err);
	if (sqlite3_close(to) != SQLITE_OK && ret == 0)
		ret = say(err, to, "write", path);
	return ret;
}

int sqlite_backup(struct database *db, const char *path, struct error *err)
{
	sqlite3 *from = sqlite_handle(db);
	int ret;

	if (file_make_private(path, err) < 0)
		return -1;
	/* what others write meanwhile would begin the copy anew */
	ret = run(from, "BEGIN; SELECT 1 FROM meta LIMIT 1", db->name, err);
	if (ret == 0)
		ret = copy_to_file(from, path, err);
	(void)sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	return ret;
}

int sqlite_check(struct database *db, struct error *err)
{
	sqlite3 *handle = sqlite_handle(db);
	const char *said;
	sqlite3_stmt *stmt;
	int ret = -1;

	if (sqlite3_prepare_v2(handle, "PRAGMA integrity_check(1)", -1, &stmt,
			       NULL) != SQLITE_OK)
		return say(err, handle, "read", db->name);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		said = (const char *)sqlite3_column_text(stmt, 0);
		if (said && !strcmp(said, "ok"))
			ret = 0;
		else
			(void)error_set(err, ERR_CORRUPT, "'%s' is damaged: %s",
					db->name, said ? said : "");
	} else {
		(void)say(err, handle, "read", db->name);
	}
	(void)sqlite3_finalize(stmt);
	return ret;
}

static char *beside(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *name = mem_alloc(size);

	(void)snprintf(name, size, "%s%s", path, suffix);
	return name;
}

int sqlite_size(struct database *db, int64_t *out, struct error *err)
{
	char *log = beside(db->name, "-wal");
	struct stat st;
	int ret = 0;

	*out = 0;
	if (stat(db->name, &st) < 0)
		ret = error_errno(err, errno, "cannot look at '%s'", db->name);
	else
		*out = (int64_t)st.st_size;
	if (ret == 0 && stat(log, &st) == 0)
		*out += (int64_t)st.st_size;
	mem_free(log);
	return ret;
}

/* ---- in the place of a store ---- */

/* A name that nothing has: PATH.before-restore-20261121093000Z */
static char *name_of_kept(const char *path)
{
	char suffix[96];
	char time[40];
	char *name;
	int i;

	clock_format_generalized(clock_now(), time);
	time[strcspn(time, ".Z")] = '\0';
	for (i = 1;; i++) {
		(void)snprintf(suffix, sizeof(suffix),
			       i > 1 ? ".before-restore-%sZ-%d"
				     : ".before-restore-%sZ",
			       time, i);
		name = beside(path, suffix);
		if (!file_exists(name))
			return name;
		mem_free(name);
	}
}

static int rename_file(const char *from, const char *to, struct error *err)
{
	if (rename(from, to) == 0)
		return 0;
	return error_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
}

/* What is no database any more goes aside as it is, its log with it. */
static int move_aside(const char *where, const char *kept, struct error *err)
{
	char *log = beside(where, "-wal");
	char *kept_log = beside(kept, "-wal");
	char *shared = beside(where, "-shm");
	int ret = 0;

	if (file_exists(log))
		ret = rename_file(log, kept_log, err);
	if (ret == 0)
		ret = rename_file(where, kept, err);
	if (ret == 0)
		(void)unlink(shared);
	mem_free(log);
	mem_free(kept_log);
	mem_free(shared);
	return ret;
}

/* Of a file that is gone: the next one's pages are not its own. */
static void remove_log(const char *where)
{
	char *log = beside(where, "-wal");
	char *shared = beside(where, "-shm");

	(void)unlink(log);
	(void)unlink(shared);
	mem_free(log);
	mem_free(shared);
}

/* It can be read at least so far that its pages can be copied. */
static bool is_readable(sqlite3 *handle)
{
	return sqlite3_exec(handle, "SELECT count(*) FROM sqlite_master", NULL,
			    NULL, NULL) == SQLITE_OK;
}

static int overwrite(sqlite3 *old, const char *where, const char *path,
		     const char *kept, struct error *err)
{
	sqlite3 *new = open_plain(path, err);
	int ret = new ? file_make_private(kept, err) : -1;

	if (ret == 0)
		ret = copy_to_file(old, kept, err);
	if (ret == 0)
		ret = file_sync(kept, err);
	if (ret == 0)
		ret = run(old, "PRAGMA synchronous = FULL", where, err);
	if (ret == 0)
		ret = copy_pages(new, old, where, err);
	(void)sqlite3_close(new);
	return ret;
}

static int put_in_place(const char *where, const char *path, const char *kept,
			struct error *err)
{
	sqlite3 *old = open_plain(where, err);
	int ret = -1;

	if (!old)
		return -1;
	if (is_readable(old)) {
		ret = overwrite(old, where, path, kept, err);
		(void)sqlite3_close(old);
		(void)unlink(ret == 0 ? path : kept);
		return ret;
	}
	ret = (sqlite3_errcode(old) & 0xff) == SQLITE_BUSY
		      ? say(err, old, "replace", where)
		      : 0;
	(void)sqlite3_close(old);
	if (ret < 0 || move_aside(where, kept, err) < 0)
		return -1;
	return rename_file(path, where, err);
}

int sqlite_replace(const char *where, const char *path, char **kept_out,
		   struct error *err)
{
	bool is_new = !file_exists(where);
	int fd;
	int ret;

	*kept_out = NULL;
	if (file_make_parent(where, err) < 0)
		return -1;
	ret = sqlite_lock(where, &fd, err);
	if (ret == 0)
		return error_set(err, ERR_CONFLICT,
				 "a run works on the store '%s'; 'conjoin "
				 "status' tells which: let it end, then try "
				 "again",
				 where);
	if (ret < 0)
		return -1;
	if (is_new) {
		remove_log(where);
		ret = rename_file(path, where, err);
	} else {
		*kept_out = name_of_kept(where);
		ret = put_in_place(where, path, *kept_out, err);
	}
	(void)close(fd);
	return ret == 0 ? file_sync(where, err) : -1;
}
