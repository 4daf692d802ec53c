/*
 * undo_values.c - the values of an object, back to what a run found
 *
 * Value by value: what the run added must be there still, what it removed must
 * not have come back; then the one goes and the other comes. Values that others
 * added meanwhile stay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/undo_private.h"

#include "base/text.h"
#include "model/dn.h"

#include <string.h>

static const struct values NONE = { NULL, 0 };

#define SHOWN 60

struct attribute {
	attr_id attr;
	const char *name;
	const struct attr_def *def;
};

static int find_attribute(struct undoing *u, const struct work_cs *cs,
			  attr_id attr, struct attribute *out,
			  struct error *err)
{
	const struct config_agent *agent = cs->agent->agent;
	size_t t;
	size_t i;

	out->attr = attr;
	out->name = store_attr_name(u->sync->store, attr);
	for (t = 0; t < agent->type_count; t++) {
		if (cs->agent->types[t] != cs->e.row.type)
			continue;
		for (i = 0; i < agent->types[t].attr_count; i++) {
			if (agent->type_attr_ids[t][i] != attr)
				continue;
			out->def = &agent->types[t].attrs[i];
		}
	}
	if (out->def)
		return 0;
	(void)undo_conflict(err,
			    "%s is an attribute that the configuration does "
			    "not have any more",
			    out->name ? out->name : "?");
	return -1;
}

static const char *shown(struct undoing *u, const struct values *values)
{
	struct sync *sync = u->sync;
	struct sv text;
	struct sv dn;
	struct error ignored = ERROR_INIT;
	struct work_cs *target;

	if (!values->len)
		return "nothing";
	text = value_text(&values->at[0], &sync->scratch);
	if (values->at[0].type == VALUE_REFERENCE) {
		text = SV_LIT("an object that is gone");
		if (work_cs(sync, values->at[0].number, &target, &ignored) >
			    0 &&
		    work_dn(sync, target, &dn, &ignored) == 0)
			text = dn.len ? dn : target->e.row.anchor;
	}
	if (text.len > SHOWN)
		text.len = SHOWN;
	return arena_printf(&sync->scratch, "'" SV_FMT "'%s",
			    (int)text_valid_prefix(text), text.ptr,
			    values->len > 1 ? " ..." : "");
}

static int is_otherwise(struct undoing *u, const struct attribute *at,
			const struct values *is, const struct values *left,
			struct error *err)
{
	return undo_conflict(err, "%s is %s by now, the run left %s", at->name,
			     shown(u, is), shown(u, left));
}

static int is_as_left(struct undoing *u, const struct attribute *at,
		      const struct past_value *value, const struct values *is,
		      struct error *err)
{
	enum match_rule match = at->def->match;
	size_t i;

	if (!at->def->multi ||
	    (is->len <= 1 && value->come.len == 1 && value->gone.len <= 1))
		return values_same(is, &value->come, match)
			       ? 0
			       : is_otherwise(u, at, is, &value->come, err);
	for (i = 0; i < value->come.len; i++) {
		const struct values one = { &value->come.at[i], 1 };

		if (!values_have(is, one.at, match))
			return undo_conflict(err,
					     "%s has no more %s, which the "
					     "run added",
					     at->name, shown(u, &one));
	}
	for (i = 0; i < value->gone.len; i++) {
		const struct values one = { &value->gone.at[i], 1 };

		if (values_have(is, one.at, match) &&
		    !values_have(&value->come, one.at, match))
			return undo_conflict(err,
					     "%s has %s again, which the run "
					     "removed",
					     at->name, shown(u, &one));
	}
	return 0;
}

/* References are of who is there now. */
static int values_back(struct undoing *u, const struct attribute *at,
		       const struct past_value *value, const struct values *is,
		       struct values *out, struct error *err)
{
	struct arena *arena = &u->sync->batch;
	size_t i;

	out->len = 0;
	out->at = arena_array(arena, is->len + value->gone.len + 1,
			      sizeof(*out->at));
	for (i = 0; i < is->len; i++)
		if (!values_have(&value->come, &is->at[i], at->def->match))
			out->at[out->len++] = is->at[i];
	for (i = 0; i < value->gone.len; i++) {
		struct value one = value_dup(&value->gone.at[i], arena);
		int ret = 1;

		if (one.type == VALUE_REFERENCE)
			ret = undo_who(u, one.number, &one.number, err);
		if (ret < 0)
			return -1;
		if (ret > 0)
			out->at[out->len++] = one;
		else
			undo_note(u, "%s: what it referred to is gone",
				  at->name);
	}
	values_canonical(out);
	return 0;
}

