/*
 * test_zone.c - times of a place, around the changes of its offset
 *
 * The moments are those that another reader of the same files gives (Python's
 * zoneinfo, of an hour that comes twice the first one).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	const char *zone;
	const char *local;
	const char *utc;
} cases[] = {
	{ "Europe/Rome", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z" },
	{ "Europe/Rome", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z" },
	{ "Europe/Rome", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z" },
	{ "Europe/Rome", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z" },
	{ "Europe/Rome", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z" },
	{ "Europe/Rome", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z" },
	{ "Europe/Rome", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z" },
	{ "Europe/Rome", "2099-07-01T12:00:00", "2099-07-01T10:00:00Z" },
	{ "Europe/Rome", "2099-12-31T23:59:59", "2099-12-31T22:59:59Z" },
	{ "Europe/Rome", "1943-07-01T12:00:00", "1943-07-01T10:00:00Z" },
	{ "Europe/Rome", "1850-01-01T00:00:00", "1849-12-31T23:10:04Z" },
	{ "America/New_York", "2026-03-08T02:15:00", "2026-03-08T07:15:00Z" },
	{ "America/New_York", "2026-11-01T01:15:00", "2026-11-01T05:15:00Z" },
	{ "America/New_York", "1999-10-31T01:15:00", "1999-10-31T05:15:00Z" },
	{ "America/New_York", "2040-11-04T01:15:00", "2040-11-04T05:15:00Z" },
	{ "Australia/Sydney", "2026-01-01T00:00:00", "2025-12-31T13:00:00Z" },
	{ "Australia/Sydney", "2026-04-05T02:30:00", "2026-04-04T15:30:00Z" },
	{ "Australia/Sydney", "2026-10-04T02:30:00", "2026-10-03T16:30:00Z" },
	{ "Australia/Sydney", "2050-12-31T23:30:00", "2050-12-31T12:30:00Z" },
	{ "Asia/Kolkata", "2026-06-15T08:15:00", "2026-06-15T02:45:00Z" },
	{ "America/St_Johns", "2026-03-08T02:30:00", "2026-03-08T06:00:00Z" },
	{ "Africa/Casablanca", "2026-03-01T12:00:00", "2026-03-01T12:00:00Z" },
	{ "Africa/Casablanca", "2060-06-01T12:00:00", "2060-06-01T11:00:00Z" },
	{ "America/Sao_Paulo", "2018-11-04T00:30:00", "2018-11-04T03:30:00Z" },
	{ "Pacific/Apia", "2011-12-29T23:00:00", "2011-12-30T09:00:00Z" },
	{ "Pacific/Apia", "2011-12-31T01:00:00", "2011-12-30T11:00:00Z" },
	{ "Europe/Dublin", "2045-01-15T12:00:00", "2045-01-15T12:00:00Z" },
	{ "Europe/Dublin", "2045-07-15T12:00:00", "2045-07-15T11:00:00Z" },
	{ "America/Nuuk", "2030-03-31T00:30:00", "2030-03-31T01:30:00Z" },
	{ "America/Nuuk", "2030-07-01T00:00:00", "2030-07-01T01:00:00Z" },
	{ "Etc/GMT+5", "2030-07-01T00:00:00", "2030-07-01T05:00:00Z" },
	{ "UTC", "2030-07-01T00:00:00", "2030-07-01T00:00:00Z" },
	{ "Asia/Tehran", "2021-03-22T00:30:00", "2021-03-21T21:00:00Z" },
};

static void wall_clocks_are_converted(void **state)
{
	struct error err = ERROR_INIT;
	struct zone *zone;
	char text[40];
	int64_t time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(zone_open(sv_from(cases[i].zone), &zone, &err),
				 0);
		assert_int_equal(
			clock_parse_iso(sv_from(cases[i].local), &time), 1);
		time = zone_to_utc(zone, time);
		clock_format_iso(time, text);
		assert_string_equal(text, cases[i].utc);
		/* and to UTC again: it is the same moment */
		assert_int_equal(zone_to_utc(zone, zone_from_utc(zone, time)),
				 time);
		zone_close(zone);
	}
}

static void moments_become_wall_clocks(void **state)
{
	struct error err = ERROR_INIT;
	struct zone *zone;
	char text[40];
	int64_t time;

	(void)state;
	assert_int_equal(zone_open(SV_LIT("Europe/Rome"), &zone, &err), 0);
	assert_int_equal(
		clock_parse_iso(SV_LIT("2026-10-25T01:30:00.1234567Z"), &time),
		1);
	/* the hour that came before once more */
	clock_format_iso(zone_from_utc(zone, time), text);
	assert_string_equal(text, "2026-10-25T02:30:00.1234567Z");
	clock_format_iso(zone_to_utc(zone, zone_from_utc(zone, time)), text);
	assert_string_equal(text, "2026-10-25T00:30:00.1234567Z");
	assert_int_equal(zone_from_utc(NULL, time), time);
	assert_int_equal(zone_to_utc(NULL, time), time);
	zone_close(zone);
	zone_close(NULL);
}

static void what_is_no_zone_is_refused(void **state)
{
	static const char *const names[] = { "",
					     "Europe/Nowhere",
					     "Europe",
					     "/etc/passwd",
					     "../../etc/passwd",
					     "tzdata.zi",
					     "zone.tab" };
	struct error err = ERROR_INIT;
	struct zone *zone;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(zone_open(sv_from(names[i]), &zone, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_clocks_are_converted),
		cmocka_unit_test(moments_become_wall_clocks),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
