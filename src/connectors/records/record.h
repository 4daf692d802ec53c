/*
 * record.h - one record of a file: values under names, and its bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_RECORD_H
#define CONNECTORS_RECORDS_RECORD_H

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>

#define RECORD_NO_NAME SIZE_MAX

/* The names that somebody asks for, by number. Those of anchor, type and change
 * come first. */
struct record_names {
	struct namemap *map;
	VEC(struct sv) list;
	size_t keys;         /* how many of them come first */
	struct arena *arena; /* not NULL: a name that is new is added */
};

void record_names_init(struct record_names *names);
/* Accepts the all-zero struct. */
void record_names_release(struct record_names *names);
/* The number of a name that is added when it is not there. */
size_t record_names_add(struct record_names *names, struct sv name,
			struct arena *arena);
/* RECORD_NO_NAME: nobody asks for it. Case does not count. */
size_t record_names_find(struct record_names *names, struct sv name);

struct record_field {
	size_t name; /* number */
	struct sv text;
	size_t at; /* its first byte in raw; of a cell its column */
};

struct record {
	struct record_field *fields;
	size_t count;
	size_t room;
	bool parsed;    /* the fields are filled in */
	struct sv type; /* as the format tells it; or empty */
	size_t line;    /* where it begins; of a table the row */
	size_t column;  /* of its first byte, 1 based; 0: as 1 */

	/* It is broken: what is wrong, and at which byte of raw (or in which
	 * column of a table). */
	const char *error;
	size_t error_at;

	/* Until the next record: its bytes, and those since the one before. */
	struct sv raw;
	struct sv lead;
};

void record_add(struct record *record, struct arena *arena, size_t name,
		struct sv text, size_t at);
/* The first value of a name that is not empty. */
const struct record_field *record_find(const struct record *record,
				       size_t name);

#endif
