/*
 * test_hash.c - keyed hashes: the same for the same key, another for another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void determined_by_key_and_bytes(void **state)
{
	struct hash_key a;
	struct hash_key b;
	char text[600];
	size_t len;

	(void)state;
	hash_key_random(&a);
	hash_key_random(&b);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	memset(text, 'x', sizeof(text));
	for (len = 0; len < sizeof(text); len++) {
		struct sv s = sv_make(text, len);

		assert_true(hash64(&a, s) == hash64(&a, s));
		assert_true(hash128_eq(hash128(&a, s), hash128(&a, s)));
		assert_false(hash64(&a, s) == hash64(&b, s));
		assert_false(hash128_eq(hash128(&a, s), hash128(&b, s)));
		assert_false(hash128_eq(
			hash128(&a, s),
			hash128(&a, sv_make(text, len ? len - 1 : 1))));
		assert_true(hash64(&a, s) != 0);
	}
}

/* A store's hashes are in its file: they must come out the same for ever. */
static void the_same_in_every_version(void **state)
{
	struct hash_key key;
	struct hash128 h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (unsigned char)(i * 7 + 1);
	h = hash128(&key, SV_LIT("cn=ann"));
	assert_true(hash64(&key, SV_LIT("cn=ann")) ==
		    UINT64_C(0x4e061c5b4be29b6f));
	assert_true(h.high == UINT64_C(0xca401044664b4a53));
	assert_true(h.low == UINT64_C(0x99c64b995d3a09b8));
}

static void uuids(void **state)
{
	unsigned char a[16];
	unsigned char b[16];
	char text[37];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		uuid_random(a);
		uuid_random(b);
		assert_memory_not_equal(a, b, sizeof(a));
		uuid_format(a, text);
		assert_int_equal(strlen(text), 36);
		assert_int_equal(text[8], '-');
		assert_int_equal(text[14], '4');
		assert_non_null(strchr("89ab", text[19]));
	}
	memset(a, 0xab, sizeof(a));
	uuid_format(a, text);
	assert_string_equal(text, "abababab-abab-abab-abab-abababababab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(determined_by_key_and_bytes),
		cmocka_unit_test(the_same_in_every_version),
		cmocka_unit_test(uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
