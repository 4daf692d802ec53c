/*
 * candidates.c - names for what a review of the links found
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/candidates.h"

#include "inspect/explain_private.h"

struct review {
	struct display *display;
	const struct config_agent *agent;
	struct arena arena;
	int (*fn)(void *data, const struct candidates_link *link);
	void *data;
	struct error *err;
};

/* An object that is gone has no title. */
static int fill(struct review *review, int64_t mv, struct candidate *out)
{
	struct display_mv object;
	struct mv_row row;
	int ret = store_mv_get(review->display->store, mv, &review->arena, &row,
			       review->err);

	*out = (struct candidate){ mv, SV_LIT("") };
	if (ret <= 0)
		return ret;
	if (display_mv(review->display, &row, &review->arena, &object,
		       review->err) < 0)
		return -1;
	out->title = display_title(&object.attrs);
	return 0;
}

static int fill_found(struct review *review, const struct sync_review *row,
		      struct candidates_link *link)
{
	size_t i;

	link->found = arena_array(&review->arena, row->candidate_count,
				  sizeof(*link->found));
	for (i = 0; i < row->candidate_count; i++)
		if (fill(review, row->candidates[i],
			 &link->found[link->found_count++]) < 0)
			return -1;
	return 0;
}

static int on_row(void *data, const struct sync_review *row)
{
	static const char *const findings[] = {
		[SYNC_REVIEW_OTHER] = "other",
		[SYNC_REVIEW_AMBIGUOUS] = "ambiguous",
		[SYNC_REVIEW_NONE] = "none",
		[SYNC_REVIEW_ERROR] = "error",
	};
	struct review *review = data;
	struct candidates_link link = {
		.cs = row->cs,
		.agent = review->agent->name,
		.rule_set = row->rule_set->name,
		.how = explain_how(row->how),
		.since = row->since,
		.finding = findings[row->finding],
		.message = row->message,
	};
	const struct node *at =
		row->rule ? row->rule_set->joins[row->rule - 1].at : NULL;
	int ret = display_cs_name(review->display, row->cs, &review->arena,
				  &link.dn, &link.anchor, review->err);

	if (at)
		link.rule = arena_printf(&review->arena, "%s:%d", at->file,
					 at->line);
	if (ret >= 0)
		ret = fill(review, row->mv, &link.linked);
	if (ret >= 0)
		ret = fill_found(review, row, &link);
	if (ret >= 0)
		ret = review->fn(review->data, &link);
	arena_reset(&review->arena);
	return ret;
}

int candidates_review(struct display *display, const struct config_agent *agent,
		      int (*fn)(void *data, const struct candidates_link *link),
		      void *data, struct error *err)
{
	struct review review = { .display = display,
				 .agent = agent,
				 .fn = fn,
				 .data = data,
				 .err = err };
	int ret = sync_review(display->store, display->config, agent, on_row,
			      &review, err);

	arena_release(&review.arena);
	return ret;
}
