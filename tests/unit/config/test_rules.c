/*
 * test_rules.c - rule sets: each key in its good and its bad forms, types of
 * attributes, places of problems
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

#include "base/clock.h"

/* Loads with this under the rule set `person` of the agent hr (csv), which
 * begins on line 5, and under `user` of ad, which begins on line 10. */
static const struct config *load(struct folder *folder, const char *hr,
				 const char *ad)
{
	char text[4096];

	write_base(folder, "");
	(void)snprintf(text, sizeof(text),
		       HR_CONNECT "objects:\n"
				  "  person:\n"
				  "    metaverse: person\n%s",
		       hr);
	folder_write(folder, "agents/hr.yaml", text);
	(void)snprintf(text, sizeof(text),
		       AD_CONNECT "objects:\n"
				  "  user:\n"
				  "    metaverse: person\n%s",
		       ad);
	folder_write(folder, "agents/ad.yaml", text);
	return folder_load(folder);
}

static const struct config_rule_set *hr_of(const struct config *config)
{
	return &config->agents[0].rule_sets[0];
}

static const struct config_rule_set *ad_of(const struct config *config)
{
	return &config->agents[1].rule_sets[0];
}

static const struct attr_def *def_of(const struct config *config, size_t agent,
				     const char *name)
{
	const struct object_type *type = &config->agents[agent].types[0];
	size_t index;

	assert_int_equal(object_type_attr(type, sv_from(name), &index), 1);
	assert_int_equal(config->agents[agent].type_attr_ids[0][index],
			 config_attr_id(config, sv_from(name)));
	return &type->attrs[index];
}

/* --- attributes and their types ---------------------------------------- */

static void declared_attributes(void **state)
{
	const struct config *config = load(
		*state,
		"    attributes:\n"
		"      phones: { type: string, multi: true, separator: ';' }\n"
		"      tags: { separator: ',' }\n"
		"      boss: { to: person }\n"
		"      hired: { type: datetime, format: dd.MM.yyyy }\n"
		"      code: { match: exact }\n"
		"      n: integer\n"
		"      many: [binary]\n",
		"");

	expect_problems(config, "");
	assert_true(def_of(config, 0, "phones")->multi);
	assert_true(def_of(config, 0, "tags")->multi);
	assert_int_equal(def_of(config, 0, "boss")->type, VALUE_REFERENCE);
	assert_int_equal(def_of(config, 0, "hired")->type, VALUE_DATETIME);
	assert_true(
		sv_eq_str(def_of(config, 0, "hired")->format, "dd.MM.yyyy"));
	assert_int_equal(def_of(config, 0, "code")->match, MATCH_EXACT);
	assert_int_equal(def_of(config, 0, "n")->type, VALUE_INTEGER);
	assert_true(def_of(config, 0, "many")->multi);
}

static void bad_attributes(void **state)
{
	expect_problems(
		load(*state,
		     "    attributes:\n"
		     "      a: strin\n"
		     "      b: { type: string, multy: true }\n"
		     "      c: reference\n"
		     "      d: { type: reference, to: nobody }\n"
		     "      e: { type: string, format: yyyy }\n"
		     "      f: { type: string, to: person }\n"
		     "      g: []\n"
		     "      h: { match: exakt }\n",
		     "    attributes: { dn: string }\n"),
		"agents/ad.yaml:10:19: 'dn' is the name of an entry; it is "
		"always there and cannot be declared\n"
		"agents/hr.yaml:7:10: the type must be string, integer, "
		"boolean, binary, datetime or reference: did you mean "
		"'string'?\n"
		"agents/hr.yaml:8:26: unknown key 'multy': did you mean "
		"'multi'?\n"
		"agents/hr.yaml:9:7: 'c' is a reference to which type? declare "
		"attributes: { 'c': { type: reference, to: TYPE } }\n"
		"agents/hr.yaml:10:7: 'd' refers to type 'nobody', which agent "
		"'hr' does not have\n"
		"agents/hr.yaml:11:34: 'format' is for type: datetime only\n"
		"agents/hr.yaml:12:30: 'to' says what a reference points to: "
		"write type: reference\n"
		"agents/hr.yaml:13:10: an attribute of several values is "
		"[TYPE], as in [string]\n"
		"agents/hr.yaml:14:19: 'match' must be ignore-case or exact: "
		"did you mean 'exact'?\n");
}

