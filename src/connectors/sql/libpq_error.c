/*
 * libpq_error.c - what the server says when it refuses
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include <stdio.h>
#include <string.h>

/* One line, without "ERROR:" and the like. */
static void say(char *out, size_t size, const char *message)
{
	size_t len;
	char *at;

	(void)snprintf(out, size, "%s", message ? message : "");
	len = strlen(out);
	while (len && (out[len - 1] == '\n' || out[len - 1] == ' '))
		out[--len] = '\0';
	for (at = out; *at; at++)
		if (*at == '\n' || *at == '\t' || *at == '\r')
			*at = ' ';
}

/* Of a constraint on several rows: which value it is. Of others the detail
 * would show the whole row, passwords as well. */
static bool tells_key(enum sql_failure_kind kind)
{
	return kind == SQL_FAILURE_UNIQUE || kind == SQL_FAILURE_REFERENCE;
}

static void describe(const PGresult *result, struct sql_failure *out)
{
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	char text[200];
	size_t len;

	say(out->text, sizeof(out->text),
	    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	len = strlen(out->text);
	if (!detail || !tells_key(out->kind) ||
	    len + sizeof(text) + 2 > sizeof(out->text))
		return;
	say(text, sizeof(text), detail);
	(void)snprintf(out->text + len, sizeof(out->text) - len, ": %s", text);
}

static enum err_code code_of(enum sql_failure_kind kind)
{
	switch (kind) {
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_LOCKED:
		return ERR_UNAVAILABLE;
	case SQL_FAILURE_DEADLOCK:
		return ERR_CONFLICT;
	case SQL_FAILURE_DENIED:
		return ERR_DENIED;
	case SQL_FAILURE_MISSING:
		return ERR_NOTFOUND;
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_UNIQUE:
	case SQL_FAILURE_REFERENCE:
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_CHECK:
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
	case SQL_FAILURE_OTHER:
		break;
	}
	return ERR_INVALID;
}

int pq_lost(struct pq_link *pq, const char *why, struct sql_failure *failure,
	    struct error *err)
{
	char text[300];

	say(text, sizeof(text), why ? why : PQerrorMessage(pq->conn));
	if (failure) {
		*failure = (struct sql_failure){ .kind = SQL_FAILURE_LOST };
		say(failure->text, sizeof(failure->text), text);
	}
	return error_set(err, ERR_UNAVAILABLE,
			 "%s: the connection to the server was lost (%s); run "
			 "again when it answers",
			 pq->link.server, *text ? text : "it was closed");
}

int pq_fail(struct pq_link *pq, const PGresult *result, const char *doing,
	    struct sql_failure *failure, struct error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	struct sql_failure own = { .kind = SQL_FAILURE_OTHER };

	if (!state || PQstatus(pq->conn) == CONNECTION_BAD)
		return pq_lost(
			pq, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
			failure, err);
	(void)snprintf(own.state, sizeof(own.state), "%s", state);
	own.kind = sql_failure_of(pq->link.dialect, state, 0);
	describe(result, &own);
	if (failure)
		*failure = own;
	if (own.kind == SQL_FAILURE_LOST)
		return pq_lost(pq, own.text, NULL, err);
	return error_set(err, code_of(own.kind), "%s: cannot %s: %s",
			 pq->link.server, doing, own.text);
}
