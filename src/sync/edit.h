/*
 * edit.h - values that a person wants to be otherwise are staged for export
 *
 * Not by a rule, so the rules have a say first: a value that one of them would
 * write back is not taken. Linked or not, an object takes part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_EDIT_H
#define SYNC_EDIT_H

#include "sync/sync.h"

/*
 * One value goes and another one comes; VALUE_NULL: none does. What is pending
 * of the attribute and by no rule gives way to it, also when both are the same.
 */
struct edit_value {
	attr_id attr;
	struct value gone;
	struct value come;
	const char *conflict; /* why it is left as it is, or NULL */
};

struct edit_order {
	int64_t cs;
	struct edit_value **values;
	size_t count;
	bool staged;    /* something is pending */
	bool withdrawn; /* less than before is, or other */
};

struct edit_task {
	const char *what; /* profile and step of the run: "cleanup" */
	struct edit_order *orders;
	size_t count;
	int64_t now;          /* what the rules take for it; 0: the clock's */
	const char *done_key; /* set with the transaction, or NULL */
	const char *done_text;
	struct arena *arena; /* of conflicts */
};

/* What the rules, and what is pending, say to each value that has no conflict
 * yet; nothing is kept. */
int sync_edit_check(struct store *store, const struct config *config,
		    const struct config_agent *agent, struct edit_task *task,
		    struct error *err);

/* Stages those without a conflict, all in one transaction. Each object is
 * synchronized by the next run as if its system had changed it. 0; -1: the
 * store failed, nothing is staged. */
int sync_edit(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct edit_task *task,
	      struct counters *counters, struct sync_result *out,
	      struct error *err);

#endif
