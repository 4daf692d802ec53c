/*
 * text.c - UTF-8 on utf8proc, with a fast way for plain ASCII
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include <string.h>
#include <utf8proc.h>

static utf8proc_ssize_t read_char(struct sv s, size_t at, int32_t *out)
{
	return utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + at,
				(utf8proc_ssize_t)(s.len - at), out);
}

static size_t ascii_prefix(struct sv s)
{
	size_t i = 0;

	while (i + 8 <= s.len) {
		uint64_t word;

		memcpy(&word, s.ptr + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
		i += 8;
	}
	while (i < s.len && !((unsigned char)s.ptr[i] & 0x80))
		i++;
	return i;
}

size_t text_valid_prefix(struct sv s)
{
	size_t at = ascii_prefix(s);

	while (at < s.len) {
		int32_t c;
		utf8proc_ssize_t n;

		if (!((unsigned char)s.ptr[at] & 0x80)) {
			at++;
			continue;
		}
		n = read_char(s, at, &c);
		if (n <= 0)
			return at;
		at += (size_t)n;
	}
	return s.len;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (uint64_t)(c))

/* Eight characters of ASCII at a time: the letters from `from` on change their
 * case, which is one bit. */
static uint64_t map_word(uint64_t word, char from)
{
	uint64_t not_below = word + EACH_BYTE(0x80 - from);
	uint64_t above = word + EACH_BYTE(0x7f - (from + 25));

	return word ^ ((not_below & ~above & EACH_BYTE(0x80)) >> 2);
}

/* 'A': to lower case; 'a': to upper case. */
static struct sv ascii_map(struct sv s, struct arena *arena, char from)
{
	char *out = arena_alloc(arena, s.len + 1);
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.ptr + i, sizeof(word));
		word = map_word(word, from);
		memcpy(out + i, &word, sizeof(word));
	}
	word = 0;
	if (i < s.len)
		memcpy(&word, s.ptr + i, s.len - i);
	word = map_word(word, from);
	if (i < s.len)
		memcpy(out + i, &word, s.len - i);
	out[s.len] = '\0';
	return sv_make(out, s.len);
}

static struct sv map_points(struct sv s, utf8proc_option_t options,
			    struct arena *arena)
{
	/* mostly there are no more of them than bytes */
	utf8proc_ssize_t room = (utf8proc_ssize_t)s.len;
	utf8proc_ssize_t written;
	utf8proc_ssize_t n;
	int32_t *points;

	points = arena_alloc(arena, ((size_t)room + 1) * sizeof(*points));
	n = utf8proc_decompose((const utf8proc_uint8_t *)s.ptr,
			       (utf8proc_ssize_t)s.len, points, room, options);
	if (n > room) {
		room = n;
		points = arena_alloc(arena,
				     ((size_t)room + 1) * sizeof(*points));
		n = utf8proc_decompose((const utf8proc_uint8_t *)s.ptr,
				       (utf8proc_ssize_t)s.len, points, room,
				       options);
	}
	if (n < 0 || n > room)
		return arena_dup(arena, s);
	/* encodes in place: UTF-8 is never longer than 32-bit code points */
	written = utf8proc_reencode(points, n, options);
	if (written < 0)
		return arena_dup(arena, s);
	return sv_make((char *)points, (size_t)written);
}

struct sv text_fold(struct sv s, struct arena *arena)
{
	if (ascii_prefix(s) == s.len)
		return ascii_map(s, arena, 'A');
	return map_points(
		s, UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE | UTF8PROC_STABLE,
		arena);
}

struct sv text_normalise(struct sv s, enum text_form form, struct arena *arena)
{
	static const utf8proc_option_t options[] = {
		[TEXT_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
		[TEXT_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
		[TEXT_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE |
			      UTF8PROC_COMPAT,
		[TEXT_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
			      UTF8PROC_COMPAT,
	};

	if (ascii_prefix(s) == s.len)
		return arena_dup(arena, s);
	return map_points(s, options[form], arena);
}

static bool ascii_ieq(struct sv a, struct sv b)
{
	return sv_ieq(a, b);
}

bool text_ieq(struct sv a, struct sv b)
{
	struct arena scratch = ARENA_INIT;
	bool equal;

	if (sv_eq(a, b))
		return true;
	if (ascii_prefix(a) == a.len && ascii_prefix(b) == b.len)
		return ascii_ieq(a, b);
	equal = sv_eq(text_fold(a, &scratch), text_fold(b, &scratch));
	arena_release(&scratch);
	return equal;
}

int text_icmp(struct sv a, struct sv b)
{
	struct arena scratch = ARENA_INIT;
	int order = sv_cmp(text_fold(a, &scratch), text_fold(b, &scratch));

	arena_release(&scratch);
	return order;
}

static struct sv map_chars(struct sv s, struct arena *arena,
			   int32_t (*change)(int32_t))
{
	char *out = arena_alloc(arena, s.len * 4 + 1);
	size_t at = 0;
	size_t len = 0;

	while (at < s.len) {
		int32_t c;
		utf8proc_ssize_t n = read_char(s, at, &c);

		if (n <= 0) {
			out[len++] = s.ptr[at++];
			continue;
		}
		at += (size_t)n;
		len += text_put(change(c), out + len);
	}
	out[len] = '\0';
	return sv_make(out, len);
}

static int32_t lower_char(int32_t c)
{
	return utf8proc_tolower(c);
}

static int32_t upper_char(int32_t c)
{
	/* the library makes a capital sharp s, Unicode's mapping does not */
	return c == 0xDF ? c : utf8proc_toupper(c);
}

struct sv text_lower(struct sv s, struct arena *arena)
{
	if (ascii_prefix(s) == s.len)
		return ascii_map(s, arena, 'A');
	return map_chars(s, arena, lower_char);
}

struct sv text_upper(struct sv s, struct arena *arena)
{
	if (ascii_prefix(s) == s.len)
		return ascii_map(s, arena, 'a');
	return map_chars(s, arena, upper_char);
}

int32_t text_next(struct sv s, size_t *at)
{
	int32_t c;
	utf8proc_ssize_t n = read_char(s, *at, &c);

	if (n <= 0) {
		(*at)++;
		return 0xFFFD;
	}
	*at += (size_t)n;
	return c;
}

size_t text_len(struct sv s)
{
	size_t n = 0;
	size_t at = 0;

	for (;;) {
		size_t plain = ascii_prefix(sv_sub(s, at, s.len));

		at += plain;
		n += plain;
		if (at >= s.len)
			return n;
		(void)text_next(s, &at);
		n++;
	}
}

size_t text_width(struct sv s)
{
	size_t at = ascii_prefix(s);
	size_t n = at;

	while (at < s.len) {
		int width = utf8proc_charwidth(text_next(s, &at));

		n += width > 0 ? (size_t)width : 0;
	}
	return n;
}

size_t text_offset(struct sv s, size_t n)
{
	size_t at = 0;

	for (;;) {
		size_t most = n < s.len - at ? at + n : s.len;
		size_t plain = ascii_prefix(sv_sub(s, at, most));

		at += plain;
		n -= plain;
		if (!n || at >= s.len)
			return at;
		(void)text_next(s, &at);
		n--;
	}
}

size_t text_put(int32_t c, char *out)
{
	return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}
