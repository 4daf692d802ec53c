/*
 * fixed_compose.c - a line with other values in its columns
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/fixed.h"

#include "base/text.h"

#include <string.h>

static int refuse(struct record_edit *edit, struct sv name, const char *what)
{
	return record_refuse(edit, "invalid-attribute-value",
			     arena_printf(edit->arena, "'" SV_FMT "': %s",
					  SV_ARG(name), what));
}

static int check_value(struct record_edit *edit, const struct fixed *fixed,
		       const struct fixed_column *column, struct sv text)
{
	size_t len = fixed_length(fixed, text);
	bool blanks = text.len && sv_trim(text).len == 0;

	if (len > column->width)
		return refuse(
			edit, column->name,
			arena_printf(edit->arena, "%zu %s, the column has %zu",
				     len, fixed->bytes ? "bytes" : "characters",
				     column->width));
	if (text.len && (memchr(text.ptr, '\n', text.len) ||
			 memchr(text.ptr, '\r', text.len)))
		return refuse(edit, column->name,
			      "a column cannot hold an end of line");
	if (blanks ||
	    (text.len && !column->right &&
	     text.ptr[text.len - 1] == column->pad) ||
	    (text.len && column->right && text.ptr[0] == column->pad &&
	     (text.len > 1 || column->pad == ' ')))
		return refuse(edit, column->name,
			      "characters at its end would be lost, since the "
			      "column is filled with the same");
	return 0;
}

static void fill(struct strbuf *out, char pad, size_t count)
{
	while (count--)
		strbuf_addc(out, pad);
}

/* Replaces a column of the line. */
static int put(struct record_edit *edit, const struct fixed *fixed,
	       const struct fixed_column *column, struct sv text,
	       struct strbuf *line)
{
	struct sv now = strbuf_sv(line);
	size_t from = fixed_offset(fixed, now, column->start);
	size_t to = fixed_offset(fixed, now, column->start + column->width);
	size_t rest = column->width - fixed_length(fixed, text);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	/* An empty value is blanks, whatever fills the others. */
	char pad = text.len ? column->pad : ' ';

	strbuf_addsv(&out, sv_sub(now, 0, from));
	if (column->right)
		fill(&out, pad, rest);
	strbuf_addsv(&out, text);
	if (!column->right)
		fill(&out, pad, rest);
	strbuf_addsv(&out, sv_sub(now, to, now.len));
	now = arena_dup(edit->arena, strbuf_sv(&out));
	strbuf_release(&out);
	strbuf_reset(line);
	strbuf_addsv(line, now);
	return 0;
}

/* An attribute has the columns of its name, one for each value. */
static int put_set(struct record_edit *edit, const struct fixed *fixed,
		   const struct fixed_layout *layout,
		   const struct record_set *set, struct strbuf *line)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < layout->count; i++) {
		const struct fixed_column *column = &layout->columns[i];
		struct sv text = used < set->count ? set->values[used]
						   : SV_NULL;

		if (!sv_ieq(column->name, set->name))
			continue;
		used++;
		if (check_value(edit, fixed, column, text) < 0 ||
		    put(edit, fixed, column, text, line) < 0)
			return -1;
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

static const struct fixed_layout *layout_for(const struct record_edit *edit,
					     const struct fixed *fixed)
{
	size_t i;

	if (edit->old.len || !fixed->several)
		return fixed_layout_of(fixed, edit->old);
	for (i = 0; i < fixed->count; i++)
		if (sv_ieq(fixed->layouts[i].type, edit->type))
			return &fixed->layouts[i];
	return NULL;
}

int fixed_compose(struct record_edit *edit)
{
	const struct fixed *fixed = edit->reader->source->data;
	const struct fixed_layout *layout = layout_for(edit, fixed);
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t width;
	int ret = 0;
	size_t i;

	if (!layout)
		return record_refuse(edit, "no-export-to-this-object-type",
				     "no layout is set for this type");
	strbuf_addsv(&line, fixed->lines ? record_strip(edit->old) : edit->old);
	if (!edit->old.len)
		strbuf_addsv(&line, layout->begins);
	width = fixed_length(fixed, strbuf_sv(&line));
	if (width < layout->width)
		fill(&line, ' ', layout->width - width);
	for (i = 0; i < edit->count && ret == 0; i++)
		ret = put_set(edit, fixed, layout, &edit->sets[i], &line);
	if (ret == 0 && fixed->several &&
	    !sv_starts(strbuf_sv(&line), layout->begins))
		ret = record_refuse(edit, "invalid-attribute-value",
				    "the line would not begin as lines of its "
				    "type do");
	if (ret == 0 && fixed->trailer.len &&
	    sv_starts(strbuf_sv(&line), fixed->trailer))
		ret = record_refuse(edit, "invalid-attribute-value",
				    "the line would begin as the trailer does");
	if (fixed->lines)
		strbuf_adds(&line, edit->end_of_line);
	edit->out = arena_dup(edit->arena, strbuf_sv(&line));
	strbuf_release(&line);
	return ret;
}

int fixed_finish(struct record_writer *w, struct sv *tail, struct arena *arena,
		 struct error *err)
{
	const struct fixed *fixed = w->source->data;
	size_t begin = 0;
	struct sv line;
	size_t from;
	size_t to;
	char *number;

	if (!fixed->trailer.len || !fixed->count_width)
		return 0;
	while (!sv_starts(sv_sub(*tail, begin, tail->len), fixed->trailer))
		begin = sv_find(*tail, '\n', begin) + 1;
	line = sv_sub(*tail, begin, tail->len);
	from = fixed_offset(fixed, line, fixed->count_at);
	to = fixed_offset(fixed, line, fixed->count_at + fixed->count_width);
	number =
		arena_printf(arena, "%0*zu", (int)fixed->count_width, w->count);
	if (strlen(number) > fixed->count_width)
		return error_set(err, ERR_LIMIT,
				 "the trailer has no room for the number of "
				 "records, %zu",
				 w->count);
	*tail = sv_from(arena_printf(arena, SV_FMT "%s" SV_FMT,
				     SV_ARG(sv_sub(*tail, 0, begin + from)),
				     number,
				     SV_ARG(sv_sub(line, to, line.len))));
	return 0;
}
