/*
 * review.c - links that the join rules would make differently now
 *
 * A link once made is never asked about again, whatever becomes of the values
 * that it was made by. This asks: each connector's join rules are tried as if
 * it were not linked. Reads only; of an object that its rules find again
 * nothing is told. Costs two look-ups an object, not more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

struct review {
	struct sync *sync;
	int (*fn)(void *data, const struct sync_review *row);
	void *data;
	struct sync_review row; /* that is being made */
};

/* The candidates of the last rule that found any. */
static void take_event(void *data, const struct sync_event *event)
{
	struct review *review = data;

	if (strcmp(event->step, "join") != 0 ||
	    strcmp(event->found, "candidates") != 0 || !event->candidate_count)
		return;
	review->row.rule = event->line;
	review->row.candidates = event->candidates;
	review->row.candidate_count = event->candidate_count;
}

/* Tries the rules again and listens: for what is worth telling only. */
static void look_closer(struct review *review, struct work_cs *cs)
{
	const struct sync_trace trace_to = { review, take_event };
	struct sync *sync = review->sync;
	struct error ignored = ERROR_INIT;
	struct work_mv *mv = NULL;

	sync->trace = &trace_to;
	(void)join_find(sync, cs, cs->rule_set, &mv, &ignored);
	sync->trace = NULL;
}

/* 1: worth telling, 0: as it is, -1 */
static int compare(struct review *review, struct work_cs *cs, struct error *err)
{
	struct sync_review *row = &review->row;
	struct work_mv *mv = NULL;
	bool by_join = row->how != LINK_PROJECTION &&
		       row->how != LINK_PROVISIONING;
	int ret = join_find(review->sync, cs, cs->rule_set, &mv, err);

	if (ret < 0 && sync_error_fatal(err))
		return -1;
	if (ret < 0) {
		row->finding = SYNC_REVIEW_ERROR;
		row->message =
			arena_cstr(&review->sync->scratch, sv_from(err->msg));
		error_clear(err);
		return 1;
	}
	if (ret == 1 && mv->row.id == row->mv)
		return 0;
	look_closer(review, cs);
	if (ret == 1)
		row->finding = SYNC_REVIEW_OTHER;
	else if (row->candidate_count)
		row->finding = SYNC_REVIEW_AMBIGUOUS;
	else
		row->finding = SYNC_REVIEW_NONE;
	/* what was not found by a rule need not be found by one */
	return ret > 0 || row->candidate_count || by_join;
}

/* fn's answer, or 0 */
static int review_one(void *data, const struct entry *entry, struct error *err)
{
	struct review *review = data;
	struct sync *sync = review->sync;
	struct work_cs *cs;
	int ret;

	if (!entry->link.mv || !entry->row.has_image ||
	    entry->import == IMPORT_DELETE || entry_going(entry) ||
	    !work_cs_entry(sync, entry, &cs) || !cs->rule_set ||
	    !cs->rule_set->join_count)
		return 0;
	review->row = (struct sync_review){ .cs = entry->row.id,
					    .mv = entry->link.mv,
					    .how = entry->link.how,
					    .since = entry->link.time,
					    .rule_set = cs->rule_set };
	ret = compare(review, cs, err);
	if (ret > 0)
		ret = review->fn(review->data, &review->row);
	arena_reset(&sync->scratch);
	return ret;
}

static int review_all(void *data, struct sync *sync, struct error *err)
{
	struct review *review = data;

	review->sync = sync;
	sync->alone = true;
	return look_at_all(sync, review_one, review, err);
}

int sync_review(struct store *store, const struct config *config,
		const struct config_agent *agent,
		int (*fn)(void *data, const struct sync_review *row),
		void *data, struct error *err)
{
	const struct looking looking = { store, config, agent, NULL, 0 };
	struct review review = { .fn = fn, .data = data };

	return look(&looking, review_all, &review, err);
}
