/*
 * progress.h - one live line on a terminal: objects, rate, time left
 *
 * On standard error; nothing of it is left when the step ends, and nothing is
 * written where standard error is no terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/output.h"

struct progress {
	bool live;
	bool shown;
	char what[128];
	int64_t started; /* clock_monotonic_ms() */
	int64_t drawn;
};

void progress_begin(struct progress *progress, const struct output *output,
		    const char *agent, const char *step);
/* Draws at most ten times a second; permille -1: not known. */
void progress_update(struct progress *progress, uint64_t objects, int permille);
/* Wipes the line. */
void progress_end(struct progress *progress);

/* The line's text, for a step that has run so long. */
void progress_text(uint64_t objects, int permille, int64_t milliseconds,
		   struct strbuf *out);

#endif
