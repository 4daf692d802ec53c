/*
 * flush.c - what a batch has changed is written, in one go
 *
 * A flush takes the batch over from the working set: what changed, the memory
 * that it lies in, and nothing else. So it can be written by another thread
 * while the next batch is evaluated (store_write_behind). Rows go in the order
 * of their tables' keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

/* Batches of so much memory are one transaction, of about a second: the more
 * keys it has, the fewer pages each of them costs. */
#define COMMIT_BYTES ((size_t)192 << 20)

struct flush {
	struct sync *sync; /* for its next row of the history alone */
	struct store *store;
	struct store_tx *tx;
	struct writes w;
	struct arena batch; /* what `w` points to */
	struct strbuf past; /* a row of the history */
	struct idmap cs;    /* ids of its objects */
	struct idmap mv;
	bool open;           /* its transaction goes on */
	bool joins;          /* the first keys of joins are among its keys */
	struct ahead *ahead; /* what is read then, or NULL */
};

static int write_merged(struct flush *flush, const struct work_cs *cs,
			struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	if (cs->merged.len)
		image_encode(&cs->merged, store_attr_map(flush->store), &bytes);
	ret = store_merged_put(flush->tx, cs->e.row.id,
			       cs->merged.len ? strbuf_sv(&bytes) : SV_NULL,
			       err);
	strbuf_release(&bytes);
	return ret;
}

static int write_removed(struct flush *flush, struct work_cs *cs,
			 struct error *err)
{
	struct cs_row row = cs->e.row;
	struct anchor_key key = { cs->old_anchor_h, row.id, { 0, 0 } };

	if (cs->is_new)
		return 0;
	if (entry_remove(flush->tx, &cs->e, cs->old_anchor_h, err) < 0)
		return -1;
	if (!cs->leave_placeholder)
		return 0;
	row.flags = CS_PLACEHOLDER;
	row.type = 0;
	row.has_image = false;
	if (cs->agent && cs->agent->has_dn)
		row.anchor = SV_NULL;
	if (row.anchor.len && key.h &&
	    store_anchor_put(flush->tx, CS_AGENT(row.id), &key, err) < 0)
		return -1;
	return store_cs_put(flush->tx, &row, err);
}

static int write_link(struct flush *flush, struct work_cs *cs,
		      struct error *err)
{
	const struct link_row *link = &cs->e.link;

	if (!link->mv && link->state == LINK_NORMAL && !link->last_mv &&
	    !link->leaving)
		return store_link_delete(flush->tx, link->cs, err);
	return store_link_put(flush->tx, link, err);
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

static int write_pending(struct flush *flush, struct work_cs *cs,
			 struct write_back *back, struct error *err)
{
	struct sv bytes = SV_NULL;

	if (has_pending_image(cs))
		bytes = next_job(back)->bytes;
	return entry_put_pending_bytes(flush->tx, &cs->e, bytes, err);
}

static bool has_changed(const struct work_cs *cs)
{
	return cs->dirty_row || cs->dirty_import || cs->dirty_pending ||
	       cs->dirty_awaiting;
}

static int write_cs(struct flush *flush, struct work_cs *cs,
		    struct write_back *back, struct error *err)
{
	struct anchor_key key = { cs->new_anchor_h, cs->e.row.id, { 0, 0 } };

