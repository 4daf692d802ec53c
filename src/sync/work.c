/*
 * work.c - the working set: objects in memory, units, the batch's write-back
 *
 * An object is read from the store once per batch. A unit is one object's
 * synchronization: every object is saved before its first change in the unit,
 * so a unit that fails is taken back by copying. Values are never changed in
 * place, so a shallow copy is a whole one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(struct sync *sync, const struct sync_event *what,
		 const char *fmt, va_list args)
{
	char text[1024];
	struct sync_event event = *what;

	(void)vsnprintf(text, sizeof(text), fmt, args);
	event.text = text;
	event.round = sync->round;
	sync->trace->event(sync->trace->data, &event);
}

void trace_event(struct sync *sync, const struct sync_event *event,
		 const char *fmt, ...)
{
	va_list args;

	if (!sync->trace)
		return;
	va_start(args, fmt);
	tell(sync, event, fmt, args);
	va_end(args);
}

void trace(struct sync *sync, const char *step, const char *found,
	   const struct config_rule_set *rule_set, int64_t cs, int64_t mv,
	   const char *fmt, ...)
{
	struct sync_event event = { .step = step, .found = found };
	va_list args;

	if (!sync->trace)
		return;
	event.rule_set = rule_set;
	event.cs = cs;
	event.mv = mv;
	va_start(args, fmt);
	tell(sync, &event, fmt, args);
	va_end(args);
}

int object_error(struct error *err, const char *code, const char *fmt, ...)
{
	va_list args;
	size_t len;

	err->code = ERR_INVALID;
	(void)snprintf(err->msg, sizeof(err->msg), "%s: ", code);
	len = strlen(err->msg);
	va_start(args, fmt);
	(void)vsnprintf(err->msg + len, sizeof(err->msg) - len, fmt, args);
	va_end(args);
	return -1;
}

void work_init(struct sync *sync)
{
	sync->waits_stored = store_mv_wait_any(sync->store);
}

static void forget(struct sync *sync)
{
	idmap_clear(&sync->cs);
	idmap_clear(&sync->mv);
	idmap_clear(&sync->fresh_mv_keys);
	idmap_clear(&sync->fresh_waits);
	vec_clear(&sync->chain);
	vec_clear(&sync->all_cs);
	vec_clear(&sync->all_mv);
	vec_clear(&sync->mv_keys);
	vec_clear(&sync->mv_keys_gone);
	vec_clear(&sync->waits);
	vec_clear(&sync->waits_gone);
	vec_clear(&sync->wait_ends);
	vec_clear(&sync->refs);
	vec_clear(&sync->dues);
	vec_clear(&sync->marked);
	vec_clear(&sync->unmarked);
	vec_clear(&sync->saved_cs);
	vec_clear(&sync->saved_mv);
	arena_reset(&sync->batch);
	arena_reset(&sync->scratch);
}

void work_release(struct sync *sync)
{
	forget(sync);
	idmap_release(&sync->cs);
	idmap_release(&sync->mv);
	idmap_release(&sync->fresh_mv_keys);
	idmap_release(&sync->fresh_waits);
	idmap_release(&sync->outcomes);
	idmap_release(&sync->frozen);
	idmap_release(&sync->partners);
	idmap_release(&sync->mv_links);
	arena_release(&sync->mv_links_arena);
	vec_release(&sync->relinked);
	vec_release(&sync->chain);
	vec_release(&sync->all_cs);
	vec_release(&sync->all_mv);
	vec_release(&sync->mv_keys);
	vec_release(&sync->mv_keys_gone);
	vec_release(&sync->waits);
	vec_release(&sync->waits_gone);
	vec_release(&sync->wait_ends);
	vec_release(&sync->refs);
	vec_release(&sync->dues);
	vec_release(&sync->marked);
	vec_release(&sync->unmarked);
	vec_release(&sync->unit_outcomes);
	vec_release(&sync->saved_cs);
	vec_release(&sync->saved_mv);
	arena_release(&sync->batch);
	arena_release(&sync->scratch);
}

/* ---- objects ---- */

