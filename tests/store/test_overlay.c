/*
 * test_overlay.c - what is written over a store stays over it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct store *over(struct fixture *f)
{
	struct store *store = NULL;

	OK(f, store_open(f->url, STORE_OVERLAY, &store, &f->err));
	return store;
}

static void put_in(struct fixture *f, struct store *store, int64_t from,
		   int64_t to)
{
	struct store_tx *tx;
	int64_t id;

	OK(f, store_begin(store, STORE_DURABLE, &tx, &f->err));
	for (id = from; id < to; id++) {
		struct cs_row row = object(CS_ID(1, id));

		OK(f, store_cs_put(tx, &row, &f->err));
	}
	OK(f, store_commit(tx, &f->err));
}

static bool is_in(struct fixture *f, struct store *store, int64_t id)
{
	struct cs_row row;
	int ret = store_cs_get(store, CS_ID(1, id), &f->arena, &row, &f->err);

	OK(f, ret);
	return ret > 0;
}

static int64_t count_in(struct fixture *f, struct store *store)
{
	int64_t count = store_cs_count(store, 1, 0, &f->err);

	OK(f, count);
	return count;
}

/* All bytes of a file; NULL when there is none. */
static char *read_all(struct fixture *f, const char *suffix, size_t *len)
{
	char path[600];
	struct stat st;
	char *bytes;
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s", path_of(f), suffix);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	*len = 0;
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	bytes = arena_alloc(&f->arena, (size_t)st.st_size + 1);
	*len = (size_t)st.st_size;
	assert_int_equal(read(fd, bytes, *len), st.st_size);
	assert_int_equal(close(fd), 0);
	return bytes;
}

/* In the log and in the file: both are seen. */
static void sees_all_and_keeps_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *store;

	put_in(f, f->store, 1, 100);
	if (!f->server)
		run_sqlite(f, "PRAGMA wal_checkpoint(PASSIVE)");
	put_in(f, f->store, 100, 200);
	store = over(f);
	assert_true(is_in(f, store, 1));
	assert_true(is_in(f, store, 199));
	put_in(f, store, 200, 5000);
	assert_true(is_in(f, store, 4999));
	assert_false(has_object(f, CS_ID(1, 200)));
	store_close(store);
	assert_int_equal(count_in(f, f->store), 199);
	store = over(f);
	assert_int_equal(count_in(f, store), 199);
	store_close(store);
}

static void changes_no_byte(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	size_t lens[4];
	char *before;
	char *after;
	char *log;
	char *same;

	if (f->server)
		return;
	put_in(f, f->store, 1, 3000);
	before = read_all(f, "", &lens[0]);
	log = read_all(f, "-wal", &lens[1]);
	store = over(f);
	put_in(f, store, 3000, 9000);
	store_close(store);
	after = read_all(f, "", &lens[2]);
	same = read_all(f, "-wal", &lens[3]);
	assert_int_equal(lens[0], lens[2]);
	assert_memory_equal(before, after, lens[0]);
	assert_non_null(log);
	assert_non_null(same);
	assert_int_equal(lens[1], lens[3]);
	assert_memory_equal(log, same, lens[1]);
}

/* Nor when nobody else has it open: the log is not put into the file. */
static void alone(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	size_t lens[2];
	char *before;
	char *after;

	if (f->server)
		return;
	put_in(f, f->store, 1, 3000);
	store_close(f->store);
	f->store = NULL;
	before = read_all(f, "", &lens[0]);
	store = over(f);
	put_in(f, store, 3000, 9000);
	store_close(store);
	after = read_all(f, "", &lens[1]);
	assert_int_equal(lens[0], lens[1]);
	assert_memory_equal(before, after, lens[0]);
	store_again(f);
	assert_int_equal(count_in(f, f->store), 2999);
}

static void others_go_on(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store *store = over(f);

	assert_int_equal(store_lease(store, "plan", &holder, &f->err), 1);
	assert_int_equal(store_lease(f->store, "run", &holder, &f->err), 1);
	put_in(f, store, 1, 10);
	put_in(f, f->store, 1, 5);
	assert_true(is_in(f, store, 9));
	assert_int_equal(count_in(f, f->store), 4);
	store_close(store);
}

