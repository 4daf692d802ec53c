/*
 * plan_record.c - one object of a plan as a line of JSON
 *
 * Written as text, without a tree in between: it is done for each object of a
 * plan, and of all that a plan costs beside the synchronization it would be
 * the most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "cli/plan_document.h"
#include "cli/show.h"

#include <inttypes.h>
#include <string.h>

/* ---- JSON ---- */

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void add_escaped(struct strbuf *out, struct sv text)
{
	size_t from = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_plain(c))
			continue;
		strbuf_add(out, text.ptr + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else
			strbuf_addf(out, "\\u%04x", c);
	}
	strbuf_add(out, text.ptr + from, text.len - from);
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* One of eight bytes is zero; or something, when one has its highest bit. */
static uint64_t zero_among(uint64_t bytes)
{
	return (bytes - EACH(1)) & ~bytes & EACH(0x80);
}

/* Nothing of it needs care, as of most: eight bytes at a time. */
static bool is_ascii(struct sv text)
{
	uint64_t bytes;
	uint64_t odd = 0;
	size_t i;

	for (i = 0; i + sizeof(bytes) <= text.len; i += sizeof(bytes)) {
		memcpy(&bytes, text.ptr + i, sizeof(bytes));
		odd |= (bytes | (bytes - EACH(0x20))) & EACH(0x80);
		odd |= zero_among(bytes ^ EACH('"'));
		odd |= zero_among(bytes ^ EACH('\\'));
	}
	for (; i < text.len; i++)
		odd |= !is_plain((unsigned char)text.ptr[i]) ||
		       (unsigned char)text.ptr[i] >= 0x80;
	return !odd;
}

static void add_quoted(struct strbuf *out, struct sv text)
{
	char *to = strbuf_room(out, text.len + 2);

	to[0] = '"';
	if (text.len)
		memcpy(to + 1, text.ptr, text.len);
	to[text.len + 1] = '"';
	strbuf_grew(out, text.len + 2);
}

static void add_text(struct strbuf *out, struct sv text)
{
	struct strbuf safe = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (is_ascii(text)) {
		add_quoted(out, text);
		return;
	}
	strbuf_addc(out, '"');
	if (text.len && text_is_utf8(text) && !memchr(text.ptr, 0, text.len)) {
		add_escaped(out, text);
	} else if (text.len) {
		output_escape(text, &safe);
		add_escaped(out, strbuf_sv(&safe));
	}
	strbuf_addc(out, '"');
	strbuf_release(&safe);
}

#define ADD(out, literal) strbuf_add(out, literal, sizeof(literal) - 1)

static void add_name(struct strbuf *out, const char *comma, const char *name)
{
	strbuf_adds(out, comma);
	add_text(out, sv_from(name));
	strbuf_addc(out, ':');
}

static void add_or_null(struct strbuf *out, const char *text)
{
	if (text)
		add_text(out, sv_from(text));
	else
		ADD(out, "null");
}

static void add_texts(struct strbuf *out, const struct display_texts *texts)
{
	size_t i;

	if (!texts->len) {
		ADD(out, "[]");
		return;
	}
	strbuf_addc(out, '[');
	for (i = 0; i < texts->len; i++) {
		if (i)
			strbuf_addc(out, ',');
		add_text(out, texts->at[i]);
	}
	strbuf_addc(out, ']');
}

/* ---- attributes ---- */

static const struct object_type *type_of(const struct config *config,
					 const struct display_cs *object)
{
	const struct config_agent *agent =
		config_agent_find(config, sv_from(object->agent));
	size_t t;

	for (t = 0; agent && t < agent->type_count; t++)
		if (!strcmp(agent->types[t].name, object->type))
			return &agent->types[t];
	return NULL;
}

static bool is_binary(const struct object_type *type, const char *name)
{
	size_t i;

	for (i = 0; type && i < type->attr_count; i++)
		if (type->attrs[i].type == VALUE_BINARY &&
		    sv_ieq_str(sv_from(name), type->attrs[i].name))
			return true;
	return false;
}

static void add_attributes(struct strbuf *out, const struct plan_object *object,
			   const struct config *config)
{
	const struct display_export *export = &object->object->pending;
	const struct object_type *type = type_of(config, object->object);
	size_t i;

	ADD(out, ",\"attributes\":{");
	for (i = 0; i < export->change_count; i++) {
		const struct display_change *at = &export->changes[i];

		add_name(out, i ? "," : "", at->name);
		ADD(out, "{\"old\":");
		add_texts(out, &at->before);
		ADD(out, ",\"new\":");
		add_texts(out, &at->after);
		ADD(out, ",\"rule\":");
		add_or_null(out, object->rules[i]);
		if (is_binary(type, at->name))
			ADD(out, ",\"binary\":true");
		strbuf_addc(out, '}');
	}
	strbuf_addc(out, '}');
}

