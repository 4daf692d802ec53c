/*
 * write.c - one operation as statements
 *
 * Of an update the changed columns only are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void sql_push(struct sql_batch *batch, struct sql_job *job, const char *sql,
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
		change = sql_change_of(job, param->index);
		if (!change || sql_is_held(job, change) ||
		    sql_is_partial(job, change))
			return true;
	}
	return false;
}

/* 1, or 0 refused */
static int own_value(struct connector_session *session, struct sql_job *job,
		     const struct sql_own_param *param,
		     const struct sql_current *row, struct arena *arena,
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
		change = sql_change_of(job, param->index);
		if (change && !sql_is_held(job, change) && part < 0)
			return sql_changed_text(session, job, param->index,
						param->column, row, arena, out);
		if (part < 0) {
			*out = sql_current_cell(
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
	struct sql_current row = { .read = false };
	struct sql_param *params;
	size_t i;
	int ret;

	if (!is_new && needs_current(job, own)) {
		ret = sql_current_read(session, job, batch, &row, failure, err);
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
	sql_push(batch, job, own->sql, params, own->param_count, step);
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
	struct sql_current none = { .read = false };
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		int part = writer->attrs[change->attr].anchor;

		if (part >= 0 && change->values.len &&
		    !sql_changed_text(session, job, change->attr,
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
		      struct sql_cells *cells, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	struct sql_current none = { .read = false };
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		const struct sql_attr_place *at = &writer->attrs[change->attr];
		struct sv text;

		if (at->child || sql_is_held(job, change) ||
		    !change->values.len || sql_is_told(job, i) ||
		    (at->anchor >= 0 && job->has_anchor))
			continue;
		if (!at->column)
			return no_place(job, &writer->type->attrs[change->attr],
					arena);
		if (!sql_changed_text(session, job, change->attr, at->column,
				      &none, arena, &text))
			return 0;
		sql_cells_add(cells, at->column, text);
	}
	for (i = 0; job->has_anchor && i < writer->source->anchor_count; i++)
		sql_cells_add(cells, writer->anchors[i],
			      sql_text_write(writer->anchors[i], job->parts[i],
					     arena));
	if (writer->type_column)
		sql_cells_add(cells, writer->type_column,
			      sv_from(writer->type->name));
	return 1;
}

static int insert_row(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch)
{
	const struct sql_dialect *dialect = session->link->dialect;
	struct sql_writer *writer = job->writer;
	struct sql_cells cells = sql_cells_new(
		job->op.attr_count + writer->source->anchor_count + 1,
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
	sql_push(batch, job,
		 sql_cells_text(session, writer, 'i', &cells, sql_build_insert),
		 cells.params, cells.count, step);
	if (cells.returning && dialect->returning == SQL_RETURNING_QUERY &&
	    writer->source->anchor_count == 1) {
		step.want = SQL_WANT_ANCHOR;
		step.one = false;
		sql_push(batch, job, dialect->last_key, NULL, 0, step);
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
	job->children_wait = !job->has_anchor && sql_has_children(job);
	if (!job->children_wait)
		sql_write_children(session, job, true, batch);
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
		    sql_is_partial(job, &job->op.attrs[i]))
			return true;
	return false;
}

static int gather_changed(struct connector_session *session,
			  struct sql_job *job, const struct sql_current *row,
			  struct sql_cells *cells, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		const struct sql_attr_place *at = &writer->attrs[change->attr];
		struct sv text;

		if (at->child || sql_is_held(job, change) ||
		    sql_is_told(job, i))
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
		if (!sql_changed_text(session, job, change->attr, at->column,
				      row, arena, &text))
			return 0;
		sql_cells_add(cells, at->column, text);
	}
	return 1;
}

static int update_row(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch, struct sql_failure *failure,
		      struct error *err)
{
	struct sql_cells cells =
		sql_cells_new(job->op.attr_count, &batch->arena);
	struct sql_step step = { .want = SQL_WANT_ONE,
				 .one = job->writer->whole_key };
	struct sql_current row = { .read = false };
	struct sql_param *params;
	const char *text;
	size_t count;
	int ret;

	if (any_partial(job)) {
		ret = sql_current_read(session, job, batch, &row, failure, err);
		if (ret < 0)
			return -1;
		if (!ret)
			return missing(job, &batch->arena);
	}
	if (!gather_changed(session, job, &row, &cells, &batch->arena))
		return 0;
	params = sql_cells_with_anchor(job, &cells, &batch->arena, &count);
	if (cells.count) {
		text = sql_cells_text(session, job->writer, 'u', &cells,
				      sql_build_update);
	} else {
		step.want = SQL_WANT_ROW;
		step.one = false;
		text = sql_writer_text(job->writer, session->link->dialect,
				       SV_LIT("look"), sql_build_look, NULL);
	}
	sql_push(batch, job, text, params, count, step);
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
		sql_write_children(session, job, false, batch);
	return ret;
}

/* ---- delete ---- */

static int write_delete(struct connector_session *session, struct sql_job *job,
			struct sql_batch *batch, struct sql_failure *failure,
			struct error *err)
{
	struct sql_writer *writer = job->writer;
	struct sql_cells none = { .count = 0 };
	struct sql_step step = { .want = SQL_WANT_AT_MOST_ONE,
				 .one = writer->whole_key };
	struct sql_param *params;
	size_t count;

	sql_delete_children(session, job, batch);
	if (writer->remove.sql)
		return write_own(session, job, &writer->remove, false, batch,
				 failure, err);
	params = sql_cells_with_anchor(job, &none, &batch->arena, &count);
	sql_push(batch, job,
		 sql_writer_text(writer, session->link->dialect,
				 SV_LIT("delete"), sql_build_delete, NULL),
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
