/*
 * xlsx_write.c - rows with other values, and the workbook around them
 *
 * Cells that are not set stay byte for byte, and so do all other parts of the
 * workbook: its other sheets, its styles.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xlsx.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a row that is not placed yet. */
#define NO_ROW "0"

/* --- cells ------------------------------------------------------------- */

struct piece {
	size_t column;
	size_t style;
	struct sv raw;
};

/* A row while it is changed. */
struct editing {
	struct record_edit *edit;
	const struct sv *columns;
	size_t column_count;
	struct xlsx_row row;
	VEC(struct piece) pieces;
	const struct xlsx_book *book; /* NULL: a new one */
};

static void take_cell(void *data, const struct xlsx_cell *cell)
{
	struct editing *e = data;
	struct piece piece = { cell->column, cell->style, SV_NULL };

	vec_push(&e->pieces, piece);
}

static void on_attr(void *data, struct sv path, struct sv name, struct sv value,
		    size_t at)
{
	struct editing *e = data;

	xlsx_row_attr(&e->row, path, name, value, at);
}

static void on_element(void *data, const struct xml_element *element)
{
	struct editing *e = data;
	size_t count = e->pieces.len;

	xlsx_row_element(&e->row, element);
	if (e->pieces.len > count)
		e->pieces.at[count].raw =
			sv_sub(e->edit->old, element->begin, element->end);
}

/* Which cell of the row is in a column; one that it lacks is made. */
static struct piece *piece_at(struct editing *e, size_t column)
{
	struct piece made = { column, SIZE_MAX, SV_NULL };
	size_t i;

	for (i = 0; i < e->pieces.len; i++)
		if (e->pieces.at[i].column == column)
			return &e->pieces.at[i];
	vec_push(&e->pieces, made);
	for (i = e->pieces.len - 1; i && e->pieces.at[i - 1].column > column;
	     i--)
		e->pieces.at[i] = e->pieces.at[i - 1];
	e->pieces.at[i] = made;
	return &e->pieces.at[i];
}

/* --- values ------------------------------------------------------------ */

static bool is_plain_number(struct sv text)
{
	int64_t number;

	return text.len <= 15 && sv_to_i64(text, &number) &&
	       text.ptr[0] != '+' &&
	       (text.ptr[text.ptr[0] == '-'] != '0' || text.len == 1);
}

/* The number of a day, when the cell is one that shows dates. */
static bool day_number(const struct editing *e, const struct piece *piece,
		       struct sv text, double *out)
{
	struct value origin;
	struct value value;

	if (!e->book || piece->style >= e->book->dates.len ||
	    !e->book->dates.at[piece->style] ||
	    !value_parse(VALUE_DATETIME, text, SV_NULL, &value))
		return false;
	(void)value_parse(VALUE_DATETIME,
			  e->book->from_1904 ? SV_LIT("1904-01-01T00:00:00Z")
					     : SV_LIT("1899-12-30T00:00:00Z"),
			  SV_NULL, &origin);
	*out = (double)(value.number - origin.number) / 864e9;
	return *out >= 61;
}

/* A text that looks like an escape of a character is escaped itself. */
static void add_text(struct strbuf *out, struct sv text)
{
	struct strbuf escaped = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '_' && i + 1 < text.len &&
		    text.ptr[i + 1] == 'x')
			strbuf_adds(&escaped, "_x005F_");
		else
			strbuf_addc(&escaped, text.ptr[i]);
	}
	xml_add_text(out, strbuf_sv(&escaped));
	strbuf_release(&escaped);
}

static struct sv cell_text(const struct editing *e, const struct piece *piece,
			   const struct record_set *set, struct sv text,
			   const char *row)
{
	struct arena *arena = e->edit->arena;
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	enum value_type type = set->def ? set->def->type : VALUE_STRING;
	struct sv made;
	double day;

	strbuf_addf(&out, "<c r=\"%s%s\"", xlsx_letters(piece->column, arena),
		    row);
	if (piece->style != SIZE_MAX && piece->style)
		strbuf_addf(&out, " s=\"%zu\"", piece->style);
	if (type == VALUE_INTEGER && is_plain_number(text)) {
		strbuf_addf(&out, "><v>" SV_FMT "</v></c>", SV_ARG(text));
	} else if (type == VALUE_BOOLEAN) {
		strbuf_addf(&out, " t=\"b\"><v>%d</v></c>",
			    sv_eq_str(text, "true"));
	} else if (type == VALUE_DATETIME && day_number(e, piece, text, &day)) {
		strbuf_addf(&out, "><v>%.10g</v></c>", day);
	} else {
		strbuf_adds(&out, " t=\"inlineStr\"><is>"
				  "<t xml:space=\"preserve\">");
		add_text(&out, text);
		strbuf_adds(&out, "</t></is></c>");
	}
	made = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return made;
}

#define CELL_MOST 32767 /* characters: a cell takes no more */

static int check_value(const struct editing *e, const struct record_set *set,
		       struct sv text)
{
	const char *problem = xml_text_problem(text);

