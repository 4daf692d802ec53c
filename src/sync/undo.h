/*
 * undo.h - what a run exported is staged to be exported back
 *
 * Each object that the run wrote to is compared with what the run left; one
 * that is otherwise by now is left alone as a whole and told. Of the others
 * the opposite is pending afterwards, and they are held (store/hold.h), all in
 * one transaction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_UNDO_H
#define SYNC_UNDO_H

#include "base/vec.h"
#include "store/past.h"
#include "sync/sync.h"

struct undo_order {
	int64_t cs;        /* as the run knew it */
	uint32_t type;     /* NAME_TYPE; 0: a container */
	struct past *rows; /* what the run exported of it, the newest first */
	size_t row_count;
	int64_t later; /* a later run that exported to it, or 0 */
	/* what came of it */
	const char *name;     /* DN or anchor */
	const char *conflict; /* why it is left alone, or NULL */
	const char *notes;    /* what does not come back, or NULL */
	int64_t staged;       /* the object of which an export is pending; 0:
			       * none, the run undid it itself */
};

struct undo_task {
	int64_t run; /* that is undone */
	const char *user;
	/* Grows by objects that lost a reference to what comes back. */
	VEC(struct undo_order) orders;
	const char *done_key; /* set with the transaction, or NULL */
	const char *done_text;
	struct arena *arena; /* of what came of it */
};

/* `agent`: one of those that are concerned. 0; -1: the store failed, nothing
 * is staged. */
int sync_undo(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct undo_task *task,
	      struct counters *counters, struct sync_result *out,
	      struct error *err);

/*
 * Holds that end because a person says so: what the rules want goes out with
 * the next export. `cs`: those objects, in no order; their number, or -1.
 */
int sync_release_holds(struct store *store, const int64_t *cs, size_t count,
		       struct error *err);

#endif
