/*
 * export_flow.c - what each connector should hold, as a pending export
 *
 * The last step. For every connector of the metaverse object the export rules
 * give the values wanted; what differs from what the system has (as far as it
 * is known) is pending. The pending change is made anew each time, so a value
 * that went back to what it was leaves nothing to do.
 *
 * A change in the connected system that is still to be synchronized is left
 * to its own synchronization: another object's run neither reverts nor
 * confirms it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include "base/text.h"
#include "model/dn.h"

#include <stdint.h>
#include <string.h>

struct outflow {
	struct sync *sync;
	struct work_mv *mv;
	struct work_cs *cs;
	const struct config_rule_set *rule_set;
	const struct config_export_flow *rules;
	size_t rule_count;
	struct image written; /* what the system has */
	struct image settled; /* with an import pending: what counts */
	bool unsettled;       /* an import is pending that is not ours */
	struct image pending; /* the new change */
	struct image merged;
	bool merges;
	/* of the rule at hand, for a preview */
	const char *found; /* or NULL */
	bool waits;        /* for the connector of what it refers to */
};

/* ---- references ---- */

static bool goes(const struct work_cs *cs)
{
	return cs->removed || entry_going(&cs->e);
}

/* The target's connector in this agent: the one under the rule set that the
 * rule names, else under the first in file order. */
static bool is_better(const struct outflow *flow,
		      const struct config_export_flow *rule,
		      const struct config_rule_set *rule_set,
		      const struct config_rule_set *best)
{
	if (!rule_set || rule_set->agent != flow->rule_set->agent ||
	    (rule->to && rule_set != rule->to))
		return false;
	return !best || rule_set->index < best->index;
}

/* 0: *out is its id, or 0. Of a target outside of the working set only its
 * links are read. */
static int connector_of(struct outflow *flow,
			const struct config_export_flow *rule, int64_t target,
			int64_t *out, struct error *err)
{
	struct sync *sync = flow->sync;
	const struct work_mv *mv = idmap_get_ptr(&sync->mv, (uint64_t)target);
	const struct config_rule_set *best = NULL;
	const struct link_list *links;
	size_t i;

	*out = 0;
	for (i = 0; mv && !mv->removed && i < mv->link_count; i++) {
		struct work_cs *cs = mv->links[i];

		if (!goes(cs) && is_better(flow, rule, cs->rule_set, best)) {
			best = cs->rule_set;
			*out = cs->e.row.id;
		}
	}
	if (mv)
		return 0;
	if (work_links_of(sync, target, &links, err) < 0)
		return -1;
	for (i = 0; i < links->len; i++) {
		const struct link_ref *row = &links->at[i];
		const struct config_rule_set *rule_set =
			plan_rule_set(sync, row->rule_set);
		const struct work_cs *cs =
			idmap_get_ptr(&sync->cs, (uint64_t)row->cs);

		/* the batch may have changed the link meanwhile */
		if (cs && (goes(cs) || cs->e.link.mv != target))
			continue;
		if (is_better(flow, rule, rule_set, best)) {
			best = rule_set;
			*out = row->cs;
		}
	}
	return 0;
}

static int map_references(struct outflow *flow,
			  const struct config_export_flow *rule,
			  struct values *values, struct error *err)
{
	struct sync *sync = flow->sync;
	struct values mapped = { NULL, 0 };
	size_t i;

	mapped.at = arena_array(&sync->batch, values->len, sizeof(*mapped.at));
	for (i = 0; i < values->len; i++) {
		int64_t connector;

		if (values->at[i].type != VALUE_REFERENCE)
			return object_error(
				err, "cs-attribute-type-mismatch",
				"a reference is wanted, the rule "
				"gave a %s",
				value_type_name(values->at[i].type));
		if (connector_of(flow, rule, values->at[i].number, &connector,
				 err) < 0)
			return -1;
		if (!connector) {
			work_wait(sync,
				  key_of_wait_connector(
					  sync->store, values->at[i].number,
					  CS_AGENT(flow->cs->e.row.id)),
				  flow->mv->row.id);
			flow->waits = true;
			continue;
		}
		mapped.at[mapped.len++] = value_reference(connector, SV_NULL);
	}
	values_canonical(&mapped);
	*values = mapped;
	return 0;
}

/* ---- one attribute ---- */

static const struct values NOTHING = { NULL, 0 };

