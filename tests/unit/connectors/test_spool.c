/*
 * test_spool.c - what is collected is read again, in its order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 300
#define LARGE ((size_t)600 * 1000) /* more than is read at once */

static size_t length_of(size_t i)
{
	return i % 100 == 50 ? LARGE + i : i * 17 % 4000;
}

static void read_in_order(void **state)
{
	struct spool spool = SPOOL_INIT;
	struct spool_reader reader = { .at = 0 };
	char *text = mem_alloc(LARGE + COUNT);
	struct sv out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		memset(text, (int)('a' + i % 26), length_of(i));
		assert_int_equal(
			spool_add(&spool, sv_make(text, length_of(i)), NULL),
			0);
	}
	assert_int_equal(spool_flush(&spool, NULL), 0);
	for (i = 0; i < COUNT; i++) {
		memset(text, (int)('a' + i % 26), length_of(i));
		assert_int_equal(
			spool_next(&spool, &reader, length_of(i), &out, NULL),
			0);
		assert_int_equal(out.len, length_of(i));
		if (out.len)
			assert_memory_equal(out.ptr, text, out.len);
	}
	assert_int_equal(spool_next(&spool, &reader, 1, &out, NULL), -1);
	spool_reader_release(&reader);
	assert_int_equal(spool_next(&spool, &reader, 1, &out, NULL), 0);
	assert_int_equal(*out.ptr, 'b');
	spool_reader_release(&reader);
	spool_release(&spool);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
