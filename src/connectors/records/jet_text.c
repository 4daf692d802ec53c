/*
 * jet_text.c - the bytes of Access's values as text
 *
 * Numbers keep all their digits; what cannot be a value of its kind is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/jet.h"

#include "base/strbuf.h"
#include "base/text.h"
#include "connectors/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- text -------------------------------------------------------------- */

/* One unit of UTF-16; those that make one character come together. */
static void put_unit(struct strbuf *out, unsigned unit, unsigned *high)
{
	char bytes[4];
	int32_t c = (int32_t)unit;

	if (*high && unit >= 0xDC00 && unit < 0xE000)
		c = (int32_t)(0x10000 + ((*high - 0xD800) << 10) +
			      (unit - 0xDC00));
	else if (*high)
		strbuf_add(out, bytes, text_put(0xFFFD, bytes));
	*high = 0;
	if (c == (int32_t)unit && unit >= 0xD800 && unit < 0xDC00) {
		*high = unit;
		return;
	}
	if (c == (int32_t)unit && unit >= 0xDC00 && unit < 0xE000)
		c = 0xFFFD;
	strbuf_add(out, bytes, text_put(c, bytes));
}

/* Behind FF FE stands one byte for a character; a zero changes to two bytes,
 * and back. */
static void put_compressed(struct strbuf *out, struct sv bytes, unsigned *high)
{
	bool wide = false;
	size_t at = 2;

	while (at < bytes.len) {
		if (!bytes.ptr[at]) {
			wide = !wide;
			at++;
		} else if (!wide) {
			put_unit(out, (unsigned char)bytes.ptr[at++], high);
		} else if (at + 2 <= bytes.len) {
			put_unit(out, jet_u16(bytes, at), high);
			at += 2;
		} else {
			break;
		}
	}
}

