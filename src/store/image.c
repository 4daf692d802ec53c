/*
 * image.c - images: look up, lay over, compare, encode and decode
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/image.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_VERSION 1

/* Where it is or would be. Numbers of attributes that belong together follow
 * one another: mostly it stands as far from the first one as its number says,
 * and it never stands behind that. */
static size_t position(const struct image *image, uint32_t attr)
{
	size_t low = 0;
	size_t high = image->len;
	uint32_t first;

	if (!high)
		return 0;
	first = image->attrs[0].attr;
	if (attr <= first)
		return 0;
	if (attr > image->attrs[high - 1].attr)
		return high;
	if (attr - first < high) {
		high = attr - first;
		if (image->attrs[high].attr == attr)
			return high;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->attrs[middle].attr < attr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct values *image_get(const struct image *image, uint32_t attr)
{
	size_t at = position(image, attr);

	if (at < image->len && image->attrs[at].attr == attr)
		return &image->attrs[at].values;
	return NULL;
}

bool image_has(const struct image *image, uint32_t attr)
{
	size_t at = position(image, attr);

	return at < image->len && image->attrs[at].attr == attr;
}

static void grow(struct image *image, struct arena *arena)
{
	size_t size = image->size ? image->size * 2 : 16;
	struct image_attr *attrs;

	while (size <= image->len)
		size *= 2;
	attrs = arena_alloc(arena, size * sizeof(*attrs));
	if (image->len)
		memcpy(attrs, image->attrs, image->len * sizeof(*attrs));
	image->attrs = attrs;
	image->size = size;
}

void image_put(struct image *change, uint32_t attr, struct values values,
	       struct arena *arena)
{
	size_t at = position(change, attr);

	if (at < change->len && change->attrs[at].attr == attr) {
		change->attrs[at].values = values;
		return;
	}
	if (change->len >= change->size)
		grow(change, arena);
	memmove(change->attrs + at + 1, change->attrs + at,
		(change->len - at) * sizeof(*change->attrs));
	change->attrs[at].attr = attr;
	change->attrs[at].values = values;
	change->len++;
}

void image_set(struct image *image, uint32_t attr, struct values values,
	       struct arena *arena)
{
	size_t at;

	if (values.len) {
		image_put(image, attr, values, arena);
		return;
	}
	at = position(image, attr);
	if (at == image->len || image->attrs[at].attr != attr)
		return;
	image->len--;
	memmove(image->attrs + at, image->attrs + at + 1,
		(image->len - at) * sizeof(*image->attrs));
}

void image_apply(struct image *image, const struct image *change,
		 struct arena *arena)
{
	size_t i;

	for (i = 0; i < change->len; i++)
		image_set(image, change->attrs[i].attr, change->attrs[i].values,
			  arena);
}

struct image image_copy(const struct image *image, struct arena *arena)
{
	struct image copy = { NULL, image->len, image->len + 8 };

	copy.attrs = arena_alloc(arena, copy.size * sizeof(*copy.attrs));
	if (image->len)
		memcpy(copy.attrs, image->attrs,
		       image->len * sizeof(*copy.attrs));
	return copy;
}

struct image image_dup(const struct image *image, struct arena *arena)
{
	struct image copy = image_copy(image, arena);
	size_t i;

	for (i = 0; i < copy.len; i++)
		copy.attrs[i].values =
			values_dup(&image->attrs[i].values, arena);
	return copy;
}

bool image_identical(const struct image *a, const struct image *b)
{
	size_t i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		if (a->attrs[i].attr != b->attrs[i].attr ||
		    !values_identical(&a->attrs[i].values, &b->attrs[i].values))
			return false;
	return true;
}

struct image image_diff(const struct image *from, const struct image *to,
			struct arena *arena)
{
	struct image diff = IMAGE_EMPTY;
	const struct values none = { NULL, 0 };
	size_t i = 0;
	size_t j = 0;

	while (i < from->len || j < to->len) {
		const struct image_attr *old = from->attrs + i;
		const struct image_attr *new = to->attrs + j;

		if (j == to->len || (i < from->len && old->attr < new->attr)) {
			image_put(&diff, old->attr, none, arena);
			i++;
		} else if (i == from->len || new->attr < old->attr) {
			image_put(&diff, new->attr, new->values, arena);
			j++;
		} else {
			if (!values_identical(&old->values, &new->values))
				image_put(&diff, new->attr, new->values, arena);
			i++;
			j++;
		}
	}
	return diff;
}

#define NUMBER_MAX 10

static inline char *put_number(char *to, uint64_t number)
{
	while (number > 0x7f) {
		*to++ = (char)((number & 0x7f) | 0x80);
		number >>= 7;
	}
	*to++ = (char)number;
	return to;
}

void image_encode_number(uint64_t number, struct strbuf *out)
{
	char bytes[NUMBER_MAX];

	strbuf_add(out, bytes, (size_t)(put_number(bytes, number) - bytes));
}

int image_decode_number(struct sv bytes, size_t *at, uint64_t *out)
{
	unsigned shift = 0;
	*out = 0;
	while (*at < bytes.len && shift < 64) {
		unsigned char c = (unsigned char)bytes.ptr[(*at)++];

		*out |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return 1;
		shift += 7;
	}
	return 0;
}

/* Most numbers are of one byte. */
static inline int decode_number(struct sv bytes, size_t *at, uint64_t *out)
{
	if (*at < bytes.len && !(bytes.ptr[*at] & 0x80)) {
		*out = (unsigned char)bytes.ptr[(*at)++];
		return 1;
	}
	return image_decode_number(bytes, at, out);
}

/* Small numbers of either sign become small ones. */
static uint64_t zigzag(int64_t n)
{
	return ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
}

static int64_t unzigzag(uint64_t n)
{
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* At most as many bytes. */
static size_t value_room(const struct value *value)
{
	return 1 + NUMBER_MAX + value->text.len;
}

static char *put_value(char *to, const struct value *value)
{
	*to++ = (char)value->type;
	switch (value->type) {
	case VALUE_NULL:
		break;
	case VALUE_STRING:
	case VALUE_BINARY:
		to = put_number(to, value->text.len);
		if (value->text.len)
			memcpy(to, value->text.ptr, value->text.len);
		to += value->text.len;
		break;
	case VALUE_INTEGER:
	case VALUE_BOOLEAN:
	case VALUE_DATETIME:
	case VALUE_REFERENCE:
		to = put_number(to, zigzag(value->number));
		break;
	}
	return to;
}

void image_encode_value(const struct value *value, struct strbuf *out)
{
	char *to = strbuf_room(out, value_room(value));

	if (to)
		out->len += (size_t)(put_value(to, value) - to);
}

static uint32_t store_number(const struct attr_map *map, uint32_t attr)
{
	return attr < map->to_store_len ? map->to_store[attr] : 0;
}

void image_encode(const struct image *image, const struct attr_map *map,
		  struct strbuf *out)
{
	size_t room = 1 + NUMBER_MAX;
	char *from;
	char *to;
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++) {
		const struct values *values = &image->attrs[i].values;

		room += 2 * NUMBER_MAX;
		for (k = 0; k < values->len; k++)
			room += value_room(&values->at[k]);
	}
	from = strbuf_room(out, room);
	if (!from)
		return;
	to = from;
	*to++ = IMAGE_VERSION;
	to = put_number(to, image->len);
	for (i = 0; i < image->len; i++) {
		const struct image_attr *attr = &image->attrs[i];

		to = put_number(to, store_number(map, attr->attr));
		to = put_number(to, attr->values.len);
		for (k = 0; k < attr->values.len; k++)
			to = put_value(to, &attr->values.at[k]);
	}
	out->len += (size_t)(to - from);
}

int image_decode_value(struct sv bytes, size_t *at, struct value *out)
{
	uint64_t number;
	int type;

	if (*at >= bytes.len)
		return 0;
	type = (unsigned char)bytes.ptr[(*at)++];
	if (type < VALUE_STRING || type > VALUE_REFERENCE ||
	    !decode_number(bytes, at, &number))
		return 0;
	out->type = (enum value_type)type;
	out->number = 0;
	out->text = SV_NULL;
	if (type == VALUE_STRING || type == VALUE_BINARY) {
		if (number > bytes.len - *at)
			return 0;
		out->text = sv_make(bytes.ptr + *at, (size_t)number);
		*at += (size_t)number;
	} else {
		out->number = unzigzag(number);
	}
	return 1;
}

/* The head of an attribute: its number and how many values it has. */
static int decode_head(struct sv bytes, size_t *at, const struct attr_map *map,
		       uint32_t *attr, size_t *count_out)
{
	uint64_t number;
	uint64_t count;

	if (!decode_number(bytes, at, &number) ||
	    !decode_number(bytes, at, &count) ||
	    number >= map->from_store_len || count > bytes.len - *at)
		return 0;
	*attr = map->from_store[number];
	*count_out = (size_t)count;
	return 1;
}

/* `single`: where the values go when there is one. */
static int decode_attr(struct sv bytes, size_t *at, const struct attr_map *map,
		       struct arena *arena, struct value *single,
		       struct image_attr *out)
{
	size_t i;

	if (!decode_head(bytes, at, map, &out->attr, &out->values.len))
		return 0;
	out->values.at = single;
	if (out->values.len != 1)
		out->values.at = arena_alloc(
			arena, out->values.len * sizeof(struct value));
	for (i = 0; i < out->values.len; i++)
		if (!image_decode_value(bytes, at, &out->values.at[i]))
			return 0;
	return 1;
}

static int order_targets(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* 1: it was one of references, which are taken; 0: it is not; -1: damaged */
static int decode_set(struct sv bytes, size_t *at, const struct attr_map *map,
		      struct arena *arena, struct image_set *out)
{
	size_t from = *at;
	bool sorted = true;
	struct value value;
	size_t i;

	if (!decode_head(bytes, at, map, &out->attr, &out->len))
		return -1;
	if (!out->len || bytes.ptr[*at] != VALUE_REFERENCE) {
		*at = from;
		return 0;
	}
	out->targets = arena_array(arena, out->len, sizeof(*out->targets));
	for (i = 0; i < out->len; i++) {
		if (!image_decode_value(bytes, at, &value))
			return -1;
		out->targets[i] = value.number;
		sorted &= !i || out->targets[i - 1] < value.number;
	}
	if (!sorted)
		qsort(out->targets, out->len, sizeof(*out->targets),
		      order_targets);
	return 1;
}

int image_decode_sets(struct sv bytes, const struct attr_map *map,
		      struct arena *arena, struct image *out,
		      struct image_set **sets_out, size_t *count_out,
		      struct error *err)
{
	uint64_t count = 0;
	size_t at = 1;
	size_t i;

	*out = IMAGE_EMPTY;
	*count_out = 0;
	if (!bytes.len)
		return 0;
	if (bytes.ptr[0] != IMAGE_VERSION ||
	    !decode_number(bytes, &at, &count) || count > bytes.len)
		goto damaged;
	*sets_out = arena_array(arena, (size_t)count + 1, sizeof(**sets_out));
	for (i = 0; i < count; i++) {
		struct image_attr attr;
		int ret = decode_set(bytes, &at, map, arena,
				     &(*sets_out)[*count_out]);

		if (ret < 0 ||
		    (!ret &&
		     !decode_attr(bytes, &at, map, arena,
				  arena_alloc(arena, sizeof(struct value)),
				  &attr)))
			goto damaged;
		if (ret)
			++*count_out;
		else
			image_put(out, attr.attr, attr.values, arena);
	}
	if (at == bytes.len)
		return 0;
damaged:
	*out = IMAGE_EMPTY;
	*count_out = 0;
	return error_set(err, ERR_CORRUPT,
			 "a stored image is damaged at byte %zu of %zu", at,
			 bytes.len);
}

int image_decode(struct sv bytes, const struct attr_map *map,
		 struct arena *arena, struct image *out, struct error *err)
{
	struct value *singles;
	uint64_t count = 0;
	size_t at = 1;
	bool sorted = true;
	size_t i;

	*out = IMAGE_EMPTY;
	if (!bytes.len)
		return 0;
	if (bytes.ptr[0] != IMAGE_VERSION ||
	    !decode_number(bytes, &at, &count) || count > bytes.len)
		goto damaged;
	singles = arena_alloc(arena, (size_t)count * sizeof(*singles));
	out->size = (size_t)count + 4;
	out->attrs = arena_alloc(arena, out->size * sizeof(*out->attrs));
	for (i = 0; i < count; i++) {
		if (!decode_attr(bytes, &at, map, arena, &singles[i],
				 &out->attrs[i]))
			goto damaged;
		if (i && out->attrs[i].attr <= out->attrs[i - 1].attr)
			sorted = false;
	}
	out->len = (size_t)count;
	if (at != bytes.len)
		goto damaged;
	if (!sorted) {
		struct image unsorted = *out;

		*out = IMAGE_EMPTY;
		for (i = 0; i < unsorted.len; i++)
			image_put(out, unsorted.attrs[i].attr,
				  unsorted.attrs[i].values, arena);
	}
	return 0;
damaged:
	*out = IMAGE_EMPTY;
	return error_set(err, ERR_CORRUPT,
			 "a stored image is damaged at byte %zu of %zu", at,
			 bytes.len);
}
