/*
 * join.c - find the metaverse object that a staged object belongs to
 *
 * Called after the filter and before projection. Rules are tried in order;
 * exactly one candidate joins. Two are never a guess: a wrong join merges two
 * people. The same rules are used the other way round before an object is
 * provisioned, so an account that is there already is joined, not doubled.
 *
 * Candidates come by the value of a rule's first clause, from the metaverse's
 * keys or from keys of disconnectors; both are hints, every clause is verified.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_type(const struct config_rule_set *rule_set,
		     const struct work_mv *mv)
{
	size_t i;

	for (i = 0; mv->plan && i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == mv->plan->type->index)
			return true;
	return false;
}

/* The clause by whose value candidates are found: an indexed one. */
static size_t key_clause(const struct config_join *join)
{
	size_t c;

	for (c = 0; c < join->clause_count; c++)
		if (join->clauses[c].indexed)
			return c;
	return 0;
}

static uint64_t rule_number(const struct sync *sync,
			    const struct config_rule_set *rule_set, size_t join)
{
	return sync->join_numbers[rule_set->id][join];
}

/* The search values of one clause: 1 there are some, 0 none, -1 */
static int source_values(struct sync *sync, const struct config_join_clause *c,
			 const struct rules_view *rules, struct values *out,
			 struct error *err)
{
	struct expr_result result;

	if (rules_eval(&sync->rules, c->source, rules, &sync->scratch, &result,
		       err) < 0)
		return -1;
	*out = (struct values){ NULL, 0 };
	if (result.kind == EXPR_VALUES)
		*out = result.values;
	rules_drop_empty(out, &sync->scratch);
	return out->len > 0;
}

/* Does the metaverse object match every clause? Sources are evaluated once,
 * in `values`. */
static int clauses_match(struct sync *sync, const struct config_join *join,
			 const struct values *values, const struct work_mv *mv,
			 struct error *err)
{
	size_t c;
	size_t i;

	for (c = 0; c < join->clause_count; c++) {
		struct values there;
		bool hit = false;

		if (view_mv_key(sync, mv, &mv->image, join->clauses[c].mv_attr,
				&there, err) < 0)
			return -1;
		for (i = 0; i < values[c].len && !hit; i++)
			hit = values_have(&there, &values[c].at[i],
					  join->clauses[c].match);
		if (!hit)
			return 0;
	}
	return 1;
}

struct candidates {
	VEC(struct work_mv *) found;
};

static bool known(const struct candidates *all, const struct work_mv *mv)
{
	size_t i;

	for (i = 0; i < all->found.len; i++)
		if (all->found.at[i] == mv)
			return true;
	return false;
}

static int resolved(struct sync *sync, const struct config_rule_set *rule_set,
		    struct rules_view rules, const struct work_mv *mv,
		    struct error *err)
{
	bool keep;

	if (!rule_set->resolve)
		return 1;
	rules.metaverse = view_mv(mv);
	if (rules_condition(&sync->rules, rule_set->resolve, &rules,
			    &sync->scratch, &keep, err) < 0)
		return -1;
	return keep;
}

static int find_candidates(struct sync *sync,
			   const struct config_rule_set *rule_set,
			   const struct config_join *join,
			   const struct values *values,
			   const struct rules_view *rules,
			   struct candidates *out, struct error *err)
{
	const struct attr_map *map = store_attr_map(sync->store);
	size_t key = key_clause(join);
	uint32_t attr = map->to_store[join->clauses[key].mv_attr];
	size_t i;
	int k;

	for (i = 0; i < values[key].len; i++) {
		uint64_t h = key_of_mv(sync->store, attr, &values[key].at[i]);
		int64_t *ids;
		int count = work_find_mv_key(sync, h, &ids, err);

		if (count < 0)
			return -1;
		for (k = 0; k < count; k++) {
			struct work_mv *mv;
			int ret = work_mv(sync, ids[k], &mv, err);

			if (ret > 0 && has_type(rule_set, mv) &&
			    !known(out, mv))
				ret = clauses_match(sync, join, values, mv,
						    err);
			else if (ret > 0)
				ret = 0;
			if (ret > 0)
				ret = resolved(sync, rule_set, *rules, mv, err);
			if (ret < 0)
				return -1;
			if (ret > 0)
				vec_push(&out->found, mv);
		}
	}
	return 0;
}

