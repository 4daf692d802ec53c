/*
 * csv_export.c - export to delimited files, all at the end
 *
 * Operations are spooled as they come. At the end each file that they concern
 * streams row by row into its replacement: a row whose anchor an operation
 * names is changed or left out, all others are copied as they are; what was
 * not met is appended. Every replacement is complete before the first takes
 * its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"
#include "connectors/csv/csv_private.h"
#include "connectors/csv/csv_writer.h"
#include "connectors/format.h"
#include "connectors/spool.h"

#include <assert.h>
#include <string.h>

/* One operation; its values are [begin, end) of the spool. */
struct item {
	uint64_t id;
	enum export_kind kind;
	bool retry;
	size_t type;
	struct sv anchor;
	uint64_t begin;
	uint64_t end;
	struct item *next; /* of the same anchor */
	bool met;          /* its row was met in the file */
	bool adopted;
	const char *error;
	struct sv message;
};

/* A file that operations concern. */
struct target {
	const struct csv_source *source;
	bool opened;
	bool exists;
	bool changed;
	bool bom;
	struct csv_dialect dialect; /* as the file has it */
	struct csv_layout layout;   /* of the file as it is, or will be */
	size_t file_columns;        /* those that it has now */
	VEC(struct sv) names;       /* of all columns, new ones at the end */
	struct namemap *by_anchor;  /* type and folded anchor -> item */
	VEC(struct item *) items;
	iconv_t test; /* can a text be written in its encoding? */
	struct file_replace file;
	bool replacing;
};

struct csv_export {
	struct arena arena;
	struct spool spool;
	struct target *targets; /* one for each source */
	size_t target_count;
	VEC(struct item *) items;
	size_t given;
	bool done;
};

static void target_release(struct target *t)
{
	namemap_free(t->by_anchor);
	vec_release(&t->names);
	vec_release(&t->items);
	if (t->opened && t->dialect.encoding)
		(void)iconv_close(t->test);
	if (t->replacing)
		file_replace_abort(&t->file);
}

void csv_export_free(struct csv_export *ex)
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

int csv_export_begin(struct connector_session *s, struct error *err)
{
	struct csv_export *ex;
	size_t i;

	(void)err;
	csv_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	s->export = ex;
	ex->target_count = s->source_count;
	ex->targets =
		arena_array(&ex->arena, ex->target_count, sizeof(*ex->targets));
	for (i = 0; i < ex->target_count; i++)
		ex->targets[i].source = &s->sources[i];
	return 0;
}

static size_t column_of(const struct target *t, struct sv name)
{
	size_t i;

	for (i = 0; i < t->names.len; i++)
		if (sv_ieq(t->names.at[i], name))
			return i;
	return CSV_NO_COLUMN;
}

static size_t column_or_new(struct target *t, struct sv name)
{
	size_t column = column_of(t, name);

	if (column != CSV_NO_COLUMN)
		return column;
	vec_push(&t->names, name);
	return t->names.len - 1;
}

/* The columns of a file that is not there yet: anchor, type, attributes. */
static void plan_columns(const struct connector_session *s, struct target *t)
{
	const struct csv_source *source = t->source;
	size_t i;
	size_t j;

	for (i = 0; !source->header && i < source->column_count; i++)
		vec_push(&t->names, source->columns[i]);
	for (i = 0; i < source->anchor_count; i++)
		(void)column_or_new(t, source->anchors[i]);
	if (source->type == BY_COLUMN)
		(void)column_or_new(t, source->type_column);
	for (i = 0; i < s->config->type_count; i++) {
		const struct object_type *type = &s->config->types[i];

		if (source->type != BY_COLUMN && source->type != i)
			continue;
		for (j = 0; j < type->attr_count; j++)
			(void)column_or_new(t, sv_from(type->attrs[j].name));
	}
}

static int open_target(struct connector_session *s, struct target *t,
		       struct error *err)
{
	struct csv_reader reader;
	size_t i;
	int ret;

