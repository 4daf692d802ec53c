/*
 * held.c - objects that a run was undone for
 *
 * Asked before anything is exported to an object, whoever provides it. What
 * was undone is wanted by the rules as before, so it would be done again: as
 * long as they want the very same nothing happens to the object. What they
 * want is kept as a fingerprint, of what was undone and nothing else: another
 * value of theirs ends the hold.
 *
 *	undone --first evaluation--> held --they want something else--> free
 *	                              |
 *	                              +-- released by hand, or gone --> free
 *
 * Without such objects none of this is reached: sync->held is NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include "model/dn.h"
#include "sync/undo.h"

#include <string.h>

struct held {
	struct arena arena;
	struct idmap by_cs;    /* account -> struct hold_row */
	struct idmap by_place; /* HOLD_ADD: see place_key() */
};

/* Where a metaverse object would get an account. */
static uint64_t place_key(int64_t mv, uint32_t rule_set)
{
	return (uint64_t)mv << 20 ^ rule_set;
}

static struct held *held_of(struct sync *sync)
{
	if (!sync->held)
		sync->held = mem_zalloc(sizeof(*sync->held));
	return sync->held;
}

static struct hold_row *remember(struct sync *sync, const struct hold_row *row)
{
	struct held *held = held_of(sync);
	struct hold_row *kept = arena_alloc(&held->arena, sizeof(*kept));

	*kept = *row;
	kept->user = arena_cstr(&held->arena, sv_from(row->user));
	kept->name = arena_dup(&held->arena, row->name);
	kept->attrs = arena_dup(&held->arena, row->attrs);
	idmap_put_ptr(&held->by_cs, (uint64_t)kept->cs, kept);
	if (kept->kind == HOLD_ADD)
		idmap_put_ptr(&held->by_place,
			      place_key(kept->mv, kept->rule_set), kept);
	return kept;
}

static int on_row(void *data, const struct hold_row *row)
{
	(void)remember(data, row);
	return 0;
}

int held_load(struct sync *sync, struct error *err)
{
	return store_hold_scan(sync->store, 0, on_row, sync, err);
}

void held_release(struct sync *sync)
{
	if (!sync->held)
		return;
	idmap_release(&sync->held->by_cs);
	idmap_release(&sync->held->by_place);
	arena_release(&sync->held->arena);
	mem_free(sync->held);
	sync->held = NULL;
}

/* ---- changes of the unit ---- */

static void change(struct sync *sync, struct hold_row *row, uint64_t wanted,
		   bool over)
{
	struct hold_change it = { row, *row, over };

	it.now.wanted = wanted;
	vec_push(&sync->w.holds, it);
}

/* What the unit made of it, or NULL. */
static const struct hold_change *changed(const struct sync *sync,
					 const struct hold_row *row)
{
	size_t i = sync->w.holds.len;

	while (i-- > sync->unit_holds)
		if (sync->w.holds.at[i].row == row)
			return &sync->w.holds.at[i];
	return NULL;
}

void held_keep(struct sync *sync)
{
	size_t i;

	for (i = sync->unit_holds; i < sync->w.holds.len; i++) {
		const struct hold_change *it = &sync->w.holds.at[i];

		it->row->wanted = it->now.wanted;
		if (!it->over)
			continue;
		idmap_put_ptr(&sync->held->by_cs, (uint64_t)it->row->cs, NULL);
		if (it->row->kind == HOLD_ADD)
			idmap_put_ptr(&sync->held->by_place,
				      place_key(it->row->mv, it->row->rule_set),
				      NULL);
	}
}

int held_write(struct store_tx *tx, const struct hold_change *it,
	       struct error *err)
{
	return it->over ? store_hold_delete(tx, it->now.cs, err)
			: store_hold_put(tx, &it->now, err);
}

static struct hold_row *find(const struct sync *sync, const struct work_cs *cs)
{
	struct hold_row *row = sync->held
				       ? idmap_get_ptr(&sync->held->by_cs,
						       (uint64_t)cs->e.row.id)
				       : NULL;
	const struct hold_change *it = row ? changed(sync, row) : NULL;

	return it && it->over ? NULL : row;
}

