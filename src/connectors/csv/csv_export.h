/*
 * csv_export.h - an export's operations and the files they concern
 *
 * csv_export.c takes operations and gives outcomes; csv_merge.c applies them
 * to the rows of a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_EXPORT_H
#define CONNECTORS_CSV_CSV_EXPORT_H

#include "connectors/csv/csv_private.h"
#include "connectors/file_ops.h"

/* A file that operations concern. */
struct csv_target {
	const struct csv_source *source;
	bool opened;
	bool exists;
	bool changed;
	bool bom;
	struct csv_dialect dialect; /* as the file has it */
	struct csv_layout layout;   /* of the file as it is, or will be */
	size_t file_columns;        /* those that it has now */
	VEC(struct sv) names;       /* of all columns, new ones at the end */
	struct file_objects objects;
	iconv_t test; /* can a text be written in its encoding? */
	struct file_replace file;
	const char *path; /* of feed_replace() */
	bool replacing;
};

struct csv_export {
	struct file_ops ops;
	struct csv_target *targets; /* one for each source */
	size_t target_count;
};

/* The column of this name, or CSV_NO_COLUMN. */
size_t csv_column_of(const struct csv_target *target, struct sv name);

/* Writes the replacement of a file, with the operations on its rows done and
 * their outcomes set; it does not take its place yet. */
int csv_merge(struct connector_session *session, struct csv_target *target,
	      struct error *err);

#endif
