/*
 * csv_writer.c - quote and encode rows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_writer.h"

#include "base/text.h"

#include <string.h>

int csv_writer_open(struct csv_writer *w, const struct csv_dialect *dialect,
		    bool bom, FILE *to, struct error *err)
{
	memset(w, 0, sizeof(*w));
	w->dialect = *dialect;
	w->end_of_line = "\n";
	return text_output_open(&w->to, dialect->encoding, bom, to, err);
}

void csv_writer_close(struct csv_writer *w)
{
	text_output_close(&w->to);
}

int csv_writer_flush(struct csv_writer *w, struct error *err)
{
	return text_output_flush(&w->to, err);
}

/* A delimiter could seem to begin within it. */
static bool holds_delimiter(const struct csv_dialect *d, struct sv field)
{
	size_t i;

	if (csv_find_delimiter(d, field, 0) < field.len)
		return true;
	for (i = 1; i <= d->more.len && i <= field.len; i++) {
		struct sv end = sv_sub(field, field.len - i, field.len);

		if (sv_find(end, d->delimiter, 0) == 0 &&
		    sv_eq(sv_sub(end, 1, i), sv_sub(d->more, 0, i - 1)))
			return true;
	}
	return false;
}

static bool needs_quotes(const struct csv_dialect *d, struct sv field)
{
	if (!d->quote || !field.len)
		return false;
	return (d->comment && field.ptr[0] == d->comment) ||
	       holds_delimiter(d, field) ||
	       (d->escape && memchr(field.ptr, d->escape, field.len)) ||
	       memchr(field.ptr, d->quote, field.len) ||
	       memchr(field.ptr, '\n', field.len) ||
	       memchr(field.ptr, '\r', field.len);
}

/* Each of its characters that would mean more, behind the escape. */
static void add_escaped(struct csv_writer *w, struct sv field)
{
	const struct csv_dialect *d = &w->dialect;
	size_t i;

	for (i = 0; i < field.len; i++) {
		char c = field.ptr[i];

		if (c == d->escape || (d->quote && c == d->quote) ||
		    (!d->quote && c == d->delimiter) ||
		    (!d->quote && !i && d->comment && c == d->comment))
			strbuf_addc(&w->to.out, d->escape);
		strbuf_addc(&w->to.out, c);
	}
}

static void add_doubled(struct csv_writer *w, struct sv field)
{
	char quote = w->dialect.quote;
	size_t from = 0;

	while (from < field.len) {
		size_t hit = sv_find(field, quote, from);

		strbuf_addsv(&w->to.out, sv_sub(field, from, hit));
		if (hit < field.len) {
			strbuf_addc(&w->to.out, quote);
			strbuf_addc(&w->to.out, quote);
		}
		from = hit + 1;
	}
}

static void add_field(struct csv_writer *w, struct sv field)
{
	const struct csv_dialect *d = &w->dialect;

	if (!d->quote && d->escape) {
		add_escaped(w, field);
		return;
	}
	if (!needs_quotes(d, field)) {
		strbuf_addsv(&w->to.out, field);
		return;
	}
	strbuf_addc(&w->to.out, d->quote);
	if (d->escape)
		add_escaped(w, field);
	else
		add_doubled(w, field);
	strbuf_addc(&w->to.out, d->quote);
}

void csv_write_delimiter(struct csv_writer *w)
{
	strbuf_addc(&w->to.out, w->dialect.delimiter);
	strbuf_addsv(&w->to.out, w->dialect.more);
}

int csv_write_row(struct csv_writer *w, const struct sv *fields, size_t count,
		  struct error *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			csv_write_delimiter(w);
		add_field(w, fields[i]);
	}
	/* An empty line would be passed over. */
	if (count == 1 && !fields[0].len && w->dialect.quote) {
		strbuf_addc(&w->to.out, w->dialect.quote);
		strbuf_addc(&w->to.out, w->dialect.quote);
	}
	w->rows++;
	return csv_write_text(w, sv_from(w->end_of_line), err);
}

int csv_write_text(struct csv_writer *w, struct sv text, struct error *err)
{
	return text_output_add(&w->to, text, err);
}

const char *csv_field_problem(const struct csv_dialect *d, struct sv text)
{
	if (!text.len)
		return NULL;
	if (d->null.len && sv_eq(text, d->null))
		return "the text stands for no value in this file";
	if (memchr(text.ptr, '\0', text.len) || !text_is_utf8(text))
		return "a text file cannot hold these bytes";
	if (d->trim && sv_trim(text).len != text.len)
		return "blanks at its ends would be lost in this file";
	if (!d->quote && (memchr(text.ptr, '\n', text.len) ||
			  memchr(text.ptr, '\r', text.len)))
		return "a file without quotes cannot hold an end of line";
	if (!d->quote && d->escape)
		return NULL;
	if (!d->quote && d->comment && text.ptr[0] == d->comment)
		return "in a file without quotes it would be a comment";
	if (!d->quote && holds_delimiter(d, text))
		return "a file without quotes cannot hold the delimiter";
	return NULL;
}

struct sv csv_marked(const struct csv_dialect *d, struct sv text,
		     struct arena *arena)
{
	struct sv marked;

	if (!d->formulas || !text.len)
		return text;
	marked = sv_from(arena_printf(arena, "'" SV_FMT, SV_ARG(text)));
	/* What is not taken for a mark when it is read is not written. */
	return csv_unmarked(d, marked).len < marked.len ? marked : text;
}
