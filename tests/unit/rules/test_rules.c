/*
 * test_rules.c - expressions over objects, and values that fit or do not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* ---- an object: attributes 1 .. 3, and expressions over it ---- */

#define ATTRS 4

struct object {
	struct value value[ATTRS];
	struct values values[ATTRS];
};

static const struct values *get(void *data, attr_id attr)
{
	struct object *object = data;

	return attr < ATTRS ? &object->values[attr] : NULL;
}

static void has(struct object *object, attr_id attr, const char *text)
{
	object->value[attr] = value_string(sv_from(text));
	object->values[attr].at = &object->value[attr];
	object->values[attr].len = 1;
}

/* [a], [b], [c] */
static int find_attr(void *data, enum expr_view view, struct sv name,
		     struct expr_attr *out)
{
	(void)data;
	(void)view;
	memset(out, 0, sizeof(*out));
	if (name.len != 1 || name.ptr[0] < 'a' || name.ptr[0] > 'c')
		return 0;
	out->id = (uint32_t)(name.ptr[0] - 'a' + 1);
	out->type = VALUE_STRING;
	return 1;
}

static const struct expr *compile(const char *text)
{
	struct expr_scope scope = {
		.allow = EXPR_ALLOW_CURRENT | EXPR_ALLOW_METAVERSE |
			 EXPR_ALLOW_COUNTER | EXPR_ALLOW_IMPORTED,
		.attr = find_attr,
	};
	struct expr_message problem;
	struct expr *expr;

	if (expr_compile(sv_from(text), &scope, &arena, &expr, &problem, NULL,
			 NULL) < 0)
		fail_msg("%s: %s", text, problem.text);
	return expr;
}

static const struct config no_config;
static const struct rules_env env = { .config = &no_config,
				      .now = 134083110000000000 };

static const char *text_of(const struct rules_view *view, const char *expr)
{
	struct error err = ERROR_INIT;
	struct sv text;
	int ret = rules_text(&env, compile(expr), view, &arena, &text, &err);

	if (ret < 0)
		return arena_printf(&arena, "error: %s", err.msg);
	return ret ? arena_cstr(&arena, text) : "nothing";
}

static void views(void **state)
{
	struct object here = { 0 };
	struct object imported = { 0 };
	struct object current = { 0 };
	struct object metaverse = { 0 };
	struct rules_view view = {
		.here = { &here, get },
		.imported = { &imported, get },
		.current = { &current, get },
		.metaverse = { &metaverse, get },
		.counter = 7,
	};

	(void)state;
	has(&here, 1, "here");
	has(&imported, 1, "imported");
	has(&current, 1, "current");
	has(&metaverse, 1, "metaverse");
	has(&here, 2, "");
	assert_string_equal(text_of(&view, "[a]"), "here");
	assert_string_equal(text_of(&view, "ImportedValue(\"a\")"), "imported");
	assert_string_equal(text_of(&view, "Current(\"a\")"), "current");
	assert_string_equal(text_of(&view, "Metaverse(\"a\")"), "metaverse");
	assert_string_equal(text_of(&view, "[a] & \"-\" & CStr($n)"), "here-7");
	/* nothing, and a text of length zero */
	assert_string_equal(text_of(&view, "[c]"), "nothing");
	assert_string_equal(text_of(&view, "[b]"), "nothing");
	/* an object that is not there has nothing */
	memset(&view.current, 0, sizeof(view.current));
	assert_string_equal(text_of(&view, "Current(\"a\")"), "nothing");
	assert_string_equal(text_of(&view, "Error(\"no\")"), "error: no");
}

static void direct_flow(void **state)
{
	struct object here = { 0 };
	struct rules_view view = { .here = { &here, get } };
	struct expr_result result;

	(void)state;
	has(&here, 1, "here");
	assert_int_equal(
		rules_eval(&env, compile("[a]"), &view, &arena, &result, NULL),
		0);
	assert_int_equal(result.kind, EXPR_VALUES);
	/* not even copied */
	assert_ptr_equal(result.values.at, here.values[1].at);
	assert_int_equal(
		rules_eval(&env, compile("[b]"), &view, &arena, &result, NULL),
		0);
	assert_int_equal(result.kind, EXPR_NULL);
}

static void conditions(void **state)
{
	struct object here = { 0 };
	struct rules_view view = { .here = { &here, get } };
	struct error err = ERROR_INIT;
	bool yes = false;

	(void)state;
	has(&here, 1, "x");
	assert_int_equal(rules_condition(&env, NULL, &view, &arena, &yes, &err),
			 0);
	assert_true(yes);
	assert_int_equal(rules_condition(&env, compile("[a] = \"X\""), &view,
					 &arena, &yes, &err),
			 0);
	assert_true(yes);
	assert_int_equal(rules_condition(&env, compile("[b] = \"X\""), &view,
					 &arena, &yes, &err),
			 0);
	assert_false(yes);
	assert_int_equal(rules_condition(&env, compile("Error(\"no\")"), &view,
					 &arena, &yes, &err),
			 -1);
}

