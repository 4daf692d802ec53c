/*
 * value.h - one value of an attribute, with its type
 *
 * Two questions, two comparisons: "is it the same one?" is answered by the
 * attribute's matching rule (value_same), "did it change?" exactly
 * (value_identical), except that references are compared by what they name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include "base/arena.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are stored: never change one. */
enum value_type {
	VALUE_NULL = 0,
	VALUE_STRING = 1,    /* text: UTF-8 */
	VALUE_INTEGER = 2,   /* number: 64 bits, signed */
	VALUE_BOOLEAN = 3,   /* number: 0 or 1 */
	VALUE_BINARY = 4,    /* text: bytes */
	VALUE_DATETIME = 5,  /* number: see base/clock.h */
	VALUE_REFERENCE = 6, /* number: id of the object meant, 0 when not
			      * known; text: its DN or anchor, may be empty */
};

enum match_rule {
	MATCH_IGNORE_CASE = 0, /* text ignores case; all else exact */
	MATCH_EXACT = 1,
};

struct value {
	enum value_type type;
	int64_t number;
	struct sv text;
};

struct values {
	struct value *at;
	size_t len;
};

static inline struct value value_string(struct sv s)
{
	return (struct value){ VALUE_STRING, 0, s };
}
static inline struct value value_binary(struct sv s)
{
	return (struct value){ VALUE_BINARY, 0, s };
}
static inline struct value value_integer(int64_t n)
{
	return (struct value){ VALUE_INTEGER, n, SV_NULL };
}
static inline struct value value_boolean(bool b)
{
	return (struct value){ VALUE_BOOLEAN, b, SV_NULL };
}
static inline struct value value_datetime(int64_t time)
{
	return (struct value){ VALUE_DATETIME, time, SV_NULL };
}
static inline struct value value_reference(int64_t id, struct sv text)
{
	return (struct value){ VALUE_REFERENCE, id, text };
}

/* "string", "integer" ...; NULL type: "null" */
const char *value_type_name(enum value_type type);
/* 1: found; 0: no such type */
int value_type_parse(struct sv name, enum value_type *out);

/*
 * Reads text as a value of `type`. Booleans: true false yes no on off 1 0,
 * case ignored. Datetimes: ISO 8601 or Generalized Time, or by `format`
 * (yyyy MM dd HH mm ss, other characters as they are; may be empty). Binary
 * takes the bytes as they are. A reference keeps the text, with id 0. Views
 * into `text` stay views. 1: read; 0: not such a value.
 */
int value_parse(enum value_type type, struct sv text, struct sv format,
		struct value *out);

/*
 * As text: integers in decimal, booleans "true"/"false", datetimes ISO 8601,
 * strings, references and binary as they are (a reference without text is
 * "#id").
 */
struct sv value_text(const struct value *value, struct arena *arena);

bool value_identical(const struct value *a, const struct value *b);
bool value_same(const struct value *a, const struct value *b,
		enum match_rule match);
/* A total order that agrees with value_identical: for canonical sets. */
int value_order(const struct value *a, const struct value *b);

/* Copies what the value points to. */
struct value value_dup(const struct value *value, struct arena *arena);
struct values values_dup(const struct values *values, struct arena *arena);

/* As sets: order and repetition do not count. */
bool values_identical(const struct values *a, const struct values *b);
bool values_same(const struct values *a, const struct values *b,
		 enum match_rule match);
bool values_have(const struct values *set, const struct value *value,
		 enum match_rule match);
/* Sorts by value_order and drops exact repetitions, in place. */
void values_canonical(struct values *values);

#endif