static void inferred_types(void **state)
{
	const struct config *config = load(
		*state,
		"    join: [ { badge: badge_no } ]\n"
		"    import:\n"
		"      active: { from: '[is active]', when_null: ignore }\n"
		"      endDate: leaves\n"
		"      displayName: both\n"
		"      mail: [ both, id ]\n",
		"    import:\n"
		"      displayName: dn_text\n"
		"      badge: employeeNumber\n"
		"    export:\n"
		"      boss: manager\n"
		"      manager: manager\n"
		"      userAccountControl: badge\n");

	expect_problems(config, "agents/hr.yaml:6:13: a join searches by "
				"'badge', which has no index: add index: true "
				"to it in conjoin.yaml\n");
	assert_int_equal(def_of(config, 0, "badge_no")->type, VALUE_INTEGER);
	assert_int_equal(def_of(config, 0, "is active")->type, VALUE_BOOLEAN);
	assert_int_equal(def_of(config, 0, "leaves")->type, VALUE_DATETIME);
	assert_int_equal(def_of(config, 0, "both")->type, VALUE_STRING);
	assert_false(def_of(config, 0, "both")->multi);
	assert_true(def_of(config, 1, "dn_text")->multi);
	assert_int_equal(def_of(config, 1, "boss")->type, VALUE_REFERENCE);
	assert_false(def_of(config, 1, "boss")->multi);
	assert_int_equal(def_of(config, 1, "employeeNumber")->type,
			 VALUE_INTEGER);
}

static void disagreeing_flows_are_text(void **state)
{
	expect_problems(
		load(*state,
		     "    import:\n"
		     "      badge: no\n"
		     "      displayName: 'no'\n",
		     ""),
		"agents/hr.yaml:7:14: 'badge' is of type integer, the source "
		"of type string: write CNum(...)\n");
}

static void reference_of_a_column(void **state)
{
	expect_problems(load(*state, "    import: { manager: boss }\n", ""),
			"agents/hr.yaml:6:24: 'boss' is a reference to which "
			"type? declare attributes: { 'boss': { type: "
			"reference, to: TYPE } }\n");
}

static void a_column_named_dn(void **state)
{
	const struct config *config =
		load(*state, "    import: { displayName: dn }\n",
		     "    import: { displayName: 'CStr([dn])' }\n");
	const struct object_type *type = &config->agents[0].types[0];
	uint32_t id = 0;

	expect_problems(config, "");
	assert_int_equal(type->attr_count, 1);
	assert_string_equal(type->attrs[0].name, "dn");
	assert_int_equal(expr_is_attr(hr_of(config)->imports[0].source, &id),
			 1);
	assert_int_not_equal(id, ATTR_DN);
	assert_string_equal(config->attr_names[id], "dn");
	assert_int_equal(config->agents[1].types[0].attr_count, 0);
}

/* --- keys of a rule set ------------------------------------------------ */

static void rule_set_keys(void **state)
{
	expect_problems(
		load(*state,
		     "    fillter: x\n"
		     "    ambiguous: nxt\n"
		     "    scope: 'Len([a])'\n"
		     "    filter:\n"
		     "      - '[a] = \"x\"'\n"
		     "      - [b]\n"
		     "      - { lua: f }\n"
		     "    was: old\n",
		     "    metaverse: group\n"),
		"agents/ad.yaml:10:5: 'metaverse' stands here a second time: "
		"it was given on line 9\n"
		"agents/hr.yaml:6:5: unknown key 'fillter': did you mean "
		"'filter'?\n"
		"agents/hr.yaml:7:16: 'ambiguous' must be stop, next or error"
		": did you mean 'next'?\n"
		"agents/hr.yaml:8:12: a condition is true or false, this is of "
		"type integer: compare it with something, or write "
		"CBool(...)\n"
		"agents/hr.yaml:11:9: a rule must stand here: a name, or an "
		"expression in single quotes\n"
		"agents/hr.yaml:12:16: no file of rules/ has a function 'f'\n");
}

static void steps_of_a_rule_set(void **state)
{
	const struct config *config =
		load(*state,
		     "    was: people\n"
		     "    scope: '[kind] = \"staff\"'\n"
		     "    filter: 'IsNullOrEmpty([id])'\n"
		     "    ambiguous: error\n"
		     "    resolve: '[mail] = Metaverse(\"mail\")'\n"
		     "    project: '[kind] <> \"guest\"'\n"
		     "    deprovision: { from: 'IIF([active], \"delete\", "
		     "\"disconnect\")' }\n",
		     "    deprovision: disconnect\n");
	const struct config_rule_set *rules = hr_of(config);

	expect_problems(config, "");
	assert_string_equal(rules->was, "people");
	assert_non_null(rules->scope);
	assert_int_equal(rules->filter_count, 1);
	assert_int_equal(rules->ambiguous, AMBIGUOUS_ERROR);
	assert_non_null(rules->resolve);
	assert_int_equal(rules->project, PROJECT_RULE);
	assert_non_null(rules->project_rule);
	assert_int_equal(rules->deprovision, DEPROVISION_RULE);
	assert_int_equal(ad_of(config)->deprovision, DEPROVISION_DISCONNECT);
	assert_int_equal(ad_of(config)->project, PROJECT_NO);
}

#define KEY "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="

