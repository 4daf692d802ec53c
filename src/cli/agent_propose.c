/*
 * agent_propose.c - what identifies objects, what joins them, what flows
 *
 * By names, and by what a sample of the system and the metaverse have in
 * common. A proposal is only that: whoever writes it down reads it first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "base/map.h"
#include "inspect/search.h"
#include "model/secret_attr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TRIED       20  /* values that are looked for in the metaverse */
#define PROVES      30  /* percent of them found that make a join */
#define VALUE_MAX   200 /* bytes of a value worth looking for */
#define SOME_VALUES 3   /* that a join by another name must have */

/* --- types ------------------------------------------------------------- */

static const char *const kinds[][20] = {
	{ "person", "user", "identity", "employee", "people", "account",
	  "inetOrgPerson", "organizationalPerson", "contact", "posixAccount",
	  "residentialPerson", "worker", "staff", NULL },
	{ "group", "team", "groupOfNames", "groupOfUniqueNames", "posixGroup",
	  "role", "organizationalRole", "groupOfURLs", "groupOfMembers",
	  "distributionList", NULL },
	{ "unit", "orgUnit", "organizationalUnit", "department", NULL },
	{ "computer", "device", "machine", NULL },
	{ "location", "site", "locality", "room", NULL },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static size_t kind_of(const char *name)
{
	size_t i;
	size_t k;

	for (i = 0; i < KINDS; i++)
		for (k = 0; kinds[i][k]; k++)
			if (!strcasecmp(name, kinds[i][k]))
				return i;
	return KINDS;
}

const struct config_mv_type *agent_mv_type(const struct config *config,
					   const char *type, bool only)
{
	const struct config_mv_type *same =
		config_mv_type_find(config, sv_from(type));
	size_t kind = kind_of(type);
	size_t i;

	if (same)
		return same;
	for (i = 0; i < config->mv_type_count; i++)
		if (kind < KINDS && kind_of(config->mv_types[i].name) == kind)
			return &config->mv_types[i];
	return only && config->mv_type_count ? &config->mv_types[0] : NULL;
}

/* --- anchor ------------------------------------------------------------ */

static bool all_have(const struct agent_plan *plan, const char *attr)
{
	size_t i;

	for (i = 0; i < plan->type_count; i++)
		if (agent_filled(&plan->types[i].sample, attr) <
		    plan->types[i].sample.count)
			return false;
	return true;
}

const char *agent_propose_anchor(const struct agent_plan *plan,
				 const char *usual)
{
	const struct schema *schema = &plan->schema;
	const char *best = NULL;
	size_t i;

	if (usual && schema_attr_find(schema, sv_from(usual)) &&
	    all_have(plan, usual))
		return usual;
	for (i = 0; i < schema->attr_count; i++) {
		const struct schema_attr *attr = &schema->attrs[i];

		if (attr->identifies && all_have(plan, attr->name) &&
		    (!best ||
		     agent_anchor_rank(attr->name) < agent_anchor_rank(best)))
			best = attr->name;
	}
	return best;
}

/* --- flows ------------------------------------------------------------- */

static const struct attr_def *known_attr(const struct agent_plan *plan,
					 const char *name)
{
	const struct attr_def *def = plan->ops->known_attrs;

	for (; def && def->name; def++)
		if (!strcasecmp(def->name, name))
			return def;
	return NULL;
}

/* As a rule names an attribute; NULL: no rule can. */
static const char *source_of(const char *attr, struct arena *arena)
{
	size_t plain = strspn(attr, "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.;");
	bool letter = (attr[0] >= 'a' && attr[0] <= 'z') ||
		      (attr[0] >= 'A' && attr[0] <= 'Z');

	if (strpbrk(attr, "[]'\"\n\r"))
		return NULL;
	if (letter && !attr[plain] && strcasecmp(attr, "true") != 0 &&
	    strcasecmp(attr, "false") != 0 && strcasecmp(attr, "null") != 0)
		return attr;
	return arena_printf(arena, "'[%s]'", attr);
}

/* Every value of the column is the anchor of another object of the sample,
 * or most are, when the sample is not all. */
static bool refers(const struct agent_plan *plan,
		   const struct schema_sample *sample, const char *attr)
{
	struct namemap *anchors;
	size_t found = 0;
	size_t all = 0;
	size_t i;

	if (!plan->anchor || !strcasecmp(plan->anchor, attr))
		return false;
	anchors = namemap_new(true);
	for (i = 0; i < sample->count; i++) {
		const struct values *values =
			schema_object_values(&sample->objects[i], plan->anchor);

		if (values && values->len)
			namemap_put(anchors, values->at[0].text, 1);
	}
	for (i = 0; i < sample->count; i++) {
		const struct values *values =
			schema_object_values(&sample->objects[i], attr);

		if (!values || !values->len)
			continue;
		all++;
		found += namemap_get(anchors, values->at[0].text, NULL) == 1;
	}
	namemap_free(anchors);
	return all && found * 2 >= all;
}

/* The system says what it refers to, and that is read, too; or NULL. */
static const char *declare_target(const struct agent_plan *plan,
				  const struct schema_attr *attr)
{
	size_t i;

	for (i = 0; attr->refers_to && i < plan->type_count; i++)
		if (!strcasecmp(plan->types[i].name, attr->refers_to))
			return arena_printf(
				&plan->cli->arena,
				"{ type: reference, to: %s%s }",
				agent_scalar(plan->types[i].named
						     ? plan->types[i].name
						     : plan->types[i].rule_set,
					     &plan->cli->arena),
				attr->multi ? ", multi: true" : "");
	return NULL;
}

/* Can it flow, and how? false: not. */
static bool fit(const struct agent_plan *plan, const struct agent_type *type,
		const struct config_mv_attr *mv, struct agent_flow *flow)
{
	const struct attr_def *known = known_attr(plan, flow->attr);
	enum value_type from = known ? known->type : flow->schema->type;
	enum value_type to = mv->attr.def.type;
	struct arena *arena = &plan->cli->arena;

	if (!flow->source)
		return false;
	/* by an anchor: it must be said whose */
	if (to == VALUE_REFERENCE && (from != VALUE_REFERENCE ||
				      !(plan->ops->caps & CONNECTOR_CAP_DN))) {
		if (known)
			return false;
		flow->declare = declare_target(plan, flow->schema);
		if (flow->declare)
			return true;
		if (flow->schema->refers_to ||
		    !refers(plan, &type->sample, flow->attr))
			return false;
		flow->declare = arena_printf(
			arena, "{ type: reference, to: %s }", type->rule_set);
		return true;
	}
	if (from == to)
		return true;
	if (to == VALUE_STRING && from == VALUE_INTEGER) {
		if (known)
			flow->source =
				arena_printf(arena, "'CStr([%s])'", flow->attr);
		return true;
	}
	if (to == VALUE_STRING && from == VALUE_REFERENCE)
		return !known && !(plan->ops->caps & CONNECTOR_CAP_DN);
	/* a date may be a text without harm, a switch, too */
	return to == VALUE_STRING && !known &&
	       (from == VALUE_DATETIME || from == VALUE_BOOLEAN);
}

static bool is_taken(const struct agent_type *type, const char *attr)
{
	size_t i;

	for (i = 0; i < type->flow_count; i++)
		if (type->flows[i].mv && !strcasecmp(type->flows[i].attr, attr))
			return true;
	return false;
}

/* The best attribute of the system for one of the metaverse. */
static void find_flow(const struct agent_plan *plan, struct agent_type *type,
		      const struct agent_flow *all, size_t count,
		      const struct config_mv_attr *mv)
{
	struct agent_flow best = { .mv = NULL };
	unsigned best_rank = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct agent_flow flow = all[i];
		unsigned rank = agent_word_rank(mv->attr.def.name, flow.attr);

		if (!rank || !flow.filled || (best_rank && rank >= best_rank) ||
		    (rank > 1 && is_taken(type, flow.attr)) ||
		    !fit(plan, type, mv, &flow))
			continue;
		flow.mv = mv->attr.def.name;
		best = flow;
		best_rank = rank;
	}
	if (best.mv)
		type->flows[type->flow_count++] = best;
}

