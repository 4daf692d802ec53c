/*
 * statement.c - prepared statements: bind, step, read columns
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

#include <stdarg.h>
#include <string.h>

/* The statement of a text, with its parameters bound; NULL: err is set. */
static struct statement *start(struct store *store, const char *text,
			       const char *types, va_list args,
			       struct error *err)
{
	const struct sql_driver *driver = store->db->driver;
	uint64_t key = (uint64_t)(uintptr_t)text;
	struct statement *stmt;

	if (behind_enter(store, err) < 0)
		return NULL;
	stmt = idmap_get_ptr(&store->statements, key);
	if (!stmt) {
		stmt = driver->prepare(store->db, text, types, err);
		if (!stmt)
			return NULL;
		idmap_put_ptr(&store->statements, key, stmt);
	}
	return driver->start(stmt, types, args, err) < 0 ? NULL : stmt;
}

int sql_next(struct statement *stmt, struct error *err)
{
	return stmt->driver->next(stmt, err);
}

void sql_reset(struct statement *stmt)
{
	stmt->driver->reset(stmt);
}

int64_t sql_int(struct statement *stmt, int column)
{
	return stmt->driver->integer(stmt, column);
}

const char *sql_text(struct statement *stmt, int column)
{
	return stmt->driver->text(stmt, column);
}

struct sv sql_view(struct statement *stmt, int column)
{
	return stmt->driver->bytes(stmt, column);
}

struct sv sql_bytes(struct statement *stmt, int column, struct arena *arena)
{
	struct sv view = sql_view(stmt, column);

	return view.ptr ? arena_dup(arena, view) : SV_NULL;
}

int sql_run(struct store *store, const char *text, struct error *err,
	    const char *types, ...)
{
	struct statement *stmt;
	va_list args;
	int ret;

	va_start(args, types);
	stmt = start(store, text, types, args, err);
	va_end(args);
	if (!stmt)
		return -1;
	ret = sql_next(stmt, err);
	if (ret > 0)
		sql_reset(stmt);
	return ret < 0 ? -1 : 0;
}

int sql_first(struct store *store, const char *text, struct statement **out,
	      struct error *err, const char *types, ...)
{
	va_list args;

	va_start(args, types);
	*out = start(store, text, types, args, err);
	va_end(args);
	return *out ? sql_next(*out, err) : -1;
}

int sql_number(struct store *store, const char *text, int64_t *out,
	       struct error *err, const char *types, ...)
{
	struct statement *stmt;
	va_list args;
	int ret;

	*out = 0;
	va_start(args, types);
	stmt = start(store, text, types, args, err);
	va_end(args);
	if (!stmt)
		return -1;
	ret = sql_next(stmt, err);
	if (ret > 0) {
		*out = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret;
}

int sql_id_list(struct store *store, const char *text, struct arena *arena,
		int64_t **out, struct error *err, const char *types, ...)
{
	VEC(int64_t) ids = VEC_INIT;
	struct statement *stmt;
	va_list args;
	int ret;
	int count;

	*out = NULL;
	va_start(args, types);
	stmt = start(store, text, types, args, err);
	va_end(args);
	if (!stmt)
		return -1;
	while ((ret = sql_next(stmt, err)) > 0)
		vec_push(&ids, sql_int(stmt, 0));
	count = (int)ids.len;
	if (ids.len) {
		*out = arena_alloc(arena, ids.len * sizeof(**out));
		memcpy(*out, ids.at, ids.len * sizeof(**out));
	}
	vec_release(&ids);
	return ret < 0 ? -1 : count;
}

int sql_ids(struct store *store, const char *text, int64_t *out, int limit,
	    struct error *err, const char *types, ...)
{
	struct statement *stmt;
	va_list args;
	int count = 0;
	int ret = 0;

	va_start(args, types);
	stmt = start(store, text, types, args, err);
	va_end(args);
	if (!stmt)
		return -1;
	while (count < limit && (ret = sql_next(stmt, err)) > 0)
		out[count++] = sql_int(stmt, 0);
	if (ret > 0)
		sql_reset(stmt);
	return ret < 0 ? -1 : count;
}
