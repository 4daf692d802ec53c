/*
 * member.c - changes of reference sets, laid over images
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/member.h"

bool member_in_image(const struct member *row)
{
	return (row->flags & MEMBER_IMAGE) != 0;
}

bool member_in_written(const struct member *row)
{
	if (row->flags & MEMBER_AWAITED)
		return (row->flags & MEMBER_WRITTEN) != 0;
	return member_in_image(row);
}

bool member_in_expected(const struct member *row)
{
	if (row->flags & MEMBER_PENDING)
		return (row->flags & MEMBER_WANTED) != 0;
	return member_in_written(row);
}

bool member_in_settled(const struct member *row)
{
	if (row->flags & (MEMBER_PENDING | MEMBER_AWAITED))
		return member_in_expected(row);
	if (row->flags & MEMBER_CONFIRMED)
		return member_in_image(row);
	return (row->flags & MEMBER_SYNCED) != 0;
}

static const struct member *row_of(const struct member *rows, size_t count,
				   int64_t target)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].target < target)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && rows[low].target == target ? &rows[low] : NULL;
}

struct values member_values(const struct values *values,
			    const struct member *rows, size_t count,
			    bool (*in)(const struct member *row),
			    struct arena *arena)
{
	struct values out = { NULL, 0 };
	size_t len = values ? values->len : 0;
	size_t i;

	out.at = arena_array(arena, len + count + 1, sizeof(*out.at));
	for (i = 0; i < len; i++)
		if (!row_of(rows, count, values->at[i].number))
			out.at[out.len++] = values->at[i];
	for (i = 0; i < count; i++)
		if (in(&rows[i]))
			out.at[out.len++] =
				value_reference(rows[i].target, SV_NULL);
	values_canonical(&out);
	return out;
}

int mv_image_members(struct store *store, const struct mv_row *row,
		     struct arena *arena, struct image *out,
		     struct member **rows_out, struct error *err)
{
	const struct attr_map *map = store_attr_map(store);
	struct member *rows;
	int count;
	int from;
	int to;

	if (image_decode(row->image, map, arena, out, err) < 0)
		return -1;
	count = store_member_range(store, row->id, row->id, arena, &rows, err);
	for (from = 0; from < count; from = to) {
		uint32_t attr = map->from_store[rows[from].attr];

		for (to = from; to < count && rows[to].attr == rows[from].attr;
		     to++)
			;
		while (from < to && rows[from].target < 0)
			from++;
		image_set(out, attr,
			  member_values(image_get(out, attr), rows + from,
					(size_t)(to - from), member_in_image,
					arena),
			  arena);
	}
	*rows_out = rows;
	return count;
}

int mv_image(struct store *store, const struct mv_row *row, struct arena *arena,
	     struct image *out, struct error *err)
{
	struct member *ignored;

	return mv_image_members(store, row, arena, out, &ignored, err) < 0 ? -1
									   : 0;
}

int member_pending_text(struct store *store, int64_t cs, struct strbuf *out,
			struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct member *rows;
	int count = store_member_moving(store, cs, &arena, &rows, err);
	int i;

	for (i = 0; i < count; i++)
		if (rows[i].flags & MEMBER_PENDING)
			strbuf_addf(out, " %u%s%lld", rows[i].attr,
				    rows[i].flags & MEMBER_WANTED ? "+" : "-",
				    (long long)rows[i].target);
	arena_release(&arena);
	return count < 0 ? -1 : 0;
}
