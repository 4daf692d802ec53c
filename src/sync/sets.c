/*
 * sets.c - one value more or less of a reference set, without the others
 *
 * Called after the passes of a delta synchronization, when accounts of the
 * step are linked, for objects of which an import staged values of sets and
 * nothing else. Where such a set flows directly and is read by nothing else,
 * its values are followed one by one, from rows to rows (store/member.h):
 * into the metaverse object's set, and from there to those of its connectors.
 * First all of it is worked out, then it is written; what is not that simple
 * is synchronized like any other object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sets_private.h"

#include "sync/held.h"

#include <string.h>

/* ---- one object ---- */

/* What is staged or pending would have to be looked at. */
static int at_rest(struct sync *sync, int64_t cs, bool own,
		   struct target *target, struct error *err)
{
	struct pending_import import;
	struct pending_export pending;
	struct pending_export awaiting;
	struct cs_row row;
	int ret = store_cs_named(sync->store, cs, &sync->scratch, &row, err);

	if (ret <= 0)
		return ret;
	if (store_pending_import_get(sync->store, cs, &sync->scratch, &import,
				     err) < 0 ||
	    store_pending_export_get(sync->store, cs, &sync->scratch, &pending,
				     err) < 0 ||
	    store_awaiting_get(sync->store, cs, &sync->scratch, &awaiting,
			       err) < 0)
		return -1;
	target->pending = pending.op != PENDING_NONE;
	target->renames = pending.rdn.len != 0;
	return row.has_image && (own || import.op == IMPORT_NONE) &&
	       (!target->pending ||
		(pending.op == PENDING_UPDATE && !pending.attrs.len)) &&
	       (awaiting.op == PENDING_NONE ||
		(awaiting.op == PENDING_UPDATE && !awaiting.attrs.len));
}

int unit_find_targets(struct unit *unit, struct error *err)
{
	struct sync *sync = unit->sync;
	struct link_row *links;
	int count = store_link_of_mv(sync->store, unit->link.mv, &sync->scratch,
				     &links, err);
	int i;

	if (count <= 0)
		return count;
	unit->targets = arena_array(&sync->scratch, (size_t)count,
				    sizeof(*unit->targets));
	memset(unit->targets, 0, (size_t)count * sizeof(*unit->targets));
	for (i = 0; i < count; i++) {
		struct target *target = &unit->targets[unit->target_count++];
		const struct config_rule_set *rs =
			plan_rule_set(sync, links[i].rule_set);
		int ret = 1;

		target->cs = links[i].cs;
		target->own = target->cs == unit->row.id;
		if (!rs || links[i].leaving || held_id(sync, links[i].cs) ||
		    plan_rule_set_number(sync, rs) != links[i].rule_set)
			return 0;
		if (target->own || rs->export_count || rs->provisions)
			ret = at_rest(sync, target->cs, target->own, target,
				      err);
		if (ret <= 0)
			return ret;
		if (rs->export_count || rs->provisions)
			target->rule_set = rs;
	}
	return 1;
}

/* 1, 0 it is not known, -1 */
static int unit_row_of(struct unit *unit, int64_t source, uint32_t attr,
		       int64_t target, struct member *out, struct error *err)
{
	size_t i;

	for (i = 0; source == unit->row.id && i < unit->row_count; i++) {
		if (unit->rows[i].attr == attr &&
		    unit->rows[i].target == target) {
			*out = unit->rows[i];
			return 1;
		}
	}
	return store_member_get(unit->sync->store, source, attr, target, out,
				err);
}

int unit_is_wanted(struct unit *unit, uint32_t attr, int64_t mv,
		   bool *wanted_out, struct error *err)
{
	struct sync *sync = unit->sync;
	struct link_row *links;
	int count =
		store_link_of_mv(sync->store, mv, &sync->scratch, &links, err);
	int i;

	*wanted_out = false;
	for (i = 0; i < count && !*wanted_out; i++) {
		struct member row;
		int ret;

		if (CS_AGENT(links[i].cs) != CS_AGENT(unit->row.id))
			continue;
		ret = unit_row_of(unit, unit->row.id, attr, links[i].cs, &row,
				  err);
		if (ret <= 0)
			return ret;
		*wanted_out = member_in_expected(&row);
	}
	return count < 0 ? -1 : 1;
}

