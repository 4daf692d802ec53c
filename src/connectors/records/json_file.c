/*
 * json_file.c - a JSON document with a list of objects
 *
 * The document is read piece by piece: what surrounds the list must fit into
 * memory (TEXT_INPUT_MOST), the list need not. A list that does not end is not
 * the end of data but an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/json.h"
#include "connectors/records/records.h"

#include "base/text.h"

#include <string.h>

struct json_file {
	bool started;
	bool ended;
	bool any;      /* a record has been given */
	size_t column; /* of in.buffer[in.at] */
};

static int json_open(struct record_reader *r, struct error *err)
{
	struct json_file *file = arena_zalloc(&r->arena, sizeof(*file));

	(void)err;
	file->column = 1;
	r->state = file;
	return 0;
}

/* --- bytes ahead ------------------------------------------------------- */

#define END (-1)

/* The byte `off` ahead, or END; false: err is set. */
static bool byte_at(struct record_reader *r, size_t off, int *out,
		    struct error *err)
{
	struct text_input *in = &r->in;

	while (in->len - in->at <= off && !in->end) {
		if (off > TEXT_INPUT_MOST) {
			(void)error_set(err, ERR_LIMIT,
					"'" SV_FMT "': what begins in line "
					"%zu is longer than %zu bytes",
					SV_ARG(r->file), r->line,
					TEXT_INPUT_MOST);
			return false;
		}
		if (text_input_fill(in, err) < 0)
			return false;
	}
	*out = in->len - in->at > off ? (unsigned char)in->buffer[in->at + off]
				      : END;
	return true;
}

static void consume(struct record_reader *r, size_t n)
{
	struct json_file *file = r->state;
	struct sv bytes = sv_make(r->in.buffer + r->in.at, n);
	size_t from = 0;
	size_t next;

	while ((next = sv_find(bytes, '\n', from)) < bytes.len) {
		r->line++;
		file->column = 1;
		from = next + 1;
	}
	file->column += text_len(sv_sub(bytes, from, bytes.len));
	r->in.at += n;
}

static int wrong(struct record_reader *r, size_t off, const char *what,
		 struct error *err)
{
	const struct json_file *file = r->state;
	int c;

	if (!byte_at(r, off, &c, err))
		return -1;
	consume(r, c == END ? r->in.len - r->in.at : off);
	if (c == END)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' ends in line %zu before its "
				 "list of records does: it is not complete",
				 SV_ARG(r->file), r->line);
	return error_set(err, ERR_INVALID, SV_FMT ":%zu:%zu: %s",
			 SV_ARG(r->file), r->line, file->column, what);
}

static bool skip_blanks(struct record_reader *r, size_t *off, int *c,
			struct error *err)
{
	for (;; (*off)++) {
		if (!byte_at(r, *off, c, err))
			return false;
		if (*c != ' ' && *c != '\n' && *c != '\r' && *c != '\t')
			return true;
	}
}

/* Behind the string whose quote is at *off; 0, or -1. */
static int skip_string(struct record_reader *r, size_t *off, struct error *err)
{
	int c;

	for ((*off)++;; (*off)++) {
		if (!byte_at(r, *off, &c, err))
			return -1;
		if (c == END)
			return wrong(r, *off, "", err);
		if (c == '\\')
			(*off)++;
		else if (c == '"')
			break;
	}
	(*off)++;
	return 0;
}

