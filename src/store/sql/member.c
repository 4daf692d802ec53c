/*
 * member.c - changes of reference sets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/member.h"

#include "store/sql/sql_private.h"

#include <string.h>

#define IS_MOVING "256" /* MEMBER_MOVING: the index in schema.c */

static bool is_moving(unsigned flags)
{
	unsigned both = flags & (MEMBER_IMAGE | MEMBER_SYNCED);

	return flags & (MEMBER_AWAITED | MEMBER_PENDING | MEMBER_CONFIRMED) ||
	       both == MEMBER_IMAGE || both == MEMBER_SYNCED;
}

int store_member_put(struct store_tx *tx, const struct member *row,
		     struct error *err)
{
	unsigned flags = row->flags & ~(unsigned)MEMBER_MOVING;
	unsigned both = flags & (MEMBER_IMAGE | MEMBER_STORED);

	if (is_moving(flags))
		flags |= MEMBER_MOVING;
	else if (!both || both == (MEMBER_IMAGE | MEMBER_STORED))
		return sql_run(tx->store,
			       "DELETE FROM member WHERE source = ?1 AND"
			       " attribute = ?2 AND target = ?3",
			       err, "iii", row->source, (int64_t)row->attr,
			       row->target);
	known_row_comes(tx->store, row->source, MOTION_MEMBER);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO member VALUES"
		       " (?1, ?2, ?3, ?4)",
		       err, "iiii", row->source, (int64_t)row->attr,
		       row->target, (int64_t)flags);
}

int store_member_since(struct store_tx *tx, int64_t mv, uint32_t attr,
		       int64_t cs, int64_t since, struct error *err)
{
	known_row_comes(tx->store, mv, MOTION_MEMBER);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO member VALUES"
		       " (?1, ?2, ?3, ?4)",
		       err, "iiii", mv, (int64_t)attr, -cs, since);
}

int store_member_delete(struct store_tx *tx, int64_t source, struct error *err)
{
	if (known_no_rows(tx->store, source, MOTION_MEMBER))
		return 0;
	return sql_run(tx->store, "DELETE FROM member WHERE source = ?1", err,
		       "i", source);
}

static int list(struct store *store, const char *text, int64_t from, int64_t to,
		struct arena *arena, struct member **out, struct error *err)
{
	VEC(struct member) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	if (known_no_rows(store, from, MOTION_MEMBER))
		return 0;
	for (ret = sql_first(store, text, &stmt, err, "ii", from, to); ret > 0;
	     ret = sql_next(stmt, err)) {
		struct member row;

		row.source = sql_int(stmt, 0);
		row.attr = (uint32_t)sql_int(stmt, 1);
		row.target = sql_int(stmt, 2);
		row.since = sql_int(stmt, 3);
		row.flags = (unsigned)row.since;
		vec_push(&rows, row);
	}
	count = (int)rows.len;
	if (rows.len) {
		*out = arena_array(arena, rows.len, sizeof(**out));
		memcpy(*out, rows.at, rows.len * sizeof(**out));
	}
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

#define COLUMNS "SELECT source, attribute, target, flags FROM member "
#define ORDER   " ORDER BY source, attribute, target"

int store_member_range(struct store *store, int64_t from, int64_t to,
		       struct arena *arena, struct member **out,
		       struct error *err)
{
	return list(store, COLUMNS "WHERE source BETWEEN ?1 AND ?2" ORDER, from,
		    to, arena, out, err);
}

int store_member_moving(struct store *store, int64_t source,
			struct arena *arena, struct member **out,
			struct error *err)
{
	return list(store,
		    COLUMNS "INDEXED BY member_moving WHERE source = ?1 AND"
			    " flags >= " IS_MOVING " AND ?2 = ?1" ORDER,
		    source, source, arena, out, err);
}

int store_referring(struct store *store, int64_t source, int64_t target,
		    uint32_t *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(
		store,
		CS_AGENT(source)
			? "SELECT attribute FROM cs_ref WHERE target = ?1 AND"
			  " source = ?2"
			: "SELECT attribute FROM mv_ref WHERE target = ?1 AND"
			  " source = ?2",
		&stmt, err, "ii", target, source);

	if (ret > 0) {
		*out = (uint32_t)sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret;
}

#define ONE_MORE(table)                                                        \
	"INSERT INTO " table " VALUES (?1, ?2, ?3) ON CONFLICT (target,"       \
	" source) DO UPDATE SET attribute = 0 WHERE " table ".attribute"       \
	" IS DISTINCT FROM excluded.attribute"

int store_cs_ref_add(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err)
{
	return sql_run(tx->store, ONE_MORE("cs_ref"), err, "iii", target,
		       source, (int64_t)attr);
}

int store_mv_ref_add(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err)
{
	return sql_run(tx->store, ONE_MORE("mv_ref"), err, "iii", target,
		       source, (int64_t)attr);
}

static int stored_row(struct store *store, struct member *out,
		      struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT flags FROM member WHERE source = ?1 AND"
			    " attribute = ?2 AND target = ?3",
			    &stmt, err, "iii", out->source, (int64_t)out->attr,
			    out->target);

	if (ret > 0) {
		out->flags = (unsigned)sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret;
}

int store_member_get(struct store *store, int64_t source, uint32_t attr,
		     int64_t target, struct member *out, struct error *err)
{
	uint32_t by = 0;
	int ret = 0;

	*out = (struct member){ source, attr, target, 0, 0 };
	if (!known_no_rows(store, source, MOTION_MEMBER))
		ret = stored_row(store, out, err);
	if (ret)
		return ret;
	ret = store_referring(store, source, target, &by, err);
	if (ret < 0 || (ret > 0 && !by))
		return ret < 0 ? -1 : 0;
	if (ret > 0 && by == attr)
		out->flags = MEMBER_STORED | MEMBER_IMAGE | MEMBER_SYNCED;
	return 1;
}
