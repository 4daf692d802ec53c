/*
 * odbc_bind.c - values as parameters
 *
 * A value is bound as the type of the column that it is compared with or
 * written to: were the column converted to the value's type in its place, no
 * index would be used. What cannot be a value of that type is refused here, by
 * name, as no driver says which of many it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG_FROM 4000 /* characters; SQL Server's nvarchar ends there */

static int refuse(struct sql_failure *failure, const struct sql_param *param,
		  size_t number, const char *why)
{
	*failure = (struct sql_failure){ .kind = SQL_FAILURE_VALUE };
	if (param->column)
		(void)snprintf(failure->text, sizeof(failure->text),
			       "the value of column '%s' %s",
			       param->column->name, why);
	else
		(void)snprintf(failure->text, sizeof(failure->text),
			       "the value of parameter %zu %s", number, why);
	return 0;
}

static bool is_time(enum sql_column_kind kind)
{
	return kind == SQL_COLUMN_DATE || kind == SQL_COLUMN_LOCAL ||
	       kind == SQL_COLUMN_MOMENT || kind == SQL_COLUMN_TIME;
}

/* Types by which the value is given and taken. */
static void choose_types(const struct odbc_link *odbc,
			 const struct sql_column *column,
			 struct odbc_bound *bound)
{
	SQLSMALLINT native = column ? (SQLSMALLINT)column->native : SQL_VARCHAR;
	enum sql_column_kind kind = column ? column->kind : SQL_COLUMN_TEXT;
	bool wide = !odbc->kind->narrow;
	SQLSMALLINT text = wide ? SQL_WVARCHAR : SQL_VARCHAR;

	bound->c_type = wide ? SQL_C_WCHAR : SQL_C_CHAR;
	bound->sql_type = native;
	/* A moment is a text there, and the driver would shorten it. */
	if (odbc->kind->by_value && is_time(kind)) {
		bound->sql_type = text;
		bound->blank = true;
		return;
	}
	/* So it is for one who asks SQL Server's catalogue. */
	if (native == SQL_WVARCHAR && is_time(kind)) {
		bound->sql_type = text;
		return;
	}
	switch (kind) {
	case SQL_COLUMN_INTEGER:
		if (native == SQL_DECIMAL || native == SQL_NUMERIC)
			break;
		bound->c_type = SQL_C_SBIGINT;
		return;
	case SQL_COLUMN_FLOAT:
		bound->c_type = SQL_C_DOUBLE;
		return;
	case SQL_COLUMN_BOOLEAN:
		bound->c_type = SQL_C_BIT;
		return;
	case SQL_COLUMN_DATE:
		bound->c_type = SQL_C_TYPE_DATE;
		return;
	case SQL_COLUMN_LOCAL:
		bound->c_type = SQL_C_TYPE_TIMESTAMP;
		return;
	case SQL_COLUMN_BYTES:
		bound->c_type = SQL_C_BINARY;
		return;
	case SQL_COLUMN_TIME:
	case SQL_COLUMN_MOMENT:
	case SQL_COLUMN_OTHER:
		bound->sql_type = text;
		return;
	case SQL_COLUMN_DECIMAL:
		break;
	case SQL_COLUMN_GUID:
		if (native != SQL_GUID)
			bound->sql_type = text;
		bound->c_type = SQL_C_CHAR;
		return;
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
		if (!column)
			bound->sql_type = text;
		return;
	}
	bound->c_type = SQL_C_CHAR; /* digits */
	if (native != SQL_NUMERIC)
		bound->sql_type = SQL_DECIMAL;
}

/* The digits in all, and behind the point; at least what was there. */
static void measure_decimal(struct sv text, struct odbc_bound *bound)
{
	size_t point = sv_find(text, '.', 0);
	size_t behind = point == text.len ? 0 : text.len - point - 1;
	size_t before = point - (text.len && text.ptr[0] == '-' ? 1 : 0);
	size_t had = bound->size - (SQLULEN)bound->digits;

	if (behind > (size_t)bound->digits)
		bound->digits = (SQLSMALLINT)behind;
	if (before > had)
		had = before;
	bound->size = had + (size_t)bound->digits;
}

