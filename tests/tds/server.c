/*
 * server.c - what all connections share, and connections come and go
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdio.h>
#include <unistd.h>

void server_lock(struct server *server)
{
	(void)pthread_mutex_lock(&server->mutex);
}

void server_unlock(struct server *server)
{
	(void)pthread_mutex_unlock(&server->mutex);
}

static const char first_tables[] =
	"PRAGMA journal_mode = WAL;"
	"CREATE TABLE IF NOT EXISTS tds_schemas ("
	" name TEXT PRIMARY KEY COLLATE NOCASE);"
	"INSERT OR IGNORE INTO tds_schemas VALUES"
	" ('sys'), ('INFORMATION_SCHEMA');"
	"CREATE TABLE IF NOT EXISTS tds_procedures ("
	" name TEXT PRIMARY KEY COLLATE NOCASE, params TEXT, body TEXT);"
	"CREATE TABLE IF NOT EXISTS tds_tracking ("
	" one INTEGER PRIMARY KEY, version INTEGER);"
	"CREATE TABLE IF NOT EXISTS tds_tracked ("
	" name TEXT COLLATE NOCASE, id INTEGER, min_valid INTEGER);"
	"CREATE TABLE IF NOT EXISTS tds_changes ("
	" name TEXT COLLATE NOCASE, version INTEGER, op TEXT,"
	" k1, k2, k3, k4);"
	"CREATE INDEX IF NOT EXISTS tds_changes_name"
	" ON tds_changes (name, version);";

/* The greatest rowversion that was ever given. */
static void find_last_version(struct server *server, sqlite3 *db)
{
	static const char tables[] =
		"SELECT m.name, c.name FROM sqlite_master AS m,"
		" pragma_table_info(m.name) AS c WHERE m.type = 'table'"
		" AND c.dflt_value LIKE 'tds_rowversion%'";
	sqlite3_stmt *stmt = NULL;

	server->last_version = 2000;
	if (sqlite3_prepare_v2(db, tables, -1, &stmt, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		char *sql = sqlite3_mprintf("SELECT max(\"%w\") FROM \"%w\"",
					    sqlite3_column_text(stmt, 1),
					    sqlite3_column_text(stmt, 0));
		sqlite3_stmt *most = NULL;
		const unsigned char *bytes = NULL;
		uint64_t version = 0;

		if (sqlite3_prepare_v2(db, sql, -1, &most, NULL) == SQLITE_OK &&
		    sqlite3_step(most) == SQLITE_ROW)
			bytes = sqlite3_column_blob(most, 0);
		for (int i = 0; bytes && i < 8; i++)
			version = version << 8 | bytes[i];
		if (version > server->last_version)
			server->last_version = version;
		(void)sqlite3_finalize(most);
		sqlite3_free(sql);
	}
	(void)sqlite3_finalize(stmt);
}

int server_begin(struct server *server)
{
	sqlite3 *db;

	(void)pthread_mutex_init(&server->mutex, NULL);
	db = server_open(server);
	if (!db)
		return -1;
	if (sqlite3_exec(db, first_tables, NULL, NULL, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "tds-server: '%s': %s\n",
			      server->options.database, sqlite3_errmsg(db));
		(void)sqlite3_close(db);
		return -1;
	}
	catalogue_views(db);
	find_last_version(server, db);
	(void)sqlite3_close(db);
	return 0;
}

sqlite3 *server_open(struct server *server)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(server->options.database, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
	    sqlite3_exec(db,
			 "PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF;"
			 "PRAGMA cache_size = -16000;"
			 "PRAGMA temp_store = MEMORY",
			 NULL, NULL, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "tds-server: '%s': %s\n",
			      server->options.database, sqlite3_errmsg(db));
		(void)sqlite3_close(db);
		return NULL;
	}
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	return db;
}

/* ---- identities ---- */

