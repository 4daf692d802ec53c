/*
 * review.c - what is allowed in a configuration and can hardly be meant
 *
 * Called by `conjoin check` on a snapshot without errors. Each rule set is
 * looked at alone and beside its neighbours: conditions that are always or
 * never true, rules behind one that always decides, rule sets behind one that
 * takes everything. What depends on a parameter is never called dead, since it
 * may have another value elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/review.h"

#include <stdarg.h>
#include <stdio.h>

void review_warn(struct review *review, const struct node *at, const char *fmt,
		 ...)
{
	struct config_problem item = { .warning = true };
	char text[512];
	va_list args;

	if (!at)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	item.file = at->file;
	item.line = at->line;
	item.column = at->column;
	item.text = arena_cstr(&review->snapshot->arena, sv_from(text));
	vec_push(&review->found, item);
}

static void note_any(void *data, enum expr_view view, uint32_t id)
{
	(void)view;
	(void)id;
	*(bool *)data = true;
}

/* Parameters may have other values elsewhere, tables and the time change,
 * functions of rules/ are given an object. */
static bool depends(const struct expr *expr)
{
	struct sv text = expr_source(expr);
	bool any = expr_uses_now(expr) || expr_uses_counter(expr) ||
		   expr_unstable(expr) || expr_uses_extern(expr) ||
		   sv_find(text, '%', 0) < text.len ||
		   (text.len && memmem(text.ptr, text.len, "Lookup(", 7));

	expr_reads(expr, note_any, &any);
	return any;
}

/* 1: it is this, whatever the object; 0: that cannot be told */
static int constant(const struct expr *expr, struct arena *arena,
		    struct expr_result *out)
{
	const struct expr_env nothing = { 0 };
	struct error ignored = ERROR_INIT;

	return !depends(expr) &&
	       expr_eval(expr, &nothing, arena, out, &ignored) == 0;
}

int review_truth(const struct expr *condition)
{
	struct arena arena = ARENA_INIT;
	struct expr_result result;
	int truth = -1;

	if (!condition)
		return 1;
	if (constant(condition, &arena, &result))
		truth = result.kind == EXPR_VALUES && result.values.len == 1 &&
			result.values.at[0].type == VALUE_BOOLEAN &&
			result.values.at[0].number;
	arena_release(&arena);
	return truth;
}

/* It yields a value whatever the object. */
static bool always_value(const struct expr *source)
{
	struct arena arena = ARENA_INIT;
	struct expr_result result;
	bool yes = constant(source, &arena, &result) &&
		   result.kind == EXPR_VALUES;

	arena_release(&arena);
	return yes;
}

const struct node *review_node(const struct review *review,
			       const struct config_rule_set *rule_set,
			       const char *key)
{
	const struct node *root =
		review->snapshot->agent_roots[rule_set->agent];

	return node_get(node_get(node_get(root, "objects"), rule_set->name),
			key);
}

static void take_read(void *data, enum expr_view view, uint32_t id)
{
	struct review_reader *reader = data;

	if (view == EXPR_VIEW_HERE)
		reader->fn(reader, id);
}

void review_reads(const struct expr *expr, struct review_reader *reader)
{
	if (expr)
		expr_reads(expr, take_read, reader);
}

static bool same_text(const struct expr *a, const struct expr *b)
{
	if (!a || !b)
		return a == b;
	return sv_eq(sv_trim(expr_source(a)), sv_trim(expr_source(b)));
}

/* --- rule sets --------------------------------------------------------- */

/* `other` stands before `rule_set` and leaves it nothing. */
static void review_shadow(struct review *review,
			  const struct config_rule_set *rule_set,
			  const struct config_rule_set *other)
{
	const char *type = review->config->agents[rule_set->agent]
				   .types[rule_set->type]
				   .name;

	if (review_truth(other->scope) == 1)
		review_warn(review, rule_set->at,
			    "rule set '%s' never takes an object: '%s' stands "
			    "before it and takes every '%s'; give '%s' a "
			    "scope, or write it behind",
			    rule_set->name, other->name, type, other->name);
	else if (same_text(rule_set->scope, other->scope))
		review_warn(review, review_node(review, rule_set, "scope"),
			    "rule set '%s' never takes an object: '%s' stands "
			    "before it and has the same scope",
			    rule_set->name, other->name);
}

/* What is only provisioned and never found needs no objects of its own. */
static bool finds(const struct config_rule_set *rule_set)
{
	return rule_set->join_count || rule_set->project != PROJECT_NO ||
	       !rule_set->provisions;
}

