/*
 * due.c - what changes with the time, and is to be looked at again then
 *
 * Rules that compare with Now() tell when their result changes (expr/due.c).
 * The earliest such moment of all that was evaluated for an object is kept,
 * for its inbound rules and for its metaverse object apart; each evaluation
 * replaces it. A synchronization begins by queueing what has come due. Where
 * no rule uses Now() and nothing is kept, nothing here costs anything.
 *
 * A rule whose value is made of Now() gives another one each time it is asked.
 * So that a confirmed export does not make the next one, such a value stands as
 * of the evaluation that is kept, until that one is due: at the next midnight.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#define CHUNK 4096

void due_begin(struct sync *sync)
{
	sync->due = (struct expr_due){ 0, SV_NULL, false };
}

void due_put(struct sync *sync, enum due_kind kind, int64_t id, int64_t time,
	     struct sv why)
{
	struct due_row row = { kind, id, time, 0, why };

	if (!id || (!sync->tx && !sync->finds_quiet) ||
	    (!time && !sync->dues_stored && !sync->w.dues.len))
		return;
	vec_push(&sync->w.dues, row);
}

void due_keep(struct sync *sync, enum due_kind kind, int64_t id)
{
	size_t before = sync->w.dues.len;

	due_put(sync, kind, id, sync->due.time, sync->due.why);
	if (kind == DUE_MV && sync->due.flows && sync->w.dues.len > before)
		sync->w.dues.at[before].since =
			sync->rules.as_of ? sync->rules.as_of : sync->now;
}

int due_as_of(struct sync *sync, const struct work_mv *mv, struct error *err)
{
	struct due_row row;
	int ret;

	sync->rules.as_of = 0;
	if (!sync->config->now_flows || !sync->dues_stored || mv->is_new)
		return 0;
	ret = store_due_get(sync->store, DUE_MV, mv->row.id, &row, err);
	if (ret > 0 && row.time > sync->now)
		sync->rules.as_of = row.since;
	return ret < 0 ? -1 : 0;
}

int due_take(struct sync *sync, struct error *err)
{
	int count;

	sync->dues_stored = store_due_any(sync->store);
	if (!sync->dues_stored)
		return 0;
	if (store_due_wake(sync->tx, DUE_DELETION, sync->now, err) < 0)
		return -1;
	if (sync->config->provisioning &&
	    store_due_wake(sync->tx, DUE_DEPROVISION, sync->now, err) < 0)
		return -1;
	do {
		count = store_due_take(sync->tx, sync->now, CHUNK, err);
		if (count < 0 || sync_commit(sync, err) < 0)
			return -1;
	} while (count > 0);
	return 0;
}

int due_deletion(struct sync *sync, const struct work_mv *mv, struct error *err)
{
	struct due_row row;
	int ret;

	if (!sync->dues_stored || !mv->plan || !mv->plan->type->delete_rule)
		return 0;
	ret = store_due_get(sync->store, DUE_DELETION, mv->row.id, &row, err);
	return ret > 0 ? row.time <= sync->now : ret;
}
