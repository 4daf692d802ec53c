/*
 * csv_reader.c - split a delimited file into rows and fields
 *
 * Plain rows (without a quote) take a way of a few memchr() each; others are
 * read character by character.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_reader.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static void init(struct csv_reader *r, const struct csv_dialect *dialect)
{
	memset(r, 0, sizeof(*r));
	r->dialect = *dialect;
	r->line = 1;
}

void csv_reader_open_text(struct csv_reader *r, struct sv text,
			  const struct csv_dialect *dialect)
{
	init(r, dialect);
	text_input_open_text(&r->in, text);
}

void csv_reader_close(struct csv_reader *r)
{
	text_input_close(&r->in);
	memset(r, 0, sizeof(*r));
}

int csv_reader_open(struct csv_reader *r, const char *path,
		    const struct csv_dialect *dialect, struct error *err)
{
	init(r, dialect);
	if (text_input_open(&r->in, path, dialect->encoding, err) < 0)
		return -1;
	r->dialect.encoding = r->in.encoding;
	return 0;
}

static struct sv strip_cr(struct sv line)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static struct sv trim_field(const struct csv_reader *r, struct sv field)
{
	return r->dialect.trim ? sv_trim(field) : field;
}

size_t csv_find_delimiter(const struct csv_dialect *d, struct sv text,
			  size_t from)
{
	size_t at = sv_find(text, d->delimiter, from);

	if (!d->more.len)
		return at;
	while (at < text.len &&
	       !sv_starts(sv_sub(text, at + 1, text.len), d->more))
		at = sv_find(text, d->delimiter, at + 1);
	return at;
}

/* A spreadsheet evaluates what begins so. */
static bool is_formula(struct sv text)
{
	return text.len && memchr("=+-@\t\r", text.ptr[0], 6);
}

struct sv csv_unmarked(const struct csv_dialect *d, struct sv field)
{
	size_t marks = 0;

	if (!d->formulas || !field.len || field.ptr[0] != '\'')
		return field;
	while (marks < field.len && field.ptr[marks] == '\'')
		marks++;
	return is_formula(sv_sub(field, marks, field.len))
		       ? sv_sub(field, 1, field.len)
		       : field;
}

static size_t count_fields(const struct csv_reader *r, struct sv line)
{
	size_t count = 1;
	size_t at = 0;

	while ((at = csv_find_delimiter(&r->dialect, line, at)) < line.len) {
		count++;
		at += 1 + r->dialect.more.len;
	}
	return count;
}

static const char *next_delimiter(const struct csv_dialect *d, const char *at,
				  const char *end)
{
	size_t left = (size_t)(end - at);
	size_t hit;

	if (!d->more.len)
		return memchr(at, d->delimiter, left);
	hit = csv_find_delimiter(d, sv_make(at, left), 0);
	return hit < left ? at + hit : NULL;
}

/* Cuts row->text into fields, at most `limit`. */
static void cut(const struct csv_reader *r, struct arena *arena,
		struct csv_row *row, size_t limit)
{
	size_t room = r->columns ? r->columns + 1 : count_fields(r, row->text);
	const char *at = row->text.ptr;
	const char *end = at + row->text.len;
	size_t count = 0;

	if (room > limit)
		room = limit;
	row->fields = arena_alloc(arena, room * sizeof(*row->fields));
	row->partial = false;
	for (;;) {
		const char *hit = next_delimiter(&r->dialect, at, end);
		const char *stop = hit ? hit : end;

		if (count < room)
			row->fields[count] =
				trim_field(r, sv_make(at, (size_t)(stop - at)));
		count++;
		if (!hit)
			break;
		if (count == limit) {
			row->partial = true;
			break;
		}
		at = hit + 1 + r->dialect.more.len;
	}
	row->count = count;
}

static void plain_row(const struct csv_reader *r, struct sv line,
		      struct arena *arena, struct csv_row *row)
{
	row->text = arena_dup(arena, line);
	cut(r, arena, row, r->first ? r->first : SIZE_MAX);
}

