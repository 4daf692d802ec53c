/*
 * test_motion.c - what is in motion: links, pending imports, exports, errors,
 * queues
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void links(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct link_row row = {
		.cs = CS_ID(1, 1),
		.mv = 10,
		.rule_set = 4,
		.state = LINK_NORMAL,
		.how = LINK_JOIN,
		.wanted = true,
		.time = INT64_MAX,
	};
	struct link_row back;
	struct link_row *rows;
	struct link_pair *pairs;
	struct link_ref *refs;

	assert_int_equal(store_link_get(f->store, row.cs, &back, &f->err), 0);
	assert_true(back.cs == row.cs && back.mv == 0);
	OK(f, store_link_put(tx, &row, &f->err));
	row.cs = CS_ID(2, 1);
	OK(f, store_link_put(tx, &row, &f->err));
	row.cs = CS_ID(3, 1);
	row.mv = 0;
	row.state = LINK_EXPLICIT;
	row.last_mv = 10;
	OK(f, store_link_put(tx, &row, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 1), &back, &f->err),
			 1);
	assert_true(back.mv == 10 && back.rule_set == 4 && back.wanted &&
		    back.how == LINK_JOIN && back.time == INT64_MAX);
	assert_int_equal(
		store_link_of_mv(f->store, 10, &f->arena, &rows, &f->err), 2);
	assert_true(rows[0].cs == CS_ID(1, 1) && rows[1].cs == CS_ID(2, 1));
	assert_int_equal(
		store_link_refs(f->store, 10, &f->arena, &refs, &f->err), 2);
	assert_true(refs[0].cs == CS_ID(1, 1) && refs[0].rule_set == 4 &&
		    refs[1].cs == CS_ID(2, 1));
	assert_int_equal(
		store_link_refs(f->store, 0, &f->arena, &refs, &f->err), 0);
	assert_int_equal(
		store_link_pairs(f->store, 0, 10, &f->arena, &pairs, &f->err),
		2);
	assert_true(pairs[0].mv == 10 && pairs[0].cs == CS_ID(1, 1) &&
		    pairs[1].mv == 10 && pairs[1].cs == CS_ID(2, 1));
	assert_int_equal(
		store_link_pairs(f->store, 11, 99, &f->arena, &pairs, &f->err),
		0);
	assert_int_equal(
		store_link_remembering(f->store, 10, &f->arena, &rows, &f->err),
		1);
	assert_true(rows[0].cs == CS_ID(3, 1));
	/* disconnectors are not all linked to object 0 */
	assert_int_equal(
		store_link_of_mv(f->store, 0, &f->arena, &rows, &f->err), 0);
	tx = begin(f);
	OK(f, store_link_delete(tx, CS_ID(1, 1), &f->err));
	commit(f, tx);
	assert_int_equal(
		store_link_of_mv(f->store, 10, &f->arena, &rows, &f->err), 1);
}

static void pending_imports(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct pending_import row = {
		.op = IMPORT_UPDATE,
		.renamed = true,
		.old_dn = SV_LIT("cn=a"),
		.synced = SV_LIT("\x01\x00"),
		.indexed = true,
	};
	struct pending_import back;
	int64_t ids[10];
	int i;

	for (i = 1; i <= 6; i++) {
		row.cs = CS_ID(i > 4 ? 2 : 1, i);
		row.op = i % 2 ? IMPORT_UPDATE : IMPORT_DELETE;
		row.indexed = i == 1;
		OK(f, store_pending_import_put(tx, &row, &f->err));
	}
	commit(f, tx);
	assert_int_equal(store_pending_import_get(f->store, CS_ID(1, 1),
						  &f->arena, &back, &f->err),
			 1);
	assert_int_equal(back.op, IMPORT_UPDATE);
	assert_true(back.renamed && back.indexed);
	assert_true(sv_eq_str(back.old_dn, "cn=a"));
	assert_true(sv_eq(back.synced, row.synced));
	assert_null(back.confirmed.ptr);
	assert_int_equal(store_pending_import_get(f->store, CS_ID(1, 99),
						  &f->arena, &back, &f->err),
			 0);
	assert_int_equal(back.op, IMPORT_NONE);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_ALL, ids, 10,
						  &f->err),
			 4);
	assert_int_equal(store_pending_import_ids(f->store, 1, CS_ID(1, 2),
						  PENDING_IMPORT_ALL, ids, 1,
						  &f->err),
			 1);
	assert_true(ids[0] == CS_ID(1, 3));
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_DELETES, ids,
						  10, &f->err),
			 2);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_OTHERS, ids,
						  10, &f->err),
			 2);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_NOT_INDEXED,
						  ids, 10, &f->err),
			 3);
	tx = begin(f);
	OK(f,
	   store_pending_import_delete(tx, CS_ID(1, 1), CS_ID(1, 1), &f->err));
	commit(f, tx);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_ALL, ids, 10,
						  &f->err),
			 3);
}

