/*
 * window.h - operations that are made, marked and sent together
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPORT_WINDOW_H
#define EXPORT_WINDOW_H

#include "export/export_private.h"

struct sent {
	struct entry entry;
	struct export_op op;
	struct export_outcome *unsent; /* it cannot be sent, and why */
	bool sets;                     /* `entry` has no values: see set.c */
	struct member *rows;           /* its values then */
	size_t row_count;
	bool done; /* it has its answer, or none is to come */
};

struct window {
	struct arena arena; /* of all that is in it */
	struct sent *sent;
	size_t from; /* in the plan */
	size_t len;
	struct idmap by_id;    /* op id -> 1 + index */
	size_t open;           /* without an answer */
	VEC(struct sv) opened; /* passwords, to be wiped when they were sent */
	bool names_anchors; /* what comes behind may need what the system says
			     * of it */
};

/* Makes the operations of what is planned from `from` on: as many as may be
 * sent together. Nothing is written. */
int window_build(struct export_step *step, struct window *window, size_t from,
		 struct error *err);
/* They are handed out from now on: in step->tx, as is their history. */
int window_mark(struct export_step *step, struct window *window,
		struct error *err);
/* Writes what became of those that cannot be sent. */
int window_take_unsent(struct export_step *step, struct window *window,
		       struct error *err);
/* Hands the operations over; touches nothing but the connector. */
int window_put(struct connector *connector, const struct window *window,
	       struct error *err);
void window_wipe(struct window *window);
void window_reset(struct window *window);
void window_release(struct window *window);

#endif
