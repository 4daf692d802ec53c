/*
 * search_test.c - does an object fit the clauses of a search?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "inspect/search_private.h"
#include "model/dn.h"

#include <string.h>

static const struct attr_def *attr_def(struct search *search,
				       const struct candidate *candidate,
				       uint32_t attr)
{
	const struct config *config = search->display->config;
	const struct config_agent *agent;
	const struct config_mv_type *type;
	const struct config_mv_attr *found;
	size_t index;
	size_t i;

	if (!candidate->agent) {
		type = config_mv_type_find(config, sv_from(candidate->type));
		found = type ? config_mv_attr_find(type, attr) : NULL;
		return found ? &found->attr.def : NULL;
	}
	agent = config_agent_find(config, sv_from(candidate->agent));
	for (i = 0; agent && i < agent->type_count; i++)
		if (!strcmp(agent->types[i].name, candidate->type) &&
		    object_type_attr(&agent->types[i],
				     sv_from(store_attr_name(
					     search->display->store, attr)),
				     &index))
			return &agent->types[i].attrs[index];
	return NULL;
}

static bool contains(struct sv text, struct sv part)
{
	if (!part.len)
		return true;
	return text.len && memmem(text.ptr, text.len, part.ptr, part.len);
}

static bool text_matches(struct search *search, enum search_op op,
			 enum match_rule match, struct sv text, struct sv part)
{
	if (match == MATCH_IGNORE_CASE) {
		text = text_fold(text, &search->object);
		part = text_fold(part, &search->object);
	}
	if (op == SEARCH_PREFIX)
		return sv_starts(text, part);
	if (op == SEARCH_CONTAINS)
		return contains(text, part);
	return sv_eq(text, part);
}

static bool same_typed(const struct value *value, struct sv text)
{
	struct value wanted;

	if (value->type == VALUE_STRING || value->type == VALUE_REFERENCE ||
	    value->type == VALUE_NULL)
		return false;
	return value_parse(value->type, text, SV_NULL, &wanted) &&
	       value_same(value, &wanted, MATCH_IGNORE_CASE);
}

/* 1, 0, -1 */
static int value_matches(struct search *search,
			 const struct search_clause *clause,
			 enum match_rule match, const struct value *value,
			 struct error *err)
{
	bool equal = clause->op == SEARCH_EQUAL ||
		     clause->op == SEARCH_NOT_EQUAL;
	struct sv text;

	if (equal && same_typed(value, clause->value))
		return 1;
	if (display_value(search->display, value, search->space,
			  &search->object, &text, err) < 0)
		return -1;
	if (equal && value->type == VALUE_REFERENCE &&
	    dn_equal(text, clause->value))
		return 1;
	return text_matches(search, clause->op, match, text, clause->value);
}

struct tally {
	bool present;
	bool matched;
};

static int test_values(struct search *search, const struct wanted *wanted,
		       const struct candidate *candidate, struct tally *tally,
		       struct error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < wanted->attr_count && !tally->matched; i++) {
		uint32_t attr = wanted->attrs[i];
		const struct values *values = image_get(candidate->image, attr);
		const struct attr_def *def;

		if (!values)
			continue;
		tally->present = true;
		def = attr_def(search, candidate, attr);
		for (k = 0; k < values->len && !tally->matched; k++) {
			int ret = value_matches(search, wanted->clause,
						def ? def->match
						    : MATCH_IGNORE_CASE,
						&values->at[k], err);

			if (ret < 0)
				return -1;
			tally->matched = ret > 0;
		}
	}
	return 0;
}

static void test_name(struct search *search, const struct wanted *wanted,
		      struct sv name, struct tally *tally)
{
	const struct search_clause *clause = wanted->clause;

	if (!name.len)
		return;
	tally->present = true;
	if (clause->op == SEARCH_EQUAL || clause->op == SEARCH_NOT_EQUAL)
		tally->matched |= dn_equal(name, clause->value);
	tally->matched |= text_matches(search, clause->op, MATCH_IGNORE_CASE,
				       name, clause->value);
}

/* 1, 0, -1 */
static int test_clause(struct search *search, const struct wanted *wanted,
		       const struct candidate *candidate, struct error *err)
{
	struct tally tally = { false, false };

	if (test_values(search, wanted, candidate, &tally, err) < 0)
		return -1;
	if (wanted->dn)
		test_name(search, wanted, candidate->dn, &tally);
	if (wanted->anchor)
		test_name(search, wanted, candidate->anchor, &tally);
	switch (wanted->clause->op) {
	case SEARCH_PRESENT:
		return tally.present;
	case SEARCH_ABSENT:
		return !tally.present;
	case SEARCH_NOT_EQUAL:
		return !tally.matched;
	case SEARCH_EQUAL:
	case SEARCH_PREFIX:
	case SEARCH_CONTAINS:
		return tally.matched;
	}
	return 0;
}

int search_test(struct search *search, const struct candidate *candidate,
		struct error *err)
{
	size_t i;

	for (i = 0; i < search->query->clause_count; i++) {
		int ret =
			test_clause(search, &search->wanted[i], candidate, err);

		if (ret <= 0)
			return ret;
	}
	return 1;
}
