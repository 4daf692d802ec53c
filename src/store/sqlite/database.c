/*
 * database.c - SQLite as the store's database
 *
 * The lease is a lock of the operating system on a file beside the store, so
 * it ends with the process however that ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct sqlite_statement {
	struct statement base;
	struct sqlite_database *db;
	sqlite3_stmt *handle;
};

struct sqlite_database {
	struct database base;
	sqlite3 *handle;
	VEC(struct sqlite_statement *) statements;
	struct statement *fencing; /* reads the lease's number */
	int lock_fd;               /* of the lease; -1: not held */
	sqlite3 *holder;           /* of an overlay: keeps the file as it is */
	bool overlay;
	bool full_sync; /* PRAGMA synchronous is FULL */
	bool one_file;  /* no log is left beside it */
};

static struct sqlite_database *of(struct database *db)
{
	return (struct sqlite_database *)db;
}

static struct sqlite_statement *stmt_of(struct statement *stmt)
{
	return (struct sqlite_statement *)stmt;
}

sqlite3 *sqlite_handle(struct database *db)
{
	return of(db)->handle;
}

/* ---- errors ---- */

/* What the operating system said last of the log or else of the file. */
static int last_errno(sqlite3 *handle)
{
	sqlite3_file *log = NULL;
	int errnum = 0;

	(void)sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER,
				   &log);
	if (log && log->pMethods)
		(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO,
						  &errnum);
	if (!errnum)
		(void)sqlite3_file_control(handle, "main",
					   SQLITE_FCNTL_LAST_ERRNO, &errnum);
	return errnum;
}

/* No room: on the disk, in the quota, or under the limit of a file's size. */
static bool is_full(sqlite3 *handle, int code)
{
	int errnum;

	if (code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE)
		return true;
	if (code != SQLITE_IOERR_WRITE)
		return false;
	errnum = last_errno(handle);
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

static int fail(struct sqlite_database *db, struct error *err,
		const char *doing)
{
	int code = sqlite3_extended_errcode(db->handle);
	enum err_code kind = ERR_UNAVAILABLE;

	if (is_full(db->handle, code))
		return error_set(err, ERR_UNAVAILABLE,
				 "cannot %s the store '%s': the disk is full; "
				 "free some space and run again",
				 doing, db->base.name);
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		kind = ERR_CORRUPT;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		kind = ERR_DENIED;
		break;
	default:
		break;
	}
	return error_set(err, kind, "cannot %s the store '%s': %s", doing,
			 db->base.name, sqlite3_errmsg(db->handle));
}

/* ---- statements ---- */

static int run(struct database *db, const char *text, struct error *err)
{
	if (sqlite3_exec(of(db)->handle, text, NULL, NULL, NULL) != SQLITE_OK)
		return fail(of(db), err, "write to");
	return 0;
}

static struct statement *prepare(struct database *db, const char *text,
				 const char *types, struct error *err)
{
	struct sqlite_statement *stmt;
	sqlite3_stmt *handle;

	(void)types;
	if (sqlite3_prepare_v3(of(db)->handle, text, -1,
			       SQLITE_PREPARE_PERSISTENT, &handle,
			       NULL) != SQLITE_OK) {
		(void)fail(of(db), err, "query");
		return NULL;
	}
	stmt = mem_zalloc(sizeof(*stmt));
	stmt->base.driver = db->driver;
	stmt->db = of(db);
	stmt->handle = handle;
	vec_push(&of(db)->statements, stmt);
	return &stmt->base;
}

static void bind_bytes(sqlite3_stmt *stmt, int at, struct sv bytes, bool text)
{
	if (!bytes.ptr)
		(void)sqlite3_bind_null(stmt, at);
	else if (text)
		(void)sqlite3_bind_text64(stmt, at, bytes.ptr, bytes.len,
					  SQLITE_STATIC, SQLITE_UTF8);
	else
		(void)sqlite3_bind_blob64(stmt, at, bytes.ptr, bytes.len,
					  SQLITE_STATIC);
}

static int start(struct statement *stmt, const char *types, va_list args,
		 struct error *err)
{
	sqlite3_stmt *handle = stmt_of(stmt)->handle;
	int at = 1;

	(void)err;
	for (; *types; types++, at++) {
		if (*types == 'i')
			(void)sqlite3_bind_int64(handle, at,
						 va_arg(args, int64_t));
		else if (*types == 's')
			bind_bytes(handle, at,
				   sv_from(va_arg(args, const char *)), true);
		else
			bind_bytes(handle, at, va_arg(args, struct sv),
				   *types == 't');
	}
	return 0;
}

