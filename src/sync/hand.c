/*
 * hand.c - the joiner: orders for single objects, each a unit of its own
 *
 * Called by a run's step, and with a trace to look at what an order would do.
 * The object is taken as its synchronization would take it, with the rules'
 * decision replaced by the person's; what follows from that is the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/hand.h"

#include "sync/sync_private.h"

#include <string.h>

#define BATCH 1024

/* ---- what can be ordered ---- */

static int refuse(struct error *err, const char *why)
{
	(void)error_set(err, ERR_INVALID, "%s", why);
	return -1;
}

static int check_object(const struct work_cs *cs, struct error *err)
{
	if (!cs->agent || !cs->e.row.type)
		return refuse(err, "this is no object of a configured type: "
				   "it cannot be linked");
	if (!cs->e.row.has_image)
		return refuse(err, "it was never imported: run an import, or "
				   "wait until its add is exported");
	if (cs->e.import == IMPORT_DELETE || cs->e.import == IMPORT_DELETE_ADD)
		return refuse(err, "its deletion is staged: run a delta-sync "
				   "of its agent first");
	if (entry_going(&cs->e))
		return refuse(err, "its deletion is on the way: run an export "
				   "of its agent and the import that confirms "
				   "it first");
	return 0;
}

static int check_unlinked(const struct work_cs *cs, struct error *err)
{
	if (!cs->e.link.mv)
		return 0;
	return error_set(err, ERR_INVALID,
			 "it is linked with mv %lld: disconnect it first",
			 (long long)cs->e.link.mv);
}

static int named_rule_set(struct sync *sync, const struct work_cs *cs,
			  const char *name, const struct config_rule_set **out,
			  struct error *err)
{
	const struct agent_plan *plan = cs->agent;
	const struct config_agent *agent = plan->agent;
	size_t i;

	for (i = 0; i < agent->rule_set_count; i++) {
		const struct config_rule_set *rs = &agent->rule_sets[i];

		if (strcmp(rs->name, name) != 0)
			continue;
		*out = rs;
		if (plan->types[rs->type] == cs->e.row.type)
			return 0;
		(void)error_set(
			err, ERR_INVALID,
			"rule set '%s' is for objects of type '%s'; "
			"this is a '%s'",
			name, agent->types[rs->type].name,
			store_name(sync->store, NAME_TYPE, cs->e.row.type));
		return -1;
	}
	(void)error_set(err, ERR_INVALID, "agent '%s' has no rule set '%s'",
			agent->name, name);
	return -1;
}

static int choose_rule_set(struct sync *sync, struct work_cs *cs,
			   const char *name, const struct config_rule_set **out,
			   struct error *err)
{
	int ret;

	*out = NULL;
	if (name)
		return named_rule_set(sync, cs, name, out, err);
	ret = filter_select(sync, cs, out, err);
	if (ret < 0)
		return -1;
	if (ret > 0 && *out)
		return 0;
	filter_trace_none(sync, cs);
	return refuse(err, "it is in the scope of no rule set: name the one to "
			   "link it under with --rule-set");
}

static bool takes_type(const struct config_rule_set *rule_set, size_t type)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == type)
			return true;
	return false;
}

/* ---- the orders ---- */

static int join(struct sync *sync, struct hand_order *order, struct work_cs *cs,
		struct error *err)
{
	const struct config_rule_set *rule_set;
	struct work_mv *mv;
	int ret;

	if (check_unlinked(cs, err) < 0 ||
	    choose_rule_set(sync, cs, order->rule_set, &rule_set, err) < 0)
		return -1;
	ret = work_mv(sync, order->mv, &mv, err);
	if (ret == 0)
		(void)error_set(err, ERR_INVALID, "there is no mv %lld",
				(long long)order->mv);
	if (ret <= 0)
		return -1;
	if (!mv->plan || !takes_type(rule_set, mv->plan->type->index))
		return error_set(
			err, ERR_INVALID,
			"mv %lld is a '%s', which rule set '%s' does "
			"not link with",
			(long long)order->mv,
			store_name(sync->store, NAME_MV_TYPE, mv->row.type),
			rule_set->name);
	sync_consume(sync, cs);
	trace(sync, "join", "by-hand", rule_set, cs->e.row.id, mv->row.id,
	      "joined with mv %lld by hand", (long long)mv->row.id);
	return sync_link_up(sync, cs, rule_set, mv, LINK_HAND, LINK_EXPLICIT,
			    &order->counter, err);
}

