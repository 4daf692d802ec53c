/*
 * below.c - what lies below a renamed object has another DN too
 *
 * Called by stage.c for an object or a container that is read by another name,
 * before its row is written. A name is kept as (parent, RDN), so no row of the
 * objects below changes, only what rules see of them; and a delta does not
 * speak of them at all. Each gets a pending import that says it was renamed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "model/dn.h"

/* An object whose children are still to be looked at. */
struct above {
	int64_t id;
	struct sv old;
	struct sv now;
};

static struct sv child_dn(struct arena *arena, struct sv rdn, struct sv above)
{
	return sv_from(arena_printf(arena, SV_FMT "," SV_FMT, SV_ARG(rdn),
				    SV_ARG(above)));
}

/* Where the DN is the anchor, this is another one as well. */
static int move_anchor(struct import *import, struct entry *entry,
		       const struct above *names, struct error *err)
{
	struct cs_row *row = &entry->row;
	uint32_t type = import->has_dn ? 0 : row->type;

	if (!row->anchor.len || !dn_equal(row->anchor, names->old))
		return 0;
	if (store_anchor_delete(import->tx, import->number,
				key_of_anchor(import->store, import->number,
					      type, row->anchor),
				row->id, err) < 0)
		return -1;
	row->anchor = names->now;
	stage_compare(import, row);
	return entry_put_row(import->tx, entry, err);
}

static int stage_renamed(struct import *import, struct entry *entry,
			 const struct above *names, struct error *err)
{
	bool was_staged = entry->import != IMPORT_NONE;

	if (!entry->row.type || !entry->row.has_image ||
	    entry->import == IMPORT_DELETE)
		return 0;
	if (!was_staged) {
		entry->import = IMPORT_UPDATE;
		entry->synced = entry->image;
	}
	if (!entry->renamed)
		entry->old_dn = names->old;
	entry->renamed = !dn_equal(names->now, entry->old_dn);
	entry->indexed = false;
	stage_settled(entry);
	if (entry->awaiting.op == PENDING_NONE)
		import->changes += (entry->import != IMPORT_NONE) - was_staged;
	id_set_add(&import->changed, entry->row.id);
	stage_count_below(import, entry->row.id);
	return entry_put_import(import->tx, entry, err);
}

/* The object has a new name itself; *names_out is for its own children. */
static int rename_child(struct import *import, int64_t id,
			const struct above *parent, struct arena *walk,
			struct arena *each, struct above *names_out,
			struct error *err)
{
	struct entry entry;
	int ret = entry_load_staged(import->store, id, each, &entry, err);

	if (ret <= 0)
		return ret;
	names_out->id = id;
	names_out->old = child_dn(walk, entry.row.rdn, parent->old);
	names_out->now = child_dn(walk, entry.row.rdn, parent->now);
	if (move_anchor(import, &entry, names_out, err) < 0 ||
	    stage_renamed(import, &entry, names_out, err) < 0)
		return -1;
	return 1;
}

int below_rename(struct import *import, const struct entry *top, struct sv old,
		 struct error *err)
{
	VEC(struct above) open = VEC_INIT;
	struct arena walk = ARENA_INIT;
	struct arena each = ARENA_INIT;
	struct above first = { .id = top->row.id, .old = old };
	int ret = tree_dn(&import->tree, top->row.parent, top->row.rdn,
			  TREE_IMPORTED, &walk, &first.now, err);

	if (ret == 0)
		vec_push(&open, first);
	while (ret >= 0 && open.len) {
		struct above parent = open.at[--open.len];
		int64_t *children;
		size_t count = 0;
		size_t i;

		ret = store_cs_children(import->store, parent.id, &walk,
					&children, &count, err);
		for (i = 0; i < count && ret >= 0; i++) {
			struct above child;

			ret = rename_child(import, children[i], &parent, &walk,
					   &each, &child, err);
			if (ret > 0)
				vec_push(&open, child);
			arena_reset(&each);
		}
	}
	vec_release(&open);
	arena_release(&walk);
	arena_release(&each);
	return ret < 0 ? -1 : 0;
}
