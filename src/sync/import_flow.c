/*
 * import_flow.c - compute a metaverse object from all its connectors
 *
 * The metaverse image is a function of the connectors' values and the rules:
 * for each attribute the contributors are asked in the order of precedence,
 * the first that yields a value wins. A contributor that is gone or has no
 * value any more simply is not there the next time: recall and re-population
 * need no code of their own. Connectors whose import is still to be
 * synchronized contribute what they had before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/import_flow.h"

#include <string.h>

struct cs_view *flow_view(struct flow *flow, const struct work_cs *cs)
{
	size_t i;

	for (i = 0; flow->mv->links[i] != cs; i++)
		;
	if (!flow->viewed[i]) {
		view_cs(flow->sync, flow->mv->links[i], &flow->views[i]);
		flow->viewed[i] = true;
	}
	return &flow->views[i];
}

/* Connector space references become metaverse references; one whose target
 * has no partner yet waits for it. */
static int map_references(struct flow *flow, struct values *values,
			  struct error *err)
{
	struct sync *sync = flow->sync;
	struct values mapped = { NULL, 0 };
	size_t i;

	mapped.at = arena_array(&sync->batch, values->len, sizeof(*mapped.at));
	for (i = 0; i < values->len; i++) {
		int64_t target;

		if (values->at[i].type != VALUE_REFERENCE)
			return object_error(
				err, "cs-attribute-type-mismatch",
				"a reference is wanted, the rule "
				"gave a %s",
				value_type_name(values->at[i].type));
		if (work_partner(sync, values->at[i].number, &target, err) < 0)
			return -1;
		if (!target) {
			work_wait(sync,
				  key_of_wait_link(sync->store,
						   values->at[i].number),
				  flow->mv->row.id);
			flow->waits = true;
			continue;
		}
		mapped.at[mapped.len++] = value_reference(target, SV_NULL);
	}
	/* two texts may name one object */
	values_canonical(&mapped);
	*values = mapped;
	return 0;
}

/* Whether an object has a value to look up. One outside of the working set is
 * only looked into: a group may have as many members as there are people. */
static int has_value(struct sync *sync, const struct config_import_flow *rule,
		     int64_t id, const struct value *value, struct error *err)
{
	struct mv_plan *plan = &sync->mv_types[rule->lookup_type];
	const struct work_mv *mv = idmap_get_ptr(&sync->mv, (uint64_t)id);
	struct work_mv there = { .plan = plan };
	struct arena arena = ARENA_INIT;
	struct values values;
	int ret = 1;

	if (!mv) {
		mv = &there;
		ret = store_mv_get(sync->store, id, &arena, &there.row, err);
		if (ret > 0 && there.row.type != plan->number)
			ret = 0;
		if (ret > 0 && mv_image(sync->store, &there.row, &arena,
					&there.image, err) < 0)
			ret = -1;
	}
	if (ret > 0 && (mv->removed || mv->plan != plan))
		ret = 0;
	if (ret > 0)
		ret = view_mv_key(sync, mv, &mv->image, rule->lookup, &values,
				  err) < 0
			      ? -1
			      : values_have(&values, value, MATCH_IGNORE_CASE);
	arena_release(&arena);
	return ret;
}

