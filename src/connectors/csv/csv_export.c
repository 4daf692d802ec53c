/*
 * csv_export.c - export to delimited files, all at the end
 *
 * Operations are spooled as they come. At the end each file that they concern
 * streams row by row into its replacement: a row whose anchor an operation
 * names is changed or left out, all others are copied as they are; what was
 * not met is appended. Every replacement is complete before the first takes
 * its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_export.h"

#include "base/text.h"
#include "connectors/csv/csv_writer.h"
#include "connectors/format.h"

#include <string.h>

static void target_release(struct csv_target *t)
{
	file_objects_release(&t->objects);
	vec_release(&t->names);
	if (t->opened && t->dialect.encoding)
		(void)iconv_close(t->test);
	if (t->replacing)
		file_replace_abort(&t->file);
}

void csv_export_free(struct csv_export *ex)
{
	size_t i;

	if (!ex)
		return;
	for (i = 0; i < ex->target_count; i++)
		target_release(&ex->targets[i]);
	file_ops_release(&ex->ops);
	mem_free(ex);
}

int csv_export_begin(struct connector_session *s, struct error *err)
{
	struct csv_export *ex;
	size_t i;

	(void)err;
	csv_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	s->export = ex;
	ex->target_count = s->source_count;
	ex->ops.config = s->config;
	ex->targets = arena_array(&ex->ops.arena, ex->target_count,
				  sizeof(*ex->targets));
	for (i = 0; i < ex->target_count; i++) {
		struct csv_target *t = &ex->targets[i];

		t->source = &s->sources[i];
		t->objects.anchors = t->source->anchors;
		t->objects.anchor_count = t->source->anchor_count;
	}
	return 0;
}

size_t csv_column_of(const struct csv_target *t, struct sv name)
{
	size_t i;

	for (i = 0; i < t->names.len; i++)
		if (sv_ieq(t->names.at[i], name))
			return i;
	return CSV_NO_COLUMN;
}

static size_t column_or_new(struct csv_target *t, struct sv name)
{
	size_t column = csv_column_of(t, name);

	if (column != CSV_NO_COLUMN)
		return column;
	vec_push(&t->names, name);
	return t->names.len - 1;
}

static void plan_type(struct csv_target *t, const struct object_type *type)
{
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		(void)column_or_new(t, sv_from(type->attrs[i].name));
}

/* The columns of a file that is not there yet: anchor, type, attributes. */
static void plan_columns(const struct connector_session *s,
			 struct csv_target *t)
{
	const struct csv_source *source = t->source;
	size_t i;

	for (i = 0; !source->header && i < source->column_count; i++)
		vec_push(&t->names, source->columns[i]);
	for (i = 0; i < source->anchor_count; i++)
		(void)column_or_new(t, source->anchors[i]);
	if (source->type == BY_COLUMN)
		(void)column_or_new(t, source->type_column);
	for (i = 0; i < s->config->type_count; i++)
		if (source->type == BY_COLUMN || source->type == i)
			plan_type(t, &s->config->types[i]);
}

/* A new file in UTF-16 begins with a byte order mark. */
static bool wants_bom(const struct csv_dialect *dialect)
{
	return dialect->encoding &&
	       sv_starts(sv_from(dialect->encoding), SV_LIT("UTF-16"));
}

static int open_old(struct connector_session *s, struct csv_target *t,
		    struct error *err)
{
	struct csv_reader reader;
	size_t i;
	int ret;

	if (intake_check_plain(t->source->feed.path, t->source->feed.name,
			       err) < 0)
		return -1;
	ret = csv_source_open(t->source, NULL, s->config, CSV_LAYOUT_EXPORT,
			      &s->export->ops.arena, &reader, &t->layout, err);
	if (ret < 0)
		return -1;
	t->exists = ret > 0;
	t->dialect = t->exists ? reader.dialect : t->source->dialect;
	t->bom = t->exists ? reader.in.bom : wants_bom(&t->dialect);
	csv_reader_close(&reader);
	for (i = 0; i < t->layout.count; i++)
		vec_push(&t->names, t->layout.names[i]);
	if (!t->exists)
		plan_columns(s, t);
	t->file_columns = t->layout.count;
	return 0;
}

/* A file of changes has a column that says what happened. */
static int plan_changes(struct connector_session *s, struct csv_target *t,
			struct error *err)
{
	struct sv change = t->source->feed.outlet->change;

	t->dialect = t->source->dialect;
	t->bom = wants_bom(&t->dialect);
	if (t->source->header)
		vec_push(&t->names, change);
	plan_columns(s, t);
	if (csv_column_of(t, change) == CSV_NO_COLUMN)
		return error_set(err, ERR_INVALID,
				 "the file has no header and `columns` has no "
				 "'" SV_FMT "', which says what happened",
				 SV_ARG(change));
	return 0;
}

static int open_target(struct connector_session *s, struct csv_target *t,
		       struct error *err)
{
	if (t->opened)
		return 0;
	if ((feed_tells_changes(&t->source->feed) ? plan_changes(s, t, err)
						  : open_old(s, t, err)) < 0)
		return -1;
	if (t->dialect.encoding) {
		t->test = iconv_open(t->dialect.encoding, "UTF-8");
		if (t->test == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 t->dialect.encoding);
	}
	hashmap_init(&t->objects.by_anchor);
	t->opened = true;
	return 0;
}

