/*
 * odbc_forms.c - values in the forms that driver.h promises
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICKS 7 /* digits of a second that are kept: 100 ns */

struct reader {
	struct sv text;
	size_t at;
	bool bad;
};

/* A number of so many digits. */
static int digits(struct reader *reader, size_t count)
{
	int value = 0;

	for (; count; count--) {
		if (reader->at == reader->text.len ||
		    !isdigit((unsigned char)reader->text.ptr[reader->at])) {
			reader->bad = true;
			return 0;
		}
		value = value * 10 + (reader->text.ptr[reader->at++] - '0');
	}
	return value;
}

static bool next_is(struct reader *reader, const char *any)
{
	if (reader->at == reader->text.len ||
	    !strchr(any, reader->text.ptr[reader->at]))
		return false;
	reader->at++;
	return true;
}

static void want(struct reader *reader, const char *any)
{
	if (!next_is(reader, any))
		reader->bad = true;
}

struct moment {
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	unsigned ns;
	bool zoned;
	int offset; /* minutes */
};

static void read_date(struct reader *reader, struct moment *out)
{
	out->year = digits(reader, 4);
	want(reader, "-");
	out->month = digits(reader, 2);
	want(reader, "-");
	out->day = digits(reader, 2);
	if (out->month < 1 || out->month > 12 || out->day < 1 || out->day > 31)
		reader->bad = true;
}

static void read_time(struct reader *reader, struct moment *out)
{
	unsigned unit = 100000000;

	out->hour = digits(reader, 2);
	want(reader, ":");
	out->minute = digits(reader, 2);
	if (next_is(reader, ":"))
		out->second = digits(reader, 2);
	if (next_is(reader, ".,"))
		while (reader->at < reader->text.len &&
		       isdigit((unsigned char)reader->text.ptr[reader->at])) {
			out->ns += unit * (unsigned)digits(reader, 1);
			unit /= 10;
		}
	if (out->hour > 23 || out->minute > 59 || out->second > 60)
		reader->bad = true;
}

/* Z, +01:00, +0100 or +01, perhaps behind a blank. */
static void read_zone(struct reader *reader, struct moment *out)
{
	bool minus;

	(void)next_is(reader, " ");
	out->zoned = true;
	if (next_is(reader, "Zz"))
		return;
	minus = next_is(reader, "-");
	if (!minus)
		want(reader, "+");
	out->offset = digits(reader, 2) * 60;
	(void)next_is(reader, ":");
	if (reader->at < reader->text.len)
		out->offset += digits(reader, 2);
	if (minus)
		out->offset = -out->offset;
}

/* 2026-11-22, 2026-11-22T08:15, 2026-11-22 08:15:00.123 +01:00. */
static bool read_moment(struct sv text, struct moment *out)
{
	struct reader reader = { .text = sv_trim(text) };

	*out = (struct moment){ .year = 0 };
	read_date(&reader, out);
	if (!reader.bad && reader.at < reader.text.len) {
		want(&reader, " T");
		read_time(&reader, out);
	}
	if (!reader.bad && reader.at < reader.text.len)
		read_zone(&reader, out);
	return !reader.bad && reader.at == reader.text.len;
}

/* Behind "08:15:00": ".5" of half a second. */
static void add_fraction(struct strbuf *out, unsigned ns)
{
	char text[10];
	size_t len = TICKS;

	(void)snprintf(text, sizeof(text), "%09u", ns % 1000000000);
	while (len && text[len - 1] == '0')
		len--;
	if (len) {
		strbuf_addc(out, '.');
		strbuf_add(out, text, len);
	}
}

static int keep(struct strbuf *text, struct arena *arena, struct sv *out)
{
	*out = arena_dup(arena, strbuf_sv(text));
	strbuf_release(text);
	return 1;
}

static int add_moment(const struct moment *moment, bool utc,
		      struct arena *arena, struct sv *out)
{
	struct strbuf text = STRBUF_INIT(60);

