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
#define AHEAD_BYTES   ((size_t)12 << 20)
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

static bool is_full(const struct sync *sync, int objects)
{
	return objects >= FLUSH_OBJECTS ||
	       (objects % 16 == 15 && arena_size(&sync->batch) > FLUSH_BYTES);
}

static int order_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The next ids of both queues, in order, without repetition. */
static int next_ids(struct sync *sync, int64_t after,
		    enum pending_import_filter filter, int64_t *out,
		    struct error *err)
{
	int staged = store_pending_import_ids(sync->store, sync->number, after,
					      filter, out, CHUNK, err);
	int queued = 0;
	int64_t limit = INT64_MAX;
	int kept = 0;
	int i;

	if (staged < 0)
		return -1;
	if (filter != PENDING_IMPORT_DELETES)
		queued = store_queue_ids(sync->store, sync->number, after,
					 out + staged, CHUNK, err);
	if (queued < 0)
		return -1;
	/* a full half ends somewhere: beyond it the other may have gaps */
	if (staged == CHUNK)
		limit = out[staged - 1];
	if (queued == CHUNK && out[staged + queued - 1] < limit)
		limit = out[staged + queued - 1];
	if (staged + queued)
		qsort(out, (size_t)staged + (size_t)queued, sizeof(*out),
		      order_ids);
	for (i = 0; i < staged + queued && out[i] <= limit; i++)
		if (!kept || out[kept - 1] != out[i])
			out[kept++] = out[i];
	return kept;
}

/* The same of those that are not settled already. */
static int next_todo(const struct sync *sync, int64_t after, int64_t *out)
{
	size_t low = 0;
	size_t high = sync->todo_count;
	int count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sync->todo[middle] > after)
			high = middle;
		else
			low = middle + 1;
	}
	while (count < CHUNK && low < sync->todo_count)
		out[count++] = sync->todo[low++];
	return count;
}

/* The objects that come next, read ahead of the batch that takes them. */
struct ahead {
	int64_t ids[FLUSH_OBJECTS];
	struct entry entries[FLUSH_OBJECTS]; /* row.id 0: it is gone */
	struct entry containers[CONTAINERS];
	size_t container_count;
	int len;
	int wanted; /* as many as the batch before could take */
};

/* Objects one behind another are read as a range, others one by one. */
static int load_entries(struct sync *sync, const int64_t *ids, int count,
			struct entry *out, struct error *err)
{
	int room = 2 * count;
	struct entry *range;
	int found = 0;
	int at = 0;
	int i;

	if (ids[count - 1] - ids[0] >= room) {
		for (i = 0; i < count && found >= 0; i++) {
			found = entry_load(sync->store, ids[i], &sync->batch,
					   &out[i], err);
			if (found == 0)
				out[i].row.id = 0;
		}
		return found < 0 ? -1 : 0;
	}
	range = mem_alloc((size_t)room * sizeof(*range));
	found = entry_scan(sync->store, sync->number, ids[0] - 1, range, room,
			   &sync->batch, err);
	for (i = 0; i < count; i++) {
		while (at < found && range[at].row.id < ids[i])
			at++;
		if (at < found && range[at].row.id == ids[i])
			out[i] = range[at];
		else
			out[i].row.id = 0;
	}
	mem_free(range);
	return found < 0 ? -1 : 0;
}

/* At most 2 * CHUNK objects; their number. */
static int read_chunk(struct sync *sync, enum pass pass, int64_t after,
		      int64_t *ids, struct entry *entries, struct error *err)
{
	int count;
	int i;

	if (pass == PASS_ALL && !sync->has_todo) {
		count = entry_scan(sync->store, sync->number, after, entries,
				   CHUNK, &sync->batch, err);
		for (i = 0; i < count; i++)
			ids[i] = entries[i].row.id;
		return count;
	}
	if (pass == PASS_ALL)
		count = next_todo(sync, after, ids);
	else
		count = next_ids(sync, after,
				 pass == PASS_DELETED ? PENDING_IMPORT_DELETES
				 : sync->sets         ? PENDING_IMPORT_WHOLE
						      : PENDING_IMPORT_OTHERS,
				 ids, err);
	if (count > 0 && load_entries(sync, ids, count, entries, err) < 0)
		return -1;
	return count;
}

/* Into the working set's memory, which is that of the batch to come. */
static int read_ahead(struct sync *sync, enum pass pass, int64_t after,
		      struct ahead *ahead, struct error *err)
{
	int count = CHUNK;

	ahead->len = 0;
	while (count > 0 && ahead->len < ahead->wanted &&
	       arena_size(&sync->batch) < AHEAD_BYTES) {
		int64_t *ids = ahead->ids + ahead->len;

		count = read_chunk(sync, pass, after, ids,
				   ahead->entries + ahead->len, err);
		if (count > 0) {
			ahead->len += count;
			after = ids[count - 1];
		}
	}
	return count < 0 ? -1 : 0;
}

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
 * too: read now, they need not be waited for. */