/* What one value needs: room, and a size for the server to know. 1, 0. */
static int measure(const struct sql_param *param, size_t number,
		   struct odbc_bound *bound, struct sql_failure *failure)
{
	const struct sql_column *column = param->column;
	struct sv value = param->value;
	size_t len = value.len;

	if (!value.ptr)
		return 1;
	if (bound->c_type != SQL_C_BINARY) {
		if (len && memchr(value.ptr, '\0', len))
			return refuse(failure, param, number,
				      "has a NUL byte in it");
		if (!text_is_utf8(value))
			return refuse(failure, param, number, "is not UTF-8");
	}
	if (bound->c_type == SQL_C_CHAR &&
	    (bound->sql_type == SQL_DECIMAL || bound->sql_type == SQL_NUMERIC))
		measure_decimal(value, bound);
	else if (bound->c_type == SQL_C_WCHAR && text_len(value) > bound->size)
		bound->size = text_len(value);
	else if ((bound->c_type == SQL_C_CHAR ||
		  bound->c_type == SQL_C_BINARY) &&
		 len > bound->size)
		bound->size = len;
	if (bound->c_type == SQL_C_WCHAR)
		len = 2 * len + 2;
	if ((SQLLEN)len + 1 > bound->width)
		bound->width = (SQLLEN)len + 1;
	(void)column;
	return 1;
}

static void begin_measure(const struct sql_column *column,
			  struct odbc_bound *bound)
{
	bound->width = 1;
	switch (bound->c_type) {
	case SQL_C_SBIGINT:
		bound->width = sizeof(SQLBIGINT);
		bound->size = 19;
		break;
	case SQL_C_DOUBLE:
		bound->width = sizeof(SQLDOUBLE);
		bound->size = 53;
		break;
	case SQL_C_BIT:
		bound->size = 1;
		break;
	case SQL_C_TYPE_DATE:
		bound->width = sizeof(SQL_DATE_STRUCT);
		bound->size = 10;
		break;
	case SQL_C_TYPE_TIMESTAMP:
		bound->width = sizeof(SQL_TIMESTAMP_STRUCT);
		bound->size = column->size >= 19 ? column->size : 26;
		bound->digits =
			(SQLSMALLINT)(bound->size > 20 ? bound->size - 20 : 0);
		break;
	default:
		if (bound->sql_type == SQL_DECIMAL ||
		    bound->sql_type == SQL_NUMERIC)
			bound->size = 1;
		else
			bound->size = column && column->size &&
						      column->size < LONG_FROM
					      ? column->size
					      : 1;
		break;
	}
}

/* Past what the plain types can hold, a value is of the long ones. */
static void lengthen(struct odbc_bound *bound)
{
	if (bound->size <= LONG_FROM)
		return;
	if (bound->sql_type == SQL_VARCHAR || bound->sql_type == SQL_CHAR)
		bound->sql_type = SQL_LONGVARCHAR;
	if (bound->sql_type == SQL_WVARCHAR || bound->sql_type == SQL_WCHAR)
		bound->sql_type = SQL_WLONGVARCHAR;
	if (bound->sql_type == SQL_VARBINARY || bound->sql_type == SQL_BINARY)
		bound->sql_type = SQL_LONGVARBINARY;
}

/* ---- values ---- */

static int put_number(struct sv text, char *at)
{
	int64_t read;
	SQLBIGINT number;

	if (!sv_to_i64(text, &read))
		return 0;
	number = read;
	memcpy(at, &number, sizeof(number));
	return 1;
}

static int put_double(struct sv text, char *at)
{
	char copy[64];
	char *end;
	SQLDOUBLE number;

	if (!text.len || text.len >= sizeof(copy))
		return 0;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	number = strtod(copy, &end);
	memcpy(at, &number, sizeof(number));
	return *end == '\0';
}

