/*
 * test_review.c - what is allowed and can hardly be meant: each warning, and
 * what stands close to it and is right
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

/* Two agents: hr feeds persons, ad is a directory. */
static void review(struct folder *folder, const char *metaverse, const char *hr,
		   const char *ad, const char *expected)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "conjoin: 1\nagents: [hr, ad]\n%s",
		       metaverse);
	folder_write(folder, "conjoin.yaml", text);
	(void)snprintf(text, sizeof(text), HR_CONNECT "%s", hr);
	folder_write(folder, "agents/hr.yaml", text);
	(void)snprintf(text, sizeof(text),
		       "type: ldif\nconnect: { path: d.ldif, anchor: uid }\n%s",
		       ad);
	folder_write(folder, "agents/ad.yaml", text);
	(void)folder_load(folder);
	expect_problems(folder->config, "");
	config_review(folder->config);
	expect_problems(folder->config, expected);
}

#define MV                                                                     \
	"metaverse:\n"                                                         \
	"  person:\n"                                                          \
	"    attributes:\n"                                                    \
	"      id: { type: string, index: true }\n"                            \
	"      name: { type: string, index: true }\n"                          \
	"      mail: string\n"                                                 \
	"      phone: string\n"                                                \
	"    keys: { local: 'Word([mail], 1, \"@\")' }\n"

#define HR_HEAD                                                                \
	"objects:\n"                                                           \
	"  person:\n"                                                          \
	"    metaverse: person\n"
#define HR_PROJECT                                                             \
	HR_HEAD "    project: true\n"                                          \
		"    import: { id: id, name: name, mail: mail }\n"
#define AD_HEAD                                                                \
	"objects:\n"                                                           \
	"  user:\n"                                                            \
	"    metaverse: person\n"
#define AD_JOIN AD_HEAD "    join: [ { id: uid } ]\n"

/* What the file of an agent has; NULL: it is not here. */
static const char *file_names[8];
static bool file_complete;

static int local_attrs(const struct connector_config *config, size_t type,
		       struct arena *arena, struct local_attrs *out)
{
	(void)type;
	(void)arena;
	if (strcmp(config->agent, "hr") != 0 || !file_names[0])
		return 0;
	out->file = "data/hr.csv";
	out->names = file_names;
	while (file_names[out->count])
		out->count++;
	out->complete = file_complete;
	return 1;
}

static void right(void **state)
{
	review(*state,
	       MV "    precedence: { mail: [ad, hr] }\n"
		  "    delete: { when: [hr] }\n",
	       HR_PROJECT,
	       AD_JOIN "    ambiguous: next\n"
		       "    import: { mail: mail }\n"
		       "    export: { displayName: name }\n",
	       "");
}

static void shadowed_rule_sets(void **state)
{
	static const char second[] = "  second:\n"
				     "    type: person\n"
				     "    metaverse: person\n"
				     "    join: [ { id: id } ]\n";
	char hr[1024];

	(void)snprintf(hr, sizeof(hr), HR_PROJECT "%s", second);
	review(*state, MV, hr, AD_JOIN,
	       "agents/hr.yaml:8:3: ~rule set 'second' never takes an object: "
	       "'person' stands before it and takes every 'person'; give "
	       "'person' a scope, or write it behind\n");
	(void)snprintf(hr, sizeof(hr),
		       HR_PROJECT "    scope: '[a] = \"1\"'\n%s"
				  "    scope: '[a] = \"1\" '\n",
		       second);
	review(*state, MV, hr, AD_JOIN,
	       "agents/hr.yaml:13:12: ~rule set 'second' never takes an "
	       "object: 'person' stands before it and has the same scope\n");
	(void)snprintf(hr, sizeof(hr),
		       HR_PROJECT "    scope: '[a] = \"1\"'\n%s", second);
	review(*state, MV, hr, AD_JOIN, "");
	(void)snprintf(hr, sizeof(hr), HR_PROJECT "    scope: 'false'\n%s",
		       second);
	review(*state, MV, hr, AD_JOIN,
	       "agents/hr.yaml:8:12: ~this scope is never true: rule set "
	       "'person' takes no object\n");
}

