/*
 * explain_flow.c - metaverse values: who gave them, who else would have
 *
 * The value and its origin are what is stored; which rule it was, and what the
 * others say, is what the rules find now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/explain_private.h"

#include "store/history.h"

#include <string.h>

/* --- the last import of an agent --------------------------------------- */

/* How many runs back it is looked for. */
#define RUNS_BACK 500

struct runs {
	const char *agent;
	VEC(int64_t) ids;
	int64_t ended;
};

static int on_run(void *data, const struct run_row *row)
{
	struct runs *runs = data;

	if (!strcmp(row->agent, runs->agent))
		vec_push(&runs->ids, row->id);
	return 0;
}

static int on_step(void *data, const struct step_row *row)
{
	struct runs *runs = data;

	if (sv_ends(sv_from(row->kind), SV_LIT("-import")) && row->ended &&
	    (!strcmp(row->result, "success") ||
	     sv_starts(sv_from(row->result), SV_LIT("completed-"))))
		runs->ended = row->ended;
	return 0;
}

static int last_import(struct explaining *e, const char *agent, int64_t *out,
		       struct error *err)
{
	struct store *store = e->display->store;
	struct runs runs = { .agent = agent };
	const int64_t *id;
	int ret;

	ret = store_run_scan(store, 0, RUNS_BACK, on_run, &runs, err);
	vec_foreach(&runs.ids, id)
		if (ret >= 0 && !runs.ended)
			ret = store_step_scan(store, *id, on_step, &runs, err);
	vec_release(&runs.ids);
	*out = runs.ended;
	return ret < 0 ? -1 : 0;
}

/* Of all winners; each agent is asked for once. */
static int add_imports(struct explaining *e, struct error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < e->out->attr_count; i++) {
		struct explain_source *winner = &e->out->attrs[i].winner;

		if (!winner->agent)
			continue;
		for (k = 0; k < i; k++)
			if (e->out->attrs[k].winner.agent &&
			    !strcmp(e->out->attrs[k].winner.agent,
				    winner->agent))
				break;
		if (k < i)
			winner->imported = e->out->attrs[k].winner.imported;
		else if (last_import(e, winner->agent, &winner->imported, err) <
			 0)
			return -1;
	}
	return 0;
}

/* --- losers ------------------------------------------------------------ */

/* Whoever has the say for the attribute: by values, or by saying that there
 * are none. */
static const struct preview_step *decider(const struct explaining *e,
					  attr_id attr)
{
	const struct preview_step *step;

	vec_foreach(&e->preview.steps, step)
		if (preview_is(step, "import-flow") && step->attr == attr &&
		    (step->won || preview_found(step, "stop")))
			return step;
	return NULL;
}

/* "hr", or among rule sets of one agent "hr.person" */
static const char *name_of(struct explaining *e,
			   const struct preview_step *step,
			   const struct preview_step *beside)
{
	if (!step->agent)
		return "another";
	if (!step->rule_set || !beside->agent ||
	    strcmp(step->agent, beside->agent) != 0)
		return step->agent;
	return arena_printf(e->arena, "%s.%s", step->agent,
			    step->rule_set->name);
}

static const char *why_lost(struct explaining *e,
			    const struct config_mv_attr *attr,
			    const struct preview_step *step)
{
	const struct preview_step *by = decider(e, step->attr);
	const char *name;

	if (!preview_found(step, "value") || !by)
		return step->text;
	name = name_of(e, by, step);
	if (preview_found(by, "merged"))
		return "part of the union";
	if (preview_found(by, "stop"))
		return arena_printf(e->arena,
				    "ranked below %s, which says that there "
				    "is none",
				    name);
	if (attr->precedence == PRECEDENCE_LUA)
		return arena_printf(e->arena, "%s was chosen by lua: %s (%s)",
				    name, attr->choose->name,
				    attr->choose->where);
	if (attr->precedence == PRECEDENCE_EQUAL)
		return arena_printf(e->arena, "%s wrote last", name);
	return arena_printf(e->arena, "ranked below %s", name);
}

static void fill_source(const struct preview_step *step,
			struct explain_source *out)
{
	out->agent = step->agent;
	out->rule_set = step->rule_set ? step->rule_set->name : NULL;
	out->cs = step->cs;
	out->object = step->object;
	out->rule = step->rule;
	out->source = step->source;
	out->values = step->values;
	out->labels = step->labels;
}

/* --- the winner -------------------------------------------------------- */

static const char *rule_set_of(struct explaining *e, int64_t cs)
{
	struct error ignored = ERROR_INIT;
	struct link_row link;

	if (store_link_get(e->display->store, cs, &link, &ignored) <= 0)
		return NULL;
	return display_rule_set(e->display, link.rule_set);
}

