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
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)1024 * 1024)
#define RECORD_MAX  ((size_t)16 * 1024 * 1024)

int csv_encoding(struct sv name, struct arena *arena, const char **out)
{
	char *text = arena_cstr(arena, name);
	iconv_t test;

	*out = NULL;
	if (!name.len || sv_ieq_str(name, "utf-8") || sv_ieq_str(name, "utf8"))
		return 1;
	if (sv_ieq_str(name, "utf-16") || sv_ieq_str(name, "utf16"))
		text = arena_cstr(arena, SV_LIT("UTF-16LE"));
	test = iconv_open("UTF-8", text);
	if (test == (iconv_t)-1)
		return 0;
	(void)iconv_close(test);
	*out = text;
	return 1;
}

static void init(struct csv_reader *r, const struct csv_dialect *dialect)
{
	memset(r, 0, sizeof(*r));
	r->dialect = *dialect;
	r->fd = -1;
	r->line = 1;
	r->pending.max = STRBUF_NO_LIMIT;
}

void csv_reader_open_text(struct csv_reader *r, struct sv text,
			  const struct csv_dialect *dialect)
{
	init(r, dialect);
	r->end = true;
	r->size = text.len;
	r->len = text.len;
	r->file_size = text.len;
	r->buffer = mem_alloc(text.len);
	if (text.len)
		memcpy(r->buffer, text.ptr, text.len);
}

void csv_reader_close(struct csv_reader *r)
{
	if (!r->buffer)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	if (r->converting)
		(void)iconv_close(r->convert);
	mem_free(r->buffer);
	strbuf_release(&r->pending);
	memset(r, 0, sizeof(*r));
}

/* A byte order mark at the beginning says the encoding; it is passed over. */
static int sniff(struct csv_reader *r, struct error *err)
{
	static const struct {
		struct sv mark;
		const char *encoding;
	} marks[] = {
		{ { "\xEF\xBB\xBF", 3 }, NULL },
		{ { "\xFF\xFE", 2 }, "UTF-16LE" },
		{ { "\xFE\xFF", 2 }, "UTF-16BE" },
	};
	char head[4];
	ssize_t n = pread(r->fd, head, sizeof(head), 0);
	size_t i;

	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", r->path);
	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (!sv_starts(sv_make(head, (size_t)n), marks[i].mark))
			continue;
		r->bom = true;
		r->dialect.encoding = marks[i].encoding;
		r->taken = marks[i].mark.len;
	}
	return 0;
}

static int start_converting(struct csv_reader *r, struct error *err)
{
	const char *encoding = r->dialect.encoding;

	r->convert = iconv_open("UTF-8", encoding);
	if (r->convert == (iconv_t)-1)
		return error_set(err, ERR_INVALID,
				 "'%s': the encoding '%s' is not known",
				 r->path, encoding);
	r->converting = true;
	r->unit = sv_starts(sv_from(encoding), SV_LIT("UTF-16")) ? 2 : 1;
	return 0;
}

int csv_reader_open(struct csv_reader *r, const char *path,
		    const struct csv_dialect *dialect, struct error *err)
{
	struct stat st;

	init(r, dialect);
	r->path = path;
	r->size = BUFFER_SIZE;
	r->buffer = mem_alloc(r->size);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0 || fstat(r->fd, &st) < 0) {
		(void)error_errno(err, errno, "cannot read '%s'", path);
		csv_reader_close(r);
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		(void)error_set(err, ERR_INVALID, "'%s' is a folder", path);
		csv_reader_close(r);
		return -1;
	}
	r->file_size = (uint64_t)st.st_size;
	if (sniff(r, err) < 0 ||
	    (r->dialect.encoding && start_converting(r, err) < 0)) {
		csv_reader_close(r);
		return -1;
	}
	return 0;
}