static int next(struct statement *stmt, struct error *err)
{
	sqlite3_stmt *handle = stmt_of(stmt)->handle;
	int code = sqlite3_step(handle);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE) {
		(void)sqlite3_reset(handle);
		return 0;
	}
	(void)fail(stmt_of(stmt)->db, err,
		   sqlite3_stmt_readonly(handle) ? "read" : "write to");
	(void)sqlite3_reset(handle);
	return -1;
}

static void reset(struct statement *stmt)
{
	(void)sqlite3_reset(stmt_of(stmt)->handle);
}

static int64_t integer(struct statement *stmt, int column)
{
	return sqlite3_column_int64(stmt_of(stmt)->handle, column);
}

static struct sv bytes(struct statement *stmt, int column)
{
	sqlite3_stmt *handle = stmt_of(stmt)->handle;
	const void *ptr = sqlite3_column_blob(handle, column);
	int len = sqlite3_column_bytes(handle, column);

	if (sqlite3_column_type(handle, column) == SQLITE_NULL)
		return SV_NULL;
	return sv_make(ptr ? ptr : "", (size_t)len);
}

static const char *text(struct statement *stmt, int column)
{
	const unsigned char *chars =
		sqlite3_column_text(stmt_of(stmt)->handle, column);

	return chars ? (const char *)chars : "";
}

static bool changed(struct database *db)
{
	return sqlite3_changes(of(db)->handle) > 0;
}

/* ---- transactions ---- */

static int read_fencing(struct sqlite_database *db, int64_t *out,
			struct error *err)
{
	int ret;

	if (!db->fencing)
		db->fencing = prepare(&db->base,
				      "SELECT fencing FROM lease"
				      " WHERE agent = 0",
				      "", err);
	ret = db->fencing ? next(db->fencing, err) : -1;
	*out = 0;
	if (ret > 0) {
		*out = integer(db->fencing, 0);
		reset(db->fencing);
	}
	return ret < 0 ? -1 : 0;
}

static void rollback(struct database *db)
{
	if (!sqlite3_get_autocommit(of(db)->handle))
		(void)sqlite3_exec(of(db)->handle, "ROLLBACK", NULL, NULL,
				   NULL);
}

