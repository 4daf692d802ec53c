/*
 * csv_source.c - settings of the csv connector, and headers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_source.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define DELIMITER_MAX 16 /* bytes */
#define BAD_DELIMITER                                                          \
	"'delimiter' must be one or more characters without ends of line, or " \
	"tab"

/* clang-format off */
#define FILE_SETTINGS                                                          \
	{ .name = "path", .type = SETTING_PATH,                                \
	  .help = "The file" },                                                \
	{ .name = "anchor", .type = SETTING_NAMES,                             \
	  .help = "The column, or the columns, that identify an object for "   \
		  "ever" },                                                    \
	{ .name = "delimiter", .type = SETTING_TEXT, .fallback = ",",          \
	  .help = "What stands between fields: one or more characters, or "    \
		  "tab" },                                                     \
	{ .name = "quote", .type = SETTING_TEXT, .fallback = "\"",             \
	  .help = "The character around fields, or none" },                    \
	{ .name = "escape", .type = SETTING_TEXT, .fallback = "none",          \
	  .help = "The character before one that would mean more than itself;" \
		  " none: a quote within quotes stands twice" },               \
	{ .name = "encoding", .type = SETTING_TEXT, .fallback = "utf-8",       \
	  .help = "utf-8, latin1, windows-1252, utf-16 or any that iconv "     \
		  "knows; a byte order mark outweighs it" },                   \
	{ .name = "header", .type = SETTING_SWITCH, .fallback = "yes",         \
	  .help = "The first row names the columns" },                         \
	{ .name = "columns", .type = SETTING_NAMES,                            \
	  .help = "With header: no, the names of the columns" },               \
	{ .name = "skip", .type = SETTING_NUMBER, .fallback = "0",             \
	  .help = "So many lines at the beginning are no rows, nor a header" },\
	{ .name = "comment", .type = SETTING_TEXT,                             \
	  .help = "The character with which lines begin that are no rows" },   \
	{ .name = "trim", .type = SETTING_SWITCH, .fallback = "no",            \
	  .help = "Blanks around a field do not count" },                      \
	{ .name = "null", .type = SETTING_TEXT,                                \
	  .help = "A text that stands for no value, as an empty field does" }, \
	{ .name = "formulas", .type = SETTING_CHOICE, .fallback = "keep",      \
	  .words = "keep|quote",                                               \
	  .help = "Values that a spreadsheet would take for formulas: as they "\
		  "are, or with an apostrophe before them, which is no part "  \
		  "of the value" },                                            \
	{ .name = "create", .type = SETTING_SWITCH, .fallback = "no",          \
	  .help = "A missing file is an empty one: for a target that the "     \
		  "first export makes" },                                      \
	FEED_SETTINGS
/* clang-format on */

static const struct setting_def file_settings[] = {
	FILE_SETTINGS,
	{ .name = NULL },
};

const struct setting_def csv_settings[] = {
	FILE_SETTINGS,
	{ .name = "type",
	  .type = SETTING_TEXT,
	  .help = "The column that names the type of the row's object" },
	{ .name = "types",
	  .type = SETTING_NAMED,
	  .group = file_settings,
	  .help = "A file for each type of object; what is not set for one is "
		  "taken from outside" },
	{ .name = NULL },
};

/* Of one file, else of all, else the default. */
static struct sv text_of(const struct node *own, const struct node *all,
			 const char *name)
{
	if (own != all && node_get(own, name))
		return setting_text(own, file_settings, name);
	return setting_text(all, file_settings, name);
}

static bool switch_of(const struct node *own, const struct node *all,
		      const char *name)
{
	bool on = false;

	(void)setting_parse_switch(text_of(own, all, name), &on);
	return on;
}

