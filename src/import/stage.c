/*
 * stage.c - compare one reported object with its image, stage what differs
 *
 * Order of looking: by anchor, then by DN. What is found by DN only is a
 * placeholder (promoted in place, so whoever refers to it is right at once),
 * an exported add that the system gave no anchor for (taken over), or a
 * pending add that somebody else made first (dropped, its metaverse object is
 * evaluated anew).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"
#include "store/mv.h"

#include <stdio.h>
#include <string.h>

static bool is_object(const struct entry *entry)
{
	return entry->row.type && entry->row.has_image;
}

/* Keys of attributes whose values must be unique in the agent. */
static void add_unique_keys(struct import *import, int64_t id,
			    const struct image *image)
{
	const struct attr_map *map = store_attr_map(import->store);
	size_t r;
	size_t u;
	size_t i;

	for (r = 0; r < import->agent->rule_set_count; r++) {
		const struct config_provision *provision =
			&import->agent->rule_sets[r].provision;

		for (u = 0; u < provision->unique_count; u++) {
			attr_id attr = provision->unique[u].attr;
			const struct values *values = image_get(image, attr);

			for (i = 0; values && i < values->len; i++)
				tree_add_key(&import->tree,
					     key_of_unique(import->store,
							   import->number,
							   map->to_store[attr],
							   &values->at[i]),
					     id);
		}
	}
}

static void add_name_key(struct import *import, const struct cs_row *row)
{
	if (row->rdn.len)
		tree_add_key(&import->tree,
			     key_of_name(import->store, import->number,
					 row->parent, row->rdn),
			     row->id);
}

/* What the object shall be: its row and image. */
struct target {
	int64_t parent;
	struct sv rdn;
	struct image image;
};

static int make_target(struct import *import, const struct prepared *item,
		       int64_t id, struct target *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	if (import->has_dn && item->change.dn.len &&
	    tree_place(&import->tree, import->tx, item->change.dn, &out->parent,
		       &out->rdn, err) < 0)
		return -1;
	out->image = image_copy(&item->image, &import->arena);
	return resolve_references(import, item, id, &out->image, err);
}

/* `bearer`: who has its name, or 0. */
/* Writes the row, its references and its pending import. */
static int put_new(struct import *import, struct entry *entry,
		   struct error *err)
{
	if (fresh_holds(import)) {
		fresh_object(import, entry);
		return 0;
	}
	if (entry_put_row(import->tx, entry, err) < 0 ||
	    update_references(import, entry->row.id, NULL, &entry->image, err) <
		    0)
		return -1;
	return entry->import == IMPORT_NONE
		       ? 0
		       : entry_put_import(import->tx, entry, err);
}

/* `id`: of the placeholder that stood for it, or 0. */
static int new_object(struct import *import, const struct prepared *item,
		      int64_t id, int64_t bearer, struct error *err)
{
	struct entry entry;
	struct target target;

	memset(&entry, 0, sizeof(entry));
	if (!id)
		id = store_cs_new_id(import->tx, import->number);
	if (id < 0 || make_target(import, item, id, &target, err) < 0)
		return -1;
	entry.row.id = id;
	entry.row.type = item->type;
	entry.row.flags = item->change.container ? CS_CONTAINER : 0;
	entry.row.parent = target.parent;
	entry.row.rdn = target.rdn;
	entry.row.anchor = item->change.anchor;
	entry.row.has_image = true;
	entry.image = target.image;
	if (bearer && transient_take(import, bearer, &entry, err) < 0)
		return -1;
	if (!item->change.container)
		entry.import = IMPORT_ADD;
	if (put_new(import, &entry, err) < 0)
		return -1;
	add_name_key(import, &entry.row);
	if (item->anchor_h)
		stage_put_content(import, item->anchor_h, id, item->content);
	if (item->anchor_h && fresh_holds(import))
		fresh_note(import, id, stage_anchor_type(import, item->type),
			   item->change.anchor);
	id_set_add(&import->seen, id);
	if (item->change.container)
		return bearer ? merge_children(import, bearer, id, err) : 0;
	add_unique_keys(import, id, &entry.image);
	id_set_add(&import->changed, id);
	import->changes++;
	stage_count_one(import, "stage-add", id);
	return 0;
}

void stage_settled(struct entry *entry)
{
	if (entry->import != IMPORT_UPDATE || entry->renamed ||
	    entry->confirmed.len ||
	    !image_identical(&entry->synced, &entry->image))
		return;
	entry->import = IMPORT_NONE;
	entry->synced = IMAGE_EMPTY;
}

