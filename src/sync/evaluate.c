/*
 * evaluate.c - a metaverse object and its targets, until nothing changes
 *
 * A new connector may contribute values itself (a login name chosen with the
 * add), which may change what is exported: the round is repeated until it
 * changes nothing more. Rules that chase each other are stopped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#define ROUNDS 10

/* Pending exports of a connector may be read by its own import rules. */
static bool contributes(const struct work_mv *mv)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++) {
		const struct config_rule_set *rs = mv->links[i]->rule_set;

		if (rs && rs->import_count &&
		    (rs->export_count || rs->provisions))
			return true;
	}
	return false;
}

static int rounds(struct sync *sync, struct work_mv *mv, bool *flowed_out,
		  struct error *err)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		int flowed;
		int provisioned;
		int exported;

		sync->round++;
		flowed = import_flow(sync, mv, err);
		if (flowed < 0)
			return -1;
		*flowed_out |= flowed > 0;
		if (round && !flowed)
			return 0;
		provisioned = provision(sync, mv, err);
		if (provisioned < 0)
			return -1;
		if (!mv->link_count) {
			/* provisioning took the last one */
			return link_deletion_rule(sync, mv, 0, NULL, err) < 0
				       ? -1
				       : 0;
		}
		exported = export_flow(sync, mv, err);
		if (exported < 0)
			return -1;
		if (!provisioned && !(exported && contributes(mv)))
			return 0;
	}
	return object_error(err, "extension-provisioning-call-limit-reached",
			    "after %d rounds rules still change mv %lld: two "
			    "of them depend on each other",
			    ROUNDS, (long long)mv->row.id);
}

int evaluate(struct sync *sync, struct work_mv *mv, bool *flowed_out,
	     struct error *err)
{
	struct expr_due outer = sync->due;
	int ret;

	*flowed_out = false;
	if (!mv->plan)
		return 0;
	if (work_wait_afresh(sync, mv, err) < 0 || due_as_of(sync, mv, err) < 0)
		return -1;
	due_begin(sync);
	ret = rounds(sync, mv, flowed_out, err);
	if (ret == 0)
		due_keep(sync, DUE_MV, mv->removed ? 0 : mv->row.id);
	sync->due = outer;
	sync->rules.as_of = 0;
	return ret;
}
