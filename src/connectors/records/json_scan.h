/*
 * json_scan.h - JSON (RFC 8259) in memory, with the bytes that each value has
 *
 * Strict: no comments, no trailing commas, strings are UTF-8 without control
 * characters. Nothing is allocated but strings with escapes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_JSON_SCAN_H
#define CONNECTORS_RECORDS_JSON_SCAN_H

#include "base/arena.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH 64 /* no value lies deeper */

struct json_scan {
	struct sv text;
	size_t at;
	unsigned depth;
	uint64_t objects;  /* bit n: at depth n it is an object */
	const char *error; /* what is wrong at text[at]; or NULL */
};

enum json_kind {
	JSON_BROKEN,
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_WORD, /* a number, true, false */
	JSON_NULL,
};

static inline struct json_scan json_scan(struct sv text)
{
	return (struct json_scan){ text, 0, 0, 0, NULL };
}

/* What begins here, behind white space. */
enum json_kind json_peek(struct json_scan *scan);
/* Passes over a whole value. false: it is broken. */
bool json_skip(struct json_scan *scan);
/* A string, decoded: a view, or from arena. */
bool json_scan_string(struct json_scan *scan, struct arena *arena,
		      struct sv *out);
/* A number, true, false or null, as it is written. */
bool json_word(struct json_scan *scan, struct sv *out);

/* Steps into an object or array ... */
bool json_enter(struct json_scan *scan);
/* ... and to its next member, which json_member() names and after which a value
 * must be read: true; false: it ended and was left, or is broken. */
bool json_more(struct json_scan *scan, bool first);
/* The name of an object's member, with the colon. */
bool json_member(struct json_scan *scan, struct arena *arena, struct sv *out);
/* There is nothing but white space left. */
bool json_end(struct json_scan *scan);

void json_add_string(struct strbuf *out, struct sv text);
/* Is the text a number, true or false as JSON writes it? */
bool json_is_word(struct sv text);

#endif
