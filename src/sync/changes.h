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

#endif
