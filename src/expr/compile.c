/*
 * compile.c - the door of the compiler, and what a compiled expression tells
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct expr_message *m, size_t offset, bool warning,
		 const char *fmt, va_list args)
	__attribute__((format(printf, 4, 0)));

static void fill(struct expr_message *m, size_t offset, bool warning,
		 const char *fmt, va_list args)
{
	size_t good;

	m->offset = offset;
	m->warning = warning;
	(void)vsnprintf(m->text, sizeof(m->text), fmt, args);
	/* a name cut in the middle of a character */
	good = text_valid_prefix(sv_from(m->text));
	if (strlen(m->text) == sizeof(m->text) - 1)
		m->text[good] = '\0';
}

struct node *compile_fail(struct compile *c, size_t offset, const char *fmt,
			  ...)
{
	va_list args;

	va_start(args, fmt);
	fill(c->problem, offset, false, fmt, args);
	va_end(args);
	return NULL;
}

void compile_warn(struct compile *c, size_t offset, const char *fmt, ...)
{
	struct expr_message message;
	va_list args;

	if (!c->warn)
		return;
	va_start(args, fmt);
	fill(&message, offset, true, fmt, args);
	va_end(args);
	c->warn(c->warn_data, &message);
}

static void compile_init(struct compile *c, struct sv text,
			 const struct expr_scope *scope, struct arena *arena,
			 struct expr_message *problem,
			 void (*warn)(void *data, const struct expr_message *),
			 void *warn_data)
{
	memset(c, 0, sizeof(*c));
	c->expr = arena_zalloc(arena, sizeof(*c->expr));
	c->expr->source = arena_dup(arena, text);
	c->text = c->expr->source;
	c->scope = scope;
	c->arena = arena;
	c->problem = problem;
	c->warn = warn;
	c->warn_data = warn_data;
}

static int compile_end(struct compile *c, struct node *root, struct expr **out)
{
	if (root)
		root = part_make(c, root);
	if (!root)
		return -1;
	c->expr->root = root;
	if (c->expr->now)
		c->expr->now_flows = due_mark(root) > TIME_TRACKED;
	*out = c->expr;
	return 0;
}

int expr_compile(struct sv text, const struct expr_scope *scope,
		 struct arena *arena, struct expr **out,
		 struct expr_message *problem,
		 void (*warn)(void *data, const struct expr_message *message),
		 void *warn_data)
{
	struct compile c;

	compile_init(&c, text, scope, arena, problem, warn, warn_data);
	return compile_end(&c, parse_text(&c), out);
}

static bool is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_name(struct sv s)
{
	size_t i;

	if (!s.len || !is_letter(s.ptr[0]))
		return false;
	for (i = 0; i < s.len; i++)
		if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) &&
		    (!s.ptr[i] || !strchr("-_.;", s.ptr[i])))
			return false;
	return true;
}

/* [name], or one of the words that decide a flow. */
static struct node *rule_name(struct compile *c, struct sv name, size_t from)
{
	struct node *node = name_attr(c, EXPR_VIEW_HERE, name, from);
	size_t used;

	if (node)
		return node;
	if (sv_eq_str(name, "NULL") || sv_eq_str(name, "AuthoritativeNull") ||
	    sv_eq_str(name, "IgnoreThisFlow"))
		return name_word(c, name, from);
	used = strlen(c->problem->text);
	(void)snprintf(c->problem->text + used, sizeof(c->problem->text) - used,
		       "; for the text write { value: " SV_FMT " }",
		       SV_ARG(name));
	return NULL;
}

int expr_compile_rule(struct sv text, const struct expr_scope *scope,
		      struct arena *arena, struct expr **out,
		      struct expr_message *problem,
		      void (*warn)(void *data,
				   const struct expr_message *message),
		      void *warn_data)
{
	struct sv word = sv_trim(text);
	size_t from = word.len ? (size_t)(word.ptr - text.ptr) : 0;
	struct compile c;

	if (!is_name(word) || word.len > 200 || sv_ieq_str(word, "true") ||
	    sv_ieq_str(word, "false"))
		return expr_compile(text, scope, arena, out, problem, warn,
				    warn_data);
	compile_init(&c, text, scope, arena, problem, warn, warn_data);
	c.at = text.len;
	return compile_end(&c, rule_name(&c, word, from), out);
}

struct expr *expr_constant(const struct values *values, struct arena *arena)
{
	struct values copy = values_dup(values, arena);
	struct compile c;

	compile_init(&c, SV_NULL, NULL, arena, NULL, NULL, NULL);
	c.expr->root = node_constant(&c, &copy, 0);
	if (copy.len == 1)
		c.expr->source = value_text(&copy.at[0], arena);
	return c.expr;
}

struct expr *expr_hook(const struct expr_extern *fn,
		       const struct expr_hook_arg *args, size_t count,
		       struct arena *arena)
{
	struct hook *hook = arena_zalloc(arena, sizeof(*hook));
	struct compile c;

