/*
 * hash.c - xxh3 with a secret, random ids
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hash.h"

#include "base/random.h"

#include <sodium.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

void hash_key_random(struct hash_key *key)
{
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

uint64_t hash64(const struct hash_key *key, struct sv bytes)
{
	uint64_t h = XXH3_64bits_withSecret(bytes.ptr, bytes.len, key->bytes,
					    sizeof(key->bytes));

	return h ? h : 1;
}

struct hash128 hash128(const struct hash_key *key, struct sv bytes)
{
	XXH128_hash_t h = XXH3_128bits_withSecret(
		bytes.ptr, bytes.len, key->bytes, sizeof(key->bytes));

	return (struct hash128){ h.high64, h.low64 };
}

void uuid_random(unsigned char out[16])
{
	random_bytes(out, 16);
	out[6] = (unsigned char)((out[6] & 0x0f) | 0x40);
	out[8] = (unsigned char)((out[8] & 0x3f) | 0x80);
}

void uuid_format(const unsigned char u[16], char out[37])
{
	(void)snprintf(out, 37,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x",
		       u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8],
		       u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}
