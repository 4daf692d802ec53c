/*
 * history.c - runs, steps, counters and errors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/history.h"

#include "base/clock.h"
#include "store/sql/sql_private.h"
#include "store/status.h"

#include <string.h>

static struct sv rules_sv(const struct hash128 *rules)
{
	return sv_make((const char *)rules, sizeof(*rules));
}

int64_t store_run_begin(struct store_tx *tx, const struct run_row *row,
			struct error *err)
{
	struct store *store = tx->store;
	int64_t id;

	if (sql_number(store,
		       "INSERT INTO run (id, agent, profile, \"user\", host,"
		       " process, started, ended, result, message, rules)"
		       " SELECT coalesce(max(id), 0) + 1, ?1, ?2, ?3, ?4, ?5,"
		       " ?6, 0, 'in-progress', '', ?7 FROM run"
		       " RETURNING id",
		       &id, err, "ssssiib", row->agent, row->profile, row->user,
		       row->host, row->process, row->started,
		       rules_sv(&row->rules)) <= 0)
		return -1;
	/* others may have begun runs since the lease was taken */
	if (store->scope &&
	    sql_run(store, "UPDATE lease SET run = ?2 WHERE agent = ?1", err,
		    "ii", (int64_t)store->scope, id) < 0)
		return -1;
	return id;
}

int store_run_end(struct store_tx *tx, int64_t run, int64_t ended,
		  const char *result, const char *message, struct error *err)
{
	return sql_run(tx->store,
		       "UPDATE run SET ended = ?2, result = ?3,"
		       " message = ?4 WHERE id = ?1",
		       err, "iiss", run, ended, result, message);
}

/* Rows from where the statement stands, told one by one. */
static int tell_runs(struct statement *stmt, int ret,
		     int (*fn)(void *data, const struct run_row *row),
		     void *data, struct error *err)
{
	for (; ret > 0; ret = sql_next(stmt, err)) {
		struct sv rules = sql_view(stmt, 10);
		struct run_row row = {
			.id = sql_int(stmt, 0),
			.agent = sql_text(stmt, 1),
			.profile = sql_text(stmt, 2),
			.user = sql_text(stmt, 3),
			.host = sql_text(stmt, 4),
			.process = sql_int(stmt, 5),
			.started = sql_int(stmt, 6),
			.ended = sql_int(stmt, 7),
			.result = sql_text(stmt, 8),
			.message = sql_text(stmt, 9),
		};
		int told;

		if (rules.len == sizeof(row.rules))
			memcpy(&row.rules, rules.ptr, sizeof(row.rules));
		told = fn(data, &row);
		if (told) {
			sql_reset(stmt);
			return told < 0 ? -1 : 0;
		}
	}
	return ret;
}

#define RUN_COLUMNS                                                            \
	"SELECT id, agent, profile, \"user\", host, process, started, ended,"  \
	" result, message, rules FROM run"

int store_run_scan(struct store *store, int64_t only, int limit,
		   int (*fn)(void *data, const struct run_row *row), void *data,
		   struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    RUN_COLUMNS " WHERE id = ?1 OR ?1 = 0"
					" ORDER BY id DESC LIMIT ?2",
			    &stmt, err, "ii", only, (int64_t)limit);

	return tell_runs(stmt, ret, fn, data, err);
}

int store_last_runs(struct store *store,
		    int (*fn)(void *data, const struct run_row *row),
		    void *data, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    RUN_COLUMNS " WHERE id IN (SELECT max(id) FROM run"
					" GROUP BY agent) ORDER BY id DESC",
			    &stmt, err, "");

	return tell_runs(stmt, ret, fn, data, err);
}

int store_run_old(struct store *store, int64_t before, int64_t *out, size_t max,
		  struct error *err)
{
	struct statement *stmt;
	int count = 0;
	int ret;

	for (ret = sql_first(
		     store,
		     "SELECT id FROM run WHERE started < ?1"
		     " AND id < (SELECT run FROM lease WHERE agent = 0)"
		     " AND id NOT IN"
		     " (SELECT max(s.run) FROM step s JOIN run r ON"
		     " r.id = s.run GROUP BY r.agent, s.kind,"
		     " s.result = 'success' OR s.result LIKE 'completed-%')"
		     " ORDER BY id LIMIT ?2",
		     &stmt, err, "ii", before, (int64_t)max);
	     ret > 0; ret = sql_next(stmt, err))
		out[count++] = sql_int(stmt, 0);
	return ret < 0 ? -1 : count;
}

