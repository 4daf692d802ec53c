/*
 * share.h - a full synchronization that several processes share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_SHARE_H
#define RUN_SHARE_H

#include "sync/sync.h"

#define SHARE_MOST 64 /* processes */

/* How a run starts the processes that help it. */
struct share {
	int processes;
	const char **argv; /* ends with NULL; argv[0] is a path */
	size_t now_at; /* where the moment belongs that rules take for now */
	int (*stop)(void *data); /* the operator wants it; or NULL */
	void *stop_data;
};

/* For sync_options.quiet, with a struct share. */
int share_find(void *data, const struct sync_span *span,
	       struct sync_quiet *found, struct error *err);

/* What such a process does: reads ranges of ids from standard input, until that
 * ends, and writes what it found to standard output. */
int share_serve(struct store *store, const struct config *config,
		const struct config_agent *agent, int64_t now,
		struct error *err);

#endif