static void delivered(void **state)
{
	const struct config_deliver *deliver;
	const struct config *config =
		load(*state, "    project: true\n",
		     "    provision:\n"
		     "      dn: '\"CN=x\"'\n"
		     "      initial:\n"
		     "        unicodePwd: { from: 'RandomPassword(24)', "
		     "deliver: { file: x, to: " KEY " } }\n");

	expect_problems(config, "");
	deliver = ad_of(config)->provision.deliver;
	assert_string_equal(deliver->file, "x");
	assert_int_equal(deliver->to[31], 0xaa);
	assert_true(ad_of(config)->provision.initial[0].secret);
	config = load(*state, "    project: true\n",
		      "    provision:\n"
		      "      dn: '\"CN=x\"'\n"
		      "      initial: { unicodePwd: { value: x }, title: "
		      "{ value: a } }\n"
		      "      deliver: { command: [mail, -s, new], timeout: 5 "
		      "}\n");
	expect_problems(config, "");
	deliver = ad_of(config)->provision.deliver;
	assert_string_equal(deliver->command[2], "new");
	assert_null(deliver->command[3]);
	assert_int_equal(deliver->timeout, 5);
	assert_false(ad_of(config)->provision.initial[1].secret);
}

static void delivered_wrongly(void **state)
{
	static const char *const cases[][2] = {
		{ "{ file: x }",
		  "13:24: 'to' is missing: the public key of who may read the "
		  "file; 'conjoin secret keypair' makes one" },
		{ "{ file: x, to: abc }",
		  "13:31: 'to' is not a public key as 'conjoin secret keypair' "
		  "prints it" },
		{ "{ to: " KEY " }",
		  "13:16: 'deliver' has either 'file' and 'to', or 'command'" },
		{ "{ command: [] }",
		  "13:27: 'command' is a program and its arguments: [program, "
		  "argument, ...]" },
		{ "{ command: [x], timeout: 0 }",
		  "13:41: 'timeout' is a number of seconds, 1 to 3600" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char ad[1024];
		char problem[300];

		(void)snprintf(ad, sizeof(ad),
			       "    provision:\n"
			       "      dn: '\"CN=x\"'\n"
			       "      initial: { unicodePwd: { value: x } }\n"
			       "      deliver: %s\n",
			       cases[i][0]);
		(void)snprintf(problem, sizeof(problem), "agents/ad.yaml:%s\n",
			       cases[i][1]);
		expect_problems(load(*state, "    project: true\n", ad),
				problem);
	}
	expect_problems(load(*state, "    project: true\n",
			     "    provision:\n"
			     "      dn: '\"CN=x\"'\n"
			     "      initial: { title: { value: x } }\n"
			     "      deliver: { command: [x] }\n"),
			"agents/ad.yaml:13:16: 'initial' has no password to "
			"deliver\n");
}

static void unknown_functions(void **state)
{
	expect_problems(
		load(*state,
		     "    resolve: { lua: pick }\n"
		     "    import: { mail: { lua: f } }\n",
		     "    provision:\n"
		     "      dn: '\"CN=x\"'\n"
		     "      initial: { title: { value: x } }\n"),
		"agents/hr.yaml:6:21: no file of rules/ has a function 'pick'\n"
		"agents/hr.yaml:7:28: no file of rules/ has a function 'f'\n");
}

static void waiting_deprovision(void **state)
{
	const struct config *config = load(
		*state,
		"    deprovision: { after: 2 weeks, then: disconnect }\n",
		"    deprovision:\n"
		"      after: 30 days\n"
		"      then: delete\n"
		"      meanwhile: { title: { value: gone }, manager: 'NULL' "
		"}\n");
	const struct config_rule_set *rules = ad_of(config);

	expect_problems(config, "");
	assert_int_equal(hr_of(config)->deprovision_after, 14 * CLOCK_DAY);
	assert_int_equal(hr_of(config)->deprovision, DEPROVISION_DISCONNECT);
	assert_int_equal(rules->deprovision_after, 30 * CLOCK_DAY);
	assert_int_equal(rules->deprovision, DEPROVISION_DELETE);
	assert_int_equal(rules->meanwhile_count, 2);
	config = load(*state, "",
		      "    deprovision: { after: 1 day, then: delete, "
		      "meanwhile: disable }\n");
	expect_problems(config, "");
	assert_int_equal(ad_of(config)->meanwhile_count, 1);
	assert_true(sv_eq_str(expr_source(ad_of(config)->meanwhile[0].source),
			      ad_disabling[0].rule));
	(void)def_of(config, 1, "userAccountControl");
}

static void bad_waiting_deprovision(void **state)
{
	expect_problems(load(*state,
			     "    deprovision: { after: soon, then: later }\n",
			     "    deprovision: { after: 0 days, meanwhile: "
			     "enable }\n"),
			"agents/ad.yaml:10:18: 'then' is missing: what "
			"happens after that time (delete, disconnect or "
			"explicit-disconnect)\n"
			"agents/ad.yaml:10:27: '0 days' is not a duration: "
			"write a number and minutes, hours, days or weeks\n"
			"agents/ad.yaml:10:46: 'meanwhile' is 'disable' or "
			"{ attribute: rule }\n"
			"agents/hr.yaml:6:27: 'soon' is not a duration: write "
			"a number and minutes, hours, days or weeks\n"
			"agents/hr.yaml:6:39: 'then' must be "
			"explicit-disconnect, disconnect or delete\n");
	expect_problems(
		load(*state,
		     "    deprovision: { after: 1 day, then: disconnect, "
		     "meanwhile: disable }\n",
		     "    deprovision: { then: delete, meanwhile: "
		     "{ proxyAddresses: { from: mail, merge: yes } } "
		     "}\n"),
		"agents/ad.yaml:10:18: 'after' has no duration\n"
		"agents/ad.yaml:10:63: 'meanwhile' is written once: "
		"nothing is merged\n"
		"agents/hr.yaml:6:63: connector 'csv' knows no "
		"disabled objects of type 'person': say what is "
		"written meanwhile, as in meanwhile: { attribute: "
		"rule }\n");
}

/* --- join -------------------------------------------------------------- */

static void joins(void **state)
{
	const struct config *config =
		load(*state,
		     "    join:\n"
		     "      - employeeID: id\n"
		     "      - { mail: mail, displayName: 'Trim([name])', when: "
		     "'[kind] = \"staff\"' }\n"
		     "      - mailLocal: login\n",
		     "    join: { any: { mail: mails } }\n");
	const struct config_rule_set *rules = hr_of(config);

	expect_problems(config, "");
	assert_int_equal(rules->join_count, 3);
	assert_true(rules->joins[0].clauses[0].indexed);
	assert_int_equal(rules->joins[1].clause_count, 2);
	assert_false(rules->joins[1].clauses[1].indexed);
	assert_non_null(rules->joins[1].when);
	assert_int_equal(rules->joins[2].clauses[0].mv_attr,
			 config->mv_types[0].keys[0].id);
	assert_int_equal(ad_of(config)->join_count, 1);
	assert_true(ad_of(config)->joins[0].any);
}

static void bad_joins(void **state)
{
	expect_problems(
		load(*state,
		     "    join:\n"
		     "      - displayName: name\n"
		     "      - mial: mail\n"
		     "      - { when: '[a] = \"b\"' }\n"
		     "      - employeeID\n"
		     "      - { any: { mail: a, employeeID: b }, mail: c }\n",
		     ""),
		"agents/hr.yaml:7:9: a join searches by 'displayName', which "
		"has no index: add index: true to it in conjoin.yaml\n"
		"agents/hr.yaml:8:9: the metaverse has no attribute or key "
		"'mial' in the types of this rule set: did you mean 'mail'?\n"
		"agents/hr.yaml:9:9: a line of 'join' names a metaverse "
		"attribute and what it must be, as in { employeeID: id }\n"
		"agents/hr.yaml:10:9: a line of 'join' must be a map of keys "
		"and values\n"
		"agents/hr.yaml:11:16: 'any' holds one clause, as in any: { "
		"proxyAddresses: mails }\n"
		"agents/hr.yaml:11:44: beside 'any' only 'when' may stand\n");
}

/* --- project ----------------------------------------------------------- */

static void project(void **state)
{
	const struct config *config;

	config = load(*state, "    project: yes\n", "    project: false\n");
	expect_problems(config, "");
	assert_int_equal(hr_of(config)->project, PROJECT_YES);
	assert_int_equal(ad_of(config)->project, PROJECT_NO);
	config = load(*state, "    project: group\n", "    project: person\n");
	expect_problems(config, "agents/hr.yaml:6:14: type 'group' is not "
				"among the types under 'metaverse' of this "
				"rule set\n");
	assert_int_equal(ad_of(config)->project, PROJECT_YES);
}

static void several_types(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	(void)load(folder, "", "");
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n"
				"  a:\n"
				"    metaverse: [person, group]\n"
				"    project: true\n"
				"    import: { displayName: n, mail: m }\n"
				"  b:\n"
				"    type: a\n"
				"    metaverse: [person, group]\n"
				"    project: group\n"
				"  c:\n"
				"    type: other\n"
				"    metaverse: [person, person]\n"
				"  d: {}\n");
	config = folder_load(folder);
	expect_problems(config,
			"agents/hr.yaml:6:14: this rule set has several "
			"metaverse types: say which a new object gets, as in "
			"project: person\n"
			"agents/hr.yaml:14:25: this is named twice\n"
			"agents/hr.yaml:15:3: rule set 'd' does not say which "
			"type of the metaverse its objects are: add metaverse: "
			"TYPE\n");
	assert_int_equal(config->agents[0].type_count, 3);
	assert_int_equal(config->agents[0].rule_sets[1].type, 0);
	assert_int_equal(config->agents[0].rule_sets[1].project_type, 1);
}

