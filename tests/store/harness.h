/*
 * harness.h - a store of its own, and rows in one line
 *
 * A file in a folder, or a schema of the PostgreSQL server that the variable
 * CONJOIN_POSTGRESQL names (tools/pgserver.py sets it).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

#include "store/counters.h"
#include "store/cs.h"
#include "store/due.h"
#include "store/entry.h"
#include "store/hold.h"
#include "store/mv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <sqlite3.h>

struct fixture {
	char folder[64];
	char url[512]; /* "sqlite:FOLDER/store.db", or of the server */
	const char *server;
	struct store *store;
	struct arena arena;
	struct error err;
};

/* A failing call says why. */
#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) < 0)                                                \
			fail_msg("%s", (f)->err.msg);                          \
	} while (0)

static inline const char *path_of(const struct fixture *f)
{
	return f->url + strlen("sqlite:");
}

/* What the program would not do. */
static inline void run_sqlite(struct fixture *f, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path_of(f), &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The first field of the first row, 0 when there is none. */
static inline int run_postgresql(const char *url, const char *text)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, text);
	int number = 0;

	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
	    PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", text, PQerrorMessage(conn));
	if (PQntuples(result) > 0)
		number = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	PQfinish(conn);
	return number;
}

static inline void sql(struct fixture *f, const char *text)
{
	if (f->server)
		(void)run_postgresql(f->url, text);
	else
		run_sqlite(f, text);
}

/* The server sees a moment later that a process has died. */
static inline void await_no_connection(struct fixture *f)
{
	int ours = f->store ? 1 : 0;

	while (f->server &&
	       run_postgresql(f->url,
			      "SELECT count(*) FROM pg_stat_activity WHERE"
			      " application_name = 'conjoin'") > ours)
		(void)usleep(1000);
}

static inline void make_place(struct fixture *f)
{
	f->server = getenv("CONJOIN_POSTGRESQL");
	(void)snprintf(f->folder, sizeof(f->folder),
		       "/tmp/conjoin-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s/store.db", f->folder);
	if (!f->server)
		return;
	(void)snprintf(f->url, sizeof(f->url), "%s&options=-csearch_path%%3Dt",
		       f->server);
	(void)run_postgresql(f->server, "SET client_min_messages = error;"
					"DROP SCHEMA IF EXISTS t CASCADE;"
					"CREATE SCHEMA t");
}

static inline void store_again(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	OK(f, store_open(f->url, STORE_CREATE, &f->store, &f->err));
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	make_place(f);
	store_again(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	struct fixture *f = *state;
	char path[600];
	size_t i;

	store_close(f->store);
	for (i = 0; i < 4 && !f->server; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", path_of(f),
			       suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
	arena_release(&f->arena);
	mem_free(f);
	return 0;
}

static inline struct store_tx *begin(struct fixture *f)
{
	struct store_tx *tx = NULL;

	OK(f, store_begin(f->store, STORE_BULK, &tx, &f->err));
	return tx;
}

static inline void commit(struct fixture *f, struct store_tx *tx)
{
	OK(f, store_commit(tx, &f->err));
}

static inline struct cs_row object(int64_t id)
{
	return (struct cs_row){ .id = id, .type = 1, .has_image = true };
}

static inline void put_object(struct fixture *f, struct store_tx *tx,
			      int64_t id)
{
	struct cs_row row = object(id);

	OK(f, store_cs_put(tx, &row, &f->err));
}

static inline bool has_object(struct fixture *f, int64_t id)
{
	struct cs_row row;
	int ret = store_cs_get(f->store, id, &f->arena, &row, &f->err);

	OK(f, ret);
	return ret > 0;
}

#endif
