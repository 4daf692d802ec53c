/*
 * moment.c - a time on the command line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/moment.h"

#include "base/clock.h"
#include "model/setting.h"

int moment_read(const char *text, int64_t *out, struct error *err)
{
	int64_t age;

	if (clock_parse_iso(sv_from(text), out))
		return 0;
	if (!setting_parse_duration(sv_from(text), &age))
		return error_set(err, ERR_INVALID,
				 "'%s' is neither a time (2026-01-31, "
				 "2026-01-31T18:00:00Z) nor an age (90 days)",
				 text);
	*out = clock_now() - age;
	return 0;
}
