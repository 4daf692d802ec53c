/*
 * test_past.c - what changes replaced, and what people did: bytes and rows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/past.h"

#include "harness.h"
#include "store/audit.h"
#include "store/history.h"

enum { TITLE = 1, MAILS, PASSWORD, MEMBER };

static const char *const names[] = { NULL, "title", "mails", "userPassword",
				     "member" };
static struct fixture *f;

static int set_up(void **state)
{
	(void)fixture_setup(state);
	f = *state;
	OK(f, store_bind_attributes(f->store, names, 4, &f->err));
	return 0;
}

static struct values texts(const char *const *at, size_t len)
{
	struct values out = { arena_array(&f->arena, len + 1, sizeof(*out.at)),
			      len };
	size_t i;

	for (i = 0; i < len; i++)
		out.at[i] = value_string(sv_from(at[i]));
	return out;
}

#define TEXTS(...)                                                             \
	texts((const char *const[]){ __VA_ARGS__ },                            \
	      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static const struct values NONE = { NULL, 0 };

/* Through bytes and back. */
static struct past through(const struct past *past)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct past_row row = { .object = 7, .kind = past->kind, .type = 3 };
	struct past out;

	past_encode(past, f->store, &bytes);
	row.what = arena_dup(&f->arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	assert_int_equal(past_decode(&row, f->store, &f->arena, &out, &f->err),
			 0);
	return out;
}

static void check_value(struct values from, struct values to, bool whole)
{
	struct past past = { .kind = PAST_CHANGE };
	struct past_value value;
	struct values before;

	assert_true(past_value(f->store, TITLE, &from, &to, false, &f->arena,
			       &value));
	assert_int_equal(value.whole, whole);
	past.values = &value;
	past.value_count = 1;
	past = through(&past);
	assert_int_equal(past.value_count, 1);
	assert_int_equal(past.values[0].attr, TITLE);
	before = past_before(&past.values[0], &to, &f->arena);
	assert_true(values_identical(&before, &from));
}

static void values_come_back(void **state)
{
	(void)state;
	check_value(NONE, TEXTS("a"), true);
	check_value(TEXTS("a"), NONE, true);
	check_value(TEXTS("a"), TEXTS("b"), true);
	check_value(TEXTS("a", "b", "c"), TEXTS("b", "c", "d"), false);
	check_value(TEXTS("a", "b"), TEXTS("c"), true);
	check_value(TEXTS("b"), TEXTS("a", "b"), false);
}

static void what_stays_costs_nothing(void **state)
{
	struct values from = TEXTS("c", "a", "b");
	struct values to = TEXTS("a", "b", "d");
	struct past_value value;

	(void)state;
	assert_false(past_value(f->store, MAILS, &from, &from, false, &f->arena,
				&value));
	assert_true(past_value(f->store, MAILS, &from, &to, false, &f->arena,
			       &value));
	assert_int_equal(value.gone.len, 1);
	assert_int_equal(value.come.len, 1);
}

/* The history of what was sent has the values that were sent. */
static void sent_values_are_kept(void **state)
{
	struct values from = TEXTS("a");
	struct values to = TEXTS("b");
	struct past_value value;

	(void)state;
	assert_true(past_value(f->store, TITLE, &from, &to, true, &f->arena,
			       &value));
	assert_false(value.whole);
	assert_true(sv_eq_str(value.gone.at[0].text, "a"));
	assert_true(sv_eq_str(value.come.at[0].text, "b"));
}

static void secrets_are_marks(void **state)
{
	struct values from = TEXTS("hunter2");
	struct values to = TEXTS("hunter3");
	struct past past = { .kind = PAST_CHANGE, .value_count = 1 };
	struct past_value value;

	(void)state;
	assert_true(past_value(f->store, PASSWORD, &from, &to, true, &f->arena,
			       &value));
	past.values = &value;
	past = through(&past);
	assert_true(past.values[0].secret);
	assert_int_equal(past.values[0].gone.len, 0);
	assert_int_equal(past.values[0].come.len, 0);
}

