/*
 * test_format.c - typed values as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/format.h"

#include "base/clock.h"

#include "session.h"

static void values(void **state)
{
	static const struct attr_def plain = { .name = "a" };
	static const struct attr_def german = {
		.name = "b", .format = { "dd.MM.yyyy HH:mm:ss", 19 }
	};
	static const struct attr_def brief = { .name = "c",
					       .format = { "yyMMdd", 6 } };
	struct arena arena = ARENA_INIT;
	struct value boolean = value_boolean(true);
	struct value number = value_integer(-5);
	struct value time;
	int64_t ticks;

	(void)state;
	assert_int_equal(
		clock_parse_iso(SV_LIT("2026-03-09T08:07:06Z"), &ticks), 1);
	time = value_datetime(ticks);
	assert_true(sv_eq_str(
		format_value(&boolean, &plain, FORMAT_PLAIN, &arena), "true"));
	assert_true(sv_eq_str(
		format_value(&boolean, &plain, FORMAT_LDAP, &arena), "TRUE"));
	assert_true(sv_eq_str(format_value(&number, NULL, FORMAT_LDAP, &arena),
			      "-5"));
	assert_true(sv_eq_str(format_value(&time, &plain, FORMAT_PLAIN, &arena),
			      "2026-03-09T08:07:06Z"));
	assert_true(sv_eq_str(format_value(&time, NULL, FORMAT_LDAP, &arena),
			      "20260309080706Z"));
	assert_true(sv_eq_str(format_value(&time, &german, FORMAT_LDAP, &arena),
			      "09.03.2026 08:07:06"));
	assert_true(sv_eq_str(format_value(&time, &brief, FORMAT_PLAIN, &arena),
			      "260309"));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
