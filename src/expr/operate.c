/*
 * operate.c - what operators do: & + - *, comparison, && and ||
 *
 * Called by eval.c. An operand with several values is taken value by value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"
#include "model/dn.h"

int eval_two_lists(struct eval *e, const struct node *node)
{
	return eval_fail(e, node,
			 "two operands have several values; take one of them "
			 "with Item(...)");
}

static int want_text(struct eval *e, const struct node *node,
		     const struct value *v)
{
	if (!(TYPE_BIT(v->type) & TYPES_TEXT))
		return eval_fail(e, node, "text is joined, this is %s%s",
				 types_word(TYPE_BIT(v->type)),
				 types_hint(TYPES_TEXT, TYPE_BIT(v->type)));
	if (v->type == VALUE_REFERENCE && !v->text.len)
		return eval_fail(e, node, "the reference has no name here");
	return 0;
}

static int join_two(struct eval *e, const struct node *node,
		    const struct value *a, const struct value *b,
		    struct datum *out)
{
	struct sv left = a ? a->text : SV_NULL;
	struct sv right = b ? b->text : SV_NULL;
	char *text;

	if ((a && want_text(e, node, a) < 0) ||
	    (b && want_text(e, node, b) < 0) ||
	    eval_room(e, left.len + right.len) < 0)
		return -1;
	text = arena_alloc(e->arena, left.len + right.len + 1);
	if (left.len)
		memcpy(text, left.ptr, left.len);
	if (right.len)
		memcpy(text + left.len, right.ptr, right.len);
	return datum_text(out, sv_make(text, left.len + right.len));
}

static bool is_text(const struct value *v)
{
	return v && TYPE_BIT(v->type) & TYPES_TEXT;
}

static int calculate(struct eval *e, const struct node *node, char op,
		     const struct value *a, const struct value *b,
		     struct datum *out)
{
	const struct value *wrong = NULL;
	int64_t n = 0;
	bool over;

	if (op == '&' || (op == '+' && (is_text(a) || is_text(b))))
		return join_two(e, node, a, b, out);
	if (a && a->type != VALUE_INTEGER)
		wrong = a;
	else if (b && b->type != VALUE_INTEGER)
		wrong = b;
	if (wrong)
		return eval_fail(
			e, node, "%c takes numbers, this is %s%s", op,
			types_word(TYPE_BIT(wrong->type)),
			types_hint(TYPES_INTEGER, TYPE_BIT(wrong->type)));
	if (!a || !b)
		return datum_null(out);
	if (op == '+')
		over = __builtin_add_overflow(a->number, b->number, &n);
	else if (op == '-')
		over = __builtin_sub_overflow(a->number, b->number, &n);
	else
		over = __builtin_mul_overflow(a->number, b->number, &n);
	if (over)
		return eval_fail(e, node,
				 "the result does not fit into 64 bits");
	return datum_number(out, n);
}

static const struct value *value_at(const struct datum *d, size_t i)
{
	if (d->kind != EXPR_VALUES)
		return NULL;
	return d->len == 1 ? &d->one : &d->at[i];
}

/* `left` op `right`; the one with several values is taken value by value. */
static int combine(struct eval *e, const struct node *node, char op,
		   const struct datum *left, const struct datum *right,
		   struct datum *out)
{
	size_t count = left->len > right->len ? left->len : right->len;
	struct list list = { NULL, 0, 0 };
	struct datum one;
	size_t i;

	if (count < 2)
		return calculate(e, node, op, value_at(left, 0),
				 value_at(right, 0), out);
	if (left->len > 1 && right->len > 1)
		return eval_two_lists(e, node);
	for (i = 0; i < count; i++)
		if (eval_step(e) < 0 ||
		    calculate(e, node, op, value_at(left, i),
			      value_at(right, i), &one) < 0 ||
		    list_add_datum(e, &list, &one) < 0)
			return -1;
	datum_list(out, list.at, list.len);
	return 0;
}

/* a & b & c ... with one value each: the text is made once. */
static int join_all(struct eval *e, const struct node *node,
		    const struct datum *parts, struct datum *out)
{
	size_t len = 0;
	size_t i;
	char *text;
	char *at;

	for (i = 0; i < node->argc; i++) {
		if (parts[i].kind != EXPR_VALUES)
			continue;
		if (want_text(e, node->args[i], &parts[i].one) < 0)
			return -1;
		len += parts[i].one.text.len;
	}
	if (eval_room(e, len) < 0)
		return -1;
	text = arena_alloc(e->arena, len + 1);
	at = text;
	for (i = 0; i < node->argc; i++) {
		struct sv s = value_at(&parts[i], 0) ? parts[i].one.text
						     : SV_NULL;

		if (s.len)
			memcpy(at, s.ptr, s.len);
		at += s.len;
	}
	return datum_text(out, sv_make(text, len));
}

static bool is_nothing(const struct datum *part)
{
	const struct value *value;

	if (part->kind != EXPR_VALUES || !part->len)
		return true;
	value = datum_at(part, 0);
	return part->len == 1 && is_text(value) && !value->text.len;
}

static void note_gaps(struct eval *e, const struct node *node,
		      const struct datum *parts)
{
	size_t i;

	/* constants are folded without an environment */
	for (i = 0; e->env && e->env->gap && i < node->argc; i++)
		if (is_nothing(&parts[i]) &&
		    node->args[i ? i : 1]->joint == '&')
			*e->env->gap = true;
}

#define CHAIN_FEW 6

