/*
 * plan_document.c - a plan as JSON, compared, and kept in a file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include "base/file.h"
#include "cli/show.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define set json_object_set_new

#define MOVES_MANY 10 /* a warning, from so many objects that move along */

void plan_document_init(struct plan_document *document)
{
	document->head = json_object();
	document->objects = json_array();
	document->agents = json_object();
	document->causes = json_object();
	document->warnings = json_array();
}

void plan_document_release(struct plan_document *document)
{
	json_decref(document->head);
	json_decref(document->objects);
	json_decref(document->agents);
	json_decref(document->causes);
	json_decref(document->warnings);
	memset(document, 0, sizeof(*document));
}

/* ---- made ---- */

struct collecting {
	struct session *session;
	struct plan_document *out;
	json_t *tokens;
	struct arena arena;
	int64_t privileged;
};

static void count_on(json_t *counts, const char *key)
{
	json_int_t count = json_integer_value(json_object_get(counts, key));

	(void)set(counts, key, json_integer(count + 1));
}

static json_t *counts_of(struct collecting *c, const char *agent)
{
	json_t *counts = json_object_get(c->out->agents, agent);

	if (!counts) {
		counts = json_object();
		(void)set(c->out->agents, agent, counts);
	}
	return counts;
}

__attribute__((format(printf, 2, 3))) static void warn(struct collecting *c,
						       const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT(4096);
	char line[2048];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	strbuf_adds(&text, line);
	(void)json_array_append_new(c->out->warnings,
				    json_of_sv(strbuf_sv(&text)));
	strbuf_release(&text);
}

static bool is_binary(struct collecting *c, const struct display_cs *object,
		      const char *name)
{
	const struct config_agent *agent =
		config_agent_find(c->session->config, sv_from(object->agent));
	size_t t;
	size_t i;

	for (t = 0; agent && t < agent->type_count; t++) {
		const struct object_type *type = &agent->types[t];

		if (strcmp(type->name, object->type) != 0)
			continue;
		for (i = 0; i < type->attr_count; i++)
			if (sv_ieq_str(sv_from(name), type->attrs[i].name))
				return type->attrs[i].type == VALUE_BINARY;
	}
	return false;
}

static json_t *changes_json(struct collecting *c,
			    const struct plan_object *object)
{
	const struct display_export *export = &object->object->pending;
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < export->change_count; i++) {
		const struct display_change *at = &export->changes[i];
		json_t *item = json_object();

		(void)set(item, "old", show_texts_json(&at->before));
		(void)set(item, "new", show_texts_json(&at->after));
		(void)set(item, "rule", json_of_text(object->rules[i]));
		if (is_binary(c, object->object, at->name))
			(void)set(item, "binary", json_true());
		(void)set(json, at->name, item);
	}
	return json;
}

static json_t *object_json(struct collecting *c,
			   const struct plan_object *object)
{
	const struct display_cs *cs = object->object;
	json_t *json = json_object();
	char version[40];

	(void)snprintf(version, sizeof(version), "%016" PRIx64 "%016" PRIx64,
		       object->version.high, object->version.low);
	(void)set(json, "agent", json_of_text(cs->agent));
	(void)set(json, "id", json_of_text(display_cs_id(cs->id, &c->arena)));
	(void)set(json, "type",
		  json_of_text(cs->type[0] ? cs->type : "container"));
	(void)set(json, "operation", json_of_text(cs->pending.operation));
	(void)set(json, "dn", json_of_sv(cs->dn.len ? cs->dn : cs->pending.dn));
	(void)set(json, "new_dn",
		  strcmp(cs->pending.operation, "rename") != 0
			  ? json_null()
			  : json_of_sv(cs->pending.dn));
	(void)set(json, "anchor", json_of_sv(cs->anchor));
	(void)set(json, "mv", cs->mv ? json_integer(cs->mv) : json_null());
	(void)set(json, "cause", json_of_text(object->cause));
	(void)set(json, "rule", json_of_text(object->rule));
	if (object->note && *object->note)
		(void)set(json, "note", json_of_text(object->note));
	(void)set(json, "moves", json_integer(object->moves));
	(void)set(json, "version", json_string(version));
	(void)set(json, "attributes", changes_json(c, object));
	return json;
}

