/*
 * test_load.c - whole folders: the examples, the general keys, environments,
 * overrides, the hash
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

#include "base/clock.h"

static struct config *load_example(const char *path)
{
	const struct config_options options = { connectors, NULL, 0 };
	struct config *config = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(config_load(path, &options, &config, &err), 0);
	return config;
}

static const struct attr_def *attr_of(const struct config_agent *agent,
				      size_t type, const char *name)
{
	size_t index;

	assert_true(type < agent->type_count);
	assert_int_equal(
		object_type_attr(&agent->types[type], sv_from(name), &index),
		1);
	return &agent->types[type].attrs[index];
}

static void demo(void **state)
{
	struct config *config = load_example(TEST_DATA "/demo");
	const struct config_agent *hr = config_agent_find(config, SV_LIT("hr"));
	const struct config_agent *dir =
		config_agent_find(config, SV_LIT("directory"));
	const struct config_mv_type *person =
		config_mv_type_find(config, SV_LIT("person"));
	const struct config_mv_attr *phone = config_mv_attr_find(
		person, config_attr_id(config, SV_LIT("TELEPHONENUMBER")));

	(void)state;
	expect_problems(config, "");
	assert_int_equal(config->agent_count, 4);
	assert_int_equal(config->cycle_count, 4);
	assert_true(config->provisioning);
	assert_int_equal(phone->rank_count, 2);
	assert_int_equal(phone->ranks[0].agent, 1);
	assert_int_equal(phone->ranks[1].agent, 0);
	assert_int_equal(person->delete_when, DELETE_LAST_OF);
	assert_int_equal(person->delete_of_count, 1);
	assert_int_equal(hr->rule_sets[0].import_count, 8);
	assert_int_equal(hr->rule_sets[0].project, PROJECT_YES);
	assert_true(hr->rule_sets[0].joins[0].clauses[0].indexed);
	assert_int_equal(attr_of(hr, 0, "manager_id")->type, VALUE_REFERENCE);
	assert_string_equal(attr_of(hr, 0, "manager_id")->to, "person");
	assert_string_equal(attr_of(hr, 0, "department name")->name,
			    "Department Name");
	assert_false(attr_of(hr, 0, "title")->multi);
	assert_string_equal(dir->types[0].name, "inetOrgPerson");
	assert_string_equal(dir->types[1].name, "groupOfNames");
	assert_int_equal(attr_of(dir, 1, "member")->type, VALUE_REFERENCE);
	assert_true(attr_of(dir, 1, "member")->multi);
	assert_int_equal(attr_of(dir, 0, "manager")->type, VALUE_REFERENCE);
	assert_false(attr_of(dir, 0, "manager")->multi);
	assert_int_equal(dir->rule_sets[0].provision.unique_count, 2);
	assert_int_equal(dir->rule_sets[0].provision.unique[0].attr, ATTR_DN);
	assert_int_equal(dir->rule_sets[0].deprovision, DEPROVISION_DELETE);
	assert_true(dir->rule_sets[0].provision.rename);
	assert_int_equal(dir->rule_sets[1].id, 5);
	assert_string_equal(
		config->rule_texts[hr->rule_sets[0].imports[4].rule],
		"agents/hr.yaml:19: title");
	config_review(config);
	expect_problems(config, "");
	config_free(config);
}

static void two_forests(void **state)
{
	struct config *config = load_example(TEST_DATA "/two-forest-gal");
	const struct config_agent *rome =
		config_agent_find(config, SV_LIT("rome"));
	const struct config_mv_type *person =
		config_mv_type_find(config, SV_LIT("person"));
	const struct config_mv_attr *legacy = config_mv_attr_find(
		person, config_attr_id(config, SV_LIT("legacyExchangeDN")));
	struct config_profile profile;

	(void)state;
	expect_problems(config, "");
	assert_true(legacy->merge);
	assert_int_equal(legacy->merge_match, MATCH_IGNORE_CASE);
	assert_int_equal(person->delete_when, DELETE_PROJECTED);
	assert_int_equal(rome->rule_sets[2].mv_type_count, 3);
	assert_true(rome->rule_sets[2].joins[0].any);
	assert_int_equal(rome->rule_sets[1].import_count,
			 rome->rule_sets[0].import_count);
	assert_int_equal(config_profile_find(rome, SV_LIT("first"), &profile),
			 1);
	assert_int_equal(profile.step_count, 1);
	config_review(config);
	expect_problems(config, "");
	config_free(config);
}

static void no_folder(void **state)
{
	struct folder *folder = *state;
	struct config *config = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(
		config_load("/nowhere/at/all", &folder->options, &config, &err),
		-1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_null(config);
	assert_int_equal(
		config_load(folder->path, &folder->options, &config, &err), -1);
	assert_non_null(strstr(err.msg, "there is no conjoin.yaml"));
	assert_null(config);
}

static void five_mistakes(void **state)
{
	struct folder *folder = *state;

	write_base(folder, "provisionig: on\n");
	folder_write(folder, "agents/hr.yaml",
		     "type: csv\n"
		     "connect: { path: data/hr.csv, ancor: id, anchor: id }\n"
		     "objects:\n"
		     "  person:\n"
		     "    metaverse: persn\n"
		     "    filter: [ '[a] = \"x' ]\n");
	folder_write(folder, "agents/ad.yaml",
		     AD_CONNECT
		     "objects:\n"
		     "  user:\n"
		     "    metaverse: person\n"
		     "    join: [ { employeID: employeeID } ]\n"
		     "    import: { mail: mail }\n"
		     "    export:\n"
		     "      displayName: 'Trim([displayNme]) & \"it''s\"'\n"
		     "      company: Contoso\n");
	expect_problems(
		folder_load(folder),
		"agents/ad.yaml:10:15: the metaverse has no attribute or key "
		"'employeID' in the types of this rule set: did you mean "
		"'employeeID'?\n"
		"agents/ad.yaml:13:26: no attribute 'displayNme'; did you mean "
		"'displayName'\n"
		"agents/ad.yaml:14:16: no attribute 'Contoso'; for the text "
		"write { value: Contoso }\n"
		"agents/hr.yaml:2:31: unknown key 'ancor': did you mean "
		"'anchor'?\n"
		"agents/hr.yaml:5:16: there is no metaverse type 'persn': did "
		"you mean 'person'?\n"
		"agents/hr.yaml:6:22: the text that begins here has no end "
		"quote\n"
		"conjoin.yaml:4:1: unknown key 'provisionig': did you mean "
		"'provisioning'?\n");
	assert_int_equal(folder->config->error_count, 7);
}

static void broken_file_hides_nothing(void **state)
{
	struct folder *folder = *state;

	write_base(folder, "");
	folder_write(folder, "agents/hr.yaml", "type: [\n");
	folder_write(folder, "agents/more.yaml", "type: csv\n");
	expect_problems(folder_load(folder),
			"agents/hr.yaml:2:1: not valid YAML: flow sequence "
			"without a closing bracket\n"
			"agents/more.yaml:1:1: ~this file is not used: "
			"'agents' in conjoin.yaml does not name it\n"
			"conjoin.yaml:3:14: agent 'ad' has no file: write "
			"agents/ad.yaml or take the name out\n");
}

static void write_agents(struct folder *folder)
{
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n"
				"  person:\n"
				"    metaverse: person\n"
				"    join: [ { employeeID: id } ]\n"
				"    import:\n"
				"      displayName: '%Company% & [name]'\n"
				"      employeeID: id\n");
	folder_write(folder, "agents/ad.yaml",
		     AD_CONNECT "objects:\n"
				"  user:\n"
				"    metaverse: person\n"
				"    import: { mail: mail }\n");
}

#define COMPANY "parameters: { Company: Contoso }\n"

static void general_keys(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	write_agents(folder);
	write_base(folder, COMPANY "cycle: { order: [ad, hr] }\n"
				   "provisioning: off\n");
	config = folder_load(folder);
	expect_problems(config, "");
	assert_false(config->provisioning);
	assert_int_equal(config->cycle[0], 1);
	assert_int_equal(config->cycle[1], 0);
	assert_true(sv_starts(sv_from(config->store), SV_LIT("sqlite:/")));
	assert_true(
		sv_ends(sv_from(config->store), SV_LIT("/state/conjoin.db")));
	write_base(folder, COMPANY "cycle: { order: [ad, hs] }\n"
				   "provisioning: maybe\n");
	expect_problems(folder_load(folder),
			"conjoin.yaml:5:17: ~agent 'hr' is not in the order: "
			"'conjoin cycle' leaves it out\n"
			"conjoin.yaml:5:22: there is no agent 'hs': did you "
			"mean 'hr'?\n"
			"conjoin.yaml:6:15: 'provisioning' must be true, yes "
			"or on, or false, no or off\n");
}

static void head_of_the_file(void **state)
{
	struct folder *folder = *state;

	folder_write(folder, "conjoin.yaml",
		     "store: mysql://user@host/db\n"
		     "agents: [hr, HR, x.y]\n"
		     "metaverse: { person: { attributes: { a: string } } }\n");
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n"
				"  p: { metaverse: person }\n");
	expect_problems(folder_load(folder),
			"conjoin.yaml:1:1: the version of the format is "
			"missing: begin the file with 'conjoin: 1'\n"
			"conjoin.yaml:1:8: 'store' must be sqlite:PATH, as in "
			"sqlite:state/conjoin.db, or "
			"postgresql://USER@HOST/DATABASE\n"
			"conjoin.yaml:2:14: agent 'HR' is named twice\n"
			"conjoin.yaml:2:18: the name of an agent has letters, "
			"digits, '-' and '_' only\n");
	folder_write(folder, "conjoin.yaml",
		     "conjoin: 2\n"
		     "store: oracle\n");
	expect_problems(folder_load(folder),
			"agents/hr.yaml:1:1: ~this file is not used: 'agents' "
			"in conjoin.yaml does not name it\n"
			"conjoin.yaml:1:1: 'agents' is missing: the agents' "
			"names, best contributor first, as in agents: [hr, "
			"ad]\n"
			"conjoin.yaml:1:1: 'metaverse' is missing: the types "
			"of joined objects and their attributes\n"
			"conjoin.yaml:1:10: this program reads version 1 of "
			"the format only: write 'conjoin: 1'\n"
			"conjoin.yaml:2:8: 'store' must be sqlite:PATH, as in "
			"sqlite:state/conjoin.db, or "
			"postgresql://USER@HOST/DATABASE\n");
}

static void environment(void **state)
{
	struct folder *folder = *state;
	const struct config *config;
	const struct node *connect;

	write_agents(folder);
	write_base(folder, COMPANY "environment: test\n");
	expect_problems(folder_load(folder),
			"conjoin.yaml:5:14: environment 'test': the file "
			"conjoin.test.yaml is missing\n");
	folder_write(
		folder, "conjoin.test.yaml",
		"store: sqlite:/tmp/other.db\n"
		"parameters: { Company: Test }\n"
		"connect:\n"
		"  hr: { path: test.csv, delta: { path: d, change: c } }\n");
	config = folder_load(folder);
	expect_problems(config, "");
	assert_string_equal(config->environment, "test");
	assert_string_equal(config->store, "sqlite:/tmp/other.db");
	connect = config->agents[0].connect;
	assert_true(sv_eq_str(node_get(connect, "path")->text, "test.csv"));
	assert_true(sv_eq_str(node_get(connect, "anchor")->text, "id"));
	assert_non_null(node_get(connect, "delta"));
	folder_write(folder, "conjoin.test.yaml",
		     "agents: [x]\n"
		     "connect: { hx: { path: x }, hr: { paht: y } }\n");
	expect_problems(folder_load(folder),
			"conjoin.test.yaml:1:1: unknown key 'agents'\n"
			"conjoin.test.yaml:2:12: there is no agent 'hx'\n"
			"conjoin.test.yaml:2:35: unknown key 'paht': did you "
			"mean 'path'?\n");
}

static void history(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	write_agents(folder);
	write_base(folder, COMPANY);
	assert_true(folder_load(folder)->keep_runs == 0);
	write_base(folder, COMPANY "history: { runs: 2 days }\n");
	config = folder_load(folder);
	expect_problems(config, "");
	assert_true(config->keep_runs == 2 * CLOCK_DAY);
	write_base(folder, COMPANY "history: { runs: forever }\n");
	expect_problems(folder_load(folder), "");
	assert_true(folder_load(folder)->keep_runs == 0);
	write_base(folder, COMPANY "history: { runs: soon, runz: 1 }\n");
	expect_problems(folder_load(folder),
			"conjoin.yaml:5:18: 'runs' is how long they are kept: "
			"forever, or a time such as 90 days\n"
			"conjoin.yaml:5:24: unknown key 'runz': did you mean "
			"'runs'?\n");
}

static void history_of_changes(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	write_agents(folder);
	write_base(folder, COMPANY);
	config = folder_load(folder);
	assert_true(config->keep_changes == 90 * CLOCK_DAY);
	assert_true(config->mv_types[0].keep_changes == 90 * CLOCK_DAY);
	folder_write(folder, "conjoin.yaml",
		     "conjoin: 1\nagents: [hr, ad]\n" COMPANY
		     "history: { runs: forever, changes: 2 days }\n" METAVERSE
		     "    history: 1 day\n");
	config = folder_load(folder);
	assert_true(config->keep_changes == 2 * CLOCK_DAY);
	assert_true(config->mv_types[0].keep_changes == 2 * CLOCK_DAY);
	assert_true(config->mv_types[1].keep_changes == CLOCK_DAY);
	write_base(folder, COMPANY "history: { changes: forever }\n");
	assert_true(folder_load(folder)->keep_changes == 0);
	write_base(folder, COMPANY "history: { changes: 0 days }\n");
	expect_problems(folder_load(folder),
			"conjoin.yaml:5:21: 'changes' is how long they are "
			"kept: forever, or a time such as 90 days\n");
}

static void parameters(void **state)
{
	struct folder *folder = *state;
	struct config_override over[] = {
		{ SV_LIT("Company"), SV_LIT("Fabrikam") },
		{ SV_LIT("Compny"), SV_LIT("x") },
	};

	write_agents(folder);
	write_base(folder, "");
	expect_problems(folder_load(folder),
			"agents/hr.yaml:8:21: no parameter "
			"'Company'; parameters stand in conjoin.yaml\n");
	write_base(folder, COMPANY);
	folder->options.overrides = over;
	folder->options.override_count = 2;
	expect_problems(folder_load(folder),
			"--set:1:1: conjoin.yaml has no parameter 'Compny': "
			"did you mean 'Company'?\n");
	write_base(folder, "parameters: { Company: [a, b], Run.Time: x, a b: "
			   "c, L: { x: y } }\n");
	folder->options.override_count = 1;
	expect_problems(folder_load(folder),
			"conjoin.yaml:4:32: parameter 'Run.Time' is built in; "
			"take another name\n"
			"conjoin.yaml:4:45: the name of a parameter has "
			"letters, digits, '-', '_' and '.' only\n"
			"conjoin.yaml:4:56: a parameter is a text or a list "
			"of texts\n");
}

static void hash_is_of_content(void **state)
{
	struct folder *folder = *state;
	struct config_override over = { SV_LIT("Company"), SV_LIT("Other") };
	struct hash128 first;

	write_agents(folder);
	write_base(folder, COMPANY);
	first = folder_load(folder)->hash;
	write_base(folder, "# a comment\n"
			   "parameters:\n"
			   "  Company:   'Contoso'   # the same\n");
	assert_true(hash128_eq(first, folder_load(folder)->hash));
	folder->options.overrides = &over;
	folder->options.override_count = 1;
	assert_false(hash128_eq(first, folder_load(folder)->hash));
	folder->options.override_count = 0;
	folder_write(folder, "tables/city.csv", "code,name\nB,Berlin\n");
	assert_false(hash128_eq(first, folder_load(folder)->hash));
	(void)remove("tables");
	write_base(folder, "parameters: { Company: Contoso2 }\n");
	assert_false(hash128_eq(first, folder_load(folder)->hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demo),
		cmocka_unit_test(two_forests),
		cmocka_unit_test_setup_teardown(no_folder, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(five_mistakes, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(broken_file_hides_nothing,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(general_keys, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(head_of_the_file, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(environment, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(history_of_changes,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(history, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(parameters, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(hash_is_of_content,
						folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