static struct work_cs *remember_cs(struct sync *sync, struct work_cs *cs)
{
	idmap_put_ptr(&sync->cs, (uint64_t)cs->e.row.id, cs);
	vec_push(&sync->all_cs, cs);
	return cs;
}

static void complete_cs(struct sync *sync, struct work_cs *cs)
{
	cs->agent = plan_agent(sync, CS_AGENT(cs->e.row.id));
	if (cs->e.link.rule_set)
		cs->rule_set = plan_rule_set(sync, cs->e.link.rule_set);
}

int work_cs_entry(struct sync *sync, const struct entry *entry,
		  struct work_cs **out)
{
	struct work_cs *cs = idmap_get_ptr(&sync->cs, (uint64_t)entry->row.id);

	if (!cs) {
		cs = arena_zalloc(&sync->batch, sizeof(*cs));
		cs->e = *entry;
		complete_cs(sync, remember_cs(sync, cs));
	}
	*out = cs;
	return !cs->removed;
}

int work_cs(struct sync *sync, int64_t id, struct work_cs **out,
	    struct error *err)
{
	struct work_cs *cs = idmap_get_ptr(&sync->cs, (uint64_t)id);
	int ret;

	if (!cs) {
		cs = arena_zalloc(&sync->batch, sizeof(*cs));
		ret = entry_load(sync->store, id, &sync->batch, &cs->e, err);
		if (ret <= 0)
			return ret;
		complete_cs(sync, remember_cs(sync, cs));
	}
	*out = cs;
	return !cs->removed;
}

static int load_links(struct sync *sync, struct work_mv *mv, struct error *err)
{
	struct link_row *rows;
	int count = store_link_of_mv(sync->store, mv->row.id, &sync->batch,
				     &rows, err);
	int i;

	if (count < 0)
		return -1;
	mv->links = arena_array(&sync->batch, (size_t)count + 1,
				sizeof(struct work_cs *));
	for (i = 0; i < count; i++) {
		struct work_cs *cs;
		int ret = work_cs(sync, rows[i].cs, &cs, err);

		if (ret < 0)
			return -1;
		/* the batch may have changed the link meanwhile */
		if (ret > 0 && cs->e.link.mv == mv->row.id)
			mv->links[mv->link_count++] = cs;
	}
	return 0;
}

int work_mv(struct sync *sync, int64_t id, struct work_mv **out,
	    struct error *err)
{
	struct work_mv *mv = idmap_get_ptr(&sync->mv, (uint64_t)id);
	int ret;

	if (!mv) {
		mv = arena_zalloc(&sync->batch, sizeof(*mv));
		ret = store_mv_get(sync->store, id, &sync->batch, &mv->row,
				   err);
		if (ret <= 0)
			return ret;
		if (image_decode(mv->row.image, store_attr_map(sync->store),
				 &sync->batch, &mv->image, err) < 0)
			return -1;
		lineage_decode(mv->row.lineage, store_attr_map(sync->store),
			       &sync->batch, &mv->lineage);
		mv->plan = plan_mv(sync, mv->row.type);
		idmap_put_ptr(&sync->mv, (uint64_t)id, mv);
		vec_push(&sync->all_mv, mv);
		if (load_links(sync, mv, err) < 0)
			return -1;
	}
	*out = mv;
	return !mv->removed;
}

/* A preview's objects: past all that there are. */
#define PREVIEW_IDS (INT64_C(1) << 39)

bool sync_is_new(int64_t id)
{
	return CS_SEQUENCE(id) >= PREVIEW_IDS;
}

struct work_cs *work_new_cs(struct sync *sync, struct agent_plan *agent,
			    struct error *err)
{
	struct work_cs *cs = arena_zalloc(&sync->batch, sizeof(*cs));

	if (sync->tx)
		cs->e.row.id = store_cs_new_id(sync->tx, agent->number);
	else
		cs->e.row.id =
			CS_ID(agent->number, PREVIEW_IDS + ++sync->preview_id);
	if (cs->e.row.id < 0) {
		(void)error_set(err, ERR_UNAVAILABLE,
				"cannot take a new object number");
		return NULL;
	}
	cs->agent = agent;
	cs->is_new = true;
	cs->dirty_row = true;
	cs->e.link.cs = cs->e.row.id;
	cs->journaled = true; /* gone with the unit */
	return remember_cs(sync, cs);
}

