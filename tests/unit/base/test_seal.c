/*
 * test_seal.c - sealed values and boxes for others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int give_key(void *data, bool make, struct secret *out,
		    struct error *err)
{
	char key[SEAL_KEY_SIZE];

	(void)make;
	if (!data)
		return error_set(err, ERR_INVALID, "no key");
	memset(key, *(const char *)data, sizeof(key));
	secret_set(out, sv_make(key, sizeof(key)));
	return 0;
}

static void closed_and_opened(void **state)
{
	char a = 'a';
	char b = 'b';
	struct seal seal = { .key = give_key, .data = &a };
	struct seal other = { .key = give_key, .data = &b };
	struct seal none = { .key = give_key };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct sv sealed;
	struct sv again;
	struct sv plain;
	char *bytes;
	size_t i;

	(void)state;
	assert_int_equal(
		seal_close(&seal, SV_LIT("pass word"), &arena, &sealed, &err),
		0);
	assert_true(seal_is(sealed));
	assert_false(seal_is(SV_LIT("pass word")));
	assert_true(seal_is(seal_empty()));
	assert_int_equal(
		seal_close(&seal, SV_LIT("pass word"), &arena, &again, &err),
		0);
	assert_false(sv_eq(sealed, again));
	assert_int_equal(seal_open(&seal, sealed, &arena, &plain, &err), 0);
	assert_true(sv_eq_str(plain, "pass word"));
	seal_wipe(plain);
	assert_int_equal(plain.ptr[0], 0);
	assert_int_equal(seal_open(&other, sealed, &arena, &plain, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(seal_open(&none, sealed, &arena, &plain, &err), -1);
	assert_string_equal(err.msg, "no key");
	assert_int_equal(seal_open(&seal, seal_empty(), &arena, &plain, &err),
			 -1);
	/* every byte counts */
	bytes = (char *)(uintptr_t)sealed.ptr;
	for (i = 0; i < sealed.len; i++) {
		bytes[i] ^= 1;
		assert_int_equal(seal_open(&seal, sealed, &arena, &plain, &err),
				 -1);
		bytes[i] ^= 1;
	}
	seal_release(&seal);
	seal_release(&other);
	arena_release(&arena);
}

static void boxes(void **state)
{
	unsigned char public[BOX_KEY_SIZE];
	unsigned char secret[BOX_KEY_SIZE];
	unsigned char back[BOX_KEY_SIZE];
	struct strbuf text = STRBUF_INIT(1000);
	struct arena arena = ARENA_INIT;
	struct sv plain;

	(void)state;
	box_keypair(public, secret);
	box_seal(public, SV_LIT("{}"), &text);
	assert_int_equal(box_open(secret, strbuf_sv(&text), &arena, &plain), 1);
	assert_true(sv_eq_str(plain, "{}"));
	assert_int_equal(box_open(public, strbuf_sv(&text), &arena, &plain), 0);
	assert_int_equal(box_open(secret, SV_LIT("AAAA"), &arena, &plain), 0);
	assert_int_equal(box_open(secret, SV_LIT("-"), &arena, &plain), 0);
	strbuf_reset(&text);
	strbuf_add_base64(&text, sv_make((char *)public, sizeof(public)));
	strbuf_addc(&text, '\n');
	assert_int_equal(box_key_parse(strbuf_sv(&text), back), 1);
	assert_memory_equal(public, back, sizeof(back));
	assert_int_equal(box_key_parse(SV_LIT("abcd"), back), 0);
	strbuf_release(&text);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_and_opened),
		cmocka_unit_test(boxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
