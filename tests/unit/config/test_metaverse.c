/*
 * test_metaverse.c - types, attributes, keys, precedence, deletion
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

/* conjoin.yaml with `person` of these lines, which begin on line 6. */
static const struct config *load(struct folder *folder, const char *person)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		       "conjoin: 1\n"
		       "agents: [hr, ad]\n"
		       "metaverse:\n"
		       "  group: { attributes: { name: string } }\n"
		       "  person:\n%s",
		       person);
	folder_write(folder, "conjoin.yaml", text);
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n"
				"  person: { metaverse: person }\n");
	folder_write(folder, "agents/ad.yaml",
		     AD_CONNECT "objects:\n"
				"  user: { metaverse: person }\n"
				"  admin: { type: user, metaverse: person }\n");
	return folder_load(folder);
}

static const struct config_mv_type *person_of(const struct config *config)
{
	return &config->mv_types[1];
}

static void attributes(void **state)
{
	const struct config *config = load(
		*state, "    attributes:\n"
			"      a: string\n"
			"      b: { type: integer, index: true }\n"
			"      c: [reference]\n"
			"      d: { type: string, match: exact, multi: yes }\n"
			"      e: { index: yes }\n");
	const struct config_mv_type *person = person_of(config);

	expect_problems(config, "");
	assert_int_equal(person->attr_count, 5);
	assert_int_equal(person->attrs[0].attr.def.type, VALUE_STRING);
	assert_true(person->attrs[1].attr.index);
	assert_int_equal(person->attrs[2].attr.def.type, VALUE_REFERENCE);
	assert_true(person->attrs[2].attr.def.multi);
	assert_int_equal(person->attrs[3].attr.def.match, MATCH_EXACT);
	assert_true(person->attrs[3].attr.def.multi);
	assert_int_equal(person->attrs[4].attr.def.type, VALUE_STRING);
	assert_int_equal(person->delete_when, DELETE_LAST);
	assert_ptr_equal(config_mv_attr_find(person, person->attrs[2].attr.id),
			 &person->attrs[2]);
	assert_int_equal(config_attr_id(config, SV_LIT("nobody")), ATTR_NONE);
	assert_int_equal(config_attr_id(config, SV_LIT("DN")), ATTR_DN);
}

static void bad_attributes(void **state)
{
	expect_problems(load(*state,
			     "    attributs: {}\n"
			     "    attributes:\n"
			     "      dn: string\n"
			     "      a: text\n"
			     "      A: string\n"
			     "      'x]y': string\n"
			     "      b: { type: string, separator: ',' }\n"
			     "    keys: { a: 'LCase([b])' }\n"),
			"conjoin.yaml:6:5: unknown key 'attributs': did you "
			"mean 'attributes'?\n"
			"conjoin.yaml:8:7: 'dn' is the name of an entry of an "
			"agent; call this attribute otherwise\n"
			"conjoin.yaml:9:10: the type must be string, integer, "
			"boolean, binary, datetime or reference\n"
			"conjoin.yaml:10:7: 'A' is named twice in type "
			"'person' (case does not count)\n"
			"conjoin.yaml:11:7: the name of an attribute is not "
			"empty and has no '[' or ']'\n"
			"conjoin.yaml:12:26: unknown key 'separator'\n"
			"conjoin.yaml:13:13: 'a' is named twice in type "
			"'person' (case does not count)\n");
}

static void keys(void **state)
{
	const struct config *config =
		load(*state, "    attributes: { mail: string }\n"
			     "    keys: { local: 'Word([mail], 1, \"@\")' }\n");

	expect_problems(config, "");
	assert_int_equal(person_of(config)->key_count, 1);
	assert_string_equal(person_of(config)->keys[0].name, "local");
	assert_non_null(person_of(config)->keys[0].expr);
	expect_problems(load(*state, "    attributes: { mail: string }\n"
				     "    keys: { a: 'LCase([mial])', b: , c: "
				     "'LCase([mail]' }\n"),
			"conjoin.yaml:7:11: key 'b' has no rule\n"
			"conjoin.yaml:7:23: no attribute 'mial'; did you mean "
			"'mail'\n"
			"conjoin.yaml:7:47: the bracket opened here is not "
			"closed\n");
}

