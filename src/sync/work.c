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
#include "sync/held.h"

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

/* ---- ids that are buffered, by key ---- */

static void fresh_add(struct fresh_ids *fresh, uint64_t h, int64_t id)
{
	struct fresh_link link = { id, 0 };

	(void)idmap_get(&fresh->first, h, &link.next);
	vec_push(&fresh->chain, link);
	idmap_put(&fresh->first, h, fresh->chain.len);
}

static void fresh_clear(struct fresh_ids *fresh)
{
	idmap_clear(&fresh->first);
	vec_clear(&fresh->chain);
}

static void fresh_release(struct fresh_ids *fresh)
{
	idmap_release(&fresh->first);
	vec_release(&fresh->chain);
}

/* Buffered ids, then the `count` stored ones. */
static int fresh_merge(const struct fresh_ids *fresh, uint64_t h,
		       const int64_t *stored, int count, struct arena *arena,
		       int64_t **out)
{
	uint64_t first = 0;
	uint64_t at;
	size_t total = (size_t)count;
	size_t i = 0;

	(void)idmap_get(&fresh->first, h, &first);
	for (at = first; at; at = fresh->chain.at[at - 1].next)
		total++;
	*out = arena_alloc(arena, (total + 1) * sizeof(**out));
	for (at = first; at; at = fresh->chain.at[at - 1].next)
		(*out)[i++] = fresh->chain.at[at - 1].id;
	if (count)
		memcpy(*out + i, stored, (size_t)count * sizeof(**out));
	return (int)total;
}

/* ---- the batch ---- */

void work_init(struct sync *sync)
{
	sync->waits_stored = store_mv_wait_any(sync->store);
	sync->waits_known = !sync->waits_stored;
}

/* Waits are kept in memory as long as they are few. */
#define WAITS_MAX 200000

static void forget_waits(struct sync *sync)
{
	if (sync->waits_known && sync->fresh_waits.chain.len <= WAITS_MAX)
		return;
	sync->waits_known = false;
	fresh_clear(&sync->fresh_waits);
}

static void refresh_links(struct sync *sync);

void work_hand_over(struct sync *sync, struct writes *writes,
		    struct arena *batch, struct idmap *cs, struct idmap *mv)
{
	const struct due_row *due;

	refresh_links(sync);
	sync->waits_stored |= sync->w.waits.len != 0;
	vec_foreach(&sync->w.dues, due)
		sync->dues_stored |= due->time != 0;
	*writes = sync->w;
	*batch = sync->batch;
	*cs = sync->cs;
	*mv = sync->mv;
	memset(&sync->w, 0, sizeof(sync->w));
	memset(&sync->batch, 0, sizeof(sync->batch));
	memset(&sync->cs, 0, sizeof(sync->cs));
	memset(&sync->mv, 0, sizeof(sync->mv));
	fresh_clear(&sync->fresh_mv_keys);
	vec_clear(&sync->saved_cs);
	vec_clear(&sync->saved_mv);
	arena_reset(&sync->scratch);
	forget_waits(sync);
}

void work_release_writes(struct writes *writes)
{
	vec_release(&writes->all_cs);
	vec_release(&writes->all_mv);
	vec_release(&writes->cs_keys);
	vec_release(&writes->mv_keys);
	vec_release(&writes->mv_keys_gone);
	vec_release(&writes->waits);
	vec_release(&writes->waits_gone);
	vec_release(&writes->wait_ends);
	vec_release(&writes->refs);
	vec_release(&writes->dues);
	vec_release(&writes->holds);
	vec_release(&writes->marked);
	vec_release(&writes->unmarked);
}

void work_forget(struct sync *sync)
{
	struct writes writes;
	struct arena batch;
	struct idmap cs;
	struct idmap mv;

	work_hand_over(sync, &writes, &batch, &cs, &mv);
	work_release_writes(&writes);
	arena_release(&batch);
	idmap_release(&cs);
	idmap_release(&mv);
}

