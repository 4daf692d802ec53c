/*
 * parse.c - parameters as the client sends them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "type.h"

#include "cp1252.h"

struct sv take_bytes(struct cursor *c, size_t len)
{
	struct sv bytes = SV_LIT("");

	if (c->broken || (size_t)(c->end - c->at) < len) {
		c->broken = true;
		return bytes;
	}
	bytes = sv_make((const char *)c->at, len);
	c->at += len;
	return bytes;
}

static uint64_t take_low(struct cursor *c, size_t len)
{
	struct sv bytes = take_bytes(c, len);
	uint64_t value = 0;

	for (size_t i = bytes.len; i > 0; i--)
		value = value << 8 | (unsigned char)bytes.ptr[i - 1];
	return value;
}

unsigned take_u8(struct cursor *c)
{
	return (unsigned)take_low(c, 1);
}

unsigned take_u16(struct cursor *c)
{
	return (unsigned)take_low(c, 2);
}

uint32_t take_u32(struct cursor *c)
{
	return (uint32_t)take_low(c, 4);
}

uint64_t take_u64(struct cursor *c)
{
	return take_low(c, 8);
}

static size_t put_utf8(char *to, uint32_t point)
{
	if (point < 0x80) {
		to[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		to[0] = (char)(0xc0 | point >> 6);
		to[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		to[0] = (char)(0xe0 | point >> 12);
		to[1] = (char)(0x80 | (point >> 6 & 0x3f));
		to[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | point >> 18);
	to[1] = (char)(0x80 | (point >> 12 & 0x3f));
	to[2] = (char)(0x80 | (point >> 6 & 0x3f));
	to[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

struct sv utf16_text(struct sv bytes, struct arena *arena)
{
	const unsigned char *from = (const unsigned char *)bytes.ptr;
	size_t units = bytes.len / 2;
	char *to = arena_alloc(arena, units * 3 + 1);
	size_t len = 0;

	for (size_t i = 0; i < units; i++) {
		uint32_t point = from[i * 2] | (uint32_t)from[i * 2 + 1] << 8;

		if (point >= 0xd800 && point < 0xdc00 && i + 1 < units) {
			uint32_t low = from[i * 2 + 2] |
				       (uint32_t)from[i * 2 + 3] << 8;

			point = 0x10000 + ((point - 0xd800) << 10) +
				(low - 0xdc00);
			i++;
		}
		len += put_utf8(to + len, point);
	}
	to[len] = 0;
	return sv_make(to, len);
}

struct sv take_utf16(struct cursor *c, size_t units, struct arena *arena)
{
	return utf16_text(take_bytes(c, units * 2), arena);
}

static struct sv narrow_text(struct sv bytes, struct arena *arena)
{
	char *to = arena_alloc(arena, bytes.len * 3 + 1);
	size_t len = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		uint32_t point = (unsigned char)bytes.ptr[i];

		if (point >= 0x80 && point < 0xa0)
			point = cp1252[point - 0x80];
		len += put_utf8(to + len, point);
	}
	to[len] = 0;
	return sv_make(to, len);
}

/* ---- values of numbers ---- */

static struct datum integer_of(struct sv bytes, bool is_signed)
{
	struct datum value = { .kind = DATUM_INT };

	for (size_t i = bytes.len; i > 0; i--)
		value.i = (int64_t)((uint64_t)value.i << 8 |
				    (unsigned char)bytes.ptr[i - 1]);
	if (is_signed && bytes.len < 8 && bytes.len &&
	    bytes.ptr[bytes.len - 1] & 0x80)
		value.i -= INT64_C(1) << (bytes.len * 8);
	return value;
}

static struct datum float_of(struct sv bytes)
{
	struct datum value = { .kind = DATUM_REAL };
	float small;

	if (bytes.len == 4) {
		memcpy(&small, bytes.ptr, 4);
		value.r = (double)small;
	} else if (bytes.len == 8) {
		memcpy(&value.r, bytes.ptr, 8);
	}
	return value;
}

static struct datum text_datum(struct sv text)
{
	return (struct datum){ .kind = DATUM_TEXT, .s = text };
}

/* A number of 16 bytes as digits, with a point before the last `scale`. */
static struct datum digits_of(const uint8_t *bytes, size_t len, bool minus,
			      int scale, struct arena *arena)
{
	char digits[48];
	size_t at = sizeof(digits);
	uint8_t rest[16] = { 0 };
	bool more = true;
	int count = 0;

	memcpy(rest, bytes, len < 16 ? len : 16);
	while (more || count <= scale) {
		unsigned carry = 0;

		if (count == scale && scale)
			digits[--at] = '.';
		more = false;
		for (int i = 15; i >= 0; i--) {
			carry = carry << 8 | rest[i];
			rest[i] = (uint8_t)(carry / 10);
			carry %= 10;
			more = more || rest[i];
		}
		digits[--at] = (char)('0' + carry);
		count++;
	}
	if (minus)
		digits[--at] = '-';
	return text_datum(
		arena_dup(arena, sv_make(digits + at, sizeof(digits) - at)));
}

