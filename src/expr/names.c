/*
 * names.c - what the names in an expression mean
 *
 * Asks the scope for attributes and parameters, the table for functions; an
 * unknown name is answered with the nearest known one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

#include <ctype.h>

static struct read *find_read(struct compile *c, enum expr_view view,
			      const struct expr_attr *attr, struct sv name)
{
	struct read *r;

	for (r = c->expr->reads; r; r = r->next)
		if (r->view == view && r->id == attr->id)
			return r;
	r = arena_zalloc(c->arena, sizeof(*r));
	r->view = view;
	r->id = attr->id;
	r->name = arena_cstr(c->arena, attr->name ? sv_from(attr->name) : name);
	r->types = attr->type == VALUE_NULL ? TYPES_ANY : TYPE_BIT(attr->type);
	r->multi = attr->multi;
	r->schema_multi = attr->schema_multi;
	r->exact = attr->match == MATCH_EXACT;
	r->next = c->expr->reads;
	c->expr->reads = r;
	return r;
}

static struct node *unknown_attr(struct compile *c, enum expr_view view,
				 struct sv name, size_t from)
{
	const char *near = NULL;

	if (c->scope->suggest)
		near = c->scope->suggest(c->scope->data, view, name);
	if (near)
		return compile_fail(
			c, from, "no attribute '" SV_FMT "'; did you mean '%s'",
			SV_ARG(name), near);
	return compile_fail(c, from, "no attribute '" SV_FMT "'", SV_ARG(name));
}

struct node *name_attr(struct compile *c, enum expr_view view, struct sv name,
		       size_t from)
{
	struct expr_attr attr = { 0 };
	struct node *node;

	if (!c->scope->attr ||
	    !c->scope->attr(c->scope->data, view, name, &attr))
		return unknown_attr(c, view, name, from);
	node = node_new(c, NODE_ATTR, from);
	node->attr = find_read(c, view, &attr, name);
	node->types = node->attr->types;
	node->multi = node->attr->multi || node->attr->schema_multi;
	node->exact = node->attr->exact;
	return node;
}

static void note_param(struct compile *c, struct sv name,
		       const struct values *values)
{
	struct param_use *use = arena_zalloc(c->arena, sizeof(*use));

	use->name = name;
	use->values = *values;
	use->next = c->expr->params;
	c->expr->params = use;
}

struct node *name_param(struct compile *c, struct sv name, size_t from)
{
	struct values values = { NULL, 0 };

	if (!c->scope->param || !c->scope->param(c->scope->data, name, &values))
		return compile_fail(c, from,
				    "no parameter '" SV_FMT
				    "'; parameters stand in conjoin.yaml",
				    SV_ARG(name));
	/* a run's time is Now(), so that what compares with it is asked again
	 */
	if (sv_ieq_str(name, "Run.Time") && values.len == 1 &&
	    values.at[0].type == VALUE_DATETIME)
		return node_call(c, name_function(c, SV_LIT("Now"), from), NULL,
				 0, from);
	values = values_dup(&values, c->arena);
	note_param(c, name, &values);
	return node_constant(c, &values, from);
}

struct node *name_variable(struct compile *c, struct sv name, size_t from)
{
	struct variable *v;
	struct node *node;

	for (v = c->vars; v; v = v->outer) {
		if (!sv_eq(v->name, name))
			continue;
		node = node_new(c, NODE_VAR, from);
		node->var = v->place;
		node->types = v->types;
		node->multi = v->multi;
		node->exact = v->exact;
		return node;
	}
	if (!sv_eq_str(name, "n"))
		return compile_fail(c, from,
				    "no variable '$" SV_FMT
				    "'; Select, Where and With make variables",
				    SV_ARG(name));
	if (!(c->scope->allow & EXPR_ALLOW_COUNTER))
		return compile_fail(c, from,
				    "$n counts the candidates of `unique` and "
				    "is known only there");
	node = node_new(c, NODE_COUNTER, from);
	node->types = TYPES_INTEGER;
	c->expr->counter = true;
	return node;
}

static const char *const ENUM_WORDS[] = {
	"CaseInsensitive", "CaseSensitive", "vbTextCompare", "vbBinaryCompare",
	"Unicode",         "ASCII",         "UTF8",          "DC",
};

static struct node *word_value(struct compile *c, struct value value,
			       size_t from)
{
	struct values values = { &value, 1 };

	return node_constant(c, &values, from);
}