static struct hold_row *find_place(struct sync *sync, const struct work_mv *mv,
				   const struct config_rule_set *rule_set)
{
	uint64_t key =
		place_key(mv->row.id, plan_rule_set_number(sync, rule_set));
	struct hold_row *row =
		sync->held ? idmap_get_ptr(&sync->held->by_place, key) : NULL;
	const struct hold_change *it = row ? changed(sync, row) : NULL;

	return it && it->over ? NULL : row;
}

void held_add(struct sync *sync, const struct hold_row *row)
{
	change(sync, remember(sync, row), 0, false);
}

static void end(struct sync *sync, struct hold_row *row, const char *why)
{
	change(sync, row, row->wanted, true);
	trace(sync, "held", "ended", plan_rule_set(sync, row->rule_set),
	      row->kind == HOLD_ADD ? 0 : row->cs, row->mv,
	      "held since run %lld was undone, no longer: %s",
	      (long long)row->run, why);
}

bool held_object(const struct sync *sync, const struct work_cs *cs)
{
	const struct hold_row *row = find(sync, cs);

	return row && row->kind != HOLD_ADD;
}

bool held_returned(const struct sync *sync, const struct work_cs *cs)
{
	const struct hold_row *row = find(sync, cs);

	return row && row->kind == HOLD_DELETE;
}

bool held_apart(const struct sync *sync, const struct work_cs *cs,
		const struct work_mv *mv)
{
	const struct hold_row *row = find(sync, cs);

	return row && row->kind == HOLD_DELETE && row->mv != mv->row.id &&
	       mv->row.created <= row->since;
}

bool held_id(const struct sync *sync, int64_t cs)
{
	return sync->held &&
	       idmap_get_ptr(&sync->held->by_cs, (uint64_t)cs) != NULL;
}

void held_linked(struct sync *sync, const struct work_cs *cs, int64_t mv)
{
	struct hold_row *row = find(sync, cs);

	if (row && row->kind != HOLD_ADD && row->mv != mv)
		end(sync, row, "it belongs to somebody else now");
}

void held_gone(struct sync *sync, const struct work_cs *cs)
{
	struct hold_row *row = find(sync, cs);

	if (row && row->kind != HOLD_ADD)
		end(sync, row, "it is gone, or to go for another reason");
}

void held_mv_gone(struct sync *sync, const struct work_mv *mv)
{
	size_t i;

	for (i = 0; sync->held && i < mv->plan->outbound_count; i++) {
		struct hold_row *row =
			find_place(sync, mv, mv->plan->outbound[i]);

		if (row)
			end(sync, row, "its metaverse object is deleted");
	}
}

int sync_release_holds(struct store *store, const int64_t *cs, size_t count,
		       struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct store_tx *tx;
	int released = 0;
	int ret = store_begin(store, STORE_DURABLE, &tx, err);
	size_t i;

	if (ret < 0)
		return -1;
	for (i = 0; i < count && ret >= 0; i++) {
		struct hold_row row;

		ret = store_hold_get(store, cs[i], &arena, &row, err);
		if (ret > 0 &&
		    (store_hold_delete(tx, row.cs, err) < 0 ||
		     (row.mv ? store_mv_queue_put(tx, row.mv, err)
			     : store_queue_put(tx, row.cs, err)) < 0))
			ret = -1;
		released += ret > 0;
		arena_reset(&arena);
	}
	arena_release(&arena);
	if (ret < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err) < 0 ? -1 : released;
}

/* ---- what the rules want ---- */

struct wanting {
	struct sync *sync;
	const struct hold_row *row;
	const struct config_rule_set *rule_set;
	struct rules_view rules;
	struct strbuf text;
};

static bool was_undone(const struct wanting *w, attr_id attr)
{
	const struct attr_map *map = store_attr_map(w->sync->store);
	uint32_t wanted = attr == ATTR_DN ? 0 : map->to_store[attr];
	uint64_t number;
	size_t at = 0;

	if (w->row->kind != HOLD_CHANGE)
		return w->row->kind == HOLD_ADD;
	while (at < w->row->attrs.len &&
	       image_decode_number(w->row->attrs, &at, &number))
		if (number == wanted)
			return true;
	return false;
}

/* A rule that fails wants the failure. */
static void add_condition(struct wanting *w, const struct expr *when)
{
	struct error ignored = ERROR_INIT;
	bool says = false;

	if (rules_condition(&w->sync->rules, when, &w->rules, &w->sync->scratch,
			    &says, &ignored) < 0)
		strbuf_addc(&w->text, '!');
	else
		strbuf_addc(&w->text, says ? 'y' : 'n');
}