static int on_object(void *data, const struct plan_object *object)
{
	struct collecting *c = data;
	const struct display_cs *cs = object->object;
	const char *name = output_safe(show_name(cs, &c->arena), &c->arena);

	(void)json_array_append_new(c->out->objects, object_json(c, object));
	count_on(counts_of(c, cs->agent), cs->pending.operation);
	count_on(c->out->causes, object->cause);
	if (object->privileged)
		warn(c, "%s: %s of '%s', which has power over others",
		     cs->agent, cs->pending.operation, name);
	if (object->moves >= MOVES_MANY)
		warn(c, "%s: '%s' is renamed and moves %lld objects below it",
		     cs->agent, name, (long long)object->moves);
	arena_reset(&c->arena);
	return 0;
}

static int on_agent(void *data, const struct plan_agent *agent)
{
	struct collecting *c = data;

	if (agent->guard[0]) {
		/* what it says to do is for an export, not for a plan */
		const char *end = strstr(agent->guard, "; nothing was written");
		int len = (int)(end ? (size_t)(end - agent->guard)
				    : strlen(agent->guard));

		warn(c, "%s: the guard would stop it: %.*s", agent->name, len,
		     agent->guard);
		(void)set(c->out->head, "guarded", json_true());
	}
	if (agent->quarantined)
		warn(c, "%s: %lld changes are in quarantine and not tried",
		     agent->name, (long long)agent->quarantined);
	if (c->tokens && json_object_get(c->out->agents, agent->name))
		(void)set(c->tokens, agent->name, json_string(agent->token));
	return 0;
}

int plan_collect(struct plan *plan, struct session *session, const char *agent,
		 const struct idmap *only, struct plan_document *out,
		 json_t **tokens_out, struct error *err)
{
	struct collecting c = { .session = session, .out = out };
	const struct plan_list list = { &c, tokens_out != NULL, on_object,
					on_agent };
	int ret;

	if (tokens_out)
		c.tokens = *tokens_out = json_object();
	ret = plan_each(plan, agent, only, &list, err);
	arena_release(&c.arena);
	return ret;
}

/* ---- compared ---- */

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

const char *plan_object_key(const json_t *object, struct arena *arena)
{
	const char *name = text_of(object, "dn");

	if (!*name)
		name = text_of(object, "anchor");
	if (!*name)
		name = text_of(object, "id");
	/* one may give its name up and another one take it */
	return arena_printf(arena, "%s %s%s", text_of(object, "agent"), name,
			    strcmp(text_of(object, "operation"), "add") != 0
				    ? ""
				    : " (new)");
}

/* Why it is as it is does not matter, nor how it is called in the store. */
static json_t *essence(const json_t *object)
{
	static const char *const passing[] = { "id",   "mv",   "cause",
					       "rule", "note", "moves" };
	json_t *copy = json_copy((json_t *)(uintptr_t)object);
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		(void)json_object_del(copy, passing[i]);
	return copy;
}

static bool is_same(const json_t *a, const json_t *b)
{
	json_t *one = essence(a);
	json_t *other = essence(b);
	bool same = json_equal(one, other);

	json_decref(one);
	json_decref(other);
	return same;
}

