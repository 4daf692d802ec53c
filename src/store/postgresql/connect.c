/*
 * connect.c - the address, the connection and its settings
 *
 * The address is libpq's. Whoever is not on this machine must prove with a
 * certificate that it is the server that is named, unless the address itself
 * gives an sslmode. A password in the address is refused: it would be seen in
 * the configuration, in logs and messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "store/postgresql/postgresql_private.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"

/* The plans are to be those of SQLite, along the keys, and not to depend on
 * what the server guesses of tables that were empty a moment ago. */
static const char SETTINGS[] = "SET jit = off;"
			       "SET enable_seqscan = off;"
			       "SET enable_bitmapscan = off;"
			       "SET enable_hashjoin = off;"
			       "SET enable_mergejoin = off;"
			       "SET enable_material = off;"
			       "SET enable_memoize = off;"
			       "SET max_parallel_workers_per_gather = 0;"
			       "SET plan_cache_mode = force_generic_plan;"
			       "SET client_min_messages = warning;"
			       "SET bytea_output = hex;"
			       "SET default_transaction_read_only = ";

static const char *option(const PQconninfoOption *options, const char *name)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	return NULL;
}

static bool is_local_host(struct sv host)
{
	return !host.len || host.ptr[0] == '/' || host.ptr[0] == '@' ||
	       sv_eq_str(host, "localhost") || sv_eq_str(host, "127.0.0.1") ||
	       sv_eq_str(host, "::1");
}

/* All of the hosts that it names. */
static bool is_local(const PQconninfoOption *options)
{
	const char *hosts = option(options, "hostaddr");
	struct sv list;
	size_t at = 0;

	if (!hosts)
		hosts = option(options, "host");
	if (!hosts)
		hosts = getenv("PGHOST");
	list = sv_from(hosts ? hosts : "");
	while (at <= list.len) {
		size_t end = sv_find(list, ',', at);

		if (list.len && !is_local_host(sv_sub(list, at, end)))
			return false;
		at = end + 1;
	}
	return true;
}

/* The certificates that a server's is checked with, when nothing says which.
 */
static const char *root_certificates(const PQconninfoOption *options)
{
	const char *home = getenv("HOME");
	char own[512];

	(void)snprintf(own, sizeof(own), "%s/.postgresql/root.crt",
		       home ? home : "");
	if (option(options, "sslrootcert") || getenv("PGSSLROOTCERT") ||
	    file_exists(own) || !file_exists(ROOT_CERTIFICATES))
		return NULL;
	return ROOT_CERTIFICATES;
}

/* Fills what the address leaves open. */
static void complete(const PQconninfoOption *options, const char **mode_out,
		     const char **root_out)
{
	const char *mode = option(options, "sslmode");

	*mode_out = NULL;
	*root_out = NULL;
	if (option(options, "service"))
		return;
	if (!mode && !is_local(options))
		mode = *mode_out = "verify-full";
	if (mode && strncmp(mode, "verify-", 7) == 0)
		*root_out = root_certificates(options);
}

static int check_address(const PQconninfoOption *options, struct error *err)
{
	if (!option(options, "password"))
		return 0;
	return error_set(err, ERR_INVALID,
			 "the address of the store has a password in it; "
			 "write it without, and the password into the file "
			 "~/.pgpass or the variable PGPASSWORD");
}

static void ignore_notice(void *data, const PGresult *result)
{
	(void)data;
	(void)result;
}