static void add_name(struct wanting *w, const struct expr *dn)
{
	struct error ignored = ERROR_INIT;
	struct sv text = SV_NULL;
	bool gap = false;
	int ret;

	w->rules.counter = 2;
	w->rules.gap = &gap;
	ret = rules_text(&w->sync->rules, dn, &w->rules, &w->sync->scratch,
			 &text, &ignored);
	w->rules.gap = NULL;
	strbuf_addf(&w->text, "%d:%zu:" SV_FMT, ret, text.len, SV_ARG(text));
}

/* Of references it is who is meant in the metaverse: they may have an account
 * at one time and none at another. */
static void add_values(struct wanting *w, const struct expr_result *result)
{
	struct values values = values_dup(&result->values, &w->sync->scratch);
	size_t i;

	values_canonical(&values);
	image_encode_number(values.len, &w->text);
	for (i = 0; i < values.len; i++) {
		if (values.at[i].type == VALUE_REFERENCE)
			values.at[i].text = SV_NULL;
		image_encode_value(&values.at[i], &w->text);
	}
}

static void add_flow(struct wanting *w, const struct config_export_flow *flow)
{
	struct error ignored = ERROR_INIT;
	struct expr_result result;
	bool when = false;

	image_encode_number(
		store_attr_map(w->sync->store)->to_store[flow->attr], &w->text);
	if (rules_condition(&w->sync->rules, flow->when, &w->rules,
			    &w->sync->scratch, &when, &ignored) < 0 ||
	    (when && rules_eval(&w->sync->rules, flow->source, &w->rules,
				&w->sync->scratch, &result, &ignored) < 0)) {
		strbuf_addc(&w->text, '!');
		return;
	}
	strbuf_addf(&w->text, "%d", when ? (int)result.kind : -1);
	if (when && result.kind == EXPR_VALUES)
		add_values(w, &result);
}

static void add_required(struct wanting *w, const struct work_mv *mv,
			 const struct config_provision *how)
{
	size_t i;

	for (i = 0; i < how->require_count; i++)
		strbuf_addc(&w->text,
			    image_has(&mv->image, how->require[i]) ? 'y' : 'n');
}

/* ---- what it has ---- */

/* References by whom they mean; false: somebody is nobody's account. */
static bool owners(struct sync *sync, const struct values *values,
		   struct values *out)
{
	struct error ignored = ERROR_INIT;
	size_t i;

	*out = values_dup(values, &sync->scratch);
	for (i = 0; i < out->len; i++) {
		int64_t mv = 0;

		if (out->at[i].type == VALUE_REFERENCE &&
		    (work_partner(sync, out->at[i].number, &mv, &ignored) < 0 ||
		     !mv))
			return false;
		if (mv)
			out->at[i] = value_reference(mv, SV_NULL);
	}
	return true;
}

static bool has_flow(struct wanting *w, const struct work_cs *cs,
		     const struct image *expected,
		     const struct config_export_flow *flow)
{
	const struct attr_def *def = &cs->agent->agent->types[w->rule_set->type]
					      .attrs[flow->type_attr];
	const struct values *has = image_get(expected, flow->attr);
	const struct values none = { NULL, 0 };
	struct error ignored = ERROR_INIT;
	struct expr_result result;
	struct values meant;
	struct values wanted;

	if (flow->when || flow->merge != MERGE_NO ||
	    rules_eval(&w->sync->rules, flow->source, &w->rules,
		       &w->sync->scratch, &result, &ignored) < 0)
		return false;
	wanted = result.kind == EXPR_VALUES ? result.values : none;
	rules_drop_empty(&wanted, &w->sync->scratch);
	if (def->type == VALUE_REFERENCE)
		return owners(w->sync, has ? has : &none, &meant) &&
		       values_same(&meant, &wanted, MATCH_EXACT);
	return rules_fit(&wanted, def, &w->sync->scratch, &ignored) == 0 &&
	       values_identical(&wanted, has ? has : &none);
}

