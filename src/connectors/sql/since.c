/*
 * since.c - what is read of a source that changed since a mark
 *
 * Each way makes a subquery with the keys of the objects, a condition on them,
 * or a query of its own (import.h: scope, select).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/zone.h"
#include "connectors/sql/delta.h"
#include "connectors/sql/logical.h"

#include <string.h>

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
	from -= sql_delta_duration(input, "overlap");
	from -= from % CLOCK_SECOND;
	/* a history's own moments are UTC */
	if (input->delta->column->kind == SQL_COLUMN_LOCAL &&
	    input->delta->way == SQL_WAY_TIMESTAMP) {
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
	case SQL_ORDER_TIME:
		if (since_time(session, input, moment, &param->value, err) < 0)
			return -1;
		break;
	case SQL_ORDER_XID:
		if (since_number(input, mark, err) < 0)
			return -1;
		break;
	case SQL_ORDER_XMIN:
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
	case SQL_ORDER_ROWVERSION:
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

/* SELECT DISTINCT h.key AS anchor ... FROM, without what stands behind it */
static void add_keys(const struct connector_session *session,
		     const struct sql_input *input,
		     const struct sql_column **keys, struct strbuf *sql)
{
	const struct sql_dialect *dialect = session->link->dialect;
	size_t i;

	strbuf_adds(sql, "SELECT DISTINCT ");
	for (i = 0; i < input->source->anchor_count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_column(sql, dialect, "h", keys[i]->name);
		strbuf_adds(sql, " AS ");
		sql_add_name(sql, dialect,
			     sv_from(input->objects.columns[i]->name));
	}
	strbuf_adds(sql, " FROM ");
}

/* The same of the table of changes, in a bracket that is left open. */
static void add_own_keys(const struct connector_session *session,
			 const struct sql_input *input, struct strbuf *sql)
{
	strbuf_addc(sql, '(');
	add_keys(session, input, input->delta->keys, sql);
	sql_add_table_of(sql, session->link->dialect, input->delta->table);
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
	    now - then > sql_delta_duration(input, "keep"))
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
	add_own_keys(session, input, &sql);
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
	bool since = delta->column && mark.len &&
		     !sql_delta_setting(input, "after").len;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);

	add_own_keys(session, input, &sql);
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
	input->plan.label = sql_delta_setting(input, "table");
	if (sql_plan_columns(session, delta->table->columns,
			     delta->table->column_count,
			     &session->import->arena, &input->plan, err) < 0)
		return -1;
	select_view(session, input, since);
	strbuf_addsv(&input->last, mark);
	return 0;
}

/* The keys of the objects' table and of their child tables, each as `from`
 * writes it. */
typedef void (*from_fn)(const struct connector_session *session,
			const struct sql_table *table, int64_t since,
			struct strbuf *sql);

static void begin_own(struct connector_session *session,
		      struct sql_input *input, from_fn from, int64_t since)
{
	const struct sql_plan *plan = &input->objects;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	strbuf_addc(&sql, '(');
	add_keys(session, input, plan->columns, &sql);
	from(session, plan->table, since, &sql);
	for (i = 0; i < plan->child_count; i++) {
		strbuf_adds(&sql, " UNION ");
		add_keys(session, input, plan->children[i].keys, &sql);
		from(session, plan->children[i].table, since, &sql);
	}
	strbuf_addc(&sql, ')');
	input->scope.keys = keep_text(session, &sql);
	input->extra.keys = true;
}

static void from_tracking(const struct connector_session *session,
			  const struct sql_table *table, int64_t since,
			  struct strbuf *sql)
{
	strbuf_adds(sql, "CHANGETABLE(CHANGES ");
	sql_add_table_of(sql, session->link->dialect, table);
	strbuf_addf(sql, ", %lld) AS h", (long long)since);
}