typedef int (*export_get)(struct store *, int64_t, struct arena *,
			  struct pending_export *, struct error *);
typedef int (*export_put)(struct store_tx *, const struct pending_export *,
			  struct error *);
typedef int (*export_delete)(struct store_tx *, int64_t, struct error *);
typedef int (*export_ids)(struct store *, uint32_t, int64_t, int64_t *, int,
			  struct error *);

static void exports(struct fixture *f, export_get get, export_put put,
		    export_delete del, export_ids list)
{
	struct store_tx *tx = begin(f);
	struct pending_export row = {
		.op = PENDING_DELETE_ADD,
		.in_progress = true,
		.parent = CS_ID(1, 9),
		.rdn = SV_LIT("cn=b"),
		.attrs = SV_LIT("\x01\x00"),
	};
	struct pending_export back;
	int64_t ids[10];
	int i;

	for (i = 5; i > 0; i--) {
		row.cs = CS_ID(1 + i % 2, i);
		OK(f, put(tx, &row, &f->err));
	}
	commit(f, tx);
	assert_int_equal(get(f->store, CS_ID(1, 2), &f->arena, &back, &f->err),
			 1);
	assert_int_equal(back.op, PENDING_DELETE_ADD);
	assert_true(back.in_progress);
	assert_true(back.parent == row.parent && sv_eq(back.rdn, row.rdn) &&
		    sv_eq(back.attrs, row.attrs));
	assert_int_equal(get(f->store, CS_ID(1, 3), &f->arena, &back, &f->err),
			 0);
	assert_int_equal(back.op, PENDING_NONE);
	assert_int_equal(list(f->store, 2, 0, ids, 10, &f->err), 3);
	assert_true(ids[0] == CS_ID(2, 1) && ids[2] == CS_ID(2, 5));
	assert_int_equal(list(f->store, 2, ids[0], ids, 10, &f->err), 2);
	tx = begin(f);
	OK(f, del(tx, CS_ID(2, 1), &f->err));
	OK(f, del(tx, CS_ID(2, 77), &f->err));
	commit(f, tx);
	assert_int_equal(list(f->store, 2, 0, ids, 10, &f->err), 2);
}

static void pending_and_awaiting(void **state)
{
	struct fixture *f = *state;

	exports(f, store_pending_export_get, store_pending_export_put,
		store_pending_export_delete, store_pending_export_ids);
	exports(f, store_awaiting_get, store_awaiting_put,
		store_awaiting_delete, store_awaiting_ids);
}

static void merged_values(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct sv image;

	OK(f, store_merged_put(tx, CS_ID(1, 1), SV_LIT("\x01\x00"), &f->err));
	assert_int_equal(store_merged_get(f->store, CS_ID(1, 1), &f->arena,
					  &image, &f->err),
			 1);
	assert_int_equal(image.len, 2);
	OK(f, store_merged_put(tx, CS_ID(1, 1), SV_NULL, &f->err));
	assert_int_equal(store_merged_get(f->store, CS_ID(1, 1), &f->arena,
					  &image, &f->err),
			 0);
	commit(f, tx);
}

static int count_error(void *data, const struct cs_error *row)
{
	assert_true(row->count > 0);
	return ++*(int *)data == 2 ? 1 : 0;
}

