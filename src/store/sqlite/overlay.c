/*
 * overlay.c - a store that is written to and does not change
 *
 * A file system for SQLite (VFS) that lies over the operating system's. The
 * file of the store is opened for reading; its write-ahead log is copied to a
 * file without a name when the connection first asks for it, and everything
 * that is written goes there. The index of that log lies in memory, since the
 * connection has "exclusive" locks, none of which reaches the real file. So
 * all SQL works, others go on, and nothing is left however the process ends.
 *
 * A plain connection beside it holds a read transaction as long as the overlay
 * lives. Whoever writes the log into the file meanwhile must stop before what
 * that transaction has not seen; so all that the file gets is in the copy too,
 * which is made afterwards, and the two never contradict each other. The log
 * can begin anew under the copy only when all of it is in the file: its head
 * tells, and the copy is made again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define VFS_NAME "conjoin-overlay"
#define LOG_HEAD 32
#define COPY     ((size_t)1 << 16) /* SQLite writes no more at once */
#define TRIES    100

/* The store's file; `real` is the operating system's, behind this. */
struct overlay_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return ((struct overlay_file *)file)->real;
}

/* ---- the store's file ---- */

static int main_close(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int main_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
	return real(file)->pMethods->xRead(real(file), to, size, at);
}

static int main_write(sqlite3_file *file, const void *from, int size,
		      sqlite3_int64 at)
{
	(void)file;
	(void)from;
	(void)size;
	(void)at;
	return SQLITE_READONLY;
}

static int main_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file;
	(void)size;
	return SQLITE_READONLY;
}

static int main_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int main_size(sqlite3_file *file, sqlite3_int64 *out)
{
	return real(file)->pMethods->xFileSize(real(file), out);
}

static int main_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

static int main_is_reserved(sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

static int main_control(sqlite3_file *file, int op, void *arg)
{
	if (op == SQLITE_FCNTL_LAST_ERRNO)
		return real(file)->pMethods->xFileControl(real(file), op, arg);
	return SQLITE_NOTFOUND;
}

static int main_sector(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int main_traits(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/* The first version has no shared memory: the log's index is in our own. */
static const sqlite3_io_methods MAIN = {
	.iVersion = 1,
	.xClose = main_close,
	.xRead = main_read,
	.xWrite = main_write,
	.xTruncate = main_truncate,
	.xSync = main_sync,
	.xFileSize = main_size,
	.xLock = main_lock,
	.xUnlock = main_lock,
	.xCheckReservedLock = main_is_reserved,
	.xFileControl = main_control,
	.xSectorSize = main_sector,
	.xDeviceCharacteristics = main_traits,
};

static int open_main(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		     int flags, int *flags_out)
{
	struct overlay_file *overlay = (struct overlay_file *)file;
	int got = 0;
	int code;

	overlay->base.pMethods = NULL;
	overlay->real = (sqlite3_file *)(overlay + 1);
	code = below(vfs)->xOpen(below(vfs), name, overlay->real,
				 SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB,
				 &got);
	if (code != SQLITE_OK)
		return code;
	overlay->base.pMethods = &MAIN;
	if (flags_out)
		*flags_out = flags;
	return SQLITE_OK;
}

/* ---- its log ---- */

/* The number of bytes of the head, less than LOG_HEAD: it is empty; -1. */
static ssize_t log_head(int fd, char *head)
{
	memset(head, 0, LOG_HEAD);
	return pread(fd, head, LOG_HEAD, 0);
}

static int copy_bytes(int fd, sqlite3_file *to, char *buffer)
{
	sqlite3_int64 at = 0;
	ssize_t count;

	while ((count = pread(fd, buffer, COPY, at)) > 0) {
		int code = to->pMethods->xWrite(to, buffer, (int)count, at);

		if (code != SQLITE_OK)
			return code;
		at += count;
	}
	if (count < 0)
		return SQLITE_IOERR_READ;
	return to->pMethods->xTruncate(to, at);
}

/* Again while the log began anew meanwhile. */
static int copy_log(int fd, sqlite3_file *to)
{
	char *buffer = mem_alloc(COPY);
	char before[LOG_HEAD];
	char after[LOG_HEAD];
	int code = SQLITE_BUSY;
	int i;

	for (i = 0; i < TRIES && code == SQLITE_BUSY; i++) {
		if (log_head(fd, before) < 0)
			code = SQLITE_IOERR_READ;
		else
			code = copy_bytes(fd, to, buffer);
		if (code == SQLITE_OK && log_head(fd, after) < 0)
			code = SQLITE_IOERR_READ;
		if (code == SQLITE_OK && memcmp(before, after, LOG_HEAD) != 0)
			code = SQLITE_BUSY;
	}
	mem_free(buffer);
	return code;
}

static int open_log(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		    int *flags_out)
{
	int flags = SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE |
		    SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
		    SQLITE_OPEN_DELETEONCLOSE;
	int code = below(vfs)->xOpen(below(vfs), NULL, file, flags, flags_out);
	int fd;

	if (code != SQLITE_OK)
		return code;
	/* nobody's locks are on this file: it may be opened and closed */
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return SQLITE_OK;
	code = fd < 0 ? SQLITE_CANTOPEN : copy_log(fd, file);
	if (fd >= 0)
		(void)close(fd);
	if (code != SQLITE_OK) {
		(void)file->pMethods->xClose(file);
		file->pMethods = NULL;
	}
	return code;
}

/* ---- the file system ---- */

static int fs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		   int flags, int *flags_out)
{
	if (flags & SQLITE_OPEN_MAIN_DB)
		return open_main(vfs, name, file, flags, flags_out);
	if (flags & SQLITE_OPEN_WAL)
		return open_log(vfs, name, file, flags_out);
	/* what has a name would stay */
	if (name)
		return SQLITE_READONLY;
	return below(vfs)->xOpen(below(vfs), name, file, flags, flags_out);
}

static int fs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	(void)name;
	(void)sync;
	return SQLITE_READONLY;
}

/* There is a log, though perhaps an empty one. */
static int fs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct sv path = sv_from(name);

	if (flags == SQLITE_ACCESS_EXISTS && sv_ends(path, SV_LIT("-wal"))) {
		*out = 1;
		return SQLITE_OK;
	}
	return below(vfs)->xAccess(below(vfs), name, flags, out);
}

