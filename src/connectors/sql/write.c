/*
 * write.c - one operation as statements
 *
 * Of an update the changed columns only are written. The rows of child tables
 * are written behind their object, and taken away before it. What is in a
 * statement depends on the columns alone, so that its text is built once and
 * the database prepares it once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/export.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Columns of a statement, and what is bound for them. */
struct cells {
	const struct sql_column **columns;
	struct sql_param *params;
	size_t count;
	bool returning; /* an INSERT tells the anchor */
};

int sql_refuse(struct sql_job *job, struct arena *arena, const char *code,
	       const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	job->outcome.ok = false;
	job->outcome.error = code;
	job->outcome.message = arena_dup(arena, sv_from(text));
	job->done = true;
	return 0;
}

void sql_unrefuse(struct sql_job *job)
{
	memset(&job->outcome, 0, sizeof(job->outcome));
	job->done = false;
}

static int missing(struct sql_job *job, struct arena *arena)
{
	return sql_refuse(job, arena, "cd-missing-object",
			  "there is no row of this anchor");
}

bool sql_is_reference(const struct sql_job *job,
		      const struct attr_change *change)
{
	return job->writer->type->attrs[change->attr].type == VALUE_REFERENCE &&
	       change->values.len;
}

static bool is_held(const struct sql_job *job, const struct attr_change *change)
{
	return job->hold && sql_is_reference(job, change);
}

/* ---- texts ---- */

void sql_add_source(struct strbuf *sql, const struct sql_writer *writer,
		    const struct sql_dialect *dialect)
{
	if (writer->table)
		sql_add_table_of(sql, dialect, writer->table);
	else
		strbuf_addf(sql, "(" SV_FMT ") t",
			    SV_ARG(writer->source->query));
}

static void add_anchor_name(struct strbuf *sql, const struct sql_writer *writer,
			    const struct sql_dialect *dialect, size_t i)
{
	sql_add_name(sql, dialect,
		     writer->anchors[i] ? sv_from(writer->anchors[i]->name)
					: writer->source->anchors[i]);
}

void sql_add_where(struct strbuf *sql, const struct sql_writer *writer,
		   const struct sql_dialect *dialect, size_t number)
{
	size_t i;

	for (i = 0; i < writer->source->anchor_count; i++) {
		strbuf_adds(sql, i ? " AND " : " WHERE ");
		add_anchor_name(sql, writer, dialect, i);
		strbuf_adds(sql, " = ");
		sql_add_marker(sql, dialect, number + i);
	}
}

static void add_anchor_names(struct strbuf *sql,
			     const struct sql_writer *writer,
			     const struct sql_dialect *dialect,
			     const char *prefix)
{
	size_t i;

	for (i = 0; i < writer->source->anchor_count; i++) {
		strbuf_addf(sql, "%s%s", i ? ", " : "", prefix);
		add_anchor_name(sql, writer, dialect, i);
	}
}

static void build_insert(const struct sql_writer *writer,
			 const struct sql_dialect *dialect, const void *data,
			 struct strbuf *sql)
{
	const struct cells *cells = data;
	size_t i;

	strbuf_adds(sql, "INSERT INTO ");
	sql_add_table_of(sql, dialect, writer->table);
	strbuf_adds(sql, cells->count ? " (" : "");
	for (i = 0; i < cells->count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_name(sql, dialect, sv_from(cells->columns[i]->name));
	}
	strbuf_adds(sql, cells->count ? ")" : "");
	if (cells->returning && dialect->returning == SQL_RETURNING_OUTPUT) {
		strbuf_adds(sql, " OUTPUT ");
		add_anchor_names(sql, writer, dialect, "inserted.");
	}
	strbuf_adds(sql, cells->count ? " VALUES (" : " DEFAULT VALUES");
	for (i = 0; i < cells->count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_marker(sql, dialect, i + 1);
	}
	strbuf_adds(sql, cells->count ? ")" : "");
	if (cells->returning && dialect->returning == SQL_RETURNING_CLAUSE) {
		strbuf_adds(sql, " RETURNING ");
		add_anchor_names(sql, writer, dialect, "");
	}
}

static void build_update(const struct sql_writer *writer,
			 const struct sql_dialect *dialect, const void *data,
			 struct strbuf *sql)
{
	const struct cells *cells = data;
	size_t i;

	strbuf_adds(sql, "UPDATE ");
	sql_add_table_of(sql, dialect, writer->table);
	for (i = 0; i < cells->count; i++) {
		strbuf_adds(sql, i ? ", " : " SET ");
		sql_add_name(sql, dialect, sv_from(cells->columns[i]->name));
		strbuf_adds(sql, " = ");
		sql_add_marker(sql, dialect, i + 1);
	}
	sql_add_where(sql, writer, dialect, cells->count + 1);
}