/* --- import ------------------------------------------------------------ */

static void imports(void **state)
{
	const struct config *config = load(
		*state,
		"    attributes: { members: [string] }\n"
		"    import:\n"
		"      employeeID: '007'\n"
		"      displayName:\n"
		"        - { from: nick, when: '[country] = \"DE\"' }\n"
		"        - name\n"
		"      mail: { value: Contoso }\n"
		"      proxyAddresses: { from: '[members]', merge: "
		"ignore-case }\n"
		"      manager: { lookup: employeeID, of: person, from: boss }\n"
		"      badge: -5\n"
		"      active: { value: yes }\n"
		"      endDate: { from: AuthoritativeNull, when_null: "
		"contribute }\n",
		"");
	const struct config_import_flow *flows = hr_of(config)->imports;

	expect_problems(config,
			"agents/hr.yaml:8:19: 'employeeID' is of type string, "
			"the source of type integer: write CStr(...)\n");
	assert_int_equal(hr_of(config)->import_count, 9);
	assert_int_equal(flows[1].mv_attr, flows[2].mv_attr);
	assert_non_null(flows[1].when);
	assert_string_equal(config->rule_texts[flows[2].rule],
			    "agents/hr.yaml:11: displayName");
	assert_int_equal(expr_type(flows[3].source), VALUE_STRING);
	assert_true(flows[4].merge);
	assert_int_equal(flows[5].lookup,
			 config_attr_id(config, SV_LIT("employeeID")));
	assert_int_equal(flows[5].lookup_type, 0);
	assert_int_equal(expr_type(flows[7].source), VALUE_BOOLEAN);
	assert_int_equal(flows[8].when_null, WHEN_NULL_CONTRIBUTE);
	assert_null(config->rule_texts[0]);
	assert_int_equal(config->rule_count, 9);
}

