/*
 * sync.c - the synchronization step: each object through the six steps
 *
 * Called by a run's step. The passes of pass.c hand over the objects. Order:
 * objects with changes other than deletions, then deletions (a name or account
 * is not freed before those that stay have been looked at), then metaverse
 * objects that something made worth looking at again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* ---- one object ---- */

/* The pending import is consumed: the image is what is synchronized. */
void sync_consume(struct sync *sync, struct work_cs *cs)
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

int sync_partner(struct sync *sync, struct work_cs *cs, struct work_mv **out,
		 struct error *err)
{
	int ret = work_mv(sync, cs->e.link.mv, out, err);

	if (ret == 0)
		return error_set(err, ERR_CORRUPT,
				 "store-damaged: mv %lld is missing",
				 (long long)cs->e.link.mv);
	return ret < 0 ? -1 : 0;
}

static const char *lost_word(enum link_state state, enum link_how how)
{
	if (how == LINK_HAND)
		return "by-hand";
	return state == LINK_FILTERED ? "filtered" : "replaced";
}

static const char *lost_why(enum link_state state, enum link_how how)
{
	if (how == LINK_HAND)
		return "by hand";
	return state == LINK_FILTERED ? "it is filtered now"
				      : "it is another object now";
}

/* Unlinks `cs`, then the deletion rule, then what is left of the object. */
int sync_lose(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
	      enum link_state state, enum link_how how, bool *removed_out,
	      struct error *err)
{
	const struct config_rule_set *rule_set = cs->rule_set;
	bool flowed;
	int deleted;

	trace(sync, "disconnect", lost_word(state, how), rule_set, cs->e.row.id,
	      mv->row.id, "disconnected from mv %lld: %s",
	      (long long)mv->row.id, lost_why(state, how));
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
	if (cs->e.link.mv && sync_partner(sync, cs, &mv, err) < 0)
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

void sync_set_state(struct sync *sync, struct work_cs *cs,
		    enum link_state state, enum link_how how)
{
	if (cs->e.link.state == state)
		return;
	work_touch_cs(sync, cs);
	cs->e.link.state = state;
	cs->e.link.how = how;
	cs->e.link.time = sync->stamp;
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
		sync_set_state(sync, cs, LINK_NORMAL, LINK_NONE);
	return ret < 0 ? -1 : 0;
}

static int sync_connector(struct sync *sync, struct work_cs *cs,
			  const char **counter_out, struct error *err)
{
	struct work_mv *mv;
	bool removed = false;
	bool flowed;
	int ret;

	if (sync_partner(sync, cs, &mv, err) < 0)
		return -1;
	if (!cs->rule_set) {
		trace(sync, "filter", "frozen", NULL, cs->e.row.id, mv->row.id,
		      "frozen: its rule set is in no file; nothing flows");
		sync_consume(sync, cs);
		*counter_out = "connector-no-flow";
		return 0;
	}
	sync_consume(sync, cs);
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
			if (sync_lose(sync, cs, mv, LINK_FILTERED, LINK_FILTER,
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

int sync_link_up(struct sync *sync, struct work_cs *cs,
		 const struct config_rule_set *rule_set, struct work_mv *mv,
		 enum link_how how, enum link_state state,
		 const char **counter_out, struct error *err)
{
	bool joined = how != LINK_PROJECTION;
	bool flowed;

	sync->equal_writer = cs->e.row.id;
	sync->writer_was_linked = false;
	if (link_connect(sync, cs, mv, rule_set, how, err) < 0)
		return -1;
	cs->e.link.state = state;
	if (evaluate(sync, mv, &flowed, err) < 0)
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
	sync_consume(sync, cs);
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
	    !leave_waits(sync, cs) && !held_object(sync, cs))
		return link_deprovision_left(sync, cs, err);
	ret = filter_select(sync, cs, &rule_set, err);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		filter_trace_none(sync, cs);
		sync_set_state(sync, cs, LINK_NORMAL, LINK_NONE);
		return 0;
	}
	trace(sync, "filter", "taken", rule_set, cs->e.row.id, 0,
	      "rule set '%s' takes it", rule_set->name);
	ret = filter_matches(sync, cs, rule_set, err);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		sync_set_state(sync, cs, LINK_FILTERED, LINK_FILTER);
		*counter_out = "disconnector-filtered";
		return join_index(sync, cs, rule_set, err);
	}
	sync_set_state(sync, cs, LINK_NORMAL, LINK_NONE);
	ret = join_find(sync, cs, rule_set, &mv, err);
	if (ret < 0)
		return -1;
	if (ret == 1 && held_apart(sync, cs, mv)) {
		trace(sync, "join", "held", rule_set, cs->e.row.id, mv->row.id,
		      "would join mv %lld, but it is held",
		      (long long)mv->row.id);
		return join_index(sync, cs, rule_set, err);
	}
	if (ret == 1) {
		trace(sync, "join", "joined", rule_set, cs->e.row.id,
		      mv->row.id, "joins mv %lld", (long long)mv->row.id);
		return sync_link_up(sync, cs, rule_set, mv, LINK_JOIN,
				    LINK_NORMAL, counter_out, err);
	}
	/* an account that waits to go, or should be gone, makes nobody */
	if (ret == 0 && !cs->e.link.leaving && !held_returned(sync, cs))
		ret = project(sync, cs, rule_set, &mv, err);
	if (ret < 0)
		return -1;
	if (mv)
		return sync_link_up(sync, cs, rule_set, mv, LINK_PROJECTION,
				    LINK_NORMAL, counter_out, err);
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
		if (sync_partner(sync, cs, &mv, err) < 0 ||
		    sync_lose(sync, cs, mv, LINK_NORMAL, LINK_NONE, &removed,
			      err) < 0)
			return -1;
	}
	if (sync_disconnector(sync, cs, &ignored, err) < 0)
		return -1;
	*counter_out = "connector-delete-add-processed";
	return 0;
}

