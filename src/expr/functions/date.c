/*
 * date.c - reading, reckoning and writing dates
 *
 * Dates are UTC, 100 ns since 1601-01-01 (base/clock.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "expr/expr_private.h"

#include <stdio.h>

/* ---- reading ---- */

struct cursor {
	struct sv s;
	size_t at;
};

static char here(const struct cursor *c)
{
	return (char)(c->at < c->s.len ? c->s.ptr[c->at] : 0);
}

static bool take(struct cursor *c, char ch)
{
	if (c->at >= c->s.len || here(c) != ch)
		return false;
	c->at++;
	return true;
}

static void blanks(struct cursor *c)
{
	while (take(c, ' '))
		;
}

/* Up to `most` digits; how many there were. */
static size_t digits(struct cursor *c, size_t most, int *out)
{
	size_t count = 0;

	*out = 0;
	while (count < most && here(c) >= '0' && here(c) <= '9') {
		*out = *out * 10 + (here(c) - '0');
		c->at++;
		count++;
	}
	return count;
}

static bool word(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if (c->s.len - c->at < len ||
	    !sv_ieq_str(sv_sub(c->s, c->at, c->at + len), text))
		return false;
	c->at += len;
	return true;
}

/* 2007-12-25, 2007/12/25, 12/25/2007 or 12-25-2007 */
static bool read_date(struct cursor *c, struct civil_time *t)
{
	int n[3];
	size_t width[3];
	char mark;

	width[0] = digits(c, 4, &n[0]);
	mark = here(c);
	if (!width[0] || (mark != '-' && mark != '/'))
		return false;
	c->at++;
	width[1] = digits(c, 2, &n[1]);
	if (!width[1] || !take(c, mark))
		return false;
	width[2] = digits(c, 4, &n[2]);
	if (width[0] == 4 && width[2] && width[2] <= 2) {
		t->year = n[0];
		t->month = n[1];
		t->day = n[2];
		return true;
	}
	if (width[0] > 2 || width[2] != 4)
		return false;
	t->year = n[2];
	t->month = n[0];
	t->day = n[1];
	return true;
}

static bool read_fraction(struct cursor *c, int *tick)
{
	int scale = 1000000;
	size_t from = c->at;

	for (; here(c) >= '0' && here(c) <= '9'; c->at++) {
		*tick += (here(c) - '0') * scale;
		scale /= 10;
	}
	return c->at > from;
}

/* AM and PM; the hour is then 1 to 12. */
static bool read_half(struct cursor *c, struct civil_time *t, bool needed)
{
	bool pm;

	blanks(c);
	pm = word(c, "PM");
	if (!pm && !word(c, "AM"))
		return !needed;
	if (t->hour < 1 || t->hour > 12)
		return false;
	t->hour = t->hour % 12 + (pm ? 12 : 0);
	return true;
}

/* 4:00 PM, 16:00, 16:00:30.5, 4 PM */
static bool read_time(struct cursor *c, struct civil_time *t)
{
	bool minutes;

	if (!digits(c, 2, &t->hour))
		return false;
	minutes = take(c, ':');
	if (minutes && digits(c, 2, &t->minute) != 2)
		return false;
	if (minutes && take(c, ':')) {
		if (digits(c, 2, &t->second) != 2)
			return false;
		if (take(c, '.') && !read_fraction(c, &t->tick))
			return false;
	}
	return read_half(c, t, !minutes);
}