	strbuf_addf(&text, "%04d-%02d-%02dT%02d:%02d:%02d", moment->year,
		    moment->month, moment->day, moment->hour, moment->minute,
		    moment->second);
	add_fraction(&text, moment->ns);
	if (utc)
		strbuf_addc(&text, 'Z');
	return keep(&text, arena, out);
}

static void to_utc(struct moment *moment)
{
	struct tm tm = { .tm_year = moment->year - 1900,
			 .tm_mon = moment->month - 1,
			 .tm_mday = moment->day,
			 .tm_hour = moment->hour,
			 .tm_min = moment->minute - moment->offset,
			 .tm_sec = moment->second };
	time_t at = timegm(&tm);

	(void)gmtime_r(&at, &tm);
	moment->year = tm.tm_year + 1900;
	moment->month = tm.tm_mon + 1;
	moment->day = tm.tm_mday;
	moment->hour = tm.tm_hour;
	moment->minute = tm.tm_min;
	moment->second = tm.tm_sec;
}

static int form_moment(struct sv text, bool must_be_zoned, struct arena *arena,
		       struct sv *out)
{
	struct moment moment;

	if (!read_moment(text, &moment) || (must_be_zoned && !moment.zoned))
		return 0;
	if (moment.zoned)
		to_utc(&moment);
	return add_moment(&moment, moment.zoned, arena, out);
}

static int form_date(struct sv text, struct arena *arena, struct sv *out)
{
	struct moment moment;

	if (!read_moment(text, &moment) || moment.zoned || moment.hour ||
	    moment.minute || moment.second || moment.ns)
		return 0;
	if (text.len != 10)
		*out = arena_dup(arena, sv_sub(sv_trim(text), 0, 10));
	return 1;
}

static int form_time(struct sv text, struct arena *arena, struct sv *out)
{
	struct reader reader = { .text = sv_trim(text) };
	struct strbuf form = STRBUF_INIT(40);
	struct moment moment = { .year = 0 };

	read_time(&reader, &moment);
	if (reader.bad || reader.at != reader.text.len)
		return 0;
	strbuf_addf(&form, "%02d:%02d:%02d", moment.hour, moment.minute,
		    moment.second);
	add_fraction(&form, moment.ns);
	return keep(&form, arena, out);
}

/* .5 is 0.5, and so is 0,5 where a country writes it so. */
static int form_decimal(struct sv text, struct arena *arena, struct sv *out)
{
	struct strbuf form = STRBUF_INIT(400);
	size_t points = 0;
	size_t count = 0;
	size_t i;

	text = sv_trim(text);
	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '.' || c == ',') {
			if (!count)
				strbuf_addc(&form, '0');
			strbuf_addc(&form, '.');
			points++;
		} else if (isdigit((unsigned char)c)) {
			strbuf_addc(&form, c);
			count++;
		} else if (c == '-' && !i) {
			strbuf_addc(&form, c);
		} else {
			points = 2; /* no number */
		}
	}
	if (!count || points > 1 || form.overflow ||
	    text.ptr[text.len - 1] == '.' || text.ptr[text.len - 1] == ',') {
		strbuf_release(&form);
		return 0;
	}
	return keep(&form, arena, out);
}

static int form_float(struct sv text, struct arena *arena, struct sv *out)
{
	char copy[64];
	char *end;
	double value;

	text = sv_trim(text);
	if (!text.len || text.len >= sizeof(copy))
		return 0;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	value = strtod(copy, &end);
	if (*end)
		return 0;
	*out = odbc_form_double(value, false, arena);
	return 1;
}

static int form_guid(struct sv text, struct arena *arena, struct sv *out)
{
	text = sv_trim(text);
	if (text.len == 38 && text.ptr[0] == '{' && text.ptr[37] == '}')
		text = sv_sub(text, 1, 37);
	*out = text_lower(text, arena);
	return text.len == 36;
}

