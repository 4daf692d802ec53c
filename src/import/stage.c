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

static uint32_t anchor_type(const struct import *import, uint32_t type)
{
	return import->has_dn ? 0 : type;
}

#define SAME_HASH     16
/* A source may hold far more than what is asked for. */
#define FILTERED_KEPT 1000

int stage_anchor_ids(struct import *import, uint64_t h, int64_t **out,
		     struct error *err)
{
	const struct anchor_table *table = import->full ? &import->table
							: &import->fresh;
	struct anchor_key keys[SAME_HASH];
	struct anchor_slot *slot;
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
	if (!anchor_same(anchor_type(import, type), row.anchor, anchor))
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

static int find_anchor(struct import *import, uint64_t h, uint32_t type,
		       struct sv anchor, enum change_op told, int64_t *id_out,
		       struct error *err)
{
	bool placeholder;
	int64_t *ids;
	int count;
	int best = 0;
	int i;

	if (fresh_holds(import)) {
		*id_out = fresh_find(import, h, anchor_type(import, type),
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

int stage_find_anchor(struct import *import, uint64_t h, uint32_t type,
		      struct sv anchor, int64_t *id_out, struct error *err)
{
	return find_anchor(import, h, type, anchor, CHANGE_OBJECT, id_out, err);
}

/* A new or changed anchor key, written with the batch. */
static void add_anchor(struct import *import, uint64_t h, int64_t id,
		       struct hash128 content)
{
	struct anchor_key key = { h, id, content };
	struct anchor_table *table = import->full ? &import->table
						  : &import->fresh;
	struct anchor_slot *slot;
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

static bool is_object(const struct entry *entry)
{
	return entry->row.type && entry->row.has_image;
}

static uint64_t anchor_of(const struct import *import, const struct cs_row *row)
{
	return key_of_anchor(import->store, import->number,
			     anchor_type(import, row->type), row->anchor);
}

void stage_compare(struct import *import, const struct cs_row *row)
{
	uint64_t h;

	if (!row->anchor.len || !row->has_image)
		return;
	h = anchor_of(import, row);
	add_anchor(import, h, row->id, content_unlike(row->id));
}

int stage_content(struct import *import, uint64_t h, int64_t id,
		  struct hash128 *out, struct error *err)
{
	const struct anchor_table *table = import->full ? &import->table
							: &import->fresh;
	struct anchor_key keys[SAME_HASH];
	struct anchor_slot *slot;
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
		add_anchor(import, h, row->id,
			   content_follow(content, sum, row->id));
	return ret < 0 ? -1 : 0;
}

void stage_put_content(struct import *import, uint64_t h, int64_t id,
		       struct hash128 content)
{
	add_anchor(import, h, id, content);
}

void stage_anchor(struct import *import, uint64_t h, int64_t id)
{
	add_anchor(import, h, id, (struct hash128){ 0, 0 });
}

/* Of an object that a delta reports several times the strongest counts. */
static const char *const COUNTERS[] = {
	"stage-no-change",  "stage-update", "stage-rename",
	"stage-delete-add", "stage-add",    "stage-delete",
};
#define COUNTER_COUNT (sizeof(COUNTERS) / sizeof(*COUNTERS))

static void count(struct import *import, const char *name, int64_t id)
{
	uint64_t before = 0;
	uint64_t now = 1;

	if (import->full) {
		counters_add(import->counters, 0, name, id);
		return;
	}
	while (now < COUNTER_COUNT && strcmp(COUNTERS[now - 1], name) != 0)
		now++;
	(void)idmap_get(&import->counted, (uint64_t)id, &before);
	if (now > before)
		idmap_put(&import->counted, (uint64_t)id, now);
}

/* A full import counts what it reads, when it does. */
void stage_count_below(struct import *import, int64_t id)
{
	if (!import->full)
		count(import, "stage-rename", id);
	else if (!id_set_has(&import->seen, id))
		id_set_add(&import->below, id);
}

void import_toggle_set(struct import *import, int64_t source, uint32_t attr,
		       int64_t target)
{
	int64_t value[3] = { source, attr, target };
	uint64_t h = hash64(store_hash_key(import->store),
			    sv_make((const char *)value, sizeof(value)));
	uint64_t differs = 0;
	uint64_t count = 1;

	(void)idmap_get(&import->set_values, h, &differs);
	(void)idmap_get(&import->set_owners, (uint64_t)source, &count);
	idmap_put(&import->set_values, h, !differs);
	idmap_put(&import->set_owners, (uint64_t)source,
		  differs ? count - 1 : count + 1);
}

/* Where names may pass on, what changed is known at the end. */
void stage_count_sets(struct import *import, int64_t id, bool changed)
{
	if (!changed || !import->has_dn)
		count(import, changed ? "stage-update" : "stage-no-change", id);
}

static void count_set_owners(struct import *import, bool all)
{
	const struct idmap *owners = &import->set_owners;
	size_t i;

	for (i = 0; i < owners->size; i++)
		if (owners->keys[i])
			count(import,
			      all || owners->values[i] > 1 ? "stage-update"
							   : "stage-no-change",
			      (int64_t)owners->keys[i]);
	idmap_clear(&import->set_owners);
}

void stage_count(struct import *import)
{
	const struct doubtful *doubtful;
	size_t i;

	count_set_owners(import, true);

	/* the import broke off: what was said of them stands */
	vec_foreach(&import->doubtful, doubtful)
		count(import, "stage-update", doubtful->id);
	for (i = 0; i < import->counted.size; i++)
		if (import->counted.keys[i])
			counters_add(import->counters, 0,
				     COUNTERS[import->counted.values[i] - 1],
				     (int64_t)import->counted.keys[i]);
}

int stage_deliver(struct import *import, struct error *err)
{
	size_t i;

	for (i = 0; i < import->counted.size; i++)
		if (import->counted.keys[i] && import->counted.values[i] == 1 &&
		    store_queue_put(import->tx,
				    (int64_t)import->counted.keys[i], err) < 0)
			return -1;
	return 0;
}

/* Only references differ. */
static bool only_references(const struct image *a, const struct image *b)
{
	const struct image *both[2] = { a, b };
	size_t s;
	size_t i;

	for (s = 0; s < 2; s++) {
		for (i = 0; i < both[s]->len; i++) {
			const struct image_attr *attr = &both[s]->attrs[i];
			const struct values *other =
				image_get(both[1 - s], attr->attr);

			if (attr->values.at[0].type != VALUE_REFERENCE &&
			    (!other || !values_identical(&attr->values, other)))
				return false;
		}
	}
	return true;
}

static void count_later(struct import *import, const struct entry *before)
{
	struct doubtful doubtful = { before->row.id, IMAGE_EMPTY };

	/* a delta may tell of it again: what it was at first counts */
	if (id_set_has(&import->doubted, before->row.id))
		return;
	id_set_add(&import->doubted, before->row.id);
	doubtful.before = image_dup(&before->image, &import->run_arena);
	vec_push(&import->doubtful, doubtful);
}

int stage_count_doubtful(struct import *import, struct error *err)
{
	const struct doubtful *doubtful;

	count_set_owners(import, false);
	vec_foreach(&import->doubtful, doubtful) {
		struct entry entry;
		int ret = entry_load(import->store, doubtful->id,
				     &import->arena, &entry, err);

		if (ret < 0)
			return -1;
		count(import,
		      ret > 0 && image_identical(&entry.image,
						 &doubtful->before)
			      ? "stage-no-change"
			      : "stage-update",
		      doubtful->id);
		arena_reset(&import->arena);
	}
	vec_clear(&import->doubtful);
	return 0;
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
		add_anchor(import, item->anchor_h, id, item->content);
	if (item->anchor_h && fresh_holds(import))
		fresh_note(import, id, anchor_type(import, item->type),
			   item->change.anchor);
	id_set_add(&import->seen, id);
	if (item->change.container)
		return bearer ? merge_children(import, bearer, id, err) : 0;
	add_unique_keys(import, id, &entry.image);
	id_set_add(&import->changed, id);
	import->changes++;
	count(import, "stage-add", id);
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
		old_h = key_of_anchor(import->store, import->number,
				      anchor_type(import, before->row.type),
				      before->row.anchor);
	if (old_h && old_h != item->anchor_h && item->anchor_h &&
	    store_anchor_delete(import->tx, import->number, old_h,
				entry->row.id, err) < 0)
		return -1;
	/* a report by the name alone leaves the anchor, not the content */
	if (item->anchor_h || old_h)
		add_anchor(import, item->anchor_h ? item->anchor_h : old_h,
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
	    only_references(&before.image, &target.image))
		count_later(import, &before);
	else
		count(import, name, entry->row.id);
	if (changed || renamed || before.import != IMPORT_NONE)
		set_pending(entry, &before, retyped);
	/* what we exported ourselves is none of the source's changes */
	if (before.awaiting.op == PENDING_NONE)
		import->changes += (entry->import != IMPORT_NONE) -
				   (before.import != IMPORT_NONE);
	return entry_put_import(import->tx, entry, err);
}

/* A pending add whose name somebody took first: rules decide again. */
static int drop_pending_add(struct import *import, struct entry *entry,
			    struct error *err)
{
	if (entry->link.mv &&
	    store_mv_queue_put(import->tx, entry->link.mv, err) < 0)
		return -1;
	return entry_remove(
		import->tx, entry,
		entry->row.anchor.len
			? key_of_anchor(import->store, import->number,
					anchor_type(import, entry->row.type),
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
	ret = entry_load(import->store, id, &import->arena, entry, err);
	if (ret <= 0)
		return ret;
	if (entry->row.has_image && item->anchor_h) {
		/* its exported name: with the DN as anchor, our own rename */
		return (entry->awaiting.rdn.len ||
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
		ret = entry_load(import->store, ids[i], &import->arena, entry,
				 err);
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
		ret = find_anchor(import, item->anchor_h, item->type,
				  item->change.anchor, item->change.op, &id,
				  err);
	if (ret > 0)
		ret = entry_load(import->store, id, &import->arena, entry, err);
	if (ret > 0 && import->full && gave_up(entry) &&
	    dn_equal(item->change.anchor, item->change.dn)) {
		ret = find_given(import, item->change.dn, entry, err);
		if (ret)
			return ret;
		ret = entry_load(import->store, id, &import->arena, entry, err);
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
	return ret ? entry_load(import->store, id, &import->arena, entry, err)
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
		ret = entry_load(import->store, entry.row.id, &import->arena,
				 &entry, err);
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
	return ret > 0 ? entry_load(import->store, id, &import->arena, entry,
				    err)
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

static int keep_name(struct import *import, const char *counter,
		     struct sv message, const struct change *change,
		     struct error *err)
{
	struct discovery_error row = {
		.step = import->options->step,
		.code = sv_from(counter),
		.message = message,
		.where = change->where,
		.anchor = change->anchor.len ? change->anchor : change->dn,
	};

	return store_discovery_put(import->tx, &row, err);
}

/* A deletion of what nobody knew: counted, and kept by its name. */
static int count_filtered(struct import *import, const struct change *change,
			  struct error *err)
{
	counters_add(import->counters, 0, STORE_FILTERED_DELETIONS, 0);
	return keep_name(import, STORE_FILTERED_DELETIONS,
			 SV_LIT("this object was not there to be deleted"),
			 change, err);
}

int stage_filtered(struct import *import, const struct change *change,
		   struct error *err)
{
	struct sv message = SV_LIT("its type is in no rule set");

	counters_add(import->counters, 0, STORE_FILTERED_OBJECTS, 0);
	if (import->filtered++ >= FILTERED_KEPT)
		return 0;
	return keep_name(import, STORE_FILTERED_OBJECTS,
			 change->message.len ? change->message : message,
			 change, err);
}

int stage_filtered_end(struct import *import, struct error *err)
{
	struct change none = { 0 };

	if (import->filtered <= FILTERED_KEPT)
		return 0;
	return keep_name(
		import, STORE_FILTERED_OBJECTS,
		sv_from(arena_printf(
			&import->run_arena, "%lld more are not listed",
			(long long)(import->filtered - FILTERED_KEPT))),
		&none, err);
}

int stage_report_deleted(struct import *import, struct prepared *item,
			 struct error *err)
{
	struct entry entry;
	int ret = find_object(import, item, &entry, err);

	if (ret < 0)
		return -1;
	if (ret == 0 || !entry.row.has_image)
		return count_filtered(import, &item->change, err);
	if (!id_set_has(&import->deleting, entry.row.id))
		vec_push(&import->deletes, entry.row.id);
	id_set_add(&import->deleting, entry.row.id);
	id_set_remove(&import->seen, entry.row.id);
	return 0;
}

int stage_delete(struct import *import, int64_t id, struct error *err)
{
	struct entry entry;
	int ret = entry_load(import->store, id, &import->arena, &entry, err);

	if (ret <= 0)
		return ret;
	if (!entry.row.has_image)
		return 0;
	if (entry.row.flags & CS_CONTAINER)
		return obsolete_remove(import, &entry, err);
	if (entry.awaiting.op == PENDING_DELETE) {
		count(import, "stage-delete", id);
		return obsolete_remove(import, &entry, err);
	}
	if (entry.import == IMPORT_DELETE)
		return 0;
	count(import, "stage-delete", id);
	if (entry.import == IMPORT_NONE)
		entry.synced = entry.image;
	if (entry.import == IMPORT_ADD && !entry.link.mv) {
		/* came and went before any sync saw it */
		return obsolete_remove(import, &entry, err);
	}
	entry.import = IMPORT_DELETE;
	id_set_add(&import->changed, id);
	return entry_put_import(import->tx, &entry, err);
}
