/*
 * agent_enlist.c - put an agent's name behind the others in conjoin.yaml
 *
 * The file is somebody's work: comments, order and layout stay as they are, and
 * one name is put in. Where that cannot be done surely nothing is changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "base/file.h"

#include <string.h>

#define MAX_FILE ((size_t)16 << 20)

struct edit {
	struct sv text;
	size_t at;          /* where something is put in */
	const char *insert; /* what */
};

/* Where line `line` (1 based) begins, or text.len. */
static size_t line_at(struct sv text, int line)
{
	size_t at = 0;

	for (; line > 1 && at < text.len; line--)
		at = sv_find(text, '\n', at) + 1;
	return at < text.len ? at : text.len;
}

/* Columns are characters, bytes here: a name stands behind ASCII only. */
static size_t place_of(struct sv text, const struct node *node)
{
	size_t at = line_at(text, node->line) + (size_t)node->column - 1;

	return at < text.len ? at : text.len;
}

/* Behind a scalar as it stands in the file, with its quotes. */
static size_t end_of(struct sv text, const struct node *node)
{
	size_t at = place_of(text, node);
	size_t quotes = at < text.len && strchr("'\"", text.ptr[at]) ? 2 : 0;

	at += node->text.len + quotes;
	return at < text.len ? at : text.len;
}

/* [a, b]: on the line of the last name. */
static void into_flow(const struct node *list, const char *name,
		      struct arena *arena, struct edit *edit)
{
	size_t at = place_of(edit->text, list);

	if (list->len) {
		edit->at = end_of(edit->text, list->items[list->len - 1]);
		edit->insert = arena_printf(arena, ", %s", name);
	} else {
		edit->at = sv_find(edit->text, '[', at) + 1;
		edit->insert = name;
	}
}

/* A line of its own below the last, which is indented as that is. */
static void into_block(const struct node *list, const char *name,
		       struct arena *arena, struct edit *edit)
{
	const struct node *last = list->items[list->len - 1];
	size_t begin = line_at(edit->text, last->line);
	size_t end = sv_find(edit->text, '\n', begin);
	struct sv before =
		sv_sub(edit->text, begin, place_of(edit->text, last));

	edit->at = end;
	edit->insert =
		arena_printf(arena, "\n" SV_FMT "%s", SV_ARG(before), name);
}

static struct sv apply(const struct edit *edit, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;

	strbuf_addsv(&out, sv_sub(edit->text, 0, edit->at));
	strbuf_adds(&out, edit->insert);
	strbuf_addsv(&out, sv_sub(edit->text, edit->at, edit->text.len));
	copy = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}

/* What was meant: the same list, and the name behind it. */
static bool is_right(const struct node *before, struct sv after,
		     const char *name, struct arena *arena)
{
	struct error err = ERROR_INIT;
	const struct node *list;
	struct node *root;
	size_t i;

	if (config_yaml("conjoin.yaml", after, arena, &root, &err) < 0)
		return false;
	list = node_get(root, "agents");
	if (!list || list->kind != NODE_LIST || list->len != before->len + 1)
		return false;
	for (i = 0; i < before->len; i++)
		if (!sv_eq(list->items[i]->text, before->items[i]->text))
			return false;
	return sv_eq_str(list->items[i]->text, name);
}

static const char *line_of(struct sv text, int line, struct arena *arena)
{
	size_t at = line_at(text, line);

	return arena_cstr(arena, sv_sub(text, at, sv_find(text, '\n', at)));
}

static int edit_text(struct sv text, const char *name, struct arena *arena,
		     struct agent_enlisted *out, struct error *err)
{
	struct edit edit = { .text = text };
	const struct node *list;
	struct node *root;
	bool flow;

	if (config_yaml("conjoin.yaml", text, arena, &root, err) < 0)
		return -1;
	list = node_get(root, "agents");
	if (!list || list->kind != NODE_LIST)
		return error_set(err, ERR_UNSUPPORTED,
				 "'agents' in conjoin.yaml is no list; write "
				 "agents: [%s]",
				 name);
	flow = !list->len || text.ptr[place_of(text, list)] == '[';
	if (flow)
		into_flow(list, name, arena, &edit);
	else
		into_block(list, name, arena, &edit);
	if (edit.at > text.len)
		edit.at = text.len;
	out->text = apply(&edit, arena);
	if (!is_right(list, out->text, name, arena))
		return error_set(err, ERR_UNSUPPORTED,
				 "'agents' in conjoin.yaml is written in a way "
				 "that cannot be added to; put '%s' behind the "
				 "other names",
				 name);
	out->line = list->len ? list->items[list->len - 1]->line : list->line;
	out->before = line_of(text, out->line, arena);
	out->after =
		line_of(out->text, flow ? out->line : out->line + 1, arena);
	if (!flow)
		out->before = NULL;
	return 0;
}

int agent_enlist(const char *path, const char *name, struct arena *arena,
		 struct agent_enlisted *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	int ret = file_read(path, &text, err);

	memset(out, 0, sizeof(*out));
	if (ret == 0)
		ret = edit_text(arena_dup(arena, strbuf_sv(&text)), name, arena,
				out, err);
	strbuf_release(&text);
	return ret;
}
