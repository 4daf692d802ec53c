/*
 * records_describe.c - what the records of the files hold, by the first ones
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_private.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#define ONLY_TYPE  "record" /* of an agent that has no types yet */
#define MANY_TYPES 100

/* Takes each record; false: no more. */
typedef bool (*record_fn)(void *data, const struct record_reader *reader,
			  const struct record *record, struct sv type);

static struct sv type_name(const struct connector_session *s,
			   const struct records_source *source,
			   const struct records_layout *layout,
			   const struct record *record)
{
	if (source->type == RECORDS_BY_FORMAT)
		return record->type;
	if (source->type == RECORDS_BY_NAME)
		return sv_trim(record_text(source, record, layout->type));
	if (source->type < s->config->type_count)
		return sv_from(s->config->types[source->type].name);
	return SV_LIT(ONLY_TYPE);
}

static int each_record(const struct connector_session *s,
		       const struct records_source *source, record_fn take,
		       void *data, struct error *err)
{
	const struct connector_config nothing = { .agent = s->config->agent };
	struct arena of_file = ARENA_INIT;
	struct arena arena = ARENA_INIT;
	struct records_layout layout;
	struct record_reader reader;
	struct record record;
	struct intake_file file;
	struct intake *intake;
	size_t count = 0;
	bool more = true;
	int ret;

	records_layout_init(&layout, source, &nothing, false, &of_file);
	layout.names.arena = &of_file;
	ret = intake_peek(source->feed.full, &of_file, &intake, &file, err);
	if (ret > 0)
		ret = records_file_open(source, &file, &layout, NULL, &reader,
					err);
	if (ret > 0) {
		while (more && count++ < SURVEY_OBJECTS &&
		       (ret = records_file_next(&reader, false, &arena, &record,
						err)) > 0) {
			if (!record.error)
				more = take(
					data, &reader, &record,
					type_name(s, source, &layout, &record));
			arena_reset(&arena);
		}
		records_file_close(&reader);
	}
	intake_free(intake);
	records_layout_release(&layout);
	arena_release(&arena);
	arena_release(&of_file);
	return ret < 0 ? -1 : 0;
}

static int each_source(const struct connector_session *s, record_fn take,
		       void *data, struct error *err)
{
	size_t i;

	for (i = 0; i < s->source_count; i++)
		if (each_record(s, &s->sources[i], take, data, err) < 0)
			return -1;
	return 0;
}

static struct sv field_name(const struct record_reader *reader,
			    const struct record *record, size_t i)
{
	return reader->names->list.at[record->fields[i].name];
}

/* --- schema ------------------------------------------------------------ */

static bool look_at_record(void *data, const struct record_reader *reader,
			   const struct record *record, struct sv type)
{
	const struct records_source *source = reader->source;
	struct survey *survey = data;
	size_t i;

	if (!type.len || (source->type >= RECORDS_BY_FORMAT &&
			  survey->types.len == MANY_TYPES))
		return true;
	survey_object(survey, type);
	for (i = 0; i < record->count; i++) {
		struct sv text = record->fields[i].text;

		if (source->null.len && sv_eq(text, source->null))
			text = SV_NULL;
		survey_value(survey, field_name(reader, record, i), text);
	}
	return true;
}

/* What the settings say goes before what the records show. */
static void take_anchors(const struct connector_session *s, struct schema *out)
{
	const struct records_source *source = &s->sources[0];
	size_t i;
	size_t k;

	for (i = 0; source->anchor_count && i < out->attr_count; i++) {
		out->attrs[i].identifies = false;
		for (k = 0; k < source->anchor_count; k++)
			if (sv_ieq_str(source->anchors[k], out->attrs[i].name))
				out->attrs[i].identifies = true;
	}
}

int records_schema(struct connector_session *s, struct arena *arena,
		   struct schema *out, struct error *err)
{
	struct survey survey;
	int ret;

	survey_init(&survey, arena);
	ret = each_source(s, look_at_record, &survey, err);
	if (ret == 0) {
		survey_finish(&survey, NULL, true, out);
		take_anchors(s, out);
		out->source = arena_cstr(arena, s->sources[0].feed.name);
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

static bool take_record(void *data, const struct record_reader *reader,
			const struct record *record, struct sv type)
{
	struct taking *taking = data;
	struct schema_object *object;
	size_t i;

	if (!type.len || (taking->type && !sv_ieq_str(type, taking->type)))
		return true;
	if (taking->out->count == taking->most)
		return false;
	object = &taking->out->objects[taking->out->count++];
	object->type = arena_cstr(taking->arena, type);
	for (i = 0; i < record->count; i++) {
		char *name = arena_cstr(taking->arena,
					field_name(reader, record, i));

		if (record->fields[i].text.len && !attr_is_secret(name))
			survey_sample_value(object, name,
					    record->fields[i].text,
					    taking->arena);
	}
	return true;
}

int records_sample(struct connector_session *s, const char *type, size_t most,
		   struct arena *arena, struct schema_sample *out,
		   struct error *err)
{
	struct taking taking = { type, most, arena, out };

	out->objects = arena_array(arena, most + 1, sizeof(*out->objects));
	return each_source(s, take_record, &taking, err);
}