static const struct values *or_nothing(const struct values *values)
{
	return values ? values : &NOTHING;
}

/* The value that the system has, or while a foreign change waits for its own
 * synchronization, the one before it. */
static const struct values *base_of(const struct outflow *flow, attr_id attr)
{
	if (flow->unsettled)
		return or_nothing(image_get(&flow->settled, attr));
	return or_nothing(image_get(&flow->written, attr));
}

/* The naming attribute is written by the rename, or the add. */
static bool is_naming_value(const struct outflow *flow, attr_id attr,
			    const struct values *values)
{
	struct sync *sync = flow->sync;
	int64_t parent;
	struct sv rdn;
	struct sv type;
	struct sv value;

	if (values->len != 1 || values->at[0].type != VALUE_STRING ||
	    flow->cs->e.pending.op == PENDING_ADD)
		return false;
	entry_expected_name(&flow->cs->e, &parent, &rdn);
	if (!rdn.len || !dn_component(rdn, 1, &sync->scratch, &type, &value) ||
	    !sv_ieq_str(type, store_attr_name(sync->store, attr)))
		return false;
	return text_ieq(value, values->at[0].text);
}

static void want(struct outflow *flow, attr_id attr, struct values values)
{
	const struct values *base = base_of(flow, attr);

	if (flow->cs->e.pending.op == PENDING_ADD) {
		if (values.len)
			image_put(&flow->pending, attr, values,
				  &flow->sync->scratch);
		return;
	}
	if (values_identical(base, &values) ||
	    is_naming_value(flow, attr, &values))
		return;
	image_put(&flow->pending, attr, values, &flow->sync->scratch);
}

static void keep_pending(struct outflow *flow, attr_id attr)
{
	const struct values *old = image_get(&flow->cs->e.pending.attrs, attr);

	if (old)
		image_put(&flow->pending, attr, *old, &flow->sync->scratch);
}

static bool is_initial(const struct outflow *flow, attr_id attr)
{
	const struct config_provision *how = &flow->rule_set->provision;
	size_t i;

	for (i = 0; i < how->initial_count; i++)
		if (how->initial[i].attr == attr)
			return true;
	for (i = 0; i < how->unique_count; i++)
		if (how->unique[i].attr == attr)
			return true;
	return false;
}

/* What the rule added itself: not what was there before it, but what it gave
 * and is to take back as long as the system has it. */
static void remember_merged(struct outflow *flow, attr_id attr,
			    const struct values *own, enum match_rule match)
{
	const struct values *base = base_of(flow, attr);
	const struct values *before =
		or_nothing(image_get(&flow->cs->merged, attr));
	struct values added = { NULL, 0 };
	size_t i;

	added.at = arena_array(&flow->sync->batch, before->len + own->len,
			       sizeof(*added.at));
	for (i = 0; i < own->len; i++)
		if (!values_have(base, &own->at[i], match) ||
		    values_have(before, &own->at[i], match))
			added.at[added.len++] = own->at[i];
	for (i = 0; i < before->len; i++)
		if (values_have(base, &before->at[i], match) &&
		    !values_have(own, &before->at[i], match))
			added.at[added.len++] = before->at[i];
	if (added.len)
		image_put(&flow->merged, attr, added, &flow->sync->batch);
	flow->merges = true;
}

/* A rule that has nothing to say does not forget what it added. */
static void keep_merged(struct outflow *flow,
			const struct config_export_flow *rule)
{
	const struct values *before = image_get(&flow->cs->merged, rule->attr);

	if (rule->merge != MERGE_NO && before)
		image_put(&flow->merged, rule->attr, *before,
			  &flow->sync->batch);
}

/* A merging rule adds its values, takes back those that it added before and
 * gives no more, and leaves all others alone. */
static struct values merge(struct outflow *flow,
			   const struct config_export_flow *rule,
			   const struct values *own)
{
	enum match_rule match = rule->merge == MERGE_EXACT ? MATCH_EXACT
							   : MATCH_IGNORE_CASE;
	const struct values *base = base_of(flow, rule->attr);
	const struct values *before =
		or_nothing(image_get(&flow->cs->merged, rule->attr));
	struct values all = { NULL, 0 };
	size_t i;

	all.at = arena_array(&flow->sync->batch, base->len + own->len,
			     sizeof(*all.at));
	for (i = 0; i < base->len; i++)
		if (!values_have(before, &base->at[i], match) ||
		    values_have(own, &base->at[i], match))
			all.at[all.len++] = base->at[i];
	for (i = 0; i < own->len; i++)
		if (!values_have(&all, &own->at[i], match))
			all.at[all.len++] = own->at[i];
	remember_merged(flow, rule->attr, own, match);
	return all;
}

