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

#endif
