/*
 * track.c - change tracking, as of SQL Server 2008
 *
 * Triggers note each change of a tracked table with the version that its
 * transaction will have; the version grows at the commit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#define KEYS_MAX 4

static size_t keys_of(struct client *client, struct sv table, struct sv *keys)
{
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;

	if (sqlite3_prepare_v2(client->db,
			       "SELECT name FROM pragma_table_info(?1)"
			       " WHERE pk > 0 ORDER BY pk",
			       -1, &stmt, NULL) != SQLITE_OK)
		return 0;
	(void)sqlite3_bind_text(stmt, 1, table.ptr, (int)table.len,
				SQLITE_STATIC);
	while (count < KEYS_MAX && sqlite3_step(stmt) == SQLITE_ROW)
		keys[count++] = arena_dup(
			&client->arena,
			sv_from((const char *)sqlite3_column_text(stmt, 0)));
	(void)sqlite3_finalize(stmt);
	return count;
}

static void add_literal(struct strbuf *sql, struct sv text)
{
	strbuf_addc(sql, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'')
			strbuf_addc(sql, '\'');
		strbuf_addc(sql, text.ptr[i]);
	}
	strbuf_addc(sql, '\'');
}

static void add_trigger(struct strbuf *sql, struct sv table, const char *verb,
			const char *row, const struct sv *keys, size_t count)
{
	strbuf_addf(sql, "CREATE TRIGGER \"tds_%s_" SV_FMT "\" AFTER %s ON ",
		    verb, SV_ARG(table), verb);
	rewrite_add_name(sql, table);
	strbuf_adds(sql, " BEGIN INSERT INTO tds_changes SELECT ");
	add_literal(sql, table);
	strbuf_addf(sql, ", version + tds_tracked(), '%c'", verb[0]);
	for (size_t i = 0; i < KEYS_MAX; i++) {
		if (i < count) {
			strbuf_addf(sql, ", %s.", row);
			rewrite_add_name(sql, keys[i]);
		} else {
			strbuf_adds(sql, ", NULL");
		}
	}
	strbuf_adds(sql, " FROM tds_tracking; END;");
}

int track_enable(struct client *client, struct sv table)
{
	struct strbuf sql = STRBUF_INIT(1 << 20);
	struct sv keys[KEYS_MAX];
	size_t count = keys_of(client, table, keys);
	int ret = -1;

	if (!count) {
		reply_error(client, 4997, 16,
			    "Cannot enable change tracking on table '%.*s'. "
			    "Change tracking requires a primary key on the "
			    "table.",
			    SV_ARG(table));
		return -1;
	}
	add_trigger(&sql, table, "INSERT", "new", keys, count);
	add_trigger(&sql, table, "UPDATE", "new", keys, count);
	add_trigger(&sql, table, "DELETE", "old", keys, count);
	strbuf_adds(&sql, "INSERT INTO tds_tracked (name, id, min_valid) "
			  "SELECT ");
	add_literal(&sql, table);
	strbuf_adds(&sql, ", tds_object_id(");
	add_literal(&sql, table);
	strbuf_adds(&sql, "), version FROM tds_tracking");
	ret = sqlite3_exec(client->db, strbuf_cstr(&sql), NULL, NULL, NULL);
	if (ret != SQLITE_OK)
		ret = run_error(client, NULL, SQLITE_ERROR);
	strbuf_release(&sql);
	return ret;
}

int track_changes(struct client *client, struct sv table, struct sv since,
		  struct strbuf *sql)
{
	struct sv keys[KEYS_MAX];
	size_t count = keys_of(client, table, keys);
	/* the order of changes is that of their rows */
	static const char order[] = "printf('%020d%s', rowid, op)";

	if (!count)
		return -1;
	strbuf_adds(sql, " (SELECT ");
	for (size_t i = 0; i < count; i++) {
		strbuf_addf(sql, "k%zu AS ", i + 1);
		rewrite_add_name(sql, keys[i]);
		strbuf_adds(sql, ", ");
	}
	strbuf_addf(sql,
		    "max(version) AS SYS_CHANGE_VERSION,"
		    " NULL AS SYS_CHANGE_CREATION_VERSION,"
		    " CASE WHEN substr(max(%s), 21) = 'D' THEN 'D'"
		    " WHEN substr(min(%s), 21) = 'I' THEN 'I' ELSE 'U' END"
		    " AS SYS_CHANGE_OPERATION,"
		    " NULL AS SYS_CHANGE_COLUMNS, NULL AS SYS_CHANGE_CONTEXT"
		    " FROM tds_changes WHERE name = ",
		    order, order);
	add_literal(sql, table);
	strbuf_adds(sql, " COLLATE NOCASE AND version > coalesce((");
	strbuf_addsv(sql, since);
	strbuf_adds(sql, "), -1) GROUP BY k1, k2, k3, k4)");
	return 0;
}
