/*
 * conformance.c - the sentences of connector/connector.h, one test each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance.h"

#include "base/vec.h"
#include "model/dn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

#define MANY 2000

/* The connector that is tested now. */
static struct conformance *now;

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

/* One object as it was read. */
struct seen {
	char id[64];
	struct sv anchor;
	struct sv dn;
	struct values values[CONFORMANCE_ATTRS];
	bool told; /* by the delta that is read */
};

struct image {
	struct arena arena;
	struct seen *at;
	size_t len;
	size_t size;
	size_t errors;
	size_t changes;
	bool compares; /* the delta names all that are there */
	struct sv watermark;
	struct error err; /* when reading failed */
	bool failed;
};

static void image_release(struct image *image)
{
	arena_release(&image->arena);
	memset(image, 0, sizeof(*image));
}

static struct seen *image_find(const struct image *image, const char *id)
{
	size_t i;

	for (i = 0; i < image->len; i++)
		if (!strcmp(image->at[i].id, id))
			return &image->at[i];
	return NULL;
}

/* As image_find, of one that must be there. */
static const struct seen *seen_of(const struct image *image, const char *id)
{
	static const struct seen nobody;
	const struct seen *seen = image_find(image, id);

	if (!seen)
		fail_msg("%s was not read", id);
	return seen ? seen : &nobody;
}

static struct seen *image_of_change(const struct image *image,
				    const struct change *change)
{
	size_t i;

	for (i = 0; i < image->len; i++) {
		struct seen *seen = &image->at[i];

		if (change->anchor.len ? sv_eq(seen->anchor, change->anchor)
				       : dn_equal(seen->dn, change->dn))
			return seen;
	}
	return NULL;
}

static struct seen *image_add(struct image *image)
{
	if (image->len == image->size) {
		size_t size = image->size ? image->size * 2 : 64;
		struct seen *at = arena_array(&image->arena, size, sizeof(*at));

		if (image->len)
			memcpy(at, image->at, image->len * sizeof(*at));
		image->at = at;
		image->size = size;
	}
	memset(&image->at[image->len], 0, sizeof(*image->at));
	return &image->at[image->len++];
}

static struct sv text_of(const struct value *value)
{
	assert_true(value->type == VALUE_STRING || value->type == VALUE_BINARY);
	return value->text;
}

static void apply_attr(struct image *image, struct seen *seen,
		       const struct attr_change *change)
{
	struct values *values = &seen->values[change->attr];
	struct value *at = arena_array(
		&image->arena, values->len + change->values.len, sizeof(*at));
	size_t len = 0;
	size_t i;

	assert_true(change->attr < CONFORMANCE_ATTRS);
	for (i = 0; change->op != ATTR_REPLACE && i < values->len; i++)
		if (change->op == ATTR_ADD ||
		    !values_have(&change->values, &values->at[i],
				 MATCH_IGNORE_CASE))
			at[len++] = values->at[i];
	for (i = 0; change->op != ATTR_DELETE && i < change->values.len; i++) {
		(void)text_of(&change->values.at[i]);
		at[len++] = change->values.at[i];
	}
	values->at = at;
	values->len = len;
	values_canonical(values);
}

static void apply_attrs(struct image *image, struct seen *seen,
			const struct change *change)
{
	size_t i;

	for (i = 0; i < change->attr_count; i++)
		apply_attr(image, seen, &change->attrs[i]);
}

static void name_seen(struct image *image, struct seen *seen, struct sv anchor,
		      struct sv dn)
{
	struct sv id = anchor;

	if (now->base)
		assert_int_equal(dn_component(dn, 1, &image->arena, NULL, &id),
				 1);
	(void)snprintf(seen->id, sizeof(seen->id), SV_FMT, SV_ARG(id));
	if (anchor.len)
		seen->anchor = anchor;
	seen->dn = dn;
}

static void check_error(const struct change *change)
{
	assert_non_null(change->error);
	assert_true(change->error[0] != '\0');
	assert_true(change->message.len > 0);
}

