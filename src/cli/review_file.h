/*
 * review_file.h - the file in which a person decides about values
 *
 * CSV that spreadsheets open and save: the rows of `cleanup`, of which `update`
 * and `action` may be changed. Texts that a spreadsheet would take for a
 * formula have an apostrophe before them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_REVIEW_FILE_H
#define CLI_REVIEW_FILE_H

#include "base/file.h"
#include "base/vec.h"
#include "cleanup/cleanup.h"
#include "connectors/csv/csv_writer.h"

struct review_out {
	struct file_replace file;
	struct csv_writer writer;
	const char *agent;
	const char *checks; /* name or file */
	struct arena arena; /* of a row */
};

/* Borrows the texts. */
int review_out_begin(struct review_out *out, const char *path,
		     const char *agent, const char *checks, struct error *err);
int review_out_add(struct review_out *out, const struct cleanup_row *row,
		   struct error *err);
int review_out_commit(struct review_out *out, struct error *err);
/* Drops what is not committed; accepts the all-zero struct. */
void review_out_release(struct review_out *out);

struct review_rows {
	VEC(struct cleanup_edit) edits; /* rows with an action */
	size_t edited;
	size_t removed;
	size_t complete;
	size_t open;        /* without an action */
	const char *agent;  /* of all rows; NULL: there are none */
	const char *checks; /* the same */
};

/* Memory from the arena, but for the vector. ERR_INVALID: "FILE:LINE: what is
 * wrong"; nothing of it counts then. */
int review_read(const char *path, struct arena *arena, struct review_rows *out,
		struct error *err);
/* The same of a text in UTF-8, which is called `name`. */
int review_read_text(const char *name, struct sv text, struct arena *arena,
		     struct review_rows *out, struct error *err);

/* As a spreadsheet takes it for text, and back; memory from the arena. */
struct sv review_guard(struct sv text, struct arena *arena);
struct sv review_unguard(struct sv text);

#endif
