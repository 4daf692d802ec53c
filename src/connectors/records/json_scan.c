/*
 * json_scan.c - tokens of JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/json_scan.h"

#include "base/text.h"

#include <string.h>

static bool broken(struct json_scan *s, const char *error)
{
	if (!s->error)
		s->error = error;
	return false;
}

static int peek_byte(const struct json_scan *s)
{
	return s->at < s->text.len ? (unsigned char)s->text.ptr[s->at] : -1;
}

static void skip_blanks(struct json_scan *s)
{
	while (s->at < s->text.len &&
	       (s->text.ptr[s->at] == ' ' || s->text.ptr[s->at] == '\n' ||
		s->text.ptr[s->at] == '\r' || s->text.ptr[s->at] == '\t'))
		s->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

enum json_kind json_peek(struct json_scan *s)
{
	int c;

	if (s->error)
		return JSON_BROKEN;
	skip_blanks(s);
	c = peek_byte(s);
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 'n':
		return JSON_NULL;
	default:
		if (c == 't' || c == 'f' || c == '-' || is_digit(c))
			return JSON_WORD;
		(void)broken(s, c < 0 ? "it ends where a value should be"
				      : "no value begins like this");
		return JSON_BROKEN;
	}
}

/* --- numbers and words ------------------------------------------------- */

static size_t digits(struct sv text, size_t at)
{
	size_t from = at;

	while (at < text.len && is_digit((unsigned char)text.ptr[at]))
		at++;
	return at - from;
}

/* The length of the number that the text begins with, or 0. */
static size_t number_len(struct sv text)
{
	size_t at = text.len && text.ptr[0] == '-' ? 1 : 0;
	size_t n = digits(text, at);

	if (!n || (n > 1 && text.ptr[at] == '0'))
		return 0;
	at += n;
	if (at < text.len && text.ptr[at] == '.') {
		n = digits(text, at + 1);
		if (!n)
			return 0;
		at += n + 1;
	}
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		size_t sign = at + 1 < text.len && (text.ptr[at + 1] == '+' ||
						    text.ptr[at + 1] == '-');

		n = digits(text, at + 1 + sign);
		if (!n)
			return 0;
		at += n + 1 + sign;
	}
	return at;
}