/* Brings the image up to date with one change. */
static void apply_change(struct image *image, const struct change *change)
{
	struct seen *seen = image_of_change(image, change);

	if (change->container || change->op == CHANGE_FILTERED)
		return;
	if (change->op == CHANGE_ERROR) {
		check_error(change);
		image->errors++;
		return;
	}
	if (change->op == CHANGE_PRESENT) {
		assert_true(change->anchor.len > 0);
		image->compares = true;
		if (seen)
			seen->told = true;
		return;
	}
	if (change->op == CHANGE_DELETE && !seen)
		return;
	image->changes++;
	assert_true(change->anchor.len || change->dn.len);
	switch (change->op) {
	case CHANGE_OBJECT:
	case CHANGE_ADD:
		if (!seen)
			seen = image_add(image);
		memset(seen->values, 0, sizeof(seen->values));
		name_seen(image, seen, change->anchor, change->dn);
		apply_attrs(image, seen, change);
		seen->told = true;
		break;
	case CHANGE_UPDATE:
	case CHANGE_RENAME:
		assert_non_null(seen);
		if (change->op == CHANGE_RENAME) {
			bool by_dn = sv_eq(seen->anchor, seen->dn);

			name_seen(image, seen,
				  by_dn ? change->new_dn : seen->anchor,
				  change->new_dn);
		}
		apply_attrs(image, seen, change);
		break;
	case CHANGE_DELETE:
		*seen = image->at[--image->len];
		break;
	case CHANGE_ERROR:
	case CHANGE_FILTERED:
	case CHANGE_PRESENT:
		break;
	}
}

/* Whom such a delta does not name is gone. */
static void take_away_unnamed(struct image *image)
{
	size_t i = 0;

	while (image->compares && i < image->len) {
		if (image->at[i].told) {
			i++;
			continue;
		}
		image->at[i] = image->at[--image->len];
		image->changes++;
	}
}

static const char *attr_names[CONFORMANCE_ATTRS] = { "uid", "sn", "title",
						     "telephoneNumber" };

static void fill_config(void)
{
	static struct attr_def attrs[CONFORMANCE_ATTRS];
	static struct object_type type;
	size_t i;

	if (now->rdn)
		attr_names[CONFORMANCE_UID] = now->rdn;
	if (now->phone)
		attr_names[CONFORMANCE_PHONE] = now->phone;
	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		attrs[i] = (struct attr_def){ .name = attr_names[i],
					      .type = VALUE_STRING };
	attrs[CONFORMANCE_PHONE].multi = true;
	attrs[CONFORMANCE_PHONE].separator = SV_LIT(";");
	type.name = now->type;
	type.attrs = attrs;
	type.attr_count = CONFORMANCE_ATTRS;
	now->config.agent = "test";
	now->config.types = &type;
	now->config.type_count = 1;
}

static void no_problem(void *data, const struct node *at, const char *message)
{
	(void)data;
	(void)at;
	fail_msg("setting_check: %s", message);
}

static void make(const struct conformance_object *objects, size_t count)
{
	assert_int_equal(now->make(now, objects, count), 0);
	fill_config();
	assert_non_null(now->config.connect);
	assert_int_equal(setting_check(now->config.connect, now->ops->settings,
				       no_problem, NULL),
			 0);
	if (now->ops->check)
		now->ops->check(now->ops, &now->config, no_problem, NULL);
}

static uint32_t caps(void)
{
	return connector_caps(now->ops, now->config.connect);
}

static void open_connector(struct connector *connector)
{
	struct error err = ERROR_INIT;

	if (connector_open(connector, now->ops, &now->config, &err) < 0)
		fail_msg("open: %s", err.msg);
}

/* Reads into the image; a failure is left in image->err. Nothing that next()
 * gave is forgotten before the end, and what it deferred is asked for then. */
static void read_into(struct image *image, enum import_kind kind)
{
	size_t i;
	VEC(struct change) changes = VEC_INIT;
	struct error err = ERROR_INIT;
	struct connector connector;
	struct change change;
	struct change *each;
	struct sv mark;
	int progress;
	int ret;

	open_connector(&connector);
	image->changes = 0;
	image->compares = false;
	for (i = 0; i < image->len; i++)
		image->at[i].told = false;
	image->errors = 0;
	image->failed = false;
	ret = connector_import_begin(&connector, kind, image->watermark, &err);
	while (ret == 0) {
		ret = connector_next_deferred(&connector, &image->arena,
					      &change, &err);
		progress = connector_import_progress(&connector);
		assert_in_range(progress + 1, 0, 1001);
		if (ret <= 0)
			break;
		vec_push(&changes, change);
		ret = 0;
	}
	vec_foreach(&changes, each) {
		connector_expand(&connector, &image->arena, each);
		apply_change(image, each);
	}
	take_away_unnamed(image);
	vec_release(&changes);
	if (ret == 0)
		ret = connector_import_end(&connector, &image->arena, &mark,
					   &err);
	if (ret == 0)
		image->watermark = arena_dup(&image->arena, mark);
	image->failed = ret < 0;
	image->err = err;
	if (ret < 0)
		assert_true(err.code != ERR_NONE && err.msg[0]);
	connector_close(&connector);
}

