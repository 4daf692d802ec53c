/*
 * test_limit.c - counts and percentages of guards
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/limit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool exceeded(bool percent, int64_t value, int64_t above, int64_t count,
		     int64_t total)
{
	const struct config_limit limit = { true, percent, value };

	return config_limit_exceeded(&limit, above, count, total);
}

static void not_set(void **state)
{
	const struct config_limit limit = { false, false, 0 };

	(void)state;
	assert_false(config_limit_exceeded(&limit, 0, 1000, 1000));
}

/* A count is exact and knows no `above`. */
static void counts(void **state)
{
	(void)state;
	assert_false(exceeded(false, 5, 20, 5, 10));
	assert_true(exceeded(false, 5, 20, 6, 1000));
	assert_true(exceeded(false, 0, 20, 1, 1000));
	assert_false(exceeded(false, 0, 20, 0, 1000));
}

static void percentages(void **state)
{
	(void)state;
	/* of a thousand a fifth passes, one more does not */
	assert_false(exceeded(true, 2000, 20, 200, 1000));
	assert_true(exceeded(true, 2000, 20, 201, 1000));
	/* hundredths count */
	assert_false(exceeded(true, 1250, 0, 125, 1000));
	assert_true(exceeded(true, 1250, 0, 126, 1000));
	assert_true(exceeded(true, 1, 0, 1, 1000));
	assert_false(exceeded(true, 10000, 0, 1000, 1000));
}

/* From `enough` on it is never exceeded, one less and it is. */
static void enough(void **state)
{
	int64_t values[] = { 1, 7, 333, 2000, 5000, 9999, 10000 };
	size_t v;
	int64_t count;

	(void)state;
	for (v = 0; v < sizeof(values) / sizeof(*values); v++) {
		const struct config_limit limit = { true, true, values[v] };

		for (count = 1; count < 60; count++) {
			int64_t total = config_limit_enough(&limit, 20, count);

			assert_false(config_limit_exceeded(&limit, 20, count,
							   total));
			assert_false(config_limit_exceeded(&limit, 20, count,
							   total + 1));
			assert_true(config_limit_exceeded(&limit, 20, count,
							  total - 1));
		}
	}
}

static void never_enough(void **state)
{
	const struct config_limit none = { true, true, 0 };
	const struct config_limit plain = { true, false, 5 };

	(void)state;
	assert_int_equal(config_limit_enough(&none, 20, 21), INT64_MAX);
	assert_int_equal(config_limit_enough(&none, 20, 20), 40);
	assert_int_equal(config_limit_enough(&none, 20, 0), 0);
	/* a plain count knows no total */
	assert_int_equal(config_limit_enough(&plain, 20, 100), 0);
}

/* So few pass, unless they are more than half of all. */
static void a_few(void **state)
{
	(void)state;
	assert_false(exceeded(true, 2000, 20, 20, 40));
	assert_true(exceeded(true, 2000, 20, 21, 40));
	assert_true(exceeded(true, 2000, 20, 20, 39));
	assert_false(exceeded(true, 2000, 20, 1, 2));
	assert_true(exceeded(true, 2000, 20, 1, 1));
	assert_false(exceeded(true, 2000, 20, 0, 0));
	assert_true(exceeded(true, 2000, 20, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_set),      cmocka_unit_test(counts),
		cmocka_unit_test(percentages),  cmocka_unit_test(enough),
		cmocka_unit_test(never_enough), cmocka_unit_test(a_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
