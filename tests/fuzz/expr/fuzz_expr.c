/*
 * fuzz_expr.c - compiles any text as an expression and evaluates it
 *
 * The first byte chooses the values that attributes have; every name but those
 * that begin with z is an attribute. What does not depend on chance must yield
 * the same twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUES_MAX 3

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

static unsigned seed;

static uint32_t hash(struct sv name)
{
	uint32_t h = 5381;
	size_t i;

	for (i = 0; i < name.len; i++)
		h = h * 33 + ((unsigned char)name.ptr[i] | 32U);
	return h % 251;
}

static int attr(void *data, enum expr_view view, struct sv name,
		struct expr_attr *out)
{
	(void)data;
	(void)view;
	if (!name.len || name.ptr[0] == 'z')
		return 0;
	out->id = hash(name);
	out->type = (enum value_type)(out->id % 7);
	out->multi = out->id % 3 == 0;
	out->schema_multi = out->id % 3 == 1;
	out->match = out->id % 2 ? MATCH_EXACT : MATCH_IGNORE_CASE;
	out->name = NULL;
	return 1;
}

static int param(void *data, struct sv name, struct values *out)
{
	static struct value list[2];

	(void)data;
	list[0] = value_string(SV_LIT("corp.test"));
	list[1] = value_string(SV_LIT("b"));
	out->at = list;
	out->len = hash(name) % 3;
	return name.ptr[0] != 'z';
}

static int table(void *data, struct sv name, struct sv column)
{
	(void)data;
	(void)column;
	return (int)(hash(name) % 3) - 1;
}

static struct value made(enum value_type type, unsigned n)
{
	static const struct sv texts[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "SMTP:a@corp.test", 16 },
		{ "CN=Smith\\, Ann,OU=x,DC=corp,DC=test", 35 },
		{ "2013-01-10 4:00 PM -8", 21 },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", 10 },
		{ "\xff\x00\x01", 3 },
	};
	static const int64_t numbers[] = {
		0, 1, -1, 514, INT64_MAX, INT64_MIN, 129699324000000000
	};
	struct value v = { type, 0, SV_NULL };

	switch (type) {
	case VALUE_NULL:
		return made((enum value_type)(n % 6 + 1), n / 2);
	case VALUE_STRING:
	case VALUE_REFERENCE:
		v.text = texts[n % 6];
		break;
	case VALUE_BINARY:
		v.text = texts[n % 7];
		break;
	case VALUE_BOOLEAN:
		v.number = n % 2;
		break;
	case VALUE_INTEGER:
	case VALUE_DATETIME:
		v.number = numbers[n % 7];
		break;
	}
	return v;
}

static int read_attr(void *data, enum expr_view view, uint32_t id,
		     struct values *out)
{
	static struct value values[256][VALUES_MAX];
	size_t i;

	(void)data;
	(void)view;
	out->at = values[id];
	out->len = (id + seed) % (VALUES_MAX + 1);
	for (i = 0; i < out->len; i++)
		values[id][i] = made((enum value_type)(id % 7),
				     id + seed + (unsigned)i);
	return 0;
}

static int lookup(void *data, struct sv name, struct sv key, struct sv column,
		  struct sv *out)
{
	(void)data;
	(void)name;
	(void)column;
	*out = key;
	return hash(key) % 2 == 0;
}

static void check_result(const struct expr *expr, const struct expr_result *r)
{
	size_t i;

	if (r->kind != EXPR_VALUES) {
		REQUIRE(r->values.len == 0);
		return;
	}
	REQUIRE(r->values.len > 0);
	for (i = 0; i < r->values.len; i++) {
		const struct value *v = &r->values.at[i];

		REQUIRE(v->type != VALUE_NULL);
		REQUIRE(v->text.len <= EXPR_RESULT_MAX);
		REQUIRE(expr_type(expr) == VALUE_NULL ||
			expr_type(expr) == v->type);
	}
	REQUIRE(r->values.len == 1 || r->multi);
}

static void evaluate(const struct expr *expr, struct arena *arena)
{
	struct expr_env env = { .now = 134083110000000000,
				.counter = 2,
				.attr = read_attr,
				.lookup = lookup };
	struct expr_result first;
	struct expr_result second;
	struct error err = ERROR_INIT;
	bool condition;
	int ret = expr_eval(expr, &env, arena, &first, &err);

	if (ret == 0)
		check_result(expr, &first);
	if (!expr_unstable(expr)) {
		REQUIRE(expr_eval(expr, &env, arena, &second, &err) == ret);
		REQUIRE(ret < 0 || first.kind == second.kind);
		REQUIRE(ret < 0 ||
			values_identical(&first.values, &second.values));
	}
	(void)expr_eval_condition(expr, &env, arena, &condition, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expr_scope scope = {
		.allow = 31, .attr = attr, .param = param, .table = table
	};
	struct arena arena = ARENA_INIT;
	struct expr_message problem;
	struct expr *expr;
	struct sv text;

	if (!size)
		return 0;
	seed = data[0];
	text = sv_make((const char *)data + 1, size - 1);
	if (expr_compile(text, &scope, &arena, &expr, &problem, NULL, NULL) ==
	    0)
		evaluate(expr, &arena);
	else
		REQUIRE(problem.offset <= text.len && problem.text[0]);
	if (expr_compile_rule(text, &scope, &arena, &expr, &problem, NULL,
			      NULL) == 0)
		evaluate(expr, &arena);
	arena_release(&arena);
	return 0;
}
