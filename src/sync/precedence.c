/*
 * precedence.c - whose value counts where no rank says it
 *
 * `equal`: the last writer. One that wrote is an object whose own import, or
 * whose new link, changed what its rules contribute; so an import that changes
 * something else writes nothing, and a full synchronization of what did not
 * change writes nothing either. Of two that wrote in one run the one whose
 * agent stands first wins. Of several values what was added and removed counts,
 * and values that no connector has any more go.
 *
 * { lua: f }: the function is given all that is contributed and chooses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/import_flow.h"

#include <string.h>

/* ---- who wrote ---- */

static struct work_cs *connector(const struct flow *flow,
				 const struct contributor *who)
{
	return link_find(flow->mv, who->rule_set);
}

/* A contributor's values as they are; nothing is traced. */
static int contributed(struct flow *flow, const struct attr_plan *attr,
		       const struct contributor *who, struct work_cs *cs,
		       struct values *out, struct error *err)
{
	const struct sync_trace *trace = flow->sync->trace;
	int say;

	flow->sync->trace = NULL;
	*out = (struct values){ NULL, 0 };
	say = flow_ask(flow, cs, attr, who, out, true, err);
	flow->sync->trace = trace;
	if (say < 0)
		return -1;
	if (say != SAY_VALUES)
		*out = (struct values){ NULL, 0 };
	return 0;
}

/* What they were before its import was taken. */
static int contributed_before(struct flow *flow, const struct attr_plan *attr,
			      const struct contributor *who, struct work_cs *cs,
			      struct values *out, struct error *err)
{
	struct cs_view *view = flow_view(flow, cs);
	struct cs_view now = *view;
	int ret;

	*out = (struct values){ NULL, 0 };
	if (!flow->sync->writer_was_linked)
		return 0;
	view->expected = flow->sync->writer_before;
	view->imported = flow->sync->writer_before;
	ret = contributed(flow, attr, who, cs, out, err);
	*view = now;
	return ret;
}

static bool is_writer(const struct flow *flow, const struct work_cs *cs)
{
	return cs && cs->e.row.id == flow->sync->equal_writer;
}

int precedence_last_writer(struct flow *flow, const struct attr_plan *attr,
			   const struct contributor **out, struct error *err)
{
	const struct lineage_entry *old =
		lineage_get(&flow->mv->lineage, attr->attr->attr.id);
	const struct contributor *owner = NULL;
	const struct contributor *writer = NULL;
	struct values before;
	struct values now;
	size_t i;

	for (i = 0; i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = connector(flow, who);

		if (cs && old && cs->e.row.id == old->cs)
			owner = who;
		if (!is_writer(flow, cs))
			continue;
		if (contributed(flow, attr, who, cs, &now, err) < 0 ||
		    contributed_before(flow, attr, who, cs, &before, err) < 0)
			return -1;
		if (now.len && !values_identical(&before, &now))
			writer = who;
	}
	/* contributors stand in order of their agents */
	if (writer && owner && owner < writer && old->time == flow->sync->stamp)
		writer = NULL;
	*out = writer ? writer : owner;
	flow->owner_changed |= writer && writer != owner;
	return 0;
}

/* ---- several values ---- */

/* What contributors have, and what the writer added and removed. */
struct tally {
	struct values all;
	struct values added;
	struct values removed;
	int64_t first;  /* that contributes */
	int64_t writer; /* that added something */
};

static void append(struct flow *flow, struct values *to,
		   const struct values *more, const struct values *without)
{
	struct values out = { NULL, to->len };
	size_t i;

	if (!more->len)
		return;
	out.at = arena_array(&flow->sync->batch, to->len + more->len,
			     sizeof(*out.at));
	if (to->len)
		memcpy(out.at, to->at, to->len * sizeof(*out.at));
	for (i = 0; i < more->len; i++)
		if (!without ||
		    !values_have(without, &more->at[i], MATCH_EXACT))
			out.at[out.len++] = more->at[i];
	*to = out;
}

static int tally_one(struct flow *flow, const struct attr_plan *attr,
		     const struct contributor *who, struct work_cs *cs,
		     struct tally *tally, struct error *err)
{
	bool joined = cs->e.link.time == flow->sync->stamp &&
		      (cs->e.link.how == LINK_JOIN ||
		       cs->e.link.how == LINK_PROJECTION);
	struct values before = { NULL, 0 };
	struct values now;

	if (contributed(flow, attr, who, cs, &now, err) < 0)
		return -1;
	append(flow, &tally->all, &now, NULL);
	if (!tally->first && now.len)
		tally->first = cs->e.row.id;
	if (!joined && !is_writer(flow, cs))
		return 0;
	if (!joined &&
	    contributed_before(flow, attr, who, cs, &before, err) < 0)
		return -1;
	if (now.len && !values_identical(&before, &now))
		tally->writer = cs->e.row.id;
	append(flow, &tally->added, &now, &before);
	append(flow, &tally->removed, &before, &now);
	return 0;
}

static int take_tally(struct flow *flow, const struct attr_plan *attr,
		      struct tally *tally, struct error *err)
{
	size_t i;

	for (i = 0; i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = connector(flow, who);

		if (cs && tally_one(flow, attr, who, cs, tally, err) < 0)
			return -1;
	}
	return 0;
}

static void trace_tally(struct flow *flow, const struct attr_plan *attr,
			const struct tally *tally, const struct values *result)
{
	struct error ignored = ERROR_INIT;
	struct values values;
	size_t i;

	if (!flow->sync->trace)
		return;
	for (i = 0; i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = connector(flow, who);

		if (!cs)
			flow_trace_absent(flow, attr, who);
		else
			(void)flow_ask(flow, cs, attr, who, &values, true,
				       &ignored);
	}
	if (result->len)
		flow_trace_stays(flow, attr, "merged",
				 "what was added and not removed by any of its "
				 "contributors",
				 tally->first, result);
}