/* 1: all clauses have values; 0: the rule is not satisfied */
static int evaluate_rule(struct sync *sync, const struct config_join *join,
			 const struct rules_view *rules, struct values *values,
			 struct error *err)
{
	bool when;
	size_t c;

	if (rules_condition(&sync->rules, join->when, rules, &sync->scratch,
			    &when, err) < 0)
		return -1;
	if (!when)
		return 0;
	for (c = 0; c < join->clause_count; c++) {
		int ret = source_values(sync, &join->clauses[c], rules,
					&values[c], err);

		if (ret <= 0)
			return ret;
	}
	return 1;
}

static struct sv display(struct sync *sync, const struct work_mv *mv)
{
	const struct values *values = mv->image.len ? &mv->image.attrs[0].values
						    : NULL;

	return values ? value_text(&values->at[0], &sync->scratch) : SV_NULL;
}

static int ambiguous(struct sync *sync, struct work_cs *cs,
		     const struct config_rule_set *rule_set,
		     const struct candidates *all, struct error *err)
{
	struct work_mv *a = all->found.at[0];
	struct work_mv *b = all->found.at[1];

	trace(sync, "join", "ambiguous", rule_set, cs->e.row.id, 0,
	      "ambiguous: %s",
	      rule_set->ambiguous == AMBIGUOUS_NEXT ? "the next rule is tried"
	      : rule_set->ambiguous == AMBIGUOUS_STOP
		      ? "it stays a disconnector"
		      : "an error");
	if (rule_set->ambiguous != AMBIGUOUS_ERROR)
		return 0;
	return object_error(err, "ambiguous-join",
			    "%zu metaverse objects match: mv %lld (" SV_FMT
			    "), mv %lld (" SV_FMT ")%s",
			    all->found.len, (long long)a->row.id,
			    SV_ARG(display(sync, a)), (long long)b->row.id,
			    SV_ARG(display(sync, b)),
			    all->found.len > 2 ? " ..." : "");
}

static int by_id(const void *a, const void *b)
{
	struct work_mv *const *x = a;
	struct work_mv *const *y = b;

	return ((*x)->row.id > (*y)->row.id) - ((*x)->row.id < (*y)->row.id);
}

/* `resolve: { lua: f }` is asked also when there is one candidate: the one it
 * takes stays, or none. */
static int pick(struct sync *sync, const struct config_rule_set *rule_set,
		const struct rules_view *rules, struct candidates *all,
		struct error *err)
{
	size_t chosen;
	int ret;

	if (!rule_set->resolve_lua.fn || !all->found.len)
		return 0;
	qsort(all->found.at, all->found.len, sizeof(*all->found.at), by_id);
	ret = ask_candidate(sync, rule_set, rules, all->found.at,
			    all->found.len, &chosen, err);
	if (ret < 0)
		return -1;
	if (ret > 0)
		all->found.at[0] = all->found.at[chosen - 1];
	all->found.len = ret > 0;
	return 0;
}

/* Looked at from the disconnector: is this object the one that is picked? */
static int picks(struct sync *sync, const struct config_rule_set *rule_set,
		 const struct config_join *join, const struct values *values,
		 const struct rules_view *rules, const struct work_mv *mv,
		 struct error *err)
{
	struct candidates all = { VEC_INIT };
	int ret;

	if (!rule_set->resolve_lua.fn)
		return 1;
	ret = find_candidates(sync, rule_set, join, values, rules, &all, err);
	if (ret == 0)
		ret = pick(sync, rule_set, rules, &all, err);
	if (ret == 0)
		ret = all.found.len && all.found.at[0] == mv;
	vec_release(&all.found);
	return ret;
}

static void trace_clauses(struct sync *sync, struct sync_event event,
			  const struct config_join *join,
			  const struct values *values)
{
	size_t c;

	event.found = "value";
	for (c = 0; c < join->clause_count; c++) {
		event.attr = join->clauses[c].mv_attr;
		event.values = values[c].len ? &values[c] : NULL;
		trace_event(sync, &event, "%s = " SV_FMT,
			    store_attr_name(sync->store, event.attr),
			    SV_ARG(expr_source(join->clauses[c].source)));
		/* the others are not evaluated then */
		if (!values[c].len)
			return;
	}
}

