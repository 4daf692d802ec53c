/*
 * check.c - makes nodes: counts arguments, checks types, folds constants
 *
 * Called by parse.c from the leaves upwards, so each node's possible types are
 * known when its parent is made. What cannot be known (an attribute without a
 * declared type) is checked again at evaluation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

/* A constant larger than this is made at each evaluation instead. */
#define FOLD_MAX ((size_t)64 * 1024)

struct node *node_new(struct compile *c, enum node_kind kind, size_t from)
{
	struct node *node = arena_zalloc(c->arena, sizeof(*node));

	node->kind = kind;
	node->from = from;
	node->end = c->at;
	return node;
}

static uint32_t datum_types(const struct datum *d)
{
	uint32_t types = 0;
	size_t i;

	for (i = 0; i < d->len; i++)
		types |= TYPE_BIT(datum_at(d, i)->type);
	return types;
}

struct node *node_constant(struct compile *c, const struct values *values,
			   size_t from)
{
	struct node *node = node_new(c, NODE_CONST, from);

	node->constant.at =
		arena_array(c->arena, values->len, sizeof(*values->at));
	if (values->len)
		memcpy(node->constant.at, values->at,
		       values->len * sizeof(*values->at));
	datum_list(&node->constant, node->constant.at, values->len);
	node->types = datum_types(&node->constant);
	node->multi = values->len > 1;
	return node;
}

static bool constant(const struct node *node)
{
	return node->kind == NODE_CONST || node->kind == NODE_NULL;
}

static bool foldable(const struct node *node)
{
	size_t i;

	if (node->kind == NODE_CALL &&
	    (node->fn->special != SPECIAL_NONE ||
	     node->fn->flags & (FN_NOW | FN_UNSTABLE | FN_EFFECT)))
		return false;
	for (i = 0; i < node->argc; i++)
		if (!constant(node->args[i]))
			return false;
	return true;
}

/* The constant that the node always is; else the node, as it is. */
static struct node *fold(struct compile *c, struct node *node)
{
	struct eval e;
	struct node *folded;
	struct datum result;

	if (!foldable(node))
		return node;
	e.env = NULL;
	e.arena = c->arena;
	e.err = NULL;
	e.source = c->text;
	e.bound.attr = NULL;
	e.call = NULL;
	e.steady = false;
	e.work = FOLD_MAX;
	e.memory = FOLD_MAX;
	/* what fails fails at evaluation: it may stand in a branch of IIF */
	if (eval_node(&e, node, &result) < 0)
		return node;
	folded = node_new(c, NODE_CONST, node->from);
	folded->end = node->end;
	if (result.len == 1) {
		result.at = arena_alloc(c->arena, sizeof(*result.at));
		*result.at = result.one;
	}
	folded->constant = result;
	folded->types = datum_types(&result);
	folded->multi = result.len > 1;
	return folded;
}

static void take_args(struct compile *c, struct node *node, struct node *args,
		      size_t argc)
{
	size_t i;

	node->args = arena_array(c->arena, argc, sizeof(struct node *));
	node->argc = argc;
	for (i = 0; i < argc; i++, args = args->next)
		node->args[i] = args;
}

/* Several values given to an operator or a scalar parameter are taken one by
 * one; attributes are part.c's. */
static bool spreads(const struct node *arg)
{
	return arg->multi && arg->kind != NODE_ATTR;
}

static bool any_spreads(const struct node *node)
{
	size_t i;

	for (i = 0; i < node->argc; i++)
		if (spreads(node->args[i]))
			return true;
	return false;
}

static bool impossible(uint32_t given, uint32_t wanted)
{
	return given && !(given & wanted);
}

static struct node *operand_fail(struct compile *c, const char *op,
				 const char *wants, uint32_t wanted,
				 const struct node *operand)
{
	return compile_fail(c, operand->from, "%s %s, this is %s%s", op, wants,
			    types_word(operand->types),
			    types_hint(wanted, operand->types));
}

static bool text_only(uint32_t types)
{
	return types && !(types & ~TYPES_TEXT);
}

static struct node *check_operand(struct compile *c, struct node *node, char op,
				  struct node *operand)
{
	static const char sign[][2] = { "+", "-", "*" };
	size_t which = op == '+' ? 0 : op == '-' ? 1 : 2;

	if (op == '&') {
		if (impossible(operand->types, TYPES_TEXT))
			return operand_fail(c, "&", "joins text", TYPES_TEXT,
					    operand);
	} else if (op == '+') {
		if (impossible(operand->types, TYPES_TEXT | TYPES_INTEGER))
			return operand_fail(c, "+",
					    "adds numbers or joins text",
					    TYPES_INTEGER, operand);
	} else if (impossible(operand->types, TYPES_INTEGER)) {
		return operand_fail(c, sign[which], "takes numbers",
				    TYPES_INTEGER, operand);
	}
	return node;
}

