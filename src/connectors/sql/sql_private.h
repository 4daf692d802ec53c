/*
 * sql_private.h - what the files of the sql connectors share
 *
 * One core for all databases: settings and session (session.c, source.c),
 * import (import.c, child.c), changes only (delta.c and a file for each way),
 * export (export.c, write.c), schema (describe.c). A connector's table gives
 * its driver as ops->data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_SQL_PRIVATE_H
#define CONNECTORS_SQL_SQL_PRIVATE_H

#include "connector/connector.h"
#include "connectors/sql/dialect.h"

struct sql_import;
struct sql_export;
struct sql_seen_table;
struct zone;

/* ---- source.c: what the settings say of each type ---- */

#define SQL_TYPE_BY_COLUMN SIZE_MAX

/* A child table: rows with further values of an object. */
struct sql_child {
	struct sv attr;  /* empty: `name` is the column that says which */
	struct sv table; /* "schema.table" */
	struct sv *keys; /* its columns that equal the anchor's, in order */
	size_t key_count;
	struct sv name;
	struct sv *values; /* columns; of several the first that is not NULL */
	size_t value_count;
};

/* Objects of one table, view or query. */
struct sql_source {
	size_t type; /* index into the agent's, or SQL_TYPE_BY_COLUMN */
	struct sv type_column;
	struct sv table;    /* table or view; empty: query */
	struct sv query;    /* the settings' own SELECT; cannot be written to */
	struct sv *anchors; /* columns */
	size_t anchor_count;
	struct sql_child *children;
	size_t child_count;
	const struct node *delta; /* its settings, or NULL */
	/* The settings' own statements for the operations, with :attribute in
	 * the place of values; or empty. */
	struct sv add;
	struct sv update;
	struct sv remove;
	/* And those for passwords. */
	struct sv password_set;
	struct sv password_change;
};

/* The sources of the types that the agent has; memory from arena. */
int sql_sources_load(const struct connector_config *config, struct arena *arena,
		     struct sql_source **out, size_t *count_out,
		     struct error *err);

/* What is set for each type, inside `types` or for the only one, and the part
 * of the settings that every sql connector has (source.c); the connector's
 * table has those of the driver beside them. */
/* clang-format off */
#define SQL_TYPE_SETTINGS                                                      \
	{ .name = "table", .type = SETTING_TEXT,                               \
	  .help = "the table or view with a row for each object" },            \
	{ .name = "query", .type = SETTING_TEXT,                               \
	  .help = "a SELECT in its place; it cannot be written to" },          \
	{ .name = "anchor", .type = SETTING_NAMES,                             \
	  .help = "the columns that identify an object for ever" },            \
	{ .name = "values", .type = SETTING_NAMED,                             \
	  .group = sql_child_settings,                                         \
	  .help = "attributes with several values: a table for each" },        \
	{ .name = "attributes", .type = SETTING_GROUPS,                        \
	  .group = sql_attribute_settings,                                     \
	  .help = "tables with an attribute's name and a value in each row" }, \
	{ .name = "write", .type = SETTING_GROUP,                              \
	  .group = sql_write_settings,                                         \
	  .help = "statements of one's own for add, update and delete" },      \
	{ .name = "passwords", .type = SETTING_GROUP,                          \
	  .group = sql_password_settings,                                      \
	  .help = "statements that set and change passwords" },                \
	{ .name = "delta", .type = SETTING_GROUP,                              \
	  .group = sql_delta_settings,                                         \
	  .help = "how the delta import finds what changed" }

#define SQL_SOURCE_SETTINGS                                                    \
	SQL_TYPE_SETTINGS,                                                     \
	{ .name = "type", .type = SETTING_TEXT,                                \
	  .help = "the column that names the type of the row's object" },      \
	{ .name = "types", .type = SETTING_NAMED,                              \
	  .group = sql_type_settings,                                          \
	  .help = "a table for each type of object; what is not set for one "  \
		  "is taken from outside" },                                   \
	{ .name = "time_zone", .type = SETTING_TEXT, .fallback = "UTC",        \
	  .help = "the zone of date-times whose column has none, as the IANA " \
		  "names it: Europe/Rome" },                                   \
	{ .name = "watch", .type = SETTING_TEXT,                               \
	  .help = "the channel on which the database says that something "     \
		  "changed" }
/* clang-format on */

/* clang-format off */
/* Of connectors that write. */
#define SQL_EXPORT_SETTINGS                                                    \
	{ .name = "batch", .type = SETTING_NUMBER, .fallback = "100",          \
	  .help = "objects that are written in one transaction; 1: each in "   \
		  "one of its own" }
/* clang-format on */

extern const struct setting_def sql_child_settings[];
extern const struct setting_def sql_attribute_settings[];
extern const struct setting_def sql_write_settings[];
extern const struct setting_def sql_password_settings[];
extern const struct setting_def sql_delta_settings[];
extern const struct setting_def sql_type_settings[];

/* ---- session.c ---- */

/* "schema.table" or "table"; each part may stand in double quotes. *schema_out
 * may become NULL. */
void sql_table_name(struct sv name, struct arena *arena,
		    const char **schema_out, const char **table_out);
/* One of the settings of SQL_SOURCE_SETTINGS, for all types. */
struct sv sql_session_setting(const struct connector_session *session,
			      const char *name);
