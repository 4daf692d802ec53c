/*
 * zone.c - reads the rules of a time zone (TZif, RFC 9636)
 *
 * A file holds the moments at which the offset changed, and for the time after
 * the last of them a rule in the notation of POSIX's TZ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"

#include <string.h>

#define FOLDER    "/usr/share/zoneinfo"
#define FILE_MOST ((size_t)1 << 20)
#define DAY       INT64_C(86400)

/* A day of the year at which a rule's offset begins. */
struct rule_day {
	char kind; /* 'M': month, week, weekday; 'J': 1..365; 'n': 0..365 */
	int month;
	int week;
	int day;
	int64_t at; /* seconds of the day, may be negative */
};

struct rule {
	int64_t standard; /* offsets, seconds east of UTC */
	int64_t summer;
	bool changes; /* there is summer time */
	struct rule_day begin;
	struct rule_day end;
};

struct zone {
	size_t count;
	int64_t *moments; /* Unix time */
	int64_t *offsets; /* from that moment on */
	int64_t before;   /* the first moment */
	bool has_rule;
	struct rule rule;
};

void zone_close(struct zone *zone)
{
	if (!zone)
		return;
	mem_free(zone->moments);
	mem_free(zone->offsets);
	mem_free(zone);
}

/* --- the rule ---------------------------------------------------------- */

/* What of a text is still to be read. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take(struct cursor *c, char expected)
{
	if (c->at == c->end || *c->at != expected)
		return false;
	c->at++;
	return true;
}

static bool take_number(struct cursor *c, int64_t *out)
{
	const char *from = c->at;

	*out = 0;
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9' &&
	       c->at - from < 6)
		*out = *out * 10 + (*c->at++ - '0');
	return c->at > from;
}

/* "CET", "<+03>" */
static bool take_name(struct cursor *c)
{
	const char *from = c->at;
	bool quoted = take(c, '<');

	while (c->at < c->end &&
	       (quoted ? *c->at != '>'
		       : (*c->at >= 'A' && *c->at <= 'Z') ||
				 (*c->at >= 'a' && *c->at <= 'z')))
		c->at++;
	return quoted ? take(c, '>') : c->at > from;
}

/* hh[:mm[:ss]] with an optional sign, as seconds */
static bool take_time(struct cursor *c, int64_t *out)
{
	int64_t unit = 3600;
	int64_t n;
	bool negative = take(c, '-');

	if (!negative)
		(void)take(c, '+');
	*out = 0;
	do {
		if (!take_number(c, &n))
			return false;
		*out += n * unit;
		unit /= 60;
	} while (unit && take(c, ':'));
	if (negative)
		*out = -*out;
	return true;
}

