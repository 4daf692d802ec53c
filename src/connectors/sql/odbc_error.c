/*
 * odbc_error.c - what is said when a driver or its server refuses
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include <sqlucode.h>
#include <stdio.h>

#define RECORDS 8

/* One record: 1, 0 there is no such. */
static int record(struct odbc_link *odbc, SQLSMALLINT type, SQLHANDLE handle,
		  SQLSMALLINT number, struct sql_failure *out,
		  struct strbuf *text)
{
	SQLWCHAR state[6] = { 0 };
	SQLWCHAR message[512] = { 0 };
	SQLINTEGER native = 0;
	SQLSMALLINT len = 0;
	SQLRETURN ret;
	size_t i;

	strbuf_reset(text);
	if (odbc->kind->narrow) {
		ret = SQLGetDiagRec(type, handle, number, (SQLCHAR *)out->state,
				    &native, (SQLCHAR *)message,
				    sizeof(message) - 1, &len);
		strbuf_adds(text, (const char *)message);
	} else {
		ret = SQLGetDiagRecW(type, handle, number, state, &native,
				     message, 511, &len);
		for (i = 0; i < 5; i++)
			out->state[i] = (char)state[i];
		for (i = 0; i < 511 && message[i]; i++)
			;
		(void)odbc_add_utf8(text, message, i);
	}
	out->state[5] = '\0';
	out->native = native;
	return odbc_ok(ret) ? 1 : 0;
}

/* Without "[ma-3.1.15][10.11.6-MariaDB]" at its beginning, in one line. */
static void say(char *out, size_t size, struct sv text)
{
	size_t i;

	text = sv_trim(text);
	while (text.len && text.ptr[0] == '[') {
		i = sv_find(text, ']', 0);
		if (i == text.len)
			break;
		text = sv_trim(sv_sub(text, i + 1, text.len));
	}
	(void)snprintf(out, size, SV_FMT, SV_ARG(text));
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] < ' ')
			out[i] = ' ';
}

void odbc_diagnose(struct odbc_link *odbc, SQLSMALLINT type, SQLHANDLE handle,
		   struct sql_failure *out)
{
	struct strbuf text = STRBUF_INIT(4000);
	SQLSMALLINT i;

	*out = (struct sql_failure){ .kind = SQL_FAILURE_NONE };
	for (i = 1; i <= RECORDS; i++) {
		struct sql_failure one = { .kind = SQL_FAILURE_OTHER };

		if (!record(odbc, type, handle, i, &one, &text))
			break;
		one.kind = sql_failure_told(odbc->link.dialect, one.state,
					    one.native, strbuf_cstr(&text));
		/* The first that tells what it is, else the first. */
		if (out->kind != SQL_FAILURE_NONE &&
		    (out->kind != SQL_FAILURE_OTHER ||
		     one.kind == SQL_FAILURE_OTHER))
			continue;
		say(one.text, sizeof(one.text), strbuf_sv(&text));
		*out = one;
	}
	strbuf_release(&text);
	if (out->kind == SQL_FAILURE_NONE) {
		out->kind = SQL_FAILURE_OTHER;
		(void)snprintf(out->text, sizeof(out->text),
			       "the driver does not say why");
	}
}

static bool is_dead(const struct odbc_link *odbc)
{
	SQLUINTEGER dead = SQL_CD_FALSE;

	return odbc_ok(SQLGetConnectAttr(odbc->dbc, SQL_ATTR_CONNECTION_DEAD,
					 &dead, sizeof(dead), NULL)) &&
	       dead == SQL_CD_TRUE;
}

int odbc_fail(struct odbc_link *odbc, SQLSMALLINT type, SQLHANDLE handle,
	      const char *doing, struct sql_failure *failure, struct error *err)
{
	struct sql_failure own;

	odbc_diagnose(odbc, type, handle, &own);
	if (own.kind == SQL_FAILURE_OTHER && is_dead(odbc))
		own.kind = SQL_FAILURE_LOST;
	if (failure)
		*failure = own;
	if (own.kind == SQL_FAILURE_LOST)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: the connection to the server was lost "
				 "(%s); run again when it answers",
				 odbc->link.server, own.text);
	return error_set(err, sql_failure_code(own.kind), "%s: cannot %s: %s",
			 odbc->link.server, doing, own.text);
}
