/*
 * motion.c - links, staged changes, errors and the queue
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/cs.h"

#include "store/sql/sql_private.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ID(agent) CS_ID(agent, 0)
#define LAST_ID(agent)  (CS_ID((agent) + 1, 0) - 1)

static int64_t after_of(uint32_t agent, int64_t after)
{
	return after > FIRST_ID(agent) ? after : FIRST_ID(agent);
}

#define LINK_COLUMNS                                                           \
	"SELECT cs, mv, rule_set, state, how, wanted, time, last_mv, leaving"  \
	" FROM link "

static void read_link(struct statement *stmt, struct link_row *out)
{
	out->cs = sql_int(stmt, 0);
	out->mv = sql_int(stmt, 1);
	out->rule_set = (uint32_t)sql_int(stmt, 2);
	out->state = (enum link_state)sql_int(stmt, 3);
	out->how = (enum link_how)sql_int(stmt, 4);
	out->wanted = sql_int(stmt, 5) != 0;
	out->time = sql_int(stmt, 6);
	out->last_mv = sql_int(stmt, 7);
	out->leaving = sql_int(stmt, 8);
}

int store_link_get(struct store *store, int64_t cs, struct link_row *out,
		   struct error *err)
{
	struct statement *stmt;
	int ret;

	memset(out, 0, sizeof(*out));
	out->cs = cs;
	if (known_no_rows(store, cs, MOTION_LINK) ||
	    known_key_absent(store, STORE_KEYS_LINK, (uint64_t)cs))
		return 0;
	ret = sql_first(store, LINK_COLUMNS "WHERE cs = ?1", &stmt, err, "i",
			cs);
	if (ret > 0) {
		read_link(stmt, out);
		sql_reset(stmt);
	}
	return ret;
}

static void *keep(struct arena *arena, const void *rows, size_t size)
{
	void *copy = NULL;

	if (size) {
		copy = arena_alloc(arena, size);
		memcpy(copy, rows, size);
	}
	return copy;
}

static int link_list(struct store *store, const char *text, int64_t a,
		     int64_t b, struct arena *arena, struct link_row **out,
		     struct error *err)
{
	VEC(struct link_row) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	for (ret = sql_first(store, text, &stmt, err, "ii", a, b); ret > 0;
	     ret = sql_next(stmt, err)) {
		struct link_row row;

		read_link(stmt, &row);
		vec_push(&rows, row);
	}
	count = (int)rows.len;
	*out = keep(arena, rows.at, rows.len * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

int store_link_range(struct store *store, int64_t from, int64_t to,
		     struct arena *arena, struct link_row **out,
		     struct error *err)
{
	*out = NULL;
	if (known_no_rows(store, from, MOTION_LINK))
		return 0;
	return link_list(store,
			 LINK_COLUMNS "WHERE cs BETWEEN ?1 AND ?2 ORDER BY cs",
			 from, to, arena, out, err);
}

int store_link_put(struct store_tx *tx, const struct link_row *row,
		   struct error *err)
{
	known_row_comes(tx->store, row->cs, MOTION_LINK);
	known_key_comes(tx->store, STORE_KEYS_LINK, (uint64_t)row->cs);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO link VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		       err, "iiiiiiiii", row->cs, row->mv,
		       (int64_t)row->rule_set, (int64_t)row->state,
		       (int64_t)row->how, (int64_t)row->wanted, row->time,
		       row->last_mv, row->leaving);
}

int store_link_take_over(struct store_tx *tx, uint32_t from, uint32_t to,
			 struct error *err)
{
	if (sql_run(tx->store,
		    "UPDATE hold SET rule_set = ?2 WHERE rule_set = ?1", err,
		    "ii", (int64_t)from, (int64_t)to) < 0)
		return -1;
	return sql_run(tx->store,
		       "UPDATE link SET rule_set = ?2 WHERE rule_set = ?1", err,
		       "ii", (int64_t)from, (int64_t)to);
}

int store_link_delete(struct store_tx *tx, int64_t cs, struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_LINK))
		return 0;
	return sql_run(tx->store, "DELETE FROM link WHERE cs = ?1", err, "i",
		       cs);
}

int store_link_of_mv(struct store *store, int64_t mv, struct arena *arena,
		     struct link_row **out, struct error *err)
{
	return link_list(store,
			 LINK_COLUMNS "WHERE mv = ?1 AND mv > 0 ORDER BY cs",
			 mv, 0, arena, out, err);
}

/* They are few, and the index has them by their rule sets. */
static int order_refs(const void *a, const void *b)
{
	const struct link_ref *x = a;
	const struct link_ref *y = b;

	return (x->cs > y->cs) - (x->cs < y->cs);
}

