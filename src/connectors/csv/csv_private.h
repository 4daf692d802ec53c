/*
 * csv_private.h - what import and export of the csv connector share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_PRIVATE_H
#define CONNECTORS_CSV_CSV_PRIVATE_H

#include "connectors/csv/csv_source.h"

struct csv_import;
struct csv_export;

struct connector_session {
	const struct connector_config *config;
	struct arena arena; /* of the session */
	struct csv_source *sources;
	size_t source_count;
	struct csv_import *import;
	struct intake *intake; /* of the import, until it is kept */
	struct csv_export *export;
	/* While an agent is set up: what the file has and is not set. */
	const char *delimiter;
	const char *encoding;
};

/* The type of a row whose source says it by a column: 1 found; 0: none of the
 * agent's. */
int csv_row_type(const struct connector_session *session,
		 const struct csv_source *source,
		 const struct csv_layout *layout, const struct csv_row *row,
		 size_t *out);

int csv_import_begin(struct connector_session *session, enum import_kind kind,
		     struct sv watermark, struct error *err);
int csv_import_next(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err);
void csv_import_expand(const struct connector_session *session,
		       struct arena *arena, struct change *change);
struct sv csv_import_place(const struct connector_session *session,
			   struct arena *arena, const struct change *change,
			   size_t attr);
int csv_import_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err);
int csv_import_kept(struct connector_session *session, struct error *err);
int csv_import_flawed(struct connector_session *session, int64_t errors,
		      struct error *err);
const char *csv_import_note(const struct connector_session *session);
int csv_import_progress(const struct connector_session *session);
void csv_import_free(struct csv_import *import);

int csv_export_begin(struct connector_session *session, struct error *err);
int csv_export_put(struct connector_session *session,
		   const struct export_op *op, struct error *err);
int csv_export_result(struct connector_session *session, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err);
int csv_export_end(struct connector_session *session, struct error *err);
void csv_export_free(struct csv_export *export);

int csv_local_attrs(const struct connector_config *config, size_t type,
		    struct arena *arena, struct local_attrs *out);

/* Looks into a file whose delimiter and encoding are not set. */
void csv_guess_dialect(struct connector_session *session);
int csv_schema(struct connector_session *session, struct arena *arena,
	       struct schema *out, struct error *err);
int csv_sample(struct connector_session *session, const char *type, size_t most,
	       struct arena *arena, struct schema_sample *out,
	       struct error *err);

#endif
