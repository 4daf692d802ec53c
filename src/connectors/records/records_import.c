/*
 * records_import.c - full and delta import of files of records
 *
 * All files are opened before the first record is given. Which files these are,
 * and whether they are whole, the intake knows; its part of the watermark holds
 * what was read before.
 *
 * Of the records of a full import only anchor and type are cut at first, where
 * the format can. Whoever finds that the rest matters has it read by
 * records_import_expand().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/records/records_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct input {
	const struct records_source *source;
	bool open;
	struct record_reader reader;
	struct records_layout layout;
	struct intake_file file;
	uint64_t rows;
	struct sv context; /* what gives a record's bytes their meaning */
};

/* A record, to be read in full when that is needed. */
struct kept_record {
	const struct input *in;
	struct record record;
};

struct records_import {
	bool delta;
	struct arena arena;
	struct input *inputs; /* one for each file */
	size_t count;
	size_t at;
};

void records_import_free(struct records_import *im)
{
	size_t i;

	if (!im)
		return;
	for (i = 0; i < im->count; i++) {
		if (im->inputs[i].open)
			records_file_close(&im->inputs[i].reader);
		records_layout_release(&im->inputs[i].layout);
	}
	arena_release(&im->arena);
	mem_free(im);
}

/* --- begin ------------------------------------------------------------- */

static void add_text(struct strbuf *sb, struct sv text)
{
	strbuf_add(sb, &text.len, sizeof(text.len));
	strbuf_addsv(sb, text);
}

/* The format, its settings and the columns. */
static struct sv make_context(const struct input *in, struct arena *arena)
{
	const struct records_source *source = in->source;
	const struct setting_def *def = source->format->file_settings;
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv context;
	size_t i;

	strbuf_addf(&sb, "1 %s ", source->format->name);
	for (; def->name; def++)
		if (def->type == SETTING_TEXT || def->type == SETTING_SWITCH ||
		    def->type == SETTING_CHOICE)
			add_text(&sb, records_text(source, def->name));
	for (i = 0; i < source->anchor_count; i++)
		add_text(&sb, source->anchors[i]);
	add_text(&sb, source->type_name);
	for (i = 0; i < in->reader.column_count; i++)
		add_text(&sb, in->reader.columns[i]);
	if (source->format->context)
		source->format->context(&in->reader, &sb);
	context = arena_dup(arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return context;
}

static int begin_file(struct connector_session *s, struct input *in,
		      struct error *err)
{
	int ret;

	records_layout_init(&in->layout, in->source, s->config,
			    s->import->delta, &s->import->arena);
	ret = records_file_open(in->source, &in->file, &in->layout, s->config,
				&in->reader, err);
	if (ret < 0)
		return intake_failed(s->intake, &in->file, err);
	in->open = true;
	if (!s->import->delta)
		in->context = make_context(in, &s->import->arena);
	return 0;
}

int records_import_begin(struct connector_session *s, enum import_kind kind,
			 struct sv watermark, struct error *err)
{
	struct records_import *im;
	const struct feed **feeds;
	struct feed_file *files;
	size_t count;
	size_t i;
	int ret;

	records_import_free(s->import);
	intake_free(s->intake);
	im = mem_zalloc(sizeof(*im));
	s->import = im;
	s->intake = NULL;
	im->delta = kind == IMPORT_DELTA;
	feeds = arena_array(&im->arena, s->source_count, sizeof(*feeds));
	for (i = 0; i < s->source_count; i++)
		feeds[i] = &s->sources[i].feed;
	ret = feeds_begin(s->config, "records", feeds, s->source_count,
			  im->delta, watermark, &im->arena, &s->intake, &files,
			  &count, err);
	if (ret)
		return ret;
	im->count = count;
	im->inputs = arena_array(&im->arena, count, sizeof(*im->inputs));
	for (i = 0; i < count; i++) {
		im->inputs[i].source = &s->sources[files[i].feed];
		im->inputs[i].file = files[i].file;
	}
	for (i = 0; i < count; i++)
		if (begin_file(s, &im->inputs[i], err) < 0)
			return -1;
	return 0;
}

/* --- a record ---------------------------------------------------------- */

/* What is read of a record on its way to a change. */
struct reading {
	const struct connector_session *s;
	const struct input *in;
	const struct record *record;
	struct arena *arena;
	struct change *out;
};

/* A1, B12, AA7 */
static const char *cell_name(size_t column, size_t row, struct arena *arena)
{
	char letters[16];
	size_t at = sizeof(letters);

	letters[--at] = '\0';
	for (column++; column && at; column = (column - 1) / 26)
		letters[--at] = (char)('A' + (column - 1) % 26);
	return arena_printf(arena, "%s%zu", &letters[at], row);
}

/* The place of byte `at` of the record, or of a cell. */
static struct sv place(const struct reading *r, size_t at)
{
	const struct record *record = r->record;
	struct sv file = r->in->reader.file;
	struct sv before;
	size_t line = record->line;
	size_t column;
	size_t from = 0;
	size_t next;

