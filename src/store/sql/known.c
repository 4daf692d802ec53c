/*
 * known.c - what is known of the store without asking it
 *
 * While this process holds the lease nobody else writes, so what was found out
 * stays true: that a table has nothing of an agent, and which keys a key table
 * may have. Under the lease of one agent that is so for its rows and keys, and
 * for the metaverse; others' keys may come, which nobody asks for. The latter
 * is a Bloom filter: it says "no" for sure and "perhaps" sometimes in vain.
 * Keys that a rollback takes back stay in it, which only costs a look-up.
 *
 * While another thread writes, only the first one learns: what is written is
 * announced to it before (store_expect_*). The other one only looks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

/* ---- keys ---- */

/* All bits of a key lie in one line of the processor's cache. With 32 bits to
 * a key less than one in ten thousand is asked for in vain. */
#define LINE_BITS    512
#define LINE_WORDS   (LINE_BITS / 64)
#define KEY_BITS     7
#define BITS_PER_KEY 32
#define FIRST_LINES  (UINT64_C(1) << 15) /* 2 MiB */
/* After so many look-ups a table of ten times as many keys is read at once;
 * so the reading never costs more than a few times what was asked for. */
#define PATIENCE     1000
#define MORE_PATIENT 10000
#define MORE         10

static uint64_t *line_of(const struct known_keys *known, uint64_t h)
{
	return known->bits + (h & (known->lines - 1)) * LINE_WORDS;
}

