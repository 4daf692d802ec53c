/*
 * dn.c - split, compare and escape distinguished names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/dn.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) - 'a' + 10;
}

/* Where the part that begins at `from` ends: at an unescaped `a` or `b`. */
static size_t part_end(struct sv s, size_t from, char a, char b)
{
	bool quoted = false;
	size_t i;

	for (i = from; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\' && i + 1 < s.len)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == a || c == b))
			return i;
	}
	return s.len;
}

static bool type_valid(struct sv type)
{
	size_t i;

	if (!type.len)
		return false;
	for (i = 0; i < type.len; i++) {
		char c = type.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool digit = c >= '0' && c <= '9';

		if (!letter && !digit && c != '-' && c != '.' && c != '_')
			return false;
	}
	return true;
}

static bool escapes_valid(struct sv value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		if (value.ptr[i] != '\\')
			continue;
		if (i + 1 >= value.len)
			return false;
		if (hex(value.ptr[i + 1])) {
			if (i + 2 >= value.len || !hex(value.ptr[i + 2]))
				return false;
			i++;
		}
		i++;
	}
	return true;
}

/* An odd number of backslashes stands before the last character. */
static bool last_escaped(struct sv s)
{
	size_t at = s.len - 1;
	bool escaped = false;

	while (at && s.ptr[--at] == '\\')
		escaped = !escaped;
	return escaped;
}

/* Trimmed at the end, but not of an escaped blank. */
static struct sv trim_value(struct sv s)
{
	while (s.len && s.ptr[0] == ' ') {
		s.ptr++;
		s.len--;
	}
	while (s.len && s.ptr[s.len - 1] == ' ' && !last_escaped(s))
		s.len--;
	return s;
}

/* One "type=value". */
static int split_pair(struct sv pair, struct sv *type, struct sv *value)
{
	size_t eq = sv_find(pair, '=', 0);

	if (eq == pair.len)
		return 0;
	*type = sv_trim(sv_sub(pair, 0, eq));
	*value = trim_value(sv_sub(pair, eq + 1, pair.len));
	return type_valid(*type) && escapes_valid(*value);
}

static int rdn_valid(struct sv rdn)
{
	size_t from = 0;

	while (from <= rdn.len) {
		size_t end = part_end(rdn, from, '+', '+');
		struct sv type;
		struct sv value;

		if (!split_pair(sv_sub(rdn, from, end), &type, &value))
			return 0;
		from = end + 1;
	}
	return 1;
}

int dn_split(struct sv dn, struct sv *rdn, struct sv *parent)
{
	size_t end;

	dn = trim_value(dn);
	if (!dn.len)
		return 0;
	end = part_end(dn, 0, ',', ';');
	*rdn = trim_value(sv_sub(dn, 0, end));
	*parent = SV_NULL;
	if (end < dn.len) {
		*parent = trim_value(sv_sub(dn, end + 1, dn.len));
		if (!parent->len)
			return 0;
	}
	return rdn_valid(*rdn);
}

size_t dn_depth(struct sv dn)
{
	struct sv rdn;
	struct sv parent = dn;
	size_t depth = 0;

	while (parent.len) {
		if (!dn_split(parent, &rdn, &parent))
			return 0;
		depth++;
	}
	return depth;
}

static bool special(char c)
{
	switch (c) {
	case ',':
	case '+':
	case '"':
	case '\\':
	case '<':
	case '>':
	case ';':
	case '=':
		return true;
	default:
		return false;
	}
}

static bool of_type(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-';
}

/* Most names are: pairs of a type and a value without anything special. */
static bool simple(struct sv dn)
{
	size_t i = 0;

	for (;;) {
		size_t from = i;

		while (i < dn.len && of_type(dn.ptr[i]))
			i++;
		if (i == from || i == dn.len || dn.ptr[i++] != '=')
			return false;
		while (i < dn.len && !special(dn.ptr[i]))
			i++;
		if (i == dn.len)
			return true;
		if (dn.ptr[i++] != ',')
			return false;
	}
}