/* The pending import is the difference to what was synchronized last. */
static void set_pending(struct entry *entry, const struct entry *before,
			bool retyped)
{
	bool was_object = is_object(before);

	if (entry->import == IMPORT_NONE) {
		entry->import = was_object ? IMPORT_UPDATE : IMPORT_ADD;
		entry->synced = was_object ? before->image : IMAGE_EMPTY;
	} else if (entry->import == IMPORT_DELETE) {
		entry->import = IMPORT_UPDATE;
	}
	if (retyped)
		entry->import = IMPORT_DELETE_ADD;
	entry->indexed = false;
	stage_settled(entry);
}

static int note_rename(struct import *import, struct entry *entry,
		       const struct entry *before, struct error *err)
{
	struct dn_reference moved = { .source = entry->row.id };
	struct sv now;

	if (tree_dn(&import->tree, before->row.parent, before->row.rdn,
		    TREE_IMPORTED, &import->run_arena, &moved.text, err) < 0 ||
	    below_rename(import, entry, moved.text, err) < 0)
		return -1;
	tree_forget(&import->tree);
	if (!is_object(before))
		return 0;
	if (!entry->renamed) {
		entry->renamed = true;
		entry->old_dn = moved.text;
	} else {
		if (tree_dn(&import->tree, entry->row.parent, entry->row.rdn,
			    TREE_IMPORTED, &import->arena, &now, err) < 0)
			return -1;
		entry->renamed = !dn_equal(now, entry->old_dn);
	}
	vec_push(&import->renamed, moved);
	id_set_add(&import->renamed_ids, entry->row.id);
	return 0;
}

static int write_changed(struct import *import, const struct prepared *item,
			 struct entry *entry, const struct entry *before,
			 struct error *err)
{
	uint64_t old_h = 0;

	if (before->row.anchor.len)
		old_h = key_of_anchor(
			import->store, import->number,
			stage_anchor_type(import, before->row.type),
			before->row.anchor);
	if (old_h && old_h != item->anchor_h && item->anchor_h &&
	    store_anchor_delete(import->tx, import->number, old_h,
				entry->row.id, err) < 0)
		return -1;
	/* a report by the name alone leaves the anchor, not the content */
	if (item->anchor_h || old_h)
		stage_put_content(import,
				  item->anchor_h ? item->anchor_h : old_h,
				  entry->row.id, item->content);
	if (entry_put_row(import->tx, entry, err) < 0 ||
	    update_references(import, entry->row.id, &before->image,
			      &entry->image, err) < 0)
		return -1;
	add_unique_keys(import, entry->row.id, &entry->image);
	id_set_add(&import->changed, entry->row.id);
	return 0;
}

static const char *name_of_change(const struct entry *before, bool retyped,
				  bool renamed, bool changed, bool deleted)
{
	if (!is_object(before))
		return "stage-add";
	if (retyped)
		return "stage-delete-add";
	if (renamed)
		return "stage-rename";
	return changed || deleted ? "stage-update" : "stage-no-change";
}

/* A report that speaks of its name tells whether it has one again. */
static int read_transient(struct import *import, struct entry *entry,
			  bool renamed, const struct report *report,
			  struct error *err)
{
	if (renamed)
		return transient_named(import, entry, err);
	if (report->whole || report->named)
		vec_push(&import->claims, entry->row.id);
	return 0;
}

static int known_object(struct import *import, const struct prepared *item,
			struct entry *entry, struct target target,
			struct report report, struct error *err)
{
	const struct entry before = *entry;
	bool was_object = is_object(&before);
	bool retyped = was_object && before.row.type != item->type;
	bool moved = id_set_has(&import->below, before.row.id);
	bool renamed = false;
	bool changed;
	const char *name;

