/*
 * xml.c - XML documents with elements that are records
 *
 * Names of values are paths below the record's element: name/given, @id for an
 * attribute, "." for the name of the element itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xml.h"

#include "base/text.h"
#include "connectors/records/records.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where fields are collected. */
struct fields {
	struct record_names *names;
	struct record *record;
	struct arena *arena;
};

struct xml_file {
	struct xml_stream stream;
	struct fields fields; /* of the record that is read */
	bool any;
};

/* --- fields ------------------------------------------------------------ */

static void add(struct fields *f, struct sv name, struct sv text, size_t at)
{
	size_t number = record_names_find(f->names, name);

	if (number != RECORD_NO_NAME)
		record_add(f->record, f->arena, number,
			   arena_dup(f->arena, text), at);
}

static void on_attr(void *data, struct sv path, struct sv name, struct sv value,
		    size_t at)
{
	struct fields *f = data;

	add(f,
	    sv_from(arena_printf(f->arena, SV_FMT "%s@" SV_FMT, SV_ARG(path),
				 path.len ? "/" : "", SV_ARG(name))),
	    value, at);
}

static void on_element(void *data, const struct xml_element *e)
{
	bool blank = !sv_trim(e->text).len;

	if (e->path.len && (!e->children || !blank))
		add(data, e->path, blank ? SV_NULL : e->text, e->inner);
}

/* The name in the tag that a record begins with. */
static struct sv tag_name(struct sv raw)
{
	size_t end = 1;

	while (end < raw.len && !strchr(" \t\r\n/>", raw.ptr[end]))
		end++;
	return sv_sub(raw, raw.len ? 1 : 0, end < raw.len ? end : raw.len);
}

static void add_name(struct fields *f, struct sv raw)
{
	add(f, SV_LIT("."), xml_local(tag_name(raw)), 1);
}

static void xml_parse(const struct record_reader *r, bool keys,
		      struct arena *arena, struct record *record)
{
	struct fields fields = { r->names, record, arena };
	struct xml_visit visit = { &fields, on_attr, on_element };

	(void)keys;
	add_name(&fields, record->raw);
	record->error = xml_scan_text(record->raw, &visit, &record->error_at);
}

/* --- the document ------------------------------------------------------ */

#define PROLOG 256

const char *xml_declared(const char *path, struct arena *arena)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *name = NULL;
	char head[PROLOG];
	struct sv text;
	const char *hit;
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, head, sizeof(head));
	(void)close(fd);
	text = sv_make(head, n > 0 ? (size_t)n : 0);
	if (!sv_starts(text, SV_LIT("<?xml")))
		return NULL;
	text = sv_sub(text, 0, sv_find(text, '>', 0));
	hit = memmem(text.ptr, text.len, "encoding", 8);
	if (!hit)
		return NULL;
	text = sv_sub(text, (size_t)(hit - text.ptr) + 8, text.len);
	text = sv_trim(text);
	if (text.len < 3 || text.ptr[0] != '=')
		return NULL;
	text = sv_trim(sv_sub(text, 1, text.len));
	if (text.len < 2 || (text.ptr[0] != '"' && text.ptr[0] != '\''))
		return NULL;
	if (!text_encoding(sv_sub(text, 1, sv_find(text, text.ptr[0], 1)),
			   arena, &name))
		return NULL;
	return name;
}

static int xml_open(struct record_reader *r, struct error *err)
{
	struct xml_file *file = arena_zalloc(&r->arena, sizeof(*file));
	struct xml_visit visit = { &file->fields, on_attr, on_element };

	(void)err;
	r->state = file;
	file->fields.names = r->names;
	xml_stream_init(&file->stream, &r->in,
			records_text(r->source, "records"), &visit, r->writing);
	return 0;
}

static void xml_close(struct record_reader *r)
{
	struct xml_file *file = r->state;

	if (file)
		xml_stream_release(&file->stream);
}

/* The blanks that a text ends with are not part of it. */
static size_t without_blanks(struct sv text)
{
	while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.len--;
	return text.len;
}

/* What is before a first record and behind the last. A document without any has
 * them where one would stand. */
static int tell_frame(struct record_reader *r, struct error *err)
{
	struct xml_file *file = r->state;
	struct xml_stream *x = &file->stream;
	uint64_t from = x->last;
	struct sv rest = xml_stream_bytes(x, from, x->fed);
	size_t cut;

	if (file->any) {
		r->tail = arena_dup(&r->arena, rest);
		return 0;
	}
	if (x->scan.insert == UINT64_MAX)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' has no element that records "
				 "could stand in; 'records' is their path",
				 SV_ARG(r->file));
	cut = (size_t)(x->scan.insert - from);
	r->tail = arena_dup(&r->arena, sv_sub(rest, cut, rest.len));
	r->head = arena_dup(&r->arena, sv_sub(rest, 0, cut));
	if (!x->scan.insert_empty)
		return 0;
	while (cut && rest.ptr[cut - 1] != '/')
		cut--;
	r->head = sv_from(arena_printf(&r->arena, SV_FMT ">",
				       SV_ARG(sv_sub(rest, 0, cut - 1))));
	r->tail = sv_from(arena_printf(&r->arena, "\n</" SV_FMT ">" SV_FMT,
				       SV_ARG(x->scan.insert_name),
				       SV_ARG(r->tail)));
	return 0;
}

