/*
 * dbf.c - tables of dBase, FoxPro and their relatives
 *
 * A record that is marked as deleted is not there, but stays in the file. Texts
 * are converted as they are read, since iconv's state is the file's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/dbf.h"

#include "connectors/format.h"
#include "connectors/records/records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* So much must be ahead, or the file has no more. */
static int ahead(struct record_reader *r, size_t n, struct error *err)
{
	struct text_input *in = &r->in;

	while (in->len - in->at < n && !in->end)
		if (text_input_fill(in, err) < 0)
			return -1;
	return 0;
}

static struct sv unread(const struct record_reader *r)
{
	return sv_make(r->in.buffer + r->in.at, r->in.len - r->in.at);
}

static int bad_header(const struct record_reader *r, const char *problem,
		      struct error *err)
{
	return error_set(err, ERR_INVALID, "'" SV_FMT "' is no dBase table: %s",
			 SV_ARG(r->file), problem);
}

static int start_converting(struct record_reader *r, struct error *err)
{
	struct dbf_file *file = r->state;
	struct sv page = records_text(r->source, "code_page");
	const char *name = file->table.code_page;

	if (!name)
		name = "CP1252";
	if (page.len)
		(void)text_encoding(page, &r->arena, &name);
	file->table.code_page = name;
	if (!name)
		return 0;
	file->convert = iconv_open("UTF-8", name);
	if (file->convert == (iconv_t)-1)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT
				 "': the code page '%s' is not known",
				 SV_ARG(r->file), name);
	file->converting = true;
	return 0;
}

static int dbf_open(struct record_reader *r, struct error *err)
{
	struct dbf_file *file = arena_zalloc(&r->arena, sizeof(*file));
	struct dbf_table *table = &file->table;
	const char *problem = NULL;
	size_t i;

	r->state = file;
	if (ahead(r, DBF_HEADER, err) < 0)
		return -1;
	if (dbf_read_header(sv_sub(unread(r), 0,
				   unread(r).len < DBF_HEADER ? unread(r).len
							      : DBF_HEADER),
			    table, &r->arena, &problem) < 0)
		return bad_header(r, problem, err);
	if (ahead(r, table->header, err) < 0)
		return -1;
	if (unread(r).len < table->header)
		return bad_header(r, "it ends within its header", err);
	if (dbf_read_header(unread(r), table, &r->arena, &problem) < 0)
		return bad_header(r, problem, err);
	r->head = arena_dup(&r->arena, sv_sub(unread(r), 0, table->header));
	r->in.at += table->header;
	file->names =
		arena_array(&r->arena, table->count, sizeof(*file->names));
	file->columns =
		arena_array(&r->arena, table->count, sizeof(*file->columns));
	for (i = 0; i < table->count; i++) {
		file->columns[i] = table->columns[i].name;
		file->names[i] =
			record_names_find(r->names, table->columns[i].name);
	}
	r->columns = file->columns;
	r->column_count = table->count;
	return start_converting(r, err);
}

static void dbf_close(struct record_reader *r)
{
	struct dbf_file *file = r->state;

	if (file && file->converting)
		(void)iconv_close(file->convert);
}

/* --- values ------------------------------------------------------------ */

static struct sv trim_end(struct sv text)
{
	while (text.len && (text.ptr[text.len - 1] == ' ' ||
			    text.ptr[text.len - 1] == '\0'))
		text.len--;
	return text;
}

/* What cannot be converted becomes 0xFF, which is never UTF-8. */
static struct sv convert(const struct dbf_file *file, struct sv text,
			 struct arena *arena)
{
	size_t room = text.len * 4 + 4;
	char *buffer;
	char *out;
	char *in;
	size_t left;

	if (!file->converting || !text.len)
		return arena_dup(arena, text);
	buffer = arena_alloc(arena, room);
	in = arena_cstr(arena, text);
	left = text.len;
	out = buffer;
	while (left &&
	       iconv(file->convert, &in, &left, &out, &room) == (size_t)-1) {
		*out++ = (char)0xFF;
		room--;
		in++;
		left--;
	}
	(void)iconv(file->convert, NULL, NULL, NULL, NULL);
	return sv_make(buffer, (size_t)(out - buffer));
}

/* Zeros behind the point say nothing. */
static struct sv number(struct sv text)
{
	text = sv_trim(text);
	if (sv_find(text, '.', 0) == text.len)
		return text;
	while (text.ptr[text.len - 1] == '0')
		text.len--;
	if (text.ptr[text.len - 1] == '.')
		text.len--;
	return text;
}

static struct sv logical(struct sv text)
{
	if (text.len && strchr("TtYy", text.ptr[0]))
		return SV_LIT("true");
	if (text.len && strchr("FfNn", text.ptr[0]))
		return SV_LIT("false");
	return SV_NULL;
}

static struct sv date(struct sv text, struct arena *arena)
{
	text = sv_trim(text);
	if (text.len != 8)
		return text;
	return sv_from(arena_printf(
		arena, SV_FMT "-" SV_FMT "-" SV_FMT, SV_ARG(sv_sub(text, 0, 4)),
		SV_ARG(sv_sub(text, 4, 6)), SV_ARG(sv_sub(text, 6, 8))));
}

static int64_t i64(const char *at)
{
	return (int64_t)((uint64_t)dbf_u32(at) | (uint64_t)dbf_u32(at + 4)
							 << 32);
}

