/*
 * xlsx.c - sheets of workbooks: a row is a record, the first names the columns
 *
 * The sheet's XML is unpacked into a temporary file and read row by row; texts
 * that cells share are in memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xlsx.h"

#include "base/text.h"
#include "connectors/records/records.h"
#include "connectors/records/sheet_value.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- cells ------------------------------------------------------------- */

size_t xlsx_column(struct sv reference)
{
	size_t column = 0;
	size_t i;

	for (i = 0; i < reference.len && i < 4; i++) {
		char c = reference.ptr[i];

		if (c < 'A' || c > 'Z')
			break;
		column = column * 26 + (size_t)(c - 'A') + 1;
	}
	return i && i < 4 ? column - 1 : SIZE_MAX;
}

const char *xlsx_letters(size_t column, struct arena *arena)
{
	char letters[16];
	size_t at = sizeof(letters);

	letters[--at] = '\0';
	for (column++; column && at; column = (column - 1) / 26)
		letters[--at] = (char)('A' + (column - 1) % 26);
	return arena_printf(arena, "%s", &letters[at]);
}

void xlsx_row_attr(void *data, struct sv path, struct sv name, struct sv value,
		   size_t at)
{
	struct xlsx_row *row = data;
	int64_t number = 0;

	(void)at;
	if (!path.len && sv_eq_str(name, "r") && sv_to_i64(value, &number) &&
	    number > 0)
		row->number = (size_t)number;
	if (!sv_eq_str(path, "c"))
		return;
	if (sv_eq_str(name, "r")) {
		row->now.column = xlsx_column(value);
	} else if (sv_eq_str(name, "s") && sv_to_i64(value, &number) &&
		   number >= 0) {
		row->now.style = (size_t)number;
	} else if (sv_eq_str(name, "t")) {
		/* one of a few words */
		static const struct sv words[] = {
			{ "s", 1 }, { "inlineStr", 9 }, { "str", 3 },
			{ "b", 1 }, { "e", 1 },         { "d", 1 }
		};
		size_t i;

		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (sv_eq(value, words[i]))
				row->now.kind = words[i];
	}
}

void xlsx_row_element(void *data, const struct xml_element *e)
{
	struct xlsx_row *row = data;

	if (sv_eq_str(e->path, "c/v") || sv_eq_str(e->path, "c/is/t") ||
	    sv_eq_str(e->path, "c/is/r/t")) {
		strbuf_addsv(&row->text, e->text);
	} else if (sv_eq_str(e->path, "c")) {
		if (row->now.column == SIZE_MAX)
			row->now.column = row->next;
		row->next = row->now.column + 1;
		row->now.text = strbuf_sv(&row->text);
		row->cell(row->data, &row->now);
		strbuf_reset(&row->text);
		row->now = (struct xlsx_cell){ .column = SIZE_MAX };
	}
}

static void row_init(struct xlsx_row *row)
{
	row->text.max = STRBUF_NO_LIMIT;
	row->now = (struct xlsx_cell){ .column = SIZE_MAX };
	row->next = 0;
	row->number = 0;
}

/* Characters that XML lacks stand there as _x000D_. */
static struct sv unescape(struct sv text, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv made;
	size_t i = 0;

	if (!text.len || !memmem(text.ptr, text.len, "_x", 2))
		return arena_dup(arena, text);
	while (i < text.len) {
		char hex[5] = { 0 };
		char bytes[4] = { 0 };
		char *end = hex;
		long c = 0;

		if (i + 7 <= text.len && text.ptr[i] == '_' &&
		    text.ptr[i + 1] == 'x' && text.ptr[i + 6] == '_') {
			memcpy(hex, text.ptr + i + 2, 4);
			c = strtol(hex, &end, 16);
		}
		if (end == hex + 4 && c < 0xD800) {
			strbuf_add(&out, bytes, text_put((int32_t)c, bytes));
			i += 7;
		} else {
			strbuf_addc(&out, text.ptr[i++]);
		}
	}
	made = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return made;
}

struct sv xlsx_value(const struct xlsx_book *book, const struct xlsx_cell *cell,
		     struct arena *arena, bool *wrong)
{
	int64_t at = -1;
	char *end;
	char *text;
	double number;

