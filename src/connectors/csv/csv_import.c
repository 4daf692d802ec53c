/*
 * csv_import.c - full and delta import of delimited files
 *
 * All files are opened and their headers checked before the first row is
 * given. Which files these are, and whether they are whole, the intake knows;
 * its part of the watermark holds what was read before.
 *
 * Of the rows of a full import only the fields that make the anchor and the
 * type are cut at first. Whoever finds that the rest matters has it read by
 * csv_import_expand().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/csv/csv_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct input {
	const struct csv_source *source;
	bool open;
	struct csv_reader reader;
	struct csv_layout layout;
	struct intake_file file;
	uint64_t rows;
	struct sv context; /* what gives a row's bytes their meaning */
};

/* A row, to be cut into its fields when that is needed. */
struct kept_row {
	const struct input *in;
	struct csv_row row;
};

struct csv_import {
	bool delta;
	struct arena arena;
	struct input *inputs; /* one for each file */
	size_t count;
	size_t at;
};

void csv_import_free(struct csv_import *im)
{
	size_t i;

	if (!im)
		return;
	for (i = 0; i < im->count; i++)
		csv_reader_close(&im->inputs[i].reader);
	arena_release(&im->arena);
	mem_free(im);
}

static void add_text(struct strbuf *sb, struct sv text)
{
	strbuf_add(sb, &text.len, sizeof(text.len));
	strbuf_addsv(sb, text);
}

/* The columns by name, and the settings by which a row is read. */
static struct sv make_context(const struct input *in, struct arena *arena)
{
	const struct csv_layout *layout = &in->layout;
	const struct csv_dialect *dialect = &in->reader.dialect;
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv context;
	size_t i;

	strbuf_addf(&sb, "1 %d %d %d %d %zu ", dialect->delimiter,
		    dialect->quote, dialect->comment, dialect->trim,
		    layout->type);
	add_text(&sb, dialect->null);
	if (dialect->more.len || dialect->escape || dialect->formulas) {
		strbuf_addf(&sb, "%d %d ", dialect->escape, dialect->formulas);
		add_text(&sb, dialect->more);
	}
	for (i = 0; i < in->source->anchor_count; i++)
		strbuf_addf(&sb, "%zu ", layout->anchors[i]);
	for (i = 0; i < layout->count; i++)
		add_text(&sb, layout->names[i]);
	context = arena_dup(arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return context;
}

/* How many fields of a row tell its anchor and type. */
static size_t first_fields(const struct input *in)
{
	const struct csv_layout *layout = &in->layout;
	size_t last = layout->type == CSV_NO_COLUMN ? 0 : layout->type;
	size_t i;

	for (i = 0; i < in->source->anchor_count; i++)
		if (layout->anchors[i] > last)
			last = layout->anchors[i];
	return last + 1;
}

static int open_full(struct connector_session *s, struct input *in,
		     struct error *err)
{
	int ret = csv_source_open(in->source, &in->file, s->config, 0,
				  &s->import->arena, &in->reader, &in->layout,
				  err);

	in->open = ret > 0;
	if (!in->open)
		return ret;
	in->context = make_context(in, &s->import->arena);
	in->reader.first = first_fields(in);
	return 0;
}

static int open_delta(struct connector_session *s, struct input *in,
		      struct error *err)
{
	int ret = csv_source_open(in->source, &in->file, s->config,
				  CSV_LAYOUT_DELTA, &s->import->arena,
				  &in->reader, &in->layout, err);

	in->open = ret > 0;
	return ret < 0 ? -1 : 0;
}

static int open_inputs(struct connector_session *s, struct error *err)
{
	struct csv_import *im = s->import;
	size_t i;

	for (i = 0; i < im->count; i++) {
		struct input *in = &im->inputs[i];

		if ((im->delta ? open_delta(s, in, err)
			       : open_full(s, in, err)) < 0)
			return intake_failed(s->intake, &in->file, err);
	}
	return 0;
}

int csv_import_begin(struct connector_session *s, enum import_kind kind,
		     struct sv watermark, struct error *err)
{
	struct csv_import *im;
	const struct feed **feeds;
	struct feed_file *files;
	size_t i;
	int ret;

