/*
 * write_column.c - what an operation leaves in a column
 *
 * Several values share a column with a separator; where some of them come or
 * go, the row is read first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/write.h"

#include <string.h>

bool sql_is_reference(const struct sql_job *job,
		      const struct attr_change *change)
{
	return job->writer->type->attrs[change->attr].type == VALUE_REFERENCE &&
	       change->values.len;
}

bool sql_is_held(const struct sql_job *job, const struct attr_change *change)
{
	return job->hold && sql_is_reference(job, change);
}

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

const struct attr_change *sql_change_of(const struct sql_job *job, size_t attr)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->op.attrs[i].attr == attr)
			return &job->op.attrs[i];
	return NULL;
}

/* ---- a row as it is ---- */

/* 1 read, 0 there is none, -1 */
int sql_current_read(struct connector_session *session, struct sql_job *job,
		     struct sql_batch *batch, struct sql_current *row,
		     struct sql_failure *failure, struct error *err)
{
	struct sql_cells none = { .count = 0 };
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
	none.params = sql_cells_with_anchor(job, &none, &batch->arena, &count);
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

struct sv sql_current_cell(const struct sql_current *row, struct sv name)
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
bool sql_is_partial(const struct sql_job *job, const struct attr_change *change)
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
	if (sql_is_partial(job, change))
		*text = merge(session, def, column, change, *text, arena);
	else if (change->op != ATTR_DELETE)
		*text = own;
	return 1;
}

/* What the operation leaves in the attribute's column: 1; 0 refused. */
int sql_changed_text(struct connector_session *session, struct sql_job *job,
		     size_t attr, const struct sql_column *column,
		     const struct sql_current *row, struct arena *arena,
		     struct sv *out)
{
	const char *name = job->writer->type->attrs[attr].name;
	bool first = true;
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < job->op.attr_count; i++) {
		const struct attr_change *change = &job->op.attrs[i];

		if (change->attr != attr || sql_is_held(job, change))
			continue;
		if (first && row->read && sql_is_partial(job, change))
			*out = sql_current_cell(row, sv_from(name));
		first = false;
		if (!change_text(session, job, change, column, arena, out))
			return 0;
	}
	return 1;
}

/* A change before this one is of the same attribute. */
bool sql_is_told(const struct sql_job *job, size_t at)
{
	return sql_change_of(job, job->op.attrs[at].attr) != &job->op.attrs[at];
}
