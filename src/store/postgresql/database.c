/*
 * database.c - PostgreSQL as the store's database: transactions, the version
 *
 * Writing transactions pass one at a time, by a lock of the server's that
 * ends with them; those of holders of agents one at a time of each agent. They
 * begin by reading the lease's number. The row is locked
 * as one whose key must not change: who renews the lease is not kept from it,
 * who takes it over is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

PGresult *pg_query(struct pg_database *db, const char *text, const char *doing,
		   struct error *err)
{
	PGresult *result;

	pg_settle_stream(db);
	result = PQexec(db->conn, text);
	if (PQresultStatus(result) == PGRES_TUPLES_OK ||
	    PQresultStatus(result) == PGRES_COMMAND_OK)
		return result;
	(void)pg_fail(db, result, doing, err);
	PQclear(result);
	return NULL;
}

PGresult *pg_ask_all(struct pg_database *db, const char *text,
		     struct error *err)
{
	PGresult *result;

	pg_settle_stream(db);
	result = PQexecParams(db->conn, text, 0, NULL, NULL, NULL, NULL, 1);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	(void)pg_fail(db, result, "read", err);
	PQclear(result);
	return NULL;
}

PGresult *pg_ask(struct pg_database *db, bool *prepared, const char *text,
		 int64_t a, int64_t b, struct error *err)
{
	static const Oid types[] = { PG_INT8, PG_INT8 };
	static const int lengths[] = { 8, 8 };
	static const int formats[] = { 1, 1 };
	uint64_t numbers[] = { htobe64((uint64_t)a), htobe64((uint64_t)b) };
	const char *values[] = { (char *)&numbers[0], (char *)&numbers[1] };
	char name[32];
	PGresult *result;

	pg_settle_stream(db);
	(void)snprintf(name, sizeof(name), "%p", (void *)prepared);
	result = *prepared ? PQexecPrepared(db->conn, name, 2, values, lengths,
					    formats, 1)
			   : PQprepare(db->conn, name, text, 2, types);
	if (!*prepared && PQresultStatus(result) == PGRES_COMMAND_OK) {
		*prepared = true;
		PQclear(result);
		return pg_ask(db, prepared, text, a, b, err);
	}
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	(void)pg_fail(db, result, "read", err);
	PQclear(result);
	return NULL;
}

static int run(struct database *base, const char *text, struct error *err)
{
	PGresult *result = pg_query(pg_of(base), text, "write to", err);

	PQclear(result);
	return result ? 0 : -1;
}

/* The number in a result's first row, which simple queries give as text. */
static int64_t text_number(const PGresult *result)
{
	int64_t number = 0;

	if (PQntuples(result) > 0)
		(void)sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), &number);
	return number;
}

/* A process that is halted in a transaction that others wait for, and that no
 * lease of theirs could end, is cut off by the server: sooner than they leave
 * off waiting. */
#define PATIENCE  "30s"
#define MOST_IDLE "15s"

/* Who has no lease, or that of the whole, writes alone; who has an agent's
 * writes alone about it. One order for all: first the whole, then an agent. */
static void add_locks(struct strbuf *text, const struct pg_database *db,
		      bool alone, uint32_t agent)
{
	if (alone)
		strbuf_adds(text,
			    "SELECT pg_advisory_xact_lock(" PG_WRITE_LOCK
			    ", coalesce(to_regclass('lease')::oid::int, 0));");
	if (db->leased && db->scope)
		agent = db->scope;
	if (agent)
		strbuf_addf(text,
			    "SELECT pg_advisory_xact_lock" PG_AGENT_LOCK(
				    PG_WRITE_LOCK, "%u") ";",
			    agent);
}

static int begin(struct database *base, enum store_durability durability,
		 uint32_t beside, int64_t *fencing_out, struct error *err)
{
	struct pg_database *db = pg_of(base);
	bool alone = !db->leased || !db->scope || durability == STORE_ALONE;
	bool own = db->leased && !(db->scope && alone);
	struct strbuf text = STRBUF_INIT(1000);
	PGresult *result;

	strbuf_addf(&text,
		    "BEGIN;SET LOCAL lock_timeout = '" PATIENCE "';"
		    "SET LOCAL idle_in_transaction_session_timeout = '%s';"
		    "%s;",
		    own ? "0" : MOST_IDLE,
		    durability == STORE_DURABLE
			    ? "SELECT set_config('synchronous_commit', 'on',"
			      " true) WHERE current_setting("
			      "'synchronous_commit') = 'off'"
			    : "SET LOCAL synchronous_commit = off");
	add_locks(&text, db, alone, beside);
	if (fencing_out)
		strbuf_addf(&text,
			    "SELECT fencing FROM lease WHERE agent = %u"
			    " FOR KEY SHARE",
			    db->leased ? db->scope : 0);
	result = pg_query(db, strbuf_cstr(&text), "write to", err);
	strbuf_release(&text);
	if (fencing_out)
		*fencing_out = text_number(result);
	PQclear(result);
	return result ? 0 : -1;
}

static int commit(struct database *base, struct error *err)
{
	struct pg_database *db = pg_of(base);

	if (db->snapshot)
		pg_forget_read(db);
	db->snapshot = false;
	return pg_flush(db, db->waiting, "COMMIT", err);
}

static void rollback(struct database *base)
{
	struct pg_database *db = pg_of(base);

	pg_settle_stream(db);
	pg_forget(db);
	pg_forget_read(db);
	if (PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		PQclear(PQexec(db->conn, "ROLLBACK"));
}

static int begin_reading(struct database *base, struct error *err)
{
	if (run(base, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) <
	    0)
		return -1;
	pg_of(base)->snapshot = !pg_of(base)->leased;
	return 0;
}

static int version(struct database *base, int64_t *out, struct error *err)
{
	static const char *const texts[] = {
		"SELECT CASE WHEN to_regclass('meta') IS NULL THEN 0 ELSE 1"
		" END",
		"SELECT convert_from(value, 'UTF8') FROM meta"
		" WHERE key = 'version'",
	};
	size_t i;

	*out = 1;
	for (i = 0; i < 2 && *out; i++) {
		PGresult *result = pg_query(pg_of(base), texts[i], "read", err);

		if (!result)
			return -1;
		*out = text_number(result);
		PQclear(result);
	}
	return 0;
}

static int set_version(struct database *base, int64_t number, struct error *err)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "INSERT INTO meta VALUES ('version', '%lld')"
		       " ON CONFLICT (key) DO UPDATE SET value ="
		       " excluded.value",
		       (long long)number);
	return run(base, text, err);
}

const struct sql_driver postgresql_driver = {
	.scheme = "postgresql:",
	.schema = postgresql_schema_steps,
	.scopes = true,
	.open = pg_open,
	.close = pg_close,
	.run = run,
	.prepare = pg_prepare,
	.start = pg_start,
	.next = pg_next,
	.reset = pg_reset,
	.integer = pg_integer,
	.bytes = pg_bytes,
	.text = pg_text,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.begin_reading = begin_reading,
	.version = version,
	.set_version = set_version,
	.lease = pg_lease,
	.leased = pg_leased,
	.take_over = pg_take_over,
	.size = pg_size,
	.renumber = pg_renumber,
	.keep_lease = pg_keep_lease,
};
