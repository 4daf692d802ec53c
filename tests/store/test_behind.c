/*
 * test_behind.c - what is known under the lease, written by another thread,
 * held back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

/* With the lease, tables known to be empty are not asked; what this process
 * puts there must still be found, and what it rolls back must not. */
static void under_the_lease(void **state)
{
	struct fixture *f = *state;
	struct link_row link = { .cs = CS_ID(1, 1), .mv = 5 };
	struct link_row back;
	struct store_holder holder;
	struct store_tx *tx;
	int i;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 0);
		tx = begin(f);
		OK(f, store_link_put(tx, &link, &f->err));
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 1);
		store_rollback(tx);
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 0);
	}
	tx = begin(f);
	OK(f, store_link_put(tx, &link, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, link.cs, &back, &f->err), 1);
	tx = begin(f);
	OK(f, store_link_delete(tx, link.cs, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, link.cs, &back, &f->err), 0);
}

/* What is said to be absent is absent, whatever was put or taken back before,
 * and whether the table was empty when the lease was taken or not. */
static void keys_under_the_lease(void **state)
{
	struct fixture *f = *state;
	struct key_row old = { 77, 1 };
	struct key_row taken_back = { 78, 2 };
	struct store_holder holder;
	struct store_tx *tx;
	int64_t *ids;
	uint64_t h;

	tx = begin(f);
	OK(f, store_mv_key_put(tx, &old, 1, &f->err));
	OK(f, store_mv_wait_put(tx, &old, 1, &f->err));
	commit(f, tx);
	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	tx = begin(f);
	OK(f, store_cs_key_put(tx, &taken_back, 1, &f->err));
	store_rollback(tx);
	tx = begin(f);
	for (h = 1000; h < 4000; h++) {
		struct key_row row = { h * UINT64_C(0x9e3779b97f4a7c15), 5 };

		assert_int_equal(store_cs_key_find(f->store, row.h, &f->arena,
						   &ids, &f->err),
				 0);
		OK(f, store_cs_key_put(tx, &row, 1, &f->err));
		OK(f, store_mv_wait_put(tx, &row, 1, &f->err));
		assert_int_equal(store_cs_key_find(f->store, row.h, &f->arena,
						   &ids, &f->err),
				 1);
		assert_int_equal(store_mv_wait_find(f->store, row.h, &f->arena,
						    &ids, &f->err),
				 1);
		assert_int_equal(store_mv_wait_find(f->store, row.h + 1,
						    &f->arena, &ids, &f->err),
				 0);
	}
	commit(f, tx);
	assert_int_equal(
		store_cs_key_find(f->store, 78, &f->arena, &ids, &f->err), 0);
	assert_int_equal(
		store_mv_key_find(f->store, 77, &f->arena, &ids, &f->err), 1);
	assert_int_equal(
		store_mv_wait_find(f->store, 77, &f->arena, &ids, &f->err), 1);
}

struct behind {
	struct fixture *f;
	int64_t from;
	bool fail;
};

static int write_some(void *data, struct store_tx *tx, struct error *err)
{
	const struct behind *behind = data;
	int64_t id;

	for (id = behind->from; id < behind->from + 100; id++) {
		struct link_row link = { .cs = CS_ID(1, id), .mv = id };
		struct key_row key = { (uint64_t)id * 3, id };

		if (store_link_put(tx, &link, err) < 0 ||
		    store_mv_key_put(tx, &key, 1, err) < 0)
			return -1;
	}
	if (behind->fail)
		return error_set(err, ERR_UNAVAILABLE, "no more room");
	return 0;
}

static void announce(struct fixture *f, int64_t from)
{
	int64_t id;

	for (id = from; id < from + 100; id++) {
		struct key_row key = { (uint64_t)id * 3, id };

		store_expect_rows(f->store, CS_ID(1, id), STORE_ROWS_LINK);
		store_expect_keys(f->store, STORE_KEYS_MV, &key, 1);
	}
}

