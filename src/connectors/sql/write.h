/*
 * write.h - what the files that make an operation's statements share
 *
 *	write.c         add, update, delete; what a statement gave
 *	write_text.c    texts of statements, and what is bound
 *	write_column.c  what an operation leaves in a column
 *	write_child.c   rows of child tables
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_WRITE_H
#define CONNECTORS_SQL_WRITE_H

#include "connectors/sql/export.h"

/* ---- write.c ---- */

/* A statement more in the batch. */
void sql_push(struct sql_batch *batch, struct sql_job *job, const char *sql,
	      const struct sql_param *params, size_t count,
	      struct sql_step step);

/* ---- write_text.c ---- */

/* Columns of a statement, and what is bound for them. */
struct sql_cells {
	const struct sql_column **columns;
	struct sql_param *params;
	size_t count;
	bool returning; /* an INSERT tells the anchor */
};

struct sql_cells sql_cells_new(size_t most, struct arena *arena);
void sql_cells_add(struct sql_cells *cells, const struct sql_column *column,
		   struct sv value);
/* Their parameters, and the anchor's behind them. */
struct sql_param *sql_cells_with_anchor(const struct sql_job *job,
					const struct sql_cells *cells,
					struct arena *arena, size_t *count_out);
/* The statement with these columns: it is known by `kind` and by their places
 * in the table. */
const char *sql_cells_text(struct connector_session *session,
			   struct sql_writer *writer, char kind,
			   const struct sql_cells *cells, sql_build_fn build);

/* Statements for sql_writer_text(); `data` are cells, or not used. */
void sql_build_insert(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql);
void sql_build_update(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql);
void sql_build_delete(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql);
void sql_build_look(const struct sql_writer *writer,
		    const struct sql_dialect *dialect, const void *data,
		    struct strbuf *sql);

/* ---- write_column.c ---- */

/* A row as it is. */
struct sql_current {
	bool read;
	const struct sql_column *columns; /* names and kinds */
	size_t count;
	struct sv *cells;
};

/* 1 read, 0 there is none, -1 */
int sql_current_read(struct connector_session *session, struct sql_job *job,
		     struct sql_batch *batch, struct sql_current *row,
		     struct sql_failure *failure, struct error *err);
struct sv sql_current_cell(const struct sql_current *row, struct sv name);

/* The first change of an attribute, or NULL. */
const struct attr_change *sql_change_of(const struct sql_job *job, size_t attr);
/* A change before this one is of the same attribute. */
bool sql_is_told(const struct sql_job *job, size_t at);
/* It is left for later. */
bool sql_is_held(const struct sql_job *job, const struct attr_change *change);
/* It changes a part of what a column has. */
bool sql_is_partial(const struct sql_job *job,
		    const struct attr_change *change);
/* What the operation leaves in the attribute's column: 1; 0 refused. */
int sql_changed_text(struct connector_session *session, struct sql_job *job,
		     size_t attr, const struct sql_column *column,
		     const struct sql_current *row, struct arena *arena,
		     struct sv *out);

/* ---- write_child.c ---- */

bool sql_has_children(const struct sql_job *job);
/* What the operation changes in child tables. */
void sql_write_children(struct connector_session *session, struct sql_job *job,
			bool is_new, struct sql_batch *batch);
/* All rows of the object go. */
void sql_delete_children(struct connector_session *session, struct sql_job *job,
			 struct sql_batch *batch);

#endif