static void bad_imports(void **state)
{
	expect_problems(
		load(*state,
		     "    import:\n"
		     "      displayNam: name\n"
		     "      mailLocal: x\n"
		     "      displayName: { from: a, value: b }\n"
		     "      mail: { fromm: a }\n"
		     "      badge: { value: many }\n"
		     "      active: [ { when_null: nxt, from: b } ]\n"
		     "      employeeID: { value: [a, b] }\n"
		     "      proxyAddresses: { from: c, of: person }\n"
		     "      manager: [ { lookup: displayName, of: person, from: "
		     "d }, { lookup: mail, of: persn, from: d }, { lookup: "
		     "mail, from: d } ]\n"
		     "      endDate:\n",
		     "    import:\n"
		     "      mail: { from: 'Trim([mail]', merge: yes }\n"
		     "      badge: { lookup: mail, of: person, from: mail }\n"),
		"agents/ad.yaml:11:26: the bracket opened here is not closed\n"
		"agents/ad.yaml:12:14: a look-up yields references, 'badge' is "
		"of type integer\n"
		"agents/hr.yaml:7:7: the metaverse has no attribute "
		"'displayNam' in the types of this rule set: did you mean "
		"'displayName'?\n"
		"agents/hr.yaml:8:7: the metaverse has no attribute "
		"'mailLocal' in the types of this rule set\n"
		"agents/hr.yaml:9:20: a rule has one of 'from', 'value' and "
		"'lua'\n"
		"agents/hr.yaml:10:13: a rule has one of 'from', 'value' and "
		"'lua'\n"
		"agents/hr.yaml:10:15: unknown key 'fromm': did you mean "
		"'from'?\n"
		"agents/hr.yaml:11:23: 'many' is not a value of type integer, "
		"which 'badge' has\n"
		"agents/hr.yaml:12:30: 'when_null' must be next, contribute or "
		"ignore: did you mean 'next'?\n"
		"agents/hr.yaml:13:28: 'employeeID' takes one value only\n"
		"agents/hr.yaml:14:38: 'of' belongs to 'lookup', which is "
		"missing\n"
		"agents/hr.yaml:15:28: a look-up by 'displayName' needs an "
		"index: add index: true to it in type 'person'\n"
		"agents/hr.yaml:15:84: there is no metaverse type 'persn': did "
		"you mean 'person'?\n"
		"agents/hr.yaml:15:102: a look-up needs 'of', the metaverse "
		"type that it searches\n"
		"agents/hr.yaml:16:7: 'endDate' has no rule\n");
}

static void merging(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	config = load(
		folder,
		"    import: { proxyAddresses: { from: a, merge: yes } }\n",
		"    import: { proxyAddresses: { from: a, merge: yes } "
		"}\n");
	expect_problems(config, "");
	assert_true(config->mv_types[0].attrs[3].merge);
	assert_int_equal(config->mv_types[0].attrs[3].merge_match, MATCH_EXACT);
	expect_problems(
		load(folder, "    import: { proxyAddresses: a }\n",
		     "    import: { proxyAddresses: { from: a, merge: "
		     "ignore-case }, mail: { from: m, merge: no } }\n"),
		"agents/hr.yaml:6:31: 'proxyAddresses' is merged by another "
		"rule, so this one must say it too: write { from: ..., merge: "
		"ignore-case }\n");
	expect_problems(
		load(folder,
		     "    import: { proxyAddresses: { from: a, merge: yes } }\n",
		     "    import: { proxyAddresses: { from: a, merge: "
		     "ignore-case }, mail: { from: m, merge: yes } }\n"),
		"agents/ad.yaml:10:31: 'proxyAddresses' is merged in another "
		"way by another rule: all of them must say the same\n"
		"agents/ad.yaml:10:70: 'mail' takes one value, so nothing can "
		"be merged: write multi: true at the attribute, or leave out "
		"'merge'\n");
}

