/*
 * leave.c - deprovisioning that waits: `deprovision: { after: ... }`
 *
 * An account that is no longer wanted, or whose metaverse object goes, begins
 * to wait: link.leaving says since when, the table `due` until when.
 *
 *	wanted --leave_begin--> leaving --the day--> link.c deprovisions it
 *	   ^                       |
 *	   +---- leave_cancel -----+   wanted again, or linked anew
 *
 * Until the day nothing but `meanwhile` is exported, once. While its metaverse
 * object lives it keeps its link; without one it is a normal disconnector that
 * joins find, but that projects nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <string.h>

static const struct config_rule_set *rule_set_of(struct sync *sync,
						 const struct work_cs *cs)
{
	return cs->rule_set ? cs->rule_set
			    : plan_rule_set(sync, cs->e.link.rule_set);
}

static int64_t day_of(struct sync *sync, const struct work_cs *cs)
{
	const struct config_rule_set *rule_set = rule_set_of(sync, cs);
	int64_t since = cs->e.link.leaving ? cs->e.link.leaving : sync->now;

	return since + rule_set->deprovision_after;
}

/* An add whose outcome is not known. */
static bool on_its_way(const struct work_cs *cs)
{
	return cs->e.pending.in_progress && cs->e.pending.op != PENDING_UPDATE;
}

bool leave_waits(struct sync *sync, const struct work_cs *cs)
{
	const struct config_rule_set *rule_set = rule_set_of(sync, cs);

	/* in no file: nothing happens to it */
	if (!rule_set)
		return cs->e.link.leaving != 0;
	if (!rule_set->deprovision_after || link_never_exported(cs) ||
	    on_its_way(cs))
		return false;
	return !cs->e.link.leaving || day_of(sync, cs) > sync->now;
}

static void note_day(struct sync *sync, const struct work_cs *cs)
{
	static const char *const words[] = {
		[DEPROVISION_EXPLICIT] = "then explicit-disconnect",
		[DEPROVISION_DISCONNECT] = "then disconnect",
		[DEPROVISION_DELETE] = "then delete",
		[DEPROVISION_RULE] = "",
	};
	const struct config_rule_set *rule_set = rule_set_of(sync, cs);

	if (!rule_set)
		return;
	due_put(sync, DUE_DEPROVISION, cs->e.row.id, day_of(sync, cs),
		sv_from(words[rule_set->deprovision]));
	trace(sync, "deprovision", "waits", rule_set, cs->e.row.id,
	      cs->e.link.mv, "waits to be deprovisioned: %s",
	      words[rule_set->deprovision]);
}

int leave_begin(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		struct error *err)
{
	const struct config_rule_set *rule_set = cs->rule_set;
	struct export_state *pending = &cs->e.pending;

	if (cs->e.link.leaving) {
		note_day(sync, cs);
		return 0;
	}
	work_touch_cs(sync, cs);
	memset(pending, 0, sizeof(*pending));
	cs->dirty_pending = true;
	cs->e.link.leaving = sync->now;
	cs->dirty_link = true;
	note_day(sync, cs);
	if (!rule_set->meanwhile_count)
		return 0;
	return export_flow_only(sync, mv, cs, rule_set->meanwhile,
				rule_set->meanwhile_count, err);
}

void leave_end(struct sync *sync, struct work_cs *cs)
{
	if (!cs->e.link.leaving)
		return;
	work_touch_cs(sync, cs);
	cs->e.link.leaving = 0;
	cs->dirty_link = true;
	due_put(sync, DUE_DEPROVISION, cs->e.row.id, 0, SV_NULL);
}

void leave_cancel(struct sync *sync, struct work_cs *cs)
{
	if (!cs->e.link.leaving)
		return;
	trace(sync, "deprovision", "stays", rule_set_of(sync, cs), cs->e.row.id,
	      cs->e.link.mv, "no longer waits to go");
	leave_end(sync, cs);
	/* what was to be written meanwhile */
	if (cs->e.pending.op == PENDING_UPDATE) {
		work_outcome(sync, cs, OUT_FLOW, true);
		memset(&cs->e.pending, 0, sizeof(cs->e.pending));
		cs->dirty_pending = true;
	}
}
