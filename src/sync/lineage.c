/*
 * lineage.c - lineage as bytes and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/lineage.h"

#include <string.h>

const struct lineage_entry *lineage_get(const struct lineage *lineage,
					uint32_t attr)
{
	size_t i;

	/* mostly one attribute follows another */
	i = lineage->len ? (size_t)attr - lineage->at[0].attr : 0;
	if (i < lineage->len && lineage->at[i].attr == attr)
		return &lineage->at[i];
	for (i = 0; i < lineage->len; i++)
		if (lineage->at[i].attr == attr)
			return &lineage->at[i];
	return NULL;
}

void lineage_encode(const struct lineage *lineage, const struct attr_map *map,
		    struct strbuf *out)
{
	const struct lineage_entry *before = NULL;
	size_t from = 0;
	size_t to = 0;
	size_t i;

	image_encode_number(lineage->len, out);
	for (i = 0; i < lineage->len; i++) {
		const struct lineage_entry *entry = &lineage->at[i];
		char *room;

		image_encode_number(map->to_store[entry->attr], out);
		if (before && before->cs == entry->cs &&
		    before->time == entry->time) {
			/* the same bytes as before */
			room = strbuf_room(out, to - from);
			if (!room)
				return;
			memcpy(room, out->ptr + from, to - from);
			out->len += to - from;
			continue;
		}
		before = entry;
		from = out->len;
		image_encode_number((uint64_t)entry->cs, out);
		image_encode_number((uint64_t)entry->time, out);
		to = out->len;
	}
}

/* Who gave a value and when, as bytes. */
struct from {
	struct sv bytes;
	uint64_t cs;
	uint64_t time;
};

/* Most entries are of the same bytes as the one before. */
static int decode_from(struct sv bytes, size_t *at, struct from *from)
{
	size_t start = *at;

	if (from->bytes.len && bytes.len - start >= from->bytes.len &&
	    !memcmp(bytes.ptr + start, from->bytes.ptr, from->bytes.len)) {
		*at += from->bytes.len;
		return 1;
	}
	if (!image_decode_number(bytes, at, &from->cs) ||
	    !image_decode_number(bytes, at, &from->time))
		return 0;
	from->bytes = sv_sub(bytes, start, *at);
	return 1;
}

void lineage_decode(struct sv bytes, const struct attr_map *map,
		    struct arena *arena, struct lineage *out)
{
	uint64_t count = 0;
	size_t at = 0;
	struct from from = { SV_NULL, 0, 0 };
	size_t i;

	out->at = NULL;
	out->len = 0;
	if (!image_decode_number(bytes, &at, &count) || count > bytes.len)
		return;
	out->at = arena_array(arena, (size_t)count + 1, sizeof(*out->at));
	for (i = 0; i < count; i++) {
		uint64_t attr;

		if (!image_decode_number(bytes, &at, &attr) ||
		    !decode_from(bytes, &at, &from) ||
		    attr >= map->from_store_len)
			return;
		out->at[out->len].attr = map->from_store[attr];
		out->at[out->len].cs = (int64_t)from.cs;
		out->at[out->len].time = (int64_t)from.time;
		out->len++;
	}
}

static void lay_one(struct lineage *lineage, const struct lineage_entry *entry,
		    struct arena *arena)
{
	struct lineage_entry *at =
		arena_array(arena, lineage->len + 1, sizeof(*at));
	size_t len = 0;
	size_t i;

	for (i = 0; i < lineage->len && lineage->at[i].attr < entry->attr; i++)
		at[len++] = lineage->at[i];
	at[len++] = *entry;
	for (; i < lineage->len; i++)
		if (lineage->at[i].attr != entry->attr)
			at[len++] = lineage->at[i];
	lineage->at = at;
	lineage->len = len;
}

void lineage_lay(struct lineage *lineage, const struct member *rows,
		 size_t count, const struct attr_map *map, struct arena *arena)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct lineage_entry entry = { map->from_store[rows[i].attr],
					       -rows[i].target, rows[i].since };

		if (rows[i].target < 0)
			lay_one(lineage, &entry, arena);
	}
}