/* One that only provisions needs no objects that it finds. */
static void second_account(void **state)
{
	review(*state, MV, HR_PROJECT,
	       AD_JOIN "  admin:\n"
		       "    type: user\n"
		       "    metaverse: person\n"
		       "    provision: { when: '[mail] = \"x\"', dn: "
		       "'\"uid=\" & [id]' }\n",
	       "");
}

static void nothing_links(void **state)
{
	review(*state, MV, HR_PROJECT,
	       AD_HEAD "    ambiguous: error\n"
		       "    resolve: 'true'\n"
		       "    import: { phone: tel }\n",
	       "agents/ad.yaml:4:3: ~rule set 'user' neither joins, projects "
	       "nor provisions: its objects stay disconnectors and its rules "
	       "do nothing\n"
	       "agents/ad.yaml:6:16: ~'ambiguous' belongs to 'join', which "
	       "rule set 'user' does not have\n"
	       "agents/ad.yaml:7:14: ~'resolve' belongs to 'join', which rule "
	       "set 'user' does not have\n");
}

static void constant_conditions(void **state)
{
	review(*state, MV,
	       HR_PROJECT "    filter: [ '1 = 2', '1 < 2', "
			  "'IsNullOrEmpty([id])' ]\n",
	       AD_HEAD
	       "    join: [ { id: uid, when: 'false' }, { name: cn } ]\n"
	       "    provision: { when: 'NULL', dn: '\"uid=\" & [id]' }\n"
	       "    export: { mail: { from: mail, when: 'NULL' } }\n"
	       "    import: { phone: { from: tel, when: 'false' } }\n"
	       "    project: 'CBool(0)'\n",
	       "agents/ad.yaml:6:13: ~the condition of this line is never "
	       "true: it joins nothing\n"
	       "agents/ad.yaml:7:24: ~this is never true: nothing is "
	       "provisioned\n"
	       "agents/ad.yaml:8:21: ~the condition of this rule is never "
	       "true: it writes nothing\n"
	       "agents/ad.yaml:9:22: ~the condition of this rule is never "
	       "true: it contributes nothing\n"
	       "agents/ad.yaml:10:14: ~this is never true: nothing is "
	       "projected\n"
	       "agents/hr.yaml:8:15: ~this is never true: it filters nothing\n"
	       "agents/hr.yaml:8:24: ~this is always true: every object of "
	       "rule set 'person' is filtered\n");
}

/* Another folder may give a parameter another value. */
static void parameters_are_no_constants(void **state)
{
	review(*state, "parameters: { Site: Rome }\n" MV,
	       HR_PROJECT "    filter: '%Site% = \"Berlin\"'\n", AD_JOIN, "");
}

static void rules_behind_others(void **state)
{
	review(*state, MV,
	       HR_HEAD "    project: true\n"
		       "    import:\n"
		       "      id: id\n"
		       "      name: [ first, { value: Nobody }, last ]\n"
		       "      mail:\n"
		       "        - { from: a, when_null: contribute }\n"
		       "        - b\n"
		       "      phone: [ tel, { from: tel, when: '[c] = \"x\"' }"
		       ", mobile ]\n",
	       AD_JOIN,
	       "agents/hr.yaml:9:41: ~this rule is never asked: the one on "
	       "line 9, before it, always yields a value\n"
	       "agents/hr.yaml:12:11: ~this rule is never asked: the one on "
	       "line 11, before it, contributes also when it has no value\n"
	       "agents/hr.yaml:13:21: ~this rule is never asked: the one on "
	       "line 13, before it, says the same\n");
}

#define MV_BOSS                                                                \
	"metaverse:\n"                                                         \
	"  person:\n"                                                          \
	"    attributes: { id: { type: string, index: true }, name: { type: "  \
	"string, index: true }, mail: string, boss: reference }\n"             \
	"    keys: { local: 'Word([mail], 1, \"@\")', low: 'LCase([id])' }\n"

