/*
 * convert.c - from one type to another, and from one spelling to another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hash.h"
#include "base/text.h"
#include "expr/expr_private.h"

#include <sodium.h>

static int fn_cbool(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	struct value result;

	(void)argc;
	if (arg_null(args, 0))
		return datum_boolean(out, false);
	if (args[0].one.type == VALUE_BOOLEAN ||
	    args[0].one.type == VALUE_INTEGER)
		return datum_boolean(out, args[0].one.number != 0);
	if (!args[0].one.text.len)
		return datum_boolean(out, false);
	if (!value_parse(VALUE_BOOLEAN, args[0].one.text, SV_NULL, &result))
		return call_fail(e, "'" SV_FMT "' is neither true nor false",
				 SV_ARG(args[0].one.text));
	return datum_set(out, result);
}

static int fn_cdate(struct eval *e, const struct datum *args, size_t argc,
		    struct datum *out)
{
	int64_t time;

	(void)argc;
	if (args[0].one.type == VALUE_DATETIME)
		return datum_set(out, args[0].one);
	if (!date_parse(args[0].one.text, &time))
		return call_fail(e, "'" SV_FMT "' is not a date",
				 SV_ARG(args[0].one.text));
	return datum_set(out, value_datetime(time));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes in the order of the text. */
bool guid_parse(struct sv text, unsigned char out[16])
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t digits = 0;
	size_t i;

	if (text.len == 38 && text.ptr[0] == '{' && text.ptr[37] == '}')
		text = sv_sub(text, 1, 37);
	if (text.len != 36)
		return false;
	for (i = 0; i < 36; i++) {
		int digit = hex_digit(text.ptr[i]);

		if (shape[i] == '-' ? text.ptr[i] != '-' : digit < 0)
			return false;
		if (shape[i] == '-')
			continue;
		if (digits % 2 == 0)
			out[digits / 2] = (unsigned char)(digit << 4);
		else
			out[digits / 2] |= (unsigned char)digit;
		digits++;
	}
	return true;
}

/* The first three fields have their bytes turned round in Windows. */
static void guid_swap(const unsigned char in[16], unsigned char out[16])
{
	static const unsigned char order[16] = { 3, 2, 1,  0,  5,  4,  7,  6,
						 8, 9, 10, 11, 12, 13, 14, 15 };
	size_t i;

	for (i = 0; i < 16; i++)
		out[i] = in[order[i]];
}

int fn_cguid(struct eval *e, const struct datum *args, size_t argc,
	     struct datum *out)
{
	unsigned char bytes[16];
	unsigned char *swapped;

	(void)argc;
	if (!guid_parse(args[0].one.text, bytes))
		return call_fail(e, "'" SV_FMT "' is not a GUID",
				 SV_ARG(args[0].one.text));
	swapped = arena_alloc(e->arena, 16);
	guid_swap(bytes, swapped);
	return datum_set(out, value_binary(sv_make((const char *)swapped, 16)));
}

static int fn_string_from_guid(struct eval *e, const struct datum *args,
			       size_t argc, struct datum *out)
{
	unsigned char bytes[16];
	char text[37];

	(void)argc;
	if (args[0].one.text.len != 16)
		return call_fail(e, "a GUID has 16 bytes, not %zu",
				 args[0].one.text.len);
	guid_swap((const unsigned char *)args[0].one.text.ptr, bytes);
	uuid_format(bytes, text);
	return datum_text(out, arena_dup(e->arena, sv_make(text, 36)));
}

static bool sid_valid(struct sv bytes)
{
	return bytes.len >= 8 && bytes.ptr[0] == 1 &&
	       (unsigned char)bytes.ptr[1] <= 15 &&
	       bytes.len == 8 + 4 * (size_t)(unsigned char)bytes.ptr[1];
}

static void sid_format(struct sv bytes, struct strbuf *sb)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;
	uint64_t authority = 0;
	size_t i;

	for (i = 2; i < 8; i++)
		authority = authority << 8 | p[i];
	strbuf_addf(sb, "S-1-%llu", (unsigned long long)authority);
	for (i = 8; i < bytes.len; i += 4)
		strbuf_addf(sb, "-%lu",
			    (unsigned long)p[i] | (unsigned long)p[i + 1] << 8 |
				    (unsigned long)p[i + 2] << 16 |
				    (unsigned long)p[i + 3] << 24);
}

