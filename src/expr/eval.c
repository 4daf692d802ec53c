/*
 * eval.c - walks the compiled expression
 *
 * Reads of attributes are borrowed, never copied; a single value travels inside
 * struct datum. Several values at a place for one are taken one by one: those
 * of an attribute over its whole part (NODE_EACH, see part.c), all others by
 * the operator or function that meets them. IgnoreThisFlow and
 * AuthoritativeNull given to an operator or a function are its result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"

#include <stdarg.h>
#include <stdio.h>

#define SNIPPET 60

bool datum_present(const struct datum *d)
{
	size_t i;

	if (d->kind != EXPR_VALUES)
		return false;
	for (i = 0; i < d->len; i++) {
		const struct value *v = datum_at(d, i);

		if (v->text.len ||
		    (v->type != VALUE_STRING && v->type != VALUE_BINARY &&
		     !(v->type == VALUE_REFERENCE && !v->number)))
			return true;
	}
	return false;
}

/* ---- errors and limits ---- */

static int fail_about(struct eval *e, const struct node *node, const char *fmt,
		      va_list args) __attribute__((format(printf, 3, 0)));

static int fail_about(struct eval *e, const struct node *node, const char *fmt,
		      va_list args)
{
	struct sv piece = sv_sub(e->source, node->from, node->end);
	const char *more = "";
	char text[400];

	if (piece.len > SNIPPET) {
		piece.len = SNIPPET;
		piece.len = text_valid_prefix(piece);
		more = "...";
	}
	(void)vsnprintf(text, sizeof(text), fmt, args);
	return error_set(e->err, ERR_INVALID, SV_FMT "%s: %s", SV_ARG(piece),
			 more, text);
}

int eval_fail(struct eval *e, const struct node *node, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)fail_about(e, node, fmt, args);
	va_end(args);
	return -1;
}

int call_fail(struct eval *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)fail_about(e, e->call, fmt, args);
	va_end(args);
	return -1;
}

int eval_step(struct eval *e)
{
	if (e->work--)
		return 0;
	e->work = 0;
	return error_set(e->err, ERR_LIMIT,
			 "the expression took more than %llu steps",
			 (unsigned long long)EXPR_WORK_MAX);
}

int eval_room(struct eval *e, size_t len)
{
	if (len > EXPR_RESULT_MAX)
		return error_set(e->err, ERR_LIMIT,
				 "a value would be longer than %zu MiB",
				 EXPR_RESULT_MAX >> 20);
	if (len > e->memory)
		return error_set(e->err, ERR_LIMIT,
				 "the values made are larger than %zu MiB",
				 EXPR_MEMORY_MAX >> 20);
	e->memory -= len;
	return 0;
}

/* ---- lists ---- */

int list_add(struct eval *e, struct list *list, const struct value *value)
{
	if (list->len == EXPR_LIST_MAX)
		return error_set(e->err, ERR_LIMIT,
				 "a list would have more than %zu values",
				 EXPR_LIST_MAX);
	if (list->len == list->size) {
		size_t size = list->size ? list->size * 2 : 8;
		struct value *at;

		if (eval_room(e, size / 2 * sizeof(*at)) < 0)
			return -1;
		at = arena_alloc(e->arena, size * sizeof(*at));
		if (list->len)
			memcpy(at, list->at, list->len * sizeof(*at));
		list->at = at;
		list->size = size;
	}
	list->at[list->len++] = *value;
	return 0;
}

int list_add_datum(struct eval *e, struct list *list, const struct datum *d)
{
	size_t i;

	if (d->kind != EXPR_VALUES)
		return 0;
	for (i = 0; i < d->len; i++)
		if (list_add(e, list, datum_at(d, i)) < 0)
			return -1;
	return 0;
}

/* ---- attributes ---- */

static int eval_attr(struct eval *e, const struct node *node, struct datum *out)
{
	struct values values = { NULL, 0 };

	if (e->bound.attr == node->attr) {
		datum_list(out, e->bound.value, 1);
		return 0;
	}
	(void)e->env->attr(e->env->data, node->attr->view, node->attr->id,
			   &values);
	datum_list(out, values.at, values.len);
	return 0;
}

static int eval_count(struct eval *e, const struct node *node,
		      struct datum *out)
{
	struct values values = { NULL, 0 };
	int64_t count = 0;

	if (e->env->count) {
		(void)e->env->count(e->env->data, node->attr->view,
				    node->attr->id, &count);
		return datum_number(out, count);
	}
	(void)e->env->attr(e->env->data, node->attr->view, node->attr->id,
			   &values);
	return datum_number(out, (int64_t)values.len);
}

