/*
 * csv_merge.c - stream a file into its replacement, applying an export
 *
 * Several operations on one anchor are done in their order. An operation that
 * is refused leaves its row as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/csv/csv_export.h"
#include "connectors/csv/csv_writer.h"

#include <string.h>

/* One row while operations are applied to it. */
struct work {
	struct connector_session *s;
	struct csv_target *t;
	struct arena *arena;
	struct sv *cells; /* of all columns */
	bool present;
	bool changed;
};

/* The values that a row has of an attribute, from all columns of its name. */
static void values_of(const struct work *w, const struct attr_def *def,
		      struct texts *out)
{
	size_t column;

	memset(out, 0, sizeof(*out));
	for (column = 0; column < w->t->names.len; column++) {
		struct sv text = csv_unmarked(&w->t->dialect, w->cells[column]);

		if (!sv_ieq_str(w->t->names.at[column], def->name) ||
		    !text.len ||
		    (w->t->dialect.null.len && sv_eq(text, w->t->dialect.null)))
			continue;
		texts_push_parts(out, w->arena, def, text);
	}
}

static void set_cell(struct work *w, size_t column, struct sv text)
{
	text = csv_marked(&w->t->dialect, text, w->arena);
	if (sv_eq(w->cells[column], text))
		return;
	w->cells[column] = text;
	w->changed = true;
}

/* Puts the values into the columns of the attribute; 0, or -1 when there are
 * not enough. */
static int set_values(struct work *w, const struct attr_def *def,
		      struct texts *values, struct file_op *item)
{
	size_t used = 0;
	size_t column;

	if (def->separator.len && def->multi && values->len > 1) {
		values->at[0] = texts_join(values, def, w->arena);
		values->len = 1;
	}
	for (column = 0; column < w->t->names.len; column++) {
		if (!sv_ieq_str(w->t->names.at[column], def->name))
			continue;
		set_cell(w, column,
			 used < values->len ? values->at[used] : SV_NULL);
		used++;
	}
	if (used >= values->len)
		return 0;
	return file_op_refuse(
		item, "insufficient-columns",
		arena_printf(&w->s->export->ops.arena,
			     "%zu values of '%s', but %zu columns; set a "
			     "separator for the attribute",
			     values->len, def->name, used));
}

/* Values go before others come. */
static int apply_values(struct work *w, struct sv spooled, struct file_op *item)
{
	const struct object_type *type = &w->s->config->types[item->type];
	int pass;

	for (pass = 0; pass < 2; pass++) {
		struct sv in = spooled;
		size_t count = (size_t)file_op_take_number(&in);

		while (count--) {
			const struct attr_def *def;
			struct file_op_attr change;
			struct texts now;

			file_op_take_attr(&in, w->arena, &change);
			if ((change.op == ATTR_DELETE) != (pass == 0))
				continue;
			def = &type->attrs[change.attr];
			values_of(w, def, &now);
			texts_apply(&now, w->arena, def, &change);
			if (set_values(w, def, &now, item) < 0)
				return -1;
		}
	}
	return 0;
}

/* Does the row have each value that the add sent? */
static bool carries(const struct work *w, struct sv spooled,
		    const struct file_op *item)
{
	const struct object_type *type = &w->s->config->types[item->type];
	size_t count = (size_t)file_op_take_number(&spooled);

	while (count--) {
		struct file_op_attr sent;
		struct texts now;

		file_op_take_attr(&spooled, w->arena, &sent);
		values_of(w, &type->attrs[sent.attr], &now);
		while (sent.count--)
			if (texts_find(&now, &type->attrs[sent.attr],
				       sent.values[sent.count]) == now.len)
				return false;
	}
	return true;
}

/* A row with nothing but its anchor and its type. */
static void start_row(struct work *w, const struct file_op *item)
{
	const struct csv_source *source = w->t->source;
	size_t i;

	memset(w->cells, 0, w->t->names.len * sizeof(*w->cells));
	for (i = 0; i < source->anchor_count; i++)
		set_cell(w, csv_column_of(w->t, source->anchors[i]),
			 file_anchor_part(item->anchor, i,
					  source->anchor_count));
	if (source->type == BY_COLUMN)
		set_cell(w, csv_column_of(w->t, source->type_column),
			 sv_from(w->s->config->types[item->type].name));
	w->changed = true;
	w->present = true;
}

