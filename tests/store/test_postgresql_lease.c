/*
 * test_postgresql_lease.c - leases of agents: who excludes whom, what two
 * holders write at the same time, what is kept under them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "store/history.h"

#include <pthread.h>

#define STORES 3

struct several {
	struct fixture *f;
	struct store *stores[STORES];
	struct store_holder holder;
	struct error err;
};

static int set_up(void **state)
{
	struct several *s = mem_zalloc(sizeof(*s));
	void *fixture;
	struct store_tx *tx;
	int i;

	(void)fixture_setup(&fixture);
	s->f = fixture;
	tx = begin(s->f);
	assert_int_equal(store_name_add(tx, NAME_AGENT, SV_LIT("hr"), &s->err),
			 1);
	assert_int_equal(store_name_add(tx, NAME_AGENT, SV_LIT("ad"), &s->err),
			 2);
	commit(s->f, tx);
	for (i = 0; i < STORES; i++)
		OK(s, store_open(s->f->url, 0, &s->stores[i], &s->err));
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct several *s = *state;
	void *fixture = s->f;
	int i;

	for (i = 0; i < STORES; i++)
		store_close(s->stores[i]);
	(void)fixture_teardown(&fixture);
	mem_free(s);
	return 0;
}

/* Whether the lease was taken; agent NULL: of all. */
static bool takes(struct several *s, int at, const char *agent)
{
	int ret =
		agent ? store_lease_agent(s->stores[at], agent, agent,
					  &s->holder, &s->err)
		      : store_lease(s->stores[at], "all", &s->holder, &s->err);

	OK(s, ret);
	return ret > 0;
}

static void leave(struct several *s, int at)
{
	store_close(s->stores[at]);
	OK(s, store_open(s->f->url, 0, &s->stores[at], &s->err));
}

static void *want_all(void *data)
{
	struct several *s = data;
	struct store_holder holder;
	struct error err = ERROR_INIT;

	while (store_lease(s->stores[2], "all", &holder, &err) == 0)
		(void)usleep(1000);
	return NULL;
}

