/*
 * text.c - functions of text
 *
 * Positions and lengths count characters (Unicode code points), from 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"

static int result_sv(struct eval *e, struct sv text, struct datum *out)
{
	if (eval_room(e, text.len) < 0)
		return -1;
	return datum_text(out, text);
}

int call_text(struct eval *e, struct strbuf *sb, struct datum *out)
{
	int ret = sb->overflow ? eval_room(e, SIZE_MAX) : eval_room(e, sb->len);

	if (ret == 0)
		ret = datum_text(out, arena_dup(e->arena, strbuf_sv(sb)));
	strbuf_release(sb);
	return ret;
}

int call_binary(struct eval *e, struct strbuf *sb, struct datum *out)
{
	int ret = call_text(e, sb, out);

	if (ret == 0)
		out->one.type = VALUE_BINARY;
	return ret;
}

/* ---- searching ---- */

static bool ignores_case(const struct datum *args, size_t i)
{
	struct sv how = arg_text(args, i);

	return sv_ieq_str(how, "vbTextCompare") ||
	       sv_ieq_str(how, "CaseInsensitive");
}

static int64_t position(struct sv s, size_t offset)
{
	return (int64_t)text_len(sv_sub(s, 0, offset)) + 1;
}

/* Case does not change the number of characters here, so positions hold. */
static void fold_both(struct eval *e, struct sv *a, struct sv *b)
{
	*a = text_upper(*a, e->arena);
	*b = text_upper(*b, e->arena);
}

static int fn_instr(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	struct sv s = arg_text(args, 0);
	struct sv find = arg_text(args, 1);
	int64_t start = arg_number(args, 2);
	const char *hit;
	size_t from;

	(void)argc;
	if (!s.len || arg_null(args, 1))
		return datum_number(out, 0);
	if (ignores_case(args, 3))
		fold_both(e, &s, &find);
	from = start > 1 ? text_offset(s, (size_t)start - 1) : 0;
	if (start > 1 && from == s.len)
		return datum_number(out, 0);
	hit = find.len ? memmem(s.ptr + from, s.len - from, find.ptr, find.len)
		       : s.ptr + from;
	return datum_number(out, hit ? position(s, (size_t)(hit - s.ptr)) : 0);
}

static int fn_instr_rev(struct eval *e, const struct datum *args, size_t argc,
			struct datum *out)
{
	struct sv s = arg_text(args, 0);
	struct sv find = arg_text(args, 1);
	int64_t start = arg_number(args, 2);
	size_t end;

	(void)argc;
	if (!s.len || arg_null(args, 1))
		return datum_number(out, 0);
	if (ignores_case(args, 3))
		fold_both(e, &s, &find);
	end = start > 0 ? text_offset(s, (size_t)start) : s.len;
	for (; end >= find.len; end--)
		if (sv_eq(sv_sub(s, end - find.len, end), find))
			return datum_number(out, position(s, end - find.len));
	return datum_number(out, 0);
}

/* ---- case ---- */

int fn_lcase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out)
{
	(void)argc;
	return result_sv(e, text_lower(arg_text(args, 0), e->arena), out);
}

int fn_ucase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out)
{
	(void)argc;
	return result_sv(e, text_upper(arg_text(args, 0), e->arena), out);
}

/* The first letter of each word between blanks is raised. */
int fn_pcase(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv s = text_lower(arg_text(args, 0), e->arena);
	bool raised = false;
	size_t at = 0;

	(void)argc;
	while (at < s.len) {
		size_t from = at;
		struct sv c;
		struct sv upper;

		(void)text_next(s, &at);
		c = sv_sub(s, from, at);
		if (c.ptr[0] == ' ')
			raised = false;
		upper = raised ? c : text_upper(c, e->arena);
		raised = raised || !sv_eq(upper, c);
		strbuf_addsv(&sb, upper);
	}
	return call_text(e, &sb, out);
}

/* ---- pieces ---- */

static int fn_left(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	struct sv s = arg_text(args, 0);
	int64_t n = arg_number(args, 1);

	(void)e;
	(void)argc;
	if (n >= 0)
		s = sv_sub(s, 0, text_offset(s, (size_t)n));
	return datum_text(out, s);
}

static int fn_right(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	struct sv s = arg_text(args, 0);
	int64_t n = arg_number(args, 1);
	int64_t len = (int64_t)text_len(s);

	(void)e;
	(void)argc;
	if (n >= 0 && n < len)
		s = sv_sub(s, text_offset(s, (size_t)(len - n)), s.len);
	return datum_text(out, s);
}