/* The kinds of Visual FoxPro that are no text. */
static struct sv binary(const struct dbf_column *column, struct sv bytes,
			struct arena *arena)
{
	static const struct sv both = { "yyyy-MM-ddTHH:mm:ssZ", 20 };
	struct value origin;
	double value;
	int64_t money;

	switch (column->kind) {
	case 'I':
		return sv_from(arena_printf(arena, "%" PRId32,
					    (int32_t)dbf_u32(bytes.ptr)));
	case 'Y':
		money = i64(bytes.ptr);
		return number(sv_from(arena_printf(
			arena, "%s%" PRIu64 ".%04" PRIu64, money < 0 ? "-" : "",
			(money < 0 ? -(uint64_t)money : (uint64_t)money) /
				10000,
			(money < 0 ? -(uint64_t)money : (uint64_t)money) %
				10000)));
	case 'B':
		memcpy(&value, bytes.ptr, sizeof(value));
		return sv_from(arena_printf(arena, "%.15g", value));
	default: /* T: a Julian day and milliseconds */
		if (!dbf_u32(bytes.ptr))
			return SV_NULL;
		(void)value_parse(VALUE_DATETIME,
				  SV_LIT("1970-01-01T00:00:00Z"), SV_NULL,
				  &origin);
		return format_datetime(
			origin.number +
				((int64_t)dbf_u32(bytes.ptr) - 2440588) *
					INT64_C(864000000000) +
				(int64_t)(dbf_u32(bytes.ptr + 4) + 500) / 1000 *
					10000000,
			both, arena);
	}
}

static struct sv value_of(const struct dbf_file *file,
			  const struct dbf_column *column, struct sv bytes,
			  struct arena *arena)
{
	switch (column->kind) {
	case 'N':
	case 'F':
		return arena_dup(arena, number(bytes));
	case 'L':
		return logical(bytes);
	case 'D':
		return date(bytes, arena);
	case 'I':
		return column->width == 4 ? binary(column, bytes, arena)
					  : SV_NULL;
	case 'Y':
	case 'T':
		return column->width == 8 ? binary(column, bytes, arena)
					  : SV_NULL;
	case 'B':
		return column->width == 8 && file->table.visual
			       ? binary(column, bytes, arena)
			       : SV_NULL;
	case 'M':
	case 'G':
	case 'P':
	case '0':
		return SV_NULL; /* it stands elsewhere, or nowhere */
	default:
		return convert(file, trim_end(bytes), arena);
	}
}

static void dbf_parse(const struct record_reader *r, bool keys,
		      struct arena *arena, struct record *record)
{
	const struct dbf_file *file = r->state;
	size_t i;

	(void)keys;
	for (i = 0; file && i < file->table.count; i++) {
		const struct dbf_column *column = &file->table.columns[i];
		struct sv bytes = sv_sub(record->raw, column->start,
					 column->start + column->width);

		if (file->names[i] != RECORD_NO_NAME)
			record_add(record, arena, file->names[i],
				   value_of(file, column, bytes, arena),
				   column->start);
	}
}

/* The sign that a table ends with, behind records that are marked. */
static void make_tail(struct record_reader *r, struct sv marked)
{
	char *tail = arena_alloc(&r->arena, marked.len + 1);

	if (marked.len)
		memcpy(tail, marked.ptr, marked.len);
	tail[marked.len] = '\x1A';
	r->tail = sv_make(tail, marked.len + 1);
}

static int too_few(const struct record_reader *r, struct error *err)
{
	const struct dbf_file *file = r->state;

	return error_set(err, ERR_LIMIT,
			 "'" SV_FMT "' has %zu records, its header says "
			 "%" PRIu32 ": it is not complete",
			 SV_ARG(r->file), file->given, file->table.records);
}

static int dbf_next(struct record_reader *r, struct arena *arena,
		    struct record *record, struct error *err)
{
	struct dbf_file *file = r->state;
	size_t width = file->table.width;
	size_t off = 0; /* of records that are marked and kept */
	struct sv bytes;

	for (;;) {
		if (ahead(r, off + width, err) < 0)
			return -1;
		bytes = unread(r);
		if (file->given == file->table.records) {
			make_tail(r, sv_sub(bytes, 0, off));
			return 0;
		}
		if (bytes.len < off + width)
			return too_few(r, err);
		file->given++;
		if (bytes.ptr[off] != '*')
			break;
		if (r->writing)
			off += width;
		else
			r->in.at += width;
	}
	record->lead = arena_dup(arena, sv_sub(bytes, 0, off));
	record->raw = arena_dup(arena, sv_sub(bytes, off, off + width));
	record->line = file->given;
	record->parsed = true;
	r->in.at += off + width;
	dbf_parse(r, false, arena, record);
	return 1;
}

static const struct record_format dbf_format = {
	.name = "dbf",
	.file_settings = dbf_file_settings,
	.base64 = true,
	.keeps_lead = true,
	.load = dbf_load,
	.open = dbf_open,
	.close = dbf_close,
	.next = dbf_next,
	.parse = dbf_parse,
	.compose = dbf_compose,
	.frame = dbf_frame,
	.write_begin = dbf_write_begin,
	.write_end = dbf_write_end,
};

const struct connector_ops dbf_connector = {
	RECORDS_CONNECTOR(dbf_format),
	.name = "dbf",
	.help = "Tables of dBase, FoxPro and their relatives.",
	.settings = dbf_settings,
};