/* One writes at a time, whatever it writes about. */
static int begin(struct database *db, enum store_durability durability,
		 uint32_t beside, int64_t *fencing_out, struct error *err)
{
	bool full = durability == STORE_DURABLE;

	(void)beside;
	if (full != of(db)->full_sync && !of(db)->overlay) {
		if (run(db,
			full ? "PRAGMA synchronous = FULL"
			     : "PRAGMA synchronous = NORMAL",
			err) < 0)
			return -1;
		of(db)->full_sync = full;
	}
	if (run(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (!fencing_out || read_fencing(of(db), fencing_out, err) == 0)
		return 0;
	rollback(db);
	return -1;
}

static int commit(struct database *db, struct error *err)
{
	return run(db, "COMMIT", err);
}

static int begin_reading(struct database *db, struct error *err)
{
	return run(db, "BEGIN", err);
}

static int version(struct database *db, int64_t *out, struct error *err)
{
	struct statement *stmt = prepare(db, "PRAGMA user_version", "", err);
	int ret = stmt ? next(stmt, err) : -1;

	*out = 0;
	if (ret > 0) {
		*out = integer(stmt, 0);
		reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}

static int set_version(struct database *db, int64_t number, struct error *err)
{
	char pragma[64];

	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d",
		       (int)number);
	return run(db, pragma, err);
}

/* ---- the lease ---- */

/* The file whose lock is the lease; -1 when it cannot be opened. */
static int open_lock(const char *store, int flags, struct error *err)
{
	size_t size = strlen(store) + 8;
	char *path = mem_alloc(size);
	int fd;

	(void)snprintf(path, size, "%s.lock", store);
	fd = open(path, flags | O_CLOEXEC, 0666);
	if (fd < 0)
		(void)error_errno(err, errno, "cannot open '%s'", path);
	mem_free(path);
	return fd;
}

int sqlite_lock(const char *store, int *fd_out, struct error *err)
{
	int fd = open_lock(store, O_RDWR | O_CREAT, err);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return 0;
	}
	*fd_out = fd;
	return 1;
}

static int lease(struct database *db, uint32_t agent, struct error *err)
{
	(void)agent;
	/* nobody else writes to it */
	if (of(db)->overlay)
		return 1;
	return sqlite_lock(db->name, &of(db)->lock_fd, err);
}

/* The lock ends with the process, whatever the number. */
static int keep_lease(struct database *db, int64_t fencing, struct error *err)
{
	(void)db;
	(void)fencing;
	(void)err;
	return 0;
}

static int leased(struct database *db, uint32_t *agents_out, int max,
		  struct error *err)
{
	int fd = open_lock(db->name, O_RDONLY, err);
	bool is_free;

	if (max > 0)
		agents_out[0] = 0;
	if (fd < 0)
		return err && err->code == ERR_NOTFOUND ? 0 : -1;
	is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	(void)close(fd);
	return is_free ? 0 : 1;
}

/* ---- opening ---- */

static int make_file(const char *path, enum store_open_flags flags,
		     struct error *err)
{
	/* people's data; SQLite gives its log the rights of the file */
	if (flags & STORE_CREATE)
		return file_make_parent(path, err) < 0
			       ? -1
			       : file_make_private(path, err);
	if (file_exists(path))
		return 0;
	return error_set(err, ERR_NOTFOUND,
			 "there is no store '%s' yet; run an import first",
			 path);
}

static int set_up(struct database *db, enum store_open_flags flags,
		  struct error *err)
{
	static const char pragmas[] = "PRAGMA page_size = 8192;"
				      "PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = NORMAL;"
				      "PRAGMA wal_autocheckpoint = 8192;"
				      "PRAGMA journal_size_limit = 134217728;"
				      "PRAGMA cache_size = -65536;"
				      "PRAGMA temp_store = FILE;"
				      "PRAGMA foreign_keys = OFF;";

	static const char passing[] = "PRAGMA synchronous = OFF;"
				      "PRAGMA wal_autocheckpoint = 0;"
				      "PRAGMA cache_size = -65536;"
				      "PRAGMA temp_store = FILE;"
				      "PRAGMA foreign_keys = OFF;";

	(void)sqlite3_busy_timeout(of(db)->handle, 30000);
	if (flags & STORE_OVERLAY)
		return run(db, passing, err);
	return run(db,
		   flags & STORE_READ ? "PRAGMA cache_size = -65536" : pragmas,
		   err);
}

static void leave_one_file(struct database *db)
{
	of(db)->one_file = true;
}

/* A commit with FULL syncs what came before it too. */
static bool is_synced(struct sqlite_database *db)
{
	return db->full_sync || !sqlite3_total_changes(db->handle);
}

static void close_database(struct database *db)
{
	struct sqlite_statement **stmt;

	vec_foreach(&of(db)->statements, stmt) {
		(void)sqlite3_finalize((*stmt)->handle);
		mem_free(*stmt);
	}
	vec_release(&of(db)->statements);
	if (of(db)->handle && !of(db)->overlay && !of(db)->one_file)
		sqlite_leave_log(of(db)->handle, is_synced(of(db)));
	(void)sqlite3_close(of(db)->handle);
	(void)sqlite3_close(of(db)->holder);
	if (of(db)->lock_fd >= 0)
		(void)close(of(db)->lock_fd);
	mem_free(db->name);
	mem_free(db);
}

/* Its count of memory, which nobody reads, is a lock at each allocation. */
static void configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite_memory_init();
}

static int open_database(const char *where, enum store_open_flags flags,
			 struct database **out, struct error *err)
{
	int open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_database *db;

	*out = NULL;
	(void)pthread_once(&once, configure);
	if (make_file(where, flags, err) < 0)
		return -1;
	db = mem_zalloc(sizeof(*db));
	db->base.driver = &sqlite_driver;
	db->base.name = mem_strdup(where);
	db->lock_fd = -1;
	db->overlay = (flags & STORE_OVERLAY) != 0;
	if ((db->overlay ? sqlite_overlay_open(where, &db->handle, &db->holder)
			 : sqlite3_open_v2(where, &db->handle, open_flags,
					   NULL)) != SQLITE_OK) {
		/* of an overlay, whichever connection came last */
		if (!db->handle) {
			db->handle = db->holder;
			db->holder = NULL;
		}
		(void)fail(db, err, "open");
		close_database(&db->base);
		return -1;
	}
	if (set_up(&db->base, flags, err) < 0) {
		close_database(&db->base);
		return -1;
	}
	*out = &db->base;
	return 0;
}

const struct sql_driver sqlite_driver = {
	.scheme = "sqlite:",
	.schema = sqlite_schema_steps,
	.overlays = true,
	.open = open_database,
	.close = close_database,
	.run = run,
	.prepare = prepare,
	.start = start,
	.next = next,
	.reset = reset,
	.integer = integer,
	.bytes = bytes,
	.text = text,
	.changed = changed,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.begin_reading = begin_reading,
	.version = version,
	.set_version = set_version,
	.lease = lease,
	.keep_lease = keep_lease,
	.leased = leased,
	.leave_one_file = leave_one_file,
	.size = sqlite_size,
	.check = sqlite_check,
	.backup = sqlite_backup,
	.replace = sqlite_replace,
};
