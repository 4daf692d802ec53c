/*
 * sv.h - text and bytes: a pointer and a length, passed by value
 *
 * Directory data holds NUL bytes and is not always text, so no str* calls on
 * it. A view borrows its memory; who owns it is said where the view comes from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SV_H
#define BASE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sv {
	const char *ptr;
	size_t len;
};

#define SV_FMT    "%.*s"
#define SV_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""
#define SV_NULL   ((struct sv){ NULL, 0 })
#define SV_LIT(s) ((struct sv){ "" s, sizeof(s) - 1 })

static inline struct sv sv_make(const char *ptr, size_t len)
{
	return (struct sv){ ptr, len };
}

static inline struct sv sv_from(const char *str)
{
	return (struct sv){ str, str ? strlen(str) : 0 };
}

static inline bool sv_eq(struct sv a, struct sv b)
{
	if (a.len != b.len)
		return false;
	return !a.len || (a.ptr && b.ptr && !memcmp(a.ptr, b.ptr, a.len));
}

static inline bool sv_eq_str(struct sv a, const char *b)
{
	return sv_eq(a, sv_from(b));
}

/* Byte order; shorter first when one begins the other. */
int sv_cmp(struct sv a, struct sv b);

/* ASCII letters ignore case. For keywords, attribute and type names. */
bool sv_ieq_same_length(struct sv a, struct sv b);

static inline bool sv_ieq(struct sv a, struct sv b)
{
	return a.len == b.len && sv_ieq_same_length(a, b);
}

bool sv_ieq_str(struct sv a, const char *b);

bool sv_starts(struct sv s, struct sv prefix);
bool sv_ends(struct sv s, struct sv suffix);

/* Position of the first `c` at or after `from`, or s.len. */
size_t sv_find(struct sv s, char c, size_t from);

static inline struct sv sv_sub(struct sv s, size_t from, size_t to)
{
	return (struct sv){ s.ptr + from, to - from };
}

/* Without ASCII white space at both ends. */
struct sv sv_trim(struct sv s);

/* Decimal, optional sign, whole text, 64 bits: 1 read, 0 it is not one. */
int sv_to_i64(struct sv s, int64_t *out);

/*
 * The nearest of `names` to a mistyped `word` (edit distance, at most a third
 * of its length and one), or NULL. For "did you mean".
 */
const char *sv_nearest(struct sv word, const char *const *names, size_t count);

#endif
