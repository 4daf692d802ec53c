/*
 * preview.c - the findings of a synchronization as sentences
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/preview.h"

#include <string.h>

/* Values that get a name beside their number. */
#define LABELS 20

struct collector {
	struct display *display;
	struct arena *arena;
	struct preview *preview;
	const struct hand_order *order; /* or NULL */
	struct strbuf clauses;          /* of the join rule at hand */
	int64_t mv;                     /* whose image is at hand */
	struct image image;
	struct error failed; /* of the store */
};

static void collector_fail(struct collector *c, const struct error *err)
{
	if (c->failed.code == ERR_NONE)
		c->failed = *err;
}

/* --- rules and their places -------------------------------------------- */

struct sv preview_place(const char *rule)
{
	struct sv all = sv_from(rule);
	size_t at = sv_find(all, ':', 0);

	/* FILE:LINE: WHAT */
	at = at < all.len ? sv_find(all, ':', at + 1) : at;
	return sv_sub(all, 0, at);
}

const char *preview_rule(const struct node *at, const char *what,
			 struct arena *arena)
{
	if (!at || !at->file)
		return NULL;
	return arena_printf(arena, "%s:%d: %s", at->file, at->line, what);
}

static const struct expr *source_in(const struct config_rule_set *rule_set,
				    uint32_t rule)
{
	size_t i;

	for (i = 0; i < rule_set->import_count; i++)
		if (rule_set->imports[i].rule == rule)
			return rule_set->imports[i].source;
	for (i = 0; i < rule_set->export_count; i++)
		if (rule_set->exports[i].rule == rule)
			return rule_set->exports[i].source;
	return NULL;
}

const struct expr *preview_source(const struct config *config, uint32_t rule)
{
	const struct expr *source = NULL;
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count && !source; a++)
		for (r = 0; r < config->agents[a].rule_set_count && !source;
		     r++)
			source = source_in(&config->agents[a].rule_sets[r],
					   rule);
	return source;
}

static const struct node *filter_line(const struct config_rule_set *rule_set,
				      size_t line)
{
	const struct node *at = rule_set->filter_at;

	if (at && at->kind == NODE_LIST && line <= at->len)
		return at->items[line - 1];
	return at;
}

static const char *rule_of(struct collector *c, const struct sync_event *event)
{
	const struct config_rule_set *rule_set = event->rule_set;
	const struct config *config = c->display->config;

	if (event->rule && event->rule <= config->rule_count)
		return config->rule_texts[event->rule];
	if (!rule_set)
		return NULL;
	if (!strcmp(event->step, "filter") && event->line)
		return preview_rule(
			filter_line(rule_set, event->line),
			arena_printf(c->arena, "filter line %zu", event->line),
			c->arena);
	if (!strcmp(event->step, "join") && event->line)
		return preview_rule(
			rule_set->joins[event->line - 1].at,
			arena_printf(c->arena, "join rule %zu", event->line),
			c->arena);
	if (!strcmp(event->found, "passed"))
		return preview_rule(rule_set->filter_at, "filter", c->arena);
	if (!strcmp(event->step, "provision") ||
	    !strcmp(event->step, "export-flow"))
		return preview_rule(rule_set->provision.at, "provision",
				    c->arena);
	return preview_rule(rule_set->at, rule_set->name, c->arena);
}

/* --- values ------------------------------------------------------------ */

/* What a preview made has no name in the store; the one that it would get. */
static struct sv new_name(const struct collector *c, int64_t cs)
{
	const struct preview_step *step;

	vec_foreach(&c->preview->steps, step)
		if (step->cs == cs && !strcmp(step->found, "new") &&
		    step->values.len)
			return step->values.at[0];
	return SV_LIT("(new)");
}

static struct sv value_of(struct collector *c, const struct value *value,
			  enum display_space space)
{
	struct error err = ERROR_INIT;
	struct sv text = SV_NULL;

	if (value->type == VALUE_REFERENCE && sync_is_new(value->number))
		return space == DISPLAY_MV ? SV_LIT("mv (new)")
					   : new_name(c, value->number);
	if (display_value(c->display, value, space, c->arena, &text, &err) < 0)
		collector_fail(c, &err);
	return text;
}

static struct display_texts texts_of(struct collector *c, const char *attr,
				     const struct values *values,
				     enum display_space space)
{
	struct display_texts texts = { NULL, 0 };
	size_t i;