static struct csv_target *target_of(struct connector_session *s, size_t type)
{
	size_t i;

	for (i = 0; i < s->export->target_count; i++) {
		struct csv_target *t = &s->export->targets[i];

		if (t->source->type == type || t->source->type == BY_COLUMN)
			return t;
	}
	return NULL;
}

static int find_anchor(struct connector_session *s, const struct csv_target *t,
		       const struct export_op *op, struct file_op *item)
{
	struct file_ops *ops = &s->export->ops;
	const char *problem;

	if (file_op_find_anchor(ops, &t->objects, op, item) < 0)
		return -1;
	problem = csv_field_problem(&t->dialect, item->anchor);
	if (problem)
		return file_op_refuse(
			item, "invalid-attribute-value",
			arena_printf(&ops->arena, "the anchor: %s", problem));
	return 0;
}

/* 0: the text can stand in the file; -1: the item is refused. */
static int check_text(struct connector_session *s, struct csv_target *t,
		      const struct attr_def *def, struct sv text,
		      struct file_op *item)
{
	struct arena *arena = &s->export->ops.arena;
	const char *problem = csv_field_problem(&t->dialect, text);

	if (problem)
		return file_op_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena, "'%s': %s", def->name, problem));
	if (t->dialect.encoding && !text_encodable(t->test, text))
		return file_op_refuse(
			item, "code-page-conversion",
			arena_printf(arena, "'%s' has characters that %s lacks",
				     def->name, t->dialect.encoding));
	problem = format_part_problem(text, def);
	if (problem)
		return file_op_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena, "'%s': %s", def->name, problem));
	return 0;
}

static int write_attr(struct connector_session *s, struct csv_target *t,
		      const struct attr_def *def,
		      const struct attr_change *change, struct strbuf *out,
		      struct file_op *item)
{
	struct arena scratch = ARENA_INIT;
	int ret = 0;
	size_t i;

	file_op_put_attr(out, change);
	for (i = 0; i < change->values.len && ret == 0; i++) {
		struct sv text = format_value(&change->values.at[i], def,
					      FORMAT_PLAIN, &scratch);

		ret = check_text(s, t, def, text, item);
		file_op_put_text(out, text);
	}
	arena_release(&scratch);
	return ret;
}

/* The operation's values, into the spool: count, then each attribute's. */
static int spool_op(struct connector_session *s, struct csv_target *t,
		    const struct export_op *op, struct file_op *item,
		    struct strbuf *out)
{
	const struct object_type *type = &s->config->types[op->type];
	bool values = op->kind != EXPORT_DELETE;
	size_t i;

	if (op->kind == EXPORT_RENAME)
		return file_op_refuse(
			item, "cd-error",
			"a row has no name that could be changed");
	file_op_put_number(out, values ? op->attr_count : 0);
	for (i = 0; values && i < op->attr_count; i++) {
		const struct attr_change *change = &op->attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];

		if (file_op_moves_anchor(&s->export->ops, &t->objects, op,
					 change))
			return file_op_refuse(
				item, "modify-naming-attribute",
				"the anchor of a row cannot be changed");
		if (change->values.len && !t->source->header &&
		    csv_column_of(t, sv_from(def->name)) == CSV_NO_COLUMN)
			return file_op_refuse(
				item, "insufficient-columns",
				arena_printf(&s->export->ops.arena,
					     "the file has no header and "
					     "`columns` has no '%s'",
					     def->name));
		if (change->values.len)
			(void)column_or_new(t, sv_from(def->name));
		if (write_attr(s, t, def, change, out, item) < 0)
			return -1;
	}
	return 0;
}

int csv_export_put(struct connector_session *s, const struct export_op *op,
		   struct error *err)
{
	struct file_ops *ops = &s->export->ops;
	struct file_op *item = file_op_add(ops, op);
	struct csv_target *t = target_of(s, op->type);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;

	if (!t) {
		(void)file_op_refuse(item, "no-export-to-this-object-type",
				     "no file is set for objects of this type");
		return 0;
	}
	if (open_target(s, t, err) < 0)
		return -1;
	if (find_anchor(s, t, op, item) == 0 &&
	    spool_op(s, t, op, item, &out) == 0)
		ret = file_op_spool(ops, &t->objects, item, strbuf_sv(&out),
				    err);
	strbuf_release(&out);
	return ret;
}

int csv_export_end(struct connector_session *s, struct error *err)
{
	struct csv_export *ex = s->export;
	size_t i;

	if (ex->ops.done)
		return 0;
	if (ex->ops.all.len && spool_flush(&ex->ops.spool, err) < 0)
		return -1;
	for (i = 0; i < ex->target_count; i++)
		if (ex->targets[i].objects.first.len &&
		    csv_merge(s, &ex->targets[i], err) < 0)
			return -1;
	for (i = 0; i < ex->target_count; i++) {
		struct csv_target *t = &ex->targets[i];

		if (!t->replacing || !t->changed)
			continue;
		t->replacing = false;
		if (feed_commit(&t->source->feed, &t->file, t->path, err) < 0)
			return -1;
	}
	ex->ops.done = true;
	return 0;
}

int csv_export_result(struct connector_session *s, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err)
{
	(void)wait;
	(void)err;
	return s->export ? file_ops_result(&s->export->ops, arena, out) : 0;
}
