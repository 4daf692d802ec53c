/*
 * cs.h - connector space: objects, links, staged changes, keys
 *
 * An object's row holds what the last import read. What is in motion lies in
 * narrow tables beside it, which are nearly empty in a steady state: a pending
 * import, a pending export, an export awaiting confirmation, an error.
 *
 * Ids carry their agent: (agent << 40) | sequence; append only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_CS_H
#define STORE_CS_H

#include "store/store.h"

#define CS_AGENT_SHIFT 40
#define CS_ID(agent, sequence)                                                 \
	(((int64_t)(agent) << CS_AGENT_SHIFT) | (int64_t)(sequence))
#define CS_AGENT(id)    ((uint32_t)((id) >> CS_AGENT_SHIFT))
#define CS_SEQUENCE(id) ((id) & ((INT64_C(1) << CS_AGENT_SHIFT) - 1))

enum cs_flags {
	CS_PLACEHOLDER = 1, /* a gap in the tree, or a reference's target, that
			     * was never read: no object */
	CS_CONTAINER = 2,   /* read, but of no configured type */
	CS_TRANSIENT = 4,   /* another object took its name, which is kept for
			     * display: no look-up finds it by that */
};

struct cs_row {
	int64_t id;
	uint32_t type; /* NAME_TYPE; 0: placeholder or container */
	uint32_t flags;
	int64_t parent; /* 0: none */
	struct sv rdn;  /* with its parent's DN: the DN; empty: no DNs */
	struct sv anchor;
	bool has_image; /* false: provisioned, not seen by an import yet */
	struct sv image;
};

/* 1 filled (bytes in arena), 0 no such object. */
int store_cs_get(struct store *store, int64_t id, struct arena *arena,
		 struct cs_row *out, struct error *err);
/* Without anchor and image: what the DN and type are made of. */
int store_cs_head(struct store *store, int64_t id, struct arena *arena,
		  struct cs_row *out, struct error *err);
/* Without the image, which may be large. */
int store_cs_named(struct store *store, int64_t id, struct arena *arena,
		   struct cs_row *out, struct error *err);
/* A new id of the agent, unique for ever once the transaction commits. */
/* How many ids the agent's objects were given, also those that are gone; some
 * more at most. */
int store_cs_given(struct store *store, uint32_t agent, int64_t *out,
		   struct error *err);
int64_t store_cs_new_id(struct store_tx *tx, uint32_t agent);
int store_cs_put(struct store_tx *tx, const struct cs_row *row,
		 struct error *err);
/* The same, and quicker, for one that is there. */
int store_cs_update(struct store_tx *tx, const struct cs_row *row,
		    struct error *err);
int store_cs_delete(struct store_tx *tx, int64_t id, struct error *err);

/* Objects of an agent with id > after, in order, at most `limit`; placeholders
 * too. The number filled, or -1. */
int store_cs_scan(struct store *store, uint32_t agent, int64_t after,
		  struct cs_row *rows, int limit, struct arena *arena,
		  struct error *err);
/* Ids of children. Adds to the caller's array in the arena. */
int store_cs_children(struct store *store, int64_t parent, struct arena *arena,
		      int64_t **out, size_t *count_out, struct error *err);
/* The greatest id of an agent's objects, 0 when it has none. */
int store_cs_last(struct store *store, uint32_t agent, int64_t *out,
		  struct error *err);

/* Imported objects (not placeholders, containers) of a type; 0: of all. */
int64_t store_cs_count(struct store *store, uint32_t agent, uint32_t type,
		       struct error *err);
/* Of a type, counted up to `most`. */
int64_t store_cs_count_most(struct store *store, uint32_t agent, uint32_t type,
			    int64_t most, struct error *err);
/* Of an object and all that lies below it, of whatever type. */
int64_t store_cs_count_below(struct store *store, int64_t top,
			     struct error *err);

