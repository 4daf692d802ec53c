/*
 * plan.c - what the configuration means for a synchronization, made once
 *
 * For every metaverse attribute its contributors, best first; for every
 * metaverse type the rule sets that provision or export; for every agent its
 * tree of names and the numbers that the store knows it by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_type(const struct config_rule_set *rs, size_t type)
{
	size_t i;

	for (i = 0; i < rs->mv_type_count; i++)
		if (rs->mv_types[i] == type)
			return true;
	return false;
}

/* Lower is better; unnamed contributors follow, by agent and file order. */
static size_t rank_of(const struct config_mv_attr *attr,
		      const struct config_rule_set *rs)
{
	size_t i;

	for (i = 0; i < attr->rank_count; i++)
		if (attr->ranks[i].agent == rs->agent &&
		    (!attr->ranks[i].rule_set || attr->ranks[i].rule_set == rs))
			return i;
	return attr->rank_count + 1 + rs->agent;
}

static const struct config_mv_attr *sort_attr;

static int order_contributors(const void *a, const void *b)
{
	const struct contributor *x = a;
	const struct contributor *y = b;
	size_t rx = rank_of(sort_attr, x->rule_set);
	size_t ry = rank_of(sort_attr, y->rule_set);

	if (rx != ry)
		return rx < ry ? -1 : 1;
	if (x->rule_set->agent != y->rule_set->agent)
		return x->rule_set->agent < y->rule_set->agent ? -1 : 1;
	return x->rule_set->index < y->rule_set->index ? -1 : 1;
}

/* A value is taken as it is: no condition, nothing to compute or to look up. */
static attr_id direct_source(const struct attr_plan *plan,
			     const struct config_import_flow *flow)
{
	uint32_t id;

	if (flow->when || flow->lookup ||
	    plan->attr->attr.def.type == VALUE_REFERENCE ||
	    !expr_is_attr(flow->source, &id) || id == ATTR_DN)
		return ATTR_NONE;
	return id;
}

static void add_contributor(struct attr_plan *plan,
			    const struct config_rule_set *rs)
{
	struct contributor found = { .rule_set = rs };
	size_t i;

	for (i = 0; i < rs->import_count; i++)
		found.flow_count += rs->imports[i].mv_attr ==
				    plan->attr->attr.id;
	if (!found.flow_count)
		return;
	found.flows = mem_alloc(found.flow_count * sizeof(*found.flows));
	found.flow_count = 0;
	for (i = 0; i < rs->import_count; i++)
		if (rs->imports[i].mv_attr == plan->attr->attr.id)
			found.flows[found.flow_count++] = &rs->imports[i];
	found.direct = direct_source(plan, found.flows[0]);
	plan->contributors =
		mem_realloc(plan->contributors,
			    (plan->contributor_count + 1) * sizeof(found));
	plan->contributors[plan->contributor_count++] = found;
}

static bool is_lookup_target(const struct config *config, size_t type,
			     attr_id attr)
{
	size_t a;
	size_t r;
	size_t i;

	for (a = 0; a < config->agent_count; a++)
		for (r = 0; r < config->agents[a].rule_set_count; r++)
			for (i = 0;
			     i < config->agents[a].rule_sets[r].import_count;
			     i++) {
				const struct config_import_flow *flow =
					&config->agents[a]
						 .rule_sets[r]
						 .imports[i];

				if (flow->lookup == attr &&
				    flow->lookup_type == type)
					return true;
			}
	return false;
}

