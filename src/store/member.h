/*
 * member.h - changes of reference sets, kept beside the images
 *
 * A group of half a million members has one image, which is not written again
 * because of one member: a row says of which target something is otherwise.
 * Who has no row is at all levels what the stored image says. Rows of
 * connector space and of metaverse objects lie in one table, their ids are
 * never the same. See docs/decisions/0019.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_MEMBER_H
#define STORE_MEMBER_H

#include "store/cs.h"
#include "store/mv.h"

enum member_flags {
	/* it is a value of ... */
	MEMBER_STORED = 1 << 0,  /* the image as it is stored */
	MEMBER_IMAGE = 1 << 1,   /* the image */
	MEMBER_SYNCED = 1 << 2,  /* what was synchronized last */
	MEMBER_WRITTEN = 1 << 3, /* what is awaited, with AWAITED */
	MEMBER_WANTED = 1 << 4,  /* what is pending, with PENDING */
	/* what is known of it */
	MEMBER_CONFIRMED = 1 << 5, /* it was exported and came back */
	MEMBER_AWAITED = 1 << 6,
	MEMBER_PENDING = 1 << 7,
	MEMBER_MOVING = 1 << 8, /* made by store_member_put(): there is more
				 * to it than the image */
};

struct member {
	int64_t source;
	uint32_t attr; /* store number */
	int64_t target;
	unsigned flags;
	int64_t since; /* see store_member_since() */
};

/* A row that says what the stored image says is none. */
int store_member_put(struct store_tx *tx, const struct member *row,
		     struct error *err);
/* Of a metaverse object: who gave the set, and when it last changed; a row
 * whose target is the negative id of that connector. */
int store_member_since(struct store_tx *tx, int64_t mv, uint32_t attr,
		       int64_t cs, int64_t since, struct error *err);
/* All of an object. */
int store_member_delete(struct store_tx *tx, int64_t source, struct error *err);
/* Those of objects from..to of one agent (or of the metaverse), in order; the
 * number, or -1. */
int store_member_range(struct store *store, int64_t from, int64_t to,
		       struct arena *arena, struct member **out,
		       struct error *err);
/* Those of an object that are moving. */
int store_member_moving(struct store *store, int64_t source,
			struct arena *arena, struct member **out,
			struct error *err);
/* The row of a value, made up when there is none: from what is known of
 * references. 1, 0: cannot be told without the image, -1. */
int store_member_get(struct store *store, int64_t source, uint32_t attr,
		     int64_t target, struct member *out, struct error *err);

/* Which attribute of `source` refers to `target`: 1, 0 none does, -1. Zero:
 * not just one, or not known. */
int store_referring(struct store *store, int64_t source, int64_t target,
		    uint32_t *out, struct error *err);
/* An attribute more of `source` refers to `target`. */
int store_cs_ref_add(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err);
int store_mv_ref_add(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err);

/* ---- levels ---- */

/* The value at a level; of a level that says nothing the one below. */
bool member_in_image(const struct member *row);
bool member_in_settled(const struct member *row); /* as entry_settled() */
bool member_in_written(const struct member *row);
bool member_in_expected(const struct member *row);

/* The metaverse object's image, with what lies beside it. */
int mv_image(struct store *store, const struct mv_row *row, struct arena *arena,
	     struct image *out, struct error *err);
/* The same, with the rows: their number, or -1. */
int mv_image_members(struct store *store, const struct mv_row *row,
		     struct arena *arena, struct image *out,
		     struct member **rows_out, struct error *err);

/* The rows of one attribute over its values: `in` says who is one. */
struct values member_values(const struct values *values,
			    const struct member *rows, size_t count,
			    bool (*in)(const struct member *row),
			    struct arena *arena);

/* What is pending by rows, for a hash of it. */
int member_pending_text(struct store *store, int64_t cs, struct strbuf *out,
			struct error *err);

#endif