struct work_mv *work_new_mv(struct sync *sync, struct mv_plan *plan,
			    struct error *err)
{
	struct work_mv *mv = arena_zalloc(&sync->batch, sizeof(*mv));

	if (sync->tx)
		mv->row.id = store_mv_new_id(sync->tx);
	else
		mv->row.id = PREVIEW_IDS + ++sync->preview_id;
	if (mv->row.id < 0) {
		(void)error_set(err, ERR_UNAVAILABLE,
				"cannot take a new object number");
		return NULL;
	}
	uuid_random(mv->row.guid);
	mv->row.type = plan->number;
	mv->plan = plan;
	mv->is_new = true;
	mv->dirty = true;
	mv->journaled = true;
	mv->links = arena_array(&sync->batch, 1, sizeof(struct work_cs *));
	idmap_put_ptr(&sync->mv, (uint64_t)mv->row.id, mv);
	vec_push(&sync->all_mv, mv);
	return mv;
}

/* ---- units ---- */

void work_touch_cs(struct sync *sync, struct work_cs *cs)
{
	struct saved_cs saved;

	if (cs->journaled)
		return;
	saved.at = cs;
	saved.copy = *cs;
	vec_push(&sync->saved_cs, saved);
	cs->journaled = true;
}

void work_touch_mv(struct sync *sync, struct work_mv *mv)
{
	struct saved_mv saved;

	if (mv->journaled)
		return;
	saved.at = mv;
	saved.copy = *mv;
	vec_push(&sync->saved_mv, saved);
	mv->journaled = true;
}

void work_unit_begin(struct sync *sync, int64_t processed)
{
	sync->processed = processed;
	sync->blocked[0] = '\0';
	sync->wants_other = 0;
	sync->unit_cs = sync->all_cs.len;
	sync->unit_mv = sync->all_mv.len;
	sync->unit_mv_keys = sync->mv_keys.len;
	sync->unit_mv_keys_gone = sync->mv_keys_gone.len;
	sync->unit_waits = sync->waits.len;
	sync->unit_waits_gone = sync->waits_gone.len;
	sync->unit_wait_ends = sync->wait_ends.len;
	sync->unit_refs = sync->refs.len;
	sync->unit_dues = sync->dues.len;
	sync->unit_marked = sync->marked.len;
	sync->unit_unmarked = sync->unmarked.len;
	vec_clear(&sync->unit_outcomes);
}

static void end_unit(struct sync *sync)
{
	struct saved_cs *cs;
	struct saved_mv *mv;
	size_t i;

	vec_foreach(&sync->saved_cs, cs)
		cs->at->journaled = false;
	vec_foreach(&sync->saved_mv, mv)
		mv->at->journaled = false;
	for (i = sync->unit_cs; i < sync->all_cs.len; i++)
		sync->all_cs.at[i]->journaled = false;
	for (i = sync->unit_mv; i < sync->all_mv.len; i++)
		sync->all_mv.at[i]->journaled = false;
	vec_clear(&sync->saved_cs);
	vec_clear(&sync->saved_mv);
	arena_reset(&sync->scratch);
}

/* The strongest that happened to an object in the step counts, once. */
static void keep_outcome(struct sync *sync, const struct outcome_change *change)
{
	uint64_t before = 0;
	unsigned kind = change->outcome & (OUT_WITH_FLOW - 1);
	unsigned flow = change->outcome & OUT_WITH_FLOW;
	unsigned old_kind;

	(void)idmap_get(&sync->outcomes, (uint64_t)change->cs, &before);
	old_kind = (unsigned)before & (OUT_WITH_FLOW - 1);
	flow |= (unsigned)before & OUT_WITH_FLOW;
	if (kind == OUT_NONE) /* came and went within the step */
		idmap_put(&sync->outcomes, (uint64_t)change->cs, OUT_NONE);
	else
		idmap_put(&sync->outcomes, (uint64_t)change->cs,
			  (kind > old_kind ? kind : old_kind) | flow);
}

