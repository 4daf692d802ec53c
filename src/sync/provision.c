/*
 * provision.c - give a metaverse object the connectors that it should have
 *
 * For every rule set that provisions objects of this type: one that is wanted
 * and not there is joined (an account that exists is never doubled) or made;
 * one that is no longer wanted, and was, is deprovisioned; a name that follows
 * an expression is renamed. An object keeps its name as long as it is one of
 * its candidates, so a name that becomes free moves nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/held.h"

#include "model/dn.h"

#include <string.h>

struct making {
	struct sync *sync;
	struct work_mv *mv;
	const struct config_rule_set *rule_set;
	const struct config_provision *how;
	struct agent_plan *agent;
	struct work_cs *cs; /* NULL: it is to be made */
};

static struct rules_view outbound_view(const struct making *m)
{
	struct rules_view rules = { 0 };
	struct cs_view *view;

	rules.here = view_mv(m->mv);
	if (m->cs) {
		view = arena_alloc(&m->sync->scratch, sizeof(*view));
		view_cs(m->sync, m->cs, view);
		rules.current = view_expected(view);
		rules.imported = view_imported(view);
	}
	return rules;
}

static bool wanted_type(const struct making *m)
{
	size_t i;

	for (i = 0; i < m->rule_set->mv_type_count; i++)
		if (m->rule_set->mv_types[i] == m->mv->plan->type->index)
			return true;
	return false;
}

static bool required_there(const struct making *m)
{
	bool there = true;
	size_t i;

	for (i = 0; i < m->how->require_count; i++) {
		const struct values *values =
			image_get(&m->mv->image, m->how->require[i]);

		if (!values || !values->len) {
			trace(m->sync, "provision", "waits", m->rule_set, 0,
			      m->mv->row.id, "waits for a value of %s",
			      store_attr_name(m->sync->store,
					      m->how->require[i]));
			there = false;
			if (!m->sync->trace)
				return false;
		}
	}
	return there;
}

/* ---- the name ---- */

#define FIRST_NUMBER 2
#define LAST_NUMBER  100000

/* One candidate's text: 1, 0 when a part of it is empty or missing. */
static int candidate(struct making *m, const struct expr *expr, int64_t number,
		     struct sv *out, struct error *err)
{
	struct rules_view rules = outbound_view(m);
	bool gap = false;
	int ret;

	rules.counter = number;
	rules.gap = &gap;
	ret = rules_text(&m->sync->rules, expr, &rules, &m->sync->scratch, out,
			 err);
	return ret > 0 ? !gap : ret;
}

/* A DN whose first component has no value is no name. */
static bool dn_complete(struct sv dn, struct arena *arena)
{
	struct sv type;
	struct sv value;

	return dn_component(dn, 1, arena, &type, &value) && value.len > 0;
}

static int dn_candidate(struct making *m, const struct expr *expr,
			int64_t number, struct sv *out, struct error *err)
{
	int ret = candidate(m, expr, number, out, err);

	if (ret <= 0)
		return ret;
	if (!dn_valid(*out))
		return object_error(err, "invalid-dn",
				    "'" SV_FMT "' (from " SV_FMT ") is not a "
				    "distinguished name",
				    SV_ARG(*out), SV_ARG(expr_source(expr)));
	return dn_complete(*out, &m->sync->scratch);
}

static bool has_number(const int64_t *numbers, size_t count, int64_t n)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (numbers[i] == n)
			return true;
	return false;
}

#define NUMBERS_MAX 32

/* Numbers that may have made the present name: those it shows, and next ones
 * (a rule may say $n - 1). */
static size_t numbers_in(struct sv text, int64_t *out)
{
	size_t count = 0;
	size_t at = 0;

	while (at < text.len && count + 2 < NUMBERS_MAX) {
		size_t end = at;
		int64_t n;

		while (end < text.len && text.ptr[end] >= '0' &&
		       text.ptr[end] <= '9')
			end++;
		if (end > at && end - at < 10 &&
		    sv_to_i64(sv_sub(text, at, end), &n)) {
			if (!has_number(out, count, n))
				out[count++] = n;
			if (!has_number(out, count, n + 1))
				out[count++] = n + 1;
		}
		at = end > at ? end : at + 1;
	}
	return count;
}