void unit_wait_for(struct unit *unit, uint64_t h)
{
	struct key_row row = { h, unit->link.mv };

	vec_push(&unit->waits, row);
}

int unit_connector_of(struct unit *unit, const struct target *target,
		      const struct config_export_flow *rule, int64_t mv,
		      int64_t *out, struct error *err)
{
	struct sync *sync = unit->sync;
	const struct config_rule_set *best = NULL;
	struct link_row *links;
	int count =
		store_link_of_mv(sync->store, mv, &sync->scratch, &links, err);
	int i;

	*out = 0;
	for (i = 0; i < count; i++) {
		const struct config_rule_set *rs =
			plan_rule_set(sync, links[i].rule_set);
		struct pending_import import;
		struct pending_export pending;
		struct pending_export awaiting;

		if (!rs || rs->agent != target->rule_set->agent ||
		    (rule->to && rs != rule->to) ||
		    (best && best->index <= rs->index))
			continue;
		if (store_pending_import_get(sync->store, links[i].cs,
					     &sync->scratch, &import,
					     err) < 0 ||
		    store_pending_export_get(sync->store, links[i].cs,
					     &sync->scratch, &pending,
					     err) < 0 ||
		    store_awaiting_get(sync->store, links[i].cs, &sync->scratch,
				       &awaiting, err) < 0)
			return -1;
		if (import.op == IMPORT_DELETE ||
		    pending.op == PENDING_DELETE ||
		    awaiting.op == PENDING_DELETE)
			return 0;
		best = rs;
		*out = links[i].cs;
	}
	return count < 0 ? -1 : 1;
}

int unit_want(struct unit *unit, struct target *target, uint32_t attr,
	      int64_t connector, bool wanted, struct error *err)
{
	const unsigned mask = MEMBER_PENDING | MEMBER_WANTED;
	struct member row;
	unsigned before;
	int ret = unit_row_of(unit, target->cs, attr, connector, &row, err);

	if (ret <= 0)
		return ret;
	before = row.flags & mask;
	row.flags &= ~mask;
	if (member_in_written(&row) != wanted)
		row.flags |= MEMBER_PENDING | (wanted ? MEMBER_WANTED : 0);
	target->touched = true;
	if ((row.flags & mask) == before)
		return 1;
	target->changed = true;
	vec_push(&unit->cs_members, row);
	return 1;
}

/* A member of the metaverse set came or went: 1, 0, -1 */
static int to_targets(struct unit *unit, const struct attr_plan *attr,
		      int64_t mv, bool wanted, struct error *err)
{
	const struct attr_map *map = store_attr_map(unit->sync->store);
	size_t t;
	size_t i;

	for (t = 0; t < unit->target_count; t++) {
		struct target *target = &unit->targets[t];
		const struct config_rule_set *rs = target->rule_set;

		for (i = 0; rs && i < rs->export_count; i++) {
			const struct config_export_flow *rule = &rs->exports[i];
			int64_t connector = 0;
			uint32_t id;
			int ret;

			if (!expr_is_attr(rule->source, &id) ||
			    id != attr->attr->attr.id)
				continue;
			if (target->own || !set_is_plain(unit->sync, rs, rule))
				return 0;
			ret = unit_connector_of(unit, target, rule, mv,
						&connector, err);
			if (ret > 0 && connector)
				ret = unit_want(unit, target,
						map->to_store[rule->attr],
						connector, wanted, err);
			else if (ret > 0 && wanted)
				unit_wait_for(unit,
					      key_of_wait_connector(
						      unit->sync->store, mv,
						      CS_AGENT(target->cs)));
			if (ret <= 0)
				return ret;
		}
	}
	return 1;
}

