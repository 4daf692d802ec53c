/*
 * test_dn.c - distinguished names: split, fold, compare, escape
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/dn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void expect_sv(struct sv found, const char *expected)
{
	if (!sv_eq_str(found, expected))
		fail_msg("'%.*s' is not '%s'", SV_ARG(found), expected);
}

static void splits(void **state)
{
	static const char *const cases[][3] = {
		{ "cn=Ann,ou=people,dc=a", "cn=Ann", "ou=people,dc=a" },
		{ "cn=Ann , ou=people", "cn=Ann", "ou=people" },
		{ "dc=a", "dc=a", "" },
		{ " dc=a ", "dc=a", "" },
		{ "cn=Smith\\, Ann,ou=x", "cn=Smith\\, Ann", "ou=x" },
		{ "cn=\"Smith, Ann\",ou=x", "cn=\"Smith, Ann\"", "ou=x" },
		{ "cn=a\\\\,ou=x", "cn=a\\\\", "ou=x" },
		{ "cn=a;ou=x", "cn=a", "ou=x" },
		{ "cn=a\\ ,ou=x", "cn=a\\ ", "ou=x" },
		{ "cn=a+uid=1,ou=x", "cn=a+uid=1", "ou=x" },
		{ "cn=a=b,ou=x", "cn=a=b", "ou=x" },
		{ "cn=,ou=x", "cn=", "ou=x" },
		{ "1.2.840=x,ou=x", "1.2.840=x", "ou=x" },
	};
	struct sv rdn;
	struct sv parent;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!dn_split(sv_from(cases[i][0]), &rdn, &parent))
			fail_msg("cannot split '%s'", cases[i][0]);
		expect_sv(rdn, cases[i][1]);
		expect_sv(parent, cases[i][2]);
	}
}

static void ill_formed(void **state)
{
	static const char *const bad[] = {
		"",           " ",     "Ann",       ",dc=a",  "cn=a,",
		"cn=a,,dc=b", "=a",    "c n=a",     "cn=a\\", "cn=a\\4",
		"cn=a\\4g",   "cn=a+", "cn=a+,o=b", "cn=a+b", "cn/x=a",
		"cn=a,Ann",   "+cn=a", "\\cn=a",
	};
	struct sv rdn;
	struct sv parent;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (dn_valid(sv_from(bad[i])))
			fail_msg("'%s' passed for a name", bad[i]);
		assert_int_equal(dn_depth(sv_from(bad[i])), 0);
	}
	assert_int_equal(dn_split(SV_NULL, &rdn, &parent), 0);
	/* also ill-formed texts compare, as texts */
	assert_true(dn_equal(SV_LIT("Ann"), SV_LIT("ANN")));
	assert_false(dn_equal(SV_LIT("Ann"), SV_LIT("Bob")));
	assert_true(dn_equal(SV_LIT("a,,b"), SV_LIT("A,,B")));
	/* folding makes no name of what is none */
	assert_false(dn_equal(SV_LIT("a\xc3\x9f=x"), SV_LIT("ass=x")));
	assert_true(dn_equal(SV_LIT("A\xc3\x9f=X"), SV_LIT("a\xc3\x9f=x")));
}

