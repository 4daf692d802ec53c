/*
 * sync.c - the synchronization step: each object through the six steps
 *
 * Order: objects with changes other than deletions, then deletions (a name or
 * account is not freed before those that stay have been looked at), then
 * metaverse objects that something made worth looking at again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK         512
#define FLUSH_OBJECTS 8192
/* groups are larger than people: a batch ends early when it grows too much */
#define FLUSH_BYTES   ((size_t)24 << 20)
#define AHEAD_BYTES   ((size_t)12 << 20)
#define CONTAINERS    64
#define FIXUP_ROUNDS  20

/* ---- one object ---- */

/* The pending import is consumed: the image is what is synchronized. */
static void consume(struct sync *sync, struct work_cs *cs)
{
	work_touch_cs(sync, cs);
	sync->equal_writer = cs->e.import == IMPORT_NONE ? 0 : cs->e.row.id;
	sync->writer_was_linked = cs->e.link.mv != 0;
	if (sync->equals && sync->equal_writer && sync->writer_was_linked)
		sync->writer_before = view_values(sync, cs);
	cs->unqueued = true;
	cs->queued = false;
	if (cs->e.import == IMPORT_NONE)
		return;
	cs->e.import = IMPORT_NONE;
	cs->e.renamed = false;
	cs->e.synced = IMAGE_EMPTY;
	cs->e.confirmed = IMAGE_EMPTY;
	cs->dirty_import = true;
}

static int load_partner(struct sync *sync, struct work_cs *cs,
			struct work_mv **out, struct error *err)
{
	int ret = work_mv(sync, cs->e.link.mv, out, err);

	if (ret == 0)
		return error_set(err, ERR_CORRUPT,
				 "store-damaged: mv %lld is missing",
				 (long long)cs->e.link.mv);
	return ret < 0 ? -1 : 0;
}

/* Unlinks `cs`, then the deletion rule, then what is left of the object. */
static int lose(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		enum link_state state, enum link_how how, bool *removed_out,
		struct error *err)
{
	const struct config_rule_set *rule_set = cs->rule_set;
	bool flowed;
	int deleted;

	trace(sync, "disconnect",
	      state == LINK_FILTERED ? "filtered" : "replaced", rule_set,
	      cs->e.row.id, mv->row.id, "disconnected from mv %lld: %s",
	      (long long)mv->row.id,
	      state == LINK_FILTERED ? "it is filtered now"
				     : "it is another object now");
	link_disconnect(sync, cs, mv, state, how, false);
	leave_end(sync, cs);
	if (link_mark_referrers(sync, cs->e.row.id, err) < 0 ||
	    link_mark_mv_referrers(sync, mv->row.id, err) < 0 ||
	    join_index_unlinked(sync, cs, err) < 0)
		return -1;
	deleted = link_deletion_rule(sync, mv, cs->e.row.id, rule_set, err);
	*removed_out = deleted > 0;
	if (deleted)
		return deleted < 0 ? -1 : 0;
	if (evaluate(sync, mv, &flowed, err) < 0)
		return -1;
	*removed_out = mv->removed;
	return 0;
}

static int sync_delete(struct sync *sync, struct work_cs *cs,
		       const char **counter_out, struct error *err)
{
	struct work_mv *mv = NULL;
	bool removed = false;

	*counter_out = NULL;
	if (cs->e.link.mv && load_partner(sync, cs, &mv, err) < 0)
		return -1;
	/* gone first, so its name is free for whoever is to have it */
	if (mv) {
		const struct config_rule_set *rule_set = cs->rule_set;
		bool flowed;
		int deleted;

		trace(sync, "disconnect", "deleted", rule_set, cs->e.row.id,
		      mv->row.id,
		      "disconnected from mv %lld: the system has it no more",
		      (long long)mv->row.id);
		link_disconnect(sync, cs, mv, LINK_NORMAL, LINK_NONE, false);
		if (link_remove_object(sync, cs, err) < 0 ||
		    link_mark_mv_referrers(sync, mv->row.id, err) < 0)
			return -1;
		deleted = link_deletion_rule(sync, mv, cs->e.row.id, rule_set,
					     err);
		if (deleted < 0 ||
		    (!deleted && evaluate(sync, mv, &flowed, err) < 0))
			return -1;
		removed = mv->removed;
		*counter_out = removed ? "connector-delete-remove-mv"
				       : "connector-delete-leave-mv";
		return 0;
	}
	return link_remove_object(sync, cs, err);
}

