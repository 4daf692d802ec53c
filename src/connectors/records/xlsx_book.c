/*
 * xlsx_book.c - take a workbook apart, and put a sheet into it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xlsx_book.h"

#include "base/clock.h"
#include "connectors/format.h"
#include "connectors/records/sheet_value.h"
#include "connectors/records/xlsx_part.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define SMALL_MOST   ((zip_uint64_t)64 * 1024 * 1024)
#define STRINGS_MOST ((zip_uint64_t)1024 * 1024 * 1024)
#define ROWS_MOST    ((zip_uint64_t)16 * 1024 * 1024 * 1024)
/* XML is rarely packed to less than a fiftieth. */
#define RATIO_MOST   500
#define RATIO_FROM   ((zip_uint64_t)16 * 1024 * 1024)

#define CHUNK ((size_t)256 * 1024)

/* --- parts ------------------------------------------------------------- */

/* 1: the part is open; 0: there is none; -1: err is set. */
static int open_part(zip_t *zip, const char *name, zip_uint64_t most,
		     zip_file_t **out, struct error *err)
{
	zip_stat_t st;

	if (zip_stat(zip, name, 0, &st) < 0)
		return 0;
	if (st.size > most ||
	    (st.size > RATIO_FROM && st.size / RATIO_MOST > st.comp_size))
		return error_set(err, ERR_LIMIT,
				 "'%s' in the workbook would be %llu bytes, "
				 "which is not believed",
				 name, (unsigned long long)st.size);
	*out = zip_fopen(zip, name, 0);
	if (!*out)
		return error_set(err, ERR_INVALID,
				 "'%s' in the workbook cannot be read: %s",
				 name, zip_strerror(zip));
	return 1;
}

/* The size that the archive tells may be a lie. */
static int copy_part(zip_file_t *part, const char *name, zip_uint64_t most,
		     FILE *to, struct strbuf *text, struct error *err)
{
	char *block = mem_alloc(CHUNK);
	zip_uint64_t total = 0;
	zip_int64_t n;
	int ret = 0;

	while (ret == 0 && (n = zip_fread(part, block, CHUNK)) > 0) {
		total += (zip_uint64_t)n;
		if (total > most)
			ret = error_set(err, ERR_LIMIT,
					"'%s' in the workbook is larger than "
					"%llu bytes",
					name, (unsigned long long)most);
		else if (text)
			strbuf_add(text, block, (size_t)n);
		else if (fwrite(block, 1, (size_t)n, to) != (size_t)n)
			ret = error_errno(err, errno,
					  "no room to unpack the workbook");
	}
	if (ret == 0 && n < 0)
		ret = error_set(err, ERR_INVALID,
				"'%s' in the workbook is damaged", name);
	mem_free(block);
	return ret;
}

int xlsx_read_part(zip_t *zip, const char *name, zip_uint64_t most,
		   struct strbuf *text, struct error *err)
{
	zip_file_t *part = NULL;
	int ret = open_part(zip, name, most, &part, err);

	if (ret > 0)
		ret = copy_part(part, name, most, NULL, text, err);
	if (part)
		(void)zip_fclose(part);
	return ret < 0 ? -1 : 0;
}

int xlsx_each_element(struct sv text, const char *steps,
		      const struct xml_visit *visit, void (*begun)(void *data),
		      struct error *err)
{
	struct text_input in;
	struct xml_stream stream;
	int ret;

	text_input_open_text(&in, text);
	xml_stream_init(&stream, &in, sv_from(steps), visit, false);
	while ((ret = xml_stream_next(&stream, SV_LIT("workbook"), err)) > 0)
		begun(visit->data);
	xml_stream_release(&stream);
	text_input_close(&in);
	return ret;
}

/* --- sheets ------------------------------------------------------------ */

struct sheets {
	struct xlsx_book *book;
	struct sv wanted;
	struct sv name; /* of the one that is looked at */
	struct sv id;
	struct sv target;
	struct sv found; /* the id of the one that is wanted */
};

static void sheet_attr(void *data, struct sv path, struct sv name,
		       struct sv value, size_t at)
{
	struct sheets *s = data;
	struct arena *arena = &s->book->arena;

