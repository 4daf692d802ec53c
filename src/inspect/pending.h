/*
 * pending.h - what is staged: imports not synchronized, exports not written,
 * metaverse objects whose references wait
 *
 * Read only; goes by the narrow tables of what is in motion, so it costs what
 * is pending, not what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_PENDING_H
#define INSPECT_PENDING_H

#include "inspect/display.h"
#include "store/due.h"

enum pending_kind { PENDING_IMPORTS, PENDING_EXPORTS, PENDING_AWAITING };

/* Ids of an agent (store number) after `after`, in order: the number filled,
 * or -1. */
int pending_ids(struct store *store, enum pending_kind kind, uint32_t agent,
		int64_t after, int64_t *out, int limit, struct error *err);

/* Each staged object of the agent; fn as in search.h. */
int pending_scan(struct display *display, enum pending_kind kind,
		 uint32_t agent,
		 int (*fn)(void *data, const struct display_cs *object),
		 void *data, struct error *err);

/* Each metaverse object with a reference or look-up that waits. */
int pending_references(struct display *display,
		       int (*fn)(void *data, const struct display_mv *object),
		       void *data, struct error *err);

/* What is looked at again some day. */
struct pending_due {
	const char *what; /* "rules", "deletion", "deprovision" */
	const struct due_row *row;
	bool is_cs;
	struct display_cs cs; /* or */
	struct display_mv mv;
};

/* By time; of one agent (store number) its own objects only, 0: all. */
int pending_due(struct display *display, uint32_t agent,
		int (*fn)(void *data, const struct pending_due *due),
		void *data, struct error *err);

#endif