void work_unit_keep(struct sync *sync)
{
	const struct outcome_change *change;

	vec_foreach(&sync->unit_outcomes, change)
		keep_outcome(sync, change);
	end_unit(sync);
}

void work_unit_drop(struct sync *sync)
{
	struct saved_cs *cs;
	struct saved_mv *mv;
	size_t i;

	/* objects of the unit that are not in the store never were */
	for (i = sync->unit_cs; i < sync->all_cs.len; i++) {
		if (sync->all_cs.at[i]->is_new) {
			sync->all_cs.at[i]->removed = true;
			sync->all_cs.at[i]->dirty_row = false;
		}
	}
	for (i = sync->unit_mv; i < sync->all_mv.len; i++) {
		if (sync->all_mv.at[i]->is_new) {
			sync->all_mv.at[i]->removed = true;
			sync->all_mv.at[i]->dirty = false;
		}
	}
	vec_foreach(&sync->saved_cs, cs)
		*cs->at = cs->copy;
	vec_foreach(&sync->saved_mv, mv)
		*mv->at = mv->copy;
	sync->mv_keys.len = sync->unit_mv_keys;
	sync->mv_keys_gone.len = sync->unit_mv_keys_gone;
	sync->waits.len = sync->unit_waits;
	sync->waits_gone.len = sync->unit_waits_gone;
	sync->wait_ends.len = sync->unit_wait_ends;
	sync->refs.len = sync->unit_refs;
	sync->dues.len = sync->unit_dues;
	sync->marked.len = sync->unit_marked;
	sync->unmarked.len = sync->unit_unmarked;
	end_unit(sync);
}

void work_outcome(struct sync *sync, const struct work_cs *cs,
		  enum outcome outcome, bool flow)
{
	struct outcome_change change = { cs->e.row.id, (unsigned)outcome };

	if (flow)
		change.outcome |= OUT_WITH_FLOW;
	vec_push(&sync->unit_outcomes, change);
}

/* ---- hints ---- */

static void add_fresh(struct sync *sync, struct idmap *map, uint64_t h,
		      int64_t id)
{
	uint64_t next = 0;

	(void)idmap_get(map, h, &next);
	vec_reserve(&sync->chain, sync->chain.len + 1);
	sync->chain.at[sync->chain.len].id = id;
	sync->chain.at[sync->chain.len].next = next;
	sync->chain.len++;
	idmap_put(map, h, sync->chain.len);
}

static size_t count_fresh(const struct sync *sync, uint64_t at)
{
	size_t count = 0;

	for (; at; at = sync->chain.at[at - 1].next)
		count++;
	return count;
}

/* Buffered ids, then the `count` stored ones. */
static int merge_fresh(struct sync *sync, const struct idmap *map, uint64_t h,
		       const int64_t *stored, int count, int64_t **out)
{
	uint64_t at = 0;
	size_t total = (size_t)count;
	size_t i = 0;

	(void)idmap_get(map, h, &at);
	total += count_fresh(sync, at);
	*out = arena_alloc(&sync->scratch, (total + 1) * sizeof(**out));
	for (; at; at = sync->chain.at[at - 1].next)
		(*out)[i++] = sync->chain.at[at - 1].id;
	if (count)
		memcpy(*out + i, stored, (size_t)count * sizeof(**out));
	return (int)total;
}

void work_add_mv_key(struct sync *sync, uint64_t h, int64_t mv)
{
	struct key_row row = { h, mv };

	vec_push(&sync->mv_keys, row);
	add_fresh(sync, &sync->fresh_mv_keys, h, mv);
}

int work_find_mv_key(struct sync *sync, uint64_t h, int64_t **out,
		     struct error *err)
{
	int64_t *stored;
	int count =
		store_mv_key_find(sync->store, h, &sync->scratch, &stored, err);

	return count < 0 ? -1
			 : merge_fresh(sync, &sync->fresh_mv_keys, h, stored,
				       count, out);
}

