/*
 * libpq_connect.c - settings of a PostgreSQL server, and the connection
 *
 * The servers are tried in their order. One that refuses the name or password
 * ends the attempt, so that a wrong password does not lock the account. A
 * server must prove with a certificate that it is the one that is named, unless
 * `security: none` is written; over a socket's folder there is nothing to
 * prove. The password is handed to the library in memory, and stands in no
 * environment, argument or message.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/clock.h"
#include "base/file.h"

#include <ctype.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ROOT_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define CONNECT_MS        20000

const struct setting_def pq_settings[] = { LIBPQ_SETTINGS, { .name = NULL } };

/* The session speaks the forms that libpq_type.c reads. */
static const char session_settings[] = "SET TimeZone = 'UTC';"
				       "SET DateStyle = 'ISO, YMD';"
				       "SET extra_float_digits = 3;"
				       "SET bytea_output = 'hex';"
				       "SET standard_conforming_strings = on;"
				       "SET client_min_messages = warning;"
				       "SET statement_timeout = 0;"
				       "SET lock_timeout = '%llds'";

static void ignore_notice(void *data, const PGresult *result)
{
	(void)data;
	(void)result;
}

static struct sv text_of(const struct sql_place *place, const char *name)
{
	return setting_text(place->connect, pq_settings, name);
}

/* A file that a setting names, as a path: 1, 0 it is not set, -1. */
static int file_of(const struct sql_place *place, const char *name,
		   struct arena *arena, const char **out, struct error *err)
{
	struct sv path = text_of(place, name);

	*out = NULL;
	if (!path.len)
		return 0;
	if (path.ptr[0] == '/')
		*out = arena_cstr(arena, path);
	else
		*out = arena_printf(arena, "%s/" SV_FMT, place->folder,
				    SV_ARG(path));
	if (!file_exists(*out))
		return error_set(err, ERR_NOTFOUND, "%s '%s' does not exist",
				 name, *out);
	return 1;
}

/* "host", "host:port", "[::1]:port" or a folder with a socket. */
static void split_server(struct sv server, struct arena *arena,
			 const char **host_out, const char **port_out)
{
	size_t colon = server.len;

	while (colon && server.ptr[colon - 1] != ':')
		colon--;
	if (server.len && server.ptr[0] == '[') {
		size_t end = sv_find(server, ']', 0);

		*host_out = arena_cstr(arena, sv_sub(server, 1, end));
		colon = colon > end ? colon : 0;
	} else if (!colon || server.ptr[0] == '/' ||
		   sv_find(server, ':', 0) != colon - 1) {
		*host_out = arena_cstr(arena, server);
		colon = 0;
	} else {
		*host_out = arena_cstr(arena, sv_sub(server, 0, colon - 1));
	}
	if (colon)
		*port_out =
			arena_cstr(arena, sv_sub(server, colon, server.len));
}

#define OPTIONS 20

struct options {
	const char *keys[OPTIONS];
	const char *values[OPTIONS];
	size_t count;
};

static void put(struct options *options, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	options->keys[options->count] = key;
	options->values[options->count++] = value;
}

static int put_security(const struct sql_place *place, struct options *options,
			struct arena *arena, struct error *err)
{
	bool none = sv_eq_str(text_of(place, "security"), "none");
	const char *ca;
	const char *certificate;
	const char *key;

	if (file_of(place, "ca_file", arena, &ca, err) < 0 ||
	    file_of(place, "certificate", arena, &certificate, err) < 0 ||
	    file_of(place, "key", arena, &key, err) < 0)
		return -1;
	put(options, "sslmode", none ? "disable" : "verify-full");
	put(options, "sslrootcert", ca ? ca : ROOT_CERTIFICATES);
	put(options, "sslcert", certificate);
	put(options, "sslkey", key);
	put(options, "gssencmode", "disable");
	return 0;
}

static int make_options(const struct sql_place *place, struct sv server,
			struct options *options, struct arena *arena,
			struct error *err)
{
	const char *host;
	const char *port = arena_cstr(arena, text_of(place, "port"));