static int fs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	return below(vfs)->xFullPathname(below(vfs), name, size, out);
}

static int fs_random(sqlite3_vfs *vfs, int size, char *out)
{
	return below(vfs)->xRandomness(below(vfs), size, out);
}

static int fs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	return below(vfs)->xSleep(below(vfs), microseconds);
}

static int fs_time(sqlite3_vfs *vfs, double *out)
{
	return below(vfs)->xCurrentTime(below(vfs), out);
}

static int fs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
	return below(vfs)->xGetLastError(below(vfs), size, out);
}

static sqlite3_vfs file_system = {
	.iVersion = 1,
	.zName = VFS_NAME,
	.xOpen = fs_open,
	.xDelete = fs_delete,
	.xAccess = fs_access,
	.xFullPathname = fs_full_name,
	.xRandomness = fs_random,
	.xSleep = fs_sleep,
	.xCurrentTime = fs_time,
	.xGetLastError = fs_last_error,
};

static void make_file_system(void)
{
	sqlite3_vfs *parent = sqlite3_vfs_find(NULL);

	file_system.pAppData = parent;
	file_system.mxPathname = parent->mxPathname;
	file_system.szOsFile =
		parent->szOsFile + (int)sizeof(struct overlay_file);
	(void)sqlite3_vfs_register(&file_system, 0);
}

/* ---- opening ---- */

/* The read transaction begins with the first thing that is read. */
static int hold(sqlite3 *holder)
{
	int ret;

	(void)sqlite3_busy_timeout(holder, 30000);
	(void)sqlite3_db_config(holder, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	ret = sqlite3_exec(holder, "BEGIN; SELECT 1 FROM sqlite_schema", NULL,
			   NULL, NULL);
	return ret;
}

int sqlite_overlay_open(const char *path, sqlite3 **out, sqlite3 **holder_out)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int code;

	(void)pthread_once(&once, make_file_system);
	code = sqlite3_open_v2(path, holder_out, flags, NULL);
	if (code == SQLITE_OK)
		code = hold(*holder_out);
	if (code == SQLITE_OK)
		code = sqlite3_open_v2(path, out, flags, VFS_NAME);
	if (code == SQLITE_OK)
		code = sqlite3_db_config(*out, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
					 1, NULL);
	/* before the log is looked at */
	if (code == SQLITE_OK)
		code = sqlite3_exec(*out, "PRAGMA locking_mode = EXCLUSIVE",
				    NULL, NULL, NULL);
	return code;
}
