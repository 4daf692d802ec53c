/*
 * file_ops.c - the operations of an export to files, kept until its end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/file_ops.h"

#include "base/text.h"
#include "connectors/format.h"

#include <string.h>

struct file_op *file_op_add(struct file_ops *ops, const struct export_op *from)
{
	struct file_op *op = arena_zalloc(&ops->arena, sizeof(*op));

	op->id = from->id;
	op->kind = from->kind;
	op->retry = from->retry;
	op->type = from->type;
	vec_push(&ops->all, op);
	return op;
}

int file_op_refuse(struct file_op *op, const char *error, const char *message)
{
	op->error = error;
	op->message = sv_from(message);
	return -1;
}

/* ---- anchors ---- */

struct sv file_anchor_part(struct sv anchor, size_t i, size_t count)
{
	size_t from = 0;

	if (count == 1)
		return anchor;
	while (i--) {
		from = sv_find(anchor, '|', from);
		if (from == anchor.len)
			return SV_NULL;
		from++;
	}
	return sv_sub(anchor, from, sv_find(anchor, '|', from));
}

size_t file_anchor_index(const struct file_objects *objects, const char *name)
{
	size_t i;

	for (i = 0; i < objects->anchor_count; i++)
		if (sv_ieq_str(objects->anchors[i], name))
			break;
	return i;
}

/* The text of a part of the anchor among an operation's attributes. */
static struct sv anchor_value(struct file_ops *ops,
			      const struct export_op *from, struct sv name)
{
	const struct object_type *type = &ops->config->types[from->type];
	size_t i;

	for (i = 0; i < from->attr_count; i++) {
		const struct attr_change *change = &from->attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];

		if (sv_ieq_str(name, def->name) && change->values.len)
			return format_value(&change->values.at[0], def,
					    FORMAT_PLAIN, &ops->arena);
	}
	return SV_NULL;
}

int file_op_find_anchor(struct file_ops *ops,
			const struct file_objects *objects,
			const struct export_op *from, struct file_op *op)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = objects->anchor_count;
	size_t i;

	for (i = 0; i < count; i++) {
		struct sv name = objects->anchors[i];
		struct sv part =
			from->anchor.len
				? file_anchor_part(from->anchor, i, count)
				: anchor_value(ops, from, name);

		if (!part.len) {
			strbuf_release(&joined);
			return file_op_refuse(op, "missing-anchor-component",
					      arena_printf(&ops->arena,
							   "the anchor '" SV_FMT
							   "' has no value",
							   SV_ARG(name)));
		}
		if (i)
			strbuf_addc(&joined, '|');
		strbuf_addsv(&joined, part);
	}
	op->anchor = arena_dup(&ops->arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return 0;
}

bool file_op_moves_anchor(struct file_ops *ops,
			  const struct file_objects *objects,
			  const struct export_op *from,
			  const struct attr_change *change)
{
	const struct attr_def *def =
		&ops->config->types[from->type].attrs[change->attr];
	size_t part = file_anchor_index(objects, def->name);

	if (from->kind != EXPORT_UPDATE || part == objects->anchor_count)
		return false;
	if (change->op == ATTR_DELETE || change->values.len != 1)
		return true;
	return !text_ieq(
		file_anchor_part(from->anchor, part, objects->anchor_count),
		format_value(&change->values.at[0], def, FORMAT_PLAIN,
			     &ops->arena));
}

/* By the matching rule of the anchor. */
static struct sv key_of(const struct file_ops *ops,
			const struct file_objects *objects, size_t type,
			struct sv anchor, struct arena *arena)
{
	const struct object_type *def = &ops->config->types[type];
	size_t attr;

	if (objects->anchor_count != 1 ||
	    !object_type_attr(def, objects->anchors[0], &attr) ||
	    def->attrs[attr].match != MATCH_EXACT)
		anchor = text_fold(anchor, arena);
	return sv_from(
		arena_printf(arena, "%zu " SV_FMT, type, SV_ARG(anchor)));
}

struct file_op *file_ops_on(const struct file_ops *ops,
			    const struct file_objects *objects, size_t type,
			    struct sv anchor, struct arena *arena)
{
	const uint64_t *at = hashmap_find(
		&objects->by_anchor, key_of(ops, objects, type, anchor, arena));

	return at ? objects->first.at[*at - 1] : NULL;
}

static void chain(const struct file_ops *ops, struct file_objects *objects,
		  struct file_op *op)
{
	struct arena scratch = ARENA_INIT;
	uint64_t *at =
		hashmap_at(&objects->by_anchor, key_of(ops, objects, op->type,
						       op->anchor, &scratch));

	if (*at) {
		struct file_op *last = objects->first.at[*at - 1];

		while (last->next)
			last = last->next;
		last->next = op;
	} else {
		vec_push(&objects->first, op);
		*at = objects->first.len;
	}
	arena_release(&scratch);
}

/* ---- what is sent ---- */

int file_op_spool(struct file_ops *ops, struct file_objects *objects,
		  struct file_op *op, struct sv bytes, struct error *err)
{
	int ret;