	if (target.rdn.len) {
		int64_t parent;
		struct sv rdn;

		renamed = before.row.parent != target.parent ||
			  !dn_equal(before.row.rdn, target.rdn);
		entry_written_name(&before, &parent, &rdn);
		report.same_name = parent == target.parent &&
				   dn_equal(rdn, target.rdn);
	} else {
		report.same_name = true;
	}
	changed = !was_object || retyped ||
		  !image_identical(&before.image, &target.image);
	if (confirm_exports(import, entry, &target.image, &report, err) < 0)
		return -1;
	entry->row.type = item->type;
	entry->row.flags = (item->change.container ? CS_CONTAINER : 0) |
			   (before.row.flags & CS_TRANSIENT);
	entry->row.parent = target.parent;
	entry->row.rdn = target.rdn;
	entry->row.anchor = item->change.anchor.len ? item->change.anchor
						    : before.row.anchor;
	entry->row.has_image = true;
	entry->image = target.image;
	if (before.row.flags & CS_TRANSIENT &&
	    read_transient(import, entry, renamed, &report, err) < 0)
		return -1;
	if (renamed)
		add_name_key(import, &entry->row);
	if (renamed && before.row.has_image &&
	    note_rename(import, entry, &before, err) < 0)
		return -1;
	/* where it is new, something may have stood for it */
	if ((renamed || !before.row.has_image) &&
	    merge_placeholders(import, entry, err) < 0)
		return -1;
	if (write_changed(import, item, entry, &before, err) < 0)
		return -1;
	id_set_add(&import->seen, entry->row.id);
	if (item->change.container)
		return 0;
	name = name_of_change(&before, retyped,
			      (renamed || moved) && was_object, changed,
			      before.import == IMPORT_DELETE);
	if (changed && !strcmp(name, "stage-update") && import->has_dn &&
	    stage_only_references(&before.image, &target.image))
		stage_count_later(import, &before);
	else
		stage_count_one(import, name, entry->row.id);
	if (changed || renamed || before.import != IMPORT_NONE)
		set_pending(entry, &before, retyped);
	/* what we exported ourselves is none of the source's changes */
	if (before.awaiting.op == PENDING_NONE)
		import->changes += (entry->import != IMPORT_NONE) -
				   (before.import != IMPORT_NONE);
	return entry_put_import(import->tx, entry, err);
}

int stage_queue_partner(struct import *import, int64_t id, struct error *err)
{
	struct link_row link;

	if (store_link_get(import->store, id, &link, err) < 0)
		return -1;
	return link.mv ? store_mv_queue_put(import->tx, link.mv, err) : 0;
}

/* A pending add whose name somebody took first: rules decide again. */
static int drop_pending_add(struct import *import, struct entry *entry,
			    struct error *err)
{
	if (stage_queue_partner(import, entry->row.id, err) < 0)
		return -1;
	return entry_remove(
		import->tx, entry,
		entry->row.anchor.len
			? key_of_anchor(
				  import->store, import->number,
				  stage_anchor_type(import, entry->row.type),
				  entry->row.anchor)
			: 0,
		err);
}

static bool exported_before(const struct entry *entry)
{
	return entry->awaiting.op != PENDING_NONE ||
	       (entry->pending.op == PENDING_ADD && entry->pending.in_progress);
}

static int find_object(struct import *import, const struct prepared *item,
		       struct entry *entry, struct error *err);

/* An object that was provisioned and never read: ours when it was sent, else
 * somebody made it first. */
static int take_unread(struct import *import, const struct prepared *item,
		       struct entry *entry, struct error *err)
{
	if (entry->row.has_image || entry->row.flags & CS_PLACEHOLDER ||
	    !entry->row.type || exported_before(entry))
		return 1;
	if (drop_pending_add(import, entry, err) < 0)
		return -1;
	/* a placeholder may have stood beside it */
	return find_object(import, item, entry, err);
}

/* By its name, what is not known by an anchor. */
static int find_by_name(struct import *import, const struct prepared *item,
			struct entry *entry, struct error *err)
{
	int64_t id = 0;
	int ret = tree_find(&import->tree, item->change.dn,
			    TREE_IMPORTED | TREE_EXPECTED, &id, err);

	if (ret <= 0)
		return ret;
	ret = entry_load_staged(import->store, id, &import->arena, entry, err);
	if (ret <= 0)
		return ret;
	if (entry->row.has_image && item->anchor_h) {
		/* with the DN as anchor: its exported name, our own rename; or
		 * it was read when its name was not told as its anchor */
		return (entry->awaiting.rdn.len || !entry->row.anchor.len ||
			(entry->pending.in_progress &&
			 entry->pending.rdn.len)) &&
		       dn_equal(item->change.anchor, item->change.dn);
	}
	return take_unread(import, item, entry, err);
}

/* Did it lose the name that it was read by? */
static bool gave_up(const struct entry *entry)
{
	return entry->awaiting.rdn.len || entry->import == IMPORT_DELETE ||
	       entry->awaiting.op == PENDING_DELETE;
}