	if (r->in->source->format->cells)
		return sv_from(arena_printf(r->arena, SV_FMT ":%s",
					    SV_ARG(file),
					    cell_name(at, line, r->arena)));
	before = sv_sub(record->raw, 0,
			at < record->raw.len ? at : record->raw.len);
	while ((next = sv_find(before, '\n', from)) < before.len) {
		line++;
		from = next + 1;
	}
	column = text_len(sv_sub(before, from, before.len)) + 1;
	if (!from && record->column)
		column += record->column - 1;
	return sv_from(arena_printf(r->arena, SV_FMT ":%zu:%zu", SV_ARG(file),
				    line, column));
}

/* The record is an error, which stands at `at`. Returns 0. */
static int bad(const struct reading *r, size_t at, const char *error,
	       const char *message)
{
	r->out->op = CHANGE_ERROR;
	r->out->error = error;
	r->out->message = sv_from(message);
	r->out->attrs = NULL;
	r->out->attr_count = 0;
	r->out->where = place(r, at);
	return 0;
}

/* 1: the change word is understood; 0: the record is an error. */
static int read_word(const struct reading *r)
{
	const struct feed *feed = &r->in->source->feed;
	const struct record_field *field =
		record_find(r->record, r->in->layout.change);
	struct sv word = field ? sv_trim(field->text) : SV_NULL;

	if (!word.len)
		return bad(r, 0, "missing-change-type",
			   arena_printf(r->arena, "'" SV_FMT "' has no value",
					SV_ARG(feed->change)));
	if (feed_word(feed, word, &r->out->op))
		return 1;
	return bad(r, field->at, "invalid-change-type",
		   arena_printf(r->arena,
				"'" SV_FMT "' is none of " SV_FMT ", " SV_FMT
				", " SV_FMT,
				SV_ARG(word), SV_ARG(feed->words[0]),
				SV_ARG(feed->words[1]),
				SV_ARG(feed->words[2])));
}

static int check_shape(const struct reading *r)
{
	const struct record *record = r->record;

	return record->error
		       ? bad(r, record->error_at, "parse-error", record->error)
		       : 1;
}

static bool has_nul(struct sv text)
{
	return text.len && memchr(text.ptr, '\0', text.len);
}

static int check_anchor(const struct reading *r, int has_anchor, size_t missing)
{
	const struct record_field *field;
	struct sv name;

	if (has_anchor && has_nul(r->out->anchor)) {
		r->out->anchor = SV_NULL;
		return bad(r, 0, "invalid-attribute-value",
			   "the anchor has NUL bytes: the file is damaged, or "
			   "its encoding is another one");
	}
	if (has_anchor)
		return 1;
	name = r->in->source->anchors[missing];
	field = record_find(r->record, r->in->layout.anchors[missing]);
	if (field && !text_is_utf8(field->text))
		return bad(r, field->at, "invalid-attribute-value",
			   arena_printf(r->arena,
					"the anchor '" SV_FMT "' is not in the "
					"file's encoding",
					SV_ARG(name)));
	return bad(r, 0, "missing-anchor-component",
		   arena_printf(r->arena,
				"the anchor '" SV_FMT "' has no value",
				SV_ARG(name)));
}

/* --- values ------------------------------------------------------------ */

static size_t count_parts(struct sv text, const struct attr_def *def)
{
	struct sv separator = def->separator;
	size_t count = 1;
	size_t at;

	if (!def->multi || !separator.len)
		return 1;
	for (at = 0; at + separator.len <= text.len; at++) {
		if (memcmp(text.ptr + at, separator.ptr, separator.len) != 0)
			continue;
		count++;
		at += separator.len - 1;
	}
	return count;
}

/* 1: the value is added; 0: it is no base64. */
static int add_value(const struct reading *r, struct values *values,
		     struct sv text, const struct attr_def *def)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ok = 1;

