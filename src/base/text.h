/*
 * text.h - UTF-8: validity, case folding, characters
 *
 * Folding is full Unicode case folding with canonical composition (utf8proc),
 * so that "Straße", "STRASSE" and a decomposed "é" compare as people expect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Is there no byte above 127? Short texts are looked at in two pieces. */
static inline bool text_is_ascii(struct sv s)
{
	uint64_t all = 0;
	uint64_t part;
	uint32_t half[2];
	size_t at;

	if (s.len >= sizeof(part)) {
		for (at = 0; at + sizeof(part) <= s.len; at += sizeof(part)) {
			memcpy(&part, s.ptr + at, sizeof(part));
			all |= part;
		}
		memcpy(&part, s.ptr + s.len - sizeof(part), sizeof(part));
		all |= part;
	} else if (s.len >= sizeof(*half)) {
		memcpy(&half[0], s.ptr, sizeof(*half));
		memcpy(&half[1], s.ptr + s.len - sizeof(*half), sizeof(*half));
		all = half[0] | half[1];
	} else {
		for (at = 0; at < s.len; at++)
			all |= (unsigned char)s.ptr[at];
	}
	return !(all & UINT64_C(0x8080808080808080));
}

/* Length of the longest valid prefix; s.len when all of it is UTF-8. */
size_t text_valid_prefix(struct sv s);
static inline bool text_is_utf8(struct sv s)
{
	return text_is_ascii(s) || text_valid_prefix(s) == s.len;
}

/* The form in which text is compared when case does not count. Plain ASCII
 * costs one pass; bytes that are not UTF-8 are kept as they are. */
struct sv text_fold(struct sv s, struct arena *arena);

/* Equal, ignoring case. */
bool text_ieq(struct sv a, struct sv b);
/* Order, ignoring case: by folded code points. */
int text_icmp(struct sv a, struct sv b);

/* Invariant lower and upper case, character by character. */
struct sv text_lower(struct sv s, struct arena *arena);
struct sv text_upper(struct sv s, struct arena *arena);

enum text_form { TEXT_NFC, TEXT_NFD, TEXT_NFKC, TEXT_NFKD };
/* Unicode normalisation; bytes that are not UTF-8 are kept as they are. */
struct sv text_normalise(struct sv s, enum text_form form, struct arena *arena);

/* Code points. A byte that is not UTF-8 counts as one. */
size_t text_len(struct sv s);
/* Columns that it takes on a terminal. */
size_t text_width(struct sv s);
/* Byte position of the n-th code point (0 based), or s.len. */
size_t text_offset(struct sv s, size_t n);
/* Reads one code point at `at`, moves it on; a bad byte gives U+FFFD. */
int32_t text_next(struct sv s, size_t *at);
/* Writes `c` as UTF-8 to `out` (4 bytes of room); its length. */
size_t text_put(int32_t c, char *out);

#endif
