/*
 * conformance_imports.c - the sentences about imports
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance_private.h"

#define MANY 2000

/* A delta shows what this connector exported. */
static bool follows_exports(void)
{
	return (conformance_caps() & CONNECTOR_CAP_DELTA) &&
	       !conformance_now->change;
}

static void assert_changes(const struct picture *picture, size_t count)
{
	if (!conformance_now->overlaps)
		assert_int_equal(picture->changes, count);
}

static void full_import_yields_all(void **state)
{
	(void)state;
	conformance_make(conformance_three, 3);
	picture_check_target(conformance_three, 3);
	/* ... and the same again */
	picture_check_target(conformance_three, 3);
}

static void an_empty_target_yields_nothing(void **state)
{
	struct picture picture = { .len = 0 };

	(void)state;
	conformance_make(NULL, 0);
	picture_read_full(&picture);
	assert_int_equal(picture.len, 0);
	assert_int_equal(picture.errors, 0);
	picture_release(&picture);
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
	conformance_make(objects, MANY);
	picture_check_target(objects, MANY);
	arena_release(&arena);
}

static void a_bad_object_is_an_error_of_its_own(void **state)
{
	struct picture picture = { .len = 0 };

	(void)state;
	if (!conformance_now->spoil)
		skip();
	conformance_make(conformance_three, 3);
	assert_int_equal(conformance_now->spoil(conformance_now), 0);
	picture_read_full(&picture);
	assert_int_equal(picture.errors, 1);
	picture_check(&picture, conformance_three, 3);
	picture_release(&picture);
}

static void a_delta_of_nothing_is_empty(void **state)
{
	struct picture picture = { .len = 0 };

	(void)state;
	conformance_make(conformance_three, 3);
	if (!(conformance_caps() & CONNECTOR_CAP_DELTA))
		skip();
	picture_read_full(&picture);
	assert_true(picture.watermark.len > 0);
	if (conformance_now->change) {
		picture_read_delta(&picture);
		picture.changes = 0;
	}
	picture_read_delta(&picture);
	assert_changes(&picture, 0);
	picture_read_delta(&picture);
	assert_changes(&picture, 0);
	picture_check(&picture, conformance_three, 3);
	picture_release(&picture);
}

static void a_delta_yields_what_changed(void **state)
{
	static const struct conformance_object changes[] = {
		{ "k2", "Braun", "Boss", "21" },
		{ "k4", "Dent", NULL, NULL },
		{ "k1", NULL, NULL, NULL },
	};
	const struct conformance_object after[] = { changes[0],
						    conformance_three[2],
						    changes[1] };
	struct picture picture = { .len = 0 };
	size_t i;

	(void)state;
	conformance_make(conformance_three, 3);
	if (!conformance_now->change)
		skip();
	picture_read_full(&picture);
	for (i = 0; i < 3; i++)
		assert_int_equal(
			conformance_now->change(conformance_now, &changes[i]),
			0);
	picture_read_delta(&picture);
	assert_changes(&picture, 3);
	picture_check(&picture, after, 3);
	picture_read_delta(&picture);
	assert_changes(&picture, 0);
	picture_release(&picture);
}

/* The step failed before its end, or the store did. */
static void what_was_not_kept_is_told_again(void **state)
{
	static const struct conformance_object change = { "k2", "Braun", "Boss",
							  "21" };
	const struct conformance_object after[] = { conformance_three[0],
						    change,
						    conformance_three[2] };
	struct picture picture = { .len = 0 };
	int i;

	(void)state;
	conformance_make(conformance_three, 3);
	if (!conformance_now->change)
		skip();
	picture_read_full(&picture);
	assert_int_equal(conformance_now->change(conformance_now, &change), 0);
	for (i = 0; i < 3; i++) {
		picture.unkept = i < 2;
		picture_read_delta(&picture);
		assert_changes(&picture, 1);
		picture_check(&picture, after, 3);
	}
	picture_read_delta(&picture);
	assert_changes(&picture, 0);
	picture_release(&picture);
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
	struct picture picture = { .len = 0 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 3);
	if (!follows_exports() || !conformance_can_export())
		skip();
	batch_init(&batch);
	picture_read_full(&picture);
	op = batch_put(&batch, EXPORT_UPDATE, "k1");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE, "11");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13");
	(void)batch_put_add(&batch, &k4);
	(void)batch_put(&batch, EXPORT_DELETE, "k2");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	batch_check_ok(&batch, 1);
	batch_check_ok(&batch, 2);
	picture_read_delta(&picture);
	assert_changes(&picture, 3);
	picture_check(&picture, after, 3);
	picture_read_delta(&picture);
	assert_changes(&picture, 0);
	picture_release(&picture);
	batch_release(&batch);
}

static void a_delta_yields_a_rename(void **state)
{
	static const struct conformance_object after[] = {
		{ "k9", "Adams", "Boss", "11;12" },
	};
	struct picture picture = { .len = 0 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 1);
	if (!follows_exports() || !(conformance_caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	picture_read_full(&picture);
	op = batch_put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = conformance_dn(&batch.arena, "k9");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	picture_read_delta(&picture);
	picture_check(&picture, after, 1);
	picture_release(&picture);
	batch_release(&batch);
}

static void a_stale_watermark_is_a_conflict(void **state)
{
	struct picture picture = { .len = 0 };

	(void)state;
	conformance_make(conformance_three, 3);
	if (!(conformance_caps() & CONNECTOR_CAP_DELTA))
		skip();
	picture_read(&picture, IMPORT_DELTA);
	assert_true(picture.failed);
	assert_int_equal(picture.err.code, ERR_CONFLICT);
	picture.watermark = SV_LIT("no watermark of this connector");
	picture_read(&picture, IMPORT_DELTA);
	assert_true(picture.failed);
	assert_int_equal(picture.err.code, ERR_CONFLICT);
	picture_release(&picture);
}

static void a_full_import_takes_any_watermark(void **state)
{
	struct picture picture = { .len = 0 };

	(void)state;
	conformance_make(conformance_three, 3);
	picture.watermark = SV_LIT("no watermark of this connector");
	picture_read(&picture, IMPORT_FULL);
	assert_false(picture.failed);
	picture_check(&picture, conformance_three, 3);
	picture_release(&picture);
}

const struct CMUnitTest conformance_imports[] = {
	SENTENCE(full_import_yields_all),
	SENTENCE(an_empty_target_yields_nothing),
	SENTENCE(what_next_gave_stays),
	SENTENCE(a_bad_object_is_an_error_of_its_own),
	SENTENCE(a_delta_of_nothing_is_empty),
	SENTENCE(a_delta_yields_what_changed),
	SENTENCE(what_was_not_kept_is_told_again),
	SENTENCE(a_delta_yields_what_was_exported),
	SENTENCE(a_delta_yields_a_rename),
	SENTENCE(a_stale_watermark_is_a_conflict),
	SENTENCE(a_full_import_takes_any_watermark),
};
