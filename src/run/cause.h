/*
 * cause.h - what changed at sources and in rules, and what that comes to
 *
 * Between imports and syncs it is noted what is staged, while the syncs run
 * which rules are others; afterwards a pending export is explained by those of
 * them that reach it. Memory: some dozen bytes for each object that is staged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_CAUSE_H
#define RUN_CAUSE_H

#include "inspect/display.h"

struct causes;
struct sync_rule;

struct cause {
	const char *text;   /* "hr: title changed", of all that have the same */
	const char *object; /* where: DN or anchor, or NULL */
};

/* Some of a list, by their places in it. */
struct cause_refs {
	const size_t *at;
	size_t len;
};

struct cause_list {
	const struct cause *at;
	size_t len;
	const struct cause_refs *changes; /* of each change of the export */
};

/* Borrows it. */
struct causes *causes_new(struct display *display);
void causes_free(struct causes *causes); /* accepts NULL */

/* When imports are done. */
int causes_note(struct causes *causes, struct error *err);
/* While syncs run. */
void causes_rule(struct causes *causes, const struct sync_rule *rule);
/* When they are done. */
int causes_settle(struct causes *causes, struct error *err);

/* Of an object with a pending export; `rule_set` may be NULL. Memory from
 * arena, texts live as long as `causes`. */
void causes_of(struct causes *causes, const struct entry *entry,
	       const struct display_cs *object,
	       const struct config_rule_set *rule_set, struct arena *arena,
	       struct cause_list *out);

#endif
