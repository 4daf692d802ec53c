/*
 * entry.c - load, view and write back a connector space object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/entry.h"

#include "base/map.h"
#include "base/vec.h"
#include "store/due.h"
#include "store/member.h"
#include "store/outbox.h"

#include <string.h>

static int load_export(struct store *store, const struct pending_export *row,
		       struct arena *arena, struct export_state *out,
		       struct error *err)
{
	out->op = row->op;
	out->in_progress = row->in_progress;
	out->aside = row->aside;
	out->parent = row->parent;
	out->rdn = row->rdn;
	return image_decode(row->attrs, store_attr_map(store), arena,
			    &out->attrs, err);
}

static bool was_synced(const struct member *row)
{
	return (row->flags & MEMBER_SYNCED) != 0;
}

static bool was_confirmed(const struct member *row)
{
	return row->flags & MEMBER_CONFIRMED ? member_in_image(row)
					     : was_synced(row);
}

static int load_import(struct store *store, const struct pending_import *row,
		       struct arena *arena, struct entry *out,
		       struct error *err)
{
	const struct attr_map *map = store_attr_map(store);

	out->import = row->op;
	out->renamed = row->renamed;
	out->old_dn = row->old_dn;
	out->indexed = row->indexed;
	if (row->sets) {
		out->synced = image_copy(&out->image, arena);
		return 0;
	}
	if (image_decode(row->synced, map, arena, &out->synced, err) < 0)
		return -1;
	return image_decode(row->confirmed, map, arena, &out->confirmed, err);
}

/* One attribute: what lies beside it at each level. */
static void lay_rows(struct entry *entry, uint32_t attr,
		     const struct member *rows, size_t count,
		     struct arena *arena)
{
	const struct values *stored = image_get(&entry->image, attr);
	struct values image =
		member_values(stored, rows, count, member_in_image, arena);
	unsigned all = 0;
	size_t i;

	for (i = 0; i < count; i++)
		all |= rows[i].flags;
	if (entry->import != IMPORT_NONE)
		image_set(&entry->synced, attr,
			  member_values(stored, rows, count, was_synced, arena),
			  arena);
	if (all & MEMBER_CONFIRMED)
		image_put(&entry->confirmed, attr,
			  member_values(stored, rows, count, was_confirmed,
					arena),
			  arena);
	if (all & MEMBER_AWAITED)
		image_put(&entry->awaiting.attrs, attr,
			  member_values(stored, rows, count, member_in_written,
					arena),
			  arena);
	if (all & MEMBER_PENDING)
		image_put(&entry->pending.attrs, attr,
			  member_values(stored, rows, count, member_in_expected,
					arena),
			  arena);
	image_set(&entry->image, attr, image, arena);
}

static void lay_members(struct store *store, const struct member *rows,
			size_t count, struct arena *arena, struct entry *entry)
{
	const struct attr_map *map = store_attr_map(store);
	size_t from;
	size_t to;

	entry->members = count > 0;
	for (from = 0; from < count; from = to) {
		for (to = from; to < count && rows[to].attr == rows[from].attr;
		     to++)
			;
		lay_rows(entry, map->from_store[rows[from].attr], rows + from,
			 to - from, arena);
	}
}

static int load_row(struct store *store, const struct cs_row *row,
		    struct arena *arena, struct entry *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	out->row = *row;
	out->stored = true;
	out->link.cs = row->id;
	return image_decode(row->image, store_attr_map(store), arena,
			    &out->image, err);
}

static int load_exports(struct store *store, struct arena *arena,
			struct entry *out, struct error *err)
{
	struct pending_export export;
	int64_t id = out->row.id;
	int ret = store_pending_export_get(store, id, arena, &export, err);

	if (ret < 0 || (ret > 0 && load_export(store, &export, arena,
					       &out->pending, err) < 0))
		return -1;
	ret = store_awaiting_get(store, id, arena, &export, err);
	if (ret < 0 || (ret > 0 && load_export(store, &export, arena,
					       &out->awaiting, err) < 0))
		return -1;
	return 0;
}

