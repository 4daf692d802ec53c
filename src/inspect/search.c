/*
 * search.c - clauses, from their text to what is tested; names that are not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/search_private.h"

#include <string.h>

const char *const search_states[] = {
	"connector", "disconnector",   "filtered",
	"explicit",  "pending-import", "pending-export",
	"awaiting",  "error",          "placeholder",
	"container", "transient",      "held",
	NULL,
};

int search_clause_parse(struct sv text, struct search_clause *out)
{
	size_t equal = sv_find(text, '=', 0);
	char before;

	if (equal == text.len || equal == 0)
		return 0;
	out->value = sv_sub(text, equal + 1, text.len);
	out->op = SEARCH_EQUAL;
	before = text.ptr[equal - 1];
	if (before == '^')
		out->op = SEARCH_PREFIX;
	else if (before == '~')
		out->op = SEARCH_CONTAINS;
	else if (before == '!')
		out->op = SEARCH_NOT_EQUAL;
	if (out->op != SEARCH_EQUAL)
		equal--;
	if (sv_eq_str(out->value, "*") && out->op == SEARCH_EQUAL)
		out->op = SEARCH_PRESENT;
	else if (sv_eq_str(out->value, "*") && out->op == SEARCH_NOT_EQUAL)
		out->op = SEARCH_ABSENT;
	out->attr = sv_trim(sv_sub(text, 0, equal));
	return out->attr.len > 0;
}

/* --- clauses made ready ------------------------------------------------ */

int search_unknown(const char *what, struct sv name, struct search_names *names,
		   const char *otherwise, struct error *err)
{
	const char *near = sv_nearest(name, names->all.at, names->all.len);

	vec_release(&names->all);
	if (near)
		return error_set(err, ERR_INVALID,
				 "no %s '" SV_FMT "': did you mean '%s'?", what,
				 SV_ARG(name), near);
	return error_set(err, ERR_INVALID, "no %s '" SV_FMT "'%s", what,
			 SV_ARG(name), otherwise);
}

static int unknown_attr(struct search *search, struct sv name,
			struct error *err)
{
	struct search_names names = { VEC_INIT };
	const char *known;
	uint32_t i;

	for (i = 1; (known = store_attr_name(search->display->store, i)); i++)
		vec_push(&names.all, known);
	return search_unknown("attribute", name, &names, "", err);
}

static int compile_clause(struct search *search,
			  const struct search_clause *clause,
			  struct wanted *out, struct error *err)
{
	struct store *store = search->display->store;
	bool in_cs = search->space == DISPLAY_CS;
	const char *name;
	uint32_t i;

	out->clause = clause;
	out->dn = in_cs && sv_ieq_str(clause->attr, "dn");
	out->anchor = in_cs && sv_ieq_str(clause->attr, "anchor");
	for (i = 1; (name = store_attr_name(store, i)); i++)
		out->attr_count += sv_ieq_str(clause->attr, name);
	out->attrs = arena_array(&search->arena, out->attr_count,
				 sizeof(*out->attrs));
	out->attr_count = 0;
	for (i = 1; (name = store_attr_name(store, i)); i++) {
		if (!sv_ieq_str(clause->attr, name))
			continue;
		if (display_is_secret(name))
			return error_set(err, ERR_UNSUPPORTED,
					 "values of '%s' are secret and cannot "
					 "be searched",
					 name);
		out->attrs[out->attr_count++] = i;
	}
	if (!out->attr_count && !out->dn && !out->anchor)
		return unknown_attr(search, clause->attr, err);
	return 0;
}

int search_compile(struct search *search, struct error *err)
{
	const struct search_query *query = search->query;
	size_t i;

	search->wanted = arena_array(&search->arena, query->clause_count,
				     sizeof(*search->wanted));
	for (i = 0; i < query->clause_count; i++)
		if (compile_clause(search, &query->clauses[i],
				   &search->wanted[i], err) < 0)
			return -1;
	return 0;
}

void search_release(struct search *search)
{
	arena_release(&search->arena);
	arena_release(&search->object);
}

bool search_type_fits(const struct search *search, const char *type)
{
	return !search->query->type ||
	       sv_ieq_str(sv_from(type), search->query->type);
}

int search_no_agent(struct display *display, const char *agent,
		    struct error *err)
{
	struct search_names names = { VEC_INIT };
	size_t i;

	for (i = 0; i < display->config->agent_count; i++)
		vec_push(&names.all, display->config->agents[i].name);
	(void)search_unknown("agent", sv_from(agent), &names, "", err);
	if (err)
		err->code = ERR_NOTFOUND;
	return -1;
}