static void review_order(struct review *review,
			 const struct config_agent *agent, size_t index)
{
	const struct config_rule_set *rule_set = &agent->rule_sets[index];
	size_t i;

	if (review_truth(rule_set->scope) == 0)
		review_warn(review, review_node(review, rule_set, "scope"),
			    "this scope is never true: rule set '%s' takes no "
			    "object",
			    rule_set->name);
	for (i = 0; i < index && finds(rule_set); i++) {
		if (agent->rule_sets[i].type != rule_set->type)
			continue;
		review_shadow(review, rule_set, &agent->rule_sets[i]);
	}
	if (!rule_set->join_count && rule_set->project == PROJECT_NO &&
	    !rule_set->provisions)
		review_warn(review, rule_set->at,
			    "rule set '%s' neither joins, projects nor "
			    "provisions: its objects stay disconnectors and "
			    "its rules do nothing",
			    rule_set->name);
}

/* --- the steps of one rule set ----------------------------------------- */

static void review_filters(struct review *review,
			   const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < rule_set->filter_count; i++) {
		const struct node *at = read_item(rule_set->filter_at, i);
		int truth = review_truth(rule_set->filters[i]);

		if (truth == 1)
			review_warn(review, at,
				    "this is always true: every object of rule "
				    "set '%s' is filtered",
				    rule_set->name);
		else if (truth == 0)
			review_warn(review, at,
				    "this is never true: it filters nothing");
	}
}

static void review_joins(struct review *review,
			 const struct config_rule_set *rule_set)
{
	static const char *const keys[] = { "ambiguous", "resolve" };
	size_t i;

	for (i = 0; i < rule_set->join_count; i++)
		if (review_truth(rule_set->joins[i].when) == 0)
			review_warn(review, rule_set->joins[i].at,
				    "the condition of this line is never true: "
				    "it joins nothing");
	for (i = 0; i < 2 && !rule_set->join_count; i++)
		review_warn(review, review_node(review, rule_set, keys[i]),
			    "'%s' belongs to 'join', which rule set '%s' does "
			    "not have",
			    keys[i], rule_set->name);
	if (rule_set->project == PROJECT_RULE &&
	    review_truth(rule_set->project_rule) == 0)
		review_warn(review, review_node(review, rule_set, "project"),
			    "this is never true: nothing is projected");
	if (rule_set->provisions && rule_set->provision.when &&
	    review_truth(rule_set->provision.when) == 0)
		review_warn(review,
			    node_get(review_node(review, rule_set, "provision"),
				     "when"),
			    "this is never true: nothing is provisioned");
}

/* Why a rule behind `first` for the same attribute is never asked. */
static const char *decides(const struct config_import_flow *first,
			   const struct config_import_flow *then)
{
	if (same_text(first->source, then->source) &&
	    first->lookup == then->lookup &&
	    first->lookup_type == then->lookup_type &&
	    (!first->when || same_text(first->when, then->when)))
		return "says the same";
	if (review_truth(first->when) != 1 || first->lookup != ATTR_NONE)
		return NULL;
	if (always_value(first->source))
		return "always yields a value";
	if (first->when_null == WHEN_NULL_CONTRIBUTE)
		return "contributes also when it has no value";
	return NULL;
}

static void review_import(struct review *review,
			  const struct config_rule_set *rule_set, size_t index)
{
	const struct config_import_flow *flow = &rule_set->imports[index];
	size_t i = index;

	if (review_truth(flow->when) == 0)
		review_warn(review, flow->at,
			    "the condition of this rule is never true: it "
			    "contributes nothing");
	while (i-- && rule_set->imports[i].mv_attr == flow->mv_attr) {
		const char *why = decides(&rule_set->imports[i], flow);

		if (!why)
			continue;
		review_warn(review, flow->at,
			    "this rule is never asked: the one on line %d, "
			    "before it, %s",
			    rule_set->imports[i].at->line, why);
		return;
	}
}

static void review_rule_set(struct review *review,
			    const struct config_rule_set *rule_set)
{
	size_t i;

	review_filters(review, rule_set);
	review_joins(review, rule_set);
	for (i = 0; i < rule_set->import_count; i++)
		review_import(review, rule_set, i);
	for (i = 0; i < rule_set->export_count; i++)
		if (review_truth(rule_set->exports[i].when) == 0)
			review_warn(review, rule_set->exports[i].at,
				    "the condition of this rule is never true: "
				    "it writes nothing");
}

void config_review(struct config *config)
{
	struct review review = { .config = config,
				 .snapshot = (struct snapshot *)config };
	size_t a;
	size_t i;

	if (config->error_count)
		return;
	for (i = 0; i < config->problem_count; i++)
		vec_push(&review.found, config->problems[i]);
	for (a = 0; a < config->agent_count; a++) {
		const struct config_agent *agent = &config->agents[a];

		for (i = 0; i < agent->rule_set_count; i++) {
			review_order(&review, agent, i);
			review_rule_set(&review, &agent->rule_sets[i]);
		}
	}
	review_flows(&review);
	review_files(&review);
	problems_set(config, &review.snapshot->arena, review.found.at,
		     review.found.len);
	vec_release(&review.found);
}
