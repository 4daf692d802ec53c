/*
 * random_values.h - values as people would not choose them, the same for a seed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_RANDOM_VALUES_H
#define TESTS_CONNECTOR_RANDOM_VALUES_H

#include "model/object.h"

/* Zero is no seed. */
struct dice {
	uint64_t state;
};

/* 0 .. sides - 1 */
size_t dice_roll(struct dice *dice, size_t sides);

/* Text with what some format has a meaning for: quotes, separators, ends of
 * line, blanks at its ends, markup, formulas, characters of all planes. Never
 * empty; memory from arena. */
struct sv random_text(struct dice *dice, struct arena *arena);

/* Of the attribute's type; a reference to one of the names. */
struct value random_value(struct dice *dice, const struct attr_def *def,
			  const struct sv *names, size_t name_count,
			  struct arena *arena);

#endif
