/*
 * set_marks.c - sets whose values were tied, untied, or are no more
 *
 * Who refers to an object that comes, goes or gets an account is marked, to be
 * evaluated again before the step ends. Of such a mark its cause is kept; what
 * is marked by few causes, all of them values of sets that are followed by
 * value, is not loaded: each of these values is looked at by itself, and goes
 * the way that sets.c makes it go. Called between batches, before marked
 * objects are looked at as a whole. A mark without a cause, or of an earlier
 * run, is for the whole object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sets_private.h"

#include "store/retry.h"

#define WHOLE      UINT64_MAX
#define CAUSES     1000  /* of one object */
#define CAUSES_ALL 65536 /* memory is bounded */
#define TIES_ALL   262144

/* ---- keeping marks ---- */

/* Beyond that all is looked at as a whole. */
static bool is_room(struct marks *marks)
{
	if (marks->causes.len >= CAUSES_ALL || marks->relinks.len >= TIES_ALL ||
	    marks->lost.len >= TIES_ALL)
		marks->on = false;
	return marks->on;
}

void marks_relink(struct sync *sync, int64_t cs, int64_t mv)
{
	struct relink relink = { cs, mv };

	if (sync->marks.on && is_room(&sync->marks))
		vec_push(&sync->marks.relinks, relink);
}

void marks_lost(struct sync *sync, int64_t mv, uint64_t h, uint64_t wait)
{
	struct lost_key lost = { mv, h, wait };

	if (sync->marks.on && is_room(&sync->marks))
		vec_push(&sync->marks.lost, lost);
}

void marks_whole(struct sync *sync, int64_t mv)
{
	if (sync->marks.on)
		idmap_put(&sync->marks.of, (uint64_t)mv, WHOLE);
}

int marks_begin(struct sync *sync, struct error *err)
{
	struct marks *marks = &sync->marks;
	int64_t ids[512];
	int64_t after = 0;
	int count = 0;
	int i;

	marks->on = sets_anywhere(sync);
	while (marks->on && (count = store_mv_queue_ids(sync->store, after, ids,
							512, err)) > 0) {
		after = ids[count - 1];
		for (i = 0; i < count; i++)
			marks_whole(sync, ids[i]);
		marks->on = marks->of.len < CAUSES_ALL;
	}
	return count < 0 ? -1 : 0;
}

void marks_value(struct sync *sync, int64_t mv, int64_t cause)
{
	struct marks *marks = &sync->marks;
	struct mark mark = { mv, cause };
	uint64_t count = 0;

	if (!marks->on || !is_room(marks))
		return;
	(void)idmap_get(&marks->of, (uint64_t)mv, &count);
	if (count == WHOLE)
		return;
	if (count >= CAUSES) {
		marks_whole(sync, mv);
		return;
	}
	idmap_put(&marks->of, (uint64_t)mv, count + 1);
	vec_push(&marks->causes, mark);
}

void marks_release(struct marks *marks)
{
	idmap_release(&marks->of);
	vec_release(&marks->causes);
	vec_release(&marks->relinks);
	vec_release(&marks->lost);
}

static int order_marks(const void *a, const void *b)
{
	const struct mark *x = a;
	const struct mark *y = b;

	if (x->mv != y->mv)
		return x->mv < y->mv ? -1 : 1;
	return (x->cause > y->cause) - (x->cause < y->cause);
}

static int by_cs(const void *a, const void *b)
{
	const struct relink *x = a;
	const struct relink *y = b;

	if (x->cs != y->cs)
		return x->cs < y->cs ? -1 : 1;
	return (x->mv > y->mv) - (x->mv < y->mv);
}

static int by_mv(const void *a, const void *b)
{
	const struct relink *x = a;
	const struct relink *y = b;

	if (x->mv != y->mv)
		return x->mv < y->mv ? -1 : 1;
	return (x->cs > y->cs) - (x->cs < y->cs);
}

static int lost_by_mv(const void *a, const void *b)
{
	const struct lost_key *x = a;
	const struct lost_key *y = b;

	return (x->mv > y->mv) - (x->mv < y->mv);
}

