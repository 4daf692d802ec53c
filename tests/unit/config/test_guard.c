/*
 * test_guard.c - guards of all agents, of one, of a step; run profiles
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

/* `all` stands in conjoin.yaml from line 4, `ad` in ad.yaml from line 12. */
static const struct config *load(struct folder *folder, const char *all,
				 const char *ad)
{
	char text[4096];

	write_base(folder, all);
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n"
				"  person: { metaverse: person }\n");
	(void)snprintf(text, sizeof(text),
		       AD_CONNECT "objects:\n"
				  "  user: { metaverse: person }\n"
				  "  group: { metaverse: group }\n"
				  "  o: { metaverse: group, scope: "
				  "'[adminCount] = 2' }\n"
				  "%s",
		       ad);
	folder_write(folder, "agents/ad.yaml", text);
	return folder_load(folder);
}

static void defaults(void **state)
{
	const struct config *config = load(*state, "", "");
	const struct config_agent *hr = &config->agents[0];

	expect_problems(config, "");
	assert_true(hr->import_guards.deletions.set);
	assert_true(hr->import_guards.deletions.percent);
	assert_int_equal(hr->import_guards.deletions.value, 2000);
	assert_int_equal(hr->import_guards.above, 20);
	assert_int_equal(hr->import_guards.errors, 1000);
	assert_true(hr->import_guards.empty_stop);
	assert_false(hr->import_guards.keep_all);
	assert_false(hr->import_guards.changes.set);
	assert_int_equal(hr->export_guards.deletions.value, 2000);
	assert_int_equal(hr->export_guards.above, 20);
}

static void of_all_and_of_one(void **state)
{
	const struct config *config =
		load(*state,
		     "guards:\n"
		     "  import: { deletions: 12.5%, errors: 5, empty: allow, "
		     "discovery_errors: keep-all }\n"
		     "  export: { deletions: off, changes: 50 }\n",
		     "guards:\n"
		     "  export:\n"
		     "    deletions: 100\n"
		     "    types: { group: { deletions: 5 } }\n"
		     "    subtrees:\n"
		     "      'OU=Executives,OU=Staff': { deletions: 0 }\n"
		     "      'OU=Board': { deletions: 1% }\n"
		     "    never: [ '[adminCount] = 1', 'InContainer([dn], "
		     "\"CN=Users,DC=corp,DC=test\")' ]\n");
	const struct config_guards *hr = &config->agents[0].export_guards;
	const struct config_guards *ad = &config->agents[1].export_guards;

	expect_problems(config, "");
	assert_int_equal(config->agents[0].import_guards.deletions.value, 1250);
	assert_int_equal(config->agents[1].import_guards.errors, 5);
	assert_false(config->agents[1].import_guards.empty_stop);
	assert_true(config->agents[1].import_guards.keep_all);
	assert_false(hr->deletions.set);
	assert_int_equal(hr->changes.value, 50);
	assert_true(ad->deletions.set);
	assert_false(ad->deletions.percent);
	assert_int_equal(ad->deletions.value, 100);
	assert_int_equal(ad->changes.value, 50);
	assert_int_equal(ad->type_count, 1);
	assert_int_equal(ad->types[0].type, 1);
	assert_int_equal(ad->types[0].deletions.value, 5);
	assert_int_equal(ad->subtree_count, 2);
	assert_string_equal(ad->subtrees[0].container,
			    "OU=Executives,OU=Staff,DC=corp,DC=test");
	assert_true(ad->subtrees[0].deletions.set);
	assert_int_equal(ad->subtrees[0].deletions.value, 0);
	assert_string_equal(ad->subtrees[1].container,
			    "OU=Board,OU=Staff,DC=corp,DC=test");
	assert_int_equal(ad->never_count, 2);
	assert_int_equal(config->agents[1].types[0].attr_count, 0);
	assert_int_equal(config->agents[1].types[2].attr_count, 1);
}

static void bad_guards(void **state)
{
	expect_problems(
		load(*state,
		     "guards:\n"
		     "  import: { deletions: 120%, errors: many, empty: no }\n"
		     "  export: { empty: stop, never: [ '[a]' ] }\n"
		     "  plan: { deletions: 5%, changes: x, above: 3 }\n"
		     "  sync: {}\n",
		     "guards:\n"
		     "  export:\n"
		     "    deletions: -1\n"
		     "    above: x\n"
		     "    types: { grop: { deletions: 5 } }\n"
		     "    subtrees: { 'Executives': { deletion: 0 } }\n"
		     "    never: '[adminCount]'\n"),
		"agents/ad.yaml:13:16: 'deletions' must be a count, a "
		"percentage such as 20%, or off\n"
		"agents/ad.yaml:14:12: 'above' must be a number\n"
		"agents/ad.yaml:15:14: agent 'ad' has no objects of type "
		"'grop': did you mean 'group'?\n"
		"agents/ad.yaml:16:17: 'Executives' is not a DN\n"
		"agents/ad.yaml:16:33: unknown key 'deletion': did you mean "
		"'deletions'?\n"
		"agents/ad.yaml:17:12: a condition is true or false, this is "
		"of type integer: compare it with something, or write "
		"CBool(...)\n"
		"conjoin.yaml:5:24: 'deletions' must be a count, a percentage "
		"such as 20%, or off\n"
		"conjoin.yaml:5:38: 'errors' must be a number\n"
		"conjoin.yaml:5:51: 'empty' must be stop or allow\n"
		"conjoin.yaml:6:13: unknown key 'empty'\n"
		"conjoin.yaml:6:26: unknown key 'never'\n"
		"conjoin.yaml:7:22: 'deletions' of a plan must be a count or "
		"off\n"
		"conjoin.yaml:7:35: 'changes' of a plan must be a count or "
		"off\n"
		"conjoin.yaml:7:38: unknown key 'above'\n"
		"conjoin.yaml:8:3: unknown key 'sync'\n");
}

