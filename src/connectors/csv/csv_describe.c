/*
 * csv_describe.c - what the columns of the files hold, by their first rows
 *
 * For who is setting an agent up also what separates fields and how characters
 * are encoded, when that is not set.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/csv/csv_private.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#include <fcntl.h>
#include <unistd.h>

#define LOOK       ((size_t)64 * 1024)
#define ONLY_TYPE  "record" /* of an agent that has no types yet */
#define MANY_TYPES 100

/* --- delimiter and encoding -------------------------------------------- */

static const struct {
	char c;
	const char *name; /* as the setting has it */
} delimiters[] = {
	{ ',', "," },
	{ ';', ";" },
	{ '\t', "tab" },
	{ '|', "|" },
};

#define DELIMITERS (sizeof(delimiters) / sizeof(*delimiters))

/* The one that the first line has most of; a comma when it has none. */
static size_t guess_delimiter(struct sv text)
{
	size_t counts[DELIMITERS] = { 0 };
	bool quoted = false;
	size_t best = 0;
	size_t i;
	size_t k;

	for (i = 0; i < text.len && (quoted || text.ptr[i] != '\n'); i++) {
		if (text.ptr[i] == '"')
			quoted = !quoted;
		for (k = 0; !quoted && k < DELIMITERS; k++)
			counts[k] += text.ptr[i] == delimiters[k].c;
	}
	for (k = 1; k < DELIMITERS; k++)
		if (counts[k] > counts[best])
			best = k;
	return best;
}

/* Text that is no UTF-8 is mostly of this kind. */
static const char *guess_encoding(struct sv text, bool whole)
{
	size_t valid = text_valid_prefix(text);

	if (sv_starts(text, SV_LIT("\xff\xfe")) ||
	    sv_starts(text, SV_LIT("\xfe\xff")))
		return NULL; /* the reader sees it */
	return text.len - valid > (whole ? 0 : 3) ? "windows-1252" : NULL;
}

void csv_guess_dialect(struct connector_session *s)
{
	const struct node *connect = s->config->connect;
	struct csv_source *source = &s->sources[0];
	struct error ignored = ERROR_INIT;
	struct intake *intake = NULL;
	struct intake_file file;
	char *buffer;
	ssize_t n;
	int fd = -1;

	if (node_get(connect, "types"))
		return;
	if (intake_peek(source->feed.full, &s->arena, &intake, &file,
			&ignored) > 0)
		fd = open(file.path, O_RDONLY | O_CLOEXEC);
	intake_free(intake);
	if (fd < 0)
		return;
	buffer = mem_alloc(LOOK);
	n = read(fd, buffer, LOOK);
	(void)close(fd);
	if (n > 0 && !node_get(connect, "delimiter")) {
		size_t best = guess_delimiter(sv_make(buffer, (size_t)n));

		source->dialect.delimiter = delimiters[best].c;
		source->dialect.more = SV_NULL;
		if (best)
			s->delimiter = delimiters[best].name;
	}
	if (n > 0 && !node_get(connect, "encoding")) {
		s->encoding = guess_encoding(sv_make(buffer, (size_t)n),
					     (size_t)n < LOOK);
		if (s->encoding)
			(void)text_encoding(sv_from(s->encoding), &s->arena,
					    &source->dialect.encoding);
	}
	mem_free(buffer);
}

static void propose(struct schema *out, const char *name, const char *value,
		    const char *why)
{
	if (value)
		out->settings[out->setting_count++] =
			(struct schema_setting){ name, value, why };
}

/* --- rows -------------------------------------------------------------- */

/* Opens a source whose columns are all as good as any other: 1, 0 there is no
 * file, -1. */
static int open_source(const struct connector_session *s,
		       const struct csv_source *of, struct arena *arena,
		       struct csv_reader *reader, struct csv_layout *layout,
		       struct error *err)
{
	const struct connector_config nothing = { .agent = s->config->agent };
	struct csv_source source = *of;
	struct intake_file file;
	struct intake *intake;
	int ret = intake_peek(of->feed.full, arena, &intake, &file, err);

	source.anchor_count = 0;
	if (ret > 0)
		ret = csv_source_open(&source, &file, &nothing, 0, arena,
				      reader, layout, err);
	intake_free(intake);
	return ret;
}

/* `row` may be NULL: empty when only a row tells it. */
static struct sv type_name(const struct connector_session *s,
			   const struct csv_source *source,
			   const struct csv_layout *layout,
			   const struct csv_row *row)
{
	if (source->type == BY_COLUMN)
		return row ? sv_trim(csv_field(source, row, layout->type))
			   : SV_NULL;
	if (source->type < s->config->type_count)
		return sv_from(s->config->types[source->type].name);
	return SV_LIT(ONLY_TYPE);
}

