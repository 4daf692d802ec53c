/*
 * test_process.c - another program: what it is given, prints and ends with
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"
#include "base/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct process_talk shell(const char *script, struct sv input,
				 struct sv secret, struct arena *arena)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct process_talk talk = { .input = input, .secret = secret };
	struct error err = ERROR_INIT;

	if (process_talk(argv, &talk, 20, arena, &err) < 0)
		fail_msg("%s", err.msg);
	return talk;
}

static void it_talks(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process_talk talk =
		shell("cat; cat /dev/fd/3; echo no >&2; exit 3",
		      SV_LIT("asked "), SV_LIT("secret"), &arena);

	(void)state;
	assert_true(sv_eq_str(talk.out, "asked secret"));
	assert_true(sv_eq_str(talk.errors, "no\n"));
	assert_int_equal(talk.status, 3);
	arena_release(&arena);
}

static void nothing_is_said(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process_talk talk =
		shell("case $(readlink /dev/fd/3) in *memfd*) exit 1; esac",
		      SV_NULL, SV_NULL, &arena);

	(void)state;
	assert_int_equal(talk.out.len, 0);
	assert_int_equal(talk.errors.len, 0);
	assert_int_equal(talk.status, 0);
	arena_release(&arena);
}

static void much_is_said(void **state)
{
	struct arena arena = ARENA_INIT;
	struct process_talk talk =
		shell("head -c 3000000 /dev/zero", SV_NULL, SV_NULL, &arena);

	(void)state;
	assert_int_equal(talk.out.len, 3000000);
	arena_release(&arena);
}

static void it_does_not_start_or_end(void **state)
{
	const char *nothing[] = { "/nowhere/at/all", NULL };
	const char *killed[] = { "sh", "-c", "kill -9 $$", NULL };
	const char *slow[] = { "sleep", "30", NULL };
	struct process_talk talk = { .input = SV_NULL };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(process_talk(nothing, &talk, 5, &arena, &err), -1);
	assert_non_null(strstr(err.msg, "/nowhere/at/all"));
	assert_int_equal(process_talk(killed, &talk, 5, &arena, &err), -1);
	assert_non_null(strstr(err.msg, "signal 9"));
	assert_int_equal(process_talk(slow, &talk, 1, &arena, &err), -1);
	assert_non_null(strstr(err.msg, "longer than 1 second"));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_talks),
		cmocka_unit_test(nothing_is_said),
		cmocka_unit_test(much_is_said),
		cmocka_unit_test(it_does_not_start_or_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