void work_wait(struct sync *sync, uint64_t h, int64_t mv)
{
	struct key_row row = { h, mv };

	vec_push(&sync->waits, row);
	add_fresh(sync, &sync->fresh_waits, h, mv);
}

static void end_waits(struct sync *sync, bool of_object, uint64_t key)
{
	struct wait_end end = { of_object, key, sync->waits.len };

	if (sync->waits.len)
		vec_push(&sync->wait_ends, end);
}

int work_wait_afresh(struct sync *sync, const struct work_mv *mv,
		     struct error *err)
{
	struct key_row gone = { 0, mv->row.id };
	int64_t *keys;
	int count;
	int i;

	end_waits(sync, true, (uint64_t)mv->row.id);
	if (!sync->waits_stored || mv->is_new)
		return 0;
	count = store_mv_wait_keys(sync->store, mv->row.id, &sync->scratch,
				   &keys, err);
	for (i = 0; i < count; i++) {
		gone.h = (uint64_t)keys[i];
		vec_push(&sync->waits_gone, gone);
	}
	return count < 0 ? -1 : 0;
}

int work_wake(struct sync *sync, uint64_t h, struct error *err)
{
	int64_t *stored = NULL;
	int64_t *ids;
	int count = 0;
	int i;

	if (sync->waits_stored) {
		count = store_mv_wait_find(sync->store, h, &sync->scratch,
					   &stored, err);
		if (count < 0)
			return -1;
		for (i = 0; i < count; i++) {
			struct key_row row = { h, stored[i] };

			vec_push(&sync->waits_gone, row);
		}
	} else if (!idmap_get(&sync->fresh_waits, h, NULL)) {
		return 0;
	}
	count = merge_fresh(sync, &sync->fresh_waits, h, stored, count, &ids);
	for (i = 0; i < count; i++)
		work_mark(sync, ids[i]);
	/* who still waits after that says so again */
	end_waits(sync, false, h);
	return 0;
}

void work_mark(struct sync *sync, int64_t mv)
{
	vec_push(&sync->marked, mv);
}

#define CACHE_MAX 200000

int work_partner(struct sync *sync, int64_t id, int64_t *mv_out,
		 struct error *err)
{
	struct work_cs *cs = idmap_get_ptr(&sync->cs, (uint64_t)id);
	struct link_row row;
	uint64_t cached;
	int ret;

	*mv_out = 0;
	if (cs) {
		if (!cs->removed)
			*mv_out = cs->e.link.mv;
		return 0;
	}
	if (idmap_get(&sync->partners, (uint64_t)id, &cached)) {
		*mv_out = (int64_t)cached - 1;
		return 0;
	}
	ret = store_link_get(sync->store, id, &row, err);
	if (ret < 0)
		return -1;
	if (ret > 0)
		*mv_out = row.mv;
	if (sync->partners.len >= CACHE_MAX)
		idmap_release(&sync->partners);
	idmap_put(&sync->partners, (uint64_t)id, (uint64_t)*mv_out + 1);
	return 0;
}

static struct link_list *new_links(struct sync *sync, int64_t mv, size_t len)
{
	struct link_list *list;

	if (sync->mv_links.len >= CACHE_MAX) {
		idmap_release(&sync->mv_links);
		arena_reset(&sync->mv_links_arena);
	}
	list = arena_zalloc(&sync->mv_links_arena, sizeof(*list));
	list->at = arena_array(&sync->mv_links_arena, len, sizeof(*list->at));
	list->len = len;
	idmap_put_ptr(&sync->mv_links, (uint64_t)mv, list);
	return list;
}

int work_links_of(struct sync *sync, int64_t mv, const struct link_list **out,
		  struct error *err)
{
	struct link_list *list = idmap_get_ptr(&sync->mv_links, (uint64_t)mv);
	struct link_row *rows;
	int count;
	int i;

	if (!list) {
		count = store_link_of_mv(sync->store, mv, &sync->scratch, &rows,
					 err);
		if (count < 0)
			return -1;
		list = new_links(sync, mv, (size_t)count);
		for (i = 0; i < count; i++) {
			list->at[i].cs = rows[i].cs;
			list->at[i].rule_set = rows[i].rule_set;
		}
	}
	*out = list;
	return 0;
}