	if (cs->removed)
		return cs->dirty_row ? write_removed(flush, cs, err) : 0;
	if (key.h &&
	    store_anchor_put(flush->tx, CS_AGENT(key.id), &key, err) < 0)
		return -1;
	if (cs->e.members && has_changed(cs) &&
	    entry_settle_members(flush->tx, &cs->e, err) < 0)
		return -1;
	if ((cs->dirty_row && entry_put_row(flush->tx, &cs->e, err) < 0) ||
	    (cs->dirty_import && cs->e.import != IMPORT_NONE &&
	     entry_put_import(flush->tx, &cs->e, err) < 0) ||
	    (cs->dirty_pending && write_pending(flush, cs, back, err) < 0) ||
	    (cs->dirty_awaiting &&
	     entry_put_awaiting(flush->tx, &cs->e, err) < 0) ||
	    (cs->dirty_link && write_link(flush, cs, err) < 0) ||
	    (cs->dirty_merged && write_merged(flush, cs, err) < 0) ||
	    (cs->unqueued && !cs->queued &&
	     store_queue_delete(flush->tx, cs->e.row.id, err) < 0) ||
	    (cs->queued && store_queue_put(flush->tx, cs->e.row.id, err) < 0))
		return -1;
	return 0;
}

static int write_mv(struct flush *flush, struct work_mv *mv,
		    struct write_back *back, struct error *err)
{
	const struct encode_job *job;