	if (t->opened)
		return 0;
	ret = csv_source_open(t->source, s->config, CSV_LAYOUT_EXPORT,
			      &s->export->arena, &reader, &t->layout, err);
	if (ret < 0)
		return -1;
	t->exists = ret > 0;
	t->dialect = t->exists ? reader.dialect : t->source->dialect;
	t->bom = t->exists ? reader.bom
			   : t->dialect.encoding &&
				     sv_starts(sv_from(t->dialect.encoding),
					       SV_LIT("UTF-16"));
	csv_reader_close(&reader);
	for (i = 0; i < t->layout.count; i++)
		vec_push(&t->names, t->layout.names[i]);
	if (!t->exists)
		plan_columns(s, t);
	t->file_columns = t->layout.count;
	if (t->dialect.encoding) {
		t->test = iconv_open(t->dialect.encoding, "UTF-8");
		if (t->test == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 t->dialect.encoding);
	}
	t->by_anchor = namemap_new(false);
	t->opened = true;
	return 0;
}

static struct target *target_of(struct connector_session *s, size_t type)
{
	size_t i;

	for (i = 0; i < s->export->target_count; i++) {
		struct target *t = &s->export->targets[i];

		if (t->source->type == type || t->source->type == BY_COLUMN)
			return t;
	}
	return NULL;
}

/* Text by which rows and operations meet. */
static struct sv anchor_key(const struct connector_session *s,
			    const struct target *t, size_t type,
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

static int refuse(struct item *item, const char *error, const char *message)
{
	item->error = error;
	item->message = sv_from(message);
	return -1;
}

static bool is_anchor(const struct target *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->source->anchor_count; i++)
		if (sv_ieq_str(t->source->anchors[i], name))
			return true;
	return false;
}

/* Part `i` of an anchor joined by "|". */
static struct sv anchor_part(struct sv anchor, size_t i, size_t count)
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

/* The text of an anchor column among an operation's attributes. */
static struct sv anchor_value(const struct connector_session *s,
			      const struct export_op *op, struct sv column,
			      struct arena *arena)
{
	const struct object_type *type = &s->config->types[op->type];
	size_t i;

	for (i = 0; i < op->attr_count; i++) {
		const struct attr_def *def = &type->attrs[op->attrs[i].attr];

		if (sv_ieq_str(column, def->name) && op->attrs[i].values.len)
			return format_value(&op->attrs[i].values.at[0], def,
					    FORMAT_PLAIN, arena);
	}
	return SV_NULL;
}

