/*
 * reference.c - reference texts become ids of objects of the agent
 *
 * A target that was not read yet is a placeholder, promoted in place when it
 * comes; so references are resolved at once and never touched again. Where
 * references are DNs, a name may pass from one object to another within the
 * import: what was resolved by such a name is looked at again at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"
#include "store/mv.h"

#include <string.h>

static int placeholder_by_anchor(struct import *import, uint32_t type,
				 struct sv anchor, uint64_t h, int64_t *id_out,
				 struct error *err)
{
	struct cs_row row = { .flags = CS_PLACEHOLDER, .anchor = anchor };

	row.id = store_cs_new_id(import->tx, import->number);
	if (row.id < 0)
		return -1;
	if (fresh_holds(import)) {
		fresh_placeholder(import, &row);
		fresh_note(import, row.id, type, anchor);
	} else if (store_cs_put(import->tx, &row, err) < 0) {
		return -1;
	}
	stage_anchor(import, h, row.id);
	*id_out = row.id;
	return 0;
}

/* A target is verified once: many people have one manager. */
#define RESOLVED_MAX 200000

static int by_anchor(struct import *import, const char *to, struct sv text,
		     int64_t *id_out, struct error *err)
{
	uint32_t type = store_name_add(import->tx, NAME_TYPE, sv_from(to), err);
	uint64_t known;
	uint64_t h;
	int ret;

	if (!type)
		return -1;
	h = key_of_anchor(import->store, import->number, type, text);
	if (idmap_get(&import->resolved, h, &known)) {
		*id_out = (int64_t)known;
		return 0;
	}
	ret = stage_find_anchor(import, h, type, text, CHANGE_OBJECT, id_out,
				err);
	if (ret == 0)
		ret = placeholder_by_anchor(import, type, text, h, id_out, err);
	if (ret < 0)
		return -1;
	if (import->resolved.len >= RESOLVED_MAX)
		idmap_release(&import->resolved);
	idmap_put(&import->resolved, h, (uint64_t)*id_out);
	return 0;
}

/* False when two DNs differ in plain letters at once; else they may be equal.
 */
static bool may_be_equal(struct sv a, struct sv b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char x = (unsigned char)a.ptr[i];
		unsigned char y = (unsigned char)b.ptr[i];

		if (!x || !y || x >= 0x80 || y >= 0x80 ||
		    strchr(" ,;+\\\"#", x) || strchr(" ,;+\\\"#", y))
			return true;
		if (!sv_ieq(sv_sub(a, i, i + 1), sv_sub(b, i, i + 1)))
			return false;
	}
	return true;
}

/* A reference to the object itself, which may not be in the store yet. */
static bool is_itself(const struct import *import, const struct prepared *item,
		      const struct attr_def *def, struct sv text)
{
	struct sv dn = item->change.dn;

	if (import->has_dn)
		return dn.len && may_be_equal(dn, text) && dn_equal(dn, text);
	return item->type && def->to &&
	       store_name_find(import->store, NAME_TYPE, sv_from(def->to)) ==
		       item->type &&
	       anchor_same(item->type, item->change.anchor, text);
}

/* 0: *id_out is the target, or 0 when the text names nothing. */
static int resolve(struct import *import, const struct prepared *item,
		   const struct attr_def *def, struct sv text, int64_t *id_out,
		   struct error *err)
{
	*id_out = 0;
	if (!import->has_dn)
		return by_anchor(import, def->to ? def->to : "", text, id_out,
				 err);
	if (!dn_valid(text)) {
		import_error(import, &item->change,
			     "reference-value-not-ldap-conformant",
			     arena_printf(&import->arena,
					  "'" SV_FMT "' in '%s' is not a "
					  "distinguished name; the value is "
					  "left out",
					  SV_ARG(text), def->name));
		return 0;
	}
	return tree_make(&import->tree, import->tx, text, id_out, err);
}

int resolve_text(struct import *import, const struct prepared *item,
		 const struct attr_def *def, struct sv text, int64_t source,
		 int64_t *id_out, struct error *err)
{
	*id_out = source;
	return is_itself(import, item, def, text)
		       ? 0
		       : resolve(import, item, def, text, id_out, err);
}

static void remember(struct import *import, int64_t source, int64_t target,
		     attr_id attr, struct sv text)
{
	struct dn_reference reference = { source, target, attr, SV_NULL };

	if (!import->has_dn || !import->existing)
		return;
	reference.text = arena_dup(&import->run_arena, text);
	vec_push(&import->dn_references, reference);
}

static uint64_t pair_key(const struct import *import, int64_t source,
			 int64_t target)
{
	int64_t pair[2] = { source, target };

	return hash64(store_hash_key(import->store),
		      sv_make((const char *)pair, sizeof(pair)));
}

void remember_reference(struct import *import,
			const struct dn_reference *reference)
{
	remember(import, reference->source, reference->target, reference->attr,
		 reference->text);
	/* the name is the one that the target was read by */
	if (id_set_has(&import->renamed_ids, reference->target))
		idmap_put(
			&import->told,
			pair_key(import, reference->source, reference->target),
			1);
}