/* Nine bits at a time, of a number that the line's does not determine. */
static uint64_t mix(uint64_t h)
{
	return (h ^ (h >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
}

static void add(struct known_keys *known, uint64_t h)
{
	uint64_t *line = line_of(known, h);
	uint64_t bits = mix(h);
	int i;

	for (i = 0; i < KEY_BITS; i++, bits >>= 9)
		line[bits >> 6 & (LINE_WORDS - 1)] |= UINT64_C(1)
						      << (bits & 63);
	known->keys++;
}

static bool may_have(const struct known_keys *known, uint64_t h)
{
	const uint64_t *line = line_of(known, h);
	uint64_t bits = mix(h);
	int i;

	for (i = 0; i < KEY_BITS; i++, bits >>= 9)
		if (!(line[bits >> 6 & (LINE_WORDS - 1)] >> (bits & 63) & 1))
			return false;
	return true;
}

static const char *const ALL[STORE_KEY_TABLES] = {
	[STORE_KEYS_CS] = "SELECT h FROM cs_key LIMIT ?1",
	[STORE_KEYS_MV] = "SELECT h FROM mv_key LIMIT ?1",
	[STORE_KEYS_WAIT] = "SELECT h FROM mv_wait LIMIT ?1",
	[STORE_KEYS_LINK] = "SELECT cs FROM link LIMIT ?1",
};

/* Ids are no hashes. */
static uint64_t key_of(enum store_keys table, uint64_t h)
{
	return table == STORE_KEYS_LINK ? h * UINT64_C(0x9e3779b97f4a7c15) : h;
}

static void forget_keys(struct known_keys *known)
{
	mem_free(known->bits);
	known->bits = NULL;
	known->keys = 0;
}

/* Reads the keys of a table when there are at most `most`. */
static void learn(struct store *store, enum store_keys table, uint64_t lines,
		  int64_t most)
{
	struct known_keys *known = &store->known_keys[table];
	struct error ignored = ERROR_INIT;
	struct statement *stmt;
	int64_t count = 0;
	int ret;

	/* whoever writes or reads behind looks into them too */
	(void)late_write(store, table, &ignored);
	forget_keys(known);
	known->lines = lines;
	known->bits = mem_zalloc(lines * (LINE_BITS / 8));
	for (ret = sql_first(store, ALL[table], &stmt, &ignored, "i",
			     most < INT64_MAX ? most + 1 : most);
	     ret > 0; ret = sql_next(stmt, &ignored)) {
		add(known, key_of(table, (uint64_t)sql_int(stmt, 0)));
		count++;
	}
	if (ret < 0 || count > most)
		forget_keys(known);
}

bool known_key_absent(struct store *store, enum store_keys table, uint64_t h)
{
	struct known_keys *known = &store->known_keys[table];

	if (!lease_covers(store, store->scope))
		return false;
	if (behind_is_writer(store))
		return known->bits && !may_have(known, key_of(table, h));
	if (known->asked == 0)
		learn(store, table, FIRST_LINES, 0);
	else if (!known->bits &&
		 (known->asked == PATIENCE || known->asked == MORE_PATIENT))
		learn(store, table, FIRST_LINES, MORE * known->asked);
	if (known->asked <= MORE_PATIENT)
		known->asked++;
	return known->bits && !may_have(known, key_of(table, h));
}

void known_key_comes(struct store *store, enum store_keys table, uint64_t h)
{
	struct known_keys *known = &store->known_keys[table];

	if (known->bits && !behind_is_writer(store))
		add(known, key_of(table, h));
}

void store_expect_keys(struct store *store, enum store_keys table,
		       const struct key_row *keys, size_t count)
{
	struct known_keys *known = &store->known_keys[table];
	uint64_t lines = known->lines;
	size_t i;

	while (known->bits &&
	       (known->keys + count) * BITS_PER_KEY > lines * LINE_BITS)
		lines *= 2;
	if (known->bits && lines > known->lines)
		learn(store, table, lines, INT64_MAX);
	for (i = 0; i < count; i++)
		known_key_comes(store, table, keys[i].h);
}

/* ---- rows ---- */

#define FIRST_ID(agent) CS_ID(agent, 0)
#define LAST_ID(agent)  (CS_ID((agent) + 1, 0) - 1)

static const char *const ANY[MOTION_TABLES] = {
	[MOTION_PENDING_IMPORT] = "SELECT cs FROM pending_import WHERE"
				  " cs BETWEEN ?1 AND ?2 LIMIT 1",
	[MOTION_PENDING_EXPORT] = "SELECT cs FROM pending_export WHERE"
				  " cs BETWEEN ?1 AND ?2 LIMIT 1",
	[MOTION_AWAITING] = "SELECT cs FROM awaiting WHERE"
			    " cs BETWEEN ?1 AND ?2 LIMIT 1",
	[MOTION_LINK] = "SELECT cs FROM link WHERE cs BETWEEN ?1 AND ?2"
			" LIMIT 1",
	[MOTION_QUEUE] = "SELECT cs FROM queue WHERE cs BETWEEN ?1 AND ?2"
			 " LIMIT 1",
	[MOTION_DUE] = "SELECT id FROM due WHERE kind IN (1, 4) AND id"
		       " BETWEEN ?1 AND ?2 LIMIT 1",
	[MOTION_RETRY] = "SELECT cs FROM retry WHERE cs BETWEEN ?1 AND ?2"
			 " LIMIT 1",
	[MOTION_MEMBER] = "SELECT source FROM member WHERE source BETWEEN ?1"
			  " AND ?2 LIMIT 1",
	[MOTION_ERROR] = "SELECT cs FROM cs_error WHERE cs BETWEEN ?1 AND ?2"
			 " LIMIT 1",
};

/* Of a table and agent. */
enum { ROWS_UNKNOWN = 0, ROWS_SOME = 1, ROWS_NONE = 2 };

static uint64_t motion_key(int64_t cs, enum motion_table table)
{
	return (uint64_t)CS_AGENT(cs) * MOTION_TABLES + (uint64_t)table + 1;
}

static uint64_t get_rows(struct store *store, uint64_t key)
{
	bool shared = store->behind.running;
	uint64_t known = ROWS_UNKNOWN;

	if (shared)
		(void)pthread_mutex_lock(&store->motion_lock);
	(void)idmap_get(&store->motion, key, &known);
	if (shared)
		(void)pthread_mutex_unlock(&store->motion_lock);
	return known;
}

/* That rows come is always so. What was found in the table is so only while
 * nothing else was said: the other thread may have announced a row meanwhile.
 * Gives what holds. */
static uint64_t set_rows(struct store *store, uint64_t key, uint64_t known)
{
	bool shared = store->behind.running;
	uint64_t holds = ROWS_UNKNOWN;

	if (shared)
		(void)pthread_mutex_lock(&store->motion_lock);
	(void)idmap_get(&store->motion, key, &holds);
	if (holds == ROWS_UNKNOWN || known == ROWS_SOME) {
		idmap_put(&store->motion, key, known);
		holds = known;
	}
	if (shared)
		(void)pthread_mutex_unlock(&store->motion_lock);
	return holds;
}

bool known_no_rows(struct store *store, int64_t cs, enum motion_table table)
{
	uint64_t key = motion_key(cs, table);
	struct error ignored = ERROR_INIT;
	uint64_t known;
	int64_t id;

	if (!lease_covers(store, CS_AGENT(cs)))
		return false;
	known = get_rows(store, key);
	if (known == ROWS_UNKNOWN) {
		int count = sql_ids(store, ANY[table], &id, 1, &ignored, "ii",
				    FIRST_ID(CS_AGENT(cs)),
				    LAST_ID(CS_AGENT(cs)));

		known = set_rows(store, key,
				 count == 0 ? ROWS_NONE : ROWS_SOME);
	}
	return known == ROWS_NONE;
}

void known_row_comes(struct store *store, int64_t cs, enum motion_table table)
{
	(void)set_rows(store, motion_key(cs, table), ROWS_SOME);
}

void store_expect_rows(struct store *store, int64_t cs, unsigned rows)
{
	static const enum motion_table tables[] = {
		MOTION_LINK,     MOTION_PENDING_IMPORT, MOTION_PENDING_EXPORT,
		MOTION_AWAITING, MOTION_QUEUE,          MOTION_DUE,
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (rows & 1U << i)
			known_row_comes(store, cs, tables[i]);
	if (rows & STORE_ROWS_LINK)
		known_key_comes(store, STORE_KEYS_LINK, (uint64_t)cs);
}

void known_forget_rows(struct store *store)
{
	idmap_release(&store->motion);
}

void known_forget(struct store *store)
{
	size_t i;

	known_forget_rows(store);
	for (i = 0; i < STORE_KEY_TABLES; i++)
		forget_keys(&store->known_keys[i]);
}
