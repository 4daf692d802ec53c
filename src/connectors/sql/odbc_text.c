/*
 * odbc_text.c - texts that go to a driver and come from it
 *
 * A driver whose texts are UTF-8 is called by the plain functions, any other by
 * those that take UTF-16: what its plain ones take depends on the locale, which
 * may lose letters. unixODBC's SQLWCHAR has 16 bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include "base/text.h"

#include <sqlucode.h>

/* NOLINTBEGIN(performance-no-int-to-ptr): ODBC's attributes are such */
#define ATTR(number) ((SQLPOINTER)(uintptr_t)(number))

#define NAME_UNITS 256

SQLWCHAR *odbc_utf16(struct sv text, struct arena *arena, size_t *count_out)
{
	SQLWCHAR *out = arena_array(arena, text.len + 1, sizeof(*out));
	size_t count = 0;
	size_t at = 0;

	while (at < text.len) {
		int32_t c = text_next(text, &at);

		if (c >= 0x10000) {
			out[count++] = (SQLWCHAR)(0xd7c0 + (c >> 10));
			out[count++] = (SQLWCHAR)(0xdc00 + (c & 0x3ff));
		} else {
			out[count++] = (SQLWCHAR)c;
		}
	}
	out[count] = 0;
	*count_out = count;
	return out;
}

bool odbc_put_utf8(const char *data, size_t count, char *out, size_t *len_out)
{
	SQLWCHAR unit;
	bool good = true;
	char *at = out;
	size_t i;

	for (i = 0; i < count; i++) {
		int32_t c;

		memcpy(&unit, data + i * sizeof(unit), sizeof(unit));
		c = unit;
		if (c < 0x80) {
			*at++ = (char)c;
			continue;
		}
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < count) {
			memcpy(&unit, data + (i + 1) * sizeof(unit),
			       sizeof(unit));
			if (unit >= 0xdc00 && unit < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) +
				    (unit - 0xdc00);
				i++;
			}
		}
		if (c >= 0xd800 && c < 0xe000) {
			good = false;
			c = 0xfffd;
		}
		at += text_put(c, at);
	}
	*len_out = (size_t)(at - out);
	return good;
}

bool odbc_add_utf8(struct strbuf *out, const SQLWCHAR *text, size_t count)
{
	char *room = strbuf_room(out, 3 * count);
	size_t len = 0;
	bool good;

	if (!room)
		return false;
	good = odbc_put_utf8((const char *)text, count, room, &len);
	strbuf_grew(out, len);
	return good;
}

SQLHSTMT odbc_statement(struct odbc_link *odbc, struct error *err)
{
	SQLHSTMT stmt = NULL;

	if (!odbc_ok(SQLAllocHandle(SQL_HANDLE_STMT, odbc->dbc, &stmt))) {
		odbc_fail(odbc, SQL_HANDLE_DBC, odbc->dbc, "make a statement",
			  NULL, err);
		return NULL;
	}
	/* What a driver does not know of this it does not need. */
	(void)SQLSetStmtAttr(stmt, SQL_ATTR_NOSCAN, ATTR(SQL_NOSCAN_ON), 0);
	if (odbc->kind->silence)
		(void)SQLSetStmtAttr(stmt, SQL_ATTR_QUERY_TIMEOUT,
				     ATTR(odbc->timeout), 0);
	return stmt;
}

static SQLRETURN call(struct odbc_link *odbc, SQLHSTMT stmt, const char *sql,
		      bool prepare)
{
	struct arena arena = ARENA_INIT;
	SQLRETURN ret;

	/* {CALL ...} is the driver's to read */
	if (*sql == '{')
		(void)SQLSetStmtAttr(stmt, SQL_ATTR_NOSCAN,
				     ATTR(SQL_NOSCAN_OFF), 0);
	if (odbc->kind->narrow) {
		SQLCHAR *text = (SQLCHAR *)arena_cstr(&arena, sv_from(sql));

		ret = prepare ? SQLPrepare(stmt, text, SQL_NTS)
			      : SQLExecDirect(stmt, text, SQL_NTS);
	} else {
		size_t count;
		SQLWCHAR *text = odbc_utf16(sv_from(sql), &arena, &count);

		ret = prepare ? SQLPrepareW(stmt, text, SQL_NTS)
			      : SQLExecDirectW(stmt, text, SQL_NTS);
	}
	arena_release(&arena);
	return ret;
}

