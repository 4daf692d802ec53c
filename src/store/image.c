/*
 * image.c - images: look up, lay over, compare, encode and decode
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/image.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_VERSION 1

/* Where it is or would be. Numbers of attributes that belong together often
 * follow one another: then it stands as far from the first one as its number
 * says. Else it is searched for without a branch that could be guessed wrong.
 */
static inline size_t position(const struct image *image, uint32_t attr)
{
	const struct image_attr *attrs = image->attrs;
	size_t left = image->len;
	size_t at = 0;

	if (!left || attr > attrs[left - 1].attr)
		return left;
	if (attr - attrs[0].attr < left &&
	    attrs[attr - attrs[0].attr].attr == attr)
		return attr - attrs[0].attr;
	while (left > 1) {
		size_t half = left / 2;

		at += attrs[at + half - 1].attr < attr ? half : 0;
		left -= half;
	}
	return at + (attrs[at].attr < attr);
}

const struct values *image_get(const struct image *image, uint32_t attr)
{
	size_t at = position(image, attr);

	if (at < image->len && image->attrs[at].attr == attr)
		return &image->attrs[at].values;
	return NULL;
}

const struct values *image_get_near(const struct image *image, uint32_t attr,
				    size_t *place)
{
	size_t at = *place;

	if (at >= image->len || image->attrs[at].attr != attr) {
		at = position(image, attr);
		if (at == image->len || image->attrs[at].attr != attr)
			return NULL;
		*place = at;
	}
	return &image->attrs[at].values;
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
	if (at < change->len)
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
	size_t len = (size_t)(put_number(bytes, number) - bytes);

	strbuf_add(out, bytes, len);
}

/* What decodes takes the place of the next byte and gives that behind what was
 * decoded, or NULL: it is damaged. So all of it stays in registers. */
static const char *take_long_number(const char *at, const char *end,
				    uint64_t *out)
{
	unsigned shift = 0;

	*out = 0;
	while (at < end && shift < 64) {
		unsigned char c = (unsigned char)*at++;

		*out |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return at;
		shift += 7;
	}
	return NULL;
}

/* Most numbers are of one byte. */
static inline const char *take_number(const char *at, const char *end,
				      uint64_t *out)
{
	if (at < end && !(*at & 0x80)) {
		*out = (unsigned char)*at;
		return at + 1;
	}
	return take_long_number(at, end, out);
}

