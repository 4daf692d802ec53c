/*
 * import.h - what the files of an sql import share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_IMPORT_H
#define CONNECTORS_SQL_IMPORT_H

#include "connectors/sql/child.h"

/* What stands in a row of a delta's query beside the object. */
struct sql_delta_row {
	bool keys;     /* the anchor's columns of `k` come first */
	size_t change; /* place of the column with the change's word */
	size_t attr;   /* of the column that names an attribute */
	size_t last;   /* of the column by which changes are in order */
};

struct sql_delta;
struct sql_logical;

/* One source during an import. */
struct sql_input {
	const struct sql_source *source;
	struct sql_table result; /* of a query that was probed */
	struct sql_plan objects; /* of the source itself */
	struct sql_plan plan; /* of the rows that are read: mostly the same */
	struct sql_scope scope;
	struct sql_kids kids;
	struct sql_rows *rows;
	bool in_order;   /* the result has the plan's columns in their order */
	bool lines;      /* an object is known by its line */
	bool only_lines; /* which are all that is read of a row */
	bool done;
	uint64_t row; /* that was read last */
	struct sv *cells;

	/* of a delta */
	struct sql_delta *delta;
	struct sql_delta_row extra;
	const char *select; /* the whole query; NULL: by the plan */
	struct sv mark;     /* for the watermark */
	struct sv moment;   /* of it, by the database's clock */
	struct strbuf last; /* largest ordinal that was read */
};

struct sql_import {
	bool delta;
	bool open;     /* a transaction is */
	bool presence; /* all changes were told: now which objects there are */
	bool compares; /* that is to be told */
	bool ended;
	struct sql_logical *logical; /* or NULL */
	struct arena arena;
	struct sql_input *inputs; /* one for each source */
	size_t count;
	size_t at;
	/* An object that is gone, and of which a column told the type. */
	struct arena of_gone;
	struct sv gone;
	size_t gone_type; /* it is no object of this one either */
	size_t gone_but;  /* but of this one, or SQL_NO_COLUMN */
};

/* A row as a change. 1; 0 nobody asks for it; -1. */
int sql_row_read(struct connector_session *session, struct sql_input *input,
		 const struct sv *cells, size_t broken, struct arena *arena,
		 struct change *out, struct error *err);
/* Is an object of this source known by its line, in any import? */
bool sql_row_by_line(const struct connector_session *session,
		     const struct sql_source *source);
/* The same of a row of which a line is all that is read, out->raw. */
int sql_row_line(struct connector_session *session, struct sql_input *input,
		 struct arena *arena, struct change *out);
/* A row with anchor and type only, as CHANGE_PRESENT. */
int sql_row_present(struct connector_session *session, struct sql_input *input,
		    const struct sv *cells, struct arena *arena,
		    struct change *out);

/* ---- delta.c ---- */

/* The table that triggers write to. */
struct sv sql_history_table(const struct sql_source *source,
			    struct arena *arena);

/* Its column by which changes are in order, when that is not set. */
const char *sql_history_column(const struct connector_session *session);
/* Finds what tells of the changes of a source; before the transaction. */
int sql_delta_prepare(struct connector_session *session,
		      struct sql_input *input, struct error *err);
/* Takes the mark of the moment that is read now, from which the next delta
 * import goes on. */
int sql_delta_mark(struct connector_session *session, struct sql_input *input,
		   struct error *err);
/* What is to be read since an earlier mark. */
int sql_delta_begin(struct connector_session *session, struct sql_input *input,
		    struct sv mark, struct sv moment, struct error *err);
/* Which objects there are must be read as well. */
bool sql_delta_compares(const struct sql_input *input);
/* The watermark: the marks of all sources. */
struct sv sql_delta_watermark(const struct connector_session *session,
			      struct arena *arena);
/* The mark of a source in a watermark: 1; 0 there is none that is of use. */
int sql_delta_find_mark(const struct connector_session *session,
			const struct sql_input *input, struct sv watermark,
			struct sv *mark_out, struct sv *moment_out);

/* The statement of a view's own that is run when its rows are safe; SV_NULL:
 * none is, or nothing was read. Its column tells how the last row's ordinal is
 * bound. */
struct sv sql_delta_after(const struct sql_input *input, struct sv *last_out,
			  const struct sql_column **column_out);

#endif