static void plan_attrs(struct sync *sync, struct mv_plan *plan)
{
	const struct config *config = sync->config;
	const struct attr_map *map = store_attr_map(sync->store);
	size_t i;
	size_t a;
	size_t r;

	plan->attr_count = plan->type->attr_count;
	plan->attrs = mem_zalloc((plan->attr_count + 1) * sizeof(*plan->attrs));
	for (i = 0; i < plan->attr_count; i++) {
		struct attr_plan *attr = &plan->attrs[i];

		attr->attr = &plan->type->attrs[i];
		attr->number = map->to_store[attr->attr->attr.id];
		sync->equals |= attr->attr->precedence == PRECEDENCE_EQUAL;
		attr->lookup_target = is_lookup_target(
			config, plan->type->index, attr->attr->attr.id);
		for (a = 0; a < config->agent_count; a++) {
			const struct config_agent *agent = &config->agents[a];

			for (r = 0; r < agent->rule_set_count; r++)
				if (has_type(&agent->rule_sets[r],
					     plan->type->index))
					add_contributor(attr,
							&agent->rule_sets[r]);
		}
		sort_attr = attr->attr;
		if (attr->contributor_count)
			qsort(attr->contributors, attr->contributor_count,
			      sizeof(*attr->contributors), order_contributors);
	}
}

static void plan_outbound(struct sync *sync, struct mv_plan *plan)
{
	const struct config *config = sync->config;
	size_t most = 0;
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++)
		most += config->agents[a].rule_set_count;
	plan->outbound = mem_alloc((most + 1) * sizeof(*plan->outbound));
	plan->joining = mem_alloc((most + 1) * sizeof(*plan->joining));
	for (a = 0; a < config->agent_count; a++) {
		for (r = 0; r < config->agents[a].rule_set_count; r++) {
			const struct config_rule_set *rs =
				&config->agents[a].rule_sets[r];

			if (!has_type(rs, plan->type->index))
				continue;
			if (rs->provisions || rs->export_count)
				plan->outbound[plan->outbound_count++] = rs;
			if (rs->join_count)
				plan->joining[plan->joining_count++] = rs;
		}
	}
}

static int plan_type(struct sync *sync, struct mv_plan *plan, struct error *err)
{
	const struct attr_map *map = store_attr_map(sync->store);
	struct sv name = sv_from(plan->type->name);
	size_t i;

	plan->number = store_name_find(sync->store, NAME_MV_TYPE, name);
	if (!plan->number && sync->tx)
		plan->number =
			store_name_add(sync->tx, NAME_MV_TYPE, name, err);
	if (!plan->number && sync->tx)
		return -1;
	plan_attrs(sync, plan);
	plan_outbound(sync, plan);
	plan->key_numbers =
		mem_zalloc((plan->type->key_count + 1) * sizeof(uint32_t));
	plan->key_lookups = mem_zalloc(plan->type->key_count + 1);
	for (i = 0; i < plan->type->key_count; i++) {
		attr_id key = plan->type->keys[i].id;

		plan->key_numbers[i] = map->to_store[key];
		plan->key_lookups[i] =
			is_lookup_target(sync->config, plan->type->index, key);
	}
	return 0;
}

static void rule_set_name(const struct sync *sync,
			  const struct config_rule_set *rs, char out[512])
{
	(void)snprintf(out, 512, "%s.%s", sync->config->agents[rs->agent].name,
		       rs->name);
}

/* A rule's text; a function that is not built in may read otherwise now. */
static void add_source(const struct sync *sync, const struct expr *expr,
		       struct strbuf *out)
{
	strbuf_addsv(out, expr_source(expr));
	if (expr_uses_extern(expr))
		strbuf_addf(out, " %llx",
			    (unsigned long long)sync->config->script_hash);
}

/* Keys of disconnectors stay valid while a rule reads the same. */
static void plan_joins(struct sync *sync, struct agent_plan *plan,
		       const struct config_rule_set *rs)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	uint64_t *numbers = mem_zalloc((rs->join_count + 1) * sizeof(*numbers));
	char name[512];
	size_t r;
	size_t c;

	rule_set_name(sync, rs, name);
	for (r = 0; r < rs->join_count; r++) {
		strbuf_reset(&text);
		strbuf_addf(&text, "%s %zu", name, r);
		for (c = 0; c < rs->joins[r].clause_count; c++) {
			strbuf_addf(&text, " %s=",
				    sync->config->attr_names
					    [rs->joins[r].clauses[c].mv_attr]);
			add_source(sync, rs->joins[r].clauses[c].source, &text);
		}
		if (rs->joins[r].when) {
			strbuf_adds(&text, " when ");
			add_source(sync, rs->joins[r].when, &text);
		}
		numbers[r] =
			hash64(store_hash_key(sync->store), strbuf_sv(&text));
		plan->join_fingerprint =
			plan->join_fingerprint * 31 + numbers[r];
		plan->joins = true;
	}
	if (rs->scope) {
		strbuf_reset(&text);
		add_source(sync, rs->scope, &text);
		plan->join_fingerprint =
			plan->join_fingerprint * 31 +
			hash64(store_hash_key(sync->store), strbuf_sv(&text));
	}
	sync->join_numbers[rs->id] = numbers;
	strbuf_release(&text);
}

