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

#include "connectors/file_ops.h"
#include "connectors/records/records_private.h"

/* A file that operations concern. */
struct records_target {
	const struct records_source *source;
	bool opened;
	bool changed;
	struct file_objects objects;
	iconv_t test; /* can a text be written in its encoding? */
	bool testing;
	struct file_replace file;
	const char *path; /* of feed_replace() */
	bool replacing;
};

struct records_export {
	struct file_ops ops;
	struct records_target *targets; /* one for each source */
	size_t target_count;
};

/* Writes the replacement of a file, with the operations on its records done
 * and their outcomes set; it does not take its place yet. */
int records_merge(struct connector_session *session,
		  struct records_target *target, struct error *err);

#endif
