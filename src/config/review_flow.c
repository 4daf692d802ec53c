/*
 * review_flow.c - where metaverse attributes come from and where they go
 *
 * Called by config_review(). Finds attributes that rules read and nothing flows
 * to, ranks of agents that contribute nothing, and values that come back: an
 * attribute written to a system and read from there again, above the one that
 * it came from, or changed on the way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/review.h"

/* --- contributors ------------------------------------------------------ */

static bool of_type(const struct config_rule_set *rule_set, size_t type)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == type)
			return true;
	return false;
}

/* The next rule set of the folder behind `last` (NULL: the first), or NULL. */
static const struct config_rule_set *next(const struct config *config,
					  const struct config_rule_set *last)
{
	size_t agent = last ? last->agent : 0;
	size_t index = last ? last->index + 1 : 0;

	for (; agent < config->agent_count; agent++, index = 0)
		if (index < config->agents[agent].rule_set_count)
			return &config->agents[agent].rule_sets[index];
	return NULL;
}

static const struct config_import_flow *
import_to(const struct config_rule_set *rule_set, attr_id attr)
{
	size_t i;

	for (i = 0; i < rule_set->import_count; i++)
		if (rule_set->imports[i].mv_attr == attr)
			return &rule_set->imports[i];
	return NULL;
}

/* Does anything flow to this attribute of the type? */
static bool is_fed(const struct review *review, size_t type, attr_id attr)
{
	const struct config_rule_set *r = NULL;

	while ((r = next(review->config, r)))
		if (of_type(r, type) && import_to(r, attr))
			return true;
	return false;
}

static const struct config_key *key_of(const struct config_mv_type *type,
				       attr_id attr)
{
	size_t i;

	for (i = 0; i < type->key_count; i++)
		if (type->keys[i].id == attr)
			return &type->keys[i];
	return NULL;
}

struct fed_reader {
	struct review_reader reader;
	const struct review *review;
	const size_t *types;
	size_t type_count;
	attr_id starved; /* the first that nothing flows to */
	bool any;        /* something flows to one of them */
};

static bool fed_in_any(const struct review *review, const size_t *types,
		       size_t count, attr_id attr)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (is_fed(review, types[i], attr))
			return true;
	return false;
}

static void note_fed(struct review_reader *reader, attr_id attr)
{
	struct fed_reader *fed = (struct fed_reader *)reader;

	if (fed_in_any(fed->review, fed->types, fed->type_count, attr))
		fed->any = true;
	else if (fed->starved == ATTR_NONE)
		fed->starved = attr;
}

static struct fed_reader fed_reads(const struct review *review,
				   const size_t *types, size_t count,
				   const struct expr *expr)
{
	struct fed_reader fed = { .reader = { note_fed },
				  .review = review,
				  .types = types,
				  .type_count = count };

	review_reads(expr, &fed.reader);
	return fed;
}

/* An attribute or key that can have values in one of these types. */
static bool searchable(const struct review *review, const size_t *types,
		       size_t count, attr_id attr)
{
	size_t i;

	if (fed_in_any(review, types, count, attr))
		return true;
	for (i = 0; i < count; i++) {
		const struct config_key *key =
			key_of(&review->config->mv_types[types[i]], attr);

		if (key &&
		    (fed_reads(review, &types[i], 1, key->expr).any ||
		     fed_reads(review, &types[i], 1, key->expr).starved ==
			     ATTR_NONE))
			return true;
	}
	return false;
}

/* --- what is read and never there -------------------------------------- */

static const char *attr_name(const struct review *review, attr_id attr)
{
	return review->config->attr_names[attr];
}

/* A rule of the outbound side. */
static void review_outbound(struct review *review,
			    const struct config_rule_set *rule_set,
			    const struct expr *expr, const struct node *at)
{
	struct fed_reader fed = fed_reads(review, rule_set->mv_types,
					  rule_set->mv_type_count, expr);

	if (fed.starved != ATTR_NONE)
		review_warn(review, at,
			    "nothing flows to '%s' of the metaverse, so this "
			    "rule never sees a value of it: add an import "
			    "rule for it, or take it out here",
			    attr_name(review, fed.starved));
}

