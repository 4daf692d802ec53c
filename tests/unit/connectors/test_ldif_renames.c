/*
 * test_ldif_renames.c - what became of a DN, against one rename at a time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_renames.h"

#include "model/dn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static struct arena arena = ARENA_INIT;

static void note(struct ldif_renames *r, const char *old, const char *new_dn)
{
	ldif_renames_note(r, dn_fold(sv_from(old), &arena), sv_from(new_dn));
}

static const char *follow(const struct ldif_renames *r, const char *dn,
			  size_t from)
{
	struct sv out;
	int ret = ldif_renames_follow(r, sv_from(dn), from,
				      ldif_renames_time(r), &arena, &out);

	assert_int_equal(ret, !sv_eq_str(out, dn));
	return arena_cstr(&arena, out);
}

static void nothing_was_renamed(void **state)
{
	struct ldif_renames *r = ldif_renames_new(NULL, 0);
	struct ldif_line line = { SV_LIT("member"), SV_LIT("cn=a") };

	(void)state;
	assert_string_equal(follow(r, "cn=a", 0), "cn=a");
	assert_false(ldif_renames_touch(r, &line, 1));
	ldif_renames_free(r);
	ldif_renames_free(NULL);
}

static void names_are_compared_as_dns(void **state)
{
	struct ldif_renames *r = ldif_renames_new(NULL, 0);

	(void)state;
	note(r, "cn=Ann\\, B,ou=p", "cn=Ann C,ou=p");
	note(r, "ou=q", "ou=Q\\, r,o=x");
	assert_string_equal(follow(r, "CN=ann\\2c  b, OU=P", 0),
			    "cn=Ann C,ou=p");
	assert_string_equal(follow(r, "cn=D\\,e + sn=f , ou=q", 0),
			    "cn=D\\,e + sn=f,ou=Q\\, r,o=x");
	assert_string_equal(follow(r, "cn=x, ou=p", 0), "cn=x, ou=p");
	assert_string_equal(follow(r, "cn=x,ou=q", 2), "cn=x,ou=q");
	assert_string_equal(follow(r, "cn=x,ou=qq", 0), "cn=x,ou=qq");
	/* What is no DN is left alone. */
	assert_string_equal(follow(r, "", 0), "");
	assert_string_equal(follow(r, "what,ou=q", 0), "what,ou=q");
	assert_string_equal(follow(r, "ou=q\\", 0), "ou=q\\");
	ldif_renames_free(r);
}

static void only_references_are_touched(void **state)
{
	static const struct attr_def attrs[] = {
		{ .name = "deputy", .type = VALUE_REFERENCE },
		{ .name = "note", .type = VALUE_STRING },
	};
	static const struct object_type type = { "group", attrs, 2 };
	static const char *const names[] = { "note", "cn", "Deputy", "manager",
					     "seeAlso;x-old" };
	struct ldif_renames *r = ldif_renames_new(&type, 1);
	size_t i;

	(void)state;
	note(r, "cn=a", "cn=b");
	for (i = 0; i < 5; i++) {
		struct ldif_line line = { sv_from(names[i]), SV_LIT("CN=A") };

		assert_int_equal(ldif_renames_touch(r, &line, 1), i >= 2);
	}
	ldif_renames_free(r);
}

static uint32_t dice(uint32_t sides)
{
	static uint32_t state = 4711;

	state = state * 1664525 + 1013904223;
	return (state >> 16) % sides;
}

/* One of a few names, so that they meet often. */
static const char *any_name(void)
{
	struct sv dn = SV_NULL;
	size_t depth = 1 + dice(3);

	while (depth--)
		dn = dn_join(sv_from(arena_printf(&arena, "cn=%c",
						  'a' + (int)dice(3))),
			     dn, &arena);
	return arena_cstr(&arena, dn);
}

static struct sv one_step(struct sv dn, struct sv old, struct sv new_dn)
{
	size_t keep;

	if (!dn_within(dn, old))
		return dn;
	keep = dn_depth(dn) - dn_depth(old);
	return ldif_rebase(dn, keep, new_dn, &arena);
}

static void many_renames(void **state)
{
	int round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct ldif_renames *r = ldif_renames_new(NULL, 0);
		const char *from[12];
		const char *to[12];
		size_t i;
		int k;

		for (i = 0; i < 12; i++) {
			from[i] = any_name();
			to[i] = any_name();
			note(r, from[i], to[i]);
		}
		for (k = 0; k < 20; k++) {
			const char *dn = any_name();
			size_t since = dice(13);
			struct sv expected = sv_from(dn);

			for (i = since; i < 12; i++)
				expected = one_step(expected, sv_from(from[i]),
						    sv_from(to[i]));
			assert_string_equal(follow(r, dn, since),
					    arena_cstr(&arena, expected));
		}
		ldif_renames_free(r);
		arena_reset(&arena);
	}
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_renamed),
		cmocka_unit_test(names_are_compared_as_dns),
		cmocka_unit_test(only_references_are_touched),
		cmocka_unit_test(many_renames),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