struct sv jet_unicode(struct sv bytes, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	unsigned high = 0;
	struct sv text;
	size_t at;

	if (bytes.len >= 2 && jet_u16(bytes, 0) == 0xFEFF)
		put_compressed(&out, bytes, &high);
	else
		for (at = 0; at + 2 <= bytes.len; at += 2)
			put_unit(&out, jet_u16(bytes, at), &high);
	if (high)
		strbuf_adds(&out, "\xEF\xBF\xBD");
	text = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

static struct sv base64(struct sv bytes, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text;

	strbuf_add_base64(&out, bytes);
	text = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

/* --- numbers ----------------------------------------------------------- */

static uint64_t u64(struct sv s, size_t at)
{
	return jet_u32(s, at) | (uint64_t)jet_u32(s, at + 4) << 32;
}

/* Digits with a point before the last `scale`; zeros behind it say nothing. */
static struct sv decimal(bool negative, const char *digits, size_t scale,
			 struct arena *arena)
{
	size_t len = strlen(digits);
	size_t whole = len > scale ? len - scale : 0;
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text;

	if (negative && strspn(digits, "0") < len)
		strbuf_addc(&out, '-');
	strbuf_add(&out, digits, whole);
	if (!whole)
		strbuf_addc(&out, '0');
	if (scale) {
		strbuf_addc(&out, '.');
		for (; scale > len; scale--)
			strbuf_addc(&out, '0');
		strbuf_adds(&out, digits + whole);
	}
	text = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	while (scale && text.ptr[text.len - 1] == '0')
		text.len--;
	if (scale && text.ptr[text.len - 1] == '.')
		text.len--;
	return text;
}

static struct sv money(int64_t value, struct arena *arena)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	return decimal(value < 0, arena_printf(arena, "%" PRIu64, size), 4,
		       arena);
}

/* A sign, and 128 bits as four words of which the first weighs most. */
static struct sv numeric(struct sv bytes, unsigned scale, struct arena *arena)
{
	uint32_t words[4];
	char digits[48];
	size_t at = sizeof(digits);
	bool more = true;
	size_t i;

	if (scale > 38)
		return SV_NULL;
	for (i = 0; i < 4; i++)
		words[i] = jet_u32(bytes, 1 + i * 4);
	digits[--at] = '\0';
	while (more && at) {
		uint64_t rest = 0;

		more = false;
		for (i = 0; i < 4; i++) {
			rest = rest << 32 | words[i];
			words[i] = (uint32_t)(rest / 10);
			rest %= 10;
			more = more || words[i];
		}
		digits[--at] = (char)('0' + rest);
	}
	return decimal(bytes.ptr[0] != 0, &digits[at], scale, arena);
}

/* The shortest text that is this number. */
static struct sv single(struct sv bytes, struct arena *arena)
{
	uint32_t bits = jet_u32(bytes, 0);
	const char *text;
	float value;

	memcpy(&value, &bits, sizeof(value));
	text = arena_printf(arena, "%.7g", (double)value);
	if (strtof(text, NULL) != value)
		text = arena_printf(arena, "%.9g", (double)value);
	return isfinite(value) ? sv_from(text) : SV_NULL;
}

static double real(struct sv bytes)
{
	uint64_t bits = u64(bytes, 0);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static struct sv floating(double value, struct arena *arena)
{
	const char *text = arena_printf(arena, "%.15g", value);

	if (strtod(text, NULL) != value)
		text = arena_printf(arena, "%.17g", value);
	return isfinite(value) ? sv_from(text) : SV_NULL;
}

/* --- the rest ---------------------------------------------------------- */

#define TICKS_OF_DAY INT64_C(864000000000)

static struct sv moment(int64_t days, int64_t ticks, const struct zone *zone,
			struct arena *arena)
{
	static const struct sv both = { "yyyy-MM-ddTHH:mm:ssZ", 20 };
	struct value origin;

	(void)value_parse(VALUE_DATETIME, SV_LIT("1899-12-30T00:00:00Z"),
			  SV_NULL, &origin);
	return format_datetime(
		zone_to_utc(zone, origin.number + days * TICKS_OF_DAY + ticks),
		both, arena);
}

/* Days since the end of 1899; the part behind the point counts on, also of a
 * day before. */
static struct sv date(double value, const struct zone *zone,
		      struct arena *arena)
{
	double days = trunc(value);
	double seconds = nearbyint(fabs(value - days) * 86400);

	if (!(value > -657435 && value < 2958466)) /* the years 100 to 9999 */
		return SV_NULL;
	return moment((int64_t)days, (int64_t)seconds * 10000000, zone, arena);
}

/* "DAYS:TICKS:7": days since the year 1, and parts of the day. */
static struct sv long_date(struct sv bytes, const struct zone *zone,
			   struct arena *arena)
{
	size_t colon = sv_find(bytes, ':', 0);
	size_t end = colon < bytes.len ? sv_find(bytes, ':', colon + 1) : 0;
	int64_t days;
	int64_t ticks;

	if (!end || !sv_to_i64(sv_sub(bytes, 0, colon), &days) ||
	    !sv_to_i64(sv_sub(bytes, colon + 1, end), &ticks) || days < 0 ||
	    days > 3652058 || ticks < 0 || ticks >= TICKS_OF_DAY)
		return SV_NULL;
	return moment(days - 693593, ticks, zone, arena);
}

static struct sv guid(struct sv b, struct arena *arena)
{
	const unsigned char *tail = (const unsigned char *)b.ptr + 8;

	return sv_from(arena_printf(
		arena, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		jet_u32(b, 0), jet_u16(b, 4), jet_u16(b, 6), tail[0], tail[1],
		tail[2], tail[3], tail[4], tail[5], tail[6], tail[7]));
}

/* How many bytes a value of the kind has; 0: any. */
static size_t bytes_of(enum jet_kind kind)
{
	switch (kind) {
	case JET_BOOLEAN:
	case JET_BYTE:
		return 1;
	case JET_SHORT:
		return 2;
	case JET_LONG:
	case JET_SINGLE:
		return 4;
	case JET_MONEY:
	case JET_DOUBLE:
	case JET_DATETIME:
	case JET_BIG:
		return 8;
	case JET_GUID:
		return 16;
	case JET_NUMERIC:
		return 17;
	case JET_BINARY:
	case JET_TEXT:
	case JET_OLE:
	case JET_MEMO:
	case JET_COMPLEX:
	case JET_DATETIME_LONG:
		break;
	}
	return 0;
}

static struct sv integer(int64_t value, struct arena *arena)
{
	return sv_from(arena_printf(arena, "%" PRId64, value));
}

struct sv jet_text(const struct jet_column *column, struct sv bytes,
		   const struct zone *zone, struct arena *arena)
{
	size_t width = bytes_of(column->kind);

	if (width && bytes.len != width)
		return SV_NULL;
	switch (column->kind) {
	case JET_BOOLEAN:
		return bytes.ptr[0] ? SV_LIT("true") : SV_LIT("false");
	case JET_BYTE:
		return integer((unsigned char)bytes.ptr[0], arena);
	case JET_SHORT:
		return integer((int16_t)jet_u16(bytes, 0), arena);
	case JET_LONG:
		return integer((int32_t)jet_u32(bytes, 0), arena);
	case JET_BIG:
		return integer((int64_t)u64(bytes, 0), arena);
	case JET_MONEY:
		return money((int64_t)u64(bytes, 0), arena);
	case JET_SINGLE:
		return single(bytes, arena);
	case JET_DOUBLE:
		return floating(real(bytes), arena);
	case JET_DATETIME:
		return date(real(bytes), zone, arena);
	case JET_DATETIME_LONG:
		return long_date(bytes, zone, arena);
	case JET_GUID:
		return guid(bytes, arena);
	case JET_NUMERIC:
		return numeric(bytes, column->scale, arena);
	case JET_TEXT:
	case JET_MEMO:
		return jet_unicode(bytes, arena);
	case JET_BINARY:
	case JET_OLE:
		return base64(bytes, arena);
	case JET_COMPLEX:
		break;
	}
	return SV_NULL;
}
