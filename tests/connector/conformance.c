/*
 * conformance.c - the suite: its target, sessions, schemas and samples
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance_private.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

struct conformance *conformance_now;

struct node *conformance_text(struct arena *arena, const char *text)
{
	struct node *node = arena_zalloc(arena, sizeof(*node));

	node->kind = NODE_SCALAR;
	node->text = arena_dup(arena, sv_from(text));
	node->file = "test.yaml";
	node->line = 1;
	node->column = 1;
	return node;
}

static void push_node(struct arena *arena, struct node ***list, size_t len,
		      struct node *node)
{
	struct node **more = arena_array(arena, len + 1, sizeof(*more));

	if (len)
		memcpy(more, *list, len * sizeof(*more));
	more[len] = node;
	*list = more;
}

struct node *conformance_map(struct arena *arena, ...)
{
	struct node *map = arena_zalloc(arena, sizeof(*map));
	const char *key;
	va_list args;

	map->kind = NODE_MAP;
	map->file = "test.yaml";
	va_start(args, arena);
	while ((key = va_arg(args, const char *))) {
		push_node(arena, &map->keys, map->len,
			  conformance_text(arena, key));
		push_node(arena, &map->items, map->len,
			  va_arg(args, struct node *));
		map->len++;
	}
	va_end(args);
	return map;
}

struct node *conformance_list(struct arena *arena, ...)
{
	struct node *list = arena_zalloc(arena, sizeof(*list));
	struct node *item;
	va_list args;

	list->kind = NODE_LIST;
	list->file = "test.yaml";
	va_start(args, arena);
	while ((item = va_arg(args, struct node *)))
		push_node(arena, &list->items, list->len++, item);
	va_end(args);
	return list;
}

const struct conformance_object conformance_three[] = {
	{ "k1", "Adams", "Engineer", "11;12" },
	{ "k2", "Brown, \"Bob\"", NULL, NULL },
	{ "k3", "M\xC3\xBCller", "Clerk", "31" },
};

const char *conformance_attr_names[CONFORMANCE_ATTRS] = { "uid", "sn", "title",
							  "telephoneNumber" };

static void fill_config(void)
{
	static struct attr_def attrs[CONFORMANCE_ATTRS];
	static struct object_type type;
	size_t i;

	if (conformance_now->rdn)
		conformance_attr_names[CONFORMANCE_UID] = conformance_now->rdn;
	if (conformance_now->phone)
		conformance_attr_names[CONFORMANCE_PHONE] =
			conformance_now->phone;
	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		attrs[i] = (struct attr_def){ .name = conformance_attr_names[i],
					      .type = VALUE_STRING };
	attrs[CONFORMANCE_PHONE].multi = true;
	attrs[CONFORMANCE_PHONE].separator = SV_LIT(";");
	type.name = conformance_now->type;
	type.attrs = attrs;
	type.attr_count = CONFORMANCE_ATTRS;
	conformance_now->config.agent = "test";
	conformance_now->config.types = &type;
	conformance_now->config.type_count = 1;
}

static void no_problem(void *data, const struct node *at, const char *message)
{
	(void)data;
	(void)at;
	fail_msg("setting_check: %s", message);
}

void conformance_make(const struct conformance_object *objects, size_t count)
{
	assert_int_equal(conformance_now->make(conformance_now, objects, count),
			 0);
	fill_config();
	assert_non_null(conformance_now->config.connect);
	assert_int_equal(setting_check(conformance_now->config.connect,
				       conformance_now->ops->settings,
				       no_problem, NULL),
			 0);
	if (conformance_now->ops->check)
		conformance_now->ops->check(conformance_now->ops,
					    &conformance_now->config,
					    no_problem, NULL);
}

uint32_t conformance_caps(void)
{
	return connector_caps(conformance_now->ops,
			      conformance_now->config.connect);
}

void conformance_open(struct connector *connector)
{
	struct error err = ERROR_INIT;

	if (connector_open(connector, conformance_now->ops,
			   &conformance_now->config, &err) < 0)
		fail_msg("open: %s", err.msg);
}

bool conformance_can_export(void)
{
	return conformance_caps() & CONNECTOR_CAP_EXPORT;
}

struct values conformance_values(struct arena *arena, const char *text)
{
	struct values values = { NULL, 0 };
	struct sv all = sv_from(text);
	size_t from = 0;

	values.at = arena_array(arena, all.len + 1, sizeof(*values.at));
	while (from < all.len) {
		size_t end = sv_find(all, ';', from);

		values.at[values.len++] =
			value_string(arena_dup(arena, sv_sub(all, from, end)));
		from = end + 1;
	}
	return values;
}

struct sv conformance_dn(struct arena *arena, const char *id)
{
	if (!conformance_now->base)
		return SV_NULL;
	return sv_from(arena_printf(arena, "%s=%s,%s",
				    conformance_attr_names[CONFORMANCE_UID], id,
				    conformance_now->base));
}

static void close_accepts_null(void **state)
{
	(void)state;
	conformance_now->ops->close(NULL);
}

static void a_session_may_end_at_any_time(void **state)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct connector connector;
	struct change change;

	(void)state;
	conformance_make(conformance_three, 3);
	conformance_open(&connector);
	connector_close(&connector);
	conformance_open(&connector);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	connector_close(&connector);
	conformance_open(&connector);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	assert_int_equal(connector_next(&connector, &arena, &change, &err), 1);
	connector_close(&connector);
	arena_release(&arena);
	picture_check_target(conformance_three, 3);
}

static void what_is_broken_says_so(void **state)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	int ret;

	(void)state;
	if (!conformance_now->broken)
		skip();
	conformance_make(conformance_three, 1);
	conformance_now->config.connect =
		conformance_now->broken(conformance_now);
	ret = connector_open(&connector, conformance_now->ops,
			     &conformance_now->config, &err);
	if (ret == 0)
		ret = connector_import_begin(&connector, IMPORT_FULL, SV_NULL,
					     &err);
	assert_int_equal(ret, -1);
	assert_int_not_equal(err.code, ERR_NONE);
	assert_non_null(strstr(err.msg, "test")); /* the agent's name */
	connector_close(&connector);
}

