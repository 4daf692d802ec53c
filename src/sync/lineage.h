/*
 * lineage.h - where each value of a metaverse object came from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_LINEAGE_H
#define SYNC_LINEAGE_H

#include "config/config.h"
#include "store/member.h"

struct lineage_entry {
	uint32_t attr; /* configuration number */
	int64_t cs;    /* the contributor; of merged values the first */
	int64_t time;  /* when the value last changed */
};

struct lineage {
	struct lineage_entry *at; /* in order of attr */
	size_t len;
};

const struct lineage_entry *lineage_get(const struct lineage *lineage,
					uint32_t attr);
void lineage_encode(const struct lineage *lineage, const struct attr_map *map,
		    struct strbuf *out);
/* Lays over it what the object's rows say of sets. */
void lineage_lay(struct lineage *lineage, const struct member *rows,
		 size_t count, const struct attr_map *map, struct arena *arena);
/* Bytes that cannot be read give an empty lineage: it only explains. */
void lineage_decode(struct sv bytes, const struct attr_map *map,
		    struct arena *arena, struct lineage *out);

#endif