	if (!problem && text_len(text) > CELL_MOST)
		problem = "a cell takes 32767 characters at most";
	if (!problem)
		return 0;
	return record_refuse(e->edit, "invalid-attribute-value",
			     arena_printf(e->edit->arena, "'" SV_FMT "': %s",
					  SV_ARG(set->name), problem));
}

static int apply(struct editing *e, const struct record_set *set,
		 const char *row)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < e->column_count; i++) {
		struct piece *piece;
		struct sv text = used < set->count ? set->values[used]
						   : SV_NULL;

		if (!sv_ieq(e->columns[i], set->name))
			continue;
		if (check_value(e, set, text) < 0)
			return -1;
		piece = piece_at(e, i);
		piece->raw = text.len ? cell_text(e, piece, set, text, row)
				      : SV_NULL;
		used++;
	}
	if (used >= set->count)
		return 0;
	return record_refuse(
		e->edit, "insufficient-columns",
		arena_printf(e->edit->arena,
			     "%zu values of '" SV_FMT "', but %zu columns; %s",
			     set->count, SV_ARG(set->name), used,
			     used ? "set a separator for the attribute"
				  : "name one in the sheet's first row"));
}

/* --- rows -------------------------------------------------------------- */

/* The tag of the row, without what it says of the columns that it spans. */
static struct sv row_tag(const struct editing *e)
{
	struct sv old = e->edit->old;
	struct sv tag = sv_sub(old, 0, sv_find(old, '>', 0));
	const char *spans;
	size_t at;

	if (!old.len)
		return SV_LIT("<row r=\"" NO_ROW "\"");
	if (tag.len && tag.ptr[tag.len - 1] == '/')
		tag.len--;
	spans = memmem(tag.ptr, tag.len, " spans=\"", 8);
	if (!spans)
		return tag;
	at = (size_t)(spans - tag.ptr);
	return sv_from(arena_printf(
		e->edit->arena, SV_FMT SV_FMT, SV_ARG(sv_sub(tag, 0, at)),
		SV_ARG(sv_sub(tag, sv_find(tag, '"', at + 8) + 1, tag.len))));
}

/* The columns of a sheet that is not there yet: anchor, type, attributes. */
static size_t new_columns(const struct records_source *source,
			  struct arena *arena, struct sv **out)
{
	const struct connector_config *config = source->config;
	struct record_names names;
	size_t count;
	size_t i;
	size_t k;

	record_names_init(&names);
	if (feed_tells_changes(&source->feed))
		(void)record_names_add(&names, source->feed.outlet->change,
				       arena);
	for (i = 0; i < source->anchor_count; i++)
		(void)record_names_add(&names, source->anchors[i], arena);
	if (source->type == RECORDS_BY_NAME)
		(void)record_names_add(&names, source->type_name, arena);
	for (i = 0; i < config->type_count; i++)
		for (k = 0;
		     (source->type == i || source->type >= RECORDS_BY_FORMAT) &&
		     k < config->types[i].attr_count;
		     k++)
			(void)record_names_add(
				&names, sv_from(config->types[i].attrs[k].name),
				arena);
	count = names.list.len;
	*out = arena_array(arena, count, sizeof(**out));
	memcpy(*out, names.list.at, count * sizeof(**out));
	record_names_release(&names);
	return count;
}

static int read_row(struct editing *e)
{
	struct xml_visit visit = { e, on_attr, on_element };
	size_t at;

	e->row.data = e;
	e->row.cell = take_cell;
	e->row.now.column = SIZE_MAX;
	e->row.text.max = STRBUF_NO_LIMIT;
	if (!e->edit->old.len || !xml_scan_text(e->edit->old, &visit, &at))
		return 0;
	return record_refuse(e->edit, "cd-error",
			     "the row in the sheet is broken");
}

static void write_row(struct editing *e)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	strbuf_addsv(&out, row_tag(e));
	strbuf_addc(&out, '>');
	for (i = 0; i < e->pieces.len; i++)
		strbuf_addsv(&out, e->pieces.at[i].raw);
	strbuf_adds(&out, "</row>");
	e->edit->out = arena_dup(e->edit->arena, strbuf_sv(&out));
	strbuf_release(&out);
}

int xlsx_compose(struct record_edit *edit)
{
	const struct record_reader *r = edit->reader;
	const struct xlsx_file *file = r->state;
	struct editing e = { .edit = edit };
	const char *row = NO_ROW;
	struct sv *columns;
	int ret;
	size_t i;

	if (file) {
		e.columns = r->columns;
		e.column_count = r->column_count;
		e.book = &file->book;
	} else {
		e.column_count = new_columns(r->source, edit->arena, &columns);
		e.columns = columns;
	}
	ret = read_row(&e);
	if (edit->old.len && e.row.number)
		row = arena_printf(edit->arena, "%zu", e.row.number);
	for (i = 0; i < edit->count && ret == 0; i++)
		ret = apply(&e, &edit->sets[i], row);
	if (ret == 0)
		write_row(&e);
	strbuf_release(&e.row.text);
	vec_release(&e.pieces);
	return ret;
}

/* --- places ------------------------------------------------------------ */

