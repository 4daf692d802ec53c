/*
 * test_language.c - grammar, types, NULL, lists taken value by value, limits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void numbers_and_order(void **state)
{
	(void)state;
	gives("2+3*4", "20");
	gives("2*(5+3)", "16");
	gives("2*5+3", "13");
	gives("10-2-3", "5");
	gives("-5+2", "-3");
	gives("-(2+3)", "-5");
	gives("&HFF", "255");
	gives("0xff", "255");
	gives("-&H10", "-16");
	gives("&HFFFFFFFFFFFFFFFF", "-1");
	gives("-9223372036854775808", "-9223372036854775808");
	gives("9223372036854775807 + 1",
	      "error: 9223372036854775807 + 1: the result does not fit into "
	      "64 bits");
	gives("9223372036854775808", "0: the number does not fit into 64 bits");
	gives("&H", "0: after &H come 1 to 16 hexadecimal digits");
	gives("&H11111111111111111",
	      "0: after &H come 1 to 16 hexadecimal digits");
	says("1.5", "0: numbers are whole");
	says("5x", "0: a letter stands in a number");
}

static void logic_order(void **state)
{
	(void)state;
	/* && binds more tightly than || */
	gives("True || False && False", "True");
	gives("(True || False) && False", "False");
	gives("1 = 1 && 2 = 3 || 4 > 3", "True");
	gives("1 + 1 = 2", "True");
	gives("\"a\" & \"b\" = \"ab\"", "True");
	gives("IsPresent(\"\") = False || False", "True");
	/* the right side is not evaluated */
	gives("False && Error(\"x\") = \"\"", "False");
	gives("True || Error(\"x\") = \"\"", "True");
	says("True && Error(\"x\") = \"\"", "error: x");
	says("1 = 1 = True", "6: comparisons do not chain");
}

static void white_space(void **state)
{
	(void)state;
	gives(" \n\tIIF ( True ,\n\"a\" , \"b\" )\r\n", "a");
	has("a", VALUE_STRING, "x");
	gives("[a]&\"@\"&%Domain.FQDN%", "x@sales.fabrikam.com");
}

static void strings(void **state)
{
	(void)state;
	gives("\"\"", "");
	gives("\"say \"\"hi\"\"\"", "say \"hi\"");
	gives("\"\\\\0ACNF:\"", "\\0ACNF:");
	gives("\"a\\nb\"", "a\\nb");
	gives("CRLF", "\r\n");
	gives("\"a", "0: the text that begins here has no end quote");
	gives("\"\xc3\xa4\"", "\xc3\xa4");
	gives("\"\xff\"", "1: this is not UTF-8");
	says("\xe2\x80\x9c"
	     "a\xe2\x80\x9d",
	     "0: write text in straight quotes");
	says("'a'", "0: write text in double quotes");
}

static void names(void **state)
{
	(void)state;
	has("First Name", VALUE_STRING, "Ann");
	has("mail", VALUE_STRING, "m");
	gives("[First Name]", "Ann");
	gives("[first name]", "Ann");
	gives("[maill]", "0: no attribute 'maill'; did you mean 'mail'");
	gives("[x1y2z3]", "0: no attribute 'x1y2z3'");
	gives("\"a\" & [", "6: the name that begins here has no ']'");
	gives("[]", "0: a name is missing here");
	gives("%Nope%",
	      "0: no parameter 'Nope'; parameters stand in conjoin.yaml");
	gives("trim([mail])", "0: unknown function 'trim'; did you mean Trim");
	gives("Trimm([mail])",
	      "0: unknown function 'Trimm'; did you mean Trim");
	gives("Xyzzyplugh(1)", "0: unknown function 'Xyzzyplugh'");
	gives("mail & \"x\"",
	      "0: an attribute is written in square brackets: [mail]");
	gives("first name", "0: a name with blanks is written '[first name]', "
			    "a text { value: first name }");
	gives("null", "0: no word 'null'; did you mean NULL");
	says("Abrakadabra", "0: no word 'Abrakadabra'; text is written "
			    "\"Abrakadabra\"");
	gives("true", "True");
	gives("$x", "0: no variable '$x'; Select, Where and With make "
		    "variables");
	gives("$n", "2");
}

