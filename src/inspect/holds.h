/*
 * holds.h - objects that a run was undone for, as a person sees them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_HOLDS_H
#define INSPECT_HOLDS_H

#include "inspect/display.h"
#include "store/hold.h"

struct display_hold {
	int64_t cs;        /* of "add" the account that is gone */
	const char *agent; /* or "?" */
	struct sv name;    /* DN or anchor; of what is there its present one */
	const char *what;  /* that was undone: "add" "change" "delete" */
	int64_t mv;        /* or 0 */
	const char *rule_set; /* or NULL */
	int64_t run;          /* that was undone */
	int64_t since;
	const char *user;
};

/* In order of agents. `agent`: its store number, 0: all. fn returns 0 to go on,
 * 1 to stop, -1; the row is borrowed. */
int holds_scan(struct display *display, uint32_t agent,
	       int (*fn)(void *data, const struct display_hold *row),
	       void *data, struct error *err);

/* Of an object of either space: 1 *out (one of them), 0 it is not held, -1 */
int holds_of_cs(struct display *display, int64_t cs, struct arena *arena,
		struct display_hold *out, struct error *err);

/* "held since 2026-01-31 10:00:00Z: run 7 was undone by ada" */
const char *holds_sentence(const struct display_hold *hold,
			   struct arena *arena);

#endif
