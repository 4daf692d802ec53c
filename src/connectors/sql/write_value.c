/*
 * write_value.c - values of attributes as they are bound
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/zone.h"
#include "connectors/format.h"
#include "connectors/sql/sql_private.h"

/* What was read as hexadecimal digits goes back as bytes. */
static struct sv bytes_of(struct sv text, struct arena *arena)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (strbuf_add_unhex(&bytes, text))
		text = arena_dup(arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return text;
}

struct sv sql_text_write(const struct sql_column *column, struct sv text,
			 struct arena *arena)
{
	if (column && column->kind == SQL_COLUMN_BYTES && text.len)
		text = bytes_of(text, arena);
	return text.ptr ? text : sv_make("", 0);
}

static struct sv write_time(const struct connector_session *session,
			    enum sql_column_kind kind,
			    const struct attr_def *attr, int64_t time,
			    struct arena *arena)
{
	char iso[40];
	struct sv text;

	if (kind == SQL_COLUMN_LOCAL)
		time = zone_from_utc(session->zone, time);
	if (kind != SQL_COLUMN_LOCAL && kind != SQL_COLUMN_MOMENT &&
	    kind != SQL_COLUMN_DATE && attr->format.len)
		return format_datetime(time, attr->format, arena);
	clock_format_iso(time, iso);
	text = sv_from(iso);
	if (kind == SQL_COLUMN_DATE)
		text = sv_sub(text, 0, sv_find(text, 'T', 0));
	else if (kind == SQL_COLUMN_LOCAL)
		text = sv_sub(text, 0, sv_find(text, 'Z', 0));
	return arena_dup(arena, text);
}

struct sv sql_value_write(const struct connector_session *session,
			  const struct sql_column *column,
			  const struct attr_def *attr,
			  const struct value *value, struct arena *arena)
{
	enum sql_column_kind kind = column ? column->kind : SQL_COLUMN_OTHER;

	switch (value->type) {
	case VALUE_NULL:
		return SV_NULL;
	case VALUE_BINARY:
		return value->text.ptr ? value->text : sv_make("", 0);
	case VALUE_STRING:
	case VALUE_REFERENCE:
		return sql_text_write(column, value->text, arena);
	case VALUE_INTEGER:
		if (kind == SQL_COLUMN_BOOLEAN)
			return value->number ? SV_LIT("true") : SV_LIT("false");
		return sv_from(
			arena_printf(arena, "%lld", (long long)value->number));
	case VALUE_BOOLEAN:
		if (kind == SQL_COLUMN_INTEGER || kind == SQL_COLUMN_DECIMAL)
			return value->number ? SV_LIT("1") : SV_LIT("0");
		return value->number ? SV_LIT("true") : SV_LIT("false");
	case VALUE_DATETIME:
		return write_time(session, kind, attr, value->number, arena);
	}
	return SV_NULL;
}