	split_server(server, arena, &host, &port);
	put(options, "host", host);
	put(options, "port", port);
	put(options, "dbname", arena_cstr(arena, text_of(place, "database")));
	put(options, "user", arena_cstr(arena, text_of(place, "user")));
	put(options, "client_encoding", "UTF8");
	put(options, "fallback_application_name", "conjoin");
	put(options, "keepalives_idle", "30");
	put(options, "keepalives_interval", "10");
	put(options, "keepalives_count", "4");
	put(options, "tcp_user_timeout", "60000");
	if (put_security(place, options, arena, err) < 0)
		return -1;
	if (place->password)
		put(options, "password", secret_view(place->password).ptr);
	return 0;
}

/* Takes the SQLSTATE out of "FATAL:  28P01: text", and what is behind the
 * first line. */
static void clean(char *text, char state[6])
{
	char *at = strstr(text, ":  ");
	size_t i;

	state[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (; at; at = strstr(at + 1, ":  ")) {
		for (i = 0; i < 5 && isalnum((unsigned char)at[3 + i]); i++)
			;
		if (i < 5 || at[8] != ':')
			continue;
		memcpy(state, at + 3, 5);
		state[5] = '\0';
		memmove(at + 2, at + 9, strlen(at + 9) + 1);
		return;
	}
}

static int not_reached(const char *server, const char *message, bool timeout,
		       struct error *err)
{
	char text[400];
	char state[6];

	(void)snprintf(text, sizeof(text), "%s", message ? message : "");
	clean(text, state);
	if (timeout)
		return error_set(err, ERR_UNAVAILABLE, "%s: no answer in %d s",
				 server, CONNECT_MS / 1000);
	if (strncmp(state, "28", 2) == 0)
		return error_set(err, ERR_DENIED,
				 "%s: %s; look whether 'user' and 'password' "
				 "are right",
				 server, text);
	if (strcmp(state, "3D000") == 0)
		return error_set(err, ERR_NOTFOUND,
				 "%s: %s; look whether 'database' is right",
				 server, text);
	if (strstr(text, "certificate") || strstr(text, "SSL"))
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: %s; the server's certificate must be in "
				 "date, issued for this host and signed by an "
				 "authority in ca_file",
				 server, text);
	return error_set(err, ERR_UNAVAILABLE, "%s: %s", server, text);
}

/* 1 connected, 0 no answer in time, -1 it failed. */
static int connect_in_time(PGconn *conn)
{
	int64_t end = clock_monotonic_ms() + CONNECT_MS;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	struct pollfd at;
	int64_t left;

	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		at.fd = PQsocket(conn);
		at.events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		left = end - clock_monotonic_ms();
		if (at.fd < 0 || left <= 0)
			return at.fd < 0 ? -1 : 0;
		if (poll(&at, 1, (int)left) <= 0)
			continue;
		state = PQconnectPoll(conn);
	}
	return state == PGRES_POLLING_OK ? 1 : -1;
}

static PGconn *connect_to(const struct sql_place *place, struct sv server,
			  struct arena *arena, struct error *err)
{
	struct options options = { .count = 0 };
	const char *name = arena_cstr(arena, server);
	PGconn *conn;
	int ret;

