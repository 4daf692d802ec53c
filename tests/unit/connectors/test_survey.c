/*
 * test_survey.c - the type of an attribute from its values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* A schema of one attribute with these values, one in an object; NULL: the
 * object has none. Ends with "end". */
static const struct schema_attr *of_values(const char *const *values)
{
	static struct schema schema;
	struct survey survey;

	survey_init(&survey, &arena);
	for (; !*values || strcmp(*values, "end") != 0; values++) {
		survey_object(&survey, SV_LIT("person"));
		if (*values)
			survey_value(&survey, SV_LIT("a"), sv_from(*values));
	}
	memset(&schema, 0, sizeof(schema));
	survey_finish(&survey, NULL, true, &schema);
	survey_release(&survey);
	assert_int_equal(schema.type_count, 1);
	assert_true(schema.guessed);
	return schema_attr_find(&schema, SV_LIT("A"));
}

#define OF(...) of_values((const char *const[]){ __VA_ARGS__, "end" })

static void types(void **state)
{
	(void)state;
	assert_int_equal(OF("1", "-2", "0")->type, VALUE_INTEGER);
	assert_int_equal(OF("1", "007")->type, VALUE_STRING);
	assert_int_equal(OF("+1")->type, VALUE_STRING);
	assert_int_equal(OF("99999999999999999999")->type, VALUE_STRING);
	assert_int_equal(OF("yes", "No")->type, VALUE_BOOLEAN);
	assert_int_equal(OF("yes", "maybe")->type, VALUE_STRING);
	assert_int_equal(OF("2026-01-31", "2026-02-01T10:00:00Z")->type,
			 VALUE_DATETIME);
	assert_int_equal(OF("20260131100000Z")->type, VALUE_DATETIME);
	assert_int_equal(OF("2026-13-31")->type, VALUE_STRING);
	assert_int_equal(OF("a", "\xff\xfe")->type, VALUE_BINARY);
	assert_int_equal(OF("", NULL)->type, VALUE_STRING);
}

static void identity(void **state)
{
	(void)state;
	assert_true(OF("1", "2")->identifies);
	assert_true(OF("x", "y")->identifies);
	assert_false(OF("1", "1")->identifies);
	assert_false(OF("1", NULL)->identifies);
	assert_false(OF("1", "")->identifies);
	assert_false(OF("2026-01-31", "2026-02-01")->identifies);
}

static void several_values(void **state)
{
	struct survey survey;
	struct schema schema = { .source = "x" };
	size_t i;
	char name[16];

	(void)state;
	survey_init(&survey, &arena);
	survey_object(&survey, SV_LIT("person"));
	survey_value(&survey, SV_LIT("a"), SV_LIT("1"));
	survey_value(&survey, SV_LIT("A"), SV_LIT("2"));
	survey_type(&survey, SV_LIT("group"));
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "b%zu", i);
		survey_value(&survey, sv_from(name), SV_NULL);
	}
	survey_finish(&survey, NULL, true, &schema);
	survey_release(&survey);
	assert_int_equal(schema.type_count, 2);
	assert_int_equal(schema.attr_count, 101);
	assert_true(schema.attrs[0].multi);
	assert_false(schema.attrs[0].identifies);
	assert_int_equal(schema.types[1].member_count, 100);
	assert_string_equal(schema.types[1].name, "group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(types, tear_down),
		cmocka_unit_test_teardown(identity, tear_down),
		cmocka_unit_test_teardown(several_values, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