int64_t server_identity(struct server *server, sqlite3 *db, struct sv table)
{
	static const char column[] = "SELECT name FROM pragma_table_info(?1)"
				     " WHERE dflt_value LIKE 'tds_identity%'";
	struct identity *known;
	struct identity fresh = { 0 };
	sqlite3_stmt *stmt = NULL;
	char *sql;

	server_lock(server);
	vec_foreach(&server->identities, known) {
		if (sv_ieq(known->table, table)) {
			int64_t next = ++known->last;

			server_unlock(server);
			return next;
		}
	}
	fresh.table = arena_dup(&server->arena, table);
	if (sqlite3_prepare_v2(db, column, -1, &stmt, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(stmt, 1, table.ptr, (int)table.len,
					SQLITE_STATIC);
		(void)sqlite3_step(stmt);
	}
	sql = sqlite3_mprintf("SELECT max(\"%w\") FROM \"%.*w\"",
			      sqlite3_column_text(stmt, 0), (int)table.len,
			      table.ptr);
	(void)sqlite3_finalize(stmt);
	stmt = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		fresh.last = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	sqlite3_free(sql);
	fresh.last++;
	vec_push(&server->identities, fresh);
	server_unlock(server);
	return fresh.last;
}

void server_forget_identities(struct server *server)
{
	server_lock(server);
	vec_clear(&server->identities);
	server->schema++;
	server_unlock(server);
}

/* ---- connections ---- */

static bool is_denied(struct client *client, const char *table,
		      const char *action)
{
	struct server *server = client->server;
	struct denial *denial;
	bool found = false;

	server_lock(server);
	vec_foreach(&server->denials, denial)
		found = found || (sv_ieq_str(denial->user, client->user) &&
				  sv_ieq_str(denial->table, table) &&
				  sv_ieq_str(denial->action, action));
	server_unlock(server);
	return found;
}

/* Asked by SQLite for all that a statement touches. */
static int authorize(void *data, int action, const char *table,
		     const char *other, const char *database,
		     const char *trigger)
{
	struct client *client = data;
	const char *verb = NULL;
	char *copy;

	(void)other;
	(void)database;
	(void)trigger;
	if (action == SQLITE_READ)
		verb = "SELECT";
	else if (action == SQLITE_INSERT)
		verb = "INSERT";
	else if (action == SQLITE_UPDATE)
		verb = "UPDATE";
	else if (action == SQLITE_DELETE)
		verb = "DELETE";
	if (!verb || !client->compiling || !table ||
	    !strncmp(table, "sqlite_", 7) || !strncmp(table, "tds_", 4) ||
	    !strncmp(table, "pragma_", 7))
		return SQLITE_OK;
	if (is_denied(client, table, verb))
		return SQLITE_DENY;
	copy = mem_strdup(table);
	if (action == SQLITE_READ)
		vec_push(&client->compiling->reads, copy);
	else
		vec_push(&client->compiling->writes, copy);
	return SQLITE_OK;
}

static int busy(void *data, int times)
{
	(void)times;
	return client_may_wait(data);
}

struct client *client_new(struct server *server, int fd)
{
	struct client *client = mem_zalloc(sizeof(*client));

	client->server = server;
	client->pipe = pipe_new(fd);
	client->version = 74;
	client->lock_timeout = -1;
	client->out = (struct strbuf)STRBUF_INIT((size_t)1 << 30);
	client->db = server_open(server);
	if (!client->db) {
		client_free(client);
		return NULL;
	}
	functions_add(client);
	compare_add(client->db);
	catalogue_functions(client);
	(void)sqlite3_set_authorizer(client->db, authorize, client);
	(void)sqlite3_busy_handler(client->db, busy, client);
	server_lock(server);
	client->session = 50 + ++server->next_session;
	vec_push(&server->clients, client);
	server_unlock(server);
	return client;
}

static void forget(struct client *client)
{
	struct server *server = client->server;
	size_t kept = 0;

	server_lock(server);
	for (size_t i = 0; i < server->clients.len; i++) {
		if (server->clients.at[i] != client)
			server->clients.at[kept++] = server->clients.at[i];
	}
	server->clients.len = kept;
	server_unlock(server);
}

void client_free(struct client *client)
{
	struct statement **st;
	struct prepared *one;

	forget(client);
	vec_foreach(&client->cache, st)
		statement_free(*st);
	vec_release(&client->cache);
	vec_foreach(&client->prepared, one) {
		mem_free(one->text);
		mem_free(one->params);
	}
	vec_release(&client->prepared);
	(void)sqlite3_close(client->db);
	mem_free((char *)(uintptr_t)client->identity_insert.ptr);
	strbuf_release(&client->out);
	arena_release(&client->arena);
	pipe_free(client->pipe);
	mem_free(client);
}