static int plan_one_agent(struct sync *sync, struct agent_plan *plan,
			  struct error *err)
{
	const struct config_agent *agent = plan->agent;
	struct sv name = sv_from(agent->name);
	size_t i;

	plan->number = store_name_find(sync->store, NAME_AGENT, name);
	if (!plan->number && sync->tx)
		plan->number = store_name_add(sync->tx, NAME_AGENT, name, err);
	if (!plan->number && sync->tx)
		return -1;
	tree_init(&plan->tree, sync->store, plan->number);
	plan->has_dn = (agent->caps & CONNECTOR_CAP_DN) != 0;
	plan->has_tree = (agent->caps & CONNECTOR_CAP_TREE) != 0;
	plan->types = mem_zalloc((agent->type_count + 1) * sizeof(uint32_t));
	for (i = 0; i < agent->type_count; i++) {
		name = sv_from(agent->types[i].name);
		plan->types[i] = store_name_find(sync->store, NAME_TYPE, name);
		if (!plan->types[i] && sync->tx)
			plan->types[i] =
				store_name_add(sync->tx, NAME_TYPE, name, err);
	}
	for (i = 0; i < agent->rule_set_count; i++) {
		plan_joins(sync, plan, &agent->rule_sets[i]);
		if (!plan_rule_set_number(sync, &agent->rule_sets[i]) &&
		    sync->tx)
			return -1;
	}
	if (agent->ops->bases)
		agent->ops->bases(agent->connect, &plan->tree.arena,
				  &plan->bases, &plan->base_count);
	return 0;
}

/* The bases must outlive tree_forget. */
static void keep_bases(struct agent_plan *plan)
{
	struct sv *own = mem_zalloc((plan->base_count + 1) * sizeof(*own));
	size_t i;

	for (i = 0; i < plan->base_count; i++) {
		char *copy = mem_alloc(plan->bases[i].len + 1);

		memcpy(copy, plan->bases[i].ptr, plan->bases[i].len);
		own[i] = sv_make(copy, plan->bases[i].len);
	}
	plan->bases = own;
}

int plan_init(struct sync *sync, struct error *err)
{
	const struct config *config = sync->config;
	size_t rule_sets = 0;
	size_t i;

	sync->agents =
		mem_zalloc((config->agent_count + 1) * sizeof(*sync->agents));
	sync->mv_types = mem_zalloc((config->mv_type_count + 1) *
				    sizeof(*sync->mv_types));
	for (i = 0; i < config->agent_count; i++)
		rule_sets += config->agents[i].rule_set_count;
	sync->rule_set_numbers = mem_zalloc((rule_sets + 2) * sizeof(uint32_t));
	sync->join_numbers = mem_zalloc((rule_sets + 2) * sizeof(uint64_t *));
	sync->rule_set_count = rule_sets;
	sync->places =
		mem_zalloc((config->rule_count + 1) * sizeof(*sync->places));
	for (i = 0; i < config->agent_count; i++) {
		sync->agents[i].agent = &config->agents[i];
		if (plan_one_agent(sync, &sync->agents[i], err) < 0)
			return -1;
		keep_bases(&sync->agents[i]);
	}
	for (i = 0; i < config->mv_type_count; i++) {
		sync->mv_types[i].type = &config->mv_types[i];
		if (plan_type(sync, &sync->mv_types[i], err) < 0)
			return -1;
	}
	return 0;
}

