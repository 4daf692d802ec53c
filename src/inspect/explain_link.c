/*
 * explain_link.c - connectors and accounts, and why an object has none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/explain_private.h"

#include "base/clock.h"
#include "inspect/holds.h"
#include "inspect/remedy.h"

#include <string.h>

/* --- names of what is stored ------------------------------------------- */

static const struct config_rule_set *rule_set_of(const struct explaining *e,
						 uint32_t number)
{
	const struct config *config = e->display->config;
	const char *name = store_name(e->display->store, NAME_RULE_SET, number);
	size_t a;
	size_t r;

	for (a = 0; name && a < config->agent_count; a++) {
		const struct config_agent *agent = &config->agents[a];

		for (r = 0; r < agent->rule_set_count; r++)
			if (!strcmp(name,
				    arena_printf(e->arena, "%s.%s", agent->name,
						 agent->rule_sets[r].name)))
				return &agent->rule_sets[r];
	}
	return NULL;
}

const char *explain_how(enum link_how how)
{
	switch (how) {
	case LINK_PROJECTION:
		return "projected";
	case LINK_JOIN:
		return "joined";
	case LINK_PROVISIONING:
		return "provisioned";
	case LINK_FILTER:
		return "filtered";
	case LINK_DEPROVISIONING:
		return "deprovisioned";
	case LINK_HAND:
	case LINK_NONE:
		break;
	}
	return "by hand";
}

/* --- connectors -------------------------------------------------------- */

static int add_link(struct explaining *e, const struct link_row *row,
		    struct error *err)
{
	struct explain_link *link = &e->out->links[e->out->link_count];
	struct entry entry;
	struct display_cs cs;
	int ret = entry_load(e->display->store, row->cs, e->arena, &entry, err);

	if (ret <= 0)
		return ret;
	if (display_cs(e->display, &entry, e->arena, &cs, err) < 0)
		return -1;
	e->out->link_count++;
	link->agent = cs.agent;
	link->rule_set = cs.rule_set;
	link->cs = cs.id;
	link->object = cs.dn.len ? cs.dn : cs.anchor;
	if (!link->object.len)
		link->object = cs.pending.dn;
	link->how = explain_how(row->how);
	link->since = row->time;
	link->state = cs.state;
	link->remembered = row->mv == 0;
	link->frozen = !link->remembered && !rule_set_of(e, row->rule_set);
	link->import = cs.import;
	link->export = cs.pending.operation;
	link->awaiting = cs.awaiting.operation;
	return 0;
}

int explain_links(struct explaining *e, struct error *err)
{
	struct link_row *tied;
	struct link_row *untied;
	int tied_count = store_link_of_mv(e->display->store, e->mv, e->arena,
					  &tied, err);
	int untied_count;
	int i;

	if (tied_count < 0)
		return -1;
	untied_count = store_link_remembering(e->display->store, e->mv,
					      e->arena, &untied, err);
	if (untied_count < 0)
		return -1;
	e->out->links = arena_array(e->arena,
				    (size_t)tied_count + (size_t)untied_count,
				    sizeof(*e->out->links));
	for (i = 0; i < tied_count; i++)
		if (add_link(e, &tied[i], err) < 0)
			return -1;
	for (i = 0; i < untied_count; i++)
		if (!untied[i].mv && add_link(e, &untied[i], err) < 0)
			return -1;
	return 0;
}

/* --- provisioning ------------------------------------------------------ */

static bool has_type(const struct config_rule_set *rule_set,
		     const struct config_mv_type *type)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == type->index)
			return true;
	return false;
}

/* The state that the steps of a rule set end in; NULL: they say nothing more
 * than that it is wanted or not. */
static const char *state_by(const struct preview_step *step)
{
	static const struct {
		const char *found;
		const char *state;
	} states[] = {
		{ "waits", "waits" },   { "blocked", "blocked" },
		{ "new", "provision" }, { "joined", "join" },
		{ "off", "off" },       { "left", "left" },
		{ "held", "held" },
	};
	size_t i;

	if (preview_is(step, "deprovision"))
		return "deprovision";
	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (preview_found(step, states[i].found))
			return states[i].state;
	return NULL;
}

