/*
 * whole.c - a set that is delivered whole, compared without loading it
 *
 * Called by a full import for an object with large reference sets that is
 * known by its anchor and whose hash says that something differs. What was
 * delivered is sorted and walked beside what is stored; the values that
 * differ, and those that are awaited, are staged one by one (set.c). The image
 * is not written, nor are its other levels loaded. An object that is not that
 * simple, or of which much differs, is left to stage.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"

#include <stdlib.h>
#include <string.h>

#define LARGE 16 /* values of sets; of fewer the whole image is compared */
#define FEW   16 /* one of so many may differ, else the image is written */

struct delivered {
	int64_t target;
	size_t text; /* its place in the reference */
};

struct walk {
	struct set_owner *owner;
	struct prepared *item;
	struct image_set *stored;
	size_t stored_count;
	struct member *rows;
	size_t row_count;
	size_t differing;
	VEC(struct dn_reference) remembered;
};

/* ---- may it be walked? ---- */

static size_t count_sets(const struct import *import,
			 const struct prepared *item)
{
	const struct object_type *type =
		&import->agent->types[item->change.type];
	size_t count = 0;
	size_t i;

	for (i = 0; i < item->change.attr_count; i++)
		if (content_is_set(&type->attrs[item->change.attrs[i].attr]))
			count += item->change.attrs[i].values.len;
	return count;
}

/* It is where it was, by the very same name. */
static int same_name(struct import *import, const struct prepared *item,
		     const struct cs_row *row, struct error *err)
{
	int64_t parent;
	struct sv rdn;

	if (!sv_eq(row->anchor, item->change.anchor))
		return 0;
	if (!import->has_dn || !item->change.dn.len)
		return !row->rdn.len;
	if (tree_place(&import->tree, import->tx, item->change.dn, &parent,
		       &rdn, err) < 0)
		return -1;
	return parent == row->parent && sv_eq(rdn, row->rdn);
}

/* What is no reference is as it was; texts are names. */
static int read_stored(struct walk *walk, struct error *err)
{
	struct import *import = walk->owner->import;
	const struct prepared *item = walk->item;
	struct image others;
	struct cs_row row;
	size_t i;
	size_t k;
	int count;

	for (i = 0; import->has_dn && i < item->reference_count; i++)
		for (k = 0; k < item->references[i].len; k++)
			if (!dn_valid(item->references[i].texts[k]))
				return 0;
	if (store_cs_get(import->store, walk->owner->row.id, &import->arena,
			 &row, err) <= 0 ||
	    image_decode_sets(row.image, store_attr_map(import->store),
			      &import->arena, &others, &walk->stored,
			      &walk->stored_count, err) < 0)
		return -1;
	if (!image_identical(&others, &item->image))
		return 0;
	count = store_member_range(import->store, row.id, row.id,
				   &import->arena, &walk->rows, err);
	walk->row_count = count < 0 ? 0 : (size_t)count;
	return count < 0 ? -1 : 1;
}

/* ---- the walk ---- */

static int order_delivered(const void *a, const void *b)
{
	const struct delivered *x = a;
	const struct delivered *y = b;

	return (x->target > y->target) - (x->target < y->target);
}

/* The targets of a reference, in order, each once. */
static int resolve_all(struct walk *walk,
		       const struct reference_text *reference,
		       struct delivered **out, size_t *count_out,
		       struct error *err)
{
	struct import *import = walk->owner->import;
	struct delivered *all =
		arena_array(&import->arena, reference->len + 1, sizeof(*all));
	size_t len = 0;
	size_t i;

	for (i = 0; i < reference->len; i++) {
		all[i].text = i;
		if (resolve_text(import, walk->item, reference->def,
				 reference->texts[i], walk->owner->row.id,
				 &all[i].target, err) < 0)
			return -1;
	}
	if (reference->len > 1)
		qsort(all, reference->len, sizeof(*all), order_delivered);
	for (i = 0; i < reference->len; i++)
		if (!len || all[len - 1].target != all[i].target)
			all[len++] = all[i];
	*out = all;
	*count_out = len;
	return 0;
}

/* One attribute: all that it has and had, in order of targets. */
struct set_walk {
	attr_id attr;
	uint32_t number;
	const struct reference_text *reference; /* NULL: nothing delivered */
	struct delivered *now;
	size_t now_len;
	int64_t *stored;
	size_t stored_len;
	struct member *rows;
	size_t row_len;
};

static void take_value(struct walk *walk, const struct set_walk *set,
		       int64_t target, const struct delivered *now, bool stored,
		       const struct member *row)
{
	struct import *import = walk->owner->import;
	bool before = row ? member_in_image(row) : stored;
	struct set_value value = {
		set->attr, set->number, target, now != NULL, { 0, 0 }
	};
	struct dn_reference reference = { walk->owner->row.id, target,
					  set->attr, SV_NULL };
	bool passed = now && id_set_has(&import->renamed_ids, target);

	if (now && (before != value.there || passed)) {
		reference.text = set->reference->texts[now->text];
		vec_push(&walk->remembered, reference);
	}
	if (before != value.there)
		walk->differing++;
	if (before != value.there || (row && row->flags & MEMBER_AWAITED))
		vec_push(&walk->owner->values, value);
}

