/*
 * libpq_type.c - PostgreSQL's types and texts, in the driver's forms
 *
 * Numbers of types are part of the server's protocol and never change. What is
 * not listed (arrays, enumerations, types of extensions) is text as the server
 * writes it, and goes back as such.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/libpq_private.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define HEADER 4 /* what a modifier counts besides the length */

static const struct type {
	Oid oid;
	enum sql_column_kind kind;
	const char *name;
} types[] = {
	{ 25, SQL_COLUMN_TEXT, "text" },
	{ 1043, SQL_COLUMN_TEXT, "varchar" },
	{ 1042, SQL_COLUMN_CHAR, "char" },
	{ 23, SQL_COLUMN_INTEGER, "integer" },
	{ 20, SQL_COLUMN_INTEGER, "bigint" },
	{ 21, SQL_COLUMN_INTEGER, "smallint" },
	{ 16, SQL_COLUMN_BOOLEAN, "boolean" },
	{ 1700, SQL_COLUMN_DECIMAL, "numeric" },
	{ 1082, SQL_COLUMN_DATE, "date" },
	{ 1114, SQL_COLUMN_LOCAL, "timestamp" },
	{ 1184, SQL_COLUMN_MOMENT, "timestamptz" },
	{ 1083, SQL_COLUMN_TIME, "time" },
	{ 2950, SQL_COLUMN_GUID, "uuid" },
	{ 17, SQL_COLUMN_BYTES, "bytea" },
	{ 700, SQL_COLUMN_FLOAT, "real" },
	{ 701, SQL_COLUMN_FLOAT, "double precision" },
	{ 26, SQL_COLUMN_INTEGER, "oid" },
	{ 19, SQL_COLUMN_TEXT, "name" },
	{ 18, SQL_COLUMN_TEXT, "\"char\"" },
	{ 114, SQL_COLUMN_OTHER, "json" },
	{ 3802, SQL_COLUMN_OTHER, "jsonb" },
	{ 142, SQL_COLUMN_OTHER, "xml" },
	{ 1266, SQL_COLUMN_OTHER, "timetz" },
	{ 1186, SQL_COLUMN_OTHER, "interval" },
	{ 869, SQL_COLUMN_OTHER, "inet" },
	{ 790, SQL_COLUMN_OTHER, "money" },
	{ 5069, SQL_COLUMN_OTHER, "xid8" },
};

static const struct type *find(Oid oid)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}

enum sql_column_kind pq_kind(Oid type)
{
	const struct type *known = find(type);

	return known ? known->kind : SQL_COLUMN_OTHER;
}

uint64_t pq_type_size(Oid type, int modifier)
{
	if ((type != 1043 && type != 1042) || modifier < HEADER)
		return 0;
	return (uint64_t)(modifier - HEADER);
}

const char *pq_type_name(Oid type, int modifier, struct arena *arena)
{
	const struct type *known = find(type);
	uint64_t size = pq_type_size(type, modifier);

	if (!known)
		return arena_printf(arena, "type %u", type);
	if (!size)
		return known->name;
	return arena_printf(arena, "%s(%llu)", known->name,
			    (unsigned long long)size);
}

static int refuse(struct sql_failure *failure, size_t number,
		  const struct sql_param *param, const char *why)
{
	failure->kind = SQL_FAILURE_VALUE;
	(void)snprintf(failure->text, sizeof(failure->text),
		       "the value of %s%s%s%s %s",
		       param->column ? "column " : "parameter ",
		       param->column ? "'" : "$",
		       param->column ? param->column->name : "",
		       param->column ? "'" : "", why);
	if (!param->column)
		(void)snprintf(failure->text, sizeof(failure->text),
			       "the value of parameter %zu %s", number, why);
	return 0;
}

static const char *bytes_text(struct sv bytes, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, bytes.len * 2 + 3);
	size_t i;

	text[0] = '\\';
	text[1] = 'x';
	for (i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];

		text[2 + 2 * i] = digits[c >> 4];
		text[3 + 2 * i] = digits[c & 15];
	}
	text[2 + 2 * bytes.len] = '\0';
	return text;
}

int pq_params(const struct sql_param *params, size_t count, struct arena *arena,
	      const char ***out, struct sql_failure *failure)
{
	size_t i;

	*out = arena_array(arena, count + 1, sizeof(**out));
	for (i = 0; i < count; i++) {
		const struct sql_param *param = &params[i];
		struct sv value = param->value;

		if (!value.ptr)
			continue;
		if (param->column && param->column->kind == SQL_COLUMN_BYTES) {
			(*out)[i] = bytes_text(value, arena);
			continue;
		}
		if (value.len && memchr(value.ptr, '\0', value.len))
			return refuse(failure, i + 1, param,
				      "has a NUL byte in it, which no text of "
				      "PostgreSQL can have");
		if (!text_is_utf8(value))
			return refuse(failure, i + 1, param, "is not UTF-8");
		(*out)[i] = arena_cstr(arena, value);
	}
	return 1;
}

/* Years of four digits of our era: 2026-11-22. */
static bool is_date(struct sv text, size_t len)
{
	return text.len >= len && text.ptr[4] == '-' && text.ptr[7] == '-' &&
	       text.ptr[text.len - 1] != 'C';
}

/* 2026-11-22 08:15:00.123456, and +00 where it is a moment. */
static int read_time(struct sv text, bool moment, struct arena *arena,
		     struct sv *out)
{
	size_t zone = moment ? 3 : 0;
	struct sv end;
	char *copy;

	if (!is_date(text, 19 + zone) || text.ptr[10] != ' ')
		return 0;
	end = sv_sub(text, text.len - zone, text.len);
	if (moment && !sv_eq_str(end, "+00"))
		return 0;
	copy = arena_alloc(arena, text.len);
	memcpy(copy, text.ptr, text.len);
	copy[10] = 'T';
	if (moment)
		copy[text.len - 3] = 'Z';
	*out = sv_make(copy, text.len - (moment ? 2 : 0));
	return 1;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_bytes(struct sv text, struct arena *arena, struct sv *out)
{
	size_t len = text.len / 2 - 1;
	char *bytes;
	size_t i;

	if (text.len < 2 || text.len % 2 || text.ptr[0] != '\\' ||
	    text.ptr[1] != 'x')
		return 0;
	bytes = arena_alloc(arena, len + 1);
	for (i = 0; i < len; i++) {
		int high = digit(text.ptr[2 + 2 * i]);
		int low = digit(text.ptr[3 + 2 * i]);

		if (high < 0 || low < 0)
			return 0;
		bytes[i] = (char)(high << 4 | low);
	}
	*out = sv_make(bytes, len);
	return 1;
}

int pq_value(enum sql_column_kind kind, struct sv text, struct arena *arena,
	     struct sv *out)
{
	*out = text;
	switch (kind) {
	case SQL_COLUMN_BOOLEAN:
		*out = sv_eq_str(text, "t") ? SV_LIT("true") : SV_LIT("false");
		return 1;
	case SQL_COLUMN_DATE:
		return text.len == 10 && is_date(text, 10);
	case SQL_COLUMN_LOCAL:
		return read_time(text, false, arena, out);
	case SQL_COLUMN_MOMENT:
		return read_time(text, true, arena, out);
	case SQL_COLUMN_BYTES:
		return read_bytes(text, arena, out);
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
	case SQL_COLUMN_INTEGER:
	case SQL_COLUMN_DECIMAL:
	case SQL_COLUMN_FLOAT:
	case SQL_COLUMN_TIME:
	case SQL_COLUMN_GUID:
	case SQL_COLUMN_OTHER:
		break;
	}
	return 1;
}
