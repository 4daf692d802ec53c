/*
 * wire.c - types and values as they stand in COLMETADATA and ROW
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "type.h"

#include "cp1252.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Latin1_General, code page 1252, without case, with accents */
static const char collation[5] = { 0x09, 0x04, (char)0xd0, 0x00, 0x34 };

void add_u8(struct strbuf *sb, unsigned value)
{
	strbuf_addc(sb, (char)value);
}

void add_u16(struct strbuf *sb, unsigned value)
{
	char bytes[2] = { (char)value, (char)(value >> 8) };

	strbuf_add(sb, bytes, sizeof(bytes));
}

void add_u32(struct strbuf *sb, uint32_t value)
{
	add_u16(sb, value & 0xffff);
	add_u16(sb, value >> 16);
}

void add_u64(struct strbuf *sb, uint64_t value)
{
	add_u32(sb, (uint32_t)value);
	add_u32(sb, (uint32_t)(value >> 32));
}

static void add_low(struct strbuf *sb, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		add_u8(sb, value & 0xff);
}

/* The code point at *at, which moves on; what is no UTF-8 is U+FFFD. */
static uint32_t next_point(struct sv text, size_t *at)
{
	unsigned char c = (unsigned char)text.ptr[(*at)++];
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t point = more ? c & (0x3f >> more) : c;

	if (c >= 0x80 && !more)
		return 0xfffd;
	for (; more; more--, (*at)++) {
		if (*at >= text.len || (text.ptr[*at] & 0xc0) != 0x80)
			return 0xfffd;
		point = point << 6 | (text.ptr[*at] & 0x3f);
	}
	return point;
}

size_t add_utf16(struct strbuf *sb, struct sv text)
{
	char *to = strbuf_room(sb, text.len * 2 + 2);
	size_t len = 0;
	size_t at = 0;

	if (!to)
		return 0;
	while (at < text.len) {
		uint32_t point = (unsigned char)text.ptr[at];

		if (point < 0x80)
			at++;
		else
			point = next_point(text, &at);
		if (point >= 0x10000) {
			uint32_t high = 0xd7c0 + (point >> 10);

			to[len++] = (char)high;
			to[len++] = (char)(high >> 8);
			point = 0xdc00 | (point & 0x3ff);
		}
		to[len++] = (char)point;
		to[len++] = (char)(point >> 8);
	}
	strbuf_grew(sb, len);
	return len / 2;
}

/* UTF-8 as code page 1252, '?' for what it has not. */
static size_t add_narrow(struct strbuf *sb, struct sv text)
{
	char *to = strbuf_room(sb, text.len + 1);
	size_t len = 0;
	size_t at = 0;

	if (!to)
		return 0;
	while (at < text.len) {
		uint32_t point = (unsigned char)text.ptr[at];

		if (point < 0x80) {
			to[len++] = text.ptr[at++];
			continue;
		}
		point = next_point(text, &at);
		if (point >= 0xa0 && point <= 0xff) {
			to[len++] = (char)point;
			continue;
		}
		to[len] = '?';
		for (int i = 0; i < 32; i++) {
			if (cp1252[i] == point)
				to[len] = (char)(0x80 + i);
		}
		len++;
	}
	strbuf_grew(sb, len);
	return len;
}

void add_b_varchar(struct strbuf *sb, struct sv text)
{
	size_t at = sb->len;

	add_u8(sb, 0);
	sb->ptr[at] = (char)add_utf16(sb, text);
}

static void set_u16(struct strbuf *sb, size_t at, size_t value)
{
	sb->ptr[at] = (char)value;
	sb->ptr[at + 1] = (char)(value >> 8);
}

void add_us_varchar(struct strbuf *sb, struct sv text)
{
	size_t at = sb->len;

	add_u16(sb, 0);
	set_u16(sb, at, add_utf16(sb, text));
}

/* ---- types ---- */

static int decimal_bytes(const struct type *type)
{
	if (type->precision <= 9)
		return 4;
	if (type->precision <= 19)
		return 8;
	return type->precision <= 28 ? 12 : 16;
}

static int time_bytes(int scale)
{
	if (scale <= 2)
		return 3;
	return scale <= 4 ? 4 : 5;
}

