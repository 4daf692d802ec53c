/*
 * ldif_private.h - what import and export of the ldif connector share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_PRIVATE_H
#define CONNECTORS_LDIF_LDIF_PRIVATE_H

#include "connector/connector.h"
#include "connectors/intake/outlet.h"
#include "connectors/ldif/ldif_files.h"

struct ldif_import;
struct ldif_export;

/* What the connectors of all syntaxes can be set. */
/* clang-format off */
#define LDIF_ENTRY_SETTINGS                                                    \
	{ .name = "anchor", .type = SETTING_TEXT, .fallback = "dn",            \
	  .help = "The attribute that identifies an entry for ever, or dn" },  \
	{ .name = "tree", .type = SETTING_SWITCH, .fallback = "no",            \
	  .help = "Parents must exist: entries of other types are "            \
		  "containers" },                                              \
	{ .name = "bases", .type = SETTING_NAMES,                              \
	  .help = "With tree: the DNs that need no parent" }
#define LDIF_FILE_SETTINGS                                                     \
	{ .name = "keep", .type = SETTING_NUMBER, .fallback = "0",             \
	  .help = "So many old versions of a file that exports replace stay "  \
		  "beside it" },                                               \
	{ .name = "export", .type = SETTING_GROUP, .group = outlet_settings,   \
	  .help = "What an export hands on, besides the file at `path`" },     \
	INTAKE_SETTINGS
/* clang-format on */

struct connector_session {
	const struct connector_config *config;
	struct arena arena; /* of the session */
	struct ldif_files files;
	struct sv anchor; /* the attribute; empty: the DN */
	bool tree;
	size_t width;     /* of lines written */
	int form;         /* of new documents: enum dsml_form */
	const char *path; /* as it is configured */
	struct sv name;
	bool plain; /* it lies exactly there */
	int64_t keep;
	struct outlet *outlet; /* NULL: nothing is handed on */
	struct intake_source *source;
	struct intake *intake; /* of the import, until it is kept */
	struct intake_file file;
	bool taken; /* `file` is the content, not read to its end yet */
	struct ldif_import *import;
	struct ldif_export *export;
};

int ldif_import_begin(struct connector_session *session, enum import_kind kind,
		      struct sv watermark, struct error *err);
int ldif_import_next(struct connector_session *session, struct arena *arena,
		     struct change *out, struct error *err);
void ldif_import_expand(const struct connector_session *session,
			struct arena *arena, struct change *change);
int ldif_import_end(struct connector_session *session, struct arena *arena,
		    struct sv *watermark_out, struct error *err);
int ldif_import_kept(struct connector_session *session, struct error *err);
int ldif_import_flawed(struct connector_session *session, int64_t errors,
		       struct error *err);
const char *ldif_import_note(const struct connector_session *session);
int ldif_import_progress(const struct connector_session *session);
void ldif_import_free(struct ldif_import *import);

int ldif_export_begin(struct connector_session *session, struct error *err);
int ldif_export_put(struct connector_session *session,
		    const struct export_op *op, struct error *err);
int ldif_export_result(struct connector_session *session, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err);
int ldif_export_end(struct connector_session *session, struct error *err);
void ldif_export_free(struct ldif_export *export);

/* Where the content comes from. */
int ldif_source_load(const struct connector_config *config, struct arena *arena,
		     struct intake_source **out, struct error *err);

/* What ldif and connectors that differ by their syntax only share. */
int ldif_open_as(const struct connector_config *config,
		 const struct ldif_syntax *syntax,
		 struct connector_session **out, struct error *err);
void ldif_check_all(const struct connector_config *config,
		    setting_report_fn report, void *data);
uint32_t ldif_caps(const struct connector_ops *ops, const struct node *connect);
void ldif_bases(const struct node *connect, struct arena *arena,
		struct sv **out, size_t *count_out);
void ldif_close(struct connector_session *session);
int ldif_look(struct connector_session *session, struct arena *arena,
	      struct connector_look *out, struct error *err);
int ldif_local_attrs_as(const struct ldif_syntax *syntax,
			const struct connector_config *config,
			struct arena *arena, struct local_attrs *out);
int ldif_local_attrs(const struct connector_config *config, size_t type,
		     struct arena *arena, struct local_attrs *out);

int ldif_schema(struct connector_session *session, struct arena *arena,
		struct schema *out, struct error *err);
int ldif_sample(struct connector_session *session, const char *type,
		size_t most, struct arena *arena, struct schema_sample *out,
		struct error *err);

#endif