static const struct config_unique *unique_of(const struct making *m,
					     attr_id attr)
{
	size_t i;

	for (i = 0; i < m->how->unique_count; i++)
		if (m->how->unique[i].attr == attr)
			return &m->how->unique[i];
	return NULL;
}

/* 1: the present DN is one of the candidates; 0: not; -1 */
static int keeps_name(struct making *m, struct sv current, struct error *err)
{
	const struct config_unique *more = unique_of(m, ATTR_DN);
	int64_t numbers[NUMBERS_MAX];
	size_t count;
	struct sv rdn;
	struct sv parent;
	struct sv dn;
	size_t i;
	size_t k;
	int ret = candidate(m, m->how->dn, 0, &dn, err);

	/* most names are as they were, letter by letter */
	if (ret > 0 && sv_eq(dn, current))
		return 1;
	ret = ret < 0 ? -1 : dn_candidate(m, m->how->dn, 0, &dn, err);
	if (ret < 0 || (ret > 0 && dn_equal(dn, current)))
		return ret;
	/* nothing to name it by: it stays as it is */
	if (ret == 0)
		return 1;
	if (!more || !dn_split(current, &rdn, &parent))
		return 0;
	count = numbers_in(rdn, numbers);
	for (i = 0; i < more->count; i++) {
		bool counts = expr_uses_counter(more->candidates[i]);

		for (k = 0; k < (counts ? count : 1); k++) {
			ret = dn_candidate(m, more->candidates[i],
					   counts ? numbers[k] : 0, &dn, err);
			if (ret < 0)
				return -1;
			if (ret > 0 && dn_equal(dn, current))
				return 1;
		}
	}
	return 0;
}

static void trace_name(const struct making *m, const char *found, int64_t cs,
		       struct sv dn, const char *text)
{
	struct value name = value_reference(0, dn);
	struct values names = { &name, 1 };
	struct sync_event event = {
		.step = "provision",
		.found = found,
		.rule_set = m->rule_set,
		.cs = cs,
		.mv = m->mv->row.id,
	};

	if (dn.len) {
		event.attr = ATTR_DN;
		event.values = &names;
	}
	trace_event(m->sync, &event, "%s", text);
}

/* What stands in the way of a DN: 0 free, 1 go on to the next candidate,
 * 2 a disconnector to adopt (*out), -1 */
static int obstacle(struct making *m, struct sv dn, struct work_cs **out,
		    struct error *err)
{
	int64_t self = m->cs ? m->cs->e.row.id : 0;
	int ret = names_taken(m->sync, m->agent, dn, self, out, err);

	if (ret <= 0)
		return ret;
	if (m->sync->trace)
		trace_name(m, "taken", (*out)->e.row.id, dn,
			   "the name is taken");
	if ((*out)->e.link.mv || m->how->existing == EXISTING_UNIQUE)
		return 1;
	if (m->how->existing == EXISTING_ADOPT && !m->cs &&
	    (*out)->e.link.state == LINK_NORMAL &&
	    !held_apart(m->sync, *out, m->mv))
		return 2;
	return object_error(err, "object-already-exists",
			    "the name '" SV_FMT "' is taken by a disconnector "
			    "of '%s'; import and join it, or set existing: "
			    "adopt",
			    SV_ARG(dn), m->agent->agent->name);
}

/* Is the bearer of a name still to be synchronized in this step? Then it may
 * be about to give it up. */
static int comes_later(struct making *m, const struct work_cs *bearer,
		       struct error *err)
{
	struct sync *sync = m->sync;
	struct work_mv *mv;
	size_t i;
	int ret;

