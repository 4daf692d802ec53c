/*
 * idbytes.h - a byte for each of many ids
 *
 * For millions of ids that lie close together, as those of one agent do: two
 * bytes an id where they do, and neighbours lie side by side. A table by hashes
 * (map.h) takes thirty, and a miss of the processor's cache for each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_IDBYTES_H
#define BASE_IDBYTES_H

#include "base/arena.h"
#include "base/map.h"

/* All-zero: every byte is 0. */
struct id_bytes {
	struct idmap blocks;
	struct arena arena;
	uint64_t last; /* the block asked for last, and where it is */
	uint8_t *last_at;
};

/* 0: none was put. */
uint8_t id_bytes_get(struct id_bytes *map, int64_t id);
void id_bytes_put(struct id_bytes *map, int64_t id, uint8_t value);
/* Those that are not 0, in order of ids; `fn` puts none. */
void id_bytes_each(const struct id_bytes *map,
		   void (*fn)(void *data, int64_t id, uint8_t value),
		   void *data);
void id_bytes_release(struct id_bytes *map); /* as it was at first */

#endif