static void deletions_keep_all_but_secrets(void **state)
{
	struct past_link link = { CS_ID(2, 17), 4, LINK_JOIN, 123456 };
	struct past past = { .kind = PAST_DELETE,
			     .gone = &link,
			     .gone_count = 1 };

	(void)state;
	memset(past.row.guid, 7, sizeof(past.row.guid));
	past.row.projected = CS_ID(1, 5);
	past.row.run = 12;
	past.row.created = 99;
	image_set(&past.image, TITLE, TEXTS("Chemist"), &f->arena);
	image_set(&past.image, PASSWORD, TEXTS("hunter2"), &f->arena);
	past = through(&past);
	assert_int_equal(past.row.guid[15], 7);
	assert_int_equal(past.row.projected, CS_ID(1, 5));
	assert_int_equal(past.row.run, 12);
	assert_int_equal(past.row.created, 99);
	assert_int_equal(past.row.id, 7);
	assert_int_equal(past.row.type, 3);
	assert_int_equal(past.gone_count, 1);
	assert_int_equal(past.gone[0].cs, CS_ID(2, 17));
	assert_int_equal(past.gone[0].time, 123456);
	assert_int_equal(past.image.len, 1);
	assert_true(image_has(&past.image, TITLE));
}

static void exports_have_names(void **state)
{
	struct past past = { .kind = PAST_EXPORT,
			     .op = PENDING_UPDATE,
			     .parent = CS_ID(3, 1),
			     .rdn = SV_LIT("cn=a"),
			     .new_parent = CS_ID(3, 2),
			     .new_rdn = SV_LIT("cn=b") };

	(void)state;
	past = through(&past);
	assert_int_equal(past.op, PENDING_UPDATE);
	assert_int_equal(past.parent, CS_ID(3, 1));
	assert_true(sv_eq_str(past.rdn, "cn=a"));
	assert_int_equal(past.new_parent, CS_ID(3, 2));
	assert_true(sv_eq_str(past.new_rdn, "cn=b"));
}

static void additions_have_sums(void **state)
{
	struct value text = value_string(SV_LIT("Chemist"));
	struct value other = value_string(SV_LIT("CHEMIST"));
	struct value number = value_integer(7);
	struct past_sum sums[] = {
		{ TITLE, past_sum(f->store, &text, &f->arena) },
		{ MAILS, past_sum(f->store, &number, &f->arena) },
	};
	struct past past = { .kind = PAST_EXPORT,
			     .op = PENDING_ADD,
			     .sums = sums,
			     .sum_count = 2 };

	(void)state;
	past = through(&past);
	assert_int_equal(past.op, PENDING_ADD);
	assert_int_equal(past.sum_count, 2);
	assert_int_equal(past.sums[0].attr, TITLE);
	assert_int_equal(past.sums[1].sum, sums[1].sum);
	assert_int_equal(past.sums[0].sum,
			 past_sum(f->store, &other, &f->arena));
	assert_int_not_equal(past.sums[0].sum, past.sums[1].sum);
}

static void deletions_have_owner_and_referrers(void **state)
{
	struct past_referrer referrers[] = { { CS_ID(3, 8), 2 },
					     { CS_ID(3, 9), 0 } };
	struct past past = { .kind = PAST_EXPORT,
			     .op = PENDING_DELETE,
			     .mv = 12,
			     .rule_set = 5,
			     .referrers = referrers,
			     .referrer_count = 2 };

	(void)state;
	image_set(&past.image, TITLE, TEXTS("Chemist"), &f->arena);
	past = through(&past);
	assert_true(past.mv == 12);
	assert_int_equal(past.rule_set, 5);
	assert_int_equal(past.referrer_count, 2);
	assert_true(past.referrers[1].cs == CS_ID(3, 9));
	assert_int_equal(past.referrers[0].attr, 2);
	assert_true(image_has(&past.image, TITLE));
}

static void damaged_exports_are_found(void **state)
{
	struct past_referrer referrer = { CS_ID(3, 8), 2 };
	struct past past = { .kind = PAST_EXPORT,
			     .op = PENDING_DELETE,
			     .referrers = &referrer,
			     .referrer_count = 1 };
	struct past_row row = { .object = 7, .kind = PAST_EXPORT };
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t len;

	(void)state;
	past_encode(&past, f->store, &bytes);
	for (len = 0; len < bytes.len; len++) {
		row.what = arena_dup(&f->arena, sv_make(bytes.ptr, len));
		assert_int_equal(
			past_decode(&row, f->store, &f->arena, &past, &f->err),
			-1);
	}
	strbuf_release(&bytes);
}

/* Whatever is cut off is found, and nothing is read behind the end. */
static void damage_is_found(void **state)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct past past = { .kind = PAST_CHANGE, .value_count = 1 };
	struct past_row row = { .object = 7, .kind = PAST_CHANGE };
	struct values from = TEXTS("Chemist");
	struct past_value value;
	size_t len;

	(void)state;
	assert_true(past_value(f->store, TITLE, &from, &NONE, false, &f->arena,
			       &value));
	past.values = &value;
	past_encode(&past, f->store, &bytes);
	for (len = 0; len < bytes.len; len++) {
		row.what =
			arena_dup(&f->arena, sv_sub(strbuf_sv(&bytes), 0, len));
		assert_int_equal(
			past_decode(&row, f->store, &f->arena, &past, &f->err),
			-1);
		assert_int_equal(f->err.code, ERR_CORRUPT);
	}
	strbuf_release(&bytes);
}