static int merged_back(struct undoing *u, struct work_cs *cs,
		       const struct past_value *value, struct error *err)
{
	const struct config_rule_set *rs = cs->rule_set;
	size_t i;

	for (i = 0; rs && i < rs->export_count; i++)
		if (rs->exports[i].attr == value->attr &&
		    rs->exports[i].merge != MERGE_NO)
			return export_flow_gave(u->sync, cs, value->attr,
						&value->gone, err);
	return 0;
}

static int take_value(struct undoing *u, struct work_cs *cs,
		      const struct past_value *value, struct image *image,
		      struct error *err)
{
	struct attribute at = { 0 };
	const struct values *is = image_get(image, value->attr);
	struct values back;

	if (find_attribute(u, cs, value->attr, &at, err) < 0)
		return -1;
	if (value->secret) {
		undo_note(u, "%s is a secret, it stays as it is", at.name);
		return 0;
	}
	if (image_has(&cs->e.pending.attrs, value->attr))
		return undo_conflict(err,
				     "another change of %s is pending already",
				     at.name);
	if (!is)
		is = &NONE;
	if (is_as_left(u, &at, value, is, err) < 0 ||
	    values_back(u, &at, value, is, &back, err) < 0 ||
	    merged_back(u, cs, value, err) < 0)
		return -1;
	image_set(image, value->attr, back, &u->sync->batch);
	return 0;
}

/* ---- the name ---- */

struct place {
	int64_t parent;
	struct sv rdn;
};

static int name_back(struct undoing *u, const struct past *row,
		     struct place *name, struct error *err)
{
	struct sv now;

	if (!row->new_rdn.len)
		return 0;
	if (name->parent != row->new_parent ||
	    !dn_equal(name->rdn, row->new_rdn)) {
		if (undo_dn(u, name->parent, name->rdn, &now, err) < 0)
			return -1;
		return undo_conflict(err,
				     "it was renamed again, to '" SV_FMT "'",
				     SV_ARG(now));
	}
	name->parent = row->parent;
	name->rdn = row->rdn;
	return 0;
}

static int check_name(struct undoing *u, struct work_cs *cs,
		      const struct place *name, struct error *err)
{
	struct agent_plan *agent = plan_agent(u->sync, CS_AGENT(cs->e.row.id));
	struct work_cs *other;
	struct sv dn;
	int64_t parent;
	int ret = name->parent ? undo_who(u, name->parent, &parent, err) : 1;

	if (ret == 0)
		return undo_conflict(err, "its container is gone");
	if (ret > 0)
		ret = undo_dn(u, name->parent, name->rdn, &dn, err);
	if (ret < 0)
		return -1;
	ret = names_taken(u->sync, agent, dn, cs->e.row.id, &other, err);
	if (ret > 0)
		return undo_conflict(
			err, "its name '" SV_FMT "' is another one's by now",
			SV_ARG(dn));
	return ret;
}

/* ---- both ---- */

static int check_pending(const struct work_cs *cs, bool renamed,
			 struct error *err)
{
	const struct export_state *pending = &cs->e.pending;

	if (pending->in_progress)
		return undo_conflict(err, "an export of it was cut off: run an "
					  "export of its agent first");
	if (pending->op != PENDING_NONE && pending->op != PENDING_UPDATE)
		return undo_conflict(err, "another export of it is pending");
	if (renamed && pending->rdn.len)
		return undo_conflict(err, "another name of it is pending");
	return 0;
}

static void put_pending(struct undoing *u, struct work_cs *cs,
			const struct image *written, const struct image *wanted,
			const struct place *name, struct strbuf *attrs)
{
	struct sync *sync = u->sync;
	const struct attr_map *map = store_attr_map(sync->store);
	struct place has;
	size_t i;

	work_touch_cs(sync, cs);
	memset(&cs->e.pending, 0, sizeof(cs->e.pending));
	cs->e.pending.attrs = image_diff(written, wanted, &sync->batch);
	cs->e.pending.attrs = image_dup(&cs->e.pending.attrs, &sync->batch);
	for (i = 0; i < cs->e.pending.attrs.len; i++)
		image_encode_number(
			map->to_store[cs->e.pending.attrs.attrs[i].attr],
			attrs);
	entry_written_name(&cs->e, &has.parent, &has.rdn);
	if (has.parent != name->parent || !sv_eq(has.rdn, name->rdn)) {
		cs->e.pending.parent = name->parent;
		cs->e.pending.rdn = arena_dup(&sync->batch, name->rdn);
		image_encode_number(0, attrs);
	}
	if (attrs->len)
		cs->e.pending.op = PENDING_UPDATE;
	cs->dirty_pending = true;
	if (cs->e.pending.rdn.len)
		names_add_keys(sync, plan_agent(sync, CS_AGENT(cs->e.row.id)),
			       cs);
}

