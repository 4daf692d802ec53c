/*
 * sheet_value.c - numbers and days of sheets as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/sheet_value.h"

#include "connectors/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Does a format show days or hours? What is quoted or in brackets is not of
 * them, except for hours that count on: [h]. */
bool sheet_date_code(struct sv code)
{
	size_t i;

	for (i = 0; i < code.len; i++) {
		char c = code.ptr[i];

		if (c == '"')
			i = sv_find(code, '"', i + 1);
		else if (c == '\\')
			i++;
		else if (c == '[' && i + 1 < code.len &&
			 !strchr("hHmMsS", code.ptr[i + 1]))
			i = sv_find(code, ']', i + 1);
		else if (strchr("yYdDhHsSmM", c))
			return true;
	}
	return false;
}

bool sheet_date_number(int64_t format)
{
	return (format >= 14 && format <= 22) ||
	       (format >= 27 && format <= 36) ||
	       (format >= 45 && format <= 47) || (format >= 50 && format <= 58);
}

#define DAY (INT64_C(86400) * 10000000)

struct sv sheet_date(bool from_1904, double number, struct arena *arena)
{
	static const struct sv day = { "yyyy-MM-dd", 10 };
	static const struct sv both = { "yyyy-MM-ddTHH:mm:ssZ", 20 };
	struct value origin;
	double days = floor(number);
	double seconds = floor((number - days) * 86400 + 0.5);

	(void)value_parse(VALUE_DATETIME,
			  from_1904 ? SV_LIT("1904-01-01T00:00:00Z")
				    : SV_LIT("1899-12-30T00:00:00Z"),
			  SV_NULL, &origin);
	/* 1900 is taken for a leap year there. */
	if (!from_1904 && days < 60)
		days++;
	return format_datetime(origin.number + (int64_t)days * DAY +
				       (int64_t)seconds * 10000000,
			       seconds > 0 ? both : day, arena);
}

struct sv sheet_number(double number, struct arena *arena)
{
	const char *text = arena_printf(arena, "%.15g", number);

	if (fabs(number) < 1e15 && number == floor(number))
		text = arena_printf(arena, "%.0f", number);
	else if (strtod(text, NULL) != number)
		text = arena_printf(arena, "%.17g", number);
	return sv_from(text);
}

struct sv sheet_cell_number(bool date, bool from_1904, double number,
			    struct arena *arena)
{
	if (date && number >= 0 && number < 3000000)
		return sheet_date(from_1904, number, arena);
	return sheet_number(number, arena);
}