static void flow_null(struct outflow *flow,
		      const struct config_export_flow *rule, bool forced)
{
	const struct values none = { NULL, 0 };

	if (rule->merge != MERGE_NO) {
		want(flow, rule->attr, merge(flow, rule, &none));
		return;
	}
	if (flow->cs->e.pending.op == PENDING_ADD &&
	    is_initial(flow, rule->attr)) {
		flow->found = "keep";
		keep_pending(flow, rule->attr);
		return;
	}
	if (rule->when_null == FLOW_NULL_KEEP && !forced) {
		flow->found = "keep";
		return;
	}
	want(flow, rule->attr, none);
}

/* They are the metaverse object's own: they live as long as the batch. */
static bool lasts(const struct outflow *flow,
		  const struct config_export_flow *rule,
		  const struct values *values)
{
	const struct values *source;
	uint32_t id;

	if (!expr_is_attr(rule->source, &id))
		return false;
	source = image_get(&flow->mv->image, id);
	return source && source->at == values->at;
}

static const struct attr_plan *plan_of(const struct work_mv *mv, attr_id attr)
{
	size_t i;

	for (i = 0; i < mv->plan->attr_count; i++)
		if (mv->plan->attrs[i].attr->attr.id == attr)
			return &mv->plan->attrs[i];
	return NULL;
}

static size_t rank_of(const struct attr_plan *attr,
		      const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < attr->contributor_count; i++)
		if (attr->contributors[i].rule_set == rule_set)
			return i;
	return SIZE_MAX;
}

/* The guard against echoes: a connector that contributes to an attribute
 * itself is not given the value of one that stands below it. */
static bool stands_above_source(const struct outflow *flow,
				const struct config_export_flow *rule)
{
	const struct lineage_entry *from;
	const struct attr_plan *attr;
	size_t own;
	size_t i;
	uint32_t id;

	if (!flow->rule_set->import_count || !expr_is_attr(rule->source, &id))
		return false;
	attr = plan_of(flow->mv, id);
	from = lineage_get(&flow->mv->lineage, id);
	if (!attr || !from || attr->attr->merge ||
	    attr->attr->precedence != PRECEDENCE_RANKED)
		return false;
	own = rank_of(attr, flow->rule_set);
	for (i = 0; own != SIZE_MAX && i < flow->mv->link_count; i++) {
		const struct work_cs *cs = flow->mv->links[i];

		if (cs->e.row.id == from->cs && cs->rule_set) {
			size_t rank = rank_of(attr, cs->rule_set);

			return rank != SIZE_MAX && rank > own;
		}
	}
	return false;
}

static int load_merged(struct sync *sync, struct work_cs *cs, struct error *err)
{
	struct sv bytes;
	int ret;

	if (cs->has_merged)
		return 0;
	ret = store_merged_get(sync->store, cs->e.row.id, &sync->batch, &bytes,
			       err);
	if (ret < 0 ||
	    (ret > 0 && image_decode(bytes, store_attr_map(sync->store),
				     &sync->batch, &cs->merged, err) < 0))
		return -1;
	cs->has_merged = true;
	return 0;
}

int export_flow_gave(struct sync *sync, struct work_cs *cs, attr_id attr,
		     const struct values *values, struct error *err)
{
	const struct values *before;
	struct values all = { NULL, 0 };
	size_t i;

	if (load_merged(sync, cs, err) < 0)
		return -1;
	before = or_nothing(image_get(&cs->merged, attr));
	all.at = arena_array(&sync->batch, before->len + values->len + 1,
			     sizeof(*all.at));
	for (i = 0; i < before->len; i++)
		all.at[all.len++] = before->at[i];
	for (i = 0; i < values->len; i++)
		all.at[all.len++] = value_dup(&values->at[i], &sync->batch);
	if (!all.len)
		return 0;
	values_canonical(&all);
	work_touch_cs(sync, cs);
	cs->merged = image_copy(&cs->merged, &sync->batch);
	image_put(&cs->merged, attr, all, &sync->batch);
	cs->dirty_merged = true;
	return 0;
}