static void errors(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_error row = {
		.cs = CS_ID(1, 1),
		.kind = ERROR_EXPORT,
		.code = SV_LIT("missing-parent"),
		.message = SV_LIT("no 'ou=x'"),
		.last = 100,
	};
	struct cs_error back;
	int count = 0;

	OK(f, store_error_put(tx, &row, &f->err));
	row.last = 200;
	OK(f, store_error_put(tx, &row, &f->err));
	assert_int_equal(store_error_get(f->store, row.cs, ERROR_EXPORT,
					 &f->arena, &back, &f->err),
			 1);
	assert_true(back.first == 100 && back.last == 200 && back.count == 2);
	/* another code starts afresh */
	row.code = SV_LIT("permission-issue");
	row.last = 300;
	OK(f, store_error_put(tx, &row, &f->err));
	OK(f, store_error_get(f->store, row.cs, ERROR_EXPORT, &f->arena, &back,
			      &f->err));
	assert_true(back.first == 300 && back.count == 1);
	assert_true(sv_eq_str(back.code, "permission-issue"));
	/* kinds are apart */
	row.kind = ERROR_SYNC;
	OK(f, store_error_put(tx, &row, &f->err));
	row.cs = CS_ID(2, 1);
	OK(f, store_error_put(tx, &row, &f->err));
	commit(f, tx);
	OK(f, store_error_scan(f->store, 0, count_error, &count, &f->err));
	assert_int_equal(count, 2);
	count = 2;
	OK(f, store_error_scan(f->store, 2, count_error, &count, &f->err));
	assert_int_equal(count, 3);
	tx = begin(f);
	OK(f, store_error_delete(tx, CS_ID(1, 1), ERROR_EXPORT, &f->err));
	commit(f, tx);
	assert_int_equal(store_error_get(f->store, CS_ID(1, 1), ERROR_EXPORT,
					 &f->arena, &back, &f->err),
			 0);
	assert_int_equal(store_error_get(f->store, CS_ID(1, 1), ERROR_SYNC,
					 &f->arena, &back, &f->err),
			 1);
}

static int note_due(void *data, const struct due_row *row)
{
	struct strbuf *out = data;

	strbuf_addf(out, "%d:%lld@%lld/%lld " SV_FMT "|", (int)row->kind,
		    (long long)row->id, (long long)row->time,
		    (long long)row->since, SV_ARG(row->why));
	return 0;
}

static void put_due(struct fixture *f, struct store_tx *tx, enum due_kind kind,
		    int64_t id, int64_t time)
{
	struct due_row row = { kind, id, time, kind == DUE_MV ? 7 : 0,
			       SV_LIT("why") };

	OK(f, store_due_put(tx, &row, &f->err));
}

static void what_is_due(void **state)
{
	struct fixture *f = *state;
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct store_tx *tx;
	struct due_row row;
	int64_t ids[4];

	assert_false(store_due_any(f->store));
	OK(f, store_begin(f->store, STORE_BULK, &tx, &f->err));
	put_due(f, tx, DUE_MV, 1, 200);
	put_due(f, tx, DUE_MV, 1, 100);
	put_due(f, tx, DUE_MV, 2, 101);
	put_due(f, tx, DUE_CS, 3, 100);
	put_due(f, tx, DUE_DELETION, 4, 90);
	assert_true(store_due_any(f->store));
	assert_int_equal(store_due_get(f->store, DUE_MV, 1, &row, &f->err), 1);
	assert_int_equal(row.time, 100);
	assert_int_equal(row.since, 7);
	assert_int_equal(store_due_get(f->store, DUE_CS, 1, &row, &f->err), 0);
	OK(f, store_due_wake(tx, DUE_DELETION, 100, &f->err));
	while (store_due_take(tx, 100, 1, &f->err) > 0)
		;
	assert_int_equal(store_mv_queue_ids(f->store, 0, ids, 4, &f->err), 2);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 4);
	assert_int_equal(store_queue_ids(f->store, 0, 0, ids, 4, &f->err), 1);
	OK(f, store_due_delete(tx, DUE_CS, 3, &f->err));
	OK(f, store_due_scan(f->store, note_due, &out, &f->err));
	assert_string_equal(strbuf_cstr(&out), "3:4@90/0 why|2:2@101/7 why|");
	strbuf_release(&out);
	OK(f, store_commit(tx, &f->err));
}

