/*
 * test_lineage.c - where values came from, as bytes and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/cs.h"
#include "sync/lineage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint32_t to_store[] = { 0, 9, 3, 7 };
static uint32_t from_store[] = { 0, 0, 0, 2, 0, 0, 0, 3, 0, 1 };
static const struct attr_map map = { to_store, 4, from_store, 10 };

static void round_trip(void **state)
{
	struct lineage_entry entries[] = {
		{ 1, CS_ID(1, 7), 0 },
		{ 2, CS_ID(65535, 1), INT64_C(134083110000000000) },
		{ 3, 0, INT64_MAX },
	};
	const struct lineage lineage = { entries, 3 };
	struct strbuf bytes = STRBUF_INIT(1000);
	struct arena arena = ARENA_INIT;
	struct lineage back;
	uint32_t i;

	(void)state;
	lineage_encode(&lineage, &map, &bytes);
	lineage_decode(strbuf_sv(&bytes), &map, &arena, &back);
	assert_int_equal(back.len, 3);
	for (i = 1; i <= 3; i++) {
		const struct lineage_entry *entry = lineage_get(&back, i);

		assert_non_null(entry);
		assert_true(entry->cs == entries[i - 1].cs);
		assert_true(entry->time == entries[i - 1].time);
	}
	assert_null(lineage_get(&back, 4));
	strbuf_release(&bytes);
	arena_release(&arena);
}

/* It only explains: what is damaged is left out, and nothing breaks. */
static void damaged(void **state)
{
	struct lineage_entry entry = { 1, CS_ID(1, 7), 5 };
	const struct lineage lineage = { &entry, 1 };
	struct strbuf bytes = STRBUF_INIT(1000);
	struct arena arena = ARENA_INIT;
	struct lineage back;
	size_t len;

	(void)state;
	lineage_encode(&lineage, &map, &bytes);
	for (len = 0; len < bytes.len; len++) {
		char *copy = mem_alloc(len);

		memcpy(copy, bytes.ptr, len);
		lineage_decode(sv_make(copy, len), &map, &arena, &back);
		assert_int_equal(back.len, 0);
		mem_free(copy);
	}
	/* a huge number of entries, an unknown attribute */
	lineage_decode(SV_LIT("\xff\xff\xff\xff\x7f"), &map, &arena, &back);
	assert_int_equal(back.len, 0);
	lineage_decode(SV_LIT("\x01\x7f\x01\x01"), &map, &arena, &back);
	assert_int_equal(back.len, 0);
	lineage_decode(SV_NULL, &map, &arena, &back);
	assert_int_equal(back.len, 0);
	assert_null(lineage_get(&back, 1));
	strbuf_release(&bytes);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