/* The batch is written: what is cached follows. Who was linked in it is likely
 * to be referred to soon. */
static void refresh_links(struct sync *sync)
{
	struct work_cs **cs;
	const int64_t *id;
	int64_t last = 0;
	size_t i;

	vec_foreach(&sync->all_cs, cs)
		if ((*cs)->dirty_link || (*cs)->removed)
			idmap_put(&sync->partners, (uint64_t)(*cs)->e.row.id,
				  (*cs)->removed
					  ? 1
					  : (uint64_t)(*cs)->e.link.mv + 1);
	vec_foreach(&sync->relinked, id) {
		const struct work_mv *mv =
			idmap_get_ptr(&sync->mv, (uint64_t)*id);
		struct link_list *list;

		if (*id == last)
			continue;
		last = *id;
		if (!mv || mv->removed) {
			idmap_put_ptr(&sync->mv_links, (uint64_t)*id, NULL);
			continue;
		}
		list = new_links(sync, *id, mv->link_count);
		for (i = 0; i < mv->link_count; i++) {
			list->at[i].cs = mv->links[i]->e.row.id;
			list->at[i].rule_set = mv->links[i]->e.link.rule_set;
		}
	}
	vec_clear(&sync->relinked);
}

#define MAX_DEPTH 256

/* Over the working set: a parent may be as new as the object itself. */
int work_dn(struct sync *sync, const struct work_cs *cs, struct sv *out,
	    struct error *err)
{
	struct strbuf dn = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct work_cs *above;
	int64_t parent;
	struct sv rdn;
	int depth = 0;
	int ret = 0;

	entry_expected_name(&cs->e, &parent, &rdn);
	strbuf_addsv(&dn, rdn);
	while (rdn.len && parent && depth++ < MAX_DEPTH) {
		ret = work_cs(sync, parent, &above, err);
		if (ret <= 0)
			break;
		entry_expected_name(&above->e, &parent, &rdn);
		strbuf_addc(&dn, ',');
		strbuf_addsv(&dn, rdn);
	}
	*out = dn.len ? arena_dup(&sync->batch, strbuf_sv(&dn)) : SV_NULL;
	strbuf_release(&dn);
	return ret < 0 ? -1 : 0;
}

/* ---- write-back ---- */

static int write_merged(struct sync *sync, const struct work_cs *cs,
			struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	if (cs->merged.len)
		image_encode(&cs->merged, store_attr_map(sync->store), &bytes);
	ret = store_merged_put(sync->tx, cs->e.row.id,
			       cs->merged.len ? strbuf_sv(&bytes) : SV_NULL,
			       err);
	strbuf_release(&bytes);
	return ret;
}

static int write_removed(struct sync *sync, struct work_cs *cs,
			 struct error *err)
{
	struct cs_row row = cs->e.row;
	struct anchor_key key = { cs->old_anchor_h, row.id, { 0, 0 } };

	if (cs->is_new)
		return 0;
	if (entry_remove(sync->tx, &cs->e, cs->old_anchor_h, err) < 0)
		return -1;
	if (!cs->leave_placeholder)
		return 0;
	row.flags = CS_PLACEHOLDER;
	row.type = 0;
	row.has_image = false;
	if (cs->agent && cs->agent->has_dn)
		row.anchor = SV_NULL;
	if (row.anchor.len && key.h &&
	    store_anchor_put(sync->tx, CS_AGENT(row.id), &key, err) < 0)
		return -1;
	return store_cs_put(sync->tx, &row, err);
}

static int write_link(struct sync *sync, struct work_cs *cs, struct error *err)
{
	const struct link_row *link = &cs->e.link;

	if (!link->mv && link->state == LINK_NORMAL && !link->last_mv)
		return store_link_delete(sync->tx, link->cs, err);
	return store_link_put(sync->tx, link, err);
}

/* What a batch writes as bytes, in the order in which it is written. */
struct write_back {
	struct encoder *encoder;
	size_t at; /* next job */
};