	if (!values || !values->len)
		return texts;
	texts.at = arena_array(c->arena, values->len, sizeof(*texts.at));
	texts.len = values->len;
	for (i = 0; i < values->len; i++)
		texts.at[i] =
			attr && display_is_secret(attr)
				? SV_LIT("(secret)")
				: arena_dup(c->arena,
					    value_of(c, &values->at[i], space));
	return texts;
}

static struct display_texts labels_of(struct collector *c,
				      const struct display_texts *texts,
				      const struct values *values,
				      enum display_space space)
{
	struct display_texts labels = *texts;
	size_t i;

	if (space != DISPLAY_MV || !values || !values->len ||
	    values->at[0].type != VALUE_REFERENCE)
		return labels;
	labels.at = arena_array(c->arena, texts->len, sizeof(*labels.at));
	for (i = 0; i < texts->len; i++)
		labels.at[i] = i < LABELS && !sync_is_new(values->at[i].number)
				       ? subject_mv_label(c->display,
							  values->at[i].number,
							  c->arena)
				       : texts->at[i];
	return labels;
}

/* The values that the metaverse object has now. */
static const struct values *stored(struct collector *c, int64_t mv,
				   attr_id attr)
{
	struct error err = ERROR_INIT;
	struct mv_row row;

	if (c->mv != mv) {
		int ret = store_mv_get(c->display->store, mv, c->arena, &row,
				       &err);

		c->mv = mv;
		c->image = IMAGE_EMPTY;
		if (ret > 0)
			ret = mv_image(c->display->store, &row, c->arena,
				       &c->image, &err);
		if (ret < 0)
			collector_fail(c, &err);
	}
	return image_get(&c->image, attr);
}

/* The store has this very change as pending. */
static bool is_known(struct collector *c, const struct sync_event *event)
{
	struct error err = ERROR_INIT;
	const struct values *values;
	struct entry entry;
	int ret;

	if (!event->cs || sync_is_new(event->cs) || !event->values)
		return false;
	ret = entry_load_export(c->display->store, event->cs, c->arena, &entry,
				&err);
	if (ret < 0)
		collector_fail(c, &err);
	if (ret <= 0)
		return false;
	values = image_get(&entry.pending.attrs, event->attr);
	return values && values_identical(values, event->values);
}

static void add_values(struct collector *c, const struct sync_event *event,
		       struct preview_step *step)
{
	bool inbound = !strcmp(event->step, "import-flow");
	enum display_space space = inbound ? DISPLAY_MV : DISPLAY_CS;
	const struct values none = { NULL, 0 };
	const struct values *before = event->before;
	const struct values *values = event->values;

	if (!event->attr)
		return;
	step->attr = event->attr;
	step->attribute = store_attr_name(c->display->store, event->attr);
	if (inbound)
		before = stored(c, event->mv, event->attr);
	step->values = texts_of(c, step->attribute, values, space);
	step->labels = labels_of(c, &step->values, values, space);
	step->before = texts_of(c, step->attribute, before, space);
	step->known = !strcmp(event->step, "export-flow") && is_known(c, event);
	if (inbound && !event->won && strcmp(event->found, "removed") != 0)
		return;
	step->changed = !values_identical(before ? before : &none,
					  values ? values : &none);
}

/* --- names ------------------------------------------------------------- */

static void add_object(struct collector *c, const struct sync_event *event,
		       struct preview_step *step)
{
	const struct config *config = c->display->config;
	struct error err = ERROR_INIT;
	struct sv anchor = SV_NULL;

	if (event->rule_set)
		step->agent = config->agents[event->rule_set->agent].name;
	step->cs = event->cs;
	step->mv = event->mv;
	if (!event->cs)
		return;
	if (!step->agent)
		step->agent = store_name(c->display->store, NAME_AGENT,
					 CS_AGENT(event->cs));
	if (sync_is_new(event->cs)) {
		step->object = new_name(c, event->cs);
		return;
	}
	if (display_cs_name(c->display, event->cs, c->arena, &step->object,
			    &anchor, &err) < 0)
		collector_fail(c, &err);
	if (!step->object.len)
		step->object =
			anchor.len
				? anchor
				: sv_from(display_cs_id(event->cs, c->arena));
}

static void add_candidates(struct collector *c, const struct sync_event *event,
			   struct preview_step *step)
{
	size_t i;

