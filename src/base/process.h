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

/* A program that is asked something. */
struct process_talk {
	struct sv input;  /* on its standard input */
	struct sv secret; /* what it reads as /dev/fd/3; or empty. It lies in
			   * memory only, and goes with the program */
	struct sv out;    /* what it printed, memory from the arena */
	struct sv errors; /* and on standard error */
	int status;       /* its exit status */
};

struct arena;

/* Runs argv as process_feed() does and keeps what it prints. 0: it ended by
 * itself, talk->status says how; -1 as above. */
int process_talk(const char *const *argv, struct process_talk *talk,
		 int seconds, struct arena *arena, struct error *err);

#endif