static void types_of_flows(void **state)
{
	expect_problems(
		load(*state,
		     "    import:\n"
		     "      badge: 'Trim([a])'\n"
		     "      active: 'Len([a])'\n"
		     "      endDate: 'Trim([a])'\n"
		     "      displayName: 'Now()'\n"
		     "      manager: 'Trim([a])'\n"
		     "      mail: 'CBool([a])'\n",
		     "    import:\n"
		     "      displayName: '[dn]'\n"
		     "      mail: '[objectGUID]'\n"
		     "      manager: 'CRef([x])'\n"
		     "      badge: 'CDate([x])'\n"
		     "    export:\n"
		     "      manager: '\"cn=x\"'\n"
		     "      userAccountControl: '[active]'\n"),
		"agents/ad.yaml:11:20: 'displayName' is of type string, the "
		"source of type reference: write CStr(...)\n"
		"agents/ad.yaml:12:13: 'mail' is of type string, the source of "
		"type binary: write ConvertToBase64(...)\n"
		"agents/ad.yaml:14:14: 'badge' is of type integer, the source "
		"of type datetime: write NumFromDate(...)\n"
		"agents/ad.yaml:16:16: 'manager' is of type reference, the "
		"source of type string: write CRef(...) when it is a DN\n"
		"agents/ad.yaml:17:27: 'userAccountControl' is of type "
		"integer, the source of type boolean: write IIF(..., 1, 0)\n"
		"agents/hr.yaml:7:14: 'badge' is of type integer, the source "
		"of type string: write CNum(...)\n"
		"agents/hr.yaml:8:15: 'active' is of type boolean, the source "
		"of type integer: write CBool(...)\n"
		"agents/hr.yaml:9:16: 'endDate' is of type datetime, the "
		"source of type string: write CDate(...)\n"
		"agents/hr.yaml:10:20: 'displayName' is of type string, the "
		"source of type datetime: write FormatDateTime(..., "
		"\"yyyy-MM-dd\")\n"
		"agents/hr.yaml:11:16: 'manager' is of type reference, the "
		"source of type string: write { lookup: ATTRIBUTE, of: TYPE, "
		"from: ... }, or declare the column with type: reference\n"
		"agents/hr.yaml:12:13: 'mail' is of type string, the source of "
		"type boolean: write CStr(...)\n");
}

/* --- export and provision ---------------------------------------------- */

#define ACCOUNT                                                                \
	"    provision:\n"                                                     \
	"      when: active\n"                                                 \
	"      require: [displayName, employeeID]\n"                           \
	"      dn: '\"CN=\" & EscapeDNComponent([displayName])'\n"             \
	"      unique:\n"                                                      \
	"        dn: '\"CN=\" & [displayName] & CStr($n)'\n"                   \
	"        sAMAccountName: [ mail, '[mail] & CStr($n)' ]\n"              \
	"      rename: true\n"                                                 \
	"      existing: adopt\n"                                              \
	"      parents: create\n"                                              \
	"      initial:\n"                                                     \
	"        unicodePwd: 'RandomPassword(24)'\n"                           \
	"        userAccountControl: 512\n"                                    \
	"        objectClass: { value: [posixAccount, top] }\n"

static void provisioning(void **state)
{
	const struct config *config = load(
		*state, "",
		ACCOUNT
		"    deprovision: delete\n"
		"    export:\n"
		"      title: { from: displayName, when_null: keep }\n"
		"      proxyAddresses: { from: '[proxyAddresses]', merge: "
		"ignore-case }\n"
		"      manager: { from: manager, to: user }\n"
		"      company: { value: Contoso, when: '[active]' }\n"
		"      userAccountControl: "
		"'IIF([active], BitAnd(Current(\"userAccountControl\"), -3), "
		"512)'\n");
	const struct config_rule_set *rules = ad_of(config);
	const struct config_provision *provision = &rules->provision;

	expect_problems(config, "");
	assert_true(rules->provisions);
	assert_non_null(provision->when);
	assert_int_equal(provision->require_count, 2);
	assert_non_null(provision->dn);
	assert_int_equal(provision->unique_count, 2);
	assert_int_equal(provision->unique[0].attr, ATTR_DN);
	assert_int_equal(provision->unique[1].count, 2);
	assert_true(expr_uses_counter(provision->unique[1].candidates[1]));
	assert_true(provision->rename);
	assert_true(provision->create_parents);
	assert_int_equal(provision->existing, EXISTING_ADOPT);
	assert_int_equal(provision->initial_count, 3);
	assert_int_equal(rules->deprovision, DEPROVISION_DELETE);
	assert_int_equal(rules->export_count, 5);
	assert_int_equal(rules->exports[0].when_null, FLOW_NULL_KEEP);
	assert_int_equal(rules->exports[1].merge, MERGE_IGNORE_CASE);
	assert_ptr_equal(rules->exports[2].to, rules);
	assert_non_null(rules->exports[3].when);
	assert_int_equal(rules->exports[4].attr,
			 config_attr_id(config, SV_LIT("useraccountcontrol")));
}

