/*
 * test_random.c - the same seed gives the same bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hash.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void repeats(void **state)
{
	unsigned char seed[RANDOM_SEED_SIZE] = { 1, 2, 3 };
	unsigned char first[2][40];
	unsigned char uuid[2][16];
	uint32_t number[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		random_repeat(seed);
		random_bytes(first[i], sizeof(first[i]));
		uuid_random(uuid[i]);
		number[i] = random_below(1000000);
	}
	assert_memory_equal(first[0], first[1], sizeof(first[0]));
	assert_memory_equal(uuid[0], uuid[1], sizeof(uuid[0]));
	assert_memory_not_equal(first[0], uuid[0], sizeof(uuid[0]));
	assert_int_equal(number[0], number[1]);
	seed[0] = 2;
	random_repeat(seed);
	random_bytes(first[1], sizeof(first[1]));
	assert_memory_not_equal(first[0], first[1], sizeof(first[0]));
	random_repeat(NULL);
	random_bytes(first[1], sizeof(first[1]));
	random_bytes(first[0], sizeof(first[0]));
	assert_memory_not_equal(first[0], first[1], sizeof(first[0]));
}

static void below(void **state)
{
	int seen[5] = { 0 };
	int i;

	(void)state;
	assert_int_equal(random_below(0), 0);
	assert_int_equal(random_below(1), 0);
	for (i = 0; i < 5000; i++) {
		uint32_t number = random_below(5);

		assert_true(number < 5);
		seen[number]++;
	}
	for (i = 0; i < 5; i++)
		assert_true(seen[i] > 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats),
		cmocka_unit_test(below),
	};

	return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