struct placing {
	FILE *file;
	size_t last; /* number of the row that was written last */
};

struct sv xlsx_place(struct record_writer *w, struct sv raw,
		     struct arena *arena)
{
	struct placing *p = w->state;
	struct sv mark = SV_LIT(NO_ROW "\"");
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv rest;
	struct sv begin = SV_LIT("<row r=\"");
	int64_t number = 0;

	if (sv_starts(raw, begin)) {
		rest = sv_sub(raw, begin.len, raw.len);
		(void)sv_to_i64(sv_sub(rest, 0, sv_find(rest, '"', 0)),
				&number);
	}
	if (!sv_starts(raw, SV_LIT("<row r=\"" NO_ROW "\""))) {
		p->last = number > 0 ? (size_t)number : p->last + 1;
		return raw;
	}
	p->last++;
	rest = raw;
	for (;;) {
		/* Quotes of values are escaped: each of these is ours. */
		const char *hit =
			memmem(rest.ptr, rest.len, mark.ptr, mark.len);
		size_t at = hit ? (size_t)(hit - rest.ptr) : rest.len;
		struct sv before = sv_sub(rest, 0, at);
		size_t quote = before.len;

		strbuf_addsv(&out, before);
		if (!hit)
			break;
		while (quote && before.ptr[quote - 1] != '"')
			quote--;
		if (quote >= 3 && !memcmp(before.ptr + quote - 3, "r=\"", 3))
			strbuf_addf(&out, "%zu\"", p->last);
		else
			strbuf_addsv(&out, mark);
		rest = sv_sub(rest, at + mark.len, rest.len);
	}
	raw = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return raw;
}

/* --- the sheet --------------------------------------------------------- */

void xlsx_frame(const struct records_source *source, struct arena *arena,
		struct sv *head, struct sv *tail)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv *columns;
	size_t count = new_columns(source, arena, &columns);
	size_t i;

	strbuf_adds(&out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<worksheet xmlns=\"http://schemas.openxmlformats.org/"
		    "spreadsheetml/2006/main\"><sheetData><row r=\"1\">");
	for (i = 0; i < count; i++) {
		strbuf_addf(&out, "<c r=\"%s1\" t=\"inlineStr\"><is><t>",
			    xlsx_letters(i, arena));
		add_text(&out, columns[i]);
		strbuf_adds(&out, "</t></is></c>");
	}
	strbuf_adds(&out, "</row>");
	*head = arena_dup(arena, strbuf_sv(&out));
	*tail = SV_LIT("</sheetData></worksheet>");
	strbuf_release(&out);
}

/* Rows go to a file of their own first. */
int xlsx_write_begin(struct record_writer *w, struct error *err)
{
	struct placing *p = mem_zalloc(sizeof(*p));

	w->state = p;
	p->last = 1;
	p->file = tmpfile();
	if (!p->file)
		return error_errno(err, errno, "no temporary file");
	return text_output_open(&w->to, NULL, false, p->file, err);
}

static int copy_file(const char *path, FILE *to, struct error *err)
{
	FILE *from = fopen(path, "re");
	char block[65536];
	size_t n;
	int ret = 0;

	if (!from)
		return error_errno(err, errno, "cannot read '%s'", path);
	while ((n = fread(block, 1, sizeof(block), from)) > 0 && ret == 0)
		if (fwrite(block, 1, n, to) != n)
			ret = -1;
	if (ret < 0 || ferror(from) || fflush(to) != 0)
		ret = error_errno(err, errno, "cannot copy '%s'", path);
	(void)fclose(from);
	return ret;
}

static struct xlsx_growth growth_of(const struct record_writer *w)
{
	const struct xlsx_file *old = w->reader ? w->reader->state : NULL;
	const struct placing *p = w->state;

	return (struct xlsx_growth){ old ? old->last : p->last, p->last };
}

/* A filter reaches as far as the rows. */
int xlsx_finish(struct record_writer *w, struct sv *tail, struct arena *arena,
		struct error *err)
{
	struct xlsx_growth growth = growth_of(w);

	(void)err;
	*tail = xlsx_grow_ranges(*tail, &growth, arena);
	return 0;
}

int xlsx_write_end(struct record_writer *w, struct error *err)
{
	struct placing *p = w->state;
	const struct xlsx_file *old = w->reader ? w->reader->state : NULL;
	struct xlsx_growth growth = growth_of(w);
	FILE *rows = p->file;

	if (text_output_flush(&w->to, err) < 0)
		return -1;
	if (fflush(rows) != 0)
		return error_errno(err, errno, "no room for the sheet's rows");
	if (old && copy_file(w->source->feed.path, w->file->stream, err) < 0)
		return -1;
	p->file = NULL;
	if (xlsx_book_write(w->file->temporary, old ? old->book.part : SV_NULL,
			    records_text(w->source, "sheet"), rows, &growth,
			    err) < 0)
		return -1;
	return file_sync(w->file->temporary, err);
}

void xlsx_write_free(struct record_writer *w)
{
	struct placing *p = w->state;

	if (p && p->file)
		(void)fclose(p->file);
	mem_free(p);
	w->state = NULL;
}