	if (record_mv(flush->sync, flush->tx, mv, &flush->batch, &flush->past,
		      err) < 0)
		return -1;
	if (!mv->dirty)
		return 0;
	if (mv->members && store_member_delete(flush->tx, mv->row.id, err) < 0)
		return -1;
	if (mv->removed)
		return mv->is_new ? 0
				  : store_mv_delete(flush->tx, mv->row.id, err);
	job = next_job(back);
	mv->row.image = job->bytes;
	mv->row.lineage = job->lineage_bytes;
	return store_mv_put(flush->tx, &mv->row, err);
}

/* Imports that are consumed: most are of objects one behind another. */
static int delete_imports(struct flush *flush, struct error *err)
{
	int64_t from = 0;
	int64_t to = -1;
	struct work_cs **at;

	vec_foreach(&flush->w.all_cs, at) {
		const struct work_cs *cs = *at;
		int64_t id = cs->e.row.id;

		if (cs->removed || cs->is_new || !cs->dirty_import ||
		    cs->e.import != IMPORT_NONE || id == to)
			continue;
		if (id != to + 1) {
			if (to >= from && store_pending_import_delete(
						  flush->tx, from, to, err) < 0)
				return -1;
			from = id;
		}
		to = id;
	}
	if (to < from)
		return 0;
	return store_pending_import_delete(flush->tx, from, to, err);
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

static struct encoder *start_encoder(struct flush *flush)
{
	struct encode_job *jobs = arena_array(
		&flush->batch, flush->w.all_mv.len + flush->w.all_cs.len,
		sizeof(*jobs));
	struct work_cs **cs;
	struct work_mv **mv;
	size_t len = 0;

	vec_foreach(&flush->w.all_mv, mv)
		if ((*mv)->dirty && !(*mv)->removed) {
			jobs[len].image = &(*mv)->image;
			jobs[len++].lineage = &(*mv)->lineage;
		}
	vec_foreach(&flush->w.all_cs, cs)
		if (has_pending_image(*cs))
			jobs[len++].image = &(*cs)->e.pending.attrs;
	return encoder_start(store_attr_map(flush->store), jobs, len);
}

static int write_objects(struct flush *flush, struct error *err)
{
	struct write_back back = { NULL, 0 };
	struct work_cs **cs;
	struct work_mv **mv;
	int ret = 0;

	vec_sort(&flush->w.all_cs, order_cs);
	back.encoder = start_encoder(flush);
	vec_foreach(&flush->w.all_mv, mv) {
		ret = write_mv(flush, *mv, &back, err);
		if (ret < 0)
			break;
	}
	if (ret == 0)
		vec_foreach(&flush->w.all_cs, cs) {
			ret = write_cs(flush, *cs, &back, err);
			if (ret < 0)
				break;
		}
	encoder_stop(back.encoder);
	return ret < 0 ? -1 : delete_imports(flush, err);
}

/* Drops the buffered waits that are over. */
static void settle_waits(struct flush *flush)
{
	struct idmap by_key = IDMAP_INIT;
	struct idmap by_object = IDMAP_INIT;
	const struct wait_end *end;
	size_t kept = 0;
	size_t i;

	if (!flush->w.wait_ends.len)
		return;
	vec_foreach(&flush->w.wait_ends, end)
		idmap_put(end->of_object ? &by_object : &by_key, end->key,
			  end->at);
	for (i = 0; i < flush->w.waits.len; i++) {
		const struct key_row *row = &flush->w.waits.at[i];
		uint64_t at;

		if ((idmap_get(&by_key, row->h, &at) && i < at) ||
		    (idmap_get(&by_object, (uint64_t)row->id, &at) && i < at))
			continue;
		flush->w.waits.at[kept++] = *row;
	}
	flush->w.waits.len = kept;
	idmap_release(&by_key);
	idmap_release(&by_object);
}

static int write_dues(struct flush *flush, struct error *err)
{
	const struct due_row *row;

	vec_foreach(&flush->w.dues, row) {
		int ret = row->time ? store_due_put(flush->tx, row, err)
				    : store_due_delete(flush->tx, row->kind,
						       row->id, err);

		if (ret < 0)
			return -1;
	}
	return 0;
}

static int write_holds(struct flush *flush, struct error *err)
{
	const struct hold_change *it;

	vec_foreach(&flush->w.holds, it)
		if (held_write(flush->tx, it, err) < 0)
			return -1;
	return 0;
}

static int write_hints(struct flush *flush, struct error *err)
{
	const struct key_row *row;
	const struct ref_change *ref;
	const int64_t *mv;
	size_t i;

	settle_waits(flush);
	vec_foreach(&flush->w.mv_keys_gone, row)
		if (store_mv_key_delete(flush->tx, row->h, row->id, err) < 0)
			return -1;
	vec_foreach(&flush->w.waits_gone, row)
		if (store_mv_wait_delete(flush->tx, row->h, row->id, err) < 0)
			return -1;
	if (store_mv_key_put(flush->tx, flush->w.mv_keys.at,
			     flush->w.mv_keys.len, err) < 0 ||
	    store_mv_wait_put(flush->tx, flush->w.waits.at, flush->w.waits.len,
			      err) < 0)
		return -1;
	/* a change and its opposite keep their order: sort is by pair only
	 * when there is nothing to take away */
	for (i = 0; i < flush->w.refs.len && flush->w.refs.at[i].add; i++)
		;
	if (i == flush->w.refs.len)
		vec_sort(&flush->w.refs, order_refs);
	vec_foreach(&flush->w.refs, ref)
		if ((ref->add ? store_mv_ref_put(flush->tx, ref->target,
						 ref->source, ref->attr, err)
			      : store_mv_ref_delete(flush->tx, ref->target,
						    ref->source, err)) < 0)
			return -1;
	vec_foreach(&flush->w.unmarked, mv)
		if (store_mv_queue_delete(flush->tx, *mv, err) < 0)
			return -1;
	vec_foreach(&flush->w.marked, mv)
		if (store_mv_queue_put(flush->tx, *mv, err) < 0)
			return -1;
	return 0;
}

static int write_all(void *data, struct store_tx *tx, struct error *err)
{
	struct flush *flush = data;

	flush->tx = tx;
	if (write_objects(flush, err) < 0 || write_hints(flush, err) < 0 ||
	    write_dues(flush, err) < 0 || write_holds(flush, err) < 0)
		return -1;
	if (store_cs_key_put(tx, flush->w.cs_keys.at, flush->w.cs_keys.len,
			     err) < 0)
		return -1;
	/* with the keys: who comes after one that died here looks for them */
	if (flush->joins && store_meta_set(tx, "joins", SV_LIT("1"), err) < 0)
		return -1;
	return flush->open;
}

/* ---- taking over ---- */

static struct flush *take_over(struct sync *sync)
{
	struct flush *flush = mem_zalloc(sizeof(*flush));
	const struct key_row *key;
	size_t i;

	for (i = 0; i < sync->config->agent_count; i++) {
		struct tree *tree = &sync->agents[i].tree;

		vec_foreach(&tree->keys, key)
			vec_push(&sync->w.cs_keys, *key);
		tree_forget_keys(tree);
	}
	flush->past = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	flush->sync = sync;
	flush->store = sync->store;
	flush->joins = sync->joins_stored && !sync->joins_told;
	sync->joins_told = sync->joins_stored;
	work_hand_over(sync, &flush->w, &flush->batch, &flush->cs, &flush->mv);
	return flush;
}

static void release(struct flush *flush)
{
	work_release_writes(&flush->w);
	strbuf_release(&flush->past);
	arena_release(&flush->batch);
	idmap_release(&flush->cs);
	idmap_release(&flush->mv);
	mem_free(flush);
}

int flush_now(struct sync *sync, struct error *err)
{
	struct flush *flush = take_over(sync);
	int ret = flush_settle(sync, err);

	if (ret == 0)
		ret = write_all(flush, sync->tx, err);
	release(flush);
	return ret;
}

int flush_settle(struct sync *sync, struct error *err)
{
	int ret = store_settle(sync->store, err);

	if (sync->behind)
		release(sync->behind);
	sync->behind = NULL;
	return ret;
}

/* The store answers from what it knows while the thread writes: it is told
 * what will be there. */
static void announce(struct sync *sync, const struct flush *flush)
{
	struct work_cs *const *at;
	const struct due_row *due;

	store_expect_keys(sync->store, STORE_KEYS_MV, flush->w.mv_keys.at,
			  flush->w.mv_keys.len);
	store_expect_keys(sync->store, STORE_KEYS_WAIT, flush->w.waits.at,
			  flush->w.waits.len);
	store_expect_keys(sync->store, STORE_KEYS_CS, flush->w.cs_keys.at,
			  flush->w.cs_keys.len);
	vec_foreach(&flush->w.all_cs, at) {
		const struct work_cs *cs = *at;
		unsigned rows = 0;

		rows |= cs->dirty_link ? STORE_ROWS_LINK : 0;
		rows |= cs->dirty_import ? STORE_ROWS_IMPORT : 0;
		rows |= cs->dirty_pending ? STORE_ROWS_EXPORT : 0;
		rows |= cs->dirty_awaiting ? STORE_ROWS_AWAITING : 0;
		rows |= cs->queued ? STORE_ROWS_QUEUE : 0;
		store_expect_rows(sync->store, cs->e.row.id, rows);
	}
	vec_foreach(&flush->w.dues, due)
		if (due->kind == DUE_CS || due->kind == DUE_DEPROVISION)
			store_expect_rows(sync->store, due->id, STORE_ROWS_DUE);
}

static int read_ahead(void *data, struct store_tx *tx, struct error *err)
{
	struct flush *flush = data;

	(void)tx;
	return ahead_read(flush->ahead, err);
}

int flush_behind(struct sync *sync, struct ahead *ahead, struct error *err)
{
	struct flush *flush = take_over(sync);

	if (flush_settle(sync, err) < 0) {
		release(flush);
		return -1;
	}
	announce(sync, flush);
	flush->ahead = ahead;
	sync->uncommitted += arena_used(&flush->batch);
	flush->open = sync->uncommitted < COMMIT_BYTES;
	if (!flush->open)
		sync->uncommitted = 0;
	sync->behind = flush;
	return store_write_behind(sync->tx, write_all,
				  ahead ? read_ahead : NULL, flush, err);
}

const struct work_cs *flush_cs(const struct sync *sync, int64_t id)
{
	return sync->behind ? idmap_get_ptr(&sync->behind->cs, (uint64_t)id)
			    : NULL;
}

const struct work_mv *flush_mv(const struct sync *sync, int64_t id)
{
	return sync->behind ? idmap_get_ptr(&sync->behind->mv, (uint64_t)id)
			    : NULL;
}
