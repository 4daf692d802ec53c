/*
 * parts.c - what the rules say, part by part, as texts that can be compared
 *
 * Each part concerns objects that its name tells: "KIND AGENT NUMBER TYPE NAME"
 * with the store's numbers, which a new name of an agent or rule set does not
 * change. Its text holds all that decides what the part does: expressions with
 * the values of their parameters, options, what other definitions they use. See
 * changes.c for what follows from a difference.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct making {
	struct sync *sync;
	struct parts *parts;
	struct strbuf text;
};

/* ---- texts ---- */

static const char *attr_name(const struct making *m, attr_id attr)
{
	return attr ? m->sync->config->attr_names[attr] : "-";
}

/* What functions of rules/ do: all their text, since they call one another. */
static void add_scripts(struct making *m)
{
	strbuf_addf(&m->text, "scripts %llx",
		    (unsigned long long)m->sync->config->script_hash);
}

/* A function that is given more than one object. */
static void add_function(struct making *m, const char *what,
			 const struct expr_extern *fn)
{
	if (!fn)
		return;
	strbuf_addf(&m->text, " %s %s ", what, fn->name);
	add_scripts(m);
}

static void add_expr(struct making *m, const char *what,
		     const struct expr *expr)
{
	const struct config *config = m->sync->config;

	strbuf_addf(&m->text, " %s", what);
	if (!expr) {
		strbuf_addc(&m->text, '-');
		return;
	}
	expr_canonical(expr, &m->text);
	if (expr_uses_extern(expr))
		add_scripts(m);
	if (expr_uses_tables(expr) || expr_uses_extern(expr))
		strbuf_addf(&m->text, "tables %llx%llx",
			    (unsigned long long)config->tables_hash.high,
			    (unsigned long long)config->tables_hash.low);
}

static void add_number(struct making *m, const char *what, int64_t number)
{
	strbuf_addf(&m->text, " %s%lld", what, (long long)number);
}

static void add_def(struct making *m, const struct attr_def *def)
{
	strbuf_addf(&m->text, "%d %d %d", (int)def->type, def->multi,
		    (int)def->match);
}

/* A key of the metaverse by its expression, an attribute by what it is. */
static void add_search(struct making *m, const struct config_mv_type *type,
		       attr_id attr)
{
	const struct config_mv_attr *found = config_mv_attr_find(type, attr);
	size_t i;

	if (found) {
		strbuf_addf(&m->text, " index%d ", found->attr.index);
		add_def(m, &found->attr.def);
	}
	for (i = 0; i < type->key_count; i++)
		if (type->keys[i].id == attr)
			add_expr(m, "key", type->keys[i].expr);
}

static void keep(struct making *m, const char *kind, uint32_t agent,
		 uint32_t number, uint32_t type, const char *name)
{
	struct part *part;

	vec_reserve(&m->parts->all, m->parts->all.len + 1);
	part = &m->parts->all.at[m->parts->all.len++];
	part->name = sv_from(arena_printf(&m->parts->arena, "%s %u %u %u %s",
					  kind, agent, number, type, name));
	part->text = arena_dup(&m->parts->arena, strbuf_sv(&m->text));
	strbuf_reset(&m->text);
}

/* ---- an agent ---- */

struct where {
	const struct config_rule_set *rule_set;
	uint32_t agent;
	uint32_t number; /* of the rule set */
	uint32_t type;   /* of its objects */
};

/* Which rule set takes an object: those of the type in order. */
static void selection(struct making *m, const struct agent_plan *plan,
		      size_t type)
{
	const struct config_agent *agent = plan->agent;
	size_t i;
	size_t k;

	for (i = 0; i < agent->rule_set_count; i++) {
		const struct config_rule_set *rs = &agent->rule_sets[i];

		if (rs->type != type)
			continue;
		add_number(m, "", plan_rule_set_number(m->sync, rs));
		for (k = 0; k < rs->mv_type_count; k++)
			add_number(m, "mv",
				   m->sync->mv_types[rs->mv_types[k]].number);
		add_expr(m, "scope", rs->scope);
	}
	if (m->text.len)
		keep(m, "select", plan->number, 0, plan->types[type], "-");
}

static void read_attrs(struct making *m, const struct agent_plan *plan,
		       size_t type)
{
	const struct object_type *of = &plan->agent->types[type];
	size_t i;

	for (i = 0; i < of->attr_count; i++) {
		add_def(m, &of->attrs[i]);
		keep(m, "read", plan->number, 0, plan->types[type],
		     of->attrs[i].name);
	}
}

