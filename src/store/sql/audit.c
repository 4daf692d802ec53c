/*
 * audit.c - rows of the audit log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/audit.h"

#include "store/sql/sql_private.h"

#include <string.h>

/* The last entry's number and hash; 0 and zeros when there is none. */
static int last_entry(struct store *store, int64_t *id_out,
		      unsigned char hash_out[AUDIT_HASH], struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT id, hash FROM audit ORDER BY id DESC"
			    " LIMIT 1",
			    &stmt, err, "");

	*id_out = 0;
	memset(hash_out, 0, AUDIT_HASH);
	if (ret > 0) {
		struct sv hash = sql_view(stmt, 1);

		*id_out = sql_int(stmt, 0);
		if (hash.len == AUDIT_HASH)
			memcpy(hash_out, hash.ptr, AUDIT_HASH);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}

int store_audit_add(struct store_tx *tx, struct audit_row *row,
		    struct error *err)
{
	unsigned char before[AUDIT_HASH];
	int64_t last;

	if (last_entry(tx->store, &last, before, err) < 0)
		return -1;
	row->id = last + 1;
	audit_hash(row, before);
	return sql_run(tx->store,
		       "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		       err, "iissssb", row->id, row->time, row->user, row->host,
		       row->command, row->result,
		       sv_make((const char *)row->hash, AUDIT_HASH));
}

int store_audit_scan(struct store *store, int64_t after,
		     int (*fn)(void *data, const struct audit_row *row),
		     void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT id, time, \"user\", host, command, result,"
			     " hash FROM audit WHERE id > ?1 ORDER BY id",
			     &stmt, err, "i", after);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct sv hash = sql_view(stmt, 6);
		struct audit_row row = {
			.id = sql_int(stmt, 0),
			.time = sql_int(stmt, 1),
			.user = sql_text(stmt, 2),
			.host = sql_text(stmt, 3),
			.command = sql_text(stmt, 4),
			.result = sql_text(stmt, 5),
		};
		int told;

		if (hash.len == AUDIT_HASH)
			memcpy(row.hash, hash.ptr, AUDIT_HASH);
		told = fn(data, &row);
		if (told) {
			sql_reset(stmt);
			return told < 0 ? -1 : 0;
		}
	}
	return ret;
}
