/*
 * session.h - run a connector in a test and tell in text what it said
 *
 * One line for each change:
 *
 *	object person 1001: id=1001 last=Adams phones=1,2
 *	update person cn=x: title=Boss phones+3 phones-1 mail=
 *	rename person cn=x -> cn=y: cn-x cn+y
 *	delete person 1001
 *	container ou=people
 *	error parse-error hr.csv:3:1 [1002] what is wrong
 *
 * and for each outcome of an export:
 *
 *	1 ok 1001
 *	2 adopted 1002
 *	3 cd-missing-object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_CONNECTORS_SESSION_H
#define TESTS_UNIT_CONNECTORS_SESSION_H

#include "connector/connector.h"

#include "../../connector/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

struct session {
	struct scratch scratch;
	struct connector_config config;
	const struct connector_ops *ops;
	struct sv watermark; /* of the last import that went through */
	struct error err;    /* of the last call that did not */
	struct strbuf log;
	bool filtered;  /* tells of these too */
	bool keeps;     /* says that what was imported is kept */
	char note[512]; /* of the last import */
};

static inline struct node *text_node(struct session *s, const char *text)
{
	struct node *node = arena_zalloc(&s->scratch.arena, sizeof(*node));

	node->text = arena_dup(&s->scratch.arena, sv_from(text));
	return node;
}

static inline void add_key(struct session *s, struct node *map, const char *key,
			   struct node *value)
{
	struct arena *arena = &s->scratch.arena;
	struct node **keys = arena_array(arena, map->len + 1, sizeof(*keys));
	struct node **items = arena_array(arena, map->len + 1, sizeof(*items));

	if (map->len) {
		memcpy(keys, map->keys, map->len * sizeof(*keys));
		memcpy(items, map->items, map->len * sizeof(*items));
	}
	keys[map->len] = text_node(s, key);
	items[map->len] = value;
	map->keys = keys;
	map->items = items;
	map->len++;
}

static inline struct node *map_node(struct session *s)
{
	struct node *map = arena_zalloc(&s->scratch.arena, sizeof(*map));

	map->kind = NODE_MAP;
	return map;
}

/* "key: value; group.key: value; list[]: a|b": what stands under connect. */
static inline struct node *settings_node(struct session *s, const char *text)
{
	struct node *top = map_node(s);
	struct sv all = sv_from(text);
	size_t at = 0;

	while (at < all.len) {
		size_t end = sv_find(all, ';', at);
		struct sv pair = sv_trim(sv_sub(all, at, end));
		size_t colon = sv_find(pair, ':', 0);
		struct sv key = sv_sub(pair, 0, colon);
		const char *value =
			arena_cstr(&s->scratch.arena,
				   sv_trim(sv_sub(pair, colon + 1, pair.len)));
		struct node *map = top;
		size_t dot;

		while ((dot = sv_find(key, '.', 0)) < key.len) {
			const char *group = arena_cstr(&s->scratch.arena,
						       sv_sub(key, 0, dot));

			if (!node_get(map, group))
				add_key(s, map, group, map_node(s));
			map = node_get(map, group);
			key = sv_sub(key, dot + 1, key.len);
		}
		if (sv_ends(key, SV_LIT("[]"))) {
			struct node *list = map_node(s);
			struct sv items = sv_from(value);
			size_t from = 0;

			while (from < items.len) {
				size_t bar = sv_find(items, '|', from);

				add_key(s, list, "item",
					text_node(s,
						  arena_cstr(&s->scratch.arena,
							     sv_sub(items, from,
								    bar))));
				from = bar + 1;
			}
			list->kind = NODE_LIST;
			add_key(s, map,
				arena_cstr(&s->scratch.arena,
					   sv_sub(key, 0, key.len - 2)),
				list);
		} else {
			add_key(s, map, arena_cstr(&s->scratch.arena, key),
				text_node(s, value));
		}
		at = end + 1;
	}
	return top;
}

