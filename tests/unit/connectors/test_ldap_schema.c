/*
 * test_ldap_schema.c - well-known attributes and classes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap_schema.h"

#include "session.h"

static void attributes(void **state)
{
	static const char *const many[] = { "cn",    "sn",  "telephoneNumber",
					    "mail",  "uid", "title",
					    "member" };
	static const char *const one[] = { "displayName", "employeeNumber",
					   "preferredLanguage", "c", "dc" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(many) / sizeof(*many); i++)
		assert_true(ldap_known_attr(sv_from(many[i]))->multi);
	for (i = 0; i < sizeof(one) / sizeof(*one); i++)
		assert_false(ldap_known_attr(sv_from(one[i]))->multi);
	assert_int_equal(ldap_known_attr(SV_LIT("MANAGER"))->type,
			 VALUE_REFERENCE);
	assert_string_equal(ldap_known_attr(SV_LIT("surname"))->name, "sn");
	assert_int_equal(
		ldap_known_attr(SV_LIT("userCertificate;binary"))->type,
		VALUE_BINARY);
	assert_null(ldap_known_attr(SV_LIT("nickname")));
}

static const char *chain(const char *name)
{
	static char told[256];
	struct sv classes[LDAP_CLASS_DEPTH];
	size_t count = ldap_class_chain(sv_from(name), classes);
	size_t len = 0;
	size_t i;

	for (i = 0; i < count; i++)
		len += (size_t)snprintf(told + len, sizeof(told) - len,
					"%s" SV_FMT, i ? " " : "",
					SV_ARG(classes[i]));
	return told;
}

static void classes(void **state)
{
	(void)state;
	assert_string_equal(chain("inetOrgPerson"),
			    "top person organizationalPerson inetOrgPerson");
	assert_string_equal(chain("groupOfNames"), "top groupOfNames");
	assert_string_equal(chain("top"), "top");
	assert_string_equal(chain("robot"), "top robot");
	assert_true(ldap_class_is(SV_LIT("inetorgperson"), "person"));
	assert_false(ldap_class_is(SV_LIT("device"), "person"));
}

static const struct attr_def attrs[] = {
	{ .name = "objectClass", .type = VALUE_STRING, .multi = true },
	{ .name = "cn", .type = VALUE_STRING, .multi = true },
	{ .name = "mail", .type = VALUE_STRING, .multi = true },
};
static const struct object_type person = { "inetOrgPerson", attrs, 3 };

static struct session s;

static const char *completed(const char *dn, const char *given)
{
	struct export_op op = op_of(1, EXPORT_ADD, NULL, dn);
	struct ldap_attr *list;
	struct arena arena = ARENA_INIT;
	size_t count;
	size_t i;

	strbuf_reset(&s.log);
	set_attrs(&s, &op, given);
	count = ldap_add_attrs(&person, &op, &arena, &list);
	for (i = 0; i < count; i++) {
		strbuf_addf(&s.log, "%s" SV_FMT "=", i ? " " : "",
			    SV_ARG(list[i].name));
		tell_values(&s.log, &list[i].values);
	}
	arena_release(&arena);
	return strbuf_cstr(&s.log);
}

#define CHAIN "objectClass=top,person,organizationalPerson,inetOrgPerson"

static void adds(void **state)
{
	(void)state;
	session_make(&s, NULL, &person, 1);
	assert_string_equal(completed("cn=Ann,dc=x", "mail=a"),
			    CHAIN " mail=a cn=Ann");
	assert_string_equal(completed("cn=Ann,dc=x", "cn=ann mail="),
			    CHAIN " cn=ann");
	assert_string_equal(completed("cn=Ann,dc=x", "cn=Other"),
			    CHAIN " cn=Other,Ann");
	assert_string_equal(completed("uid=ann,dc=x", "mail=a"),
			    CHAIN " mail=a uid=ann cn=ann");
	assert_string_equal(completed("cn=A\\+B+uid=1,dc=x", "mail=a"),
			    CHAIN " mail=a cn=A+B uid=1");
	assert_string_equal(completed("surname=x,dc=x", "objectClass=extra"),
			    CHAIN ",extra surname=x cn=x");
	assert_string_equal(completed("cn=x", "objectClass=top,inetOrgPerson"),
			    "objectClass=top,inetOrgPerson cn=x");
	session_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(classes),
		cmocka_unit_test(adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