int store_run_remove(struct store_tx *tx, int64_t run, struct error *err)
{
	static const char *const statements[] = {
		"DELETE FROM counter WHERE step IN"
		" (SELECT id FROM step WHERE run = ?1)",
		"DELETE FROM discovery_error WHERE step IN"
		" (SELECT id FROM step WHERE run = ?1)",
		"DELETE FROM step WHERE run = ?1",
		"DELETE FROM run WHERE id = ?1",
	};
	size_t i;

	for (i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		if (sql_run(tx->store, statements[i], err, "i", run) < 0)
			return -1;
	return 0;
}

int64_t store_step_begin(struct store_tx *tx, const struct step_row *row,
			 struct error *err)
{
	int64_t id;

	if (sql_number(tx->store,
		       "INSERT INTO step (run, number, kind, started, ended,"
		       " result, message) VALUES (?1, ?2, ?3, ?4, 0,"
		       " 'in-progress', '') RETURNING id",
		       &id, err, "iisi", row->run, (int64_t)row->number,
		       row->kind, row->started) <= 0)
		return -1;
	return id;
}

int store_step_end(struct store_tx *tx, const struct step_row *row,
		   struct error *err)
{
	return sql_run(tx->store,
		       "UPDATE step SET ended = ?2, result = ?3,"
		       " message = ?4 WHERE id = ?1",
		       err, "iiss", row->id, row->ended, row->result,
		       row->message ? row->message : "");
}

int store_step_scan(struct store *store, int64_t run,
		    int (*fn)(void *data, const struct step_row *row),
		    void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT id, run, number, kind, started, ended,"
			     " result, message FROM step WHERE run = ?1"
			     " ORDER BY number",
			     &stmt, err, "i", run);
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

		if (fn(data, &row) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}

int store_counter_put(struct store_tx *tx, const struct counter_row *row,
		      struct error *err)
{
	return sql_run(tx->store,
		       "INSERT OR REPLACE INTO counter VALUES"
		       " (?1, ?2, ?3, ?4, ?5)",
		       err, "iisib", row->step, (int64_t)row->target, row->name,
		       row->value, row->ids);
}

int store_counter_scan(struct store *store, int64_t step,
		       int (*fn)(void *data, const struct counter_row *row),
		       void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT target, name, value, ids FROM counter"
			     " WHERE step = ?1 ORDER BY target, name",
			     &stmt, err, "i", step);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct counter_row row = {
			.step = step,
			.target = (uint32_t)sql_int(stmt, 0),
			.name = sql_text(stmt, 1),
			.value = sql_int(stmt, 2),
			.ids = sql_view(stmt, 3),
		};

		if (fn(data, &row) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}

int store_discovery_put(struct store_tx *tx, const struct discovery_error *row,
			struct error *err)
{
	return sql_run(tx->store,
		       "INSERT INTO discovery_error (step, code, message,"
		       " place, anchor) VALUES (?1, ?2, ?3, ?4, ?5)",
		       err, "itttb", row->step, row->code, row->message,
		       row->where, row->anchor);
}

/* Rows whose code is `code`; NULL: errors. */
static int scan_discovery(struct store *store, int64_t step, const char *code,
			  int (*fn)(void *data,
				    const struct discovery_error *row),
			  void *data, struct error *err)
{
	static const char errors[] =
		"SELECT code, message, place, anchor FROM discovery_error"
		" WHERE step = ?1 AND code <> ?2 AND code <> ?3"
		" ORDER BY id";
	static const char counted[] =
		"SELECT code, message, place, anchor FROM discovery_error"
		" WHERE step = ?1 AND code = ?2 ORDER BY id";
	struct statement *stmt;
	int ret;

	if (code)
		ret = sql_first(store, counted, &stmt, err, "is", step, code);
	else
		ret = sql_first(store, errors, &stmt, err, "iss", step,
				STORE_FILTERED_DELETIONS,
				STORE_FILTERED_OBJECTS);
	for (; ret > 0; ret = sql_next(stmt, err)) {
		struct discovery_error row = {
			.step = step,
			.code = sql_view(stmt, 0),
			.message = sql_view(stmt, 1),
			.where = sql_view(stmt, 2),
			.anchor = sql_view(stmt, 3),
		};

		if (fn(data, &row) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}

int store_discovery_scan(struct store *store, int64_t step,
			 int (*fn)(void *data,
				   const struct discovery_error *row),
			 void *data, struct error *err)
{
	return scan_discovery(store, step, NULL, fn, data, err);
}

int store_filtered_scan(struct store *store, int64_t step, const char *counter,
			int (*fn)(void *data,
				  const struct discovery_error *row),
			void *data, struct error *err)
{
	return scan_discovery(store, step, counter, fn, data, err);
}

int store_allow_record(struct store_tx *tx, int64_t run, const char *token,
		       const char *user, struct error *err)
{
	return sql_run(tx->store, "INSERT INTO allowed VALUES (?1, ?2, ?3, ?4)",
		       err, "issi", run, token, user, clock_now());
}

int store_allow_scan(struct store *store, int64_t run,
		     int (*fn)(void *data, const struct allowed_row *row),
		     void *data, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store,
			     "SELECT run, token, \"user\", time FROM allowed"
			     " WHERE run = ?1 ORDER BY time",
			     &stmt, err, "i", run);
	     ret > 0; ret = sql_next(stmt, err)) {
		struct allowed_row row = {
			.run = sql_int(stmt, 0),
			.token = sql_text(stmt, 1),
			.user = sql_text(stmt, 2),
			.time = sql_int(stmt, 3),
		};

		if (fn(data, &row) < 0) {
			sql_reset(stmt);
			return -1;
		}
	}
	return ret;
}