	step->candidates.at = arena_array(c->arena, event->candidate_count,
					  sizeof(*step->candidates.at));
	step->candidates.len = event->candidate_count;
	for (i = 0; i < event->candidate_count; i++)
		step->candidates.at[i] =
			sync_is_new(event->candidates[i])
				? SV_LIT("mv (new)")
				: subject_mv_label(c->display,
						   event->candidates[i],
						   c->arena);
}

/* --- sentences --------------------------------------------------------- */

static void add_list(struct strbuf *out, const struct display_texts *texts,
		     size_t limit)
{
	size_t i;

	for (i = 0; i < texts->len && i < limit; i++) {
		strbuf_adds(out, i ? ", " : "");
		strbuf_addsv(out, texts->at[i]);
	}
	if (texts->len > limit)
		strbuf_addf(out, " and %zu more", texts->len - limit);
}

static void add_quoted(struct strbuf *out, const struct display_texts *texts)
{
	size_t i;

	for (i = 0; i < texts->len && i < 3; i++)
		strbuf_addf(out, "%s'" SV_FMT "'", i ? ", " : "",
			    SV_ARG(texts->at[i]));
	if (texts->len > 3)
		strbuf_addf(out, " and %zu more", texts->len - 3);
}

/* "rule 2: mail = 'a@x.test' finds mv 3 (Dan Dane)" of the clauses before. */
static const char *join_text(struct collector *c, const char *found,
			     const struct preview_step *step)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;

	strbuf_addf(&text, "rule %zu: " SV_FMT, step->line,
		    SV_ARG(strbuf_sv(&c->clauses)));
	if (!strcmp(found, "no-value")) {
		strbuf_adds(&text, ", which has no value");
	} else if (!step->candidates.len) {
		strbuf_adds(&text, " finds nobody");
	} else {
		strbuf_adds(&text, " finds ");
		if (step->candidates.len > 1)
			strbuf_addf(&text, "%zu: ", step->candidates.len);
		add_list(&text, &step->candidates, 5);
	}
	copy = arena_cstr(c->arena, strbuf_sv(&text));
	strbuf_release(&text);
	strbuf_reset(&c->clauses);
	return copy;
}

static const char *clause_text(struct collector *c, const char *text,
			       const struct preview_step *step)
{
	if (c->clauses.len)
		strbuf_adds(&c->clauses, " and ");
	if (step->values.len) {
		strbuf_addf(&c->clauses, "%s = ", step->attribute);
		add_quoted(&c->clauses, &step->values);
	} else {
		strbuf_adds(&c->clauses, text);
	}
	return arena_cstr(c->arena, sv_from(text));
}

static const char *name_text(struct collector *c,
			     const struct sync_event *event,
			     const struct preview_step *step)
{
	const struct config_agent *agent =
		&c->display->config->agents[event->rule_set->agent];
	struct sv name = step->values.len ? step->values.at[0] : SV_NULL;

	if (!strcmp(event->found, "taken"))
		return arena_printf(c->arena,
				    "the name '" SV_FMT "' is taken by " SV_FMT,
				    SV_ARG(name),
				    SV_ARG(subject_cs_label(
					    c->display, event->cs, c->arena)));
	if (!strcmp(event->found, "renamed"))
		return arena_printf(c->arena, "renamed to '" SV_FMT "'",
				    SV_ARG(name));
	return arena_printf(c->arena, "a new %s%s" SV_FMT,
			    agent->types[event->rule_set->type].name,
			    name.len ? ": " : "", SV_ARG(name));
}

static const char *text_of(struct collector *c, const struct sync_event *event,
			   const struct preview_step *step)
{
	if (!strcmp(event->step, "join") && !strcmp(event->found, "value"))
		return clause_text(c, event->text, step);
	if (!strcmp(event->step, "join") &&
	    (!strcmp(event->found, "candidates") ||
	     !strcmp(event->found, "no-value")))
		return join_text(c, event->found, step);
	if (!strcmp(event->step, "join") && !strcmp(event->found, "joined"))
		return arena_printf(c->arena, "joins " SV_FMT,
				    SV_ARG(subject_mv_label(
					    c->display, event->mv, c->arena)));
	if (!strcmp(event->step, "provision") && event->attr == ATTR_DN)
		return name_text(c, event, step);
	if (!strcmp(event->found, "new"))
		return name_text(c, event, step);
	return arena_cstr(c->arena, sv_from(event->text));
}

