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
	/* known by its hash: what lies beside the image stays there */
	assert_int_equal(row_count(f, team), 1);
	entry = load(f, team);
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_int_equal(len(&entry.image), 1);
	assert_int_equal(len(&entry.synced), 2);
}

/* Bytes cannot follow: the first time values are compared, from then on the
 * object is known by their hash. */
static void told_by_bytes(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t team;

	the_session.context = "a";
	team = start(f);
	delta(f, "update:team|T||member+=c\n", "stage-update 1");
	full(f, PEOPLE "object:team|T||name=T|member=c;b;a\n",
	     "stage-no-change 5");
	assert_int_equal(row_count(f, team), 0);
	consume(f);
	delta(f, "update:team|T||member+=d\n", "stage-update 1");
	the_session.expanded = 0;
	full(f, PEOPLE "object:team|T||name=T|member=d;c;b;a\n",
	     "stage-no-change 5");
	assert_int_equal(the_session.expanded, 1);
	assert_int_equal(row_count(f, team), 1);
	full(f, PEOPLE "object:team|T||name=T|member=d;c;b\n",
	     "stage-no-change 4, stage-update 1");
	entry = load(f, team);
	assert_int_equal(len(&entry.image), 3);
}

/* ---- sets that are delivered whole ---- */

#define MANY 20

/* A team of all but `less` (0: of all), read before or after its members;
 * `name` is that of the first, `second` that of the second. */
static const char *crowd(struct fixture *f, bool before, int less,
			 const char *name, const char *second)
{
	struct strbuf people = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf team = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *out;
	int i;

	strbuf_addf(&team, "object:team|T|cn=T,o=x|name=T");
	for (i = 1; i <= MANY; i++) {
		char own[16];

		(void)snprintf(own, sizeof(own), "p%d", i);
		strbuf_addf(&people, "object|%d|uid=%s,o=x|name=P\n", i,
			    i == 1   ? name
			    : i == 2 ? second
				     : own);
		if (i != less)
			strbuf_addf(&team, "%suid=p%d,o=x",
				    i == 1 ? "|member=" : ";", i);
	}
	strbuf_addf(&team, "\n");
	out = before ? arena_printf(&f->arena, "%s%s", strbuf_cstr(&team),
				    strbuf_cstr(&people))
		     : arena_printf(&f->arena, "%s%s", strbuf_cstr(&people),
				    strbuf_cstr(&team));
	strbuf_release(&people);
	strbuf_release(&team);
	return out;
}

static void one_of_many_differs(void **state)
{
	struct fixture *f = *state;
	struct cs_row before;
	struct cs_row after;
	struct entry entry;
	int64_t team;

	full(f, crowd(f, false, 0, "p1", "p2"), "stage-add 21");
	consume(f);
	team = find(f, "T");
	OK(f, store_cs_get(f->store, team, &f->arena, &before, &f->err));
	full(f, crowd(f, false, 7, "p1", "p2"),
	     "stage-no-change 20, stage-update 1");
	OK(f, store_cs_get(f->store, team, &f->arena, &after, &f->err));
	assert_true(sv_eq(before.image, after.image));
	assert_int_equal(row_count(f, team), 1);
	entry = load(f, team);
	assert_int_equal(entry.import, IMPORT_UPDATE);
	assert_int_equal(len(&entry.image), MANY - 1);
	assert_int_equal(len(&entry.synced), MANY);
	/* again, and back */
	full(f, crowd(f, false, 7, "p1", "p2"), "stage-no-change 21");
	full(f, crowd(f, true, 0, "p1", "p2"),
	     "stage-no-change 20, stage-update 1");
	assert_int_equal(row_count(f, team), 0);
	assert_int_equal(load(f, team).import, IMPORT_NONE);
}

static void awaited_of_many(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t team;

	full(f, crowd(f, false, 7, "p1", "p2"), "stage-add 21");
	consume(f);
	team = find(f, "T");
	await_value(f, team, "7", true);
	await_value(f, team, "8", false);
	import_as(f, IMPORT_FULL, crowd(f, false, 0, "p1", "p2"),
		  "completed-warnings", "stage-no-change 20, stage-update 1");
	entry = load(f, team);
	assert_int_equal(entry.awaiting.op, PENDING_NONE);
	assert_int_equal(entry.pending.op, PENDING_UPDATE);
	assert_int_equal(len(&entry.pending.attrs), MANY - 1);
	assert_int_equal(len(&entry.confirmed), MANY);
}

static bool has(const struct image *image, int64_t target)
{
	const struct values *values = image_get(image, A_MEMBER);
	size_t i;

	for (i = 0; values && i < values->len; i++)
		if (values->at[i].number == target)
			return true;
	return false;
}

/* Names pass on in the import that delivers the set; who bears one in the end
 * is the member. */
static void pass_names_on(struct fixture *f, bool before)
{
	static const struct {
		const char *first;
		const char *second;
		int less;
		bool has_first;
		bool has_second;
	} rounds[] = {
		{ "q", "p2", 7, false, true },  { "p1", "p2", 0, true, true },
		{ "p2", "p1", 2, false, true }, { "p1", "p2", 2, true, false },
		{ "p2", "q", 0, true, false },
	};
	struct entry entry;
	size_t i;

	full(f, crowd(f, false, 0, "p1", "p2"), "stage-add 21");
	consume(f);
	for (i = 0; i < sizeof(rounds) / sizeof(*rounds); i++) {
		OK(f, try_import(f, IMPORT_FULL,
				 crowd(f, before, rounds[i].less,
				       rounds[i].first, rounds[i].second)));
		assert_string_equal(f->result.result, "success");
		entry = load(f, find(f, "T"));
		assert_int_equal(has(&entry.image, find(f, "1")),
				 rounds[i].has_first);
		assert_int_equal(has(&entry.image, find(f, "2")),
				 rounds[i].has_second);
		assert_int_equal(len(&entry.image),
				 MANY - (rounds[i].less > 0));
	}
}

static void names_pass_on_before(void **state)
{
	pass_names_on(*state, false);
}

static void names_pass_on_later(void **state)
{
	pass_names_on(*state, true);
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
		PLAIN(one_more_and_less),      PLAIN(another_attribute_too),
		PLAIN(it_comes_back),          PLAIN(it_comes_back_different),
		PLAIN(by_two_attributes),      PLAIN(told_by_bytes),
		WITH_DN(one_of_many_differs),  WITH_DN(awaited_of_many),
		WITH_DN(names_pass_on_before), WITH_DN(names_pass_on_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
