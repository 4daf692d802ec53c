/*
 * pass.c - the loops of the synchronization step: which objects, in what order
 *
 * Called by sync.c, a pass after another. A pass reads objects ahead of the
 * batch that takes them, hands each to sync_object() and the full batch over
 * to be written; the last one evaluates metaverse objects that something made
 * worth looking at again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK         512
#define FLUSH_OBJECTS 8192
/* groups are larger than people: a batch ends early when it grows too much */
#define FLUSH_BYTES   ((size_t)24 << 20)
/* ... but not for what was read ahead alone, which would be read in vain */
#define GROWTH_BYTES  ((size_t)8 << 20)
#define FIRST         512 /* that are waited for */
#define CONTAINERS    64
#define FIXUP_ROUNDS  20

static int flush(struct sync *sync, struct error *err)
{
	return flush_now(sync, err) < 0 ? -1 : sync_commit(sync, err);
}

static int told_to_stop(struct sync *sync)
{
	const struct sync_options *options = sync->options;

	if (!options->progress ||
	    !options->progress(options->progress_data,
			       (uint64_t)sync->result->objects, -1))
		return 0;
	sync->result->result = "stopped-user";
	(void)snprintf(sync->result->message, sizeof(sync->result->message),
		       "stopped by the operator; what was synchronized stays");
	return 1;
}

/* CONJOIN_BATCH makes batches small, for tests. */
static int most_objects(void)
{
	const char *text = getenv("CONJOIN_BATCH");
	int64_t most;

	if (!text || !sv_to_i64(sv_from(text), &most) || most < 1 ||
	    most > FLUSH_OBJECTS)
		return FLUSH_OBJECTS;
	return (int)most;
}

static bool is_full(const struct sync *sync, int objects, size_t begun)
{
	size_t most = begun + GROWTH_BYTES;

	return objects >= sync->batch_objects ||
	       (objects % 16 == 15 &&
		arena_size(&sync->batch) >
			(most > FLUSH_BYTES ? most : FLUSH_BYTES));
}

/* Containers that go from one batch to the next. */
struct kept {
	struct entry entries[CONTAINERS];
	size_t count;
};

/* The batch queued objects that this pass has still to come to. */
static bool queues_ahead(const struct sync *sync, int64_t after)
{
	struct work_cs *const *cs;

	vec_foreach(&sync->w.all_cs, cs)
		if ((*cs)->queued && (*cs)->e.row.id > after &&
		    CS_AGENT((*cs)->e.row.id) == sync->number)
			return true;
	return false;
}

/* The containers that the batch placed objects in are needed by the next one
 * too: so that they need not be waited for, they are taken along. */
static void keep_containers(const struct sync *sync, struct kept *kept,
			    struct arena *arena)
{
	struct work_cs *const *at;

	kept->count = 0;
	vec_foreach(&sync->w.all_cs, at) {
		const struct work_cs *cs = *at;

		if (cs->e.row.type || cs->is_new || cs->removed ||
		    cs->dirty_row || cs->dirty_link || cs->dirty_import ||
		    cs->dirty_pending || cs->dirty_awaiting)
			continue;
		if (kept->count == CONTAINERS)
			return;
		kept->entries[kept->count++] = entry_dup(&cs->e, arena);
	}
}

/* ---- a batch ---- */

/* The batch that is taken, and what is read meanwhile for the next one. */
struct batches {
	struct ahead *now;
	struct ahead *next;
	struct kept kept;
	struct ahead_refs refs;
	size_t bytes; /* an object needed in the batch before */
};

static int how_many(const struct batches *batches, int most)
{
	size_t fit = FIRST;

	/* what is cut off is read in vain: rather a few less */
	if (batches->bytes)
		fit = FLUSH_BYTES / 8 * 7 / batches->bytes;
	return fit < (size_t)most ? (int)fit + 1 : most;
}

/* Hands what was done over to be written, and goes on with what was read. */
static int begin_batch(struct sync *sync, struct batches *batches,
		       struct error *err)
{
	struct ahead *now = batches->now;
	struct work_cs *container;
	size_t i;
	int ret;

	batches->next->after = now->after;
	batches->next->wanted = how_many(batches, sync->batch_objects);
	batches->next->len = 0;
	if (sync->forgot)
		id_bytes_release(&batches->refs.told);
	sync->forgot = false;
	ret = flush_behind(sync, now->ended ? NULL : batches->next, err);
	sync->batch = now->arena;
	now->arena = (struct arena)ARENA_INIT;
	for (i = 0; i < batches->kept.count; i++)
		(void)work_cs_entry(sync, &batches->kept.entries[i],
				    &container);
	work_links_read(sync, now);
	return ret;
}

/* `done` objects of what was read ahead have been taken. */
static int end_batch(struct sync *sync, struct batches *batches, int done,
		     struct error *err)
{
	struct ahead *now = batches->now;
	struct ahead *next = batches->next;
	int64_t after = now->objects[done - 1].id;
	bool queues = now->pass != PASS_MARKED && queues_ahead(sync, after);