static void assert_changes(const struct image *image, size_t count)
{
	if (!now->overlaps)
		assert_int_equal(image->changes, count);
}

static void read_full(struct image *image)
{
	image_release(image);
	read_into(image, IMPORT_FULL);
	if (image->failed)
		fail_msg("full import: %s", image->err.msg);
}

static void read_delta(struct image *image)
{
	read_into(image, IMPORT_DELTA);
	if (image->failed)
		fail_msg("delta import: %s", image->err.msg);
}

/* The values of a text with ';' between them, NULL: none. */
static struct values make_values(struct arena *arena, const char *text)
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

static void check_values(const char *id, enum conformance_attr attr,
			 const struct values *have, const char *want)
{
	struct arena scratch = ARENA_INIT;
	struct values values = make_values(&scratch, want);

	values_canonical(&values);
	if (!values_identical(have, &values))
		fail_msg("%s: %s is '" SV_FMT "' (%zu values), not '%s'", id,
			 attr_names[attr],
			 SV_ARG(have->len ? have->at[0].text : SV_NULL),
			 have->len, want ? want : "");
	arena_release(&scratch);
}

/* The image holds these objects and no others. */
static void check_image(const struct image *image,
			const struct conformance_object *objects, size_t count)
{
	size_t i;

	assert_int_equal(image->len, count);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const struct seen *seen = seen_of(image, o->id);

		check_values(o->id, CONFORMANCE_UID,
			     &seen->values[CONFORMANCE_UID], o->id);
		check_values(o->id, CONFORMANCE_SN,
			     &seen->values[CONFORMANCE_SN], o->sn);
		check_values(o->id, CONFORMANCE_TITLE,
			     &seen->values[CONFORMANCE_TITLE], o->title);
		check_values(o->id, CONFORMANCE_PHONE,
			     &seen->values[CONFORMANCE_PHONE], o->phones);
	}
}

static void check_target(const struct conformance_object *objects, size_t count)
{
	struct image image = { .len = 0 };

	read_full(&image);
	check_image(&image, objects, count);
	image_release(&image);
}

/* Operations of one export, and their outcomes at the same places. */
#define MAX_OPS 16

struct batch {
	struct arena arena;
	struct export_op ops[MAX_OPS];
	struct export_outcome outcomes[MAX_OPS];
	size_t len;
	struct image before; /* the target as it was: for anchors */
};

static void batch_init(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	read_full(&batch->before);
}

static void batch_release(struct batch *batch)
{
	arena_release(&batch->arena);
	image_release(&batch->before);
}

static struct sv dn_of(struct arena *arena, const char *id)
{
	if (!now->base)
		return SV_NULL;
	return sv_from(arena_printf(
		arena, "%s=%s,%s", attr_names[CONFORMANCE_UID], id, now->base));
}

static struct export_op *put(struct batch *batch, enum export_kind kind,
			     const char *id)
{
	struct export_op *op = &batch->ops[batch->len];
	const struct seen *seen = image_find(&batch->before, id);

	assert_true(batch->len < MAX_OPS);
	op->id = 1000 + batch->len++;
	op->kind = kind;
	op->dn = dn_of(&batch->arena, id);
	op->attrs = arena_array(&batch->arena, 8, sizeof(*op->attrs));
	if (kind == EXPORT_ADD)
		return op;
	if (seen)
		op->anchor = seen->anchor;
	else if (!now->base)
		op->anchor = arena_dup(&batch->arena, sv_from(id));
	return op;
}

static void put_attr(struct batch *batch, struct export_op *op,
		     enum conformance_attr attr, enum attr_op how,
		     const char *text)
{
	struct attr_change *change = &op->attrs[op->attr_count++];

	change->attr = attr;
	change->op = how;
	change->values = make_values(&batch->arena, text);
}

static void put_object(struct batch *batch, struct export_op *op,
		       const struct conformance_object *object)
{
	const char *const texts[CONFORMANCE_ATTRS] = { object->id, object->sn,
						       object->title,
						       object->phones };
	size_t i;

	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		if (texts[i])
			put_attr(batch, op, (enum conformance_attr)i,
				 ATTR_REPLACE, texts[i]);
}

