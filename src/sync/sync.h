/*
 * sync.h - the synchronization step: connector space -> metaverse -> targets
 *
 * For each object: filter, join, project, import flow, then for its metaverse
 * object: provision, export flow, deletion rule. An object's effect is
 * computed in memory over the batch's own changes and joins the batch only
 * when all of it succeeded; a batch is one transaction. The metaverse object
 * is always computed from all its connectors, so the outcome does not depend
 * on the order in which they came. docs/internals/sync.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "base/seal.h"
#include "base/vec.h"
#include "config/config.h"
#include "store/counters.h"
#include "store/cs.h"

/* Objects of an agent, by whether a full synchronization would leave them as
 * they are: see quiet.c. */
struct sync_quiet {
	VEC(int64_t) objects; /* it would */
	VEC(int64_t) others;
	VEC(int64_t) targets; /* of those that it would: counted as no-flow */
};
void sync_quiet_clear(struct sync_quiet *quiet);
void sync_quiet_release(struct sync_quiet *quiet);

/* The agent's ids, and what the rules take for now. */
struct sync_span {
	int64_t first;
	int64_t last;
	int64_t now;
};

enum sync_rule_how { SYNC_RULE_NEW, SYNC_RULE_CHANGED, SYNC_RULE_GONE };

/* A part of the rules that differs from the last synchronization and concerns
 * objects: parts.c has the kinds, numbers are the store's. */
struct sync_rule {
	enum sync_rule_how how;
	const char *kind; /* "export", "provision" ... "everything" */
	uint32_t agent;   /* 0: the metaverse's, `number` its type */
	uint32_t number;  /* rule set, or 0 */
	uint32_t type;
	struct sv rest; /* the attribute, or "-" */
};

struct sync_options {
	bool full; /* all objects; else what is staged, queued or waiting */
	int64_t step;
	int64_t run; /* that the history names; 0: nothing is kept */
	/* Called now and then; may be NULL. Returns non-zero to stop. */
	int (*progress)(void *data, uint64_t objects, int permille);
	void *progress_data;
	struct seal *seal; /* for passwords of new objects; NULL: made up, and
			    * not kept */
	int64_t now;       /* what the rules take for it; 0: the clock's */
	int64_t later;     /* with `now`: what is written is later by so much,
			    * so that runs of one moment are told apart */
	/* May be NULL: lines for the operator (rules that changed). */
	void (*warning)(void *data, const char *text);
	void *warning_data;
	/* May be NULL. Called once in a full synchronization, before the first
	 * object, while no transaction is open: finds the agent's objects that
	 * would stay as they are, with the help of other processes
	 * (sync_share). 1: all of the span were looked at; 0: some, only
	 * found->objects and targets count; -1. */
	int (*quiet)(void *data, const struct sync_span *span,
		     struct sync_quiet *found, struct error *err);
	void *quiet_data;
	/* May be NULL: each part of the rules that changed. */
	void (*rule)(void *data, const struct sync_rule *rule);
	void *rule_data;
};

struct sync_result {
	const char *result; /* "success", "completed-sync-errors" ... */
	char message[256];
	int64_t objects;
	int64_t errors;
};

/* 0: the step ended, see result; -1: the store failed, what is committed
 * stays and the step can be run again. */
int sync_run(struct store *store, const struct config *config,
	     const struct config_agent *agent,
	     const struct sync_options *options, struct counters *counters,
	     struct sync_result *out, struct error *err);

/* ---- what other processes do of a full synchronization ---- */

struct sync_sharing {
	int64_t now; /* of the span */
	void *data;
	/* 1: look at these ids; 0: no more; -1 */
	int (*next)(void *data, int64_t *from, int64_t *to, struct error *err);
	/* What was found in them, borrowed for the call. */
	int (*found)(void *data, const struct sync_quiet *found,
		     struct error *err);
};
/* In a snapshot of the store, whose lease another process holds; writes
 * nothing. 0: there is nothing more to be looked at; -1. */
