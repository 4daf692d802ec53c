/*
 * xls_book.c - globals, texts and cells of a BIFF workbook
 *
 * A stream of records, each with a number, a length and at most 8 KB; what is
 * longer goes on in CONTINUE records, and a text that goes on there tells
 * anew how wide its characters are. Every read is checked against the record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xls_book.h"

#include "base/text.h"
#include "connectors/records/sheet_value.h"

#include <stdio.h>
#include <string.h>

enum {
	ID_FORMULA = 0x0006,
	ID_EOF = 0x000A,
	ID_1904 = 0x0022,
	ID_FILEPASS = 0x002F,
	ID_CONTINUE = 0x003C,
	ID_CODEPAGE = 0x0042,
	ID_BOUNDSHEET = 0x0085,
	ID_MULRK = 0x00BD,
	ID_RSTRING = 0x00D6,
	ID_XF = 0x00E0,
	ID_SST = 0x00FC,
	ID_LABELSST = 0x00FD,
	ID_NUMBER = 0x0203,
	ID_LABEL = 0x0204,
	ID_BOOLERR = 0x0205,
	ID_STRING = 0x0207,
	ID_RK = 0x027E,
	ID_FORMAT = 0x041E,
	ID_BOF = 0x0809,
};

static const char SHORT[] = "it ends within a record";

/* ---- bytes ---- */

static uint32_t u8(const struct xls_book *b, size_t at)
{
	return (unsigned char)b->stream.ptr[at];
}

static uint32_t u16(const struct xls_book *b, size_t at)
{
	return u8(b, at) | u8(b, at + 1) << 8;
}

static uint32_t u32(const struct xls_book *b, size_t at)
{
	return u16(b, at) | u16(b, at + 2) << 16;
}

struct part {
	uint32_t id;
	size_t at; /* of what it holds */
	size_t end;
};

/* The record at *at; moves on. false: the stream has no whole one. */
static bool next_part(const struct xls_book *b, size_t *at, struct part *out)
{
	if (b->stream.len - *at < 4)
		return false;
	out->id = u16(b, *at);
	out->at = *at + 4;
	out->end = out->at + u16(b, *at + 2);
	if (out->end > b->stream.len)
		return false;
	*at = out->end;
	return true;
}

/* ---- texts ---- */

/* Where a text is read: on through CONTINUE records. */
struct cursor {
	const struct xls_book *book;
	size_t at;
	size_t end;
	bool over; /* there is no more */
};

static bool go_on(struct cursor *c)
{
	struct part part;
	size_t at = c->end;

	if (c->over || !next_part(c->book, &at, &part) ||
	    part.id != ID_CONTINUE) {
		c->over = true;
		return false;
	}
	c->at = part.at;
	c->end = part.end;
	return true;
}

static uint32_t take(struct cursor *c)
{
	while (c->at == c->end)
		if (!go_on(c))
			return 0;
	return u8(c->book, c->at++);
}

static uint32_t take16(struct cursor *c)
{
	uint32_t low = take(c);

	return low | take(c) << 8;
}

static uint32_t take32(struct cursor *c)
{
	uint32_t low = take16(c);

	return low | take16(c) << 16;
}

static void pass(struct cursor *c, uint64_t count)
{
	while (count && !c->over) {
		size_t here = c->end - c->at;

		if (here >= count) {
			c->at += (size_t)count;
			return;
		}
		count -= here;
		(void)go_on(c);
	}
}

static void put(struct strbuf *out, uint32_t c)
{
	char bytes[4] = { 0 };
	size_t len = text_put((int32_t)c, bytes);

	strbuf_add(out, bytes, len);
}

/* Half of a pair that has no other half is no text: a byte that spoils it. */
static void put_unit(struct strbuf *out, uint32_t *high, uint32_t c)
{
	bool low = c >= 0xDC00 && c < 0xE000;
	bool pair = *high && low;

	if (pair)
		put(out, 0x10000 + ((*high - 0xD800) << 10) + (c - 0xDC00));
	else if (*high || low)
		strbuf_addc(out, '\xFF');
	*high = c >= 0xD800 && c < 0xDC00 ? c : 0;
	if (!*high && !low)
		put(out, c);
}

static void take_chars(struct cursor *c, uint32_t count, bool wide,
		       struct strbuf *out)
{
	uint32_t high = 0;

	while (count-- && !c->over) {
		if (c->at == c->end) {
			if (!go_on(c))
				break;
			wide = take(c) & 1;
		}
		put_unit(out, &high, wide ? take16(c) : take(c));
	}
	if (high)
		strbuf_addc(out, '\xFF');
}