	op->begin = spool_size(&ops->spool);
	ret = spool_add(&ops->spool, bytes, err);
	op->end = spool_size(&ops->spool);
	chain(ops, objects, op);
	return ret;
}

int file_op_read(const struct file_ops *ops, const struct file_op *op,
		 struct arena *arena, struct sv *out, struct error *err)
{
	return spool_read(&ops->spool, op->begin, op->end, arena, out, err);
}

void file_op_put_number(struct strbuf *out, uint64_t number)
{
	strbuf_add(out, &number, sizeof(number));
}

void file_op_put_text(struct strbuf *out, struct sv text)
{
	file_op_put_number(out, text.len);
	strbuf_addsv(out, text);
}

void file_op_put_attr(struct strbuf *out, const struct attr_change *change)
{
	file_op_put_number(out, change->attr);
	file_op_put_number(out, change->op);
	file_op_put_number(out, change->values.len);
}

uint64_t file_op_take_number(struct sv *in)
{
	uint64_t number;

	memcpy(&number, in->ptr, sizeof(number));
	*in = sv_sub(*in, sizeof(number), in->len);
	return number;
}

static struct sv take_text(struct sv *in)
{
	size_t len = (size_t)file_op_take_number(in);
	struct sv text = sv_sub(*in, 0, len);

	*in = sv_sub(*in, len, in->len);
	return text;
}

void file_op_take_attr(struct sv *in, struct arena *arena,
		       struct file_op_attr *out)
{
	size_t i;

	out->attr = (size_t)file_op_take_number(in);
	out->op = (enum attr_op)file_op_take_number(in);
	out->count = (size_t)file_op_take_number(in);
	out->values = arena_array(arena, out->count, sizeof(*out->values));
	for (i = 0; i < out->count; i++)
		out->values[i] = take_text(in);
}

/* ---- outcomes ---- */

int file_ops_result(struct file_ops *ops, struct arena *arena,
		    struct export_outcome *out)
{
	const struct file_op *op;

	memset(out, 0, sizeof(*out));
	if (!ops->done || ops->given == ops->all.len)
		return 0;
	op = ops->all.at[ops->given++];
	out->id = op->id;
	out->ok = !op->error;
	out->adopted = op->adopted;
	out->error = op->error;
	out->message = arena_dup(arena, op->message);
	if (out->ok && op->kind != EXPORT_DELETE)
		out->anchor = arena_dup(arena, op->anchor);
	return 1;
}

void file_objects_release(struct file_objects *objects)
{
	hashmap_release(&objects->by_anchor);
	vec_release(&objects->first);
}

void file_ops_release(struct file_ops *ops)
{
	vec_release(&ops->all);
	spool_release(&ops->spool);
	arena_release(&ops->arena);
}

/* ---- values ---- */

void texts_push(struct texts *texts, struct arena *arena, struct sv text)
{
	if (texts->len == texts->room) {
		size_t room = texts->room ? texts->room * 2 : 8;
		struct sv *at = arena_array(arena, room, sizeof(*at));

		if (texts->len)
			memcpy(at, texts->at, texts->len * sizeof(*at));
		texts->at = at;
		texts->room = room;
	}
	texts->at[texts->len++] = text;
}

void texts_push_parts(struct texts *texts, struct arena *arena,
		      const struct attr_def *def, struct sv text)
{
	struct sv separator = def->separator;

	while (def->multi && separator.len) {
		const char *hit = memmem(text.ptr, text.len, separator.ptr,
					 separator.len);
		size_t end = hit ? (size_t)(hit - text.ptr) : text.len;
		struct sv part = sv_trim(sv_sub(text, 0, end));

		if (part.len)
			texts_push(texts, arena, part);
		if (!hit)
			return;
		text = sv_sub(text, end + separator.len, text.len);
	}
	texts_push(texts, arena, text);
}

size_t texts_find(const struct texts *texts, const struct attr_def *def,
		  struct sv value)
{
	size_t i;

	for (i = 0; i < texts->len; i++)
		if (def->match == MATCH_EXACT ? sv_eq(texts->at[i], value)
					      : text_ieq(texts->at[i], value))
			break;
	return i;
}

void texts_apply(struct texts *texts, struct arena *arena,
		 const struct attr_def *def, const struct file_op_attr *change)
{
	size_t i;

	if (change->op == ATTR_REPLACE)
		texts->len = 0;
	for (i = 0; i < change->count; i++) {
		struct sv value = change->values[i];
		size_t at = texts_find(texts, def, value);

		if (change->op == ATTR_DELETE && at < texts->len)
			texts->at[at] = texts->at[--texts->len];
		else if (change->op != ATTR_DELETE && at < texts->len)
			texts->at[at] = value;
		else if (change->op != ATTR_DELETE)
			texts_push(texts, arena, value);
	}
}

struct sv texts_join(const struct texts *texts, const struct attr_def *def,
		     struct arena *arena)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text;
	size_t i;

	for (i = 0; i < texts->len; i++) {
		if (i)
			strbuf_addsv(&joined, def->separator);
		strbuf_addsv(&joined, texts->at[i]);
	}
	text = arena_dup(arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return text;
}