int sync_share(struct store *store, const struct config *config,
	       const struct config_agent *agent,
	       const struct sync_sharing *sharing, struct error *err);

/* ---- looking without keeping: preview and explain ---- */

/*
 * One thing that happened or was found, in order. `step` and `found` are
 * stable words:
 *
 *	filter       taken taken-over no-rule-set out-of-scope filtered passed
 *	             explicit going frozen
 *	join         value (of a clause) candidates no-value condition
 *	             ambiguous no-rule joined held by-hand
 *	project      projected not-projected by-hand
 *	disconnect   deleted filtered replaced by-hand
 *	import-flow  value no-value waiting condition stop ignored not-asked
 *	             no-connector kept frozen merged
 *	provision    wanted not-wanted off left waits taken new parent joined
 *	             renamed blocked
 *	held         held ended
 *	deprovision  delete disconnect explicit-disconnect forget waits stays
 *	export-flow  pending same waiting condition ignored keep
 *	mv-deletion  deleted
 *	result       the inbound counter, as text
 *	error        blocked: an error that does not undo the rest
 *
 * A metaverse object is evaluated in rounds until nothing changes; of its
 * flows those of the last round count.
 */
struct sync_event {
	const char *step;
	const char *found;
	const char *text;                       /* a sentence for a person */
	const struct config_rule_set *rule_set; /* whose rule it is, or NULL */
	uint32_t rule; /* number of the flow rule, or 0 */
	size_t line;   /* of the filter, or the join rule: 1 is the first */
	unsigned round;
	int64_t cs; /* the object that it is about, or 0 */
	int64_t mv;
	attr_id attr;                /* ATTR_DN: a name is given */
	const struct values *values; /* NULL: none */
	const struct values *before; /* export-flow: what the system has */
	bool won; /* an import flow: these are the metaverse's values */
	const int64_t *candidates; /* join: metaverse objects */
	size_t candidate_count;
};

/* Objects that a preview makes have numbers that no stored object has. */
bool sync_is_new(int64_t id);

/* Errors of the object are recorded; those of the store end the run. */
bool sync_error_fatal(const struct error *err);
/* An object's error as it is recorded: its code and the rest of the text,
 * both views of `message` (or literals). */
void sync_error_split(const char *message, struct sv *code, struct sv *text);

struct sync_trace {
	void *data;
	void (*event)(void *data, const struct sync_event *event);
};

/*
 * Takes one object through the six steps as a full synchronization would and
 * reports each finding; nothing is written. 0; -1: err is the object's error,
 * which a run would record.
 */
int sync_preview(struct store *store, const struct config *config, int64_t cs,
		 const struct sync_trace *trace, struct error *err);
/* The same from the metaverse's side: contributions, provisioning, exports. */
int sync_preview_mv(struct store *store, const struct config *config,
		    int64_t mv, const struct sync_trace *trace,
		    struct error *err);

/* ---- links that would be made differently now ---- */

enum sync_review_finding {
	SYNC_REVIEW_OTHER,     /* another metaverse object: candidates[0] */
	SYNC_REVIEW_AMBIGUOUS, /* several */
	SYNC_REVIEW_NONE,      /* none: of links that a join made, or a hand */
	SYNC_REVIEW_ERROR,     /* the rules fail: message */
};

/* Borrowed for the call. */
struct sync_review {
	int64_t cs;
	int64_t mv; /* that it is linked to */
	enum link_how how;
	int64_t since;
	const struct config_rule_set *rule_set;
	enum sync_review_finding finding;
	size_t rule; /* the join rule that found the candidates, 1 is the first
		      */
	const int64_t *candidates;
	size_t candidate_count;
	const char *message;
};

/*
 * Tries the join rules of each of the agent's connectors as if it were not
 * linked, and tells of those that they do not find their metaverse object for.
 * Changes nothing. fn returns 0 to go on, 1 to stop, -1 on error.
 */
int sync_review(struct store *store, const struct config *config,
		const struct config_agent *agent,
		int (*fn)(void *data, const struct sync_review *row),
		void *data, struct error *err);

#endif
