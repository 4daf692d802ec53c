/*
 * test_likeness.c - names, addresses and numbers that look alike
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/likeness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(likeness_kind_of(SV_LIT("displayName")),
			 LIKENESS_NAME);
	assert_int_equal(likeness_kind_of(SV_LIT("First Name")),
			 LIKENESS_GIVEN);
	assert_int_equal(likeness_kind_of(SV_LIT("SN")), LIKENESS_FAMILY);
	assert_int_equal(likeness_kind_of(SV_LIT("e-mail")), LIKENESS_MAIL);
	assert_int_equal(likeness_kind_of(SV_LIT("mailNickname")),
			 LIKENESS_NONE);
	assert_int_equal(likeness_kind_of(SV_LIT("otherTelephone")),
			 LIKENESS_PHONE);
	assert_int_equal(likeness_kind_of(SV_LIT("department")), LIKENESS_NONE);
	assert_int_equal(likeness_kind_of(SV_LIT("42")), LIKENESS_NONE);
}

static struct likeness_found compare(enum likeness_kind kind, const char *a,
				     const char *b)
{
	struct arena arena = ARENA_INIT;
	struct likeness_found found;
	struct likeness x = { 0 };
	struct likeness y = { 0 };

	likeness_add(&x, kind, sv_from(a), &arena);
	likeness_add(&y, kind, sv_from(b), &arena);
	likeness_end(&x, &arena);
	likeness_end(&y, &arena);
	likeness_compare(&x, &y, &found);
	arena_release(&arena);
	return found;
}

static int names(const char *a, const char *b)
{
	return compare(LIKENESS_NAME, a, b).name;
}

static void same_names(void **state)
{
	(void)state;
	assert_int_equal(names("Ann Lee", "LEE, Ann"), 100);
	assert_int_equal(
		names("José Müller-Lüdenscheidt", "Muller Ludenscheidt Jose"),
		100);
	assert_int_equal(names("Søren Łukasz", "Soren Lukasz"), 100);
	assert_int_equal(names("Dr. Ann O'Neil", "Ann ONeil"), 100);
	assert_int_equal(names("Straße Jo", "STRASSE JO"), 100);
}

static void similar_names(void **state)
{
	(void)state;
	assert_in_range(names("Ann Meyer", "Ann Meier"), 90, 99);
	assert_in_range(names("A. Meyer", "Ann Meyer"), 85, 99);
	assert_in_range(names("Ann Meyer", "Ann Marie Meyer"), 90, 99);
	assert_true(names("Dan Lee", "Daniel Lee") < 100);
	assert_true(names("Ann Meyer", "Ann Meyer Smith") <
		    names("Ann Meyer", "Ann Meyer"));
}

static void other_names(void **state)
{
	(void)state;
	assert_int_equal(names("Ann Lee", "Bob Lee"), 0);
	assert_int_equal(names("Lee", "Ann Lee"), 0);
	assert_int_equal(names("A B", "Ann Bert"), 0);
	assert_int_equal(names("", "Ann"), 0);
	assert_int_equal(names("...", "---"), 0);
}

static void given_and_family(void **state)
{
	struct arena arena = ARENA_INIT;
	struct likeness a = { 0 };
	struct likeness b = { 0 };
	struct likeness_found found;

	(void)state;
	likeness_add(&a, LIKENESS_FAMILY, SV_LIT("Lee"), &arena);
	likeness_add(&a, LIKENESS_GIVEN, SV_LIT("Ann"), &arena);
	likeness_end(&a, &arena);
	likeness_add(&b, LIKENESS_NAME, SV_LIT("ann lee"), &arena);
	likeness_end(&b, &arena);
	likeness_compare(&a, &b, &found);
	assert_int_equal(found.name, 100);
	arena_release(&arena);
}

static void addresses(void **state)
{
	struct likeness_found found;

	(void)state;
	found = compare(LIKENESS_MAIL, "SMTP:Ann.Lee@Corp.Test",
			"ann.lee@corp.test");
	assert_true(found.mail);
	found = compare(LIKENESS_MAIL, "ann@a.test", "ann@b.test");
	assert_false(found.mail);
	assert_true(found.local);
	found = compare(LIKENESS_MAIL, "no address", "no address");
	assert_false(found.local);
}

static void numbers(void **state)
{
	(void)state;
	assert_true(
		compare(LIKENESS_PHONE, "+49 (30) 5550-1101", "030/55501101")
			.phone);
	assert_false(
		compare(LIKENESS_PHONE, "+49 30 5550 1101", "+49 30 5550 1102")
			.phone);
	/* too short to say anything */
	assert_false(compare(LIKENESS_PHONE, "101", "101").phone);
	assert_true(compare(LIKENESS_PHONE, "55101", "55101").phone);
}

static void reasons_multiply(void **state)
{
	struct likeness_found name = { .name = 100 };
	struct likeness_found both = { .name = 100, .phone = true };
	struct likeness_found weak = { .name = 60 };

	(void)state;
	assert_true(likeness_rest(&both, 100) < likeness_rest(&name, 100));
	assert_true(likeness_rest(&name, 100) < 100);
	assert_int_equal(likeness_rest(&weak, 100), 100);
}

static void long_values(void **state)
{
	char text[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = "ab "[i % 3];
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(names(text, text), 0);
	assert_int_equal(names("a b c d e f g h", "a b c d e f g h"), 0);
	assert_int_equal(names("\xff\xfe Lee", "\xff\xfe Lee"),
			 names("\xff\xfe Lee", "\xff\xfe Lee"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(same_names),
		cmocka_unit_test(similar_names),
		cmocka_unit_test(other_names),
		cmocka_unit_test(given_and_family),
		cmocka_unit_test(addresses),
		cmocka_unit_test(numbers),
		cmocka_unit_test(reasons_multiply),
		cmocka_unit_test(long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
