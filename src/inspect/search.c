/*
 * search.c - compile clauses, find candidates by key or by scan, test them
 *
 * An equality on an indexed metaverse attribute goes by the attribute's key;
 * when that finds nothing the objects are read through, since keys are hints
 * and an index may be younger than the objects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/search.h"

#include "base/text.h"
#include "inspect/history.h"
#include "inspect/pending.h"
#include "model/dn.h"
#include "store/hold.h"

#include <string.h>

#define ROWS 256

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

struct wanted {
	const struct search_clause *clause;
	uint32_t *attrs; /* numbers of this name */
	size_t attr_count;
	bool dn;
	bool anchor;
};

struct search {
	struct display *display;
	const struct search_query *query;
	enum display_space space;
	struct wanted *wanted;
	struct arena arena;  /* of the search */
	struct arena object; /* of one object */
};

struct names {
	VEC(const char *) all;
};

/* ERR_INVALID: "no WHAT 'NAME'", with the nearest of the names, which are
 * released, or `otherwise`. */
static int unknown(const char *what, struct sv name, struct names *names,
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
	struct names names = { VEC_INIT };
	const char *known;
	uint32_t i;

	for (i = 1; (known = store_attr_name(search->display->store, i)); i++)
		vec_push(&names.all, known);
	return unknown("attribute", name, &names, "", err);
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

static int compile(struct search *search, struct error *err)
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

/* --- testing an object ------------------------------------------------- */

/* An object being tested, of either space. */
struct candidate {
	const char *agent; /* NULL: metaverse */
	const char *type;
	const struct image *image;
	struct sv dn;
	struct sv anchor;
};

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

static int test_all(struct search *search, const struct candidate *candidate,
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

static void search_release(struct search *search)
{
	arena_release(&search->arena);
	arena_release(&search->object);
}

static bool type_fits(const struct search *search, const char *type)
{
	return !search->query->type ||
	       sv_ieq_str(sv_from(type), search->query->type);
}

/* --- metaverse --------------------------------------------------------- */

struct mv_search {
	struct search search;
	int (*fn)(void *data, const struct display_mv *object);
	void *data;
	bool any; /* something was found */
};

static int check_mv_type(struct search *search, struct error *err)
{
	const struct config *config = search->display->config;
	struct sv type = sv_from(search->query->type);
	struct names names = { VEC_INIT };
	size_t i;

	if (!type.ptr || config_mv_type_find(config, type) ||
	    store_name_find(search->display->store, NAME_MV_TYPE, type))
		return 0;
	for (i = 0; i < config->mv_type_count; i++)
		vec_push(&names.all, config->mv_types[i].name);
	return unknown("metaverse type", type, &names,
		       "; a clause is ATTRIBUTE=VALUE", err);
}

static int mv_where(struct search *search, const struct mv_row *row,
		    const struct candidate *candidate)
{
	const struct where_object object = {
		.image = candidate->image,
		.space = DISPLAY_MV,
		.id = sv_from(arena_printf(&search->object, "%lld",
					   (long long)row->id)),
		.type = candidate->type,
	};

	if (!search->query->where)
		return 1;
	return where_test(search->query->where, &object, &search->object);
}

/* 0: go on; 1: stop; -1 */
static int try_mv(struct mv_search *mv, const struct mv_row *row,
		  struct error *err)
{
	struct search *search = &mv->search;
	struct store *store = search->display->store;
	struct image image;
	struct candidate candidate = { .image = &image };
	struct display_mv object;
	int ret;

	candidate.type = store_name(store, NAME_MV_TYPE, row->type);
	if (!candidate.type)
		candidate.type = "";
	if (!type_fits(search, candidate.type))
		return 0;
	if (mv_image(store, row, &search->object, &image, err) < 0)
		return error_context(err, "metaverse object %lld",
				     (long long)row->id);
	ret = test_all(search, &candidate, err);
	if (ret > 0)
		ret = mv_where(search, row, &candidate);
	if (ret <= 0)
		return ret;
	if (display_mv(search->display, row, &search->object, &object, err) < 0)
		return -1;
	mv->any = true;
	return mv->fn(mv->data, &object);
}

static int scan_mv(struct mv_search *mv, struct error *err)
{
	struct store *store = mv->search.display->store;
	struct arena batch = ARENA_INIT;
	struct mv_row rows[ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = store_mv_scan(store, after, rows, ROWS, &batch, err);
		for (i = 0; i < count && !stop; i++) {
			stop = try_mv(mv, &rows[i], err);
			after = rows[i].id;
			arena_reset(&mv->search.object);
		}
		arena_reset(&batch);
	} while (count > 0 && !stop);
	arena_release(&batch);
	return count < 0 || stop < 0 ? -1 : 0;
}

static int fetch_mv(struct mv_search *mv, int64_t id, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct mv_row row;
	int ret =
		store_mv_get(mv->search.display->store, id, &arena, &row, err);

	if (ret > 0)
		ret = try_mv(mv, &row, err);
	arena_reset(&mv->search.object);
	arena_release(&arena);
	return ret;
}

/* The type of an indexed attribute's values; VALUE_NULL: not indexed in every
 * type that has it. */
static enum value_type indexed_type(const struct config *config, uint32_t attr)
{
	enum value_type type = VALUE_NULL;
	size_t i;

	for (i = 0; i < config->mv_type_count; i++) {
		const struct config_mv_attr *found =
			config_mv_attr_find(&config->mv_types[i], attr);

		if (!found)
			continue;
		if (!found->attr.index ||
		    (type != VALUE_NULL && type != found->attr.def.type))
			return VALUE_NULL;
		type = found->attr.def.type;
	}
	return type == VALUE_REFERENCE ? VALUE_NULL : type;
}

/* By the key of one clause: 1 used, 0 there is none, -1. */
static int by_key(struct mv_search *mv, const struct wanted *wanted,
		  struct error *err)
{
	struct store *store = mv->search.display->store;
	struct value value;
	enum value_type type;
	int64_t *ids;
	int count;
	int stop = 0;
	int i;

	if (wanted->clause->op != SEARCH_EQUAL || wanted->attr_count != 1)
		return 0;
	type = indexed_type(mv->search.display->config, wanted->attrs[0]);
	if (type == VALUE_NULL ||
	    !value_parse(type, wanted->clause->value, SV_NULL, &value))
		return 0;
	count = store_mv_key_find(
		store,
		key_of_mv(store,
			  store_attr_map(store)->to_store[wanted->attrs[0]],
			  &value),
		&mv->search.arena, &ids, err);
	for (i = 0; i < count && !stop; i++)
		stop = fetch_mv(mv, ids[i], err);
	if (count < 0 || stop < 0)
		return -1;
	return mv->any;
}

/* ---- as it was ---- */

static int try_state(void *data, const struct history_state *state,
		     struct error *err)
{
	struct mv_search *mv = data;
	struct search *search = &mv->search;
	struct candidate candidate = { .image = &state->image };
	struct display_mv object;
	int ret;

	candidate.type = store_name(search->display->store, NAME_MV_TYPE,
				    state->row.type);
	if (!candidate.type)
		candidate.type = "";
	ret = type_fits(search, candidate.type);
	if (ret > 0)
		ret = test_all(search, &candidate, err);
	if (ret > 0)
		ret = mv_where(search, &state->row, &candidate);
	if (ret > 0)
		ret = display_mv_was(search->display, &state->row,
				     &state->image, state->links,
				     state->link_count, &search->object,
				     &object, err) < 0
			      ? -1
			      : mv->fn(mv->data, &object);
	arena_reset(&search->object);
	return ret;
}

static int search_as_of(struct mv_search *mv, struct error *err)
{
	const struct search_query *query = mv->search.query;
	const struct history_point at = { 0, query->as_of };
	struct store *store = mv->search.display->store;
	struct arena arena = ARENA_INIT;
	struct history_state state;
	int64_t id;
	int ret;

	if (!sv_to_i64(query->name, &id))
		return check_mv_type(&mv->search, err) < 0
			       ? -1
			       : history_scan(store, &at, try_state, mv, err);
	ret = history_state(store, id, &at, &arena, &state, err);
	if (ret == 0 && state.exists)
		ret = try_state(mv, &state, err);
	arena_release(&arena);
	return ret < 0 ? -1 : 0;
}

int search_mv(struct display *display, const struct search_query *query,
	      int (*fn)(void *data, const struct display_mv *object),
	      void *data, struct error *err)
{
	struct mv_search mv = { .search = { .display = display,
					    .query = query,
					    .space = DISPLAY_MV },
				.fn = fn,
				.data = data };
	int64_t id;
	int ret;
	size_t i;

	ret = compile(&mv.search, err);
	if (ret == 0 && query->as_of)
		ret = search_as_of(&mv, err) < 0 ? -1 : 1;
	if (ret == 0 && sv_to_i64(query->name, &id))
		ret = fetch_mv(&mv, id, err) < 0 ? -1 : 1;
	if (ret == 0)
		ret = check_mv_type(&mv.search, err);
	for (i = 0; i < query->clause_count && ret == 0; i++)
		ret = by_key(&mv, &mv.search.wanted[i], err);
	if (ret == 0)
		ret = scan_mv(&mv, err);
	search_release(&mv.search);
	return ret < 0 ? -1 : 0;
}

/* --- connector space --------------------------------------------------- */

struct cs_search {
	struct search search;
	uint32_t agent;
	int (*fn)(void *data, const struct display_cs *object);
	void *data;
};

/* A state that a narrow table has: its ids are gone through instead. */
static bool staged_kind(const char *state, enum pending_kind *out)
{
	if (!state)
		return false;
	if (!strcmp(state, "pending-import"))
		*out = PENDING_IMPORTS;
	else if (!strcmp(state, "pending-export"))
		*out = PENDING_EXPORTS;
	else if (!strcmp(state, "awaiting"))
		*out = PENDING_AWAITING;
	else
		return false;
	return true;
}

static bool has_error(struct search *search, int64_t id)
{
	struct error ignored = ERROR_INIT;
	struct cs_error row;
	int kind;

	for (kind = ERROR_SYNC; kind <= ERROR_NAME; kind++)
		if (store_error_get(search->display->store, id,
				    (enum cs_error_kind)kind, &search->object,
				    &row, &ignored) > 0)
			return true;
	return false;
}

static bool is_held(struct search *search, int64_t id)
{
	struct error ignored = ERROR_INIT;
	struct hold_row row;

	return store_hold_get(search->display->store, id, &search->object, &row,
			      &ignored) > 0;
}

static bool state_fits(struct search *search, const struct entry *entry)
{
	const char *state = search->query->state;
	const char *is = display_state(entry);
	enum pending_kind kind;

	if (!state)
		return search->query->name.len ||
		       !(entry->row.flags & (CS_PLACEHOLDER | CS_CONTAINER));
	if (staged_kind(state, &kind))
		return kind == PENDING_IMPORTS ? entry->import != IMPORT_NONE
		       : kind == PENDING_EXPORTS
			       ? entry->pending.op != PENDING_NONE
			       : entry->awaiting.op != PENDING_NONE;
	if (!strcmp(state, "error"))
		return has_error(search, entry->row.id);
	if (!strcmp(state, "held"))
		return is_held(search, entry->row.id);
	if (!strcmp(state, "filtered") || !strcmp(state, "explicit"))
		return sv_starts(sv_from(is), sv_from(state));
	if (!strcmp(state, "connector"))
		return entry->has_link && entry->link.mv;
	return !strcmp(state, is);
}

static int errors_of(struct search *search, int64_t id,
		     struct where_object *out, struct error *err)
{
	struct cs_error row;
	int kind;

	for (kind = ERROR_SYNC; kind <= ERROR_NAME; kind++) {
		int ret = store_error_get(search->display->store, id,
					  (enum cs_error_kind)kind,
					  &search->object, &row, err);

		if (ret < 0)
			return -1;
		if (ret > 0)
			out->errors[out->error_count++] = row.code;
	}
	return 0;
}

/* 1, 0, -1 */
static int cs_where(struct search *search, const struct entry *entry,
		    const struct candidate *candidate, struct error *err)
{
	struct where *where = search->query->where;
	struct where_object object = {
		.image = candidate->image,
		.space = DISPLAY_CS,
		.agent = candidate->agent,
		.type = candidate->type,
		.state = display_state(entry),
		.mv = entry->has_link ? entry->link.mv : 0,
		.dn = candidate->dn,
		.anchor = candidate->anchor,
		.import = entry->import != IMPORT_NONE,
		.export = entry->pending.op != PENDING_NONE,
		.awaiting = entry->awaiting.op != PENDING_NONE,
	};
	struct sv ignored;

	if (!where)
		return 1;
	object.id = sv_from(display_cs_id(entry->row.id, &search->object));
	if (entry->has_link && entry->link.rule_set)
		object.rule_set =
			display_rule_set(search->display, entry->link.rule_set);
	if (where_needs_names(where) && !object.dn.len &&
	    display_cs_name(search->display, entry->row.id, &search->object,
			    &object.dn, &ignored, err) < 0)
		return -1;
	if (where_needs_errors(where) &&
	    errors_of(search, entry->row.id, &object, err) < 0)
		return -1;
	return where_test(where, &object, &search->object);
}

/* 0: go on; 1: stop; -1 */
static int try_cs(struct cs_search *cs, const struct entry *entry,
		  struct error *err)
{
	struct search *search = &cs->search;
	struct image expected = entry_expected(entry, &search->object);
	struct candidate candidate = {
		.agent = search->query->agent,
		.type = store_name(search->display->store, NAME_TYPE,
				   entry->row.type),
		.image = &expected,
		.anchor = entry->row.anchor,
	};
	struct display_cs object;
	struct sv ignored;
	int ret;

	if (!candidate.type)
		candidate.type = "";
	if (!type_fits(search, candidate.type) || !state_fits(search, entry))
		return 0;
	if (search->query->clause_count &&
	    display_cs_name(search->display, entry->row.id, &search->object,
			    &candidate.dn, &ignored, err) < 0)
		return -1;
	ret = test_all(search, &candidate, err);
	if (ret > 0)
		ret = cs_where(search, entry, &candidate, err);
	if (ret <= 0)
		return ret;
	if (display_cs(search->display, entry, &search->object, &object, err) <
	    0)
		return -1;
	return cs->fn(cs->data, &object);
}

static int fetch_cs(struct cs_search *cs, int64_t id, struct error *err)
{
	struct entry entry;
	int ret = entry_load(cs->search.display->store, id, &cs->search.object,
			     &entry, err);

	if (ret > 0)
		ret = try_cs(cs, &entry, err);
	arena_reset(&cs->search.object);
	return ret;
}

static int scan_staged(struct cs_search *cs, enum pending_kind kind,
		       struct error *err)
{
	int64_t ids[ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = pending_ids(cs->search.display->store, kind, cs->agent,
				    after, ids, ROWS, err);
		for (i = 0; i < count && !stop; i++) {
			stop = fetch_cs(cs, ids[i], err);
			after = ids[i];
		}
	} while (count > 0 && !stop);
	return count < 0 || stop < 0 ? -1 : 0;
}

static int scan_cs(struct cs_search *cs, struct error *err)
{
	struct store *store = cs->search.display->store;
	struct arena batch = ARENA_INIT;
	struct entry entries[ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = entry_scan(store, cs->agent, after, entries, ROWS,
				   &batch, err);
		for (i = 0; i < count && !stop; i++) {
			after = entries[i].row.id;
			stop = try_cs(cs, &entries[i], err);
			arena_reset(&cs->search.object);
		}
		arena_reset(&batch);
	} while (count > 0 && !stop);
	arena_release(&batch);
	return count < 0 || stop < 0 ? -1 : 0;
}

static int fetch_named(struct cs_search *cs, struct error *err)
{
	int64_t *ids;
	int count = search_cs_find(cs->search.display, cs->search.query->agent,
				   cs->search.query->name, &cs->search.arena,
				   &ids, err);
	int stop = 0;
	int i;

	for (i = 0; ids && i < count && !stop; i++)
		stop = fetch_cs(cs, ids[i], err);
	return count < 0 || stop < 0 ? -1 : 0;
}

static int no_agent(struct display *display, const char *agent,
		    struct error *err)
{
	struct names names = { VEC_INIT };
	size_t i;

	for (i = 0; i < display->config->agent_count; i++)
		vec_push(&names.all, display->config->agents[i].name);
	(void)unknown("agent", sv_from(agent), &names, "", err);
	if (err)
		err->code = ERR_NOTFOUND;
	return -1;
}

int search_cs(struct display *display, const struct search_query *query,
	      int (*fn)(void *data, const struct display_cs *object),
	      void *data, struct error *err)
{
	struct cs_search cs = { .search = { .display = display,
					    .query = query,
					    .space = DISPLAY_CS },
				.fn = fn,
				.data = data };
	enum pending_kind kind;
	int ret;

	cs.agent = store_name_find(display->store, NAME_AGENT,
				   sv_from(query->agent));
	if (!cs.agent &&
	    !config_agent_find(display->config, sv_from(query->agent)))
		return no_agent(display, query->agent, err);
	ret = compile(&cs.search, err);
	if (ret == 0 && cs.agent) {
		if (query->name.len)
			ret = fetch_named(&cs, err);
		else if (staged_kind(query->state, &kind))
			ret = scan_staged(&cs, kind, err);
		else
			ret = scan_cs(&cs, err);
	}
	search_release(&cs.search);
	return ret;
}

/* --- one object by its name -------------------------------------------- */

struct found {
	struct display *display;
	uint32_t agent;
	struct sv name;
	VEC(int64_t) ids;
};

static void add_found(struct found *found, int64_t id)
{
	int64_t *known;

	vec_foreach(&found->ids, known)
		if (*known == id)
			return;
	vec_push(&found->ids, id);
}

#define SAME_HASH 16

/* `type` as for key_of_anchor. */
static int find_anchor(struct found *found, uint32_t type, struct error *err)
{
	struct store *store = found->display->store;
	struct arena arena = ARENA_INIT;
	struct anchor_key keys[SAME_HASH];
	struct cs_row row;
	int count = store_anchor_find(
		store, found->agent,
		key_of_anchor(store, found->agent, type, found->name), keys,
		SAME_HASH, err);
	int ret = count < 0 ? -1 : 0;
	int i;

	for (i = 0; i < count && ret == 0; i++) {
		int got = store_cs_get(store, keys[i].id, &arena, &row, err);

		if (got > 0 && anchor_same(type, row.anchor, found->name))
			add_found(found, keys[i].id);
		ret = got < 0 ? -1 : 0;
	}
	arena_release(&arena);
	return ret;
}

/* Anchors are unique within the agent or within each type; which of it need
 * not be known here. */
static int find_anchors(struct found *found, struct error *err)
{
	struct store *store = found->display->store;
	uint32_t type;

	if (find_anchor(found, 0, err) < 0)
		return -1;
	for (type = 1; store_name(store, NAME_TYPE, type); type++)
		if (find_anchor(found, type, err) < 0)
			return -1;
	return 0;
}

int search_cs_find(struct display *display, const char *agent, struct sv name,
		   struct arena *arena, int64_t **out, struct error *err)
{
	struct found found = { .display = display,
			       .name = name,
			       .ids = VEC_INIT };
	int64_t id;
	int count = 0;
	int ret = 0;

	*out = NULL;
	found.agent =
		store_name_find(display->store, NAME_AGENT, sv_from(agent));
	if (!found.agent)
		return config_agent_find(display->config, sv_from(agent))
			       ? 0
			       : no_agent(display, agent, err);
	if (display_cs_id_parse(name, &id) && CS_AGENT(id) == found.agent)
		add_found(&found, id);
	if (dn_valid(name))
		ret = tree_find(display_tree(display, found.agent), name,
				TREE_IMPORTED | TREE_EXPECTED, &id, err);
	if (ret > 0)
		add_found(&found, id);
	if (ret >= 0)
		ret = find_anchors(&found, err);
	if (ret >= 0 && found.ids.len) {
		count = (int)found.ids.len;
		*out = arena_alloc(arena, found.ids.len * sizeof(**out));
		memcpy(*out, found.ids.at, found.ids.len * sizeof(**out));
	}
	vec_release(&found.ids);
	return ret < 0 ? -1 : count;
}