static bool take_day(struct cursor *c, struct rule_day *out)
{
	int64_t month = 0;
	int64_t week = 0;
	int64_t day;

	out->kind = 'n';
	if (take(c, ','))
		out->at = 2 * 3600;
	else
		return false;
	if (take(c, 'J'))
		out->kind = 'J';
	else if (take(c, 'M'))
		out->kind = 'M';
	if (out->kind == 'M' && !(take_number(c, &month) && take(c, '.') &&
				  take_number(c, &week) && take(c, '.')))
		return false;
	if (!take_number(c, &day))
		return false;
	out->month = (int)month;
	out->week = (int)week;
	out->day = (int)day;
	if (out->kind == 'M' &&
	    (month < 1 || month > 12 || week < 1 || week > 5 || day > 6))
		return false;
	return !take(c, '/') || take_time(c, &out->at);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
static bool read_rule(struct sv text, struct rule *out)
{
	struct cursor c = { text.ptr, text.ptr + text.len };

	if (!take_name(&c) || !take_time(&c, &out->standard))
		return false;
	out->standard = -out->standard;
	if (c.at == c.end)
		return true;
	out->changes = true;
	out->summer = out->standard + 3600;
	if (!take_name(&c))
		return false;
	if (c.at < c.end && *c.at != ',') {
		if (!take_time(&c, &out->summer))
			return false;
		out->summer = -out->summer;
	}
	return take_day(&c, &out->begin) && take_day(&c, &out->end) &&
	       c.at == c.end;
}

/* Days since 1970 of a civil date. */
static int64_t day_number(int64_t year, int month, int day)
{
	struct civil_time civil = { .year = year, .month = month, .day = day };
	int64_t time = CLOCK_UNIX_EPOCH;

	(void)clock_from_civil(&civil, &time);
	return (time - CLOCK_UNIX_EPOCH) / CLOCK_DAY;
}

static int64_t day_of_rule(const struct rule_day *rule, int64_t year)
{
	int64_t first;
	int64_t day;
	int length;

	if (rule->kind == 'n')
		return day_number(year, 1, 1) + rule->day;
	if (rule->kind == 'J')
		return day_number(year, 1, 1) + rule->day - 1 +
		       (rule->day >= 60 && clock_days_in_month(year, 2) == 29);
	first = day_number(year, rule->month, 1);
	length = clock_days_in_month(year, rule->month);
	/* 1970-01-01 was a Thursday */
	day = first + (rule->day - (first + 4) % 7 + 14) % 7 +
	      (int64_t)(rule->week - 1) * 7;
	return day >= first + length ? day - 7 : day;
}

static int64_t offset_by_rule(const struct rule *rule, int64_t unix_time)
{
	struct civil_time civil;
	int64_t begin;
	int64_t end;
	bool summer;

	if (!rule->changes)
		return rule->standard;
	clock_to_civil((unix_time + rule->standard) * CLOCK_SECOND +
			       CLOCK_UNIX_EPOCH,
		       &civil);
	begin = day_of_rule(&rule->begin, civil.year) * DAY + rule->begin.at -
		rule->standard;
	end = day_of_rule(&rule->end, civil.year) * DAY + rule->end.at -
	      rule->summer;
	if (begin < end)
		summer = unix_time >= begin && unix_time < end;
	else
		summer = unix_time >= begin || unix_time < end;
	return summer ? rule->summer : rule->standard;
}

/* --- the file ---------------------------------------------------------- */

static int64_t big_endian(const char *at, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)at;
	uint64_t n = bytes[0] & 0x80U ? UINT64_MAX : 0;
	size_t i;

	for (i = 0; i < size; i++)
		n = n << 8 | bytes[i];
	return (int64_t)n;
}

#define HEADER 44

/* The numbers of a header. */
struct counts {
	size_t utc;
	size_t standard;
	size_t leap;
	size_t moments;
	size_t types;
	size_t names;
};

/* The bytes behind a header, 0 when it is none. */
static size_t read_header(struct sv file, size_t at, size_t width,
			  struct counts *out)
{
	size_t *const fields[] = { &out->utc,     &out->standard, &out->leap,
				   &out->moments, &out->types,    &out->names };
	size_t i;

	if (file.len < at + HEADER || memcmp(file.ptr + at, "TZif", 4) != 0)
		return 0;
	for (i = 0; i < 6; i++) {
		int64_t n = big_endian(file.ptr + at + 20 + i * 4, 4);

		if (n < 0 || n > (int64_t)FILE_MOST)
			return 0;
		*fields[i] = (size_t)n;
	}
	return out->moments * (width + 1) + out->types * 6 + out->names +
	       out->leap * (width + 4) + out->standard + out->utc;
}

static bool read_moments(struct zone *zone, const char *at,
			 const struct counts *counts, size_t width)
{
	const char *kinds = at + counts->moments * width;
	const char *types = kinds + counts->moments;
	size_t i;

	zone->count = counts->moments;
	zone->moments = mem_zalloc((zone->count + 1) * sizeof(int64_t));
	zone->offsets = mem_zalloc((zone->count + 1) * sizeof(int64_t));
	for (i = 0; i < zone->count; i++) {
		size_t kind = (unsigned char)kinds[i];

		if (kind >= counts->types)
			return false;
		zone->moments[i] = big_endian(at + i * width, width);
		zone->offsets[i] = big_endian(types + kind * 6, 4);
	}
	zone->before = big_endian(types, 4);
	return true;
}

