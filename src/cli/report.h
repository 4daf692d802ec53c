/*
 * report.h - runs and their steps as JSON, and that as text
 *
 * A step has one description, its JSON object; the text is made from it, so
 * `run`, `cycle` and `runs` tell the same whichever way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/session.h"
#include "store/history.h"

/* {"number","kind","result","message","token","milliseconds","counters",
 * "outbound","errors"}; the last three are empty. */
json_t *report_step(const struct run_step *step);
/* Adds a counter; `target` as in store/counters.h. */
void report_count(json_t *step, struct store *store, uint32_t target,
		  const char *name, int64_t value);

/*
 * Fills "errors" of the run's steps: objects that could not be read, and those
 * of the agent that were in error then and still are. REPORT_ERRORS of a step
 * at most; "error_count" is the number of all.
 */
#define REPORT_ERRORS 1000
int report_errors(struct session *session, const char *agent, int64_t run,
		  json_t *steps, struct error *err);

/* The run's steps with counters and errors as the history has them. */
int report_history(struct session *session, const struct run_row *run,
		   json_t **steps_out, struct error *err);

/* As lines; `agent` NULL: each counter on a line, else one line a step that
 * begins with the agent, padded to `width`. */
void report_print_step(struct cli *cli, const json_t *step, const char *agent,
		       int width);
/* The first errors of a step, as lines. */
void report_print_errors(struct cli *cli, const json_t *step);

#endif