/* A text of BIFF8, whose length was read. */
static void take_unicode(struct cursor *c, uint32_t count, struct strbuf *out)
{
	uint32_t flags = take(c);
	uint32_t runs = flags & 8 ? take16(c) : 0;
	uint32_t extra = flags & 4 ? take32(c) : 0;

	take_chars(c, count, flags & 1, out);
	pass(c, (uint64_t)runs * 4 + extra);
}

static bool start_converting(struct xls_book *b)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "CP%u", b->code_page);
	if (b->code_page == 10000 || b->code_page == 32768)
		(void)snprintf(name, sizeof(name), "MACINTOSH");
	b->convert = iconv_open("UTF-8", name);
	if (b->convert == (iconv_t)-1)
		b->convert = iconv_open("UTF-8", "CP1252");
	b->converting = b->convert != (iconv_t)-1;
	return b->converting;
}

/* A text of BIFF5 is bytes of the code page. What cannot be converted becomes
 * 0xFF, which is never UTF-8. */
static struct sv convert(struct xls_book *b, struct sv bytes,
			 struct arena *arena)
{
	size_t room = bytes.len * 4 + 4;
	char *buffer = arena_alloc(arena, room);
	char *in = arena_cstr(arena, bytes);
	size_t left = bytes.len;
	char *out = buffer;

	while (left &&
	       iconv(b->convert, &in, &left, &out, &room) == (size_t)-1) {
		*out++ = '\xFF';
		room--;
		in++;
		left--;
	}
	(void)iconv(b->convert, NULL, NULL, NULL, NULL);
	return sv_make(buffer, (size_t)(out - buffer));
}

static bool is_ascii(struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] & 0x80)
			return false;
	return true;
}

static struct sv take_text(struct xls_book *b, struct cursor *c, uint32_t count,
			   struct arena *arena)
{
	struct strbuf *text = &b->text;

	strbuf_reset(text);
	if (b->wide)
		take_unicode(c, count, text);
	while (!b->wide && count-- && !c->over)
		strbuf_addc(text, (char)take(c));
	if (b->wide || is_ascii(strbuf_sv(text)) ||
	    !(b->converting || start_converting(b)))
		return arena_dup(arena, strbuf_sv(text));
	return convert(b, strbuf_sv(text), arena);
}

static struct cursor cursor_at(const struct xls_book *b, size_t at, size_t end)
{
	return (struct cursor){ .book = b, .at = at, .end = end };
}

/* ---- globals ---- */

static void read_strings(struct xls_book *b, const struct part *part)
{
	struct cursor c = cursor_at(b, part->at, part->end);
	uint32_t count;

	pass(&c, 4);
	count = take32(&c);
	while (count-- && !c.over) {
		uint32_t len = take16(&c);
		struct sv text = take_text(b, &c, len, &b->arena);

		if (!c.over)
			vec_push(&b->strings, text);
	}
}

static void read_format(struct xls_book *b, const struct part *part)
{
	struct cursor c = cursor_at(b, part->at, part->end);
	uint32_t number = take16(&c);
	uint32_t len = b->wide ? take16(&c) : take(&c);

	if (sheet_date_code(take_text(b, &c, len, &b->arena)))
		vec_push(&b->dates, number);
}

static void read_style(struct xls_book *b, const struct part *part)
{
	bool whole = part->end - part->at >= 4;

	vec_push(&b->formats, whole ? u16(b, part->at + 2) : 0);
}

/* A sheet's entry: its name when it is one of cells. */
static bool read_sheet(struct xls_book *b, const struct part *part,
		       struct sv *name, size_t *begin)
{
	struct cursor c = cursor_at(b, part->at, part->end);
	uint32_t len;

	*begin = take32(&c);
	(void)take(&c);
	if (take(&c)) /* charts, macros */
		return false;
	len = take(&c);
	*name = take_text(b, &c, len, &b->arena);
	return !c.over;
}

struct choice {
	struct sv wanted;
	bool found;
	size_t begin;
};

static const char *read_global(struct xls_book *b, const struct part *part,
			       struct choice *choice)
{
	size_t len = part->end - part->at;
	struct sv name;
	size_t begin;