	if (def->type != VALUE_BINARY) {
		values->at[values->len++] = value_string(text);
		return 1;
	}
	if (r->in->source->format->base64) {
		ok = strbuf_add_unbase64(&bytes, text);
		text = arena_dup(r->arena, strbuf_sv(&bytes));
		strbuf_release(&bytes);
	}
	values->at[values->len++] = value_binary(text);
	return ok;
}

/* The parts between separators, blanks around them trimmed; empty ones are no
 * values. */
static int add_parts(const struct reading *r, struct values *values,
		     struct sv text, const struct attr_def *def)
{
	struct sv separator = def->separator;

	if (!def->multi || !separator.len)
		return add_value(r, values, text, def);
	for (;;) {
		const char *hit = memmem(text.ptr, text.len, separator.ptr,
					 separator.len);
		size_t end = hit ? (size_t)(hit - text.ptr) : text.len;
		struct sv part = sv_trim(sv_sub(text, 0, end));

		if (part.len && !add_value(r, values, part, def))
			return 0;
		if (!hit)
			return 1;
		text = sv_sub(text, end + separator.len, text.len);
	}
}

/* Which attribute a field is of, when it has a value. */
static size_t attr_of(const struct reading *r, const struct record_field *field)
{
	const struct sv null = r->in->source->null;

	if (!field->text.len || field->name == RECORD_NO_NAME ||
	    (null.len && sv_eq(field->text, null)))
		return RECORD_NO_NAME;
	return r->in->layout.attrs[r->out->type][field->name];
}

/* Room for the values of each attribute that the record has. */
static struct attr_change *make_room(const struct reading *r, size_t *slots)
{
	const struct object_type *type = &r->s->config->types[r->out->type];
	const struct record *record = r->record;
	struct attr_change *attrs;
	size_t count = 0;
	size_t i;

	for (i = 0; i < record->count; i++) {
		size_t attr = attr_of(r, &record->fields[i]);

		if (attr != RECORD_NO_NAME)
			slots[attr] += count_parts(record->fields[i].text,
						   &type->attrs[attr]);
	}
	attrs = arena_alloc(r->arena, (type->attr_count + 1) * sizeof(*attrs));
	for (i = 0; i < type->attr_count; i++) {
		if (!slots[i])
			continue;
		attrs[count] = (struct attr_change){
			i,
			ATTR_REPLACE,
			{ arena_alloc(r->arena,
				      slots[i] * sizeof(struct value)),
			  0 }
		};
		slots[i] = count++;
	}
	r->out->attr_count = count;
	return attrs;
}

static int bad_value(const struct reading *r, const struct record_field *field,
		     const struct attr_def *def, const char *what)
{
	return bad(r, field->at, "invalid-attribute-value",
		   arena_printf(r->arena, "'%s' %s", def->name, what));
}

/* 1: the record's attributes are filled; 0: it is an error. */
static int fill_attrs(const struct reading *r)
{
	const struct object_type *type = &r->s->config->types[r->out->type];
	const struct record *record = r->record;
	size_t *slots =
		arena_array(r->arena, type->attr_count + 1, sizeof(*slots));
	struct attr_change *attrs = make_room(r, slots);
	bool valid = text_is_utf8(record->raw);
	bool nul = has_nul(record->raw);
	size_t kept = 0;
	size_t i;

	for (i = 0; i < record->count; i++) {
		const struct record_field *field = &record->fields[i];
		size_t attr = attr_of(r, field);
		const struct attr_def *def;

		if (attr == RECORD_NO_NAME)
			continue;
		def = &type->attrs[attr];
		if (!valid && def->type != VALUE_BINARY &&
		    !text_is_utf8(field->text))
			return bad_value(r, field, def,
					 "has bytes that are not in the file's "
					 "encoding");
		if (nul && def->type != VALUE_BINARY && has_nul(field->text))
			return bad_value(r, field, def,
					 "has NUL bytes: the file is damaged, "
					 "or its encoding is another one");
		if (!add_parts(r, &attrs[slots[attr]].values, field->text, def))
			return bad_value(r, field, def, "is not base64");
	}
	for (i = 0; i < r->out->attr_count; i++)
		if (attrs[i].values.len)
			attrs[kept++] = attrs[i];
	r->out->attr_count = kept;
	r->out->attrs = attrs;
	r->out->file = r->in->reader.file;
	r->out->line = record->line;
	return 1;
}

/* --- changes ----------------------------------------------------------- */

static void keep(const struct reading *r)
{
	struct kept_record *kept = arena_alloc(r->arena, sizeof(*kept));

	kept->in = r->in;
	kept->record = *r->record;
	kept->record.lead = SV_NULL;
	r->out->record = kept;
}