static int find_anchor(struct connector_session *s, const struct target *t,
		       const struct export_op *op, struct item *item)
{
	struct arena *arena = &s->export->arena;
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = t->source->anchor_count;
	const char *problem;
	size_t i;

	for (i = 0; i < count; i++) {
		struct sv part = op->anchor.len
					 ? anchor_part(op->anchor, i, count)
					 : anchor_value(s, op,
							t->source->anchors[i],
							arena);

		if (!part.len) {
			strbuf_release(&joined);
			return refuse(
				item, "missing-anchor-component",
				arena_printf(arena,
					     "the anchor '" SV_FMT
					     "' has no value",
					     SV_ARG(t->source->anchors[i])));
		}
		if (i)
			strbuf_addc(&joined, '|');
		strbuf_addsv(&joined, part);
	}
	item->anchor = arena_dup(arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	problem = csv_field_problem(&t->dialect, item->anchor);
	if (problem)
		return refuse(item, "invalid-attribute-value",
			      arena_printf(arena, "the anchor: %s", problem));
	return 0;
}

static void put_number(struct strbuf *out, uint64_t number)
{
	strbuf_add(out, &number, sizeof(number));
}

static uint64_t take_number(struct sv *in)
{
	uint64_t number;

	memcpy(&number, in->ptr, sizeof(number));
	*in = sv_sub(*in, sizeof(number), in->len);
	return number;
}

static struct sv take_text(struct sv *in)
{
	size_t len = (size_t)take_number(in);
	struct sv text = sv_sub(*in, 0, len);

	*in = sv_sub(*in, len, in->len);
	return text;
}

/* 0: the text can stand in the file; -1: the item is refused. */
static int check_text(struct connector_session *s, struct target *t,
		      const struct attr_def *def, struct sv text,
		      struct item *item)
{
	struct arena *arena = &s->export->arena;
	const char *problem = csv_field_problem(&t->dialect, text);

	if (problem)
		return refuse(
			item, "invalid-attribute-value",
			arena_printf(arena, "'%s': %s", def->name, problem));
	if (t->dialect.encoding && !csv_encodable(t->test, text))
		return refuse(item, "code-page-conversion",
			      arena_printf(arena,
					   "'%s' has characters that %s lacks",
					   def->name, t->dialect.encoding));
	if (def->multi && def->separator.len &&
	    memmem(text.ptr, text.len, def->separator.ptr, def->separator.len))
		return refuse(item, "invalid-attribute-value",
			      arena_printf(arena,
					   "a value of '%s' holds the "
					   "separator",
					   def->name));
	return 0;
}

static int write_attr(struct connector_session *s, struct target *t,
		      const struct attr_def *def,
		      const struct attr_change *change, struct strbuf *out,
		      struct item *item)
{
	struct arena scratch = ARENA_INIT;
	int ret = 0;
	size_t i;

	put_number(out, change->attr);
	put_number(out, change->op);
	put_number(out, change->values.len);
	for (i = 0; i < change->values.len && ret == 0; i++) {
		struct sv text = format_value(&change->values.at[i], def,
					      FORMAT_PLAIN, &scratch);

		ret = check_text(s, t, def, text, item);
		put_number(out, text.len);
		strbuf_addsv(out, text);
	}
	arena_release(&scratch);
	return ret;
}

/* An update must leave the anchor alone. */
static bool moves_anchor(const struct connector_session *s,
			 const struct target *t, const struct export_op *op,
			 const struct attr_change *change, struct arena *arena)
{
	const struct attr_def *def =
		&s->config->types[op->type].attrs[change->attr];
	size_t i;

	if (op->kind != EXPORT_UPDATE || !is_anchor(t, def->name))
		return false;
	for (i = 0; i < t->source->anchor_count; i++)
		if (sv_ieq_str(t->source->anchors[i], def->name) &&
		    change->op != ATTR_DELETE && change->values.len == 1)
			return !text_ieq(anchor_part(op->anchor, i,
						     t->source->anchor_count),
					 format_value(&change->values.at[0],
						      def, FORMAT_PLAIN,
						      arena));
	return true;
}

/* The operation's values, into the spool: count, then each attribute's. */
static int spool_op(struct connector_session *s, struct target *t,
		    const struct export_op *op, struct item *item,
		    struct strbuf *out)
{
	const struct object_type *type = &s->config->types[op->type];
	bool values = op->kind != EXPORT_DELETE;
	size_t i;

	if (op->kind == EXPORT_RENAME)
		return refuse(item, "cd-error",
			      "a row has no name that could be changed");
	put_number(out, values ? op->attr_count : 0);
	for (i = 0; values && i < op->attr_count; i++) {
		const struct attr_change *change = &op->attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];

		if (moves_anchor(s, t, op, change, &s->export->arena))
			return refuse(item, "modify-naming-attribute",
				      "the anchor of a row cannot be changed");
		if (change->values.len && !t->source->header &&
		    column_of(t, sv_from(def->name)) == CSV_NO_COLUMN)
			return refuse(item, "insufficient-columns",
				      arena_printf(&s->export->arena,
						   "the file has no header and "
						   "`columns` has no '%s'",
						   def->name));
		if (change->values.len)
			(void)column_or_new(t, sv_from(def->name));
		if (write_attr(s, t, def, change, out, item) < 0)
			return -1;
	}
	return 0;
}

static void chain(struct connector_session *s, struct target *t,
		  struct item *item)
{
	struct arena scratch = ARENA_INIT;
	struct sv key = anchor_key(s, t, item->type, item->anchor, &scratch);
	uint64_t at;

