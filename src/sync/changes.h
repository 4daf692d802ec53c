/*
 * changes.h - what the rules said at the last synchronization, and say now
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_CHANGES_H
#define SYNC_CHANGES_H

#include "sync/sync_private.h"

/* A piece of the rules that concerns objects of its own. */
struct part {
	struct sv name; /* "import 1 3 2 title" */
	struct sv text; /* all that decides what it does */
};

struct parts {
	VEC(struct part) all; /* by name */
	struct arena arena;
};

#define PARTS_INIT                                                             \
	{                                                                      \
		VEC_INIT, ARENA_INIT                                           \
	}

/* The parts of the present rules. */
void parts_make(struct sync *sync, struct parts *out);
void parts_release(struct parts *parts);
int part_order(const void *a, const void *b);

/* ---- inputs.c: objects that have nothing of what a rule reads ---- */

/* Between the names of a list of attributes. */
#define INPUTS_MARK '\x1f'

/* What the rule does for them. */
enum absent {
	ABSENT_NOTHING, /* as if it were not there */
	ABSENT_REMOVES, /* an export rule without a value */
	ABSENT_KEEPS,
	ABSENT_OTHER,
};

struct inputs {
	struct sync *sync;
	bool unknown; /* it may do anything */
	size_t rules;
	enum absent absent;
	struct strbuf names;
};

#define INPUTS_INIT(sync)                                                      \
	{                                                                      \
		(sync), false, 0, ABSENT_NOTHING, STRBUF_INIT(STRBUF_NO_LIMIT) \
	}

/* One rule of the part; `of_null`: what it does when it yields NULL. */
void inputs_rule(struct inputs *inputs, const struct expr *when,
		 const struct expr *source, enum absent of_null);
/* Ends the part's text. */
void inputs_add(struct inputs *inputs, struct strbuf *text);
/* A list of attributes: the change concerns only objects that have one of
 * them. No pointer: any object. */
struct sv inputs_of_change(const struct part *old, const struct part *new,
			   struct arena *arena);
/* The attributes of such a list; their number. */
size_t inputs_resolve(struct store *store, struct sv inputs,
		      struct arena *arena, attr_id **out);

#endif