int resolve_references(struct import *import, const struct prepared *item,
		       int64_t source, struct image *image, struct error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < item->reference_count; i++) {
		const struct reference_text *reference = &item->references[i];
		struct values values = { NULL, 0 };
		int64_t id;

		values.at = arena_array(&import->arena, reference->len,
					sizeof(*values.at));
		for (k = 0; k < reference->len; k++) {
			if (resolve_text(import, item, reference->def,
					 reference->texts[k], source, &id,
					 err) < 0)
				return -1;
			if (!id)
				continue;
			remember(import, source, id, reference->attr,
				 reference->texts[k]);
			values.at[values.len++] = value_reference(id, SV_NULL);
		}
		image_set(image, reference->attr, values, &import->arena);
	}
	return 0;
}

int resolve_values(struct import *import, const struct prepared *item,
		   const struct attr_def *def, struct values *values,
		   struct error *err)
{
	struct values out = { NULL, 0 };
	int64_t id;
	size_t i;

	out.at = arena_array(&import->arena, values->len, sizeof(*out.at));
	for (i = 0; i < values->len; i++) {
		if (resolve(import, item, def, values->at[i].text, &id, err) <
		    0)
			return -1;
		if (id)
			out.at[out.len++] = value_reference(id, SV_NULL);
	}
	*values = out;
	return 0;
}

int update_references(struct import *import, int64_t source,
		      const struct image *old, const struct image *new,
		      struct error *err)
{
	const struct attr_map *map = store_attr_map(import->store);
	const struct image none = IMAGE_EMPTY;
	struct reference_diff diff;
	size_t i;

	image_reference_diff(old ? old : &none, new, &import->arena, &diff);
	for (i = 0; i < diff.come_count; i++)
		if (store_cs_ref_put(import->tx, diff.come[i].target, source,
				     map->to_store[diff.come[i].attr], err) < 0)
			return -1;
	for (i = 0; i < diff.gone_count; i++)
		if (store_cs_ref_delete(import->tx, diff.gone[i], source, err) <
		    0)
			return -1;
	return 0;
}

static void replace_id(struct image *image, int64_t from, int64_t to,
		       struct arena *arena)
{
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++) {
		struct values values = image->attrs[i].values;

		for (k = 0; k < values.len; k++) {
			if (values.at[k].type != VALUE_REFERENCE ||
			    values.at[k].number != from)
				continue;
			values = values_dup(&image->attrs[i].values, arena);
			values.at[k].number = to;
			values_canonical(&values);
			image->attrs[i].values = values;
		}
	}
}

int move_referrers(struct import *import, int64_t from, int64_t to,
		   struct error *err)
{
	struct arena *arena = &import->arena;
	int64_t *sources;
	int count =
		store_cs_referrers(import->store, from, arena, &sources, err);
	int i;