static void say(json_t *list, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void say(json_t *list, const char *key, const char *fmt, ...)
{
	char what[512];
	json_t *item = json_object();
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	(void)set(item, "object", json_of_text(key));
	(void)set(item, "what", json_of_text(what));
	(void)json_array_append_new(list, item);
}

/* The first thing that tells why. */
static void say_difference(json_t *list, const char *key, const json_t *then,
			   const json_t *now)
{
	json_t *was = json_object_get(then, "attributes");
	json_t *is = json_object_get(now, "attributes");
	const char *name;
	json_t *change;

	if (strcmp(text_of(then, "operation"), text_of(now, "operation")) !=
	    0) {
		say(list, key, "the plan has: %s, now it would be: %s",
		    text_of(then, "operation"), text_of(now, "operation"));
		return;
	}
	json_object_foreach(was, name, change)
	{
		json_t *other = json_object_get(is, name);

		if (other && json_equal(change, other))
			continue;
		say(list, key,
		    other ? "%s would be written otherwise now"
			  : "%s would not be written any more",
		    name);
		return;
	}
	json_object_foreach(is, name, change)
	{
		if (json_object_get(was, name))
			continue;
		say(list, key, "%s would be written too now", name);
		return;
	}
	say(list, key, "it has changed in its system since the plan was made");
}

json_t *plan_compare(const struct plan_document *then,
		     const struct plan_document *now, struct idmap *same)
{
	json_t *differences = json_array();
	json_t *by_key = json_object();
	struct arena arena = ARENA_INIT;
	const char *left;
	json_t *object;
	int64_t id;
	size_t i;

	json_array_foreach(now->objects, i, object)(void) json_object_set(
		by_key, plan_object_key(object, &arena), object);
	json_array_foreach(then->objects, i, object)
	{
		const char *key = plan_object_key(object, &arena);
		json_t *other = json_object_get(by_key, key);

		if (!other)
			say(differences, key,
			    "nothing would be written any "
			    "more");
		else if (!is_same(object, other))
			say_difference(differences, key, object, other);
		else if (same && display_cs_id_parse(
					 sv_from(text_of(other, "id")), &id))
			idmap_put(same, (uint64_t)id, 1);
		(void)json_object_del(by_key, key);
		if (arena_size(&arena) > (1U << 20))
			arena_reset(&arena);
	}
	json_object_foreach(by_key, left, object)
		say(differences, left, "is not in the plan: %s",
		    text_of(object, "operation"));
	json_decref(by_key);
	arena_release(&arena);
	return differences;
}

/* ---- files ---- */

/* The store's secret is longer than the key may be. */
static void keyed_hash(struct store *store, struct sv bytes, char out[65])
{
	unsigned char hash[32];

	(void)crypto_generichash(
		hash, sizeof(hash), (const unsigned char *)bytes.ptr, bytes.len,
		store_hash_key(store)->bytes, crypto_generichash_KEYBYTES_MAX);
	(void)sodium_bin2hex(out, 65, hash, sizeof(hash));
}

const char *plan_store_id(struct store *store, struct arena *arena)
{
	char hex[65];

	keyed_hash(store, SV_LIT("the store of a plan"), hex);
	hex[32] = '\0';
	return arena_cstr(arena, sv_from(hex));
}

const char *plan_rules_id(const struct config *config, struct arena *arena)
{
	return arena_printf(arena, "%016" PRIx64 "%016" PRIx64,
			    config->hash.high, config->hash.low);
}

static int add_bytes(const char *bytes, size_t len, void *data)
{
	strbuf_add(data, bytes, len);
	return 0;
}

static void add_line(struct strbuf *out, const json_t *json)
{
	(void)json_dump_callback(json, add_bytes, out, JSON_COMPACT);
	strbuf_addc(out, '\n');
}

static json_t *summary_json(const struct plan_document *document)
{
	json_t *json = json_object();

	(void)json_object_set(json, "agents", document->agents);
	(void)json_object_set(json, "causes", document->causes);
	(void)json_object_set(json, "warnings", document->warnings);
	return json;
}

int plan_write(const struct plan_document *document, struct store *store,
	       const char *path, struct error *err)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *last = json_object();
	json_t *summary = summary_json(document);
	struct file_replace file = { 0 };
	json_t *object;
	char hash[65];
	size_t i;
	int ret;

	add_line(&all, document->head);
	json_array_foreach(document->objects, i, object) add_line(&all, object);
	add_line(&all, summary);
	keyed_hash(store, strbuf_sv(&all), hash);
	(void)set(last, "hash", json_string(hash));
	(void)set(last, "objects",
		  json_integer((json_int_t)json_array_size(document->objects)));
	add_line(&all, last);
	json_decref(last);
	json_decref(summary);
	ret = file_replace_open(&file, path, 0600, err);
	if (ret == 0 && fwrite(all.ptr, 1, all.len, file.stream) != all.len)
		ret = error_set(err, ERR_UNAVAILABLE, "cannot write '%s'",
				path);
	if (ret == 0)
		ret = file_replace_commit(&file, err);
	file_replace_abort(&file);
	strbuf_release(&all);
	return ret;
}