int fn_string_from_sid(struct eval *e, const struct datum *args, size_t argc,
		       struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(1024);
	struct sv bytes = args[0].one.text;

	(void)argc;
	if (args[0].one.type != VALUE_BINARY &&
	    strbuf_add_unbase64(&sb, bytes)) {
		bytes = arena_dup(e->arena, strbuf_sv(&sb));
		strbuf_reset(&sb);
	}
	if (!sid_valid(bytes)) {
		strbuf_release(&sb);
		return call_fail(e, "these %zu bytes are not a SID",
				 args[0].one.text.len);
	}
	sid_format(bytes, &sb);
	return call_text(e, &sb, out);
}

static int fn_cnum(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	int64_t number;

	(void)argc;
	if (args[0].one.type == VALUE_INTEGER)
		return datum_set(out, args[0].one);
	if (!sv_to_i64(sv_trim(args[0].one.text), &number))
		return call_fail(e, "'" SV_FMT "' is not a whole number",
				 SV_ARG(args[0].one.text));
	return datum_number(out, number);
}

static int fn_cref(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	(void)e;
	(void)argc;
	if (args[0].one.type == VALUE_REFERENCE)
		return datum_set(out, args[0].one);
	if (!args[0].one.text.len)
		return datum_null(out);
	return datum_set(out, value_reference(0, args[0].one.text));
}

static int fn_cstr(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	const struct value *v = &args[0].one;

	(void)argc;
	if (v->type == VALUE_BOOLEAN)
		return datum_text(out,
				  v->number ? SV_LIT("True") : SV_LIT("False"));
	if (v->type == VALUE_BINARY && !text_is_utf8(v->text))
		return call_fail(e, "these bytes are not text; "
				    "ConvertToBase64(...) makes text of them");
	if (v->type == VALUE_REFERENCE && !v->text.len)
		return call_fail(e, "the reference has no name here");
	return datum_text(out, value_text(v, e->arena));
}

static int fn_cbin(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	uint64_t number = (uint64_t)arg_number(args, 0);
	int64_t count = arg_number(args, 1);
	char *bytes;
	int64_t i;

	(void)argc;
	if (count < 1 || count > 8)
		return call_fail(e, "1 to 8 bytes can be made, not %lld",
				 (long long)count);
	bytes = arena_alloc(e->arena, 8);
	for (i = 0; i < count; i++)
		bytes[i] = (char)(number >> (8 * i) & 0xff);
	return datum_set(out, value_binary(sv_make(bytes, (size_t)count)));
}

static int fn_thumbprint(struct eval *e, const struct datum *args, size_t argc,
			 struct datum *out)
{
	unsigned char *hash = arena_alloc(e->arena, crypto_hash_sha256_BYTES);
	struct sv bytes = args[0].one.text;

	(void)argc;
	(void)crypto_hash_sha256(hash, (const unsigned char *)bytes.ptr,
				 bytes.len);
	return datum_set(out, value_binary(sv_make((const char *)hash,
						   crypto_hash_sha256_BYTES)));
}

/* ---- encodings ---- */

static void add_utf16(struct strbuf *sb, int32_t unit)
{
	strbuf_addc(sb, (char)(unit & 0xff));
	strbuf_addc(sb, (char)(unit >> 8 & 0xff));
}

static void utf16_encode(struct sv text, struct strbuf *sb)
{
	size_t at = 0;

	while (at < text.len) {
		int32_t c = text_next(text, &at);

		if (c < 0x10000) {
			add_utf16(sb, c);
			continue;
		}
		c -= 0x10000;
		add_utf16(sb, 0xD800 | c >> 10);
		add_utf16(sb, 0xDC00 | (c & 0x3FF));
	}
}

static int32_t utf16_unit(struct sv bytes, size_t at)
{
	return (unsigned char)bytes.ptr[at] | (unsigned char)bytes.ptr[at + 1]
						      << 8;
}

static bool utf16_decode(struct sv bytes, struct strbuf *sb)
{
	size_t at;

	if (bytes.len % 2)
		return false;
	for (at = 0; at < bytes.len; at += 2) {
		int32_t c = utf16_unit(bytes, at);
		char text[4];
		size_t len;

		if (c >= 0xD800 && c < 0xDC00 && at + 2 < bytes.len) {
			int32_t low = utf16_unit(bytes, at + 2);

			if (low < 0xDC00 || low > 0xDFFF)
				return false;
			c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
			at += 2;
		} else if (c >= 0xD800 && c <= 0xDFFF) {
			return false;
		}
		len = text_put(c, text);
		strbuf_add(sb, text, len);
	}
	return true;
}

