/*
 * test_confirm.c - exports that come back with an import, or do not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define TOP "container||o=x\n"
#define ANN "object|1|cn=a,o=x|name=Ann|title=Old\n"

static struct entry start(struct fixture *f)
{
	full(f, TOP ANN, "stage-add 1");
	consume(f);
	return load(f, find(f, "1"));
}

static void a_change_comes_back(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", A_PHONES, "1;2",
	      0);
	/* the set of values counts, not their order or case */
	full(f, TOP "object|1|cn=a,o=x|name=Ann|title=NEW|phones=2;1\n",
	     "stage-update 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_NONE);
	assert_string_equal(values_of(f, &entry.confirmed, A_TITLE), "NEW");
	expect_errors(f, "");
}

static void a_change_comes_back_different(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", A_PHONES, "1",
	      0);
	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|title=Other|phones=1\n",
		  "completed-warnings", "stage-update 1");
	assert_true(f->result.warnings == 1);
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_UPDATE);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_TITLE), "New");
	assert_int_equal(entry.pending.attrs.len, 1);
	expect_errors(f, "2:exported-change-not-reimported;");
	/* sent again, and accepted: the warning goes */
	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", 0);
	full(f, TOP "object|1|cn=a,o=x|name=Ann|title=New|phones=1\n",
	     "stage-update 1");
	expect_errors(f, "");
}

/* Nothing is there although something was sent: the object itself is as it
 * was, so only the look at what is awaited can tell. */
static void a_change_was_ignored(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", 0);
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-no-change 1");
	entry = load(f, entry.row.id);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_TITLE), "New");
	/* a value that was to go and is there still */
	await(f, entry.row.id, PENDING_UPDATE, A_NAME, "", 0);
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-no-change 1");
	entry = load(f, entry.row.id);
	assert_true(image_has(&entry.pending.attrs, A_NAME));
	assert_string_equal(values_of(f, &entry.pending.attrs, A_NAME), "");
}

/* What is newer there is not written over. */
static void a_newer_value_is_pending(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);
	struct store_tx *tx = begin(f);

	entry.pending.op = PENDING_UPDATE;
	image_put(&entry.pending.attrs, A_TITLE, one_value(f, "Newest"),
		  &f->arena);
	OK(f, entry_put_pending(tx, &entry, &f->err));
	commit(f, tx);
	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", A_NAME, "Anna",
	      0);
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-no-change 1");
	entry = load(f, entry.row.id);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_TITLE),
			    "Newest");
	assert_string_equal(values_of(f, &entry.pending.attrs, A_NAME), "Anna");
}

static void exact_values(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_UPDATE, A_CODE, "Ab", 0);
	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|title=Old|code=ab\n",
		  "completed-warnings", "stage-update 1");
	entry = load(f, entry.row.id);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_CODE), "Ab");
}

static void what_a_directory_does_by_itself(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	/* superior classes come by themselves, passwords never come back */
	await(f, entry.row.id, PENDING_UPDATE, A_CLASS, "person", A_PASSWORD,
	      "swordfish", 0);
	full(f,
	     TOP "object|1|cn=a,o=x|name=Ann|title=Old|"
		 "objectClass=top;Person\n",
	     "stage-update 1");
	expect_errors(f, "");
	await(f, entry.row.id, PENDING_UPDATE, A_CLASS, "person;posixAccount",
	      0);
	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|title=Old|"
		      "objectClass=top;Person\n",
		  "completed-warnings", "stage-no-change 1");
}

static const char *message_of(struct fixture *f, int64_t id)
{
	struct cs_error error;

	assert_int_equal(store_error_get(f->store, id, ERROR_IMPORT, &f->arena,
					 &error, &f->err),
			 1);
	return arena_cstr(&f->arena, error.message);
}

/* Of several values each is looked at by itself. */
static void each_value_for_itself(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	/* what others put there is theirs; synchronization hears of it */
	await(f, entry.row.id, PENDING_UPDATE, A_PHONES, "1;2", 0);
	full(f, TOP "object|1|cn=a,o=x|name=Ann|title=Old|phones=1;2;3\n",
	     "stage-update 1");
	expect_errors(f, "");
	entry = load(f, entry.row.id);
	assert_string_equal(values_of(f, &entry.confirmed, A_PHONES), "1;2");
	/* one is lost, one that was taken away is there still */
	await(f, entry.row.id, PENDING_UPDATE, A_PHONES, "1;2;4", 0);
	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|title=Old|phones=1;2;3;5\n",
		  "completed-warnings", "stage-update 1");
	assert_string_equal(message_of(f, entry.row.id),
			    "exported, but the system came back with another "
			    "value of 'phones' (lacks '4'; has '3'); it is "
			    "pending again");
	entry = load(f, entry.row.id);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_PHONES),
			    "1;2;4");
	await(f, entry.row.id, PENDING_UPDATE, A_PHONES, "1;2;3", 0);
	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|title=Old|phones=1;2;3;5\n",
		  "completed-warnings", "stage-no-change 1");
	assert_non_null(strstr(message_of(f, entry.row.id),
			       "'phones' (still has '5');"));
}

