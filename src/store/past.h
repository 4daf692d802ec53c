/*
 * past.h - what objects were before: one row for each change of an object
 *
 * A row holds what the change replaced, so what an object was at a time is
 * worked out backwards from what it is now, and the creation of an object needs
 * no row: the object itself tells by which run it was made and when. What
 * happens to it within that run is part of its creation. Row ids carry the
 * run, (run << 40) | sequence, and only ever grow.
 *
 * Secret values are never kept: a mark stands in their place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_PAST_H
#define STORE_PAST_H

#include "store/image.h"
#include "store/mv.h"

#define PAST_RUN_SHIFT 40
#define PAST_ID(run)   ((int64_t)(run) << PAST_RUN_SHIFT)
#define PAST_RUN(id)   ((int64_t)((id) >> PAST_RUN_SHIFT))

enum past_kind {
	PAST_CHANGE = 1, /* of a metaverse object: attributes, links */
	PAST_DELETE = 2, /* of a metaverse object: all that it was */
	PAST_EXPORT = 3, /* of a connector space object: what was sent */
};

struct past_row {
	int64_t id;
	int64_t object; /* of either space */
	enum past_kind kind;
	uint32_t type; /* NAME_MV_TYPE or NAME_TYPE */
	int64_t time;
	struct sv answer; /* of an export that did not succeed: "code: text" */
	struct sv what;
};

int store_past_put(struct store_tx *tx, const struct past_row *row,
		   struct error *err);
/* The first id that the run has not used yet. */
int store_past_next(struct store *store, int64_t run, int64_t *out,
		    struct error *err);
/* The answer to the last export of an object with an id from `from` on and
 * before `before`; 0: whatever its id. Nothing when there is none. */
int store_past_answer(struct store_tx *tx, int64_t object, int64_t from,
		      int64_t before, struct sv answer, struct error *err);
/* Of an object with id < before, the newest first, at most `limit`. The number
 * filled, or -1. */
int store_past_of(struct store *store, int64_t object, int64_t before,
		  struct past_row *rows, int limit, struct arena *arena,
		  struct error *err);
/* Of all objects with id > after and < before, the oldest first, without what
 * they hold. */
int store_past_scan(struct store *store, int64_t after, int64_t before,
		    struct past_row *rows, int limit, struct error *err);
/* The first run that may have rows of after `time`; 0: any. */
int store_past_run_at(struct store *store, int64_t time, int64_t *out,
		      struct error *err);
enum past_what {
	PAST_EXPORTS = 0, /* of all agents */
	PAST_OBJECTS = 1, /* metaverse objects of one type */
};
/* Rows from before `before` with id > *after go; at most `limit`, of whatever
 * kind, are looked at and *after is moved on. How many were, or -1. */
int store_past_forget(struct store_tx *tx, enum past_what what, uint32_t type,
		      int64_t before, int64_t *after, int limit,
		      int64_t *removed, struct error *err);
/* Metaverse objects with id > after that the runs from..to made, in order: the
 * number or -1. */
int store_mv_made(struct store *store, int64_t from, int64_t to, int64_t after,
		  int64_t *out, int limit, struct error *err);

/* ---- what a row holds ---- */

struct past_value {
	uint32_t attr; /* configuration number */
	uint32_t by;   /* NAME_RULE_SET that gave it until then, or 0 */
	bool secret;   /* it changed, nobody is told how */
	bool whole;    /* `gone` is all that it was; else it was what it is now
			* without `come` and with `gone` */
	struct values gone;
	struct values come;
};

struct past_link {
	int64_t cs;
	uint32_t rule_set; /* NAME_RULE_SET */
	enum link_how how;
	int64_t time; /* of one that went: since when it was */
};

/* Of an addition: by which it is seen that a value is not there any more. */
struct past_sum {
	uint32_t attr; /* configuration number */
	uint32_t sum;
};

/* An object that referred to what was deleted, by this attribute. */
struct past_referrer {
	int64_t cs;
	uint32_t attr; /* store number; 0: by several */
};

struct past {
	enum past_kind kind;
	struct past_link *gone; /* links */
	size_t gone_count;
	struct past_link *come;
	size_t come_count;
	struct past_value *values;
	size_t value_count;
	/* PAST_DELETE */
	struct mv_row row;  /* without image and lineage */
	struct image image; /* what it was; PAST_EXPORT of a deletion too */
	/* PAST_EXPORT */
	enum export_op_kind op;
	int64_t parent; /* what it had for a name, and got; rdn empty: as it
			 * was */
	struct sv rdn;
	int64_t new_parent;
	struct sv new_rdn;
	struct past_sum *sums; /* of an addition */
	size_t sum_count;
	int64_t mv; /* of a deletion: whose it was, or 0 */
	uint32_t rule_set;
	struct past_referrer *referrers; /* of a deletion, with what is no
					  * change of ours */
	size_t referrer_count;
};

/* The attribute holds what nobody is to see, or such a value. */
bool past_secret(const struct store *store, uint32_t attr,
		 const struct values *values);
/* What `to` made of `from`: false when they are the same. `sent` keeps what
 * came even where it could be told from what is there now. */
bool past_value(struct store *store, uint32_t attr, const struct values *from,
		const struct values *to, bool sent, struct arena *arena,
		struct past_value *out);
/* The same for texts that differ in the case of letters. */
uint32_t past_sum(struct store *store, const struct value *value,
		  struct arena *arena);
/* What an attribute was before. */
struct values past_before(const struct past_value *value,
			  const struct values *now, struct arena *arena);
void past_encode(const struct past *past, struct store *store,
		 struct strbuf *out);
/* Views into `row->what`. 0, or -1 ERR_CORRUPT. */
int past_decode(const struct past_row *row, struct store *store,
		struct arena *arena, struct past *out, struct error *err);

#endif
