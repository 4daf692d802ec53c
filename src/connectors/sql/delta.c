/*
 * delta.c - what tells of the changes of a source, and since when
 *
 * history	triggers write the anchor of whatever changes into a table;
 *		the objects are read anew, those that are not there are gone
 * timestamp	a column of the objects with the moment of the last change
 * version	a column that every change moves on
 * view		a view or table with a row for each change, which says what
 *		happened
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
#include "base/clock.h"
#include "base/zone.h"
#include "connectors/sql/import.h"

#include <string.h>

#define VERSION "sql1"

enum way { WAY_HISTORY, WAY_TIMESTAMP, WAY_VERSION, WAY_VIEW };

static const char *const ways[] = { "history", "timestamp", "version", "view" };

/* How the values of a column go on. */
enum order {
	ORDER_TIME,       /* moments */
	ORDER_XID,        /* PostgreSQL: numbers of transactions, 64 bits */
	ORDER_XMIN,       /* the same, 32 bits that begin again */
	ORDER_ROWVERSION, /* SQL Server: a counter of the database */
};

struct sql_delta {
	enum way way;
	enum order order;
	const struct sql_table *table; /* history, view */
	const struct sql_column **keys;
	const struct sql_column *column; /* by which changes are in order */
	const struct sql_column *change;
	const struct sql_column *attr;
};

static struct sv setting(const struct sql_input *input, const char *name)
{
	return setting_text(input->source->delta, sql_delta_settings, name);
}

static int64_t duration(const struct sql_input *input, const char *name)
{
	int64_t out = 0;

	(void)setting_parse_duration(setting(input, name), &out);
	return out;
}

static bool is_database(const struct connector_session *session,
			const char *name)
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
		delta->order = ORDER_XMIN;
	else if (column->kind == SQL_COLUMN_LOCAL ||
		 column->kind == SQL_COLUMN_MOMENT)
		delta->order = ORDER_TIME;
	else if (is_database(session, "postgresql") &&
		 sv_eq_str(sv_from(column->type), "xid8"))
		delta->order = ORDER_XID;
	else if (is_database(session, "sqlserver") &&
		 column->kind == SQL_COLUMN_BYTES)
		delta->order = ORDER_ROWVERSION;
	else
		return 0;
	return 1;
}

static int check_order(const struct connector_session *session,
		       struct sql_delta *delta, struct error *err)
{
	bool by_time = delta->way == WAY_TIMESTAMP;
	int known = order_of(session, delta);

	if (known && (delta->way == WAY_HISTORY ||
		      by_time == (delta->order == ORDER_TIME)))
		return 0;
	return error_set(err, ERR_INVALID,
			 "the column '%s' is of the type '%s', by which no "
			 "delta is safe: what is committed late would be lost; "
			 "it must be %s",
			 delta->column->name,
			 delta->column->type ? delta->column->type : "?",
			 by_time ? "a date with time"
			 : delta->way == WAY_HISTORY
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
	return is_database(session, "postgresql") ||
			       is_database(session, "sqlserver")
		       ? "changed_in"
		       : "changed_at";
}

static int prepare_history(struct connector_session *session,
			   struct sql_input *input, struct error *err)
{
	struct sql_delta *delta = input->delta;
	struct sv column = setting(input, "sequence");
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
	struct sv name = setting(input, "column");

	delta->column = table ? sql_table_column(table, name) : NULL;
	if (table && !delta->column && is_database(session, "postgresql") &&
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
	struct sv order = setting(input, "sequence");
	struct sv attr = setting(input, "attribute");

	if (sql_session_table(session, setting(input, "table"), &delta->table,
			      err) < 0 ||
	    need_keys(session, input, delta, err) < 0 ||
	    need(delta->table, setting(input, "change"), &delta->change, err) <
		    0)
		return -1;
	if (order.len && need(delta->table, order, &delta->column, err) < 0)
		return -1;
	return attr.len ? need(delta->table, attr, &delta->attr, err) : 0;
}

int sql_delta_prepare(struct connector_session *session,
		      struct sql_input *input, struct error *err)
{
	struct sv by = setting(input, "by");
	int way = WAY_HISTORY;

