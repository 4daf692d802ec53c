/*
 * quiet.c - connectors that a full synchronization leaves as they are
 *
 * Called in processes that share a full synchronization (run/share.c), before
 * its first object is taken. Each looks at ranges of the agent's objects in a
 * snapshot of the store and writes nothing: an object is taken through the six
 * steps as the synchronization would take it, and when not a row would change
 * it is quiet. The step counts those and takes the others.
 *
 * That is the synchronization of the same objects in another order, the quiet
 * ones first: none of them changes what the next one finds. What the others do
 * to a quiet one later in the step they would do to one that had its turn
 * before them. Of unlinked objects that is not so (who has its turn late may
 * join what was projected before it), so only connectors are quiet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/ids.h"

#define CHUNK 512
#define BATCH 2048 /* objects that are read at once */

void sync_quiet_release(struct sync_quiet *quiet)
{
	vec_release(&quiet->objects);
	vec_release(&quiet->others);
	vec_release(&quiet->targets);
}

void sync_quiet_clear(struct sync_quiet *quiet)
{
	vec_clear(&quiet->objects);
	vec_clear(&quiet->others);
	vec_clear(&quiet->targets);
}

/* ---- one object ---- */

static bool cs_changed(const struct work_cs *cs)
{
	return cs->is_new || cs->removed || cs->dirty_row || cs->dirty_import ||
	       cs->dirty_pending || cs->dirty_awaiting || cs->dirty_link ||
	       cs->dirty_merged || cs->queued || cs->new_anchor_h;
}

static bool mv_changed(const struct work_mv *mv)
{
	return mv->is_new || mv->removed || mv->dirty;
}

/* Rows beside the objects: keys, waits, references, holds, marks. */
static bool hints_changed(const struct sync *sync)
{
	const struct writes *w = &sync->w;

	return w->mv_keys.len != sync->unit_mv_keys ||
	       w->mv_keys_gone.len != sync->unit_mv_keys_gone ||
	       w->waits.len != sync->unit_waits ||
	       w->waits_gone.len != sync->unit_waits_gone ||
	       w->refs.len != sync->unit_refs ||
	       w->holds.len != sync->unit_holds ||
	       w->marked.len != sync->unit_marked ||
	       w->unmarked.len != sync->unit_unmarked;
}

/* What is due some day stays what the store has: 1, 0, -1. */
static int dues_stay(struct sync *sync, struct error *err)
{
	size_t i;

	for (i = sync->unit_dues; i < sync->w.dues.len; i++) {
		const struct due_row *row = &sync->w.dues.at[i];
		struct due_row stored;
		int ret = store_due_get(sync->store, row->kind, row->id,
					&stored, err);

		if (ret < 0)
			return -1;
		if (ret ? row->time != stored.time || row->since != stored.since
			: row->time != 0)
			return 0;
	}
	return 1;
}

/* Nothing that the unit touched would be written: 1, 0, -1. */
static int nothing_changed(struct sync *sync, struct error *err)
{
	const struct saved_cs *cs;
	const struct saved_mv *mv;
	size_t i;

	if (sync->blocked[0] || hints_changed(sync))
		return 0;
	vec_foreach(&sync->saved_cs, cs)
		if (cs_changed(cs->at))
			return 0;
	vec_foreach(&sync->saved_mv, mv)
		if (mv_changed(mv->at))
			return 0;
	for (i = sync->unit_cs; i < sync->w.all_cs.len; i++)
		if (cs_changed(sync->w.all_cs.at[i]))
			return 0;
	for (i = sync->unit_mv; i < sync->w.all_mv.len; i++)
		if (mv_changed(sync->w.all_mv.at[i]))
			return 0;
	return dues_stay(sync, err);
}

/* One that was read, so it is counted. */
static bool is_connector(const struct entry *entry)
{
	return entry->row.type && entry->row.has_image && entry->link.mv &&
	       entry->import == IMPORT_NONE;
}