/* ---- causes ---- */

static void add_causes(struct strbuf *out, const struct cause_list *list)
{
	size_t i;

	ADD(out, ",\"causes\":[");
	for (i = 0; i < list->len; i++) {
		strbuf_adds(out, i ? ",{\"cause\":" : "{\"cause\":");
		add_text(out, sv_from(list->at[i].text));
		if (list->at[i].object) {
			ADD(out, ",\"object\":");
			add_text(out, sv_from(list->at[i].object));
		}
		strbuf_addc(out, '}');
	}
	strbuf_addc(out, ']');
}

/* Places in the object's; of an attribute that has none of its own nothing. */
static void add_attr_causes(struct strbuf *out,
			    const struct plan_object *object)
{
	const struct display_export *export = &object->object->pending;
	const char *comma = "";
	size_t i;
	size_t k;

	ADD(out, ",\"attribute_causes\":{");
	for (i = 0; i < export->change_count; i++) {
		const struct cause_refs *refs = &object->causes.changes[i];

		if (!refs->len)
			continue;
		add_name(out, comma, export->changes[i].name);
		for (k = 0; k < refs->len; k++)
			strbuf_addf(out, "%c%zu", k ? ',' : '[', refs->at[k]);
		strbuf_addc(out, ']');
		comma = ",";
	}
	strbuf_addc(out, '}');
}

/* ---- all of it ---- */

/* One may give its name up and another one take it. */
static const char *key_of(const char *agent, const char *name,
			  const char *operation, struct arena *arena)
{
	return arena_printf(arena, "%s %s%s", agent, name,
			    !strcmp(operation, "add") ? " (new)" : "");
}

static const char *name_of(const struct display_cs *cs, struct arena *arena)
{
	struct sv name = cs->dn.len ? cs->dn : cs->pending.dn;

	if (!name.len)
		name = cs->anchor;
	return name.len ? arena_cstr(arena, name)
			: display_cs_id(cs->id, arena);
}

static const char ID[] = ",\"id\":\"";

void plan_record_make(struct plan_record *record,
		      const struct plan_object *object,
		      const struct config *config, struct arena *arena)
{
	const struct display_cs *cs = object->object;
	struct strbuf *out = &record->line;
	bool renamed = !strcmp(cs->pending.operation, "rename");

	record->key = key_of(cs->agent, name_of(cs, arena),
			     cs->pending.operation, arena);
	out->max = STRBUF_NO_LIMIT;
	strbuf_reset(out);
	ADD(out, "{\"agent\":");
	add_text(out, sv_from(cs->agent));
	ADD(out, ",\"type\":");
	add_text(out, sv_from(cs->type[0] ? cs->type : "container"));
	ADD(out, ",\"operation\":");
	add_text(out, sv_from(cs->pending.operation));
	ADD(out, ",\"dn\":");
	add_text(out, cs->dn.len ? cs->dn : cs->pending.dn);
	ADD(out, ",\"new_dn\":");
	if (renamed)
		add_text(out, cs->pending.dn);
	else
		ADD(out, "null");
	ADD(out, ",\"anchor\":");
	add_text(out, cs->anchor);
	strbuf_addf(out, ",\"version\":\"%016" PRIx64 "%016" PRIx64 "\"",
		    object->version.high, object->version.low);
	add_attributes(out, object, config);
	record->essence = out->len;
	strbuf_adds(out, ID);
	strbuf_addf(out, "%s\"", display_cs_id(cs->id, arena));
	strbuf_addf(out, cs->mv ? ",\"mv\":%lld" : ",\"mv\":null",
		    (long long)cs->mv);
	add_causes(out, &object->causes);
	ADD(out, ",\"rule\":");
	add_or_null(out, object->rule);
	if (object->note && *object->note) {
		ADD(out, ",\"note\":");
		add_text(out, sv_from(object->note));
	}
	strbuf_addf(out, ",\"moves\":%lld", (long long)object->moves);
	if (object->causes.len > 1)
		add_attr_causes(out, object);
	strbuf_addc(out, '}');
}

/* An attribute may be called "id", but then an object stands behind it; and in
 * a text a quotation mark has a backslash. */
size_t plan_record_essence(struct sv line)
{
	const char *at = memmem(line.ptr, line.len, ID, sizeof(ID) - 1);

	return at ? (size_t)(at - line.ptr) : line.len;
}

/* ---- read ---- */

const char *plan_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *plan_object_name(const json_t *object)
{
	const char *name = plan_text(object, "dn");

	if (!*name)
		name = plan_text(object, "anchor");
	return *name ? name : plan_text(object, "id");
}

const char *plan_object_key(const json_t *object, struct arena *arena)
{
	return key_of(plan_text(object, "agent"), plan_object_name(object),
		      plan_text(object, "operation"), arena);
}
