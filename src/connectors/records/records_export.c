/*
 * records_export.c - export to files of records, all at the end
 *
 * Operations are spooled as they come. At the end each file that they concern
 * streams record by record into its replacement: a record whose anchor an
 * operation names is changed or left out, all others are copied as they are;
 * what was not met is appended. Every replacement is complete before the first
 * takes its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_export.h"

#include "base/text.h"
#include "connectors/format.h"

#include <string.h>

static void target_release(struct records_target *t)
{
	file_objects_release(&t->objects);
	if (t->testing)
		(void)iconv_close(t->test);
	if (t->replacing)
		file_replace_abort(&t->file);
}

void records_export_free(struct records_export *ex)
{
	size_t i;

	if (!ex)
		return;
	for (i = 0; i < ex->target_count; i++)
		target_release(&ex->targets[i]);
	file_ops_release(&ex->ops);
	mem_free(ex);
}

int records_export_begin(struct connector_session *s, struct error *err)
{
	struct records_export *ex;
	size_t i;

	(void)err;
	records_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	s->export = ex;
	ex->target_count = s->source_count;
	ex->ops.config = s->config;
	ex->targets = arena_array(&ex->ops.arena, ex->target_count,
				  sizeof(*ex->targets));
	for (i = 0; i < ex->target_count; i++) {
		struct records_target *t = &ex->targets[i];

		t->source = &s->sources[i];
		t->objects.anchors = t->source->anchors;
		t->objects.anchor_count = t->source->anchor_count;
	}
	return 0;
}

/* A byte order mark may tell another encoding than the settings do. */
static int open_target(struct records_target *t, struct arena *arena,
		       struct error *err)
{
	const struct records_source *source = t->source;
	const char *encoding = source->encoding;
	struct text_input in = { .fd = -1 };

	bool rewrites = !feed_tells_changes(&source->feed);

	if (t->opened)
		return 0;
	if (rewrites && !source->format->packed &&
	    intake_check_plain(source->feed.path, source->feed.name, err) < 0)
		return -1;
	if (rewrites && file_exists(source->feed.path)) {
		encoding = records_encoding(source, source->feed.path, arena);
		if (text_input_open(&in, source->feed.path, encoding, err) < 0)
			return -1;
		encoding = in.encoding;
		text_input_close(&in);
	}
	if (encoding) {
		t->test = iconv_open(encoding, "UTF-8");
		if (t->test == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 encoding);
		t->testing = true;
	}
	hashmap_init(&t->objects.by_anchor);
	t->opened = true;
	return 0;
}

static struct records_target *target_of(struct connector_session *s,
					size_t type)
{
	size_t i;

	for (i = 0; i < s->export->target_count; i++) {
		struct records_target *t = &s->export->targets[i];

		if (t->source->type == type ||
		    t->source->type >= RECORDS_BY_FORMAT)
			return t;
	}
	return NULL;
}

/* 0: the file's encoding has all of the text; -1: the item is refused. */
static int check_text(struct connector_session *s,
		      const struct records_target *t, const char *name,
		      struct sv text, struct file_op *item)
{
	struct arena *arena = &s->export->ops.arena;
	struct sv null = t->source->null;

	if (null.len && sv_eq(text, null))
		return file_op_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena,
				     "'%s': the text stands for no value in "
				     "this file",
				     name));
	if (!text_is_utf8(text) ||
	    (text.len && memchr(text.ptr, '\0', text.len)))
		return file_op_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena,
				     "'%s': the file cannot hold these bytes",
				     name));
	if (t->testing && !text_encodable(t->test, text))
		return file_op_refuse(
			item, "code-page-conversion",
			arena_printf(arena,
				     "'%s' has characters that the file's "
				     "encoding lacks",
				     name));
	return 0;
}

static int find_anchor(struct connector_session *s,
		       const struct records_target *t,
		       const struct export_op *op, struct file_op *item)
{
	if (file_op_find_anchor(&s->export->ops, &t->objects, op, item) < 0)
		return -1;
	return check_text(s, t, "anchor", item->anchor, item);
}

