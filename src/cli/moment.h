/*
 * moment.h - a time on the command line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include "base/error.h"

#include <stdint.h>

/* "2026-01-31", "2026-01-31T18:00:00Z", or an age: "90 days". 0, -1 */
int moment_read(const char *text, int64_t *out, struct error *err);

#endif
