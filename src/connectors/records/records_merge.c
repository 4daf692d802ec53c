/*
 * records_merge.c - stream a file into its replacement, applying an export
 *
 * Several operations on one anchor are done in their order. An operation that
 * is refused leaves its record as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/records/records_export.h"

#include <string.h>

int record_refuse(struct record_edit *edit, const char *error,
		  const char *message)
{
	edit->error = error;
	edit->message = message;
	return -1;
}

/* A file on its way into its replacement. */
struct merge {
	struct connector_session *s;
	struct records_target *t;
	struct records_layout layout;
	struct record_reader reader;
	bool exists;
	struct record_writer out;
	bool started; /* the head is written */
	struct arena arena;
};

/* One record while operations are applied to it. */
struct work {
	struct merge *m;
	struct arena *arena;
	struct sv raw;
	bool present;
	bool changed;
};

/* --- values ------------------------------------------------------------ */

/* The values that a record has of an attribute. */
static void values_of(const struct work *w, const struct record *record,
		      const struct attr_def *def, struct texts *out)
{
	size_t name =
		record_names_find(&w->m->layout.names, sv_from(def->name));
	struct sv null = w->m->t->source->null;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < record->count; i++) {
		struct sv text = record->fields[i].text;

		if (record->fields[i].name != name || !text.len ||
		    (null.len && sv_eq(text, null)))
			continue;
		texts_push_parts(out, w->arena, def, text);
	}
}

/* --- what an operation sets -------------------------------------------- */

/* What a record gets anew. */
struct sets {
	struct record_set *at;
	size_t len;
	struct texts *values; /* of each */
	size_t room;
};

static void sets_init(struct sets *sets, const struct work *w,
		      const struct file_op *item)
{
	sets->room = w->m->s->config->types[item->type].attr_count +
		     w->m->t->source->anchor_count + 2;
	sets->at = arena_array(w->arena, sets->room, sizeof(*sets->at));
	sets->values = arena_array(w->arena, sets->room, sizeof(*sets->values));
	sets->len = 0;
}

static const struct attr_def *def_of(const struct work *w,
				     const struct file_op *item, struct sv name)
{
	const struct object_type *type = &w->m->s->config->types[item->type];
	size_t attr;

	return object_type_attr(type, name, &attr) ? &type->attrs[attr] : NULL;
}

/* One value under a name that is no attribute, or an anchor. */
static void set_text(struct sets *sets, const struct work *w, struct sv name,
		     const struct attr_def *def, struct sv text)
{
	texts_push(&sets->values[sets->len], w->arena, text);
	sets->at[sets->len++] =
		(struct record_set){ .name = name, .def = def, .count = 1 };
}

static struct record_set *set_of(struct sets *sets, const struct attr_def *def)
{
	size_t i;

	for (i = 0; i < sets->len; i++)
		if (sv_ieq_str(sets->at[i].name, def->name))
			return &sets->at[i];
	return NULL;
}

/* The values of the attribute are worked out from those that are there. */
static struct texts *set_attr(struct sets *sets, const struct work *w,
			      const struct record *record,
			      const struct attr_def *def)
{
	struct record_set *set = set_of(sets, def);

	if (set)
		return &sets->values[set - sets->at];
	values_of(w, record, def, &sets->values[sets->len]);
	sets->at[sets->len++] =
		(struct record_set){ .name = sv_from(def->name), .def = def };
	return &sets->values[sets->len - 1];
}

/* Values go before others come. */
static void set_attrs(struct sets *sets, const struct work *w,
		      const struct record *record, const struct file_op *item,
		      struct sv spooled)
{
	const struct object_type *type = &w->m->s->config->types[item->type];
	const struct file_objects *objects = &w->m->t->objects;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		struct sv in = spooled;
		size_t count = (size_t)file_op_take_number(&in);

		while (count--) {
			const struct attr_def *def;
			struct file_op_attr change;

			file_op_take_attr(&in, w->arena, &change);
			def = &type->attrs[change.attr];
			if ((change.op == ATTR_DELETE) == (pass == 0) &&
			    file_anchor_index(objects, def->name) ==
				    objects->anchor_count)
				texts_apply(set_attr(sets, w, record, def),
					    w->arena, def, &change);
		}
	}
}

static bool unchanged(const struct work *w, const struct record *record,
		      const struct attr_def *def, const struct texts *texts)
{
	struct texts before;
	size_t i;

	values_of(w, record, def, &before);
	if (before.len != texts->len)
		return false;
	for (i = 0; i < before.len; i++)
		if (!sv_eq(before.at[i], texts->at[i]))
			return false;
	return true;
}