/* A linked object whose scope turned false: the first rule set that fits takes
 * it over with its metaverse object. */
static int rehome(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		  struct error *err)
{
	const struct config_agent *agent = cs->agent->agent;
	size_t i;
	size_t k;

	for (i = 0; i < agent->rule_set_count; i++) {
		const struct config_rule_set *rs = &agent->rule_sets[i];
		bool typed = false;
		int ret = filter_in_scope(sync, cs, rs, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		ret = filter_matches(sync, cs, rs, err);
		if (ret < 0)
			return -1;
		for (k = 0; mv->plan && k < rs->mv_type_count; k++)
			typed |= rs->mv_types[k] == mv->plan->type->index;
		if (ret > 0 || !typed || link_find(mv, rs))
			continue;
		trace(sync, "filter", "taken-over", rs, cs->e.row.id,
		      mv->row.id, "rule set '%s' takes it over", rs->name);
		work_touch_cs(sync, cs);
		leave_cancel(sync, cs);
		cs->rule_set = rs;
		cs->e.link.rule_set = plan_rule_set_number(sync, rs);
		cs->dirty_link = true;
		return 1;
	}
	return 0;
}

static void warn_frozen(struct sync *sync, const struct work_cs *cs)
{
	const char *name =
		store_name(sync->store, NAME_RULE_SET, cs->e.link.rule_set);
	char text[512];

	if (idmap_get(&sync->frozen, cs->e.link.rule_set, NULL))
		return;
	idmap_put(&sync->frozen, cs->e.link.rule_set, 1);
	(void)snprintf(text, sizeof(text),
		       "links under '%s' are frozen: no such rule set is in "
		       "the files; nothing flows, their values stay",
		       name ? name : "?");
	if (sync->options && sync->options->warning)
		sync->options->warning(sync->options->warning_data, text);
}

static void trace_scope(struct sync *sync, const struct work_cs *cs, bool in)
{
	const char *name = cs->rule_set->name;

	if (in)
		trace(sync, "filter", "taken", cs->rule_set, cs->e.row.id,
		      cs->e.link.mv, "linked under rule set '%s'", name);
	else
		trace(sync, "filter", "out-of-scope", cs->rule_set,
		      cs->e.row.id, cs->e.link.mv,
		      "out of the scope of its rule set '%s'", name);
}

/* A link made under the rule set's earlier name (`was`) bears its present one
 * from now on. */
static void take_name(struct sync *sync, struct work_cs *cs)
{
	uint32_t number = plan_rule_set_number(sync, cs->rule_set);

	if (cs->e.link.rule_set == number)
		return;
	cs->e.link.rule_set = number;
	cs->dirty_link = true;
}

static void set_state(struct sync *sync, struct work_cs *cs,
		      enum link_state state, enum link_how how)
{
	if (cs->e.link.state == state)
		return;
	work_touch_cs(sync, cs);
	cs->e.link.state = state;
	cs->e.link.how = how;
	cs->e.link.time = sync->now;
	cs->dirty_link = true;
}

/* Nobody took it over: out of every scope it is a normal disconnector, as its
 * next synchronization would find. */
static int settle_scope(struct sync *sync, struct work_cs *cs,
			struct error *err)
{
	const struct config_rule_set *rule_set;
	int ret = filter_select(sync, cs, &rule_set, err);

	if (ret == 0)
		set_state(sync, cs, LINK_NORMAL, LINK_NONE);
	return ret < 0 ? -1 : 0;
}

static int sync_connector(struct sync *sync, struct work_cs *cs,
			  const char **counter_out, struct error *err)
{
	struct work_mv *mv;
	bool removed = false;
	bool flowed;
	int ret;

	if (load_partner(sync, cs, &mv, err) < 0)
		return -1;
	if (!cs->rule_set) {
		trace(sync, "filter", "frozen", NULL, cs->e.row.id, mv->row.id,
		      "frozen: its rule set is in no file; nothing flows");
		warn_frozen(sync, cs);
		consume(sync, cs);
		*counter_out = "connector-no-flow";
		return 0;
	}
	consume(sync, cs);
	take_name(sync, cs);
	if (cs->e.row.has_image && cs->e.link.state != LINK_EXPLICIT) {
		bool filtered;
		bool homeless;

		ret = filter_in_scope(sync, cs, cs->rule_set, err);
		if (ret >= 0)
			trace_scope(sync, cs, ret > 0);
		if (ret == 0)
			ret = rehome(sync, cs, mv, err);
		if (ret < 0)
			return -1;
		homeless = ret == 0;
		filtered = homeless;
		if (!filtered) {
			ret = filter_matches(sync, cs, cs->rule_set, err);
			if (ret < 0)
				return -1;
			filtered = ret > 0;
		}
		if (filtered) {
			if (lose(sync, cs, mv, LINK_FILTERED, LINK_FILTER,
				 &removed, err) < 0 ||
			    (homeless && settle_scope(sync, cs, err) < 0))
				return -1;
			/* what was pending for it is no longer ours to say */
			if (cs->e.pending.op == PENDING_UPDATE) {
				memset(&cs->e.pending, 0,
				       sizeof(cs->e.pending));
				cs->dirty_pending = true;
			}
			*counter_out = removed ? "connector-filtered-remove-mv"
					       : "connector-filtered-leave-mv";
			return 0;
		}
	}
	if (evaluate(sync, mv, &flowed, err) < 0)
		return -1;
	if (mv->removed)
		*counter_out = "connector-flow-remove-mv";
	else
		*counter_out = flowed ? "connector-flow" : "connector-no-flow";
	return 0;
}

static int link_up(struct sync *sync, struct work_cs *cs,
		   const struct config_rule_set *rule_set, struct work_mv *mv,
		   bool joined, const char **counter_out, struct error *err)
{
	bool flowed;

	sync->equal_writer = cs->e.row.id;
	sync->writer_was_linked = false;
	if (link_connect(sync, cs, mv, rule_set,
			 joined ? LINK_JOIN : LINK_PROJECTION, err) < 0 ||
	    evaluate(sync, mv, &flowed, err) < 0)
		return -1;
	if (mv->removed)
		*counter_out = joined ? "disconnector-joined-remove-mv"
				      : "disconnector-projected-remove-mv";
	else if (joined)
		*counter_out = flowed ? "disconnector-joined-flow"
				      : "disconnector-joined-no-flow";
	else
		*counter_out = flowed ? "disconnector-projected-flow"
				      : "disconnector-projected-no-flow";
	return 0;
}

static int sync_disconnector(struct sync *sync, struct work_cs *cs,
			     const char **counter_out, struct error *err)
{
	const struct config_rule_set *rule_set;
	struct work_mv *mv = NULL;
	int ret;

	*counter_out = "disconnector-remains";
	consume(sync, cs);
	if (cs->e.link.state == LINK_EXPLICIT) {
		trace(sync, "filter", "explicit", NULL, cs->e.row.id, 0,
		      "an explicit disconnector stays one");
		return join_index_unlinked(sync, cs, err);
	}
	if (entry_going(&cs->e)) {
		trace(sync, "filter", "going", NULL, cs->e.row.id, 0,
		      "its deletion is on the way: it stays a disconnector");
		return 0;
	}
	if (cs->e.link.leaving && sync->config->provisioning &&
	    !leave_waits(sync, cs))
		return link_deprovision_left(sync, cs, err);
	ret = filter_select(sync, cs, &rule_set, err);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		filter_trace_none(sync, cs);
		set_state(sync, cs, LINK_NORMAL, LINK_NONE);
		return 0;
	}
	trace(sync, "filter", "taken", rule_set, cs->e.row.id, 0,
	      "rule set '%s' takes it", rule_set->name);
	ret = filter_matches(sync, cs, rule_set, err);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		set_state(sync, cs, LINK_FILTERED, LINK_FILTER);
		*counter_out = "disconnector-filtered";
		return join_index(sync, cs, rule_set, err);
	}
	set_state(sync, cs, LINK_NORMAL, LINK_NONE);
	ret = join_find(sync, cs, rule_set, &mv, err);
	if (ret < 0)
		return -1;
	if (ret == 1) {
		trace(sync, "join", "joined", rule_set, cs->e.row.id,
		      mv->row.id, "joins mv %lld", (long long)mv->row.id);
		return link_up(sync, cs, rule_set, mv, true, counter_out, err);
	}
	/* an account that waits to go makes nobody */
	if (ret == 0 && !cs->e.link.leaving)
		ret = project(sync, cs, rule_set, &mv, err);
	if (ret < 0)
		return -1;
	if (mv)
		return link_up(sync, cs, rule_set, mv, false, counter_out, err);
	return join_index(sync, cs, rule_set, err);
}

