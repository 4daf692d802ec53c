/*
 * test_outcome.c - answers, windows, systems that fail, and what is sent again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void accepted(void **state)
{
	struct fixture *f = *state;
	struct anchor_key key;
	struct entry entry;
	int64_t id = provision(f, "cn=n,o=x", A_NAME, "N", 0);

	fake.anchors = true;
	export_ok(f, "add cn=n,o=x name=N\n");
	assert_true(fake.at_end);
	entry = load(f, id);
	assert_int_equal(entry.pending.op, PENDING_NONE);
	assert_int_equal(entry.awaiting.op, PENDING_ADD);
	assert_false(entry.awaiting.in_progress);
	assert_non_null(image_get(&entry.awaiting.attrs, A_NAME));
	/* the anchor that was read back finds it */
	assert_true(sv_eq_str(entry.row.anchor, "a0"));
	assert_int_equal(
		store_anchor_find(f->store, 1,
				  key_of_anchor(f->store, 1, 0, SV_LIT("a0")),
				  &key, 1, &f->err),
		1);
	assert_true(key.id == id);
}

static void refused(void **state)
{
	struct fixture *f = *state;
	struct cs_error error;
	int64_t id = object(f, "1", "cn=a,o=x", A_NAME, "A", 0);
	int64_t other = object(f, "2", "cn=b,o=x", A_NAME, "B", 0);

	pend(f, id, PENDING_UPDATE, NULL, A_NAME, "no", 0);
	pend(f, other, PENDING_UPDATE, NULL, A_NAME, "yes", 0);
	fake.refuse = "name=no";
	export_as(f, "completed-export-errors",
		  "update cn=a,o=x name=no\nupdate cn=b,o=x name=yes\n");
	assert_true(f->result.errors == 1);
	assert_true(counted(f, "export-failure") == 1);
	assert_true(counted(f, "export-update") == 1);
	expect_states(f, 1, 0, 1);
	OK(f, store_error_get(f->store, id, ERROR_EXPORT, &f->arena, &error,
			      &f->err));
	assert_true(sv_eq_str(error.code, "permission-issue"));
	assert_true(sv_eq_str(error.message, "insufficient access"));
	/* tried again, not as a retry: the answer was known. Then it goes. */
	fake.refuse = NULL;
	export_ok(f, "update cn=a,o=x name=no\n");
	assert_int_equal(store_error_get(f->store, id, ERROR_EXPORT, &f->arena,
					 &error, &f->err),
			 0);
}

/* What is sent lies over what was awaited already. */
static void awaited_twice(void **state)
{
	struct fixture *f = *state;
	struct entry entry;
	int64_t id = provision(f, "cn=n,o=x", A_NAME, "N", A_TITLE, "T", 0);

	export_ok(f, "add cn=n,o=x name=N title=T\n");
	pend(f, id, PENDING_UPDATE, "cn=m,o=x", A_NAME, "M", 0);
	export_ok(f, "rename cn=n,o=x -> cn=m,o=x name=M\n");
	entry = load(f, id);
	assert_int_equal(entry.awaiting.op, PENDING_ADD);
	assert_true(sv_eq_str(entry.awaiting.rdn, "cn=m"));
	assert_true(sv_eq_str(
		image_get(&entry.awaiting.attrs, A_NAME)->at[0].text, "M"));
	assert_true(sv_eq_str(
		image_get(&entry.awaiting.attrs, A_TITLE)->at[0].text, "T"));
	/* by its new name from now on */
	pend(f, id, PENDING_DELETE, NULL, 0);
	export_ok(f, "delete cn=m,o=x\n");
	entry = load(f, id);
	assert_int_equal(entry.awaiting.op, PENDING_DELETE);
	assert_int_equal(entry.awaiting.attrs.len, 0);
}

/* ---- windows ---- */

static void fill(struct fixture *f, int count)
{
	struct store_tx *tx;
	int64_t top = object_of(f, 0, NULL, "o=x", IMAGE_EMPTY);
	int i;

	tx = begin(f);
	for (i = 0; i < count; i++) {
		struct entry entry;

		memset(&entry, 0, sizeof(entry));
		entry.row.id = store_cs_new_id(tx, 1);
		entry.row.type = 1;
		entry.row.parent = top;
		entry.row.rdn = sv_from(arena_printf(&f->arena, "cn=%04d", i));
		entry.pending.op = PENDING_ADD;
		image_put(&entry.pending.attrs, A_NAME, values_of_text(f, "N"),
			  &f->arena);
		OK(f, entry_put_row(tx, &entry, &f->err));
		OK(f, entry_put_pending(tx, &entry, &f->err));
	}
	commit(f, tx);
}

static void many_windows(void **state)
{
	struct fixture *f = *state;

	fill(f, 1234);
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "success");
	assert_true(counted(f, "export-add") == 1234);
	assert_true(fake.widest <= 500);
	expect_states(f, 0, 0, 1234);
}

static void answers_in_any_order(void **state)
{
	struct fixture *f = *state;

	fill(f, 40);
	fake.backwards = true;
	OK(f, try_export(f));
	expect_states(f, 0, 0, 40);
	assert_true(counted(f, "export-add") == 40);
}

static size_t retries(void)
{
	const char *at = strbuf_cstr(&fake.log);
	size_t count = 0;

	while ((at = strstr(at, "retry "))) {
		count++;
		at++;
	}
	return count;
}

