/*
 * child.c - the values that objects have in child tables
 *
 * Put down in pieces: one for each run of rows of the same object. A piece is
 *
 *	offset + 1 of the object's piece before it, or 0	8 bytes
 *	lengths of anchor and values				4 + 4
 *	anchor
 *	values: name, child, value, length			4 + 4 + 4 + 4
 *		bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/child.h"

#include <stdlib.h>
#include <string.h>

#define PIECE  ((size_t)16) /* before the anchor */
#define VALUE  ((size_t)16) /* before the bytes */
#define WINDOW ((size_t)64 * 1024)
#define GLANCE ((size_t)512)     /* of a place that nobody was near */
#define LONG   ((size_t)1 << 30) /* no piece is longer */

void sql_kids_init(struct sql_kids *kids)
{
	static const struct strbuf empty = STRBUF_INIT(STRBUF_NO_LIMIT);
	static const struct spool spool = SPOOL_INIT;

	memset(kids, 0, sizeof(*kids));
	kids->spool = spool;
	kids->piece = empty;
	kids->window = empty;
	hash_key_random(&kids->key);
}

void sql_kids_release(struct sql_kids *kids)
{
	spool_release(&kids->spool);
	idmap_release(&kids->last);
	strbuf_release(&kids->piece);
	strbuf_release(&kids->window);
	arena_release(&kids->of_anchor);
	vec_release(&kids->found);
	arena_release(&kids->of_found);
	kids->anchor = SV_NULL;
}

static void put_number(struct strbuf *sb, uint64_t n, size_t size)
{
	strbuf_add(sb, &n, size); /* read again by this process only */
}

/* Ends the piece that is being put together. */
static int end_piece(struct sql_kids *kids, struct error *err)
{
	struct strbuf head = STRBUF_INIT(PIECE);
	uint64_t h = hash64(&kids->key, kids->anchor);
	uint64_t before = 0;
	int ret;

	if (!kids->piece.len)
		return 0;
	(void)idmap_get(&kids->last, h, &before);
	idmap_put(&kids->last, h, spool_size(&kids->spool) + 1);
	put_number(&head, before, 8);
	put_number(&head, kids->anchor.len, 4);
	put_number(&head, kids->piece.len, 4);
	ret = spool_add(&kids->spool, strbuf_sv(&head), err);
	if (ret == 0)
		ret = spool_add(&kids->spool, kids->anchor, err);
	if (ret == 0)
		ret = spool_add(&kids->spool, strbuf_sv(&kids->piece), err);
	strbuf_release(&head);
	strbuf_reset(&kids->piece);
	return ret;
}

static int put_value(struct sql_kids *kids, struct sv anchor,
		     const struct sql_kid *kid, struct error *err)
{
	if (!sv_eq(anchor, kids->anchor) || kids->piece.len > LONG) {
		if (end_piece(kids, err) < 0)
			return -1;
		arena_reset(&kids->of_anchor);
		kids->anchor = arena_dup(&kids->of_anchor, anchor);
	}
	put_number(&kids->piece, kid->name, 4);
	put_number(&kids->piece, kid->child, 4);
	put_number(&kids->piece, kid->value, 4);
	put_number(&kids->piece, kid->len, 4);
	strbuf_add(&kids->piece, kid->bytes, kid->len);
	return 0;
}

/* --- reading the tables ------------------------------------------------ */

struct reading {
	const struct sql_plan *plan;
	size_t child;
	struct sql_kids *kids;
	struct arena arena; /* of a row */
};

/* The attribute that a row is of: 1; 0 it is none that anybody wants. */
static int name_of(const struct reading *r, const struct sv *cells,
		   uint32_t *out)
{
	const struct sql_child_plan *child = &r->plan->children[r->child];
	struct sv name;
	size_t i;

	if (!child->name) {
		*out = (uint32_t)child->number;
		return 1;
	}
	name = sv_trim(sql_trim_char(child->name,
				     cells[r->plan->source->anchor_count]));
	for (i = 0; i < r->plan->name_count; i++) {
		if (sv_ieq_str(name, r->plan->names[i])) {
			*out = (uint32_t)i;
			return 1;
		}
	}
	return 0;
}

static int take_row(struct reading *r, const struct sv *cells,
		    struct error *err)
{
	const struct sql_child_plan *child = &r->plan->children[r->child];
	const struct sv *values =
		cells + r->plan->source->anchor_count + (child->name ? 1 : 0);
	struct sql_kid kid = { .child = (uint32_t)r->child };
	struct sv anchor;
	size_t missing;
	size_t i;

	arena_reset(&r->arena);
	if (!sql_plan_anchor(r->plan, cells, &r->arena, &anchor, &missing) ||
	    !name_of(r, cells, &kid.name))
		return 0;
	for (i = 0; i < child->child->value_count; i++) {
		struct sv value = sql_trim_char(child->values[i], values[i]);

		if (!value.len)
			continue;
		kid.value = (uint32_t)i;
		kid.len = (uint32_t)value.len;
		kid.bytes = value.ptr;
		return put_value(r->kids, anchor, &kid, err);
	}
	return 0;
}

