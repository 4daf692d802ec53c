/*
 * link.c - tie and untie objects, the object deletion rule, deprovisioning
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include "store/tree.h"

#include <string.h>

struct work_cs *link_find(const struct work_mv *mv,
			  const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		if (mv->links[i]->rule_set == rule_set)
			return mv->links[i];
	return NULL;
}

static int wake_connector(struct sync *sync, const struct work_cs *cs,
			  const struct work_mv *mv, struct error *err)
{
	int64_t id = cs->e.row.id;

	if (work_wake_value(sync, key_of_wait_link(sync->store, id), id, err) <
	    0)
		return -1;
	return work_wake_value(
		sync,
		key_of_wait_connector(sync->store, mv->row.id, CS_AGENT(id)),
		mv->row.id, err);
}

/* Of several accounts in an agent the first in file order is the one that
 * others refer to: is it another one now? */
static bool outranks(const struct work_mv *mv, const struct work_cs *cs,
		     const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++) {
		const struct work_cs *other = mv->links[i];

		if (CS_AGENT(other->e.row.id) == CS_AGENT(cs->e.row.id) &&
		    other->rule_set && rule_set->index < other->rule_set->index)
			return true;
	}
	return false;
}

#define OCCUPIED "ambiguous-import-flow-from-multiple-connectors"

bool link_error_occupied(const struct error *err)
{
	return err->code == ERR_INVALID &&
	       strncmp(err->msg, OCCUPIED ":", sizeof(OCCUPIED)) == 0;
}

int link_connect(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		 const struct config_rule_set *rule_set, enum link_how how,
		 struct error *err)
{
	struct work_cs **links;

	if (link_find(mv, rule_set))
		return object_error(
			err, OCCUPIED,
			"mv %lld has a connector under '%s' already",
			(long long)mv->row.id, rule_set->name);
	if (outranks(mv, cs, rule_set) &&
	    link_mark_mv_referrers(sync, mv->row.id, err) < 0)
		return -1;
	work_touch_cs(sync, cs);
	work_touch_mv(sync, mv);
	links = arena_array(&sync->batch, mv->link_count + 2, sizeof(*links));
	if (mv->link_count)
		memcpy(links, mv->links, mv->link_count * sizeof(*links));
	links[mv->link_count++] = cs;
	mv->links = links;
	held_linked(sync, cs, mv->row.id);
	vec_push(&sync->relinked, mv->row.id);
	cs->rule_set = rule_set;
	cs->e.has_link = true;
	cs->e.link.cs = cs->e.row.id;
	cs->e.link.mv = mv->row.id;
	cs->e.link.rule_set = plan_rule_set_number(sync, rule_set);
	cs->e.link.state = LINK_NORMAL;
	cs->e.link.how = how;
	cs->e.link.time = sync->stamp;
	marks_relink(sync, cs->e.row.id, mv->row.id);
	leave_cancel(sync, cs);
	cs->e.link.last_mv = 0;
	cs->e.link.wanted = how == LINK_PROVISIONING;
	cs->dirty_link = true;
	/* the deletion rule is not asked again before it loses another one */
	if (mv->plan && mv->plan->type->delete_rule)
		due_put(sync, DUE_DELETION, mv->row.id, 0, SV_NULL);
	return wake_connector(sync, cs, mv, err);
}

void link_disconnect(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		     enum link_state state, enum link_how how, bool remember)
{
	struct work_cs **links;
	size_t kept = 0;
	size_t i;

	work_touch_cs(sync, cs);
	work_touch_mv(sync, mv);
	marks_relink(sync, cs->e.row.id, mv->row.id);
	links = arena_array(&sync->batch, mv->link_count + 1, sizeof(*links));
	for (i = 0; i < mv->link_count; i++)
		if (mv->links[i] != cs)
			links[kept++] = mv->links[i];
	mv->links = links;
	mv->link_count = kept;
	vec_push(&sync->relinked, mv->row.id);
	cs->e.link.mv = 0;
	cs->e.link.state = state;
	cs->e.link.how = how;
	cs->e.link.time = sync->stamp;
	cs->e.link.wanted = false;
	cs->e.link.last_mv = remember ? mv->row.id : 0;
	cs->rule_set = NULL;
	cs->dirty_link = true;
}

int link_mark_referrers(struct sync *sync, int64_t id, struct error *err)
{
	int64_t *sources;
	int count = store_cs_referrers(sync->store, id, &sync->scratch,
				       &sources, err);
	int64_t mv;
	int i;

	for (i = 0; i < count; i++) {
		if (work_partner(sync, sources[i], &mv, err) < 0)
			return -1;
		if (mv)
			work_mark_value(sync, mv, id);
	}
	return count < 0 ? -1 : 0;
}

