/*
 * limit.c - counts and percentages of guards
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/limit.h"

bool config_limit_exceeded(const struct config_limit *limit, int64_t above,
			   int64_t count, int64_t total)
{
	if (!limit->set)
		return false;
	if (!limit->percent)
		return count > limit->value;
	if (count <= above && count * 2 <= total)
		return false;
	/* hundredths of a percent */
	return count * 10000 > limit->value * total;
}

int64_t config_limit_enough(const struct config_limit *limit, int64_t above,
			    int64_t count)
{
	int64_t enough = INT64_MAX;

	if (!limit->set || !limit->percent || count <= 0)
		return 0;
	if (limit->value > 0)
		enough = (count * 10000 + limit->value - 1) / limit->value;
	return count <= above && count * 2 < enough ? count * 2 : enough;
}