/* The attribute of the part that has several values, if any. */
static int find_mapped(struct eval *e, const struct node *node,
		       const struct read **attr, struct values *values)
{
	size_t i;

	*attr = NULL;
	for (i = 0; i < node->each_count; i++) {
		const struct read *r = node->each[i];
		struct values v = { NULL, 0 };

		(void)e->env->attr(e->env->data, r->view, r->id, &v);
		if (v.len < 2)
			continue;
		if (*attr)
			return eval_fail(e, node,
					 "[%s] has %zu values and [%s] has "
					 "%zu; take one of them with Item(...)",
					 (*attr)->name, values->len, r->name,
					 v.len);
		*attr = r;
		*values = v;
	}
	return 0;
}

/* One round of a part: 1: IgnoreThisFlow, which ends it; 0; -1 */
static int each_value(struct eval *e, const struct node *node,
		      struct list *list, enum expr_kind *none)
{
	struct datum one;

	if (eval_node(e, node->args[0], &one) < 0)
		return -1;
	if (one.kind == EXPR_IGNORE || one.kind == EXPR_AUTHORITATIVE_NULL)
		*none = one.kind;
	if (one.kind == EXPR_IGNORE)
		list->len = 0;
	if (list_add_datum(e, list, &one) < 0)
		return -1;
	return one.kind == EXPR_IGNORE;
}

static int eval_each(struct eval *e, const struct node *node, struct datum *out)
{
	const struct binding outer = e->bound;
	const struct read *attr;
	struct values values = { NULL, 0 };
	struct list list = { NULL, 0, 0 };
	enum expr_kind none = EXPR_NULL;
	int ret = 0;
	size_t i;

	if (find_mapped(e, node, &attr, &values) < 0)
		return -1;
	if (!attr)
		return eval_node(e, node->args[0], out);
	e->bound.attr = attr;
	for (i = 0; i < values.len && ret == 0; i++) {
		e->bound.value = &values.at[i];
		ret = each_value(e, node, &list, &none);
	}
	e->bound = outer;
	datum_list(out, list.at, list.len);
	if (!list.len)
		out->kind = none;
	return ret < 0 ? -1 : 0;
}

/* ---- calls ---- */

static int check_value(struct eval *e, const struct node *node, size_t i,
		       const struct param *param, const struct value *v)
{
	uint32_t wanted = kind_types(param->kind);

	if (!(TYPE_BIT(v->type) & wanted))
		return eval_fail(
			e, node, "argument %zu must be %s, this is %s%s", i + 1,
			kind_want(param->kind), types_word(TYPE_BIT(v->type)),
			types_hint(wanted, TYPE_BIT(v->type)));
	if (v->type == VALUE_REFERENCE && !v->text.len && wanted != TYPES_ANY)
		return eval_fail(e, node, "the reference has no name here");
	if (param->kind >= KIND_CHAR && !kind_valid(param->kind, v->text))
		return eval_fail(
			e, node, "argument %zu must be %s, not '" SV_FMT "'",
			i + 1, kind_want(param->kind), SV_ARG(v->text));
	return 0;
}

/* NULL and its kin as an argument: 1: go on with it; 0: the call's result is
 * already *out; -1 */
static int check_none(struct eval *e, const struct node *node, size_t i,
		      const struct param *param, struct datum *arg,
		      struct datum *out)
{
	if (param->flags & PARAM_WHOLE) {
		(void)datum_null(arg);
		return 1;
	}
	if (arg->kind != EXPR_NULL) {
		datum_none(out, arg->kind);
		return 0;
	}
	if (param->kind == KIND_CHAR)
		return eval_fail(e, node, "argument %zu is NULL, it must be %s",
				 i + 1, kind_want(param->kind));
	if (param->flags & PARAM_NULL)
		return 1;
	return datum_null(out);
}

/* As check_none, for every argument. */
static int check_datum(struct eval *e, const struct node *node, size_t i,
		       const struct param *param, struct datum *arg,
		       struct datum *out)
{
	size_t v;

	if (arg->kind != EXPR_VALUES)
		return check_none(e, node, i, param, arg, out);
	for (v = 0; v < arg->len; v++)
		if (check_value(e, node, i, param, datum_at(arg, v)) < 0)
			return -1;
	return 1;
}

static int eval_arg(struct eval *e, const struct node *arg,
		    const struct param *param, struct datum *out)
{
	const struct binding outer = e->bound;
	int ret;

	if (!outer.attr || !(param->flags & PARAM_LIST))
		return eval_node(e, arg, out);
	e->bound.attr = NULL;
	ret = eval_node(e, arg, out);
	e->bound = outer;
	return ret;
}

