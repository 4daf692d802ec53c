/*
 * test_agent_words.c - which names mean the same, and how they are written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void same(void **state)
{
	(void)state;
	assert_int_equal(agent_word_rank("givenName", "GIVENNAME"), 1);
	assert_int_equal(agent_word_rank("employeeID", "employee_id"), 1);
	assert_true(agent_word_rank("sn", "Last Name") > 1);
	assert_true(agent_word_rank("mail", "E-Mail") > 1);
	assert_true(agent_word_rank("employeeID", "employeeNumber") <
		    agent_word_rank("employeeID", "id"));
	assert_true(agent_word_rank("displayName", "name") <
		    agent_word_rank("displayName", "cn"));
}

static void different(void **state)
{
	(void)state;
	assert_int_equal(agent_word_rank("title", "cn"), 0);
	assert_int_equal(agent_word_rank("mail", "mobile"), 0);
	assert_int_equal(agent_word_rank("badge", ""), 0);
	assert_int_equal(agent_word_rank("---", "---"), 0);
}

static void anchors(void **state)
{
	(void)state;
	assert_true(agent_anchor_rank("entryUUID") < agent_anchor_rank("id"));
	assert_true(agent_anchor_rank("Person ID") <
		    agent_anchor_rank("colour"));
}

static void scalars(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(agent_scalar("data/hr.csv", &arena), "data/hr.csv");
	assert_string_equal(agent_scalar("secret:ad", &arena), "secret:ad");
	assert_string_equal(agent_scalar(";", &arena), "';'");
	assert_string_equal(agent_scalar("it's", &arena), "'it''s'");
	assert_string_equal(agent_scalar("no", &arena), "'no'");
	assert_string_equal(agent_scalar("", &arena), "''");
	assert_string_equal(agent_scalar("secret:a #b", &arena),
			    "'secret:a #b'");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same),
		cmocka_unit_test(different),
		cmocka_unit_test(anchors),
		cmocka_unit_test(scalars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
