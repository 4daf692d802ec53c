/*
 * test_output.c - escaping, numbers, tables' input, JSON texts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/output.h"

#include "base/clock.h"
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void shows(struct sv text, const char *expected)
{
	struct arena arena = ARENA_INIT;

	assert_string_equal(output_safe(text, &arena), expected);
	arena_release(&arena);
}

static void plain_text_stays(void **state)
{
	(void)state;
	shows(SV_NULL, "");
	shows(SV_LIT("cn=Lee\\, Ann,dc=x"), "cn=Lee\\, Ann,dc=x");
	shows(SV_LIT("Müller 李 😀"), "Müller 李 😀");
}

static void what_a_terminal_obeys_is_escaped(void **state)
{
	(void)state;
	shows(SV_LIT("a\nb\tc\rd"), "a\\nb\\tc\\rd");
	shows(SV_LIT("\033[31mred\033[0m"), "\\x1b[31mred\\x1b[0m");
	shows(SV_LIT("nul\0end"), "nul\\x00end");
	shows(SV_LIT("del\x7f"), "del\\x7f");
	/* the one-character form of ESC [ */
	shows(SV_LIT("csi\xc2\x9b"), "csi\\u{9b}");
	/* right-to-left override, line separator */
	shows(SV_LIT("a\xe2\x80\xae"
		     "b"),
	      "a\\u{202e}b");
	shows(SV_LIT("a\xe2\x80\xa8"), "a\\u{2028}");
}

static void bytes_that_are_not_text_are_escaped(void **state)
{
	(void)state;
	shows(SV_LIT("a\xff"
		     "b"),
	      "a\\xffb");
	shows(SV_LIT("\xc3"), "\\xc3");
	shows(SV_LIT("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

static void json_is_always_text(void **state)
{
	json_t *json = json_of_sv(SV_LIT("a\xff"));

	(void)state;
	assert_string_equal(json_string_value(json), "a\\xff");
	json_decref(json);
	json = json_of_sv(SV_LIT("a\0b"));
	assert_int_equal(json_string_length(json), 3);
	json_decref(json);
	json = json_of_sv(SV_NULL);
	assert_string_equal(json_string_value(json), "");
	json_decref(json);
	json = json_of_text(NULL);
	assert_true(json_is_null(json));
}

static void numbers_and_times(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct civil_time civil = { 2026, 11, 21, 9, 30, 0, 1234567 };
	int64_t time = 0;

	(void)state;
	assert_string_equal(output_number(0, &arena), "0");
	assert_string_equal(output_number(999, &arena), "999");
	assert_string_equal(output_number(1000, &arena), "1,000");
	assert_string_equal(output_number(-1234567, &arena), "-1,234,567");
	assert_string_equal(output_duration(0, &arena), "0 ms");
	assert_string_equal(output_duration(999, &arena), "999 ms");
	assert_string_equal(output_duration(3450, &arena), "3.4 s");
	assert_string_equal(output_duration(600000, &arena), "10 min");
	assert_string_equal(output_duration(7200000, &arena), "2 h");
	assert_string_equal(output_duration(INT64_C(259200000), &arena),
			    "3 days");
	assert_string_equal(output_time(0, &arena), "");
	assert_int_equal(clock_from_civil(&civil, &time), 1);
	assert_string_equal(output_time(time, &arena), "2026-11-21T09:30:00Z");
	arena_release(&arena);
}

static void progress_line(void **state)
{
	struct strbuf text = STRBUF_INIT(256);

	(void)state;
	progress_text(1, -1, 10, &text);
	assert_string_equal(strbuf_cstr(&text), "1 object");
	strbuf_reset(&text);
	progress_text(20000, 250, 4000, &text);
	assert_string_equal(strbuf_cstr(&text),
			    "20,000 objects, 5,000/s, 25%, 12.0 s left");
	strbuf_release(&text);
}

static void results_have_styles(void **state)
{
	(void)state;
	assert_int_equal(output_result_style("success"), STYLE_GOOD);
	assert_int_equal(output_result_style("completed-sync-errors"),
			 STYLE_WARN);
	assert_int_equal(output_result_style("stopped-user"), STYLE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(what_a_terminal_obeys_is_escaped),
		cmocka_unit_test(bytes_that_are_not_text_are_escaped),
		cmocka_unit_test(json_is_always_text),
		cmocka_unit_test(numbers_and_times),
		cmocka_unit_test(progress_line),
		cmocka_unit_test(results_have_styles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