/* Whoever asks for rows that another thread writes gets them. */
static void written_behind(void **state)
{
	struct fixture *f = *state;
	struct behind first = { f, 1, false };
	struct behind second = { f, 101, false };
	struct store_holder holder;
	struct link_row link;
	struct store_tx *tx;
	int64_t *ids;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	assert_int_equal(
		store_mv_key_find(f->store, 30, &f->arena, &ids, &f->err), 0);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 0);
	tx = begin(f);
	announce(f, 1);
	OK(f, store_write_behind(tx, write_some, NULL, &first, &f->err));
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 1);
	assert_int_equal(link.mv, 7);
	announce(f, 101);
	OK(f, store_write_behind(tx, write_some, NULL, &second, &f->err));
	assert_int_equal(
		store_mv_key_find(f->store, 600, &f->arena, &ids, &f->err), 1);
	assert_int_equal(ids[0], 200);
	OK(f, store_settle(f->store, &f->err));
	store_rollback(tx); /* only what came after it */
	assert_int_equal(
		store_link_get(f->store, CS_ID(1, 150), &link, &f->err), 1);
}

/* A failure takes all of it back, and nothing is written until the rollback:
 * not even without a transaction. */
static void failed_behind(void **state)
{
	struct fixture *f = *state;
	struct behind behind = { f, 1, true };
	struct link_row link = { .cs = CS_ID(1, 500), .mv = 1 };
	struct store_tx *tx = begin(f);

	OK(f, store_write_behind(tx, write_some, NULL, &behind, &f->err));
	assert_int_equal(store_link_put(tx, &link, &f->err), -1);
	assert_non_null(strstr(f->err.msg, "no more room"));
	assert_int_equal(store_settle(f->store, &f->err), -1);
	assert_int_equal(store_link_put(tx, &link, &f->err), -1);
	assert_int_equal(store_commit(tx, &f->err), -1);
	store_rollback(tx);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 0);
	tx = begin(f);
	link.cs = CS_ID(1, 500);
	OK(f, store_link_put(tx, &link, &f->err));
	commit(f, tx);
}

/* The transaction stays open: what is read behind it sees what was written. */
struct open_behind {
	struct fixture *f;
	int seen;
};

static int write_open(void *data, struct store_tx *tx, struct error *err)
{
	const struct open_behind *behind = data;
	struct behind some = { behind->f, 1, false };

	return write_some(&some, tx, err) < 0 ? -1 : 1;
}

static int look_behind(void *data, struct store_tx *tx, struct error *err)
{
	struct open_behind *behind = data;
	struct arena arena = ARENA_INIT;
	struct link_pair *pairs;

	behind->seen =
		store_link_pairs(store_of(tx), 98, 105, &arena, &pairs, err);
	arena_release(&arena);
	return behind->seen < 0 ? -1 : 0;
}

static void read_behind(void **state)
{
	struct fixture *f = *state;
	struct open_behind behind = { f, 0 };
	struct store_holder holder;
	struct link_row link;
	struct store_tx *tx;
	int64_t *ids;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	tx = begin(f);
	announce(f, 1);
	OK(f,
	   store_write_behind(tx, write_open, look_behind, &behind, &f->err));
	OK(f, store_settle(f->store, &f->err));
	assert_int_equal(behind.seen, 3);
	store_rollback(tx);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 0);
	assert_int_equal(
		store_mv_key_find(f->store, 30, &f->arena, &ids, &f->err), 0);
}

/* Keys are held until the transaction ends; nobody notices. */
static void late_keys(void **state)
{
	const struct key_row keys[] = { { 9, 1 }, { 5, 2 }, { 9, 1 } };
	struct anchor_key first = { 7, 1, { 1, 1 } };
	struct anchor_key last = { 7, 1, { 2, 2 } };
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct anchor_key found;
	int64_t *ids;

	OK(f, store_cs_key_put(tx, keys, 3, &f->err));
	OK(f, store_mv_wait_put(tx, keys, 3, &f->err));
	assert_int_equal(
		store_cs_key_find(f->store, 9, &f->arena, &ids, &f->err), 1);
	OK(f, store_cs_key_delete(tx, 9, 1, &f->err));
	assert_int_equal(
		store_cs_key_find(f->store, 9, &f->arena, &ids, &f->err), 0);
	assert_true(store_mv_wait_any(f->store));
	OK(f, store_anchor_put(tx, 1, &first, &f->err));
	OK(f, store_anchor_put(tx, 1, &last, &f->err));
	assert_int_equal(store_anchor_find(f->store, 1, 7, &found, 1, &f->err),
			 1);
	assert_int_equal(found.content.low, 2);
	OK(f, store_anchor_put(tx, 1, &first, &f->err));
	OK(f, store_cs_key_put(tx, keys, 1, &f->err));
	store_rollback(tx);
	tx = begin(f);
	OK(f, store_mv_key_put(tx, keys, 2, &f->err));
	commit(f, tx);
	assert_int_equal(
		store_cs_key_find(f->store, 9, &f->arena, &ids, &f->err), 0);
	assert_int_equal(store_anchor_find(f->store, 1, 7, &found, 1, &f->err),
			 0);
	assert_false(store_mv_wait_any(f->store));
	assert_int_equal(
		store_mv_key_find(f->store, 5, &f->arena, &ids, &f->err), 1);
}

