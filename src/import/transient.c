/*
 * transient.c - objects whose name another one took
 *
 *	named --another object is read by its name--> transient (transient_take)
 *	transient --read by another name--> named (transient_named)
 *	transient --read by the old name, free again--> named (give_back)
 *	transient --a full import does not see it--> its deletion is staged
 *
 * A transient keeps its row, identity, link and references, and remembers its
 * name for display; no look-up by name finds it, and no export is sent to it
 * or below it. It has an error of its own kind that says who took the name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "base/clock.h"
#include "model/dn.h"

#include <stdio.h>
#include <string.h>

static int note(void *data, const struct cs_error *row)
{
	struct import *import = data;

	if (row->kind != ERROR_NAME)
		return 0;
	id_set_add(&import->special, row->cs);
	vec_push(&import->transients, row->cs);
	return 0;
}

/* Who was read to the letter refers by the name to whoever has it now; an
 * import that was cut off may not have come to that. */
static int look_at_referrers(struct import *import, int64_t id,
			     struct error *err)
{
	struct dn_reference passed = { .source = id };
	struct cs_row head;
	int ret = store_cs_head(import->store, id, &import->arena, &head, err);

	if (ret <= 0)
		return ret;
	if (tree_dn(&import->tree, head.parent, head.rdn, TREE_IMPORTED,
		    &import->run_arena, &passed.text, err) < 0)
		return -1;
	vec_push(&import->renamed, passed);
	return 0;
}

int transient_load(struct import *import, struct error *err)
{
	const int64_t *id;

	if (!import->has_dn)
		return 0;
	if (store_error_scan(import->store, import->number, note, import, err) <
	    0)
		return -1;
	vec_foreach(&import->transients, id)
		if (import->full && look_at_referrers(import, *id, err) < 0)
			return -1;
	return 0;
}

static int tell(struct import *import, int64_t id, struct sv dn,
		const struct entry *taker, struct error *err)
{
	struct cs_error row = {
		.cs = id,
		.kind = ERROR_NAME,
		.code = SV_LIT("name-taken"),
		.last = clock_now(),
	};

	row.message = sv_from(arena_printf(
		&import->arena,
		"its name '" SV_FMT "' was taken by the object '" SV_FMT
		"', and no import told its new one; nothing is exported to it "
		"until one does: run a full import",
		SV_ARG(dn), SV_ARG(taker->row.anchor)));
	return store_error_put(import->tx, &row, err);
}

/* Does it really bear the name that was read last? */
static bool bears_name(const struct entry *entry)
{
	return entry->row.has_image && !(entry->row.flags & CS_TRANSIENT) &&
	       entry->import != IMPORT_DELETE &&
	       entry->awaiting.op != PENDING_DELETE && !entry->awaiting.rdn.len;
}

int transient_take(struct import *import, int64_t bearer,
		   const struct entry *taker, struct error *err)
{
	struct dn_reference passed = { .source = bearer };
	struct arena *arena = &import->arena;
	struct entry entry;
	struct sv dn;
	int ret = entry_load_staged(import->store, bearer, arena, &entry, err);

	if (ret <= 0 || !bears_name(&entry))
		return ret < 0 ? -1 : 0;
	if (tree_dn(&import->tree, entry.row.parent, entry.row.rdn,
		    TREE_IMPORTED, arena, &dn, err) < 0)
		return -1;
	/* where names are anchors, another one was meant */
	if (dn_equal(entry.row.anchor, dn))
		return 0;
	entry.row.flags |= CS_TRANSIENT;
	if (entry_put_row(import->tx, &entry, err) < 0 ||
	    tell(import, bearer, dn, taker, err) < 0)
		return -1;
	tree_forget(&import->tree);
	id_set_add(&import->special, bearer);
	vec_push(&import->transients, bearer);
	passed.text = arena_dup(&import->run_arena, dn);
	vec_push(&import->renamed, passed);
	return 0;
}

int transient_named(struct import *import, struct entry *entry,
		    struct error *err)
{
	entry->row.flags &= ~(uint32_t)CS_TRANSIENT;
	tree_forget(&import->tree);
	return store_error_delete(import->tx, entry->row.id, ERROR_NAME, err);
}

/* Nobody has its name any more, or who had it was not read by it. */
static int give_back(struct import *import, struct entry *entry,
		     struct error *err)
{
	if (transient_named(import, entry, err) < 0 ||
	    entry_put_row(import->tx, entry, err) < 0)
		return -1;
	tree_add_key(&import->tree,
		     key_of_name(import->store, import->number,
				 entry->row.parent, entry->row.rdn),
		     entry->row.id);
	return merge_placeholders(import, entry, err);
}

static int settle(struct import *import, int64_t id, struct error *err)
{
	struct arena *arena = &import->arena;
	struct entry entry;
	struct entry holder;
	struct sv dn;
	int64_t other = 0;
	int ret = entry_load_staged(import->store, id, arena, &entry, err);

	if (ret <= 0 || !(entry.row.flags & CS_TRANSIENT))
		return ret < 0 ? -1 : 0;
	if (tree_dn(&import->tree, entry.row.parent, entry.row.rdn,
		    TREE_IMPORTED, arena, &dn, err) < 0)
		return -1;
	ret = tree_find(&import->tree, dn, TREE_IMPORTED, &other, err);
	if (ret > 0)
		ret = entry_load_staged(import->store, other, arena, &holder,
					err);
	if (ret < 0)
		return -1;
	if (ret > 0 && bears_name(&holder) && id_set_has(&import->seen, other))
		return tell(import, id, dn, &holder, err);
	return give_back(import, &entry, err);
}

int transient_settle(struct import *import, struct error *err)
{
	const int64_t *id;

	vec_foreach(&import->claims, id) {
		if (settle(import, *id, err) < 0)
			return -1;
		arena_reset(&import->arena);
	}
	return 0;
}

/* 1: it still has no name; 0: it has, or is about to go; -1 */
static int is_left(struct import *import, int64_t id, struct error *err)
{
	struct pending_import pending;
	struct cs_row head;
	int ret = store_cs_head(import->store, id, &import->arena, &head, err);

	if (ret <= 0 || !(head.flags & CS_TRANSIENT))
		return ret < 0 ? -1 : 0;
	if (store_pending_import_get(import->store, id, &import->arena,
				     &pending, err) < 0)
		return -1;
	if (pending.op != IMPORT_DELETE)
		return 1;
	return store_error_delete(import->tx, id, ERROR_NAME, err);
}

int transient_end(struct import *import, struct error *err)
{
	struct import_result *result = import->result;
	struct id_set known = { 0 };
	const int64_t *id;
	size_t left = 0;
	int ret = 0;

	vec_foreach(&import->transients, id) {
		if (id_set_has(&known, *id))
			continue;
		id_set_add(&known, *id);
		ret = is_left(import, *id, err);
		arena_reset(&import->arena);
		if (ret < 0)
			break;
		left += (size_t)ret;
	}
	id_set_release(&known);
	if (ret < 0)
		return -1;
	if (!left || result->message[0] || result->errors)
		return 0;
	result->result = "completed-transient-objects";
	(void)snprintf(
		result->message, sizeof(result->message),
		"another object took the name of %zu object%s, whose new "
		"name is not known; see: conjoin errors %s",
		left, left == 1 ? "" : "s", import->agent->name);
	return 0;
}
