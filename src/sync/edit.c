/*
 * edit.c - stages values that a person wants to be otherwise
 *
 * What the rules would make of it is found by asking them: the object is
 * evaluated as if its system had the new values already. A value that is
 * pending then is one that the next synchronization would write back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/edit.h"

#include "model/dn.h"
#include "sync/held.h"

#include <stdarg.h>
#include <stdio.h>

static const struct values NOTHING = { NULL, 0 };

struct editing {
	struct sync *sync;
	struct edit_task *task;
	struct edit_order *order;
};

static bool stays(const struct edit_value *value)
{
	return value_identical(&value->gone, &value->come);
}

/* ---- why not ---- */

__attribute__((format(printf, 3, 4))) static void
refuse(struct editing *e, struct edit_value *value, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!value->conflict && !stays(value))
		value->conflict = arena_cstr(e->task->arena, sv_from(text));
}

static void refuse_all(struct editing *e, const char *why)
{
	size_t i;

	for (i = 0; i < e->order->count; i++)
		refuse(e, e->order->values[i], "%s", why);
}

/* The number of the rule that writes it, or 0. */
static uint32_t rule_of(const struct work_cs *cs, attr_id attr)
{
	const struct config_rule_set *rs = cs->rule_set;
	size_t i;

	for (i = 0; rs && i < rs->export_count; i++)
		if (rs->exports[i].attr == attr)
			return rs->exports[i].rule;
	return 0;
}

/* What an earlier decision, or an undo, left there may be made otherwise. */
static bool is_ruled(const struct work_cs *cs)
{
	const struct export_state *pending = &cs->e.pending;
	size_t i;

	if (pending->op != PENDING_UPDATE || pending->rdn.len)
		return pending->op != PENDING_NONE;
	for (i = 0; i < pending->attrs.len; i++)
		if (rule_of(cs, pending->attrs.attrs[i].attr))
			return true;
	return false;
}

static const char *occupied(const struct work_cs *cs)
{
	const struct entry *e = &cs->e;

	if (e->row.flags & CS_PLACEHOLDER || entry_going(e) ||
	    e->import == IMPORT_DELETE || !e->row.has_image)
		return "it is not there any more";
	if (e->pending.in_progress || is_ruled(cs))
		return "another export of it is pending: export that first";
	return NULL;
}

static const struct attr_def *find_def(const struct work_cs *cs, attr_id attr,
				       size_t *type_out)
{
	const struct config_agent *agent = cs->agent->agent;
	size_t t;
	size_t i;

	for (t = 0; t < agent->type_count; t++)
		for (i = 0; cs->agent->types[t] == cs->e.row.type &&
			    i < agent->types[t].attr_count;
		     i++)
			if (agent->type_attr_ids[t][i] == attr) {
				*type_out = t;
				return &agent->types[t].attrs[i];
			}
	return NULL;
}

static bool is_anchor(const struct config_agent *agent, size_t type,
		      attr_id attr)
{
	attr_id attrs[CONFIG_ANCHOR_MAX];
	size_t count = config_anchor_attrs(agent, type, attrs);

	while (count > 0)
		if (attrs[--count] == attr)
			return true;
	return false;
}

static bool is_in_name(struct editing *e, const struct work_cs *cs,
		       const char *name)
{
	int64_t parent;
	struct sv rdn;
	struct sv type;
	struct sv value;

	entry_expected_name(&cs->e, &parent, &rdn);
	return rdn.len &&
	       dn_component(rdn, 1, &e->sync->scratch, &type, &value) &&
	       sv_ieq_str(type, name);
}

static void check_attribute(struct editing *e, const struct work_cs *cs,
			    struct edit_value *value)
{
	const char *name = store_attr_name(e->sync->store, value->attr);
	size_t type = 0;
	const struct attr_def *def = find_def(cs, value->attr, &type);

