/*
 * test_value.c - values: read, print, compare, as sets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "model/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void expect_read(enum value_type type, const char *text,
			const char *format, const char *printed)
{
	struct value value;

	if (!value_parse(type, sv_from(text), sv_from(format), &value))
		fail_msg("cannot read '%s'", text);
	assert_int_equal(value.type, type);
	assert_string_equal(arena_cstr(&arena, value_text(&value, &arena)),
			    printed);
}

static void expect_not(enum value_type type, const char *text,
		       const char *format)
{
	struct value value;

	if (value_parse(type, sv_from(text), sv_from(format), &value))
		fail_msg("read '%s'", text);
}

static void types(void **state)
{
	enum value_type type;
	int i;

	(void)state;
	for (i = VALUE_STRING; i <= VALUE_REFERENCE; i++) {
		const char *name = value_type_name((enum value_type)i);

		assert_int_equal(value_type_parse(sv_from(name), &type), 1);
		assert_int_equal(type, i);
	}
	assert_int_equal(value_type_parse(SV_LIT("null"), &type), 0);
	assert_int_equal(value_type_parse(SV_LIT("number"), &type), 0);
	/* these numbers stand in every store */
	assert_int_equal(VALUE_STRING, 1);
	assert_int_equal(VALUE_INTEGER, 2);
	assert_int_equal(VALUE_BOOLEAN, 3);
	assert_int_equal(VALUE_BINARY, 4);
	assert_int_equal(VALUE_DATETIME, 5);
	assert_int_equal(VALUE_REFERENCE, 6);
}

static void reads_and_prints(void **state)
{
	(void)state;
	expect_read(VALUE_STRING, " kept as it is ", NULL, " kept as it is ");
	expect_not(VALUE_STRING, "\xff", NULL);
	expect_read(VALUE_INTEGER, " 0042 ", NULL, "42");
	expect_read(VALUE_INTEGER, "-9223372036854775808", NULL,
		    "-9223372036854775808");
	expect_not(VALUE_INTEGER, "4 2", NULL);
	expect_not(VALUE_INTEGER, "", NULL);
	expect_read(VALUE_BOOLEAN, "TRUE", NULL, "true");
	expect_read(VALUE_BOOLEAN, " yes ", NULL, "true");
	expect_read(VALUE_BOOLEAN, "On", NULL, "true");
	expect_read(VALUE_BOOLEAN, "1", NULL, "true");
	expect_read(VALUE_BOOLEAN, "no", NULL, "false");
	expect_read(VALUE_BOOLEAN, "OFF", NULL, "false");
	expect_read(VALUE_BOOLEAN, "False", NULL, "false");
	expect_read(VALUE_BOOLEAN, "0", NULL, "false");
	expect_not(VALUE_BOOLEAN, "2", NULL);
	expect_not(VALUE_BOOLEAN, "y", NULL);
	expect_read(VALUE_BINARY, "\xff\x01", NULL, "\xff\x01");
	expect_read(VALUE_REFERENCE, "cn=a", NULL, "cn=a");
	expect_not(VALUE_REFERENCE, "\xff", NULL);
	expect_not(VALUE_NULL, "", NULL);
}

static void datetimes(void **state)
{
	(void)state;
	expect_read(VALUE_DATETIME, "2026-11-21", NULL, "2026-11-21T00:00:00Z");
	expect_read(VALUE_DATETIME, "20261121093000Z", NULL,
		    "2026-11-21T09:30:00Z");
	expect_not(VALUE_DATETIME, "21.11.2026", NULL);
	expect_read(VALUE_DATETIME, "21.11.2026", "dd.MM.yyyy",
		    "2026-11-21T00:00:00Z");
	expect_read(VALUE_DATETIME, " 11/21/2026 09:30:59 ",
		    "MM/dd/yyyy HH:mm:ss", "2026-11-21T09:30:59Z");
	expect_read(VALUE_DATETIME, "26-02-28", "yy-MM-dd",
		    "2026-02-28T00:00:00Z");
	expect_read(VALUE_DATETIME, "20261121", "yyyyMMdd",
		    "2026-11-21T00:00:00Z");
	expect_not(VALUE_DATETIME, "21.11.2026 ", "dd.MM.yyyy HH");
	expect_not(VALUE_DATETIME, "21.11.20266", "dd.MM.yyyy");
	expect_not(VALUE_DATETIME, "1.11.2026", "dd.MM.yyyy");
	expect_not(VALUE_DATETIME, "29.02.2026", "dd.MM.yyyy");
	expect_not(VALUE_DATETIME, "2026-11-21", "dd.MM.yyyy");
	expect_not(VALUE_DATETIME, "", "dd.MM.yyyy");
}