/* The argument `spread` has several values where one is wanted. */
static int call_each(struct eval *e, const struct node *node,
		     struct datum *args, size_t spread, struct datum *out)
{
	struct datum many = args[spread];
	struct list list = { NULL, 0, 0 };
	struct datum one;
	size_t i;

	for (i = 0; i < many.len; i++) {
		datum_list(&args[spread], &many.at[i], 1);
		if (eval_step(e) < 0 ||
		    node->fn->call(e, args, node->argc, &one) < 0 ||
		    list_add_datum(e, &list, &one) < 0)
			return -1;
	}
	datum_list(out, list.at, list.len);
	return 0;
}

static int eval_call(struct eval *e, const struct node *node, struct datum *out)
{
	struct datum few[FN_PARAMS];
	struct datum *args = few;
	size_t spread = SIZE_MAX;
	size_t i;

	if (!node->fn->call)
		return flow_eval(e, node, out);
	if (node->argc > FN_PARAMS)
		args = arena_alloc(e->arena, node->argc * sizeof(*args));
	for (i = 0; i < node->argc; i++) {
		const struct param *param = function_param(node->fn, i);
		int ret;

		if (eval_arg(e, node->args[i], param, &args[i]) < 0)
			return -1;
		ret = check_datum(e, node, i, param, &args[i], out);
		if (ret < 1)
			return ret;
		if (args[i].len > 1 &&
		    !(param->flags & (PARAM_LIST | PARAM_WHOLE))) {
			if (spread != SIZE_MAX)
				return eval_two_lists(e, node);
			spread = i;
		}
	}
	for (; i < FN_PARAMS; i++)
		(void)datum_null(&args[i]);
	e->call = node;
	if (spread != SIZE_MAX)
		return call_each(e, node, args, spread, out);
	return node->fn->call(e, args, node->argc, out);
}

int eval_node(struct eval *e, const struct node *node, struct datum *out)
{
	(void)datum_null(out);
	if (eval_step(e) < 0)
		return -1;
	switch (node->kind) {
	case NODE_CONST:
		*out = node->constant;
		return 0;
	case NODE_NULL:
		return 0;
	case NODE_ATTR:
		return eval_attr(e, node, out);
	case NODE_COUNT:
		return eval_count(e, node, out);
	case NODE_VAR:
		*out = *e->vars[node->var];
		return 0;
	case NODE_COUNTER:
		return datum_number(out, e->env->counter);
	case NODE_CHAIN:
		return eval_chain(e, node, out);
	case NODE_NEGATE:
		return eval_negate(e, node, out);
	case NODE_COMPARE:
		return eval_compare(e, node, out);
	case NODE_IS_NULL:
		return eval_is_null(e, node, out);
	case NODE_AND:
	case NODE_OR:
		return eval_logic(e, node, out);
	case NODE_CALL:
		return eval_call(e, node, out);
	case NODE_EACH:
		return eval_each(e, node, out);
	case NODE_HOOK:
		return extern_eval_hook(e, node, out);
	}
	return 0;
}

/* ---- the doors ---- */

static void eval_init(struct eval *e, const struct expr *expr,
		      const struct expr_env *env, struct arena *arena,
		      struct error *err)
{
	e->env = env;
	e->arena = arena;
	e->err = err;
	e->source = expr->source;
	e->bound = (struct binding){ NULL, NULL };
	e->call = NULL;
	e->steady = false;
	e->work = EXPR_WORK_MAX;
	e->memory = EXPR_MEMORY_MAX;
}

int expr_eval(const struct expr *expr, const struct expr_env *env,
	      struct arena *arena, struct expr_result *out, struct error *err)
{
	struct eval e;
	struct datum d;

	eval_init(&e, expr, env, arena, err);
	if (eval_node(&e, expr->root, &d) < 0)
		return -1;
	out->kind = d.kind;
	out->multi = expr->root->multi || d.len > 1;
	out->values.at = d.at;
	out->values.len = d.len;
	if (d.len == 1 && !d.at) {
		out->values.at = arena_alloc(arena, sizeof(d.one));
		*out->values.at = d.one;
	}
	return 0;
}

int expr_eval_condition(const struct expr *expr, const struct expr_env *env,
			struct arena *arena, bool *out, struct error *err)
{
	struct eval e;

	eval_init(&e, expr, env, arena, err);
	return eval_condition(&e, expr->root, out);
}
