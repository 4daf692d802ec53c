/*
 * set_rules.c - which reference sets may be followed by value
 *
 * By the rules alone: what reads a set has to see all of it; a set flows by
 * value when it flows as it is, from one connector, and nothing reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sets_private.h"

struct readers {
	attr_id attr;
	bool found;
	bool required;
};

static void note_read(void *data, enum expr_view view, uint32_t id)
{
	struct readers *readers = data;

	(void)view;
	readers->found |= id == readers->attr;
}

static void ask(struct readers *readers, const struct expr *expr)
{
	if (!expr)
		return;
	readers->found |= expr_reads_all(expr);
	expr_reads(expr, note_read, readers);
}

static void ask_lua(struct readers *readers, const struct config_lua *lua)
{
	size_t i;

	if (!lua->fn)
		return;
	readers->found |= !lua->fields || !lua->fields->named || lua->others;
	for (i = 0; !readers->found && i < lua->fields->count; i++)
		readers->found = lua->fields->at[i].id == readers->attr;
}

static bool set_is_direct(const struct expr *source, const struct expr *when)
{
	uint32_t id;

	return !when && expr_is_attr(source, &id) && id != ATTR_DN;
}

static void ask_inbound(struct readers *readers,
			const struct config_rule_set *rs)
{
	size_t i;
	size_t k;

	ask(readers, rs->scope);
	ask(readers, rs->resolve);
	ask_lua(readers, &rs->resolve_lua);
	ask(readers, rs->project_rule);
	for (i = 0; i < rs->filter_count; i++)
		ask(readers, rs->filters[i]);
	for (i = 0; i < rs->join_count; i++) {
		ask(readers, rs->joins[i].when);
		for (k = 0; k < rs->joins[i].clause_count; k++) {
			ask(readers, rs->joins[i].clauses[k].source);
			readers->found |= rs->joins[i].clauses[k].mv_attr ==
					  readers->attr;
		}
	}
	for (i = 0; i < rs->import_count; i++) {
		const struct config_import_flow *rule = &rs->imports[i];

		ask(readers, rule->when);
		if (rule->lookup || !set_is_direct(rule->source, rule->when))
			ask(readers, rule->source);
		readers->found |= rule->lookup == readers->attr;
	}
}

static void ask_provision(struct readers *readers,
			  const struct config_provision *how)
{
	size_t i;
	size_t k;

	ask(readers, how->when);
	ask(readers, how->dn);
	for (i = 0; i < how->require_count; i++)
		readers->required |= how->require[i] == readers->attr;
	for (i = 0; i < how->unique_count; i++)
		for (k = 0; k < how->unique[i].count; k++)
			ask(readers, how->unique[i].candidates[k]);
	for (i = 0; i < how->initial_count; i++)
		ask(readers, how->initial[i].source);
}

static void ask_outbound(struct readers *readers,
			 const struct config_rule_set *rs)
{
	size_t i;

	ask_provision(readers, &rs->provision);
	ask(readers, rs->deprovision_rule);
	for (i = 0; i < rs->export_count; i++) {
		ask(readers, rs->exports[i].when);
		if (!set_is_direct(rs->exports[i].source, rs->exports[i].when))
			ask(readers, rs->exports[i].source);
	}
	for (i = 0; i < rs->meanwhile_count; i++) {
		ask(readers, rs->meanwhile[i].when);
		ask(readers, rs->meanwhile[i].source);
	}
}

#define KNOWN    1
#define READ     2
#define REQUIRED 4

/* What the rules do with an attribute, worked out once. */
static uint64_t uses_of(struct sync *sync, attr_id attr)
{
	const struct config *config = sync->config;
	struct readers readers = { attr, false, false };
	uint64_t uses = KNOWN;
	size_t a;
	size_t i;

	if (idmap_get(&sync->read_sets, attr, &uses))
		return uses;
	for (a = 0; a < config->agent_count; a++) {
		for (i = 0; i < config->agents[a].rule_set_count; i++) {
			ask_inbound(&readers, &config->agents[a].rule_sets[i]);
			ask_outbound(&readers, &config->agents[a].rule_sets[i]);
		}
	}
	for (a = 0; a < config->mv_type_count; a++) {
		ask(&readers, config->mv_types[a].delete_rule);
		ask_lua(&readers, &config->mv_types[a].delete_lua);
		for (i = 0; i < config->mv_types[a].key_count; i++)
			ask(&readers, config->mv_types[a].keys[i].expr);
	}
	uses |= (readers.found ? READ : 0) | (readers.required ? REQUIRED : 0);
	idmap_put(&sync->read_sets, attr, uses);
	return uses;
}