static struct export_op *put_add(struct batch *batch,
				 const struct conformance_object *object)
{
	struct export_op *op = put(batch, EXPORT_ADD, object->id);

	put_object(batch, op, object);
	return op;
}

static void take_outcome(struct batch *batch,
			 const struct export_outcome *outcome)
{
	size_t i = (size_t)outcome->id - 1000;

	assert_true(outcome->id >= 1000 && i < batch->len);
	/* One outcome for each operation. */
	assert_int_equal(batch->outcomes[i].id, 0);
	assert_true(outcome->ok == !outcome->error);
	batch->outcomes[i] = *outcome;
}

static void drain(struct connector *connector, struct batch *batch, bool wait)
{
	struct export_outcome outcome;
	struct error err = ERROR_INIT;
	int ret;

	while ((ret = connector_export_result(connector, wait, &batch->arena,
					      &outcome, &err)) > 0)
		take_outcome(batch, &outcome);
	if (ret < 0)
		fail_msg("result: %s", err.msg);
}

static void run(struct batch *batch)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	size_t i;

	open_connector(&connector);
	if (connector_export_begin(&connector, &err) < 0)
		fail_msg("export_begin: %s", err.msg);
	for (i = 0; i < batch->len; i++) {
		if (connector_export_put(&connector, &batch->ops[i], &err) < 0)
			fail_msg("put: %s", err.msg);
		drain(&connector, batch, false);
	}
	if (connector_export_end(&connector, &err) < 0)
		fail_msg("export_end: %s", err.msg);
	drain(&connector, batch, true);
	connector_close(&connector);
	for (i = 0; i < batch->len; i++)
		assert_int_equal(batch->outcomes[i].id, batch->ops[i].id);
}

static void check_ok(const struct batch *batch, size_t i)
{
	const struct export_outcome *outcome = &batch->outcomes[i];

	if (!outcome->ok)
		fail_msg("operation %zu: %s: " SV_FMT, i, outcome->error,
			 SV_ARG(outcome->message));
}

static void check_refused(const struct batch *batch, size_t i,
			  const char *error)
{
	assert_false(batch->outcomes[i].ok);
	assert_string_equal(batch->outcomes[i].error, error);
	assert_true(batch->outcomes[i].message.len > 0);
}

static bool exports(void)
{
	return caps() & CONNECTOR_CAP_EXPORT;
}

/* A delta shows what this connector exported. */
static bool follows_exports(void)
{
	return (caps() & CONNECTOR_CAP_DELTA) && !now->change;
}

static const struct conformance_object three[] = {
	{ "k1", "Adams", "Engineer", "11;12" },
	{ "k2", "Brown, \"Bob\"", NULL, NULL },
	{ "k3", "M\xC3\xBCller", "Clerk", "31" },
};

static void full_import_yields_all(void **state)
{
	(void)state;
	make(three, 3);
	check_target(three, 3);
	/* ... and the same again */
	check_target(three, 3);
}

static void an_empty_target_yields_nothing(void **state)
{
	struct image image = { .len = 0 };

	(void)state;
	make(NULL, 0);
	read_full(&image);
	assert_int_equal(image.len, 0);
	assert_int_equal(image.errors, 0);
	image_release(&image);
}

static void what_next_gave_stays(void **state)
{
	struct conformance_object *objects;
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	objects = arena_array(&arena, MANY, sizeof(*objects));
	for (i = 0; i < MANY; i++) {
		objects[i].id = arena_printf(&arena, "u%zu", i);
		objects[i].sn = arena_printf(&arena, "Name%zu", i);
		objects[i].title = arena_printf(&arena, "Title of %zu", i);
	}
	make(objects, MANY);
	check_target(objects, MANY);
	arena_release(&arena);
}

static void a_bad_object_is_an_error_of_its_own(void **state)
{
	struct image image = { .len = 0 };

	(void)state;
	if (!now->spoil)
		skip();
	make(three, 3);
	assert_int_equal(now->spoil(now), 0);
	read_full(&image);
	assert_int_equal(image.errors, 1);
	check_image(&image, three, 3);
	image_release(&image);
}

static void a_delta_of_nothing_is_empty(void **state)
{
	struct image image = { .len = 0 };

	(void)state;
	make(three, 3);
	if (!(caps() & CONNECTOR_CAP_DELTA))
		skip();
	read_full(&image);
	assert_true(image.watermark.len > 0);
	if (now->change) {
		read_delta(&image);
		image.changes = 0;
	}
	read_delta(&image);
	assert_changes(&image, 0);
	read_delta(&image);
	assert_changes(&image, 0);
	check_image(&image, three, 3);
	image_release(&image);
}

