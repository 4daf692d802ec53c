/*
 * test_references.c - references that cannot be written with their object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static const char *reference(struct fixture *f, int64_t id)
{
	return arena_printf(&f->arena, "#%lld", (long long)CS_SEQUENCE(id));
}

/* Ann's manager is Bob, and his is Ann: no order would do. */
static int64_t two(struct fixture *f)
{
	int64_t gone = object(f, "1", "cn=z,o=x", A_NAME, "Z", 0);
	int64_t ann = provision(f, "cn=a,o=x", A_NAME, "Ann", 0);
	int64_t bob = provision(f, "cn=b,o=x", A_NAME, "Bob", A_MANAGER,
				reference(f, ann), 0);
	struct entry entry = load(f, ann);
	struct store_tx *tx = begin(f);

	image_put(&entry.pending.attrs, A_MANAGER,
		  values_of_text(f, reference(f, bob)), &f->arena);
	OK(f, entry_put_pending(tx, &entry, &f->err));
	commit(f, tx);
	pend(f, gone, PENDING_DELETE, NULL, 0);
	return ann;
}

static void behind_all_else(void **state)
{
	struct fixture *f = *state;
	int64_t ann = two(f);
	struct entry entry;

	export_ok(f, "add cn=a,o=x name=Ann\n"
		     "add cn=b,o=x name=Bob\n"
		     "delete cn=z,o=x\n"
		     "update cn=a,o=x manager=cn=b,o=x\n"
		     "update cn=b,o=x manager=cn=a,o=x\n");
	/* an object counts once */
	assert_true(counted(f, "export-add") == 2);
	assert_true(counted(f, "export-update") == 0);
	expect_states(f, 0, 0, 3);
	entry = load(f, ann);
	assert_int_equal(entry.awaiting.op, PENDING_ADD);
	assert_int_equal(entry.awaiting.attrs.len, 2);
}

/* What was not written yet is a change of its own for the next run. */
static void cut_off_before_them(void **state)
{
	struct fixture *f = *state;

	(void)two(f);
	fake.fail_put = 5;
	assert_int_equal(try_export(f), -1);
	expect_states(f, 1, 1, 3);
	fake.fail_put = 0;
	export_ok(f, "retry update cn=b,o=x manager=cn=a,o=x\n");
	assert_true(counted(f, "export-update") == 1);
	expect_states(f, 0, 0, 3);
}

/* The system itself says that what is referred to is not there. */
static void told_by_the_system(void **state)
{
	struct fixture *f = *state;
	int64_t ann;
	struct cs_error error;

	ann = two(f);
	fake.later = "add cn=a";
	export_ok(f, "add cn=a,o=x name=Ann manager=cn=b,o=x\n"
		     "add cn=b,o=x name=Bob manager=cn=a,o=x\n"
		     "delete cn=z,o=x\n"
		     "update cn=a,o=x manager=cn=b,o=x\n");
	expect_states(f, 0, 0, 3);
	/* nor is it at the end */
	pend(f, ann, PENDING_UPDATE, NULL, A_NAME, "Anna", A_MANAGER, "#1", 0);
	fake.later = "manager=";
	export_as(f, "completed-export-errors",
		  "update cn=a,o=x name=Anna manager=cn=z,o=x\n"
		  "update cn=a,o=x manager=cn=z,o=x\n");
	OK(f, store_error_get(f->store, ann, ERROR_EXPORT, &f->arena, &error,
			      &f->err));
	assert_true(sv_eq_str(error.code, "dn-attributes-failure"));
	assert_true(counted(f, "export-update") == 1);
	assert_true(counted(f, "export-failure") == 1);
	expect_states(f, 1, 0, 3);
	assert_int_equal(load(f, ann).pending.attrs.len, 1);
}

/* Of the same depth, groups come behind those who may be in them. */
static void groups_behind_people(void **state)
{
	struct fixture *f = *state;
	struct image members = IMAGE_EMPTY;

	(void)provision_of(f, 2, "cn=g,o=x", members);
	(void)provision(f, "cn=p,o=x", A_NAME, "P", 0);
	(void)provision_of(f, 2, "cn=h,ou=1,o=x", members);
	types[0].attr_count = 4;
	export_ok(f, "add cn=p,o=x name=P\n"
		     "add cn=g,o=x\n"
		     "add cn=h,ou=1,o=x\n");
	types[0].attr_count = 5;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LATER(behind_all_else),     LATER_AT_ONCE(behind_all_else),
		LATER(cut_off_before_them), TREE(told_by_the_system),
		TREE(groups_behind_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