static void mark(struct sync *sync, int64_t mv, int64_t cause)
{
	if (cause)
		work_mark_value(sync, mv, cause);
	else
		work_mark(sync, mv);
}

static int mark_mv_referrers(struct sync *sync, int64_t mv, int64_t cause,
			     struct error *err)
{
	int64_t *sources;
	const struct ref_change *ref;
	int count = store_mv_referrers(sync->store, mv, &sync->scratch,
				       &sources, err);
	int i;

	for (i = 0; i < count; i++)
		mark(sync, sources[i], cause);
	vec_foreach(&sync->w.refs, ref)
		if (ref->target == mv && ref->add)
			mark(sync, ref->source, cause);
	return count < 0 ? -1 : 0;
}

int link_mark_mv_referrers(struct sync *sync, int64_t mv, struct error *err)
{
	return mark_mv_referrers(sync, mv, mv, err);
}

int link_mark_mv_finders(struct sync *sync, int64_t mv, struct error *err)
{
	return mark_mv_referrers(sync, mv, 0, err);
}

/* ---- objects that go away ---- */

int link_remove_object(struct sync *sync, struct work_cs *cs, struct error *err)
{
	struct agent_plan *agent = plan_agent(sync, CS_AGENT(cs->e.row.id));
	int64_t *ids;
	size_t children = 0;
	int referrers;

	work_touch_cs(sync, cs);
	held_gone(sync, cs);
	referrers = store_cs_referrers(sync->store, cs->e.row.id,
				       &sync->scratch, &ids, err);
	if (referrers < 0)
		return -1;
	if (cs->e.row.rdn.len &&
	    store_cs_children(sync->store, cs->e.row.id, &sync->scratch, &ids,
			      &children, err) < 0)
		return -1;
	due_put(sync, DUE_CS, cs->e.row.id, 0, SV_NULL);
	due_put(sync, DUE_DEPROVISION, cs->e.row.id, 0, SV_NULL);
	cs->removed = true;
	cs->dirty_row = true;
	cs->leave_placeholder = referrers > 0 || children > 0;
	if (cs->e.row.anchor.len)
		cs->old_anchor_h = key_of_anchor(
			sync->store, CS_AGENT(cs->e.row.id),
			agent && agent->has_dn ? 0 : cs->e.row.type,
			cs->e.row.anchor);
	if (agent)
		tree_forget(&agent->tree);
	return link_mark_referrers(sync, cs->e.row.id, err);
}

bool link_never_exported(const struct work_cs *cs)
{
	return !cs->e.row.has_image && cs->e.awaiting.op == PENDING_NONE &&
	       !cs->e.pending.in_progress;
}

static int deprovision_action(struct sync *sync, struct work_cs *cs,
			      const struct work_mv *mv,
			      enum config_deprovision *out, struct error *err)
{
	static const struct {
		const char *word;
		enum config_deprovision action;
	} words[] = {
		{ "delete", DEPROVISION_DELETE },
		{ "disconnect", DEPROVISION_DISCONNECT },
		{ "explicit-disconnect", DEPROVISION_EXPLICIT },
	};
	const struct config_rule_set *rule_set = cs->rule_set;
	struct rules_view rules = { 0 };
	struct cs_view view;
	struct sv word;
	size_t i;

	*out = rule_set ? rule_set->deprovision : DEPROVISION_EXPLICIT;
	if (*out != DEPROVISION_RULE)
		return 0;
	view_cs(sync, cs, &view);
	rules.here = view_mv(mv);
	rules.current = view_expected(&view);
	rules.imported = view_imported(&view);
	if (rules_text(&sync->rules, rule_set->deprovision_rule, &rules,
		       &sync->scratch, &word, err) < 0)
		return -1;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (sv_ieq_str(word, words[i].word)) {
			*out = words[i].action;
			return 0;
		}
	}
	return object_error(err, "extension-deprovisioning-invalid-result",
			    "the deprovision rule of '%s' gave '" SV_FMT
			    "'; delete, disconnect or explicit-disconnect is "
			    "wanted",
			    rule_set->name, SV_ARG(word));
}

static void trace_deprovision(struct sync *sync, const struct work_cs *cs,
			      const struct work_mv *mv,
			      enum config_deprovision action)
{
	const char *found = "explicit-disconnect";
	const char *text = "disconnected: an explicit disconnector";

