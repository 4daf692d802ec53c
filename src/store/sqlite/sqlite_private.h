/*
 * sqlite_private.h - what the files of the SQLite driver share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "base/vec.h"
#include "store/sql/database.h"

#include <sqlite3.h>

extern const char *const sqlite_schema_steps[];

/* The connection itself. */
sqlite3 *sqlite_handle(struct database *db);
/* Takes the lease of the store at this path until *fd_out is closed: 1; 0:
 * another process has it; -1. */
int sqlite_lock(const char *store, int *fd_out, struct error *err);

/* memory.c: before SQLite is asked for anything. */
void sqlite_memory_init(void);

/*
 * overlay.c: a connection whose writes stay its own, and the one that keeps the
 * file as it is; both are the caller's to close, in this order, also when this
 * fails (then one of them has the error). An SQLite code.
 */
int sqlite_overlay_open(const char *path, sqlite3 **out, sqlite3 **holder_out);

/* log.c: when it is closed next, a log of middling size stays as it is; when
 * not `synced`, it is first. */
void sqlite_leave_log(sqlite3 *handle, bool synced);

/* backup.c: of struct sql_driver */
int sqlite_size(struct database *db, int64_t *out, struct error *err);
int sqlite_check(struct database *db, struct error *err);
int sqlite_backup(struct database *db, const char *path, struct error *err);
int sqlite_replace(const char *where, const char *path, char **kept_out,
		   struct error *err);

#endif
