/*
 * ldif_files.h - an LDIF directory on disk: its content and its log of changes
 *
 * The log that conjoin writes begins with a comment that names its generation.
 * When it has grown past the content it is folded into it: first the new
 * content, with a comment saying how much of which generation it includes,
 * then a fresh log with a new generation. So a crash between the two applies
 * nothing twice. A log that somebody else writes has no generation; it is
 * known by a hash of how it begins.
 *
 *	version: 1
 *	# conjoin: generation 6f1c...	(log)
 *	# conjoin: includes 6f1c... 1234	(content)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_FILES_H
#define CONNECTORS_LDIF_LDIF_FILES_H

#include "connectors/ldif/ldif_entry.h"
#include "connectors/ldif/ldif_overlay.h"

#define LDIF_GENERATION_SIZE 48

struct ldif_files {
	const char *content;      /* where they lie */
	const char *changes;      /* NULL: no log is configured */
	const char *content_told; /* in messages, if not so; or NULL */
	struct sv content_name;   /* as the configuration names them */
	struct sv changes_name;
	const struct ldif_syntax *syntax; /* of both; NULL: LDIF */
	const struct object_type *types;  /* of the agent; borrowed */
	size_t type_count;

	int content_fd; /* -1: there is none */
	int changes_fd;
	uint64_t content_size;
	uint64_t content_end; /* where its entries end, at most */
	int64_t content_time; /* of its last change, in nanoseconds */
	char included[LDIF_GENERATION_SIZE]; /* generation, or "" */
	uint64_t included_to;

	char generation[LDIF_GENERATION_SIZE]; /* "-": no log; "~" foreign */
	uint64_t changes_size;
	uint64_t changes_end;  /* behind the last whole record */
	uint64_t changes_mark; /* so far it was read when all of it was */
};

/* Opens what is there and reads the comments; files->content ... are set. */
int ldif_files_open(struct ldif_files *files, struct error *err);
/* Accepts what was never opened, when both fds are -1. */
void ldif_files_close(struct ldif_files *files);

/* From where on the log is not yet in the content. */
uint64_t ldif_files_start(const struct ldif_files *files);
/* The log is conjoin's own: one with a generation. */
bool ldif_files_owned(const struct ldif_files *files);

/* Begins to read the log at `from`. */
void ldif_files_read_log(const struct ldif_files *files,
			 struct ldif_reader *reader, uint64_t from);

/* What the next delta import continues from: text from arena. */
struct sv ldif_files_watermark(const struct ldif_files *files,
			       struct arena *arena);
/* 1: *from_out is where in the log a delta import continues; 0: it cannot. */
int ldif_files_resume(const struct ldif_files *files, struct sv watermark,
		      uint64_t *from_out, struct error *err);

enum ldif_item_kind {
	LDIF_ITEM_SAME,  /* as the content has it: record, raw, lead */
	LDIF_ITEM_ENTRY, /* changed or added: entry; lead */
	LDIF_ITEM_WHOLE, /* added, by this record alone: record.begin, .end */
	LDIF_ITEM_GONE,  /* deleted: lead */
	LDIF_ITEM_ERROR, /* record->error is set: raw, lead */
	LDIF_ITEM_LOST,  /* a change of what is not there: entry.dn */
};

struct ldif_item {
	enum ldif_item_kind kind;
	struct ldif_record record;
	struct ldif_entry entry;
	struct sv raw; /* until the next item */
	struct sv lead;
};

/* The directory with an overlay's changes applied. */
struct ldif_view {
	struct ldif_files *files;
	struct ldif_overlay *overlay; /* NULL: none; borrowed */
	bool whole; /* LDIF_ITEM_WHOLE may come; set by who can use it */
	struct ldif_reader reader;
	int phase;
	size_t cursor;
};

void ldif_view_init(struct ldif_view *view, struct ldif_files *files,
		    struct ldif_overlay *overlay);
/* 1: an item; 0: end; -1: err is set. */
int ldif_view_next(struct ldif_view *view, struct arena *arena,
		   struct ldif_item *out, struct error *err);
void ldif_view_release(struct ldif_view *view);

/* Called for each record in error of the log; `data` is the caller's. */
typedef void (*ldif_bad_fn)(void *data, const struct ldif_record *record);

/* The log's changes that the content does not include; records in error are
 * reported (bad may be NULL) and left out. */
int ldif_files_overlay(struct ldif_files *files, ldif_bad_fn bad, void *data,
		       struct ldif_overlay **out, struct error *err);

#endif
