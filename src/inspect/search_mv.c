/*
 * search_mv.c - metaverse objects: by id, by key, read through, as they were
 *
 * An equality on an indexed attribute goes by the attribute's key, whether a
 * clause says it or a condition that is not true without it. An index that the
 * configuration has is used when a synchronization has made the keys of all
 * objects, which the rules that it recorded tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/history.h"
#include "inspect/search_private.h"
#include "store/rules.h"

#include <stdio.h>
#include <string.h>

struct mv_search {
	struct search search;
	int (*fn)(void *data, const struct display_mv *object);
	void *data;
};

static int check_mv_type(struct search *search, struct error *err)
{
	const struct config *config = search->display->config;
	struct sv type = sv_from(search->query->type);
	struct search_names names = { VEC_INIT };
	size_t i;

	if (!type.ptr || config_mv_type_find(config, type) ||
	    store_name_find(search->display->store, NAME_MV_TYPE, type))
		return 0;
	for (i = 0; i < config->mv_type_count; i++)
		vec_push(&names.all, config->mv_types[i].name);
	return search_unknown("metaverse type", type, &names,
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
	if (!search_type_fits(search, candidate.type))
		return 0;
	if (mv_image(store, row, &search->object, &image, err) < 0)
		return error_context(err, "metaverse object %lld",
				     (long long)row->id);
	ret = search_test(search, &candidate, err);
	if (ret > 0)
		ret = mv_where(search, row, &candidate);
	if (ret <= 0)
		return ret;
	if (display_mv(search->display, row, &search->object, &object, err) < 0)
		return -1;
	return mv->fn(mv->data, &object);
}

static int scan_mv(struct mv_search *mv, struct error *err)
{
	struct store *store = mv->search.display->store;
	struct arena batch = ARENA_INIT;
	struct mv_row rows[SEARCH_ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = store_mv_scan(store, after, rows, SEARCH_ROWS, &batch,
				      err);
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

/* ---- by key ---- */

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

/* Parts of the rules that stand for an index that has all objects. */
struct indexes {
	struct display *display;
	uint32_t attr;
	size_t made;
};

static int on_part(void *data, struct sv part, struct sv text)
{
	struct indexes *indexes = data;
	const struct config *config = indexes->display->config;
	struct store *store = indexes->display->store;
	size_t i;

	(void)text;
	for (i = 0;
	     sv_starts(part, SV_LIT("key ")) && i < config->mv_type_count;
	     i++) {
		const struct config_mv_type *type = &config->mv_types[i];
		char name[512];

		(void)snprintf(name, sizeof(name), "key 0 %u 0 %s",
			       store_name_find(store, NAME_MV_TYPE,
					       sv_from(type->name)),
			       config->attr_names[indexes->attr]);
		indexes->made += config_mv_attr_find(type, indexes->attr) &&
				 sv_eq_str(part, name);
	}
	return 0;
}

/* The keys of all objects were made: by the synchronization that recorded the
 * rules with this index. 1, 0, -1 */
static int index_is_whole(struct display *display, uint32_t attr,
			  struct error *err)
{
	struct indexes indexes = { display, attr, 0 };
	size_t wanted = 0;
	size_t i;

	for (i = 0; i < display->config->mv_type_count; i++)
		wanted += config_mv_attr_find(&display->config->mv_types[i],
					      attr) != NULL;
	if (store_rules_scan(display->store, on_part, &indexes, err) < 0)
		return -1;
	return indexes.made == wanted;
}

/* 1: all that have the value were looked at; 0: no such index; -1 */
static int by_key(struct mv_search *mv, uint32_t attr,
		  const struct value *value, struct error *err)
{
	struct store *store = mv->search.display->store;
	int64_t *ids;
	int stop = 0;
	int i;
	int count = index_is_whole(mv->search.display, attr, err);

	if (count <= 0)
		return count;
	count = store_mv_key_find(
		store,
		key_of_mv(store, store_attr_map(store)->to_store[attr], value),
		&mv->search.arena, &ids, err);
	for (i = 0; i < count && !stop; i++)
		stop = fetch_mv(mv, ids[i], err);
	return count < 0 || stop < 0 ? -1 : 1;
}

static int by_clause(struct mv_search *mv, const struct wanted *wanted,
		     struct error *err)
{
	struct value value;
	enum value_type type;

	if (wanted->clause->op != SEARCH_EQUAL || wanted->attr_count != 1)
		return 0;
	type = indexed_type(mv->search.display->config, wanted->attrs[0]);
	if (type == VALUE_NULL ||
	    !value_parse(type, wanted->clause->value, SV_NULL, &value))
		return 0;
	return by_key(mv, wanted->attrs[0], &value, err);
}

/* The first of a condition's equalities that has an index. */
struct equality {
	const struct config *config;
	uint32_t attr;
	struct value value;
};

static void on_equality(void *data, uint32_t attr, const struct value *value)
{
	struct equality *equality = data;

	if (!equality->attr && value->type != VALUE_NULL &&
	    indexed_type(equality->config, attr) == value->type) {
		equality->attr = attr;
		equality->value = *value;
	}
}

static int by_where(struct mv_search *mv, struct error *err)
{
	struct equality equality = { .config = mv->search.display->config };

	if (!mv->search.query->where)
		return 0;
	where_equalities(mv->search.query->where, on_equality, &equality);
	return equality.attr ? by_key(mv, equality.attr, &equality.value, err)
			     : 0;
}

/* 1: found all that there is; 0: no index helps; -1 */
static int by_keys(struct mv_search *mv, struct error *err)
{
	const struct search_query *query = mv->search.query;
	int ret = 0;
	size_t i;

	for (i = 0; i < query->clause_count && ret == 0; i++)
		ret = by_clause(mv, &mv->search.wanted[i], err);
	return ret == 0 ? by_where(mv, err) : ret;
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
	ret = search_type_fits(search, candidate.type);
	if (ret > 0)
		ret = search_test(search, &candidate, err);
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

	ret = search_compile(&mv.search, err);
	if (ret == 0 && query->as_of)
		ret = search_as_of(&mv, err) < 0 ? -1 : 1;
	if (ret == 0 && sv_to_i64(query->name, &id))
		ret = fetch_mv(&mv, id, err) < 0 ? -1 : 1;
	if (ret == 0)
		ret = check_mv_type(&mv.search, err);
	if (ret == 0)
		ret = by_keys(&mv, err);
	if (ret == 0)
		ret = scan_mv(&mv, err);
	search_release(&mv.search);
	return ret < 0 ? -1 : 0;
}
