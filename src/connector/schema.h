/*
 * schema.h - what a connected system says of the objects that it can hold
 *
 * Filled in by a connector's schema() and sample(), for people who set an
 * agent up: `conjoin agent schema` shows it, `conjoin agent new` proposes a
 * configuration by it. No run ever reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_SCHEMA_H
#define CONNECTOR_SCHEMA_H

#include "base/arena.h"
#include "model/value.h"

#include <stdbool.h>
#include <stddef.h>

struct node;

struct schema_attr {
	const char *name;
	enum value_type type; /* what it is to conjoin */
	bool multi;
	enum match_rule match;
	bool read_only;       /* only the system itself writes it */
	bool identifies;      /* an object's for ever, and no other's */
	const char *syntax;   /* as the system names it; or NULL */
	const char *equality; /* the system's matching rule; or NULL */
	const char *help; /* what it is for, in the system's words; or NULL */
	const char *refers_to; /* a reference by anchor: a type; or NULL */
};

enum schema_kind {
	SCHEMA_STRUCTURAL, /* objects are of it */
	SCHEMA_AUXILIARY,  /* objects of another type may be of it, too */
	SCHEMA_ABSTRACT,   /* only others are made of it */
};

struct schema_member {
	const char *attr; /* is among the schema's */
	bool required;
};

struct schema_type {
	const char *name;
	enum schema_kind kind;
	const char **superiors; /* it has their members, too */
	size_t superior_count;
	struct schema_member *members;
	size_t member_count;
	const char *help; /* or NULL */
	/* What stands in the settings to read objects of this type, and under
	 * `types` when there are several; or NULL. */
	const struct node *connect;
};

/* A setting that this system needs, as far as it can tell; of several values
 * for one name the best stands first. */
struct schema_setting {
	const char *name;
	const char *value;
	const char *why; /* "naming context of the server" */
};

struct schema {
	const char *source; /* what told it: "cn=Subschema", "data/hr.csv" */
	bool guessed;       /* from some objects: others may have more */
	struct schema_type *types;
	size_t type_count;
	struct schema_attr *attrs;
	size_t attr_count;
	struct schema_setting *settings;
	size_t setting_count;
};

struct schema_values {
	const char *attr;
	struct values values; /* strings, or binary what is no text */
};

struct schema_object {
	const char *type;
	struct sv dn; /* or empty */
	struct schema_values *attrs;
	size_t attr_count;
};

struct schema_sample {
	struct schema_object *objects;
	size_t count;
};

/* By name, case ignored; NULL: there is none. */
const struct schema_attr *schema_attr_find(const struct schema *schema,
					   struct sv name);
const struct schema_type *schema_type_find(const struct schema *schema,
					   struct sv name);

/* All members of a type, those of its superiors as well, each once and by
 * name; a required one is required wherever that is said. Memory from arena. */
size_t schema_members(const struct schema *schema,
		      const struct schema_type *type, struct arena *arena,
		      struct schema_member **out);

/* The values of an attribute (case ignored), or NULL. */
const struct values *schema_object_values(const struct schema_object *object,
					  const char *attr);

#endif
