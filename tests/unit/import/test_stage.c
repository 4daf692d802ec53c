/*
 * test_stage.c - what is read against what was read last time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define ANN "object|1||name=Ann|title=Boss|phones=1;2|badge=7\n"
#define BOB "object|2||name=Bob\n"

static void the_first_import(void **state)
{
	struct fixture *f = *state;
	struct entry entry;

	full(f, ANN BOB, "stage-add 2");
	assert_true(f->result.read == 2);
	entry = load(f, find(f, "1"));
	assert_int_equal(entry.import, IMPORT_ADD);
	assert_true(entry.row.has_image);
	assert_string_equal(store_name(f->store, NAME_TYPE, entry.row.type),
			    "person");
	assert_string_equal(values_of(f, &entry.image, A_PHONES), "1;2");
	assert_int_equal(image_get(&entry.image, A_BADGE)->at[0].type,
			 VALUE_INTEGER);
	assert_int_equal(entry.synced.len, 0);
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 2);
}

static void unchanged(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, ANN BOB, "stage-add 2");
	id = find(f, "1");
	/* not synchronized yet: the add stays */
	full(f, ANN BOB, "stage-no-change 2");
	expect_import(f, "1", IMPORT_ADD);
	consume(f);
	full(f, BOB ANN, "stage-no-change 2");
	expect_import(f, "1", IMPORT_NONE);
	/* values are a set, and the anchor's case is not a change */
	full(f, "object|1||badge=7|title=Boss|phones=2;1;2|name=Ann\n" BOB,
	     "stage-no-change 2");
	expect_import(f, "1", IMPORT_NONE);
	assert_true(find(f, "1") == id);
}

static void updated_and_changed_back(void **state)
{
	struct fixture *f = *state;
	struct entry entry;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	full(f, ANN "object|2||name=Rob\n",
	     "stage-no-change 1, stage-update 1");
	entry = load(f, find(f, "2"));
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_string_equal(values_of(f, &entry.image, A_NAME), "Rob");
	assert_string_equal(values_of(f, &entry.synced, A_NAME), "Bob");
	/* seen again: against the image nothing changed, it stays staged */
	full(f, ANN "object|2||name=Rob\n", "stage-no-change 2");
	expect_import(f, "2", IMPORT_UPDATE);
	/* a further change keeps what was synchronized */
	full(f, ANN "object|2||name=Robert\n",
	     "stage-no-change 1, stage-update 1");
	entry = load(f, find(f, "2"));
	assert_string_equal(values_of(f, &entry.synced, A_NAME), "Bob");
	/* back to it: nothing is left for the sync */
	full(f, ANN BOB, "stage-no-change 1, stage-update 1");
	expect_import(f, "2", IMPORT_NONE);
	/* case is a change, of the very same value */
	full(f, ANN "object|2||name=BOB\n",
	     "stage-no-change 1, stage-update 1");
}

static void gone_and_back(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	id = find(f, "2");
	full(f, ANN, "stage-no-change 1, stage-delete 1");
	expect_import(f, "2", IMPORT_DELETE);
	/* counted once */
	full(f, ANN, "stage-no-change 1");
	expect_import(f, "2", IMPORT_DELETE);
	/* there again before any sync: as if nothing had been */
	full(f, ANN BOB, "stage-no-change 1, stage-update 1");
	expect_import(f, "2", IMPORT_NONE);
	assert_true(find(f, "2") == id);
	/* there again and different: an update of what was synchronized */
	full(f, ANN, "stage-no-change 1, stage-delete 1");
	full(f, ANN "object|2||name=Rob\n",
	     "stage-no-change 1, stage-update 1");
	expect_import(f, "2", IMPORT_UPDATE);
	/* there again after the sync: another object */
	full(f, ANN, "stage-no-change 1, stage-delete 1");
	consume(f);
	assert_true(find(f, "2") == 0);
	full(f, ANN BOB, "stage-no-change 1, stage-add 1");
	assert_true(find(f, "2") > id);
}

