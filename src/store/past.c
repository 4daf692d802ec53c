/*
 * past.c - what a row of the past holds, as bytes and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/past.h"

#include "base/seal.h"
#include "base/text.h"
#include "model/secret_attr.h"

#include <string.h>

bool past_secret(const struct store *store, uint32_t attr,
		 const struct values *values)
{
	if (values && values->len && seal_is(values->at[0].text))
		return true;
	return attr_is_secret(store_attr_name(store, attr));
}

/* What `all` has and `other` has not, both in order. */
static struct values without(const struct values *all,
			     const struct values *other, struct arena *arena)
{
	struct values out = { NULL, 0 };
	size_t i;
	size_t k = 0;

	out.at = arena_array(arena, all->len + 1, sizeof(*out.at));
	for (i = 0; i < all->len; i++) {
		int order = -1;

		while (k < other->len &&
		       (order = value_order(&all->at[i], &other->at[k])) > 0)
			k++;
		if (k == other->len || order != 0)
			out.at[out.len++] = all->at[i];
	}
	return out;
}

/* Borrowed when there is nothing to sort. */
static struct values in_order(const struct values *values, struct arena *arena)
{
	struct values out = { NULL, values ? values->len : 0 };
	size_t i;

	if (out.len <= 1)
		return out.len ? *values : out;

	out.at = arena_array(arena, out.len + 1, sizeof(*out.at));
	for (i = 0; i < out.len; i++)
		out.at[i] = values->at[i];
	values_canonical(&out);
	return out;
}

bool past_value(struct store *store, uint32_t attr, const struct values *from,
		const struct values *to, bool sent, struct arena *arena,
		struct past_value *out)
{
	struct values was = in_order(from, arena);
	struct values is = in_order(to, arena);

	memset(out, 0, sizeof(*out));
	out->attr = attr;
	out->gone = without(&was, &is, arena);
	out->come = without(&is, &was, arena);
	if (!out->gone.len && !out->come.len)
		return false;
	if (past_secret(store, attr, &was) || past_secret(store, attr, &is)) {
		out->secret = true;
		out->whole = true;
		out->gone.len = 0;
		out->come.len = 0;
	} else if (!sent && was.len <= out->gone.len) {
		/* all that it was went: what came is what is there now */
		out->whole = true;
		out->come.len = 0;
	}
	return true;
}

uint32_t past_sum(struct store *store, const struct value *value,
		  struct arena *arena)
{
	struct sv text = value->text;
	uint64_t sum;

	if (value->type == VALUE_STRING)
		text = text_fold(text, arena);
	if (value->type == VALUE_REFERENCE)
		text = SV_NULL;
	sum = hash64(store_hash_key(store), text);
	sum += ((uint64_t)value->number << 4 | (uint64_t)value->type) *
	       UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(sum >> 32);
}

struct values past_before(const struct past_value *value,
			  const struct values *now, struct arena *arena)
{
	struct values is = in_order(now, arena);
	struct values stays;
	struct values out = { NULL, 0 };
	size_t i;

	if (value->whole)
		return value->gone;
	stays = without(&is, &value->come, arena);
	out.at = arena_array(arena, stays.len + value->gone.len + 1,
			     sizeof(*out.at));
	for (i = 0; i < stays.len; i++)
		out.at[out.len++] = stays.at[i];
	for (i = 0; i < value->gone.len; i++)
		out.at[out.len++] = value->gone.at[i];
	values_canonical(&out);
	return out;
}

/* ---- bytes ---- */

enum { FLAG_SECRET = 1, FLAG_WHOLE = 2 };

static void put_number(uint64_t number, struct strbuf *out)
{
	image_encode_number(number, out);
}

static void put_text(struct sv text, struct strbuf *out)
{
	put_number(text.len, out);
	strbuf_addsv(out, text);
}

static void put_values(const struct values *values, struct strbuf *out)
{
	size_t i;

	put_number(values->len, out);
	for (i = 0; i < values->len; i++)
		image_encode_value(&values->at[i], out);
}

static void put_links(const struct past_link *links, size_t count, bool gone,
		      struct strbuf *out)
{
	size_t i;

	put_number(count, out);
	for (i = 0; i < count; i++) {
		put_number((uint64_t)links[i].cs, out);
		put_number(links[i].rule_set, out);
		put_number((uint64_t)links[i].how, out);
		if (gone)
			put_number((uint64_t)links[i].time, out);
	}
}