/* The object of the type that has this value: exactly one counts. */
static int look_up(struct sync *sync, const struct config_import_flow *rule,
		   const struct value *value, int64_t *out, struct error *err)
{
	uint32_t number = store_attr_map(sync->store)->to_store[rule->lookup];
	int64_t *ids;
	int count = work_find_mv_key(
		sync, key_of_mv(sync->store, number, value), &ids, err);
	int found = 0;
	int i;

	*out = 0;
	for (i = 0; i < count; i++) {
		int ret = ids[i] == *out
				  ? 0
				  : has_value(sync, rule, ids[i], value, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		*out = ids[i];
		found++;
	}
	if (found > 1)
		*out = 0;
	return count < 0 ? -1 : 0;
}

static int map_lookups(struct flow *flow, const struct config_import_flow *rule,
		       struct values *values, struct error *err)
{
	struct sync *sync = flow->sync;
	const struct mv_plan *plan = &sync->mv_types[rule->lookup_type];
	uint32_t number = store_attr_map(sync->store)->to_store[rule->lookup];
	struct values mapped = { NULL, 0 };
	size_t i;

	mapped.at = arena_array(&sync->batch, values->len, sizeof(*mapped.at));
	for (i = 0; i < values->len; i++) {
		int64_t target;

		if (look_up(sync, rule, &values->at[i], &target, err) < 0)
			return -1;
		if (!target) {
			work_wait(sync,
				  key_of_wait_value(sync->store, plan->number,
						    number, &values->at[i]),
				  flow->mv->row.id);
			flow->waits = true;
			continue;
		}
		mapped.at[mapped.len++] = value_reference(target, SV_NULL);
	}
	/* two texts may name one object */
	values_canonical(&mapped);
	*values = mapped;
	return 0;
}

/* The values of one rule, fit for the attribute, living in the batch: those of
 * a direct flow do so already. */
static int finish_values(struct flow *flow, const struct attr_plan *attr,
			 const struct config_import_flow *rule, bool direct,
			 struct values *values, struct error *err)
{
	const struct attr_def *def = &attr->attr->attr.def;
	const struct value *lasting = direct ? values->at : NULL;

	rules_drop_empty(values, &flow->sync->scratch);
	if (rule->lookup || def->type == VALUE_REFERENCE) {
		if ((rule->lookup ? map_lookups(flow, rule, values, err)
				  : map_references(flow, values, err)) < 0)
			return -1;
		return rules_fit_count(values, def, err);
	}
	if (rules_fit(values, def, &flow->sync->scratch, err) < 0)
		return -1;
	if (!lasting || values->at != lasting)
		*values = values_dup(values, &flow->sync->batch);
	return 0;
}

static enum say say_of_null(const struct config_import_flow *rule)
{
	switch (rule->when_null) {
	case WHEN_NULL_NEXT:
		return SAY_NOTHING;
	case WHEN_NULL_CONTRIBUTE:
		return SAY_STOP;
	case WHEN_NULL_IGNORE:
		return SAY_IGNORE;
	}
	return SAY_NOTHING;
}

/* One rule: -1 or what it says. */
static int eval_source(struct sync *sync, const struct config_import_flow *rule,
		       const struct cs_view *view,
		       const struct rules_view *rules, struct expr_result *out,
		       bool *direct_out, struct error *err)
{
	const struct values *values;
	uint32_t id;

	*direct_out = expr_is_attr(rule->source, &id) && id != ATTR_DN;
	if (!*direct_out)
		return rules_eval(&sync->rules, rule->source, rules,
				  &sync->scratch, out, err);
	/* a direct flow needs no text of what a reference names */
	values = image_get(&view->expected, id);
	out->kind = values && values->len ? EXPR_VALUES : EXPR_NULL;
	out->values = values ? *values : (struct values){ NULL, 0 };
	out->multi = out->values.len > 1;
	return 0;
}

static int ask_rule(struct flow *flow, struct work_cs *cs,
		    const struct attr_plan *attr,
		    const struct config_import_flow *rule, struct values *out,
		    struct error *err)
{
	struct sync *sync = flow->sync;
	struct cs_view *view = flow_view(flow, cs);
	struct rules_view rules = { 0 };
	struct expr_result result;
	bool when = true;
	bool direct;

	flow->waits = false;
	rules.here = view_expected(view);
	rules.imported = view_imported(view);
	if (rule->when && rules_condition(&sync->rules, rule->when, &rules,
					  &sync->scratch, &when, err) < 0)
		return -1;
	flow->skipped = !when;
	if (!when)
		return SAY_NOTHING;
	if (eval_source(sync, rule, view, &rules, &result, &direct, err) < 0)
		return -1;
	switch (result.kind) {
	case EXPR_NULL:
		return say_of_null(rule);
	case EXPR_AUTHORITATIVE_NULL:
		return SAY_STOP;
	case EXPR_IGNORE:
		return SAY_IGNORE;
	case EXPR_VALUES:
		break;
	}
	*out = result.values;
	if (finish_values(flow, attr, rule, direct, out, err) < 0)
		return -1;
	return out->len ? SAY_VALUES : (int)say_of_null(rule);
}

static void trace_flow(const struct flow *flow, const struct attr_plan *attr,
		       const struct config_rule_set *rule_set,
		       struct sync_event event, const char *text)
{
	event.step = "import-flow";
	event.rule_set = rule_set;
	event.mv = flow->mv->row.id;
	event.attr = attr->attr->attr.id;
	trace_event(flow->sync, &event, "%s", text);
}

/* `decided`: another has won already. */
static void trace_say(const struct flow *flow, const struct work_cs *cs,
		      const struct attr_plan *attr,
		      const struct contributor *who, size_t rule, int say,
		      const struct values *values, bool decided)
{
	static const char *const found[] = { "no-value", "value", "stop",
					     "ignored" };
	static const char *const texts[] = { "no value", "a value",
					     "no value, and nobody below",
					     "ignored" };
	struct sync_event event = {
		.found = found[say],
		.cs = cs->e.row.id,
		.rule = who->flows[rule]->rule,
	};
	const char *text = texts[say];

	if (say == SAY_VALUES) {
		event.values = values;
		event.won = !decided;
	} else if (flow->skipped) {
		event.found = "condition";
		text = "its condition is false";
	} else if (flow->waits) {
		event.found = "waiting";
		text = "no value: what it refers to is not there yet";
	}
	trace_flow(flow, attr, who->rule_set, event, text);
}

/* Rules behind one that had something to say. */
static void trace_rest(const struct flow *flow, const struct work_cs *cs,
		       const struct attr_plan *attr,
		       const struct contributor *who, size_t from)
{
	size_t i;

	for (i = from; i < who->flow_count; i++) {
		struct sync_event event = {
			.found = "not-asked",
			.cs = cs->e.row.id,
			.rule = who->flows[i]->rule,
		};

		trace_flow(flow, attr, who->rule_set, event,
			   "not asked: an earlier rule of the rule set has "
			   "its say");
	}
}

void flow_trace_absent(const struct flow *flow, const struct attr_plan *attr,
		       const struct contributor *who)
{
	struct sync_event event = {
		.found = "no-connector",
		.rule = who->flows[0]->rule,
	};

	if (flow->sync->trace)
		trace_flow(flow, attr, who->rule_set, event, "no connector");
}

void flow_trace_stays(const struct flow *flow, const struct attr_plan *attr,
		      const char *found, const char *text, int64_t cs,
		      const struct values *values)
{
	struct sync_event event = {
		.found = found,
		.cs = cs,
		.values = values,
		.won = true,
	};

	if (flow->sync->trace)
		trace_flow(flow, attr, NULL, event, text);
}

/* A rule set's rules for the attribute, in order: the first that yields. One
 * that is ignored is as if it were not there: those behind it are asked. */
int flow_ask(struct flow *flow, struct work_cs *cs,
	     const struct attr_plan *attr, const struct contributor *who,
	     struct values *out, bool decided, struct error *err)
{
	size_t i;
	int all = SAY_NOTHING;

	for (i = 0; i < who->flow_count; i++) {
		int say = ask_rule(flow, cs, attr, who->flows[i], out, err);
		if (say < 0)
			return error_context(
				err, "%s",
				flow->sync->config
					->rule_texts[who->flows[i]->rule]);
		if (flow->sync->trace)
			trace_say(flow, cs, attr, who, i, say, out, decided);
		if (say == SAY_IGNORE)
			all = SAY_IGNORE;
		if (say == SAY_NOTHING || say == SAY_IGNORE)
			continue;
		if (flow->sync->trace)
			trace_rest(flow, cs, attr, who, i + 1);
		return say;
	}
	return all;
}

void flow_lineage(struct flow *flow, attr_id attr, int64_t cs,
		  const struct values *values)
{
	const struct lineage_entry *old = lineage_get(&flow->mv->lineage, attr);
	const struct values *before = image_get(&flow->mv->image, attr);
	struct lineage_entry *entry = &flow->lineage.at[flow->lineage.len++];
	bool same = before && values_identical(before, values);

	flow->same += same;
	entry->attr = attr;
	entry->cs = cs;
	entry->time = same && old && old->cs == cs ? old->time
						   : flow->sync->stamp;
}

bool flow_keeps_frozen(const struct flow *flow, attr_id attr,
		       struct values *out, int64_t *cs_out)
{
	const struct lineage_entry *old = lineage_get(&flow->mv->lineage, attr);
	const struct values *values = image_get(&flow->mv->image, attr);
	size_t i;

	if (!old || !values)
		return false;
	for (i = 0; i < flow->mv->link_count; i++) {
		const struct work_cs *cs = flow->mv->links[i];

		if (cs->e.row.id == old->cs && !cs->rule_set) {
			*out = *values;
			*cs_out = old->cs;
			return true;
		}
	}
	return false;
}

static int flow_merged(struct flow *flow, const struct attr_plan *attr,
		       struct image *image, struct error *err)
{
	struct values all = { NULL, 0 };
	int64_t first = 0;
	size_t i;
	size_t k;

	for (i = 0; i < attr->contributor_count; i++) {
		const struct contributor *who = &attr->contributors[i];
		struct work_cs *cs = link_find(flow->mv, who->rule_set);
		struct values values = { NULL, 0 };
		struct values more;
		int say;

		if (!cs) {
			flow_trace_absent(flow, attr, who);
			continue;
		}
		say = flow_ask(flow, cs, attr, who, &values, true, err);
		if (say < 0)
			return -1;
		if (say != SAY_VALUES)
			continue;
		if (!first)
			first = cs->e.row.id;
		more.len = all.len;
		more.at = arena_array(&flow->sync->batch, all.len + values.len,
				      sizeof(*more.at));
		if (all.len)
			memcpy(more.at, all.at, all.len * sizeof(*more.at));
		for (k = 0; k < values.len; k++)
			if (!values_have(&more, &values.at[k],
					 attr->attr->merge_match))
				more.at[more.len++] = values.at[k];
		all = more;
	}
	if (!all.len)
		return 0;
	flow_trace_stays(flow, attr, "merged", "the union of its contributors",
			 first, &all);
	image_put(image, attr->attr->attr.id, all, &flow->sync->scratch);
	flow_lineage(flow, attr->attr->attr.id, first, &all);
	return 0;
}

/* One value of the attribute's type, which needs nothing done to it. */
static bool is_plain(const struct values *values, const struct attr_def *def)
{
	return values && values->len == 1 && values->at[0].type == def->type &&
	       (def->type != VALUE_STRING || values->at[0].text.len);
}

/* 1: the first contributor that is there takes a value as it is; 0: all are to
 * be asked. Most attributes of most objects end here. */
static int flow_direct(struct flow *flow, const struct attr_plan *attr,
		       struct image *image)
{
	const struct values *values;
	const struct contributor *who = attr->contributors;
	struct work_cs *cs = NULL;
	size_t i;

	if (flow->sync->trace || flow->frozen)
		return 0;
	for (i = 0; i < attr->contributor_count && !cs; i++) {
		who = &attr->contributors[i];
		cs = link_find(flow->mv, who->rule_set);
	}
	if (!cs || who->direct == ATTR_NONE)
		return 0;
	values = image_get_near(&flow_view(flow, cs)->expected, who->direct,
				&flow->sync->places[who->flows[0]->rule]);
	if (!is_plain(values, &attr->attr->attr.def))
		return 0;
	image_put(image, attr->attr->attr.id, *values, &flow->sync->scratch);
	flow_lineage(flow, attr->attr->attr.id, cs->e.row.id, values);
	return 1;
}

/* Asks in order of precedence; `preferred` before all others. */
static int flow_ranked(struct flow *flow, const struct attr_plan *attr,
		       const struct contributor *preferred, struct image *image,
		       struct error *err)
{
	attr_id id = attr->attr->attr.id;
	struct values winner = { NULL, 0 };
	int64_t winner_cs = 0;
	bool ignored = false;
	bool decided = false;
	size_t i;

	if (flow->frozen && flow_keeps_frozen(flow, id, &winner, &winner_cs)) {
		decided = true;
		flow_trace_stays(
			flow, attr, "frozen",
			"kept: the rule set of its connector is in no file",
			winner_cs, &winner);
	}
	for (i = 0;
	     i <= attr->contributor_count && (!decided || flow->sync->trace);
	     i++) {
		const struct contributor *who = i ? &attr->contributors[i - 1]
						  : preferred;
		struct values values = { NULL, 0 };
		struct work_cs *cs;
		int say;

		if (!who || (i && who == preferred))
			continue;
		cs = link_find(flow->mv, who->rule_set);
		if (!cs) {
			flow_trace_absent(flow, attr, who);
			continue;
		}
		say = flow_ask(flow, cs, attr, who, &values, decided, err);
		if (say < 0)
			return -1;
		if (say == SAY_IGNORE && !decided)
			ignored = true;
		if ((say == SAY_VALUES || say == SAY_STOP) && !decided) {
			decided = true;
			winner = values;
			winner_cs = say == SAY_VALUES ? cs->e.row.id : 0;
		}
	}
	if (!decided && ignored) {
		const struct values *old = image_get(&flow->mv->image, id);
		const struct lineage_entry *from =
			lineage_get(&flow->mv->lineage, id);

		if (old) {
			winner = *old;
			winner_cs = from ? from->cs : 0;
			flow_trace_stays(flow, attr, "kept",
					 "kept: a rule says to ignore it",
					 winner_cs, &winner);
		}
	}
	if (!winner.len)
		return 0;
	image_put(image, id, winner, &flow->sync->scratch);
	flow_lineage(flow, id, winner_cs, &winner);
	return 0;
}

/* ---- what follows from a change ---- */

/* An indexed attribute or key, and who may wait for its values. */
struct key_kind {
	attr_id attr;
	uint32_t number;
	bool lookup_target;
};

static uint64_t lookup_key(struct sync *sync, const struct work_mv *mv,
			   const struct key_kind *kind,
			   const struct value *value)
{
	return key_of_wait_value(sync->store, mv->row.type, kind->number,
				 value);
}

static bool refers_to(struct sync *sync, const struct image *image, int64_t mv)
{
	int64_t *targets;
	size_t count;
	size_t i;

	image_references(image, &sync->scratch, &targets, &count);
	for (i = 0; i < count; i++)
		if (targets[i] == mv)
			return true;
	return false;
}

/* Who looks this value up is asked again: those who wait for it, and those who
 * found it in another object, since now there are two; the object itself may
 * be one of them. */
static int key_comes(struct sync *sync, struct work_mv *mv,
		     const struct image *after, const struct key_kind *kind,
		     const struct value *value, struct error *err)
{
	uint64_t h = key_of_mv(sync->store, kind->number, value);
	int64_t *ids;
	int count = 0;
	int i;

	if (kind->lookup_target)
		count = work_find_mv_key(sync, h, &ids, err);
	for (i = 0; i < count; i++) {
		if (link_mark_mv_finders(sync, ids[i], err) < 0)
			return -1;
		if (refers_to(sync, after, ids[i]))
			work_mark(sync, mv->row.id);
	}
	work_add_mv_key(sync, h, mv->row.id);
	if (!kind->lookup_target)
		return 0;
	return count < 0 ? -1
			 : work_wake(sync, lookup_key(sync, mv, kind, value),
				     err);
}

/* Who refers to this object by the value is asked again, and those who could
 * not tell it from another one. */
static int key_goes(struct sync *sync, const struct work_mv *mv,
		    const struct key_kind *kind, const struct value *value,
		    struct error *err)
{
	struct key_row gone = { key_of_mv(sync->store, kind->number, value),
				mv->row.id };

	uint64_t wait;

	vec_push(&sync->w.mv_keys_gone, gone);
	if (!kind->lookup_target)
		return 0;
	wait = lookup_key(sync, mv, kind, value);
	marks_lost(sync, mv->row.id, gone.h, wait);
	if (link_mark_mv_referrers(sync, mv->row.id, err) < 0)
		return -1;
	return work_wake(sync, wait, err);
}

static int key_changes(struct sync *sync, struct work_mv *mv,
		       const struct key_kind *kind, const struct image *before,
		       const struct image *after, struct error *err)
{
	struct values old;
	struct values new;
	size_t i;

	if (view_mv_key(sync, mv, before, kind->attr, &old, err) < 0 ||
	    view_mv_key(sync, mv, after, kind->attr, &new, err) < 0)
		return -1;
	for (i = 0; i < new.len; i++)
		if (!values_have(&old, &new.at[i], MATCH_IGNORE_CASE) &&
		    key_comes(sync, mv, after, kind, &new.at[i], err) < 0)
			return -1;
	for (i = 0; i < old.len; i++)
		if (!values_have(&new, &old.at[i], MATCH_IGNORE_CASE) &&
		    key_goes(sync, mv, kind, &old.at[i], err) < 0)
			return -1;
	return 0;
}

int import_flow_keys(struct sync *sync, struct work_mv *mv,
		     const struct image *before, const struct image *after,
		     struct error *err)
{
	const struct mv_plan *plan = mv->plan;
	size_t i;

	for (i = 0; i < plan->attr_count; i++) {
		const struct attr_plan *attr = &plan->attrs[i];
		struct key_kind kind = { attr->attr->attr.id, attr->number,
					 attr->lookup_target };

		if ((attr->attr->attr.index || attr->lookup_target) &&
		    key_changes(sync, mv, &kind, before, after, err) < 0)
			return -1;
	}
	for (i = 0; i < plan->type->key_count; i++) {
		struct key_kind kind = { plan->type->keys[i].id,
					 plan->key_numbers[i],
					 plan->key_lookups[i] };

		if (key_changes(sync, mv, &kind, before, after, err) < 0)
			return -1;
	}
	return 0;
}

static void reference_changes(struct sync *sync, const struct work_mv *mv,
			      const struct image *before,
			      const struct image *after)
{
	const struct attr_map *map = store_attr_map(sync->store);
	struct reference_diff diff;
	size_t i;

	image_reference_diff(before, after, &sync->scratch, &diff);
	for (i = 0; i < diff.come_count; i++) {
		struct ref_change ref = { diff.come[i].target, mv->row.id, true,
					  map->to_store[diff.come[i].attr] };

		vec_push(&sync->w.refs, ref);
	}
	for (i = 0; i < diff.gone_count; i++) {
		struct ref_change ref = { diff.gone[i], mv->row.id, false, 0 };

		vec_push(&sync->w.refs, ref);
	}
}

static void take_lineage(const struct flow *flow)
{
	struct lineage *to = &flow->mv->lineage;

	to->len = flow->lineage.len;
	to->at = arena_array(&flow->sync->batch, to->len, sizeof(*to->at));
	if (to->len)
		memcpy(to->at, flow->lineage.at, to->len * sizeof(*to->at));
}

static int take_image(struct flow *flow, const struct image *image,
		      struct error *err)
{
	struct sync *sync = flow->sync;
	struct work_mv *mv = flow->mv;
	struct image before = mv->image;
	size_t i;

	work_touch_mv(sync, mv);
	mv->image = image_copy(image, &sync->batch);
	take_lineage(flow);
	mv->dirty = true;
	if (import_flow_keys(sync, mv, &before, image, err) < 0)
		return -1;
	reference_changes(sync, mv, &before, image);
	for (i = 0; i < mv->plan->joining_count; i++)
		if (join_wake(sync, mv, mv->plan->joining[i], &before, err) < 0)
			return -1;
	return 1;
}

static int flow_attr(struct flow *flow, const struct attr_plan *attr,
		     struct image *image, struct error *err)
{
	const struct contributor *preferred = NULL;

	if (attr->attr->merge)
		return flow_merged(flow, attr, image, err);
	switch (attr->attr->precedence) {
	case PRECEDENCE_LUA:
		return precedence_chosen(flow, attr, image, err);
	case PRECEDENCE_EQUAL:
		if (attr->attr->attr.def.multi)
			return precedence_equal(flow, attr, image, err);
		if (precedence_last_writer(flow, attr, &preferred, err) < 0)
			return -1;
		break;
	case PRECEDENCE_RANKED:
		if (flow_direct(flow, attr, image))
			return 0;
		break;
	}
	return flow_ranked(flow, attr, preferred, image, err);
}

int import_flow(struct sync *sync, struct work_mv *mv, struct error *err)
{
	struct flow flow = { .sync = sync, .mv = mv };
	struct image image = IMAGE_EMPTY;
	size_t i;

	if (!mv->plan)
		return 0;
	flow.views = arena_array(&sync->scratch, mv->link_count + 1,
				 sizeof(*flow.views));
	flow.viewed = arena_array(&sync->scratch, mv->link_count + 1,
				  sizeof(*flow.viewed));
	flow.lineage.at = arena_array(&sync->scratch, mv->plan->attr_count + 1,
				      sizeof(*flow.lineage.at));
	image.size = mv->plan->attr_count;
	image.attrs =
		arena_alloc(&sync->scratch, image.size * sizeof(*image.attrs));
	for (i = 0; i < mv->link_count; i++)
		flow.frozen |= !mv->links[i]->rule_set;
	for (i = 0; i < mv->plan->attr_count; i++)
		if (flow_attr(&flow, &mv->plan->attrs[i], &image, err) < 0)
			return -1;
	if (flow.same != image.len || flow.same != mv->image.len)
		return take_image(&flow, &image, err);
	if (flow.owner_changed) {
		work_touch_mv(sync, mv);
		take_lineage(&flow);
		mv->dirty = true;
	}
	return 0;
}
