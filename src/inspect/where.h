/*
 * where.h - a condition over objects, in the language of rules
 *
 * Attributes are written as in rules ([title], [sn]); what the store knows of
 * an object beside them has names with @: [@state], [@error], [@pending] ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_WHERE_H
#define INSPECT_WHERE_H

#include "inspect/display.h"

/* What is asked; texts that an object does not have are empty or NULL. */
struct where_object {
	const struct image *image;
	enum display_space space;
	struct sv id; /* "2:17", "12" */
	const char *agent;
	const char *type;
	const char *state;
	const char *rule_set;
	int64_t mv; /* that it is linked to; 0: none */
	struct sv dn;
	struct sv anchor;
	struct sv errors[4]; /* codes */
	size_t error_count;
	bool import; /* pending */
	bool export;
	bool awaiting;
	struct sv value; /* of an attribute that is looked at */
};

struct where;

/* `agent` NULL: of the metaverse. Memory from the arena. ERR_INVALID: what is
 * wrong with the text, and where. */
int where_compile(struct display *display, const struct config_agent *agent,
		  struct sv text, struct arena *arena, struct where **out,
		  struct error *err);
/* The same of any expression; an attribute that nobody has is nothing. -1:
 * *problem is filled. */
int where_compile_any(struct display *display, const struct config_agent *agent,
		      struct sv text, struct arena *arena, struct where **out,
		      struct expr_message *problem);
/* Each [a] = constant without which it is not true; numbers of attributes. */
void where_equalities(const struct where *where,
		      void (*fn)(void *data, uint32_t attr,
				 const struct value *value),
		      void *data);
/* It asks for names or errors of objects, which cost a look-up each. */
bool where_needs_names(const struct where *where);
bool where_needs_errors(const struct where *where);
/* 1, 0; an object of which it cannot be judged is none: where_failed(). */
int where_test(struct where *where, const struct where_object *object,
	       struct arena *arena);
/* Its text, of several values the first; SV_NULL: it has none, or that cannot
 * be told: where_failed(). */
struct sv where_text(struct where *where, const struct where_object *object,
		     struct arena *arena);
/* How many could not be judged, and why the first could not. */
int64_t where_failed(const struct where *where, const char **why_out);

#endif