static int fn_mid(struct eval *e, const struct datum *args, size_t argc,
		  struct datum *out)
{
	struct sv s = arg_text(args, 0);
	int64_t start = arg_number(args, 1);
	int64_t n = arg_null(args, 2) ? INT64_MAX : arg_number(args, 2);
	size_t from;

	(void)e;
	(void)argc;
	if (n <= 0)
		return datum_text(out, SV_LIT(""));
	if (start <= 0)
		return datum_text(out, s);
	from = text_offset(s, (size_t)start - 1);
	if (from == s.len)
		return datum_text(out, s);
	s = sv_sub(s, from, s.len);
	return datum_text(out, sv_sub(s, 0, text_offset(s, (size_t)n)));
}

static int fn_len(struct eval *e, const struct datum *args, size_t argc,
		  struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_number(out, (int64_t)text_len(arg_text(args, 0)));
}

static bool delimits(struct sv delimiters, struct sv c)
{
	return delimiters.len &&
	       memmem(delimiters.ptr, delimiters.len, c.ptr, c.len);
}

static int fn_word(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	struct sv s = arg_text(args, 0);
	struct sv delimiters = arg_text(args, 2);
	int64_t left = arg_number(args, 1);
	size_t word = 0;
	size_t at = 0;

	(void)e;
	(void)argc;
	while (left > 0 && at < s.len) {
		size_t from = at;

		(void)text_next(s, &at);
		if (!delimits(delimiters, sv_sub(s, from, at)))
			continue;
		if (--left == 0)
			return datum_text(out, sv_sub(s, word, from));
		word = at;
	}
	if (left == 1)
		return datum_text(out, sv_sub(s, word, s.len));
	return datum_text(out, SV_LIT(""));
}

/* ---- blanks ---- */

static bool blank(int32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static struct sv trim_left(struct sv s)
{
	size_t at = 0;
	size_t next = 0;

	while (at < s.len && blank(text_next(s, &next)))
		at = next;
	return sv_sub(s, at, s.len);
}

static struct sv trim_right(struct sv s)
{
	while (s.len) {
		size_t at = s.len - 1;
		size_t next;

		while (at && ((unsigned char)s.ptr[at] & 0xC0) == 0x80)
			at--;
		next = at;
		if (!blank(text_next(s, &next)) || next != s.len)
			break;
		s.len = at;
	}
	return s;
}

static int fn_ltrim(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_text(out, trim_left(arg_text(args, 0)));
}

static int fn_rtrim(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_text(out, trim_right(arg_text(args, 0)));
}

static int fn_trim(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_text(out, trim_right(trim_left(arg_text(args, 0))));
}

/* ---- padding ---- */

/* The characters that are missing, or an empty text; -1: too many */
static int padding(struct eval *e, const struct datum *args, struct strbuf *sb)
{
	int64_t len = (int64_t)text_len(arg_text(args, 0));
	int64_t want = arg_number(args, 1);

	if (want > (int64_t)EXPR_RESULT_MAX)
		return eval_room(e, SIZE_MAX);
	for (; len < want; len++)
		strbuf_addsv(sb, arg_text(args, 2));
	return 0;
}

int fn_pad_left(struct eval *e, const struct datum *args, size_t argc,
		struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);

	(void)argc;
	if (arg_null(args, 0))
		return datum_text(out, SV_LIT(""));
	if (padding(e, args, &sb) < 0)
		return -1;
	strbuf_addsv(&sb, arg_text(args, 0));
	return call_text(e, &sb, out);
}

int fn_pad_right(struct eval *e, const struct datum *args, size_t argc,
		 struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);

	(void)argc;
	if (arg_null(args, 0))
		return datum_text(out, SV_LIT(""));
	strbuf_addsv(&sb, arg_text(args, 0));
	if (padding(e, args, &sb) < 0) {
		strbuf_release(&sb);
		return -1;
	}
	return call_text(e, &sb, out);
}

/* ---- replacing ---- */

