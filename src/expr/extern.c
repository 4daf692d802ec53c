/*
 * extern.c - functions that are not built in: those of rules/NAME.lua
 *
 * Called by name they stand in the tree like any function, take lists whole
 * and may yield anything; their arguments are counted here. Named by
 * { lua: f } they are given objects, whose attributes they ask for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

/* Whether a function is given a list, however many values there are: what a
 * schema allows, and nobody asked for, does not count. */
static bool makes_list(const struct node *node)
{
	size_t i;

	if (node->kind == NODE_ATTR)
		return node->attr->multi;
	if (node->kind != NODE_EACH)
		return node->multi;
	for (i = 0; i < node->each_count; i++)
		if (node->each[i]->multi)
			return true;
	return false;
}

/* The name of an entry is text, not a reference to itself. */
static bool is_dn(const struct node *node)
{
	return node->kind == NODE_ATTR && node->types == TYPES_REFERENCE &&
	       sv_ieq_str(sv_from(node->attr->name), "dn");
}

static void take_result(const struct expr_result *result, struct datum *out)
{
	if (result->kind == EXPR_VALUES)
		datum_list(out, result->values.at, result->values.len);
	else
		datum_none(out, result->kind);
}

static struct expr_arg make_arg(struct eval *e, const struct node *node,
				const struct datum *d)
{
	struct expr_arg arg = { .kind = EXPR_ARG_VALUES };

	if (d->kind != EXPR_VALUES)
		return arg;
	arg.values.len = d->len;
	arg.values.at = arena_array(e->arena, d->len, sizeof(struct value));
	if (d->len == 1)
		arg.values.at[0] = d->one;
	else
		memcpy(arg.values.at, d->at, d->len * sizeof(struct value));
	arg.list = makes_list(node);
	if (is_dn(node))
		arg.values.at[0].type = VALUE_STRING;
	return arg;
}

static int call(struct eval *e, const struct datum *args, size_t argc,
		struct datum *out)
{
	const struct node *node = e->call;
	const struct expr_extern *is =
		((const struct extern_function *)node->fn)->is;
	struct expr_arg *given = arena_array(e->arena, argc, sizeof(*given));
	struct expr_result result;
	size_t i;

	for (i = 0; i < argc; i++)
		given[i] = make_arg(e, node->args[i], &args[i]);
	if (is->call(is, e->env, given, argc, e->arena, &result, e->err) < 0)
		return -1;
	take_result(&result, out);
	return 0;
}

struct sv expr_told(const struct expr *expr, struct arena *arena)
{
	const struct extern_function *call;
	const struct extern_function *before;
	const char *more = "";

	for (call = expr->calls; call; call = call->next) {
		for (before = expr->calls; before->is != call->is;)
			before = before->next;
		if (before == call)
			more = arena_printf(arena, "%s%s%s (%s)", more,
					    *more ? ", " : "  ", call->is->name,
					    call->is->where);
	}
	if (!*more)
		return expr->source;
	return sv_from(
		arena_printf(arena, SV_FMT "%s", SV_ARG(expr->source), more));
}

bool is_extern(const struct function *fn)
{
	return fn->call == call;
}

const struct function *extern_function(struct compile *c,
				       const struct expr_extern *is)
{
	struct extern_function *made = arena_zalloc(c->arena, sizeof(*made));

	made->is = is;
	made->fn.name = is->name;
	made->fn.result = KIND_VAR;
	made->fn.flags = FN_EFFECT | FN_REPEAT;
	made->fn.params[0] =
		(struct param){ "value", KIND_VAR,
				PARAM_LIST | PARAM_NULL | PARAM_OPTIONAL };
	made->fn.call = call;
	made->next = c->expr->calls;
	c->expr->calls = made;
	c->expr->external = true;
	return &made->fn;
}

struct node *extern_check(struct compile *c, struct node *node)
{
	const struct expr_extern *is =
		((const struct extern_function *)node->fn)->is;

	if (node->argc <= is->params || is->any_number)
		return node;
	return compile_fail(c, node->from,
			    "%s takes at most %zu argument%s, %zu given (%s)",
			    is->name, is->params, is->params == 1 ? "" : "s",
			    node->argc, is->where);
}

int extern_eval_hook(struct eval *e, const struct node *node, struct datum *out)
{
	const struct hook *hook = node->hook;
	struct expr_arg *args =
		arena_array(e->arena, hook->count, sizeof(*args));
	struct expr_result result;
	size_t i;

	for (i = 0; i < hook->count; i++)
		args[i] = (struct expr_arg){ .kind = EXPR_ARG_OBJECT,
					     .env = e->env,
					     .view = hook->args[i].view,
					     .fields = hook->args[i].fields };
	if (hook->is->call(hook->is, e->env, args, hook->count, e->arena,
			   &result, e->err) < 0)
		return -1;
	take_result(&result, out);
	return 0;
}