static void there_must_be_a_store(void **state)
{
	struct fixture *f = *state;
	struct store *store;

	if (f->server)
		return;
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(path_of(f)), 0);
	assert_int_equal(store_open(f->url, STORE_OVERLAY, &store, &f->err),
			 -1);
	assert_int_equal(f->err.code, ERR_NOTFOUND);
}

/* ---- while another process writes all the time ---- */

#define STEP 300

/* Writes and puts the log into the file until it is ended. */
static void write_on(struct fixture *f)
{
	static const char *const modes[] = {
		"PRAGMA wal_checkpoint(PASSIVE)",
		"PRAGMA wal_checkpoint(RESTART)",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	};
	struct store *store;
	int64_t at;
	sqlite3 *db;

	if (store_open(f->url, 0, &store, &f->err) < 0 ||
	    sqlite3_open(path_of(f), &db) != SQLITE_OK)
		_exit(1);
	for (at = 1;; at++) {
		struct store_tx *tx;
		int64_t id;

		if (store_begin(store, STORE_BULK, &tx, &f->err) < 0)
			_exit(1);
		/* all have the same name in one moment */
		for (id = 1; id <= STEP; id++) {
			struct cs_row row = object(CS_ID(1, id));
			char name[24];

			(void)snprintf(name, sizeof(name), "cn=%lld",
				       (long long)at);
			row.rdn = sv_from(name);
			if (store_cs_put(tx, &row, &f->err) < 0)
				_exit(1);
		}
		if (store_commit(tx, &f->err) < 0)
			_exit(1);
		(void)sqlite3_exec(db, modes[at % 3], NULL, NULL, NULL);
	}
}

/* One moment, and the same one, however long it is looked at. */
static void expect_one_moment(struct fixture *f, struct store *store,
			      const char *name)
{
	int64_t id;

	for (id = 1; id <= STEP; id++) {
		struct cs_row row;

		OK(f,
		   store_cs_get(store, CS_ID(1, id), &f->arena, &row, &f->err));
		assert_int_equal(row.rdn.len, strlen(name));
		assert_memory_equal(row.rdn.ptr, name, row.rdn.len);
	}
}

static void look(struct fixture *f)
{
	struct store *store = over(f);
	struct cs_row row;
	char name[24];
	int i;

	OK(f, store_cs_get(store, CS_ID(1, 1), &f->arena, &row, &f->err));
	(void)snprintf(name, sizeof(name), SV_FMT, SV_ARG(row.rdn));
	for (i = 0; i < 4; i++) {
		expect_one_moment(f, store, name);
		put_in(f, store, 10000 + i * 500, 10000 + i * 500 + 500);
		arena_reset(&f->arena);
	}
	expect_one_moment(f, store, name);
	assert_int_equal(count_in(f, store), STEP + 2000);
	store_close(store);
	arena_reset(&f->arena);
}

static void expect_whole(struct fixture *f)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path_of(f), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1,
					    &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(stmt, 0), "ok");
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void both_are_right(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;
	int i;

	if (f->server)
		return;
	store_close(f->store);
	f->store = NULL;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_on(f);
	}
	store_again(f);
	while (count_in(f, f->store) < STEP)
		(void)usleep(1000);
	store_close(f->store);
	f->store = NULL;
	for (i = 0; i < 40; i++)
		look(f);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	expect_whole(f);
	store_again(f);
	assert_int_equal(count_in(f, f->store), STEP);
}

/* However it ends: nothing of it is there. */
static void killed(void **state)
{
	struct fixture *f = *state;
	int ends[2];
	int status;
	char ready;
	pid_t pid;

	if (f->server)
		return;
	put_in(f, f->store, 1, 100);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		put_in(f, over(f), 100, 9000);
		(void)!write(ends[1], "", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(ends[0]);
	(void)close(ends[1]);
	expect_whole(f);
	put_in(f, f->store, 100, 110);
	assert_int_equal(count_in(f, f->store), 109);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sees_all_and_keeps_nothing,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(changes_no_byte, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(alone, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(others_go_on, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			there_must_be_a_store, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(both_are_right, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(killed, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("store/overlay", tests, NULL, NULL);
}
