/*
 * search_cs.c - connector space objects: by name, by what is staged, read
 * through
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/pending.h"
#include "inspect/search_private.h"
#include "store/hold.h"

#include <string.h>

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
	if (!search_type_fits(search, candidate.type) ||
	    !state_fits(search, entry))
		return 0;
	if (search->query->clause_count &&
	    display_cs_name(search->display, entry->row.id, &search->object,
			    &candidate.dn, &ignored, err) < 0)
		return -1;
	ret = search_test(search, &candidate, err);
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
	int64_t ids[SEARCH_ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = pending_ids(cs->search.display->store, kind, cs->agent,
				    after, ids, SEARCH_ROWS, err);
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
	struct entry entries[SEARCH_ROWS];
	int64_t after = 0;
	int stop = 0;
	int count;
	int i;

	do {
		count = entry_scan(store, cs->agent, after, entries,
				   SEARCH_ROWS, &batch, err);
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
		return search_no_agent(display, query->agent, err);
	ret = search_compile(&cs.search, err);
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