static void bad_provisioning(void **state)
{
	expect_problems(
		load(*state,
		     "    provision: {}\n"
		     "    export: { x: mail }\n"
		     "    deprovision: delete\n",
		     "    provision:\n"
		     "      requir: x\n"
		     "      require: [ displayNam ]\n"
		     "      unique:\n"
		     "        uid: []\n"
		     "        userAccountControl: 'Trim([mail])'\n"
		     "      existing: unique\n"
		     "      parents: creat\n"
		     "      rename: always\n"
		     "      initial: { dn: '\"x\"', a: 'CStr($n)' }\n"
		     "      when: displayName\n"
		     "    deprovision: remove\n"
		     "    export:\n"
		     "      dn: mail\n"
		     "      a: [ mail, displayName ]\n"
		     "      b: { from: mail, when_null: contribute }\n"
		     "      c: { from: mail, to: usr }\n"
		     "      cn: { from: proxyAddresses, merge: yes }\n"),
		"agents/ad.yaml:11:7: 'dn' is missing: the rule for the name "
		"of a new entry\n"
		"agents/ad.yaml:11:7: unknown key 'requir': did you mean "
		"'require'?\n"
		"agents/ad.yaml:12:18: the metaverse has no attribute "
		"'displayNam' in the types of this rule set: did you mean "
		"'displayName'?\n"
		"agents/ad.yaml:14:9: 'uid' has no candidates\n"
		"agents/ad.yaml:15:29: 'userAccountControl' is of type "
		"integer, the source of type string: write CNum(...)\n"
		"agents/ad.yaml:16:17: 'unique' needs further candidates for "
		"the name: write them under unique: { dn: [...] }\n"
		"agents/ad.yaml:17:16: 'parents' must be error or create: did "
		"you mean 'create'?\n"
		"agents/ad.yaml:18:15: 'rename' must be true, yes or on, or "
		"false, no or off\n"
		"agents/ad.yaml:19:18: the name of an entry is written by 'dn' "
		"under 'provision'; 'rename: true' follows it\n"
		"agents/ad.yaml:19:38: $n counts the candidates of `unique` "
		"and is known only there\n"
		"agents/ad.yaml:20:13: a condition is true or false, this is "
		"of type string: compare it with something, or write "
		"CBool(...)\n"
		"agents/ad.yaml:21:18: 'deprovision' must be "
		"explicit-disconnect, disconnect or delete\n"
		"agents/ad.yaml:23:7: the name of an entry is written by 'dn' "
		"under 'provision'; 'rename: true' follows it\n"
		"agents/ad.yaml:24:10: an exported attribute has one rule, not "
		"a list: use IIF() or Coalesce()\n"
		"agents/ad.yaml:25:35: 'when_null' must be remove or keep\n"
		"agents/ad.yaml:26:28: 'to' is for references, 'c' is of type "
		"string\n"
		"agents/ad.yaml:26:28: this agent has no rule set 'usr': did "
		"you mean 'user'?\n"
		"agents/ad.yaml:27:11: 'cn' takes one value, so nothing can be "
		"merged: declare it with multi: true, or leave out 'merge'\n"
		"agents/hr.yaml:6:5: agent 'hr' cannot export: as 'connect' is "
		"written, its system is only read\n"
		"agents/hr.yaml:7:5: agent 'hr' cannot export: as 'connect' is "
		"written, its system is only read\n"
		"agents/hr.yaml:8:5: agent 'hr' cannot export: as 'connect' is "
		"written, its system is only read\n");
}

static void flat_targets(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	(void)load(folder, "", "");
	folder_write(folder, "agents/hr.yaml",
		     "type: csv\n"
		     "connect: { path: x, anchor: id, export: yes }\n"
		     "objects:\n"
		     "  person:\n"
		     "    metaverse: person\n"
		     "    provision: { initial: { id: employeeID } }\n"
		     "    export: { name: displayName, boss: manager }\n");
	config = folder_load(folder);
	expect_problems(config, "agents/hr.yaml:7:34: 'boss' is a reference to "
				"which type? declare attributes: { 'boss': { "
				"type: reference, to: TYPE } }\n");
	folder_write(folder, "agents/hr.yaml",
		     "type: csv\n"
		     "connect: { path: x, anchor: id, export: yes }\n"
		     "objects:\n"
		     "  person:\n"
		     "    metaverse: person\n"
		     "    provision: { dn: '\"x\"', rename: yes }\n"
		     "  other:\n"
		     "    metaverse: person\n"
		     "    provision: true\n");
	config = folder_load(folder);
	expect_problems(config,
			"agents/hr.yaml:6:22: objects of agent 'hr' (csv) have "
			"no DNs: leave out 'dn'\n"
			"agents/hr.yaml:6:37: the connector of agent 'hr' "
			"cannot rename\n");
	assert_true(config->agents[0].rule_sets[1].provisions);
}

