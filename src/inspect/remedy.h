/*
 * remedy.h - what a person does about an error of an object
 *
 * One table, by the error's code; docs/reference/counters.md lists it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_REMEDY_H
#define INSPECT_REMEDY_H

#include "base/arena.h"
#include "base/sv.h"

struct remedy {
	const char *code;
	const char *text;
};

/* In order of the alphabet; ends with a code of NULL. */
extern const struct remedy remedies[];

/* NULL: the code is not known. */
const char *remedy_find(struct sv code);

/* What messages of one cause have in common: names in quotes are left out,
 * numbers too. In the arena. */
struct sv remedy_pattern(struct sv message, struct arena *arena);

#endif