static void build_delete(const struct sql_writer *writer,
			 const struct sql_dialect *dialect, const void *data,
			 struct strbuf *sql)
{
	(void)data;
	strbuf_adds(sql, "DELETE FROM ");
	sql_add_table_of(sql, dialect, writer->table);
	sql_add_where(sql, writer, dialect, 1);
}

static void build_look(const struct sql_writer *writer,
		       const struct sql_dialect *dialect, const void *data,
		       struct strbuf *sql)
{
	(void)data;
	strbuf_adds(sql, "SELECT 1 FROM ");
	sql_add_source(sql, writer, dialect);
	sql_add_where(sql, writer, dialect, 1);
}

/* What is done to the rows of a child table. */
struct child_sql {
	const struct sql_child_place *place;
	const struct sql_column *value; /* NULL: all of the attribute */
	bool insert;
	bool named; /* of one attribute, where the table has several */
};

static void build_child(const struct sql_writer *writer,
			const struct sql_dialect *dialect, const void *data,
			struct strbuf *sql)
{
	const struct child_sql *how = data;
	const struct sql_child_place *place = how->place;
	size_t keys = place->child->key_count;
	size_t count = 0;
	size_t i;

	(void)writer;
	strbuf_adds(sql, how->insert ? "INSERT INTO " : "DELETE FROM ");
	sql_add_table_of(sql, dialect, place->table);
	for (i = 0; i < keys + 2; i++) {
		const struct sql_column *column = i < keys     ? place->keys[i]
						  : i > keys   ? how->value
						  : how->named ? place->name
							       : NULL;

		if (!column)
			continue;
		if (how->insert)
			strbuf_adds(sql, count ? ", " : " (");
		else
			strbuf_adds(sql, count ? " AND " : " WHERE ");
		sql_add_name(sql, dialect, sv_from(column->name));
		count++;
		if (how->insert)
			continue;
		strbuf_adds(sql, " = ");
		sql_add_marker(sql, dialect, count);
	}
	for (i = 0; how->insert && i < count; i++) {
		strbuf_adds(sql, i ? ", " : ") VALUES (");
		sql_add_marker(sql, dialect, i + 1);
	}
	strbuf_adds(sql, how->insert ? ")" : "");
}

/* ---- statements of a batch ---- */

static void push(struct sql_batch *batch, struct sql_job *job, const char *sql,
		 const struct sql_param *params, size_t count,
		 struct sql_step step)
{
	struct sql_run run = { .sql = sql,
			       .params = params,
			       .param_count = count,
			       .one = step.one };

	step.job = job;
	vec_push(&batch->runs, run);
	vec_push(&batch->steps, step);
}

struct sql_param sql_anchor_param(const struct sql_job *job, size_t part,
				  struct arena *arena)
{
	const struct sql_column *column = job->writer->anchors[part];

	return (struct sql_param){
		sql_text_write(column, job->parts[part], arena), column
	};
}

/* The cells' parameters, and the anchor's behind them. */
static struct sql_param *with_anchor(const struct sql_job *job,
				     const struct cells *cells,
				     struct arena *arena, size_t *count_out)
{
	size_t parts = job->writer->source->anchor_count;
	struct sql_param *all =
		arena_array(arena, cells->count + parts, sizeof(*all));
	size_t i;

	if (cells->count)
		memcpy(all, cells->params, cells->count * sizeof(*all));
	for (i = 0; i < parts; i++)
		all[cells->count + i] = sql_anchor_param(job, i, arena);
	*count_out = cells->count + parts;
	return all;
}

/* 'k', then the columns by their places in the table. */
static const char *text_of_cells(struct connector_session *session,
				 struct sql_writer *writer, char kind,
				 const struct cells *cells, sql_build_fn build)
{
	struct strbuf key = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *text;
	size_t i;

	strbuf_addc(&key, kind);
	for (i = 0; i < cells->count; i++)
		strbuf_addf(&key, " %td",
			    cells->columns[i] - writer->table->columns);
	strbuf_adds(&key, cells->returning ? " R" : "");
	text = sql_writer_text(writer, session->link->dialect, strbuf_sv(&key),
			       build, cells);
	strbuf_release(&key);
	return text;
}

static void add_cell(struct cells *cells, const struct sql_column *column,
		     struct sv value)
{
	cells->columns[cells->count] = column;
	cells->params[cells->count++] = (struct sql_param){ value, column };
}

static struct cells new_cells(size_t most, struct arena *arena)
{
	struct cells cells = { .count = 0 };