/* "'people' has no column 'mail'; it has: ..." Returns -1. */
int sql_no_column(struct sv table, struct sv name,
		  const struct sql_column *columns, size_t count,
		  struct error *err);
/* The table's name as SQL, with its schema where it has one. */
void sql_add_table_of(struct strbuf *sql, const struct sql_dialect *dialect,
		      const struct sql_table *table);
/* alias."column" */
void sql_add_column(struct strbuf *sql, const struct sql_dialect *dialect,
		    const char *alias, const char *column);

struct connector_session {
	const struct connector_config *config;
	const struct sql_driver *driver;
	struct sql_link *link;
	struct arena arena; /* of the session */
	struct sql_source *sources;
	size_t source_count;
	struct zone *zone;             /* of moments that say none; NULL: UTC */
	struct sql_seen_table *tables; /* that were asked for */
	struct sql_import *import;
	struct sql_export *export;
	struct sql_writer **passwords; /* of each type; NULL: none was sent */
};

/* The columns of a source's table or child table as the catalogue has them;
 * asked for once in a session. ERR_INVALID names what is missing. */
int sql_session_table(struct connector_session *session, struct sv name,
		      const struct sql_table **out, struct error *err);
/* The same with its foreign keys. */
int sql_session_whole_table(struct connector_session *session, struct sv name,
			    const struct sql_table **out, struct error *err);
/* A column of it, case ignored where no exact one is there; or NULL. */
const struct sql_column *sql_table_column(const struct sql_table *table,
					  struct sv name);

/* ---- value.c: between columns and attributes ---- */

/* What a column's value is to conjoin, memory from arena. 1 read; 0 it stands
 * for no value (NULL); -1 it is none of this attribute's type. */
int sql_value_read(const struct connector_session *session,
		   const struct sql_column *column, const struct attr_def *attr,
		   struct sv text, struct arena *arena, struct value *out);
/* What is bound for a value of an attribute; memory from arena. */
struct sv sql_value_write(const struct connector_session *session,
			  const struct sql_column *column,
			  const struct attr_def *attr,
			  const struct value *value, struct arena *arena);

/* Without the blanks that pad a column of a fixed width. */
struct sv sql_trim_char(const struct sql_column *column, struct sv text);
/* As text for an anchor or a reference: bytes become hexadecimal digits. Views
 * stay views, the rest is from arena. */
struct sv sql_value_text(const struct sql_column *column, struct sv text,
			 struct arena *arena);
/* What is bound for a part of an anchor, as its text. */
struct sv sql_text_write(const struct sql_column *column, struct sv text,
			 struct arena *arena);

/* Anchors of several columns are joined by '|': its parts, as many as there
 * are columns, or 0. */
int sql_anchor_split(struct sv anchor, size_t count, struct sv *out);

/* ---- operations of the connectors' tables ---- */

uint32_t sql_caps_of(const struct connector_ops *ops,
		     const struct node *connect);
void sql_check(const struct connector_ops *ops,
	       const struct connector_config *config, setting_report_fn report,
	       void *data);
int sql_open(const struct connector_ops *ops,
	     const struct connector_config *config,
	     struct connector_session **out, struct error *err);
void sql_close(struct connector_session *session);
int sql_look(struct connector_session *session, struct arena *arena,
	     struct connector_look *out, struct error *err);
int sql_schema(struct connector_session *session, struct arena *arena,
	       struct schema *out, struct error *err);
int sql_sample(struct connector_session *session, const char *type, size_t most,
	       struct arena *arena, struct schema_sample *out,
	       struct error *err);
int sql_import_begin(struct connector_session *session, enum import_kind kind,
		     struct sv watermark, struct error *err);
int sql_import_next(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err);
void sql_import_expand(const struct connector_session *session,
		       struct arena *arena, struct change *change);
int sql_import_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err);
int sql_import_kept(struct connector_session *session, struct error *err);
int sql_delta_setup(struct connector_session *session, struct arena *arena,
		    struct sv *out, struct error *err);
void sql_import_free(struct connector_session *session);
int sql_wait(struct connector_session *session, int timeout_ms,
	     struct error *err);
int sql_export_begin(struct connector_session *session, struct error *err);
int sql_export_put(struct connector_session *session,
		   const struct export_op *op, struct error *err);
int sql_export_result(struct connector_session *session, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err);
int sql_export_end(struct connector_session *session, struct error *err);
void sql_export_free(struct connector_session *session);
void sql_password_free(struct connector_session *session);
int sql_password(struct connector_session *session,
		 const struct password_op *op, struct arena *arena,
		 struct export_outcome *out, struct error *err);

#define SQL_OPERATIONS                                                         \
	.caps_of = sql_caps_of, .check = sql_check, SQL_SESSION_OPERATIONS

/* Those of a connector with a check of its own. */
#define SQL_SESSION_OPERATIONS                                                 \
	.open = sql_open, .close = sql_close, .look = sql_look,                \
	.schema = sql_schema, .sample = sql_sample,                            \
	.import_begin = sql_import_begin, .next = sql_import_next,             \
	.expand = sql_import_expand, .import_end = sql_import_end,             \
	.import_kept = sql_import_kept, .delta_setup = sql_delta_setup,        \
	.wait = sql_wait, .export_begin = sql_export_begin,                    \
	.export_put = sql_export_put, .export_result = sql_export_result,      \
	.export_end = sql_export_end, .password = sql_password

#endif