	if (make_options(place, server, &options, arena, err) < 0)
		return NULL;
	conn = PQconnectStartParams(options.keys, options.values, 0);
	if (!conn || PQstatus(conn) == CONNECTION_BAD) {
		(void)not_reached(name, PQerrorMessage(conn), false, err);
		PQfinish(conn);
		return NULL;
	}
	(void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	(void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
	ret = connect_in_time(conn);
	(void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	if (ret == 1)
		return conn;
	(void)not_reached(name, PQerrorMessage(conn), ret == 0, err);
	PQfinish(conn);
	return NULL;
}

/* Tries each; the error names all that were tried. */
static PGconn *connect_any(const struct sql_place *place, struct arena *arena,
			   struct error *err)
{
	const struct node *list = node_get(place->connect, "server");
	size_t count = list && list->kind == NODE_LIST ? list->len : 1;
	struct strbuf all = STRBUF_INIT(400);
	PGconn *conn = NULL;
	size_t i;

	error_set(err, ERR_INVALID, "'server' is missing");
	for (i = 0; list && !conn && i < count; i++) {
		const struct node *at = list->kind == NODE_LIST ? list->items[i]
								: list;

		conn = connect_to(place, at->text, arena, err);
		if (conn || err->code == ERR_DENIED)
			break;
		strbuf_addf(&all, "%s%s", all.len ? "; " : "", err->msg);
	}
	if (!conn && count > 1 && err->code == ERR_UNAVAILABLE)
		error_set(err, ERR_UNAVAILABLE, "%s", strbuf_cstr(&all));
	strbuf_release(&all);
	return conn;
}

/* As the server sent it. */
static void take_certificate(struct pq_link *pq)
{
	SSL *ssl = PQsslStruct(pq->conn, "OpenSSL");
	X509 *certificate = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
	unsigned char *der = NULL;
	int len = certificate ? i2d_X509(certificate, &der) : 0;

	if (len > 0)
		pq->link.certificate = arena_dup(
			&pq->arena, sv_make((const char *)der, (size_t)len));
	OPENSSL_free(der);
	X509_free(certificate);
}

static int set_up(struct pq_link *pq, const struct sql_place *place,
		  struct error *err)
{
	char text[sizeof(session_settings) + 40];
	const char *encoding = PQparameterStatus(pq->conn, "server_encoding");
	PGresult *result = NULL;

	pq->checks_text = encoding && strcmp(encoding, "SQL_ASCII") == 0;
	(void)snprintf(text, sizeof(text), session_settings,
		       (long long)setting_number(place->connect, pq_settings,
						 "lock_timeout"));
	if (pq_run(pq, text, "begin", err) < 0)
		return -1;
	if (!PQsendQuery(pq->conn, "SELECT pg_catalog.current_schema()"))
		return pq_lost(pq, NULL, NULL, err);
	if (pq_result(pq, &result, err) < 0)
		return -1;
	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		pq->link.schema = arena_cstr(&pq->arena,
					     sv_from(PQgetvalue(result, 0, 0)));
	while (result) {
		PQclear(result);
		if (pq_result(pq, &result, err) < 0)
			return -1;
	}
	return 0;
}

static void describe_server(struct pq_link *pq)
{
	const char *version = PQparameterStatus(pq->conn, "server_version");
	const char *host = PQhost(pq->conn);
	int number = PQserverVersion(pq->conn);
	bool v6 = host && strchr(host, ':');

	pq->link.server = arena_printf(&pq->arena, "%s%s%s:%s", v6 ? "[" : "",
				       host ? host : "", v6 ? "]" : "",
				       PQport(pq->conn));
	pq->link.product = arena_printf(&pq->arena, "PostgreSQL %s",
					version ? version : "?");
	pq->link.version = number >= 100000
				   ? number / 10000 * 100 + number % 10000
				   : number / 100;
}

int pq_open(const struct sql_place *place, struct sql_link **out,
	    struct error *err)
{
	struct arena arena = ARENA_INIT;
	PGconn *conn = connect_any(place, &arena, err);
	struct pq_link *pq;

	arena_release(&arena);
	*out = NULL;
	if (!conn)
		return -1;
	error_clear(err);
	pq = mem_zalloc(sizeof(*pq));
	pq->conn = conn;
	pq->link.driver = &sql_libpq;
	pq->link.dialect = place->dialect ? place->dialect : &sql_postgresql;
	pq->silence_ms = 1000 * (int)setting_number(place->connect, pq_settings,
						    "timeout");
	pq->prepared = namemap_new(false);
	describe_server(pq);
	take_certificate(pq);
	if (set_up(pq, place, err) < 0) {
		pq_close(&pq->link);
		return -1;
	}
	*out = &pq->link;
	return 0;
}

void pq_close(struct sql_link *link)
{
	struct pq_link *pq = pq_of(link);

	if (!pq)
		return;
	PQfinish(pq->conn);
	namemap_free(pq->prepared);
	arena_release(&pq->arena);
	mem_free(pq);
}
