/*
 * entry.h - a connector space object with all that is staged for it
 *
 * The levels, from the bottom: synced (what sync has consumed), image (what
 * the last import read), awaiting (exported, not seen again), pending export.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include "store/cs.h"

struct export_state {
	enum export_op_kind op;
	bool in_progress;
	bool aside;     /* see struct pending_export */
	int64_t parent; /* new place and name; rdn empty: as it was */
	struct sv rdn;
	struct image attrs; /* a change */
};

struct entry {
	struct cs_row row;
	struct image image;    /* decoded; empty without has_image */
	enum import_op import; /* pending import; IMPORT_NONE: nothing */
	bool renamed;
	bool indexed;
	bool has_link;
	bool stored;  /* its row was read from the store */
	bool members; /* sets have changes by rows (member.h): what is here has
		       * them, the first part written takes their place */
	struct sv old_dn;
	struct image synced;
	struct image confirmed; /* a change */
	struct export_state pending;
	struct export_state awaiting;
	struct link_row link;
};

/* 1 loaded into the arena, 0 no such object, -1. */
int entry_load(struct store *store, int64_t id, struct arena *arena,
	       struct entry *out, struct error *err);
/* Without the link. */
int entry_load_staged(struct store *store, int64_t id, struct arena *arena,
		      struct entry *out, struct error *err);
/* Without the pending import and the link. */
int entry_load_export(struct store *store, int64_t id, struct arena *arena,
		      struct entry *out, struct error *err);
/* Objects of an agent with id > after, in order, at most `limit`; placeholders
 * too. The number loaded into the arena, or -1. */
int entry_scan(struct store *store, uint32_t agent, int64_t after,
	       struct entry *out, int limit, struct arena *arena,
	       struct error *err);
/* The same of what entry_load_export() loads; of one whose values lie beside
 * its image in rows only the row, and `members`. */
int entry_scan_export(struct store *store, uint32_t agent, int64_t after,
		      struct entry *out, int limit, struct arena *arena,
		      struct error *err);

/* A copy that needs nothing of the original's memory, but for row.image. */
struct entry entry_dup(const struct entry *entry, struct arena *arena);

/* What the connected system has as far as is known: image and awaiting. */
struct image entry_written(const struct entry *entry, struct arena *arena);
/* What it will have after the pending export too. */
struct image entry_expected(const struct entry *entry, struct arena *arena);
/* What synchronization stands on while an import is pending: the values last
 * synchronized, with those exported and pending. Without a pending import the
 * same as entry_expected. */
struct image entry_settled(const struct entry *entry, struct arena *arena);

/* Parent and RDN that it will have after all exports, that the system has now
 * (written), and that the last import read are row.parent and row.rdn. */
void entry_expected_name(const struct entry *entry, int64_t *parent_out,
			 struct sv *rdn_out);
void entry_written_name(const struct entry *entry, int64_t *parent_out,
			struct sv *rdn_out);

/* It will be gone after the pending export or is gone already. */
bool entry_going(const struct entry *entry);

/* Writing back one part; an empty part deletes its row. */
int entry_put_row(struct store_tx *tx, struct entry *entry, struct error *err);
int entry_put_import(struct store_tx *tx, struct entry *entry,
		     struct error *err);
int entry_put_pending(struct store_tx *tx, struct entry *entry,
		      struct error *err);
/* The same with what pending.attrs is as bytes, made by image_encode(). */
int entry_put_pending_bytes(struct store_tx *tx, struct entry *entry,
			    struct sv encoded, struct error *err);
int entry_put_awaiting(struct store_tx *tx, struct entry *entry,
		       struct error *err);
/* What lay beside the image becomes part of what is written. */
int entry_settle_members(struct store_tx *tx, struct entry *entry,
			 struct error *err);

/* Every row that belongs to the object, but for keys (hints) and references
 * to it. `key_h` is its anchor's hash, or 0. */
int entry_remove(struct store_tx *tx, const struct entry *entry,
		 uint64_t anchor_h, struct error *err);

/* Ids that the image refers to (VALUE_REFERENCE numbers). */
void image_references(const struct image *image, struct arena *arena,
		      int64_t **out, size_t *count_out);

/* A target, and the attribute that refers to it; 0: several do. */
struct reference {
	int64_t target;
	uint32_t attr; /* configuration number */
};

/* What `to` refers to and `from` does not, or by other attributes, and what
 * only `from` refers to; in order of targets. */
struct reference_diff {
	struct reference *come;
	size_t come_count;
	int64_t *gone;
	size_t gone_count;
};
void image_reference_diff(const struct image *from, const struct image *to,
			  struct arena *arena, struct reference_diff *out);

#endif
