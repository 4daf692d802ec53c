/*
 * random.c - random bytes: the system's, or a key stream of a seed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

static struct {
	bool repeats;
	unsigned char seed[RANDOM_SEED_SIZE];
	uint64_t calls;
} state;

_Static_assert(RANDOM_SEED_SIZE == crypto_stream_chacha20_KEYBYTES,
	       "the seed is the key of the stream");

void random_repeat(const unsigned char *seed)
{
	state.repeats = seed != NULL;
	state.calls = 0;
	if (seed)
		memcpy(state.seed, seed, sizeof(state.seed));
	else
		sodium_memzero(state.seed, sizeof(state.seed));
}

/* Each call has a part of the stream of its own. */
void random_bytes(void *out, size_t size)
{
	unsigned char nonce[crypto_stream_chacha20_NONCEBYTES] = { 0 };

	if (!state.repeats) {
		randombytes_buf(out, size);
		return;
	}
	memcpy(nonce, &state.calls, sizeof(state.calls));
	state.calls++;
	(void)crypto_stream_chacha20(out, size, nonce, state.seed);
}

uint32_t random_below(uint32_t end)
{
	uint32_t limit;
	uint32_t number;

	if (end < 2)
		return 0;
	/* the largest multiple of it: what lies above is no fair choice */
	limit = UINT32_MAX - UINT32_MAX % end;
	do {
		random_bytes(&number, sizeof(number));
	} while (number >= limit);
	return number % end;
}