void csv_row_cut(const struct csv_reader *r, struct arena *arena,
		 struct csv_row *row)
{
	if (row->partial)
		cut(r, arena, row, SIZE_MAX);
}

/* Reads a row with quotes. Offsets count from the row's beginning. */
struct quoted {
	struct csv_reader *r;
	struct arena *arena;
	struct csv_row *row;
	struct strbuf text; /* of the fields */
	size_t *ends;       /* in text, of each field */
	size_t room;
	size_t pos;
	size_t open; /* where the quote looked at was opened */
	size_t span; /* where the first was that spans lines */
	bool multi_line;
	bool done;
};

static char byte_at(const struct quoted *q, size_t pos)
{
	return q->r->in.buffer[q->r->in.at + pos];
}

static void end_field(struct quoted *q, size_t start)
{
	struct csv_row *row = q->row;

	if (!q->ends || row->count == q->room) {
		size_t room = q->room ? q->room * 2 : 32;
		size_t *ends = arena_array(q->arena, room, sizeof(*ends));
		size_t *starts = arena_array(q->arena, room, sizeof(*starts));

		if (q->ends) {
			memcpy(ends, q->ends, row->count * sizeof(*ends));
			memcpy(starts, row->starts,
			       row->count * sizeof(*starts));
		}
		q->ends = ends;
		row->starts = starts;
		q->room = room;
	}
	q->ends[row->count] = q->text.len;
	row->starts[row->count++] = start;
}

static void skip_blanks(struct quoted *q)
{
	if (!q->r->dialect.trim || q->r->dialect.delimiter == ' ')
		return;
	while (q->r->in.at + q->pos < q->r->in.len && byte_at(q, q->pos) == ' ')
		q->pos++;
}

/* Behind a field: 1 another follows, 0 the row ends here, -1 neither. */
static int behind_field(struct quoted *q, struct error *err)
{
	struct sv line;
	size_t end;
	int more;

	/* First of all: it makes sure that the line is in the buffer. */
	more = text_input_find(&q->r->in, '\n', q->pos, &end, err);
	if (more < 0)
		return -2;
	skip_blanks(q);
	if (q->r->in.at + q->pos == q->r->in.len)
		return 0;
	line = sv_make(q->r->in.buffer + q->r->in.at, end);
	if (q->pos < end &&
	    csv_find_delimiter(&q->r->dialect, line, q->pos) == q->pos) {
		q->pos += 1 + q->r->dialect.more.len;
		return 1;
	}
	if (byte_at(q, q->pos) == '\r' && q->pos + 1 == end)
		q->pos++;
	if (q->pos != end)
		return -1;
	q->pos += more ? 1 : 0;
	return 0;
}

/* Text between quotes; true: the quote behind it is one of its characters. */
static bool add_part(struct quoted *q, struct sv part)
{
	char escape = q->r->dialect.escape;
	size_t from = 0;

	if (!escape) {
		strbuf_addsv(&q->text, part);
		return false;
	}
	for (;;) {
		size_t hit = sv_find(part, escape, from);

		strbuf_addsv(&q->text, sv_sub(part, from, hit));
		if (hit == part.len)
			return false;
		if (hit + 1 == part.len)
			return true;
		strbuf_addc(&q->text, part.ptr[hit + 1]);
		from = hit + 2;
	}
}

