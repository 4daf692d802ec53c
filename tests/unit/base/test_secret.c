/*
 * test_secret.c - a secret's memory is wiped when it is let go
 *
 * The wiping function of the C library is replaced by one that writes down
 * what it wiped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char wiped[64];
static size_t wiped_len;

void explicit_bzero(void *at, size_t len)
{
	volatile char *p = at;
	size_t i;

	for (i = 0; i < len; i++) {
		if (wiped_len < sizeof(wiped))
			wiped[wiped_len++] = p[i];
		p[i] = 0;
	}
}

static void expect_wiped(const char *text)
{
	assert_int_equal(wiped_len, strlen(text));
	assert_memory_equal(wiped, text, wiped_len);
	wiped_len = 0;
}

static void wiped_at_the_end(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	secret_set(&secret, SV_LIT("swordfish"));
	assert_true(sv_eq_str(secret_view(&secret), "swordfish"));
	assert_int_equal(secret.bytes[secret.len], 0);
	expect_wiped("");
	secret_release(&secret);
	expect_wiped("swordfish");
	assert_null(secret.bytes);
	assert_int_equal(secret_view(&secret).len, 0);
	secret_release(&secret);
	expect_wiped("");
}

static void wiped_when_replaced(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	secret_set(&secret, SV_LIT("first"));
	secret_set(&secret, SV_LIT("2"));
	expect_wiped("first");
	/* by a part of itself too */
	secret_set(&secret, SV_LIT("abcdef"));
	expect_wiped("2");
	secret_set(&secret, sv_sub(secret_view(&secret), 2, 4));
	expect_wiped("abcdef");
	assert_true(sv_eq_str(secret_view(&secret), "cd"));
	secret_set(&secret, SV_NULL);
	expect_wiped("cd");
	assert_int_equal(secret.len, 0);
	secret_release(&secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiped_at_the_end),
		cmocka_unit_test(wiped_when_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
