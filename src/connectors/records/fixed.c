/*
 * fixed.c - files whose columns have fixed widths
 *
 * A line is cut by offsets alone; while it is ASCII, characters are bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/fixed.h"

#include "base/text.h"
#include "connectors/records/records.h"

#include <string.h>

/* What is known of an open file. */
struct fixed_file {
	size_t **names; /* of each layout: the numbers of its columns' names */
	size_t records;
	bool ended;
};

static int fixed_open(struct record_reader *r, struct error *err)
{
	const struct fixed *fixed = r->source->data;
	struct fixed_file *file = arena_zalloc(&r->arena, sizeof(*file));
	size_t total = 0;
	struct sv *columns;
	size_t i;
	size_t k;

	(void)err;
	r->state = file;
	file->names =
		arena_array(&r->arena, fixed->count + 1, sizeof(*file->names));
	for (i = 0; i < fixed->count; i++)
		total += fixed->layouts[i].count;
	columns = arena_array(&r->arena, total + 1, sizeof(*columns));
	for (i = 0; i < fixed->count; i++) {
		const struct fixed_layout *layout = &fixed->layouts[i];

		file->names[i] = arena_array(&r->arena, layout->count,
					     sizeof(**file->names));
		for (k = 0; k < layout->count; k++) {
			struct sv name = layout->columns[k].name;

			file->names[i][k] =
				name.len ? record_names_find(r->names, name)
					 : RECORD_NO_NAME;
			if (name.len)
				columns[r->column_count++] = name;
		}
	}
	r->columns = columns;
	return 0;
}

/* --- widths ------------------------------------------------------------ */

/* Of a text whose characters are single bytes an offset is what it says. */
static bool plain(const struct fixed *fixed, struct sv line)
{
	uint64_t high = 0;
	uint64_t word;
	size_t i;

	if (fixed->bytes)
		return true;
	for (i = 0; i + sizeof(word) <= line.len; i += sizeof(word)) {
		memcpy(&word, line.ptr + i, sizeof(word));
		high |= word;
	}
	for (; i < line.len; i++)
		high |= (uint64_t)(unsigned char)line.ptr[i];
	return !(high & UINT64_C(0x8080808080808080));
}

size_t fixed_offset(const struct fixed *fixed, struct sv line, size_t n)
{
	if (fixed->bytes)
		return n < line.len ? n : line.len;
	return text_offset(line, n);
}

size_t fixed_length(const struct fixed *fixed, struct sv text)
{
	return fixed->bytes ? text.len : text_len(text);
}

const struct fixed_layout *fixed_layout_of(const struct fixed *fixed,
					   struct sv line)
{
	size_t i;

	if (!fixed->several)
		return fixed->layouts;
	for (i = 0; i < fixed->count; i++)
		if (sv_starts(line, fixed->layouts[i].begins))
			return &fixed->layouts[i];
	return NULL;
}

/* --- records ----------------------------------------------------------- */

/* A blank line, or the sign that old systems end a file with. */
static bool is_blank(struct sv line)
{
	struct sv text = sv_trim(line);

	return !text.len || sv_eq_str(text, "\x1A");
}

static int wrong_count(const struct record_reader *r, struct sv line,
		       struct error *err)
{
	const struct fixed *fixed = r->source->data;
	const struct fixed_file *file = r->state;
	size_t from = fixed_offset(fixed, line, fixed->count_at);
	size_t to =
		fixed_offset(fixed, line, fixed->count_at + fixed->count_width);
	struct sv text = sv_trim(sv_sub(line, from, to));
	int64_t count;

	if (!fixed->count_width)
		return 0;
	if (!sv_to_i64(text, &count))
		return error_set(err, ERR_INVALID,
				 SV_FMT ":%zu:%zu: the trailer should tell the "
					"number of records here",
				 SV_ARG(r->file), r->line, fixed->count_at + 1);
	if (count == (int64_t)file->records)
		return 0;
	return error_set(err, ERR_LIMIT,
			 "'" SV_FMT "' has %zu records, its trailer says %lld: "
			 "it is not complete",
			 SV_ARG(r->file), file->records, (long long)count);
}

/* The trailer begins `off` ahead: all that follows must be blank. */
static int end_at_trailer(struct record_reader *r, size_t off,
			  struct error *err)
{
	struct fixed_file *file = r->state;
	struct sv line;
	size_t end;
	int ret;

