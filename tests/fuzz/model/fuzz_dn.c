/*
 * fuzz_dn.c - any text as a distinguished name
 *
 * Folding twice is folding once; a name that is taken apart and put together
 * again is equal to itself; a value that is escaped comes back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "model/dn.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

static void folds(struct sv dn, struct arena *arena)
{
	struct sv once = dn_fold(dn, arena);

	REQUIRE(sv_eq(dn_fold(once, arena), once));
	REQUIRE(dn_equal(dn, once));
	REQUIRE(dn_valid(dn) == dn_valid(once));
	REQUIRE(dn_depth(dn) == dn_depth(once));
}

static void comes_apart(struct sv dn, struct arena *arena)
{
	struct sv rdn;
	struct sv parent = dn;
	struct sv type;
	struct sv value;
	size_t depth = 0;

	while (parent.len && dn_split(parent, &rdn, &parent)) {
		REQUIRE(rdn.len);
		if (!dn_valid(parent) && parent.len)
			return;
		REQUIRE(dn_depth(rdn) == 1);
		REQUIRE(dn_component(dn, ++depth, arena, &type, &value));
		REQUIRE(dn_valid(dn_join(rdn, parent, arena)));
		REQUIRE(dn_within(dn, parent));
	}
	if (dn_valid(dn))
		REQUIRE(depth == dn_depth(dn));
	REQUIRE(!dn_component(dn, depth + 1, arena, &type, &value) ||
		!dn_valid(dn));
}

static void put_together(struct sv dn, struct arena *arena)
{
	struct sv rdn;
	struct sv parent;

	if (!dn_valid(dn) || !dn_split(dn, &rdn, &parent))
		return;
	REQUIRE(dn_equal(dn_join(rdn, parent, arena), dn));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = sv_make((const char *)data, size);
	struct arena arena = ARENA_INIT;

	folds(text, &arena);
	comes_apart(text, &arena);
	put_together(text, &arena);
	REQUIRE(sv_eq(dn_unescape(dn_escape(text, &arena), &arena), text));
	arena_release(&arena);
	return 0;
}