/* Leaves out what the record has already, and joins what stands in one. */
static void finish_sets(struct sets *sets, const struct work *w,
			const struct record *record)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < sets->len; i++) {
		struct record_set set = sets->at[i];
		struct texts *texts = &sets->values[i];

		if (set.def && w->present &&
		    unchanged(w, record, set.def, texts))
			continue;
		if (!w->present && !texts->len)
			continue;
		if (set.def && set.def->multi && set.def->separator.len &&
		    texts->len > 1) {
			texts->at[0] = texts_join(texts, set.def, w->arena);
			texts->len = 1;
		}
		set.values = texts->at;
		set.count = texts->len;
		sets->at[kept++] = set;
	}
	sets->len = kept;
}

/* --- operations -------------------------------------------------------- */

/* Fields of the record as it now is. */
static void parse(const struct work *w, struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->raw = w->raw;
	if (w->present)
		records_file_parse(&w->m->reader, w->arena, record);
}

static void compose(struct work *w, const struct sets *sets,
		    struct file_op *item)
{
	struct record_edit edit = {
		.reader = &w->m->reader,
		.old = w->present ? w->raw : SV_NULL,
		.type = sv_from(w->m->s->config->types[item->type].name),
		.sets = sets->at,
		.count = sets->len,
		.end_of_line = w->m->out.end_of_line,
		.arena = w->arena,
	};

	if (w->m->t->source->format->compose(&edit) < 0) {
		(void)file_op_refuse(item, edit.error,
				     arena_cstr(&w->m->s->export->ops.arena,
						sv_from(edit.message)));
		return;
	}
	w->raw = edit.out;
	w->present = true;
	w->changed = true;
}

/* What tells which object a new record is of. */
static void start_sets(struct sets *sets, const struct work *w,
		       const struct file_op *item)
{
	const struct records_source *source = w->m->t->source;
	size_t i;

	sets_init(sets, w, item);
	for (i = 0; i < source->anchor_count; i++)
		set_text(sets, w, source->anchors[i],
			 def_of(w, item, source->anchors[i]),
			 file_anchor_part(item->anchor, i,
					  source->anchor_count));
	if (source->type == RECORDS_BY_NAME)
		set_text(sets, w, source->type_name,
			 def_of(w, item, source->type_name),
			 sv_from(w->m->s->config->types[item->type].name));
}

static void add_record(struct work *w, struct sv spooled, struct file_op *item)
{
	const struct record nothing = { .parsed = true };
	bool present = w->present;
	struct sets sets;

	w->present = false;
	start_sets(&sets, w, item);
	set_attrs(&sets, w, &nothing, item, spooled);
	finish_sets(&sets, w, &nothing);
	compose(w, &sets, item);
	if (item->error)
		w->present = present;
}

static void update_record(struct work *w, struct sv spooled,
			  struct file_op *item)
{
	struct record record;
	struct sets sets;

	parse(w, &record);
	if (record.error) {
		(void)file_op_refuse(item, "cd-error",
				     "the record in the file is broken");
		return;
	}
	sets_init(&sets, w, item);
	set_attrs(&sets, w, &record, item, spooled);
	finish_sets(&sets, w, &record);
	if (sets.len)
		compose(w, &sets, item);
}

/* Does the record have each value that the add sent? */
static bool carries(const struct work *w, struct sv spooled,
		    const struct file_op *item)
{
	const struct object_type *type = &w->m->s->config->types[item->type];
	size_t count = (size_t)file_op_take_number(&spooled);
	struct record record;

	parse(w, &record);
	while (count--) {
		struct file_op_attr sent;
		struct texts now;

		file_op_take_attr(&spooled, w->arena, &sent);
		values_of(w, &record, &type->attrs[sent.attr], &now);
		while (sent.count--)
			if (texts_find(&now, &type->attrs[sent.attr],
				       sent.values[sent.count]) == now.len)
				return false;
	}
	return true;
}

static int run_item(struct work *w, struct file_op *item, struct error *err)
{
	struct sv spooled;

	if (file_op_read(&w->m->s->export->ops, item, w->arena, &spooled, err) <
	    0)
		return -1;
	switch (item->kind) {
	case EXPORT_ADD:
		if (!w->present)
			add_record(w, spooled, item);
		else if (item->retry && carries(w, spooled, item))
			item->adopted = true;
		else
			(void)file_op_refuse(item, "cd-existing-object",
					     "there is a record with this "
					     "anchor already");
		break;
	case EXPORT_DELETE_ADD:
		add_record(w, spooled, item);
		break;
	case EXPORT_UPDATE:
		if (w->present)
			update_record(w, spooled, item);
		else
			(void)file_op_refuse(
				item, "cd-missing-object",
				"there is no record with this anchor");
		break;
	case EXPORT_DELETE:
		w->changed |= w->present;
		w->present = false;
		break;
	case EXPORT_RENAME:
		break;
	}
	return 0;
}

