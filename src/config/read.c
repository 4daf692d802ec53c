/*
 * read.c - read keys, words and switches, and say what may stand there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include <stdio.h>

bool read_absent(const struct node *node)
{
	return !node || (node->kind == NODE_SCALAR && !node->quoted &&
			 node->text.len == 0);
}

const struct node *read_find(const struct node *map, const char *key)
{
	const struct node *node = node_get(map, key);

	return read_absent(node) ? NULL : node;
}

const struct node *read_map(struct loader *loader, const struct node *node,
			    const char *what)
{
	if (read_absent(node))
		return NULL;
	if (node->kind == NODE_MAP)
		return node;
	problem_report(loader, node, "%s must be a map of keys and values",
		       what);
	return NULL;
}

struct sv read_text(struct loader *loader, const struct node *node,
		    const char *what)
{
	if (read_absent(node))
		return SV_NULL;
	if (node->kind == NODE_SCALAR)
		return node->text;
	problem_report(loader, node, "%s must be one value", what);
	return SV_NULL;
}

static size_t names_count(const char *const *names)
{
	size_t count = 0;

	while (names[count])
		count++;
	return count;
}

const char *read_suggest(struct loader *loader, struct sv word,
			 const char *const *names, size_t count)
{
	const char *near = sv_nearest(word, names, count);

	return near ? arena_printf(loader->arena, ": did you mean '%s'?", near)
		    : "";
}

static bool has_name(const char *const *names, struct sv word)
{
	for (; *names; names++)
		if (sv_eq_str(word, *names))
			return true;
	return false;
}

void read_keys(struct loader *loader, const struct node *map,
	       const char *const *names)
{
	size_t count = names_count(names);
	size_t i;

	for (i = 0; map && i < map->len; i++) {
		const struct node *key = map->keys[i];

		if (has_name(names, key->text))
			continue;
		problem_report(loader, key, "unknown key '" SV_FMT "'%s",
			       SV_ARG(key->text),
			       read_suggest(loader, key->text, names, count));
	}
}

size_t read_len(const struct node *node)
{
	if (read_absent(node))
		return 0;
	return node->kind == NODE_LIST ? node->len : 1;
}

const struct node *read_item(const struct node *node, size_t i)
{
	return node->kind == NODE_LIST ? node->items[i] : node;
}

static const char *words_text(struct loader *loader, const char *const *words)
{
	const char *text = arena_printf(loader->arena, "%s", words[0]);
	size_t count = names_count(words);
	size_t i;

	for (i = 1; i < count; i++)
		text = arena_printf(loader->arena, "%s%s%s", text,
				    i + 1 == count ? " or " : ", ", words[i]);
	return text;
}

int read_word(struct loader *loader, const struct node *node, const char *what,
	      const char *const *words, int fallback)
{
	int i;

	if (read_absent(node))
		return fallback;
	if (read_lua(loader, node))
		return -1;
	if (node->kind == NODE_SCALAR)
		for (i = 0; words[i]; i++)
			if (sv_eq_str(node->text, words[i]))
				return i;
	problem_report(loader, node, "%s must be %s%s", what,
		       words_text(loader, words),
		       node->kind == NODE_SCALAR
			       ? read_suggest(loader, node->text, words,
					      names_count(words))
			       : "");
	return -1;
}

bool read_switch(struct loader *loader, const struct node *node,
		 const char *what, bool fallback)
{
	bool on = fallback;

	if (read_absent(node))
		return fallback;
	if (node->kind != NODE_SCALAR || !setting_parse_switch(node->text, &on))
		problem_report(
			loader, node,
			"%s must be true, yes or on, or false, no or off",
			what);
	return on;
}

bool read_lua(struct loader *loader, const struct node *node)
{
	size_t i;

	if (!node || node->kind != NODE_MAP)
		return false;
	for (i = 0; i < node->len; i++) {
		if (!sv_eq_str(node->keys[i]->text, "lua"))
			continue;
		problem_report(loader, node->keys[i],
			       "no Lua function can decide this");
		return true;
	}
	return false;
}

bool read_is_name(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return name.len > 0;
}
