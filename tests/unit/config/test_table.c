/*
 * test_table.c - tables/NAME.csv for Lookup()
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

static const struct config *load(struct folder *folder, const char *table,
				 const char *rule)
{
	char text[1024];

	write_base(folder, "");
	folder_write(folder, "tables/city.csv", table);
	(void)snprintf(text, sizeof(text),
		       HR_CONNECT "objects:\n"
				  "  person:\n"
				  "    metaverse: person\n"
				  "    import: { mail: '%s' }\n",
		       rule);
	folder_write(folder, "agents/hr.yaml", text);
	folder_write(folder, "agents/ad.yaml",
		     AD_CONNECT "objects: { user: { metaverse: person } }\n");
	return folder_load(folder);
}

static void expect_cell(const struct config *config, const char *key,
			const char *column, const char *value)
{
	struct sv out = SV_NULL;

	assert_int_equal(config_lookup(config, SV_LIT("city"), sv_from(key),
				       sv_from(column), &out),
			 1);
	assert_true(sv_eq_str(out, value));
}

static void cells(void **state)
{
	const struct config *config =
		load(*state,
		     "\xef\xbb\xbf"
		     "code,Name,note\r\n"
		     "B,Berlin,\"a \"\"b\"\", c\"\r\n"
		     "\r\n"
		     "\xc3\x84,\"two\nlines\",\n"
		     "R,Roma,last",
		     "Lookup(\"city\", [code], \"name\")");
	struct sv out;

	expect_problems(config, "");
	expect_cell(config, "b", "NAME", "Berlin");
	expect_cell(config, "B", "note", "a \"b\", c");
	expect_cell(config, "\xc3\xa4", "name", "two\nlines");
	expect_cell(config, "\xc3\xa4", "note", "");
	expect_cell(config, "R", "note", "last");
	assert_int_equal(config_lookup(config, SV_LIT("city"), SV_LIT("X"),
				       SV_LIT("name"), &out),
			 0);
	assert_int_equal(config_lookup(config, SV_LIT("town"), SV_LIT("B"),
				       SV_LIT("name"), &out),
			 0);
	assert_int_equal(config_lookup(config, SV_LIT("city"), SV_LIT("B"),
				       SV_LIT("size"), &out),
			 0);
}

static void bad_tables(void **state)
{
	const struct config *config = load(
		*state, "code,name,CODE\nB,Berlin\nB,x,y\nb,z,z\n\"q\"q,1,1\n",
		"[a]");

	expect_problems(config,
			"tables/city.csv:1:1: two columns have the same name\n"
			"tables/city.csv:2:1: this line has not as many fields "
			"as the first\n"
			"tables/city.csv:4:1: ~this key stands in the table "
			"before; that row counts\n"
			"tables/city.csv:5:1: text stands behind a closing "
			"quote\n");
	expect_cell(config, "b", "name", "x");
	expect_problems(load(*state, "a,b\n\"x,1\n", "[a]"),
			"tables/city.csv:3:1: a quoted field has no closing "
			"quote\n");
	expect_problems(load(*state, "a\xff\n", "[a]"),
			"tables/city.csv:1:1: not UTF-8: save the file in this "
			"encoding\n");
	expect_problems(load(*state, "", "[a]"), "");
	config = load(*state, "code,name\n", "Lookup(\"city\", [a], \"nam\")");
	assert_int_equal(config->error_count, 1);
	assert_int_equal(config->problems[0].column, 42);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cells),
		TEST(bad_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
