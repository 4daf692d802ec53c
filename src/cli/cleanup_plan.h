/*
 * cleanup_plan.h - what a person decided about values, as a plan
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CLEANUP_PLAN_H
#define CLI_CLEANUP_PLAN_H

#include "cleanup/cleanup.h"
#include "cli/planning.h"

struct cleanup_plan {
	const struct config_agent *agent;
	const char *file; /* that the decisions are from */
	const char *checks_name;
	struct sv checks_text;
	bool accept; /* also what the checks find wrong */
	struct cleanup_edit *edits;
	size_t count;
};

/* Into the head of a plan, and out of it again (in the arena): 1; 0: it is
 * another plan; -1: err is set. */
void cleanup_plan_head(const struct cleanup_plan *plan, json_t *head);
int cleanup_plan_read(const json_t *head, const struct config *config,
		      struct arena *arena, struct cleanup_plan **out,
		      struct error *err);

/* Instead of synchronizing: what can be staged is, in the store of the
 * session, and collected; what cannot are the document's conflicts. As
 * planning_run(). */
enum run_exit cleanup_plan_run(struct planning *planning,
			       const struct plan_collector *how,
			       struct plan_document *out, struct error *err);

/* What became of each value that was exported: [{"line","dn","type",
 * "attribute","value","update","action","result"}], COMPLETE or FAIL. The
 * caller's; NULL: err is set. */
json_t *cleanup_plan_results(const struct planning *planning,
			     struct error *err);

/* The checks called `name`, or in that file (NULL: the first): their name and
 * text in the arena; 0, -1. */
int cleanup_find_checks(struct cli *cli, const char *name,
			const char **name_out, struct sv *out,
			struct error *err);

#endif