	(void)path;
	(void)at;
	if (sv_eq_str(name, "name"))
		s->name = arena_dup(arena, value);
	else if (sv_ieq_str(name, "id"))
		s->id = arena_dup(arena, value);
	else if (sv_eq_str(name, "Target"))
		s->target = arena_dup(arena, value);
	else if (sv_eq_str(name, "date1904"))
		s->book->from_1904 = sv_eq_str(value, "1") ||
				     sv_eq_str(value, "true");
}

static void sheet_end(void *data)
{
	struct sheets *s = data;

	if (!s->found.len && (!s->wanted.len || sv_ieq(s->name, s->wanted)))
		s->found = s->id;
}

static void relation_end(void *data)
{
	struct sheets *s = data;
	struct sv target = s->target;

	if (!sv_eq(s->id, s->found))
		return;
	if (target.len && target.ptr[0] == '/')
		s->book->part = sv_sub(target, 1, target.len);
	else
		s->book->part = sv_from(arena_printf(
			&s->book->arena, "xl/" SV_FMT, SV_ARG(target)));
}

static void nothing(void *data)
{
	(void)data;
}

static int find_sheet(struct xlsx_book *book, zip_t *zip, struct sv wanted,
		      struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sheets sheets = { .book = book, .wanted = wanted };
	struct xml_visit visit = { &sheets, sheet_attr, NULL };
	int ret =
		xlsx_read_part(zip, "xl/workbook.xml", SMALL_MOST, &text, err);

	if (ret == 0)
		ret = xlsx_each_element(strbuf_sv(&text), "workbook/workbookPr",
					&visit, nothing, err);
	if (ret == 0)
		ret = xlsx_each_element(strbuf_sv(&text),
					"workbook/sheets/sheet", &visit,
					sheet_end, err);
	strbuf_reset(&text);
	if (ret == 0 && !sheets.found.len)
		ret = error_set(err, ERR_INVALID,
				"the workbook has no sheet '" SV_FMT "'",
				SV_ARG(wanted));
	if (ret == 0)
		ret = xlsx_read_part(zip, "xl/_rels/workbook.xml.rels",
				     SMALL_MOST, &text, err);
	if (ret == 0)
		ret = xlsx_each_element(strbuf_sv(&text),
					"Relationships/Relationship", &visit,
					relation_end, err);
	strbuf_release(&text);
	return ret;
}

/* --- texts ------------------------------------------------------------- */

struct texts {
	struct xlsx_book *book;
	struct strbuf text;
};

static void text_element(void *data, const struct xml_element *e)
{
	struct texts *texts = data;

	if (sv_eq_str(e->path, "t") || sv_eq_str(e->path, "r/t"))
		strbuf_addsv(&texts->text, e->text);
}

static void text_end(void *data)
{
	struct texts *texts = data;

	vec_push(&texts->book->strings,
		 arena_dup(&texts->book->arena, strbuf_sv(&texts->text)));
	strbuf_reset(&texts->text);
}

static void add_meaning(struct xlsx_book *book, struct sv text)
{
	const struct hash_key key = { { 7 } };
	struct hash128 hash = hash128(&key, text);

	book->meaning.high = book->meaning.high * 31 + hash.high;
	book->meaning.low = book->meaning.low * 31 + hash.low;
}

static int read_strings(struct xlsx_book *book, zip_t *zip, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct texts texts = { book, STRBUF_INIT(STRBUF_NO_LIMIT) };
	struct xml_visit visit = { &texts, NULL, text_element };
	int ret = xlsx_read_part(zip, "xl/sharedStrings.xml", STRINGS_MOST,
				 &text, err);

	add_meaning(book, strbuf_sv(&text));
	if (ret == 0 && text.len)
		ret = xlsx_each_element(strbuf_sv(&text), "sst/si", &visit,
					text_end, err);
	strbuf_release(&texts.text);
	strbuf_release(&text);
	return ret;
}

/* --- styles ------------------------------------------------------------ */

struct styles {
	struct xlsx_book *book;
	int64_t id; /* of the number format that is looked at */
	bool date;
	VEC(int64_t) dates; /* formats of the workbook's own that are */
};