/* 1: the system has these values, in the case in which it gave them back when
 * they were sent. */
static int is_rewritten(struct outflow *flow, attr_id attr,
			const struct attr_def *def, const struct values *values,
			struct error *err)
{
	const struct values *base = base_of(flow, attr);
	const struct values *both;
	struct values sent;
	struct values back;

	if (flow->cs->e.pending.op == PENDING_ADD ||
	    values_identical(base, values) ||
	    !values_same(base, values, def->match))
		return 0;
	if (load_merged(flow->sync, flow->cs, err) < 0)
		return -1;
	both = image_get(&flow->cs->merged, attr);
	if (!both || both->len != values->len + base->len)
		return 0;
	sent = (struct values){ both->at, values->len };
	back = (struct values){ both->at + values->len, base->len };
	return values_identical(&sent, values) && values_identical(&back, base);
}

static int write_values(struct outflow *flow,
			const struct config_export_flow *rule,
			const struct attr_def *def, struct values values,
			bool forced, struct error *err)
{
	int ret;

	if (!values.len) {
		flow_null(flow, rule, forced);
		return 0;
	}
	if (rule->merge != MERGE_NO) {
		want(flow, rule->attr, merge(flow, rule, &values));
		return 0;
	}
	ret = is_rewritten(flow, rule->attr, def, &values, err);
	if (ret == 0)
		want(flow, rule->attr, values);
	return ret < 0 ? -1 : 0;
}

/* The metaverse object's value is taken as it is, and the system has it, or it
 * is to be written for a new account. Most rules of most objects end here. */
static bool flow_plain(struct outflow *flow,
		       const struct config_export_flow *rule,
		       const struct attr_def *def)
{
	const struct values *values;
	const struct values *base;
	uint32_t id;

	if (rule->when || rule->merge != MERGE_NO || flow->sync->trace ||
	    def->type == VALUE_REFERENCE || flow->rule_set->import_count ||
	    !expr_is_attr(rule->source, &id))
		return false;
	values = image_get(&flow->mv->image, id);
	if (!values || values->len != 1 || values->at[0].type != def->type ||
	    (def->type == VALUE_STRING && !values->at[0].text.len))
		return false;
	if (flow->cs->e.pending.op == PENDING_ADD) {
		image_put(&flow->pending, rule->attr, *values,
			  &flow->sync->scratch);
		return true;
	}
	if (flow->unsettled)
		return values_identical(base_of(flow, rule->attr), values);
	base = image_get_near(&flow->written, rule->attr,
			      &flow->sync->places[rule->rule]);
	return values_identical(or_nothing(base), values);
}

static int flow_one(struct outflow *flow, const struct config_export_flow *rule,
		    const struct rules_view *rules, struct error *err)
{
	struct sync *sync = flow->sync;
	const struct attr_def *def =
		&flow->cs->agent->agent->types[flow->rule_set->type]
			 .attrs[rule->type_attr];
	struct expr_result result;
	struct values values;
	bool when;

	if (flow_plain(flow, rule, def))
		return 0;
	if (rules_condition(&sync->rules, rule->when, rules, &sync->scratch,
			    &when, err) < 0)
		return -1;
	if (!when) {
		flow->found = "condition";
		keep_pending(flow, rule->attr);
		keep_merged(flow, rule);
		return 0;
	}
	if (stands_above_source(flow, rule)) {
		flow->found = "not-precedent";
		if (flow->cs->e.pending.op == PENDING_ADD &&
		    is_initial(flow, rule->attr))
			keep_pending(flow, rule->attr);
		keep_merged(flow, rule);
		return 0;
	}
	if (rules_eval(&sync->rules, rule->source, rules, &sync->scratch,
		       &result, err) < 0)
		return -1;
	if (result.kind == EXPR_IGNORE) {
		flow->found = "ignored";
		keep_pending(flow, rule->attr);
		keep_merged(flow, rule);
		return 0;
	}
	values = result.kind == EXPR_VALUES ? result.values : NOTHING;
	rules_drop_empty(&values, &sync->scratch);
	if (def->type == VALUE_REFERENCE) {
		if (map_references(flow, rule, &values, err) < 0 ||
		    rules_fit_count(&values, def, err) < 0)
			return -1;
	} else {
		if (rules_fit(&values, def, &sync->scratch, err) < 0)
			return -1;
		if (!lasts(flow, rule, &values))
			values = values_dup(&values, &sync->batch);
	}
	return write_values(flow, rule, def, values,
			    result.kind == EXPR_AUTHORITATIVE_NULL, err);
}

