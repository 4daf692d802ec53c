/*
 * test_address.c - mail addresses: what is wrong with them, what is proposed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect(const char *value, unsigned errors, const char *repaired)
{
	struct arena arena = ARENA_INIT;
	struct address address = address_check(sv_from(value), &arena);

	if (address.errors != errors)
		fail_msg("%s: errors %s", value,
			 cleanup_error_names(address.errors, &arena));
	assert_string_equal(arena_cstr(&arena, address.repaired), repaired);
	arena_release(&arena);
}

#define TOP    CLEANUP_TOP_LEVEL_DOMAIN
#define DOMAIN CLEANUP_DOMAIN_PART
#define LOCAL  CLEANUP_LOCAL_PART
#define FORMAT CLEANUP_FORMAT

static void right(void **state)
{
	(void)state;
	expect("jdoe@contoso.com", 0, "jdoe@contoso.com");
	expect("o'neil@contoso.com", 0, "o'neil@contoso.com");
	expect("a.b+c@sub.contoso.de", 0, "a.b+c@sub.contoso.de");
	expect("smtp:a@contoso.org", 0, "smtp:a@contoso.org");
	/* a top-level domain that is not written in Latin letters */
	expect("a@contoso.xn--p1ai", 0, "a@contoso.xn--p1ai");
}

static void repaired(void **state)
{
	(void)state;
	expect("jdoe@contoso.local", TOP, "jdoe@contoso.local");
	expect("jdoe@@lab###.local", TOP | DOMAIN | LOCAL, "jdoe@lab.local");
	expect("j doe@contoso.com", LOCAL, "jdoe@contoso.com");
	expect("jdoe.@contoso.com", LOCAL, "jdoe@contoso.com");
	expect("jdoe@con_toso.com", DOMAIN, "jdoe@contoso.com");
	expect(" SMTP: j doe@contoso.com", LOCAL, "SMTP:jdoe@contoso.com");
}

static void beyond_repair(void **state)
{
	(void)state;
	expect(".jdoe@contoso.com", LOCAL | FORMAT, ".jdoe@contoso.com");
	expect("jdoe@contoso", DOMAIN | FORMAT, "jdoe@contoso");
	expect("SMTP:j..doe@contoso.com", LOCAL | FORMAT,
	       "SMTP:j..doe@contoso.com");
	expect("jdoe", DOMAIN | LOCAL | FORMAT, "jdoe");
	expect("", DOMAIN | LOCAL | FORMAT, "");
	expect("@", DOMAIN | LOCAL | FORMAT, "@");
	expect("a@-b.com", DOMAIN | FORMAT, "a@-b.com");
	expect("smtp:", DOMAIN | LOCAL | FORMAT, "smtp:");
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(value_of(SV_LIT("SMTP:a@b")), OF_SMTP);
	assert_int_equal(value_of(SV_LIT("X500:/o=x")), OF_X400);
	assert_int_equal(value_of(SV_LIT("x.400:c=US")), OF_X400);
	assert_int_equal(value_of(SV_LIT("sip:a@b")), OF_OTHER);
	assert_int_equal(value_of(SV_LIT("x4")), OF_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right),
		cmocka_unit_test(repaired),
		cmocka_unit_test(beyond_repair),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