/* Who was given this name by an export: where names are anchors, the one that
 * had it may have been given another, or be deleted. */
static int find_given(struct import *import, struct sv dn, struct entry *entry,
		      struct error *err)
{
	int64_t parent = 0;
	struct sv rdn;
	struct sv above;
	int64_t *ids;
	int count = 0;
	int ret = dn_split(dn, &rdn, &above);
	int i;

	if (ret > 0 && above.len)
		ret = tree_find(&import->tree, above,
				TREE_IMPORTED | TREE_EXPECTED, &parent, err);
	if (ret > 0)
		count = tree_find_key(
			&import->tree,
			key_of_name(import->store, import->number, parent, rdn),
			&import->arena, &ids, err);
	for (i = 0; ret > 0 && i < count; i++) {
		ret = entry_load_staged(import->store, ids[i], &import->arena,
					entry, err);
		if (ret > 0 && entry->awaiting.rdn.len &&
		    entry->awaiting.parent == parent &&
		    dn_equal(entry->awaiting.rdn, rdn))
			return 1;
		ret = ret < 0 ? -1 : 1;
	}
	return ret < 0 || count < 0 ? -1 : 0;
}

/* 1: *entry is the object meant; 0: it is a new one, and entry->row.id is who
 * has its name so far, or 0. */
static int find_object(struct import *import, const struct prepared *item,
		       struct entry *entry, struct error *err)
{
	int64_t id = 0;
	int ret = 0;

	entry->row.id = 0;
	if (item->anchor_h)
		ret = stage_find_anchor(import, item->anchor_h, item->type,
					item->change.anchor, item->change.op,
					&id, err);
	if (ret > 0)
		ret = entry_load_staged(import->store, id, &import->arena,
					entry, err);
	if (ret > 0 && import->full && gave_up(entry) &&
	    dn_equal(item->change.anchor, item->change.dn)) {
		ret = find_given(import, item->change.dn, entry, err);
		if (ret)
			return ret;
		ret = entry_load_staged(import->store, id, &import->arena,
					entry, err);
	}
	if (ret > 0)
		return take_unread(import, item, entry, err);
	if (ret < 0 || !import->has_dn || !item->change.dn.len)
		return ret;
	return find_by_name(import, item, entry, err);
}

/* A container has another name: what was there under the old one is moved by
 * its own reports, one by one. 1 *entry is the container, 0 it is a new one. */
static int move_container(struct import *import, const struct prepared *item,
			  struct entry *entry, struct error *err)
{
	int64_t old = entry->row.id;
	int64_t id = 0;
	int ret;

	if (!(entry->row.flags & CS_CONTAINER) ||
	    entry->row.flags & CS_TRANSIENT || !item->change.dn.len)
		return 1;
	ret = tree_find(&import->tree, item->change.dn,
			TREE_IMPORTED | TREE_EXPECTED, &id, err);
	if (ret < 0 || (ret > 0 && id == old))
		return ret;
	if (store_anchor_delete(import->tx, import->number, item->anchor_h, old,
				err) < 0)
		return -1;
	entry->row.flags = CS_PLACEHOLDER;
	entry->row.has_image = false;
	entry->row.anchor = SV_NULL;
	if (entry_put_row(import->tx, entry, err) < 0)
		return -1;
	tree_forget(&import->tree);
	return ret ? entry_load_staged(import->store, id, &import->arena, entry,
				       err)
		   : 0;
}

/* Where objects have no names all of a placeholder is its anchor: then there is
 * nothing to be read of it. */
static int64_t promoted_of(const struct import *import,
			   const struct prepared *item)
{
	bool placeholder = false;
	int64_t id = 0;

	if (fresh_holds(import) && !import->has_dn && item->anchor_h)
		id = fresh_find(import, item->anchor_h, item->type,
				item->change.anchor, &placeholder);
	return placeholder ? id : 0;
}

/* What no rule set speaks of any more is gone, and something that others lie
 * below is in its place. */
static int becomes_container(struct import *import, const struct prepared *item,
			     int64_t id, struct error *err)
{
	if (!import->full && !id_set_has(&import->deleting, id)) {
		vec_push(&import->deletes, id);
		id_set_add(&import->deleting, id);
	}
	return new_object(import, item, 0, id, err);
}

int stage_object(struct import *import, struct prepared *item,
		 struct error *err)
{
	struct entry entry;
	struct target target;
	int64_t bearer = 0;
	int64_t promoted = promoted_of(import, item);
	int ret;