	if (sync->last_try || !bearer->e.link.mv)
		return 0;
	ret = work_mv(sync, bearer->e.link.mv, &mv, err);
	if (ret <= 0)
		return ret;
	for (i = 0; i < mv->link_count; i++) {
		const struct entry *e = &mv->links[i]->e;

		if (CS_AGENT(e->row.id) != sync->number)
			continue;
		if (e->import == IMPORT_DELETE ||
		    (e->row.id > sync->processed &&
		     (sync->options->full || e->import != IMPORT_NONE)))
			return 1;
	}
	return 0;
}

/* A worse name than one that may become free: it is asked again at the end. */
static int wait_for_better(struct making *m, struct sv dn, struct error *err)
{
	return object_error(err, "object-already-exists",
			    "the name '" SV_FMT "' in '%s' may become free",
			    SV_ARG(dn), m->agent->agent->name);
}

/* The first free candidate: 1 *dn_out, 2 *adopt_out, 0 none has all its
 * parts, -1 */
static int choose_name(struct making *m, struct sv *dn_out,
		       struct work_cs **adopt_out, struct error *err)
{
	const struct config_unique *more = unique_of(m, ATTR_DN);
	struct sv taken = SV_NULL;
	struct sv better = SV_NULL;
	size_t i;

	for (i = 0; i <= (more ? more->count : 0); i++) {
		const struct expr *expr = i ? more->candidates[i - 1]
					    : m->how->dn;
		bool counts = expr_uses_counter(expr);
		int64_t n;

		for (n = FIRST_NUMBER; n <= LAST_NUMBER; n++) {
			int ret = dn_candidate(m, expr, n, dn_out, err);

			if (ret > 0) {
				ret = obstacle(m, *dn_out, adopt_out, err);
				if (ret == 0)
					return better.len
						       ? wait_for_better(
								 m, better, err)
						       : 1;
				if (ret == 1) {
					taken = *dn_out;
					ret = comes_later(m, *adopt_out, err);
					if (ret > 0)
						better = *dn_out;
				}
				if (ret == 2)
					return 2;
			} else if (ret == 0) {
				break;
			}
			if (ret < 0)
				return -1;
			if (!counts)
				break;
		}
	}
	if (taken.len)
		return object_error(err, "object-already-exists",
				    "the name '" SV_FMT "' is taken in '%s' "
				    "and no other candidate is free",
				    SV_ARG(taken), m->agent->agent->name);
	return 0;
}

static int missing_name(struct making *m, struct error *err)
{
	return object_error(err, "missing-provisioning-attribute",
			    "no candidate for the name in '%s' has all its "
			    "parts (" SV_FMT ")",
			    m->agent->agent->name,
			    SV_ARG(expr_source(m->how->dn)));
}

/* ---- a new connector ---- */

/* A password lies sealed in the store; who only looks does not need it. */
static int seal_values(struct sync *sync, struct values *values,
		       struct error *err)
{
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct sv plain = values->at[i].text;
		int ret = 0;

		if (sync->tx && sync->options->seal)
			ret = seal_close(sync->options->seal, plain,
					 &sync->batch, &values->at[i].text,
					 err);
		else
			values->at[i].text = seal_empty();
		seal_wipe(plain);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* `values` are kept in the batch; the attribute is set with the add. */
static int set_initial(struct making *m, attr_id attr, size_t type_attr,
		       struct values values, bool secret, struct error *err)
{
	const struct attr_def *def =
		&m->agent->agent->types[m->rule_set->type].attrs[type_attr];

	rules_drop_empty(&values, &m->sync->scratch);
	if (!values.len)
		return 0;
	if (rules_fit(&values, def, &m->sync->scratch, err) < 0)
		return -1;
	values = values_dup(&values, &m->sync->batch);
	if (secret && seal_values(m->sync, &values, err) < 0)
		return -1;
	image_put(&m->cs->e.pending.attrs, attr, values, &m->sync->batch);
	return 0;
}

static int initial_values(struct making *m, struct error *err)
{
	size_t i;

	for (i = 0; i < m->how->initial_count; i++) {
		const struct config_initial *initial = &m->how->initial[i];
		struct rules_view rules = outbound_view(m);
		struct expr_result result;

		if (rules_eval(&m->sync->rules, initial->source, &rules,
			       &m->sync->scratch, &result, err) < 0)
			return -1;
		if (result.kind == EXPR_VALUES &&
		    set_initial(m, initial->attr, initial->type_attr,
				result.values, initial->secret, err) < 0)
			return -1;
	}
	return 0;
}

static int unique_value(struct making *m, const struct config_unique *unique,
			struct error *err)
{
	struct sv text = SV_NULL;
	size_t i;
	int64_t n;