static size_t names_of(const struct node *own, const struct node *all,
		       const char *name, struct arena *arena, struct sv **out)
{
	const struct node *node = node_get(own, name);
	size_t count;
	size_t i;

	if (!node)
		node = node_get(all, name);
	if (!node)
		return 0;
	count = node->kind == NODE_SCALAR ? 1 : node->len;
	*out = arena_array(arena, count, sizeof(**out));
	for (i = 0; i < count; i++)
		(*out)[i] = node->kind == NODE_SCALAR ? node->text
						      : node->items[i]->text;
	return count;
}

/* The value of "\\x1f" as it stands at `at`; -1: it is none. */
static int hex_byte(struct sv text, size_t at)
{
	struct strbuf byte = STRBUF_INIT(1);
	int value = -1;

	if (sv_starts(sv_sub(text, at, text.len), SV_LIT("\\x")) &&
	    at + 4 <= text.len &&
	    strbuf_add_unhex(&byte, sv_sub(text, at + 2, at + 4)) && byte.len)
		value = (unsigned char)byte.ptr[0];
	strbuf_release(&byte);
	return value;
}

/* 1: what can stand between fields; 0: it cannot. */
static int parse_delimiter(struct sv text, struct arena *arena,
			   struct csv_dialect *out)
{
	static const struct {
		const char *word;
		const char *text;
	} words[] = { { "tab", "\t" },
		      { "\\t", "\t" },
		      { "comma", "," },
		      { "semicolon", ";" },
		      { "space", " " } };
	char bytes[DELIMITER_MAX + 1] = "";
	size_t len = 0;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sv_ieq_str(text, words[i].word))
			text = sv_from(words[i].text);
	for (i = 0; i < text.len && len < sizeof(bytes); i++) {
		int byte = hex_byte(text, i);

		i += byte < 0 ? 0 : 3;
		bytes[len++] = (char)(byte < 0 ? text.ptr[i] : byte);
	}
	if (!len || len > DELIMITER_MAX || memchr(bytes, '\n', len) ||
	    memchr(bytes, '\r', len) || memchr(bytes, '\0', len) ||
	    !text_is_utf8(sv_make(bytes, len)))
		return 0;
	out->delimiter = bytes[0];
	out->more = arena_dup(arena, sv_make(bytes + 1, len - 1));
	return 1;
}

/* 1: a quote, escape or comment; 0: it is not one. */
static int parse_char(struct sv text, char *out)
{
	static const struct {
		const char *word;
		char c;
	} words[] = { { "none", '\0' }, { "", '\0' } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (sv_ieq_str(text, words[i].word)) {
			*out = words[i].c;
			return 1;
		}
	}
	if (text.len != 1 || text.ptr[0] == '\n' || text.ptr[0] == '\r' ||
	    (unsigned char)text.ptr[0] >= 0x80)
		return 0;
	*out = text.ptr[0];
	return 1;
}

/* Where the settings of one of its files stand. */
static struct feed_place feed_place(const struct connector_config *config,
				    const struct node *own,
				    const struct csv_source *s)
{
	const struct node *types = node_get(config->connect, "types");

	return (struct feed_place){
		.config = config,
		.own = own,
		.defs = file_settings,
		.id = types && s->type < config->type_count
			      ? config->types[s->type].name
			      : "*",
		.flags = s->create ? INTAKE_OPTIONAL : 0,
	};
}

/* 1, or 0 and err. */
static int parse_dialect(const struct node *own, const struct node *all,
			 struct arena *arena, struct csv_dialect *out,
			 struct error *err)
{
	if (!parse_delimiter(text_of(own, all, "delimiter"), arena, out)) {
		(void)error_set(err, ERR_INVALID, "%s", BAD_DELIMITER);
		return 0;
	}
	if (!parse_char(text_of(own, all, "quote"), &out->quote) ||
	    !parse_char(text_of(own, all, "escape"), &out->escape) ||
	    !parse_char(text_of(own, all, "comment"), &out->comment)) {
		(void)error_set(err, ERR_INVALID,
				"'quote', 'escape' and 'comment' must be one "
				"character each");
		return 0;
	}
	if (out->escape == out->quote) /* it stands twice */
		out->escape = '\0';
	return 1;
}

