/*
 * multi.c - functions of lists
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"
#include "model/dn.h"

#include <stdlib.h>

static int fn_contains(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out)
{
	struct sv find = arg_text(args, 1);
	struct sv how = arg_text(args, 2);
	bool ignore_case = sv_ieq_str(how, "vbTextCompare") ||
			   sv_ieq_str(how, "CaseInsensitive");
	size_t i;

	(void)argc;
	if (arg_null(args, 1))
		return datum_number(out, 0);
	if (ignore_case)
		find = text_upper(find, e->arena);
	for (i = 0; i < args[0].len; i++) {
		const struct value *v = datum_at(&args[0], i);
		struct sv s = v->text;
		bool hit;

		if (ignore_case)
			s = text_upper(s, e->arena);
		if (v->type == VALUE_REFERENCE)
			hit = dn_equal(v->text, arg_text(args, 1));
		else
			hit = !find.len ||
			      (s.len &&
			       memmem(s.ptr, s.len, find.ptr, find.len));
		if (hit)
			return datum_number(out, (int64_t)i + 1);
	}
	return datum_number(out, 0);
}

static int fn_count(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_number(out, (int64_t)args[0].len);
}

static int fn_item_or_null(struct eval *e, const struct datum *args,
			   size_t argc, struct datum *out)
{
	int64_t i = arg_number(args, 1);

	(void)e;
	(void)argc;
	if (i < 1 || i > (int64_t)args[0].len)
		return datum_null(out);
	return datum_set(out, *datum_at(&args[0], (size_t)i - 1));
}

static int fn_item(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	int64_t i = arg_number(args, 1);

	if (i < 1 || i > (int64_t)args[0].len)
		return call_fail(e,
				 "there is no value %lld, the list has %zu; "
				 "ItemOrNull(...) gives NULL",
				 (long long)i, args[0].len);
	return fn_item_or_null(e, args, argc, out);
}

static int fn_join(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv delimiter = argc > 1 ? arg_text(args, 1) : SV_LIT(" ");
	size_t i;

	for (i = 0; i < args[0].len; i++) {
		if (i)
			strbuf_addsv(&sb, delimiter);
		strbuf_addsv(&sb, datum_at(&args[0], i)->text);
	}
	return call_text(e, &sb, out);
}

/* ---- RemoveDuplicates ---- */

#define FEW 16

/* What makes a value the same as another one. */
struct keyed {
	struct sv key;
	size_t place;
	const struct value *value;
};

static struct sv key_of(const struct value *v, struct arena *arena)
{
	char *bytes;

	if (v->type == VALUE_STRING)
		return text_fold(v->text, arena);
	if (v->type == VALUE_BINARY)
		return v->text;
	if (v->type == VALUE_REFERENCE && !v->number)
		return dn_fold(v->text, arena);
	bytes = arena_alloc(arena, sizeof(v->number));
	memcpy(bytes, &v->number, sizeof(v->number));
	return sv_make(bytes, sizeof(v->number));
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a;
	const struct keyed *y = b;
	int order = sv_cmp(x->key, y->key);