static void read_steps(struct explaining *e,
		       const struct config_rule_set *rule_set,
		       struct explain_provision *out)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct preview_step *step;
	const char *state = NULL;

	vec_foreach(&e->preview.steps, step) {
		if (step->rule_set != rule_set ||
		    (!preview_is(step, "provision") &&
		     !preview_is(step, "held") &&
		     !preview_is(step, "deprovision")))
			continue;
		if (preview_found(step, "wanted") ||
		    preview_found(step, "not-wanted")) {
			out->wanted = preview_found(step, "wanted");
			out->state = !out->wanted ? "not-wanted"
				     : step->cs   ? "there"
						  : "waits";
		}
		if (state_by(step))
			state = state_by(step);
		strbuf_addf(&text, "%s%s", text.len ? "; " : "", step->text);
	}
	if (state)
		out->state = state;
	out->text = arena_cstr(e->arena, strbuf_sv(&text));
	strbuf_release(&text);
}

static void add_provision(struct explaining *e,
			  const struct config_rule_set *rule_set)
{
	struct explain_provision *out =
		&e->out->provisions[e->out->provision_count++];

	out->agent = e->display->config->agents[rule_set->agent].name;
	out->rule_set = rule_set->name;
	out->rule = preview_rule(rule_set->provision.at, "provision", e->arena);
	if (rule_set->provision.when)
		out->when = expr_told(rule_set->provision.when, e->arena);
	read_steps(e, rule_set, out);
	if (out->state)
		return;
	out->state = "not-reached";
	out->text = "not reached: the synchronization fails before";
}

void explain_provisions(struct explaining *e)
{
	const struct config *config = e->display->config;
	size_t most = 0;
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++)
		most += config->agents[a].rule_set_count;
	e->out->provisions =
		arena_array(e->arena, most, sizeof(*e->out->provisions));
	for (a = 0; e->type && a < config->agent_count; a++) {
		const struct config_agent *agent = &config->agents[a];

		for (r = 0; r < agent->rule_set_count; r++)
			if (agent->rule_sets[r].provisions &&
			    has_type(&agent->rule_sets[r], e->type))
				add_provision(e, &agent->rule_sets[r]);
	}
}

/* --- why a connector space object is where it is ----------------------- */

struct sentences {
	struct explaining *e;
	VEC(struct sv) all;
};

static void say(struct sentences *s, const char *text, const char *rule)
{
	struct sv place = preview_place(rule);

	vec_push(&s->all,
		 sv_from(arena_printf(s->e->arena, "%s%s" SV_FMT "%s", text,
				      place.len ? " (" : "", SV_ARG(place),
				      place.len ? ")" : "")));
}

static const char *time_text(struct explaining *e, int64_t time)
{
	char text[40];

	clock_format_iso(time - time % CLOCK_SECOND, text);
	return arena_cstr(e->arena, sv_from(text));
}

static void say_connector(struct sentences *s, const struct link_row *link)
{
	struct explaining *e = s->e;
	const struct config_rule_set *rule_set = rule_set_of(e, link->rule_set);
	const char *name = display_rule_set(e->display, link->rule_set);
	const char *verb = "linked by hand to";

	if (link->how == LINK_PROJECTION)
		verb = "projected as";
	if (link->how == LINK_JOIN)
		verb = "joined to";
	if (link->how == LINK_PROVISIONING)
		verb = "provisioned from";
	say(s,
	    arena_printf(
		    e->arena, "%s " SV_FMT " by rule set '%s' on %s", verb,
		    SV_ARG(subject_mv_label(e->display, link->mv, e->arena)),
		    name ? name : "?", time_text(e, link->time)),
	    rule_set ? preview_rule(rule_set->at, rule_set->name, e->arena)
		     : NULL);
	if (!rule_set)
		say(s,
		    "frozen: this rule set is in no file; nothing flows, the "
		    "values stay",
		    NULL);
	if (link->state == LINK_EXPLICIT)
		say(s, "an explicit connector: scope and filter do not apply",
		    NULL);
}

static void say_remembered(struct sentences *s, const struct link_row *link)
{
	struct explaining *e = s->e;

	if (link->last_mv)
		say(s,
		    arena_printf(e->arena,
				 "deprovisioned from " SV_FMT " on %s; it is "
				 "linked again when it is wanted there",
				 SV_ARG(subject_mv_label(
					 e->display, link->last_mv, e->arena)),
				 time_text(e, link->time)),
		    NULL);
	else if (link->state == LINK_EXPLICIT)
		say(s,
		    arena_printf(e->arena, "disconnected by %s on %s",
				 link->how == LINK_DEPROVISIONING
					 ? "deprovisioning"
					 : "hand",
				 time_text(e, link->time)),
		    NULL);
	else if (link->state == LINK_FILTERED)
		say(s,
		    arena_printf(e->arena, "filtered since %s",
				 time_text(e, link->time)),
		    NULL);
}

