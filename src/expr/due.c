/*
 * due.c - when the result of an expression changes with the time
 *
 * At compile time nodes are marked by how they depend on Now(). A comparison
 * of a value that grows or falls steadily with the time (Now() itself, shifted
 * by DateAdd, as a number) with one that does not depend on it changes at one
 * moment, which is found at evaluation: at the distance between the two sides
 * or, where a month is not always as long, by bisection. Wherever else Now() is
 * used, the result may be another one after the next midnight.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "expr/expr_private.h"

/* No moment is looked for past the year 9000. */
#define HORIZON (CLOCK_DAY * INT64_C(2702340))

/* ---- at compile time ---- */

/* The worst of a call's arguments from `first` on. */
static enum node_time worst(struct node *node, size_t first, size_t end)
{
	enum node_time time = TIME_NEVER;
	size_t i;

	for (i = first; i < end; i++) {
		enum node_time of = due_mark(node->args[i]);

		if (of > time)
			time = of;
	}
	return time;
}

static enum node_time somehow(enum node_time time)
{
	return time > TIME_TRACKED ? TIME_SOMEHOW : time;
}

/* `time` where it stands beside what depends on it as `other`. */
static enum node_time beside(enum node_time time, enum node_time other)
{
	if (other == TIME_NEVER)
		return time;
	return somehow(time > other ? time : other);
}

static enum node_time mark_call(struct node *node)
{
	const struct function *fn = node->fn;
	size_t last = node->argc ? node->argc - 1 : 0;

	if (fn->flags & FN_NOW)
		return TIME_STEADY;
	if (fn->flags & FN_STEADY)
		return beside(due_mark(node->args[last]),
			      somehow(worst(node, 0, last)));
	if (fn->special == SPECIAL_IIF)
		return beside(worst(node, 1, node->argc),
			      due_mark(node->args[0]));
	if (fn->special == SPECIAL_COALESCE)
		return worst(node, 0, node->argc);
	return somehow(worst(node, 0, node->argc));
}

static enum node_time mark_chain(struct node *node)
{
	enum node_time time = due_mark(node->args[0]);
	bool sum = node->types == TYPES_INTEGER;
	size_t i;

	for (i = 1; i < node->argc; i++) {
		enum node_time of = due_mark(node->args[i]);

		if (of && time)
			time = somehow(of > time ? of : time);
		else if (of)
			time = of;
		sum = sum && node->args[i]->joint != '*';
	}
	return sum ? time : somehow(time);
}

/* The days at the end of a long month are one day in a short one. */
static bool shifts_months(const struct node *node)
{
	struct sv interval;
	size_t i;

	if (node->kind == NODE_CALL &&
	    node->fn->params[0].kind == KIND_INTERVAL) {
		interval = node->args[0]->constant.one.text;
		if (node->args[0]->kind != NODE_CONST ||
		    sv_eq_str(interval, "m") || sv_eq_str(interval, "q") ||
		    sv_eq_str(interval, "yyyy"))
			return true;
	}
	for (i = 0; i < node->argc; i++)
		if (shifts_months(node->args[i]))
			return true;
	return false;
}

static enum node_time mark_compare(struct node *node)
{
	enum node_time left = due_mark(node->args[0]);
	enum node_time right = due_mark(node->args[1]);

	node->steady = (left == TIME_STEADY && right == TIME_NEVER) ||
		       (right == TIME_STEADY && left == TIME_NEVER);
	if (node->steady) {
		node->months =
			shifts_months(node->args[left == TIME_STEADY ? 0 : 1]);
		return TIME_TRACKED;
	}
	return somehow(left > right ? left : right);
}

enum node_time due_mark(struct node *node)
{
	switch (node->kind) {
	case NODE_CALL:
		return mark_call(node);
	case NODE_CHAIN:
		return mark_chain(node);
	case NODE_COMPARE:
		return mark_compare(node);
	case NODE_NEGATE:
	case NODE_EACH:
		return due_mark(node->args[0]);
	case NODE_IS_NULL:
	case NODE_AND:
	case NODE_OR:
		return somehow(worst(node, 0, node->argc));
	case NODE_CONST:
	case NODE_NULL:
	case NODE_ATTR:
	case NODE_COUNT:
	case NODE_VAR:
	case NODE_COUNTER:
	case NODE_HOOK:
		break;
	}
	return TIME_NEVER;
}

/* ---- at evaluation ---- */

static void note(struct eval *e, int64_t time)
{
	struct expr_due *due = e->env->due;

	if (due->time && due->time <= time)
		return;
	due->time = time;
	due->why = e->source;
}

static int64_t midnight_after(int64_t time)
{
	return time - time % CLOCK_DAY + CLOCK_DAY;
}

