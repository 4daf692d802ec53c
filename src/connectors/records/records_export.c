/*
 * records_export.c - export to files of records, all at the end
 *
 * Operations are spooled as they come. At the end each file that they concern
 * streams record by record into its replacement: a record whose anchor an
 * operation names is changed or left out, all others are copied as they are;
 * what was not met is appended. Every replacement is complete before the first
 * takes its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_export.h"

#include "base/text.h"
#include "connectors/format.h"

#include <string.h>

static void target_release(struct records_target *t)
{
	hashmap_release(&t->by_anchor);
	vec_release(&t->items);
	if (t->testing)
		(void)iconv_close(t->test);
	if (t->replacing)
		file_replace_abort(&t->file);
}

void records_export_free(struct records_export *ex)
{
	size_t i;

	if (!ex)
		return;
	for (i = 0; i < ex->target_count; i++)
		target_release(&ex->targets[i]);
	vec_release(&ex->items);
	spool_release(&ex->spool);
	arena_release(&ex->arena);
	mem_free(ex);
}

int records_export_begin(struct connector_session *s, struct error *err)
{
	struct records_export *ex;
	size_t i;

	(void)err;
	records_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	s->export = ex;
	ex->target_count = s->source_count;
	ex->targets =
		arena_array(&ex->arena, ex->target_count, sizeof(*ex->targets));
	for (i = 0; i < ex->target_count; i++)
		ex->targets[i].source = &s->sources[i];
	return 0;
}

/* A byte order mark may tell another encoding than the settings do. */
static int open_target(struct records_target *t, struct arena *arena,
		       struct error *err)
{
	const struct records_source *source = t->source;
	const char *encoding = source->encoding;
	struct text_input in = { .fd = -1 };

	bool rewrites = !feed_tells_changes(&source->feed);

	if (t->opened)
		return 0;
	if (rewrites && !source->format->packed &&
	    intake_check_plain(source->feed.path, source->feed.name, err) < 0)
		return -1;
	if (rewrites && file_exists(source->feed.path)) {
		encoding = records_encoding(source, source->feed.path, arena);
		if (text_input_open(&in, source->feed.path, encoding, err) < 0)
			return -1;
		encoding = in.encoding;
		text_input_close(&in);
	}
	if (encoding) {
		t->test = iconv_open(encoding, "UTF-8");
		if (t->test == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 encoding);
		t->testing = true;
	}
	hashmap_init(&t->by_anchor);
	t->opened = true;
	return 0;
}

static struct records_target *target_of(struct connector_session *s,
					size_t type)
{
	size_t i;

	for (i = 0; i < s->export->target_count; i++) {
		struct records_target *t = &s->export->targets[i];

		if (t->source->type == type ||
		    t->source->type >= RECORDS_BY_FORMAT)
			return t;
	}
	return NULL;
}

struct sv records_anchor_key(const struct connector_session *s,
			     const struct records_target *t, size_t type,
			     struct sv anchor, struct arena *arena)
{
	const struct object_type *def = &s->config->types[type];
	size_t attr;

	if (t->source->anchor_count != 1 ||
	    !object_type_attr(def, t->source->anchors[0], &attr) ||
	    def->attrs[attr].match != MATCH_EXACT)
		anchor = text_fold(anchor, arena);
	return sv_from(
		arena_printf(arena, "%zu " SV_FMT, type, SV_ARG(anchor)));
}

int records_refuse(struct records_item *item, const char *error,
		   const char *message)
{
	item->error = error;
	item->message = sv_from(message);
	return -1;
}

struct sv records_anchor_part(struct sv anchor, size_t i, size_t count)
{
	size_t from = 0;

	if (count == 1)
		return anchor;
	while (i--) {
		from = sv_find(anchor, '|', from);
		if (from == anchor.len)
			return SV_NULL;
		from++;
	}
	return sv_sub(anchor, from, sv_find(anchor, '|', from));
}

/* The number of the part of the anchor that an attribute is, or the count. */
static size_t part_of(const struct records_target *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->source->anchor_count; i++)
		if (sv_ieq_str(t->source->anchors[i], name))
			break;
	return i;
}

