/*
 * set.c - one value more or less of a reference set, without the others
 *
 * Called for a delta's change that names values of sets and nothing else. Its
 * values are looked at one by one, and kept as rows beside the image
 * (store/member.h); what is exported and comes back is confirmed or
 * contradicted value by value. Whatever is not that simple is left to stage.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "store/retry.h"

#include <string.h>

static bool only_sets(const struct import *import, const struct change *change)
{
	const struct object_type *type = &import->agent->types[change->type];
	size_t i;

	if (import->full || change->op != CHANGE_UPDATE || change->container)
		return false;
	for (i = 0; i < change->attr_count; i++) {
		const struct attr_def *def =
			&type->attrs[change->attrs[i].attr];

		if (change->attrs[i].op == ATTR_REPLACE || !def->multi ||
		    def->type != VALUE_REFERENCE)
			return false;
	}
	return change->attr_count > 0;
}

int set_find(struct import *import, const struct prepared *item,
	     struct cs_row *out, struct error *err)
{
	int64_t id = 0;
	int ret = 0;

	if (item->anchor_h)
		ret = stage_find_anchor(import, item->anchor_h, item->type,
					item->change.anchor, CHANGE_OBJECT, &id,
					err);
	else if (import->has_dn && item->change.dn.len)
		ret = tree_find(&import->tree, item->change.dn,
				TREE_IMPORTED | TREE_EXPECTED, &id, err);
	if (ret > 0)
		ret = store_cs_named(import->store, id, &import->arena, out,
				     err);
	if (ret <= 0)
		return ret;
	return out->has_image && !out->flags &&
	       out->type == import->types[item->change.type] &&
	       !id_set_has(&import->deleting, id) &&
	       !id_set_has(&import->below, id);
}

int set_at_rest(struct set_owner *owner, struct error *err)
{
	struct import *import = owner->import;
	int64_t id = owner->row.id;
	struct pending_import staged;
	struct pending_export pending;
	struct pending_export awaiting;

	if (store_pending_import_get(import->store, id, &import->arena, &staged,
				     err) < 0 ||
	    store_pending_export_get(import->store, id, &import->arena,
				     &pending, err) < 0 ||
	    store_awaiting_get(import->store, id, &import->arena, &awaiting,
			       err) < 0)
		return -1;
	owner->staged = staged.op != IMPORT_NONE;
	owner->pending = pending.op != PENDING_NONE;
	owner->awaiting = awaiting.op != PENDING_NONE;
	if (owner->staged && (staged.op != IMPORT_UPDATE || !staged.sets))
		return 0;
	if (owner->pending && pending.op != PENDING_UPDATE)
		return 0;
	return !owner->awaiting ||
	       (awaiting.op == PENDING_UPDATE && !awaiting.attrs.len &&
		!awaiting.rdn.len && !pending.attrs.len);
}

static int resolve(struct set_owner *owner, const struct prepared *item,
		   struct error *err)
{
	struct import *import = owner->import;
	const struct change *change = &item->change;
	const struct object_type *type = &import->agent->types[change->type];
	const struct attr_map *map = store_attr_map(import->store);
	size_t i;
	size_t k;

	for (i = 0; i < change->attr_count; i++) {
		const struct attr_change *one = &change->attrs[i];
		attr_id attr = item->ids[one->attr];

		for (k = 0; k < one->values.len; k++) {
			struct values values = { &one->values.at[k], 1 };
			struct set_value value = { attr,
						   map->to_store[attr],
						   0,
						   one->op == ATTR_ADD,
						   { 0, 0 } };

			if (resolve_values(import, item,
					   &type->attrs[one->attr], &values,
					   err) < 0)
				return -1;
			if (!values.len)
				continue;
			value.target = values.at[0].number;
			value.hash = content_of_value(
				import->store, import->has_dn, value.number,
				one->values.at[k].text, &import->arena);
			vec_push(&owner->values, value);
		}
	}
	return 0;
}

/* Which sets are pending already. */
static int note_pending(struct set_owner *owner, struct error *err)
{
	struct member *rows;
	int count = 0;
	int i;

	if (owner->pending)
		count = store_member_moving(owner->import->store, owner->row.id,
					    &owner->import->arena, &rows, err);
	for (i = 0; i < count; i++)
		if (rows[i].flags & MEMBER_PENDING)
			idmap_put(&owner->pending_sets, rows[i].attr, 1);
	return count < 0 ? -1 : 0;
}

