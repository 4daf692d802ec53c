/*
 * test_clock.c - the calendar, ISO 8601, Generalized Time, faked time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t iso(const char *text)
{
	int64_t time = -1;

	assert_int_equal(clock_parse_iso(sv_from(text), &time), 1);
	return time;
}

static void known_times(void **state)
{
	(void)state;
	assert_true(iso("1601-01-01") == 0);
	assert_true(iso("1601-01-02") == CLOCK_DAY);
	assert_true(iso("1600-12-31") == -CLOCK_DAY);
	assert_true(iso("1970-01-01T00:00:00Z") == CLOCK_UNIX_EPOCH);
	assert_true(iso("2000-02-29") == CLOCK_UNIX_EPOCH + 11016 * CLOCK_DAY);
	assert_true(iso("2026-11-21T09:30:00Z") ==
		    CLOCK_UNIX_EPOCH + INT64_C(1795253400) * CLOCK_SECOND);
}

/* Every day from year 1 to 9999: civil, ISO and back. */
static void all_days(void **state)
{
	struct civil_time c = { .year = 1, .month = 1, .day = 1 };
	struct civil_time back;
	int64_t expected;
	int64_t time;

	(void)state;
	assert_int_equal(clock_from_civil(&c, &expected), 1);
	while (c.year < 10000) {
		assert_int_equal(clock_from_civil(&c, &time), 1);
		assert_true(time == expected);
		clock_to_civil(time + CLOCK_DAY - 1, &back);
		assert_true(back.year == c.year);
		assert_int_equal(back.month, c.month);
		assert_int_equal(back.day, c.day);
		assert_int_equal(back.hour, 23);
		assert_int_equal(back.minute, 59);
		assert_int_equal(back.second, 59);
		assert_int_equal(back.tick, 9999999);
		expected += CLOCK_DAY;
		if (++c.day <= clock_days_in_month(c.year, c.month))
			continue;
		c.day = 1;
		if (++c.month <= 12)
			continue;
		c.month = 1;
		c.year++;
	}
}

static void leap_years(void **state)
{
	int64_t time;

	(void)state;
	assert_int_equal(clock_days_in_month(2000, 2), 29);
	assert_int_equal(clock_days_in_month(1900, 2), 28);
	assert_int_equal(clock_days_in_month(2024, 2), 29);
	assert_int_equal(clock_days_in_month(2023, 2), 28);
	assert_int_equal(clock_days_in_month(2023, 12), 31);
	assert_int_equal(clock_parse_iso(SV_LIT("2023-02-29"), &time), 0);
	assert_int_equal(clock_parse_iso(SV_LIT("2024-02-29"), &time), 1);
	assert_int_equal(clock_parse_iso(SV_LIT("2024-02-30"), &time), 0);
	assert_true(iso("2025-01-01") - iso("2024-12-31") == CLOCK_DAY);
	assert_true(iso("2024-12-31T23:59:59.9999999Z") + 1 ==
		    iso("2025-01-01"));
}

