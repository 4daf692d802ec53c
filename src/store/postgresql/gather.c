/*
 * gather.c - rows that are put and deleted, kept until they must be written
 *
 * Of a key the last one counts, so that a table is written with one statement
 * that puts and one that deletes, whose keys do not meet. Fields are kept as
 * the server reads them: a length of four bytes, -1 for NULL, then the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include "base/hash.h"

#include <arpa/inet.h>
#include <endian.h>

#define FIRST_HEADS 256

/* For the texts in keys: not what comes from outside, but names of ours. */
static const struct hash_key TEXT_KEY;

static size_t hash_of(const struct pg_row *row, int keys)
{
	uint64_t hash = 0;
	int i;

	for (i = 0; i < keys; i++) {
		hash = (hash ^ (uint64_t)row->key[i]) *
		       UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (size_t)hash;
}

static bool same_key(const struct gathered *in, const struct pg_row *a,
		     const struct pg_row *b, const struct pg_table *table)
{
	const char *at_a = in->bytes.ptr + a->at;
	const char *at_b = in->bytes.ptr + b->at;
	int i;

	for (i = 0; i < table->keys; i++)
		if (a->key[i] != b->key[i])
			return false;
	for (i = 0; i < table->keys && table->has_text_key; i++) {
		uint32_t len;

		memcpy(&len, at_a, sizeof(len));
		len = ntohl(len) + 4;
		if (table->columns[i].type != PG_INT8 &&
		    memcmp(at_a, at_b, len) != 0)
			return false;
		at_a += len;
		at_b += len;
	}
	return true;
}

static void link_row(struct gathered *in, size_t at, int keys)
{
	struct pg_row *row = &in->rows.at[at];
	uint32_t *head = &in->heads[hash_of(row, keys) & (in->size - 1)];

	row->next = *head;
	*head = (uint32_t)at + 1;
}

static void grow(struct gathered *in, int keys)
{
	size_t i;

	in->size = in->size ? in->size * 2 : FIRST_HEADS;
	mem_free(in->heads);
	in->heads = mem_zalloc(in->size * sizeof(*in->heads));
	for (i = 0; i < in->rows.len; i++)
		link_row(in, i, keys);
}

static struct pg_row *find(struct gathered *in, const struct pg_row *like,
			   const struct pg_table *table)
{
	uint32_t at = 0;

	if (in->size)
		at = in->heads[hash_of(like, table->keys) & (in->size - 1)];
	while (at && !same_key(in, &in->rows.at[at - 1], like, table))
		at = in->rows.at[at - 1].next;
	return at ? &in->rows.at[at - 1] : NULL;
}

void gather_begin(struct gather *gather, struct gathered *to,
		  const struct pg_table *table, bool gone)
{
	*gather = (struct gather){ .to = to, .table = table };
	gather->row.at = to->bytes.len;
	gather->row.gone = gone;
	to->bytes.max = STRBUF_NO_LIMIT;
}

static void add_field(struct gather *gather, const void *ptr, size_t len)
{
	uint32_t size = htonl((uint32_t)len);

	strbuf_add(&gather->to->bytes, &size, sizeof(size));
	if (ptr)
		strbuf_add(&gather->to->bytes, ptr, len);
	gather->column++;
}

void gather_int(struct gather *gather, int64_t value)
{
	uint64_t bits = htobe64((uint64_t)value);

	if (gather->column < gather->table->keys)
		gather->row.key[gather->column] = value;
	add_field(gather, &bits, sizeof(bits));
}

void gather_bytes(struct gather *gather, struct sv value)
{
	if (gather->column < gather->table->keys)
		gather->row.key[gather->column] =
			(int64_t)hash64(&TEXT_KEY, value);
	add_field(gather, value.ptr, value.ptr ? value.len : (size_t)-1);
}

void gather_field(struct gather *gather, struct sv field)
{
	uint64_t bits;

	if (!field.ptr ||
	    gather->table->columns[gather->column].type != PG_INT8) {
		gather_bytes(gather, field);
		return;
	}
	memcpy(&bits, field.ptr, sizeof(bits));
	gather_int(gather, (int64_t)be64toh(bits));
}

void gather_end(struct gather *gather)
{
	struct gathered *to = gather->to;
	struct pg_row *before = find(to, &gather->row, gather->table);

	gather->row.len = (uint32_t)(to->bytes.len - gather->row.at);
	if (before) {
		gather->row.next = before->next;
		*before = gather->row;
		return;
	}
	vec_push(&to->rows, gather->row);
	if (to->rows.len > to->size)
		grow(to, gather->table->keys);
	else
		link_row(to, to->rows.len - 1, gather->table->keys);
}

/* Deletions first, then by key. */
static int order_rows(const void *a, const void *b)
{
	const struct pg_row *x = a;
	const struct pg_row *y = b;
	int i;

	if (x->gone != y->gone)
		return x->gone ? -1 : 1;
	for (i = 0; i < MAX_KEYS; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return 0;
}

void gather_sort(struct gathered *from)
{
	size_t i;

	for (i = 1; i < from->rows.len; i++)
		if (order_rows(&from->rows.at[i - 1], &from->rows.at[i]) > 0)
			break;
	if (i < from->rows.len)
		vec_sort(&from->rows, order_rows);
}

const struct pg_row *gather_find(struct gathered *in,
				 const struct pg_table *table, int64_t key)
{
	struct pg_row like = { .key = { key } };

	return find(in, &like, table);
}

void gather_clear(struct gathered *gathered)
{
	vec_clear(&gathered->rows);
	strbuf_reset(&gathered->bytes);
	if (gathered->size > 4096) {
		mem_free(gathered->heads);
		gathered->heads = NULL;
		gathered->size = 0;
	} else if (gathered->heads) {
		memset(gathered->heads, 0,
		       gathered->size * sizeof(*gathered->heads));
	}
}

void gather_release(struct gathered *gathered)
{
	vec_release(&gathered->rows);
	strbuf_release(&gathered->bytes);
	mem_free(gathered->heads);
}
