/*
 * adopt.c - is what is to be added there already?
 *
 * An add whose outcome was never learned may have been done. It was when there
 * is a row with exactly these values, and exactly these in its child tables;
 * the database compares them, as it would compare keys. Where it makes the
 * anchor itself, the one row with these values is that one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/export.h"

int sql_first_row(struct connector_session *session, const char *sql,
		  const struct sql_param *params, size_t count,
		  struct arena *arena, struct sv **out,
		  struct sql_failure *failure, struct error *err)
{
	struct sql_rows *rows;
	const struct sv *row;
	size_t columns;
	size_t broken;
	size_t i;
	int ret;

	if (session->driver->query(session->link, sql, params, count, &rows,
				   failure, err) < 0)
		return -1;
	(void)session->driver->columns(rows, &columns);
	ret = session->driver->fetch(rows, &row, &broken, err);
	if (ret > 0) {
		*out = arena_array(arena, columns + 1, sizeof(**out));
		for (i = 0; i < columns; i++)
			(*out)[i] = arena_dup(arena, row[i]);
	}
	session->driver->rows_close(rows);
	return ret;
}

struct question {
	struct strbuf sql;
	struct sql_param *params;
	size_t count;
};

static void add_equal(struct question *q, const struct sql_dialect *dialect,
		      struct sv name, struct sql_param param)
{
	strbuf_adds(&q->sql, q->count ? " AND " : " WHERE ");
	sql_add_name(&q->sql, dialect, name);
	q->params[q->count++] = param;
	strbuf_adds(&q->sql, " = ");
	sql_add_marker(&q->sql, dialect, q->count);
}

static struct sv anchor_name(const struct sql_writer *writer, size_t i)
{
	return writer->anchors[i] ? sv_from(writer->anchors[i]->name)
				  : writer->source->anchors[i];
}

static void ask_anchor(const struct connector_session *session,
		       const struct sql_job *job, struct question *q,
		       struct arena *arena)
{
	size_t i;

	for (i = 0; i < job->writer->source->anchor_count; i++)
		add_equal(q, session->link->dialect,
			  anchor_name(job->writer, i),
			  sql_anchor_param(job, i, arena));
}

int sql_anchor_exists(struct connector_session *session,
		      const struct sql_job *job, struct arena *arena,
		      struct sql_failure *failure, struct error *err)
{
	struct question q = { .sql = STRBUF_INIT(STRBUF_NO_LIMIT) };
	struct sv *row;
	int ret;

	if (!job->has_anchor)
		return 0;
	q.params = arena_array(arena, job->writer->source->anchor_count,
			       sizeof(*q.params));
	strbuf_adds(&q.sql, "SELECT 1 FROM ");
	sql_add_source(&q.sql, job->writer, session->link->dialect);
	ask_anchor(session, job, &q, arena);
	ret = sql_first_row(session, strbuf_cstr(&q.sql), q.params, q.count,
			    arena, &row, failure, err);
	strbuf_release(&q.sql);
	return ret;
}

/* Asks for the anchors of rows with the operation's values. 1; 0 refused. */
static int ask_values(struct connector_session *session, struct sql_job *job,
		      struct question *q, struct arena *arena)
{
	const struct sql_writer *writer = job->writer;
	size_t i;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		const struct sql_attr_place *at = &writer->attrs[change->attr];
		const struct attr_def *def = &writer->type->attrs[change->attr];
		struct sv text;

		if (at->child || (job->hold && sql_is_reference(job, change)) ||
		    (at->anchor >= 0 && job->has_anchor))
			continue;
		if (!sql_column_text(session, job, def, at->column,
				     &change->values, arena, &text))
			return 0;
		if (text.ptr)
			add_equal(q, session->link->dialect,
				  sv_from(at->column ? at->column->name
						     : def->name),
				  (struct sql_param){ text, at->column });
	}
	return 1;
}

/* 1 a row is found: its anchor is the job's; 0 none, or several; -1 */
static int find_row(struct connector_session *session, struct sql_job *job,
		    struct sql_batch *batch, struct sql_failure *failure,
		    struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	size_t parts = job->writer->source->anchor_count;
	struct question q = { .sql = STRBUF_INIT(STRBUF_NO_LIMIT) };
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	size_t i;
	int ret;

	q.params = arena_array(&batch->arena, job->op.attr_count + parts + 1,
			       sizeof(*q.params));
	for (i = 0; i < parts; i++) {
		strbuf_adds(&q.sql, i ? ", " : "SELECT ");
		sql_add_name(&q.sql, dialect, anchor_name(job->writer, i));
	}
	strbuf_adds(&q.sql, " FROM ");
	sql_add_source(&q.sql, job->writer, dialect);
	if (job->has_anchor)
		ask_anchor(session, job, &q, &batch->arena);
	if (!ask_values(session, job, &q, &batch->arena) || !q.count) {
		strbuf_release(&q.sql);
		return 0;
	}
	ret = session->driver->query(session->link, strbuf_cstr(&q.sql),
				     q.params, q.count, &rows, failure, err);
	strbuf_release(&q.sql);
	if (ret < 0)
		return -1;
	ret = session->driver->fetch(rows, &row, &broken, err);
	if (ret > 0) {
		sql_job_set_anchor(job, row, &batch->arena);
		/* a second one: nobody can tell which is ours */
		ret = session->driver->fetch(rows, &row, &broken, err);
		ret = ret < 0 ? -1 : !ret;
	}
	session->driver->rows_close(rows);
	return ret;
}