	cells.columns = arena_array(arena, most + 1, sizeof(*cells.columns));
	cells.params = arena_array(arena, most + 1, sizeof(*cells.params));
	return cells;
}

/* ---- values ---- */

static bool holds(struct sv text, struct sv piece)
{
	return piece.len &&
	       memmem(text.ptr, text.len, piece.ptr, piece.len) != NULL;
}

int sql_column_text(struct connector_session *session, struct sql_job *job,
		    const struct attr_def *def, const struct sql_column *column,
		    const struct values *values, struct arena *arena,
		    struct sv *out)
{
	struct sv separator = def->multi ? def->separator : SV_NULL;
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	*out = SV_NULL;
	if (values->len > 1 && !separator.len)
		return sql_refuse(job, arena, "insufficient-columns",
				  "'%s' has %zu values and its column takes "
				  "one; set a separator under attributes, or a "
				  "table under values",
				  def->name, values->len);
	for (i = 0; i < values->len; i++) {
		*out = sql_value_write(session, column, def, &values->at[i],
				       arena);
		if (holds(*out, separator)) {
			strbuf_release(&all);
			return sql_refuse(job, arena, "invalid-attribute-value",
					  "a value of '%s' has the separator "
					  "in it",
					  def->name);
		}
		strbuf_addsv(&all, i ? separator : SV_NULL);
		strbuf_addsv(&all, *out);
	}
	if (values->len > 1)
		*out = arena_dup(arena, strbuf_sv(&all));
	strbuf_release(&all);
	return 1;
}

static const struct attr_change *change_of(const struct sql_job *job,
					   size_t attr)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->op.attrs[i].attr == attr)
			return &job->op.attrs[i];
	return NULL;
}

/* ---- a row as it is ---- */

struct current {
	bool read;
	const struct sql_column *columns; /* names and kinds */
	size_t count;
	struct sv *cells;
};

/* 1 read, 0 there is none, -1 */
static int read_current(struct connector_session *session, struct sql_job *job,
			struct sql_batch *batch, struct current *row,
			struct sql_failure *failure, struct error *err)
{
	struct cells none = { .count = 0 };
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_column *columns;
	struct sql_rows *rows;
	const struct sv *cells;
	size_t broken;
	size_t count;
	size_t i;
	int ret;

	strbuf_adds(&sql, "SELECT * FROM ");
	sql_add_source(&sql, job->writer, session->link->dialect);
	sql_add_where(&sql, job->writer, session->link->dialect, 1);
	none.params = with_anchor(job, &none, &batch->arena, &count);
	ret = session->driver->query(session->link, strbuf_cstr(&sql),
				     none.params, count, &rows, failure, err);
	strbuf_release(&sql);
	if (ret < 0)
		return -1;
	ret = session->driver->fetch(rows, &cells, &broken, err);
	if (ret > 0) {
		row->columns = session->driver->columns(rows, &row->count);
		columns = arena_array(&batch->arena, row->count,
				      sizeof(*columns));
		row->cells = arena_array(&batch->arena, row->count,
					 sizeof(*row->cells));
		for (i = 0; i < row->count; i++) {
			columns[i] = row->columns[i];
			columns[i].name = arena_cstr(
				&batch->arena, sv_from(row->columns[i].name));
			if (cells[i].ptr)
				row->cells[i] =
					arena_dup(&batch->arena, cells[i]);
		}
		row->columns = columns;
		row->read = true;
	}
	session->driver->rows_close(rows);
	return ret;
}

static struct sv current_cell(const struct current *row, struct sv name)
{
	size_t i;

	for (i = 0; i < row->count; i++)
		if (sv_ieq_str(name, row->columns[i].name))
			return row->cells[i];
	return SV_NULL;
}

static size_t split(struct sv text, struct sv separator, struct arena *arena,
		    struct sv **out)
{
	size_t count = 0;
	size_t at = 0;

	*out = arena_array(arena, text.len + 2, sizeof(**out));
	while (text.len && at <= text.len) {
		const char *end = memmem(text.ptr + at, text.len - at,
					 separator.ptr, separator.len);
		size_t to = end ? (size_t)(end - text.ptr) : text.len;

		(*out)[count++] = sv_trim(sv_sub(text, at, to));
		at = to + separator.len;
	}
	return count;
}

static bool among(const struct sv *list, size_t count, struct sv text)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sv_eq(list[i], text))
			return true;
	return false;
}

