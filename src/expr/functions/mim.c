/*
 * mim.c - the names that the functions have in the FIM and MIM portal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

static int fn_concatenate(struct eval *e, const struct datum *args, size_t argc,
			  struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	size_t i;

	for (i = 0; i < argc; i++)
		strbuf_addsv(&sb, arg_text(args, i));
	return call_text(e, &sb, out);
}

static int fn_crlf(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	(void)e;
	(void)args;
	(void)argc;
	return datum_text(out, SV_LIT("\r\n"));
}

static int fn_date_time_format(struct eval *e, const struct datum *args,
			       size_t argc, struct datum *out)
{
	int64_t time = arg_number(args, 0);

	(void)argc;
	if (args[0].one.type != VALUE_DATETIME &&
	    !date_parse(args[0].one.text, &time))
		return call_fail(e, "'" SV_FMT "' is not a date",
				 SV_ARG(args[0].one.text));
	return date_format(e, time, arg_text(args, 1), out);
}

#define TEXT_PARAM                                                             \
	{                                                                      \
		"text", KIND_STR, 0                                            \
	}
#define TEXT_OR_NULL                                                           \
	{                                                                      \
		"text", KIND_STR, PARAM_NULL                                   \
	}
#define PAD                                                                    \
	TEXT_OR_NULL, { "length", KIND_NUM, 0 },                               \
	{                                                                      \
		"character", KIND_CHAR, 0                                      \
	}
#define OPERAND(name_)                                                         \
	{                                                                      \
		name_, KIND_VAR, PARAM_NULL                                    \
	}
#define CONDITION(name_)                                                       \
	{                                                                      \
		name_, KIND_BOOL, PARAM_NULL                                   \
	}
#define COMPARISON(name_, op_, help_, example_, gives_)                        \
	{                                                                      \
		.name = (name_), .result = KIND_BOOL,                          \
		.special = SPECIAL_COMPARE, .op = (op_),                       \
		.params = { OPERAND("a"), OPERAND("b") }, .help = (help_),     \
		.example = (example_), .gives = (gives_)                       \
	}

static const struct function MIM[] = {
	{ .name = "Concatenate",
	  .result = KIND_STR,
	  .flags = FN_REPEAT,
	  .params = { TEXT_OR_NULL },
	  .call = fn_concatenate,
	  .help = "the texts joined, as &",
	  .example = "Concatenate(\"a\", \"b\", \"c\")",
	  .gives = "abc" },
	{ .name = "UpperCase",
	  .result = KIND_STR,
	  .params = { TEXT_PARAM },
	  .call = fn_ucase,
	  .help = "as UCase",
	  .example = "UpperCase(\"TeSt\")",
	  .gives = "TEST" },
	{ .name = "LowerCase",
	  .result = KIND_STR,
	  .params = { TEXT_PARAM },
	  .call = fn_lcase,
	  .help = "as LCase",
	  .example = "LowerCase(\"TeSt\")",
	  .gives = "test" },
	{ .name = "ProperCase",
	  .result = KIND_STR,
	  .params = { TEXT_PARAM },
	  .call = fn_pcase,
	  .help = "as PCase",
	  .example = "ProperCase(\"$TEsT\")",
	  .gives = "$Test" },
	{ .name = "LeftPad",
	  .result = KIND_STR,
	  .params = { PAD },
	  .call = fn_pad_left,
	  .help = "as PadLeft",
	  .example = "LeftPad(\"User\", 10, \"0\")",
	  .gives = "000000User" },
	{ .name = "RightPad",
	  .result = KIND_STR,
	  .params = { PAD },
	  .call = fn_pad_right,
	  .help = "as PadRight",
	  .example = "RightPad(\"User\", 10, \"0\")",
	  .gives = "User000000" },
	{ .name = "ReplaceString",
	  .result = KIND_STR,
	  .params = { TEXT_PARAM,
		      { "old", KIND_STR, PARAM_NULL },
		      { "new", KIND_STR, PARAM_NULL } },
	  .call = fn_replace,
	  .help = "as Replace",
	  .example = "ReplaceString(\"a-b\", \"-\", \"+\")",
	  .gives = "a+b" },
	{ .name = "DateTimeFormat",
	  .result = KIND_STR,
	  .params = { { "date", KIND_STR_OR_DATE, 0 },
		      { "format", KIND_STR, 0 } },
	  .call = fn_date_time_format,
	  .help = "as FormatDateTime, of a date given as text",
	  .example = "DateTimeFormat(\"12/25/2007\", \"yyyy-MM-dd\")",
	  .gives = "2007-12-25" },
	{ .name = "ConvertSidToString",
	  .result = KIND_STR,
	  .params = { { "bytes", KIND_STR_OR_BIN, 0 } },
	  .call = fn_string_from_sid,
	  .help = "as StringFromSid",
	  .example = "ConvertSidToString(\"AQEAAAAAAAUKAAAA\")",
	  .gives = "S-1-5-10" },
	{ .name = "ConvertStringToGuid",
	  .result = KIND_BIN,
	  .params = { TEXT_PARAM },
	  .call = fn_cguid,
	  .help = "as CGuid",
	  .example = "ConvertToBase64(ConvertStringToGuid("
		     "\"03020100-0504-0706-0809-0a0b0c0d0e0f\"))",
	  .gives = "AAECAwQFBgcICQoLDA0ODw==" },
	{ .name = "CRLF",
	  .result = KIND_STR,
	  .call = fn_crlf,
	  .help = "carriage return and line feed, as the word CRLF",
	  .example = "Len(CRLF())",
	  .gives = "2" },
	{ .name = "Null",
	  .result = KIND_VOID,
	  .special = SPECIAL_NULL,
	  .help = "as the word NULL",
	  .example = "IsNull(Null())",
	  .gives = "True" },
	COMPARISON("Eq", OP_EQ, "as =", "Eq(\"a\", \"A\")", "True"),
	COMPARISON("NotEquals", OP_NE, "as <>", "NotEquals(\"a\", \"b\")",
		   "True"),
	COMPARISON("LessThan", OP_LT, "as <", "LessThan(1, 2)", "True"),
	COMPARISON("LessThanOrEquals", OP_LE, "as <=", "LessThanOrEquals(2, 2)",
		   "True"),
	COMPARISON("GreaterThan", OP_GT, "as >", "GreaterThan(2, 1)", "True"),
	COMPARISON("GreaterThanOrEquals", OP_GE,
		   "as >=", "GreaterThanOrEquals(2, 2)", "True"),
	{ .name = "And",
	  .result = KIND_BOOL,
	  .flags = FN_REPEAT,
	  .special = SPECIAL_AND,
	  .params = { CONDITION("a"), CONDITION("b") },
	  .help = "as &&",
	  .example = "And(1 < 2, 2 < 3)",
	  .gives = "True" },
	{ .name = "Or",
	  .result = KIND_BOOL,
	  .flags = FN_REPEAT,
	  .special = SPECIAL_OR,
	  .params = { CONDITION("a"), CONDITION("b") },
	  .help = "as ||",
	  .example = "Or(1 > 2, 2 < 3)",
	  .gives = "True" },
};

FAMILY(mim_family, "Names of the MIM portal", MIM);
