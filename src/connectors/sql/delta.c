/*
 * delta.c - what tells of the changes of a source, and since when
 *
 * history	triggers write the anchor of whatever changes into a table;
 *		the objects are read anew, those that are not there are gone
 * timestamp	a column of the objects with the moment of the last change
 * version	a column that every change moves on
 * view		a view or table with a row for each change, which says what
 *		happened
 * change-tracking, versioning, logical
 *		what SQL Server, MariaDB and PostgreSQL keep of each change
 *		themselves; as a history
 *
 * A mark is what the next delta import begins at. It must be safe: whatever is
 * committed after the mark was taken is to be found behind it, though its
 * number or moment was given out before. So it is the oldest transaction that
 * was still at work (PostgreSQL, SQL Server), or the database's clock less the
 * longest time that a transaction takes (`overlap`).
 *
 * The watermark has a line for each source: type, way, mark and moment, with
 * tabs between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/delta.h"
#include "connectors/sql/logical.h"

#include <string.h>

#define VERSION "sql1"

static const char *const ways[] = {
	"history",         "timestamp",  "version", "view",
	"change-tracking", "versioning", "logical",
};

struct sv sql_delta_setting(const struct sql_input *input, const char *name)
{
	return setting_text(input->source->delta, sql_delta_settings, name);
}

int64_t sql_delta_duration(const struct sql_input *input, const char *name)
{
	int64_t out = 0;

	(void)setting_parse_duration(sql_delta_setting(input, name), &out);
	return out;
}

bool sql_is_database(const struct connector_session *session, const char *name)
{
	return !strcmp(session->link->dialect->name, name);
}

/* --- what there is ----------------------------------------------------- */

static const struct sql_column xmin_column = {
	.name = "xmin",
	.kind = SQL_COLUMN_OTHER,
	.type = "xid",
};

/* By the type of the column; 0 it has no order that could be relied on. */
static int order_of(const struct connector_session *session,
		    struct sql_delta *delta)
{
	const struct sql_column *column = delta->column;

	if (column == &xmin_column)
		delta->order = SQL_ORDER_XMIN;
	else if (column->kind == SQL_COLUMN_LOCAL ||
		 column->kind == SQL_COLUMN_MOMENT)
		delta->order = SQL_ORDER_TIME;
	else if (sql_is_database(session, "postgresql") &&
		 sv_eq_str(sv_from(column->type), "xid8"))
		delta->order = SQL_ORDER_XID;
	else if (sql_is_database(session, "sqlserver") &&
		 column->kind == SQL_COLUMN_BYTES)
		delta->order = SQL_ORDER_ROWVERSION;
	else
		return 0;
	return 1;
}

static int check_order(const struct connector_session *session,
		       struct sql_delta *delta, struct error *err)
{
	bool by_time = delta->way == SQL_WAY_TIMESTAMP;
	int known = order_of(session, delta);

	if (known && (delta->way == SQL_WAY_HISTORY ||
		      by_time == (delta->order == SQL_ORDER_TIME)))
		return 0;
	return error_set(err, ERR_INVALID,
			 "the column '%s' is of the type '%s', by which no "
			 "delta is safe: what is committed late would be lost; "
			 "it must be %s",
			 delta->column->name,
			 delta->column->type ? delta->column->type : "?",
			 by_time ? "a date with time"
			 : delta->way == SQL_WAY_HISTORY
				 ? "xid8 or a date with time on PostgreSQL, "
				   "rowversion on SQL Server, a date with time "
				   "elsewhere"
				 : "xid8 or xmin on PostgreSQL, rowversion on "
				   "SQL Server");
}

static int need(const struct sql_table *table, struct sv name,
		const struct sql_column **out, struct error *err)
{
	*out = sql_table_column(table, name);
	if (!*out)
		return sql_no_column(sv_from(table->name), name, table->columns,
				     table->column_count, err);
	return 0;
}