static void aliases(void **state)
{
	(void)state;
	gives("InstrRev(\"aXa\", \"a\")", "3");
	assert_string_equal(warnings, "0: 'InstrRev' is written InStrRev\n");
	gives("Len(GUID())", "36");
	assert_string_equal(warnings, "4: 'GUID' is written Guid\n");
	gives("Random(7, 7)", "7");
	assert_string_equal(warnings, "0: 'Random' is written RandomNum\n");
}

static void syntax_problems(void **state)
{
	(void)state;
	has("a", VALUE_STRING, "x");
	gives("", "0: the expression is empty");
	gives("  ", "0: the expression is empty");
	says("1 +", "3: the expression ends where a value is expected");
	says("(1", "0: the bracket opened here is not closed");
	says("Trim([a]", "4: the bracket opened here is not closed");
	says("1)", "1: ')' closes no bracket");
	says("[a] [a]", "4: an operator is missing");
	says("[a] and [a]", "4: 'and' is written &&");
	says("[a] == [a]", "4: equal is written =");
	says("[a] != [a]", "4: not equal is written <>");
	says("!True", "0: not is written");
	says("6 / 2", "2: there is no division");
	says("Trim([a] [a])", "9: ',' or ')' expected");
	says("Left([a],)", "9: ')'");
	says("1 + * 2", "4: unexpected '*'");
	says("\"a\" & \xc3\xa4", "6: unexpected '\xc3\xa4'");
}

static void counts_of_arguments(void **state)
{
	(void)state;
	gives("Left(\"a\")", "0: Left takes 2 arguments, 1 given");
	gives("Left(\"a\", 1, 2)", "0: Left takes 2 arguments, 3 given");
	gives("Mid(\"a\")", "0: Mid takes at least 2 arguments, 1 given");
	gives("Mid(\"a\", 1, 2, 3)",
	      "0: Mid takes at most 3 arguments, 4 given");
	gives("\"x\" & Now(1)", "6: Now takes 0 arguments, 1 given");
	gives("Switch(True)", "0: Switch takes at least 2 arguments, 1 given");
	gives("Switch(True, 1, False)",
	      "0: Switch takes pairs of a condition and a value, 3 arguments "
	      "given");
	says("Select([a], 1, 2)", "7: Select begins with a variable");
	says("With($x, 1)", "With takes 3 arguments");
	says("With($x, 1, 2, 3)", "With takes 3 arguments, 4 given");
}

static void types_when_compiled(void **state)
{
	(void)state;
	has("text", VALUE_STRING, "a");
	has("number", VALUE_INTEGER, "1");
	has("flag", VALUE_BOOLEAN, "true");
	has("when", VALUE_DATETIME, "2020-01-01");
	has("bytes", VALUE_BINARY, "00");
	gives("Left([number], 1)",
	      "5: argument 1 of Left must be text, this is a number; CStr(...) "
	      "makes text of it");
	gives("Left([text], [text])",
	      "13: argument 2 of Left must be a number, this is text; "
	      "CNum(...) makes a number of it");
	gives("\"x\" & [number]",
	      "6: & joins text, this is a number; CStr(...) makes text of it");
	gives("[number] * [flag]", "11: * takes numbers, this is a boolean");
	gives("-[text]", "1: - takes numbers, this is text; CNum(...) makes a "
			 "number of it");
	gives("[text] + [number]",
	      "9: + cannot add text and a number; CStr(...) makes text of a "
	      "number");
	gives("[number] = \"1\"",
	      "11: a number cannot be compared with text; CNum(...) makes a "
	      "number of it");
	says("[flag] < True", "0: booleans have no order");
	says("[text] && True", "0: a condition must be a boolean, this is "
			       "text");
	says("IIF([number], 1, 2)", "4: argument 1 of IIF must be a boolean");
	says("Switch(True, 1, [text], 2)",
	     "16: argument 3 of Switch must be a boolean");
	says("FormatDateTime([text], \"yyyy\")", "CDate(...) makes a date");
	says("DateAdd(\"x\", 1, [when])",
	     "8: argument 1 of DateAdd must be one of yyyy q m y d w ww h n "
	     "s, not 'x'");
	says("PadLeft([text], 5, \"ab\")",
	     "19: argument 3 of PadLeft must be one character, not 'ab'");
	says("PadLeft([text], 5, NULL)",
	     "19: argument 3 of PadLeft cannot be NULL");
	says("InStr([text], \"a\", 1, \"x\")", "CaseSensitive");
	says("ReplaceChars([text], \"ab:c\")",
	     "21: argument 2 of ReplaceChars must be a list");
	says("Len([bytes])", "ConvertToBase64");
	says("ImportedValue([text])",
	     "14: argument 1 of ImportedValue is the name of an attribute, in "
	     "quotes");
	says("Lookup(\"nope\", \"a\", \"b\")", "7: no table 'nope'");
	says("Lookup(\"countries\", \"a\", \"b\")",
	     "25: table 'countries' has no column 'b'");
}

