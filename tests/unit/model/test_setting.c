/*
 * test_setting.c - settings: what is checked, what is said, what is read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "model/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct strbuf said;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	strbuf_release(&said);
	return 0;
}

/* ---- nodes: text("x"), list(...), map("key", node, ..., NULL) ---- */

static struct node *node_new(enum node_kind kind)
{
	struct node *node = arena_zalloc(&arena, sizeof(*node));

	node->kind = kind;
	node->file = "a.yaml";
	node->items = arena_array(&arena, 16, sizeof(*node->items));
	node->keys = arena_array(&arena, 16, sizeof(*node->keys));
	return node;
}

static struct node *text(const char *s)
{
	struct node *node = node_new(NODE_SCALAR);

	node->text = sv_from(s);
	return node;
}

static struct node *list(struct node *first, ...)
{
	struct node *node = node_new(NODE_LIST);
	va_list args;

	va_start(args, first);
	for (; first; first = va_arg(args, struct node *))
		node->items[node->len++] = first;
	va_end(args);
	return node;
}

static struct node *map(const char *key, ...)
{
	struct node *node = node_new(NODE_MAP);
	va_list args;

	va_start(args, key);
	for (; key; key = va_arg(args, const char *)) {
		node->keys[node->len] = text(key);
		node->items[node->len++] = va_arg(args, struct node *);
	}
	va_end(args);
	return node;
}

static void report(void *data, const struct node *at, const char *message)
{
	assert_ptr_equal(data, &said);
	assert_non_null(at);
	strbuf_addf(&said, "%s\n", message);
}

static void expect(const struct node *node, const struct setting_def *defs,
		   const char *problems)
{
	size_t count = 0;
	const char *p;

	strbuf_release(&said);
	said.max = 10000;
	for (p = problems; *p; p++)
		count += *p == '\n';
	assert_int_equal(setting_check(node, defs, report, &said), count);
	assert_string_equal(strbuf_cstr(&said), problems);
}

static const struct setting_def inner[] = {
	{ "path", SETTING_PATH, true, NULL, NULL, NULL, "the file" },
	{ "change", SETTING_TEXT, false, "op", NULL, NULL, "the column" },
	{ 0 },
};

static const struct setting_def defs[] = {
	{ "server", SETTING_TEXT, true, NULL, NULL, NULL, "where it is" },
	{ "port", SETTING_NUMBER, false, "389", NULL, NULL, "its port" },
	{ "tree", SETTING_SWITCH, false, "true", NULL, NULL, "has parents" },
	{ "wait", SETTING_DURATION, false, NULL, NULL, NULL, "how long" },
	{ "security", SETTING_CHOICE, false, "tls", "tls|starttls|none", NULL,
	  "how" },
	{ "password", SETTING_SECRET, false, NULL, NULL, NULL, "secret" },
	{ "bases", SETTING_NAMES, false, NULL, NULL, NULL, "what" },
	{ "delta", SETTING_GROUP, false, NULL, NULL, inner, "changes" },
	{ "parts", SETTING_GROUPS, false, NULL, NULL, inner, "parts" },
	{ "types", SETTING_NAMED, false, NULL, NULL, inner, "types" },
	{ 0 },
};

static void nothing_wrong(void **state)
{
	(void)state;
	expect(map("server", text("a"), NULL), defs, "");
	expect(map("server", text("a"), "port", text("-1"), "tree", text("No"),
		   "wait", text("30 days"), "security", text("none"),
		   "password", text("env:PW"), "bases",
		   list(text("a"), text("b"), NULL), "delta",
		   map("path", text("x"), NULL), "parts",
		   list(map("path", text("x"), NULL), NULL), "types",
		   map("person", map("path", text("x"), NULL), NULL), NULL),
	       defs, "");
	expect(map("server", text("a"), "bases", text("only one"), NULL), defs,
	       "");
}

static void keys(void **state)
{
	(void)state;
	expect(map(NULL), defs, "'server' is missing: where it is\n");
	expect(map("sever", text("a"), NULL), defs,
	       "unknown key 'sever': did you mean 'server'?\n"
	       "'server' is missing: where it is\n");
	expect(map("server", text("a"), "xyzzy_frotz", text("1"), NULL), defs,
	       "unknown key 'xyzzy_frotz'\n");
	/* the case of keys counts, and is what the suggestion is for */
	expect(map("Server", text("a"), NULL), defs,
	       "unknown key 'Server': did you mean 'server'?\n"
	       "'server' is missing: where it is\n");
	expect(text("a"), defs, "a map of settings is expected here\n");
	expect(list(text("a"), NULL), defs,
	       "a map of settings is expected here\n");
}