static void style_attr(void *data, struct sv path, struct sv name,
		       struct sv value, size_t at)
{
	struct styles *s = data;

	(void)at;
	if (path.len)
		return;
	if (sv_eq_str(name, "numFmtId"))
		(void)sv_to_i64(value, &s->id);
	else if (sv_eq_str(name, "formatCode"))
		s->date = sheet_date_code(value);
}

static void format_end(void *data)
{
	struct styles *s = data;

	if (s->date)
		vec_push(&s->dates, s->id);
}

static void style_end(void *data)
{
	struct styles *s = data;
	bool date = sheet_date_number(s->id);
	size_t i;

	for (i = 0; i < s->dates.len; i++)
		date = date || s->dates.at[i] == s->id;
	vec_push(&s->book->dates, date);
	s->id = 0;
}

static int read_styles(struct xlsx_book *book, zip_t *zip, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct styles styles = { .book = book };
	struct xml_visit visit = { &styles, style_attr, NULL };
	int ret = xlsx_read_part(zip, "xl/styles.xml", SMALL_MOST, &text, err);

	add_meaning(book, strbuf_sv(&text));
	if (ret == 0 && text.len)
		ret = xlsx_each_element(strbuf_sv(&text),
					"styleSheet/numFmts/numFmt", &visit,
					format_end, err);
	if (ret == 0 && text.len)
		ret = xlsx_each_element(strbuf_sv(&text),
					"styleSheet/cellXfs/xf", &visit,
					style_end, err);
	vec_release(&styles.dates);
	strbuf_release(&text);
	return ret;
}

/* --- the workbook ------------------------------------------------------ */

static int zip_failed(const char *path, int code, struct error *err)
{
	zip_error_t why;

	zip_error_init_with_code(&why, code);
	(void)error_set(err, ERR_INVALID, "'%s' is no workbook (xlsx): %s",
			path, zip_error_strerror(&why));
	zip_error_fini(&why);
	return -1;
}

static int read_rows(const struct xlsx_book *book, zip_t *zip, FILE *to,
		     struct error *err)
{
	struct arena scratch = ARENA_INIT;
	const char *name = arena_cstr(&scratch, book->part);
	zip_file_t *part = NULL;
	int ret = open_part(zip, name, ROWS_MOST, &part, err);

	if (ret == 0)
		ret = error_set(err, ERR_INVALID,
				"the workbook lacks its sheet '%s'", name);
	if (ret > 0)
		ret = copy_part(part, name, ROWS_MOST, to, NULL, err);
	if (part)
		(void)zip_fclose(part);
	arena_release(&scratch);
	if (ret == 0 && fflush(to) != 0)
		ret = error_errno(err, errno, "no room to unpack the workbook");
	return ret;
}

int xlsx_book_open(struct xlsx_book *book, const char *path, struct sv sheet,
		   FILE **rows_out, struct error *err)
{
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
	int ret = -1;

	memset(book, 0, sizeof(*book));
	*rows_out = NULL;
	if (!zip)
		return zip_failed(path, code, err);
	*rows_out = tmpfile();
	if (!*rows_out)
		(void)error_errno(err, errno, "no temporary file");
	else if (find_sheet(book, zip, sheet, err) == 0 &&
		 read_strings(book, zip, err) == 0 &&
		 read_styles(book, zip, err) == 0)
		ret = read_rows(book, zip, *rows_out, err);
	zip_discard(zip);
	if (ret == 0)
		return 0;
	if (*rows_out)
		(void)fclose(*rows_out);
	*rows_out = NULL;
	xlsx_book_release(book);
	return error_context(err, "'%s'", path);
}

void xlsx_book_release(struct xlsx_book *book)
{
	vec_release(&book->strings);
	vec_release(&book->dates);
	arena_release(&book->arena);
}

/* --- writing ----------------------------------------------------------- */

#define PACKAGE  "http://schemas.openxmlformats.org/package/2006/"
#define DOCUMENT "http://schemas.openxmlformats.org/officeDocument/2006/"
#define XML      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define KINDS    "application/vnd.openxmlformats-officedocument.spreadsheetml."