int set_can_tell(struct set_owner *owner, struct error *err)
{
	struct store *store = owner->import->store;
	const struct set_value *value;

	if (note_pending(owner, err) < 0)
		return -1;

	vec_foreach(&owner->values, value) {
		struct member row;
		uint32_t by = 0;
		int ret = store_member_get(store, owner->row.id, value->number,
					   value->target, &row, err);

		if (ret > 0 && member_in_image(&row))
			ret = store_referring(store, owner->row.id,
					      value->target, &by, err) < 0
				      ? -1
				      : by == value->number;
		if (ret <= 0)
			return ret;
		if (row.flags & MEMBER_AWAITED &&
		    member_in_written(&row) != value->there)
			idmap_put(&owner->pending_sets, value->number, 1);
	}
	return 1;
}

/* A set that is pending is so with all its values: that of others which came
 * or went is to be as it was, until synchronization says otherwise. */
static void hold_against(const struct set_owner *owner, struct member *row)
{
	if (row->flags & (MEMBER_PENDING | MEMBER_AWAITED) ||
	    !idmap_get(&owner->pending_sets, row->attr, NULL))
		return;
	row->flags |= MEMBER_PENDING;
	row->flags |= member_in_image(row) ? MEMBER_WANTED : 0;
}

/* What was exported came back, or another value did. */
static void settle_export(struct set_owner *owner,
			  const struct set_value *value, bool differs,
			  struct member *row)
{
	struct arena *arena = &owner->import->arena;
	bool sent = member_in_written(row);
	struct image *missed = sent ? &owner->lost : &owner->kept;
	const struct values *others = image_get(missed, value->attr);
	struct values all = { NULL, others ? others->len : 0 };

	row->flags &= ~(unsigned)(MEMBER_AWAITED | MEMBER_WRITTEN);
	if (sent == value->there) {
		owner->confirmed = true;
		row->flags |= differs ? MEMBER_CONFIRMED : 0;
		return;
	}
	all.at = arena_array(arena, all.len + 1, sizeof(*all.at));
	if (all.len)
		memcpy(all.at, others->at, all.len * sizeof(*all.at));
	all.at[all.len++] = value_reference(value->target, SV_NULL);
	image_put(missed, value->attr, all, arena);
	if (!(row->flags & MEMBER_PENDING))
		row->flags |= MEMBER_PENDING | (sent ? MEMBER_WANTED : 0);
}

static int stage_value(struct set_owner *owner, const struct set_value *value,
		       struct error *err)
{
	struct import *import = owner->import;
	struct member row;
	bool differs;
	int ret = store_member_get(import->store, owner->row.id, value->number,
				   value->target, &row, err);

	if (ret <= 0)
		return -1;
	differs = member_in_image(&row) != value->there;
	if (differs) {
		hold_against(owner, &row);
		/* what was confirmed is what it is changed from */
		if (row.flags & MEMBER_CONFIRMED) {
			row.flags &=
				~(unsigned)(MEMBER_SYNCED | MEMBER_CONFIRMED);
			row.flags |= value->there ? 0 : MEMBER_SYNCED;
		}
		row.flags ^= MEMBER_IMAGE;
		owner->changed = true;
		owner->sum = value->there
				     ? content_plus(owner->sum, value->hash)
				     : content_minus(owner->sum, value->hash);
		if (import->has_dn)
			import_toggle_set(import, owner->row.id, value->number,
					  value->target);
		ret = value->there
			      ? store_cs_ref_add(import->tx, value->target,
						 owner->row.id, value->number,
						 err)
			      : store_cs_ref_delete(import->tx, value->target,
						    owner->row.id, err);
	}
	if (row.flags & MEMBER_AWAITED)
		settle_export(owner, value, differs, &row);
	if (ret < 0)
		return -1;
	return store_member_put(import->tx, &row, err);
}