/* Takes the columns (row is NULL), then each row; false: no more. */
typedef bool (*row_fn)(void *data, const struct csv_source *source,
		       const struct csv_layout *layout,
		       const struct csv_row *row, struct sv type);

static int each_row(const struct connector_session *s,
		    const struct csv_source *source, row_fn take, void *data,
		    struct error *err)
{
	struct arena of_file = ARENA_INIT;
	struct arena of_row = ARENA_INIT;
	struct csv_reader reader;
	struct csv_layout layout;
	struct csv_row row;
	size_t count = 0;
	int ret = open_source(s, source, &of_file, &reader, &layout, err);

	if (ret > 0) {
		bool more = take(data, source, &layout, NULL,
				 type_name(s, source, &layout, NULL));

		while (more && count++ < SURVEY_OBJECTS &&
		       (ret = csv_reader_next(&reader, &of_row, &row, err)) >
			       0) {
			csv_row_cut(&reader, &of_row, &row);
			if (!row.error)
				more = take(
					data, source, &layout, &row,
					type_name(s, source, &layout, &row));
			arena_reset(&of_row);
		}
		csv_reader_close(&reader);
	}
	arena_release(&of_row);
	arena_release(&of_file);
	return ret < 0 ? -1 : 0;
}

static int each_source(const struct connector_session *s, row_fn take,
		       void *data, struct error *err)
{
	size_t i;

	for (i = 0; i < s->source_count; i++)
		if (each_row(s, &s->sources[i], take, data, err) < 0)
			return -1;
	return 0;
}

/* --- schema ------------------------------------------------------------ */

static bool look_at_row(void *data, const struct csv_source *source,
			const struct csv_layout *layout,
			const struct csv_row *row, struct sv type)
{
	struct survey *survey = data;
	size_t i;

	if (!type.len ||
	    (source->type == BY_COLUMN && survey->types.len == MANY_TYPES))
		return true;
	if (row)
		survey_object(survey, type);
	else
		survey_type(survey, type);
	for (i = 0; i < layout->count; i++)
		if (layout->names[i].len)
			survey_value(survey, layout->names[i],
				     row ? csv_field(source, row, i) : SV_NULL);
	return true;
}

/* What the settings say goes before what the rows show. */
static void take_anchors(const struct connector_session *s, struct schema *out)
{
	const struct csv_source *source = &s->sources[0];
	size_t i;
	size_t k;

	for (i = 0; source->anchor_count && i < out->attr_count; i++) {
		out->attrs[i].identifies = false;
		for (k = 0; k < source->anchor_count; k++)
			if (sv_ieq_str(source->anchors[k], out->attrs[i].name))
				out->attrs[i].identifies = true;
	}
}

int csv_schema(struct connector_session *s, struct arena *arena,
	       struct schema *out, struct error *err)
{
	struct survey survey;
	int ret;

	survey_init(&survey, arena);
	ret = each_source(s, look_at_row, &survey, err);
	if (ret == 0) {
		survey_finish(&survey, NULL, true, out);
		take_anchors(s, out);
		out->source = arena_cstr(arena, s->sources[0].feed.name);
		out->settings = arena_array(arena, 2, sizeof(*out->settings));
		propose(out, "delimiter", s->delimiter,
			"what the first line has between its names");
		propose(out, "encoding", s->encoding, "the file is not UTF-8");
	}
	survey_release(&survey);
	return ret;
}

/* --- sample ------------------------------------------------------------ */

struct taking {
	const char *type; /* NULL: any */
	size_t most;
	struct arena *arena;
	struct schema_sample *out;
};

static bool take_row(void *data, const struct csv_source *source,
		     const struct csv_layout *layout, const struct csv_row *row,
		     struct sv type)
{
	struct taking *taking = data;
	struct schema_object *object;
	size_t i;

	if (!row || !type.len ||
	    (taking->type && !sv_ieq_str(type, taking->type)))
		return true;
	if (taking->out->count == taking->most)
		return false;
	object = &taking->out->objects[taking->out->count++];
	object->type = arena_cstr(taking->arena, type);
	for (i = 0; i < layout->count; i++) {
		struct sv field = csv_field(source, row, i);
		char *name = arena_cstr(taking->arena, layout->names[i]);

		if (*name && field.len && !attr_is_secret(name))
			survey_sample_value(object, name, field, taking->arena);
	}
	return true;
}

int csv_sample(struct connector_session *s, const char *type, size_t most,
	       struct arena *arena, struct schema_sample *out,
	       struct error *err)
{
	struct taking taking = { type, most, arena, out };

	out->objects = arena_array(arena, most + 1, sizeof(*out->objects));
	return each_source(s, take_row, &taking, err);
}
