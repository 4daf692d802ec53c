/*
 * test_containers.c - growable arrays, maps by number and by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int descending(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

static void vec(void **state)
{
	VEC(int) numbers = VEC_INIT;
	int *p;
	int sum = 0;
	int i;

	(void)state;
	vec_foreach(&numbers, p)
		fail();
	for (i = 0; i < 1000; i++)
		vec_push(&numbers, i);
	assert_int_equal(numbers.len, 1000);
	vec_foreach(&numbers, p)
		sum += *p;
	assert_int_equal(sum, 499500);
	vec_sort(&numbers, descending);
	assert_int_equal(numbers.at[0], 999);
	vec_clear(&numbers);
	vec_sort(&numbers, descending);
	assert_int_equal(numbers.len, 0);
	assert_true(numbers.size >= 1000);
	vec_reserve(&numbers, 5000);
	assert_true(numbers.size >= 5000);
	vec_release(&numbers);
	assert_null(numbers.at);
	vec_release(&numbers);
}

static struct sv numbered(char *room, size_t size, unsigned i)
{
	(void)snprintf(room, size, "uid=p%u,ou=people,dc=example,dc=org", i);
	return sv_from(room);
}

static void many_texts(void **state)
{
	struct hashmap map;
	char room[64];
	unsigned i;

	(void)state;
	hashmap_init(&map);
	assert_null(hashmap_find(&map, SV_LIT("a")));
	for (i = 0; i < 100000; i++) {
		uint64_t *value =
			hashmap_at(&map, numbered(room, sizeof(room), i));

		assert_int_equal(*value, 0);
		*value = i + 1;
	}
	assert_int_equal(map.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(
			*hashmap_find(&map, numbered(room, sizeof(room), i)),
			i + 1);
	assert_null(hashmap_find(&map, numbered(room, sizeof(room), i)));
	assert_null(hashmap_find(&map, SV_NULL));
	*hashmap_at(&map, SV_NULL) = 7;
	assert_int_equal(*hashmap_at(&map, SV_LIT("")), 7);
	assert_int_equal(map.len, 100001);
	hashmap_release(&map);
	assert_null(hashmap_find(&map, SV_NULL));
	hashmap_release(&map);
}

/* Keys that differ in high bits only, in low bits only, and in both. */
static uint64_t key(uint64_t i)
{
	if (i % 3 == 0)
		return (i + 1) << 40;
	return i % 3 == 1 ? i + 1 : (i + 1) * UINT64_C(0x10001);
}

static void many_numbers(void **state)
{
	struct idmap map = IDMAP_INIT;
	uint64_t value;
	uint64_t i;

	(void)state;
	assert_int_equal(idmap_get(&map, 1, &value), 0);
	for (i = 0; i < 200000; i++)
		idmap_put(&map, key(i), i);
	assert_int_equal(map.len, 200000);
	for (i = 0; i < 200000; i++) {
		assert_int_equal(idmap_get(&map, key(i), &value), 1);
		assert_int_equal(value, i);
	}
	assert_int_equal(idmap_get(&map, UINT64_MAX, NULL), 0);
	for (i = 0; i < 200000; i += 2)
		idmap_put(&map, key(i), i * 2);
	assert_int_equal(map.len, 200000);
	assert_int_equal(idmap_get(&map, key(1000), &value), 1);
	assert_int_equal(value, 2000);
	idmap_clear(&map);
	assert_int_equal(map.len, 0);
	assert_int_equal(idmap_get(&map, key(1), NULL), 0);
	idmap_release(&map);
}

static void cleared_and_filled_again(void **state)
{
	struct idmap map = IDMAP_INIT;
	int x;
	uint64_t i;
	int round;

	(void)state;
	for (round = 0; round < 5; round++) {
		for (i = 1; i <= 100; i++)
			idmap_put_ptr(&map, i * 64, &x);
		assert_int_equal(map.len, 100);
		assert_ptr_equal(idmap_get_ptr(&map, 64), &x);
		assert_null(idmap_get_ptr(&map, 65));
		idmap_clear(&map);
		assert_null(idmap_get_ptr(&map, 64));
	}
	idmap_release(&map);
	idmap_release(&map);
	assert_null(idmap_get_ptr(&map, 64));
}

static void names(void **state)
{
	struct namemap *map = namemap_new(false);
	uint64_t value;
	char name[300];
	uint64_t i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "name %d", (int)i);
		namemap_put(map, sv_from(name), i);
	}
	assert_int_equal(namemap_len(map), 20000);
	assert_int_equal(namemap_get(map, SV_LIT("name 12345"), &value), 1);
	assert_int_equal(value, 12345);
	assert_int_equal(namemap_get(map, SV_LIT("Name 12345"), &value), 0);
	namemap_put(map, SV_LIT("name 7"), 70);
	assert_int_equal(namemap_len(map), 20000);
	assert_int_equal(namemap_get(map, SV_LIT("name 7"), &value), 1);
	assert_int_equal(value, 70);
	/* an empty name and one with a NUL byte are names like others */
	assert_int_equal(namemap_get(map, SV_NULL, NULL), 0);
	namemap_put(map, SV_NULL, 1);
	namemap_put(map, SV_LIT("a\0b"), 2);
	assert_int_equal(namemap_get(map, SV_LIT(""), &value), 1);
	assert_int_equal(namemap_get(map, SV_LIT("a"), NULL), 0);
	assert_int_equal(namemap_get(map, SV_LIT("a\0b"), &value), 1);
	assert_int_equal(value, 2);
	namemap_free(map);
	namemap_free(NULL);
}

static void names_without_case(void **state)
{
	struct namemap *map = namemap_new(true);
	uint64_t value;
	char name[300];

	(void)state;
	namemap_put(map, SV_LIT("sAMAccountName"), 1);
	namemap_put(map, SV_LIT("SAMACCOUNTNAME"), 2);
	assert_int_equal(namemap_len(map), 1);
	assert_int_equal(namemap_get(map, SV_LIT("samaccountname"), &value), 1);
	assert_int_equal(value, 2);
	/* longer than what fits on the stack */
	memset(name, 'A', sizeof(name));
	namemap_put(map, sv_make(name, sizeof(name)), 3);
	memset(name, 'a', sizeof(name));
	assert_int_equal(namemap_get(map, sv_make(name, sizeof(name)), &value),
			 1);
	assert_int_equal(value, 3);
	namemap_put(map, SV_NULL, 4);
	assert_int_equal(namemap_get(map, SV_NULL, &value), 1);
	assert_int_equal(value, 4);
	namemap_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vec),
		cmocka_unit_test(many_numbers),
		cmocka_unit_test(many_texts),
		cmocka_unit_test(cleared_and_filled_again),
		cmocka_unit_test(names),
		cmocka_unit_test(names_without_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
