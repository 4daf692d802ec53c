/*
 * ldif_describe.c - what entries of the file have, by the first of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Takes one entry; false: it wants no more. */
typedef bool (*entry_fn)(void *data, const struct ldif_record *record,
			 struct sv type);

static struct sv base_name(struct sv name)
{
	return sv_sub(name, 0, sv_find(name, ';', 0));
}

/* The last of its classes that is configured, or the last. */
static struct sv type_of(const struct connector_session *s,
			 const struct ldif_record *record)
{
	const struct connector_config *config = s->config;
	struct sv last = SV_NULL;
	struct sv type = SV_NULL;
	size_t i;
	size_t k;

	for (i = 0; i < record->line_count; i++) {
		if (!sv_ieq_str(record->lines[i].name, "objectClass"))
			continue;
		last = record->lines[i].value;
		for (k = 0; k < config->type_count; k++)
			if (sv_ieq_str(last, config->types[k].name))
				type = last;
	}
	return type.len ? type : last;
}

static int each_entry(const struct connector_session *s, entry_fn take,
		      void *data, struct error *err)
{
	struct arena of_file = ARENA_INIT;
	struct intake *intake;
	struct intake_file file;
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record record;
	size_t count = 0;
	const char *path = s->path;
	int fd = -1;
	int ret = intake_peek(s->source, &of_file, &intake, &file, err);

	if (ret > 0)
		fd = open(file.path, O_RDONLY | O_CLOEXEC);
	intake_free(intake);
	arena_release(&of_file);
	if (ret < 0)
		return -1;
	if (fd < 0)
		return error_errno(err, ret ? errno : ENOENT,
				   "cannot read '%s'", path);
	ldif_reader_init(&reader, s->files.syntax, fd, path, 0, UINT64_MAX);
	ret = 0;
	while (count++ < SURVEY_OBJECTS &&
	       (ret = ldif_reader_next(&reader, &scratch, &record, err)) > 0) {
		struct sv type = type_of(s, &record);

		if (!record.error && type.len && !take(data, &record, type))
			break;
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
	(void)close(fd);
	return ret < 0 ? -1 : 0;
}

static bool look_at_entry(void *data, const struct ldif_record *record,
			  struct sv type)
{
	struct survey *survey = data;
	size_t i;

	survey_object(survey, type);
	for (i = 0; i < record->line_count; i++)
		survey_value(survey, base_name(record->lines[i].name),
			     record->lines[i].value);
	return true;
}

/* Written by servers, which know that they stay as they are. */
static void take_identities(const struct connector_session *s,
			    struct schema *out)
{
	static const char *const names[] = { "entryUUID", "nsUniqueId",
					     "objectGUID" };
	size_t i;
	size_t k;

	for (i = 0; i < out->attr_count; i++) {
		struct schema_attr *attr = &out->attrs[i];
		bool unique = attr->identifies;

		attr->identifies = s->anchor.len &&
				   sv_ieq_str(s->anchor, attr->name);
		for (k = 0; unique && k < sizeof(names) / sizeof(*names); k++)
			attr->identifies |=
				sv_ieq_str(sv_from(attr->name), names[k]);
	}
}

int ldif_schema(struct connector_session *s, struct arena *arena,
		struct schema *out, struct error *err)
{
	struct survey survey;
	int ret;

	survey_init(&survey, arena);
	ret = each_entry(s, look_at_entry, &survey, err);
	if (ret == 0) {
		survey_finish(&survey, ldap_known_attr, true, out);
		take_identities(s, out);
		out->source = arena_cstr(arena, s->files.content_name);
	}
	survey_release(&survey);
	return ret;
}

struct taking {
	const char *type; /* NULL: any */
	size_t most;
	struct arena *arena;
	struct schema_sample *out;
};

static bool take_entry(void *data, const struct ldif_record *record,
		       struct sv type)
{
	struct taking *taking = data;
	struct schema_object *object;
	size_t i;

	if (taking->type && !sv_ieq_str(type, taking->type))
		return true;
	if (taking->out->count == taking->most)
		return false;
	object = &taking->out->objects[taking->out->count++];
	object->type = arena_cstr(taking->arena, type);
	object->dn = arena_dup(taking->arena, record->dn);
	for (i = 0; i < record->line_count; i++) {
		char *name = arena_cstr(taking->arena,
					base_name(record->lines[i].name));

		if (record->lines[i].value.len && !attr_is_secret(name))
			survey_sample_value(object, name,
					    record->lines[i].value,
					    taking->arena);
	}
	return true;
}

int ldif_sample(struct connector_session *s, const char *type, size_t most,
		struct arena *arena, struct schema_sample *out,
		struct error *err)
{
	struct taking taking = { type, most, arena, out };

	out->objects = arena_array(arena, most + 1, sizeof(*out->objects));
	return each_entry(s, take_entry, &taking, err);
}