static const struct {
	const char *name;
	const char *text;
} new_parts[] = {
	{ "[Content_Types].xml",
	  XML "<Types xmlns=\"" PACKAGE "content-types\">"
	      "<Default Extension=\"rels\" ContentType=\"application/"
	      "vnd.openxmlformats-package.relationships+xml\"/>"
	      "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
	      "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" KINDS
	      "sheet.main+xml\"/>"
	      "<Override PartName=\"/xl/worksheets/sheet1.xml\" "
	      "ContentType=\"" KINDS "worksheet+xml\"/></Types>" },
	{ "_rels/.rels",
	  XML "<Relationships xmlns=\"" PACKAGE "relationships\">"
	      "<Relationship Id=\"rId1\" Type=\"" DOCUMENT
	      "relationships/officeDocument\" Target=\"xl/workbook.xml\"/>"
	      "</Relationships>" },
	{ "xl/_rels/workbook.xml.rels",
	  XML "<Relationships xmlns=\"" PACKAGE "relationships\">"
	      "<Relationship Id=\"rId1\" Type=\"" DOCUMENT
	      "relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
	      "</Relationships>" },
};

#define NEW_SHEET "xl/worksheets/sheet1.xml"

static int add_text_part(zip_t *zip, const char *name, const char *text)
{
	zip_source_t *source = zip_source_buffer(zip, text, strlen(text), 0);

	return source && zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) >= 0
		       ? 0
		       : -1;
}

static int add_new_parts(zip_t *zip, const char *workbook)
{
	size_t i;

	for (i = 0; i < sizeof(new_parts) / sizeof(*new_parts); i++)
		if (add_text_part(zip, new_parts[i].name, new_parts[i].text) <
		    0)
			return -1;
	return add_text_part(zip, "xl/workbook.xml", workbook);
}

static int add_rows(zip_t *zip, const char *part, FILE *rows)
{
	zip_int64_t at = zip_name_locate(zip, part, 0);
	zip_source_t *source;

	rewind(rows); /* it is read from where it stands */
	source = zip_source_filep(zip, rows, 0, -1);
	if (!source)
		return -1;
	if (at >= 0)
		return zip_file_replace(zip, (zip_uint64_t)at, source, 0);
	return zip_file_add(zip, part, source, 0) < 0 ? -1 : 0;
}

static const char *workbook_text(struct sv sheet, struct arena *arena)
{
	struct strbuf name = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *text;

	xml_add_text(&name, sheet.len ? sheet : SV_LIT("Sheet1"));
	text = arena_printf(
		arena,
		XML "<workbook xmlns=\"http://schemas.openxmlformats.org/"
		    "spreadsheetml/2006/main\" xmlns:r=\"" DOCUMENT
		    "relationships\"><sheets><sheet name=\"%s\" sheetId=\"1\" "
		    "r:id=\"rId1\"/></sheets></workbook>",
		strbuf_cstr(&name));
	strbuf_release(&name);
	return text;
}

int xlsx_book_write(const char *path, struct sv part, struct sv sheet,
		    FILE *rows, const struct xlsx_growth *growth,
		    struct error *err)
{
	struct arena scratch = ARENA_INIT;
	int code = 0;
	zip_t *zip =
		zip_open(path, part.len ? 0 : ZIP_CREATE | ZIP_TRUNCATE, &code);
	int ret = 0;

	if (!zip)
		return zip_failed(path, code, err);
	if (!part.len)
		ret = add_new_parts(zip, workbook_text(sheet, &scratch));
	if (ret == 0)
		ret = add_rows(
			zip, part.len ? arena_cstr(&scratch, part) : NEW_SHEET,
			rows);
	if (ret == 0 && part.len &&
	    xlsx_grow_tables(zip, part, growth, &scratch, err) < 0) {
		zip_discard(zip);
		arena_release(&scratch);
		return -1;
	}
	if (ret == 0)
		ret = zip_close(zip);
	if (ret < 0) {
		(void)error_set(err, ERR_UNAVAILABLE,
				"cannot write the workbook: %s",
				zip_strerror(zip));
		zip_discard(zip);
	}
	arena_release(&scratch);
	return ret;
}
