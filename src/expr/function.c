/*
 * function.c - the table of functions: found by name, described for people
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

#include "base/text.h"

static const struct family *const FAMILIES[] = {
	&text_family,      &convert_family,     &test_family,  &date_family,
	&directory_family, &math_family,        &multi_family, &flow_family,
	&exchange_family,  &certificate_family, &mim_family,   NULL,
};

/* Spellings that stand in published samples. */
static const struct alias {
	const char *alias;
	const char *name;
} ALIASES[] = {
	{ "InstrRev", "InStrRev" },
	{ "GUID", "Guid" },
	{ "Random", "RandomNum" },
};

static const struct function *find(struct sv name)
{
	size_t f;
	size_t i;

	for (f = 0; FAMILIES[f]; f++)
		for (i = 0; i < FAMILIES[f]->count; i++)
			if (sv_eq_str(name, FAMILIES[f]->functions[i].name))
				return &FAMILIES[f]->functions[i];
	return NULL;
}

const struct function *function_find(struct sv name, const char **canonical_out)
{
	size_t i;

	*canonical_out = NULL;
	for (i = 0; i < sizeof(ALIASES) / sizeof(*ALIASES); i++) {
		if (!sv_eq_str(name, ALIASES[i].alias))
			continue;
		*canonical_out = ALIASES[i].name;
		return find(sv_from(ALIASES[i].name));
	}
	return find(name);
}

bool expr_is_reserved(struct sv name)
{
	static const char *const words[] = { "And", "Or", "Not" };
	const char *canonical;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sv_ieq_str(name, words[i]))
			return true;
	return function_find(name, &canonical) != NULL;
}

size_t expr_function_count(void)
{
	size_t count = 0;
	size_t f;

	for (f = 0; FAMILIES[f]; f++)
		count += FAMILIES[f]->count;
	return count;
}

static const struct function *function_at(size_t i, const char **family_out)
{
	size_t f;

	for (f = 0; i >= FAMILIES[f]->count; f++)
		i -= FAMILIES[f]->count;
	*family_out = FAMILIES[f]->name;
	return &FAMILIES[f]->functions[i];
}

void expr_function(size_t i, struct expr_function *out)
{
	const struct function *fn = function_at(i, &out->family);

	out->name = fn->name;
	out->help = fn->help;
	out->example = fn->example;
	out->gives = fn->gives;
}

#define NAMES_MAX 200

const char *function_nearest(struct sv name)
{
	const char *names[NAMES_MAX];
	size_t count = expr_function_count();
	const char *family;
	size_t i;

	if (count > NAMES_MAX)
		count = NAMES_MAX;
	for (i = 0; i < count; i++) {
		names[i] = function_at(i, &family)->name;
		if (sv_ieq_str(name, names[i]))
			return names[i];
	}
	return sv_nearest(name, names, count);
}

static size_t param_count(const struct function *fn)
{
	size_t count = 0;

	while (count < FN_PARAMS && fn->params[count].name)
		count++;
	return count;
}

const struct param *function_param(const struct function *fn, size_t i)
{
	size_t count;

	if (fn->special == SPECIAL_SWITCH)
		return &fn->params[i % 2];
	if (i < FN_PARAMS && fn->params[i].name)
		return &fn->params[i];
	count = param_count(fn);
	if (!(fn->flags & FN_REPEAT) || !count)
		return NULL;
	return &fn->params[count - 1];
}

size_t function_min_args(const struct function *fn)
{
	size_t count = param_count(fn);

	while (count && fn->params[count - 1].flags & PARAM_OPTIONAL)
		count--;
	return count;
}

/* ---- kinds of parameters ---- */

static bool compare_valid(struct sv text)
{
	return sv_ieq_str(text, "CaseInsensitive") ||
	       sv_ieq_str(text, "CaseSensitive") ||
	       sv_ieq_str(text, "vbTextCompare") ||
	       sv_ieq_str(text, "vbBinaryCompare");
}

static bool encoding_valid(struct sv text)
{
	return sv_ieq_str(text, "Unicode") || sv_ieq_str(text, "ASCII") ||
	       sv_ieq_str(text, "UTF8");
}

static bool dc_valid(struct sv text)
{
	return sv_ieq_str(text, "DC");
}

static bool char_valid(struct sv text)
{
	return text.len && text.len <= 4 && text_len(text) == 1;
}

