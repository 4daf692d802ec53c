/*
 * record.c - what a batch replaced in the metaverse is kept
 *
 * Called by flush.c for each metaverse object, before it is written and in the
 * same transaction, so on the thread that writes. What an object was is in
 * memory still: nothing is read for it. An object that this very run created
 * needs no row (store/past.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

struct record {
	struct store *store;
	const struct work_mv *mv;
	struct arena *arena;
	struct past past;
};

static bool among(struct work_cs *const *links, size_t count,
		  const struct work_cs *cs)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (links[i] == cs)
			return true;
	return false;
}

static void take_links(struct record *record)
{
	const struct work_mv *mv = record->mv;
	struct past *past = &record->past;
	size_t now = mv->removed ? 0 : mv->link_count;
	size_t i;

	if (mv->links == mv->links_before && !mv->removed)
		return;
	past->gone = arena_array(record->arena, mv->links_before_count + 1,
				 sizeof(*past->gone));
	past->come = arena_array(record->arena, now + 1, sizeof(*past->come));
	for (i = 0; i < mv->links_before_count; i++)
		if (!among(mv->links, now, mv->links_before[i]))
			past->gone[past->gone_count++] =
				mv->links_before[i]->had;
	for (i = 0; i < now; i++) {
		const struct link_row *link = &mv->links[i]->e.link;
		struct past_link come = { link->cs, link->rule_set, link->how,
					  link->time };

		if (!among(mv->links_before, mv->links_before_count,
			   mv->links[i]))
			past->come[past->come_count++] = come;
	}
}

/* The rule set that gave the attribute until now, or 0. */
static uint32_t giver(const struct work_mv *mv, uint32_t attr)
{
	const struct lineage_entry *entry =
		lineage_get(&mv->lineage_before, attr);
	size_t i;

	for (i = 0; entry && i < mv->links_before_count; i++)
		if (mv->links_before[i]->e.row.id == entry->cs)
			return mv->links_before[i]->had.rule_set;
	return 0;
}

static void take_value(struct record *record, uint32_t attr,
		       const struct values *from, const struct values *to)
{
	struct past *past = &record->past;
	struct past_value *value = &past->values[past->value_count];

	if (from && to &&
	    (from->at == to->at ? from->len == to->len
				: values_identical(from, to)))
		return;
	if (!past_value(record->store, attr, from, to, false, record->arena,
			value))
		return;
	value->by = giver(record->mv, attr);
	past->value_count++;
}

static void take_values(struct record *record)
{
	const struct image *from = &record->mv->before;
	const struct image *to = &record->mv->image;
	struct past *past = &record->past;
	size_t i = 0;
	size_t k = 0;

	past->values = arena_array(record->arena, from->len + to->len + 1,
				   sizeof(*past->values));
	while (i < from->len || k < to->len) {
		uint32_t old = i < from->len ? from->attrs[i].attr : UINT32_MAX;
		uint32_t new = k < to->len ? to->attrs[k].attr : UINT32_MAX;
		bool only_old = old < new;
		bool only_new = new < old;

		take_value(record, only_new ? new : old,
			   only_new ? NULL : &from->attrs[i].values,
			   only_old ? NULL : &to->attrs[k].values);
		i += !only_new;
		k += !only_old;
	}
}

static int put(struct sync *sync, struct store_tx *tx, const struct past *past,
	       int64_t object, uint32_t type, struct strbuf *bytes,
	       struct error *err)
{
	struct past_row row = {
		.id = sync->next_past++,
		.object = object,
		.kind = past->kind,
		.type = type,
		.time = sync->now,
	};

	strbuf_reset(bytes);
	past_encode(past, store_of(tx), bytes);
	row.what = strbuf_sv(bytes);
	return store_past_put(tx, &row, err);
}

int record_mv(struct sync *sync, struct store_tx *tx, const struct work_mv *mv,
	      struct arena *arena, struct strbuf *bytes, struct error *err)
{
	struct record record = { .store = store_of(tx),
				 .mv = mv,
				 .arena = arena };
	struct past *past = &record.past;

	if (!sync->options->run || mv->is_new ||
	    mv->row.run == sync->options->run ||
	    (!mv->dirty && mv->links == mv->links_before))
		return 0;
	past->kind = mv->removed ? PAST_DELETE : PAST_CHANGE;
	take_links(&record);
	if (mv->removed) {
		past->row = mv->row;
		past->image = mv->before;
	} else if (mv->dirty) {
		take_values(&record);
	}
	if (!mv->removed && !past->gone_count && !past->come_count &&
	    !past->value_count)
		return 0;
	return put(sync, tx, past, mv->row.id, mv->row.type, bytes, err);
}

/* The row's value came, or went. */
static void add_member(struct past *past, const struct attr_map *map,
		       const struct member *row, size_t room,
		       struct arena *arena)
{
	const struct value target = value_reference(row->target, SV_NULL);
	uint32_t attr = map->from_store[row->attr];
	struct past_value *value = NULL;
	struct values *values;
	size_t i;

	for (i = 0; i < past->value_count && !value; i++)
		if (past->values[i].attr == attr)
			value = &past->values[i];
	if (!value) {
		value = &past->values[past->value_count++];
		*value = (struct past_value){ .attr = attr };
		value->gone.at =
			arena_array(arena, room, sizeof(*value->gone.at));
		value->come.at =
			arena_array(arena, room, sizeof(*value->come.at));
	}
	values = member_in_image(row) ? &value->come : &value->gone;
	values->at[values->len++] = target;
}

int record_members(struct sync *sync, int64_t mv, uint32_t type,
		   const struct member *rows, size_t count, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct past past = { .kind = PAST_CHANGE };
	struct arena arena = ARENA_INIT;
	size_t i;
	int ret;

	if (!sync->options->run || !count)
		return 0;
	past.values = arena_array(&arena, count, sizeof(*past.values));
	for (i = 0; i < count; i++)
		add_member(&past, store_attr_map(sync->store), &rows[i], count,
			   &arena);
	for (i = 0; i < past.value_count; i++) {
		values_canonical(&past.values[i].gone);
		values_canonical(&past.values[i].come);
	}
	ret = put(sync, sync->tx, &past, mv, type, &bytes, err);
	strbuf_release(&bytes);
	arena_release(&arena);
	return ret;
}
