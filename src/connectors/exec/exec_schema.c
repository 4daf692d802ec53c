/*
 * exec_schema.c - what a program's system can hold, for who sets an agent up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include "connectors/survey.h"

static void put_setting(struct schema *out, const char *name, const char *value,
			const char *why)
{
	out->settings[out->setting_count++] =
		(struct schema_setting){ name, value, why };
}

static size_t count_attrs(const struct message *types)
{
	const struct message *type;
	size_t count = 0;

	for (type = types->first; type; type = type->next) {
		const struct message *attrs = message_get(type, "attributes");

		count += attrs ? attrs->count : 0;
	}
	return count;
}

static const char *text_or_null(const struct message *map, const char *key,
				struct arena *arena)
{
	struct sv text = message_text(map, key);

	return text.len ? arena_cstr(arena, text) : NULL;
}

/* One attribute of a type; the schema has each name once. */
static int take_attr(struct connector_session *s, const struct message *from,
		     struct arena *arena, struct schema_member *member,
		     struct schema *out, struct error *err)
{
	const char *name = text_or_null(from, "name", arena);
	struct sv type = message_text(from, "type");
	struct schema_attr *attr;

	if (!name)
		return exec_wrong(s, err, "an attribute needs a 'name'");
	member->attr = name;
	member->required = message_true(from, "required");
	if (schema_attr_find(out, sv_from(name)))
		return 0;
	attr = &out->attrs[out->attr_count];
	memset(attr, 0, sizeof(*attr));
	attr->name = name;
	attr->type = VALUE_STRING;
	if (type.len && !value_type_parse(type, &attr->type))
		return exec_wrong(s, err,
				  "'" SV_FMT "' is no type of attribute '%s'",
				  SV_ARG(type), name);
	attr->multi = message_true(from, "multi");
	attr->match = sv_eq_str(message_text(from, "match"), "exact")
			      ? MATCH_EXACT
			      : MATCH_IGNORE_CASE;
	attr->read_only = message_true(from, "read_only");
	attr->identifies = message_true(from, "identifies");
	attr->help = text_or_null(from, "help", arena);
	out->attr_count++;
	return 0;
}

static int take_type(struct connector_session *s, const struct message *from,
		     struct arena *arena, struct schema *out, struct error *err)
{
	struct schema_type *type = &out->types[out->type_count];
	const struct message *attrs = message_get(from, "attributes");
	const struct message *at;

	memset(type, 0, sizeof(*type));
	type->name = text_or_null(from, "name", arena);
	if (!type->name)
		return exec_wrong(s, err, "a type needs a 'name'");
	if (schema_type_find(out, sv_from(type->name)))
		return exec_wrong(s, err, "the type '%s' is there twice",
				  type->name);
	if (!attrs || attrs->kind != MESSAGE_LIST)
		return exec_wrong(s, err,
				  "the type '%s' needs a list 'attributes'",
				  type->name);
	type->kind = SCHEMA_STRUCTURAL;
	type->help = text_or_null(from, "help", arena);
	type->members =
		arena_array(arena, attrs->count, sizeof(*type->members));
	out->type_count++;
	for (at = attrs->first; at; at = at->next)
		if (take_attr(s, at, arena,
			      &type->members[type->member_count++], out,
			      err) < 0)
			return -1;
	return 0;
}

static int take_types(struct connector_session *s,
		      const struct message *message, struct arena *arena,
		      struct schema *out, struct error *err)
{
	const struct message *types = message_get(message, "types");
	const struct message *at;

	if (!types || types->kind != MESSAGE_LIST)
		return exec_wrong(s, err, "'schema' needs a list 'types'");
	out->types = arena_array(arena, types->count, sizeof(*out->types));
	out->attrs =
		arena_array(arena, count_attrs(types), sizeof(*out->attrs));
	for (at = types->first; at; at = at->next)
		if (take_type(s, at, arena, out, err) < 0)
			return -1;
	return 0;
}