static size_t word_len(struct sv text)
{
	static const struct sv words[] = { { "true", 4 },
					   { "false", 5 },
					   { "null", 4 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sv_starts(text, words[i]))
			return words[i].len;
	return number_len(text);
}

bool json_word(struct json_scan *s, struct sv *out)
{
	struct sv rest;
	size_t len;

	skip_blanks(s);
	rest = sv_sub(s->text, s->at, s->text.len);
	len = rest.len ? word_len(rest) : 0;
	if (!len)
		return broken(s, "neither a number nor true, false or null");
	*out = sv_sub(rest, 0, len);
	s->at += len;
	return true;
}

bool json_is_word(struct sv text)
{
	return text.len && text.ptr[0] != 'n' && word_len(text) == text.len;
}

/* --- strings ----------------------------------------------------------- */

/* The offset of the closing quote of the string whose quote is at `at`. */
static bool string_end(struct json_scan *s, size_t *end, bool *escapes)
{
	const char *text = s->text.ptr;
	size_t at = s->at + 1;

	*escapes = false;
	while (at < s->text.len && text[at] != '"') {
		if ((unsigned char)text[at] < 0x20) {
			s->at = at;
			return broken(s, "a control character in a string");
		}
		if (text[at] == '\\') {
			*escapes = true;
			at++;
		}
		at++;
	}
	if (at >= s->text.len)
		return broken(s, "a string that is not closed");
	*end = at;
	return true;
}

/* Four hex digits at `at`, or -1. */
static int32_t hex4(struct sv text, size_t at)
{
	int32_t value = 0;
	size_t i;

	if (at + 4 > text.len)
		return -1;
	for (i = at; i < at + 4; i++) {
		char c = text.ptr[i];
		int digit = is_digit(c)            ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* Decodes \uXXXX at *at (behind the u), or two of them. */
static bool unicode(struct sv text, size_t *at, struct strbuf *out)
{
	int32_t c = hex4(text, *at);
	char bytes[4];

	if (c < 0 || (c >= 0xDC00 && c < 0xE000))
		return false;
	*at += 4;
	if (c >= 0xD800 && c < 0xDC00) {
		int32_t low = -1;

		if (*at + 2 <= text.len && text.ptr[*at] == '\\' &&
		    text.ptr[*at + 1] == 'u')
			low = hex4(text, *at + 2);
		if (low < 0xDC00 || low >= 0xE000)
			return false;
		c = 0x10000 + (c - 0xD800) * 0x400 + (low - 0xDC00);
		*at += 6;
	}
	strbuf_add(out, bytes, text_put(c, bytes));
	return true;
}

/* `text` is what stands between the quotes; *at is where it is wrong. */
static bool unescape(struct sv text, struct strbuf *out, size_t *at)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";

	while (*at < text.len) {
		size_t next = sv_find(text, '\\', *at);
		const char *hit;

		strbuf_addsv(out, sv_sub(text, *at, next));
		*at = next;
		if (next == text.len)
			break;
		*at += 2;
		hit = strchr(from, text.ptr[next + 1]);
		if (text.ptr[next + 1] == 'u' ? !unicode(text, at, out)
					      : !hit || !*hit) {
			*at = next;
			return false;
		}
		if (text.ptr[next + 1] != 'u')
			strbuf_addc(out, to[hit - from]);
	}
	return true;
}

bool json_scan_string(struct json_scan *s, struct arena *arena, struct sv *out)
{
	struct strbuf decoded = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t wrong = 0;
	bool escapes;
	size_t end;
	bool ok;

	skip_blanks(s);
	if (peek_byte(s) != '"')
		return broken(s, "a string should be here");
	if (!string_end(s, &end, &escapes))
		return false;
	*out = sv_sub(s->text, s->at + 1, end);
	if (escapes) {
		ok = unescape(*out, &decoded, &wrong);
		*out = arena_dup(arena, strbuf_sv(&decoded));
		strbuf_release(&decoded);
		if (!ok) {
			s->at += 1 + wrong;
			return broken(s, "not an escape that JSON knows");
		}
	}
	s->at = end + 1;
	return true;
}

/* --- structure --------------------------------------------------------- */

bool json_enter(struct json_scan *s)
{
	uint64_t bit = (uint64_t)1 << (s->depth % JSON_DEPTH);

	if (s->depth == JSON_DEPTH)
		return broken(s, "values lie too deep in one another");
	s->objects = peek_byte(s) == '{' ? s->objects | bit : s->objects & ~bit;
	s->depth++;
	s->at++;
	return true;
}

bool json_more(struct json_scan *s, bool first)
{
	int close;
	int c;

	if (s->error)
		return false;
	close = s->objects >> (s->depth - 1) & 1 ? '}' : ']';
	skip_blanks(s);
	c = peek_byte(s);
	if (c == close) {
		s->at++;
		s->depth--;
		return false;
	}
	if (first)
		return true;
	if (c != ',')
		return broken(s, c < 0 ? "it ends before it is closed"
				       : "a comma or the end should be here");
	s->at++;
	return true;
}

bool json_member(struct json_scan *s, struct arena *arena, struct sv *out)
{
	if (!json_scan_string(s, arena, out))
		return false;
	skip_blanks(s);
	if (peek_byte(s) != ':')
		return broken(s, "a colon should be here");
	s->at++;
	return true;
}

static bool skip_members(struct json_scan *s, bool object)
{
	struct arena none = ARENA_INIT;
	bool first = true;
	struct sv name;

	if (!json_enter(s))
		return false;
	while (json_more(s, first)) {
		first = false;
		if ((object && !json_member(s, &none, &name)) || !json_skip(s))
			break;
	}
	arena_release(&none);
	return !s->error;
}

bool json_skip(struct json_scan *s)
{
	struct arena none = ARENA_INIT;
	struct sv text;
	bool ok = false;

	switch (json_peek(s)) {
	case JSON_OBJECT:
		return skip_members(s, true);
	case JSON_ARRAY:
		return skip_members(s, false);
	case JSON_STRING:
		ok = json_scan_string(s, &none, &text);
		arena_release(&none);
		return ok;
	case JSON_WORD:
	case JSON_NULL:
		return json_word(s, &text);
	case JSON_BROKEN:
		break;
	}
	return false;
}

bool json_end(struct json_scan *s)
{
	if (s->error)
		return false;
	skip_blanks(s);
	if (s->at < s->text.len)
		return broken(s, "something stands behind the end");
	return true;
}

void json_add_string(struct strbuf *out, struct sv text)
{
	size_t i;

	strbuf_addc(out, '"');
	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c == '\n')
			strbuf_adds(out, "\\n");
		else if (c == '\t')
			strbuf_adds(out, "\\t");
		else if (c < 0x20)
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}
