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

/* What a step does: fn fills *out in any case; -1: it failed, err says why. */
struct run_task {
	const char *kind;
	int (*fn)(struct run *run, const struct run_task *task, int64_t step_id,
		  struct step_outcome *out, struct error *err);
	const struct config_step *step; /* of a profile */
	void *data;
};

/* run.c: tasks in order as one recorded run, which *run describes: store,
 * configuration, agent and options. RUN_FAILED: err tells why. */
enum run_exit run_tasks(struct run *run, const char *profile,
			const struct run_task *tasks, size_t count,
			struct error *err);

/* step.c: runs one step; *out is filled in any case. -1: it failed, err says
 * why. */
int step_run(struct run *run, const struct config_step *step, int64_t step_id,
	     struct step_outcome *out, struct error *err);
const char *step_kind_name(enum config_step_kind kind);

/* takeover.c: agents and rule sets that have another name than they had. */
int run_take_over(struct store *store, const struct config *config,
		  struct error *err);
bool run_has_new_names(struct store *store, const struct config *config);

/* frozen.c: tells of links that nothing flows over, and how many. */
int run_warn_frozen(struct run *run, struct error *err);

/* The next step of the profile may run after this result. */
bool result_goes_on(const char *result);

#endif
