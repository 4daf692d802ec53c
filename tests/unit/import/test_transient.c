/*
 * test_transient.c - objects whose name another one takes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define TOP  "container||o=x\n"
#define ANN  "object|1|cn=a,o=x|name=Ann|manager=cn=z,o=x\n"
#define ZOE  "object|9|cn=z,o=x|name=Zoe|manager=cn=a,o=x\n"
#define LEFT "completed-transient-objects"

static bool is_transient(struct fixture *f, const char *anchor)
{
	return load(f, find(f, anchor)).row.flags & CS_TRANSIENT;
}

static void start(struct fixture *f)
{
	full(f, TOP ANN ZOE, "stage-add 2");
	consume(f);
	import_as(f, IMPORT_DELTA, "add|2|cn=A,o=x|name=Bob\n", LEFT,
		  "stage-add 1");
	consume(f);
}

static void taken_in_a_delta(void **state)
{
	struct fixture *f = *state;
	struct entry ann;

	the_session.watermark_out = "w1";
	start(f);
	assert_string_equal(watermark(f), "w1");
	assert_true(find_dn(f, "cn=a,o=x") == find(f, "2"));
	assert_true(is_transient(f, "1"));
	assert_false(is_transient(f, "2"));
	expect_errors(f, "2:name-taken;");
	/* who refers to it, and to whom it refers, is as it was */
	expect_reference(f, "1", A_MANAGER, find(f, "9"));
	expect_reference(f, "9", A_MANAGER, find(f, "1"));
	/* a change that does not speak of its name leaves it without */
	import_as(f, IMPORT_DELTA, "update|1||title=New\n", LEFT,
		  "stage-update 1");
	assert_true(is_transient(f, "1"));
	/* what speaks of the name means who has it */
	import_as(f, IMPORT_DELTA, "update||cn=a,o=x|title=Old\n", LEFT,
		  "stage-update 1");
	expect_attr(f, "2", A_TITLE, "Old");
	expect_attr(f, "1", A_TITLE, "New");
	/* its new name */
	consume(f);
	delta(f, "add|1|cn=q,o=x|name=Ann|title=New|manager=cn=z,o=x\n",
	      "stage-rename 1");
	ann = load(f, find(f, "1"));
	assert_int_equal(ann.row.flags, 0);
	assert_true(ann.renamed);
	assert_true(sv_ieq_str(ann.old_dn, "cn=a,o=x"));
	assert_true(find_dn(f, "cn=q,o=x") == ann.row.id);
	expect_errors(f, "");
	delta(f, "", "");
}

static void gone_in_a_full_import(void **state)
{
	struct fixture *f = *state;

	start(f);
	full(f,
	     TOP "object|2|cn=a,o=x|name=Bob\n"
		 "object|9|cn=z,o=x|name=Zoe|manager=cn=a,o=x\n",
	     "stage-no-change 1, stage-update 1, stage-delete 1");
	expect_import(f, "1", IMPORT_DELETE);
	expect_reference(f, "9", A_MANAGER, find(f, "2"));
	expect_errors(f, "");
	consume(f);
	assert_int_equal(find(f, "1"), 0);
	full(f, TOP "object|2|cn=a,o=x|name=Bob\n" ZOE, "stage-no-change 2");
}

/* Taken, and seen by its new name, or gone, in the same import. */
static void settled_in_one_import(void **state)
{
	struct fixture *f = *state;

	full(f, TOP ANN ZOE, "stage-add 2");
	consume(f);
	full(f,
	     TOP "object|2|cn=a,o=x|name=Bob\n"
		 "object|1|cn=q,o=x|name=Ann|manager=cn=z,o=x\n"
		 "object|9|cn=z,o=x|name=Zoe|manager=cn=q,o=x\n",
	     "stage-no-change 1, stage-add 1, stage-rename 1");
	expect_errors(f, "");
	consume(f);
	delta(f, "rename|1|cn=q,o=x>cn=y,o=x\nrename|2|cn=a,o=x>cn=q,o=x\n",
	      "stage-rename 2");
	delta(f, "add|3|cn=y,o=x|name=Cid\ndelete|1|cn=y,o=x\n",
	      "stage-add 1, stage-delete 1");
	expect_errors(f, "");
}

