/*
 * test_present.c - a delta that names all that are there, and thereby what is
 * gone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define PEOPLE "object|a||name=A\nobject|b||name=B\nobject|c||name=C\n"

static void who_is_not_named_is_gone(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	delta(f, "present|a\npresent|b\npresent|c\n", "");
	/* changed, new, and one of whom nobody here knows */
	delta(f,
	      "object|a||name=AA\nobject|d||name=D\n"
	      "present|a\npresent|b\npresent|d\npresent|x\n",
	      "stage-add 1, stage-update 1, stage-delete 1");
	consume(f);
	full(f, "object|a||name=AA\nobject|b||name=B\nobject|d||name=D\n",
	     "stage-no-change 3");
}

/* It was read, and was gone before all were named: the next import tells. */
static void read_and_not_named(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	delta(f, "object|a||name=AA\npresent|b\npresent|c\n", "stage-update 1");
	delta(f, "present|b\npresent|c\n", "stage-delete 1");
}

static void reported_and_not_named(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	f->guards.deletions.set = false;
	delta(f, "delete|a\npresent|b\n", "stage-delete 2");
}

static void without_names_nothing_is_compared(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	delta(f, "object|a||name=AA\n", "stage-update 1");
}

/* Something could not be read: nobody is taken for gone. */
static void after_an_error(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	import_as(f, IMPORT_DELTA, "error|||parse-error\npresent|a\n",
		  "completed-discovery-errors", "stage-failure 1");
	import_as(f, IMPORT_DELTA, "present|a\n",
		  "stopped-deletion-threshold-exceeded", "");
	f->guards.deletions.set = false;
	delta(f, "present|a\n", "stage-delete 2");
}

/* All of them at once is more likely a fault of what was asked. */
static void none_is_named(void **state)
{
	struct fixture *f = *state;

	full(f, PEOPLE, "stage-add 3");
	consume(f);
	f->guards.deletions.set = false;
	import_as(f, IMPORT_DELTA, "present|x\n",
		  "stopped-deletion-threshold-exceeded", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(who_is_not_named_is_gone),
		PLAIN(read_and_not_named),
		PLAIN(reported_and_not_named),
		PLAIN(without_names_nothing_is_compared),
		PLAIN(after_an_error),
		PLAIN(none_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
