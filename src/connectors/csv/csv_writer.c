/*
 * csv_writer.c - quote and encode rows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_writer.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 * 1024)

int csv_writer_open(struct csv_writer *w, const struct csv_dialect *dialect,
		    bool bom, FILE *to, struct error *err)
{
	memset(w, 0, sizeof(*w));
	w->dialect = *dialect;
	w->to = to;
	w->out.max = STRBUF_NO_LIMIT;
	w->end_of_line = "\n";
	if (dialect->encoding) {
		w->convert = iconv_open(dialect->encoding, "UTF-8");
		if (w->convert == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 dialect->encoding);
		w->converting = true;
	}
	if (bom)
		strbuf_adds(&w->out, "\xEF\xBB\xBF");
	return 0;
}

void csv_writer_close(struct csv_writer *w)
{
	if (w->converting)
		(void)iconv_close(w->convert);
	strbuf_release(&w->out);
	memset(w, 0, sizeof(*w));
}

static int put(struct csv_writer *w, const char *bytes, size_t len,
	       struct error *err)
{
	if (fwrite(bytes, 1, len, w->to) != len)
		return error_errno(err, errno, "cannot write");
	return 0;
}

static int put_converted(struct csv_writer *w, struct error *err)
{
	char block[8192];
	char *in = w->out.ptr;
	size_t left = w->out.len;

	while (left) {
		char *out = block;
		size_t room = sizeof(block);
		size_t ret = iconv(w->convert, &in, &left, &out, &room);
		int problem = errno;

		if (put(w, block, (size_t)(out - block), err) < 0)
			return -1;
		if (ret == (size_t)-1 && problem != E2BIG)
			return error_set(err, ERR_INVALID,
					 "text that cannot be written in the "
					 "encoding '%s'",
					 w->dialect.encoding);
	}
	return 0;
}

int csv_writer_flush(struct csv_writer *w, struct error *err)
{
	int ret = 0;

	if (w->converting)
		ret = put_converted(w, err);
	else if (w->out.len)
		ret = put(w, w->out.ptr, w->out.len, err);
	strbuf_reset(&w->out);
	return ret;
}

static bool needs_quotes(const struct csv_dialect *d, struct sv field)
{
	if (!d->quote || !field.len)
		return false;
	return memchr(field.ptr, d->delimiter, field.len) ||
	       memchr(field.ptr, d->quote, field.len) ||
	       memchr(field.ptr, '\n', field.len) ||
	       memchr(field.ptr, '\r', field.len);
}

static void add_field(struct csv_writer *w, struct sv field)
{
	char quote = w->dialect.quote;
	size_t from = 0;

	if (!needs_quotes(&w->dialect, field)) {
		strbuf_addsv(&w->out, field);
		return;
	}
	strbuf_addc(&w->out, quote);
	while (from < field.len) {
		size_t hit = sv_find(field, quote, from);

		strbuf_addsv(&w->out, sv_sub(field, from, hit));
		if (hit < field.len) {
			strbuf_addc(&w->out, quote);
			strbuf_addc(&w->out, quote);
		}
		from = hit + 1;
	}
	strbuf_addc(&w->out, quote);
}

int csv_write_row(struct csv_writer *w, const struct sv *fields, size_t count,
		  struct error *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			strbuf_addc(&w->out, w->dialect.delimiter);
		add_field(w, fields[i]);
	}
	/* An empty line would be passed over. */
	if (count == 1 && !fields[0].len && w->dialect.quote) {
		strbuf_addc(&w->out, w->dialect.quote);
		strbuf_addc(&w->out, w->dialect.quote);
	}
	return csv_write_text(w, sv_from(w->end_of_line), err);
}

int csv_write_text(struct csv_writer *w, struct sv text, struct error *err)
{
	strbuf_addsv(&w->out, text);
	return w->out.len >= BUFFER_SIZE ? csv_writer_flush(w, err) : 0;
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
	if (!d->quote && (memchr(text.ptr, d->delimiter, text.len) ||
			  memchr(text.ptr, '\n', text.len) ||
			  memchr(text.ptr, '\r', text.len)))
		return "a file without quotes cannot hold the delimiter or an "
		       "end of line";
	return NULL;
}

bool csv_encodable(iconv_t convert, struct sv text)
{
	char *copy = mem_alloc(text.len);
	char *in = copy;
	size_t left = text.len;
	bool ok = true;

	if (text.len)
		memcpy(copy, text.ptr, text.len);
	while (left && ok) {
		char block[1024];
		char *out = block;
		size_t room = sizeof(block);

		ok = iconv(convert, &in, &left, &out, &room) != (size_t)-1 ||
		     errno == E2BIG;
	}
	mem_free(copy);
	return ok;
}