static void types_when_evaluated(void **state)
{
	(void)state;
	has("x", VALUE_STRING, "a")->attr.type = VALUE_NULL;
	has("n", VALUE_INTEGER, "5")->attr.type = VALUE_NULL;
	gives("Left([n], 1)",
	      "error: Left([n], 1): argument 1 must be text, this is a number; "
	      "CStr(...) makes text of it");
	gives("\"x\" & [n]", "error: [n]: text is joined, this is a number; "
			     "CStr(...) makes text of it");
	gives("[x] * 2", "error: [x] * 2: * takes numbers, this is text; "
			 "CNum(...) makes a number of it");
	gives("[x] = [n]", "error: [x] = [n]: text cannot be compared with a "
			   "number; CStr(...) makes text of it");
	says("[n] && True", "a condition must be a boolean, this is a number");
	gives("[n] + 1", "6");
	gives("[x] + \"b\"", "ab");
	gives("PadLeft(\"a\", 3, [x] & [x])",
	      "error: PadLeft(\"a\", 3, [x] & [x]): argument 3 must be one "
	      "character, not 'aa'");
}

static void nulls(void **state)
{
	(void)state;
	has("gone", VALUE_STRING, NULL);
	has("none", VALUE_INTEGER, NULL);
	has("empty", VALUE_STRING, "");
	has("a", VALUE_STRING, "a");
	gives("[gone]", "NULL");
	gives("[gone] & \"x\" & [gone]", "x");
	gives("[none] + 1", "NULL");
	gives("[gone] + \"x\"", "x");
	gives("[gone] = \"x\"", "False");
	gives("[gone] <> \"x\"", "True");
	gives("[none] < 1", "False");
	gives("[none] >= 1", "False");
	gives("[gone] = [gone]", "False");
	gives("[gone] = NULL", "True");
	gives("NULL = [gone]", "True");
	gives("[gone] <> NULL", "False");
	gives("[a] = NULL", "False");
	gives("[a] <> Null()", "True");
	gives("[empty] = NULL", "False");
	gives("IIF(NULL, 1, 2)", "2");
	gives("Not(NULL)", "True");
	gives("NULL || True", "True");
	gives("NULL && True", "False");
	gives("NULL", "NULL");
	gives("AuthoritativeNull", "AuthoritativeNull");
	gives("IgnoreThisFlow", "IgnoreThisFlow");
	gives("Trim(IIF(True, IgnoreThisFlow, [a]))", "IgnoreThisFlow");
	gives("\"x\" & IIF(True, AuthoritativeNull, [a])", "AuthoritativeNull");
	gives("IsNull(IgnoreThisFlow)", "True");
}