	if (!def)
		refuse(e, value,
		       "%s is an attribute that the configuration does not "
		       "have for objects of this type",
		       name);
	else if (is_anchor(cs->agent->agent, type, value->attr))
		refuse(e, value, "%s is what the object is known by", name);
	else if (is_in_name(e, cs, name))
		refuse(e, value,
		       "%s is the name in its DN: rename the object in its "
		       "system",
		       name);
}

/* ---- the new values ---- */

/* The working set's own image with what has no conflict. */
static struct image edited(struct editing *e, const struct image *written)
{
	struct arena *arena = &e->sync->batch;
	struct image out = image_copy(written, arena);
	size_t i;
	size_t k;

	for (i = 0; i < e->order->count; i++) {
		struct edit_value *value = e->order->values[i];
		const struct values *is = image_get(&out, value->attr);
		struct values all = { NULL, 0 };
		bool found = value->gone.type == VALUE_NULL;

		if (value->conflict)
			continue;
		if (!is)
			is = &NOTHING;
		all.at = arena_array(arena, is->len + 1, sizeof(*all.at));
		for (k = 0; k < is->len; k++) {
			if (!found && value_identical(&is->at[k], &value->gone))
				found = true;
			else
				all.at[all.len++] = is->at[k];
		}
		if (!found) {
			refuse(e, value, "it has changed since");
			continue;
		}
		if (value->come.type != VALUE_NULL)
			all.at[all.len++] = value_dup(&value->come, arena);
		values_canonical(&all);
		image_set(&out, value->attr, all, arena);
	}
	return out;
}

static void check_fit(struct editing *e, const struct work_cs *cs,
		      const struct image *wanted)
{
	struct error why;
	size_t type;
	size_t i;

	for (i = 0; i < e->order->count; i++) {
		struct edit_value *value = e->order->values[i];
		const struct values *is = image_get(wanted, value->attr);
		struct values all = { NULL, 0 };

		if (value->conflict || stays(value) || !is)
			continue;
		all = values_dup(is, &e->sync->scratch);
		why = (struct error)ERROR_INIT;
		if (rules_fit(&all, find_def(cs, value->attr, &type),
			      &e->sync->scratch, &why) < 0)
			refuse(e, value, "%s", why.msg);
	}
}

/* 1: *wanted_out is what it is to have, and some value is without a conflict;
 * 0: none is; -1 */
static int prepare(struct editing *e, struct work_cs **cs_out,
		   struct image *written, struct image *wanted_out,
		   struct error *err)
{
	int ret = work_cs(e->sync, e->order->cs, cs_out, err);
	const char *why;
	size_t i;

	if (ret < 0)
		return -1;
	why = ret == 0 || !(*cs_out)->agent ? "it is not there any more"
					    : occupied(*cs_out);
	if (why) {
		refuse_all(e, why);
		return 0;
	}
	for (i = 0; i < e->order->count; i++)
		check_attribute(e, *cs_out, e->order->values[i]);
	*written = entry_written(&(*cs_out)->e, &e->sync->batch);
	*wanted_out = edited(e, written);
	check_fit(e, *cs_out, wanted_out);
	for (i = 0; i < e->order->count; i++)
		if (!e->order->values[i]->conflict)
			break;
	if (i == e->order->count)
		return 0;
	*wanted_out = edited(e, written);
	return 1;
}

static bool is_decided(const struct editing *e, attr_id attr)
{
	size_t i;

	for (i = 0; i < e->order->count; i++)
		if (e->order->values[i]->attr == attr &&
		    !e->order->values[i]->conflict)
			return true;
	return false;
}

/* ---- what the rules say ---- */

static bool have(const struct values *values, const struct value *value)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (value_identical(&values->at[i], value))
			return true;
	return false;
}

static const char *text_of(struct editing *e, const struct value *value)
{
	return arena_printf(&e->sync->scratch, "'" SV_FMT "'",
			    SV_ARG(value_text(value, &e->sync->scratch)));
}

