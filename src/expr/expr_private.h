/*
 * expr_private.h - the compiled form, and what the files of this room share
 *
 * parse.c builds nodes with the makers of check.c, which check types and fold
 * constants; names.c knows what names mean; part.c decides which attributes are
 * taken value by value; eval.c walks the nodes with the operators of operate.c;
 * functions/ holds what functions do, extern.c calls those of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_EXPR_PRIVATE_H
#define EXPR_EXPR_PRIVATE_H

#include "expr/expr.h"

/* Sets of value types; 0: never a value (NULL, Error). */
#define TYPE_BIT(type)  (1U << (type))
#define TYPES_STRING    TYPE_BIT(VALUE_STRING)
#define TYPES_INTEGER   TYPE_BIT(VALUE_INTEGER)
#define TYPES_BOOLEAN   TYPE_BIT(VALUE_BOOLEAN)
#define TYPES_BINARY    TYPE_BIT(VALUE_BINARY)
#define TYPES_DATETIME  TYPE_BIT(VALUE_DATETIME)
#define TYPES_REFERENCE TYPE_BIT(VALUE_REFERENCE)
/* A reference may stand where text is wanted, and gives its DN. */
#define TYPES_TEXT      (TYPES_STRING | TYPES_REFERENCE)
#define TYPES_ANY                                                              \
	(TYPES_TEXT | TYPES_INTEGER | TYPES_BOOLEAN | TYPES_BINARY |           \
	 TYPES_DATETIME)

/* A result on its way: EXPR_VALUES with one value has it in `one`. */
struct datum {
	enum expr_kind kind;
	size_t len;
	struct value *at; /* len > 1; or where `one` is borrowed from */
	struct value one;
};

static inline const struct value *datum_at(const struct datum *d, size_t i)
{
	return d->len == 1 ? &d->one : &d->at[i];
}

static inline void datum_none(struct datum *d, enum expr_kind kind)
{
	d->kind = kind;
	d->len = 0;
	d->at = NULL;
}

static inline int datum_null(struct datum *d)
{
	datum_none(d, EXPR_NULL);
	return 0;
}

static inline int datum_set(struct datum *d, struct value value)
{
	d->kind = EXPR_VALUES;
	d->len = 1;
	d->at = NULL;
	d->one = value;
	return 0;
}

static inline int datum_text(struct datum *d, struct sv text)
{
	return datum_set(d, value_string(text));
}

static inline int datum_number(struct datum *d, int64_t number)
{
	return datum_set(d, value_integer(number));
}

static inline int datum_boolean(struct datum *d, bool b)
{
	return datum_set(d, value_boolean(b));
}

/* Borrows a list. */
static inline void datum_list(struct datum *d, struct value *at, size_t len)
{
	d->kind = len ? EXPR_VALUES : EXPR_NULL;
	d->len = len;
	d->at = len ? at : NULL;
	if (len == 1 && at)
		d->one = *at;
}

/* Present: a value that is not the empty text. */
bool datum_present(const struct datum *d);

enum node_kind {
	NODE_CONST,   /* constant */
	NODE_NULL,    /* the word NULL */
	NODE_ATTR,    /* attr */
	NODE_COUNT,   /* attr: the number of its values */
	NODE_VAR,     /* var */
	NODE_COUNTER, /* $n */
	NODE_CHAIN,   /* operands with + - * & between them, left to right */
	NODE_NEGATE,  /* args[0] */
	NODE_COMPARE, /* args[0] op args[1] */
	NODE_IS_NULL, /* args[0] = NULL, or <> NULL: op */
	NODE_AND,     /* args */
	NODE_OR,      /* args */
	NODE_CALL,    /* fn(args) */
	NODE_EACH,    /* args[0] once per value of the attribute mapped */
	NODE_HOOK,    /* hook: a function that is given objects */
};

enum compare_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
};

/* How a node's value depends on the time. */
enum node_time {
	TIME_NEVER = 0,
	TIME_TRACKED, /* by comparisons that tell when they change */
	TIME_STEADY,  /* grows or falls with it */
	TIME_SOMEHOW,
};