/* ---- one connector ---- */

/* Rules are asked for in nearly the order in which they stand: `at` is where
 * the last one was found. */
static bool has_rule(const struct config_rule_set *rule_set, attr_id attr,
		     size_t *at)
{
	size_t i;

	for (i = 0; i < rule_set->export_count; i++) {
		if (*at >= rule_set->export_count)
			*at = 0;
		if (rule_set->exports[(*at)++].attr == attr)
			return true;
	}
	return false;
}

/* Pending values that no rule speaks of: initial ones of an add, and what an
 * import gave back. */
static void keep_unruled(struct outflow *flow)
{
	const struct image *old = &flow->cs->e.pending.attrs;
	size_t at = 0;
	size_t i;

	for (i = 0; i < old->len; i++) {
		const struct image_attr *attr = &old->attrs[i];

		if (has_rule(flow->rule_set, attr->attr, &at))
			continue;
		if (flow->cs->e.pending.op != PENDING_ADD &&
		    values_identical(base_of(flow, attr->attr), &attr->values))
			continue;
		image_put(&flow->pending, attr->attr, attr->values,
			  &flow->sync->scratch);
	}
}

static bool merges_any(const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < rule_set->export_count; i++)
		if (rule_set->exports[i].merge != MERGE_NO)
			return true;
	return false;
}

static bool merges(const struct config_rule_set *rule_set, attr_id attr)
{
	size_t i;

	for (i = 0; i < rule_set->export_count; i++)
		if (rule_set->exports[i].attr == attr)
			return rule_set->exports[i].merge != MERGE_NO;
	return false;
}

/* What is remembered beside the values of merging rules stays. */
static void keep_rewritten(struct outflow *flow)
{
	const struct image *all = &flow->cs->merged;
	size_t i;

	for (i = 0; i < all->len; i++)
		if (!merges(flow->rule_set, all->attrs[i].attr))
			image_put(&flow->merged, all->attrs[i].attr,
				  all->attrs[i].values, &flow->sync->batch);
}

/* A change, unlike an image, has attributes without values. */
static bool same_change(const struct image *a, const struct image *b)
{
	return image_identical(a, b);
}

static bool take_pending(struct outflow *flow)
{
	struct work_cs *cs = flow->cs;
	struct export_state *pending = &cs->e.pending;
	bool changed = !same_change(&pending->attrs, &flow->pending);
	enum export_op_kind op = pending->op;

	if (op == PENDING_NONE && flow->pending.len)
		op = PENDING_UPDATE;
	if (op == PENDING_UPDATE && !flow->pending.len && !pending->rdn.len)
		op = PENDING_NONE;
	if (changed || op != pending->op) {
		work_touch_cs(flow->sync, cs);
		cs->e.pending.op = op;
		cs->e.pending.attrs =
			image_copy(&flow->pending, &flow->sync->batch);
		if (op == PENDING_NONE)
			cs->e.pending.in_progress = false;
		cs->dirty_pending = true;
	}
	if (flow->merges && !image_identical(&cs->merged, &flow->merged)) {
		work_touch_cs(flow->sync, cs);
		cs->merged = flow->merged;
		cs->dirty_merged = true;
	}
	return changed;
}

static const char *export_text(const struct outflow *flow, bool pending,
			       uint32_t rule, const struct values *before)
{
	const char *found = flow->found;

	if (pending && flow->waits)
		return "to be written but for what is not there yet";
	if (pending)
		return rule ? "to be written" : "to be written, by no rule";
	if (flow->waits)
		return "what it refers to is not there yet";
	if (!found)
		return before->len ? "the system has it already"
				   : "no value, and the system has none";
	if (!strcmp(found, "condition"))
		return "the rule's condition is false";
	if (!strcmp(found, "ignored"))
		return "the rule says to ignore it";
	if (!strcmp(found, "not-precedent"))
		return "the value is of a source that ranks below";
	return "the rule has no value and keeps what is there";
}

