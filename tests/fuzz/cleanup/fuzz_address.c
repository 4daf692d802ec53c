/*
 * fuzz_address.c - any bytes as a mail address
 *
 * What is proposed is no longer than what was given, is right
 * unless it is said not to be, and stays as it is when it is asked again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

/* What repairing is about: the top-level domain stays as it is. */
#define REPAIRED (CLEANUP_DOMAIN_PART | CLEANUP_LOCAL_PART | CLEANUP_FORMAT)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct sv value = sv_make((const char *)data, size);
	struct address first = address_check(value, &arena);
	struct address second = address_check(first.repaired, &arena);

	REQUIRE(first.repaired.len <= size);
	/* without its colon "a:smtp:b" is no address of that kind any more */
	if (!(first.errors & CLEANUP_FORMAT) &&
	    address_is_smtp(value) == address_is_smtp(first.repaired))
		REQUIRE(!(second.errors & REPAIRED));
	(void)value_of(first.repaired);
	arena_release(&arena);
	return 0;
}