/* The types of `left` op `right`; 0 with a problem: they do not fit. */
static uint32_t chain_types(struct compile *c, uint32_t left,
			    const struct node *right)
{
	uint32_t both = left | right->types;

	if (right->joint == '&')
		return TYPES_STRING;
	if (right->joint != '+')
		return TYPES_INTEGER;
	if ((text_only(left) && impossible(right->types, TYPES_TEXT)) ||
	    (text_only(right->types) && impossible(left, TYPES_TEXT))) {
		(void)compile_fail(c, right->from,
				   "+ cannot add text and a number; CStr(...) "
				   "makes text of a number");
		return 0;
	}
	if (text_only(left) || text_only(right->types))
		return TYPES_STRING;
	return both & TYPES_TEXT ? TYPES_STRING | TYPES_INTEGER : TYPES_INTEGER;
}

struct node *node_chain(struct compile *c, struct node *args, size_t argc)
{
	struct node *node = node_new(c, NODE_CHAIN, args->from);
	size_t i;

	take_args(c, node, args, argc);
	node->end = node->args[argc - 1]->end;
	node->types = args->types;
	for (i = 1; i < argc; i++) {
		struct node *right = node->args[i];
		struct node left = *args;

		left.types = node->types;
		if (!check_operand(c, node, right->joint, &left) ||
		    !check_operand(c, node, right->joint, right))
			return NULL;
		node->types = chain_types(c, node->types, right);
		if (!node->types)
			return NULL;
	}
	node->multi = any_spreads(node);
	return fold(c, node);
}

struct node *node_negate(struct compile *c, struct node *arg, size_t from)
{
	struct node *node = node_new(c, NODE_NEGATE, from);

	if (impossible(arg->types, TYPES_INTEGER))
		return operand_fail(c, "-", "takes numbers", TYPES_INTEGER,
				    arg);
	take_args(c, node, arg, 1);
	node->types = TYPES_INTEGER;
	node->multi = any_spreads(node);
	return fold(c, node);
}

/* Text and references compare with one another, all else with its own. */
static uint32_t comparable(uint32_t types)
{
	return types & TYPES_TEXT ? types | TYPES_TEXT : types;
}

static struct node *is_null(struct compile *c, struct node *node,
			    struct node *arg)
{
	node->kind = NODE_IS_NULL;
	take_args(c, node, arg, 1);
	return node;
}

struct node *node_compare(struct compile *c, enum compare_op op,
			  struct node *left, struct node *right)
{
	struct node *node = node_new(c, NODE_COMPARE, left->from);
	bool equality = op == OP_EQ || op == OP_NE;

	node->op = op;
	node->types = TYPES_BOOLEAN;
	if (right->end > node->from)
		node->end = right->end;
	if (equality && right->kind == NODE_NULL)
		return is_null(c, node, left);
	if (equality && left->kind == NODE_NULL)
		return is_null(c, node, right);
	if (left->types && impossible(right->types, comparable(left->types)))
		return compile_fail(
			c, right->from, "%s cannot be compared with %s%s",
			types_word(left->types), types_word(right->types),
			types_hint(left->types, right->types));
	if (!equality &&
	    (left->types == TYPES_BOOLEAN || right->types == TYPES_BOOLEAN))
		return compile_fail(c, left->from,
				    "booleans have no order: use = or <>");
	left->next = right;
	take_args(c, node, left, 2);
	node->exact = left->exact || right->exact;
	node->multi = any_spreads(node);
	return node;
}

static struct node *condition_fail(struct compile *c, const struct node *arg)
{
	return compile_fail(c, arg->from,
			    "a condition must be a boolean, this is %s; "
			    "compare it, or use CBool(...) or IsPresent(...)",
			    types_word(arg->types));
}

struct node *node_logic(struct compile *c, enum node_kind kind,
			struct node *args, size_t argc)
{
	struct node *node = node_new(c, kind, args->from);
	size_t i;

	take_args(c, node, args, argc);
	node->end = node->args[argc - 1]->end;
	node->types = TYPES_BOOLEAN;
	for (i = 0; i < argc; i++)
		if (impossible(node->args[i]->types, TYPES_BOOLEAN))
			return condition_fail(c, node->args[i]);
	return node;
}

/* ---- calls ---- */

