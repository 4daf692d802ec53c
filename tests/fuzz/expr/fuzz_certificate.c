/*
 * fuzz_certificate.c - any bytes as a certificate, asked by every function
 *
 * As bytes and as text. What is no certificate is an error of every function;
 * what is one gives the same answers twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUNCTIONS_MAX 64

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

static struct arena kept = ARENA_INIT;
static struct expr *compiled[FUNCTIONS_MAX];
static size_t count;
static struct value input;

static int attr(void *data, enum expr_view view, struct sv name,
		struct expr_attr *out)
{
	(void)data;
	(void)view;
	(void)name;
	*out = (struct expr_attr){ .id = 1, .name = "userCertificate" };
	return 1;
}

static int read_attr(void *data, enum expr_view view, uint32_t id,
		     struct values *out)
{
	(void)data;
	(void)view;
	(void)id;
	out->at = &input;
	out->len = 1;
	return 0;
}

/* The examples of the family; IsCert stands first. */
static void compile_all(void)
{
	const struct expr_scope scope = { .attr = attr };
	struct expr_message problem;
	struct expr_function fn;
	size_t i;

	for (i = 0; i < expr_function_count(); i++) {
		expr_function(i, &fn);
		if (!sv_eq_str(sv_from(fn.family), "Certificates"))
			continue;
		REQUIRE(count < FUNCTIONS_MAX);
		REQUIRE(expr_compile(sv_from(fn.example), &scope, &kept,
				     &compiled[count++], &problem, NULL,
				     NULL) == 0);
	}
}

static void ask_all(struct arena *arena)
{
	const struct expr_env env = { .attr = read_attr };
	struct expr_result first;
	struct expr_result second;
	struct error err = ERROR_INIT;
	bool cert;
	size_t i;

	REQUIRE(expr_eval_condition(compiled[0], &env, arena, &cert, &err) ==
		0);
	for (i = 1; i < count; i++) {
		int ret = expr_eval(compiled[i], &env, arena, &first, &err);

		REQUIRE(cert || ret < 0);
		REQUIRE(expr_eval(compiled[i], &env, arena, &second, &err) ==
			ret);
		REQUIRE(ret < 0 ||
			values_identical(&first.values, &second.values));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;

	if (!count)
		compile_all();
	input = value_binary(sv_make((const char *)data, size));
	ask_all(&arena);
	input.type = VALUE_STRING;
	ask_all(&arena);
	arena_release(&arena);
	return 0;
}