static bool ascii(struct sv s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] & 0x80)
			return false;
	return true;
}

static int fn_from_base64(struct eval *e, const struct datum *args, size_t argc,
			  struct datum *out)
{
	struct strbuf bytes = STRBUF_INIT(EXPR_RESULT_MAX);
	struct strbuf text = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv encoding = arg_text(args, 1);
	bool good = strbuf_add_unbase64(&bytes, args[0].one.text);
	const char *wrong = "base64";

	(void)argc;
	if (good && sv_ieq_str(encoding, "ASCII")) {
		wrong = "ASCII";
		good = ascii(strbuf_sv(&bytes));
		strbuf_addsv(&text, strbuf_sv(&bytes));
	} else if (good && sv_ieq_str(encoding, "UTF8")) {
		wrong = "UTF-8";
		good = text_is_utf8(strbuf_sv(&bytes));
		strbuf_addsv(&text, strbuf_sv(&bytes));
	} else if (good) {
		wrong = "UTF-16; say UTF8 when it is that";
		good = utf16_decode(strbuf_sv(&bytes), &text);
	}
	strbuf_release(&bytes);
	if (good)
		return call_text(e, &text, out);
	strbuf_release(&text);
	return call_fail(e, "this is not %s", wrong);
}

static int fn_to_base64(struct eval *e, const struct datum *args, size_t argc,
			struct datum *out)
{
	struct strbuf bytes = STRBUF_INIT(EXPR_RESULT_MAX);
	struct strbuf text = STRBUF_INIT(EXPR_RESULT_MAX);

	(void)argc;
	if (args[0].one.type == VALUE_BINARY)
		strbuf_addsv(&bytes, args[0].one.text);
	else
		utf16_encode(args[0].one.text, &bytes);
	text.overflow = bytes.overflow;
	strbuf_add_base64(&text, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return call_text(e, &text, out);
}

static int fn_to_utf8_hex(struct eval *e, const struct datum *args, size_t argc,
			  struct datum *out)
{
	static const char digits[] = "0123456789ABCDEF";
	struct sv s = args[0].one.text;
	char *text;
	size_t i;

	(void)argc;
	if (eval_room(e, s.len * 2) < 0)
		return -1;
	text = arena_alloc(e->arena, s.len * 2 + 1);
	for (i = 0; i < s.len; i++) {
		text[2 * i] = digits[(unsigned char)s.ptr[i] >> 4];
		text[2 * i + 1] = digits[s.ptr[i] & 15];
	}
	return datum_text(out, sv_make(text, s.len * 2));
}

static int fn_from_utf8_hex(struct eval *e, const struct datum *args,
			    size_t argc, struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);

	(void)argc;
	if (strbuf_add_unhex(&sb, args[0].one.text) &&
	    text_is_utf8(strbuf_sv(&sb)))
		return call_text(e, &sb, out);
	strbuf_release(&sb);
	return call_fail(e, "'" SV_FMT "' is not hexadecimal UTF-8",
			 SV_ARG(args[0].one.text));
}