	if (namemap_get(t->by_anchor, key, &at)) {
		struct item *first = t->items.at[at];

		while (first->next)
			first = first->next;
		first->next = item;
	} else {
		namemap_put(t->by_anchor, key, t->items.len);
		vec_push(&t->items, item);
	}
	arena_release(&scratch);
}

int csv_export_put(struct connector_session *s, const struct export_op *op,
		   struct error *err)
{
	struct csv_export *ex = s->export;
	struct item *item = arena_zalloc(&ex->arena, sizeof(*item));
	struct target *t = target_of(s, op->type);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;

	item->id = op->id;
	item->kind = op->kind;
	item->retry = op->retry;
	item->type = op->type;
	vec_push(&ex->items, item);
	if (!t) {
		(void)refuse(item, "no-export-to-this-object-type",
			     "no file is set for objects of this type");
		return 0;
	}
	if (open_target(s, t, err) < 0)
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

/* One row while operations are applied to it. */
struct work {
	struct connector_session *s;
	struct target *t;
	struct arena *arena;
	struct sv *cells; /* of all columns */
	bool present;
	bool changed;
};

static bool same_text(const struct attr_def *def, struct sv a, struct sv b)
{
	return def->match == MATCH_EXACT ? sv_eq(a, b) : text_ieq(a, b);
}

static void push_value(struct arena *arena, struct sv **values, size_t *count,
		       struct sv value)
{
	struct sv *more = arena_array(arena, *count + 1, sizeof(*more));

	if (*count)
		memcpy(more, *values, *count * sizeof(*more));
	more[(*count)++] = value;
	*values = more;
}

/* The values that a row has of an attribute, from all columns of its name. */
static size_t cell_values(const struct work *w, const struct attr_def *def,
			  struct sv **out)
{
	struct sv separator = def->separator;
	size_t count = 0;
	size_t column;

	*out = NULL;
	for (column = 0; column < w->t->names.len; column++) {
		struct sv text = w->cells[column];
		const char *hit;

		if (!sv_ieq_str(w->t->names.at[column], def->name))
			continue;
		if (w->t->dialect.null.len && sv_eq(text, w->t->dialect.null))
			continue;
		while (def->multi && separator.len && text.len &&
		       (hit = memmem(text.ptr, text.len, separator.ptr,
				     separator.len))) {
			size_t at = (size_t)(hit - text.ptr);
			struct sv part = sv_trim(sv_sub(text, 0, at));

			if (part.len)
				push_value(w->arena, out, &count, part);
			text = sv_sub(text, at + separator.len, text.len);
		}
		if (def->multi && separator.len)
			text = sv_trim(text);
		if (text.len)
			push_value(w->arena, out, &count, text);
	}
	return count;
}

static struct sv join_values(const struct work *w, const struct attr_def *def,
			     const struct sv *values, size_t count)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text;
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			strbuf_addsv(&joined, def->separator);
		strbuf_addsv(&joined, values[i]);
	}
	text = arena_dup(w->arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return text;
}

static void set_cell(struct work *w, size_t column, struct sv text)
{
	if (sv_eq(w->cells[column], text))
		return;
	w->cells[column] = text;
	w->changed = true;
}

/* Puts the values into the columns of the attribute; 0, or -1 when there are
 * not enough. */
static int set_values(struct work *w, const struct attr_def *def,
		      const struct sv *values, size_t count, struct item *item)
{
	size_t used = 0;
	size_t column;

	if (def->separator.len && def->multi && count > 1) {
		struct sv *joined = arena_array(w->arena, 1, sizeof(*joined));

		*joined = join_values(w, def, values, count);
		values = joined;
		count = 1;
	}
	for (column = 0; column < w->t->names.len; column++) {
		if (!sv_ieq_str(w->t->names.at[column], def->name))
			continue;
		set_cell(w, column, used < count ? values[used] : SV_NULL);
		used++;
	}
	if (used >= count)
		return 0;
	return refuse(item, "insufficient-columns",
		      arena_printf(&w->s->export->arena,
				   "%zu values of '%s', but %zu columns; set a "
				   "separator for the attribute",
				   count, def->name, used));
}