static int write_value(struct connector_session *s,
		       const struct records_target *t,
		       const struct attr_def *def, const struct value *value,
		       struct strbuf *out, struct file_op *item)
{
	struct strbuf coded = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct sv text = format_value(value, def, FORMAT_PLAIN, &scratch);
	const char *problem;
	int ret;

	if (def->type == VALUE_BINARY && t->source->format->base64) {
		strbuf_add_base64(&coded, text);
		text = strbuf_sv(&coded);
	}
	ret = def->type == VALUE_BINARY && t->source->format->bytes
		      ? 0
		      : check_text(s, t, def->name, text, item);
	problem = format_part_problem(text, def);
	if (ret == 0 && problem)
		ret = file_op_refuse(item, "invalid-attribute-value",
				     arena_printf(&s->export->ops.arena,
						  "'%s': %s", def->name,
						  problem));
	file_op_put_text(out, text);
	strbuf_release(&coded);
	arena_release(&scratch);
	return ret;
}

/* The operation's values, into the spool: count, then each attribute's. */
static int spool_op(struct connector_session *s, const struct records_target *t,
		    const struct export_op *op, struct file_op *item,
		    struct strbuf *out)
{
	const struct object_type *type = &s->config->types[op->type];
	bool values = op->kind != EXPORT_DELETE;
	size_t i;
	size_t k;

	if (op->kind == EXPORT_RENAME)
		return file_op_refuse(
			item, "cd-error",
			"a record has no name that could be changed");
	file_op_put_number(out, values ? op->attr_count : 0);
	for (i = 0; values && i < op->attr_count; i++) {
		const struct attr_change *change = &op->attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];

		if (file_op_moves_anchor(&s->export->ops, &t->objects, op,
					 change))
			return file_op_refuse(
				item, "modify-naming-attribute",
				"the anchor of a record cannot be changed");
		file_op_put_attr(out, change);
		for (k = 0; k < change->values.len; k++)
			if (write_value(s, t, def, &change->values.at[k], out,
					item) < 0)
				return -1;
	}
	return 0;
}

int records_export_put(struct connector_session *s, const struct export_op *op,
		       struct error *err)
{
	struct file_ops *ops = &s->export->ops;
	struct file_op *item = file_op_add(ops, op);
	struct records_target *t = target_of(s, op->type);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;

	if (!t) {
		(void)file_op_refuse(item, "no-export-to-this-object-type",
				     "no file is set for objects of this type");
		return 0;
	}
	if (open_target(t, &ops->arena, err) < 0)
		return -1;
	if (find_anchor(s, t, op, item) == 0 &&
	    spool_op(s, t, op, item, &out) == 0)
		ret = file_op_spool(ops, &t->objects, item, strbuf_sv(&out),
				    err);
	strbuf_release(&out);
	return ret;
}

int records_export_end(struct connector_session *s, struct error *err)
{
	struct records_export *ex = s->export;
	size_t i;

	if (ex->ops.done)
		return 0;
	if (ex->ops.all.len && spool_flush(&ex->ops.spool, err) < 0)
		return -1;
	for (i = 0; i < ex->target_count; i++)
		if (ex->targets[i].objects.first.len &&
		    records_merge(s, &ex->targets[i], err) < 0)
			return -1;
	for (i = 0; i < ex->target_count; i++) {
		struct records_target *t = &ex->targets[i];

		if (!t->replacing || !t->changed)
			continue;
		t->replacing = false;
		if (feed_commit(&t->source->feed, &t->file, t->path, err) < 0)
			return -1;
	}
	ex->ops.done = true;
	return 0;
}

int records_export_result(struct connector_session *s, bool wait,
			  struct arena *arena, struct export_outcome *out,
			  struct error *err)
{
	(void)wait;
	(void)err;
	return s->export ? file_ops_result(&s->export->ops, arena, out) : 0;
}