/* What its rows have, now. */
struct moving {
	bool staged;
	bool awaited;
	bool pending;
};

static int look_at_rows(struct set_owner *owner, struct moving *out,
			struct error *err)
{
	struct member *rows;
	int count = store_member_moving(owner->import->store, owner->row.id,
					&owner->import->arena, &rows, err);
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < count; i++) {
		unsigned flags = rows[i].flags;

		out->staged |= (flags & MEMBER_CONFIRMED) ||
			       !(flags & MEMBER_IMAGE) !=
				       !(flags & MEMBER_SYNCED);
		out->awaited |= (flags & MEMBER_AWAITED) != 0;
		out->pending |= (flags & MEMBER_PENDING) != 0;
	}
	return count < 0 ? -1 : 0;
}

static int keep_import(struct set_owner *owner, bool staged, struct error *err)
{
	struct import *import = owner->import;
	struct pending_import row = { .cs = owner->row.id,
				      .op = IMPORT_UPDATE,
				      .sets = true };
	struct link_row link;

	/* of one that is linked nothing is to be found by join values */
	if (store_link_get(import->store, row.cs, &link, err) < 0)
		return -1;
	row.indexed = link.mv != 0;
	if (!owner->awaiting)
		import->changes += (int)staged - (int)owner->staged;
	if (staged)
		return store_pending_import_put(import->tx, &row, err);
	return owner->staged ? store_pending_import_delete(import->tx, row.cs,
							   row.cs, err)
			     : 0;
}

static int keep_exports(struct set_owner *owner, const struct moving *moving,
			struct error *err)
{
	struct import *import = owner->import;
	int64_t id = owner->row.id;
	struct pending_export row = { .cs = id, .op = PENDING_UPDATE };

	if (owner->awaiting && !moving->awaited &&
	    store_awaiting_delete(import->tx, id, err) < 0)
		return -1;
	if (moving->pending && !owner->pending &&
	    store_pending_export_put(import->tx, &row, err) < 0)
		return -1;
	if (owner->lost.len || owner->kept.len)
		return confirm_contradicted(import, id, &owner->lost,
					    &owner->kept, err);
	return owner->confirmed ? confirm_confirmed(import, id, err) : 0;
}

int set_stage(struct set_owner *owner, struct error *err)
{
	struct import *import = owner->import;
	const struct set_value *value;
	struct moving moving;

	vec_foreach(&owner->values, value)
		if (stage_value(owner, value, err) < 0)
			return -1;
	if (look_at_rows(owner, &moving, err) < 0 ||
	    keep_import(owner, moving.staged, err) < 0 ||
	    keep_exports(owner, &moving, err) < 0)
		return -1;
	id_set_add(&import->seen, owner->row.id);
	id_set_add(&import->changed, owner->row.id);
	stage_count_sets(import, owner->row.id, owner->changed);
	return 1;
}

void set_release(struct set_owner *owner)
{
	idmap_release(&owner->pending_sets);
	vec_release(&owner->values);
}

int stage_sets(struct import *import, const struct prepared *item,
	       struct error *err)
{
	struct set_owner owner = { .import = import };
	int ret;

	if (!only_sets(import, &item->change))
		return 0;
	ret = set_find(import, item, &owner.row, err);
	if (ret > 0)
		ret = set_at_rest(&owner, err);
	if (ret > 0 && resolve(&owner, item, err) < 0)
		ret = -1;
	if (ret > 0)
		ret = set_can_tell(&owner, err);
	if (ret > 0)
		ret = set_stage(&owner, err);
	if (ret > 0 && stage_follow(import, &owner.row, owner.sum, err) < 0)
		ret = -1;
	set_release(&owner);
	return ret;
}