/* The control character that \n, \r or \t stands for, or NUL. */
static char control_char(char letter)
{
	switch (letter) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

static struct sv control_chars(struct sv s, struct arena *arena)
{
	size_t len = 0;
	size_t i;
	char *text;

	if (sv_find(s, '\\', 0) == s.len)
		return s;
	text = arena_alloc(arena, s.len + 1);
	for (i = 0; i < s.len; i++) {
		char control = '\0';

		if (s.ptr[i] == '\\' && i + 1 < s.len)
			control = control_char(s.ptr[i + 1]);
		if (control)
			i++;
		text[len++] = (char)(control ? control : s.ptr[i]);
	}
	return sv_make(text, len);
}

int fn_replace(struct eval *e, const struct datum *args, size_t argc,
	       struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv s = arg_text(args, 0);
	struct sv old = control_chars(arg_text(args, 1), e->arena);
	struct sv new = control_chars(arg_text(args, 2), e->arena);
	const char *hit;

	(void)argc;
	if (!old.len)
		return datum_text(out, s);
	while ((hit = memmem(s.ptr, s.len, old.ptr, old.len))) {
		size_t before = (size_t)(hit - s.ptr);

		strbuf_add(&sb, s.ptr, before);
		strbuf_addsv(&sb, new);
		s = sv_sub(s, before + old.len, s.len);
	}
	strbuf_addsv(&sb, s);
	return call_text(e, &sb, out);
}

/* Cuts off the next "c:text" of a pattern: 1; 0: the end; -1: malformed */
static int pattern_next(struct sv *pattern, struct sv *from, struct sv *to)
{
	struct sv entry;
	size_t end;

	*pattern = trim_left(*pattern);
	if (!pattern->len)
		return 0;
	end = sv_find(*pattern, ',', 0);
	entry = trim_right(sv_sub(*pattern, 0, end));
	*pattern = sv_sub(*pattern, end + (end < pattern->len), pattern->len);
	end = sv_find(entry, ':', 0);
	if (end == entry.len)
		return -1;
	*from = trim_right(sv_sub(entry, 0, end));
	*to = trim_left(sv_sub(entry, end + 1, entry.len));
	if (sv_find(*to, ':', 0) != to->len)
		return -1;
	return text_len(*from) == 1 ? 1 : -1;
}

bool pattern_valid(struct sv pattern)
{
	struct sv from;
	struct sv to;
	int ret;

	while ((ret = pattern_next(&pattern, &from, &to)) > 0)
		;
	return ret == 0;
}

struct replacement {
	struct sv from;
	struct sv to;
};

/* White space inside a replacement does not count either. */
static struct sv without_blanks(struct sv s, struct arena *arena)
{
	char *text = arena_alloc(arena, s.len + 1);
	size_t len = 0;
	size_t at = 0;

	while (at < s.len) {
		size_t from = at;

		if (blank(text_next(s, &at)))
			continue;
		memcpy(text + len, s.ptr + from, at - from);
		len += at - from;
	}
	return sv_make(text, len);
}

static size_t pattern_read(struct eval *e, struct sv pattern,
			   struct replacement **out)
{
	size_t most = 1;
	size_t count = 0;
	size_t i;

	for (i = 0; i < pattern.len; i++)
		most += pattern.ptr[i] == ',';
	*out = arena_array(e->arena, most, sizeof(**out));
	while (pattern_next(&pattern, &(*out)[count].from, &(*out)[count].to) >
	       0) {
		(*out)[count].to = without_blanks((*out)[count].to, e->arena);
		if (++count == most)
			break;
	}
	return count;
}

static int fn_replace_chars(struct eval *e, const struct datum *args,
			    size_t argc, struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv s = arg_text(args, 0);
	struct replacement *entries;
	size_t count = pattern_read(e, arg_text(args, 1), &entries);
	size_t at = 0;

	(void)argc;
	while (at < s.len) {
		size_t from = at;
		struct sv c;
		size_t i;

		(void)text_next(s, &at);
		c = sv_sub(s, from, at);
		for (i = 0; i < count && !sv_eq(entries[i].from, c); i++)
			;
		strbuf_addsv(&sb, i < count ? entries[i].to : c);
	}
	return call_text(e, &sb, out);
}

#define S(name_)                                                               \
	{                                                                      \
		name_, KIND_STR, PARAM_NULL                                    \
	}
#define STRICT(name_)                                                          \
	{                                                                      \
		name_, KIND_STR, 0                                             \
	}

static const struct function TEXT[] = {
	{ .name = "InStr",
	  .result = KIND_NUM,
	  .params = { S("text"),
		      S("find"),
		      { "start", KIND_NUM, PARAM_OPTIONAL | PARAM_NULL },
		      { "compare", KIND_COMPARE,
			PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_instr,
	  .help = "position of the first occurrence, 0 when there is none; "
		  "compares exactly unless vbTextCompare is given",
	  .example = "InStr(\"The quick brown fox\", \"quick\")",
	  .gives = "5" },
	{ .name = "InStrRev",
	  .result = KIND_NUM,
	  .params = { S("text"),
		      S("find"),
		      { "start", KIND_NUM, PARAM_OPTIONAL | PARAM_NULL },
		      { "compare", KIND_COMPARE,
			PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_instr_rev,
	  .help = "position of the last occurrence, 0 when there is none; "
		  "with `start` among the first `start` characters",
	  .example = "InStrRev(\"abbcdbbbef\", \"bb\")",
	  .gives = "7" },
	{ .name = "LCase",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_lcase,
	  .help = "lower case",
	  .example = "LCase(\"TeSt\")",
	  .gives = "test" },
	{ .name = "UCase",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_ucase,
	  .help = "upper case",
	  .example = "UCase(\"TeSt\")",
	  .gives = "TEST" },
	{ .name = "PCase",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_pcase,
	  .help = "the first letter of each word between blanks upper case, "
		  "the rest lower case",
	  .example = "PCase(\"britta SIMON\")",
	  .gives = "Britta Simon" },
	{ .name = "Left",
	  .result = KIND_STR,
	  .params = { S("text"), { "count", KIND_NUM, 0 } },
	  .call = fn_left,
	  .help = "the first characters; all of them when `count` is negative "
		  "or larger than the text",
	  .example = "Left(\"John Doe\", 3)",
	  .gives = "Joh" },
	{ .name = "Right",
	  .result = KIND_STR,
	  .params = { S("text"), { "count", KIND_NUM, 0 } },
	  .call = fn_right,
	  .help = "the last characters; all of them when `count` is negative "
		  "or larger than the text",
	  .example = "Right(\"John Doe\", 3)",
	  .gives = "Doe" },
	{ .name = "Mid",
	  .result = KIND_STR,
	  .params = { S("text"),
		      { "start", KIND_NUM, 0 },
		      { "count", KIND_NUM, PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_mid,
	  .help = "characters from `start` on, all or `count` of them; the "
		  "whole text when `start` lies outside of it, nothing when "
		  "`count` is 0 or negative",
	  .example = "Mid(\"John Doe\", 3, 5)",
	  .gives = "hn Do" },
	{ .name = "Len",
	  .result = KIND_NUM,
	  .params = { S("text") },
	  .call = fn_len,
	  .help = "number of characters",
	  .example = "Len(\"John Doe\")",
	  .gives = "8" },
	{ .name = "LTrim",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_ltrim,
	  .help = "without white space at the beginning",
	  .example = "LTrim(\" Test \")",
	  .gives = "Test " },
	{ .name = "RTrim",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_rtrim,
	  .help = "without white space at the end",
	  .example = "RTrim(\" Test \")",
	  .gives = " Test" },
	{ .name = "Trim",
	  .result = KIND_STR,
	  .params = { STRICT("text") },
	  .call = fn_trim,
	  .help = "without white space at both ends",
	  .example = "Trim(\" Test \")",
	  .gives = "Test" },
	{ .name = "PadLeft",
	  .result = KIND_STR,
	  .params = { S("text"),
		      { "length", KIND_NUM, 0 },
		      { "character", KIND_CHAR, 0 } },
	  .call = fn_pad_left,
	  .help = "filled up at the left to `length` characters",
	  .example = "PadLeft(\"User\", 10, \"0\")",
	  .gives = "000000User" },
	{ .name = "PadRight",
	  .result = KIND_STR,
	  .params = { S("text"),
		      { "length", KIND_NUM, 0 },
		      { "character", KIND_CHAR, 0 } },
	  .call = fn_pad_right,
	  .help = "filled up at the right to `length` characters",
	  .example = "PadRight(\"User\", 10, \"0\")",
	  .gives = "User000000" },
	{ .name = "Replace",
	  .result = KIND_STR,
	  .params = { STRICT("text"), S("old"), S("new") },
	  .call = fn_replace,
	  .help = "every `old` replaced, case counts; \\n \\r \\t in `old` and "
		  "`new` are line feed, carriage return and tab",
	  .example = "Replace(\"a-b-c\", \"-\", \"+\")",
	  .gives = "a+b+c" },
	{ .name = "ReplaceChars",
	  .result = KIND_STR,
	  .params = { STRICT("text"), { "pattern", KIND_PATTERN, PARAM_NULL } },
	  .call = fn_replace_chars,
	  .help = "characters replaced by the pattern c:text,c:text,...; case "
		  "counts, blanks in the pattern do not",
	  .example = "ReplaceChars(\"R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s\", "
		     "\"\xc3\xa5:a, \xc3\xa4:a, \xc3\xb6:o\")",
	  .gives = "Raksmorgas" },
	{ .name = "Word",
	  .result = KIND_STR,
	  .params = { S("text"), { "number", KIND_NUM, 0 }, S("delimiters") },
	  .call = fn_word,
	  .help = "the n-th word; each character of `delimiters` separates, "
		  "two in a row have an empty word between them",
	  .example = "Word(\"This,string!has&many separators\", 3, \",!&#\")",
	  .gives = "has" },
};

FAMILY(text_family, "Text", TEXT);
