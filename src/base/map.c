/*
 * map.c - id and hash tables by open addressing, name tables by uthash
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"

#include "base/arena.h"

#include <string.h>
#include <xxhash.h>

/* Short chains: each link is likely to be a miss of the cache. */
#define HASH_BKT_CAPACITY_THRESH 2U
#define HASH_FUNCTION(key, len, out)                                           \
	((out) = (unsigned)XXH3_64bits((key), (len)))
#include <uthash.h>

static size_t slot_of(uint64_t key, size_t size)
{
	key ^= key >> 32;
	key *= UINT64_C(0x9e3779b97f4a7c15);
	key ^= key >> 29;
	return (size_t)key & (size - 1);
}

/* The slot of a key, or the free one where it would be. */
static struct idmap_slot *idmap_place(const struct idmap *map, uint64_t key)
{
	size_t i = slot_of(key, map->size);

	while (map->slots[i].key && map->slots[i].key != key)
		i = (i + 1) & (map->size - 1);
	return &map->slots[i];
}

static void idmap_insert(struct idmap *map, uint64_t key, uint64_t value)
{
	struct idmap_slot *slot = idmap_place(map, key);

	if (!slot->key)
		map->len++;
	slot->key = key;
	slot->value = value;
}

static void idmap_grow(struct idmap *map)
{
	struct idmap old = *map;
	size_t i;

	map->size = old.size ? old.size * 2 : 16;
	map->slots = mem_zalloc(map->size * sizeof(*map->slots));
	map->len = 0;
	for (i = 0; i < old.size; i++)
		if (old.slots[i].key)
			idmap_insert(map, old.slots[i].key, old.slots[i].value);
	mem_free(old.slots);
}

void idmap_put(struct idmap *map, uint64_t key, uint64_t value)
{
	if ((map->len + 1) * 4 > map->size * 3)
		idmap_grow(map);
	idmap_insert(map, key, value);
}

int idmap_get(const struct idmap *map, uint64_t key, uint64_t *value_out)
{
	const struct idmap_slot *slot;

	if (!map->size)
		return 0;
	slot = idmap_place(map, key);
	if (!slot->key)
		return 0;
	if (value_out)
		*value_out = slot->value;
	return 1;
}

void idmap_put_ptr(struct idmap *map, uint64_t key, void *ptr)
{
	idmap_put(map, key, (uint64_t)(uintptr_t)ptr);
}

void *idmap_get_ptr(const struct idmap *map, uint64_t key)
{
	uint64_t value;

	if (!idmap_get(map, key, &value))
		return NULL;
	return (void *)(uintptr_t)value;
}

void idmap_clear(struct idmap *map)
{
	if (map->size > 1 << 16) {
		idmap_release(map);
		return;
	}
	if (map->size)
		memset(map->slots, 0, map->size * sizeof(*map->slots));
	map->len = 0;
}

void idmap_release(struct idmap *map)
{
	mem_free(map->slots);
	*map = (struct idmap)IDMAP_INIT;
}

struct hash_slot {
	struct hash128 key; /* zero: free */
	uint64_t value;
};

void hashmap_init(struct hashmap *map)
{
	memset(map, 0, sizeof(*map));
	hash_key_random(&map->key);
}

void hashmap_release(struct hashmap *map)
{
	mem_free(map->slots);
	map->slots = NULL;
	map->size = map->len = 0;
}

/* The slot of a hash, or the free one where it would be. */
static struct hash_slot *hash_place(const struct hashmap *map,
				    struct hash128 key)
{
	size_t i = (size_t)key.low & (map->size - 1);

	while ((map->slots[i].key.high || map->slots[i].key.low) &&
	       !hash128_eq(map->slots[i].key, key))
		i = (i + 1) & (map->size - 1);
	return &map->slots[i];
}

static void hashmap_grow(struct hashmap *map)
{
	struct hash_slot *old = map->slots;
	size_t old_size = map->size;
	size_t i;

	map->size = old_size ? old_size * 2 : 16;
	map->slots = mem_zalloc(map->size * sizeof(*map->slots));
	for (i = 0; i < old_size; i++)
		if (old[i].key.high || old[i].key.low)
			*hash_place(map, old[i].key) = old[i];
	mem_free(old);
}

static struct hash128 hash_of(const struct hashmap *map, struct sv text)
{
	struct hash128 key = hash128(&map->key, text);

	if (!key.high && !key.low)
		key.low = 1;
	return key;
}

uint64_t *hashmap_at(struct hashmap *map, struct sv text)
{
	struct hash128 key = hash_of(map, text);
	struct hash_slot *slot;

	if ((map->len + 1) * 4 > map->size * 3)
		hashmap_grow(map);
	slot = hash_place(map, key);
	if (!slot->key.high && !slot->key.low) {
		slot->key = key;
		map->len++;
	}
	return &slot->value;
}

uint64_t *hashmap_find(const struct hashmap *map, struct sv text)
{
	struct hash_slot *slot;

	if (!map->size)
		return NULL;
	slot = hash_place(map, hash_of(map, text));
	return slot->key.high || slot->key.low ? &slot->value : NULL;
}

struct name_entry {
	UT_hash_handle hh;
	uint64_t value;
	char key[];
};

struct namemap {
	struct name_entry *entries;
	bool ignore_case;
};

struct namemap *namemap_new(bool ignore_case)
{
	struct namemap *map = mem_zalloc(sizeof(*map));

	map->ignore_case = ignore_case;
	return map;
}

void namemap_free(struct namemap *map)
{
	struct name_entry *entry;
	struct name_entry *next;

	if (!map)
		return;
	HASH_ITER(hh, map->entries, entry, next) {
		HASH_DEL(map->entries, entry);
		mem_free(entry);
	}
	mem_free(map);
}

/* The key as it is stored; `room` holds it when it is short enough. */
static const char *stored_key(const struct namemap *map, struct sv key,
			      char *room, size_t room_size, char **heap_out)
{
	char *copy;
	size_t i;

	*heap_out = NULL;
	if (!map->ignore_case)
		return key.ptr ? key.ptr : "";
	copy = key.len <= room_size ? room : mem_alloc(key.len);
	if (copy != room)
		*heap_out = copy;
	for (i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		copy[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return copy;
}

static struct name_entry *find(const struct namemap *map, const char *key,
			       size_t len)
{
	struct name_entry *entry = NULL;

	HASH_FIND(hh, map->entries, key, len, entry);
	return entry;
}

void namemap_put(struct namemap *map, struct sv key, uint64_t value)
{
	char room[128];
	char *heap;
	const char *stored = stored_key(map, key, room, sizeof(room), &heap);
	struct name_entry *entry = find(map, stored, key.len);

	if (!entry) {
		entry = mem_zalloc(sizeof(*entry) + key.len + 1);
		if (key.len)
			memcpy(entry->key, stored, key.len);
		HASH_ADD(hh, map->entries, key, key.len, entry);
	}
	entry->value = value;
	mem_free(heap);
}

int namemap_get(const struct namemap *map, struct sv key, uint64_t *value_out)
{
	char room[128];
	char *heap;
	const char *stored = stored_key(map, key, room, sizeof(room), &heap);
	struct name_entry *entry = find(map, stored, key.len);

	mem_free(heap);
	if (!entry)
		return 0;
	if (value_out)
		*value_out = entry->value;
	return 1;
}

size_t namemap_len(const struct namemap *map)
{
	return HASH_COUNT(map->entries);
}
