/*
 * dbf_write.c - a record of a table with other values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/dbf.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int refuse(struct record_edit *edit, struct sv name, const char *error,
		  const char *what)
{
	return record_refuse(edit, error,
			     arena_printf(edit->arena, "'" SV_FMT "': %s",
					  SV_ARG(name), what));
}

static int invalid(struct record_edit *edit, const struct dbf_column *column,
		   const char *what)
{
	return refuse(edit, column->name, "invalid-attribute-value", what);
}

static const struct dbf_table *table_of(const struct record_edit *edit)
{
	const struct dbf_file *file = edit->reader->state;

	return file ? &file->table : edit->reader->source->data;
}

/* --- values ------------------------------------------------------------ */

static int put_text(struct record_edit *edit, const struct dbf_column *column,
		    struct sv text, char *at)
{
	const char *page = table_of(edit)->code_page;
	iconv_t convert = page ? iconv_open(page, "UTF-8") : (iconv_t)-1;
	size_t room = column->width;
	char *in = arena_cstr(edit->arena, text);
	size_t left = text.len;
	size_t done;
	int why = 0;

	if (page && convert == (iconv_t)-1)
		return invalid(edit, column, "its code page is not known");
	if (text.len && text.ptr[text.len - 1] == ' ')
		why = EINVAL;
	if (!page && left > room)
		why = E2BIG;
	else if (!page)
		memcpy(at, text.ptr ? text.ptr : "", left);
	else
		for (done = 0; !why && left && done != (size_t)-1;)
			if ((done = iconv(convert, &in, &left, &at, &room)) ==
			    (size_t)-1)
				why = errno;
	if (page)
		(void)iconv_close(convert);
	if (why == E2BIG)
		return invalid(edit, column,
			       arena_printf(edit->arena,
					    "%zu bytes are more than its "
					    "column has, %zu",
					    text.len, column->width));
	if (why == EINVAL)
		return invalid(edit, column, "blanks at its end would be lost");
	if (why)
		return refuse(edit, column->name, "code-page-conversion",
			      arena_printf(edit->arena,
					   "it has characters that %s lacks",
					   page));
	return 0;
}

static bool all_digits(struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return true;
}

/* As many digits behind the point as the column has. */
static int put_number(struct record_edit *edit, const struct dbf_column *column,
		      struct sv text, char *at)
{
	size_t sign = text.len && text.ptr[0] == '-';
	size_t point = sv_find(text, '.', 0);
	struct sv whole = sv_sub(text, sign, point > sign ? point : sign);
	struct sv rest =
		sv_sub(text, point < text.len ? point + 1 : point, text.len);
	const char *out;

	if (!whole.len || !all_digits(whole) || !all_digits(rest) ||
	    rest.len > column->decimals || (whole.len > 1 && *whole.ptr == '0'))
		return invalid(edit, column,
			       "its column takes numbers as it writes them "
			       "itself");
	out = arena_printf(
		edit->arena, "%s" SV_FMT "%s" SV_FMT "%.*s", sign ? "-" : "",
		SV_ARG(whole), column->decimals ? "." : "", SV_ARG(rest),
		(int)(column->decimals - rest.len), "00000000000000000000");
	if (strlen(out) > column->width)
		return invalid(edit, column,
			       "the number has more digits than its column");
	memcpy(at + column->width - strlen(out), out, strlen(out));
	return 0;
}

static int put_logical(struct record_edit *edit,
		       const struct dbf_column *column, struct sv text,
		       char *at)
{
	bool on;

	if (!setting_parse_switch(text, &on))
		return invalid(edit, column, "its column is logical");
	*at = on ? 'T' : 'F';
	return 0;
}

static int put_date(struct record_edit *edit, const struct dbf_column *column,
		    struct sv text, char *at)
{
	struct value value;

	if (text.len < 10 || column->width != 8 ||
	    !value_parse(VALUE_DATETIME, text, SV_NULL, &value) ||
	    value.number % INT64_C(864000000000) != 0)
		return invalid(edit, column,
			       "its column takes days, without a time");
	memcpy(at, text.ptr, 4);
	memcpy(at + 4, text.ptr + 5, 2);
	memcpy(at + 6, text.ptr + 8, 2);
	return 0;
}