	csv_import_free(s->import);
	intake_free(s->intake);
	im = mem_zalloc(sizeof(*im));
	s->import = im;
	s->intake = NULL;
	im->delta = kind == IMPORT_DELTA;
	feeds = arena_array(&im->arena, s->source_count, sizeof(*feeds));
	for (i = 0; i < s->source_count; i++)
		feeds[i] = &s->sources[i].feed;
	ret = feeds_begin(s->config, "csv", feeds, s->source_count, im->delta,
			  watermark, &im->arena, &s->intake, &files, &im->count,
			  err);
	if (ret) {
		im->count = 0;
		return ret;
	}
	im->inputs = arena_array(&im->arena, im->count, sizeof(*im->inputs));
	for (i = 0; i < im->count; i++) {
		im->inputs[i].source = &s->sources[files[i].feed];
		im->inputs[i].file = files[i].file;
	}
	return open_inputs(s, err);
}

/* What is read of a row on its way to a change. */
struct reading {
	const struct connector_session *s;
	const struct input *in;
	const struct csv_row *row;
	struct arena *arena;
	struct change *out;
};

static struct sv place(const struct reading *r, size_t line, size_t column)
{
	return sv_from(arena_printf(r->arena, SV_FMT ":%zu:%zu",
				    SV_ARG(r->in->file.name), line, column));
}

/* The row is an error, which stands at field `column`. Returns 0. */
static int bad(const struct reading *r, size_t column, const char *error,
	       const char *message)
{
	r->out->op = CHANGE_ERROR;
	r->out->error = error;
	r->out->message = sv_from(message);
	r->out->attrs = NULL;
	r->out->attr_count = 0;
	if (!r->out->where.len)
		r->out->where =
			place(r, r->row->line, csv_row_column(r->row, column));
	return 0;
}

static const char *column_name(const struct reading *r, size_t column)
{
	return arena_cstr(r->arena, r->in->layout.names[column]);
}

/* 1: the change word is understood; 0: the row is an error. */
static int read_word(const struct reading *r)
{
	const struct csv_source *source = r->in->source;
	size_t column = r->in->layout.change;
	const struct feed *feed = &source->feed;
	struct sv word = sv_trim(csv_field(source, r->row, column));

	if (!word.len && column < r->row->count)
		return bad(r, column, "missing-change-type",
			   arena_printf(r->arena, "the column '%s' is empty",
					column_name(r, column)));
	if (feed_word(feed, word, &r->out->op))
		return 1;
	if (column >= r->row->count)
		return 1; /* too few columns is said of it below */
	return bad(r, column, "invalid-change-type",
		   arena_printf(r->arena,
				"'" SV_FMT "' is none of " SV_FMT ", " SV_FMT
				", " SV_FMT,
				SV_ARG(word), SV_ARG(feed->words[0]),
				SV_ARG(feed->words[1]),
				SV_ARG(feed->words[2])));
}

/* A separator too many or too few moves the columns behind it. */
static bool anchor_leads(const struct reading *r)
{
	const struct csv_source *source = r->in->source;
	size_t i;

	for (i = 0; i < source->anchor_count; i++)
		if (r->in->layout.anchors[i] >= source->anchor_count)
			return false;
	return true;
}

/* 1: the row has its columns; 0: it is an error. */
static int check_shape(const struct reading *r)
{
	const struct csv_row *row = r->row;
	size_t columns = r->in->layout.count;

	if (row->error) {
		r->out->where = place(r, row->error_line, row->error_column);
		return bad(r, 0, "parse-error", row->error);
	}
	if (memchr(row->text.ptr ? row->text.ptr : "", '\0', row->text.len))
		return bad(r, 0, "parse-error",
			   "the row has NUL bytes: is the encoding right?");
	if (row->count > columns ||
	    (row->count < columns && r->out->op != CHANGE_DELETE)) {
		if (!r->s->import->delta && !anchor_leads(r))
			r->out->anchor = SV_NULL;
		return bad(r, row->count > columns ? columns : row->count,
			   "parse-error",
			   arena_printf(r->arena,
					"%zu columns where the header has %zu",
					row->count, columns));
	}
	return 1;
}

/* 1: the anchor is there; 0: the row is an error. */
static int check_anchor(const struct reading *r, int has_anchor, size_t missing)
{
	struct sv text;

	if (has_anchor)
		return 1;
	text = csv_field(r->in->source, r->row, missing);
	if (text.len)
		return bad(r, missing, "invalid-attribute-value",
			   arena_printf(r->arena,
					"the anchor '%s' is not in the file's "
					"encoding",
					column_name(r, missing)));
	return bad(r, missing, "missing-anchor-component",
		   arena_printf(r->arena, "the anchor '%s' has no value",
				column_name(r, missing)));
}

static size_t count_parts(struct sv text, struct sv separator)
{
	size_t count = 1;
	size_t at;

	for (at = 0; at + separator.len <= text.len; at++) {
		if (memcmp(text.ptr + at, separator.ptr, separator.len) != 0)
			continue;
		count++;
		at += separator.len - 1;
	}
	return count;
}

static void add_value(struct values *values, struct sv text,
		      const struct attr_def *def)
{
	values->at[values->len++] = def->type == VALUE_BINARY
					    ? value_binary(text)
					    : value_string(text);
}

/* The parts between separators, blanks around them trimmed; empty ones are no
 * values. */
static void add_parts(struct values *values, struct sv text,
		      const struct attr_def *def)
{
	struct sv separator = def->separator;
	size_t from = 0;
	size_t at = 0;

	while (at <= text.len) {
		bool cut = at + separator.len <= text.len &&
			   !memcmp(text.ptr + at, separator.ptr, separator.len);
		struct sv part;

		if (!cut && at < text.len) {
			at++;
			continue;
		}
		part = sv_trim(sv_sub(text, from, at));
		if (part.len)
			add_value(values, part, def);
		if (!cut)
			break;
		at += separator.len;
		from = at;
	}
}

/* Most attributes have one value, which takes the room prepared for it; others
 * have room made for them. */
static void fill_values(const struct reading *r, const struct attr_def *def,
			struct sv text, struct value *room,
			struct attr_change *attr)
{
	bool parts = def->multi && def->separator.len;
	struct values *values = &attr->values;
	struct value *at = room;

