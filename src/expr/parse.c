/*
 * parse.c - from text to nodes, by recursive descent
 *
 * Four levels bind ever more tightly: ||, &&, comparison (which does not
 * chain), and + - * & together from left to right. Chains of one level become
 * one node with many arguments, so only brackets and calls nest. Where an
 * operand is expected &H begins a number, where an operator is expected & joins
 * text. Every problem is reported at its byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"

static struct node *parse_expr(struct compile *c);

static bool letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* The byte `ahead` of here; NUL past the end. */
static char peek(const struct compile *c, size_t ahead)
{
	size_t at = c->at + ahead;

	return (char)(at < c->text.len ? c->text.ptr[at] : 0);
}

static void skip_blanks(struct compile *c)
{
	while (c->at < c->text.len) {
		char ch = c->text.ptr[c->at];

		if (ch != ' ' && !(ch >= '\t' && ch <= '\r'))
			break;
		c->at++;
	}
}

static bool take(struct compile *c, char ch)
{
	skip_blanks(c);
	if (c->at >= c->text.len || c->text.ptr[c->at] != ch)
		return false;
	c->at++;
	return true;
}

static struct sv word_here(const struct compile *c)
{
	size_t end = c->at;

	while (end < c->text.len &&
	       (letter(c->text.ptr[end]) || digit(c->text.ptr[end]) ||
		c->text.ptr[end] == '_'))
		end++;
	return sv_sub(c->text, c->at, end);
}

/* The character here, for a message: whole, however many bytes it has. */
static struct sv char_here(const struct compile *c)
{
	size_t end = c->at;

	(void)text_next(c->text, &end);
	return sv_sub(c->text, c->at, end);
}

static struct node *unexpected(struct compile *c)
{
	static const struct {
		const char *text;
		const char *say;
	} hints[] = {
		{ "\xe2\x80\x9c", "write text in straight quotes: \"text\"" },
		{ "\xe2\x80\x9d", "write text in straight quotes: \"text\"" },
		{ "'", "write text in double quotes: \"text\"" },
		{ "==", "equal is written =" },
		{ "!=", "not equal is written <>" },
		{ "!", "not is written Not(...)" },
		{ "/", "there is no division" },
		{ "|", "or is written ||" },
		{ ")", "')' closes no bracket" },
		{ "]", "']' closes no attribute name" },
	};
	struct sv rest = sv_sub(c->text, c->at, c->text.len);
	size_t i;

	if (!rest.len)
		return compile_fail(c, c->at,
				    "the expression ends where a value is "
				    "expected");
	for (i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (sv_starts(rest, sv_from(hints[i].text)))
			return compile_fail(c, c->at, "%s", hints[i].say);
	return compile_fail(c, c->at, "unexpected '" SV_FMT "'",
			    SV_ARG(char_here(c)));
}

/* A number ends where no letter, digit or point follows. */
static struct node *number_node(struct compile *c, size_t from, int64_t number)
{
	struct value value = value_integer(number);
	struct values values = { &value, 1 };

