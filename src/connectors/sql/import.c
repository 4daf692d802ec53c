/*
 * import.c - full and delta import of a database
 *
 * All is read in one transaction, which sees one moment where the database can
 * do that. Of each source the child tables are read first, then its rows one by
 * one. What a delta reads is found by delta.c; what is read of it, and how, is
 * the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/logical.h"

#include <assert.h>
#include <string.h>

static void input_release(const struct sql_driver *driver,
			  struct sql_input *input)
{
	driver->rows_close(input->rows);
	sql_kids_release(&input->kids);
	strbuf_release(&input->last);
}

void sql_import_free(struct connector_session *session)
{
	struct sql_import *im = session->import;
	struct error ignored = ERROR_INIT;
	size_t i;

	if (!im)
		return;
	for (i = 0; i < im->count; i++)
		input_release(session->driver, &im->inputs[i]);
	sql_logical_free(im->logical);
	if (im->open)
		(void)session->driver->rollback(session->link, &ignored);
	arena_release(&im->of_gone);
	arena_release(&im->arena);
	mem_free(im);
	session->import = NULL;
}

/* --- a source ---------------------------------------------------------- */

/* A copy of a result's columns: the rows may be closed before the records are
 * looked at. */
static int plan_of_result(struct connector_session *session,
			  struct sql_input *input, const struct sql_rows *rows,
			  struct error *err)
{
	struct arena *arena = &session->import->arena;
	size_t count;
	const struct sql_column *columns =
		session->driver->columns(rows, &count);
	struct sql_column *own = arena_array(arena, count, sizeof(*own));
	size_t i;

	for (i = 0; i < count; i++) {
		own[i] = columns[i];
		own[i].name = arena_cstr(arena, sv_from(columns[i].name));
		own[i].type = arena_cstr(arena, sv_from(columns[i].type));
	}
	input->result.name = "the query";
	input->result.columns = own;
	input->result.column_count = count;
	return sql_plan_columns(session, own, count, arena, &input->objects,
				err);
}

/* What columns a query gives, where that must be known before it is read. */
static int probe(struct connector_session *session, struct sql_input *input,
		 struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_rows *rows = NULL;
	int ret;

	sql_plan_select_nothing(session, &input->objects, &sql);
	ret = session->driver->query(session->link, strbuf_cstr(&sql), NULL, 0,
				     &rows, NULL, err);
	if (ret == 0)
		ret = plan_of_result(session, input, rows, err);
	session->driver->rows_close(rows);
	strbuf_release(&sql);
	return ret < 0 ? error_context(err, "the query as a table") : 0;
}

static int run_query(struct connector_session *session, struct sql_input *input,
		     struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	if (input->select)
		strbuf_adds(&sql, input->select);
	else
		sql_plan_select(session, &input->plan, &input->scope, &sql);
	ret = session->driver->query(
		session->link, strbuf_cstr(&sql), input->scope.params,
		input->scope.param_count, &input->rows, NULL, err);
	strbuf_release(&sql);
	return ret;
}

static void use_lines(struct connector_session *session,
		      struct sql_input *input)
{
	const struct sql_delta_row *extra = &input->extra;

	input->lines = sql_row_by_line(session, input->source);
	if (!input->lines)
		return;
	input->plan.context =
		sv_from(arena_printf(&session->import->arena, "lines " SV_FMT,
				     SV_ARG(input->plan.context)));
	input->only_lines = session->driver->has_lines(input->rows) &&
			    !extra->keys && extra->change == SQL_NO_COLUMN &&
			    extra->attr == SQL_NO_COLUMN &&
			    extra->last == SQL_NO_COLUMN;
}

/* Begins the query of a source; its child tables are read first. */
static int open_input(struct connector_session *session,
		      struct sql_input *input, struct error *err)
{
	bool query = !input->plan.table && !input->select &&
		     !input->scope.keys && !input->scope.where;

	if (sql_kids_read(session, &input->objects, &input->scope, &input->kids,
			  err) < 0 ||
	    run_query(session, input, err) < 0)
		return error_context(err, SV_FMT, SV_ARG(input->plan.label));
	if (query) {
		if (plan_of_result(session, input, input->rows, err) < 0)
			return -1;
		input->plan = input->objects;
	}
	input->in_order = !query;
	use_lines(session, input);
	input->cells = arena_array(&session->import->arena,
				   input->plan.column_count + 1,
				   sizeof(*input->cells));
	return 0;
}

