/*
 * search_private.h - what the files of the search share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_SEARCH_PRIVATE_H
#define INSPECT_SEARCH_PRIVATE_H

#include "inspect/search.h"

#define SEARCH_ROWS 256 /* that are read together */

struct wanted {
	const struct search_clause *clause;
	uint32_t *attrs; /* numbers of this name */
	size_t attr_count;
	bool dn;
	bool anchor;
};

struct search {
	struct display *display;
	const struct search_query *query;
	enum display_space space;
	struct wanted *wanted;
	struct arena arena;  /* of the search */
	struct arena object; /* of one object */
};

/* An object being tested, of either space. */
struct candidate {
	const char *agent; /* NULL: metaverse */
	const char *type;
	const struct image *image;
	struct sv dn;
	struct sv anchor;
};

/* --- search.c --- */

/* Clauses made ready. ERR_INVALID: there is no such attribute. */
int search_compile(struct search *search, struct error *err);
void search_release(struct search *search);
bool search_type_fits(const struct search *search, const char *type);

struct search_names {
	VEC(const char *) all;
};

/* ERR_INVALID: "no WHAT 'NAME'", with the nearest of the names, which are
 * released, or `otherwise`. */
int search_unknown(const char *what, struct sv name, struct search_names *names,
		   const char *otherwise, struct error *err);
/* ERR_NOTFOUND */
int search_no_agent(struct display *display, const char *agent,
		    struct error *err);

/* --- search_test.c --- */

/* All clauses hold: 1, 0, -1 */
int search_test(struct search *search, const struct candidate *candidate,
		struct error *err);

#endif