int eval_chain(struct eval *e, const struct node *node, struct datum *out)
{
	struct datum few[CHAIN_FEW];
	struct datum *parts = few;
	struct datum sum;
	bool plain = true;
	size_t i;

	if (node->argc > CHAIN_FEW)
		parts = arena_alloc(e->arena, node->argc * sizeof(*parts));
	for (i = 0; i < node->argc; i++) {
		if (eval_node(e, node->args[i], &parts[i]) < 0)
			return -1;
		if (parts[i].kind == EXPR_IGNORE ||
		    parts[i].kind == EXPR_AUTHORITATIVE_NULL) {
			datum_none(out, parts[i].kind);
			return 0;
		}
		plain = plain && parts[i].len < 2 &&
			(i == 0 || node->args[i]->joint == '&');
	}
	note_gaps(e, node, parts);
	if (plain)
		return join_all(e, node, parts, out);
	sum = parts[0];
	for (i = 1; i < node->argc; i++) {
		if (combine(e, node, node->args[i]->joint, &sum, &parts[i],
			    out) < 0)
			return -1;
		sum = *out;
	}
	return 0;
}

int eval_negate(struct eval *e, const struct node *node, struct datum *out)
{
	struct datum zero;
	struct datum arg;

	if (eval_node(e, node->args[0], &arg) < 0)
		return -1;
	if (arg.kind != EXPR_VALUES) {
		datum_none(out, arg.kind);
		return 0;
	}
	(void)datum_number(&zero, 0);
	return combine(e, node, '-', &zero, &arg, out);
}

/* ---- comparison ---- */

static bool same_class(const struct value *a, const struct value *b)
{
	return a->type == b->type || (is_text(a) && is_text(b));
}

bool values_equal(const struct value *a, const struct value *b, bool exact)
{
	if (!same_class(a, b))
		return false;
	if (a->type == VALUE_REFERENCE || b->type == VALUE_REFERENCE) {
		if (a->number && b->number)
			return a->number == b->number;
		return dn_equal(a->text, b->text);
	}
	return value_same(a, b, exact ? MATCH_EXACT : MATCH_IGNORE_CASE);
}

int values_compare(const struct value *a, const struct value *b, bool exact)
{
	if (is_text(a))
		return exact ? sv_cmp(a->text, b->text)
			     : text_icmp(a->text, b->text);
	if (a->type == VALUE_BINARY)
		return sv_cmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

static bool ordered(enum compare_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	}
	return false;
}

static int compare_two(struct eval *e, const struct node *node,
		       enum compare_op op, const struct value *a,
		       const struct value *b, struct datum *out)
{
	if (!a || !b)
		return datum_boolean(out, op == OP_NE);
	if (!same_class(a, b))
		return eval_fail(
			e, node, "%s cannot be compared with %s%s",
			types_word(TYPE_BIT(a->type)),
			types_word(TYPE_BIT(b->type)),
			types_hint(TYPE_BIT(a->type), TYPE_BIT(b->type)));
	if (op == OP_EQ || op == OP_NE)
		return datum_boolean(out, values_equal(a, b, node->exact) ==
						  (op == OP_EQ));
	if (a->type == VALUE_BOOLEAN)
		return eval_fail(e, node, "booleans have no order");
	return datum_boolean(out,
			     ordered(op, values_compare(a, b, node->exact)));
}

int compare_by(struct eval *e, const struct node *node, enum compare_op op,
	       struct datum *out)
{
	struct list list = { NULL, 0, 0 };
	struct datum left;
	struct datum right;
	struct datum one;
	size_t count;
	size_t i;

	if (eval_node(e, node->args[0], &left) < 0 ||
	    eval_node(e, node->args[1], &right) < 0)
		return -1;
	count = left.len > right.len ? left.len : right.len;
	if (count < 2)
		return compare_two(e, node, op, value_at(&left, 0),
				   value_at(&right, 0), out);
	if (left.len > 1 && right.len > 1)
		return eval_two_lists(e, node);
	for (i = 0; i < count; i++)
		if (eval_step(e) < 0 ||
		    compare_two(e, node, op, value_at(&left, i),
				value_at(&right, i), &one) < 0 ||
		    list_add_datum(e, &list, &one) < 0)
			return -1;
	datum_list(out, list.at, list.len);
	return 0;
}

int eval_compare(struct eval *e, const struct node *node, struct datum *out)
{
	if (node->steady)
		return due_compare(e, node, out);
	return compare_by(e, node, node->op, out);
}

int eval_is_null(struct eval *e, const struct node *node, struct datum *out)
{
	struct datum arg;

	if (eval_node(e, node->args[0], &arg) < 0)
		return -1;
	return datum_boolean(out,
			     (arg.kind != EXPR_VALUES) == (node->op == OP_EQ));
}

int eval_condition(struct eval *e, const struct node *node, bool *out)
{
	struct datum d;
	size_t i;

	if (eval_node(e, node, &d) < 0)
		return -1;
	*out = false;
	if (d.kind != EXPR_VALUES)
		return 0;
	*out = datum_at(&d, 0)->number != 0;
	for (i = 0; i < d.len; i++) {
		const struct value *v = datum_at(&d, i);

		if (v->type != VALUE_BOOLEAN)
			return eval_fail(e, node,
					 "a condition must be a boolean, this "
					 "is %s",
					 types_word(TYPE_BIT(v->type)));
		if ((v->number != 0) != *out)
			return eval_fail(
				e, node,
				"true for some of %zu values, false for "
				"others; ask Count(Where($v, ..., ...)) > 0",
				d.len);
	}
	return 0;
}

/* && stops at the first false, || at the first true. */
int eval_logic(struct eval *e, const struct node *node, struct datum *out)
{
	bool stop = node->kind == NODE_OR;
	bool result = !stop;
	size_t i;

	for (i = 0; i < node->argc && result != stop; i++)
		if (eval_condition(e, node->args[i], &result) < 0)
			return -1;
	return datum_boolean(out, result);
}
