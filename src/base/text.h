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

/* Length of the longest valid prefix; s.len when all of it is UTF-8. */
size_t text_valid_prefix(struct sv s);
static inline bool text_is_utf8(struct sv s)
{
	return text_valid_prefix(s) == s.len;
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
