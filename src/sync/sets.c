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
#include "sync/sync_private.h"

#include "store/outbox.h"

#include <string.h>

/* ---- which sets, by the rules alone ---- */

struct readers {
	attr_id attr;
	bool found;
};

static void note_read(void *data, enum expr_view view, uint32_t id)
{
	struct readers *readers = data;

	(void)view;
	readers->found |= id == readers->attr;
}

static void ask(struct readers *readers, const struct expr *expr)
{
	if (!expr)
		return;
	readers->found |= expr_reads_all(expr);
	expr_reads(expr, note_read, readers);
}

static void ask_lua(struct readers *readers, const struct config_lua *lua)
{
	size_t i;

	if (!lua->fn)
		return;
	readers->found |= !lua->fields || !lua->fields->named || lua->others;
	for (i = 0; !readers->found && i < lua->fields->count; i++)
		readers->found = lua->fields->at[i].id == readers->attr;
}

static bool is_direct(const struct expr *source, const struct expr *when)
{
	uint32_t id;

	return !when && expr_is_attr(source, &id) && id != ATTR_DN;
}

static void ask_inbound(struct readers *readers,
			const struct config_rule_set *rs)
{
	size_t i;
	size_t k;

	ask(readers, rs->scope);
	ask(readers, rs->resolve);
	ask_lua(readers, &rs->resolve_lua);
	ask(readers, rs->project_rule);
	for (i = 0; i < rs->filter_count; i++)
		ask(readers, rs->filters[i]);
	for (i = 0; i < rs->join_count; i++) {
		ask(readers, rs->joins[i].when);
		for (k = 0; k < rs->joins[i].clause_count; k++) {
			ask(readers, rs->joins[i].clauses[k].source);
			readers->found |= rs->joins[i].clauses[k].mv_attr ==
					  readers->attr;
		}
	}
	for (i = 0; i < rs->import_count; i++) {
		const struct config_import_flow *rule = &rs->imports[i];

		ask(readers, rule->when);
		if (rule->lookup || !is_direct(rule->source, rule->when))
			ask(readers, rule->source);
		readers->found |= rule->lookup == readers->attr;
	}
}

static void ask_provision(struct readers *readers,
			  const struct config_provision *how)
{
	size_t i;
	size_t k;

	ask(readers, how->when);
	ask(readers, how->dn);
	for (i = 0; i < how->require_count; i++)
		readers->found |= how->require[i] == readers->attr;
	for (i = 0; i < how->unique_count; i++)
		for (k = 0; k < how->unique[i].count; k++)
			ask(readers, how->unique[i].candidates[k]);
	for (i = 0; i < how->initial_count; i++)
		ask(readers, how->initial[i].source);
}

static void ask_outbound(struct readers *readers,
			 const struct config_rule_set *rs)
{
	size_t i;

	ask_provision(readers, &rs->provision);
	ask(readers, rs->deprovision_rule);
	for (i = 0; i < rs->export_count; i++) {
		ask(readers, rs->exports[i].when);
		if (!is_direct(rs->exports[i].source, rs->exports[i].when))
			ask(readers, rs->exports[i].source);
	}
	for (i = 0; i < rs->meanwhile_count; i++) {
		ask(readers, rs->meanwhile[i].when);
		ask(readers, rs->meanwhile[i].source);
	}
}

/* Some rule does more with the attribute (of whatever object) than to let it
 * flow as it is. */
static bool is_read(struct sync *sync, attr_id attr)
{
	const struct config *config = sync->config;
	struct readers readers = { attr, false };
	uint64_t known;
	size_t a;
	size_t i;

	if (idmap_get(&sync->read_sets, attr, &known))
		return known == 1;
	for (a = 0; a < config->agent_count; a++) {
		for (i = 0; i < config->agents[a].rule_set_count; i++) {
			ask_inbound(&readers, &config->agents[a].rule_sets[i]);
			ask_outbound(&readers, &config->agents[a].rule_sets[i]);
		}
	}
	for (a = 0; a < config->mv_type_count; a++) {
		ask(&readers, config->mv_types[a].delete_rule);
		ask_lua(&readers, &config->mv_types[a].delete_lua);
		for (i = 0; i < config->mv_types[a].key_count; i++)
			ask(&readers, config->mv_types[a].keys[i].expr);
	}
	idmap_put(&sync->read_sets, attr, readers.found ? 1 : 2);
	return readers.found;
}

/* The attribute of the metaverse type when its values are those of one
 * connector, as they are. */
