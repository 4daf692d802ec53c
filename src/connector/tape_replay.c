/*
 * tape_replay.c - a connector that gives what was recorded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/tape_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct connector_session {
	const struct connector_config *config;
	FILE *file;
	char *path;
	size_t line;
	uint64_t count;
};

static void replay_close(struct connector_session *s)
{
	if (!s)
		return;
	if (s->file)
		(void)fclose(s->file);
	mem_free(s->path);
	mem_free(s);
}

static int damaged(const struct connector_session *s, const char *what,
		   struct error *err)
{
	return error_set(err, ERR_CORRUPT, "%s:%zu: %s", s->path, s->line,
			 what);
}

/* The next line; NULL: err is set. */
static json_t *read_line(struct connector_session *s, struct error *err)
{
	json_error_t why;
	json_t *line = json_loadf(
		s->file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &why);

	s->line++;
	if (line)
		return line;
	if (ferror(s->file))
		(void)error_errno(err, errno, "cannot read '%s'", s->path);
	else if (feof(s->file))
		(void)damaged(s, "the recording ends in the middle", err);
	else
		(void)damaged(s, why.text, err);
	return NULL;
}

static int find_word(const char *const *words, size_t count, const char *word)
{
	size_t i;

	for (i = 0; word && i < count; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

static int read_text(const json_t *line, const char *key, struct arena *arena,
		     struct sv *out)
{
	const json_t *text = json_object_get(line, key);

	*out = SV_NULL;
	return !text || tape_read_text(text, arena, out);
}

/* 1: read, also when nobody asks for the attribute any more; 0: damaged */
static int read_attr(const struct object_type *type, const json_t *json,
		     struct arena *arena, struct change *out)
{
	struct attr_change *attr = &out->attrs[out->attr_count];
	const char *name = json_string_value(json_object_get(json, "name"));
	const json_t *values = NULL;
	size_t op;
	size_t i;

	for (op = 0; op < TAPE_ATTR_OPS && !values; op++) {
		values = json_object_get(json, tape_attr_ops[op]);
		attr->op = (enum attr_op)op;
	}
	if (!name || !json_is_array(values))
		return 0;
	if (!object_type_attr(type, sv_from(name), &attr->attr))
		return 1;
	attr->values.len = json_array_size(values);
	attr->values.at = arena_array(arena, attr->values.len + 1,
				      sizeof(*attr->values.at));
	for (i = 0; i < attr->values.len; i++)
		if (!tape_read_value(json_array_get(values, i), arena,
				     &attr->values.at[i]))
			return 0;
	out->attr_count++;
	return 1;
}

static int read_attrs(const struct connector_session *s, const json_t *line,
		      struct arena *arena, struct change *out)
{
	const json_t *attrs = json_object_get(line, "attrs");
	size_t count = json_array_size(attrs);
	size_t i;

	out->attrs = arena_array(arena, count + 1, sizeof(*out->attrs));
	for (i = 0; i < count; i++)
		if (!read_attr(&s->config->types[out->type],
			       json_array_get(attrs, i), arena, out))
			return 0;
	return 1;
}

/* 1: *out->type is found or none is needed; 0: no rule set asks for it. */
static int read_type(const struct connector_session *s, const json_t *line,
		     struct change *out)
{
	const char *name = json_string_value(json_object_get(line, "type"));

	if (!name)
		return 1;
	for (out->type = 0; out->type < s->config->type_count; out->type++)
		if (!strcmp(s->config->types[out->type].name, name))
			return 1;
	out->type = 0;
	return 0;
}

static int read_change(const struct connector_session *s, const json_t *line,
		       struct arena *arena, struct change *out)
{
	int op = find_word(tape_ops, TAPE_OPS,
			   json_string_value(json_object_get(line, "op")));
	struct sv error;

	if (op < 0 || !read_text(line, "anchor", arena, &out->anchor) ||
	    !read_text(line, "dn", arena, &out->dn) ||
	    !read_text(line, "new_dn", arena, &out->new_dn) ||
	    !read_text(line, "where", arena, &out->where) ||
	    !read_text(line, "message", arena, &out->message) ||
	    !read_text(line, "error", arena, &error))
		return 0;
	out->op = (enum change_op)op;
	out->container = json_is_true(json_object_get(line, "container"));
	if (out->op == CHANGE_ERROR) {
		out->error = arena_cstr(arena, error);
		return 1;
	}
	if (out->op == CHANGE_FILTERED)
		return 1;
	if (!read_type(s, line, out)) {
		out->op = CHANGE_ERROR;
		out->error = "unmappable-object-type";
		out->message =
			SV_LIT("no rule set names the type of this object");
		out->where = sv_from(
			arena_printf(arena, "%s:%zu", s->path, s->line));
		return 1;
	}
	return read_attrs(s, line, arena, out);
}

static int replay_begin(struct connector_session *s, enum import_kind kind,
			struct sv watermark, struct error *err)
{
	(void)s;
	(void)kind;
	(void)watermark;
	(void)err;
	return 0;
}

static int replay_next(struct connector_session *s, struct arena *arena,
		       struct change *out, struct error *err)
{
	json_t *line = read_line(s, err);
	const json_t *end;
	int ret = 1;

	if (!line)
		return -1;
	end = json_object_get(line, "end");
	if (end && (uint64_t)json_integer_value(end) == s->count)
		ret = 0;
	else if (end || !read_change(s, line, arena, out))
		ret = damaged(s,
			      end ? "objects of the recording are missing"
				  : "this line is not one of a recording",
			      err);
	s->count++;
	json_decref(line);
	return ret;
}

static int replay_end(struct connector_session *s, struct arena *arena,
		      struct sv *watermark_out, struct error *err)
{
	(void)s;
	(void)arena;
	(void)err;
	*watermark_out = SV_NULL;
	return 0;
}

static const struct connector_ops replay_ops = {
	.abi = CONNECTOR_ABI,
	.name = "replay",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA,
	.close = replay_close,
	.import_begin = replay_begin,
	.next = replay_next,
	.import_end = replay_end,
};

static int no_recording(const struct connector_session *s, struct error *err)
{
	return error_set(err, ERR_INVALID, "'%s' is no recording of an import",
			 s->path);
}

/* 1: it is the agent's, and of this kind; 0: of another kind; -1 */
static int check_header(const struct connector_session *s, const json_t *line,
			enum import_kind kind, struct error *err)
{
	const char *agent = json_string_value(json_object_get(line, "agent"));
	const char *step = json_string_value(json_object_get(line, "step"));
	const json_t *version = json_object_get(line, "tape");

	if (!version || !agent || !step)
		return no_recording(s, err);
	if (json_integer_value(version) != TAPE_VERSION)
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' was recorded by another version of "
				 "conjoin: record it anew",
				 s->path);
	if (strcmp(agent, s->config->agent) != 0)
		return error_set(
			err, ERR_INVALID,
			"'%s' is a recording of agent '%.100s', not of "
			"'%s'",
			s->path, agent, s->config->agent);
	if (!strcmp(step, tape_step(kind)))
		return 1;
	(void)error_set(err, ERR_INVALID,
			"'%s' is a recording of a %.50s, this step is a %s",
			s->path, step, tape_step(kind));
	return 0;
}

int tape_replay(struct connector *out, const struct connector_config *config,
		uint32_t caps, const char *path, enum import_kind kind,
		struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));
	json_t *header = NULL;
	int ret;

	memset(out, 0, sizeof(*out));
	s->config = config;
	s->path = mem_strdup(path);
	s->file = fopen(path, "re");
	if (!s->file)
		ret = error_errno(err, errno, "cannot read '%s'", path);
	else if (!(header = read_line(s, NULL)))
		ret = no_recording(s, err);
	else
		ret = check_header(s, header, kind, err);
	json_decref(header);
	if (ret <= 0) {
		replay_close(s);
		return ret;
	}
	out->ops = &replay_ops;
	out->config = config;
	out->caps = caps | CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA;
	out->session = s;
	return 1;
}