/* ---- rows ---- */

static void put(struct store_tx *tx, int64_t id, int64_t object,
		enum past_kind kind, uint32_t type, int64_t time)
{
	struct past_row row = {
		.id = id,
		.object = object,
		.kind = kind,
		.type = type,
		.time = time,
		.what = SV_LIT("what"),
	};

	OK(f, store_past_put(tx, &row, &f->err));
}

static int64_t begin_run(struct store_tx *tx, int64_t started)
{
	struct run_row row = { .agent = "hr",
			       .profile = "full-sync",
			       .user = "u",
			       .host = "h",
			       .started = started };
	int64_t run = store_run_begin(tx, &row, &f->err);

	OK(f, run);
	return run;
}

static int count_all(void)
{
	struct past_row rows[16];
	int count = store_past_scan(f->store, 0, INT64_MAX, rows, 16, &f->err);

	OK(f, count);
	return count;
}

static void rows_by_object_and_run(void **state)
{
	struct store_tx *tx = begin(f);
	struct past_row rows[16];
	int64_t next;

	(void)state;
	OK(f, store_past_next(f->store, 3, &next, &f->err));
	assert_true(next == PAST_ID(3) + 1);
	put(tx, PAST_ID(2) + 1, 5, PAST_CHANGE, 1, 10);
	put(tx, PAST_ID(3) + 1, 5, PAST_CHANGE, 1, 20);
	put(tx, PAST_ID(3) + 2, 6, PAST_DELETE, 1, 20);
	put(tx, PAST_ID(4) + 1, 5, PAST_CHANGE, 1, 30);
	OK(f, store_past_next(f->store, 3, &next, &f->err));
	assert_true(next == PAST_ID(3) + 3);
	commit(f, tx);
	assert_int_equal(store_past_of(f->store, 5, INT64_MAX, rows, 16,
				       &f->arena, &f->err),
			 3);
	assert_int_equal(PAST_RUN(rows[0].id), 4);
	assert_true(sv_eq_str(rows[0].what, "what"));
	assert_int_equal(rows[0].answer.len, 0);
	assert_int_equal(store_past_of(f->store, 5, PAST_ID(4), rows, 1,
				       &f->arena, &f->err),
			 1);
	assert_int_equal(PAST_RUN(rows[0].id), 3);
	assert_int_equal(store_past_scan(f->store, PAST_ID(3), PAST_ID(4), rows,
					 16, &f->err),
			 2);
	assert_int_equal(rows[1].kind, PAST_DELETE);
}

static void an_answer_belongs_to_the_last_export(void **state)
{
	struct store_tx *tx = begin(f);
	const int64_t cs = CS_ID(2, 1);
	struct past_row rows[4];

	(void)state;
	put(tx, PAST_ID(1) + 1, cs, PAST_EXPORT, 1, 10);
	put(tx, PAST_ID(2) + 1, cs, PAST_EXPORT, 1, 20);
	OK(f, store_past_answer(tx, cs, PAST_ID(2), PAST_ID(3),
				SV_LIT("code: no"), &f->err));
	OK(f,
	   store_past_answer(tx, cs, 0, PAST_ID(2), SV_LIT("lost"), &f->err));
	OK(f, store_past_answer(tx, cs, PAST_ID(3), PAST_ID(4),
				SV_LIT("nothing there"), &f->err));
	commit(f, tx);
	assert_int_equal(store_past_of(f->store, cs, INT64_MAX, rows, 4,
				       &f->arena, &f->err),
			 2);
	assert_true(sv_eq_str(rows[0].answer, "code: no"));
	assert_true(sv_eq_str(rows[1].answer, "lost"));
}