int unit_flow(struct unit *unit, const struct attr_plan *attr, int64_t mv,
	      bool wanted, bool *changed_out, struct error *err)
{
	struct store *store = unit->sync->store;
	struct member row;
	uint32_t by = attr->number;
	int ret = store_member_get(store, unit->link.mv, attr->number, mv, &row,
				   err);

	*changed_out = false;
	if (ret <= 0 || member_in_image(&row) == wanted)
		return ret;
	if (!wanted && store_referring(store, unit->link.mv, mv, &by, err) < 0)
		return -1;
	if (by != attr->number)
		return 0;
	row.flags ^= MEMBER_IMAGE | MEMBER_SYNCED;
	unit->flowed = true;
	*changed_out = true;
	vec_push(&unit->mv_members, row);
	return 1;
}

/* It is a value that the unit adds or takes. */
static bool is_flowing(const struct unit *unit, uint32_t attr, int64_t mv)
{
	const struct member *row;

	vec_foreach(&unit->mv_members, row)
		if (row->attr == attr && row->target == mv)
			return true;
	return false;
}

/* The set has a value that the unit does not touch: 1, 0, -1 */
static int has_other(struct unit *unit, uint32_t attr, struct error *err)
{
	struct sync *sync = unit->sync;
	const struct values *values;
	struct arena arena = ARENA_INIT;
	struct image image;
	struct mv_row row;
	int found = 0;
	size_t i;
	int ret = store_mv_get(sync->store, unit->link.mv, &arena, &row, err);

	if (ret > 0 && mv_image(sync->store, &row, &arena, &image, err) < 0)
		ret = -1;
	if (ret > 0) {
		values = image_get(
			&image, store_attr_map(sync->store)->from_store[attr]);
		for (i = 0; values && i < values->len && !found; i++)
			found = !is_flowing(unit, attr, values->at[i].number);
	}
	arena_release(&arena);
	return ret < 0 ? -1 : found;
}

int unit_keeps_required(struct unit *unit, struct error *err)
{
	const struct attr_map *map = store_attr_map(unit->sync->store);
	uint32_t asked = 0;
	int ret = 1;
	size_t i;

	for (i = 0; i < unit->mv_members.len && ret > 0; i++) {
		uint32_t attr = unit->mv_members.at[i].attr;

		if (attr == asked ||
		    !set_is_required(unit->sync, map->from_store[attr]))
			continue;
		asked = attr;
		ret = has_other(unit, attr, err);
	}
	return ret;
}

/* A value of the object's set, into the metaverse's: 1, 0, -1 */
static int to_metaverse(struct unit *unit, const struct attr_plan *attr,
			const struct member *value, struct error *err)
{
	struct sync *sync = unit->sync;
	struct link_row link;
	bool changed = false;
	bool wanted;
	int ret = store_link_get(sync->store, value->target, &link, err);

	if (ret < 0)
		return -1;
	if (!link.mv) {
		if (member_in_expected(value))
			unit_wait_for(unit, key_of_wait_link(sync->store,
							     value->target));
		return 1;
	}
	if (idmap_get(&unit->done, (uint64_t)link.mv, NULL))
		return 1;
	idmap_put(&unit->done, (uint64_t)link.mv, 1);
	ret = unit_is_wanted(unit, value->attr, link.mv, &wanted, err);
	if (ret > 0)
		ret = unit_flow(unit, attr, link.mv, wanted, &changed, err);
	if (ret <= 0 || !changed)
		return ret;
	return to_targets(unit, attr, link.mv, wanted, err);
}

/* The rule that writes this very set: what came is not what is wanted, or it
 * is. 1, 0, -1 */
static int against_rule(struct unit *unit, struct target *own,
			const struct config_export_flow *rule,
			const struct member *value, struct error *err)
{
	struct sync *sync = unit->sync;
	struct link_row link;
	struct member row;
	int64_t connector = 0;
	uint32_t id = 0;
	int ret = store_link_get(sync->store, value->target, &link, err);

	(void)expr_is_attr(rule->source, &id);
	if (ret < 0 || !link.mv)
		return ret < 0 ? -1
			       : unit_want(unit, own, value->attr,
					   value->target, false, err);
	ret = store_member_get(sync->store, unit->link.mv,
			       store_attr_map(sync->store)->to_store[id],
			       link.mv, &row, err);
	if (ret > 0)
		ret = unit_connector_of(unit, own, rule, link.mv, &connector,
					err);
	if (ret <= 0)
		return ret;
	return unit_want(unit, own, value->attr, value->target,
			 member_in_image(&row) && connector == value->target,
			 err);
}