	if (link_never_exported(cs)) {
		found = "forget";
		text = "forgotten: it was never written";
	} else if (action == DEPROVISION_DELETE) {
		found = "delete";
		text = "to be deleted in the system";
	} else if (action == DEPROVISION_DISCONNECT) {
		found = "disconnect";
		text = "disconnected: a normal disconnector";
	}
	trace(sync, "deprovision", found, cs->rule_set, cs->e.row.id,
	      mv ? mv->row.id : 0, "%s", text);
}

/* Unlinked already: what becomes of the account. */
static int let_go(struct sync *sync, struct work_cs *cs,
		  enum config_deprovision action, struct error *err)
{
	leave_end(sync, cs);
	/* what was pending for it is no longer wanted */
	memset(&cs->e.pending, 0, sizeof(cs->e.pending));
	if (action == DEPROVISION_DELETE)
		cs->e.pending.op = PENDING_DELETE;
	cs->dirty_pending = true;
	if (cs->merged.len || cs->has_merged) {
		cs->merged = IMAGE_EMPTY;
		cs->dirty_merged = true;
	}
	work_outcome(sync, cs, OUT_DISCONNECT, false);
	return action == DEPROVISION_DELETE
		       ? 0
		       : join_index_unlinked(sync, cs, err);
}

int link_deprovision_left(struct sync *sync, struct work_cs *cs,
			  struct error *err)
{
	const struct config_rule_set *rule_set =
		plan_rule_set(sync, cs->e.link.rule_set);
	enum config_deprovision action =
		!rule_set || rule_set->deprovision == DEPROVISION_RULE
			? DEPROVISION_EXPLICIT
			: rule_set->deprovision;

	trace_deprovision(sync, cs, NULL, action);
	work_touch_cs(sync, cs);
	cs->e.link.state = action == DEPROVISION_DISCONNECT ? LINK_NORMAL
							    : LINK_EXPLICIT;
	cs->e.link.how = LINK_DEPROVISIONING;
	cs->e.link.time = sync->stamp;
	cs->dirty_link = true;
	return let_go(sync, cs, action, err);
}

/* The metaverse object goes before the day: the account waits without it, as
 * a normal disconnector. */
static int leave_behind(struct sync *sync, struct work_cs *cs,
			struct work_mv *mv, struct error *err)
{
	if (leave_begin(sync, cs, mv, err) < 0 ||
	    link_mark_mv_referrers(sync, mv->row.id, err) < 0)
		return -1;
	link_disconnect(sync, cs, mv, LINK_NORMAL, LINK_DEPROVISIONING, false);
	return join_index_unlinked(sync, cs, err);
}

int link_deprovision(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		     struct error *err)
{
	enum config_deprovision action;

	held_gone(sync, cs);
	if (leave_waits(sync, cs))
		return leave_behind(sync, cs, mv, err);
	if (deprovision_action(sync, cs, mv, &action, err) < 0)
		return -1;
	trace_deprovision(sync, cs, mv, action);
	if (link_mark_mv_referrers(sync, mv->row.id, err) < 0)
		return -1;
	if (link_never_exported(cs)) {
		bool fresh = cs->is_new;

		link_disconnect(sync, cs, mv, LINK_NORMAL, LINK_DEPROVISIONING,
				false);
		work_outcome(sync, cs, fresh ? OUT_NONE : OUT_DISCONNECT,
			     false);
		return link_remove_object(sync, cs, err);
	}
	link_disconnect(sync, cs, mv,
			action == DEPROVISION_DISCONNECT ? LINK_NORMAL
							 : LINK_EXPLICIT,
			LINK_DEPROVISIONING, true);
	return let_go(sync, cs, action, err);
}

int link_take_away(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		   struct error *err)
{
	if (!cs->e.row.type || !mv) {
		work_touch_cs(sync, cs);
		memset(&cs->e.pending, 0, sizeof(cs->e.pending));
		cs->e.pending.op = PENDING_DELETE;
		cs->dirty_pending = true;
		return 0;
	}
	if (link_mark_mv_referrers(sync, mv->row.id, err) < 0)
		return -1;
	link_disconnect(sync, cs, mv, LINK_EXPLICIT, LINK_DEPROVISIONING, true);
	return let_go(sync, cs, DEPROVISION_DELETE, err);
}

/* ---- the object deletion rule ---- */

static bool under(const struct work_cs *cs, const struct config_rank *who)
{
	if (!cs->agent || cs->agent->agent->index != who->agent)
		return false;
	return !who->rule_set || cs->rule_set == who->rule_set;
}

