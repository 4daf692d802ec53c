/*
 * records_export.h - an export's operations and the files they concern
 *
 * records_export.c takes operations and gives outcomes; records_merge.c applies
 * them to the records of a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_RECORDS_EXPORT_H
#define CONNECTORS_RECORDS_RECORDS_EXPORT_H

#include "connectors/records/records_private.h"
#include "connectors/spool.h"

/* One operation; its values are [begin, end) of the spool. */
struct records_item {
	uint64_t id;
	enum export_kind kind;
	bool retry;
	size_t type;
	struct sv anchor;
	uint64_t begin;
	uint64_t end;
	struct records_item *next; /* of the same anchor */
	bool met;                  /* its record was met in the file */
	bool adopted;
	const char *error;
	struct sv message;
};

/* A file that operations concern. */
struct records_target {
	const struct records_source *source;
	bool opened;
	bool changed;
	struct hashmap by_anchor; /* type and folded anchor -> 1 + item */
	VEC(struct records_item *) items;
	iconv_t test; /* can a text be written in its encoding? */
	bool testing;
	struct file_replace file;
	const char *path; /* of feed_replace() */
	bool replacing;
};

struct records_export {
	struct arena arena;
	struct spool spool;
	struct records_target *targets; /* one for each source */
	size_t target_count;
	VEC(struct records_item *) items;
	size_t given;
	bool done;
};

/* Text by which records and operations meet: by the matching rule of the
 * anchor. */
struct sv records_anchor_key(const struct connector_session *session,
			     const struct records_target *target, size_t type,
			     struct sv anchor, struct arena *arena);

/* Part `i` of an anchor joined by "|". */
struct sv records_anchor_part(struct sv anchor, size_t i, size_t count);

/* The operation's outcome is this error; returns -1. */
int records_refuse(struct records_item *item, const char *error,
		   const char *message);

/* Writes the replacement of a file, with the operations on its records done
 * and their outcomes set; it does not take its place yet. */
int records_merge(struct connector_session *session,
		  struct records_target *target, struct error *err);

/* The next number, and the next text, of what an operation spooled. */
uint64_t records_take_number(struct sv *in);
struct sv records_take_text(struct sv *in);

#endif