	if (parts || values->len)
		at = arena_alloc(
			r->arena,
			(values->len + 1 +
			 (parts ? count_parts(text, def->separator) : 0)) *
				sizeof(*at));
	if (values->len)
		memcpy(at, values->at, values->len * sizeof(*at));
	values->at = at;
	if (parts)
		add_parts(values, text, def);
	else
		add_value(values, text, def);
}

/* 1: the row's attributes are filled; 0: the row is an error. */
static int fill_attrs(const struct reading *r)
{
	const struct csv_layout *layout = &r->in->layout;
	const struct object_type *type = &r->s->config->types[r->out->type];
	const struct csv_wanted *wanted = layout->wanted[r->out->type];
	size_t count = layout->wanted_count[r->out->type];
	struct change *out = r->out;
	bool valid = text_is_utf8(r->row->text);
	struct attr_change *attrs;
	struct value *values;
	size_t i;

	attrs = arena_alloc(r->arena, (count + 1) * sizeof(*attrs));
	values = arena_alloc(r->arena, (count + 1) * sizeof(*values));
	for (i = 0; i < count; i++) {
		const struct attr_def *def = &type->attrs[wanted[i].attr];
		struct sv text =
			csv_field(r->in->source, r->row, wanted[i].column);

		if (!text.len)
			continue;
		if (!valid && def->type != VALUE_BINARY && !text_is_utf8(text))
			return bad(r, wanted[i].column,
				   "invalid-attribute-value",
				   arena_printf(r->arena,
						"'%s' has bytes that are not "
						"in the file's encoding",
						def->name));
		if (!out->attr_count ||
		    attrs[out->attr_count - 1].attr != wanted[i].attr) {
			attrs[out->attr_count++] = (struct attr_change){
				wanted[i].attr, ATTR_REPLACE, { NULL, 0 }
			};
		}
		fill_values(r, def, text, &values[i],
			    &attrs[out->attr_count - 1]);
		if (!attrs[out->attr_count - 1].values.len)
			out->attr_count--;
	}
	out->attrs = attrs;
	out->file = r->in->file.name;
	out->line = r->row->line;
	return 1;
}

static const struct csv_row *keep(const struct reading *r)
{
	struct kept_row *kept = arena_alloc(r->arena, sizeof(*kept));
	struct csv_row *row = &kept->row;

	kept->in = r->in;
	*row = *r->row;
	row->raw = row->starts ? arena_dup(r->arena, row->raw) : row->text;
	row->lead = SV_NULL;
	r->out->record = kept;
	return row;
}

/* Leaves the attributes of a whole row to csv_import_expand(). */
static void defer(const struct reading *r)
{
	r->out->raw = keep(r)->raw;
	r->out->raw_context = r->in->context;
	r->out->deferred = true;
}

void csv_import_expand(const struct connector_session *s, struct arena *arena,
		       struct change *change)
{
	const struct kept_row *kept = change->record;
	struct csv_row row = kept->row;
	struct reading r = { s, kept->in, &row, arena, change };

