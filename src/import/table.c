/*
 * table.c - the anchors of an agent in memory, and sets of its objects
 *
 * Open addressing by the hash's upper bits, so that sorted anchors, as the
 * store scans them, fill a table of the right size from one end to the other.
 * The same hash may stand in several slots, since a 64-bit hash is not unique:
 * the content hash or the row decides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <string.h>

static size_t place_of(const struct anchor_table *table, uint64_t h)
{
	return (size_t)(h >> table->shift);
}

static void insert(struct anchor_table *table, const struct anchor_slot *slot)
{
	size_t i = place_of(table, slot->h);

	while (table->slots[i].h)
		i = (i + 1) & (table->size - 1);
	table->slots[i] = *slot;
	table->len++;
}

/* There is always a free slot behind the last. */
static bool is_full(const struct anchor_table *table, size_t len)
{
	return len * 4 > table->size * 3;
}

void anchor_table_reserve(struct anchor_table *table, size_t len)
{
	struct anchor_table old = *table;
	size_t i;

	if (!old.size) {
		table->size = 1024;
		table->shift = 64 - 10;
	}
	while (is_full(table, len)) {
		table->size *= 2;
		table->shift--;
	}
	if (table->size == old.size)
		return;
	table->slots = mem_zalloc_large(table->size * sizeof(*table->slots));
	table->len = 0;
	for (i = 0; i < old.size; i++)
		if (old.slots[i].h)
			insert(table, &old.slots[i]);
	mem_free_large(old.slots, old.size * sizeof(*old.slots));
}

void anchor_table_put(struct anchor_table *table, uint64_t h, int64_t id,
		      struct hash128 content)
{
	struct anchor_slot slot = { h, id, content };

	anchor_table_reserve(table, table->len + 1);
	insert(table, &slot);
}

struct anchor_slot *anchor_table_find(const struct anchor_table *table,
				      uint64_t h, size_t *at)
{
	size_t i;

	if (!table->size)
		return NULL;
	i = *at == SIZE_MAX ? place_of(table, h)
			    : (*at + 1) & (table->size - 1);
	for (; table->slots[i].h; i = (i + 1) & (table->size - 1)) {
		if (table->slots[i].h == h) {
			*at = i;
			return &table->slots[i];
		}
	}
	return NULL;
}

void anchor_table_fetch(const struct anchor_table *table, uint64_t h)
{
	if (table->size)
		__builtin_prefetch(&table->slots[place_of(table, h)]);
}

void anchor_table_release(struct anchor_table *table)
{
	mem_free_large(table->slots, table->size * sizeof(*table->slots));
	memset(table, 0, sizeof(*table));
}

void id_set_add(struct id_set *set, int64_t id)
{
	size_t bit = (size_t)CS_SEQUENCE(id);

	if (bit / 8 >= set->size) {
		size_t size = set->size ? set->size : 4096;

		while (size <= bit / 8)
			size *= 2;
		set->bits = mem_realloc(set->bits, size);
		memset(set->bits + set->size, 0, size - set->size);
		set->size = size;
	}
	set->bits[bit / 8] |= (unsigned char)(1U << bit % 8);
}

void id_set_remove(struct id_set *set, int64_t id)
{
	size_t bit = (size_t)CS_SEQUENCE(id);

	if (bit / 8 < set->size)
		set->bits[bit / 8] &= (unsigned char)~(1U << bit % 8);
}

bool id_set_has(const struct id_set *set, int64_t id)
{
	size_t bit = (size_t)CS_SEQUENCE(id);

	return bit / 8 < set->size && set->bits[bit / 8] >> bit % 8 & 1;
}

void id_set_release(struct id_set *set)
{
	mem_free(set->bits);
	memset(set, 0, sizeof(*set));
}
