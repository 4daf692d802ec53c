/*
 * map.h - look-up tables: 64-bit keys, and text keys
 *
 * idmap is open addressing (ids and hashes, millions of them); hashmap is the
 * same for millions of texts; namemap keeps uthash's macros in one file and is
 * for names: attributes, agents, settings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/hash.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Side by side: in a large map either is a miss of the processor's cache. */
struct idmap_slot {
	uint64_t key; /* 0: free */
	uint64_t value;
};

/* From a non-zero 64-bit key to a pointer or number. */
struct idmap {
	struct idmap_slot *slots;
	size_t size; /* a power of two, or 0 */
	size_t len;
};

#define IDMAP_INIT                                                             \
	{                                                                      \
		NULL, 0, 0                                                     \
	}

void idmap_put(struct idmap *map, uint64_t key, uint64_t value);
/* 1: *value_out filled (may be NULL); 0: not there */
int idmap_get(const struct idmap *map, uint64_t key, uint64_t *value_out);
void idmap_put_ptr(struct idmap *map, uint64_t key, void *ptr);
void *idmap_get_ptr(const struct idmap *map, uint64_t key); /* or NULL */
/* Forgets all entries, keeps the memory when it is small. */
void idmap_clear(struct idmap *map);
void idmap_release(struct idmap *map);

struct hash_slot;

/* From a text to a number. Of a text only 128 bits are kept, hashed with a
 * secret of the map's own, so that no two texts can be made to meet: a million
 * of them take 50 MB, however long they are. */
struct hashmap {
	struct hash_key key;
	struct hash_slot *slots;
	size_t size; /* a power of two, or 0 */
	size_t len;
};

void hashmap_init(struct hashmap *map);
/* The text's number, 0 when it is new; until the next call. */
uint64_t *hashmap_at(struct hashmap *map, struct sv text);
/* The same of one that is there, or NULL. */
uint64_t *hashmap_find(const struct hashmap *map, struct sv text);
/* Accepts the all-zero struct. */
void hashmap_release(struct hashmap *map);

/* From a text to a number. Keys are copied; ASCII case counts unless said. */
struct namemap;

struct namemap *namemap_new(bool ignore_case);
void namemap_free(struct namemap *map);
/* Adds or replaces. */
void namemap_put(struct namemap *map, struct sv key, uint64_t value);
int namemap_get(const struct namemap *map, struct sv key, uint64_t *value_out);
size_t namemap_len(const struct namemap *map);

#endif
