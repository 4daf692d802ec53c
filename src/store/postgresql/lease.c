/*
 * lease.c - one process at a time runs an agent, or everything
 *
 * The lease of the whole store is a lock of the server's. Who has the lease of
 * an agent shares that lock with those of other agents and has one for the
 * agent alone. Locks end with the connection, hence with its process. A process
 * may live and do nothing (it was halted, or the network between is cut), so
 * the lock alone is not enough: a row in `lease` says until when it holds, a
 * thread renews that, and when the time has run out the next process ends the
 * connection that has the lock. The transaction that was open on it is undone,
 * and nothing more can be written by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEASE_SECONDS 60
/* Looked at twice before a connection is ended: it might just have come. */
#define SECOND_LOOK   300   /* ms */
#define PATIENCE      10000 /* ms, until an ended connection is gone */
#define STEP          50    /* ms */
#define QUEUE         "400" /* ms */

#define TABLE "'lease'::regclass::oid::int"
#define NOW   "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/* Rows of `lease` whose lock somebody has, with the lock `l`. */
#define HELD                                                                                  \
	" FROM lease r JOIN pg_locks l ON l.locktype = 'advisory' AND"                        \
	" l.granted AND l.database = (SELECT oid FROM pg_database WHERE"                      \
	" datname = current_database()) AND CASE WHEN r.agent = 0 THEN"                       \
	" l.objsubid = 2 AND l.classid = " PG_LEASE_LOCK " AND l.objid ="                     \
	" 'lease'::regclass::oid AND l.mode = 'ExclusiveLock' ELSE"                           \
	" l.objsubid = 1 AND ((l.classid::bigint << 32) | l.objid::bigint) = " PG_AGENT_LOCK( \
		PG_LEASE_LOCK, "r.agent") " END"

/* How long it holds without being renewed, in ms. Tests make it short. */
static int64_t duration(void)
{
	const char *text = getenv("CONJOIN_LEASE_SECONDS");
	int64_t seconds;

	if (!text || !sv_to_i64(sv_from(text), &seconds) || seconds < 1 ||
	    seconds > 86400)
		seconds = LEASE_SECONDS;
	return seconds * 1000;
}

static void pause_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&time, NULL);
}

/* ---- taking it ---- */

/* The row that an agent's first lease needs. */
static int make_row(struct pg_database *db, uint32_t agent, struct error *err)
{
	char text[200];
	PGresult *result;

	(void)snprintf(text, sizeof(text),
		       "INSERT INTO lease SELECT %u, 0, 0, 0, 0, '', '', 0"
		       " WHERE NOT EXISTS (SELECT FROM lease WHERE agent = %u)"
		       " ON CONFLICT DO NOTHING",
		       agent, agent);
	result = pg_query(db, text, "take the lease of", err);
	PQclear(result);
	return result ? 0 : -1;
}

/* What a row must meet to be ours: the whole's lock alone, or that shared and
 * the agent's alone. */
static const char TAKE_ALL[] = "pg_try_advisory_lock(" PG_LEASE_LOCK ", " TABLE
			       ")";
static const char TAKE_AGENT[] =
	"CASE WHEN NOT pg_try_advisory_lock_shared(" PG_LEASE_LOCK ", " TABLE
	") THEN false WHEN pg_try_advisory_lock" PG_AGENT_LOCK(
		PG_LEASE_LOCK,
		"agent") " THEN true ELSE NOT pg_advisory_unlock_shared(" PG_LEASE_LOCK
			 ", " TABLE ") END";

/* 1 taken, 0 not, -1. */
static int try_lock(struct pg_database *db, uint32_t agent, struct error *err)
{
	char text[1000];
	PGresult *result;
	int taken;

	(void)snprintf(text, sizeof(text),
		       "UPDATE lease SET held_until = " NOW " + %lld"
		       " WHERE agent = %u AND %s RETURNING 1",
		       (long long)duration(), agent,
		       agent ? TAKE_AGENT : TAKE_ALL);
	result = pg_query(db, text, "take the lease of", err);
	if (!result)
		return -1;
	taken = PQntuples(result) > 0;
	PQclear(result);
	return taken;
}

/* ---- who has it ---- */

#define MOST_PIDS 256