static void came_and_went(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	/* no sync has seen it: it is simply no more */
	full(f, ANN, "stage-no-change 1, stage-delete 1");
	assert_true(find(f, "2") == 0);
	full(f, ANN, "stage-no-change 1");
}

static void another_type(void **state)
{
	struct fixture *f = *state;
	struct entry entry;

	f->agent.caps |= CONNECTOR_CAP_DN;
	full(f, "object|1|cn=a|name=Ann\n", "stage-add 1");
	consume(f);
	full(f, "object:team|1|cn=a|name=Ann\n", "stage-delete-add 1");
	entry = load(f, find(f, "1"));
	assert_int_equal(entry.import, IMPORT_DELETE_ADD);
	assert_string_equal(store_name(f->store, NAME_TYPE, entry.row.type),
			    "team");
	assert_string_equal(values_of(f, &entry.synced, A_NAME), "Ann");
}

/* Without DNs an anchor is unique within its type only. */
static void the_same_anchor_of_two_types(void **state)
{
	struct fixture *f = *state;

	full(f, "object|1||name=Ann\nobject:team|1||name=All\n", "stage-add 2");
	consume(f);
	full(f, "object:team|1||name=All\nobject|1||name=Ann\n",
	     "stage-no-change 2");
}

static void the_same_anchor_twice(void **state)
{
	struct fixture *f = *state;

	import_as(f, IMPORT_FULL,
		  "object|ann||name=Ann\nobject|ANN||name=Other\n" BOB,
		  "completed-discovery-errors", "stage-add 2, stage-failure 1");
	assert_true(f->result.errors == 1);
	expect_attr(f, "ann", A_NAME, "Ann");
	/* also when the first of them is unchanged */
	import_as(f, IMPORT_FULL,
		  "object|ann||name=Ann\nobject|ann||name=Ann\n" BOB,
		  "completed-discovery-errors",
		  "stage-no-change 2, stage-failure 1");
	expect_attr(f, "ann", A_NAME, "Ann");
}

static void no_anchor(void **state)
{
	struct fixture *f = *state;

	import_as(f, IMPORT_FULL, "object|||name=Ann\n" BOB,
		  "completed-discovery-errors", "stage-add 1, stage-failure 1");
}

static void bad_values(void **state)
{
	struct fixture *f = *state;

	import_as(f, IMPORT_FULL,
		  "object|1||name=Ann|badge=seven\n"
		  "object|3||name=A;B\n" BOB,
		  "completed-discovery-errors", "stage-add 1, stage-failure 2");
	assert_true(find(f, "1") == 0);
}

static void deltas(void **state)
{
	struct fixture *f = *state;
	struct entry entry;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	delta(f,
	      "update|1||title=\n"
	      "update|2||phones+=5;6\n"
	      "add|3||name=Cid\n",
	      "stage-add 1, stage-update 2");
	expect_attr(f, "1", A_TITLE, "");
	expect_attr(f, "1", A_NAME, "Ann");
	expect_attr(f, "2", A_PHONES, "5;6");
	expect_import(f, "3", IMPORT_ADD);
	delta(f, "update|2||phones-=5;9|phones+=6;7\n", "stage-update 1");
	expect_attr(f, "2", A_PHONES, "6;7");
	entry = load(f, find(f, "2"));
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_string_equal(values_of(f, &entry.synced, A_PHONES), "");
	/* the whole object, by a delta source that says it so */
	delta(f, "object|2||name=Bob\n", "stage-update 1");
	expect_import(f, "2", IMPORT_NONE);
	delta(f, "delete|1||\ndelete|99||\n",
	      "stage-delete 1, filtered-deletions 1");
	expect_import(f, "1", IMPORT_DELETE);
	import_as(f, IMPORT_DELTA, "update|77||name=X\n",
		  "completed-discovery-errors", "stage-failure 1");
}

