/*
 * rules.c - the rules of the last synchronization
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/rules.h"

#include "store/sql/sql_private.h"

int store_rules_put(struct store_tx *tx, struct sv part, struct sv text,
		    struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO rules_used VALUES (?1, ?2)", err,
		       "tt", part, text);
}

int store_rules_delete(struct store_tx *tx, struct sv part, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM rules_used WHERE part = ?1", err,
		       "t", part);
}

int store_rules_scan(struct store *store,
		     int (*fn)(void *data, struct sv part, struct sv text),
		     void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT part, text FROM rules_used"
			     " ORDER BY part",
			     &stmt, err, "");
	     ret > 0; ret = sql_next(stmt, err)) {
		if (fn(data, sql_view(stmt, 0), sql_view(stmt, 1)) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}

int store_concerned(struct store *store, enum concern concern, uint32_t agent,
		    uint32_t number, int64_t *after, struct concern_row *out,
		    int limit, struct error *err)
{
	static const char *const texts[] = {
		[CONCERN_TYPE] = "SELECT id, coalesce(mv, 0) FROM cs LEFT JOIN"
				 " link ON cs = id WHERE id > ?1 AND id < ?2"
				 " AND type = ?3 ORDER BY id LIMIT ?4",
		[CONCERN_UNLINKED] = "SELECT id, 0 FROM cs LEFT JOIN link ON"
				     " cs = id WHERE id > ?1 AND id < ?2 AND"
				     " type = ?3 AND coalesce(mv, 0) = 0"
				     " ORDER BY id LIMIT ?4",
		[CONCERN_LINKED] = "SELECT cs, mv FROM link WHERE cs > ?1 AND"
				   " cs < ?2 AND rule_set = ?3 AND mv > 0"
				   " ORDER BY cs LIMIT ?4",
		[CONCERN_LEAVING] = "SELECT cs, mv FROM link WHERE cs > ?1 AND"
				    " cs < ?2 AND rule_set = ?3 AND"
				    " leaving > 0 ORDER BY cs LIMIT ?4",
		[CONCERN_MV] = "SELECT 0, id FROM mv WHERE id > ?1 AND"
			       " id < ?2 AND type = ?3 ORDER BY id LIMIT ?4",
	};
	bool of_mv = concern == CONCERN_MV;
	int64_t from = of_mv ? 0 : CS_ID(agent, 0);
	int64_t end = of_mv ? INT64_MAX : CS_ID(agent + 1, 0);
	struct statement *stmt;
	int count = 0;
	int ret;

	if (*after > from)
		from = *after;
	for (ret = sql_first(store, texts[concern], &stmt, err, "iiii", from,
			     end, (int64_t)number, (int64_t)limit);
	     ret > 0; ret = sql_next(stmt, err)) {
		out[count].cs = sql_int(stmt, 0);
		out[count].mv = sql_int(stmt, 1);
		*after = of_mv ? out[count].mv : out[count].cs;
		count++;
	}
	return ret < 0 ? -1 : count;
}