static void a_delta_yields_what_changed(void **state)
{
	static const struct conformance_object changes[] = {
		{ "k2", "Braun", "Boss", "21" },
		{ "k4", "Dent", NULL, NULL },
		{ "k1", NULL, NULL, NULL },
	};
	const struct conformance_object after[] = { changes[0], three[2],
						    changes[1] };
	struct image image = { .len = 0 };
	size_t i;

	(void)state;
	make(three, 3);
	if (!now->change)
		skip();
	read_full(&image);
	for (i = 0; i < 3; i++)
		assert_int_equal(now->change(now, &changes[i]), 0);
	read_delta(&image);
	assert_changes(&image, 3);
	check_image(&image, after, 3);
	read_delta(&image);
	assert_changes(&image, 0);
	image_release(&image);
}

static void a_delta_yields_what_was_exported(void **state)
{
	static const struct conformance_object k4 = { "k4", "Dent", "Guest",
						      NULL };
	static const struct conformance_object after[] = {
		{ "k1", "Adams", "Boss", "12;13" },
		{ "k3", "M\xC3\xBCller", "Clerk", "31" },
		{ "k4", "Dent", "Guest", NULL },
	};
	struct image image = { .len = 0 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 3);
	if (!follows_exports() || !exports())
		skip();
	batch_init(&batch);
	read_full(&image);
	op = put(&batch, EXPORT_UPDATE, "k1");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE, "11");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13");
	(void)put_add(&batch, &k4);
	(void)put(&batch, EXPORT_DELETE, "k2");
	run(&batch);
	check_ok(&batch, 0);
	check_ok(&batch, 1);
	check_ok(&batch, 2);
	read_delta(&image);
	assert_changes(&image, 3);
	check_image(&image, after, 3);
	read_delta(&image);
	assert_changes(&image, 0);
	image_release(&image);
	batch_release(&batch);
}

static void a_delta_yields_a_rename(void **state)
{
	static const struct conformance_object after[] = {
		{ "k9", "Adams", "Boss", "11;12" },
	};
	struct image image = { .len = 0 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 1);
	if (!follows_exports() || !(caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	read_full(&image);
	op = put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = dn_of(&batch.arena, "k9");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	run(&batch);
	check_ok(&batch, 0);
	read_delta(&image);
	check_image(&image, after, 1);
	image_release(&image);
	batch_release(&batch);
}

static void a_stale_watermark_is_a_conflict(void **state)
{
	struct image image = { .len = 0 };

	(void)state;
	make(three, 3);
	if (!(caps() & CONNECTOR_CAP_DELTA))
		skip();
	read_into(&image, IMPORT_DELTA);
	assert_true(image.failed);
	assert_int_equal(image.err.code, ERR_CONFLICT);
	image.watermark = SV_LIT("no watermark of this connector");
	read_into(&image, IMPORT_DELTA);
	assert_true(image.failed);
	assert_int_equal(image.err.code, ERR_CONFLICT);
	image_release(&image);
}

static void a_full_import_takes_any_watermark(void **state)
{
	struct image image = { .len = 0 };

	(void)state;
	make(three, 3);
	image.watermark = SV_LIT("no watermark of this connector");
	read_into(&image, IMPORT_FULL);
	assert_false(image.failed);
	check_image(&image, three, 3);
	image_release(&image);
}

static void adds_are_read_back(void **state)
{
	struct image image = { .len = 0 };
	struct batch batch;
	size_t i;

	(void)state;
	make(NULL, 0);
	if (!exports())
		skip();
	batch_init(&batch);
	for (i = 0; i < 3; i++)
		(void)put_add(&batch, &three[i]);
	run(&batch);
	read_full(&image);
	check_image(&image, three, 3);
	for (i = 0; i < 3; i++) {
		const struct seen *seen = seen_of(&image, three[i].id);

		check_ok(&batch, i);
		assert_false(batch.outcomes[i].adopted);
		if (now->system_anchor)
			assert_true(batch.outcomes[i].anchor.len > 0);
		if (batch.outcomes[i].anchor.len)
			assert_true(
				sv_eq(batch.outcomes[i].anchor, seen->anchor));
		if (batch.outcomes[i].dn.len)
			assert_true(dn_equal(batch.outcomes[i].dn, seen->dn));
	}
	image_release(&image);
	batch_release(&batch);
}

static void an_update_changes_values(void **state)
{
	static const struct conformance_object after[] = {
		{ "k1", "Adams", NULL, "12;13;14" },
		{ "k2", "Brown, \"Bob\"", "Boss", "21" },
		{ "k3", "M\xC3\xBCller", "Clerk", "32" },
	};
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 3);
	if (!exports())
		skip();
	batch_init(&batch);
	op = put(&batch, EXPORT_UPDATE, "k1");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13;14");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE, "11");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, NULL);
	op = put(&batch, EXPORT_UPDATE, "k2");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "21");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	op = put(&batch, EXPORT_UPDATE, "k3");
	put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_REPLACE, "32");
	run(&batch);
	check_ok(&batch, 0);
	check_ok(&batch, 1);
	check_ok(&batch, 2);
	check_target(after, 3);
	batch_release(&batch);
}