static int load_staged(struct store *store, struct arena *arena,
		       struct entry *out, struct error *err)
{
	struct pending_import import;
	struct member *members;
	int64_t id = out->row.id;
	int count;
	int ret = store_pending_import_get(store, id, arena, &import, err);

	if (ret < 0 ||
	    (ret > 0 && load_import(store, &import, arena, out, err) < 0) ||
	    load_exports(store, arena, out, err) < 0)
		return -1;
	count = store_member_range(store, id, id, arena, &members, err);
	if (count < 0)
		return -1;
	lay_members(store, members, (size_t)count, arena, out);
	return 0;
}

static int load_parts(struct store *store, struct arena *arena,
		      struct entry *out, struct error *err)
{
	int ret;

	if (load_staged(store, arena, out, err) < 0)
		return -1;
	ret = store_link_get(store, out->row.id, &out->link, err);
	out->has_link = ret > 0;
	return ret < 0 ? -1 : 0;
}

/* What lies beside the image needs all of the levels. */
static int load_exports_only(struct store *store, struct arena *arena,
			     struct entry *out, struct error *err)
{
	struct member *members;
	int count = store_member_range(store, out->row.id, out->row.id, arena,
				       &members, err);

	if (count < 0)
		return -1;
	return count ? load_staged(store, arena, out, err)
		     : load_exports(store, arena, out, err);
}

/* Its row, then what `load_rest` adds. */
static int load_object(struct store *store, int64_t id, struct arena *arena,
		       struct entry *out,
		       int (*load_rest)(struct store *store,
					struct arena *arena, struct entry *out,
					struct error *err),
		       struct error *err)
{
	struct cs_row row;
	int ret = store_cs_get(store, id, arena, &row, err);

	if (ret <= 0)
		return ret;
	if (load_row(store, &row, arena, out, err) < 0 ||
	    load_rest(store, arena, out, err) < 0)
		return error_context(err, "object %lld", (long long)id);
	return 1;
}

int entry_load_export(struct store *store, int64_t id, struct arena *arena,
		      struct entry *out, struct error *err)
{
	return load_object(store, id, arena, out, load_exports_only, err);
}

int entry_load_staged(struct store *store, int64_t id, struct arena *arena,
		      struct entry *out, struct error *err)
{
	return load_object(store, id, arena, out, load_staged, err);
}

int entry_load(struct store *store, int64_t id, struct arena *arena,
	       struct entry *out, struct error *err)
{
	return load_object(store, id, arena, out, load_parts, err);
}

/* What is staged for a run of objects, each in order. */
struct parts {
	struct pending_import *imports;
	struct pending_export *exports;
	struct pending_export *awaiting;
	struct link_row *links;
	struct member *members;
	int import_count;
	int export_count;
	int awaiting_count;
	int link_count;
	int member_count;
	int import_at; /* how many have been taken or passed over */
	int export_at;
	int awaiting_at;
	int link_at;
	int member_at;
};

static int read_exports(struct store *store, int64_t from, int64_t to,
			struct arena *arena, struct parts *out,
			struct error *err)
{
	out->export_count = store_pending_export_range(store, from, to, arena,
						       &out->exports, err);
	if (out->export_count < 0)
		return -1;
	out->awaiting_count = store_awaiting_range(store, from, to, arena,
						   &out->awaiting, err);
	if (out->awaiting_count < 0)
		return -1;
	out->member_count =
		store_member_range(store, from, to, arena, &out->members, err);
	return out->member_count < 0 ? -1 : 0;
}

static int read_parts(struct store *store, int64_t from, int64_t to,
		      struct arena *arena, struct parts *out, struct error *err)
{
	out->import_count = store_pending_import_range(store, from, to, arena,
						       &out->imports, err);
	if (out->import_count < 0)
		return -1;
	out->link_count =
		store_link_range(store, from, to, arena, &out->links, err);
	if (out->link_count < 0)
		return -1;
	return read_exports(store, from, to, arena, out, err);
}

/* The row of object `id`, or NULL; those before it are passed over. All kinds
 * of rows begin with the object's id. */
static const void *take(const void *rows, int count, size_t size, int *at,
			int64_t id)
{
	for (; *at < count; (*at)++) {
		const void *row = (const char *)rows + (size_t)*at * size;
		int64_t cs = *(const int64_t *)row;

		if (cs >= id)
			return cs == id ? row : NULL;
	}
	return NULL;
}

