/*
 * test_memory.c - a directory in memory and its faults
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/memory/memory.h"

#include "session.h"

static const struct attr_def person_attrs[] = {
	{ .name = "title", .type = VALUE_STRING, .multi = true },
	{ .name = "telephoneNumber", .type = VALUE_STRING, .multi = true },
};
static const struct object_type types[] = {
	{ "inetOrgPerson", person_attrs, 2 },
};

static struct session s;

#define PERSON  "objectClass: inetOrgPerson\n"
#define FULL()  import(&s, IMPORT_FULL)
#define DELTA() import(&s, IMPORT_DELTA)

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &memory_connector, types, 1);
	assert_int_equal(scratch_write(&s.scratch, "m.ldif",
				       "dn: cn=a\n" PERSON
				       "title: A\n\ndn: cn=b\n" PERSON),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_remove(&s);
	return 0;
}

static void content_without_a_file(void **state)
{
	(void)state;
	set_connect(&s, "path: none.ldif");
	assert_string_equal(FULL(), "");
	set_connect(&s, "content: dn: cn=x\nobjectClass: inetOrgPerson\n"
			"title: T\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=x: title=T\n");
}

/* The directory of a scenario: it forgets one attribute and refuses long
 * values of another. */
static void ignores_and_refuses(void **state)
{
	struct export_op ops[2] = { op_of(1, EXPORT_UPDATE, NULL, "cn=a"),
				    op_of(2, EXPORT_UPDATE, NULL, "cn=b") };
	struct node *refuse;

	(void)state;
	set_connect(&s, "path: m.ldif; ignore: telephoneNumber; "
			"refuse[]: x");
	refuse = node_get(s.config.connect, "refuse");
	refuse->items[0] = settings_node(&s, "attribute: title; longer: 20");
	assert_string_equal(check_session(&s), "");
	set_attrs(&s, &ops[0], "title=B telephoneNumber=2");
	set_attrs(&s, &ops[1], "title=1234567890123456789012345");
	assert_string_equal(export(&s, ops, 2),
			    "1 ok cn=a\n2 constraint-violation\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: title=B\n"
				    "object inetOrgPerson cn=b\n");
}

static void anchors_of_the_system_survive(void **state)
{
	struct export_op ops[2] = { op_of(1, EXPORT_RENAME, "2", "cn=b"),
				    op_of(2, EXPORT_ADD, NULL, "cn=c") };

	(void)state;
	set_connect(&s, "path: m.ldif; anchors: system");
	assert_string_equal(FULL(), "object inetOrgPerson 1 (cn=a): title=A\n"
				    "object inetOrgPerson 2 (cn=b)\n");
	ops[0].new_dn = SV_LIT("cn=z");
	assert_string_equal(export(&s, ops, 2), "1 ok 2\n2 ok 3\n");
	assert_string_equal(DELTA(),
			    "rename inetOrgPerson 2 (cn=b) -> cn=z: title= "
			    "telephoneNumber=\n"
			    "add inetOrgPerson 3 (cn=c)\n");
	assert_string_equal(DELTA(), "");
	ops[0].dn = SV_LIT("cn=a");
	ops[0].kind = EXPORT_DELETE;
	assert_string_equal(export(&s, ops, 1), "1 ok\n");
	assert_string_equal(DELTA(), "delete inetOrgPerson 1 (cn=a)\n");
}

static void a_tree(void **state)
{
	struct export_op ops[4] = {
		op_of(1, EXPORT_ADD, NULL, "cn=x,ou=no,dc=t"),
		op_of(2, EXPORT_ADD, NULL, "cn=x,ou=p,dc=t"),
		op_of(3, EXPORT_DELETE, NULL, "ou=p,dc=t"),
		op_of(4, EXPORT_RENAME, NULL, "ou=p,dc=t")
	};

	(void)state;
	set_connect(&s, "path: t.ldif; tree: yes; bases[]: dc=t");
	assert_int_equal(scratch_write(&s.scratch, "t.ldif",
				       "dn: ou=p,dc=t\nobjectClass: x\n"),
			 0);
	ops[3].new_dn = SV_LIT("ou=q,dc=t");
	assert_string_equal(export(&s, ops, 4),
			    "1 non-existent-parent\n2 ok cn=x,ou=p,dc=t\n"
			    "3 cd-error\n4 ok ou=q,dc=t\n");
	assert_string_equal(FULL(), "container ou=q,dc=t\n"
				    "object inetOrgPerson cn=x,ou=q,dc=t\n");
}

static void faults(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_DELETE, NULL, "cn=a"),
				    op_of(2, EXPORT_DELETE, NULL, "cn=b"),
				    op_of(3, EXPORT_DELETE, NULL, "cn=c") };

	(void)state;
	set_connect(&s, "path: m.ldif; fail.operation: open");
	assert_string_equal(FULL(), "failed");
	assert_int_equal(s.err.code, ERR_UNAVAILABLE);
	set_connect(&s, "path: m.ldif; fail.operation: next; fail.at: 2");
	assert_string_equal(FULL(), "failed");
	set_connect(&s, "path: m.ldif; fail.operation: next; fail.at: 2; "
			"fail.code: object");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: title=A\n"
			    "error read-error memory [cn=b] not read, as "
			    "`fail` orders\n");
	set_connect(&s, "path: m.ldif; fail.operation: put; fail.code: "
			"object; fail.at: 2");
	assert_string_equal(export(&s, ops, 3),
			    "1 ok\n2 cd-error\n3 cd-missing-object\n");
	set_connect(&s, "path: m.ldif; fail.operation: put; fail.at: 2");
	ops[0].dn = SV_LIT("cn=b");
	assert_string_equal(export(&s, ops, 2), "failed");
	/* What had been written is there. */
	set_connect(&s, "path: m.ldif");
	assert_string_equal(FULL(), "");
	set_connect(&s, "path: m.ldif; fail.operation: result");
	ops[0].retry = true;
	assert_string_equal(export(&s, ops, 1), "failed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(content_without_a_file),
		TEST(ignores_and_refuses),
		TEST(anchors_of_the_system_survive),
		TEST(a_tree),
		TEST(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