static const struct encode_job *next_job(struct write_back *back)
{
	return encoder_wait(back->encoder, back->at++);
}

static bool has_pending_image(const struct work_cs *cs)
{
	return cs->dirty_pending && !cs->removed &&
	       cs->e.pending.op != PENDING_NONE && cs->e.pending.attrs.len;
}

static int write_pending(struct sync *sync, const struct work_cs *cs,
			 struct write_back *back, struct error *err)
{
	struct sv bytes = SV_NULL;

	if (has_pending_image(cs))
		bytes = next_job(back)->bytes;
	return entry_put_pending_bytes(sync->tx, &cs->e, bytes, err);
}

static int write_cs(struct sync *sync, struct work_cs *cs,
		    struct write_back *back, struct error *err)
{
	struct anchor_key key = { cs->new_anchor_h, cs->e.row.id, { 0, 0 } };

	if (cs->removed)
		return cs->dirty_row ? write_removed(sync, cs, err) : 0;
	if (key.h &&
	    store_anchor_put(sync->tx, CS_AGENT(key.id), &key, err) < 0)
		return -1;
	if ((cs->dirty_row && entry_put_row(sync->tx, &cs->e, err) < 0) ||
	    (cs->dirty_import && cs->e.import != IMPORT_NONE &&
	     entry_put_import(sync->tx, &cs->e, err) < 0) ||
	    (cs->dirty_pending && write_pending(sync, cs, back, err) < 0) ||
	    (cs->dirty_awaiting &&
	     entry_put_awaiting(sync->tx, &cs->e, err) < 0) ||
	    (cs->dirty_link && write_link(sync, cs, err) < 0) ||
	    (cs->dirty_merged && write_merged(sync, cs, err) < 0) ||
	    (cs->unqueued && !cs->queued &&
	     store_queue_delete(sync->tx, cs->e.row.id, err) < 0) ||
	    (cs->queued && store_queue_put(sync->tx, cs->e.row.id, err) < 0))
		return -1;
	return 0;
}

static int write_mv(struct sync *sync, struct work_mv *mv,
		    struct write_back *back, struct error *err)
{
	const struct encode_job *job;

	if (!mv->dirty)
		return 0;
	if (mv->removed)
		return mv->is_new ? 0
				  : store_mv_delete(sync->tx, mv->row.id, err);
	job = next_job(back);
	mv->row.image = job->bytes;
	mv->row.lineage = job->lineage_bytes;
	return store_mv_put(sync->tx, &mv->row, err);
}

/* Imports that are consumed: most are of objects one behind another. */
static int delete_imports(struct sync *sync, struct error *err)
{
	int64_t from = 0;
	int64_t to = -1;
	struct work_cs **at;

	vec_foreach(&sync->all_cs, at) {
		const struct work_cs *cs = *at;
		int64_t id = cs->e.row.id;

		if (cs->removed || cs->is_new || !cs->dirty_import ||
		    cs->e.import != IMPORT_NONE || id == to)
			continue;
		if (id != to + 1) {
			if (to >= from && store_pending_import_delete(
						  sync->tx, from, to, err) < 0)
				return -1;
			from = id;
		}
		to = id;
	}
	if (to < from)
		return 0;
	return store_pending_import_delete(sync->tx, from, to, err);
}

static int order_cs(const void *a, const void *b)
{
	int64_t x = (*(struct work_cs *const *)a)->e.row.id;
	int64_t y = (*(struct work_cs *const *)b)->e.row.id;

	return (x > y) - (x < y);
}