static struct datum decimal_from(struct sv bytes, const struct type *type,
				 struct arena *arena)
{
	return digits_of((const uint8_t *)bytes.ptr + 1, bytes.len - 1,
			 bytes.ptr[0] == 0, type->scale, arena);
}

static struct datum money_from(struct sv bytes, struct arena *arena)
{
	uint64_t units = (uint64_t)integer_of(bytes, true).i;
	uint8_t low[8];
	bool minus;

	if (bytes.len == 8)
		units = units << 32 | units >> 32;
	minus = (int64_t)units < 0;
	if (minus)
		units = 0 - units;
	for (int i = 0; i < 8; i++, units >>= 8)
		low[i] = (uint8_t)units;
	return digits_of(low, 8, minus, 4, arena);
}

static struct datum guid_from(struct sv bytes, struct arena *arena)
{
	const unsigned char *b = (const unsigned char *)bytes.ptr;

	return text_datum(sv_from(arena_printf(
		arena,
		"%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-"
		"%02X%02X%02X%02X%02X%02X",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9],
		b[10], b[11], b[12], b[13], b[14], b[15])));
}

static struct datum moment_from(struct sv bytes, const struct type *type,
				struct arena *arena)
{
	struct cursor c = { (const uint8_t *)bytes.ptr,
			    (const uint8_t *)bytes.ptr + bytes.len, false };
	struct moment m = { .days = MOMENT_1900 };
	struct strbuf sb = STRBUF_INIT(64);
	struct sv text;

	if (type->id == T_DATETIME) {
		m.days = MOMENT_1900 + (int32_t)take_u32(&c);
		m.ticks = ((int64_t)take_u32(&c) * 100000 + 1) / 3;
		m.ticks = (m.ticks + 5000) / 10000 * 10000;
	} else if (type->id == T_SMALLDATETIME) {
		m.days = MOMENT_1900 + take_u16(&c);
		m.ticks = take_u16(&c) * INT64_C(600000000);
	} else {
		size_t after = type->id == T_OFFSET ? 5 : 3;

		if (type->id == T_TIME)
			after = 0;
		if (type->id != T_DATE && bytes.len > after) {
			m.ticks = (int64_t)take_low(&c, bytes.len - after);
			for (int i = type->scale; i < 7; i++)
				m.ticks *= 10;
		}
		if (type->id != T_TIME)
			m.days = (int64_t)take_low(&c, 3);
		if (type->id == T_OFFSET) {
			m.offset = (int16_t)take_u16(&c);
			moment_move(&m, m.offset * INT64_C(600000000));
		}
	}
	moment_add(&sb, &m, type);
	text = arena_dup(arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return text_datum(text);
}

/* ---- what stands behind a parameter's name ---- */

static struct datum of_bytes(struct sv bytes, const struct type *type,
			     struct arena *arena)
{
	switch (type->id) {
	case T_BIT:
	case T_TINYINT:
		return integer_of(bytes, false);
	case T_SMALLINT:
	case T_INT:
	case T_BIGINT:
		return integer_of(bytes, true);
	case T_DECIMAL:
		return decimal_from(bytes, type, arena);
	case T_MONEY:
	case T_SMALLMONEY:
		return money_from(bytes, arena);
	case T_REAL:
	case T_FLOAT:
		return float_of(bytes);
	case T_CHAR:
	case T_VARCHAR:
	case T_TEXT:
		return text_datum(narrow_text(bytes, arena));
	case T_NCHAR:
	case T_NVARCHAR:
	case T_NTEXT:
		return text_datum(utf16_text(bytes, arena));
	case T_BINARY:
	case T_VARBINARY:
	case T_IMAGE:
	case T_ROWVERSION:
		return (struct datum){ .kind = DATUM_BYTES,
				       .s = arena_dup(arena, bytes) };
	case T_GUID:
		return guid_from(bytes, arena);
	case T_DATETIME:
	case T_SMALLDATETIME:
	case T_DATE:
	case T_TIME:
	case T_DATETIME2:
	case T_OFFSET:
		return moment_from(bytes, type, arena);
	}
	return (struct datum){ .kind = DATUM_NULL };
}

/* A value in parts, each with its length. 0: it is NULL. */
static int take_parts(struct cursor *c, struct arena *arena, struct sv *out)
{
	struct strbuf sb = STRBUF_INIT((size_t)1 << 30);
	uint32_t len;

	if (take_u64(c) == UINT64_MAX)
		return 0;
	while ((len = take_u32(c)) > 0 && !c->broken)
		strbuf_addsv(&sb, take_bytes(c, len));
	*out = arena_dup(arena, sb.len ? strbuf_sv(&sb) : SV_LIT(""));
	strbuf_release(&sb);
	return 1;
}

enum length {
	LENGTH_FIXED,
	LENGTH_BYTE,
	LENGTH_SHORT,
	LENGTH_LONG,
	LENGTH_PARTS,
};

static enum type_id integer_id(int size)
{
	switch (size) {
	case 1:
		return T_TINYINT;
	case 2:
		return T_SMALLINT;
	case 8:
		return T_BIGINT;
	default:
		return T_INT;
	}
}

/* The types that are of one size. */
static int fixed_type(unsigned token, struct type *type)
{
	static const struct {
		unsigned token;
		enum type_id id;
		int size;
	} fixed[] = {
		{ 0x30, T_TINYINT, 1 },       { 0x32, T_BIT, 1 },
		{ 0x34, T_SMALLINT, 2 },      { 0x38, T_INT, 4 },
		{ 0x3a, T_SMALLDATETIME, 4 }, { 0x3b, T_REAL, 4 },
		{ 0x3c, T_MONEY, 8 },         { 0x3d, T_DATETIME, 8 },
		{ 0x3e, T_FLOAT, 8 },         { 0x7a, T_SMALLMONEY, 4 },
		{ 0x7f, T_BIGINT, 8 },
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (fixed[i].token == token) {
			*type = (struct type){ .id = fixed[i].id,
					       .size = fixed[i].size };
			return 1;
		}
	}
	return 0;
}

static enum length sized_type(unsigned token, struct cursor *c, int version,
			      struct type *type)
{
	bool wide = token == 0xe7 || token == 0xef;
	unsigned size = take_u16(c);

