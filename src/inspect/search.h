/*
 * search.h - find objects of the metaverse and of connector spaces
 *
 * By clause, type, state, DN or anchor; read only. Clauses are ANDed: "a=v",
 * "a^=begin", "a~=part", "a=*" (has a value), "a!=*" (has none), "a!=v" (no
 * value is v). Text is compared by the attribute's matching rule.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_SEARCH_H
#define INSPECT_SEARCH_H

#include "inspect/where.h"

enum search_op {
	SEARCH_EQUAL,
	SEARCH_NOT_EQUAL,
	SEARCH_PREFIX,
	SEARCH_CONTAINS,
	SEARCH_PRESENT,
	SEARCH_ABSENT,
};

struct search_clause {
	struct sv attr;
	enum search_op op;
	struct sv value;
};

/* 1: a clause; views into `text`; 0: there is no operator in it. */
int search_clause_parse(struct sv text, struct search_clause *out);

struct search_query {
	const char *type; /* NULL: all */
	const struct search_clause *clauses;
	size_t clause_count;
	struct where *where; /* holds too; or NULL */
	/* metaverse only: as it was at this time; 0: now */
	int64_t as_of;
	/* connector space only */
	const char *agent;
	const char *state; /* NULL: every object, but no placeholders and
			    * containers; or one of search_states */
	struct sv name;    /* DN, anchor or id; empty: all */
};

/* What --state takes: display_states in short, and kinds of staged changes. */
extern const char *const search_states[];

/*
 * Calls fn for each object found, in order of ids; it is borrowed for the
 * call. fn returns 0 to go on, 1 to stop. ERR_INVALID: there is no such
 * attribute or type; ERR_NOTFOUND: no such agent.
 */
int search_mv(struct display *display, const struct search_query *query,
	      int (*fn)(void *data, const struct display_mv *object),
	      void *data, struct error *err);
int search_cs(struct display *display, const struct search_query *query,
	      int (*fn)(void *data, const struct display_cs *object),
	      void *data, struct error *err);

/* Objects of an agent by DN, anchor or id ("2:17"); ids in the arena. Several
 * when types share an anchor. The number, or -1. */
int search_cs_find(struct display *display, const char *agent, struct sv name,
		   struct arena *arena, int64_t **out, struct error *err);

#endif
