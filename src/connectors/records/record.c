/*
 * record.c - names and fields
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/record.h"

#include <string.h>

void record_names_init(struct record_names *names)
{
	memset(names, 0, sizeof(*names));
	names->map = namemap_new(true);
}

void record_names_release(struct record_names *names)
{
	if (names->map)
		namemap_free(names->map);
	vec_release(&names->list);
	memset(names, 0, sizeof(*names));
}

size_t record_names_add(struct record_names *names, struct sv name,
			struct arena *arena)
{
	uint64_t at;

	if (namemap_get(names->map, name, &at))
		return (size_t)at;
	namemap_put(names->map, name, names->list.len);
	vec_push(&names->list, arena_dup(arena, name));
	return names->list.len - 1;
}

size_t record_names_find(struct record_names *names, struct sv name)
{
	uint64_t at;

	if (namemap_get(names->map, name, &at))
		return (size_t)at;
	if (!names->arena || !name.len)
		return RECORD_NO_NAME;
	return record_names_add(names, name, names->arena);
}

void record_add(struct record *record, struct arena *arena, size_t name,
		struct sv text, size_t at)
{
	if (record->count == record->room) {
		size_t room = record->room ? record->room * 2 : 16;
		struct record_field *fields =
			arena_alloc(arena, room * sizeof(*fields));

		if (record->count)
			memcpy(fields, record->fields,
			       record->count * sizeof(*fields));
		record->fields = fields;
		record->room = room;
	}
	record->fields[record->count++] =
		(struct record_field){ name, text, at };
}

const struct record_field *record_find(const struct record *record, size_t name)
{
	size_t i;

	for (i = 0; i < record->count; i++)
		if (record->fields[i].name == name &&
		    record->fields[i].text.len)
			return &record->fields[i];
	return NULL;
}
