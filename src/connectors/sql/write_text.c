/*
 * write_text.c - the texts of statements, and what is bound
 *
 * What is in a statement depends on the columns alone, so that its text is
 * built once and the database prepares it once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/write.h"

#include <string.h>

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

void sql_build_insert(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql)
{
	const struct sql_cells *cells = data;
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

void sql_build_update(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql)
{
	const struct sql_cells *cells = data;
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

void sql_build_delete(const struct sql_writer *writer,
		      const struct sql_dialect *dialect, const void *data,
		      struct strbuf *sql)
{
	(void)data;
	strbuf_adds(sql, "DELETE FROM ");
	sql_add_table_of(sql, dialect, writer->table);
	sql_add_where(sql, writer, dialect, 1);
}

void sql_build_look(const struct sql_writer *writer,
		    const struct sql_dialect *dialect, const void *data,
		    struct strbuf *sql)
{
	(void)data;
	strbuf_adds(sql, "SELECT 1 FROM ");
	sql_add_source(sql, writer, dialect);
	sql_add_where(sql, writer, dialect, 1);
}

/* ---- columns of a statement ---- */

struct sql_param sql_anchor_param(const struct sql_job *job, size_t part,
				  struct arena *arena)
{
	const struct sql_column *column = job->writer->anchors[part];

	return (struct sql_param){
		sql_text_write(column, job->parts[part], arena), column
	};
}

/* The cells' parameters, and the anchor's behind them. */
struct sql_param *sql_cells_with_anchor(const struct sql_job *job,
					const struct sql_cells *cells,
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
const char *sql_cells_text(struct connector_session *session,
			   struct sql_writer *writer, char kind,
			   const struct sql_cells *cells, sql_build_fn build)
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

void sql_cells_add(struct sql_cells *cells, const struct sql_column *column,
		   struct sv value)
{
	cells->columns[cells->count] = column;
	cells->params[cells->count++] = (struct sql_param){ value, column };
}

struct sql_cells sql_cells_new(size_t most, struct arena *arena)
{
	struct sql_cells cells = { .count = 0 };

	cells.columns = arena_array(arena, most + 1, sizeof(*cells.columns));
	cells.params = arena_array(arena, most + 1, sizeof(*cells.params));
	return cells;
}