static void reference_without_text(void **state)
{
	struct value value = value_reference(17, SV_NULL);

	(void)state;
	assert_string_equal(value_text(&value, &arena).ptr, "#17");
	value = (struct value){ VALUE_NULL, 0, SV_NULL };
	assert_int_equal(value_text(&value, &arena).len, 0);
}

static void two_comparisons(void **state)
{
	struct value ann = value_string(SV_LIT("Ann"));
	struct value small = value_string(SV_LIT("ann"));
	struct value one = value_integer(1);
	struct value yes = value_boolean(true);
	struct value bytes = value_binary(SV_LIT("Ann"));
	struct value more = value_binary(SV_LIT("ann"));

	(void)state;
	assert_true(value_identical(&ann, &ann));
	assert_false(value_identical(&ann, &small));
	assert_true(value_same(&ann, &small, MATCH_IGNORE_CASE));
	assert_false(value_same(&ann, &small, MATCH_EXACT));
	assert_false(value_same(&bytes, &more, MATCH_IGNORE_CASE));
	assert_false(value_identical(&one, &yes));
	assert_false(value_identical(&ann, &bytes));
	assert_false(value_same(&ann, &bytes, MATCH_IGNORE_CASE));
}

static void references_by_what_they_name(void **state)
{
	struct value a = value_reference(7, SV_LIT("cn=a"));
	struct value b = value_reference(7, SV_LIT("cn=b"));
	struct value c = value_reference(8, SV_LIT("cn=a"));
	struct value x = value_reference(0, SV_LIT("cn=a"));
	struct value y = value_reference(0, SV_LIT("CN=A"));

	(void)state;
	assert_true(value_identical(&a, &b));
	assert_false(value_identical(&a, &c));
	assert_false(value_identical(&a, &x));
	assert_true(value_identical(&x, &y));
	assert_int_equal(value_order(&a, &b), 0);
	assert_int_equal(value_order(&x, &y), 0);
	assert_true(value_order(&a, &c) < 0);
	assert_true(value_order(&x, &a) < 0);
}

/* Values of every type, some of them twice. */
static size_t samples(struct value *out)
{
	size_t n = 0;
	int i;

	for (i = 0; i < 4; i++) {
		static const char *const texts[] = { "", "a", "A", "b" };

		out[n++] = value_string(sv_from(texts[i]));
		out[n++] = value_binary(sv_from(texts[i]));
		out[n++] = value_integer(i - 2);
		out[n++] = value_datetime(i - 2);
		out[n++] = value_boolean(i % 2);
		out[n++] = value_reference(i / 2, sv_from(texts[i]));
	}
	out[n++] = value_integer(INT64_MIN);
	out[n++] = value_integer(INT64_MAX);
	return n;
}

static void order_is_total(void **state)
{
	struct value v[40];
	size_t n = samples(v);
	size_t i;
	size_t j;
	size_t k;

	(void)state;
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			int ij = value_order(&v[i], &v[j]);

			assert_true((ij == 0) == value_identical(&v[i], &v[j]));
			assert_true((ij < 0) ==
				    (value_order(&v[j], &v[i]) > 0));
			for (k = 0; k < n; k++)
				if (ij < 0 && value_order(&v[j], &v[k]) < 0)
					assert_true(value_order(&v[i], &v[k]) <
						    0);
		}
	}
}

/* "a|b|c" */
static struct values set(const char *text)
{
	struct values values = { NULL, 0 };
	struct sv rest = sv_from(text);

	values.at = arena_array(&arena, rest.len + 1, sizeof(*values.at));
	while (rest.ptr && rest.len) {
		size_t end = sv_find(rest, '|', 0);

		values.at[values.len++] = value_string(sv_sub(rest, 0, end));
		rest = end < rest.len ? sv_sub(rest, end + 1, rest.len)
				      : SV_NULL;
	}
	return values;
}