static const struct function CONVERT[] = {
	{ .name = "CBool",
	  .result = KIND_BOOL,
	  .params = { { "value", KIND_TRUTH, PARAM_NULL } },
	  .call = fn_cbool,
	  .help = "True for a number that is not 0 and for the text true; "
		  "False for NULL",
	  .example = "CBool(BitAnd(514, 2))",
	  .gives = "True" },
	{ .name = "CDate",
	  .result = KIND_DATE,
	  .flags = FN_STEADY,
	  .params = { { "text", KIND_STR_OR_DATE, 0 } },
	  .call = fn_cdate,
	  .help = "a date, in UTC; without an offset it is UTC already",
	  .example = "CDate(\"2013-01-10 4:00 PM -8\")",
	  .gives = "2013-01-11T00:00:00Z" },
	{ .name = "CGuid",
	  .result = KIND_BIN,
	  .params = { { "text", KIND_STR, 0 } },
	  .call = fn_cguid,
	  .help = "the 16 bytes of a GUID, in the order that Windows keeps "
		  "them in",
	  .example = "ConvertToBase64(CGuid("
		     "\"{03020100-0504-0706-0809-0a0b0c0d0e0f}\"))",
	  .gives = "AAECAwQFBgcICQoLDA0ODw==" },
	{ .name = "CNum",
	  .result = KIND_NUM,
	  .params = { { "text", KIND_STR_OR_NUM, 0 } },
	  .call = fn_cnum,
	  .help = "a whole number",
	  .example = "CNum(\"42\")",
	  .gives = "42" },
	{ .name = "CRef",
	  .result = KIND_REF,
	  .params = { { "dn", KIND_REF, 0 } },
	  .call = fn_cref,
	  .help = "a reference to the object with this DN",
	  .example = "CRef(\"CN=Joe,DC=contoso,DC=com\")",
	  .gives = "CN=Joe,DC=contoso,DC=com" },
	{ .name = "CStr",
	  .result = KIND_STR,
	  .params = { { "value", KIND_VAR, 0 } },
	  .call = fn_cstr,
	  .help = "text: numbers in decimal, booleans as True and False, "
		  "references as their DN, dates in ISO 8601",
	  .example = "CStr(42)",
	  .gives = "42" },
	{ .name = "CBin",
	  .result = KIND_BIN,
	  .params = { { "number", KIND_NUM, 0 }, { "bytes", KIND_NUM, 0 } },
	  .call = fn_cbin,
	  .help = "a number as 1 to 8 bytes, lowest first",
	  .example = "ConvertToBase64(CBin(258, 4))",
	  .gives = "AgEAAA==" },
	{ .name = "ConvertFromBase64",
	  .result = KIND_STR,
	  .params = { { "text", KIND_STR, 0 },
		      { "encoding", KIND_ENCODING,
			PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_from_base64,
	  .help = "the text in base64; Unicode (UTF-16), ASCII or UTF8, "
		  "default Unicode",
	  .example = "ConvertFromBase64(\"SABlAGwAbABvACAAdwBvAHIAbABkACEA\")",
	  .gives = "Hello world!" },
	{ .name = "ConvertToBase64",
	  .result = KIND_STR,
	  .params = { { "value", KIND_STR_OR_BIN, 0 } },
	  .call = fn_to_base64,
	  .help = "base64 of bytes, or of text in UTF-16",
	  .example = "ConvertToBase64(\"Hello world!\")",
	  .gives = "SABlAGwAbABvACAAdwBvAHIAbABkACEA" },
	{ .name = "ConvertFromUTF8Hex",
	  .result = KIND_STR,
	  .params = { { "hex", KIND_STR, 0 } },
	  .call = fn_from_utf8_hex,
	  .help = "the text behind hexadecimal UTF-8",
	  .example = "ConvertFromUTF8Hex(\"48656C6C6F20776F726C6421\")",
	  .gives = "Hello world!" },
	{ .name = "ConvertToUTF8Hex",
	  .result = KIND_STR,
	  .params = { { "text", KIND_STR, 0 } },
	  .call = fn_to_utf8_hex,
	  .help = "UTF-8 in hexadecimal digits",
	  .example = "ConvertToUTF8Hex(\"Hello world!\")",
	  .gives = "48656C6C6F20776F726C6421" },
	{ .name = "StringFromGuid",
	  .result = KIND_STR,
	  .params = { { "bytes", KIND_BIN, 0 } },
	  .call = fn_string_from_guid,
	  .help = "a GUID as text, from its bytes as Windows keeps them",
	  .example = "StringFromGuid(CGuid("
		     "\"{03020100-0504-0706-0809-0A0B0C0D0E0F}\"))",
	  .gives = "03020100-0504-0706-0809-0a0b0c0d0e0f" },
	{ .name = "StringFromSid",
	  .result = KIND_STR,
	  .params = { { "bytes", KIND_STR_OR_BIN, 0 } },
	  .call = fn_string_from_sid,
	  .help = "a security identifier as text, from its bytes or their "
		  "base64",
	  .example = "StringFromSid(\"AQEAAAAAAAUKAAAA\")",
	  .gives = "S-1-5-10" },
	{ .name = "Thumbprint",
	  .result = KIND_BIN,
	  .params = { { "bytes", KIND_STR_OR_BIN, 0 } },
	  .call = fn_thumbprint,
	  .help = "the SHA-256 of bytes",
	  .example = "ConvertToBase64(Thumbprint(\"abc\"))",
	  .gives = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" },
};

FAMILY(convert_family, "Conversion", CONVERT);