	for (i = 0; i < count; i++) {
		struct entry entry;
		int ret = entry_load_staged(import->store, sources[i], arena,
					    &entry, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		replace_id(&entry.image, from, to, arena);
		replace_id(&entry.synced, from, to, arena);
		replace_id(&entry.confirmed, from, to, arena);
		stage_settled(&entry);
		id_set_add(&import->moved, sources[i]);
		if (entry_put_row(import->tx, &entry, err) < 0 ||
		    entry_put_import(import->tx, &entry, err) < 0 ||
		    store_cs_ref_move(import->tx, from, to, sources[i], err) <
			    0)
			return -1;
		/* what it refers to may have a partner */
		if (stage_queue_partner(import, sources[i], err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

/* What an object refers to by a name that passed on. */
struct passed {
	int64_t source;
	attr_id attr; /* 0: any */
	int64_t from;
	int64_t to;
};

struct settling {
	VEC(struct passed) all;
};

static int order_passed(const void *a, const void *b)
{
	const struct passed *x = a;
	const struct passed *y = b;

	return (x->source > y->source) - (x->source < y->source);
}

/* All of an object's references at once: two names may have been exchanged. */
static bool replace_passed(struct image *image, const struct passed *passed,
			   size_t count, struct arena *arena)
{
	bool found = false;
	size_t i;
	size_t k;
	size_t p;

	for (i = 0; i < image->len; i++) {
		const struct values *old = &image->attrs[i].values;
		struct values values = { NULL, 0 };

		for (k = 0; k < old->len; k++) {
			if (old->at[k].type != VALUE_REFERENCE)
				break;
			for (p = 0; p < count; p++)
				if (passed[p].from == old->at[k].number &&
				    (!passed[p].attr ||
				     passed[p].attr == image->attrs[i].attr))
					break;
			if (p == count)
				continue;
			if (!values.len)
				values = values_dup(old, arena);
			values.at[k].number = passed[p].to;
		}
		if (!values.len)
			continue;
		values_canonical(&values);
		found |= !values_identical(&values, old);
		image->attrs[i].values = values;
	}
	return found;
}

static int point_anew(struct import *import, const struct passed *passed,
		      size_t count, struct error *err)
{
	struct arena *arena = &import->arena;
	int64_t source = passed->source;
	struct entry entry;
	struct image before;
	int ret = entry_load_staged(import->store, source, arena, &entry, err);

	if (ret <= 0)
		return ret;
	before = image_dup(&entry.image, arena);
	if (!replace_passed(&entry.image, passed, count, arena))
		return 0;
	if (entry.import == IMPORT_NONE) {
		entry.import = IMPORT_UPDATE;
		entry.synced = before;
	}
	stage_settled(&entry);
	if (entry_put_row(import->tx, &entry, err) < 0 ||
	    entry_put_import(import->tx, &entry, err) < 0 ||
	    update_references(import, source, &before, &entry.image, err) < 0)
		return -1;
	if (!id_set_has(&import->same, source))
		return 0;
	counters_take(import->counters, 0, "stage-no-change");
	counters_add(import->counters, 0, "stage-update", source);
	return 0;
}

/* Whom a name means that was resolved before all names were read. */
static int settle(struct import *import, const struct dn_reference *reference,
		  struct settling *settling, struct error *err)
{
	struct passed passed = { reference->source, reference->attr,
				 reference->target, 0 };
	struct arena *arena = &import->arena;
	struct cs_row head;
	struct sv dn;
	int ret = store_cs_head(import->store, reference->target, arena, &head,
				err);

	if (ret < 0)
		return -1;
	if (ret > 0) {
		if (tree_dn(&import->tree, head.parent, head.rdn, TREE_IMPORTED,
			    arena, &dn, err) < 0)
			return -1;
		if (!(head.flags & CS_TRANSIENT) &&
		    dn_equal(dn, reference->text))
			return 0;
	}
	ret = tree_find(&import->tree, reference->text, TREE_IMPORTED,
			&passed.to, err);
	if (ret == 0)
		ret = tree_make(&import->tree, import->tx, reference->text,
				&passed.to, err);
	if (ret < 0)
		return -1;
	if (passed.to != passed.from)
		vec_push(&settling->all, passed);
	return 0;
}

/* It referred to the object by the name that this had before. */
static bool by_old_name(const struct import *import, int64_t source,
			int64_t target)
{
	if (id_set_has(&import->moved, source))
		return false;
	return id_set_has(&import->same, source) ||
	       (id_set_has(&import->walked, source) &&
		!idmap_get(&import->told, pair_key(import, source, target),
			   NULL));
}

/* Objects that were read as last time, to the letter, refer to the old name of
 * one that was renamed: to whoever bears it now. */
static int settle_unread(struct import *import,
			 const struct dn_reference *renamed,
			 struct settling *settling, struct error *err)
{
	struct passed passed = { 0, 0, renamed->source, 0 };
	int64_t *sources;
	int count = store_cs_referrers(import->store, renamed->source,
				       &import->arena, &sources, err);
	int i;

	if (count <= 0)
		return count;
	if (tree_make(&import->tree, import->tx, renamed->text, &passed.to,
		      err) < 0)
		return -1;
	for (i = 0; i < count && passed.to != passed.from; i++) {
		passed.source = sources[i];
		if (by_old_name(import, sources[i], passed.from))
			vec_push(&settling->all, passed);
	}
	return 0;
}

/* A delta does not tell whether those who refer to a renamed object were given
 * its new name: the next full import looks. */
static int look_next_time(struct import *import,
			  const struct dn_reference *renamed, struct error *err)
{
	int64_t *sources;
	int count = store_cs_referrers(import->store, renamed->source,
				       &import->arena, &sources, err);
	int i;

	for (i = 0; i < count; i++) {
		struct cs_row row;
		int ret = store_cs_named(import->store, sources[i],
					 &import->arena, &row, err);

		if (ret < 0)
			return -1;
		if (ret > 0)
			stage_compare(import, &row);
	}
	return count < 0 ? -1 : 0;
}

static int find_passed(struct import *import, struct settling *settling,
		       struct error *err)
{
	const struct dn_reference *reference;

	vec_foreach(&import->renamed, reference) {
		if ((import->full
			     ? settle_unread(import, reference, settling, err)
			     : look_next_time(import, reference, err)) < 0)
			return -1;
		arena_reset(&import->arena);
	}
	vec_foreach(&import->dn_references, reference) {
		if (settle(import, reference, settling, err) < 0)
			return -1;
		arena_reset(&import->arena);
	}
	return 0;
}

int settle_references(struct import *import, struct error *err)
{
	struct settling settling = { VEC_INIT };
	size_t from = 0;
	int ret = 0;

	if (import->renamed.len)
		ret = find_passed(import, &settling, err);
	vec_sort(&settling.all, order_passed);
	while (ret == 0 && from < settling.all.len) {
		const struct passed *first = &settling.all.at[from];
		size_t to = from + 1;

		while (to < settling.all.len &&
		       settling.all.at[to].source == first->source)
			to++;
		ret = point_anew(import, first, to - from, err);
		if (ret == 0)
			ret = import_commit(import, false, err);
		arena_reset(&import->arena);
		from = to;
	}
	vec_release(&settling.all);
	return ret;
}