static int put_wide(struct sv text, char *at, struct arena *arena,
		    SQLLEN *length)
{
	size_t count;
	const SQLWCHAR *wide = odbc_utf16(text, arena, &count);

	memcpy(at, wide, count * sizeof(*wide));
	*length = (SQLLEN)(count * sizeof(*wide));
	return 1;
}

/* 1; 0 the text is no such value. */
static int put(const struct odbc_bound *bound, struct sv text, char *at,
	       struct arena *arena, SQLLEN *length)
{
	SQL_TIMESTAMP_STRUCT moment;
	SQL_DATE_STRUCT date;

	*length = bound->width;
	switch (bound->c_type) {
	case SQL_C_SBIGINT:
		return put_number(text, at);
	case SQL_C_DOUBLE:
		return put_double(text, at);
	case SQL_C_BIT:
		*at = sv_eq_str(text, "true") ? 1 : 0;
		return *at || sv_eq_str(text, "false");
	case SQL_C_TYPE_DATE:
		if (!odbc_read_date(text, &date))
			return 0;
		memcpy(at, &date, sizeof(date));
		return 1;
	case SQL_C_TYPE_TIMESTAMP:
		if (!odbc_read_timestamp(text, &moment))
			return 0;
		memcpy(at, &moment, sizeof(moment));
		return 1;
	case SQL_C_WCHAR:
		return put_wide(text, at, arena, length);
	default:
		if (text.len)
			memcpy(at, text.ptr, text.len);
		at[text.len] = '\0';
		if (bound->blank && text.len > 10 && at[10] == 'T')
			at[10] = ' ';
		*length = (SQLLEN)text.len;
		return 1;
	}
}

/* What the code page of a column may not have goes as nvarchar and is the
 * server's to convert: FreeTDS would end the connection. Plain ASCII goes as
 * the column is, so that indexes are of use. */
static void widen(struct sv text, struct odbc_bound *bound)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			break;
	if (i == text.len || bound->c_type != SQL_C_CHAR)
		return;
	if (bound->sql_type == SQL_VARCHAR || bound->sql_type == SQL_CHAR)
		bound->sql_type = SQL_WVARCHAR;
	else if (bound->sql_type == SQL_LONGVARCHAR)
		bound->sql_type = SQL_WLONGVARCHAR;
}

int odbc_bind(struct odbc_link *odbc, SQLHSTMT stmt, const struct sql_run *runs,
	      size_t count, size_t at, struct arena *arena, size_t *which_out,
	      struct sql_failure *failure)
{
	const struct sql_column *column = runs[0].params[at].column;
	struct odbc_bound bound = { .digits = 0 };
	size_t i;

	choose_types(odbc, column, &bound);
	begin_measure(column, &bound);
	for (i = 0; i < count; i++) {
		*which_out = i;
		if (!measure(&runs[i].params[at], at + 1, &bound, failure))
			return 0;
		if (odbc->kind->code_pages)
			widen(runs[i].params[at].value, &bound);
	}
	lengthen(&bound);
	bound.data = arena_alloc(arena, (size_t)bound.width * count);
	bound.lengths = arena_array(arena, count, sizeof(*bound.lengths));
	for (i = 0; i < count; i++) {
		const struct sql_param *param = &runs[i].params[at];

		*which_out = i;
		if (!param->value.ptr)
			bound.lengths[i] = SQL_NULL_DATA;
		else if (!put(&bound, param->value,
			      bound.data + (size_t)bound.width * i, arena,
			      &bound.lengths[i]))
			return refuse(failure, param, at + 1,
				      "is none of its type");
	}
	if (!odbc_ok(SQLBindParameter(stmt, (SQLUSMALLINT)(at + 1),
				      SQL_PARAM_INPUT, bound.c_type,
				      bound.sql_type, bound.size, bound.digits,
				      bound.data, bound.width, bound.lengths)))
		return -1;
	return 1;
}