/* How many rows a child table has of the attribute, or of this value; -1 */
static int64_t count_rows(struct connector_session *session,
			  const struct sql_job *job,
			  const struct attr_change *change,
			  const struct value *value, struct arena *arena,
			  struct sql_failure *failure, struct error *err)
{
	const struct sql_attr_place *at = &job->writer->attrs[change->attr];
	const struct attr_def *def = &job->writer->type->attrs[change->attr];
	const struct sql_dialect *dialect = session->link->dialect;
	const struct sql_child_place *place = at->child;
	struct question q = { .sql = STRBUF_INIT(STRBUF_NO_LIMIT) };
	int64_t count = 0;
	struct sv *row;
	size_t i;
	int ret;

	q.params = arena_array(arena, place->child->key_count + 2,
			       sizeof(*q.params));
	strbuf_adds(&q.sql, "SELECT count(*) FROM ");
	sql_add_table_of(&q.sql, dialect, place->table);
	for (i = 0; i < place->child->key_count; i++)
		add_equal(&q, dialect, sv_from(place->keys[i]->name),
			  (struct sql_param){ sql_text_write(place->keys[i],
							     job->parts[i],
							     arena),
					      place->keys[i] });
	if (place->name)
		add_equal(
			&q, dialect, sv_from(place->name->name),
			(struct sql_param){ sv_from(def->name), place->name });
	if (value)
		add_equal(
			&q, dialect, sv_from(at->value->name),
			(struct sql_param){ sql_value_write(session, at->value,
							    def, value, arena),
					    at->value });
	ret = sql_first_row(session, strbuf_cstr(&q.sql), q.params, q.count,
			    arena, &row, failure, err);
	strbuf_release(&q.sql);
	if (ret > 0)
		(void)sv_to_i64(row[0], &count);
	return ret < 0 ? -1 : count;
}

/* The rows of child tables are those of the operation: 1, 0, -1. */
static int same_children(struct connector_session *session,
			 const struct sql_job *job, struct arena *arena,
			 struct sql_failure *failure, struct error *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];
		int64_t count;

		if (!job->writer->attrs[change->attr].child ||
		    (job->hold && sql_is_reference(job, change)))
			continue;
		count = count_rows(session, job, change, NULL, arena, failure,
				   err);
		if (count != (int64_t)change->values.len)
			return count < 0 ? -1 : 0;
		for (k = 0; k < change->values.len; k++) {
			count = count_rows(session, job, change,
					   &change->values.at[k], arena,
					   failure, err);
			if (count <= 0)
				return (int)count;
		}
	}
	return 1;
}

static bool has_references(const struct sql_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (sql_is_reference(job, &job->op.attrs[i]))
			return true;
	return false;
}

/* 1 adopted, 0 not, -1 */
static int compare(struct connector_session *session, struct sql_job *job,
		   struct sql_batch *batch, struct sql_failure *failure,
		   struct error *err)
{
	int ret = find_row(session, job, batch, failure, err);

	if (ret > 0)
		ret = same_children(session, job, &batch->arena, failure, err);
	if (ret <= 0)
		return ret;
	job->outcome.ok = true;
	job->outcome.adopted = true;
	job->outcome.references_later = job->hold;
	job->outcome.anchor = job->anchor;
	job->done = true;
	return 1;
}

int sql_adopt(struct connector_session *session, struct sql_job *job,
	      struct sql_batch *batch, struct sql_failure *failure,
	      struct error *err)
{
	bool known = sql_job_key(session, job, &batch->arena);
	bool hold = job->hold;
	int ret = 0;

	if (job->done)
		return 2;
	ret = compare(session, job, batch, failure, err);
	if (ret == 0 && !hold && has_references(job)) {
		/* it was cut off before they were written */
		job->hold = true;
		ret = compare(session, job, batch, failure, err);
		job->hold = hold;
	}
	if (ret)
		return ret;
	job->has_anchor = known;
	if (!known)
		return 0;
	ret = sql_anchor_exists(session, job, &batch->arena, failure, err);
	if (ret <= 0)
		return ret;
	(void)sql_refuse(job, &batch->arena, "cd-existing-object",
			 "there is a row of this anchor already, with other "
			 "values");
	return 2;
}