static unsigned token_of(const struct type *type)
{
	static const unsigned char tokens[] = {
		[T_BIT] = 0x68,           [T_TINYINT] = 0x26,
		[T_SMALLINT] = 0x26,      [T_INT] = 0x26,
		[T_BIGINT] = 0x26,        [T_DECIMAL] = 0x6a,
		[T_MONEY] = 0x6e,         [T_SMALLMONEY] = 0x6e,
		[T_REAL] = 0x6d,          [T_FLOAT] = 0x6d,
		[T_CHAR] = 0xaf,          [T_VARCHAR] = 0xa7,
		[T_NCHAR] = 0xef,         [T_NVARCHAR] = 0xe7,
		[T_TEXT] = 0x23,          [T_NTEXT] = 0x63,
		[T_BINARY] = 0xad,        [T_VARBINARY] = 0xa5,
		[T_IMAGE] = 0x22,         [T_ROWVERSION] = 0xad,
		[T_GUID] = 0x24,          [T_DATETIME] = 0x6f,
		[T_SMALLDATETIME] = 0x6f, [T_DATE] = 0x28,
		[T_TIME] = 0x29,          [T_DATETIME2] = 0x2a,
		[T_OFFSET] = 0x2b,
	};

	return tokens[type->id];
}

void wire_add_type(struct strbuf *sb, const struct type *type, int version)
{
	add_u8(sb, token_of(type));
	switch (type->id) {
	case T_BIT:
	case T_TINYINT:
	case T_SMALLINT:
	case T_INT:
	case T_BIGINT:
	case T_MONEY:
	case T_SMALLMONEY:
	case T_REAL:
	case T_FLOAT:
	case T_GUID:
	case T_DATETIME:
	case T_SMALLDATETIME:
		add_u8(sb, (unsigned)type->size);
		break;
	case T_DECIMAL:
		add_u8(sb, (unsigned)decimal_bytes(type) + 1);
		add_u8(sb, (unsigned)type->precision);
		add_u8(sb, (unsigned)type->scale);
		break;
	case T_TEXT:
	case T_NTEXT:
	case T_IMAGE:
		add_u32(sb, 0x7fffffff);
		break;
	case T_CHAR:
	case T_VARCHAR:
	case T_BINARY:
	case T_VARBINARY:
	case T_ROWVERSION:
		add_u16(sb, type->size ? (unsigned)type->size : 0xffff);
		break;
	case T_NCHAR:
	case T_NVARCHAR:
		add_u16(sb, type->size ? (unsigned)type->size * 2 : 0xffff);
		break;
	case T_DATE:
		break;
	case T_TIME:
	case T_DATETIME2:
	case T_OFFSET:
		add_u8(sb, (unsigned)type->scale);
		break;
	}
	if (type_is_text(type) && version >= 71)
		strbuf_add(sb, collation, sizeof(collation));
}

/* ---- values ---- */

static void add_null(struct strbuf *sb, const struct type *type)
{
	bool is_long = type->id == T_TEXT || type->id == T_NTEXT ||
		       type->id == T_IMAGE;

	if (is_long || (!type_is_text(type) && !type_is_bytes(type)))
		add_u8(sb, 0);
	else if (type->size)
		add_u16(sb, 0xffff);
	else
		add_u64(sb, UINT64_MAX);
}

/* The value as text, for types that are read from it. */
static struct sv text_of(const struct datum *value, const struct type *type,
			 char *space, size_t size)
{
	int len = 0;

	if (value->kind == DATUM_TEXT || value->kind == DATUM_BYTES)
		return value->s;
	if (value->kind == DATUM_INT)
		len = snprintf(space, size, "%lld", (long long)value->i);
	else if (type->id == T_DECIMAL || type->id == T_MONEY ||
		 type->id == T_SMALLMONEY)
		len = snprintf(space, size, "%.*f", type->scale, value->r);
	else
		len = snprintf(space, size, "%.15g", value->r);
	return sv_make(space, (size_t)len);
}