static struct node *check_count(struct compile *c, const struct function *fn,
				size_t argc, struct node *node)
{
	size_t least = function_min_args(fn);
	size_t most = 0;

	while (most < FN_PARAMS && fn->params[most].name)
		most++;
	if (argc < least)
		return compile_fail(
			c, node->from, "%s takes %s%zu argument%s, %zu given",
			fn->name,
			least == most && !(fn->flags & FN_REPEAT) ? ""
								  : "at least ",
			least, least == 1 ? "" : "s", argc);
	if (argc > most && !(fn->flags & FN_REPEAT))
		return compile_fail(c, node->from,
				    "%s takes %s%zu argument%s, %zu given",
				    fn->name, least == most ? "" : "at most ",
				    most, most == 1 ? "" : "s", argc);
	if (fn->special == SPECIAL_SWITCH && argc % 2)
		return compile_fail(c, node->from,
				    "Switch takes pairs of a condition and a "
				    "value, %zu arguments given",
				    argc);
	return node;
}

static struct node *check_arg(struct compile *c, const struct function *fn,
			      size_t i, struct node *arg)
{
	const struct param *param = function_param(fn, i);
	uint32_t wanted = kind_types(param->kind);
	struct sv text;

	if (param->kind == KIND_VARIABLE)
		return arg;
	if (arg->kind == NODE_NULL && param->kind == KIND_CHAR)
		return compile_fail(c, arg->from,
				    "argument %zu of %s cannot be NULL", i + 1,
				    fn->name);
	if (impossible(arg->types, wanted))
		return compile_fail(c, arg->from,
				    "argument %zu of %s must be %s, this is "
				    "%s%s",
				    i + 1, fn->name, kind_want(param->kind),
				    types_word(arg->types),
				    types_hint(wanted, arg->types));
	if (arg->kind != NODE_CONST || arg->constant.len != 1)
		return arg;
	text = arg->constant.one.text;
	if (text.len <= 64 && !kind_valid(param->kind, text))
		return compile_fail(c, arg->from,
				    "argument %zu of %s must be %s, not "
				    "'" SV_FMT "'",
				    i + 1, fn->name, kind_want(param->kind),
				    SV_ARG(text));
	return arg;
}

static struct node *check_args(struct compile *c, struct node *node)
{
	size_t i;

	if (!check_count(c, node->fn, node->argc, node))
		return NULL;
	for (i = 0; i < node->argc; i++)
		if (!check_arg(c, node->fn, i, node->args[i]))
			return NULL;
	return node;
}

/* The name in quotes that ImportedValue and its like are given. */
static int quoted(struct compile *c, const struct node *node, size_t i,
		  const char *what, struct sv *out)
{
	const struct node *arg = node->args[i];

	if (arg->kind == NODE_CONST && arg->constant.len == 1 &&
	    arg->types == TYPES_STRING) {
		*out = arg->constant.one.text;
		return 1;
	}
	(void)compile_fail(c, arg->from,
			   "argument %zu of %s is the name of %s, in quotes",
			   i + 1, node->fn->name, what);
	return 0;
}

static struct node *view_call(struct compile *c, struct node *node)
{
	static const struct {
		enum expr_view view;
		uint32_t allow;
		const char *where;
	} views[] = {
		[SPECIAL_IMPORTED] = { EXPR_VIEW_IMPORTED, EXPR_ALLOW_IMPORTED,
				       "where an imported object is at hand" },
		[SPECIAL_CURRENT] = { EXPR_VIEW_CURRENT, EXPR_ALLOW_CURRENT,
				      "in outbound rules" },
		[SPECIAL_METAVERSE] = { EXPR_VIEW_METAVERSE,
					EXPR_ALLOW_METAVERSE,
					"in `resolve` of a join" },
		[SPECIAL_VALUE_COUNT] = { EXPR_VIEW_HERE, 0, "" },
	};
	enum special special = node->fn->special;
	struct node *attr;
	struct sv name;

	if (views[special].allow & ~c->scope->allow)
		return compile_fail(c, node->from, "%s is known only %s",
				    node->fn->name, views[special].where);
	if (!quoted(c, node, 0, "an attribute", &name))
		return NULL;
	attr = name_attr(c, views[special].view, name, node->args[0]->from);
	if (!attr)
		return NULL;
	attr->from = node->from;
	attr->end = node->end;
	if (special == SPECIAL_VALUE_COUNT) {
		attr->kind = NODE_COUNT;
		attr->types = TYPES_INTEGER;
		attr->multi = false;
		attr->exact = false;
	}
	return attr;
}

static struct node *check_lookup(struct compile *c, struct node *node)
{
	struct sv table;
	struct sv column;
	int found;

