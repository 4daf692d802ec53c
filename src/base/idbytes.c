/*
 * idbytes.c - blocks of bytes, by what their ids have in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/idbytes.h"

#include "base/ids.h"

#include <string.h>

/* Of ids that lie far apart each has a block of its own. */
#define BLOCK_BITS 8
#define BLOCK      (1 << BLOCK_BITS)
/* No block of a 64-bit id has this key, so none is 0. */
#define SIGN       (UINT64_C(1) << 63)

static uint64_t block_of(int64_t id)
{
	return (uint64_t)(id >> BLOCK_BITS) ^ SIGN;
}

static uint8_t *find(struct id_bytes *map, int64_t id)
{
	uint64_t block = block_of(id);

	if (block != map->last) {
		map->last_at = idmap_get_ptr(&map->blocks, block);
		map->last = block;
	}
	return map->last_at;
}

uint8_t id_bytes_get(struct id_bytes *map, int64_t id)
{
	const uint8_t *bytes = find(map, id);

	return bytes ? bytes[id & (BLOCK - 1)] : 0;
}

void id_bytes_put(struct id_bytes *map, int64_t id, uint8_t value)
{
	uint8_t *bytes = find(map, id);

	if (!bytes) {
		bytes = arena_zalloc(&map->arena, BLOCK);
		idmap_put_ptr(&map->blocks, block_of(id), bytes);
		map->last_at = bytes;
	}
	bytes[id & (BLOCK - 1)] = value;
}

void id_bytes_each(const struct id_bytes *map,
		   void (*fn)(void *data, int64_t id, uint8_t value),
		   void *data)
{
	int64_t *blocks = mem_alloc((map->blocks.len + 1) * sizeof(*blocks));
	size_t count = 0;
	size_t i;
	int k;

	for (i = 0; i < map->blocks.size; i++)
		if (map->blocks.slots[i].key)
			blocks[count++] =
				(int64_t)(map->blocks.slots[i].key ^ SIGN);
	ids_sort(blocks, count);
	for (i = 0; i < count; i++) {
		const uint8_t *bytes =
			idmap_get_ptr(&map->blocks, (uint64_t)blocks[i] ^ SIGN);

		for (k = 0; k < BLOCK; k++)
			if (bytes[k])
				fn(data, blocks[i] * BLOCK + k, bytes[k]);
	}
	mem_free(blocks);
}

void id_bytes_release(struct id_bytes *map)
{
	idmap_release(&map->blocks);
	arena_release(&map->arena);
	memset(map, 0, sizeof(*map));
}