/* What a column with several values is after some come or go. */
static struct sv merge(struct connector_session *session,
		       const struct attr_def *def,
		       const struct sql_column *column,
		       const struct attr_change *change, struct sv now,
		       struct arena *arena)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv *mine =
		arena_array(arena, change->values.len + 1, sizeof(*mine));
	struct sv *there;
	size_t count = split(now, def->separator, arena, &there);
	struct sv out = SV_NULL;
	size_t i;

	for (i = 0; i < change->values.len; i++)
		mine[i] = sql_value_write(session, column, def,
					  &change->values.at[i], arena);
	for (i = 0; i < count; i++) {
		if (change->op == ATTR_DELETE &&
		    among(mine, change->values.len, there[i]))
			continue;
		strbuf_addsv(&all, all.len ? def->separator : SV_NULL);
		strbuf_addsv(&all, there[i]);
	}
	for (i = 0; change->op == ATTR_ADD && i < change->values.len; i++) {
		if (among(there, count, mine[i]))
			continue;
		strbuf_addsv(&all, all.len ? def->separator : SV_NULL);
		strbuf_addsv(&all, mine[i]);
	}
	if (all.len)
		out = arena_dup(arena, strbuf_sv(&all));
	strbuf_release(&all);
	return out;
}

/* It changes a part of what a column has. */
static bool is_partial(const struct sql_job *job,
		       const struct attr_change *change)
{
	const struct attr_def *def = &job->writer->type->attrs[change->attr];

	return def->multi && def->separator.len && change->op != ATTR_REPLACE;
}

/* One change more of what a column is to have: 1; 0 refused. */
static int change_text(struct connector_session *session, struct sql_job *job,
		       const struct attr_change *change,
		       const struct sql_column *column, struct arena *arena,
		       struct sv *text)
{
	const struct attr_def *def = &job->writer->type->attrs[change->attr];
	struct sv own;

	if (!sql_column_text(session, job, def, column, &change->values, arena,
			     &own))
		return 0;
	if (is_partial(job, change))
		*text = merge(session, def, column, change, *text, arena);
	else if (change->op != ATTR_DELETE)
		*text = own;
	return 1;
}

/* What the operation leaves in the attribute's column: 1; 0 refused. */
static int changed_text(struct connector_session *session, struct sql_job *job,
			size_t attr, const struct sql_column *column,
			const struct current *row, struct arena *arena,
			struct sv *out)
{
	const char *name = job->writer->type->attrs[attr].name;
	bool first = true;
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];

		if (change->attr != attr || is_held(job, change))
			continue;
		if (first && row->read && is_partial(job, change))
			*out = current_cell(row, sv_from(name));
		first = false;
		if (!change_text(session, job, change, column, arena, out))
			return 0;
	}
	return 1;
}

/* A change before this one is of the same attribute. */
static bool is_told(const struct sql_job *job, size_t at)
{
	return change_of(job, job->op.attrs[at].attr) != &job->op.attrs[at];
}

/* ---- own statements ---- */

/* What of a row an own statement needs that the operation does not have. */
static bool needs_current(const struct sql_job *job, const struct sql_own *own)
{
	size_t i;

	for (i = 0; i < own->param_count; i++) {
		const struct sql_own_param *param = &own->params[i];
		const struct attr_change *change;

		if (param->kind != SQL_OWN_ATTR ||
		    job->writer->attrs[param->index].anchor >= 0)
			continue;
		change = change_of(job, param->index);
		if (!change || is_held(job, change) || is_partial(job, change))
			return true;
	}
	return false;
}

/* 1, or 0 refused */
static int own_value(struct connector_session *session, struct sql_job *job,
		     const struct sql_own_param *param,
		     const struct current *row, struct arena *arena,
		     struct sv *out)
{
	const struct attr_change *change;
	int part = (int)param->index;

	*out = SV_NULL;
	if (param->kind == SQL_OWN_WHOLE_ANCHOR) {
		*out = job->has_anchor ? job->anchor : SV_NULL;
		return 1;
	}
	if (param->kind == SQL_OWN_ATTR) {
		part = job->writer->attrs[param->index].anchor;
		change = change_of(job, param->index);
		if (change && !is_held(job, change) && part < 0)
			return changed_text(session, job, param->index,
					    param->column, row, arena, out);
		if (part < 0) {
			*out = current_cell(
				row,
				sv_from(job->writer->type->attrs[param->index]
						.name));
			return 1;
		}
	}
	if (job->has_anchor)
		*out = sql_text_write(param->column, job->parts[part], arena);
	return 1;
}

/* 1 in the batch, 0 it has its outcome, -1 */
static int write_own(struct connector_session *session, struct sql_job *job,
		     const struct sql_own *own, bool is_new,
		     struct sql_batch *batch, struct sql_failure *failure,
		     struct error *err)
{
	struct sql_step step = { .want = SQL_WANT_OWN, .insert = is_new };
	struct current row = { .read = false };
	struct sql_param *params;
	size_t i;
	int ret;