static void trace_found(struct sync *sync, struct sync_event event,
			const struct candidates *all)
{
	int64_t *ids =
		arena_array(&sync->scratch, all->found.len + 1, sizeof(*ids));
	size_t i;

	for (i = 0; i < all->found.len; i++)
		ids[i] = all->found.at[i]->row.id;
	event.found = "candidates";
	event.candidates = ids;
	event.candidate_count = all->found.len;
	trace_event(sync, &event, "rule %zu: %zu candidate%s", event.line,
		    all->found.len, all->found.len == 1 ? "" : "s");
}

/* What rule number `r` came to, and by which values; only for a preview. */
static void trace_rule(struct sync *sync, const struct work_cs *cs,
		       const struct config_rule_set *rule_set, size_t r,
		       const struct rules_view *rules,
		       const struct values *values, int satisfied,
		       const struct candidates *all)
{
	const struct config_join *join = &rule_set->joins[r];
	struct error ignored = ERROR_INIT;
	struct sync_event event = {
		.step = "join",
		.rule_set = rule_set,
		.line = r + 1,
		.cs = cs->e.row.id,
	};
	bool when = true;

	if (rules_condition(&sync->rules, join->when, rules, &sync->scratch,
			    &when, &ignored) == 0 &&
	    !when) {
		event.found = "condition";
		trace_event(sync, &event, "rule %zu: its condition is false",
			    event.line);
		return;
	}
	trace_clauses(sync, event, join, values);
	if (satisfied) {
		trace_found(sync, event, all);
		return;
	}
	event.found = "no-value";
	trace_event(sync, &event, "rule %zu: no value to search for",
		    event.line);
}

int join_find(struct sync *sync, struct work_cs *cs,
	      const struct config_rule_set *rule_set, struct work_mv **out,
	      struct error *err)
{
	struct rules_view rules = { 0 };
	struct cs_view view;
	size_t r;

	if (!rule_set->join_count) {
		trace(sync, "join", "no-rule", rule_set, cs->e.row.id, 0,
		      "the rule set has no join rule");
		return 0;
	}
	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];
		struct candidates all = { VEC_INIT };
		struct values *values = arena_array(&sync->scratch,
						    join->clause_count + 1,
						    sizeof(*values));
		size_t found;
		int ret = evaluate_rule(sync, join, &rules, values, err);

		if (ret > 0 && (find_candidates(sync, rule_set, join, values,
						&rules, &all, err) < 0 ||
				pick(sync, rule_set, &rules, &all, err) < 0))
			ret = -1;
		found = all.found.len;
		if (ret >= 0 && sync->trace)
			trace_rule(sync, cs, rule_set, r, &rules, values, ret,
				   &all);
		if (found == 1)
			*out = all.found.at[0];
		else if (found > 1 && ret > 0 &&
			 ambiguous(sync, cs, rule_set, &all, err) < 0)
			ret = -1;
		vec_release(&all.found);
		if (ret < 0)
			return -1;
		if (found == 1)
			return 1;
		if (found > 1 && rule_set->ambiguous == AMBIGUOUS_STOP)
			return 2;
	}
	return 0;
}

void join_values(struct sync *sync, struct work_cs *cs,
		 const struct config_rule_set *rule_set,
		 struct sync_unlinked *out, struct error *err)
{
	struct rules_view rules = { 0 };
	struct cs_view view;
	size_t count = 0;
	size_t r;
	size_t c;

	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	for (r = 0; r < rule_set->join_count; r++)
		count += rule_set->joins[r].clause_count;
	out->sought =
		arena_array(&sync->scratch, count + 1, sizeof(*out->sought));
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];
		bool when = false;

		if (rules_condition(&sync->rules, join->when, &rules,
				    &sync->scratch, &when, err) < 0 ||
		    !when)
			continue;
		for (c = 0; c < join->clause_count; c++) {
			const struct config_join_clause *clause =
				&join->clauses[c];
			struct sync_sought sought = { r + 1,
						      clause->mv_attr,
						      clause->match,
						      clause->indexed,
						      { NULL, 0 } };

			if (source_values(sync, clause, &rules, &sought.values,
					  err) > 0)
				out->sought[out->sought_count++] = sought;
		}
	}
}