	switch (token) {
	case 0xa7:
		type->id = T_VARCHAR;
		break;
	case 0xaf:
		type->id = T_CHAR;
		break;
	case 0xe7:
		type->id = T_NVARCHAR;
		break;
	case 0xef:
		type->id = T_NCHAR;
		break;
	case 0xa5:
		type->id = T_VARBINARY;
		break;
	default:
		type->id = T_BINARY;
		break;
	}
	if (type_is_text(type) && version >= 71)
		(void)take_bytes(c, 5);
	if (size == 0xffff && version >= 72)
		return LENGTH_PARTS;
	type->size = (int)(wide ? size / 2 : size);
	if (!type->size)
		type->size = 1;
	return LENGTH_SHORT;
}

static enum length long_type(unsigned token, struct cursor *c, int version,
			     struct type *type)
{
	(void)take_u32(c);
	type->id = token == 0x22 ? T_IMAGE : token == 0x23 ? T_TEXT : T_NTEXT;
	if (token != 0x22 && version >= 71)
		(void)take_bytes(c, 5);
	return LENGTH_LONG;
}

static enum length take_type(struct cursor *c, int version, struct type *type)
{
	unsigned token = take_u8(c);

	if (fixed_type(token, type))
		return LENGTH_FIXED;
	switch (token) {
	case 0x22:
	case 0x23:
	case 0x63:
		return long_type(token, c, version, type);
	case 0xa5:
	case 0xa7:
	case 0xad:
	case 0xaf:
	case 0xe7:
	case 0xef:
		return sized_type(token, c, version, type);
	case 0x28:
		*type = (struct type){ .id = T_DATE, .size = 3 };
		return LENGTH_BYTE;
	case 0x29:
	case 0x2a:
	case 0x2b:
		type->id = token == 0x29   ? T_TIME
			   : token == 0x2a ? T_DATETIME2
					   : T_OFFSET;
		type->scale = (int)take_u8(c);
		return LENGTH_BYTE;
	default:
		break;
	}
	type->size = (int)take_u8(c);
	switch (token) {
	case 0x24:
		type->id = T_GUID;
		break;
	case 0x26:
		type->id = integer_id(type->size);
		break;
	case 0x68:
		type->id = T_BIT;
		break;
	case 0x6a:
	case 0x6c:
		type->id = T_DECIMAL;
		type->precision = (int)take_u8(c);
		type->scale = (int)take_u8(c);
		break;
	case 0x6d:
		type->id = type->size == 4 ? T_REAL : T_FLOAT;
		break;
	case 0x6e:
		type->id = type->size == 4 ? T_SMALLMONEY : T_MONEY;
		break;
	case 0x6f:
		type->id = type->size == 4 ? T_SMALLDATETIME : T_DATETIME;
		break;
	default:
		c->broken = true;
		break;
	}
	return LENGTH_BYTE;
}

void take_typed(struct cursor *c, int version, struct arena *arena,
		struct type *type, struct datum *out)
{
	enum length length;
	struct sv bytes = SV_NULL;
	uint32_t len;

	*type = (struct type){ .id = T_NVARCHAR };
	*out = (struct datum){ .kind = DATUM_NULL };
	length = take_type(c, version, type);
	switch (length) {
	case LENGTH_FIXED:
		bytes = take_bytes(c, (size_t)type->size);
		break;
	case LENGTH_BYTE:
		len = take_u8(c);
		if (len)
			bytes = take_bytes(c, len);
		break;
	case LENGTH_SHORT:
		len = take_u16(c);
		if (len != 0xffff)
			bytes = take_bytes(c, len);
		break;
	case LENGTH_LONG:
		len = take_u32(c);
		if (len != UINT32_MAX)
			bytes = take_bytes(c, len);
		break;
	case LENGTH_PARTS:
		if (!take_parts(c, arena, &bytes))
			bytes = SV_NULL;
		break;
	}
	if (bytes.ptr && !c->broken)
		*out = of_bytes(bytes, type, arena);
}