	record_pass(r, 0);
	if (record_line_ahead(r, off, &line, &end, err) < 0 ||
	    wrong_count(r, line, err) < 0)
		return -1;
	for (;;) {
		off = end;
		ret = record_line_ahead(r, off, &line, &end, err);
		if (ret <= 0)
			break;
		if (!is_blank(line))
			return error_set(err, ERR_INVALID,
					 "'" SV_FMT "': lines follow behind "
					 "the trailer",
					 SV_ARG(r->file));
	}
	if (ret < 0)
		return -1;
	if (r->writing)
		r->tail = arena_dup(&r->arena,
				    sv_make(r->in.buffer + r->in.at, off));
	record_pass(r, off);
	file->ended = true;
	return 0;
}

static int end_of_file(struct record_reader *r, size_t off, struct error *err)
{
	const struct fixed *fixed = r->source->data;
	struct fixed_file *file = r->state;

	if (fixed->trailer.len)
		return error_set(err, ERR_LIMIT,
				 "'" SV_FMT "' has no trailer, a last line "
				 "that begins with '" SV_FMT "': it is not "
				 "complete",
				 SV_ARG(r->file), SV_ARG(fixed->trailer));
	if (r->writing)
		r->tail = arena_dup(&r->arena,
				    sv_make(r->in.buffer + r->in.at, off));
	record_pass(r, off);
	file->ended = true;
	return 0;
}

static int read_header(struct record_reader *r, struct error *err)
{
	const struct fixed *fixed = r->source->data;
	struct sv line;
	size_t off = 0;
	size_t end;
	size_t i;
	int ret;

	for (i = 0; i < fixed->header; i++) {
		ret = record_line_ahead(r, off, &line, &end, err);
		if (ret < 0)
			return -1;
		if (!ret)
			return error_set(err, ERR_INVALID,
					 "'" SV_FMT "' ends within its header",
					 SV_ARG(r->file));
		off = end;
	}
	if (r->writing)
		r->head = arena_dup(&r->arena,
				    sv_make(r->in.buffer + r->in.at, off));
	record_pass(r, off);
	return 0;
}

/* The next record of a file without lines. */
static int next_block(struct record_reader *r, struct record *record,
		      struct error *err)
{
	const struct fixed *fixed = r->source->data;
	size_t width = fixed->layouts[0].width;
	struct text_input *in = &r->in;
	struct sv ahead;
	size_t len;

	while (!in->end && in->len - in->at < width * 4)
		if (text_input_fill(in, err) < 0)
			return -1;
	ahead = sv_make(in->buffer + in->at, in->len - in->at);
	if (ahead.len > width * 4)
		ahead.len = width * 4;
	if (is_blank(ahead))
		return end_of_file(r, ahead.len, err);
	len = fixed_offset(fixed, ahead, width);
	record->line = r->line++;
	record->raw = sv_sub(ahead, 0, len);
	in->at += len;
	return 1;
}

static void tell_type(const struct fixed *fixed, struct record *record)
{
	const struct fixed_layout *layout = fixed_layout_of(fixed, record->raw);

	if (layout)
		record->type = layout->type;
	else
		record->type = record_strip(
			sv_sub(record->raw, 0,
			       text_offset(record->raw,
					   fixed->layouts[0].begins.len)));
}

static int next_line(struct record_reader *r, struct arena *arena,
		     struct record *record, struct error *err)
{
	const struct fixed *fixed = r->source->data;
	struct sv line = SV_NULL;
	size_t off = 0;
	size_t end;
	int ret;

	while ((ret = record_line_ahead(r, off, &line, &end, err)) > 0) {
		if (!is_blank(line))
			break;
		off = end;
	}
	if (ret < 0)
		return -1;
	if (!ret)
		return end_of_file(r, off, err);
	if (fixed->trailer.len && sv_starts(line, fixed->trailer))
		return end_at_trailer(r, off, err);
	if (r->writing)
		record->lead =
			arena_dup(arena, sv_make(r->in.buffer + r->in.at, off));
	if (off)
		record_pass(r, off);
	record->line = r->line++;
	record->raw = sv_make(r->in.buffer + r->in.at, end - off);
	r->in.at += end - off;
	return 1;
}

static int fixed_next(struct record_reader *r, struct arena *arena,
		      struct record *record, struct error *err)
{
	const struct fixed *fixed = r->source->data;
	struct fixed_file *file = r->state;
	int ret;

	if (file->ended)
		return 0;
	if (!file->records && fixed->header && !r->head.ptr &&
	    read_header(r, err) < 0)
		return -1;
	ret = fixed->lines ? next_line(r, arena, record, err)
			   : next_block(r, record, err);
	if (ret > 0) {
		file->records++;
		if (fixed->several)
			tell_type(fixed, record);
		record->type = arena_dup(arena, record->type);
	}
	return ret;
}