struct node {
	enum node_kind kind;
	bool steady;       /* NODE_COMPARE: of a steady value, see due.c */
	bool months;       /* which DateAdd shifts by months */
	bool multi;        /* may be several values */
	bool exact;        /* compared without ignoring case */
	uint32_t types;    /* the types its values may have */
	size_t from, end;  /* where in the text */
	struct node *next; /* while arguments are being read */
	enum compare_op op;
	char joint; /* the operator before it, within a chain: + - * & */
	const struct function *fn;
	struct node **args;
	size_t argc;
	struct datum constant;
	struct read *attr;
	struct read **each; /* NODE_EACH: attributes that may be mapped */
	size_t each_count;
	size_t var; /* place of the variable in struct eval */
	const struct hook *hook;
};

/* An attribute that the expression reads. */
struct read {
	enum expr_view view;
	uint32_t id;
	const char *name;
	uint32_t types;
	bool multi;
	bool schema_multi;
	bool exact;
	struct read *next;
};

/* A parameter that the expression uses, with what it was. */
struct param_use {
	struct sv name;
	struct values values;
	struct param_use *next;
};

struct expr {
	struct sv source;
	struct node *root;
	struct read *reads;
	struct param_use *params;
	bool tables; /* looks into some */
	bool now;
	bool now_flows;
	bool unstable;
	bool password; /* has RandomPassword */
	bool counter;
	bool external; /* calls a function that is not built in */
	const struct extern_function *calls; /* those called by name */
};

/* The value that stands for an attribute within a part. */
struct binding {
	const struct read *attr;
	struct value *value;
};

struct eval {
	const struct expr_env *env;
	struct arena *arena;
	struct error *err;
	struct sv source;
	struct binding bound;    /* attr NULL: none */
	const struct node *call; /* whose function runs */
	bool steady;             /* within a comparison that tells when it
				  * changes */
	uint64_t work;           /* steps left */
	size_t memory;           /* bytes left for what is made */
	const struct datum *vars[EXPR_NESTING_MAX + 1];
};

/* A list that grows in the arena. */
struct list {
	struct value *at;
	size_t len;
	size_t size;
};