/* 1: the field's text is added, pos is behind its closing quote; 0: broken. */
static int quoted_field(struct quoted *q, struct error *err)
{
	char quote = q->r->dialect.quote;
	size_t from = q->pos + 1;
	size_t hit;
	int ret;

	q->open = q->pos;
	for (;;) {
		struct sv part;

		ret = text_input_find(&q->r->in, quote, from, &hit, err);
		if (ret <= 0)
			return ret;
		part = sv_make(q->r->in.buffer + q->r->in.at + from,
			       hit - from);
		if (!q->multi_line && part.len &&
		    memchr(part.ptr, '\n', part.len)) {
			q->multi_line = true;
			q->span = q->open;
		}
		if (add_part(q, part)) {
			strbuf_addc(&q->text, quote);
			from = hit + 1;
			continue;
		}
		/* The byte behind decides; it may not be in the buffer yet. */
		while (q->r->in.at + hit + 1 == q->r->in.len && !q->r->in.end)
			if (text_input_fill(&q->r->in, err) < 0)
				return -1;
		if (q->r->in.at + hit + 1 < q->r->in.len &&
		    byte_at(q, hit + 1) == quote) {
			strbuf_addc(&q->text, quote);
			from = hit + 2;
			continue;
		}
		q->pos = hit + 1;
		return 1;
	}
}

/* A field in which characters are escaped; returns how long it is. */
static size_t escaped_field(struct quoted *q, struct sv line)
{
	const struct csv_dialect *d = &q->r->dialect;
	size_t i = 0;

	while (i < line.len) {
		if (line.ptr[i] == d->escape && i + 1 < line.len)
			i++;
		else if (csv_find_delimiter(d, line, i) == i)
			break;
		strbuf_addc(&q->text, line.ptr[i++]);
	}
	return i;
}

static int plain_field(struct quoted *q, struct error *err)
{
	struct csv_reader *r = q->r;
	size_t end;
	struct sv field;

	if (text_input_find(&r->in, '\n', q->pos, &end, err) < 0)
		return -1;
	field = sv_make(r->in.buffer + r->in.at + q->pos, end - q->pos);
	if (r->dialect.escape &&
	    memchr(field.ptr, r->dialect.escape, field.len)) {
		q->pos += escaped_field(q, strip_cr(field));
		return 1;
	}
	field.len = csv_find_delimiter(&r->dialect, field, 0);
	if (field.len == end - q->pos)
		field = strip_cr(field);
	q->pos += field.len;
	strbuf_addsv(&q->text, trim_field(r, field));
	return 1;
}

/* 1: one field read; 0: its quote is broken; -1: err is set. */
static int one_field(struct quoted *q, struct error *err)
{
	size_t start = q->pos;
	int ret;

	skip_blanks(q);
	if (q->r->in.at + q->pos < q->r->in.len && q->r->dialect.quote &&
	    byte_at(q, q->pos) == q->r->dialect.quote)
		ret = quoted_field(q, err);
	else
		ret = plain_field(q, err);
	if (ret <= 0)
		return ret;
	ret = behind_field(q, err);
	if (ret == -2)
		return -1;
	if (ret < 0)
		return 0;
	q->done = ret == 0;
	end_field(q, start);
	return 1;
}

static size_t chars_since_newline(struct sv s)
{
	size_t from = s.len;

	while (from && s.ptr[from - 1] != '\n')
		from--;
	return text_len(sv_sub(s, from, s.len));
}

/* The row ends with the line in which the quote was opened. */
static int break_row(struct quoted *q, size_t open, const char *message,
		     struct error *err)
{
	struct sv before = sv_make(q->r->in.buffer + q->r->in.at, open);
	struct csv_row *row = q->row;
	size_t line = q->r->line;
	size_t at = 0;
	size_t end;
	int ret;

	while ((at = sv_find(before, '\n', at)) < before.len) {
		line++;
		at++;
	}
	row->error = message;
	row->error_line = line;
	row->error_column = chars_since_newline(before) + 1;
	while (row->count && row->starts[row->count - 1] >= open)
		row->count--;
	ret = text_input_find(&q->r->in, '\n', open, &end, err);
	q->pos = end + (ret > 0);
	return ret < 0 ? -1 : 0;
}

static void make_fields(struct quoted *q)
{
	struct csv_row *row = q->row;
	size_t from = 0;
	size_t i;

	row->text = arena_dup(q->arena, strbuf_sv(&q->text));
	row->fields = arena_array(q->arena, row->count, sizeof(*row->fields));
	for (i = 0; i < row->count; i++) {
		row->fields[i] = sv_sub(row->text, from, q->ends[i]);
		from = q->ends[i];
	}
}