PGconn *pg_connect(const char *address, const char *name, struct error *err)
{
	const char *keys[] = { "connect_timeout",
			       "keepalives_idle",
			       "tcp_user_timeout",
			       "sslmode",
			       "sslrootcert",
			       "dbname",
			       "fallback_application_name",
			       "client_encoding",
			       NULL };
	const char *values[] = { "15", "30",      "60000", NULL, NULL,
				 NULL, "conjoin", "UTF8",  NULL };
	PQconninfoOption *options;
	char *message = NULL;
	PGconn *conn = NULL;

	options = PQconninfoParse(address, &message);
	if (!options) {
		(void)error_set(err, ERR_INVALID,
				"the store's address '%s' is wrong: %s", name,
				message ? message : "");
		PQfreemem(message);
		return NULL;
	}
	complete(options, &values[3], &values[4]);
	values[5] = address;
	if (check_address(options, err) == 0)
		conn = PQconnectdbParams(keys, values, 1);
	PQconninfoFree(options);
	if (conn && PQstatus(conn) != CONNECTION_OK) {
		(void)pg_fail_open(conn, name, err);
		PQfinish(conn);
		return NULL;
	}
	if (conn)
		(void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
	return conn;
}

/* Texts are UTF-8; another encoding would refuse some. */
static int check_encoding(struct pg_database *db, struct error *err)
{
	const char *encoding = PQparameterStatus(db->conn, "server_encoding");

	if (encoding && (strcmp(encoding, "UTF8") == 0 ||
			 strcmp(encoding, "SQL_ASCII") == 0))
		return 0;
	return error_set(err, ERR_UNSUPPORTED,
			 "the database of the store '%s' has the encoding %s; "
			 "make one with ENCODING 'UTF8' TEMPLATE template0",
			 db->base.name, encoding ? encoding : "?");
}

static int set_up(struct pg_database *db, enum store_open_flags flags,
		  struct error *err)
{
	char text[sizeof(SETTINGS) + 100];
	PGresult *result;
	bool is_there;

	if (check_encoding(db, err) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%s%s;SELECT to_regclass('meta')",
		       SETTINGS, flags & STORE_READ ? "on" : "off");
	result = pg_query(db, text, "open", err);
	if (!result)
		return -1;
	is_there = !PQgetisnull(result, 0, 0);
	PQclear(result);
	if (is_there || flags & STORE_CREATE)
		return 0;
	return error_set(err, ERR_NOTFOUND,
			 "there is no store in '%s' yet; run an import first",
			 db->base.name);
}

void pg_close(struct database *base)
{
	struct pg_database *db = pg_of(base);
	struct pg_statement **stmt;
	struct pg_cache *cache;
	size_t i;

	pg_end_lease(db);
	vec_foreach(&db->statements, stmt)
		pg_free_statement(*stmt);
	vec_release(&db->statements);
	for (i = 0; i < db->catalogue.tables.len; i++)
		gather_release(&db->gathered[i]);
	mem_free(db->gathered);
	pg_forget_read(db);
	mem_free(db->keys);
	vec_foreach(&db->caches, cache)
		idmap_release(&cache->asked);
	vec_release(&db->caches);
	for (i = 0; i < MAX_COLUMNS; i++)
		strbuf_release(&db->columns[i]);
	catalogue_release(&db->catalogue);
	PQfinish(db->conn);
	mem_free(db->base.name);
	mem_free(db);
}

int pg_open(const char *where, enum store_open_flags flags,
	    struct database **out, struct error *err)
{
	struct strbuf address = STRBUF_INIT(10000);
	struct pg_database *db;
	PGconn *conn;

	*out = NULL;
	strbuf_adds(&address, postgresql_driver.scheme);
	strbuf_adds(&address, where);
	conn = pg_connect(strbuf_cstr(&address), strbuf_cstr(&address), err);
	if (!conn) {
		strbuf_release(&address);
		return -1;
	}
	db = mem_zalloc(sizeof(*db));
	db->base.driver = &postgresql_driver;
	db->base.name = mem_strdup(strbuf_cstr(&address));
	db->conn = conn;
	strbuf_release(&address);
	catalogue_read(&db->catalogue, postgresql_schema_steps);
	db->gathered =
		mem_zalloc(db->catalogue.tables.len * sizeof(*db->gathered));
	db->shared = catalogue_find(&db->catalogue, SV_LIT("mv_queue"));
	db->keys = mem_zalloc(db->catalogue.tables.len * sizeof(*db->keys));
	if (set_up(db, flags, err) < 0) {
		pg_close(&db->base);
		return -1;
	}
	*out = &db->base;
	return 0;
}
