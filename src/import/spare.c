/*
 * spare.c - objects that a full import could not read are not gone
 *
 * Discovery errors are noted as they come; before deletions are staged each is
 * asked whom it may be about. When all are known these objects are spared, and
 * the rest of what was not seen is gone. An error that may be about anybody
 * keeps everything: it has no anchor, or the record itself was not understood
 * (parse-error), so that its anchor may be cut wrongly, and nobody bears the
 * name, or who does was read as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <stdio.h>
#include <string.h>

void spare_note(struct import *import, const struct change *change,
		const char *code)
{
	struct arena *arena = &import->run_arena;
	struct unread unread = { .certain = change->anchor.len &&
					    strcmp(code, "parse-error") != 0 };

	if (!import->full)
		return;
	unread.anchor = arena_dup(arena, change->anchor);
	unread.dn = arena_dup(arena, change->dn);
	unread.where = arena_dup(arena, change->where);
	vec_push(&import->unread, unread);
}

/* Spares one that may be meant: 1 it is an object that was not read otherwise;
 * 0 it is not; -1 */
static int spare(struct import *import, const struct unread *unread, int64_t id,
		 struct id_set *spared, struct error *err)
{
	struct cs_row row;
	int ret = store_cs_get(import->store, id, &import->arena, &row, err);

	if (ret <= 0)
		return ret;
	if (row.flags & CS_PLACEHOLDER || !row.type)
		return 0;
	if (id_set_has(&import->seen, id) && !id_set_has(spared, id) &&
	    !unread->certain)
		return 0;
	id_set_add(&import->seen, id);
	id_set_add(spared, id);
	return 1;
}

static int spare_by_anchor(struct import *import, const struct unread *unread,
			   struct id_set *spared, struct error *err)
{
	size_t types = import->has_dn ? 1 : import->agent->type_count;
	int known = 0;
	size_t t;

	for (t = 0; unread->anchor.len && t < types; t++) {
		uint32_t type = import->has_dn ? 0 : import->types[t];
		uint64_t h = key_of_anchor(import->store, import->number, type,
					   unread->anchor);
		int64_t id = 0;
		int ret = stage_find_anchor(import, h, type, unread->anchor,
					    CHANGE_OBJECT, &id, err);

		if (ret > 0)
			ret = spare(import, unread, id, spared, err);
		if (ret < 0)
			return -1;
		known |= ret;
	}
	return known;
}

static int spare_by_name(struct import *import, const struct unread *unread,
			 struct id_set *spared, struct error *err)
{
	int64_t id = 0;
	int ret;

	if (!import->has_dn || !unread->dn.len)
		return 0;
	ret = tree_find(&import->tree, unread->dn,
			TREE_IMPORTED | TREE_EXPECTED, &id, err);
	return ret > 0 ? spare(import, unread, id, spared, err) : ret;
}

static void tell_kept(struct import *import, const struct unread *unread)
{
	(void)snprintf(import->result->message, sizeof(import->result->message),
		       "nothing was deleted: the error at '" SV_FMT
		       "' may be about any object",
		       SV_ARG(unread->where));
}

int spare_unread(struct import *import, struct error *err)
{
	const struct unread *unread;
	struct id_set spared = { 0 };
	int ret = 1;

	vec_foreach(&import->unread, unread) {
		int by_anchor = spare_by_anchor(import, unread, &spared, err);
		int by_name = by_anchor < 0 ? -1
					    : spare_by_name(import, unread,
							    &spared, err);

		arena_reset(&import->arena);
		if (by_name < 0) {
			ret = -1;
			break;
		}
		if (unread->certain || by_anchor || by_name)
			continue;
		tell_kept(import, unread);
		ret = 0;
		break;
	}
	id_set_release(&spared);
	return ret;
}
