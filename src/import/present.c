/*
 * present.c - what a delta does not name among all that are there is gone
 *
 * Some systems tell what changed since a time and never what was deleted.
 * Their connectors name every object that is there behind the changes, by its
 * anchor alone (CHANGE_PRESENT). What the agent had before and is not among
 * them was deleted, under the guard as all else. After discovery errors nothing
 * is concluded: the watermark stays, and the next delta asks again.
 *
 * Called for each change and at the end of a delta, costs nothing without such
 * changes. Anchors are compared by their hash: where two have the same, both
 * count as named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

static int load_key(void *data, const struct anchor_key *key)
{
	struct import *import = data;

	if (key->content.high || key->content.low)
		anchor_table_put(&import->present, key->h, key->id,
				 key->content);
	return 0;
}

int present_note(struct import *import, const struct prepared *item,
		 struct error *err)
{
	const struct anchor_key *slot;
	size_t at = SIZE_MAX;

	if (!import->compares &&
	    store_anchor_scan(import->store, import->number, load_key, import,
			      err) < 0)
		return -1;
	import->compares = true;
	while ((slot = anchor_table_find(&import->present, item->anchor_h,
					 &at))) {
		id_set_add(&import->named, slot->id);
		import->named_count++;
	}
	return 1;
}

bool present_end(struct import *import)
{
	size_t before = import->deletes.len;
	const struct anchor_key *key;
	size_t at = SIZE_MAX;

	if (!import->compares || import->result->errors)
		return false;
	while ((key = anchor_table_next(&import->present, &at))) {
		if (id_set_has(&import->named, key->id) ||
		    id_set_has(&import->deleting, key->id))
			continue;
		id_set_add(&import->deleting, key->id);
		vec_push(&import->deletes, key->id);
	}
	return obsolete_empty_stop(import, import->named_count,
				   import->deletes.len - before);
}