/* The n-th operation cannot be handed over: what was answered is kept, what
 * was in flight is sent again as a retry, what was not sent is sent. */
static void fails_at_a_put(void **state)
{
	static const size_t places[] = { 1, 2, 499, 500, 501, 700, 1000, 1234 };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct fixture *f;
		size_t n = places[i];
		size_t first = (n - 1) / 500 * 500; /* of the window */
		size_t window = 1234 - first < 500 ? 1234 - first : 500;

		OK(*(struct fixture **)state, fixture_teardown(state));
		OK(*(struct fixture **)state, tree_setup(state));
		f = *state;
		fill(f, 1234);
		fake.fail_put = n;
		assert_int_equal(try_export(f), -1);
		assert_string_equal(f->err.msg, "agent 'dir': cannot write: "
						"the line is cut");
		/* those that were answered before the line was cut count */
		expect_states(f, (int)(1234 - n + 1),
			      (int)(first + window - n + 1), (int)n - 1);
		fake.fail_put = 0;
		OK(f, try_export(f));
		assert_string_equal(f->result.result, "success");
		assert_int_equal(retries(), first + window - n + 1);
		expect_states(f, 0, 0, 1234);
	}
}

static void fails_at_a_result(void **state)
{
	struct fixture *f = *state;

	fill(f, 1234);
	fake.fail_result = 601;
	assert_int_equal(try_export(f), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	expect_states(f, 634, 400, 600);
	fake.fail_result = 0;
	OK(f, try_export(f));
	assert_int_equal(retries(), 400);
	assert_true(counted(f, "export-add") == 634);
	expect_states(f, 0, 0, 1234);
}

static void fails_at_the_end(void **state)
{
	struct fixture *f = *state;

	fill(f, 10);
	fake.fail_end = true;
	assert_int_equal(try_export(f), -1);
	assert_string_equal(f->err.msg, "agent 'dir': cannot finish the "
					"export: the disk is full");
	/* each had its answer by then */
	expect_states(f, 0, 0, 10);
}

/* A connector that breaks its promise is told so; its answers count. */
static void left_without_an_answer(void **state)
{
	struct fixture *f = *state;

	fill(f, 10);
	fake.mute = 3;
	assert_int_equal(try_export(f), -1);
	assert_int_equal(f->err.code, ERR_INTERNAL);
	assert_non_null(strstr(f->err.msg, "left 3 operations"));
	expect_states(f, 3, 3, 7);
}

static int stop_after_the_first_window(void *data, uint64_t objects,
				       int permille)
{
	(void)permille;
	*(uint64_t *)data = objects;
	return 1;
}

static void stopped_by_the_operator(void **state)
{
	struct fixture *f = *state;
	uint64_t told = 0;

	fill(f, 1234);
	f->options.progress = stop_after_the_first_window;
	f->options.progress_data = &told;
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "stopped-user");
	assert_int_equal(told, 500);
	assert_true(fake.at_end);
	expect_states(f, 734, 0, 500);
	f->options.progress = NULL;
	OK(f, try_export(f));
	assert_int_equal(retries(), 0);
	expect_states(f, 0, 0, 1234);
}

/* ---- systems that write all at once ---- */

static void at_once(void **state)
{
	struct fixture *f = *state;

	fill(f, 6000);
	fake.refuse = "cn=0007";
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "completed-export-errors");
	assert_int_equal(fake.widest, 6000);
	assert_true(counted(f, "export-add") == 5999);
	expect_states(f, 1, 0, 5999);
}

static void at_once_fails_at_the_end(void **state)
{
	struct fixture *f = *state;

	fill(f, 100);
	fake.fail_end = true;
	assert_int_equal(try_export(f), -1);
	expect_states(f, 100, 100, 0);
	assert_true(counted(f, "export-add") == 0);
	fake.fail_end = false;
	OK(f, try_export(f));
	assert_int_equal(retries(), 100);
	expect_states(f, 0, 0, 100);
}

static void at_once_fails_at_a_put(void **state)
{
	struct fixture *f = *state;

	fill(f, 100);
	fake.fail_put = 50;
	assert_int_equal(try_export(f), -1);
	assert_false(fake.at_end);
	expect_states(f, 100, 100, 0);
}

static void at_once_fails_at_a_result(void **state)
{
	struct fixture *f = *state;

	fill(f, 100);
	fake.fail_result = 61;
	assert_int_equal(try_export(f), -1);
	expect_states(f, 40, 40, 60);
}

static void at_once_stopped(void **state)
{
	struct fixture *f = *state;
	uint64_t told = 0;

	fill(f, 100);
	f->options.progress = stop_after_the_first_window;
	f->options.progress_data = &told;
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "stopped-user");
	assert_false(fake.at_end);
	expect_states(f, 100, 100, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(accepted),
		TREE(refused),
		TREE(awaited_twice),
		TREE(many_windows),
		TREE(answers_in_any_order),
		TREE(fails_at_a_put),
		TREE(fails_at_a_result),
		TREE(fails_at_the_end),
		TREE(left_without_an_answer),
		TREE(stopped_by_the_operator),
		AT_ONCE(at_once),
		AT_ONCE(at_once_fails_at_the_end),
		AT_ONCE(at_once_fails_at_a_put),
		AT_ONCE(at_once_fails_at_a_result),
		AT_ONCE(at_once_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