/* The rows of object `id` among the members; those before are passed over. */
static size_t take_members(struct parts *parts, int64_t id,
			   const struct member **out)
{
	size_t count = 0;

	while (parts->member_at < parts->member_count &&
	       parts->members[parts->member_at].source < id)
		parts->member_at++;
	*out = parts->members + parts->member_at;
	while (parts->member_at < parts->member_count &&
	       parts->members[parts->member_at].source == id) {
		parts->member_at++;
		count++;
	}
	return count;
}

static int join_parts(struct store *store, struct parts *parts,
		      struct arena *arena, struct entry *out, struct error *err)
{
	int64_t id = out->row.id;
	const struct pending_import *import =
		take(parts->imports, parts->import_count,
		     sizeof(*parts->imports), &parts->import_at, id);
	const struct pending_export *export =
		take(parts->exports, parts->export_count,
		     sizeof(*parts->exports), &parts->export_at, id);
	const struct pending_export *awaiting =
		take(parts->awaiting, parts->awaiting_count,
		     sizeof(*parts->awaiting), &parts->awaiting_at, id);
	const struct member *members;
	size_t member_count;
	const struct link_row *link = take(parts->links, parts->link_count,
					   sizeof(*parts->links),
					   &parts->link_at, id);

	if ((import && load_import(store, import, arena, out, err) < 0) ||
	    (export &&
	     load_export(store, export, arena, &out->pending, err) < 0) ||
	    (awaiting &&
	     load_export(store, awaiting, arena, &out->awaiting, err) < 0))
		return -1;
	member_count = take_members(parts, id, &members);
	lay_members(store, members, member_count, arena, out);
	out->has_link = link != NULL;
	if (link)
		out->link = *link;
	return 0;
}

static int join_exports(struct store *store, struct parts *parts,
			struct arena *arena, struct entry *out,
			struct error *err)
{
	int64_t id = out->row.id;
	const struct pending_export *export =
		take(parts->exports, parts->export_count,
		     sizeof(*parts->exports), &parts->export_at, id);
	const struct pending_export *awaiting =
		take(parts->awaiting, parts->awaiting_count,
		     sizeof(*parts->awaiting), &parts->awaiting_at, id);
	const struct member *members;

	out->members = take_members(parts, id, &members) > 0;
	if (out->members)
		return 0;
	return (export &&
		load_export(store, export, arena, &out->pending, err) <
			0) || (awaiting && load_export(store, awaiting, arena,
						       &out->awaiting, err) < 0)
		       ? -1
		       : 0;
}

/* What is read of a run of objects, and joined to each. */
struct scan {
	int (*read)(struct store *store, int64_t from, int64_t to,
		    struct arena *arena, struct parts *out, struct error *err);
	int (*join)(struct store *store, struct parts *parts,
		    struct arena *arena, struct entry *out, struct error *err);
};

static int scan_objects(struct store *store, const struct scan *scan,
			uint32_t agent, int64_t after, struct entry *out,
			int limit, struct arena *arena, struct error *err)
{
	struct cs_row *rows = mem_alloc((size_t)limit * sizeof(*rows));
	struct parts parts = { 0 };
	int count = store_cs_scan(store, agent, after, rows, limit, arena, err);
	int ret = 0;
	int i;

	if (count > 0)
		ret = scan->read(store, rows[0].id, rows[count - 1].id, arena,
				 &parts, err);
	for (i = 0; i < count && ret == 0; i++)
		if (load_row(store, &rows[i], arena, &out[i], err) < 0 ||
		    scan->join(store, &parts, arena, &out[i], err) < 0)
			ret = error_context(err, "object %lld",
					    (long long)rows[i].id);
	mem_free(rows);
	return ret < 0 ? -1 : count;
}

int entry_scan(struct store *store, uint32_t agent, int64_t after,
	       struct entry *out, int limit, struct arena *arena,
	       struct error *err)
{
	static const struct scan all = { read_parts, join_parts };

	return scan_objects(store, &all, agent, after, out, limit, arena, err);
}