/* Leaves the attributes of a record to records_import_expand(). */
static void defer(const struct reading *r)
{
	keep(r);
	r->out->raw = r->record->raw;
	r->out->raw_context = r->in->context;
	r->out->deferred = true;
}

void records_import_expand(const struct connector_session *s,
			   struct arena *arena, struct change *change)
{
	const struct kept_record *kept = change->record;
	struct record record = kept->record;
	struct reading r = { s, kept->in, &record, arena, change };

	records_file_parse(&r.in->reader, arena, &record);
	if (check_shape(&r))
		(void)fill_attrs(&r);
}

struct sv records_import_place(const struct connector_session *s,
			       struct arena *arena, const struct change *change,
			       size_t attr)
{
	const struct kept_record *kept = change->record;
	struct record record = kept->record;
	struct change of = { .type = change->type };
	struct reading r = { s, kept->in, &record, arena, &of };
	size_t i;

	records_file_parse(&r.in->reader, arena, &record);
	for (i = 0; i < record.count; i++)
		if (attr_of(&r, &record.fields[i]) == attr)
			return place(&r, record.fields[i].at);
	return SV_NULL;
}

static void filtered(const struct reading *r, struct sv type)
{
	r->out->op = CHANGE_FILTERED;
	r->out->where = place(r, 0);
	r->out->message = sv_from(arena_printf(
		r->arena, "'" SV_FMT "' is the type of no rule set",
		SV_ARG(type)));
}

/* 1: a change or an error; 0: nobody asks for the record. */
static int read_record(const struct connector_session *s,
		       const struct input *in, struct record *record,
		       struct arena *arena, struct change *out)
{
	struct reading r = { s, in, record, arena, out };
	size_t missing = 0;
	struct sv type_name;
	int has_anchor;
	int has_type;

	memset(out, 0, sizeof(*out));
	out->op = CHANGE_OBJECT;
	has_type = records_type(in->source, &in->layout, record, &out->type,
				&type_name);
	has_anchor = records_anchor(in->source, &in->layout, record, arena,
				    &out->anchor, &missing);
	if (!has_type && in->source->type != RECORDS_BY_NAME &&
	    in->source->type != RECORDS_BY_FORMAT)
		return 0;
	if (has_type && has_anchor && !record->error && !s->import->delta &&
	    !has_nul(out->anchor)) {
		defer(&r);
		return 1;
	}
	records_file_parse(&in->reader, arena, record);
	if (!check_shape(&r))
		return 1;
	if (!has_type && type_name.len) {
		filtered(&r, type_name);
		return 1;
	}
	if ((s->import->delta && !read_word(&r)) ||
	    !check_anchor(&r, has_anchor, missing))
		return 1;
	if (!has_type)
		(void)bad(&r, 0, "missing-object-type",
			  "the type of the record is not told");
	else if (out->op != CHANGE_DELETE) {
		keep(&r);
		(void)fill_attrs(&r);
	}
	return 1;
}

int records_import_next(struct connector_session *s, struct arena *arena,
			struct change *out, struct error *err)
{
	struct records_import *im = s->import;
	struct record record;
	int ret;

	assert(im);
	while (im->at < im->count) {
		struct input *in = &im->inputs[im->at];

		ret = records_file_next(&in->reader, !im->delta, arena, &record,
					err);
		if (ret < 0)
			return intake_failed(s->intake, &in->file, err);
		if (ret == 0) {
			if (intake_ended(s->intake, &in->file, in->rows, err) <
			    0)
				return -1;
			im->at++;
			continue;
		}
		in->rows++;
		if (read_record(s, in, &record, arena, out))
			return 1;
	}
	return 0;
}

int records_import_end(struct connector_session *s, struct arena *arena,
		       struct sv *watermark_out, struct error *err)
{
	(void)err;
	*watermark_out = feeds_mark(s->intake, "records", s->config, arena);
	records_import_free(s->import);
	s->import = NULL;
	return 0;
}

int records_import_kept(struct connector_session *s, struct error *err)
{
	return intake_kept(s->intake, err);
}

int records_import_flawed(struct connector_session *s, int64_t errors,
			  struct error *err)
{
	return intake_flawed(s->intake, errors, err);
}

const char *records_import_note(const struct connector_session *s)
{
	return intake_note(s->intake);
}

int records_import_progress(const struct connector_session *s)
{
	const struct records_import *im = s->import;
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