/* The anchor's columns in a table of changes. */
static int need_keys(struct connector_session *session,
		     const struct sql_input *input, struct sql_delta *delta,
		     struct error *err)
{
	const struct sql_source *source = input->source;
	size_t i;

	delta->keys = arena_array(&session->import->arena, source->anchor_count,
				  sizeof(*delta->keys));
	for (i = 0; i < source->anchor_count; i++)
		if (need(delta->table, source->anchors[i], &delta->keys[i],
			 err) < 0)
			return -1;
	return 0;
}

struct sv sql_history_table(const struct sql_source *source,
			    struct arena *arena)
{
	struct sv name =
		setting_text(source->delta, sql_delta_settings, "table");
	const char *schema;
	const char *table;

	if (name.len)
		return name;
	sql_table_name(source->table, arena, &schema, &table);
	if (!schema)
		return sv_from(arena_printf(arena, "\"%s_changes\"", table));
	return sv_from(
		arena_printf(arena, "\"%s\".\"%s_changes\"", schema, table));
}

const char *sql_history_column(const struct connector_session *session)
{
	return sql_is_database(session, "postgresql") ||
			       sql_is_database(session, "sqlserver")
		       ? "changed_in"
		       : "changed_at";
}

static int prepare_history(struct connector_session *session,
			   struct sql_input *input, struct error *err)
{
	struct sql_delta *delta = input->delta;
	struct sv column = sql_delta_setting(input, "sequence");
	struct sv name =
		sql_history_table(input->source, &session->import->arena);

	if (sql_session_table(session, name, &delta->table, err) < 0)
		return error_context(err,
				     "no history: `conjoin agent delta-setup` "
				     "writes what makes it");
	if (need_keys(session, input, delta, err) < 0 ||
	    need(delta->table,
		 column.len ? column : sv_from(sql_history_column(session)),
		 &delta->column, err) < 0)
		return -1;
	return check_order(session, delta, err);
}

static int prepare_column(struct connector_session *session,
			  struct sql_input *input, struct error *err)
{
	struct sql_delta *delta = input->delta;
	const struct sql_table *table = input->objects.table;
	struct sv name = sql_delta_setting(input, "column");

	delta->column = table ? sql_table_column(table, name) : NULL;
	if (table && !delta->column && sql_is_database(session, "postgresql") &&
	    sv_eq_str(name, "xmin"))
		delta->column = &xmin_column;
	if (!delta->column &&
	    need(table ? table : &input->result, name, &delta->column, err) < 0)
		return -1;
	return check_order(session, delta, err);
}

static int prepare_view(struct connector_session *session,
			struct sql_input *input, struct error *err)
{
	struct sql_delta *delta = input->delta;
	struct sv order = sql_delta_setting(input, "sequence");
	struct sv attr = sql_delta_setting(input, "attribute");

	if (sql_session_table(session, sql_delta_setting(input, "table"),
			      &delta->table, err) < 0 ||
	    need_keys(session, input, delta, err) < 0 ||
	    need(delta->table, sql_delta_setting(input, "change"),
		 &delta->change, err) < 0)
		return -1;
	if (order.len && need(delta->table, order, &delta->column, err) < 0)
		return -1;
	return attr.len ? need(delta->table, attr, &delta->attr, err) : 0;
}

/* What the database itself keeps of a table. */
static int prepare_own(const struct connector_session *session,
		       const struct sql_input *input, const char *database,
		       const char *called, struct error *err)
{
	bool tracking = input->delta->way == SQL_WAY_TRACKING;
	size_t i;

	if (!sql_is_database(session, database))
		return error_set(err, ERR_INVALID, "'by: %s' is for %s",
				 ways[input->delta->way], called);
	if (!input->objects.table)
		return error_set(err, ERR_INVALID,
				 "'by: %s' needs a table, and no query",
				 ways[input->delta->way]);
	for (i = 0; tracking && i < input->source->anchor_count; i++)
		if (!input->objects.columns[i]->key)
			return error_set(err, ERR_INVALID,
					 "'%s' is not in the table's primary "
					 "key, which is all that change "
					 "tracking keeps",
					 input->objects.columns[i]->name);
	return 0;
}

