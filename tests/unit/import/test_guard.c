/*
 * test_guard.c - what stops an import, its watermark, a system that fails
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

/* "object|1..n", without the numbers from `gone` on. */
static const char *people(struct fixture *f, int n)
{
	struct strbuf text = STRBUF_INIT(1 << 20);
	const char *copy;
	int i;

	for (i = 1; i <= n; i++)
		strbuf_addf(&text, "object|%d||name=N%d\n", i, i);
	copy = arena_cstr(&f->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return copy;
}

static void stopped(struct fixture *f, const char *script, const char *counters)
{
	import_as(f, IMPORT_FULL, script, "stopped-deletion-threshold-exceeded",
		  counters);
	assert_true(f->result.message[0] != '\0');
	assert_int_equal(counters_get(&f->counters, 0, "stage-delete"), 0);
}

static void percentage(void **state)
{
	struct fixture *f = *state;

	f->guards.above = 3;
	full(f, people(f, 20), "stage-add 20");
	consume(f);
	/* a fifth is not more than a fifth */
	stopped(f, people(f, 15), "stage-no-change 15");
	assert_non_null(strstr(f->result.message, "5 of 20 person"));
	assert_non_null(strstr(f->result.message, f->result.token));
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 20);
	full(f, people(f, 16), "stage-no-change 16, stage-delete 4");
	/* those that are staged already are not counted again */
	full(f, people(f, 13), "stage-no-change 13, stage-delete 3");
}

static void counts(void **state)
{
	struct fixture *f = *state;

	full(f, people(f, 10), "stage-add 10");
	consume(f);
	f->guards.deletions = (struct config_limit){ true, false, 1 };
	stopped(f, people(f, 8), "stage-no-change 8");
	assert_non_null(strstr(f->result.message, "allows 1;"));
	full(f, people(f, 9), "stage-no-change 9, stage-delete 1");
	f->guards.deletions.set = false;
	full(f, people(f, 1), "stage-no-change 1, stage-delete 8");
}

static void of_a_type(void **state)
{
	struct fixture *f = *state;
	struct config_type_guard team = { 1, { true, false, 0 } };

	f->guards.types = &team;
	f->guards.type_count = 1;
	full(f,
	     arena_printf(&f->arena, "%sobject:team|1||name=T\n", people(f, 9)),
	     "stage-add 10");
	consume(f);
	stopped(f, people(f, 9), "stage-no-change 9");
	assert_non_null(strstr(f->result.message, "team"));
	full(f,
	     arena_printf(&f->arena, "%sobject:team|1||name=T\n", people(f, 6)),
	     "stage-no-change 7, stage-delete 3");
}

static void a_token_passes_one_set(void **state)
{
	struct fixture *f = *state;
	char token[40];

	f->guards.deletions = (struct config_limit){ true, false, 0 };
	full(f, people(f, 10), "stage-add 10");
	consume(f);
	stopped(f, people(f, 8), "stage-no-change 8");
	memcpy(token, f->result.token, sizeof(token));
	f->options.allow = token;
	/* another set has another token */
	stopped(f, people(f, 7), "stage-no-change 7");
	assert_string_not_equal(token, f->result.token);
	assert_false(f->result.token_used);
	full(f, people(f, 8), "stage-no-change 8, stage-delete 2");
	assert_true(f->result.token_used);
}

static void deltas_are_guarded(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions = (struct config_limit){ true, false, 1 };
	full(f, people(f, 10), "stage-add 10");
	consume(f);
	import_as(f, IMPORT_DELTA, "delete|1||\ndelete|2||\nadd|11||name=X\n",
		  "stopped-deletion-threshold-exceeded", "stage-add 1");
	expect_import(f, "1", IMPORT_NONE);
	delta(f, "delete|1||\ndelete|1||\n", "stage-delete 1");
}

static void nothing_is_read(void **state)
{
	struct fixture *f = *state;

	full(f, "", "");
	full(f, people(f, 1), "stage-add 1");
	consume(f);
	stopped(f, "", "");
	assert_non_null(strstr(f->result.message, "empty: allow"));
	f->guards.empty_stop = false;
	f->guards.deletions.set = false;
	full(f, "", "stage-delete 1");
}

static void with_errors(struct fixture *f, const char *script,
			const char *counters)
{
	import_as(f, IMPORT_FULL, script, "completed-discovery-errors",
		  counters);
}

/* What could not be read is not gone; who was not in the way is. */
static void errors_spare_their_objects(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions.set = false;
	full(f, people(f, 5), "stage-add 5");
	consume(f);
	/* 9 is nobody: a new one that could not be read */
	with_errors(f,
		    "object|1||name=N1\nerror|2||parse-error\n"
		    "error|3||invalid-numeric-value\n"
		    "error|9||invalid-numeric-value\n",
		    "stage-no-change 1, stage-delete 2, stage-failure 3");
	assert_string_equal(f->result.message, "");
	expect_import(f, "2", IMPORT_NONE);
	expect_import(f, "3", IMPORT_NONE);
	expect_import(f, "4", IMPORT_DELETE);
	/* the guard judges what is left */
	f->guards.deletions = (struct config_limit){ true, false, 0 };
	import_as(f, IMPORT_FULL, "error|2||parse-error\nobject|1||name=N1\n",
		  "stopped-deletion-threshold-exceeded",
		  "stage-no-change 1, stage-failure 1");
	expect_import(f, "3", IMPORT_NONE);
}