/* More keys than the filter was made for. */
static void many_keys_under_the_lease(void **state)
{
	enum { BATCH = 100000, BATCHES = 6 };
	struct fixture *f = *state;
	struct key_row *keys = mem_alloc(BATCH * sizeof(*keys));
	struct store_holder holder;
	struct store_tx *tx;
	uint64_t at = 0;
	int64_t *ids;
	int b;
	int i;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	assert_int_equal(
		store_mv_key_find(f->store, 30, &f->arena, &ids, &f->err), 0);
	for (b = 0; b < BATCHES; b++) {
		for (i = 0; i < BATCH; i++) {
			at += UINT64_C(0x9e3779b97f4a7c15);
			keys[i] = (struct key_row){ at, b + 1 };
		}
		tx = begin(f);
		store_expect_keys(f->store, STORE_KEYS_MV, keys, BATCH);
		OK(f, store_mv_key_put(tx, keys, BATCH, &f->err));
		commit(f, tx);
	}
	for (; b > 0; b--, at -= (BATCH - 1) * UINT64_C(0x9e3779b97f4a7c15))
		assert_int_equal(store_mv_key_find(f->store, at, &f->arena,
						   &ids, &f->err),
				 1);
	mem_free(keys);
}

/* ---- held back ---- */

/* What is held back for whoever asks, and how often it was written. */
struct held {
	struct fixture *f;
	int written;
};

static int write_object(void *data, struct store_tx *tx, struct error *err)
{
	struct held *held = data;
	struct cs_row row = { .id = CS_ID(1, 7),
			      .type = 3,
			      .anchor = SV_LIT("a") };

	held->written++;
	return store_cs_put(tx, &row, err);
}

static int refuse(void *data, struct store_tx *tx, struct error *err)
{
	(void)data;
	(void)tx;
	return error_set(err, ERR_UNAVAILABLE, "no room");
}

static struct store_tx *hold_back(struct held *held)
{
	struct fixture *f = held->f;
	struct store_holder holder;
	struct store_tx *tx;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	tx = begin(f);
	store_hold_back(f->store, write_object, held);
	assert_int_equal(held->written, 0);
	return tx;
}

static void who_asks_sees_it(void **state)
{
	struct held held = { .f = *state };
	struct store_tx *tx = hold_back(&held);

	assert_true(has_object(held.f, CS_ID(1, 7)));
	assert_int_equal(held.written, 1);
	assert_true(has_object(held.f, CS_ID(1, 7)));
	assert_int_equal(held.written, 1);
	store_rollback(tx);
}

static void a_commit_takes_it_along(void **state)
{
	struct held held = { .f = *state };
	struct store_tx *tx = hold_back(&held);

	commit(held.f, tx);
	assert_int_equal(held.written, 1);
	store_again(held.f);
	assert_true(has_object(held.f, CS_ID(1, 7)));
}

static void a_rollback_forgets_it(void **state)
{
	struct held held = { .f = *state };

	store_rollback(hold_back(&held));
	assert_false(has_object(held.f, CS_ID(1, 7)));
	assert_int_equal(held.written, 0);
}

static void its_failure_is_who_asks(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store_tx *tx;
	struct cs_row row;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	tx = begin(f);
	store_hold_back(f->store, refuse, f);
	assert_int_equal(
		store_cs_get(f->store, CS_ID(1, 7), &f->arena, &row, &f->err),
		-1);
	assert_string_equal(f->err.msg, "no room");
	store_rollback(tx);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(under_the_lease),
		TEST(keys_under_the_lease),
		TEST(written_behind),
		TEST(failed_behind),
		TEST(read_behind),
		TEST(late_keys),
		TEST(many_keys_under_the_lease),
		TEST(who_asks_sees_it),
		TEST(a_commit_takes_it_along),
		TEST(a_rollback_forgets_it),
		TEST(its_failure_is_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
