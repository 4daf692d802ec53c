/*
 * image.h - the attributes of an object, in memory and as stored bytes
 *
 * In memory an image is an array of attributes sorted by number, each with at
 * least one value. As bytes every value has its type tag and attributes are
 * numbers of the store's dictionary, so a change of configuration never
 * reinterprets old bytes. The decoder checks every length: a store file can
 * be damaged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "model/value.h"

#include <stdint.h>

struct image_attr {
	uint32_t attr; /* config's number */
	struct values values;
};

struct image {
	struct image_attr *attrs; /* sorted by attr */
	size_t len;
	size_t size; /* room in attrs */
};

#define IMAGE_EMPTY ((struct image){ NULL, 0, 0 })

/* Numbers of attributes: the configuration's and the store's. */
struct attr_map {
	uint32_t *to_store; /* [config number] */
	size_t to_store_len;
	uint32_t *from_store; /* [store number] */
	size_t from_store_len;
};

/* NULL when the image has no such attribute. */
const struct values *image_get(const struct image *image, uint32_t attr);
/* The same, looking first where it was in the image before: *place is any
 * number at first, and then where it was found. */
const struct values *image_get_near(const struct image *image, uint32_t attr,
				    size_t *place);

/* It stands there, perhaps without values (only a change has such). */
bool image_has(const struct image *image, uint32_t attr);

/*
 * Sets, replaces or (with no values) removes. The array grows in the arena;
 * the values are borrowed.
 */
void image_set(struct image *image, uint32_t attr, struct values values,
	       struct arena *arena);

/*
 * Lays a change over: attributes of `change` replace those of `image`; one
 * without values (only a change has such) removes. Borrows the values.
 */
void image_apply(struct image *image, const struct image *change,
		 struct arena *arena);

/* As image_set, but keeps an attribute without values: for changes. */
void image_put(struct image *change, uint32_t attr, struct values values,
	       struct arena *arena);

/* A shallow copy whose array is its own. */
struct image image_copy(const struct image *image, struct arena *arena);
/* A copy with all its values. */
struct image image_dup(const struct image *image, struct arena *arena);

/* Exactly the same attributes with the same sets of values. */
bool image_identical(const struct image *a, const struct image *b);

/* What makes `to` from `from`: attributes with their new values, none for one
 * that is gone. Borrows. */
struct image image_diff(const struct image *from, const struct image *to,
			struct arena *arena);

/* Adds the stored form to `out`. */
void image_encode(const struct image *image, const struct attr_map *map,
		  struct strbuf *out);

/* 0, or -1 ERR_CORRUPT. Values are views into `bytes`. */
int image_decode(struct sv bytes, const struct attr_map *map,
		 struct arena *arena, struct image *out, struct error *err);

/* The references of one attribute, in order of their targets. */
struct image_set {
	uint32_t attr;
	int64_t *targets;
	size_t len;
};

/* The same without references, which are in `sets`: eight bytes for each. */
int image_decode_sets(struct sv bytes, const struct attr_map *map,
		      struct arena *arena, struct image *out,
		      struct image_set **sets_out, size_t *count_out,
		      struct error *err);

/* One value's stored form; numbers as in images. */
void image_encode_value(const struct value *value, struct strbuf *out);

/* 1: read, *at moved on, the text is a view; 0: damaged. */
int image_decode_value(struct sv bytes, size_t *at, struct value *out);

/* LEB128. */
void image_encode_number(uint64_t number, struct strbuf *out);
/* 1: read, *at moved on; 0: damaged. */
int image_decode_number(struct sv bytes, size_t *at, uint64_t *out);

#endif
