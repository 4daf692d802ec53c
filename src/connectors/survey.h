/*
 * survey.h - a schema made from what some objects have
 *
 * For systems that do not describe themselves: files. Each attribute has the
 * narrowest type that all its values fit; what is known by name goes before
 * that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SURVEY_H
#define CONNECTORS_SURVEY_H

#include "base/map.h"
#include "base/vec.h"
#include "connector/schema.h"
#include "model/object.h"

/* How many objects of a file are looked at. */
#define SURVEY_OBJECTS 1000

struct survey_attr {
	const char *name;
	size_t objects; /* that have it */
	uint64_t last;  /* object that it was seen in */
	bool multi;
	bool integers; /* all values are */
	bool booleans;
	bool times;
	bool text;
	bool shorts;
	bool repeats; /* a value comes twice */
	struct hashmap values;
};

struct survey_type {
	const char *name;
	VEC(size_t) attrs;
};

struct survey {
	struct arena *arena;
	struct namemap *attr_names;
	struct namemap *type_names;
	VEC(struct survey_attr) attrs;
	VEC(struct survey_type) types;
	size_t type; /* of the present object */
	uint64_t objects;
};

void survey_init(struct survey *survey, struct arena *arena);
void survey_release(struct survey *survey);

/* There is such a type; what follows is of it. */
void survey_type(struct survey *survey, struct sv name);
/* The next object, of this type. */
void survey_object(struct survey *survey, struct sv type);
/* The present object's type has this attribute, with a value or without. */
size_t survey_attr(struct survey *survey, struct sv name);
void survey_value(struct survey *survey, struct sv name, struct sv value);

/*
 * Types and attributes of `out`. `known` may be NULL; with `unique` an
 * attribute that every object has, each another value, identifies.
 */
void survey_finish(const struct survey *survey,
		   const struct attr_def *(*known)(struct sv name), bool unique,
		   struct schema *out);

/* An attribute of an object of a sample: text, or bytes. */
void survey_sample_value(struct schema_object *object, const char *attr,
			 struct sv value, struct arena *arena);

#endif
