/*
 * records_file.c - open a file of records, tell what its names mean
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_private.h"

#include "base/text.h"

#include <string.h>

/* --- names ------------------------------------------------------------- */

static void map_type(struct records_layout *l, const struct object_type *type,
		     size_t *attrs)
{
	size_t i;

	for (i = 0; i < l->names.list.len; i++)
		attrs[i] = RECORD_NO_NAME;
	for (i = 0; i < type->attr_count; i++)
		attrs[record_names_find(&l->names,
					sv_from(type->attrs[i].name))] = i;
}

void records_layout_init(struct records_layout *l,
			 const struct records_source *s,
			 const struct connector_config *config, bool delta,
			 struct arena *arena)
{
	struct record_names *names = &l->names;
	size_t i;
	size_t k;

	memset(l, 0, sizeof(*l));
	record_names_init(names);
	l->type = RECORD_NO_NAME;
	l->change = RECORD_NO_NAME;
	l->anchors = arena_array(arena, s->anchor_count, sizeof(*l->anchors));
	for (i = 0; i < s->anchor_count; i++)
		l->anchors[i] = record_names_add(names, s->anchors[i], arena);
	if (s->type == RECORDS_BY_NAME)
		l->type = record_names_add(names, s->type_name, arena);
	if (delta)
		l->change = record_names_add(names, s->feed.change, arena);
	names->keys = names->list.len;
	for (i = 0; i < config->type_count; i++)
		for (k = 0; k < config->types[i].attr_count; k++)
			(void)record_names_add(
				names, sv_from(config->types[i].attrs[k].name),
				arena);
	l->attrs = arena_array(arena, config->type_count, sizeof(*l->attrs));
	for (i = 0; i < config->type_count; i++) {
		l->attrs[i] =
			arena_array(arena, names->list.len, sizeof(**l->attrs));
		map_type(l, &config->types[i], l->attrs[i]);
	}
}

void records_layout_release(struct records_layout *l)
{
	record_names_release(&l->names);
}

/* --- columns of a table ------------------------------------------------ */

static bool has_column(const struct record_reader *r, struct sv name)
{
	size_t i;

	for (i = 0; i < r->column_count; i++)
		if (sv_ieq(r->columns[i], name))
			return true;
	return false;
}

#define NAMES_MAX 256

static int no_column(const struct record_reader *r, struct sv name,
		     struct error *err)
{
	const char *names[NAMES_MAX];
	struct strbuf list = STRBUF_INIT(200);
	struct arena scratch = ARENA_INIT;
	const char *near;
	size_t count = r->column_count < NAMES_MAX ? r->column_count
						   : NAMES_MAX;
	size_t i;

	for (i = 0; i < count; i++) {
		names[i] = arena_cstr(&scratch, r->columns[i]);
		strbuf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	}
	near = sv_nearest(name, names, count);
	(void)error_set(
		err, ERR_INVALID,
		"'" SV_FMT "' has no column '" SV_FMT "'; it has: %s%s%s%s%s",
		SV_ARG(r->file), SV_ARG(name), strbuf_cstr(&list),
		list.overflow ? " ..." : "", near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	arena_release(&scratch);
	strbuf_release(&list);
	return -1;
}

static int need_columns(const struct record_reader *r,
			const struct records_layout *l,
			const struct connector_config *config,
			struct error *err)
{
	const struct records_source *s = r->source;
	size_t i;
	size_t k;

	for (i = 0; i < l->names.keys; i++)
		if (!has_column(r, l->names.list.at[i]))
			return no_column(r, l->names.list.at[i], err);
	for (i = 0; !r->writing && i < config->type_count; i++) {
		const struct object_type *type = &config->types[i];

		if (s->type < config->type_count && s->type != i)
			continue;
		for (k = 0; k < type->attr_count; k++)
			if (!has_column(r, sv_from(type->attrs[k].name)))
				return no_column(
					r, sv_from(type->attrs[k].name), err);
	}
	return 0;
}

/* --- files ------------------------------------------------------------- */

const char *records_encoding(const struct records_source *s, const char *path,
			     struct arena *arena)
{
	const char *declared = NULL;

	if (s->format->declared && !records_node(s, "encoding"))
		declared = s->format->declared(path, arena);
	return declared ? declared : s->encoding;
}

int records_file_open(const struct records_source *s,
		      const struct intake_file *from,
		      struct records_layout *layout,
		      const struct connector_config *config,
		      struct record_reader *r, struct error *err)
{
	const char *path = from ? from->path : s->feed.path;