/* The index has all that is asked for. */
int store_link_refs(struct store *store, int64_t mv, struct arena *arena,
		    struct link_ref **out, struct error *err)
{
	VEC(struct link_ref) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	for (ret = sql_first(store,
			     "SELECT cs, rule_set FROM link WHERE mv = ?1 AND"
			     " mv > 0",
			     &stmt, err, "i", mv);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct link_ref row = { sql_int(stmt, 0),
					(uint32_t)sql_int(stmt, 1) };

		vec_push(&rows, row);
	}
	count = (int)rows.len;
	vec_sort(&rows, order_refs);
	*out = keep(arena, rows.at, rows.len * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

/* The index has both columns. */
int store_link_pairs(struct store *store, int64_t from, int64_t to,
		     struct arena *arena, struct link_pair **out,
		     struct error *err)
{
	VEC(struct link_pair) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	for (ret = sql_first(store,
			     "SELECT mv, cs FROM link WHERE mv BETWEEN ?1 AND"
			     " ?2 AND mv > 0 ORDER BY mv",
			     &stmt, err, "ii", from, to);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct link_pair row = { sql_int(stmt, 0), sql_int(stmt, 1) };
		size_t at;

		vec_push(&rows, row);
		/* the index has them by their rule sets */
		for (at = rows.len - 1; at && rows.at[at - 1].mv == row.mv &&
					rows.at[at - 1].cs > row.cs;
		     at--) {
			rows.at[at] = rows.at[at - 1];
			rows.at[at - 1] = row;
		}
	}
	count = (int)rows.len;
	*out = keep(arena, rows.at, rows.len * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

int64_t store_link_count(struct store *store, uint32_t agent, uint32_t rule_set,
			 struct error *err)
{
	struct statement *stmt;
	int64_t count = 0;
	int ret = sql_first(store,
			    "SELECT count(*) FROM link WHERE cs BETWEEN ?1 AND"
			    " ?2 AND rule_set = ?3 AND mv > 0",
			    &stmt, err, "iii", CS_ID(agent, 0),
			    CS_ID(agent + 1, 0) - 1, (int64_t)rule_set);

	if (ret > 0) {
		count = sql_int(stmt, 0);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : count;
}

int store_link_remembering(struct store *store, int64_t mv, struct arena *arena,
			   struct link_row **out, struct error *err)
{
	return link_list(store,
			 LINK_COLUMNS
			 "WHERE last_mv = ?1 AND last_mv > 0 ORDER BY cs",
			 mv, 0, arena, out, err);
}

#define IMPORT_COLUMNS                                                         \
	"SELECT cs, op, renamed, old_dn, synced, confirmed, indexed, sets"     \
	" FROM pending_import "

static void read_import(struct statement *stmt, struct arena *arena,
			struct pending_import *out)
{
	out->cs = sql_int(stmt, 0);
	out->op = (enum import_op)sql_int(stmt, 1);
	out->renamed = sql_int(stmt, 2) != 0;
	out->old_dn = sql_bytes(stmt, 3, arena);
	out->synced = sql_bytes(stmt, 4, arena);
	out->confirmed = sql_bytes(stmt, 5, arena);
	out->indexed = sql_int(stmt, 6) != 0;
	out->sets = sql_int(stmt, 7) != 0;
}

int store_pending_import_get(struct store *store, int64_t cs,
			     struct arena *arena, struct pending_import *out,
			     struct error *err)
{
	struct statement *stmt;
	int ret;

	memset(out, 0, sizeof(*out));
	out->cs = cs;
	if (known_no_rows(store, cs, MOTION_PENDING_IMPORT))
		return 0;
	ret = sql_first(store, IMPORT_COLUMNS "WHERE cs = ?1", &stmt, err, "i",
			cs);
	if (ret <= 0)
		return ret;
	read_import(stmt, arena, out);
	sql_reset(stmt);
	return 1;
}

int store_pending_import_range(struct store *store, int64_t from, int64_t to,
			       struct arena *arena, struct pending_import **out,
			       struct error *err)
{
	VEC(struct pending_import) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	if (known_no_rows(store, from, MOTION_PENDING_IMPORT))
		return 0;
	for (ret = sql_first(store,
			     IMPORT_COLUMNS
			     "WHERE cs BETWEEN ?1 AND ?2 ORDER BY cs",
			     &stmt, err, "ii", from, to);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct pending_import row;

		read_import(stmt, arena, &row);
		vec_push(&rows, row);
	}
	count = (int)rows.len;
	*out = keep(arena, rows.at, rows.len * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

int store_pending_import_put(struct store_tx *tx,
			     const struct pending_import *row,
			     struct error *err)
{
	known_row_comes(tx->store, row->cs, MOTION_PENDING_IMPORT);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO pending_import VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		       err, "iiibbbii", row->cs, (int64_t)row->op,
		       (int64_t)row->renamed, row->old_dn, row->synced,
		       row->confirmed, (int64_t)row->indexed,
		       (int64_t)row->sets);
}

int store_pending_import_delete(struct store_tx *tx, int64_t from, int64_t to,
				struct error *err)
{
	if (known_no_rows(tx->store, from, MOTION_PENDING_IMPORT))
		return 0;
	return sql_run(tx->store,
		       "DELETE FROM pending_import WHERE cs BETWEEN ?1 AND"
		       " ?2",
		       err, "ii", from, to);
}

int store_pending_import_ids(struct store *store, uint32_t agent, int64_t after,
			     enum pending_import_filter filter, int64_t *out,
			     int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT cs FROM pending_import WHERE cs > ?1 AND"
		       " cs <= ?2 AND CASE ?3 WHEN 1 THEN op = 4"
		       " WHEN 2 THEN op <> 4 WHEN 3 THEN indexed = 0"
		       " WHEN 4 THEN op <> 4 AND coalesce(sets, 0) <> 1"
		       " WHEN 5 THEN sets = 1"
		       " ELSE TRUE END ORDER BY cs LIMIT ?4",
		       out, limit, err, "iiii", after_of(agent, after),
		       LAST_ID(agent), (int64_t)filter, (int64_t)limit);
}

static void read_export(struct statement *stmt, struct arena *arena,
			struct pending_export *out)
{
	out->cs = sql_int(stmt, 0);
	out->op = (enum export_op_kind)sql_int(stmt, 1);
	out->in_progress = sql_int(stmt, 2) != 0;
	out->aside = sql_int(stmt, 2) == IN_PROGRESS_ASIDE;
	out->parent = sql_int(stmt, 3);
	out->rdn = sql_bytes(stmt, 4, arena);
	out->attrs = sql_bytes(stmt, 5, arena);
}

static int export_get(struct store *store, const char *text,
		      enum motion_table table, int64_t cs, struct arena *arena,
		      struct pending_export *out, struct error *err)
{
	struct statement *stmt;
	int ret;

	memset(out, 0, sizeof(*out));
	out->cs = cs;
	if (known_no_rows(store, cs, table))
		return 0;
	ret = sql_first(store, text, &stmt, err, "i", cs);
	if (ret <= 0)
		return ret;
	read_export(stmt, arena, out);
	sql_reset(stmt);
	return 1;
}

static int export_range(struct store *store, const char *text,
			enum motion_table table, int64_t from, int64_t to,
			struct arena *arena, struct pending_export **out,
			struct error *err)
{
	VEC(struct pending_export) rows = VEC_INIT;
	struct statement *stmt;
	int count;
	int ret;

	*out = NULL;
	if (known_no_rows(store, from, table))
		return 0;
	for (ret = sql_first(store, text, &stmt, err, "ii", from, to); ret > 0;
	     ret = sql_next(stmt, err)) {
		struct pending_export row;

		read_export(stmt, arena, &row);
		vec_push(&rows, row);
	}
	count = (int)rows.len;
	*out = keep(arena, rows.at, rows.len * sizeof(**out));
	vec_release(&rows);
	return ret < 0 ? -1 : count;
}

static int export_put(struct store_tx *tx, const char *text,
		      enum motion_table table, const struct pending_export *row,
		      struct error *err)
{
	known_row_comes(tx->store, row->cs, table);
	return sql_run(
		tx->store, text, err, "iiiibb", row->cs, (int64_t)row->op,
		row->aside ? IN_PROGRESS_ASIDE : (int64_t)row->in_progress,
		row->parent, row->rdn, row->attrs);
}

int store_pending_export_get(struct store *store, int64_t cs,
			     struct arena *arena, struct pending_export *out,
			     struct error *err)
{
	return export_get(store,
			  "SELECT cs, op, in_progress, parent, rdn, attrs"
			  " FROM pending_export WHERE cs = ?1",
			  MOTION_PENDING_EXPORT, cs, arena, out, err);
}

int store_pending_export_range(struct store *store, int64_t from, int64_t to,
			       struct arena *arena, struct pending_export **out,
			       struct error *err)
{
	return export_range(store,
			    "SELECT cs, op, in_progress, parent, rdn, attrs"
			    " FROM pending_export WHERE cs BETWEEN ?1 AND ?2"
			    " ORDER BY cs",
			    MOTION_PENDING_EXPORT, from, to, arena, out, err);
}

int store_pending_export_put(struct store_tx *tx,
			     const struct pending_export *row,
			     struct error *err)
{
	return export_put(tx,
			  "INSERT OR REPLACE INTO pending_export VALUES"
			  " (?1, ?2, ?3, ?4, ?5, ?6)",
			  MOTION_PENDING_EXPORT, row, err);
}

int store_pending_export_delete(struct store_tx *tx, int64_t cs,
				struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_PENDING_EXPORT))
		return 0;
	return sql_run(tx->store, "DELETE FROM pending_export WHERE cs = ?1",
		       err, "i", cs);
}

int store_pending_export_ids(struct store *store, uint32_t agent, int64_t after,
			     int64_t *out, int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT cs FROM pending_export WHERE cs > ?1 AND"
		       " cs <= ?2 ORDER BY cs LIMIT ?3",
		       out, limit, err, "iii", after_of(agent, after),
		       LAST_ID(agent), (int64_t)limit);
}

int store_awaiting_get(struct store *store, int64_t cs, struct arena *arena,
		       struct pending_export *out, struct error *err)
{
	return export_get(store,
			  "SELECT cs, op, in_progress, parent, rdn, attrs"
			  " FROM awaiting WHERE cs = ?1",
			  MOTION_AWAITING, cs, arena, out, err);
}

int store_awaiting_range(struct store *store, int64_t from, int64_t to,
			 struct arena *arena, struct pending_export **out,
			 struct error *err)
{
	return export_range(store,
			    "SELECT cs, op, in_progress, parent, rdn, attrs"
			    " FROM awaiting WHERE cs BETWEEN ?1 AND ?2"
			    " ORDER BY cs",
			    MOTION_AWAITING, from, to, arena, out, err);
}

int store_awaiting_put(struct store_tx *tx, const struct pending_export *row,
		       struct error *err)
{
	return export_put(tx,
			  "INSERT OR REPLACE INTO awaiting VALUES"
			  " (?1, ?2, ?3, ?4, ?5, ?6)",
			  MOTION_AWAITING, row, err);
}

int store_awaiting_delete(struct store_tx *tx, int64_t cs, struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_AWAITING))
		return 0;
	return sql_run(tx->store, "DELETE FROM awaiting WHERE cs = ?1", err,
		       "i", cs);
}

