/*
 * test_set.c - one value more or less of a set, by rows beside the image
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "store/member.h"

#define PEOPLE                                                                 \
	"object|a||name=A\nobject|b||name=B\nobject|c||name=C\n"               \
	"object|d||name=D\n"
#define TEAM PEOPLE "object:team|T||name=T|member=a;b\n"

static int64_t start(struct fixture *f)
{
	full(f, TEAM, "stage-add 5");
	consume(f);
	return find(f, "T");
}

static uint32_t attribute(struct fixture *f)
{
	return store_attr_map(f->store)->to_store[A_MEMBER];
}

static int row_count(struct fixture *f, int64_t team)
{
	struct member *rows;
	int count = store_member_range(f->store, team, team, &f->arena, &rows,
				       &f->err);

	OK(f, count);
	return count;
}

/* As after an export that wrote it, or took it away. */
static void await_value(struct fixture *f, int64_t team, const char *anchor,
			bool written)
{
	struct pending_export awaiting = { .cs = team, .op = PENDING_UPDATE };
	struct store_tx *tx = begin(f);
	struct member row;

	assert_int_equal(store_member_get(f->store, team, attribute(f),
					  find(f, anchor), &row, &f->err),
			 1);
	row.flags |= MEMBER_AWAITED | (written ? MEMBER_WRITTEN : 0);
	OK(f, store_member_put(tx, &row, &f->err));
	OK(f, store_awaiting_put(tx, &awaiting, &f->err));
	commit(f, tx);
}

static size_t len(const struct image *image)
{
	const struct values *values = image_get(image, A_MEMBER);

	return values ? values->len : 0;
}

static void one_more_and_less(void **state)
{
	struct fixture *f = *state;
	int64_t team = start(f);
	struct cs_row before;
	struct cs_row after;
	struct entry entry;

	OK(f, store_cs_get(f->store, team, &f->arena, &before, &f->err));
	delta(f, "update:team|T||member+=c\n", "stage-update 1");
	OK(f, store_cs_get(f->store, team, &f->arena, &after, &f->err));
	assert_true(sv_eq(before.image, after.image));
	assert_int_equal(row_count(f, team), 1);
	entry = load(f, team);
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_int_equal(len(&entry.image), 3);
	assert_int_equal(len(&entry.synced), 2);
	/* and back: nothing is left */
	delta(f, "update:team|T||member-=c\n", "stage-update 1");
	assert_int_equal(row_count(f, team), 0);
	assert_int_equal(load(f, team).import, IMPORT_NONE);
	/* what is there, what is not there */
	delta(f, "update:team|T||member+=a|member-=d\n", "stage-no-change 1");
	assert_int_equal(row_count(f, team), 0);
	/* all of it again, as it is now */
	delta(f, "update:team|T||member-=a\n", "stage-update 1");
	full(f, PEOPLE "object:team|T||name=T|member=b\n", "stage-no-change 5");
	assert_int_equal(row_count(f, team), 0);
	entry = load(f, team);
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_int_equal(len(&entry.image), 1);
	assert_int_equal(len(&entry.synced), 2);
}

static void another_attribute_too(void **state)
{
	struct fixture *f = *state;
	int64_t team = start(f);
	struct entry entry;

	delta(f, "update:team|T||member+=c\n", "stage-update 1");
	delta(f, "update:team|T||name=N|member+=d\n", "stage-update 1");
	assert_int_equal(row_count(f, team), 0);
	entry = load(f, team);
	assert_int_equal(len(&entry.image), 4);
	assert_int_equal(len(&entry.synced), 2);
	assert_string_equal(values_of(f, &entry.synced, A_NAME), "T");
}

static void it_comes_back(void **state)
{
	struct fixture *f = *state;
	int64_t team = start(f);
	struct entry entry;

	await_value(f, team, "c", true);
	await_value(f, team, "a", false);
	entry = load(f, team);
	assert_int_equal(len(&entry.awaiting.attrs), 2);
	/* one of them; nothing is said of the other */
	delta(f, "update:team|T||member+=c\n", "stage-update 1");
	entry = load(f, team);
	assert_int_equal(entry.awaiting.op, PENDING_UPDATE);
	assert_int_equal(len(&entry.confirmed), 3);
	assert_int_equal(len(&entry.image), 3);
	assert_int_equal(len(&entry.awaiting.attrs), 2);
	delta(f, "update:team|T||member-=a\n", "stage-update 1");
	entry = load(f, team);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_NONE);
	assert_int_equal(len(&entry.confirmed), 2);
	expect_errors(f, "");
	/* what was confirmed changes before it was synchronized */
	delta(f, "update:team|T||member-=c\n", "stage-update 1");
	entry = load(f, team);
	assert_int_equal(len(&entry.image), 1);
	assert_int_equal(len(&entry.synced), 3);
}

static void it_comes_back_different(void **state)
{
	struct fixture *f = *state;
	int64_t team = start(f);
	struct entry entry;
	char expected[80];

	await_value(f, team, "c", true);
	await_value(f, team, "a", false);
	import_as(f, IMPORT_DELTA, "update:team|T||member-=c\n",
		  "completed-warnings", "stage-no-change 1");
	assert_true(f->result.warnings == 1);
	entry = load(f, team);
	assert_int_equal(entry.pending.op, PENDING_UPDATE);
	assert_int_equal(entry.awaiting.op, PENDING_UPDATE);
	/* it shall have c, and a is to be gone already */
	assert_int_equal(len(&entry.pending.attrs), 2);
	import_as(f, IMPORT_DELTA, "update:team|T||member+=a\n",
		  "completed-warnings", "stage-no-change 1");
	entry = load(f, team);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(len(&entry.pending.attrs), 2);
	(void)snprintf(expected, sizeof(expected),
		       "%lld:exported-change-not-reimported;",
		       (long long)CS_SEQUENCE(team));
	expect_errors(f, expected);
}

/* Who is referred to by two attributes cannot be told from rows. */
static void by_two_attributes(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	uint32_t by = 1;
	struct store_tx *tx;
	int64_t team = start(f);
	int64_t a = find(f, "a");

	OK(f, store_referring(f->store, team, a, &by, &f->err));
	assert_int_equal(by, attribute(f));
	tx = begin(f);
	OK(f, store_cs_ref_add(tx, a, team, by + 1, &f->err));
	commit(f, tx);
	OK(f, store_referring(f->store, team, a, &by, &f->err));
	assert_int_equal(by, 0);
	delta(f, "update:team|T||member-=a\n", "stage-update 1");
	assert_int_equal(row_count(f, team), 0);
	entry = load(f, team);
	assert_int_equal(len(&entry.synced), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(one_more_and_less), PLAIN(another_attribute_too),
		PLAIN(it_comes_back),     PLAIN(it_comes_back_different),
		PLAIN(by_two_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
