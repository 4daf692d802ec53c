/*
 * candidates.h - links that the join rules would make differently now, as
 * texts
 *
 * Read only, one object at a time; see sync_review().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_CANDIDATES_H
#define INSPECT_CANDIDATES_H

#include "inspect/display.h"

struct candidate {
	int64_t mv;
	struct sv title; /* what a person would call it, or empty */
};

struct candidates_link {
	int64_t cs;
	const char *agent;
	const char *rule_set;
	struct sv dn;
	struct sv anchor;
	struct candidate linked; /* to what it is linked */
	const char *how;         /* "joined", "projected" ... */
	int64_t since;
	const char *finding;     /* "other", "ambiguous", "none", "error" */
	const char *rule;        /* "agents/hr.yaml:9", or NULL */
	struct candidate *found; /* in place of `linked` */
	size_t found_count;
	const char *message; /* of an error, or NULL */
};

/* Each such link of the agent; fn as in search.h. */
int candidates_review(struct display *display, const struct config_agent *agent,
		      int (*fn)(void *data, const struct candidates_link *link),
		      void *data, struct error *err);

#endif
