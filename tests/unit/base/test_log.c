/*
 * test_log.c - events with fields; data cannot forge a line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved = -1;
static FILE *file;

static void capture(void)
{
	file = tmpfile();
	assert_non_null(file);
	(void)fflush(stderr);
	saved = dup(2);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(file), 2) >= 0);
}

static void expect(const char *text)
{
	char found[2000];
	size_t len;

	(void)fflush(stderr);
	assert_true(dup2(saved, 2) >= 0);
	(void)close(saved);
	rewind(file);
	len = fread(found, 1, sizeof(found) - 1, file);
	found[len] = '\0';
	(void)fclose(file);
	assert_string_equal(found, text);
}

static int fake_time(void **state)
{
	(void)state;
	return setenv("CONJOIN_FAKE_TIME", "2026-11-21T09:30:00Z", 1);
}

static void fields(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_INFO);
	capture();
	log_info("import finished", F_STR("agent", "hr"), F_U64("added", 3));
	log_debug("object", F_U64("id", 1));
	log_warn("odd", F_SV("value", SV_LIT("a\nb\"\\\x7f")));
	expect("2026-11-21T09:30:00Z info import finished agent=\"hr\" "
	       "added=3\n"
	       "2026-11-21T09:30:00Z warn odd "
	       "value=\"a\\x0ab\\x22\\x5c\\x7f\"\n");
}

static void level_of_the_environment(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_WARN);
	assert_int_equal(setenv("CONJOIN_LOG", "Debug", 1), 0);
	log_init();
	capture();
	log_debug("object", F_U64("id", 1));
	expect("2026-11-21T09:30:00Z debug object id=1\n");
	assert_int_equal(setenv("CONJOIN_LOG", "error", 1), 0);
	log_init();
	capture();
	log_warn("quiet", F_U64("id", 1));
	expect("");
	assert_int_equal(setenv("CONJOIN_LOG", "loud", 1), 0);
	log_init();
	capture();
	log_error("said", F_U64("id", 1));
	log_warn("quiet", F_U64("id", 1));
	expect("2026-11-21T09:30:00Z error said id=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(level_of_the_environment),
	};

	return cmocka_run_group_tests(tests, fake_time, NULL);
}