/* ---- one marked object ---- */

/* Ties of the step, in both orders. */
struct ties {
	const struct relink *by_cs;
	const struct relink *by_mv;
	size_t len;
};

/* The set that is followed: of which connector, from where to where. */
struct feed {
	attr_id from;    /* ATTR_NONE: its values are looked up */
	uint32_t number; /* of `from` in the store */
	const struct attr_plan *to;
};

struct marked {
	struct unit unit;
	const struct ties *ties;
	VEC(struct feed) feeds;
	VEC(int64_t) members; /* metaverse objects that are to be looked at */
	struct idmap seen;    /* they */
	VEC(int64_t) values;  /* of the connector's sets, tied or untied */
};

static size_t first_tie(const struct relink *ties, size_t len, int64_t key,
			bool of_mv)
{
	size_t low = 0;
	size_t high = len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t at = of_mv ? ties[middle].mv : ties[middle].cs;

		if (at < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_member(struct marked *marked, int64_t mv)
{
	if (!mv || idmap_get(&marked->seen, (uint64_t)mv, NULL))
		return;
	idmap_put(&marked->seen, (uint64_t)mv, 1);
	vec_push(&marked->members, mv);
}

/* Whom a connector space object belongs to, or did before this step. */
static int add_partners(struct marked *marked, int64_t cs, struct error *err)
{
	const struct ties *ties = marked->ties;
	struct link_row link;
	size_t i = first_tie(ties->by_cs, ties->len, cs, false);

	if (store_link_get(marked->unit.sync->store, cs, &link, err) < 0)
		return -1;
	add_member(marked, link.mv);
	for (; i < ties->len && ties->by_cs[i].cs == cs; i++)
		add_member(marked, ties->by_cs[i].mv);
	return 0;
}

/* Nothing is recorded against it, and none of its connectors brings news. */
static int is_quiet(struct sync *sync, const struct link_row *link,
		    struct error *err)
{
	struct pending_import import;
	struct cs_error error;
	int ret;

	if (store_pending_import_get(sync->store, link->cs, &sync->scratch,
				     &import, err) < 0)
		return -1;
	if (import.op != IMPORT_NONE)
		return 0;
	ret = store_error_get(sync->store, link->cs, ERROR_SYNC, &sync->scratch,
			      &error, err);
	return ret < 0 ? -1 : ret == 0;
}

/* The set that a rule of the connector gives and that may be followed. */
static bool is_feed(struct marked *marked, const struct config_rule_set *rs,
		    const struct config_import_flow *rule, struct feed *out)
{
	struct sync *sync = marked->unit.sync;
	const struct mv_plan *plan = marked->unit.plan;
	uint32_t id = ATTR_NONE;

	if (rule->lookup) {
		out->to = set_found_by(plan, rs, rule);
	} else {
		if (!expr_is_attr(rule->source, &id) || set_is_read(sync, id))
			return false;
		out->to = set_fed_by(plan, rs, id, rule->mv_attr);
	}
	out->from = id;
	out->number = store_attr_map(sync->store)->to_store[id];
	return out->to && !set_is_read(sync, rule->mv_attr);
}

/* The sets of one connector; it is the only one that gives any. */
static int find_feeds(struct marked *marked, const struct link_row *link,
		      struct error *err)
{
	struct unit *unit = &marked->unit;
	struct sync *sync = unit->sync;
	const struct config_rule_set *rs = plan_rule_set(sync, link->rule_set);
	size_t i;

	for (i = 0; rs && i < rs->import_count; i++) {
		struct feed feed;

		if (!is_feed(marked, rs, &rs->imports[i], &feed))
			continue;
		if (unit->row.id && unit->row.id != link->cs)
			return 0;
		unit->row.id = link->cs;
		unit->rule_set = rs;
		vec_push(&marked->feeds, feed);
	}
	return is_quiet(sync, link, err);
}

static int look_at(struct marked *marked, struct error *err)
{
	struct unit *unit = &marked->unit;
	struct sync *sync = unit->sync;
	struct link_row *links;
	const struct config_rule_set *rs;
	int count = store_link_of_mv(sync->store, unit->link.mv, &sync->scratch,
				     &links, err);
	int ret = count > 0;
	int i;

	if (count <= 0)
		return count;
	rs = plan_rule_set(sync, links[0].rule_set);
	if (!rs || rs->mv_type_count != 1)
		return 0;
	unit->plan = &sync->mv_types[rs->mv_types[0]];
	for (i = 0; i < count && ret > 0; i++)
		ret = find_feeds(marked, &links[i], err);
	if (ret > 0 && !marked->feeds.len)
		ret = 0;
	return ret > 0 ? unit_find_targets(unit, err) : ret;
}

/* Every flow of the attribute is one that is followed. */
static bool is_followed(const struct marked *marked, attr_id from)
{
	const struct feed *feed;
	size_t flows = 0;
	uint32_t id;
	size_t i;

	for (i = 0; i < marked->unit.rule_set->import_count; i++)
		flows += expr_is_attr(marked->unit.rule_set->imports[i].source,
				      &id) &&
			 id == from;
	vec_foreach(&marked->feeds, feed)
		flows -= feed->from == from;
	return !flows && !set_is_read(marked->unit.sync, from);
}

/* A connector space object was tied or untied: is it a value of a set? */
static int take_cs(struct marked *marked, int64_t cause, struct error *err)
{
	struct unit *unit = &marked->unit;
	struct sync *sync = unit->sync;
	const struct attr_map *map = store_attr_map(sync->store);
	size_t t;

	for (t = 0; t < unit->target_count; t++) {
		const struct target *target = &unit->targets[t];
		uint32_t by = 0;
		int ret = store_referring(sync->store, target->cs, cause, &by,
					  err);

		if (ret < 0 || (ret > 0 && !by))
			return ret < 0 ? -1 : 0;
		if (!ret)
			continue;
		if (target->own) {
			if (!is_followed(marked, map->from_store[by]))
				return 0;
			vec_push(&marked->values, cause);
		} else if (!target->rule_set ||
			   set_flows_from(target->rule_set,
					  map->from_store[by]) ||
			   set_is_read(sync, map->from_store[by])) {
			return 0;
		}
	}
	return add_partners(marked, cause, err) < 0 ? -1 : 1;
}

/* A metaverse object has other connectors, or is no more. */
static int take_mv(struct marked *marked, int64_t cause, struct error *err)
{
	struct unit *unit = &marked->unit;
	const struct feed *feed;
	uint32_t by = 0;
	int ret = store_referring(unit->sync->store, unit->link.mv, cause, &by,
				  err);

	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	vec_foreach(&marked->feeds, feed) {
		if (feed->to->number != by)
			continue;
		add_member(marked, cause);
		return 1;
	}
	return 0;
}

/* ---- a value, to the targets ---- */

/* One account that the member has or had. */
static int to_account(struct marked *marked, struct target *target,
		      const struct config_export_flow *rule, int64_t mv,
		      int64_t cs, int64_t chosen, struct error *err)
{
	struct sync *sync = marked->unit.sync;
	const struct attr_map *map = store_attr_map(sync->store);
	struct link_row link;

	if (CS_AGENT(cs) != CS_AGENT(target->cs))
		return 1;
	if (store_link_get(sync->store, cs, &link, err) < 0)
		return -1;
	/* it is somebody else's now, who is looked at too */
	if (link.mv && link.mv != mv) {
		add_member(marked, link.mv);
		return 1;
	}
	return unit_want(&marked->unit, target, map->to_store[rule->attr], cs,
			 cs == chosen, err);
}

static int to_accounts(struct marked *marked, struct target *target,
		       const struct config_export_flow *rule, int64_t mv,
		       bool wanted, struct error *err)
{
	struct unit *unit = &marked->unit;
	struct sync *sync = unit->sync;
	const struct ties *ties = marked->ties;
	struct link_row *links;
	int64_t chosen = 0;
	int64_t last = 0;
	size_t i;
	int count;
	int k;
	int ret = unit_connector_of(unit, target, rule, mv, &chosen, err);

	if (ret <= 0)
		return ret;
	if (wanted && !chosen)
		unit_wait_for(unit,
			      key_of_wait_connector(sync->store, mv,
						    CS_AGENT(target->cs)));
	if (!wanted)
		chosen = 0;
	count = store_link_of_mv(sync->store, mv, &sync->scratch, &links, err);
	for (k = 0; k < count && ret > 0; k++)
		ret = to_account(marked, target, rule, mv, links[k].cs, chosen,
				 err);
	i = first_tie(ties->by_mv, ties->len, mv, true);
	for (; ret > 0 && i < ties->len && ties->by_mv[i].mv == mv; i++) {
		struct link_row link = { 0 };

		if (ties->by_mv[i].cs == last)
			continue;
		last = ties->by_mv[i].cs;
		if (store_link_get(sync->store, last, &link, err) < 0)
			return -1;
		if (link.mv != mv)
			ret = to_account(marked, target, rule, mv, last, 0,
					 err);
	}
	return count < 0 ? -1 : ret;
}

static int to_targets(struct marked *marked, const struct feed *feed,
		      int64_t mv, bool wanted, struct error *err)
{
	struct unit *unit = &marked->unit;
	size_t t;
	size_t i;

	for (t = 0; t < unit->target_count; t++) {
		struct target *target = &unit->targets[t];
		const struct config_rule_set *rs = target->rule_set;

		for (i = 0; rs && i < rs->export_count; i++) {
			const struct config_export_flow *rule = &rs->exports[i];
			uint32_t id;
			int ret;

			if (!expr_is_attr(rule->source, &id) ||
			    id != feed->to->attr->attr.id)
				continue;
			if (target->own || !set_is_plain(unit->sync, rs, rule))
				return 0;
			ret = to_accounts(marked, target, rule, mv, wanted,
					  err);
			if (ret <= 0)
				return ret;
		}
	}
	return 1;
}

/* The first key that a metaverse object lost; they are in order. */
static size_t first_lost(const struct marks *marks, int64_t mv)
{
	size_t low = 0;
	size_t high = marks->lost.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (marks->lost.at[middle].mv < mv)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A value that is looked up stays as long as whom it found does not lose it.
 * One that is gone is not found any more, unless another has the value now:
 * then all are looked up again. 1, 0, -1 */
static int is_found(struct marked *marked, const struct feed *feed, int64_t mv,
		    bool *wanted_out, struct error *err)
{
	struct sync *sync = marked->unit.sync;
	const struct marks *marks = &sync->marks;
	const size_t first = first_lost(marks, mv);
	struct member row;
	struct mv_row gone;
	size_t i;
	int ret = store_member_get(sync->store, marked->unit.link.mv,
				   feed->to->number, mv, &row, err);

	*wanted_out = ret > 0 && member_in_image(&row);
	if (ret <= 0 || first == marks->lost.len ||
	    marks->lost.at[first].mv != mv)
		return ret;
	*wanted_out = false;
	ret = store_mv_get(sync->store, mv, &sync->scratch, &gone, err);
	for (i = first; ret == 0 && i < marks->lost.len; i++) {
		const struct lost_key *lost = &marks->lost.at[i];
		int64_t *ids;

		if (lost->mv != mv)
			break;
		ret = store_mv_key_find(sync->store, lost->h, &sync->scratch,
					&ids, err);
		unit_wait_for(&marked->unit, lost->wait);
	}
	return ret < 0 ? -1 : !ret;
}

static int follow(struct marked *marked, int64_t mv, struct error *err)
{
	struct unit *unit = &marked->unit;
	const struct feed *feed;

	vec_foreach(&marked->feeds, feed) {
		bool changed;
		bool wanted;
		int ret = feed->from == ATTR_NONE
				  ? is_found(marked, feed, mv, &wanted, err)
				  : unit_is_wanted(unit, feed->number, mv,
						   &wanted, err);

		if (ret > 0)
			ret = unit_flow(unit, feed->to, mv, wanted, &changed,
					err);
		if (ret > 0)
			ret = to_targets(marked, feed, mv, wanted, err);
		if (ret <= 0)
			return ret;
	}
	return 1;
}

/* Values that belong to nobody are waited for. */
static int wait_for_values(struct marked *marked, struct error *err)
{
	struct sync *sync = marked->unit.sync;
	const int64_t *value;

	vec_foreach(&marked->values, value) {
		struct link_row link;

		if (store_link_get(sync->store, *value, &link, err) < 0)
			return -1;
		if (!link.mv)
			unit_wait_for(&marked->unit,
				      key_of_wait_link(sync->store, *value));
	}
	return 1;
}

static int work_out(struct marked *marked, const struct mark *marks,
		    size_t count, struct error *err)
{
	int ret = look_at(marked, err);
	size_t i;

	for (i = 0; i < count && ret > 0; i++)
		ret = CS_AGENT(marks[i].cause)
			      ? take_cs(marked, marks[i].cause, err)
			      : take_mv(marked, marks[i].cause, err);
	/* there may come more while they are looked at */
	for (i = 0; ret > 0 && i < marked->members.len; i++)
		ret = follow(marked, marked->members.at[i], err);
	if (ret > 0)
		ret = wait_for_values(marked, err);
	return ret > 0 ? unit_keeps_required(&marked->unit, err) : ret;
}

/* 1: it is followed by value, and marked no more; 0, -1 */
static int take(struct sync *sync, const struct ties *ties,
		const struct mark *marks, size_t count, struct error *err)
{
	struct marked marked = { .unit = { .sync = sync }, .ties = ties };
	struct unit *unit = &marked.unit;
	size_t t;
	int ret;

	work_unit_begin(sync, 0);
	unit->link.mv = marks->mv;
	ret = work_out(&marked, marks, count, err);
	if (ret > 0 && (unit_write(unit, err) < 0 ||
			store_mv_queue_delete(sync->tx, marks->mv, err) < 0))
		ret = -1;
	for (t = 0; ret > 0 && unit->flowed && t < unit->target_count; t++)
		outcome_flowed_of(sync, unit->targets[t].cs);
	if (ret > 0)
		work_unit_keep(sync);
	else
		work_unit_drop(sync);
	unit_release(unit);
	vec_release(&marked.feeds);
	vec_release(&marked.members);
	vec_release(&marked.values);
	idmap_release(&marked.seen);
	return ret;
}

/* ---- all of them ---- */

static int take_all(struct sync *sync, const struct ties *ties,
		    const struct mark *marks, size_t len, struct error *err)
{
	size_t from;
	size_t to;

	for (from = 0; from < len; from = to) {
		uint64_t count = 0;

		for (to = from; to < len && marks[to].mv == marks[from].mv;
		     to++)
			;
		(void)idmap_get(&sync->marks.of, (uint64_t)marks[from].mv,
				&count);
		if (count != WHOLE &&
		    !idmap_get(&sync->failed_mv, (uint64_t)marks[from].mv,
			       NULL) &&
		    take(sync, ties, marks + from, to - from, err) < 0)
			return -1;
	}
	return 0;
}

int marks_take(struct sync *sync, struct error *err)
{
	struct marks *marks = &sync->marks;
	struct ties ties = { .len = marks->relinks.len };
	VEC(struct relink) other = VEC_INIT;
	const struct relink *relink;
	int ret;

	if (!marks->on)
		return 0;
	if (marks->causes.len) {
		vec_sort(&marks->causes, order_marks);
		vec_sort(&marks->relinks, by_mv);
		vec_sort(&marks->lost, lost_by_mv);
		vec_foreach(&marks->relinks, relink)
			vec_push(&other, *relink);
		vec_sort(&other, by_cs);
	}
	ties.by_mv = marks->relinks.at;
	ties.by_cs = other.at;
	ret = take_all(sync, &ties, marks->causes.at, marks->causes.len, err);
	vec_release(&other);
	vec_clear(&marks->causes);
	idmap_clear(&marks->of);
	return ret;
}