/* ---- anchors, with the hash of what was read ---- */

struct anchor_key {
	uint64_t h;
	int64_t id;
	struct hash128 content;
};

int store_anchor_put(struct store_tx *tx, uint32_t agent,
		     const struct anchor_key *key, struct error *err);
int store_anchor_delete(struct store_tx *tx, uint32_t agent, uint64_t h,
			int64_t id, struct error *err);
/* Keys with this hash, at most `max`; the number, or -1. */
int store_anchor_find(struct store *store, uint32_t agent, uint64_t h,
		      struct anchor_key *out, int max, struct error *err);
/* All keys of the agent: fn returns 0 to go on, -1 to stop. */
int store_anchor_scan(struct store *store, uint32_t agent,
		      int (*fn)(void *data, const struct anchor_key *key),
		      void *data, struct error *err);

/* ---- other keys: DN, unique values, join values. Hints: a hit is verified
 * against the object, a stale one deleted by who finds it. ---- */

struct key_row {
	uint64_t h;
	int64_t id;
};

int store_cs_key_put(struct store_tx *tx, const struct key_row *keys,
		     size_t count, struct error *err); /* sorts a copy */
int store_cs_key_delete(struct store_tx *tx, uint64_t h, int64_t id,
			struct error *err);
/* Ids with this hash, in arena; the number, or -1. */
int store_cs_key_find(struct store *store, uint64_t h, struct arena *arena,
		      int64_t **out, struct error *err);

/* ---- references between objects of one agent ---- */

/* By the attribute (store number); 0: by several. */
int store_cs_ref_put(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err);
/* Who refers to `from` refers to `to`. */
int store_cs_ref_move(struct store_tx *tx, int64_t from, int64_t to,
		      int64_t source, struct error *err);
int store_cs_ref_delete(struct store_tx *tx, int64_t target, int64_t source,
			struct error *err);
/* Objects that refer to `target`. */
int store_cs_referrers(struct store *store, int64_t target, struct arena *arena,
		       int64_t **out, struct error *err);

/* The same with the attribute by which (store number; 0: several): the number,
 * or -1. */
struct past_referrer;
int store_cs_referring(struct store *store, int64_t target, struct arena *arena,
		       struct past_referrer **out, struct error *err);

/* ---- links and the states of disconnectors ---- */

enum link_state {
	LINK_NORMAL = 0,   /* with mv: a connector; without: a disconnector */
	LINK_EXPLICIT = 1, /* set by hand or by deprovisioning */
	LINK_FILTERED = 2, /* a filtered disconnector */
};

enum link_how {
	LINK_NONE = 0,
	LINK_FILTER = 1,
	LINK_PROJECTION = 2,
	LINK_JOIN = 3,
	LINK_PROVISIONING = 4,
	LINK_DEPROVISIONING = 8,
	LINK_HAND = 9, /* the joiner's: joined or untied by a person */
};

struct link_row {
	int64_t cs;
	int64_t mv;        /* 0: not linked */
	uint32_t rule_set; /* NAME_RULE_SET */
	enum link_state state;
	enum link_how how;
	bool wanted; /* the provisioning rule's `when` was true */
	int64_t time;
	int64_t last_mv; /* was deprovisioned from; linked again on rehire */
	int64_t leaving; /* since when it waits to be deprovisioned, or 0 */
};

int store_link_get(struct store *store, int64_t cs, struct link_row *out,
		   struct error *err);
/* Those of objects from..to of one agent, in order; the number, or -1. */
int store_link_range(struct store *store, int64_t from, int64_t to,
		     struct arena *arena, struct link_row **out,
		     struct error *err);
int store_link_put(struct store_tx *tx, const struct link_row *row,
		   struct error *err);
int store_link_delete(struct store_tx *tx, int64_t cs, struct error *err);
/* All links of a rule set, and what is held of it, are those of another one. */
int store_link_take_over(struct store_tx *tx, uint32_t from, uint32_t to,
			 struct error *err);