	while (way < WAY_VIEW && !sv_eq_str(by, ways[way]))
		way++;
	input->delta =
		arena_zalloc(&session->import->arena, sizeof(*input->delta));
	input->delta->way = (enum way)way;
	switch (input->delta->way) {
	case WAY_HISTORY:
		return prepare_history(session, input, err);
	case WAY_TIMESTAMP:
	case WAY_VERSION:
		return prepare_column(session, input, err);
	case WAY_VIEW:
		return prepare_view(session, input, err);
	}
	return -1;
}

/* --- marks ------------------------------------------------------------- */

/* One row, with as many texts as are wanted; memory of the import. */
static int ask(struct connector_session *session, const char *sql,
	       struct sv *out, size_t count, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct arena *arena = &session->import->arena;
	struct sql_rows *rows = NULL;
	const struct sv *cells;
	size_t broken;
	size_t i;
	int ret = driver->query(session->link, sql, NULL, 0, &rows, NULL, err);

	if (ret == 0)
		ret = driver->fetch(rows, &cells, &broken, err);
	for (i = 0; ret > 0 && i < count; i++)
		out[i] = arena_dup(arena, cells[i]);
	driver->rows_close(rows);
	if (ret == 0)
		return error_set(err, ERR_INTERNAL,
				 "the database does not tell its time");
	return ret < 0 ? -1 : 0;
}

/* What is asked for beside the database's clock. */
static const char *mark_expression(const struct sql_delta *delta)
{
	if (delta->way == WAY_VIEW)
		return NULL;
	switch (delta->order) {
	case ORDER_XID:
	case ORDER_XMIN:
		return "CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)";
	case ORDER_ROWVERSION:
		return "MIN_ACTIVE_ROWVERSION()";
	case ORDER_TIME:
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
	ret = ask(session, strbuf_cstr(&sql), &input->mark, 1, err);
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
	ret = ask(session, strbuf_cstr(&sql), got, mark ? 2 : 1, err);
	input->moment = sv_trim(got[0]);
	input->mark = got[1];
	if (input->delta->order == ORDER_ROWVERSION && mark) {
		strbuf_add_hex(&hex, got[1]);
		input->mark =
			arena_dup(&session->import->arena, strbuf_sv(&hex));
	}
	strbuf_release(&hex);
	strbuf_release(&sql);
	if (ret == 0 && input->delta->way == WAY_VIEW)
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

/* --- what is read ------------------------------------------------------ */

static int conflict(struct error *err, const char *why)
{
	return error_set(err, ERR_CONFLICT, "%s: run a full import", why);
}

/* The moment from which changes are looked for, as the column has it. */
static int since_time(struct connector_session *session,
		      struct sql_input *input, struct sv moment, struct sv *out,
		      struct error *err)
{
	struct arena *arena = &session->import->arena;
	char text[40];
	int64_t from;
	int64_t now;

	if (!clock_parse_iso(moment, &from) ||
	    !clock_parse_iso(input->moment, &now))
		return conflict(err, "the mark of the last import is no time");
	from -= duration(input, "overlap");
	from -= from % CLOCK_SECOND;
	/* a history's own moments are UTC */
	if (input->delta->column->kind == SQL_COLUMN_LOCAL &&
	    input->delta->way == WAY_TIMESTAMP) {
		/* an hour may come twice: the smaller offset */
		int64_t then = zone_from_utc(session->zone, from) - from;
		int64_t offset = zone_from_utc(session->zone, now) - now;

		from += then < offset ? then : offset;
	}
	clock_format_iso(from, text);
	*out = sv_from(text);
	if (input->delta->column->kind == SQL_COLUMN_LOCAL)
		out->len--; /* the Z */
	*out = arena_dup(arena, *out);
	return 0;
}

/* Numbers that are smaller than they were are those of another database. */
static int since_number(struct sql_input *input, struct sv mark,
			struct error *err)
{
	int64_t now;
	int64_t from;

	if (!sv_to_i64(mark, &from) || !sv_to_i64(input->mark, &now))
		return conflict(err,
				"the mark of the last import is no number");
	if (now < from)
		return conflict(err, "the database was set back");
	return 0;
}

/* Appends a condition on `alias`; its parameter goes to the scope. */
static int add_since(struct connector_session *session, struct sql_input *input,
		     const char *alias, struct sv mark, struct sv moment,
		     struct strbuf *sql, struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	const struct sql_column *column = input->delta->column;
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_param *param = &input->scope.params[0];
	int64_t from = 0;

	input->scope.param_count = 1;
	param->column = column;
	param->value = mark;
	switch (input->delta->order) {
	case ORDER_TIME:
		if (since_time(session, input, moment, &param->value, err) < 0)
			return -1;
		break;
	case ORDER_XID:
		if (since_number(input, mark, err) < 0)
			return -1;
		break;
	case ORDER_XMIN:
		if (since_number(input, mark, err) < 0)
			return -1;
		/* on the circle of 32 bits at most half of it behind; what is
		 * too much is looked at once more */
		(void)sv_to_i64(mark, &from);
		input->scope.param_count = 0;
		strbuf_addf(sql,
			    "(CAST(CAST(%s.xmin AS text) AS bigint) - %lld + "
			    "4294967296) %% 4294967296 < 2147483648",
			    alias, (long long)(from & 0xffffffff));
		return 0;
	case ORDER_ROWVERSION:
		if (!strbuf_add_unhex(&bytes, mark)) {
			strbuf_release(&bytes);
			return conflict(err, "the mark of the last import is "
					     "no version");
		}
		param->value =
			arena_dup(&session->import->arena, strbuf_sv(&bytes));
		strbuf_release(&bytes);
		break;
	}
	sql_add_column(sql, dialect, alias, column->name);
	strbuf_adds(sql, " >= ");
	sql_add_marker(sql, dialect, 1);
	return 0;
}

/* (SELECT DISTINCT h.key AS anchor ... FROM table h: without the bracket at
 * the end */
static void add_keys(const struct connector_session *session,
		     const struct sql_input *input, struct strbuf *sql)
{
	const struct sql_dialect *dialect = session->link->dialect;
	const struct sql_delta *delta = input->delta;
	size_t i;

	strbuf_adds(sql, "(SELECT DISTINCT ");
	for (i = 0; i < input->source->anchor_count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_column(sql, dialect, "h", delta->keys[i]->name);
		strbuf_adds(sql, " AS ");
		sql_add_name(sql, dialect,
			     sv_from(input->objects.columns[i]->name));
	}
	strbuf_adds(sql, " FROM ");
	sql_add_table_of(sql, dialect, delta->table);
	strbuf_adds(sql, " h");
}

static const char *keep_text(struct connector_session *session,
			     struct strbuf *sql)
{
	const char *text = arena_cstr(&session->import->arena, strbuf_sv(sql));

	strbuf_release(sql);
	return text;
}

/* Rows that were removed cannot be asked for any more. */
static int check_keep(struct sql_input *input, struct sv moment,
		      struct error *err)
{
	int64_t then;
	int64_t now;

	if (!clock_parse_iso(moment, &then) ||
	    !clock_parse_iso(input->moment, &now) ||
	    now - then > duration(input, "keep"))
		return conflict(err, "the last import is longer ago than the "
				     "history is kept");
	return 0;
}

static int begin_history(struct connector_session *session,
			 struct sql_input *input, struct sv mark,
			 struct sv moment, struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (check_keep(input, moment, err) < 0)
		return -1;
	add_keys(session, input, &sql);
	strbuf_adds(&sql, " WHERE ");
	if (add_since(session, input, "h", mark, moment, &sql, err) < 0) {
		strbuf_release(&sql);
		return -1;
	}
	strbuf_addc(&sql, ')');
	input->scope.keys = keep_text(session, &sql);
	input->extra.keys = true;
	return 0;
}

static int begin_column(struct connector_session *session,
			struct sql_input *input, struct sv mark,
			struct sv moment, struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = add_since(session, input, "t", mark, moment, &sql, err);

	input->scope.where = keep_text(session, &sql);
	return ret;
}

/* The rows of the view, in order: columns of the plan, then what it says of
 * each. */
static void select_view(struct connector_session *session,
			struct sql_input *input, bool since)
{
	const struct sql_dialect *dialect = session->link->dialect;
	struct sql_delta *delta = input->delta;
	const struct sql_column *more[] = { delta->change, delta->attr,
					    delta->column };
	size_t *places[] = { &input->extra.change, &input->extra.attr,
			     &input->extra.last };
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = 0;
	size_t i;

	strbuf_adds(&sql, "SELECT ");
	for (; count < input->plan.column_count; count++) {
		strbuf_adds(&sql, count ? ", " : "");
		sql_add_column(&sql, dialect, "v",
			       input->plan.columns[count]->name);
	}
	for (i = 0; i < 3; i++) {
		if (!more[i])
			continue;
		*places[i] = count++;
		strbuf_adds(&sql, ", ");
		sql_add_column(&sql, dialect, "v", more[i]->name);
	}
	strbuf_adds(&sql, " FROM ");
	sql_add_table_of(&sql, dialect, delta->table);
	strbuf_adds(&sql, " v");
	if (since) {
		strbuf_adds(&sql, " WHERE ");
		sql_add_column(&sql, dialect, "v", delta->column->name);
		strbuf_adds(&sql, " > ");
		sql_add_marker(&sql, dialect, 1);
	}
	if (delta->column) {
		strbuf_adds(&sql, " ORDER BY ");
		sql_add_column(&sql, dialect, "v", delta->column->name);
	}
	input->select = keep_text(session, &sql);
}

/* What a statement removes behind the import is not asked for again; else the
 * rows behind the last one that was read are. */
static int begin_view(struct connector_session *session,
		      struct sql_input *input, struct sv mark,
		      struct error *err)
{
	struct sql_delta *delta = input->delta;
	bool since = delta->column && mark.len && !setting(input, "after").len;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);

	add_keys(session, input, &sql);
	if (since) {
		strbuf_adds(&sql, " WHERE ");
		sql_add_column(&sql, session->link->dialect, "h",
			       delta->column->name);
		strbuf_adds(&sql, " > ");
		sql_add_marker(&sql, session->link->dialect, 1);
		input->scope.params[0].column = delta->column;
		input->scope.params[0].value = mark;
		input->scope.param_count = 1;
	}
	strbuf_addc(&sql, ')');
	input->scope.keys = keep_text(session, &sql);
	input->plan.label = setting(input, "table");
	if (sql_plan_columns(session, delta->table->columns,
			     delta->table->column_count,
			     &session->import->arena, &input->plan, err) < 0)
		return -1;
	select_view(session, input, since);
	strbuf_addsv(&input->last, mark);
	return 0;
}

int sql_delta_begin(struct connector_session *session, struct sql_input *input,
		    struct sv mark, struct sv moment, struct error *err)
{
	switch (input->delta->way) {
	case WAY_HISTORY:
		return begin_history(session, input, mark, moment, err);
	case WAY_TIMESTAMP:
	case WAY_VERSION:
		return begin_column(session, input, mark, moment, err);
	case WAY_VIEW:
		return begin_view(session, input, mark, err);
	}
	return -1;
}

bool sql_delta_compares(const struct sql_input *input)
{
	return (input->delta->way == WAY_TIMESTAMP ||
		input->delta->way == WAY_VERSION) &&
	       sv_eq_str(setting(input, "deletions"), "compare");
}

struct sv sql_delta_after(const struct sql_input *input, struct sv *last_out,
			  const struct sql_column **column_out)
{
	struct sv after;

	if (!input->delta || input->delta->way != WAY_VIEW)
		return SV_NULL;
	after = setting(input, "after");
	/* a full import has read all that the rows of its beginning tell */
	*last_out = input->select ? strbuf_sv(&input->last) : input->mark;
	*column_out = input->delta->column;
	return after.len && last_out->len ? after : SV_NULL;
}
