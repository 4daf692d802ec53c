/*
 * cache.c - rows that are read by a key, without asking the server for each
 *
 * SQLite finds a row in a page of its cache; here each would be a message. So
 * while nobody else writes (under the lease, or in a snapshot) rows are read
 * in blocks of keys that follow each other, as soon as a second one of a
 * block is asked for, and kept. Who asks for block after block gets more and
 * more of them with one answer. A table of hashes, where no key follows from
 * another, is read as a whole when it is asked often enough for its size.
 *
 * What is gathered goes before what was read. A block is forgotten when one
 * of its rows is written, everything when a transaction is rolled back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <stdio.h>

#define BLOCK_BITS       6  /* 64 keys */
#define MOST_RUN         16 /* blocks of an answer */
#define MOST_BYTES       ((size_t)64 << 20)
#define MOST_BLOCKS      100000 /* that are remembered to have been asked for */
/* A key table is read as a whole after so many questions at least, and one for
 * so many bytes of it. */
#define FEW_QUESTIONS    500
#define BYTES_A_QUESTION 4000
#define MOST_KEYS_BYTES  ((int64_t)400 << 20) /* as the server has them */

/* ---- blocks ---- */

/* An answer: the rows of one block, or of several that have it in common. */
struct pg_block {
	PGresult *result;
	int refs;
};

static void free_block(struct pg_block *block)
{
	if (!block || --block->refs)
		return;
	PQclear(block->result);
	mem_free(block);
}

void served_release(struct pg_served *served)
{
	free_block(served->block);
	served->block = NULL;
	served->is = false;
}

static uint64_t block_of(int64_t key)
{
	return (uint64_t)(key >> BLOCK_BITS) + 1;
}

static void forget_blocks(struct pg_cache *cache)
{
	size_t i;

	for (i = 0; i < cache->blocks.size; i++)
		if (cache->blocks.slots[i].key)
			free_block((struct pg_block *)(uintptr_t)cache->blocks
					   .slots[i]
					   .value);
	idmap_release(&cache->blocks);
	idmap_clear(&cache->asked);
}

static void forget_block(struct pg_cache *cache, int64_t key)
{
	struct pg_block *block = idmap_get_ptr(&cache->blocks, block_of(key));

	if (!block)
		return;
	free_block(block);
	idmap_put_ptr(&cache->blocks, block_of(key), NULL);
}

/* Not those again that are there: what is not yet written is not in them. */
static void keep(struct pg_cache *cache, struct pg_block *block, uint64_t first,
		 int count)
{
	uint64_t at;

	for (at = first; at < first + (uint64_t)count; at++) {
		if (idmap_get_ptr(&cache->blocks, at))
			continue;
		idmap_put_ptr(&cache->blocks, at, block);
		block->refs++;
	}
}

static struct pg_block *load(struct pg_database *db, struct pg_cache *cache,
			     int64_t key, struct error *err)
{
	const struct pg_table *table = &db->catalogue.tables.at[cache->table];
	struct sv column = table->columns[cache->column].name;
	uint64_t at = block_of(key);
	int64_t first = (int64_t)((at - 1) << BLOCK_BITS);
	struct pg_block *block;
	struct pg_cache *each;
	PGresult *result;
	char text[200];

	cache->run = at != cache->next       ? 1
		     : cache->run < MOST_RUN ? cache->run * 2
					     : MOST_RUN;
	cache->next = at + (uint64_t)cache->run;
	(void)snprintf(text, sizeof(text),
		       "SELECT * FROM " SV_FMT " WHERE " SV_FMT " BETWEEN $1"
		       " AND $2 AND " SV_FMT " > 0 ORDER BY " SV_FMT
		       ", " SV_FMT,
		       SV_ARG(table->name), SV_ARG(column), SV_ARG(column),
		       SV_ARG(column), SV_ARG(table->columns[0].name));
	result = pg_ask(db, &cache->prepared, text, first,
			first + ((int64_t)cache->run << BLOCK_BITS) - 1, err);
	if (!result)
		return NULL;
	block = mem_zalloc(sizeof(*block));
	block->result = result;
	db->cached += PQresultMemorySize(result);
	if (db->cached > MOST_BYTES) {
		vec_foreach(&db->caches, each)
			forget_blocks(each);
		db->cached = PQresultMemorySize(result);
	}
	keep(cache, block, at, cache->run);
	return block;
}

