/*
 * test_reference.c - references: to what is there, comes later, moves, goes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define TOP "container||o=x\n"

static void by_anchor(void **state)
{
	struct fixture *f = *state;
	int64_t bob;

	/* 2 comes later in the same import, 3 not at all, 1 is itself */
	full(f,
	     "object|1||name=Ann|manager=2\n"
	     "object|2||name=Bob|manager=3\n"
	     "object|4||name=Dora|manager=4\n"
	     "object:team|2||name=T|member=1;2;5\n",
	     "stage-add 4");
	bob = find(f, "2");
	expect_reference(f, "1", A_MANAGER, bob);
	expect_reference(f, "4", A_MANAGER, find(f, "4"));
	assert_int_equal(load(f, find(f, "3")).row.flags, CS_PLACEHOLDER);
	expect_reference(f, "2", A_MANAGER, find(f, "3"));
	/* placeholders are no objects */
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 4);
	consume(f);
	full(f,
	     "object|1||name=Ann|manager=2\n"
	     "object|2||name=Bob|manager=3\n"
	     "object|4||name=Dora|manager=4\n"
	     "object:team|2||name=T|member=5;2;1\n",
	     "stage-no-change 4");
}

/* A placeholder is promoted in place: who refers to it is right at once. */
static void placeholder_becomes_an_object(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t id;

	full(f, "object|1||name=Ann|manager=9\n", "stage-add 1");
	id = find(f, "9");
	consume(f);
	full(f,
	     "object|1||name=Ann|manager=9\n"
	     "object|9||name=Boss\n",
	     "stage-no-change 1, stage-add 1");
	assert_true(find(f, "9") == id);
	entry = load(f, id);
	assert_int_equal(entry.row.flags, 0);
	assert_int_equal(entry.import, IMPORT_ADD);
	expect_import(f, "1", IMPORT_NONE);
	expect_reference(f, "1", A_MANAGER, id);
	consume(f);
	/* by a delta too */
	delta(f, "update|1||manager=8\n", "stage-update 1");
	id = find(f, "8");
	delta(f, "add|8||name=New\n", "stage-add 1");
	assert_true(find(f, "8") == id);
	expect_reference(f, "1", A_MANAGER, id);
}

/* Who is deleted while somebody refers to it leaves a placeholder. */
static void target_goes(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t id;

	full(f,
	     "object|1||name=Ann|manager=2\n"
	     "object|2||name=Bob\n",
	     "stage-add 2");
	id = find(f, "2");
	/* no sync has seen it, so it is removed at once */
	full(f, "object|1||name=Ann|manager=2\n",
	     "stage-no-change 1, stage-delete 1");
	entry = load(f, id);
	assert_int_equal(entry.row.flags, CS_PLACEHOLDER);
	assert_false(entry.row.has_image);
	assert_int_equal(entry.import, IMPORT_NONE);
	expect_reference(f, "1", A_MANAGER, id);
	full(f,
	     "object|1||name=Ann|manager=2\n"
	     "object|2||name=Bob\n",
	     "stage-no-change 1, stage-add 1");
	assert_true(find(f, "2") == id);
}

static void reference_changes(void **state)
{
	struct fixture *f = *state;
	int64_t *sources;
	int64_t bob;

	full(f,
	     "object|1||name=Ann|manager=2\n"
	     "object|2||name=Bob\nobject|3||name=Cid\n",
	     "stage-add 3");
	consume(f);
	bob = find(f, "2");
	full(f,
	     "object|1||name=Ann|manager=3\n"
	     "object|2||name=Bob\nobject|3||name=Cid\n",
	     "stage-no-change 2, stage-update 1");
	expect_reference(f, "1", A_MANAGER, find(f, "3"));
	assert_int_equal(
		store_cs_referrers(f->store, bob, &f->arena, &sources, &f->err),
		0);
	full(f,
	     "object|1||name=Ann\n"
	     "object|2||name=Bob\nobject|3||name=Cid\n",
	     "stage-no-change 2, stage-update 1");
	expect_reference(f, "1", A_MANAGER, 0);
	delta(f, "update|1||manager=2\n", "stage-update 1");
	expect_import(f, "1", IMPORT_NONE);
	expect_reference(f, "1", A_MANAGER, bob);
}