static void comparisons(void **state)
{
	(void)state;
	has("name", VALUE_STRING, "Smith");
	has("id", VALUE_STRING, "AbC")->attr.match = MATCH_EXACT;
	has("dn", VALUE_REFERENCE, "CN=Ann, OU=Staff,DC=x");
	has("t", VALUE_DATETIME, "2020-01-01");
	has("b", VALUE_BINARY, "0a");
	gives("[name] = \"SMITH\"", "True");
	gives("[name] <> \"SMITH\"", "False");
	gives("\"STRASSE\" = \"stra\xc3\x9f"
	      "e\"",
	      "True");
	gives("[id] = \"abc\"", "False");
	gives("\"abc\" = [id]", "False");
	gives("[id] = \"AbC\"", "True");
	gives("With($x, [id], $x = \"abc\")", "False");
	gives("Item([id], 1) = \"abc\"", "False");
	gives("[name] < \"tiger\"", "True");
	gives("\"b\" > \"A\"", "True");
	gives("[dn] = \"cn=ann,ou=staff,dc=X\"", "True");
	gives("[dn] = CRef(\"cn=bob,ou=staff,dc=X\")", "False");
	gives("[t] = CDate(\"2020-01-01\")", "True");
	gives("[t] < Now()", "True");
	gives("[b] = [b]", "True");
	gives("True = True", "True");
	gives("True <> False", "True");
	gives("Eq([name], \"smith\")", "True");
	gives("And(True, Or(False, Not(False)), True)", "True");
	gives("LessThanOrEquals(2, 2)", "True");
}

static void variables(void **state)
{
	(void)state;
	has_multi("p", VALUE_STRING, "a|b|c");
	gives("Select($x, [p], $x & $x)", "aa | bb | cc");
	gives("Where($x, [p], $x <> \"b\")", "a | c");
	gives("Where($x, [p], $x = \"z\")", "NULL");
	gives("With($x, 2, With($y, 3, $x * $y))", "6");
	gives("With($x, 2, With($x, $x + 1, $x))", "3");
	gives("Select($x, [p], Join(Select($y, [p], $x & $y), \"\"))",
	      "aaabac | babbbc | cacbcc");
	gives("Select($x, [p], IIF($x = \"b\", NULL, $x))", "a | c");
	gives("Select($x, [p], IIF($x = \"b\", IgnoreThisFlow, $x))",
	      "IgnoreThisFlow");
	gives("Select($n, [p], UCase($n))", "A | B | C");
	says("Select($x, $x, 1)", "11: no variable '$x'");
	says("With($x, 1, 2) & $x", "no variable '$x'");
	says("Select($x, [p], $x + 1)", "+ cannot add text and a number");
}

static void value_by_value(void **state)
{
	(void)state;
	has_multi("p", VALUE_STRING, "sip:x|SMTP:a|smtp:b");
	has_multi("q", VALUE_STRING, "1|2");
	has_multi("one", VALUE_STRING, "only");
	has("s", VALUE_STRING, "!");
	gives("[p]", "sip:x | SMTP:a | smtp:b");
	gives("UCase([p])", "SIP:X | SMTP:A | SMTP:B");
	gives("[p] & [s]", "sip:x! | SMTP:a! | smtp:b!");
	gives("[one] & [s]", "only!");
	gives("IIF(InStr([p], \"SIP:\", 1, vbTextCompare) = 1, NULL, [p])",
	      "SMTP:a | smtp:b");
	gives("IIF(IsPresent([s]), [p], NULL)", "sip:x | SMTP:a | smtp:b");
	gives("IIF(Left([p], 1) = \"s\", Error(\"no: \" & [p]), [p])",
	      "error: no: sip:x");
	gives("Count([p])", "3");
	gives("Count(Word([p], 2, \":\"))", "3");
	gives("Join(Word([p], 2, \":\"), \",\")", "x,a,b");
	/* within a part the attribute is the value, in a list argument whole */
	gives("[p] & CStr(Count([p]))", "sip:x3 | SMTP:a3 | smtp:b3");
	gives("Len([p]) & \"\"", "0: & joins text, this is a number; CStr(...) "
				 "makes text of it");
	gives("IIF(IsPresent([p]), Left([p], 1), \"\")", "s | S | s");
	/* lists that functions make are taken by the next function */
	gives("Trim(Split(\" a, b\", \",\"))", "a | b");
	gives("\"<\" & Split(\"a,b\", \",\") & \">\"", "<a> | <b>");
	gives("With($x, [p], LCase($x))", "sip:x | smtp:a | smtp:b");
	gives("%Suffixes% & \"!\"", "@corp.com! | @x!");
	says("Split(\"a,b\", \",\") & Split(\"c,d\", \",\")",
	     "two operands have several values");
	gives("Select($x, [p], $x & \"-\" & [s])",
	      "sip:x-! | SMTP:a-! | smtp:b-!");
	gives("IIF([p] = \"sip:x\", IgnoreThisFlow, [p])", "IgnoreThisFlow");
	gives("IIF([p] <> \"\", AuthoritativeNull, [p])", "AuthoritativeNull");
	gives("[p] = NULL", "False");
}