/* What the objects of the sample have, in the order in which it is met. */
static size_t attrs_of(const struct agent_plan *plan,
		       const struct agent_type *type, struct agent_flow **out)
{
	struct namemap *taken = namemap_new(true);
	struct agent_flow *all = arena_array(
		&plan->cli->arena, plan->schema.attr_count + 1, sizeof(*all));
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < type->sample.count; i++) {
		const struct schema_object *object = &type->sample.objects[i];

		for (k = 0; k < object->attr_count; k++) {
			const struct schema_attr *attr = schema_attr_find(
				&plan->schema, sv_from(object->attrs[k].attr));

			if (!attr ||
			    namemap_get(taken, sv_from(attr->name), NULL))
				continue;
			namemap_put(taken, sv_from(attr->name), 1);
			all[count++] = (struct agent_flow){
				.attr = attr->name,
				.source = source_of(attr->name,
						    &plan->cli->arena),
				.schema = attr,
				.filled =
					agent_filled(&type->sample, attr->name),
			};
		}
	}
	namemap_free(taken);
	*out = all;
	return count;
}

static const struct agent_flow *flow_to(const struct agent_type *type,
					const char *mv)
{
	size_t i;

	for (i = 0; i < type->flow_count; i++)
		if (!strcasecmp(type->flows[i].mv, mv))
			return &type->flows[i];
	return NULL;
}