static void many_members(void **state)
{
	struct fixture *f = *state;
	struct strbuf text = STRBUF_INIT(1 << 20);
	struct entry entry;
	int i;

	strbuf_adds(&text, "object:team|1||name=T|member=");
	for (i = 0; i < 3000; i++)
		strbuf_addf(&text, "%sp%d", i ? ";" : "", i);
	strbuf_addc(&text, '\n');
	full(f, strbuf_cstr(&text), "stage-add 1");
	consume(f);
	delta(f, "update:team|1||member+=new|member-=p0;p2999\n",
	      "stage-update 1");
	entry = load(f, find(f, "1"));
	assert_int_equal(image_get(&entry.image, A_MEMBER)->len, 2999);
	assert_int_equal(image_get(&entry.synced, A_MEMBER)->len, 3000);
	delta(f, "update:team|1||member-=new|member+=p2999;p0\n",
	      "stage-update 1");
	expect_import(f, "1", IMPORT_NONE);
	strbuf_release(&text);
}

/* ---- by DN ---- */

#define ANN "object|1|cn=a,o=x|name=Ann\n"
#define BOB "object|2|cn=b,o=x|name=Bob\n"

#define MANY 40000 /* of several transactions */

/* A first import is written by another thread, in batches: it refers forward
 * and back over their borders, and tells one object twice. */
static void many_at_first(void **state)
{
	struct fixture *f = *state;
	struct strbuf script = STRBUF_INIT(STRBUF_NO_LIMIT);
	const int samples[] = { 0, 1, 100, 32767, 32768, MANY - 1 };
	size_t s;
	int i;

	for (i = 0; i < MANY; i++)
		strbuf_addf(&script, "object|%d||name=N%d|manager=%d\n", i, i,
			    (i * 7 + 20000) % MANY);
	strbuf_adds(&script, "object|5||name=Again\n");
	import_as(f, IMPORT_FULL, strbuf_cstr(&script),
		  "completed-discovery-errors",
		  "stage-add 40000, stage-failure 1");
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == MANY);
	for (s = 0; s < sizeof(samples) / sizeof(*samples); s++) {
		char anchor[16];
		char manager[16];

		(void)snprintf(anchor, sizeof(anchor), "%d", samples[s]);
		(void)snprintf(manager, sizeof(manager), "%d",
			       (samples[s] * 7 + 20000) % MANY);
		expect_reference(f, anchor, A_MANAGER, find(f, manager));
		expect_import(f, anchor, IMPORT_ADD);
	}
	expect_attr(f, "5", A_NAME, "N5");
	/* the last line away, all of it is known */
	script.len -= strlen("object|5||name=Again\n");
	full(f, strbuf_cstr(&script), "stage-no-change 40000");
	strbuf_release(&script);
}

static void by_dn(void **state)
{
	struct fixture *f = *state;

	full(f,
	     TOP "object|1|cn=a,o=x|name=Ann|manager=CN=B, O=X\n" BOB
		 "object|3|cn=c,o=x|manager=cn=nobody,ou=none,o=x\n",
	     "stage-add 3");
	expect_reference(f, "1", A_MANAGER, find(f, "2"));
	expect_reference(f, "3", A_MANAGER,
			 find_dn(f, "cn=nobody,ou=none,o=x"));
	consume(f);
	/* the object that comes to a placeholder's name is it */
	full(f,
	     TOP "object|1|cn=a,o=x|name=Ann|manager=cn=b,o=x\n" BOB
		 "object|3|cn=c,o=x|manager=cn=nobody,ou=none,o=x\n"
		 "object|4|cn=nobody,ou=none,o=x|name=Now\n",
	     "stage-no-change 3, stage-add 1");
	expect_reference(f, "3", A_MANAGER, find(f, "4"));
}