static void review_provision(struct review *review,
			     const struct config_rule_set *rule_set)
{
	const struct config_provision *provision = &rule_set->provision;
	const struct node *node = review_node(review, rule_set, "provision");
	const struct node *require = node_get(node, "require");
	size_t i;

	if (!rule_set->provisions)
		return;
	review_outbound(review, rule_set, provision->when,
			node_get(node, "when"));
	review_outbound(review, rule_set, provision->dn, node_get(node, "dn"));
	for (i = 0; i < provision->require_count; i++)
		if (!fed_in_any(review, rule_set->mv_types,
				rule_set->mv_type_count, provision->require[i]))
			review_warn(review, require,
				    "nothing flows to '%s' of the metaverse, "
				    "so nothing is ever provisioned",
				    attr_name(review, provision->require[i]));
}

static void review_searches(struct review *review,
			    const struct config_rule_set *rule_set)
{
	size_t i;
	size_t j;

	for (i = 0; i < rule_set->join_count; i++)
		for (j = 0; j < rule_set->joins[i].clause_count; j++) {
			attr_id attr = rule_set->joins[i].clauses[j].mv_attr;

			if (!searchable(review, rule_set->mv_types,
					rule_set->mv_type_count, attr))
				review_warn(review, rule_set->joins[i].at,
					    "nothing flows to '%s' of the "
					    "metaverse, so this line never "
					    "joins",
					    attr_name(review, attr));
		}
	for (i = 0; i < rule_set->import_count; i++) {
		const struct config_import_flow *flow = &rule_set->imports[i];

		if (flow->lookup != ATTR_NONE &&
		    !searchable(review, &flow->lookup_type, 1, flow->lookup))
			review_warn(review, flow->at,
				    "nothing flows to '%s' of type '%s', so "
				    "this look-up never finds anything",
				    attr_name(review, flow->lookup),
				    review->config->mv_types[flow->lookup_type]
					    .name);
	}
}

static bool is_projected(const struct review *review, size_t type)
{
	const struct config_rule_set *r = NULL;

	while ((r = next(review->config, r))) {
		/* a rule that is no condition names the type */
		bool names = r->project == PROJECT_RULE && r->project_rule &&
			     expr_type(r->project_rule) != VALUE_BOOLEAN;

		if (r->project != PROJECT_NO &&
		    (r->project_type == type || (names && of_type(r, type))))
			return true;
	}
	return false;
}

/* All types of the rule set are such that nobody makes objects of them. */
static bool is_barren(const struct review *review,
		      const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (is_projected(review, rule_set->mv_types[i]))
			return false;
	return true;
}

/* A type that a rule set is about and nobody makes objects of. */
static void review_types(struct review *review)
{
	size_t type;

	for (type = 0; type < review->config->mv_type_count; type++) {
		const struct config_rule_set *r = NULL;

		while ((r = next(review->config, r)) &&
		       (!of_type(r, type) || !is_barren(review, r)))
			;
		if (r)
			review_warn(review, r->at,
				    "no rule set projects '%s', so the "
				    "metaverse never has one: write "
				    "project: true where they come from",
				    review->config->mv_types[type].name);
	}
}

/* --- precedence and deletion ------------------------------------------- */

static bool rank_fits(const struct config_rank *rank,
		      const struct config_rule_set *rule_set)
{
	return rank->agent == rule_set->agent &&
	       (!rank->rule_set || rank->rule_set == rule_set);
}

/* The rule sets under a rank: does one feed the attribute (or, without one,
 * have objects of the type)? */
static bool rank_counts(const struct review *review, size_t type, attr_id attr,
			const struct config_rank *rank)
{
	const struct config_rule_set *r = NULL;

	while ((r = next(review->config, r)))
		if (rank_fits(rank, r) && of_type(r, type) &&
		    (attr == ATTR_NONE || import_to(r, attr)))
			return true;
	return false;
}

static void review_ranks(struct review *review,
			 const struct config_mv_type *type, attr_id attr,
			 const struct config_rank *ranks, size_t count,
			 const struct node *list)
{
	size_t i;

	for (i = 0; i < count && i < read_len(list); i++) {
		const struct node *at = read_item(list, i);

		if (rank_counts(review, type->index, attr, &ranks[i]))
			continue;
		if (attr == ATTR_NONE)
			review_warn(review, at,
				    "'" SV_FMT "' has no objects of type '%s', "
				    "so it never decides here",
				    SV_ARG(at->text), type->name);
		else
			review_warn(review, at,
				    "'" SV_FMT "' contributes nothing to '%s': "
				    "add an import rule there, or take it out",
				    SV_ARG(at->text), attr_name(review, attr));
	}
}