	*wrong = false;
	if (sv_eq_str(cell->kind, "s")) {
		if (sv_to_i64(sv_trim(cell->text), &at) && at >= 0 &&
		    (size_t)at < book->strings.len)
			return unescape(book->strings.at[at], arena);
		*wrong = true;
		return SV_NULL;
	}
	if (sv_eq_str(cell->kind, "b"))
		return sv_eq_str(sv_trim(cell->text), "1") ? SV_LIT("true")
							   : SV_LIT("false");
	*wrong = sv_eq_str(cell->kind, "e");
	if (cell->kind.len || !cell->text.len)
		return unescape(cell->text, arena);
	text = arena_cstr(arena, sv_trim(cell->text));
	number = strtod(text, &end);
	if (*end || end == text)
		return sv_from(text);
	return sheet_cell_number(cell->style < book->dates.len &&
					 book->dates.at[cell->style],
				 book->from_1904, number, arena);
}

/* --- rows -------------------------------------------------------------- */

static void more_names(struct xlsx_file *file)
{
	vec_push(&file->names, RECORD_NO_NAME);
}

static void more_columns(struct xlsx_file *file)
{
	vec_push(&file->columns, SV_NULL);
	more_names(file);
}

static void take_header(void *data, const struct xlsx_cell *cell)
{
	struct record_reader *r = data;
	struct xlsx_file *file = r->state;
	bool wrong;
	struct sv name =
		sv_trim(xlsx_value(&file->book, cell, &r->arena, &wrong));

	if (cell->column > 16384)
		return;
	while (file->names.len <= cell->column)
		more_columns(file);
	if (!name.len)
		return;
	file->columns.at[cell->column] = name;
	file->names.at[cell->column] = record_names_find(r->names, name);
}

static void take_cell(void *data, const struct xlsx_cell *cell)
{
	struct record_reader *r = data;
	struct xlsx_file *file = r->state;
	struct record *record = file->record;
	struct sv text;
	bool wrong;

	if (cell->column >= file->names.len ||
	    file->names.at[cell->column] == RECORD_NO_NAME)
		return;
	text = xlsx_value(&file->book, cell, file->arena, &wrong);
	if (wrong && !record->error) {
		record->error = arena_printf(file->arena,
					     "the cell shows an error: " SV_FMT,
					     SV_ARG(text));
		record->error_at = cell->column;
	}
	if (text.len)
		record_add(record, file->arena, file->names.at[cell->column],
			   text, cell->column);
}

static int next_row(struct record_reader *r, struct error *err)
{
	struct xlsx_file *file = r->state;
	int ret;

	file->row.next = 0;
	ret = xml_stream_next(&file->stream, r->file, err);
	return ret;
}

static int read_header(struct record_reader *r, struct error *err)
{
	struct xlsx_file *file = r->state;
	int ret;

	file->row.cell = take_header;
	while (!file->columns.len) {
		ret = next_row(r, err);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return error_set(err, ERR_INVALID,
					 "the sheet of '" SV_FMT "' is empty: "
					 "it has no row with the names of its "
					 "columns",
					 SV_ARG(r->file));
	}
	file->row.cell = take_cell;
	file->last = file->row.number;
	file->from = file->stream.scan.end;
	if (r->writing)
		r->head = arena_dup(&r->arena, xml_stream_bytes(&file->stream,
								0, file->from));
	r->columns = file->columns.at;
	r->column_count = file->columns.len;
	return 0;
}

static int xlsx_open(struct record_reader *r, struct error *err)
{
	struct xlsx_file *file = arena_zalloc(&r->arena, sizeof(*file));
	const char *name = r->in.path;
	struct xml_visit visit = { &file->row, xlsx_row_attr,
				   xlsx_row_element };

	r->state = file;
	file->row.data = r;
	file->blank.max = STRBUF_NO_LIMIT;
	row_init(&file->row);
	text_input_close(&r->in);
	if (xlsx_book_open(&file->book, r->path,
			   records_text(r->source, "sheet"), &file->rows,
			   err) < 0)
		return -1;
	rewind(file->rows);
	if (text_input_open_fd(&r->in, dup(fileno(file->rows)), name, NULL,
			       err) < 0)
		return -1;
	xml_stream_init(&file->stream, &r->in,
			SV_LIT("worksheet/sheetData/row"), &visit, r->writing);
	file->streaming = true;
	return read_header(r, err);
}