static ssize_t read_some(struct csv_reader *r, char *to, size_t room)
{
	ssize_t n;

	do {
		n = pread(r->fd, to, room, (off_t)r->taken);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		r->taken += (size_t)n;
	return n;
}

static void ensure_room(struct csv_reader *r, size_t room)
{
	while (r->size - r->len < room)
		r->size *= 2;
	r->buffer = mem_realloc(r->buffer, r->size);
}

/* Converts what is pending; at the end of the file also what is incomplete. */
static void convert_pending(struct csv_reader *r, bool end)
{
	char *in = r->pending.ptr;
	size_t in_left = r->pending.len;

	ensure_room(r, in_left * 4 + 16);
	while (in_left) {
		char *out = r->buffer + r->len;
		size_t room = r->size - r->len;
		size_t ret = iconv(r->convert, &in, &in_left, &out, &room);
		size_t skip = r->unit < in_left ? r->unit : in_left;

		r->len = (size_t)(out - r->buffer);
		if (ret != (size_t)-1 || (errno == EINVAL && !end))
			break;
		ensure_room(r, in_left * 4 + 16);
		if (errno == E2BIG)
			continue;
		r->buffer[r->len++] = (char)0xFF;
		in += skip;
		in_left -= skip;
	}
	if (in_left)
		memmove(r->pending.ptr, in, in_left);
	r->pending.len = in_left;
}

#define CHUNK ((size_t)256 * 1024)

static int fill_converted(struct csv_reader *r)
{
	char *room = strbuf_room(&r->pending, CHUNK);
	ssize_t n = read_some(r, room, CHUNK);

	if (n < 0)
		return -1;
	strbuf_grew(&r->pending, (size_t)n);
	convert_pending(r, n == 0);
	r->end = n == 0;
	return 0;
}

/* More bytes behind the unread part, which moves to the buffer's front. */
static int fill(struct csv_reader *r, struct error *err)
{
	ssize_t n = 0;

	if (r->at) {
		memmove(r->buffer, r->buffer + r->at, r->len - r->at);
		r->len -= r->at;
		r->at = 0;
	}
	if (r->converting) {
		n = fill_converted(r);
	} else {
		if (r->len == r->size)
			ensure_room(r, r->size);
		n = read_some(r, r->buffer + r->len, r->size - r->len);
		if (n > 0)
			r->len += (size_t)n;
		r->end = n == 0;
	}
	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", r->path);
	return 0;
}

/* The offset from `at` of the next `c` at or behind offset `from`: 1 found;
 * 0: not before the end of data or the largest record; *out is that end. */
static int find_byte(struct csv_reader *r, char c, size_t from, size_t *out,
		     struct error *err)
{
	for (;;) {
		size_t have = r->len - r->at;
		const char *hit = have > from ? memchr(r->buffer + r->at + from,
						       c, have - from)
					      : NULL;

		if (hit) {
			*out = (size_t)(hit - r->buffer) - r->at;
			return 1;
		}
		*out = have;
		if (r->end || have > RECORD_MAX)
			return 0;
		from = have > from ? have : from;
		if (fill(r, err) < 0)
			return -1;
	}
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

static size_t count_fields(const struct csv_reader *r, struct sv line)
{
	size_t count = 1;
	size_t at = 0;

	while ((at = sv_find(line, r->dialect.delimiter, at)) < line.len) {
		count++;
		at++;
	}
	return count;
}

/* Cuts row->text into fields, at most `limit`. */
static void cut(const struct csv_reader *r, struct arena *arena,
		struct csv_row *row, size_t limit)
{
	size_t room = r->columns ? r->columns + 1 : count_fields(r, row->text);
	const char *at = row->text.ptr;
	const char *end = at + row->text.len;
	char delimiter = r->dialect.delimiter;
	size_t count = 0;

	if (room > limit)
		room = limit;
	row->fields = arena_alloc(arena, room * sizeof(*row->fields));
	row->partial = false;
	for (;;) {
		const char *hit = memchr(at, delimiter, (size_t)(end - at));
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
		at = hit + 1;
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
	return q->r->buffer[q->r->at + pos];
}

static void end_field(struct quoted *q, size_t start)
{
	struct csv_row *row = q->row;

	if (row->count == q->room) {
		size_t room = q->room ? q->room * 2 : 32;
		size_t *ends = arena_array(q->arena, room, sizeof(*ends));
		size_t *starts = arena_array(q->arena, room, sizeof(*starts));

		if (row->count) {
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
	while (q->r->at + q->pos < q->r->len && byte_at(q, q->pos) == ' ')
		q->pos++;
}

/* Behind a field: 1 another follows, 0 the row ends here, -1 neither. */
static int behind_field(struct quoted *q, struct error *err)
{
	size_t end;
	int more;

	/* First of all: it makes sure that the line is in the buffer. */
	more = find_byte(q->r, '\n', q->pos, &end, err);
	if (more < 0)
		return -2;
	skip_blanks(q);
	if (q->r->at + q->pos == q->r->len)
		return 0;
	if (byte_at(q, q->pos) == q->r->dialect.delimiter) {
		q->pos++;
		return 1;
	}
	if (byte_at(q, q->pos) == '\r' && q->pos + 1 == end)
		q->pos++;
	if (q->pos != end)
		return -1;
	q->pos += more ? 1 : 0;
	return 0;
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

		ret = find_byte(q->r, quote, from, &hit, err);
		if (ret <= 0)
			return ret;
		part = sv_make(q->r->buffer + q->r->at + from, hit - from);
		if (!q->multi_line && part.len &&
		    memchr(part.ptr, '\n', part.len)) {
			q->multi_line = true;
			q->span = q->open;
		}
		strbuf_addsv(&q->text, part);
		/* The byte behind decides; it may not be in the buffer yet. */
		while (q->r->at + hit + 1 == q->r->len && !q->r->end)
			if (fill(q->r, err) < 0)
				return -1;
		if (q->r->at + hit + 1 < q->r->len &&
		    byte_at(q, hit + 1) == quote) {
			strbuf_addc(&q->text, quote);
			from = hit + 2;
			continue;
		}
		q->pos = hit + 1;
		return 1;
	}
}

static int plain_field(struct quoted *q, struct error *err)
{
	struct csv_reader *r = q->r;
	size_t end;
	struct sv field;

	if (find_byte(r, '\n', q->pos, &end, err) < 0)
		return -1;
	field = sv_make(r->buffer + r->at + q->pos, end - q->pos);
	field.len = sv_find(field, r->dialect.delimiter, 0);
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
	if (q->r->at + q->pos < q->r->len &&
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
	struct sv before = sv_make(q->r->buffer + q->r->at, open);
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
	ret = find_byte(q->r, '\n', open, &end, err);
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
		ret = find_byte(r, '\n', lead, &end, err);
		if (ret < 0)
			return -1;
		if (!ret && end > RECORD_MAX)
			return error_set(err, ERR_LIMIT,
					 "'%s': line %zu is longer than %zu "
					 "bytes",
					 r->path, r->line, RECORD_MAX);
		line = strip_cr(sv_make(r->buffer + r->at + lead, end - lead));
		if (line.len || !ret)
			break;
		lead = end + 1;
		r->line++;
	}
	if (!line.len)
		return 0;
	row->line = r->line;
	r->at += lead;
	len = end - lead + (ret > 0);
	if (r->dialect.quote && memchr(line.ptr, r->dialect.quote, line.len)) {
		if (quoted_row(r, arena, row, &len, err) < 0)
			return -1;
	} else {
		plain_row(r, line, arena, row);
	}
	row->raw = sv_make(r->buffer + r->at, len);
	/* The blank lines have left the buffer when the row was long. */
	row->lead = r->at >= lead ? sv_make(r->buffer + r->at - lead, lead)
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
	r->at += len;
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