/* Behind the object or list at *off: brackets are counted, no more. */
static int skip_nested(struct record_reader *r, size_t *off, struct error *err)
{
	size_t depth = 0;
	int c;

	do {
		if (!byte_at(r, *off, &c, err))
			return -1;
		if (c == END)
			return wrong(r, *off, "", err);
		if (c == '"') {
			if (skip_string(r, off, err) < 0)
				return -1;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		(*off)++;
	} while (depth);
	return 0;
}

static int skip_value(struct record_reader *r, size_t *off, struct error *err)
{
	int c;

	if (!byte_at(r, *off, &c, err))
		return -1;
	if (c == '{' || c == '[')
		return skip_nested(r, off, err);
	if (c == '"')
		return skip_string(r, off, err);
	while (c != END && !strchr(",]} \t\r\n", c)) {
		(*off)++;
		if (!byte_at(r, *off, &c, err))
			return -1;
	}
	return 0;
}

/* --- before and behind the list ---------------------------------------- */

/* Behind the name at *off, its colon and blanks; *hit: it is the one. */
static int take_name(struct record_reader *r, struct sv name, size_t *off,
		     bool *hit, struct error *err)
{
	size_t begin = *off;
	int c;

	if (!byte_at(r, *off, &c, err))
		return -1;
	if (c != '"')
		return wrong(r, *off, "a name should be here", err);
	if (skip_string(r, off, err) < 0)
		return -1;
	*hit = sv_eq(name, sv_make(r->in.buffer + r->in.at + begin + 1,
				   *off - begin - 2));
	if (!skip_blanks(r, off, &c, err))
		return -1;
	if (c != ':')
		return wrong(r, *off, "a colon should be here", err);
	(*off)++;
	return skip_blanks(r, off, &c, err) ? 0 : -1;
}

/* To the value of member `name` of the object at *off. */
static int find_member(struct record_reader *r, struct sv name, size_t *off,
		       struct error *err)
{
	bool hit = false;
	int c;

	for (;;) {
		(*off)++; /* the bracket, or a comma */
		if (!skip_blanks(r, off, &c, err))
			return -1;
		if (c == '}')
			break;
		if (take_name(r, name, off, &hit, err) < 0)
			return -1;
		if (hit)
			return 0;
		if (skip_value(r, off, err) < 0 ||
		    !skip_blanks(r, off, &c, err))
			return -1;
		if (c == '}')
			break;
		if (c != ',')
			return wrong(r, *off,
				     "a comma or the end should be here", err);
	}
	return error_set(err, ERR_INVALID,
			 "'" SV_FMT "' has no member '" SV_FMT
			 "' that leads to the records",
			 SV_ARG(r->file), SV_ARG(name));
}

/* Takes the first step of a path of names joined by dots. */
static struct sv take_step(struct sv *path)
{
	size_t dot = sv_find(*path, '.', 0);
	struct sv step = sv_sub(*path, 0, dot);

	*path = sv_sub(*path, dot < path->len ? dot + 1 : dot, path->len);
	return step;
}

static int start(struct record_reader *r, struct error *err)
{
	struct sv path = records_text(r->source, "records");
	struct json_file *file = r->state;
	size_t off = 0;
	int c;

	if (!skip_blanks(r, &off, &c, err))
		return -1;
	while (path.len) {
		if (c != '{')
			return wrong(r, off,
				     "an object should be here: { ... }", err);
		if (find_member(r, take_step(&path), &off, err) < 0 ||
		    !skip_blanks(r, &off, &c, err))
			return -1;
	}
	if (c != '[')
		return wrong(r, off,
			     "the list of records should be here: [ ... ]; "
			     "'records' says where it lies",
			     err);
	off++;
	if (r->writing)
		r->head = arena_dup(&r->arena,
				    sv_make(r->in.buffer + r->in.at, off));
	consume(r, off);
	file->started = true;
	return 0;
}

/* What is behind the list must close what was opened before it. */
static int finish(struct record_reader *r, size_t lead, struct error *err)
{
	struct sv path = records_text(r->source, "records");
	struct json_file *file = r->state;
	size_t off = lead + 1;
	int c;

	if (!skip_blanks(r, &off, &c, err))
		return -1;
	for (; path.len; (void)take_step(&path)) {
		while (c == ',') {
			off++;
			if (!skip_blanks(r, &off, &c, err) ||
			    skip_value(r, &off, err) < 0 ||
			    !skip_blanks(r, &off, &c, err))
				return -1;
			off += c == ':';
			if (!skip_blanks(r, &off, &c, err) ||
			    skip_value(r, &off, err) < 0 ||
			    !skip_blanks(r, &off, &c, err))
				return -1;
		}
		if (c != '}')
			return wrong(r, off, "'}' should be here", err);
		off++;
		if (!skip_blanks(r, &off, &c, err))
			return -1;
	}
	if (c != END)
		return wrong(r, off, "something stands behind the end", err);
	if (r->writing)
		r->tail = arena_dup(&r->arena,
				    sv_make(r->in.buffer + r->in.at, off));
	consume(r, off);
	file->ended = true;
	return 0;
}

/* --- records ----------------------------------------------------------- */

static int json_next(struct record_reader *r, struct arena *arena,
		     struct record *record, struct error *err)
{
	struct json_file *file = r->state;
	size_t off = 0;
	size_t begin;
	int c;

	if (file->ended)
		return 0;
	if ((!file->started && start(r, err) < 0) ||
	    !skip_blanks(r, &off, &c, err))
		return -1;
	if (c == ']')
		return finish(r, off, err);
	if (file->any) {
		if (c != ',')
			return wrong(r, off,
				     "a comma or the end of the list should "
				     "be here",
				     err);
		off++;
		if (!skip_blanks(r, &off, &c, err))
			return -1;
	}
	begin = off;
	if (skip_value(r, &off, err) < 0)
		return -1;
	if (off == begin)
		return wrong(r, off, "a record should be here: { ... }", err);
	file->any = true;
	if (r->writing)
		record->lead = arena_dup(
			arena, sv_make(r->in.buffer + r->in.at, begin));
	consume(r, begin);
	record->line = r->line;
	record->column = file->column;
	record->raw = sv_make(r->in.buffer + r->in.at, off - begin);
	consume(r, off - begin);
	return 1;
}

static void json_frame(const struct records_source *source, struct arena *arena,
		       struct sv *head, struct sv *tail)
{
	struct sv path = records_text(source, "records");

	*head = SV_LIT("[\n");
	*tail = SV_LIT("\n]");
	while (path.len) {
		size_t dot = path.len;

		while (dot && path.ptr[dot - 1] != '.')
			dot--;
		*head = sv_from(arena_printf(
			arena, "{\"" SV_FMT "\": " SV_FMT,
			SV_ARG(sv_sub(path, dot, path.len)), SV_ARG(*head)));
		*tail = sv_from(arena_printf(arena, SV_FMT "}", SV_ARG(*tail)));
		path.len = dot ? dot - 1 : 0;
	}
	*tail = sv_from(arena_printf(arena, SV_FMT "\n", SV_ARG(*tail)));
}

static struct sv json_before(const struct record_writer *w, struct sv lead,
			     bool first, struct arena *arena)
{
	size_t comma = sv_find(lead, ',', 0);

	(void)w;
	if (first && comma < lead.len)
		return sv_sub(lead, comma + 1, lead.len);
	if (first || comma < lead.len)
		return lead;
	return sv_from(
		arena_printf(arena, ",\n" SV_FMT, SV_ARG(sv_trim(lead))));
}

static const struct setting_def json_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	{ .name = "records",
	  .type = SETTING_TEXT,
	  .help = "Where the list of records lies: names of members joined by "
		  "dots; when the document is the list, nothing" },
	{ .name = NULL },
};

static const struct setting_def json_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	{ .name = "records",
	  .type = SETTING_TEXT,
	  .help = "Where the list of records lies: names of members joined by "
		  "dots; when the document is the list, nothing" },
	RECORDS_TYPES(json_file_settings),
	{ .name = NULL },
};

static const struct record_format json_format = {
	.name = "json",
	.file_settings = json_file_settings,
	.base64 = true,
	.open = json_open,
	.next = json_next,
	.parse = json_parse,
	.compose = json_compose,
	.frame = json_frame,
	.before = json_before,
};

const struct connector_ops json_connector = {
	RECORDS_CONNECTOR(json_format),
	.name = "json",
	.help = "JSON documents with a list of objects.",
	.settings = json_settings,
};