/* The values of one attribute: 1, 0, -1 */
static int follow_set(struct unit *unit, const struct member *values,
		      size_t count, struct error *err)
{
	struct sync *sync = unit->sync;
	attr_id attr = store_attr_map(sync->store)->from_store[values->attr];
	const struct config_export_flow *rule;
	struct target *own = unit->targets;
	size_t rules;
	size_t f;
	size_t i;
	int ret = 1;

	while (own->cs != unit->row.id)
		own++;
	if (set_is_read(sync, attr))
		return 0;
	rule = set_rule_for(unit->rule_set, attr, &rules);
	if (rule && !set_is_plain(sync, unit->rule_set, rule))
		return 0;
	for (i = 0; rule && i < count && ret > 0; i++)
		ret = against_rule(unit, own, rule, &values[i], err);
	for (f = 0; f < unit->rule_set->import_count && ret > 0; f++) {
		const struct config_import_flow *flow =
			&unit->rule_set->imports[f];
		const struct attr_plan *to;
		uint32_t id;

		if (!expr_is_attr(flow->source, &id) || id != attr)
			continue;
		to = set_fed_by(unit->plan, unit->rule_set, attr,
				flow->mv_attr);
		if (!to || set_is_read(sync, flow->mv_attr))
			return 0;
		idmap_clear(&unit->done);
		for (i = 0; i < count && ret > 0; i++)
			ret = to_metaverse(unit, to, &values[i], err);
	}
	return ret;
}

/* The import is consumed: the image is what is synchronized. */
static int take_rows(struct unit *unit, struct error *err)
{
	struct sync *sync = unit->sync;
	int count = store_member_moving(sync->store, unit->row.id,
					&sync->scratch, &unit->rows, err);
	int i;

	for (i = 0; i < count; i++) {
		struct member *row = &unit->rows[i];

		row->flags &= ~(unsigned)(MEMBER_SYNCED | MEMBER_CONFIRMED);
		row->flags |= member_in_image(row) ? MEMBER_SYNCED : 0;
	}
	unit->row_count = count < 0 ? 0 : (size_t)count;
	return count < 0 ? -1 : count > 0;
}

/* 1: all of it is worked out; 0: it is not that simple; -1 */
static int work_out(struct unit *unit, int64_t id, struct error *err)
{
	struct sync *sync = unit->sync;
	size_t from;
	size_t to;
	int ret = store_cs_named(sync->store, id, &sync->scratch, &unit->row,
				 err);

	if (ret > 0)
		ret = store_link_get(sync->store, id, &unit->link, err);
	if (ret <= 0 || !unit->link.mv)
		return ret < 0 ? -1 : 0;
	unit->rule_set = plan_rule_set(sync, unit->link.rule_set);
	if (!unit->rule_set || unit->link.state != LINK_NORMAL ||
	    unit->rule_set->mv_type_count != 1)
		return 0;
	unit->plan = &sync->mv_types[unit->rule_set->mv_types[0]];
	ret = unit_find_targets(unit, err);
	if (ret > 0)
		ret = take_rows(unit, err);
	for (from = 0; ret > 0 && from < unit->row_count; from = to) {
		for (to = from; to < unit->row_count &&
				unit->rows[to].attr == unit->rows[from].attr;
		     to++)
			;
		ret = follow_set(unit, unit->rows + from, to - from, err);
	}
	return ret > 0 ? unit_keeps_required(unit, err) : ret;
}

/* ---- writing ---- */