static int read_child(struct connector_session *session, struct reading *r,
		      const struct sql_scope *scope, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_rows *rows = NULL;
	const struct sv *cells;
	size_t broken;
	int ret;

	sql_plan_select_child(session, r->plan, &r->plan->children[r->child],
			      scope, &sql);
	ret = driver->query(session->link, strbuf_cstr(&sql), scope->params,
			    scope->param_count, &rows, NULL, err);
	while (ret == 0 &&
	       (ret = driver->fetch(rows, &cells, &broken, err)) > 0)
		ret = take_row(r, cells, err);
	driver->rows_close(rows);
	strbuf_release(&sql);
	if (ret < 0)
		return error_context(
			err, "table '" SV_FMT "'",
			SV_ARG(r->plan->children[r->child].child->table));
	return end_piece(r->kids, err);
}

int sql_kids_read(struct connector_session *session,
		  const struct sql_plan *plan, const struct sql_scope *scope,
		  struct sql_kids *kids, struct error *err)
{
	struct reading r = { plan, 0, kids, ARENA_INIT };
	int ret = 0;

	for (; ret == 0 && r.child < plan->child_count; r.child++)
		ret = read_child(session, &r, scope, err);
	arena_release(&r.arena);
	return ret < 0 ? -1 : spool_flush(&kids->spool, err);
}

/* --- asking ------------------------------------------------------------ */

/* Bytes of the file, until the next call. */
static int look(struct sql_kids *kids, uint64_t from, size_t len,
		const char **out, struct error *err)
{
	struct strbuf *window = &kids->window;
	uint64_t size = spool_size(&kids->spool);
	bool near = from >= kids->window_at &&
		    from < kids->window_at + window->len + WINDOW;
	size_t take = near ? WINDOW : GLANCE;

	if (take < len)
		take = len;
	if (from < kids->window_at ||
	    from + len > kids->window_at + window->len) {
		if (take > size - from)
			take = (size_t)(size - from);
		strbuf_reset(window);
		if (spool_read_fd(spool_fd(&kids->spool), from, take,
				  strbuf_room(window, take), err) < 0)
			return -1;
		strbuf_grew(window, take);
		kids->window_at = from;
	}
	*out = window->ptr + (from - kids->window_at);
	return 0;
}

static uint64_t get_number(const char *at, size_t size)
{
	uint64_t n = 0;

	memcpy(&n, at, size);
	return n;
}

static void add_values(struct sql_kids *kids, struct sv piece)
{
	size_t at = 0;

	while (at < piece.len) {
		const char *from = piece.ptr + at;
		struct sql_kid kid = {
			.name = (uint32_t)get_number(from, 4),
			.child = (uint32_t)get_number(from + 4, 4),
			.value = (uint32_t)get_number(from + 8, 4),
			.len = (uint32_t)get_number(from + 12, 4),
			.bytes = from + VALUE,
		};

		vec_push(&kids->found, kid);
		at += VALUE + kid.len;
	}
}

static int kid_order(const void *a, const void *b)
{
	const struct sql_kid *x = a;
	const struct sql_kid *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return sv_cmp(sv_make(x->bytes, x->len), sv_make(y->bytes, y->len));
}

/* Adds the values of a piece when it is the object's. */
static int take_piece(struct sql_kids *kids, uint64_t from, struct sv anchor,
		      uint64_t *before_out, struct error *err)
{
	const char *at;
	size_t anchor_len;
	size_t len;

	if (look(kids, from, PIECE, &at, err) < 0)
		return -1;
	*before_out = get_number(at, 8);
	anchor_len = get_number(at + 8, 4);
	len = get_number(at + 12, 4);
	if (look(kids, from, PIECE + anchor_len + len, &at, err) < 0)
		return -1;
	/* or else another one of the same hash */
	if (sv_eq(anchor, sv_make(at + PIECE, anchor_len)))
		add_values(kids,
			   arena_dup(&kids->of_found,
				     sv_make(at + PIECE + anchor_len, len)));
	return 0;
}

int sql_kids_of(struct sql_kids *kids, struct sv anchor,
		const struct sql_kid **out, size_t *count_out,
		struct error *err)
{
	uint64_t next = 0;

	vec_clear(&kids->found);
	arena_reset(&kids->of_found);
	(void)idmap_get(&kids->last, hash64(&kids->key, anchor), &next);
	while (next)
		if (take_piece(kids, next - 1, anchor, &next, err) < 0)
			return -1;
	vec_sort(&kids->found, kid_order);
	*out = kids->found.at;
	*count_out = kids->found.len;
	return 0;
}
