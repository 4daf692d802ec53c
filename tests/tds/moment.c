/*
 * moment.c - dates and times as T-SQL reads and writes them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "type.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t era;
	int64_t of_era;
	int64_t of_year;

	year -= month <= 2;
	era = year / 400;
	of_era = year - era * 400;
	of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 306;
}

void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 306;
	int64_t era = z / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

/* `count` digits at *at, which moves on; -1: there are not as many. */
static int digits(struct sv text, size_t *at, size_t count)
{
	int value = 0;

	if (*at + count > text.len)
		return -1;
	for (size_t i = 0; i < count; i++, (*at)++) {
		if (!isdigit((unsigned char)text.ptr[*at]))
			return -1;
		value = value * 10 + (text.ptr[*at] - '0');
	}
	return value;
}

static bool passed(struct sv text, size_t *at, char c)
{
	if (*at < text.len && text.ptr[*at] == c) {
		(*at)++;
		return true;
	}
	return false;
}

static int parse_date(struct sv text, size_t *at, struct moment *out)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31 };
	int year = digits(text, at, 4);
	bool dashes = passed(text, at, '-');
	int month = digits(text, at, 2);
	int day;
	bool leap;

	if (dashes && !passed(text, at, '-'))
		return 0;
	day = digits(text, at, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return 0;
	leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	if (day > lengths[month - 1] + (month == 2 && leap ? 1 : 0))
		return 0;
	out->days = days_from_civil(year, month, day);
	return 1;
}

static int parse_time(struct sv text, size_t *at, struct moment *out)
{
	int hour = digits(text, at, 2);
	int minute = passed(text, at, ':') ? digits(text, at, 2) : -1;
	int second = 0;
	int64_t unit = 1000000;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return 0;
	if (passed(text, at, ':'))
		second = digits(text, at, 2);
	if (second < 0 || second > 59)
		return 0;
	out->ticks = (hour * 3600 + minute * 60 + second) * INT64_C(10000000);
	if (!passed(text, at, '.'))
		return 1;
	while (*at < text.len && isdigit((unsigned char)text.ptr[*at])) {
		out->ticks += (text.ptr[(*at)++] - '0') * unit;
		unit /= 10;
	}
	return 1;
}

static int parse_offset(struct sv text, size_t *at, struct moment *out)
{
	int sign = text.ptr[*at] == '-' ? -1 : 1;
	int hours;
	int minutes;

	if (passed(text, at, 'Z'))
		return 1;
	(*at)++;
	hours = digits(text, at, 2);
	minutes = passed(text, at, ':') ? digits(text, at, 2) : -1;
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return 0;
	out->offset = sign * (hours * 60 + minutes);
	return 1;
}

int moment_parse(struct sv text, struct moment *out)
{
	size_t at = 0;

	text = sv_trim(text);
	*out = (struct moment){ .days = MOMENT_1900 };
	if (text.len < 5)
		return 0;
	if (text.ptr[2] != ':') {
		if (!parse_date(text, &at, out))
			return 0;
		if (at == text.len)
			return 1;
		if (!passed(text, &at, 'T') && !passed(text, &at, ' '))
			return 0;
	}
	if (!parse_time(text, &at, out))
		return 0;
	passed(text, &at, ' ');
	if (at < text.len && !strchr("Z+-", text.ptr[at]))
		return 0;
	if (at < text.len && !parse_offset(text, &at, out))
		return 0;
	return at == text.len;
}

static void add_date(struct strbuf *sb, const struct moment *m)
{
	int64_t year;
	int month;
	int day;

	civil_from_days(m->days, &year, &month, &day);
	strbuf_addf(sb, "%04d-%02d-%02d", (int)year, month, day);
}

static void add_time(struct strbuf *sb, const struct moment *m, int scale)
{
	int seconds = (int)(m->ticks / 10000000);
	char fraction[16];

	strbuf_addf(sb, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
		    seconds % 60);
	if (!scale)
		return;
	(void)snprintf(fraction, sizeof(fraction), "%07d",
		       (int)(m->ticks % 10000000));
	strbuf_addf(sb, ".%.*s", scale, fraction);
}

void moment_add(struct strbuf *sb, const struct moment *m,
		const struct type *type)
{
	if (type->id == T_DATE) {
		add_date(sb, m);
		return;
	}
	if (type->id != T_TIME) {
		add_date(sb, m);
		strbuf_addc(sb, ' ');
	}
	if (type->id == T_SMALLDATETIME)
		add_time(sb, m, 0);
	else
		add_time(sb, m, type->id == T_DATETIME ? 3 : type->scale);
	if (type->id == T_OFFSET) {
		int offset = m->offset < 0 ? -m->offset : m->offset;

		strbuf_addf(sb, " %c%02d:%02d", m->offset < 0 ? '-' : '+',
			    offset / 60, offset % 60);
	}
}

void moment_now(struct moment *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	*out = (struct moment){
		.days = days_from_civil(1970, 1, 1) + now.tv_sec / 86400,
		.ticks = now.tv_sec % 86400 * 10000000 + now.tv_nsec / 100,
	};
}

void moment_move(struct moment *m, int64_t ticks)
{
	ticks += m->ticks;
	m->days += ticks / MOMENT_DAY;
	m->ticks = ticks % MOMENT_DAY;
	if (m->ticks < 0) {
		m->ticks += MOMENT_DAY;
		m->days--;
	}
}