static bool read_zone(struct zone *zone, struct sv file)
{
	struct counts counts;
	size_t size = read_header(file, 0, 4, &counts);
	size_t at = 0;
	size_t width = 4;

	if (!size || !counts.types)
		return false;
	if (file.ptr[4] >= '2') {
		at = HEADER + size;
		width = 8;
		size = read_header(file, at, width, &counts);
	}
	if (!size || !counts.types || file.len < at + HEADER + size)
		return false;
	if (!read_moments(zone, file.ptr + at + HEADER, &counts, width))
		return false;
	at += HEADER + size + 1; /* a line break stands before the rule */
	if (width == 8 && at < file.len) {
		struct sv rule = sv_sub(file, at, sv_find(file, '\n', at));

		zone->has_rule = read_rule(rule, &zone->rule);
	}
	return true;
}

/* A name leads to nowhere but into the folder of zones. */
static bool is_name(struct sv name)
{
	size_t i;

	if (!name.len || name.len > 100 || name.ptr[0] == '/' ||
	    name.ptr[0] == '.')
		return false;
	for (i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '/' || c == '_' ||
		      c == '-' || c == '+'))
			return false;
	}
	return true;
}

int zone_open(struct sv name, struct zone **out, struct error *err)
{
	struct strbuf file = STRBUF_INIT(FILE_MOST);
	struct arena arena = ARENA_INIT;
	struct error ignored = ERROR_INIT;
	struct zone *zone = mem_zalloc(sizeof(*zone));
	bool ok;

	ok = is_name(name) &&
	     file_read(arena_printf(&arena, FOLDER "/" SV_FMT, SV_ARG(name)),
		       &file, &ignored) == 0 &&
	     read_zone(zone, strbuf_sv(&file));
	strbuf_release(&file);
	arena_release(&arena);
	if (!ok) {
		zone_close(zone);
		return error_set(err, ERR_INVALID,
				 "there is no time zone '" SV_FMT
				 "': write a name as Europe/Rome, one that is "
				 "in " FOLDER " (package tzdata)",
				 SV_ARG(name));
	}
	*out = zone;
	return 0;
}

/* --- times ------------------------------------------------------------- */

static int64_t offset_at(const struct zone *zone, int64_t unix_time)
{
	size_t low = 0;
	size_t high = zone->count;

	if (zone->has_rule && (!high || unix_time >= zone->moments[high - 1]))
		return offset_by_rule(&zone->rule, unix_time);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->moments[middle] <= unix_time)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? zone->offsets[low - 1] : zone->before;
}

/* Seconds since 1970, and what is less than one. */
static int64_t split(int64_t time, int64_t *rest_out)
{
	int64_t since = time - CLOCK_UNIX_EPOCH;
	int64_t rest = since % CLOCK_SECOND;

	if (rest < 0)
		rest += CLOCK_SECOND;
	*rest_out = rest;
	return (since - rest) / CLOCK_SECOND;
}

static int64_t join(int64_t unix_time, int64_t rest)
{
	return unix_time * CLOCK_SECOND + rest + CLOCK_UNIX_EPOCH;
}

int64_t zone_to_utc(const struct zone *zone, int64_t local)
{
	int64_t rest;
	int64_t wall;
	int64_t before;
	int64_t after;

	if (!zone)
		return local;
	wall = split(local, &rest);
	before = offset_at(zone, wall - DAY);
	after = offset_at(zone, wall + DAY);
	if (before != after && offset_at(zone, wall - before) != before &&
	    offset_at(zone, wall - after) == after)
		before = after;
	return join(wall - before, rest);
}

int64_t zone_from_utc(const struct zone *zone, int64_t time)
{
	int64_t rest;
	int64_t seconds;

	if (!zone)
		return time;
	seconds = split(time, &rest);
	return join(seconds + offset_at(zone, seconds), rest);
}