static void small_sets(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool identical;
		bool same;
	} cases[] = {
		{ "a|b", "b|a", true, true },   { "a|b", "a|b|a", true, true },
		{ "a|b", "A|b", false, true },  { "a|A", "a", false, true },
		{ "a", "", false, false },      { "", "", true, true },
		{ "a|b", "a|c", false, false }, { "a", "a|b", false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct values a = set(cases[i].a);
		struct values b = set(cases[i].b);

		assert_int_equal(values_identical(&a, &b), cases[i].identical);
		assert_int_equal(values_identical(&b, &a), cases[i].identical);
		assert_int_equal(values_same(&a, &b, MATCH_IGNORE_CASE),
				 cases[i].same);
		assert_int_equal(values_same(&b, &a, MATCH_IGNORE_CASE),
				 cases[i].same);
		assert_int_equal(values_same(&a, &b, MATCH_EXACT),
				 cases[i].identical);
	}
}

static struct values numbers(int64_t from, int64_t count, int64_t step)
{
	struct values values = { NULL, (size_t)count };
	int64_t i;

	values.at = arena_array(&arena, (size_t)count, sizeof(*values.at));
	for (i = 0; i < count; i++)
		values.at[i] = value_reference(from + i * step, SV_NULL);
	return values;
}

static void large_sets(void **state)
{
	struct values up = numbers(1, 50000, 1);
	struct values down = numbers(50000, 50000, -1);
	struct values other = numbers(2, 50000, 1);
	struct values none = { NULL, 0 };
	struct values twice;

	(void)state;
	assert_true(values_identical(&up, &down));
	assert_true(values_same(&up, &down, MATCH_IGNORE_CASE));
	assert_false(values_identical(&up, &other));
	assert_false(values_same(&up, &other, MATCH_IGNORE_CASE));
	assert_false(values_same(&up, &other, MATCH_EXACT));
	assert_false(values_identical(&up, &none));
	assert_false(values_identical(&none, &up));
	assert_false(values_same(&none, &up, MATCH_IGNORE_CASE));
	twice.len = up.len * 2;
	twice.at = arena_array(&arena, twice.len, sizeof(*twice.at));
	memcpy(twice.at, up.at, up.len * sizeof(*up.at));
	memcpy(twice.at + up.len, down.at, up.len * sizeof(*up.at));
	assert_true(values_identical(&twice, &up));
	values_canonical(&twice);
	assert_int_equal(twice.len, 50000);
	assert_true(twice.at[0].number == 1);
	assert_true(twice.at[49999].number == 50000);
}

static void large_sets_without_case(void **state)
{
	struct values a = set("a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r");
	struct values b = set("A|B|C|D|E|F|G|H|I|J|K|L|M|N|O|P|Q|R");

	(void)state;
	assert_false(values_identical(&a, &b));
	assert_true(values_same(&a, &b, MATCH_IGNORE_CASE));
	assert_false(values_same(&a, &b, MATCH_EXACT));
	b.len--;
	assert_false(values_same(&a, &b, MATCH_IGNORE_CASE));
}

static void canonical(void **state)
{
	struct values v = set("b|a|B|a|c|b");
	struct values none = { NULL, 0 };

	(void)state;
	values_canonical(&v);
	assert_int_equal(v.len, 4);
	assert_true(sv_eq_str(v.at[0].text, "B"));
	assert_true(sv_eq_str(v.at[1].text, "a"));
	assert_true(sv_eq_str(v.at[2].text, "b"));
	assert_true(sv_eq_str(v.at[3].text, "c"));
	values_canonical(&none);
	assert_int_equal(none.len, 0);
}

static void copies(void **state)
{
	char text[] = "Ann";
	struct value one = value_string(sv_from(text));
	struct values some = { &one, 1 };
	struct values copy = values_dup(&some, &arena);
	struct values none = { NULL, 0 };

	(void)state;
	text[0] = 'X';
	assert_int_equal(copy.len, 1);
	assert_true(sv_eq_str(copy.at[0].text, "Ann"));
	assert_int_equal(values_dup(&none, &arena).len, 0);
	assert_true(values_have(&copy, &copy.at[0], MATCH_EXACT));
	assert_false(values_have(&copy, &one, MATCH_EXACT));
	assert_false(values_have(&none, &one, MATCH_EXACT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(datetimes),
		cmocka_unit_test(reference_without_text),
		cmocka_unit_test(two_comparisons),
		cmocka_unit_test(references_by_what_they_name),
		cmocka_unit_test(order_is_total),
		cmocka_unit_test(small_sets),
		cmocka_unit_test(large_sets),
		cmocka_unit_test(large_sets_without_case),
		cmocka_unit_test(canonical),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
