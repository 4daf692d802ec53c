/*
 * table.c - the anchors of an agent in memory, and sets of its objects
 *
 * What the store has comes sorted by the hash and stays an array, with an index
 * of the hashes' upper bits. What comes later goes into a table with open
 * addressing. The same hash may be there several times, since a 64-bit hash is
 * not unique: the content hash or the row decides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- known ---- */

/* Signed numbers are in order: those with the uppermost bit come first. */
static size_t start_of(const struct anchor_table *table, uint64_t h)
{
	return (size_t)((h ^ UINT64_C(1) << 63) >> table->known_shift);
}

static size_t starts_of(const struct anchor_table *table)
{
	return (size_t)1 << (64 - table->known_shift);
}

static bool is_sorted(const struct anchor_table *table)
{
	size_t i;

	for (i = 1; i < table->known_len; i++)
		if ((int64_t)table->known[i - 1].h > (int64_t)table->known[i].h)
			return false;
	return true;
}

void anchor_table_expect(struct anchor_table *table, size_t about)
{
	const size_t size = about < 64 ? 64 : about;
	struct anchor_key *known = mem_zalloc_large(size * sizeof(*known));

	if (table->known_len)
		memcpy(known, table->known, table->known_len * sizeof(*known));
	mem_free_large(table->known, table->known_size * sizeof(*known));
	table->known = known;
	table->known_size = size;
}

void anchor_table_add(struct anchor_table *table, const struct anchor_key *key)
{
	if (table->known_len == table->known_size)
		anchor_table_expect(table, table->known_size * 2);
	table->known[table->known_len++] = *key;
}

/* About two anchors have the same upper bits. */
void anchor_table_ready(struct anchor_table *table)
{
	size_t count;
	size_t start = 0;
	size_t i;

	table->known_shift = 63;
	while (starts_of(table) * 2 < table->known_len)
		table->known_shift--;
	count = starts_of(table);
	if (!is_sorted(table))
		qsort(table->known, table->known_len, sizeof(*table->known),
		      anchor_order);
	table->starts = mem_zalloc_large((count + 1) * sizeof(*table->starts));
	for (i = 0; i < table->known_len; i++) {
		size_t last = start_of(table, table->known[i].h);

		while (start <= last)
			table->starts[start++] = (uint32_t)i;
	}
	while (start <= count)
		table->starts[start++] = (uint32_t)i;
}

/* From `at` on; the end when there is none. */
static size_t find_known(const struct anchor_table *table, uint64_t h,
			 size_t at)
{
	size_t start;
	size_t end;

	if (!table->known_len)
		return 0;
	start = start_of(table, h);
	end = table->starts[start + 1];
	if (at < table->starts[start])
		at = table->starts[start];
	for (; at < end; at++)
		if (table->known[at].h == h)
			return at;
	return table->known_len;
}

/* ---- what came since ---- */

static size_t place_of(const struct anchor_table *table, uint64_t h)
{
	return (size_t)(h >> table->shift);
}

static void insert(struct anchor_table *table, const struct anchor_key *slot)
{
	size_t i = place_of(table, slot->h);

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
	table->shift = old.size ? old.shift - 1 : 64 - 10;
	table->slots = mem_zalloc_large(table->size * sizeof(*table->slots));
	table->len = 0;
	for (i = 0; i < old.size; i++)
		if (old.slots[i].h)
			insert(table, &old.slots[i]);
	mem_free_large(old.slots, old.size * sizeof(*old.slots));
}

/* There is always a free slot behind the last. */
void anchor_table_put(struct anchor_table *table, uint64_t h, int64_t id,
		      struct hash128 content)
{
	struct anchor_key slot = { h, id, content };

	if ((table->len + 1) * 4 > table->size * 3)
		grow(table);
	insert(table, &slot);
}

/* ---- both ---- */

struct anchor_key *anchor_table_find(const struct anchor_table *table,
				     uint64_t h, size_t *at)
{
	const size_t known = table->known_len;
	size_t next = *at + 1; /* 0 at first */
	size_t i;

	if (next <= known) {
		next = find_known(table, h, next);
		if (next < known) {
			*at = next;
			return &table->known[next];
		}
	}
	if (!table->size)
		return NULL;
	i = next == known ? place_of(table, h) : next - known;
	for (i &= table->size - 1; table->slots[i].h;
	     i = (i + 1) & (table->size - 1)) {
		if (table->slots[i].h == h) {
			*at = known + i;
			return &table->slots[i];
		}
	}
	return NULL;
}

const struct anchor_key *anchor_table_next(const struct anchor_table *table,
					   size_t *at)
{
	const size_t known = table->known_len;

	while (++*at < known + table->size) {
		if (*at < known)
			return &table->known[*at];
		if (table->slots[*at - known].h)
			return &table->slots[*at - known];
	}
	return NULL;
}

void anchor_table_fetch_start(const struct anchor_table *table, uint64_t h)
{
	if (table->known_len)
		__builtin_prefetch(&table->starts[start_of(table, h)]);
}

void anchor_table_fetch(const struct anchor_table *table, uint64_t h)
{
	if (table->known_len)
		__builtin_prefetch(
			&table->known[table->starts[start_of(table, h)]]);
	else if (table->size)
		__builtin_prefetch(&table->slots[place_of(table, h)]);
}

void anchor_table_release(struct anchor_table *table)
{
	mem_free_large(table->known, table->known_size * sizeof(*table->known));
	if (table->starts)
		mem_free_large(table->starts,
			       (starts_of(table) + 1) * sizeof(*table->starts));
	mem_free_large(table->slots, table->size * sizeof(*table->slots));
	memset(table, 0, sizeof(*table));
}

/* ---- sets ---- */

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