int sql_delta_prepare(struct connector_session *session,
		      struct sql_input *input, struct error *err)
{
	struct sv by = sql_delta_setting(input, "by");
	int way = SQL_WAY_HISTORY;

	while (way < SQL_WAY_LOGICAL && !sv_eq_str(by, ways[way]))
		way++;
	input->delta =
		arena_zalloc(&session->import->arena, sizeof(*input->delta));
	input->delta->way = (enum sql_way)way;
	switch (input->delta->way) {
	case SQL_WAY_HISTORY:
		return prepare_history(session, input, err);
	case SQL_WAY_TIMESTAMP:
	case SQL_WAY_VERSION:
		return prepare_column(session, input, err);
	case SQL_WAY_VIEW:
		return prepare_view(session, input, err);
	case SQL_WAY_TRACKING:
		return prepare_own(session, input, "sqlserver", "SQL Server",
				   err);
	case SQL_WAY_VERSIONING:
		return prepare_own(session, input, "mysql", "MariaDB", err);
	case SQL_WAY_LOGICAL:
		return prepare_own(session, input, "postgresql", "PostgreSQL",
				   err);
	}
	return -1;
}

/* --- marks ------------------------------------------------------------- */

int sql_ask(struct connector_session *session, const char *sql, struct sv *out,
	    size_t count, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct arena *arena = &session->import->arena;
	struct sql_rows *rows = NULL;
	const struct sv *cells = NULL;
	size_t broken;
	size_t i;
	int ret = driver->query(session->link, sql, NULL, 0, &rows, NULL, err);

	if (ret == 0)
		ret = driver->fetch(rows, &cells, &broken, err);
	for (i = 0; ret > 0 && cells && i < count; i++)
		out[i] = arena_dup(arena, cells[i]);
	driver->rows_close(rows);
	if (ret == 0)
		return error_set(err, ERR_INTERNAL,
				 "the database gives no row for: %s", sql);
	return ret < 0 ? -1 : 0;
}

/* What is asked for beside the database's clock. */
static const char *mark_expression(const struct sql_delta *delta)
{
	if (delta->way == SQL_WAY_TRACKING)
		return "CHANGE_TRACKING_CURRENT_VERSION()";
	if (delta->way == SQL_WAY_VIEW || delta->way == SQL_WAY_LOGICAL)
		return NULL;
	switch (delta->order) {
	case SQL_ORDER_XID:
	case SQL_ORDER_XMIN:
		return "CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)";
	case SQL_ORDER_ROWVERSION:
		return "MIN_ACTIVE_ROWVERSION()";
	case SQL_ORDER_TIME:
		break;
	}
	return NULL;
}

/* The largest ordinal that there is: what a full import makes obsolete. */
static int mark_of_view(struct connector_session *session,
			struct sql_input *input, struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	const struct sql_delta *delta = input->delta;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	if (!delta->column)
		return 0;
	strbuf_adds(&sql, "SELECT MAX(");
	sql_add_column(&sql, dialect, "v", delta->column->name);
	strbuf_adds(&sql, ") FROM ");
	sql_add_table_of(&sql, dialect, delta->table);
	strbuf_adds(&sql, " v");
	ret = sql_ask(session, strbuf_cstr(&sql), &input->mark, 1, err);
	strbuf_release(&sql);
	return ret;
}