static int order_refs(const void *a, const void *b)
{
	const struct ref_change *x = a;
	const struct ref_change *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

static struct encoder *start_encoder(struct sync *sync)
{
	struct encode_job *jobs =
		arena_array(&sync->batch, sync->all_mv.len + sync->all_cs.len,
			    sizeof(*jobs));
	struct work_cs **cs;
	struct work_mv **mv;
	size_t len = 0;

	vec_foreach(&sync->all_mv, mv)
		if ((*mv)->dirty && !(*mv)->removed) {
			jobs[len].image = &(*mv)->image;
			jobs[len++].lineage = &(*mv)->lineage;
		}
	vec_foreach(&sync->all_cs, cs)
		if (has_pending_image(*cs))
			jobs[len++].image = &(*cs)->e.pending.attrs;
	return encoder_start(store_attr_map(sync->store), jobs, len);
}

static int write_objects(struct sync *sync, struct error *err)
{
	struct write_back back = { NULL, 0 };
	struct work_cs **cs;
	struct work_mv **mv;
	int ret = 0;

	vec_sort(&sync->all_cs, order_cs);
	back.encoder = start_encoder(sync);
	vec_foreach(&sync->all_mv, mv) {
		ret = write_mv(sync, *mv, &back, err);
		if (ret < 0)
			break;
	}
	if (ret == 0)
		vec_foreach(&sync->all_cs, cs) {
			ret = write_cs(sync, *cs, &back, err);
			if (ret < 0)
				break;
		}
	encoder_stop(back.encoder);
	return ret < 0 ? -1 : delete_imports(sync, err);
}

/* Drops the buffered waits that are over. */
static void settle_waits(struct sync *sync)
{
	struct idmap by_key = IDMAP_INIT;
	struct idmap by_object = IDMAP_INIT;
	const struct wait_end *end;
	size_t kept = 0;
	size_t i;

	if (!sync->wait_ends.len)
		return;
	vec_foreach(&sync->wait_ends, end)
		idmap_put(end->of_object ? &by_object : &by_key, end->key,
			  end->at);
	for (i = 0; i < sync->waits.len; i++) {
		const struct key_row *row = &sync->waits.at[i];
		uint64_t at;

		if ((idmap_get(&by_key, row->h, &at) && i < at) ||
		    (idmap_get(&by_object, (uint64_t)row->id, &at) && i < at))
			continue;
		sync->waits.at[kept++] = *row;
	}
	sync->waits.len = kept;
	idmap_release(&by_key);
	idmap_release(&by_object);
}

static int write_hints(struct sync *sync, struct error *err)
{
	const struct key_row *row;
	const struct ref_change *ref;
	const int64_t *mv;
	size_t i;

	settle_waits(sync);
	vec_foreach(&sync->mv_keys_gone, row)
		if (store_mv_key_delete(sync->tx, row->h, row->id, err) < 0)
			return -1;
	vec_foreach(&sync->waits_gone, row)
		if (store_mv_wait_delete(sync->tx, row->h, row->id, err) < 0)
			return -1;
	if (store_mv_key_put(sync->tx, sync->mv_keys.at, sync->mv_keys.len,
			     err) < 0 ||
	    store_mv_wait_put(sync->tx, sync->waits.at, sync->waits.len, err) <
		    0)
		return -1;
	if (sync->waits.len)
		sync->waits_stored = true;
	/* a change and its opposite keep their order: sort is by pair only
	 * when there is nothing to take away */
	for (i = 0; i < sync->refs.len && sync->refs.at[i].add; i++)
		;
	if (i == sync->refs.len)
		vec_sort(&sync->refs, order_refs);
	vec_foreach(&sync->refs, ref)
		if ((ref->add ? store_mv_ref_put(sync->tx, ref->target,
						 ref->source, err)
			      : store_mv_ref_delete(sync->tx, ref->target,
						    ref->source, err)) < 0)
			return -1;
	vec_foreach(&sync->unmarked, mv)
		if (store_mv_queue_delete(sync->tx, *mv, err) < 0)
			return -1;
	vec_foreach(&sync->marked, mv)
		if (store_mv_queue_put(sync->tx, *mv, err) < 0)
			return -1;
	return 0;
}

int work_flush(struct sync *sync, struct error *err)
{
	size_t i;

	if (write_objects(sync, err) < 0 || write_hints(sync, err) < 0 ||
	    due_write(sync, err) < 0)
		return -1;
	for (i = 0; i < sync->config->agent_count; i++)
		if (tree_flush(&sync->agents[i].tree, sync->tx, err) < 0)
			return -1;
	refresh_links(sync);
	forget(sync);
	return 0;
}
