/*
 * records_private.h - what import, export and settings of the core share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_RECORDS_PRIVATE_H
#define CONNECTORS_RECORDS_RECORDS_PRIVATE_H

#include "connectors/records/record_format.h"

struct records_import;
struct records_export;

struct connector_session {
	const struct connector_config *config;
	const struct record_format *format;
	struct arena arena; /* of the session */
	struct records_source *sources;
	size_t source_count;
	struct records_import *import;
	struct intake *intake; /* of the import, until it is kept */
	struct records_export *export;
};

/* The files of the types that the agent has; memory from arena. */
int records_sources_load(const struct record_format *format,
			 const struct connector_config *config,
			 struct arena *arena, struct records_source **out,
			 size_t *count_out, struct error *err);

/* What the names of a file's records mean. */
struct records_layout {
	struct record_names names;
	size_t *anchors; /* as many as the source has anchors */
	size_t type;     /* or RECORD_NO_NAME */
	size_t change;
	/* Of each of the agent's types: the attribute that each name is, or
	 * RECORD_NO_NAME. */
	size_t **attrs;
};

void records_layout_init(struct records_layout *layout,
			 const struct records_source *source,
			 const struct connector_config *config, bool delta,
			 struct arena *arena);
void records_layout_release(struct records_layout *layout);

/*
 * Opens a file of a source; `from` NULL is the one that an export rewrites.
 * 1: opened; 0: there is none to rewrite; -1: err is set. The names must be
 * asked for before; `config` NULL: a table need not have columns for them.
 */
int records_file_open(const struct records_source *source,
		      const struct intake_file *from,
		      struct records_layout *layout,
		      const struct connector_config *config,
		      struct record_reader *reader, struct error *err);
void records_file_close(struct record_reader *reader);

/* The next record, its fields cut as far as `keys` says. */
int records_file_next(struct record_reader *reader, bool keys,
		      struct arena *arena, struct record *record,
		      struct error *err);
/* All fields of a record of which only the keys may have been cut. */
void records_file_parse(const struct record_reader *reader, struct arena *arena,
			struct record *record);

/* The text of the first value of a name; empty when it has none. */
struct sv record_text(const struct records_source *source,
		      const struct record *record, size_t name);

/* The type of a record: 1 found, 0 it is none of the agent's; *name_out is
 * what the record says. */
int records_type(const struct records_source *source,
		 const struct records_layout *layout,
		 const struct record *record, size_t *out, struct sv *name_out);

/* The record's anchor, its parts joined by "|": 1 whole; 0 a part is missing,
 * *missing_out is its number. */
int records_anchor(const struct records_source *source,
		   const struct records_layout *layout,
		   const struct record *record, struct arena *arena,
		   struct sv *out, size_t *missing_out);

void records_import_free(struct records_import *import);
void records_export_free(struct records_export *export);

#endif