	batches->bytes = arena_used(&sync->batch) / (size_t)done;
	batches->kept.count = 0;
	if (flush_settle(sync, err) < 0 || (queues && flush(sync, err) < 0))
		return -1;
	if (queues || done < now->len) {
		arena_release(&next->arena);
		id_bytes_release(&batches->refs.told);
		next->after = after;
		next->wanted = how_many(batches, sync->batch_objects);
		if (ahead_read(next, err) < 0)
			return -1;
	}
	keep_containers(sync, &batches->kept, &next->arena);
	batches->now = next;
	batches->next = now;
	return 0;
}

static int reevaluate(struct sync *sync, int64_t id, struct error *err);

static int take_marked(struct sync *sync, const struct ahead_object *object,
		       struct error *err)
{
	if (idmap_get(&sync->failed_mv, (uint64_t)object->id, NULL))
		return 0;
	if (object->mv && work_mv_read(sync, object->mv, err) < 0)
		return -1;
	sync->reevaluated++;
	return reevaluate(sync, object->id, err);
}

static int take(struct sync *sync, enum pass pass,
		const struct ahead_object *object, struct error *err)
{
	struct work_cs *cs;
	int found;

	if (pass == PASS_MARKED)
		return take_marked(sync, object, err);
	if (pass == PASS_ALL && sync->settled && !sync->has_others &&
	    id_bytes_get(&sync->quiet, object->id))
		return 0;
	/* the batch before may have changed what was read ahead of it */
	if (object->entry && !flush_cs(sync, object->id))
		found = work_cs_entry(sync, object->entry, &cs);
	else
		found = work_cs(sync, object->id, &cs, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return pass == PASS_ALL
			       ? 0
			       : store_queue_delete(sync->tx, object->id, err);
	if ((cs->e.import == IMPORT_DELETE) != (pass == PASS_DELETED))
		return 0;
	if (object->mv && cs->e.link.mv == object->mv->row.id &&
	    work_mv_read(sync, object->mv, err) < 0)
		return -1;
	return sync_object(sync, cs, err);
}

/* At least one: *done_out is how many. */
static int take_batch(struct sync *sync, enum pass pass,
		      const struct ahead *now, int *done_out, struct error *err)
{
	size_t begun = arena_size(&sync->batch);
	int i = 0;
	int ret;

	do
		ret = take(sync, pass, &now->objects[i++], err);
	while (ret == 0 && i < now->len && !is_full(sync, i, begun));
	*done_out = i;
	return ret;
}

/* 1: stopped */
static int run_pass(struct sync *sync, enum pass pass, struct batches *batches,
		    struct error *err)
{
	int ret = ahead_read(batches->now, err);

	while (ret == 0 && batches->now->len) {
		int done = 1;

		ret = begin_batch(sync, batches, err);
		if (ret == 0)
			ret = take_batch(sync, pass, batches->now, &done, err);
		if (ret == 0)
			ret = end_batch(sync, batches, done, err);
		if (ret == 0 && pass != PASS_MARKED)
			ret = told_to_stop(sync);
	}
	if (ret >= 0 && flush(sync, err) < 0)
		return -1;
	return ret;
}

static struct ahead *new_ahead(const struct sync *sync, enum pass pass,
			       struct ahead_refs *refs)
{
	struct ahead *ahead = mem_zalloc(sizeof(*ahead));

	ahead->store = sync->store;
	ahead->refs = refs;
	ahead->agent = sync->number;
	ahead->pass = pass;
	ahead->sets = sync->sets;
	ahead->has_others = pass == PASS_ALL && sync->has_others;
	ahead->others = sync->others;
	ahead->other_count = sync->other_count;
	ahead->wanted = FIRST < sync->batch_objects ? FIRST
						    : sync->batch_objects;
	return ahead;
}

int pass_objects(struct sync *sync, enum pass pass, struct error *err)
{
	struct batches batches = { .kept.count = 0 };
	struct error ignored = ERROR_INIT;
	int ret;

	sync->batch_objects = most_objects();
	ahead_refs_init(&batches.refs, sync->config);
	batches.now = new_ahead(sync, pass, &batches.refs);
	batches.next = new_ahead(sync, pass, &batches.refs);
	ret = run_pass(sync, pass, &batches, err);

	/* the thread may still be reading */
	(void)flush_settle(sync, ret < 0 ? &ignored : err);
	ahead_free(batches.now);
	ahead_free(batches.next);
	ahead_refs_release(&batches.refs);
	return ret;
}

int pass_sets(struct sync *sync, struct error *err)
{
	VEC(int64_t) others = VEC_INIT;
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count = 0;
	int ret = 0;
	size_t at;
	int i;

	while (ret == 0 &&
	       (count = store_pending_import_ids(sync->store, sync->number,
						 after, PENDING_IMPORT_SETS,
						 ids, CHUNK, err)) > 0) {
		after = ids[count - 1];
		for (i = 0; i < count && ret >= 0; i++) {
			ret = sets_take(sync, ids[i], err);
			if (ret == 0)
				vec_push(&others, ids[i]);
		}
		ret = ret < 0 ? -1 : 0;
	}
	if (count < 0)
		ret = -1;
	for (at = 0; at < others.len && ret == 0; at++) {
		struct work_cs *cs;

		ret = work_cs(sync, others.at[at], &cs, err);
		if (ret > 0)
			ret = sync_object(sync, cs, err);
		if (ret == 0 && is_full(sync, (int)(at % FLUSH_OBJECTS), 0))
			ret = flush(sync, err);
	}
	vec_release(&others);
	return ret < 0 ? -1 : flush(sync, err);
}

int pass_last(struct sync *sync, struct error *err)
{
	const struct deferred *deferred;

	sync->last_try = true;
	vec_foreach(&sync->deferred, deferred) {
		struct work_cs *cs;
		int ret = work_cs(sync, deferred->cs, &cs, err);

		if (deferred->leaving)
			idmap_put(&sync->leaving, (uint64_t)deferred->leaving,
				  0);
		if (ret > 0)
			ret = sync_object(sync, cs, err);
		if (ret < 0)
			return -1;
	}
	if (!sync->deferred.len)
		return 0;
	return names_give_back(sync, err) < 0 ? -1 : flush(sync, err);
}

/* An error that an earlier evaluation left; that of an object's own sync stays
 * until it is tried again. */
static int clear_errors(struct sync *sync, const struct work_mv *mv,
			struct error *err)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++) {
		int64_t id = mv->links[i]->e.row.id;
		struct cs_error old;
		int64_t queued = 0;
		int ret = store_error_get(sync->store, id, ERROR_SYNC,
					  &sync->scratch, &old, err);

		if (ret > 0 && mv->links[i]->queued)
			ret = 0;
		if (ret > 0)
			ret = store_queue_ids(sync->store, CS_AGENT(id), id - 1,
					      &queued, 1, err) < 0
				      ? -1
				      : queued != id;
		if (ret > 0)
			ret = store_error_delete(sync->tx, id, ERROR_SYNC, err);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* It succeeded; something may stand in the way of provisioning. */
static int reevaluated(struct sync *sync, struct work_mv *mv, struct error *err)
{
	bool blocked = mv && sync->blocked[0] && mv->link_count;
	struct error why = ERROR_INIT;

	if (blocked) {
		work_touch_cs(sync, mv->links[0]);
		mv->links[0]->queued = true;
	}
	work_unit_keep(sync);
	if (!mv || mv->removed)
		return 0;
	if (!blocked)
		return clear_errors(sync, mv, err);
	(void)error_set(&why, ERR_INVALID, "%s", sync->blocked);
	return sync_record_error(sync, mv->links[0]->e.row.id, &why, err);
}

/* The deletion rule said no when it was asked, and may say yes by now. */
static int ask_deletion_again(struct sync *sync, struct work_mv *mv,
			      struct error *err)
{
	int again = mv->removed ? 0 : due_deletion(sync, mv, err);

	return again > 0 ? link_deletion_rule(sync, mv, 0, NULL, err) : again;
}

static int reevaluate(struct sync *sync, int64_t id, struct error *err)
{
	struct error why = ERROR_INIT;
	struct work_mv *mv;
	bool flowed;
	int ret;

	work_unit_begin(sync, 0);
	sync->equal_writer = 0;
	vec_push(&sync->w.unmarked, id);
	ret = work_mv(sync, id, &mv, &why);
	if (ret > 0 && evaluate(sync, mv, &flowed, &why) < 0)
		ret = -1;
	if (ret > 0 && ask_deletion_again(sync, mv, &why) < 0)
		ret = -1;
	if (ret > 0 && flowed)
		outcome_flowed(sync, mv);
	if (ret == 0)
		mv = NULL;
	if (ret >= 0)
		return reevaluated(sync, mv, err);
	work_unit_drop(sync);
	if (sync_error_fatal(&why)) {
		*err = why;
		return -1;
	}
	/* stays queued: the next delta sync tries it again */
	idmap_put(&sync->failed_mv, (uint64_t)id, 1);
	if (!mv || !mv->link_count)
		return 0;
	return sync_record_error(sync, mv->links[0]->e.row.id, &why, err);
}

int pass_fix_up(struct sync *sync, struct error *err)
{
	int round;

	for (round = 0; round < FIXUP_ROUNDS; round++) {
		sync->reevaluated = 0;
		if (marks_take(sync, err) < 0 ||
		    pass_objects(sync, PASS_MARKED, err) < 0)
			return -1;
		if (!sync->reevaluated)
			return 0;
	}
	return 0;
}