static void values_of_any_text_come_back(void **state)
{
	static const struct conformance_object odd[] = {
		{ "k1", "two words, and \"quotes\": colons", "<b>\\x", NULL },
		{ "k2", "\xE5\xB1\xB1\xE7\x94\xB0", "#1", "+49 (30) 12-34" },
		{ "k3", "a+b=c", "=1+1", NULL },
	};
	struct batch batch;
	size_t i;

	(void)state;
	make(NULL, 0);
	if (!exports())
		skip();
	batch_init(&batch);
	for (i = 0; i < 3; i++)
		(void)put_add(&batch, &odd[i]);
	run(&batch);
	for (i = 0; i < 3; i++)
		check_ok(&batch, i);
	check_target(odd, 3);
	batch_release(&batch);
}

static void a_rename_changes_the_name(void **state)
{
	static const struct conformance_object after[] = {
		{ "k9", "Adams", "Boss", "11;12" },
		{ "k2", "Brown, \"Bob\"", NULL, NULL },
	};
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!(caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	op = put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = dn_of(&batch.arena, "k9");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	run(&batch);
	check_ok(&batch, 0);
	if (batch.outcomes[0].dn.len)
		assert_true(dn_equal(batch.outcomes[0].dn, op->new_dn));
	check_target(after, 2);
	batch_release(&batch);
}

static void names_may_change_hands(void **state)
{
	static const struct conformance_object after[] = {
		{ "k1", "Brown, \"Bob\"", NULL, NULL },
		{ "k9", "Adams", "Engineer", "11;12" },
	};
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!(caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	op = put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = dn_of(&batch.arena, "k9");
	op = put(&batch, EXPORT_RENAME, "k2");
	op->new_dn = dn_of(&batch.arena, "k1");
	run(&batch);
	check_ok(&batch, 0);
	check_ok(&batch, 1);
	check_target(after, 2);
	batch_release(&batch);
}

static void a_delete_takes_the_object_away(void **state)
{
	struct batch batch;

	(void)state;
	make(three, 3);
	if (!exports())
		skip();
	batch_init(&batch);
	(void)put(&batch, EXPORT_DELETE, "k3");
	run(&batch);
	check_ok(&batch, 0);
	check_target(three, 2);
	batch_release(&batch);
}

static void a_delete_add_replaces_the_object(void **state)
{
	static const struct conformance_object fresh = { "k1", "New", NULL,
							 "99" };
	const struct conformance_object after[] = { fresh, three[1] };
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!exports())
		skip();
	batch_init(&batch);
	op = put(&batch, EXPORT_DELETE_ADD, "k1");
	put_object(&batch, op, &fresh);
	run(&batch);
	check_ok(&batch, 0);
	check_target(after, 2);
	batch_release(&batch);
}

static void a_refused_object_stops_no_other(void **state)
{
	static const struct conformance_object again = { "k1", "Other", NULL,
							 NULL };
	static const struct conformance_object k4 = { "k4", "Dent", NULL,
						      NULL };
	const struct conformance_object after[] = { three[0], three[1], k4 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!exports() || now->trusting)
		skip();
	batch_init(&batch);
	(void)put_add(&batch, &again);
	op = put(&batch, EXPORT_UPDATE, "nobody");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	(void)put_add(&batch, &k4);
	run(&batch);
	check_refused(&batch, 0, "cd-existing-object");
	check_refused(&batch, 1, "cd-missing-object");
	check_ok(&batch, 2);
	check_target(after, 3);
	batch_release(&batch);
}

static void a_repeated_add_is_adopted(void **state)
{
	static const struct conformance_object other = { "k2", "Other", NULL,
							 NULL };
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!exports())
		skip();
	batch_init(&batch);
	put_add(&batch, &three[0])->retry = true;
	put_add(&batch, &other)->retry = true;
	put_add(&batch, &three[2])->retry = true;
	run(&batch);
	check_ok(&batch, 0);
	assert_true(batch.outcomes[0].adopted);
	if (now->system_anchor)
		assert_true(sv_eq(batch.outcomes[0].anchor,
				  seen_of(&batch.before, "k1")->anchor));
	check_refused(&batch, 1, "cd-existing-object");
	check_ok(&batch, 2);
	assert_false(batch.outcomes[2].adopted);
	check_target(three, 3);
	batch_release(&batch);
}