/* --- collect ----------------------------------------------------------- */

static void take_error(struct collector *c, const char *text)
{
	struct sv code;
	struct sv message;

	sync_error_split(text, &code, &message);
	c->preview->failed = true;
	c->preview->code = arena_dup(c->arena, code);
	c->preview->message = arena_dup(c->arena, message);
}

static void on_event(void *data, const struct sync_event *event)
{
	struct collector *c = data;
	const struct expr *source;
	struct preview_step step = {
		.step = event->step,
		.found = event->found,
		.rule_set = event->rule_set,
		.won = event->won,
		.line = event->line,
		.round = event->round,
	};

	if (!strcmp(event->step, "result")) {
		c->preview->result = event->found;
		return;
	}
	if (!strcmp(event->step, "error")) {
		take_error(c, event->text);
		c->preview->partly = true;
		return;
	}
	step.rule = rule_of(c, event);
	source = event->rule ? preview_source(c->display->config, event->rule)
			     : NULL;
	step.number = event->rule;
	add_values(c, event, &step);
	if (source && !(step.attribute && display_is_secret(step.attribute)))
		step.source = expr_told(source, c->arena);
	add_object(c, event, &step);
	add_candidates(c, event, &step);
	step.text = text_of(c, event, &step);
	if (!strcmp(step.found, "new") && !step.object.len)
		step.object = new_name(c, event->cs);
	vec_push(&c->preview->steps, step);
}

/* --- put in order ------------------------------------------------------ */

bool preview_is(const struct preview_step *step, const char *name)
{
	return !strcmp(step->step, name);
}

bool preview_found(const struct preview_step *step, const char *word)
{
	return !strcmp(step->found, word);
}

/* A later round evaluated the same flows again. */
static bool is_outdated(const struct preview *preview,
			const struct preview_step *step)
{
	bool inbound = preview_is(step, "import-flow");
	const struct preview_step *other;

	if (!inbound && !preview_is(step, "export-flow"))
		return false;
	vec_foreach(&preview->steps, other)
		if (preview_is(other, step->step) &&
		    other->round > step->round && other->mv == step->mv &&
		    (inbound || other->cs == step->cs))
			return true;
	return false;
}

static bool is_status(const struct preview_step *step)
{
	return !strcmp(step->found, "wanted") ||
	       !strcmp(step->found, "not-wanted");
}

/* Provisioning was asked again in a later round. */
static bool is_repeated(const struct preview *preview,
			const struct preview_step *step)
{
	const struct preview_step *other;

	if (!preview_is(step, "provision") && !preview_is(step, "held"))
		return false;
	for (other = preview->steps.at; other < step; other++)
		if (preview_is(other, step->step) && other->mv == step->mv &&
		    other->rule_set == step->rule_set &&
		    ((is_status(other) && is_status(step)) ||
		     (!strcmp(other->found, step->found) &&
		      !strcmp(other->text, step->text))))
			return true;
	return false;
}

static void replace_steps(struct preview *preview, const struct preview *by)
{
	vec_release(&preview->steps);
	preview->steps.at = by->steps.at;
	preview->steps.len = by->steps.len;
	preview->steps.size = by->steps.size;
}

static void keep_last(struct preview *preview)
{
	struct preview all = { .steps = VEC_INIT };
	struct preview_step *step;

	vec_foreach(&preview->steps, step)
		if (!is_outdated(preview, step) && !is_repeated(preview, step))
			vec_push(&all.steps, *step);
	replace_steps(preview, &all);
}

static void add_steps(const struct preview *preview, const char *name,
		      struct preview *out)
{
	const struct preview_step *step;

	vec_foreach(&preview->steps, step)
		if (preview_is(step, name))
			vec_push(&out->steps, *step);
}

static void by_step(struct preview *preview)
{
	static const char *const order[] = {
		"filter",      "join",        "project",   "disconnect",
		"mv-deletion", "import-flow", "provision", "held",
		"deprovision", "export-flow",
	};
	struct preview all = { .steps = VEC_INIT };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(*order); i++)
		add_steps(preview, order[i], &all);
	replace_steps(preview, &all);
}

/* --- values that nobody gives any more --------------------------------- */

