/*
 * test_guard.c - limits that stop an export before anything is written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

/* Ten people below ou=a and a group below ou=b; `gone` people are to go. */
static void start(struct fixture *f, int gone)
{
	int64_t ids[10];
	int i;

	for (i = 0; i < 10; i++)
		ids[i] = object(f, arena_printf(&f->arena, "%d", i),
				arena_printf(&f->arena, "cn=%d,ou=a,o=x", i),
				0);
	(void)object_of(f, 2, "g", "cn=g,ou=b,o=x", IMAGE_EMPTY);
	for (i = 0; i < gone; i++)
		pend(f, ids[i], PENDING_DELETE, NULL, 0);
}

static void expect_stopped(struct fixture *f, const char *text)
{
	OK(f, try_export(f));
	assert_string_equal(f->result.result,
			    "stopped-deletion-threshold-exceeded");
	if (!strstr(f->result.message, text))
		fail_msg("'%s' does not tell '%s'", f->result.message, text);
	assert_non_null(strstr(f->result.message, f->result.token));
	expect_log("");
	expect_states(f, (int)f->result.pending, 0, 0);
}

static void expect_passed(struct fixture *f)
{
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "success");
	expect_states(f, 0, 0, (int)f->result.pending);
}

static void counts(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions = (struct config_limit){ true, false, 2 };
	start(f, 3);
	expect_stopped(f, "3 deletions of objects");
	f->guards.deletions.value = 3;
	expect_passed(f);
}

static void percentages(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions = (struct config_limit){ true, true, 2000 };
	f->guards.above = 0;
	start(f, 3);
	expect_stopped(f, "3 deletions of person are pending, the guard "
			  "allows 20.00% of 10");
	/* so few pass, unless they are more than half */
	f->guards.above = 3;
	expect_passed(f);
}

static void more_than_half(void **state)
{
	struct fixture *f = *state;

	f->guards.deletions = (struct config_limit){ true, true, 2000 };
	f->guards.above = 20;
	start(f, 6);
	expect_stopped(f, "6 deletions of person");
}

static void of_types(void **state)
{
	struct fixture *f = *state;
	struct config_type_guard people = { 0, { true, false, 0 } };

	f->guards.types = &people;
	f->guards.type_count = 1;
	start(f, 1);
	expect_stopped(f, "1 deletions of person");
	people.type = 1;
	expect_passed(f);
}

static void of_subtrees(void **state)
{
	struct fixture *f = *state;
	struct config_subtree_guard subtree = { "OU=A,O=X",
						{ true, false, 1 } };

	f->guards.subtrees = &subtree;
	f->guards.subtree_count = 1;
	start(f, 2);
	expect_stopped(f, "2 deletions of objects below 'OU=A,O=X'");
	subtree.container = "ou=b,o=x";
	expect_passed(f);
}

static void of_a_part_of_a_subtree(void **state)
{
	struct fixture *f = *state;
	struct config_subtree_guard subtree = { "ou=a,o=x",
						{ true, true, 2000 } };

	f->guards.subtrees = &subtree;
	f->guards.subtree_count = 1;
	start(f, 3);
	expect_stopped(f, "3 deletions of objects below 'ou=a,o=x' are "
			  "pending, the guard allows 20.00% of 10");
	/* of all there is eleven are 27.3 percent */
	subtree.container = "o=x";
	subtree.deletions.value = 2727;
	expect_stopped(f, "allows 27.27% of 11");
	subtree.deletions.value = 2728;
	expect_passed(f);
}

/* What was refused until then is kept, what comes behind waits. */
static void errors(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 1200; i++)
		(void)provision(f, arena_printf(&f->arena, "cn=%d,o=x", i),
				A_NAME, i < 3 ? "no" : "yes", 0);
	f->guards.errors = 2;
	fake.refuse = "name=no";
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "stopped-error-limit");
	assert_non_null(strstr(f->result.message,
			       "more than 2 changes were refused; the export "
			       "was stopped after 500 of 1200"));
	expect_states(f, 703, 0, 497);
	f->guards.errors = 3;
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "completed-export-errors");
	expect_states(f, 3, 0, 1197);
}

static void delete_add_is_a_deletion(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	f->guards.deletions = (struct config_limit){ true, false, 0 };
	id = object(f, "1", "cn=a,o=x", 0);
	pend(f, id, PENDING_DELETE_ADD, NULL, A_NAME, "A", 0);
	expect_stopped(f, "1 deletions");
}

static void all_changes(void **state)
{
	struct fixture *f = *state;

	f->guards.changes = (struct config_limit){ true, false, 1 };
	(void)provision(f, "cn=a,o=x", A_NAME, "A", 0);
	(void)provision(f, "cn=b,o=x", A_NAME, "B", 0);
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "stopped-change-limit");
	expect_log("");
	f->guards.changes.value = 2;
	expect_passed(f);
}

static void a_token_passes_one_set(void **state)
{
	struct fixture *f = *state;
	char token[40];
	int64_t id;

	f->guards.deletions = (struct config_limit){ true, false, 1 };
	start(f, 2);
	id = provision(f, "cn=n,o=x", A_NAME, "N", 0);
	expect_stopped(f, "2 deletions");
	memcpy(token, f->result.token, sizeof(token));
	expect_stopped(f, token);
	/* another value is another set */
	f->options.allow = token;
	pend(f, id, PENDING_ADD, NULL, A_NAME, "M", 0);
	expect_stopped(f, "2 deletions");
	assert_string_not_equal(f->result.token, token);
	pend(f, id, PENDING_ADD, NULL, A_NAME, "N", 0);
	expect_passed(f);
	assert_true(f->result.token_used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(counts),
		TREE(percentages),
		TREE(more_than_half),
		TREE(of_types),
		TREE(of_subtrees),
		TREE(delete_add_is_a_deletion),
		TREE(of_a_part_of_a_subtree),
		TREE(errors),
		TREE(all_changes),
		TREE(a_token_passes_one_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
