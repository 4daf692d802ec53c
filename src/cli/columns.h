/*
 * columns.h - objects as rows of chosen columns: a table or CSV, perhaps sorted
 *
 * A column is an attribute, or what is known beside them: id, agent, type,
 * state, name, dn, anchor, mv, rule_set, error, pending, connectors. With @
 * before it it is the latter also where an attribute has that name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include "cli/csv_out.h"
#include "cli/session.h"

struct column_row {
	const char **cells;
	json_t *json; /* with --json, in place of the cells */
	const char *key;
	int64_t number; /* where it was found */
};

struct columns {
	struct cli *cli;
	const char **names;
	size_t count;
	bool csv;
	bool sorted;
	const char *sort; /* NULL: as they are found */
	bool descending;
	int64_t limit; /* of what is sorted; 0: all */
	int64_t found;
	VEC(struct column_row) rows; /* when they must wait */
	struct arena arena;
	struct csv_out out;
	struct table table;
	struct table_column *titles;
};

/* Takes --columns, --sort, --csv of the command line; `usual` stand without
 * --columns. 1: rows are to be given here; 0: none of these was said. */
int columns_begin(struct columns *columns, struct cli *cli,
		  const char *const *usual, size_t usual_count, int64_t limit,
		  struct error *err);
int columns_mv(struct columns *columns, const struct display_mv *object,
	       json_t *json, struct error *err);
int columns_cs(struct columns *columns, const struct display_cs *object,
	       json_t *json, struct error *err);
/* What waited is printed, or handed to `stream`. */
int columns_end(struct columns *columns, struct json_stream *stream,
		struct error *err);
void columns_release(struct columns *columns);

#endif
