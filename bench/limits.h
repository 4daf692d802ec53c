/*
 * limits.h - what the files of bench_limits share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

/* Seconds of a clock that only goes forward. */
double limit_now(void);
/* Prints the seconds since `started` and a count, unless `ret` says that it
 * failed; passes `ret` on. */
int limit_report(int ret, double started, uint64_t count);
/* A word that has to be a number above 0. */
int limit_number(const char *word, uint64_t *out, struct error *err);

/* limits_ldap.c: URL BIND_DN PASSWORD FILE OUTSTANDING */
int limit_adds(char **words, struct error *err);
/* limits_files.c: FILE; FILE WIDTH COLUMNS */
int limit_ldif(char **words, struct error *err);
int limit_fixed(char **words, struct error *err);
/* limits_pipe.c: FILE */
int limit_pipe(char **words, struct error *err);

/* limits_sql.c: KIND ADDRESS SELECT; KIND ADDRESS UPDATE FILE WINDOW */
int limit_rows(char **words, struct error *err);
int limit_updates(char **words, struct error *err);

#endif