void work_release(struct sync *sync)
{
	struct error ignored = ERROR_INIT;

	(void)flush_settle(sync, &ignored);
	work_release_writes(&sync->w);
	idmap_release(&sync->cs);
	idmap_release(&sync->mv);
	fresh_release(&sync->fresh_mv_keys);
	fresh_release(&sync->fresh_waits);
	id_bytes_release(&sync->outcomes);
	idmap_release(&sync->partners);
	idmap_release(&sync->mv_links);
	arena_release(&sync->mv_links_arena);
	vec_release(&sync->relinked);
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
	vec_push(&sync->w.all_cs, cs);
	return cs;
}

static void complete_cs(struct sync *sync, struct work_cs *cs)
{
	cs->agent = plan_agent(sync, CS_AGENT(cs->e.row.id));
	cs->had.cs = cs->e.row.id;
	cs->had.rule_set = cs->e.link.rule_set;
	cs->had.how = cs->e.link.how;
	cs->had.time = cs->e.link.time;
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

static int load_mv(struct sync *sync, struct work_mv *mv, struct error *err)
{
	const struct attr_map *map = store_attr_map(sync->store);
	struct member *rows;
	int members = mv_image_members(sync->store, &mv->row, &sync->batch,
				       &mv->image, &rows, err);

	if (members < 0)
		return -1;
	mv->members = members > 0;
	lineage_decode(mv->row.lineage, map, &sync->batch, &mv->lineage);
	lineage_lay(&mv->lineage, rows, (size_t)members, map, &sync->batch);
	return 0;
}

static void remember_mv(struct sync *sync, struct work_mv *mv)
{
	mv->plan = plan_mv(sync, mv->row.type);
	idmap_put_ptr(&sync->mv, (uint64_t)mv->row.id, mv);
	vec_push(&sync->w.all_mv, mv);
}

static void keep_before(struct work_mv *mv)
{
	mv->before = mv->image;
	mv->lineage_before = mv->lineage;
	mv->links_before = mv->links;
	mv->links_before_count = mv->link_count;
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
		if (load_mv(sync, mv, err) < 0)
			return -1;
		remember_mv(sync, mv);
		if (!sync->alone && load_links(sync, mv, err) < 0)
			return -1;
		keep_before(mv);
	}
	*out = mv;
	return !mv->removed;
}

int work_mv_read(struct sync *sync, const struct read_mv *read,
		 struct error *err)
{
	struct work_mv *mv;
	size_t i;

	if (flush_mv(sync, read->row.id) ||
	    idmap_get(&sync->mv, (uint64_t)read->row.id, NULL))
		return 0;
	mv = arena_zalloc(&sync->batch, sizeof(*mv));
	mv->row = read->row;
	mv->image = read->image;
	mv->lineage = read->lineage;
	mv->members = read->members;
	mv->links = arena_array(&sync->batch, read->link_count + 1,
				sizeof(struct work_cs *));
	remember_mv(sync, mv);
	for (i = 0; i < read->link_count; i++) {
		const struct entry *entry = read->entries[i];
		int64_t id = read->links[i];
		struct work_cs *cs;
		int ret = entry && !flush_cs(sync, id)
				  ? work_cs_entry(sync, entry, &cs)
				  : work_cs(sync, id, &cs, err);

		if (ret < 0)
			return -1;
		if (ret > 0 && cs->e.link.mv == mv->row.id)
			mv->links[mv->link_count++] = cs;
	}
	keep_before(mv);
	return 0;
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
	mv->row.run = sync->options ? sync->options->run : 0;
	mv->row.created = sync->now;
	mv->plan = plan;
	mv->is_new = true;
	mv->dirty = true;
	mv->journaled = true;
	mv->links = arena_array(&sync->batch, 1, sizeof(struct work_cs *));
	idmap_put_ptr(&sync->mv, (uint64_t)mv->row.id, mv);
	vec_push(&sync->w.all_mv, mv);
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
	sync->unit_cs = sync->w.all_cs.len;
	sync->unit_mv = sync->w.all_mv.len;
	sync->unit_mv_keys = sync->w.mv_keys.len;
	sync->unit_mv_keys_gone = sync->w.mv_keys_gone.len;
	sync->unit_waits = sync->w.waits.len;
	sync->unit_waits_gone = sync->w.waits_gone.len;
	sync->unit_wait_ends = sync->w.wait_ends.len;
	sync->unit_refs = sync->w.refs.len;
	sync->unit_dues = sync->w.dues.len;
	sync->unit_holds = sync->w.holds.len;
	sync->unit_marked = sync->w.marked.len;
	sync->unit_unmarked = sync->w.unmarked.len;
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
	for (i = sync->unit_cs; i < sync->w.all_cs.len; i++)
		sync->w.all_cs.at[i]->journaled = false;
	for (i = sync->unit_mv; i < sync->w.all_mv.len; i++)
		sync->w.all_mv.at[i]->journaled = false;
	vec_clear(&sync->saved_cs);
	vec_clear(&sync->saved_mv);
	arena_reset(&sync->scratch);
}

