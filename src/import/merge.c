/*
 * merge.c - a placeholder gives way to the object that it stood for
 *
 * A placeholder becomes the object in place when that is read. Where the object
 * is in the store already, since it was provisioned, or was renamed to the
 * placeholder's name, whoever referred to the placeholder refers to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"

static bool stands_for(const struct import *import, const struct cs_row *row,
		       const struct cs_row *object)
{
	if (!(row->flags & CS_PLACEHOLDER) || row->id == object->id)
		return false;
	if (import->has_dn)
		return row->parent == object->parent &&
		       dn_equal(row->rdn, object->rdn);
	return row->anchor.len &&
	       anchor_same(object->type, row->anchor, object->anchor);
}

/* Another object with the name that this one was just read by. */
static bool bears_same(const struct import *import, const struct cs_row *row,
		       const struct cs_row *object)
{
	return import->has_dn && row->has_image && row->id != object->id &&
	       row->parent == object->parent && dn_equal(row->rdn, object->rdn);
}

/* Ids of objects with the name, or where there are no names the anchor. */
static int same_key(struct import *import, const struct cs_row *row,
		    uint32_t type, int64_t **ids, uint64_t *h_out,
		    struct error *err)
{
	*h_out = 0;
	if (import->has_dn && !row->rdn.len)
		return 0;
	if (import->has_dn)
		return tree_find_key(&import->tree,
				     key_of_name(import->store, import->number,
						 row->parent, row->rdn),
				     &import->arena, ids, err);
	if (!row->anchor.len || !type)
		return 0;
	*h_out =
		key_of_anchor(import->store, import->number, type, row->anchor);
	return stage_anchor_ids(import, *h_out, ids, err);
}

int merge_children(struct import *import, int64_t from, int64_t to,
		   struct error *err)
{
	struct arena *arena = &import->arena;
	int64_t *children;
	size_t count = 0;
	size_t i;

	if (store_cs_children(import->store, from, arena, &children, &count,
			      err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		struct cs_row child;

		if (store_cs_get(import->store, children[i], arena, &child,
				 err) <= 0)
			return -1;
		child.parent = to;
		if (store_cs_put(import->tx, &child, err) < 0)
			return -1;
		tree_add_key(&import->tree,
			     key_of_name(import->store, import->number,
					 child.parent, child.rdn),
			     child.id);
	}
	return 0;
}

static int absorb(struct import *import, const struct cs_row *placeholder,
		  const struct entry *entry, uint64_t h, struct error *err)
{
	if (move_referrers(import, placeholder->id, entry->row.id, err) < 0 ||
	    (import->has_dn &&
	     merge_children(import, placeholder->id, entry->row.id, err) < 0) ||
	    (h && store_anchor_delete(import->tx, import->number, h,
				      placeholder->id, err) < 0) ||
	    store_cs_delete(import->tx, placeholder->id, err) < 0)
		return -1;
	tree_forget(&import->tree);
	return 0;
}

int merge_placeholders(struct import *import, const struct entry *entry,
		       struct error *err)
{
	uint64_t h;
	int64_t *ids;
	int count =
		same_key(import, &entry->row, entry->row.type, &ids, &h, err);
	int i;

	for (i = 0; i < count; i++) {
		struct cs_row row;
		int ret = store_cs_get(import->store, ids[i], &import->arena,
				       &row, err);

		if (ret > 0 && stands_for(import, &row, &entry->row))
			ret = absorb(import, &row, entry, h, err);
		else if (ret > 0 && bears_same(import, &row, &entry->row))
			ret = transient_take(import, row.id, entry, err);
		if (ret < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

int merge_left(struct import *import, const struct cs_row *left, uint32_t type,
	       struct error *err)
{
	uint64_t h;
	int64_t *ids;
	int count = same_key(import, left, type, &ids, &h, err);
	int i;

	for (i = 0; i < count; i++) {
		struct entry entry;
		int ret = entry_load_staged(import->store, ids[i],
					    &import->arena, &entry, err);

		if (ret < 0)
			return -1;
		if (ret > 0 && !(entry.row.flags & CS_PLACEHOLDER) &&
		    stands_for(import, left, &entry.row))
			return absorb(import, left, &entry, h, err);
	}
	return count < 0 ? -1 : 0;
}
