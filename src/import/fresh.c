/*
 * fresh.c - a first import: rows of new objects, held back and written sorted
 *
 * While nothing of an agent is known yet each object is a new one, and its rows
 * are needed by nobody before the import ends. So they are gathered, and
 * another thread writes a batch while the next one is read and compared. When
 * the store is asked for rows nevertheless, what is held back is written first
 * (store_hold_back).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

struct fresh_ref {
	int64_t target;
	int64_t source;
	uint32_t attr; /* of the store */
};

struct fresh {
	uint32_t agent;
	bool open; /* the transaction goes on */
	struct arena arena;
	VEC(struct cs_row) rows;
	VEC(int64_t) added; /* pending imports */
	VEC(struct fresh_ref) refs;
	VEC(struct anchor_key) anchors;
	VEC(struct key_row) keys;
	struct idmap placeholders; /* id -> 1 + index of its row */
};

bool fresh_holds(const struct import *import)
{
	return import->full && import->first;
}

size_t fresh_bytes(const struct import *import)
{
	return import->fresh_rows[0] ? arena_used(&import->fresh_rows[0]->arena)
				     : 0;
}

static int order_rows(const void *a, const void *b)
{
	int64_t x = ((const struct cs_row *)a)->id;
	int64_t y = ((const struct cs_row *)b)->id;

	return (x > y) - (x < y);
}