static void precedence(void **state)
{
	const struct config *config =
		load(*state, "    attributes: { a: string, b: string }\n"
			     "    precedence:\n"
			     "      a: [ad.user, hr, ad.admin]\n"
			     "      B: equal\n");
	const struct config_mv_attr *a = &person_of(config)->attrs[0];

	expect_problems(config, "");
	assert_int_equal(a->precedence, PRECEDENCE_RANKED);
	assert_int_equal(a->rank_count, 3);
	assert_int_equal(a->ranks[0].agent, 1);
	assert_ptr_equal(a->ranks[0].rule_set, &config->agents[1].rule_sets[0]);
	assert_null(a->ranks[1].rule_set);
	assert_int_equal(person_of(config)->attrs[1].precedence,
			 PRECEDENCE_EQUAL);
	expect_problems(
		load(*state, "    attributes: { abc: string, b: string }\n"
			     "    precedence:\n"
			     "      abd: hr\n"
			     "      abc: [hx, ad.usr, hr, hr]\n"
			     "      b: { lua: f }\n"),
		"conjoin.yaml:8:7: type 'person' has no attribute "
		"'abd': did you mean 'abc'?\n"
		"conjoin.yaml:9:13: there is no agent 'hx': did you "
		"mean 'hr'?\n"
		"conjoin.yaml:9:17: agent 'ad' has no rule set 'usr': "
		"did you mean 'user'?\n"
		"conjoin.yaml:9:29: this is named twice\n"
		"conjoin.yaml:10:17: no file of rules/ has a function 'f'\n");
}

#define ATTRS "    attributes: { a: string, flag: boolean }\n"

static void deletion(void **state)
{
	const struct config *config;

	config = load(*state, ATTRS "    delete: { when: projected }\n");
	assert_int_equal(person_of(config)->delete_when, DELETE_PROJECTED);
	config = load(*state, ATTRS "    delete: { when: never }\n");
	assert_int_equal(person_of(config)->delete_when, DELETE_NEVER);
	config = load(*state, ATTRS "    delete: { when: last }\n");
	assert_int_equal(person_of(config)->delete_when, DELETE_LAST);
	config = load(*state, ATTRS "    delete: { when: [hr, ad.user] }\n");
	assert_int_equal(person_of(config)->delete_when, DELETE_LAST_OF);
	assert_int_equal(person_of(config)->delete_of_count, 2);
	config =
		load(*state, ATTRS "    delete: { when: { any: [hr, ad] } }\n");
	assert_int_equal(person_of(config)->delete_when, DELETE_ANY_OF);
	config = load(*state, ATTRS "    delete: { when: { from: flag } }\n");
	expect_problems(config, "");
	assert_int_equal(person_of(config)->delete_when, DELETE_RULE);
	assert_non_null(person_of(config)->delete_rule);
}

static void bad_deletion(void **state)
{
	expect_problems(load(*state, ATTRS "    delete: { when: lst }\n"),
			"conjoin.yaml:7:21: there is no agent 'lst'\n");
	expect_problems(load(*state, ATTRS "    delete: { whn: last }\n"),
			"conjoin.yaml:7:15: unknown key 'whn': did you mean "
			"'when'?\n");
	expect_problems(load(*state, ATTRS "    delete: { when: { from: a } "
					   "}\n"),
			"conjoin.yaml:7:29: a condition is true or false, "
			"this is of type string: compare it with something, "
			"or write CBool(...)\n");
	expect_problems(load(*state, ATTRS "    delete: { when: { lua: f } "
					   "}\n"),
			"conjoin.yaml:7:28: no file of rules/ has a function "
			"'f'\n");
	expect_problems(load(*state, ATTRS "    delete: { when: [] }\n"),
			"conjoin.yaml:7:21: 'when' names no agent; write last "
			"or never\n");
	expect_problems(
		load(*state, ATTRS "    delete: last\n"),
		"conjoin.yaml:7:13: 'delete', as in delete: { when: last }, must be a map of keys "
		"and values\n");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attributes), TEST(bad_attributes), TEST(keys),
		TEST(precedence), TEST(deletion),       TEST(bad_deletion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