/* What the rules would do to this value, or NULL. */
static const char *verdict(struct editing *e, const struct edit_value *value,
			   const struct values *back)
{
	struct arena *arena = &e->sync->scratch;

	if (value->gone.type != VALUE_NULL && have(back, &value->gone))
		return arena_printf(arena, "write %s again",
				    text_of(e, &value->gone));
	if (value->come.type != VALUE_NULL && !have(back, &value->come))
		return arena_printf(arena, "take %s away again",
				    text_of(e, &value->come));
	return NULL;
}

static const char *rule_text(const struct editing *e, const struct work_cs *cs,
			     attr_id attr)
{
	uint32_t rule = rule_of(cs, attr);

	return rule ? e->sync->config->rule_texts[rule] : "a rule";
}

static void take_verdict(struct editing *e, const struct work_cs *cs)
{
	const struct image *pending = &cs->e.pending.attrs;
	size_t i;

	for (i = 0; i < e->order->count; i++) {
		struct edit_value *value = e->order->values[i];
		const struct values *back = image_get(pending, value->attr);
		const char *what = NULL;

		if (!value->conflict && image_has(pending, value->attr))
			what = verdict(e, value, back ? back : &NOTHING);
		if (what)
			refuse(e, value,
			       "the next synchronization would %s, by %s: "
			       "correct it where it comes from",
			       what, rule_text(e, cs, value->attr));
	}
}

/* Of `change` what has no conflict is pending instead of what was. */
static void put_change(struct editing *e, struct work_cs *cs,
		       const struct image *change)
{
	const struct image *was = &cs->e.pending.attrs;
	struct image pending = IMAGE_EMPTY;
	struct arena *arena = &e->sync->batch;
	size_t i;

	for (i = 0; i < was->len; i++)
		if (!is_decided(e, was->attrs[i].attr))
			image_put(&pending, was->attrs[i].attr,
				  was->attrs[i].values, arena);
	for (i = 0; i < change->len; i++)
		image_put(&pending, change->attrs[i].attr,
			  change->attrs[i].values, arena);
	cs->e.pending.attrs = image_dup(&pending, arena);
	cs->e.pending.op = pending.len ? PENDING_UPDATE : PENDING_NONE;
}

/* As if the export were done and not yet seen again. */
static void pretend(struct editing *e, struct work_cs *cs,
		    const struct image *written, const struct image *wanted)
{
	struct sync *sync = e->sync;
	struct image change = image_diff(written, wanted, &sync->batch);
	struct image awaiting = image_copy(&cs->e.awaiting.attrs, &sync->batch);
	const struct image nothing = IMAGE_EMPTY;
	size_t i;

	work_touch_cs(sync, cs);
	for (i = 0; i < change.len; i++)
		image_put(&awaiting, change.attrs[i].attr,
			  change.attrs[i].values, &sync->batch);
	put_change(e, cs, &nothing);
	cs->e.awaiting.attrs = awaiting;
	if (cs->e.awaiting.op == PENDING_NONE)
		cs->e.awaiting.op = PENDING_UPDATE;
}

static int ask_rules(struct editing *e, struct work_cs *cs,
		     const struct image *written, const struct image *wanted,
		     struct error *err)
{
	struct sync *sync = e->sync;
	struct error why = ERROR_INIT;
	struct work_mv *mv;
	bool flowed;
	int ret = work_mv(sync, cs->e.link.mv, &mv, err);

	if (ret <= 0)
		return ret;
	pretend(e, cs, written, wanted);
	sync->equal_writer = 0;
	if (evaluate(sync, mv, &flowed, &why) == 0) {
		take_verdict(e, cs);
		return 0;
	}
	if (sync_error_fatal(&why)) {
		*err = why;
		return -1;
	}
	refuse_all(e, arena_printf(&sync->scratch,
				   "with it the object cannot be synchronized: "
				   "%s",
				   why.msg));
	return 0;
}

static int check_order(struct editing *e, struct edit_order *order,
		       struct error *err)
{
	struct image written;
	struct image wanted;
	struct work_cs *cs;
	int ret;

