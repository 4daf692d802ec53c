/*
 * test_arena.c - memory with one lifetime
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void aligned_and_apart(void **state)
{
	struct arena arena = ARENA_INIT;
	unsigned char *at[300];
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < 300; i++) {
		at[i] = arena_alloc(&arena, i * 7);
		assert_int_equal((uintptr_t)at[i] % 16, 0);
		memset(at[i], (int)(i & 255), i * 7);
	}
	for (i = 0; i < 300; i++)
		for (k = 0; k < i * 7; k++)
			assert_int_equal(at[i][k], i & 255);
	arena_release(&arena);
}

static void of_any_size(void **state)
{
	static const size_t sizes[] = {
		0, 1, 15, 16, 16384, 16385, 1 << 20, 3 << 20, 17, (1 << 20) + 1
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = arena_zalloc(&arena, sizes[i]);

		assert_non_null(p);
		if (sizes[i]) {
			assert_int_equal(p[0], 0);
			assert_int_equal(p[sizes[i] - 1], 0);
			memset(p, 1, sizes[i]);
		}
	}
	arena_release(&arena);
	/* usable again */
	assert_non_null(arena_alloc(&arena, 1));
	arena_release(&arena);
	arena_release(&arena);
}

static void reset_keeps_a_block(void **state)
{
	struct arena arena = ARENA_INIT;
	void *first;
	int i;

	(void)state;
	arena_reset(&arena);
	(void)arena_alloc(&arena, 100000);
	arena_reset(&arena);
	first = arena_alloc(&arena, 8);
	for (i = 0; i < 1000; i++) {
		arena_reset(&arena);
		assert_ptr_equal(arena_alloc(&arena, 8), first);
	}
	/* zeroed also where something stood before */
	memset(first, 0xff, 8);
	arena_reset(&arena);
	assert_int_equal(*(char *)arena_zalloc(&arena, 8), 0);
	arena_release(&arena);
}

static void tells_its_size(void **state)
{
	struct arena arena = ARENA_INIT;
	size_t size;

	(void)state;
	assert_int_equal(arena_size(&arena), 0);
	(void)arena_alloc(&arena, 100000);
	size = arena_size(&arena);
	assert_true(size >= 100000);
	(void)arena_alloc(&arena, 10000000);
	assert_true(arena_size(&arena) >= size + 10000000);
	assert_true(arena_used(&arena) >= 10000000);
	arena_reset(&arena);
	assert_int_equal(arena_used(&arena), 0);
	(void)arena_alloc(&arena, 1000);
	assert_in_range(arena_used(&arena), 1000, 1100);
	arena_release(&arena);
	assert_int_equal(arena_size(&arena), 0);
}

static void copies(void **state)
{
	struct arena arena = ARENA_INIT;
	struct sv copy;
	int *numbers;

	(void)state;
	copy = arena_dup(&arena, SV_LIT("a\0b"));
	assert_true(sv_eq(copy, SV_LIT("a\0b")));
	assert_int_equal(copy.ptr[3], 0);
	copy = arena_dup(&arena, SV_NULL);
	assert_non_null(copy.ptr);
	assert_string_equal(copy.ptr, "");
	assert_string_equal(arena_cstr(&arena, SV_LIT("abc")), "abc");
	assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_printf(&arena, "%s", ""), "");
	numbers = arena_array(&arena, 1000, sizeof(*numbers));
	assert_int_equal(numbers[999], 0);
	arena_release(&arena);
}

/* Does `fn` end the process by abort()? */
static bool aborts(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		(void)close(2);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

static void too_many_items(void)
{
	struct arena arena = ARENA_INIT;

	(void)arena_array(&arena, SIZE_MAX / 2, 3);
}

static void too_large(void)
{
	struct arena arena = ARENA_INIT;

	(void)arena_alloc(&arena, SIZE_MAX - 3);
}

static void too_much_aborts(void **state)
{
	(void)state;
	assert_true(aborts(too_many_items));
	assert_true(aborts(too_large));
}

static void heap(void **state)
{
	char *s = mem_strdup("abc");
	char *z = mem_zalloc(0);

	(void)state;
	assert_string_equal(s, "abc");
	s = mem_realloc(s, 100000);
	assert_string_equal(s, "abc");
	assert_non_null(z);
	mem_free(s);
	mem_free(z);
	mem_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_and_apart),
		cmocka_unit_test(of_any_size),
		cmocka_unit_test(reset_keeps_a_block),
		cmocka_unit_test(tells_its_size),
		cmocka_unit_test(copies),
		cmocka_unit_test(too_much_aborts),
		cmocka_unit_test(heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