static int load_source(const struct connector_config *config,
		       const struct node *own, struct arena *arena,
		       struct csv_source *s, struct error *err)
{
	const struct node *all = config->connect;
	struct sv encoding = text_of(own, all, "encoding");
	struct feed_place place;

	s->anchor_count = names_of(own, all, "anchor", arena, &s->anchors);
	if (!setting_text(own, file_settings, "path").len ||
	    (!s->anchor_count && !config->explore))
		return error_set(err, ERR_INVALID,
				 "'path' and 'anchor' must be set for each "
				 "file");
	s->dialect.formulas = sv_eq_str(text_of(own, all, "formulas"), "quote");
	(void)sv_to_i64(text_of(own, all, "skip"), &s->skip);
	s->dialect.trim = switch_of(own, all, "trim");
	s->dialect.null = text_of(own, all, "null");
	s->header = switch_of(own, all, "header");
	s->create = switch_of(own, all, "create");
	place = feed_place(config, own, s);
	if (feed_load(&place, arena, &s->feed, err) < 0)
		return -1;
	if (!s->header)
		s->column_count =
			names_of(own, all, "columns", arena, &s->columns);
	if (!parse_dialect(own, all, arena, &s->dialect, err))
		return -1;
	if (!text_encoding(encoding, arena, &s->dialect.encoding))
		return error_set(err, ERR_INVALID,
				 "the encoding '" SV_FMT "' is not known",
				 SV_ARG(encoding));
	return 0;
}

int csv_sources_load(const struct connector_config *config, struct arena *arena,
		     struct csv_source **out, size_t *count_out,
		     struct error *err)
{
	const struct node *types = node_get(config->connect, "types");
	struct csv_source *s;
	size_t i;

	*count_out = types ? config->type_count : 1;
	*out = arena_array(arena, *count_out, sizeof(**out));
	if (!types) {
		s = *out;
		s->type_column =
			setting_text(config->connect, csv_settings, "type");
		s->type = s->type_column.len ? BY_COLUMN : 0;
		return load_source(config, config->connect, arena, s, err);
	}
	for (i = 0; i < config->type_count; i++) {
		const struct node *own = node_get(types, config->types[i].name);

		(*out)[i].type = i;
		if (!own)
			return error_set(err, ERR_INVALID,
					 "no file is set for the type '%s'",
					 config->types[i].name);
		if (load_source(config, own, arena, &(*out)[i], err) < 0)
			return error_context(err, "type '%s'",
					     config->types[i].name);
	}
	return 0;
}

struct check {
	const struct connector_config *config;
	setting_report_fn report;
	void *data;
};

static void problem(const struct check *c, const struct node *at,
		    const char *message)
{
	c->report(c->data, at, message);
}

/* Where `name` stands, for a message about it. */
static const struct node *place_of(const struct node *own,
				   const struct node *all, const char *name)
{
	const struct node *node = node_get(own, name);

	if (!node)
		node = node_get(all, name);
	return node ? node : own;
}

static bool is_in(char c, const struct csv_dialect *dialect)
{
	return c == dialect->delimiter ||
	       sv_find(dialect->more, c, 0) < dialect->more.len;
}

