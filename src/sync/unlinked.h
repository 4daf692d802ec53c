/*
 * unlinked.h - disconnectors with what their join rules search for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_UNLINKED_H
#define SYNC_UNLINKED_H

#include "sync/sync.h"

/* A clause of a join rule with the values that it searches for. */
struct sync_sought {
	size_t rule;  /* number of the join rule, 1 is the first */
	attr_id attr; /* of the metaverse, or a key */
	enum match_rule match;
	bool indexed;
	struct values values;
};

/* Borrowed for the call. */
struct sync_unlinked {
	int64_t cs;
	enum link_state state;
	const struct config_rule_set *rule_set; /* that takes it, or NULL */
	const struct image *expected;           /* its values */
	struct sync_sought *sought; /* of clauses that have values; of rules
				     * whose condition is true */
	size_t sought_count;
};

/*
 * Normal disconnectors of the agent that a rule set takes and its filter does
 * not hold; or one object, `only`, whatever kind of disconnector it is. fn
 * returns 0 to go on, 1 to stop, -1 on error. Nothing is written.
 */
int sync_unlinked(struct store *store, const struct config *config,
		  const struct config_agent *agent, int64_t only,
		  int (*fn)(void *data, const struct sync_unlinked *row),
		  void *data, struct error *err);

#endif
