/*
 * rules.h - expressions of rules over objects: values in, values out
 *
 * Knows how an expression's attributes are read from a connector space or
 * metaverse object, and nothing of stores. What must be asked (the DN of an
 * object, the text of a reference) comes through callbacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "config/config.h"

/* Attributes by number; NULL or no values: absent. */
struct rules_object {
	void *data;
	const struct values *(*get)(void *data, attr_id attr);
};

struct rules_env {
	const struct config *config;
	int64_t now;
	int64_t as_of;        /* Now() in values that change with it; 0: now */
	struct expr_due *due; /* when results may change; may be NULL */
};

/* What an expression sees; an object that is not there is all zero. */
struct rules_view {
	struct rules_object here;
	struct rules_object imported;
	struct rules_object current;
	struct rules_object metaverse;
	int64_t counter; /* $n */
	bool *gap;       /* set when & joins with nothing; may be NULL */
};

int rules_eval(const struct rules_env *env, const struct expr *expr,
	       const struct rules_view *view, struct arena *arena,
	       struct expr_result *out, struct error *err);
/* NULL expression: true. */
int rules_condition(const struct rules_env *env, const struct expr *expr,
		    const struct rules_view *view, struct arena *arena,
		    bool *out, struct error *err);
/* The first value as text; 1 found, 0 NULL or empty, -1. */
int rules_text(const struct rules_env *env, const struct expr *expr,
	       const struct rules_view *view, struct arena *arena,
	       struct sv *out, struct error *err);

/* An object that a function is given, and what it is read from: must stay
 * until the function has returned. */
struct rules_given {
	const struct rules_env *env;
	struct rules_view view;
	struct expr_env made;
};

struct expr_arg rules_give(const struct rules_env *env,
			   const struct rules_view *view, enum expr_view which,
			   const struct expr_fields *fields,
			   struct rules_given *holder);
/* Calls a function that is not built in. */
int rules_call(const struct rules_env *env, const struct expr_extern *fn,
	       const struct expr_arg *args, size_t count, struct arena *arena,
	       struct expr_result *out, struct error *err);

/* Drops texts of length zero: "" is no value at the end of a flow. */
void rules_drop_empty(struct values *values, struct arena *arena);

/* Makes values fit an attribute's type, those that it does not tell apart one:
 * 0, or -1 with what does not fit. */
int rules_fit(struct values *values, const struct attr_def *def,
	      struct arena *arena, struct error *err);
/* As many values as the attribute takes: for references, which rules_fit() does
 * not see. */
int rules_fit_count(const struct values *values, const struct attr_def *def,
		    struct error *err);

#endif