static const struct attr_plan *fed_by(const struct mv_plan *plan,
				      const struct config_rule_set *rs,
				      attr_id from, attr_id to)
{
	size_t i;

	for (i = 0; i < plan->attr_count; i++) {
		const struct attr_plan *attr = &plan->attrs[i];
		const struct attr_def *def = &attr->attr->attr.def;
		const struct config_import_flow *rule;
		uint32_t id;

		if (attr->attr->attr.id != to)
			continue;
		if (def->type != VALUE_REFERENCE || !def->multi ||
		    attr->attr->attr.index || attr->attr->merge ||
		    attr->attr->choose || attr->lookup_target ||
		    attr->contributor_count != 1 ||
		    attr->contributors[0].rule_set != rs ||
		    attr->contributors[0].flow_count != 1)
			return NULL;
		rule = attr->contributors[0].flows[0];
		return !rule->lookup && !rule->merge &&
				       is_direct(rule->source, rule->when) &&
				       expr_is_attr(rule->source, &id) &&
				       id == from
			       ? attr
			       : NULL;
	}
	return NULL;
}

static bool flows_from(const struct config_rule_set *rs, attr_id from)
{
	uint32_t id;
	size_t i;

	for (i = 0; i < rs->import_count; i++)
		if (expr_is_attr(rs->imports[i].source, &id) && id == from)
			return true;
	return false;
}

/* The rule that writes an attribute: NULL none, or with others. */
static const struct config_export_flow *
rule_for(const struct config_rule_set *rs, attr_id attr, size_t *count_out)
{
	const struct config_export_flow *found = NULL;
	size_t i;

	*count_out = 0;
	for (i = 0; i < rs->export_count; i++) {
		if (rs->exports[i].attr != attr)
			continue;
		found = &rs->exports[i];
		++*count_out;
	}
	return found;
}

/* It writes the set as it is, whatever it was. */
static bool is_plain(struct sync *sync, const struct config_rule_set *rs,
		     const struct config_export_flow *rule)
{
	const struct attr_def *def = &sync->config->agents[rs->agent]
					      .types[rs->type]
					      .attrs[rule->type_attr];
	size_t count;

	(void)rule_for(rs, rule->attr, &count);
	return count == 1 && is_direct(rule->source, rule->when) &&
	       rule->merge == MERGE_NO && rule->when_null == FLOW_NULL_REMOVE &&
	       def->type == VALUE_REFERENCE && def->multi &&
	       !flows_from(rs, rule->attr) && !is_read(sync, rule->attr);
}

bool sets_any(const struct sync *sync)
{
	const struct config_agent *agent = sync->agent;
	size_t t;
	size_t i;

	if (sync->options->full || sync->trace)
		return false;
	for (t = 0; t < agent->type_count; t++)
		for (i = 0; i < agent->types[t].attr_count; i++)
			if (agent->types[t].attrs[i].multi &&
			    agent->types[t].attrs[i].type == VALUE_REFERENCE)
				return true;
	return false;
}

/* ---- one object ---- */

struct target {
	int64_t cs;
	const struct config_rule_set *rule_set; /* NULL: exports nothing */
	bool own;
	bool touched;
	bool changed;
	bool pending; /* it has a pending export already */
	bool renames;
};

struct unit {
	struct sync *sync;
	struct cs_row row;
	struct link_row link;
	const struct config_rule_set *rule_set;
	const struct mv_plan *plan;
	struct member *rows; /* that are moving, as they will be */
	size_t row_count;
	struct target *targets;
	size_t target_count;
	struct idmap done; /* metaverse objects, of the attribute at hand */
	bool flowed;
	VEC(struct member) mv_members; /* changed */
	VEC(struct member) cs_members; /* changed, of targets */
	VEC(struct key_row) waits;
};

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

