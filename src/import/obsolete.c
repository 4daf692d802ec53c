/*
 * obsolete.c - deletions: what a full import did not see, what a delta reports
 *
 * Nothing is staged before the guard has seen all of it. What we deleted
 * ourselves and is gone now is confirmed, not counted by the guard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int obsolete_remove(struct import *import, struct entry *entry,
		    struct error *err)
{
	struct arena *arena = &import->arena;
	uint32_t type = entry->row.type;
	uint64_t h = 0;
	int64_t *ids;
	size_t children = 0;
	int referrers;

	if (entry->row.anchor.len)
		h = key_of_anchor(import->store, import->number,
				  import->has_dn ? 0 : entry->row.type,
				  entry->row.anchor);
	referrers = store_cs_referrers(import->store, entry->row.id, arena,
				       &ids, err);
	if (referrers < 0 ||
	    (import->has_dn &&
	     store_cs_children(import->store, entry->row.id, arena, &ids,
			       &children, err) < 0) ||
	    entry_remove(import->tx, entry, h, err) < 0)
		return -1;
	tree_forget(&import->tree);
	if (!referrers && !children)
		return 0;
	entry->row.flags = CS_PLACEHOLDER;
	entry->row.type = 0;
	entry->row.has_image = false;
	if (import->has_dn)
		entry->row.anchor = SV_NULL;
	else if (h)
		stage_anchor(import, h, entry->row.id);
	if (store_cs_put(import->tx, &entry->row, err) < 0)
		return -1;
	return merge_left(import, &entry->row, type, err);
}

static int order_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Who refers to it does not any more: the system saw to it, and tells nobody.
 */
static int leave_referrers(struct import *import, int64_t gone,
			   struct error *err)
{
	int64_t *ids;
	int count;
	int i;

	if (import->full || !(import->agent->caps & CONNECTOR_CAP_INTEGRITY))
		return 0;
	count = store_cs_referrers(import->store, gone, &import->arena, &ids,
				   err);
	for (i = 0; i < count; i++)
		if (stage_without(import, ids[i], gone, err) < 0)
			return -1;
	return count < 0 ? -1 : 0;
}

static int stage_all(struct import *import, int64_t *ids, size_t count,
		     struct error *err)
{
	size_t i;
	int ret;

	if (!count)
		return 0;
	qsort(ids, count, sizeof(*ids), order_ids);
	ret = guard_deletions(import, ids, count, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	for (i = 0; i < count; i++) {
		arena_reset(&import->arena);
		if (leave_referrers(import, ids[i], err) < 0 ||
		    stage_delete(import, ids[i], err) < 0 ||
		    import_commit(import, false, err) < 0)
			return -1;
	}
	return 0;
}

int obsolete_reported(struct import *import, struct error *err)
{
	VEC(int64_t) gone = VEC_INIT;
	int64_t *id;
	int ret;

	vec_foreach(&import->deletes, id)
		if (!id_set_has(&import->seen, *id))
			vec_push(&gone, *id);
	ret = stage_all(import, gone.at, gone.len, err);
	vec_release(&gone);
	return ret;
}

/* It may have been deleted by an export before any import saw it. */
static int lost_add(struct import *import, struct entry *entry,
		    struct error *err)
{
	if (entry->awaiting.op == PENDING_DELETE)
		return obsolete_remove(import, entry, err);
	return confirm_lost(import, entry,
			    "the object was added by an export but is not "
			    "there",
			    err);
}

/* Exported adds that a full import did not see. */
static int lost_adds(struct import *import, struct error *err)
{
	int64_t ids[256];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_awaiting_ids(import->store, import->number, after,
					   ids, 256, err)) > 0) {
		after = ids[count - 1];
		for (i = 0; i < count; i++) {
			struct entry entry;

			arena_reset(&import->arena);
			if (id_set_has(&import->seen, ids[i]))
				continue;
			if (entry_load_staged(import->store, ids[i],
					      &import->arena, &entry, err) <= 0)
				return -1;
			if (entry.row.has_image)
				continue;
			if (lost_add(import, &entry, err) < 0 ||
			    import_commit(import, false, err) < 0)
				return -1;
		}
	}
	return count < 0 ? -1 : 0;
}

bool obsolete_empty_stop(struct import *import, int64_t read, size_t unseen)
{
	struct import_result *result = import->result;

	if (!import->options->guards->empty_stop || read || !unseen)
		return false;
	result->result = "stopped-deletion-threshold-exceeded";
	(void)snprintf(result->message, sizeof(result->message),
		       "nothing was read where there were %zu objects; nothing "
		       "was deleted. If the source is really empty, set "
		       "guards: { import: { empty: allow } } for this agent",
		       unseen);
	return true;
}

int obsolete_unseen(struct import *import, struct error *err)
{
	VEC(int64_t) unseen = VEC_INIT;
	const struct anchor_key *key;
	size_t at = SIZE_MAX;
	int ret = 0;

	while ((key = anchor_table_next(&import->table, &at)))
		if ((key->content.high || key->content.low) &&
		    !id_set_has(&import->seen, key->id))
			vec_push(&unseen, key->id);
	if (!obsolete_empty_stop(import, import->result->read, unseen.len)) {
		ret = stage_all(import, unseen.at, unseen.len, err);
		if (ret == 0 && !import->result->message[0])
			ret = lost_adds(import, err);
	}
	vec_release(&unseen);
	return ret;
}