int precedence_equal(struct flow *flow, const struct attr_plan *attr,
		     struct image *image, struct error *err)
{
	attr_id id = attr->attr->attr.id;
	const struct lineage_entry *old = lineage_get(&flow->mv->lineage, id);
	const struct values *present = image_get(&flow->mv->image, id);
	struct tally tally = { .first = 0 };
	struct values wanted = { NULL, 0 };
	struct values result = { NULL, 0 };
	size_t i;

	if (take_tally(flow, attr, &tally, err) < 0)
		return -1;
	if (present)
		append(flow, &wanted, present, &tally.removed);
	/* never computed before: all there is */
	append(flow, &wanted, old ? &tally.added : &tally.all, NULL);
	result.at = arena_array(&flow->sync->batch, wanted.len + 1,
				sizeof(*result.at));
	for (i = 0; i < wanted.len; i++)
		if (values_have(&tally.all, &wanted.at[i], MATCH_EXACT) &&
		    !values_have(&result, &wanted.at[i], MATCH_EXACT))
			result.at[result.len++] = wanted.at[i];
	values_canonical(&result);
	trace_tally(flow, attr, &tally, &result);
	if (result.len)
		image_put(image, id, result, &flow->sync->scratch);
	/* that it has been emptied is remembered */
	if (result.len || old || present)
		flow_lineage(flow, id,
			     !result.len    ? 0
			     : tally.writer ? tally.writer
					    : tally.first,
			     &result);
	return 0;
}

/* ---- a Lua function chooses ---- */

/* All that is contributed, in order of rank; their number or -1. */
static int gather(struct flow *flow, const struct attr_plan *attr,
		  struct contribution *all, size_t *which, struct error *err)
{
	const struct lineage_entry *old =
		lineage_get(&flow->mv->lineage, attr->attr->attr.id);
	int count = 0;
	size_t i;

	for (i = 0; i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = connector(flow, who);
		struct contribution *c = &all[count];

		if (!cs)
			continue;
		if (contributed(flow, attr, who, cs, &c->values, err) < 0)
			return -1;
		if (!c->values.len)
			continue;
		c->rule_set = who->rule_set;
		c->cs = cs->e.row.id;
		c->list = attr->attr->attr.def.multi;
		c->current = old && old->cs == c->cs;
		c->since = old ? old->time : 0;
		c->changed = is_writer(flow, cs);
		which[count++] = i;
	}
	return count;
}

static void trace_chosen(struct flow *flow, const struct attr_plan *attr,
			 size_t chosen)
{
	struct error ignored = ERROR_INIT;
	struct values values;
	size_t i;

	for (i = 0; flow->sync->trace && i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = connector(flow, who);

		if (!cs)
			flow_trace_absent(flow, attr, who);
		else
			(void)flow_ask(flow, cs, attr, who, &values,
				       i != chosen, &ignored);
	}
}

/* The value stays while who gave it is connected. */
static void keep(struct flow *flow, const struct attr_plan *attr,
		 struct image *image)
{
	attr_id id = attr->attr->attr.id;
	const struct lineage_entry *old = lineage_get(&flow->mv->lineage, id);
	const struct values *values = image_get(&flow->mv->image, id);
	size_t i;

	for (i = 0; old && values && i < flow->mv->link_count; i++) {
		if (flow->mv->links[i]->e.row.id != old->cs)
			continue;
		flow_trace_stays(flow, attr, "kept",
				 "kept: its function says to ignore the rest",
				 old->cs, values);
		image_put(image, id, *values, &flow->sync->scratch);
		flow_lineage(flow, id, old->cs, values);
		return;
	}
}

int precedence_chosen(struct flow *flow, const struct attr_plan *attr,
		      struct image *image, struct error *err)
{
	attr_id id = attr->attr->attr.id;
	struct contribution *all = arena_array(&flow->sync->scratch,
					       attr->contributor_count + 1,
					       sizeof(*all));
	size_t *which = arena_array(&flow->sync->scratch,
				    attr->contributor_count + 1,
				    sizeof(*which));
	struct values frozen;
	int64_t frozen_cs;
	size_t chosen = 0;
	int count;
	int ret;

	if (flow->frozen && flow_keeps_frozen(flow, id, &frozen, &frozen_cs)) {
		flow_trace_stays(flow, attr, "frozen",
				 "kept: the rule set of its connector is in no "
				 "file",
				 frozen_cs, &frozen);
		image_put(image, id, frozen, &flow->sync->scratch);
		flow_lineage(flow, id, frozen_cs, &frozen);
		return 0;
	}
	count = gather(flow, attr, all, which, err);
	if (count < 0)
		return -1;
	ret = count ? ask_contributor(flow->sync, attr->attr, all,
				      (size_t)count, &chosen, err)
		    : 0;
	if (ret < 0)
		return error_context(err, "precedence of %s",
				     attr->attr->attr.def.name);
	trace_chosen(flow, attr,
		     chosen ? which[chosen - 1] : attr->contributor_count);
	if (ret == 2)
		keep(flow, attr, image);
	if (ret != 1)
		return 0;
	flow->owner_changed |= !all[chosen - 1].current;
	image_put(image, id, all[chosen - 1].values, &flow->sync->scratch);
	flow_lineage(flow, id, all[chosen - 1].cs, &all[chosen - 1].values);
	return 0;
}
