/*
 * outbox.c - what only an export reads and writes,
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/outbox.h"

#include "store/sql/sql_private.h"

#include <string.h>

static void read_outbox(struct statement *stmt, struct arena *arena,
			struct outbox_row *out)
{
	struct pending_export *pending = &out->pending;
	int64_t progress = sql_int(stmt, 2);
	int name = sql_view(stmt, 11).len ? 10 : 7;

	memset(out, 0, sizeof(*out));
	pending->cs = sql_int(stmt, 0);
	pending->op = (enum export_op_kind)sql_int(stmt, 1);
	pending->in_progress = progress != 0;
	pending->aside = progress == IN_PROGRESS_ASIDE;
	pending->parent = sql_int(stmt, 3);
	pending->rdn = sql_bytes(stmt, 4, arena);
	out->type = (uint32_t)sql_int(stmt, 5);
	out->flags = (uint32_t)sql_int(stmt, 6) & ~(uint32_t)CS_NO_IMAGE;
	out->parent = sql_int(stmt, name);
	out->rdn = sql_bytes(stmt, name + 1, arena);
	out->anchor = sql_bytes(stmt, 9, arena);
	out->awaits = sql_int(stmt, 12) != 0;
	out->gone = sql_int(stmt, 13) == IMPORT_DELETE;
}

int store_outbox_scan(struct store *store, uint32_t agent, int64_t after,
		      struct outbox_row *rows, int limit, struct arena *arena,
		      struct error *err)
{
	int64_t first = CS_ID(agent, 0);
	int64_t last = CS_ID(agent + 1, 0) - 1;
	struct statement *stmt;
	int count = 0;
	int ret;

	for (ret = sql_first(
		     store,
		     "SELECT p.cs, p.op, p.in_progress, p.parent, p.rdn,"
		     " c.type, c.flags, c.parent, c.rdn, c.anchor, a.parent,"
		     " a.rdn, a.op, i.op FROM pending_export p"
		     " CROSS JOIN cs c LEFT JOIN awaiting a ON a.cs = p.cs"
		     " LEFT JOIN pending_import i ON i.cs = p.cs"
		     " WHERE p.cs > ?1 AND p.cs <= ?2 AND c.id = p.cs"
		     " ORDER BY p.cs LIMIT ?3",
		     &stmt, err, "iii", after > first ? after : first, last,
		     (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err))
		read_outbox(stmt, arena, &rows[count++]);
	return ret < 0 ? -1 : count;
}

int store_outbox_intend(struct store_tx *tx, int64_t cs, bool aside,
			struct error *err)
{
	return sql_run(tx->store,
		       "UPDATE pending_export SET in_progress = ?2"
		       " WHERE cs = ?1",
		       err, "ii", cs, aside ? IN_PROGRESS_ASIDE : INT64_C(1));
}

int store_outbox_sent(struct store_tx *tx, int64_t cs, struct error *err)
{
	known_row_comes(tx->store, cs, MOTION_AWAITING);
	if (sql_run(tx->store,
		    "INSERT OR REPLACE INTO awaiting"
		    " SELECT cs, op, 0, parent, rdn, attrs"
		    " FROM pending_export WHERE cs = ?1",
		    err, "i", cs) < 0)
		return -1;
	return store_pending_export_delete(tx, cs, err);
}

/* The name that a table has for the object: 1 it has one, 0, -1. */
static int name_in_motion(struct store *store, const char *text,
			  enum motion_table table, int64_t cs,
			  struct arena *arena, int64_t *parent_out,
			  struct sv *rdn_out, struct error *err)
{
	struct statement *stmt;
	int ret;

	if (known_no_rows(store, cs, table))
		return 0;
	ret = sql_first(store, text, &stmt, err, "i", cs);
	if (ret <= 0)
		return ret;
	ret = sql_view(stmt, 1).len != 0;
	if (ret) {
		*parent_out = sql_int(stmt, 0);
		*rdn_out = sql_bytes(stmt, 1, arena);
	}
	sql_reset(stmt);
	return ret;
}

/* Three questions, not one of three tables: a server's driver answers them
 * from what it has read, and of tables known to be empty there is none. */
