/*
 * value.c - what a column's value is to conjoin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"
#include "connectors/sql/sql_private.h"

#include <string.h>

struct sv sql_trim_char(const struct sql_column *column, struct sv text)
{
	if (column->kind == SQL_COLUMN_CHAR)
		while (text.len && text.ptr[text.len - 1] == ' ')
			text.len--;
	return text;
}

struct sv sql_value_text(const struct sql_column *column, struct sv text,
			 struct arena *arena)
{
	struct strbuf hex = STRBUF_INIT(STRBUF_NO_LIMIT);

	text = sql_trim_char(column, text);
	if (column->kind != SQL_COLUMN_BYTES || !text.len)
		return text;
	strbuf_add_hex(&hex, text);
	text = arena_dup(arena, strbuf_sv(&hex));
	strbuf_release(&hex);
	return text;
}

/* "12.000" is "12": a database may hold whole numbers as decimals. */
static struct sv whole(struct sv text)
{
	size_t point = sv_find(text, '.', 0);
	size_t i;

	for (i = point + 1; i < text.len; i++)
		if (text.ptr[i] != '0')
			return text;
	return sv_sub(text, 0, point < text.len ? point : text.len);
}

static int read_integer(const struct sql_column *column, struct sv text,
			struct value *out)
{
	if (column->kind == SQL_COLUMN_BOOLEAN) {
		*out = value_integer(sv_eq_str(text, "true"));
		return 1;
	}
	if (column->kind == SQL_COLUMN_DECIMAL ||
	    column->kind == SQL_COLUMN_FLOAT)
		text = whole(text);
	return value_parse(VALUE_INTEGER, text, SV_NULL, out) ? 1 : -1;
}

static int read_time(const struct connector_session *session,
		     const struct sql_column *column,
		     const struct attr_def *attr, struct sv text,
		     struct value *out)
{
	/* a format is for text: a database's own times have one form */
	bool own = column->kind == SQL_COLUMN_DATE ||
		   column->kind == SQL_COLUMN_LOCAL ||
		   column->kind == SQL_COLUMN_MOMENT;

	if (!value_parse(VALUE_DATETIME, text, own ? SV_NULL : attr->format,
			 out))
		return -1;
	if (column->kind == SQL_COLUMN_LOCAL)
		out->number = zone_to_utc(session->zone, out->number);
	return 1;
}

int sql_value_read(const struct connector_session *session,
		   const struct sql_column *column, const struct attr_def *attr,
		   struct sv text, struct arena *arena, struct value *out)
{
	text = sql_trim_char(column, text);
	if (!text.len)
		return 0;
	if (attr->type == VALUE_BINARY) {
		*out = value_binary(text);
		return 1;
	}
	if (column->kind != SQL_COLUMN_BYTES && !text_is_utf8(text))
		return -1;
	switch (attr->type) {
	case VALUE_INTEGER:
		return read_integer(column, text, out);
	case VALUE_BOOLEAN:
		if (column->kind == SQL_COLUMN_DECIMAL)
			text = whole(text);
		return value_parse(VALUE_BOOLEAN, text, SV_NULL, out) ? 1 : -1;
	case VALUE_DATETIME:
		return read_time(session, column, attr, text, out);
	case VALUE_STRING:
		*out = value_string(sql_value_text(column, text, arena));
		return 1;
	case VALUE_REFERENCE:
		*out = value_reference(0, sql_value_text(column, text, arena));
		return 1;
	case VALUE_BINARY:
	case VALUE_NULL:
		break;
	}
	return -1;
}

int sql_anchor_split(struct sv anchor, size_t count, struct sv *out)
{
	size_t parts = 0;
	size_t at = 0;

	if (count == 1) {
		out[0] = anchor;
		return anchor.len ? 1 : 0;
	}
	while (parts < count) {
		size_t end = sv_find(anchor, '|', at);

		out[parts++] = sv_sub(anchor, at, end);
		if (end == anchor.len)
			break;
		at = end + 1;
		if (parts == count)
			return 0;
	}
	return parts == count ? (int)count : 0;
}