	if (promoted)
		return new_object(import, item, promoted, 0, err);
	ret = find_object(import, item, &entry, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		bearer = entry.row.id;
	if (ret > 0 && id_set_has(&import->seen, entry.row.id) &&
	    import->full) {
		import_error(import, &item->change, "duplicate-object",
			     "an object with this anchor was read already");
		return 0;
	}
	if (ret > 0 && item->change.container && is_object(&entry))
		return becomes_container(import, item, entry.row.id, err);
	if (ret > 0 && item->change.container) {
		ret = move_container(import, item, &entry, err);
		if (ret < 0)
			return -1;
	}
	if (ret == 0)
		return new_object(import, item, 0, bearer, err);
	/* delta: deleted, then added again; what we deleted is another one */
	if (entry.awaiting.op == PENDING_DELETE &&
	    id_set_has(&import->deleting, entry.row.id) &&
	    !id_set_has(&import->seen, entry.row.id)) {
		if (stage_delete(import, entry.row.id, err) < 0)
			return -1;
		ret = entry_load_staged(import->store, entry.row.id,
					&import->arena, &entry, err);
		if (ret <= 0)
			return ret < 0 ? -1
				       : new_object(import, item, 0, 0, err);
	}
	if (make_target(import, item, entry.row.id, &target, err) < 0)
		return -1;
	return known_object(import, item, &entry, target,
			    (struct report){ .whole = true }, err);
}

static struct values without(const struct values *all,
			     const struct values *less, enum match_rule match,
			     struct arena *arena)
{
	struct values out = { NULL, 0 };
	size_t i;

	if (!all)
		return out;
	out.at = arena_array(arena, all->len, sizeof(*out.at));
	for (i = 0; i < all->len; i++)
		if (!values_have(less, &all->at[i], match))
			out.at[out.len++] = all->at[i];
	return out;
}

static struct values with(const struct values *all, const struct values *more,
			  enum match_rule match, struct arena *arena)
{
	struct values out = { NULL, all ? all->len : 0 };
	size_t i;

	out.at = arena_array(arena, out.len + more->len, sizeof(*out.at));
	if (out.len)
		memcpy(out.at, all->at, out.len * sizeof(*out.at));
	for (i = 0; i < more->len; i++)
		if (!values_have(&out, &more->at[i], match))
			out.at[out.len++] = more->at[i];
	return out;
}

/* A delta that names attributes only: what the object is after it. */
static int changed_image(struct import *import, const struct prepared *item,
			 struct image *image, struct image *mentioned,
			 struct error *err)
{
	const struct object_type *type =
		&import->agent->types[item->change.type];
	size_t i;

	for (i = 0; i < item->change.attr_count; i++) {
		const struct attr_change *change = &item->change.attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];
		attr_id attr = item->ids[change->attr];
		struct values values = change->values;

		if (def->type == VALUE_REFERENCE &&
		    resolve_values(import, item, def, &values, err) < 0)
			return -1;
		if (change->op == ATTR_ADD)
			values = with(image_get(image, attr), &values,
				      def->match, &import->arena);
		else if (change->op == ATTR_DELETE)
			values = without(image_get(image, attr), &values,
					 def->match, &import->arena);
		image_set(image, attr, values, &import->arena);
		image_put(mentioned, attr, values, &import->arena);
	}
	return 0;
}

/* By the new name: ours, by a passing name that nobody knows; or of a delta
 * that is read again after an error. */
static int find_renamed(struct import *import, const struct prepared *item,
			struct entry *entry, struct error *err)
{
	int64_t id;
	int ret = find_given(import, item->change.new_dn, entry, err);

	if (ret)
		return ret;
	ret = tree_find(&import->tree, item->change.new_dn, TREE_IMPORTED, &id,
			err);
	return ret > 0 ? entry_load_staged(import->store, id, &import->arena,
					   entry, err)
		       : ret;
}

int stage_update(struct import *import, struct prepared *item,
		 struct error *err)
{
	struct change *change = &item->change;
	struct entry entry;
	struct target target = { 0 };
	struct report report = { .named = change->op == CHANGE_RENAME };
	int ret = find_object(import, item, &entry, err);