/* An error that may be about anybody keeps everybody. */
static void errors_keep_everything(void **state)
{
	static const char *const scripts[] = {
		/* without an anchor */
		"object|1||name=N1\nerror|||parse-error\n",
		/* not understood: a name that nobody has, or who was read */
		"object|1||name=N1\nerror|9||parse-error\n",
		"object|1||name=N1\nerror|1||parse-error\n",
		"error|1||parse-error\nobject|1||name=N1\n",
	};
	struct fixture *f = *state;
	size_t i;

	f->guards.deletions.set = false;
	full(f, people(f, 5), "stage-add 5");
	consume(f);
	for (i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		with_errors(f, scripts[i],
			    "stage-no-change 1, stage-failure 1");
		assert_non_null(strstr(f->result.message, "any object"));
		assert_true(store_cs_count(f->store, 1, 0, &f->err) == 5);
		expect_import(f, "3", IMPORT_NONE);
	}
	f->guards.keep_all = true;
	with_errors(f, "object|1||name=N1\nerror|2||invalid-numeric-value\n",
		    "stage-no-change 1, stage-failure 1");
	expect_import(f, "3", IMPORT_NONE);
	/* read twice: it is known who */
	f->guards.keep_all = false;
	with_errors(f, "object|1||name=N1\nobject|1||name=N1\n",
		    "stage-no-change 1, stage-delete 4, stage-failure 1");
}

/* Directories know an object by its name, too. */
static void errors_with_a_name(void **state)
{
	struct fixture *f = *state;
	const char *all = "container||o=x\nobject|1|cn=a,o=x|name=A\n"
			  "object|2|cn=b,o=x|name=B\n"
			  "object|3|cn=c,o=x|name=C\n";

	f->guards.deletions.set = false;
	full(f, all, "stage-add 3");
	consume(f);
	with_errors(f,
		    "container||o=x\nobject|1|cn=a,o=x|name=A\n"
		    "error||CN=B, o=x|read-error\n",
		    "stage-no-change 1, stage-delete 1, stage-failure 1");
	full(f, all, "stage-no-change 2, stage-update 1");
	/* a name that was taken over by one who was read */
	with_errors(f,
		    "container||o=x\nobject|1|cn=b,o=x|name=A\n"
		    "error||cn=b,o=x|read-error\n",
		    "stage-rename 1, stage-failure 1");
}

static void changes_are_guarded(void **state)
{
	struct fixture *f = *state;

	f->guards.changes = (struct config_limit){ true, false, 1 };
	/* never the first import */
	full(f, people(f, 10), "stage-add 10");
	consume(f);
	full(f, people(f, 11), "stage-no-change 10, stage-add 1");
	consume(f);
	import_as(f, IMPORT_FULL,
		  "object|1||name=X\nobject|2||name=X\nobject|3||name=N3\n",
		  "stopped-change-limit", "stage-no-change 1, stage-update 2");
	assert_non_null(strstr(f->result.message, "2 new and changed"));
	expect_import(f, "9", IMPORT_NONE);
	/* again: what is staged already counts */
	import_as(f, IMPORT_FULL,
		  "object|1||name=X\nobject|2||name=X\nobject|3||name=X\n",
		  "stopped-change-limit", "stage-no-change 2, stage-update 1");
	/* mended: taking back is no change */
	full(f, people(f, 11), "stage-no-change 8, stage-update 3");
	/* a delta: each object once, whatever is said of it */
	delta(f, "update|1||name=X\nupdate|1||name=Y\nupdate|2||name=N2\n",
	      "stage-no-change 1, stage-update 1");
	consume(f);
	import_as(f, IMPORT_DELTA, "update|3||name=X\nadd|12||name=N\n",
		  "stopped-change-limit", "stage-add 1, stage-update 1");
	consume(f);
	/* a percentage of what was there, counts up to `above` pass */
	f->guards.changes = (struct config_limit){ true, true, 2000 };
	f->guards.above = 2;
	delta(f, "update|4||name=X\nupdate|5||name=X\n", "stage-update 2");
	consume(f);
	/* what we exported does not count */
	await(f, find(f, "9"), PENDING_UPDATE, A_TITLE, "New", 0);
	delta(f, "update|4||name=Y\nupdate|5||name=Y\nupdate|9||title=New\n",
	      "stage-update 3");
	consume(f);
	import_as(f, IMPORT_DELTA,
		  "update|6||name=X\nupdate|7||name=X\nupdate|8||name=X\n",
		  "stopped-change-limit", "stage-update 3");
}