/* Connections that are in the way. */
struct others {
	int64_t pids[MOST_PIDS];
	bool late[MOST_PIDS]; /* its time has run out */
	int count;
};

static int look(struct pg_database *db, uint32_t agent, struct others *out,
		struct error *err)
{
	char text[1500];
	PGresult *result;
	int i;

	(void)snprintf(text, sizeof(text),
		       "SELECT l.pid, CASE WHEN r.held_until < " NOW
		       " THEN 1 ELSE 0 END" HELD
		       " AND (r.agent = 0 OR r.agent = %u OR %u = 0)",
		       agent, agent);
	out->count = 0;
	result = pg_query(db, text, "read the lease of", err);
	if (!result)
		return -1;
	for (i = 0; i < PQntuples(result) && i < MOST_PIDS; i++) {
		(void)sv_to_i64(sv_from(PQgetvalue(result, i, 0)),
				&out->pids[i]);
		out->late[i] = *PQgetvalue(result, i, 1) == '1';
		out->count++;
	}
	PQclear(result);
	return 0;
}

int pg_leased(struct database *base, uint32_t *agents_out, int max,
	      struct error *err)
{
	PGresult *result = pg_query(pg_of(base),
				    "SELECT r.agent" HELD " ORDER BY r.agent",
				    "read the lease of", err);
	int64_t number = 0;
	int count = 0;

	if (!result)
		return -1;
	for (; count < PQntuples(result) && count < max; count++) {
		(void)sv_to_i64(sv_from(PQgetvalue(result, count, 0)), &number);
		agents_out[count] = (uint32_t)number;
	}
	PQclear(result);
	return count;
}

/* ---- taking it from another ---- */

static int end_connection(struct pg_database *db, int64_t pid,
			  struct error *err)
{
	PGresult *result;
	char text[80];

	(void)snprintf(text, sizeof(text), "SELECT pg_terminate_backend(%lld)",
		       (long long)pid);
	result = pg_query(db, text, "take over the lease of", err);
	PQclear(result);
	return result ? 0 : -1;
}

static bool was_late(const struct others *before, int64_t pid)
{
	int i;

	for (i = 0; i < before->count; i++)
		if (before->pids[i] == pid)
			return before->late[i];
	return false;
}

/* Those that were late at both looks lose it; false: others stay. */
static int end_late(struct pg_database *db, const struct others *before,
		    const struct others *now, bool *all_out, struct error *err)
{
	int i;

	*all_out = true;
	for (i = 0; i < now->count; i++) {
		if (!now->late[i] || !was_late(before, now->pids[i]))
			*all_out = false;
		else if (end_connection(db, now->pids[i], err) < 0)
			return -1;
	}
	return 0;
}

static bool any_late(const struct others *others)
{
	int i;

	for (i = 0; i < others->count; i++)
		if (others->late[i])
			return true;
	return false;
}

/* Whose time has run out loses it. */
static int overtake(struct pg_database *db, uint32_t agent, struct error *err)
{
	struct others before, now;
	bool all;
	int waited = 0;
	int ret;

	if (look(db, agent, &before, err) < 0)
		return -1;
	if (!any_late(&before))
		return 0;
	pause_ms(SECOND_LOOK);
	if (look(db, agent, &now, err) < 0 ||
	    end_late(db, &before, &now, &all, err) < 0)
		return -1;
	while ((ret = try_lock(db, agent, err)) == 0 && all &&
	       waited < PATIENCE) {
		pause_ms(STEP);
		waited += STEP;
	}
	return ret;
}

/* Who wants the whole store waits a moment in the server's queue, where those
 * who would share the lock come after it: else, as long as some agent is always
 * at work, its turn would never come. It is the server that leaves off. */
static void queue_up(struct pg_database *db)
{
	static const char text[] = "SET lock_timeout = " QUEUE ";"
				   "SELECT pg_advisory_lock(" PG_LEASE_LOCK
				   ", " TABLE ");"
				   "RESET lock_timeout";

	pg_settle_stream(db);
	PQclear(PQexec(db->conn, text));
}

