/*
 * log.c - when the write-ahead log goes back into the file
 *
 * SQLite does so whenever the last connection is closed. Of few changes in a
 * large store that is as much as the changes themselves: the pages lie far
 * apart, and the next process writes the same ones again. So a log of some size
 * stays beside the file, where the next process goes on with it. A short log is
 * no work, and small stores are one file between two runs; a long one would
 * be read anew by every process that opens the store.
 *
 * What is left there has been synced: what a process did survives a power cut
 * when it has ended, as it does in the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

#define SHORT_LOG ((sqlite3_int64)4 << 20)
#define LONG_LOG  ((sqlite3_int64)16 << 20)

/* NULL: none is open. */
static sqlite3_file *log_of(sqlite3 *handle)
{
	sqlite3_file *log = NULL;

	(void)sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER,
				   &log);
	return log && log->pMethods ? log : NULL;
}

void sqlite_leave_log(sqlite3 *handle, bool synced)
{
	sqlite3_file *log = log_of(handle);
	sqlite3_int64 size = 0;

	if (!log || log->pMethods->xFileSize(log, &size) != SQLITE_OK ||
	    size < SHORT_LOG || size >= LONG_LOG)
		return;
	if (!synced &&
	    log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		return;
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
}
