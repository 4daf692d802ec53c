/*
 * explain_absence.c - why a metaverse object has no connector where only a join
 * could make one
 *
 * For each rule set that joins its type, does not provision, and has no
 * connector of it: what an object of the agent would have to have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/explain_private.h"

#include <string.h>

static bool is_there(const struct explaining *e,
		     const struct config_agent *agent,
		     const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < e->out->link_count; i++) {
		const struct explain_link *link = &e->out->links[i];

		if (!link->remembered && link->rule_set &&
		    !strcmp(link->agent, agent->name) &&
		    !strcmp(link->rule_set, rule_set->name))
			return true;
	}
	return false;
}

static bool joins_type(const struct explaining *e,
		       const struct config_rule_set *rule_set)
{
	size_t i;

	for (i = 0; i < rule_set->mv_type_count; i++)
		if (rule_set->mv_types[i] == e->type->index)
			return rule_set->join_count && !rule_set->provisions;
	return false;
}

static bool is_key(const struct explaining *e, attr_id attr)
{
	size_t i;

	for (i = 0; i < e->type->key_count; i++)
		if (e->type->keys[i].id == attr)
			return true;
	return false;
}

/* What one clause asks of an object: "id = '7'". */
static void add_clause(struct explaining *e,
		       const struct config_join_clause *clause,
		       struct strbuf *out)
{
	const char *name = store_attr_name(e->display->store, clause->mv_attr);
	const struct values *values = image_get(&e->image, clause->mv_attr);
	struct display_texts texts = explain_texts(e, clause->mv_attr, values);

	strbuf_addsv(out, expr_source(clause->source));
	if (is_key(e, clause->mv_attr))
		strbuf_addf(out, " = its key %s", name);
	else if (texts.len)
		strbuf_addf(out, " = '" SV_FMT "'%s", SV_ARG(texts.at[0]),
			    texts.len > 1 ? " ..." : "");
	else
		strbuf_addf(out, " = %s, which has no value here", name);
}

static void add_absence(struct explaining *e, const struct config_agent *agent,
			const struct config_rule_set *rule_set)
{
	struct explain_absence *out =
		&e->out->absences[e->out->absence_count++];
	struct strbuf text = STRBUF_INIT(2000);
	size_t r;
	size_t c;

	strbuf_adds(&text, "no connector; would be joined by ");
	for (r = 0; r < rule_set->join_count; r++) {
		const struct config_join *join = &rule_set->joins[r];

		strbuf_adds(&text, r ? ", or by " : "");
		for (c = 0; c < join->clause_count; c++) {
			strbuf_adds(&text, c ? " and " : "");
			add_clause(e, &join->clauses[c], &text);
		}
	}
	out->agent = agent->name;
	out->rule_set = rule_set->name;
	out->text = arena_cstr(e->arena, strbuf_sv(&text));
	out->rule = preview_rule(rule_set->joins[0].at, "join", e->arena);
	strbuf_release(&text);
}

void explain_absences(struct explaining *e)
{
	const struct config *config = e->display->config;
	size_t most = 0;
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++)
		most += config->agents[a].rule_set_count;
	e->out->absences =
		arena_array(e->arena, most + 1, sizeof(*e->out->absences));
	for (a = 0; e->type && a < config->agent_count; a++) {
		const struct config_agent *agent = &config->agents[a];

		for (r = 0; r < agent->rule_set_count; r++)
			if (joins_type(e, &agent->rule_sets[r]) &&
			    !is_there(e, agent, &agent->rule_sets[r]))
				add_absence(e, agent, &agent->rule_sets[r]);
	}
}
