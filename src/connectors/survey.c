/*
 * survey.c - look at objects, tell what their attributes are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/survey.h"

#include "base/text.h"
#include "model/setting.h"

#include <string.h>
#include <strings.h>

#define SHORT 100 /* bytes: what identifies is no longer */

void survey_init(struct survey *survey, struct arena *arena)
{
	memset(survey, 0, sizeof(*survey));
	survey->arena = arena;
	survey->attr_names = namemap_new(true);
	survey->type_names = namemap_new(true);
}

void survey_release(struct survey *survey)
{
	struct survey_attr *attr;
	struct survey_type *type;

	vec_foreach(&survey->attrs, attr)
		hashmap_release(&attr->values);
	vec_foreach(&survey->types, type)
		vec_release(&type->attrs);
	vec_release(&survey->attrs);
	vec_release(&survey->types);
	namemap_free(survey->attr_names);
	namemap_free(survey->type_names);
}

void survey_type(struct survey *survey, struct sv name)
{
	struct survey_type type = { .name = NULL };
	uint64_t at;

	if (namemap_get(survey->type_names, name, &at)) {
		survey->type = (size_t)at;
		return;
	}
	survey->type = survey->types.len;
	namemap_put(survey->type_names, name, survey->type);
	type.name = arena_cstr(survey->arena, name);
	vec_push(&survey->types, type);
}

void survey_object(struct survey *survey, struct sv type)
{
	survey->objects++;
	survey_type(survey, type);
}

static size_t attr_index(struct survey *survey, struct sv name)
{
	struct survey_attr attr = { .integers = true,
				    .booleans = true,
				    .times = true,
				    .text = true,
				    .shorts = true };
	uint64_t at;

	if (namemap_get(survey->attr_names, name, &at))
		return (size_t)at;
	namemap_put(survey->attr_names, name, survey->attrs.len);
	attr.name = arena_cstr(survey->arena, name);
	hashmap_init(&attr.values);
	vec_push(&survey->attrs, attr);
	return survey->attrs.len - 1;
}

size_t survey_attr(struct survey *survey, struct sv name)
{
	size_t index = attr_index(survey, name);
	struct survey_type *type = &survey->types.at[survey->type];
	size_t i;

	for (i = 0; i < type->attrs.len; i++)
		if (type->attrs.at[i] == index)
			return index;
	vec_push(&type->attrs, index);
	return index;
}

/* Written as a number is, so that nothing is lost when it is one. */
static bool is_integer(struct sv text)
{
	int64_t number;
	size_t digits = text.len && text.ptr[0] == '-' ? 1 : 0;

	return sv_to_i64(text, &number) && text.ptr[0] != '+' &&
	       (text.ptr[digits] != '0' || text.len == 1);
}

static bool is_boolean(struct sv text)
{
	bool on;

	return setting_parse_switch(text, &on) == 1;
}

static bool is_time(struct sv text)
{
	struct value value;

	return text.len >= 10 &&
	       (text.ptr[4] == '-' || text.ptr[text.len - 1] == 'Z') &&
	       value_parse(VALUE_DATETIME, text, SV_NULL, &value) == 1;
}

void survey_value(struct survey *survey, struct sv name, struct sv value)
{
	size_t index = survey_attr(survey, name);
	struct survey_attr *attr = &survey->attrs.at[index];
	uint64_t *seen;

	if (!value.len)
		return;
	if (attr->last == survey->objects)
		attr->multi = true;
	else
		attr->objects++;
	attr->last = survey->objects;
	attr->integers = attr->integers && is_integer(value);
	attr->booleans = attr->booleans && is_boolean(value);
	attr->times = attr->times && is_time(value);
	attr->text = attr->text && text_is_utf8(value);
	attr->shorts = attr->shorts && value.len <= SHORT;
	seen = hashmap_at(&attr->values, value);
	attr->repeats |= *seen != 0;
	*seen = 1;
}

static enum value_type type_of(const struct survey_attr *attr)
{
	if (!attr->objects)
		return VALUE_STRING;
	if (attr->integers)
		return VALUE_INTEGER;
	if (attr->booleans)
		return VALUE_BOOLEAN;
	if (attr->times)
		return VALUE_DATETIME;
	return attr->text ? VALUE_STRING : VALUE_BINARY;
}

static void finish_attr(const struct survey *survey,
			const struct survey_attr *from,
			const struct attr_def *known, bool unique,
			struct schema_attr *out)
{
	out->name = from->name;
	out->type = known ? known->type : type_of(from);
	out->multi = from->multi || (known && known->multi);
	out->match = known ? known->match : MATCH_IGNORE_CASE;
	out->identifies =
		unique && from->objects == survey->objects && !from->multi &&
		!from->repeats && from->shorts &&
		(out->type == VALUE_STRING || out->type == VALUE_INTEGER);
}

static void finish_type(const struct survey *survey,
			const struct survey_type *from, struct schema_type *out)
{
	size_t i;

	out->name = from->name;
	out->member_count = from->attrs.len;
	out->members = arena_array(survey->arena, from->attrs.len + 1,
				   sizeof(*out->members));
	for (i = 0; i < from->attrs.len; i++)
		out->members[i].attr = survey->attrs.at[from->attrs.at[i]].name;
}

void survey_finish(const struct survey *survey,
		   const struct attr_def *(*known)(struct sv name), bool unique,
		   struct schema *out)
{
	size_t i;

	out->guessed = true;
	out->attr_count = survey->attrs.len;
	out->attrs = arena_array(survey->arena, out->attr_count + 1,
				 sizeof(*out->attrs));
	for (i = 0; i < out->attr_count; i++)
		finish_attr(survey, &survey->attrs.at[i],
			    known ? known(sv_from(survey->attrs.at[i].name))
				  : NULL,
			    unique, &out->attrs[i]);
	out->type_count = survey->types.len;
	out->types = arena_array(survey->arena, out->type_count + 1,
				 sizeof(*out->types));
	for (i = 0; i < out->type_count; i++)
		finish_type(survey, &survey->types.at[i], &out->types[i]);
}

/* Its list of values has room for one at a time: values are few. */
static void add_value(struct values *values, struct sv text,
		      struct arena *arena)
{
	struct value *more = arena_array(arena, values->len + 1, sizeof(*more));

	if (values->len)
		memcpy(more, values->at, values->len * sizeof(*more));
	text = arena_dup(arena, text);
	more[values->len++] = text_is_utf8(text) ? value_string(text)
						 : value_binary(text);
	values->at = more;
}

#define SAMPLE_VALUES 20 /* of one attribute: nobody looks at more */

void survey_sample_value(struct schema_object *object, const char *attr,
			 struct sv value, struct arena *arena)
{
	struct schema_values *more;
	size_t i;

	for (i = 0; i < object->attr_count; i++) {
		if (strcasecmp(object->attrs[i].attr, attr) != 0)
			continue;
		if (object->attrs[i].values.len < SAMPLE_VALUES)
			add_value(&object->attrs[i].values, value, arena);
		return;
	}
	if (!(object->attr_count & (object->attr_count - 1))) {
		more = arena_array(
			arena, object->attr_count ? object->attr_count * 2 : 1,
			sizeof(*more));
		if (object->attr_count)
			memcpy(more, object->attrs,
			       object->attr_count * sizeof(*more));
		object->attrs = more;
	}
	object->attrs[object->attr_count].attr = attr;
	add_value(&object->attrs[object->attr_count++].values, value, arena);
}
