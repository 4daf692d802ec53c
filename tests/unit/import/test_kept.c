/*
 * test_kept.c - the connector learns that what it gave is in the store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

/* Another reader of the store finds the object and the watermark. */
static void is_there(void *data)
{
	struct fixture *f = data;
	struct store *store;
	struct arena arena = ARENA_INIT;
	struct cs_row rows[4];
	struct sv mark;

	OK(f, store_open(f->url, STORE_READ, &store, &f->err));
	assert_int_equal(
		store_meta_get(store, "watermark.hr", &arena, &mark, &f->err),
		1);
	assert_true(sv_eq_str(mark, "m1"));
	assert_int_equal(store_cs_scan(store, 1, 0, rows, 4, &arena, &f->err),
			 1);
	store_close(store);
	arena_release(&arena);
}

static void it_learns_behind_the_commit(void **state)
{
	struct fixture *f = *state;

	the_session.watermark_out = "m1";
	the_session.at_kept = is_there;
	the_session.at_kept_data = f;
	full(f, "object|a||name=A\n", "stage-add 1");
	assert_int_equal(the_session.kept, 1);
}

static void errors_keep_it_from_learning(void **state)
{
	struct fixture *f = *state;

	the_session.watermark_out = "m1";
	import_as(f, IMPORT_FULL, "object|a||name=A\nerror|b||parse-error\n",
		  "completed-discovery-errors", "stage-add 1, stage-failure 1");
	assert_int_equal(the_session.kept, 0);
	assert_int_equal(try_import(f, IMPORT_FULL, "object|a||name=A\nfail\n"),
			 -1);
	assert_int_equal(the_session.kept, 0);
}

static void a_failure_is_told_and_the_import_stands(void **state)
{
	struct fixture *f = *state;

	the_session.watermark_out = "m1";
	the_session.kept_fails = true;
	import_as(f, IMPORT_FULL, "object|a||name=A\n", "completed-warnings",
		  "stage-add 1");
	assert_string_equal(f->result.message,
			    "all is imported, but: agent 'hr': cannot let go "
			    "of the changes that were imported: the line is "
			    "cut");
	is_there(f);
}

#define WITH_STORE(name)                                                       \
	cmocka_unit_test_setup_teardown(name, plain_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(it_learns_behind_the_commit),
		WITH_STORE(errors_keep_it_from_learning),
		WITH_STORE(a_failure_is_told_and_the_import_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