/* The text of a part of the anchor among an operation's attributes. */
static struct sv anchor_value(const struct connector_session *s,
			      const struct export_op *op, struct sv name,
			      struct arena *arena)
{
	const struct object_type *type = &s->config->types[op->type];
	size_t i;

	for (i = 0; i < op->attr_count; i++) {
		const struct attr_def *def = &type->attrs[op->attrs[i].attr];

		if (sv_ieq_str(name, def->name) && op->attrs[i].values.len)
			return format_value(&op->attrs[i].values.at[0], def,
					    FORMAT_PLAIN, arena);
	}
	return SV_NULL;
}

/* 0: the file's encoding has all of the text; -1: the item is refused. */
static int check_text(struct connector_session *s,
		      const struct records_target *t, const char *name,
		      struct sv text, struct records_item *item)
{
	struct arena *arena = &s->export->arena;
	struct sv null = t->source->null;

	if (null.len && sv_eq(text, null))
		return records_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena,
				     "'%s': the text stands for no value in "
				     "this file",
				     name));
	if (!text_is_utf8(text) ||
	    (text.len && memchr(text.ptr, '\0', text.len)))
		return records_refuse(
			item, "invalid-attribute-value",
			arena_printf(arena,
				     "'%s': the file cannot hold these bytes",
				     name));
	if (t->testing && !text_encodable(t->test, text))
		return records_refuse(
			item, "code-page-conversion",
			arena_printf(arena,
				     "'%s' has characters that the file's "
				     "encoding lacks",
				     name));
	return 0;
}

static int find_anchor(struct connector_session *s,
		       const struct records_target *t,
		       const struct export_op *op, struct records_item *item)
{
	struct arena *arena = &s->export->arena;
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = t->source->anchor_count;
	size_t i;

	for (i = 0; i < count; i++) {
		struct sv name = t->source->anchors[i];
		struct sv part =
			op->anchor.len
				? records_anchor_part(op->anchor, i, count)
				: anchor_value(s, op, name, arena);

		if (!part.len) {
			strbuf_release(&joined);
			return records_refuse(item, "missing-anchor-component",
					      arena_printf(arena,
							   "the anchor '" SV_FMT
							   "' has no value",
							   SV_ARG(name)));
		}
		if (i)
			strbuf_addc(&joined, '|');
		strbuf_addsv(&joined, part);
	}
	item->anchor = arena_dup(arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return check_text(s, t, "anchor", item->anchor, item);
}

static void put_number(struct strbuf *out, uint64_t number)
{
	strbuf_add(out, &number, sizeof(number));
}

static int write_value(struct connector_session *s,
		       const struct records_target *t,
		       const struct attr_def *def, const struct value *value,
		       struct strbuf *out, struct records_item *item)
{
	struct strbuf coded = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct sv text = format_value(value, def, FORMAT_PLAIN, &scratch);
	const char *problem;
	int ret;

	if (def->type == VALUE_BINARY && t->source->format->base64) {
		strbuf_add_base64(&coded, text);
		text = strbuf_sv(&coded);
	}
	ret = def->type == VALUE_BINARY && t->source->format->bytes
		      ? 0
		      : check_text(s, t, def->name, text, item);
	problem = format_part_problem(text, def);
	if (ret == 0 && problem)
		ret = records_refuse(item, "invalid-attribute-value",
				     arena_printf(&s->export->arena, "'%s': %s",
						  def->name, problem));
	put_number(out, text.len);
	strbuf_addsv(out, text);
	strbuf_release(&coded);
	arena_release(&scratch);
	return ret;
}

/* An update must leave the anchor alone. */
static bool moves_anchor(const struct connector_session *s,
			 const struct records_target *t,
			 const struct export_op *op,
			 const struct attr_change *change, struct arena *arena)
{
	const struct attr_def *def =
		&s->config->types[op->type].attrs[change->attr];
	size_t count = t->source->anchor_count;
	size_t part = part_of(t, def->name);

	if (op->kind != EXPORT_UPDATE || part == count)
		return false;
	if (change->op == ATTR_DELETE || change->values.len != 1)
		return true;
	return !text_ieq(
		records_anchor_part(op->anchor, part, count),
		format_value(&change->values.at[0], def, FORMAT_PLAIN, arena));
}

/* The operation's values, into the spool: count, then each attribute's. */
static int spool_op(struct connector_session *s, const struct records_target *t,
		    const struct export_op *op, struct records_item *item,
		    struct strbuf *out)
{
	const struct object_type *type = &s->config->types[op->type];
	bool values = op->kind != EXPORT_DELETE;
	size_t i;
	size_t k;

	if (op->kind == EXPORT_RENAME)
		return records_refuse(
			item, "cd-error",
			"a record has no name that could be changed");
	put_number(out, values ? op->attr_count : 0);
	for (i = 0; values && i < op->attr_count; i++) {
		const struct attr_change *change = &op->attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];

		if (moves_anchor(s, t, op, change, &s->export->arena))
			return records_refuse(
				item, "modify-naming-attribute",
				"the anchor of a record cannot be changed");
		put_number(out, change->attr);
		put_number(out, change->op);
		put_number(out, change->values.len);
		for (k = 0; k < change->values.len; k++)
			if (write_value(s, t, def, &change->values.at[k], out,
					item) < 0)
				return -1;
	}
	return 0;
}