int64_t due_now(struct eval *e)
{
	int64_t now = e->env->now;

	if (e->steady)
		return now;
	if (e->env->due) {
		note(e, midnight_after(now));
		e->env->due->flows = true;
	}
	return e->env->as_of ? e->env->as_of : now;
}

struct probe {
	struct eval *e;
	const struct node *node;
	enum compare_op op;
	struct datum now; /* the result now */
};

static bool same_results(const struct datum *a, const struct datum *b)
{
	size_t i;

	if (a->kind != b->kind || a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		if (datum_at(a, i)->number != datum_at(b, i)->number)
			return false;
	return true;
}

/* The result at another time: 1 it differs, 0 not, -1 it cannot be told. */
static int differs(const struct probe *probe, int64_t time)
{
	struct eval e = *probe->e;
	struct expr_env env = *e.env;
	struct error ignored = ERROR_INIT;
	struct datum then;

	env.now = time;
	env.due = NULL;
	env.gap = NULL;
	e.env = &env;
	e.err = &ignored;
	e.steady = true;
	if (compare_by(&e, probe->node, probe->op, &then) < 0)
		return -1;
	return !same_results(&probe->now, &then);
}

/* The first moment in (from, to] with another result, given that `to` has. */
static int64_t bisect(const struct probe *probe, int64_t from, int64_t to)
{
	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;

		if (differs(probe, middle) == 0)
			from = middle;
		else
			to = middle;
	}
	return to;
}

/* How far the sides are from each other, or 0. */
static int64_t distance(struct eval *e, const struct node *node)
{
	struct datum left;
	struct datum right;
	int64_t by;

	if (eval_node(e, node->args[0], &left) < 0 ||
	    eval_node(e, node->args[1], &right) < 0 || left.len != 1 ||
	    right.len != 1 ||
	    __builtin_sub_overflow(left.one.number, right.one.number, &by))
		return 0;
	return by < 0 ? -by : by;
}

/* The first moment before `last`, where the result differs, that it does. */
static int64_t find_change(const struct probe *probe, int64_t last)
{
	int64_t now = probe->e->env->now;
	int64_t near = distance(probe->e, probe->node);
	int64_t at = now + near;

	if (!near || near >= last - now)
		return bisect(probe, now, last);
	if (differs(probe, at) > 0)
		return differs(probe, at - 1) == 0 ? at
						   : bisect(probe, now, at);
	return bisect(probe, at, differs(probe, at + 1) > 0 ? at + 1 : last);
}

/* Some days that DateAdd makes one: in time they repeat what changed. */
#define REPEATED_DAYS 3

static int64_t first_of_days(const struct probe *probe, int64_t at)
{
	int k;

	for (k = REPEATED_DAYS; k > 0; k--)
		if (at - k * CLOCK_DAY > probe->e->env->now &&
		    differs(probe, at - k * CLOCK_DAY) > 0)
			return at - k * CLOCK_DAY;
	return at;
}

/* Notes when the comparison by `op` changes; but for months it does so once
 * at most. */
static void note_change(struct eval *e, const struct node *node,
			enum compare_op op)
{
	struct probe probe = { .e = e, .node = node, .op = op };
	int64_t now = e->env->now;
	int64_t last = HORIZON;
	int64_t at;
	int changes;

	if (compare_by(e, node, op, &probe.now) < 0 ||
	    probe.now.kind != EXPR_VALUES)
		return;
	/* dates past the year 9999 are errors: nearer ones are asked, and when
	 * these have come farther ones */
	while ((changes = differs(&probe, last)) < 0 && last - now > CLOCK_DAY)
		last = now + (last - now) / 2;
	if (changes > 0) {
		at = find_change(&probe, last);
		note(e, node->months ? first_of_days(&probe, at) : at);
	} else if (node->months &&
		   differs(&probe, now - (REPEATED_DAYS + 1) * CLOCK_DAY) > 0) {
		note(e, midnight_after(now));
	} else if (last != HORIZON) {
		note(e, last);
	}
}

int due_compare(struct eval *e, const struct node *node, struct datum *out)
{
	bool outer = e->steady;
	struct eval silent;
	struct error ignored = ERROR_INIT;
	int ret;

	e->steady = true;
	ret = compare_by(e, node, node->op, out);
	if (ret == 0 && e->env->due) {
		silent = *e;
		silent.err = &ignored;
		if (node->op == OP_EQ || node->op == OP_NE) {
			/* becomes equal, and unequal again */
			note_change(&silent, node, OP_LT);
			note_change(&silent, node, OP_LE);
		} else {
			note_change(&silent, node, node->op);
		}
	}
	e->steady = outer;
	return ret;
}