static int form_boolean(struct sv text, struct sv *out)
{
	static const char *const yes[] = { "1", "true", "t", "y", "-1", "\1" };
	static const char *const no[] = { "0", "false", "f", "n" };
	size_t i;

	text = sv_trim(text);
	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (sv_ieq_str(text, yes[i])) {
			*out = SV_LIT("true");
			return 1;
		}
	for (i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (sv_ieq_str(text, no[i])) {
			*out = SV_LIT("false");
			return 1;
		}
	return 0;
}

int odbc_form(enum sql_column_kind kind, struct sv text, struct arena *arena,
	      struct sv *out)
{
	int64_t number;

	*out = text;
	switch (kind) {
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
	case SQL_COLUMN_OTHER:
		return text_is_utf8(text) ? 1 : 0;
	case SQL_COLUMN_INTEGER:
		*out = sv_trim(text);
		return sv_to_i64(*out, &number);
	case SQL_COLUMN_DECIMAL:
		return form_decimal(text, arena, out);
	case SQL_COLUMN_FLOAT:
		return form_float(text, arena, out);
	case SQL_COLUMN_BOOLEAN:
		return form_boolean(text, out);
	case SQL_COLUMN_DATE:
		return form_date(text, arena, out);
	case SQL_COLUMN_TIME:
		return form_time(text, arena, out);
	case SQL_COLUMN_LOCAL:
		return form_moment(text, false, arena, out);
	case SQL_COLUMN_MOMENT:
		return form_moment(text, true, arena, out);
	case SQL_COLUMN_GUID:
		return form_guid(text, arena, out);
	case SQL_COLUMN_BYTES:
		break;
	}
	return 1;
}

struct sv odbc_form_i64(int64_t value, struct arena *arena)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[24];
	char *at = text + sizeof(text);

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	return arena_dup(arena,
			 sv_make(at, (size_t)(text + sizeof(text) - at)));
}

struct sv odbc_form_double(double value, bool single, struct arena *arena)
{
	char text[40];
	int precision = single ? 6 : 15;

	for (; precision < 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", precision, value);
		if (single ? strtof(text, NULL) == (float)value
			   : strtod(text, NULL) == value)
			break;
	}
	if (precision == 17)
		(void)snprintf(text, sizeof(text), "%.17g", value);
	return arena_dup(arena, sv_from(text));
}

static bool is_day(int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

int odbc_form_date(const SQL_DATE_STRUCT *date, struct arena *arena,
		   struct sv *out)
{
	*out = sv_from(arena_printf(arena, "%04d-%02u-%02u", date->year,
				    date->month, date->day));
	return is_day(date->month, date->day) && date->year >= 0;
}

int odbc_form_timestamp(const SQL_TIMESTAMP_STRUCT *moment, struct arena *arena,
			struct sv *out)
{
	struct moment copy = { .year = moment->year,
			       .month = moment->month,
			       .day = moment->day,
			       .hour = moment->hour,
			       .minute = moment->minute,
			       .second = moment->second,
			       .ns = moment->fraction };

	add_moment(&copy, false, arena, out);
	return is_day(moment->month, moment->day) && moment->year >= 0;
}

int odbc_read_date(struct sv text, SQL_DATE_STRUCT *out)
{
	struct moment moment;

	if (text.len != 10 || !read_moment(text, &moment))
		return 0;
	*out = (SQL_DATE_STRUCT){ .year = (SQLSMALLINT)moment.year,
				  .month = (SQLUSMALLINT)moment.month,
				  .day = (SQLUSMALLINT)moment.day };
	return 1;
}

int odbc_read_timestamp(struct sv text, SQL_TIMESTAMP_STRUCT *out)
{
	struct moment moment;

	if (!read_moment(text, &moment))
		return 0;
	if (moment.zoned)
		to_utc(&moment);
	*out = (SQL_TIMESTAMP_STRUCT){
		.year = (SQLSMALLINT)moment.year,
		.month = (SQLUSMALLINT)moment.month,
		.day = (SQLUSMALLINT)moment.day,
		.hour = (SQLUSMALLINT)moment.hour,
		.minute = (SQLUSMALLINT)moment.minute,
		.second = (SQLUSMALLINT)moment.second,
		.fraction = moment.ns,
	};
	return 1;
}