	compile_init(&c,
		     sv_from(arena_printf(arena, "lua: %s (%s)", fn->name,
					  fn->where)),
		     NULL, arena, NULL, NULL, NULL);
	hook->is = fn;
	hook->args = arena_array(arena, count, sizeof(*args));
	hook->count = count;
	memcpy(hook->args, args, count * sizeof(*args));
	c.at = c.text.len;
	c.expr->external = true;
	c.expr->root = node_new(&c, NODE_HOOK, 0);
	c.expr->root->types = TYPES_ANY;
	c.expr->root->hook = hook;
	return c.expr;
}

enum value_type expr_type(const struct expr *expr)
{
	int type;

	for (type = VALUE_STRING; type <= VALUE_REFERENCE; type++)
		if (expr->root->types == TYPE_BIT(type))
			return (enum value_type)type;
	return VALUE_NULL;
}

bool expr_multi(const struct expr *expr)
{
	return expr->root->multi;
}

bool expr_uses_now(const struct expr *expr)
{
	return expr->now;
}

bool expr_now_flows(const struct expr *expr)
{
	return expr->now_flows;
}

bool expr_uses_counter(const struct expr *expr)
{
	return expr->counter;
}

bool expr_makes_password(const struct expr *expr)
{
	return expr->password;
}

bool expr_uses_extern(const struct expr *expr)
{
	return expr->external;
}

bool expr_unstable(const struct expr *expr)
{
	return expr->unstable;
}

int expr_is_attr(const struct expr *expr, uint32_t *id_out)
{
	const struct node *root = expr->root;

	if (root->kind != NODE_ATTR || root->attr->view != EXPR_VIEW_HERE)
		return 0;
	if (id_out)
		*id_out = root->attr->id;
	return 1;
}

/* [a] = constant, or the other way round. */
static bool is_equality(const struct node *attr, const struct node *constant)
{
	return attr->kind == NODE_ATTR && !attr->multi &&
	       attr->attr->view == EXPR_VIEW_HERE &&
	       constant->kind == NODE_CONST &&
	       constant->constant.kind == EXPR_VALUES &&
	       constant->constant.len == 1;
}

static void node_equalities(const struct node *node,
			    void (*fn)(void *data, uint32_t id,
				       const struct value *value),
			    void *data)
{
	size_t i;

	for (i = 0; node->kind == NODE_AND && i < node->argc; i++)
		node_equalities(node->args[i], fn, data);
	if (node->kind != NODE_COMPARE || node->op != OP_EQ)
		return;
	for (i = 0; i < 2; i++)
		if (is_equality(node->args[i], node->args[1 - i]))
			fn(data, node->args[i]->attr->id,
			   &node->args[1 - i]->constant.one);
}

void expr_equalities(const struct expr *expr,
		     void (*fn)(void *data, uint32_t id,
				const struct value *value),
		     void *data)
{
	node_equalities(expr->root, fn, data);
}

/* A function that is given all attributes says nothing of what it reads. */
static void hook_reads(const struct hook *hook,
		       void (*fn)(void *data, enum expr_view view, uint32_t id),
		       void *data)
{
	size_t a;
	size_t i;

	for (a = 0; a < hook->count; a++)
		for (i = 0; hook->args[a].fields->named &&
			    i < hook->args[a].fields->count;
		     i++)
			fn(data, hook->args[a].view,
			   hook->args[a].fields->at[i].id);
}

void expr_reads(const struct expr *expr,
		void (*fn)(void *data, enum expr_view view, uint32_t id),
		void *data)
{
	const struct read *r;

	for (r = expr->reads; r; r = r->next)
		fn(data, r->view, r->id);
	if (expr->root->kind == NODE_HOOK)
		hook_reads(expr->root->hook, fn, data);
}

bool expr_reads_all(const struct expr *expr)
{
	const struct hook *hook = expr->root->hook;
	bool all = false;
	size_t a;

	if (expr->root->kind != NODE_HOOK)
		return false;
	for (a = 0; a < hook->count; a++)
		all |= !hook->args[a].fields->named;
	return all;
}

struct sv expr_source(const struct expr *expr)
{
	return expr->source;
}

bool expr_uses_tables(const struct expr *expr)
{
	return expr->tables;
}

static void add_values(const struct values *values, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct sv text = value_text(&values->at[i], &arena);

		strbuf_addf(out, " %d:%zu:", (int)values->at[i].type, text.len);
		strbuf_addsv(out, text);
	}
	arena_release(&arena);
}

void expr_canonical(const struct expr *expr, struct strbuf *out)
{
	const struct param_use *use;
	struct values values = { expr->root->constant.at,
				 expr->root->constant.len };

	strbuf_addc(out, '(');
	strbuf_addsv(out, expr->source);
	if (expr->root->kind == NODE_CONST && values.at) {
		strbuf_adds(out, " constant");
		add_values(&values, out);
	}
	for (use = expr->params; use; use = use->next) {
		strbuf_addf(out, " %%" SV_FMT "%%", SV_ARG(use->name));
		add_values(&use->values, out);
	}
	strbuf_addc(out, ')');
}
