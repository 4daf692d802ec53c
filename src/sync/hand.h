/*
 * hand.h - the joiner: a person joins, projects and disconnects objects
 *
 * What is ordered by hand goes the way of a synchronization: values flow, the
 * deletion rule is asked, accounts are provisioned and deprovisioned. A link
 * made by hand is an explicit one: scope and filter do not cut it. Each order
 * is a unit: it is carried out as a whole or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_HAND_H
#define SYNC_HAND_H

#include "sync/sync.h"

enum hand_action {
	HAND_JOIN,       /* a disconnector with mv: an explicit connector */
	HAND_PROJECT,    /* a disconnector becomes a new metaverse object */
	HAND_DISCONNECT, /* a connector becomes an explicit disconnector, or a
			  * normal one that the rules may link again */
	HAND_EXPLICIT,   /* rules neither link nor unlink it any more */
	HAND_NORMAL,     /* they may again */
};

struct hand_order {
	enum hand_action action;
	int64_t cs;
	int64_t mv;           /* to join with */
	const char *rule_set; /* to link under; NULL: the one that takes it */
	const char *type;     /* to project as; NULL: the rule set's only one */
	bool normal;          /* disconnect: not for good */
	/* what came of it */
	bool done;
	const char *counter; /* what it counts as; NULL: it was so already */
	const char *why;     /* not done, or done but something is blocked */
};

/*
 * Orders for objects of one agent, in order, as a step. Refused ones are told
 * in `why` (memory from arena) and counted as errors, the others are carried
 * out. 0; -1: the store failed, what is committed stays.
 */
int sync_hand(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct hand_order *orders,
	      size_t count, struct arena *arena, struct counters *counters,
	      struct sync_result *out, struct error *err);

/* What one order would do; nothing is written. 0; -1: it would be refused. */
int sync_hand_preview(struct store *store, const struct config *config,
		      const struct hand_order *order,
		      const struct sync_trace *trace, struct error *err);

#endif