static int order_refs(const void *a, const void *b)
{
	const struct fresh_ref *x = a;
	const struct fresh_ref *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

static void clear(struct fresh *fresh)
{
	vec_clear(&fresh->rows);
	vec_clear(&fresh->added);
	vec_clear(&fresh->refs);
	vec_clear(&fresh->anchors);
	vec_clear(&fresh->keys);
	idmap_clear(&fresh->placeholders);
	arena_reset(&fresh->arena);
}

/* Called by store_write_behind() or on behalf of store_hold_back(). */
static int write_fresh(void *data, struct store_tx *tx, struct error *err)
{
	struct fresh *fresh = data;
	const struct anchor_key *key;
	const struct fresh_ref *ref;
	const struct cs_row *row;
	const int64_t *id;

	vec_sort(&fresh->rows, order_rows);
	vec_foreach(&fresh->rows, row)
		if (store_cs_put(tx, row, err) < 0)
			return -1;
	vec_foreach(&fresh->added, id) {
		struct pending_import add = { .cs = *id, .op = IMPORT_ADD };

		if (store_pending_import_put(tx, &add, err) < 0)
			return -1;
	}
	vec_sort(&fresh->refs, order_refs);
	vec_foreach(&fresh->refs, ref)
		if (store_cs_ref_put(tx, ref->target, ref->source, ref->attr,
				     err) < 0)
			return -1;
	vec_foreach(&fresh->anchors, key)
		if (store_anchor_put(tx, fresh->agent, key, err) < 0)
			return -1;
	if (store_cs_key_put(tx, fresh->keys.at, fresh->keys.len, err) < 0)
		return -1;
	clear(fresh);
	return fresh->open;
}

static struct fresh *current(struct import *import)
{
	if (!import->fresh_rows[0]) {
		import->fresh_rows[0] = mem_zalloc(sizeof(struct fresh));
		import->fresh_rows[1] = mem_zalloc(sizeof(struct fresh));
		import->fresh_rows[0]->agent = import->number;
		import->fresh_rows[1]->agent = import->number;
	}
	store_hold_back(import->store, write_fresh, import->fresh_rows[0]);
	return import->fresh_rows[0];
}

/* In the place of its placeholder, when that was not written yet. */
static void add_row(struct fresh *fresh, const struct cs_row *row)
{
	struct cs_row copy = *row;
	uint64_t at;

	copy.rdn = arena_dup(&fresh->arena, row->rdn);
	copy.anchor = arena_dup(&fresh->arena, row->anchor);
	copy.image = arena_dup(&fresh->arena, row->image);
	if (idmap_get(&fresh->placeholders, (uint64_t)row->id, &at))
		fresh->rows.at[at - 1] = copy;
	else
		vec_push(&fresh->rows, copy);
}

void fresh_placeholder(struct import *import, const struct cs_row *row)
{
	struct fresh *fresh = current(import);

	add_row(fresh, row);
	idmap_put(&fresh->placeholders, (uint64_t)row->id, fresh->rows.len);
}

/* A second hash of the anchor: with the first one as good as the anchor itself,
 * which lies in the store. */
static uint32_t check_of(const struct import *import, uint32_t type,
			 struct sv anchor)
{
	return (uint32_t)key_of_anchor(import->store, ~import->number, type,
				       anchor) |
	       1;
}

void fresh_note(struct import *import, int64_t id, uint32_t type,
		struct sv anchor)
{
	size_t at = (size_t)CS_SEQUENCE(id);

	while (import->checks.len <= at)
		vec_push(&import->checks, 0);
	import->checks.at[at] = check_of(import, type, anchor);
}

int64_t fresh_find(const struct import *import, uint64_t h, uint32_t type,
		   struct sv anchor, bool *placeholder_out)
{
	const struct anchor_key *slot;
	uint32_t check = 0;
	int64_t found = 0;
	size_t at = SIZE_MAX;

	while ((slot = anchor_table_find(&import->table, h, &at))) {
		size_t sequence = (size_t)CS_SEQUENCE(slot->id);

		if (!check)
			check = check_of(import, type, anchor);
		if (found || sequence >= import->checks.len ||
		    import->checks.at[sequence] != check)
			return 0;
		found = slot->id;
		*placeholder_out = !slot->content.high && !slot->content.low;
	}
	return found;
}

void fresh_object(struct import *import, const struct entry *entry)
{
	const struct attr_map *map = store_attr_map(import->store);
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct image none = IMAGE_EMPTY;
	struct fresh *fresh = current(import);
	struct cs_row row = entry->row;
	struct reference_diff diff;
	size_t i;

	image_encode(&entry->image, map, &bytes);
	row.image = strbuf_sv(&bytes);
	add_row(fresh, &row);
	strbuf_release(&bytes);
	image_reference_diff(&none, &entry->image, &import->arena, &diff);
	for (i = 0; i < diff.come_count; i++) {
		struct fresh_ref ref = { diff.come[i].target, row.id,
					 map->to_store[diff.come[i].attr] };

		vec_push(&fresh->refs, ref);
	}
	if (entry->import == IMPORT_NONE)
		return;
	vec_push(&fresh->added, row.id);
	store_expect_rows(import->store, row.id, STORE_ROWS_IMPORT);
}

int fresh_hand_over(struct import *import, bool open, struct error *err)
{
	struct fresh *fresh = current(import);
	const struct anchor_key *anchor;
	const struct key_row *key;

	vec_foreach(&import->anchors, anchor)
		vec_push(&fresh->anchors, *anchor);
	vec_clear(&import->anchors);
	vec_foreach(&import->tree.keys, key)
		vec_push(&fresh->keys, *key);
	tree_forget_keys(&import->tree);
	store_expect_keys(import->store, STORE_KEYS_CS, fresh->keys.at,
			  fresh->keys.len);
	store_hold_back(import->store, NULL, NULL);
	fresh->open = open;
	import->fresh_rows[0] = import->fresh_rows[1];
	import->fresh_rows[1] = fresh;
	return store_write_behind(import->tx, write_fresh, NULL, fresh, err);
}

void fresh_release(struct import *import)
{
	int i;

	for (i = 0; i < 2 && import->fresh_rows[i]; i++) {
		struct fresh *fresh = import->fresh_rows[i];

		vec_release(&fresh->rows);
		vec_release(&fresh->added);
		vec_release(&fresh->refs);
		vec_release(&fresh->anchors);
		vec_release(&fresh->keys);
		idmap_release(&fresh->placeholders);
		arena_release(&fresh->arena);
		mem_free(fresh);
	}
	vec_release(&import->checks);
}
