/*
 * problem.c - the list of what is wrong in the folder
 *
 * Called by every pass of config_load(). A problem never ends the loading: all
 * of them are reported at once, each at its file, line and column.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void problem_at(struct loader *loader, const char *file, int line, int column,
		bool is_warning, const char *text)
{
	struct config_problem item = { file, line, column, is_warning, NULL };

	item.text = arena_cstr(loader->arena, sv_from(text));
	vec_push(&loader->problems, item);
}

#define MAX_TEXT 512

void problem_report(struct loader *loader, const struct node *at,
		    const char *fmt, ...)
{
	char text[MAX_TEXT];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	problem_at(loader, at->file, at->line, at->column, false, text);
}

void problem_warn(struct loader *loader, const struct node *at, const char *fmt,
		  ...)
{
	char text[MAX_TEXT];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	problem_at(loader, at->file, at->line, at->column, true, text);
}

/* The columns that text takes in its file, where quotes are doubled. */
static int columns_of(struct sv text, enum node_style style)
{
	int columns = (int)text_len(text);
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		columns += (style == STYLE_SINGLE && c == '\'') ||
			   (style == STYLE_DOUBLE && (c == '"' || c == '\\'));
	}
	return columns;
}

void problem_inside(struct loader *loader, const struct node *at, size_t offset,
		    bool is_warning, const char *text)
{
	const struct source_node *source = (const struct source_node *)at;
	int column = at->column;

	if (at->kind == NODE_SCALAR && source->one_line) {
		if (offset > at->text.len)
			offset = at->text.len;
		column +=
			columns_of(sv_sub(at->text, 0, offset), source->style);
		if (source->style != STYLE_PLAIN)
			column++;
	}
	problem_at(loader, at->file, at->line, column, is_warning, text);
}

static int compare(const void *left, const void *right)
{
	const struct config_problem *a = left;
	const struct config_problem *b = right;
	int order = strcmp(a->file, b->file);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(a->text, b->text);
}

void problems_set(struct config *config, struct arena *arena,
		  struct config_problem *at, size_t len)
{
	size_t i;

	if (len)
		qsort(at, len, sizeof(*at), compare);
	config->problems = arena_array(arena, len, sizeof(*config->problems));
	config->problem_count = 0;
	config->error_count = 0;
	for (i = 0; i < len; i++) {
		size_t n = config->problem_count;

		if (n && compare(&config->problems[n - 1], &at[i]) == 0)
			continue;
		config->problems[config->problem_count++] = at[i];
		config->error_count += !at[i].warning;
	}
}

void problems_finish(struct loader *loader)
{
	problems_set(loader->config, loader->arena, loader->problems.at,
		     loader->problems.len);
}