int undo_change(struct undoing *u, struct work_cs *cs, struct strbuf *attrs,
		struct error *err)
{
	struct sync *sync = u->sync;
	struct image written = entry_written(&cs->e, &sync->batch);
	struct image wanted = image_copy(&written, &sync->batch);
	struct place was;
	struct place name;
	size_t r;
	size_t i;

	entry_written_name(&cs->e, &was.parent, &was.rdn);
	name = was;
	for (r = 0; r < u->order->row_count; r++) {
		const struct past *row = &u->order->rows[r];

		if (check_pending(cs, row->new_rdn.len > 0, err) < 0 ||
		    name_back(u, row, &name, err) < 0)
			return -1;
		for (i = 0; i < row->value_count; i++)
			if (take_value(u, cs, &row->values[i], &wanted, err) <
			    0)
				return -1;
	}
	if ((name.parent != was.parent || !dn_equal(name.rdn, was.rdn)) &&
	    check_name(u, cs, &name, err) < 0)
		return -1;
	put_pending(u, cs, &written, &wanted, &name, attrs);
	if (attrs->len)
		return 0;
	return undo_conflict(err,
			     "nothing of what the run wrote can be brought "
			     "back%s" SV_FMT,
			     u->notes.len ? ": " : "",
			     SV_ARG(strbuf_sv(&u->notes)));
}

int undo_refer(struct undoing *u, struct work_cs *cs, uint32_t attr,
	       int64_t target, struct strbuf *attrs, struct error *err)
{
	struct sync *sync = u->sync;
	struct image written = entry_written(&cs->e, &sync->batch);
	struct image wanted = entry_expected(&cs->e, &sync->batch);
	const struct values *is = image_get(&wanted, attr);
	struct value one = value_reference(target, SV_NULL);
	struct attribute at = { 0 };
	struct values all = { NULL, 0 };
	struct place name;
	size_t i;

	if (find_attribute(u, cs, attr, &at, err) < 0 ||
	    check_pending(cs, false, err) < 0)
		return -1;
	if (!is)
		is = &NONE;
	if (!at.def->multi && is->len)
		return undo_conflict(err, "%s is %s by now", at.name,
				     shown(u, is));
	all.at = arena_array(&sync->batch, is->len + 1, sizeof(*all.at));
	for (i = 0; i < is->len; i++)
		all.at[all.len++] = is->at[i];
	if (!values_have(is, &one, MATCH_EXACT))
		all.at[all.len++] = one;
	values_canonical(&all);
	wanted = image_copy(&wanted, &sync->batch);
	image_set(&wanted, attr, all, &sync->batch);
	entry_expected_name(&cs->e, &name.parent, &name.rdn);
	put_pending(u, cs, &written, &wanted, &name, attrs);
	return 0;
}

/* ---- an addition ---- */

static bool changed_later(const struct undo_order *order, attr_id attr)
{
	size_t r;
	size_t i;

	for (r = 0; r + 1 < order->row_count; r++)
		for (i = 0; i < order->rows[r].value_count; i++)
			if (order->rows[r].values[i].attr == attr)
				return true;
	return false;
}

static bool has_sum(struct undoing *u, const struct values *is, uint32_t sum)
{
	size_t i;

	for (i = 0; i < is->len; i++)
		if (past_sum(u->sync->store, &is->at[i], &u->sync->scratch) ==
		    sum)
			return true;
	return false;
}

int undo_check_added(struct undoing *u, struct work_cs *cs, struct error *err)
{
	const struct past *row = &u->order->rows[u->order->row_count - 1];
	struct image written = entry_written(&cs->e, &u->sync->scratch);
	size_t i;

	if (u->order->later)
		return undo_conflict(err, "run %lld changed it since",
				     (long long)u->order->later);
	if (cs->e.pending.in_progress || cs->e.pending.op > PENDING_UPDATE)
		return check_pending(cs, false, err);
	for (i = 0; i < row->sum_count; i++) {
		const struct past_sum *sum = &row->sums[i];
		const struct values *is = image_get(&written, sum->attr);
		const char *name = store_attr_name(u->sync->store, sum->attr);

		if (!is)
			is = &NONE;
		if (!changed_later(u->order, sum->attr) &&
		    !has_sum(u, is, sum->sum))
			return undo_conflict(err,
					     "%s is %s by now, which is not "
					     "what the run sent",
					     name ? name : "?", shown(u, is));
	}
	return 0;
}