static int put_int(struct record_edit *edit, const struct dbf_column *column,
		   struct sv text, char *at)
{
	int64_t number;
	int i;

	if (!sv_to_i64(text, &number) || number < INT32_MIN ||
	    number > INT32_MAX || column->width != 4)
		return invalid(edit, column, "its column takes 32 bits");
	for (i = 0; i < 4; i++)
		at[i] = (char)((uint32_t)number >> (8 * i) & 0xFF);
	return 0;
}

static int put_value(struct record_edit *edit, const struct dbf_column *column,
		     struct sv text, char *record)
{
	char *at = record + column->start;

	memset(at, strchr("IBYT", column->kind) ? 0 : ' ', column->width);
	if (!text.len)
		return 0;
	switch (column->kind) {
	case 'C':
		return put_text(edit, column, text, at);
	case 'N':
	case 'F':
		return put_number(edit, column, text, at);
	case 'L':
		return put_logical(edit, column, text, at);
	case 'D':
		return put_date(edit, column, text, at);
	case 'I':
		return put_int(edit, column, text, at);
	default:
		return invalid(edit, column,
			       arena_printf(edit->arena,
					    "columns of kind '%c' are not "
					    "written",
					    column->kind));
	}
}

/* --- records ----------------------------------------------------------- */

static int put_set(struct record_edit *edit, const struct dbf_table *table,
		   const struct record_set *set, char *record)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct dbf_column *column = &table->columns[i];
		struct sv text = used < set->count ? set->values[used]
						   : SV_NULL;

		if (!sv_ieq(column->name, set->name))
			continue;
		if (put_value(edit, column, text, record) < 0)
			return -1;
		used++;
	}
	if (used >= set->count)
		return 0;
	return record_refuse(
		edit, "insufficient-columns",
		arena_printf(edit->arena,
			     "%zu values of '" SV_FMT "', but %zu columns%s",
			     set->count, SV_ARG(set->name), used,
			     used ? "; set a separator for the attribute"
				  : ""));
}

int dbf_compose(struct record_edit *edit)
{
	const struct dbf_table *table = table_of(edit);
	char *record;
	size_t i;

	if (!table)
		return record_refuse(edit, "insufficient-columns",
				     "the file is not there, and 'columns' "
				     "does not tell what a new one has");
	record = arena_alloc(edit->arena, table->width);
	if (edit->old.len)
		memcpy(record, edit->old.ptr, table->width);
	else
		memset(record, ' ', table->width);
	for (i = 0; i < edit->count; i++)
		if (put_set(edit, table, &edit->sets[i], record) < 0)
			return -1;
	edit->out = sv_make(record, table->width);
	return 0;
}

int dbf_write_begin(struct record_writer *w, struct error *err)
{
	if (!w->reader && !w->source->data)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is not there, and 'columns' "
				 "does not tell what a new one has",
				 SV_ARG(w->source->feed.name));
	return text_output_open(&w->to, NULL, false, w->file->stream, err);
}

/* The header tells how many records there are. */
int dbf_write_end(struct record_writer *w, struct error *err)
{
	const struct dbf_file *file = w->reader ? w->reader->state : NULL;
	const struct dbf_table *table = file ? &file->table : w->source->data;
	FILE *to = w->file->stream;
	unsigned char count[4];
	uint64_t records;
	off_t size;
	size_t i;

	if (text_output_flush(&w->to, err) < 0)
		return -1;
	size = ftello(to);
	records = ((uint64_t)size - table->header) / table->width;
	if (records > UINT32_MAX)
		return error_set(err, ERR_LIMIT,
				 "a table has no more than %" PRIu32 " records",
				 UINT32_MAX);
	for (i = 0; i < sizeof(count); i++)
		count[i] = (unsigned char)(records >> (8 * i) & 0xFF);
	if (size < 0 || fseeko(to, 4, SEEK_SET) != 0 ||
	    fwrite(count, 1, sizeof(count), to) != sizeof(count) ||
	    fseeko(to, 0, SEEK_END) != 0)
		return error_errno(err, errno, "cannot write");
	return 0;
}