static void iso_texts(void **state)
{
	static const char *const same[][2] = {
		{ "2026-11-21", "2026-11-21T00:00:00Z" },
		{ "2026-11-21T09:30", "2026-11-21T09:30:00Z" },
		{ "2026-11-21 09:30:00", "2026-11-21T09:30:00Z" },
		{ "2026-11-21t09:30:00z", "2026-11-21T09:30:00Z" },
		{ " 2026-11-21T09:30:00Z\n", "2026-11-21T09:30:00Z" },
		{ "2026-11-21T09:30:00+02:00", "2026-11-21T07:30:00Z" },
		{ "2026-11-21T09:30:00-0530", "2026-11-21T15:00:00Z" },
		{ "2026-11-21T00:30:00+01", "2026-11-20T23:30:00Z" },
		{ "2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00Z" },
		{ "2026-11-21T09:30:00.5Z", "2026-11-21T09:30:00.5Z" },
		{ "2026-11-21T09:30:00,25Z", "2026-11-21T09:30:00.25Z" },
		{ "2026-11-21T09:30:00.00000009Z", "2026-11-21T09:30:00Z" },
		{ "2026-11-21T09:30:00.1234567Z",
		  "2026-11-21T09:30:00.1234567Z" },
		{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z" },
		{ "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z" },
	};
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11",
		"2026-13-01",
		"2026-00-01",
		"2026-11-00",
		"2026-11-31",
		"0000-01-01",
		"26-11-21",
		"2026-11-21T",
		"2026-11-21T09",
		"2026-11-21T24:00",
		"2026-11-21T09:60",
		"2026-11-21T09:30:61",
		"2026-11-21T09:30:",
		"2026-11-21T09:30:00.",
		"2026-11-21T09:30.5Z",
		"2026-11-21T09:30:00Zx",
		"2026-11-21T09:30:00+",
		"2026-11-21T09:30:00+1",
		"2026-11-21T09:30:00+01:",
		"2026-11-21T09:30:00+01:6",
		"2026-11-21T09:30:00+01:60",
		"2026-11-21T09:30:00+15",
		"2026-11-21x09:30",
		"20261121",
		"-2026-11-21",
		"tomorrow",
	};
	char out[40];
	int64_t time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(*same); i++) {
		clock_format_iso(iso(same[i][0]), out);
		assert_string_equal(out, same[i][1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (clock_parse_iso(sv_from(bad[i]), &time))
			fail_msg("read '%s'", bad[i]);
	assert_int_equal(clock_parse_iso(SV_NULL, &time), 0);
}

static void generalized_texts(void **state)
{
	static const char *const same[][2] = {
		{ "20261121093000Z", "2026-11-21T09:30:00Z" },
		{ "20261121093000.0Z", "2026-11-21T09:30:00Z" },
		{ "20261121093000,5Z", "2026-11-21T09:30:00.5Z" },
		{ "202611210930Z", "2026-11-21T09:30:00Z" },
		{ "2026112109Z", "2026-11-21T09:00:00Z" },
		{ "2026112109+0100", "2026-11-21T08:00:00Z" },
		{ "20261121093000-0800", "2026-11-21T17:30:00Z" },
		{ "16010101000000.0000001Z", "1601-01-01T00:00:00.0000001Z" },
	};
	static const char *const bad[] = {
		"",
		"20261121",
		"2026112109",
		"20261121093000",
		"20261121093000.Z",
		"202611210930000Z",
		"20261121093000+",
		"20261321093000Z",
		"20260229093000Z",
		"2026-11-21T09:30:00Z",
	};
	char out[40];
	int64_t time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(*same); i++) {
		assert_int_equal(
			clock_parse_generalized(sv_from(same[i][0]), &time), 1);
		clock_format_iso(time, out);
		assert_string_equal(out, same[i][1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (clock_parse_generalized(sv_from(bad[i]), &time))
			fail_msg("read '%s'", bad[i]);
}

/* Times over the whole range of the calendar, before 1601 too. */
static void round_trips(void **state)
{
	struct civil_time first = { .year = 1, .month = 1, .day = 1 };
	struct civil_time last = { .year = 9999,
				   .month = 12,
				   .day = 31,
				   .hour = 23,
				   .minute = 59,
				   .second = 59,
				   .tick = 9999999 };
	struct civil_time c;
	int64_t from;
	int64_t to;
	int64_t time;
	int64_t back;
	char out[40];

	(void)state;
	assert_int_equal(clock_from_civil(&first, &from), 1);
	assert_int_equal(clock_from_civil(&last, &to), 1);
	for (time = from; time <= to; time += INT64_C(98765432109876)) {
		clock_to_civil(time, &c);
		assert_int_equal(clock_from_civil(&c, &back), 1);
		assert_true(back == time);
		clock_format_iso(time, out);
		assert_int_equal(clock_parse_iso(sv_from(out), &back), 1);
		assert_true(back == time);
		clock_format_generalized(time, out);
		assert_int_equal(clock_parse_generalized(sv_from(out), &back),
				 1);
		assert_true(back == time);
	}
	/* fractions before the beginning count forwards */
	clock_format_iso(-1, out);
	assert_string_equal(out, "1600-12-31T23:59:59.9999999Z");
	clock_format_iso(-CLOCK_SECOND / 2, out);
	assert_string_equal(out, "1600-12-31T23:59:59.5Z");
	/* outside of the calendar nothing breaks */
	clock_to_civil(INT64_MAX, &c);
	clock_format_iso(INT64_MAX, out);
	clock_to_civil(INT64_MIN, &c);
	clock_format_iso(INT64_MIN, out);
}

static void out_of_range(void **state)
{
	static const struct civil_time bad[] = {
		{ .year = 0, .month = 1, .day = 1 },
		{ .year = 10000, .month = 1, .day = 1 },
		{ .year = 2000, .month = 0, .day = 1 },
		{ .year = 2000, .month = 13, .day = 1 },
		{ .year = 2000, .month = 4, .day = 31 },
		{ .year = 2000, .month = 1, .day = 1, .hour = 24 },
		{ .year = 2000, .month = 1, .day = 1, .hour = -1 },
		{ .year = 2000, .month = 1, .day = 1, .minute = 60 },
		{ .year = 2000, .month = 1, .day = 1, .second = 61 },
		{ .year = 2000, .month = 1, .day = 1, .tick = 10000000 },
		{ .year = 2000, .month = 1, .day = 1, .tick = -1 },
	};
	int64_t time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(clock_from_civil(&bad[i], &time), 0);
}

static void faked(void **state)
{
	int64_t real;
	int64_t before = clock_monotonic_ms();

	(void)state;
	assert_int_equal(setenv("CONJOIN_FAKE_TIME", "2020-02-02T02:02:02Z", 1),
			 0);
	assert_true(clock_now() == iso("2020-02-02T02:02:02Z"));
	assert_int_equal(setenv("CONJOIN_FAKE_TIME", "no time", 1), 0);
	real = clock_now();
	assert_true(real > iso("2024-01-01"));
	assert_int_equal(unsetenv("CONJOIN_FAKE_TIME"), 0);
	assert_true(clock_now() >= real);
	assert_true(clock_monotonic_ms() >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_times),
		cmocka_unit_test(all_days),
		cmocka_unit_test(leap_years),
		cmocka_unit_test(iso_texts),
		cmocka_unit_test(generalized_texts),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(faked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