static void release_type(struct mv_plan *plan)
{
	size_t i;
	size_t k;

	for (i = 0; plan->attrs && i < plan->attr_count; i++) {
		for (k = 0; k < plan->attrs[i].contributor_count; k++)
			mem_free(plan->attrs[i].contributors[k].flows);
		mem_free(plan->attrs[i].contributors);
	}
	mem_free(plan->attrs);
	mem_free(plan->outbound);
	mem_free(plan->joining);
	mem_free(plan->key_numbers);
	mem_free(plan->key_lookups);
}

void plan_release(struct sync *sync)
{
	size_t i;
	size_t k;

	for (i = 0; sync->agents && i < sync->config->agent_count; i++) {
		struct agent_plan *plan = &sync->agents[i];

		for (k = 0; plan->bases && k < plan->base_count; k++)
			mem_free((void *)(uintptr_t)plan->bases[k].ptr);
		mem_free(plan->bases);
		mem_free(plan->types);
		if (plan->tree.store)
			tree_release(&plan->tree);
	}
	for (i = 0; sync->mv_types && i < sync->config->mv_type_count; i++)
		release_type(&sync->mv_types[i]);
	mem_free(sync->agents);
	mem_free(sync->mv_types);
	mem_free(sync->rule_set_numbers);
	for (i = 0; sync->join_numbers && i < sync->rule_set_count + 2; i++)
		mem_free(sync->join_numbers[i]);
	mem_free(sync->join_numbers);
	mem_free(sync->places);
	sync->places = NULL;
	sync->agents = NULL;
	sync->mv_types = NULL;
}

struct agent_plan *plan_agent(struct sync *sync, uint32_t number)
{
	size_t i;

	for (i = 0; i < sync->config->agent_count; i++)
		if (number && sync->agents[i].number == number)
			return &sync->agents[i];
	return NULL;
}

struct mv_plan *plan_mv(struct sync *sync, uint32_t number)
{
	size_t i;

	for (i = 0; i < sync->config->mv_type_count; i++)
		if (number && sync->mv_types[i].number == number)
			return &sync->mv_types[i];
	return NULL;
}

uint32_t plan_rule_set_number(struct sync *sync,
			      const struct config_rule_set *rs)
{
	struct error ignored = ERROR_INIT;
	uint32_t number = sync->rule_set_numbers[rs->id];
	char name[512];

	if (number)
		return number;
	rule_set_name(sync, rs, name);
	number = store_name_find(sync->store, NAME_RULE_SET, sv_from(name));
	if (!number && sync->tx)
		number = store_name_add(sync->tx, NAME_RULE_SET, sv_from(name),
					&ignored);
	sync->rule_set_numbers[rs->id] = number;
	return number;
}

/* `was`: links made under the rule set's earlier name are its own. */
static bool had_number(struct sync *sync, const struct config_rule_set *rs,
		       uint32_t number)
{
	char name[512];

	if (!rs->was)
		return false;
	(void)snprintf(name, sizeof(name), "%s.%s",
		       sync->config->agents[rs->agent].name, rs->was);
	return store_name_find(sync->store, NAME_RULE_SET, sv_from(name)) ==
	       number;
}

const struct config_rule_set *plan_rule_set(struct sync *sync, uint32_t number)
{
	const struct config *config = sync->config;
	size_t a;
	size_t r;

	if (!number)
		return NULL;
	for (a = 0; a < config->agent_count; a++)
		for (r = 0; r < config->agents[a].rule_set_count; r++)
			if (sync->rule_set_numbers
				    [config->agents[a].rule_sets[r].id] ==
			    number)
				return &config->agents[a].rule_sets[r];
	for (a = 0; a < config->agent_count; a++)
		for (r = 0; r < config->agents[a].rule_set_count; r++)
			if (had_number(sync, &config->agents[a].rule_sets[r],
				       number))
				return &config->agents[a].rule_sets[r];
	return NULL;
}