static struct node *word_kind(struct compile *c, enum expr_kind kind,
			      size_t from)
{
	struct node *node = node_new(c, NODE_CONST, from);

	datum_none(&node->constant, kind);
	return node;
}

struct node *name_word(struct compile *c, struct sv name, size_t from)
{
	size_t i;

	if (sv_ieq_str(name, "True") || sv_ieq_str(name, "False"))
		return word_value(c, value_boolean(name.len == 4), from);
	if (sv_eq_str(name, "NULL"))
		return node_new(c, NODE_NULL, from);
	if (sv_eq_str(name, "AuthoritativeNull"))
		return word_kind(c, EXPR_AUTHORITATIVE_NULL, from);
	if (sv_eq_str(name, "IgnoreThisFlow"))
		return word_kind(c, EXPR_IGNORE, from);
	if (sv_eq_str(name, "CRLF"))
		return word_value(c, value_string(SV_LIT("\r\n")), from);
	for (i = 0; i < sizeof(ENUM_WORDS) / sizeof(*ENUM_WORDS); i++)
		if (sv_eq_str(name, ENUM_WORDS[i]))
			return word_value(
				c, value_string(sv_from(ENUM_WORDS[i])), from);
	return NULL;
}

/* The words from here on, when they look like one name: `First Name`. */
static struct sv several_words(const struct compile *c, size_t from)
{
	struct sv rest = sv_trim(sv_sub(c->text, from, c->text.len));
	size_t i;

	for (i = 0; i < rest.len; i++)
		if (rest.ptr[i] != ' ' && !isalnum((unsigned char)rest.ptr[i]))
			return SV_NULL;
	return sv_find(rest, ' ', 0) < rest.len ? rest : SV_NULL;
}

struct node *name_unknown(struct compile *c, struct sv name, size_t from)
{
	static const char *const words[] = { "NULL", "AuthoritativeNull",
					     "IgnoreThisFlow", "CRLF" };
	struct expr_attr attr = { 0 };
	struct sv words_on = several_words(c, from);
	const char *near;

	if (words_on.len)
		return compile_fail(c, from,
				    "a name with blanks is written '[" SV_FMT
				    "]', a text { value: " SV_FMT " }",
				    SV_ARG(words_on), SV_ARG(words_on));
	if (c->scope->attr &&
	    c->scope->attr(c->scope->data, EXPR_VIEW_HERE, name, &attr))
		return compile_fail(c, from,
				    "an attribute is written in square "
				    "brackets: [" SV_FMT "]",
				    SV_ARG(name));
	near = sv_nearest(name, words, sizeof(words) / sizeof(*words));
	if (near)
		return compile_fail(c, from,
				    "no word '" SV_FMT "'; did you mean %s",
				    SV_ARG(name), near);
	near = function_nearest(name);
	if (near)
		return compile_fail(c, from,
				    "no word '" SV_FMT
				    "'; did you mean the function %s(...)",
				    SV_ARG(name), near);
	return compile_fail(c, from,
			    "no word '" SV_FMT "'; text is written \"" SV_FMT
			    "\", an attribute [" SV_FMT "]",
			    SV_ARG(name), SV_ARG(name), SV_ARG(name));
}

static const char *nearest_function(const struct compile *c, struct sv name)
{
	const char *names[2];
	size_t count = 0;

	if (c->scope->function_nearest)
		names[count] = c->scope->function_nearest(c->scope->data, name);
	if (c->scope->function_nearest && names[count])
		count++;
	names[count] = function_nearest(name);
	if (names[count])
		count++;
	return sv_nearest(name, names, count);
}

const struct function *name_function(struct compile *c, struct sv name,
				     size_t from)
{
	const char *canonical = NULL;
	const struct function *fn = function_find(name, &canonical);
	const struct expr_extern *is;
	const char *near;

	if (fn && canonical)
		compile_warn(c, from, "'" SV_FMT "' is written %s",
			     SV_ARG(name), canonical);
	if (fn)
		return fn;
	is = c->scope->function ? c->scope->function(c->scope->data, name)
				: NULL;
	if (is)
		return extern_function(c, is);
	near = nearest_function(c, name);
	if (near)
		(void)compile_fail(c, from,
				   "unknown function '" SV_FMT
				   "'; did you mean %s",
				   SV_ARG(name), near);
	else
		(void)compile_fail(c, from, "unknown function '" SV_FMT "'",
				   SV_ARG(name));
	return NULL;
}
