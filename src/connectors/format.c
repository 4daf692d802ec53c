/*
 * format.c - values as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/format.h"

#include "base/clock.h"
#include "base/strbuf.h"

#include <string.h>

/* The field that a letter of a format stands for, in `run` digits. */
static void add_field(struct strbuf *out, const struct civil_time *c, char kind,
		      int run)
{
	long long number = c->second;

	if (kind == 'y')
		number = run == 2 ? c->year % 100 : c->year;
	else if (kind == 'M')
		number = c->month;
	else if (kind == 'd')
		number = c->day;
	else if (kind == 'H')
		number = c->hour;
	else if (kind == 'm')
		number = c->minute;
	strbuf_addf(out, "%0*lld", run, number);
}

struct sv format_datetime(int64_t time, struct sv format, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(4096);
	struct civil_time civil;
	struct sv text;
	size_t i = 0;

	clock_to_civil(time, &civil);
	while (i < format.len) {
		char kind = format.ptr[i];
		size_t run = i;

		if (!memchr("yMdHms", kind, 6)) {
			strbuf_addc(&out, kind);
			i++;
			continue;
		}
		while (run < format.len && format.ptr[run] == kind)
			run++;
		add_field(&out, &civil, kind, (int)(run - i));
		i = run;
	}
	text = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

struct sv format_value(const struct value *value, const struct attr_def *def,
		       enum format_style style, struct arena *arena)
{
	char time[40];

	if (value->type == VALUE_DATETIME && def && def->format.len)
		return format_datetime(value->number, def->format, arena);
	if (style == FORMAT_PLAIN)
		return value_text(value, arena);
	if (value->type == VALUE_BOOLEAN)
		return value->number ? SV_LIT("TRUE") : SV_LIT("FALSE");
	if (value->type == VALUE_DATETIME) {
		clock_format_generalized(value->number, time);
		return arena_dup(arena, sv_from(time));
	}
	return value_text(value, arena);
}

const char *format_part_problem(struct sv text, const struct attr_def *def)
{
	struct sv separator = def->separator;
	size_t i;

	if (!def->multi || !separator.len)
		return NULL;
	if (memmem(text.ptr, text.len, separator.ptr, separator.len))
		return "a value holds the separator";
	/* "a;" before ";;" would end a character too early */
	for (i = 1; i < separator.len && i <= text.len; i++)
		if (!memcmp(text.ptr + text.len - i, separator.ptr, i) &&
		    !memcmp(separator.ptr, separator.ptr + i,
			    separator.len - i))
			return "a value ends as the separator begins";
	if (sv_trim(text).len != text.len)
		return "a value has blanks at its ends, which do not count "
		       "beside a separator";
	return NULL;
}