static int run_chain(struct work *w, struct file_op *first, struct error *err)
{
	struct file_op *item;

	first->met = true;
	for (item = first; item; item = item->next)
		if (run_item(w, item, err) < 0)
			return -1;
	w->m->t->changed |= w->changed;
	return 0;
}

/* The operations on a record's anchor, or NULL. */
static struct file_op *items_of(struct merge *m, const struct record *record,
				struct arena *arena)
{
	struct sv anchor;
	struct sv name;
	size_t type;
	size_t missing;

	if (!records_type(m->t->source, &m->layout, record, &type, &name) ||
	    !records_anchor(m->t->source, &m->layout, record, arena, &anchor,
			    &missing))
		return NULL;
	return file_ops_on(&m->s->export->ops, &m->t->objects, type, anchor,
			   arena);
}

/* --- writing ----------------------------------------------------------- */

static int put(struct merge *m, struct sv bytes, struct error *err)
{
	const struct record_format *format = m->t->source->format;

	if (!bytes.len)
		return 0;
	m->out.last = bytes.ptr[bytes.len - 1];
	return format->write ? format->write(&m->out, bytes, err)
			     : text_output_add(&m->out.to, bytes, err);
}

static int put_record(struct merge *m, struct sv lead, struct sv raw,
		      struct arena *arena, struct error *err)
{
	const struct record_format *format = m->t->source->format;

	if (format->before)
		lead = format->before(&m->out, lead, !m->out.count, arena);
	if (format->place)
		raw = format->place(&m->out, raw, arena);
	m->out.count++;
	return put(m, lead, err) < 0 ? -1 : put(m, raw, err);
}

static int put_head(struct merge *m, struct error *err)
{
	if (m->started)
		return 0;
	m->started = true;
	if (m->exists && m->reader.end_of_line)
		m->out.end_of_line = m->reader.end_of_line;
	return put(m, m->reader.head, err);
}

static int merge_record(struct merge *m, const struct record *record,
			struct arena *arena, struct error *err)
{
	struct file_op *items = items_of(m, record, arena);
	struct work work = {
		.m = m, .arena = arena, .raw = record->raw, .present = true
	};

	if (items && run_chain(&work, items, err) < 0)
		return -1;
	if (!work.present)
		return m->t->source->format->keeps_lead &&
				       sv_trim(record->lead).len
			       ? put(m, record->lead, err)
			       : 0;
	return put_record(m, record->lead, work.raw, arena, err);
}

