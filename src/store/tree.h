/*
 * tree.h - names of connector space objects: keys, DNs, the tree of parents
 *
 * A DN is kept as (parent, RDN), so a container's rename is one row. Keys are
 * keyed hashes; a hit is verified against the object. What this run has
 * buffered is seen before what the store has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "base/map.h"
#include "base/vec.h"
#include "store/entry.h"

/* ---- hashes of keys ---- */

/* `type` 0: anchors are unique over the agent and folded as DNs, which leaves
 * plain ids as they are but for case; else within the type, as text. */
uint64_t key_of_anchor(const struct store *store, uint32_t agent, uint32_t type,
		       struct sv anchor);
bool anchor_same(uint32_t type, struct sv a, struct sv b);
uint64_t key_of_name(const struct store *store, uint32_t agent, int64_t parent,
		     struct sv rdn);
/* A value of an attribute (store number) that must be unique in the agent. */
uint64_t key_of_unique(const struct store *store, uint32_t agent, uint32_t attr,
		       const struct value *value);
/* A value of a metaverse attribute or key (store number). */
uint64_t key_of_mv(const struct store *store, uint32_t attr,
		   const struct value *value);
/* What a metaverse object may wait for: an object of a type with a value of an
 * attribute; a connector space object's link; a metaverse object's connector
 * in an agent. */
uint64_t key_of_wait_value(const struct store *store, uint32_t mv_type,
			   uint32_t attr, const struct value *value);
uint64_t key_of_wait_link(const struct store *store, int64_t cs);
uint64_t key_of_wait_connector(const struct store *store, int64_t mv,
			       uint32_t agent);
/* The value of a join rule (`rule`: any number that names it). */
uint64_t key_of_join(const struct store *store, uint64_t rule,
		     const struct values *values);

/* ---- the tree of one agent ---- */

struct tree {
	struct store *store;
	uint32_t agent;
	struct namemap *found;    /* folded DN of a container -> id */
	struct idmap names;       /* id -> DN of a container, in `arena` */
	struct idmap fresh;       /* key -> 1 + index in `keys` */
	VEC(struct key_row) keys; /* to be written sorted, with the batch */
	VEC(size_t) same_key;     /* 1 + index of the one before; 0: none */
	struct arena arena;
};

void tree_init(struct tree *tree, struct store *store, uint32_t agent);
void tree_release(struct tree *tree);
/* Forgets what is cached, after a container was renamed or a rollback. */
void tree_forget(struct tree *tree);

/* Buffers a key of an object; tree_flush writes them, in order. */
void tree_add_key(struct tree *tree, uint64_t h, int64_t id);
int tree_flush(struct tree *tree, struct store_tx *tx, struct error *err);
/* The buffered ones are written by whoever took them from `keys`. */
void tree_forget_keys(struct tree *tree);
/* Ids with this key, buffered ones first; the number, or -1. */
int tree_find_key(struct tree *tree, uint64_t h, struct arena *arena,
		  int64_t **out, struct error *err);

enum tree_view {
	TREE_IMPORTED = 1, /* by the name that the last import read */
	TREE_EXPECTED = 2, /* by the name after all exports */
};

/*
 * The object of this name: 1 *id_out, 0 none, -1. With both views the imported
 * name goes first. Objects whose deletion is imported come last.
 */
int tree_find(struct tree *tree, struct sv dn, unsigned views, int64_t *id_out,
	      struct error *err);

/* Imported objects at and below a container: 0 where there is none, -1. */
int64_t tree_count_below(struct tree *tree, struct sv container,
			 struct error *err);

/* As tree_find; makes placeholders for what is missing of the DN, itself and
 * its parents. */
int tree_make(struct tree *tree, struct store_tx *tx, struct sv dn,
	      int64_t *id_out, struct error *err);

/* Splits a DN and finds or makes its parent: where to put an object. */
int tree_place(struct tree *tree, struct store_tx *tx, struct sv dn,
	       int64_t *parent_out, struct sv *rdn_out, struct error *err);

/* The DN of (parent, rdn) in the arena; ancestors by their expected names when
 * `view` says so. Empty rdn: empty. */
int tree_dn(struct tree *tree, int64_t parent, struct sv rdn,
	    enum tree_view view, struct arena *arena, struct sv *out,
	    struct error *err);

#endif