static void wrong_values(void **state)
{
	struct node *a = text("a");

	(void)state;
	expect(map("server", list(a, NULL), NULL), defs,
	       "'server' must be one value\n");
	expect(map("server", a, "port", text("many"), "tree", text("maybe"),
		   "wait", text("30"), "security", text("TLS"), NULL),
	       defs,
	       "'port' must be a number\n"
	       "'tree' must be true or false\n"
	       "'wait' must be a number and seconds, minutes, hours, days or "
	       "weeks\n"
	       "'security' must be one of tls|starttls|none\n");
	expect(map("server", a, "password", text("swordfish"), NULL), defs,
	       "'password' must be secret:NAME, env:NAME or file:PATH; a "
	       "secret never stands in the file\n");
	expect(map("server", a, "bases", map("a", a, NULL), NULL), defs,
	       "'bases' must be a list of names\n");
	expect(map("server", a, "bases", list(a, list(a, NULL), NULL), NULL),
	       defs, "'bases' must be a list of names\n");
	expect(map("server", a, "delta", a, "parts", map("path", a, NULL),
		   "types", list(a, NULL), NULL),
	       defs,
	       "a map of settings is expected here\n"
	       "'parts' must be a list\n"
	       "'types' must be a map\n");
	expect(map("server", a, "delta", map("chnage", a, NULL), NULL), defs,
	       "unknown key 'chnage': did you mean 'change'?\n"
	       "'path' is missing: the file\n");
}

static void long_keys_fit(void **state)
{
	char name[3000];
	struct node *node;

	(void)state;
	memset(name, 'k', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	node = map("server", text("a"), name, text("1"), NULL);
	strbuf_release(&said);
	said.max = 10000;
	assert_int_equal(setting_check(node, defs, report, &said), 1);
	assert_true(said.len < 400);
}

static void reading(void **state)
{
	struct node *node = map("server", text("a"), "port", text("636"),
				"tree", text("off"), NULL);
	struct node *bare = map("server", list(text("a"), NULL), NULL);

	(void)state;
	assert_true(sv_eq_str(setting_text(node, defs, "server"), "a"));
	assert_true(setting_number(node, defs, "port") == 636);
	assert_false(setting_switch(node, defs, "tree"));
	/* defaults, also where nothing is */
	assert_true(setting_number(bare, defs, "port") == 389);
	assert_true(setting_switch(NULL, defs, "tree"));
	assert_null(setting_text(bare, defs, "server").ptr);
	assert_null(setting_text(NULL, defs, "wait").ptr);
	assert_true(setting_number(NULL, defs, "wait") == 0);
	assert_ptr_equal(node_get(node, "port"), node->items[1]);
	assert_null(node_get(node, "PORT"));
	assert_null(node_get(NULL, "port"));
	assert_null(node_get(text("port"), "port"));
}

static void switches(void **state)
{
	bool on;

	(void)state;
	assert_int_equal(setting_parse_switch(SV_LIT("YES"), &on), 1);
	assert_true(on);
	assert_int_equal(setting_parse_switch(SV_LIT("false"), &on), 1);
	assert_false(on);
	assert_int_equal(setting_parse_switch(SV_LIT("1"), &on), 0);
	assert_int_equal(setting_parse_switch(SV_NULL, &on), 0);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
		{ "1 minute", 60 },     { "90 minutes", 5400 },
		{ "2 hours", 7200 },    { "30 days", 2592000 },
		{ "2 weeks", 1209600 }, { " 1  day ", 86400 },
		{ "0 days", 0 },        { "3 Days", 259200 },
		{ "3 DAYS", 259200 },
	};
	static const char *const bad[] = {
		"",
		"30",
		"days",
		"30days",
		"-1 days",
		"1.5 days",
		"1 month",
		"1 s",
		"1 dayss",
		"x days",
		"99999999999 weeks",
	};
	int64_t time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(
			setting_parse_duration(sv_from(good[i].text), &time),
			1);
		assert_true(time == good[i].seconds * CLOCK_SECOND);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (setting_parse_duration(sv_from(bad[i]), &time))
			fail_msg("read '%s'", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wrong),
		cmocka_unit_test(keys),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(long_keys_fit),
		cmocka_unit_test(reading),
		cmocka_unit_test(switches),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