/* Reads a row that has a quote; *len_out is how many bytes it takes. */
static int quoted_row(struct csv_reader *r, struct arena *arena,
		      struct csv_row *row, size_t *len_out, struct error *err)
{
	struct quoted q = { .r = r, .arena = arena, .row = row };
	int ret = 1;

	q.text.max = STRBUF_NO_LIMIT;
	while (ret > 0 && !q.done)
		ret = one_field(&q, err);
	if (ret == 0)
		ret = break_row(&q, q.open,
				"a quote is opened here and not closed", err);
	else if (ret > 0 && q.multi_line && r->columns &&
		 row->count != r->columns)
		ret = break_row(&q, q.span,
				"the row with the quoted field that begins "
				"here has a wrong number of columns: is a "
				"quote missing or too many?",
				err);
	if (ret >= 0)
		make_fields(&q);
	*len_out = q.pos;
	strbuf_release(&q.text);
	return ret < 0 ? -1 : 1;
}

static bool is_comment(const struct csv_reader *r, struct sv line)
{
	return r->dialect.comment && line.ptr[0] == r->dialect.comment;
}

/* Does a character of it mean more than itself? */
static bool is_marked(const struct csv_reader *r, struct sv line)
{
	const struct csv_dialect *d = &r->dialect;

	return (d->quote && memchr(line.ptr, d->quote, line.len)) ||
	       (d->escape && memchr(line.ptr, d->escape, line.len));
}

int csv_reader_next(struct csv_reader *r, struct arena *arena,
		    struct csv_row *row, struct error *err)
{
	size_t lead = 0;
	size_t len;
	struct sv line;
	size_t end;
	int ret;

	memset(row, 0, sizeof(*row));
	for (;;) {
		ret = text_input_find(&r->in, '\n', lead, &end, err);
		if (ret < 0)
			return -1;
		if (!ret && end > TEXT_INPUT_MOST)
			return error_set(err, ERR_LIMIT,
					 "'%s': line %zu is longer than %zu "
					 "bytes",
					 r->in.path, r->line, TEXT_INPUT_MOST);
		line = strip_cr(
			sv_make(r->in.buffer + r->in.at + lead, end - lead));
		if (!ret || (line.len && !is_comment(r, line)))
			break;
		lead = end + 1;
		r->line++;
	}
	if (!line.len || is_comment(r, line)) {
		row->lead =
			sv_make(r->in.buffer + r->in.at, r->in.len - r->in.at);
		return 0;
	}
	row->line = r->line;
	r->in.at += lead;
	len = end - lead + (ret > 0);
	if (is_marked(r, line)) {
		if (quoted_row(r, arena, row, &len, err) < 0)
			return -1;
	} else {
		plain_row(r, line, arena, row);
	}
	row->raw = sv_make(r->in.buffer + r->in.at, len);
	/* The blank lines have left the buffer when the row was long. */
	row->lead = r->in.at >= lead
			    ? sv_make(r->in.buffer + r->in.at - lead, lead)
			    : SV_NULL;
	r->line++;
	if (row->starts) {
		size_t at = 0;
		size_t newlines = 0;

		while ((at = sv_find(row->raw, '\n', at)) < row->raw.len) {
			newlines++;
			at++;
		}
		r->line = row->line + newlines;
	}
	r->in.at += len;
	return 1;
}

size_t csv_row_column(const struct csv_row *row, size_t i)
{
	struct sv raw = row->raw;
	size_t start;

	if (raw.len && raw.ptr[raw.len - 1] == '\n')
		raw = strip_cr(sv_sub(raw, 0, raw.len - 1));
	start = raw.len;
	if (i < row->count)
		start = row->starts
				? row->starts[i]
				: (size_t)(row->fields[i].ptr - row->text.ptr);
	if (start > raw.len)
		start = raw.len;
	return chars_since_newline(sv_sub(raw, 0, start)) + 1;
}