static int type_to_make(struct sync *sync, const struct hand_order *order,
			const struct config_rule_set *rule_set, size_t *out,
			struct error *err)
{
	size_t i;

	*out = rule_set->mv_types[0];
	if (!order->type && rule_set->mv_type_count == 1)
		return 0;
	if (!order->type) {
		(void)error_set(err, ERR_INVALID,
				"rule set '%s' has %zu types of the "
				"metaverse: say which with --type",
				rule_set->name, rule_set->mv_type_count);
		return -1;
	}
	for (i = 0; i < rule_set->mv_type_count; i++) {
		*out = rule_set->mv_types[i];
		if (!strcmp(sync->config->mv_types[*out].name, order->type))
			return 0;
	}
	(void)error_set(err, ERR_INVALID,
			"rule set '%s' does not project as '%s'",
			rule_set->name, order->type);
	return -1;
}

static int make(struct sync *sync, struct hand_order *order, struct work_cs *cs,
		struct error *err)
{
	const struct config_rule_set *rule_set;
	struct work_mv *mv;
	size_t type;

	if (check_unlinked(cs, err) < 0 ||
	    choose_rule_set(sync, cs, order->rule_set, &rule_set, err) < 0 ||
	    type_to_make(sync, order, rule_set, &type, err) < 0)
		return -1;
	sync_consume(sync, cs);
	mv = work_new_mv(sync, &sync->mv_types[type], err);
	if (!mv)
		return -1;
	mv->row.projected = cs->e.row.id;
	order->mv = mv->row.id;
	trace(sync, "project", "by-hand", rule_set, cs->e.row.id, mv->row.id,
	      "projected as a new %s by hand", mv->plan->type->name);
	return sync_link_up(sync, cs, rule_set, mv, LINK_PROJECTION,
			    LINK_EXPLICIT, &order->counter, err);
}

/* What was pending for it is no longer ours to say. */
static void drop_pending(struct work_cs *cs)
{
	memset(&cs->e.pending, 0, sizeof(cs->e.pending));
	cs->dirty_pending = true;
}

static int disconnect(struct sync *sync, struct hand_order *order,
		      struct work_cs *cs, struct error *err)
{
	struct work_mv *mv;
	bool removed;

	if (!cs->e.link.mv)
		return refuse(err, "it is linked with nothing");
	if (cs->e.pending.in_progress)
		return refuse(err, "an export of it was cut off: run an export "
				   "of its agent first");
	if (sync_partner(sync, cs, &mv, err) < 0)
		return -1;
	order->mv = mv->row.id;
	sync_consume(sync, cs);
	drop_pending(cs);
	if (sync_lose(sync, cs, mv, order->normal ? LINK_NORMAL : LINK_EXPLICIT,
		      LINK_HAND, &removed, err) < 0)
		return -1;
	cs->queued = order->normal && !cs->removed;
	order->counter = removed ? "disconnected-remove-mv"
				 : "disconnected-leave-mv";
	return 0;
}

static int set_state(struct sync *sync, struct hand_order *order,
		     struct work_cs *cs, struct error *err)
{
	bool explicit = order->action == HAND_EXPLICIT;

	if ((cs->e.link.state == LINK_EXPLICIT) == explicit)
		return 0;
	if (cs->e.link.mv) {
		work_touch_cs(sync, cs);
		cs->e.link.state = explicit ? LINK_EXPLICIT : LINK_NORMAL;
		cs->dirty_link = true;
	} else {
		sync_set_state(sync, cs, explicit ? LINK_EXPLICIT : LINK_NORMAL,
			       explicit ? LINK_HAND : LINK_NONE);
		cs->e.has_link = true;
		cs->e.link.cs = cs->e.row.id;
		if (join_index_unlinked(sync, cs, err) < 0)
			return -1;
	}
	/* the rules have their say with the next delta-sync */
	cs->queued |= !explicit;
	order->counter = explicit ? "set-explicit" : "set-normal";
	return 0;
}

static int carry_out(struct sync *sync, struct hand_order *order,
		     struct work_cs *cs, struct error *err)
{
	if (check_object(cs, err) < 0)
		return -1;
	switch (order->action) {
	case HAND_JOIN:
		return join(sync, order, cs, err);
	case HAND_PROJECT:
		return make(sync, order, cs, err);
	case HAND_DISCONNECT:
		return disconnect(sync, order, cs, err);
	case HAND_EXPLICIT:
	case HAND_NORMAL:
		return set_state(sync, order, cs, err);
	}
	return 0;
}