/* The strongest that happened to an object in the step counts, once. */
static void keep_outcome(struct sync *sync, const struct outcome_change *change)
{
	unsigned before = id_bytes_get(&sync->outcomes, change->cs);
	unsigned kind = change->outcome & (OUT_WITH_FLOW - 1);
	unsigned flow = change->outcome & OUT_WITH_FLOW;
	unsigned old_kind = before & (OUT_WITH_FLOW - 1);

	flow |= before & OUT_WITH_FLOW;
	if (kind == OUT_NONE) /* came and went within the step */
		id_bytes_put(&sync->outcomes, change->cs, OUT_NONE);
	else
		id_bytes_put(
			&sync->outcomes, change->cs,
			(uint8_t)((kind > old_kind ? kind : old_kind) | flow));
}

void work_unit_keep(struct sync *sync)
{
	const struct outcome_change *change;

	vec_foreach(&sync->unit_outcomes, change)
		keep_outcome(sync, change);
	if (sync->w.holds.len)
		held_keep(sync);
	end_unit(sync);
}

void work_unit_drop(struct sync *sync)
{
	struct saved_cs *cs;
	struct saved_mv *mv;
	size_t i;

	/* objects of the unit that are not in the store never were */
	for (i = sync->unit_cs; i < sync->w.all_cs.len; i++) {
		if (sync->w.all_cs.at[i]->is_new) {
			sync->w.all_cs.at[i]->removed = true;
			sync->w.all_cs.at[i]->dirty_row = false;
		}
	}
	for (i = sync->unit_mv; i < sync->w.all_mv.len; i++) {
		if (sync->w.all_mv.at[i]->is_new) {
			sync->w.all_mv.at[i]->removed = true;
			sync->w.all_mv.at[i]->dirty = false;
		}
	}
	vec_foreach(&sync->saved_cs, cs)
		*cs->at = cs->copy;
	vec_foreach(&sync->saved_mv, mv)
		*mv->at = mv->copy;
	sync->w.mv_keys.len = sync->unit_mv_keys;
	sync->w.mv_keys_gone.len = sync->unit_mv_keys_gone;
	sync->w.waits.len = sync->unit_waits;
	sync->w.waits_gone.len = sync->unit_waits_gone;
	sync->w.wait_ends.len = sync->unit_wait_ends;
	sync->w.refs.len = sync->unit_refs;
	sync->w.dues.len = sync->unit_dues;
	sync->w.holds.len = sync->unit_holds;
	sync->w.marked.len = sync->unit_marked;
	sync->w.unmarked.len = sync->unit_unmarked;
	end_unit(sync);
}