/* A name as it stands in a text. */
static void add_quoted_table(const struct connector_session *session,
			     const struct sql_table *table, struct strbuf *sql)
{
	struct strbuf name = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	sql_add_table_of(&name, session->link->dialect, table);
	strbuf_adds(sql, "N'");
	for (i = 0; i < name.len; i++)
		strbuf_addf(sql, "%s%c", name.ptr[i] == '\'' ? "'" : "",
			    name.ptr[i]);
	strbuf_addc(sql, '\'');
	strbuf_release(&name);
}

/* What was tidied up cannot be asked for any more. */
static int check_tracking(struct connector_session *session,
			  const struct sql_table *table, int64_t since,
			  struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv oldest = SV_NULL;
	int64_t number;
	int ret;

	strbuf_adds(&sql,
		    "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(");
	add_quoted_table(session, table, &sql);
	strbuf_adds(&sql, "))");
	ret = sql_ask(session, strbuf_cstr(&sql), &oldest, 1, err);
	strbuf_release(&sql);
	if (ret < 0)
		return -1;
	if (!sv_to_i64(oldest, &number))
		return error_set(err, ERR_INVALID,
				 "change tracking is not switched on for '%s'",
				 table->name);
	if (since < number)
		return conflict(err, "what was tracked since the last import "
				     "is not kept any more");
	return 0;
}

static int begin_tracking(struct connector_session *session,
			  struct sql_input *input, struct sv mark,
			  struct error *err)
{
	const struct sql_plan *plan = &input->objects;
	int64_t since = 0;
	size_t i;

	if (since_number(input, mark, err) < 0)
		return -1;
	(void)sv_to_i64(mark, &since);
	if (check_tracking(session, plan->table, since, err) < 0)
		return -1;
	for (i = 0; i < plan->child_count; i++)
		if (check_tracking(session, plan->children[i].table, since,
				   err) < 0)
			return -1;
	begin_own(session, input, from_tracking, since);
	return 0;
}

/* Seconds since 1970, so that the session's own zone does not count. */
static void from_versioning(const struct connector_session *session,
			    const struct sql_table *table, int64_t since,
			    struct strbuf *sql)
{
	sql_add_table_of(sql, session->link->dialect, table);
	strbuf_addf(sql,
		    " FOR SYSTEM_TIME ALL AS h WHERE "
		    "UNIX_TIMESTAMP(h.ROW_START) >= %lld OR "
		    "(UNIX_TIMESTAMP(h.ROW_END) >= %lld AND "
		    "h.ROW_END <= CURRENT_TIMESTAMP(6))",
		    (long long)since, (long long)since);
}

static int begin_versioning(struct connector_session *session,
			    struct sql_input *input, struct sv moment,
			    struct error *err)
{
	int64_t since;

	if (!clock_parse_iso(moment, &since))
		return conflict(err, "the mark of the last import is no time");
	since -= sql_delta_duration(input, "overlap");
	begin_own(session, input, from_versioning,
		  (since - CLOCK_UNIX_EPOCH) / CLOCK_SECOND);
	return 0;
}

int sql_delta_begin(struct connector_session *session, struct sql_input *input,
		    struct sv mark, struct sv moment, struct error *err)
{
	switch (input->delta->way) {
	case SQL_WAY_HISTORY:
		return begin_history(session, input, mark, moment, err);
	case SQL_WAY_TIMESTAMP:
	case SQL_WAY_VERSION:
		return begin_column(session, input, mark, moment, err);
	case SQL_WAY_VIEW:
		return begin_view(session, input, mark, err);
	case SQL_WAY_TRACKING:
		return begin_tracking(session, input, mark, err);
	case SQL_WAY_VERSIONING:
		return begin_versioning(session, input, moment, err);
	case SQL_WAY_LOGICAL:
		return sql_logical_begin(session, input, mark, err);
	}
	return -1;
}

bool sql_delta_compares(const struct sql_input *input)
{
	return (input->delta->way == SQL_WAY_TIMESTAMP ||
		input->delta->way == SQL_WAY_VERSION) &&
	       sv_eq_str(sql_delta_setting(input, "deletions"), "compare");
}