static void too_many_errors(void **state)
{
	struct fixture *f = *state;

	f->guards.errors = 2;
	import_as(f, IMPORT_FULL, "object|1||name=A\nerror|||a\nerror|||b\n",
		  "completed-discovery-errors", "stage-add 1, stage-failure 2");
	import_as(f, IMPORT_FULL,
		  "error|||a\nerror|||b\nerror|||c\nobject|1||name=A\n",
		  "stopped-error-limit", "stage-no-change 1, stage-failure 3");
}

/* ---- the watermark ---- */

static void watermark_after_success_only(void **state)
{
	struct fixture *f = *state;

	the_session.watermark_out = "w1";
	full(f, people(f, 3), "stage-add 3");
	assert_string_equal(the_session.watermark_in, "");
	assert_string_equal(watermark(f), "w1");
	assert_int_equal(import_has_watermark(f->store, &f->agent, &f->err), 1);
	the_session.watermark_out = "w2";
	delta(f, "update|1||name=X\n", "stage-update 1");
	assert_string_equal(the_session.watermark_in, "w1");
	assert_int_equal(the_session.kind, IMPORT_DELTA);
	assert_string_equal(watermark(f), "w2");
	/* an object that could not be read is to be read again */
	the_session.watermark_out = "w3";
	import_as(f, IMPORT_DELTA, "error|1||parse-error\n",
		  "completed-discovery-errors", "stage-failure 1");
	assert_string_equal(watermark(f), "w2");
	/* what a guard stopped too */
	f->guards.deletions = (struct config_limit){ true, false, 0 };
	import_as(f, IMPORT_DELTA, "delete|1||\n",
		  "stopped-deletion-threshold-exceeded", "");
	assert_string_equal(watermark(f), "w2");
	/* and what was cut off */
	assert_int_equal(try_import(f, IMPORT_DELTA, "fail\n"), -1);
	assert_string_equal(watermark(f), "w2");
	/* none: a delta cannot follow */
	the_session.watermark_out = NULL;
	f->guards.deletions.set = false;
	consume(f);
	OK(f, try_import(f, IMPORT_FULL, people(f, 3)));
	assert_int_equal(import_has_watermark(f->store, &f->agent, &f->err), 0);
}

/* ---- the system fails, or the operator stops ---- */

static void cut_off_in_the_middle(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions.set = false;
	full(f, people(f, 5), "stage-add 5");
	consume(f);
	assert_int_equal(try_import(f, IMPORT_FULL,
				    "object|1||name=N1\nobject|9||name=X\n"
				    "fail\n"),
			 -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_string_equal(f->err.msg,
			    "agent 'hr': cannot read on: the line is cut");
	/* nobody was deleted for not being seen */
	assert_true(store_cs_count(f->store, 1, 0, &f->err) >= 5);
	expect_import(f, "2", IMPORT_NONE);
	/* run again: all is well */
	OK(f, try_import(f, IMPORT_FULL, people(f, 5)));
	assert_string_equal(f->result.result, "success");
	assert_true(find(f, "9") == 0 ||
		    load(f, find(f, "9")).import == IMPORT_DELETE);
}

static int stop_now(void *data, uint64_t objects, int permille)
{
	*(uint64_t *)data = objects;
	(void)permille;
	return 1;
}

static void stopped_by_the_operator(void **state)
{
	struct fixture *f = *state;
	uint64_t told = 0;

	f->guards.deletions.set = false;
	the_session.watermark_out = "w1";
	the_session.objects = 10000;
	full(f, "", "stage-add 10000");
	consume(f);
	the_session.watermark_out = "w2";
	f->options.progress = stop_now;
	f->options.progress_data = &told;
	OK(f, try_import(f, IMPORT_FULL, ""));
	assert_string_equal(f->result.result, "stopped-user");
	assert_true(told > 0 && told < 10000);
	assert_string_equal(watermark(f), "w1");
	assert_int_equal(counters_get(&f->counters, 0, "stage-delete"), 0);
}

/* ---- many ---- */

static void twenty_thousand(void **state)
{
	struct fixture *f = *state;

	the_session.objects = 20000;
	full(f, people(f, 10), "stage-add 20010");
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 20010);
	full(f, people(f, 10), "stage-no-change 20010");
	consume(f);
	full(f, "object|1||name=X\n",
	     "stage-no-change 20000, stage-update 1, "
	     "stage-delete 9");
	the_session.objects = 0;
	delta(f, "update|n777||name=X\ndelete|n20000||\n",
	      "stage-update 1, stage-delete 1");
	expect_attr(f, "n19999", A_NAME, "n19999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(percentage),
		PLAIN(counts),
		PLAIN(of_a_type),
		PLAIN(a_token_passes_one_set),
		PLAIN(deltas_are_guarded),
		PLAIN(nothing_is_read),
		PLAIN(errors_spare_their_objects),
		PLAIN(errors_keep_everything),
		cmocka_unit_test_setup_teardown(errors_with_a_name, dn_setup,
						fixture_teardown),
		PLAIN(changes_are_guarded),
		PLAIN(too_many_errors),
		PLAIN(watermark_after_success_only),
		PLAIN(cut_off_in_the_middle),
		PLAIN(stopped_by_the_operator),
		PLAIN(twenty_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