/* ---- disconnectors by their join values ---- */

int join_index(struct sync *sync, struct work_cs *cs,
	       const struct config_rule_set *rule_set, struct error *err)
{
	struct agent_plan *agent = plan_agent(sync, cs->agent->number);
	struct rules_view rules = { 0 };
	struct cs_view view;
	size_t r;
	size_t i;

	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];
		struct values *values = arena_array(&sync->scratch,
						    join->clause_count + 1,
						    sizeof(*values));
		size_t key = key_clause(join);
		struct error ignored = ERROR_INIT;

		/* a rule that fails finds nothing; its error is the object's
		 * when it is synchronized */
		if (evaluate_rule(sync, join, &rules, values, &ignored) <= 0)
			continue;
		for (i = 0; i < values[key].len; i++) {
			struct values one = { &values[key].at[i], 1 };

			tree_add_key(&agent->tree,
				     key_of_join(sync->store,
						 rule_number(sync, rule_set, r),
						 &one),
				     cs->e.row.id);
			sync->joins_stored = true;
		}
	}
	(void)err;
	return 0;
}

int join_index_unlinked(struct sync *sync, struct work_cs *cs,
			struct error *err)
{
	const struct config_rule_set *rule_set;
	int ret = cs->agent ? filter_select(sync, cs, &rule_set, err) : 0;

	if (ret <= 0) {
		error_clear(err); /* its own sync tells */
		return 0;
	}
	return join_index(sync, cs, rule_set, err);
}

/* Disconnectors with this join value: verified to be unlinked objects of the
 * rule set that match all clauses. fn: 0 go on, -1. */
static int matching(struct sync *sync, struct work_mv *mv,
		    const struct config_rule_set *rule_set, size_t r,
		    const struct value *value, struct work_cs **found,
		    size_t *count, size_t max, struct error *err)
{
	const struct config_join *join = &rule_set->joins[r];
	struct agent_plan *agent = &sync->agents[rule_set->agent];
	struct values one = { (struct value *)(uintptr_t)value, 1 };
	int64_t *ids;
	int total = tree_find_key(
		&agent->tree,
		key_of_join(sync->store, rule_number(sync, rule_set, r), &one),
		&sync->scratch, &ids, err);
	int k;

	for (k = 0; k < total; k++) {
		struct rules_view rules = { 0 };
		const struct config_rule_set *of;
		struct cs_view view;
		struct work_cs *cs;
		struct values *values;
		size_t i;
		int ret = work_cs(sync, ids[k], &cs, err);

		if (ret < 0)
			return -1;
		if (ret == 0 || cs->e.link.mv || entry_going(&cs->e) ||
		    !cs->e.row.has_image)
			continue;
		for (i = 0; i < *count && found[i] != cs; i++)
			;
		if (i < *count || *count == max)
			continue;
		ret = filter_select(sync, cs, &of, err);
		if (ret < 0)
			return -1;
		if (of != rule_set)
			continue;
		view_cs(sync, cs, &view);
		rules.here = view_expected(&view);
		rules.imported = view_imported(&view);
		values = arena_array(&sync->scratch, join->clause_count + 1,
				     sizeof(*values));
		ret = evaluate_rule(sync, join, &rules, values, err);
		if (ret > 0)
			ret = clauses_match(sync, join, values, mv, err);
		if (ret > 0)
			ret = resolved(sync, rule_set, rules, mv, err);
		if (ret > 0)
			ret = picks(sync, rule_set, join, values, &rules, mv,
				    err);
		if (ret < 0)
			return -1;
		if (ret > 0)
			found[(*count)++] = cs;
	}
	return total < 0 ? -1 : 0;
}

/* Nothing is provisioned, the rest of the object's synchronization goes on. */
static void note_blocked(struct sync *sync, const struct work_mv *mv,
			 const struct config_rule_set *rule_set,
			 const struct work_cs *cs, const char *code,
			 const char *message)
{
	trace(sync, "provision", "blocked", rule_set, cs->e.row.id, mv->row.id,
	      "%s", message);
	(void)snprintf(sync->blocked, sizeof(sync->blocked), "%s: %s", code,
		       message);
}