int entry_scan_export(struct store *store, uint32_t agent, int64_t after,
		      struct entry *out, int limit, struct arena *arena,
		      struct error *err)
{
	static const struct scan exports = { read_exports, join_exports };

	return scan_objects(store, &exports, agent, after, out, limit, arena,
			    err);
}

static struct sv dup_text(struct sv text, struct arena *arena)
{
	return text.ptr ? arena_dup(arena, text) : SV_NULL;
}

static void dup_export(struct export_state *state, struct arena *arena)
{
	state->rdn = dup_text(state->rdn, arena);
	state->attrs = image_dup(&state->attrs, arena);
}

struct entry entry_dup(const struct entry *entry, struct arena *arena)
{
	struct entry copy = *entry;

	copy.row.rdn = dup_text(entry->row.rdn, arena);
	copy.row.anchor = dup_text(entry->row.anchor, arena);
	copy.row.image = SV_NULL;
	copy.old_dn = dup_text(entry->old_dn, arena);
	copy.image = image_dup(&entry->image, arena);
	copy.synced = image_dup(&entry->synced, arena);
	copy.confirmed = image_dup(&entry->confirmed, arena);
	dup_export(&copy.pending, arena);
	dup_export(&copy.awaiting, arena);
	return copy;
}

struct image entry_written(const struct entry *entry, struct arena *arena)
{
	struct image image = image_copy(&entry->image, arena);

	if (entry->awaiting.op == PENDING_DELETE_ADD)
		image.len = 0;
	image_apply(&image, &entry->awaiting.attrs, arena);
	return image;
}

struct image entry_expected(const struct entry *entry, struct arena *arena)
{
	struct image image = entry_written(entry, arena);

	if (entry->pending.op == PENDING_DELETE_ADD)
		image.len = 0;
	image_apply(&image, &entry->pending.attrs, arena);
	return image;
}

struct image entry_settled(const struct entry *entry, struct arena *arena)
{
	struct image image;

	if (entry->import == IMPORT_NONE)
		return entry_expected(entry, arena);
	image = image_copy(&entry->synced, arena);
	image_apply(&image, &entry->confirmed, arena);
	image_apply(&image, &entry->awaiting.attrs, arena);
	image_apply(&image, &entry->pending.attrs, arena);
	return image;
}

void entry_written_name(const struct entry *entry, int64_t *parent_out,
			struct sv *rdn_out)
{
	const struct export_state *state = &entry->awaiting;

	*parent_out = state->rdn.len ? state->parent : entry->row.parent;
	*rdn_out = state->rdn.len ? state->rdn : entry->row.rdn;
}

void entry_expected_name(const struct entry *entry, int64_t *parent_out,
			 struct sv *rdn_out)
{
	entry_written_name(entry, parent_out, rdn_out);
	if (entry->pending.rdn.len) {
		*parent_out = entry->pending.parent;
		*rdn_out = entry->pending.rdn;
	}
}

bool entry_going(const struct entry *entry)
{
	return entry->pending.op == PENDING_DELETE ||
	       (entry->awaiting.op == PENDING_DELETE &&
		entry->pending.op == PENDING_NONE) ||
	       entry->import == IMPORT_DELETE;
}

static struct sv encode(struct store *store, const struct image *image,
			struct strbuf *out)
{
	strbuf_reset(out);
	image_encode(image, store_attr_map(store), out);
	return strbuf_sv(out);
}

int entry_put_row(struct store_tx *tx, struct entry *entry, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct cs_row row = entry->row;
	int ret;

	if (entry->members)
		return entry_settle_members(tx, entry, err);
	if (row.has_image)
		row.image = encode(store_of(tx), &entry->image, &bytes);
	ret = entry->stored ? store_cs_update(tx, &row, err)
			    : store_cs_put(tx, &row, err);
	strbuf_release(&bytes);
	return ret;
}

int entry_put_import(struct store_tx *tx, struct entry *entry,
		     struct error *err)
{
	struct strbuf synced = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf confirmed = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct pending_import row = {
		.cs = entry->row.id,
		.op = entry->import,
		.renamed = entry->renamed,
		.old_dn = entry->old_dn,
		.indexed = entry->indexed,
	};
	int ret;