/* The first row with this key or a greater one. */
static int lower_bound(const struct pg_cache *cache, const PGresult *rows,
		       int64_t key)
{
	int low = 0;
	int high = PQntuples(rows);

	while (low < high) {
		int middle = (low + high) / 2;

		if (pg_number(rows, middle, cache->column) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void serve_block(struct pg_cache *cache, struct pg_block *block,
			int64_t key, struct pg_served *out)
{
	out->is = true;
	out->block = block;
	out->rows = block->result;
	block->refs++;
	out->row = lower_bound(cache, block->result, key);
	out->end = out->row;
	while (out->end < PQntuples(block->result) &&
	       pg_number(block->result, out->end, cache->column) == key)
		out->end++;
}

int cache_read(struct pg_database *db, struct pg_cache *cache, int64_t key,
	       struct pg_served *out, struct error *err)
{
	struct pg_block *block;

	if (key <= 0)
		return 0;
	block = idmap_get_ptr(&cache->blocks, block_of(key));
	if (!block && block_of(key) != cache->next &&
	    !idmap_get(&cache->asked, block_of(key), NULL)) {
		if (cache->asked.len > MOST_BLOCKS)
			idmap_clear(&cache->asked);
		idmap_put(&cache->asked, block_of(key), 1);
		return 0;
	}
	if (!block)
		block = load(db, cache, key, err);
	if (!block)
		return -1;
	serve_block(cache, block, key, out);
	return 1;
}

int cache_of(struct pg_database *db, int table, int column)
{
	struct pg_cache cache = { .table = table, .column = column };
	size_t i;

	for (i = 0; i < db->caches.len; i++)
		if (db->caches.at[i].table == table &&
		    db->caches.at[i].column == column)
			return (int)i;
	vec_push(&db->caches, cache);
	return (int)db->caches.len - 1;
}

void cache_written(struct pg_database *db, int table)
{
	const struct gathered *gathered = &db->gathered[table];
	struct pg_cache *cache;
	size_t i;

	vec_foreach(&db->caches, cache) {
		if (cache->table != table)
			continue;
		if (cache->column)
			forget_blocks(cache);
		for (i = 0; !cache->column && i < gathered->rows.len; i++)
			forget_block(cache, gathered->rows.at[i].key[0]);
	}
}

void pg_forget_tables(struct pg_database *db, uint64_t tables)
{
	struct pg_cache *cache;
	size_t i;

	vec_foreach(&db->caches, cache)
		if (tables >> cache->table & 1)
			forget_blocks(cache);
	for (i = 0; i < db->catalogue.tables.len; i++)
		if (tables >> i & 1)
			keys_forget(&db->keys[i]);
}

void pg_forget_read(struct pg_database *db)
{
	pg_forget_tables(db, UINT64_MAX);
	db->cached = 0;
}

/* ---- tables of hashes ---- */

static size_t slot_of(const struct pg_keys *keys, int64_t h)
{
	return (size_t)((uint64_t)h * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
	       (keys->size - 1);
}

void keys_forget(struct pg_keys *keys)
{
	mem_free(keys->pairs);
	memset(keys, 0, sizeof(*keys));
}

static void insert(struct pg_keys *keys, int64_t h, int64_t id)
{
	size_t at = slot_of(keys, h);

	while (keys->pairs[at].used) {
		if (keys->pairs[at].h == h && keys->pairs[at].id == id) {
			keys->pairs[at].gone = false;
			return;
		}
		at = (at + 1) & (keys->size - 1);
	}
	keys->pairs[at] = (struct pg_pair){ h, id, true, false };
	keys->len++;
}

static void grow(struct pg_keys *keys)
{
	struct pg_pair *old = keys->pairs;
	size_t size = keys->size;
	size_t i;

	keys->size = size ? size * 2 : 1024;
	keys->pairs = mem_zalloc(keys->size * sizeof(*keys->pairs));
	keys->len = 0;
	for (i = 0; old && i < size; i++)
		if (old[i].used && !old[i].gone)
			insert(keys, old[i].h, old[i].id);
	mem_free(old);
}

void keys_written(struct pg_keys *keys, int64_t h, int64_t id, bool gone)
{
	size_t at;

	if (!keys->pairs)
		return;
	if (!gone) {
		if ((keys->len + 1) * 3 > keys->size * 2)
			grow(keys);
		insert(keys, h, id);
		return;
	}
	for (at = slot_of(keys, h); keys->pairs[at].used;
	     at = (at + 1) & (keys->size - 1))
		if (keys->pairs[at].h == h && keys->pairs[at].id == id)
			keys->pairs[at].gone = true;
}

static int read_all(struct pg_database *db, struct pg_keys *keys, int table,
		    struct error *err)
{
	const struct pg_table *row = &db->catalogue.tables.at[table];
	PGresult *result;
	char text[100];
	int i;

	(void)snprintf(text, sizeof(text), "SELECT * FROM " SV_FMT,
		       SV_ARG(row->name));
	result = pg_ask_all(db, text, err);
	if (!result)
		return -1;
	for (i = 0; i < PQntuples(result); i++) {
		if ((keys->len + 1) * 3 > keys->size * 2)
			grow(keys);
		insert(keys, pg_number(result, i, 0), pg_number(result, i, 1));
	}
	PQclear(result);
	if (!keys->pairs)
		grow(keys);
	return 0;
}

/* Reads the table when that pays by now: -1 on error. */
static int consider(struct pg_database *db, struct pg_keys *keys, int table,
		    struct error *err)
{
	const struct pg_table *row = &db->catalogue.tables.at[table];
	PGresult *result;
	char text[100];
	int64_t size;

	if (++keys->asked < FEW_QUESTIONS || keys->asked < keys->enough)
		return 0;
	(void)snprintf(text, sizeof(text),
		       "SELECT pg_relation_size('" SV_FMT "')",
		       SV_ARG(row->name));
	result = pg_ask_all(db, text, err);
	if (!result)
		return -1;
	size = pg_number(result, 0, 0);
	PQclear(result);
	keys->enough = size > MOST_KEYS_BYTES ? INT64_MAX
					      : size / BYTES_A_QUESTION;
	if (keys->asked < keys->enough)
		return 0;
	if (pg_flush(db, UINT64_C(1) << table, NULL, err) < 0)
		return -1;
	return read_all(db, keys, table, err);
}

int keys_read(struct pg_database *db, int table, int64_t h,
	      struct pg_served *out, struct error *err)
{
	struct pg_keys *keys = &db->keys[table];
	size_t at;

	if (!keys->pairs && consider(db, keys, table, err) < 0)
		return -1;
	if (!keys->pairs)
		return 0;
	vec_clear(&out->ids);
	for (at = slot_of(keys, h); keys->pairs[at].used;
	     at = (at + 1) & (keys->size - 1))
		if (keys->pairs[at].h == h && !keys->pairs[at].gone)
			vec_push(&out->ids, keys->pairs[at].id);
	out->is = true;
	out->rows = NULL;
	out->row = 0;
	out->end = (int)out->ids.len;
	return 1;
}