static void by_a_rename(void **state)
{
	struct fixture *f = *state;

	full(f, TOP ANN ZOE, "stage-add 2");
	consume(f);
	import_as(f, IMPORT_DELTA, "rename|9|cn=z,o=x>cn=a,o=x\n", LEFT,
		  "stage-rename 1");
	assert_true(is_transient(f, "1"));
	assert_true(find_dn(f, "cn=a,o=x") == find(f, "9"));
	/* who took it goes on; the name is free, and whose it is is not known
	 * before it is read */
	import_as(f, IMPORT_DELTA, "rename|9|cn=a,o=x>cn=y,o=x\n", LEFT,
		  "stage-rename 1");
	assert_int_equal(find_dn(f, "cn=a,o=x"), 0);
	full(f,
	     TOP "object|1|cn=a,o=x|name=Ann|manager=cn=y,o=x\n"
		 "object|9|cn=y,o=x|name=Zoe|manager=cn=a,o=x\n",
	     "stage-no-change 2");
	assert_false(is_transient(f, "1"));
	assert_true(find_dn(f, "cn=a,o=x") == find(f, "1"));
	expect_reference(f, "9", A_MANAGER, find(f, "1"));
	expect_errors(f, "");
}

/* Read by one name twice, the two do not change places with each import. */
static void both_are_read(void **state)
{
	struct fixture *f = *state;
	int i;

	start(f);
	for (i = 0; i < 3; i++) {
		import_as(f, IMPORT_FULL,
			  TOP ANN "object|2|cn=a,o=x|name=Bob\n", LEFT,
			  i ? "stage-no-change 2"
			    : "stage-no-change 2, stage-delete 1");
		assert_true(is_transient(f, "1"));
		assert_false(is_transient(f, "2"));
	}
	/* who took it is not read: the name is given back */
	full(f, TOP ANN, "stage-no-change 1, stage-delete 1");
	assert_false(is_transient(f, "1"));
	expect_import(f, "2", IMPORT_DELETE);
	expect_errors(f, "");
}

static void a_container(void **state)
{
	struct fixture *f = *state;
	struct entry child;
	int64_t old;

	full(f, TOP "container|7|ou=p,o=x\nobject|1|cn=a,ou=p,o=x|name=Ann\n",
	     "stage-add 1");
	consume(f);
	old = find(f, "7");
	import_as(f, IMPORT_DELTA,
		  "add|8|ou=p,o=x|name=New\nadd|2|cn=b,ou=p,o=x|name=Bob\n",
		  LEFT, "stage-add 2");
	assert_true(is_transient(f, "7"));
	assert_true(load(f, find(f, "1")).row.parent == old);
	assert_true(load(f, find(f, "2")).row.parent == find(f, "8"));
	consume(f);
	/* it is found again; who stayed in it with it */
	delta(f, "container|7|ou=q,o=x\n", "stage-rename 1");
	child = load(f, find(f, "1"));
	assert_true(find_dn(f, "cn=a,ou=q,o=x") == child.row.id);
	assert_int_equal(find_dn(f, "cn=a,ou=p,o=x"), 0);
	assert_true(find_dn(f, "cn=b,ou=p,o=x") == find(f, "2"));
	expect_errors(f, "");
}

/* A broken-off import is run again. */
static void run_again(void **state)
{
	struct fixture *f = *state;

	full(f, TOP ANN ZOE, "stage-add 2");
	consume(f);
	assert_int_equal(try_import(f, IMPORT_FULL,
				    TOP "object|2|cn=a,o=x|name=Bob\nfail\n"),
			 -1);
	full(f,
	     TOP "object|2|cn=a,o=x|name=Bob\n"
		 "object|1|cn=q,o=x|name=Ann|manager=cn=z,o=x\n"
		 "object|9|cn=z,o=x|name=Zoe|manager=cn=q,o=x\n",
	     "stage-no-change 1, stage-add 1, stage-rename 1");
	expect_errors(f, "");
}

/* The row was written, and the import was cut off before its end. */
static void cut_off_after_it(void **state)
{
	struct fixture *f = *state;
	struct cs_error row = { .kind = ERROR_NAME,
				.code = SV_LIT("name-taken") };
	struct store_tx *tx;
	struct entry ann;

	full(f, TOP ANN ZOE, "stage-add 2");
	consume(f);
	ann = load(f, find(f, "1"));
	row.cs = ann.row.id;
	ann.row.flags = CS_TRANSIENT;
	tx = begin(f);
	OK(f, entry_put_row(tx, &ann, &f->err));
	OK(f, store_error_put(tx, &row, &f->err));
	commit(f, tx);
	full(f,
	     TOP "object|2|cn=a,o=x|name=Bob\n"
		 "object|1|cn=q,o=x|name=Ann|manager=cn=z,o=x\n" ZOE,
	     "stage-add 1, stage-update 1, stage-rename 1");
	expect_reference(f, "9", A_MANAGER, find(f, "2"));
	expect_errors(f, "");
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, dn_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(taken_in_a_delta),
		TEST(gone_in_a_full_import),
		TEST(settled_in_one_import),
		TEST(by_a_rename),
		TEST(both_are_read),
		TEST(a_container),
		TEST(run_again),
		TEST(cut_off_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
