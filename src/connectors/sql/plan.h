/*
 * plan.h - which columns of a source are read, and the queries that read them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_PLAN_H
#define CONNECTORS_SQL_PLAN_H

#include "connectors/sql/sql_private.h"

#define SQL_NO_COLUMN SIZE_MAX

/* Where an attribute of a type comes from. */
struct sql_wanted {
	size_t attr;
	size_t column; /* of the plan; SQL_NO_COLUMN: from child tables */
	size_t name;   /* then: its number among the plan's names */
};

struct sql_child_plan {
	const struct sql_child *child;
	const struct sql_table *table;
	const struct sql_column **keys;
	const struct sql_column *name; /* NULL: all rows are of one attribute */
	size_t number;                 /* this one's among the plan's names */
	const struct sql_column **values;
};

struct sql_plan {
	const struct sql_source *source;
	struct sv label;                   /* of the source, for people */
	const struct sql_table *table;     /* NULL: the source is a query */
	const struct sql_column **columns; /* each once; the anchor's first */
	size_t *places;                    /* of them in the result */
	size_t column_count;
	size_t type_column;         /* or SQL_NO_COLUMN */
	struct sql_wanted **wanted; /* for each of the agent's types */
	size_t *wanted_count;
	const char **names; /* of attributes that child tables have */
	size_t name_count;
	struct sql_child_plan *children;
	size_t child_count;
	struct sv context; /* what gives a row's bytes their meaning */
};

/* Which rows are read. All empty: all of them. */
struct sql_scope {
	/* A subquery in brackets with the anchor's columns of some objects; it
	 * is `k` in the query, the objects are `t`. */
	const char *keys;
	const char *where; /* a condition on t */
	struct sql_param params[4];
	size_t param_count;
};

/* Finds the child tables, and of a table the columns. */
int sql_plan_begin(struct connector_session *session,
		   const struct sql_source *source, struct arena *arena,
		   struct sql_plan *out, struct error *err);
/* Finds the columns among those of a query's result, or of a view in the
 * source's place: after begin. */
int sql_plan_columns(const struct connector_session *session,
		     const struct sql_column *columns, size_t count,
		     struct arena *arena, struct sql_plan *plan,
		     struct error *err);

/* The columns of the plan; with keys those of `k` stand before them and an
 * object that is not there has NULL in all others. */
void sql_plan_select(const struct connector_session *session,
		     const struct sql_plan *plan, const struct sql_scope *scope,
		     struct strbuf *sql);
/* No row, with all columns of a query. */
void sql_plan_select_nothing(const struct connector_session *session,
			     const struct sql_plan *plan, struct strbuf *sql);
/* The anchors alone, and behind them the type's column where there is one. */
void sql_plan_select_anchors(const struct connector_session *session,
			     const struct sql_plan *plan, struct strbuf *sql);
/* The rows of a child table: anchor, name if there is one, values. */
void sql_plan_select_child(const struct connector_session *session,
			   const struct sql_plan *plan,
			   const struct sql_child_plan *child,
			   const struct sql_scope *scope, struct strbuf *sql);

/* The anchor of cells that are in order of the anchor's columns: 1 whole; 0 a
 * part has no value, or is no text, and *missing_out is its number. `trimmed`
 * views stay views. */
int sql_plan_anchor(const struct sql_plan *plan, const struct sv *cells,
		    struct arena *arena, struct sv *out, size_t *missing_out);

#endif