/* --- begin ------------------------------------------------------------- */

static int prepare(struct connector_session *session, struct sql_input *input,
		   struct error *err)
{
	struct sql_import *im = session->import;
	const struct sql_source *source = input->source;
	bool wrapped = source->child_count || source->delta || im->delta;

	input->extra.change = SQL_NO_COLUMN;
	input->extra.attr = SQL_NO_COLUMN;
	input->extra.last = SQL_NO_COLUMN;
	if (sql_plan_begin(session, source, &im->arena, &input->objects, err) <
	    0)
		return -1;
	if (!source->table.len && wrapped && probe(session, input, err) < 0)
		return -1;
	input->plan = input->objects;
	return source->delta ? sql_delta_prepare(session, input, err) : 0;
}

static int prepare_all(struct connector_session *session, struct error *err)
{
	static const struct strbuf empty = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_import *im = session->import;
	size_t i;

	im->inputs = arena_array(&im->arena, session->source_count,
				 sizeof(*im->inputs));
	for (i = 0; i < session->source_count; i++) {
		struct sql_input *input = &im->inputs[im->count++];

		input->source = &session->sources[i];
		input->last = empty;
		sql_kids_init(&input->kids);
		if (prepare(session, input, err) < 0)
			return -1;
	}
	return 0;
}

static int begin_delta(struct connector_session *session, struct sv watermark,
		       struct error *err)
{
	struct sql_import *im = session->import;
	struct sv moment;
	struct sv mark;
	size_t i;

	for (i = 0; i < im->count; i++) {
		struct sql_input *input = &im->inputs[i];

		input->done = !input->source->delta;
		if (input->done)
			continue;
		if (!sql_delta_find_mark(session, input, watermark, &mark,
					 &moment))
			return error_set(err, ERR_CONFLICT,
					 "the changes do not continue what was "
					 "imported last: run a full import");
		if (sql_delta_begin(session, input, mark, moment, err) < 0)
			return error_context(err, SV_FMT,
					     SV_ARG(input->objects.label));
		im->compares |= sql_delta_compares(input);
	}
	return 0;
}

/* What a query has wrong is an error of the settings, and told at once; a table
 * is asked for when its rows are wanted, by when the import reads on a thread
 * of its own and does something else meanwhile. */
static int open_first(struct connector_session *session, struct error *err)
{
	struct sql_import *im = session->import;
	struct sql_input *input;

	while (im->at < im->count && im->inputs[im->at].done)
		im->at++;
	if (im->at == im->count)
		return 0;
	input = &im->inputs[im->at];
	return input->plan.table ? 0 : open_input(session, input, err);
}

int sql_import_begin(struct connector_session *session, enum import_kind kind,
		     struct sv watermark, struct error *err)
{
	struct sql_import *im;
	size_t i;

	sql_import_free(session);
	im = mem_zalloc(sizeof(*im));
	session->import = im;
	im->delta = kind == IMPORT_DELTA;
	im->gone_but = SQL_NO_COLUMN;
	if (prepare_all(session, err) < 0 ||
	    sql_logical_peek(session, err) < 0 ||
	    session->driver->begin(session->link, true, err) < 0)
		return -1;
	im->open = true;
	for (i = 0; i < im->count; i++)
		if (im->inputs[i].source->delta &&
		    sql_delta_mark(session, &im->inputs[i], err) < 0)
			return -1;
	if (im->delta && begin_delta(session, watermark, err) < 0)
		return -1;
	return open_first(session, err);
}

/* --- next -------------------------------------------------------------- */

static void note_last(struct sql_input *input, const struct sv *cells)
{
	size_t place = input->extra.last;

	/* they come in this order */
	if (place == SQL_NO_COLUMN || !cells[place].len)
		return;
	strbuf_reset(&input->last);
	strbuf_addsv(&input->last, cells[place]);
}

/* A row whose type stands in a column: in a delta the object may have been of
 * another one before. */
