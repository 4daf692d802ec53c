/*
 * file.h - whole files: read, and replace so that a reader sees old or new
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Adds the file's bytes to `out`; ERR_LIMIT past its maximum. */
int file_read(const char *path, struct strbuf *out, struct error *err);
bool file_exists(const char *path);
/* Makes the folder and those above it; one that is there is fine. */
int file_make_dirs(const char *path, struct error *err);
/* Makes the folder that `path` lies in. */
int file_make_parent(const char *path, struct error *err);
/* Makes an empty file that is its owner's alone; one that is there stays. */
int file_make_private(const char *path, struct error *err);
/* The file and its name are on the disk. */
int file_sync(const char *path, struct error *err);
/* To a new file that is its owner's alone. */
int file_copy(const char *from, const char *to, struct error *err);

/*
 * A file that replaces `path` in one step: written beside it, synced, renamed,
 * folder synced. Until file_replace_commit() the old one stays.
 */
struct file_replace {
	FILE *stream; /* write here */
	char *path;
	char *temporary;
};

int file_replace_open(struct file_replace *file, const char *path, mode_t mode,
		      struct error *err);
int file_replace_commit(struct file_replace *file, struct error *err);
/* Drops what was written; accepts the all-zero struct and after commit. */
void file_replace_abort(struct file_replace *file);

#endif