/* By type and kind, in slices, and nothing that is younger. */
static void old_rows_go(void **state)
{
	struct store_tx *tx = begin(f);
	int64_t first = begin_run(tx, 100);
	int64_t second = begin_run(tx, 200);
	int64_t removed = 0;
	int64_t after = 0;
	int64_t run;

	(void)state;
	put(tx, PAST_ID(first) + 1, 5, PAST_CHANGE, 1, 110);
	put(tx, PAST_ID(first) + 2, 6, PAST_CHANGE, 2, 110);
	put(tx, PAST_ID(first) + 3, CS_ID(1, 1), PAST_EXPORT, 1, 120);
	put(tx, PAST_ID(first) + 4, 5, PAST_DELETE, 1, 130);
	put(tx, PAST_ID(second) + 1, 6, PAST_CHANGE, 1, 210);
	assert_int_equal(store_past_forget(tx, PAST_OBJECTS, 1, 200, &after, 3,
					   &removed, &f->err),
			 3);
	assert_int_equal(removed, 1);
	assert_int_equal(store_past_forget(tx, PAST_OBJECTS, 1, 200, &after, 3,
					   &removed, &f->err),
			 1);
	assert_int_equal(removed, 2);
	assert_int_equal(store_past_forget(tx, PAST_OBJECTS, 1, 200, &after, 3,
					   &removed, &f->err),
			 0);
	assert_int_equal(count_all(), 3);
	after = 0;
	OK(f, store_past_forget(tx, PAST_EXPORTS, 0, 200, &after, 10, &removed,
				&f->err));
	assert_int_equal(removed, 3);
	assert_int_equal(count_all(), 2);
	OK(f, store_past_run_at(f->store, 150, &run, &f->err));
	assert_true(run == first);
	OK(f, store_past_run_at(f->store, 50, &run, &f->err));
	assert_int_equal(run, 0);
	commit(f, tx);
}

static void objects_tell_who_made_them(void **state)
{
	struct store_tx *tx = begin(f);
	struct mv_row row = { .id = 7, .type = 1, .run = 3, .created = 99 };
	struct mv_row back;
	int64_t ids[4];

	(void)state;
	OK(f, store_mv_put(tx, &row, &f->err));
	row.id = 8;
	row.run = 4;
	OK(f, store_mv_put(tx, &row, &f->err));
	commit(f, tx);
	OK(f, store_mv_get(f->store, 7, &f->arena, &back, &f->err));
	assert_int_equal(back.run, 3);
	assert_int_equal(back.created, 99);
	assert_int_equal(store_mv_made(f->store, 4, 9, 0, ids, 4, &f->err), 1);
	assert_int_equal(ids[0], 8);
}

/* ---- what people did ---- */

static int check_entry(void *data, const struct audit_row *row)
{
	struct audit_row *last = data;
	struct audit_row made = *row;

	audit_hash(&made, last->hash);
	assert_memory_equal(made.hash, row->hash, AUDIT_HASH);
	assert_int_equal(row->id, last->id + 1);
	last->id = row->id;
	memcpy(last->hash, row->hash, AUDIT_HASH);
	return 0;
}

static void entries_are_chained(void **state)
{
	struct audit_row row = { .time = 116444736000000000,
				 .user = "ada",
				 .host = "h",
				 .command = "prune",
				 .result = "success" };
	struct audit_row last = { .id = 0 };
	struct store_tx *tx = begin(f);

	(void)state;
	OK(f, store_audit_add(tx, &row, &f->err));
	OK(f, store_audit_add(tx, &row, &f->err));
	commit(f, tx);
	OK(f, store_audit_scan(f->store, 0, check_entry, &last, &f->err));
	assert_int_equal(last.id, 2);
}

/* printf over the fields as audit.h says, by another program's SHA-256. */
static void the_hash_is_what_is_written_down(void **state)
{
	static const unsigned char zeros[AUDIT_HASH];
	struct audit_row row = { .id = 1,
				 .time = 116444736000000000,
				 .user = "ada",
				 .host = "h",
				 .command = "prune",
				 .result = "success" };
	struct strbuf hex = STRBUF_INIT(2 * AUDIT_HASH + 1);

	(void)state;
	audit_hash(&row, zeros);
	strbuf_add_hex(&hex, sv_make((const char *)row.hash, AUDIT_HASH));
	assert_string_equal(
		strbuf_cstr(&hex),
		"dd003046225c963628e12a5a8c565e18752b08f447998f990d2a5c99327a4c58");
	strbuf_release(&hex);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_come_back),
		TEST(what_stays_costs_nothing),
		TEST(sent_values_are_kept),
		TEST(secrets_are_marks),
		TEST(deletions_keep_all_but_secrets),
		TEST(exports_have_names),
		TEST(additions_have_sums),
		TEST(deletions_have_owner_and_referrers),
		TEST(damaged_exports_are_found),
		TEST(damage_is_found),
		TEST(rows_by_object_and_run),
		TEST(an_answer_belongs_to_the_last_export),
		TEST(old_rows_go),
		TEST(objects_tell_who_made_them),
		TEST(entries_are_chained),
		TEST(the_hash_is_what_is_written_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