SQLRETURN odbc_exec_text(struct odbc_link *odbc, SQLHSTMT stmt, const char *sql)
{
	return call(odbc, stmt, sql, false);
}

SQLRETURN odbc_prepare(struct odbc_link *odbc, SQLHSTMT stmt, const char *sql)
{
	return call(odbc, stmt, sql, true);
}

/* What a driver wrote into a buffer of NAME_UNITS; `bytes` as it says. */
static const char *keep(const struct odbc_link *odbc, const void *buffer,
			SQLLEN length, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(4 * NAME_UNITS);
	size_t len = length < 0 ? 0 : (size_t)length;
	const char *out;

	if (odbc->kind->narrow)
		strbuf_add(&text, buffer, strnlen(buffer, NAME_UNITS));
	else
		(void)odbc_add_utf8(&text, buffer,
				    len < NAME_UNITS ? len : NAME_UNITS - 1);
	out = arena_cstr(arena, strbuf_sv(&text));
	strbuf_release(&text);
	return out;
}

const char *odbc_info(struct odbc_link *odbc, SQLUSMALLINT what,
		      struct arena *arena)
{
	SQLWCHAR wide[NAME_UNITS] = { 0 };
	SQLSMALLINT len = 0;
	SQLRETURN ret;

	if (odbc->kind->narrow)
		ret = SQLGetInfo(odbc->dbc, what, wide, sizeof(wide) - 1, &len);
	else
		ret = SQLGetInfoW(odbc->dbc, what, wide, sizeof(wide), &len);
	return odbc_ok(ret) ? keep(odbc, wide, len / 2, arena) : "";
}

static const char *type_name(struct odbc_link *odbc, SQLHSTMT stmt,
			     SQLUSMALLINT number, struct arena *arena)
{
	SQLWCHAR wide[NAME_UNITS] = { 0 };
	SQLSMALLINT len = 0;
	SQLRETURN ret;

	if (odbc->kind->narrow)
		ret = SQLColAttribute(stmt, number, SQL_DESC_TYPE_NAME, wide,
				      sizeof(wide) - 1, &len, NULL);
	else
		ret = SQLColAttributeW(stmt, number, SQL_DESC_TYPE_NAME, wide,
				       sizeof(wide), &len, NULL);
	return odbc_ok(ret) ? keep(odbc, wide, len / 2, arena) : "";
}

static bool column_is(SQLHSTMT stmt, SQLUSMALLINT number, SQLUSMALLINT what)
{
	SQLLEN value = 0;

	return odbc_ok(SQLColAttribute(stmt, number, what, NULL, 0, NULL,
				       &value)) &&
	       value == SQL_TRUE;
}

int odbc_describe_column(struct odbc_link *odbc, SQLHSTMT stmt, int number,
			 struct arena *arena, struct odbc_column *out)
{
	SQLUSMALLINT column = (SQLUSMALLINT)number;
	SQLWCHAR wide[NAME_UNITS] = { 0 };
	SQLSMALLINT nullable = SQL_NULLABLE_UNKNOWN;
	SQLSMALLINT len = 0;
	SQLRETURN ret;

	if (odbc->kind->narrow)
		ret = SQLDescribeCol(stmt, column, (SQLCHAR *)wide,
				     sizeof(wide) - 1, &len, &out->native,
				     &out->size, &out->digits, &nullable);
	else
		ret = SQLDescribeColW(stmt, column, wide, NAME_UNITS, &len,
				      &out->native, &out->size, &out->digits,
				      &nullable);
	if (!odbc_ok(ret))
		return -1;
	out->name = keep(odbc, wide, len, arena);
	out->type = type_name(odbc, stmt, column, arena);
	out->nullable = nullable != SQL_NO_NULLS;
	out->is_unsigned = column_is(stmt, column, SQL_DESC_UNSIGNED);
	out->generated = column_is(stmt, column, SQL_DESC_AUTO_UNIQUE_VALUE);
	return 0;
}
/* NOLINTEND(performance-no-int-to-ptr) */