	switch (part->id) {
	case ID_FILEPASS:
		return "it is protected by a password: save it without one";
	case ID_1904:
		b->from_1904 = len >= 2 && u16(b, part->at) == 1;
		break;
	case ID_CODEPAGE:
		if (len >= 2)
			b->code_page = u16(b, part->at);
		break;
	case ID_FORMAT:
		read_format(b, part);
		break;
	case ID_XF:
		read_style(b, part);
		break;
	case ID_SST:
		read_strings(b, part);
		break;
	case ID_BOUNDSHEET:
		if (choice->found || !read_sheet(b, part, &name, &begin))
			break;
		choice->found = !choice->wanted.len ||
				sv_ieq(name, choice->wanted);
		choice->begin = begin;
		break;
	default:
		break;
	}
	return NULL;
}

static const char *read_version(struct xls_book *b, size_t *at)
{
	struct part part;

	if (!next_part(b, at, &part) || part.id != ID_BOF ||
	    part.end - part.at < 4)
		return "it is older than Excel 5, or damaged: save it anew";
	b->wide = u16(b, part.at) == 0x0600;
	if (!b->wide && u16(b, part.at) != 0x0500)
		return "it is of a version that is not known";
	return NULL;
}

static const char *read_globals(struct xls_book *b, struct choice *choice)
{
	const char *wrong;
	struct part part;
	size_t at = 0;

	b->code_page = 1252;
	wrong = read_version(b, &at);
	while (!wrong) {
		if (!next_part(b, &at, &part))
			return SHORT;
		if (part.id == ID_EOF)
			break;
		wrong = read_global(b, &part, choice);
	}
	return wrong;
}

/* ---- cells ---- */

static void add_cell(struct xls_book *b, const struct part *part, uint32_t kind,
		     uint32_t column, size_t style_at, size_t at)
{
	struct xls_cell cell = {
		.row = u16(b, part->at),
		.column = (uint16_t)column,
		.kind = (uint16_t)kind,
		.style = (uint16_t)u16(b, style_at),
		.at = at,
		.end = part->end,
	};

	vec_push(&b->cells, cell);
}

static void add_numbers(struct xls_book *b, const struct part *part)
{
	uint32_t column = u16(b, part->at + 2);
	size_t at;

	for (at = part->at + 4; at + 8 <= part->end; at += 6, column++)
		add_cell(b, part, ID_RK, column, at, at + 2);
}

/* The text that a formula came to stands in a record behind it. */
static bool is_text_formula(const struct xls_book *b, const struct part *part)
{
	return part->end - part->at >= 14 && u16(b, part->at + 12) == 0xFFFF &&
	       u8(b, part->at + 6) == 0;
}

static void read_cell(struct xls_book *b, const struct part *part,
		      struct part *formula)
{
	static const struct {
		uint16_t id;
		uint16_t len;
	} kinds[] = {
		{ ID_LABELSST, 10 }, { ID_NUMBER, 14 }, { ID_RK, 10 },
		{ ID_BOOLERR, 8 },   { ID_LABEL, 8 },   { ID_RSTRING, 8 },
		{ ID_FORMULA, 14 },
	};
	size_t i;

	if (part->id == ID_STRING && formula->end) {
		add_cell(b, formula, ID_STRING, u16(b, formula->at + 2),
			 formula->at + 4, part->at);
		b->cells.at[b->cells.len - 1].end = part->end;
		formula->end = 0;
	}
	if (part->id == ID_MULRK && part->end - part->at >= 4)
		add_numbers(b, part);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (part->id != kinds[i].id ||
		    part->end - part->at < kinds[i].len)
			continue;
		if (part->id == ID_FORMULA && is_text_formula(b, part))
			*formula = *part;
		else
			add_cell(b, part, part->id, u16(b, part->at + 2),
				 part->at + 4, part->at + 6);
	}
}