int dn_valid(struct sv dn)
{
	return simple(dn) || dn_depth(dn) > 0;
}

int dn_component(struct sv dn, size_t i, struct arena *arena,
		 struct sv *type_out, struct sv *value_out)
{
	struct sv rdn = SV_NULL;
	struct sv parent = dn;
	struct sv type;
	struct sv value;

	if (!i)
		return 0;
	while (i--)
		if (!dn_split(parent, &rdn, &parent))
			return 0;
	if (!split_pair(sv_sub(rdn, 0, part_end(rdn, 0, '+', '+')), &type,
			&value))
		return 0;
	if (type_out)
		*type_out = type;
	if (value_out)
		*value_out = dn_unescape(value, arena);
	return 1;
}

/* "#" and an even number of hex digits */
static bool is_hex_string(struct sv text)
{
	size_t i;

	if (text.len < 3 || text.len % 2 == 0 || text.ptr[0] != '#')
		return false;
	for (i = 1; i < text.len; i++)
		if (!hex(text.ptr[i]))
			return false;
	return true;
}

struct sv dn_unescape(struct sv text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;
	size_t i;

	if (is_hex_string(text)) {
		for (i = 1; i < text.len; i += 2)
			out[len++] = (char)(hex_value(text.ptr[i]) << 4 |
					    hex_value(text.ptr[i + 1]));
		out[len] = '\0';
		return sv_make(out, len);
	}
	if (text.len >= 2 && text.ptr[0] == '"' &&
	    text.ptr[text.len - 1] == '"')
		text = sv_sub(text, 1, text.len - 1);
	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' && i + 2 < text.len && hex(text.ptr[i + 1]) &&
		    hex(text.ptr[i + 2])) {
			c = (char)(hex_value(text.ptr[i + 1]) << 4 |
				   hex_value(text.ptr[i + 2]));
			i += 2;
		} else if (c == '\\' && i + 1 < text.len) {
			c = text.ptr[++i];
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return sv_make(out, len);
}

struct sv dn_escape(struct sv value, struct arena *arena)
{
	char *out = arena_alloc(arena, value.len * 3 + 1);
	size_t len = 0;
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		bool edge = c == ' ' && (i == 0 || i + 1 == value.len);

		if ((unsigned char)c < 0x20 || c == 0x7f) {
			static const char digits[] = "0123456789ABCDEF";

			out[len++] = '\\';
			out[len++] = digits[(unsigned char)c >> 4];
			out[len++] = digits[c & 15];
			continue;
		}
		if (special(c) || edge || (c == '#' && i == 0))
			out[len++] = '\\';
		out[len++] = c;
	}
	out[len] = '\0';
	return sv_make(out, len);
}

/* Plain names fold without unescaping: letters, digits, dots, single blanks.
 * What dn_escape() would escape is not plain. */
static bool plain(struct sv dn)
{
	bool value = false; /* past the '=' of an RDN */
	size_t i;

	for (i = 0; i < dn.len; i++) {
		unsigned char c = (unsigned char)dn.ptr[i];

		if (c < 0x20 || c >= 0x7f || c == '#' || (c == '=' && value) ||
		    (special((char)c) && c != '=' && c != ','))
			return false;
		value = c == '=' || (value && c != ',');
		if (c == ' ' &&
		    (i == 0 || i + 1 == dn.len || dn.ptr[i - 1] == ' ' ||
		     dn.ptr[i - 1] == ',' || dn.ptr[i - 1] == '=' ||
		     dn.ptr[i + 1] == ',' || dn.ptr[i + 1] == '='))
			return false;
	}
	return true;
}