	if (!order)
		order = (x->value->type > y->value->type) -
			(x->value->type < y->value->type);
	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Marks the first of each kind in `keep`, by sorting. */
static void keep_first(struct eval *e, const struct datum *list, bool *keep)
{
	struct keyed *keys = arena_array(e->arena, list->len, sizeof(*keys));
	size_t i;

	for (i = 0; i < list->len; i++) {
		keys[i].value = datum_at(list, i);
		keys[i].key = key_of(keys[i].value, e->arena);
		keys[i].place = i;
	}
	qsort(keys, list->len, sizeof(*keys), by_key);
	for (i = 0; i < list->len; i++)
		keep[keys[i].place] = i == 0 ||
				      keys[i].value->type !=
					      keys[i - 1].value->type ||
				      !sv_eq(keys[i].key, keys[i - 1].key);
}

static bool had(const struct list *list, const struct value *v)
{
	size_t i;

	for (i = 0; i < list->len; i++)
		if (values_equal(&list->at[i], v, false))
			return true;
	return false;
}

static int fn_remove_duplicates(struct eval *e, const struct datum *args,
				size_t argc, struct datum *out)
{
	struct list list = { NULL, 0, 0 };
	bool *keep = NULL;
	size_t i;

	(void)argc;
	if (args[0].len > FEW) {
		keep = arena_array(e->arena, args[0].len, sizeof(*keep));
		keep_first(e, &args[0], keep);
	}
	for (i = 0; i < args[0].len; i++) {
		const struct value *v = datum_at(&args[0], i);

		if (keep ? !keep[i] : had(&list, v))
			continue;
		if (list_add(e, &list, v) < 0)
			return -1;
	}
	datum_list(out, list.at, list.len);
	return 0;
}

static int fn_split(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	struct sv s = arg_text(args, 0);
	struct sv delimiter = arg_text(args, 1);
	int64_t limit = arg_number(args, 2);
	struct list list = { NULL, 0, 0 };
	struct value piece;
	const char *hit;

	(void)argc;
	if (!s.len)
		return datum_null(out);
	while ((limit <= 0 || (int64_t)list.len + 1 < limit) && s.len &&
	       (hit = memmem(s.ptr, s.len, delimiter.ptr, delimiter.len))) {
		size_t end = (size_t)(hit - s.ptr);

		piece = value_string(sv_sub(s, 0, end));
		if (list_add(e, &list, &piece) < 0)
			return -1;
		s = sv_sub(s, end + delimiter.len, s.len);
	}
	piece = value_string(s);
	if (list_add(e, &list, &piece) < 0)
		return -1;
	datum_list(out, list.at, list.len);
	return 0;
}

#define STRINGS(flags_)                                                        \
	{                                                                      \
		"values", KIND_STR, PARAM_LIST | (flags_)                      \
	}
#define VALUES(flags_)                                                         \
	{                                                                      \
		"values", KIND_VAR, PARAM_LIST | (flags_)                      \
	}

static const struct function MULTI[] = {
	{ .name = "Contains",
	  .result = KIND_NUM,
	  .params = { STRINGS(PARAM_NULL),
		      { "find", KIND_STR, PARAM_NULL },
		      { "compare", KIND_COMPARE,
			PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_contains,
	  .help = "number of the first value that contains the text, 0 when "
		  "none does; compares exactly unless CaseInsensitive is "
		  "given; a reference must be equal",
	  .example = "Contains(Split(\"smtp:b@x,SMTP:a@x\", \",\"), \"SMTP:\")",
	  .gives = "2" },
	{ .name = "Count",
	  .result = KIND_NUM,
	  .params = { VALUES(PARAM_NULL) },
	  .call = fn_count,
	  .help = "number of values",
	  .example = "Count(Split(\"a,b,c\", \",\"))",
	  .gives = "3" },
	{ .name = "Item",
	  .result = KIND_VAR,
	  .flags = FN_OF_ARG,
	  .params = { VALUES(PARAM_NULL), { "number", KIND_NUM, 0 } },
	  .call = fn_item,
	  .help = "the n-th value; an error when there is none",
	  .example = "Item(Split(\"a,b,c\", \",\"), 2)",
	  .gives = "b" },
	{ .name = "ItemOrNull",
	  .result = KIND_VAR,
	  .flags = FN_OF_ARG,
	  .params = { VALUES(PARAM_NULL), { "number", KIND_NUM, 0 } },
	  .call = fn_item_or_null,
	  .help = "the n-th value; NULL when there is none",
	  .example = "IsNull(ItemOrNull(Split(\"a,b,c\", \",\"), 4))",
	  .gives = "True" },
	{ .name = "Join",
	  .result = KIND_STR,
	  .params = { STRINGS(0),
		      { "delimiter", KIND_STR, PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_join,
	  .help = "one text of all values, a blank or the delimiter between "
		  "them",
	  .example = "Join(Split(\"a,b,c\", \",\"), \"; \")",
	  .gives = "a; b; c" },
	{ .name = "RemoveDuplicates",
	  .result = KIND_VAR,
	  .flags = FN_LIST | FN_OF_ARG,
	  .params = { VALUES(0) },
	  .call = fn_remove_duplicates,
	  .help = "each value once, the first of those that differ in case "
		  "only",
	  .example = "Join(RemoveDuplicates(Split(\"a,B,A,b\", \",\")), \",\")",
	  .gives = "a,B" },
	{ .name = "Split",
	  .result = KIND_STR,
	  .flags = FN_LIST,
	  .params = { { "text", KIND_STR, 0 },
		      { "delimiter", KIND_CHAR, 0 },
		      { "limit", KIND_NUM, PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_split,
	  .help = "the pieces between delimiters; with `limit` the last one "
		  "holds the rest",
	  .example = "Item(Split(\"a,b,c\", \",\", 2), 2)",
	  .gives = "b,c" },
	{ .name = "ValueCount",
	  .result = KIND_NUM,
	  .params = { { "\"attribute\"", KIND_STR, 0 } },
	  .special = SPECIAL_VALUE_COUNT,
	  .help = "number of values of the attribute named, without loading "
		  "them",
	  .example = "ValueCount(\"member\")",
	  .gives = "3" },
};

FAMILY(multi_family, "Lists", MULTI);
