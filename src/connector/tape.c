/*
 * tape.c - values and words of a tape
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/tape_private.h"

#include "base/strbuf.h"

#include <string.h>

const char *const tape_ops[TAPE_OPS] = {
	[CHANGE_OBJECT] = "object",     [CHANGE_ADD] = "add",
	[CHANGE_UPDATE] = "update",     [CHANGE_RENAME] = "rename",
	[CHANGE_DELETE] = "delete",     [CHANGE_ERROR] = "error",
	[CHANGE_FILTERED] = "filtered", [CHANGE_PRESENT] = "present",
};

const char *const tape_attr_ops[TAPE_ATTR_OPS] = {
	[ATTR_REPLACE] = "values",
	[ATTR_ADD] = "add",
	[ATTR_DELETE] = "delete",
};

const char *tape_step(enum import_kind kind)
{
	return kind == IMPORT_FULL ? "full-import" : "delta-import";
}

static json_t *tagged(const char *tag, json_t *value)
{
	return json_pack("{s:o}", tag, value);
}

static json_t *base64(const char *tag, struct sv bytes)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *json;

	strbuf_add_base64(&text, bytes);
	json = json_stringn(text.ptr ? text.ptr : "", text.len);
	strbuf_release(&text);
	return tagged(tag, json);
}

json_t *tape_text(struct sv text)
{
	json_t *json = json_stringn(text.ptr ? text.ptr : "", text.len);

	return json ? json : base64("bytes", text);
}

static struct sv string_of(const json_t *json)
{
	return sv_make(json_string_value(json), json_string_length(json));
}

static int read_base64(const json_t *json, struct arena *arena, struct sv *out)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = json_is_string(json) &&
		  strbuf_add_unbase64(&bytes, string_of(json));

	*out = arena_dup(arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return ret;
}

int tape_read_text(const json_t *json, struct arena *arena, struct sv *out)
{
	*out = SV_NULL;
	if (json_is_object(json))
		return read_base64(json_object_get(json, "bytes"), arena, out);
	if (!json_is_string(json))
		return 0;
	*out = arena_dup(arena, string_of(json));
	return 1;
}

json_t *tape_value(const struct value *value)
{
	struct arena scratch = ARENA_INIT;
	json_t *json = NULL;

	switch (value->type) {
	case VALUE_NULL:
		json = json_null();
		break;
	case VALUE_STRING:
		json = tape_text(value->text);
		break;
	case VALUE_INTEGER:
		json = json_integer(value->number);
		break;
	case VALUE_BOOLEAN:
		json = json_boolean(value->number);
		break;
	case VALUE_BINARY:
		json = base64("binary", value->text);
		break;
	case VALUE_DATETIME:
		json = tagged("datetime",
			      tape_text(value_text(value, &scratch)));
		break;
	case VALUE_REFERENCE:
		json = tagged("reference", tape_text(value->text));
		break;
	}
	arena_release(&scratch);
	return json;
}

static int read_tagged(const json_t *json, struct arena *arena,
		       struct value *out)
{
	const json_t *inside;

	if ((inside = json_object_get(json, "binary"))) {
		out->type = VALUE_BINARY;
		return read_base64(inside, arena, &out->text);
	}
	if ((inside = json_object_get(json, "reference"))) {
		out->type = VALUE_REFERENCE;
		return tape_read_text(inside, arena, &out->text);
	}
	if ((inside = json_object_get(json, "datetime")))
		return json_is_string(inside) &&
		       value_parse(VALUE_DATETIME, string_of(inside), SV_NULL,
				   out);
	out->type = VALUE_STRING;
	return tape_read_text(json, arena, &out->text);
}

int tape_read_value(const json_t *json, struct arena *arena, struct value *out)
{
	memset(out, 0, sizeof(*out));
	switch (json_typeof(json)) {
	case JSON_NULL:
		return 1;
	case JSON_STRING:
		out->type = VALUE_STRING;
		return tape_read_text(json, arena, &out->text);
	case JSON_INTEGER:
		*out = value_integer(json_integer_value(json));
		return 1;
	case JSON_TRUE:
	case JSON_FALSE:
		*out = value_boolean(json_is_true(json));
		return 1;
	case JSON_OBJECT:
		return read_tagged(json, arena, out);
	case JSON_ARRAY:
	case JSON_REAL:
		break;
	}
	return 0;
}
