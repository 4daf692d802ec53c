/*
 * obsolete.c - deletions: what a full import did not see, what a delta reports
 *
 * Nothing is staged before the guard has seen all of it; nothing at all after
 * a discovery error, since what could not be read is not gone. What we deleted
 * ourselves and is gone now is confirmed, not counted by the guard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "config/limit.h"

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

/* ---- the guard ---- */

struct tally {
	int64_t *ids; /* deletions to be staged, sorted */
	size_t len;
	int64_t *by_type; /* [agent type] */
};

static int order_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void make_token(struct import *import, const struct tally *tally)
{
	struct hash128 h = hash128(store_hash_key(import->store),
				   sv_make((const char *)tally->ids,
					   tally->len * sizeof(*tally->ids)));

	(void)snprintf(import->result->token, sizeof(import->result->token),
		       "%016llx", (unsigned long long)h.low);
}

static void describe(struct import *import, const char *what, int64_t count,
		     int64_t total, const struct config_limit *limit)
{
	struct import_result *result = import->result;

	result->result = "stopped-deletion-threshold-exceeded";
	if (limit->percent)
		(void)snprintf(result->message, sizeof(result->message),
			       "%lld of %lld %s would be deleted, the guard "
			       "allows %lld.%02lld%%; nothing was deleted. If "
			       "this is right: conjoin run %s %s --allow %s",
			       (long long)count, (long long)total, what,
			       (long long)limit->value / 100,
			       (long long)limit->value % 100,
			       import->agent->name,
			       import->full ? "full-import" : "delta-import",
			       result->token);
	else
		(void)snprintf(result->message, sizeof(result->message),
			       "%lld %s would be deleted, the guard allows "
			       "%lld; nothing was deleted. If this is right: "
			       "conjoin run %s %s --allow %s",
			       (long long)count, what, (long long)limit->value,
			       import->agent->name,
			       import->full ? "full-import" : "delta-import",
			       result->token);
}

/* Objects of the type when the import began; -1 on error. */
static int64_t total_of(struct import *import, size_t type, struct error *err)
{
	return store_cs_count(import->store, import->number,
			      import->types[type], err);
}

static const struct config_limit *limit_of(const struct config_guards *guards,
					   size_t type)
{
	size_t i;

	for (i = 0; i < guards->type_count; i++)
		if (guards->types[i].type == type)
			return &guards->types[i].deletions;
	return guards->deletions.percent ? &guards->deletions : NULL;
}

/* 1: a guard stops it, the result says which; 0: it may go on; -1 */
static int guarded(struct import *import, const struct tally *tally,
		   struct error *err)
{
	const struct config_guards *guards = import->options->guards;
	const char *allow = import->options->allow;
	size_t t;

	make_token(import, tally);
	if (allow && strcmp(allow, import->result->token) == 0) {
		import->result->token_used = true;
		return 0;
	}
	if (guards->deletions.set && !guards->deletions.percent &&
	    (int64_t)tally->len > guards->deletions.value) {
		describe(import, "objects", (int64_t)tally->len, 0,
			 &guards->deletions);
		return 1;
	}
	for (t = 0; t < import->agent->type_count; t++) {
		const struct config_limit *limit = limit_of(guards, t);
		int64_t total;

		if (!tally->by_type[t] || !limit || !limit->set)
			continue;
		total = total_of(import, t, err);
		if (total < 0)
			return -1;
		if (!config_limit_exceeded(limit, guards->above,
					   tally->by_type[t], total))
			continue;
		describe(import, import->agent->types[t].name,
			 tally->by_type[t], total, limit);
		return 1;
	}
	import->result->token[0] = '\0';
	return 0;
}

static size_t type_of(const struct import *import, uint32_t number)
{
	size_t t;

	for (t = 0; t < import->agent->type_count; t++)
		if (import->types[t] == number)
			return t;
	return import->agent->type_count;
}

/* Which of `ids` the guard counts: objects whose deletion is new. */
static int make_tally(struct import *import, const int64_t *ids, size_t count,
		      struct tally *out, struct error *err)
{
	size_t i;

	out->ids = mem_alloc((count + 1) * sizeof(*out->ids));
	out->len = 0;
	out->by_type = mem_zalloc((import->agent->type_count + 1) *
				  sizeof(*out->by_type));
	for (i = 0; i < count; i++) {
		struct pending_import staged;
		struct pending_export awaiting;
		struct cs_row head;

		arena_reset(&import->arena);
		if (store_cs_head(import->store, ids[i], &import->arena, &head,
				  err) < 0 ||
		    store_pending_import_get(import->store, ids[i],
					     &import->arena, &staged,
					     err) < 0 ||
		    store_awaiting_get(import->store, ids[i], &import->arena,
				       &awaiting, err) < 0)
			return -1;
		if (!head.type || staged.op == IMPORT_DELETE ||
		    awaiting.op == PENDING_DELETE)
			continue;
		out->ids[out->len++] = ids[i];
		out->by_type[type_of(import, head.type)]++;
	}
	return 0;
}

static int stage_all(struct import *import, int64_t *ids, size_t count,
		     struct error *err)
{
	struct tally tally;
	size_t i;
	int ret;

	if (!count)
		return 0;
	qsort(ids, count, sizeof(*ids), order_ids);
	ret = make_tally(import, ids, count, &tally, err);
	if (ret == 0)
		ret = guarded(import, &tally, err);
	mem_free(tally.ids);
	mem_free(tally.by_type);
	if (ret)
		return ret < 0 ? -1 : 0;
	for (i = 0; i < count; i++) {
		arena_reset(&import->arena);
		if (stage_delete(import, ids[i], err) < 0 ||
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
			if (entry_load(import->store, ids[i], &import->arena,
				       &entry, err) <= 0)
				return -1;
			if (entry.row.has_image)
				continue;
			if (confirm_lost(import, &entry,
					 "the object was added by an export "
					 "but is not there",
					 err) < 0 ||
			    import_commit(import, false, err) < 0)
				return -1;
		}
	}
	return count < 0 ? -1 : 0;
}

static bool is_empty_stop(struct import *import, size_t unseen)
{
	struct import_result *result = import->result;

	if (!import->options->guards->empty_stop || result->read || !unseen)
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
	size_t i;
	int ret = 0;

	for (i = 0; i < import->table.size; i++) {
		const struct anchor_slot *slot = &import->table.slots[i];

		if (slot->h && (slot->content.high || slot->content.low) &&
		    !id_set_has(&import->seen, slot->id))
			vec_push(&unseen, slot->id);
	}
	if (!is_empty_stop(import, unseen.len)) {
		ret = stage_all(import, unseen.at, unseen.len, err);
		if (ret == 0 && !import->result->message[0])
			ret = lost_adds(import, err);
	}
	vec_release(&unseen);
	return ret;
}