bool set_is_read(struct sync *sync, attr_id attr)
{
	return (uses_of(sync, attr) & READ) != 0;
}

bool set_is_required(struct sync *sync, attr_id attr)
{
	return (uses_of(sync, attr) & REQUIRED) != 0;
}

/* The set of the metaverse type when one rule of this rule set gives it, and
 * nothing else does. */
static const struct attr_plan *of_one_rule(const struct mv_plan *plan,
					   const struct config_rule_set *rs,
					   attr_id to)
{
	size_t i;

	for (i = 0; i < plan->attr_count; i++) {
		const struct attr_plan *attr = &plan->attrs[i];
		const struct attr_def *def = &attr->attr->attr.def;

		if (attr->attr->attr.id != to)
			continue;
		if (def->type != VALUE_REFERENCE || !def->multi ||
		    attr->attr->attr.index || attr->attr->merge ||
		    attr->attr->choose || attr->lookup_target ||
		    attr->contributor_count != 1 ||
		    attr->contributors[0].rule_set != rs ||
		    attr->contributors[0].flow_count != 1)
			return NULL;
		return attr->contributors[0].flows[0]->merge ? NULL : attr;
	}
	return NULL;
}

const struct attr_plan *set_fed_by(const struct mv_plan *plan,
				   const struct config_rule_set *rs,
				   attr_id from, attr_id to)
{
	const struct attr_plan *attr = of_one_rule(plan, rs, to);
	const struct config_import_flow *rule;
	uint32_t id;

	if (!attr)
		return NULL;
	rule = attr->contributors[0].flows[0];
	return !rule->lookup && set_is_direct(rule->source, rule->when) &&
			       expr_is_attr(rule->source, &id) && id == from
		       ? attr
		       : NULL;
}

const struct attr_plan *set_found_by(const struct mv_plan *plan,
				     const struct config_rule_set *rs,
				     const struct config_import_flow *rule)
{
	const struct attr_plan *attr = of_one_rule(plan, rs, rule->mv_attr);

	return attr && attr->contributors[0].flows[0] == rule && rule->lookup &&
			       !rule->when && !expr_uses_now(rule->source) &&
			       !expr_unstable(rule->source)
		       ? attr
		       : NULL;
}

bool set_flows_from(const struct config_rule_set *rs, attr_id from)
{
	uint32_t id;
	size_t i;

	for (i = 0; i < rs->import_count; i++)
		if (expr_is_attr(rs->imports[i].source, &id) && id == from)
			return true;
	return false;
}

/* The rule that writes an attribute: NULL none, or with others. */
const struct config_export_flow *set_rule_for(const struct config_rule_set *rs,
					      attr_id attr, size_t *count_out)
{
	const struct config_export_flow *found = NULL;
	size_t i;

	*count_out = 0;
	for (i = 0; i < rs->export_count; i++) {
		if (rs->exports[i].attr != attr)
			continue;
		found = &rs->exports[i];
		++*count_out;
	}
	return found;
}

/* It writes the set as it is, whatever it was. */
bool set_is_plain(struct sync *sync, const struct config_rule_set *rs,
		  const struct config_export_flow *rule)
{
	const struct attr_def *def = &sync->config->agents[rs->agent]
					      .types[rs->type]
					      .attrs[rule->type_attr];
	size_t count;

	(void)set_rule_for(rs, rule->attr, &count);
	return count == 1 && set_is_direct(rule->source, rule->when) &&
	       rule->merge == MERGE_NO && rule->when_null == FLOW_NULL_REMOVE &&
	       def->type == VALUE_REFERENCE && def->multi &&
	       !set_flows_from(rs, rule->attr) &&
	       !set_is_read(sync, rule->attr);
}

static bool has_sets(const struct config_agent *agent)
{
	size_t t;
	size_t i;

	for (t = 0; t < agent->type_count; t++)
		for (i = 0; i < agent->types[t].attr_count; i++)
			if (agent->types[t].attrs[i].multi &&
			    agent->types[t].attrs[i].type == VALUE_REFERENCE)
				return true;
	return false;
}

bool sets_any(const struct sync *sync)
{
	return !sync->options->full && !sync->trace && has_sets(sync->agent);
}

bool sets_anywhere(const struct sync *sync)
{
	size_t a;

	if (sync->options->full || sync->trace)
		return false;
	for (a = 0; a < sync->config->agent_count; a++)
		if (has_sets(&sync->config->agents[a]))
			return true;
	return false;
}
