/*
 * test_ids.c - ids in order, as qsort has them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"
#include "base/idbytes.h"
#include "base/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void compare(const int64_t *ids, size_t count)
{
	size_t size = (count + 1) * sizeof(*ids);
	int64_t *sorted = mem_zalloc(size);
	int64_t *expected = mem_zalloc(size);

	if (count) {
		memcpy(sorted, ids, count * sizeof(*ids));
		memcpy(expected, ids, count * sizeof(*ids));
		qsort(expected, count, sizeof(*ids), order);
	}
	ids_sort(sorted, count);
	assert_memory_equal(sorted, expected, size);
	mem_free(sorted);
	mem_free(expected);
}

static void edges(void **state)
{
	static const int64_t few[] = { 3, INT64_MIN, 0, -1, INT64_MAX, 3, 1 };

	(void)state;
	compare(NULL, 0);
	compare(few, 1);
	compare(few, 2);
	compare(few, sizeof(few) / sizeof(*few));
}

/* Few and many, close together and over the whole range. */
static void random_ones(void **state)
{
	static const size_t counts[] = { 63, 64, 65, 300, 5000 };
	uint64_t masks[] = { 0xff, 0xffff, UINT64_C(0x700000000000ffff),
			     UINT64_MAX };
	uint64_t x = 88172645463325252;
	int64_t ids[5000];
	size_t m;
	size_t c;
	size_t i;

	(void)state;
	for (m = 0; m < sizeof(masks) / sizeof(*masks); m++) {
		for (c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
			for (i = 0; i < counts[c]; i++) {
				x ^= x << 13;
				x ^= x >> 7;
				x ^= x << 17;
				ids[i] = (int64_t)(x & masks[m]);
			}
			compare(ids, counts[c]);
		}
	}
}

static void see(void *data, int64_t id, uint8_t value)
{
	int64_t **next = data;

	assert_true(*(*next)++ == id);
	assert_int_equal(value, (uint8_t)(id % 7 + 8));
}

/* Near and far, in any order, and each again. */
static void bytes(void **state)
{
	int64_t ids[] = { 5,
			  4,
			  255,
			  256,
			  -1,
			  -256,
			  -257,
			  0,
			  INT64_MAX,
			  INT64_MIN,
			  (INT64_C(3) << 40) + 17,
			  4096 };
	enum { COUNT = sizeof(ids) / sizeof(*ids) };
	struct id_bytes map = { 0 };
	int64_t *next = ids;
	size_t i;

	(void)state;
	id_bytes_each(&map, see, &next);
	assert_ptr_equal(next, ids);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(id_bytes_get(&map, ids[i]), 0);
		id_bytes_put(&map, ids[i], 99);
	}
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(id_bytes_get(&map, ids[i]), 99);
		id_bytes_put(&map, ids[i], (uint8_t)(ids[i] % 7 + 8));
	}
	id_bytes_put(&map, 77, 1);
	id_bytes_put(&map, 77, 0);
	assert_int_equal(id_bytes_get(&map, 6), 0);
	ids_sort(ids, COUNT);
	id_bytes_each(&map, see, &next);
	assert_ptr_equal(next, ids + COUNT);
	id_bytes_release(&map);
	assert_int_equal(id_bytes_get(&map, 5), 0);
	id_bytes_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(bytes),
		cmocka_unit_test(random_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
