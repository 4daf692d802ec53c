/*
 * harness.h - an object made in the test, and expressions evaluated over it
 *
 *	has("sn", VALUE_STRING, "Smith");
 *	gives("UCase([sn])", "SMITH");
 *
 * Results are written as text: values with " | " between them, bytes in hex,
 * "NULL", "IgnoreThisFlow", "AuthoritativeNull", "error: ..." for an object
 * error, "12: ..." for a problem at byte 12 of the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_EXPR_HARNESS_H
#define TESTS_UNIT_EXPR_HARNESS_H

#include "base/clock.h"
#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ATTRS_MAX 64

struct sample {
	enum expr_view view;
	const char *name;
	struct expr_attr attr;
	struct values values;
};

static struct sample samples[ATTRS_MAX];
static size_t sample_count;
static struct arena sample_arena = ARENA_INIT;
static uint32_t allow = EXPR_ALLOW_CURRENT | EXPR_ALLOW_METAVERSE |
			EXPR_ALLOW_RANDOM | EXPR_ALLOW_COUNTER |
			EXPR_ALLOW_IMPORTED;
static char warnings[1024];
/* Functions that are not built in, where a test has some. */
static const struct expr_extern *(*functions)(void *data, struct sv name);
static size_t reads_made;

static inline void forget(void)
{
	sample_count = 0;
	warnings[0] = '\0';
	arena_reset(&sample_arena);
}

static inline struct value sample_value(enum value_type type, struct sv text)
{
	struct strbuf bytes = STRBUF_INIT(4096);
	struct value v = { 0 };

	if (type == VALUE_BINARY) {
		assert_true(strbuf_add_unhex(&bytes, text));
		v = value_binary(arena_dup(&sample_arena, strbuf_sv(&bytes)));
		strbuf_release(&bytes);
		return v;
	}
	assert_true(value_parse(type == VALUE_NULL ? VALUE_STRING : type, text,
				SV_NULL, &v));
	return v;
}

/* `text`: values with | between them; NULL: absent */
static inline struct sample *has_view(enum expr_view view, const char *name,
				      enum value_type type, const char *text)
{
	struct sample *s = &samples[sample_count];
	struct sv rest = sv_from(text);
	size_t end;

	assert_true(sample_count < ATTRS_MAX);
	memset(s, 0, sizeof(*s));
	s->view = view;
	s->name = name;
	s->attr.id = (uint32_t)sample_count++ + 1;
	s->attr.type = type;
	s->attr.name = name;
	s->values.at = arena_array(&sample_arena, 32, sizeof(struct value));
	if (!text)
		return s;
	do {
		end = sv_find(rest, '|', 0);
		s->values.at[s->values.len++] =
			sample_value(type, sv_sub(rest, 0, end));
		rest = end < rest.len ? sv_sub(rest, end + 1, rest.len)
				      : SV_NULL;
	} while (rest.ptr);
	s->attr.multi = s->values.len > 1;
	return s;
}

static inline struct sample *has(const char *name, enum value_type type,
				 const char *text)
{
	return has_view(EXPR_VIEW_HERE, name, type, text);
}

static inline void has_multi(const char *name, enum value_type type,
			     const char *text)
{
	has(name, type, text)->attr.multi = true;
}

static inline int scope_attr(void *data, enum expr_view view, struct sv name,
			     struct expr_attr *out)
{
	size_t i;

	(void)data;
	for (i = 0; i < sample_count; i++) {
		if (samples[i].view != view ||
		    !sv_ieq_str(name, samples[i].name))
			continue;
		*out = samples[i].attr;
		return 1;
	}
	return 0;
}

static inline const char *scope_suggest(void *data, enum expr_view view,
					struct sv name)
{
	const char *names[ATTRS_MAX];
	size_t i;

	(void)data;
	(void)view;
	for (i = 0; i < sample_count; i++)
		names[i] = samples[i].name;
	return sv_nearest(name, names, sample_count);
}

static inline int scope_param(void *data, struct sv name, struct values *out)
{
	static struct value one;
	static struct value two[2];

	(void)data;
	one = value_string(SV_LIT("sales.fabrikam.com"));
	two[0] = value_string(SV_LIT("@corp.com"));
	two[1] = value_string(SV_LIT("@x"));
	out->at = &one;
	out->len = 1;
	if (sv_eq_str(name, "Domain.FQDN"))
		return 1;
	if (sv_eq_str(name, "Run.Time")) {
		one = value_datetime(0);
		return 1;
	}
	if (sv_eq_str(name, "Connector.ID")) {
		one = value_string(SV_LIT("{0e1b}"));
		return 1;
	}
	if (!sv_eq_str(name, "Suffixes"))
		return 0;
	out->at = two;
	out->len = 2;
	return 1;
}

