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

static bool needs_quotes(const struct csv_dialect *d, struct sv field)
{
	if (!d->quote || !field.len)
		return false;
	return (d->comment && field.ptr[0] == d->comment) ||
	       memchr(field.ptr, d->delimiter, field.len) ||
	       memchr(field.ptr, d->quote, field.len) ||
	       memchr(field.ptr, '\n', field.len) ||
	       memchr(field.ptr, '\r', field.len);
}

static void add_field(struct csv_writer *w, struct sv field)
{
	char quote = w->dialect.quote;
	size_t from = 0;

	if (!needs_quotes(&w->dialect, field)) {
		strbuf_addsv(&w->to.out, field);
		return;
	}
	strbuf_addc(&w->to.out, quote);
	while (from < field.len) {
		size_t hit = sv_find(field, quote, from);

		strbuf_addsv(&w->to.out, sv_sub(field, from, hit));
		if (hit < field.len) {
			strbuf_addc(&w->to.out, quote);
			strbuf_addc(&w->to.out, quote);
		}
		from = hit + 1;
	}
	strbuf_addc(&w->to.out, quote);
}

int csv_write_row(struct csv_writer *w, const struct sv *fields, size_t count,
		  struct error *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			strbuf_addc(&w->to.out, w->dialect.delimiter);
		add_field(w, fields[i]);
	}
	/* An empty line would be passed over. */
	if (count == 1 && !fields[0].len && w->dialect.quote) {
		strbuf_addc(&w->to.out, w->dialect.quote);
		strbuf_addc(&w->to.out, w->dialect.quote);
	}
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
	if (!d->quote && d->comment && text.ptr[0] == d->comment)
		return "in a file without quotes it would be a comment";
	if (!d->quote && (memchr(text.ptr, d->delimiter, text.len) ||
			  memchr(text.ptr, '\n', text.len) ||
			  memchr(text.ptr, '\r', text.len)))
		return "a file without quotes cannot hold the delimiter or an "
		       "end of line";
	return NULL;
}