static void check_file(const struct check *c, const struct node *own)
{
	const struct node *all = c->config->connect;
	struct arena scratch = ARENA_INIT;
	const char *encoding;
	struct sv *names;
	struct csv_dialect dialect = { .delimiter = '\0' };
	char quote = '\0';
	char escape = '\0';
	char comment = '\0';
	int64_t skip = 0;

	if (!setting_text(own, file_settings, "path").len)
		problem(c, own, "'path' is missing: the file");
	if (!names_of(own, all, "anchor", &scratch, &names))
		problem(c, own,
			"'anchor' is missing: the column that identifies an "
			"object for ever");
	if (!parse_delimiter(text_of(own, all, "delimiter"), &scratch,
			     &dialect))
		problem(c, place_of(own, all, "delimiter"), BAD_DELIMITER);
	if (!parse_char(text_of(own, all, "quote"), &quote) ||
	    (quote && is_in(quote, &dialect)))
		problem(c, place_of(own, all, "quote"),
			"'quote' must be one character that is not the "
			"delimiter, or none");
	if (!parse_char(text_of(own, all, "escape"), &escape) ||
	    (escape && is_in(escape, &dialect)))
		problem(c, place_of(own, all, "escape"),
			"'escape' must be one character that is not the "
			"delimiter, or none");
	if (!sv_to_i64(text_of(own, all, "skip"), &skip) || skip < 0 ||
	    skip > 10000)
		problem(c, place_of(own, all, "skip"),
			"'skip' must be 0 to 10000 lines");
	if (!parse_char(text_of(own, all, "comment"), &comment) ||
	    (comment && (is_in(comment, &dialect) || comment == quote)))
		problem(c, place_of(own, all, "comment"),
			"'comment' must be one character that is neither the "
			"delimiter nor the quote");
	if (!text_encoding(text_of(own, all, "encoding"), &scratch, &encoding))
		problem(c, place_of(own, all, "encoding"),
			"this encoding is not known; `iconv -l` lists those "
			"that are");
	if (!switch_of(own, all, "header") &&
	    !names_of(own, all, "columns", &scratch, &names))
		problem(c, own,
			"with 'header: no' the names of the columns must be "
			"listed under 'columns'");
	arena_release(&scratch);
}

static void check_feed(const struct check *c, const struct node *own)
{
	const struct csv_source nothing = { .create = false };
	struct feed_place place = feed_place(c->config, own, &nothing);

	feed_check(&place, c->report, c->data);
}

static void check_types(const struct check *c, const struct node *types)
{
	static const char *const alone[] = { "path", "delta", "type" };
	const struct node *all = c->config->connect;
	char message[256];
	size_t i;

	for (i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (!node_get(all, alone[i]))
			continue;
		(void)snprintf(message, sizeof(message),
			       "'%s' stands inside each type when there is "
			       "'types'",
			       alone[i]);
		problem(c, node_get(all, alone[i]), message);
	}
	for (i = 0; types->kind == NODE_MAP && i < types->len; i++) {
		check_file(c, types->items[i]);
		check_feed(c, types->items[i]);
	}
	for (i = 0; i < c->config->type_count; i++) {
		if (node_get(types, c->config->types[i].name))
			continue;
		(void)snprintf(message, sizeof(message),
			       "no file is set for the type '%s' of a rule set",
			       c->config->types[i].name);
		problem(c, types, message);
	}
}

void csv_check(const struct connector_ops *ops,
	       const struct connector_config *config, setting_report_fn report,
	       void *data)
{
	const struct node *types = node_get(config->connect, "types");
	struct check c = { config, report, data };

	(void)ops;
	if (types) {
		check_types(&c, types);
		return;
	}
	check_file(&c, config->connect);
	check_feed(&c, config->connect);
	if (config->type_count > 1 && !node_get(config->connect, "type"))
		problem(&c, config->connect,
			"the rule sets have several types: write 'types' with "
			"a file for each, or 'type' with the column that "
			"names it");
}

static size_t find_column(const struct csv_layout *l, struct sv name)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (sv_eq(l->names[i], name))
			return i;
	for (i = 0; i < l->count; i++)
		if (sv_ieq(l->names[i], name))
			return i;
	return CSV_NO_COLUMN;
}

#define NAMES_MAX 256

static int no_column(const struct csv_layout *l, struct sv name, struct sv file,
		     struct error *err)
{
	const char *names[NAMES_MAX];
	struct strbuf list = STRBUF_INIT(200);
	struct arena scratch = ARENA_INIT;
	const char *near;
	size_t count = l->count < NAMES_MAX ? l->count : NAMES_MAX;
	size_t i;