int eval_node(struct eval *e, const struct node *node, struct datum *out);
/* The condition `node`; NULL is false. */
int eval_condition(struct eval *e, const struct node *node, bool *out);
/* An object error about the piece of text that `node` is; returns -1. */
int eval_fail(struct eval *e, const struct node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One step of work: -1 when there were too many. */
int eval_step(struct eval *e);
/* Room for a value of `len` bytes: -1 when it is too long, or all are. */
int eval_room(struct eval *e, size_t len);
/* The error of two operands or arguments with several values each; -1. */
int eval_two_lists(struct eval *e, const struct node *node);
int list_add(struct eval *e, struct list *list, const struct value *value);
int list_add_datum(struct eval *e, struct list *list, const struct datum *d);

/* operate.c: the operators */
int eval_chain(struct eval *e, const struct node *node, struct datum *out);
int eval_negate(struct eval *e, const struct node *node, struct datum *out);
int eval_compare(struct eval *e, const struct node *node, struct datum *out);
/* As eval_compare, by any operator and without noting the time. */
int compare_by(struct eval *e, const struct node *node, enum compare_op op,
	       struct datum *out);
int eval_is_null(struct eval *e, const struct node *node, struct datum *out);
int eval_logic(struct eval *e, const struct node *node, struct datum *out);

/* due.c: when a result changes with the time */
/* Marks what depends on it below `node`. */
enum node_time due_mark(struct node *node);
/* Compares, and notes when the result changes. */
int due_compare(struct eval *e, const struct node *node, struct datum *out);
/* Now(), wherever it stands. */
int64_t due_now(struct eval *e);

/* ---- functions ---- */

/* What a parameter takes: see KINDS in function.c. */
enum param_kind {
	KIND_STR,
	KIND_REF,
	KIND_NUM,
	KIND_BOOL,
	KIND_DATE,
	KIND_BIN,
	KIND_VAR,
	KIND_STR_OR_NUM,
	KIND_STR_OR_DATE,
	KIND_STR_OR_BIN,
	KIND_TRUTH,     /* bool, num or str */
	KIND_CHAR,      /* one character */
	KIND_COMPARE,   /* a way of comparing text */
	KIND_ENCODING,  /* Unicode, ASCII or UTF8 */
	KIND_DC,        /* the word DC */
	KIND_INTERVAL,  /* of DateAdd */
	KIND_PATTERN,   /* of ReplaceChars */
	KIND_CERT_NAME, /* of CertNameInfo */
	KIND_VARIABLE,  /* $name */
	KIND_VOID,
};

enum param_flag {
	PARAM_LIST = 1 << 0,     /* takes the list whole; a part of its own */
	PARAM_WHOLE = 1 << 1,    /* takes the list whole */
	PARAM_NULL = 1 << 2,     /* may be NULL; else NULL in, NULL out */
	PARAM_OPTIONAL = 1 << 3, /* may be left out, then it is NULL */
};

struct param {
	const char *name;
	enum param_kind kind;
	unsigned flags;
};

/* Functions that the compiler or the evaluator knows by more than a call. */
enum special {
	SPECIAL_NONE,
	SPECIAL_IIF,
	SPECIAL_SWITCH,
	SPECIAL_COALESCE,
	SPECIAL_SELECT,
	SPECIAL_WHERE,
	SPECIAL_WITH,
	SPECIAL_IMPORTED,
	SPECIAL_CURRENT,
	SPECIAL_METAVERSE,
	SPECIAL_VALUE_COUNT,
	SPECIAL_LOOKUP,
	SPECIAL_RANDOM_PASSWORD,
	SPECIAL_AND,
	SPECIAL_OR,
	SPECIAL_COMPARE, /* by function.op */
	SPECIAL_NULL,
};

enum function_flag {
	FN_NOW = 1 << 0,
	FN_UNSTABLE = 1 << 1,
	FN_EFFECT = 1 << 2, /* not for folding: Error, Lookup */
	FN_REPEAT = 1 << 3, /* the last parameter may come again */
	FN_LIST = 1 << 4,   /* yields several values */
	FN_OF_ARG = 1 << 5, /* yields values of its first argument's types */
	FN_STEADY = 1 << 6, /* grows with its last argument */
};

#define FN_PARAMS 4

struct function {
	const char *name;
	enum param_kind result;
	unsigned flags;
	struct param params[FN_PARAMS];
	/* args beyond those given, up to FN_PARAMS, are NULL */
	int (*call)(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out);
	const char *help;
	const char *example;
	const char *gives;
	enum special special;
	enum compare_op op;
};

/* A function that is not built in, as one. */
struct extern_function {
	struct function fn;
	const struct expr_extern *is;
	const struct extern_function *next; /* in the same expression */
};

struct hook {
	const struct expr_extern *is;
	struct expr_hook_arg *args;
	size_t count;
};

struct family {
	const char *name;
	const struct function *functions;
	size_t count;
};

extern const struct family text_family;
extern const struct family convert_family;
extern const struct family test_family;
extern const struct family date_family;
extern const struct family directory_family;
extern const struct family math_family;
extern const struct family multi_family;
extern const struct family flow_family;
extern const struct family exchange_family;
extern const struct family certificate_family;
extern const struct family mim_family;

/* So that the count stands with the table. */
#define FAMILY(variable, title, table)                                         \
	const struct family variable = { title, table,                         \
					 sizeof(table) / sizeof(*(table)) }

/* NULL: no such function. *canonical_out: what an alias should be, or NULL. */
const struct function *function_find(struct sv name,
				     const char **canonical_out);
const char *function_nearest(struct sv name);
/* The parameter for argument `i`, or NULL: too many. */
const struct param *function_param(const struct function *fn, size_t i);
size_t function_min_args(const struct function *fn);
uint32_t kind_types(enum param_kind kind);
/* "text", "a number": what is wanted, for messages */
const char *kind_want(enum param_kind kind);
/* Text of a constrained kind: 1: good; 0: not what kind_want says */
int kind_valid(enum param_kind kind, struct sv text);
/* "a number": the types of a set, for messages */
const char *types_word(uint32_t types);
/* "; CStr(...) makes text of it", or "" */
const char *types_hint(uint32_t wanted, uint32_t given);

/* The functions' view of their arguments; empty text has a pointer too. */
static inline bool arg_null(const struct datum *args, size_t i)
{
	return args[i].kind != EXPR_VALUES;
}
static inline struct sv arg_text(const struct datum *args, size_t i)
{
	if (arg_null(args, i) || !args[i].one.text.len)
		return SV_LIT("");
	return args[i].one.text;
}
static inline int64_t arg_number(const struct datum *args, size_t i)
{
	return arg_null(args, i) ? 0 : args[i].one.number;
}

struct compile;

/* An object error about the call that runs; returns -1. */
int call_fail(struct eval *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The text in `sb` as the result; releases it. */
int call_text(struct eval *e, struct strbuf *sb, struct datum *out);
int call_binary(struct eval *e, struct strbuf *sb, struct datum *out);

/* Shared by families. */
bool pattern_valid(struct sv pattern);
bool interval_valid(struct sv interval);
bool cert_name_valid(struct sv text);
/* "2013-01-10 4:00 PM -8", "12/25/2007", ISO 8601 ...: 1 read, 0 not a date */
int date_parse(struct sv text, int64_t *out);
int date_format(struct eval *e, int64_t time, struct sv format,
		struct datum *out);
bool guid_parse(struct sv text, unsigned char out[16]);
bool values_equal(const struct value *a, const struct value *b, bool exact);
int values_compare(const struct value *a, const struct value *b, bool exact);

/* Functions that have a second name in the MIM portal. */
int fn_ucase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out);
int fn_lcase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out);
int fn_pcase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out);
int fn_pad_left(struct eval *e, const struct datum *args, size_t argc,
		struct datum *out);
