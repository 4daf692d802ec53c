/*
 * process.h - another program, without a shell
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/error.h"
#include "base/sv.h"

/*
 * Runs argv (ends with NULL; argv[0] is looked for in PATH when it has no '/')
 * in `folder`, gives it `input` on standard input and throws away what it
 * prints. 0: it ended with status 0; -1: it could not be started, ended in
 * another way, or took longer than `seconds` and was killed with all that it
 * started.
 */
int process_feed(const char *const *argv, const char *folder, struct sv input,
		 int seconds, struct error *err);

#endif