	e->order = order;
	work_unit_begin(e->sync, 0);
	ret = prepare(e, &cs, &written, &wanted, err);
	if (ret > 0 && cs->e.link.mv)
		ret = ask_rules(e, cs, &written, &wanted, err);
	work_unit_drop(e->sync);
	return ret < 0 ? -1 : 0;
}

#define BATCH 512

static int check_all(void *data, struct sync *sync, struct error *err)
{
	struct edit_task *task = data;
	struct editing e = { .sync = sync, .task = task };
	size_t i;

	for (i = 0; i < task->count; i++) {
		if (check_order(&e, &task->orders[i], err) < 0)
			return -1;
		if (i % BATCH == BATCH - 1)
			work_forget(sync);
	}
	return 0;
}

int sync_edit_check(struct store *store, const struct config *config,
		    const struct config_agent *agent, struct edit_task *task,
		    struct error *err)
{
	const struct looking looking = { store, config, agent, NULL,
					 task->now };

	return look(&looking, check_all, task, err);
}

/* ---- staged ---- */

/* Who looks for a free name finds it taken. */
static void add_unique_keys(struct editing *e, const struct work_cs *cs)
{
	const struct config_provision *how = &cs->rule_set->provision;
	struct store *store = e->sync->store;
	struct agent_plan *agent = plan_agent(e->sync, CS_AGENT(e->order->cs));
	size_t i;
	size_t k;

	for (i = 0; i < how->unique_count; i++) {
		attr_id attr = how->unique[i].attr;
		const struct values *values =
			attr == ATTR_DN ? NULL
					: image_get(&cs->e.pending.attrs, attr);

		for (k = 0; values && k < values->len; k++)
			tree_add_key(
				&agent->tree,
				key_of_unique(
					store, agent->number,
					store_attr_map(store)->to_store[attr],
					&values->at[k]),
				cs->e.row.id);
	}
}

static int stage_order(struct editing *e, struct edit_order *order,
		       struct error *err)
{
	struct sync *sync = e->sync;
	struct image written;
	struct image wanted;
	struct image change;
	struct image before;
	struct work_cs *cs;
	int ret;

	e->order = order;
	work_unit_begin(sync, 0);
	ret = prepare(e, &cs, &written, &wanted, err);
	if (ret > 0) {
		change = image_diff(&written, &wanted, &sync->batch);
		before = cs->e.pending.attrs;
		work_touch_cs(sync, cs);
		put_change(e, cs, &change);
		ret = !image_identical(&before, &cs->e.pending.attrs);
	}
	if (ret <= 0) {
		work_unit_drop(sync);
		return ret;
	}
	cs->dirty_pending = true;
	/* what follows from it is for its synchronization */
	cs->queued = true;
	if (cs->rule_set)
		add_unique_keys(e, cs);
	work_unit_keep(sync);
	order->staged = cs->e.pending.op != PENDING_NONE;
	order->withdrawn = before.len > 0;
	return 0;
}

static int stage_all(struct editing *e, struct error *err)
{
	struct sync *sync = e->sync;
	const struct edit_task *task = e->task;
	size_t i;

	if (sync_begin(sync, err) < 0)
		return -1;
	for (i = 0; i < task->count; i++) {
		if (stage_order(e, &task->orders[i], err) < 0)
			return -1;
		if (i % BATCH == BATCH - 1 && flush_now(sync, err) < 0)
			return -1;
	}
	if (flush_now(sync, err) < 0 ||
	    (task->done_key &&
	     store_meta_set(sync->tx, task->done_key, sv_from(task->done_text),
			    err) < 0))
		return -1;
	return sync_end(sync, err);
}

int sync_edit(struct store *store, const struct config *config,
	      const struct config_agent *agent,
	      const struct sync_options *options, struct edit_task *task,
	      struct counters *counters, struct sync_result *out,
	      struct error *err)
{
	struct sync sync;
	struct editing e = { .sync = &sync, .task = task };
	int ret;

	sync_init(&sync, store, config, agent, options, counters, out);
	sync.rules.due = NULL; /* nothing is flowed for good */
	ret = stage_all(&e, err);
	sync_release(&sync);
	return ret;
}
