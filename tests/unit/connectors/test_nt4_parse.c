/*
 * test_nt4_parse.c - what rpcclient prints, and what it does not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(struct sv text, const char *expected)
{
	assert_true(sv_eq_str(text, expected));
}

static void accounts(void **state)
{
	struct nt4_account found;

	(void)state;
	assert_true(nt4_parse_account(
		SV_LIT("index: 0x2 RID: 0x3ea acb: 0x00000011 Account: dora "
		       "x\tName: Dora: X\tDesc: a\tb"),
		&found));
	assert_int_equal(found.rid, 1002);
	assert_int_equal(found.flags, 17);
	assert_text(found.name, "dora x");
	assert_text(found.full_name, "Dora: X");
	assert_text(found.description, "a\tb");
	assert_false(
		nt4_parse_account(SV_LIT("index: 0x2 RID: 0x3ea"), &found));
	assert_false(nt4_parse_account(
		SV_LIT("index: 0x2 RID: 1 acb: 1 Account: \tName: \tDesc: "),
		&found));
	assert_false(nt4_parse_account(
		SV_LIT("index: 0x2 RID: 0x100000000 acb: 1 Account: a\tName: "
		       "\tDesc: "),
		&found));
}

static void groups_and_members(void **state)
{
	struct sv text;
	uint32_t rid = 0;

	(void)state;
	assert_true(nt4_parse_group(SV_LIT("group:[Domain Admins] rid:[0x200]"),
				    &text, &rid));
	assert_text(text, "Domain Admins");
	assert_int_equal(rid, 512);
	assert_false(
		nt4_parse_group(SV_LIT("group:[] rid:[0x200]"), &text, &rid));
	assert_false(
		nt4_parse_group(SV_LIT("group:[a] rid:[zz]"), &text, &rid));
	assert_true(nt4_parse_member(SV_LIT("\trid:[0x1f4] attr:[0x7]"), &rid));
	assert_int_equal(rid, 500);
	assert_true(nt4_parse_sid(SV_LIT("\tsid:[S-1-5-32-544]"), &text));
	assert_text(text, "S-1-5-32-544");
	assert_false(nt4_parse_sid(SV_LIT("\tsid:[x]"), &text));
}

static void fields_and_names(void **state)
{
	struct sv label;
	struct sv value;
	uint32_t rid = 0;

	(void)state;
	assert_true(nt4_parse_field(SV_LIT("\tHome Drive  :\t\\\\PDC\\a:b"),
				    &label, &value));
	assert_text(label, "Home Drive");
	assert_text(value, "\\\\PDC\\a:b");
	assert_false(nt4_parse_field(SV_LIT("Home: x"), &label, &value));
	assert_true(nt4_parse_name(SV_LIT("name a: b: 0x3e9 (1)"),
				   SV_LIT("A: b"), &rid));
	assert_int_equal(rid, 1001);
	assert_false(nt4_parse_name(SV_LIT("name ab: 0x3e9 (1)"), SV_LIT("a"),
				    &rid));
	assert_text(nt4_find_status(SV_LIT("x: NT_STATUS_NO_SUCH_USER.")),
		    "NT_STATUS_NO_SUCH_USER");
	assert_int_equal(nt4_find_status(SV_LIT("all is well")).len, 0);
}

static void lines(void **state)
{
	struct sv line;
	size_t at = 0;

	(void)state;
	assert_true(nt4_next_line(SV_LIT("a\r\n\nb"), &at, &line));
	assert_text(line, "a");
	assert_true(nt4_next_line(SV_LIT("a\r\n\nb"), &at, &line));
	assert_int_equal(line.len, 0);
	assert_true(nt4_next_line(SV_LIT("a\r\n\nb"), &at, &line));
	assert_text(line, "b");
	assert_false(nt4_next_line(SV_LIT("a\r\n\nb"), &at, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts),
		cmocka_unit_test(groups_and_members),
		cmocka_unit_test(fields_and_names),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