/* Another type under the same anchor: gone, then new. */
static int sync_delete_add(struct sync *sync, struct work_cs *cs,
			   const char **counter_out, struct error *err)
{
	struct work_mv *mv;
	const char *ignored;
	bool removed;

	if (cs->e.link.mv) {
		if (load_partner(sync, cs, &mv, err) < 0 ||
		    lose(sync, cs, mv, LINK_NORMAL, LINK_NONE, &removed, err) <
			    0)
			return -1;
	}
	if (sync_disconnector(sync, cs, &ignored, err) < 0)
		return -1;
	*counter_out = "connector-delete-add-processed";
	return 0;
}

static int sync_one(struct sync *sync, struct work_cs *cs,
		    const char **counter_out, struct error *err)
{
	if (cs->e.import == IMPORT_DELETE)
		return sync_delete(sync, cs, counter_out, err);
	if (cs->e.import == IMPORT_DELETE_ADD)
		return sync_delete_add(sync, cs, counter_out, err);
	if (cs->e.link.mv)
		return sync_connector(sync, cs, counter_out, err);
	return sync_disconnector(sync, cs, counter_out, err);
}

/* "code: text" as object_error() makes it; any other text is unexpected. */
void sync_error_split(const char *message, struct sv *code, struct sv *text)
{
	struct sv all = sv_from(message);
	size_t from = 0;

	/* contexts may stand before the code: a code is one word of small
	 * letters and dashes */
	while (from < all.len) {
		size_t end = sv_find(all, ':', from);
		size_t i;

		for (i = from; i < end; i++)
			if ((all.ptr[i] < 'a' || all.ptr[i] > 'z') &&
			    all.ptr[i] != '-')
				break;
		if (i == end && end > from && end < all.len &&
		    (!from || memchr(all.ptr + from, '-', end - from))) {
			*code = sv_sub(all, from, end);
			*text = from ? all
				     : sv_trim(sv_sub(all, end + 1, all.len));
			return;
		}
		from = end + 2;
	}
	*code = SV_LIT("rule-error");
	*text = all;
}

