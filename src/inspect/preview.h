/*
 * preview.h - one object through the six steps, nothing kept, as texts
 *
 * The same code that a run uses reports what it finds (sync/sync.h); here its
 * findings become sentences, names and places in the files, put in the order
 * of the steps. Of flows that were evaluated several times the last count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_PREVIEW_H
#define INSPECT_PREVIEW_H

#include "inspect/subject.h"
#include "sync/hand.h"

struct preview_step {
	const char *step;  /* as in struct sync_event */
	const char *found; /* as in struct sync_event; or "removed" */
	const char *text;  /* a sentence */
	const char *rule;  /* "agents/hr.yaml:12: title", or NULL */
	uint32_t number;   /* of the flow rule, or 0 */
	struct sv source;  /* the expression of the rule, or empty */
	const struct config_rule_set *rule_set; /* or NULL */
	const char *agent;                      /* or NULL */
	int64_t cs;
	struct sv object; /* DN or anchor of `cs`, or empty */
	int64_t mv;
	attr_id attr;
	const char *attribute; /* its name, or NULL */
	struct display_texts values;
	struct display_texts labels; /* the same for people: with names */
	struct display_texts before;
	bool changed; /* a flow that counts: it gives other values */
	bool known;   /* an export flow: it is pending already */
	bool won;
	size_t line;
	struct display_texts candidates;
	unsigned round;
};

struct preview {
	VEC(struct preview_step) steps;
	const char *result; /* the inbound counter, or NULL */
	bool failed;        /* the object is in error: */
	struct sv code;
	struct sv message;
	bool partly; /* with the error the rest would still be done */
};

/*
 * Texts in the arena. 0, also when the object is in error; -1: the store
 * failed.
 */
int preview_run(struct display *display, const struct subject *subject,
		struct arena *arena, struct preview *out, struct error *err);
/* The same of what a person would order. */
int preview_hand(struct display *display, const struct hand_order *order,
		 struct arena *arena, struct preview *out, struct error *err);
void preview_release(struct preview *preview);

bool preview_is(const struct preview_step *step, const char *name);
bool preview_found(const struct preview_step *step, const char *word);

/* The place in "agents/hr.yaml:12: title": without what follows it. */
struct sv preview_place(const char *rule);
/* "agents/hr.yaml:12: WHAT"; NULL without a place. */
const char *preview_rule(const struct node *at, const char *what,
			 struct arena *arena);
/* The expression of a flow rule, or NULL. */
const struct expr *preview_source(const struct config *config, uint32_t rule);

#endif