	if (!is_new && needs_current(job, own)) {
		ret = read_current(session, job, batch, &row, failure, err);
		if (ret < 0)
			return -1;
		if (!ret && job->op.kind == EXPORT_UPDATE)
			return missing(job, &batch->arena);
		if (!ret)
			return 1; /* nothing is to be deleted */
	}
	params = arena_array(&batch->arena, own->param_count + 1,
			     sizeof(*params));
	for (i = 0; i < own->param_count; i++) {
		params[i].column = own->params[i].column;
		if (!own_value(session, job, &own->params[i], &row,
			       &batch->arena, &params[i].value))
			return 0;
	}
	push(batch, job, own->sql, params, own->param_count, step);
	return 1;
}

/* ---- child tables ---- */

/* `name` is the attribute's, for tables that have those of several. */
static void push_child(struct connector_session *session, struct sql_job *job,
		       const char *name, const struct child_sql *how,
		       struct sv value, struct sql_batch *batch)
{
	const struct sql_child_place *place = how->place;
	size_t keys = place->child->key_count;
	struct sql_step step = { .want = SQL_WANT_ANY,
				 .one = how->insert,
				 .child = true,
				 .insert = how->insert };
	struct sql_param *params =
		arena_array(&batch->arena, keys + 2, sizeof(*params));
	char key[80];
	size_t count;

	for (count = 0; count < keys; count++)
		params[count] =
			(struct sql_param){ sql_text_write(place->keys[count],
							   job->parts[count],
							   &batch->arena),
					    place->keys[count] };
	if (how->named)
		params[count++] =
			(struct sql_param){ sv_from(name), place->name };
	if (how->value)
		params[count++] = (struct sql_param){ value, how->value };
	(void)snprintf(key, sizeof(key), "c%d%d %td %td", how->insert,
		       how->named, place - job->writer->children,
		       how->value ? how->value - place->table->columns : -1);
	push(batch, job,
	     sql_writer_text(job->writer, session->link->dialect, sv_from(key),
			     build_child, how),
	     params, count, step);
}

static void write_child(struct connector_session *session, struct sql_job *job,
			const struct attr_change *change, bool is_new,
			struct sql_batch *batch)
{
	const struct sql_attr_place *at = &job->writer->attrs[change->attr];
	const struct attr_def *def = &job->writer->type->attrs[change->attr];
	struct child_sql one = { at->child, at->value, false,
				 at->child->name != NULL };
	struct child_sql all = { at->child, NULL, false,
				 at->child->name != NULL };
	struct child_sql more = { at->child, at->value, true,
				  at->child->name != NULL };
	struct sv value;
	size_t i;

	if (change->op == ATTR_REPLACE && !is_new)
		push_child(session, job, def->name, &all, SV_NULL, batch);
	for (i = 0; i < change->values.len; i++) {
		value = sql_value_write(session, at->value, def,
					&change->values.at[i], &batch->arena);
		/* what may have been done already is done anew */
		if (change->op == ATTR_DELETE ||
		    (change->op == ATTR_ADD && job->op.retry && !is_new))
			push_child(session, job, def->name, &one, value, batch);
		if (change->op != ATTR_DELETE)
			push_child(session, job, def->name, &more, value,
				   batch);
	}
}

static bool has_children(const struct sql_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].child &&
		    !is_held(job, &job->op.attrs[i]))
			return true;
	return false;
}

static void write_children(struct connector_session *session,
			   struct sql_job *job, bool is_new,
			   struct sql_batch *batch)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].child &&
		    !is_held(job, &job->op.attrs[i]))
			write_child(session, job, &job->op.attrs[i], is_new,
				    batch);
}

int sql_write_waiting(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch)
{
	if (!job->has_anchor)
		return sql_refuse(job, &batch->arena, "cd-error",
				  "the database made the anchor and does not "
				  "tell it, so that the rows of child tables "
				  "cannot be written");
	write_children(session, job, true, batch);
	job->children_wait = false;
	return 1;
}

/* ---- add ---- */

void sql_job_set_anchor(struct sql_job *job, const struct sv *parts,
			struct arena *arena)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = job->writer->source->anchor_count;
	size_t i;

	job->parts = arena_array(arena, count + 1, sizeof(*job->parts));
	for (i = 0; i < count; i++) {
		const struct sql_column *column = job->writer->anchors[i];

		job->parts[i] = arena_dup(
			arena, column ? sql_value_text(column, parts[i], arena)
				      : parts[i]);
		strbuf_adds(&all, i ? "|" : "");
		strbuf_addsv(&all, job->parts[i]);
	}
	job->anchor = arena_dup(arena, strbuf_sv(&all));
	job->has_anchor = true;
	strbuf_release(&all);
}