/* Reads the next attribute of a spooled operation. */
static size_t take_attr(struct sv *in, struct arena *arena, size_t *attr,
			enum attr_op *op, struct sv **values)
{
	size_t count;
	size_t i;

	*attr = (size_t)take_number(in);
	*op = (enum attr_op)take_number(in);
	count = (size_t)take_number(in);
	*values = arena_array(arena, count, sizeof(**values));
	for (i = 0; i < count; i++)
		(*values)[i] = take_text(in);
	return count;
}

static size_t find_value(const struct attr_def *def, const struct sv *values,
			 size_t count, struct sv value)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same_text(def, values[i], value))
			return i;
	return count;
}

static int apply_attr(struct work *w, const struct attr_def *def,
		      enum attr_op op, const struct sv *values, size_t count,
		      struct item *item)
{
	struct sv *now = NULL;
	size_t have = 0;
	size_t i;
	size_t at;

	if (op != ATTR_REPLACE)
		have = cell_values(w, def, &now);
	for (i = 0; i < count; i++) {
		at = find_value(def, now, have, values[i]);
		if (op == ATTR_DELETE && at < have)
			now[at] = now[--have];
		else if (op != ATTR_DELETE && at < have)
			now[at] = values[i];
		else if (op != ATTR_DELETE)
			push_value(w->arena, &now, &have, values[i]);
	}
	return set_values(w, def, now, have, item);
}

/* Values go before others come. */
static int apply_values(struct work *w, struct sv spooled, struct item *item)
{
	const struct object_type *type = &w->s->config->types[item->type];
	int pass;

	for (pass = 0; pass < 2; pass++) {
		struct sv in = spooled;
		size_t count = (size_t)take_number(&in);

		while (count--) {
			enum attr_op op;
			struct sv *values;
			size_t attr;
			size_t n =
				take_attr(&in, w->arena, &attr, &op, &values);

			if ((op == ATTR_DELETE) == (pass == 0) &&
			    apply_attr(w, &type->attrs[attr], op, values, n,
				       item) < 0)
				return -1;
		}
	}
	return 0;
}

/* Does the row have each value that the add sent? */
static bool carries(const struct work *w, struct sv spooled,
		    const struct item *item)
{
	const struct object_type *type = &w->s->config->types[item->type];
	size_t count = (size_t)take_number(&spooled);

	while (count--) {
		const struct attr_def *def;
		enum attr_op op;
		struct sv *values;
		struct sv *now;
		size_t attr;
		size_t n = take_attr(&spooled, w->arena, &attr, &op, &values);
		size_t have;

		def = &type->attrs[attr];
		have = cell_values(w, def, &now);
		while (n--)
			if (find_value(def, now, have, values[n]) == have)
				return false;
	}
	return true;
}

static int add_row(struct work *w, struct sv spooled, struct item *item)
{
	const struct csv_source *source = w->t->source;
	size_t i;

	memset(w->cells, 0, w->t->names.len * sizeof(*w->cells));
	for (i = 0; i < source->anchor_count; i++)
		w->cells[column_of(w->t, source->anchors[i])] =
			anchor_part(item->anchor, i, source->anchor_count);
	if (source->type == BY_COLUMN)
		w->cells[column_of(w->t, source->type_column)] =
			sv_from(w->s->config->types[item->type].name);
	w->changed = true;
	w->present = true;
	return apply_values(w, spooled, item);
}

