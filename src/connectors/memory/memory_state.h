/*
 * memory_state.h - the entries of the memory connector, and their file
 *
 * Every change gets the next number of a counter, so that a delta import finds
 * what came after its watermark. With a path all of it is kept in a file: LDIF
 * with x-anchor, x-created, x-changed, x-renamed and x-deleted beside the
 * entries' own attributes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_MEMORY_MEMORY_STATE_H
#define CONNECTORS_MEMORY_MEMORY_STATE_H

#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_entry.h"

struct memory_entry {
	struct ldif_entry entry;
	uint64_t anchor;
	uint64_t created; /* numbers of changes */
	uint64_t changed;
	uint64_t renamed; /* 0: never */
	struct sv old_dn; /* before that */
	bool gone;
	/* It cannot be read: what CHANGE_ERROR says. */
	const char *error;
	struct sv message;
};

struct memory_state {
	struct arena arena;
	char generation[40];
	uint64_t counter;
	uint64_t last_anchor;
	VEC(struct memory_entry *) entries;
	struct namemap *by_dn; /* folded DN -> index, or MEMORY_NONE */
	bool dirty;
};

#define MEMORY_NONE UINT64_MAX

/* From LDIF text; the state is empty before. */
int memory_state_load(struct memory_state *state, struct sv text,
		      const char *name, struct error *err);
int memory_state_save(struct memory_state *state, const char *path,
		      struct error *err);
void memory_state_release(struct memory_state *state);

/* NULL: there is none. */
struct memory_entry *memory_find(const struct memory_state *state,
				 struct sv dn);
bool memory_has_children(const struct memory_state *state, struct sv dn);
/* A new, empty entry. */
struct memory_entry *memory_add(struct memory_state *state, struct sv dn);
void memory_touch(struct memory_state *state, struct memory_entry *entry);
/* Those below it move along. */
void memory_rename(struct memory_state *state, struct memory_entry *entry,
		   struct sv new_dn);
void memory_delete(struct memory_state *state, struct memory_entry *entry);

#endif
