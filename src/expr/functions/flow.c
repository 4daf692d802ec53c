/*
 * flow.c - what decides: conditions, loops, errors, other views of an object
 *
 * Functions here without a `call` evaluate their arguments themselves, so that
 * a branch that is not taken may hold Error(...).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

static int flow_iif(struct eval *e, const struct node *node, struct datum *out)
{
	bool condition;

	if (eval_condition(e, node->args[0], &condition) < 0)
		return -1;
	return eval_node(e, node->args[condition ? 1 : 2], out);
}

/* All conditions are evaluated, only the chosen value is. */
static int flow_switch(struct eval *e, const struct node *node,
		       struct datum *out)
{
	const struct node *chosen = NULL;
	bool condition;
	size_t i;

	for (i = 0; i + 1 < node->argc; i += 2) {
		if (eval_condition(e, node->args[i], &condition) < 0)
			return -1;
		if (condition && !chosen)
			chosen = node->args[i + 1];
	}
	return chosen ? eval_node(e, chosen, out) : datum_null(out);
}

static int flow_coalesce(struct eval *e, const struct node *node,
			 struct datum *out)
{
	size_t i;

	for (i = 0; i < node->argc; i++) {
		if (eval_node(e, node->args[i], out) < 0)
			return -1;
		if (out->kind == EXPR_IGNORE ||
		    out->kind == EXPR_AUTHORITATIVE_NULL || datum_present(out))
			return 0;
	}
	return datum_null(out);
}

/* The list of Select and Where: a part of its own. */
static int flow_values(struct eval *e, const struct node *node,
		       struct datum *out)
{
	const struct binding outer = e->bound;
	int ret;

	e->bound.attr = NULL;
	ret = eval_node(e, node->args[1], out);
	e->bound = outer;
	return ret;
}

static int flow_select(struct eval *e, const struct node *node,
		       struct datum *out)
{
	struct list list = { NULL, 0, 0 };
	struct datum values;
	struct datum item;
	size_t i;

	if (flow_values(e, node, &values) < 0)
		return -1;
	if (values.kind != EXPR_VALUES) {
		*out = values;
		return 0;
	}
	for (i = 0; i < values.len; i++) {
		(void)datum_set(&item, *datum_at(&values, i));
		e->vars[node->args[0]->var] = &item;
		if (eval_step(e) < 0 || eval_node(e, node->args[2], out) < 0)
			return -1;
		if (out->kind == EXPR_IGNORE)
			return 0;
		if (list_add_datum(e, &list, out) < 0)
			return -1;
	}
	datum_list(out, list.at, list.len);
	return 0;
}

static int flow_where(struct eval *e, const struct node *node,
		      struct datum *out)
{
	struct list list = { NULL, 0, 0 };
	struct datum values;
	struct datum item;
	bool wanted;
	size_t i;

	if (flow_values(e, node, &values) < 0)
		return -1;
	if (values.kind != EXPR_VALUES) {
		*out = values;
		return 0;
	}
	for (i = 0; i < values.len; i++) {
		(void)datum_set(&item, *datum_at(&values, i));
		e->vars[node->args[0]->var] = &item;
		if (eval_step(e) < 0 ||
		    eval_condition(e, node->args[2], &wanted) < 0)
			return -1;
		if (wanted && list_add(e, &list, &item.one) < 0)
			return -1;
	}
	datum_list(out, list.at, list.len);
	return 0;
}

static int flow_with(struct eval *e, const struct node *node, struct datum *out)
{
	struct datum value;

	if (eval_node(e, node->args[1], &value) < 0)
		return -1;
	e->vars[node->args[0]->var] = &value;
	return eval_node(e, node->args[2], out);
}

int flow_eval(struct eval *e, const struct node *node, struct datum *out)
{
	switch ((int)node->fn->special) {
	case SPECIAL_IIF:
		return flow_iif(e, node, out);
	case SPECIAL_SWITCH:
		return flow_switch(e, node, out);
	case SPECIAL_COALESCE:
		return flow_coalesce(e, node, out);
	case SPECIAL_SELECT:
		return flow_select(e, node, out);
	case SPECIAL_WHERE:
		return flow_where(e, node, out);
	default:
		return flow_with(e, node, out);
	}
}

static int fn_error(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	struct sv text = arg_text(args, 0);

	(void)argc;
	(void)out;
	return error_set(e->err, ERR_INVALID, SV_FMT,
			 SV_ARG(text.len ? text : SV_LIT("error")));
}

static int fn_not(struct eval *e, const struct datum *args, size_t argc,
		  struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, !arg_number(args, 0));
}

static int fn_lookup(struct eval *e, const struct datum *args, size_t argc,
		     struct datum *out)
{
	struct sv found;

	(void)argc;
	if (!e->env->lookup ||
	    !e->env->lookup(e->env->data, arg_text(args, 0), arg_text(args, 1),
			    arg_text(args, 2), &found))
		return datum_null(out);
	return datum_text(out, found);
}

#define VALUE(name_)                                                           \
	{                                                                      \
		name_, KIND_VAR, PARAM_WHOLE | PARAM_NULL                      \
	}
#define CONDITION(name_)                                                       \
	{                                                                      \
		name_, KIND_BOOL, PARAM_NULL                                   \
	}