static int keep_containers(struct sync *sync, const struct writes *done,
			   struct ahead *ahead, struct error *err)
{
	struct work_cs *const *at;

	ahead->container_count = 0;
	vec_foreach(&done->all_cs, at) {
		const struct work_cs *cs = *at;
		int ret;

		if (cs->e.row.type || cs->is_new || cs->removed ||
		    cs->dirty_row || cs->dirty_link || cs->dirty_import ||
		    cs->dirty_pending || cs->dirty_awaiting)
			continue;
		if (ahead->container_count == CONTAINERS)
			return 0;
		ret = entry_load(sync->store, cs->e.row.id, &sync->batch,
				 &ahead->containers[ahead->container_count],
				 err);
		if (ret < 0)
			return -1;
		ahead->container_count += (size_t)ret;
	}
	return 0;
}

/* Reads what comes next, then hands the batch over to be written behind. */
static int next_batch(struct sync *sync, enum pass pass, int64_t after,
		      struct ahead *ahead, struct error *err)
{
	struct work_cs *container;
	struct arena done;
	struct arena next;
	size_t i;
	int ret = flush_settle(sync, err);

	if (ret == 0 && queues_ahead(sync, after))
		ret = flush(sync, err);
	if (ret < 0)
		return -1;
	done = sync->batch;
	sync->batch = (struct arena)ARENA_INIT;
	ret = read_ahead(sync, pass, after, ahead, err);
	if (ret == 0)
		ret = keep_containers(sync, &sync->w, ahead, err);
	next = sync->batch;
	sync->batch = done;
	if (ret == 0)
		ret = flush_behind(sync, err);
	else
		arena_release(&sync->batch);
	sync->batch = next;
	for (i = 0; ret == 0 && i < ahead->container_count; i++)
		(void)work_cs_entry(sync, &ahead->containers[i], &container);
	return ret;
}

static int take(struct sync *sync, enum pass pass, const struct ahead *ahead,
		int at, struct error *err)
{
	int64_t id = ahead->ids[at];
	struct work_cs *cs;
	int found;

	if (pass == PASS_ALL && sync->settled && !sync->has_todo &&
	    idmap_get(&sync->quiet, (uint64_t)id, NULL))
		return 0;
	/* the batch before may have changed what was read ahead of it */
	if (ahead->entries[at].row.id && !flush_holds(sync, id))
		found = work_cs_entry(sync, &ahead->entries[at], &cs);
	else
		found = work_cs(sync, id, &cs, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return pass == PASS_ALL ? 0
					: store_queue_delete(sync->tx, id, err);
	if ((cs->e.import == IMPORT_DELETE) != (pass == PASS_DELETED))
		return 0;
	return sync_object(sync, cs, err);
}

/* 1: stopped */
static int run_pass(struct sync *sync, enum pass pass, struct ahead *ahead,
		    struct error *err)
{
	int64_t after = 0;
	int ret;

	ahead->wanted = FLUSH_OBJECTS / 2;
	ret = read_ahead(sync, pass, after, ahead, err);
	while (ret == 0 && ahead->len) {
		int i;

		for (i = 0; i < ahead->len && ret == 0 && !is_full(sync, i);
		     i++) {
			after = ahead->ids[i];
			ret = take(sync, pass, ahead, i, err);
		}
		ahead->wanted = i < ahead->len ? i : FLUSH_OBJECTS - 2 * CHUNK;
		if (ret == 0)
			ret = next_batch(sync, pass, after, ahead, err);
		if (ret == 0)
			ret = told_to_stop(sync);
	}
	if (ret == 0)
		ret = flush(sync, err);
	return ret;
}

int pass_objects(struct sync *sync, enum pass pass, struct error *err)
{
	struct ahead *ahead = mem_alloc(sizeof(*ahead));
	int ret = run_pass(sync, pass, ahead, err);

	mem_free(ahead);
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
		if (ret == 0 && is_full(sync, (int)(at % FLUSH_OBJECTS)))
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
	int64_t ids[CHUNK];
	int round;

	for (round = 0; round < FIXUP_ROUNDS; round++) {
		int64_t after = 0;
		size_t done = 0;
		int since = 0;
		int count;
		int i;

		if (marks_take(sync, err) < 0)
			return -1;
		/* what is done leaves the queue with the next flush */
		while ((count = store_mv_queue_ids(sync->store, after, ids,
						   CHUNK, err)) > 0) {
			after = ids[count - 1];
			for (i = 0; i < count; i++) {
				if (idmap_get(&sync->failed_mv,
					      (uint64_t)ids[i], NULL))
					continue;
				if (reevaluate(sync, ids[i], err) < 0)
					return -1;
				done++;
				if (!is_full(sync, ++since))
					continue;
				since = 0;
				if (flush(sync, err) < 0)
					return -1;
			}
		}
		if (count < 0 || flush(sync, err) < 0)
			return -1;
		if (!done)
			return 0;
	}
	return 0;
}