static int record_error(struct sync *sync, int64_t cs, const struct error *why,
			struct error *err)
{
	struct cs_error row = { .cs = cs, .kind = ERROR_SYNC };

	sync_error_split(why->msg, &row.code, &row.message);
	row.last = sync->now;
	sync->result->errors++;
	return store_error_put(sync->tx, &row, err);
}

bool sync_error_fatal(const struct error *err)
{
	return err->code == ERR_UNAVAILABLE || err->code == ERR_DENIED ||
	       err->code == ERR_CONFLICT || err->code == ERR_INTERNAL;
}

/* A name that is taken may be given up by what is still to be synchronized, or
 * the connector in the way be gone: the object is tried again at the end. */
static bool defer(struct sync *sync, int64_t id, const struct error *why)
{
	struct deferred deferred = { id, sync->wants_other };

	if (sync->last_try ||
	    (!names_error_taken(why) && !link_error_occupied(why)))
		return false;
	vec_push(&sync->deferred, deferred);
	if (deferred.leaving)
		idmap_put(&sync->leaving, (uint64_t)deferred.leaving, 1);
	sync->result->objects--;
	return true;
}

static int process(struct sync *sync, struct work_cs *cs, struct error *err)
{
	int64_t id = cs->e.row.id;
	struct error why = ERROR_INIT;
	const char *counter = NULL;
	struct cs_error old;

	/* containers and placeholders are no objects; an add that was never
	 * read has nothing to say yet */
	if (!cs->e.row.type || (!cs->e.row.has_image && !cs->e.link.mv))
		return store_queue_delete(sync->tx, id, err);
	sync->result->objects++;
	work_unit_begin(sync, id);
	due_begin(sync);
	sync->equal_writer = 0;
	if (sync_one(sync, cs, &counter, &why) < 0) {
		work_unit_drop(sync);
		if (sync_error_fatal(&why)) {
			*err = why;
			return -1;
		}
		if (defer(sync, id, &why))
			return 0;
		counters_add(sync->counters, 0, "flow-failure", id);
		work_unit_begin(sync, id);
		work_touch_cs(sync, cs);
		cs->queued = true;
		work_unit_keep(sync);
		return record_error(sync, id, &why, err);
	}
	if (sync->blocked[0] && !cs->removed)
		cs->queued = true;
	due_keep(sync, DUE_CS, cs->removed ? 0 : id);
	work_unit_keep(sync);
	if (counter && cs->e.row.has_image)
		outcome_inbound(sync, counter, id);
	if (cs->removed)
		return 0;
	if (sync->blocked[0]) {
		(void)error_set(&why, ERR_INVALID, "%s", sync->blocked);
		return record_error(sync, id, &why, err);
	}
	if (store_error_get(sync->store, id, ERROR_SYNC, &sync->scratch, &old,
			    err) > 0)
		return store_error_delete(sync->tx, id, ERROR_SYNC, err);
	return 0;
}