/* The metaverse object's connectors: 1, 0 one is not that simple, -1 */
static int find_targets(struct unit *unit, struct error *err)
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
		if (!rs || links[i].leaving ||
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
static int row_of(struct unit *unit, int64_t source, uint32_t attr,
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

/* A person may have several accounts; one that is a member is enough. */
static int is_wanted(struct unit *unit, uint32_t attr, int64_t mv,
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
		ret = row_of(unit, unit->row.id, attr, links[i].cs, &row, err);
		if (ret <= 0)
			return ret;
		*wanted_out = member_in_expected(&row);
	}
	return count < 0 ? -1 : 1;
}

static void wait_for(struct unit *unit, uint64_t h)
{
	struct key_row row = { h, unit->link.mv };

	vec_push(&unit->waits, row);
}

/* 1 *out is the connector of a metaverse object in the target's agent, or 0;
 * 0 it is not that simple; -1 */
static int connector_of(struct unit *unit, const struct target *target,
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

/* One value of a target's set as the rule wants it: 1, 0, -1 */
static int want(struct unit *unit, struct target *target, uint32_t attr,
		int64_t connector, bool wanted, struct error *err)
{
	const unsigned mask = MEMBER_PENDING | MEMBER_WANTED;
	struct member row;
	unsigned before;
	int ret = row_of(unit, target->cs, attr, connector, &row, err);

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
			if (target->own || !is_plain(unit->sync, rs, rule))
				return 0;
			ret = connector_of(unit, target, rule, mv, &connector,
					   err);
			if (ret > 0 && connector)
				ret = want(unit, target,
					   map->to_store[rule->attr], connector,
					   wanted, err);
			else if (ret > 0 && wanted)
				wait_for(unit, key_of_wait_connector(
						       unit->sync->store, mv,
						       CS_AGENT(target->cs)));
			if (ret <= 0)
				return ret;
		}
	}
	return 1;
}

/* A value of the object's set, into the metaverse's: 1, 0, -1 */
static int to_metaverse(struct unit *unit, const struct attr_plan *attr,
			const struct member *value, struct error *err)
{
	struct sync *sync = unit->sync;
	struct link_row link;
	struct member row;
	bool wanted;
	uint32_t by = attr->number;
	int ret = store_link_get(sync->store, value->target, &link, err);

	if (ret < 0)
		return -1;
	if (!link.mv) {
		if (member_in_expected(value))
			wait_for(unit,
				 key_of_wait_link(sync->store, value->target));
		return 1;
	}
	if (idmap_get(&unit->done, (uint64_t)link.mv, NULL))
		return 1;
	idmap_put(&unit->done, (uint64_t)link.mv, 1);
	ret = is_wanted(unit, value->attr, link.mv, &wanted, err);
	if (ret > 0)
		ret = store_member_get(sync->store, unit->link.mv, attr->number,
				       link.mv, &row, err);
	if (ret <= 0 || member_in_image(&row) == wanted)
		return ret;
	if (!wanted &&
	    store_referring(sync->store, unit->link.mv, link.mv, &by, err) < 0)
		return -1;
	if (by != attr->number)
		return 0;
	row.flags ^= MEMBER_IMAGE | MEMBER_SYNCED;
	unit->flowed = true;
	vec_push(&unit->mv_members, row);
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
			       : want(unit, own, value->attr, value->target,
				      false, err);
	ret = store_member_get(sync->store, unit->link.mv,
			       store_attr_map(sync->store)->to_store[id],
			       link.mv, &row, err);
	if (ret > 0)
		ret = connector_of(unit, own, rule, link.mv, &connector, err);
	if (ret <= 0)
		return ret;
	return want(unit, own, value->attr, value->target,
		    member_in_image(&row) && connector == value->target, err);
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
	if (is_read(sync, attr))
		return 0;
	rule = rule_for(unit->rule_set, attr, &rules);
	if (rule && !is_plain(sync, unit->rule_set, rule))
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
		to = fed_by(unit->plan, unit->rule_set, attr, flow->mv_attr);
		if (!to || is_read(sync, flow->mv_attr))
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
	ret = find_targets(unit, err);
	if (ret > 0)
		ret = take_rows(unit, err);
	for (from = 0; ret > 0 && from < unit->row_count; from = to) {
		for (to = from; to < unit->row_count &&
				unit->rows[to].attr == unit->rows[from].attr;
		     to++)
			;
		ret = follow_set(unit, unit->rows + from, to - from, err);
	}
	return ret;
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

static int write_unit(struct unit *unit, struct error *err)
{
	struct sync *sync = unit->sync;
	int64_t id = unit->row.id;
	size_t i;

	if (write_members(unit, err) < 0 ||
	    store_pending_import_delete(sync->tx, id, id, err) < 0)
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

int sets_take(struct sync *sync, int64_t id, struct error *err)
{
	struct unit unit = { .sync = sync };
	int ret;

	work_unit_begin(sync, id);
	ret = work_out(&unit, id, err);
	if (ret > 0 && write_unit(&unit, err) < 0)
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
	idmap_release(&unit.done);
	vec_release(&unit.mv_members);
	vec_release(&unit.cs_members);
	vec_release(&unit.waits);
	return ret;
}
