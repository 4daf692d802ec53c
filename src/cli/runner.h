/*
 * runner.h - carry out runs for a command: progress, report, hints
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_RUNNER_H
#define CLI_RUNNER_H

#include "cli/progress.h"
#include "cli/session.h"

struct runner {
	struct session *session;
	struct cli *cli;
	bool brief; /* one line a step */
	struct progress progress;
	struct run_hooks hooks;
	struct run_options options;
	char agent[256]; /* of the run at hand */
	char profile[256];
	json_t *runs; /* as `run --json` prints them */
	json_t *run;  /* the one at hand, borrowed of runs; or NULL */
	json_t *warnings;
	json_t *told; /* warnings that were printed */
};

/* For a session with the lease. */
void runner_init(struct runner *runner, struct session *session);
void runner_release(struct runner *runner);

#endif