int store_awaiting_ids(struct store *store, uint32_t agent, int64_t after,
		       int64_t *out, int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT cs FROM awaiting WHERE cs > ?1 AND cs <= ?2"
		       " ORDER BY cs LIMIT ?3",
		       out, limit, err, "iii", after_of(agent, after),
		       LAST_ID(agent), (int64_t)limit);
}

int store_merged_get(struct store *store, int64_t cs, struct arena *arena,
		     struct sv *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store, "SELECT image FROM merged WHERE cs = ?1",
			    &stmt, err, "i", cs);

	*out = SV_NULL;
	if (ret > 0) {
		*out = sql_bytes(stmt, 0, arena);
		sql_reset(stmt);
	}
	return ret;
}

int store_merged_put(struct store_tx *tx, int64_t cs, struct sv image,
		     struct error *err)
{
	if (!image.ptr)
		return sql_run(tx->store, "DELETE FROM merged WHERE cs = ?1",
			       err, "i", cs);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO merged VALUES (?1, ?2)", err,
		       "ib", cs, image);
}

int store_error_put(struct store_tx *tx, const struct cs_error *row,
		    struct error *err)
{
	known_row_comes(tx->store, row->cs, MOTION_ERROR);
	return sql_run(tx->store,
		       "INSERT INTO cs_error VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)"
		       " ON CONFLICT (cs, kind) DO UPDATE SET"
		       " first = CASE WHEN cs_error.code = ?3 THEN"
		       " cs_error.first ELSE ?5 END,"
		       " count = CASE WHEN cs_error.code = ?3 THEN"
		       " cs_error.count + 1 ELSE 1 END,"
		       " code = ?3, message = ?4, last = ?5",
		       err, "iitti", row->cs, (int64_t)row->kind, row->code,
		       row->message, row->last);
}

