/*
 * undo.c - stages the opposite of what a run exported
 *
 * Called by a run of its own, and over a store that keeps nothing to see what
 * it would do. First goes what was added, so that its name is free; then what
 * was deleted comes back, so that others can refer to it; then values and
 * names. At last each metaverse object is evaluated, which teaches the holds
 * what the rules want (held.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/undo_private.h"

#include "model/dn.h"

#include <stdarg.h>
#include <stdio.h>

#define ROUNDS 8 /* for names that pass from one to the next */

int undo_conflict(struct error *err, const char *fmt, ...)
{
	va_list args;

	err->code = ERR_INVALID;
	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	return -1;
}

void undo_note(struct undoing *u, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (u->notes.len)
		strbuf_adds(&u->notes, "; ");
	strbuf_adds(&u->notes, text);
}

int undo_who(struct undoing *u, int64_t id, int64_t *out, struct error *err)
{
	struct work_cs *cs;
	uint64_t again;
	int ret;

	*out = id;
	if (idmap_get(&u->again, (uint64_t)id, &again)) {
		*out = (int64_t)again;
		return 1;
	}
	ret = work_cs(u->sync, id, &cs, err);
	return ret > 0 ? !entry_going(&cs->e) : ret;
}

int undo_dn(struct undoing *u, int64_t parent, struct sv rdn, struct sv *out,
	    struct error *err)
{
	struct work_cs *above;
	struct sv rest = SV_NULL;
	int ret = parent ? work_cs(u->sync, parent, &above, err) : 0;

	if (ret > 0)
		ret = work_dn(u->sync, above, &rest, err);
	if (ret < 0)
		return -1;
	*out = sv_from(arena_printf(&u->sync->batch, SV_FMT "%s" SV_FMT,
				    SV_ARG(rdn), rest.len ? "," : "",
				    SV_ARG(rest)));
	return 0;
}

/* ---- what an order is about ---- */

static const struct past *newest(const struct undo_order *order)
{
	return &order->rows[0];
}

static const struct past *oldest(const struct undo_order *order)
{
	return &order->rows[order->row_count - 1];
}

static bool was_deleted(const struct undo_order *order)
{
	return newest(order)->op == PENDING_DELETE &&
	       oldest(order)->op != PENDING_ADD;
}

static bool was_added(const struct undo_order *order)
{
	return oldest(order)->op == PENDING_ADD &&
	       newest(order)->op != PENDING_DELETE;
}

static bool was_changed(const struct undo_order *order)
{
	return newest(order)->op != PENDING_DELETE &&
	       oldest(order)->op != PENDING_ADD;
}

/* For people; what cannot be found out stays empty. */
static void give_name(struct undoing *u, struct undo_order *order)
{
	const struct past *row = newest(order);
	struct error ignored = ERROR_INIT;
	struct sv name = SV_NULL;
	struct agent_plan *agent = plan_agent(u->sync, CS_AGENT(order->cs));
	struct work_cs *cs;
	size_t t;

	if (work_cs(u->sync, order->cs, &cs, &ignored) > 0) {
		(void)work_dn(u->sync, cs, &name, &ignored);
		if (!name.len)
			name = cs->e.row.anchor;
	} else if (row->rdn.len) {
		(void)undo_dn(u, row->parent, row->rdn, &name, &ignored);
	}
	for (t = 0; agent && !name.len && t < agent->agent->type_count; t++)
		if (agent->types[t] == order->type)
			(void)names_anchor(u->sync, agent, t, &row->image,
					   &name);
	order->name = arena_cstr(u->task->arena, name);
}

/* ---- holds ---- */

static void hold(struct undoing *u, const struct work_cs *cs,
		 enum hold_kind kind, int64_t mv, uint32_t rule_set,
		 struct sv attrs)
{
	const struct hold_row row = {
		.cs = cs->e.row.id,
		.kind = kind,
		.mv = mv,
		.rule_set = rule_set,
		.run = u->task->run,
		.since = u->sync->now,
		.user = u->task->user,
		.name = sv_from(u->order->name),
		.attrs = attrs,
	};

	held_add(u->sync, &row);
}

/* ---- what was added goes ---- */

