/*
 * test_postgresql_connector.c - the postgresql connector keeps the contract
 *
 * Run with windows of several operations, with one operation in each, with
 * statements of the settings' own, and with deltas by triggers. Started by
 * tools/pgserver.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/postgresql.h"

#include "conformance.h"
#include "postgresql.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

enum variant { WINDOWS, ALONE, OWN, HISTORY };

static struct postgresql pg;
static PGconn *db;

static int secret(void *data, struct sv reference, struct secret *out,
		  struct error *err)
{
	(void)data;
	(void)reference;
	(void)err;
	secret_set(out, secret_view(&pg.password));
	return 0;
}

static int run(const char *sql, const char *const *values, int count)
{
	PGresult *result =
		PQexecParams(db, sql, count, NULL, values, NULL, NULL, 0);
	int ret = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : -1;

	if (ret < 0)
		(void)fprintf(stderr, "%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
	return ret;
}

static int put_phones(const struct conformance_object *object)
{
	const char *const phones[] = { object->id, object->phones };

	return run("INSERT INTO phone SELECT $1, unnest("
		   "string_to_array($2, ';'))",
		   phones, 2);
}

static int put(const struct conformance_object *object)
{
	const char *const row[] = { object->id, object->sn, object->title };

	if (run("INSERT INTO person VALUES ($1, $2, $3)", row, 3) < 0)
		return -1;
	return put_phones(object);
}

static struct node *flow(const char *const *pairs)
{
	struct node *map = conformance_map(&pg.arena, NULL);

	map->keys = arena_array(&pg.arena, 10, sizeof(*map->keys));
	map->items = arena_array(&pg.arena, 10, sizeof(*map->items));
	for (; *pairs; pairs += 2) {
		map->keys[map->len] = conformance_text(&pg.arena, pairs[0]);
		map->items[map->len++] = conformance_text(&pg.arena, pairs[1]);
	}
	return map;
}

static void put_node(struct node *map, const char *key, struct node *value)
{
	map->keys[map->len] = conformance_text(&pg.arena, key);
	map->items[map->len++] = value;
}

static const char *const own_statements[] = {
	"add",
	"INSERT INTO person (uid, sn, title) VALUES (:uid, :sn, "
	"/* ':uid' */ :title::text)",
	"update",
	"UPDATE person SET sn = :sn, title = :title WHERE uid = :uid",
	"delete",
	"DELETE FROM person WHERE uid = :anchor",
	NULL,
};

static const char *const phones[] = { "table", "phone",  "key", "uid",
				      "value", "number", NULL };

static const char *const by_history[] = { "by", "history", NULL };

/* What `conjoin agent delta-setup` prints, is run. */
static int set_up(const struct conformance *c)
{
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct sv setup = SV_NULL;
	PGresult *result;
	int ret = connector_open(&connector, c->ops, &c->config, &err);

	if (ret == 0)
		ret = connector_delta_setup(&connector, &arena, &setup, &err);
	connector_close(&connector);
	if (ret == 0) {
		result = PQexec(db, arena_cstr(&arena, setup));
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			ret = error_set(&err, ERR_INVALID, "%s",
					PQerrorMessage(db));
		PQclear(result);
	}
	if (ret < 0)
		(void)fprintf(stderr, "delta-setup: %s\n", err.msg);
	arena_release(&arena);
	return ret;
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	const enum variant *variant = c->data;
	struct node *connect;
	size_t i;

	if (run("DROP SCHEMA public CASCADE", NULL, 0) < 0 ||
	    run("CREATE SCHEMA public", NULL, 0) < 0 ||
	    run("CREATE TABLE person (uid varchar(40) UNIQUE, "
		"sn varchar(60) NOT NULL, title text)",
		NULL, 0) < 0 ||
	    run("CREATE TABLE phone (uid varchar(40) REFERENCES person (uid), "
		"number text, PRIMARY KEY (uid, number))",
		NULL, 0) < 0)
		return -1;
	for (i = 0; i < count; i++)
		if (put(&objects[i]) < 0)
			return -1;
	connect = postgresql_connect(&pg, "password", "env:X", "table",
				     "person", "anchor", "uid", "batch",
				     *variant == ALONE ? "1" : "5", NULL);
	put_node(connect, "values",
		 conformance_map(&pg.arena, "telephoneNumber", flow(phones),
				 NULL));
	if (*variant == OWN)
		put_node(connect, "write", flow(own_statements));
	c->config.folder = "/";
	c->config.connect = connect;
	c->config.secret = secret;
	if (*variant != HISTORY)
		return 0;
	put_node(connect, "delta", flow(by_history));
	return set_up(c);
}

static int change(struct conformance *c,
		  const struct conformance_object *object)
{
	const char *const row[] = { object->id, object->sn, object->title };
	const char *const phone[] = { object->id };

	(void)c;
	if (run("DELETE FROM phone WHERE uid = $1", phone, 1) < 0)
		return -1;
	if (!object->sn)
		return run("DELETE FROM person WHERE uid = $1", row, 1);
	if (run("INSERT INTO person VALUES ($1, $2, $3) ON CONFLICT (uid) DO "
		"UPDATE SET sn = $2, title = $3",
		row, 3) < 0)
		return -1;
	return put_phones(object);
}

static int spoil(struct conformance *c)
{
	(void)c;
	return run("INSERT INTO person VALUES (NULL, 'nobody')", NULL, 0);
}

static const struct node *broken(struct conformance *c)
{
	(void)c;
	return postgresql_connect(&pg, "password", "env:X", "table", "nowhere",
				  "anchor", "uid", NULL);
}

int main(void)
{
	enum variant variant;
	struct conformance c = { .ops = &postgresql_connector,
				 .type = "person",
				 .make = make,
				 .spoil = spoil,
				 .broken = broken,
				 .data = &variant };
	int failed = 0;

	if (postgresql_begin(&pg) < 0)
		return 1;
	db = PQconnectdb(arena_printf(&pg.arena,
				      "host=%s port=%s user=%s dbname=%s "
				      "password=%s options='-c "
				      "client_min_messages=warning'",
				      pg.folder, pg.port, pg.user, pg.database,
				      pg.password.bytes));
	if (PQstatus(db) != CONNECTION_OK)
		failed = 1;
	for (variant = WINDOWS; !failed && variant <= HISTORY; variant++) {
		c.change = variant == HISTORY ? change : NULL;
		failed += conformance_run(&c);
	}
	PQfinish(db);
	postgresql_end(&pg);
	return failed;
}