/* What a delta says twice counts once, by the strongest of it. */
static void delta_reports_twice(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	delta(f, "update|1||title=A\nupdate|1||title=B\n", "stage-update 1");
	expect_attr(f, "1", A_TITLE, "B");
	/* made and changed: an add */
	delta(f, "add|3||name=C\nupdate|3||name=D\n", "stage-add 1");
	expect_attr(f, "3", A_NAME, "D");
	consume(f);
	/* deleted and there again */
	id = find(f, "3");
	delta(f, "delete|3||\nadd|3||name=D\n", "stage-no-change 1");
	expect_import(f, "3", IMPORT_NONE);
	delta(f, "delete|3||\nadd|3||name=E\n", "stage-update 1");
	assert_true(find(f, "3") == id);
	expect_attr(f, "3", A_NAME, "E");
	expect_import(f, "3", IMPORT_UPDATE);
	/* in a delta of its own each */
	delta(f, "delete|3||\n", "stage-delete 1");
	delta(f, "add|3||name=D\n", "stage-update 1");
	expect_import(f, "3", IMPORT_NONE);
	/* changed, then deleted */
	delta(f, "update|2||name=X\ndelete|2||\n", "stage-delete 1");
	expect_import(f, "2", IMPORT_DELETE);
}

/* Values with match: exact are told apart by their case. */
static void exact_values_in_deltas(void **state)
{
	struct fixture *f = *state;

	full(f, "object|1||code=a|phones=x\n", "stage-add 1");
	consume(f);
	delta(f, "update|1||code+=A|phones+=X\n", "stage-update 1");
	expect_attr(f, "1", A_CODE, "a;A");
	expect_attr(f, "1", A_PHONES, "x");
	delta(f, "update|1||code-=a|phones-=X\n", "stage-update 1");
	expect_attr(f, "1", A_CODE, "A");
	expect_attr(f, "1", A_PHONES, "");
}

/* After a delta the next full import compares by value, once. */
static void full_after_delta(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	delta(f, "update|2||name=Rob\n", "stage-update 1");
	consume(f);
	full(f, ANN "object|2||name=Rob\n", "stage-no-change 2");
	expect_import(f, "2", IMPORT_NONE);
	full(f, ANN "object|2||name=Rob\n", "stage-no-change 2");
}

/* ---- names ---- */

#define TOP "container||o=x\n"

static void renamed(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t id;

	full(f, TOP "object|1|cn=a,o=x|name=Ann\n", "stage-add 1");
	consume(f);
	id = find(f, "1");
	full(f, TOP "object|1|cn=A, o=X|name=Ann\n", "stage-no-change 1");
	full(f, TOP "object|1|cn=b,o=x|name=Anne\n", "stage-rename 1");
	entry = load(f, id);
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_true(entry.renamed);
	assert_true(dn_equal(entry.old_dn, SV_LIT("cn=a,o=x")));
	assert_true(find_dn(f, "cn=b,o=x") == id);
	assert_true(find_dn(f, "cn=a,o=x") == 0);
	/* renamed on: the name that was synchronized is what counts */
	full(f, TOP "object|1|cn=c,o=x|name=Anne\n", "stage-rename 1");
	entry = load(f, id);
	assert_true(dn_equal(entry.old_dn, SV_LIT("cn=a,o=x")));
	/* and back */
	full(f, TOP "object|1|cn=a,o=x|name=Ann\n", "stage-rename 1");
	entry = load(f, id);
	assert_false(entry.renamed);
	assert_int_equal(entry.import, IMPORT_NONE);
}

/* A delta that knows the entry by its name: what a full import reads then is
 * compared by value. */
static void changed_by_name(void **state)
{
	struct fixture *f = *state;
	const char *all = TOP "object|1|cn=a,o=x|name=Ann\n";

	full(f, all, "stage-add 1");
	consume(f);
	delta(f, "update||cn=a,o=x|name=Anne\n", "stage-update 1");
	consume(f);
	full(f, all, "stage-update 1");
	expect_attr(f, "1", A_NAME, "Ann");
}

