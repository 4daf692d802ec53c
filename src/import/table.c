/*
 * table.c - the anchors of an agent in memory, and sets of its objects
 *
 * Open addressing; the same hash may stand in several slots, since a 64-bit
 * hash is not unique: the content hash or the row decides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <string.h>

static void insert(struct anchor_table *table, const struct anchor_slot *slot)
{
	size_t i = (size_t)slot->h & (table->size - 1);

	while (table->slots[i].h)
		i = (i + 1) & (table->size - 1);
	table->slots[i] = *slot;
	table->len++;
}

static void grow(struct anchor_table *table)
{
	struct anchor_table old = *table;
	size_t i;

	table->size = old.size ? old.size * 2 : 1024;
	table->slots = mem_zalloc(table->size * sizeof(*table->slots));
	table->len = 0;
	for (i = 0; i < old.size; i++)
		if (old.slots[i].h)
			insert(table, &old.slots[i]);
	mem_free(old.slots);
}

void anchor_table_put(struct anchor_table *table, uint64_t h, int64_t id,
		      struct hash128 content)
{
	struct anchor_slot slot = { h, id, content };

	if ((table->len + 1) * 4 > table->size * 3)
		grow(table);
	insert(table, &slot);
}

struct anchor_slot *anchor_table_find(const struct anchor_table *table,
				      uint64_t h, size_t *at)
{
	size_t i;

	if (!table->size)
		return NULL;
	i = *at == SIZE_MAX ? (size_t)h & (table->size - 1)
			    : (*at + 1) & (table->size - 1);
	for (; table->slots[i].h; i = (i + 1) & (table->size - 1)) {
		if (table->slots[i].h == h) {
			*at = i;
			return &table->slots[i];
		}
	}
	return NULL;
}

void anchor_table_release(struct anchor_table *table)
{
	mem_free(table->slots);
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
