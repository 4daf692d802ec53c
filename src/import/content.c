/*
 * content.c - hashes of what was read, which follow changes by value
 *
 * An object that is read again is known by a hash, kept with its anchor: of
 * its bytes where the connector gives them, else of its values. The latter is
 * the hash of what is not a reference set, plus the keyed hashes of all values
 * of the sets; so one value more is one addition, and after changes that a
 * delta told by value the whole set is known again without being read. The
 * sum is taken modulo 2^126: two bits say what kind of hash it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "base/text.h"
#include "model/dn.h"

#include <stdlib.h>

#define KIND        ((uint64_t)3 << 62)
#define KIND_VALUES ((uint64_t)2 << 62)
#define KIND_RAW    ((uint64_t)3 << 62)

/* Numbers without a kind, as CONTENT_CONTAINER. */
#define UNLIKE      2
#define UNLIKE_SETS 3

static struct hash128 of_kind(struct hash128 hash, uint64_t kind)
{
	hash.high = (hash.high & ~KIND) | kind;
	return hash;
}

bool content_is_set(const struct attr_def *def)
{
	return def->multi && def->type == VALUE_REFERENCE;
}

struct hash128 content_of_value(const struct store *store, bool dn,
				uint32_t number, struct sv text,
				struct arena *arena)
{
	const struct hash_key *key = store_hash_key(store);
	struct {
		uint64_t number;
		struct hash128 text;
	} all = { number, { 0, 0 } };

	all.text = hash128(key,
			   dn ? dn_fold(text, arena) : text_fold(text, arena));
	return hash128(key, sv_make((const char *)&all, sizeof(all)));
}

struct hash128 content_plus(struct hash128 a, struct hash128 b)
{
	struct hash128 sum = { a.high + b.high, a.low + b.low };

	sum.high += sum.low < a.low;
	return sum;
}

struct hash128 content_minus(struct hash128 a, struct hash128 b)
{
	struct hash128 rest = { a.high - b.high, a.low - b.low };

	rest.high -= a.low < b.low;
	return rest;
}

static int order_hashes(const void *a, const void *b)
{
	const struct hash128 *x = a;
	const struct hash128 *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->high > y->high) - (x->high < y->high);
}

void content_add_all(struct hash128 *sum, struct hash128 *all, size_t len)
{
	size_t i;

	if (len > 1)
		qsort(all, len, sizeof(*all), order_hashes);
	for (i = 0; i < len; i++)
		if (!i || !hash128_eq(all[i], all[i - 1]))
			*sum = content_plus(*sum, all[i]);
}

struct hash128 content_of_values(struct hash128 others, struct hash128 sum)
{
	return of_kind(content_plus(others, sum), KIND_VALUES);
}

struct hash128 content_of_raw(struct hash128 bytes)
{
	return of_kind(bytes, KIND_RAW);
}

struct hash128 content_unlike(int64_t id)
{
	return (struct hash128){ UNLIKE, (uint64_t)id };
}

struct hash128 content_unlike_sets(int64_t id)
{
	return (struct hash128){ UNLIKE_SETS, (uint64_t)id };
}

bool content_by_values(struct hash128 content)
{
	return (content.high & KIND) == KIND_VALUES;
}

bool content_wants_values(struct hash128 content)
{
	return content_by_values(content) || content.high == UNLIKE_SETS;
}

struct hash128 content_follow(struct hash128 content, struct hash128 sum,
			      int64_t id)
{
	if (content_by_values(content))
		return content_of_values(content, sum);
	return content.high == UNLIKE ? content : content_unlike_sets(id);
}
