/*
 * test_ids.c - lists of ids as differences; counters in memory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/counters.h"
#include "store/cs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void lists(void **state)
{
	static const int64_t ids[] = {
		0,
		1,
		5,
		5,
		2,
		CS_ID(1, 1),
		CS_ID(65535, 1),
		CS_ID(65535, 4096),
		CS_ID(2, 7),
		INT64_MAX,
		0,
	};
	const size_t count = sizeof(ids) / sizeof(*ids);
	struct strbuf list = STRBUF_INIT(1000);
	int64_t last = 0;
	int64_t id;
	size_t at = 0;
	size_t i;

	(void)state;
	for (i = 0; i < count; i++)
		store_ids_encode(&list, &last, ids[i]);
	last = 0;
	for (i = 0; i < count; i++) {
		assert_int_equal(
			store_ids_decode(strbuf_sv(&list), &at, &last, &id), 1);
		assert_true(id == ids[i]);
	}
	assert_int_equal(store_ids_decode(strbuf_sv(&list), &at, &last, &id),
			 0);
	/* cut off in the middle */
	at = 0;
	last = 0;
	assert_int_equal(store_ids_decode(SV_LIT("\xff\xff"), &at, &last, &id),
			 -1);
	/* a run of neighbours costs a byte each */
	strbuf_reset(&list);
	last = CS_ID(1, 0);
	for (i = 1; i <= 100; i++)
		store_ids_encode(&list, &last, CS_ID(1, i));
	assert_int_equal(list.len, 100);
	strbuf_release(&list);
}

static void id_parts(void **state)
{
	(void)state;
	assert_int_equal(CS_AGENT(CS_ID(65535, 12)), 65535);
	assert_true(CS_SEQUENCE(CS_ID(65535, 12)) == 12);
	assert_true(CS_ID(65535, (INT64_C(1) << 40) - 1) > 0);
}

static void counters(void **state)
{
	struct counters counters = { 0 };
	size_t i;

	(void)state;
	assert_true(counters_get(&counters, 0, "stage-add") == 0);
	for (i = 1; i <= 10; i++) {
		counters_add(&counters, 0, "stage-add", CS_ID(1, i));
		counters_add(&counters, 2, "connector-flow", CS_ID(2, i));
		counters_add(&counters, 3, "connector-flow", CS_ID(3, i));
		counters_add(&counters, 0, "stage-no-change", CS_ID(1, i));
	}
	assert_true(counters_get(&counters, 0, "stage-add") == 10);
	assert_true(counters_get(&counters, 2, "connector-flow") == 10);
	assert_true(counters_get(&counters, 0, "connector-flow") == 0);
	assert_true(counters_sum(&counters, "connector-flow") == 20);
	counters_take(&counters, 0, "stage-no-change");
	assert_true(counters_get(&counters, 0, "stage-no-change") == 9);
	/* only counted: there may be millions */
	assert_int_equal(counters.all.at[3].ids.len, 0);
	assert_true(counters.all.at[0].ids.len > 0);
	counters_release(&counters);
	counters_release(&counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(id_parts),
		cmocka_unit_test(counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
