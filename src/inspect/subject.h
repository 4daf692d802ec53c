/*
 * subject.h - the object that a command is about, from the words that name it
 *
 * AGENT NAME (a DN, an anchor or an id), AGENT CLAUSE..., mv ID, or CLAUSE...
 * over the metaverse. Exactly one object must be meant: none or several is an
 * error that lists the first candidates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_SUBJECT_H
#define INSPECT_SUBJECT_H

#include "inspect/display.h"

/* One of the two is 0. */
struct subject {
	int64_t cs;
	int64_t mv;
};

/* Takes words from the front; *used_out is how many. ERR_NOTFOUND: none;
 * ERR_INVALID: several, or words that name nothing. */
int subject_find(struct display *display, const char *const *words,
		 size_t count, struct arena *arena, struct subject *out,
		 size_t *used_out, struct error *err);

/* It, as a person sees it; the other part is empty. */
struct subject_view {
	bool in_cs;
	struct entry entry;
	struct display_cs cs;
	struct mv_row row;
	struct display_mv mv;
};

int subject_load(struct display *display, const struct subject *subject,
		 struct arena *arena, struct subject_view *out,
		 struct error *err);

/* "mv 3 (Carl Carter)"; in an error's stead "mv 3". */
struct sv subject_mv_label(struct display *display, int64_t mv,
			   struct arena *arena);
/* "hr 1004", "directory cn=Carl Carter,ou=people"; by its id without names. */
struct sv subject_cs_label(struct display *display, int64_t cs,
			   struct arena *arena);

#endif