static bool has_name(struct wanting *w, const struct work_cs *cs)
{
	const struct expr *dn = w->rule_set->provision.dn;
	struct error ignored = ERROR_INIT;
	struct sv wanted;
	struct sv has;

	return dn &&
	       rules_text(&w->sync->rules, dn, &w->rules, &w->sync->scratch,
			  &wanted, &ignored) > 0 &&
	       work_dn(w->sync, cs, &has, &ignored) == 0 &&
	       dn_equal(wanted, has);
}

static bool has_attr(struct wanting *w, const struct work_cs *cs,
		     const struct image *expected, uint64_t number)
{
	const struct attr_map *map = store_attr_map(w->sync->store);
	bool ruled = false;
	size_t i;

	if (!number)
		return has_name(w, cs);
	for (i = 0; i < w->rule_set->export_count; i++) {
		const struct config_export_flow *flow =
			&w->rule_set->exports[i];

		if (map->to_store[flow->attr] != number)
			continue;
		if (ruled || !has_flow(w, cs, expected, flow))
			return false;
		ruled = true;
	}
	return ruled;
}

/* Of what was undone it has what the rules want, by some other way: there is
 * nothing to hold back. What is not simple to tell stays held. */
static bool has_what_is_wanted(struct wanting *w, const struct work_cs *cs)
{
	struct image expected = entry_expected(&cs->e, &w->sync->scratch);
	struct error ignored = ERROR_INIT;
	bool when = false;
	uint64_t number;
	size_t at = 0;

	if (w->row->kind != HOLD_CHANGE ||
	    rules_condition(&w->sync->rules, w->rule_set->provision.when,
			    &w->rules, &w->sync->scratch, &when, &ignored) < 0)
		return false;
	while (when && at < w->row->attrs.len &&
	       image_decode_number(w->row->attrs, &at, &number))
		when = has_attr(w, cs, &expected, number);
	return when;
}

/* Never 0. *needless_out: the object has it already. */
static uint64_t fingerprint(struct sync *sync, struct work_mv *mv,
			    const struct config_rule_set *rule_set,
			    struct work_cs *cs, const struct hold_row *row,
			    bool *needless_out)
{
	const struct config_provision *how = &rule_set->provision;
	struct wanting w = { .sync = sync, .row = row, .rule_set = rule_set };
	struct cs_view view;
	uint64_t hash;
	size_t i;

	w.text = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	w.rules.here = view_mv(mv);
	if (cs) {
		view_cs(sync, cs, &view);
		w.rules.current = view_expected(&view);
		/* what was undone may not be confirmed yet */
		w.rules.imported = view_expected(&view);
	}
	if (rule_set->provisions)
		add_condition(&w, how->when);
	if (row->kind == HOLD_ADD)
		add_required(&w, mv, how);
	if (how->dn && was_undone(&w, ATTR_DN))
		add_name(&w, how->dn);
	for (i = 0; i < rule_set->export_count; i++)
		if (was_undone(&w, rule_set->exports[i].attr))
			add_flow(&w, &rule_set->exports[i]);
	hash = hash64(store_hash_key(sync->store), strbuf_sv(&w.text));
	strbuf_release(&w.text);
	*needless_out = cs && has_what_is_wanted(&w, cs);
	return hash ? hash : 1;
}

bool held_back(struct sync *sync, struct work_mv *mv,
	       const struct config_rule_set *rule_set, struct work_cs *cs)
{
	struct hold_row *row;
	const struct hold_change *it;
	bool needless = false;
	uint64_t wanted;
	uint64_t was;

	if (!sync->held)
		return false;
	row = find_place(sync, mv, rule_set);
	if (row && cs) {
		end(sync, row, "there is an account again");
		row = NULL;
	}
	if (!row && cs)
		row = find(sync, cs);
	if (!row)
		return false;
	it = changed(sync, row);
	was = it ? it->now.wanted : row->wanted;
	wanted = fingerprint(sync, mv, rule_set, cs, row, &needless);
	if (needless || (was && was != wanted)) {
		end(sync, row,
		    needless ? "it has what the rules want"
			     : "the rules want something else now");
		return false;
	}
	if (!was)
		change(sync, row, wanted, false);
	trace(sync, "held", "held", rule_set, cs ? cs->e.row.id : 0, mv->row.id,
	      "held since run %lld was undone: nothing is exported to it until "
	      "the rules want something else, or 'conjoin release'",
	      (long long)row->run);
	return true;
}
