/*
 * joiner.h - what the commands of the joiner share: join, project, disconnect,
 * set-explicit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_JOINER_H
#define CLI_JOINER_H

#include "cli/runner.h"
#include "run/hand.h"

#define JOINER_OPTIONS                                                         \
	{ "preview", NULL, false,                                              \
	  "tell what it would do, and change nothing" },                       \
	{                                                                      \
		"wait", "SECONDS", false,                                      \
			"how long to wait for another run to end; default: 60" \
	}

/*
 * One order for the object that the command's words name: looked at first, so
 * that what is refused leaves no run, then carried out. `order` has what the
 * words do not tell.
 */
enum run_exit joiner_one(struct cli *cli, const struct hand_order *order);

/* The lines of a list that are marked: one run for each agent. */
enum run_exit joiner_from(struct cli *cli, const char *path);

/* Carries out orders of one agent: a run that prints itself; *run_out is its
 * description as `run --json` prints it. */
enum run_exit joiner_run(struct session *session,
			 const struct config_agent *agent,
			 struct hand_order *orders, size_t count,
			 json_t **run_out, struct error *err);

/* {"agent","id","mv","done","counter","why"} */
json_t *joiner_order_json(struct session *session,
			  const struct hand_order *order);

#endif