static inline int scope_table(void *data, struct sv table, struct sv column)
{
	(void)data;
	if (!sv_eq_str(table, "countries"))
		return 0;
	return !column.len || sv_eq_str(column, "name") ? 1 : -1;
}

static inline int env_attr(void *data, enum expr_view view, uint32_t id,
			   struct values *out)
{
	(void)data;
	(void)view;
	reads_made++;
	*out = samples[id - 1].values;
	return 0;
}

static inline int env_lookup(void *data, struct sv table, struct sv key,
			     struct sv column, struct sv *out)
{
	(void)data;
	(void)table;
	(void)column;
	*out = SV_LIT("Italy");
	return sv_eq_str(key, "IT");
}

static inline void env_fill(struct expr_env *env)
{
	memset(env, 0, sizeof(*env));
	env->counter = 2;
	env->attr = env_attr;
	env->lookup = env_lookup;
	assert_true(clock_parse_iso(SV_LIT("2026-11-21T09:30:00Z"), &env->now));
}

static inline void add_warning(void *data, const struct expr_message *m)
{
	size_t len = strlen(warnings);

	(void)data;
	assert_true(m->warning);
	(void)snprintf(warnings + len, sizeof(warnings) - len, "%zu: %s\n",
		       m->offset, m->text);
}

static inline void scope_fill(struct expr_scope *scope)
{
	memset(scope, 0, sizeof(*scope));
	scope->allow = allow;
	scope->attr = scope_attr;
	scope->suggest = scope_suggest;
	scope->param = scope_param;
	scope->table = scope_table;
	scope->function = functions;
}

static inline void show_value(const struct value *v, struct arena *arena,
			      struct strbuf *out)
{
	if (v->type == VALUE_BINARY)
		strbuf_add_hex(out, v->text);
	else if (v->type == VALUE_BOOLEAN)
		strbuf_adds(out, v->number ? "True" : "False");
	else
		strbuf_addsv(out, value_text(v, arena));
}

static inline void show_result(const struct expr_result *r, struct arena *arena,
			       struct strbuf *out)
{
	static const char *const kinds[] = { "NULL", "AuthoritativeNull",
					     "IgnoreThisFlow", "" };
	size_t i;

	if (r->kind != EXPR_VALUES) {
		strbuf_adds(out, kinds[r->kind]);
		return;
	}
	assert_true(r->values.len > 0);
	for (i = 0; i < r->values.len; i++) {
		if (i)
			strbuf_adds(out, " | ");
		show_value(&r->values.at[i], arena, out);
	}
}

static inline void evaluate(struct sv text, bool rule, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct expr_message problem = { 0 };
	struct error err = ERROR_INIT;
	struct expr_result result;
	struct expr_scope scope;
	struct expr_env env;
	struct expr *expr = NULL;
	int ret;

	scope_fill(&scope);
	env_fill(&env);
	warnings[0] = '\0';
	ret = rule ? expr_compile_rule(text, &scope, &arena, &expr, &problem,
				       add_warning, NULL)
		   : expr_compile(text, &scope, &arena, &expr, &problem,
				  add_warning, NULL);
	if (ret < 0)
		strbuf_addf(out, "%zu: %s", problem.offset, problem.text);
	else if (expr_eval(expr, &env, &arena, &result, &err) < 0)
		strbuf_addf(out, "error: %s", err.msg);
	else
		show_result(&result, &arena, out);
	arena_release(&arena);
}

static inline void gives_sv(struct sv text, bool rule, const char *expected)
{
	struct strbuf out = STRBUF_INIT((size_t)1 << 20);

	evaluate(text, rule, &out);
	if (!sv_eq_str(strbuf_sv(&out), expected))
		print_message("in: " SV_FMT "\n", SV_ARG(text));
	assert_string_equal(strbuf_cstr(&out), expected);
	strbuf_release(&out);
}

static inline void gives(const char *text, const char *expected)
{
	gives_sv(sv_from(text), false, expected);
}

static inline void rule_gives(const char *text, const char *expected)
{
	gives_sv(sv_from(text), true, expected);
}

/* A problem or error whose text has `part` in it. */
static inline void says(const char *text, const char *part)
{
	struct strbuf out = STRBUF_INIT((size_t)1 << 20);

	evaluate(sv_from(text), false, &out);
	if (!strstr(strbuf_cstr(&out), part))
		print_message("in: %s\nsaid: %s\nnot: %s\n", text,
			      strbuf_cstr(&out), part);
	assert_non_null(strstr(strbuf_cstr(&out), part));
	strbuf_release(&out);
}

static inline int forget_all(void **state)
{
	(void)state;
	forget();
	return 0;
}

static inline int release_all(void **state)
{
	(void)state;
	arena_release(&sample_arena);
	return 0;
}

#define CASE(f) cmocka_unit_test_setup(f, forget_all)

#endif