static int add_row(struct work *w, struct sv spooled, struct file_op *item)
{
	start_row(w, item);
	return apply_values(w, spooled, item);
}

static int run_item(struct work *w, struct file_op *item, struct error *err)
{
	size_t columns = w->t->names.len;
	struct sv *before = arena_array(w->arena, columns, sizeof(*before));
	bool present = w->present;
	bool changed = w->changed;
	struct sv spooled;

	if (file_op_read(&w->s->export->ops, item, w->arena, &spooled, err) < 0)
		return -1;
	memcpy(before, w->cells, columns * sizeof(*before));
	switch (item->kind) {
	case EXPORT_ADD:
		if (!w->present)
			(void)add_row(w, spooled, item);
		else if (item->retry && carries(w, spooled, item))
			item->adopted = true;
		else
			(void)file_op_refuse(
				item, "cd-existing-object",
				"there is a row with this anchor already");
		break;
	case EXPORT_DELETE_ADD:
		(void)add_row(w, spooled, item);
		break;
	case EXPORT_UPDATE:
		if (w->present)
			(void)apply_values(w, spooled, item);
		else
			(void)file_op_refuse(
				item, "cd-missing-object",
				"there is no row with this anchor");
		break;
	case EXPORT_DELETE:
		w->changed |= w->present;
		w->present = false;
		break;
	case EXPORT_RENAME:
		break;
	}
	if (item->error) { /* it did nothing */
		memcpy(w->cells, before, columns * sizeof(*before));
		w->present = present;
		w->changed = changed;
	}
	return 0;
}

static int run_chain(struct work *w, struct file_op *first, struct error *err)
{
	struct file_op *item;

	first->met = true;
	for (item = first; item; item = item->next)
		if (run_item(w, item, err) < 0)
			return -1;
	w->t->changed |= w->changed;
	return 0;
}

/* The operations on a row's anchor, or NULL. */
static struct file_op *items_of_row(struct connector_session *s,
				    struct csv_target *t,
				    const struct csv_row *row,
				    struct arena *arena)
{
	struct sv anchor;
	size_t type;
	size_t missing;

	if (row->error || !csv_row_type(s, t->source, &t->layout, row, &type) ||
	    !csv_row_anchor(t->source, &t->layout, row, arena, &anchor,
			    &missing))
		return NULL;
	return file_ops_on(&s->export->ops, &t->objects, type, anchor, arena);
}

static int write_missing_newline(struct csv_writer *out, struct sv raw,
				 struct error *err)
{
	if (raw.len && raw.ptr[raw.len - 1] == '\n')
		return 0;
	return csv_write_text(out, sv_from(out->end_of_line), err);
}

/* A row that stays: as it is, with empty fields for columns that are new. */
static int keep_row(struct csv_target *t, const struct csv_row *row,
		    struct csv_writer *out, struct error *err)
{
	struct sv raw = row->raw;
	size_t i;

	if (csv_write_text(out, row->lead, err) < 0)
		return -1;
	out->rows++;
	if (t->names.len == t->file_columns || row->error ||
	    row->count != t->file_columns)
		return csv_write_text(out, raw, err) < 0
			       ? -1
			       : write_missing_newline(out, raw, err);
	while (raw.len &&
	       (raw.ptr[raw.len - 1] == '\n' || raw.ptr[raw.len - 1] == '\r'))
		raw.len--;
	if (csv_write_text(out, raw, err) < 0)
		return -1;
	for (i = t->file_columns; i < t->names.len; i++)
		csv_write_delimiter(out);
	return csv_write_text(out, sv_from(out->end_of_line), err);
}

