/*
 * test_object.c - attributes of an object type by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/object.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void by_name(void **state)
{
	static const struct attr_def attrs[] = {
		{ .name = "employeeID" },
		{ .name = "First Name" },
		{ .name = "mail" },
	};
	const struct object_type type = { "person", attrs, 3 };
	const struct object_type empty = { "none", NULL, 0 };
	size_t index = 99;

	(void)state;
	assert_int_equal(object_type_attr(&type, SV_LIT("EMPLOYEEid"), &index),
			 1);
	assert_int_equal(index, 0);
	assert_int_equal(object_type_attr(&type, SV_LIT("mail"), &index), 1);
	assert_int_equal(index, 2);
	assert_int_equal(object_type_attr(&type, SV_LIT("first name"), &index),
			 1);
	assert_int_equal(index, 1);
	assert_int_equal(object_type_attr(&type, SV_LIT("mai"), &index), 0);
	assert_int_equal(object_type_attr(&type, SV_NULL, &index), 0);
	assert_int_equal(object_type_attr(&empty, SV_LIT("mail"), &index), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
