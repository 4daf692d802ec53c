/*
 * statement.c - prepared statements: bind, step, read columns
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* What the operating system said last of the log or else of the file. */
static int last_errno(struct store *store)
{
	sqlite3_file *log = NULL;
	int errnum = 0;

	(void)sqlite3_file_control(store->db, "main",
				   SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO,
						  &errnum);
	if (!errnum)
		(void)sqlite3_file_control(store->db, "main",
					   SQLITE_FCNTL_LAST_ERRNO, &errnum);
	return errnum;
}

/* No room: on the disk, in the quota, or under the limit of a file's size. */
static bool is_full(struct store *store, int code)
{
	int errnum;

	if (code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE)
		return true;
	if (code != SQLITE_IOERR_WRITE)
		return false;
	errnum = last_errno(store);
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

int sqlite_error(struct store *store, struct error *err, const char *doing)
{
	int code = sqlite3_extended_errcode(store->db);
	enum err_code kind = ERR_UNAVAILABLE;

	if (is_full(store, code))
		return error_set(err, ERR_UNAVAILABLE,
				 "cannot %s the store '%s': the disk is full; "
				 "free some space and run again",
				 doing, store->path);
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
			 store->path, sqlite3_errmsg(store->db));
}

sqlite3_stmt *sqlite_statement(struct store *store, const char *text,
			       struct error *err)
{
	uint64_t key = (uint64_t)(uintptr_t)text;
	sqlite3_stmt *stmt;

	if (behind_enter(store, err) < 0)
		return NULL;
	stmt = idmap_get_ptr(&store->statements, key);
	if (stmt)
		return stmt;
	if (sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT,
			       &stmt, NULL) != SQLITE_OK) {
		(void)sqlite_error(store, err, "query");
		return NULL;
	}
	idmap_put_ptr(&store->statements, key, stmt);
	vec_push(&store->all_statements, stmt);
	return stmt;
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

static void bind(sqlite3_stmt *stmt, const char *types, va_list args)
{
	int at = 1;

	for (; *types; types++, at++) {
		if (*types == 'i')
			(void)sqlite3_bind_int64(stmt, at,
						 va_arg(args, int64_t));
		else if (*types == 's')
			bind_bytes(stmt, at,
				   sv_from(va_arg(args, const char *)), true);
		else
			bind_bytes(stmt, at, va_arg(args, struct sv),
				   *types == 't');
	}
}

/* BEGIN and COMMIT count as reading for SQLite, not for a person. */
static bool writes(sqlite3_stmt *stmt)
{
	return !sqlite3_stmt_readonly(stmt) || !sqlite3_column_count(stmt);
}

int sqlite_next(struct store *store, sqlite3_stmt *stmt, struct error *err)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE) {
		(void)sqlite3_reset(stmt);
		return 0;
	}
	(void)sqlite_error(store, err, writes(stmt) ? "write to" : "read");
	(void)sqlite3_reset(stmt);
	return -1;
}

int sqlite_run(struct store *store, const char *text, struct error *err,
	       const char *types, ...)
{
	sqlite3_stmt *stmt = sqlite_statement(store, text, err);
	va_list args;
	int ret;

	if (!stmt)
		return -1;
	va_start(args, types);
	bind(stmt, types, args);
	va_end(args);
	ret = sqlite_next(store, stmt, err);
	if (ret > 0)
		(void)sqlite3_reset(stmt);
	return ret < 0 ? -1 : 0;
}

int sqlite_first(struct store *store, const char *text, sqlite3_stmt **out,
		 struct error *err, const char *types, ...)
{
	sqlite3_stmt *stmt = sqlite_statement(store, text, err);
	va_list args;

	*out = stmt;
	if (!stmt)
		return -1;
	va_start(args, types);
	bind(stmt, types, args);
	va_end(args);
	return sqlite_next(store, stmt, err);
}

struct sv sqlite_view(sqlite3_stmt *stmt, int column)
{
	const void *ptr = sqlite3_column_blob(stmt, column);
	int len = sqlite3_column_bytes(stmt, column);

	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return SV_NULL;
	return sv_make(ptr ? ptr : "", (size_t)len);
}

struct sv sqlite_bytes(sqlite3_stmt *stmt, int column, struct arena *arena)
{
	struct sv view = sqlite_view(stmt, column);

	return view.ptr ? arena_dup(arena, view) : SV_NULL;
}

int sqlite_id_list(struct store *store, const char *text, struct arena *arena,
		   int64_t **out, struct error *err, const char *types, ...)
{
	VEC(int64_t) ids = VEC_INIT;
	sqlite3_stmt *stmt = sqlite_statement(store, text, err);
	va_list args;
	int ret;
	int count;

	*out = NULL;
	if (!stmt)
		return -1;
	va_start(args, types);
	bind(stmt, types, args);
	va_end(args);
	while ((ret = sqlite_next(store, stmt, err)) > 0)
		vec_push(&ids, sqlite3_column_int64(stmt, 0));
	count = (int)ids.len;
	if (ids.len) {
		*out = arena_alloc(arena, ids.len * sizeof(**out));
		memcpy(*out, ids.at, ids.len * sizeof(**out));
	}
	vec_release(&ids);
	return ret < 0 ? -1 : count;
}

int sqlite_ids(struct store *store, const char *text, int64_t *out, int limit,
	       struct error *err, const char *types, ...)
{
	sqlite3_stmt *stmt = sqlite_statement(store, text, err);
	va_list args;
	int count = 0;
	int ret = 0;

	if (!stmt)
		return -1;
	va_start(args, types);
	bind(stmt, types, args);
	va_end(args);
	while (count < limit && (ret = sqlite_next(store, stmt, err)) > 0)
		out[count++] = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return ret < 0 ? -1 : count;
}