static void what_it_cannot_do_is_refused(void **state)
{
	struct error err = ERROR_INIT;
	struct connector connector;

	(void)state;
	conformance_make(conformance_three, 1);
	conformance_open(&connector);
	if (!(conformance_caps() & CONNECTOR_CAP_DELTA)) {
		assert_int_equal(connector_import_begin(&connector,
							IMPORT_DELTA, SV_NULL,
							&err),
				 -1);
		assert_int_equal(err.code, ERR_UNSUPPORTED);
	}
	if (!conformance_can_export())
		assert_int_equal(connector_export_begin(&connector, &err), -1);
	assert_int_equal(conformance_now->ops->abi, CONNECTOR_ABI);
	/* What is configured is part of what it can do at all. */
	assert_int_equal(conformance_caps() & ~conformance_now->ops->caps, 0);
	connector_close(&connector);
}

static bool is_member(const struct schema_member *members, size_t count,
		      const char *attr)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcasecmp(members[i].attr, attr))
			return true;
	return false;
}

static void check_schema(const struct schema *schema, struct arena *arena)
{
	const struct schema_type *type =
		schema_type_find(schema, sv_from(conformance_now->type));
	struct schema_member *members;
	size_t count;
	size_t i;

	assert_non_null(schema->source);
	assert_non_null(type);
	assert_int_equal(type->kind, SCHEMA_STRUCTURAL);
	count = schema_members(schema, type, arena, &members);
	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		assert_true(
			is_member(members, count, conformance_attr_names[i]));
	for (i = 0; i < count; i++) {
		assert_non_null(
			schema_attr_find(schema, sv_from(members[i].attr)));
		if (i)
			assert_true(strcasecmp(members[i - 1].attr,
					       members[i].attr) < 0);
	}
	for (i = 0; i < schema->attr_count; i++)
		assert_int_not_equal(schema->attrs[i].type, VALUE_NULL);
	for (i = 0; i < schema->setting_count; i++)
		assert_true(schema->settings[i].name &&
			    *schema->settings[i].value &&
			    *schema->settings[i].why);
}