static void chain(struct connector_session *s, struct records_target *t,
		  struct records_item *item)
{
	struct arena scratch = ARENA_INIT;
	struct sv key =
		records_anchor_key(s, t, item->type, item->anchor, &scratch);
	uint64_t *at = hashmap_at(&t->by_anchor, key);

	if (*at) {
		struct records_item *first = t->items.at[*at - 1];

		while (first->next)
			first = first->next;
		first->next = item;
	} else {
		vec_push(&t->items, item);
		*at = t->items.len;
	}
	arena_release(&scratch);
}

int records_export_put(struct connector_session *s, const struct export_op *op,
		       struct error *err)
{
	struct records_export *ex = s->export;
	struct records_item *item = arena_zalloc(&ex->arena, sizeof(*item));
	struct records_target *t = target_of(s, op->type);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;

	item->id = op->id;
	item->kind = op->kind;
	item->retry = op->retry;
	item->type = op->type;
	vec_push(&ex->items, item);
	if (!t) {
		(void)records_refuse(item, "no-export-to-this-object-type",
				     "no file is set for objects of this type");
		return 0;
	}
	if (open_target(t, &ex->arena, err) < 0)
		return -1;
	if (find_anchor(s, t, op, item) == 0 &&
	    spool_op(s, t, op, item, &out) == 0) {
		item->begin = spool_size(&ex->spool);
		ret = spool_add(&ex->spool, strbuf_sv(&out), err);
		item->end = spool_size(&ex->spool);
		chain(s, t, item);
	}
	strbuf_release(&out);
	return ret;
}

int records_export_end(struct connector_session *s, struct error *err)
{
	struct records_export *ex = s->export;
	size_t i;

	if (ex->done)
		return 0;
	if (ex->items.len && spool_flush(&ex->spool, err) < 0)
		return -1;
	for (i = 0; i < ex->target_count; i++)
		if (ex->targets[i].items.len &&
		    records_merge(s, &ex->targets[i], err) < 0)
			return -1;
	for (i = 0; i < ex->target_count; i++) {
		struct records_target *t = &ex->targets[i];

		if (!t->replacing || !t->changed)
			continue;
		t->replacing = false;
		if (feed_commit(&t->source->feed, &t->file, t->path, err) < 0)
			return -1;
	}
	ex->done = true;
	return 0;
}

int records_export_result(struct connector_session *s, bool wait,
			  struct arena *arena, struct export_outcome *out,
			  struct error *err)
{
	struct records_export *ex = s->export;
	const struct records_item *item;

	(void)wait;
	(void)err;
	memset(out, 0, sizeof(*out));
	if (!ex || !ex->done || ex->given == ex->items.len)
		return 0;
	item = ex->items.at[ex->given++];
	out->id = item->id;
	out->ok = !item->error;
	out->adopted = item->adopted;
	out->error = item->error;
	out->message = arena_dup(arena, item->message);
	if (out->ok && item->kind != EXPORT_DELETE)
		out->anchor = arena_dup(arena, item->anchor);
	return 1;
}