static void note_gone(struct sql_import *im, const struct sql_input *input,
		      const struct change *change)
{
	if (!input->extra.keys || !change->anchor.len ||
	    input->plan.type_column == SQL_NO_COLUMN)
		return;
	arena_reset(&im->of_gone);
	im->gone = arena_dup(&im->of_gone, change->anchor);
	im->gone_type = 0;
	im->gone_but = change->op == CHANGE_OBJECT ? change->type
						   : SQL_NO_COLUMN;
}

static int next_gone(struct connector_session *session, struct arena *arena,
		     struct change *out)
{
	struct sql_import *im = session->import;

	if (im->gone.len && im->gone_type == im->gone_but)
		im->gone_type++;
	if (!im->gone.len || im->gone_type >= session->config->type_count) {
		im->gone = SV_NULL;
		return 0;
	}
	out->op = CHANGE_DELETE;
	out->type = im->gone_type++;
	out->anchor = arena_dup(arena, im->gone);
	return 1;
}

static int end_rows(struct connector_session *session, struct sql_input *input,
		    int ret)
{
	session->driver->rows_close(input->rows);
	input->rows = NULL;
	input->done = true;
	return ret;
}

static int next_line(struct connector_session *session, struct sql_input *input,
		     struct arena *arena, struct change *out, struct error *err)
{
	int ret = session->driver->line(input->rows, arena, &out->raw, err);

	if (ret <= 0)
		return end_rows(session, input, ret);
	input->row++;
	return sql_row_line(session, input, arena, out);
}

/* The next row of a source: 1; 0 there are no more; -1. */
static int next_row(struct connector_session *session, struct sql_input *input,
		    struct arena *arena, struct change *out, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct sql_import *im = session->import;
	const struct sv *cells;
	size_t broken;
	int ret;

	if (input->only_lines && !im->presence)
		return next_line(session, input, arena, out, err);
	while ((ret = driver->fetch(input->rows, &cells, &broken, err)) > 0) {
		input->row++;
		memset(out, 0, sizeof(*out));
		if (im->presence)
			ret = sql_row_present(session, input, cells, arena,
					      out);
		else
			ret = sql_row_read(session, input, cells, broken, arena,
					   out, err);
		if (ret < 0)
			return -1;
		if (im->presence && ret)
			return ret;
		if (im->presence)
			continue;
		note_last(input, cells);
		note_gone(im, input, out);
		if (im->gone.len && out->op == CHANGE_DELETE)
			ret = next_gone(session, arena, out);
		if (ret)
			return 1;
	}
	return end_rows(session, input, ret);
}

/* Which objects there are, of all sources: what an agent has of another one is
 * not to be taken for gone. */
static int begin_presence(struct sql_import *im)
{
	size_t i;

	if (!im->compares || im->presence)
		return 0;
	im->presence = true;
	for (i = 0; i < im->count; i++) {
		im->inputs[i].done = false;
		im->inputs[i].row = 0;
	}
	im->at = 0;
	return 1;
}

static int open_presence(struct connector_session *session,
			 struct sql_input *input, struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	sql_plan_select_anchors(session, &input->objects, &sql);
	ret = session->driver->query(session->link, strbuf_cstr(&sql), NULL, 0,
				     &input->rows, NULL, err);
	strbuf_release(&sql);
	return ret;
}

int sql_import_next(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err)
{
	struct sql_import *im = session->import;
	int ret;

	assert(im && !im->ended);
	if (im->gone.len && next_gone(session, arena, out))
		return 1;
	while (im->at < im->count || begin_presence(im)) {
		struct sql_input *input = &im->inputs[im->at];

		if (!input->done && !input->rows &&
		    (im->presence ? open_presence(session, input, err)
				  : open_input(session, input, err)) < 0)
			return -1;
		ret = input->done ? 0
				  : next_row(session, input, arena, out, err);
		if (ret)
			return ret < 0 ? error_context(
						 err, SV_FMT,
						 SV_ARG(input->plan.label))
				       : 1;
		im->at++;
	}
	return 0;
}

int sql_import_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err)
{
	struct sql_import *im = session->import;

	if (im->open && session->driver->commit(session->link, err) < 0) {
		im->open = false;
		return -1;
	}
	im->open = false;
	im->ended = true;
	*watermark_out = sql_delta_watermark(session, arena);
	return 0;
}
