/*
 * format.h - a typed value as the text that a file or directory holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_FORMAT_H
#define CONNECTORS_FORMAT_H

#include "model/object.h"

enum format_style {
	FORMAT_PLAIN, /* true, 2026-11-21T09:30:00Z */
	FORMAT_LDAP,  /* TRUE, 20261121093000Z */
};

/* By the attribute's format when it is a datetime and has one; views into the
 * value stay views, the rest is from arena. */
struct sv format_value(const struct value *value, const struct attr_def *def,
		       enum format_style style, struct arena *arena);

/* A datetime by a format as value_parse reads it: yyyy MM dd HH mm ss, other
 * characters as they are. */
struct sv format_datetime(int64_t time, struct sv format, struct arena *arena);

/* NULL: the text can be one of several that the attribute's separator tells
 * apart; else what is wrong with it, to be put behind the attribute's name. */
const char *format_part_problem(struct sv text, const struct attr_def *def);

#endif