/* Runs of blanks become one (RFC 4518 section 2.6.1, without the framing). */
static struct sv squeeze(struct sv s, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len + 1);
	size_t len = 0;
	size_t i;

	s = sv_trim(s);
	for (i = 0; i < s.len; i++)
		if (s.ptr[i] != ' ' || s.ptr[i - 1] != ' ')
			out[len++] = s.ptr[i];
	out[len] = '\0';
	return sv_make(out, len);
}

static int order_sv(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

static struct sv fold_rdn(struct sv rdn, struct arena *arena)
{
	struct sv *parts;
	struct sv out = SV_NULL;
	size_t count = 1;
	size_t from = 0;
	size_t i;

	for (i = 0; i < rdn.len; i++)
		count += rdn.ptr[i] == '+';
	parts = arena_array(arena, count, sizeof(*parts));
	count = 0;
	while (from <= rdn.len) {
		size_t end = part_end(rdn, from, '+', '+');
		struct sv type;
		struct sv value;

		if (!split_pair(sv_sub(rdn, from, end), &type, &value))
			return text_fold(rdn, arena);
		value = squeeze(text_fold(dn_unescape(value, arena), arena),
				arena);
		parts[count++] =
			sv_from(arena_printf(arena, SV_FMT "=" SV_FMT,
					     SV_ARG(text_fold(type, arena)),
					     SV_ARG(dn_escape(value, arena))));
		from = end + 1;
	}
	qsort(parts, count, sizeof(*parts), order_sv);
	for (i = 0; i < count; i++)
		out = i ? sv_from(arena_printf(arena, SV_FMT "+" SV_FMT,
					       SV_ARG(out), SV_ARG(parts[i])))
			: parts[0];
	return out;
}

/* An ill-formed text stays one: where folding would make a name of it (a type
 * with a sharp s), only ASCII letters are folded. */
static struct sv fold_ill_formed(struct sv dn, struct arena *arena)
{
	struct sv folded = text_fold(dn, arena);
	char *out;
	size_t i;

	if (!dn_valid(folded))
		return folded;
	out = arena_alloc(arena, dn.len + 1);
	for (i = 0; i < dn.len; i++) {
		char c = dn.ptr[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	out[dn.len] = '\0';
	return sv_make(out, dn.len);
}

struct sv dn_fold(struct sv dn, struct arena *arena)
{
	struct sv rdn;
	struct sv parent = dn;
	struct sv out = SV_NULL;

	if (plain(dn))
		return text_fold(dn, arena);
	while (parent.len) {
		if (!dn_split(parent, &rdn, &parent))
			return fold_ill_formed(dn, arena);
		rdn = fold_rdn(rdn, arena);
		out = out.len ? dn_join(out, rdn, arena) : rdn;
	}
	return out;
}

bool dn_equal(struct sv a, struct sv b)
{
	struct arena scratch = ARENA_INIT;
	bool equal;

	if (sv_eq(a, b))
		return true;
	equal = sv_eq(dn_fold(a, &scratch), dn_fold(b, &scratch));
	arena_release(&scratch);
	return equal;
}

bool dn_within(struct sv dn, struct sv container)
{
	struct arena scratch = ARENA_INIT;
	struct sv inner = dn_fold(dn, &scratch);
	struct sv outer = dn_fold(container, &scratch);
	struct sv rdn;
	bool within = sv_eq(inner, outer);

	while (!within && inner.len > outer.len &&
	       dn_split(inner, &rdn, &inner))
		within = sv_eq(inner, outer);
	arena_release(&scratch);
	return within;
}

struct sv dn_join(struct sv rdn, struct sv parent, struct arena *arena)
{
	char *out;

	if (!rdn.len || !parent.len)
		return rdn.len ? rdn : parent;
	out = arena_alloc(arena, rdn.len + parent.len + 2);
	memcpy(out, rdn.ptr, rdn.len);
	out[rdn.len] = ',';
	memcpy(out + rdn.len + 1, parent.ptr, parent.len);
	out[rdn.len + parent.len + 1] = '\0';
	return sv_make(out, rdn.len + parent.len + 1);
}
