/*
 * fuzz_script.c - loads any text as a file of rules and calls what it defines
 *
 * Limits are small: whatever the text does, loading and calling come back. What
 * a function yields, it yields again in a new state.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

static int attr(void *data, enum expr_view view, uint32_t id,
		struct values *out)
{
	static struct value list[2];

	(void)data;
	(void)view;
	list[0] = value_string(SV_LIT("Zo\xc3\xab Smith"));
	list[1] = value_reference(7, SV_LIT("CN=a,OU=b"));
	out->at = id == 2 ? list : &list[id % 2];
	out->len = id % 3;
	return 0;
}

static struct script *load(struct sv text)
{
	struct script_limits limits = { 200, 20000, SCRIPT_MEMORY_MIN };
	struct script *script = script_new();
	struct error err = ERROR_INIT;
	int line;

	script_limit(script, &limits);
	if (script_load(script, "rules/f.lua", text, &line, &err) == 0)
		return script;
	REQUIRE(err.msg[0]);
	script_free(script);
	return NULL;
}

static int call(const struct script *script, size_t i, struct arena *arena,
		struct expr_result *out)
{
	struct expr_field field[] = { { "sn", 1, false, false },
				      { "all", 2, true, false },
				      { "none", 3, false, false } };
	struct expr_fields fields = { field, 3, false };
	struct expr_env env = { .attr = attr };
	struct value value = value_string(SV_LIT("a, b; c"));
	struct expr_arg args[] = {
		{ .kind = EXPR_ARG_OBJECT, .env = &env, .fields = &fields },
		{ .kind = EXPR_ARG_VALUES, .values = { &value, 1 } },
	};
	const struct expr_extern *fn = script_function(script, i);
	struct error err = ERROR_INIT;
	int ret = fn->call(fn, &env, args, 2, arena, out, &err);

	REQUIRE(ret == 0 || err.msg[0]);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = sv_make((const char *)data, size);
	struct script *first = load(text);
	struct script *second = first ? load(text) : NULL;
	struct arena arena = ARENA_INIT;
	size_t i;

	for (i = 0; second && i < script_count(first); i++) {
		struct expr_result a;
		struct expr_result b;
		int ret = call(first, i, &arena, &a);

		if (call(second, i, &arena, &b) == 0 && ret == 0) {
			REQUIRE(a.kind == b.kind);
			REQUIRE(values_identical(&a.values, &b.values));
		}
	}
	arena_release(&arena);
	script_free(first);
	script_free(second);
	return 0;
}