int sync_take(struct sync *sync, struct work_cs *cs, const char **counter_out,
	      struct error *err)
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

int sync_record_error(struct sync *sync, int64_t cs, const struct error *why,
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

int sync_keep(struct sync *sync, struct work_cs *cs, const char *counter,
	      struct error *err)
{
	int64_t id = cs->e.row.id;
	struct error why = ERROR_INIT;
	struct cs_error old;

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
		return sync_record_error(sync, id, &why, err);
	}
	if (store_error_get(sync->store, id, ERROR_SYNC, &sync->scratch, &old,
			    err) > 0)
		return store_error_delete(sync->tx, id, ERROR_SYNC, err);
	return 0;
}

int sync_object(struct sync *sync, struct work_cs *cs, struct error *err)
{
	int64_t id = cs->e.row.id;
	struct error why = ERROR_INIT;
	const char *counter = NULL;

	/* containers and placeholders are no objects; an add that was never
	 * read has nothing to say yet */
	if (!cs->e.row.type || (!cs->e.row.has_image && !cs->e.link.mv))
		return store_queue_delete(sync->tx, id, err);
	sync->result->objects++;
	work_unit_begin(sync, id);
	due_begin(sync);
	sync->equal_writer = 0;
	if (sync_take(sync, cs, &counter, &why) < 0) {
		work_unit_drop(sync);
		if (sync_error_fatal(&why)) {
			*err = why;
			return -1;
		}
		/* somebody may look for it meanwhile */
		if (defer(sync, id, &why))
			return join_index_one(sync, id, err);
		counters_add(sync->counters, 0, "flow-failure", id);
		work_unit_begin(sync, id);
		work_touch_cs(sync, cs);
		cs->queued = true;
		work_unit_keep(sync);
		return sync_record_error(sync, id, &why, err);
	}
	return sync_keep(sync, cs, counter, err);
}

/* ---- the step ---- */

int sync_commit(struct sync *sync, struct error *err)
{
	sync->uncommitted = 0;
	if (store_commit(sync->tx, err) < 0) {
		sync->tx = NULL;
		return -1;
	}
	sync->tx = NULL;
	return store_begin(sync->store, STORE_BULK, &sync->tx, err);
}

static int begin_history(struct sync *sync, struct error *err)
{
	int64_t next = 0;

	if (sync->options->run &&
	    store_past_next(sync->store, sync->options->run, &next, err) < 0)
		return -1;
	sync->next_past = next;
	return 0;
}