/* What a synchronization finds of an object that is linked to nothing. */
static void say_steps(struct sentences *s)
{
	const struct preview *preview = &s->e->preview;
	const struct preview_step *step;

	vec_foreach(&preview->steps, step)
		if ((preview_is(step, "filter") || preview_is(step, "join") ||
		     preview_is(step, "project")) &&
		    !preview_found(step, "value") &&
		    !preview_found(step, "passed"))
			say(s, step->text,
			    preview_found(step, "joined") ||
					    preview_found(step, "ambiguous")
				    ? NULL
				    : step->rule);
	if (preview->result &&
	    strcmp(preview->result, "disconnector-remains") != 0 &&
	    strcmp(preview->result, "disconnector-filtered") != 0)
		say(s,
		    arena_printf(s->e->arena,
				 "so the next synchronization changes this: "
				 "%s",
				 preview->result),
		    NULL);
}

static void say_import(struct sentences *s, const struct display_cs *cs)
{
	struct arena *arena = s->e->arena;

	if (cs->import)
		say(s,
		    arena_printf(arena,
				 "an import staged %s%s, which is not "
				 "synchronized yet",
				 cs->import[0] == 'a' || cs->import[0] == 'u'
					 ? "an "
					 : "a ",
				 cs->import),
		    NULL);
}

static void say_remedy(struct sentences *s, const struct cs_error *error)
{
	const char *fix = remedy_find(error->code);

	if (error->count > 1)
		say(s,
		    arena_printf(s->e->arena, "%lld times, last %s",
				 (long long)error->count,
				 time_text(s->e, error->last)),
		    NULL);
	if (fix)
		say(s, arena_printf(s->e->arena, "to do: %s", fix), NULL);
}

static void say_export(struct sentences *s, const struct display_cs *cs)
{
	struct arena *arena = s->e->arena;

	if (cs->pending.operation)
		say(s,
		    arena_printf(arena,
				 "its export is pending: %s%s" SV_FMT "%s",
				 cs->pending.operation,
				 cs->pending.dn.len ? " to " : "",
				 SV_ARG(cs->pending.dn),
				 cs->pending.in_progress
					 ? " (sent, the outcome is not known)"
					 : ""),
		    NULL);
	if (cs->awaiting.operation)
		say(s,
		    arena_printf(arena,
				 "its %s was exported and waits for the next "
				 "import to confirm it",
				 cs->awaiting.operation),
		    NULL);
	if (cs->has_error)
		say(s,
		    arena_printf(
			    arena, "in error since %s: " SV_FMT ": " SV_FMT,
			    time_text(s->e, cs->error.first),
			    SV_ARG(cs->error.code), SV_ARG(cs->error.message)),
		    NULL);
	if (cs->has_error)
		say_remedy(s, &cs->error);
}

static void say_held(struct sentences *s, int64_t cs)
{
	struct explaining *e = s->e;
	struct error ignored = ERROR_INIT;
	struct display_hold hold;

	if (holds_of_cs(e->display, cs, e->arena, &hold, &ignored) > 0)
		say(s,
		    arena_printf(e->arena,
				 "%s: nothing is exported to it until the "
				 "rules want something else, or 'conjoin "
				 "release'",
				 holds_sentence(&hold, e->arena)),
		    NULL);
}

/* The account's own rule set: is it still wanted? */
static void say_wanted(struct sentences *s)
{
	const struct explaining *e = s->e;
	const struct preview_step *step;

	vec_foreach(&e->preview.steps, step)
		if (step->cs == e->out->view.cs.id &&
		    (preview_is(step, "provision") ||
		     preview_is(step, "deprovision")) &&
		    !preview_found(step, "wanted"))
			say(s, step->text, step->rule);
}

void explain_state(struct explaining *e)
{
	const struct subject_view *view = &e->out->view;
	struct sentences s = { e, VEC_INIT };
	struct display_texts *why = &e->out->why;

	if (view->cs.mv) {
		say_connector(&s, &view->entry.link);
		say_wanted(&s);
	}
	say_import(&s, &view->cs);
	if (!view->cs.mv) {
		if (view->entry.has_link)
			say_remembered(&s, &view->entry.link);
		say_steps(&s);
	}
	say_held(&s, view->cs.id);
	say_export(&s, &view->cs);
	why->len = s.all.len;
	why->at = arena_array(e->arena, s.all.len, sizeof(*why->at));
	if (s.all.len)
		memcpy(why->at, s.all.at, s.all.len * sizeof(*why->at));
	vec_release(&s.all);
}