static void repeated_changes_do_nothing_more(void **state)
{
	static const struct conformance_object after[] = {
		{ "k1", "Adams", "Engineer", "12;13" },
	};
	struct export_op *op;
	struct batch batch;
	int round;

	(void)state;
	make(three, 2);
	if (!exports())
		skip();
	batch_init(&batch);
	for (round = 0; round < 2; round++) {
		batch.len = 0;
		memset(batch.outcomes, 0, sizeof(batch.outcomes));
		memset(batch.ops, 0, sizeof(batch.ops));
		op = put(&batch, EXPORT_UPDATE, "k1");
		put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE, "11");
		put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13");
		op->retry = round > 0;
		op = put(&batch, EXPORT_DELETE, "k2");
		op->retry = round > 0;
		run(&batch);
		check_ok(&batch, 0);
		check_ok(&batch, 1);
	}
	check_target(after, 1);
	batch_release(&batch);
}

static void a_repeated_rename_is_done(void **state)
{
	static const struct conformance_object after[] = {
		{ "k9", "Adams", "Boss", "11;12" },
	};
	struct export_op *op;
	struct batch batch;
	int round;

	(void)state;
	make(three, 1);
	if (!(caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	for (round = 0; round < 2; round++) {
		batch.len = 0;
		memset(batch.outcomes, 0, sizeof(batch.outcomes));
		memset(batch.ops, 0, sizeof(batch.ops));
		op = put(&batch, EXPORT_RENAME, "k1");
		op->new_dn = dn_of(&batch.arena, "k9");
		op->retry = round > 0;
		put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
		run(&batch);
		check_ok(&batch, 0);
	}
	check_target(after, 1);
	batch_release(&batch);
}

static void nothing_is_written_before_the_end(void **state)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	struct export_op *op;
	struct batch batch;
	size_t i;

	(void)state;
	make(three, 2);
	if (!(caps() & CONNECTOR_CAP_AT_ONCE) || !exports())
		skip();
	batch_init(&batch);
	(void)put_add(&batch, &three[2]);
	(void)put(&batch, EXPORT_DELETE, "k1");
	op = put(&batch, EXPORT_UPDATE, "k2");
	put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	open_connector(&connector);
	assert_int_equal(connector_export_begin(&connector, &err), 0);
	for (i = 0; i < batch.len; i++)
		assert_int_equal(
			connector_export_put(&connector, &batch.ops[i], &err),
			0);
	check_target(three, 2);
	connector_close(&connector);
	check_target(three, 2);
	batch_release(&batch);
}

static void an_export_of_nothing_is_fine(void **state)
{
	struct batch batch;

	(void)state;
	make(three, 2);
	if (!exports())
		skip();
	batch_init(&batch);
	run(&batch);
	check_target(three, 2);
	batch_release(&batch);
}

static void close_accepts_null(void **state)
{
	(void)state;
	now->ops->close(NULL);
}

static void a_session_may_end_at_any_time(void **state)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct connector connector;
	struct change change;

	(void)state;
	make(three, 3);
	open_connector(&connector);
	connector_close(&connector);
	open_connector(&connector);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	connector_close(&connector);
	open_connector(&connector);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	assert_int_equal(connector_next(&connector, &arena, &change, &err), 1);
	connector_close(&connector);
	arena_release(&arena);
	check_target(three, 3);
}