static void two_lists(void **state)
{
	struct sample *s;

	(void)state;
	has_multi("p", VALUE_STRING, "a|b");
	has_multi("q", VALUE_STRING, "1|2");
	s = has("given", VALUE_STRING, "Ann|Anna");
	s->attr.multi = false;
	s->attr.schema_multi = true;
	s = has("sn", VALUE_STRING, "Smith");
	s->attr.schema_multi = true;
	s = has("also", VALUE_STRING, "x|y");
	s->attr.multi = false;
	s->attr.schema_multi = true;
	says("[p] & [q]", "6: [p] and [q] both have several values here");
	gives("[p] & Join([q], \"\")", "a12 | b12");
	gives("[given] & \" \" & [sn]", "Ann Smith | Anna Smith");
	says("[given] & [also]", "error: [given] & [also]: ");
	says("[given] & [also]", "2 values and ");
}

static void conditions(void **state)
{
	static const struct {
		const char *text;
		int expected; /* 1, 0, or -1: an error */
	} cases[] = {
		{ "[flag]", 1 },        { "[gone]", 0 },
		{ "NULL", 0 },          { "IgnoreThisFlow", 0 },
		{ "[p] <> \"z\"", 1 },  { "[p] = \"z\"", 0 },
		{ "[p] = \"a\"", -1 },  { "1 + 1", -1 },
		{ "Error(\"x\")", -1 },
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	has("flag", VALUE_BOOLEAN, "true");
	has("gone", VALUE_BOOLEAN, NULL);
	has_multi("p", VALUE_STRING, "a|b");
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct expr_message problem;
		struct error err = ERROR_INIT;
		struct expr_scope scope;
		struct expr_env env;
		struct expr *expr;
		bool result = false;
		int ret;

		scope_fill(&scope);
		env_fill(&env);
		assert_int_equal(expr_compile(sv_from(cases[i].text), &scope,
					      &arena, &expr, &problem, NULL,
					      NULL),
				 0);
		ret = expr_eval_condition(expr, &env, &arena, &result, &err);
		assert_int_equal(ret < 0 ? -1 : result, cases[i].expected);
	}
	arena_release(&arena);
}

static void permissions(void **state)
{
	uint32_t all = allow;

	(void)state;
	has_view(EXPR_VIEW_CURRENT, "a", VALUE_STRING, "c");
	has_view(EXPR_VIEW_METAVERSE, "a", VALUE_STRING, "m");
	gives("Current(\"a\") & Metaverse(\"a\")", "cm");
	allow = 0;
	says("Current(\"a\")", "0: Current is known only in outbound rules");
	says("Metaverse(\"a\")", "0: Metaverse is known only in `resolve`");
	says("ImportedValue(\"a\")", "0: ImportedValue is known only");
	says("$n", "0: $n counts the candidates");
	says("RandomPassword(9)", "0: RandomPassword is known only");
	gives("Len(Guid())", "36");
	assert_non_null(strstr(warnings, "4: Guid yields something else"));
	allow = all;
	gives("Len(Guid())", "36");
	assert_string_equal(warnings, "");
}