static int write_row(struct connector_session *s, struct csv_target *t,
		     const struct csv_row *row, struct arena *arena,
		     struct csv_writer *out, struct error *err)
{
	struct file_op *items = items_of_row(s, t, row, arena);
	struct work work = { .s = s, .t = t, .arena = arena, .present = true };
	size_t i;

	if (!items)
		return keep_row(t, row, out, err);
	work.cells = arena_array(arena, t->names.len, sizeof(*work.cells));
	for (i = 0; i < row->count && i < t->file_columns; i++)
		work.cells[i] = row->fields[i];
	if (run_chain(&work, items, err) < 0)
		return -1;
	if (!work.present)
		return 0;
	if (!work.changed)
		return keep_row(t, row, out, err);
	if (sv_trim(row->lead).len && csv_write_text(out, row->lead, err) < 0)
		return -1;
	return csv_write_row(out, work.cells, t->names.len, err);
}

static int append_rows(struct connector_session *s, struct csv_target *t,
		       struct csv_writer *out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_op **at;
	int ret = 0;

	vec_foreach(&t->objects.first, at) {
		struct work work = { .s = s, .t = t, .arena = &scratch };

		if ((*at)->met)
			continue;
		work.cells = arena_array(&scratch, t->names.len,
					 sizeof(*work.cells));
		ret = run_chain(&work, *at, err);
		if (ret == 0 && work.present)
			ret = csv_write_row(out, work.cells, t->names.len, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

static int write_change(struct csv_target *t, struct work *w,
			enum outlet_word word, struct csv_writer *out,
			struct error *err)
{
	const struct outlet *outlet = t->source->feed.outlet;

	set_cell(w, csv_column_of(t, outlet->change), outlet->words[word]);
	t->changed = true;
	return csv_write_row(out, w->cells, t->names.len, err);
}

/* The row, or the two, that tell of an operation. */
static int tell_item(struct work *w, struct file_op *item,
		     struct csv_writer *out, struct error *err)
{
	bool removes = item->kind == EXPORT_DELETE ||
		       item->kind == EXPORT_DELETE_ADD;
	struct sv spooled;

	if (file_op_read(&w->s->export->ops, item, w->arena, &spooled, err) < 0)
		return -1;
	if (removes) {
		start_row(w, item);
		if (write_change(w->t, w, OUTLET_DELETE, out, err) < 0)
			return -1;
	}
	if (item->kind == EXPORT_DELETE || add_row(w, spooled, item) < 0)
		return 0;
	return write_change(w->t, w,
			    item->kind == EXPORT_UPDATE ? OUTLET_MODIFY
							: OUTLET_ADD,
			    out, err);
}

/* A file of changes: operations in their order, nothing else. */
static int tell_changes(struct connector_session *s, struct csv_target *t,
			struct csv_writer *out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_op **at;
	struct file_op *item;
	int ret = 0;

	vec_foreach(&t->objects.first, at) {
		struct work work = { .s = s, .t = t, .arena = &scratch };

		work.cells = arena_array(&scratch, t->names.len,
					 sizeof(*work.cells));
		for (item = *at; item && ret == 0; item = item->next)
			ret = tell_item(&work, item, out, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

static int copy_rows(struct connector_session *s, struct csv_target *t,
		     struct csv_reader *in, struct csv_writer *out,
		     struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct csv_row row;
	int ret;

	while ((ret = csv_reader_next(in, &scratch, &row, err)) > 0) {
		if (in->in.converting && memchr(row.raw.ptr, 0xFF, row.raw.len))
			ret = error_set(err, ERR_INVALID,
					"'" SV_FMT "' line %zu: bytes that are "
					"not %s; nothing was written",
					SV_ARG(t->source->feed.name), row.line,
					t->dialect.encoding);
		else
			ret = write_row(s, t, &row, &scratch, out, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	/* Comments, not blank lines alone. */
	if (ret == 0 && sv_trim(row.lead).len) {
		ret = csv_write_text(out, row.lead, err);
		if (ret == 0)
			ret = write_missing_newline(out, row.lead, err);
	}
	in->in.at = in->in.len; /* a trailer may stand behind it */
	arena_release(&scratch);
	return ret;
}

static bool ends_with_cr(struct sv line)
{
	return line.len > 1 && line.ptr[line.len - 2] == '\r';
}

/* A file that is made anew has empty lines where others have their own. */
static int write_header(struct csv_target *t, const struct csv_layout *layout,
			struct csv_writer *out, struct error *err)
{
	int64_t i;
	int ret = 0;

	if (csv_write_text(out, layout->before, err) < 0)
		return -1;
	for (i = 0; !t->exists && i < t->source->skip; i++)
		if (csv_write_text(out, sv_from(out->end_of_line), err) < 0)
			return -1;
	if (t->source->header &&
	    (!t->exists || t->names.len != t->file_columns))
		ret = csv_write_row(out, t->names.at, t->names.len, err);
	else if (t->source->header)
		ret = csv_write_text(out, layout->header, err) < 0
			      ? -1
			      : write_missing_newline(out, layout->header, err);
	out->rows = 0;
	return ret;
}

/* Reads the header again and writes the one of the replacement. */
static int start_rows(struct connector_session *s, struct csv_target *t,
		      struct csv_reader *in, struct csv_writer *out,
		      struct error *err)
{
	struct csv_layout layout;
	int ret = csv_source_open(t->source, NULL, s->config, CSV_LAYOUT_EXPORT,
				  &s->export->ops.arena, in, &layout, err);
	size_t i;

	if (ret < 0)
		return -1;
	if ((ret > 0) != t->exists || layout.count != t->file_columns)
		return error_set(err, ERR_CONFLICT,
				 "'" SV_FMT "' was changed by somebody else "
				 "during the export",
				 SV_ARG(t->source->feed.name));
	for (i = 0; i < layout.count; i++)
		if (!sv_eq(layout.names[i], t->names.at[i]))
			return error_set(err, ERR_CONFLICT,
					 "the columns of '" SV_FMT
					 "' were changed by somebody else "
					 "during the export",
					 SV_ARG(t->source->feed.name));
	if (ends_with_cr(layout.before) || ends_with_cr(layout.header))
		out->end_of_line = "\r\n";
	return write_header(t, &layout, out, err);
}

/* The trailer tells how many rows stand before it now. */
static int write_trailer(struct csv_target *t, struct csv_reader *in,
			 struct csv_writer *out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv line;
	int ret = feed_new_trailer(&t->source->feed, t->exists ? &in->in : NULL,
				   out->rows, &scratch, &line, err);

	if (ret > 0)
		ret = csv_write_text(out, line, err);
	if (ret == 0 && line.len)
		ret = write_missing_newline(out, line, err);
	arena_release(&scratch);
	return ret;
}

static int rewrite(struct connector_session *s, struct csv_target *t,
		   struct csv_reader *in, struct csv_writer *out,
		   struct error *err)
{
	if (start_rows(s, t, in, out, err) < 0 ||
	    (t->exists && copy_rows(s, t, in, out, err) < 0))
		return -1;
	return append_rows(s, t, out, err);
}

int csv_merge(struct connector_session *s, struct csv_target *t,
	      struct error *err)
{
	struct csv_reader in = { .in = { .fd = -1 } };
	struct csv_writer out = { .end_of_line = "\n" };
	int ret;

	if (feed_replace(&t->source->feed, &s->export->ops.arena, &t->file,
			 &t->path, err) < 0)
		return -1;
	t->replacing = true;
	ret = csv_writer_open(&out, &t->dialect, t->bom, t->file.stream, err);
	if (ret == 0 && feed_tells_changes(&t->source->feed)) {
		ret = write_header(t, &t->layout, &out, err);
		if (ret == 0)
			ret = tell_changes(s, t, &out, err);
	} else if (ret == 0) {
		ret = rewrite(s, t, &in, &out, err);
	}
	if (ret == 0)
		ret = write_trailer(t, &in, &out, err);
	if (ret == 0)
		ret = csv_writer_flush(&out, err);
	csv_reader_close(&in);
	csv_writer_close(&out);
	return ret;
}