#define MAX_FOUND 16

int join_reverse(struct sync *sync, struct work_mv *mv,
		 const struct config_rule_set *rule_set, struct work_cs **out,
		 struct error *err)
{
	struct work_cs *found[MAX_FOUND];
	char message[256];
	int filtered;
	size_t count;
	size_t r;
	size_t i;

	if (!sync->joins_stored)
		return 0;
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];
		struct values values;

		count = 0;
		if (view_mv_key(sync, mv, &mv->image,
				join->clauses[key_clause(join)].mv_attr,
				&values, err) < 0)
			return -1;
		for (i = 0; i < values.len; i++)
			if (matching(sync, mv, rule_set, r, &values.at[i],
				     found, &count, MAX_FOUND, err) < 0)
				return -1;
		if (!count)
			continue;
		if (count > 1) {
			(void)snprintf(message, sizeof(message),
				       "mv %lld is not provisioned: %zu "
				       "objects of '%s' match it by join rule "
				       "%zu; join one by hand or remove one",
				       (long long)mv->row.id, count,
				       rule_set->name, r + 1);
			note_blocked(sync, mv, rule_set, found[0], "ambiguous",
				     message);
			return 2;
		}
		/* its own agent's sync may not have asked the filter yet */
		filtered = filter_matches(sync, found[0], rule_set, err);
		if (filtered < 0)
			return -1;
		if (filtered || found[0]->e.link.state == LINK_EXPLICIT ||
		    held_apart(sync, found[0], mv)) {
			(void)snprintf(message, sizeof(message),
				       "mv %lld is not provisioned: it "
				       "matches this %s disconnector",
				       (long long)mv->row.id,
				       filtered ? "filtered"
				       : found[0]->e.link.state == LINK_EXPLICIT
					       ? "explicit"
					       : "held");
			note_blocked(sync, mv, rule_set, found[0],
				     "existing-disconnector", message);
			return 2;
		}
		*out = found[0];
		return 1;
	}
	return 0;
}

/* The stored key is a hint: the value may have changed since. 1, 0, -1 */
static int has_join_value(struct sync *sync, struct work_cs *cs,
			  const struct config_rule_set *rule_set,
			  const struct config_join *join,
			  const struct value *value, struct error *err)
{
	struct rules_view rules = { 0 };
	const struct config_rule_set *of;
	struct cs_view view;
	struct values *values;
	int ret = filter_select(sync, cs, &of, err);

	if (ret < 0 || of != rule_set) {
		error_clear(err); /* its own sync tells */
		return ret < 0;
	}
	view_cs(sync, cs, &view);
	rules.here = view_expected(&view);
	rules.imported = view_imported(&view);
	values = arena_array(&sync->scratch, join->clause_count + 1,
			     sizeof(*values));
	ret = evaluate_rule(sync, join, &rules, values, err);
	if (ret < 0) {
		error_clear(err);
		return 1;
	}
	return ret > 0 &&
	       values_have(&values[key_clause(join)], value, MATCH_IGNORE_CASE);
}

/* A value of a join attribute came or changed: disconnectors that it may join
 * are taken by their agent's next delta sync. */