static void equal(void **state)
{
	static const char *const cases[][2] = {
		{ "CN=Ann,OU=People", "cn=ann,ou=people" },
		{ "cn=Ann, ou=People", "cn=Ann,ou=People" },
		{ "cn = Ann ,ou= People", "cn=Ann,ou=People" },
		{ "cn=Ann  Lee,o=x", "cn=Ann Lee,o=x" },
		{ "cn=Ann\\ Lee,o=x", "cn=Ann Lee,o=x" },
		{ "cn=Smith\\, Ann", "cn=Smith\\2C Ann" },
		{ "cn=Smith\\, Ann", "cn=\"Smith, Ann\"" },
		{ "cn=\\41nn", "cn=Ann" },
		{ "cn=\\c3\\84rzte", "cn=\xc3\xa4rzte" },
		{ "cn=M\xc3\xbcller", "cn=M\xc3\x9cLLER" },
		{ "cn=Stra\xc3\x9f\x65", "cn=STRASSE" },
		{ "cn=Ren\xc3\xa9", "cn=Rene\xcc\x81" },
		{ "cn=a+uid=1,o=x", "UID=1+CN=A,o=x" },
		{ "cn=a + uid=1,o=x", "uid=1+cn=a,o=x" },
		{ "cn=a=b,o=x", "cn=a\\=b,o=x" },
		{ "cn=a=b,o=x", "cn=A\\3Db,o=x" },
		{ "cn=a<b>c,o=x", "cn=a\\<b\\>c,o=x" },
		{ "cn=a<b", "CN=A\\3cB" },
		{ "cn=a;o=x", "cn=a,o=x" },
		{ "cn=#416e6e", "cn=ann" },
		{ "cn=\\#41", "cn=\\2341" },
		{ "cn=\"#41\"", "cn=\\#41" },
		{ "cn=a#b", "cn=A\\23b" },
		{ "cn=a\\\\ ,o=x", "cn=a\\\\,o=x" },
		{ "cn=a\\00b", "CN=A\\00B" },
		{ "cn=,o=x", "cn= ,o=x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sv a = sv_from(cases[i][0]);
		struct sv b = sv_from(cases[i][1]);

		if (!dn_equal(a, b))
			fail_msg("'%s' and '%s' differ: '%.*s' and '%.*s'",
				 cases[i][0], cases[i][1],
				 SV_ARG(dn_fold(a, &arena)),
				 SV_ARG(dn_fold(b, &arena)));
	}
}

static void different(void **state)
{
	static const char *const cases[][2] = {
		{ "cn=Ann", "cn=Anne" },
		{ "cn=Ann", "uid=Ann" },
		{ "cn=Ann,ou=x", "cn=Ann" },
		{ "cn=a,ou=x", "ou=x,cn=a" },
		{ "cn=a\\,ou=x", "cn=a,ou=x" },
		{ "cn=AnnLee", "cn=Ann Lee" },
		{ "cn=a+uid=1", "cn=a\\+uid=1" },
		{ "cn=a+uid=1", "cn=a+uid=2" },
		{ "cn=a\\00b", "cn=a" },
		{ "cn=a\\00b", "cn=ab" },
		{ "cn=\\#41", "cn=#41" },
		{ "cn=a=b", "cn=a" },
		{ "cn=a\\5c", "cn=a" },
		{ "cn=Rene", "cn=Ren\xc3\xa9" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (dn_equal(sv_from(cases[i][0]), sv_from(cases[i][1])))
			fail_msg("'%s' and '%s' are equal", cases[i][0],
				 cases[i][1]);
}

/* However many parts an RDN has, each of them counts. */
static void many_parts(void **state)
{
	char a[400] = "cn=a";
	char b[400] = "";
	size_t len = 4;
	int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		memcpy(a + len, "+uid=x", 6);
		a[len + 5] = (char)('a' + i % 26);
		len += 6;
	}
	memcpy(b, a, len);
	assert_true(dn_valid(sv_make(a, len)));
	assert_true(dn_equal(sv_make(a, len), sv_make(b, len)));
	b[len - 1] = 'z';
	assert_false(dn_equal(sv_make(a, len), sv_make(b, len)));
}

static void folding_twice(void **state)
{
	static const char *const texts[] = {
		"CN=Smith\\, Ann,OU=X",
		"cn=a=b,o=x",
		"cn=\"quoted, twice\",o=x",
		"cn=\"open",
		"cn=\"a\\\"",
		"cn=#41424,o=x",
		"cn=#4142,o=x",
		"cn=\\ a \\ ,o=x",
		"cn=a  b   c",
		"cn=\\00\\01\\7f",
		"uid=1+cn=b+cn=a",
		"no name at all",
		"cn=a\xff",
		" cn = a , ou = b ",
		"cn=a\\\\ ,o=x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sv once = dn_fold(sv_from(texts[i]), &arena);

		expect_sv(dn_fold(once, &arena), arena_cstr(&arena, once));
	}
}

static void components(void **state)
{
	struct sv dn = SV_LIT("CN=Smith\\, Ann+uid=7,OU=\\41lpha,DC=corp");
	struct sv type;
	struct sv value;

	(void)state;
	assert_int_equal(dn_depth(dn), 3);
	assert_int_equal(dn_component(dn, 1, &arena, &type, &value), 1);
	expect_sv(type, "CN");
	expect_sv(value, "Smith, Ann");
	assert_int_equal(dn_component(dn, 2, &arena, NULL, &value), 1);
	expect_sv(value, "Alpha");
	assert_int_equal(dn_component(dn, 3, &arena, &type, NULL), 1);
	expect_sv(type, "DC");
	assert_int_equal(dn_component(dn, 0, &arena, &type, &value), 0);
	assert_int_equal(dn_component(dn, 4, &arena, &type, &value), 0);
	assert_int_equal(dn_component(SV_NULL, 1, &arena, &type, &value), 0);
}

static void within(void **state)
{
	struct sv ou = SV_LIT("OU=Staff,DC=corp,DC=test");

	(void)state;
	assert_true(dn_within(ou, ou));
	assert_true(dn_within(SV_LIT("cn=a,ou=staff,dc=corp,dc=test"), ou));
	assert_true(
		dn_within(SV_LIT("cn=a,ou=b, ou=STAFF,dc=corp,dc=test"), ou));
	assert_false(dn_within(SV_LIT("dc=corp,dc=test"), ou));
	assert_false(dn_within(SV_LIT("cn=a,ou=staff2,dc=corp,dc=test"), ou));
	assert_false(dn_within(SV_LIT("cn=a,xou=staff,dc=corp,dc=test"), ou));
	/* the end of the text is not the end of the name */
	assert_false(dn_within(SV_LIT("cn=a\\,ou=staff,dc=corp,dc=test"), ou));
	assert_false(dn_within(SV_LIT("not a name"), ou));
	assert_true(dn_within(SV_LIT("cn=a,dc=b"), SV_NULL));
}

static void joins(void **state)
{
	(void)state;
	expect_sv(dn_join(SV_LIT("cn=a"), SV_LIT("o=x"), &arena), "cn=a,o=x");
	expect_sv(dn_join(SV_LIT("cn=a"), SV_NULL, &arena), "cn=a");
	expect_sv(dn_join(SV_NULL, SV_LIT("o=x"), &arena), "o=x");
	assert_int_equal(dn_join(SV_NULL, SV_NULL, &arena).len, 0);
}

static void escapes(void **state)
{
	/* RFC 4514 section 2.4 */
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "Smith, Ann", "Smith\\, Ann" },
		{ " both ends ", "\\ both ends\\ " },
		{ " ", "\\ " },
		{ "#1 a#b", "\\#1 a#b" },
		{ "a+b\"c\\d<e>f;g=h", "a\\+b\\\"c\\\\d\\<e\\>f\\;g\\=h" },
		{ "tab\there", "tab\\09here" },
		{ "M\xc3\xbcller", "M\xc3\xbcller" },
		{ "", "" },
	};
	struct sv bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sv escaped = dn_escape(sv_from(cases[i][0]), &arena);

		expect_sv(escaped, cases[i][1]);
		expect_sv(dn_unescape(escaped, &arena), cases[i][0]);
	}
	bytes = dn_escape(SV_LIT("a\0b"), &arena);
	expect_sv(bytes, "a\\00b");
	assert_true(sv_eq(dn_unescape(bytes, &arena), SV_LIT("a\0b")));
	expect_sv(dn_unescape(SV_LIT("#416E6e"), &arena), "Ann");
	expect_sv(dn_unescape(SV_LIT("#416"), &arena), "#416");
	expect_sv(dn_unescape(SV_LIT("#41zz"), &arena), "#41zz");
	expect_sv(dn_unescape(SV_LIT("\"a, b\""), &arena), "a, b");
	expect_sv(dn_unescape(SV_LIT("a\\"), &arena), "a\\");
	assert_int_equal(dn_unescape(SV_NULL, &arena).len, 0);
}

/* Every byte value survives escaping, in every place. */
static void every_byte(void **state)
{
	char text[3];
	int c;
	int at;

	(void)state;
	for (c = 0; c < 256; c++) {
		for (at = 0; at < 3; at++) {
			struct sv s = sv_make(text, 3);
			struct sv dn;
			struct sv value;

			memset(text, 'x', 3);
			text[at] = (char)c;
			dn = sv_from(
				arena_printf(&arena, "cn=" SV_FMT ",o=y",
					     SV_ARG(dn_escape(s, &arena))));
			assert_int_equal(dn_depth(dn), 2);
			assert_int_equal(
				dn_component(dn, 1, &arena, NULL, &value), 1);
			assert_true(sv_eq(value, s));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),     cmocka_unit_test(ill_formed),
		cmocka_unit_test(equal),      cmocka_unit_test(different),
		cmocka_unit_test(many_parts), cmocka_unit_test(folding_twice),
		cmocka_unit_test(components), cmocka_unit_test(within),
		cmocka_unit_test(joins),      cmocka_unit_test(escapes),
		cmocka_unit_test(every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