/* Who waits for the whole gets its turn: those that come later wait for it. */
static void the_whole_gets_its_turn(void **state)
{
	struct several *s = *state;
	pthread_t thread;

	assert_true(takes(s, 0, "hr"));
	assert_int_equal(pthread_create(&thread, NULL, want_all, s), 0);
	while (!run_postgresql(s->f->url, "SELECT count(*) FROM pg_locks WHERE"
					  " NOT granted"))
		(void)usleep(1000);
	assert_false(takes(s, 1, "ad"));
	leave(s, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(store_leased_whole(s->stores[2]));
}

static struct store_tx *begin_in(struct several *s, int at)
{
	struct store_tx *tx = NULL;

	OK(s, store_begin(s->stores[at], STORE_BULK, &tx, &s->err));
	return tx;
}

static void put(struct several *s, struct store_tx *tx, int64_t id,
		uint32_t flags)
{
	struct cs_row row = object(id);

	row.flags = flags;
	OK(s, store_cs_put(tx, &row, &s->err));
}

static void agents_do_not_exclude_each_other(void **state)
{
	struct several *s = *state;
	struct store_holders holders;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	assert_false(takes(s, 2, "hr"));
	assert_string_equal(s->holder.what, "hr");
	assert_false(takes(s, 2, "ad"));
	assert_string_equal(s->holder.what, "ad");
	assert_int_equal(s->holder.agent, 2);
	assert_false(takes(s, 2, NULL));
	OK(s, store_holders(s->f->store, &holders, &s->err));
	assert_int_equal(holders.count, 2);
	assert_string_equal(holders.at[0].what, "hr");
	assert_string_equal(holders.at[1].what, "ad");
	leave(s, 0);
	assert_false(takes(s, 2, NULL));
	assert_string_equal(s->holder.what, "ad");
	leave(s, 1);
	assert_true(takes(s, 2, NULL));
	assert_true(store_leased_whole(s->stores[2]));
}

static void the_whole_excludes_all(void **state)
{
	struct several *s = *state;

	assert_true(takes(s, 0, NULL));
	assert_false(takes(s, 1, "hr"));
	assert_string_equal(s->holder.what, "all");
	assert_false(takes(s, 1, NULL));
	leave(s, 0);
	assert_true(takes(s, 1, "hr"));
	assert_false(store_leased_whole(s->stores[1]));
	/* a try that failed left no lock behind */
	assert_true(takes(s, 0, "ad"));
	leave(s, 0);
	leave(s, 1);
	assert_true(takes(s, 0, NULL));
}

/* A transaction that is open for long keeps nobody of another agent waiting,
 * nor who does something small about that one. */
static void both_write_at_once(void **state)
{
	struct several *s = *state;
	struct store_tx *first;
	struct store_tx *second;
	struct store_tx *small;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	first = begin_in(s, 0);
	put(s, first, CS_ID(1, 1), 0);
	/* sent to the server, not committed */
	assert_true(store_cs_count(s->stores[0], 1, 0, &s->err) == 1);
	second = begin_in(s, 1);
	put(s, second, CS_ID(2, 1), 0);
	OK(s, store_commit(second, &s->err));
	OK(s,
	   store_begin_beside(s->f->store, 2, STORE_DURABLE, &small, &s->err));
	OK(s, store_queue_put(small, CS_ID(2, 1), &s->err));
	OK(s, store_commit(small, &s->err));
	OK(s, store_commit(first, &s->err));
	assert_true(has_object(s->f, CS_ID(1, 1)));
	assert_true(has_object(s->f, CS_ID(2, 1)));
}

/* Both say that the same metaverse objects are to be looked at. */
static void both_mark_the_same(void **state)
{
	struct several *s = *state;
	struct store_tx *first;
	struct store_tx *second;
	int64_t i;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	first = begin_in(s, 0);
	second = begin_in(s, 1);
	for (i = 1; i <= 1000; i++) {
		put(s, first, CS_ID(1, i), 0);
		put(s, second, CS_ID(2, i), 0);
		OK(s, store_mv_queue_put(first, i, &s->err));
		OK(s, store_mv_queue_put(second, 1001 - i, &s->err));
		if (i == 500) {
			(void)store_cs_count(s->stores[0], 1, 0, &s->err);
			(void)store_cs_count(s->stores[1], 2, 0, &s->err);
		}
	}
	OK(s, store_commit(first, &s->err));
	OK(s, store_commit(second, &s->err));
	assert_int_equal(
		run_postgresql(s->f->url, "SELECT count(*) FROM mv_queue"),
		1000);
}

/* One name, one number, whoever adds it, also while a transaction is open. */
static void names_are_given_once(void **state)
{
	struct several *s = *state;
	struct store_tx *first;
	struct store_tx *second;
	uint32_t a, b, c;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	first = begin_in(s, 0);
	second = begin_in(s, 1);
	put(s, first, CS_ID(1, 1), 0);
	put(s, second, CS_ID(2, 1), 0);
	a = store_name_add(first, NAME_TYPE, SV_LIT("person"), &s->err);
	b = store_name_add(second, NAME_TYPE, SV_LIT("group"), &s->err);
	c = store_name_add(second, NAME_TYPE, SV_LIT("person"), &s->err);
	assert_true(a && b && a != b);
	assert_int_equal(a, c);
	assert_int_equal(
		store_name_add(first, NAME_TYPE, SV_LIT("group"), &s->err), b);
	store_rollback(first);
	OK(s, store_commit(second, &s->err));
	assert_int_equal(
		store_name_find(s->stores[0], NAME_TYPE, SV_LIT("person")), a);
	assert_int_equal(run_postgresql(s->f->url,
					"SELECT count(*) FROM name WHERE"
					" kind = 2"),
			 2);
}

/* What a process knows when it takes a lease is not of before it waited. */
static void names_are_read_again(void **state)
{
	struct several *s = *state;
	struct store_tx *tx;

	assert_true(takes(s, 0, NULL));
	tx = begin_in(s, 0);
	(void)store_name_add(tx, NAME_TYPE, SV_LIT("person"), &s->err);
	OK(s, store_name_change(tx, NAME_AGENT, 1, SV_LIT("people"), &s->err));
	OK(s, store_commit(tx, &s->err));
	leave(s, 0);
	assert_true(takes(s, 1, NULL));
	assert_int_equal(
		store_name_find(s->stores[1], NAME_TYPE, SV_LIT("person")), 1);
	assert_int_equal(
		store_name_find(s->stores[1], NAME_AGENT, SV_LIT("people")), 1);
	assert_int_equal(
		store_name_find(s->stores[1], NAME_AGENT, SV_LIT("hr")), 0);
}

static int64_t begin_run(struct several *s, int at, const char *agent)
{
	struct run_row row = { .agent = agent,
			       .profile = "full-import",
			       .user = "u",
			       .host = s->holder.host,
			       .process = getpid() };
	struct store_tx *tx;
	int64_t id;

	OK(s, store_begin(s->stores[at], STORE_ALONE, &tx, &s->err));
	id = store_run_begin(tx, &row, &s->err);
	OK(s, id);
	OK(s, store_commit(tx, &s->err));
	return id;
}

/* Runs are numbered one after another; the holder's row says which is its. */
static void runs_are_numbered(void **state)
{
	struct several *s = *state;
	struct store_holders holders;
	struct store_tx *open;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	open = begin_in(s, 0);
	put(s, open, CS_ID(1, 1), 0);
	assert_int_equal(begin_run(s, 1, "ad"), 1);
	OK(s, store_commit(open, &s->err));
	assert_int_equal(begin_run(s, 0, "hr"), 2);
	OK(s, store_holders(s->f->store, &holders, &s->err));
	assert_int_equal(holders.at[0].run, 2);
	assert_int_equal(holders.at[1].run, 1);
}

static uint32_t flags_in(struct several *s, int at, int64_t id)
{
	struct cs_row row;
	int round;

	for (round = 0; round < 4; round++)
		assert_int_equal(store_cs_head(s->stores[at], id, &s->f->arena,
					       &row, &s->err),
				 1);
	return row.flags;
}

/* Another agent's rows are read as they are, ours are kept. */
static void what_others_write_is_seen(void **state)
{
	struct several *s = *state;
	struct pending_export row = { .cs = CS_ID(2, 1), .op = PENDING_ADD };
	struct store_tx *tx = begin_in(s, 2);

	put(s, tx, CS_ID(1, 1), 1);
	put(s, tx, CS_ID(2, 1), 1);
	OK(s, store_commit(tx, &s->err));
	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	assert_int_equal(flags_in(s, 0, CS_ID(2, 1)), 1);
	assert_int_equal(flags_in(s, 0, CS_ID(1, 1)), 1);
	assert_int_equal(store_pending_export_get(s->stores[0], CS_ID(2, 1),
						  &s->f->arena, &row, &s->err),
			 0);
	tx = begin_in(s, 1);
	put(s, tx, CS_ID(2, 1), 2);
	row.cs = CS_ID(2, 1);
	row.op = PENDING_ADD;
	OK(s, store_pending_export_put(tx, &row, &s->err));
	OK(s, store_commit(tx, &s->err));
	assert_int_equal(flags_in(s, 0, CS_ID(2, 1)), 2);
	assert_int_equal(store_pending_export_get(s->stores[0], CS_ID(2, 1),
						  &s->f->arena, &row, &s->err),
			 1);
}

/* Of one agent alone: its holder can write nothing more, the others go on. */
static void one_is_taken_over(void **state)
{
	struct several *s = *state;
	struct store_holders before;
	struct store_tx *tx = NULL;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	assert_int_equal(
		store_take_over(s->stores[2], 1, "new", &before, &s->err), 1);
	assert_int_equal(before.count, 1);
	assert_string_equal(before.at[0].what, "hr");
	assert_int_equal(store_begin(s->stores[0], STORE_BULK, &tx, &s->err),
			 -1);
	tx = begin_in(s, 1);
	put(s, tx, CS_ID(2, 1), 0);
	OK(s, store_commit(tx, &s->err));
	tx = begin_in(s, 2);
	put(s, tx, CS_ID(1, 1), 0);
	OK(s, store_commit(tx, &s->err));
}

/* Whoever begins under a number that is not its own any more is refused. */
static void the_number_is_each_agents(void **state)
{
	struct several *s = *state;
	struct store_tx *tx;

	assert_true(takes(s, 0, "hr"));
	assert_true(takes(s, 1, "ad"));
	sql(s->f, "UPDATE lease SET fencing = fencing + 1 WHERE agent = 1");
	assert_int_equal(store_begin(s->stores[0], STORE_BULK, &tx, &s->err),
			 -1);
	assert_non_null(strstr(s->err.msg, "taken over"));
	tx = begin_in(s, 1);
	OK(s, store_commit(tx, &s->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(agents_do_not_exclude_each_other),
		TEST(the_whole_excludes_all),
		TEST(the_whole_gets_its_turn),
		TEST(both_write_at_once),
		TEST(both_mark_the_same),
		TEST(names_are_given_once),
		TEST(names_are_read_again),
		TEST(runs_are_numbered),
		TEST(what_others_write_is_seen),
		TEST(one_is_taken_over),
		TEST(the_number_is_each_agents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
