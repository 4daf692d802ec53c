/*
 * test_crash.c - killed processes, the lease, a disk that is full
 *
 * The store is closed in the parent before it forks: a connection must not
 * cross a fork. Children never assert; they exit, or write to a pipe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct {
	pid_t pid;
	int from; /* what the child writes */
} child;

/* Starts `fn` in a child with the store open; it never returns from fn. */
static void start(struct fixture *f,
		  void (*fn)(struct store *store, int out, int64_t arg),
		  int64_t arg)
{
	int ends[2];

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(pipe(ends), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		struct store *store;

		(void)close(ends[0]);
		if (store_open(f->url, 0, &store, NULL) < 0)
			_exit(9);
		fn(store, ends[1], arg);
		_exit(0);
	}
	(void)close(ends[1]);
	child.from = ends[0];
}

static bool child_says(int64_t *out)
{
	return read(child.from, out, sizeof(*out)) == sizeof(*out);
}

static void say(int out, int64_t number)
{
	if (write(out, &number, sizeof(number)) != sizeof(number))
		_exit(8);
}

static int end_child(struct fixture *f, int sig)
{
	int status;

	if (sig)
		assert_int_equal(kill(child.pid, sig), 0);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	(void)close(child.from);
	await_no_connection(f);
	return status;
}

/* ---- killed at any point ---- */

/* Object n in every table, and n beside them, in one transaction. */
static int write_number(struct store *store, int64_t n)
{
	enum store_durability how = n % 3 ? STORE_BULK : STORE_DURABLE;
	struct cs_row row = object(CS_ID(1, n));
	struct anchor_key anchor = { (uint64_t)n, CS_ID(1, n), { 1, 2 } };
	struct key_row key = { (uint64_t)n, CS_ID(1, n) };
	struct link_row link = { .cs = CS_ID(1, n), .mv = n };
	struct pending_export pending = { .cs = CS_ID(1, n),
					  .op = PENDING_ADD };
	struct sv number = sv_make((const char *)&n, sizeof(n));
	struct store_tx *tx;

	if (store_begin(store, how, &tx, NULL) < 0)
		return -1;
	if (store_cs_put(tx, &row, NULL) < 0 ||
	    store_meta_set(tx, "last", number, NULL) < 0 ||
	    store_anchor_put(tx, 1, &anchor, NULL) < 0 ||
	    store_cs_key_put(tx, &key, 1, NULL) < 0 ||
	    store_link_put(tx, &link, NULL) < 0 ||
	    store_pending_export_put(tx, &pending, NULL) < 0)
		return -1;
	return store_commit(tx, NULL);
}

static void write_on(struct store *store, int out, int64_t from)
{
	for (;; from++) {
		if (write_number(store, from) < 0)
			_exit(7);
		say(out, from);
	}
}

static int64_t last_of(struct fixture *f)
{
	struct sv value;
	int64_t n = 0;

	OK(f, store_meta_get(f->store, "last", &f->arena, &value, &f->err));
	if (value.len == sizeof(n))
		memcpy(&n, value.ptr, sizeof(n));
	return n;
}

/* All of 1 .. n is there, nothing of what comes after it. */
static void expect_exactly(struct fixture *f, int64_t n)
{
	struct anchor_key found;
	struct pending_export pending;
	struct link_row link;
	int64_t *ids;
	int64_t i;

	for (i = n > 50 ? n - 50 : 1; i <= n + 1; i++) {
		int there = i <= n;
		int64_t id = CS_ID(1, i);

		assert_int_equal(has_object(f, id), there);
		assert_int_equal(store_anchor_find(f->store, 1, (uint64_t)i,
						   &found, 1, &f->err),
				 there);
		assert_int_equal(store_cs_key_find(f->store, (uint64_t)i,
						   &f->arena, &ids, &f->err),
				 there);
		assert_int_equal(store_link_get(f->store, id, &link, &f->err),
				 there);
		assert_int_equal(store_pending_export_get(f->store, id,
							  &f->arena, &pending,
							  &f->err),
				 there);
	}
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == n);
}

static void killed_while_it_writes(void **state)
{
	struct fixture *f = *state;
	int64_t told = 0;
	int64_t last;
	int round;

	for (round = 0; round < 12; round++) {
		int wanted = 1 + round * 7 % 40;

		start(f, write_on, told + 1);
		while (wanted-- && child_says(&last))
			told = last;
		assert_true(WIFSIGNALED(end_child(f, SIGKILL)));
		store_again(f);
		last = last_of(f);
		/* what was said to be committed is, and at most one more */
		assert_true(last >= told);
		expect_exactly(f, last);
		told = last;
	}
	assert_true(told >= 12);
}

/* ---- the lease ---- */

static void hold(struct store *store, int out, int64_t arg)
{
	struct store_holder holder;

	(void)arg;
	say(out, store_lease(store, "hr full-import", &holder, NULL));
	for (;;)
		(void)pause();
}