int sync_begin(struct sync *sync, struct error *err)
{
	if (store_begin(sync->store, STORE_BULK, &sync->tx, err) < 0 ||
	    plan_init(sync, err) < 0 || held_load(sync, err) < 0 ||
	    begin_history(sync, err) < 0)
		return -1;
	work_init(sync);
	sync->number = store_name_find(sync->store, NAME_AGENT,
				       sv_from(sync->agent->name));
	sync->sets = sets_any(sync);
	if (join_index_imported(sync, err) < 0 || flush_now(sync, err) < 0)
		return -1;
	return sync_commit(sync, err);
}

int sync_end(struct sync *sync, struct error *err)
{
	if (store_commit(sync->tx, err) < 0) {
		sync->tx = NULL;
		return -1;
	}
	sync->tx = NULL;
	outcome_count(sync, true);
	return 0;
}

static int run(struct sync *sync, struct error *err)
{
	int ret;

	if (sync_begin(sync, err) < 0 || changes_take(sync, err) < 0 ||
	    due_take(sync, err) < 0 || marks_begin(sync, err) < 0 ||
	    quiet_take(sync, err) < 0)
		return -1;
	ret = pass_objects(sync, sync->options->full ? PASS_ALL : PASS_CHANGED,
			   err);
	if (ret == 0)
		ret = pass_objects(sync, PASS_DELETED, err);
	if (ret == 0 && sync->sets)
		ret = pass_sets(sync, err);
	if (ret == 0)
		ret = pass_last(sync, err);
	if (ret == 0)
		ret = pass_fix_up(sync, err);
	if (ret < 0) {
		outcome_count(sync, false);
		return -1;
	}
	return sync_end(sync, err);
}

void sync_release(struct sync *sync)
{
	if (sync->tx)
		store_rollback(sync->tx);
	work_release(sync);
	held_release(sync);
	plan_release(sync);
	idmap_release(&sync->failed_mv);
	idmap_release(&sync->read_sets);
	marks_release(&sync->marks);
	id_bytes_release(&sync->quiet);
	idmap_release(&sync->leaving);
	vec_release(&sync->deferred);
	vec_release(&sync->takers);
	mem_free(sync->others);
}

void sync_init(struct sync *sync, struct store *store,
	       const struct config *config, const struct config_agent *agent,
	       const struct sync_options *options, struct counters *counters,
	       struct sync_result *out)
{
	memset(out, 0, sizeof(*out));
	out->result = "success";
	*sync = (struct sync){
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.result = out,
		.counters = counters,
		.now = options->now ? options->now : clock_now(),
	};
	sync->stamp = sync->now + options->later;
	sync->rules.config = config;
	sync->rules.now = sync->now;
	sync->rules.due = config->uses_now ? &sync->due : NULL;
}

int sync_run(struct store *store, const struct config *config,
	     const struct config_agent *agent,
	     const struct sync_options *options, struct counters *counters,
	     struct sync_result *out, struct error *err)
{
	struct sync sync;
	int ret;

	sync_init(&sync, store, config, agent, options, counters, out);
	ret = run(&sync, err);
	sync_release(&sync);
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

/* One of the two. */
struct previewed {
	int64_t cs;
	int64_t mv;
};

static int preview(void *data, struct sync *sync, struct error *err)
{
	const struct previewed *previewed = data;
	int64_t cs_id = previewed->cs;
	int64_t mv_id = previewed->mv;
	const char *counter = NULL;
	struct work_cs *cs;
	struct work_mv *mv;
	bool flowed;
	int ret;

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
	if (sync_take(sync, cs, &counter, err) < 0)
		return -1;
	if (!cs->removed)
		trace_blocked(sync, cs_id, cs->e.link.mv);
	if (counter && cs->e.row.has_image)
		trace(sync, "result", counter, NULL, cs_id, cs->e.link.mv, "%s",
		      counter);
	return 0;
}

int sync_preview(struct store *store, const struct config *config, int64_t cs,
		 const struct sync_trace *trace_to, struct error *err)
{
	const struct looking looking = { store, config, NULL, trace_to, 0 };
	struct previewed previewed = { cs, 0 };

	return look(&looking, preview, &previewed, err);
}

int sync_preview_mv(struct store *store, const struct config *config,
		    int64_t mv, const struct sync_trace *trace_to,
		    struct error *err)
{
	const struct looking looking = { store, config, NULL, trace_to, 0 };
	struct previewed previewed = { 0, mv };

	return look(&looking, preview, &previewed, err);
}
