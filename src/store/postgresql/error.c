/*
 * error.c - what the server says, and what to do about it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <stdio.h>

/* One line, without "ERROR:" and the like. */
static void say(char *out, size_t size, const char *message)
{
	size_t len;
	char *at;

	(void)snprintf(out, size, "%s", message ? message : "");
	len = strlen(out);
	while (len && out[len - 1] == '\n')
		out[--len] = '\0';
	for (at = out; *at; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
}

static bool is_class(const char *state, const char *beginning)
{
	return strncmp(state, beginning, strlen(beginning)) == 0;
}

static int lost(struct pg_database *db, const char *doing, const char *why,
		struct error *err)
{
	if (pg_overtaken(db))
		return error_set(err, ERR_CONFLICT,
				 "another process has taken over the store "
				 "'%s', because this one did not answer for "
				 "longer than its lease; what it had not "
				 "committed is undone: run again",
				 db->base.name);
	return error_set(err, ERR_UNAVAILABLE,
			 "cannot %s the store '%s': the connection to the "
			 "server was lost (%s); what was not committed is "
			 "undone: run again when the server answers",
			 doing, db->base.name, why);
}

static const struct {
	const char *state;
	enum err_code code;
	const char *what; /* to do */
} KNOWN[] = {
	{ "53100", ERR_UNAVAILABLE,
	  "; the disk of the server is full: free some space and run again" },
	{ "53", ERR_UNAVAILABLE, "; the server lacks resources: run again" },
	{ "55P03", ERR_UNAVAILABLE,
	  "; another process is writing: run again when it is done" },
	{ "40", ERR_UNAVAILABLE, "; run again" },
	{ "25006", ERR_DENIED,
	  "; the server only reads: the address must name the primary" },
	{ "42501", ERR_DENIED,
	  "; the role must own the store's tables and their schema" },
	{ "28", ERR_DENIED, "" },
	{ "XX001", ERR_CORRUPT, "" },
	{ "XX002", ERR_CORRUPT, "" },
	{ "58", ERR_UNAVAILABLE, "" },
	{ "42", ERR_INTERNAL, "" },
	{ "", ERR_UNAVAILABLE, "" },
};

int pg_fail(struct pg_database *db, const PGresult *result, const char *doing,
	    struct error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char text[256];
	size_t i = 0;

	say(text, sizeof(text), message ? message : PQerrorMessage(db->conn));
	if (PQstatus(db->conn) == CONNECTION_BAD ||
	    (state && (is_class(state, "57P") || is_class(state, "08"))))
		return lost(db, doing, text, err);
	while (!is_class(state ? state : "", KNOWN[i].state))
		i++;
	return error_set(err, KNOWN[i].code, "cannot %s the store '%s': %s%s",
			 doing, db->base.name, text, KNOWN[i].what);
}

int pg_fail_open(const PGconn *conn, const char *name, struct error *err)
{
	const char *what = "look whether the server runs and the address is "
			   "right";
	char text[256];

	say(text, sizeof(text), PQerrorMessage(conn));
	if (PQconnectionNeedsPassword(conn) || PQconnectionUsedPassword(conn))
		what = "look whether the password in PGPASSWORD, or in the "
		       "file that PGPASSFILE names (else ~/.pgpass), is right";
	return error_set(err, ERR_UNAVAILABLE,
			 "cannot open the store '%s': %s; %s", name, text,
			 what);
}