int store_error_delete(struct store_tx *tx, int64_t cs, enum cs_error_kind kind,
		       struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_ERROR))
		return 0;
	return sql_run(tx->store,
		       "DELETE FROM cs_error WHERE cs = ?1 AND kind = ?2", err,
		       "ii", cs, (int64_t)kind);
}

static void read_error(struct statement *stmt, struct cs_error *out)
{
	out->cs = sql_int(stmt, 0);
	out->kind = (enum cs_error_kind)sql_int(stmt, 1);
	out->code = sql_view(stmt, 2);
	out->message = sql_view(stmt, 3);
	out->first = sql_int(stmt, 4);
	out->last = sql_int(stmt, 5);
	out->count = sql_int(stmt, 6);
}

int store_error_get(struct store *store, int64_t cs, enum cs_error_kind kind,
		    struct arena *arena, struct cs_error *out,
		    struct error *err)
{
	struct statement *stmt;
	int ret;

	if (known_no_rows(store, cs, MOTION_ERROR))
		return 0;
	ret = sql_first(store,
			"SELECT cs, kind, code, message, first, last, count"
			" FROM cs_error WHERE cs = ?1 AND kind = ?2",
			&stmt, err, "ii", cs, (int64_t)kind);

	if (ret > 0) {
		read_error(stmt, out);
		out->code = arena_dup(arena, out->code);
		out->message = arena_dup(arena, out->message);
		sql_reset(stmt);
	}
	return ret;
}

