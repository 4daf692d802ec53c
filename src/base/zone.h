/*
 * zone.h - times of a place: from the clock on its wall to UTC and back
 *
 * The rules are those of the IANA time zone database as it is installed (TZif,
 * RFC 9636), read without touching the process's own zone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/error.h"
#include "base/sv.h"

#include <stdint.h>

struct zone;

/* By its name: "Europe/Rome". ERR_INVALID: no such zone is installed. */
int zone_open(struct sv name, struct zone **out, struct error *err);
/* Accepts NULL. */
void zone_close(struct zone *zone);

/* Times as base/clock.h counts them; `local` is what a clock on the wall shows,
 * counted as if it were UTC. NULL is UTC. Of an hour that comes twice the first
 * one is meant; one that is skipped counts on from before the gap. */
int64_t zone_to_utc(const struct zone *zone, int64_t local);
int64_t zone_from_utc(const struct zone *zone, int64_t time);

#endif