int store_expected_name(struct store *store, int64_t cs, struct arena *arena,
			int64_t *parent_out, struct sv *rdn_out,
			struct sv *anchor_out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT parent, rdn, anchor FROM cs WHERE id = ?1",
			    &stmt, err, "i", cs);

	if (ret <= 0)
		return ret;
	*parent_out = sql_int(stmt, 0);
	*rdn_out = sql_bytes(stmt, 1, arena);
	*anchor_out = sql_bytes(stmt, 2, arena);
	sql_reset(stmt);
	ret = name_in_motion(
		store, "SELECT parent, rdn FROM pending_export WHERE cs = ?1",
		MOTION_PENDING_EXPORT, cs, arena, parent_out, rdn_out, err);
	if (ret == 0)
		ret = name_in_motion(
			store, "SELECT parent, rdn FROM awaiting WHERE cs = ?1",
			MOTION_AWAITING, cs, arena, parent_out, rdn_out, err);
	return ret < 0 ? -1 : 1;
}

int store_cs_set_anchor(struct store_tx *tx, int64_t cs, struct sv anchor,
			struct error *err)
{
	return sql_run(tx->store, "UPDATE cs SET anchor = ?2 WHERE id = ?1",
		       err, "ib", cs, anchor);
}

int store_retry_get(struct store *store, int64_t cs, struct retry_row *out,
		    struct error *err)
{
	struct statement *stmt;
	int ret;

	memset(out, 0, sizeof(*out));
	out->cs = cs;
	if (known_no_rows(store, cs, MOTION_RETRY))
		return 0;
	ret = sql_first(store,
			"SELECT kind, failures, next, since, what"
			" FROM retry WHERE cs = ?1",
			&stmt, err, "i", cs);
	if (ret <= 0)
		return ret;
	out->kind = (enum retry_kind)sql_int(stmt, 0);
	out->failures = sql_int(stmt, 1);
	out->next = sql_int(stmt, 2);
	out->since = sql_int(stmt, 3);
	out->what = (uint64_t)sql_int(stmt, 4);
	sql_reset(stmt);
	return 1;
}

int store_retry_put(struct store_tx *tx, const struct retry_row *row,
		    struct error *err)
{
	known_row_comes(tx->store, row->cs, MOTION_RETRY);
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO retry VALUES"
		       " (?1, ?2, ?3, ?4, ?5, ?6)",
		       err, "iiiiii", row->cs, (int64_t)row->kind,
		       row->failures, row->next, row->since,
		       (int64_t)row->what);
}

int store_retry_delete(struct store_tx *tx, int64_t cs, unsigned kinds,
		       struct error *err)
{
	if (known_no_rows(tx->store, cs, MOTION_RETRY))
		return 0;
	return sql_run(tx->store,
		       "DELETE FROM retry WHERE cs = ?1 AND"
		       " (kind & ?2) <> 0",
		       err, "ii", cs, (int64_t)kinds);
}

int store_delivery_put(struct store_tx *tx, const struct delivery_row *row,
		       struct error *err)
{
	return sql_run(tx->store,
		       "INSERT INTO delivery (agent, rule_set, what)"
		       " VALUES (?1, ?2, ?3)",
		       err, "iib", (int64_t)row->agent, (int64_t)row->rule_set,
		       row->what);
}

int store_delivery_next(struct store *store, uint32_t agent, int64_t after,
			struct arena *arena, struct delivery_row *out,
			struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, rule_set, what FROM delivery"
			    " WHERE id > ?1 AND agent = ?2"
			    " ORDER BY id LIMIT 1",
			    &stmt, err, "ii", after, (int64_t)agent);

	if (ret <= 0)
		return ret;
	out->id = sql_int(stmt, 0);
	out->agent = agent;
	out->rule_set = (uint32_t)sql_int(stmt, 1);
	out->what = sql_bytes(stmt, 2, arena);
	sql_reset(stmt);
	return 1;
}

int store_delivery_change(struct store_tx *tx, int64_t id, struct sv what,
			  struct error *err)
{
	return sql_run(tx->store, "UPDATE delivery SET what = ?2 WHERE id = ?1",
		       err, "ib", id, what);
}

int store_delivery_delete(struct store_tx *tx, int64_t id, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM delivery WHERE id = ?1", err,
		       "i", id);
}
