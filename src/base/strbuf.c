/*
 * strbuf.c - growing text, base64 and hex
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/strbuf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void strbuf_release(struct strbuf *sb)
{
	mem_free(sb->ptr);
	sb->ptr = NULL;
	sb->len = 0;
	sb->size = 0;
	sb->overflow = false;
}

char *strbuf_grow(struct strbuf *sb, size_t len)
{
	size_t need;

	if (len > sb->max || sb->len > sb->max - len) {
		sb->overflow = true;
		return NULL;
	}
	need = sb->len + len + 1;
	if (need > sb->size) {
		size_t size = sb->size ? sb->size : 64;

		while (size < need)
			size *= 2;
		sb->ptr = mem_realloc(sb->ptr, size);
		sb->size = size;
	}
	return sb->ptr + sb->len;
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addsv(struct strbuf *sb, struct sv s)
{
	strbuf_add(sb, s.ptr, s.len);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	size_t left = sb->size - sb->len;
	va_list args;
	char *room;
	int len;

	/* mostly there is room for it */
	va_start(args, fmt);
	len = vsnprintf(left ? sb->ptr + sb->len : NULL, left, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	room = strbuf_room(sb, (size_t)len);
	if (!room)
		return;
	if ((size_t)len >= left) {
		va_start(args, fmt);
		(void)vsnprintf(room, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	sb->len += (size_t)len;
}

const char *strbuf_cstr(struct strbuf *sb)
{
	if (!sb->ptr)
		return "";
	sb->ptr[sb->len] = '\0';
	return sb->ptr;
}

static const char BASE64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void strbuf_add_base64(struct strbuf *sb, struct sv bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;
	size_t i;

	for (i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		unsigned n = (unsigned)p[i] << 16;
		char out[4];

		if (left > 1)
			n |= (unsigned)p[i + 1] << 8;
		if (left > 2)
			n |= p[i + 2];
		out[0] = BASE64[n >> 18];
		out[1] = BASE64[(n >> 12) & 63];
		out[2] = '=';
		out[3] = '=';
		if (left > 1)
			out[2] = BASE64[(n >> 6) & 63];
		if (left > 2)
			out[3] = BASE64[n & 63];
		strbuf_add(sb, out, 4);
	}
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

int strbuf_add_unbase64(struct strbuf *sb, struct sv text)
{
	unsigned bits = 0;
	unsigned held = 0;
	size_t digits = 0;
	size_t pads = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		int digit;

		if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		digit = base64_digit(c);
		if (digit < 0 || pads)
			return 0;
		digits++;
		bits = bits << 6 | (unsigned)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			strbuf_addc(sb, (char)(bits >> held & 0xff));
			bits &= (1U << held) - 1;
		}
	}
	return (digits + pads) % 4 == 0 && pads <= 2 && bits == 0;
}

void strbuf_add_hex(struct strbuf *sb, struct sv bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];

		strbuf_addc(sb, digits[c >> 4]);
		strbuf_addc(sb, digits[c & 15]);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int strbuf_add_unhex(struct strbuf *sb, struct sv text)
{
	size_t i;

	if (text.len % 2)
		return 0;
	for (i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.ptr[i]);
		int low = hex_digit(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return 0;
		strbuf_addc(sb, (char)(high << 4 | low));
	}
	return 1;
}
