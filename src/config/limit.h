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

#endif