static void what_is_broken_says_so(void **state)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	int ret;

	(void)state;
	if (!now->broken)
		skip();
	make(three, 1);
	now->config.connect = now->broken(now);
	ret = connector_open(&connector, now->ops, &now->config, &err);
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
	make(three, 1);
	open_connector(&connector);
	if (!(caps() & CONNECTOR_CAP_DELTA)) {
		assert_int_equal(connector_import_begin(&connector,
							IMPORT_DELTA, SV_NULL,
							&err),
				 -1);
		assert_int_equal(err.code, ERR_UNSUPPORTED);
	}
	if (!exports())
		assert_int_equal(connector_export_begin(&connector, &err), -1);
	assert_int_equal(now->ops->abi, CONNECTOR_ABI);
	/* What is configured is part of what it can do at all. */
	assert_int_equal(caps() & ~now->ops->caps, 0);
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
		schema_type_find(schema, sv_from(now->type));
	struct schema_member *members;
	size_t count;
	size_t i;

	assert_non_null(schema->source);
	assert_non_null(type);
	assert_int_equal(type->kind, SCHEMA_STRUCTURAL);
	count = schema_members(schema, type, arena, &members);
	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		assert_true(is_member(members, count, attr_names[i]));
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
	make(three, 3);
	open_connector(&connector);
	if (!now->ops->schema) {
		assert_null(now->ops->sample);
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
		ids = schema_object_values(&sample->objects[i],
					   attr_names[CONFORMANCE_UID]);
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

	open_connector(&connector);
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
	make(three, 3);
	if (!now->ops->schema)
		skip();
	assert_non_null(now->ops->sample);
	read_sample(now->type, 100, &arena, &sample);
	assert_int_equal(sample.count, 3);
	for (i = 0; i < 3; i++) {
		object = sample_of(&sample, three[i].id);
		assert_string_equal(object->type, now->type);
		assert_int_equal(object->dn.len > 0, now->base != NULL);
		sn = schema_object_values(object, "SN");
		assert_int_equal(sn != NULL, three[i].sn != NULL);
		if (sn)
			assert_true(sv_eq_str(sn->at[0].text, three[i].sn));
	}
	read_sample(now->type, 2, &arena, &sample);
	assert_int_equal(sample.count, 2);
	read_sample("noSuchType", 2, &arena, &sample);
	assert_int_equal(sample.count, 0);
	read_sample(NULL, 100, &arena, &sample);
	for (i = 0; i < sample.count; i++)
		of_type += !strcmp(sample.objects[i].type, now->type);
	assert_int_equal(of_type, 3);
	arena_release(&arena);
}

static int after_each(void **state)
{
	(void)state;
	if (now->unmake)
		now->unmake(now);
	memset(&now->config, 0, sizeof(now->config));
	return 0;
}

#define SENTENCE(name) cmocka_unit_test_teardown(name, after_each)

int conformance_run(struct conformance *c)
{
	const struct CMUnitTest tests[] = {
		SENTENCE(full_import_yields_all),
		SENTENCE(an_empty_target_yields_nothing),
		SENTENCE(what_next_gave_stays),
		SENTENCE(a_bad_object_is_an_error_of_its_own),
		SENTENCE(a_delta_of_nothing_is_empty),
		SENTENCE(a_delta_yields_what_changed),
		SENTENCE(a_delta_yields_what_was_exported),
		SENTENCE(a_delta_yields_a_rename),
		SENTENCE(a_stale_watermark_is_a_conflict),
		SENTENCE(a_full_import_takes_any_watermark),
		SENTENCE(adds_are_read_back),
		SENTENCE(an_update_changes_values),
		SENTENCE(values_of_any_text_come_back),
		SENTENCE(a_rename_changes_the_name),
		SENTENCE(names_may_change_hands),
		SENTENCE(a_delete_takes_the_object_away),
		SENTENCE(a_delete_add_replaces_the_object),
		SENTENCE(a_refused_object_stops_no_other),
		SENTENCE(a_repeated_add_is_adopted),
		SENTENCE(repeated_changes_do_nothing_more),
		SENTENCE(a_repeated_rename_is_done),
		SENTENCE(nothing_is_written_before_the_end),
		SENTENCE(an_export_of_nothing_is_fine),
		SENTENCE(a_session_may_end_at_any_time),
		SENTENCE(what_is_broken_says_so),
		SENTENCE(what_it_cannot_do_is_refused),
		SENTENCE(a_schema_has_what_objects_have),
		SENTENCE(a_sample_is_some_objects),
		SENTENCE(close_accepts_null),
	};

	now = c;
	return cmocka_run_group_tests_name(c->ops->name, tests, NULL, NULL);
}
