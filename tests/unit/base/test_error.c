/*
 * test_error.c - codes, context, errno, messages that are too long
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void set_and_context(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(error_set(&err, ERR_LIMIT, "row %d", 7), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(error_context(&err, "file '%s'", "a"), -1);
	assert_int_equal(error_context(&err, "import"), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.msg, "import: file 'a': row 7");
	error_clear(&err);
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(err.msg, "");
}

static void nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, ERR_INVALID, "x"), -1);
	assert_int_equal(error_errno(NULL, ENOENT, "x"), -1);
	assert_int_equal(error_context(NULL, "x"), -1);
	error_clear(NULL);
}

static void codes_of_errno(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
	} cases[] = {
		{ ENOENT, ERR_NOTFOUND },    { EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED },       { EROFS, ERR_DENIED },
		{ EEXIST, ERR_CONFLICT },    { EIO, ERR_UNAVAILABLE },
		{ ENOSPC, ERR_UNAVAILABLE }, { ETIMEDOUT, ERR_UNAVAILABLE },
	};
	struct error err = ERROR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(error_errno(&err, cases[i].errnum, "x"), -1);
		assert_int_equal(err.code, cases[i].code);
	}
	(void)error_errno(&err, ENOENT, "cannot read '%s'", "a");
	assert_string_equal(err.msg,
			    "cannot read 'a': No such file or directory");
}

static void long_messages_end(void **state)
{
	struct error err = ERROR_INIT;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, ERR_INVALID, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	(void)error_context(&err, "outer");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_memory_equal(err.msg, "outer: aaa", 10);
	(void)error_context(&err, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	(void)error_errno(&err, ENOENT, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void names_are_stable(void **state)
{
	static const char *const names[] = {
		"none",    "not-found",   "invalid", "conflict",
		"denied",  "unavailable", "limit",   "unsupported",
		"corrupt", "internal",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_string_equal(err_code_name((enum err_code)i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_context),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(codes_of_errno),
		cmocka_unit_test(long_messages_end),
		cmocka_unit_test(names_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