	memset(r, 0, sizeof(*r));
	r->source = s;
	r->names = &layout->names;
	r->file = from ? from->name : s->feed.name;
	r->path = path;
	r->line = 1;
	r->writing = !from;
	if (!from && !file_exists(path))
		return 0;
	if (text_input_open(&r->in, path, records_encoding(s, path, &r->arena),
			    err) < 0) {
		arena_release(&r->arena);
		return -1;
	}
	if (from) {
		r->in.path = arena_cstr(&r->arena, from->name);
		r->in.limit = from->end;
	} else if (feed_trailer(&s->feed, path, &r->in.limit, err) < 0) {
		text_input_close(&r->in);
		arena_release(&r->arena);
		return -1;
	}
	if ((s->format->open && s->format->open(r, err) < 0) ||
	    (config && r->columns &&
	     need_columns(r, layout, config, err) < 0)) {
		records_file_close(r);
		return -1;
	}
	return 1;
}

void records_file_close(struct record_reader *r)
{
	if (r->source && r->source->format->close)
		r->source->format->close(r);
	text_input_close(&r->in);
	arena_release(&r->arena);
	memset(r, 0, sizeof(*r));
}

int records_file_next(struct record_reader *r, bool keys, struct arena *arena,
		      struct record *record, struct error *err)
{
	int ret;

	memset(record, 0, sizeof(*record));
	ret = r->source->format->next(r, arena, record, err);
	if (ret > 0) /* fields are views of it */
		record->raw = arena_dup(arena, record->raw);
	if (ret > 0 && !record->parsed && !record->error) {
		r->source->format->parse(r, keys, arena, record);
		record->parsed = !keys;
	}
	return ret;
}

void records_file_parse(const struct record_reader *r, struct arena *arena,
			struct record *record)
{
	if (record->parsed || record->error)
		return;
	record->count = 0;
	r->source->format->parse(r, false, arena, record);
	record->parsed = true;
}

int record_line_ahead(struct record_reader *r, size_t from, struct sv *line,
		      size_t *end, struct error *err)
{
	struct text_input *in = &r->in;
	int ret = text_input_find(in, '\n', from, end, err);

	if (ret < 0)
		return -1;
	if (!ret && *end > TEXT_INPUT_MOST)
		return error_set(err, ERR_LIMIT,
				 "'" SV_FMT "': what begins in line %zu is "
				 "longer than %zu bytes",
				 SV_ARG(r->file), r->line, TEXT_INPUT_MOST);
	if (!ret && *end == from)
		return 0;
	*line = sv_make(in->buffer + in->at + from, *end - from);
	*end += ret > 0;
	if (line->len && line->ptr[line->len - 1] == '\r')
		line->len--;
	if (!r->end_of_line && ret > 0)
		r->end_of_line = line->len + 1 < *end - from ? "\r\n" : "\n";
	return 1;
}

void record_pass(struct record_reader *r, size_t n)
{
	struct sv bytes = sv_make(r->in.buffer + r->in.at, n);
	size_t at = 0;

	while ((at = sv_find(bytes, '\n', at)) < n) {
		r->line++;
		at++;
	}
	r->in.at += n;
}

int record_line(struct record_reader *r, struct sv *line, struct sv *whole,
		struct error *err)
{
	size_t end;
	int ret = record_line_ahead(r, 0, line, &end, err);

	if (ret <= 0)
		return ret;
	*whole = sv_make(line->ptr, end);
	r->in.at += end;
	r->line++;
	return 1;
}

struct sv record_strip(struct sv line)
{
	while (line.len && (line.ptr[line.len - 1] == '\n' ||
			    line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

struct sv record_before_line(const struct record_writer *w, struct sv lead,
			     bool first, struct arena *arena)
{
	if (first || w->last == '\n')
		return lead;
	return sv_from(
		arena_printf(arena, "%s" SV_FMT, w->end_of_line, SV_ARG(lead)));
}

/* --- records ----------------------------------------------------------- */

struct sv record_text(const struct records_source *s,
		      const struct record *record, size_t name)
{
	const struct record_field *field = record_find(record, name);

	if (!field || (s->null.len && sv_eq(field->text, s->null)))
		return SV_NULL;
	return field->text;
}

int records_type(const struct records_source *s,
		 const struct records_layout *layout,
		 const struct record *record, size_t *out, struct sv *name_out)
{
	const struct connector_config *config = s->config;
	size_t i;

	*name_out = SV_NULL;
	if (s->type != RECORDS_BY_NAME && s->type != RECORDS_BY_FORMAT) {
		*out = s->type;
		return s->type < config->type_count;
	}
	*name_out = s->type == RECORDS_BY_FORMAT
			    ? record->type
			    : sv_trim(record_text(s, record, layout->type));
	for (i = 0; i < config->type_count; i++) {
		if (sv_ieq_str(*name_out, config->types[i].name)) {
			*out = i;
			return 1;
		}
	}
	return 0;
}

int records_anchor(const struct records_source *s,
		   const struct records_layout *l, const struct record *record,
		   struct arena *arena, struct sv *out, size_t *missing_out)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < s->anchor_count; i++) {
		struct sv part = record_text(s, record, l->anchors[i]);

		if (!part.len || !text_is_utf8(part)) {
			strbuf_release(&joined);
			*missing_out = i;
			return 0;
		}
		if (s->anchor_count == 1) {
			*out = part;
			return 1;
		}
		if (i)
			strbuf_addc(&joined, '|');
		strbuf_addsv(&joined, part);
	}
	*out = arena_dup(arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return 1;
}
