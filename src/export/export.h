/*
 * export.h - the export step: write what is pending to a connected system
 *
 * Intents are durable before they are sent, outcomes after: two commits per
 * window of some hundred operations. After a crash what was in flight is sent
 * again with `retry`, and the connector adopts what is there already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "base/map.h"
#include "base/seal.h"
#include "config/config.h"
#include "connector/connector.h"
#include "store/counters.h"

/* What the guard has let pass. */
struct export_plan;

struct export_options {
	/* Where the guard leaves it for the run, which takes it; NULL: the run
	 * plans anew. */
	struct export_plan **plan;
	const struct config_guards *guards;
	struct seal *seal; /* of passwords; NULL: there are none */
	const char *allow; /* a token that passes the guard, or NULL */
	int64_t run;       /* that the history names; 0: nothing is kept */
	const struct idmap *only; /* these objects; NULL: all that is due */
	/* Called now and then; may be NULL. Returns non-zero to stop. */
	int (*progress)(void *data, uint64_t objects, int permille);
	void *progress_data;
};

struct export_result {
	const char *result; /* "success", "completed-export-errors" ... */
	char message[512];
	char token[40];
	bool token_used;
	int64_t pending;     /* when the step began */
	int64_t quarantined; /* besides: not tried in this run */
	int64_t undelivered; /* passwords that could not be handed over */
	size_t operations;   /* to be written, also those of no object */
	int64_t errors;
};

/*
 * The object types for a connector that exports: the agent's and, behind them,
 * those of containers that may have to be made. Memory from arena.
 */
void export_types(const struct config_agent *agent, struct arena *arena,
		  struct object_type **out, size_t *count_out);

enum export_what {
	EXPORT_ANYTHING, /* also what is in quarantine: an export counts down */
	EXPORT_FRESH,    /* what did not fail yet */
};

/* 1: there is such a thing to export; 0: nothing; -1 */
int export_any(struct store *store, const struct config_agent *agent,
	       enum export_what what, struct error *err);

/* An export in which nothing is due (operations is 0): no connector is opened.
 */
int export_skip(struct store *store, const struct config *config,
		const struct config_agent *agent,
		const struct export_options *options, struct export_result *out,
		struct error *err);

/* deliver.c: hands over what is waiting; what cannot be stays. After that it
 * is forgotten; killed in between it is handed over again. */
int export_deliver(struct store *store, const struct config *config,
		   const struct config_agent *agent, struct seal *seal,
		   struct export_result *out, struct error *err);

/* The guard alone, before a connector is opened. 0: go on (out->message is
 * empty) or stopped (out says why); -1 */
int export_guard(struct store *store, const struct config *config,
		 const struct config_agent *agent,
		 const struct export_options *options,
		 struct export_result *out, struct error *err);

/* One that no run took; accepts NULL. */
void export_plan_free(struct export_plan *plan);

/*
 * What an export would write now, in its order, and whether the guard would
 * stop it: out->message is its text, out->token what passes it. fn: 0 to go on,
 * or -1.
 */
int export_list(struct store *store, const struct config *config,
		const struct config_agent *agent,
		const struct export_options *options, struct export_result *out,
		int (*fn)(void *data, int64_t cs), void *data,
		struct error *err);

/* 0: the step ended, see result. -1: the connected system or the store
 * failed; what has an outcome has it durably, the rest is in progress. */
int export_run(struct store *store, const struct config *config,
	       const struct config_agent *agent, struct connector *connector,
	       const struct export_options *options, struct counters *counters,
	       struct export_result *out, struct error *err);

#endif