#define LIST                                                                   \
	{                                                                      \
		"values", KIND_VAR, PARAM_LIST | PARAM_NULL                    \
	}
#define NAME                                                                   \
	{                                                                      \
		"\"attribute\"", KIND_STR, 0                                   \
	}

static const struct function FLOW[] = {
	{ .name = "IIF",
	  .result = KIND_VAR,
	  .special = SPECIAL_IIF,
	  .params = { CONDITION("condition"), VALUE("then"), VALUE("else") },
	  .help = "one of two values; a condition that is NULL is false; the "
		  "other value is not evaluated",
	  .example = "IIF(2 > 1, \"yes\", Error(\"no\"))",
	  .gives = "yes" },
	{ .name = "Switch",
	  .result = KIND_VAR,
	  .flags = FN_REPEAT,
	  .special = SPECIAL_SWITCH,
	  .params = { CONDITION("condition"), VALUE("value") },
	  .help = "the value behind the first condition that is true, NULL "
		  "when none is; all conditions are evaluated, only the value "
		  "chosen is",
	  .example = "Switch([city] = \"London\", \"English\", "
		     "[city] = \"Rome\", \"Italian\", True, "
		     "Error(\"Unknown city\"))",
	  .gives = "Italian" },
	{ .name = "Coalesce",
	  .result = KIND_VAR,
	  .flags = FN_REPEAT,
	  .special = SPECIAL_COALESCE,
	  .params = { VALUE("value") },
	  .help = "the first value that is present; later ones are not "
		  "evaluated",
	  .example = "Coalesce(NULL, \"\", \"x\", Error(\"none\"))",
	  .gives = "x" },
	{ .name = "Not",
	  .result = KIND_BOOL,
	  .params = { CONDITION("condition") },
	  .call = fn_not,
	  .help = "true for a condition that is false or NULL",
	  .example = "Not(1 > 2)",
	  .gives = "True" },
	{ .name = "Error",
	  .result = KIND_VOID,
	  .flags = FN_EFFECT,
	  .params = { { "text", KIND_STR, PARAM_NULL } },
	  .call = fn_error,
	  .help = "fails the object with this text; nothing flows for it",
	  .example = "IIF(IsPresent([sn]), [sn], Error(\"no surname\"))",
	  .gives = "Smith" },
	{ .name = "Select",
	  .result = KIND_VAR,
	  .special = SPECIAL_SELECT,
	  .flags = FN_LIST,
	  .params = { { "$name", KIND_VARIABLE, PARAM_NULL },
		      LIST,
		      VALUE("result") },
	  .help = "the result for each value; NULL is left out",
	  .example = "Join(Select($x, Split(\"a,b\", \",\"), $x & \"1\"))",
	  .gives = "a1 b1" },
	{ .name = "Where",
	  .result = KIND_VAR,
	  .special = SPECIAL_WHERE,
	  .flags = FN_LIST,
	  .params = { { "$name", KIND_VARIABLE, PARAM_NULL },
		      LIST,
		      CONDITION("condition") },
	  .help = "the values for which the condition is true",
	  .example = "Join(Where($x, Split(\"a,b,c\", \",\"), $x > \"a\"))",
	  .gives = "b c" },
	{ .name = "With",
	  .result = KIND_VAR,
	  .special = SPECIAL_WITH,
	  .params = { { "$name", KIND_VARIABLE, PARAM_NULL },
		      VALUE("value"),
		      VALUE("result") },
	  .help = "the result, in which $name stands for the value",
	  .example = "With($x, Trim(\" ab \"), $x & $x)",
	  .gives = "abab" },
	{ .name = "ImportedValue",
	  .result = KIND_VAR,
	  .special = SPECIAL_IMPORTED,
	  .params = { NAME },
	  .help = "the value that the last import confirmed, without what is "
		  "only pending",
	  .example = "ImportedValue(\"mail\")",
	  .gives = "ann@contoso.com" },
	{ .name = "Current",
	  .result = KIND_VAR,
	  .special = SPECIAL_CURRENT,
	  .params = { NAME },
	  .help = "outbound rules: the value that the target object is "
		  "expected to have; Current(\"dn\") its DN",
	  .example = "BitOr(Current(\"userAccountControl\"), 2)",
	  .gives = "514" },
	{ .name = "Metaverse",
	  .result = KIND_VAR,
	  .special = SPECIAL_METAVERSE,
	  .params = { NAME },
	  .help = "in `resolve` of a join: the candidate's value",
	  .example = "[mail] = Metaverse(\"mail\")",
	  .gives = "True" },
	{ .name = "Lookup",
	  .result = KIND_STR,
	  .flags = FN_EFFECT,
	  .special = SPECIAL_LOOKUP,
	  .params = { { "\"table\"", KIND_STR, 0 },
		      { "key", KIND_STR, 0 },
		      { "\"column\"", KIND_STR, 0 } },
	  .call = fn_lookup,
	  .help = "from tables/TABLE.csv the column of the row with this key; "
		  "NULL when there is none",
	  .example = "Lookup(\"countries\", \"IT\", \"name\")",
	  .gives = "Italy" },
};

FAMILY(flow_family, "Decisions", FLOW);