int pg_lease(struct database *base, uint32_t agent, struct error *err)
{
	struct pg_database *db = pg_of(base);
	int ret = 0;

	if (db->leased)
		return 0;
	if (agent && make_row(db, agent, err) < 0)
		return -1;
	ret = try_lock(db, agent, err);
	if (ret == 0)
		ret = overtake(db, agent, err);
	if (ret == 0 && !agent) {
		queue_up(db);
		ret = try_lock(db, agent, err);
	}
	if (ret > 0) {
		db->leased = true;
		db->scope = agent;
	}
	return ret;
}

/* Whatever the time that they have left. */
int pg_take_over(struct database *base, uint32_t agent, struct error *err)
{
	struct pg_database *db = pg_of(base);
	struct others others;
	int waited = 0;
	int i;

	if (look(db, agent, &others, err) < 0)
		return -1;
	for (i = 0; i < others.count; i++)
		if (end_connection(db, others.pids[i], err) < 0)
			return -1;
	while (others.count && waited < PATIENCE) {
		pause_ms(STEP);
		waited += STEP;
		if (look(db, agent, &others, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- renewing ---- */

static bool renew(struct pg_database *db)
{
	struct pg_keeper *keeper = &db->keeper;
	PGresult *result;
	char text[300];
	bool done;

	if (!keeper->conn)
		keeper->conn = pg_connect(db->base.name, db->base.name, NULL);
	if (!keeper->conn)
		return false;
	(void)snprintf(text, sizeof(text),
		       "UPDATE lease SET held_until = " NOW " + %lld"
		       " WHERE agent = %u AND fencing = %lld",
		       (long long)duration(), db->scope,
		       (long long)keeper->fencing);
	result = PQexec(keeper->conn, text);
	done = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	if (!done) {
		PQfinish(keeper->conn);
		keeper->conn = NULL;
	}
	return done;
}

/* False: it is to stop. */
static bool wait_for_turn(struct pg_keeper *keeper)
{
	int64_t ms = duration() / 3;
	struct timespec until;
	bool stop;
	int ret = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_mutex_lock(&keeper->lock);
	while (!keeper->stop && ret == 0)
		ret = pthread_cond_timedwait(&keeper->wake, &keeper->lock,
					     &until);
	stop = keeper->stop;
	(void)pthread_mutex_unlock(&keeper->lock);
	return !stop;
}

static void *keep(void *data)
{
	struct pg_database *db = data;

	while (wait_for_turn(&db->keeper))
		(void)renew(db);
	return NULL;
}

int pg_keep_lease(struct database *base, int64_t fencing, struct error *err)
{
	struct pg_keeper *keeper = &pg_of(base)->keeper;

	keeper->fencing = fencing;
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_cond_init(&keeper->wake, NULL);
	keeper->running = pthread_create(&keeper->thread, NULL, keep, base) ==
			  0;
	if (keeper->running)
		return 0;
	return error_set(err, ERR_UNAVAILABLE,
			 "cannot keep the lease of the store '%s': no thread "
			 "can be started; run again",
			 base->name);
}

void pg_end_lease(struct pg_database *db)
{
	struct pg_keeper *keeper = &db->keeper;

	/* who comes next need not wait until the server sees that we left */
	if (db->leased)
		PQclear(PQexec(db->conn, "SELECT pg_advisory_unlock_all()"));
	db->leased = false;
	db->scope = 0;
	if (!keeper->running)
		return;
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->stop = true;
	(void)pthread_cond_signal(&keeper->wake);
	(void)pthread_mutex_unlock(&keeper->lock);
	(void)pthread_join(keeper->thread, NULL);
	(void)pthread_cond_destroy(&keeper->wake);
	(void)pthread_mutex_destroy(&keeper->lock);
	PQfinish(keeper->conn);
	keeper->running = false;
}

bool pg_overtaken(struct pg_database *db)
{
	PGconn *conn = NULL;
	PGresult *result;
	char text[80];
	int64_t fencing = db->keeper.fencing;

	if (!db->leased || !db->keeper.running)
		return false;
	conn = pg_connect(db->base.name, db->base.name, NULL);
	if (!conn)
		return false;
	(void)snprintf(text, sizeof(text),
		       "SELECT fencing FROM lease WHERE agent = %u", db->scope);
	result = PQexec(conn, text);
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
		(void)sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), &fencing);
	PQclear(result);
	PQfinish(conn);
	return fencing != db->keeper.fencing;
}
