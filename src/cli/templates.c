/*
 * templates.c - from a template and its settings to the files of a folder
 *
 * The texts themselves are made of templates/ when the program is built.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/templates.h"

#include "cli/template_fill.h"

#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

const struct template *template_find(struct sv name)
{
	const struct template *template;

	for (template = templates; template->name; template ++)
		if (sv_eq_str(name, template->name))
			return template;
	return NULL;
}

static int fill(const char *path, struct sv text,
		const struct fill_scope *scope, struct arena *arena,
		struct sv *out, struct error *err)
{
	struct strbuf sb = STRBUF_INIT(FILE_MAX);
	int ret = template_fill(text, scope, &sb, err);

	if (ret == 0 && sb.overflow)
		ret = error_set(err, ERR_LIMIT, "more than 1 MB");
	if (ret == 0)
		*out = arena_dup(arena, strbuf_sv(&sb));
	else
		(void)error_context(err, "cannot make '%s'", path);
	strbuf_release(&sb);
	return ret;
}

static int make_one(const struct template_file *file,
		    const struct fill_scope *scope, struct arena *arena,
		    struct made_files *out, struct error *err)
{
	struct made_file made = { .path = file->path,
				  .text = sv_from(file->text) };
	struct sv path = sv_from(file->path);

	if (scope) {
		if (fill(file->path, path, scope, arena, &path, err) < 0)
			return -1;
		made.path = path.ptr;
	}
	if (scope && sv_ends(path, SV_LIT(".yaml")) &&
	    fill(made.path, made.text, scope, arena, &made.text, err) < 0)
		return -1;
	vec_push(out, made);
	return 0;
}

/* "agents/{{forests.name}}.yaml" is a file for each of the forests. */
static int make_each(const struct template_file *file,
		     const struct node *settings, struct arena *arena,
		     struct made_files *out, struct error *err)
{
	struct fill_scope top = { settings, NULL };
	struct sv path = sv_from(file->path);
	size_t from = sv_find(path, '{', 0);
	size_t dot = sv_find(path, '.', from);
	size_t end = sv_find(path, '}', from);
	struct template_file inner = { NULL, file->text };
	const struct node *list;
	size_t i;

	if (dot > end || end == path.len)
		return make_one(file, &top, arena, out, err);
	list = node_get(settings,
			arena_cstr(arena, sv_sub(path, from + 2, dot)));
	if (list && list->kind == NODE_MAP)
		return make_one(file, &top, arena, out, err);
	inner.path = arena_printf(arena, SV_FMT "{{" SV_FMT,
				  SV_ARG(sv_sub(path, 0, from)),
				  SV_ARG(sv_sub(path, dot + 1, path.len)));
	for (i = 0; list && i < list->len; i++) {
		struct fill_scope item = { list->items[i], &top };

		if (make_one(&inner, &item, arena, out, err) < 0)
			return -1;
	}
	return 0;
}

int template_make(const struct template *template, const struct node *settings,
		  struct arena *arena, struct made_files *out,
		  struct error *err)
{
	const struct template_file *file;

	for (file = template->files; file->path; file++) {
		int ret = settings ? make_each(file, settings, arena, out, err)
				   : make_one(file, NULL, arena, out, err);

		if (ret < 0)
			return -1;
	}
	return 0;
}