static void no_name_at_all(void **state)
{
	struct fixture *f = *state;

	import_as(f, IMPORT_FULL,
		  TOP "object|1|cn=a,o=x|name=Ann|manager=nobody\n",
		  "completed-discovery-errors", "stage-add 1, stage-failure 1");
	expect_attr(f, "1", A_NAME, "Ann");
	expect_reference(f, "1", A_MANAGER, 0);
}

/* The target is renamed, and the text with it: the same reference. */
static void target_is_renamed(void **state)
{
	struct fixture *f = *state;
	int64_t bob;

	full(f, TOP "object|1|cn=a,o=x|name=Ann|manager=cn=b,o=x\n" BOB,
	     "stage-add 2");
	consume(f);
	bob = find(f, "2");
	full(f,
	     TOP "object|2|cn=z,o=x|name=Bob\n"
		 "object|1|cn=a,o=x|name=Ann|manager=cn=z,o=x\n",
	     "stage-no-change 1, stage-rename 1");
	expect_reference(f, "1", A_MANAGER, bob);
	expect_import(f, "1", IMPORT_NONE);
}

/* The reader of the reference comes before the objects whose names pass on. */
static void names_are_swapped(void **state)
{
	struct fixture *f = *state;
	int64_t ann;
	int64_t bob;

	full(f,
	     TOP "object|0|cn=m,o=x|name=M|manager=cn=a,o=x\n"
		 "object|9|cn=n,o=x|name=N|manager=cn=b,o=x\n" ANN BOB,
	     "stage-add 4");
	consume(f);
	ann = find(f, "1");
	bob = find(f, "2");
	/* texts follow the objects: nothing changed for M and N */
	OK(f, try_import(f, IMPORT_FULL,
			 TOP "object|0|cn=m,o=x|name=M|manager=cn=b,o=x\n"
			     "object|1|cn=b,o=x|name=Ann\n"
			     "object|2|cn=a,o=x|name=Bob\n"
			     "object|9|cn=n,o=x|name=N|manager=cn=a,o=x\n"));
	assert_int_equal(counters_get(&f->counters, 0, "stage-rename"), 2);
	assert_true(find_dn(f, "cn=b,o=x") == ann);
	assert_true(find_dn(f, "cn=a,o=x") == bob);
	expect_reference(f, "0", A_MANAGER, ann);
	expect_reference(f, "9", A_MANAGER, bob);
	consume(f);
	/* now M means Bob, by the name that Ann had */
	OK(f, try_import(f, IMPORT_FULL,
			 TOP "object|0|cn=m,o=x|name=M|title=T|"
			     "manager=cn=b,o=x\n"
			     "object|1|cn=a,o=x|name=Ann\n"
			     "object|2|cn=b,o=x|name=Bob\n"
			     "object|9|cn=n,o=x|name=N|title=T|"
			     "manager=cn=a,o=x\n"));
	expect_reference(f, "0", A_MANAGER, bob);
	expect_reference(f, "9", A_MANAGER, ann);
	expect_import(f, "0", IMPORT_UPDATE);
}

/* Someone takes a name that was referred to before anybody had it. */
static void renamed_onto_a_placeholder(void **state)
{
	struct fixture *f = *state;
	int64_t bob;

	full(f, TOP "object|1|cn=a,o=x|name=Ann|manager=cn=z,o=x\n" BOB,
	     "stage-add 2");
	consume(f);
	bob = find(f, "2");
	OK(f, try_import(f, IMPORT_FULL,
			 TOP "object|1|cn=a,o=x|name=Ann|manager=cn=z,o=x\n"
			     "object|2|cn=z,o=x|name=Bob\n"));
	assert_int_equal(counters_get(&f->counters, 0, "stage-rename"), 1);
	assert_true(find_dn(f, "cn=z,o=x") == bob);
	expect_reference(f, "1", A_MANAGER, bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(by_anchor),
		PLAIN(placeholder_becomes_an_object),
		PLAIN(target_goes),
		PLAIN(reference_changes),
		PLAIN(many_members),
		PLAIN(many_at_first),
		WITH_DN(by_dn),
		WITH_DN(no_name_at_all),
		WITH_DN(target_is_renamed),
		WITH_DN(names_are_swapped),
		WITH_DN(renamed_onto_a_placeholder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