static int no_place(struct sql_job *job, const struct attr_def *def,
		    struct arena *arena)
{
	return sql_refuse(job, arena, "schema-violation",
			  "there is no column '%s' in '" SV_FMT "'", def->name,
			  SV_ARG(job->writer->source->table));
}

/* The parts of the anchor that the operation's attributes give: 1; 0 refused.
 */
static int given_parts(struct connector_session *session, struct sql_job *job,
		       struct sv *parts, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	struct current none = { .read = false };
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		int part = writer->attrs[change->attr].anchor;

		if (part >= 0 && change->values.len &&
		    !changed_text(session, job, change->attr,
				  writer->anchors[part], &none, arena,
				  &parts[part]))
			return 0;
	}
	return 1;
}

bool sql_job_key(struct connector_session *session, struct sql_job *job,
		 struct arena *arena)
{
	size_t count = job->writer->source->anchor_count;
	struct sv *parts = arena_array(arena, count + 1, sizeof(*parts));
	size_t i;

	if (!given_parts(session, job, parts, arena))
		return false;
	for (i = 0; i < count; i++) {
		if (!parts[i].ptr && job->has_anchor)
			parts[i] = sql_text_write(job->writer->anchors[i],
						  job->parts[i], arena);
		if (!parts[i].ptr)
			return false;
	}
	sql_job_set_anchor(job, parts, arena);
	return true;
}

/* The database makes this part of the anchor, and the operation does not say
 * what it is to be. */
static bool is_made(const struct sql_job *job, size_t part)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].anchor ==
			    (int)part &&
		    job->op.attrs[i].values.len)
			return false;
	return job->op.kind == EXPORT_DELETE_ADD &&
	       job->writer->anchors[part] &&
	       job->writer->anchors[part]->generated;
}

/* The columns of a new row: 1; 0 refused. */
static int gather_new(struct connector_session *session, struct sql_job *job,
		      struct cells *cells, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	struct current none = { .read = false };
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		const struct sql_attr_place *at = &writer->attrs[change->attr];
		struct sv text;

		if (at->child || is_held(job, change) || !change->values.len ||
		    is_told(job, i) || (at->anchor >= 0 && job->has_anchor))
			continue;
		if (!at->column)
			return no_place(job, &writer->type->attrs[change->attr],
					arena);
		if (!changed_text(session, job, change->attr, at->column, &none,
				  arena, &text))
			return 0;
		add_cell(cells, at->column, text);
	}
	for (i = 0; job->has_anchor && i < writer->source->anchor_count; i++)
		add_cell(cells, writer->anchors[i],
			 sql_text_write(writer->anchors[i], job->parts[i],
					arena));
	if (writer->type_column)
		add_cell(cells, writer->type_column,
			 sv_from(writer->type->name));
	return 1;
}

static int insert_row(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch)
{
	const struct sql_dialect *dialect = session->link->dialect;
	struct sql_writer *writer = job->writer;
	struct cells cells =
		new_cells(job->op.attr_count + writer->source->anchor_count + 1,
			  &batch->arena);
	struct sql_step step = { .want = SQL_WANT_ONE,
				 .one = true,
				 .insert = true };

	if (!gather_new(session, job, &cells, &batch->arena))
		return 0;
	cells.returning = !job->has_anchor;
	if (cells.returning && (dialect->returning == SQL_RETURNING_CLAUSE ||
				dialect->returning == SQL_RETURNING_OUTPUT))
		step.want = SQL_WANT_ANCHOR;
	push(batch, job,
	     text_of_cells(session, writer, 'i', &cells, build_insert),
	     cells.params, cells.count, step);
	if (cells.returning && dialect->returning == SQL_RETURNING_QUERY &&
	    writer->source->anchor_count == 1) {
		step.want = SQL_WANT_ANCHOR;
		step.one = false;
		push(batch, job, dialect->last_key, NULL, 0, step);
	}
	return 1;
}

static int write_add(struct connector_session *session, struct sql_job *job,
		     struct sql_batch *batch, struct sql_failure *failure,
		     struct error *err)
{
	size_t i;
	int ret;

	for (i = 0; i < job->writer->source->anchor_count; i++)
		if (is_made(job, i))
			job->has_anchor = false;
	if (!sql_job_key(session, job, &batch->arena) && job->done)
		return 0;
	if (job->writer->add.sql)
		ret = write_own(session, job, &job->writer->add, true, batch,
				failure, err);
	else
		ret = insert_row(session, job, batch);
	if (ret <= 0)
		return ret;
	job->children_wait = !job->has_anchor && has_children(job);
	if (!job->children_wait)
		write_children(session, job, true, batch);
	return 1;
}

/* ---- update ---- */