static int xml_next(struct record_reader *r, struct arena *arena,
		    struct record *record, struct error *err)
{
	struct xml_file *file = r->state;
	struct xml_stream *x = &file->stream;
	uint64_t from;
	int ret;

	file->fields.record = record;
	file->fields.arena = arena;
	ret = xml_stream_next(x, r->file, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return r->writing ? tell_frame(r, err) : 0;
	record->line = x->scan.line;
	record->column = x->scan.column;
	record->raw = xml_stream_bytes(x, x->scan.begin, x->scan.end);
	record->parsed = true;
	add_name(&file->fields, record->raw);
	from = x->last;
	if (r->writing && !file->any) {
		struct sv before = xml_stream_bytes(x, 0, x->scan.begin);

		from = without_blanks(before);
		r->head = arena_dup(&r->arena, sv_sub(before, 0, (size_t)from));
	}
	if (r->writing)
		record->lead = arena_dup(
			arena, xml_stream_bytes(x, from, x->scan.begin));
	file->any = true;
	return 1;
}

/* --- new files --------------------------------------------------------- */

/* The first of the names of a step. */
static struct sv step_name(struct sv step, const char *otherwise)
{
	step = sv_sub(step, 0, sv_find(step, '|', 0));
	return sv_eq_str(step, "*") ? sv_from(otherwise) : step;
}

struct sv xml_record_name(const struct records_source *source)
{
	struct sv path = records_text(source, "records");
	size_t at = path.len;

	while (at && path.ptr[at - 1] != '/')
		at--;
	return step_name(sv_sub(path, at, path.len), "record");
}

static void xml_frame(const struct records_source *source, struct arena *arena,
		      struct sv *head, struct sv *tail)
{
	struct sv path = records_text(source, "records");
	const char *encoding = source->encoding ? source->encoding : "UTF-8";
	size_t at = 0;
	size_t end;

	*head = sv_from(arena_printf(
		arena, "<?xml version=\"1.0\" encoding=\"%s\"?>\n", encoding));
	*tail = SV_LIT("");
	while ((end = sv_find(path, '/', at)) < path.len) {
		struct sv name = step_name(sv_sub(path, at, end), "records");

		*head = sv_from(arena_printf(arena, SV_FMT "<" SV_FMT ">",
					     SV_ARG(*head), SV_ARG(name)));
		*tail = sv_from(arena_printf(arena, "</" SV_FMT ">" SV_FMT,
					     SV_ARG(name), SV_ARG(*tail)));
		at = end + 1;
	}
	*tail = sv_from(arena_printf(arena, "\n" SV_FMT "\n", SV_ARG(*tail)));
}

static struct sv xml_before(const struct record_writer *w, struct sv lead,
			    bool first, struct arena *arena)
{
	(void)first;
	(void)arena;
	return lead.len                                   ? lead
	       : sv_eq_str(sv_from(w->end_of_line), "\n") ? SV_LIT("\n  ")
							  : SV_LIT("\r\n  ");
}

/* clang-format off */
#define XML_SETTINGS                                                           \
	{ .name = "records", .type = SETTING_TEXT, .fallback = "*/*",          \
	  .help = "The path to the elements that are records, from the "       \
		  "document's own on: people/person; * is any name, "          \
		  "person|robot one of them" }
/* clang-format on */

static const struct setting_def xml_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	XML_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def xml_settings[] = {
	RECORDS_FILE_SETTINGS, RECORDS_ENCODING,
	XML_SETTINGS,          RECORDS_TYPES(xml_file_settings),
	{ .name = NULL },
};

static const struct record_format xml_format = {
	.name = "xml",
	.file_settings = xml_file_settings,
	.base64 = true,
	.keeps_lead = true,
	.declared = xml_declared,
	.open = xml_open,
	.close = xml_close,
	.next = xml_next,
	.parse = xml_parse,
	.compose = xml_compose,
	.frame = xml_frame,
	.before = xml_before,
};

const struct connector_ops xml_connector = {
	RECORDS_CONNECTOR(xml_format),
	.name = "xml",
	.help = "XML documents with an element for each object.",
	.settings = xml_settings,
};
