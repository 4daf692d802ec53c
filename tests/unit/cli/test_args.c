/*
 * test_args.c - options and words of a command line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct option_def common[] = {
	{ "folder", "DIR", false, "" },    { "json", NULL, false, "" },
	{ "set", "NAME=VALUE", true, "" }, { "help", NULL, false, "" },
	{ NULL, NULL, false, NULL },
};

static const struct option_def own[] = {
	{ "limit", "N", false, "" },
	{ NULL, NULL, false, NULL },
};

#define COUNT(argv) ((int)(sizeof(argv) / sizeof(*(argv))))

static void finds_the_command(void **state)
{
	const char *const plain[] = { "conjoin", "run", "hr" };
	const char *const after[] = { "conjoin", "--folder", "run", "check" };
	const char *const equal[] = { "conjoin", "--folder=x", "check" };
	const char *const none[] = { "conjoin", "--json", "--folder", "x" };
	const char *const ended[] = { "conjoin", "--", "check" };

	(void)state;
	assert_int_equal(args_command(common, COUNT(plain), plain), 1);
	assert_int_equal(args_command(common, COUNT(after), after), 3);
	assert_int_equal(args_command(common, COUNT(equal), equal), 2);
	assert_int_equal(args_command(common, COUNT(none), none), 0);
	assert_int_equal(args_command(common, COUNT(ended), ended), 2);
}

static void reads_words_and_options(void **state)
{
	const char *const argv[] = { "conjoin", "--folder",  "corp",  "search",
				     "mv",      "--limit=5", "a=b",   "--json",
				     "--set",   "x=1",       "--set", "y=2",
				     "--",      "--odd" };
	struct args args;
	struct error err = ERROR_INIT;
	int64_t limit = 0;

	(void)state;
	assert_int_equal(
		args_parse(common, own, COUNT(argv), argv, 3, &args, &err), 0);
	assert_int_equal(args.words.len, 3);
	assert_string_equal(args.words.at[0], "mv");
	assert_string_equal(args.words.at[1], "a=b");
	assert_string_equal(args.words.at[2], "--odd");
	assert_string_equal(args_value(&args, "folder"), "corp");
	assert_string_equal(args_value(&args, "set"), "y=2");
	assert_int_equal(args.options.len, 5);
	assert_true(args_has(&args, "json"));
	assert_false(args_has(&args, "help"));
	assert_int_equal(args_number(&args, "limit", &limit, &err), 0);
	assert_int_equal(limit, 5);
	args_release(&args);
}

static void a_lone_dash_is_a_word(void **state)
{
	const char *const argv[] = { "conjoin", "-", "-h" };
	struct args args;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
		args_parse(common, NULL, COUNT(argv), argv, 0, &args, &err), 0);
	assert_int_equal(args.words.len, 1);
	assert_true(args_has(&args, "help"));
	args_release(&args);
}

static void refused(const char *const *argv, int argc, const char *message)
{
	struct args args;
	struct error err = ERROR_INIT;

	assert_int_equal(args_parse(common, own, argc, argv, 1, &args, &err),
			 -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(err.msg, message);
	args_release(&args);
}

static void refuses_what_is_wrong(void **state)
{
	const char *const mistyped[] = { "conjoin", "search", "--limt", "5" };
	const char *const unknown[] = { "conjoin", "search", "--xyzzy" };
	const char *const shorter[] = { "conjoin", "search", "-limit" };
	const char *const lacking[] = { "conjoin", "search", "--limit" };
	const char *const needless[] = { "conjoin", "search", "--json=yes" };
	const char *const twice[] = { "conjoin", "search",  "--limit",
				      "1",       "--limit", "2" };

	(void)state;
	refused(mistyped, COUNT(mistyped),
		"unknown option '--limt': did you mean '--limit'?");
	refused(unknown, COUNT(unknown), "unknown option '--xyzzy'");
	refused(shorter, COUNT(shorter),
		"unknown option '-limit': did you mean '--limit'?");
	refused(lacking, COUNT(lacking),
		"option '--limit' needs a value: --limit N");
	refused(needless, COUNT(needless), "option '--json' takes no value");
	refused(twice, COUNT(twice), "option '--limit' is given twice");
}

static void refuses_bad_numbers(void **state)
{
	const char *const texts[] = { "x", "-1", "", "99999999999999999999" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *const argv[] = { "conjoin", "search", "--limit",
					     texts[i] };
		struct args args;
		struct error err = ERROR_INIT;
		int64_t limit = 7;

		assert_int_equal(args_parse(common, own, COUNT(argv), argv, 1,
					    &args, &err),
				 0);
		assert_int_equal(args_number(&args, "limit", &limit, &err), -1);
		assert_int_equal(limit, 7);
		args_release(&args);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_command),
		cmocka_unit_test(reads_words_and_options),
		cmocka_unit_test(a_lone_dash_is_a_word),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(refuses_bad_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