void work_outcome_of(struct sync *sync, int64_t cs, enum outcome outcome,
		     bool flow)
{
	struct outcome_change change = { cs, (unsigned)outcome };

	if (flow)
		change.outcome |= OUT_WITH_FLOW;
	vec_push(&sync->unit_outcomes, change);
}

void work_outcome(struct sync *sync, const struct work_cs *cs,
		  enum outcome outcome, bool flow)
{
	work_outcome_of(sync, cs->e.row.id, outcome, flow);
}

/* ---- hints ---- */

void work_add_mv_key(struct sync *sync, uint64_t h, int64_t mv)
{
	struct key_row row = { h, mv };

	vec_push(&sync->w.mv_keys, row);
	fresh_add(&sync->fresh_mv_keys, h, mv);
}

int work_find_mv_key(struct sync *sync, uint64_t h, int64_t **out,
		     struct error *err)
{
	int64_t *stored;
	int count =
		store_mv_key_find(sync->store, h, &sync->scratch, &stored, err);

	return count < 0 ? -1
			 : fresh_merge(&sync->fresh_mv_keys, h, stored, count,
				       &sync->scratch, out);
}

void work_wait(struct sync *sync, uint64_t h, int64_t mv)
{
	struct key_row row = { h, mv };

	vec_push(&sync->w.waits, row);
	fresh_add(&sync->fresh_waits, h, mv);
}

static void end_waits(struct sync *sync, bool of_object, uint64_t key)
{
	struct wait_end end = { of_object, key, sync->w.waits.len };

	if (sync->w.waits.len)
		vec_push(&sync->w.wait_ends, end);
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
		vec_push(&sync->w.waits_gone, gone);
	}
	return count < 0 ? -1 : 0;
}

static int wake(struct sync *sync, uint64_t h, int64_t cause, struct error *err)
{
	int64_t *stored = NULL;
	int64_t *ids;
	int count = 0;
	int i;

	if (!sync->waits_known) {
		count = store_mv_wait_find(sync->store, h, &sync->scratch,
					   &stored, err);
		if (count < 0)
			return -1;
	} else if (!idmap_get(&sync->fresh_waits.first, h, NULL)) {
		return 0;
	}
	count = fresh_merge(&sync->fresh_waits, h, stored, count,
			    &sync->scratch, &ids);
	for (i = 0; i < count; i++) {
		struct key_row row = { h, ids[i] };

		if (cause)
			work_mark_value(sync, ids[i], cause);
		else
			work_mark(sync, ids[i]);
		if (sync->waits_stored)
			vec_push(&sync->w.waits_gone, row);
	}
	/* who still waits after that says so again */
	end_waits(sync, false, h);
	return 0;
}

int work_wake(struct sync *sync, uint64_t h, struct error *err)
{
	return wake(sync, h, 0, err);
}

int work_wake_value(struct sync *sync, uint64_t h, int64_t cause,
		    struct error *err)
{
	return wake(sync, h, cause, err);
}

void work_mark(struct sync *sync, int64_t mv)
{
	marks_whole(sync, mv);
	vec_push(&sync->w.marked, mv);
}

void work_mark_value(struct sync *sync, int64_t mv, int64_t cause)
{
	marks_value(sync, mv, cause);
	vec_push(&sync->w.marked, mv);
}

#define CACHE_MAX 200000

static void keep_partner(struct sync *sync, int64_t cs, int64_t mv)
{
	if (sync->partners.len >= CACHE_MAX) {
		idmap_release(&sync->partners);
		sync->forgot = true;
	}
	idmap_put(&sync->partners, (uint64_t)cs, (uint64_t)mv + 1);
}

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
	keep_partner(sync, id, *mv_out);
	return 0;
}

/* Room for one more; whoever asks for lists meanwhile has none of them. */
static void limit_links(struct sync *sync)
{
	if (sync->mv_links.len < CACHE_MAX)
		return;
	idmap_release(&sync->mv_links);
	arena_reset(&sync->mv_links_arena);
	sync->forgot = true;
}