static struct hold_row a_hold(int64_t cs, enum hold_kind kind, int64_t mv)
{
	const struct hold_row row = { .cs = cs,
				      .kind = kind,
				      .mv = mv,
				      .rule_set = 4,
				      .run = 7,
				      .since = 99,
				      .wanted = UINT64_MAX - 1,
				      .user = "ada",
				      .name = SV_LIT("cn=a"),
				      .attrs = { "\0\5", 2 } };

	return row;
}

static int count_hold(void *data, const struct hold_row *row)
{
	int *count = data;

	assert_string_equal(row->user, "ada");
	return ++*count == 2;
}

static void holds(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct hold_row row = a_hold(CS_ID(2, 1), HOLD_CHANGE, 0);
	struct hold_row *rows;
	int count = 0;

	assert_true(store_hold_count(f->store, &f->err) == 0);
	OK(f, store_hold_put(tx, &row, &f->err));
	row.wanted = 0;
	row = a_hold(CS_ID(2, 2), HOLD_ADD, 5);
	OK(f, store_hold_put(tx, &row, &f->err));
	row = a_hold(CS_ID(1, 9), HOLD_DELETE, 5);
	OK(f, store_hold_put(tx, &row, &f->err));
	OK(f, store_link_take_over(tx, 4, 6, &f->err));
	commit(f, tx);
	assert_int_equal(
		store_hold_get(f->store, CS_ID(2, 1), &f->arena, &row, &f->err),
		1);
	assert_int_equal(row.kind, HOLD_CHANGE);
	assert_int_equal(row.rule_set, 6);
	assert_true(row.run == 7 && row.since == 99);
	assert_true(row.wanted == UINT64_MAX - 1);
	assert_true(sv_eq_str(row.name, "cn=a"));
	assert_int_equal(row.attrs.len, 2);
	assert_int_equal(
		store_hold_of_mv(f->store, 5, &f->arena, &rows, &f->err), 1);
	assert_true(rows[0].cs == CS_ID(2, 2));
	OK(f, store_hold_scan(f->store, 0, count_hold, &count, &f->err));
	assert_int_equal(count, 2);
	tx = begin(f);
	OK(f, store_hold_delete(tx, CS_ID(2, 1), &f->err));
	OK(f, store_hold_delete(tx, CS_ID(2, 1), &f->err));
	commit(f, tx);
	assert_int_equal(
		store_hold_get(f->store, CS_ID(2, 1), &f->arena, &row, &f->err),
		0);
	assert_true(store_hold_count(f->store, &f->err) == 2);
}

static void queues(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	int64_t ids[10];
	int i;

	for (i = 5; i > 0; i--) {
		OK(f, store_queue_put(tx, CS_ID(1, i), &f->err));
		OK(f, store_queue_put(tx, CS_ID(1, i), &f->err));
		OK(f, store_mv_queue_put(tx, i, &f->err));
		OK(f, store_mv_queue_put(tx, i, &f->err));
	}
	OK(f, store_queue_put(tx, CS_ID(2, 1), &f->err));
	OK(f, store_queue_delete(tx, CS_ID(1, 2), &f->err));
	OK(f, store_mv_queue_delete(tx, 2, &f->err));
	commit(f, tx);
	assert_int_equal(store_queue_ids(f->store, 1, 0, ids, 10, &f->err), 4);
	assert_true(ids[0] == CS_ID(1, 1) && ids[3] == CS_ID(1, 5));
	assert_int_equal(
		store_queue_ids(f->store, 1, CS_ID(1, 3), ids, 10, &f->err), 2);
	assert_int_equal(store_mv_queue_ids(f->store, 0, ids, 10, &f->err), 4);
	assert_int_equal(store_mv_queue_ids(f->store, 3, ids, 10, &f->err), 2);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links),
		TEST(pending_imports),
		TEST(pending_and_awaiting),
		TEST(merged_values),
		TEST(errors),
		TEST(queues),
		TEST(what_is_due),
		TEST(holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