/* What only an addition or only a deletion has. */
static void put_ends(const struct past *past, const struct attr_map *map,
		     struct strbuf *out)
{
	size_t i;

	if (past->op == PENDING_ADD) {
		put_number(past->sum_count, out);
		for (i = 0; i < past->sum_count; i++) {
			put_number(map->to_store[past->sums[i].attr], out);
			put_number(past->sums[i].sum, out);
		}
	}
	if (past->op != PENDING_DELETE)
		return;
	put_number((uint64_t)past->mv, out);
	put_number(past->rule_set, out);
	put_number(past->referrer_count, out);
	for (i = 0; i < past->referrer_count; i++) {
		put_number((uint64_t)past->referrers[i].cs, out);
		put_number(past->referrers[i].attr, out);
	}
}

static void put_changes(const struct past *past, const struct attr_map *map,
			struct strbuf *out)
{
	size_t i;

	put_number(past->value_count, out);
	for (i = 0; i < past->value_count; i++) {
		const struct past_value *value = &past->values[i];
		unsigned flags = (value->secret ? FLAG_SECRET : 0) |
				 (value->whole ? FLAG_WHOLE : 0);

		put_number((uint64_t)map->to_store[value->attr] << 2 | flags,
			   out);
		put_number(value->by, out);
		if (value->secret)
			continue;
		put_values(&value->gone, out);
		if (!value->whole)
			put_values(&value->come, out);
	}
}

/* What nobody may see is left out of it. */
static void put_image(const struct past *past, struct store *store,
		      struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct image open = IMAGE_EMPTY;
	size_t i;

	for (i = 0; i < past->image.len; i++) {
		const struct image_attr *attr = &past->image.attrs[i];

		if (!past_secret(store, attr->attr, &attr->values))
			image_put(&open, attr->attr, attr->values, &arena);
	}
	image_encode(&open, store_attr_map(store), out);
	arena_release(&arena);
}

void past_encode(const struct past *past, struct store *store,
		 struct strbuf *out)
{
	switch (past->kind) {
	case PAST_CHANGE:
		break;
	case PAST_DELETE:
		strbuf_add(out, (const char *)past->row.guid,
			   sizeof(past->row.guid));
		put_number((uint64_t)past->row.projected, out);
		put_number((uint64_t)past->row.run, out);
		put_number((uint64_t)past->row.created, out);
		break;
	case PAST_EXPORT:
		put_number((uint64_t)past->op, out);
		put_number((uint64_t)past->parent, out);
		put_text(past->rdn, out);
		put_number((uint64_t)past->new_parent, out);
		put_text(past->new_rdn, out);
		put_ends(past, store_attr_map(store), out);
		break;
	}
	if (past->kind != PAST_EXPORT) {
		put_links(past->gone, past->gone_count, true, out);
		put_links(past->come, past->come_count, false, out);
	}
	put_changes(past, store_attr_map(store), out);
	if (past->kind == PAST_DELETE || past->image.len)
		put_image(past, store, out);
}

/* ---- and back ---- */

struct reading {
	struct sv bytes;
	size_t at;
	bool damaged;
	const struct attr_map *map;
	struct arena *arena;
};

static uint64_t get_number(struct reading *r)
{
	uint64_t number = 0;

	if (!r->damaged && !image_decode_number(r->bytes, &r->at, &number))
		r->damaged = true;
	return r->damaged ? 0 : number;
}

/* A number of things, each of at least one byte. */
static size_t get_count(struct reading *r)
{
	uint64_t count = get_number(r);

	if (count > r->bytes.len - r->at)
		r->damaged = true;
	return r->damaged ? 0 : (size_t)count;
}

static struct sv get_bytes(struct reading *r, size_t len)
{
	struct sv out;

	if (r->damaged || len > r->bytes.len - r->at) {
		r->damaged = true;
		return SV_NULL;
	}
	out = sv_make(r->bytes.ptr + r->at, len);
	r->at += len;
	return out;
}

static struct values get_values(struct reading *r)
{
	struct values out = { NULL, get_count(r) };
	size_t i;

	out.at = arena_array(r->arena, out.len + 1, sizeof(*out.at));
	for (i = 0; i < out.len && !r->damaged; i++)
		if (!image_decode_value(r->bytes, &r->at, &out.at[i]))
			r->damaged = true;
	return out;
}