/* What the agent's settings can be, as the program says. */
static int propose(struct connector_session *s, struct arena *arena,
		   struct schema *out, struct error *err)
{
	const struct message *names = NULL;
	const struct message *at;
	struct message *answer;
	size_t i;

	if (exec_can(&s->hello, "partitions")) {
		if (exec_ask(s, SV_LIT("{\"msg\":\"partitions\"}"),
			     "partitions", arena, &answer, err) < 0)
			return -1;
		names = message_get(answer, "partitions");
		if (!names || names->kind != MESSAGE_LIST)
			return exec_wrong(s, err,
					  "'partitions' needs a list of them");
	}
	out->settings = arena_array(
		arena, s->hello.can_count + (names ? names->count : 0) + 1,
		sizeof(*out->settings));
	for (i = 0; i < s->hello.can_count; i++)
		put_setting(out, "can", arena_cstr(arena, s->hello.can[i]),
			    "what the program says that it can do");
	for (at = names ? names->first : NULL; at; at = at->next)
		put_setting(out, "partitions",
			    arena_cstr(arena, message_text(at, "name")),
			    arena_cstr(arena, message_text(at, "help")));
	return 0;
}

int exec_schema(struct connector_session *s, struct arena *arena,
		struct schema *out, struct error *err)
{
	struct message *answer;

	if (!exec_can(&s->hello, "schema"))
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' does not tell what its system can hold: "
				 "its hello has no 'schema' in 'can'",
				 s->plan.argv[0]);
	out->source = s->plan.argv[0];
	if (exec_ask(s, SV_LIT("{\"msg\":\"schema\"}"), "schema", arena,
		     &answer, err) < 0 ||
	    take_types(s, answer, arena, out, err) < 0)
		return -1;
	return propose(s, arena, out, err);
}

/* --- samples ----------------------------------------------------------- */

static void take_values(struct schema_object *object, const struct message *at,
			struct arena *arena)
{
	const char *name = arena_cstr(arena, at->key);
	const struct message *item = at->kind == MESSAGE_LIST ? at->first : at;

	for (; item; item = item == at ? NULL : item->next) {
		struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
		struct sv value = item->text;

		if (item->kind == MESSAGE_MAP &&
		    strbuf_add_unbase64(&bytes, message_text(item, "b64")))
			value = arena_dup(arena, strbuf_sv(&bytes));
		if (value.ptr)
			survey_sample_value(object, name, value, arena);
		strbuf_release(&bytes);
	}
}

static void take_object(const struct message *message, const char *type,
			struct arena *arena, struct schema_object *out)
{
	const struct message *attrs = message_get(message, "attrs");
	const struct message *at;

	memset(out, 0, sizeof(*out));
	out->type = type;
	out->dn = message_text(message, "dn");
	if (!attrs || attrs->kind != MESSAGE_MAP)
		return;
	for (at = attrs->first; at; at = at->next)
		take_values(out, at, arena);
}

static bool is_wanted(const struct message *message, const char *type)
{
	struct sv name = message_text(message, "type");

	return exec_is(message, "object") &&
	       (!type || !name.len || sv_ieq_str(name, type));
}

/* An import from which only so many are taken; what it is in the middle of then
 * is left by starting anew. */
int exec_sample(struct connector_session *s, const char *type, size_t most,
		struct arena *arena, struct schema_sample *out,
		struct error *err)
{
	struct message *message;
	struct sv line;
	int ret = 1;

	out->objects = arena_array(arena, most, sizeof(*out->objects));
	out->count = 0;
	if (exec_import_some(s, type ? 0 : most, err) < 0)
		return -1;
	while (out->count < most && ret > 0) {
		ret = exec_import_message(s, arena, &message, &line, err);
		if (ret > 0 && is_wanted(message, type))
			take_object(
				message,
				type ? type
				     : arena_cstr(arena, message_text(message,
								      "type")),
				arena, &out->objects[out->count++]);
	}
	if (ret < 0)
		return -1;
	if (exec_import_is_idle(s))
		return 0;
	exec_stop(s, false);
	exec_import_free(s);
	return exec_start(s, err);
}