	for (i = 0; i < count; i++) {
		names[i] = arena_cstr(&scratch, l->names[i]);
		strbuf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	}
	near = sv_nearest(name, names, count);
	(void)error_set(
		err, ERR_INVALID,
		"'" SV_FMT "' has no column '" SV_FMT "'; it has: %s%s%s%s%s",
		SV_ARG(file), SV_ARG(name), strbuf_cstr(&list),
		list.overflow ? " ..." : "", near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	arena_release(&scratch);
	strbuf_release(&list);
	return -1;
}

static int need_column(const struct csv_layout *l, struct sv name,
		       struct sv file, size_t *out, struct error *err)
{
	size_t i;

	*out = find_column(l, name);
	if (*out == CSV_NO_COLUMN)
		return no_column(l, name, file, err);
	for (i = *out + 1; i < l->count; i++)
		if (sv_eq(l->names[i], l->names[*out]))
			return error_set(err, ERR_INVALID,
					 "'" SV_FMT "' has the column '" SV_FMT
					 "' twice",
					 SV_ARG(file), SV_ARG(name));
	return 0;
}

/* A multi-valued attribute may have several columns of its name. */
static int want_type(struct csv_layout *l, const struct object_type *type,
		     size_t index, unsigned flags, struct sv file,
		     struct arena *arena, struct error *err)
{
	struct csv_wanted *wanted = arena_array(
		arena, l->count + type->attr_count, sizeof(*wanted));
	size_t count = 0;
	size_t column;
	size_t i;

	for (i = 0; i < type->attr_count; i++) {
		const struct attr_def *def = &type->attrs[i];
		struct sv name = sv_from(def->name);
		size_t first = find_column(l, name);

		if (first == CSV_NO_COLUMN && (flags & CSV_LAYOUT_EXPORT))
			continue;
		if (first == CSV_NO_COLUMN)
			return no_column(l, name, file, err);
		if (!def->multi && need_column(l, name, file, &column, err) < 0)
			return -1;
		for (column = first; column < l->count; column++)
			if (sv_eq(l->names[column], l->names[first]))
				wanted[count++] =
					(struct csv_wanted){ column, i };
	}
	l->wanted[index] = wanted;
	l->wanted_count[index] = count;
	return 0;
}

static int lay_out(const struct csv_source *s,
		   const struct connector_config *config, unsigned flags,
		   struct sv file, struct arena *arena, struct csv_layout *l,
		   struct error *err)
{
	size_t i;

	l->type = CSV_NO_COLUMN;
	l->change = CSV_NO_COLUMN;
	l->anchors = arena_array(arena, s->anchor_count, sizeof(*l->anchors));
	for (i = 0; i < s->anchor_count; i++)
		if (need_column(l, s->anchors[i], file, &l->anchors[i], err) <
		    0)
			return -1;
	if (s->type == BY_COLUMN &&
	    need_column(l, s->type_column, file, &l->type, err) < 0)
		return -1;
	if ((flags & CSV_LAYOUT_DELTA) &&
	    need_column(l, s->feed.change, file, &l->change, err) < 0)
		return -1;
	l->wanted = arena_array(arena, config->type_count, sizeof(*l->wanted));
	l->wanted_count = arena_array(arena, config->type_count,
				      sizeof(*l->wanted_count));
	for (i = 0; i < config->type_count; i++)
		if ((s->type == BY_COLUMN || s->type == i) &&
		    want_type(l, &config->types[i], i, flags, file, arena,
			      err) < 0)
			return -1;
	return 0;
}

static struct sv join(struct sv a, struct sv b, struct arena *arena)
{
	struct strbuf both = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv out;

	strbuf_addsv(&both, a);
	strbuf_addsv(&both, b);
	out = arena_dup(arena, strbuf_sv(&both));
	strbuf_release(&both);
	return out;
}

static int read_header(const struct csv_source *s, struct sv file,
		       unsigned flags, struct arena *arena,
		       struct csv_reader *r, struct csv_layout *l,
		       struct error *err)
{
	struct csv_row row;
	size_t i;
	int ret;

