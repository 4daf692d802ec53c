/*
 * conformance_exports.c - the sentences about exports
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance_private.h"

#include "model/dn.h"

#include <string.h>

static void adds_are_read_back(void **state)
{
	struct picture picture = { .len = 0 };
	struct batch batch;
	size_t i;

	(void)state;
	conformance_make(NULL, 0);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	for (i = 0; i < 3; i++)
		(void)batch_put_add(&batch, &conformance_three[i]);
	batch_run(&batch);
	picture_read_full(&picture);
	picture_check(&picture, conformance_three, 3);
	for (i = 0; i < 3; i++) {
		const struct picture_object *seen =
			picture_get(&picture, conformance_three[i].id);

		batch_check_ok(&batch, i);
		assert_false(batch.outcomes[i].adopted);
		if (conformance_now->system_anchor)
			assert_true(batch.outcomes[i].anchor.len > 0);
		if (batch.outcomes[i].anchor.len)
			assert_true(
				sv_eq(batch.outcomes[i].anchor, seen->anchor));
		if (batch.outcomes[i].dn.len)
			assert_true(dn_equal(batch.outcomes[i].dn, seen->dn));
	}
	picture_release(&picture);
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
	conformance_make(conformance_three, 3);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	op = batch_put(&batch, EXPORT_UPDATE, "k1");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13;14");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE, "11");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, NULL);
	op = batch_put(&batch, EXPORT_UPDATE, "k2");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "21");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	op = batch_put(&batch, EXPORT_UPDATE, "k3");
	batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_REPLACE, "32");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	batch_check_ok(&batch, 1);
	batch_check_ok(&batch, 2);
	picture_check_target(after, 3);
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
	conformance_make(NULL, 0);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	for (i = 0; i < 3; i++)
		(void)batch_put_add(&batch, &odd[i]);
	batch_run(&batch);
	for (i = 0; i < 3; i++)
		batch_check_ok(&batch, i);
	picture_check_target(odd, 3);
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
	conformance_make(conformance_three, 2);
	if (!(conformance_caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	op = batch_put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = conformance_dn(&batch.arena, "k9");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	if (batch.outcomes[0].dn.len)
		assert_true(dn_equal(batch.outcomes[0].dn, op->new_dn));
	picture_check_target(after, 2);
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
	conformance_make(conformance_three, 2);
	if (!(conformance_caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	op = batch_put(&batch, EXPORT_RENAME, "k1");
	op->new_dn = conformance_dn(&batch.arena, "k9");
	op = batch_put(&batch, EXPORT_RENAME, "k2");
	op->new_dn = conformance_dn(&batch.arena, "k1");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	batch_check_ok(&batch, 1);
	picture_check_target(after, 2);
	batch_release(&batch);
}

static void a_delete_takes_the_object_away(void **state)
{
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 3);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	(void)batch_put(&batch, EXPORT_DELETE, "k3");
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	picture_check_target(conformance_three, 2);
	batch_release(&batch);
}

static void a_delete_add_replaces_the_object(void **state)
{
	static const struct conformance_object fresh = { "k1", "New", NULL,
							 "99" };
	const struct conformance_object after[] = { fresh,
						    conformance_three[1] };
	struct export_op *op;
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 2);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	op = batch_put(&batch, EXPORT_DELETE_ADD, "k1");
	batch_put_object(&batch, op, &fresh);
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	picture_check_target(after, 2);
	batch_release(&batch);
}

static void a_refused_object_stops_no_other(void **state)
{
	static const struct conformance_object again = { "k1", "Other", NULL,
							 NULL };
	static const struct conformance_object k4 = { "k4", "Dent", NULL,
						      NULL };
	const struct conformance_object after[] = { conformance_three[0],
						    conformance_three[1], k4 };
	struct export_op *op;
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 2);
	if (!conformance_can_export() || conformance_now->trusting)
		skip();
	batch_init(&batch);
	(void)batch_put_add(&batch, &again);
	op = batch_put(&batch, EXPORT_UPDATE, "nobody");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	(void)batch_put_add(&batch, &k4);
	batch_run(&batch);
	batch_check_refused(&batch, 0, "cd-existing-object");
	batch_check_refused(&batch, 1, "cd-missing-object");
	batch_check_ok(&batch, 2);
	picture_check_target(after, 3);
	batch_release(&batch);
}

static void a_repeated_add_is_adopted(void **state)
{
	static const struct conformance_object other = { "k2", "Other", NULL,
							 NULL };
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 2);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	batch_put_add(&batch, &conformance_three[0])->retry = true;
	batch_put_add(&batch, &other)->retry = true;
	batch_put_add(&batch, &conformance_three[2])->retry = true;
	batch_run(&batch);
	batch_check_ok(&batch, 0);
	assert_true(batch.outcomes[0].adopted);
	if (conformance_now->system_anchor)
		assert_true(sv_eq(batch.outcomes[0].anchor,
				  picture_get(&batch.before, "k1")->anchor));
	batch_check_refused(&batch, 1, "cd-existing-object");
	batch_check_ok(&batch, 2);
	assert_false(batch.outcomes[2].adopted);
	picture_check_target(conformance_three, 3);
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
	conformance_make(conformance_three, 2);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	for (round = 0; round < 2; round++) {
		batch_empty(&batch);
		op = batch_put(&batch, EXPORT_UPDATE, "k1");
		batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_DELETE,
			       "11");
		batch_put_attr(&batch, op, CONFORMANCE_PHONE, ATTR_ADD, "13");
		op->retry = round > 0;
		op = batch_put(&batch, EXPORT_DELETE, "k2");
		op->retry = round > 0;
		batch_run(&batch);
		batch_check_ok(&batch, 0);
		batch_check_ok(&batch, 1);
	}
	picture_check_target(after, 1);
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
	conformance_make(conformance_three, 1);
	if (!(conformance_caps() & CONNECTOR_CAP_RENAME))
		skip();
	batch_init(&batch);
	for (round = 0; round < 2; round++) {
		batch_empty(&batch);
		op = batch_put(&batch, EXPORT_RENAME, "k1");
		op->new_dn = conformance_dn(&batch.arena, "k9");
		op->retry = round > 0;
		batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE,
			       "Boss");
		batch_run(&batch);
		batch_check_ok(&batch, 0);
	}
	picture_check_target(after, 1);
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
	conformance_make(conformance_three, 2);
	if (!(conformance_caps() & CONNECTOR_CAP_AT_ONCE) ||
	    !conformance_can_export())
		skip();
	batch_init(&batch);
	(void)batch_put_add(&batch, &conformance_three[2]);
	(void)batch_put(&batch, EXPORT_DELETE, "k1");
	op = batch_put(&batch, EXPORT_UPDATE, "k2");
	batch_put_attr(&batch, op, CONFORMANCE_TITLE, ATTR_REPLACE, "Boss");
	conformance_open(&connector);
	assert_int_equal(connector_export_begin(&connector, &err), 0);
	for (i = 0; i < batch.len; i++)
		assert_int_equal(
			connector_export_put(&connector, &batch.ops[i], &err),
			0);
	picture_check_target(conformance_three, 2);
	connector_close(&connector);
	picture_check_target(conformance_three, 2);
	batch_release(&batch);
}

static void an_export_of_nothing_is_fine(void **state)
{
	struct batch batch;

	(void)state;
	conformance_make(conformance_three, 2);
	if (!conformance_can_export())
		skip();
	batch_init(&batch);
	batch_run(&batch);
	picture_check_target(conformance_three, 2);
	batch_release(&batch);
}

const struct CMUnitTest conformance_exports[] = {
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
};