/* Files of people seldom have it, and everybody shows it. */
static void add_display_name(const struct agent_plan *plan,
			     struct agent_type *type)
{
	const struct agent_flow *given = flow_to(type, "givenName");
	const struct agent_flow *family = flow_to(type, "sn");
	struct agent_flow flow;
	size_t i;

	if (!given || !family || flow_to(type, "displayName"))
		return;
	for (i = 0; i < type->mv->attr_count; i++) {
		const struct attr_def *def = &type->mv->attrs[i].attr.def;

		if (strcasecmp(def->name, "displayName") != 0 ||
		    def->type != VALUE_STRING)
			continue;
		flow = *given;
		flow.mv = def->name;
		flow.source = arena_printf(&plan->cli->arena,
					   "'[%s] & \" \" & [%s]'", given->attr,
					   family->attr);
		type->flows[type->flow_count++] = flow;
	}
}

/* In the order of the metaverse's attributes. */
static void sort_flows(struct agent_type *type)
{
	size_t done = 0;
	size_t i;
	size_t k;

	for (i = 0; i < type->mv->attr_count; i++) {
		const char *name = type->mv->attrs[i].attr.def.name;

		for (k = done; k < type->flow_count; k++) {
			struct agent_flow flow = type->flows[k];

			if (strcmp(flow.mv, name) != 0)
				continue;
			memmove(&type->flows[done + 1], &type->flows[done],
				(k - done) * sizeof(flow));
			type->flows[done++] = flow;
			break;
		}
	}
}

static void propose_flows(const struct agent_plan *plan,
			  struct agent_type *type)
{
	const struct config_mv_type *mv = type->mv;
	struct agent_flow *all;
	size_t count = attrs_of(plan, type, &all);
	size_t pass;
	size_t i;

	type->flows = arena_array(&plan->cli->arena, count + mv->attr_count + 1,
				  sizeof(*type->flows));
	/* the same names first: nothing else takes their attributes */
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < mv->attr_count; i++) {
			const char *name = mv->attrs[i].attr.def.name;
			bool same = false;
			size_t k;

			for (k = 0; k < count; k++)
				same |= !strcasecmp(name, all[k].attr);
			if (same == (pass == 0))
				find_flow(plan, type, all, count,
					  &mv->attrs[i]);
		}
	add_display_name(plan, type);
	sort_flows(type);
	for (i = 0; i < count; i++)
		if (!is_taken(type, all[i].attr))
			type->flows[type->flow_count++] = all[i];
}

/* --- joins ------------------------------------------------------------- */

static int on_found(void *data, const struct display_mv *object)
{
	bool *found = data;

	(void)object;
	*found = true;
	return 1;
}

/* The store may never have heard of a name that is new in the files. */
static int look_for(const struct agent_plan *plan,
		    const struct search_query *query, bool *found,
		    struct error *err)
{
	*found = false;
	if (search_mv(&plan->session->display, query, on_found, found, err) ==
		    0 ||
	    err->code == ERR_INVALID)
		return 0;
	return -1;
}

static int is_in_metaverse(const struct agent_plan *plan,
			   const struct agent_type *type, const char *attr,
			   struct sv value, bool *found, struct error *err)
{
	const struct search_clause clause = { sv_from(attr), SEARCH_EQUAL,
					      value };
	const struct search_query query = { .type = type->mv->name,
					    .clauses = &clause,
					    .clause_count = 1 };

	return look_for(plan, &query, found, err);
}

/* How many of the sample's values the metaverse has. */
static int measure(const struct agent_plan *plan, const struct agent_type *type,
		   struct agent_join *join, struct error *err)
{
	size_t i;

	for (i = 0; i < type->sample.count && join->tried < TRIED; i++) {
		const struct values *values = schema_object_values(
			&type->sample.objects[i], join->attr);
		bool found;

		if (!values || values->len != 1 ||
		    values->at[0].type != VALUE_STRING ||
		    values->at[0].text.len > VALUE_MAX)
			continue;
		if (is_in_metaverse(plan, type, join->mv, values->at[0].text,
				    &found, err) < 0)
			return -1;
		join->tried++;
		join->found += found;
	}
	return 0;
}

static bool proves(const struct agent_join *join)
{
	return join->tried && join->found * 100 >= join->tried * PROVES;
}