static int no_plan(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'%s' is no whole plan: %s; make it "
			 "again with: conjoin plan --out",
			 path, why);
}

static json_t *next_line(struct sv all, size_t *at)
{
	size_t end = sv_find(all, '\n', *at);
	json_t *json = NULL;

	if (end < all.len)
		json = json_loadb(all.ptr + *at, end - *at,
				  JSON_REJECT_DUPLICATES, NULL);
	*at = end + 1;
	return json;
}

static int take_summary(struct plan_document *out, const json_t *json)
{
	static const struct {
		const char *name;
		size_t offset;
	} parts[] = {
		{ "agents", offsetof(struct plan_document, agents) },
		{ "causes", offsetof(struct plan_document, causes) },
		{ "warnings", offsetof(struct plan_document, warnings) },
	};
	size_t i;

	for (i = 0; i < 3; i++) {
		json_t **to =
			(json_t **)(void *)((char *)out + parts[i].offset);
		json_t *part = json_object_get(json, parts[i].name);

		if (!part || json_typeof(part) != json_typeof(*to))
			return -1;
		json_decref(*to);
		*to = json_incref(part);
	}
	return 0;
}

static int read_lines(struct sv all, struct plan_document *out,
		      const char *path, struct error *err)
{
	size_t at = 0;
	json_t *line = next_line(all, &at);
	json_int_t format =
		json_integer_value(json_object_get(line, "conjoin-plan"));
	bool summed = false;

	if (line) {
		json_decref(out->head);
		out->head = line;
	}
	if (!format)
		return no_plan(path, "it does not begin like one", err);
	if (format != PLAN_FORMAT)
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' was made by another version of conjoin "
				 "(format %lld, this one has %d); make it anew",
				 path, (long long)format, PLAN_FORMAT);
	while (at < all.len) {
		line = next_line(all, &at);
		if (!line)
			return no_plan(path, "a line of it cannot be read",
				       err);
		if (json_object_get(line, "hash")) {
			(void)json_object_set(out->head, "hash",
					      json_object_get(line, "hash"));
			json_decref(line);
			return summed && at == all.len
				       ? 0
				       : no_plan(path, "something was added",
						 err);
		}
		if (json_object_get(line, "causes")) {
			summed = take_summary(out, line) == 0;
			json_decref(line);
		} else {
			(void)json_array_append_new(out->objects, line);
		}
	}
	return no_plan(path, "its end is missing", err);
}

int plan_read(const char *path, struct plan_document *out, struct strbuf *raw,
	      struct error *err)
{
	if (file_read(path, raw, err) < 0)
		return -1;
	return read_lines(strbuf_sv(raw), out, path, err);
}

int plan_verify(const struct plan_document *document, const struct strbuf *raw,
		struct store *store, const char *path, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv all = strbuf_sv(raw);
	const char *hash = text_of(document->head, "hash");
	size_t end = all.len - 1;
	bool foreign = strcmp(text_of(document->head, "store"),
			      plan_store_id(store, &arena)) != 0;
	char found[65];

	arena_release(&arena);
	if (foreign)
		return error_set(err, ERR_INVALID,
				 "'%s' is a plan of another store; nothing was "
				 "written",
				 path);
	while (end > 0 && all.ptr[end - 1] != '\n')
		end--;
	keyed_hash(store, sv_sub(all, 0, end), found);
	if (strcmp(found, hash) != 0)
		return error_set(err, ERR_INVALID,
				 "'%s' is not as it was made: its hash is "
				 "another one; nothing was written",
				 path);
	return 0;
}
