/*
 * program.h - another program beside us, spoken with in lines
 *
 * It has standard input, output and error and no other file of ours, an
 * environment of its own, a process group that is ended with it, no way to gain
 * rights, and limits. All waiting is here, and none without a time limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_EXEC_PROGRAM_H
#define CONNECTORS_EXEC_PROGRAM_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What is started and how; borrowed. */
struct program_plan {
	const char *const *argv; /* argv[0] is a path */
	const char *const *environment;
	const char *folder;
	const char *user; /* or NULL: ours */
	uint64_t memory;  /* bytes; 0: no limit */
	const char *agent;
};

#define PROGRAM_NOISE      100  /* lines of standard error that are shown */
#define PROGRAM_NOISE_LINE 1000 /* bytes of each */

struct program {
	const struct program_plan *plan;
	pid_t pid; /* 0: not running */
	int in;    /* its standard input; or -1 */
	int out;
	int errors;
	struct strbuf inbox;
	size_t at;       /* begin of the next line */
	size_t searched; /* up to here there is no line's end */
	bool ended;      /* its standard output has */
	struct strbuf outbox;
	size_t sent;
	struct strbuf noise; /* the line of standard error that is read */
	size_t noisy;        /* lines that were shown */
	char last_words[256];
	int status; /* of waitpid, when it has been waited for */
};

int program_start(struct program *program, const struct program_plan *plan,
		  struct error *err);

/* Sends the line and its end, as far as it is taken; what is left goes while
 * answers are waited for. */
void program_send(struct program *program, struct sv line);
/* Bytes that it has not taken yet. */
size_t program_unsent(const struct program *program);

enum program_got { PROGRAM_ENDED, PROGRAM_LINE, PROGRAM_SILENT };

/* Waits for a line, so many milliseconds at most: PROGRAM_LINE: *out, until the
 * next call; PROGRAM_ENDED: no more will come; -1: the line is too long. */
int program_line(struct program *program, int timeout_ms, struct sv *out,
		 struct error *err);
/* Waits until it has taken something or written something. */
void program_pump(struct program *program, int timeout_ms);

/* How it ended, after PROGRAM_ENDED: "ended with status 1: last words". */
void program_epitaph(struct program *program, char *out, size_t size);
/* Ends it and all that it started. `grace_ms`: how long it may take by itself
 * when its input ends. */
void program_stop(struct program *program, int grace_ms);
#endif
