/*
 * run_private.h - what the files of the run room share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_PRIVATE_H
#define RUN_PRIVATE_H

#include "base/seal.h"
#include "run/run.h"

struct run {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent;
	const struct run_options *options;
	int64_t id;
	int64_t started;
	const char *result; /* the most severe of the steps */
	enum run_exit exit;
	char message[512];
	struct seal seal;
};

/* What a step came to. */
struct step_outcome {
	const char *result;
	char message[512];
	char token[40];
	bool token_used;
	bool failed; /* the connected system or the store */
	struct counters counters;
};

/* step.c: runs one step; *out is filled in any case. -1: it failed, err says
 * why. */
int step_run(struct run *run, const struct config_step *step, int64_t step_id,
	     struct step_outcome *out, struct error *err);
const char *step_kind_name(enum config_step_kind kind);

/* takeover.c: agents and rule sets that have another name than they had. */
int run_take_over(struct store *store, const struct config *config,
		  struct error *err);

/* frozen.c: tells of links that nothing flows over, and how many. */
int run_warn_frozen(struct run *run, struct error *err);

/* The next step of the profile may run after this result. */
bool result_goes_on(const char *result);

#endif