static int write_members(struct unit *unit, struct error *err)
{
	struct sync *sync = unit->sync;
	const struct member *row;
	size_t i;

	for (i = 0; i < unit->row_count; i++)
		if (store_member_put(sync->tx, &unit->rows[i], err) < 0)
			return -1;
	vec_foreach(&unit->cs_members, row)
		if (store_member_put(sync->tx, row, err) < 0)
			return -1;
	if (unit->mv_members.len &&
	    record_members(sync, unit->link.mv, unit->plan->number,
			   unit->mv_members.at, unit->mv_members.len, err) < 0)
		return -1;
	vec_foreach(&unit->mv_members, row) {
		if (store_member_put(sync->tx, row, err) < 0 ||
		    (member_in_image(row)
			     ? store_mv_ref_add(sync->tx, row->target,
						row->source, row->attr, err)
			     : store_mv_ref_delete(sync->tx, row->target,
						   row->source, err)) < 0 ||
		    store_member_since(sync->tx, row->source, row->attr,
				       unit->row.id, sync->now, err) < 0)
			return -1;
	}
	return store_mv_wait_put(sync->tx, unit->waits.at, unit->waits.len,
				 err);
}

/* Nothing of it is to be written any more. */
static int end_pending(struct sync *sync, int64_t cs, struct error *err)
{
	struct pending_export awaiting;

	if (store_awaiting_get(sync->store, cs, &sync->scratch, &awaiting,
			       err) < 0 ||
	    store_error_delete(sync->tx, cs, ERROR_EXPORT, err) < 0 ||
	    store_retry_delete(sync->tx, cs, RETRY_REFUSED, err) < 0 ||
	    (awaiting.op == PENDING_NONE &&
	     (store_error_delete(sync->tx, cs, ERROR_IMPORT, err) < 0 ||
	      store_retry_delete(sync->tx, cs, RETRY_CONTRADICTED, err) < 0)))
		return -1;
	return store_pending_export_delete(sync->tx, cs, err);
}

static int write_target(struct sync *sync, const struct target *target,
			struct error *err)
{
	struct pending_export row = { .cs = target->cs, .op = PENDING_UPDATE };
	struct member *rows;
	bool pending = target->renames;
	int count;
	int i;

	if (!target->changed)
		return 0;
	count = store_member_moving(sync->store, target->cs, &sync->scratch,
				    &rows, err);
	for (i = 0; i < count; i++)
		pending |= (rows[i].flags & MEMBER_PENDING) != 0;
	if (count < 0)
		return -1;
	if (pending && !target->pending)
		return store_pending_export_put(sync->tx, &row, err);
	return pending || !target->pending ? 0
					   : end_pending(sync, target->cs, err);
}

int unit_write(struct unit *unit, struct error *err)
{
	struct sync *sync = unit->sync;
	size_t i;

	if (write_members(unit, err) < 0)
		return -1;
	sync->waits_stored |= unit->waits.len != 0;
	if (unit->waits.len)
		sync->waits_known = false;
	for (i = 0; i < unit->target_count; i++) {
		const struct target *target = &unit->targets[i];

		if (write_target(sync, target, err) < 0)
			return -1;
		if (target->rule_set)
			work_outcome_of(sync, target->cs,
					target->changed ? OUT_FLOW
							: OUT_NO_FLOW,
					target->changed);
	}
	return 0;
}

void unit_release(struct unit *unit)
{
	idmap_release(&unit->done);
	vec_release(&unit->mv_members);
	vec_release(&unit->cs_members);
	vec_release(&unit->waits);
}

int sets_take(struct sync *sync, int64_t id, struct error *err)
{
	struct unit unit = { .sync = sync };
	int ret;

	work_unit_begin(sync, id);
	ret = work_out(&unit, id, err);
	if (ret > 0 && (unit_write(&unit, err) < 0 ||
			store_pending_import_delete(sync->tx, id, id, err) < 0))
		ret = -1;
	if (ret > 0) {
		sync->result->objects++;
		work_unit_keep(sync);
		outcome_inbound(sync,
				unit.flowed ? "connector-flow"
					    : "connector-no-flow",
				id);
	} else {
		work_unit_drop(sync);
	}
	unit_release(&unit);
	return ret;
}