static void keep_targets(struct sync *sync, struct sync_quiet *out)
{
	const struct outcome_change *change;

	vec_foreach(&sync->unit_outcomes, change)
		vec_push(&out->targets, change->cs);
}

static bool outcomes_are_none(const struct sync *sync)
{
	const struct outcome_change *change;

	vec_foreach(&sync->unit_outcomes, change)
		if (change->outcome != OUT_NO_FLOW)
			return false;
	return true;
}

/* 1 it is quiet, 0 not, -1 the store failed. */
static int look_at(struct sync *sync, const struct ahead_object *object,
		   struct sync_quiet *out, struct error *err)
{
	const struct entry *entry = object->entry;
	struct error why = ERROR_INIT;
	const char *counter = NULL;
	struct cs_error old;
	struct work_cs *cs;
	int ret;

	if (!is_connector(entry))
		return 0;
	ret = store_error_get(sync->store, entry->row.id, ERROR_SYNC,
			      &sync->scratch, &old, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	(void)work_cs_entry(sync, entry, &cs);
	if (object->mv && work_mv_read(sync, object->mv, err) < 0)
		return -1;
	work_unit_begin(sync, entry->row.id);
	due_begin(sync);
	sync->equal_writer = 0;
	ret = sync_take(sync, cs, &counter, &why);
	if (ret < 0 && sync_error_fatal(&why)) {
		*err = why;
		return -1;
	}
	if (ret == 0)
		due_keep(sync, DUE_CS, entry->row.id);
	ret = ret == 0 && outcomes_are_none(sync) &&
			      !strcmp(counter ? counter : "",
				      "connector-no-flow")
		      ? nothing_changed(sync, err)
		      : 0;
	if (ret <= 0) {
		work_unit_drop(sync);
		return ret;
	}
	keep_targets(sync, out);
	work_unit_keep(sync);
	return 1;
}

/* ---- a range ---- */

/* Those that are queued are taken, whatever they come to: the queue's row
 * goes. */
static int find_queued(struct sync *sync, int64_t from, int64_t to,
		       struct idmap *out, struct error *err)
{
	int64_t ids[CHUNK];
	int64_t after = from - 1;
	int count;
	int i;

	while ((count = store_queue_ids(sync->store, sync->number, after, ids,
					CHUNK, err)) > 0) {
		for (i = 0; i < count && ids[i] <= to; i++)
			idmap_put(out, (uint64_t)ids[i], 1);
		after = ids[count - 1];
		if (after >= to)
			break;
	}
	return count < 0 ? -1 : 0;
}

static int look_at_objects(struct sync *sync,
			   const struct ahead_object *objects, int count,
			   struct sync_quiet *out, struct error *err)
{
	struct idmap queued = IDMAP_INIT;
	int ret = find_queued(sync, objects[0].id, objects[count - 1].id,
			      &queued, err);
	int i;

	for (i = 0; i < count && ret >= 0; i++) {
		int64_t id = objects[i].id;

		ret = idmap_get(&queued, (uint64_t)id, NULL)
			      ? 0
			      : look_at(sync, &objects[i], out, err);
		if (ret > 0)
			vec_push(&out->objects, id);
		else if (ret == 0)
			vec_push(&out->others, id);
	}
	idmap_release(&queued);
	return ret < 0 ? -1 : 0;
}

/* What was read is the batch's, and goes with it. */
static int look_at_batch(struct sync *sync, struct ahead *ahead, int64_t to,
			 struct sync_quiet *out, struct error *err)
{
	int count = ahead->len;
	int ret = 0;

