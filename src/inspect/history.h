/*
 * history.h - what metaverse objects were, worked out backwards from now
 *
 * Each change has a row that tells what it replaced (store/past.h); an object
 * at a time is what it is now with all later rows taken back. What happened
 * longer ago than the history is kept is not known: an object then looks as it
 * did at the oldest row that there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_HISTORY_H
#define INSPECT_HISTORY_H

#include "inspect/subject.h"
#include "store/past.h"

/* A moment: by a row's id (all rows from it on are later) or, with id 0, by
 * time. */
struct history_point {
	int64_t id;
	int64_t time;
};

/* Before a run began, and when it had ended. */
struct history_point history_before_run(int64_t run);
struct history_point history_after_run(int64_t run);

struct history_state {
	bool exists;
	struct mv_row row; /* without image and lineage */
	struct image image;
	struct past_link *links;
	size_t link_count;
};

/* A metaverse object, also one that is gone, at a moment; in the arena. */
int history_state(struct store *store, int64_t mv,
		  const struct history_point *at, struct arena *arena,
		  struct history_state *out, struct error *err);

/* All objects that there were, in order of ids. fn returns 0 to go on, 1 to
 * stop, -1; the state is borrowed. */
int history_scan(struct store *store, const struct history_point *at,
		 int (*fn)(void *data, const struct history_state *state,
			   struct error *err),
		 void *data, struct error *err);

/* ---- as a person reads it ---- */

struct history_value {
	const char *name;
	bool secret;
	struct display_texts before;
	struct display_texts after;
	const char *by;     /* rule set that gave what came, or NULL */
	const char *was_by; /* that gave what went */
};

struct history_link {
	bool came;
	int64_t cs;
	const char *agent;
	struct sv object;
	const char *rule_set;
	const char *how;
};

struct history_event {
	const char *what;    /* "created" "changed" "deleted" "exported" */
	int64_t run;         /* 0: not known */
	const char *profile; /* "hr full-sync"; NULL: the run is forgotten */
	int64_t time;        /* 0: not known */
	int64_t mv;          /* of all but "exported" */
	const char *type;
	struct sv title;
	/* "exported" */
	int64_t cs;
	struct sv object;      /* "directory uid=a,..." */
	const char *operation; /* "add" "update" "rename" "delete" */
	struct sv answer;      /* of one that did not succeed */
	struct sv dn;          /* what it was named, when that changed */
	struct sv new_dn;
	struct history_value *values;
	size_t value_count;
	struct history_link *links;
	size_t link_count;
};

struct history_query {
	struct sv attr; /* NULL pointer: all */
	int64_t since;  /* 0: from the beginning */
	int64_t limit;  /* 0: all */
};

/*
 * What happened to an object and to its exports, the newest first. fn returns
 * 0 to go on, 1 to stop; the event is borrowed. 1: there is more than the
 * limit; 0; -1.
 */
int history_of(struct display *display, const struct subject *subject,
	       const struct history_query *query,
	       int (*fn)(void *data, const struct history_event *event),
	       void *data, struct error *err);

/* A metaverse object by its number or GUID, also one that is gone: 1 found, 0
 * there is none, -1. */
int history_find(struct display *display, struct sv name, int64_t *out,
		 struct error *err);

/* What differs between two moments, in order of ids; `exports`: what was sent
 * between them comes behind, in order. */
int history_diff(struct display *display, const struct history_point *from,
		 const struct history_point *to, bool exports,
		 int (*fn)(void *data, const struct history_event *event),
		 void *data, struct error *err);

#endif