/* What is stored: the object that gave the value, and when. */
static void stored_winner(struct explaining *e, attr_id attr,
			  struct explain_attr *out)
{
	const struct lineage_entry *from = lineage_get(&e->lineage, attr);
	struct explain_source *winner = &out->winner;
	struct error ignored = ERROR_INIT;
	struct sv anchor = SV_NULL;

	if (!out->values.len || !from)
		return;
	out->has_winner = true;
	winner->values = out->values;
	winner->labels = out->labels;
	winner->since = from->time;
	winner->cs = from->cs;
	if (!from->cs)
		return;
	winner->agent =
		store_name(e->display->store, NAME_AGENT, CS_AGENT(from->cs));
	winner->rule_set = rule_set_of(e, from->cs);
	(void)display_cs_name(e->display, from->cs, e->arena, &winner->object,
			      &anchor, &ignored);
	if (!winner->object.len)
		winner->object = anchor;
}

static void add_step(struct explaining *e, const struct config_mv_attr *attr,
		     const struct preview_step *step, struct explain_attr *out)
{
	struct explain_source *winner = &out->winner;

	if (step->won && !step->changed && out->has_winner &&
	    winner->cs == step->cs) {
		winner->rule = step->rule;
		winner->source = step->source;
		/* of no rule: why it is there */
		winner->why = step->rule ? NULL : step->text;
		return;
	}
	if (step->won || preview_found(step, "removed")) {
		out->differs = true;
		out->next = step->values;
		out->next_rule = step->rule;
		return;
	}
	fill_source(step, &out->losers[out->loser_count]);
	out->losers[out->loser_count++].why = why_lost(e, attr, step);
}

static struct display_texts labels_of(struct explaining *e,
				      const struct values *values,
				      struct display_texts texts)
{
	struct display_texts labels = texts;
	size_t i;

	if (!values || values->at[0].type != VALUE_REFERENCE)
		return texts;
	labels.at = arena_array(e->arena, texts.len, sizeof(*labels.at));
	for (i = 0; i < texts.len; i++)
		labels.at[i] = i < 20 ? subject_mv_label(e->display,
							 values->at[i].number,
							 e->arena)
				      : texts.at[i];
	return labels;
}

static void explain_attr(struct explaining *e,
			 const struct config_mv_attr *attr,
			 struct explain_attr *out)
{
	attr_id id = attr->attr.id;
	const struct values *values = image_get(&e->image, id);
	const struct preview_step *step;
	size_t count = 0;

	memset(out, 0, sizeof(*out));
	out->name = attr->attr.def.name;
	out->values = explain_texts(e, id, values);
	out->labels = labels_of(e, values, out->values);
	stored_winner(e, id, out);
	vec_foreach(&e->preview.steps, step)
		count += step->attr == id;
	out->losers = arena_array(e->arena, count, sizeof(*out->losers));
	vec_foreach(&e->preview.steps, step)
		if (preview_is(step, "import-flow") && step->attr == id)
			add_step(e, attr, step, out);
}

/* --- which attributes -------------------------------------------------- */

/* Of a connector space object: those that it has a rule for. */
static bool contributes(const struct explaining *e, attr_id attr)
{
	const struct config *config = e->display->config;
	const struct preview_step *step;

	vec_foreach(&e->preview.steps, step)
		if (preview_is(step, "import-flow") && step->attr == attr &&
		    step->cs == e->out->view.cs.id &&
		    (!e->asked ||
		     (step->number &&
		      explain_reads(preview_source(config, step->number),
				    e->asked))))
			return true;
	return false;
}

static bool is_asked(const struct explaining *e, attr_id attr)
{
	if (e->out->view.in_cs)
		return contributes(e, attr);
	return !e->asked || e->asked == attr;
}

/* Attributes that are in no file any more have a value still. */
static void explain_unknown(struct explaining *e, struct explain_attr *attrs)
{
	size_t i;

	for (i = 0; !e->out->view.in_cs && i < e->image.len; i++) {
		struct config_mv_attr attr = { .merge = false };

		attr.attr.id = e->image.attrs[i].attr;
		if (!is_asked(e, attr.attr.id) ||
		    (e->type && config_mv_attr_find(e->type, attr.attr.id)))
			continue;
		attr.attr.def.name =
			store_attr_name(e->display->store, attr.attr.id);
		explain_attr(e, &attr, &attrs[e->out->attr_count++]);
	}
}

int explain_attrs(struct explaining *e, struct error *err)
{
	size_t most = e->image.len + (e->type ? e->type->attr_count : 0);
	struct explain_attr *attrs =
		arena_array(e->arena, most, sizeof(*attrs));
	size_t i;

	e->out->attrs = attrs;
	for (i = 0; e->type && i < e->type->attr_count; i++)
		if (is_asked(e, e->type->attrs[i].attr.id))
			explain_attr(e, &e->type->attrs[i],
				     &attrs[e->out->attr_count++]);
	explain_unknown(e, attrs);
	return add_imports(e, err);
}