	if (letter(peek(c, 0)) || peek(c, 0) == '_')
		return compile_fail(c, from,
				    "a letter stands in a number; text is "
				    "written \"text\", an attribute [name]");
	if (peek(c, 0) == '.')
		return compile_fail(c, from,
				    "numbers are whole, without a point");
	return node_constant(c, &values, from);
}

static int hex_digit(char ch)
{
	if (digit(ch))
		return ch - '0';
	ch = (char)(ch | 32);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static struct node *parse_hex(struct compile *c)
{
	size_t from = c->at;
	uint64_t number = 0;
	size_t count = 0;

	for (c->at += 2; hex_digit(peek(c, 0)) >= 0; c->at++, count++)
		number = number << 4 | (uint64_t)hex_digit(peek(c, 0));
	if (!count || count > 16)
		return compile_fail(c, from,
				    "after &H come 1 to 16 hexadecimal digits");
	return number_node(c, from, (int64_t)number);
}

static struct node *parse_number(struct compile *c, size_t from, bool negative)
{
	struct sv digits;
	int64_t number;
	size_t start = c->at;

	if (peek(c, 0) == '0' && (peek(c, 1) == 'x' || peek(c, 1) == 'X'))
		return parse_hex(c);
	while (digit(peek(c, 0)))
		c->at++;
	digits = sv_sub(c->text, start, c->at);
	if (negative)
		digits = sv_from(
			arena_printf(c->arena, "-" SV_FMT, SV_ARG(digits)));
	if (!sv_to_i64(digits, &number))
		return compile_fail(c, from,
				    "the number does not fit into 64 bits");
	return number_node(c, from, number);
}

/* "" is one quote and \\ one backslash; every other \x stays as written. */
static struct node *parse_string(struct compile *c)
{
	size_t from = c->at++;
	size_t left = c->text.len - c->at;
	char *out = arena_alloc(c->arena, left + 1);
	size_t len = 0;
	struct value value;
	struct values values = { &value, 1 };

	for (;;) {
		if (c->at >= c->text.len)
			return compile_fail(c, from,
					    "the text that begins "
					    "here has no end quote");
		if (peek(c, 0) == '"' && peek(c, 1) != '"')
			break;
		if (peek(c, 0) == '"' ||
		    (peek(c, 0) == '\\' && peek(c, 1) == '\\'))
			c->at++;
		out[len++] = c->text.ptr[c->at++];
	}
	c->at++;
	value = value_string(sv_make(out, len));
	return node_constant(c, &values, from);
}

/* A name between `open`, here, and `close`. */
static int parse_between(struct compile *c, char close, struct sv *out)
{
	size_t from = c->at + 1;
	size_t end = sv_find(c->text, close, from);

	if (end == c->text.len) {
		(void)compile_fail(c, c->at,
				   "the name that begins here has no '%c'",
				   close);
		return 0;
	}
	if (end == from) {
		(void)compile_fail(c, c->at, "a name is missing here");
		return 0;
	}
	*out = sv_sub(c->text, from, end);
	c->at = end + 1;
	return 1;
}

static struct node *parse_attr(struct compile *c)
{
	size_t from = c->at;
	struct sv name;

	if (!parse_between(c, ']', &name))
		return NULL;
	return name_attr(c, EXPR_VIEW_HERE, name, from);
}

static struct node *parse_param(struct compile *c)
{
	size_t from = c->at;
	struct sv name;

	if (!parse_between(c, '%', &name))
		return NULL;
	return name_param(c, name, from);
}

static int parse_variable_name(struct compile *c, struct sv *name)
{
	skip_blanks(c);
	if (peek(c, 0) != '$' || !letter(peek(c, 1)))
		return 0;
	c->at++;
	*name = word_here(c);
	c->at += name->len;
	return 1;
}

static struct node *parse_variable(struct compile *c)
{
	size_t from = c->at;
	struct sv name;

	if (!parse_variable_name(c, &name))
		return compile_fail(c, from, "a variable is $ and a name");
	return name_variable(c, name, from);
}

/* Arguments up to the closing bracket are appended to the list at `link`. */
static int parse_args(struct compile *c, size_t open, struct node **link,
		      size_t *argc)
{
	if (!*argc && take(c, ')'))
		return 1;
	for (;;) {
		struct node *arg = parse_expr(c);

		if (!arg)
			return 0;
		*link = arg;
		link = &arg->next;
		(*argc)++;
		if (take(c, ')'))
			return 1;
		if (!take(c, ',')) {
			if (c->at >= c->text.len)
				(void)compile_fail(c, open,
						   "the bracket "
						   "opened here is not closed");
			else
				(void)compile_fail(c, c->at,
						   "',' or ')' expected");
			return 0;
		}
	}
}

/* Select, Where, With: $name, values, and an expression that knows $name. */
static struct node *parse_binder(struct compile *c, const struct function *fn,
				 size_t from, size_t open)
{
	struct variable var = { .outer = c->vars };
	struct node *name = node_new(c, NODE_VAR, from);
	struct node *values;
	size_t argc = 2;

	if (!parse_variable_name(c, &var.name) || !take(c, ','))
		return compile_fail(c, c->at,
				    "%s begins with a variable: %s($name, ...",
				    fn->name, fn->name);
	values = parse_expr(c);
	if (!values)
		return NULL;
	if (!take(c, ','))
		return compile_fail(c, c->at, "%s takes 3 arguments", fn->name);
	var.place = c->vars ? c->vars->place + 1 : 0;
	var.types = values->types;
	var.exact = values->exact;
	var.multi = fn->special == SPECIAL_WITH && values->multi;
	name->var = var.place;
	name->next = values;
	c->vars = &var;
	if (!parse_args(c, open, &values->next, &argc))
		name = NULL;
	c->vars = var.outer;
	return name ? node_call(c, fn, name, argc, from) : NULL;
}

static struct node *parse_call(struct compile *c, struct sv name, size_t from)
{
	const struct function *fn = name_function(c, name, from);
	struct node *args = NULL;
	size_t argc = 0;
	size_t open = c->at - 1;

	if (!fn)
		return NULL;
	if (fn->special == SPECIAL_SELECT || fn->special == SPECIAL_WHERE ||
	    fn->special == SPECIAL_WITH)
		return parse_binder(c, fn, from, open);
	if (!parse_args(c, open, &args, &argc))
		return NULL;
	return node_call(c, fn, args, argc, from);
}

static struct node *parse_word(struct compile *c)
{
	size_t from = c->at;
	struct sv name = word_here(c);
	struct node *node;

	c->at += name.len;
	if (take(c, '('))
		return parse_call(c, name, from);
	c->at = from + name.len;
	node = name_word(c, name, from);
	return node ? node : name_unknown(c, name, from);
}

static struct node *parse_bracket(struct compile *c)
{
	size_t from = c->at++;
	struct node *node = parse_expr(c);

	if (!node)
		return NULL;
	if (take(c, ')'))
		return node;
	if (c->at < c->text.len)
		return unexpected(c);
	return compile_fail(c, from, "the bracket opened here is not closed");
}

static struct node *parse_primary(struct compile *c)
{
	char ch;

	skip_blanks(c);
	ch = peek(c, 0);
	if (ch == '(')
		return parse_bracket(c);
	if (ch == '"')
		return parse_string(c);
	if (ch == '[')
		return parse_attr(c);
	if (ch == '%')
		return parse_param(c);
	if (ch == '$')
		return parse_variable(c);
	if (ch == '&' && (peek(c, 1) == 'H' || peek(c, 1) == 'h'))
		return parse_hex(c);
	if (digit(ch))
		return parse_number(c, c->at, false);
	if (letter(ch))
		return parse_word(c);
	return unexpected(c);
}

static struct node *parse_unary(struct compile *c)
{
	struct node *node;
	size_t from;

	skip_blanks(c);
	from = c->at;
	if (!take(c, '-')) {
		node = parse_primary(c);
	} else {
		skip_blanks(c);
		if (digit(peek(c, 0)) && peek(c, 1) != 'x')
			return parse_number(c, from, true);
		node = parse_primary(c);
		if (node)
			node = node_negate(c, node, from);
	}
	return node;
}

/* + - * or &, but not &&; NUL: none here */
static char sum_operator(struct compile *c)
{
	char ch;

	skip_blanks(c);
	ch = peek(c, 0);
	if (ch == '+' || ch == '-' || ch == '*' ||
	    (ch == '&' && peek(c, 1) != '&')) {
		c->at++;
		return ch;
	}
	return '\0';
}

static struct node *parse_sum(struct compile *c)
{
	struct node *first = parse_unary(c);
	struct node *last = first;
	size_t argc = 1;
	char op;

	while (last && (op = sum_operator(c))) {
		struct node *operand = parse_unary(c);

		if (operand)
			operand->joint = op;
		last->next = operand;
		last = operand;
		argc++;
	}
	if (!last)
		return NULL;
	return argc == 1 ? first : node_chain(c, first, argc);
}

static int compare_operator(struct compile *c, enum compare_op *op)
{
	char next = peek(c, 1);

	switch (peek(c, 0)) {
	case '=':
		if (next == '=')
			return 0;
		*op = OP_EQ;
		c->at++;
		return 1;
	case '<':
		*op = next == '>' ? OP_NE : next == '=' ? OP_LE : OP_LT;
		break;
	case '>':
		*op = next == '=' ? OP_GE : OP_GT;
		break;
	default:
		return 0;
	}
	c->at += *op == OP_LT || *op == OP_GT ? 1 : 2;
	return 1;
}

static struct node *parse_compare(struct compile *c)
{
	struct node *left = parse_sum(c);
	struct node *right;
	enum compare_op op;
	enum compare_op again;

	if (!left)
		return NULL;
	skip_blanks(c);
	if (!compare_operator(c, &op))
		return left;
	right = parse_sum(c);
	if (!right)
		return NULL;
	skip_blanks(c);
	if (compare_operator(c, &again))
		return compile_fail(c, c->at - 1,
				    "comparisons do not chain; join them by "
				    "&& or ||");
	return node_compare(c, op, left, right);
}

static bool take_twice(struct compile *c, char ch)
{
	skip_blanks(c);
	if (peek(c, 0) != ch || peek(c, 1) != ch)
		return false;
	c->at += 2;
	return true;
}

static struct node *parse_and(struct compile *c)
{
	struct node *first = parse_compare(c);
	struct node *last = first;
	size_t argc = 1;

	while (last && take_twice(c, '&')) {
		last->next = parse_compare(c);
		last = last->next;
		argc++;
	}
	if (!last)
		return NULL;
	return argc == 1 ? first : node_logic(c, NODE_AND, first, argc);
}

static struct node *parse_or(struct compile *c)
{
	struct node *first = parse_and(c);
	struct node *last = first;
	size_t argc = 1;

	while (last && take_twice(c, '|')) {
		last->next = parse_and(c);
		last = last->next;
		argc++;
	}
	if (!last)
		return NULL;
	return argc == 1 ? first : node_logic(c, NODE_OR, first, argc);
}

static struct node *parse_expr(struct compile *c)
{
	struct node *node;

	if (c->depth >= EXPR_NESTING_MAX)
		return compile_fail(c, c->at, "nested deeper than %d levels",
				    EXPR_NESTING_MAX);
	c->depth++;
	node = parse_or(c);
	c->depth--;
	return node;
}

static struct node *trailing(struct compile *c)
{
	struct sv word = word_here(c);

	if (sv_ieq_str(word, "and") || sv_ieq_str(word, "or"))
		return compile_fail(c, c->at, "'" SV_FMT "' is written %s",
				    SV_ARG(word), word.len == 3 ? "&&" : "||");
	if (word.len || strchr("\"[($%", peek(c, 0)))
		return compile_fail(c, c->at,
				    "an operator is missing before this; & "
				    "joins text");
	return unexpected(c);
}

struct node *parse_text(struct compile *c)
{
	size_t good = text_valid_prefix(c->text);
	struct node *node;

	if (c->text.len > EXPR_TEXT_MAX)
		return compile_fail(c, EXPR_TEXT_MAX,
				    "the expression is longer than 64 KiB");
	if (good < c->text.len)
		return compile_fail(c, good, "this is not UTF-8");
	skip_blanks(c);
	if (c->at == c->text.len)
		return compile_fail(c, 0, "the expression is empty");
	node = parse_expr(c);
	skip_blanks(c);
	if (node && c->at < c->text.len)
		return trailing(c);
	return node;
}
