/*
 * clock.h - the time, in 100 ns since 1601-01-01 UTC (FILETIME)
 *
 * All times inside are of this kind (model: datetime). CONJOIN_FAKE_TIME, an
 * ISO 8601 time in the environment, replaces the wall clock in tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/sv.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND     INT64_C(10000000)
#define CLOCK_DAY        (CLOCK_SECOND * 86400)
/* 1970-01-01 in this count */
#define CLOCK_UNIX_EPOCH (INT64_C(11644473600) * CLOCK_SECOND)

struct civil_time {
	int64_t year;
	int month;  /* 1..12 */
	int day;    /* 1..31 */
	int hour;   /* 0..23 */
	int minute; /* 0..59 */
	int second; /* 0..59 */
	int tick;   /* 100 ns, 0..9999999 */
};

int64_t clock_now(void);
/* Milliseconds that only ever grow: for durations, never faked. */
int64_t clock_monotonic_ms(void);

void clock_to_civil(int64_t time, struct civil_time *out);
/* 0 when a field is out of range. */
int clock_from_civil(const struct civil_time *civil, int64_t *out);
int clock_days_in_month(int64_t year, int month);

/* ISO 8601: a date, or date and time with optional fraction and offset (none
 * means UTC): 1 read, 0 not such a text. */
int clock_parse_iso(struct sv text, int64_t *out);
/* 2026-11-21T09:30:00Z, with a fraction only when there is one. */
void clock_format_iso(int64_t time, char out[40]);

/* Generalized Time (RFC 4517 section 3.3.13), for example 20261121093000Z. */
int clock_parse_generalized(struct sv text, int64_t *out);
void clock_format_generalized(int64_t time, char out[40]);

#endif
