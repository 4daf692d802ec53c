/*
 * folder.h - for tests: a configuration folder made of texts, connectors that
 * do nothing, and the problems as one text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_CONFIG_FOLDER_H
#define TESTS_UNIT_CONFIG_FOLDER_H

#include "base/file.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* --- connectors -------------------------------------------------------- */

static const struct setting_def delta_settings[] = {
	{ "path", SETTING_PATH, true, NULL, NULL, NULL, "the changes" },
	{ "change", SETTING_TEXT, true, NULL, NULL, NULL, "the column" },
	{ 0 },
};

static const struct setting_def csv_settings[] = {
	{ "path", SETTING_PATH, true, NULL, NULL, NULL, "the file" },
	{ "anchor", SETTING_TEXT, true, NULL, NULL, NULL, "the key column" },
	{ "delta", SETTING_GROUP, false, NULL, NULL, delta_settings,
	  "changes" },
	{ "export", SETTING_SWITCH, false, "false", NULL, NULL, "written to" },
	{ 0 },
};

static inline uint32_t csv_caps_of(const struct connector_ops *ops,
				   const struct node *connect)
{
	uint32_t caps = CONNECTOR_CAP_IMPORT;

	(void)ops;
	if (setting_switch(connect, csv_settings, "export"))
		caps |= CONNECTOR_CAP_EXPORT;
	return caps;
}

static const struct connector_ops csv_ops = {
	.abi = CONNECTOR_ABI,
	.name = "csv",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_EXPORT,
	.settings = csv_settings,
	.caps_of = csv_caps_of,
};

static const struct setting_def ldif_settings[] = {
	{ "path", SETTING_PATH, true, NULL, NULL, NULL, "the file" },
	{ "changes", SETTING_PATH, false, NULL, NULL, NULL, "changes" },
	{ "anchor", SETTING_TEXT, true, NULL, NULL, NULL, "the key" },
	{ 0 },
};

static const struct connector_ops ldif_ops = {
	.abi = CONNECTOR_ABI,
	.name = "ldif",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN |
		CONNECTOR_CAP_RENAME,
	.settings = ldif_settings,
};

static const struct setting_def partition_settings[] = {
	{ "base", SETTING_TEXT, true, NULL, NULL, NULL, "the top" },
	{ "include", SETTING_NAMES, false, NULL, NULL, NULL, "what" },
	{ "exclude", SETTING_NAMES, false, NULL, NULL, NULL, "what not" },
	{ 0 },
};

static const struct setting_def ad_settings[] = {
	{ "servers", SETTING_NAMES, true, NULL, NULL, NULL, "where" },
	{ "bind_dn", SETTING_TEXT, true, NULL, NULL, NULL, "who" },
	{ "password", SETTING_SECRET, true, NULL, NULL, NULL, "secret" },
	{ "security", SETTING_CHOICE, false, "tls", "tls|starttls|none", NULL,
	  "how" },
	{ "partitions", SETTING_GROUPS, true, NULL, NULL, partition_settings,
	  "what" },
	{ 0 },
};

static const struct attr_def ad_attrs[] = {
	{ .name = "msExchHideFromAddressLists", .type = VALUE_BOOLEAN },
	{ .name = "msExchRecipientTypeDetails", .type = VALUE_INTEGER },
	{ .name = "userAccountControl", .type = VALUE_INTEGER },
	{ .name = "adminCount", .type = VALUE_INTEGER },
	{ .name = "objectGUID", .type = VALUE_BINARY },
	{ .name = "proxyAddresses", .type = VALUE_STRING, .multi = true },
	{ .name = "member", .type = VALUE_REFERENCE, .multi = true },
	{ .name = "manager", .type = VALUE_REFERENCE },
	{ .name = "cn", .type = VALUE_STRING },
	{ .name = NULL },
};

static inline void ad_bases(const struct node *connect, struct arena *arena,
			    struct sv **out, size_t *count_out)
{
	const struct node *list = node_get(connect, "partitions");
	size_t i;

	*count_out = list ? list->len : 0;
	*out = arena_array(arena, *count_out, sizeof(**out));
	for (i = 0; i < *count_out; i++)
		(*out)[i] = node_get(list->items[i], "base")->text;
}

static inline void ad_check(const struct connector_ops *ops,
			    const struct connector_config *config,
			    setting_report_fn report, void *data)
{
	const struct node *dn = node_get(config->connect, "bind_dn");

	(void)ops;
	if (config->type_count == 0 || sv_eq_str(dn->text, "wrong"))
		report(data, dn, "nobody of that name");
}

static const struct connector_rule ad_disabling[] = {
	{ "userAccountControl", "BitOr(Current(\"userAccountControl\"), 2)" },
	{ NULL, NULL },
};

