/*
 * strbuf.h - text that grows, up to a limit given at the start
 *
 * Past the limit nothing more is added and `overflow` stays set, so a caller
 * checks once, at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct strbuf {
	char *ptr;
	size_t len;
	size_t size;
	size_t max;
	bool overflow;
};

#define STRBUF_INIT(max_size)                                                  \
	{                                                                      \
		NULL, 0, 0, (max_size), false                                  \
	}
#define STRBUF_NO_LIMIT ((size_t)1 << 40)

void strbuf_release(struct strbuf *sb);
static inline void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	sb->overflow = false;
}

/* Room for `len` more bytes at the returned place; then strbuf_grew(). NULL
 * when that would pass the limit. */
char *strbuf_grow(struct strbuf *sb, size_t len);
static inline char *strbuf_room(struct strbuf *sb, size_t len)
{
	if (len < sb->size - sb->len && sb->size <= sb->max)
		return sb->ptr + sb->len;
	return strbuf_grow(sb, len);
}
static inline void strbuf_grew(struct strbuf *sb, size_t len)
{
	sb->len += len;
}

static inline void strbuf_add(struct strbuf *sb, const void *ptr, size_t len)
{
	char *room = strbuf_room(sb, len);

	if (!room || !len)
		return;
	memcpy(room, ptr, len);
	sb->len += len;
}
static inline void strbuf_addc(struct strbuf *sb, char c)
{
	char *room = strbuf_room(sb, 1);

	if (!room)
		return;
	*room = c;
	sb->len++;
}
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addsv(struct strbuf *sb, struct sv s);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Borrowed until the buffer changes. */
static inline struct sv strbuf_sv(const struct strbuf *sb)
{
	return sv_make(sb->ptr, sb->len);
}

/* NUL terminated, borrowed until the buffer changes; "" when empty. */
const char *strbuf_cstr(struct strbuf *sb);

/* Base64 (RFC 4648 section 4), one line, padded. */
void strbuf_add_base64(struct strbuf *sb, struct sv bytes);
/* 1: decoded and added, white space inside is passed over; 0: not base64 */
int strbuf_add_unbase64(struct strbuf *sb, struct sv text);
void strbuf_add_hex(struct strbuf *sb, struct sv bytes);
/* 1: decoded and added; 0: not an even number of hex digits */
int strbuf_add_unhex(struct strbuf *sb, struct sv text);

#endif
