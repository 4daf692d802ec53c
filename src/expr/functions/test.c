/*
 * test.c - functions that ask what a value is
 *
 * They take lists whole: a list is what all its values are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

static bool all(const struct datum *d, bool (*is)(const struct value *v))
{
	size_t i;

	for (i = 0; i < d->len; i++)
		if (!is(datum_at(d, i)))
			return false;
	return d->len > 0;
}

static int fn_is_null(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, arg_null(args, 0));
}

static int fn_is_present(struct eval *e, const struct datum *args, size_t argc,
			 struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, datum_present(&args[0]));
}

static int fn_is_null_or_empty(struct eval *e, const struct datum *args,
			       size_t argc, struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, !datum_present(&args[0]));
}

static int fn_is_empty(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out,
			     !arg_null(args, 0) && !datum_present(&args[0]));
}

static bool is_date(const struct value *v)
{
	int64_t time;

	return v->type == VALUE_DATETIME ||
	       (v->type == VALUE_STRING && date_parse(v->text, &time));
}

static bool is_guid(const struct value *v)
{
	unsigned char bytes[16];

	return v->type == VALUE_STRING && guid_parse(v->text, bytes);
}

static bool is_numeric(const struct value *v)
{
	int64_t number;

	return v->type == VALUE_INTEGER ||
	       (v->type == VALUE_STRING &&
		sv_to_i64(sv_trim(v->text), &number));
}

static bool is_string(const struct value *v)
{
	return v->type == VALUE_STRING || v->type == VALUE_REFERENCE;
}

static int fn_is_date(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, all(&args[0], is_date));
}

static int fn_is_guid(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, all(&args[0], is_guid));
}

static int fn_is_numeric(struct eval *e, const struct datum *args, size_t argc,
			 struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, all(&args[0], is_numeric));
}

static int fn_is_string(struct eval *e, const struct datum *args, size_t argc,
			struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out, all(&args[0], is_string));
}

static int fn_is_bit_set(struct eval *e, const struct datum *args, size_t argc,
			 struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_boolean(out,
			     (arg_number(args, 0) & arg_number(args, 1)) != 0);
}

#define ANY                                                                    \
	{                                                                      \
		"value", KIND_VAR, PARAM_WHOLE | PARAM_NULL                    \
	}

static const struct function TEST[] = {
	{ .name = "IsBitSet",
	  .result = KIND_BOOL,
	  .params = { { "value", KIND_NUM, PARAM_NULL },
		      { "flag", KIND_NUM, 0 } },
	  .call = fn_is_bit_set,
	  .help = "value AND flag is not 0",
	  .example = "IsBitSet(&HF, 4)",
	  .gives = "True" },
	{ .name = "IsDate",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_date,
	  .help = "CDate would read it",
	  .example = "IsDate(\"12/25/2007\")",
	  .gives = "True" },
	{ .name = "IsEmpty",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_empty,
	  .help = "there is a value, and it is the empty text",
	  .example = "IsEmpty(\"\")",
	  .gives = "True" },
	{ .name = "IsGuid",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_guid,
	  .help = "CGuid would read it",
	  .example = "IsGuid(\"{03020100-0504-0706-0809-0a0b0c0d0e0f}\")",
	  .gives = "True" },
	{ .name = "IsNull",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_null,
	  .help = "there is no value",
	  .example = "IsNull(NULL)",
	  .gives = "True" },
	{ .name = "IsNullOrEmpty",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_null_or_empty,
	  .help = "there is no value, or it is the empty text",
	  .example = "IsNullOrEmpty(\"\")",
	  .gives = "True" },
	{ .name = "IsNumeric",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_numeric,
	  .help = "CNum would read it",
	  .example = "IsNumeric(\"42\")",
	  .gives = "True" },
	{ .name = "IsPresent",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_present,
	  .help = "there is a value that is not the empty text",
	  .example = "IsPresent(\"x\")",
	  .gives = "True" },
	{ .name = "IsString",
	  .result = KIND_BOOL,
	  .params = { ANY },
	  .call = fn_is_string,
	  .help = "it is text or a reference",
	  .example = "IsString(42)",
	  .gives = "False" },
};

FAMILY(test_family, "Evaluation", TEST);