static inline void session_make(struct session *s,
				const struct connector_ops *ops,
				const struct object_type *types, size_t count)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(scratch_make(&s->scratch), 0);
	s->ops = ops;
	s->log.max = STRBUF_NO_LIMIT;
	s->config.agent = "hr";
	s->config.folder = s->scratch.folder;
	s->config.types = types;
	s->config.type_count = count;
}

static inline void session_remove(struct session *s)
{
	scratch_remove(&s->scratch);
	strbuf_release(&s->log);
}

static inline void set_connect(struct session *s, const char *text)
{
	s->config.connect = settings_node(s, text);
}

static inline void tell_problem(void *data, const struct node *at,
				const char *message)
{
	struct strbuf *log = data;

	(void)at;
	strbuf_addf(log, "%s\n", message);
}

/* What the checks of the configuration say. */
static inline const char *check_session(struct session *s)
{
	strbuf_reset(&s->log);
	(void)setting_check(s->config.connect, s->ops->settings, tell_problem,
			    &s->log);
	if (s->ops->check)
		s->ops->check(s->ops, &s->config, tell_problem, &s->log);
	return strbuf_cstr(&s->log);
}

static inline void tell_values(struct strbuf *log, const struct values *values)
{
	size_t i;

	for (i = 0; i < values->len; i++) {
		strbuf_adds(log, i ? "," : "");
		strbuf_addsv(log, values->at[i].text);
		if (values->at[i].type == VALUE_BINARY)
			strbuf_adds(log, "(binary)");
	}
}

static inline void tell_attrs(struct session *s, const struct change *change)
{
	static const char *const marks[] = { "=", "+", "-" };
	const struct object_type *type = &s->config.types[change->type];
	size_t i;

	for (i = 0; i < change->attr_count; i++) {
		const struct attr_change *attr = &change->attrs[i];

		strbuf_addf(&s->log, "%s%s%s", i ? " " : ": ",
			    type->attrs[attr->attr].name, marks[attr->op]);
		tell_values(&s->log, &attr->values);
	}
}

static inline void tell_change(struct session *s, const struct change *change)
{
	static const char *const words[] = { "object",  "add",    "update",
					     "rename",  "delete", "error",
					     "filtered" };
	struct sv name = change->anchor.len ? change->anchor : change->dn;

	if (change->op == CHANGE_FILTERED) {
		if (s->filtered)
			strbuf_addf(&s->log, "filtered " SV_FMT " " SV_FMT "\n",
				    SV_ARG(change->where), SV_ARG(name));
		return;
	}
	if (change->op == CHANGE_ERROR) {
		strbuf_addf(&s->log,
			    "error %s " SV_FMT " [" SV_FMT "] " SV_FMT "\n",
			    change->error, SV_ARG(change->where), SV_ARG(name),
			    SV_ARG(change->message));
		return;
	}
	if (change->container)
		strbuf_addf(&s->log, "container %s" SV_FMT,
			    change->op == CHANGE_OBJECT ? ""
							: words[change->op],
			    SV_ARG(name));
	else
		strbuf_addf(&s->log, "%s %s " SV_FMT, words[change->op],
			    s->config.types[change->type].name, SV_ARG(name));
	if (change->anchor.len && change->dn.len &&
	    !sv_eq(change->anchor, change->dn))
		strbuf_addf(&s->log, " (" SV_FMT ")", SV_ARG(change->dn));
	if (change->op == CHANGE_RENAME)
		strbuf_addf(&s->log, " -> " SV_FMT, SV_ARG(change->new_dn));
	tell_attrs(s, change);
	strbuf_addc(&s->log, '\n');
}