/* Values that tell objects apart: no two of the sample have the same. */
static bool tells_apart(const struct schema_sample *sample, const char *attr)
{
	struct namemap *seen = namemap_new(true);
	size_t count = 0;
	bool apart = true;
	size_t i;

	for (i = 0; i < sample->count && apart; i++) {
		const struct values *values =
			schema_object_values(&sample->objects[i], attr);

		if (!values || !values->len)
			continue;
		count++;
		apart = values->len == 1 &&
			namemap_get(seen, values->at[0].text, NULL) == 0;
		namemap_put(seen, values->at[0].text, 1);
	}
	namemap_free(seen);
	return apart && count >= SOME_VALUES;
}

static int try_join(const struct agent_plan *plan, struct agent_type *type,
		    const struct agent_flow *flow, const char *mv, bool named,
		    struct error *err)
{
	struct agent_join join = { .mv = mv,
				   .attr = flow->attr,
				   .source = flow->source };

	if (type->measured && measure(plan, type, &join, err) < 0)
		return -1;
	join.proposed = join.tried ? proves(&join) : named;
	if (named || join.proposed)
		type->joins[type->join_count++] = join;
	return 0;
}

/* Attributes of other names, where values are alike. */
static int try_others(const struct agent_plan *plan, struct agent_type *type,
		      const struct config_mv_attr *mv, struct error *err)
{
	size_t i;

	for (i = 0; i < type->flow_count; i++) {
		const struct agent_flow *flow = &type->flows[i];

		if ((flow->mv && !strcmp(flow->mv, mv->attr.def.name)) ||
		    !flow->source || flow->schema->type != VALUE_STRING ||
		    attr_is_secret(flow->attr) ||
		    !tells_apart(&type->sample, flow->attr))
			continue;
		if (try_join(plan, type, flow, mv->attr.def.name, false, err) <
		    0)
			return -1;
	}
	return 0;
}

static int by_worth(const void *a, const void *b)
{
	const struct agent_join *left = a;
	const struct agent_join *right = b;

	if (left->proposed != right->proposed)
		return left->proposed ? -1 : 1;
	if (left->found * (right->tried + 1) !=
	    right->found * (left->tried + 1))
		return left->found * (right->tried + 1) >
				       right->found * (left->tried + 1)
			       ? -1
			       : 1;
	return (int)agent_join_rank(left->mv) - (int)agent_join_rank(right->mv);
}

static bool joinable(const struct config_mv_attr *mv)
{
	return mv->attr.index && (mv->attr.def.type == VALUE_STRING ||
				  mv->attr.def.type == VALUE_INTEGER);
}

static int propose_joins(const struct agent_plan *plan, struct agent_type *type,
			 struct error *err)
{
	const struct config_mv_type *mv = type->mv;
	const struct search_query any = { .type = mv->name };
	size_t i;
	size_t k;

	type->joins = arena_array(&plan->cli->arena,
				  mv->attr_count * (type->flow_count + 1) + 1,
				  sizeof(*type->joins));
	if (plan->session->store &&
	    look_for(plan, &any, &type->measured, err) < 0)
		return -1;
	for (i = 0; i < mv->attr_count; i++) {
		if (!joinable(&mv->attrs[i]))
			continue;
		for (k = 0; k < type->flow_count; k++) {
			const struct agent_flow *flow = &type->flows[k];

			if (flow->mv &&
			    !strcmp(flow->mv, mv->attrs[i].attr.def.name) &&
			    try_join(plan, type, flow, flow->mv, true, err) < 0)
				return -1;
		}
		if (type->measured &&
		    mv->attrs[i].attr.def.type == VALUE_STRING &&
		    try_others(plan, type, &mv->attrs[i], err) < 0)
			return -1;
	}
	if (type->join_count)
		qsort(type->joins, type->join_count, sizeof(*type->joins),
		      by_worth);
	return 0;
}

/* Somebody must make the objects; one agent is enough. */
static bool is_projected(const struct config *config,
			 const struct config_mv_type *type)
{
	size_t i;
	size_t k;
	size_t n;

	for (i = 0; i < config->agent_count; i++)
		for (k = 0; k < config->agents[i].rule_set_count; k++) {
			const struct config_rule_set *set =
				&config->agents[i].rule_sets[k];

			for (n = 0; n < set->mv_type_count; n++)
				if (set->project != PROJECT_NO &&
				    &config->mv_types[set->mv_types[n]] == type)
					return true;
		}
	return false;
}

int agent_propose(const struct agent_plan *plan, struct agent_type *type,
		  struct error *err)
{
	propose_flows(plan, type);
	type->project = !is_projected(plan->config, type->mv);
	return propose_joins(plan, type, err);
}
