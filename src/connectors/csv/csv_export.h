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

#include "base/map.h"
#include "base/vec.h"
#include "connectors/csv/csv_private.h"
#include "connectors/spool.h"

/* One operation; its values are [begin, end) of the spool. */
struct csv_item {
	uint64_t id;
	enum export_kind kind;
	bool retry;
	size_t type;
	struct sv anchor;
	uint64_t begin;
	uint64_t end;
	struct csv_item *next; /* of the same anchor */
	bool met;              /* its row was met in the file */
	bool adopted;
	const char *error;
	struct sv message;
};

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
	struct hashmap by_anchor;   /* type and folded anchor -> 1 + item */
	VEC(struct csv_item *) items;
	iconv_t test; /* can a text be written in its encoding? */
	struct file_replace file;
	const char *path; /* of feed_replace() */
	bool replacing;
};

struct csv_export {
	struct arena arena;
	struct spool spool;
	struct csv_target *targets; /* one for each source */
	size_t target_count;
	VEC(struct csv_item *) items;
	size_t given;
	bool done;
};

/* The column of this name, or CSV_NO_COLUMN. */
size_t csv_column_of(const struct csv_target *target, struct sv name);

/* Text by which rows and operations meet: by the matching rule of the anchor.
 */
struct sv csv_anchor_key(const struct connector_session *session,
			 const struct csv_target *target, size_t type,
			 struct sv anchor, struct arena *arena);

/* Part `i` of an anchor joined by "|". */
struct sv csv_anchor_part(struct sv anchor, size_t i, size_t count);

/* The operation's outcome is this error; returns -1. */
int csv_refuse(struct csv_item *item, const char *error, const char *message);

/* Writes the replacement of a file, with the operations on its rows done and
 * their outcomes set; it does not take its place yet. */
int csv_merge(struct connector_session *session, struct csv_target *target,
	      struct error *err);

#endif