	if (!s->header) {
		l->names = s->columns;
		l->count = s->column_count;
		return 1;
	}
	ret = csv_reader_next(r, arena, &row, err);
	if (ret > 0 && flags & CSV_LAYOUT_EXPORT) {
		l->before = join(l->before, row.lead, arena);
		l->header = arena_dup(arena, row.raw);
	}
	if (ret == 0 && (flags & (CSV_LAYOUT_DELTA | CSV_LAYOUT_EXPORT)))
		return 0;
	if (ret == 0)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is empty: it has no header",
				 SV_ARG(file));
	if (ret < 0)
		return -1;
	if (row.error)
		return error_set(err, ERR_INVALID,
				 SV_FMT ":%zu:%zu: the header cannot be read: "
					"%s",
				 SV_ARG(file), row.error_line, row.error_column,
				 row.error);
	if (memchr(row.text.ptr, '\0', row.text.len))
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' has NUL bytes: if it is UTF-16, "
				 "write encoding: utf-16",
				 SV_ARG(file));
	l->count = row.count;
	l->names = row.fields;
	for (i = 0; i < l->count; i++)
		l->names[i] = sv_trim(l->names[i]);
	return 1;
}

/* What stands before the header is kept by an export. */
static int skip_lines(const struct csv_source *s, struct csv_reader *r,
		      unsigned flags, struct arena *arena, struct csv_layout *l,
		      struct error *err)
{
	int64_t i;

	for (i = 0; i < s->skip; i++) {
		size_t end;
		int ret = text_input_find(&r->in, '\n', 0, &end, err);

		if (ret < 0)
			return -1;
		end += ret > 0;
		if (flags & CSV_LAYOUT_EXPORT)
			l->before = join(l->before,
					 sv_make(r->in.buffer + r->in.at, end),
					 arena);
		r->in.at += end;
		r->line += ret > 0;
	}
	return 0;
}

int csv_source_open(const struct csv_source *s, const struct intake_file *from,
		    const struct connector_config *config, unsigned flags,
		    struct arena *arena, struct csv_reader *r,
		    struct csv_layout *l, struct error *err)
{
	const char *path = from ? from->path : s->feed.path;
	struct sv file = from ? from->name : s->feed.name;
	int ret;

	memset(l, 0, sizeof(*l));
	memset(r, 0, sizeof(*r));
	if (!from && !file_exists(path))
		return 0;
	if (csv_reader_open(r, path, &s->dialect, err) < 0)
		return -1;
	if (from) {
		r->in.path = arena_cstr(arena, file);
		r->in.limit = from->end;
	} else if (feed_trailer(&s->feed, path, &r->in.limit, err) < 0) {
		csv_reader_close(r);
		return -1;
	}
	if (skip_lines(s, r, flags, arena, l, err) < 0) {
		csv_reader_close(r);
		return -1;
	}
	ret = read_header(s, file, flags, arena, r, l, err);
	if (ret > 0) {
		r->columns = l->count;
		ret = lay_out(s, config, flags, file, arena, l, err) < 0 ? -1
									 : 1;
	}
	if (ret <= 0)
		csv_reader_close(r);
	return ret;
}

struct sv csv_field(const struct csv_source *s, const struct csv_row *row,
		    size_t column)
{
	struct sv field;

	if (column >= row->count)
		return SV_NULL;
	field = row->fields[column];
	if (s->dialect.formulas)
		field = csv_unmarked(&s->dialect, field);
	if (s->dialect.null.len && sv_eq(field, s->dialect.null))
		return SV_NULL;
	return field;
}

int csv_row_anchor(const struct csv_source *s, const struct csv_layout *l,
		   const struct csv_row *row, struct arena *arena,
		   struct sv *out, size_t *missing_out)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < s->anchor_count; i++) {
		struct sv part = csv_field(s, row, l->anchors[i]);

		if (!part.len || !text_is_utf8(part)) {
			strbuf_release(&joined);
			*missing_out = l->anchors[i];
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