/* ---- the step ---- */

static void note(struct sync *sync, struct hand_order *order, const char *why,
		 struct arena *arena)
{
	order->why = arena_cstr(arena, sv_from(why));
	sync->result->errors++;
}

/* Refused orders change nothing, not even what is recorded of the object. */
static int take_order(struct sync *sync, struct hand_order *order,
		      struct arena *arena, struct error *err)
{
	struct error why = ERROR_INIT;
	struct work_cs *cs;
	int ret = work_cs(sync, order->cs, &cs, err);

	if (ret < 0)
		return -1;
	if (ret == 0) {
		note(sync, order, "there is no such object any more", arena);
		return 0;
	}
	sync->result->objects++;
	order->counter = NULL;
	work_unit_begin(sync, order->cs);
	due_begin(sync);
	sync->equal_writer = 0;
	if (carry_out(sync, order, cs, &why) < 0) {
		work_unit_drop(sync);
		if (sync_error_fatal(&why)) {
			*err = why;
			return -1;
		}
		counters_add(sync->counters, 0, "flow-failure", order->cs);
		note(sync, order, why.msg, arena);
		return 0;
	}
	order->done = true;
	if (sync->blocked[0])
		order->why = arena_cstr(arena, sv_from(sync->blocked));
	if (sync->blocked[0] && order->action == HAND_DISCONNECT) {
		/* what is blocked is not this object's any more: the fix-up
		 * records it where it belongs */
		work_mark(sync, order->mv);
		sync->blocked[0] = '\0';
	}
	return sync_keep(sync, cs, order->counter, err);
}

static int all(struct sync *sync, struct hand_order *orders, size_t count,
	       struct arena *arena, struct error *err)
{
	size_t i;

	if (sync_begin(sync, err) < 0 || marks_begin(sync, err) < 0)
		return -1;
	sync->last_try = true;
	for (i = 0; i < count; i++) {
		if (take_order(sync, &orders[i], arena, err) < 0)
			return -1;
		if (i % BATCH == BATCH - 1 &&
		    (flush_now(sync, err) < 0 || sync_commit(sync, err) < 0))
			return -1;
	}
	if (flush_now(sync, err) < 0 || sync_commit(sync, err) < 0 ||
	    names_give_back(sync, err) < 0 || pass_fix_up(sync, err) < 0)
		return -1;
	return sync_end(sync, err);
}

int sync_hand(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct hand_order *orders,
	      size_t count, struct arena *arena, struct counters *counters,
	      struct sync_result *out, struct error *err)
{
	struct sync sync;
	int ret;

	sync_init(&sync, store, config, agent, options, counters, out);
	ret = all(&sync, orders, count, arena, err);
	if (ret < 0)
		outcome_count(&sync, false);
	sync_release(&sync);
	if (ret == 0 && out->errors)
		out->result = "completed-sync-errors";
	return ret;
}

/* ---- looking without keeping ---- */

static int preview(void *data, struct sync *sync, struct error *err)
{
	struct hand_order *order = data;
	struct work_cs *cs;
	int ret;

	work_unit_begin(sync, order->cs);
	ret = work_cs(sync, order->cs, &cs, err);
	if (ret <= 0)
		return ret < 0 ? -1
			       : error_set(err, ERR_NOTFOUND,
					   "there is no such object");
	sync->agent = cs->agent ? cs->agent->agent : NULL;
	sync->number = CS_AGENT(order->cs);
	if (carry_out(sync, order, cs, err) < 0)
		return -1;
	if (sync->blocked[0])
		trace(sync, "error", "blocked", NULL, order->cs, order->mv,
		      "%s", sync->blocked);
	if (order->counter)
		trace(sync, "result", order->counter, NULL, order->cs,
		      order->mv, "%s", order->counter);
	return 0;
}

int sync_hand_preview(struct store *store, const struct config *config,
		      const struct hand_order *order,
		      const struct sync_trace *trace_to, struct error *err)
{
	const struct looking looking = { store, config, NULL, trace_to, 0 };
	struct hand_order copy = *order;

	return look(&looking, preview, &copy, err);
}