static struct past_link *get_links(struct reading *r, bool gone,
				   size_t *count_out)
{
	size_t count = get_count(r);
	struct past_link *links =
		arena_array(r->arena, count + 1, sizeof(*links));
	size_t i;

	for (i = 0; i < count; i++) {
		links[i].cs = (int64_t)get_number(r);
		links[i].rule_set = (uint32_t)get_number(r);
		links[i].how = (enum link_how)get_number(r);
		links[i].time = gone ? (int64_t)get_number(r) : 0;
	}
	*count_out = count;
	return links;
}

static void get_change(struct reading *r, struct past_value *out)
{
	uint64_t head = get_number(r);
	uint64_t number = head >> 2;

	memset(out, 0, sizeof(*out));
	if (number >= r->map->from_store_len) {
		r->damaged = true;
		return;
	}
	out->attr = r->map->from_store[number];
	out->secret = (head & FLAG_SECRET) != 0;
	out->whole = (head & FLAG_WHOLE) != 0;
	out->by = (uint32_t)get_number(r);
	if (out->secret)
		return;
	out->gone = get_values(r);
	if (!out->whole)
		out->come = get_values(r);
}

static void get_changes(struct reading *r, struct past *out)
{
	size_t i;

	out->value_count = get_count(r);
	out->values = arena_array(r->arena, out->value_count + 1,
				  sizeof(*out->values));
	for (i = 0; i < out->value_count; i++)
		get_change(r, &out->values[i]);
}

static void get_sums(struct reading *r, struct past *out)
{
	size_t i;

	out->sum_count = get_count(r);
	out->sums =
		arena_array(r->arena, out->sum_count + 1, sizeof(*out->sums));
	for (i = 0; i < out->sum_count; i++) {
		uint64_t number = get_number(r);

		if (number >= r->map->from_store_len) {
			r->damaged = true;
			return;
		}
		out->sums[i].attr = r->map->from_store[number];
		out->sums[i].sum = (uint32_t)get_number(r);
	}
}

static void get_ends(struct reading *r, struct past *out)
{
	size_t i;

	if (out->op == PENDING_ADD)
		get_sums(r, out);
	if (out->op != PENDING_DELETE)
		return;
	out->mv = (int64_t)get_number(r);
	out->rule_set = (uint32_t)get_number(r);
	out->referrer_count = get_count(r);
	out->referrers = arena_array(r->arena, out->referrer_count + 1,
				     sizeof(*out->referrers));
	for (i = 0; i < out->referrer_count; i++) {
		out->referrers[i].cs = (int64_t)get_number(r);
		out->referrers[i].attr = (uint32_t)get_number(r);
	}
}

static void get_head(struct reading *r, struct past *out)
{
	struct sv guid;

	switch (out->kind) {
	case PAST_CHANGE:
		break;
	case PAST_DELETE:
		guid = get_bytes(r, sizeof(out->row.guid));
		if (guid.len)
			memcpy(out->row.guid, guid.ptr, guid.len);
		out->row.projected = (int64_t)get_number(r);
		out->row.run = (int64_t)get_number(r);
		out->row.created = (int64_t)get_number(r);
		break;
	case PAST_EXPORT:
		out->op = (enum export_op_kind)get_number(r);
		out->parent = (int64_t)get_number(r);
		out->rdn = get_bytes(r, get_count(r));
		out->new_parent = (int64_t)get_number(r);
		out->new_rdn = get_bytes(r, get_count(r));
		get_ends(r, out);
		break;
	}
}

int past_decode(const struct past_row *row, struct store *store,
		struct arena *arena, struct past *out, struct error *err)
{
	struct reading r = {
		.bytes = row->what,
		.map = store_attr_map(store),
		.arena = arena,
	};

	memset(out, 0, sizeof(*out));
	out->kind = row->kind;
	out->row.id = row->object;
	out->row.type = row->type;
	get_head(&r, out);
	if (row->kind != PAST_EXPORT) {
		out->gone = get_links(&r, true, &out->gone_count);
		out->come = get_links(&r, false, &out->come_count);
	}
	get_changes(&r, out);
	if (r.damaged)
		return error_set(err, ERR_CORRUPT,
				 "the history of object %lld is damaged",
				 (long long)row->object);
	if (r.at == r.bytes.len)
		return 0;
	return image_decode(sv_sub(r.bytes, r.at, r.bytes.len), r.map, arena,
			    &out->image, err);
}