static void filters(struct making *m, const struct where *w)
{
	size_t i;

	for (i = 0; i < w->rule_set->filter_count; i++)
		add_expr(m, "or", w->rule_set->filters[i]);
	if (m->text.len)
		keep(m, "filter", w->agent, w->number, w->type, "-");
}

static void add_join(struct making *m, const struct config_rule_set *rs,
		     const struct config_join *join)
{
	size_t c;
	size_t t;

	strbuf_adds(&m->text, join->any ? " any" : " all");
	add_expr(m, "when", join->when);
	for (c = 0; c < join->clause_count; c++) {
		const struct config_join_clause *clause = &join->clauses[c];

		add_expr(m, attr_name(m, clause->mv_attr), clause->source);
		add_number(m, "match", (int)clause->match);
		for (t = 0; t < rs->mv_type_count; t++)
			add_search(m,
				   &m->sync->config->mv_types[rs->mv_types[t]],
				   clause->mv_attr);
	}
}

static void joining(struct making *m, const struct where *w)
{
	const struct config_rule_set *rs = w->rule_set;
	size_t i;

	for (i = 0; i < rs->join_count; i++)
		add_join(m, rs, &rs->joins[i]);
	if (rs->join_count) {
		add_number(m, "ambiguous", (int)rs->ambiguous);
		add_expr(m, "resolve", rs->resolve);
		add_function(m, "resolve", rs->resolve_lua.fn);
		keep(m, "join", w->agent, w->number, w->type, "-");
	}
	if (rs->project == PROJECT_NO)
		return;
	add_number(m, "type", m->sync->mv_types[rs->project_type].number);
	add_expr(m, "when", rs->project_rule);
	keep(m, "project", w->agent, w->number, w->type, "-");
}

static void add_import(struct making *m, const struct config_import_flow *flow)
{
	add_expr(m, "from", flow->source);
	add_expr(m, "when", flow->when);
	add_number(m, "null", (int)flow->when_null);
	add_number(m, "merge", flow->merge);
	if (!flow->lookup)
		return;
	strbuf_addf(&m->text, " lookup %s", attr_name(m, flow->lookup));
	add_number(m, "of", m->sync->mv_types[flow->lookup_type].number);
	add_search(m, &m->sync->config->mv_types[flow->lookup_type],
		   flow->lookup);
}

static bool named_before(const struct config_rule_set *rs, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (rs->imports[k].mv_attr == rs->imports[i].mv_attr)
			return true;
	return false;
}

/* All rules for one attribute are one part: they stand in order. */
static void imports(struct making *m, const struct where *w)
{
	const struct config_rule_set *rs = w->rule_set;
	size_t i;
	size_t k;

	for (i = 0; i < rs->import_count; i++) {
		struct inputs inputs = INPUTS_INIT(m->sync);
		attr_id attr = rs->imports[i].mv_attr;

		if (named_before(rs, i))
			continue;
		for (k = i; k < rs->import_count; k++) {
			const struct config_import_flow *flow = &rs->imports[k];

			if (flow->mv_attr != attr)
				continue;
			add_import(m, flow);
			inputs_rule(&inputs, flow->when, flow->source,
				    flow->when_null == WHEN_NULL_NEXT
					    ? ABSENT_NOTHING
					    : ABSENT_OTHER);
		}
		inputs_add(&inputs, &m->text);
		strbuf_release(&inputs.names);
		keep(m, "import", w->agent, w->number, w->type,
		     attr_name(m, attr));
	}
}

static void provisioning(struct making *m, const struct where *w, size_t type)
{
	const struct config_provision *how = &w->rule_set->provision;
	size_t i;
	size_t k;

	add_expr(m, "when", how->when);
	for (i = 0; i < how->require_count; i++)
		strbuf_addf(&m->text, " require %s",
			    attr_name(m, how->require[i]));
	add_expr(m, "dn", how->dn);
	for (i = 0; i < how->unique_count; i++)
		for (k = 0;
		     how->unique[i].attr == ATTR_DN && k < how->unique[i].count;
		     k++)
			add_expr(m, "or", how->unique[i].candidates[k]);
	add_number(m, "rename", how->rename);
	add_number(m, "existing", (int)how->existing);
	add_number(m, "parents", how->create_parents);
	keep(m, "provision", w->agent, w->number,
	     m->sync->mv_types[type].number, "-");
}

/* A reference is that of the first rule set in the file's order. */
static void add_order(struct making *m, const struct agent_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->agent->rule_set_count; i++)
		add_number(m, "",
			   plan_rule_set_number(m->sync,
						&plan->agent->rule_sets[i]));
}

