/*
 * ad_forms.c - values that Active Directory keeps in forms of its own
 *
 * GUIDs and SIDs are bytes, or text where the configuration says string; a
 * count of 100 ns since 1601 is an integer, or a time where it says datetime.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"

#include "base/strbuf.h"
#include "base/text.h"

#include <inttypes.h>

/* The place of each byte in the text's order. */
static const unsigned char guid_order[16] = { 3, 2, 1,  0,  5,  4,  7,  6,
					      8, 9, 10, 11, 12, 13, 14, 15 };

struct sv ad_guid_text(struct sv bytes, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	char *out;
	size_t len = 0;
	size_t i;

	if (bytes.len != 16)
		return SV_NULL;
	out = arena_alloc(arena, 37);
	for (i = 0; i < 16; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[guid_order[i]];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[len++] = '-';
		out[len++] = digits[byte >> 4];
		out[len++] = digits[byte & 15];
	}
	out[len] = '\0';
	return sv_make(out, len);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct sv ad_guid_bytes(struct sv text, struct arena *arena)
{
	char *out = arena_alloc(arena, 17);
	size_t at = 0;
	size_t i;

	if (text.len == 38 && text.ptr[0] == '{' && text.ptr[37] == '}')
		text = sv_sub(text, 1, 37);
	if (text.len != 36)
		return SV_NULL;
	for (i = 0; i < 16; i++) {
		int high;
		int low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) &&
		    text.ptr[at++] != '-')
			return SV_NULL;
		high = digit_of(text.ptr[at++]);
		low = digit_of(text.ptr[at++]);
		if (high < 0 || low < 0)
			return SV_NULL;
		out[guid_order[i]] = (char)(high << 4 | low);
	}
	out[16] = '\0';
	return sv_make(out, 16);
}

#define MOST_PARTS 15 /* of a SID */

struct sv ad_sid_text(struct sv bytes, struct arena *arena)
{
	const unsigned char *at = (const unsigned char *)bytes.ptr;
	struct strbuf out = STRBUF_INIT(300);
	uint64_t authority = 0;
	struct sv text;
	size_t count;
	size_t i;

	if (bytes.len < 8 || at[1] > MOST_PARTS || bytes.len != 8 + 4U * at[1])
		return SV_NULL;
	count = at[1];
	for (i = 2; i < 8; i++)
		authority = authority << 8 | at[i];
	strbuf_addf(&out, "S-%u-%" PRIu64, at[0], authority);
	for (i = 0; i < count; i++) {
		const unsigned char *part = at + 8 + 4 * i;

		strbuf_addf(&out, "-%" PRIu32,
			    (uint32_t)part[0] | (uint32_t)part[1] << 8 |
				    (uint32_t)part[2] << 16 |
				    (uint32_t)part[3] << 24);
	}
	text = arena_dup(arena, sv_from(strbuf_cstr(&out)));
	strbuf_release(&out);
	return text;
}

/* The number at *at, which moves behind it and a hyphen. */
static bool take_number(struct sv text, size_t *at, uint64_t *out)
{
	size_t end = sv_find(text, '-', *at);
	int64_t number;

	if (end == *at || !sv_to_i64(sv_sub(text, *at, end), &number) ||
	    number < 0)
		return false;
	*out = (uint64_t)number;
	*at = end < text.len ? end + 1 : end;
	return true;
}

struct sv ad_sid_bytes(struct sv text, struct arena *arena)
{
	unsigned char *out = arena_zalloc(arena, 8 + 4 * MOST_PARTS + 1);
	size_t count = 0;
	size_t at = 2;
	uint64_t number;
	size_t i;

	if (text.len < 5 || text.ptr[text.len - 1] == '-' ||
	    (text.ptr[0] != 'S' && text.ptr[0] != 's') || text.ptr[1] != '-' ||
	    !take_number(text, &at, &number) || number > 255)
		return SV_NULL;
	out[0] = (unsigned char)number;
	if (!take_number(text, &at, &number))
		return SV_NULL;
	for (i = 0; i < 6; i++)
		out[7 - i] = (unsigned char)(number >> 8 * i);
	while (at < text.len) {
		if (count == MOST_PARTS || !take_number(text, &at, &number) ||
		    number > UINT32_MAX)
			return SV_NULL;
		for (i = 0; i < 4; i++)
			out[8 + 4 * count + i] =
				(unsigned char)(number >> 8 * i);
		count++;
	}
	out[1] = (unsigned char)count;
	return sv_make((char *)out, 8 + 4 * count);
}

