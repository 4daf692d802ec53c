/*
 * lease.c - one process at a time runs
 *
 * The lease is a lock of the server's that ends with the connection, hence
 * with its process. A process may live and do nothing (it was halted, or the
 * network between is cut), so the lock alone is not enough: the row `lease`
 * says until when it holds, a thread renews that, and when the time has run
 * out the next process ends the connection that has the lock. The transaction
 * that was open on it is undone, and nothing more can be written by it.
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

#define TABLE "'lease'::regclass::oid::int"
#define NOW   "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/* Those that have or await the lock. */
#define LOCKS                                                                  \
	"pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND"           \
	" l.classid = " PG_LEASE_LOCK " AND l.objsubid = 2 AND"                \
	" l.objid = 'lease'::regclass::oid AND l.database ="                   \
	" (SELECT oid FROM pg_database WHERE datname = current_database())"

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

/* 1 taken, 0 not, -1. */
static int try_lock(struct pg_database *db, struct error *err)
{
	char text[400];
	PGresult *result;
	int taken;

	(void)snprintf(text, sizeof(text),
		       "UPDATE lease SET held_until = " NOW " + %lld"
		       " WHERE pg_try_advisory_lock(" PG_LEASE_LOCK ", " TABLE
		       ") RETURNING 1",
		       (long long)duration());
	result = pg_query(db, text, "take the lease of", err);
	if (!result)
		return -1;
	taken = PQntuples(result) > 0;
	PQclear(result);
	return taken;
}

/* The connection whose time has run out: 1, 0, -1. */
static int look(struct pg_database *db, int64_t *pid_out, struct error *err)
{
	PGresult *result =
		pg_query(db,
			 "SELECT l.pid FROM " LOCKS
			 " AND (SELECT held_until FROM lease) < " NOW,
			 "take the lease of", err);
	int ret;

	*pid_out = 0;
	if (!result)
		return -1;
	ret = PQntuples(result) > 0 &&
	      sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), pid_out);
	PQclear(result);
	return ret;
}

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

/* Whose time has run out loses it. */
static int take_over(struct pg_database *db, struct error *err)
{
	int64_t pid, again;
	int waited = 0;
	int ret = look(db, &pid, err);

	if (ret <= 0)
		return ret;
	pause_ms(SECOND_LOOK);
	ret = look(db, &again, err);
	if (ret < 0 || (ret > 0 && again != pid))
		return ret < 0 ? -1 : 0;
	if (ret > 0 && end_connection(db, pid, err) < 0)
		return -1;
	while ((ret = try_lock(db, err)) == 0 && waited < PATIENCE) {
		pause_ms(STEP);
		waited += STEP;
	}
	return ret;
}

int pg_lease(struct database *base, struct error *err)
{
	struct pg_database *db = pg_of(base);
	int ret = db->leased ? 0 : try_lock(db, err);

	if (ret == 0 && !db->leased)
		ret = take_over(db, err);
	if (ret > 0)
		db->leased = true;
	return ret;
}

int pg_leased(struct database *base, struct error *err)
{
	PGresult *result = pg_query(pg_of(base), "SELECT l.pid FROM " LOCKS,
				    "read the lease of", err);
	int ret;

	if (!result)
		return -1;
	ret = PQntuples(result) > 0;
	PQclear(result);
	return ret;
}

/* Whatever the time that it has left. */
int pg_take_over(struct database *base, struct error *err)
{
	struct pg_database *db = pg_of(base);
	PGresult *result = pg_query(db, "SELECT l.pid FROM " LOCKS,
				    "read the lease of", err);
	int64_t pid = 0;
	int waited = 0;
	int ret;

	if (!result)
		return -1;
	if (PQntuples(result) > 0)
		(void)sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), &pid);
	PQclear(result);
	if (!pid)
		return 0;
	if (end_connection(db, pid, err) < 0)
		return -1;
	while ((ret = pg_leased(base, err)) > 0 && waited < PATIENCE) {
		pause_ms(STEP);
		waited += STEP;
	}
	return ret < 0 ? -1 : 1;
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
		       " WHERE fencing = %lld",
		       (long long)duration(), (long long)keeper->fencing);
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
	int64_t fencing = db->keeper.fencing;

	if (!db->leased || !db->keeper.running)
		return false;
	conn = pg_connect(db->base.name, db->base.name, NULL);
	if (!conn)
		return false;
	result = PQexec(conn, "SELECT fencing FROM lease");
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
		(void)sv_to_i64(sv_from(PQgetvalue(result, 0, 0)), &fencing);
	PQclear(result);
	PQfinish(conn);
	return fencing != db->keeper.fencing;
}
