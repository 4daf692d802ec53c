/*
 * known.c - what is known of the store without asking it
 *
 * While this process holds the lease nobody else writes, so what was found out
 * stays true: that a table has nothing of an agent, and which keys a key table
 * may have. The latter is a Bloom filter of a fixed size: it says "no" for
 * sure and "perhaps" sometimes in vain. Rows that a rollback takes back stay
 * in it, which only costs a look-up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

/* 2 MiB. All bits of a key lie in one line of the processor's cache; a million
 * keys are asked for in vain once in seventy times. */
#define LINE_BITS  512
#define LINES      (UINT64_C(1) << 15)
#define FILTER     (LINES * (LINE_BITS / 8))
#define LINE_WORDS (LINE_BITS / 64)
/* Look-ups after which a table of few keys is read at once. */
#define PATIENCE   1000
#define FEW        100000

static uint64_t *line_of(const struct known_keys *known, uint64_t h)
{
	return known->bits + (h & (LINES - 1)) * LINE_WORDS;
}

static uint64_t bit_of(uint64_t h)
{
	return UINT64_C(1) << (h >> 16 & 63);
}

static void add(struct known_keys *known, uint64_t h)
{
	uint64_t *line = line_of(known, h);

	line[h >> 32 & (LINE_WORDS - 1)] |= bit_of(h);
	line[h >> 40 & (LINE_WORDS - 1)] |= bit_of(h >> 32);
}

static bool may_have(const struct known_keys *known, uint64_t h)
{
	const uint64_t *line = line_of(known, h);

	return (line[h >> 32 & (LINE_WORDS - 1)] & bit_of(h)) &&
	       (line[h >> 40 & (LINE_WORDS - 1)] & bit_of(h >> 32));
}

static const char *const ALL[KEY_TABLES] = {
	[KEYS_CS] = "SELECT h FROM cs_key LIMIT ?1",
	[KEYS_MV] = "SELECT h FROM mv_key LIMIT ?1",
	[KEYS_WAIT] = "SELECT h FROM mv_wait LIMIT ?1",
};

/* Reads the keys of a table when there are at most `most`. */
static void learn(struct store *store, enum key_table table, int64_t most)
{
	struct known_keys *known = &store->known_keys[table];
	struct error ignored = ERROR_INIT;
	sqlite3_stmt *stmt;
	int64_t count = 0;
	int ret;

	known->bits = mem_zalloc(FILTER);
	for (ret = sqlite_first(store, ALL[table], &stmt, &ignored, "i",
				most + 1);
	     ret > 0; ret = sqlite_next(store, stmt, &ignored)) {
		add(known, (uint64_t)sqlite3_column_int64(stmt, 0));
		count++;
	}
	if (ret == 0 && count <= most)
		return;
	mem_free(known->bits);
	known->bits = NULL;
}

bool known_key_absent(struct store *store, enum key_table table, uint64_t h)
{
	struct known_keys *known = &store->known_keys[table];

	if (store->lock_fd < 0)
		return false;
	if (known->asked == 0)
		learn(store, table, 0);
	else if (known->asked == PATIENCE && !known->bits)
		learn(store, table, FEW);
	if (known->asked <= PATIENCE)
		known->asked++;
	return known->bits && !may_have(known, h);
}

void known_key_comes(struct store *store, enum key_table table, uint64_t h)
{
	if (store->known_keys[table].bits)
		add(&store->known_keys[table], h);
}

void known_forget(struct store *store)
{
	size_t i;

	for (i = 0; i < KEY_TABLES; i++) {
		mem_free(store->known_keys[i].bits);
		store->known_keys[i] = (struct known_keys){ NULL, 0 };
	}
}