/* ---- the loops ---- */

int sync_commit(struct sync *sync, struct error *err)
{
	if (store_commit(sync->tx, err) < 0) {
		sync->tx = NULL;
		return -1;
	}
	sync->tx = NULL;
	return store_begin(sync->store, STORE_BULK, &sync->tx, err);
}

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

/* Which of the agent's objects a pass takes. */
enum pass { PASS_ALL, PASS_CHANGED, PASS_DELETED };

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

	if (pass == PASS_ALL) {
		count = entry_scan(sync->store, sync->number, after, entries,
				   CHUNK, &sync->batch, err);
		for (i = 0; i < count; i++)
			ids[i] = entries[i].row.id;
		return count;
	}
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
	return process(sync, cs, err);
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

static int make_pass(struct sync *sync, enum pass pass, struct error *err)
{
	struct ahead *ahead = mem_alloc(sizeof(*ahead));
	int ret = run_pass(sync, pass, ahead, err);

	mem_free(ahead);
	return ret;
}

/* Changes of reference sets: by value, or else as any other object. */
static int sets_pass(struct sync *sync, struct error *err)
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
			ret = process(sync, cs, err);
		if (ret == 0 && is_full(sync, (int)(at % FLUSH_OBJECTS)))
			ret = flush(sync, err);
	}
	vec_release(&others);
	return ret < 0 ? -1 : flush(sync, err);
}

/* What was deferred: now it succeeds, or fails for good. */
static int last_pass(struct sync *sync, struct error *err)
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
			ret = process(sync, cs, err);
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
	return record_error(sync, mv->links[0]->e.row.id, &why, err);
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
	return record_error(sync, mv->links[0]->e.row.id, &why, err);
}

/* Objects that wait for what came, lost what they had, or were left over by
 * another run. What they touch in turn comes in the next round. */