static void lease_ends_with_its_process(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store_tx *tx;
	int64_t got;

	assert_int_equal(store_lease_held(f->store, &holder, &f->err), 0);
	start(f, hold, 0);
	assert_true(child_says(&got));
	assert_int_equal(got, 1);
	store_again(f);
	assert_int_equal(store_lease_held(f->store, &holder, &f->err), 1);
	assert_true(holder.process == child.pid);
	memset(&holder, 0, sizeof(holder));
	assert_int_equal(store_lease(f->store, "ad export", &holder, &f->err),
			 0);
	assert_true(holder.process == child.pid);
	assert_true(holder.run > 0 && holder.since > 0);
	assert_string_equal(holder.what, "hr full-import");
	assert_true(holder.host[0] != '\0');
	/* without the lease small writers get in */
	tx = begin(f);
	OK(f, store_meta_set(tx, "a", SV_LIT("b"), &f->err));
	commit(f, tx);
	assert_true(WIFSIGNALED(end_child(f, SIGKILL)));
	assert_int_equal(store_lease_held(f->store, &holder, &f->err), 0);
	assert_int_equal(store_lease(f->store, "ad export", &holder, &f->err),
			 1);
	assert_int_equal(store_lease_held(f->store, &holder, &f->err), 1);
	assert_true(holder.process == getpid());
	assert_string_equal(holder.what, "ad export");
}

static void lease_ends_with_close(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store *other;

	OK(f, store_open(f->url, 0, &other, &f->err));
	assert_int_equal(store_lease(other, "a", &holder, &f->err), 1);
	assert_int_equal(store_lease(f->store, "b", &holder, &f->err), 0);
	store_close(other);
	assert_int_equal(store_lease(f->store, "b", &holder, &f->err), 1);
}

/* Locks of the operating system can fail us (a network file system): then the
 * fencing number stops who was overtaken. */
static void overtaken(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store_tx *tx;

	assert_int_equal(store_lease(f->store, "a", &holder, &f->err), 1);
	tx = begin(f);
	commit(f, tx);
	sql(f, "UPDATE lease SET fencing = fencing + 1");
	assert_int_equal(store_begin(f->store, STORE_BULK, &tx, &f->err), -1);
	assert_int_equal(f->err.code, ERR_CONFLICT);
	assert_non_null(strstr(f->err.msg, "taken over"));
	/* and it does not stand in the other one's way */
	OK(f, store_read_begin(f->store, &f->err));
	store_read_end(f->store);
}

/* ---- a full disk ---- */

enum full_result { FULL_NEVER = 1, FULL_CODE, FULL_TEXT, FULL_READ, FULL_MORE };

/* Writes until the limit of a file's size stands in the way, then checks that
 * the store goes on. */
static void fill_up(struct store *store, int out, int64_t limit)
{
	static char bytes[20000];
	struct rlimit files = { (rlim_t)limit, RLIM_INFINITY };
	struct error err = ERROR_INIT;
	struct cs_row row = object(0);
	struct store_tx *tx;
	int64_t n = 0;
	int ret = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &files) < 0)
		_exit(6);
	memset(bytes, 'x', sizeof(bytes));
	row.image = sv_make(bytes, sizeof(bytes));
	while (ret == 0 && n < 10000) {
		row.id = CS_ID(1, n + 1);
		ret = store_begin(store, STORE_BULK, &tx, &err);
		if (ret < 0)
			break;
		ret = store_cs_put(tx, &row, &err);
		if (ret < 0)
			store_rollback(tx);
		else
			ret = store_commit(tx, &err);
		if (ret == 0)
			n++;
	}
	if (ret == 0)
		say(out, FULL_NEVER);
	else if (err.code != ERR_UNAVAILABLE)
		say(out, FULL_CODE);
	else if (!strstr(err.msg, "the disk is full"))
		say(out, FULL_TEXT);
	else if (store_cs_count(store, 1, 0, NULL) != n)
		say(out, FULL_READ);
	/* room again: the same process goes on */
	files.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &files) < 0)
		_exit(6);
	if (store_begin(store, STORE_DURABLE, &tx, NULL) < 0 ||
	    store_cs_put(tx, &row, NULL) < 0 || store_commit(tx, NULL) < 0)
		say(out, FULL_MORE);
	say(out, 0);
	say(out, n + 1);
	store_close(store);
	_exit(0);
}

static void disk_full(void **state)
{
	struct fixture *f = *state;
	int64_t limit;

	if (f->server)
		skip(); /* the limit is of the server's files, not of ours */
	for (limit = 600000; limit < 700000; limit += 30000) {
		struct store_tx *tx;
		int64_t found = -1;
		int64_t n;

		start(f, fill_up, limit);
		assert_true(child_says(&found));
		assert_int_equal(found, 0);
		assert_true(child_says(&n));
		assert_int_equal(end_child(f, 0), 0);
		store_again(f);
		assert_true(n > 1);
		assert_true(store_cs_count(f->store, 1, 0, &f->err) == n);
		tx = begin(f);
		while (n)
			OK(f, store_cs_delete(tx, CS_ID(1, n--), &f->err));
		commit(f, tx);
	}
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(killed_while_it_writes),
		TEST(lease_ends_with_its_process),
		TEST(lease_ends_with_close),
		TEST(overtaken),
		TEST(disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