static int run_item(struct work *w, struct item *item, struct error *err)
{
	struct csv_export *ex = w->s->export;
	size_t columns = w->t->names.len;
	struct sv *before = arena_array(w->arena, columns, sizeof(*before));
	bool present = w->present;
	bool changed = w->changed;
	struct sv spooled;

	if (spool_read(&ex->spool, item->begin, item->end, w->arena, &spooled,
		       err) < 0)
		return -1;
	memcpy(before, w->cells, columns * sizeof(*before));
	switch (item->kind) {
	case EXPORT_ADD:
		if (!w->present)
			(void)add_row(w, spooled, item);
		else if (item->retry && carries(w, spooled, item))
			item->adopted = true;
		else
			(void)refuse(item, "cd-existing-object",
				     "there is a row with this anchor already");
		break;
	case EXPORT_DELETE_ADD:
		(void)add_row(w, spooled, item);
		break;
	case EXPORT_UPDATE:
		if (w->present)
			(void)apply_values(w, spooled, item);
		else
			(void)refuse(item, "cd-missing-object",
				     "there is no row with this anchor");
		break;
	case EXPORT_DELETE:
		w->changed |= w->present;
		w->present = false;
		break;
	case EXPORT_RENAME:
		break;
	}
	if (item->error) { /* it did nothing */
		memcpy(w->cells, before, columns * sizeof(*before));
		w->present = present;
		w->changed = changed;
	}
	return 0;
}

static int run_chain(struct work *w, struct item *first, struct error *err)
{
	struct item *item;

	first->met = true;
	for (item = first; item; item = item->next)
		if (run_item(w, item, err) < 0)
			return -1;
	w->t->changed |= w->changed;
	return 0;
}

/* The operations on a row's anchor, or NULL. */
static struct item *items_of_row(struct connector_session *s, struct target *t,
				 const struct csv_row *row, struct arena *arena)
{
	struct sv anchor;
	uint64_t at;
	size_t type;
	size_t missing;

	if (row->error || !csv_row_type(s, t->source, &t->layout, row, &type) ||
	    !csv_row_anchor(t->source, &t->layout, row, arena, &anchor,
			    &missing) ||
	    !namemap_get(t->by_anchor, anchor_key(s, t, type, anchor, arena),
			 &at))
		return NULL;
	return t->items.at[at];
}

static int write_missing_newline(struct csv_writer *out, struct sv raw,
				 struct error *err)
{
	if (raw.len && raw.ptr[raw.len - 1] == '\n')
		return 0;
	return csv_write_text(out, sv_from(out->end_of_line), err);
}

/* A row that stays: as it is, with empty fields for columns that are new. */
static int keep_row(struct target *t, const struct csv_row *row,
		    struct csv_writer *out, struct error *err)
{
	struct sv raw = row->raw;
	size_t i;

	if (csv_write_text(out, row->lead, err) < 0)
		return -1;
	if (t->names.len == t->file_columns || row->error ||
	    row->count != t->file_columns)
		return csv_write_text(out, raw, err) < 0
			       ? -1
			       : write_missing_newline(out, raw, err);
	while (raw.len &&
	       (raw.ptr[raw.len - 1] == '\n' || raw.ptr[raw.len - 1] == '\r'))
		raw.len--;
	if (csv_write_text(out, raw, err) < 0)
		return -1;
	for (i = t->file_columns; i < t->names.len; i++)
		if (csv_write_text(out, sv_make(&t->dialect.delimiter, 1),
				   err) < 0)
			return -1;
	return csv_write_text(out, sv_from(out->end_of_line), err);
}

static int write_row(struct connector_session *s, struct target *t,
		     const struct csv_row *row, struct arena *arena,
		     struct csv_writer *out, struct error *err)
{
	struct item *items = items_of_row(s, t, row, arena);
	struct work work = { .s = s, .t = t, .arena = arena, .present = true };
	size_t i;

	if (!items)
		return keep_row(t, row, out, err);
	work.cells = arena_array(arena, t->names.len, sizeof(*work.cells));
	for (i = 0; i < row->count && i < t->file_columns; i++)
		work.cells[i] = row->fields[i];
	if (run_chain(&work, items, err) < 0)
		return -1;
	if (!work.present)
		return 0;
	if (!work.changed)
		return keep_row(t, row, out, err);
	return csv_write_row(out, work.cells, t->names.len, err);
}

