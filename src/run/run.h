/*
 * run.h - run profiles: steps one after another, with history, lease, guards
 *
 * A run holds the lease of the store, or of its agent when it only imports and
 * exports (store_lease). Every run and step is recorded before it begins, so
 * one that died is seen as such.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/map.h"
#include "config/config.h"
#include "connector/connector.h"
#include "store/counters.h"

enum run_exit {
	RUN_OK = 0,      /* success, also with warnings */
	RUN_ERRORS = 1,  /* finished, objects in error */
	RUN_USAGE = 2,   /* wrong use or configuration */
	RUN_STOPPED = 3, /* by a guard, a limit or an operator */
	RUN_FAILED = 4,  /* a connected system or the store failed */
	RUN_BUSY = 5,    /* another run holds the lease */
	RUN_MOVED = 6,   /* a plan is not what would be done now */
};

/* What a step did; handed to run_hooks.step_end, borrowed for the call. */
struct run_step {
	int number;
	const char *kind;    /* "full-import", "delta-sync", "export" ... */
	const char *result;  /* "success", "completed-sync-errors" ... */
	const char *message; /* of a guard, a failure; or "" */
	const char *token;   /* that would pass the guard; or "" */
	const struct counters *counters;
	int64_t milliseconds;
};

struct sync_rule;

struct run_hooks {
	void *data;
	/* All may be NULL. */
	void (*run_begin)(void *data, int64_t run, const char *agent,
			  const char *profile);
	void (*step_begin)(void *data, int number, const char *kind);
	/* Now and then; permille -1: not known. Non-zero stops the step. */
	int (*progress)(void *data, uint64_t objects, int permille);
	void (*step_end)(void *data, const struct run_step *step);
	void (*run_end)(void *data, int64_t run, const char *result,
			enum run_exit exit);
	/* A line for the operator: frozen links, skipped steps. */
	void (*warning)(void *data, const char *text);
	/* A part of the rules that is another one than before. */
	void (*rule)(void *data, const struct sync_rule *rule);
};

struct share;

struct run_options {
	const char *allow; /* --allow TOKEN, or NULL */
	const char *user;  /* recorded; NULL: the operating system's */
	/* Files with what an import step reads (connector/tape.h), or NULL;
	 * for profiles with one import step. */
	const char *record;
	bool record_only; /* stage nothing */
	const char *replay;
	const struct run_hooks *hooks;
	int64_t now;   /* what rules take for it; 0: the clock's */
	int64_t later; /* with `now`: see struct sync_options */
	bool no_keys;  /* passwords are not sealed: nothing is kept */
	const struct idmap *only; /* exports: of these objects; NULL: all */
	/* full synchronizations: processes that help (share.h); NULL: none */
	struct share *share;
	/* resolves secret:NAME; see connector_config.secret */
	int (*secret)(void *data, struct sv reference, struct secret *out,
		      struct error *err);
	void *secret_data;
	/* seal.h's key, with secret_data */
	int (*seal_key)(void *data, bool make, struct secret *out,
			struct error *err);
};

/* A run of the profile needs the lease of its agent and no more: it has imports
 * and exports only, and no agent or rule set of the configuration is still to
 * be taken over (`was`). */
bool run_needs_agent_only(struct store *store, const struct config *config,
			  const struct config_profile *profile);

/*
 * One run of a profile. The caller holds the lease and has bound the
 * configuration's attributes to the store. RUN_FAILED: err tells why; the
 * history has it too.
 */
enum run_exit run_profile(struct store *store, const struct config *config,
			  const struct config_agent *agent,
			  const struct config_profile *profile,
			  const struct run_options *options, struct error *err);

/* Who is recorded: options->user, or the operating system's. */
const char *run_user(const struct run_options *options);

/* The exit status that the result of a run or step stands for. */
enum run_exit result_exit(const char *result);

/*
 * Removes runs of the history that began before `before`, at most `max` of
 * them, a few at a time; see store_run_old() for those that stay. The caller
 * holds the lease. Their number, or -1.
 */
int64_t run_forget(struct store *store, int64_t before, size_t max,
		   struct error *err);

/* How long changes of objects are kept, as the configuration says or since one
 * moment for all. */
struct run_keep {
	const struct config *config;
	int64_t now;
	int64_t before; /* 0: by the configuration */
};

/*
 * Removes what is kept of changes longer ago than that, at most about `max` of
 * them, some thousand at a time. The caller holds the lease. Their number, or
 * -1.
 */
int64_t run_forget_changes(struct store *store, const struct run_keep *keep,
			   size_t max, struct error *err);

/*
 * A cycle: imports of all agents in the cycle's order (delta where there is a
 * watermark), syncs of all, exports of all, imports of those exported to,
 * syncs of those; again while something is still to be exported, three rounds
 * at most. A failed import or a guard stops that agent only. The worst exit.
 */
enum run_exit run_cycle(struct store *store, const struct config *config,
			const struct run_options *options, struct error *err);

/* What a cycle does for an agent at first: a delta import where one can follow,
 * else a full one. */
enum run_exit run_import(struct store *store, const struct config *config,
			 const struct config_agent *agent,
			 const struct run_options *options, struct error *err);

/*
 * Of a cycle the imports (when `imports` says so) and all syncs. `between` is
 * called when the imports are done; 0 to go on, or -1. The worst exit.
 */
enum run_exit run_syncs(struct store *store, const struct config *config,
			const struct run_options *options, bool imports,
			int (*between)(void *data, struct error *err),
			void *data, struct error *err);

#endif