static void renamed_by_delta(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, TOP "object|1|cn=a,o=x|name=Ann\n", "stage-add 1");
	consume(f);
	id = find(f, "1");
	delta(f, "rename|1|cn=a,o=x>cn=b,o=x|title=Boss\n", "stage-rename 1");
	assert_true(find_dn(f, "cn=b,o=x") == id);
	expect_attr(f, "1", A_TITLE, "Boss");
	expect_attr(f, "1", A_NAME, "Ann");
	/* moved into a container that was never read */
	delta(f, "rename|1|cn=b,o=x>cn=b,ou=new,o=x|\n", "stage-rename 1");
	assert_true(find_dn(f, "cn=b,ou=new,o=x") == id);
	assert_true(find_dn(f, "ou=new,o=x") != 0);
}

/* Where the DN is the anchor, a rename by others is another object. */
static void the_dn_as_anchor(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, TOP "object|cn=a,o=x|cn=a,o=x|name=Ann\n", "stage-add 1");
	consume(f);
	id = find(f, "cn=a,o=x");
	full(f, TOP "object|CN=A, o=x|CN=A, o=x|name=Ann\n",
	     "stage-no-change 1");
	assert_true(find_dn(f, "cn=a,o=x") == id);
	full(f, TOP "object|cn=b,o=x|cn=b,o=x|name=Ann\n",
	     "stage-add 1, stage-delete 1");
	consume(f);
	/* ours is recognised */
	id = find(f, "cn=b,o=x");
	export_rename(f, id, "cn=c,o=x");
	full(f, TOP "object|cn=c,o=x|cn=c,o=x|name=Ann\n", "stage-rename 1");
	assert_true(find(f, "cn=c,o=x") == id);
	/* a delta says both names */
	delta(f, "rename|cn=c,o=x|cn=c,o=x>cn=d,o=x|\n", "stage-rename 1");
	assert_true(find(f, "cn=d,o=x") == id);
	full(f, TOP "object|cn=d,o=x|cn=d,o=x|name=Ann\n", "stage-no-change 1");
}

static void containers_do_not_count(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	full(f, TOP "container||ou=a,o=x\nobject|1|cn=a,ou=a,o=x|name=A\n",
	     "stage-add 1");
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 1);
	id = find_dn(f, "ou=a,o=x");
	assert_int_equal(load(f, id).row.flags, CS_CONTAINER);
	full(f, TOP "container||ou=a,o=x\nobject|1|cn=a,ou=a,o=x|name=A\n",
	     "stage-no-change 1");
	assert_true(find_dn(f, "ou=a,o=x") == id);
}

/* A name that passes on within one import. */
static void a_name_passes_on(void **state)
{
	struct fixture *f = *state;
	int64_t ann;
	int64_t bob;

	full(f,
	     TOP "object|1|cn=a,o=x|name=Ann\n"
		 "object|2|cn=b,o=x|name=Bob\n",
	     "stage-add 2");
	consume(f);
	ann = find(f, "1");
	bob = find(f, "2");
	full(f,
	     TOP "object|1|cn=b,o=x|name=Ann\n"
		 "object|2|cn=a,o=x|name=Bob\n",
	     "stage-rename 2");
	assert_true(find_dn(f, "cn=b,o=x") == ann);
	assert_true(find_dn(f, "cn=a,o=x") == bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(the_first_import),
		PLAIN(unchanged),
		PLAIN(updated_and_changed_back),
		PLAIN(gone_and_back),
		PLAIN(came_and_went),
		WITH_DN(another_type),
		PLAIN(the_same_anchor_of_two_types),
		PLAIN(the_same_anchor_twice),
		PLAIN(no_anchor),
		PLAIN(bad_values),
		PLAIN(deltas),
		PLAIN(delta_reports_twice),
		PLAIN(exact_values_in_deltas),
		PLAIN(full_after_delta),
		WITH_DN(renamed),
		WITH_DN(changed_by_name),
		WITH_DN(renamed_by_delta),
		WITH_DN(the_dn_as_anchor),
		WITH_DN(containers_do_not_count),
		WITH_DN(a_name_passes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