/* Connectors of a metaverse object; the number, or -1. */
int store_link_of_mv(struct store *store, int64_t mv, struct arena *arena,
		     struct link_row **out, struct error *err);
/* The same, no more than who and by which rule set. */
struct link_ref {
	int64_t cs;
	uint32_t rule_set; /* NAME_RULE_SET */
};
int store_link_refs(struct store *store, int64_t mv, struct arena *arena,
		    struct link_ref **out, struct error *err);
/* Who is linked to metaverse objects from ... to, in order of those and then
 * of connectors. */
struct link_pair {
	int64_t mv;
	int64_t cs;
};
int store_link_pairs(struct store *store, int64_t from, int64_t to,
		     struct arena *arena, struct link_pair **out,
		     struct error *err);
/* Links of the agent's objects under a rule set; looks at all of them. */
int64_t store_link_count(struct store *store, uint32_t agent, uint32_t rule_set,
			 struct error *err);
/* Disconnectors that remember this metaverse object. */
int store_link_remembering(struct store *store, int64_t mv, struct arena *arena,
			   struct link_row **out, struct error *err);

/* ---- staged changes ---- */

enum import_op {
	IMPORT_NONE = 0,
	IMPORT_ADD = 1,
	IMPORT_UPDATE = 2,
	IMPORT_DELETE_ADD = 3,
	IMPORT_DELETE = 4,
};

struct pending_import {
	int64_t cs;
	enum import_op op;
	bool renamed;
	struct sv old_dn;    /* renamed: the DN last synchronized */
	struct sv synced;    /* image last synchronized; empty of an add */
	struct sv confirmed; /* a change: exported values that came back */
	bool indexed;        /* its join keys are in cs_key (see sync/keys.c) */
	bool sets; /* reference sets differ and nothing else, by rows beside
		    * the image (member.h): synced and confirmed are empty */
};

int store_pending_import_get(struct store *store, int64_t cs,
			     struct arena *arena, struct pending_import *out,
			     struct error *err);
/* Those of objects from..to of one agent, in order; the number, or -1. */
int store_pending_import_range(struct store *store, int64_t from, int64_t to,
			       struct arena *arena, struct pending_import **out,
			       struct error *err);
int store_pending_import_put(struct store_tx *tx,
			     const struct pending_import *row,
			     struct error *err);
/* Those of objects from..to of one agent. */
int store_pending_import_delete(struct store_tx *tx, int64_t from, int64_t to,
				struct error *err);
enum pending_import_filter {
	PENDING_IMPORT_ALL,
	PENDING_IMPORT_DELETES,
	PENDING_IMPORT_OTHERS, /* all but deletes */
	PENDING_IMPORT_NOT_INDEXED,
	PENDING_IMPORT_WHOLE, /* of the others those that are not `sets` */
	PENDING_IMPORT_SETS,
};
/* Ids > after of an agent, in order. */
int store_pending_import_ids(struct store *store, uint32_t agent, int64_t after,
			     enum pending_import_filter filter, int64_t *out,
			     int limit, struct error *err);

enum export_op_kind {
	PENDING_NONE = 0,
	PENDING_ADD = 1,
	PENDING_UPDATE = 2, /* with a dn: a rename too */
	PENDING_DELETE_ADD = 3,
	PENDING_DELETE = 4,
};

struct pending_export {
	int64_t cs;
	enum export_op_kind op;
	bool in_progress; /* handed out; the outcome is not known */
	bool aside;       /* in progress is only the step to a passing name */
	int64_t parent;   /* the new place and name, or 0 and empty */
	struct sv rdn;
	struct sv attrs; /* a change: attributes with the values wanted */
};

int store_pending_export_get(struct store *store, int64_t cs,
			     struct arena *arena, struct pending_export *out,
			     struct error *err);