static void nothing_flows(void **state)
{
	review(*state, MV_BOSS,
	       HR_HEAD "    project: true\n"
		       "    import:\n"
		       "      id: id\n"
		       "      boss: { lookup: name, of: person, from: b }\n",
	       AD_HEAD
	       "    join: [ { name: cn }, { local: uid }, { low: uid } ]\n"
	       "    provision: { when: '[mail] = \"1\"', require: [id, name], "
	       "dn: '\"uid=\" & [name]' }\n"
	       "    export: { displayName: name, title: '[id] & \"x\"' }\n",
	       "agents/ad.yaml:6:13: ~nothing flows to 'name' of the metaverse, "
	       "so this line never joins\n"
	       "agents/ad.yaml:6:27: ~nothing flows to 'local' of the "
	       "metaverse, so this line never joins\n"
	       "agents/ad.yaml:7:24: ~nothing flows to 'mail' of the metaverse, "
	       "so this rule never sees a value of it: add an import rule for "
	       "it, or take it out here\n"
	       "agents/ad.yaml:7:49: ~nothing flows to 'name' of the metaverse, "
	       "so nothing is ever provisioned\n"
	       "agents/ad.yaml:7:65: ~nothing flows to 'name' of the metaverse, "
	       "so this rule never sees a value of it: add an import rule for "
	       "it, or take it out here\n"
	       "agents/ad.yaml:8:28: ~nothing flows to 'name' of the metaverse, "
	       "so this rule never sees a value of it: add an import rule for "
	       "it, or take it out here\n"
	       "agents/hr.yaml:9:13: ~nothing flows to 'name' of type "
	       "'person', so this look-up never finds anything\n");
}

static void nobody_projects(void **state)
{
	review(*state, MV,
	       HR_HEAD "    join: [ { id: id } ]\n"
		       "    import: { id: id }\n",
	       AD_JOIN,
	       "agents/hr.yaml:4:3: ~no rule set projects 'person', so the "
	       "metaverse never has one: write project: true where they come "
	       "from\n");
}

static void ranks(void **state)
{
	review(*state,
	       MV "    precedence: { mail: [ad, hr], name: [hr.person] }\n"
		  "    delete: { when: [hr, ad] }\n",
	       HR_PROJECT, AD_JOIN,
	       "conjoin.yaml:11:26: ~'ad' contributes nothing to 'mail': add "
	       "an import rule there, or take it out\n");
	review(*state,
	       MV "    delete: { when: { any: [hr, ad] } }\n"
		  "  group: { attributes: { name: string } }\n",
	       HR_PROJECT,
	       "objects:\n"
	       "  team:\n"
	       "    metaverse: group\n"
	       "    project: true\n",
	       "conjoin.yaml:11:33: ~'ad' has no objects of type 'person', so "
	       "it never decides here\n");
}

/* Out to the directory and back, above where it came from. */
static void it_comes_back(void **state)
{
	static const char ad[] = AD_JOIN "    import: { mail: m }\n"
					 "    export: { m: mail }\n";

	review(*state, MV "    precedence: { mail: [ad, hr] }\n", HR_PROJECT,
	       ad,
	       "agents/ad.yaml:7:21: ~'mail' is read here above 'hr', so "
	       "what 'hr' gives is never written to [m] (line 8); rank 'hr' "
	       "above in 'precedence', or give new objects a value with "
	       "'initial'\n");
	review(*state, MV "    precedence: { mail: [ad, hr] }\n", HR_PROJECT,
	       AD_JOIN "    import: { mail: m }\n"
		       "    export: { m: 'Trim([mail])' }\n",
	       "agents/ad.yaml:7:21: ~'mail' is written to [m] (line 8) and "
	       "read from there again, above 'hr': once it is written, a "
	       "change there no longer arrives; rank 'hr' above in "
	       "'precedence'\n");
	review(*state, MV, HR_PROJECT, ad, "");
	review(*state, MV "    precedence: { mail: equal }\n", HR_PROJECT, ad,
	       "");
	review(*state, MV "    precedence: { mail: [ad, hr] }\n", HR_PROJECT,
	       AD_JOIN "    import: { mail: { from: m, when: 'IsPresent([m])' "
		       "} }\n"
		       "    export: { m: mail }\n",
	       "");
}

static void it_feeds_itself(void **state)
{
	review(*state, MV, HR_PROJECT,
	       AD_JOIN "    import: { phone: '[tel] & \"0\"' }\n"
		       "    export: { tel: phone }\n",
	       "agents/ad.yaml:7:22: ~'phone' feeds itself: it is written to "
	       "[tel] (line 8), read from there again and not the same any "
	       "more, so it may change in every cycle; give one of the two "
	       "rules a 'when', or let another agent rank above\n");
	review(*state, MV, HR_PROJECT,
	       AD_JOIN "    import: { phone: 'Trim([tel])' }\n"
		       "    export: { tel: 'LCase( [phone] )' }\n",
	       "");
}

