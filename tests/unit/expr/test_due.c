/*
 * test_due.c - when a result changes with the time
 *
 * It is 2026-11-21T09:30:00Z in all of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define MIDNIGHT "2026-11-22T00:00:00Z"
#define NEVER    "never"

/* The moment that evaluating `text` notes. */
static void due(const char *text, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct expr_message problem = { 0 };
	struct error err = ERROR_INIT;
	struct expr_due noted = { 0 };
	struct expr_result result;
	struct expr_scope scope;
	struct expr_env env;
	struct expr *expr = NULL;
	char found[40] = NEVER;

	scope_fill(&scope);
	env_fill(&env);
	env.due = &noted;
	assert_int_equal(expr_compile(sv_from(text), &scope, &arena, &expr,
				      &problem, NULL, NULL),
			 0);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), 0);
	if (noted.time) {
		clock_format_iso(noted.time, found);
		assert_true(sv_eq_str(noted.why, text));
	}
	if (strcmp(found, expected) != 0)
		print_message("in: %s\n", text);
	assert_string_equal(found, expected);
	assert_int_equal(noted.flows, expr_now_flows(expr) && noted.time);
	arena_release(&arena);
}

static void moments(void **state)
{
	(void)state;
	has("end", VALUE_DATETIME, "2026-12-24T18:00:00Z");
	has("past", VALUE_DATETIME, "2026-01-01T00:00:00Z");
	has("none", VALUE_DATETIME, NULL);
	due("[end] > Now()", "2026-12-24T18:00:00Z");
	due("[end] >= Now()", "2026-12-24T18:00:00.0000001Z");
	due("Now() < [end]", "2026-12-24T18:00:00Z");
	due("Now() >= [end]", "2026-12-24T18:00:00Z");
	due("Not([end] < Now())", "2026-12-24T18:00:00.0000001Z");
	due("LessThan([end], Now())", "2026-12-24T18:00:00.0000001Z");
	due("%Run.Time% > [end]", "2026-12-24T18:00:00.0000001Z");
	due("[end] = Now()", "2026-12-24T18:00:00Z");
	due("[end] <> Now()", "2026-12-24T18:00:00Z");
	due("[past] < Now()", NEVER);
	due("[none] < Now()", NEVER);
	due("[past] < [end]", NEVER);
	due("Now() = Now()", MIDNIGHT);
	/* the earliest of what is asked */
	due("[end] > Now() && DateAdd(\"d\", -7, [end]) > Now()",
	    "2026-12-17T18:00:00Z");
	due("[past] > Now() && [end] > Now()", NEVER);
	due("[past] < Now() && [end] > Now()", "2026-12-24T18:00:00Z");
	due("IIF([end] > Now(), \"a\", \"b\")", "2026-12-24T18:00:00Z");
}

static void shifted(void **state)
{
	(void)state;
	has("end", VALUE_DATETIME, "2027-03-31T00:00:00Z");
	has("far", VALUE_DATETIME, "9998-01-01T00:00:00Z");
	has("n", VALUE_INTEGER, "30");
	due("DateAdd(\"d\", [n], Now()) > [end]",
	    "2027-03-01T00:00:00.0000001Z");
	due("DateAdd(\"d\", 30, Now()) >= [end]", "2027-03-01T00:00:00Z");
	due("[end] < DateAdd(\"d\", -30, Now())",
	    "2027-04-30T00:00:00.0000001Z");
	/* the last day of February, and after it March 1st */
	due("DateAdd(\"m\", 1, Now()) >= [end]", "2027-03-01T00:00:00Z");
	due("DateAdd(\"m\", 1, Now()) > CDate(\"2027-02-28\")",
	    "2027-01-28T00:00:00.0000001Z");
	/* dates past 9999 are errors: asked again on the way */
	due("DateAdd(\"yyyy\", 1900, Now()) > [far]", "5513-04-29T04:45:00Z");
	due("NumFromDate([end]) - NumFromDate(Now()) < 864000000000",
	    "2027-03-30T00:00:00.0000001Z");
	due("NumFromDate(Now()) + 10 > NumFromDate([end])",
	    "2027-03-30T23:59:59.9999991Z");
	due("DateFromNum(NumFromDate(Now()) * 1) > [end]", MIDNIGHT);
	due("IIF([n] > 1, Now(), [end]) >= [end]", "2027-03-31T00:00:00Z");
	due("Coalesce(Now(), [end]) >= [end]", "2027-03-31T00:00:00Z");
}

static void lists(void **state)
{
	(void)state;
	has_multi("dates", VALUE_DATETIME,
		  "2026-01-01|2027-01-01|2026-12-01|2028-01-01");
	due("Count(Where($d, [dates], $d > Now())) > 0",
	    "2026-12-01T00:00:00Z");
	due("[dates] > Now()", "2026-12-01T00:00:00Z");
}

static void values_of_time(void **state)
{
	(void)state;
	has("end", VALUE_DATETIME, "2026-12-24");
	due("Now()", MIDNIGHT);
	due("FormatDateTime(Now(), \"yyyy\")", MIDNIGHT);
	due("CNum(FormatDateTime(Now(), \"yyyy\")) > 2026", MIDNIGHT);
	due("With($n, Now(), [end] > $n)", MIDNIGHT);
	due("IIF([end] > Now(), Now(), [end])", MIDNIGHT);
	due("IIF([end] > Now(), \"x\", CStr(1))", "2026-12-24T00:00:00Z");
}

/* A value stands as of another time, a comparison never does. */
static void as_of(void **state)
{
	static const char text[] = "IIF([end] > Now(), \"to come \", \"\") & "
				   "FormatDateTime(Now(), \"HH\")";
	struct arena arena = ARENA_INIT;
	struct expr_message problem = { 0 };
	struct error err = ERROR_INIT;
	struct expr_result result;
	struct expr_scope scope;
	struct expr_env env;
	struct expr *expr = NULL;

	(void)state;
	has("end", VALUE_DATETIME, "2026-11-21T07:00:00Z");
	scope_fill(&scope);
	env_fill(&env);
	env.as_of = env.now - 8 * 3600 * CLOCK_SECOND;
	assert_int_equal(expr_compile(sv_from(text), &scope, &arena, &expr,
				      &problem, NULL, NULL),
			 0);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), 0);
	assert_true(sv_eq_str(result.values.at[0].text, "01"));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(moments),        CASE(shifted), CASE(lists),
		CASE(values_of_time), CASE(as_of),
	};

	return cmocka_run_group_tests_name("due", tests, NULL, release_all);
}