static bool lost_under(const struct config_rule_set *lost,
		       const struct config_rank *who)
{
	return lost && lost->agent == who->agent &&
	       (!who->rule_set || who->rule_set == lost);
}

static bool any_left(const struct work_mv *mv, const struct config_rank *who)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		if (under(mv->links[i], who))
			return true;
	return false;
}

static int rule_says_delete(struct sync *sync, struct work_mv *mv, int64_t cs,
			    const struct config_rule_set *lost,
			    struct error *err)
{
	const struct config_mv_type *type = mv->plan->type;
	struct rules_view rules = { 0 };
	bool named = false;
	bool left = false;
	bool says = false;
	struct expr_due outer;
	size_t i;
	int ret;

	switch (type->delete_when) {
	case DELETE_LAST:
		return mv->link_count == 0;
	case DELETE_LAST_OF:
		for (i = 0; i < type->delete_of_count; i++) {
			named |= lost_under(lost, &type->delete_of[i]);
			left |= any_left(mv, &type->delete_of[i]);
		}
		return (named && !left) || mv->link_count == 0;
	case DELETE_ANY_OF:
		for (i = 0; i < type->delete_of_count; i++)
			if (lost_under(lost, &type->delete_of[i]) &&
			    !any_left(mv, &type->delete_of[i]))
				return 1;
		return mv->link_count == 0;
	case DELETE_PROJECTED:
		return mv->row.projected == cs || mv->link_count == 0;
	case DELETE_NEVER:
		return 0;
	case DELETE_RULE:
		outer = sync->due;
		due_begin(sync);
		rules.here = view_mv(mv);
		ret = rules_condition(&sync->rules, type->delete_rule, &rules,
				      &sync->scratch, &says, err);
		if (ret == 0)
			due_keep(sync, DUE_DELETION, mv->row.id);
		sync->due = outer;
		if (ret < 0)
			return -1;
		return says || mv->link_count == 0;
	case DELETE_LUA:
		if (!mv->link_count)
			return 1;
		return ask_deletion(sync, mv, lost, err);
	}
	return 0;
}

static const char *why_deleted(const struct work_mv *mv)
{
	if (!mv->link_count)
		return "its last connector is gone";
	switch (mv->plan->type->delete_when) {
	case DELETE_LAST_OF:
		return "the last connector of those that count is gone";
	case DELETE_ANY_OF:
		return "a connector that it cannot be without is gone";
	case DELETE_PROJECTED:
		return "the connector that created it is gone";
	case DELETE_RULE:
		return "its type's deletion rule is true";
	case DELETE_LUA:
		return "its type's function says so";
	case DELETE_LAST:
	case DELETE_NEVER:
		break;
	}
	return "its last connector is gone";
}

static int delete_mv(struct sync *sync, struct work_mv *mv, struct error *err)
{
	int64_t *targets;
	size_t count;
	size_t i;

	trace(sync, "mv-deletion", "deleted", NULL, 0, mv->row.id,
	      "the metaverse object is deleted: %s", why_deleted(mv));
	held_mv_gone(sync, mv);
	while (mv->link_count)
		if (link_deprovision(sync, mv->links[0], mv, err) < 0)
			return -1;
	if (link_mark_mv_referrers(sync, mv->row.id, err) < 0 ||
	    work_wait_afresh(sync, mv, err) < 0)
		return -1;
	image_references(&mv->image, &sync->scratch, &targets, &count);
	for (i = 0; i < count; i++) {
		struct ref_change ref = { targets[i], mv->row.id, false, 0 };

		vec_push(&sync->w.refs, ref);
	}
	work_touch_mv(sync, mv);
	due_put(sync, DUE_MV, mv->row.id, 0, SV_NULL);
	due_put(sync, DUE_DELETION, mv->row.id, 0, SV_NULL);
	if (import_flow_keys(sync, mv, &mv->image, &IMAGE_EMPTY, err) < 0)
		return -1;
	mv->removed = true;
	mv->dirty = true;
	return 0;
}

int link_deletion_rule(struct sync *sync, struct work_mv *mv, int64_t cs,
		       const struct config_rule_set *rule_set,
		       struct error *err)
{
	int says;

	if (!mv->plan)
		return 0;
	/* a condition judges what the object is without what was lost; a
	 * function is told of both */
	if (mv->plan->type->delete_when == DELETE_RULE && mv->link_count &&
	    import_flow(sync, mv, err) < 0)
		return -1;
	says = rule_says_delete(sync, mv, cs, rule_set, err);
	if (says <= 0)
		return says;
	return delete_mv(sync, mv, err) < 0 ? -1 : 1;
}
