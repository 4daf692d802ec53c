/*
 * test_text.c - UTF-8: validity, folding, characters
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void validity(void **state)
{
	static const char *const good[] = {
		"",
		"plain",
		"Stra\xc3\x9f"
		"e",
		"\xe2\x82\xac",
		"\x7f",
		"\xf0\x9f\x98\x80",
		"\xf4\x8f\xbf\xbf",
		"\xed\x9f\xbf",
		"eight_by_eight_\xc3\xa4_and_more",
	};
	static const struct {
		const char *text;
		size_t valid;
	} bad[] = {
		{ "\x80", 0 },             /* a lone continuation */
		{ "ab\xff", 2 },           /* never in UTF-8 */
		{ "ab\xc3", 2 },           /* cut off */
		{ "\xc0\xaf", 0 },         /* overlong '/' */
		{ "\xe0\x80\xaf", 0 },     /* overlong again */
		{ "\xed\xa0\x80", 0 },     /* half of a surrogate pair */
		{ "\xf4\x90\x80\x80", 0 }, /* past U+10FFFF */
		{ "12345678\xc3\xa4\xe2\x82", 10 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(text_is_utf8(sv_from(good[i])));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(text_is_utf8(sv_from(bad[i].text)));
		assert_int_equal(text_valid_prefix(sv_from(bad[i].text)),
				 bad[i].valid);
	}
	assert_true(text_is_utf8(SV_LIT("a\0b")));
	assert_true(text_is_utf8(SV_NULL));
}

static void folding(void **state)
{
	static const char *const equal[][2] = {
		{ "ABCxyz", "abcXYZ" },
		{ "Stra\xc3\x9f"
		  "e",
		  "STRASSE" },
		{ "\xe1\xba\x9e", "ss" }, /* capital sharp s */
		{ "M\xc3\xbcller", "M\xc3\x9cLLER" },
		{ "Ren\xc3\xa9", "RENE\xcc\x81" }, /* decomposed */
		{ "\xc3\x85ngstr\xc3\xb6m", "A\xcc\x8angstro\xcc\x88m" },
		{ "\xe2\x84\xab", "\xc3\xa5" }, /* Angstrom sign */
		{ "\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
		  "\xce\xa3\xce\x8a\xce\xa3\xce\xa5\xce\xa6\xce\x9f\xce\xa3" },
		{ "\xef\xac\x81", "FI" }, /* ligature */
	};
	static const char *const different[][2] = {
		{ "a", "b" },
		{ "a", "aa" },
		{ "Rene", "Ren\xc3\xa9" },
		{ "\xc4\xb1", "i" }, /* dotless i */
		{ "\xff", "\xfe" },
		{ "\xff"
		  "A",
		  "\xff"
		  "a" }, /* bytes stay bytes */
		{ "@[", "`{" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(equal) / sizeof(*equal); i++) {
		struct sv a = sv_from(equal[i][0]);
		struct sv b = sv_from(equal[i][1]);

		assert_true(text_ieq(a, b));
		assert_int_equal(text_icmp(a, b), 0);
	}
	for (i = 0; i < sizeof(different) / sizeof(*different); i++) {
		struct sv a = sv_from(different[i][0]);
		struct sv b = sv_from(different[i][1]);

		assert_false(text_ieq(a, b));
		assert_true(text_icmp(a, b) != 0);
		assert_true((text_icmp(a, b) < 0) == (text_icmp(b, a) > 0));
	}
	assert_true(text_ieq(SV_NULL, SV_LIT("")));
}

/* Whatever is folded stays as it is when folded again. */
static void folding_twice(void **state)
{
	struct arena arena = ARENA_INIT;
	char text[8];
	int32_t c;

	(void)state;
	for (c = 1; c < 0x11000; c++) {
		struct sv once;
		size_t len;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		len = text_put(c, text);
		once = text_fold(sv_make(text, len), &arena);
		assert_true(text_is_utf8(once));
		assert_true(sv_eq(text_fold(once, &arena), once));
		if (c % 1024 == 0)
			arena_reset(&arena);
	}
	arena_release(&arena);
}

static void cases(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_true(sv_eq_str(text_upper(SV_LIT("gr\xc3\xb6\xc3\x9f"
						"e"),
					 &arena),
			      "GR\xc3\x96\xc3\x9f"
			      "E"));
	assert_true(sv_eq_str(text_lower(SV_LIT("\xc3\x84PFEL"), &arena),
			      "\xc3\xa4pfel"));
	assert_true(sv_eq_str(text_lower(SV_LIT("ABC-09"), &arena), "abc-09"));
	assert_true(sv_eq_str(text_upper(SV_LIT("a\xff\xc3\xa4"), &arena),
			      "A\xff\xc3\x84"));
	assert_int_equal(text_upper(SV_NULL, &arena).len, 0);
	arena_release(&arena);
}

static void characters(void **state)
{
	struct sv s = SV_LIT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff!");
	size_t at = 0;

	(void)state;
	assert_int_equal(text_len(s), 6);
	assert_int_equal(text_next(s, &at), 'a');
	assert_int_equal(text_next(s, &at), 0xe4);
	assert_int_equal(text_next(s, &at), 0x20ac);
	assert_int_equal(text_next(s, &at), 0x1f600);
	assert_int_equal(text_next(s, &at), 0xfffd);
	assert_int_equal(at, 11);
	assert_int_equal(text_next(s, &at), '!');
	assert_int_equal(at, s.len);
	assert_int_equal(text_offset(s, 0), 0);
	assert_int_equal(text_offset(s, 1), 1);
	assert_int_equal(text_offset(s, 2), 3);
	assert_int_equal(text_offset(s, 4), 10);
	assert_int_equal(text_offset(s, 6), s.len);
	assert_int_equal(text_offset(s, 99), s.len);
	assert_int_equal(text_offset(SV_LIT("plain"), 99), 5);
	assert_int_equal(text_len(SV_NULL), 0);
	/* columns: wide ones take two, combining ones none */
	assert_int_equal(text_width(SV_LIT("ab")), 2);
	assert_int_equal(text_width(SV_LIT("\xe6\xbc\xa2")), 2);
	assert_int_equal(text_width(SV_LIT("e\xcc\x81")), 1);
}

static void put(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(text_put('a', out), 1);
	assert_int_equal(text_put(0xe4, out), 2);
	assert_memory_equal(out, "\xc3\xa4", 2);
	assert_int_equal(text_put(0x10ffff, out), 4);
	assert_memory_equal(out, "\xf4\x8f\xbf\xbf", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validity),      cmocka_unit_test(folding),
		cmocka_unit_test(folding_twice), cmocka_unit_test(cases),
		cmocka_unit_test(characters),    cmocka_unit_test(put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
