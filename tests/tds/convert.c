/*
 * convert.c - a value of one type as another one's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

bool text_is_number(struct sv text)
{
	size_t digits = 0;

	text = sv_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (isdigit((unsigned char)c))
			digits++;
		else if (!strchr("+-.eE", c))
			return false;
	}
	return digits > 0;
}

static double number_of(const struct datum *from)
{
	char space[64] = "";

	if (from->kind == DATUM_INT)
		return (double)from->i;
	if (from->kind == DATUM_REAL)
		return from->r;
	(void)snprintf(space, sizeof(space), SV_FMT, SV_ARG(from->s));
	return strtod(space, NULL);
}

static int to_integer(const struct type *type, const struct datum *from,
		      struct datum *out)
{
	out->kind = DATUM_INT;
	if (from->kind == DATUM_INT) {
		out->i = from->i;
	} else if (from->kind == DATUM_REAL) {
		out->i = (int64_t)from->r;
	} else if (from->kind == DATUM_BYTES) {
		uint64_t number = 0;

		for (size_t i = 0; i < from->s.len; i++)
			number = number << 8 | (unsigned char)from->s.ptr[i];
		out->i = (int64_t)number;
	} else if (type->id == T_BIT && sv_ieq_str(from->s, "true")) {
		out->i = 1;
	} else if (type->id == T_BIT && sv_ieq_str(from->s, "false")) {
		out->i = 0;
	} else if (!sv_to_i64(sv_trim(from->s), &out->i)) {
		return -1;
	}
	if (type->id == T_BIT)
		out->i = out->i != 0;
	return 0;
}

static void add_moment_text(struct strbuf *space, struct sv text, int style)
{
	struct moment m;
	size_t blank = sv_find(text, ' ', 0);

	if (!moment_parse(text, &m)) {
		strbuf_addsv(space, text);
		return;
	}
	if (style == 112)
		strbuf_addf(space, "%.4s%.2s%.2s", text.ptr, text.ptr + 5,
			    text.ptr + 8);
	else if (style == 23)
		strbuf_addsv(space, sv_sub(text, 0, 10));
	else if (style == 120)
		strbuf_addf(space, "%.10s %.8s", text.ptr, text.ptr + 11);
	else if ((style == 126 || style == 127) && blank < text.len)
		strbuf_addf(space,
			    "%.10s"
			    "T" SV_FMT,
			    text.ptr, SV_ARG(sv_sub(text, 11, text.len)));
	else
		strbuf_addsv(space, text);
	if (style == 127)
		strbuf_addc(space, 'Z');
}

static void to_text(const struct type *type, int style,
		    const struct datum *from, struct strbuf *space,
		    struct datum *out)
{
	if (from->kind == DATUM_INT)
		strbuf_addf(space, "%lld", (long long)from->i);
	else if (from->kind == DATUM_REAL)
		strbuf_addf(space, "%.15g", from->r);
	else if (from->kind == DATUM_BYTES && style) {
		strbuf_adds(space, style == 1 ? "0x" : "");
		strbuf_add_hex(space, from->s);
		for (size_t i = style == 1 ? 2 : 0; i < space->len; i++)
			space->ptr[i] =
				(char)toupper((unsigned char)space->ptr[i]);
	} else if (style) {
		add_moment_text(space, from->s, style);
	} else {
		strbuf_addsv(space, from->s);
	}
	out->kind = DATUM_TEXT;
	out->s = sv_make(strbuf_cstr(space), space->len);
	if (type->size && out->s.len > (size_t)type->size)
		out->s.len = (size_t)type->size;
}

static int to_bytes(const struct type *type, int style,
		    const struct datum *from, struct strbuf *space,
		    struct datum *out)
{
	size_t size = type->size ? (size_t)type->size : SIZE_MAX;

	if (from->kind == DATUM_INT) {
		for (int i = 7; i >= 0; i--)
			add_u8(space, (unsigned)(from->i >> (8 * i)) & 0xff);
	} else if (from->kind == DATUM_TEXT && style) {
		struct sv hex = from->s;

		if (style == 1 && hex.len >= 2)
			hex = sv_sub(hex, 2, hex.len);
		if (!strbuf_add_unhex(space, hex))
			return -1;
	} else {
		strbuf_addsv(space, from->s);
	}
	out->kind = DATUM_BYTES;
	out->s = sv_make(strbuf_cstr(space), space->len);
	/* of a number the last bytes, of others the first */
	if (out->s.len > size && from->kind == DATUM_INT)
		out->s = sv_sub(out->s, out->s.len - size, out->s.len);
	if (out->s.len > size)
		out->s.len = size;
	return 0;
}

static int to_moment(const struct type *type, const struct datum *from,
		     struct strbuf *space, struct datum *out)
{
	struct moment m;

	if (from->kind != DATUM_TEXT || !moment_parse(from->s, &m))
		return -1;
	moment_add(space, &m, type);
	out->kind = DATUM_TEXT;
	out->s = strbuf_sv(space);
	return 0;
}

static int to_decimal(const struct type *type, const struct datum *from,
		      struct strbuf *space, struct datum *out)
{
	if (from->kind == DATUM_INT) {
		*out = *from;
		return 0;
	}
	if (from->kind == DATUM_TEXT && !text_is_number(from->s))
		return -1;
	if (from->kind == DATUM_TEXT && type->precision > 15) {
		strbuf_addsv(space, sv_trim(from->s));
		out->kind = DATUM_TEXT;
		out->s = strbuf_sv(space);
		return 0;
	}
	strbuf_addf(space, "%.*f", type->scale, number_of(from));
	out->kind = DATUM_REAL;
	out->r = strtod(strbuf_cstr(space), NULL);
	return 0;
}

int convert_datum(const struct type *type, int style, const struct datum *from,
		  struct strbuf *space, struct datum *out)
{
	*out = (struct datum){ .kind = DATUM_NULL };
	if (from->kind == DATUM_NULL)
		return 0;
	if (type->id <= T_BIGINT)
		return to_integer(type, from, out);
	if (type->id <= T_SMALLMONEY)
		return to_decimal(type, from, space, out);
	if (type->id <= T_FLOAT) {
		if (from->kind == DATUM_TEXT && !text_is_number(from->s))
			return -1;
		out->kind = DATUM_REAL;
		out->r = number_of(from);
		return 0;
	}
	if (type_is_bytes(type))
		return to_bytes(type, style, from, space, out);
	if (type_is_moment(type))
		return to_moment(type, from, space, out);
	to_text(type, style, from, space, out);
	return 0;
}