int fn_pad_right(struct eval *e, const struct datum *args, size_t argc,
		 struct datum *out);
int fn_replace(struct eval *e, const struct datum *args, size_t argc,
	       struct datum *out);
int fn_cguid(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out);
int fn_string_from_sid(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out);

/* extern.c: functions that are not built in */
const struct function *extern_function(struct compile *c,
				       const struct expr_extern *is);
bool is_extern(const struct function *fn);
struct node *extern_check(struct compile *c, struct node *node);
int extern_eval_hook(struct eval *e, const struct node *node,
		     struct datum *out);

/* flow.c: functions that evaluate their arguments themselves */
int flow_eval(struct eval *e, const struct node *node, struct datum *out);

/* ---- compiling ---- */

struct variable {
	struct sv name;
	size_t place;
	uint32_t types;
	bool multi;
	bool exact;
	struct variable *outer;
};

struct compile {
	struct sv text;
	size_t at;
	unsigned depth;
	const struct expr_scope *scope;
	struct arena *arena;
	struct expr *expr;
	struct variable *vars;
	struct expr_message *problem;
	void (*warn)(void *data, const struct expr_message *message);
	void *warn_data;
};

/* Fills the problem; returns NULL. */
struct node *compile_fail(struct compile *c, size_t offset, const char *fmt,
			  ...) __attribute__((format(printf, 3, 4)));
void compile_warn(struct compile *c, size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct node *parse_text(struct compile *c); /* all of it; NULL: failed */

/* names.c */
struct node *name_attr(struct compile *c, enum expr_view view, struct sv name,
		       size_t from);
struct node *name_param(struct compile *c, struct sv name, size_t from);
struct node *name_variable(struct compile *c, struct sv name, size_t from);
/* True, NULL, CRLF, vbTextCompare ...: NULL without a problem: no such word */
struct node *name_word(struct compile *c, struct sv name, size_t from);
struct node *name_unknown(struct compile *c, struct sv name, size_t from);
const struct function *name_function(struct compile *c, struct sv name,
				     size_t from);

/* check.c: makers of nodes; `args` is a list by ->next; NULL: failed */
struct node *node_new(struct compile *c, enum node_kind kind, size_t from);
struct node *node_constant(struct compile *c, const struct values *values,
			   size_t from);
struct node *node_chain(struct compile *c, struct node *args, size_t argc);
struct node *node_negate(struct compile *c, struct node *arg, size_t from);
struct node *node_compare(struct compile *c, enum compare_op op,
			  struct node *left, struct node *right);
struct node *node_logic(struct compile *c, enum node_kind kind,
			struct node *args, size_t argc);
struct node *node_call(struct compile *c, const struct function *fn,
		       struct node *args, size_t argc, size_t from);

/* part.c: wraps what is to be evaluated once per value. NULL: failed */
struct node *part_make(struct compile *c, struct node *node);

#endif