int store_pending_export_range(struct store *store, int64_t from, int64_t to,
			       struct arena *arena, struct pending_export **out,
			       struct error *err);
int store_pending_export_put(struct store_tx *tx,
			     const struct pending_export *row,
			     struct error *err);
int store_pending_export_delete(struct store_tx *tx, int64_t cs,
				struct error *err);
int store_pending_export_ids(struct store *store, uint32_t agent, int64_t after,
			     int64_t *out, int limit, struct error *err);

/* Exported, not seen again by an import yet: same shape. */
int store_awaiting_get(struct store *store, int64_t cs, struct arena *arena,
		       struct pending_export *out, struct error *err);
int store_awaiting_range(struct store *store, int64_t from, int64_t to,
			 struct arena *arena, struct pending_export **out,
			 struct error *err);
int store_awaiting_put(struct store_tx *tx, const struct pending_export *row,
		       struct error *err);
int store_awaiting_delete(struct store_tx *tx, int64_t cs, struct error *err);
int store_awaiting_ids(struct store *store, uint32_t agent, int64_t after,
		       int64_t *out, int limit, struct error *err);

/* Values that a merging export rule gave last: a change image. Of other rules:
 * those that the system writes in another case, and behind them how. */
int store_merged_get(struct store *store, int64_t cs, struct arena *arena,
		     struct sv *out, struct error *err);
int store_merged_put(struct store_tx *tx, int64_t cs, struct sv image,
		     struct error *err);

/* ---- what another thread is about to write: store_write_behind ---- */

enum store_rows {
	STORE_ROWS_LINK = 1U << 0,
	STORE_ROWS_IMPORT = 1U << 1,
	STORE_ROWS_EXPORT = 1U << 2,
	STORE_ROWS_AWAITING = 1U << 3,
	STORE_ROWS_QUEUE = 1U << 4,
	STORE_ROWS_DUE = 1U << 5,
};
/* `rows`: of enum store_rows, of this object. */
void store_expect_rows(struct store *store, int64_t cs, unsigned rows);

enum store_keys {
	STORE_KEYS_CS,
	STORE_KEYS_MV,
	STORE_KEYS_WAIT,
	STORE_KEYS_LINK, /* told by store_expect_rows */
};
#define STORE_KEY_TABLES 4
void store_expect_keys(struct store *store, enum store_keys table,
		       const struct key_row *keys, size_t count);

/* ---- what failed, what is to be tried again ---- */

enum cs_error_kind {
	ERROR_SYNC = 1,
	ERROR_IMPORT = 2,
	ERROR_EXPORT = 3,
	ERROR_NAME = 4, /* of those that are CS_TRANSIENT */
};

struct cs_error {
	int64_t cs;
	enum cs_error_kind kind;
	struct sv code;    /* "missing-parent" */
	struct sv message; /* a sentence */
	int64_t first;
	int64_t last;
	int64_t count;
};

/* Keeps `first` and counts on when one of the same code is there. */
int store_error_put(struct store_tx *tx, const struct cs_error *row,
		    struct error *err);
int store_error_delete(struct store_tx *tx, int64_t cs, enum cs_error_kind kind,
		       struct error *err);
int store_error_get(struct store *store, int64_t cs, enum cs_error_kind kind,
		    struct arena *arena, struct cs_error *out,
		    struct error *err);
/* Of one agent, or all (0), in order. */
int store_error_scan(struct store *store, uint32_t agent,
		     int (*fn)(void *data, const struct cs_error *row),
		     void *data, struct error *err);

/* Objects that the agent's next delta sync takes besides staged changes. */
int store_queue_put(struct store_tx *tx, int64_t cs, struct error *err);
int store_queue_delete(struct store_tx *tx, int64_t cs, struct error *err);
int store_queue_ids(struct store *store, uint32_t agent, int64_t after,
		    int64_t *out, int limit, struct error *err);

#endif
