/*
 * test_script.c - rules/ *.lua and { lua: f }: what is read, what is wrong and
 * where
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

#define LUA                                                                    \
	"function f(a) return a end\n"                                         \
	"function pick(o, all) return 1 end\n"

static const struct config *load(struct folder *folder, const char *hr,
				 const char *ad, const char *lua)
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
	folder_write(folder, "rules/t.lua", lua);
	return folder_load(folder);
}

static void everywhere(void **state)
{
	const struct config *config = load(
		*state,
		"    scope: { lua: f }\n"
		"    filter: [ { lua: f, reads: [a, b] }, '[c] = \"x\"' ]\n"
		"    join:\n"
		"      - { employeeID: { lua: f }, when: { lua: f } }\n"
		"    resolve: { lua: pick, reads: d }\n"
		"    project: { lua: f }\n"
		"    import:\n"
		"      mail: { lua: f, when: { lua: f, reads: e } }\n"
		"      displayName: [ { lua: f }, 'f([g])' ]\n",
		"    provision:\n"
		"      when: { lua: f, reads: [mail] }\n"
		"      dn: { lua: f }\n"
		"      unique: { sAMAccountName: [ { lua: f } ] }\n"
		"      initial: { cn: { lua: f } }\n"
		"    export: { mail: { lua: f, when_null: keep } }\n"
		"    deprovision: { lua: f }\n",
		LUA);
	const struct config_rule_set *hr = &config->agents[0].rule_sets[0];
	const struct config_rule_set *ad = &config->agents[1].rule_sets[0];
	size_t index;

	expect_problems(config, "");
	assert_string_equal(expr_source(hr->scope).ptr,
			    "lua: f (rules/t.lua:1)");
	assert_int_equal(hr->filter_count, 2);
	assert_int_equal(hr->join_count, 1);
	assert_string_equal(hr->resolve_lua.fn->name, "pick");
	assert_null(hr->resolve);
	assert_int_equal(hr->project, PROJECT_RULE);
	assert_int_equal(hr->import_count, 3);
	assert_int_equal(ad->deprovision, DEPROVISION_RULE);
	assert_true(expr_uses_extern(ad->provision.dn));
	/* what functions read is imported */
	assert_int_equal(object_type_attr(&config->agents[0].types[0],
					  SV_LIT("b"), &index),
			 1);
	assert_int_equal(object_type_attr(&config->agents[0].types[0],
					  SV_LIT("e"), &index),
			 1);
}

static void problems(void **state)
{
	expect_problems(
		load(*state,
		     "    filter: [ { lua: g }, { lua: f, red: a } ]\n"
		     "    join: [ { lua: f } ]\n"
		     "    ambiguous: { lua: f }\n"
		     "    resolve: { lua: pik }\n"
		     "    import:\n"
		     "      mail: { lua: f, from: a }\n"
		     "      displayName: { from: a, reads: b }\n"
		     "      manager: 'f([a], [b])'\n"
		     "      badge: { lua: }\n"
		     "      active: 'pik([a])'\n",
		     "    provision:\n"
		     "      when: { lua: f, reads: [mial] }\n"
		     "      dn: { lua: [f] }\n",
		     LUA),
		"agents/ad.yaml:11:31: no attribute 'mial': did you mean "
		"'mail'?\n"
		"agents/ad.yaml:12:18: 'lua' must be one value\n"
		"agents/hr.yaml:6:22: no file of rules/ has a function 'g': "
		"did you mean 'f'?\n"
		"agents/hr.yaml:6:37: unknown key 'red': did you mean "
		"'reads'?\n"
		"agents/hr.yaml:7:15: no Lua function can decide this\n"
		"agents/hr.yaml:8:18: no Lua function can decide this\n"
		"agents/hr.yaml:9:21: no file of rules/ has a function 'pik': "
		"did you mean 'pick'?\n"
		"agents/hr.yaml:11:13: a rule has one of 'from', 'value' and "
		"'lua'\n"
		"agents/hr.yaml:12:38: 'reads' belongs to 'lua', which is "
		"missing\n"
		"agents/hr.yaml:13:17: f takes at most 1 argument, 2 given "
		"(rules/t.lua:1)\n"
		"agents/hr.yaml:14:16: 'lua' names a function of rules/*.lua\n"
		"agents/hr.yaml:15:16: unknown function 'pik'; did you mean "
		"pick\n");
}

static void files(void **state)
{
	struct folder *folder = *state;
	const struct config *config;

	write_base(folder,
		   "lua: { time: 3 days, memory: 2 GB, steps: many }\n");
	folder_write(folder, "agents/hr.yaml",
		     HR_CONNECT "objects:\n  person: { metaverse: person }\n");
	folder_write(folder, "agents/ad.yaml",
		     AD_CONNECT "objects:\n  user: { metaverse: person }\n");
	folder_write(folder, "rules/a.lua",
		     "\nfunction f() end\n"
		     "function Trim() end\n");
	folder_write(folder, "rules/b.lua", "function f() end\n");
	folder_write(folder, "rules/c.lua", "x = 1\nif then\n");
	folder_write(folder, "rules/d.lua", "x = nil + 1\n");
	folder_write(folder, "rules/notes.txt", "not (Lua\n");
	config = folder_load(folder);
	expect_problems(
		config,
		"conjoin.yaml:4:14: 'time' is a number of s or ms, as in 1 s\n"
		"conjoin.yaml:4:43: 'steps' is a number, as in 10000000\n"
		"rules/a.lua:3:1: 'Trim' is a function of the expression "
		"language: give this one another name, or write 'local' before "
		"it\n"
		"rules/b.lua:1:1: the function 'f' is there already "
		"(rules/a.lua:2); give one of them another name\n"
		"rules/c.lua:2:1: unexpected symbol near 'then'\n"
		"rules/d.lua:1:1: attempt to perform arithmetic on a nil "
		"value\n");
}

static void text_of_rules_counts(void **state)
{
	struct folder *folder = *state;
	struct hash128 before = load(folder, "", "", LUA)->hash;
	uint64_t script = load(folder, "", "", LUA)->script_hash;
	const struct config *config;

	config = load(folder, "", "", LUA "-- changed\n");
	assert_memory_not_equal(&before, &config->hash, sizeof(before));
	assert_true(script != config->script_hash);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everywhere),
		TEST(problems),
		TEST(files),
		TEST(text_of_rules_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
