/*
 * undo_private.h - what the files of undo share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_UNDO_PRIVATE_H
#define SYNC_UNDO_PRIVATE_H

#include "sync/held.h"
#include "sync/undo.h"

struct undoing {
	struct sync *sync;
	struct undo_task *task;
	struct idmap again; /* what was deleted -> what comes in its place */
	struct idmap known; /* object -> 1 + the index of its order */
	/* of the order at hand */
	struct undo_order *order;
	struct strbuf notes;
};

/* ERR_CONFLICT with the reason: the order is left alone. */
int undo_conflict(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void undo_note(struct undoing *u, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The DN of a name, of the working set. */
int undo_dn(struct undoing *u, int64_t parent, struct sv rdn, struct sv *out,
	    struct error *err);
/* The object that is now what `id` was, which may be gone: 1 *out, 0, -1 */
int undo_who(struct undoing *u, int64_t id, int64_t *out, struct error *err);

/* undo_values.c: values and the name of an object, back to what they were:
 * pending, with the numbers of what changes in `attrs`. */
int undo_change(struct undoing *u, struct work_cs *cs, struct strbuf *attrs,
		struct error *err);
/* What was added has what was sent. */
int undo_check_added(struct undoing *u, struct work_cs *cs, struct error *err);
/* One reference more. */
int undo_refer(struct undoing *u, struct work_cs *cs, uint32_t attr,
	       int64_t target, struct strbuf *attrs, struct error *err);

#endif
