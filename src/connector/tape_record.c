/*
 * tape_record.c - a connector that writes down what another one gives
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "connector/tape_private.h"
#include "model/secret_attr.h"

#include <errno.h>
#include <string.h>

struct connector_session {
	struct connector *inner;
	struct file_replace file;
	char *path;
	uint64_t count;
};

static int write_line(struct connector_session *s, json_t *line,
		      struct error *err)
{
	bool ok = line && json_dumpf(line, s->file.stream, JSON_COMPACT) == 0 &&
		  fputc('\n', s->file.stream) != EOF;

	json_decref(line);
	if (!ok)
		return error_errno(err, errno, "cannot write '%s'", s->path);
	return 0;
}

static void put_text(json_t *line, const char *key, struct sv text)
{
	if (text.len)
		(void)json_object_set_new(line, key, tape_text(text));
}

static json_t *attrs_json(const struct object_type *type,
			  const struct change *change)
{
	json_t *all = json_array();
	size_t i;
	size_t v;

	for (i = 0; i < change->attr_count; i++) {
		const struct attr_change *attr = &change->attrs[i];
		const char *name = type->attrs[attr->attr].name;
		json_t *values = json_array();

		for (v = 0; v < attr->values.len; v++)
			(void)json_array_append_new(
				values, tape_value(&attr->values.at[v]));
		if (attr_is_secret(name)) {
			json_decref(values);
			continue;
		}
		(void)json_array_append_new(
			all, json_pack("{s:s, s:o}", "name", name,
				       tape_attr_ops[attr->op], values));
	}
	return all;
}

static json_t *change_json(const struct connector_config *config,
			   const struct change *change)
{
	json_t *line = json_pack("{s:s}", "op", tape_ops[change->op]);
	bool typed = change->op != CHANGE_FILTERED &&
		     change->op != CHANGE_PRESENT && !change->container &&
		     change->type < config->type_count;

	if (typed)
		put_text(line, "type",
			 sv_from(config->types[change->type].name));
	if (change->container)
		(void)json_object_set_new(line, "container", json_true());
	put_text(line, "anchor", change->anchor);
	put_text(line, "dn", change->dn);
	put_text(line, "new_dn", change->new_dn);
	if (change->op == CHANGE_ERROR)
		put_text(
			line, "error",
			sv_from(change->error ? change->error : "parse-error"));
	if (change->op == CHANGE_ERROR || change->op == CHANGE_FILTERED) {
		put_text(line, "message", change->message);
		put_text(line, "where", change->where);
	} else if (typed && change->attr_count) {
		(void)json_object_set_new(
			line, "attrs",
			attrs_json(&config->types[change->type], change));
	}
	return line;
}

static void record_close(struct connector_session *s)
{
	if (!s)
		return;
	file_replace_abort(&s->file);
	mem_free(s->path);
	mem_free(s);
}

static int record_begin(struct connector_session *s, enum import_kind kind,
			struct sv watermark, struct error *err)
{
	struct connector *inner = s->inner;

	int ret =
		inner->ops->import_begin(inner->session, kind, watermark, err);

	if (ret < 0)
		return -1;
	if (ret > 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "there is nothing new that could be recorded");
	s->count = 0;
	return write_line(s,
			  json_pack("{s:i, s:s, s:s}", "tape", TAPE_VERSION,
				    "agent", inner->config->agent, "step",
				    tape_step(kind)),
			  err);
}

static int record_next(struct connector_session *s, struct arena *arena,
		       struct change *out, struct error *err)
{
	struct connector *inner = s->inner;
	int ret = inner->ops->next(inner->session, arena, out, err);

	if (ret <= 0)
		return ret;
	connector_expand(inner, arena, out);
	s->count++;
	if (write_line(s, change_json(inner->config, out), err) < 0)
		return -1;
	return 1;
}

static int record_end(struct connector_session *s, struct arena *arena,
		      struct sv *watermark_out, struct error *err)
{
	struct connector *inner = s->inner;

	if (inner->ops->import_end(inner->session, arena, watermark_out, err) <
		    0 ||
	    write_line(s, json_pack("{s:I}", "end", (json_int_t)s->count),
		       err) < 0)
		return -1;
	return file_replace_commit(&s->file, err);
}

static int record_kept(struct connector_session *s, struct error *err)
{
	struct connector *inner = s->inner;

	/* the caller's wrapper tells whose it is */
	if (!inner->ops->import_kept)
		return 0;
	return inner->ops->import_kept(inner->session, err);
}

static int record_flawed(struct connector_session *s, int64_t errors,
			 struct error *err)
{
	struct connector *inner = s->inner;

	if (!inner->ops->import_flawed)
		return 0;
	return inner->ops->import_flawed(inner->session, errors, err);
}

static const char *record_note(const struct connector_session *s)
{
	return connector_import_note(s->inner);
}

static int record_progress(const struct connector_session *s)
{
	return connector_import_progress(s->inner);
}

static const struct connector_ops record_ops = {
	.abi = CONNECTOR_ABI,
	.name = "record",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA,
	.close = record_close,
	.import_begin = record_begin,
	.next = record_next,
	.import_end = record_end,
	.import_kept = record_kept,
	.import_flawed = record_flawed,
	.import_note = record_note,
	.import_progress = record_progress,
};

int tape_record(struct connector *out, struct connector *inner,
		const char *path, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));

	memset(out, 0, sizeof(*out));
	s->inner = inner;
	s->path = mem_strdup(path);
	if (file_replace_open(&s->file, path, 0600, err) < 0) {
		record_close(s);
		return -1;
	}
	out->ops = &record_ops;
	out->config = inner->config;
	out->caps = inner->caps;
	out->session = s;
	return 0;
}