static void trace_attr(const struct outflow *flow, attr_id attr, uint32_t rule)
{
	const struct values *pending = image_get(&flow->pending, attr);
	struct sync_event event = {
		.step = "export-flow",
		.found = flow->waits ? "waiting" : "same",
		.rule_set = flow->rule_set,
		.rule = rule,
		.cs = flow->cs->e.row.id,
		.mv = flow->mv->row.id,
		.attr = attr,
		.before = base_of(flow, attr),
	};

	if (flow->cs->e.pending.op == PENDING_ADD)
		event.before = &NOTHING;
	event.values = pending ? pending : event.before;
	if (flow->found)
		event.found = flow->found;
	if (pending)
		event.found = "pending";
	trace_event(flow->sync, &event, "%s",
		    export_text(flow, pending != NULL, rule, event.before));
}

/* Initial values and what an import gave back. */
static void trace_unruled(const struct outflow *flow)
{
	size_t at = 0;
	size_t i;

	for (i = 0; flow->sync->trace && i < flow->pending.len; i++)
		if (!has_rule(flow->rule_set, flow->pending.attrs[i].attr, &at))
			trace_attr(flow, flow->pending.attrs[i].attr, 0);
}

static int flow_connector(struct sync *sync, struct work_mv *mv,
			  struct work_cs *cs,
			  const struct config_export_flow *exports,
			  size_t count, struct error *err)
{
	struct outflow flow = {
		.sync = sync,
		.mv = mv,
		.cs = cs,
		.rule_set = cs->rule_set,
		.rules = exports,
		.rule_count = count,
	};
	struct rules_view rules = { 0 };
	struct cs_view view;
	size_t i;
	bool changed;

	flow.written = cs->e.awaiting.op == PENDING_NONE &&
				       !cs->e.awaiting.attrs.len
			       ? cs->e.image
			       : entry_written(&cs->e, &sync->scratch);
	if (cs->e.import == IMPORT_UPDATE) {
		flow.unsettled = true;
		flow.settled = image_copy(&cs->e.synced, &sync->scratch);
		image_apply(&flow.settled, &cs->e.confirmed, &sync->scratch);
		image_apply(&flow.settled, &cs->e.awaiting.attrs,
			    &sync->scratch);
	}
	if (merges_any(cs->rule_set) && load_merged(sync, cs, err) < 0)
		return -1;
	keep_rewritten(&flow);
	view_cs(sync, cs, &view);
	rules.here = view_mv(mv);
	rules.current = view_expected(&view);
	rules.imported = view_imported(&view);
	keep_unruled(&flow);
	for (i = 0; i < flow.rule_count; i++) {
		const struct config_export_flow *rule = &flow.rules[i];

		flow.found = NULL;
		flow.waits = false;
		if (flow_one(&flow, rule, &rules, err) < 0)
			return error_context(
				err, "%s",
				sync->config->rule_texts[rule->rule]);
		if (sync->trace)
			trace_attr(&flow, rule->attr, rule->rule);
	}
	flow.found = NULL;
	flow.waits = false;
	trace_unruled(&flow);
	changed = take_pending(&flow);
	if (cs->e.pending.op == PENDING_ADD && cs->is_new)
		work_outcome(sync, cs, OUT_ADD, cs->e.pending.attrs.len > 0);
	else
		work_outcome(sync, cs, changed ? OUT_FLOW : OUT_NO_FLOW,
			     changed);
	return changed;
}

int export_flow(struct sync *sync, struct work_mv *mv, struct error *err)
{
	int changed = 0;
	size_t i;

	for (i = 0; i < mv->link_count; i++) {
		struct work_cs *cs = mv->links[i];
		int ret;

		if (!cs->rule_set || !cs->agent || goes(cs) ||
		    (!cs->rule_set->export_count && !cs->rule_set->provisions))
			continue;
		if (cs->e.link.leaving ||
		    held_back(sync, mv, cs->rule_set, cs)) {
			work_outcome(sync, cs, OUT_NO_FLOW, false);
			continue;
		}
		ret = flow_connector(sync, mv, cs, cs->rule_set->exports,
				     cs->rule_set->export_count, err);
		if (ret < 0)
			return -1;
		changed |= ret;
	}
	return changed;
}

int export_flow_only(struct sync *sync, struct work_mv *mv, struct work_cs *cs,
		     const struct config_export_flow *rules, size_t count,
		     struct error *err)
{
	return flow_connector(sync, mv, cs, rules, count, err);
}