	if (entry->members)
		return entry_settle_members(tx, entry, err);
	if (entry->import == IMPORT_NONE)
		return store_pending_import_delete(tx, entry->row.id,
						   entry->row.id, err);
	if (entry->synced.len)
		row.synced = encode(store_of(tx), &entry->synced, &synced);
	if (entry->confirmed.len)
		row.confirmed =
			encode(store_of(tx), &entry->confirmed, &confirmed);
	ret = store_pending_import_put(tx, &row, err);
	strbuf_release(&synced);
	strbuf_release(&confirmed);
	return ret;
}

static int
put_export(struct store_tx *tx, int64_t cs, const struct export_state *state,
	   struct sv encoded,
	   int (*put)(struct store_tx *tx, const struct pending_export *row,
		      struct error *err),
	   int (*delete)(struct store_tx *tx, int64_t cs, struct error *err),
	   struct error *err)
{
	struct strbuf attrs = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct pending_export row = {
		.cs = cs,
		.op = state->op,
		.in_progress = state->in_progress,
		.aside = state->aside,
		.parent = state->parent,
		.rdn = state->rdn,
	};
	int ret;

	if (state->op == PENDING_NONE)
		return delete (tx, cs, err);
	row.attrs = encoded;
	if (state->attrs.len && !encoded.ptr)
		row.attrs = encode(store_of(tx), &state->attrs, &attrs);
	ret = put(tx, &row, err);
	strbuf_release(&attrs);
	return ret;
}

/* What is no longer to be written does not fail any more. */
static int forget_failures(struct store_tx *tx, const struct entry *entry,
			   struct error *err)
{
	int64_t id = entry->row.id;
	unsigned kinds = RETRY_REFUSED;

	if (store_error_delete(tx, id, ERROR_EXPORT, err) < 0)
		return -1;
	if (entry->awaiting.op == PENDING_NONE) {
		kinds |= RETRY_CONTRADICTED;
		if (store_error_delete(tx, id, ERROR_IMPORT, err) < 0)
			return -1;
	}
	return store_retry_delete(tx, id, kinds, err);
}

int entry_put_pending_bytes(struct store_tx *tx, struct entry *entry,
			    struct sv encoded, struct error *err)
{
	if (entry->members && entry_settle_members(tx, entry, err) < 0)
		return -1;
	if (entry->pending.op == PENDING_NONE &&
	    forget_failures(tx, entry, err) < 0)
		return -1;
	return put_export(tx, entry->row.id, &entry->pending, encoded,
			  store_pending_export_put, store_pending_export_delete,
			  err);
}

int entry_put_pending(struct store_tx *tx, struct entry *entry,
		      struct error *err)
{
	return entry_put_pending_bytes(tx, entry, SV_NULL, err);
}

int entry_put_awaiting(struct store_tx *tx, struct entry *entry,
		       struct error *err)
{
	if (entry->members)
		return entry_settle_members(tx, entry, err);
	return put_export(tx, entry->row.id, &entry->awaiting, SV_NULL,
			  store_awaiting_put, store_awaiting_delete, err);
}

int entry_settle_members(struct store_tx *tx, struct entry *entry,
			 struct error *err)
{
	entry->members = false;
	if (store_member_delete(tx, entry->row.id, err) < 0 ||
	    entry_put_row(tx, entry, err) < 0 ||
	    entry_put_import(tx, entry, err) < 0 ||
	    entry_put_awaiting(tx, entry, err) < 0)
		return -1;
	return put_export(tx, entry->row.id, &entry->pending, SV_NULL,
			  store_pending_export_put, store_pending_export_delete,
			  err);
}

void image_references(const struct image *image, struct arena *arena,
		      int64_t **out, size_t *count_out)
{
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++)
		if (image->attrs[i].values.len &&
		    image->attrs[i].values.at[0].type == VALUE_REFERENCE)
			count += image->attrs[i].values.len;
	*out = count ? arena_alloc(arena, count * sizeof(**out)) : NULL;
	*count_out = 0;
	for (i = 0; count && i < image->len; i++) {
		const struct values *values = &image->attrs[i].values;

		for (k = 0; k < values->len; k++)
			if (values->at[k].type == VALUE_REFERENCE &&
			    values->at[k].number)
				(*out)[(*count_out)++] = values->at[k].number;
	}
}

