/*
 * spool.h - what an export will write, on disk until it is written
 *
 * A temporary file without a name: it is gone with the process. What is added
 * is found again by its offsets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SPOOL_H
#define CONNECTORS_SPOOL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>

struct spool {
	FILE *file; /* NULL: nothing has been added yet */
	struct strbuf buffer;
	uint64_t written;
};

#define SPOOL_INIT                                                             \
	{                                                                      \
		NULL, STRBUF_INIT(STRBUF_NO_LIMIT), 0                          \
	}

/* The offset at which the next bytes will lie. */
static inline uint64_t spool_size(const struct spool *spool)
{
	return spool->written + spool->buffer.len;
}

int spool_add(struct spool *spool, struct sv bytes, struct error *err);
/* Puts all into the file, so that spool_fd() can be read. */
int spool_flush(struct spool *spool, struct error *err);
/* -1 while nothing has been added. */
int spool_fd(const struct spool *spool);
/* The bytes [begin, end), which must have been flushed. */
int spool_read(const struct spool *spool, uint64_t begin, uint64_t end,
	       struct arena *arena, struct sv *out, struct error *err);
/* Accepts the all-zero struct. */
void spool_release(struct spool *spool);

/* Reads a spool that was flushed once more from its beginning; starts as the
 * all-zero struct. */
struct spool_reader {
	struct strbuf block;
	size_t at;     /* of the block: what is to be read next */
	uint64_t from; /* offset behind the block */
};

/* The next `len` bytes, until the next call. */
int spool_next(const struct spool *spool, struct spool_reader *reader,
	       size_t len, struct sv *out, struct error *err);
void spool_reader_release(struct spool_reader *reader);

/* file_replace_open for a file of data: its folder is made, and the new one
 * has the mode of the old. */
int spool_replace(struct file_replace *file, const char *path,
		  struct error *err);

/* Copies the bytes [begin, end) of `fd` to a stream. */
int spool_copy(int fd, uint64_t begin, uint64_t end, FILE *to,
	       struct error *err);
/* Reads exactly these bytes. */
int spool_read_fd(int fd, uint64_t begin, size_t len, char *out,
		  struct error *err);

#endif