int store_error_scan(struct store *store, uint32_t agent,
		     int (*fn)(void *data, const struct cs_error *row),
		     void *data, struct error *err)
{
	int64_t from = agent ? FIRST_ID(agent) : 0;
	int64_t to = agent ? LAST_ID(agent) : INT64_MAX;
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT cs, kind, code, message, first, last,"
			     " count FROM cs_error WHERE cs BETWEEN ?1 AND"
			     " ?2 ORDER BY cs, kind",
			     &stmt, err, "ii", from, to);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct cs_error row;
		int told;

		read_error(stmt, &row);
		told = fn(data, &row);
		if (told) {
			sql_reset(stmt);
			return told < 0 ? -1 : 0;
		}
	}
	return ret;
}

int store_queue_put(struct store_tx *tx, int64_t cs, struct error *err)
{
	known_row_comes(tx->store, cs, MOTION_QUEUE);
	return sql_run(tx->store, "INSERT OR IGNORE INTO queue VALUES (?1)",
		       err, "i", cs);
}

int store_queue_delete(struct store_tx *tx, int64_t cs, struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_QUEUE))
		return 0;
	return sql_run(tx->store, "DELETE FROM queue WHERE cs = ?1", err, "i",
		       cs);
}

int store_queue_ids(struct store *store, uint32_t agent, int64_t after,
		    int64_t *out, int limit, struct error *err)
{
	return sql_ids(store,
		       "SELECT cs FROM queue WHERE cs > ?1 AND cs <= ?2"
		       " ORDER BY cs LIMIT ?3",
		       out, limit, err, "iii", after_of(agent, after),
		       LAST_ID(agent), (int64_t)limit);
}
