/*
 * xls.c - sheets of workbooks of Excel 5 to 2003, read only
 *
 * The workbook is in memory while it is read. What a row is known by are the
 * texts of its cells, put down as bytes from which they are read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/ole_file.h"
#include "connectors/records/record_format.h"
#include "connectors/records/records.h"
#include "connectors/records/xls_book.h"

#include <string.h>

#define FILE_MOST ((size_t)512 * 1024 * 1024)

struct xls_file {
	struct xls_book book;
	size_t next;       /* of its cells */
	VEC(size_t) names; /* of each column the number of its name */
	VEC(struct sv) columns;
	struct strbuf raw;
};

static int not_read(const struct record_reader *r, const char *problem,
		    struct error *err)
{
	return error_set(err, ERR_INVALID, "'" SV_FMT "' cannot be read: %s",
			 SV_ARG(r->file), problem);
}

/* ---- opening ---- */

static const char *other_kind(struct sv bytes)
{
	if (sv_starts(bytes, SV_LIT("PK")))
		return "it is a workbook of Excel 2007 or later, set type: "
		       "xlsx; or a zip, which is not unpacked";
	if (sv_starts(bytes, SV_LIT("\x09")))
		return "it is older than Excel 5: save it anew";
	return "it is no workbook of Excel; text and HTML with this ending are "
	       "read as csv, or saved anew";
}

static int read_file(struct record_reader *r, struct error *err)
{
	static const char *const names[] = { "Workbook", "Book", NULL };
	struct xls_file *file = r->state;
	struct text_input *in = &r->in;
	const char *wrong;
	struct sv bytes;

	while (!in->end) {
		if (in->len > FILE_MOST)
			return not_read(r, "it is larger than 512 MiB", err);
		if (text_input_fill(in, err) < 0)
			return -1;
	}
	bytes = sv_make(in->buffer + in->at, in->len - in->at);
	if (!ole_is(bytes))
		return not_read(r, other_kind(bytes), err);
	wrong = ole_read(bytes, names, &file->book.stream);
	if (!wrong)
		wrong = xls_book_read(&file->book,
				      records_text(r->source, "sheet"));
	return wrong ? not_read(r, wrong, err) : 0;
}

static void add_name(struct xls_file *file)
{
	vec_push(&file->names, RECORD_NO_NAME);
}

static void add_column(struct xls_file *file)
{
	vec_push(&file->columns, SV_NULL);
	add_name(file);
}

/* The first row that has anything names the columns. */
static int read_header(struct record_reader *r, struct error *err)
{
	struct xls_file *file = r->state;
	const struct xls_cell *cells = file->book.cells.at;
	size_t count = file->book.cells.len;
	bool any = false;
	bool wrong;

	while (file->next < count && !any) {
		uint32_t row = cells[file->next].row;

		for (; file->next < count && cells[file->next].row == row;
		     file->next++) {
			const struct xls_cell *cell = &cells[file->next];
			struct sv name = sv_trim(xls_value(&file->book, cell,
							   &r->arena, &wrong));

			while (file->names.len <= cell->column)
				add_column(file);
			if (!name.len)
				continue;
			any = true;
			file->columns.at[cell->column] = name;
			file->names.at[cell->column] =
				record_names_find(r->names, name);
		}
	}
	if (!any)
		return not_read(r,
				"its sheet is empty: it has no row with the "
				"names of its columns",
				err);
	r->columns = file->columns.at;
	r->column_count = file->columns.len;
	return 0;
}

static int xls_open(struct record_reader *r, struct error *err)
{
	struct xls_file *file = arena_zalloc(&r->arena, sizeof(*file));

	r->state = file;
	file->book.stream.max = STRBUF_NO_LIMIT;
	file->raw.max = STRBUF_NO_LIMIT;
	if (read_file(r, err) < 0)
		return -1;
	return read_header(r, err);
}

static void xls_close(struct record_reader *r)
{
	struct xls_file *file = r->state;

	if (!file)
		return;
	xls_book_release(&file->book);
	vec_release(&file->names);
	vec_release(&file->columns);
	strbuf_release(&file->raw);
}

/* ---- rows ---- */

/* A cell as the row's bytes have it; its text follows. */
struct saved {
	uint32_t column;
	uint32_t wrong;
	uint64_t len;
};

static void save_cell(struct xls_file *file, const struct xls_cell *cell,
		      struct arena *arena)
{
	bool wrong;
	struct sv text = xls_value(&file->book, cell, arena, &wrong);
	struct saved saved = { cell->column, wrong, text.len };

	if (!text.len || cell->column >= file->names.len ||
	    !file->columns.at[cell->column].len)
		return;
	strbuf_add(&file->raw, &saved, sizeof(saved));
	strbuf_addsv(&file->raw, text);
}

static void xls_parse(const struct record_reader *r, bool keys,
		      struct arena *arena, struct record *record)
{
	const struct xls_file *file = r->state;
	struct saved saved;
	size_t at = 0;

	(void)keys;
	while (record->raw.len - at >= sizeof(saved)) {
		struct sv text;
		size_t name;

		memcpy(&saved, record->raw.ptr + at, sizeof(saved));
		at += sizeof(saved);
		text = sv_sub(record->raw, at, at + (size_t)saved.len);
		at += text.len;
		name = file->names.at[saved.column];
		if (name == RECORD_NO_NAME)
			continue;
		if (saved.wrong && !record->error) {
			record->error = arena_printf(
				arena, "the cell shows an error: " SV_FMT,
				SV_ARG(text));
			record->error_at = saved.column;
		}
		record_add(record, arena, name, arena_dup(arena, text),
			   saved.column);
	}
}

static int xls_next(struct record_reader *r, struct arena *arena,
		    struct record *record, struct error *err)
{
	struct xls_file *file = r->state;
	const struct xls_cell *cells = file->book.cells.at;
	size_t count = file->book.cells.len;

	(void)err;
	strbuf_reset(&file->raw);
	while (file->next < count) {
		uint32_t row = cells[file->next].row;

		for (; file->next < count && cells[file->next].row == row;
		     file->next++)
			save_cell(file, &cells[file->next], arena);
		record->line = (size_t)row + 1;
		record->raw = strbuf_sv(&file->raw);
		xls_parse(r, false, arena, record);
		if (record->count || record->error)
			break;
		strbuf_reset(&file->raw);
	}
	record->parsed = true;
	return record->count || record->error;
}

/* ---- the connector ---- */

/* clang-format off */
#define XLS_SETTINGS                                                           \
	{ .name = "sheet", .type = SETTING_TEXT,                               \
	  .help = "The name of the sheet, when it is not the first" }
/* clang-format on */

static const struct setting_def xls_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	XLS_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def xls_settings[] = {
	RECORDS_FILE_SETTINGS,
	XLS_SETTINGS,
	RECORDS_TYPES(xls_file_settings),
	{ .name = NULL },
};

static const struct record_format xls_format = {
	.name = "xls",
	.file_settings = xls_file_settings,
	.packed = true, /* so that a zip comes here, and is told what it is */
	.base64 = true,
	.cells = true,
	.open = xls_open,
	.close = xls_close,
	.next = xls_next,
	.parse = xls_parse,
};

const struct connector_ops xls_connector = {
	RECORDS_READER(xls_format),
	.name = "xls",
	.help = "Sheets of workbooks of Excel 5 to 2003, one row for each "
		"object; read only.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA,
	.settings = xls_settings,
};
