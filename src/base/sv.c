/*
 * sv.c - compare, search and read views
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sv.h"

int sv_cmp(struct sv a, struct sv b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (c)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool sv_ieq_same_length(struct sv a, struct sv b)
{
	size_t i;

	for (i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool sv_ieq_str(struct sv a, const char *b)
{
	size_t i;

	/* without the length of b: tables of names are searched by this */
	for (i = 0; i < a.len; i++)
		if (!b[i] || lower(a.ptr[i]) != lower(b[i]))
			return false;
	return !b[i];
}

bool sv_starts(struct sv s, struct sv prefix)
{
	return s.len >= prefix.len && sv_eq(sv_sub(s, 0, prefix.len), prefix);
}

bool sv_ends(struct sv s, struct sv suffix)
{
	return s.len >= suffix.len &&
	       sv_eq(sv_sub(s, s.len - suffix.len, s.len), suffix);
}

size_t sv_find(struct sv s, char c, size_t from)
{
	const char *hit;

	if (from >= s.len)
		return s.len;
	hit = memchr(s.ptr + from, c, s.len - from);
	return hit ? (size_t)(hit - s.ptr) : s.len;
}

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sv sv_trim(struct sv s)
{
	while (s.len && blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

int sv_to_i64(struct sv s, int64_t *out)
{
	bool negative = false;
	uint64_t limit = INT64_MAX;
	uint64_t n = 0;
	size_t i = 0;

	if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
		negative = s.ptr[0] == '-';
		i = 1;
	}
	if (negative)
		limit++;
	if (i == s.len)
		return 0;
	for (; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

		if (digit > 9 || n > (limit - digit) / 10)
			return 0;
		n = n * 10 + digit;
	}
	*out = negative ? (int64_t)(0 - n) : (int64_t)n;
	return 1;
}

#define NEAREST_MAX 64

static size_t distance(struct sv a, struct sv b)
{
	size_t row[NEAREST_MAX + 1];
	size_t i;
	size_t j;

	for (j = 0; j <= b.len; j++)
		row[j] = j;
	for (i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= b.len; j++) {
			size_t same = lower(a.ptr[i - 1]) ==
				      lower(b.ptr[j - 1]);
			size_t best = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *sv_nearest(struct sv word, const char *const *names, size_t count)
{
	const char *best = NULL;
	size_t best_distance = word.len / 3 + 2;
	size_t i;

	if (word.len > NEAREST_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		struct sv name = sv_from(names[i]);
		size_t d;

		if (name.len > NEAREST_MAX)
			continue;
		d = distance(word, name);
		if (d < best_distance) {
			best_distance = d;
			best = names[i];
		}
	}
	return best;
}
