/*
 * history.h - runs, their steps, counters, errors and lists of objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store/store.h"

struct run_row {
	int64_t id;
	const char *agent;
	const char *profile;
	const char *user;
	const char *host;
	int64_t process;
	int64_t started;
	int64_t ended;      /* 0: going on, or died */
	const char *result; /* "in-progress" until it ended */
	const char *message;
	struct hash128 rules; /* hash of the configuration used */
};

/* The number of the new run, or -1. */
int64_t store_run_begin(struct store_tx *tx, const struct run_row *row,
			struct error *err);
int store_run_end(struct store_tx *tx, int64_t run, int64_t ended,
		  const char *result, const char *message, struct error *err);
/* Newest first; fn returns 0 to go on, 1 to stop, -1 on error. */
int store_run_scan(struct store *store, int64_t only, int limit,
		   int (*fn)(void *data, const struct run_row *row), void *data,
		   struct error *err);

/*
 * Runs that began before `before` and that nobody needs any more: not the last
 * of their agent with a step of some kind (nor the last in which that step came
 * to an end), not those of the lease that is held. Oldest first, at most `max`:
 * their number, or -1.
 */
int store_run_old(struct store *store, int64_t before, int64_t *out, size_t max,
		  struct error *err);
/* With its steps, their counters and what they could not read. */
int store_run_remove(struct store_tx *tx, int64_t run, struct error *err);

struct step_row {
	int64_t id;
	int64_t run;
	int number;       /* 1 based within the run */
	const char *kind; /* "full-import", "delta-sync", "export" ... */
	int64_t started;
	int64_t ended;
	const char *result;
	const char *message;
};

/* One that has not ended: its process holds the lease that it began under. */
bool store_run_going_on(const struct run_row *row,
			const struct store_holders *holders);

int64_t store_step_begin(struct store_tx *tx, const struct step_row *row,
			 struct error *err);
int store_step_end(struct store_tx *tx, const struct step_row *row,
		   struct error *err);
int store_step_scan(struct store *store, int64_t run,
		    int (*fn)(void *data, const struct step_row *row),
		    void *data, struct error *err);

/* A counter of a step; target 0, or the agent of an outbound counter. `ids`
 * is the list of objects, coded by store_ids_encode, or empty. */
struct counter_row {
	int64_t step;
	uint32_t target;
	const char *name;
	int64_t value;
	struct sv ids;
};

int store_counter_put(struct store_tx *tx, const struct counter_row *row,
		      struct error *err);
int store_counter_scan(struct store *store, int64_t step,
		       int (*fn)(void *data, const struct counter_row *row),
		       void *data, struct error *err);

/* An object that could not be read, by a step. */
struct discovery_error {
	int64_t step;
	struct sv code;
	struct sv message;
	struct sv where;
	struct sv anchor;
};

int store_discovery_put(struct store_tx *tx, const struct discovery_error *row,
			struct error *err);
int store_discovery_scan(struct store *store, int64_t step,
			 int (*fn)(void *data,
				   const struct discovery_error *row),
			 void *data, struct error *err);

/* Objects that a counter counted and that are not in the store, kept as rows of
 * this kind whose code is the counter's name: no errors, and not among those
 * that store_discovery_scan finds. */
#define STORE_FILTERED_DELETIONS "filtered-deletions"
#define STORE_FILTERED_OBJECTS   "filtered-objects"
int store_filtered_scan(struct store *store, int64_t step, const char *counter,
			int (*fn)(void *data,
				  const struct discovery_error *row),
			void *data, struct error *err);

/* Lists of ids as differences: adds one id behind `last`. */
void store_ids_encode(struct strbuf *list, int64_t *last, int64_t id);
/* 1: *id_out is the next; 0: end; -1: damaged. Start with at = last = 0. */
int store_ids_decode(struct sv list, size_t *at, int64_t *last,
		     int64_t *id_out);

/* A token that was used to pass a guard. */
int store_allow_record(struct store_tx *tx, int64_t run, const char *token,
		       const char *user, struct error *err);
struct allowed_row {
	int64_t run;
	const char *token;
	const char *user;
	int64_t time;
};
/* The tokens that a run used: fn returns 0 to go on, -1 to stop. */
int store_allow_scan(struct store *store, int64_t run,
		     int (*fn)(void *data, const struct allowed_row *row),
		     void *data, struct error *err);

#endif