static void exports(struct making *m, const struct where *w)
{
	const struct config_rule_set *rs = w->rule_set;
	const struct agent_plan *plan = &m->sync->agents[rs->agent];
	size_t i;

	for (i = 0; i < rs->export_count; i++) {
		const struct config_export_flow *flow = &rs->exports[i];
		struct inputs inputs = INPUTS_INIT(m->sync);
		const struct attr_def *def =
			&plan->agent->types[rs->type].attrs[flow->type_attr];

		add_expr(m, "from", flow->source);
		add_expr(m, "when", flow->when);
		add_number(m, "null", (int)flow->when_null);
		add_number(m, "merge", (int)flow->merge);
		if (flow->to)
			add_number(m, "to",
				   plan_rule_set_number(m->sync, flow->to));
		else if (def->type == VALUE_REFERENCE)
			add_order(m, plan);
		add_def(m, def);
		inputs_rule(&inputs, flow->when, flow->source,
			    flow->when_null == FLOW_NULL_KEEP ? ABSENT_KEEPS
							      : ABSENT_REMOVES);
		inputs_add(&inputs, &m->text);
		strbuf_release(&inputs.names);
		keep(m, "export", w->agent, w->number, w->type,
		     attr_name(m, flow->attr));
	}
}

static void one_rule_set(struct making *m, const struct agent_plan *plan,
			 const struct config_rule_set *rs)
{
	struct where w = { rs, plan->number, plan_rule_set_number(m->sync, rs),
			   plan->types[rs->type] };
	size_t i;

	filters(m, &w);
	joining(m, &w);
	imports(m, &w);
	for (i = 0; rs->provisions && i < rs->mv_type_count; i++)
		provisioning(m, &w, rs->mv_types[i]);
	exports(m, &w);
	add_number(m, "", (int)rs->deprovision);
	add_number(m, "after", rs->deprovision_after);
	add_expr(m, "from", rs->deprovision_rule);
	keep(m, "deprovision", w.agent, w.number, w.type, "-");
}

static void one_agent(struct making *m, const struct agent_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->agent->type_count; i++) {
		selection(m, plan, i);
		read_attrs(m, plan, i);
	}
	for (i = 0; i < plan->agent->rule_set_count; i++)
		one_rule_set(m, plan, &plan->agent->rule_sets[i]);
}

/* ---- the metaverse ---- */

static void mv_attribute(struct making *m, const struct mv_plan *plan,
			 const struct attr_plan *attr)
{
	size_t i;

	add_def(m, &attr->attr->attr.def);
	add_number(m, "precedence", (int)attr->attr->precedence);
	add_function(m, "choose", attr->attr->choose);
	add_number(m, "merge", attr->attr->merge);
	add_number(m, "", (int)attr->attr->merge_match);
	keep(m, "attribute", 0, plan->number, 0, attr->attr->attr.def.name);
	for (i = 0; i < attr->contributor_count; i++)
		add_number(m, "",
			   plan_rule_set_number(
				   m->sync, attr->contributors[i].rule_set));
	if (attr->contributor_count)
		keep(m, "rank", 0, plan->number, 0, attr->attr->attr.def.name);
	if (!attr->attr->attr.index)
		return;
	strbuf_adds(&m->text, "index");
	keep(m, "key", 0, plan->number, 0, attr->attr->attr.def.name);
}

static void one_mv_type(struct making *m, const struct mv_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->attr_count; i++)
		mv_attribute(m, plan, &plan->attrs[i]);
	for (i = 0; i < plan->type->key_count; i++) {
		add_expr(m, "", plan->type->keys[i].expr);
		keep(m, "key", 0, plan->number, 0, plan->type->keys[i].name);
	}
	if (!m->sync->config->provisioning)
		return;
	strbuf_adds(&m->text, "on");
	keep(m, "provisioning", 0, plan->number, 0, "-");
}

/* ---- all of it ---- */

int part_order(const void *a, const void *b)
{
	return sv_cmp(((const struct part *)a)->name,
		      ((const struct part *)b)->name);
}

void parts_make(struct sync *sync, struct parts *out)
{
	struct making m = { sync, out, STRBUF_INIT(STRBUF_NO_LIMIT) };
	size_t i;

	for (i = 0; i < sync->config->agent_count; i++)
		one_agent(&m, &sync->agents[i]);
	for (i = 0; i < sync->config->mv_type_count; i++)
		one_mv_type(&m, &sync->mv_types[i]);
	vec_sort(&out->all, part_order);
	strbuf_release(&m.text);
}

void parts_release(struct parts *parts)
{
	vec_release(&parts->all);
	arena_release(&parts->arena);
}