/* ---- values that go into an attribute ---- */

static struct values of(struct value *values, size_t len)
{
	return (struct values){ values, len };
}

static void fits_as_it_is(void **state)
{
	struct attr_def def = { .name = "a", .type = VALUE_STRING };
	struct value v[2] = { value_string(SV_LIT("x")),
			      value_string(SV_LIT("y")) };
	struct values values = of(v, 1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(rules_fit(&values, &def, &arena, &err), 0);
	assert_ptr_equal(values.at, v);
	values.len = 0;
	assert_int_equal(rules_fit(&values, &def, &arena, &err), 0);
	values.len = 2;
	assert_int_equal(rules_fit(&values, &def, &arena, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(err.msg, "flow-multi-values-to-single-value: 'a' "
				     "takes one value, the rule gave 2");
	def.multi = true;
	assert_int_equal(rules_fit(&values, &def, &arena, &err), 0);
}

static void converted(void **state)
{
	static const struct {
		enum value_type from;
		const char *text;
		enum value_type to;
		const char *result; /* NULL: does not fit */
	} cases[] = {
		{ VALUE_STRING, "42", VALUE_INTEGER, "42" },
		{ VALUE_STRING, "yes", VALUE_BOOLEAN, "true" },
		{ VALUE_STRING, "2026-11-21", VALUE_DATETIME,
		  "2026-11-21T00:00:00Z" },
		{ VALUE_STRING, "x", VALUE_BINARY, "x" },
		{ VALUE_INTEGER, "42", VALUE_STRING, "42" },
		{ VALUE_BOOLEAN, "no", VALUE_STRING, "false" },
		{ VALUE_DATETIME, "2026-11-21", VALUE_STRING,
		  "2026-11-21T00:00:00Z" },
		{ VALUE_BINARY, "12", VALUE_INTEGER, "12" },
		{ VALUE_STRING, "seven", VALUE_INTEGER, NULL },
		{ VALUE_INTEGER, "1", VALUE_BOOLEAN, NULL },
		{ VALUE_INTEGER, "1", VALUE_DATETIME, NULL },
		{ VALUE_STRING, "cn=a", VALUE_REFERENCE, NULL },
		{ VALUE_REFERENCE, "cn=a", VALUE_STRING, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct attr_def def = { .name = "a", .type = cases[i].to };
		struct error err = ERROR_INIT;
		struct value v;
		struct values values = of(&v, 1);

		assert_int_equal(value_parse(cases[i].from,
					     sv_from(cases[i].text), SV_NULL,
					     &v),
				 1);
		if (rules_fit(&values, &def, &arena, &err) < 0) {
			assert_null(cases[i].result);
			assert_int_equal(err.code, ERR_INVALID);
			assert_memory_equal(err.msg,
					    "cs-attribute-type-mismatch: ", 28);
			/* what was given is left as it was */
			assert_int_equal(v.type, cases[i].from);
			continue;
		}
		if (!cases[i].result)
			fail_msg("'%s' fits", cases[i].text);
		assert_int_equal(values.at[0].type, cases[i].to);
		assert_string_equal(
			arena_cstr(&arena, value_text(&values.at[0], &arena)),
			cases[i].result);
		assert_int_equal(v.type, cases[i].from);
	}
}

static void one_of_several_does_not_fit(void **state)
{
	struct attr_def def = { .name = "a",
				.type = VALUE_INTEGER,
				.multi = true };
	struct value v[3] = { value_integer(1), value_string(SV_LIT("2")),
			      value_string(SV_LIT("three")) };
	struct values values = of(v, 2);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(rules_fit(&values, &def, &arena, &err), 0);
	assert_true(values.at[1].number == 2);
	values = of(v, 3);
	assert_int_equal(rules_fit(&values, &def, &arena, &err), -1);
	assert_non_null(strstr(err.msg, "the string 'three'"));
}

static void nothing_is_no_value(void **state)
{
	struct value v[4] = { value_string(SV_NULL), value_string(SV_LIT("x")),
			      value_binary(SV_NULL), value_string(SV_LIT("")) };
	struct values values = of(v, 4);
	struct values full = of(&v[1], 1);

	(void)state;
	rules_drop_empty(&values, &arena);
	assert_int_equal(values.len, 2);
	assert_true(sv_eq_str(values.at[0].text, "x"));
	assert_int_equal(values.at[1].type, VALUE_BINARY);
	assert_int_equal(v[0].type, VALUE_STRING);
	rules_drop_empty(&full, &arena);
	assert_ptr_equal(full.at, &v[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views),
		cmocka_unit_test(direct_flow),
		cmocka_unit_test(conditions),
		cmocka_unit_test(fits_as_it_is),
		cmocka_unit_test(converted),
		cmocka_unit_test(one_of_several_does_not_fit),
		cmocka_unit_test(nothing_is_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