/* --- fields ------------------------------------------------------------ */

static struct sv unpad(const struct fixed_column *column, struct sv text)
{
	char pad = column->pad;

	if (!column->right) {
		while (text.len && text.ptr[text.len - 1] == pad)
			text.len--;
		return text;
	}
	while (text.len && text.ptr[0] == pad && (text.len > 1 || pad == ' '))
		text = sv_sub(text, 1, text.len);
	return pad == ' ' || sv_trim(text).len ? text : SV_NULL;
}

static void check_width(const struct fixed *fixed,
			const struct fixed_layout *layout, struct sv line,
			struct arena *arena, struct record *record)
{
	size_t end = fixed_offset(fixed, line, layout->width);
	size_t width;

	if (end == line.len && fixed->shorter)
		return;
	width = fixed_length(fixed, line);
	if (width < layout->width && !fixed->shorter)
		record->error_at = line.len;
	else if (width > layout->width &&
		 sv_trim(sv_sub(line, end, line.len)).len)
		record->error_at = end;
	else
		return;
	record->error = arena_printf(
		arena, "%zu %s where the columns take %zu", width,
		fixed->bytes ? "bytes" : "characters", layout->width);
}

/* An offset of a line, known by its characters before it. */
struct mark {
	size_t at;
	size_t chars;
};

/* The offset of character `n`; columns come in their order mostly. */
static size_t move_to(const struct fixed *fixed, struct sv line, size_t n,
		      struct mark *mark)
{
	if (n < mark->chars)
		*mark = (struct mark){ 0, 0 };
	mark->at += fixed_offset(fixed, sv_sub(line, mark->at, line.len),
				 n - mark->chars);
	mark->chars = n;
	return mark->at;
}

static void fixed_parse(const struct record_reader *r, bool keys,
			struct arena *arena, struct record *record)
{
	const struct fixed *fixed = r->source->data;
	const struct fixed_file *file = r->state;
	struct sv line = fixed->lines ? record_strip(record->raw) : record->raw;
	const struct fixed_layout *layout = fixed_layout_of(fixed, line);
	bool simple = plain(fixed, line);
	struct mark mark = { 0, 0 };
	const size_t *names;
	size_t i;

	if (!layout)
		return;
	if (!simple || line.len != layout->width)
		check_width(fixed, layout, line, arena, record);
	names = file->names[layout - fixed->layouts];
	for (i = 0; i < layout->count; i++) {
		const struct fixed_column *column = &layout->columns[i];
		size_t from = column->start;
		size_t to = from + column->width;

		if (names[i] == RECORD_NO_NAME ||
		    (keys && names[i] >= r->names->keys))
			continue;
		if (!simple) {
			from = move_to(fixed, line, from, &mark);
			to = move_to(fixed, line, to, &mark);
		}
		if (from > line.len)
			from = line.len;
		if (to > line.len)
			to = line.len;
		record_add(record, arena, names[i],
			   unpad(column, sv_sub(line, from, to)), from);
	}
}

static void fixed_frame(const struct records_source *source,
			struct arena *arena, struct sv *head, struct sv *tail)
{
	const struct fixed *fixed = source->data;
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	for (i = 0; i < fixed->header; i++)
		strbuf_addc(&out, '\n');
	*head = arena_dup(arena, strbuf_sv(&out));
	strbuf_reset(&out);
	strbuf_addsv(&out, fixed->trailer);
	while (out.len < fixed->count_at + fixed->count_width)
		strbuf_addc(&out, ' ');
	if (fixed->trailer.len)
		strbuf_addc(&out, '\n');
	*tail = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
}

static struct sv fixed_before(const struct record_writer *w, struct sv lead,
			      bool first, struct arena *arena)
{
	const struct fixed *fixed = w->source->data;

	return fixed->lines ? record_before_line(w, lead, first, arena) : lead;
}

static const struct record_format fixed_format = {
	.name = "fixed",
	.file_settings = fixed_file_settings,
	.lines = true,
	.load = fixed_load,
	.open = fixed_open,
	.next = fixed_next,
	.parse = fixed_parse,
	.compose = fixed_compose,
	.frame = fixed_frame,
	.before = fixed_before,
	.finish = fixed_finish,
};

const struct connector_ops fixed_connector = {
	RECORDS_CONNECTOR(fixed_format),
	.name = "fixed",
	.help = "Text files whose columns have fixed widths.",
	.settings = fixed_settings,
};