static const struct {
	const char *show; /* in signatures */
	uint32_t types;
	const char *want; /* in messages */
	bool (*valid)(struct sv text);
} KINDS[] = {
	[KIND_STR] = { "str", TYPES_TEXT, "text", NULL },
	[KIND_REF] = { "ref", TYPES_TEXT, "a DN", NULL },
	[KIND_NUM] = { "num", TYPES_INTEGER, "a number", NULL },
	[KIND_BOOL] = { "bool", TYPES_BOOLEAN, "a boolean", NULL },
	[KIND_DATE] = { "dt", TYPES_DATETIME, "a date", NULL },
	[KIND_BIN] = { "bin", TYPES_BINARY, "bytes", NULL },
	[KIND_VAR] = { "var", TYPES_ANY, "a value", NULL },
	[KIND_STR_OR_NUM] = { "str|num", TYPES_TEXT | TYPES_INTEGER,
			      "text or a number", NULL },
	[KIND_STR_OR_DATE] = { "str|dt", TYPES_TEXT | TYPES_DATETIME,
			       "text or a date", NULL },
	[KIND_STR_OR_BIN] = { "str|bin", TYPES_TEXT | TYPES_BINARY,
			      "text or bytes", NULL },
	[KIND_TRUTH] = { "bool|num|str",
			 TYPES_BOOLEAN | TYPES_INTEGER | TYPES_TEXT,
			 "a boolean, a number or text", NULL },
	[KIND_CHAR] = { "str", TYPES_STRING, "one character", char_valid },
	[KIND_COMPARE] = { "enum", TYPES_STRING,
			   "CaseSensitive (vbBinaryCompare) or "
			   "CaseInsensitive (vbTextCompare)",
			   compare_valid },
	[KIND_ENCODING] = { "enum", TYPES_STRING, "Unicode, ASCII or UTF8",
			    encoding_valid },
	[KIND_DC] = { "enum", TYPES_STRING, "the word DC", dc_valid },
	[KIND_INTERVAL] = { "str", TYPES_STRING,
			    "one of yyyy q m y d w ww h n s", interval_valid },
	[KIND_PATTERN] = { "str", TYPES_STRING,
			   "a list of CHARACTER:REPLACEMENT with commas "
			   "between",
			   pattern_valid },
	[KIND_CERT_NAME] = { "str", TYPES_STRING,
			     "one of SimpleName EmailName UpnName DnsName "
			     "DnsFromAlternativeName UrlName",
			     cert_name_valid },
	[KIND_VARIABLE] = { "$name", TYPES_ANY, "a variable", NULL },
	[KIND_VOID] = { "void", 0, "nothing", NULL },
};

uint32_t kind_types(enum param_kind kind)
{
	return KINDS[kind].types;
}

const char *kind_want(enum param_kind kind)
{
	return KINDS[kind].want;
}

int kind_valid(enum param_kind kind, struct sv text)
{
	return !KINDS[kind].valid || KINDS[kind].valid(text);
}

const char *types_word(uint32_t types)
{
	static const struct {
		uint32_t types;
		const char *word;
	} words[] = {
		{ TYPES_STRING, "text" },
		{ TYPES_REFERENCE, "a reference" },
		{ TYPES_TEXT, "text" },
		{ TYPES_INTEGER, "a number" },
		{ TYPES_BOOLEAN, "a boolean" },
		{ TYPES_BINARY, "bytes" },
		{ TYPES_DATETIME, "a date" },
		{ TYPES_STRING | TYPES_INTEGER, "text or a number" },
		{ 0, "NULL" },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].types == types)
			return words[i].word;
	return "a value of another type";
}

const char *types_hint(uint32_t wanted, uint32_t given)
{
	static const struct {
		uint32_t wanted;
		uint32_t given;
		const char *hint;
	} hints[] = {
		{ TYPES_STRING, TYPES_INTEGER, "; CStr(...) makes text of it" },
		{ TYPES_STRING, TYPES_BOOLEAN, "; CStr(...) makes text of it" },
		{ TYPES_STRING, TYPES_DATETIME,
		  "; FormatDateTime(...) makes text of it" },
		{ TYPES_STRING, TYPES_BINARY,
		  "; ConvertToBase64(...) makes text of it" },
		{ TYPES_INTEGER, TYPES_STRING,
		  "; CNum(...) makes a number of it" },
		{ TYPES_INTEGER, TYPES_DATETIME,
		  "; NumFromDate(...) makes a number of it" },
		{ TYPES_DATETIME, TYPES_STRING,
		  "; CDate(...) makes a date of it" },
		{ TYPES_DATETIME, TYPES_INTEGER,
		  "; DateFromNum(...) makes a date of it" },
		{ TYPES_BOOLEAN, TYPES_STRING | TYPES_INTEGER,
		  "; CBool(...) makes a boolean of it" },
	};
	size_t i;

	for (i = 0; given && i < sizeof(hints) / sizeof(*hints); i++)
		if (wanted & hints[i].wanted && !(given & ~hints[i].given))
			return hints[i].hint;
	return "";
}

void expr_function_signature(size_t i, struct strbuf *out)
{
	const char *family;
	const struct function *fn = function_at(i, &family);
	size_t count = param_count(fn);
	size_t p;

	strbuf_addf(out, "%s%s %s(", fn->flags & FN_LIST ? "mv" : "",
		    KINDS[fn->result].show, fn->name);
	for (p = 0; p < count; p++) {
		const struct param *param = &fn->params[p];

		if (param->flags & PARAM_OPTIONAL)
			strbuf_adds(out, "[");
		if (p)
			strbuf_adds(out, ", ");
		if (param->kind != KIND_VARIABLE)
			strbuf_addf(out, "%s%s ",
				    param->flags & PARAM_LIST ? "mv" : "",
				    KINDS[param->kind].show);
		strbuf_adds(out, param->name);
		if (p + 1 == count && fn->flags & FN_REPEAT)
			strbuf_adds(out, ", ...");
	}
	for (p = 0; p < count; p++)
		if (fn->params[p].flags & PARAM_OPTIONAL)
			strbuf_adds(out, "]");
	strbuf_adds(out, ")");
}