static void xlsx_close(struct record_reader *r)
{
	struct xlsx_file *file = r->state;

	if (!file)
		return;
	if (file->streaming)
		xml_stream_release(&file->stream);
	if (file->rows)
		(void)fclose(file->rows);
	xlsx_book_release(&file->book);
	strbuf_release(&file->row.text);
	strbuf_release(&file->blank);
	vec_release(&file->names);
	vec_release(&file->columns);
}

/* Bytes since what was given last, in front of which rows were passed over. */
static struct sv take_lead(struct record_reader *r, uint64_t to,
			   struct arena *arena)
{
	struct xlsx_file *file = r->state;
	struct sv lead;

	if (!r->writing)
		return SV_NULL;
	strbuf_addsv(&file->blank,
		     xml_stream_bytes(&file->stream, file->from, to));
	lead = arena_dup(arena, strbuf_sv(&file->blank));
	strbuf_reset(&file->blank);
	return lead;
}

static int xlsx_next(struct record_reader *r, struct arena *arena,
		     struct record *record, struct error *err)
{
	struct xlsx_file *file = r->state;
	struct xml_stream *x = &file->stream;
	int ret;

	file->record = record;
	file->arena = arena;
	for (;;) {
		ret = next_row(r, err);
		if (ret <= 0)
			break;
		if (record->count || record->error)
			break;
		if (r->writing)
			strbuf_addsv(
				&file->blank,
				xml_stream_bytes(x, file->from, x->scan.end));
		file->from = x->scan.end;
	}
	if (ret == 0)
		r->tail = take_lead(r, x->fed, &r->arena);
	if (ret <= 0)
		return ret;
	record->line = file->row.number;
	file->last = file->row.number;
	record->raw = xml_stream_bytes(x, x->scan.begin, x->scan.end);
	record->lead = take_lead(r, x->scan.begin, arena);
	record->parsed = true;
	file->from = x->scan.end;
	return 1;
}

static void xlsx_parse(const struct record_reader *r, bool keys,
		       struct arena *arena, struct record *record)
{
	const struct xlsx_file *file = r->state;
	struct record_reader local = *r;
	struct xlsx_row row = { .cell = take_cell, .data = &local };
	struct xml_visit visit = { &row, xlsx_row_attr, xlsx_row_element };
	struct xlsx_file mine;
	size_t at;

	(void)keys;
	if (!file) /* a sheet that is being made */
		return;
	mine = *file;
	mine.record = record;
	mine.arena = arena;
	local.state = &mine;
	row_init(&row);
	(void)xml_scan_text(record->raw, &visit, &at);
	strbuf_release(&row.text);
}

static void xlsx_context(const struct record_reader *r, struct strbuf *out)
{
	const struct xlsx_file *file = r->state;

	strbuf_add(out, &file->book.meaning, sizeof(file->book.meaning));
}

/* clang-format off */
#define XLSX_SETTINGS                                                          \
	{ .name = "sheet", .type = SETTING_TEXT,                               \
	  .help = "The name of the sheet, when it is not the first" }
/* clang-format on */

static const struct setting_def xlsx_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	XLSX_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def xlsx_settings[] = {
	RECORDS_FILE_SETTINGS,
	XLSX_SETTINGS,
	RECORDS_TYPES(xlsx_file_settings),
	{ .name = NULL },
};

static const struct record_format xlsx_format = {
	.name = "xlsx",
	.file_settings = xlsx_file_settings,
	.packed = true,
	.base64 = true,
	.cells = true,
	.keeps_lead = true,
	.open = xlsx_open,
	.close = xlsx_close,
	.next = xlsx_next,
	.parse = xlsx_parse,
	.context = xlsx_context,
	.compose = xlsx_compose,
	.place = xlsx_place,
	.frame = xlsx_frame,
	.finish = xlsx_finish,
	.write_begin = xlsx_write_begin,
	.write_end = xlsx_write_end,
	.write_free = xlsx_write_free,
};

const struct connector_ops xlsx_connector = {
	RECORDS_CONNECTOR(xlsx_format),
	.name = "xlsx",
	.help = "Sheets of workbooks (Excel, LibreOffice), one row for each "
		"object.",
	.settings = xlsx_settings,
};