static int fix_up(struct sync *sync, struct error *err)
{
	int64_t ids[CHUNK];
	int round;

	for (round = 0; round < FIXUP_ROUNDS; round++) {
		int64_t after = 0;
		size_t done = 0;
		int since = 0;
		int count;
		int i;

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

static int run(struct sync *sync, struct error *err)
{
	int ret;

	if (store_begin(sync->store, STORE_BULK, &sync->tx, err) < 0 ||
	    plan_init(sync, err) < 0)
		return -1;
	work_init(sync);
	sync->number = store_name_find(sync->store, NAME_AGENT,
				       sv_from(sync->agent->name));
	sync->sets = sets_any(sync);
	if (join_index_imported(sync, err) < 0 || flush(sync, err) < 0 ||
	    changes_take(sync, err) < 0 || due_take(sync, err) < 0)
		return -1;
	ret = make_pass(sync, sync->options->full ? PASS_ALL : PASS_CHANGED,
			err);
	if (ret == 0)
		ret = make_pass(sync, PASS_DELETED, err);
	if (ret == 0 && sync->sets)
		ret = sets_pass(sync, err);
	if (ret == 0)
		ret = last_pass(sync, err);
	if (ret == 0)
		ret = fix_up(sync, err);
	if (ret < 0) {
		outcome_count(sync, false);
		return -1;
	}
	if (sync->joins_stored &&
	    store_meta_set(sync->tx, "joins", SV_LIT("1"), err) < 0)
		return -1;
	if (store_commit(sync->tx, err) < 0) {
		sync->tx = NULL;
		return -1;
	}
	sync->tx = NULL;
	outcome_count(sync, true);
	return 0;
}

static void release(struct sync *sync)
{
	if (sync->tx)
		store_rollback(sync->tx);
	work_release(sync);
	plan_release(sync);
	idmap_release(&sync->failed_mv);
	idmap_release(&sync->read_sets);
	idmap_release(&sync->quiet);
	idmap_release(&sync->leaving);
	vec_release(&sync->deferred);
	vec_release(&sync->takers);
}

int sync_run(struct store *store, const struct config *config,
	     const struct config_agent *agent,
	     const struct sync_options *options, struct counters *counters,
	     struct sync_result *out, struct error *err)
{
	struct sync sync = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.result = out,
		.counters = counters,
		.now = clock_now(),
	};
	int ret;

	memset(out, 0, sizeof(*out));
	out->result = "success";
	sync.rules.config = config;
	sync.rules.now = sync.now;
	sync.rules.due = config->uses_now ? &sync.due : NULL;
	ret = run(&sync, err);
	release(&sync);
	if (ret == 0 && out->errors && !strcmp(out->result, "success"))
		out->result = "completed-sync-errors";
	return ret;
}

/* ---- looking without keeping ---- */

static void trace_blocked(struct sync *sync, int64_t cs, int64_t mv)
{
	if (sync->blocked[0])
		trace(sync, "error", "blocked", NULL, cs, mv, "%s",
		      sync->blocked);
}

static int preview(struct sync *sync, int64_t cs_id, int64_t mv_id,
		   struct error *err)
{
	const char *counter = NULL;
	struct work_cs *cs;
	struct work_mv *mv;
	bool flowed;
	int ret;

	if (plan_init(sync, err) < 0)
		return -1;
	work_init(sync);
	sync->joins_stored = true;
	sync->dues_stored = store_due_any(sync->store);
	sync->last_try = true;
	work_unit_begin(sync, cs_id);
	if (!cs_id) {
		ret = work_mv(sync, mv_id, &mv, err);
		if (ret <= 0)
			return ret < 0 ? -1
				       : error_set(err, ERR_NOTFOUND,
						   "there is no mv %lld",
						   (long long)mv_id);
		if (evaluate(sync, mv, &flowed, err) < 0)
			return -1;
		trace_blocked(sync, 0, mv_id);
		return 0;
	}
	ret = work_cs(sync, cs_id, &cs, err);
	if (ret <= 0)
		return ret < 0 ? -1
			       : error_set(err, ERR_NOTFOUND,
					   "there is no such object");
	sync->agent = cs->agent ? cs->agent->agent : NULL;
	sync->number = CS_AGENT(cs_id);
	if (sync_one(sync, cs, &counter, err) < 0)
		return -1;
	if (!cs->removed)
		trace_blocked(sync, cs_id, cs->e.link.mv);
	if (counter && cs->e.row.has_image)
		trace(sync, "result", counter, NULL, cs_id, cs->e.link.mv, "%s",
		      counter);
	return 0;
}

static int look(struct store *store, const struct config *config, int64_t cs,
		int64_t mv, const struct sync_trace *trace_to,
		struct error *err)
{
	struct sync_result result = { .result = "success" };
	struct counters counters = { VEC_INIT };
	struct sync sync = {
		.store = store,
		.config = config,
		.result = &result,
		.counters = &counters,
		.trace = trace_to,
		.now = clock_now(),
	};
	int ret;

	sync.rules.config = config;
	sync.rules.now = sync.now;
	ret = preview(&sync, cs, mv, err);
	release(&sync);
	counters_release(&counters);
	return ret;
}

int sync_preview(struct store *store, const struct config *config, int64_t cs,
		 const struct sync_trace *trace_to, struct error *err)
{
	return look(store, config, cs, 0, trace_to, err);
}

int sync_preview_mv(struct store *store, const struct config *config,
		    int64_t mv, const struct sync_trace *trace_to,
		    struct error *err)
{
	return look(store, config, 0, mv, trace_to, err);
}