static int append_records(struct merge *m, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_op **at;
	int ret = 0;

	vec_foreach(&m->t->objects.first, at) {
		struct work work = { .m = m, .arena = &scratch };

		if ((*at)->met)
			continue;
		ret = run_chain(&work, *at, err);
		if (ret == 0 && work.present)
			ret = put_record(m, SV_NULL, work.raw, &scratch, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

/* A record of a file of changes; without values it needs only the anchor. */
static int tell_change(struct merge *m, struct file_op *item,
		       enum outlet_word word, struct sv spooled,
		       struct arena *arena, struct error *err)
{
	const struct outlet *outlet = m->t->source->feed.outlet;
	const struct record nothing = { .parsed = true };
	struct work work = { .m = m, .arena = arena };
	struct sets sets;

	start_sets(&sets, &work, item);
	set_text(&sets, &work, outlet->change, NULL, outlet->words[word]);
	if (spooled.len)
		set_attrs(&sets, &work, &nothing, item, spooled);
	finish_sets(&sets, &work, &nothing);
	compose(&work, &sets, item);
	if (item->error)
		return 0;
	m->t->changed = true;
	return put_record(m, SV_NULL, work.raw, arena, err);
}

/* The record, or the two, that tell of an operation. */
static int tell_item(struct merge *m, struct file_op *item, struct arena *arena,
		     struct error *err)
{
	struct sv spooled;

	if (file_op_read(&m->s->export->ops, item, arena, &spooled, err) < 0)
		return -1;
	if ((item->kind == EXPORT_DELETE || item->kind == EXPORT_DELETE_ADD) &&
	    tell_change(m, item, OUTLET_DELETE, SV_NULL, arena, err) < 0)
		return -1;
	if (item->kind == EXPORT_DELETE || item->error)
		return 0;
	return tell_change(m, item,
			   item->kind == EXPORT_UPDATE ? OUTLET_MODIFY
						       : OUTLET_ADD,
			   spooled, arena, err);
}

/* A file of changes: operations in their order, nothing else. */
static int tell_changes(struct merge *m, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_op **at;
	struct file_op *item;
	int ret = 0;

	vec_foreach(&m->t->objects.first, at) {
		for (item = *at; item && ret == 0; item = item->next)
			ret = tell_item(m, item, &scratch, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

/* Bytes that are not of the encoding would not be written back. */
static int check_bytes(const struct merge *m, const struct record *record,
		       struct error *err)
{
	if (!m->reader.in.converting ||
	    (!memchr(record->raw.ptr, 0xFF, record->raw.len) &&
	     (!record->lead.len ||
	      !memchr(record->lead.ptr, 0xFF, record->lead.len))))
		return 0;
	return error_set(err, ERR_INVALID,
			 "'" SV_FMT "' line %zu: bytes that are not %s; "
			 "nothing was written",
			 SV_ARG(m->t->source->feed.name), record->line,
			 m->reader.in.encoding);
}

static int copy_records(struct merge *m, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct record record;
	int ret;

	while ((ret = records_file_next(&m->reader, true, &scratch, &record,
					err)) > 0) {
		if (put_head(m, err) < 0 || check_bytes(m, &record, err) < 0 ||
		    merge_record(m, &record, &scratch, err) < 0) {
			ret = -1;
			break;
		}
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

/* The line that `expect: trailer` wants, with the number of records. */
static int put_trailer(struct merge *m, struct error *err)
{
	struct sv line;
	int ret = feed_new_trailer(&m->t->source->feed,
				   m->exists ? &m->reader.in : NULL,
				   m->out.count, &m->arena, &line, err);

	if (ret <= 0)
		return ret;
	if (m->out.last != '\n' && put(m, sv_from(m->out.end_of_line), err) < 0)
		return -1;
	return put(m, line, err);
}

static int put_tail(struct merge *m, struct error *err)
{
	const struct record_format *format = m->t->source->format;
	struct sv tail = m->reader.tail;

	if (format->finish &&
	    format->finish(&m->out, &tail, &m->arena, err) < 0)
		return -1;
	return put(m, tail, err) < 0 ? -1 : put_trailer(m, err);
}

/* A new file in UTF-16 begins with a byte order mark. */
static bool wants_bom(const struct merge *m)
{
	const char *encoding = m->t->source->encoding;

	if (m->exists)
		return m->reader.in.bom;
	return encoding && sv_starts(sv_from(encoding), SV_LIT("UTF-16"));
}

static int begin(struct merge *m, struct error *err)
{
	const struct records_source *source = m->t->source;
	const struct record_format *format = source->format;
	int ret = 0;

	if (feed_tells_changes(&source->feed))
		m->reader.source = source;
	else
		ret = records_file_open(source, NULL, &m->layout, m->s->config,
					&m->reader, err);
	if (ret < 0)
		return -1;
	m->exists = ret > 0;
	m->out.source = source;
	m->out.reader = m->exists ? &m->reader : NULL;
	m->out.end_of_line = "\n";
	if (!m->exists && format->frame)
		format->frame(source, &m->arena, &m->reader.head,
			      &m->reader.tail);
	if (feed_replace(&source->feed, &m->s->export->ops.arena, &m->t->file,
			 &m->t->path, err) < 0)
		return -1;
	m->t->replacing = true;
	m->out.file = &m->t->file;
	if (format->write_begin)
		return format->write_begin(&m->out, err);
	return text_output_open(&m->out.to,
				m->exists ? m->reader.in.encoding
					  : source->encoding,
				wants_bom(m), m->t->file.stream, err);
}

static int end(struct merge *m, struct error *err)
{
	const struct record_format *format = m->t->source->format;

	if (put_head(m, err) < 0 ||
	    (feed_tells_changes(&m->t->source->feed)
		     ? tell_changes(m, err)
		     : append_records(m, err)) < 0 ||
	    put_tail(m, err) < 0)
		return -1;
	return format->write_end ? format->write_end(&m->out, err)
				 : text_output_flush(&m->out.to, err);
}

int records_merge(struct connector_session *s, struct records_target *t,
		  struct error *err)
{
	struct merge m = { .s = s, .t = t };
	int ret;

	records_layout_init(&m.layout, t->source, s->config, false, &m.arena);
	ret = begin(&m, err);
	if (ret == 0 && m.exists)
		ret = copy_records(&m, err);
	if (ret == 0)
		ret = end(&m, err);
	if (t->source->format->write_free)
		t->source->format->write_free(&m.out);
	text_output_close(&m.out.to);
	if (m.exists)
		records_file_close(&m.reader);
	else
		arena_release(&m.reader.arena);
	records_layout_release(&m.layout);
	arena_release(&m.arena);
	return ret;
}