	if (!quoted(c, node, 0, "a table", &table) ||
	    !quoted(c, node, 2, "a column", &column))
		return NULL;
	c->expr->tables = true;
	found = c->scope->table ? c->scope->table(c->scope->data, table, column)
				: 0;
	if (!found)
		return compile_fail(c, node->args[0]->from,
				    "no table '" SV_FMT
				    "'; it would be tables/" SV_FMT ".csv",
				    SV_ARG(table), SV_ARG(table));
	if (found < 0)
		return compile_fail(c, node->args[2]->from,
				    "table '" SV_FMT "' has no column '" SV_FMT
				    "'",
				    SV_ARG(table), SV_ARG(column));
	return node;
}

static struct node *check_unstable(struct compile *c, struct node *node)
{
	c->expr->unstable = true;
	c->expr->password |= node->fn->special == SPECIAL_RANDOM_PASSWORD;
	if (c->scope->allow & EXPR_ALLOW_RANDOM)
		return node;
	if (node->fn->special == SPECIAL_RANDOM_PASSWORD)
		return compile_fail(c, node->from,
				    "RandomPassword is known only in "
				    "`initial`: elsewhere it would be another "
				    "one at each run");
	compile_warn(c, node->from,
		     "%s yields something else at each evaluation; use it in "
		     "`initial`",
		     node->fn->name);
	return node;
}

/* Types and number of values of a call whose arguments pass through. */
static void passed_through(struct node *node, size_t first, size_t step)
{
	size_t i;

	node->types = 0;
	for (i = first; i < node->argc; i += step) {
		node->types |= node->args[i]->types;
		node->multi = node->multi || node->args[i]->multi;
	}
}

static void call_types(struct node *node)
{
	const struct function *fn = node->fn;
	size_t i;

	node->types = kind_types(fn->result);
	if (fn->result == KIND_STR)
		node->types = TYPES_STRING;
	else if (fn->result == KIND_REF)
		node->types = TYPES_REFERENCE;
	else if (fn->result == KIND_VOID)
		node->types = 0;
	if (fn->flags & FN_OF_ARG) {
		node->types = node->args[0]->types;
		node->exact = node->args[0]->exact;
	}
	node->multi = (fn->flags & FN_LIST) != 0;
	for (i = 0; i < node->argc && fn->call; i++) {
		unsigned flags = function_param(fn, i)->flags;

		if (!(flags & (PARAM_LIST | PARAM_WHOLE)) &&
		    spreads(node->args[i]))
			node->multi = true;
	}
}

static void special_types(struct node *node)
{
	switch ((int)node->fn->special) {
	case SPECIAL_IIF:
		passed_through(node, 1, 1);
		break;
	case SPECIAL_SWITCH:
		passed_through(node, 1, 2);
		break;
	case SPECIAL_COALESCE:
		passed_through(node, 0, 1);
		break;
	case SPECIAL_SELECT:
	case SPECIAL_WITH:
		passed_through(node, 2, 1);
		node->multi = node->multi ||
			      node->fn->special == SPECIAL_SELECT;
		break;
	case SPECIAL_WHERE:
		passed_through(node, 1, 2);
		node->multi = true;
		break;
	default:
		break;
	}
}

/* Calls that become other nodes. */
static struct node *rewrite(struct compile *c, struct node *node,
			    struct node *args, size_t argc)
{
	switch ((int)node->fn->special) {
	case SPECIAL_NULL:
		node->kind = NODE_NULL;
		return node;
	case SPECIAL_AND:
		return node_logic(c, NODE_AND, args, argc);
	case SPECIAL_OR:
		return node_logic(c, NODE_OR, args, argc);
	case SPECIAL_COMPARE:
		return node_compare(c, node->fn->op, args, args->next);
	case SPECIAL_IMPORTED:
	case SPECIAL_CURRENT:
	case SPECIAL_METAVERSE:
	case SPECIAL_VALUE_COUNT:
		return view_call(c, node);
	case SPECIAL_LOOKUP:
		return check_lookup(c, node);
	default:
		return node;
	}
}

struct node *node_call(struct compile *c, const struct function *fn,
		       struct node *args, size_t argc, size_t from)
{
	struct node *node = node_new(c, NODE_CALL, from);

	node->fn = fn;
	take_args(c, node, args, argc);
	if (!check_args(c, node))
		return NULL;
	if (is_extern(fn) && !extern_check(c, node))
		return NULL;
	if (fn->flags & FN_NOW)
		c->expr->now = true;
	if (fn->flags & FN_UNSTABLE && !check_unstable(c, node))
		return NULL;
	call_types(node);
	special_types(node);
	node = rewrite(c, node, args, argc);
	return node && node->kind == NODE_CALL ? fold(c, node) : node;
}
