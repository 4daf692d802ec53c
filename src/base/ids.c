/*
 * ids.c - a radix sort, byte by byte, of those bytes that differ
 *
 * Ids of one agent differ in their lower bytes only: a hundred thousand take
 * three passes, where comparing takes seventeen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/ids.h"

#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

#define FEW  64
/* in the order of unsigned numbers negative ones would come last */
#define SIGN (UINT64_C(1) << 63)

static void insert_each(int64_t *ids, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++) {
		int64_t id = ids[i];
		size_t at = i;

		for (; at && ids[at - 1] > id; at--)
			ids[at] = ids[at - 1];
		ids[at] = id;
	}
}

/* By one byte; what was in order by lower ones stays so. */
static void pass(const int64_t *from, int64_t *to, size_t count, unsigned shift)
{
	size_t places[256] = { 0 };
	size_t place = 0;
	size_t i;

	for (i = 0; i < count; i++)
		places[((uint64_t)from[i] ^ SIGN) >> shift & 255]++;
	for (i = 0; i < 256; i++) {
		size_t len = places[i];

		places[i] = place;
		place += len;
	}
	for (i = 0; i < count; i++)
		to[places[((uint64_t)from[i] ^ SIGN) >> shift & 255]++] =
			from[i];
}

void ids_sort(int64_t *ids, size_t count)
{
	uint64_t differing = 0;
	bool sorted = true;
	int64_t *room;
	int64_t *from = ids;
	int64_t *to;
	unsigned shift;
	size_t i;

	for (i = 1; i < count; i++) {
		sorted &= ids[i - 1] <= ids[i];
		differing |= (uint64_t)ids[i] ^ (uint64_t)ids[i - 1];
	}
	if (sorted)
		return;
	if (count <= FEW) {
		insert_each(ids, count);
		return;
	}
	room = mem_alloc(count * sizeof(*room));
	to = room;
	for (shift = 0; shift < 64; shift += 8) {
		int64_t *swap = from;

		if (!(differing >> shift & 255))
			continue;
		pass(from, to, count, shift);
		from = to;
		to = swap;
	}
	if (from != ids)
		memcpy(ids, from, count * sizeof(*ids));
	mem_free(room);
}