static void a_schema_has_what_objects_have(void **state)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct connector connector;
	struct schema schema;

	(void)state;
	conformance_make(conformance_three, 3);
	conformance_open(&connector);
	if (!conformance_now->ops->schema) {
		assert_null(conformance_now->ops->sample);
		assert_int_equal(
			connector_schema(&connector, &arena, &schema, &err),
			-1);
		assert_int_equal(err.code, ERR_UNSUPPORTED);
	} else {
		if (connector_schema(&connector, &arena, &schema, &err) < 0)
			fail_msg("schema: %s", err.msg);
		check_schema(&schema, &arena);
	}
	connector_close(&connector);
	arena_release(&arena);
}

static const struct schema_object *sample_of(const struct schema_sample *sample,
					     const char *id)
{
	static const struct schema_object nothing = { .type = "" };
	const struct values *ids;
	size_t i;

	for (i = 0; i < sample->count; i++) {
		ids = schema_object_values(
			&sample->objects[i],
			conformance_attr_names[CONFORMANCE_UID]);
		if (ids && ids->len == 1 && sv_eq_str(ids->at[0].text, id))
			return &sample->objects[i];
	}
	fail_msg("%s is not in the sample", id);
	return &nothing;
}

static void read_sample(const char *type, size_t most, struct arena *arena,
			struct schema_sample *out)
{
	struct error err = ERROR_INIT;
	struct connector connector;

	conformance_open(&connector);
	if (connector_sample(&connector, type, most, arena, out, &err) < 0)
		fail_msg("sample: %s", err.msg);
	connector_close(&connector);
}

static void a_sample_is_some_objects(void **state)
{
	struct arena arena = ARENA_INIT;
	const struct schema_object *object;
	struct schema_sample sample;
	const struct values *sn;
	size_t of_type = 0;
	size_t i;

	(void)state;
	conformance_make(conformance_three, 3);
	if (!conformance_now->ops->schema)
		skip();
	assert_non_null(conformance_now->ops->sample);
	read_sample(conformance_now->type, 100, &arena, &sample);
	assert_int_equal(sample.count, 3);
	for (i = 0; i < 3; i++) {
		object = sample_of(&sample, conformance_three[i].id);
		assert_string_equal(object->type, conformance_now->type);
		assert_int_equal(object->dn.len > 0,
				 conformance_now->base != NULL);
		sn = schema_object_values(object, "SN");
		assert_int_equal(sn != NULL, conformance_three[i].sn != NULL);
		if (sn)
			assert_true(sv_eq_str(sn->at[0].text,
					      conformance_three[i].sn));
	}
	read_sample(conformance_now->type, 2, &arena, &sample);
	assert_int_equal(sample.count, 2);
	read_sample("noSuchType", 2, &arena, &sample);
	assert_int_equal(sample.count, 0);
	read_sample(NULL, 100, &arena, &sample);
	for (i = 0; i < sample.count; i++)
		of_type +=
			!strcmp(sample.objects[i].type, conformance_now->type);
	assert_int_equal(of_type, 3);
	arena_release(&arena);
}

int conformance_after_each(void **state)
{
	(void)state;
	if (conformance_now->unmake)
		conformance_now->unmake(conformance_now);
	memset(&conformance_now->config, 0, sizeof(conformance_now->config));
	return 0;
}

static const struct CMUnitTest others[] = {
	SENTENCE(a_session_may_end_at_any_time),
	SENTENCE(what_is_broken_says_so),
	SENTENCE(what_it_cannot_do_is_refused),
	SENTENCE(a_schema_has_what_objects_have),
	SENTENCE(a_sample_is_some_objects),
	SENTENCE(close_accepts_null),
};

#define OTHERS (sizeof(others) / sizeof(*others))

int conformance_run(struct conformance *c)
{
	struct CMUnitTest
		tests[CONFORMANCE_IMPORTS + CONFORMANCE_EXPORTS + OTHERS];
	struct CMUnitTest *at = tests;

	memcpy(at, conformance_imports, sizeof(conformance_imports));
	at += CONFORMANCE_IMPORTS;
	memcpy(at, conformance_exports, sizeof(conformance_exports));
	at += CONFORMANCE_EXPORTS;
	memcpy(at, others, sizeof(others));
	conformance_now = c;
	return cmocka_run_group_tests_name(c->ops->name, tests, NULL, NULL);
}
