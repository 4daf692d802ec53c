/*
 * expr.h - the expression language of rules: compile once, evaluate often
 *
 * The language is that of Entra Connect's synchronization rules with the names
 * of the MIM portal beside them; docs/reference/functions.md describes it. An
 * expression is compiled when the configuration is read: names, argument counts
 * and types are checked then, with the byte offset of every problem. Evaluation
 * reads values through struct expr_env and changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "base/sv.h"
#include "model/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPR_TEXT_MAX    ((size_t)64 * 1024)   /* an expression's text */
#define EXPR_NESTING_MAX 128                   /* brackets in brackets */
#define EXPR_LIST_MAX    ((size_t)1000000)     /* values of a result */
#define EXPR_RESULT_MAX  ((size_t)16 << 20)    /* bytes of one value */
#define EXPR_WORK_MAX    ((uint64_t)100000000) /* steps of an evaluation */
#define EXPR_MEMORY_MAX  ((size_t)512 << 20)   /* bytes it may make */

/* Which object an attribute is read from, and how. */
enum expr_view {
	EXPR_VIEW_HERE,      /* [a] */
	EXPR_VIEW_IMPORTED,  /* ImportedValue("a") */
	EXPR_VIEW_CURRENT,   /* Current("a"): outbound only */
	EXPR_VIEW_METAVERSE, /* Metaverse("a"): in `resolve` only */
};

enum expr_kind {
	EXPR_NULL,
	EXPR_AUTHORITATIVE_NULL,
	EXPR_IGNORE,
	EXPR_VALUES,
};

struct expr_result {
	enum expr_kind kind;
	struct values values; /* EXPR_VALUES: at least one */
	bool multi;           /* several were possible, or there are */
};

/* What the compiler learns of a name. */
struct expr_attr {
	uint32_t id;
	enum value_type type; /* VALUE_NULL: unknown until evaluated */
	bool multi;           /* declared to have several values */
	bool schema_multi;    /* the system's schema allows several, the
			       * configuration does not ask for them: two of
			       * these in one part are refused only when both
			       * really have several */
	enum match_rule match;
	const char *name; /* the schema's spelling; may be NULL */
};

enum expr_allow {
	EXPR_ALLOW_CURRENT = 1 << 0,
	EXPR_ALLOW_METAVERSE = 1 << 1,
	EXPR_ALLOW_RANDOM = 1 << 2,  /* RandomPassword; Guid and RandomNum
				      * without a warning */
	EXPR_ALLOW_COUNTER = 1 << 3, /* $n */
	EXPR_ALLOW_IMPORTED = 1 << 4,
};

struct expr_env;

/* An attribute that a function may ask an object for. */
struct expr_field {
	const char *name;
	uint32_t id;
	bool multi; /* declared so: always a list */
	bool text;  /* the name of an entry: text, not a reference to it */
};

struct expr_fields {
	struct expr_field *at;
	size_t count;
	bool named; /* by `reads`: nothing else is there */
};

enum expr_arg_kind {
	EXPR_ARG_VALUES, /* values; none: NULL */
	EXPR_ARG_OBJECT, /* attributes of a view, read when asked for */
	EXPR_ARG_LIST,   /* items */
	EXPR_ARG_RECORD, /* items with names */
};

/* What a function that is not built in is given. */
struct expr_arg {
	enum expr_arg_kind kind;
	bool list; /* values: a list, also when it is one or none */
	struct values values;
	const struct expr_env *env;
	enum expr_view view;
	const struct expr_fields *fields;
	const struct expr_arg *items;
	const char *const *names;
	size_t count;
};

/* A function that is not built in: one of rules/NAME.lua. */
struct expr_extern {
	const char *name;
	const char *where; /* "rules/names.lua:12" */
	size_t params;
	bool any_number; /* it takes any number of arguments */
	/* 0: *out is filled, its memory is the arena's; -1: an object error */
	int (*call)(const struct expr_extern *fn, const struct expr_env *env,
		    const struct expr_arg *args, size_t count,
		    struct arena *arena, struct expr_result *out,
		    struct error *err);
};

/* What the compiler asks. A callback that is NULL knows no name. */
struct expr_scope {
	void *data;
	uint32_t allow; /* enum expr_allow */
	/* 1: found; 0: unknown */
	int (*attr)(void *data, enum expr_view view, struct sv name,
		    struct expr_attr *out);
	/* The nearest attribute name, or NULL. */
	const char *(*suggest)(void *data, enum expr_view view, struct sv name);
	/* %name%, a constant or a list; copied. 1: found; 0: unknown */
	int (*param)(void *data, struct sv name, struct values *out);
	/* 1: exists; 0: no such table; -1: the table has no such column. An
	 * empty column asks for the table only. */
	int (*table)(void *data, struct sv table, struct sv column);
	/* A function that is not built in, or NULL. */
	const struct expr_extern *(*function)(void *data, struct sv name);
	/* The nearest of them, or NULL. */
	const char *(*function_nearest)(void *data, struct sv name);
};

/* A problem or a warning, and where in the text it belongs. */
struct expr_message {
	size_t offset; /* bytes from the beginning of the text */
	bool warning;
	char text[256];
};

struct expr; /* compiled; read only, so any thread may evaluate it */

/*
 * Compiles an expression; what it points to lives in the arena, the text is
 * copied. Warnings (aliases, unstable functions) go to `warn`, which may be
 * NULL. 0; -1: *problem is filled.
 */