static int is_left(struct undoing *u, struct work_cs *cs, struct error *err)
{
	int64_t *ids;
	size_t count;
	size_t i;

	if (!cs->e.row.rdn.len)
		return 0;
	if (store_cs_children(u->sync->store, cs->e.row.id, &u->sync->scratch,
			      &ids, &count, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		struct work_cs *child;
		int64_t parent;
		struct sv rdn;
		int ret = work_cs(u->sync, ids[i], &child, err);

		if (ret < 0)
			return -1;
		if (ret == 0 || entry_going(&child->e) ||
		    child->e.row.flags & CS_PLACEHOLDER)
			continue;
		entry_expected_name(&child->e, &parent, &rdn);
		if (parent == cs->e.row.id)
			return undo_conflict(err, "there are objects below it");
	}
	return 0;
}

static int remove_added(struct undoing *u, struct work_cs *cs,
			struct error *err)
{
	int64_t id = cs->e.link.mv;
	uint32_t rule_set = cs->e.link.rule_set;
	struct work_mv *mv = NULL;

	if (cs->e.row.flags & CS_PLACEHOLDER || entry_going(&cs->e) ||
	    cs->e.import == IMPORT_DELETE)
		return undo_conflict(err, "it is not there any more");
	if (undo_check_added(u, cs, err) < 0 || is_left(u, cs, err) < 0 ||
	    (id && sync_partner(u->sync, cs, &mv, err) < 0))
		return -1;
	if (link_take_away(u->sync, cs, mv, err) < 0)
		return -1;
	if (mv)
		hold(u, cs, HOLD_ADD, id, rule_set, SV_NULL);
	return 0;
}

/* ---- what was deleted comes back ---- */

/* Attributes that a directory makes itself, and nobody may write. */
static bool is_made_by_system(const char *name)
{
	static const char *const names[] = {
		"objectGUID",        "objectSid",
		"whenCreated",       "whenChanged",
		"uSNCreated",        "uSNChanged",
		"distinguishedName", "canonicalName",
		"primaryGroupToken", "sAMAccountType",
		"objectCategory",    "instanceType",
		"lastLogon",         "lastLogonTimestamp",
		"logonCount",        "badPwdCount",
		"badPasswordTime",   "pwdLastSet",
		"memberOf",          "isMemberOf",
		"entryUUID",         "entryCSN",
		"entryDN",           "entryID",
		"nsUniqueId",        "createTimestamp",
		"modifyTimestamp",   "creatorsName",
		"modifiersName",     "structuralObjectClass",
		"hasSubordinates",   "numSubordinates",
		"subschemaSubentry",
	};
	size_t i;

	for (i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (sv_ieq_str(sv_from(name), names[i]))
			return true;
	return false;
}

static int references_back(struct undoing *u, const char *name,
			   struct values *values, struct error *err)
{
	struct values kept = { NULL, 0 };
	size_t i;

	kept.at =
		arena_array(&u->sync->batch, values->len + 1, sizeof(*kept.at));
	for (i = 0; i < values->len; i++) {
		struct value one = values->at[i];
		int ret = undo_who(u, one.number, &one.number, err);

		if (ret < 0)
			return -1;
		if (ret > 0)
			kept.at[kept.len++] = one;
		else
			undo_note(u, "%s: what it referred to is gone", name);
	}
	values_canonical(&kept);
	*values = kept;
	return 0;
}

/* What it was before the run touched it. */
static int image_back(struct undoing *u, bool has_dn, struct image *out,
		      struct error *err)
{
	struct image was =
		image_copy(&newest(u->order)->image, &u->sync->batch);
	size_t r;
	size_t i;

	for (r = 1; r < u->order->row_count; r++)
		for (i = 0; i < u->order->rows[r].value_count; i++) {
			const struct past_value *value =
				&u->order->rows[r].values[i];

			image_set(&was, value->attr,
				  past_before(value,
					      image_get(&was, value->attr),
					      &u->sync->batch),
				  &u->sync->batch);
		}
	*out = IMAGE_EMPTY;
	for (i = 0; i < was.len; i++) {
		const char *name =
			store_attr_name(u->sync->store, was.attrs[i].attr);
		struct values values =
			values_dup(&was.attrs[i].values, &u->sync->batch);

		if (has_dn && is_made_by_system(name))
			continue;
		if (values.len && values.at[0].type == VALUE_REFERENCE &&
		    references_back(u, name ? name : "?", &values, err) < 0)
			return -1;
		if (values.len)
			image_put(out, was.attrs[i].attr, values,
				  &u->sync->batch);
	}
	return 0;
}

struct coming {
	struct agent_plan *agent;
	size_t type;
	int64_t parent;
	struct sv rdn;
	struct image attrs;
	struct sv anchor;
	struct work_mv *mv;
	const struct config_rule_set *rule_set;
};

static int check_gone(struct undoing *u, struct error *err)
{
	struct work_cs *cs;
	int ret = work_cs(u->sync, u->order->cs, &cs, err);

	if (ret <= 0)
		return ret;
	if (cs->e.row.flags & CS_PLACEHOLDER)
		return 0;
	return undo_conflict(err, entry_going(&cs->e)
					  ? "no import has seen yet that it is "
					    "gone: run an import of its agent "
					    "first"
					  : "it is there");
}

static int find_type(struct undoing *u, struct coming *it, struct error *err)
{
	it->agent = plan_agent(u->sync, CS_AGENT(u->order->cs));
	for (it->type = 0; it->agent && it->type < it->agent->agent->type_count;
	     it->type++)
		if (it->agent->types[it->type] == u->order->type)
			return 0;
	return undo_conflict(err, "the configuration does not have its type "
				  "any more");
}

static int check_place(struct undoing *u, struct coming *it, struct error *err)
{
	const struct past *row = oldest(u->order)->rdn.len ? oldest(u->order)
							   : newest(u->order);
	struct work_cs *other;
	struct sv dn;
	int ret = 1;

	if (!it->agent->has_dn)
		return 0;
	it->parent = row->parent;
	it->rdn = arena_dup(&u->sync->batch, row->rdn);
	if (row->parent)
		ret = undo_who(u, row->parent, &it->parent, err);
	if (ret == 0)
		return undo_conflict(err, "its container is gone");
	if (ret < 0 || undo_dn(u, it->parent, it->rdn, &dn, err) < 0)
		return -1;
	ret = names_taken(u->sync, it->agent, dn, 0, &other, err);
	if (ret > 0)
		return undo_conflict(err, "its name is another one's by now");
	return ret;
}

static int check_anchor(struct undoing *u, struct coming *it, struct error *err)
{
	struct work_cs *other;
	int ret;

	if (it->agent->has_dn || !names_anchor(u->sync, it->agent, it->type,
					       &it->attrs, &it->anchor))
		return 0;
	ret = names_anchor_taken(u->sync, it->agent, u->order->type, it->anchor,
				 &other, err);
	return ret > 0 ? undo_conflict(err,
				       "its anchor is another one's by now")
		       : ret;
}

static int find_owner(struct undoing *u, struct coming *it, struct error *err)
{
	const struct past *row = newest(u->order);
	int ret = row->mv ? work_mv(u->sync, row->mv, &it->mv, err) : 0;

	if (ret < 0)
		return -1;
	it->rule_set = plan_rule_set(u->sync, row->rule_set);
	if (ret == 0 || !it->mv->plan || !it->rule_set) {
		if (row->mv)
			undo_note(u, "its metaverse object is gone, too: it "
				     "stays a disconnector");
		it->mv = NULL;
		return 0;
	}
	if (link_find(it->mv, it->rule_set))
		return undo_conflict(err, "mv %lld has another account by now",
				     (long long)row->mv);
	return 0;
}

static void note_secrets(struct undoing *u, const struct coming *it)
{
	const struct config_provision *how;
	size_t i;

	if (!it->rule_set)
		return;
	how = &it->rule_set->provision;
	for (i = 0; i < how->initial_count; i++)
		if (how->initial[i].secret)
			undo_note(u, "%s is a secret, it does not come back",
				  store_attr_name(u->sync->store,
						  how->initial[i].attr));
}

static void add_unique_keys(struct undoing *u, const struct coming *it,
			    int64_t id)
{
	const struct config_provision *how =
		it->rule_set ? &it->rule_set->provision : NULL;
	size_t i;
	size_t k;

	for (i = 0; how && i < how->unique_count; i++) {
		attr_id attr = how->unique[i].attr;
		const struct values *values = image_get(&it->attrs, attr);
		uint32_t number;

		if (attr == ATTR_DN || !values)
			continue;
		number = store_attr_map(u->sync->store)->to_store[attr];
		for (k = 0; k < values->len; k++)
			tree_add_key(&it->agent->tree,
				     key_of_unique(u->sync->store,
						   it->agent->number, number,
						   &values->at[k]),
				     id);
	}
}

static int make_again(struct undoing *u, struct coming *it, struct error *err)
{
	struct work_cs *cs = work_new_cs(u->sync, it->agent, err);

	if (!cs)
		return -1;
	cs->e.row.type = u->order->type;
	cs->e.row.parent = it->parent;
	cs->e.row.rdn = it->rdn;
	cs->e.pending.op = PENDING_ADD;
	cs->e.pending.attrs = it->attrs;
	cs->dirty_pending = true;
	if (it->anchor.len) {
		cs->e.row.anchor = it->anchor;
		cs->new_anchor_h = key_of_anchor(u->sync->store,
						 it->agent->number,
						 cs->e.row.type, it->anchor);
		tree_add_key(&it->agent->tree, cs->new_anchor_h, cs->e.row.id);
	}
	add_unique_keys(u, it, cs->e.row.id);
	if (it->mv && link_connect(u->sync, cs, it->mv, it->rule_set,
				   LINK_PROVISIONING, err) < 0)
		return -1;
	names_add_keys(u->sync, it->agent, cs);
	hold(u, cs, HOLD_DELETE, it->mv ? it->mv->row.id : 0,
	     it->mv ? cs->e.link.rule_set : 0, SV_NULL);
	u->order->staged = cs->e.row.id;
	return 0;
}

static int bring_back(struct undoing *u, struct error *err)
{
	struct coming it = { 0 };

	if (check_gone(u, err) < 0 || find_type(u, &it, err) < 0 ||
	    check_place(u, &it, err) < 0 ||
	    image_back(u, it.agent->has_dn, &it.attrs, err) < 0 ||
	    check_anchor(u, &it, err) < 0 || find_owner(u, &it, err) < 0)
		return -1;
	undo_note(u, it.agent->has_dn
			     ? "it comes back as a new object with an id of "
			       "its own, with what was read of it"
			     : "it comes back with what was read of it");
	note_secrets(u, &it);
	return make_again(u, &it, err);
}

/* ---- units ---- */

static bool writes(struct undoing *u, const struct config_rule_set *rs,
		   uint64_t number)
{
	const struct attr_map *map = store_attr_map(u->sync->store);
	size_t i;

	if (!number)
		return rs->provision.dn != NULL;
	for (i = 0; i < rs->export_count; i++)
		if (map->to_store[rs->exports[i].attr] == number)
			return true;
	return false;
}

/* A rule writes some of it, so it would be done again. */
static bool is_ruled(struct undoing *u, const struct work_cs *cs,
		     struct sv attrs)
{
	uint64_t number;
	size_t at = 0;

	while (cs->rule_set && at < attrs.len &&
	       image_decode_number(attrs, &at, &number))
		if (writes(u, cs->rule_set, number))
			return true;
	return false;
}

typedef int (*undo_fn)(struct undoing *u, struct work_cs *cs,
		       struct error *err);

static int change(struct undoing *u, struct work_cs *cs, struct error *err)
{
	struct strbuf attrs = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	if (cs->e.row.flags & CS_PLACEHOLDER || entry_going(&cs->e) ||
	    cs->e.import == IMPORT_DELETE)
		ret = undo_conflict(err, "it is not there any more");
	else
		ret = undo_change(u, cs, &attrs, err);
	if (ret == 0 && is_ruled(u, cs, strbuf_sv(&attrs)))
		hold(u, cs, HOLD_CHANGE, cs->e.link.mv, cs->e.link.rule_set,
		     strbuf_sv(&attrs));
	strbuf_release(&attrs);
	return ret;
}

/* 1 staged, 0 a conflict, -1 */
static int take_order(struct undoing *u, struct undo_order *order, undo_fn fn,
		      struct error *err)
{
	struct error why = ERROR_INIT;
	struct work_cs *cs = NULL;
	int ret = 1;

	u->order = order;
	strbuf_reset(&u->notes);
	work_unit_begin(u->sync, 0);
	due_begin(u->sync);
	if (fn)
		ret = work_cs(u->sync, order->cs, &cs, &why);
	if (ret == 0)
		ret = undo_conflict(&why, "it is not there any more");
	if (ret > 0)
		ret = fn ? fn(u, cs, &why) : bring_back(u, &why);
	if (ret < 0) {
		work_unit_drop(u->sync);
		order->staged = 0;
		if (sync_error_fatal(&why)) {
			*err = why;
			return -1;
		}
		order->conflict = arena_cstr(u->task->arena, sv_from(why.msg));
		return 0;
	}
	work_unit_keep(u->sync);
	if (fn)
		order->staged = order->cs;
	else
		idmap_put(&u->again, (uint64_t)order->cs,
			  (uint64_t)order->staged);
	order->conflict = NULL;
	order->notes =
		u->notes.len ? arena_cstr(u->task->arena, strbuf_sv(&u->notes))
			     : NULL;
	return 1;
}

/* The run's last one first: what lies below before what is above it. */
static int take_added(struct undoing *u, bool containers, struct error *err)
{
	struct undo_order *order;
	size_t i = u->task->orders.len;

	while (i-- > 0) {
		order = &u->task->orders.at[i];
		if (was_added(order) && !order->type == containers &&
		    take_order(u, order, remove_added, err) < 0)
			return -1;
	}
	return 0;
}

/* What was above comes before what lay below it. */
static int take_deleted(struct undoing *u, bool again, struct error *err)
{
	size_t i = u->task->orders.len;

	while (i-- > 0) {
		struct undo_order *order = &u->task->orders.at[i];

		if (was_deleted(order) && (!again || order->conflict) &&
		    take_order(u, order, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* A name may be another one's that gives it up only after that. */
static int take_changed(struct undoing *u, struct error *err)
{
	struct undo_order *order;
	bool progress = true;
	int round;

	for (round = 0; round < ROUNDS && progress; round++) {
		progress = false;
		vec_foreach(&u->task->orders, order) {
			int ret;

			if (!was_changed(order) || (round && !order->conflict))
				continue;
			ret = take_order(u, order, change, err);
			if (ret < 0)
				return -1;
			progress |= ret > 0;
		}
	}
	return 0;
}

/* ---- references to what comes back ---- */

static struct undo_order *order_of(struct undoing *u, int64_t cs)
{
	uint64_t at;

	return idmap_get(&u->known, (uint64_t)cs, &at)
		       ? &u->task->orders.at[at - 1]
		       : NULL;
}

struct referring {
	uint32_t attr;
	int64_t target;
};

static int refer(struct undoing *u, struct undo_order *order,
		 const struct referring *to, struct error *err)
{
	struct strbuf attrs = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error why = ERROR_INIT;
	struct work_cs *cs;
	int ret = work_cs(u->sync, order->cs, &cs, err);

	u->order = order;
	strbuf_reset(&u->notes);
	work_unit_begin(u->sync, 0);
	if (ret > 0 &&
	    undo_refer(u, cs, to->attr, to->target, &attrs, &why) < 0) {
		work_unit_drop(u->sync);
		ret = sync_error_fatal(&why) ? -1 : 0;
		*err = why;
	} else if (ret > 0) {
		if (attrs.len)
			hold(u, cs, HOLD_CHANGE, cs->e.link.mv,
			     cs->e.link.rule_set, strbuf_sv(&attrs));
		work_unit_keep(u->sync);
		order->staged = order->cs;
	}
	strbuf_release(&attrs);
	return ret < 0 ? -1 : 0;
}

/* An order of its own that undoes no row. */
static struct undo_order *add_order(struct undoing *u, const struct work_cs *cs)
{
	static struct past nothing = { .kind = PAST_EXPORT,
				       .op = PENDING_UPDATE };
	const struct undo_order fresh = { .cs = cs->e.row.id,
					  .type = cs->e.row.type,
					  .rows = &nothing,
					  .row_count = 1 };
	struct undo_order *order;

	vec_push(&u->task->orders, fresh);
	idmap_put(&u->known, (uint64_t)fresh.cs, u->task->orders.len);
	order = &u->task->orders.at[u->task->orders.len - 1];
	give_name(u, order);
	return order;
}

/* 1 *out is there, and nobody else by now; 0 not; -1 */
static int find_referrer(struct undoing *u, int64_t id, struct work_cs **out,
			 struct error *err)
{
	int64_t now;
	int ret = undo_who(u, id, &now, err);

	if (ret <= 0 || now != id)
		return ret < 0 ? -1 : 0;
	ret = work_cs(u->sync, id, out, err);
	if (ret <= 0)
		return ret;
	return (*out)->e.row.type && !((*out)->e.row.flags & CS_PLACEHOLDER);
}

static int refer_again(struct undoing *u, const struct past_referrer *from,
		       int64_t target, struct error *err)
{
	const struct attr_map *map = store_attr_map(u->sync->store);
	const struct referring to = { map->from_store[from->attr], target };
	struct undo_order *order = order_of(u, from->cs);
	struct work_cs *cs;
	int ret;

	if (order && (order->conflict || !order->staged || !was_changed(order)))
		return 0;
	ret = find_referrer(u, from->cs, &cs, err);
	if (ret <= 0)
		return ret;
	return refer(u, order ? order : add_order(u, cs), &to, err);
}

static int take_referrers(struct undoing *u, struct error *err)
{
	size_t count = u->task->orders.len;
	size_t i;
	size_t k;

	for (i = 0; i < count; i++) {
		/* the list may grow */
		const struct undo_order order = u->task->orders.at[i];

		if (!was_deleted(&order) || !order.staged)
			continue;
		for (k = 0; k < newest(&order)->referrer_count; k++)
			if (newest(&order)->referrers[k].attr &&
			    refer_again(u, &newest(&order)->referrers[k],
					order.staged, err) < 0)
				return -1;
	}
	return 0;
}

/* ---- what the rules want of them ---- */

static int learn(struct undoing *u, const struct undo_order *order,
		 struct error *err)
{
	struct error why = ERROR_INIT;
	struct work_cs *cs;
	struct work_mv *mv;
	int64_t id = 0;
	bool flowed;
	int ret = order->staged ? work_cs(u->sync, order->staged, &cs, err) : 0;

	if (ret > 0)
		id = cs->e.link.mv ? cs->e.link.mv : cs->e.link.last_mv;
	if (ret > 0 && id)
		ret = work_mv(u->sync, id, &mv, err);
	if (ret <= 0 || !id)
		return ret < 0 ? -1 : 0;
	work_unit_begin(u->sync, 0);
	u->sync->equal_writer = 0;
	if (evaluate(u->sync, mv, &flowed, &why) == 0) {
		work_unit_keep(u->sync);
		return 0;
	}
	work_unit_drop(u->sync);
	if (sync_error_fatal(&why)) {
		*err = why;
		return -1;
	}
	/* its own synchronization records that, and learns it then */
	work_mark(u->sync, id);
	return 0;
}

/* ---- all ---- */

static void leave_names(struct undoing *u)
{
	const struct undo_order *order;

	vec_foreach(&u->task->orders, order)
		if (was_changed(order) && newest(order)->new_rdn.len)
			idmap_put(&u->sync->leaving, (uint64_t)order->cs, 1);
}

static int stage(struct undoing *u, struct error *err)
{
	struct undo_order *order;
	uint64_t count = 0;

	vec_foreach(&u->task->orders, order) {
		idmap_put(&u->known, (uint64_t)order->cs, ++count);
		give_name(u, order);
	}
	leave_names(u);
	if (take_added(u, false, err) < 0 || take_deleted(u, false, err) < 0 ||
	    take_changed(u, err) < 0 || take_deleted(u, true, err) < 0 ||
	    take_referrers(u, err) < 0 || take_added(u, true, err) < 0)
		return -1;
	idmap_clear(&u->sync->leaving);
	vec_foreach(&u->task->orders, order)
		if (learn(u, order, err) < 0)
			return -1;
	return 0;
}

static int all(struct undoing *u, struct error *err)
{
	struct sync *sync = u->sync;
	const struct undo_task *task = u->task;

	if (sync_begin(sync, err) < 0 || marks_begin(sync, err) < 0)
		return -1;
	sync->last_try = true;
	if (stage(u, err) < 0 || names_give_back(sync, err) < 0 ||
	    flush_now(sync, err) < 0 ||
	    (task->done_key &&
	     store_meta_set(sync->tx, task->done_key, sv_from(task->done_text),
			    err) < 0) ||
	    sync_commit(sync, err) < 0 || pass_fix_up(sync, err) < 0)
		return -1;
	return sync_end(sync, err);
}

int sync_undo(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct undo_task *task,
	      struct counters *counters, struct sync_result *out,
	      struct error *err)
{
	struct sync sync;
	struct undoing u = { .sync = &sync, .task = task };
	int ret;

	sync_init(&sync, store, config, agent, options, counters, out);
	u.notes = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	ret = all(&u, err);
	sync_release(&sync);
	strbuf_release(&u.notes);
	idmap_release(&u.again);
	idmap_release(&u.known);
	return ret;
}
