/*
 * status.c - how things stand: what ran last, how much waits, what failed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/status.h"

#include "store/sql/sql_private.h"

int store_waiting(struct store *store, uint32_t agent,
		  struct store_waiting *out, struct error *err)
{
	int64_t from = CS_ID(agent, 0);
	int64_t to = CS_ID(agent + 1, 0) - 1;

	if (sql_number(store,
		       "SELECT count(*) FROM pending_import WHERE cs BETWEEN ?1"
		       " AND ?2",
		       &out->imports, err, "ii", from, to) < 0 ||
	    sql_number(store,
		       "SELECT count(*) FROM pending_export WHERE cs BETWEEN ?1"
		       " AND ?2",
		       &out->exports, err, "ii", from, to) < 0 ||
	    sql_number(store,
		       "SELECT count(*) FROM awaiting WHERE cs BETWEEN ?1 AND"
		       " ?2",
		       &out->awaiting, err, "ii", from, to) < 0 ||
	    sql_number(store,
		       "SELECT count(DISTINCT cs) FROM cs_error WHERE cs"
		       " BETWEEN ?1 AND ?2",
		       &out->errors, err, "ii", from, to) < 0)
		return -1;
	return sql_number(store,
			  "SELECT count(*) FROM retry WHERE cs BETWEEN ?1 AND"
			  " ?2 AND since > 0",
			  &out->quarantined, err, "ii", from, to) < 0
		       ? -1
		       : 0;
}

int store_last_steps(struct store *store,
		     int (*fn)(void *data, const char *agent,
			       const struct step_row *row),
		     void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(
		     store,
		     "SELECT s.id, s.run, s.number, s.kind, s.started, s.ended,"
		     " s.result, s.message, r.agent FROM step s JOIN run r ON"
		     " r.id = s.run WHERE s.id IN (SELECT max(x.id) FROM"
		     " step x JOIN run y ON y.id = x.run GROUP BY y.agent,"
		     " CASE WHEN x.kind LIKE '%-import' THEN 1"
		     " WHEN x.kind LIKE '%-sync' THEN 2 ELSE 3 END)"
		     " ORDER BY s.id",
		     &stmt, err, "");
	     ret > 0; ret = sql_next(stmt, err)) {
		struct step_row row = {
			.id = sql_int(stmt, 0),
			.run = sql_int(stmt, 1),
			.number = (int)sql_int(stmt, 2),
			.kind = sql_text(stmt, 3),
			.started = sql_int(stmt, 4),
			.ended = sql_int(stmt, 5),
			.result = sql_text(stmt, 6),
			.message = sql_text(stmt, 7),
		};
		int told = fn(data, sql_text(stmt, 8), &row);

		if (told) {
			sql_reset(stmt);
			return told < 0 ? -1 : 0;
		}
	}
	return ret;
}

int store_due_next(struct store *store, int64_t *count_out, int64_t *time_out,
		   struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store, "SELECT count(*), min(time) FROM due", &stmt,
			    err, "");

	*count_out = 0;
	*time_out = 0;
	if (ret > 0) {
		*count_out = sql_int(stmt, 0);
		*time_out = sql_int(stmt, 1);
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}
