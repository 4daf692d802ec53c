/*
 * anchors.c - which object an anchor means, and what was read of it last
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"

uint32_t stage_anchor_type(const struct import *import, uint32_t type)
{
	return import->has_dn ? 0 : type;
}

#define SAME_HASH 16

int stage_anchor_ids(struct import *import, uint64_t h, int64_t **out,
		     struct error *err)
{
	const struct anchor_table *table = import->full ? &import->table
							: &import->fresh;
	struct anchor_key keys[SAME_HASH];
	struct anchor_key *slot;
	size_t at = SIZE_MAX;
	size_t len = 0;
	int count = 0;
	int i;

	while (anchor_table_find(table, h, &at))
		len++;
	if (!import->full)
		count = store_anchor_find(import->store, import->number, h,
					  keys, SAME_HASH, err);
	if (count < 0)
		return -1;
	*out = arena_array(&import->arena, len + SAME_HASH, sizeof(**out));
	len = 0;
	at = SIZE_MAX;
	while ((slot = anchor_table_find(table, h, &at)))
		(*out)[len++] = slot->id;
	for (i = 0; i < count; i++)
		(*out)[len++] = keys[i].id;
	return (int)len;
}

/*
 * How well an object is the one of this anchor: 0 not at all. Beside the one
 * that is meant there may be a placeholder, or one that an export deleted and
 * whose deletion is not confirmed; the latter is meant by a report that it is
 * gone. One that was added is meant before one that was there earlier: others
 * deleted that one, and its name was given away. But what is told of one that
 * is there is not meant for one whose add was not read yet.
 */
static int rank_of(struct import *import, int64_t id, uint32_t type,
		   struct sv anchor, enum change_op told, struct error *err)
{
	bool gone = told == CHANGE_DELETE;
	struct pending_export awaiting = { 0 };
	struct cs_row row;
	int ret = store_cs_named(import->store, id, &import->arena, &row, err);

	if (ret <= 0)
		return ret;
	if (!anchor_same(stage_anchor_type(import, type), row.anchor, anchor))
		return 0;
	if (row.flags & CS_PLACEHOLDER)
		return 1;
	/* a delta may tell of names that were exchanged one after the other */
	if (!import->full && id_set_has(&import->changed, id))
		return 3;
	if (!id_set_has(&import->special, id))
		return 4;
	if (store_awaiting_get(import->store, id, &import->arena, &awaiting,
			       err) < 0)
		return -1;
	if (awaiting.op == PENDING_DELETE)
		return gone ? 6 : 2;
	if (!row.has_image && (told == CHANGE_UPDATE || told == CHANGE_RENAME))
		return 2;
	return awaiting.op == PENDING_ADD && !gone ? 5 : 4;
}

int stage_find_anchor(struct import *import, uint64_t h, uint32_t type,
		      struct sv anchor, enum change_op told, int64_t *id_out,
		      struct error *err)
{
	bool placeholder;
	int64_t *ids;
	int count;
	int best = 0;
	int i;

	if (fresh_holds(import)) {
		*id_out = fresh_find(import, h, stage_anchor_type(import, type),
				     anchor, &placeholder);
		if (*id_out)
			return 1;
	}
	count = stage_anchor_ids(import, h, &ids, err);
	for (i = 0; i < count; i++) {
		int rank = rank_of(import, ids[i], type, anchor, told, err);

		if (rank < 0)
			return -1;
		/* of two that were read the later one took the name over */
		if (rank > best ||
		    (rank == best && rank == 4 && ids[i] > *id_out)) {
			best = rank;
			*id_out = ids[i];
		}
	}
	return count < 0 ? -1 : best > 0;
}

/* A new or changed anchor key, written with the batch. */
void stage_put_content(struct import *import, uint64_t h, int64_t id,
		       struct hash128 content)
{
	struct anchor_key key = { h, id, content };
	struct anchor_table *table = import->full ? &import->table
						  : &import->fresh;
	struct anchor_key *slot;
	size_t at = SIZE_MAX;

	vec_push(&import->anchors, key);
	while ((slot = anchor_table_find(table, h, &at))) {
		if (slot->id == id) {
			slot->content = content;
			return;
		}
	}
	anchor_table_put(table, h, id, content);
}

static uint64_t anchor_of(const struct import *import, const struct cs_row *row)
{
	return key_of_anchor(import->store, import->number,
			     stage_anchor_type(import, row->type), row->anchor);
}

void stage_compare(struct import *import, const struct cs_row *row)
{
	uint64_t h;

	if (!row->anchor.len || !row->has_image)
		return;
	h = anchor_of(import, row);
	stage_put_content(import, h, row->id, content_unlike(row->id));
}

int stage_content(struct import *import, uint64_t h, int64_t id,
		  struct hash128 *out, struct error *err)
{
	const struct anchor_table *table = import->full ? &import->table
							: &import->fresh;
	struct anchor_key keys[SAME_HASH];
	struct anchor_key *slot;
	size_t at = SIZE_MAX;
	int count = 0;
	int i;

	while ((slot = anchor_table_find(table, h, &at))) {
		if (slot->id != id)
			continue;
		*out = slot->content;
		return 1;
	}
	if (!import->full)
		count = store_anchor_find(import->store, import->number, h,
					  keys, SAME_HASH, err);
	for (i = 0; i < count; i++) {
		if (keys[i].id != id)
			continue;
		*out = keys[i].content;
		return 1;
	}
	return count < 0 ? -1 : 0;
}

int stage_follow(struct import *import, const struct cs_row *row,
		 struct hash128 sum, struct error *err)
{
	struct hash128 content;
	uint64_t h;
	int ret;

	if (!row->anchor.len || !row->has_image || (!sum.high && !sum.low))
		return 0;
	h = anchor_of(import, row);
	ret = stage_content(import, h, row->id, &content, err);
	if (ret > 0)
		stage_put_content(import, h, row->id,
				  content_follow(content, sum, row->id));
	return ret < 0 ? -1 : 0;
}

void stage_anchor(struct import *import, uint64_t h, int64_t id)
{
	stage_put_content(import, h, id, (struct hash128){ 0, 0 });
}