static void places_in_scalars(void **state)
{
	expect_problems(load(*state, "",
			     "    export:\n"
			     "      a: '\"it''s\" & [nope]'\n"
			     "      b: \"\\\"x\\\" & [nope]\"\n"
			     "      c: Trim([nope])\n"
			     "      d: >\n"
			     "        Trim([nope])\n"
			     "      e: 'Trim(\n"
			     "          [nope])'\n"
			     "      f: '\"\xc3\xa9\" & [nope]'\n"),
			"agents/ad.yaml:11:21: no attribute 'nope'\n"
			"agents/ad.yaml:12:19: no attribute 'nope'\n"
			"agents/ad.yaml:13:15: no attribute 'nope'\n"
			"agents/ad.yaml:15:1: no attribute 'nope'\n"
			"agents/ad.yaml:16:10: no attribute 'nope'\n"
			"agents/ad.yaml:18:17: no attribute 'nope'\n");
}

/* --- the agent --------------------------------------------------------- */

static void agents(void **state)
{
	struct folder *folder = *state;

	(void)load(folder, "", "");
	folder_write(folder, "agents/hr.yaml",
		     "typ: csv\n"
		     "was: personnel\n");
	folder_write(folder, "agents/ad.yaml",
		     "type: add\n"
		     "objects:\n"
		     "  user:\n"
		     "    metaverse: person\n"
		     "    provision: {}\n");
	expect_problems(folder_load(folder),
			"agents/ad.yaml:1:7: there is no connector 'add': did "
			"you mean 'ad'?\n"
			"agents/hr.yaml:1:1: 'type' is missing: the connector "
			"of agent 'hr', as in type: csv\n"
			"agents/hr.yaml:1:1: ~agent 'hr' has no 'objects', so "
			"nothing is read or written\n"
			"agents/hr.yaml:1:1: unknown key 'typ': did you mean "
			"'type'?\n");
	assert_string_equal(folder->config->agents[0].was, "personnel");
	folder_write(folder, "agents/hr.yaml",
		     "type: csv\nobjects: { p: { metaverse: person } }\n");
	folder_write(folder, "agents/ad.yaml",
		     "type: ad\n"
		     "connect:\n"
		     "  servers: x\n"
		     "  bind_dn: wrong\n"
		     "  password: env:P\n"
		     "  partitions: []\n");
	expect_problems(folder_load(folder),
			"agents/ad.yaml:1:1: ~agent 'ad' has no 'objects', so "
			"nothing is read or written\n"
			"agents/ad.yaml:4:12: nobody of that name\n"
			"agents/hr.yaml:1:1: 'anchor' is missing: the key "
			"column\n"
			"agents/hr.yaml:1:1: 'path' is missing: the file\n");
}

static void built_in_parameters(void **state)
{
	const struct config *config =
		load(*state,
		     "    import:\n"
		     "      displayName: '%Connector.Name% & %Connector.ID%'\n"
		     "      mail: '%Domain.FQDN%'\n",
		     "    import:\n"
		     "      displayName: '%Domain.FQDN% & %Forest.LDAP% & "
		     "%domain.netbios%'\n"
		     "      endDate: '%Run.Time%'\n"
		     "      mail: '%Domain.Nonsense%'\n");
	const struct expr_env env = { 0 };
	struct arena arena = ARENA_INIT;
	struct expr_result result;
	struct error err = ERROR_INIT;

	expect_problems(config,
			"agents/ad.yaml:13:14: no parameter "
			"'Domain.Nonsense'; parameters stand in conjoin.yaml\n"
			"agents/hr.yaml:8:14: no parameter 'Domain.FQDN'; "
			"parameters stand in conjoin.yaml\n");
	assert_int_equal(expr_eval(ad_of(config)->imports[0].source, &env,
				   &arena, &result, &err),
			 0);
	assert_true(sv_eq_str(result.values.at[0].text,
			      "corp.testDC=corp,DC=testCORP"));
	assert_int_equal(expr_eval(hr_of(config)->imports[0].source, &env,
				   &arena, &result, &err),
			 0);
	assert_int_equal(result.values.at[0].text.len, 2 + 38);
	arena_release(&arena);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(declared_attributes),
		TEST(bad_attributes),
		TEST(inferred_types),
		TEST(disagreeing_flows_are_text),
		TEST(reference_of_a_column),
		TEST(a_column_named_dn),
		TEST(rule_set_keys),
		TEST(steps_of_a_rule_set),
		TEST(delivered),
		TEST(delivered_wrongly),
		TEST(unknown_functions),
		TEST(waiting_deprovision),
		TEST(bad_waiting_deprovision),
		TEST(joins),
		TEST(bad_joins),
		TEST(project),
		TEST(several_types),
		TEST(imports),
		TEST(bad_imports),
		TEST(merging),
		TEST(types_of_flows),
		TEST(provisioning),
		TEST(bad_provisioning),
		TEST(flat_targets),
		TEST(places_in_scalars),
		TEST(agents),
		TEST(built_in_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