/* Everything that an import says, or "failed" with s->err set. */
static inline const char *import(struct session *s, enum import_kind kind)
{
	struct arena arena = ARENA_INIT;
	struct connector connector;
	struct change change;
	struct sv mark;
	int ret;

	strbuf_reset(&s->log);
	error_clear(&s->err);
	ret = connector_open(&connector, s->ops, &s->config, &s->err);
	if (ret == 0)
		ret = connector_import_begin(&connector, kind, s->watermark,
					     &s->err);
	while (ret == 0) {
		ret = connector_next(&connector, &arena, &change, &s->err);
		if (ret <= 0)
			break;
		tell_change(s, &change);
		ret = 0;
	}
	if (ret == 0)
		ret = connector_import_end(&connector, &arena, &mark, &s->err);
	if (ret == 0)
		s->watermark = arena_dup(&s->scratch.arena, mark);
	if (ret == 0 && s->keeps)
		ret = connector_import_kept(&connector, &s->err);
	(void)snprintf(s->note, sizeof(s->note), "%s",
		       ret >= 0 && connector_import_note(&connector)
			       ? connector_import_note(&connector)
			       : "");
	connector_close(&connector);
	arena_release(&arena);
	return ret < 0 ? "failed" : strbuf_cstr(&s->log);
}

static inline struct export_op op_of(uint64_t id, enum export_kind kind,
				     const char *anchor, const char *dn)
{
	return (struct export_op){ .id = id,
				   .kind = kind,
				   .anchor = sv_from(anchor),
				   .dn = sv_from(dn) };
}

/* "title=Boss phones+3 phones-1,2 mail=": with '_' for a blank in a value. */
static inline void set_attrs(struct session *s, struct export_op *op,
			     const char *text)
{
	struct arena *arena = &s->scratch.arena;
	const struct object_type *type = &s->config.types[op->type];
	struct sv all = sv_from(text);
	size_t at = 0;

	op->attrs = arena_array(arena, all.len + 1, sizeof(*op->attrs));
	while (at < all.len) {
		size_t end = sv_find(all, ' ', at);
		struct sv word = sv_sub(all, at, end);
		struct attr_change *change = &op->attrs[op->attr_count++];
		size_t mark = 0;
		size_t from;

		while (mark < word.len && !strchr("=+-", word.ptr[mark]))
			mark++;
		change->op = word.ptr[mark] == '='   ? ATTR_REPLACE
			     : word.ptr[mark] == '+' ? ATTR_ADD
						     : ATTR_DELETE;
		assert_int_equal(object_type_attr(type, sv_sub(word, 0, mark),
						  &change->attr),
				 1);
		change->values.at =
			arena_array(arena, word.len, sizeof(struct value));
		for (from = mark + 1; from < word.len;) {
			size_t comma = sv_find(word, ',', from);
			char *value =
				arena_cstr(arena, sv_sub(word, from, comma));
			char *c;

			for (c = value; *c; c++)
				*c = *c == '_' ? ' ' : *c;
			change->values.at[change->values.len++] =
				value_string(sv_from(value));
			from = comma + 1;
		}
		at = end + 1;
	}
}

/* Exports and tells the outcomes, or "failed" with s->err set. */
static inline const char *export(struct session *s, const struct export_op *ops,
				 size_t count)
{
	struct arena arena = ARENA_INIT;
	struct export_outcome out;
	struct connector connector;
	size_t i;
	int ret;

	strbuf_reset(&s->log);
	error_clear(&s->err);
	ret = connector_open(&connector, s->ops, &s->config, &s->err);
	if (ret == 0)
		ret = connector_export_begin(&connector, &s->err);
	for (i = 0; ret == 0 && i < count; i++)
		ret = connector_export_put(&connector, &ops[i], &s->err);
	if (ret == 0)
		ret = connector_export_end(&connector, &s->err);
	while (ret == 0 &&
	       (ret = connector_export_result(&connector, true, &arena, &out,
					      &s->err)) > 0) {
		strbuf_addf(&s->log, "%d %s", (int)out.id,
			    out.adopted ? "adopted"
			    : out.ok    ? "ok"
					: out.error);
		if (out.anchor.len)
			strbuf_addf(&s->log, " " SV_FMT, SV_ARG(out.anchor));
		strbuf_addc(&s->log, '\n');
		ret = 0;
	}
	connector_close(&connector);
	arena_release(&arena);
	return ret < 0 ? "failed" : strbuf_cstr(&s->log);
}

#endif
