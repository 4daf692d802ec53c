/*
 * conformance_picture.c - what a target holds, as imports tell it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance_private.h"

#include "base/vec.h"
#include "model/dn.h"

#include <stdio.h>
#include <string.h>

void picture_release(struct picture *picture)
{
	arena_release(&picture->arena);
	memset(picture, 0, sizeof(*picture));
}

struct picture_object *picture_find(const struct picture *picture,
				    const char *id)
{
	size_t i;

	for (i = 0; i < picture->len; i++)
		if (!strcmp(picture->at[i].id, id))
			return &picture->at[i];
	return NULL;
}

const struct picture_object *picture_get(const struct picture *picture,
					 const char *id)
{
	static const struct picture_object nobody;
	const struct picture_object *seen = picture_find(picture, id);

	if (!seen)
		fail_msg("%s was not read", id);
	return seen ? seen : &nobody;
}

static struct picture_object *seen_of_change(const struct picture *picture,
					     const struct change *change)
{
	size_t i;

	for (i = 0; i < picture->len; i++) {
		struct picture_object *seen = &picture->at[i];

		if (change->anchor.len ? sv_eq(seen->anchor, change->anchor)
				       : dn_equal(seen->dn, change->dn))
			return seen;
	}
	return NULL;
}

static struct picture_object *add_seen(struct picture *picture)
{
	if (picture->len == picture->size) {
		size_t size = picture->size ? picture->size * 2 : 64;
		struct picture_object *at =
			arena_array(&picture->arena, size, sizeof(*at));

		if (picture->len)
			memcpy(at, picture->at, picture->len * sizeof(*at));
		picture->at = at;
		picture->size = size;
	}
	memset(&picture->at[picture->len], 0, sizeof(*picture->at));
	return &picture->at[picture->len++];
}

static struct sv text_of(const struct value *value)
{
	assert_true(value->type == VALUE_STRING || value->type == VALUE_BINARY);
	return value->text;
}

static void apply_attr(struct picture *picture, struct picture_object *seen,
		       const struct attr_change *change)
{
	struct values *values = &seen->values[change->attr];
	struct value *at = arena_array(
		&picture->arena, values->len + change->values.len, sizeof(*at));
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

static void apply_attrs(struct picture *picture, struct picture_object *seen,
			const struct change *change)
{
	size_t i;

	for (i = 0; i < change->attr_count; i++)
		apply_attr(picture, seen, &change->attrs[i]);
}

static void name_seen(struct picture *picture, struct picture_object *seen,
		      struct sv anchor, struct sv dn)
{
	struct sv id = anchor;

	if (conformance_now->base)
		assert_int_equal(
			dn_component(dn, 1, &picture->arena, NULL, &id), 1);
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

/* Brings the picture up to date with one change. */
static void apply_change(struct picture *picture, const struct change *change)
{
	struct picture_object *seen = seen_of_change(picture, change);

	if (change->container || change->op == CHANGE_FILTERED)
		return;
	if (change->op == CHANGE_ERROR) {
		check_error(change);
		picture->errors++;
		return;
	}
	if (change->op == CHANGE_PRESENT) {
		assert_true(change->anchor.len > 0);
		picture->compares = true;
		if (seen)
			seen->told = true;
		return;
	}
	if (change->op == CHANGE_DELETE && !seen)
		return;
	picture->changes++;
	assert_true(change->anchor.len || change->dn.len);
	switch (change->op) {
	case CHANGE_OBJECT:
	case CHANGE_ADD:
		if (!seen)
			seen = add_seen(picture);
		memset(seen->values, 0, sizeof(seen->values));
		name_seen(picture, seen, change->anchor, change->dn);
		apply_attrs(picture, seen, change);
		seen->told = true;
		break;
	case CHANGE_UPDATE:
	case CHANGE_RENAME:
		assert_non_null(seen);
		if (change->op == CHANGE_RENAME) {
			bool by_dn = sv_eq(seen->anchor, seen->dn);

			name_seen(picture, seen,
				  by_dn ? change->new_dn : seen->anchor,
				  change->new_dn);
		}
		apply_attrs(picture, seen, change);
		break;
	case CHANGE_DELETE:
		*seen = picture->at[--picture->len];
		break;
	case CHANGE_ERROR:
	case CHANGE_FILTERED:
	case CHANGE_PRESENT:
		break;
	}
}

/* Whom such a delta does not name is gone. */
static void take_away_unnamed(struct picture *picture)
{
	size_t i = 0;

	while (picture->compares && i < picture->len) {
		if (picture->at[i].told) {
			i++;
			continue;
		}
		picture->at[i] = picture->at[--picture->len];
		picture->changes++;
	}
}

void picture_read(struct picture *picture, enum import_kind kind)
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

	conformance_open(&connector);
	picture->changes = 0;
	picture->compares = false;
	for (i = 0; i < picture->len; i++)
		picture->at[i].told = false;
	picture->errors = 0;
	picture->failed = false;
	ret = connector_import_begin(&connector, kind, picture->watermark,
				     &err);
	while (ret == 0) {
		ret = connector_next_deferred(&connector, &picture->arena,
					      &change, &err);
		progress = connector_import_progress(&connector);
		assert_in_range(progress + 1, 0, 1001);
		if (ret <= 0)
			break;
		vec_push(&changes, change);
		ret = 0;
	}
	vec_foreach(&changes, each) {
		connector_expand(&connector, &picture->arena, each);
		apply_change(picture, each);
	}
	take_away_unnamed(picture);
	vec_release(&changes);
	if (ret == 0)
		ret = connector_import_end(&connector, &picture->arena, &mark,
					   &err);
	if (ret == 0 && !picture->unkept)
		ret = connector_import_kept(&connector, &err);
	if (ret == 0 && !picture->unkept)
		picture->watermark = arena_dup(&picture->arena, mark);
	picture->failed = ret < 0;
	picture->err = err;
	if (ret < 0)
		assert_true(err.code != ERR_NONE && err.msg[0]);
	connector_close(&connector);
}

void picture_read_full(struct picture *picture)
{
	picture_release(picture);
	picture_read(picture, IMPORT_FULL);
	if (picture->failed)
		fail_msg("full import: %s", picture->err.msg);
}

void picture_read_delta(struct picture *picture)
{
	picture_read(picture, IMPORT_DELTA);
	if (picture->failed)
		fail_msg("delta import: %s", picture->err.msg);
}

static void check_values(const char *id, enum conformance_attr attr,
			 const struct values *have, const char *want)
{
	struct arena scratch = ARENA_INIT;
	struct values values = conformance_values(&scratch, want);

	values_canonical(&values);
	if (!values_identical(have, &values))
		fail_msg("%s: %s is '" SV_FMT "' (%zu values), not '%s'", id,
			 conformance_attr_names[attr],
			 SV_ARG(have->len ? have->at[0].text : SV_NULL),
			 have->len, want ? want : "");
	arena_release(&scratch);
}

void picture_check(const struct picture *picture,
		   const struct conformance_object *objects, size_t count)
{
	size_t i;

	assert_int_equal(picture->len, count);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const struct picture_object *seen = picture_get(picture, o->id);

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

void picture_check_target(const struct conformance_object *objects,
			  size_t count)
{
	struct picture picture = { .len = 0 };

	picture_read_full(&picture);
	picture_check(&picture, objects, count);
	picture_release(&picture);
}