static void rules(void **state)
{
	(void)state;
	has("mail", VALUE_STRING, "m@x");
	has("Company", VALUE_STRING, "c");
	has("cert;binary", VALUE_BINARY, "0a");
	rule_gives("mail", "m@x");
	rule_gives(" mail\n", "m@x");
	rule_gives("cert;binary", "0a");
	rule_gives("true", "True");
	rule_gives("false", "False");
	rule_gives("42", "42");
	rule_gives("-7", "-7");
	rule_gives("UCase([mail])", "M@X");
	rule_gives("Contoso",
		   "0: no attribute 'Contoso'; for the text write { value: "
		   "Contoso }");
	rule_gives("  Compny",
		   "2: no attribute 'Compny'; did you mean 'Company'; for the "
		   "text write { value: Compny }");
	rule_gives("AuthoritativeNull", "AuthoritativeNull");
	rule_gives("", "0: the expression is empty");
}

static struct sv repeated(const char *before, const char *piece, size_t count,
			  const char *after)
{
	struct strbuf sb = STRBUF_INIT((size_t)1 << 20);
	struct sv text;

	strbuf_adds(&sb, before);
	while (count--)
		strbuf_adds(&sb, piece);
	strbuf_adds(&sb, after);
	text = arena_dup(&sample_arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return text;
}

static void limits(void **state)
{
	struct sv deep = repeated("", "(", 127, "1");
	struct sv text = repeated(deep.ptr, ")", 127, "");

	(void)state;
	gives_sv(text, false, "1");
	deep = repeated("", "(", 128, "1");
	text = repeated(deep.ptr, ")", 128, "");
	gives_sv(text, false, "128: nested deeper than 128 levels");
	gives_sv(repeated("1", "+1", 32767, ""), false, "32768");
	gives_sv(repeated("1", "+1", 32768, ""), false,
		 "65536: the expression is longer than 64 KiB");
	gives_sv(repeated("True", "&&True", 10000, ""), false, "True");
	says("PadLeft(\"a\", 999999999999, \"x\")",
	     "a value would be longer than 16 MiB");
	says("Len(Replace(PadLeft(\"a\", 1000000, \"a\"), \"a\", "
	     "PadLeft(\"b\", 1000, \"b\")))",
	     "a value would be longer than 16 MiB");
	says("Count(Split(PadLeft(\"a\", 1000001, \",\"), \",\"))",
	     "a list would have more than 1000000 values");
	gives("Count(Split(PadLeft(\"a\", 1000000, \",\"), \",\"))", "1000000");
	has_multi("p", VALUE_STRING, "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16");
	says("Count(Select($a,[p],Select($b,[p],Select($c,[p],Select($d,[p],"
	     "Where($e,[p],Count(Where($f,[p],Count(Where($g,[p],"
	     "Count(Where($h,[p],False))>0))>0))>0))))))",
	     "the expression took more than");
}

static void read_name(void *data, enum expr_view view, uint32_t id)
{
	(void)snprintf((char *)data + strlen(data), 20, "%d:%u ", (int)view,
		       (unsigned)id);
}

static struct expr *compiled(const char *text, struct arena *arena)
{
	struct expr_message problem;
	struct expr_scope scope;
	struct expr *expr;

	scope_fill(&scope);
	assert_int_equal(expr_compile(sv_from(text), &scope, arena, &expr,
				      &problem, NULL, NULL),
			 0);
	return expr;
}

static void what_it_tells(void **state)
{
	struct arena arena = ARENA_INIT;
	struct value two[2] = { value_integer(1), value_integer(2) };
	struct values values = { two, 2 };
	struct expr_result result;
	struct expr_env env;
	struct expr *expr;
	char reads[200] = "";
	uint32_t id = 0;

	(void)state;
	env_fill(&env);
	has("a", VALUE_STRING, "x");
	has_multi("p", VALUE_INTEGER, "1|2");
	has_view(EXPR_VIEW_CURRENT, "a", VALUE_STRING, "x");
	has("u", VALUE_STRING, "x")->attr.type = VALUE_NULL;
	expr = compiled("[A]", &arena);
	assert_int_equal(expr_is_attr(expr, &id), 1);
	assert_int_equal(id, 1);
	assert_int_equal(expr_type(expr), VALUE_STRING);
	assert_false(expr_multi(expr));
	assert_true(sv_eq_str(expr_source(expr), "[A]"));
	expr = compiled("IIF([a] = Current(\"a\"), [p], ValueCount(\"p\"))",
			&arena);
	assert_int_equal(expr_is_attr(expr, NULL), 0);
	assert_int_equal(expr_type(expr), VALUE_INTEGER);
	assert_true(expr_multi(expr));
	expr_reads(expr, read_name, reads);
	assert_string_equal(reads, "0:2 2:3 0:1 ");
	assert_int_equal(expr_is_attr(compiled("Current(\"a\")", &arena), &id),
			 0);
	assert_int_equal(expr_type(compiled("[u]", &arena)), VALUE_NULL);
	assert_int_equal(expr_type(compiled("IIF(True, [u], 1)", &arena)),
			 VALUE_NULL);
	assert_int_equal(expr_type(compiled("IIF(True, NULL, 1)", &arena)),
			 VALUE_INTEGER);
	assert_int_equal(expr_type(compiled("[p] > 1", &arena)), VALUE_BOOLEAN);
	assert_true(expr_multi(compiled("[p] > 1", &arena)));
	assert_false(expr_multi(compiled("Count([p]) > 1", &arena)));
	assert_false(expr_multi(compiled("Item([p], 1)", &arena)));
	assert_true(expr_multi(compiled("Split([a], \",\")", &arena)));
	assert_true(expr_uses_now(compiled("Now()", &arena)));
	assert_false(expr_uses_now(compiled("[a]", &arena)));
	assert_true(expr_uses_counter(compiled("$n", &arena)));
	assert_true(expr_unstable(compiled("Guid()", &arena)));
	assert_false(expr_unstable(compiled("[a]", &arena)));
	expr = expr_constant(&values, &arena);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, NULL), 0);
	assert_int_equal(result.values.len, 2);
	assert_true(result.multi);
	assert_int_equal(expr_type(expr), VALUE_INTEGER);
	values.len = 0;
	expr = expr_constant(&values, &arena);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, NULL), 0);
	assert_int_equal(result.kind, EXPR_NULL);
	arena_release(&arena);
}