/* Times ten, plus a digit. */
static int push_digit(uint8_t *number, char digit)
{
	unsigned carry = (unsigned)(digit - '0');

	if (!isdigit((unsigned char)digit))
		return 0;
	for (int i = 0; i < 16; i++) {
		carry += number[i] * 10U;
		number[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return !carry;
}

/* Digits with `scale` of them behind the point, as 16 bytes, lowest first. */
static int decimal_of(struct sv text, int scale, uint8_t *out, bool *minus)
{
	size_t point;

	memset(out, 0, 16);
	text = sv_trim(text);
	*minus = text.len && text.ptr[0] == '-';
	if (text.len && strchr("+-", text.ptr[0]))
		text = sv_sub(text, 1, text.len);
	point = sv_find(text, '.', 0);
	for (size_t i = 0; i < point; i++) {
		if (!push_digit(out, text.ptr[i]))
			return 0;
	}
	for (size_t i = point + 1; i <= point + (size_t)scale; i++) {
		if (!push_digit(out, i < text.len ? text.ptr[i] : '0'))
			return 0;
	}
	return 1;
}

static int add_decimal(struct strbuf *sb, const struct type *type,
		       const struct datum *value)
{
	char space[400];
	uint8_t bytes[16];
	bool minus;
	int len = decimal_bytes(type);

	if (!decimal_of(text_of(value, type, space, sizeof(space)), type->scale,
			bytes, &minus))
		return 0;
	add_u8(sb, (unsigned)len + 1);
	add_u8(sb, minus ? 0 : 1);
	strbuf_add(sb, bytes, (size_t)len);
	return 1;
}

static int add_money(struct strbuf *sb, const struct type *type,
		     const struct datum *value)
{
	char space[400];
	uint8_t bytes[16];
	uint64_t units = 0;
	bool minus;

	if (!decimal_of(text_of(value, type, space, sizeof(space)), 4, bytes,
			&minus))
		return 0;
	for (int i = 7; i >= 0; i--)
		units = units << 8 | bytes[i];
	if (minus)
		units = 0 - units;
	add_u8(sb, (unsigned)type->size);
	if (type->size == 8)
		add_u32(sb, (uint32_t)(units >> 32));
	add_u32(sb, (uint32_t)units);
	return 1;
}

static int add_float(struct strbuf *sb, const struct type *type,
		     const struct datum *value)
{
	double number = value->kind == DATUM_INT ? (double)value->i : value->r;
	float small;

	if (value->kind == DATUM_TEXT)
		return 0;
	small = (float)number;
	add_u8(sb, (unsigned)type->size);
	if (type->size == 4)
		strbuf_add(sb, &small, sizeof(small));
	else
		strbuf_add(sb, &number, sizeof(number));
	return 1;
}

static int add_integer(struct strbuf *sb, const struct type *type,
		       const struct datum *value)
{
	int64_t number = value->i;

	if (value->kind == DATUM_REAL)
		number = (int64_t)value->r;
	else if (value->kind != DATUM_INT)
		return 0;
	add_u8(sb, (unsigned)type->size);
	add_low(sb, (uint64_t)number, type->size);
	return 1;
}

/* The first three parts of a GUID are numbers, lowest byte first. */
static int add_guid(struct strbuf *sb, const struct datum *value)
{
	static const int order[] = { 3, 2, 1, 0, 5, 4, 7, 6 };
	struct strbuf hex = STRBUF_INIT(64);
	struct strbuf bytes = STRBUF_INIT(64);
	int ret;

	for (size_t i = 0; i < value->s.len; i++) {
		if (!strchr("{}-", value->s.ptr[i]))
			strbuf_addc(&hex, value->s.ptr[i]);
	}
	ret = value->kind == DATUM_TEXT &&
	      strbuf_add_unhex(&bytes, strbuf_sv(&hex)) && bytes.len == 16;
	if (ret) {
		add_u8(sb, 16);
		for (int i = 0; i < 8; i++)
			strbuf_addc(sb, bytes.ptr[order[i]]);
		strbuf_add(sb, bytes.ptr + 8, 8);
	}
	strbuf_release(&hex);
	strbuf_release(&bytes);
	return ret;
}

static void add_clock(struct strbuf *sb, const struct moment *m, int scale)
{
	int64_t ticks = m->ticks;

	for (int i = scale; i < 7; i++)
		ticks /= 10;
	add_low(sb, (uint64_t)ticks, time_bytes(scale));
}

static int add_moment(struct strbuf *sb, const struct type *type,
		      const struct datum *value)
{
	int clock = time_bytes(type->scale);
	struct moment m;

	if (value->kind != DATUM_TEXT || !moment_parse(value->s, &m))
		return 0;
	if (type->id == T_DATETIME) {
		add_u8(sb, 8);
		add_u32(sb, (uint32_t)(m.days - MOMENT_1900));
		add_u32(sb, (uint32_t)((m.ticks * 3 + 50000) / 100000));
	} else if (type->id == T_SMALLDATETIME) {
		add_u8(sb, 4);
		add_u16(sb, (unsigned)(m.days - MOMENT_1900));
		add_u16(sb, (unsigned)(m.ticks / 600000000));
	} else if (type->id == T_DATE) {
		add_u8(sb, 3);
		add_low(sb, (uint64_t)m.days, 3);
	} else if (type->id == T_TIME) {
		add_u8(sb, (unsigned)clock);
		add_clock(sb, &m, type->scale);
	} else {
		bool offset = type->id == T_OFFSET;

		if (offset)
			moment_move(&m, m.offset * INT64_C(-600000000));
		add_u8(sb, (unsigned)clock + (offset ? 5 : 3));
		add_clock(sb, &m, type->scale);
		add_low(sb, (uint64_t)m.days, 3);
		if (offset)
			add_u16(sb, (unsigned)m.offset);
	}
	return 1;
}

/* text, ntext and image have a pointer and a time before the value. */
static size_t begin_long(struct strbuf *sb)
{
	static const char pointer[24] = "dummy textptr";

	add_u8(sb, 16);
	strbuf_add(sb, pointer, sizeof(pointer));
	add_u32(sb, 0);
	return sb->len;
}

static size_t begin_value(struct strbuf *sb, const struct type *type)
{
	if (type->id == T_TEXT || type->id == T_NTEXT || type->id == T_IMAGE)
		return begin_long(sb);
	if (type->size) {
		add_u16(sb, 0);
	} else {
		add_u64(sb, 0);
		add_u32(sb, 0);
	}
	return sb->len;
}

static void end_value(struct strbuf *sb, const struct type *type, size_t from)
{
	size_t len = sb->len - from;
	bool is_long = type->id == T_TEXT || type->id == T_NTEXT ||
		       type->id == T_IMAGE;

	if (!is_long && type->size) {
		set_u16(sb, from - 2, len);
		return;
	}
	set_u16(sb, from - 4, len & 0xffff);
	set_u16(sb, from - 2, len >> 16);
	if (is_long)
		return;
	/* parts: total length, length of the one part, no more */
	set_u16(sb, from - 12, len & 0xffff);
	set_u16(sb, from - 10, len >> 16);
	if (len)
		add_u32(sb, 0);
}

/* Dates of a client that knows none of them. */
static struct sv canonical(const struct type *type, struct sv text,
			   struct strbuf *space)
{
	struct moment m;
	struct type as = { .id = T_DATE, .scale = 7 };

	if (type->id != T_NVARCHAR || !type->precision ||
	    !moment_parse(text, &m))
		return text;
	as.id = (enum type_id)type->precision;
	as.scale = type->scale;
	moment_add(space, &m, &as);
	return strbuf_sv(space);
}

static int add_bytes(struct strbuf *sb, const struct type *type,
		     const struct datum *value)
{
	struct strbuf space = STRBUF_INIT(64);
	char number[400];
	struct sv text = text_of(value, type, number, sizeof(number));
	size_t from = begin_value(sb, type);
	size_t len;
	int ret = 1;

	if (type_is_bytes(type))
		strbuf_addsv(sb, text);
	else if (type_is_wide(type))
		(void)add_utf16(sb, canonical(type, text, &space));
	else
		(void)add_narrow(sb, text);
	len = sb->len - from;
	if (type_is_wide(type))
		len /= 2;
	if (type->size && type->id != T_TEXT && type->id != T_NTEXT &&
	    type->id != T_IMAGE && len > (size_t)type->size)
		ret = 0;
	for (; len < (size_t)type->size; len++) {
		if (type->id == T_CHAR)
			add_u8(sb, ' ');
		else if (type->id == T_NCHAR)
			add_u16(sb, ' ');
		else if (type->id == T_BINARY)
			add_u8(sb, 0);
		else
			break;
	}
	end_value(sb, type, from);
	strbuf_release(&space);
	return ret;
}

int wire_add_value(struct strbuf *sb, const struct type *type,
		   const struct datum *value)
{
	if (value->kind == DATUM_NULL) {
		add_null(sb, type);
		return 1;
	}
	switch (type->id) {
	case T_BIT:
	case T_TINYINT:
	case T_SMALLINT:
	case T_INT:
	case T_BIGINT:
		return add_integer(sb, type, value);
	case T_DECIMAL:
		return add_decimal(sb, type, value);
	case T_MONEY:
	case T_SMALLMONEY:
		return add_money(sb, type, value);
	case T_REAL:
	case T_FLOAT:
		return add_float(sb, type, value);
	case T_GUID:
		return add_guid(sb, value);
	case T_DATETIME:
	case T_SMALLDATETIME:
	case T_DATE:
	case T_TIME:
	case T_DATETIME2:
	case T_OFFSET:
		return add_moment(sb, type, value);
	case T_CHAR:
	case T_VARCHAR:
	case T_NCHAR:
	case T_NVARCHAR:
	case T_TEXT:
	case T_NTEXT:
	case T_BINARY:
	case T_VARBINARY:
	case T_IMAGE:
	case T_ROWVERSION:
		return add_bytes(sb, type, value);
	}
	return 0;
}
