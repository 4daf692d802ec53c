/*
 * limit.h - is a guard's limit exceeded?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_LIMIT_H
#define CONFIG_LIMIT_H

#include "config/config.h"

/*
 * A plain count is exact: more than it stops. A percentage is of `total`;
 * counts up to `above` pass it unless they are more than half. A limit that is
 * not set is never exceeded.
 */
bool config_limit_exceeded(const struct config_limit *limit, int64_t above,
			   int64_t count, int64_t total);

/*
 * Of so many objects, or more, such a count does not exceed the limit: nobody
 * needs to count further. INT64_MAX when there is no such number.
 */
int64_t config_limit_enough(const struct config_limit *limit, int64_t above,
			    int64_t count);

#endif