int image_decode_number(struct sv bytes, size_t *at, uint64_t *out)
{
	const char *from = bytes.ptr + *at;
	const char *to = take_number(from, bytes.ptr + bytes.len, out);

	if (!to)
		return 0;
	*at += (size_t)(to - from);
	return 1;
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

static inline const char *take_value(const char *at, const char *end,
				     struct value *out)
{
	uint64_t number;
	int type;

	if (at >= end)
		return NULL;
	type = (unsigned char)*at;
	if (type < VALUE_STRING || type > VALUE_REFERENCE)
		return NULL;
	at = take_number(at + 1, end, &number);
	if (!at)
		return NULL;
	out->type = (enum value_type)type;
	if (type == VALUE_STRING || type == VALUE_BINARY) {
		if (number > (uint64_t)(end - at))
			return NULL;
		out->number = 0;
		out->text = sv_make(at, (size_t)number);
		return at + number;
	}
	out->number = unzigzag(number);
	out->text = SV_NULL;
	return at;
}

int image_decode_value(struct sv bytes, size_t *at, struct value *out)
{
	const char *from = bytes.ptr + *at;
	const char *to = take_value(from, bytes.ptr + bytes.len, out);

	if (!to)
		return 0;
	*at += (size_t)(to - from);
	return 1;
}

/* The head of an attribute: its number and how many values it has. */
static inline const char *take_head(const char *at, const char *end,
				    const struct attr_map *map, uint32_t *attr,
				    size_t *count_out)
{
	uint64_t number;
	uint64_t count;

	at = take_number(at, end, &number);
	if (at)
		at = take_number(at, end, &count);
	if (!at || number >= map->from_store_len || count > (size_t)(end - at))
		return NULL;
	*attr = map->from_store[number];
	*count_out = (size_t)count;
	return at;
}

/* `single`: where the values go when there is one. */
static inline const char *take_attr(const char *at, const char *end,
				    const struct attr_map *map,
				    struct arena *arena, struct value *single,
				    struct image_attr *out)
{
	size_t i;

	at = take_head(at, end, map, &out->attr, &out->values.len);
	if (!at)
		return NULL;
	out->values.at = single;
	if (out->values.len == 1)
		return take_value(at, end, single);
	out->values.at =
		arena_alloc(arena, out->values.len * sizeof(struct value));
	for (i = 0; at && i < out->values.len; i++)
		at = take_value(at, end, &out->values.at[i]);
	return at;
}

static int order_targets(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* One of references is taken; of anything else nothing is, and *at stays. */
static const char *take_set(const char *at, const char *end,
			    const struct attr_map *map, struct arena *arena,
			    struct image_set *out)
{
	const char *from = at;
	bool sorted = true;
	struct value value;
	size_t i;

	at = take_head(at, end, map, &out->attr, &out->len);
	if (!at)
		return NULL;
	if (!out->len || *at != VALUE_REFERENCE)
		return from;
	out->targets = arena_array(arena, out->len, sizeof(*out->targets));
	for (i = 0; i < out->len; i++) {
		at = take_value(at, end, &value);
		if (!at)
			return NULL;
		out->targets[i] = value.number;
		sorted &= !i || out->targets[i - 1] < value.number;
	}
	if (!sorted)
		qsort(out->targets, out->len, sizeof(*out->targets),
		      order_targets);
	return at;
}

static int damaged(struct image *out, struct sv bytes, const char *at,
		   struct error *err)
{
	*out = IMAGE_EMPTY;
	return error_set(err, ERR_CORRUPT,
			 "a stored image is damaged at byte %zu of %zu",
			 (size_t)(at - bytes.ptr), bytes.len);
}

/* The version and the number of attributes. */
static const char *take_count(const char *at, const char *end, uint64_t *out)
{
	if (*at != IMAGE_VERSION)
		return NULL;
	at = take_number(at + 1, end, out);
	return at && *out <= (uint64_t)(end - at) ? at : NULL;
}

int image_decode_sets(struct sv bytes, const struct attr_map *map,
		      struct arena *arena, struct image *out,
		      struct image_set **sets_out, size_t *count_out,
		      struct error *err)
{
	const char *end = bytes.ptr + bytes.len;
	const char *from = bytes.ptr;
	uint64_t count;
	const char *at;
	size_t i;

	*out = IMAGE_EMPTY;
	*count_out = 0;
	if (!bytes.len)
		return 0;
	at = take_count(from, end, &count);
	if (at)
		*sets_out = arena_array(arena, (size_t)count + 1,
					sizeof(**sets_out));
	for (i = 0; at && i < count; i++) {
		struct image_attr attr;

		from = at;
		at = take_set(from, end, map, arena, &(*sets_out)[*count_out]);
		if (at && at != from) {
			++*count_out;
			continue;
		}
		if (at)
			at = take_attr(at, end, map, arena,
				       arena_alloc(arena, sizeof(struct value)),
				       &attr);
		if (at)
			image_put(out, attr.attr, attr.values, arena);
	}
	if (at == end)
		return 0;
	*count_out = 0;
	return damaged(out, bytes, at ? at : from, err);
}

/* Attributes were stored when their numbers had another order. */
static void sort_attrs(struct image *image, struct arena *arena)
{
	struct image unsorted = *image;
	size_t i;

	*image = IMAGE_EMPTY;
	for (i = 0; i < unsorted.len; i++)
		image_put(image, unsorted.attrs[i].attr,
			  unsorted.attrs[i].values, arena);
}

int image_decode(struct sv bytes, const struct attr_map *map,
		 struct arena *arena, struct image *out, struct error *err)
{
	const char *end = bytes.ptr + bytes.len;
	const char *from = bytes.ptr;
	struct value *singles;
	bool sorted = true;
	uint64_t count;
	const char *at;
	size_t i;

	*out = IMAGE_EMPTY;
	if (!bytes.len)
		return 0;
	at = take_count(from, end, &count);
	if (!at)
		return damaged(out, bytes, from, err);
	singles = arena_alloc(arena, (size_t)count * sizeof(*singles));
	out->size = (size_t)count + 4;
	out->attrs = arena_alloc(arena, out->size * sizeof(*out->attrs));
	out->len = (size_t)count;
	for (i = 0; at && i < count; i++) {
		from = at;
		at = take_attr(from, end, map, arena, &singles[i],
			       &out->attrs[i]);
		sorted &= !i || !at ||
			  out->attrs[i].attr > out->attrs[i - 1].attr;
	}
	if (at != end)
		return damaged(out, bytes, at ? at : from, err);
	if (!sorted)
		sort_attrs(out, arena);
	return 0;
}