static int order_references(const void *a, const void *b)
{
	const struct reference *x = a;
	const struct reference *y = b;

	return (x->target > y->target) - (x->target < y->target);
}

/* Each target once, in order. */
static size_t list_references(const struct image *image, struct arena *arena,
			      struct reference **out)
{
	VEC(struct reference) all = VEC_INIT;
	size_t len = 0;
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++) {
		const struct values *values = &image->attrs[i].values;

		for (k = 0; k < values->len; k++) {
			struct reference one = { values->at[k].number,
						 image->attrs[i].attr };

			if (values->at[k].type == VALUE_REFERENCE && one.target)
				vec_push(&all, one);
		}
	}
	vec_sort(&all, order_references);
	*out = arena_array(arena, all.len + 1, sizeof(**out));
	for (i = 0; i < all.len; i++) {
		if (!len || (*out)[len - 1].target != all.at[i].target)
			(*out)[len++] = all.at[i];
		else if ((*out)[len - 1].attr != all.at[i].attr)
			(*out)[len - 1].attr = 0;
	}
	vec_release(&all);
	return len;
}

void image_reference_diff(const struct image *from, const struct image *to,
			  struct arena *arena, struct reference_diff *out)
{
	struct reference *old;
	struct reference *new;
	size_t old_count = list_references(from, arena, &old);
	size_t new_count = list_references(to, arena, &new);
	size_t i = 0;
	size_t k = 0;

	memset(out, 0, sizeof(*out));
	out->come = arena_array(arena, new_count + 1, sizeof(*out->come));
	out->gone = arena_array(arena, old_count + 1, sizeof(*out->gone));
	while (i < old_count || k < new_count) {
		if (k == new_count ||
		    (i < old_count && old[i].target < new[k].target)) {
			out->gone[out->gone_count++] = old[i++].target;
		} else if (i == old_count || new[k].target < old[i].target) {
			out->come[out->come_count++] = new[k++];
		} else {
			if (old[i].attr != new[k].attr)
				out->come[out->come_count++] = new[k];
			i++;
			k++;
		}
	}
}

int entry_remove(struct store_tx *tx, const struct entry *entry,
		 uint64_t anchor_h, struct error *err)
{
	int64_t id = entry->row.id;
	struct arena scratch = ARENA_INIT;
	int64_t *targets;
	size_t count;
	size_t i;
	int ret = 0;

	image_references(&entry->image, &scratch, &targets, &count);
	for (i = 0; i < count && ret == 0; i++)
		ret = store_cs_ref_delete(tx, targets[i], id, err);
	arena_release(&scratch);
	if (ret < 0 ||
	    (anchor_h &&
	     store_anchor_delete(tx, CS_AGENT(id), anchor_h, id, err) < 0) ||
	    store_link_delete(tx, id, err) < 0 ||
	    store_member_delete(tx, id, err) < 0 ||
	    store_pending_import_delete(tx, id, id, err) < 0 ||
	    store_pending_export_delete(tx, id, err) < 0 ||
	    store_awaiting_delete(tx, id, err) < 0 ||
	    store_merged_put(tx, id, SV_NULL, err) < 0 ||
	    store_error_delete(tx, id, ERROR_SYNC, err) < 0 ||
	    store_error_delete(tx, id, ERROR_IMPORT, err) < 0 ||
	    store_error_delete(tx, id, ERROR_EXPORT, err) < 0 ||
	    store_error_delete(tx, id, ERROR_NAME, err) < 0 ||
	    store_queue_delete(tx, id, err) < 0 ||
	    store_due_delete(tx, DUE_CS, id, err) < 0 ||
	    store_due_delete(tx, DUE_DEPROVISION, id, err) < 0 ||
	    store_retry_delete(tx, id, RETRY_REFUSED | RETRY_CONTRADICTED,
			       err) < 0)
		return -1;
	return store_cs_delete(tx, id, err);
}
