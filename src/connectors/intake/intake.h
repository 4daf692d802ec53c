/*
 * intake.h - files as operators handle them, for the connectors that read them
 *
 * Between the `path` of an agent and a connector that reads a plain file lie
 * patterns, files that are still being written, folders for what was read,
 * compressed files, files on other machines, and files that were cut off. An
 * intake is one import of one agent: it finds the files, makes each a plain
 * one that can be opened, tells from the watermark what was read before, and
 * does what is to be done when the import is kept or has failed.
 *
 *	intake_new(watermark)
 *	intake_find(source) ...      nothing is touched
 *	intake_take(source) ...      claimed, fetched, unpacked
 *	intake_ended(file, rows)     each file, before the end of data is said
 *	intake_mark                  into the watermark
 *	intake_kept                  or intake_failed
 *	intake_free
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_INTAKE_INTAKE_H
#define CONNECTORS_INTAKE_INTAKE_H

#include "connector/connector.h"

struct intake;
struct intake_source;

extern const struct setting_def intake_ready_settings[];
extern const struct setting_def intake_claim_settings[];
extern const struct setting_def intake_expect_settings[];
extern const struct setting_def intake_unpack_settings[];
extern const struct setting_def intake_remote_settings[];

/* clang-format off */
/* What a connector's table of settings has beside `path`. */
#define INTAKE_SETTINGS                                                        \
	{ .name = "take", .type = SETTING_CHOICE,                              \
	  .words = "newest|oldest|each",                                       \
	  .help = "Of several files that are there: which one, or each of "    \
		  "them; newest for full imports, each for changes" },         \
	{ .name = "order", .type = SETTING_CHOICE, .fallback = "time",         \
	  .words = "time|name",                                                \
	  .help = "What makes a file older than another: the time of its "     \
		  "last change, or its name" },                                \
	{ .name = "ready", .type = SETTING_GROUP,                              \
	  .group = intake_ready_settings,                                      \
	  .help = "When a file is complete" },                                 \
	{ .name = "claim", .type = SETTING_GROUP,                              \
	  .group = intake_claim_settings,                                      \
	  .help = "Folders that files move to while and after they are read" },\
	{ .name = "again", .type = SETTING_SWITCH, .fallback = "no",           \
	  .help = "Changes that were imported before are imported again when " \
		  "a file with the same content comes" },                      \
	{ .name = "expect", .type = SETTING_GROUP,                             \
	  .group = intake_expect_settings,                                     \
	  .help = "What tells that a file is whole" },                         \
	{ .name = "unpack", .type = SETTING_GROUP,                             \
	  .group = intake_unpack_settings,                                     \
	  .help = "Limits of compressed and fetched files" },                  \
	{ .name = "remote", .type = SETTING_GROUP,                             \
	  .group = intake_remote_settings,                                     \
	  .help = "How an https or sftp server is reached" }
/* clang-format on */

enum intake_flags {
	INTAKE_DELTA = 1U << 0,    /* changes: none is a delta without any */
	INTAKE_OPTIONAL = 1U << 1, /* a plain file, or a folder, may be
				    * missing */
	INTAKE_PACKED = 1U << 2,   /* the format is a compressed one itself */
	INTAKE_DOCUMENT = 1U << 4, /* the format tells a whole file: no
				    * trailer */
	INTAKE_WHOLE = 1U << 3,    /* fetched also when it is the one of the
				    * import before: others may not be */
};

/* Where the settings of a source stand: what is not set in `own` is taken from
 * the next one. `defs` is a table with INTAKE_SETTINGS. */
struct intake_nodes {
	const struct node *own;
	const struct node *outer[2]; /* NULL: none */
	const struct setting_def *defs;
};

/* `path` as the configuration has it; `id` names the source in the watermark
 * and has no line ends. Memory from arena. */
int intake_source_load(const struct connector_config *config,
		       const struct intake_nodes *nodes, struct sv path,
		       const char *id, unsigned flags, struct arena *arena,
		       struct intake_source **out, struct error *err);

/* Reports what is wrong with the settings of a source, beyond the table. */
void intake_check(const struct intake_nodes *nodes, struct sv path,
		  unsigned flags, setting_report_fn report, void *data);

bool intake_expects_trailer(const struct intake_source *source);
/* Where the trailer of a plain file begins; 1, 0 none is expected, -1 the file
 * has none. */
int intake_trailer(const struct intake_source *source, const char *path,
		   uint64_t *end_out, struct error *err);
/* The trailer with another number of rows: 1, 0 none is expected. */
int intake_trailer_with(const struct intake_source *source, struct sv line,
			uint64_t rows, struct arena *arena, struct sv *out,
			struct error *err);

/* Reports what is wrong with the address of a file on another machine, and with
 * the group `remote`, which may be NULL. */
void intake_check_address(struct sv path, const struct node *at,
			  const struct node *remote, setting_report_fn report,
			  void *data);

/* It is one plain file below a folder of this machine, which an export may
 * rewrite: no pattern, no claim, no other machine. */
bool intake_is_remote(struct sv path);
bool intake_is_plain(const struct intake_nodes *nodes, struct sv path);

/* A file that can be opened. */
struct intake_file {
	const char *path; /* perhaps one of /proc/self/fd */
	struct sv name;   /* for messages */
	uint64_t end;     /* where its data ends; UINT64_MAX: with the file */
	size_t id;        /* of the intake's */
};

/* A file to look into before or beside an import, of a compressed one only the
 * first megabytes; nothing is moved, nothing waited for. 1: *out, which is
 * valid as long as *held_out; 0: there is none; -1: err is set. */
int intake_peek(const struct intake_source *source, struct arena *arena,
		struct intake **held_out, struct intake_file *out,
		struct error *err);

/* `mark` is what intake_mark() gave; empty: nothing was imported yet. */
struct intake *intake_new(const struct connector_config *config,
			  struct sv mark);
void intake_free(struct intake *intake); /* accepts NULL */

/* 1: there is something to read; 0: nothing new; -1: err is set. */
int intake_find(struct intake *intake, const struct intake_source *source,
		struct error *err);

/* Makes what was found files that can be opened, oldest first; none when all
 * of it had been imported before. They live as long as the intake. A file that
 * is at fault has failed. */
int intake_take(struct intake *intake, const struct intake_source *source,
		struct intake_file **out, size_t *count_out, struct error *err);

/* All of a file was read, and it has so many rows. -1: it is not whole; the end
 * of data must not be said. */
int intake_ended(struct intake *intake, const struct intake_file *file,
		 uint64_t rows, struct error *err);

/* What was taken, for the watermark; text of several lines. */
struct sv intake_mark(const struct intake *intake, struct arena *arena);
/* What the run's result should tell, or NULL; lives as long as the intake. */
const char *intake_note(struct intake *intake);

/* All is safe in the store. */
int intake_kept(struct intake *intake, struct error *err);
/* The same, but for so many objects in error. A file of changes fails, since
 * some of them were not made; one that is the whole content has done what it
 * could. */
int intake_flawed(struct intake *intake, int64_t errors, struct error *err);
/* This file cannot be read, err says why; returns -1. Only what is the file's
 * own fault moves it away. */
int intake_failed(struct intake *intake, const struct intake_file *file,
		  struct error *err);

/* -1: the file that an export would rewrite is compressed. */
int intake_check_plain(const char *path, struct sv name, struct error *err);
/* Keeps the file that is about to be replaced beside it, with the date in its
 * name, and of those the `keep` newest. */
int intake_keep_old(const char *path, int64_t keep, struct error *err);

#endif