static int append_rows(struct connector_session *s, struct target *t,
		       struct csv_writer *out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct item **at;
	int ret = 0;

	vec_foreach(&t->items, at) {
		struct work work = { .s = s, .t = t, .arena = &scratch };

		if ((*at)->met)
			continue;
		work.cells = arena_array(&scratch, t->names.len,
					 sizeof(*work.cells));
		ret = run_chain(&work, *at, err);
		if (ret == 0 && work.present)
			ret = csv_write_row(out, work.cells, t->names.len, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

static int copy_rows(struct connector_session *s, struct target *t,
		     struct csv_reader *in, struct csv_writer *out,
		     struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct csv_row row;
	int ret;

	while ((ret = csv_reader_next(in, &scratch, &row, err)) > 0) {
		if (in->converting && memchr(row.raw.ptr, 0xFF, row.raw.len))
			ret = error_set(err, ERR_INVALID,
					"'" SV_FMT "' line %zu: bytes that are "
					"not %s; nothing was written",
					SV_ARG(t->source->name), row.line,
					t->dialect.encoding);
		else
			ret = write_row(s, t, &row, &scratch, out, err);
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	return ret;
}

/* Reads the header again and writes the one of the replacement. */
static int start_rows(struct connector_session *s, struct target *t,
		      struct csv_reader *in, struct csv_writer *out,
		      struct error *err)
{
	struct csv_layout layout;
	struct sv raw;
	int ret = csv_source_open(t->source, s->config, CSV_LAYOUT_EXPORT,
				  &s->export->arena, in, &layout, err);
	size_t i;

	if (ret < 0)
		return -1;
	if ((ret > 0) != t->exists || layout.count != t->file_columns)
		return error_set(err, ERR_CONFLICT,
				 "'" SV_FMT "' was changed by somebody else "
				 "during the export",
				 SV_ARG(t->source->name));
	for (i = 0; i < layout.count; i++)
		if (!sv_eq(layout.names[i], t->names.at[i]))
			return error_set(err, ERR_CONFLICT,
					 "the columns of '" SV_FMT
					 "' were changed by somebody else "
					 "during the export",
					 SV_ARG(t->source->name));
	raw = sv_make(in->buffer, in->at);
	if (t->exists && raw.len > 1 && raw.ptr[raw.len - 2] == '\r')
		out->end_of_line = "\r\n";
	if (!t->source->header)
		return 0;
	if (!t->exists || t->names.len != t->file_columns)
		return csv_write_row(out, t->names.at, t->names.len, err);
	if (csv_write_text(out, raw, err) < 0)
		return -1;
	return write_missing_newline(out, raw, err);
}

/* Writes the replacement of a file; it does not take its place yet. */
static int write_target(struct connector_session *s, struct target *t,
			struct error *err)
{
	struct csv_reader in = { .fd = -1 };
	struct csv_writer out = { .to = NULL };
	int ret;

	if (spool_replace(&t->file, t->source->path, err) < 0)
		return -1;
	t->replacing = true;
	ret = csv_writer_open(&out, &t->dialect, t->bom, t->file.stream, err);
	if (ret == 0)
		ret = start_rows(s, t, &in, &out, err);
	if (ret == 0 && t->exists)
		ret = copy_rows(s, t, &in, &out, err);
	if (ret == 0)
		ret = append_rows(s, t, &out, err);
	if (ret == 0)
		ret = csv_writer_flush(&out, err);
	csv_reader_close(&in);
	csv_writer_close(&out);
	return ret;
}

int csv_export_end(struct connector_session *s, struct error *err)
{
	struct csv_export *ex = s->export;
	size_t i;

	if (ex->done)
		return 0;
	if (ex->items.len && spool_flush(&ex->spool, err) < 0)
		return -1;
	for (i = 0; i < ex->target_count; i++)
		if (ex->targets[i].items.len &&
		    write_target(s, &ex->targets[i], err) < 0)
			return -1;
	for (i = 0; i < ex->target_count; i++) {
		struct target *t = &ex->targets[i];

		if (!t->replacing || !t->changed)
			continue;
		t->replacing = false;
		if (file_replace_commit(&t->file, err) < 0)
			return -1;
	}
	ex->done = true;
	return 0;
}

int csv_export_result(struct connector_session *s, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err)
{
	struct csv_export *ex = s->export;
	const struct item *item;

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