	csv_row_cut(&r.in->reader, arena, &row);
	if (check_shape(&r))
		(void)fill_attrs(&r);
}

struct sv csv_import_place(const struct connector_session *s,
			   struct arena *arena, const struct change *change,
			   size_t attr)
{
	const struct kept_row *kept = change->record;
	const struct csv_layout *layout = &kept->in->layout;
	const struct csv_wanted *wanted = layout->wanted[change->type];
	struct csv_row row = kept->row;
	struct reading r = { s, kept->in, &row, arena, NULL };
	size_t i;

	csv_row_cut(&r.in->reader, arena, &row);
	for (i = 0; i < layout->wanted_count[change->type]; i++)
		if (wanted[i].attr == attr &&
		    csv_field(r.in->source, &row, wanted[i].column).len)
			return place(&r, row.line,
				     csv_row_column(&row, wanted[i].column));
	return SV_NULL;
}

/* The row has a type, one that is in no rule set. */
static bool filtered(const struct reading *r)
{
	size_t column = r->in->layout.type;
	struct sv type = sv_trim(csv_field(r->in->source, r->row, column));

	if (!type.len)
		return false;
	r->out->op = CHANGE_FILTERED;
	r->out->where = place(r, r->row->line, csv_row_column(r->row, column));
	r->out->message = sv_from(arena_printf(
		r->arena, "'" SV_FMT "' is the type of no rule set",
		SV_ARG(type)));
	return true;
}

/* 1: a change or an error; 0: nobody asks for the row. */
static int read_row(const struct connector_session *s, const struct input *in,
		    struct csv_row *row, struct arena *arena,
		    struct change *out)
{
	struct reading r = { s, in, row, arena, out };
	size_t missing = 0;
	int has_anchor;
	int has_type;

	memset(out, 0, sizeof(*out));
	out->op = CHANGE_OBJECT;
	has_type = csv_row_type(s, in->source, &in->layout, row, &out->type);
	has_anchor = csv_row_anchor(in->source, &in->layout, row, arena,
				    &out->anchor, &missing);
	if (!has_type && in->source->type != BY_COLUMN)
		return 0;
	if (has_type && has_anchor && !row->error && !s->import->delta) {
		defer(&r);
		return 1;
	}
	csv_row_cut(&in->reader, arena, row);
	if (!row->error && s->import->delta && !read_word(&r))
		return 1;
	if (!check_shape(&r) || !check_anchor(&r, has_anchor, missing))
		return 1;
	if (!has_type) {
		if (filtered(&r))
			return 1;
		(void)bad(&r, in->layout.type, "missing-object-type",
			  "the column that names the type is empty");
	} else if (out->op != CHANGE_DELETE) {
		(void)keep(&r);
		(void)fill_attrs(&r);
	}
	return 1;
}

int csv_import_next(struct connector_session *s, struct arena *arena,
		    struct change *out, struct error *err)
{
	struct csv_import *im = s->import;
	struct csv_row row;
	int ret;

	assert(im);
	while (im->at < im->count) {
		struct input *in = &im->inputs[im->at];

		ret = in->open ? csv_reader_next(&in->reader, arena, &row, err)
			       : 0;
		if (ret < 0)
			return intake_failed(s->intake, &in->file, err);
		if (ret == 0 &&
		    intake_ended(s->intake, &in->file, in->rows, err) < 0)
			return -1;
		if (ret == 0) {
			im->at++;
			continue;
		}
		in->rows++;
		if (read_row(s, in, &row, arena, out))
			return 1;
	}
	return 0;
}

int csv_import_end(struct connector_session *s, struct arena *arena,
		   struct sv *watermark_out, struct error *err)
{
	(void)err;
	*watermark_out = feeds_mark(s->intake, "csv", s->config, arena);
	csv_import_free(s->import);
	s->import = NULL;
	return 0;
}

int csv_import_kept(struct connector_session *s, struct error *err)
{
	return intake_kept(s->intake, err);
}

int csv_import_flawed(struct connector_session *s, int64_t errors,
		      struct error *err)
{
	return intake_flawed(s->intake, errors, err);
}

const char *csv_import_note(const struct connector_session *s)
{
	return intake_note(s->intake);
}

int csv_import_progress(const struct connector_session *s)
{
	const struct csv_import *im = s->import;
	uint64_t taken = 0;
	uint64_t size = 0;
	size_t i;

	if (!im)
		return -1;
	for (i = 0; i < im->count; i++) {
		size += im->inputs[i].reader.in.file_size;
		taken += im->inputs[i].reader.in.taken;
	}
	return size ? (int)((taken < size ? taken : size) * 1000 / size) : -1;
}