static bool has_winner(const struct preview *preview, int64_t mv, attr_id attr)
{
	const struct preview_step *step;

	vec_foreach(&preview->steps, step)
		if (preview_is(step, "import-flow") && step->mv == mv &&
		    step->attr == attr && step->won)
			return true;
	return false;
}

static void add_removed(struct collector *c, int64_t mv)
{
	size_t i;

	(void)stored(c, mv, ATTR_DN);
	for (i = 0; i < c->image.len; i++) {
		const struct image_attr *attr = &c->image.attrs[i];
		struct sync_event event = {
			.step = "import-flow",
			.found = "removed",
			.text = "removed: nothing gives it a value any more",
			.mv = mv,
			.attr = attr->attr,
			.round = UINT32_MAX,
		};

		if (!has_winner(c->preview, mv, attr->attr))
			on_event(c, &event);
	}
}

/* Metaverse objects whose flows were evaluated. */
static void add_all_removed(struct collector *c)
{
	size_t count = c->preview->steps.len;
	size_t i;
	size_t k;

	for (i = 0; i < count; i++) {
		const struct preview_step *steps = c->preview->steps.at;

		if (!preview_is(&steps[i], "import-flow"))
			continue;
		for (k = 0; k < i; k++)
			if (preview_is(&steps[k], "import-flow") &&
			    steps[k].mv == steps[i].mv)
				break;
		if (k == i)
			add_removed(c, steps[i].mv);
	}
}

/* What a run passes over: 1 told so, 0 it is taken, -1. */
static int passed_over(struct collector *c, const struct subject *subject,
		       struct error *err)
{
	struct sync_event event = { .step = "filter", .found = "no-object" };
	struct entry entry;
	int ret;

	if (!subject || !subject->cs)
		return 0;
	ret = entry_load(c->display->store, subject->cs, c->arena, &entry, err);
	if (ret <= 0)
		return ret;
	event.cs = subject->cs;
	if (entry.row.flags & CS_CONTAINER)
		event.text = "a container of no configured type: "
			     "synchronization passes over it";
	else if (!entry.row.type)
		event.text = "no import has read it, it is only referred to: "
			     "synchronization passes over it";
	else if (!entry.row.has_image && !entry.link.mv)
		event.text = "no import has read it and nothing links it: "
			     "synchronization passes over it";
	else
		return 0;
	on_event(c, &event);
	return 1;
}

/* As preview_run, but *why is the object's error. */
static int look(struct collector *c, const struct subject *subject,
		struct error *why)
{
	struct sync_trace trace = { c, on_event };
	struct display *display = c->display;
	int ret;

	if (!subject)
		return sync_hand_preview(display->store, display->config,
					 c->order, &trace, why);
	ret = passed_over(c, subject, why);
	if (ret)
		return ret < 0 ? -1 : 0;
	if (subject->cs)
		return sync_preview(display->store, display->config,
				    subject->cs, &trace, why);
	return sync_preview_mv(display->store, display->config, subject->mv,
			       &trace, why);
}

static int preview(struct display *display, const struct subject *subject,
		   const struct hand_order *order, struct arena *arena,
		   struct preview *out, struct error *err)
{
	struct collector c = {
		.display = display,
		.arena = arena,
		.preview = out,
		.order = order,
		.clauses = STRBUF_INIT(STRBUF_NO_LIMIT),
	};
	struct error why = ERROR_INIT;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = look(&c, subject, &why);
	if (ret < 0 && sync_error_fatal(&why))
		collector_fail(&c, &why);
	else if (ret < 0)
		take_error(&c, why.msg);
	if (ret < 0) {
		out->partly = false;
		out->result = NULL;
	}
	keep_last(out);
	if (ret == 0)
		add_all_removed(&c);
	by_step(out);
	strbuf_release(&c.clauses);
	if (c.failed.code == ERR_NONE)
		return 0;
	*err = c.failed;
	preview_release(out);
	return -1;
}

int preview_run(struct display *display, const struct subject *subject,
		struct arena *arena, struct preview *out, struct error *err)
{
	return preview(display, subject, NULL, arena, out, err);
}

int preview_hand(struct display *display, const struct hand_order *order,
		 struct arena *arena, struct preview *out, struct error *err)
{
	return preview(display, NULL, order, arena, out, err);
}

void preview_release(struct preview *preview)
{
	vec_release(&preview->steps);
}
