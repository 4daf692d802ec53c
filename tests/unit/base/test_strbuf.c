/*
 * test_strbuf.c - growing text, its limit, base64 and hex
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void builds(void **state)
{
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	int i;

	(void)state;
	assert_string_equal(strbuf_cstr(&sb), "");
	strbuf_adds(&sb, "a");
	strbuf_addc(&sb, '\0');
	strbuf_addsv(&sb, SV_LIT("b"));
	strbuf_addsv(&sb, SV_NULL);
	strbuf_addf(&sb, "%d%s", 12, "x");
	assert_true(sv_eq(strbuf_sv(&sb), SV_LIT("a\0b12x")));
	strbuf_reset(&sb);
	for (i = 0; i < 100000; i++)
		strbuf_addc(&sb, (char)('a' + i % 26));
	assert_int_equal(sb.len, 100000);
	assert_int_equal(strbuf_cstr(&sb)[99999], 'a' + 99999 % 26);
	strbuf_release(&sb);
	strbuf_release(&sb);
	/* as good as new */
	strbuf_adds(&sb, "b");
	assert_string_equal(strbuf_cstr(&sb), "b");
	strbuf_release(&sb);
}

static void stops_at_the_limit(void **state)
{
	struct strbuf sb = STRBUF_INIT(5);

	(void)state;
	strbuf_adds(&sb, "abc");
	assert_false(sb.overflow);
	strbuf_adds(&sb, "de");
	assert_false(sb.overflow);
	strbuf_addc(&sb, 'f');
	assert_true(sb.overflow);
	assert_string_equal(strbuf_cstr(&sb), "abcde");
	strbuf_reset(&sb);
	assert_false(sb.overflow);
	strbuf_addf(&sb, "%s", "123456");
	assert_true(sb.overflow);
	assert_int_equal(sb.len, 0);
	assert_null(strbuf_room(&sb, 6));
	assert_null(strbuf_room(&sb, SIZE_MAX));
	assert_non_null(strbuf_room(&sb, 5));
	strbuf_release(&sb);
}

static void room_to_write_in(void **state)
{
	struct strbuf sb = STRBUF_INIT(100);
	char *room = strbuf_room(&sb, 3);

	(void)state;
	room[0] = 'x';
	room[1] = 'y';
	strbuf_grew(&sb, 2);
	strbuf_addc(&sb, 'z');
	assert_string_equal(strbuf_cstr(&sb), "xyz");
	strbuf_release(&sb);
}

static void base64(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	static const char *const bad[] = {
		"Z",    "Zg",   "Zg=",      "Zg===", "=",     "====",
		"Zh==", "Zm9=", "Zg==Zg==", "Z-9v",  "Zm9v!", "Z=g=",
	};
	struct strbuf sb = STRBUF_INIT(1000);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		strbuf_reset(&sb);
		strbuf_add_base64(&sb, sv_from(pairs[i][0]));
		assert_string_equal(strbuf_cstr(&sb), pairs[i][1]);
		strbuf_reset(&sb);
		assert_int_equal(strbuf_add_unbase64(&sb, sv_from(pairs[i][1])),
				 1);
		assert_string_equal(strbuf_cstr(&sb), pairs[i][0]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(strbuf_add_unbase64(&sb, sv_from(bad[i])), 0);
	strbuf_reset(&sb);
	assert_int_equal(strbuf_add_unbase64(&sb, SV_LIT(" Zm 9v\r\n\tYg== ")),
			 1);
	assert_string_equal(strbuf_cstr(&sb), "foob");
	strbuf_release(&sb);
}

static void hex(void **state)
{
	struct strbuf sb = STRBUF_INIT(1000);

	(void)state;
	strbuf_add_hex(&sb, SV_LIT("\x00\x7f\xff\x0a"));
	assert_string_equal(strbuf_cstr(&sb), "007fff0a");
	strbuf_reset(&sb);
	assert_int_equal(strbuf_add_unhex(&sb, SV_LIT("007FfF0a")), 1);
	assert_true(sv_eq(strbuf_sv(&sb), SV_LIT("\x00\x7f\xff\x0a")));
	assert_int_equal(strbuf_add_unhex(&sb, SV_LIT("0")), 0);
	assert_int_equal(strbuf_add_unhex(&sb, SV_LIT("0g")), 0);
	assert_int_equal(strbuf_add_unhex(&sb, SV_NULL), 1);
	strbuf_release(&sb);
}

static void bytes_round_trip(void **state)
{
	struct strbuf in = STRBUF_INIT(1000);
	struct strbuf text = STRBUF_INIT(2000);
	struct strbuf out = STRBUF_INIT(1000);
	int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		strbuf_reset(&text);
		strbuf_reset(&out);
		strbuf_add_base64(&text, strbuf_sv(&in));
		assert_int_equal(strbuf_add_unbase64(&out, strbuf_sv(&text)),
				 1);
		assert_true(sv_eq(strbuf_sv(&in), strbuf_sv(&out)));
		strbuf_reset(&text);
		strbuf_reset(&out);
		strbuf_add_hex(&text, strbuf_sv(&in));
		assert_int_equal(strbuf_add_unhex(&out, strbuf_sv(&text)), 1);
		assert_true(sv_eq(strbuf_sv(&in), strbuf_sv(&out)));
		strbuf_addc(&in, (char)(i * 37));
	}
	strbuf_release(&in);
	strbuf_release(&text);
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds),
		cmocka_unit_test(stops_at_the_limit),
		cmocka_unit_test(room_to_write_in),
		cmocka_unit_test(base64),
		cmocka_unit_test(hex),
		cmocka_unit_test(bytes_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