int sql_delta_mark(struct connector_session *session, struct sql_input *input,
		   struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	const char *mark = mark_expression(input->delta);
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf hex = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv got[2] = { SV_NULL, SV_NULL };
	int ret;

	if (!dialect->now)
		return error_set(err, ERR_UNSUPPORTED,
				 "this database does not tell its time, "
				 "without which no delta is safe");
	strbuf_addf(&sql, "SELECT %s%s%s%s", dialect->now, mark ? ", " : "",
		    mark ? mark : "", dialect->one_row);
	ret = sql_ask(session, strbuf_cstr(&sql), got, mark ? 2 : 1, err);
	input->moment = sv_trim(got[0]);
	input->mark = got[1];
	if (input->delta->order == SQL_ORDER_ROWVERSION && mark) {
		strbuf_add_hex(&hex, got[1]);
		input->mark =
			arena_dup(&session->import->arena, strbuf_sv(&hex));
	}
	strbuf_release(&hex);
	strbuf_release(&sql);
	if (ret == 0 && input->delta->way == SQL_WAY_TRACKING &&
	    !input->mark.len)
		return error_set(err, ERR_INVALID,
				 "change tracking is not switched on for this "
				 "database");
	if (ret == 0 && input->delta->way == SQL_WAY_LOGICAL)
		ret = sql_logical_mark(session, input, err);
	if (ret == 0 && input->delta->way == SQL_WAY_VIEW)
		ret = mark_of_view(session, input, err);
	return ret;
}

static struct sv type_of(const struct connector_session *session,
			 const struct sql_source *source)
{
	if (source->type == SQL_TYPE_BY_COLUMN || session->source_count == 1)
		return SV_LIT("*");
	return sv_from(session->config->types[source->type].name);
}

/* What a mark is of: it is of no use when that is another one. */
static void add_way(struct strbuf *sb, const struct sql_input *input)
{
	const struct sql_delta *delta = input->delta;

	strbuf_addf(sb, "%s:%s:%s", ways[delta->way],
		    delta->table ? delta->table->name : "",
		    delta->column ? delta->column->name : "");
}

struct sv sql_delta_watermark(const struct connector_session *session,
			      struct arena *arena)
{
	const struct sql_import *im = session->import;
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	bool any = false;
	struct sv out;
	size_t i;

	strbuf_adds(&sb, VERSION);
	for (i = 0; i < im->count; i++) {
		const struct sql_input *input = &im->inputs[i];

		if (!input->delta)
			continue;
		any = true;
		strbuf_addf(&sb, "\n" SV_FMT "\t",
			    SV_ARG(type_of(session, input->source)));
		add_way(&sb, input);
		strbuf_addf(&sb, "\t" SV_FMT "\t" SV_FMT, SV_ARG(input->mark),
			    SV_ARG(input->moment));
	}
	out = any ? arena_dup(arena, strbuf_sv(&sb)) : SV_NULL;
	strbuf_release(&sb);
	return out;
}

static struct sv field(struct sv *line)
{
	size_t end = sv_find(*line, '\t', 0);
	struct sv out = sv_sub(*line, 0, end);

	*line = sv_sub(*line, end < line->len ? end + 1 : end, line->len);
	return out;
}

int sql_delta_find_mark(const struct connector_session *session,
			const struct sql_input *input, struct sv watermark,
			struct sv *mark_out, struct sv *moment_out)
{
	struct strbuf way = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t at = sv_find(watermark, '\n', 0);
	int found = 0;

	add_way(&way, input);
	if (!sv_eq_str(sv_sub(watermark, 0, at), VERSION))
		at = watermark.len;
	while (!found && at < watermark.len) {
		size_t end = sv_find(watermark, '\n', at + 1);
		struct sv line = sv_sub(watermark, at + 1, end);
		bool own = sv_eq(field(&line), type_of(session, input->source));

		found = sv_eq(field(&line), strbuf_sv(&way)) && own;
		*mark_out = field(&line);
		*moment_out = line;
		at = end;
	}
	strbuf_release(&way);
	return found;
}

struct sv sql_delta_after(const struct sql_input *input, struct sv *last_out,
			  const struct sql_column **column_out)
{
	struct sv after;

	if (!input->delta || input->delta->way != SQL_WAY_VIEW)
		return SV_NULL;
	after = sql_delta_setting(input, "after");
	/* a full import has read all that the rows of its beginning tell */
	*last_out = input->select ? strbuf_sv(&input->last) : input->mark;
	*column_out = input->delta->column;
	return after.len && last_out->len ? after : SV_NULL;
}