static void plans(void **state)
{
	const struct config *config = load(*state, "", "");

	assert_false(config->plan_guard.deletions.set);
	assert_false(config->plan_guard.changes.set);
	config = load(*state,
		      "guards: { plan: { deletions: 0, changes: 500 } }\n", "");
	assert_true(config->plan_guard.deletions.set);
	assert_int_equal(config->plan_guard.deletions.value, 0);
	assert_int_equal(config->plan_guard.changes.value, 500);
}

static void built_in_profiles(void **state)
{
	const struct config *config = load(*state, "", "");
	const struct config_agent *hr = &config->agents[0];
	struct config_profile profile;

	assert_int_equal(config_profile_find(hr,
					     SV_LIT("full-import-delta-sync"),
					     &profile),
			 1);
	assert_int_equal(profile.step_count, 2);
	assert_int_equal(profile.steps[0].kind, STEP_FULL_IMPORT);
	assert_int_equal(profile.steps[1].kind, STEP_DELTA_SYNC);
	assert_null(profile.steps[0].guards);
	assert_int_equal(config_profile_find(hr, SV_LIT("export"), &profile),
			 1);
	assert_int_equal(profile.steps[0].kind, STEP_EXPORT);
	assert_int_equal(config_profile_find(hr, SV_LIT("nightly"), &profile),
			 0);
}

static void profiles(void **state)
{
	const struct config *config = load(
		*state, "",
		"run_profiles:\n"
		"  nightly: [delta-import, delta-sync, { export: { guards: { "
		"deletions: 50 } } }, delta-import]\n"
		"  first: full-import-full-sync\n"
		"guards: { export: { changes: 7 } }\n");
	struct config_profile profile;

	expect_problems(config, "");
	assert_int_equal(config_profile_find(&config->agents[1],
					     SV_LIT("nightly"), &profile),
			 1);
	assert_int_equal(profile.step_count, 4);
	assert_int_equal(profile.steps[2].kind, STEP_EXPORT);
	assert_int_equal(profile.steps[2].guards->deletions.value, 50);
	assert_false(profile.steps[2].guards->deletions.percent);
	assert_int_equal(profile.steps[2].guards->changes.value, 7);
	assert_null(profile.steps[3].guards);
	assert_int_equal(config_profile_find(&config->agents[1],
					     SV_LIT("first"), &profile),
			 1);
	assert_int_equal(profile.step_count, 2);
}

static void bad_profiles(void **state)
{
	expect_problems(
		load(*state, "",
		     "run_profiles:\n"
		     "  export: [export]\n"
		     "  a b: [export]\n"
		     "  a: [exprt]\n"
		     "  b: [ { full-sync: { guards: { deletions: 1 } } } ]\n"
		     "  c: [ { export: { guard: {} } } ]\n"
		     "  d: [ { full-import-full-sync: { guards: { deletions: "
		     "1 } } } ]\n"
		     "  e: []\n"
		     "  f: [ { export: {}, full-sync: {} } ]\n"),
		"agents/ad.yaml:12:3: profile 'export' is built in; take "
		"another name\n"
		"agents/ad.yaml:13:3: 'a b': the name of a profile has "
		"letters, digits, '-' and '_' only\n"
		"agents/ad.yaml:14:7: there is no step 'exprt'; the steps are "
		"full-import, delta-import, full-sync, delta-sync and export: "
		"did you mean 'export'?\n"
		"agents/ad.yaml:15:31: a sync step has no guards\n"
		"agents/ad.yaml:16:20: unknown key 'guard': did you mean "
		"'guards'?\n"
		"agents/ad.yaml:17:43: guards belong to one step: write the "
		"steps of 'full-import-full-sync' singly\n"
		"agents/ad.yaml:18:3: this profile has no steps\n"
		"agents/ad.yaml:19:8: a step is a name or { STEP: { guards: "
		"... } }\n");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults),     TEST(of_all_and_of_one), TEST(plans),
		TEST(bad_guards),   TEST(built_in_profiles), TEST(profiles),
		TEST(bad_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