/* Two bytes of UTF-16, little-endian. */
static char *put_unit(char *out, uint32_t unit)
{
	*out++ = (char)(unit & 0xff);
	*out++ = (char)(unit >> 8 & 0xff);
	return out;
}

struct sv ad_password_bytes(struct sv password, struct arena *arena)
{
	char *out = arena_alloc(arena, 2 * password.len + 5);
	char *end = put_unit(out, '"');
	size_t at = 0;

	if (!text_is_utf8(password))
		return password; /* in this form already */
	while (at < password.len) {
		uint32_t point = (uint32_t)text_next(password, &at);

		if (point < 0x10000) {
			end = put_unit(end, point);
			continue;
		}
		point -= 0x10000;
		end = put_unit(end, 0xd800 | point >> 10);
		end = put_unit(end, 0xdc00 | (point & 0x3ff));
	}
	end = put_unit(end, '"');
	*end = '\0';
	return sv_make(out, (size_t)(end - out));
}

/* ---- forms ---- */

static int read_bytes(const struct attr_def *def, struct sv bytes,
		      struct sv text, struct value *out)
{
	if (def->type != VALUE_STRING)
		return value_parse(def->type == VALUE_NULL ? VALUE_BINARY
							   : def->type,
				   bytes, def->format, out);
	*out = value_string(text);
	return text.len > 0;
}

static int read_guid(const struct attr_def *def, struct sv bytes,
		     struct arena *arena, struct value *out)
{
	return read_bytes(def, bytes, ad_guid_text(bytes, arena), out);
}

int ad_read_sid(const struct attr_def *def, struct sv bytes,
		struct arena *arena, struct value *out)
{
	return read_bytes(def, bytes, ad_sid_text(bytes, arena), out);
}

/* What is no such text goes as it is: the server judges it. */
static struct sv write_guid(const struct value *value, struct arena *arena)
{
	struct sv bytes = ad_guid_bytes(value->text, arena);

	return value->type == VALUE_STRING && bytes.len ? bytes : value->text;
}

struct sv ad_write_sid(const struct value *value, struct arena *arena)
{
	struct sv bytes = ad_sid_bytes(value->text, arena);

	return value->type == VALUE_STRING && bytes.len ? bytes : value->text;
}

static int read_time(const struct attr_def *def, struct sv bytes,
		     struct arena *arena, struct value *out)
{
	int64_t number;

	(void)arena;
	if (def->type != VALUE_DATETIME)
		return value_parse(def->type == VALUE_NULL ? VALUE_INTEGER
							   : def->type,
				   bytes, def->format, out);
	if (!sv_to_i64(bytes, &number))
		return 0;
	*out = value_datetime(number);
	return number <= 0 || number == INT64_MAX ? 2 : 1;
}

static struct sv write_time(const struct value *value, struct arena *arena)
{
	struct value number = value_integer(value->number);

	if (value->type != VALUE_DATETIME)
		return value_text(value, arena);
	return value_text(&number, arena);
}

static struct sv write_password(const struct value *value, struct arena *arena)
{
	return ad_password_bytes(value->text, arena);
}

#define GUID(n)                                                                \
	{                                                                      \
		.name = (n), .read = read_guid, .write = write_guid            \
	}
#define SID(n)                                                                 \
	{                                                                      \
		.name = (n), .read = ad_read_sid, .write = ad_write_sid        \
	}
#define TIME(n, without)                                                       \
	{                                                                      \
		.name = (n), .read = read_time, .write = write_time, .none = { \
			"" without,                                            \
			sizeof(without) - 1                                    \
		}                                                              \
	}
#define NEVER "9223372036854775807"

const struct ldap_form ad_forms[] = {
	GUID("objectGUID"),
	GUID("mS-DS-ConsistencyGuid"),
	GUID("msExchMailboxGuid"),
	GUID("schemaIDGUID"),
	SID("objectSid"),
	SID("sIDHistory"),
	SID("tokenGroups"),
	SID("msExchMasterAccountSid"),
	TIME("accountExpires", NEVER),
	TIME("badPasswordTime", ""),
	TIME("lastLogoff", ""),
	TIME("lastLogon", ""),
	TIME("lastLogonTimestamp", ""),
	TIME("lockoutTime", "0"),
	TIME("pwdLastSet", "0"),
	TIME("msDS-UserPasswordExpiryTimeComputed", ""),
	{ .name = "unicodePwd", .write = write_password },
	{ .name = NULL },
};
