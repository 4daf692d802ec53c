/*
 * matches.h - whom of the metaverse a disconnector may be, with a score and why
 *
 * The join rules' own clauses count most, then mail addresses, names and
 * telephone numbers that look alike (likeness.h). Read only. A score is no
 * probability: it orders candidates for a person to judge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_MATCHES_H
#define INSPECT_MATCHES_H

#include "inspect/display.h"

struct match {
	int64_t mv;
	const char *type;
	struct sv title;
	int score;           /* 1 .. 100 */
	const char *reasons; /* "join rule 1: employeeID; name 92%" */
	int64_t taken_by;    /* its connector under the same rule set, or 0 */
};

struct match_object {
	int64_t cs;
	const char *agent;
	const char *rule_set; /* that takes it, or NULL */
	struct sv dn;
	struct sv anchor;
	struct sv title;
	struct match *matches; /* best first */
	size_t match_count;
};

/*
 * One disconnector: by the metaverse's keys, and when they find nobody certain
 * (or `whole`) by reading all of it. At most `most`, none below `least`. Memory
 * from the arena. ERR_INVALID: it is linked, or no object.
 */
int matches_of(struct display *display, const struct config_agent *agent,
	       int64_t cs, bool whole, size_t most, int least,
	       struct arena *arena, struct match_object *out,
	       struct error *err);

/*
 * All normal disconnectors that a rule set takes, with candidates that have no
 * connector under it: the metaverse is read once. fn is called for each with at
 * least one candidate, best objects first; borrowed for the call; 0 to go on, 1
 * to stop, -1.
 */
int matches_bulk(struct display *display, const struct config_agent *agent,
		 int least,
		 int (*fn)(void *data, const struct match_object *object),
		 void *data, struct error *err);

#endif