/* Z, UTC, GMT, -8, +02:00, +0530; minutes east of UTC */
static bool read_offset(struct cursor *c, int *minutes)
{
	int sign;
	int hour;
	int minute = 0;

	blanks(c);
	if (c->at == c->s.len || word(c, "Z") || word(c, "UTC") ||
	    word(c, "GMT"))
		return c->at == c->s.len;
	sign = take(c, '-') ? -1 : 1;
	if (sign > 0 && !take(c, '+'))
		return false;
	if (!digits(c, 2, &hour))
		return false;
	if ((take(c, ':') || c->at < c->s.len) && digits(c, 2, &minute) != 2)
		return false;
	if (hour > 14 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return c->at == c->s.len;
}

int date_parse(struct sv text, int64_t *out)
{
	struct cursor c = { sv_trim(text), 0 };
	struct civil_time t = { 0 };
	int minutes = 0;

	if (!c.s.len || c.s.len > 64)
		return 0;
	if (clock_parse_iso(c.s, out) || clock_parse_generalized(c.s, out))
		return 1;
	if (!read_date(&c, &t))
		return 0;
	if (c.at < c.s.len) {
		if (!take(&c, 'T') && here(&c) != ' ')
			return 0;
		blanks(&c);
		if (!read_time(&c, &t) || !read_offset(&c, &minutes))
			return 0;
	}
	if (!clock_from_civil(&t, out))
		return 0;
	*out -= (int64_t)minutes * 60 * CLOCK_SECOND;
	return 1;
}

/* ---- writing ---- */

static const char *const MONTHS[] = {
	"January", "February", "March",     "April",   "May",      "June",
	"July",    "August",   "September", "October", "November", "December",
};
/* 1601-01-01 was a Monday. */
static const char *const DAYS[] = { "Monday",   "Tuesday", "Wednesday",
				    "Thursday", "Friday",  "Saturday",
				    "Sunday" };

static const char *day_name(int64_t time)
{
	int64_t days = time / CLOCK_DAY - (time % CLOCK_DAY < 0);

	return DAYS[((days % 7) + 7) % 7];
}

static void add_name(struct strbuf *sb, const char *name, size_t run)
{
	strbuf_add(sb, name, run == 3 ? 3 : strlen(name));
}

static void add_number(struct strbuf *sb, int64_t n, size_t width)
{
	strbuf_addf(sb, "%0*lld", (int)(width > 9 ? 9 : width), (long long)n);
}

static void add_fraction(struct strbuf *sb, int tick, size_t run, bool zeros)
{
	char text[16];
	size_t len = run > 7 ? 7 : run;

	(void)snprintf(text, sizeof(text), "%07d", tick % 10000000);
	while (!zeros && len && text[len - 1] == '0')
		len--;
	strbuf_add(sb, text, len);
}

/* A run of one letter of the format; false: the letter means nothing. */
static bool add_field(struct strbuf *sb, char letter, size_t run,
		      const struct civil_time *t, int64_t time)
{
	size_t width = run > 1 ? 2 : 1;

	switch (letter) {
	case 'y':
		add_number(sb, run < 3 ? t->year % 100 : t->year,
			   run < 3 ? width : run);
		return true;
	case 'M':
		if (run > 2)
			add_name(sb, MONTHS[t->month - 1], run);
		else
			add_number(sb, t->month, width);
		return true;
	case 'd':
		if (run > 2)
			add_name(sb, day_name(time), run);
		else
			add_number(sb, t->day, width);
		return true;
	case 'H':
		add_number(sb, t->hour, width);
		return true;
	case 'h':
		add_number(sb, (t->hour + 11) % 12 + 1, width);
		return true;
	case 'm':
		add_number(sb, t->minute, width);
		return true;
	case 's':
		add_number(sb, t->second, width);
		return true;
	case 'f':
	case 'F':
		add_fraction(sb, t->tick, run, letter == 'f');
		return true;
	case 't':
		strbuf_add(sb, t->hour < 12 ? "AM" : "PM", width);
		return true;
	case 'z':
		strbuf_adds(sb, run == 1 ? "+0" : run == 2 ? "+00" : "+00:00");
		return true;
	case 'K':
		strbuf_adds(sb, "Z");
		return true;
	default:
		return false;
	}
}

/* Text in quotes; the position behind it. */
static size_t add_quoted(struct strbuf *sb, struct sv format, size_t at)
{
	size_t end = sv_find(format, format.ptr[at], at + 1);

	strbuf_addsv(sb, sv_sub(format, at + 1, end));
	return end < format.len ? end + 1 : end;
}

int date_format(struct eval *e, int64_t time, struct sv format,
		struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct civil_time t;
	size_t at = 0;

	clock_to_civil(time, &t);
	if (t.year < 1 || t.year > 9999)
		return call_fail(e, "the date lies outside the years 1 to "
				    "9999");
	while (at < format.len) {
		char c = format.ptr[at];
		size_t run = 1;

		if (c == '\'' || c == '"') {
			at = add_quoted(&sb, format, at);
			continue;
		}
		if (c == '\\' && at + 1 < format.len) {
			strbuf_addc(&sb, format.ptr[at + 1]);
			at += 2;
			continue;
		}
		while (at + run < format.len && format.ptr[at + run] == c)
			run++;
		if (!add_field(&sb, c, run, &t, time))
			strbuf_add(&sb, format.ptr + at, run);
		at += run;
	}
	return call_text(e, &sb, out);
}

static int fn_format(struct eval *e, const struct datum *args, size_t argc,
		     struct datum *out)
{
	(void)argc;
	return date_format(e, arg_number(args, 0), arg_text(args, 1), out);
}

/* ---- reckoning ---- */

static const struct {
	const char *name;
	int months;     /* or */
	int64_t length; /* 100 ns */
} INTERVALS[] = {
	{ "yyyy", 12, 0 },
	{ "q", 3, 0 },
	{ "m", 1, 0 },
	{ "y", 0, CLOCK_DAY },
	{ "d", 0, CLOCK_DAY },
	{ "w", 0, CLOCK_DAY },
	{ "ww", 0, 7 * CLOCK_DAY },
	{ "h", 0, 3600 * CLOCK_SECOND },
	{ "n", 0, 60 * CLOCK_SECOND },
	{ "s", 0, CLOCK_SECOND },
};

static size_t interval_find(struct sv name)
{
	size_t i = 0;

	while (i < sizeof(INTERVALS) / sizeof(*INTERVALS) &&
	       !sv_eq_str(name, INTERVALS[i].name))
		i++;
	return i;
}

bool interval_valid(struct sv interval)
{
	return interval_find(interval) < sizeof(INTERVALS) / sizeof(*INTERVALS);
}

/* The last day of the month where the day would not exist. */
static bool add_months(int64_t time, int64_t months, int64_t *out)
{
	struct civil_time t;
	int64_t month;
	int last;

	clock_to_civil(time, &t);
	if (months > 120000 || months < -120000)
		return false;
	month = t.year * 12 + (t.month - 1) + months;
	if (month < 12 || month >= 10000 * 12)
		return false;
	t.year = month / 12;
	t.month = (int)(month % 12) + 1;
	last = clock_days_in_month(t.year, t.month);
	if (t.day > last)
		t.day = last;
	return clock_from_civil(&t, out);
}

static int fn_date_add(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out)
{
	size_t unit = interval_find(arg_text(args, 0));
	int64_t n = arg_number(args, 1);
	int64_t time = arg_number(args, 2);
	struct civil_time t;
	int64_t by;
	int64_t sum;
	bool good;

	(void)argc;
	if (INTERVALS[unit].months)
		good = !__builtin_mul_overflow(n, INTERVALS[unit].months,
					       &by) &&
		       add_months(time, by, &sum);
	else
		good = !__builtin_mul_overflow(n, INTERVALS[unit].length,
					       &by) &&
		       !__builtin_add_overflow(time, by, &sum);
	if (good)
		clock_to_civil(sum, &t);
	if (!good || t.year < 1 || t.year > 9999)
		return call_fail(e, "the date lies outside the years 1 to "
				    "9999");
	return datum_set(out, value_datetime(sum));
}

static int fn_from_num(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_set(out, value_datetime(arg_number(args, 0)));
}

static int fn_to_num(struct eval *e, const struct datum *args, size_t argc,
		     struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_number(out, arg_number(args, 0));
}

static int fn_now(struct eval *e, const struct datum *args, size_t argc,
		  struct datum *out)
{
	(void)args;
	(void)argc;
	return datum_set(out, value_datetime(due_now(e)));
}

static const struct function DATE[] = {
	{ .name = "DateAdd",
	  .result = KIND_DATE,
	  .flags = FN_STEADY,
	  .params = { { "interval", KIND_INTERVAL, 0 },
		      { "count", KIND_NUM, 0 },
		      { "date", KIND_DATE, 0 } },
	  .call = fn_date_add,
	  .help = "a date earlier or later: yyyy years, q quarters, m months, "
		  "y d w days, ww weeks, h hours, n minutes, s seconds; a day "
		  "past the end of a month is its last",
	  .example = "DateAdd(\"m\", 3, CDate(\"2001-01-01\"))",
	  .gives = "2001-04-01T00:00:00Z" },
	{ .name = "DateFromNum",
	  .result = KIND_DATE,
	  .flags = FN_STEADY,
	  .params = { { "number", KIND_NUM, 0 } },
	  .call = fn_from_num,
	  .help = "the date of a count of 100 ns since 1601 (FILETIME)",
	  .example = "DateFromNum(129699324000000000)",
	  .gives = "2012-01-01T23:00:00Z" },
	{ .name = "NumFromDate",
	  .result = KIND_NUM,
	  .flags = FN_STEADY,
	  .params = { { "date", KIND_DATE, 0 } },
	  .call = fn_to_num,
	  .help = "a date as a count of 100 ns since 1601 (FILETIME)",
	  .example = "NumFromDate(CDate(\"2012-01-01 23:00\"))",
	  .gives = "129699324000000000" },
	{ .name = "FormatDateTime",
	  .result = KIND_STR,
	  .params = { { "date", KIND_DATE, 0 }, { "format", KIND_STR, 0 } },
	  .call = fn_format,
	  .help = "a date as text: yyyy yy M MM MMM MMMM d dd ddd dddd H HH h "
		  "hh m mm s ss f fff tt z zz zzz K; other characters and "
		  "'quoted text' as they are",
	  .example = "FormatDateTime(CDate(\"12/25/2007\"), \"yyyy-MM-dd\")",
	  .gives = "2007-12-25" },
	{ .name = "Now",
	  .result = KIND_DATE,
	  .flags = FN_NOW,
	  .call = fn_now,
	  .help = "the time, in UTC; the same during a whole run",
	  .example = "DateAdd(\"d\", 30, Now())" },
};

FAMILY(date_family, "Date and time", DATE);