/* A plain read borrows; what is not needed is not read. */
static void reads_little(void **state)
{
	struct arena arena = ARENA_INIT;
	struct expr_result result;
	struct expr_env env;

	(void)state;
	env_fill(&env);
	has("a", VALUE_STRING, "x");
	has("b", VALUE_STRING, "y");
	assert_int_equal(
		expr_eval(compiled("[a]", &arena), &env, &arena, &result, NULL),
		0);
	assert_ptr_equal(result.values.at, samples[0].values.at);
	reads_made = 0;
	assert_int_equal(
		expr_eval(compiled("IIF(IsPresent([a]), [a], [b])", &arena),
			  &env, &arena, &result, NULL),
		0);
	assert_int_equal(reads_made, 2);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(numbers_and_order),
		CASE(logic_order),
		CASE(white_space),
		CASE(strings),
		CASE(names),
		CASE(aliases),
		CASE(syntax_problems),
		CASE(counts_of_arguments),
		CASE(types_when_compiled),
		CASE(types_when_evaluated),
		CASE(nulls),
		CASE(comparisons),
		CASE(variables),
		CASE(value_by_value),
		CASE(two_lists),
		CASE(conditions),
		CASE(permissions),
		CASE(rules),
		CASE(limits),
		CASE(what_it_tells),
		CASE(reads_little),
	};

	return cmocka_run_group_tests(tests, NULL, release_all);
}
