/*
 * record_format.h - what a kind of file is to the core of file connectors
 *
 * The core knows objects: types, anchors, deltas, what an export changes. A
 * format is a constant table that reads one record after the other and writes
 * them. The core asks no format for its name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_RECORD_FORMAT_H
#define CONNECTORS_RECORDS_RECORD_FORMAT_H

#include "base/file.h"
#include "connectors/intake/feed.h"
#include "connectors/records/record.h"
#include "connectors/text_input.h"
#include "connectors/text_output.h"

#define RECORDS_BY_NAME   SIZE_MAX       /* the type stands in the record */
#define RECORDS_BY_FORMAT (SIZE_MAX - 1) /* the format tells the type */

struct record_format;

/* What an agent's settings say of one of its files. */
struct records_source {
	const struct record_format *format;
	struct feed feed;
	size_t type; /* index into the agent's types, or as above */
	struct sv type_name;
	struct sv *anchors;
	size_t anchor_count;
	const char *encoding; /* NULL: UTF-8 */
	struct sv null;
	bool create;
	const struct connector_config *config;
	const struct node *own; /* settings of this file ... */
	const struct node *all; /* ... and of all */
	void *data;             /* the format's, by its load() */
};

/* A setting of the file, of all, or its default. */
struct sv records_text(const struct records_source *source, const char *name);
bool records_switch(const struct records_source *source, const char *name);
/* NULL: not set. */
const struct node *records_node(const struct records_source *source,
				const char *name);

/* A file that is open. */
struct record_reader {
	const struct records_source *source;
	struct record_names *names; /* borrowed */
	struct arena arena;         /* as long as it is open */
	const char *path;           /* where it can be opened */
	struct text_input in;
	struct sv file; /* its name for messages */
	size_t line;    /* of in.buffer[in.at] */
	bool writing;   /* lead, head and tail are wanted */
	/* Since the first record, and since the last one. */
	struct sv head;
	struct sv tail;
	/* Of a table: what there is; it is an error to ask for more. */
	const struct sv *columns;
	size_t column_count;
	const char *end_of_line; /* of its first line; or NULL */
	void *state;             /* the format's */
};

/* Values that a record is to have under a name. */
struct record_set {
	struct sv name;
	const struct attr_def *def; /* NULL: no attribute is of this name */
	const struct sv *values;    /* none: it goes */
	size_t count;
};

struct record_edit {
	const struct record_reader *reader; /* of the file, or of none */
	struct sv old;                      /* empty: a new record */
	struct sv type;                     /* of a new one */
	const struct record_set *sets;
	size_t count;
	const char *end_of_line;
	struct arena *arena; /* of `out` and `message` */
	struct sv out;
	const char *error; /* refused: an export error code */
	const char *message;
};

/* The edit is refused; returns -1. */
int record_refuse(struct record_edit *edit, const char *error,
		  const char *message);

struct record_writer {
	const struct records_source *source;
	const struct record_reader *reader; /* of the old file; or NULL */
	struct file_replace *file;
	struct text_output to;
	const char *end_of_line;
	size_t count; /* of records so far */
	char last;    /* byte that was written */
	void *state;  /* the format's */
};

struct record_format {
	const char *name; /* "json": gives raw bytes their meaning */
	const struct setting_def *file_settings;
	bool base64;      /* bytes stand in it as base64 */
	bool bytes;       /* it can hold any bytes */
	bool cells;       /* places are cells: B12 */
	bool lines;       /* a line behind the last record can be a trailer */
	bool packed;      /* it is a compressed file itself */
	bool shared_file; /* several types may lie in one file */
	bool keeps_lead;  /* what stands before a record that goes may be more
			   * than blanks */

	/* What only the format can tell of its settings; fills source->data.
	 * It may set source->type to RECORDS_BY_FORMAT. NULL: nothing. */
	int (*load)(struct records_source *source, struct arena *arena,
		    struct error *err);
	/* The encoding that a file says it has; NULL: it does not. NULL: it
	 * never does. */
	const char *(*declared)(const char *path, struct arena *arena);
	/* The file's text is open in reader->in. NULL: nothing to be done. */
	int (*open)(struct record_reader *reader, struct error *err);
	void (*close)(struct record_reader *reader);
	/* 1: the next record, memory from arena; 0: all have been read; -1: err
	 * is set, there is no telling what follows. */
	int (*next)(struct record_reader *reader, struct arena *arena,
		    struct record *record, struct error *err);
	/* Fills in the fields of raw that are asked for; with `keys` it may
	 * leave out all others. From any thread. */
	void (*parse)(const struct record_reader *reader, bool keys,
		      struct arena *arena, struct record *record);

	/* What else gives raw its meaning, besides settings and columns. NULL:
	 * nothing. */
	void (*context)(const struct record_reader *reader, struct strbuf *out);

	/* 0: edit->out; -1: refused. */
	int (*compose)(struct record_edit *edit);
	/* What surrounds the records of a new file. NULL: nothing. */
	void (*frame)(const struct records_source *source, struct arena *arena,
		      struct sv *head, struct sv *tail);
	/* What stands before a record: `lead` is what stood there, `first` that
	 * no other comes before it. NULL: lead as it is. */
	struct sv (*before)(const struct record_writer *writer, struct sv lead,
			    bool first, struct arena *arena);
	/* The record as it is to stand behind those before it. NULL: as it is.
	 */
	struct sv (*place)(struct record_writer *writer, struct sv raw,
			   struct arena *arena);
	/* The tail, now that writer->count is known. NULL: as it was. */
	int (*finish)(struct record_writer *writer, struct sv *tail,
		      struct arena *arena, struct error *err);
	/* For files that are not text. NULL: text. */
	int (*write_begin)(struct record_writer *writer, struct error *err);
	int (*write)(struct record_writer *writer, struct sv bytes,
		     struct error *err);
	int (*write_end)(struct record_writer *writer, struct error *err);
	void (*write_free)(struct record_writer *writer);
};