static void review_mv_type(struct review *review,
			   const struct config_mv_type *type)
{
	const struct node *node = node_get(
		node_get(review->snapshot->root, "metaverse"), type->name);
	const struct node *precedence = node_get(node, "precedence");
	const struct node *when = node_get(node_get(node, "delete"), "when");
	size_t i;

	for (i = 0; precedence && i < precedence->len; i++) {
		attr_id id = config_attr_id(review->config,
					    precedence->keys[i]->text);
		const struct config_mv_attr *attr =
			config_mv_attr_find(type, id);

		if (attr)
			review_ranks(review, type, id, attr->ranks,
				     attr->rank_count, precedence->items[i]);
	}
	if (when && when->kind == NODE_MAP)
		when = node_get(when, "any");
	review_ranks(review, type, ATTR_NONE, type->delete_of,
		     type->delete_of_count, when);
}

/* --- values that come back --------------------------------------------- */

/* One way round: metaverse attribute -> attribute of an agent -> metaverse. */
struct trip {
	const struct config_rule_set *rule_set;
	const struct config_export_flow *out;
	const struct config_import_flow *in;
	attr_id from;
	size_t type;
};

struct seek_reader {
	struct review_reader reader;
	attr_id wanted;
	bool found;
};

static void note_sought(struct review_reader *reader, attr_id attr)
{
	struct seek_reader *seek = (struct seek_reader *)reader;

	seek->found |= attr == seek->wanted;
}

static bool reads(const struct expr *expr, attr_id attr)
{
	struct seek_reader seek = { .reader = { note_sought }, .wanted = attr };

	review_reads(expr, &seek.reader);
	return seek.found;
}

/* As it is, or with no more done to it than can be done again without effect:
 * Trim, LCase ... */
static bool is_stable(const struct expr *expr)
{
	static const char *const names[] = {
		"Trim(",  "LTrim(",     "RTrim(",     "LCase(",     "UCase(",
		"PCase(", "LowerCase(", "UpperCase(", "ProperCase("
	};
	struct sv text = sv_trim(expr_source(expr));
	size_t i;

	if (expr_is_attr(expr, NULL))
		return true;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = strlen(names[i]);

		if (!sv_starts(text, sv_from(names[i])))
			continue;
		text = sv_trim(sv_sub(text, len, text.len - 1));
		return text.len > 2 && text.ptr[0] == '[' &&
		       sv_find(text, ']', 0) == text.len - 1;
	}
	return false;
}

/* Where a contributor stands for an attribute: small is best. */
static size_t rank_of(const struct config_mv_attr *attr,
		      const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < attr->rank_count; i++)
		if (rank_fits(&attr->ranks[i], rule_set))
			return i;
	return attr->rank_count + rule_set->agent;
}

/* A contributor of another agent that stands above (below) this one. */
static const struct config_rule_set *rival(const struct review *review,
					   const struct trip *trip, attr_id id,
					   bool above)
{
	const struct config_mv_attr *attr =
		config_mv_attr_find(&review->config->mv_types[trip->type], id);
	size_t own = rank_of(attr, trip->rule_set);
	const struct config_rule_set *r = NULL;

	while ((r = next(review->config, r))) {
		size_t other = rank_of(attr, r);

		if (r->agent == trip->rule_set->agent ||
		    !of_type(r, trip->type) || !import_to(r, id))
			continue;
		if (above ? other < own : other > own)
			return r;
	}
	return NULL;
}

static bool is_unranked(const struct review *review, const struct trip *trip,
			attr_id id)
{
	return config_mv_attr_find(&review->config->mv_types[trip->type], id)
		       ->precedence != PRECEDENCE_RANKED;
}

/* The attribute that a trip begins with is where it ends. */
static void review_return(struct review *review, const struct trip *trip)
{
	const char *name = attr_name(review, trip->in->mv_attr);
	const char *column = attr_name(review, trip->out->attr);
	bool unranked = is_unranked(review, trip, trip->in->mv_attr);
	const struct config_rule_set *below =
		unranked ? NULL : rival(review, trip, trip->in->mv_attr, false);

	if (!unranked && rival(review, trip, trip->in->mv_attr, true))
		return;
	if (!is_stable(trip->in->source) || !is_stable(trip->out->source))
		review_warn(review, trip->in->at,
			    "'%s' feeds itself: it is written to [%s] (line "
			    "%d), read from there again and not the same any "
			    "more, so it may change in every cycle; give one "
			    "of the two rules a 'when', or let another agent "
			    "rank above",
			    name, column, trip->out->at->line);
	else if (below && expr_is_attr(trip->out->source, NULL))
		review_warn(review, trip->in->at,
			    "'%s' is read here above '%s', so what '%s' gives "
			    "is never written to [%s] (line %d); rank '%s' "
			    "above in 'precedence', or give new objects a "
			    "value with 'initial'",
			    name, review->config->agents[below->agent].name,
			    review->config->agents[below->agent].name, column,
			    trip->out->at->line,
			    review->config->agents[below->agent].name);
	else if (below)
		review_warn(review, trip->in->at,
			    "'%s' is written to [%s] (line %d) and read from "
			    "there again, above '%s': once it is written, a "
			    "change there no longer arrives; rank '%s' above "
			    "in 'precedence'",
			    name, column, trip->out->at->line,
			    review->config->agents[below->agent].name,
			    review->config->agents[below->agent].name);
}

