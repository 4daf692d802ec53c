/*
 * passwd.c - a connector as a plug-in: the accounts of a passwd file
 *
 * Built out of conjoin's tree, with what `./dev install` installs:
 *
 *	cc -shared -fPIC -o passwd.so passwd.c $(pkg-config --cflags conjoin)
 *
 * and named by an agent, `type: /usr/local/lib/conjoin/passwd.so`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct setting_def settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "the file" },
	{ .name = NULL },
};

struct connector_session {
	const struct connector_config *config;
	struct arena arena;
	const char *path;
	FILE *file;
	char *line;
	size_t size;
	size_t number;
};

static void passwd_close(struct connector_session *s)
{
	if (!s)
		return;
	if (s->file)
		(void)fclose(s->file);
	free(s->line);
	arena_release(&s->arena);
	mem_free(s);
}

static int passwd_open(const struct connector_ops *ops,
		       const struct connector_config *config,
		       struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));

	(void)ops;
	s->config = config;
	s->path = connector_path(
		config, setting_text(config->connect, settings, "path"),
		&s->arena);
	s->file = fopen(s->path, "re");
	if (!s->file) {
		(void)error_errno(err, errno, "cannot read '%s'", s->path);
		passwd_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int passwd_begin(struct connector_session *s, enum import_kind kind,
			struct sv watermark, struct error *err)
{
	(void)kind; /* full: it has no deltas */
	(void)watermark;
	(void)err;
	rewind(s->file);
	s->number = 0;
	return 0;
}

/* The columns by name, as far as the configuration asks for them. */
static void put_attr(const struct connector_session *s, const char *name,
		     struct sv text, struct arena *arena, struct change *out)
{
	struct attr_change *attr = &out->attrs[out->attr_count];
	size_t index;

	if (!text.len || !object_type_attr(&s->config->types[out->type],
					   sv_from(name), &index))
		return;
	attr->attr = index;
	attr->op = ATTR_REPLACE;
	attr->values.at = arena_alloc(arena, sizeof(struct value));
	attr->values.at[0] = value_string(text);
	attr->values.len = 1;
	out->attr_count++;
}

static int passwd_next(struct connector_session *s, struct arena *arena,
		       struct change *out, struct error *err)
{
	static const char *const columns[] = { "name",  NULL,   "uid",  "gid",
					       "gecos", "home", "shell" };
	ssize_t len = getline(&s->line, &s->size, s->file);
	struct sv line;
	size_t from = 0;
	size_t i;

	if (len < 0 && ferror(s->file))
		return error_errno(err, errno, "cannot read '%s'", s->path);
	if (len < 0)
		return 0;
	s->number++;
	line = sv_trim(arena_dup(arena, sv_make(s->line, (size_t)len)));
	*out = (struct change){ .op = CHANGE_OBJECT };
	out->anchor = sv_sub(line, 0, sv_find(line, ':', 0));
	if (!out->anchor.len || out->anchor.len == line.len) {
		out->op = CHANGE_ERROR;
		out->error = "parse-error";
		out->message = SV_LIT("no line of a passwd file");
		out->where = sv_from(
			arena_printf(arena, "%s:%zu", s->path, s->number));
		return 1;
	}
	out->attrs = arena_array(arena, 7, sizeof(*out->attrs));
	for (i = 0; i < 7 && from <= line.len; i++) {
		size_t end = sv_find(line, ':', from);

		if (columns[i])
			put_attr(s, columns[i], sv_sub(line, from, end), arena,
				 out);
		from = end + 1;
	}
	return 1;
}

static int passwd_end(struct connector_session *s, struct arena *arena,
		      struct sv *watermark_out, struct error *err)
{
	(void)s;
	(void)arena;
	(void)watermark_out; /* empty: no delta can follow */
	(void)err;
	return 0;
}

static const struct connector_ops passwd = {
	.abi = CONNECTOR_ABI,
	.name = "passwd",
	.help = "Accounts of a passwd file.",
	.caps = CONNECTOR_CAP_IMPORT,
	.settings = settings,
	.open = passwd_open,
	.close = passwd_close,
	.import_begin = passwd_begin,
	.next = passwd_next,
	.import_end = passwd_end,
};

const struct connector_ops *conjoin_connector(uint32_t abi);

const struct connector_ops *conjoin_connector(uint32_t abi)
{
	return abi == CONNECTOR_ABI ? &passwd : NULL;
}
