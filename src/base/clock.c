/*
 * clock.c - wall clock, calendar, ISO 8601 and Generalized Time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t clock_now(void)
{
	const char *fake = getenv("CONJOIN_FAKE_TIME");
	struct timespec ts;
	int64_t time;

	if (fake && clock_parse_iso(sv_from(fake), &time))
		return time;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return CLOCK_UNIX_EPOCH + (int64_t)ts.tv_sec * CLOCK_SECOND +
	       ts.tv_nsec / 100;
}

int64_t clock_monotonic_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Days since 1601-01-01, which began a 400-year cycle of the calendar. */
static int64_t days_before_year(int64_t year)
{
	int64_t y = year - 1601;
	int64_t cycles = y >= 0 ? y / 400 : -((-y + 399) / 400);
	int64_t in_cycle = y - cycles * 400;

	return cycles * 146097 + in_cycle * 365 + in_cycle / 4 - in_cycle / 100;
}

static bool leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int clock_days_in_month(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

int clock_from_civil(const struct civil_time *c, int64_t *out)
{
	int64_t days;
	int month;

	if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 ||
	    c->day < 1 || c->day > clock_days_in_month(c->year, c->month) ||
	    c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
	    c->second < 0 || c->second > 60 || c->tick < 0 || c->tick > 9999999)
		return 0;
	days = days_before_year(c->year);
	for (month = 1; month < c->month; month++)
		days += clock_days_in_month(c->year, month);
	days += c->day - 1;
	*out = days * CLOCK_DAY +
	       ((int64_t)c->hour * 3600 + c->minute * 60 + c->second) *
		       CLOCK_SECOND +
	       c->tick;
	return 1;
}

void clock_to_civil(int64_t time, struct civil_time *out)
{
	int64_t days = time / CLOCK_DAY;
	int64_t rest = time % CLOCK_DAY;
	int64_t seconds;

	if (rest < 0) {
		rest += CLOCK_DAY;
		days--;
	}
	out->year = 1601 + days / 366;
	while (days_before_year(out->year + 1) <= days)
		out->year++;
	while (days_before_year(out->year) > days)
		out->year--;
	days -= days_before_year(out->year);
	out->month = 1;
	while (days >= clock_days_in_month(out->year, out->month)) {
		days -= clock_days_in_month(out->year, out->month);
		out->month++;
	}
	out->day = (int)days + 1;
	seconds = rest / CLOCK_SECOND;
	out->tick = (int)(rest % CLOCK_SECOND);
	out->hour = (int)(seconds / 3600);
	out->minute = (int)(seconds / 60 % 60);
	out->second = (int)(seconds % 60);
}

static int digits(struct sv s, size_t *at, size_t count, int *out)
{
	size_t i;

	if (*at + count > s.len)
		return 0;
	*out = 0;
	for (i = 0; i < count; i++) {
		char c = s.ptr[*at + i];

		if (c < '0' || c > '9')
			return 0;
		*out = *out * 10 + (c - '0');
	}
	*at += count;
	return 1;
}

static bool skip(struct sv s, size_t *at, char c)
{
	if (*at >= s.len || s.ptr[*at] != c)
		return false;
	(*at)++;
	return true;
}

/* A fraction of a second after '.' or ','. */
static int fraction(struct sv s, size_t *at, int *tick)
{
	int scale = 1000000;
	size_t start = *at;

	*tick = 0;
	while (*at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9') {
		*tick += (s.ptr[*at] - '0') * scale;
		scale /= 10;
		(*at)++;
	}
	return *at > start;
}

/* Z, +hh, +hhmm or +hh:mm at the end; minutes east of UTC. */
static int offset(struct sv s, size_t *at, int *minutes)
{
	int sign;
	int hour;
	int minute = 0;

	*minutes = 0;
	if (*at == s.len)
		return 1;
	if (skip(s, at, 'Z') || skip(s, at, 'z'))
		return *at == s.len;
	if (s.ptr[*at] != '+' && s.ptr[*at] != '-')
		return 0;
	sign = s.ptr[*at] == '-' ? -1 : 1;
	(*at)++;
	if (!digits(s, at, 2, &hour))
		return 0;
	if ((skip(s, at, ':') || *at < s.len) && !digits(s, at, 2, &minute))
		return 0;
	if (hour > 14 || minute > 59)
		return 0;
	*minutes = sign * (hour * 60 + minute);
	return *at == s.len;
}

static int finish(const struct civil_time *civil, int minutes, int64_t *out)
{
	if (!clock_from_civil(civil, out))
		return 0;
	*out -= (int64_t)minutes * 60 * CLOCK_SECOND;
	return 1;
}

static int iso_time(struct sv s, size_t *at, struct civil_time *c)
{
	if (!digits(s, at, 2, &c->hour) || !skip(s, at, ':') ||
	    !digits(s, at, 2, &c->minute))
		return 0;
	if (!skip(s, at, ':'))
		return 1;
	if (!digits(s, at, 2, &c->second))
		return 0;
	return (!skip(s, at, '.') && !skip(s, at, ',')) ||
	       fraction(s, at, &c->tick);
}

int clock_parse_iso(struct sv text, int64_t *out)
{
	struct civil_time c = { 0 };
	struct sv s = sv_trim(text);
	size_t at = 0;
	int year;
	int minutes = 0;

	if (!digits(s, &at, 4, &year) || !skip(s, &at, '-') ||
	    !digits(s, &at, 2, &c.month) || !skip(s, &at, '-') ||
	    !digits(s, &at, 2, &c.day))
		return 0;
	c.year = year;
	if (at == s.len)
		return finish(&c, 0, out);
	if (!skip(s, &at, 'T') && !skip(s, &at, 't') && !skip(s, &at, ' '))
		return 0;
	if (!iso_time(s, &at, &c) || !offset(s, &at, &minutes))
		return 0;
	return finish(&c, minutes, out);
}

/* ".5", ".25": a fraction without trailing zeros, or nothing */
static void format_fraction(int tick, char out[12])
{
	size_t len;

	out[0] = '\0';
	if (!tick)
		return;
	(void)snprintf(out, 12, ".%07d", tick);
	len = 8;
	while (out[len - 1] == '0')
		out[--len] = '\0';
}

void clock_format_iso(int64_t time, char out[40])
{
	struct civil_time c;
	char part[12];

	clock_to_civil(time, &c);
	format_fraction(c.tick, part);
	(void)snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)c.year,
		       c.month, c.day, c.hour, c.minute, c.second, part);
}

int clock_parse_generalized(struct sv text, int64_t *out)
{
	struct civil_time c = { 0 };
	struct sv s = sv_trim(text);
	size_t at = 0;
	int year;
	int minutes;

	if (!digits(s, &at, 4, &year) || !digits(s, &at, 2, &c.month) ||
	    !digits(s, &at, 2, &c.day) || !digits(s, &at, 2, &c.hour))
		return 0;
	c.year = year;
	if (digits(s, &at, 2, &c.minute) && digits(s, &at, 2, &c.second) &&
	    (skip(s, &at, '.') || skip(s, &at, ',')) &&
	    !fraction(s, &at, &c.tick))
		return 0;
	if (at == s.len || !offset(s, &at, &minutes))
		return 0;
	return finish(&c, minutes, out);
}

void clock_format_generalized(int64_t time, char out[40])
{
	struct civil_time c;
	char part[12];

	clock_to_civil(time, &c);
	format_fraction(c.tick, part);
	(void)snprintf(out, 40, "%04d%02d%02d%02d%02d%02d%sZ", (int)c.year,
		       c.month, c.day, c.hour, c.minute, c.second, part);
}