struct circle;

static void step_on(struct review *review, const struct trip *trip,
		    struct circle *circle);

/* Every way of `from` through a rule set. */
static void trips_through(struct review *review, struct trip *trip,
			  struct circle *circle)
{
	const struct config_rule_set *r = trip->rule_set;
	size_t i;
	size_t j;

	for (i = 0; i < r->export_count; i++) {
		trip->out = &r->exports[i];
		if (trip->out->when || trip->out->merge != MERGE_NO ||
		    !reads(trip->out->source, trip->from))
			continue;
		for (j = 0; j < r->import_count; j++) {
			trip->in = &r->imports[j];
			if (trip->in->when || trip->in->merge ||
			    trip->in->lookup != ATTR_NONE ||
			    !config_mv_attr_find(
				    &review->config->mv_types[trip->type],
				    trip->in->mv_attr) ||
			    !reads(trip->in->source, trip->out->attr))
				continue;
			step_on(review, trip, circle);
		}
	}
}

static void trips_from(struct review *review, size_t type, attr_id from,
		       struct circle *circle)
{
	const struct config_rule_set *r = NULL;

	while ((r = next(review->config, r))) {
		struct trip trip = { .rule_set = r,
				     .from = from,
				     .type = type };

		if (of_type(r, type))
			trips_through(review, &trip, circle);
	}
}

/* Circles over several attributes: each is reported from its smallest one. What
 * a search may cost is limited, since ways can be many. */
#define CIRCLE_MAX 16
#define STEPS_MAX  20000

struct circle {
	const struct trip *way[CIRCLE_MAX];
	size_t len;
	attr_id start;
	size_t steps;
};

static void report_circle(struct review *review, const struct circle *circle,
			  const struct trip *last)
{
	const struct trip *first = circle->len ? circle->way[0] : last;

	review_warn(review, last->in->at,
		    "values go round: '%s' is written to [%s] (%s:%d), comes "
		    "back as '%s', and so on to '%s' again; take one of these "
		    "rules out, or give it a 'when'",
		    attr_name(review, circle->start),
		    attr_name(review, first->out->attr), first->out->at->file,
		    first->out->at->line, attr_name(review, first->in->mv_attr),
		    attr_name(review, circle->start));
}

/* `circle` knows the way to trip->from. */
static void step_on(struct review *review, const struct trip *trip,
		    struct circle *circle)
{
	attr_id to = trip->in->mv_attr;
	size_t i;

	if (to == trip->from) {
		if (!circle->len)
			review_return(review, trip);
		return;
	}
	if (to < circle->start || circle->len == CIRCLE_MAX ||
	    circle->steps++ == STEPS_MAX ||
	    (!is_unranked(review, trip, to) && rival(review, trip, to, true)))
		return;
	if (to == circle->start) {
		report_circle(review, circle, trip);
		return;
	}
	for (i = 0; i < circle->len; i++)
		if (circle->way[i]->in->mv_attr == to)
			return;
	circle->way[circle->len++] = trip;
	trips_from(review, trip->type, to, circle);
	circle->len--;
}

static void review_circles(struct review *review,
			   const struct config_mv_type *type)
{
	size_t i;

	for (i = 0; i < type->attr_count; i++) {
		struct circle circle = { .start = type->attrs[i].attr.id };

		trips_from(review, type->index, circle.start, &circle);
	}
}

void review_flows(struct review *review)
{
	const struct config_rule_set *r = NULL;
	size_t i;
	size_t j;

	review_types(review);
	while ((r = next(review->config, r))) {
		review_searches(review, r);
		review_provision(review, r);
		for (j = 0; j < r->export_count; j++)
			review_outbound(review, r, r->exports[j].source,
					r->exports[j].at);
	}
	for (i = 0; i < review->config->mv_type_count; i++) {
		review_mv_type(review, &review->config->mv_types[i]);
		review_circles(review, &review->config->mv_types[i]);
	}
}
