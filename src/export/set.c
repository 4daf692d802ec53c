/*
 * set.c - values of reference sets that are pending by rows
 *
 * An update that adds values to sets and takes values from them, and does
 * nothing else, is built from its rows (store/member.h) and its answer is
 * written to them; the other values are not looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "base/clock.h"
#include "store/retry.h"

#include <string.h>

static bool by_rows(const struct pending_export *state)
{
	return state->op == PENDING_UPDATE && !state->attrs.len &&
	       !state->rdn.len;
}

int set_load(struct export_step *step, const struct planned *planned,
	     struct entry *entry, struct member **rows, struct error *err)
{
	struct pending_export pending;
	struct pending_export awaiting;
	int count = 0;
	int ret = 0;

	if (step->connector->caps & CONNECTOR_CAP_WHOLE)
		return 0;
	if (planned->op == PENDING_UPDATE && !planned->untie)
		count = store_member_moving(step->store, planned->cs,
					    &step->arena, rows, err);
	if (count <= 0)
		return count;
	if (store_pending_export_get(step->store, planned->cs, &step->arena,
				     &pending, err) < 0 ||
	    store_awaiting_get(step->store, planned->cs, &step->arena,
			       &awaiting, err) < 0)
		return -1;
	if (!by_rows(&pending) ||
	    (awaiting.op != PENDING_NONE && !by_rows(&awaiting)))
		return 0;
	memset(entry, 0, sizeof(*entry));
	ret = store_cs_named(step->store, planned->cs, &step->arena,
			     &entry->row, err);
	entry->pending.op = pending.op;
	entry->pending.in_progress = pending.in_progress;
	return ret > 0 && entry->row.type ? count : ret < 0 ? -1 : 0;
}

static int set_refused(struct export_step *step, const struct planned *planned,
		       const struct export_outcome *outcome, struct error *err)
{
	struct pending_export pending = { .cs = planned->cs,
					  .op = PENDING_UPDATE };

	if (store_pending_export_put(step->tx, &pending, err) < 0)
		return -1;
	return outcome_refused(step, planned->cs, outcome, err);
}

static int await_rows(struct export_step *step, int64_t cs, struct error *err)
{
	struct member *rows;
	int count =
		store_member_moving(step->store, cs, &step->arena, &rows, err);
	int i;

	for (i = 0; i < count; i++) {
		struct member *row = &rows[i];
		bool wanted = member_in_expected(row);

		if (!(row->flags & MEMBER_PENDING))
			continue;
		row->flags &= ~(unsigned)(MEMBER_PENDING | MEMBER_WANTED |
					  MEMBER_WRITTEN);
		row->flags |= MEMBER_AWAITED | (wanted ? MEMBER_WRITTEN : 0);
		if (store_member_put(step->tx, row, err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

int take_sets(struct export_step *step, const struct planned *planned,
	      const struct export_outcome *outcome, struct error *err)
{
	struct pending_export awaiting = { .cs = planned->cs,
					   .op = PENDING_UPDATE };

	if (!outcome->ok)
		return set_refused(step, planned, outcome, err);
	counters_add(step->counters, 0, "export-update", planned->cs);
	if (store_error_delete(step->tx, planned->cs, ERROR_EXPORT, err) < 0 ||
	    store_retry_delete(step->tx, planned->cs, RETRY_REFUSED, err) < 0 ||
	    await_rows(step, planned->cs, err) < 0 ||
	    store_awaiting_put(step->tx, &awaiting, err) < 0)
		return -1;
	return store_pending_export_delete(step->tx, planned->cs, err);
}