static void values_go_round(void **state)
{
	static const char ad[] = AD_JOIN "    import: { phone: m, mail: t }\n"
					 "    export: { m: mail, t: phone }\n";

	review(*state, MV "    precedence: { mail: equal }\n", HR_PROJECT, ad,
	       "agents/ad.yaml:7:31: ~values go round: 'mail' is written to "
	       "[m] (agents/ad.yaml:8), comes back as 'phone', and so on to "
	       "'mail' again; take one of these rules out, or give it a "
	       "'when'\n");
	review(*state, MV, HR_PROJECT, ad, "");
}

#define HR_FILE                                                                \
	HR_HEAD "    project: '[kind] = \"x\"'\n"                              \
		"    scope: '[site] = \"Rome\"'\n"                             \
		"    join: [ { id: number } ]\n"                               \
		"    filter: [ '[employeType] = \"x\"', 'IsNull([site])' ]\n"  \
		"    import: { id: number, name: nmae, mail: \"[e-mail]\" }\n"

static void columns_of_a_file(void **state)
{
	static struct connector_ops ops;
	static const struct connector_ops *own[] = { &ops, &ldif_ops, NULL };
	struct folder *folder = *state;

	ops = csv_ops;
	ops.local_attrs = local_attrs;
	folder->options.connectors = own;
	review(folder, MV, HR_FILE, AD_JOIN, "");
	memcpy(file_names,
	       (const char *[8]){ "ID", "name", "Site", "number", "kind",
				  "employeeType", "e-mail" },
	       sizeof(file_names));
	file_complete = true;
	review(folder, MV, HR_FILE, AD_JOIN,
	       "agents/hr.yaml:9:15: ~'data/hr.csv' has no 'employeType'; did "
	       "you mean 'employeeType'?\n"
	       "agents/hr.yaml:10:33: ~'data/hr.csv' has no 'nmae'; did you "
	       "mean 'name'?\n");
	file_names[3] = "gidNumber";
	review(folder, MV,
	       HR_HEAD "    project: true\n"
		       "    import: { id: uidNumber, name: "
		       "employeeTyp, mail: xyz }\n",
	       AD_JOIN,
	       "agents/hr.yaml:7:19: ~'data/hr.csv' has no 'uidNumber'; did "
	       "you mean 'gidNumber'?\n"
	       "agents/hr.yaml:7:36: ~'data/hr.csv' has no 'employeeTyp'; did "
	       "you mean 'employeeType'?\n"
	       "agents/hr.yaml:7:55: ~'data/hr.csv' has no column 'xyz': "
	       "correct the name, or add the column before the next import; "
	       "for the text write { value: xyz }\n");
	file_complete = false;
	review(folder, MV,
	       HR_HEAD "    project: true\n"
		       "    import: { id: uidNumber, name: "
		       "employeeTyp, mail: xyz }\n",
	       AD_JOIN,
	       "agents/hr.yaml:7:36: ~'data/hr.csv' has no 'employeeTyp'; did "
	       "you mean 'employeeType'?\n");
	file_names[0] = NULL;
}

/* A folder with errors is not judged. */
static void errors_first(void **state)
{
	struct folder *folder = *state;

	write_base(folder, "");
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects: { person: { metaverse: nobody, "
				"filter: 'true' } }\n");
	folder_write(folder, "agents/ad.yaml", AD_CONNECT AD_HEAD);
	(void)folder_load(folder);
	config_review(folder->config);
	expect_problems(folder->config,
			"agents/hr.yaml:3:33: there is no metaverse type "
			"'nobody'\n");
}

#define CASE(f)                                                                \
	cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(right),
		CASE(shadowed_rule_sets),
		CASE(second_account),
		CASE(nothing_links),
		CASE(constant_conditions),
		CASE(parameters_are_no_constants),
		CASE(rules_behind_others),
		CASE(nothing_flows),
		CASE(nobody_projects),
		CASE(ranks),
		CASE(it_comes_back),
		CASE(it_feeds_itself),
		CASE(values_go_round),
		CASE(columns_of_a_file),
		CASE(errors_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