/* The encoding of a file that is there. */
const char *records_encoding(const struct records_source *source,
			     const char *path, struct arena *arena);

/* A line without its end; 1, 0 end of data, -1. For formats of lines: *whole is
 * the line as it stands in the file. Moves on. */
int record_line(struct record_reader *reader, struct sv *line, struct sv *whole,
		struct error *err);

/* The same ahead: the line that begins `from` bytes behind what was read, *end
 * is where the next begins. Does not move on; a view until the next call. */
int record_line_ahead(struct record_reader *reader, size_t from,
		      struct sv *line, size_t *end, struct error *err);
/* Moves on behind `n` bytes, counts their lines. */
void record_pass(struct record_reader *reader, size_t n);
/* Without its end of line. */
struct sv record_strip(struct sv line);

/* For before(): a line that lacks its end gets one. */
struct sv record_before_line(const struct record_writer *writer, struct sv lead,
			     bool first, struct arena *arena);

/* Settings that all have. */
/* clang-format off */
#define RECORDS_FILE_SETTINGS                                                  \
	{ .name = "path", .type = SETTING_PATH,                                \
	  .help = "The file" },                                                \
	{ .name = "anchor", .type = SETTING_NAMES,                             \
	  .help = "The name, or the names, that identify an object for ever" },\
	{ .name = "null", .type = SETTING_TEXT,                                \
	  .help = "A text that stands for no value, as an empty one does" },   \
	{ .name = "create", .type = SETTING_SWITCH, .fallback = "no",          \
	  .help = "A missing file is an empty one: for a target that the "     \
		  "first export makes" },                                      \
	FEED_SETTINGS

#define RECORDS_ENCODING                                                       \
	{ .name = "encoding", .type = SETTING_TEXT, .fallback = "utf-8",       \
	  .help = "utf-8, latin1, windows-1252, utf-16 or any that iconv "     \
		  "knows; a byte order mark outweighs it" }

#define RECORDS_TYPES(file_settings)                                           \
	{ .name = "type", .type = SETTING_TEXT,                                \
	  .help = "The name that tells the type of the record's object" },     \
	{ .name = "types", .type = SETTING_NAMED, .group = (file_settings),    \
	  .help = "A file for each type of object; what is not set for one "   \
		  "is taken from outside" }
/* clang-format on */

/* The operations of a connector over the core; `format` is a record_format.
 * Of one that only reads: */
#define RECORDS_READER(format)                                                 \
	.abi = CONNECTOR_ABI, .data = &(format), .caps_of = records_caps,      \
	.check = records_check, .open = records_open, .close = records_close,  \
	.look = records_look, .schema = records_schema,                        \
	.sample = records_sample, .import_begin = records_import_begin,        \
	.next = records_import_next, .expand = records_import_expand,          \
	.place = records_import_place, .import_end = records_import_end,       \
	.import_kept = records_import_kept,                                    \
	.import_flawed = records_import_flawed,                                \
	.import_note = records_import_note,                                    \
	.import_progress = records_import_progress

/* Of one that writes, too. */
#define RECORDS_CONNECTOR(format)                                              \
	RECORDS_READER(format),                                                \
		.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |           \
			CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_AT_ONCE |         \
			CONNECTOR_CAP_WHOLE,                                   \
		.export_begin = records_export_begin,                          \
		.export_put = records_export_put,                              \
		.export_result = records_export_result,                        \
		.export_end = records_export_end

uint32_t records_caps(const struct connector_ops *ops,
		      const struct node *connect);
void records_check(const struct connector_ops *ops,
		   const struct connector_config *config,
		   setting_report_fn report, void *data);
int records_open(const struct connector_ops *ops,
		 const struct connector_config *config,
		 struct connector_session **out, struct error *err);
void records_close(struct connector_session *session);
int records_look(struct connector_session *session, struct arena *arena,
		 struct connector_look *out, struct error *err);
int records_schema(struct connector_session *session, struct arena *arena,
		   struct schema *out, struct error *err);
int records_sample(struct connector_session *session, const char *type,
		   size_t most, struct arena *arena, struct schema_sample *out,
		   struct error *err);
int records_import_begin(struct connector_session *session,
			 enum import_kind kind, struct sv watermark,
			 struct error *err);
int records_import_next(struct connector_session *session, struct arena *arena,
			struct change *out, struct error *err);
void records_import_expand(const struct connector_session *session,
			   struct arena *arena, struct change *change);
struct sv records_import_place(const struct connector_session *session,
			       struct arena *arena, const struct change *change,
			       size_t attr);
int records_import_end(struct connector_session *session, struct arena *arena,
		       struct sv *watermark_out, struct error *err);
int records_import_kept(struct connector_session *session, struct error *err);
int records_import_flawed(struct connector_session *session, int64_t errors,
			  struct error *err);
const char *records_import_note(const struct connector_session *session);
int records_import_progress(const struct connector_session *session);
int records_export_begin(struct connector_session *session, struct error *err);
int records_export_put(struct connector_session *session,
		       const struct export_op *op, struct error *err);
int records_export_result(struct connector_session *session, bool wait,
			  struct arena *arena, struct export_outcome *out,
			  struct error *err);
int records_export_end(struct connector_session *session, struct error *err);

#endif