static int by_place(const void *left, const void *right)
{
	const struct xls_cell *a = left;
	const struct xls_cell *b = right;

	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static const char *read_cells(struct xls_book *b, size_t begin)
{
	struct part formula = { .end = 0 };
	struct part part;
	size_t depth = 0; /* charts lie within the sheet */
	size_t at = begin;
	size_t i;

	if (begin >= b->stream.len)
		return SHORT;
	do {
		if (!next_part(b, &at, &part))
			return SHORT;
		if (part.id == ID_BOF)
			depth++;
		else if (!depth)
			return "its list of sheets is wrong";
		else if (part.id == ID_EOF)
			depth--;
		else if (depth == 1)
			read_cell(b, &part, &formula);
	} while (depth);
	for (i = 1; i < b->cells.len; i++)
		if (by_place(&b->cells.at[i - 1], &b->cells.at[i]) > 0)
			break;
	if (i < b->cells.len)
		vec_sort(&b->cells, by_place);
	return NULL;
}

const char *xls_book_read(struct xls_book *b, struct sv sheet)
{
	struct choice choice = { .wanted = sheet };
	const char *wrong;

	b->text.max = STRBUF_NO_LIMIT;
	wrong = read_globals(b, &choice);
	if (wrong)
		return wrong;
	if (choice.found)
		return read_cells(b, choice.begin);
	(void)snprintf(b->problem, sizeof(b->problem),
		       sheet.len ? "it has no sheet '%.*s'" : "it has no sheet",
		       (int)(sheet.len < 64 ? sheet.len : 64), sheet.ptr);
	return b->problem;
}

void xls_book_release(struct xls_book *b)
{
	if (b->converting)
		(void)iconv_close(b->convert);
	vec_release(&b->formats);
	vec_release(&b->dates);
	vec_release(&b->strings);
	vec_release(&b->cells);
	strbuf_release(&b->text);
	strbuf_release(&b->stream);
	arena_release(&b->arena);
	memset(b, 0, sizeof(*b));
}

/* ---- values ---- */

static bool is_date(const struct xls_book *b, uint32_t style)
{
	uint32_t format;
	size_t i;

	if (style >= b->formats.len)
		return false;
	format = b->formats.at[style];
	for (i = 0; i < b->dates.len; i++)
		if (b->dates.at[i] == format)
			return true;
	return sheet_date_number(format);
}

static double number_at(const struct xls_book *b, size_t at)
{
	uint64_t bits = (uint64_t)u32(b, at) | (uint64_t)u32(b, at + 4) << 32;
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* The short form: 30 bits of a number or of a whole one, perhaps of a
 * hundredfold. */
static double short_number(uint32_t bits)
{
	uint64_t high = (uint64_t)(bits & ~3U) << 32;
	int32_t whole = (int32_t)(bits & ~3U) / 4;
	double number = whole;

	if (!(bits & 2))
		memcpy(&number, &high, sizeof(number));
	return bits & 1 ? number / 100 : number;
}

static struct sv logical(uint32_t value)
{
	return value ? SV_LIT("true") : SV_LIT("false");
}

static struct sv error_name(uint32_t code)
{
	switch (code) {
	case 0x00:
		return SV_LIT("#NULL!");
	case 0x07:
		return SV_LIT("#DIV/0!");
	case 0x0F:
		return SV_LIT("#VALUE!");
	case 0x17:
		return SV_LIT("#REF!");
	case 0x1D:
		return SV_LIT("#NAME?");
	case 0x24:
		return SV_LIT("#NUM!");
	default:
		return SV_LIT("#N/A");
	}
}

static struct sv formula_value(const struct xls_book *b,
			       const struct xls_cell *cell, struct arena *arena,
			       bool *wrong)
{
	if (u16(b, cell->at + 6) != 0xFFFF)
		return sheet_cell_number(is_date(b, cell->style), b->from_1904,
					 number_at(b, cell->at), arena);
	if (u8(b, cell->at) == 1)
		return logical(u8(b, cell->at + 2));
	*wrong = u8(b, cell->at) == 2;
	return *wrong ? error_name(u8(b, cell->at + 2)) : SV_NULL;
}

struct sv xls_value(struct xls_book *b, const struct xls_cell *cell,
		    struct arena *arena, bool *wrong)
{
	struct cursor c = cursor_at(b, cell->at, cell->end);
	bool date = is_date(b, cell->style);
	uint32_t number;

	*wrong = false;
	switch (cell->kind) {
	case ID_LABELSST:
		number = u32(b, cell->at);
		*wrong = number >= b->strings.len;
		return *wrong ? SV_LIT("a text that is not in the file")
			      : arena_dup(arena, b->strings.at[number]);
	case ID_LABEL:
	case ID_RSTRING:
	case ID_STRING:
		number = take16(&c);
		return take_text(b, &c, number, arena);
	case ID_NUMBER:
		return sheet_cell_number(date, b->from_1904,
					 number_at(b, cell->at), arena);
	case ID_RK:
		return sheet_cell_number(date, b->from_1904,
					 short_number(u32(b, cell->at)), arena);
	case ID_BOOLERR:
		*wrong = u8(b, cell->at + 1) == 1;
		return *wrong ? error_name(u8(b, cell->at))
			      : logical(u8(b, cell->at));
	default:
		return formula_value(b, cell, arena, wrong);
	}
}