/* 1: it is what the anchor has already; 0 refused */
static int check_anchor(struct connector_session *session, struct sql_job *job,
			const struct attr_change *change, int part,
			struct arena *arena)
{
	const struct attr_def *def = &job->writer->type->attrs[change->attr];
	const struct sql_column *column = job->writer->anchors[part];
	struct sv text = SV_NULL;

	if (change->values.len == 1 && change->op != ATTR_DELETE)
		text = sql_value_write(session, column, def,
				       &change->values.at[0], arena);
	if (column && text.ptr)
		text = sql_value_text(column, text, arena);
	if (text.ptr && sv_eq(text, job->parts[part]))
		return 1;
	return sql_refuse(job, arena, "modify-naming-attribute",
			  "'%s' is part of the anchor, which does not change",
			  def->name);
}

static bool any_partial(const struct sql_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].column &&
		    is_partial(job, &job->op.attrs[i]))
			return true;
	return false;
}

static int gather_changed(struct connector_session *session,
			  struct sql_job *job, const struct current *row,
			  struct cells *cells, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		const struct sql_attr_place *at = &writer->attrs[change->attr];
		struct sv text;

		if (at->child || is_held(job, change) || is_told(job, i))
			continue;
		if (!at->column)
			return no_place(job, &writer->type->attrs[change->attr],
					arena);
		if (at->anchor >= 0) {
			if (!check_anchor(session, job, change, at->anchor,
					  arena))
				return 0;
			continue;
		}
		if (!changed_text(session, job, change->attr, at->column, row,
				  arena, &text))
			return 0;
		add_cell(cells, at->column, text);
	}
	return 1;
}

static int update_row(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch, struct sql_failure *failure,
		      struct error *err)
{
	struct cells cells = new_cells(job->op.attr_count, &batch->arena);
	struct sql_step step = { .want = SQL_WANT_ONE,
				 .one = job->writer->whole_key };
	struct current row = { .read = false };
	struct sql_param *params;
	const char *text;
	size_t count;
	int ret;

	if (any_partial(job)) {
		ret = read_current(session, job, batch, &row, failure, err);
		if (ret < 0)
			return -1;
		if (!ret)
			return missing(job, &batch->arena);
	}
	if (!gather_changed(session, job, &row, &cells, &batch->arena))
		return 0;
	params = with_anchor(job, &cells, &batch->arena, &count);
	if (cells.count) {
		text = text_of_cells(session, job->writer, 'u', &cells,
				     build_update);
	} else {
		step.want = SQL_WANT_ROW;
		step.one = false;
		text = sql_writer_text(job->writer, session->link->dialect,
				       SV_LIT("look"), build_look, NULL);
	}
	push(batch, job, text, params, count, step);
	return 1;
}

static int write_update(struct connector_session *session, struct sql_job *job,
			struct sql_batch *batch, struct sql_failure *failure,
			struct error *err)
{
	int ret;

	if (job->writer->update.sql)
		ret = write_own(session, job, &job->writer->update, false,
				batch, failure, err);
	else
		ret = update_row(session, job, batch, failure, err);
	if (ret > 0)
		write_children(session, job, false, batch);
	return ret;
}

/* ---- delete ---- */

static int write_delete(struct connector_session *session, struct sql_job *job,
			struct sql_batch *batch, struct sql_failure *failure,
			struct error *err)
{
	struct sql_writer *writer = job->writer;
	struct cells none = { .count = 0 };
	struct sql_step step = { .want = SQL_WANT_AT_MOST_ONE,
				 .one = writer->whole_key };
	struct child_sql all = { NULL, NULL, false, false };
	struct sql_param *params;
	size_t count;
	size_t i;

	for (i = 0; i < writer->source->child_count; i++) {
		all.place = &writer->children[i];
		push_child(session, job, NULL, &all, SV_NULL, batch);
	}
	if (writer->remove.sql)
		return write_own(session, job, &writer->remove, false, batch,
				 failure, err);
	params = with_anchor(job, &none, &batch->arena, &count);
	push(batch, job,
	     sql_writer_text(writer, session->link->dialect, SV_LIT("delete"),
			     build_delete, NULL),
	     params, count, step);
	return 1;
}

/* ---- all ---- */

static int cannot_write(struct sql_job *job, const char *what,
			struct arena *arena)
{
	return sql_refuse(job, arena, "no-export-to-this-object-type",
			  "objects of a query cannot be written to: name a "
			  "'table', or set 'write.%s'",
			  what);
}

