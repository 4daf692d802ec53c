/*
 * write_child.c - rows of child tables
 *
 * They are written behind their object, and taken away before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/write.h"

#include <stdio.h>

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
	sql_push(batch, job,
		 sql_writer_text(job->writer, session->link->dialect,
				 sv_from(key), build_child, how),
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

bool sql_has_children(const struct sql_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].child &&
		    !sql_is_held(job, &job->op.attrs[i]))
			return true;
	return false;
}

void sql_write_children(struct connector_session *session, struct sql_job *job,
			bool is_new, struct sql_batch *batch)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->writer->attrs[job->op.attrs[i].attr].child &&
		    !sql_is_held(job, &job->op.attrs[i]))
			write_child(session, job, &job->op.attrs[i], is_new,
				    batch);
}

void sql_delete_children(struct connector_session *session, struct sql_job *job,
			 struct sql_batch *batch)
{
	struct child_sql all = { NULL, NULL, false, false };
	size_t i;

	for (i = 0; i < job->writer->source->child_count; i++) {
		all.place = &job->writer->children[i];
		push_child(session, job, NULL, &all, SV_NULL, batch);
	}
}

int sql_write_waiting(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch)
{
	if (!job->has_anchor)
		return sql_refuse(job, &batch->arena, "cd-error",
				  "the database made the anchor and does not "
				  "tell it, so that the rows of child tables "
				  "cannot be written");
	sql_write_children(session, job, true, batch);
	job->children_wait = false;
	return 1;
}