/* A system that writes values in its own way is told apart from one that has
 * other values. */
static void written_in_another_way(void **state)
{
	static const char *const cases[][3] = {
		{ "Sales  Clerk", "Sales Clerk",
		  "'title' (lacks 'Sales  Clerk'; has 'Sales Clerk' instead, "
		  "with other white space)" },
		{ "Sales Clerk", "Sales",
		  "'title' (lacks 'Sales Clerk'; has 'Sales' instead, cut "
		  "off)" },
		{ "Boss", "Clerk", "'title' (lacks 'Boss'; has 'Clerk')" },
		{ "Boss", "", "'title' (lacks 'Boss')" },
	};
	struct fixture *f = *state;
	struct entry entry = start(f);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		await(f, entry.row.id, PENDING_UPDATE, A_TITLE, cases[i][0], 0);
		import_as(f, IMPORT_FULL,
			  arena_printf(&f->arena,
				       TOP "object|1|cn=a,o=x|name=Ann%s%s\n",
				       *cases[i][1] ? "|title=" : "",
				       cases[i][1]),
			  "completed-warnings", "stage-update 1");
		assert_non_null(
			strstr(message_of(f, entry.row.id), cases[i][2]));
	}
	await(f, entry.row.id, PENDING_UPDATE, A_CODE, "Ab", 0);
	import_as(f, IMPORT_FULL, TOP "object|1|cn=a,o=x|name=Ann|code=AB\n",
		  "completed-warnings", "stage-update 1");
	assert_non_null(strstr(message_of(f, entry.row.id),
			       "'code' (lacks 'Ab'; has 'AB' instead, in "
			       "another case)"));
}

/* A delta that speaks of some attributes confirms only these. */
static void partial_reports(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_UPDATE, A_TITLE, "New", A_PHONES, "1",
	      0);
	delta(f, "update|1|cn=a,o=x|phones=1\n", "stage-update 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_UPDATE);
	assert_int_equal(entry.awaiting.attrs.len, 1);
	assert_string_equal(values_of(f, &entry.awaiting.attrs, A_TITLE),
			    "New");
	expect_errors(f, "");
	import_as(f, IMPORT_DELTA, "update|1|cn=a,o=x|title=Other\n",
		  "completed-warnings", "stage-update 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_TITLE), "New");
}

/* ---- renames ---- */

static void a_rename_comes_back(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	export_rename(f, entry.row.id, "cn=b,o=x");
	full(f, TOP "object|1|cn=b,o=x|name=Ann|title=Old\n", "stage-rename 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_NONE);
	expect_errors(f, "");
}

static void a_rename_did_not_happen(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	export_rename(f, entry.row.id, "cn=b,o=x");
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-no-change 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_UPDATE);
	assert_true(sv_eq_str(entry.pending.rdn, "cn=b"));
	expect_errors(f, "2:exported-change-not-reimported;");
}

static void a_rename_waits_for_its_report(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	export_rename(f, entry.row.id, "cn=b,o=x");
	delta(f, "update|1||title=New\n", "stage-update 1");
	entry = load(f, entry.row.id);
	assert_true(sv_eq_str(entry.awaiting.rdn, "cn=b"));
	delta(f, "rename|1|cn=a,o=x>cn=b,o=x|\n", "stage-rename 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	expect_errors(f, "");
}

/* ---- adds ---- */

static void an_add_comes_back(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);
	int64_t id = provision(f, "9", "cn=n,o=x", true, A_NAME, "New", 0);

	full(f, TOP ANN "object|9|cn=n,o=x|name=New|badge=5\n",
	     "stage-no-change 1, stage-add 1");
	assert_true(find(f, "9") == id);
	entry = load(f, id);
	assert_true(entry.row.has_image);
	assert_int_equal(entry.import, IMPORT_ADD);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_string_equal(values_of(f, &entry.confirmed, A_NAME), "New");
	expect_errors(f, "");
}

/* The system made the anchor, so it is found by its name. */
static void an_add_without_anchor_comes_back(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);
	int64_t id = provision(f, "", "cn=n,o=x", true, A_NAME, "New", 0);

	full(f, TOP ANN "object|9|CN=N,O=X|name=New\n",
	     "stage-no-change 1, stage-add 1");
	assert_true(find(f, "9") == id);
	entry = load(f, id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	full(f, TOP ANN "object|9|CN=N,O=X|name=New\n", "stage-no-change 2");
}

static void an_add_is_lost(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);
	int64_t id = provision(f, "9", "cn=n,o=x", true, A_NAME, "New", 0);

	/* a delta that does not speak of it says nothing */
	delta(f, "update|1||title=X\n", "stage-update 1");
	assert_int_equal(load(f, id).awaiting.op, PENDING_ADD);
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-update 1");
	entry = load(f, id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_ADD);
	assert_string_equal(values_of(f, &entry.pending.attrs, A_NAME), "New");
}