/* The anchor as the operation has it; false: it has not as many parts. */
static bool take_anchor(struct sql_job *job, struct arena *arena)
{
	size_t count = job->writer->source->anchor_count;
	struct sv *parts;

	job->has_anchor = false;
	if (!job->op.anchor.len)
		return job->op.kind == EXPORT_ADD;
	parts = arena_array(arena, count + 1, sizeof(*parts));
	if (!sql_anchor_split(job->op.anchor, count, parts))
		return false;
	job->parts = parts;
	job->anchor = job->op.anchor;
	job->has_anchor = true;
	return true;
}

bool sql_write_reads(const struct sql_job *job)
{
	switch (job->op.kind) {
	case EXPORT_ADD:
		return job->op.retry;
	case EXPORT_UPDATE:
		return job->writer->update.sql
			       ? needs_current(job, &job->writer->update)
			       : any_partial(job);
	case EXPORT_DELETE:
	case EXPORT_DELETE_ADD:
		return needs_current(job, &job->writer->remove);
	case EXPORT_RENAME:
		break;
	}
	return false;
}

int sql_write(struct connector_session *session, struct sql_job *job,
	      struct sql_batch *batch, struct sql_failure *failure,
	      struct error *err)
{
	const struct sql_writer *writer = job->writer;
	struct arena *arena = &batch->arena;
	bool adds = job->op.kind == EXPORT_ADD ||
		    job->op.kind == EXPORT_DELETE_ADD;
	bool deletes = job->op.kind == EXPORT_DELETE ||
		       job->op.kind == EXPORT_DELETE_ADD;
	int ret = 1;

	job->children_wait = false;
	if (!take_anchor(job, arena))
		return sql_refuse(job, arena, "invalid-dn",
				  "the anchor has not as many parts as there "
				  "are columns");
	if (adds && !writer->table && !writer->add.sql)
		return cannot_write(job, "add", arena);
	if (deletes && !writer->table && !writer->remove.sql)
		return cannot_write(job, "delete", arena);
	if (job->op.kind == EXPORT_UPDATE && !writer->table &&
	    !writer->update.sql)
		return cannot_write(job, "update", arena);
	if (job->op.kind == EXPORT_RENAME)
		return sql_refuse(job, arena, "modify-naming-attribute",
				  "a row has no name that could change");
	if (job->op.kind == EXPORT_UPDATE)
		return write_update(session, job, batch, failure, err);
	if (job->op.kind == EXPORT_ADD && job->op.retry) {
		ret = sql_adopt(session, job, batch, failure, err);
		if (ret)
			return ret < 0 ? -1 : 0;
		ret = 1;
	}
	if (deletes)
		ret = write_delete(session, job, batch, failure, err);
	if (ret > 0 && adds)
		ret = write_add(session, job, batch, failure, err);
	return ret;
}

/* ---- what a statement gave ---- */

static int several(struct sql_job *job, uint64_t rows, struct arena *arena)
{
	return sql_refuse(job, arena, "cd-error",
			  "%llu rows have this anchor; nothing was written",
			  (unsigned long long)rows);
}

static int take_own(struct sql_step *step, const struct sql_run *run,
		    struct arena *arena)
{
	struct sql_job *job = step->job;
	const struct sql_writer *writer = job->writer;
	const struct sql_own *own = step->insert ? &writer->add
				    : job->op.kind == EXPORT_UPDATE
					    ? &writer->update
					    : &writer->remove;
	bool nothing = own->counts ? !run->rows && !run->value_count
				   : run->value_count &&
					     sv_eq_str(run->values[0], "0");

	if (step->insert && own->counts && nothing)
		return sql_refuse(job, arena, "cd-error",
				  "the statement of 'write.add' made no row");
	if (step->insert && !job->has_anchor && run->value_count &&
	    run->value_count >= writer->source->anchor_count)
		sql_job_set_anchor(job, run->values, arena);
	if (job->op.kind == EXPORT_UPDATE && nothing)
		return missing(job, arena);
	return 1;
}

int sql_write_take(struct connector_session *session, struct sql_step *step,
		   const struct sql_run *run, struct arena *arena)
{
	struct sql_job *job = step->job;

	(void)session;
	switch (step->want) {
	case SQL_WANT_ANY:
		return 1;
	case SQL_WANT_ONE:
		if (run->rows == 1)
			return 1;
		return run->rows ? several(job, run->rows, arena)
				 : missing(job, arena);
	case SQL_WANT_AT_MOST_ONE:
		return run->rows > 1 ? several(job, run->rows, arena) : 1;
	case SQL_WANT_ROW:
		return run->value_count ? 1 : missing(job, arena);
	case SQL_WANT_ANCHOR:
		if (run->value_count == job->writer->source->anchor_count)
			sql_job_set_anchor(job, run->values, arena);
		return 1;
	case SQL_WANT_OWN:
		return take_own(step, run, arena);
	}
	return 1;
}
