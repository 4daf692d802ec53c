/*
 * setting.c - check configuration values against their definitions, read them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/setting.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>

struct node *node_get(const struct node *map, const char *key)
{
	size_t i;

	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (i = 0; i < map->len; i++)
		if (sv_eq_str(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

int setting_parse_switch(struct sv text, bool *out)
{
	static const char *const yes[] = { "true", "yes", "on" };
	static const char *const no[] = { "false", "no", "off" };
	size_t i;

	for (i = 0; i < 3; i++) {
		if (sv_ieq_str(text, yes[i]) || sv_ieq_str(text, no[i])) {
			*out = sv_ieq_str(text, yes[i]);
			return 1;
		}
	}
	return 0;
}

int setting_parse_duration(struct sv text, int64_t *out)
{
	static const struct {
		const char *word;
		int64_t unit;
	} units[] = {
		{ "second", CLOCK_SECOND },
		{ "minute", 60 * CLOCK_SECOND },
		{ "hour", 3600 * CLOCK_SECOND },
		{ "day", CLOCK_DAY },
		{ "week", 7 * CLOCK_DAY },
	};
	size_t blank;
	struct sv word;
	int64_t n;
	size_t i;

	text = sv_trim(text);
	blank = sv_find(text, ' ', 0);
	if (blank == text.len || !sv_to_i64(sv_sub(text, 0, blank), &n) ||
	    n < 0 || n > 1000000)
		return 0;
	word = sv_trim(sv_sub(text, blank, text.len));
	if (word.len && (word.ptr[word.len - 1] | 32) == 's')
		word.len--;
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (sv_ieq_str(word, units[i].word)) {
			*out = n * units[i].unit;
			return 1;
		}
	}
	return 0;
}

static const struct setting_def *find_def(const struct setting_def *defs,
					  struct sv name)
{
	for (; defs && defs->name; defs++)
		if (sv_eq_str(name, defs->name))
			return defs;
	return NULL;
}

struct check {
	setting_report_fn report;
	void *data;
	size_t problems;
};

static void problem(struct check *check, const struct node *at,
		    const char *message)
{
	check->problems++;
	check->report(check->data, at, message);
}

static bool has_word(const char *words, struct sv word)
{
	struct sv all = sv_from(words);
	size_t from = 0;

	while (from <= all.len) {
		size_t end = sv_find(all, '|', from);

		if (sv_eq(sv_sub(all, from, end), word))
			return true;
		from = end + 1;
	}
	return false;
}

#define MAX_NAMES 64

static void unknown_key(struct check *check, const struct node *key,
			const struct setting_def *defs)
{
	const char *names[MAX_NAMES];
	const char *near;
	char message[256];
	size_t count = 0;

	for (; defs && defs->name && count < MAX_NAMES; defs++)
		names[count++] = defs->name;
	near = sv_nearest(key->text, names, count);
	if (near)
		(void)snprintf(message, sizeof(message),
			       "unknown key '" SV_FMT "': did you mean '%s'?",
			       SV_ARG(key->text), near);
	else
		(void)snprintf(message, sizeof(message),
			       "unknown key '" SV_FMT "'", SV_ARG(key->text));
	problem(check, key, message);
}

static void check_map(struct check *check, const struct node *node,
		      const struct setting_def *defs);

static void check_scalar(struct check *check, const struct node *node,
			 const struct setting_def *def)
{
	char message[256] = "";
	int64_t number;
	bool on;

	if (node->kind != NODE_SCALAR)
		(void)snprintf(message, sizeof(message),
			       "'%s' must be one value", def->name);
	else if (def->type == SETTING_NUMBER && !sv_to_i64(node->text, &number))
		(void)snprintf(message, sizeof(message),
			       "'%s' must be a number", def->name);
	else if (def->type == SETTING_SWITCH &&
		 !setting_parse_switch(node->text, &on))
		(void)snprintf(message, sizeof(message),
			       "'%s' must be true or false", def->name);
	else if (def->type == SETTING_DURATION &&
		 !setting_parse_duration(node->text, &number))
		(void)snprintf(message, sizeof(message),
			       "'%s' must be a number and seconds, minutes, "
			       "hours, days or weeks",
			       def->name);
	else if (def->type == SETTING_CHOICE &&
		 !has_word(def->words, node->text))
		(void)snprintf(message, sizeof(message),
			       "'%s' must be one of %s", def->name, def->words);
	else if (def->type == SETTING_SECRET &&
		 !sv_starts(node->text, SV_LIT("secret:")) &&
		 !sv_starts(node->text, SV_LIT("env:")) &&
		 !sv_starts(node->text, SV_LIT("file:")))
		(void)snprintf(message, sizeof(message),
			       "'%s' must be secret:NAME, env:NAME or "
			       "file:PATH; a secret never stands in the file",
			       def->name);
	if (message[0])
		problem(check, node, message);
}

static void check_names(struct check *check, const struct node *node,
			const struct setting_def *def)
{
	char message[128];
	size_t i;

	if (node->kind == NODE_SCALAR)
		return;
	(void)snprintf(message, sizeof(message), "'%s' must be a list of names",
		       def->name);
	if (node->kind == NODE_MAP) {
		problem(check, node, message);
		return;
	}
	for (i = 0; i < node->len; i++)
		if (node->items[i]->kind != NODE_SCALAR)
			problem(check, node->items[i], message);
}

static void check_texts(struct check *check, const struct node *node,
			const struct setting_def *def)
{
	char message[128];
	size_t i;
	size_t k;

	(void)snprintf(message, sizeof(message), "'%s' must be a map of texts",
		       def->name);
	if (node->kind != NODE_MAP) {
		problem(check, node, message);
		return;
	}
	for (i = 0; i < node->len; i++) {
		const struct node *value = node->items[i];

		if (value->kind == NODE_MAP)
			problem(check, value, message);
		for (k = 0; value->kind == NODE_LIST && k < value->len; k++)
			if (value->items[k]->kind != NODE_SCALAR)
				problem(check, value->items[k], message);
	}
}

static void check_groups(struct check *check, const struct node *node,
			 const struct setting_def *def)
{
	enum node_kind wanted = def->type == SETTING_GROUPS ? NODE_LIST
							    : NODE_MAP;
	char message[128];
	size_t i;

	if (node->kind != wanted) {
		(void)snprintf(message, sizeof(message), "'%s' must be a %s",
			       def->name, wanted == NODE_LIST ? "list" : "map");
		problem(check, node, message);
		return;
	}
	for (i = 0; i < node->len; i++)
		check_map(check, node->items[i], def->group);
}

static void check_value(struct check *check, const struct node *node,
			const struct setting_def *def)
{
	switch (def->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
	case SETTING_NUMBER:
	case SETTING_SWITCH:
	case SETTING_DURATION:
	case SETTING_CHOICE:
		check_scalar(check, node, def);
		return;
	case SETTING_NAMES:
		check_names(check, node, def);
		return;
	case SETTING_TEXTS:
		check_texts(check, node, def);
		return;
	case SETTING_GROUP:
		check_map(check, node, def->group);
		return;
	case SETTING_GROUPS:
	case SETTING_NAMED:
		check_groups(check, node, def);
		return;
	}
}

static void check_map(struct check *check, const struct node *node,
		      const struct setting_def *defs)
{
	const struct setting_def *def;
	char message[128];
	size_t i;

	if (node->kind != NODE_MAP) {
		problem(check, node, "a map of settings is expected here");
		return;
	}
	for (i = 0; i < node->len; i++) {
		def = find_def(defs, node->keys[i]->text);
		if (!def)
			unknown_key(check, node->keys[i], defs);
		else
			check_value(check, node->items[i], def);
	}
	for (def = defs; def && def->name; def++) {
		if (def->required && !node_get(node, def->name)) {
			(void)snprintf(message, sizeof(message),
				       "'%s' is missing: %s", def->name,
				       def->help);
			problem(check, node, message);
		}
	}
}

size_t setting_check(const struct node *node, const struct setting_def *defs,
		     setting_report_fn report, void *data)
{
	struct check check = { report, data, 0 };

	check_map(&check, node, defs);
	return check.problems;
}

struct sv setting_text(const struct node *node, const struct setting_def *defs,
		       const char *name)
{
	const struct setting_def *def = find_def(defs, sv_from(name));
	const struct node *value = node_get(node, name);

	assert(def);
	if (value && value->kind == NODE_SCALAR)
		return value->text;
	return def && def->fallback ? sv_from(def->fallback) : SV_NULL;
}

int64_t setting_number(const struct node *node, const struct setting_def *defs,
		       const char *name)
{
	int64_t number = 0;

	(void)sv_to_i64(setting_text(node, defs, name), &number);
	return number;
}

bool setting_switch(const struct node *node, const struct setting_def *defs,
		    const char *name)
{
	bool on = false;

	(void)setting_parse_switch(setting_text(node, defs, name), &on);
	return on;
}

const char *setting_type_name(enum setting_type type)
{
	switch (type) {
	case SETTING_TEXT:
		return "text";
	case SETTING_PATH:
		return "path";
	case SETTING_SECRET:
		return "secret";
	case SETTING_NUMBER:
		return "number";
	case SETTING_SWITCH:
		return "switch";
	case SETTING_DURATION:
		return "duration";
	case SETTING_CHOICE:
		return "word";
	case SETTING_NAMES:
		return "names";
	case SETTING_TEXTS:
		return "map of texts";
	case SETTING_GROUP:
		return "map";
	case SETTING_GROUPS:
		return "list of maps";
	case SETTING_NAMED:
		return "map of maps";
	}
	return "";
}