/* Sent, and the process died: the import finds it there. */
static void an_add_in_progress_is_there(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);
	int64_t id = provision(f, "", "cn=n,o=x", false, A_NAME, "New", 0);
	struct store_tx *tx = begin(f);

	entry = load(f, id);
	entry.pending.in_progress = true;
	OK(f, entry_put_pending(tx, &entry, &f->err));
	commit(f, tx);
	full(f, TOP ANN "object|9|cn=n,o=x|name=New\n",
	     "stage-no-change 1, stage-add 1");
	entry = load(f, id);
	assert_int_equal(entry.pending.op, PENDING_NONE);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_true(entry.row.has_image);
}

/* Somebody made an object of this name before ours was sent: ours goes, its
 * metaverse object is looked at again. */
static void an_add_comes_too_late(void **state)
{
	struct fixture *f = *state;
	int64_t ids[4];
	struct link_row link = { .mv = 77 };
	struct cs_row row;
	struct store_tx *tx;
	int64_t id;

	(void)start(f);
	id = provision(f, "", "cn=n,o=x", false, A_NAME, "New", 0);
	tx = begin(f);
	link.cs = id;
	OK(f, store_link_put(tx, &link, &f->err));
	commit(f, tx);
	full(f, TOP ANN "object|9|cn=n,o=x|name=Theirs\n",
	     "stage-no-change 1, stage-add 1");
	assert_true(find(f, "9") != id);
	assert_int_equal(store_cs_get(f->store, id, &f->arena, &row, &f->err),
			 0);
	assert_int_equal(store_mv_queue_ids(f->store, 0, ids, 4, &f->err), 1);
	assert_true(ids[0] == 77);
}

/* ---- deletions ---- */

static void a_deletion_is_confirmed(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	full(f, TOP ANN "object|2|cn=b,o=x|name=Bob\n",
	     "stage-no-change 1, stage-add 1");
	consume(f);
	await(f, entry.row.id, PENDING_DELETE, 0);
	/* our own deletion is no business of the guard */
	f->guards.deletions = (struct config_limit){ true, false, 0 };
	full(f, TOP "object|2|cn=b,o=x|name=Bob\n",
	     "stage-no-change 1, stage-delete 1");
	/* gone at once, its name is free */
	assert_true(find(f, "1") == 0);
	assert_true(find_dn(f, "cn=a,o=x") == 0);
	full(f, TOP "object|2|cn=b,o=x|name=Bob\n", "stage-no-change 1");
}

static void a_deletion_did_not_happen(void **state)
{
	struct fixture *f = *state;
	struct entry entry = start(f);

	await(f, entry.row.id, PENDING_DELETE, 0);
	import_as(f, IMPORT_FULL, TOP ANN, "completed-warnings",
		  "stage-no-change 1");
	entry = load(f, entry.row.id);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_DELETE);
	expect_errors(f, "2:exported-change-not-reimported;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DN(a_change_comes_back),
		WITH_DN(a_change_comes_back_different),
		WITH_DN(a_change_was_ignored),
		WITH_DN(a_newer_value_is_pending),
		WITH_DN(exact_values),
		WITH_DN(what_a_directory_does_by_itself),
		WITH_DN(each_value_for_itself),
		WITH_DN(written_in_another_way),
		WITH_DN(partial_reports),
		WITH_DN(a_rename_comes_back),
		WITH_DN(a_rename_did_not_happen),
		WITH_DN(a_rename_waits_for_its_report),
		WITH_DN(an_add_comes_back),
		WITH_DN(an_add_without_anchor_comes_back),
		WITH_DN(an_add_is_lost),
		WITH_DN(an_add_in_progress_is_there),
		WITH_DN(an_add_comes_too_late),
		WITH_DN(a_deletion_is_confirmed),
		WITH_DN(a_deletion_did_not_happen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