int join_wake(struct sync *sync, struct work_mv *mv,
	      const struct config_rule_set *rule_set,
	      const struct image *before, struct error *err)
{
	struct agent_plan *agent = &sync->agents[rule_set->agent];
	size_t r;
	size_t i;
	int k;

	if (!sync->joins_stored || link_find(mv, rule_set))
		return 0;
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];
		attr_id attr = join->clauses[key_clause(join)].mv_attr;
		struct values now;
		struct values then;

		if (view_mv_key(sync, mv, &mv->image, attr, &now, err) < 0 ||
		    view_mv_key(sync, mv, before, attr, &then, err) < 0)
			return -1;
		for (i = 0; i < now.len; i++) {
			struct values one = { &now.at[i], 1 };
			int64_t *ids;
			int count;

			if (values_have(&then, &now.at[i], MATCH_IGNORE_CASE))
				continue;
			count = tree_find_key(
				&agent->tree,
				key_of_join(sync->store,
					    rule_number(sync, rule_set, r),
					    &one),
				&sync->scratch, &ids, err);
			for (k = 0; k < count; k++) {
				struct work_cs *cs;
				int ret = work_cs(sync, ids[k], &cs, err);

				if (ret < 0)
					return -1;
				if (ret == 0 || cs->e.link.mv ||
				    cs->e.link.state != LINK_NORMAL ||
				    cs->e.row.id == sync->processed ||
				    !has_join_value(sync, cs, rule_set, join,
						    &now.at[i], err))
					continue;
				work_touch_cs(sync, cs);
				cs->queued = true;
			}
			if (count < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- what was imported since the last sync, or after rules changed ---- */

int join_index_one(struct sync *sync, int64_t id, struct error *err)
{
	struct work_cs *cs;
	int ret = work_cs(sync, id, &cs, err);

	if (ret <= 0)
		return ret;
	if (cs->e.import != IMPORT_NONE) {
		cs->e.indexed = true;
		cs->dirty_import = true;
	}
	if (cs->e.link.mv || !cs->e.row.has_image || !cs->e.row.type)
		return 0;
	return join_index_unlinked(sync, cs, err);
}

static int index_ids(struct sync *sync, const int64_t *ids, int count,
		     struct error *err)
{
	int i;

	for (i = 0; i < count; i++) {
		if (join_index_one(sync, ids[i], err) < 0)
			return -1;
		arena_reset(&sync->scratch);
	}
	return flush_now(sync, err);
}

static int index_imported(struct sync *sync, const struct agent_plan *agent,
			  struct error *err)
{
	int64_t ids[512];
	int64_t after = 0;
	int count;

	while ((count = store_pending_import_ids(
			sync->store, agent->number, after,
			PENDING_IMPORT_NOT_INDEXED, ids, 512, err)) > 0) {
		after = ids[count - 1];
		if (index_ids(sync, ids, count, err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

static int index_all(struct sync *sync, const struct agent_plan *agent,
		     struct error *err)
{
	struct cs_row rows[256];
	int64_t ids[256];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_cs_scan(sync->store, agent->number, after, rows,
				      256, &sync->batch, err)) > 0) {
		for (i = 0; i < count; i++)
			ids[i] = rows[i].id;
		after = ids[count - 1];
		if (index_ids(sync, ids, count, err) < 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

static bool provisions(const struct agent_plan *agent)
{
	size_t r;

	for (r = 0; r < agent->agent->rule_set_count; r++)
		if (agent->agent->rule_sets[r].provisions)
			return true;
	return false;
}

/*
 * Disconnectors are indexed as they are synchronized. What is left: all of
 * them when the join rules read differently, and before other agents provision
 * into this one, what it imported and has not synchronized yet.
 */
static int index_agent(struct sync *sync, const struct agent_plan *agent,
		       struct error *err)
{
	struct sv stored;
	char key[256];
	struct sv now = sv_make((const char *)&agent->join_fingerprint,
				sizeof(agent->join_fingerprint));

	(void)snprintf(key, sizeof(key), "joins.%s", agent->agent->name);
	if (store_meta_get(sync->store, key, &sync->scratch, &stored, err) < 0)
		return -1;
	if (!sv_eq(stored, now)) {
		if (stored.len && index_all(sync, agent, err) < 0)
			return -1;
		if (store_meta_set(sync->tx, key, now, err) < 0)
			return -1;
	}
	if (agent->agent == sync->agent || !provisions(agent))
		return 0;
	return index_imported(sync, agent, err);
}

int join_index_imported(struct sync *sync, struct error *err)
{
	struct sv stored;
	size_t i;

	for (i = 0; i < sync->config->agent_count; i++)
		if (sync->agents[i].joins &&
		    index_agent(sync, &sync->agents[i], err) < 0)
			return -1;
	if (store_meta_get(sync->store, "joins", &sync->scratch, &stored, err) <
	    0)
		return -1;
	sync->joins_told = stored.len > 0;
	sync->joins_stored |= sync->joins_told;
	return 0;
}
