/*
 * test_schema.c - members of a type with those of its superiors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct schema_member top_members[] = { { "objectClass", true } };
static struct schema_member person_members[] = { { "sn", true },
						 { "cn", true },
						 { "mail", false } };
static struct schema_member user_members[] = { { "Mail", true },
					       { "cn", false },
					       { "badge", false } };
static const char *of_top[] = { "none" };
static const char *of_person[] = { "TOP" };
static const char *of_user[] = { "person", "user", "gone" };

static struct schema_type types[] = {
	{ .name = "top",
	  .superiors = of_top,
	  .superior_count = 1,
	  .members = top_members,
	  .member_count = 1 },
	{ .name = "person",
	  .superiors = of_person,
	  .superior_count = 1,
	  .members = person_members,
	  .member_count = 3 },
	{ .name = "user",
	  .superiors = of_user,
	  .superior_count = 3,
	  .members = user_members,
	  .member_count = 3 },
};

static const struct schema schema = { .types = types, .type_count = 3 };

static void members(void **state)
{
	static const struct schema_member expected[] = {
		{ "badge", false },      { "cn", true }, { "Mail", true },
		{ "objectClass", true }, { "sn", true },
	};
	struct arena arena = ARENA_INIT;
	struct schema_member *found;
	size_t count;
	size_t i;

	(void)state;
	count = schema_members(&schema,
			       schema_type_find(&schema, SV_LIT("USER")),
			       &arena, &found);
	assert_int_equal(count, 5);
	for (i = 0; i < count; i++) {
		assert_string_equal(found[i].attr, expected[i].attr);
		assert_int_equal(found[i].required, expected[i].required);
	}
	assert_null(schema_type_find(&schema, SV_LIT("group")));
	assert_int_equal(schema_members(&schema, NULL, &arena, &found), 0);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
