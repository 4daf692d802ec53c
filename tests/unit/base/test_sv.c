/*
 * test_sv.c - views: compare, search, trim, read numbers, nearest names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void compare(void **state)
{
	(void)state;
	assert_true(sv_eq(SV_NULL, SV_LIT("")));
	assert_true(sv_eq(SV_LIT("a\0b"), SV_LIT("a\0b")));
	assert_false(sv_eq(SV_LIT("a\0b"), SV_LIT("a\0c")));
	assert_true(sv_eq_str(SV_LIT("ab"), "ab"));
	assert_false(sv_eq_str(SV_LIT("ab"), "abc"));
	assert_int_equal(sv_cmp(SV_NULL, SV_LIT("")), 0);
	assert_true(sv_cmp(SV_LIT("a"), SV_LIT("ab")) < 0);
	assert_true(sv_cmp(SV_LIT("b"), SV_LIT("ab")) > 0);
	/* bytes, not signed characters */
	assert_true(sv_cmp(SV_LIT("\xff"), SV_LIT("a")) > 0);
}

static void ignore_case(void **state)
{
	(void)state;
	assert_true(sv_ieq(SV_LIT("MemberOf"), SV_LIT("memberof")));
	assert_false(sv_ieq(SV_LIT("ab"), SV_LIT("abc")));
	/* '@' and '`', '[' and '{' differ by the same bit as letters */
	assert_false(sv_ieq(SV_LIT("@["), SV_LIT("`{")));
	assert_true(sv_ieq_str(SV_LIT("ABC"), "abc"));
	assert_false(sv_ieq_str(SV_LIT("ABC"), "ab"));
	assert_false(sv_ieq_str(SV_LIT("AB"), "abc"));
	assert_false(sv_ieq_str(SV_LIT("a\0b"), "a"));
	assert_true(sv_ieq_str(SV_NULL, ""));
}

static void find_and_trim(void **state)
{
	(void)state;
	assert_true(sv_starts(SV_LIT("secret:ad"), SV_LIT("secret:")));
	assert_false(sv_starts(SV_LIT("sec"), SV_LIT("secret:")));
	assert_true(sv_starts(SV_LIT("x"), SV_NULL));
	assert_true(sv_ends(SV_LIT("a.csv"), SV_LIT(".csv")));
	assert_false(sv_ends(SV_LIT("csv"), SV_LIT(".csv")));
	assert_int_equal(sv_find(SV_LIT("a,b,c"), ',', 0), 1);
	assert_int_equal(sv_find(SV_LIT("a,b,c"), ',', 2), 3);
	assert_int_equal(sv_find(SV_LIT("a,b,c"), ',', 4), 5);
	assert_int_equal(sv_find(SV_LIT("a"), ',', 9), 1);
	assert_int_equal(sv_find(SV_NULL, ',', 0), 0);
	assert_true(sv_eq_str(sv_trim(SV_LIT(" \t\r\na b\v\f ")), "a b"));
	assert_int_equal(sv_trim(SV_LIT(" \n ")).len, 0);
	assert_int_equal(sv_trim(SV_NULL).len, 0);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "+7", 7 },
		{ "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "-9223372036854775807", -INT64_MAX },
		{ "0000000000000000000000000000001", 1 },
	};
	static const char *const bad[] = {
		"",
		"-",
		"+",
		" 1",
		"1 ",
		"1.0",
		"0x10",
		"--1",
		"1e3",
		"١",
		"12a",
		"9223372036854775808",
		"-9223372036854775809",
		"18446744073709551616",
		"99999999999999999999999999",
	};
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		n = 99;
		assert_int_equal(sv_to_i64(sv_from(good[i].text), &n), 1);
		assert_true(n == good[i].value);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		n = 99;
		assert_int_equal(sv_to_i64(sv_from(bad[i]), &n), 0);
		assert_true(n == 99);
	}
	assert_int_equal(sv_to_i64(SV_NULL, &n), 0);
	assert_int_equal(sv_to_i64(SV_LIT("1\0"), &n), 0);
}

static void nearest(void **state)
{
	static const char *const names[] = { "filter", "join",   "project",
					     "import", "export", "provision" };
	char long_word[200];

	(void)state;
	assert_string_equal(sv_nearest(SV_LIT("fliter"), names, 6), "filter");
	assert_string_equal(sv_nearest(SV_LIT("PROJECT"), names, 6), "project");
	assert_string_equal(sv_nearest(SV_LIT("jion"), names, 6), "join");
	assert_string_equal(sv_nearest(SV_LIT("provisions"), names, 6),
			    "provision");
	assert_null(sv_nearest(SV_LIT("quarantine"), names, 6));
	assert_null(sv_nearest(SV_LIT("filter"), names, 0));
	assert_null(sv_nearest(SV_NULL, names, 6));
	memset(long_word, 'f', sizeof(long_word));
	assert_null(
		sv_nearest(sv_make(long_word, sizeof(long_word)), names, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare),       cmocka_unit_test(ignore_case),
		cmocka_unit_test(find_and_trim), cmocka_unit_test(numbers),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
