/*
 * hash.h - keyed hashes (xxh3): values come from outside, so every store has
 * a secret of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/sv.h"

#include <stdbool.h>
#include <stdint.h>

#define HASH_KEY_SIZE 192

struct hash_key {
	unsigned char bytes[HASH_KEY_SIZE];
};

struct hash128 {
	uint64_t high;
	uint64_t low;
};

void hash_key_random(struct hash_key *key);

/* Never 0, so that 0 can mean "none". */
uint64_t hash64(const struct hash_key *key, struct sv bytes);
struct hash128 hash128(const struct hash_key *key, struct sv bytes);

static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
	return a.high == b.high && a.low == b.low;
}

/* 16 random bytes of a version 4 UUID (RFC 9562). */
void uuid_random(unsigned char out[16]);
/* "xxxxxxxx-xxxx-..." into 37 bytes. */
void uuid_format(const unsigned char uuid[16], char out[37]);

#endif