int expr_compile(struct sv text, const struct expr_scope *scope,
		 struct arena *arena, struct expr **out,
		 struct expr_message *problem,
		 void (*warn)(void *data, const struct expr_message *message),
		 void *warn_data);

/*
 * As expr_compile, for places where a rule is expected: true, false and a
 * number are themselves, a name (letters, digits, -_.; beginning with a
 * letter) is short for [name], all else is an expression.
 */
int expr_compile_rule(struct sv text, const struct expr_scope *scope,
		      struct arena *arena, struct expr **out,
		      struct expr_message *problem,
		      void (*warn)(void *data,
				   const struct expr_message *message),
		      void *warn_data);

/* { value: ... }; the values are copied into the arena. */
struct expr *expr_constant(const struct values *values, struct arena *arena);

/* An object that a function is given whole. */
struct expr_hook_arg {
	enum expr_view view;
	const struct expr_fields *fields; /* may be filled later */
};

/* { lua: f }: the function, given these objects; copied into the arena. */
struct expr *expr_hook(const struct expr_extern *fn,
		       const struct expr_hook_arg *args, size_t count,
		       struct arena *arena);

/* The one type of its values; VALUE_NULL: known only at evaluation. */
enum value_type expr_type(const struct expr *expr);
bool expr_multi(const struct expr *expr); /* may yield several values */
bool expr_uses_now(const struct expr *expr);
/* Now() is more than compared with something: the value itself (a text made of
 * it, say) changes with the time. */
bool expr_now_flows(const struct expr *expr);
bool expr_uses_counter(const struct expr *expr);
/* Has a RandomPassword: what it yields is secret. */
bool expr_makes_password(const struct expr *expr);
/* Calls a function that is not built in. */
bool expr_uses_extern(const struct expr *expr);
/* Yields something else at each evaluation. */
bool expr_unstable(const struct expr *expr);
/* 1: it is just [a]; *id_out is filled (may be NULL); 0: more than that */
int expr_is_attr(const struct expr *expr, uint32_t *id_out);
/* Every attribute that it may read, once. */
void expr_reads(const struct expr *expr,
		void (*fn)(void *data, enum expr_view view, uint32_t id),
		void *data);
/* Every [a] = constant that must hold where the condition is true: of
 * attributes with one value at most. */
void expr_equalities(const struct expr *expr,
		     void (*fn)(void *data, uint32_t id,
				const struct value *value),
		     void *data);
/* It is given an object whole, and may read any of its attributes. */
bool expr_reads_all(const struct expr *expr);
struct sv expr_source(const struct expr *expr);
/* Its text, and behind it where the functions stand that are not built in. */
struct sv expr_told(const struct expr *expr, struct arena *arena);
/*
 * Adds its text and what that was compiled with (constants, values of
 * parameters): what adds the same text gives the same, as long as attributes,
 * tables and functions are the same.
 */
void expr_canonical(const struct expr *expr, struct strbuf *out);
bool expr_uses_tables(const struct expr *expr);

/*
 * When the result of evaluations may change though nothing that they read does:
 * the earliest moment after now, 0: never. Comparisons with Now(), also shifted
 * (DateAdd, + and - of NumFromDate), give the very moment; where Now() is used
 * otherwise it is the next midnight (UTC).
 */
struct expr_due {
	int64_t time;
	struct sv why; /* the expression that says so; its own memory */
	bool flows;    /* some Now() was more than compared */
};

/* What evaluation reads. */
struct expr_env {
	void *data;
	bool *gap;   /* set when & joined a text with nothing; may be NULL */
	int64_t now; /* Now() */
	/* Now() where it is more than compared; 0: as `now` */
	int64_t as_of;
	struct expr_due *due; /* noted here; may be NULL */
	int64_t counter;      /* $n */
	/* Borrowed values, none when the attribute is absent; always 0. */
	int (*attr)(void *data, enum expr_view view, uint32_t id,
		    struct values *out);
	/* Their number, for ValueCount; NULL: `attr` is asked. */
	int (*count)(void *data, enum expr_view view, uint32_t id,
		     int64_t *out);
	/* 1: *out is filled; 0: no such row. NULL: there are no tables. */
	int (*lookup)(void *data, struct sv table, struct sv key,
		      struct sv column, struct sv *out);
};

/*
 * 0: *out is filled; its memory is the arena's, the environment's or the
 * expression's. -1: an object error (Error("..."), a value of the wrong type,
 * an index out of range).
 */
int expr_eval(const struct expr *expr, const struct expr_env *env,
	      struct arena *arena, struct expr_result *out, struct error *err);

/*
 * A condition: NULL is false. Results for several values must agree, else it
 * is an object error: neither any nor all is guessed.
 */
int expr_eval_condition(const struct expr *expr, const struct expr_env *env,
			struct arena *arena, bool *out, struct error *err);

/* The functions there are, for help and manual, by family. */
struct expr_function {
	const char *family;
	const char *name;
	const char *help;
	const char *example; /* an expression */
	const char *gives;   /* what it yields, or NULL: differs each time */
};

size_t expr_function_count(void);
/* Such a function is built in, or a word of the language. */
bool expr_is_reserved(struct sv name);
void expr_function(size_t i, struct expr_function *out);
/* Adds "num InStr(str s, str find[, num start[, enum compare]])". */
void expr_function_signature(size_t i, struct strbuf *out);

#endif
