/*
 * plan.h - what the next cycle would write, and why, in a store that keeps
 * nothing of it
 *
 * The caller opens the store with STORE_OVERLAY; here run the ordinary imports
 * (when asked for) and syncs of all agents, then what exports would send is
 * gone through. To carry a plan out the same is done in the store itself, so
 * the list of both can be compared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "run/cause.h"
#include "run/run.h"

struct plan;

/* Borrows all; `display` is that of the store. */
struct plan *plan_new(struct display *display,
		      const struct run_options *options);
void plan_free(struct plan *plan); /* accepts NULL */

/* Imports, when asked for, and syncs; the worst exit. RUN_FAILED: err is set.
 */
enum run_exit plan_run(struct plan *plan, bool imports, struct error *err);

/* Instead of that: what is pending of this object is for this reason, and not
 * by the rules; `text` is told with it, or NULL. The cause is borrowed. */
void plan_note(struct plan *plan, int64_t cs, const char *cause,
	       const char *text);

struct plan_object {
	const struct display_cs *object;
	struct cause_list causes; /* one at least */
	const char *note;         /* or NULL */
	const char *rule;         /* of the operation, or NULL */
	const char *const *rules; /* of each of object->pending.changes; NULL:
				   * none is known */
	struct hash128 version;   /* of what the system has, as it is known */
	int64_t moves;            /* a container: objects below it move too */
	bool privileged; /* an account or group with power over others */
};

struct plan_agent {
	const char *name;
	const char *guard;   /* why an export would be stopped, or "" */
	const char *token;   /* that lets exactly this pass */
	int64_t quarantined; /* failed too often, not tried this time */
};

struct plan_list {
	void *data;
	bool tokens; /* wanted, which costs a look at each object */
	/* 0 to go on, or -1. Borrowed for the call. */
	int (*object)(void *data, const struct plan_object *object);
	int (*agent)(void *data, const struct plan_agent *agent);
};

/* What exports of the agent, or of all (NULL), would write, in their order;
 * `only`: of these objects, or NULL. Each agent's objects before it. */
int plan_each(struct plan *plan, const char *agent, const struct idmap *only,
	      const struct plan_list *list, struct error *err);

#endif