	for (i = 0; i < unique->count; i++) {
		bool counts = expr_uses_counter(unique->candidates[i]);

		for (n = FIRST_NUMBER; n <= LAST_NUMBER; n++) {
			struct value value;
			int taken;
			int ret = candidate(m, unique->candidates[i], n, &text,
					    err);

			if (ret < 0)
				return -1;
			if (ret == 0)
				break;
			value = value_string(text);
			taken = names_unique_taken(m->sync, m->agent,
						   unique->attr, &value,
						   m->cs->e.row.id, err);
			if (taken < 0)
				return -1;
			if (!taken) {
				uint32_t number =
					store_attr_map(m->sync->store)
						->to_store[unique->attr];

				tree_add_key(&m->agent->tree,
					     key_of_unique(m->sync->store,
							   m->agent->number,
							   number, &value),
					     m->cs->e.row.id);
				return set_initial(m, unique->attr,
						   unique->type_attr,
						   (struct values){ &value, 1 },
						   false, err);
			}
			if (!counts)
				break;
		}
	}
	return object_error(err, "missing-provisioning-attribute",
			    "no candidate for '%s' in '%s' is complete and "
			    "free%s" SV_FMT,
			    store_attr_name(m->sync->store, unique->attr),
			    m->agent->agent->name,
			    text.len ? "; last tried " : "", SV_ARG(text));
}

/* Agents without DNs name an object by its anchor: known now, when it is among
 * the values of the add. */
static int set_anchor(struct making *m, struct error *err)
{
	struct work_cs *cs = m->cs;
	struct work_cs *other;
	struct sv anchor;
	int ret;

	if (m->agent->has_dn ||
	    !names_anchor(m->sync, m->agent, m->rule_set->type,
			  &cs->e.pending.attrs, &anchor))
		return 0;
	ret = names_anchor_taken(m->sync, m->agent, cs->e.row.type, anchor,
				 &other, err);
	if (ret < 0)
		return -1;
	if (ret > 0)
		return object_error(err, "object-already-exists",
				    "the anchor '" SV_FMT "' is taken in '%s'",
				    SV_ARG(anchor), m->agent->agent->name);
	cs->e.row.anchor = anchor;
	cs->new_anchor_h = key_of_anchor(m->sync->store, m->agent->number,
					 cs->e.row.type, anchor);
	/* found by it until the batch is written */
	tree_add_key(&m->agent->tree, cs->new_anchor_h, cs->e.row.id);
	return 0;
}

static int make_connector(struct making *m, struct sv dn, struct error *err)
{
	struct sync *sync = m->sync;
	struct work_cs *cs = work_new_cs(sync, m->agent, err);
	size_t i;

	if (!cs)
		return -1;
	cs->e.row.type = m->agent->types[m->rule_set->type];
	if (dn.len && names_place(sync, m->agent, dn, m->how->create_parents,
				  &cs->e.row.parent, &cs->e.row.rdn, err) < 0)
		return -1;
	cs->e.pending.op = PENDING_ADD;
	cs->dirty_pending = true;
	m->cs = cs;
	for (i = 0; i < m->how->unique_count; i++)
		if (m->how->unique[i].attr != ATTR_DN &&
		    unique_value(m, &m->how->unique[i], err) < 0)
			return -1;
	if (initial_values(m, err) < 0 || set_anchor(m, err) < 0 ||
	    link_connect(sync, cs, m->mv, m->rule_set, LINK_PROVISIONING, err) <
		    0)
		return -1;
	names_add_keys(sync, m->agent, cs);
	work_outcome(sync, cs, OUT_ADD, cs->e.pending.attrs.len > 0);
	if (sync->trace)
		trace_name(m, "new", cs->e.row.id, dn, "a new object");
	return 1;
}

/* ---- a connector that is there ---- */

static int move(struct making *m, struct sv dn, struct error *err)
{
	struct work_cs *cs = m->cs;
	int64_t parent;
	struct sv rdn;
	int64_t written_parent;
	struct sv written_rdn;

	if (names_place(m->sync, m->agent, dn, m->how->create_parents, &parent,
			&rdn, err) < 0)
		return -1;
	work_touch_cs(m->sync, cs);
	if (m->sync->trace)
		trace_name(m, "renamed", cs->e.row.id, dn, "renamed");
	if (cs->e.pending.op == PENDING_ADD && !cs->e.pending.in_progress) {
		cs->e.row.parent = parent;
		cs->e.row.rdn = rdn;
		cs->dirty_row = true;
	} else {
		entry_written_name(&cs->e, &written_parent, &written_rdn);
		if (cs->e.pending.op == PENDING_NONE)
			cs->e.pending.op = PENDING_UPDATE;
		cs->e.pending.parent = parent;
		cs->e.pending.rdn = rdn;
		if (written_parent == parent && dn_equal(written_rdn, rdn) &&
		    sv_eq(written_rdn, rdn)) {
			/* back to the name that it has: no rename */
			cs->e.pending.parent = 0;
			cs->e.pending.rdn = SV_NULL;
		}
		cs->dirty_pending = true;
	}
	names_add_keys(m->sync, m->agent, cs);
	work_outcome(m->sync, cs, OUT_RENAME, false);
	return 0;
}

static int follow_name(struct making *m, struct error *err)
{
	struct work_cs *ignored = NULL;
	struct sv current;
	struct sv dn;
	int ret;

	if (!m->how->rename || !m->how->dn ||
	    !(m->agent->agent->caps & CONNECTOR_CAP_RENAME))
		return 0;
	if (work_dn(m->sync, m->cs, &current, err) < 0)
		return -1;
	ret = keeps_name(m, current, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	ret = choose_name(m, &dn, &ignored, err);
	if (ret < 0 && names_error_taken(err))
		m->sync->wants_other = m->cs->e.row.id;
	if (ret < 0)
		return -1;
	if (ret != 1)
		return 0;
	return move(m, dn, err);
}

/* Links an object that is there: a disconnector found by the join rules, by
 * its name, or one that was deprovisioned from this very object. */
static int take_existing(struct making *m, struct work_cs *cs,
			 struct error *err)
{
	work_touch_cs(m->sync, cs);
	if (cs->e.pending.op == PENDING_DELETE) {
		memset(&cs->e.pending, 0, sizeof(cs->e.pending));
		cs->dirty_pending = true;
	}
	if (link_connect(m->sync, cs, m->mv, m->rule_set, LINK_JOIN, err) < 0)
		return -1;
	cs->e.link.wanted = true;
	/* its own agent's next delta sync takes it: its imports flow */
	cs->queued = true;
	if (m->sync->tx &&
	    store_error_delete(m->sync->tx, cs->e.row.id, ERROR_SYNC, err) < 0)
		return -1;
	work_outcome(m->sync, cs, OUT_NO_FLOW, false);
	trace(m->sync, "provision", "joined", m->rule_set, cs->e.row.id,
	      m->mv->row.id, "joined with the object that is there");
	m->cs = cs;
	return follow_name(m, err) < 0 ? -1 : 1;
}

static int find_remembered(struct making *m, struct work_cs **out,
			   struct error *err)
{
	struct link_row *rows;
	int count = store_link_remembering(m->sync->store, m->mv->row.id,
					   &m->sync->scratch, &rows, err);
	int i;

	for (i = 0; i < count; i++) {
		struct work_cs *cs;
		int ret = work_cs(m->sync, rows[i].cs, &cs, err);

		if (ret < 0)
			return -1;
		if (ret == 0 || cs->e.link.mv ||
		    cs->e.link.last_mv != m->mv->row.id ||
		    cs->agent != m->agent ||
		    cs->e.link.rule_set !=
			    plan_rule_set_number(m->sync, m->rule_set) ||
		    cs->e.awaiting.op == PENDING_DELETE ||
		    cs->e.import == IMPORT_DELETE)
			continue;
		*out = cs;
		return 1;
	}
	return count < 0 ? -1 : 0;
}

static int provision_new(struct making *m, struct error *err)
{
	struct work_cs *there = NULL;
	struct sv dn = SV_NULL;
	int ret;

	if (!required_there(m))
		return 0;
	ret = m->mv->is_new ? 0 : find_remembered(m, &there, err);
	if (ret == 0)
		ret = join_reverse(m->sync, m->mv, m->rule_set, &there, err);
	if (ret < 0)
		return -1;
	if (ret == 1)
		return take_existing(m, there, err);
	if (ret == 2)
		return 0;
	if (m->how->dn) {
		ret = choose_name(m, &dn, &there, err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return missing_name(m, err);
		if (ret == 2)
			return take_existing(m, there, err);
	}
	return make_connector(m, dn, err);
}

static void trace_wanted(const struct making *m, bool wanted)
{
	int64_t cs = m->cs ? m->cs->e.row.id : 0;
	const char *there = m->cs ? "there" : "not there";

	trace(m->sync, "provision", wanted ? "wanted" : "not-wanted",
	      m->rule_set, cs, m->mv->row.id, "%s, %s",
	      wanted ? "wanted" : "not wanted", there);
	if (!m->sync->config->provisioning && wanted != (m->cs != NULL))
		trace(m->sync, "provision", "off", m->rule_set, cs,
		      m->mv->row.id,
		      "nothing happens: provisioning is off in conjoin.yaml");
	else if (!wanted && m->cs && !m->cs->e.link.wanted)
		trace(m->sync, "provision", "left", m->rule_set, cs,
		      m->mv->row.id,
		      "left alone: it has not been wanted before");
}

static int provision_one(struct making *m, struct error *err)
{
	struct rules_view rules;
	bool wanted;

	m->cs = link_find(m->mv, m->rule_set);
	rules = outbound_view(m);
	if (rules_condition(&m->sync->rules, m->how->when, &rules,
			    &m->sync->scratch, &wanted, err) < 0)
		return -1;
	if (m->sync->trace)
		trace_wanted(m, wanted);
	if (held_back(m->sync, m->mv, m->rule_set, m->cs))
		return 0;
	if (!m->cs)
		return wanted && m->sync->config->provisioning
			       ? provision_new(m, err)
			       : 0;
	if (wanted) {
		leave_cancel(m->sync, m->cs);
		if (!m->cs->e.link.wanted) {
			work_touch_cs(m->sync, m->cs);
			m->cs->e.link.wanted = true;
			m->cs->dirty_link = true;
		}
		return m->sync->config->provisioning ? follow_name(m, err) : 0;
	}
	if (!m->cs->e.link.wanted || !m->sync->config->provisioning)
		return 0;
	if (leave_waits(m->sync, m->cs))
		return leave_begin(m->sync, m->cs, m->mv, err);
	return link_deprovision(m->sync, m->cs, m->mv, err) < 0 ? -1 : 1;
}

int provision(struct sync *sync, struct work_mv *mv, struct error *err)
{
	int changed = 0;
	size_t i;

	for (i = 0; i < mv->plan->outbound_count; i++) {
		const struct config_rule_set *rule_set = mv->plan->outbound[i];
		struct making m = {
			.sync = sync,
			.mv = mv,
			.rule_set = rule_set,
			.how = &rule_set->provision,
			.agent = &sync->agents[rule_set->agent],
		};
		int ret;

		if (!rule_set->provisions || !wanted_type(&m))
			continue;
		ret = provision_one(&m, err);
		if (ret < 0)
			return -1;
		changed |= ret;
	}
	return changed;
}
