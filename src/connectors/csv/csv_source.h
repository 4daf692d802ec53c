/*
 * csv_source.h - what a csv agent's settings say of each of its files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_SOURCE_H
#define CONNECTORS_CSV_CSV_SOURCE_H

#include "connector/connector.h"
#include "connectors/csv/csv_reader.h"
#include "connectors/intake/feed.h"

extern const struct setting_def csv_settings[];

#define BY_COLUMN SIZE_MAX /* the type stands in a column */

/* One file with objects, and the file with their changes. */
struct csv_source {
	struct feed feed;
	size_t type; /* index into the agent's types, or BY_COLUMN */
	struct sv type_column;
	struct sv *anchors; /* columns */
	size_t anchor_count;
	struct csv_dialect dialect;
	int64_t skip; /* lines before the header */
	bool header;
	bool create;        /* a file that is missing is an empty one */
	struct sv *columns; /* when there is no header */
	size_t column_count;
};

/* The files of the types that the agent has; memory from arena. */
int csv_sources_load(const struct connector_config *config, struct arena *arena,
		     struct csv_source **out, size_t *count_out,
		     struct error *err);

void csv_check(const struct connector_ops *ops,
	       const struct connector_config *config, setting_report_fn report,
	       void *data);

/* A column that an object type wants. */
struct csv_wanted {
	size_t column;
	size_t attr;
};

#define CSV_NO_COLUMN SIZE_MAX

/* Where in an open file things stand. */
struct csv_layout {
	struct sv *names; /* of the columns */
	size_t count;
	struct sv before; /* for an export: what stands before the header ... */
	struct sv header; /* ... and the header's line */
	size_t *anchors;  /* columns, as many as the source has anchors */
	size_t type;      /* column, or CSV_NO_COLUMN */
	size_t change;    /* column, or CSV_NO_COLUMN */
	struct csv_wanted **wanted; /* for each of the agent's types */
	size_t *wanted_count;
};

enum csv_layout_flags {
	CSV_LAYOUT_DELTA = 1U << 0,  /* there must be a change column */
	CSV_LAYOUT_EXPORT = 1U << 1, /* attributes may lack a column */
};

/*
 * Opens a file of a source and finds the columns by its header; `from` NULL is
 * the one that an export rewrites. 1: opened; 0: there is none, or no header
 * and none is needed; -1: err is set. An empty file is an error, but not one of
 * changes.
 */
int csv_source_open(const struct csv_source *source,
		    const struct intake_file *from,
		    const struct connector_config *config, unsigned flags,
		    struct arena *arena, struct csv_reader *reader,
		    struct csv_layout *layout, struct error *err);

/* The text of field `column` of a row: empty when it has none or no value. */
struct sv csv_field(const struct csv_source *source, const struct csv_row *row,
		    size_t column);

/* The row's anchor, its parts joined by "|": 1 whole, 0 a part is missing and
 * *missing_out is its column. */
int csv_row_anchor(const struct csv_source *source,
		   const struct csv_layout *layout, const struct csv_row *row,
		   struct arena *arena, struct sv *out, size_t *missing_out);

#endif