static void walk_set(struct walk *walk, const struct set_walk *set)
{
	size_t n = 0;
	size_t s = 0;
	size_t r = 0;

	while (n < set->now_len || s < set->stored_len || r < set->row_len) {
		const struct delivered *now = NULL;
		const struct member *row = NULL;
		int64_t target = INT64_MAX;
		bool stored;

		if (n < set->now_len)
			target = set->now[n].target;
		if (s < set->stored_len && set->stored[s] < target)
			target = set->stored[s];
		if (r < set->row_len && set->rows[r].target < target)
			target = set->rows[r].target;
		if (n < set->now_len && set->now[n].target == target)
			now = &set->now[n++];
		stored = s < set->stored_len && set->stored[s] == target;
		while (s < set->stored_len && set->stored[s] == target)
			s++;
		if (r < set->row_len && set->rows[r].target == target)
			row = &set->rows[r++];
		take_value(walk, set, target, now, stored, row);
	}
}

static void find_parts(const struct walk *walk, struct set_walk *set)
{
	size_t i;

	for (i = 0; i < walk->item->reference_count; i++)
		if (walk->item->references[i].attr == set->attr)
			set->reference = &walk->item->references[i];
	for (i = 0; i < walk->stored_count; i++) {
		if (walk->stored[i].attr != set->attr)
			continue;
		set->stored = walk->stored[i].targets;
		set->stored_len = walk->stored[i].len;
	}
	for (i = 0; i < walk->row_count; i++) {
		if (walk->rows[i].attr != set->number)
			continue;
		if (!set->row_len)
			set->rows = &walk->rows[i];
		set->row_len++;
	}
}

/* 1, 0 a reference that is no set differs, -1 */
static int walk_attr(struct walk *walk, attr_id attr,
		     const struct attr_def *def, struct error *err)
{
	const struct attr_map *map = store_attr_map(walk->owner->import->store);
	struct set_walk set = { .attr = attr, .number = map->to_store[attr] };
	size_t differing = walk->differing;

	find_parts(walk, &set);
	if (set.reference &&
	    resolve_all(walk, set.reference, &set.now, &set.now_len, err) < 0)
		return -1;
	walk_set(walk, &set);
	return content_is_set(def) || walk->differing == differing;
}

static bool refers(const struct object_type *type, const attr_id *ids,
		   attr_id attr)
{
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		if (ids[i] == attr)
			return type->attrs[i].type == VALUE_REFERENCE;
	return false;
}

/* References that the object's type has no more are left to stage.c. */
static bool knows_all(const struct walk *walk, const struct object_type *type,
		      const attr_id *ids)
{
	const struct attr_map *map = store_attr_map(walk->owner->import->store);
	size_t i;

	for (i = 0; i < walk->stored_count; i++)
		if (!refers(type, ids, walk->stored[i].attr))
			return false;
	for (i = 0; i < walk->row_count; i++)
		if (!refers(type, ids, map->from_store[walk->rows[i].attr]))
			return false;
	return true;
}

static int walk_all(struct walk *walk, struct error *err)
{
	const struct import *import = walk->owner->import;
	const struct object_type *type =
		&import->agent->types[walk->item->change.type];
	const attr_id *ids = walk->item->ids;
	int ret = knows_all(walk, type, ids);
	size_t i;

	for (i = 0; ret > 0 && i < type->attr_count; i++)
		if (type->attrs[i].type == VALUE_REFERENCE)
			ret = walk_attr(walk, ids[i], &type->attrs[i], err);
	return ret;
}

/* Names may yet pass on: as stage.c remembers them, but for values that are
 * what they were, which settle_references() finds by the object. */
static void remember_names(struct walk *walk)
{
	struct import *import = walk->owner->import;
	const struct dn_reference *reference;

	if (!import->has_dn)
		return;
	id_set_add(&import->walked, walk->owner->row.id);
	vec_foreach(&walk->remembered, reference)
		remember_reference(import, reference);
}

static int stage_walked(struct walk *walk, size_t delivered, struct error *err)
{
	struct set_owner *owner = walk->owner;
	int ret;

	if (walk->differing * FEW > delivered)
		return 0;
	ret = set_can_tell(owner, err);
	if (ret > 0)
		ret = set_stage(owner, err);
	if (ret <= 0)
		return ret;
	remember_names(walk);
	stage_put_content(owner->import, walk->item->anchor_h, owner->row.id,
			  walk->item->content);
	return 1;
}

int stage_whole_set(struct import *import, struct prepared *item,
		    struct error *err)
{
	struct set_owner owner = { .import = import };
	struct walk walk = { .owner = &owner, .item = item };
	size_t delivered;
	int ret;

	if (!import->full || !item->anchor_h || item->change.container)
		return 0;
	delivered = count_sets(import, item);
	if (delivered < LARGE)
		return 0;
	ret = set_find(import, item, &owner.row, err);
	if (ret > 0 && id_set_has(&import->seen, owner.row.id))
		ret = 0;
	if (ret > 0)
		ret = same_name(import, item, &owner.row, err);
	if (ret > 0)
		ret = set_at_rest(&owner, err);
	if (ret > 0)
		ret = read_stored(&walk, err);
	if (ret > 0)
		ret = walk_all(&walk, err);
	if (ret > 0)
		ret = stage_walked(&walk, delivered, err);
	set_release(&owner);
	vec_release(&walk.remembered);
	return ret;
}