	if (ret == 0 && report.named)
		ret = find_renamed(import, item, &entry, err);
	if (ret < 0)
		return -1;
	if (ret == 0 || !entry.row.has_image) {
		import_error(import, change, "need-full-object",
			     "a change of an object that was never read; run "
			     "a full import");
		return 0;
	}
	target.parent = entry.row.parent;
	target.rdn = entry.row.rdn;
	if (change->op == CHANGE_RENAME) {
		if (tree_place(&import->tree, import->tx, change->new_dn,
			       &target.parent, &target.rdn, err) < 0)
			return -1;
		if (dn_equal(change->anchor, change->dn)) {
			change->anchor = change->new_dn;
			item->anchor_h = key_of_anchor(import->store,
						       import->number, 0,
						       change->anchor);
		}
	}
	target.image = image_copy(&entry.image, &import->arena);
	if (changed_image(import, item, &target.image, &report.attrs, err) < 0)
		return -1;
	item->type = entry.row.type;
	item->content = content_unlike(entry.row.id);
	return known_object(import, item, &entry, target, report, err);
}

/* Nothing in `image` refers to `gone` any more; false: nothing did. */
static bool drop_target(struct image *image, int64_t gone, struct arena *arena)
{
	bool dropped = false;
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++) {
		const struct values *all = &image->attrs[i].values;
		struct values left = { NULL, 0 };

		for (k = 0; k < all->len; k++)
			if (all->at[k].type == VALUE_REFERENCE &&
			    all->at[k].number == gone)
				break;
		if (k == all->len)
			continue;
		left.at = arena_array(arena, all->len, sizeof(*left.at));
		for (k = 0; k < all->len; k++)
			if (all->at[k].type != VALUE_REFERENCE ||
			    all->at[k].number != gone)
				left.at[left.len++] = all->at[k];
		image_set(image, image->attrs[i].attr, left, arena);
		dropped = true;
	}
	return dropped;
}

int stage_without(struct import *import, int64_t source, int64_t gone,
		  struct error *err)
{
	struct prepared item = { .content = content_unlike(source) };
	struct entry entry;
	struct target target = { 0 };
	int ret = entry_load_staged(import->store, source, &import->arena,
				    &entry, err);

	if (ret <= 0 || !is_object(&entry) ||
	    id_set_has(&import->deleting, source))
		return ret < 0 ? -1 : 0;
	target.parent = entry.row.parent;
	target.rdn = entry.row.rdn;
	target.image = image_copy(&entry.image, &import->arena);
	if (!drop_target(&target.image, gone, &import->arena))
		return 0;
	item.type = entry.row.type;
	return known_object(import, &item, &entry, target,
			    (struct report){ .named = false }, err);
}

int stage_report_deleted(struct import *import, struct prepared *item,
			 struct error *err)
{
	struct entry entry;
	int ret = find_object(import, item, &entry, err);

	if (ret < 0)
		return -1;
	if (ret == 0 || !entry.row.has_image)
		return stage_count_filtered(import, &item->change, err);
	if (!id_set_has(&import->deleting, entry.row.id))
		vec_push(&import->deletes, entry.row.id);
	id_set_add(&import->deleting, entry.row.id);
	id_set_remove(&import->seen, entry.row.id);
	return 0;
}

int stage_delete(struct import *import, int64_t id, struct error *err)
{
	struct entry entry;
	struct link_row link;
	int ret = entry_load_staged(import->store, id, &import->arena, &entry,
				    err);

	if (ret <= 0)
		return ret;
	/* added and deleted by exports before any import saw it */
	if (!entry.row.has_image && entry.awaiting.op == PENDING_DELETE)
		return obsolete_remove(import, &entry, err);
	if (!entry.row.has_image)
		return 0;
	if (entry.row.flags & CS_CONTAINER)
		return obsolete_remove(import, &entry, err);
	if (entry.awaiting.op == PENDING_DELETE) {
		stage_count_one(import, "stage-delete", id);
		return obsolete_remove(import, &entry, err);
	}
	if (entry.import == IMPORT_DELETE)
		return 0;
	stage_count_one(import, "stage-delete", id);
	if (entry.import == IMPORT_NONE)
		entry.synced = entry.image;
	if (entry.import == IMPORT_ADD) {
		if (store_link_get(import->store, id, &link, err) < 0)
			return -1;
		/* came and went before any sync saw it */
		if (!link.mv)
			return obsolete_remove(import, &entry, err);
	}
	entry.import = IMPORT_DELETE;
	id_set_add(&import->changed, id);
	return entry_put_import(import->tx, &entry, err);
}
