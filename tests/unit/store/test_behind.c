/*
 * test_behind.c - what is held back is there for whoever asks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/cs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[64];
	char url[128];
	struct store *store;
	struct store_tx *tx;
	struct arena arena;
	struct error err;
	int written; /* how often */
};

static void ok(struct fixture *f, int ret)
{
	if (ret < 0)
		fail_msg("%s", f->err.msg);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_holder holder;

	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/behind.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s/db", f->folder);
	ok(f, store_open(f->url, STORE_CREATE, &f->store, &f->err));
	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	ok(f, store_begin(f->store, STORE_BULK, &f->tx, &f->err));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->store);
	arena_release(&f->arena);
	(void)snprintf(command, sizeof(command), "rm -r %s", f->folder);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	free(f);
	return 0;
}

#define FIRST CS_ID(1, 7)

static int write_rows(void *data, struct store_tx *tx, struct error *err)
{
	struct fixture *f = data;
	struct cs_row row = { .id = FIRST, .type = 3, .anchor = SV_LIT("a") };

	f->written++;
	return store_cs_put(tx, &row, err);
}

static int refuse(void *data, struct store_tx *tx, struct error *err)
{
	(void)data;
	(void)tx;
	return error_set(err, ERR_UNAVAILABLE, "no room");
}

/* 1 the row is there, 0 not */
static int look(struct fixture *f)
{
	struct cs_row row;

	return store_cs_get(f->store, FIRST, &f->arena, &row, &f->err);
}

static void who_asks_sees_it(void **state)
{
	struct fixture *f = *state;

	store_hold_back(f->store, write_rows, f);
	assert_int_equal(f->written, 0);
	assert_int_equal(look(f), 1);
	assert_int_equal(f->written, 1);
	assert_int_equal(look(f), 1);
	assert_int_equal(f->written, 1);
}

static void a_commit_takes_it_along(void **state)
{
	struct fixture *f = *state;

	store_hold_back(f->store, write_rows, f);
	ok(f, store_commit(f->tx, &f->err));
	assert_int_equal(f->written, 1);
	store_close(f->store);
	ok(f, store_open(f->url, STORE_READ, &f->store, &f->err));
	assert_int_equal(look(f), 1);
}

static void a_rollback_forgets_it(void **state)
{
	struct fixture *f = *state;

	store_hold_back(f->store, write_rows, f);
	store_rollback(f->tx);
	assert_int_equal(look(f), 0);
	assert_int_equal(f->written, 0);
}

static void its_failure_is_who_asks(void **state)
{
	struct fixture *f = *state;

	store_hold_back(f->store, refuse, f);
	assert_int_equal(look(f), -1);
	assert_string_equal(f->err.msg, "no room");
}

static void another_thread_writes(void **state)
{
	struct fixture *f = *state;

	ok(f, store_write_behind(f->tx, write_rows, f, &f->err));
	assert_int_equal(look(f), 1);
	assert_int_equal(f->written, 1);
	/* it has committed: nothing of it goes */
	store_rollback(f->tx);
	assert_int_equal(look(f), 1);
}

static void another_thread_fails(void **state)
{
	struct fixture *f = *state;

	ok(f, store_write_behind(f->tx, refuse, f, &f->err));
	assert_int_equal(store_settle(f->store, &f->err), -1);
	assert_string_equal(f->err.msg, "no room");
	assert_int_equal(look(f), -1);
	store_rollback(f->tx);
	assert_int_equal(look(f), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(who_asks_sees_it),      CASE(a_commit_takes_it_along),
		CASE(a_rollback_forgets_it), CASE(its_failure_is_who_asks),
		CASE(another_thread_writes), CASE(another_thread_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