static inline const struct connector_rule *ad_disable(const char *type)
{
	return strcmp(type, "user") ? NULL : ad_disabling;
}

static const struct connector_ops ad_ops = {
	.abi = CONNECTOR_ABI,
	.name = "ad",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_EXPORT |
		CONNECTOR_CAP_DELTA | CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE |
		CONNECTOR_CAP_RENAME,
	.settings = ad_settings,
	.known_attrs = ad_attrs,
	.bases = ad_bases,
	.check = ad_check,
	.disable = ad_disable,
};

static const struct connector_ops *const connectors[] = { &csv_ops, &ldif_ops,
							  &ad_ops, NULL };

/* --- a folder ---------------------------------------------------------- */

struct folder {
	char path[64];
	struct config *config;
	struct config_options options;
};

static inline void folder_write(struct folder *folder, const char *name,
				const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	assert_int_equal(file_make_parent(path, NULL), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline int folder_setup(void **state)
{
	struct folder *folder = mem_zalloc(sizeof(*folder));

	(void)snprintf(folder->path, sizeof(folder->path),
		       "/tmp/conjoin-config-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->options.connectors = connectors;
	*state = folder;
	return 0;
}

static inline int folder_teardown(void **state)
{
	struct folder *folder = *state;
	static const char *const names[] = {
		"conjoin.yaml",    "conjoin.test.yaml",
		"agents/hr.yaml",  "agents/ad.yaml",
		"agents/dir.yaml", "agents/more.yaml",
		"tables/city.csv", "rules/t.lua",
		"rules/a.lua",     "rules/b.lua",
		"rules/c.lua",     "rules/d.lua",
		"rules/notes.txt", "rules",
		"agents",          "tables",
		"state",
	};
	char path[256];
	size_t i;

	config_free(folder->config);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder->path,
			       names[i]);
		(void)remove(path);
	}
	assert_int_equal(rmdir(folder->path), 0);
	mem_free(folder);
	return 0;
}

static inline const struct config *folder_load(struct folder *folder)
{
	struct error err = ERROR_INIT;

	config_free(folder->config);
	folder->config = NULL;
	assert_int_equal(config_load(folder->path, &folder->options,
				     &folder->config, &err),
			 0);
	return folder->config;
}

/* "FILE:LINE:COLUMN: text\n" of each problem, '~' before a warning's text. */
static inline void expect_problems(const struct config *config,
				   const char *expected)
{
	struct strbuf text = STRBUF_INIT(1 << 20);
	size_t i;

	for (i = 0; i < config->problem_count; i++) {
		const struct config_problem *item = &config->problems[i];

		strbuf_addf(&text, "%s:%d:%d: %s%s\n", item->file, item->line,
			    item->column, item->warning ? "~" : "", item->text);
	}
	if (strcmp(strbuf_cstr(&text), expected) != 0)
		(void)fprintf(stderr, "found:\n%s", strbuf_cstr(&text));
	assert_string_equal(strbuf_cstr(&text), expected);
	strbuf_release(&text);
}

#define METAVERSE                                                              \
	"metaverse:\n"                                                         \
	"  person:\n"                                                          \
	"    attributes:\n"                                                    \
	"      employeeID: { type: string, index: true }\n"                    \
	"      displayName: string\n"                                          \
	"      mail: { type: string, index: true }\n"                          \
	"      proxyAddresses: [string]\n"                                     \
	"      manager: reference\n"                                           \
	"      badge: integer\n"                                               \
	"      active: boolean\n"                                              \
	"      endDate: datetime\n"                                            \
	"    keys: { mailLocal: 'Word([mail], 1, \"@\")' }\n"                  \
	"  group:\n"                                                           \
	"    attributes: { displayName: string, member: [reference] }\n"

#define AD_CONNECT                                                             \
	"type: ad\n"                                                           \
	"connect:\n"                                                           \
	"  servers: ldaps://dc.corp.test\n"                                    \
	"  bind_dn: cn=conjoin\n"                                              \
	"  password: secret:ad\n"                                              \
	"  partitions: [ { base: 'OU=Staff,DC=corp,DC=test' } ]\n"

#define HR_CONNECT                                                             \
	"type: csv\n"                                                          \
	"connect: { path: data/hr.csv, anchor: id }\n"

/* conjoin.yaml with agents hr and ad; `more` stands before the metaverse,
 * which begins on line 4 when `more` is empty. */
static inline void write_base(struct folder *folder, const char *more)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		       "conjoin: 1\n"
		       "store: sqlite:state/conjoin.db\n"
		       "agents: [hr, ad]\n"
		       "%s" METAVERSE,
		       more);
	folder_write(folder, "conjoin.yaml", text);
}

#endif
