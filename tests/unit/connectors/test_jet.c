/*
 * test_jet.c - bytes of Access's values as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connectors/records/jet.h"

#define BYTES(s) SV_LIT(s)

static void text_is(enum jet_kind kind, unsigned scale, struct sv bytes,
		    const char *expected)
{
	struct jet_column column = { .kind = kind, .scale = scale };
	struct arena arena = ARENA_INIT;
	struct sv text = jet_text(&column, bytes, NULL, &arena);

	if (expected) {
		assert_non_null(text.ptr);
		assert_string_equal(arena_cstr(&arena, text), expected);
	} else {
		assert_int_equal(text.len, 0);
	}
	arena_release(&arena);
}

static void test_numbers(void **state)
{
	(void)state;
	text_is(JET_BYTE, 0, BYTES("\xC8"), "200");
	text_is(JET_SHORT, 0, BYTES("\xF4\xFF"), "-12");
	text_is(JET_LONG, 0, BYTES("\x00\x00\x00\x80"), "-2147483648");
	text_is(JET_BIG, 0, BYTES("\x00\x00\x00\x00\x00\x00\x00\x80"),
		"-9223372036854775808");
	text_is(JET_MONEY, 0, BYTES("\x00\x00\x00\x00\x00\x00\x00\x80"),
		"-922337203685477.5808");
	text_is(JET_MONEY, 0, BYTES("\x01\x00\x00\x00\x00\x00\x00\x00"),
		"0.0001");
	text_is(JET_MONEY, 0, BYTES("\x00\x00\x00\x00\x00\x00\x00\x00"), "0");
	text_is(JET_SINGLE, 0, BYTES("\xCD\xCC\xCC\x3D"), "0.1");
	text_is(JET_DOUBLE, 0, BYTES("\x9A\x99\x99\x99\x99\x99\xB9\x3F"),
		"0.1");
	text_is(JET_DOUBLE, 0, BYTES("\x00\x00\x00\x00\x00\x00\xF8\x7F"), NULL);
	text_is(JET_LONG, 0, BYTES("\x01\x00"), NULL);
}

static void test_decimals(void **state)
{
	(void)state;
	text_is(JET_NUMERIC, 2, BYTES("\x00\0\0\0\0\0\0\0\0\0\0\0\0\x0A\0\0\0"),
		"0.1");
	text_is(JET_NUMERIC, 0, BYTES("\x80\0\0\0\0\0\0\0\0\0\0\0\0\x0A\0\0\0"),
		"-10");
	text_is(JET_NUMERIC, 3, BYTES("\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		"0");
	text_is(JET_NUMERIC, 0,
		BYTES("\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
		      "\xFF\xFF\xFF\xFF"),
		"340282366920938463463374607431768211455");
	/* the word that weighs most stands first */
	text_is(JET_NUMERIC, 0, BYTES("\x00\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"),
		"4294967296");
}

static void test_times(void **state)
{
	(void)state;
	/* 0, 0.25, -1.25: the part behind the point counts on */
	text_is(JET_DATETIME, 0, BYTES("\0\0\0\0\0\0\0\0"),
		"1899-12-30T00:00:00Z");
	text_is(JET_DATETIME, 0, BYTES("\0\0\0\0\0\0\xD0\x3F"),
		"1899-12-30T06:00:00Z");
	text_is(JET_DATETIME, 0, BYTES("\0\0\0\0\0\0\xF4\xBF"),
		"1899-12-29T06:00:00Z");
	text_is(JET_DATETIME, 0, BYTES("\0\0\0\0\0\0\xF0\x7F"), NULL);
	text_is(JET_DATETIME_LONG, 0,
		BYTES("0000000000000000000:0000000000000000000:7"),
		"0001-01-01T00:00:00Z");
	text_is(JET_DATETIME_LONG, 0,
		BYTES("0000000000003652058:0000000863990000000:7"),
		"9999-12-31T23:59:59Z");
	text_is(JET_DATETIME_LONG, 0, BYTES("5:x:7"), NULL);
	text_is(JET_DATETIME_LONG, 0, BYTES("5"), NULL);
}

static void test_texts(void **state)
{
	(void)state;
	text_is(JET_TEXT, 0, BYTES("A\0\xAC\x20"), "A\xE2\x82\xAC");
	text_is(JET_TEXT, 0,
		BYTES("\xFF\xFE"
		      "Zo\xEB"),
		"Zo\xC3\xAB");
	/* a zero changes to two bytes for a character, another one back */
	text_is(JET_TEXT, 0,
		BYTES("\xFF\xFE"
		      "a\0\xAC\x20\0b"),
		"a\xE2\x82\xAC"
		"b");
	text_is(JET_TEXT, 0, BYTES("\x3D\xD8\x00\xDE"), "\xF0\x9F\x98\x80");
	/* halves without the other one */
	text_is(JET_TEXT, 0, BYTES("\x3D\xD8"), "\xEF\xBF\xBD");
	text_is(JET_TEXT, 0, BYTES("\x00\xDE"), "\xEF\xBF\xBD");
	text_is(JET_TEXT, 0,
		BYTES("\x3D\xD8"
		      "A\0"),
		"\xEF\xBF\xBD"
		"A");
	text_is(JET_TEXT, 0, SV_NULL, NULL);
	text_is(JET_BINARY, 0, BYTES("\0\x01\x02\xFF"), "AAEC/w==");
	text_is(JET_GUID, 0,
		BYTES("\xFF\x19\x96\x6F\x86\x8B\x11\xD0\xB4\x2D\x00\xC0\x4F"
		      "\xC9\x64\xFF"),
		"6f9619ff-8b86-d011-b42d-00c04fc964ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
