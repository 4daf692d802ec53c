/*
 * values.c - attributes of messages, both ways
 *
 * What is read are texts and bytes: the engine makes of them what the
 * attribute's type is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"
#include "connectors/format.h"

struct reading {
	const struct connector_session *s;
	size_t type;
	bool change;
	struct arena *arena;
	const char *error;
	const char *problem;
};

static int refuse(struct reading *r, const char *error, const char *problem,
		  struct sv name)
{
	r->error = error;
	r->problem = arena_printf(r->arena, "'" SV_FMT "': %s", SV_ARG(name),
				  problem);
	return -1;
}

static int read_bytes(struct reading *r, const struct message *at,
		      struct sv name, struct value *out)
{
	const struct message *b64 = message_get(at, "b64");
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = -1;

	if (!b64 || b64->kind != MESSAGE_TEXT)
		return refuse(r, "unsupported-value-type",
			      "a value is a text, a number, true, false or "
			      "{\"b64\":\"...\"}",
			      name);
	if (strbuf_add_unbase64(&bytes, b64->text))
		ret = 0;
	*out = value_binary(arena_dup(r->arena, strbuf_sv(&bytes)));
	strbuf_release(&bytes);
	return ret == 0 ? 0
			: refuse(r, "invalid-base64-value",
				 "its b64 is no base64", name);
}

static int read_value(struct reading *r, const struct message *at,
		      struct sv name, struct value *out)
{
	switch (at->kind) {
	case MESSAGE_BOOLEAN:
	case MESSAGE_NUMBER:
		*out = value_string(at->text);
		return 0;
	case MESSAGE_TEXT:
		if (at->text.len && memchr(at->text.ptr, '\0', at->text.len))
			return refuse(r, "invalid-attribute-value",
				      "a text holds no \\u0000", name);
		*out = value_string(at->text);
		return 0;
	case MESSAGE_MAP:
		return read_bytes(r, at, name, out);
	case MESSAGE_NULL:
	case MESSAGE_LIST:
		break;
	}
	return refuse(r, "unsupported-value-type",
		      "a list holds values, and neither lists nor null", name);
}

/* A value, a list of them, or null. */
static int read_values(struct reading *r, const struct message *at,
		       struct sv name, struct values *out)
{
	const struct message *item;

	*out = (struct values){ NULL, 0 };
	if (at->kind == MESSAGE_NULL)
		return 0;
	if (at->kind != MESSAGE_LIST) {
		out->at = arena_alloc(r->arena, sizeof(*out->at));
		out->len = 1;
		return read_value(r, at, name, out->at);
	}
	out->at = arena_alloc(r->arena, (at->count + 1) * sizeof(*out->at));
	for (item = at->first; item; item = item->next)
		if (read_value(r, item, name, &out->at[out->len++]) < 0)
			return -1;
	return 0;
}

/* {"add":[...],"delete":[...]}: as many as are there. */
static int read_parts(struct reading *r, const struct message *at,
		      struct attr_change *out, size_t attr)
{
	const struct message *part;
	int count = 0;

	for (part = at->first; part; part = part->next) {
		bool add = sv_eq_str(part->key, "add");

		if ((!add && !sv_eq_str(part->key, "delete")) || count == 2)
			return refuse(r, "invalid-modification-type",
				      "a change has the members add and delete",
				      at->key);
		out[count].attr = attr;
		out[count].op = add ? ATTR_ADD : ATTR_DELETE;
		if (read_values(r, part, at->key, &out[count].values) < 0)
			return -1;
		count += out[count].values.len > 0;
	}
	return count;
}

static bool is_parts(const struct message *at)
{
	return at->kind == MESSAGE_MAP && !message_get(at, "b64");
}

/* How many changes of attributes it is, or -1. */
static int read_attr(struct reading *r, const struct message *at,
		     unsigned char *seen, struct attr_change *out)
{
	uint64_t index;

	if (!namemap_get(r->s->attrs[r->type], at->key, &index))
		return 0; /* nobody asks for it */
	if (seen[index]++)
		return refuse(r, "invalid-attribute-value", "it is there twice",
			      at->key);
	if (is_parts(at)) {
		if (!r->change)
			return refuse(r, "invalid-modification-type",
				      "a whole object has no parts to add or "
				      "delete",
				      at->key);
		return read_parts(r, at, out, index);
	}
	out->attr = index;
	out->op = ATTR_REPLACE;
	if (read_values(r, at, at->key, &out->values) < 0)
		return -1;
	/* of a whole object, what is not there has no value */
	return r->change || out->values.len ? 1 : 0;
}

int exec_read_attrs(const struct connector_session *s, size_t type,
		    const struct message *attrs, bool change,
		    struct arena *arena, struct attr_change **out,
		    size_t *count, const char **error, const char **problem)
{
	struct reading r = { s, type, change, arena, NULL, NULL };
	size_t known = s->config->types[type].attr_count;
	unsigned char *seen = arena_zalloc(arena, known + 1);
	const struct message *at;

	*count = 0;
	*out = arena_alloc(arena, (2 * known + 2) * sizeof(**out));
	if (attrs && attrs->kind != MESSAGE_MAP) {
		*error = "invalid-attribute-value";
		*problem = "'attrs' must be an object of attributes";
		return -1;
	}
	for (at = attrs ? attrs->first : NULL; at; at = at->next) {
		int n = read_attr(&r, at, seen, *out + *count);

		if (n < 0) {
			*error = r.error;
			*problem = r.problem;
			return -1;
		}
		*count += (size_t)n;
	}
	return 0;
}

/* --- on the way out ---------------------------------------------------- */

static void put_values(const struct attr_def *def, const struct values *values,
		       struct strbuf *out)
{
	struct arena scratch = ARENA_INIT;
	size_t i;

	strbuf_addc(out, '[');
	for (i = 0; i < values->len; i++) {
		const struct value *value = &values->at[i];

		strbuf_adds(out, i ? "," : "");
		message_put_value(
			out, format_value(value, def, FORMAT_PLAIN, &scratch),
			value->type == VALUE_BINARY);
	}
	strbuf_addc(out, ']');
	arena_release(&scratch);
}

/* All changes of one attribute, whose first is at `i`. */
static void put_attr(const struct export_op *op, size_t i,
		     const struct attr_def *def, struct strbuf *out)
{
	const char *between = "{";
	size_t k;

	message_put_text(out, sv_from(def->name));
	strbuf_addc(out, ':');
	if (op->attrs[i].op == ATTR_REPLACE) {
		put_values(def, &op->attrs[i].values, out);
		return;
	}
	for (k = i; k < op->attr_count; k++) {
		if (op->attrs[k].attr != op->attrs[i].attr)
			continue;
		strbuf_addf(out, "%s\"%s\":", between,
			    op->attrs[k].op == ATTR_ADD ? "add" : "delete");
		put_values(def, &op->attrs[k].values, out);
		between = ",";
	}
	strbuf_addc(out, '}');
}

void exec_put_attrs(const struct connector_session *s,
		    const struct export_op *op, struct strbuf *out)
{
	const struct object_type *type = &s->config->types[op->type];
	const char *between = "";
	size_t i;
	size_t k;

	strbuf_adds(out, ",\"attrs\":{");
	for (i = 0; i < op->attr_count; i++) {
		for (k = 0; k < i; k++)
			if (op->attrs[k].attr == op->attrs[i].attr)
				break;
		if (k < i)
			continue;
		strbuf_adds(out, between);
		put_attr(op, i, &type->attrs[op->attrs[i].attr], out);
		between = ",";
	}
	strbuf_addc(out, '}');
}