static struct link_list *put_links(struct sync *sync, int64_t mv,
				   struct link_ref *at, size_t len)
{
	struct link_list *list;

	list = arena_zalloc(&sync->mv_links_arena, sizeof(*list));
	list->at = at;
	list->len = len;
	idmap_put_ptr(&sync->mv_links, (uint64_t)mv, list);
	return list;
}

static struct link_list *new_links(struct sync *sync, int64_t mv, size_t len)
{
	struct link_ref *at;

	limit_links(sync);
	at = arena_array(&sync->mv_links_arena, len, sizeof(*at));
	return put_links(sync, mv, at, len);
}

int work_links_of(struct sync *sync, int64_t mv, const struct link_list **out,
		  struct error *err)
{
	struct link_list *list = idmap_get_ptr(&sync->mv_links, (uint64_t)mv);
	struct link_ref *refs;
	int count;

	if (!list) {
		limit_links(sync);
		count = store_link_refs(sync->store, mv, &sync->mv_links_arena,
					&refs, err);
		if (count < 0)
			return -1;
		list = put_links(sync, mv, refs, (size_t)count);
	}
	*out = list;
	return 0;
}

static void keep_links(struct sync *sync, const struct work_mv *mv)
{
	struct link_list *list;
	size_t i;

	if (mv->removed) {
		idmap_put_ptr(&sync->mv_links, (uint64_t)mv->row.id, NULL);
		return;
	}
	list = new_links(sync, mv->row.id, mv->link_count);
	for (i = 0; i < mv->link_count; i++) {
		list->at[i].cs = mv->links[i]->e.row.id;
		list->at[i].rule_set = mv->links[i]->e.link.rule_set;
	}
}

static void read_partner(struct sync *sync, const struct link_pair *pair)
{
	const struct work_cs *cs = flush_cs(sync, pair->cs);

	if (idmap_get(&sync->partners, (uint64_t)pair->cs, NULL))
		return;
	if (cs)
		keep_partner(sync, pair->cs, cs->removed ? 0 : cs->e.link.mv);
	else
		keep_partner(sync, pair->cs, pair->mv);
}

static void read_links(struct sync *sync, const struct links_of *links)
{
	const struct work_mv *mv = flush_mv(sync, links->mv);
	struct link_list *list;

	if (idmap_get(&sync->mv_links, (uint64_t)links->mv, NULL))
		return;
	if (mv) {
		keep_links(sync, mv);
		return;
	}
	list = new_links(sync, links->mv, links->list.len);
	if (list->len)
		memcpy(list->at, links->list.at, list->len * sizeof(*list->at));
}

void work_links_read(struct sync *sync, const struct ahead *ahead)
{
	const struct link_pair *pair;
	const struct links_of *links;

	vec_foreach(&ahead->partners, pair)
		read_partner(sync, pair);
	vec_foreach(&ahead->links, links)
		read_links(sync, links);
}

/* The batch is written: what is cached follows. Who was linked in it is likely
 * to be referred to soon. */
static void refresh_links(struct sync *sync)
{
	struct work_cs **cs;
	const int64_t *id;
	int64_t last = 0;

	vec_foreach(&sync->w.all_cs, cs)
		if ((*cs)->dirty_link || (*cs)->removed)
			idmap_put(&sync->partners, (uint64_t)(*cs)->e.row.id,
				  (*cs)->removed
					  ? 1
					  : (uint64_t)(*cs)->e.link.mv + 1);
	vec_foreach(&sync->relinked, id) {
		const struct work_mv *mv =
			idmap_get_ptr(&sync->mv, (uint64_t)*id);

		if (*id == last)
			continue;
		last = *id;
		if (mv)
			keep_links(sync, mv);
		else
			idmap_put_ptr(&sync->mv_links, (uint64_t)*id, NULL);
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