	while (count > 0 && ahead->objects[count - 1].id > to)
		count--;
	sync->batch = ahead->arena;
	ahead->arena = (struct arena)ARENA_INIT;
	work_links_read(sync, ahead);
	if (count > 0)
		ret = look_at_objects(sync, ahead->objects, count, out, err);
	work_forget(sync);
	if (sync->forgot)
		id_bytes_release(&ahead->refs->told);
	sync->forgot = false;
	return ret;
}

static int look_at_range(struct sync *sync, struct ahead *ahead, int64_t from,
			 int64_t to, struct sync_quiet *out, struct error *err)
{
	int ret = 0;

	sync_quiet_clear(out);
	ahead->after = from - 1;
	while (ret == 0 && ahead->after < to) {
		int64_t rest = to - ahead->after;

		ahead->wanted = rest < BATCH ? (int)rest : BATCH;
		ret = ahead_read(ahead, err);
		if (ret < 0 || !ahead->len)
			break;
		ret = look_at_batch(sync, ahead, to, out, err);
	}
	return ret;
}

struct finding {
	const struct sync_sharing *sharing;
	struct sync_quiet found;
};

static int serve(struct sync *sync, struct finding *finding,
		 struct ahead *ahead, struct error *err)
{
	const struct sync_sharing *sharing = finding->sharing;
	int64_t from;
	int64_t to;
	int ret;

	while ((ret = sharing->next(sharing->data, &from, &to, err)) > 0) {
		ret = look_at_range(sync, ahead, from, to, &finding->found,
				    err);
		if (ret == 0)
			ret = sharing->found(sharing->data, &finding->found,
					     err);
		if (ret < 0)
			break;
	}
	return ret;
}

static int find_all(void *data, struct sync *sync, struct error *err)
{
	struct ahead *ahead = mem_zalloc(sizeof(*ahead));
	struct ahead_refs refs = { NULL };
	int ret;

	sync->finds_quiet = true;
	ahead_refs_init(&refs, sync->config);
	ahead->store = sync->store;
	ahead->refs = &refs;
	ahead->agent = sync->number;
	ahead->pass = PASS_ALL;
	ret = serve(sync, data, ahead, err);
	ahead_free(ahead);
	ahead_refs_release(&refs);
	return ret;
}

int sync_share(struct store *store, const struct config *config,
	       const struct config_agent *agent,
	       const struct sync_sharing *sharing, struct error *err)
{
	const struct looking looking = { store, config, agent, NULL,
					 sharing->now };
	struct finding finding = { .sharing = sharing };
	int ret;

	if (store_read_begin(store, err) < 0)
		return -1;
	ret = look(&looking, find_all, &finding, err);
	store_read_end(store);
	sync_quiet_release(&finding.found);
	return ret;
}

/* ---- in the step ---- */

/* They have had their turn; the others are to be taken, when all are known. */
static void settle(struct sync *sync, struct sync_quiet *found, bool whole)
{
	const int64_t *id;

	vec_foreach(&found->objects, id)
		outcome_inbound(sync, "connector-no-flow", *id);
	vec_foreach(&found->targets, id)
		id_bytes_put(&sync->outcomes, *id, OUT_NO_FLOW);
	sync->result->objects += (int64_t)found->objects.len;
	sync->settled = found->objects.len > 0;
	if (!whole)
		return;
	ids_sort(found->others.at, found->others.len);
	sync->others = found->others.at;
	sync->other_count = found->others.len;
	sync->has_others = true;
	found->others.at = NULL;
	found->others.len = found->others.size = 0;
}

int quiet_take(struct sync *sync, struct error *err)
{
	const struct sync_options *options = sync->options;
	struct sync_quiet found = { VEC_INIT, VEC_INIT, VEC_INIT };
	struct sync_span span = { CS_ID(sync->number, 1), 0, sync->now };
	int ret;

	if (!options->full || !options->quiet || !sync->number)
		return 0;
	/* nobody is kept waiting meanwhile, and all is there to be seen */
	if (store_commit(sync->tx, err) < 0) {
		sync->tx = NULL;
		return -1;
	}
	sync->tx = NULL;
	ret = store_cs_last(sync->store, sync->number, &span.last, err);
	if (ret == 0 && span.last)
		ret = options->quiet(options->quiet_data, &span, &found, err);
	if (ret >= 0)
		settle(sync, &found, ret > 0);
	sync_quiet_release(&found);
	if (ret < 0)
		return -1;
	return store_begin(sync->store, STORE_BULK, &sync->tx, err);
}
